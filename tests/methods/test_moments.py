import numpy as np
import pytest

from sqlib.methods import clusters, moments


def columns(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([np.ones(n), rng.standard_normal((n, 3))])


def test_the_sample_itself_is_the_plain_cross_product():
    rows = columns()
    products, _ = moments.resampled(rows, np.arange(60) // 3, replicates=2, seed=0)
    np.testing.assert_allclose(products, rows.T @ rows)


def test_a_replicate_is_the_cross_product_of_the_rows_drawn():
    rows, who = columns(), np.arange(60) // 4
    _, redone = moments.resampled(rows, who, replicates=5, seed=3)
    counts = clusters.drawn(np.random.default_rng(3), 15, 5).astype(int)
    assert (counts.sum(1) == 15).all()
    for drawn, found in zip(counts, redone, strict=True):
        repeated = np.repeat(rows, drawn[who], axis=0)
        np.testing.assert_allclose(found, repeated.T @ repeated)


def test_many_clusters_are_drawn_in_blocks_with_the_same_spread():
    rows = columns(n=5000)
    _, redone = moments.resampled(rows, None, replicates=400, seed=0)
    means, _ = moments.covariance(redone)
    assert means.std(0) == pytest.approx(np.full(3, 1 / np.sqrt(5000)), rel=0.15)


def test_covariance_and_correlation_are_numpys():
    rows = columns()
    means, found = moments.covariance((rows.T @ rows)[None])
    np.testing.assert_allclose(means[0], rows[:, 1:].mean(0))
    np.testing.assert_allclose(found[0], np.cov(rows[:, 1:].T, ddof=0))
    np.testing.assert_allclose(moments.correlation(found)[0], np.corrcoef(rows[:, 1:].T))


def test_a_column_that_does_not_vary_correlates_with_nothing():
    found = moments.correlation(np.array([[1.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(found, np.eye(2))
