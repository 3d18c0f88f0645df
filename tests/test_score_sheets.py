"""Wide score sheets: criteria, raters and roles told apart by their headers, and read without an edit."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from sqlib import client, contracts, score_sheets, starting, tables
from sqlib.errors import ClientError
from sqlib.mapping_form import _kind

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "appraisals.toml").read_text(encoding="utf-8"))
SHEET = TEXTS["crossed_sheet"]


@pytest.mark.parametrize(("header", "said"), TEXTS["split_headers"].items())
def test_criterion_and_role_of_a_header(header, said):
    assert score_sheets.split(header) == tuple(said)


@pytest.mark.parametrize(("header", "rater"), TEXTS["rater_headers"].items())
def test_a_rater_is_a_person_of_the_sheet_or_numbered(header, rater):
    assert score_sheets.is_rater(header, {contracts.normalised(TEXTS["rated"])}) == rater


def test_a_role_within_the_name_of_one_criterion_only_is_part_of_the_name():
    wide = score_sheets.unpivot(["Care for the customer", "Skill"], "criterion")
    assert wide == {
        "columns": ["Care for the customer", "Skill"],
        "name": "criterion_id",
        "value": "score",
        "items": {},
    }


def test_raters_and_roles_go_where_they_belong():
    roles = score_sheets.unpivot(["Self (10%)", "Line manager (90%)"], "role")
    assert roles["name"] == "rater_role"
    assert [given["rater_role"] for given in roles["items"].values()] == ["self", "manager"]
    raters = score_sheets.unpivot(["Judge 1", "Ann Lee score"], "rater")
    assert (raters["name"], raters["items"]) == ("rater_id", {"Ann Lee score": {"rater_id": "Ann Lee"}})


def test_columns_of_several_kinds_are_refused():
    with pytest.raises(ClientError) as caught:
        _kind({"Manner": "criterion", "Self": "role"}, "x")
    assert caught.value.code == "mapping_form.kinds_mixed"
    assert all(all(caught.value.parts(language).values()) for language in ("zh", "en"))


def test_a_sheet_of_criteria_by_role_is_read_without_an_edit(tmp_path):
    (tmp_path / "sheet.csv").write_text(SHEET["file"].lstrip(), encoding="utf-8")
    made = starting.start(tmp_path / "acme", [str(tmp_path / "sheet.csv")], date(2026, 10, 9))
    assert [source.proposal.table for source in made.sources] == ["appraisals"]
    frame = tables.load(client.load(tmp_path / "acme"), "appraisals").frame
    manner = frame[frame["criterion_id"] == SHEET["attitude"]]
    assert len(frame) == 15 and len(manner) == 6
    assert manner[["scale_min", "scale_max"]].drop_duplicates().to_numpy().tolist() == [[0, 20]]
    assert manner.loc[manner["rater_role"] == "manager", "score"].tolist() == [16, 12, 17]
    assert manner.loc[manner["rater_role"] == "self", "score"].tolist() == [19, 20, 18]
    assert frame.loc[frame["scoring"] == "deduction", "score"].abs().tolist() == [1, 0, 3]
