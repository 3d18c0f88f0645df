"""Columns on paper: no word is cut, the longest texts get the room, intervals stand alike in every row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from sqlib.formats import table_layout


def table(*rows: list[str]):
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return html.fromstring(f"<table><tbody>{lines}</tbody></table>")


def interval(estimate: str, low: str, high: str) -> str:
    return f'<span class="sq-est">{estimate}</span> <span class="sq-ci">({low} to {high})</span>'


WIDTHS = st.lists(st.tuples(st.floats(1, 30), st.floats(0, 200)), min_size=1, max_size=12)


@given(WIDTHS, st.floats(0, 100))
def test_widths_fill_the_room_and_none_falls_below_its_least(columns, spare):
    least = [low for low, _ in columns]
    full = [low + more for low, more in columns]
    room = sum(least) + spare
    widths = table_layout.spread(least, full, room)
    assert all(width >= low for width, low in zip(widths, least, strict=True))
    assert sum(widths) <= room + 1e-6
    assert sum(widths) >= min(room, sum(full)) - 0.02


@given(st.lists(st.lists(st.text("ab \u4e2d1", max_size=60), min_size=3, max_size=3), min_size=1, max_size=6))
def test_shares_of_any_table_make_a_page(rows):
    assert sum(table_layout.layout(table(*rows)).shares) == pytest.approx(100)


def test_longest_text_gets_most_of_the_page():
    shares = table_layout.layout(table(["name", "a remark " * 20, "12"])).shares
    assert shares[1] > 60 and shares[1] > shares[0] > shares[2] - 5


@pytest.mark.parametrize(("columns", "step"), [(3, ""), (9, "sq-small"), (10, "sq-smaller"), (14, "sq-landscape")])
def test_type_shrinks_before_the_page_is_turned(columns, step):
    assert table_layout.layout(table(["12,345,678"] * columns)).step == step


def test_intervals_stand_beside_their_estimates_where_there_is_room_else_below_in_every_row():
    row = [interval("81%", "74%", "86%"), "name"]
    assert table_layout.layout(table(row)).stacked == [False, False]
    assert table_layout.layout(table(row[:1] * 8 + row[1:])).stacked == [True] * 8 + [False]


def test_chinese_character_is_wider_than_a_latin_letter():
    assert table_layout.ems("\u4e2d\u6587") == 2 > table_layout.ems("abc") > table_layout.ems("iii")


def test_only_a_long_row_may_break_and_only_a_short_table_is_kept_whole():
    assert table_layout.layout(table(["x" * 10, "word " * 2000])).tall
    assert not table_layout.layout(table(["x", "word " * 20])).tall
    assert table_layout.layout(table(*[["x"]] * 8)).short and not table_layout.layout(table(*[["x"]] * 9)).short
