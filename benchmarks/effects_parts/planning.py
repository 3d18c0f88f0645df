"""Does an effect of the size ``power`` names from the periods before get the power promised?"""

import functools
from functools import partial

import numpy as np
import pandas as pd

from benchmarks.effects_parts.common import Cell, Figure, autoregressive, mean, median, share
from benchmarks.effects_parts.people import ancova
from sqlib.methods import difference_in_differences as did
from sqlib.methods import interrupted_time_series as its
from sqlib.methods import power
from sqlib.methods.samples import t_value

SERIES = [(before, after, phi) for before, after in ((24, 12), (36, 12), (52, 26)) for phi in (0.0, 0.3, 0.6)]
UNITS = ((6, 3, 24, 12), (10, 2, 24, 12), (8, 4, 52, 13))  # units, treated, periods before, after
PEOPLE = ((30, 30, 0.5), (60, 60, 0.5), (20, 60, 0.7))  # treated, compared, correlation
PROMISE = {"low": 0.75, "high": 0.85}
DRAWN = 2000  # series on which the effect named is tried


def series(runs, seed, *, before, after, phi) -> pd.DataFrame:
    """The effect named from each stretch before, and the engine's power against it on other series of that noise."""
    estimate, half = _noise(seed, before, after, phi)
    named = []
    for run in runs:
        y = autoregressive(np.random.default_rng([seed, run]), (before,), phi, unit=True)
        named.append(power.detectable(y, after))
    reached = [float((np.abs(estimate + each) > half).mean()) for each in named]
    return pd.DataFrame({"named": named, "power": reached})


@functools.cache
def _noise(seed, before, after, phi):
    found = its.many(autoregressive(np.random.default_rng(seed), (DRAWN, before + after), phi, unit=True), before)
    return found["effect"].to_numpy(), ((found["high"] - found["low"]) / 2).to_numpy()


def units(runs, seed, *, number, treated, before, after, phi=0.4) -> pd.DataFrame:
    """Is the effect named from the panel before found by Student's t of unit differences?"""
    side, rows = np.arange(number) < treated, []
    for run in runs:
        rng = np.random.default_rng([seed, run])
        shared = rng.standard_normal(before + after)
        panel = autoregressive(rng, (number, before + after), phi, unit=True) + shared
        effect = power.detectable_units(panel[:, :before], after, treated=treated)
        change = panel[:, before:].mean(axis=1) - panel[:, :before].mean(axis=1) + effect * side
        estimate, se, df = did.contrast(change[None, :], side)
        rows.append({"named": effect, "power": float(np.abs(estimate / se)[0] > t_value(0.05, df)[0])})
    return pd.DataFrame(rows)


def people(runs, seed, *, treated, compared, correlation) -> pd.DataFrame:
    effect = power.detectable_people(1.0, correlation, treated, compared)
    found = [ancova(np.random.default_rng([seed, run]), treated, compared, correlation, effect) for run in runs]
    return pd.DataFrame({"named": effect, "power": [float(each.low > 0) for each in found]})


def _of_series(table) -> list[Figure]:
    return [median(table["named"], "effect named, sd"), mean(table["power"], "power", **PROMISE)]


def _of_runs(table) -> list[Figure]:
    return [median(table["named"], "effect named, sd"), share(table["power"], "power", **PROMISE)]


GROUP = "power at the effect named"
CELLS = (
    *(Cell(GROUP, f"series {before}/{after}, phi {phi}", partial(series, before=before, after=after, phi=phi),
           _of_series, runs=400, batch=20) for before, after, phi in SERIES),
    *(Cell(GROUP, f"{number} units, {treated} treated, {before}/{after}",
           partial(units, number=number, treated=treated, before=before, after=after), _of_runs, batch=250)
      for number, treated, before, after in UNITS),
    *(Cell(GROUP, f"{treated}/{compared} people, r {correlation}",
           partial(people, treated=treated, compared=compared, correlation=correlation), _of_runs, runs=1000, batch=50)
      for treated, compared, correlation in PEOPLE),
)  # fmt: skip
