"""Counterfactual forecast: coverage with a control and a season; synthetic control: false alarms; seconds.

Noise of variance 1, independent or AR(1), or beside a level that walks by .1 or .3 of it; AR(1) .8 and a walk as large
as the noise are printed without promise. Synthetic control: 20 units on two common factors, one with no effect.
"""

from functools import partial

import numpy as np
import pandas as pd

from benchmarks.effects_parts.common import Cell, Figure, autoregressive, covers, seconds, share
from sqlib.methods import counterfactual, synthetic_control

SIZES = ((130, 26, 52), (48, 12, 12), (24, 12, 12))  # periods before, after, a season
KINDS = {"independent": (0.0, 0.0), "AR(1) .4": (0.4, 0.0), "level .1": (0.0, 0.1), "level .3": (0.0, 0.3)}
BEYOND = {"AR(1) .8": (0.8, 0.0), "level 1": (0.0, 1.0)}
PROMISE = {"low": 0.90, "sure": 2.576}  # no 99 % interval wholly below
MEAN, MOST_SECONDS = 0.94, 5.0


def values(rng, runs, before, after, season, kind):
    """Indicators (runs, n) and their controls (runs, n, 1): a season of height 2, a control that carries."""
    phi, step = (KINDS | BEYOND)[kind]
    n = before + after
    level = step * rng.standard_normal((runs, n)).cumsum(axis=1)
    control = autoregressive(rng, (runs, n), 0.5)
    wave = 2 * np.sin(2 * np.pi * np.arange(n) / season)
    return autoregressive(rng, (runs, n), phi) + level + control + wave, control[:, :, None]


def forecast(runs, seed, *, before, after, season, kind) -> pd.DataFrame:
    y, controls = values(np.random.default_rng([seed, runs[0]]), len(runs), before, after, season, kind)
    found = counterfactual.many(y, before, controls=controls, season=season)
    return pd.DataFrame({"covered": covers(found), "width": found["high"] - found["low"]})


def placebos(runs, seed, *, units=20, before=24, after=12) -> pd.DataFrame:
    """Did the interval exclude 0, and was the rank p at most .05, where nothing happened?"""
    options = {"unit": "unit", "time": "time", "value": "value", "treated": {0}, "start": before}
    rows = []
    for run in runs:
        rng = np.random.default_rng([seed, run])
        factors = autoregressive(rng, (2, before + after), 0.6)
        y = rng.standard_normal((units, 2)) @ factors + rng.standard_normal((units, before + after))
        unit, period = np.indices(y.shape)
        panel = pd.DataFrame({"unit": unit.ravel(), "time": period.ravel(), "value": y.ravel()})
        plain, both = (call(panel, **options) for call in (synthetic_control.compare, synthetic_control.sdid))
        rank = plain.effect.details.set_index("name").loc["rank_p", "estimate"]
        alarms = [not found.effect.low <= 0 <= found.effect.high for found in (plain, both)]
        rows.append({"synthetic control": alarms[0], "SDID": alarms[1], "rank": rank <= 0.05})
    return pd.DataFrame(rows)


def timed(runs, seed) -> pd.DataFrame:
    """Seconds of 200 series of 156 weeks with a control, whole (path, details) and effects only."""
    before, after, season = SIZES[0]
    y, controls = values(np.random.default_rng(seed), 200, before, after, season, "AR(1) .4")

    def whole():
        for own, control in zip(y, controls, strict=True):
            counterfactual.estimate(own, before, controls=control, season=season)

    only = seconds(lambda: counterfactual.many(y, before, controls=controls, season=season), times=3)
    return pd.DataFrame({"whole": [seconds(whole, times=3)], "only": only})


def coverage(table, *, column, **promise) -> list[Figure]:
    return [share(table["covered"], column, **promise)]


def overall(found) -> list[tuple[str, str, Figure]]:
    """The mean over the cells promised; ``found``: (cell, figure) pairs."""
    own = [figure for cell, figure in found if cell.group == "coverage" and figure.promised]
    if len(own) < len(SIZES) * len(KINDS):
        return []
    error = np.sqrt(sum(figure.error**2 for figure in own)) / len(own)
    return [("coverage", "mean of the twelve", Figure("mean", np.mean([each.value for each in own]), error, low=MEAN))]


def _coverage():
    for before, after, season in SIZES:
        for kind in KINDS | BEYOND:
            draw = partial(forecast, before=before, after=after, season=season, kind=kind)
            figures = partial(coverage, column=kind, **(PROMISE if kind in KINDS else {}))
            yield Cell("coverage", f"{before}/{after}", draw, figures, runs=1000, batch=250, name=kind)


def _alarms(table) -> list[Figure]:
    return [share(table[name], name) for name in table]


def _seconds(table) -> list[Figure]:
    return [Figure("effect, path and details", table["whole"].median(), high=MOST_SECONDS),
            Figure("effects only", table["only"].median())]  # fmt: skip


CELLS = (
    *_coverage(),
    Cell("false alarms of synthetic control", "20 units, 24/12", placebos, _alarms, runs=300, batch=25),
    Cell("seconds", "200 series of 156 weeks", timed, _seconds, runs=1),
)
