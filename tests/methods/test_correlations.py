import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from sqlib.methods import correlations as method

# Kendall (1970) Rank Correlation Methods, ch. 3: two rankings of ten with ties, tau-b = .859
KENDALL = (
    [1, 2.5, 2.5, 4.5, 4.5, 6.5, 6.5, 8, 9.5, 9.5],
    [1, 2, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10],
)
# Agresti (2002) Categorical Data Analysis, table 2.8: income (rows) by job satisfaction; C = 1,331, D = 849
AGRESTI = np.array([[1, 3, 10, 6], [2, 3, 10, 7], [1, 6, 14, 12], [0, 1, 9, 11]])


def drawn(correlation, n, reliability, seed=0):
    """Two scores of n people, error variances of every person, true variances 1."""
    rng = np.random.default_rng(seed)
    first, other = rng.standard_normal((2, n))
    second = correlation * first + np.sqrt(1 - correlation**2) * other
    errors = (1 - reliability) / reliability * rng.uniform(0.5, 1.5, (2, n))
    noise = rng.standard_normal((2, n)) * np.sqrt(errors)
    return first + noise[0], second + noise[1], *errors


def test_kendalls_example():
    assert method.kendall(*KENDALL).estimate == pytest.approx(0.859, abs=5e-4)


def test_agrestis_table():
    row, column = np.indices(AGRESTI.shape).reshape(2, -1)
    row, column = (np.repeat(each, AGRESTI.ravel()) for each in (row, column))
    tied = [np.bincount(each) for each in (row, column)]
    pairs = 96 * 95 / 2
    free = [pairs - (counts * (counts - 1) / 2).sum() for counts in tied]
    assert method.kendall(row, column).estimate == pytest.approx((1331 - 849) / np.sqrt(np.prod(free)), abs=1e-9)


def test_spearmans_correction_as_the_help_of_ctt_gives_it():
    """Equal errors: the estimate is r / sqrt(r11 r22); r .6, reliabilities .7 and .8 (CTT::disattenuated.cor)."""
    assert 0.6 / np.sqrt(0.7 * 0.8) == pytest.approx(0.8018, abs=5e-5)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 2))
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T  # exactly uncorrelated, variance 1
    y = x @ np.linalg.cholesky([[1, 0.6], [0.6, 1]]).T
    found = method.corrected(y[:, 0], y[:, 1], 0.3, 0.2)
    assert found.estimate == pytest.approx(0.80178, abs=1e-4)
    assert method.reliability(y[:, 0], 0.3) == pytest.approx(0.7)


def test_the_likelihood_is_that_of_the_dense_model():
    first, second, one, two = drawn(0.5, 15, 0.6)
    y = np.column_stack([first, second])
    profile = method._Profile(y, np.column_stack([one, two]))
    logs, correlation = np.array([0.2, -0.3]), 0.4
    size = len(y)
    true = np.exp(logs / 2)
    block = np.outer(true, true) * np.array([[1, correlation], [correlation, 1]])
    whole = np.kron(np.eye(size), block) + np.diag(np.column_stack([one, two]).ravel())
    design = np.kron(np.ones((size, 1)), np.eye(2))
    inner = np.linalg.inv(whole)
    middle = design.T @ inner @ design
    left = inner - inner @ design @ np.linalg.inv(middle) @ design.T @ inner
    dense = np.linalg.slogdet(whole)[1] + np.linalg.slogdet(middle)[1] + y.ravel() @ left @ y.ravel()
    assert profile._at(logs, correlation)[0] == pytest.approx(dense)
    slope = optimize.approx_fprime(logs, lambda at: profile._at(at, correlation)[0], 1e-7)
    assert profile._at(logs, correlation)[1] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_without_error_it_is_fishers_interval():
    first, second, _, _ = drawn(0.5, 40, 0.9)
    plain = stats.pearsonr(first, second)
    interval = plain.confidence_interval(0.95)
    found = method.corrected(first, second, 0.0, 0.0)
    assert (found.estimate, found.low, found.high) == pytest.approx((plain.statistic, interval.low, interval.high))


def test_rank_correlations_are_scipys():
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 6, (2, 50))
    assert method.kendall(first, second).estimate == pytest.approx(stats.kendalltau(first, second).statistic)
    assert method.spearman(first, second).estimate == pytest.approx(stats.spearmanr(first, second).statistic)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.9, 0.9), st.floats(0.4, 0.95))
def test_every_interval_holds_its_estimate_and_stays_inside(seed, correlation, reliability):
    first, second, one, two = drawn(correlation, 25, reliability, seed)
    for found in (method.pearson(first, second), method.kendall(first, second), method.spearman(first, second),
                  method.corrected(first, second, one, two)):  # fmt: skip
        assert -1 <= found.low <= found.estimate <= found.high <= 1


def test_the_p_value_is_the_inverted_interval():
    first, second, _, _ = drawn(0.4, 30, 0.9)
    for each in (method.pearson, method.kendall, method.spearman):
        found = each(first, second, confidence=1 - each(first, second).p_value)
        assert min(abs(found.low), abs(found.high)) == pytest.approx(0, abs=1e-9)


def test_turning_a_score_round_turns_the_interval_round():
    first, second, one, two = drawn(0.6, 30, 0.7)
    plain, turned = method.corrected(first, second, one, two), method.corrected(first, -second, one, two)
    assert (turned.estimate, turned.low, turned.high) == pytest.approx(
        (-plain.estimate, -plain.high, -plain.low), abs=1e-3
    )


def test_a_perfect_order_has_an_interval():
    found = method.kendall(np.arange(30), np.arange(30))
    assert found.estimate == 1 and found.low < 1
    half = method.kendall(np.arange(30), np.repeat([0, 1], 15))
    assert half.high - half.low > 0.2


def test_coverage_of_the_corrected_correlation():
    """Full grid in the benchmark; here 30 people, reliability .6."""
    found = [method.corrected(*drawn(0.5, 30, 0.6, seed)) for seed in range(120)]
    assert 0.90 <= np.mean([each.low <= 0.5 <= each.high for each in found]) <= 1.0


def test_coverage_of_tau():
    true, hits = 2 / np.pi * np.arcsin(0.5), 0
    for seed in range(300):
        found = method.kendall(*drawn(0.5, 30, 1 - 1e-12, seed)[:2])
        hits += found.low <= true <= found.high
    assert 0.92 <= hits / 300 <= 0.99


def test_too_few_or_constant_tell_nothing():
    for found in (method.pearson([1, 2], [2, 1]), method.kendall(np.arange(12), np.ones(12)),
                  method.corrected(np.arange(9), np.arange(9), 1.0, 1.0)):  # fmt: skip
        assert np.isnan([found.estimate, found.low, found.high]).all()
