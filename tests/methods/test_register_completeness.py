import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.register_completeness import PARTS, register_completeness

WHOLE = {"measure_id": "a", "name": "A", "cause": "c", "indicator_id": "fix", "baseline": 70.0, "goal": 80.0,
         "owner": "p", "due_on": pd.Timestamp("2026-06-30"), "cost": 0.0, "finding_id": "f1"}  # fmt: skip
INDICATORS = pd.DataFrame({"indicator_id": ["fix", "late"], "name": ["First fix", "Late"], "direction": ["up", "down"]})


def register(*changes):
    return pd.DataFrame([WHOLE | {"measure_id": f"m{place}"} | change for place, change in enumerate(changes)])


def part(result, name):
    return result.table.set_index("part").loc[name]


def test_what_is_stated_is_counted():
    result = register_completeness(register({}, {"cause": " "}, {"cost": np.nan, "goal": np.nan}), INDICATORS)
    assert part(result, "cause")[["successes", "n"]].to_list() == [2, 3]
    assert part(result, "cost")["successes"] == 2 and part(result, "responsible")["successes"] == 3
    assert result.complete == part(result, "complete")["successes"] == 1
    # Wilson, 1 of 3: Newcombe's formula by hand, z = 1.959964
    assert part(result, "complete")[["low", "high"]].to_list() == pytest.approx([0.0615, 0.7923], abs=5e-5)


def test_a_cost_of_nothing_is_stated():
    assert part(register_completeness(register({}), INDICATORS), "cost")["successes"] == 1


def test_the_least_complete_comes_first():
    measures = register_completeness(register({}, {"cause": None, "owner": None}), INDICATORS).measures
    assert measures["measure_id"].to_list() == ["m1", "m0"] and measures["stated"].to_list() == [5, 7]


def test_an_indicator_may_be_named_and_one_nobody_knows_is_none():
    result = register_completeness(register({"indicator_id": "First fix"}, {"indicator_id": "joy"}), INDICATORS)
    assert result.measures.set_index("measure_id")["indicator"].to_dict() == {"m0": "stated", "m1": "unknown"}
    assert "no_indicators" in register_completeness(register({})).cautions


def test_goals_are_held_against_direction_and_power():
    rows = register({}, {"goal": 60.0}, {"indicator_id": "late", "goal": 60.0}, {"baseline": np.nan}, {"goal": 72.0})
    least = pd.DataFrame({"measure_id": ["m4", "m0"], "mde": [5.0, 5.0]})
    result = register_completeness(rows, INDICATORS, detectable=least)
    found = result.measures.set_index("measure_id")["goal_check"].to_dict()
    assert found == {"m0": "sound", "m1": "contrary", "m2": "sound", "m3": "not_checked", "m4": "too_small"}
    assert part(result, "sound_goal")[["successes", "n"]].to_list() == [2, 4]


def test_findings_link_from_either_side():
    findings = pd.DataFrame({"finding_id": ["f1"], "measure_id": ["m2"]})
    rows = register({}, {"finding_id": "f9"}, {"finding_id": None}, {"finding_id": None})
    result = register_completeness(rows, INDICATORS, findings=findings)
    found = result.measures.set_index("measure_id")["finding"].to_dict()
    assert found == {"m0": "stated", "m1": "unknown", "m2": "stated", "m3": "missing"}


def test_one_person_answering_for_all_is_said():
    assert "one_owner" in register_completeness(register({}, {}, {}), INDICATORS).cautions
    assert "one_owner" not in register_completeness(register({}, {}, {"owner": "q"}), INDICATORS).cautions


def test_a_register_without_columns_states_nothing():
    result = register_completeness(pd.DataFrame({"measure_id": ["a"]}), INDICATORS)
    assert result.measures[list(PARTS)].eq("missing").all(axis=None)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (pd.DataFrame({"measure_id": []}), "nothing"),
        (pd.DataFrame({"name": ["a"]}), "no_column"),
        (pd.DataFrame({"measure_id": ["a", "a"]}), "repeated"),
    ],
)
def test_a_register_that_is_none_is_refused(rows, code):
    with pytest.raises(MethodRefused) as refusal:
        register_completeness(rows, INDICATORS)
    assert refusal.value.code == f"counted.{code}"
    assert all(refusal.value.parts(language)["remedy"] for language in ("zh", "en"))
