"""Staff, calendar and standards: names become ids, hours are hours, a team is that of the day."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from client_folder import make

from sqlib import answers, client, tables

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "exports.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def who(tmp_path_factory) -> client.Client:
    files = {"feedback": "served", "staff": "staff", "calendar": "calendar", "standards": "standards"}
    blocks = "".join(f'[[tables.{table}]]\nfiles = ["raw/{name}.csv"]\n' for table, name in files.items())
    texts = {f"{name}__csv": TEXTS[f"{name}_csv"].lstrip() for name in files.values()}
    return make(tmp_path_factory.mktemp("staff") / "x", blocks, **texts)


def test_names_of_people_become_their_ids_in_every_table(who):
    staff, feedback = tables.load(who, "staff"), tables.load(who, "feedback")
    assert staff.frame["staff_id"].tolist() == ["1007", "1007", "1008"]
    assert staff.frame["manager_id"].fillna("").tolist() == ["1008", "1008", ""]
    assert "staff_name" not in staff.frame and "customer_id" not in staff.frame
    assert feedback.frame["staff_id"].tolist() == ["1007", "1007", "1008", "1008"]
    assert staff.problems["rule"].tolist() == ["left_before_hired"] and len(staff.quarantine) == 1


def test_the_team_is_that_of_the_day(who):
    staff, feedback = tables.load(who, "staff").frame, tables.load(who, "feedback").frame
    first, second = TEXTS["teams"]
    placed = answers.place(feedback, staff)
    assert placed["team"].fillna("").tolist() == [first, second, first, ""]  # moved; undated, one post; not yet hired
    kept = answers.place(feedback.assign(team="own"), staff)
    assert set(kept["team"]) == {"own"} and answers.place(feedback, None) is feedback


def test_an_undated_answer_of_someone_with_two_teams_has_none(who):
    staff, feedback = tables.load(who, "staff").frame, tables.load(who, "feedback").frame
    placed = answers.place(feedback.assign(received_at=pd.NaT), staff)
    assert placed["team"].isna().tolist() == [True, True, False, False]


def test_hours_are_times_of_a_day_and_end_after_they_begin(who):
    calendar = tables.load(who, "calendar")
    assert calendar.frame["is_workday"].tolist() == [True, False]
    assert calendar.frame["season_tag"].fillna("").tolist() == ["filing", ""]
    assert calendar.problems[["rule", "row", "column"]].values.tolist() == [
        ["open_hours", 4, "open_to"], ["open_hours", 5, "open_from"],
    ]  # fmt: skip


def test_versions_of_a_standard_stand_side_by_side(who):
    standards = tables.load(who, "standards").frame
    assert standards["version"].tolist() == ["V1", "V2"] and standards["threshold"].tolist() == [2, 1]
    assert standards["dimension"].tolist() == ["efficiency"] * 2
