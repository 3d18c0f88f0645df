"""Few units: did the units with the measure change by more than those without?

Every unit gives one number, its mean after minus its mean before, so autocorrelation inside a unit is of no account;
two groups of such numbers are compared by Student's t with N - 2 degrees of freedom and by every way the measure could
have been dealt out. Cluster-robust errors are refused below ten units a side: with 1 of 20 units treated they call
64 % of useless measures effective.

References: Bertrand, Duflo & Mullainathan (2004) Quarterly Journal of Economics 119:249 (collapse to before and after);
Donald & Lang (2007) Review of Economics and Statistics 89:221; Conley & Taber (2011) ibid. 93:113 (few treated);
Fisher (1935) The Design of Experiments (permutation). False alarms: ``benchmarks/effects.py``.
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples, unit_panel
from sqlib.methods.effect import Effect

FEWEST_CLUSTERS = 10  # units a side below which errors clustered by unit are refused
MOST_SERIES = 5  # comparison series a controlled series takes
EXHAUSTIVE = 200_000  # ways to deal out the measure, above which they are drawn
DRAWS = 99_999
ROUNDING = 1e-12  # share of a change below which a spread is no spread
SAME = 1e-9  # share of the largest change within which two ways of dealing come to the same
ATTRITION = 0.1  # share of units lost above which it is said
DETAILS = ["name", "estimate", "low", "high"]


@dataclass(frozen=True)
class UnitDifferences:
    """``effect``: the Effect. ``changes``, one row a unit: unit, treated, before, after, change (in the indicator's
    unit), cells (periods with a value)."""

    effect: Effect
    changes: pd.DataFrame


def estimate(panel, **options) -> Effect:
    """The Effect of ``compare``, same arguments."""
    return compare(panel, **options).effect


def compare(
    panel, *, unit, time, value, treated, start, compared=None, wash_in=0, errors="unit", confidence=0.95, seed=0
) -> UnitDifferences:
    """Unit-level before/after differences, treated against comparison units.

    Parameters
    ----------
    panel : one row a unit and period: `unit`, `time` (sorts in time), `value`; missing cells may be absent or empty
    treated, compared : ids of units; ``compared`` None: all others
    start : first period under the measure, as in `time`; ``wash_in`` periods after it are left out
    errors : "unit" (t with N - 2, equal variances) | "cluster" (unequal variances with Satterthwaite df, what errors
        clustered by unit with a leverage correction come to; refused below ten units a side)
    seed : draws the permutations where there are more than 200,000

    estimand ``att``: mean change of the treated minus mean change of the others. ``details`` in this order:
    smallest_p (the smallest p value the permutation could give), permutation_p, assignments, spread_treated,
    spread_compared (standard deviation of the changes; NaN for one unit), pre_trend (difference of the slopes before,
    per period, with limits), leave_one_low, leave_one_high, missing_cells, units_left_out. Limits in percent take the
    level without the measure as known. ``cautions``: one_treated (the spread of the treated cannot be estimated and is
    taken from the others), permutation_powerless (smallest_p above 1 - confidence), uneven_spread (ratio of variances
    above 4), missing_cells, units_left_out.

    Raises MethodRefused: difference_in_differences.too_few_units (under 3), .no_spread, .cluster_errors,
    .bad_errors, unit_panel.*, samples.*. Checked against statsmodels and scipy; the published bank runs of 1930-31
    (Angrist & Pischke 2015, ch. 5) by ``changes``.
    """
    parts = _parts(panel, unit, time, value, treated, compared, start, wash_in)
    kept = parts[0]["change"].notna().to_numpy()
    found, before, after = (part[kept] for part in parts)
    side = found["treated"].to_numpy()
    _require(side, errors)
    result = contrast(found["change"].to_numpy(), side, welch=errors == "cluster")
    if not result[1] > ROUNDING * found["change"].abs().max():
        raise MethodRefused("difference_in_differences.no_spread", units=len(side))
    details = _details(found, before, after, side, confidence, seed, int((~kept).sum()))
    path = _path(pd.concat([before, after], axis=1), found["before"], side, confidence, errors == "cluster")
    cautions = _cautions(details, side, confidence)
    return UnitDifferences(_effect(result, path, before, after, side, confidence, details, cautions),
                           found.rename_axis("unit").reset_index())  # fmt: skip


def changes(panel, *, unit, time, value, treated, start, compared=None, wash_in=0) -> pd.DataFrame:
    """The ``changes`` of ``compare`` alone, also where two units are too few for an interval; NaN where a unit has no
    value before or after."""
    found, _, _ = _parts(panel, unit, time, value, treated, compared, start, wash_in)
    return found.rename_axis("unit").reset_index()


def _parts(panel, unit, time, value, treated, compared, start, wash_in):
    """One row a unit: treated, before, after, change, cells; and the values before and after."""
    table = unit_panel.wide(panel, unit=unit, time=time, value=value)
    table, side = unit_panel.sides(table, treated, compared)
    before, after = unit_panel.phases(table, start, wash_in)
    return _changes(before, after, side), before, after


def _changes(before, after, side) -> pd.DataFrame:
    whole = before.notna().any(axis=1) & after.notna().any(axis=1)
    low, high = (unit_panel.levels(phase[whole]).reindex(phase.index) for phase in (before, after))
    cells = before.notna().sum(axis=1) + after.notna().sum(axis=1)
    found = {"treated": side, "before": low, "after": high, "change": high - low, "cells": cells}
    return pd.DataFrame(found, index=before.index)


def _details(found, before, after, side, confidence, seed, lost) -> pd.DataFrame:
    missing = 1 - np.hstack([before.notna(), after.notna()]).mean()
    single = [*permutation(found["change"].to_numpy(), side, seed=seed).items(), *_spreads(found["change"], side)]
    rows = [(name, number, np.nan, np.nan) for name, number in single]
    rows += [_slopes(before, side, confidence), *_leave_one(found["change"], side)]
    rows += [("missing_cells", missing, np.nan, np.nan), ("units_left_out", float(lost), np.nan, np.nan)]
    return pd.DataFrame(rows, columns=DETAILS)


def _require(side, errors) -> None:
    treated, others = int(side.sum()), int((~side).sum())
    if not treated or not others or len(side) < 3:
        raise MethodRefused("difference_in_differences.too_few_units", treated=treated, others=others)
    if errors not in ("unit", "cluster"):
        raise MethodRefused("difference_in_differences.bad_errors", got=errors)
    if errors == "cluster" and min(treated, others) < FEWEST_CLUSTERS:
        counts = {"treated": treated, "others": others, "least": FEWEST_CLUSTERS}
        raise MethodRefused("difference_in_differences.cluster_errors", **counts)


def contrast(change, side, *, welch=False):
    """Difference of means (...), its error and degrees of freedom; ``change`` (..., units), ``side`` (units,) bool.

    Equal variances with df N - 2, or Welch's. With one unit a side pooling leaves that side's spread to the other.
    """
    change, parts = np.asarray(change, dtype=float), []
    for part in (change[..., side], change[..., ~side]):
        n, mean = part.shape[-1], part.mean(axis=-1)
        parts.append((n, mean, ((part - mean[..., None]) ** 2).sum(axis=-1)))
    (n, mean, squares), (m, other, rest) = parts
    if welch:
        first, second = squares / (n - 1) / n, rest / (m - 1) / m
        with np.errstate(invalid="ignore"):  # no spread at all: df NaN
            df = (first + second) ** 2 / (first**2 / (n - 1) + second**2 / (m - 1))
        return mean - other, np.sqrt(first + second), df
    variance = (squares + rest) / (n + m - 2) * (1 / n + 1 / m)
    return mean - other, np.sqrt(variance), np.full(np.shape(mean), n + m - 2.0)


def permutation(change, side, *, seed=0) -> dict:
    """smallest_p, permutation_p, assignments: every way to deal the measure to as many units, two-sided.

    Above 200,000 ways 99,999 are drawn and the true one is added. ``change`` (units,), ``side`` (units,) bool.
    """
    change, side = np.asarray(change, dtype=float), np.asarray(side, dtype=bool)
    n, k = len(change), int(side.sum())
    ways = math.comb(n, k)
    sums = _all_sums(change, k) if ways <= EXHAUSTIVE else _drawn_sums(change, k, change[side].sum(), seed)
    off = np.abs(sums - k * change.mean())  # the difference of means is this sum, shifted and scaled
    seen = abs(change[side].sum() - k * change.mean())
    share = float((off >= seen - SAME * np.abs(change).max()).mean())
    return {"smallest_p": (2 if 2 * k == n else 1) / ways, "permutation_p": share, "assignments": len(sums)}


def _all_sums(change, k):
    """Sum of the changes of every choice of k units."""
    chosen = np.fromiter(itertools.chain.from_iterable(itertools.combinations(range(len(change)), k)), dtype=np.intp)
    return change[chosen.reshape(-1, k)].sum(axis=1)


def _drawn_sums(change, k, seen, seed):
    """The same of random choices, the true one first."""
    rng = np.random.default_rng(seed)
    blocks = [change[rng.random((min(5000, DRAWS - done), len(change))).argpartition(k, axis=1)[:, :k]].sum(axis=1)
              for done in range(0, DRAWS, 5000)]  # fmt: skip
    return np.concatenate([[seen], *blocks])


def _spreads(change, side):
    for name, part in (("spread_treated", change[side]), ("spread_compared", change[~side])):
        yield name, part.std(ddof=1)


def _slopes(before, side, confidence):
    """Difference of the slopes before the start, per period: did the groups part before the measure?"""
    steps = np.arange(before.shape[1])
    rows = before.to_numpy()
    known = ~np.isnan(rows)
    at = np.where(known, steps, np.nan)
    at = at - np.nanmean(at, axis=1, keepdims=True)
    weight = np.nansum(at**2, axis=1)
    slope = np.nansum(at * rows, axis=1) / np.where(weight > 0, weight, np.nan)
    kept = ~np.isnan(slope)
    if len(steps) < 3 or kept.sum() < 3 or not side[kept].any() or side[kept].all():
        return "pre_trend", np.nan, np.nan, np.nan
    return "pre_trend", *_limits(*contrast(slope[kept], side[kept]), confidence)


def _limits(value, se, df, confidence) -> tuple[float, float, float]:
    half = samples.t_value(1 - confidence, df) * se
    return float(value), float(value - half), float(value + half)


def _leave_one(change, side):
    """Range of the estimate when any one unit is left out; NaN where that leaves a side empty."""
    change, found = change.to_numpy(), []
    for i in range(len(change)):
        rest = np.arange(len(change)) != i
        if side[rest].any() and not side[rest].all():
            found.append(change[rest & side].mean() - change[rest & ~side].mean())
    for name, reach in (("leave_one_low", min), ("leave_one_high", max)):
        yield name, reach(found, default=np.nan), np.nan, np.nan


def _path(table, before, side, confidence, welch) -> pd.DataFrame:
    """Mean of the treated by period, and what it would have been had they moved like the others since before."""
    moved, observed = table.sub(before, axis=0).to_numpy().T, table[side].mean().to_numpy()
    present, gap, half = ~np.isnan(moved), np.full(len(moved), np.nan), np.full(len(moved), np.nan)
    for known in np.unique(present, axis=0):
        if (known & side).any() and (known & ~side).any() and known.sum() > 2:
            own = (present == known).all(axis=1)
            gap[own], se, df = contrast(moved[np.ix_(own, known)], side[known], welch=welch)
            half[own] = samples.t_value(1 - confidence, df) * se
    expected = observed - gap
    return pd.DataFrame({"time": table.columns, "observed": observed, "expected": expected, "low": expected - half,
                         "high": expected + half})  # fmt: skip


def _effect(result, path, before, after, side, confidence, details, cautions) -> Effect:
    effect, low, high = _limits(*result, confidence)
    level = path.loc[path["time"].isin(after.columns), "expected"].mean()
    share = [float(100 * part / level) if level > 0 else np.nan for part in (effect, low, high)]
    return Effect(
        design="unit_differences",
        estimand="att",
        effect=effect,
        se=float(result[1]),
        df=float(result[2]),
        low=low,
        high=high,
        p_value=_p_value(*result),
        percent=share[0],
        percent_low=share[1],
        percent_high=share[2],
        n_before=before.shape[1],
        n_after=after.shape[1],
        treated=int(side.sum()),
        compared=int((~side).sum()),
        confidence=confidence,
        path=path,
        details=details,
        cautions=cautions,
    )


def _p_value(value, se, df) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(value / se)))


def _cautions(details, side, confidence) -> tuple[str, ...]:
    said = details.set_index("name")["estimate"]
    ratio = (said["spread_treated"] / said["spread_compared"]) ** 2 if said["spread_compared"] > 0 else np.nan
    found = {
        "one_treated": side.sum() == 1,
        "permutation_powerless": said["smallest_p"] > 1 - confidence,
        "uneven_spread": ratio > 4 or ratio < 0.25,
        "missing_cells": said["missing_cells"] > 0,
        "units_left_out": said["units_left_out"] > 0,
    }
    return tuple(name for name, holds in found.items() if holds)


def controlled_series(panel, *, unit, time, value, treated, start, fit, compared=None, confidence=0.95, **options):
    """Treated units against one to five comparison series, period by period, through an engine for one series.

    The series fitted is mean of the treated minus mean of the comparison units, so what moves both is taken out one
    for one. ``fit(y, start, confidence=..., **options) -> Effect`` is the engine, as
    ``interrupted_time_series.estimate``: y (periods,), start an index. The Effect returned is the engine's, with the
    units counted, path and percent on the scale of the treated, and its own cautions. A period in which any unit is
    missing is missing. Raises MethodRefused: difference_in_differences.too_many_series (above 5: ``compare``),
    unit_panel.*, samples.*, and those of the engine.
    """
    table = unit_panel.wide(panel, unit=unit, time=time, value=value)
    table, side = unit_panel.sides(table, treated, compared)
    before, after = unit_panel.phases(table, start)
    if (~side).sum() > MOST_SERIES:
        raise MethodRefused("difference_in_differences.too_many_series", series=int((~side).sum()), most=MOST_SERIES)
    own, others = table[side].mean(axis=0, skipna=False), table[~side].mean(axis=0, skipna=False)
    found = fit((own - others).to_numpy(), before.shape[1], confidence=confidence, **options)
    path = found.path.assign(time=table.columns)
    path[["observed", "expected", "low", "high"]] += others.to_numpy()[:, None]
    level = path.loc[path["time"].isin(after.columns), "expected"].mean()
    share = [float(100 * part / level) if level > 0 else np.nan for part in (found.effect, found.low, found.high)]
    return replace(
        found, path=path, percent=share[0], percent_low=share[1], percent_high=share[2],
        treated=int(side.sum()), compared=int((~side).sum()),
    )  # fmt: skip


def repeated_rows(rows, *, unit, time, value, treated, start, confidence=0.95) -> Effect:
    """Many units seen once or more before and after: their own differences, unequal variances, attrition counted.

    Arguments as ``compare``. ``effect`` compares units seen on both sides of the start (Welch). ``details``:
    unpaired (difference of the four means over all rows with ordinary least-squares limits), attrition_treated,
    attrition_compared (share of units not seen on both sides), attrition_p (Fisher's exact test of the two). cautions:
    attrition (above 10 %), uneven_attrition. Raises MethodRefused as ``compare``, .too_few_pairs (under 2 a side).
    Checked against Card & Krueger (1994) Table 3, row 4: 2.75 (SE 1.34).
    """
    table = unit_panel.wide(rows, unit=unit, time=time, value=value)
    ids = set(rows[unit].dropna())
    table, side = unit_panel.sides(table.reindex(sorted(ids)), treated)
    before, after = unit_panel.phases(table, start)
    found = _changes(before, after, side)
    kept = found["change"].notna().to_numpy()
    pairs = {"treated": int((kept & side).sum()), "others": int((kept & ~side).sum())}
    if min(pairs.values()) < 2:
        raise MethodRefused("difference_in_differences.too_few_pairs", **pairs)
    result = contrast(found.loc[kept, "change"].to_numpy(), side[kept], welch=True)
    if not result[1] > ROUNDING * found["change"].abs().max():
        raise MethodRefused("difference_in_differences.no_spread", units=int(kept.sum()))
    lost = _attrition(kept, side)
    details = pd.DataFrame([_unpaired(before, after, side, confidence), *lost], columns=DETAILS)
    path = _path(table[kept], found.loc[kept, "before"], side[kept], confidence, True)
    shares, p = [row[1] for row in lost[:2]], lost[2][1]
    cautions = {"attrition": max(shares) > ATTRITION, "uneven_attrition": p < 1 - confidence}
    cautions = tuple(name for name, holds in cautions.items() if holds)
    return _effect(result, path, before, after, side[kept], confidence, details, cautions)


def _attrition(kept, side):
    from scipy.stats import fisher_exact

    counts = [[int((side & kept).sum()), int((side & ~kept).sum())],
              [int((~side & kept).sum()), int((~side & ~kept).sum())]]  # fmt: skip
    names = ("attrition_treated", "attrition_compared")
    rows = [(name, gone / (here + gone), np.nan, np.nan) for name, (here, gone) in zip(names, counts, strict=True)]
    return [*rows, ("attrition_p", float(fisher_exact(counts)[1]), np.nan, np.nan)]


def _unpaired(before, after, side, confidence):
    """Difference of the four means, every row its own, one variance for all."""
    cells = [block.to_numpy()[part] for part in (side, ~side) for block in (after, before)]
    cells = [cell[~np.isnan(cell)] for cell in cells]
    effect = float(np.dot([1, -1, -1, 1], [cell.mean() for cell in cells]))
    df = sum(map(len, cells)) - 4
    variance = sum(((cell - cell.mean()) ** 2).sum() for cell in cells) / df
    return "unpaired", *_limits(effect, np.sqrt(variance * sum(1 / len(cell) for cell in cells)), df, confidence)
