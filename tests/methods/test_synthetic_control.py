"""Synthetic control and SDID: Proposition 99 as published, other solvers, placebos, refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import synthetic_control

SHARED = Path(__file__).parents[2] / "../shared"
BOTH = [synthetic_control.compare, synthetic_control.sdid]


@pytest.fixture(scope="module")
def smoking():
    path = SHARED / "reference/synthetic_control/california_prop99.csv"
    if not path.exists():
        pytest.skip("shared folder absent")
    return pd.read_csv(path, sep=";")


def asked(fit, panel, **change):
    options = {"unit": "State", "time": "Year", "value": "PacksPerCapita", "treated": {"California"}, "start": 1989}
    return fit(panel, **options | change)


def panel(units=14, periods=24, seed=0, effect=0.0, start=16):
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((2, periods)).cumsum(axis=1)
    value = 50 + rng.random((units, 2)) @ factors + 0.3 * rng.standard_normal((units, periods))
    value[0, start:] += effect
    unit, time = np.indices(value.shape)
    return pd.DataFrame({"unit": unit.ravel(), "time": time.ravel(), "value": value.ravel()})


def compared(table, fit=synthetic_control.compare, **change):
    return fit(table, **{"unit": "unit", "time": "time", "value": "value", "treated": {0}, "start": 16} | change)


def figure(result, name):
    return result.effect.details.set_index("name").loc[name, "estimate"]


def test_proposition_99_is_solved_to_its_optimum(smoking):
    """Abadie et al. (2010) report about -19 with half-converged weights; the convex optimum is -19.514."""
    found = asked(synthetic_control.compare, smoking)
    assert figure(found, "pre_rmspe") <= 1.6570
    assert found.effect.effect == pytest.approx(-19.514, abs=0.001)
    assert figure(found, "unweighted") == pytest.approx(-27.349, abs=0.001)
    weights = found.weights.set_index("unit")["weight"]
    exact = {"Utah": 0.394, "Montana": 0.232, "Nevada": 0.205, "Connecticut": 0.109, "New Hampshire": 0.045,
             "Colorado": 0.015}  # fmt: skip
    assert {unit: weights[unit] for unit in exact} == pytest.approx(exact, abs=0.001)
    assert (figure(found, "rank"), figure(found, "placebos")) == (3, 38)
    assert figure(found, "rank_p") == pytest.approx(3 / 39) and figure(found, "ratio") == pytest.approx(12.44, abs=0.01)
    assert found.effect.se == pytest.approx(10.77, abs=0.01)
    assert found.gaps.query("treated and time == 2000")["gap"].item() == pytest.approx(-26.5967, abs=0.001)


def test_proposition_99_by_sdid(smoking):
    """Arkhangelsky et al. (2021) Table 1: -15.6 (8.4)."""
    found = asked(synthetic_control.sdid, smoking)
    assert found.effect.effect == pytest.approx(-15.604, abs=0.03)
    assert 8 < found.effect.se < 11
    times = found.times.set_index("time")["weight"]
    assert times[[1986, 1987, 1988]].to_numpy() == pytest.approx([0.3665, 0.2065, 0.4271], abs=0.005)
    assert figure(found, "regularisation") == pytest.approx(10.226233, abs=1e-5)


def test_sdid_agrees_with_another_program(smoking):
    diff_diff = pytest.importorskip("diff_diff")
    table = smoking.assign(ever=(smoking["State"] == "California").astype(int))
    names = {"outcome": "PacksPerCapita", "treatment": "ever", "unit": "State", "time": "Year"}
    model = diff_diff.SyntheticDiD(variance_method="placebo", n_bootstrap=50, seed=1)
    other = model.fit(table, **names, post_periods=list(range(1989, 2001)))
    assert asked(synthetic_control.sdid, smoking).effect.effect == pytest.approx(other.att, abs=0.03)


def test_leave_one_out_is_the_fit_without_the_donor(smoking):
    found = asked(synthetic_control.compare, smoking)
    without = asked(synthetic_control.compare, smoking[smoking["State"] != "Utah"])
    left = found.leave_one_out.set_index("unit")
    assert left.loc["Utah", "effect"] == pytest.approx(without.effect.effect)
    assert left.loc["Utah", "pre_rmspe"] > figure(found, "pre_rmspe")
    assert len(left) == 6 and figure(found, "leave_one_low") == left["effect"].min()


def test_a_placebo_is_the_fit_of_that_unit(smoking):
    found = asked(synthetic_control.compare, smoking)
    others = smoking[smoking["State"] != "California"]
    alone = asked(synthetic_control.compare, others, treated={"Ohio"})
    row = found.placebos.set_index("unit").loc["Ohio"]
    assert (row["effect"], row["ratio"]) == pytest.approx((alone.effect.effect, figure(alone, "ratio")))
    assert found.effect.se == pytest.approx(found.placebos.loc[~found.placebos["treated"], "effect"].std())


@pytest.mark.parametrize("fit", BOTH)
def test_a_planted_effect_is_found(fit):
    found = compared(panel(effect=6.0), fit)
    assert found.effect.low < 6 < found.effect.high and found.effect.low > 0
    assert figure(found, "rank") == 1 and figure(found, "rank_p") == pytest.approx(1 / 14)
    assert "rank_powerless" in found.effect.cautions
    after = found.effect.path[found.effect.path["time"] >= 16]
    assert (after["observed"] - after["expected"]).mean() == pytest.approx(found.effect.effect)


@pytest.mark.parametrize("fit", BOTH)
def test_order_of_rows_and_unit_of_measure_only_carry_over(fit):
    table = panel(effect=2.0)
    one, two = (
        compared(table, fit),
        compared(table.sample(frac=1, random_state=1).assign(value=100 * table["value"]), fit),
    )
    assert two.effect.effect == pytest.approx(100 * one.effect.effect, rel=1e-6)
    assert two.effect.p_value == pytest.approx(one.effect.p_value, rel=1e-4)
    assert two.effect.percent == pytest.approx(one.effect.percent, rel=1e-6)


def test_two_treated_units_are_their_mean_against_every_pair():
    found = compared(panel(effect=0.0), treated={0, 1})
    assert figure(found, "placebos") == 66 and found.effect.treated == 2
    assert len(found.placebos) == 67 and found.placebos["unit"].iloc[1] == "2, 3"


def test_sdid_bears_a_level_of_its_own_and_a_control_says_it_fits_badly():
    table = panel(effect=3.0)
    table.loc[table["unit"] == 0, "value"] += 40
    plain, both = compared(table), compared(table, synthetic_control.sdid)
    assert "poor_fit" in plain.effect.cautions and "poor_fit" not in both.effect.cautions
    assert both.effect.low < 3 < both.effect.high


def test_a_unit_that_never_moves_away_from_the_others_fits_badly_and_a_copy_perfectly():
    table = panel()
    flat = table.assign(value=table["value"].mask(table["unit"] == 0, 500.0))
    assert "poor_fit" in compared(flat).effect.cautions
    copied = table["value"].copy()
    copied[table["unit"] == 0] = table.loc[table["unit"] == 1, "value"].to_numpy()
    found = compared(table.assign(value=copied))
    assert "perfect_fit" in found.effect.cautions and "poor_fit" not in found.effect.cautions
    assert found.effect.effect == pytest.approx(0, abs=1e-9)


def test_donors_with_a_missing_cell_are_left_out_and_said():
    table = panel()
    table.loc[(table["unit"] == 5) & (table["time"] == 3), "value"] = np.nan
    found = compared(table)
    assert "units_left_out" in found.effect.cautions and figure(found, "units_left_out") == 1
    assert found.effect.compared == 12 and 5 not in set(found.weights["unit"])


def test_wash_in_periods_do_not_count():
    table = panel(effect=1.0)
    other = table.assign(value=table["value"] + 30 * ((table["unit"] == 0) & table["time"].between(16, 17)))
    assert compared(table, wash_in=2).effect.effect == compared(other, wash_in=2).effect.effect


def missing():
    table = panel()
    return table.drop(table.index[3])


def test_no_gap_at_all_ranks_last():
    table = panel()
    pairs = table.assign(pair=table["unit"] // 2).groupby(["pair", "time"])["value"].transform("first")
    found = compared(table.assign(value=pairs))
    assert figure(found, "ratio") == 0 and figure(found, "rank") == 14


@pytest.mark.parametrize(
    ("table", "change", "code"),
    [
        (panel(units=10), {}, "too_few_donors"), (panel(), {"start": 9}, "too_few_before"),
        (missing(), {}, "treated_missing"), (panel(), {"treated": {0, 1, 2, 3}}, "too_many_treated"),
        (panel(), {"start": 0}, "no_before"), (panel(), {"start": 99}, "no_after"),
        (panel(), {"wash_in": 8}, "no_after"), (panel().assign(value=1.0), {}, "constant"),
        (panel().replace({"value": {panel()["value"][0]: np.inf}}), {}, "not_finite"),
        (panel(), {"treated": {"x"}}, "unknown_units"), (panel(), {"value": "none"}, "unknown_column"),
        (panel().assign(value=lambda rows: rows["time"] + (rows["unit"] == 0) * (rows["time"] % 2)), {}, "no_spread"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fit", BOTH)
def test_bad_input_is_refused_by_name(fit, table, change, code):
    with pytest.raises(MethodRefused) as refused:
        compared(table, fit, **change)
    assert refused.value.code.endswith(code)
