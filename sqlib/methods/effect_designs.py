"""One design on one case, its second opinion, and what it would be from another date: adapters to the engines."""

from dataclasses import replace

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import (
    counterfactual,
    difference_in_differences,
    interrupted_time_series,
    interruption,
    power,
    staggered,
    synthetic_control,
)
from sqlib.methods.effect import Effect
from sqlib.methods.samples import t_value

TARGET = 0.8  # power of the smallest detectable effect
MOST = {"week": 156, "month": 60, "quarter": 20}  # periods after within which a measure might still be settled


def estimate(design: str, case, *, confidence=0.95, seed=0) -> Effect:
    """The Effect of ``case`` (``effect_case.Case``) by one of ``admissibility.ALL``; raises what the engine refuses."""
    return _ENGINES[design](case, confidence, seed)


def second(design: str, case, *, donors=False, confidence=0.95, seed=0) -> Effect:
    """Another method for the same question: imputation for staggered starts, synthetic control for a comparison of
    units that has the ``donors``, else a forecast from before the start, the comparison units as its control."""
    if design == "staggered":
        return staggered.estimate(_starting(case), **_columns(), first="first", confidence=confidence,
                                  seed=seed).imputation  # fmt: skip
    if design == "unit_differences" and donors:
        try:
            return _synthetic(case, confidence, seed)
        except MethodRefused:
            pass  # periods are missing: the forecast bears that
    y = _until_another(case)
    if case.compared:
        steps = varying(case.others_steps, ~np.isnan(y) & _before(case))
        controls = np.column_stack([case.others, *([] if steps is None else [steps])])
        return counterfactual.estimate(y, case.start, controls=controls, wash_in=case.ramp, confidence=confidence)
    controls = varying(waves(case) if case.joint else case.terms, ~np.isnan(y) & _before(case))
    return counterfactual.estimate(y, case.start, controls=controls, season=None if case.joint else case.season,
                                   wash_in=case.ramp, confidence=confidence)  # fmt: skip


def varying(terms: pd.DataFrame | None, known) -> pd.DataFrame | None:
    """The columns that differ within the periods ``known`` (bool); None without any."""
    if terms is None:
        return None
    kept = terms.loc[:, terms[known].nunique() > 1]
    return kept if len(kept.columns) else None


def _before(case) -> np.ndarray:
    return np.arange(len(case.starts)) < case.start


def _until_another(case) -> np.ndarray:
    """The values up to where another measure begins after this one: a forecast cannot know what that does."""
    y = case.y
    if case.others_steps is not None:
        begun = (case.others_steps.diff().to_numpy() > 0).any(axis=1) & ~_before(case)
        y = np.where(np.cumsum(begun) > 0, np.nan, y)
    return y


def single(y, start, case, *, counts=None, confidence=0.95, **changes) -> Effect:
    """An interrupted series of ``y`` (or of ``counts``) with the trend, season and calendar terms of the case."""
    options = {"trend": case.trend, **seasonal(case)} | changes
    if counts is None:
        return interrupted_time_series.estimate(y, start, confidence=confidence, **options)
    sizes = None if case.sizes is None else case.sizes[: len(counts)]
    found = interrupted_time_series.estimate(counts, start, family=case.family, denominator=sizes,
                                             confidence=confidence, **options)  # fmt: skip
    return _scaled(found, case.factor)


def seasonal(case) -> dict:
    """Season, calendar terms and the steps of other measures: what a series of the case is fitted with."""
    return {"season": case.season, "both_sides": case.joint, "terms": case.terms}


def difference(case) -> np.ndarray:
    """Mean of the treated less mean of the comparison units, one value a period."""
    return case.y - case.others


def shape(case, y, start) -> dict:
    """A ramp is tested as a ramp: where it lasts two periods or more and is over within the data."""
    if case.ramp >= 2 and case.ramp <= len(y) - start:
        return {"shape": "ramp", "ramp": case.ramp}
    return {}


def waves(case) -> pd.DataFrame | None:
    """Season and calendar of the case as columns, for fits from other dates of the same series."""
    parts = [] if case.terms is None else [case.terms.reset_index(drop=True)]
    if case.season:
        whole = interruption.design(len(case.starts), case.start, season=case.season, both_sides=case.joint)
        parts.append(pd.DataFrame({name: whole.matrix[:, k] for k, name in enumerate(whole.names)
                                   if name.startswith(("cosine", "sine"))}))  # fmt: skip
    return pd.concat(parts, axis=1) if parts else None


def detectable(effect: Effect) -> float:
    """Smallest effect found in four samples of five with the interval this effect has."""
    half = t_value(1 - effect.confidence, effect.df) + t_value(2 * (1 - TARGET), effect.df)
    return float(effect.se * half)


def needed(design: str, case, goal: float, *, confidence=0.95, seed=0) -> float:
    """Periods after the start until an effect of ``goal`` would be found in four samples of five; inf: never."""
    most = MOST.get(case.frequency, 20)
    if design in ("its", "its_counts"):
        before = cleared(case)[: case.start]
        season = None if case.joint else case.season
        options = {"trend": case.trend, "season": season} | shape(case, np.empty(case.start + most), case.start)
        return power.periods_needed(before, goal, most=most, confidence=confidence, draws=100, seed=seed, **options)
    if design == "controlled":
        before = difference(case)[: case.start]
        return power.periods_needed(before, goal, most=most, confidence=confidence, draws=100, seed=seed,
                                    trend=case.trend)  # fmt: skip
    panel = case.table.loc[[*case.treated, *case.compared]].iloc[:, : case.start]
    panel = panel.dropna(axis=1, how="all").to_numpy()
    for after in range(interruption.FEWEST_AFTER, most + 1):
        if power.detectable_units(panel, after, treated=len(case.treated), confidence=confidence) <= abs(goal):
            return float(after + case.ramp)
    return np.inf


def cleared(case) -> np.ndarray:
    """The values less what other measures, and a season told from both sides, did to them (least squares)."""
    own = case if case.joint else replace(case, season=None)
    terms = waves(replace(own, calendar=None))
    if terms is None:
        return case.y
    design = interruption.design(len(case.starts), case.start, terms=terms, observed=~np.isnan(case.y))
    known = ~np.isnan(case.y)
    found = np.linalg.lstsq(design.matrix[known], case.y[known], rcond=None)[0]
    taken = np.array([name.startswith("term:") for name in design.names])
    return case.y - design.matrix[:, taken] @ found[taken]


def needed_now(effect: Effect, goal: float) -> float:
    """The same from the error the estimate has: its square goes with 1 / before + 1 / after; inf: never."""
    now = 1 / effect.n_before + 1 / effect.n_after
    spare = now * (goal / detectable(effect)) ** 2 - 1 / effect.n_before
    return np.inf if spare <= 0 else float(np.ceil(1 / spare))


def _its(case, confidence, seed):
    return single(case.y, case.start, case, confidence=confidence, **shape(case, case.y, case.start))


def _counts(case, confidence, seed):
    return single(case.y, case.start, case, counts=case.counts, confidence=confidence,
                  **shape(case, case.y, case.start))  # fmt: skip


def _scaled(found: Effect, scale: float) -> Effect:
    numbers = {name: getattr(found, name) * scale for name in ("effect", "se", "low", "high")}
    path = found.path.copy()
    path[["observed", "expected", "low", "high"]] *= scale
    return replace(found, path=path, **numbers)


def _controlled(case, confidence, seed):
    options = {"trend": case.trend, "terms": case.others_steps} | shape(case, case.y, case.start)
    return difference_in_differences.controlled_series(
        case.panel, **_columns(), treated=case.treated, compared=case.compared, start=case.start,
        fit=interrupted_time_series.estimate, confidence=confidence, **options)  # fmt: skip


def _units(case, confidence, seed):
    return difference_in_differences.estimate(
        case.panel, **_columns(), treated=case.treated, compared=case.compared, start=case.start, wash_in=case.ramp,
        confidence=confidence, seed=seed)  # fmt: skip


def _synthetic(case, confidence, seed):
    return synthetic_control.estimate(case.panel, **_columns(), treated=case.treated, compared=case.compared,
                                      start=case.start, wash_in=case.ramp, confidence=confidence)  # fmt: skip


def _staggered(case, confidence, seed):
    return staggered.estimate(_starting(case), **_columns(), first="first", second=False, confidence=confidence,
                              seed=seed).effect  # fmt: skip


def _columns() -> dict[str, str]:
    return {"unit": "unit", "time": "time", "value": "value"}


def _starting(case) -> pd.DataFrame:
    """All units of the roll-out and those never reached, with the first period under the measure."""
    units = [*dict.fromkeys([*case.cohorts, *case.compared])]
    rows = case.table.loc[units].rename_axis(index="unit", columns="time").stack().rename("value").reset_index()
    return rows.assign(first=rows["unit"].map(case.cohorts))


_ENGINES = {"its": _its, "its_counts": _counts, "controlled": _controlled, "unit_differences": _units,
            "synthetic_control": _synthetic, "staggered": _staggered}  # fmt: skip
