import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from sqlib.errors import MethodRefused
from sqlib.methods import facet_abilities, facet_likelihood, facets, rating_steps, ratings
from sqlib.methods.facet_calibration import FacetCalibration, agreement
from sqlib.methods.linear_calibration import LinearCalibration

SHARED = Path(__file__).parents[2] / "../shared/data/writing_ratings_sirt"
TAUS = (-2.0, -0.7, 0.7, 2.0)


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def drawn(seed, people=30, raters=5, criteria=4, per=None, sd=1.2, severity=0.6, taus=TAUS):
    """Ratings drawn from the model, with the abilities, severities and difficulties."""
    rng = np.random.default_rng(seed)
    theta, gamma = rng.normal(0, sd, people), rng.normal(0, severity, raters)
    gamma -= gamma.mean()
    beta = np.linspace(-0.6, 0.6, criteria) if criteria > 1 else np.zeros(1)
    who = np.stack([rng.permutation(raters)[: per or raters] for _ in range(people)])
    each = who.shape[1] * criteria
    i, r, c = (
        np.repeat(np.arange(people), each),
        np.repeat(who.ravel(), criteria),
        np.tile(np.arange(criteria), who.size),
    )
    level = np.arange(len(taus) + 1)
    fit = level * (theta[i] - gamma[r] - beta[c])[:, None] - np.append(0, np.cumsum(taus))
    score = (fit + rng.gumbel(size=fit.shape)).argmax(axis=1) + 1
    return pd.DataFrame({"ratee": i, "rater": r, "criterion": c, "score": score}), theta, gamma, beta


def coded(table, **options):
    given = {name: name for name in ("criterion", "period") if name in table}
    return ratings.coded(table, ratee="ratee", rater="rater", score="score", **given, **options)


def fitted(table, **options):
    return facets.fit(coded(table), **options)


def dense_loglik(r, gamma, beta, taus, mean, sd, nodes=201):
    """The marginal log-likelihood on fixed nodes, one rating after the other; ``taus`` (criteria, steps)."""
    z = np.linspace(-8, 8, nodes)
    total = np.tile(-(z**2) / 2 - np.log(np.sqrt(2 * np.pi) / (z[1] - z[0])), (len(r.ratee_ids), 1))
    for i, j, c, x in zip(r.ratee, r.rater, r.criterion, r.score - r.score.min(), strict=True):
        levels = np.arange(len(taus[c]) + 1)[:, None] * (mean + sd * z - gamma[j] - beta[c])
        levels = levels - np.append(0, np.cumsum(taus[c]))[:, None]
        total[i] += levels[int(x)] - np.log(np.exp(levels).sum(axis=0))
    return np.log(np.exp(total).sum(axis=1)).sum()


# Bock & Lieberman (1970) Psychometrika 35:179: people with each pattern of answers to section 6 of the LSAT, from 00000
# (nothing right) to 11111
LSAT6 = [3, 6, 2, 11, 1, 1, 3, 4, 1, 8, 0, 16, 0, 3, 2, 15, 10, 29, 14, 81, 3, 28, 15, 80, 16, 56, 21, 173, 11, 61, 28,
         298]  # fmt: skip


def test_the_rasch_model_of_lsat6():
    """Rizopoulos (2006) Journal of Statistical Software 17(5), `rasch(LSAT)`: discrimination .7551, difficulties
    -3.6153, -1.3224, -.3176, -1.7301, -2.7802, log-likelihood -2466.938. Items stand as raters, in units of logits."""
    pattern = np.repeat(np.arange(32), LSAT6)
    score = (pattern[:, None] >> np.arange(4, -1, -1)) & 1
    person, item = (code.ravel() for code in np.indices(score.shape))
    found = fitted(pd.DataFrame({"ratee": person, "rater": item, "score": score.ravel()}))
    difficulty = 0.7551 * np.array([-3.6153, -1.3224, -0.3176, -1.7301, -2.7802])
    assert found.loglik == pytest.approx(-2466.938, abs=5e-4)
    assert found.sd == pytest.approx(0.7551, abs=5e-5)
    assert found.severity == pytest.approx(difficulty - difficulty.mean(), abs=2e-4)
    assert found.of("mean") == pytest.approx([-difficulty.mean()], abs=2e-4)


@pytest.mark.parametrize("kind", ["rating_scale", "partial_credit"])
def test_against_a_dense_likelihood_maximised_from_scratch(kind):
    r = coded(drawn(5, people=16, raters=3, criteria=2, taus=(-1, 0, 1))[0])
    sets = 1 if kind == "rating_scale" else 2

    def unpacked(v):
        taus = [np.append(part, -part.sum()) for part in v[3 : 3 + 2 * sets].reshape(sets, 2)]
        taus = taus if sets == 2 else taus * 2
        return np.append(v[:2], -v[:2].sum()), np.array([v[2], -v[2]]), taus, v[-2], np.exp(v[-1])

    found = optimize.minimize(
        lambda v: -dense_loglik(r, *unpacked(v)), np.zeros(5 + 2 * sets), method="BFGS", options={"gtol": 1e-6}
    )
    gamma, beta, taus, mean, sd = unpacked(found.x)
    fit = facets.fit(r, steps=kind)
    assert fit.loglik == pytest.approx(-found.fun, abs=1e-6)
    np.testing.assert_allclose(fit.severity, gamma, atol=1e-5)
    np.testing.assert_allclose(fit.of("difficulty"), beta, atol=1e-5)
    np.testing.assert_allclose(fit.steps["step"], np.concatenate(taus[:sets]), atol=1e-5)
    assert (fit.of("mean")[0], fit.sd) == pytest.approx((mean, sd), abs=1e-5)
    information = _hessian(lambda v: -dense_loglik(r, *unpacked(v)), found.x)
    se = np.sqrt(np.diag(np.linalg.inv(information)))
    np.testing.assert_allclose(fit.se_of("severity")[:2], se[:2], rtol=1e-3)
    assert fit.sd_se / fit.sd == pytest.approx(se[-1], rel=1e-3)


def _hessian(function, x, h=1e-4):
    unit = np.eye(len(x)) * h
    return np.array([
        [(function(x + a + b) - function(x + a - b) - function(x - a + b) + function(x - a - b)) / (4 * h * h)
         for b in unit] for a in unit
    ])  # fmt: skip


@pytest.mark.parametrize("kind", ["rating_scale", "partial_credit"])
def test_gradient_and_information_are_derivatives_of_the_likelihood(kind):
    r = coded(drawn(3, people=30, per=3, criteria=4)[0].query("score != 3 or criterion != 1"))
    design, columns, _ = facets._layout(r, rating_steps.steps(r, kind), facets.linked(r)[0])
    at = facets._start(design, columns) + np.random.default_rng(0).normal(0, 0.1, design.size)

    def evaluated(parameters):
        return facet_likelihood.evaluate(design, parameters, np.zeros(30), 47)

    here, h = evaluated(at), 1e-5
    pairs = [(evaluated(at + h * unit), evaluated(at - h * unit)) for unit in np.eye(design.size)]
    slopes = [(up.loglik - down.loglik) / (2 * h) for up, down in pairs]
    bends = [(up.gradient - down.gradient) / (2 * h) for up, down in pairs]
    np.testing.assert_allclose(here.gradient, slopes, atol=2e-5)
    np.testing.assert_allclose(here.observed, -np.array(bends), atol=1e-4)


def test_influence_is_how_people_move_with_the_parameters():
    r = coded(drawn(8, people=12, per=3)[0])
    fit = facets.fit(r)
    start, h = fit.abilities.theta, 1e-5
    for column in (0, 6, 10, fit.design.size - 2, fit.design.size - 1):
        moved = [
            facet_abilities.abilities(fit.design, fit.columns, fit.parameters + side * unit, fit.vcov, start, 47, 0.95)
            for side, unit in ((h, np.eye(fit.design.size)[column]), (-h, np.eye(fit.design.size)[column]))
        ]
        for estimate, spread in (("theta", "theta_spread"), ("fair", "fair_spread"), ("corrected", "corrected_spread")):
            slope = (getattr(moved[0], estimate) - getattr(moved[1], estimate)) / (2 * h)
            influence = getattr(fit.abilities, spread).influence[:, [column]].toarray()[:, 0]
            left_out = 2e-2 if estimate == "corrected" else 1e-6  # Warm's correction is not differentiated
            np.testing.assert_allclose(influence, slope, atol=left_out)


@pytest.mark.skipif(not SHARED.exists(), reason="shared folder absent")
def test_real_ratings_have_the_variance_that_enough_nodes_give():
    """Variance 3.897 with 61 or more fixed nodes over six standard deviations; 31 nodes mislead: 4.165."""
    wide = pd.read_csv(SHARED / "ratings1.csv")
    table = wide.melt(id_vars=["idstud", "rater"], var_name="criterion", value_name="score")
    fit = fitted(table.rename(columns={"idstud": "ratee"}))
    assert fit.sd**2 == pytest.approx(3.897, abs=5e-4)
    taus = [fit.steps["step"].to_numpy()] * 5
    dense = dense_loglik(coded(table.rename(columns={"idstud": "ratee"})), fit.severity, fit.of("difficulty"), taus,
                         fit.of("mean")[0], fit.sd)  # fmt: skip
    assert fit.loglik == pytest.approx(dense, abs=1e-6)


def test_true_values_lie_within_their_intervals_as_often_as_stated():
    hits = {"theta": [], "severity": [], "fair": []}
    for seed in range(40):
        table, theta, gamma, beta = drawn(1000 + seed)
        fit = fitted(table)
        people = fit.abilities
        level = np.arange(5)[:, None, None]
        p = np.exp(level * (theta[:, None] - beta) - np.append(0, np.cumsum(TAUS))[:, None, None])
        fair = ((level + 1) * p).sum(axis=0) / p.sum(axis=0)
        hits["fair"].append(_within(fair.mean(axis=1), people.fair_low, people.fair_high))
        hits["theta"].append(_within(theta, people.theta_low, people.theta_high))
        half = 1.96 * fit.se_of("severity")
        hits["severity"].append(_within(gamma, fit.severity - half, fit.severity + half))
    assert all(0.91 < np.mean(part) < 0.985 for part in hits.values())


def _within(truth, low, high):
    return ((low <= truth) & (truth <= high)).mean()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_relabelling_and_reversing_change_nothing_but_names_and_signs(seed):
    table = drawn(seed, people=12, raters=4, criteria=2)[0]
    try:
        fit, turned = fitted(table), fitted(table.assign(rater=9 - table["rater"], score=6 - table["score"]))
    except MethodRefused:
        return
    assert turned.loglik == pytest.approx(fit.loglik, abs=1e-5)
    np.testing.assert_allclose(turned.severity, -fit.severity[::-1], atol=2e-4)
    np.testing.assert_allclose(turned.abilities.fair, 6 - fit.abilities.fair, atol=1e-4)


def test_in_a_complete_design_everybody_keeps_the_raw_rank():
    r = coded(drawn(4)[0])
    table = FacetCalibration(r, *facets.linked(r), np.zeros(30, dtype=bool), 0.95).ratees()
    ranks = table[["raw", "corrected", "calibrated"]].round(8).rank()
    assert (ranks["raw"] == ranks["corrected"]).all() and (ranks["raw"] == ranks["calibrated"]).all()


def test_extreme_people_and_raters_stay_finite():
    table = drawn(1)[0]
    table.loc[table["ratee"] == 0, "score"] = 5
    table.loc[table["ratee"] == 1, "score"] = 1
    fit = fitted(table)
    assert fit.abilities.fair[0] == fit.abilities.fair.max() and fit.abilities.fair[1] == fit.abilities.fair.min()
    table.loc[table["rater"] == 0, "score"] = 5
    fit = fitted(table)
    assert "extreme_facet" in fit.cautions and fit.severity.argmin() == 0 and np.isfinite(fit.vcov).all()
    assert np.isfinite(fit.abilities.corrected).all() and 1 < fit.abilities.fair.min() < fit.abilities.fair.max() < 5


def test_an_empty_level_keeps_its_distance_and_is_told():
    table = drawn(1)[0].query("score != 3")
    fit = fitted(table)
    assert fit.cautions == ("empty_category",) and fit.steps[["low", "high"]].to_numpy().tolist() == [
        [1, 2], [2, 4], [4, 5]
    ]  # fmt: skip
    assert "unused_end" in facets.fit(coded(table, scale=(0, 5))).cautions
    halves = fitted(drawn(1)[0].eval("score = score / 2"))
    assert halves.loglik == pytest.approx(fitted(drawn(1)[0]).loglik, abs=1e-8)


def test_unlinked_parts_have_severities_of_their_own():
    table = drawn(6, people=40)[0]
    table["rater"] += 5 * (table["ratee"] >= 20)
    fit = fitted(table)
    assert sorted(np.bincount(fit.rater_part)) == [5, 5] and len(fit.of("mean")) == 2
    assert np.bincount(fit.rater_part, fit.severity) == pytest.approx([0, 0], abs=1e-9)
    alone = table.assign(rater=table["ratee"] // 10).drop_duplicates(["ratee", "criterion"])
    r = coded(alone)
    frames = FacetCalibration(r, *facets.linked(r), np.zeros(40, dtype=bool), 0.95)
    assert frames.raters()["severity"].isna().all() and np.isfinite(frames.ratees()).all().all()


def test_no_differences_between_people_are_told():
    table = drawn(1)[0]
    table["score"] = np.random.default_rng(2).integers(1, 6, len(table))
    fit = fitted(table)
    assert "no_differences" in fit.cautions and np.ptp(fit.abilities.fair) < 0.5 * np.ptp(fit.abilities.corrected)


@pytest.mark.parametrize(
    ("code", "change", "options"),
    [
        ("confounded", {"period": "rater"}, {}),
        ("unbounded", {"score": "ratee % 5 + 1"}, {}),
        ("too_many_levels", {"score": "ratee * 3 + rater"}, {}),
        ("one_level", {"score": "score * (criterion > 0) + 5 * (criterion == 0)"}, {"steps": "partial_credit"}),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(code, change, options):
    table = drawn(1)[0]
    table = table.assign(**{name: table.eval(how) for name, how in change.items()})
    with pytest.raises(MethodRefused) as refused:
        fitted(table, **options)
    assert refused.value.code == f"facets.{code}"
    assert all(set(refused.value.parts(language)) == {"what", "where", "got", "remedy"} for language in ("en", "zh"))


def test_frames_on_the_scale_of_the_scores():
    table, _, gamma, _ = drawn(1, people=60, raters=6, per=3)
    r = coded(table.assign(period=np.random.default_rng(0).integers(0, 2, len(table))))
    parts = facets.linked(r)
    frames = FacetCalibration(r, *parts, np.zeros(60, dtype=bool), 0.95)
    people, raters = frames.ratees(), frames.raters()
    assert ((people["low"] < people["calibrated"]) & (people["calibrated"] < people["high"])).all()
    assert people["low"].min() > 1 and people["high"].max() < 5
    assert np.corrcoef(raters["severity"], gamma)[0, 1] > 0.9
    apart = (raters["difference_low"] > 0) | (raters["difference_high"] < 0)
    assert ((raters["p_value"] < 0.05) == apart).all() and apart.any() and not apart.all()
    matrix = frames.covariance()
    np.testing.assert_allclose(np.sqrt(matrix.diagonal()), people["se"], rtol=1e-9)
    assert frames.difference_se(0, 1) ** 2 == pytest.approx(matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1])
    assert np.linalg.eigvalsh(frames.corrected_covariance()).min() > 0
    for name in ("criterion", "period"):
        assert frames.levels_of(name)["effect"].sum() == pytest.approx(0, abs=1e-9)
    components = frames.components().set_index("component")
    assert ((components["low"] <= components["estimate"]) & (components["estimate"] <= components["high"])).all()
    linear = LinearCalibration(r, *parts, np.zeros(60, dtype=bool), 0.95)
    assert frames.between_people == pytest.approx(linear.between_people, rel=0.1)
    assert frames.reliability() == pytest.approx(linear.reliability(), abs=0.07)
    assert agreement(frames) == pytest.approx(agreement(linear)) and agreement(frames) > 0.98
    assert len(frames.profiles(0)) == 6


def test_the_score_of_a_person_whose_team_hangs_by_a_thread_stays_raw():
    r = coded(drawn(2)[0])
    held = np.arange(30) < 10
    frames = FacetCalibration(r, *facets.linked(r), held, 0.95)
    table = frames.ratees()
    assert (table["calibrated"] == table["raw"])[held].all() and (table["calibrated"] != table["raw"])[~held].any()
    matrix = frames.covariance()
    np.testing.assert_allclose(np.sqrt(matrix.diagonal()), table["se"], rtol=1e-9)
    assert frames.difference_se(0, 1) == pytest.approx((matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1]) ** 0.5)


def test_probabilities_are_those_of_the_expected_scores():
    r = coded(drawn(2)[0].sample(frac=1, random_state=0))
    fit = facets.fit(r)
    p = fit.probabilities(r)
    np.testing.assert_allclose(p @ np.arange(1, 6), fit.expected)
    np.testing.assert_allclose((np.arange(1, 6) ** 2 * p).sum(axis=1) - fit.expected**2, fit.variance, atol=1e-12)
