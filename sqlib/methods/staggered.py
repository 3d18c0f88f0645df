"""Staggered starts: one measure that reaches many units at different dates, against units it has not reached.

The plain regression on unit and period effects compares late starters with early ones already under the measure and is
biased where effects grow; group-time effects never do. Engine: ``group_time``. Second opinion: the imputation
estimator of diff-diff, which uses every period before the start and is narrower where its model of unit plus period
effects holds.

References: Callaway & Sant'Anna (2021) Journal of Econometrics 225:200; Borusyak, Jaravel & Spiess (2024) Review of
Economic Studies 91:3253 (imputation); Rambachan & Roth (2023) ibid. 90:2555 (breakdown); Goodman-Bacon (2021) Journal
of Econometrics 225:254 (bias of the plain regression). Coverage and bias: ``benchmarks/effects.py``.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import group_time, samples, unit_panel
from sqlib.methods.effect import Effect

THRESHOLDS = {"compared": 10, "treated_a_cohort": 3}  # fewest units; read by the rules of admissibility too
CONTROLS = ("never", "not_yet")
DRAWS = 999
DETAILS = ["name", "estimate", "low", "high"]


@dataclass(frozen=True)
class StaggeredResult:
    """``effect``: the estimand asked for. In the indicator's unit:

    ``cells``, one row a group (first period under the measure) and period: group, time, horizon (periods since the
    start; negative: change from the period before, 0 where groups moved alike), estimate, se, df, low, high, p_value,
    treated, compared (units). ``events``, one row a horizon: horizon, estimate, se, df, low, high, p_value, band_low,
    band_high (all horizons at once), groups, treated. ``groups``, one row a group: group, estimate .. p_value, treated.
    ``aggregates``, one row an estimand: estimand, estimate .. p_value: att_simple (mean over treated units and
    periods), att_dynamic (mean over horizons, each alike), att_group (mean over units of their own mean), att_calendar
    (mean over periods).

    ``imputation``: the second opinion as an Effect (att_simple), None where not asked for. ``pre_p``: joint p value of
    the horizons before the start, NaN without any. ``breakdown``: how many times the largest step before the start the
    groups may part between two periods after it until the interval of att_dynamic holds 0, errors of the steps taken
    in; inf above 100; NaN under two periods before.
    """

    effect: Effect
    cells: pd.DataFrame
    events: pd.DataFrame
    groups: pd.DataFrame
    aggregates: pd.DataFrame
    imputation: Effect | None
    pre_p: float
    breakdown: float


def estimate(
    panel, *, unit, time, value, first, estimand="att_simple", control="never", second=True, small_sample=True,
    confidence=0.95, draws=DRAWS, seed=0,
) -> StaggeredResult:  # fmt: skip
    """Effects of a measure with staggered starts.

    Parameters
    ----------
    panel : one row a unit and period: `unit`, `time` (sorts in time), `value`, `first` (first period under the measure,
        the same on all rows of a unit; empty or 0 = never)
    estimand : ``effect`` is att_simple | att_dynamic | att_group | att_calendar
    control : "never" treated units | those "not_yet" treated
    second : the imputation estimator too (loads diff-diff, about two seconds the first time)
    small_sample : t intervals with errors corrected for few units a group; False: the errors of the literature
    draws, seed : sign flips behind the uniform band

    A unit with a missing period, one under the measure from the first period on, and groups of fewer than 3 units are
    left out and counted. ``effect.details``: breakdown, breakdown_as_seen (without the errors of the steps), pre_p,
    two_way (the plain regression, for comparison), units_incomplete, units_always, units_small_group. cautions:
    units_left_out, pre_trend (pre_p under 1 - confidence), fragile (breakdown under .5).

    Raises MethodRefused: staggered.two_starts (a unit with two starting dates), .no_before, .small_groups,
    .all_incomplete, .too_few_compared (under 10), .unknown_estimand, .unknown_control, unit_panel.*, samples.*.
    Checked against
    diff-diff and the published output of R's did on county employment.
    """
    if estimand not in group_time.ESTIMANDS:
        raise MethodRefused("staggered.unknown_estimand", got=estimand, known=", ".join(group_time.ESTIMANDS))
    if control not in CONTROLS:
        raise MethodRefused("staggered.unknown_control", got=control, known=", ".join(CONTROLS))
    samples.require(panel, unit, time, value, first)
    starts = _starts(panel, unit, first)
    table, begun, lost = _complete(unit_panel.wide(panel, unit=unit, time=time, value=value), starts, control)
    values = table.to_numpy()
    least = THRESHOLDS["compared"]
    found = group_time.cells(values, begun, control=control, least=least)
    if not (found.horizon >= 0).any():
        raise MethodRefused("staggered.too_few_compared", compared=int((begun >= values.shape[1]).sum()), least=least)
    whole = {name: group_time.aggregate(found, name) for name in group_time.ESTIMANDS}
    rule = {"confidence": confidence, "small_sample": small_sample}
    aggregates = _rows(group_time.stacked(list(whole.values())), begun, **rule)
    aggregates.insert(0, "estimand", group_time.ESTIMANDS)
    events, pre_p = event_study(found, begun, draws=draws, seed=seed, **rule)
    options = {"control": control, "least": least} | rule
    robust, seen = group_time.breakdown(values, found, **options)
    told = {"breakdown": robust, "breakdown_as_seen": seen, "pre_p": pre_p,
            "two_way": group_time.two_way(values, begun), **lost}  # fmt: skip
    path = _path(table, begun, options)
    cautions = _cautions(told, lost, confidence)
    effect = _effect("staggered", estimand, aggregates, path, begun, confidence, told, cautions)
    other = imputation(table, begun, path, confidence) if second else None
    cells, groups = _cells(found, table.columns, rule), _groups(found, table.columns, rule)
    return StaggeredResult(effect, cells, events, groups, aggregates, other, pre_p, robust)


def _starts(panel, unit, first) -> pd.Series:
    """First period under the measure by unit; NaN = never."""
    rows = panel[[unit, first]].dropna(subset=[unit])
    rows = rows.assign(**{first: rows[first].where(rows[first] != 0)}).drop_duplicates()
    twice = rows[rows[unit].duplicated(keep=False)]
    if len(twice):
        name = twice[unit].iloc[0]
        dates = ", ".join(map(str, twice.loc[twice[unit] == name, first]))
        raise MethodRefused("staggered.two_starts", unit=name, got=dates, units=twice[unit].nunique())
    return rows.set_index(unit)[first]


def _complete(table, starts, control):
    """Units that can take part, the index of their first treated period, and how many were left out for what."""
    periods = table.shape[1]
    starts = starts.reindex(table.index)
    begun = np.full(len(table), periods)
    known = starts.notna().to_numpy()
    begun[known] = table.columns.searchsorted(starts[known].to_numpy())
    whole, always = table.notna().all(axis=1).to_numpy(), begun == 0
    size = pd.Series(begun[whole]).value_counts().reindex(begun).fillna(0).to_numpy()
    small = (size < THRESHOLDS["treated_a_cohort"]) & (begun < periods)
    kept = whole & ~always & ~small
    lost = {"units_incomplete": int((~whole).sum()), "units_always": int((whole & always).sum()),
            "units_small_group": int((whole & ~always & small).sum())}  # fmt: skip
    _require(begun[kept], periods, control, lost)
    return table[kept], begun[kept], lost


def _require(begun, periods, control, lost) -> None:
    if (begun < periods).any():
        compared = int((begun >= periods).sum())
        if control == "never" and compared < THRESHOLDS["compared"]:
            raise MethodRefused("staggered.too_few_compared", compared=compared, least=THRESHOLDS["compared"])
    elif lost["units_small_group"]:
        least = THRESHOLDS["treated_a_cohort"]
        raise MethodRefused("staggered.small_groups", units=lost["units_small_group"], least=least)
    elif lost["units_always"]:
        raise MethodRefused("staggered.no_before", units=lost["units_always"])
    elif lost["units_incomplete"]:
        raise MethodRefused("staggered.all_incomplete", units=lost["units_incomplete"])
    else:
        raise MethodRefused("unit_panel.none_treated", units=len(begun))


def _rows(parts, begun, *, confidence, small_sample) -> pd.DataFrame:
    se, df = group_time.errors(parts.influence, begun, small_sample=small_sample)
    return group_time.interval(parts.estimate, se, df, confidence)


def event_study(found, begun, *, draws=DRAWS, seed=0, confidence=0.95, small_sample=True):
    """``events`` of the result from group_time.Cells, and the joint p value of the horizons before the start."""
    horizons, parts = group_time.events(found)
    table = _rows(parts, begun, confidence=confidence, small_sample=small_sample)
    table.insert(0, "horizon", horizons)
    se = table["se"].to_numpy()
    reached = group_time.largest(parts.influence, draws=draws, seed=seed)
    half = group_time.uniform(reached, table["df"].to_numpy(), confidence) * se
    counts = pd.DataFrame({"horizon": found.horizon, "treated": [int((begun == group).sum()) for group in found.group]})
    counts = counts.groupby("horizon")["treated"].agg(["size", "sum"])
    table = table.assign(band_low=parts.estimate - half, band_high=parts.estimate + half,
                         groups=counts["size"].to_numpy(), treated=counts["sum"].to_numpy())  # fmt: skip
    early = horizons < 0
    if not early.any():
        return table, np.nan
    drawn = group_time.largest(parts.influence[:, early], draws=draws, seed=seed)
    seen = table.loc[early, "p_value"].min()
    return table, _joint(seen, drawn)


def _joint(smallest, drawn) -> float:
    """Share of draws whose largest |t| is at least as rare as the smallest p value seen."""
    from scipy.special import ndtr

    return float((1 + (2 * ndtr(-drawn) <= smallest).sum()) / (1 + len(drawn)))


def _cells(found, periods, rule) -> pd.DataFrame:
    parts = group_time.Estimates(found.estimate, found.influence)
    table = _rows(parts, found.first, **rule)
    for place, (name, codes) in enumerate((("group", found.group), ("time", found.time))):
        table.insert(place, name, periods[codes])
    table.insert(2, "horizon", found.horizon)
    return table.assign(treated=[int((found.first == group).sum()) for group in found.group], compared=found.compared)


def _groups(found, periods, rule) -> pd.DataFrame:
    groups, parts = group_time.by_group(found)
    table = _rows(parts, found.first, **rule)
    table.insert(0, "group", periods[groups])
    return table.assign(treated=[int((found.first == group).sum()) for group in groups])


def _path(table, begun, options) -> pd.DataFrame:
    """Mean of the treated by period, and what it would have been had they moved like the others."""
    confidence, small = options["confidence"], options["small_sample"]
    values = table.to_numpy()
    found = group_time.cells(values, begun, base="universal", control=options["control"], least=options["least"])
    rows = []
    for code, time in enumerate(table.columns):
        row = {"time": time, "observed": values[begun < values.shape[1], code].mean()}
        at = found.time == code
        if at.any():
            gap = _rows(group_time.weighted(found, at), begun, confidence=confidence, small_sample=small).iloc[0]
            row |= {"expected": row["observed"] - gap["estimate"], "low": row["observed"] - gap["high"],
                    "high": row["observed"] - gap["low"]}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=["time", "observed", "expected", "low", "high"])


def _cautions(told, lost, confidence) -> tuple[str, ...]:
    found = {
        "units_left_out": any(lost.values()),
        "pre_trend": told["pre_p"] < 1 - confidence,
        "fragile": told["breakdown"] < 0.5,
    }
    return tuple(name for name, holds in found.items() if holds)


def _effect(design, estimand, aggregates, path, begun, confidence, told, cautions) -> Effect:
    row = aggregates.set_index("estimand").loc[estimand]
    periods, started = len(path), begun[begun < len(path)]
    level = path["expected"].to_numpy()[started.min() :]
    level = level[~np.isnan(level)].mean()
    effect, low, high = (float(row[name]) for name in ("estimate", "low", "high"))
    percent = [float(100 * part / level) if level > 0 else np.nan for part in (effect, low, high)]
    return Effect(
        design=design,
        estimand=estimand,
        effect=effect,
        se=float(row["se"]),
        df=float(row["df"]),
        low=low,
        high=high,
        p_value=float(row["p_value"]),
        percent=percent[0],
        percent_low=percent[1],
        percent_high=percent[2],
        n_before=int(started.min()),
        n_after=int(periods - started.min()),
        treated=len(started),
        compared=int((begun >= periods).sum()),
        confidence=confidence,
        path=path,
        details=pd.DataFrame([(name, float(number), np.nan, np.nan) for name, number in told.items()], columns=DETAILS),
        cautions=cautions,
    )


def imputation(table, begun, path, confidence) -> Effect:
    """The second opinion: unit and period effects fitted to untreated cells, the rest imputed (diff-diff).

    ``table`` units by periods, complete; ``begun`` (units,) index of the first treated period; ``path`` as in Effect.
    Errors are the leave-one-out ones of the authors, t with treated units less one.
    """
    from diff_diff import ImputationDiD

    periods = table.shape[1]
    long = pd.DataFrame({
        "unit": np.repeat(np.arange(len(table)), periods),
        "time": np.tile(np.arange(periods), len(table)),
        "value": table.to_numpy().ravel(),
        "first": np.repeat(np.where(begun < periods, begun, 0), periods),
    })  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = ImputationDiD(leave_one_out=True).fit(
            long, outcome="value", unit="unit", time="time", first_treat="first"
        )
    df = np.array([(begun < periods).sum() - 1.0])
    row = group_time.interval(np.array([fit.overall_att]), np.array([fit.overall_se]), df, confidence)
    row.insert(0, "estimand", "att_simple")
    return _effect("imputation", "att_simple", row, path, begun, confidence, {}, ())
