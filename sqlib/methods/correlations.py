"""Correlations of two scores of the same people: product-moment, rank, and corrected for the errors of both scores.

The corrected one belongs to a bivariate normal model of the true scores in which every person's error variance is
known: restricted likelihood, interval by profile. Where all errors of a score are equal its estimate is Spearman's
correction for attenuation, but it never leaves -1..1, and its interval knows that the reliabilities are estimated
from the same people.

References: Fisher (1921) Metron 1:3; Spearman (1904) American Journal of Psychology 15:72; Charles (2005)
Psychological Methods 10:206 (what the correction is and that it needs an interval); Kendall (1945) Biometrika 33:239
(tau-b); Bonett & Wright (2000) Psychometrika 65:23 (rank correlation). Coverage: ``benchmarks/score_sources.py``.
"""

from dataclasses import dataclass

import numpy as np

from sqlib.methods import samples

FEWEST = 10  # people below whom no correlation is given
EDGE = 0.9999  # the likelihood is followed up to here: at 1 it has no slope
LEAST_ERROR = 0.437  # variance of Fisher's transform of tau without ties, times n - 4
BLOCK = 500  # people whose pairs are looked at together
SMALLEST = 1e-4  # share of the observed variance below which a true variance is not followed


@dataclass(frozen=True)
class Correlation:
    """``estimate``, ``low``, ``high``, how many people, and ``p_value`` of none at all, the narrowest interval that
    excludes 0 (NaN for a corrected one: its p value is that of the plain one); NaN where it cannot be told."""

    estimate: float
    low: float
    high: float
    n: int
    p_value: float = np.nan


def nothing(n: int) -> Correlation:
    """What cannot be told of n people."""
    return Correlation(np.nan, np.nan, np.nan, n)


def pearson(first, second, *, confidence=0.95) -> Correlation:
    """Product-moment correlation with Fisher's interval. Checked against scipy."""
    first, second = _known(first, second)
    n = len(first)
    if n < FEWEST or np.ptp(first) == 0 or np.ptp(second) == 0:
        return nothing(n)
    r = float(np.corrcoef(first, second)[0, 1])
    return _on_z(r, 1 / np.sqrt(n - 3), np.inf, n, confidence)


def spearman(first, second, *, confidence=0.95) -> Correlation:
    """Rank correlation; interval on Fisher's scale with variance (1 + r²/2) / (n - 3). Checked against scipy."""
    from scipy.stats import rankdata

    first, second = _known(first, second)
    plain = pearson(rankdata(first), rankdata(second))
    error = np.sqrt((1 + plain.estimate**2 / 2) / max(plain.n - 3, 1))
    return plain if np.isnan(plain.estimate) else _on_z(plain.estimate, error, np.inf, plain.n, confidence)


def kendall(first, second, *, confidence=0.95) -> Correlation:
    """Kendall's tau-b; interval of its jackknife error over the people, on Fisher's scale, t on n - 2.

    The error is never taken as smaller than that of untied ranks (Fieller, Hartley & Pearson 1957, Biometrika 44:470),
    so that a perfect order has an interval too.
    Checked against Kendall (1970) Rank Correlation Methods, ch. 3 (ten ranks with ties: .859), Agresti (2002) table
    2.8 (concordant 1,331, discordant 849) and scipy.
    """
    first, second = _known(first, second)
    n = len(first)
    each = _pairs(first, second)  # of every person: pairs in agreement less those against, untied in first, in second
    sums = each.sum(1)
    if n < FEWEST or min(sums[1:]) == 0:
        return nothing(n)
    tau = float(sums[0] / np.sqrt(sums[1] * sums[2]))
    left = sums[:, None] - 2 * each
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.arctanh(np.clip(left[0] / np.sqrt(left[1] * left[2]), -EDGE, EDGE))
    without = without[np.isfinite(without)]
    error = np.sqrt(max((n - 1) / n * ((without - without.mean()) ** 2).sum(), LEAST_ERROR / (n - 4)))
    most = 1 - 4 / (n * (n - 1))  # one pair short of a perfect order
    return _on_z(tau, error, n - 2, n, confidence, most)


def _pairs(first, second) -> np.ndarray:
    """(3, n) sums over the pairs of each person, a block of people at a time."""
    found = np.empty((3, len(first)))
    for start in range(0, len(first), BLOCK):
        rows = slice(start, start + BLOCK)
        one, two = (np.sign(values[rows, None] - values) for values in (first, second))
        found[:, rows] = (one * two).sum(1), (one**2).sum(1), (two**2).sum(1)
    return found


def corrected(first, second, first_variance, second_variance, *, confidence=0.95) -> Correlation:
    """Correlation of the true scores behind two scores whose error variances are known, person by person.

    Parameters
    ----------
    first, second : (n,) unshrunk scores; NaN people are left out
    first_variance, second_variance : (n,) error variances, or a number; 0 = measured without error

    Checked against Spearman's formula (equal errors), Fisher's interval (no errors) and a dense restricted likelihood.
    """
    variances = [np.broadcast_to(each, np.shape(first)) for each in (first_variance, second_variance)]
    first, second, *variances = _known(first, second, *variances)
    n = len(first)
    y, errors = np.column_stack([first, second]), np.column_stack(variances)
    if n < FEWEST or not np.ptp(y, axis=0).all():
        return nothing(n)
    if not errors.any():
        return pearson(first, second, confidence=confidence)
    spread = y.std(axis=0, ddof=1)
    profile = _Profile((y - y.mean(axis=0)) / spread, errors / spread**2)
    return Correlation(*profile.limits(float(samples.t_value(1 - confidence, n - 2)) ** 2), n)


def reliability(score, variance) -> float:
    """Share of the spread of a score that is no error: 1 - mean error variance / variance of the score."""
    score, variance = _known(score, np.broadcast_to(variance, np.shape(score)))
    total = score.var(ddof=1) if len(score) > 1 else 0.0
    return float(1 - variance.mean() / total) if total > 0 else np.nan


class _Profile:
    """Restricted likelihood of one correlation, both true variances profiled out; scores of unit variance."""

    def __init__(self, y, errors):
        self.y, self.errors = y, errors
        self.start = np.log(np.clip(1 - errors.mean(axis=0), 0.05, 1.0))
        self.seen: dict[float, float] = {}

    def deviance(self, correlation: float) -> float:
        """-2 log likelihood at a correlation, the variances chosen best; the last choice starts the next."""
        if correlation not in self.seen:
            from scipy.optimize import minimize

            bounds = [(np.log(SMALLEST), np.log(20.0))] * 2
            found = minimize(self._at, self.start, (correlation,), jac=True, bounds=bounds, method="L-BFGS-B")
            self.start, self.seen[correlation] = found.x, float(found.fun)
        return self.seen[correlation]

    def limits(self, reach: float) -> tuple[float, float, float]:
        """(estimate, low, high): where the deviance lies at its least and within ``reach`` of it."""
        from scipy.optimize import brentq, minimize_scalar

        found = minimize_scalar(self.deviance, bounds=(-EDGE, EDGE), method="bounded", options={"xatol": 1e-6})
        best, least = min([(float(found.x), float(found.fun)), *((end, self.deviance(end)) for end in (-EDGE, EDGE))],
                          key=lambda each: each[1])  # fmt: skip
        ends = []
        for end in (-EDGE, EDGE):
            inside = self.deviance(end) - least <= reach
            ends.append(np.sign(end) if inside else
                        brentq(lambda at: self.deviance(at) - least - reach, best, end, xtol=1e-5))  # fmt: skip
        return (float(np.sign(best)) if abs(best) == EDGE else best), float(ends[0]), float(ends[1])

    def _at(self, logs, correlation):
        """Deviance and its slope in the logs of the true variances."""
        a, b = np.exp(logs)
        c = correlation * np.sqrt(a * b)
        va, vb = a + self.errors[:, 0], b + self.errors[:, 1]
        det = va * vb - c * c
        inverse = np.array([[vb, np.full_like(va, -c)], [np.full_like(va, -c), va]]) / det  # (2, 2, n)
        whole = np.linalg.inv(inverse.sum(2))
        centre = whole @ np.einsum("ijn,nj->i", inverse, self.y)
        scaled = np.einsum("ijn,nj->in", inverse, self.y - centre)
        value = np.log(det).sum() - np.linalg.slogdet(whole)[1] + (scaled * (self.y - centre).T).sum()
        return value, np.array([self._slope(inverse, whole, scaled, change)
                                for change in ([[a, c / 2], [c / 2, 0.0]], [[0.0, c / 2], [c / 2, b]])])  # fmt: skip

    @staticmethod
    def _slope(inverse, whole, scaled, change):
        """Slope of the deviance along a change of every person's covariance matrix."""
        change = np.array(change)
        trace = np.einsum("ijn,ji->", inverse, change)
        twice = np.einsum("ijn,jk,kln->il", inverse, change, inverse)
        return trace - np.einsum("ij,ji->", whole, twice) - np.einsum("in,ij,jn->", scaled, change, scaled)


def _known(*columns):
    """The columns as floats, people complete in all of them."""
    columns = [np.asarray(each, dtype=float) for each in columns]
    kept = np.isfinite(columns).all(axis=0)
    return [each[kept] for each in columns]


def _on_z(value: float, error: float, df: float, n: int, confidence: float, most: float = EDGE) -> Correlation:
    """A correlation with its interval on Fisher's scale; nearer to 1 than ``most`` none is."""
    from scipy.special import ndtr, stdtr

    place = np.arctanh(np.clip(value, -most, most))
    reach = samples.z_value(1 - confidence) if np.isinf(df) else samples.t_value(1 - confidence, df)
    low, high = (float(np.tanh(place + side * reach * error)) for side in (-1, 1))
    tail = -abs(place) / error
    p_value = 2 * float(ndtr(tail) if np.isinf(df) else stdtr(df, tail))
    return Correlation(value, min(low, value), max(high, value), n, p_value)
