import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

from sqlib.errors import MethodRefused
from sqlib.methods import proportions, samples
from sqlib.methods.samples import Sample


def counts(successes, n, **columns):
    return pd.DataFrame({"y": np.repeat([1, 0], [successes, n - successes]), **columns})


def two(first, n_first, second, n_second):
    return pd.concat([counts(first, n_first, period="previous"), counts(second, n_second, period="current")])


def clustered(seed=0, n=300, customers=60):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.random(n) < 0.8,
            "customer": rng.integers(0, customers, n),
            "team": rng.choice(list("abc"), n),
            "period": rng.choice(["previous", "current"], n),
            "w": rng.uniform(0.5, 2, n),
        }
    )


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_published(successes, n, low, high):
    """Newcombe (1998) Statistics in Medicine 17:857, Table I, method 3; four decimals as printed."""
    np.testing.assert_allclose(proportions.wilson(successes, n), (low, high), atol=5e-5)


def test_wilson_of_no_vegetarian_among_25():
    """Agresti (2013) Categorical Data Analysis, 1.4.3: score interval (0, .133)."""
    np.testing.assert_allclose(proportions.wilson(0, 25), (0, 0.133), atol=5e-4)


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_statsmodels_and_holds_the_estimate(n, p, confidence):
    successes = round(p * n)
    low, high = proportions.wilson(successes, n, confidence=confidence)
    np.testing.assert_allclose((low, high), proportion_confint(successes, n, 1 - confidence, "wilson"), atol=1e-12)
    assert 0 <= low <= successes / n <= high <= 1


def test_wilson_takes_arrays_and_gives_nan_for_nobody():
    low, high = proportions.wilson([8, 0], [10, 0])
    assert np.isnan(low[1])
    assert np.isnan(high[1])
    np.testing.assert_allclose(low[0], 1 - proportions.wilson(2, 10)[1])


@pytest.mark.parametrize(
    ("second", "n_second", "first", "n_first", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_difference_published(second, n_second, first, n_first, low, high):
    """Newcombe (1998) Statistics in Medicine 17:873, Table II, method 10; four decimals as printed."""
    data = two(first, n_first, second, n_second)
    row = proportions.difference(data, outcome="y", group="period", first="previous", second="current").table.iloc[0]
    np.testing.assert_allclose([row.low, row.high], [low, high], atol=6e-5)
    expected = confint_proportions_2indep(second, n_second, first, n_first, method="newcomb")
    np.testing.assert_allclose([row.low, row.high], expected, atol=1e-12)
    assert row.method == "newcombe"


def test_difference_second_method_is_fishers():
    row = proportions.difference(
        two(48, 80, 56, 70), outcome="y", group="period", first="previous", second="current"
    ).table.iloc[0]
    assert row.p_second == pytest.approx(stats.fisher_exact([[48, 32], [56, 14]]).pvalue)
    assert (row.n_first, row.n_second, row.n, row.clusters) == (80, 70, 150, 150)
    assert row.estimate == pytest.approx(0.2)


def test_share_against_a_target_is_the_score_test_and_the_exact_binomial():
    row = proportions.share(counts(33, 50), outcome="y", target=0.8).table.iloc[0]
    assert row.p_value == pytest.approx(proportions_ztest(33, 50, 0.8, prop_var=0.8)[1], rel=1e-9)
    tails = stats.binom.cdf(33, 50, 0.8), stats.binom.sf(32, 50, 0.8)
    assert row.p_second == pytest.approx(2 * min(tails), rel=1e-9)
    assert (row.method, row.n_effective, row.successes) == ("wilson", 50, 33)
    assert row.difference == pytest.approx(-0.14)


def test_share_by_group_corrects_for_the_number_of_targets():
    data = clustered()
    result = proportions.share(data, outcome="y", by="team", target=pd.Series({"a": 0.9, "b": 0.9}))
    assert result.comparisons == 2
    assert result.table["p_adjusted"].notna().tolist() == [True, True, False]
    assert (result.table["p_adjusted"].dropna() >= result.table["p_value"].dropna()).all()
    assert result.table["n"].sum() == len(data)


def test_interval_and_p_value_never_disagree():
    data = clustered(1)
    table = proportions.share(data, outcome="y", by="team", cluster="customer", weight="w").table
    for limit in (*table["low"], *table["high"]):
        inside, outside = (
            proportions.share(data, outcome="y", by="team", cluster="customer", weight="w", target=limit + d).table
            for d in (1e-9, -1e-9)
        )
        assert (
            np.isclose(inside["p_value"], 0.05, atol=1e-6).any()
            or np.isclose(outside["p_value"], 0.05, atol=1e-6).any()
        )


def test_copied_answers_do_not_narrow_the_interval():
    data = pd.DataFrame({"y": np.repeat([1, 0], [30, 10]), "customer": np.arange(40)})
    once = proportions.share(data, outcome="y", cluster="customer").table.iloc[0]
    five = proportions.share(pd.concat([data] * 5), outcome="y", cluster="customer").table.iloc[0]
    assert once.method == "wilson"
    assert five.method == "wilson_clustered"
    assert (five.high - five.low) > 0.98 * (once.high - once.low)
    assert five.n == 200
    assert five.clusters == 40


def test_equal_weights_hardly_change_anything_and_unequal_ones_widen():
    data = clustered(2).assign(one=3.0)
    plain = proportions.share(data, outcome="y").table.iloc[0]
    equal = proportions.share(data, outcome="y", weight="one").table.iloc[0]
    unequal = proportions.share(data, outcome="y", weight="w").table.iloc[0]
    np.testing.assert_allclose([equal.low, equal.high], [plain.low, plain.high], atol=1e-9)
    assert unequal.n_effective < 300
    kish = data["w"].sum() ** 2 / (data["w"] ** 2).sum()
    assert unequal.n_effective == pytest.approx(kish, rel=0.12)


def test_the_same_customers_twice_narrow_a_change():
    rng = np.random.default_rng(3)
    before = rng.random(200) < 0.7
    after = np.where(rng.random(200) < 0.9, before, rng.random(200) < 0.7)
    data = pd.DataFrame({"y": np.r_[before, after], "period": np.repeat([1, 2], 200), "c": np.tile(np.arange(200), 2)})
    options = {"outcome": "y", "group": "period", "first": 1, "second": 2}
    paired = proportions.difference(data, cluster="c", **options).table.iloc[0]
    apart = proportions.difference(data, **options).table.iloc[0]
    assert paired.high - paired.low < 0.6 * (apart.high - apart.low)
    assert paired.p_second == proportions.difference(data, cluster="c", **options).table.iloc[0].p_second


def test_paired_change_is_close_to_newcombes_paired_interval():
    """Newcombe (1998) Statistics in Medicine 17:2635, method 10 without continuity correction: his own limits for
    the pairs 36, 12, 2, 0 are .0569 to .3404 (Table II b)."""
    pairs = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [36, 12, 2, 0], axis=0)
    data = pd.DataFrame({"y": pairs.T.ravel(), "side": np.repeat([1, 2], 50), "c": np.tile(np.arange(50), 2)})
    row = proportions.difference(data, outcome="y", group="side", first=2, second=1, cluster="c").table.iloc[0]
    np.testing.assert_allclose([row.low, row.high], [0.0569, 0.3404], atol=0.02)


def test_a_known_base_narrows_the_share_and_everybody_is_exact():
    data = counts(144, 180)
    free = proportions.share(data, outcome="y").table.iloc[0]
    base = proportions.share(data, outcome="y", population=300).table.iloc[0]
    assert (base.high - base.low) / (free.high - free.low) == pytest.approx(0.632, abs=0.01)
    everybody = proportions.share(data, outcome="y", population=180).table.iloc[0]
    assert everybody.low == everybody.high == 0.8


def test_small_and_empty_groups_keep_their_row():
    data = pd.DataFrame({"y": [1, 0, 1, None, 1], "team": list("aabcb"), "customer": [1, 1, 2, 3, 4]})
    result = proportions.share(data, outcome="y", by="team", cluster="customer", target=0.5)
    assert result.table["n"].tolist() == [2, 2, 0]
    assert result.table["low"].isna().tolist() == [True, False, True]
    assert result.missing == 1
    assert set(result.cautions) == {"no_rows", "too_few_clusters", "few_clusters"}
    nobody = proportions.difference(data, outcome="y", group="team", first="a", second="z").table.iloc[0]
    assert np.isnan(nobody.low)
    assert nobody.n_second == 0


def test_all_alike_counts_each_customer_once():
    data = pd.DataFrame({"y": 1, "customer": np.repeat(np.arange(20), 4)})
    row = proportions.share(data, outcome="y", cluster="customer").table.iloc[0]
    assert row.n_effective <= 20
    assert row.low < proportions.wilson(20, 20)[0] + 1e-9
    assert row.high == 1


def test_an_outcome_that_is_no_share_is_refused():
    with pytest.raises(MethodRefused) as refused:
        proportions.share(pd.DataFrame({"y": [1, 0, 5]}), outcome="y")
    assert refused.value.code == "proportions.not_binary"
    assert all("5" in refused.value.text(language) for language in ("zh", "en"))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_limits_are_shares_and_hold_the_estimate(seed):
    data = clustered(seed, n=40, customers=12)
    table = proportions.share(data, outcome="y", by="team", cluster="customer", weight="w").table.dropna(subset="low")
    assert ((table["low"] >= 0) & (table["low"] <= table["estimate"])).all()
    assert ((table["high"] <= 1) & (table["high"] >= table["estimate"])).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.95])
def test_coverage_with_several_answers_a_customer(share):
    """30 customers with 1 to 12 answers, intra-customer correlation .2; the full grid: benchmarks/coverage.py."""
    rng, cluster = np.random.default_rng(5), np.repeat(np.arange(30), np.resize([1, 1, 2, 3, 4, 8, 12], 30))
    common = rng.random((3000, 30))[:, cluster]
    uniform = np.where(rng.random(common.shape) < np.sqrt(0.2), common, rng.random(common.shape))
    sample = Sample((uniform < share).astype(float), cluster, None)
    low, high = proportions.interval(*proportions.information_of(sample), 0.05)
    assert 0.93 < ((low <= share) & (share <= high)).mean() < 0.99


def test_false_positives_of_a_change_with_customers_on_both_sides():
    rng, cluster = np.random.default_rng(6), np.r_[np.repeat(np.arange(30), 2), np.repeat(np.arange(15, 45), 2)]
    side = np.repeat([0, 1], 60)
    common = rng.random((3000, 45))[:, cluster]
    uniform = np.where(rng.random(common.shape) < np.sqrt(0.2), common, rng.random(common.shape))
    both = Sample((uniform < 0.8).astype(float), cluster, None)
    measured = [proportions.information_of(samples.part(both, side == which)) for which in (0, 1)]
    low, high = proportions.combined(measured, samples.correlation(both, side), 0.05)
    assert 0.03 < ((low > 0) | (high < 0)).mean() < 0.065
