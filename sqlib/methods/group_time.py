"""Group-time effects of a measure that starts at different dates, by influence functions.

A group is the units that start in one period. Its effect in a period is its change since the period before the start
less the change of units without the measure; every other number is a weighted mean of these. One influence value a
unit and estimate carries all errors: standard errors are lengths of these columns, the uniform band their sign-flipped
sums.

References: Callaway & Sant'Anna (2021) Journal of Econometrics 225:200; Rambachan & Roth (2023) Review of Economic
Studies 90:2555 (how large a violation overturns the result). Checked against diff-diff and the published output of did.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.methods import samples

ESTIMANDS = ("att_simple", "att_dynamic", "att_group", "att_calendar")
LARGEST = 100.0  # violation, in multiples of the largest step before, up to which a breakdown is looked for


@dataclass(frozen=True)
class Cells:
    """``group``, ``time`` (cells,): indices of periods; ``estimate`` (cells,); ``influence`` (units, cells), mean 0;
    ``compared`` (cells,): units compared with; ``first`` (units,): index of the first treated period, the number of
    periods = never."""

    group: np.ndarray
    time: np.ndarray
    estimate: np.ndarray
    influence: np.ndarray
    compared: np.ndarray
    first: np.ndarray

    @property
    def horizon(self) -> np.ndarray:
        return self.time - self.group


@dataclass(frozen=True)
class Estimates:
    """``estimate`` (k,) with its ``influence`` (units, k)."""

    estimate: np.ndarray
    influence: np.ndarray


def cells(values, first, *, base="varying", control="never", least=1) -> Cells:
    """Effect of every group in every period.

    Parameters
    ----------
    values : (units, periods), complete; first : (units,) index of the first treated period, >= periods = never
    base : period before the start is compared with the one before it ("varying") or with the last before the start
        ("universal"); a period under the measure always with the latter
    control : "never" treated units | those "not_yet" treated in either period
    least : cells with fewer units to compare with are left out
    """
    values, first = np.asarray(values, dtype=float), np.asarray(first)
    n, periods = values.shape
    found, influence = [], []
    for group in np.unique(first[first < periods]):
        own = first == group
        for time in range(periods):
            early = time < group
            earlier = time - 1 if early and base == "varying" else group - 1
            other = first >= periods if control == "never" else (first > max(time, earlier)) & ~own
            if earlier < 0 or other.sum() < least:
                continue
            change = values[:, time] - values[:, earlier]
            means = change[own].mean(), change[other].mean()
            found.append((group, time, means[0] - means[1], other.sum()))
            influence.append(n * (own * (change - means[0]) / own.sum() - other * (change - means[1]) / other.sum()))
    if not found:
        return Cells(*(np.empty(0, dtype=int),) * 2, np.empty(0), np.empty((n, 0)), np.empty(0, dtype=int), first)
    group, time, estimate, compared = map(np.array, zip(*found, strict=True))
    return Cells(group, time, estimate, np.column_stack(influence), compared, first)


def weighted(found: Cells, chosen) -> Estimates:
    """Mean of the chosen cells (bool), each group by its share of the units, with the error of those shares."""
    units = {group: (found.first == group) for group in np.unique(found.group[chosen])}
    size = np.array([units[group].mean() for group in found.group[chosen]])
    weight = size / size.sum()
    estimate = float(weight @ found.estimate[chosen])
    influence = found.influence[:, chosen] @ weight
    for group, value in zip(found.group[chosen], found.estimate[chosen], strict=True):
        influence = influence + units[group] * (value - estimate) / size.sum()
    return Estimates(np.array([estimate]), influence[:, None])


def averaged(parts: list[Estimates]) -> Estimates:
    """Plain mean of estimates."""
    whole = stacked(parts)
    return Estimates(whole.estimate.mean(keepdims=True), whole.influence.mean(axis=1, keepdims=True))


def stacked(parts: list[Estimates]) -> Estimates:
    return Estimates(np.concatenate([part.estimate for part in parts]), np.hstack([part.influence for part in parts]))


def events(found: Cells) -> tuple[np.ndarray, Estimates]:
    """Horizons (periods since the start) and the effect at each, groups weighted by size."""
    horizons = np.unique(found.horizon)
    return horizons, stacked([weighted(found, found.horizon == horizon) for horizon in horizons])


def by_group(found: Cells) -> tuple[np.ndarray, Estimates]:
    """Groups and the plain mean effect of each over its periods under the measure."""
    groups, parts = np.unique(found.group[found.horizon >= 0]), []
    for group in groups:
        own = (found.group == group) & (found.horizon >= 0)
        parts.append(Estimates(found.estimate[own].mean(keepdims=True), found.influence[:, own].mean(1, keepdims=True)))
    return groups, stacked(parts)


def over_groups(found: Cells) -> Estimates:
    """Mean of ``by_group``, groups weighted by size."""
    groups, parts = by_group(found)
    once = Cells(groups, groups, parts.estimate, parts.influence, groups, found.first)
    return weighted(once, np.ones(len(groups), dtype=bool))


def by_period(found: Cells) -> Estimates:
    """Mean over calendar periods of the effect on all groups then under the measure."""
    times = np.unique(found.time[found.horizon >= 0])
    return averaged([weighted(found, (found.time == time) & (found.horizon >= 0)) for time in times])


def by_horizon(found: Cells) -> Estimates:
    """Mean over the horizons 0 and later, each alike."""
    horizons = np.unique(found.horizon[found.horizon >= 0])
    return averaged([weighted(found, found.horizon == horizon) for horizon in horizons])


def aggregate(found: Cells, estimand: str) -> Estimates:
    """One number by its name: att_simple (all cells under the measure, by size), att_dynamic, att_group,
    att_calendar."""
    if estimand == "att_simple":
        return weighted(found, found.horizon >= 0)
    return {"att_dynamic": by_horizon, "att_group": over_groups, "att_calendar": by_period}[estimand](found)


def errors(influence, first, *, small_sample=True) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors (k,) and degrees of freedom (k,) of columns of influence (units, k).

    ``small_sample`` divides a group's squares by its units less one and takes Satterthwaite's degrees of freedom over
    groups (two groups: Welch); without it the errors are those of the literature and the degrees infinite.
    """
    n = len(influence)
    if not small_sample:
        return np.sqrt((influence**2).sum(axis=0)) / n, np.full(influence.shape[1], np.inf)
    code, sizes = np.unique(first, return_inverse=True, return_counts=True)[1:]
    means = np.stack([influence[code == k].mean(axis=0) for k in range(len(sizes))])
    squares = np.stack([(influence[code == k] ** 2).sum(axis=0) for k in range(len(sizes))])
    squares = np.maximum(squares - sizes[:, None] * means**2, 0)
    inside, free = squares * (sizes / np.maximum(sizes - 1, 1))[:, None], np.maximum(sizes - 1, 1)[:, None]
    whole = inside.sum(axis=0) + (sizes[:, None] * means**2).sum(axis=0)
    down = (inside**2 / free).sum(axis=0)
    return np.sqrt(whole) / n, np.divide(inside.sum(axis=0) ** 2, down, out=np.full(down.shape, np.nan), where=down > 0)


def largest(influence, *, draws=999, seed=0) -> np.ndarray:
    """Largest |t| over the columns that vary, in each of ``draws`` sign flips of the units, sorted."""
    rng = np.random.default_rng(seed)
    length = np.sqrt((influence**2).sum(axis=0))
    kept = length > 0
    signs = rng.integers(0, 2, (draws, len(influence)), dtype=np.int8) * 2.0 - 1
    return np.sort(np.abs(signs @ (influence[:, kept] / length[kept])).max(axis=1, initial=0))


def uniform(reached, df, confidence) -> np.ndarray:
    """Multiple of the error (k,) that holds for all columns at once, widened from the normal to Student's t."""
    from scipy.special import ndtr

    alpha = 2 * ndtr(-np.quantile(reached, confidence))
    return samples.t_value(min(alpha, 1 - confidence), df)


def breakdown(values, found: Cells, *, confidence=0.95, control="never", least=1, small_sample=True):
    """How large must a violation after the start be, in multiples of the largest step before it, to undo the effect?

    The effect is the mean over horizons 0 and later. Between two neighbouring periods the groups may part by M times
    the largest such step seen before the start; returned is the smallest M at which the interval holds 0: once with the
    error of every step taken in (0 where the interval holds 0 anyway, inf above 100), once with the steps as seen.
    NaN where there are fewer than two periods before.
    """
    horizons, path = events(cells(values, found.first, base="universal", control=control, least=least))
    before, after = np.flatnonzero(horizons < 0), np.flatnonzero(horizons >= 0)
    if len(before) < 2:
        return np.nan, np.nan
    effect = averaged([Estimates(path.estimate[after], path.influence[:, after])])
    reach = (horizons[after] + 1).mean()
    steps, moved = np.diff(path.estimate[before]), np.diff(path.influence[:, before], axis=1)
    (se,), (df,) = errors(effect.influence, found.first, small_sample=small_sample)
    seen = (abs(effect.estimate[0]) - samples.t_value(1 - confidence, df) * se) / (reach * np.abs(steps).max())

    def holds_zero(multiple):
        sides = np.concatenate([steps, -steps]) * multiple * reach
        influence = effect.influence + np.hstack([moved, -moved]) * multiple * reach
        each, free = errors(influence, found.first, small_sample=small_sample)
        half = samples.t_value(1 - confidence, free) * each
        return (effect.estimate + sides - half).min() <= 0 <= (effect.estimate + sides + half).max()

    return _smallest(holds_zero), float(max(seen, 0))


def _smallest(holds, low=0.0, high=LARGEST) -> float:
    if holds(low):
        return 0.0
    if not holds(high):
        return np.inf
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def two_way(values, first) -> float:
    """Effect by ordinary regression on unit and period effects; biased where effects grow: shown, never used."""
    values = np.asarray(values, dtype=float)
    dose = (np.arange(values.shape[1]) >= np.asarray(first)[:, None]).astype(float)
    dose = dose - dose.mean(axis=1, keepdims=True) - dose.mean(axis=0) + dose.mean()
    return float((dose * values).sum() / (dose**2).sum())


def interval(estimate, se, df, confidence) -> pd.DataFrame:
    """estimate, se, df, low, high, p_value of columns."""
    from scipy.special import stdtr

    half = samples.t_value(1 - confidence, df) * se
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stdtr(df, -np.abs(estimate / se))
    found = {"estimate": estimate, "se": se, "df": df, "low": estimate - half, "high": estimate + half, "p_value": p}
    return pd.DataFrame(found)
