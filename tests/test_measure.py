"""How much room a text takes: widths of the font, lines broken as a reader expects."""

from hypothesis import given
from hypothesis import strategies as st

from sqlib.formats import measure


def test_chinese_character_is_as_wide_as_the_type_is_high_and_a_latin_letter_narrower():
    assert measure.ems("\u4e2d\u6587") == 2 > measure.ems("abc") > measure.ems("iii")
    assert measure.ems("abc", bold=True) > measure.ems("abc") and measure.ems("\u4e2d", bold=True) == 1


def test_lines_are_full_before_a_new_one_begins():
    assert measure.lines("\u4e2d" * 10, 10) == 1 and measure.lines("\u4e2d" * 11, 10) == 2
    assert measure.lines("one\ntwo", 10) == 2


def test_a_full_stop_does_not_begin_a_line_nor_a_bracket_end_one():
    assert measure.lines("\u4e2d" * 10 + "\u3002", 10) == 2
    assert measure.lines("\u4e2d" * 9 + "\uff08\u4e2d\u4e2d", 10) == 2
    assert measure.lines("a" * 100, 5) >= 10  # a word longer than a line is broken


@given(st.text("ab \u4e2d\uff08\uff09,", max_size=80), st.floats(2, 40))
def test_a_text_needs_no_fewer_lines_than_its_width(text, width):
    assert measure.lines(text, width) * width >= measure.ems(text.strip(" ")) - 1e-6 or " " in text
