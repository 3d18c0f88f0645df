"""Robust least squares against statsmodels (HC3) and against whole matrices (CR2)."""

import numpy as np
import pytest
import scipy.linalg

from sqlib.methods import sandwich


@pytest.fixture
def made():
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(60), rng.integers(0, 2, 60), rng.standard_normal(60)])
    return design, rng.standard_normal(60) * (1 + design[:, 1]), rng.integers(0, 9, 60)


def test_hc3_is_that_of_statsmodels(made):
    import statsmodels.api as sm

    design, values, _ = made
    fitted, other = sandwich.fit(values, design), sm.OLS(values, design).fit(cov_type="HC3")
    np.testing.assert_allclose(fitted.covariance, other.cov_params(), rtol=1e-10)
    np.testing.assert_allclose(fitted.coefficients, other.params, rtol=1e-10)
    np.testing.assert_allclose(fitted.plain, sm.OLS(values, design).fit().cov_params(), rtol=1e-10)
    assert fitted.combine([0, 1, 0])[2] == 57


def test_cr2_and_its_degrees_of_freedom_by_whole_matrices(made):
    design, values, team = made
    weights = np.array([0.0, 1.0, 0.5])
    bread = np.linalg.inv(design.T @ design)
    left = np.eye(60) - design @ bread @ design.T
    covariance, parts = np.zeros((3, 3)), []
    for own in (team == each for each in range(9)):
        adjust = scipy.linalg.inv(scipy.linalg.sqrtm(left[np.ix_(own, own)])).real
        score = bread @ design[own].T @ adjust @ (left @ values)[own]
        covariance += np.outer(score, score)
        parts.append(left[:, own] @ adjust @ design[own] @ bread @ weights)
    product = np.array(parts) @ np.array(parts).T
    fitted = sandwich.fit(values, design, team)
    np.testing.assert_allclose(fitted.covariance, covariance, rtol=1e-8)
    assert fitted.combine(weights)[2] == pytest.approx(np.trace(product) ** 2 / (product**2).sum(), rel=1e-8)


def test_teams_of_one_with_one_mean_an_arm_are_welch(made):
    """CR2 with every row its own team is HC2, whose t on Satterthwaite's df is Welch's up to its estimated spreads."""
    design, values, _ = made
    side = design[:, 1]
    fitted = sandwich.fit(values, design[:, :2], np.arange(60))
    expected = np.sqrt(sum(values[side == k].var(ddof=1) / (side == k).sum() for k in (0, 1)))
    assert fitted.combine([0, 1])[1] == pytest.approx(expected, rel=1e-10)
