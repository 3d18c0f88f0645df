"""The whole pipeline (``effects.evaluate``): what is called where nothing happened, what is lost of a real effect.

Monthly, 24 before and 24 (12) after, trend and season fitted; noise of standard deviation 1. Twelve branches share a
noise twice as large, and three of them get the measure. Power: the share of runs that passes each gate and those before
it. Fading: the effect at the start is 3 standard errors of a level, and halves every so many months.
"""

import functools
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import ndtr

from benchmarks.effects_parts.common import Cell, Figure, autoregressive, share
from sqlib.methods import effects
from sqlib.methods import interrupted_time_series as its
from tests import made_measures as made

START = 24
GOOD = ("effective", "probably_effective", "effective_with_side_effect")
KEPT = ["verdict", "effect", "se", "low", "high", "p_adjusted", "second_effect", "placebo_rank", "placebo_dates",
        "sustained"]  # fmt: skip
MEAN, WORST, TREND, MANY = 0.05, 0.07, 0.07, 0.10
NULL = {f"phi {phi}": {"phi": phi} for phi in (0.0, 0.3, 0.6)}
STEPS = {"1 sd, 24/24, phi .3": {"step": 1.0}, "2 sd, 24/12, phi .3": {"step": 2.0, "after": 12}}
BRANCHES = {"units": 12, "step": 1.5}
FADES = {"halves in 12 months": 12.0, "halves in 6 months": 6.0, "stays": np.inf}


def judged(seed, *, phi=0.3, slope=0.0, wave=0.0, step=0.0, half_life=np.inf, units=1, many=1, after=24):
    """``effects`` of ``many`` measures on as many indicators of one firm or of ``units`` branches."""
    rng, at = np.random.default_rng(seed), np.arange(START + after)
    added = np.where(at >= START, step * 0.5 ** ((at - START) / half_life), 0.0)
    names = [f"u{i}" for i in range(units)] if units > 1 else [""]
    series, rows = [], []
    for k in range(many):
        shared = 50 + slope * at + wave * np.sin(2 * np.pi * at / 12)
        shared = shared + (2 * autoregressive(rng, at.shape, 0.4, unit=True) if units > 1 else 0.0)
        columns = {name: shared + autoregressive(rng, at.shape, phi, unit=True) + added * (i < 3)
                   for i, name in enumerate(names)}  # fmt: skip
        series.append(made.values(columns, indicator=f"I{k}"))
        rows.append({"measure_id": f"M{k}", "indicator_id": f"I{k}", "units": "u0; u1; u2" if units > 1 else None})
    known, values = made.indicators(*[f"I{k}" for k in range(many)]), pd.concat(series)
    found = effects.evaluate(made.measures(*rows), known, values, as_of=values["period_end"].max())
    return found.effects[KEPT]


def drawn(runs, seed, **truth) -> pd.DataFrame:
    """One row a run and measure."""
    return pd.concat([judged([seed, run], **truth).assign(run=run) for run in runs], ignore_index=True)


@functools.cache
def standard_error(phi=0.3, after=24) -> float:
    """Standard error of a level of one firm, as the engine tells it (median of 500)."""
    y = autoregressive(np.random.default_rng(0), (500, START + after), phi, unit=True)
    return float(its.many(y, START, season=12)["se"].median())


def fading(runs, seed, *, half_life) -> pd.DataFrame:
    return drawn(runs, seed, step=3 * standard_error(), half_life=half_life)


def _called(table):
    return table["verdict"].isin(GOOD), table["verdict"] == "worse"


def _nothing(table) -> list[Figure]:
    good, bad = _called(table)
    return [share(good | bad, "either", high=WORST), share(good, "effective"), share(bad, "worse")]


def _alone(table) -> list[Figure]:
    good, bad = _called(table)
    return [share(good, "effective", high=TREND), share(bad, "worse")]


def _any(table) -> list[Figure]:
    good, bad = (each.groupby(table["run"]).any() for each in _called(table))
    return [share(good, "at least one effective", high=MANY), share(bad, "at least one worse")]


def passed(table) -> dict[str, pd.Series]:
    """Which runs pass each gate and all before it."""
    gates = {
        "interval clear of 0": table["low"] > 0,
        "multiplicity": table["p_adjusted"] <= 0.05,
        "second method": ~(table["second_effect"] <= 0),
        "placebo dates": (table["placebo_dates"] < 9) | (table["placebo_rank"] <= 0.10),
        "called": table["verdict"].isin(GOOD),
    }
    so_far, kept = pd.Series(True, table.index), {}
    for name, holds in gates.items():
        kept[name] = so_far = so_far & holds
    return kept


def implied(table, step) -> float:
    """Power of a normal estimate with the median standard error and half width."""
    se, half = table["se"].median(), ((table["high"] - table["low"]) / 2).median()
    return float(ndtr((step - half) / se) + ndtr((-step - half) / se))


def _power(table, *, step) -> list[Figure]:
    expected, kept = implied(table, step), passed(table)
    promises = {"interval clear of 0": {"low": expected - 0.05, "high": expected + 0.05}} if step == 1 else {}
    promises |= {"called": {"low": expected - 0.10}} if step > 1 else {}
    found = [Figure("implied by the width", expected)]
    found += [share(held, name, **promises.get(name, {})) for name, held in kept.items()]
    return [*found, share(table["verdict"] == "effective", "effective, not only probably")]


def _fading(table, *, half_life) -> list[Figure]:
    promise = {"high": 0.05} if np.isinf(half_life) else {"low": 0.70} if half_life == 12 else {}
    return [share(table["sustained"] == "fading", "called fading", **promise)]


def overall(found) -> list[tuple[str, str, Figure]]:
    """False calls of all cells without effect together."""
    own = [figure for cell, figure in found if cell.draw.func is drawn and figure.column == "either"]
    if len(own) < 2 * len(NULL):
        return []
    error = np.sqrt(sum(figure.error**2 for figure in own)) / len(own)
    return [("nothing happened", "all together", Figure("either", np.mean([e.value for e in own]), error, high=MEAN))]


def _cell(group, row, figures, *, runs=1000, batch=20, **truth) -> Cell:
    return Cell(group, row, partial(drawn, **truth), figures, runs=runs, batch=batch)


CELLS = (
    *(_cell("nothing happened", f"one firm, {name}", _nothing, **truth) for name, truth in NULL.items()),
    *(_cell("nothing happened", f"twelve branches, {name}", _nothing, units=12, **truth)
      for name, truth in NULL.items()),
    _cell("trend or season alone", "one firm, .05 sd a month", _alone, slope=0.05),
    _cell("trend or season alone", "one firm, a season of 2 sd", _alone, wave=2.0),
    _cell("20 indicators at once", "one firm, phi 0.3", _any, runs=250, batch=5, many=20),
    *(_cell("power by gate", f"one firm, {name}", partial(_power, step=truth["step"]), **truth)
      for name, truth in STEPS.items()),
    _cell("power by gate", "three of twelve branches, 1.5 sd, 24/24, phi .3", partial(_power, step=1.5), **BRANCHES),
    *(Cell("an effect of 3 standard errors that fades", name, partial(fading, half_life=half_life),
           partial(_fading, half_life=half_life), runs=1000, batch=20) for name, half_life in FADES.items()),
)  # fmt: skip
