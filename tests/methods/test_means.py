import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sqlib.errors import MethodRefused
from sqlib.methods import means
from sqlib.methods.samples import Sample

# Lohr (1999) Sampling: Design and Analysis, Example 5.2: grade averages of 4 persons in each of 5 suites out of 100
GPA = "3.08 2.60 3.44 3.04 2.36 3.04 3.28 2.68 2.00 2.56 2.52 1.88 3.00 2.88 3.44 3.64 2.68 1.92 3.28 3.20"
SUITES = pd.DataFrame({"suite": np.repeat(np.arange(5), 4), "gpa": [float(x) for x in GPA.split()]})
# Student (1908) Biometrika 6:1: additional hours of sleep of 10 patients under two drugs
HOURS = ".7 -1.6 -.2 -1.2 -.1 3.4 3.7 .8 0 2  1.9 .8 1.1 .1 -.1 4.4 5.5 1.6 4.6 3.4"
SLEEP = pd.DataFrame(
    {
        "hours": [float(x) for x in HOURS.split()],
        "drug": np.repeat([1, 2], 10),
        "patient": np.tile(np.arange(10), 2),
    }
)


def test_cluster_mean_published():
    """Lohr (1999) Example 5.2: mean 2.826, standard error .164 with 5 of 100 suites; printed to three decimals."""
    row = means.mean(SUITES, value="gpa", cluster="suite", population=100).table.iloc[0]
    assert row.estimate == pytest.approx(2.826, abs=5e-4)
    assert (row.high - row.low) / 2 / stats.t.ppf(0.975, 4) == pytest.approx(0.164, abs=5e-4)
    assert (row.n, row.clusters, row.df, row.method) == (20, 5, pytest.approx(4), "t_clustered")


def test_paired_change_published():
    """Student (1908): mean difference 1.58, t = 4.0621 on 9 df, p = .00283 (as R prints the same data)."""
    row = means.difference(SLEEP, value="hours", group="drug", first=1, second=2, cluster="patient").table.iloc[0]
    assert row.estimate == pytest.approx(1.58)
    assert row.estimate / (row.high - row.low) * 2 * stats.t.ppf(0.975, 9) == pytest.approx(4.0621, abs=5e-5)
    assert row.p_value == pytest.approx(0.00283, abs=5e-6)


def test_unpaired_change_published():
    """The sleep data unpaired, Welch: t = 1.8608 on 17.776 df, p = .07939, -.2055 to 3.3655 (R manual, t.test)."""
    row = means.difference(SLEEP, value="hours", group="drug", first=1, second=2).table.iloc[0]
    assert row.df == pytest.approx(17.776, abs=5e-4)
    assert row.p_value == pytest.approx(0.07939, abs=5e-6)
    np.testing.assert_allclose([row.low, row.high], [-0.2054832, 3.3654832], atol=1e-6)


def test_mean_of_independent_rows_is_students():
    row = means.mean(SLEEP[:10], value="hours", target=0).table.iloc[0]
    expected = stats.ttest_1samp(SLEEP["hours"][:10], 0)
    np.testing.assert_allclose([row.low, row.high], expected.confidence_interval())
    assert row.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert row.n_effective == pytest.approx(10)
    assert row.sd == pytest.approx(SLEEP["hours"][:10].std())


def test_weighted_mean_equals_the_sandwich_of_statsmodels():
    """HC3-like leverage aside, the variance of a weighted mean is that of WLS with robust errors."""
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    data = pd.DataFrame({"y": rng.normal(size=400), "w": rng.uniform(0.5, 2, 400)})
    row = means.mean(data, value="y", weight="w").table.iloc[0]
    fit = sm.WLS(data["y"], np.ones(400), weights=data["w"]).fit(cov_type="HC2")
    assert row.estimate == pytest.approx(fit.params.iloc[0])
    assert (row.high - row.low) / 2 / stats.t.ppf(0.975, row.df) == pytest.approx(fit.bse.iloc[0], rel=2e-3)


def test_a_scale_of_zero_and_one_is_close_to_wilson():
    data = pd.DataFrame({"y": np.repeat([1, 0], [33, 17])})
    row = means.mean(data, value="y", scale=(0, 1)).table.iloc[0]
    np.testing.assert_allclose([row.low, row.high], [0.5215, 0.7756], atol=0.01)  # Wilson, 33 of 50
    assert row.method == "wilson_scale"


def test_a_scale_keeps_the_interval_inside_and_exists_without_variation():
    data = pd.DataFrame({"y": [5.0] * 19 + [4.0], "same": 5.0, "team": ["a"] * 20})
    near = means.mean(data, value="y", scale=(1, 5)).table.iloc[0]
    assert 1 < near.low < near.estimate < near.high < 5
    assert near.estimate - near.low > near.high - near.estimate
    alike = means.mean(data, value="same", scale=(1, 5), target=4.5)
    assert alike.table["high"].item() == 5
    assert alike.table["low"].item() == pytest.approx(1 + 4 * 0.8389, abs=1e-3)  # Wilson, 20 of 20
    assert alike.cautions == ()
    assert means.mean(data, value="same").cautions == ("no_variation",)
    assert means.mean(data, value="same").table["low"].isna().all()


def test_scale_and_units_move_together():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.integers(1, 6, 60), "c": rng.integers(0, 20, 60)})
    five = means.mean(data, value="y", cluster="c", scale=(1, 5), target=3).table.iloc[0]
    hundred = means.mean(
        data.assign(y=(data["y"] - 1) * 25), value="y", cluster="c", scale=(0, 100), target=50
    ).table.iloc[0]
    np.testing.assert_allclose((np.array([five.low, five.high]) - 1) * 25, [hundred.low, hundred.high])
    assert five.p_value == pytest.approx(hundred.p_value)
    assert five.p_second == hundred.p_second


def test_skewed_values_in_small_numbers_are_named():
    """Cochran (1977): n should exceed 25 times the squared skewness."""
    waiting = pd.DataFrame({"minutes": np.r_[np.ones(18), 40, 90]})
    assert "skewed" in means.mean(waiting, value="minutes").cautions
    assert "skewed" not in means.mean(pd.DataFrame({"minutes": np.arange(20)}), value="minutes").cautions


def test_small_groups_keep_their_row():
    data = pd.DataFrame({"y": [1.0, 2, 3, None, 5, 4], "team": list("aabcbb"), "customer": [1, 1, 2, 3, 4, 5]})
    result = means.mean(data, value="y", by="team", cluster="customer", target=2)
    assert result.table["low"].isna().tolist() == [True, False, True]
    assert result.missing == 1
    assert {"no_rows", "too_few_clusters", "few_clusters"} <= set(result.cautions)


@pytest.mark.parametrize(("values", "code"), [([1, 6], "means.off_scale"), (["good", "3"], "samples.not_numeric")])
def test_refusals(values, code):
    with pytest.raises(MethodRefused) as refused:
        means.mean(pd.DataFrame({"y": values}), value="y", scale=(1, 5))
    assert refused.value.code == code
    assert all(
        str(values[1 if code == "means.off_scale" else 0]) in refused.value.text(language) for language in ("zh", "en")
    )


@pytest.mark.parametrize("correlation", [0.0, 0.2])
def test_coverage_of_skewed_scores_with_several_answers_a_customer(correlation):
    """15 customers with 1 to 12 answers, 70 % of them 5 of 5; the full grid: benchmarks/coverage.py."""
    rng, cluster = np.random.default_rng(2), np.repeat(np.arange(15), np.resize([1, 1, 2, 3, 4, 8, 12], 15))
    common = rng.random((3000, 15))[:, cluster]
    uniform = np.where(rng.random(common.shape) < np.sqrt(correlation), common, rng.random(common.shape))
    cuts = np.cumsum([0.04, 0.02, 0.04, 0.2])
    sample = Sample(1.0 + (uniform[..., None] > cuts).sum(-1), cluster, None)
    low, high = means.interval(means.standard_error(sample), 0.05, scale=(1, 5))
    assert 0.93 < ((low <= 4.5) & (high >= 4.5)).mean() < 0.975
