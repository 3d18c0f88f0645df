"""Verdicts on the planted measures of both demo clients: no verdict may contradict its truth."""

import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "data" / "demo"
sys.path.insert(0, str(DEMO))

from sqlib import client, periods  # noqa: E402
from sqlib.methods import effects, indicator_values  # noqa: E402
from sqlib.reading import Reading  # noqa: E402

TOLD = {
    "jiahe": {"G01": "probably_effective", "G02": "no_effect_worth_having", "G03": "worse", "G04": "cannot_tell",
              "G05": "cannot_tell", "G06": "cannot_tell", "G07": "cannot_tell", "G08": "probably_effective",
              "G09": "cannot_tell", "G10": "too_early", "G11": "cannot_tell", "G12": "too_early"},
    "northbridge": {"M01": "effective", "M02": "effective", "M03": "not_as_planned", "M04": "no_effect_worth_having",
                    "M05": "effective_with_side_effect", "M06": "cannot_tell", "M07": "probably_effective",
                    "M08": "worse", "M09": "cannot_tell", "M10": "cannot_tell", "M11": "too_early",
                    "M12": "cannot_tell"},
}  # fmt: skip
SIZES = {"G01": -1.9, "G03": -4.5, "G08": 9.0, "G09": -9.0, "M01": 5.0, "M02": 5.0, "M03": 2.5, "M05": 0.5, "M08": 2.6,
         "G02": 0.0, "M04": 0.0}  # fmt: skip


@pytest.fixture(scope="module")
def told():
    found = {}
    for name in TOLD:
        who = client.load(DEMO / name)
        reading = Reading(who, periods.parse("2026Q3"), None, pd.Timestamp(who.data_until), "zh")
        values = reading.read("indicator_values", window="history")
        series = indicator_values.series(values, indicators=reading.indicators)
        plan = reading.improvement
        declared = {"worth": plan.worth_having, "calendar": plan.terms, "no_trend": plan.no_trend,
                    "no_season": plan.no_season}  # fmt: skip
        measures = reading.read("measures")
        found[name] = effects.evaluate(measures, reading.indicators, series, as_of=who.data_until, **declared)
    return found


@pytest.mark.parametrize("name", TOLD)
def test_verdicts_on_planted_measures(told, name):
    table = told[name].effects
    own = table[table["primary"].astype(bool)].set_index("measure_id")
    assert own["verdict"].to_dict() == TOLD[name]
    assert own["decision_rule"].notna().all()


def test_intervals_hold_the_planted_sizes(told):
    table = pd.concat([each.effects for each in told.values()])
    own = table[table["primary"].astype(bool)].set_index("measure_id").loc[list(SIZES)]
    truth = pd.Series(SIZES)
    held = (own["low"] <= truth) & (truth <= own["high"])
    assert held.sum() >= len(truth) - 1, own.loc[~held, ["low", "high"]]


def test_what_fades_two_at_once_and_what_is_not_in_the_register_are_named(told):
    both = pd.concat([each.effects for each in told.values()])
    own = both[both["primary"].astype(bool)].set_index("measure_id")
    assert own.loc[["G04", "M07"], "sustained"].tolist() == ["fading", "fading"]
    assert own.loc[["G05", "G06", "M09", "M10"], "reason"].eq("inseparable").all()
    assert own.loc[["G11", "M12"], "reason"].eq("no_indicator").all()
    assert own.loc[["G07", "M06"], "downgrades"].str.contains("after_bad_period").all()
    assert own.loc["M05", "balancing_verdict"] == "worse"
