"""Means of scores: one mean, means by group against a target, and the change between two periods.

The variance is summed over customers, not answers, and the t quantile has Satterthwaite degrees of freedom
(``clusters.contrast``). With one answer a customer and no weights this is Student's and Welch's t.

Where the scale is declared, say 1 to 5, the interval of a mean is Wilson's on that scale: it stays inside, leans away
from the nearer end as skewed satisfaction scores need it, and exists even where all answers are alike. Student's t
covers .89 instead of .95 for 20 scores of which 70 % are the best one.

References: Bell & McCaffrey (2002) Survey Methodology 28:169; Lohr (1999) Sampling: Design and Analysis, ch. 5;
Cochran (1977) Sampling Techniques, 2.15 (n over 25 times the squared skewness). Coverage: ``benchmarks/coverage.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import clusters, proportions, samples
from sqlib.methods.samples import DifferenceResult, Sample

ADDED = 0.5  # chosen by simulation: 150 skewed 1-5 scales, n = 20, lowest coverage .92 (.89 without)


@dataclass(frozen=True)
class MeanResult:
    """``table``: the ``by`` columns, estimate, low, high, sd (weighted, between answers), n, clusters, n_effective,
    df, target, difference, difference_low, difference_high (estimate minus target), p_value (t), p_second (cluster
    bootstrap), p_adjusted (Benjamini-Hochberg over the rows), method. In the unit of the value.

    ``missing``: rows without a value; ``comparisons``: rows tested against a target; ``cautions``: no_rows,
    too_few_clusters (one customer: no interval), few_clusters (under 10); without a scale also no_variation (all
    alike: no interval) and skewed (too few answers for their skewness: give the scale, or read the median).
    """

    table: pd.DataFrame
    missing: int
    comparisons: int
    confidence: float
    cautions: tuple[str, ...]


def mean(
    data: pd.DataFrame,
    *,
    value: str,
    by=None,
    cluster: str | None = None,
    weight: str | None = None,
    scale: tuple[float, float] | None = None,
    target=None,
    population=None,
    confidence: float = 0.95,
    seed: int = 0,
) -> MeanResult:
    """Mean of ``value``, one row per group of ``by``, with its interval.

    Parameters
    ----------
    data : one row per answer; ``value`` numeric, empty = missing
    by : None, a column or several; cluster : customer; weight : positive weight
    scale : lowest and highest value an answer can take; gives the interval that suits short, skewed scales
    target : mean to compare with, one number or a Series/mapping by level of ``by``
    population : customers in the base, one number or (with ``by``) a Series/mapping; narrows the interval for
        "these customers in this period", never to be used for a change
    seed : of the cluster bootstrap behind ``p_second``

    Raises MethodRefused for text, a value off the scale, an unknown column, bad weights, a base below the answers. A
    group of one customer keeps its row, with NaN limits and a caution.

    Checked against Lohr (1999), Example 5.2 (grade averages of 5 suites: 2.826, standard error .164), and scipy.
    """
    numbers = _on_scale(samples.numbers(data, value), value, scale)
    groups = list(samples.split(data, numbers, by=by, cluster=cluster, weight=weight))
    rows = [{**labels, **_mean_row(s, labels, scale, target, population, 1 - confidence, seed)} for labels, s in groups]
    table = pd.DataFrame(rows, columns=[*samples.levels(by), *_MEAN_COLUMNS])
    table["p_adjusted"] = samples.adjusted(table["p_value"])
    return MeanResult(
        table=table,
        missing=int(numbers.isna().sum()),
        comparisons=int(table["p_value"].notna().sum()),
        confidence=confidence,
        cautions=_cautions([s for _, s in groups], scale),
    )


_MEAN_COLUMNS = (  # noqa: SIM905
    "estimate low high sd n clusters n_effective df target difference difference_low difference_high "
    "p_value p_second p_adjusted method"
).split()


def _mean_row(sample: Sample, labels, scale, target, population, alpha, seed) -> dict:
    goal = samples.given(target, labels)
    narrowing = samples.finite(population, labels, sample.clusters)
    measured = estimate, _, df, n_effective = standard_error(sample)

    def limits(level):
        return interval(measured, level, scale, narrowing)

    return {
        **samples.versus(estimate, *limits(alpha), goal),
        "sd": _sd(sample, estimate),
        "n": sample.n,
        "clusters": sample.clusters,
        "n_effective": float(n_effective),
        "df": float(df),
        "p_value": float(samples.p_value(limits, goal)),
        "p_second": samples.bootstrap(sample, goal, seed, narrowing=narrowing),
        "method": sample.kind("t" if scale is None else "wilson_scale"),
    }


def standard_error(sample: Sample, side=None):
    """(estimate, standard error, df, effective n) of a mean or, with ``side`` (0/1), of the second side's mean minus
    the first's (no effective n). NaN errors where one customer is all there is, or where nothing varies."""
    nan = np.float64(np.nan)
    if sample.n == 0 or (side is not None and len(np.unique(side)) < 2):
        return nan, nan, nan, nan
    coefficients = (1.0,) if side is None else samples.CHANGE
    result = clusters.contrast(
        sample.value, cluster=sample.cluster, group=side, weight=sample.weight, coefficients=coefficients
    )
    error = np.sqrt(np.where(np.isnan(result.df), np.nan, result.variance))
    if side is not None or result.clusters < 2:
        return result.estimate, error, result.df, nan
    spread = np.average((sample.value - result.estimate[..., None]) ** 2, weights=sample.weight, axis=-1)
    return result.estimate, error, result.df, clusters.effective_n(result, spread, sample.n)[0]


def interval(measured, alpha, scale=None, narrowing=1.0):
    """Student's interval or, with a scale, Wilson's on the number of all-or-nothing answers the mean is worth.

    That number is steadied by ``ADDED`` answers that are all or nothing; where all are alike it is the effective n.
    ``narrowing`` multiplies the variance (finite customer base).
    """
    estimate, error, df, n = measured
    quantile = samples.t_value(alpha, df)
    if scale is None:
        half = quantile * error * np.sqrt(narrowing)
        return estimate - half, estimate + half
    bottom, width = scale[0], scale[1] - scale[0]
    share = np.clip((estimate - bottom) / width, 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = share * (1 - share) * (width / error) ** 2
        steadied = n * (n + ADDED) / (n**2 / worth + ADDED) * (samples.z_value(alpha) / quantile) ** 2
    worth = samples.narrowed(np.where(np.isnan(error), n, steadied), narrowing)
    low, high = proportions.score_limits(share, worth, alpha)
    return bottom + width * low, bottom + width * high


def _sd(sample: Sample, estimate) -> float:
    if sample.n < 2:
        return np.nan
    variance = np.average((sample.value - estimate) ** 2, weights=sample.weight)
    return float(np.sqrt(variance * sample.n / (sample.n - 1)))


def difference(
    data: pd.DataFrame,
    *,
    value: str,
    group: str,
    first,
    second,
    cluster: str | None = None,
    weight: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> DifferenceResult:
    """Mean among ``second`` minus mean among ``first``, two labels of the column ``group``.

    A customer may answer on both sides: the variance is that of the difference within customers.
    Rows of other labels are left aside. The table also holds df; ``p_second`` is the cluster bootstrap (``seed``).

    Checked against Student (1908), the sleep data (difference 1.58, t = 4.0621 on 9 df), and scipy.
    """
    numbers = samples.numbers(data, value)
    both, side, sides, missing = samples.pair(
        data, numbers, group=group, first=first, second=second, cluster=cluster, weight=weight
    )
    measured = standard_error(both, side)

    def limits(alpha):
        return interval(measured, alpha)

    table = samples.change(
        first,
        second,
        [_average(s) for s in sides],
        limits(1 - confidence),
        both,
        sides,
        df=float(measured[2]),
        p_value=float(samples.p_value(limits, 0.0)),
        p_second=samples.bootstrap(both, 0.0, seed, side=side),
        method=both.kind("t"),
    )
    return DifferenceResult(table, missing, confidence, _cautions(sides))


def _average(sample: Sample) -> float:
    return float(np.average(sample.value, weights=sample.weight)) if sample.n else np.nan


def _on_scale(numbers: pd.Series, value: str, scale) -> pd.Series:
    wrong = numbers[(numbers < scale[0]) | (numbers > scale[1])] if scale else numbers[:0]
    if len(wrong):
        got = f"{wrong.iloc[0]:g}"
        raise MethodRefused("means.off_scale", column=value, got=got, rows=len(wrong), low=scale[0], high=scale[1])
    return numbers


def _cautions(groups: list[Sample], scale=None) -> tuple[str, ...]:
    more = []
    if scale is None:
        varied = [s.value for s in groups if s.clusters > 1]
        more += ["no_variation"] if any(np.ptp(v) == 0 for v in varied) else []
        more += ["skewed"] if any(len(v) < 25 * _skewness(v) ** 2 for v in varied) else []
    return samples.cautions(groups, *more)


def _skewness(value) -> float:
    centred = value - value.mean()
    spread = (centred**2).mean()
    return float((centred**3).mean() / spread**1.5) if spread > 0 else 0.0
