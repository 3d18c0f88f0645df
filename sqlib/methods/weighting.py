"""Raking: weights that give the respondents the known make-up of the customer base.

Iterative proportional fitting over one column after another, with the weights trimmed in every round, so that no
single answer speaks for a crowd. What trimming costs in agreement with the base is shown margin by margin.

References: Deming & Stephan (1940) Annals of Mathematical Statistics 11:427; Kish (1965) Survey Sampling, 11.7
(effective n). Checked against a published 4 x 4 table and the log-linear model fitted by statsmodels.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples

MARGIN_TOLERANCE = 0.01  # a weighted share further than this from the base is a caution
LOW_EFFICIENCY = 0.5  # effective n below half of n is a caution


@dataclass(frozen=True)
class RakeResult:
    """``weights``: aligned with the rows of the data, mean 1. ``table``, one row per margin and level: margin, level,
    population_share, sample_share, weighted_share, n (rows).

    ``n``, ``effective_n`` = (sum w)^2 / sum w^2 and ``design_effect`` = n / effective_n (Kish); ``iterations`` (rounds
    over all margins), ``converged`` (weights stable), ``trimmed`` (rows at a bound). ``cautions``:
    level_without_respondents (its share of the base is spread over the rest), rows_without_level (empty cells: the
    row is weighted by its other columns), not_converged, margins_not_met (trimming leaves a share off by more than
    1 point), low_efficiency (effective n below half of n).
    """

    weights: pd.Series
    table: pd.DataFrame
    n: int
    effective_n: float
    design_effect: float
    iterations: int
    converged: bool
    trimmed: int
    cautions: tuple[str, ...]


def rake(
    data: pd.DataFrame,
    *,
    margins: dict[str, pd.Series],
    trim: tuple[float, float] | None = (0.2, 5.0),
    tolerance: float = 1e-8,
    max_iterations: int = 200,
) -> RakeResult:
    """Weights that bring each column's shares to those of the customer base.

    Parameters
    ----------
    data : one row per respondent, no row without meaning
    margins : {column: counts or shares of the base, indexed by level}
    trim : smallest and largest weight relative to the mean; None = untrimmed
    tolerance : stop when no weight moves by more; max_iterations : rounds over all margins

    Raises MethodRefused for no rows, an unknown column, a margin that is negative or sums to 0, a level of the data
    that the margin does not list.
    """
    if data.empty or not margins:
        raise MethodRefused("weighting.nothing_to_rake", rows=len(data), margins=len(margins))
    fits = [_margin(data, column, margin) for column, margin in margins.items()]
    weights, iterations, converged = _fit(len(data), fits, trim, tolerance, max_iterations)
    table = pd.concat([_table(column, code, m, weights) for column, (code, m, _) in zip(margins, fits, strict=True)])
    effective = weights.sum() ** 2 / (weights**2).sum()
    bounds = (-np.inf, np.inf) if trim is None else trim
    return RakeResult(
        weights=pd.Series(weights, index=data.index, name="weight"),
        table=table.reset_index(drop=True),
        n=len(data),
        effective_n=float(effective),
        design_effect=float(len(data) / effective),
        iterations=iterations,
        converged=converged,
        trimmed=int(((weights <= bounds[0] + 1e-6) | (weights >= bounds[1] - 1e-6)).sum()),
        cautions=_cautions(table, fits, converged, effective / len(data)),
    )


def _margin(data, column, margin):
    """Codes of the rows (-1 = empty), shares of the base by level, shares to reach (levels without rows left out)."""
    samples.require(data, column)
    margin = pd.Series(margin, dtype=float)
    if margin.isna().any() or (margin < 0).any() or not margin.sum() > 0:
        raise MethodRefused("weighting.bad_margin", column=column)
    code = margin.index.get_indexer(data[column])
    stray = data[column][(code < 0) & data[column].notna().to_numpy()]
    if len(stray) or (margin.to_numpy()[code[code >= 0]] == 0).any():
        got = ", ".join(map(str, (stray if len(stray) else margin.index[margin == 0]).unique()[:5]))
        raise MethodRefused("weighting.level_not_in_margin", column=column, got=got, rows=len(stray))
    present = np.bincount(code[code >= 0], minlength=len(margin)) > 0
    goal = np.where(present, margin, 0.0)
    return code, margin / margin.sum(), goal / max(goal.sum(), 1e-300)


def _fit(n, fits, trim, tolerance, max_iterations):
    weights = np.ones(n)
    for iteration in range(1, max_iterations + 1):
        before = weights
        for code, _, goal in fits:
            weights = _scaled(weights, code, goal)
        if trim is not None:
            weights = _trimmed(weights, *trim)
        if np.abs(weights - before).max() < tolerance:
            return weights, iteration, True
    return weights, max_iterations, False


def _scaled(weights, code, goal):
    """One margin met exactly among the rows whose level is known; their total weight is kept."""
    known = code >= 0
    sums = np.bincount(code[known], weights[known], minlength=len(goal))
    factor = np.divide(goal * sums.sum(), sums, out=np.zeros_like(sums), where=sums > 0)
    return np.where(known, weights * factor[code], weights)


def _trimmed(weights, low, high):
    """Weights within the bounds with mean 1: what is cut off goes to the rows that are not at a bound."""
    for _ in range(100):
        weights = np.clip(weights / weights.mean(), low, high)
        if abs(weights.mean() - 1) < 1e-12:
            break
    return weights


def _table(column, code, margin, weights):
    known = code >= 0
    count = np.bincount(code[known], minlength=len(margin))
    mass = np.bincount(code[known], weights[known], minlength=len(margin))
    return pd.DataFrame(
        {
            "margin": column,
            "level": margin.index,
            "population_share": margin.to_numpy(),
            "sample_share": count / max(count.sum(), 1),
            "weighted_share": mass / (mass.sum() or 1.0),
            "n": count,
        }
    )


def _cautions(table, fits, converged, efficiency) -> tuple[str, ...]:
    goal = np.concatenate([goal for _, _, goal in fits])
    checks = {
        "level_without_respondents": ((table["n"] == 0) & (table["population_share"] > 0)).any(),
        "rows_without_level": any((code < 0).any() for code, _, _ in fits),
        "not_converged": not converged,
        "margins_not_met": (np.abs(table["weighted_share"].to_numpy() - goal) > MARGIN_TOLERANCE).any(),
        "low_efficiency": efficiency < LOW_EFFICIENCY,
    }
    return tuple(code for code, holds in checks.items() if holds)
