"""From raw files to typed tables: ten per cent broken, and no row lost, counted by an independent reader."""

import csv
import datetime as dt
import random

import pytest
from client_folder import HEAD, make
from hypothesis import given, settings
from hypothesis import strategies as st
from typed import TEXTS, built, raw

from sqlib import periods, tables
from sqlib.errors import DataProblems, SqlibError

BLOCK = '[[tables.feedback]]\nfiles = ["raw/*.csv"]\nconstants = { scale_min = 1, scale_max = 5 }\n'
CELL = st.sampled_from(["1", "5", "4.0", "7", "-2", "x", None, "3 points"])
DAY = st.sampled_from(["2026-07-01", "2026/8/2", "2027-01-01", "2026-02-30", "1/2/2026", None])


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["A", "B", "C", None]), CELL, DAY, st.sampled_from(["ok", None])),
        min_size=1,
        max_size=30,
    )
)
def test_every_row_is_used_or_accounted_for(tmp_path_factory, rows):
    keys, scores, days, comments = (list(part) for part in zip(*rows, strict=True))
    read = raw(feedback_id=keys, score=scores, received_at=days, comment=comments, scale_min="1", scale_max="5")
    table = built(tmp_path_factory.mktemp("client"), read, as_of=dt.date(2026, 9, 30))
    counts = table.counts.iloc[0]
    assert counts["usable"] == len(table.frame) and counts["quarantined"] == len(table.quarantine)
    parts = counts[["duplicate", "missing_score", "quarantined", "usable"]].sum()
    assert parts == len(rows) == counts["raw_rows"]
    aside = set(table.problems.loc[(table.problems["severity"] == "error") & (table.problems["row"] > 0), "row"])
    assert aside == set(table.quarantine["source_row"])
    assert not aside & set(table.frame["source_row"])
    silent = [row for row, (_, score, _, comment) in enumerate(rows, 2) if score is None and comment is None]
    assert not set(silent) & (set(table.frame["source_row"]) | aside)


def test_ten_per_cent_broken_rows_of_a_file(tmp_path):
    dice = random.Random(0)
    broken = ["7", "abc", TEXTS["words"]["odd"]]
    scores = [dice.choice(broken) if i % 10 == 0 else str(dice.randint(1, 5)) for i in range(1000)]
    lines = [TEXTS["words"]["header_row"], *(f"N{i},{score},ok,2026-07-0{1 + i % 9}" for i, score in enumerate(scores))]
    client = make(tmp_path / TEXTS["words"]["folder"], BLOCK, a__csv="\n".join(lines))
    table = tables.load(client, "feedback", as_of=dt.date(2026, 9, 30))
    with (client.folder / "raw" / "a.csv").open(encoding="utf-8", newline="") as file:
        independent = {row[0]: (row[1], line) for line, row in enumerate(csv.reader(file), 1) if line > 1}
    good = {key for key, (score, _) in independent.items() if score in set("12345")}
    assert set(table.frame["feedback_id"]) == good and len(good) == 900
    assert set(table.quarantine["feedback_id"]) == set(independent) - good
    rows = table.problems.loc[table.problems["row"] > 0, ["row", "value"]].itertuples(index=False)
    assert sorted(rows) == sorted((line, score) for key, (score, line) in independent.items() if key not in good)


def test_the_balance_names_where_rows_went(tmp_path):
    days = ["2026-07-01", "2026-04-01", "2026-07-02", "2026-07-03", "2026-07-02"]
    read = raw(
        feedback_id=list("abcdc"), score=["5", "4", "3", "9", "3"], received_at=days, scale_min="1", scale_max="5"
    )
    table = built(tmp_path, read)
    balance = tables.balance(table, periods.parse("2026Q3"))
    assert balance["file"].tolist() == ["raw/a.csv", ""]
    total = balance.drop(columns="file").iloc[1]
    assert total[["used", "outside_window", "duplicate", "quarantined"]].tolist() == [2, 1, 1, 1]
    assert (balance.drop(columns=["file", "rows"]).sum(axis=1) == balance["rows"]).all()


def test_undated_tables_belong_to_any_period_whole(tmp_path):
    table = built(tmp_path, raw(score=["5", "4"], scale_min="1", scale_max="5"))
    assert tables.balance(table, periods.parse("2026Q3"))["used"].tolist() == [2, 2]
    dated = built(tmp_path, raw(score=["5", "4"], received_at=["2026-07-01", None], scale_min="1", scale_max="5"))
    assert tables.balance(dated, periods.parse("2026Q3"))[["used", "outside_window"]].iloc[-1].tolist() == [1, 1]


def test_a_row_with_only_a_comment_is_used_and_one_with_nothing_is_counted(tmp_path):
    table = built(tmp_path, raw(score=["5", None, None], comment=[None, "late", None], scale_min="1", scale_max="5"))
    assert table.frame["comment"].tolist()[1] == "late" and len(table.frame) == 2
    assert table.counts[["missing_score", "usable", "quarantined"]].iloc[0].tolist() == [1, 2, 0]


def test_a_lost_row_is_a_fault_not_a_number(tmp_path):
    read = raw(score=["5", "4"], scale_min="1", scale_max="5")
    read.counts.loc[0, "raw_rows"] = 3
    with pytest.raises(SqlibError) as raised:
        built(tmp_path, read)
    assert raised.value.code == "tables.balance" and "3" in raised.value.text("zh")


def test_a_table_without_usable_rows_is_refused_with_its_reasons(tmp_path):
    table = built(tmp_path, raw(score=["7", "8"], scale_min="1", scale_max="5"))
    with pytest.raises(DataProblems) as raised:
        tables.usable(table)
    assert "score_on_scale × 2" in raised.value.text("en") and raised.value.exit_status == 1
    assert tables.usable(built(tmp_path, raw(score=["5"], scale_min="1", scale_max="5"))).frame.shape[0] == 1


def test_a_header_without_rows_is_a_problem_not_a_crash(tmp_path):
    table = tables.load(make(tmp_path / "x", BLOCK, a__csv=TEXTS["words"]["header_row"] + "\n"), "feedback")
    assert table.frame.empty and table.problems["rule"].tolist() == ["header_only"]


def test_an_undeclared_table_is_absent(tmp_path):
    assert tables.load(make(tmp_path / "x", BLOCK, a__csv="score\n5\n"), "cases") is None


def test_a_long_comment_and_live_text_survive_whole(tmp_path):
    long = "x" * 300_000
    lines = ["feedback_id,score,comment", f"1,5,{long}", "2,4,<script>alert(1)</script>", '3,3,"=HYPERLINK(""a"")"']
    client = make(tmp_path / "x", BLOCK, HEAD, a__csv="\n".join(lines))
    for _ in range(2):  # read, then from the cache
        table = tables.load(client, "feedback")
        assert table.frame["comment"].tolist() == [long, "<script>alert(1)</script>", '=HYPERLINK("a")']
