from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sqlib.errors import MethodRefused
from sqlib.methods import difference_in_differences as did

SHARED = Path(__file__).parents[2] / "../shared/data"
COLUMNS = {"unit": "unit", "time": "time", "value": "value"}
shared = pytest.mark.skipif(not SHARED.is_dir(), reason="shared folder absent")


def panel(units=10, treated=2, effect=0.0, periods=24, seed=0) -> pd.DataFrame:
    """Units u00 .. of which the first are treated from the middle on."""
    rng = np.random.default_rng(seed)
    y = 50 + rng.normal(0, 5, (units, 1)) + rng.normal(0, 2, periods) + rng.standard_normal((units, periods))
    y[:treated, periods // 2 :] += effect
    names = [f"u{number:02}" for number in range(units)]
    return pd.DataFrame({"unit": np.repeat(names, periods), "time": np.tile(np.arange(periods), units),
                         "value": y.ravel()})  # fmt: skip


def compare(table, treated=("u00", "u01"), **options):
    return did.compare(table, **COLUMNS, treated=set(treated), **{"start": 12} | options)


def details(effect) -> pd.Series:
    return effect.details.set_index("name")["estimate"]


def test_the_t_test_is_the_textbook_one_on_changes():
    found = compare(panel(effect=3))
    side = found.changes["treated"]
    plain = stats.ttest_ind(found.changes.loc[side, "change"], found.changes.loc[~side, "change"])
    ends = plain.confidence_interval(0.95)
    effect = found.effect
    assert (effect.p_value, effect.df) == pytest.approx((plain.pvalue, 8))
    assert (effect.low, effect.high) == pytest.approx((ends.low, ends.high))
    assert (effect.design, effect.estimand, effect.treated, effect.compared) == ("unit_differences", "att", 2, 8)
    assert (effect.n_before, effect.n_after) == (12, 12)


def test_the_estimate_is_the_interaction_of_the_two_way_regression():
    import statsmodels.formula.api as smf

    table = panel(effect=3)
    long = table.assign(d=1.0 * (table["unit"].isin(["u00", "u01"]) & (table["time"] >= 12)))
    fit = smf.ols("value ~ d + C(unit) + C(time)", long).fit()
    assert compare(table).effect.effect == pytest.approx(fit.params["d"])


def test_clustered_errors_are_welch_and_only_with_ten_units_a_side():
    table = panel(units=22, treated=11, effect=2)
    names = {f"u{number:02}" for number in range(11)}
    found = compare(table, names, errors="cluster")
    side = found.changes["treated"]
    plain = stats.ttest_ind(
        found.changes.loc[side, "change"], found.changes.loc[~side, "change"], equal_var=False
    )  # fmt: skip
    assert found.effect.p_value == pytest.approx(plain.pvalue)
    with pytest.raises(MethodRefused) as caught:
        compare(panel(), errors="cluster")
    assert caught.value.code == "difference_in_differences.cluster_errors"


@pytest.mark.parametrize(
    ("units", "treated", "smallest"), [(6, 1, 1 / 6), (10, 1, 0.1), (6, 3, 0.1), (10, 2, 1 / 45), (20, 3, 1 / 1140)]
)
def test_the_smallest_p_is_told_first_and_is_reached_by_the_most_extreme_change(units, treated, smallest):
    side = np.arange(units) < treated
    change = np.where(side, 100.0, 0.0) + np.random.default_rng(0).standard_normal(units)
    told = did.permutation(change, side)
    assert next(iter(told)) == "smallest_p"
    assert told["smallest_p"] == told["permutation_p"] == pytest.approx(smallest)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=4, max_size=7), st.integers(1, 3))
def test_the_permutation_counts_every_way(change, treated):
    change, side = np.array(change, dtype=float), np.arange(len(change)) < treated
    rest = [change[list(chosen)].mean() - np.delete(change, list(chosen)).mean()
            for chosen in combinations(range(len(change)), treated)]  # fmt: skip
    seen = abs(rest[0])
    expected = np.mean([abs(each) >= seen - 1e-9 for each in rest])
    assert did.permutation(change, side)["permutation_p"] == pytest.approx(expected)


def test_too_many_ways_are_drawn_with_a_seed():
    rng = np.random.default_rng(0)
    change, side = rng.standard_normal(40), np.arange(40) < 20
    first, again = (did.permutation(change, side, seed=1) for _ in range(2))
    assert first == again and first["assignments"] == 100_000
    assert first["permutation_p"] == pytest.approx(stats.ttest_ind(change[side], change[~side]).pvalue, abs=0.01)


def test_details_begin_with_the_smallest_p_and_tell_both_spreads():
    found = compare(panel(effect=3))
    told = details(found.effect)
    assert list(told.index[:5]) == [
        "smallest_p", "permutation_p", "assignments", "spread_treated", "spread_compared"
    ]  # fmt: skip
    change, side = found.changes["change"], found.changes["treated"]
    assert told["spread_treated"] == pytest.approx(change[side].std())
    assert told["spread_compared"] == pytest.approx(change[~side].std())
    assert told["leave_one_low"] < found.effect.effect < told["leave_one_high"]


def test_one_treated_unit_is_said_and_its_spread_is_not_made_up():
    effect = compare(panel(), ["u00"]).effect
    assert {"one_treated", "permutation_powerless"} <= set(effect.cautions)
    assert np.isnan(details(effect)["spread_treated"]) and effect.df == 8


def test_the_path_ends_at_the_effect():
    effect = compare(panel(effect=3)).effect
    after = effect.path[effect.path["time"] >= 12]
    before = effect.path[effect.path["time"] < 12]
    assert (after["observed"] - after["expected"]).mean() == pytest.approx(effect.effect)
    assert (before["observed"] - before["expected"]).mean() == pytest.approx(0, abs=1e-9)
    assert effect.percent == pytest.approx(100 * effect.effect / after["expected"].mean())


def test_groups_that_part_before_the_start_are_seen():
    table = panel()
    parting = table["value"] + table["time"] * table["unit"].isin(["u00", "u01"])
    row = compare(table.assign(value=parting)).effect.details.set_index("name").loc["pre_trend"]
    assert row["low"] > 0 and row["estimate"] == pytest.approx(1, abs=0.3)


def test_missing_cells_do_not_move_the_estimate_where_periods_explain_them():
    """Without unit noise a period effect is all there is: a unit missing in high periods changes nothing."""
    units, periods = 6, 12
    table = panel(units, 2, periods=periods)
    rng = np.random.default_rng(1)
    season = np.tile(10.0 * (np.arange(periods) % 3), units) + np.repeat(rng.standard_normal(units), periods)
    kick = np.repeat(rng.standard_normal(units), periods) * (table["time"] >= 6)
    table = table.assign(value=season + kick)
    holes = (table["unit"] == "u00") & table["time"].isin([2, 5, 8])
    whole, holed = (compare(each, start=6) for each in (table, table.assign(value=table["value"].mask(holes))))
    assert holed.effect.effect == pytest.approx(whole.effect.effect)
    assert "missing_cells" in holed.effect.cautions and "missing_cells" not in whole.effect.cautions


def test_a_unit_without_a_before_is_left_out_and_counted():
    table = panel()
    table = table[~((table["unit"] == "u05") & (table["time"] < 12))]
    effect = compare(table).effect
    assert effect.compared == 7 and details(effect)["units_left_out"] == 1 and "units_left_out" in effect.cautions


def test_units_that_change_in_step_are_refused():
    table = panel(4, 2)
    table = table.assign(value=table["unit"].str[1:].astype(float) + (table["time"] >= 12))
    with pytest.raises(MethodRefused) as caught:
        compare(table)
    assert caught.value.code == "difference_in_differences.no_spread"


@pytest.mark.parametrize(
    ("options", "code"), [({"errors": "hac"}, "bad_errors"), ({"compared": ["u05"]}, "too_few_units")]
)
def test_other_bad_input_is_refused(options, code):
    with pytest.raises(MethodRefused) as caught:
        compare(panel(), ["u00"], **options)
    assert caught.value.code == f"difference_in_differences.{code}"


@pytest.mark.parametrize(("units", "treated"), [(6, 3), (10, 1), (10, 2), (20, 1), (20, 3)])
def test_false_alarms_stay_near_five_per_cent_with_autocorrelated_noise(units, treated):
    """12 + 12 periods, AR(.4), no effect, 2,000 runs; the full table is in benchmarks/effects.py."""
    rng = np.random.default_rng(units + treated)
    noise = rng.standard_normal((2000, units, 54))
    for step in range(1, 54):
        noise[..., step] += 0.4 * noise[..., step - 1]
    change = noise[..., 42:].mean(axis=-1) - noise[..., 30:42].mean(axis=-1)
    effect, se, df = did.contrast(change, np.arange(units) < treated)
    assert 0.03 <= (np.abs(effect / se) > stats.t.ppf(0.975, df)).mean() <= 0.07


def plain_fit(y, start, *, confidence, extra=0.0):
    """Mean after minus mean before, as an engine for one series returns it."""
    before = np.nanmean(y[:start])
    path = pd.DataFrame({"time": np.arange(len(y)), "observed": y, "expected": before, "low": before - 1,
                         "high": before + 1})  # fmt: skip
    value = np.nanmean(y[start:]) - before + extra
    made = compare(panel()).effect
    return replace(made, design="its", effect=value, low=value - 1, high=value + 1, path=path, confidence=confidence)


def test_a_controlled_series_is_fitted_on_the_difference_and_drawn_on_the_treated():
    table = panel(units=4, treated=1, effect=5)
    effect = did.controlled_series(table, **COLUMNS, treated={"u00"}, start=12, fit=plain_fit, extra=0.5)
    wide = table.pivot(index="unit", columns="time", values="value")
    expected = compare(table, ["u00"]).effect.effect + 0.5
    assert effect.effect == pytest.approx(expected) and (effect.treated, effect.compared) == (1, 3)
    assert effect.path["observed"].to_numpy() == pytest.approx(wide.loc["u00"].to_numpy())
    assert effect.percent == pytest.approx(100 * effect.effect / effect.path["expected"][12:].mean())


def test_a_period_missing_anywhere_is_missing_in_the_difference():
    table = panel(units=4, treated=1)
    seen = []
    did.controlled_series(
        table.drop(index=table.index[(table["unit"] == "u02") & (table["time"] == 7)]), **COLUMNS, treated={"u00"},
        start=12, fit=lambda y, start, **options: seen.append(y) or plain_fit(y, start, **options),
    )  # fmt: skip
    assert np.flatnonzero(np.isnan(seen[0])).tolist() == [7]


def test_more_than_five_comparison_series_are_refused():
    with pytest.raises(MethodRefused) as caught:
        did.controlled_series(panel(), **COLUMNS, treated={"u00"}, start=12, fit=plain_fit)
    assert caught.value.code == "difference_in_differences.too_many_series"


def test_attrition_is_counted_by_side():
    table = panel(units=60, treated=30, periods=2)
    names = {f"u{number:02}" for number in range(30)}
    gone = (table["time"] == 1) & table["unit"].isin([f"u{number:02}" for number in range(12)])
    effect = did.repeated_rows(table.assign(value=table["value"].mask(gone)), **COLUMNS, treated=names, start=1)
    told = details(effect)
    assert (told["attrition_treated"], told["attrition_compared"]) == (0.4, 0) and told["attrition_p"] < 0.001
    assert effect.cautions == ("attrition", "uneven_attrition") and (effect.treated, effect.compared) == (18, 30)


def test_different_people_before_and_after_are_refused():
    table = pd.DataFrame({"unit": range(8), "time": [0, 1] * 4, "value": np.arange(8.0)})
    with pytest.raises(MethodRefused) as caught:
        did.repeated_rows(table, **COLUMNS, treated={0, 1, 2, 3}, start=1)
    assert caught.value.code == "difference_in_differences.too_few_pairs"


@shared
def test_fast_food_restaurants_in_new_jersey():
    """Card & Krueger (1994) AER 84:772, Table 3: row 4 (balanced sample) 2.75 (1.34), row 3 2.76 (all rows: 2.75 from
    this file, plain pooled SE 1.69)."""
    rows = pd.read_csv(SHARED / "did_card_krueger/card_krueger.csv")
    treated = set(rows.loc[rows["nj"] == 1, "id"])
    effect = did.repeated_rows(rows, unit="id", time="d", value="fte", treated=treated, start=1)
    assert (effect.effect, effect.se) == pytest.approx((2.75, 1.34), abs=0.005)
    assert (effect.treated, effect.compared) == (309, 75)
    pooled = effect.details.set_index("name").loc["unpaired"]
    reach = stats.t.ppf(0.975, 321 + 77 + 319 + 77 - 4)
    assert pooled["estimate"] == pytest.approx(2.7536, abs=1e-4)
    assert (pooled["high"] - pooled["estimate"]) / reach == pytest.approx(1.69, abs=0.005)


@shared
def test_bank_runs_of_1930():
    """Angrist & Pischke (2015) Mastering 'Metrics, ch. 5: (121 - 135) - (132 - 165) = 19 banks saved; no interval."""
    banks = pd.read_csv(SHARED / "interventions_causalpy/banks.csv")
    first = banks[(banks["day"] == 1) & (banks["month"] == 7) & banks["year"].isin([1930, 1931])]
    rows = first.melt("year", ["bib6", "bib8"], "district", "banks")
    options = {"unit": "district", "time": "year", "value": "banks", "treated": {"bib6"}, "start": 1931}
    changes = did.changes(rows, **options).set_index("unit")["change"]
    assert changes["bib6"] - changes["bib8"] == 19
    with pytest.raises(MethodRefused) as caught:
        did.compare(rows, **options)
    assert caught.value.code == "difference_in_differences.too_few_units"


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e9])
def test_every_dealing_is_counted_whatever_the_unit(scale):
    change = np.array([3.1, 4.5, 5.2, 1.0, 0.3, 2.2, -0.7, 1.4]) * scale  # the three largest of eight: one way of 56
    found = did.permutation(change, np.arange(8) < 3)
    assert found == {"smallest_p": 1 / 56, "permutation_p": 1 / 56, "assignments": 56}
