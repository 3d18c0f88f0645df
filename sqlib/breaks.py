"""Two scales in one column of scores: found in time, between files, channels, dimensions or items.

A scale of 1–5 that became 1–10 shows in the observed maximum: it jumps from one common end to another. The jump is
believed when the values on the low side would all stay below by luck with a chance under one in a million, when they
pile up at the old end as answers to a closed scale do (a slow improvement or a rare top grade does not), and when
each side holds enough rows.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import lgamma, log

import numpy as np
import pandas as pd

ENDS = (3, 5, 7, 10, 100)  # largest score of the scales in use
LUCK = log(1e-6)
ENOUGH = 20  # rows each side
WINDOW = 400  # rows each side that are compared: a drift needs longer, a new questionnaire does not
STRAYS = 0.005  # share of mistyped values tolerated on the low side
PILED = 0.35  # least ratio of answers at the old end to answers one point below it
MISSED = 5  # least number of answers expected one point beyond, were the scale longer: none by luck has chance e^-5


@dataclass(frozen=True)
class Break:
    """A change of scale: at a day or row (``by`` is "time" or "row"), or in one group of a column."""

    by: str
    at: str
    old: float  # end of the scale before, or elsewhere
    new: float  # end of the scale from there on
    rows: tuple[int, int]  # before, or elsewhere | from there on


def common_end(values: np.ndarray) -> float:
    """The smallest common end that holds all values but strays; nan above 100 or without values."""
    for end in ENDS:
        if len(values) and np.mean(values > end) <= STRAYS:
            return float(end)
    return float("nan")


def find(scores: pd.Series, days: pd.Series, groups: pd.DataFrame) -> tuple[pd.Series, list[Break]]:
    """Ends of the scales a column of scores was given on.

    Parameters
    ----------
    scores : scores of one metric, none missing, in file order
    days : the day of each answer, missing where unknown; used when most are known, else the order of rows
    groups : columns that may each have had their own scale (dimension, channel, source file)

    Returns
    -------
    The end of each row's scale (all nan where no break was found; nan too where an undated row cannot be placed),
    and the breaks.
    """
    end, found = pd.Series(np.nan, index=scores.index), []
    for column in groups:
        low = _low_groups(scores, groups[column])
        if low:
            own = groups[column].map(low)
            elsewhere = common_end(scores[own.isna()].to_numpy())
            sizes = groups[column].value_counts()
            rest = int(own.isna().sum())
            found += [Break(column, str(name), elsewhere, one, (rest, int(sizes[name]))) for name, one in low.items()]
            return own.fillna(elsewhere), found
    dated = days.notna().mean() > 0.8
    ordered = days.dropna().sort_values(kind="stable").index if dated else scores.index
    values = scores[ordered].to_numpy()
    place = days[ordered].dt.normalize().to_numpy() if dated else np.arange(len(values))
    spans = _spans(values, place, 0)
    if len(spans) == 1:
        return end, []
    for (start, stop, old), (_, until, new) in pairwise(spans):
        at = f"{pd.Timestamp(place[stop]):%Y-%m-%d}" if dated else str(stop)
        found.append(Break("time" if dated else "row", at, old, new, (stop - start, until - stop)))
    for start, stop, own in spans:
        end[ordered[start:stop]] = own
    return end, found


def _spans(values: np.ndarray, place: np.ndarray, offset: int) -> list[tuple[int, int, float]]:
    """Consecutive (start, stop, end of scale); neighbours differ in their end."""
    cut = _cut(values, place)
    if cut is None:
        return [(offset, offset + len(values), common_end(values))]
    parts = _spans(values[:cut], place[:cut], offset) + _spans(values[cut:], place[cut:], offset + cut)
    merged = parts[:1]
    for start, stop, end in parts[1:]:
        if end == merged[-1][2]:
            merged[-1] = (merged[-1][0], stop, end)
        else:
            merged.append((start, stop, end))
    return merged


def _cut(values: np.ndarray, place: np.ndarray) -> int | None:
    """Where the scale changes most clearly: the first row of the new scale, or None."""
    best, chance = None, LUCK
    for old in ENDS[:-1]:
        above = values > old
        if not 0 < above.sum() < len(values):
            continue
        for rising in (True, False):
            cut = _likeliest(above, rising)
            edge = np.searchsorted(
                place, place[min(cut, len(place) - 1)] if rising else place[cut - 1], "left" if rising else "right"
            )
            low, high = (slice(0, edge), slice(edge, None)) if rising else (slice(edge, None), slice(0, edge))
            luck = _chance(above[low], above[high], rising) if _closed(values[low], old) else 0.0
            if luck < chance:
                best, chance = int(edge), luck
    return best


def _likeliest(above: np.ndarray, rising: bool) -> int:
    """The split of greatest likelihood with a higher share of ``above`` after it (rising) or before it."""
    n, before = np.arange(1, len(above)), np.cumsum(above)[:-1]
    after, rest = above.sum() - before, len(above) - n
    gain = _log_likelihood(before, n) + _log_likelihood(after, rest)
    right = (after / rest > before / n) == rising
    return int(np.where(right, gain, -np.inf).argmax()) + 1


def _log_likelihood(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    share = np.clip(k / n, 1e-12, 1 - 1e-12)
    return k * np.log(share) + (n - k) * np.log1p(-share)


def _closed(low: np.ndarray, old: float) -> bool:
    """Are there enough values, (almost) none beyond ``old``, and a pile at ``old``?"""
    if len(low) < ENOUGH or np.mean(low > old) > STRAYS:
        return False
    top, below = np.sum((low > old - 1) & (low <= old)), np.sum((low > old - 2) & (low <= old - 1))
    return top >= PILED * below and top * min(top / max(below, 1), 1) >= MISSED


def _chance(low: np.ndarray, high: np.ndarray, rising: bool) -> float:
    """Log of the chance that the values beyond the old end all fall on the high side, both sides being alike."""
    size = min(len(low), len(high), WINDOW)
    if size < ENOUGH:
        return 0.0
    low, high = (low[-size:], high[:size]) if rising else (low[:size], high[-size:])
    return _luck(int(high.sum()), int(low.sum()), size, size)


def _luck(here: int, strays: int, high: int, low: int) -> float:
    """Log hypergeometric chance: of ``here + strays`` marked rows among ``high + low``, all but strays lie high."""
    return _choose(high, here) + _choose(low, strays) - _choose(high + low, here + strays)


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _low_groups(scores: pd.Series, group: pd.Series) -> dict[str, float]:
    """Groups that answered on a smaller scale than the others, with its end."""
    low = {}
    for name, members in scores.groupby(group, sort=False):
        values, rest = members.to_numpy(), scores[group != name].to_numpy()
        end = common_end(values)
        if len(rest) < ENOUGH or np.isnan(end) or end == common_end(rest) or not _closed(values, end):
            continue
        if _luck(int(np.sum(rest > end)), int(np.sum(values > end)), len(rest), len(values)) < LUCK:
            low[name] = end
    return low
