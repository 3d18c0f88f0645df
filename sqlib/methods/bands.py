"""Bands: people whose scores cannot be told apart, from simultaneous comparisons of every pair.

Ranks with simultaneous intervals: Mogstad, Romano, Shaikh & Wilhelm (2024) Review of Economic Studies 91:476;
Klein, Wright & Wieczorek (2020) JRSS A 183:589. Family-wise error: Holm (1979) Scand J Statist 6:65.
"""

from dataclasses import dataclass

import numpy as np

PEOPLE = 2000  # two million pairs: above this nobody reads a rank, and the pairs no longer fit in memory


@dataclass(frozen=True)
class Pairs:
    """Every pair of comparable people, the higher score first: ``first``, ``second`` positions; ``difference`` and its
    ``sd``; ``p_value`` two-sided, ``p_adjusted`` (Holm over all pairs), ``apart`` told apart."""

    first: np.ndarray
    second: np.ndarray
    difference: np.ndarray
    sd: np.ndarray
    p_value: np.ndarray
    p_adjusted: np.ndarray
    apart: np.ndarray

    @property
    def p_order(self) -> np.ndarray:
        """Probability that the first is truly above the second."""
        return np.where(self.difference > 0, 1 - self.p_value / 2, 0.5)


def compared(score, covariance, sets, confidence=0.95) -> Pairs:
    """Compare everybody with everybody of the same set.

    Parameters
    ----------
    score : (n,); NaN takes no part
    covariance : (n, n) of the errors of ``score``
    sets : (n,) codes of the sets within which people may be compared; -1: with nobody
    """
    score, sets = np.asarray(score, dtype=float), np.asarray(sets)
    known = np.flatnonzero(np.isfinite(score) & (sets >= 0))
    known = known[np.argsort(-score[known], kind="stable")]
    one, other = np.triu_indices(len(known), 1)
    same = sets[known[one]] == sets[known[other]]
    first, second = known[one[same]], known[other[same]]
    difference, variance = score[first] - score[second], np.diag(covariance)
    sd = np.sqrt(np.maximum(variance[first] + variance[second] - 2 * covariance[first, second], 0.0))
    p_value = _two_sided(difference, sd)
    p_adjusted = holm(p_value)
    return Pairs(first, second, difference, sd, p_value, p_adjusted, p_adjusted <= 1 - confidence)


def holm(p_value) -> np.ndarray:
    """P values corrected by Holm's step-down method."""
    order = np.argsort(p_value, kind="stable")
    result = np.empty(len(p_value))
    result[order] = np.maximum.accumulate(np.minimum(p_value[order] * np.arange(len(p_value), 0, -1), 1.0))
    return result


def _two_sided(difference, sd):
    """Normal tails; without any error a difference is certain."""
    from scipy.special import ndtr

    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(difference > 0, difference / sd, 0.0)
    return 2 * ndtr(-z)


def ranks(pairs: Pairs, sets) -> tuple[np.ndarray, np.ndarray]:
    """Best and worst rank in the own set that the pairs told apart leave open, 1 = highest; NaN outside any set."""
    sets = np.asarray(sets)
    size = np.bincount(sets[sets >= 0], minlength=1)
    above = np.bincount(pairs.second[pairs.apart], minlength=len(sets))
    below = np.bincount(pairs.first[pairs.apart], minlength=len(sets))
    inside = sets >= 0
    return np.where(inside, 1.0 + above, np.nan), np.where(inside, size[sets] - below, np.nan)


def partition(score, pairs: Pairs, sets) -> np.ndarray:
    """Band of everybody, 1 = highest in the own set: from the top down a new band begins with the first person who is
    told apart from somebody already in the band. Nobody is told apart within a band; NaN outside any set."""
    score, sets = np.asarray(score, dtype=float), np.asarray(sets)
    apart = np.zeros((len(score), len(score)), dtype=bool)
    apart[pairs.first[pairs.apart], pairs.second[pairs.apart]] = True
    band = np.full(len(score), np.nan)
    for code in np.unique(sets[sets >= 0]):
        order = np.flatnonzero(sets == code)
        order = order[np.argsort(-score[order], kind="stable")]
        band[order] = _from_the_top(apart[np.ix_(order, order)])
    return band


def _from_the_top(apart):
    start, band = 0, np.ones(len(apart))
    for place in range(1, len(apart)):
        start = place if apart[start:place, place].any() else start
        band[place] = band[place - 1] + (start == place)
    return band
