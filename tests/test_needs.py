"""The register of needs: what a person decided stays, figures follow the run, nothing is lost or rewritten in vain."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from client_folder import make
from openpyxl import load_workbook

from sqlib import forms, needs, periods
from sqlib.errors import ClientError
from sqlib.reading import Reading

LABELS = {"parking": "Parking", "app": "App", "discount": "Discounts"}
BLOCK = '[[tables.feedback]]\nfiles = ["raw/a.csv"]\n'
ZH = tomllib.loads((forms.FOLDER / "needs.toml").read_text(encoding="utf-8"))["sheets"]["needs"]["columns"]["decision"]


@pytest.fixture
def who(tmp_path):
    return make(tmp_path / "acme", BLOCK, a__csv="feedback_id,score\n1,5\n")


def raised(**counts: int) -> pd.DataFrame:
    rows = [{"topic": topic, "comments": count, "estimate": count / 100} for topic, count in counts.items()]
    return pd.DataFrame(rows, columns=["topic", "comments", "estimate"])


def decide(who, topic: str, **entries: str) -> None:
    book = load_workbook(needs.path(who))
    sheet = book.worksheets[1]
    columns = forms.load("needs").sheets["needs"].columns
    heads = {cell.value: cell.column for cell in sheet[1]}
    line = next(row[0].row for row in sheet.iter_rows(min_row=2) if row[0].value == topic)
    for name, value in entries.items():
        at = next(heads[label] for label in columns[name].label.values() if label in heads)
        sheet.cell(line, at).value = value
    book.save(needs.path(who))


def register(who) -> dict[str, dict]:
    return forms.read("needs", needs.path(who))["needs"].set_index("topic").to_dict("index")


def test_where_nobody_asks_for_anything_there_is_no_register(who):
    assert needs.refresh(who, "2026Q3", raised(parking=0), LABELS, "en") is None
    assert needs.decisions(who) is None and not needs.path(who).exists()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_need_is_listed_with_its_figures_and_waits_for_a_decision(who, language):
    needs.refresh(who, "2026Q3", raised(parking=12, app=0), LABELS, language)
    assert list(register(who)) == ["parking"]
    row = register(who)["parking"]
    assert (row["label"], row["period"], row["comments"], row["decision"]) == ("Parking", "2026Q3", "12", "")
    assert row["share"].startswith("12") and needs.decisions(who).empty


@pytest.mark.parametrize("said", [ZH["choices"]["no"]["zh"], "no"])
def test_what_a_person_decided_survives_the_next_run_and_its_figures_do_not(who, said):
    needs.refresh(who, "2026Q3", raised(parking=12, app=3), LABELS, "en")
    decide(who, "parking", decision=said, reason="no room", decided_on="2026-10-05")
    needs.refresh(who, "2026Q4", raised(parking=20, discount=4), LABELS, "en")
    rows = register(who)
    assert list(rows) == ["parking", "discount", "app"]  # a need no longer raised keeps its row
    assert (rows["parking"]["comments"], rows["parking"]["period"]) == ("20", "2026Q4")
    assert (rows["app"]["comments"], rows["app"]["period"]) == ("3", "2026Q3")
    decided = needs.decisions(who).to_dict("records")
    assert decided == [
        {"topic": "parking", "decision": "no", "reason": "no room", "measure": "", "decided_on": "2026-10-05"}
    ]


def test_nothing_is_written_where_nothing_changes(who):
    needs.refresh(who, "2026Q3", raised(parking=12), LABELS, "en")
    decide(who, "parking", decision="later", reason="next year")
    before = needs.path(who).read_bytes()
    needs.refresh(who, "2026Q3", raised(parking=12), LABELS, "en")
    assert needs.path(who).read_bytes() == before


def test_a_need_the_code_book_no_longer_knows_is_not_asked_about(who):
    needs.refresh(who, "2026Q3", raised(parking=12, gone=5), LABELS | {"gone": "Gone"}, "en")
    for topic in ("parking", "gone"):
        decide(who, topic, decision="no", reason="no room")
    reading = Reading(who, periods.parse("2026Q3"), None, None, "en")
    assert needs.decisions(who)["topic"].tolist() == ["parking", "gone"]
    assert reading.decisions["topic"].tolist() == ["parking"]


def test_the_register_of_another_client_is_refused(who, tmp_path):
    needs.refresh(who, "2026Q3", raised(parking=12), LABELS, "en")
    other = make(tmp_path / "other", BLOCK, a__csv="feedback_id,score\n1,5\n")
    Path(needs.path(other)).write_bytes(needs.path(who).read_bytes())
    with pytest.raises(ClientError) as refused:
        needs.decisions(other)
    assert refused.value.code == "forms.another_client"
