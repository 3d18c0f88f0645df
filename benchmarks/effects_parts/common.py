"""What the parts of the simulation table share: a cell, its figures against their promise, noise and seconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

BURN = 100
SURE = 1.96  # Monte Carlo errors a figure may lie beyond its promise and still agree with it


@dataclass(frozen=True)
class Figure:
    """``value`` and its Monte Carlo standard ``error`` under ``column``; promised from ``low`` to ``high``."""

    column: str
    value: float
    error: float = 0.0
    low: float = -np.inf
    high: float = np.inf
    sure: float = SURE

    @property
    def promised(self) -> bool:
        return bool(np.isfinite(self.low) or np.isfinite(self.high))

    @property
    def status(self) -> str:
        """no promise | met | met within error | falls short"""
        if not self.promised:
            return "no promise"
        beyond = max(self.low - self.value, self.value - self.high)
        return "met" if beyond <= 0 else "met within error" if beyond <= self.sure * self.error else "falls short"


@dataclass(frozen=True)
class Cell:
    """One cell: ``draw(runs, seed)`` gives a frame of one row a run, ``figures`` what stands in the table of it.

    Runs are drawn in batches of ``batch``, seeded by the cell and the first run, so that no result depends on the
    number of processes. ``runs``: as many as are declared.
    """

    group: str
    row: str
    draw: Callable[[range, int], pd.DataFrame]
    figures: Callable[[pd.DataFrame], list[Figure]]
    runs: int = 4000
    batch: int = 1000
    name: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.group, self.row, self.name) if part)


def share(values, column: str, **promise) -> Figure:
    """Share of the runs for which something holds; NaN = not tried. The error is that of Agresti & Coull (1998, Am
    Stat 52:119), which is not 0 where all or none hold."""
    tried = pd.Series(values).dropna().astype(float)
    near = (tried.sum() + 2) / (len(tried) + 4)
    return Figure(column, float(tried.mean()), float(np.sqrt(near * (1 - near) / (len(tried) + 4))), **promise)


def mean(values, column: str, scale: float = 1.0, **promise) -> Figure:
    tried = pd.Series(values).dropna().astype(float) / scale
    return Figure(column, float(tried.mean()), float(tried.std() / np.sqrt(len(tried))), **promise)


def median(values, column: str) -> Figure:
    return Figure(column, float(pd.Series(values).median()))


def autoregressive(rng, shape, phi: float, *, unit: bool = False) -> np.ndarray:
    """AR(1) along the last axis: shocks of variance 1, or values of variance 1 (``unit``)."""
    noise = rng.standard_normal((*shape[:-1], shape[-1] + BURN))
    for step in range(1, noise.shape[-1]):
        noise[..., step] += phi * noise[..., step - 1]
    return noise[..., BURN:] * (np.sqrt(1 - phi**2) if unit else 1.0)


def covers(found, truth=0.0) -> np.ndarray:
    return ((found["low"] <= truth) & (truth <= found["high"])).to_numpy()


def seconds(job, times: int = 5) -> float:
    """Median processor seconds of ``job`` after a first one that loads what is lazy: others' load does not enter."""
    job()
    taken = []
    for _ in range(times):
        began = time.process_time()
        job()
        taken.append(time.process_time() - began)
    return float(np.median(taken))
