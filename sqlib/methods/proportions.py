"""Shares: one share, shares by group against a target, and the change between two periods.

Independent answers get Wilson's interval; several answers of one customer, or weights, get the same interval on the
effective number of answers (Korn & Graubard). Differences combine the two intervals (Newcombe), with the correlation
of customers who answered both times.

References: Wilson (1927) JASA 22:209; Newcombe (1998) Statistics in Medicine 17:857 and 17:873; Korn & Graubard
(1998) Survey Methodology 24:193; Zou & Donner (2008) Statistics in Medicine 27:1693 (correlated estimates).
Coverage by simulation: ``benchmarks/coverage.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import clusters, samples
from sqlib.methods.samples import DifferenceResult, Sample


@dataclass(frozen=True)
class ShareResult:
    """``table``: the ``by`` columns, estimate, low, high, n, clusters, successes, n_effective, target, difference,
    difference_low, difference_high (estimate minus target), p_value, p_second (exact binomial), p_adjusted
    (Benjamini-Hochberg over the rows), method. Shares in 0..1.

    ``missing``: rows without an outcome; ``comparisons``: rows tested against a target; ``cautions``: no_rows,
    too_few_clusters (one customer: no interval), few_clusters (under 10).
    """

    table: pd.DataFrame
    missing: int
    comparisons: int
    confidence: float
    cautions: tuple[str, ...]


def wilson(successes, n, *, confidence=0.95):
    """Wilson's score interval: arrays (low, high) of a share.

    ``successes`` and ``n`` may be arrays and need not be whole (effective numbers); n = 0 gives NaN.
    Checked against Newcombe (1998), Table I (81 of 263: .2553 to .3662), and statsmodels.
    """
    successes, n = np.asarray(successes, dtype=float), np.asarray(n, dtype=float)
    return score_limits(successes / np.where(n > 0, n, np.nan), n, 1 - confidence)


def score_limits(share, n, alpha):
    """Wilson's limits of a share on n answers; n may be infinite (then the limits are the share)."""
    z2 = samples.z_value(alpha) ** 2
    with np.errstate(invalid="ignore"):
        centre, half = share * n + z2 / 2, np.sqrt(z2 * (share * (1 - share) * n + z2 / 4))
        low, high = (np.where(np.isinf(n), share, limit / (n + z2)) for limit in (centre - half, centre + half))
    # the limits touch 0 and 1 exactly, and never cross the estimate by rounding
    low = np.where((share <= 0) & ~np.isnan(low), 0.0, np.minimum(low, share))
    return low, np.where((share >= 1) & ~np.isnan(high), 1.0, np.maximum(high, share))


def share(
    data: pd.DataFrame,
    *,
    outcome: str,
    by=None,
    cluster: str | None = None,
    weight: str | None = None,
    target=None,
    population=None,
    confidence: float = 0.95,
    seed: int = 0,
) -> ShareResult:
    """Share of answers with ``outcome`` true, one row per group of ``by``, with its interval.

    Parameters
    ----------
    data : one row per answer; ``outcome`` boolean or 0/1, empty = missing
    by : None, a column or several; cluster : customer; weight : positive weight
    target : share to compare with, one number or a Series/mapping by level of ``by``
    population : customers in the base, one number or (with ``by``) a Series/mapping; narrows the interval for
        "these customers in this period", never to be used for a change
    seed : unused here (nothing is drawn); kept so that every method is called alike

    Raises MethodRefused for an outcome that is not 0/1, an unknown column, bad weights, a base below the answers.
    """
    value = _binary(data, outcome)
    groups = list(samples.split(data, value, by=by, cluster=cluster, weight=weight))
    rows = [{**labels, **_share_row(s, labels, target, population, 1 - confidence)} for labels, s in groups]
    table = pd.DataFrame(rows, columns=[*samples.levels(by), *_SHARE_COLUMNS])
    table["p_adjusted"] = samples.adjusted(table["p_value"])
    return ShareResult(
        table=table,
        missing=int(value.isna().sum()),
        comparisons=int(table["p_value"].notna().sum()),
        confidence=confidence,
        cautions=samples.cautions([s for _, s in groups]),
    )


_SHARE_COLUMNS = (  # noqa: SIM905
    "estimate low high n clusters successes n_effective target difference difference_low difference_high "
    "p_value p_second p_adjusted method"
).split()


def _share_row(sample: Sample, labels, target, population, alpha) -> dict:
    narrowing = samples.finite(population, labels, sample.clusters)
    goal = samples.given(target, labels)
    estimate, information = information_of(sample)
    n_effective = float(corrected_n(information, alpha))

    def limits(level):
        return interval(estimate, information, level, narrowing)

    return {
        **samples.versus(estimate, *limits(alpha), goal),
        "n": sample.n,
        "clusters": sample.clusters,
        "successes": int(sample.value.sum()),
        "n_effective": n_effective,
        "p_value": float(samples.p_value(limits, goal)),
        "p_second": _binomial_p(float(estimate), samples.narrowed(n_effective, narrowing), goal),
        "method": sample.kind("wilson"),
    }


def information_of(sample: Sample):
    """A sample's share and its information (independent answers it is worth, df, n), before the correction for few
    clusters. ``sample.value`` may carry leading dimensions (repetitions on the same rows)."""
    n = sample.value.shape[-1]
    if n == 0:
        return np.float64(np.nan), (np.float64(np.nan), np.float64(np.nan), 0)
    if sample.independent:
        return sample.value.mean(-1), (n, np.inf, n)
    result = clusters.contrast(sample.value, cluster=sample.cluster, weight=sample.weight)
    estimate = np.clip(result.estimate, 0.0, 1.0)
    worth, df = clusters.effective_n(result, estimate * (1 - estimate), n)
    return estimate, (worth, df, n)


def corrected_n(information, alpha):
    """Effective n at one confidence: shrunk by the squared ratio of t quantiles where few customers answered."""
    worth, df, n = information
    if np.all(np.isinf(df)):
        return np.asarray(worth, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return worth * (samples.t_value(alpha, max(n - 1, 1)) / samples.t_value(alpha, df)) ** 2


def interval(estimate, information, alpha, narrowing=1.0):
    """Wilson's interval on the effective n; ``narrowing`` multiplies the variance (finite customer base)."""
    return score_limits(estimate, samples.narrowed(corrected_n(information, alpha), narrowing), alpha)


def _binomial_p(estimate, n, target) -> float:
    """Exact two-sided binomial p value (twice the smaller tail), for an effective n as for a whole one."""
    from scipy.special import betainc

    if not (np.isfinite([estimate, n, target]).all() and 0 < target < 1):
        return np.nan
    x = estimate * n
    at_most = 1.0 if x >= n else betainc(n - x, x + 1, 1 - target)
    at_least = 1.0 if x <= 0 else betainc(x, n - x + 1, target)
    return float(min(1.0, 2 * min(at_most, at_least)))


def difference(
    data: pd.DataFrame,
    *,
    outcome: str,
    group: str,
    first,
    second,
    cluster: str | None = None,
    weight: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> DifferenceResult:
    """Share among ``second`` minus share among ``first``, two labels of the column ``group``.

    A customer may answer on both sides: the correlation is taken from the customers they share.
    Rows of other labels are left aside. ``p_second`` is Fisher's exact test, or the cluster bootstrap (``seed``) where
    answers are correlated or weighted.

    Checked against Newcombe (1998), Table II (56/70 against 48/80: .0524 to .3339), and statsmodels.
    """
    value = _binary(data, outcome)
    both, side, sides, missing = samples.pair(
        data, value, group=group, first=first, second=second, cluster=cluster, weight=weight
    )
    measured = [information_of(s) for s in sides]
    correlation = samples.correlation(both, side)

    def limits(alpha):
        return combined(measured, correlation, alpha)

    table = samples.change(
        first,
        second,
        [estimate for estimate, _ in measured],
        limits(1 - confidence),
        both,
        sides,
        p_value=float(samples.p_value(limits, 0.0)),
        p_second=_fisher_p(sides) if both.independent else samples.bootstrap(both, 0.0, seed, side=side),
        method=both.kind("newcombe"),
    )
    return DifferenceResult(table, missing, confidence, samples.cautions(sides))


def combined(measured, correlation, alpha):
    """Newcombe's interval of a difference from two (estimate, information), with the correlation of the estimates."""
    (one, _), (two, _) = measured
    (low_one, high_one), (low_two, high_two) = (interval(*m, alpha) for m in measured)
    return join(one, low_one, high_one, two, low_two, high_two, correlation)


def join(one, low_one, high_one, two, low_two, high_two, correlation):
    """Limits of ``two - one`` from the limits of each (Newcombe 1998 method 10; correlated: Zou & Donner 2008)."""

    def reach(a, b):
        return np.sqrt(np.maximum(a**2 - 2 * correlation * a * b + b**2, 0.0))

    return (
        two - one - reach(two - low_two, high_one - one),
        two - one + reach(high_two - two, one - low_one),
    )


def _fisher_p(sides) -> float:
    from scipy.stats import fisher_exact

    if min(s.n for s in sides) == 0:
        return np.nan
    return float(fisher_exact([[s.value.sum(), s.n - s.value.sum()] for s in sides]).pvalue)


def _binary(data, outcome) -> pd.Series:
    value = samples.numbers(data, outcome)
    wrong = value[value.notna() & ~value.isin([0, 1])]
    if len(wrong):
        raise MethodRefused("proportions.not_binary", column=outcome, got=f"{wrong.iloc[0]:g}", rows=len(wrong))
    return value
