"""Columns on paper: no word is cut, the longest texts get the room, intervals stand alike in every row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from sqlib.formats import docx, pdf, table_layout
from sqlib.formats.measure import ems
from sqlib.formats.table_layout import Paper, Way

PAPER = table_layout.paper(pdf._typesetting()["table"])
WORD = table_layout.paper(docx.look()["table"] | {"upright": 459.2, "across": 705.8})


def table(*rows: list[str], head: list[str] = ()):
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    above = f"<thead><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr></thead>" if head else ""
    return html.fromstring(f"<table>{above}<tbody>{lines}</tbody></table>")


def interval(estimate: str, low: str, high: str) -> str:
    return f'<span class="sq-est">{estimate}</span> <span class="sq-ci">({low} to {high})</span>'


def layout(*rows, head=()) -> table_layout.Layout:
    return table_layout.layout(table(*rows, head=head), PAPER)


WIDTHS = st.lists(st.tuples(st.floats(1, 30), st.floats(0, 200)), min_size=1, max_size=12)


@given(WIDTHS, st.floats(0, 100))
def test_widths_fill_the_room_and_none_falls_below_its_least(columns, spare):
    least = [low for low, _ in columns]
    room = sum(least) + spare
    widths = table_layout.spread(least, [low + more for low, more in columns], room)
    assert all(width >= low - 1e-6 for width, low in zip(widths, least, strict=True))
    assert sum(widths) == pytest.approx(room)


TEXTS = st.lists(
    st.lists(st.text("ab \u4e2d1", max_size=60), min_size=3, max_size=3), min_size=1, max_size=6
)  # fmt: skip


@pytest.mark.parametrize("paper", [PAPER, WORD])
@given(rows=TEXTS)
def test_columns_of_any_table_make_a_page(paper, rows):
    fit = table_layout.layout(table(*rows), paper)
    assert sum(fit.widths) == pytest.approx(paper.across if fit.way.across else paper.upright)
    assert len(fit.lines) == len(rows) and min(fit.lines) >= 1


NUMBERS = st.lists(st.lists(st.integers(0, 10**7), min_size=5, max_size=5), min_size=1, max_size=5)


@pytest.mark.parametrize("paper", [PAPER, WORD])
@given(rows=NUMBERS)
def test_no_number_breaks(paper, rows):
    fit = table_layout.layout(table(*[[f"{number:,}" for number in row] for row in rows]), paper)
    for row in rows:
        for number, width in zip(row, fit.widths, strict=True):
            assert ems(f"{number:,}") * fit.way.size <= width - 2 * paper.padding
    assert set(fit.lines) == {1}


def test_longest_text_gets_most_of_the_page():
    widths = layout(["name", "a remark " * 20, "12"]).widths
    assert widths[1] > 0.6 * sum(widths) and widths[0] > widths[2] - 20


@pytest.mark.parametrize(
    ("columns", "size", "across"), [(3, 9.5, False), (9, 8.0, False), (11, 7.0, False), (14, 8.0, True)]
)
def test_type_shrinks_before_the_page_is_turned(columns, size, across):
    way = layout(["12,345,678"] * columns).way
    assert (way.size, way.across) == (size, across)


def test_intervals_stand_beside_their_estimates_where_there_is_room_else_below_in_every_row():
    row = [interval("81%", "74%", "86%"), "name"]
    beside, below = layout(row), layout(row[:1] * 8 + row[1:])
    assert (beside.way.stacked, beside.lines) == (False, [1]) and (below.way.stacked, below.lines) == (True, [2])
    whole = max(ems("81%"), ems("(74% to 86%)")) * below.way.size
    assert all(width - 2 * PAPER.padding >= whole for width in below.widths[:8])


def test_words_of_the_head_may_stand_in_two_lines_and_a_bracket_below_the_name():
    body = ["1"] * 4 + ["text " * 40]
    long = layout(body, head=["satisfied customers"] * 4 + ["remark"])
    assert long.lines[0] == 2 and long.widths[0] < ems("satisfied customers") * long.way.size
    name = "\u6ee1\u610f\u7387\uff08\u533a\u95f4\uff09"
    assert layout(body, head=[name] * 4 + ["remark"]).widths[0] < ems(name, bold=True) * 9.5


def test_a_way_for_few_rows_is_not_taken_for_many():
    paper = Paper(100.0, 400.0, 3.0, [Way(10.0, 6.0), Way(5.0, 2.0, most=2), Way(10.0, 6.0, across=True)])
    row = ["12,345,678"] * 3
    assert table_layout.layout(table(row, row), paper).way.size == 5.0
    assert table_layout.layout(table(row, row, row), paper).way.across


def test_lines_of_a_row_are_those_of_its_longest_cell():
    assert layout(["x" * 10, "word " * 2000]).lines[0] > 100
    assert layout(["x"] * 2, ["x", "word " * 40]).lines == [1, 3]
