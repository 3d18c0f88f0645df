"""What the next measures could show: the engine's own smallest effect, on the client's own series."""

import made_measures as made
import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import power
from sqlib.methods.detectable_effects import DRAWS, detectable_effects

RNG = np.random.default_rng(3)
NOISE = 50 + made.ar(RNG, 48, 0.2)
STEP = 6.0 * (np.arange(48) >= 30)
BEGUN = made.measures({"start_on": pd.Timestamp("2024-07-01")})


def told(values, **options):
    return detectable_effects(made.values(values), **options).table.set_index("design")


def test_the_smallest_effects_are_those_of_the_power_of_the_same_series():
    row = told({"": NOISE}, no_trend=("A",)).loc["its"]
    own = {"season": 12, "trend": False, "draws": DRAWS}
    assert row["year"] == pytest.approx(power.detectable(NOISE, 12, **own), rel=1e-6)
    assert row["half_year"] == pytest.approx(power.detectable(NOISE, 6, **own), rel=0.1)  # other draws
    assert row["level"] == pytest.approx(NOISE[-12:].mean()) and row["year_share"] == row["year"] / row["level"]


def test_what_a_past_measure_did_is_no_noise():
    plain, stepped = told({"": NOISE}).loc["its", "year"], told({"": NOISE + STEP}).loc["its", "year"]
    mended = detectable_effects(made.values({"": NOISE + STEP}), BEGUN).table.loc[0, "year"]
    assert stepped > 1.3 * plain and mended == pytest.approx(plain, rel=0.25)


@pytest.mark.parametrize(("worth", "verdict"), [(None, "no_goal"), (8.0, "in_time"), (0.01, "out_of_reach")])
def test_the_verdict_is_when_a_change_worth_having_would_be_seen(worth, verdict):
    row = told({"": NOISE}, worth=worth and {"A": worth}, no_trend=("A",)).loc["its"]
    assert row["verdict"] == verdict
    assert (row["needed"] <= 12) == (verdict == "in_time")


def test_six_units_may_be_parted():
    shared = made.ar(np.random.default_rng(8), 48, 0.3, 3.0)
    units = {f"u{k}": 50 + shared + made.ar(np.random.default_rng(k), 48) for k in range(6)}
    table = told(units, worth={"A": 2.0})
    assert table.loc["unit_differences", "year"] < table.loc["its", "year"]
    assert list(told({name: units[name] for name in list(units)[:5]}).index) == ["its"]


def test_too_few_periods_say_so_and_no_series_is_refused():
    assert told({"": NOISE[:7]}).loc["its", "verdict"] == "too_short"
    with pytest.raises(MethodRefused) as refusal:
        detectable_effects(made.values({"": NOISE}).assign(frequency=None))
    assert refusal.value.code == "detectable_effects.nothing"
