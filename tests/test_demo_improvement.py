"""Measures of the demo clients: a right reading keeps every row, and what is planted can be found in the series."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "data" / "demo"
sys.path[:0] = [str(DEMO)]

import improvement  # noqa: E402
import world as worlds  # noqa: E402

from sqlib import client, periods  # noqa: E402
from sqlib.methods import indicator_values  # noqa: E402
from sqlib.reading import Reading  # noqa: E402

CLIENTS = ["jiahe", "northbridge"]
TABLES = ["measures", "indicators", "indicator_values", "suggestions", "nonconformities", "pulse"]


@pytest.fixture(scope="module")
def read():
    found = {}
    for name in CLIENTS:
        who = client.load(DEMO / name)
        found[name] = Reading(who, periods.parse("2026Q3"), None, pd.Timestamp(who.data_until), "zh")
    return found


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_right_reading_keeps_every_row_and_names_what_is_wrong(read, name, table):
    truth = tomllib.loads((DEMO / name / "truth.toml").read_text(encoding="utf-8"))
    loaded, world = read[name].table_of(table), worlds.load_world(f"{name}_improvement")
    assert len(loaded.frame) == truth["rows"][table]
    exports = [
        key
        for key, spec in world["export"].items()
        if spec.get("table", "") in (table, {"nonconformities": "findings"}.get(table))
    ]
    exports += ["weeks"] if table == "indicator_values" else []
    for flaw in (flaw for export in exports for flaw in world.get("flaws", {}).get(export, [])):
        assert (loaded.problems["rule"] == flaw["rule"]).sum() == len(flaw["rows"]), flaw["rule"]


def test_measures_are_read_whole_and_levels_in_words(read):
    for reading in read.values():
        measures = reading.read("measures")
        assert len(measures) == 12 and measures["fidelity"].dropna().between(0, 1).all()
        assert set(measures["status"]) <= {"planned", "running", "done", "stopped"}
        assert "after_bad_period" in set(measures["trigger"])
        known = set(reading.indicators["indicator_id"])
        assert set(measures["indicator_id"].dropna()) <= known >= set(reading.improvement.worth_having)


def test_the_flattered_months_are_found_by_counting_again(read):
    reading = read["jiahe"]
    own, made = reading.read("indicator_values", window="history"), indicator_values.compute(
        reading.definitions, reading.records, as_of=reading.client.data_until)  # fmt: skip
    found = indicator_values.reconcile(made, own, indicators=reading.indicators)
    checked = found[found["verdict"] != "not_recomputable"]
    spec = worlds.load_world("jiahe_improvement")["counted"]
    wrong = checked[checked["difference"] > 1]
    assert wrong["period_start"].dt.strftime("%Y-%m").tolist() == spec["flattered"]
    assert len(checked) == 30 and (checked["verdict"] == "agree").sum() == 27
    assert np.allclose(wrong["difference"], spec["by"], atol=0.3)


@pytest.mark.parametrize("name", CLIENTS)
def test_every_series_is_regular_and_long_enough(read, name):
    found = indicator_values.series(
        read[name].read("indicator_values", window="history"), indicators=read[name].indicators
    )
    by = found.groupby(["indicator_id", "unit_id", "frequency"])["time"].agg(["size", "max"])
    assert by["size"].between(30, 104).all() and (by["max"] + 1 == by["size"]).all()
    assert found["used"].eq("reported").all() and found["direction"].notna().all()


@pytest.mark.parametrize("name", CLIENTS)
def test_planted_effects_stand_out_of_noise(name):
    """Without noise, season and spells the mean after less the mean before is the planted effect."""
    world = worlds.load_world(f"{name}_improvement")
    series = {each["indicator"]: each for each in world["series"]}
    for each in world["effects"]:
        spec = series[each["indicator"]]
        kind = spec.get("frequency", "month")
        months = pd.period_range(spec["first"], world["plan"]["last"][kind], freq=improvement.FREQUENCY[kind])
        unit = each.get("units", [""])[0]
        one = improvement.effect({"effects": [each]}, each["indicator"], unit, months)
        assert one[months < pd.Period(each["start"], freq=months.freq)].tolist() == [0.0] * int((one == 0).argmin())
        assert np.abs(one).max() == pytest.approx(abs(each["size"]))
        assert (abs(one[-1]) < 1e-9) == (each.get("shape") == "fade")


def test_a_measure_that_began_at_the_worst_moment(read):
    own = read["jiahe"].read("indicator_values", window="history")
    spell = next(spec for spec in worlds.load_world("jiahe_improvement")["series"] if "spells" in spec)
    counts = own[own["indicator_id"] == spec_id(spell)].set_index("period_start")["value"].sort_index()
    bad = counts.loc["2026-01":"2026-02"].mean()
    assert bad > counts.loc[:"2025-12"].mean() + 6 and counts.loc["2026-06":].mean() < bad - 4


def spec_id(spec: dict) -> str:
    return spec["indicator"]


@pytest.mark.parametrize("name", CLIENTS)
def test_each_table_has_a_stream_of_its_own(name, monkeypatch):
    world = worlds.load_world(f"{name}_improvement")
    tables = improvement.simulate(7, name)
    changed = {**world, "suggestions": {**world["suggestions"], "n": 12}, "series": world["series"][1:]}
    monkeypatch.setattr(improvement, "load_world", lambda which: changed)
    again = improvement.simulate(7, name)
    for table in ("findings", "pulse"):
        pd.testing.assert_frame_equal(again[table], tables[table])
    left = tables["values"][tables["values"]["indicator"] != world["series"][0]["indicator"]].reset_index(drop=True)
    assert left["value"].equals(again["values"]["value"]) and len(again["suggestions"]) == 12
