"""Appraisals from a client's sheet to what methods take: wide sheets, scales of each criterion, words, names, roles."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from client_folder import make

from sqlib import appraised, audiences, page, periods, tables
from sqlib.methods import scheme
from sqlib.reading import Absent, Reading

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "appraisals.toml").read_text(encoding="utf-8"))
SHEETS, NAMES = TEXTS["sheets"], TEXTS["names"]
HEAD = '[client]\nname = "x"\n[privacy]\ndemo_key = "key"\n'


def client(tmp_path, name: str):
    sheet = SHEETS[name]
    files = {f"{file}__csv": text.lstrip() for file, text in sheet.items() if file != "toml"}
    return make(tmp_path / "x", sheet["toml"], HEAD, **files)


def reading(who, period="2026Q3") -> Reading:
    return Reading(who, periods.parse(period), None, None, "zh")


def cells(frame: pd.DataFrame, *columns: str) -> list[list]:
    return frame[list(columns)].astype(object).where(frame[list(columns)].notna(), None).to_numpy().tolist()


def test_a_wide_sheet_with_a_scale_for_each_criterion(tmp_path):
    who = client(tmp_path, "wide")
    table = tables.load(who, "appraisals")
    frame = table.frame.drop_duplicates("criterion_id").set_index("criterion_id")
    names = NAMES["criteria"]
    assert frame.loc[names, ["scale_min", "scale_max"]].to_numpy().tolist() == [[0, 30], [0, 10], [1, 5]]
    assert frame.loc[names[2], "weight"] == 20
    mixed = table.problems[table.problems["rule"] == "mixed_scales"]
    assert len(mixed) == 1 and mixed["severity"].tolist() == ["info"]
    assert not table.problems["rule"].isin(["scale_break", "scale_differs"]).any() and table.quarantine.empty
    assert {
        "cycle_spelling",
        "counted_from_cycle",
        "scale_from_header",
        "scale_from_zero",
        "criterion_declared",
    } <= set(table.repairs["rule"])


def test_judged_ratings_are_by_others_on_one_scale_with_their_place(tmp_path):
    read = reading(client(tmp_path, "wide"))
    judged = read.read("judged")
    assert list(judged) == appraised.RATING and read.judged_scale == (0, 100) and read.judged_points
    assert len(judged) == 15 and (judged["ratee_id"] != judged["rater_id"]).all()
    first = judged.iloc[0]
    assert (first["ratee_id"], first["rater_id"], first["score"]) == ("S01", "S02", 90)
    assert cells(judged.head(1), "department", "team", "period") == [[*NAMES["place"], "2026Q3"]]
    assert f"{first['rated_on']:%Y-%m-%d}" == "2026-09-30"
    own = read.read("self_ratings")
    assert own["ratee_id"].unique().tolist() == ["S02"] and own["score"].tolist() == pytest.approx(
        [100 * 29 / 30, 100, 100]
    )
    assert isinstance(read.read("formula_scores"), Absent)
    assert read.read("appraisal_account").set_index("kind")["rows"].to_dict() == {
        "deduction": 6,
        "judged": 15,
        "self": 3,
    }


def test_totals_by_the_scheme_of_client_toml(tmp_path):
    read = reading(client(tmp_path, "wide"))
    found = scheme.totals(read.read("scheme_scores"), read.scheme, points=read.judged_points)
    people = found.table.set_index("ratee")
    assert people["deduction"].to_dict() == {"S01": -2, "S02": 0, "S03": -10}
    assert people["total"].round(4).to_dict() == {"S01": 84.6667, "S02": 66.6667, "S03": 64.4444}
    assert people["tier"].to_dict() == {"S01": "A", "S02": "B", "S03": "B"}


def test_a_cycle_counts_in_its_own_period_though_it_is_rated_later(tmp_path):
    who = client(tmp_path, "roles")
    assert len(reading(who, "2026Q3").read("appraisals")) == len(tables.load(who, "appraisals").frame)
    assert isinstance(reading(who, "2026Q4").read("appraisals"), Absent)


def test_one_column_for_each_role_and_the_line_manager_where_the_role_names_nobody(tmp_path):
    read = reading(client(tmp_path, "roles"))
    judged, own = read.read("judged"), read.read("self_ratings")
    assert cells(judged, "ratee_id", "rater_id", "rater_role", "score", "rater_source") == [
        ["S01", "S03", "manager", 88, "line_manager"], ["S02", "S03", "manager", 81, "line_manager"],
    ]  # fmt: skip
    assert cells(own, "ratee_id", "rater_id", "score") == [["S01", "S01", 95], ["S02", "S02", 90], ["S03", "S03", 92]]
    assert read.read("appraisal_account").set_index("kind")["rows"].to_dict()["no_rater"] == 1  # who has no manager
    assert read.judged_scale == (0, 100) and not read.judged_points


def test_one_column_for_each_rater(tmp_path):
    judged = reading(client(tmp_path, "raters")).read("judged")
    assert cells(judged, "ratee_id", "rater_id", "score") == [
        ["S01", "S03", 4], ["S02", "S01", 3], ["S02", "S03", 5], ["S03", "S01", 2],
    ]  # fmt: skip


def test_words_share_the_list_of_their_file_and_letters_are_levels_here(tmp_path):
    who = client(tmp_path, "words")
    frame = tables.load(who, "appraisals").frame
    assert cells(frame, "score", "scale_max") == [[5, 5], [4, 5], [4, 5], [3, 5], [3, 5], [1, 5], [2, 5], [2, 5]]
    letters = tables.load(who, "appraisals").problems
    assert "scale_break" not in set(letters["rule"])
    graded = tables.load(client(tmp_path / "b", "letters"), "appraisals").frame
    assert cells(graded, "score", "scale_max") == [[4, 4], [3, 4], [2, 4], [1, 4]]


def test_a_judged_score_beyond_full_marks_is_set_aside_and_a_computed_one_is_not(tmp_path):
    table = tables.load(client(tmp_path, "beyond"), "appraisals")
    assert table.quarantine["problems"].tolist() == ["score_on_scale"]
    assert table.frame["score"].tolist() == [9, 105]


def test_a_cycle_nobody_can_read_is_named_and_its_rows_have_no_day(tmp_path):
    table = tables.load(client(tmp_path, "unread"), "appraisals")
    assert table.problems.loc[table.problems["rule"] == "cycle_unread", "count"].tolist() == [1]
    assert table.frame["counted_on"].isna().tolist() == [True, False]
    assert table.frame["appeal"].tolist() == [pd.NA, True]


def test_a_small_client_without_criterion_or_cycle(tmp_path):
    read = reading(client(tmp_path, "small"))
    judged = read.read("judged")
    assert cells(judged, "ratee_id", "rater_id", "criterion_id", "score", "period") == [
        ["S01", "S02", "–", 4, "2026-08"], ["S02", "S01", "–", 5, "2026-08"], ["S01", "S03", "–", 3, "2026-08"],
    ]  # fmt: skip
    assert read.judged_scale == (1, 5)
    assert scheme.totals(read.read("scheme_scores"), read.scheme).table["total"].tolist() == [3.5, 5]


def test_without_raters_the_reason_is_told(tmp_path):
    read = reading(client(tmp_path, "no_raters"))
    for language in ("zh", "en"):
        assert read.read("judged").reason(language)
    assert read.read("appraisal_account")["kind"].tolist() == ["no_rater"]


@pytest.mark.parametrize(
    "table", ["appraisals", "judged", "self_ratings", "scheme_scores", "phrase_ratings", "rewards"]
)
@pytest.mark.parametrize("audience", ["team", "client"])
def test_appraisals_reach_neither_a_client_nor_a_team(tmp_path, audience, table):
    who = client(tmp_path, "wide")
    team = NAMES["place"][1] if audience == "team" else ""
    opened = page.open("feedback_analysis", str(who.folder), "2026Q3", audience=audience, team=team)
    assert opened.read(table).code == "not_for_audience"
    assert isinstance(opened.phrase_levels, Absent)
    assert opened.read(table).reason("zh") and opened.read(table).reason("en")


def test_people_are_pseudonyms_in_the_files_of_management_and_absent_from_other_versions(tmp_path):
    who = client(tmp_path, "wide")
    frame = pd.DataFrame({"ratee_id": ["S01"], "rater_id": ["S02"], "inspector_id": ["S03"], "score": [1.0]})
    pair = audiences.disguised(frame.rename(columns={"ratee_id": "first_rater_id"}), who)
    shown = audiences.disguised(frame, who)
    assert pair["first_rater_id"].tolist() == shown["ratee_id"].tolist()  # one person, one pseudonym
    assert not shown[["ratee_id", "rater_id", "inspector_id"]].isin(["S01", "S02", "S03"]).any(axis=None)
    for name in ("team", "client"):
        assert list(audiences.cut(frame, audiences.load(name, team="x"))) == ["score"]
