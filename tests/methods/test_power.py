"""The smallest effect that can be found: against the engine itself, statsmodels, and bad input."""

import numpy as np
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import interrupted_time_series as its
from sqlib.methods import power


def autoregressive(rows, n, phi, seed=1):
    made = np.random.default_rng(seed).standard_normal((rows, n))
    for t in range(1, n):
        made[:, t] = phi * made[:, t - 1] + np.sqrt(1 - phi**2) * made[:, t]
    return made


def test_the_effect_named_gives_the_engine_its_power():
    """Series with the noise estimated from 120 periods: the engine finds the effect named in 80 % of 500."""
    before = autoregressive(1, 120, 0.3)[0]
    noise = power.curve(before, [26])
    made = noise.noise * autoregressive(500, 146, noise.phi, seed=2)
    made[:, 120:] += noise.table["detectable"][0]
    found = its.many(made, 120)
    assert ((found["low"] > 0) | (found["high"] < 0)).mean() == pytest.approx(0.80, abs=0.05)


def test_short_stretches_name_effects_of_that_power_on_average():
    noise = its.many(autoregressive(500, 36, 0.3, seed=3), 24)
    half = (noise["high"] - noise["low"]) / 2
    named = [power.detectable(y, 12, draws=100) for y in autoregressive(40, 24, 0.3, seed=4)]
    reached = [(abs(noise["effect"] + each) > half).mean() for each in named]
    assert np.mean(reached) == pytest.approx(0.80, abs=0.08)


def test_scale_shift_and_seed():
    before = autoregressive(1, 36, 0.3)[0]
    one = power.detectable(before, 12)
    assert power.detectable(before * 7 + 100, 12) == pytest.approx(7 * one)
    assert power.detectable(before, 12) == one != power.detectable(before, 12, seed=1)


def test_the_curve_falls_and_tells_when():
    before = 10 + autoregressive(1, 60, 0.2)[0]
    found = power.curve(before, so_far=6, goal=-1.2)
    table = found.table
    assert (
        table["detectable"].iloc[-1] < table["detectable"].iloc[0] and table["power"].iloc[-1] > table["power"].iloc[0]
    )
    assert found.detectable == table.set_index("periods_after")["detectable"][6]
    assert found.more == found.needed - 6 > 0
    assert found.needed == power.periods_needed(before, -1.2)
    exact = power.curve(before, [int(found.needed) - 1, int(found.needed)], goal=1.2).table["detectable"]
    assert exact[1] <= 1.2 < exact[0]
    assert table["percent"].iloc[0] == pytest.approx(table["detectable"].iloc[0] / before.mean())


def test_what_never_suffices_is_said():
    found = power.curve(autoregressive(1, 12, 0.0)[0], goal=0.05, most=40)
    assert np.isinf(found.needed) and np.isinf(found.more)
    assert {"never_enough", "short_before"} <= set(found.cautions) and np.isnan(found.detectable)


def test_season_ramp_and_missing_periods():
    before = autoregressive(1, 36, 0.3)[0] + 3 * np.sin(2 * np.pi * np.arange(36) / 12)
    before[5] = np.nan
    plain, seasonal = power.detectable(before, 12), power.detectable(before, 12, season=12)
    assert seasonal < plain
    assert power.detectable(before, 12, season=12, shape="ramp", ramp=6) > seasonal
    assert power.detectable(before, 12, season=12, wash_in=3) != seasonal


def test_people_against_statsmodels():
    """Without scores before, one df less aside, it is the two-sample t test; methods: 60 an arm, .4, r .5: .70."""
    from statsmodels.stats.power import TTestIndPower

    expected = TTestIndPower().solve_power(nobs1=60, alpha=0.05, power=0.8)
    assert power.detectable_people(1.0, 0.0, 60, 60) == pytest.approx(expected, rel=2e-3)
    se = np.sqrt(0.75 * 2 / 60)
    assert power.achieved(0.4, se, 117) == pytest.approx(0.70, abs=0.02)
    assert power.achieved(power.findable(se, 117), se, 117) == pytest.approx(0.8)
    assert power.achieved(-0.4, se, 117) == power.achieved(0.4, se, 117)
    teams = power.detectable_people(1.0, 0.5, 60, 60, team_size=10, team_share=0.2)
    assert teams > 1.6 * power.detectable_people(1.0, 0.5, 60, 60)


def test_few_degrees_of_freedom_have_an_answer():
    assert power.achieved(power.findable(1.0, 2), 1.0, 2) == pytest.approx(0.8)


def test_units_get_the_power_named():
    """Eight units, four treated, autocorrelation .4 and a shock all share: t of their own differences."""
    from scipy.stats import ttest_ind

    rng, found = np.random.default_rng(5), []
    for run in range(200):
        panel = autoregressive(8, 36, 0.4, seed=run + 10) + rng.standard_normal(36)
        effect = power.detectable_units(panel[:, :24], 12, treated=4)
        change = panel[:, 24:].mean(axis=1) - panel[:, :24].mean(axis=1)
        found.append(ttest_ind(change[:4] + effect, change[4:]).pvalue < 0.05)
    assert np.mean(found) == pytest.approx(0.80, abs=0.09)


@pytest.mark.parametrize("code, call", [
    ("too_few", lambda: power.detectable(np.arange(7.0), 12)),
    ("too_few", lambda: power.curve(np.full(30, np.nan))),
    ("no_noise", lambda: power.detectable(np.full(30, 5.0), 12)),
    ("too_few_after", lambda: power.curve(autoregressive(1, 30, 0)[0], [1, 2])),
    ("bad_goal", lambda: power.curve(autoregressive(1, 30, 0)[0], goal=0)),
    ("bad_goal", lambda: power.periods_needed(autoregressive(1, 30, 0)[0], np.nan)),
    ("bad_target", lambda: power.findable(1.0, 10, target_power=1.0)),
    ("too_few_units", lambda: power.detectable_units(np.ones((2, 30)), 12, treated=1)),
    ("too_few", lambda: power.detectable_units(np.ones((4, 5)), 12, treated=1)),
    ("no_noise", lambda: power.detectable_units(np.ones((4, 30)), 12, treated=1)),
    ("no_noise", lambda: power.detectable_people(0.0, 0.5, 30, 30)),
    ("bad_correlation", lambda: power.detectable_people(1.0, 1.5, 30, 30)),
    ("too_few_people", lambda: power.detectable_people(1.0, 0.5, 1, 30)),
])  # fmt: skip
def test_bad_input_is_refused(code, call):
    with pytest.raises(MethodRefused) as caught:
        call()
    assert caught.value.code == f"power.{code}"
    assert all("remedy" in caught.value.parts(language) for language in ("zh", "en"))


def test_too_few_periods_after_are_refused_by_the_engine():
    with pytest.raises(MethodRefused, match="Too few periods"):
        power.detectable(autoregressive(1, 30, 0)[0], 3)
