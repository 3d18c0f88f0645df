import itertools
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods import means
from sqlib.methods.drivers import COLUMNS, HELD, drivers, lmg, relative_weights

DATA = Path(__file__).parents[1] / "data"


def correlated(file, outcome):
    """Correlations of a published data set, the outcome last."""
    table = pd.read_csv(DATA / file)
    return table[[*table.columns.drop(outcome), outcome]].corr().to_numpy()


def rated(effects, n=400, alike=0.0, noise=1.0, seed=0, customers=None):
    """Scores that correlate by ``alike`` and an overall score with the given effects."""
    rng = np.random.default_rng(seed)
    scores = alike**0.5 * rng.standard_normal((n, 1)) + (1 - alike) ** 0.5 * rng.standard_normal((n, len(effects)))
    rows = pd.DataFrame(scores, columns=list("abcdefghijklmnopq")[: len(effects)])
    rows["score"] = scores @ np.array(effects) + noise * rng.standard_normal(n)
    return rows.assign(who=np.arange(n) if customers is None else np.arange(n) % customers)


def found(rows, **options):
    names = [name for name in rows if name not in ("score", "who")]
    return drivers(rows, outcome="score", drivers=names, **{"cluster": "who", "replicates": 400} | options)


# ---------------------------------------------------------------- parting R squared


def test_lmg_of_the_swiss_fertility_data():
    """R's relaimpo, calc.relimp(lm(Fertility ~ ., swiss), type = "lmg"), to 12 digits (Groemping 2006)."""
    published = [0.0570912207681, 0.1711730289002, 0.2601346786244, 0.1055701503735, 0.1127659229265]
    shares = lmg(correlated("swiss.csv", "Fertility"))
    np.testing.assert_allclose(shares, published, atol=1e-12)
    assert shares.sum() == pytest.approx(0.706735001593, abs=1e-12)


def test_relative_weights_of_the_swiss_fertility_and_the_motor_cars_data():
    """R's relativeImp on swiss (12 digits) and rwa on mtcars (mpg ~ cyl + disp + hp + gear, 7 digits, its README)."""
    swiss = [0.048416895812, 0.154708249806, 0.271964104646, 0.114680029948, 0.116965721381]
    np.testing.assert_allclose(relative_weights(correlated("swiss.csv", "Fertility")), swiss, atol=1e-12)
    cars = relative_weights(correlated("mtcars.csv", "mpg"))
    np.testing.assert_allclose(cars, [0.2284797, 0.2221469, 0.2321744, 0.0963886], atol=5e-8)
    assert cars.sum() == pytest.approx(0.7791896, abs=5e-8)


def r2(correlations, members):
    if not members:
        return 0.0
    among, outcome = correlations[np.ix_(members, members)], correlations[members, -1]
    return float(outcome @ np.linalg.solve(among, outcome))


def over_all_orders(correlations):
    """LMG from its definition: what each driver adds, averaged over every order of entry."""
    p = len(correlations) - 1
    added = np.zeros(p)
    for order in itertools.permutations(range(p)):
        for place, driver in enumerate(order):
            added[driver] += r2(correlations, list(order[: place + 1])) - r2(correlations, list(order[:place]))
    return added / math.factorial(p)


def made_correlations(seed, p):
    rng = np.random.default_rng(seed)
    return np.corrcoef(rng.standard_normal((3 * p + 5, p + 1)) @ rng.standard_normal((p + 1, p + 1)), rowvar=False)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_lmg_is_the_average_over_all_orders(seed, p):
    matrix = made_correlations(seed, p)
    np.testing.assert_allclose(lmg(matrix), over_all_orders(matrix), atol=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_both_add_up_to_r_squared_and_follow_the_drivers(seed, p):
    matrix = made_correlations(seed, p)
    turned = np.r_[np.random.default_rng(seed).permutation(p), p]
    for part in (lmg, relative_weights):
        shares = part(matrix)
        assert shares.sum() == pytest.approx(r2(matrix, list(range(p))), abs=1e-9)
        assert (shares > -1e-9).all()
        np.testing.assert_allclose(part(matrix[np.ix_(turned, turned)]), shares[turned[:-1]], atol=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 8))
def test_relative_weights_by_singular_values(seed, p):
    """Johnson's own route: the orthonormal columns nearest to the drivers, P Q' of the singular value decomposition."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((4 * p + 10, p)) @ rng.standard_normal((p, p))
    outcome = rows @ rng.standard_normal(p) + rng.standard_normal(len(rows))
    rows, outcome = ((part - part.mean(0)) / part.std(0) for part in (rows, outcome))
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    nearest = left @ right * np.sqrt(len(rows))
    loading, beta = nearest.T @ rows / len(rows), nearest.T @ outcome / len(rows)
    expected = (loading.T**2) @ beta**2
    matrix = np.corrcoef(np.column_stack([rows, outcome]), rowvar=False)
    np.testing.assert_allclose(relative_weights(matrix), expected, atol=1e-8)


def test_uncorrelated_drivers_have_the_squares_of_their_correlations():
    matrix = np.eye(4)
    matrix[3, :3] = matrix[:3, 3] = [0.5, 0.3, 0.1]
    for part in (lmg, relative_weights):
        np.testing.assert_allclose(part(matrix), [0.25, 0.09, 0.01], atol=1e-12)


def test_a_driver_given_twice_shares_what_it_had():
    matrix = np.array([[1, 1, 0.2, 0.6], [1, 1, 0.2, 0.6], [0.2, 0.2, 1, 0.4], [0.6, 0.6, 0.4, 1]])
    for part in (lmg, relative_weights):
        shares = part(matrix)
        assert shares[0] == pytest.approx(shares[1])
        assert shares.sum() == pytest.approx(r2(matrix, [0, 2]), abs=1e-8)


def test_matrices_in_a_row_are_parted_one_by_one():
    stack = np.stack([made_correlations(seed, 4) for seed in range(250)])
    for part in (lmg, relative_weights):
        np.testing.assert_allclose(part(stack), [part(each) for each in stack], atol=1e-12)
        assert part(stack.reshape(5, 50, 5, 5)).shape == (5, 50, 4)


# ---------------------------------------------------------------- the method


def test_the_table_is_what_an_ordinary_regression_says():
    import statsmodels.api as sm

    rows = rated([0.6, 0.4, 0.1], alike=0.4)
    result = found(rows)
    fit = sm.OLS(rows["score"], sm.add_constant(rows[list("abc")])).fit()
    table = result.table.set_index("driver")
    assert list(result.table.columns) == COLUMNS and result.table["rank"].tolist() == [1, 2, 3]
    assert result.r2 == pytest.approx(fit.rsquared_adj)
    assert table["importance"].sum() == pytest.approx(fit.rsquared)
    assert table["share"].sum() == pytest.approx(1) and table["weight"].sum() == pytest.approx(1)
    for name in "abc":
        assert table["slope"][name] == pytest.approx(fit.params[name])
        ratio = rows[name].std() / rows["score"].std()
        assert table["coefficient"][name] == pytest.approx(fit.params[name] * ratio)
        assert table["correlation"][name] == pytest.approx(rows[name].corr(rows["score"]))
        assert table["mean"][name] == pytest.approx(rows[name].mean())
    assert (result.n, result.clusters, result.complete, result.method) == (400, 400, 1.0, "lmg")


def test_intervals_hold_their_estimates_and_ranks_their_place():
    table = found(rated([0.6, 0.4, 0.1, 0.2], alike=0.3)).table
    assert (table["low"] < table["share"]).all() and (table["share"] < table["high"]).all()
    assert (table["rank_low"] <= table["rank"]).all() and (table["rank"] <= table["rank_high"]).all()
    assert table["first_share"].sum() == pytest.approx(1)
    assert table["held"].is_monotonic_decreasing and table["held"][0] == table["first_share"][0]


def test_gain_is_the_slope_times_the_distance_to_the_level():
    rows = rated([0.6, 0.4, 0.1])
    rows["a"] -= 1.0
    table = found(rows).table.set_index("driver")
    level = rows[list("abc")].mean().mean()
    assert table["gain"]["a"] == pytest.approx(table["slope"]["a"] * (level - rows["a"].mean()))
    assert table["gain"][["b", "c"]].isna().all()
    assert table["gain_low"]["a"] < table["gain"]["a"] < table["gain_high"]["a"]
    declared = found(rows, level=1.0).table.set_index("driver")
    assert declared["gain"]["b"] == pytest.approx(declared["slope"]["b"] * (1 - rows["b"].mean()))


def test_spread_of_the_bootstrap_is_that_of_the_textbook():
    import statsmodels.api as sm

    rows = rated([0.6, 0.4, 0.1], n=900, customers=300)
    table = found(rows, level=50.0, replicates=2000).table.set_index("driver")
    fit = sm.OLS(rows["score"], sm.add_constant(rows[list("abc")])).fit(
        cov_type="cluster", cov_kwds={"groups": rows["who"]}
    )
    width = (table["gain_high"] - table["gain_low"])["a"] / (2 * 1.96 * (50 - rows["a"].mean()))
    assert width == pytest.approx(fit.bse["a"], rel=0.12)
    mean = means.mean(rows, value="a", cluster="who").table.iloc[0]
    assert table["mean_high"]["a"] - table["mean_low"]["a"] == pytest.approx(mean["high"] - mean["low"], rel=0.1)


def test_answers_of_one_customer_widen_the_intervals():
    rows = rated([0.6, 0.4], n=120)
    six = pd.concat([rows] * 6, ignore_index=True)
    alone, together = found(six.assign(who=np.arange(len(six)))).table, found(six).table
    width = [table["high"][0] - table["low"][0] for table in (alone, together)]
    assert width[1] > 2 * width[0]


def test_same_seed_same_answer_and_no_row_order():
    rows = rated([0.6, 0.4, 0.1])
    pd.testing.assert_frame_equal(found(rows).table, found(rows).table)
    assert found(rows, seed=1).table["low"][0] != found(rows).table["low"][0]


def test_incomplete_answers_and_unusable_drivers():
    rows = rated([0.6, 0.4, 0.1, 0.2, 0.3], n=600)
    rows.loc[:399, "c"] = np.nan
    rows["d"] = 3.0
    rows.loc[:59, "a"] = np.nan
    rows.loc[590:, "score"] = np.nan
    result = found(rows)
    assert result.left_out == {"c": "rarely_answered", "d": "constant"}
    assert (result.n, set(result.table["driver"])) == (530, {"a", "b", "e"})
    assert result.complete == pytest.approx(530 / 590)
    assert "left_out" in result.cautions and "incomplete" not in result.cautions


def test_beyond_twelve_drivers_relative_weights():
    result = found(rated([0.5, *[0.2] * 13], n=500), replicates=100)
    assert result.method == "relative_weights" and len(result.table) == 14
    np.testing.assert_allclose(result.table["share"], result.table["weight"])


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (rated([0.5, 0.3], n=49), "drivers.too_few_answers"),
        (rated([0.1] * 8, n=79), "drivers.too_few_answers"),
        (rated([0.5, 0.3], n=200, customers=29), "drivers.too_few_answers"),
        (rated([0.5, 0.3]).assign(b=1.0), "drivers.too_few_drivers"),
        (rated([0.5, 0.3]).assign(score=4.0), "drivers.constant_outcome"),
        (rated([0.5, 0.3]).assign(score=np.nan), "drivers.too_few_drivers"),
    ],
)
def test_refusals(rows, code):
    with pytest.raises(MethodRefused) as caught:
        found(rows)
    assert caught.value.code == code
    assert all(caught.value.text(language) for language in ("zh", "en"))


# ---------------------------------------------------------------- what may be called stable


def test_a_place_is_settled_only_if_all_three_conditions_hold():
    clear = found(rated([0.9, 0.6, 0.2]))
    assert (clear.settled, clear.stable, clear.unsettled, clear.cautions) == (3, True, "", ())
    weak = found(rated([0.9, 0.6, 0.2], noise=9.0, n=2000))
    assert (weak.settled, weak.unsettled) == (0, "low_r2") and "low_r2" in weak.cautions
    alike = found(rated([0.9, 0.6, 0.2], alike=0.9, n=2000))
    assert (alike.settled, alike.unsettled, alike.leading) == (0, "collinear", 0)
    assert {"collinear", "unstable"} <= set(alike.cautions)
    close = found(rated([0.5, 0.48, 0.47]))
    assert (close.settled, close.unsettled) == (0, "overlapping")


def test_two_that_lead_together_are_a_group_without_an_order():
    result = found(rated([0.6, 0.6, 0.1, 0.1], seed=1))
    assert (result.settled, result.leading) == (0, 2)
    assert set(result.table["driver"][:2]) == {"a", "b"}
    assert found(rated([0.5, 0.5, 0.5, 0.5])).leading == 0


def test_a_pair_of_look_alikes_far_behind_does_not_unsettle_the_first():
    rows = rated([0.9, 0.1, 0.1])
    rows["c"] = rows["b"] + 0.1 * rows["c"]
    result = found(rows)
    assert result.settled == 1 and result.unsettled == "collinear"


def stable_share(effects, runs, **options):
    return np.mean([found(rated(effects, seed=seed, **options), replicates=300).stable for seed in range(runs)])


def test_clear_drivers_are_stable_and_look_alikes_or_equals_are_not():
    """A small part of benchmarks/drivers.py."""
    assert stable_share([0.5, 0.3, 0.1], 40, noise=0.65**0.5) >= 0.8
    assert stable_share([0.5, 0.3, 0.1], 25, alike=0.9) == 0
    assert stable_share([0.4, 0.4, 0.4], 40) <= 0.1
    assert 0.9 < HELD < 1


def test_a_thousand_replicates_of_twelve_drivers_take_seconds():
    rows = rated([0.3] * 12, n=2000, alike=0.5)
    start = time.process_time()
    found(rows, replicates=1000)
    assert time.process_time() - start < 6
