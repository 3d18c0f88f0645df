"""Measures side by side: promises, multiplicity, cost and other places, by hand and against statsmodels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods.portfolio import elsewhere, multiplicity, portfolio

EFFECTS = pd.DataFrame({
    "measure_id": ["M1", "M2", "M3", "M4", "M5"], "indicator_id": "I",
    "effect": [4.0, -1.0, 0.2, -3.0, np.nan], "low": [3.0, -1.8, -0.4, -5.0, np.nan],
    "high": [5.0, -0.2, 0.8, -1.0, np.nan], "p_value": [0.001, 0.02, 0.5, 0.01, np.nan],
    "direction": ["up", "down", "up", "up", "up"], "promised": [5.0, -4.0, 1.0, 2.0, 1.0],
    "primary": [True, True, True, True, True], "cost": [100.0, 80.0, 50.0, 40.0, 10.0],
})  # fmt: skip


def test_shares_costs_and_codes_by_hand():
    found = portfolio(EFFECTS)
    table = found.table.set_index("measure_id")
    assert list(table["share"][:4]) == [0.8, 0.25, 0.2, -1.5]
    assert tuple(table.loc["M2", ["share_low", "share_high"]]) == pytest.approx((0.05, 0.45))
    assert list(table["kept"]) == ["kept", "partly", "nothing_yet", "contrary", "not_estimated"]
    assert tuple(table.loc["M1", ["cost_per_unit", "cost_low", "cost_high"]]) == pytest.approx((25, 20, 100 / 3))
    assert tuple(table.loc["M2", ["cost_per_unit", "cost_low", "cost_high"]]) == pytest.approx((80, 80 / 1.8, 400))
    assert tuple(table.loc["M3", ["cost_per_unit", "cost_low", "cost_high"]]) == (250, 62.5, np.inf)
    assert table.loc[["M4", "M5"], ["cost_per_unit", "cost_low", "cost_high"]].isna().all(axis=None)
    assert found.promises == 4 and found.tests == 4 and "mixed_shares" in found.cautions


def test_optimism_is_the_inverse_of_the_share_kept():
    rng = np.random.default_rng(1)
    share = 0.5 + 0.1 * rng.standard_normal(12)
    rows = pd.DataFrame({"measure_id": np.arange(12), "indicator_id": "I", "effect": 10 * share, "low": 10 * share - 2,
                         "high": 10 * share + 2, "p_value": 0.01, "direction": "up", "promised": 10.0})  # fmt: skip
    found = portfolio(rows)
    assert found.share_low < 0.5 < found.share_high and found.optimism == pytest.approx(1 / found.share)
    assert (found.optimism_low, found.optimism_high) == pytest.approx((1 / found.share_high, 1 / found.share_low))
    spread = found.table[["share", "shrunk"]].std()
    assert spread["shrunk"] < spread["share"] and found.cautions == ()
    assert found.table["cost_per_unit"].isna().all()


def test_rows_of_one_test_are_counted_once():
    p, primary = [0.01, 0.01, 0.03, np.nan, 0.04], [True, True, True, True, False]
    found = multiplicity(p, primary, ["waves", "waves", "a", "b", "c"])
    alone = multiplicity([0.01, 0.03, np.nan, 0.04], [True, True, True, False])
    assert found.iloc[[0, 2, 3, 4]].reset_index(drop=True).equals(alone) and found.iloc[1].equals(found.iloc[0])
    both = portfolio(EFFECTS.assign(test=["x", "y", "z", "y", "n"], p_value=[0.001, 0.02, 0.5, 0.02, np.nan]))
    assert both.tests == 3 and both.table["p_adjusted"].iloc[1] == both.table["p_adjusted"].iloc[3] == 0.04


def test_one_promise_is_not_pooled():
    found = portfolio(EFFECTS[:1])
    assert np.isnan(found.share) and found.promises == 1 and "few_promises" in found.cautions
    assert portfolio(EFFECTS.drop(columns="promised")).cautions == ("nothing_promised",)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=20))
def test_multiplicity_against_statsmodels(rows):
    from statsmodels.stats.multitest import multipletests

    p, primary = pd.Series([row[0] for row in rows]), pd.Series([row[1] for row in rows])
    found = multiplicity(p, primary)
    for own, method in ((primary, "holm"), (~primary, "fdr_bh")):
        if own.any():
            np.testing.assert_allclose(found["p_adjusted"][own], multipletests(p[own], method=method)[1], atol=1e-12)
            assert sorted(found["position"][own]) == list(range(1, own.sum() + 1))


def test_missing_p_values_are_no_tests():
    found = multiplicity([0.01, np.nan, 0.04], [True, True, True])
    assert list(found["tests"]) == [2, 2, 2] and found["p_adjusted"].isna().tolist() == [False, True, False]
    assert found["p_adjusted"][0] == pytest.approx(0.02)


def test_other_places_lead_to_expect_or_not():
    places = pd.DataFrame({"estimate": [2.0, 2.4, 1.7, 2.2], "se": [0.3, 0.3, 0.4, 0.3]})
    assert elsewhere(places, effect=2.5, se=0.4)[1] and not elsewhere(places, effect=-3.0, se=0.4)[1]
    assert elsewhere(places, effect=2.5, se=0.4)[0].places == 4


def refused(code, function, *args, **more):
    with pytest.raises(MethodRefused) as caught:
        function(*args, **more)
    assert caught.value.code == f"portfolio.{code}" and "remedy" in caught.value.parts("zh")


@pytest.mark.parametrize("code, change", [
    ("twice", {"measure_id": "M1"}), ("bad_direction", {"direction": None}), ("bad_promise", {"promised": 0.0}),
    ("bad_promise", {"promised": -1.0}), ("bad_cost", {"cost": -1.0}), ("bad_p", {"p_value": 1.2}),
])  # fmt: skip
def test_bad_tables_are_refused(code, change):
    refused(code, portfolio, EFFECTS.assign(**change))


def test_nothing_and_two_places_are_refused():
    refused("nothing", portfolio, EFFECTS[:0])
    with pytest.raises(MethodRefused, match="Too few places"):
        elsewhere(pd.DataFrame({"estimate": [1.0, 2.0], "se": 1.0}), effect=1.0, se=1.0)
