"""Text on a slide: measured, made smaller, cut at the end, never larger than its box."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.formats import fitting

LONG = tomllib.loads((Path(__file__).parent / "data" / "office.toml").read_text(encoding="utf-8"))
TITLES = [LONG[language]["title"] for language in ("zh", "en")]


@pytest.mark.parametrize("text", TITLES)
def test_a_narrower_box_takes_more_lines_and_a_longer_text_too(text):
    counts = [fitting.lines(text, width, 20) for width in (900, 600, 300, 100)]
    assert counts == sorted(counts) and counts[0] >= 2
    assert fitting.lines(text * 2, 900, 20) > counts[0]
    assert fitting.lines(text, 900, 20, bold=True) >= counts[0]


@pytest.mark.parametrize("text", TITLES)
def test_a_text_gets_smaller_before_it_is_cut(text):
    whole, large = fitting.line(text, 872, 300, (24, 18, 14))
    same, small = fitting.line(text, 872, 60, (24, 18, 14))
    cut, least = fitting.line(text, 872, 20, (24, 18, 14))
    assert (whole, large) == (text, 24) and same == text and small < large
    assert least == 14 and cut.endswith(fitting.CUT) and text.startswith(cut[:-1])


def test_an_english_text_is_cut_between_words():
    text = LONG["en"]["title"]
    cut = fitting.cut(text, 1, 300, 12)
    assert text[len(cut) - 1] in " (,;:" and cut[:-1] == text[: len(cut) - 1]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(*[st.sampled_from([*TITLES, "x", "\u4e2d\u6587", ""])] * 2), min_size=1, max_size=12),
    st.floats(20, 400),
)
def test_rows_never_grow_beyond_their_height_and_none_is_lost_unsaid(texts, height):
    found = fitting.rows(texts, [200.0, 300.0], height, (14, 12, 10), 8, (0,))
    assert sum(found.heights) <= height
    assert len(found.rows) + found.dropped == len(texts)
    for row, tall in zip(found.rows, found.heights, strict=True):
        need = max(fitting.lines(text, width, found.size) for text, width in zip(row, (200, 300), strict=True))
        assert need * found.size * fitting.LEADING <= tall


def test_the_loose_column_is_cut_first():
    long = LONG["en"]["title"]
    found = fitting.rows([[LONG["en"]["plain"], long]] * 4, [120.0, 200.0], 190, (12,), 8, loose=(1,))
    assert found.dropped == 0 and all(
        row[0] == LONG["en"]["plain"] and row[1].endswith(fitting.CUT) for row in found.rows
    )
