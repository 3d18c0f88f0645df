"""Mechanical repairs: what changes is logged, what must not change does not."""

import tomllib
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import repairs

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "intake.toml").read_text(encoding="utf-8"))


def body(rows, columns="abc") -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.DataFrame(rows, columns=list(columns), dtype="str")
    return frame, pd.Series(range(2, len(frame) + 2))


def test_outer_spaces_of_every_kind_go_and_are_logged():
    frame, lines = body([["\u3000x\xa0", "in side", "\u200by\t"]])
    found, log = repairs.trim(frame, lines, "f")
    assert found.iloc[0].tolist() == ["x", "in side", "y"]
    log = repairs.joined(log, repairs.LOG)
    assert log[["file", "row", "column", "before", "after"]].values.tolist() == [
        ["f", 2, "a", "\u3000x\xa0", "x"],
        ["f", 2, "c", "\u200by\t", "y"],
    ]


@given(st.lists(st.text(max_size=8), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_the_log_undoes_the_repair(texts):
    frame, lines = body([[text] for text in texts], "a")
    found, log = repairs.trim(frame, lines, "f")
    log = repairs.joined(log, repairs.LOG)
    undone = found["a"].set_axis(lines)
    undone.update(log.set_index("row")["before"])
    assert undone.tolist() == texts
    assert (log["before"] != log["after"]).all()


def test_failed_formulas_are_cleared():
    frame, lines = body([["#N/A", "#ref!", "# of calls"]])
    found, log = repairs.clear_errors(frame, lines, "f")
    assert found.iloc[0].tolist() == ["", "", "# of calls"] and len(repairs.joined(log, repairs.LOG)) == 2


def test_blank_and_total_lines():
    rows = [
        ["1", "x", "5"],
        ["", "", ""],
        [TEXTS["total"], "", "9"],
        ["2", "total", "3"],
        ["", TEXTS["total_spaced"], "12"],
    ]
    blank, total = repairs.useless_lines(body(rows)[0])
    assert blank.tolist() == [False, True, False, False, False]
    assert total.tolist() == [False, False, True, False, True]


def test_a_line_with_words_is_no_total():
    assert not repairs.useless_lines(body([["total", "a customer", "5"]])[0])[1].any()


def test_an_average_is_a_total_only_below_the_last_row():
    rows = [["average", "", "4"], ["good", "", "5"], [TEXTS["average"], "", "4.5"], ["", "", ""], ["Total", "", "9"]]
    assert repairs.useless_lines(body(rows)[0])[1].tolist() == [False, False, True, False, True]


def test_half_width():
    cells = pd.Series(["\uff10\uff10\uff17", "5", None, "\uff0d\uff11"], dtype="str")
    assert repairs.half_width(cells).fillna("none").tolist() == ["007", "5", "none", "-1"]


def test_blank_words():
    cells = pd.Series([TEXTS["dash"], "N/A", "5", " n/a", "a/n/a", None], dtype="str")
    assert repairs.blank(cells, repairs.vocabulary("missing")).isna().tolist() == [True, True, False, True, False, True]


def test_an_empty_log_has_its_columns_and_types():
    assert repairs.joined([], repairs.LOG).columns.tolist() == repairs.LOG
    problems = repairs.joined([], repairs.PROBLEMS)
    assert problems.dtypes[["row", "count", "used"]].astype(str).tolist() == ["int64", "int64", "bool"]
