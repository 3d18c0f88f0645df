"""Scores before and after as clients hand them in: names hidden, arms in their words, rows without scores kept."""

import tomllib
from pathlib import Path

import pytest
from client_folder import make

from sqlib import tables

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "pre_post.toml").read_text(encoding="utf-8"))
BLOCK = '[[tables.pre_post]]\nfiles = ["raw/*"]\n'


def loaded(folder, *files: str, block: str = "") -> tables.Table:
    who = make(folder, BLOCK + block, **{f"f{k}__csv": text for k, text in enumerate(files)})
    return tables.load(who, "pre_post", as_of=None)


@pytest.mark.parametrize("name", ["zh", "en"])
def test_a_sheet_as_clients_write_it(tmp_path, name):
    entry = TEXTS[name]
    frame = loaded(tmp_path, entry["sheet"], block=entry.get("block", "")).frame
    assert frame["arm"].tolist() == ["treated", "comparison", "treated", "comparison"]
    assert frame["before"].tolist()[:2] == [62, 71.5] and frame["after"].isna().tolist() == [False, False, False, True]
    assert frame["chosen_by"].tolist() == ["lot", "lot", "score", "lot"]
    assert frame["subject_id"].is_unique and frame["measure_id"].nunique() == 1
    for person in entry["names"]:
        assert not frame.astype("str").apply(lambda column, who=person: column.str.contains(who)).any(axis=None)


def test_who_stands_there_twice_with_other_scores_is_set_aside(tmp_path):
    head = "measure,staff id,arm,pre,post\n"
    table = loaded(tmp_path, head + "M1,E1,yes,60,70\nM1,E2,no,61,62\nM1,E1,yes,60,75\n", head + "M2,E1,yes,50,55\n")
    assert table.frame[["measure_id", "subject_id"]].to_numpy().tolist() == [["M1", "E2"], ["M2", "E1"]]
    assert set(table.quarantine["problems"]) == {"duplicate_id_conflict"}


def test_who_was_never_measured_still_counts(tmp_path):
    table = loaded(tmp_path, "measure,staff id,arm,pre,post\nM1,E1,treated,,\nM1,E2,control,,62\n")
    assert len(table.frame) == 2 and table.frame["after"].notna().sum() == 1


def test_an_unknown_arm_is_set_aside_by_row(tmp_path):
    table = loaded(tmp_path, "measure,staff id,arm,pre,post\nM1,E1,treated,60,70\nM1,E2,maybe,61,62\n")
    assert len(table.frame) == 1 and table.problems["rule"].tolist() == ["unknown_level"]
