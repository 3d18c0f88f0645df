"""Indicator values from a client's sheet to periods on a grid, and measures from a client's register."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from client_folder import make
from typed import built, raw, rules

from sqlib import tables, value_periods

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "indicators.toml").read_text(encoding="utf-8"))
HEAD = '[client]\nname = "x"\n[privacy]\ndemo_key = "key"\n'


def loaded(tmp_path, name: str, table: str = "indicator_values") -> tables.Table:
    sheet = TEXTS["sheets"][name]
    return tables.load(make(tmp_path / "x", sheet["toml"], HEAD, a__csv=sheet["a"].lstrip()), table)


def values(tmp_path, **columns) -> tables.Table:
    size = max(len(cells) for cells in columns.values())
    given = {"indicator_id": ["A"] * size, "value": [str(k) for k in range(size)]} | columns
    return built(tmp_path, raw("indicator_values", **given))


@pytest.mark.parametrize(("label", "bounds"), TEXTS["periods"].items())
def test_a_period_as_sheets_write_it(tmp_path, label, bounds):
    table = values(tmp_path, period=[label])
    found = table.frame[value_periods.BOUNDS].map(lambda day: f"{day:%Y-%m-%d}").to_numpy().tolist()
    assert found == ([bounds.split()] if bounds else [])
    assert bool(bounds) != ("period_unknown" in rules(table))


def test_a_wide_sheet_with_percent_text_half_of_it_and_a_total(tmp_path):
    table = loaded(tmp_path, "wide")
    frame = table.frame
    assert len(frame) == 8 and int(table.counts["blank_or_total"].sum()) == 1
    shares = frame[frame["indicator_id"] != frame["indicator_id"].iloc[-1]].sort_values("period_start")
    assert sorted(shares["value"]) == [91.0, 92.4, 93.1, 94.0, 95.2]
    assert {"share_to_percent", "percent_text", "bounds_from_period"} <= set(table.repairs["rule"])
    assert f"{frame['period_end'].max():%Y-%m-%d}" == "2026-03-31"
    assert table.problems.loc[table.problems["rule"] == "missing_periods", "count"].tolist() == [1]


def test_a_value_follows_from_its_target_and_the_share_reached(tmp_path):
    assert loaded(tmp_path, "attained").frame["value"].tolist() == [22.0, 17.0]


def test_a_register_of_measures(tmp_path):
    table = loaded(tmp_path, "measures", "measures")
    assert rules(table) == ["ended_before_begun"] and table.quarantine["measure_id"].tolist() == ["G3"]
    first, second = table.frame.to_dict("records")
    assert (first["type"], first["status"], first["trigger"]) == ("technology", "running", "after_bad_period")
    assert (first["fidelity"], first["cost"]) == (0.8, 15000.0) and second["status"] == "planned"


def test_ends_follow_from_the_step_between_starts(tmp_path):
    weeks = values(tmp_path, period_start=["2026-01-05", "2026-01-12", "2026-01-26"]).frame
    assert f"{weeks['period_end'].iloc[-1]:%m-%d}" == "02-01"
    months = values(tmp_path, period_end=["2026-01-31", "2026-02-28", "2026-03-31"]).frame
    assert months["period_start"].dt.day.eq(1).all() and months["period_start"].dt.month.tolist() == [1, 2, 3]


def test_one_period_with_two_values_is_set_aside_and_with_one_twice_kept_once(tmp_path):
    table = values(tmp_path, period=["2026-01", "2026-01", "2026-02", "2026-02"], value=["1", "2", "3", "3.0"])
    assert sorted(rules(table)) == ["duplicate_period", "duplicate_period", "repeated_period"]
    assert table.frame["value"].tolist() == [3.0]


def test_another_unit_and_the_recomputed_value_are_no_duplicates(tmp_path):
    table = values(tmp_path, period=["2026-01"] * 3, unit_id=["a", "b", "b"], reported_by_client=["yes", "yes", "no"])
    assert not rules(table) and len(table.frame) == 3


@pytest.mark.parametrize(
    ("start", "end"), [("2026-01-01", "2026-01-30"), ("2026-01-15", "2026-02-14"), ("2026-02-01", "2026-01-31")]
)
def test_a_period_off_the_grid_is_named(tmp_path, start, end):
    table = values(tmp_path, period_start=[start], period_end=[end])
    assert rules(table) == ["irregular_period"] and table.frame.empty


def test_a_week_that_begins_on_another_day_is_named(tmp_path):
    starts = pd.to_datetime(["2026-01-05", "2026-01-12", "2026-01-20"])
    ends = (starts + pd.Timedelta(days=6)).strftime("%Y-%m-%d").tolist()
    table = values(tmp_path, period_start=starts.strftime("%Y-%m-%d").tolist(), period_end=ends)
    assert rules(table) == ["irregular_period"] and len(table.frame) == 2


def test_a_negative_part_and_an_unfinished_period_are_named(tmp_path):
    read = raw("indicator_values", indicator_id=["A", "A"], period=["2026-01", "2026-07"], numerator=["-1", "2"])
    table = built(tmp_path, read, as_of=pd.Timestamp("2026-07-20"))
    assert set(rules(table)) == {"below_min", "not_after_as_of"} and table.frame.empty


def test_gaps_are_counted_on_the_grid():
    starts = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-05-01"])
    frame = pd.DataFrame({"indicator_id": "A", "unit_id": None, "period_start": starts})
    frame["period_end"] = frame["period_start"] + pd.offsets.MonthEnd(0)
    assert value_periods.gaps(frame)["missing"].tolist() == [2]
    assert value_periods.gaps(frame.head(2)).empty
