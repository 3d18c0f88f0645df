"""Phrases of remarks: proposed by a list, scored only where a person approved them, denied ones never found."""

import tomllib
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from client_folder import make

from sqlib import forms, periods, phrase_levels
from sqlib.desk import phrases
from sqlib.reading import Absent, Reading

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "appraisals.toml").read_text(encoding="utf-8"))
BLOCK = '[[tables.appraisals]]\nfiles = ["raw/a.csv"]\nconstants = { scale_min = 1, scale_max = 5 }\n'


@pytest.fixture
def who(tmp_path):
    return make(tmp_path / "x", BLOCK, a__csv=TEXTS["remarks_csv"].lstrip())


def reading(who) -> Reading:
    return Reading(who, periods.parse("2026Q3"), None, None, "zh")


def decided(who, levels: dict[str, tuple[str, str]]) -> None:
    """Enter level and second level of phrases into the workbook, adding those it does not hold."""
    rows = phrase_levels._rows(who).set_index("phrase")
    for phrase, (level, second) in levels.items():
        rows.loc[phrase, ["level", "second"]] = level, second
    filled = rows.fillna("").reset_index()
    forms.write(phrase_levels.FORM, {"phrases": filled}, phrase_levels.path(who), "zh", about={"client": "x"})


@pytest.mark.parametrize(("remark", "held"), TEXTS["found"].items())
def test_a_phrase_is_found_but_not_where_it_is_denied_or_part_of_a_longer_one(remark, held):
    listed = list(phrase_levels.proposed())
    hits = phrase_levels.found(pd.Series([remark]), listed).iloc[0]
    assert list(hits.index[hits]) == held


def test_every_listed_phrase_is_found_in_itself_at_its_own_level():
    listed = phrase_levels.proposed()
    hits = phrase_levels.found(pd.Series(list(listed)), list(listed))
    assert hits.to_numpy().trace() == len(listed) and set(listed.values()) == {1, 2, 3, 4, 5}


def test_nothing_is_scored_before_a_person_decides(who):
    assert isinstance(reading(who).read("phrase_ratings"), Absent)
    assert phrases(who, "2026Q3") == []
    rows = phrase_levels._rows(who)
    said = TEXTS["phrases"]
    assert rows.set_index("phrase")["proposed"].to_dict() == said["proposed"]
    assert rows.set_index("phrase")["remarks"].to_dict() == said["counts"]
    assert TEXTS["person"] not in " ".join(rows["example"])
    assert phrase_levels.approved(who).empty and isinstance(reading(who).read("phrase_ratings"), Absent)


def test_the_reader_is_one_more_rater_on_the_scale_of_the_others(who):
    phrases(who, "2026Q3")
    decided(who, {phrase: tuple(levels) for phrase, levels in TEXTS["decided"].items()})
    found = reading(who).read("phrase_ratings").set_index("ratee_id")
    assert found["rater_id"].unique().tolist() == [phrase_levels.READER]
    assert found["level"].to_dict() == TEXTS["levels"] and found["score"].to_dict() == TEXTS["levels"]
    twice = reading(who).phrase_levels
    assert twice["both"].sum() == sum(bool(first and second) for first, second in TEXTS["decided"].values())
    before = phrase_levels._rows(who)
    phrases(who, "2026Q3")
    kept = ["phrase", *phrase_levels.ENTRIES]
    assert phrase_levels._rows(who)[kept].equals(before[kept])  # entries and added phrases stay


def test_levels_are_laid_out_on_another_scale_and_own_remarks_do_not_count():
    rows = pd.DataFrame({"ratee_id": ["a", "b", "c"], "rater_id": ["x", "y", "c"], "rater_role": [None, "self", None],
                         "period": ["2026Q3"] * 3, "comment": ["reliable", "reliable", "reliable"]})  # fmt: skip
    levels = pd.DataFrame({"phrase": ["reliable", "slow"], "level": [4.0, float("nan")], "second": [4.0, 2.0]})
    found = phrase_levels.ratings(rows, levels, (0, 100))
    assert found.to_dict("records") == [
        {"ratee_id": "a", "rater_id": "reader", "period": "2026Q3", "score": 75, "level": 4, "phrases": 1}
    ]


def test_no_cell_of_the_workbook_is_a_formula(who):
    phrases(who, "2026Q3")
    book = openpyxl.load_workbook(phrase_levels.path(who))
    assert not [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]
