"""Shares by least squares: the conditions of the optimum, and the answer of another solver."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.methods import simplex


def problem(seed, rows, columns):
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((rows, columns)) + 3 * rng.standard_normal((rows, 1))
    return table, table[:, :2].mean(axis=1) + rng.standard_normal(rows)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(2, 50))
def test_the_conditions_of_the_optimum_hold(seed, rows, columns):
    table, aim = problem(seed, rows, columns)
    share = simplex.weights(table, aim)
    slope = table.T @ (table @ share - aim)
    slope, size = slope - slope @ share, abs(table.T @ table).max()
    assert share.sum() == pytest.approx(1, abs=1e-10) and share.min() >= 0
    assert slope.min() >= -1e-9 * size  # no unit left out would lower the squares
    assert np.abs(slope[share > 0]).max() <= 1e-9 * size


@pytest.mark.parametrize("seed", range(5))
def test_scipy_finds_no_better(seed):
    from scipy.optimize import minimize

    table, aim = problem(seed, 15, 6)
    found = minimize(
        lambda w: ((table @ w - aim) ** 2).sum(), np.full(6, 1 / 6), method="SLSQP", bounds=[(0, 1)] * 6,
        jac=lambda w: 2 * table.T @ (table @ w - aim), options={"ftol": 1e-14, "maxiter": 500},
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(6)},
    )  # fmt: skip
    assert simplex.weights(table, aim) == pytest.approx(found.x, abs=1e-5)


def test_a_mix_is_found_again_and_a_unit_among_equals_is_enough():
    table = np.random.default_rng(1).standard_normal((20, 5))
    aim = table @ [0.5, 0.3, 0.2, 0.0, 0.0]
    assert simplex.weights(table, aim) == pytest.approx([0.5, 0.3, 0.2, 0.0, 0.0], abs=1e-9)
    assert simplex.weights(np.ones((4, 3)), np.zeros(4)).sum() == 1
