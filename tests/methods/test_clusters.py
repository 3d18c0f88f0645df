import numpy as np
import pytest
from scipy import stats

from sqlib.methods import clusters
from sqlib.methods.clusters import bootstrap_p, contrast, effective_n

CHANGE = (-1.0, 1.0)


def design(seed=0, n=40, groups=3):
    """Unequal clusters that spread over several groups, with weights."""
    rng = np.random.default_rng(seed)
    return {
        "value": rng.normal(size=n),
        "cluster": rng.integers(0, 9, n),
        "group": np.r_[np.arange(groups), rng.integers(0, groups, n - groups)],
        "weight": rng.uniform(0.5, 2, n),
    }


def dense(value, cluster, group, weight, coefficients, rho):
    """Bell & McCaffrey with n x n matrices: the working covariance pushed through the residual maker."""
    groups, n = len(coefficients), len(value)
    x, w = np.eye(groups)[group], np.diag(weight)
    bread = np.linalg.inv(x.T @ w @ x)
    residual_maker = np.eye(n) - x @ bread @ x.T @ w
    means = bread @ x.T @ w @ value
    mass, square = np.bincount(group, weight), np.bincount(group, weight**2)
    spread = np.bincount(group, weight * (value - means[group]) ** 2) / (mass - square / mass)
    sd = np.sqrt(spread)[group]
    working = rho * (cluster[:, None] == cluster) * np.outer(sd, sd)
    np.fill_diagonal(working, sd**2)
    row = coefficients @ bread @ x.T @ w
    scores = np.stack([row * (cluster == g) for g in np.unique(cluster)])
    covariance = scores @ residual_maker @ working @ residual_maker.T @ scores.T
    target = np.array([s @ working @ s for s in scores])
    ratio = np.minimum(target / np.diag(covariance), clusters.LEVERAGE_CAP)
    ratio = ratio * target.sum() / (ratio * np.diag(covariance)).sum()
    product = ratio[:, None] * covariance
    variance = (ratio * (scores @ residual_maker @ value) ** 2).sum()
    return variance, np.trace(product) ** 2 / np.trace(product @ product)


@pytest.mark.parametrize("seed", range(6))
def test_equals_a_dense_matrix_computation(seed):
    data, coefficients = design(seed), np.array([1.0, -0.4, -0.6])
    result = contrast(**data, coefficients=coefficients)
    expected = dense(**data, coefficients=coefficients, rho=float(result.rho))
    np.testing.assert_allclose([result.variance, result.df], expected, rtol=1e-9)


def test_one_mean_of_independent_rows_is_students():
    x = np.random.default_rng(1).normal(size=23)
    result = contrast(x, cluster=np.arange(23))
    np.testing.assert_allclose([result.variance, result.df], [x.var(ddof=1) / 23, 22])


def test_two_means_of_independent_rows_are_welchs():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=23), 3 * rng.normal(size=11)
    result = contrast(np.r_[x, y], cluster=np.arange(34), group=np.repeat([0, 1], [23, 11]), coefficients=CHANGE)
    welch = stats.ttest_ind(y, x, equal_var=False)
    np.testing.assert_allclose([result.estimate / np.sqrt(result.variance), result.df], [welch.statistic, welch.df])


def test_every_customer_on_both_sides_is_the_paired_test():
    rng = np.random.default_rng(3)
    x = rng.normal(size=12)
    y = x + rng.normal(size=12)
    result = contrast(np.r_[x, y], cluster=np.tile(np.arange(12), 2), group=np.repeat([0, 1], 12), coefficients=CHANGE)
    paired = stats.ttest_rel(y, x)
    np.testing.assert_allclose([result.estimate / np.sqrt(result.variance), result.df], [paired.statistic, 11])
    np.testing.assert_allclose(result.correlation[0, 1], np.corrcoef(x, y)[0, 1])


def test_equal_clusters_equal_the_sandwich_of_statsmodels():
    import statsmodels.api as sm

    rng, cluster = np.random.default_rng(4), np.repeat(np.arange(10), 5)
    y = rng.normal(size=50) + rng.normal(size=10)[cluster]
    fit = sm.OLS(y, np.ones(50)).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    result = contrast(y, cluster=cluster)
    np.testing.assert_allclose([result.variance, result.df], [fit.cov_params()[0, 0], 9])


def test_repetitions_on_the_same_rows_equal_single_calls():
    data = design(5)
    values = np.random.default_rng(6).normal(size=(4, 40))
    weights = np.random.default_rng(7).uniform(0.5, 2, size=(4, 40))
    rest = {"cluster": data["cluster"], "group": data["group"], "coefficients": (0.5, 0.5, -1)}
    together = contrast(values, weight=weights, **rest)
    for i in range(4):
        alone = contrast(values[i], weight=weights[i], **rest)
        np.testing.assert_allclose([alone.variance, alone.df], [together.variance[i], together.df[i]])
        np.testing.assert_allclose(alone.correlation, together.correlation[i])


def test_order_of_rows_and_scale_of_weights_do_not_matter():
    data, order = design(8), np.random.default_rng(9).permutation(40)
    shuffled = {k: v[order] * (7 if k == "weight" else 1) for k, v in data.items()}
    first, second = (contrast(**d, coefficients=(1, 0, -1)) for d in (data, shuffled))
    np.testing.assert_allclose([first.variance, first.df], [second.variance, second.df])


@pytest.mark.parametrize(
    ("value", "cluster", "group", "coefficients"),
    [([1.0], [0], None, (1,)), ([1.0, 2.0], [0, 0], None, (1,)), ([1.0, 2.0], [0, 1], [0, 1], CHANGE)],
)
def test_nothing_to_compare_has_no_variance(value, cluster, group, coefficients):
    result = contrast(value, cluster=cluster, group=group, coefficients=coefficients)
    assert np.isnan(result.variance)
    assert np.isnan(result.df)


def test_a_group_of_one_row_borrows_the_spread_of_the_other():
    x = np.array([2.0, 3.0, 5.0, 4.0, 6.0])
    result = contrast(np.r_[1.0, x], cluster=np.arange(6), group=[0, 1, 1, 1, 1, 1], coefficients=CHANGE)
    np.testing.assert_allclose([result.variance, result.df], [x.var(ddof=1) * (1 + 1 / 5), 4], rtol=1e-6)


def test_effective_n_of_independent_answers_is_n_and_of_copies_is_the_customers():
    x = np.random.default_rng(10).normal(size=20)
    alone, copied = contrast(x, cluster=np.arange(20)), contrast(np.repeat(x, 5), cluster=np.repeat(np.arange(20), 5))
    assert float(effective_n(alone, x.var(), 20)[0]) == pytest.approx(20)
    assert float(effective_n(copied, x.var(), 100)[0]) == pytest.approx(20, rel=0.05)


def test_effective_n_without_variation_counts_each_customer_once():
    result = contrast(np.ones(12), cluster=np.repeat(np.arange(3), 4))
    assert [float(v) for v in effective_n(result, np.float64(0.0), 12)] == [3.0, 2.0]


def test_tail_df_is_the_clusters_for_a_normal_outcome_and_few_for_a_rare_one():
    rng = np.random.default_rng(15)
    normal, rare = rng.normal(size=4000), (np.arange(4000) % 400 == 0).astype(float)
    assert float(contrast(normal, cluster=np.arange(4000)).tail_df) == pytest.approx(4000, rel=0.1)
    assert float(contrast(rare, cluster=np.arange(4000)).tail_df) == pytest.approx(20, rel=0.02)  # 2 x 10 events


def test_missing_customers_stand_alone():
    code = clusters.codes(["a", None, "a", float("nan"), "b"], 5)
    assert code[0] == code[2]
    assert len(set(code)) == 4


def test_bootstrap_agrees_with_student_in_large_samples_and_is_seeded():
    rng = np.random.default_rng(11)
    x = rng.normal(size=400) + 0.03
    p = bootstrap_p(x, cluster=np.arange(400), seed=3)
    assert p == pytest.approx(stats.ttest_1samp(x, 0).pvalue, abs=0.03)
    assert p == bootstrap_p(x, cluster=np.arange(400), seed=3)
    assert p != bootstrap_p(x, cluster=np.arange(400), seed=4)


def test_bootstrap_of_many_clusters_draws_blocks():
    x = np.random.default_rng(12).normal(size=5000) + 0.03
    assert bootstrap_p(x, cluster=np.arange(5000)) == pytest.approx(stats.ttest_1samp(x, 0).pvalue, abs=0.04)


def test_bootstrap_draws_statistics_that_contrast_would_find():
    """One draw written out: clusters repeated as drawn, each copy a cluster of its own."""
    data = design(13, groups=2)
    counts = np.random.default_rng(14).multinomial(9, np.full(9, 1 / 9))
    total = clusters._Totals(data["cluster"], data["group"], 2)
    sums = np.concatenate([total(data["weight"] * data["value"]), total(data["weight"])], axis=1)
    estimate, variance = clusters._from_counts(counts[None, :].astype(float), sums, np.array(CHANGE))
    rows = np.concatenate([np.flatnonzero(data["cluster"] == g) for g, k in enumerate(counts) for _ in range(k)])
    copy = np.concatenate(
        [np.full((data["cluster"] == g).sum(), 100 * g + j) for g, k in enumerate(counts) for j in range(k)]
    )
    y, w, group = data["value"][rows], data["weight"][rows], data["group"][rows]
    means = [np.average(y[group == k], weights=w[group == k]) for k in (0, 1)]
    score = np.where(group == 1, 1, -1) * w * (y - np.take(means, group)) / np.bincount(group, w)[group]
    plain = sum(score[copy == c].sum() ** 2 for c in np.unique(copy))
    np.testing.assert_allclose([estimate[0], variance[0]], [means[1] - means[0], plain])
