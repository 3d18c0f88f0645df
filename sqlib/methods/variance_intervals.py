"""Intervals of variance components: chi-squared on the degrees of freedom their information is worth (Satterthwaite
1946, Biometrics Bulletin 2:110), the likelihood where that is less than three or the estimate is 0."""

import functools

import numpy as np
import pandas as pd
from scipy import optimize, special

from sqlib.methods.crossed import RESIDUAL, CrossedFit

FEWEST = 3.0  # degrees of freedom under which the chi-squared interval is no guide
WIDEST = 40.0  # on the log scale, how far the likelihood is followed


def components(fit: CrossedFit, confidence: float = 0.95) -> pd.DataFrame:
    """Table of component, estimate, low, high, share (of the sum of the estimates)."""
    variance = np.diag(fit.variance_covariance)
    rows = []
    for (name, estimate), spread in zip(fit.variances.items(), variance, strict=True):
        df = 2 * estimate**2 / spread if spread > 0 else 0.0
        if df >= FEWEST or name == RESIDUAL:
            low, high = chi_squared(estimate, df, confidence)
        else:
            low, high = _by_likelihood(fit, name, confidence)
        rows.append({"component": name, "estimate": estimate, "low": low, "high": high})
    table = pd.DataFrame(rows)
    return table.assign(share=table["estimate"] / table["estimate"].sum())


def chi_squared(estimate: float, df: float, confidence: float) -> tuple[float, float]:
    """Interval of a variance estimated with ``df`` degrees of freedom."""
    if df < 0.1:  # says nothing
        return 0.0, np.inf
    tail = (1 - confidence) / 2
    return tuple(float(estimate * df / special.chdtri(df, part)) for part in (tail, 1 - tail))


def _by_likelihood(fit: CrossedFit, name: str, confidence: float) -> tuple[float, float]:
    """Where the deviance has risen by the chi-squared limit, the other relative variances held."""
    at, ratios = fit.equations.random.index(name), fit.solved.ratios
    limit = special.chdtri(1, 1 - confidence) ** 0.5

    @functools.cache
    def excess(log_ratio):  # of the root, which is nearly a straight line
        moved = np.where(np.arange(len(ratios)) == at, np.exp(log_ratio), ratios)
        return max(fit.equations.at(moved).deviance - fit.solved.deviance, 0.0) ** 0.5 - limit

    best = np.log(max(ratios[at], 1e-6))
    low = _end(excess, best, -1, WIDEST / 2) if ratios[at] > 0 else None
    high = _end(excess, best, 1, WIDEST)
    return (0.0 if low is None else float(np.exp(low) * fit.residual_variance),
            np.inf if high is None else float(np.exp(high) * fit.residual_variance))  # fmt: skip


def _end(excess, best: float, side: int, most: float) -> float | None:
    """Where ``excess`` is 0 on one side of the best; None where it does not get there."""
    near, away = best, 1.0
    while excess(best + side * away) < 0:
        if away >= most:
            return None
        near, away = best + side * away, min(2 * away, most)
    return optimize.brentq(excess, near, best + side * away, xtol=1e-3)
