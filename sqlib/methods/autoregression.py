"""Linear models with autoregressive errors: restricted maximum likelihood over a grid, thousands of series at once.

Errors are AR(1), and AR(2) where the likelihood asks for it, written as the partial autocorrelations of lag 1 (``phi``,
which is the lag-1 autocorrelation) and lag 2 (``phi_2``). All series share one design, so each point of the grid costs
a few matrix products. A missing value is a coefficient of its own, which leaves the exact restricted likelihood of the
values observed. Limits are t on the effective degrees of freedom: n times the variance of an error over that of the
mean of a long series, less p; for AR(1) n (1 - phi) / (1 + phi) - p; at least 2.

Both are sought from 0 up: in a short series a negative one is mostly chance, and makes the interval too narrow. With
``order=1`` slow drifts that AR(1) cannot follow are covered to .85-.90 only.

References: Harville (1977) JASA 72:320 (REML); Bartlett (1946) Suppl. J. R. Stat. Soc. 8:27 (effective n). Checked
against a dense REML by scipy, and GLSAR and SARIMAX of statsmodels; coverage: ``benchmarks/effects.py``.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from sqlib.methods.one_thread import one_thread

FIRST = np.round(np.arange(0, 0.951, 0.025), 3)
SECOND = (0.0, 0.1, 0.2, 0.3)
LEAST_DF = 2.0
LEAST_GAIN = 0.2  # log likelihood by which autocorrelation must beat none: less is chance, and widens the limits
ROUNDING = 1e-12  # share of the largest value under which what a fit leaves is none
BLOCK = 64  # series taken over the whole grid at once


@dataclass(frozen=True)
class Fit:
    """``phi``, ``phi_2``, ``variance`` (of one error), ``df``: (m,); ``coefficients``: (m, p); ``covariance``:
    (m, p, p); ``likelihood``: restricted log likelihood over ``FIRST``, the second at its best (m, grid), up to a
    constant."""

    phi: np.ndarray
    phi_2: np.ndarray
    variance: np.ndarray
    df: np.ndarray
    coefficients: np.ndarray
    covariance: np.ndarray
    likelihood: np.ndarray

    def combine(self, weights) -> tuple[np.ndarray, np.ndarray]:
        """Estimate and standard error of the linear combination ``weights`` (p,) of the coefficients: (m,) each."""
        weights = np.asarray(weights, dtype=float)
        return self.coefficients @ weights, np.sqrt(np.einsum("i,mij,j->m", weights, self.covariance, weights))

    def phi_interval(self, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Where the likelihood lies within the chi-squared limit of its peak, on the grid."""
        limit = special.chdtri(1, 1 - confidence) / 2
        inside = self.likelihood >= self.likelihood.max(axis=1, keepdims=True) - limit
        return FIRST[inside.argmax(axis=1)], FIRST[inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)]


@one_thread
def fit(series, design, *, order: int = 2, least_gain: float = LEAST_GAIN) -> Fit:
    """Fit every row of ``series`` (m, n; NaN = missing) on ``design`` (n, p; full rank on the periods observed)."""
    series, design = np.atleast_2d(np.asarray(series, dtype=float)), np.asarray(design, dtype=float)
    patterns, which = np.unique(np.isnan(series), axis=0, return_inverse=True)
    groups = [np.flatnonzero(which.ravel() == k) for k in range(len(patterns))]
    second = SECOND if order == 2 else SECOND[:1]
    parts = [_shared(np.nan_to_num(series[own]).T, design, missing, second, least_gain)
             for own, missing in zip(groups, patterns, strict=True)]  # fmt: skip
    back = np.argsort(np.concatenate(groups))
    return Fit(*(np.concatenate(part)[back] for part in zip(*parts, strict=True)))


def whiten(values: np.ndarray, phi, phi_2=0.0) -> np.ndarray:
    """Rows of ``values``, one a period, freed of autocorrelation; their variance stays that of one error.

    With ``phi``, ``phi_2`` of shape (grid, 1, 1) the answer is (grid, n, columns).
    """
    one, two = np.sqrt(1 - phi**2), np.sqrt(1 - phi_2**2)
    white = np.empty((*np.shape(phi)[:1], *values.shape))
    white[..., :1, :] = values[:1]
    white[..., 1:2, :] = (values[1:2] - phi * values[:1]) / one
    white[..., 2:, :] = (values[2:] - phi * (1 - phi_2) * values[1:-1] - phi_2 * values[:-2]) / (one * two)
    return white


def degrees_of_freedom(n: int, p: int, phi, phi_2=0.0) -> np.ndarray:
    """What n autocorrelated observations are worth, less the p coefficients."""
    share = (1 - phi) * (1 - phi_2) / ((1 + phi) * (1 + phi_2))
    return np.maximum(n * share - p, LEAST_DF)


def lags(phi: float, phi_2: float, n: int) -> np.ndarray:
    """Autocorrelation of the errors at lags 0 to n - 1."""
    found = np.ones(n)
    found[1:2] = phi
    for k in range(2, n):
        found[k] = phi * (1 - phi_2) * found[k - 1] + phi_2 * found[k - 2]
    return found


def _shared(values, design, missing, second, least_gain):
    """Fields of ``Fit`` of series (columns of ``values``) that miss the same periods."""
    (n, m), p = values.shape, design.shape[1]
    design = np.column_stack([design, np.eye(n)[:, missing]])
    plain = np.linalg.lstsq(design, values, rcond=None)[0]
    values = _rest_of(values, design @ plain)
    spare, seen = n - design.shape[1], int((~missing).sum())
    grid = np.array([(phi, phi_2) for phi_2 in second for phi in FIRST])[:, :, None, None]
    basis, root = np.linalg.qr(whiten(design, grid[:, 0], grid[:, 1]))
    information = 2 * np.log(np.abs(np.diagonal(root, axis1=1, axis2=2))).sum(axis=1)
    information += _log_determinant(n, grid[:, 0, 0, 0], grid[:, 1, 0, 0])
    blocks = [slice(k, k + BLOCK) for k in range(0, m, BLOCK)]
    rest = np.concatenate([_rest(values[:, own], basis, grid) for own in blocks])
    likelihood = -(information + spare * np.log(np.maximum(rest, 1e-300))) / 2
    best = likelihood.argmax(axis=1)
    best[likelihood.max(axis=1) - likelihood[:, 0] < least_gain] = 0
    variance, coefficients, covariance = np.empty(m), np.empty((m, p)), np.empty((m, p, p))
    for k in np.unique(best):
        own = best == k
        variance[own] = rest[own, k] / spare
        inverse = np.linalg.inv(root[k])[:p]
        coefficients[own] = (plain[:p, own] + inverse @ (basis[k].T @ whiten(values[:, own], *grid[k, :, 0, 0]))).T
        covariance[own] = variance[own, None, None] * (inverse @ inverse.T)
    phi, phi_2 = grid[best, :, 0, 0].T
    df = degrees_of_freedom(seen, p, phi, phi_2)
    profile = likelihood.reshape(m, len(second), len(FIRST)).max(axis=1)
    return phi, phi_2, variance, df, coefficients, covariance, profile


def _rest_of(values, fitted):
    """The values less a first fit, since a level far above the noise would drown it in rounding; 0 where rounding is
    all that is left."""
    rest = values - fitted
    return np.where(np.abs(rest).max(axis=0) > ROUNDING * np.abs(values).max(axis=0), rest, 0.0)


def _rest(values, basis, grid):
    """Residual sums of squares of the whitened values: (m, grid)."""
    white = whiten(values, grid[:, 0], grid[:, 1])
    explained = np.swapaxes(basis, 1, 2) @ white
    return np.maximum((white**2).sum(axis=1) - (explained**2).sum(axis=1), 0.0).T


def _log_determinant(n, phi, phi_2):
    return (n - 1) * np.log1p(-(phi**2)) + (n - 2) * np.log1p(-(phi_2**2))
