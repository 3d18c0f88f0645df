"""Counterfactual forecast: published toy series, planted effects, missing periods, refusals, coverage in small."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import counterfactual

SHARED = Path(__file__).parents[2] / "../shared"


def shared(path):
    if not (SHARED / path).exists():
        pytest.skip("shared folder absent")
    return pd.read_csv(SHARED / path)


def series(seed=0, n=60, effect=0.0, start=48):
    rng = np.random.default_rng(seed)
    control = rng.standard_normal(n)
    y = 20 + control + rng.standard_normal(n) + 2 * np.sin(2 * np.pi * np.arange(n) / 12)
    y[start:] += effect
    return y, pd.DataFrame({"other": control})


def figure(effect, name, column="estimate"):
    return effect.details.set_index("name").loc[name, column]


def test_published_toy_series():
    """Brodersen et al. (2015), package vignette: effect 11 (printed), 9.9 % [9.1, 11]; true lift 10."""
    data = shared("reference/bsts/causalimpact_toy.csv")
    found = counterfactual.estimate(data["y"], 70, controls=data[["x1"]])
    assert data["y"][70:].sum() == pytest.approx(3511.456, abs=1e-3)
    assert 10.3 < found.effect < 10.8 and found.low < 10 < found.high
    assert 0.5 < (found.high - found.low) / 2 < 1.1
    assert 0.096 < found.percent < 0.103 and found.percent_low < 0.099 < found.percent_high
    assert found.p_value < 0.001 and found.cautions == ()


def test_deaths_of_2020_and_a_year_before_anything_happened():
    data = shared("data/interventions_causalpy/deaths_and_temps_england_wales.csv")
    deaths, start = data["deaths"].astype(float), int((data["year"] < 2020).sum())
    found = counterfactual.estimate(deaths, start, controls=data[["temp"]], season=12)
    assert found.low > 0 and 0.03 < found.percent < 0.2
    before = counterfactual.estimate(deaths[:start], start - 24, controls=data[["temp"]][:start], season=12)
    assert before.low < 0 < before.high


def test_planted_effect_is_found_with_its_unit_and_share():
    y, controls = series(effect=5.0)
    found = counterfactual.estimate(y, 48, controls=controls, season=12)
    assert found.low < 5 < found.high and found.low > 0
    expected = y[48:].mean() - found.effect
    assert found.percent == pytest.approx(found.effect / expected)
    assert found.percent_low == pytest.approx(y[48:].mean() / (y[48:].mean() - found.low) - 1)
    assert found.path["expected"][48:].mean() == pytest.approx(expected, rel=1e-3)
    assert (found.n_before, found.n_after, found.compared) == (48, 12, 1)
    assert figure(found, "term:other", "low") < 1 < figure(found, "term:other", "high")


def test_values_after_the_start_teach_nothing():
    y, controls = series()
    other = np.append(y[:48], y[48:] * 3 + 7)
    one, two = (counterfactual.estimate(each, 48, controls=controls, season=12).path for each in (y, other))
    pd.testing.assert_frame_equal(one.drop(columns="observed"), two.drop(columns="observed"))


def test_unit_and_sign_of_the_indicator_only_carry_over():
    y, controls = series(1)
    one = counterfactual.estimate(y, 48, controls=controls, season=12)
    two = counterfactual.estimate(1000 - 50 * y, 48, controls=7 + 3 * controls, season=12)
    assert (two.effect, two.low, two.high) == pytest.approx((-50 * one.effect, -50 * one.high, -50 * one.low), rel=1e-6)
    assert two.p_value == pytest.approx(one.p_value, rel=1e-5)


def test_a_high_level_is_not_taken_for_no_noise():
    y, controls = series(1)
    one, two = (counterfactual.estimate(each, 48, controls=controls, season=12) for each in (y, y + 1e6))
    assert (two.effect, two.low, two.high) == pytest.approx((one.effect, one.low, one.high), rel=1e-5)


def test_many_is_the_same_estimate():
    made = [series(seed) for seed in range(3)]
    Y, controls = np.array([y for y, _ in made]), np.array([part.to_numpy() for _, part in made])
    Y[2, :48] = 1.0
    found = counterfactual.many(Y, 48, controls=controls, season=12)
    one = counterfactual.estimate(Y[1], 48, controls=controls[1], season=12)
    assert found.loc[1].to_numpy() == pytest.approx([getattr(one, name) for name in found.columns])
    assert found.loc[2].isna().all()
    with pytest.raises(MethodRefused, match="outside"):
        counterfactual.many(Y, 60, controls=controls, season=12)


def test_a_missing_period_is_left_out_and_said():
    y, controls = series(2)
    y[[5, 50]] = np.nan
    found = counterfactual.estimate(y, 48, controls=controls, season=12)
    assert (found.n_before, found.n_after) == (47, 11) and "missing_periods" in found.cautions
    assert found.path["expected"].notna().all()


def test_wash_in_periods_count_nowhere():
    y, controls = series(3)
    other = y.copy()
    other[48:50] += 100
    one, two = (counterfactual.estimate(each, 48, controls=controls, wash_in=2) for each in (y, other))
    assert one.effect == two.effect and one.n_after == 10


def test_fading_is_last_third_less_first():
    y, controls = series(4)
    y[48:52] += 6
    found = counterfactual.estimate(y, 48, controls=controls, season=12)
    assert figure(found, "fading", "high") < 0
    step = figure(found, "last_third") - figure(found, "first_third")
    assert figure(found, "fading") == pytest.approx(step, abs=1e-9)


def test_a_trend_before_is_said_and_can_be_modelled():
    y = series(5)[0] + 0.5 * np.arange(60)
    plain = counterfactual.estimate(y, 48, season=12)
    straight = counterfactual.estimate(y, 48, season=12, trend=True)
    assert "trend_before" in plain.cautions and "no_controls" in plain.cautions
    assert "trend_before" not in straight.cautions and straight.low < 0 < straight.high
    assert figure(straight, "trend_before") == pytest.approx(0.5, abs=0.1)


def test_drift_widens_the_interval():
    y, _ = series(6)
    walked = y + np.random.default_rng(6).standard_normal(60).cumsum()
    still, drifting = (counterfactual.estimate(each, 48, season=12) for each in (y, walked))
    assert "level_drifts" in drifting.cautions and "level_drifts" not in still.cautions
    assert drifting.high - drifting.low > 2 * (still.high - still.low)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"start": 60}, "start_outside"), ({"start": 0}, "start_outside"), ({"start": 5}, "too_few"),
        ({"start": 58}, "too_few"), ({"y": np.full(60, 3.1)}, "no_noise"),
        ({"y": np.append(np.ones(59), np.inf)}, "not_finite"),
        ({"season": 30}, "two_seasons"), ({"controls": np.ones((59, 1))}, "bad_terms"),
        ({"controls": np.append(np.zeros(50), np.ones(10))}, "collinear"),
        ({"controls": np.random.default_rng(0).standard_normal((60, 45))}, "too_many_terms"),
        ({"controls": np.append(np.nan, np.ones(59))}, "bad_terms"), ({"y": np.full(60, np.nan)}, "too_few"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(change, code):
    options = {"y": series()[0], "start": 48} | change
    with pytest.raises(MethodRefused) as refused:
        counterfactual.estimate(options.pop("y"), options.pop("start"), **options)
    assert refused.value.code.endswith(code)


def test_percent_is_silent_where_it_has_no_sense():
    y, controls = series(7)
    found = counterfactual.estimate(y - 20, 48, controls=controls)
    assert np.isnan([found.percent, found.percent_low, found.percent_high]).all()


@pytest.mark.parametrize(("phi", "step"), [(0.0, 0.1), (0.4, 0.0)])
def test_interval_covers_in_small(phi, step):
    rng, runs, n = np.random.default_rng(8), 150, 60
    shock = rng.standard_normal((runs, n))
    for t in range(1, n):
        shock[:, t] += phi * shock[:, t - 1]
    made = shock + step * rng.standard_normal((runs, n)).cumsum(axis=1)
    found = counterfactual.many(made, 48)
    assert ((found["low"] <= 0) & (found["high"] >= 0)).mean() >= 0.91
