"""Krippendorff's alpha: agreement of any number of raters on any level of measurement, ratings missing or not.

One minus observed over expected disagreement of the values that can be paired within units. Ordinal disagreement is
that of mid-ranks, so that ordinal and interval data share one formula. Limits by the bootstrap of whole units (Zapf et
al. 2016), not by Krippendorff's own resampling of single disagreements, which takes the pairs of one unit as
independent; t instead of normal quantiles on the scale ln(1 - alpha).

irr (0.84.1) prints less on complete data of m > 2 raters (``anxiety``, ordinal: .2218 instead of .2284): it does not
divide the pairs of a unit by m - 1 there, so that n values count as n (m - 1).

References: Krippendorff (2004) Content Analysis, 2nd ed., ch. 11; Krippendorff (2011) Computing Krippendorff's
Alpha-Reliability, University of Pennsylvania; Hayes & Krippendorff (2007) Communication Methods and Measures 1:77;
Zapf, Castell, Morawietz & Karch (2016) BMC Medical Research Methodology 16:93. Coverage: ``benchmarks/reliability.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples

LEVELS = ("nominal", "ordinal", "interval", "ratio")
COLUMNS = ["coefficient", "level", "estimate", "low", "high", "n", "raters", "values", "method"]
FEW_UNITS = 20
NO_DISAGREEMENT = 1e-6  # stands for 0 on a logarithmic scale


@dataclass(frozen=True)
class KrippendorffResult:
    """``table``, one row, columns ``COLUMNS``: coefficient, level of measurement, alpha with limits, n (units with two
    values or more), raters, values (that could be paired), method.

    ``alone``: values no other rater's can be paired with; ``cautions`` among alone, few_units (under 20).
    """

    table: pd.DataFrame
    alone: int
    confidence: float
    cautions: tuple[str, ...]


def krippendorff_alpha(
    data, *, unit, rater, score, level="ordinal", order=None, confidence=0.95, draws=1000, seed=0
) -> KrippendorffResult:
    """Alpha of one value per unit and rater.

    Parameters
    ----------
    data : one row per value; a blank is a missing value
    level : nominal, ordinal, interval or ratio (zero is nothing, no negative values)
    order : worded levels in their order; numbers need none

    Raises MethodRefused: krippendorff.unknown_level, .unordered, .unknown_value, .negative, .repeated, .one_rater,
    .no_pairs (under two units with two values), .one_value (nothing varies: agreement cannot be told from habit);
    samples.unknown_column.

    Checked against Krippendorff (2011), section C (4 observers, 12 units: nominal .743, ordinal .815, interval .849,
    ratio .797), and the package krippendorff (``anxiety``: ordinal .2284, interval .1701).
    """
    if level not in LEVELS:
        raise MethodRefused("krippendorff.unknown_level", got=level, known=", ".join(LEVELS))
    known = _known(data, unit, rater, score)
    counts, values = _counts(known, unit, score, level, order)
    many = counts.sum(1) >= 2
    alone = int(counts[~many].sum())
    counts = counts[many]
    if len(counts) < 2:
        raise MethodRefused("krippendorff.no_pairs", got=len(counts), rows=len(known))
    used = counts.sum(0) > 0
    counts, values = counts[:, used], values[used]
    if len(values) < 2:
        raise MethodRefused("krippendorff.one_value", got=str(values[0]), n=len(counts))
    estimate = alpha(counts, values, level)
    low, high = _limits(counts, values, level, estimate, 1 - confidence, draws, seed)
    row = {"coefficient": "krippendorff_alpha", "level": level, "estimate": estimate, "low": low, "high": high,
           "n": len(counts), "raters": known[rater].nunique(), "values": int(counts.sum()),
           "method": "bootstrap_units"}  # fmt: skip
    cautions = {"alone": alone > 0, "few_units": len(counts) < FEW_UNITS}
    return KrippendorffResult(
        pd.DataFrame([row], columns=COLUMNS), alone, confidence, tuple(code for code, on in cautions.items() if on)
    )


def alpha(counts: np.ndarray, values: np.ndarray, level: str, times: np.ndarray | None = None) -> float:
    """Alpha of counts (units, values) of each value in each unit; ``times`` (units,) a unit counts, 1 by default.

    1 where no value differs from another.
    """
    times = np.ones(len(counts)) if times is None else times
    size = counts.sum(1)
    total = times @ counts
    n = total.sum()
    observed = (times / (size - 1)) @ _disagreement(counts, _placed(values, total, level), level)
    expected = _disagreement(total[None, :], _placed(values, total, level), level)[0] / (n - 1)
    return float(1 - observed / expected) if expected > 0 else 1.0


def _placed(values: np.ndarray, total: np.ndarray, level: str) -> np.ndarray:
    """Where the values stand: by their mid-ranks where only their order counts."""
    return np.cumsum(total) - total / 2 if level == "ordinal" else values


def _disagreement(counts: np.ndarray, place: np.ndarray, level: str) -> np.ndarray:
    """Squared differences summed over all ordered pairs of values in each row."""
    if level == "nominal":
        return counts.sum(1) ** 2 - (counts**2).sum(1)
    if level == "ratio":
        total = place[:, None] + place[None, :]
        apart = np.divide(place[:, None] - place[None, :], total, out=np.zeros_like(total), where=total > 0) ** 2
        return ((counts @ apart) * counts).sum(1)
    centred = place - place.mean()
    return 2 * (counts.sum(1) * (counts @ centred**2) - (counts @ centred) ** 2)


def _known(data: pd.DataFrame, unit: str, rater: str, score: str) -> pd.DataFrame:
    samples.require(data, unit, rater, score)
    known = data[[unit, rater, score]].dropna()
    again = known.duplicated([unit, rater])
    if again.any():
        raise MethodRefused("krippendorff.repeated", rows=int(again.sum()))
    if known[rater].nunique() < 2:
        raise MethodRefused("krippendorff.one_rater", column=rater, rows=len(known))
    return known


def _counts(known: pd.DataFrame, unit: str, score: str, level: str, order) -> tuple[np.ndarray, np.ndarray]:
    """How often each value stands in each unit (units, values), and the values as numbers in their order."""
    given = known[score]
    if order is not None:
        unknown = given[~given.isin(list(order))]
        if len(unknown):
            raise MethodRefused(
                "krippendorff.unknown_value", got=str(unknown.iloc[0]), known=", ".join(map(str, order))
            )
        given = given.map({name: float(at) for at, name in enumerate(order)})
    elif level != "nominal":
        given = _numbers(given)
    if level == "ratio" and (given < 0).any():
        raise MethodRefused("krippendorff.negative", got=f"{given.min():g}", rows=int((given < 0).sum()))
    table = pd.crosstab(known[unit], given)
    values = np.arange(table.shape[1]) if level == "nominal" else table.columns
    return table.to_numpy(dtype=float), np.asarray(values, dtype=float)


def _numbers(given: pd.Series) -> pd.Series:
    parsed = pd.to_numeric(given, errors="coerce").astype(float)
    if parsed.isna().any():
        raise MethodRefused("krippendorff.unordered", got=str(given[parsed.isna()].iloc[0]))
    return parsed


def _limits(counts, values, level: str, estimate: float, limit: float, draws: int, seed: int) -> tuple[float, float]:
    """Bootstrap of units: its spread on the scale ln(1 - alpha), t on units - 1 degrees of freedom.

    The spread is that of the middle 68 % of the draws: of few units some draws hold no disagreement at all.
    """
    if estimate >= 1:
        return np.nan, np.nan
    n = len(counts)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws).astype(float)
    moved = np.log([max(1 - alpha(counts, values, level, times), NO_DISAGREEMENT) for times in drawn])
    error = np.diff(np.quantile(moved, [0.1587, 0.8413]))[0] / 2 * np.sqrt(n / (n - 1))
    half = samples.t_value(limit, n - 1) * error
    return max(float(1 - (1 - estimate) * np.exp(half)), -1.0), float(1 - (1 - estimate) * np.exp(-half))
