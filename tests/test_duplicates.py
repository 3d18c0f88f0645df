"""Rows delivered twice count once where something tells records apart; otherwise they are named and used."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from typed import built, joined, raw, rules

from sqlib import contracts, duplicates

SCALE = {"scale_min": "1", "scale_max": "5"}
FEEDBACK = contracts.load("feedback")


def numbered(rows, file: str = "raw/a.csv"):
    """Feedback with ids; the same id always says the same."""
    return raw(file=file, feedback_id=[f"A{i}" for i in rows], score=[str(1 + i * i % 5) for i in rows], **SCALE)


def test_identical_rows_with_an_id_count_once(tmp_path):
    table = built(tmp_path, raw(feedback_id=["A", "B", "A"], score=["5", "4", "5"], **SCALE))
    assert table.frame["feedback_id"].tolist() == ["A", "B"]
    assert table.counts["duplicate"].tolist() == [1]
    copy = table.problems[table.problems["rule"] == "duplicate_row"].iloc[0]
    assert (copy["row"], copy["value"], copy["used"]) == (4, "#2", False)


def test_the_same_id_with_other_content_is_set_aside_whole(tmp_path):
    table = built(tmp_path, raw(feedback_id=["A", "B", "A"], score=["5", "4", "3"], **SCALE))
    assert table.frame["feedback_id"].tolist() == ["B"]
    assert rules(table) == ["duplicate_id_conflict"] * 2 and table.quarantine["source_row"].tolist() == [2, 4]


def test_identical_rows_without_any_id_are_named_and_used(tmp_path):
    table = built(tmp_path, raw(score=["5", "4", "5", "5"] * 10, **SCALE))
    assert len(table.frame) == 40
    found = table.problems.iloc[0]
    assert (found["rule"], found["count"], found["severity"]) == ("identical_rows_suspect", 38, "info")


def test_a_column_that_is_unique_but_for_copies_tells_records_apart(tmp_path):
    unknown = [f"2026-07-01 10:{i:02d}:07" for i in range(40)]
    table = built(tmp_path, raw(score=["5", "4"] * 20 + ["5"], Stamp=[*unknown, unknown[0]], **SCALE))
    assert table.counts["duplicate"].tolist() == [1] and len(table.frame) == 40
    few = built(tmp_path, raw(score=["5", "4", "5"], Stamp=[*unknown[:2], unknown[0]], **SCALE))
    assert few.counts["duplicate"].tolist() == [0]


def test_a_pasted_block_is_described(tmp_path):
    read = numbered([*range(100), *range(20, 50)])
    table = built(tmp_path, read)
    block = table.problems[table.problems["rule"] == "duplicate_block"].iloc[0]
    assert (block["value"], block["count"]) == ("102–131 = 22–51", 30)
    assert table.counts["duplicate"].sum() == 30 and len(table.frame) == 100


def test_overlapping_files_are_named_with_count_and_days(tmp_path):
    days = [f"2026-07-{i:02d}" for i in range(1, 31)]
    first = numbered(range(30))
    second = numbered(range(20, 45), "raw/b.csv")
    first.frame["received_at"] = pd.Series(days, dtype="str")
    second.frame["received_at"] = pd.Series([*days[20:], *["2026-08-05"] * 15], dtype="str")
    table = built(tmp_path, joined(first, second))
    found = table.problems[table.problems["rule"] == "overlapping_files"].iloc[0]
    assert (found["file"], found["value"], found["count"]) == ("raw/b.csv", "raw/a.csv, 2026-07-21..2026-07-30", 10)
    assert table.counts.set_index("file")["duplicate"].to_dict() == {"raw/a.csv": 0, "raw/b.csv": 10}


def test_the_items_of_one_line_are_one_record(tmp_path):
    """Two respondents who agree in one item are no duplicates; two identical lines with an id are."""
    items = raw("feedback_items", feedback_id=list("aabbaa"), item_id=["x", "y"] * 3, score=list("545354"), **SCALE)
    items.frame["source_row"] = [2, 2, 3, 3, 4, 4]
    table = built(tmp_path, items)
    assert table.counts["duplicate"].tolist() == [2] and len(table.frame) == 4


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 5)), min_size=1, max_size=40))
def test_of_every_identical_record_exactly_one_is_kept(rows):
    frame = raw(feedback_id=[f"A{key}" for key, _ in rows], score=[str(score) for _, score in rows]).frame
    copies = duplicates.find(frame, FEEDBACK)
    kept = [row for row, drop in zip(rows, copies.drop, strict=True) if not drop]
    assert kept == list(dict.fromkeys(rows))
    assert all(frame.loc[i, "score"] == frame.loc[j, "score"] for i, j in copies.first.items())
