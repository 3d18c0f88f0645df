import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sqlib import words
from sqlib.errors import MethodRefused
from sqlib.finders import rater_calibration as finder
from sqlib.methods import crossed, rater_calibration, ratings, severity_prior, variance_intervals
from sqlib.methods.linear_calibration import LinearCalibration
from sqlib.methods.rater_calibration import calibrate

COLUMNS = {"ratee": "ratee", "rater": "rater", "score": "score"}


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def firm(seed=0, people=30, raters=5, criteria=1, severity=0.5, noise=0.7, kept=1.0):
    """Ratings, levels of the people and severities as drawn."""
    rng = np.random.default_rng(seed)
    p, r, c = (code.ravel() for code in np.indices((people, raters, criteria)))
    u, v = rng.normal(0, 1, people), rng.normal(0, severity, raters)
    y = u[p] - v[r] + rng.normal(0, noise, len(p)) + 0.2 * c
    data = pd.DataFrame({"ratee": [f"p{i:02}" for i in p], "rater": [f"r{i}" for i in r], "criterion": c, "score": y})
    return data[(rng.random(len(p)) < kept) | (p % raters == r)], u, v


def linear(data, **options):
    return calibrate(data, **{**COLUMNS, **options}, model="linear")


def team(data):
    """Everybody's home rater's number."""
    return data["ratee"].str[1:].astype(int) % data["rater"].nunique()


def test_complete_design_ranks_as_the_raw_means():
    found = linear(firm()[0]).ratees
    for name in ("corrected", "calibrated"):
        assert (found[name].rank() == found["raw"].rank()).all()


def test_is_exactly_the_crossed_model():
    data, _, _ = firm(kept=0.4)
    found = linear(data)
    codes = {name: pd.factorize(data[name], sort=True)[0] for name in ("ratee", "rater")}
    fit = crossed.fit(data["score"], factors=codes)
    components = found.variance_components.set_index("component")
    assert list(components.index) == ["ratee", "rater", "residual"]
    assert components["estimate"].to_numpy() == pytest.approx(fit.variances.to_numpy(), rel=1e-9)
    assert found.ratees["calibrated"].to_numpy() == pytest.approx(fit.intercept + fit.effects("ratee"), abs=1e-8)
    assert found.raters["severity"].to_numpy() == pytest.approx(-fit.effects("rater"), abs=1e-8)
    assert components["share"].sum() == pytest.approx(1)


def test_corrected_takes_out_severity_and_criterion():
    data, _, _ = firm(criteria=3, kept=0.5)
    found = linear(data, criterion="criterion")
    assert set(found.variance_components["component"]) == {
        "ratee", "rater", "rater_criterion", "ratee_rater", "residual"
    }  # fmt: skip
    model = found.engine.model
    effects = {name: model.fit.effects(name) for name in ("rater", "rater_criterion", "criterion")}
    left = data["score"] - effects["rater"][model.r.rater] - effects["criterion"][model.r.criterion]
    left -= effects["rater_criterion"][model.r.rater * 3 + model.r.criterion]
    expected = left.groupby(data["ratee"]).mean()
    assert found.ratees["corrected"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-9)
    assert found.criteria["effect"].sum() == pytest.approx(0, abs=1e-8)


def test_standard_errors_are_of_one_piece():
    found = linear(firm(kept=0.4)[0])
    covariance = found.covariance
    assert np.sqrt(np.diag(covariance)) == pytest.approx(found.ratees["se"].to_numpy(), rel=1e-6)
    pair = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert found.difference_se(0, 1) == pytest.approx(pair**0.5, rel=1e-6)
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert np.linalg.eigvalsh(found.corrected_covariance).min() > 0
    assert (np.diag(found.corrected_covariance) > 0).all()


def test_few_raters_are_fitted_as_fixed_too():
    found = linear(firm()[0])
    assert "few_raters" in found.cautions
    assert found.rater_prior > 0
    means = firm()[0].groupby("rater")["score"].mean()
    assert found.raters_fixed["severity"].to_numpy() == pytest.approx((means.mean() - means).to_numpy(), abs=1e-8)
    assert linear(firm(raters=9)[0]).raters_fixed is None


def test_a_severe_rater_is_named():
    data, _, _ = firm(severity=0.1)
    data.loc[data["rater"] == "r2", "score"] -= 2
    raters = linear(data).raters.set_index("rater_id")
    assert raters.loc["r2", "verdict"] == "severe"
    assert raters.loc["r2", "difference_low"] > 0
    assert not (raters["verdict"].drop("r2") == "severe").any()


def test_parts_are_not_compared():
    data, _, _ = firm()
    unlinked = data[(data["ratee"] < "p15") == data["rater"].isin(["r0", "r1", "r2", "r3"])]
    found = linear(unlinked)
    assert (found.parts, found.connected, found.joint_ranking) == (2, False, False)
    alone = found.raters.set_index("rater_id").loc["r4"]
    assert np.isnan(alone["severity"])
    assert alone["verdict"] == "cannot_tell"
    assert found.ratees[["calibrated", "se", "low", "high"]].notna().all(axis=None)
    for part, rows in unlinked.groupby(unlinked["ratee"] >= "p15"):
        own = found.ratees.set_index("ratee_id").loc[rows["ratee"].unique()]
        assert own["part"].nunique() == 1
        assert own["calibrated"].mean() == pytest.approx(rows["score"].mean(), abs=0.05), part


def chain(shared, seed=4):
    rng = np.random.default_rng(seed)
    rows = [(t, i, t) for t in range(6) for i in range(5)]
    rows += [(t, i, t + 1) for t in range(5) for i in range(shared)]
    t, i, r = np.array(rows).T
    u, v = rng.normal(0, 1, (6, 5)), rng.normal(0, 0.3, 6)
    score = u[t, i] - v[r] + rng.normal(0, 0.7, len(t))
    return pd.DataFrame({"ratee": t * 10 + i, "rater": [f"r{k}" for k in r], "team": t, "score": score})


def test_thin_chains_keep_raw_scores_within_teams():
    found = linear(chain(1), group="team")
    assert not found.joint_ranking
    assert "thin_links" in found.cautions
    assert (found.ratees["calibrated"] == found.ratees["raw"]).all()
    assert (found.ratees.groupby("part")["group"].nunique() == 1).all()
    assert (found.ratees["low"] < found.ratees["high"]).all()


def test_chains_of_single_ratings_without_noise_are_answered_within_teams():
    for seed in range(100):  # as many scores as effects: now and then the likelihood is highest without noise
        found = linear(chain(1, seed), group="team")
        if "noise_assumed" in found.cautions:
            break
    assert "noise_assumed" in found.cautions and not found.joint_ranking
    assert (found.ratees["calibrated"] == found.ratees["raw"]).all()
    assert found.engine.model.fit.residual_variance > 0.01
    assert ((found.ratees["se"] > 0.1) & (found.ratees["high"] - found.ratees["low"] < 20)).all()


def test_falling_back_from_facets_says_why():
    data, _, _ = firm()
    data["score"] = np.select([data["score"] > 0.5, data["score"] > -0.5], [100, 33], 0)
    found = calibrate(data, **COLUMNS)
    assert found.model == "linear" and "facets_too_many_levels" in found.cautions
    assert "facets_too_many_levels" not in linear(data).cautions


def test_every_reason_to_fall_back_has_a_code_and_every_caution_words():
    reasons = {f"facets_{code}" for code in words.catalogue("errors/facets")} - {
        "facets_one_level"
    }  # partial credit only
    assert set(rater_calibration.FALLEN_BACK) == reasons
    steps = {"extreme_facet", "empty_category", "unused_end", "levels_by_rank", "no_differences", "no_severity"}
    assert steps | reasons | {"noise_assumed", "criterion_left_out"} == set(finder.SAID)
    for code in finder.SAID:
        assert len({words.text("page", "limit", code, language=language) for language in words.LANGUAGES}) == 2


@pytest.mark.parametrize(
    "bad, code",
    [
        (lambda d: d[team(d) == d["rater"].str[1:].astype(int)], "rater_calibration.rated_once"),
        (lambda d: d[d["ratee"] == "p00"], "ratings.one_ratee"),
        (lambda d: d.assign(score=5), "ratings.constant"),
        (lambda d: d.assign(rater=d["ratee"]), "ratings.only_self"),
        (lambda d: d.assign(score=np.where(np.arange(len(d)) == 3, 1e9, d["score"])), "ratings.absurd"),
        (lambda d: d.assign(score=d["ratee"].str[1:].astype(float)), "crossed.no_noise"),
        (lambda d: d.assign(rater=d["ratee"] + d["rater"]), "rater_calibration.nothing_shared"),
        (lambda d: d[d["ratee"].isin(["p00", "p01"]) & d["rater"].isin(["r0", "r1"])].iloc[:3], "crossed.too_few"),
    ],
)
def test_bad_designs_are_refused(bad, code):
    with pytest.raises(MethodRefused) as refused:
        linear(bad(firm()[0]))
    assert refused.value.code == code
    for language in ("en", "zh"):
        assert refused.value.text(language)


@pytest.mark.parametrize(
    "odd",
    [
        lambda d: d.assign(score=np.where(d["rater"] == "r1", 0.0, d["score"])),
        lambda d: d.assign(score=d["score"] - d.groupby("rater")["score"].transform("mean")),
        lambda d: pd.concat([d, d.iloc[:3]]),
        lambda d: d.assign(score=np.where(d["ratee"] == "p00", d["score"], 5)),
        lambda d: d.assign(score=(d["score"] > 0).astype(int)),
        lambda d: d.assign(score=d["score"] + 1e7),
        lambda d: d[d["ratee"].isin(["p00", "p01"]) & d["rater"].isin(["r0", "r1"])],
    ],
)
def test_odd_designs_are_answered_without_a_warning(odd):
    found = linear(odd(firm()[0]))
    values = found.ratees[["raw", "corrected", "calibrated", "se", "low", "high"]]
    assert np.isfinite(values.to_numpy()).all()
    assert ((values["low"] <= values["calibrated"]) & (values["calibrated"] <= values["high"])).all()


def test_no_variance_between_raters_leaves_the_raw_scores():
    data, _, _ = firm(kept=0.4, severity=0.0, seed=2)
    data["score"] -= data.groupby("rater")["score"].transform("mean")
    found = linear(data)
    assert "no_severity" in found.cautions
    assert found.ratees["corrected"].to_numpy() == pytest.approx(found.ratees["raw"].to_numpy())


def test_one_rater_each_is_answered_within_the_rater_where_criteria_repeat():
    data, _, _ = firm(criteria=3)
    found = linear(data[team(data) == data["rater"].str[1:].astype(int)], criterion="criterion")
    assert found.parts == 5
    assert found.raters["severity"].isna().all()
    assert found.ratees["se"].notna().all()


def test_limits_stay_on_the_declared_scale():
    data, _, _ = firm()
    data["score"] = (3 + data["score"]).clip(1, 5)
    found = linear(data, scale=(1, 5)).ratees
    assert found["high"].max() <= 5
    assert found["low"].min() >= 1


@pytest.mark.parametrize("kept", [1.0, 0.3])
def test_intervals_hold_the_truth(kept):
    inside = []
    for seed in range(120):
        data, u, v = firm(seed, kept=kept, severity=1.0)
        one_part = [np.zeros(size, dtype=int) for size in (len(u), len(v))]
        engine = LinearCalibration(ratings.coded(data, **COLUMNS), *one_part, one_part[0] > 0, 0.95)
        for table, truth in ((engine.ratees(), u), (engine.raters(), v)):
            inside.append(((table["low"] <= truth) & (truth <= table["high"])).mean())
    people, raters = np.mean(inside[::2]), np.mean(inside[1::2])
    assert 0.91 < people < 0.99
    assert 0.88 < raters < 0.99  # five raters share one mean: 120 sets are worth little more than 120 draws


def test_calibrated_ranks_are_nearer_the_truth():
    gains = []
    for seed in range(8):
        data, u, _ = firm(seed, kept=0.3, severity=1.0)
        found = linear(data).ratees
        gains.append(stats.spearmanr(u, found["calibrated"])[0] - stats.spearmanr(u, found["raw"])[0])
    assert np.mean(gains) > 0.02


def test_unknown_model_is_refused():
    with pytest.raises(MethodRefused) as refused:
        calibrate(firm()[0], **COLUMNS, model="neural")
    assert refused.value.code == "rater_calibration.unknown_model"


@pytest.mark.parametrize("model", ["linear", "facets"])
def test_rated_once_is_refused_by_either_model(model):
    data = firm(kept=0.0)[0].assign(score=lambda d: d["score"].round().clip(-1, 1))
    with pytest.raises(MethodRefused) as refused:
        calibrate(data.assign(rater="r"), **COLUMNS, model=model)
    assert refused.value.code == "rater_calibration.rated_once"


def test_evidence_for_a_variance_between_people_is_the_likelihood_with_that_of_raters_integrated_out():
    data, _, _ = firm(seed=5, kept=0.3)
    codes = {name: pd.factorize(data[name], sort=True)[0] for name in ("ratee", "rater")}
    fit = crossed.fit(data["score"].to_numpy(), {}, codes)
    at = fit.equations.random.index("rater")

    def node(ratio):
        ratios = np.where(np.arange(2) == at, fit.solved.ratios[at], ratio)
        return severity_prior.Integrated(fit, "rater", 3.0, fit.equations.at(ratios)).log_evidence

    def direct(ratio):
        x = np.linspace(-12, np.log(9 / fit.residual_variance), 600)
        height = [
            -fit.equations.at(np.where(np.arange(2) == at, one, ratio)).deviance / 2 for one in np.exp(x)
        ]  # fmt: skip
        density = np.exp(np.array(height) - max(height) + x) * (np.exp(x) + 1 / 10) ** -severity_prior.POWER_OF_FEW
        return max(height) + np.log(np.trapezoid(density, x))

    assert node(2.0) - node(0.5) == pytest.approx(direct(2.0) - direct(0.5), abs=0.1)


def test_no_variance_between_people_leaves_differences_unsure():
    rng = np.random.default_rng(2)
    for seed in range(20):
        data = firm(seed, kept=0.2)[0].assign(score=lambda d: rng.normal(0, 1, len(d)))
        found = linear(data)
        if "no_differences" in found.cautions:
            break
    assert (found.ratees["calibrated"].nunique() == 1) and found.difference_se(0, 1) > 0.05


def test_variance_of_next_to_no_degrees_of_freedom_has_no_ends():
    assert variance_intervals.chi_squared(2.0, 0.003, 0.95) == (0.0, np.inf)
    low, high = variance_intervals.chi_squared(2.0, 0.5, 0.95)
    assert 0 < low < 2 < high < np.inf
