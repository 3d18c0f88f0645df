"""Interrupted time series: coverage of the 95 % interval by length and kind of noise; counts and shares; seconds."""

from functools import partial

import numpy as np
import pandas as pd

from benchmarks.effects_parts.common import BURN, Cell, Figure, autoregressive, covers, seconds, share
from sqlib.methods import interrupted_time_series as its

SIZES = ((8, 8), (12, 12), (24, 12), (24, 24), (52, 26), (104, 52))
KINDS = {"AR(1) 0": 0.0, "AR(1) .3": 0.3, "AR(1) .6": 0.6, "AR(2) .4 .2": 0.4, "MA(1) .5": 0.0, "t4": 0.3,
         "season": 0.3}  # fmt: skip
AUTOREGRESSIVE = {"low": 0.92, "high": 0.97}
OTHER = {"low": 0.90}
FAMILIES = ("poisson", "negative_binomial", "binomial")
MOST_SECONDS = 2.0


def made(rng, runs: int, n: int, kind: str) -> np.ndarray:
    """Errors (runs, n) of one kind on a slight trend, with a season where the kind says so."""
    phi, shape = KINDS[kind], (runs, n + BURN)
    shock = rng.standard_t(4, shape) if kind == "t4" else rng.standard_normal(shape)
    noise = shock.copy()
    for t in range(2, n + BURN):
        noise[:, t] += phi * noise[:, t - 1] + (0.2 * noise[:, t - 2] if kind.startswith("AR(2)") else 0.0)
    if kind.startswith("MA"):
        noise[:, 1:] += 0.5 * shock[:, :-1]
    wave = 2 * np.sin(2 * np.pi * np.arange(n) / 12 + 1) if kind == "season" else 0.0
    return noise[:, BURN:] + wave + 0.05 * np.arange(n)


def continuous(runs, seed, *, before, after, kind, shape) -> pd.DataFrame:
    y = made(np.random.default_rng([seed, runs[0]]), len(runs), before + after, kind)
    found = its.many(y, before, shape=shape, season=12 if kind == "season" else None)
    return pd.DataFrame({"covered": covers(found), "width": found["high"] - found["low"]})


def counted(runs, seed, *, before, after, phi, family) -> pd.DataFrame:
    """Mean 30 a period, or 30 of 100, with a log or logit AR(1) of standard deviation .25 besides."""
    size, held = np.full(before + after, 100.0), []
    for run in runs:
        rng = np.random.default_rng([seed, run])
        latent = 0.25 * autoregressive(rng, (before + after,), phi, unit=True)
        odds = rng.binomial(100, 1 / (1 + np.exp(0.85 - latent)))
        y = odds if family == "binomial" else rng.poisson(30 * np.exp(latent))
        found = its.estimate(y.astype(float), before, family=family, denominator=size)
        held.append(found.low <= 0 <= found.high)
    return pd.DataFrame({"covered": held})


def timed(runs, seed) -> pd.DataFrame:
    y = made(np.random.default_rng(seed), 1000, 104, "AR(1) .3")
    return pd.DataFrame({"seconds": [seconds(lambda: its.many(y, 78))]})


def coverage(table, *, column, **promise) -> list[Figure]:
    return [share(table["covered"], column, **promise)]


def _continuous():
    for shape, group in (("level", "coverage, level"), ("level_slope", "coverage, level and slope")):
        for before, after in SIZES:
            for kind in KINDS:
                if kind == "season" and before < 24:
                    continue
                promise = AUTOREGRESSIVE if kind.startswith("AR(1)") else OTHER
                draw = partial(continuous, before=before, after=after, kind=kind, shape=shape)
                yield Cell(group, f"{before}/{after}", draw, partial(coverage, column=kind, **promise), name=kind)


def _counted():
    for before, after in ((24, 12), (52, 26)):
        for phi in (0.0, 0.3, 0.6):
            for family in FAMILIES:
                draw = partial(counted, before=before, after=after, phi=phi, family=family)
                figures = partial(coverage, column=f"{before}/{after}, phi {phi}", **OTHER)
                yield Cell("coverage, counts and shares", family, draw, figures, runs=1000, batch=50,
                           name=f"{before}/{after} phi {phi}")  # fmt: skip


def _seconds(table) -> list[Figure]:
    return [Figure("seconds", table["seconds"].median(), high=MOST_SECONDS)]


CELLS = (*_continuous(), *_counted(), Cell("seconds", "1,000 series of 104 points", timed, _seconds, runs=1))
