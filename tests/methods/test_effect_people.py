"""Measures judged person by person: with a comparison arm an estimate, without one never a verdict."""

import numpy as np
import pandas as pd
import pytest

from sqlib.methods import effect_people, effects
from tests import made_measures as made

NOTHING = made.values({"": []})
NAN = float("nan")


def scores(effect=0.0, *, n=60, seed=1, retest=0.5, how="lot", teams=12) -> pd.DataFrame:
    """``n`` people an arm, scores of sd 10 around 60."""
    rng = np.random.default_rng(seed)
    level, wobble = np.sqrt(retest), np.sqrt(1 - retest)
    true = rng.standard_normal(2 * n) * level
    before, after = (60 + 10 * (true + rng.standard_normal(2 * n) * wobble) for _ in range(2))
    treated = np.arange(2 * n) % 2 == 0
    return pd.DataFrame({
        "measure_id": "M1", "subject_id": [f"P{k}" for k in range(2 * n)], "indicator_id": None,
        "arm": np.where(treated, "treated", "comparison"), "before": before, "after": after + effect * treated,
        "team": [f"T{k // 2 % teams}" for k in range(2 * n)], "chosen_by": how,
    })  # fmt: skip


def worst_quartile(seed, *, n=120, keep=True) -> pd.DataFrame:
    """Those of the lowest quarter get a measure that does nothing; the others are tested before only, or not at all."""
    people = scores(n=n, seed=seed)
    low = people["before"] <= people["before"].quantile(0.25)
    people = people.assign(arm=np.where(low, "treated", "comparison"), after=people["after"].where(low),
                           chosen_by="score")  # fmt: skip
    return people if keep else people[low]


def judge(people, *rows, series=NOTHING, **options):
    known = made.indicators("A", "B")
    return effects.evaluate(made.measures(*rows), known, series, as_of="2025-12-31", people=people, **options)


def first(*args, **options):
    return judge(*args, **options).effects.iloc[0]


def test_a_trial_with_a_clear_effect_is_strong():
    found = first(scores(8.0))
    assert (found["verdict"], found["strength"], found["tier"]) == ("effective", "strong", "A")
    assert (found["design"], found["estimand"], found["second_design"]) == ("ancova", "adjusted_mean", "change_score")
    assert found["low"] < 8 < found["high"] and found["decision_rule"] == "keep"
    assert found["treated"] == found["compared"] == 60 and found["mde"] > 0


def test_without_a_lot_it_is_moderate_and_the_mirror_is_worse():
    found = first(scores(-9.0, how="other"))
    assert (found["verdict"], found["strength"]) == ("worse", "moderate")
    assert "not_randomised" in found["cautions"]
    down = effects.evaluate(made.measures({}), made.indicators("A", direction="down"), NOTHING, as_of="2025-12-31",
                            people=scores(-9.0))  # fmt: skip
    assert down.effects.iloc[0]["verdict"] == "effective"


def test_what_makes_an_answer_weak():
    people = scores(12.0)
    gone = people.assign(after=people["after"].where((people["arm"] == "comparison") | (people.index % 3 > 0)))
    apart = people.assign(before=people["before"] + 5 * (people["arm"] == "treated"),
                          after=people["after"] + 5 * (people["arm"] == "treated"))  # fmt: skip
    teams = people.assign(team=np.where(people["arm"] == "treated", "a", "b") + (people.index // 2 % 6).astype("str"))
    for table, code in ((gone, "attrition_apart"), (apart, "baseline_apart"), (teams, "one_arm_a_team"),
                        (people.assign(chosen_by="score"), "chosen_by_score")):  # fmt: skip
        found = first(table)
        assert code in found["cautions"] and found["strength"] == "weak", code
        assert found["verdict"] == "probably_effective"


def test_no_effect_worth_having_and_nothing_to_tell():
    assert first(scores(n=400), worth={"A": 3.0})["verdict"] == "no_effect_worth_having"
    found = first(scores(2.0))
    assert (found["verdict"], found["reason"]) == ("cannot_tell", "interval_holds_nothing")
    assert found["decision_rule"] == "add_comparison_units"


def test_without_a_comparison_arm_the_gain_is_described_and_never_judged():
    people = scores(15.0)
    result = judge(people[people["arm"] == "treated"])
    found = result.effects.iloc[0]
    assert (found["verdict"], found["reason"], found["tier"]) == ("cannot_tell", "no_control", "D")
    assert found["strength"] == "none" and np.isnan(found["effect"]) and np.isnan(found["p_value"])
    gain = result.diagnostics.set_index("name").loc["gain"]
    assert found["observed_change"] == pytest.approx(gain["estimate"]) and gain["low"] < 15 < gain["high"]
    assert found["decision_rule"] == "add_comparison_units" and result.tests == 0


def test_the_return_to_the_mean_is_computed_where_the_others_are_known():
    known = judge(worst_quartile(1)).diagnostics.set_index("name")["estimate"]
    people = worst_quartile(1)
    chosen, everybody = people.loc[people["arm"] == "treated", "before"].mean(), people["before"].mean()
    assert known["regression_50"] == pytest.approx(0.5 * (everybody - chosen))
    assert abs(known["beyond_50"]) < known["gain"]
    alone = judge(worst_quartile(1, keep=False)).diagnostics.set_index("name")["estimate"]
    assert np.isnan(alone["regression_50"]) and alone["gain"] > 3


def test_choosing_the_worst_never_looks_like_success():
    for seed in range(40):
        found = first(worst_quartile(seed, keep=seed % 2 == 0))
        assert (found["verdict"], found["reason"]) == ("cannot_tell", "no_control")


def test_false_alarms_with_a_comparison_arm_are_few():
    told = [first(scores(seed=100 + seed, n=30, how=("lot", "other")[seed % 2]))["verdict"] for seed in range(100)]
    alarms = pd.Series(told).isin(["effective", "probably_effective", "worse"])
    assert alarms.mean() <= 0.07 and alarms.any()


@pytest.mark.parametrize("teamed", [True, False])
def test_a_trial_without_scores_before_has_another_second_method(teamed):
    people = scores(9.0, teams=20).assign(before=NAN)
    found = first(people if teamed else people.assign(team=None))
    assert (found["estimand"], found["verdict"]) == ("mean_difference", "effective")
    assert found["second_design"] == ("team_means" if teamed else "trimmed_means")
    assert found["second_effect_low"] < 9 < found["second_effect_high"]
    bare = first(scores(9.0, how="other").assign(before=NAN))
    assert (bare["verdict"], bare["reason"]) == ("cannot_tell", "engine_refused")


def test_few_teams_with_both_arms_are_compared_within_and_two_whole_branches_are_refused():
    within = first(scores(9.0, teams=3))
    assert within["verdict"] == "effective" and within["low"] < 9 < within["high"]
    people = scores(9.0)
    result = judge(people.assign(team=people["arm"]))
    assert result.effects.iloc[0]["verdict"] == "cannot_tell"
    assert result.admissibility.set_index("design").at["ancova", "refusal"] == "pre_post.few_teams"


def test_what_is_not_there_is_named():
    people = scores(9.0)
    nobody = people.assign(after=NAN)
    assert first(nobody)[["verdict", "reason"]].tolist() == ["too_early", "nothing_after"]
    assert first(people, {"start_on": pd.Timestamp("2026-02-01")})["verdict"] == "too_early"
    unknown = people.assign(indicator_id="Z")
    lone = judge(unknown, {"indicator_id": None}).effects
    assert lone[["indicator_id", "reason"]].to_numpy().tolist() == [["Z", "unknown_indicator"]]
    stranger = judge(people.assign(measure_id="M9"))
    assert stranger.effects.iloc[0]["reason"] == "no_values" and stranger.strangers == ("M9",)
    named = judge(people.assign(measure_id="m", indicator_id="A"))  # the measure by its name
    assert named.effects.iloc[0]["design"] == "ancova" and named.strangers == ()


def test_p_values_of_people_and_of_series_are_corrected_together():
    y = 50 + made.ar(np.random.default_rng(1), 48)
    y[24:] += 5
    rows = [{"measure_id": "M0", "indicator_id": "B"}, {}]
    plain = {"no_trend": ("B",), "no_season": ("B",)}
    result = judge(scores(6.0, n=40), *rows, series=made.values({"": y}, indicator="B"), **plain)
    own = result.effects.set_index("measure_id")
    assert own["design"].to_dict() == {"M0": "its", "M1": "ancova"} and result.tests == 2
    larger, smaller = own["p_value"].idxmax(), own["p_value"].idxmin()
    assert own.loc[smaller, "p_adjusted"] == pytest.approx(2 * own.loc[smaller, "p_value"])
    assert own.loc[larger, "p_adjusted"] >= own.loc[larger, "p_value"]
    assert set(result.paths["measure_id"]) == {"M0"}  # people have no periods


def test_people_and_a_series_of_the_same_measure_share_one_row():
    y = 50 + made.ar(np.random.default_rng(1), 48)
    series = made.values({"": y})
    named = scores(8.0).assign(indicator_id="A")
    assert first(named, series=series)["design"] == "ancova"
    bare = judge(named[named["arm"] == "treated"], series=series).effects
    assert len(bare) == 1 and bare.iloc[0]["design"] != "ancova"
    unnamed = judge(scores(8.0), series=series).effects.set_index("primary")
    assert unnamed.loc[True, "indicator_id"] == "A" and unnamed.loc[False, "reason"] == "no_indicator"
    other = judge(scores(-9.0).assign(indicator_id="B"), series=series).effects.set_index("primary")
    assert other.loc[True, "balancing_verdict"] == "worse" and other.loc[False, "indicator_id"] == "B"


def test_examine_answers_as_the_effects_take_it():
    found = effect_people.examine(
        made.measures({}), made.indicators("A"), scores(8.0), as_of=pd.Timestamp("2025-12-31")
    )
    assert len(found) == 1 and set(found[0]) == {"case", "designs", "effect", "other", "checks", "described"}
    assert found[0]["designs"].iloc[0][["design", "tier", "cap"]].tolist() == ["ancova", "A", "strong"]
