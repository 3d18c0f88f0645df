"""Rows into samples: what shares, means and promoter scores do before and after their own formula.

``split`` turns a table into one ``Sample`` of arrays per group, ``pair`` into two sides of a comparison; ``p_value``
inverts any interval; ``bootstrap`` is the second method; ``adjusted`` corrects a family of p values.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import clusters

FEW_CLUSTERS = 10
CHANGE = (-1.0, 1.0)  # second minus first


@dataclass(frozen=True)
class Sample:
    """One group's answers: ``value`` (n,), ``cluster`` codes (n,), ``weight`` (n,) or None.

    ``value`` and ``weight`` may carry leading dimensions: repetitions on the same rows, as in a simulation.
    """

    value: np.ndarray
    cluster: np.ndarray
    weight: np.ndarray | None

    @property
    def n(self) -> int:
        return len(self.cluster)

    @functools.cached_property
    def clusters(self) -> int:
        return len(np.unique(self.cluster))

    @property
    def independent(self) -> bool:
        """At least two rows, every one its own customer, no weights: the textbook formulas hold as they stand."""
        return self.weight is None and self.clusters == self.n > 1

    def kind(self, name: str) -> str:
        """Method code: ``name``, or ``name_clustered``, or ``name_weighted`` (weights, one row a customer)."""
        if self.clusters < self.n:
            return f"{name}_clustered"
        return name if self.weight is None else f"{name}_weighted"


@dataclass(frozen=True)
class DifferenceResult:
    """``table``, one row: first, second (labels), estimate_first, estimate_second, estimate (second minus first), low,
    high, n_first, n_second, n, clusters, p_value, p_second, method; in the unit of the measure.

    ``missing``: rows of the two labels without a value. ``cautions`` are judged on each side: no_rows,
    too_few_clusters (one customer), few_clusters (under 10), and those of the measure.
    """

    table: pd.DataFrame
    missing: int
    confidence: float
    cautions: tuple[str, ...]


def numbers(data: pd.DataFrame, column: str) -> pd.Series:
    """A column as floats; text that is no number is refused, an empty cell becomes NaN."""
    require(data, column)
    try:
        return pd.to_numeric(data[column]).astype(float)
    except (ValueError, TypeError):
        parsed = pd.to_numeric(data[column], errors="coerce")
        wrong = data[column][parsed.isna() & data[column].notna()]
        raise MethodRefused("samples.not_numeric", column=column, got=wrong.iloc[0], rows=len(wrong)) from None


def require(data: pd.DataFrame, *columns: str | None) -> None:
    """Refuse a column the table does not have; ``None`` stands for a column not asked for."""
    for column in columns:
        if column is not None and column not in data.columns:
            known = ", ".join(map(str, data.columns))
            raise MethodRefused("samples.unknown_column", column=column, known=known)


def answered(scores: pd.DataFrame, names: list[str], least: float) -> tuple[list[str], dict[str, str]]:
    """Columns most rows have a value in and that vary over the rows complete in them; and why the others are not used.

    ``least`` is the share of rows that need a value. The reasons are rarely_answered and constant.
    """
    rare = [name for name in names if not scores[name].notna().mean() >= least]
    rows = scores[[name for name in names if name not in rare]].dropna()
    flat = [name for name in rows if rows[name].nunique() < 2]
    left_out = dict.fromkeys(rare, "rarely_answered") | dict.fromkeys(flat, "constant")
    return [name for name in names if name not in left_out], left_out


def levels(by) -> list[str]:
    """``by`` as a list: None, a column, or several."""
    return [] if by is None else [by] if isinstance(by, str) else list(by)


def split(data: pd.DataFrame, value: pd.Series, *, by=None, cluster=None, weight=None) -> Iterator[tuple[dict, Sample]]:
    """One ({by column: level}, Sample) per group in sorted order; rows without a value are left out.

    A group all of whose values are missing still appears, with an empty sample; without ``by`` there is one group.
    Equal weights are no weights.
    """
    by = levels(by)
    require(data, *by, cluster, weight)
    code = clusters.codes(None if cluster is None else data[cluster], len(data))
    mass = None if weight is None else _weights(data, weight)
    known = value.notna().to_numpy() & (True if mass is None else mass > 0)
    groups = data.groupby(by, observed=True, dropna=False).indices if by else {(): np.arange(len(data))}
    for level, rows in groups.items():
        rows = rows[known[rows]]
        labels = dict(zip(by, level if isinstance(level, tuple) else (level,), strict=True))
        weights = None if mass is None or len(np.unique(mass[rows])) < 2 else mass[rows]
        yield labels, Sample(value.to_numpy()[rows], code[rows], weights)


def pair(data: pd.DataFrame, value: pd.Series, *, group, first, second, cluster=None, weight=None):
    """The rows of two labels of ``group``: (both as one Sample, side of each row 0/1, [first, second], missing)."""
    require(data, group)
    side = data[group].map({first: 0.0, second: 1.0})
    rows = side.notna()
    ((_, both),) = split(data[rows], value[rows], cluster=cluster, weight=weight)
    kept = rows & value.notna() & (True if weight is None else numbers(data, weight) > 0)
    side = side[kept].to_numpy(dtype=int)
    return both, side, [part(both, side == which) for which in (0, 1)], int(value[rows].isna().sum())


def part(sample: Sample, rows: np.ndarray) -> Sample:
    """Some rows of a sample."""
    weight = None if sample.weight is None else sample.weight[..., rows]
    return Sample(sample.value[..., rows], sample.cluster[rows], weight)


def drawn(n: int, most: int, seed: int) -> np.ndarray:
    """Positions of ``most`` of n rows, a simple random sample in the old order; of all rows where there are no more."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _weights(data, weight):
    mass = numbers(data, weight)
    if mass.isna().any() or (mass < 0).any():
        raise MethodRefused("samples.bad_weight", column=weight, rows=int((mass.isna() | (mass < 0)).sum()))
    return mass.to_numpy()


def given(option, labels: dict) -> float:
    """A target or population size for one group: a number for all, or a Series/mapping by level (tuple if several)."""
    if option is None:
        return np.nan
    if np.isscalar(option):
        return float(option)
    key = tuple(labels.values())
    return float(option.get(key[0] if len(key) == 1 else key, np.nan))


def finite(population, labels: dict, answered: int) -> float:
    """Factor by which a known, finite customer base narrows the variance: 1 - answered / base; 1 if unknown."""
    if population is not None and np.isscalar(population) and labels:
        raise MethodRefused("samples.population_of_groups", by=", ".join(labels))
    size = given(population, labels)
    if np.isnan(size):
        return 1.0
    if size < answered:
        raise MethodRefused("samples.population_too_small", population=size, answered=answered)
    return 1.0 - answered / size


def narrowed(n, narrowing: float):
    """Effective n after the variance is multiplied by ``narrowing``; infinite where the whole base answered."""
    with np.errstate(divide="ignore"):
        return np.divide(n, narrowing)


def z_value(alpha):
    """Two-sided standard normal quantile."""
    from scipy.special import ndtri

    return -ndtri(np.asarray(alpha) / 2)


def t_value(alpha, df):
    """Two-sided Student quantile."""
    from scipy.special import stdtrit

    return -stdtrit(df, np.asarray(alpha) / 2)


def p_value(interval, reference):
    """The smallest alpha whose interval excludes the reference, so that p value and interval never disagree.

    ``interval(alpha)`` -> (low, high); alpha arrives in the shape of its own answer. NaN where the interval is.
    """
    known = ~np.isnan(interval(0.05)[0] + reference)
    inside, outside = np.full(known.shape, -15.0), np.zeros(known.shape)  # log10 of alpha
    for _ in range(50):
        middle = (inside + outside) / 2
        low, high = interval(10**middle)
        excludes = (reference < low) | (reference > high)
        inside, outside = np.where(excludes, inside, middle), np.where(excludes, middle, outside)
    return np.where(known, 10**outside, np.nan)


def correlation(both: Sample, side):
    """Correlation of the two sides' means through the customers they share; 0 where none is shared."""
    if both.independent or len(np.unique(side)) < 2:
        return 0.0
    result = clusters.contrast(both.value, cluster=both.cluster, group=side, weight=both.weight, coefficients=CHANGE)
    return result.correlation[..., 0, 1]


def bootstrap(sample: Sample, null: float, seed: int, *, side=None, narrowing: float = 1.0) -> float:
    """Cluster bootstrap p value of a mean against ``null`` or, with ``side``, of the second side minus the first."""
    if sample.n == 0 or np.isnan(null) or (side is not None and len(np.unique(side)) < 2):
        return np.nan
    return clusters.bootstrap_p(
        sample.value,
        cluster=sample.cluster,
        group=side,
        weight=sample.weight,
        coefficients=(1.0,) if side is None else CHANGE,
        null=null,
        narrowing=narrowing,
        seed=seed,
    )


def versus(estimate, low, high, goal: float) -> dict:
    """The columns of an estimate and of its distance from the target."""
    estimate, low, high = float(estimate), float(low), float(high)
    return {
        "estimate": estimate,
        "low": low,
        "high": high,
        "target": goal,
        "difference": estimate - goal,
        "difference_low": low - goal,
        "difference_high": high - goal,
    }


def change(first, second, estimates, limits, both: Sample, sides: list[Sample], **more) -> pd.DataFrame:
    """The one-row table of a DifferenceResult; ``estimates`` of the two sides, ``limits`` of their difference."""
    one, two = map(float, estimates)
    low, high = map(float, limits)
    row = {"first": first, "second": second, "estimate_first": one, "estimate_second": two, "estimate": two - one}
    row |= {"low": low, "high": high, "n_first": sides[0].n, "n_second": sides[1].n, "n": both.n}
    return pd.DataFrame([row | {"clusters": both.clusters} | more])


def adjusted(p: pd.Series) -> pd.Series:
    """P values corrected within the family (Benjamini & Hochberg 1995); NaN are no part of the family."""
    result, known = p.astype(float), p.notna().to_numpy()
    values = result[known].to_numpy(copy=True)
    order = np.argsort(values, kind="stable")[::-1]
    stepped = np.minimum.accumulate(values[order] * len(values) / np.arange(len(values), 0, -1))
    values[order] = np.minimum(stepped, 1.0)
    result[known] = values
    return result


def cautions(samples: list[Sample], *more: str) -> tuple[str, ...]:
    """Codes about the samples: no_rows, too_few_clusters (no interval), few_clusters (under 10), and ``more``."""
    found = []
    if any(s.n == 0 for s in samples):
        found.append("no_rows")
    if any(s.n > 0 and s.clusters < 2 for s in samples):
        found.append("too_few_clusters")
    if any(2 <= s.clusters < FEW_CLUSTERS for s in samples):
        found.append("few_clusters")
    return (*found, *more)
