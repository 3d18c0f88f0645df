"""Steps of a rating scale: the levels a score can take and the probability of each under a rating-scale model.

Andrich (1978) Psychometrika 43:561 (one set of steps for all criteria), Masters (1982) Psychometrika 47:149 (partial
credit: a set of steps for each criterion).
"""

from dataclasses import dataclass

import numpy as np

from sqlib.errors import MethodRefused

MOST_LEVELS = 21  # levels from lowest to highest; finer scores are no ordered categories
_HIGHEST_TERM = 600.0  # exponent that is still finite with room for the thresholds


@dataclass(frozen=True)
class Steps:
    """``values`` (K + 1,) the score of each level, lowest first; ``level`` (n,) level of each rating; ``sets`` (n,)
    its set of steps; ``counts`` (sets, K + 1) ratings at each level; ``cautions`` among empty_category (a level between
    the ends was never given: it keeps its distance and probability 0), unused_end, levels_by_rank."""

    values: np.ndarray
    level: np.ndarray
    sets: np.ndarray
    counts: np.ndarray
    cautions: tuple[str, ...]

    @property
    def used(self) -> np.ndarray:
        return self.counts > 0

    @property
    def free(self) -> np.ndarray:
        """(sets, K + 1): levels with a parameter of their own, those used between the lowest and the highest used."""
        used = self.used
        return used & (used.cumsum(axis=1) > 1) & (used[:, ::-1].cumsum(axis=1)[:, ::-1] > 1)


def steps(r, kind: str = "rating_scale") -> Steps:
    """Levels and step sets of coded ratings (``ratings.Ratings``).

    Whole-number scores stand on equal steps between the lowest and the highest (of the scale, where declared), other
    scores on the rank among the levels given. Raises MethodRefused (facets.too_many_levels).
    """
    values, level, ranked = _levels(r)
    if len(values) > MOST_LEVELS:
        raise MethodRefused("facets.too_many_levels", got=len(values), most=MOST_LEVELS)
    partial = kind == "partial_credit" and r.criterion is not None
    sets = r.criterion if partial else np.zeros(r.n, dtype=int)
    size = len(values)
    counts = np.bincount(sets * size + level, minlength=(sets.max() + 1) * size).reshape(-1, size)
    used = counts > 0
    inside = (used.cumsum(axis=1) > 0) & (used[:, ::-1].cumsum(axis=1)[:, ::-1] > 0)
    found = {
        "levels_by_rank": ranked,
        "empty_category": (inside & ~used).any(),
        "unused_end": not used[:, [0, -1]].all(),
    }
    return Steps(values, level, sets, counts, tuple(name for name, here in found.items() if here))


def _levels(r):
    """Values of the levels, level of each rating, and whether unequal gaps were read as equal steps."""
    ends = () if r.scale is None else r.scale
    given = np.unique(np.concatenate([r.levels, ends]))
    if (given == np.round(given)).all():
        low = given[0]
        unit = np.gcd.reduce((given - low).astype(int))
        values = low + unit * np.arange(int(given[-1] - low) // unit + 1, dtype=float)
        return values, np.round((r.score - low) / unit).astype(int), False
    gaps = np.diff(given)
    return given, np.searchsorted(given, r.score), bool(gaps.max() > 1.01 * gaps.min())


def coefficients(thresholds: np.ndarray, used: np.ndarray) -> np.ndarray:
    """exp(-T_k) of each set and level, 0 where a level is not used; ``thresholds`` T (sets, K + 1) are cumulated."""
    return np.where(used, np.exp(-thresholds), 0.0)


def probabilities(u: np.ndarray, weights: np.ndarray):
    """Probability of each level, and the log of the normalising sum.

    Parameters
    ----------
    u : (m, q) ability minus severity and difficulty, logits
    weights : (K + 1, 1, 1) or (K + 1, m, 1) coefficients of the levels

    Returns
    -------
    (K + 1, m, q) probabilities proportional to ``weights * exp(k u)``, and (m, q) log of their sum
    """
    top = len(weights) - 1
    bound = _HIGHEST_TERM / max(top, 1)
    z = np.exp(np.clip(u, -bound, bound))
    p = np.empty((top + 1, *u.shape))
    p[0] = weights[0]
    power = z.copy()
    for k in range(1, top + 1):
        np.multiply(power, weights[k], out=p[k])
        if k < top:
            power *= z
    total = p.sum(axis=0)
    p /= total
    return p, np.log(total)


def moments(p: np.ndarray):
    """Expected level and its variance, (m, q) each."""
    k = np.arange(len(p), dtype=float)
    mean = np.tensordot(k, p, axes=1)
    return mean, np.tensordot(k * k, p, axes=1) - mean * mean
