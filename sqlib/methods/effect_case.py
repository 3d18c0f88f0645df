"""One measure on one indicator, ready to be judged: the grid of periods, units with and without it, what is known.

Nothing is estimated here. Whatever speaks against an estimate is kept as a fact, so that ``admissibility`` decides in
one place and by name.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from sqlib import value_periods
from sqlib.methods.interruption import MOST_PERIODS

SEASON = {"week": 52, "month": 12, "quarter": 4}  # periods a year
YEAR = SEASON | {"half": 2, "year": 1}
TRIGGER = {"week": 13, "month": 3, "quarter": 1}  # periods before the start a bad spell is thought to last: a quarter
APART = 4  # periods: two measures that begin closer together cannot be told apart
FRESH = 4  # periods: a definition newer than this before the start has no past of its own
NEVER_NEGATIVE = ("proportion", "count", "rate", "duration")
COUNTED = {"count": "poisson", "rate": "poisson", "proportion": "binomial"}
ROUNDED = 0.05  # share by which a rate as reported may miss numerator over denominator
NEAR = 3.0  # times the values within which a baseline stands on their scale
FLAT = 1e-12  # share of the values below which a spread is rounding
WORST = 2  # periods before the start that are held against all others before


@dataclass(frozen=True)
class Case:
    """``table`` (units, periods): values on the regular grid 0..n-1, NaN = missing, trigger periods and those of an
    older definition blanked (``seen`` keeps them; ``valid``: first period under the present definition); ``starts``,
    ``ends``: first and last days of the periods; ``start``: first period under the measure, ``ramp``: periods until it
    was in full; ``treated``, ``compared``: units; ``cohorts``: unit -> first period under this measure or one it was
    copied from or to; ``counts``, ``sizes``: numerators and denominators of the treated, or None; ``family``: their
    model; ``factor``: values are this many times the count, or the count over the size; ``calendar``: calendar columns,
    ``others_steps``: 1 while another measure ran on the treated, or None; ``season``: periods a year, None where none
    is fitted, ``joint``: told from both sides of the start; ``sign``: +1 where up is good, -1 where down is.
    ``facts``: what the rules of ``admissibility`` ask for."""

    measure_id: str
    indicator_id: str
    primary: bool
    facts: dict = field(default_factory=dict)
    unit: str | None = None
    frequency: str = ""
    sign: float = np.nan
    table: pd.DataFrame | None = None
    seen: pd.DataFrame | None = None
    starts: pd.Series | None = None
    ends: pd.Series | None = None
    start: int = 0
    ramp: int = 0
    treated: tuple = ()
    compared: tuple = ()
    cohorts: dict = field(default_factory=dict)
    counts: np.ndarray | None = None
    sizes: np.ndarray | None = None
    family: str = ""
    factor: float = 1.0
    calendar: pd.DataFrame | None = None
    others_steps: pd.DataFrame | None = None
    trend: bool = True
    season: int | None = None
    joint: bool = False
    valid: int = 0
    worth: float = np.nan
    goal: float = np.nan

    @property
    def y(self) -> np.ndarray:
        """Mean of the treated units, one value a period; NaN where one of them is missing."""
        return self.table.loc[list(self.treated)].mean(axis=0, skipna=False).to_numpy()

    @property
    def others(self) -> np.ndarray:
        """Mean of the comparison units, one value a period."""
        return self.table.loc[list(self.compared)].mean(axis=0, skipna=False).to_numpy()

    @property
    def holes(self) -> bool:
        """Does a treated unit lack a value under the present definition?"""
        return bool(self.seen.loc[list(self.treated)].iloc[:, self.valid :].isna().any(axis=None))

    @property
    def terms(self) -> pd.DataFrame | None:
        """Calendar columns and the steps of other measures together; None without any."""
        parts = [part for part in (self.calendar, self.others_steps) if part is not None]
        return pd.concat(parts, axis=1) if parts else None

    @property
    def panel(self) -> pd.DataFrame:
        """unit, time, value: the units that take part, one row a cell."""
        rows = self.table.loc[[*self.treated, *self.compared]]
        return rows.rename_axis(index="unit", columns="time").stack().rename("value").reset_index()


def prepare(measure, indicators, series, measures, *, primary=True, indicator_id=None, as_of=None, worth=None,
            calendar=None, no_trend=(), no_season=(), chosen_after=()) -> Case:  # fmt: skip
    """The case of one row of ``measures`` on its indicator (or ``indicator_id``); arguments as ``effects.evaluate``."""
    name = measure["indicator_id"] if indicator_id is None else indicator_id
    facts = {"no_indicator": pd.isna(name), "no_start": pd.isna(measure["start_on"])}
    base = {"measure_id": measure["measure_id"], "indicator_id": "" if pd.isna(name) else name, "primary": primary}
    facts["not_started"] = measure.get("status") == "planned" or bool(measure["start_on"] > as_of)
    facts["not_in_full"] = pd.notna(measure.get("full_on")) and bool(measure["full_on"] > as_of)
    facts["fidelity"] = float(measure["fidelity"]) if pd.notna(measure.get("fidelity")) else np.nan
    facts["chosen_after"] = measure["measure_id"] in set(chosen_after)
    trigger = measure.get("trigger")
    facts["bad_trigger"], facts["planned"] = trigger == "after_bad_period", trigger in ("planned", "mandated")
    facts["unexplained"] = not (facts["bad_trigger"] or facts["planned"])
    if facts["no_indicator"] or facts["no_start"]:
        return Case(**base, facts=facts)
    defined = indicators[indicators["indicator_id"] == name]
    rows = series[(series["indicator_id"] == name) & ~(series["period_end"] > as_of)]
    facts |= {"unknown_indicator": defined.empty, "no_values": not rows["value"].notna().any()}
    if facts["unknown_indicator"]:
        return Case(**base, facts=facts)
    defined = defined.iloc[0]
    base |= {"unit": defined["unit"], "sign": {"up": 1.0, "down": -1.0}.get(defined["direction"], np.nan)}
    if facts["no_values"]:
        return Case(**base, facts=facts)
    facts["no_direction"] = defined["direction"] not in ("up", "down")
    facts["irregular"] = _irregular(rows)
    frequency = next(iter(rows["frequency"].mode()), "")
    rows = rows[rows["frequency"] == frequency]
    if pd.notna(measure.get("end_on")):
        rows = rows[rows["period_start"] <= measure["end_on"]]
    facts |= _faults(rows, defined)
    base |= {"facts": facts, "frequency": frequency,
             "goal": _promised(measure, defined, rows) if primary else np.nan,
             "worth": float((worth or {}).get(name, np.nan)), "trend": name not in set(no_trend)}  # fmt: skip
    if facts["duplicates"] or facts["irregular"] or facts["too_many_points"] or facts["start_outside"]:
        return Case(**base)
    return _placed(base, measure, defined, rows, measures, calendar, name in set(no_season))


def _promised(measure, defined, rows) -> float:
    """Change promised: goal less baseline, on the scale of the values."""
    baseline, goal = (float(measure.get(name, np.nan)) for name in ("baseline", "goal"))
    share = defined.get("data_type") == "proportion"
    return (goal - baseline) * (_times(baseline, rows["value"].abs().median()) if share else 1.0)


def _times(baseline, level) -> float:
    """A share may be promised in percent and measured as a fraction, or the other way round: 1, 0.01 or 100."""
    if not (baseline > 0 and level > 0):
        return 1.0
    return next((times for times in (0.01, 100.0) if 1 / NEAR < baseline * times / level < NEAR), 1.0)


def listed(text) -> list[str]:
    """Units of a list written with ; or , or an enumeration comma."""
    return [] if pd.isna(text) else [part.strip() for part in re.split("[;,\uff1b\uff0c\u3001]", text) if part.strip()]


def _irregular(rows) -> bool:
    """Is a period no week, month, quarter, half or year of one grid, or are two rows of a unit within one of it?"""
    kind, told = value_periods.kinds(rows), rows[[*value_periods.BOUNDS, "frequency"]]
    if told.isna().any(axis=None) or kind.isna().any() or value_periods.irregular(rows).any():
        return True
    at = rows.assign(at=value_periods.place(rows["period_start"], kind), kind=kind)
    twice = at.duplicated(["unit_id", "kind", "at"]) & ~at.duplicated(["unit_id", "kind", "period_start"])
    return bool(twice.any())


def _faults(rows, defined) -> dict[str, bool]:
    kind = str(defined.get("data_type"))
    return {
        "kind": kind,
        "start_outside": rows.empty,
        "duplicates": bool(rows.duplicated(["unit_id", "period_start"]).any()),
        "negative": bool(kind in NEVER_NEGATIVE and (rows["value"] < 0).any()),
        "constant": rows["value"].nunique() < 2,
        "too_many_points": not rows.empty and _reach(rows) > MOST_PERIODS,
    }


def _reach(rows) -> int:
    """Periods of the grid from the first to the last, holes included."""
    days = (rows["period_start"].max() - rows["period_start"].min()).days
    return round(days / 365.25 * YEAR[rows["frequency"].iloc[0]]) + 1


def _placed(base, measure, defined, rows, measures, calendar, seasonless) -> Case:
    place = value_periods.place(rows["period_start"], rows["frequency"])
    rows = rows.assign(at=(place - place.min()).astype(int))
    seen = rows.pivot(index="unit_id", columns="at", values="value").reindex(columns=range(rows["at"].max() + 1))
    seen = seen[seen.notna().any(axis=1)]
    starts, ends = _bounds(rows, base["frequency"])
    facts, start = base["facts"], _period_of(measure["start_on"], starts, ends)
    treated, compared, cohorts, others = _sides(measure, base["indicator_id"], measures, seen.index, starts, ends)
    facts |= others | {"start_outside": start is None or start == 0, "diluted": treated is None}
    start, treated = start or 0, treated or tuple(seen.index)
    full = _period_of(measure.get("full_on"), starts, ends) if pd.notna(measure.get("full_on")) else start
    ramp = max((len(starts) if full is None else full) - start + 1, 1) if full != start else 0
    valid, changed = _definition(defined.get("definition_changed_on"), starts, ends, start)
    facts |= changed
    steps = _steps(measure, base["indicator_id"], measures, treated, seen.index, starts, ends)
    case = Case(**base, seen=seen, starts=starts, ends=ends, start=start, ramp=ramp, treated=treated, compared=compared,
                cohorts=cohorts, valid=valid, calendar=_calendar(calendar, starts, ends),
                others_steps=steps)  # fmt: skip
    case = replace(case, table=_blanked(case))
    case = _varying(replace(case, **_counted(rows, case, facts["kind"])))
    case = case if seasonless else replace(case, **_season(case))
    facts |= _periods(case, seasonless)
    if measure["start_on"] > ends.iloc[-1]:  # all that is known was before
        facts |= {"before": facts["before"] + facts["after"], "after": 0}
    return case


def _blanked(case) -> pd.DataFrame:
    """What was seen, less what another definition measured and, of the treated, the spell that set the measure off."""
    table = case.seen.copy()
    table.iloc[:, : case.valid] = np.nan
    if case.facts["bad_trigger"]:
        spell = range(max(case.start - TRIGGER.get(case.frequency, 1), 0), case.start)
        table.loc[list(case.treated), spell] = np.nan
    return table


def _definition(changed, starts, ends, start) -> tuple[int, dict[str, bool]]:
    """First period wholly under the present definition, and whether it is too new, or only shortens the past."""
    if pd.isna(changed) or not starts.iloc[0] < changed <= ends.iloc[-1]:
        return 0, {}
    if changed >= starts.iloc[max(start - FRESH, 0)]:
        return 0, {"definition_changed": True}
    return int(starts.searchsorted(changed)), {"cut_at_definition": True}


def _known(case) -> np.ndarray:
    """Periods in which every treated unit has a value that counts."""
    return case.table.loc[list(case.treated)].notna().all(axis=0).to_numpy()


def _varying(case) -> Case:
    """Calendar columns and steps that differ within the periods that count, each once."""
    known = _known(case)
    kept = {}
    for name in ("calendar", "others_steps"):
        columns = getattr(case, name)
        if columns is not None:
            columns = columns.loc[:, columns[known].nunique() > 1]
            columns = columns.loc[:, ~columns.T.duplicated()]
        kept[name] = None if columns is None or columns.empty else columns
    return replace(case, **kept)


def _bounds(rows, frequency):
    """First and last day of every period of the grid, holes included."""
    own = rows.drop_duplicates("at").sort_values("at")
    grid, first = range(own["at"].max() + 1), own["period_start"].iloc[0]
    step = pd.DateOffset(days=7) if frequency == "week" else pd.DateOffset(months=value_periods.LENGTH[frequency])
    starts = pd.Series([first + k * step for k in grid])
    return starts, pd.Series([first + (k + 1) * step - pd.Timedelta(days=1) for k in grid])


def _period_of(day, starts, ends):
    """Index of the period that holds the day; None outside the grid."""
    at = np.flatnonzero((starts <= day) & (day <= ends))
    return int(at[0]) if len(at) else None


def _sides(measure, name, measures, units, starts, ends):
    """Treated and comparison units, first period of every unit of the same roll-out, and what other measures do."""
    own, named = listed(measure.get("units")), listed(measure.get("comparison_units"))
    single = list(units) == [""]
    everywhere = not own or single
    treated = tuple(units) if everywhere else tuple(unit for unit in own if unit in units)
    rivals = measures[(measures["indicator_id"] == name) & (measures["measure_id"] != measure["measure_id"])]
    rivals = rivals[rivals["start_on"].notna() & (rivals["status"] != "planned")]
    waves = rivals[_same_rollout(measure, rivals)]
    cohorts, touched, facts = {unit: _period_of(measure["start_on"], starts, ends) for unit in treated}, set(), {}
    gaps, own_start = [], _period_of(measure["start_on"], starts, ends) or 0
    for _, rival in rivals.iterrows():
        at = _period_of(rival["start_on"], starts, ends)
        theirs = set(listed(rival.get("units"))) & set(units) or set(units)
        if at is None:
            continue
        touched |= theirs
        if rival["measure_id"] in set(waves["measure_id"]):
            cohorts |= {unit: at for unit in theirs}
        if theirs & set(treated):
            gaps.append(at - own_start)
    facts["inseparable"] = any(abs(gap) < APART for gap in gaps)
    facts["others_ran"] = bool(gaps)
    facts["concurrent"] = any(gap >= -_a_year(starts) for gap in gaps)
    facts["both_sides"] = bool(set(own) & set(named))
    pool = named or ([] if everywhere else [unit for unit in units if unit not in own])
    facts["unknown_units"] = bool(not single and set(own + named) - set(units))
    compared = tuple(unit for unit in pool if unit in units and unit not in touched and unit not in treated)
    return (None if single and own else treated), compared, cohorts, facts


def _a_year(starts) -> int:
    """Periods a year of the grid."""
    return max(round(365.25 / (starts.diff().dt.days.median())), 1) if len(starts) > 1 else 1


def _steps(measure, name, measures, treated, units, starts, ends) -> pd.DataFrame | None:
    """One column a measure that ran on the treated too, begun at least ``APART`` periods apart: 1 while it ran."""
    others = measures[(measures["indicator_id"] == name) & (measures["measure_id"] != measure["measure_id"])]
    others = others[others["start_on"].notna() & (others["status"] != "planned")]
    columns = {}
    for _, other in others.iterrows():
        reached = set(listed(other.get("units"))) & set(units) or set(units)
        if reached & set(treated):
            last = other["end_on"] if pd.notna(other.get("end_on")) else starts.iloc[-1]
            running = (ends >= other["start_on"]) & (starts <= last)
            columns[f"other:{other['measure_id']}"] = running.astype(float)
    return pd.DataFrame(columns) if columns else None


def _same_rollout(measure, rivals):
    """The measure copied from, copies of it, and copies of the same one."""
    source = measure.get("replicated_from")
    root = measure["measure_id"] if pd.isna(source) else source
    return (rivals["measure_id"] == root) | (rivals["replicated_from"] == root)


def _calendar(calendar, starts, ends):
    return None if calendar is None else calendar(starts, ends).astype(float)


def _counted(rows, case, kind) -> dict:
    """Numerators and denominators of the treated together, where they make up the values; counts are their values."""
    own, n, units = rows[rows["unit_id"].isin(case.treated)], len(case.starts), len(case.treated)
    names = ["value", "numerator", "denominator"]
    sums = own.groupby("at")[names].sum(min_count=units).reindex(range(n))
    sums.loc[~_known(case)] = np.nan
    if kind == "count":
        return _whole(sums["value"]) | {"family": COUNTED[kind], "factor": 1 / max(units, 1)}
    if kind not in COUNTED or (kind == "proportion" and (sums["denominator"] < sums["numerator"]).any()):
        return {}
    factor = _factor(own)
    found = {} if np.isnan(factor) else _whole(sums["numerator"])
    return found and found | {"sizes": sums["denominator"].to_numpy(), "family": COUNTED[kind], "factor": factor}


def _whole(counts) -> dict:
    """Counts where all are whole numbers."""
    known = counts.dropna()
    return {"counts": counts.to_numpy()} if len(known) and (known % 1 == 0).all() else {}


def _factor(rows) -> float:
    """What numerator over denominator is multiplied by to give the value (1, 100, 10,000); NaN where it is not that."""
    happened = rows[(rows["numerator"] > 0) & (rows["denominator"] > 0) & rows["value"].notna()]
    ratio = happened["value"] * happened["denominator"] / happened["numerator"]
    if ratio.empty or not ratio.median() > 0:
        return np.nan
    power = 10.0 ** round(np.log10(ratio.median()))
    factor = power if abs(ratio.median() / power - 1) < ROUNDED else ratio.median()
    return float(factor) if ((ratio / factor - 1).abs() <= ROUNDED).mean() >= 0.9 else np.nan


def _season(case) -> dict:
    """Periods a year where two whole years lie before the start, or one there and two in all: told from both sides."""
    season, (early, whole) = SEASON.get(case.frequency), _spans(case)
    if not season or early < season or whole < 2 * season:
        return {}
    return {"season": season, "joint": early < 2 * season}


def _spans(case) -> tuple[int, int]:
    """Periods from the first value to the last before the start, and to the last of all."""
    known = np.flatnonzero(_known(case))
    parts = known[known < case.start], known
    return tuple(int(part[-1] - part[0] + 1) if len(part) else 0 for part in parts)


def _periods(case, seasonless) -> dict:
    """How many periods have a value on both sides, and what they look like."""
    known, season = _known(case), SEASON.get(case.frequency)
    wash, (early, whole) = case.ramp if case.compared else 0, _spans(case)
    unknown = bool(season and not case.season and not seasonless)
    return {
        "before": int(known[: case.start].sum()),
        "after": int(known[case.start + wash :].sum()),
        "treated": len(case.treated),
        "compared": len(case.compared),
        "cohort": min(pd.Series(case.cohorts).value_counts(), default=0),
        "cohorts": len(set(case.cohorts.values())),
        "season_unknown": unknown,
        "season_wait": (2 * season - whole if early >= season else np.inf) if unknown else 0,
        "season_from_both_sides": case.joint,
        "constant": case.facts["constant"] or _flat(case.y[: case.start]),
        "worst_before": _worst(case),
        "mean_count": float(np.nanmean(case.counts))
        if case.family == "poisson" and case.counts is not None
        else np.nan,
        "counted": case.counts is not None,
    }


def _flat(before) -> bool:
    """Do the treated never change before the start? Then there is no noise to judge a change by."""
    known = before[~np.isnan(before)]
    return len(known) > 1 and bool(np.ptp(known) <= FLAT * np.abs(known).max())


def _worst(case) -> bool:
    """Were the last periods before the start the worst two in a row of all before?"""
    seen = case.seen.loc[list(case.treated)].mean(axis=0).to_numpy()
    before = pd.Series(case.sign * seen[case.valid : case.start])
    pairs = before.rolling(WORST).mean().dropna()
    return len(pairs) >= 8 and bool(pairs.iloc[-1] <= pairs.min())
