"""What an effect must stand up to: other dates, another method, another wash-in, one period less, and time itself.

Placebo dates lie wholly before the real start, with at least 8 periods before and 4 after each; the share of dates at
least as convincing as the real one (by p value, the real one counted) is the placebo rank. Series are held against the
noise of the real fit: every date is judged by the same errors, so that a date is not convincing by a lucky estimate of
them. Staggered starts and synthetic controls get their placebo dates from the plain comparison of units, not from
their own engine, which cannot be run on so many dates: those dates say whether treated and comparison units parted
before, not how the chosen design would have erred. Fading compares the first third of the time after the start with
the last, by the same model for series; for all designs that compare units again by unit differences.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import (
    autoregression,
    difference_in_differences,
    effect_designs,
    interrupted_time_series,
    interruption,
)
from sqlib.methods.interruption import FEWEST_AFTER, FEWEST_BEFORE
from sqlib.methods.samples import t_value
from sqlib.methods.serial_details import p_value

PLACEBOS = ["date", "effect", "low", "high", "p_value", "real"]
FEWEST_PLACEBO_UNITS = 3  # comparison units, one of which is held against the others
KEPT = 0.5  # share of the first third's effect below which the rest has faded
FEWEST_THIRDS = 6  # periods after the start below which thirds tell nothing
SINGLE = ("its", "its_counts")
LEAST_OWN = 1e-6  # share of a step the other columns must leave of it
REFUSED = (MethodRefused, np.linalg.LinAlgError)


def placebos(design: str, case, effect, *, confidence=0.95) -> pd.DataFrame:
    """The effect at every admissible date before the start, and the real one: columns ``PLACEBOS``; date: index of the
    period. Series of values (its, controlled): the same model with the errors of the real fit; counts: the same model
    anew; designs that compare units (staggered and synthetic_control too): unit differences."""
    rows = [_row(case.start, effect, True)]
    if design in ("its", "controlled"):
        rows += _series(design, case, effect)
        return pd.DataFrame(rows, columns=PLACEBOS).sort_values("date", ignore_index=True)
    for date in range(FEWEST_BEFORE, case.start - FEWEST_AFTER + 1):
        try:
            rows.append(_row(date, _placebo(design, case, date, confidence), False))
        except REFUSED:
            continue  # too few values around this date: not admissible
    return pd.DataFrame(rows, columns=PLACEBOS).sort_values("date", ignore_index=True)


def rank(table: pd.DataFrame) -> tuple[float, int]:
    """Share of dates at least as convincing as the real one, and how many placebo dates there are."""
    real = table.loc[table["real"], "p_value"].iloc[0]
    fake = table.loc[~table["real"], "p_value"].dropna()
    return (1 + int((fake <= real).sum())) / (1 + len(fake)), len(fake)


def _row(date, effect, real):
    return [date, effect.effect, effect.low, effect.high, effect.p_value, real]


def _series(design, case, effect) -> list:
    """A step at every date, the periods before the start alone, errors as the real fit has them."""
    y = (case.y if design == "its" else effect_designs.difference(case))[: case.start]
    known, told = ~np.isnan(y), effect.details.set_index("name")["estimate"]
    dates, base = _dates(known), _columns_before(case, design, known)
    deficient = np.linalg.matrix_rank(base[known]) < base.shape[1]
    if not dates or deficient or known.sum() < base.shape[1] + 1 + interruption.LEAST_SPARE:
        return []
    steps = (np.arange(case.start)[:, None] >= dates).astype(float)
    parts = _whitened(np.column_stack([base, y, steps])[known], known, told["phi"], told["phi_2"])
    effects, size = _step_by_step(*np.hsplit(parts, [base.shape[1], base.shape[1] + 1]))
    se = told["noise"] / np.sqrt(size)
    half = t_value(1 - effect.confidence, effect.df) * se
    columns = zip(dates, effects, effects - half, effects + half, p_value(effects / se, effect.df), strict=True)
    return [[*map(float, row), False] for row, held in zip(columns, size, strict=True) if np.isfinite(held)]


def _dates(known) -> list[int]:
    """Dates with enough periods on both sides that have a value."""
    counted = np.cumsum(known)
    return [date for date in range(FEWEST_BEFORE, len(known) - FEWEST_AFTER + 1)
            if counted[date - 1] >= FEWEST_BEFORE and counted[-1] - counted[date - 1] >= FEWEST_AFTER]  # fmt: skip


def _step_by_step(base, y, steps):
    """Effect of each step beside ``base``, one at a time, and the squares of what the step adds to it, NaN where that
    is nothing (Frisch & Waugh 1933, Econometrica 1:387)."""
    basis = np.linalg.qr(base)[0]
    own, rest = (part - basis @ (basis.T @ part) for part in (steps, y))
    size = (own**2).sum(axis=0)
    size = np.where(size > LEAST_OWN * (steps**2).sum(axis=0), size, np.nan)
    return own.T @ rest[:, 0] / size, size


def _columns_before(case, design, known):
    """Level, trend, season, calendar and other measures before the start: (start, p)."""
    at = np.arange(case.start, dtype=float)
    terms = effect_designs.waves(case) if design == "its" else case.others_steps
    terms = None if terms is None else effect_designs.varying(terms.iloc[: case.start], known)
    columns = [np.ones(case.start), *([at - at.mean()] if case.trend else [])]
    return np.column_stack([*columns, *([] if terms is None else [terms.to_numpy()])])


def _whitened(rows, known, phi, phi_2):
    """Rows of periods ``known`` freed of the autocorrelation; holes are bridged."""
    at = np.flatnonzero(known)
    lags = autoregression.lags(phi, phi_2, len(known))
    return np.linalg.solve(np.linalg.cholesky(lags[np.abs(at[:, None] - at)]), rows)


def _placebo(design, case, date, confidence):
    """The design on the time before the real start alone."""
    if design == "its_counts":
        terms = effect_designs.waves(case)
        known = np.isfinite(case.counts[: case.start])
        terms = None if terms is None else effect_designs.varying(terms.iloc[: case.start], known)
        return effect_designs.single(None, date, case, counts=case.counts[: case.start], terms=terms, season=None,
                                     confidence=confidence)  # fmt: skip
    panel = case.panel
    return difference_in_differences.estimate(panel[panel["time"] < case.start], unit="unit", time="time",
                                              value="value", treated=case.treated, compared=case.compared, start=date,
                                              confidence=confidence)  # fmt: skip


def fading(design: str, case, *, confidence=0.95) -> dict:
    """Last third of the time after the start less the first: sustained (fading | growing | not_shown | too_short),
    first_third, difference with low and high, last_third with last_low and last_high, faded. ``fading``: the difference
    goes against the effect of the first third by a one-sided test (an effect may only fade to be worth a warning);
    ``growing``: the interval of the difference lies clear of 0 the other way; ``faded``: fading, and less than half of
    the effect is left, or perhaps none."""
    names = ("first_third", "difference", "low", "high", "last_third", "last_low", "last_high")
    nothing = {"sustained": "too_short", **dict.fromkeys(names, np.nan), "faded": False}
    first = case.start + case.ramp
    size = (len(case.starts) - first) // 3
    if len(case.starts) - first < FEWEST_THIRDS:
        return nothing
    try:
        thirds = _series_thirds if design in (*SINGLE, "controlled") else _unit_thirds
        found = thirds(design, case, first, size, confidence)
    except REFUSED:
        return nothing
    code = _lasting(found, confidence)
    little = abs(found["last_third"]) < KEPT * abs(found["first_third"])
    gone = little or found["last_low"] <= 0 <= found["last_high"] or found["last_third"] * found["first_third"] < 0
    return found | {"sustained": code, "faded": code == "fading" and bool(gone)}


def _lasting(found, confidence) -> str:
    """Code of what happened between the first and the last third."""
    same = found["difference"] * found["first_third"] > 0
    alpha = 1 - confidence
    sides = t_value(alpha if same else 2 * alpha, found["df"]) / t_value(alpha, found["df"])
    if not abs(found["difference"]) > sides * (found["high"] - found["low"]) / 2:
        return "not_shown"
    return "growing" if same else "fading"


def _series_thirds(design, case, first, size, confidence) -> dict:
    """The model of the series with two thirds as terms of their own: the step is then the third left."""
    y = case.y if design != "controlled" else effect_designs.difference(case)
    terms = effect_designs.waves(case) if design in SINGLE else case.others_steps
    at = np.arange(len(y))
    thirds = {"first": at < first + size, "middle": (at >= first + size) & (at < len(y) - size),
              "last": at >= len(y) - size}  # fmt: skip
    own = pd.DataFrame({name: (held & (at >= first)).astype(float) for name, held in thirds.items()})

    def fitted(*names):
        joined = own[list(names)] if terms is None else pd.concat([terms, own[list(names)]], axis=1)
        return interrupted_time_series.estimate(y, case.start, trend=case.trend, terms=joined, wash_in=case.ramp,
                                                confidence=confidence)  # fmt: skip

    early, late = fitted("middle", "last"), fitted("first", "middle")
    between = early.details.set_index("name").loc["term:last"]
    return _third(early, between["estimate"], between["low"], between["high"], late)


def _unit_thirds(design, case, first, size, confidence) -> dict:
    panel, last = case.panel, len(case.starts) - size
    options = {"unit": "unit", "time": "time", "value": "value", "treated": case.treated, "compared": case.compared,
               "confidence": confidence}  # fmt: skip
    time = panel["time"]
    thirds = panel[time.between(first, first + size - 1) | (time >= last)]
    between = difference_in_differences.estimate(thirds, start=last, **options)
    early = difference_in_differences.estimate(panel[time < first + size], start=case.start, wash_in=case.ramp,
                                               **options)  # fmt: skip
    late = difference_in_differences.estimate(panel[(time < case.start) | (time >= last)], start=last, **options)
    return _third(early, between.effect, between.low, between.high, late)


def _third(early, difference, low, high, late) -> dict:
    return {"first_third": early.effect, "difference": difference, "low": low, "high": high, "last_third": late.effect,
            "last_low": late.low, "last_high": late.high, "df": early.df}  # fmt: skip


def leave_one(design: str, case, effect) -> tuple[float, float]:
    """Range of the estimate when any one period (of comparisons of units: any one unit) is left out."""
    if design not in ("its", "controlled"):
        details = effect.details.set_index("name")["estimate"]
        return details.get("leave_one_low", np.nan), details.get("leave_one_high", np.nan)
    y = case.y if design == "its" else effect_designs.difference(case)
    options = effect_designs.seasonal(case) if design == "its" else {"terms": case.others_steps}
    options |= {"trend": case.trend} | effect_designs.shape(case, y, case.start)
    known = _dispensable(y, case.start, options)
    rows = np.tile(y, (len(known), 1))
    rows[np.arange(len(known)), known] = np.nan
    found = interrupted_time_series.many(rows, case.start, order=1, **options)
    return float(found["effect"].min()), float(found["effect"].max())


def with_trend(design: str, case, *, confidence=0.95):
    """The Effect had no trend been declared away; None where none was, or where the data do not carry it."""
    if case.trend or design not in (*SINGLE, "controlled"):
        return None
    try:
        return effect_designs.estimate(design, replace(case, trend=True), confidence=confidence)
    except REFUSED:
        return None


def _dispensable(y, start, options) -> np.ndarray:
    """Periods no column of the model rests on alone."""
    known = np.flatnonzero(~np.isnan(y))
    design = interruption.design(len(y), start, observed=~np.isnan(y), **options)
    basis = np.linalg.qr(design.matrix[known])[0]
    return known[(basis**2).sum(axis=1) < 1 - LEAST_OWN]


def placebo_units(design: str, case, effect) -> float:
    """Share of the comparison units that, held against the others as if treated, change by at least as much; for
    synthetic control the rank p value of its own exhaustive placebos; NaN without units to compare."""
    if design in SINGLE:
        return np.nan
    if design == "synthetic_control":
        return float(effect.details.set_index("name").at["rank_p", "estimate"])
    changes = difference_in_differences.changes(case.panel, unit="unit", time="time", value="value",
                                                treated=case.treated, compared=case.compared, start=case.start,
                                                wash_in=case.ramp)  # fmt: skip
    own = changes.loc[~changes["treated"], "change"].dropna().to_numpy()
    if len(own) < FEWEST_PLACEBO_UNITS:
        return np.nan
    apart = (own - own.mean()) * len(own) / (len(own) - 1)  # one less the mean of the others
    return float((np.abs(apart) >= abs(effect.effect)).mean())


def wash_ins(design: str, case, *, confidence=0.95) -> tuple[float, float]:
    """Range of the estimate with none, one or two more periods after the start left out as wash-in."""
    if design not in ("its", "controlled"):
        return np.nan, np.nan
    y = case.y if design == "its" else effect_designs.difference(case)
    options = effect_designs.seasonal(case) if design == "its" else {"terms": case.others_steps}
    found = []
    for wash in range(3):
        try:
            found.append(interrupted_time_series.estimate(y, case.start, trend=case.trend, wash_in=case.ramp + wash,
                                                          confidence=confidence, **options).effect)  # fmt: skip
        except REFUSED:
            continue  # too little is left after so long a wash-in
    return (min(found), max(found)) if found else (np.nan, np.nan)
