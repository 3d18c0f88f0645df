"""Levels and changes of the indicators: exactly those of the single methods, never over two scales, never too sure."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods import means, promoter_score, proportions, weighting
from sqlib.methods.satisfaction import INDICATORS, SatisfactionResult, satisfaction

SCALES = {"csat": (1.0, 5.0), "nps": (0.0, 10.0), "ces": (1.0, 7.0)}


def answers(scores, metric="csat", scale=None, customers=None, start=0, **columns) -> pd.DataFrame:
    """One row a score; a customer each, or ``customers`` in turn. Satisfied: the best quarter of the scale."""
    low, high = scale or SCALES[metric]
    frame = pd.DataFrame(
        {"score": np.asarray(scores, dtype=float), "metric": metric, "scale_min": low, "scale_max": high}
    )
    frame["satisfied"] = (frame["score"] >= low + 0.75 * (high - low)).astype("boolean").mask(frame["score"].isna())
    frame["cluster"] = [f"c{start + place % (customers or len(frame))}" for place in range(len(frame))]
    if metric == "csat":
        frame["points"] = 100 * (frame["score"] - low) / (high - low)
    return frame.assign(**columns)


def both(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def row(*args, indicator="csat", **options) -> pd.Series:
    return satisfaction(*args, **options).table.set_index("indicator").loc[indicator]


def drawn(seed: int, n: int, scale=(1, 5), shift=0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(np.rint(rng.normal(scale[1] - 1 + shift, 1.2, n)), *scale)


# ---------------------------------------------------------------- agreement with the methods

METHODS = {
    "csat": (proportions.share, {"outcome": "satisfied"}),
    "csat_points": (means.mean, {"value": "points", "scale": (0.0, 100.0)}),
    "csat_mean": (means.mean, {"value": "score", "scale": SCALES["csat"]}),
    "nps": (promoter_score.promoter_score, {"score": "score"}),
    "ces": (means.mean, {"value": "score", "scale": SCALES["ces"]}),
}
TARGETS = {"csat": 0.7, "csat_points": 80.0, "csat_mean": 4.1, "nps": 20.0, "ces": 5.5}


@pytest.mark.parametrize("indicator", INDICATORS)
@pytest.mark.parametrize("customers", [None, 25])
def test_a_level_is_that_of_the_method_called_directly(indicator, customers):
    metric = INDICATORS[indicator][0]
    data = answers(drawn(1, 60, SCALES[metric]), metric, customers=customers)
    method, arguments = METHODS[indicator]
    direct = method(data, **arguments, cluster="cluster", target=TARGETS[indicator], seed=3).table.iloc[0]
    found = row(data, indicator=indicator, targets=TARGETS, seed=3)
    for name in ("estimate", "low", "high", "n", "clusters", "p_value", "p_second", "target"):
        assert found[name] == direct[name], name


@pytest.mark.parametrize("indicator", INDICATORS)
def test_a_change_is_that_of_the_method_called_directly(indicator):
    metric = INDICATORS[indicator][0]
    now = answers(drawn(1, 60, SCALES[metric]), metric, customers=30)
    before = answers(drawn(2, 50, SCALES[metric], -0.5), metric, customers=40, start=10)
    module = {"share": proportions, "mean": means, "promoter_score": promoter_score}[METHODS[indicator][0].__name__]
    arguments = {name: column for name, column in METHODS[indicator][1].items() if name != "scale"}
    pair = both(before.assign(when="before"), now.assign(when="now"))
    direct = module.difference(pair, **arguments, group="when", first="before", second="now", cluster="cluster", seed=3)
    found, direct = row(now, before, indicator=indicator, seed=3), direct.table.iloc[0]
    pairs = {"change": "estimate", "change_low": "low", "change_high": "high", "change_p": "p_value"}
    for name, own in (pairs | {"change_p_second": "p_second"}).items():
        assert found[name] == direct[own], name
    level = METHODS[indicator][0](before, **METHODS[indicator][1], cluster="cluster").table.iloc[0]
    assert found[["previous", "previous_low", "previous_high", "previous_n"]].tolist() == [
        level[name] for name in ("estimate", "low", "high", "n")
    ]


def test_customers_who_answered_both_times_narrow_the_change():
    """The same customers, each as satisfied as before: their own level drops out of the difference."""
    scores = np.array([5, 2] * 40)
    before, now = answers(scores), answers(np.where(np.arange(80) < 8, 7 - scores, scores))
    shared, apart = row(now, before), row(now.assign(cluster=lambda frame: "d" + frame["cluster"]), before)
    assert shared["change"] == apart["change"]
    assert shared["change_high"] - shared["change_low"] < 0.7 * (apart["change_high"] - apart["change_low"])


def test_several_answers_of_one_customer_widen_the_level():
    scores = np.repeat([5, 2], 40)  # customer by customer: each says the same four times
    alone, clustered = row(answers(scores)), row(answers(scores).assign(cluster=np.arange(80) // 4))
    assert clustered["clusters"] == 20
    assert clustered["high"] - clustered["low"] > 1.7 * (alone["high"] - alone["low"])


# ---------------------------------------------------------------- scales


def test_scales_are_never_pooled():
    five, ten = answers([5, 5, 4, 2] * 10), answers([10, 3, 2] * 5, scale=(1.0, 10.0), start=100)
    found = row(both(ten, five))
    assert (found["scale_min"], found["scale_max"], found["n"], found["other_scale"]) == (1, 5, 40, 15)
    assert found["estimate"] == row(five)["estimate"] == 0.75


def test_a_scale_that_changed_makes_the_periods_not_comparable():
    found = row(answers([5, 4, 2] * 10), answers([10, 8, 2] * 10, scale=(0.0, 10.0)))
    assert (found["comparable"], found["change_verdict"]) == ("scale_changed", "not_comparable")
    assert np.isnan(found[["change", "change_low", "change_high", "change_p", "previous"]].astype(float)).all()


def test_the_earlier_answers_on_the_same_scale_are_still_compared():
    before = both(answers([5, 2] * 10, start=500), answers([10, 2] * 30, scale=(0.0, 10.0), start=900))
    found = row(answers([5, 4, 2] * 10), before)
    assert (found["comparable"], found["previous_n"], found["previous"]) == ("yes", 20, 0.5)


def test_answers_without_a_known_scale_take_no_part():
    unknown = answers([5, 4]).assign(scale_min=np.nan, scale_max=np.nan, satisfied=pd.NA)
    assert row(both(unknown, answers([5, 2] * 5)))["n"] == 10
    with pytest.raises(MethodRefused, match="No answer"):
        satisfaction(unknown)


# ---------------------------------------------------------------- which indicators


def test_an_indicator_appears_where_its_metric_was_asked():
    assert satisfaction(answers([5, 2])).table["indicator"].tolist() == ["csat", "csat_points", "csat_mean"]
    unconverted = answers([5, 2]).drop(columns="points")
    assert satisfaction(unconverted).table["indicator"].tolist() == ["csat", "csat_mean"]
    assert satisfaction(answers([9, 2], "nps")).table["indicator"].tolist() == ["nps"]
    asked = both(*(answers([5, 4, 2], metric) for metric in ("ces", "nps", "csat")))
    assert satisfaction(asked).table["indicator"].tolist() == list(INDICATORS)


def test_the_recommendation_may_stand_beside_the_score():
    beside = answers([5, 4, 2, 1]).assign(recommend=[10.0, 9.0, 8.0, np.nan])
    table = satisfaction(beside).table.set_index("indicator")
    assert (table["n"]["csat"], table["n"]["nps"], table["scale_max"]["nps"]) == (4, 3, 10)
    assert table["estimate"]["nps"] == pytest.approx(100 * 2 / 3)
    asked_as_well = both(beside, answers([0, 0], "nps"))
    assert row(asked_as_well, indicator="nps")["estimate"] == pytest.approx(0)
    assert "nps" not in satisfaction(beside.assign(recommend=np.nan)).table["indicator"].tolist()


def test_a_recommendation_on_five_points_has_no_promoter_score():
    five, ten = answers([5, 4, 5], "nps", scale=(1.0, 5.0)), answers([10, 9, 1], "nps", scale=(1.0, 10.0))
    assert row(both(five, ten), indicator="nps")["n"] == 3
    assert satisfaction(both(five, answers([5]))).table["indicator"].tolist() == ["csat", "csat_points", "csat_mean"]


def test_missing_scores_are_left_out():
    found = row(answers([5, np.nan, 2, np.nan]))
    assert (found["n"], found["estimate"]) == (2, 0.5)


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize("best", ["high", "low"])
@pytest.mark.parametrize(("far", "verdict"), [(-2.0, "met"), (0.0, "unclear"), (2.0, "missed")])
def test_a_target_is_met_when_the_whole_interval_is_on_the_good_side(best, far, verdict):
    data = answers([6, 5, 5, 4] * 15, "ces")
    target = data["score"].mean() + (far if best == "high" else -far)
    assert row(data, indicator="ces", targets={"ces": target}, best={"ces": best})["verdict"] == verdict


def test_where_low_is_best_the_direction_stays_that_of_the_number():
    now, before = answers([6, 7] * 40, "ces"), answers([2, 3] * 40, "ces", start=500)
    found = row(now, before, indicator="ces", best={"ces": "low"}, targets={"ces": 3.0})
    assert (found["best"], found["change_verdict"], found["verdict"]) == ("low", "higher", "missed")
    assert row(before, now, indicator="ces", best={"ces": "low"})["change_verdict"] == "lower"
    assert row(now, before, indicator="ces")["best"] == "high"


def test_a_target_belongs_to_its_own_indicator():
    table = satisfaction(answers([5, 5, 4, 2] * 10), targets={"csat_mean": 2.0}).table
    assert table["verdict"].tolist() == ["no_target", "no_target", "met"]
    assert np.isnan(table["target"].iloc[0]) and np.isnan(table["p_value"].iloc[0])


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(3, 40), st.floats(0.02, 0.98))
def test_verdicts_follow_the_intervals(good, bad, before, target):
    now, then = answers([5] * (good + 1) + [2] * (bad + 1)), answers([5, 2] * before, start=500)
    found = row(now, then, targets={"csat": target})
    side = "met" if found["low"] >= target else "missed" if found["high"] < target else "unclear"
    moved = "higher" if found["change_low"] > 0 else "lower" if found["change_high"] < 0 else "not_distinguishable"
    assert (found["verdict"], found["change_verdict"]) == (side, moved)
    if found["verdict"] != "unclear":
        assert found["p_value"] <= 0.05 + 1e-9
    assert found["low"] <= found["estimate"] <= found["high"]


# ---------------------------------------------------------------- nothing to compare with


@pytest.mark.parametrize(
    ("previous", "comparable"),
    [
        (None, "no_previous"),
        (answers([5, 4], "nps"), "no_previous"),
        (answers([5, 4], start=500).assign(score=np.nan, satisfied=pd.NA), "no_previous"),
        (answers([5, 4, 5, 4], customers=1, start=500), "too_few"),
        (answers([5, 4, 5, 4], start=500), "too_few"),
        (answers([5, 4, 5, 4, 2], start=500), "yes"),
    ],
)
def test_why_a_change_can_or_cannot_be_read(previous, comparable):
    found = row(answers([5, 4, 2] * 10), previous)
    assert found["comparable"] == comparable
    assert (found["change_verdict"] == "not_comparable") == (comparable != "yes") == bool(np.isnan(found["change"]))


def test_undated_answers_say_so():
    assert row(answers([5, 4, 2], received_at=pd.NaT))["comparable"] == "undated"
    assert row(answers([5, 4, 2], received_at=pd.Timestamp("2026-08-01")))["comparable"] == "no_previous"


# ---------------------------------------------------------------- raking


def mixed() -> tuple[pd.DataFrame, dict]:
    """80 answers of the small segment at .9, 20 of the large at .5; the base is half and half."""
    small = answers([5] * 72 + [2] * 8, segment="small")
    large = answers([5] * 10 + [2] * 10, segment="large", start=200)
    return both(small, large), {"segment": pd.Series({"small": 0.5, "large": 0.5})}


def test_raking_gives_the_mix_of_the_base():
    data, margins = mixed()
    result = satisfaction(data, margins=margins)
    found = result.table.set_index("indicator").loc["csat"]
    assert found["estimate"] == pytest.approx(0.82) and found["raked"] == pytest.approx(0.5 * 0.9 + 0.5 * 0.5)
    weights = data["segment"].map({"small": 0.5 / 0.8, "large": 0.5 / 0.2})
    assert found["effective_n"] == pytest.approx(weights.sum() ** 2 / (weights**2).sum()) and found["effective_n"] < 100
    direct = proportions.share(data.assign(w=weights), outcome="satisfied", cluster="cluster", weight="w").table.iloc[0]
    assert found[["raked_low", "raked_high", "n_raked"]].tolist() == pytest.approx(list(direct[["low", "high", "n"]]))
    assert isinstance(result.raking, weighting.RakeResult) and result.cautions == result.raking.cautions


def test_answers_that_cannot_be_linked_keep_their_place_in_the_raw_score_only():
    data, margins = mixed()
    unlinked = answers([2] * 50, segment=None, start=900)
    found = row(both(data, unlinked), margins=margins)
    assert (found["n"], found["n_raked"], found["raked"]) == (150, 100, pytest.approx(0.7))


def test_without_margins_there_is_no_raked_score():
    result = satisfaction(answers([5, 2]))
    assert result.raking is None and result.cautions == ()
    raked = ["raked", "raked_low", "raked_high", "n_raked", "effective_n"]
    assert result.table[raked].isna().all(axis=None)
    nobody = satisfaction(answers([5, 2], segment=None), margins={"segment": pd.Series({"small": 1.0})})
    assert nobody.raking is None and nobody.table[raked].isna().all(axis=None)


# ---------------------------------------------------------------- the table


def test_columns_and_units():
    asked = both(*(answers([5, 4, 2], metric) for metric in ("ces", "nps", "csat")))
    table = satisfaction(asked).table
    documented = set(re.findall(r"[a-z]\w*", SatisfactionResult.__doc__))
    assert set(table.columns) <= documented
    assert table["unit"].tolist() == ["percent", "hundred", "score", "nps", "score"]
    assert table["change_unit"].tolist() == ["points", "hundred", "score", "nps", "score"]


def test_the_confidence_asked_for_is_that_of_every_interval():
    data, margins = mixed()
    wide, narrow = (row(data, mixed()[0].assign(cluster="b" + data["cluster"]), margins=margins, confidence=level)
                    for level in (0.99, 0.8))  # fmt: skip
    for name in ("", "raked_", "previous_", "change_"):
        assert wide[f"{name}low"] < narrow[f"{name}low"] < narrow[f"{name}high"] < wide[f"{name}high"]


def test_the_same_seed_gives_the_same_table_and_the_answers_stay_as_they_were():
    data = answers(drawn(5, 40), customers=12)
    before = data.copy()
    one, two = (satisfaction(data, targets={"csat": 0.5}, seed=7).table for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_frame_equal(data, before)


def test_points_of_100_are_the_mean_on_another_scale():
    """A linear conversion moves estimate and interval by 25 points a level; its good end is 100 whichever was best."""
    data = answers(drawn(1, 60), customers=20)
    mean, points = row(data, indicator="csat_mean"), row(data, indicator="csat_points", best={"csat": "low"})
    for name in ("estimate", "low", "high"):
        assert points[name] == pytest.approx(25 * (mean[name] - 1))
    assert (points["best"], points["unit"], points["scale_max"]) == ("high", "hundred", 100.0)
