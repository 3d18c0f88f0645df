import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sqlib.methods import rater_fit, ratings
from sqlib.methods.rater_fit import FLAGS, leave_one_out, mean_squares, profiles, separation, standardised

SPEC = importlib.util.spec_from_file_location("bench", Path(__file__).parents[2] / "benchmarks" / "rater_fit.py")
bench = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bench)


def test_mean_squares_worked_by_hand():
    # two raters; residuals 1, -1, 2 at variances 1, 1, 4 and 1, 3 at 2, 2; normal: fourth moments 3 W^2
    residual, variance = np.array([1.0, -1, 2, 1, 3]), np.array([1.0, 1, 4, 2, 2])
    found = mean_squares(residual, variance, 3 * variance**2, np.array([0, 0, 0, 1, 1]), 2)
    np.testing.assert_allclose(found.infit, [(1 + 1 + 4) / 6, 10 / 4])
    np.testing.assert_allclose(found.outfit, [1.0, (0.5 + 4.5) / 2])
    np.testing.assert_allclose(found.infit_sd, [(2 * (1 + 1 + 16)) ** 0.5 / 6, (2 * 8) ** 0.5 / 4])
    np.testing.assert_allclose(found.outfit_sd, [(2 / 3) ** 0.5, 1.0])
    q = (2 / 3) ** 0.5
    assert found.outfit_z[0] == pytest.approx(q / 3)
    assert found.outfit_z[1] == pytest.approx((2.5 ** (1 / 3) - 1) * 3 + 1 / 3)


def test_dichotomous_scores_have_the_variance_of_the_rasch_model():
    # p (1 - p) and its fourth moment: C = W (1 - 3 W), so C / W^2 - 1 = 1 / W - 4
    p = np.array([0.2, 0.5, 0.7, 0.9])
    variance = p * (1 - p)
    fourth = p * (1 - p) ** 4 + (1 - p) * p**4
    found = mean_squares(np.array([0, 1, 1, 1]) - p, variance, fourth, np.zeros(4, dtype=int), 1)
    assert found.outfit_sd[0] ** 2 == pytest.approx((1 / variance - 4).sum() / 16)


def test_standardised_mean_square_is_nearly_normal():
    df = 20
    value = stats.chi2.ppf([0.025, 0.5, 0.975], df) / df
    np.testing.assert_allclose(standardised(value, (2 / df) ** 0.5), [-1.96, 0, 1.96], atol=0.02)


def fitted(situation, planted="nothing", seed=0):
    r = bench.drawn(np.random.default_rng(seed), *bench.SITUATIONS[situation], planted)
    return r, *bench.fitted(r)


def test_rater_like_the_others_stays_within_the_limits():
    r, expected, variance, severity = fitted("small", seed=4)
    table = profiles(r, expected, variance, severity)
    assert table["infit"].between(table["infit_low"], table["infit_high"]).all()
    assert table["infit"].mean() == pytest.approx(1, abs=0.1)
    assert (table["profile"] == "in_line").all() and (table["flags"] == "").all()
    assert (table["spread_low"] < 1).all() and (table["spread_high"] > 1).all()
    assert table["halo"].between(0, 1).all() and table["drift"].isna().all()


@pytest.mark.parametrize(
    ("planted", "situation"),
    [("central_tendency", "small"), ("halo", "large"), ("drifting", "large_months"), ("inconsistent", "small")],
)
def test_planted_habit_is_found_in_its_rater(planted, situation):
    r, *model = fitted(situation, planted, seed=2)
    table = profiles(r, *model)
    assert planted in table["flags"][0].split(";")
    assert sum(planted in flags.split(";") for flags in table["flags"][1:]) <= 1  # one of twenty pages may be wrong


def test_drift_is_that_of_severity_and_shown_by_period():
    r, expected, variance, severity = fitted("large_months", "drifting", seed=2)
    row = profiles(r, expected, variance, severity).iloc[0]
    assert row["drift_low"] < 0.1 < row["drift_high"]
    table = rater_fit.drift(r, expected)
    own = table[table["rater_id"] == "r00"]
    assert own["period"].tolist() == list(range(12)) and (own["low"] < own["estimate"]).all()
    assert own["estimate"].iloc[-1] > 0 > own["estimate"].iloc[0]
    assert table.groupby("rater_id")["n"].sum().to_numpy().tolist() == table_n(r)


def table_n(r):
    return np.bincount(r.rater).tolist()  # one score an occasion


def test_no_habit_no_flag_in_more_than_one_page_of_twenty():
    rng = np.random.default_rng(11)
    runs = 60
    raised = sum(bench.flagged(rng, "small")[0] for _ in range(runs))
    assert raised.max() <= stats.binom.ppf(0.999, runs, 0.05)
    assert len(raised) == len(FLAGS)


def test_too_few_ratings_say_nothing():
    r, expected, variance, severity = fitted("small")
    table = profiles(r, expected, variance, severity, min_n=121)
    assert (table["profile"] == "cannot_tell").all() and table["infit"].isna().all()


def test_without_criterion_period_or_shared_ratees_only_consistency_is_left():
    frame = pd.DataFrame({"ratee": [f"p{k:02}" for k in range(40)], "rater": [f"r{k // 20}" for k in range(40)]})
    frame["score"] = np.random.default_rng(0).normal(size=40)
    r = ratings.coded(frame, ratee="ratee", rater="rater", score="score")
    table = profiles(r, np.zeros(40), np.ones(40))
    assert table[["spread", "halo", "drift"]].isna().all().all()
    assert table["infit"].notna().all() and rater_fit.drift(r, np.zeros(40)).empty


def test_limits_of_a_rating_scale_are_drawn_from_its_categories():
    rng = np.random.default_rng(3)
    p = rng.dirichlet([2, 3, 2], 400)
    levels = np.arange(3.0)
    score = levels[(rng.random((400, 1)) > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)]
    frame = pd.DataFrame({"ratee": np.arange(400) // 4, "rater": 1000 + np.arange(400) % 4, "score": score})
    r = ratings.coded(frame, ratee="ratee", rater="rater", score="score")
    expected = p @ levels
    variance, fourth = ((p * (levels - expected[:, None]) ** k).sum(axis=1) for k in (2, 4))
    drawn = profiles(r, expected, variance, fourth=fourth, probabilities=p, draws=500)
    by_chi = profiles(r, expected, variance, fourth=fourth)
    np.testing.assert_allclose(drawn["infit_low"], by_chi["infit_low"], atol=0.06)
    np.testing.assert_allclose(drawn["infit_high"], by_chi["infit_high"], atol=0.06)
    pd.testing.assert_frame_equal(drawn, profiles(r, expected, variance, fourth=fourth, probabilities=p, draws=500))


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=20), st.floats(0.01, 5))
@settings(max_examples=60, deadline=None)
def test_separation_reliability_and_strata_agree(estimates, se):
    found = separation(estimates, np.full(len(estimates), se))
    observed = np.var(estimates, ddof=1)
    assert 0 <= found.reliability <= 1
    assert found.strata == pytest.approx((4 * found.separation + 1) / 3)
    if observed > se**2:
        assert found.reliability == pytest.approx(1 - se**2 / observed)
        assert found.separation == pytest.approx((observed - se**2) ** 0.5 / se, rel=1e-4)
    else:
        assert found.separation == 0


def test_leaving_out_a_rater_who_turns_the_order_round_moves_the_ranks():
    rows = [(f"p{p}", f"r{r}", p if r < 3 else -4.0 * p) for p in range(5) for r in range(4)]
    frame = pd.DataFrame([*rows, ("q", "r3", 9.0)], columns=["ratee", "rater", "score"])
    r = ratings.coded(frame, ratee="ratee", rater="rater", score="score")

    def refit(keep):
        scores = pd.DataFrame({"ratee_id": r.ratee_ids[r.ratee[keep]], "calibrated": r.score[keep]})
        means = scores.groupby("ratee_id", as_index=False).mean()
        return means.assign(tier=np.where(means["calibrated"] > 0, "A", "B"))

    table = leave_one_out(refit, r)
    assert table["rater_id"].tolist() == ["r0", "r1", "r2", "r3"]
    last = table.iloc[-1]
    assert (last["n"], last["compared"], last["lost"]) == (6, 5, 1)
    assert last["rank_correlation"] == pytest.approx(-1) and last["largest_move"] == 4 and last["tiers_changed"] == 4
    assert table["lost"].iloc[:3].eq(0).all() and table["rank_correlation"].iloc[:3].eq(1).all()


def test_rater_who_keeps_to_the_middle_is_not_taken_for_halo():
    large = bench.SITUATIONS["large"]
    runs = [bench.drawn(np.random.default_rng(seed), *large, "central_tendency") for seed in range(6)]
    flags = [profiles(r, *bench.fitted(r))["flags"][0].split(";") for r in runs]
    assert sum("central_tendency" in own for own in flags) >= 5
    assert sum("halo" in own for own in flags) <= 1


def test_limits_do_not_depend_on_the_order_of_the_rows():
    rng = np.random.default_rng(8)
    pairs = pd.DataFrame({"ratee": np.repeat(range(12), 4), "rater": np.tile(list("abcd"), 12)})
    data = pairs.assign(score=rng.integers(1, 5, 48))
    tables = []
    for rows in (data, data.sample(frac=1, random_state=3)):
        r = ratings.coded(rows, ratee="ratee", rater="rater", score="score")
        expected = r.ratee / 6 + 1.5
        probabilities = np.full((r.n, 4), 0.25)
        tables.append(profiles(r, expected, np.full(r.n, 1.25), probabilities=probabilities))
    pd.testing.assert_frame_equal(*tables)
