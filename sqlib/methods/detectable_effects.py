"""Before the next measures start: the smallest effect that half a year and a year of each indicator would show.

What the client's own figures did so far stands for what they do before the next measure (``power``): measured on the
whole firm as an interrupted series, and where there are six units or more also with half of them left without it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import power
from sqlib.methods.admissibility import FEWEST_UNITS
from sqlib.methods.effect_case import SEASON, YEAR
from sqlib.methods.effect_designs import MOST
from sqlib.methods.interruption import FEWEST_BEFORE

DRAWS = 100
COLUMNS = [
    "indicator_id", "unit", "frequency", "design", "periods", "level", "worth_having", "half_year", "year",
    "half_year_share", "year_share", "needed", "months_needed", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class DetectableResult:
    """``table``, one row an indicator and design, columns ``COLUMNS``: periods there are, level (mean of last year),
    worth_having (NaN where none is declared), half_year and year: smallest effect found in four samples of five after
    so long, and as a share of the level; needed periods (months_needed) until an effect worth having is found, inf:
    never. ``verdict``: in_time (within a year) | late | out_of_reach | no_goal | too_short (under 8 periods)."""

    table: pd.DataFrame
    confidence: float
    cautions: tuple[str, ...]

    @property
    def drawn(self) -> bool:
        """Is there an effect as a share of its level?"""
        return bool(self.table["year_share"].notna().any())


def detectable_effects(series, measures=None, *, worth=None, no_trend=(), confidence=0.95, seed=0) -> DetectableResult:
    """Every indicator that has a regular series of weeks, months or quarters.

    series : ``indicator_values.series`` with its indicators; measures : the register: what began on an indicator so far
    is taken out as a step, so that it is no noise (None: nothing); worth : indicator -> least change worth having;
    no_trend : indicators declared to have no trend of their own

    Raises MethodRefused: ``detectable_effects.nothing`` (no regular series).
    """
    rows = series[series["frequency"].isin(SEASON) & series["value"].notna()]
    if rows.empty:
        raise MethodRefused("detectable_effects.nothing", rows=len(series))
    found = []
    for name, own in rows.groupby("indicator_id", sort=False):
        own = own[own["frequency"] == own["frequency"].value_counts().idxmax()]
        goal = float((worth or {}).get(name, np.nan))
        options = {"confidence": confidence, "seed": seed, "trend": name not in set(no_trend)}
        found += list(_designs(name, own, _begun(name, own, measures), goal, options))
    return DetectableResult(pd.DataFrame(found, columns=COLUMNS), confidence, ())


def _begun(name, own, measures) -> list[int]:
    """Times of the series at which a measure on the indicator had begun, each once."""
    if measures is None:
        return []
    begun = measures.loc[(measures["indicator_id"] == name) & measures["status"].ne("planned"), "start_on"].dropna()
    firsts = own.drop_duplicates("time").set_index("time")["period_start"]
    later = (firsts[firsts >= day].index.min() for day in begun)
    return sorted({int(time) for time in later if pd.notna(time) and time > firsts.index.min()})


def _levelled(panel: pd.DataFrame, begun: list[int]) -> pd.DataFrame:
    """Every unit's series less the steps at those times, by least squares beside a level and a trend."""
    time = panel.columns.to_numpy(dtype=float)
    steps = np.column_stack([(time >= at).astype(float) for at in begun]) if begun else np.empty((len(time), 0))
    design = np.column_stack([np.ones(len(time)), time - time.mean(), steps])
    rows = panel.to_numpy(dtype=float).copy()
    for row in rows:
        known = np.isfinite(row)
        if known.sum() > design.shape[1]:
            row -= steps @ np.linalg.lstsq(design[known], row[known], rcond=None)[0][2:]
    return pd.DataFrame(rows, index=panel.index, columns=panel.columns)


def _designs(name, own, begun, goal, options):
    """The firm as a series and, of six units or more, half of them against the other half."""
    frequency = own["frequency"].iloc[0]
    panel = own.pivot_table(index="unit_id", columns="time", values="value")
    panel = panel.reindex(columns=range(int(panel.columns.min()), int(panel.columns.max()) + 1))
    level, panel = panel.mean(axis=0).to_numpy(), _levelled(panel, begun)
    whole = panel.mean(axis=0).to_numpy()
    year = YEAR[frequency]
    row = {"indicator_id": name, "unit": own["unit"].iloc[0] if "unit" in own else None, "frequency": frequency,
           "periods": int(np.isfinite(whole).sum()), "level": float(np.nanmean(level[-year:])),
           "worth_having": goal}  # fmt: skip
    yield row | {"design": "its"} | _finished(row, _of_series(whole, frequency, goal, options), year)
    if len(panel) >= FEWEST_UNITS:
        found = _of_units(panel.to_numpy(), goal, options, year)
        yield row | {"design": "unit_differences"} | _finished(row, found, year)


def _of_series(y, frequency, goal, options):
    """Smallest effects after half a year and a year, and periods needed; None where too little is known."""
    year, season = YEAR[frequency], SEASON[frequency]
    if np.isfinite(y).sum() < FEWEST_BEFORE:
        return None
    design = options | {"season": season if len(y) >= 2 * season else None}
    try:
        found = power.curve(y, [year // 2, year], goal=goal if goal > 0 else None, most=MOST[frequency], draws=DRAWS,
                            **design)  # fmt: skip
    except MethodRefused:
        return None  # the noise cannot be told
    smallest = found.table.set_index("periods_after")["detectable"]
    return smallest.get(year // 2, np.nan), smallest.get(year, np.nan), found.needed


def _of_units(panel, goal, options, year):
    treated, most = len(panel) // 2, 3 * year
    try:
        after = {n: power.detectable_units(panel, n, treated=treated, confidence=options["confidence"])
                 for n in range(1, most + 1)}  # fmt: skip
    except MethodRefused:
        return None
    needed = next((n for n, smallest in after.items() if smallest <= goal), np.inf)
    return after[max(year // 2, 1)], after[year], needed if goal > 0 else np.nan


def _finished(row, found, year) -> dict:
    if found is None:
        return dict.fromkeys(COLUMNS[7:13], np.nan) | {"verdict": "too_short"}
    half, whole, needed = found
    level = row["level"] if row["level"] > 0 else np.nan
    verdict = "no_goal" if np.isnan(needed) else "in_time" if needed <= year else "late"
    return {"half_year": half, "year": whole, "half_year_share": half / level, "year_share": whole / level,
            "needed": needed, "months_needed": needed * 12 / year,
            "verdict": "out_of_reach" if np.isinf(needed) else verdict}  # fmt: skip
