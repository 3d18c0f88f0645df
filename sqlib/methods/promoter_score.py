"""Net promoter score: share of promoters (9-10) minus share of detractors (0-6), in points from -100 to 100.

The interval is the adjusted Wald interval (3/4 of an answer added to promoters and to detractors, 3/2 to passives),
the best of six methods in Rocks (2016); several answers of one customer, or weights, enter by the effective number
of answers. Changes combine the two intervals as for shares.

References: Reichheld (2003) Harvard Business Review 81(12):46; Rocks (2016) The American Statistician 70:365; Zou &
Donner (2008) Statistics in Medicine 27:1693. Coverage by simulation: ``benchmarks/coverage.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import clusters, proportions, samples
from sqlib.methods.samples import DifferenceResult, Sample

PROMOTER, DETRACTOR = 9, 6  # 9 and 10 promote, 0 to 6 detract: Reichheld (2003)
ADDED = (0.75, 0.75, 1.5)  # answers added to promoters, detractors, passives: Rocks (2016)


@dataclass(frozen=True)
class PromoterResult:
    """``table``: the ``by`` columns, estimate, low, high (points), promoters, passives, detractors (shares, weighted
    as the estimate), n, clusters, n_effective, target, difference, difference_low, difference_high (points, estimate
    minus target), p_value, p_second (cluster bootstrap), p_adjusted (Benjamini-Hochberg over the rows), method.

    ``missing``: rows without a score; ``comparisons``: rows tested against a target; ``cautions``: no_rows,
    too_few_clusters (one customer: no interval), few_clusters (under 10), scale_from_one (a 1-10 scale: not to be
    compared with scores from 0-10).
    """

    table: pd.DataFrame
    missing: int
    comparisons: int
    confidence: float
    cautions: tuple[str, ...]


def promoter_score(
    data: pd.DataFrame,
    *,
    score: str,
    by=None,
    cluster: str | None = None,
    weight: str | None = None,
    target=None,
    population=None,
    scale_min: int = 0,
    confidence: float = 0.95,
    seed: int = 0,
) -> PromoterResult:
    """Net promoter score, one row per group of ``by``, with its interval.

    Parameters
    ----------
    data : one row per answer; ``score`` whole numbers ``scale_min``..10, empty = missing
    by : None, a column or several; cluster : customer; weight : positive weight
    target : points to compare with, one number or a Series/mapping by level of ``by``
    population : customers in the base, one number or (with ``by``) a Series/mapping; narrows the interval for
        "these customers in this period", never to be used for a change
    scale_min : 0, or 1 for a declared 1-10 scale (caution scale_from_one)
    seed : of the cluster bootstrap behind ``p_second``

    Raises MethodRefused for a score off the scale or not whole, an unknown column, bad weights, a base below the
    answers. Checked against the closed-form variance p + d - (p - d)^2 and a hand-computed adjusted interval.
    """
    sign = _signs(data, score, scale_min)
    groups = list(samples.split(data, sign, by=by, cluster=cluster, weight=weight))
    rows = [{**labels, **_score_row(s, labels, target, population, 1 - confidence, seed)} for labels, s in groups]
    table = pd.DataFrame(rows, columns=[*samples.levels(by), *_SCORE_COLUMNS])
    table["p_adjusted"] = samples.adjusted(table["p_value"])
    return PromoterResult(
        table=table,
        missing=int(sign.isna().sum()),
        comparisons=int(table["p_value"].notna().sum()),
        confidence=confidence,
        cautions=_cautions([s for _, s in groups], scale_min),
    )


_SCORE_COLUMNS = (  # noqa: SIM905
    "estimate low high promoters passives detractors n clusters n_effective target difference "
    "difference_low difference_high p_value p_second p_adjusted method"
).split()


def _score_row(sample: Sample, labels, target, population, alpha, seed) -> dict:
    narrowing = samples.finite(population, labels, sample.clusters)
    goal = samples.given(target, labels)
    shares, information = information_of(sample)
    promoters, detractors = shares

    def limits(level):
        low, high = interval(shares, information, level, narrowing)
        return 100 * low, 100 * high

    return {
        **samples.versus(100 * (promoters - detractors), *limits(alpha), goal),
        "promoters": float(promoters),
        "passives": float(1 - promoters - detractors),
        "detractors": float(detractors),
        "n": sample.n,
        "clusters": sample.clusters,
        "n_effective": float(proportions.corrected_n(information, alpha)),
        "p_value": float(samples.p_value(limits, goal)),
        "p_second": samples.bootstrap(sample, goal / 100, seed, narrowing=narrowing),
        "method": sample.kind("adjusted_wald"),
    }


def information_of(sample: Sample):
    """((promoters, detractors), information) of a sample of signs 1, 0, -1; information as in ``proportions``.

    ``sample.value`` may carry leading dimensions (repetitions on the same rows).
    """
    n = sample.value.shape[-1]
    if n == 0:
        return (np.float64(np.nan),) * 2, (np.float64(np.nan), np.float64(np.nan), 0)
    promoters, detractors = (np.average(sample.value == s, weights=sample.weight, axis=-1) for s in (1, -1))
    if sample.independent:
        return (promoters, detractors), (n, np.inf, n)
    result = clusters.contrast(sample.value, cluster=sample.cluster, weight=sample.weight)
    spread = promoters + detractors - (promoters - detractors) ** 2
    worth, df = clusters.effective_n(result, spread, n)
    return (promoters, detractors), (worth, df, n)


def interval(shares, information, alpha, narrowing=1.0):
    """Adjusted Wald limits in -1..1 on the effective n; they always hold the estimate.

    ``narrowing`` multiplies the variance (finite customer base).
    """
    promoters, detractors = shares
    n = samples.narrowed(proportions.corrected_n(information, alpha), narrowing)
    total = n + sum(ADDED)
    plus, minus = (share + (added - share * sum(ADDED)) / total for share, added in zip(shares, ADDED, strict=False))
    centre = plus - minus
    half = samples.z_value(alpha) * np.sqrt((plus + minus - centre**2) / total)
    estimate = promoters - detractors
    return np.minimum(np.maximum(centre - half, -1), estimate), np.maximum(np.minimum(centre + half, 1), estimate)


def difference(
    data: pd.DataFrame,
    *,
    score: str,
    group: str,
    first,
    second,
    cluster: str | None = None,
    weight: str | None = None,
    scale_min: int = 0,
    confidence: float = 0.95,
    seed: int = 0,
) -> DifferenceResult:
    """Net promoter score of ``second`` minus that of ``first``, two labels of the column ``group``, in points.

    A customer may answer on both sides: the correlation is taken from the customers they share.
    Rows of other labels are left aside. ``p_second`` is the cluster bootstrap (``seed``).
    """
    sign = _signs(data, score, scale_min)
    both, side, sides, missing = samples.pair(
        data, sign, group=group, first=first, second=second, cluster=cluster, weight=weight
    )
    measured = [information_of(s) for s in sides]
    correlation = samples.correlation(both, side)

    def limits(alpha):
        return combined(measured, correlation, alpha)

    low, high = limits(1 - confidence)
    table = samples.change(
        first,
        second,
        [100 * (promoters - detractors) for (promoters, detractors), _ in measured],
        (100 * low, 100 * high),
        both,
        sides,
        p_value=float(samples.p_value(limits, 0.0)),
        p_second=samples.bootstrap(both, 0.0, seed, side=side),
        method=both.kind("adjusted_wald"),
    )
    return DifferenceResult(table, missing, confidence, _cautions(sides, scale_min))


def combined(measured, correlation, alpha):
    """Limits (-2..2) of the difference of two scores from their own limits and the correlation of the estimates."""
    parts = []
    for (promoters, detractors), information in measured:
        parts += [promoters - detractors, *interval((promoters, detractors), information, alpha)]
    return proportions.join(*parts, correlation)


def _signs(data, score, scale_min) -> pd.Series:
    value = samples.numbers(data, score)
    wrong = value[value.notna() & ~value.isin(range(scale_min, 11))]
    if len(wrong):
        got = f"{wrong.iloc[0]:g}"
        raise MethodRefused("promoter_score.off_scale", column=score, got=got, rows=len(wrong), low=scale_min)
    sign = (value >= PROMOTER).astype(float) - (value <= DETRACTOR).astype(float)
    return sign.where(value.notna())


def _cautions(groups: list[Sample], scale_min) -> tuple[str, ...]:
    return samples.cautions(groups, *(["scale_from_one"] if scale_min == 1 else []))
