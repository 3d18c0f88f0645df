"""Comparison of units: false alarms with few of them; bias and coverage of staggered starts; seconds."""

from functools import partial

import numpy as np
import pandas as pd

from benchmarks.effects_parts.common import Cell, Figure, autoregressive, mean, seconds, share
from sqlib.methods import difference_in_differences as did
from sqlib.methods import group_time, samples, staggered

FEW = ((6, 1), (6, 3), (10, 1), (10, 2), (10, 5), (20, 1), (20, 3))  # units, treated
PROMISED = ((6, 3), (10, 1), (10, 2), (20, 1), (20, 3))
ALARMS = {"low": 0.03, "high": 0.07}
STARTS, PERIODS = (6, 9, 12, 15), 20  # first treated periods of the four groups
PANELS = {"40 a group, 40 never": (40, 40), "3 a group, 10 never": (10, 3)}
MOST_SECONDS = 0.6


def few(runs, seed, *, units, treated, spread) -> pd.DataFrame:
    """False alarms at 5 %: t on unit differences, Welch, permutation (a quarter), errors clustered by unit."""
    rng, side = np.random.default_rng([seed, runs[0]]), np.arange(units) < treated
    y = autoregressive(rng, (len(runs), units, 24), 0.4)
    y[:, side] *= spread
    change = y[..., 12:].mean(axis=-1) - y[..., :12].mean(axis=-1)
    table = pd.DataFrame({"t": alarms(*did.contrast(change, side)), "clustered": alarms(*clustered(change, side))})
    if treated > 1:
        table["Welch"] = alarms(*did.contrast(change, side, welch=True))
    quarter = change[: len(runs) // 4]
    permuted = [did.permutation(each, side) for each in quarter]
    table["permutation"] = pd.Series([float(each["permutation_p"] <= 0.05) for each in permuted])
    return table.assign(smallest_p=permuted[0]["smallest_p"] if permuted else np.nan)


def alarms(effect, se, df) -> np.ndarray:
    return np.abs(effect) > samples.t_value(0.05, df) * se


def clustered(change, side):
    """Two-way fixed effects with errors clustered by unit (CR1, t with units - 1), from the changes."""
    effect, n = change[:, side].mean(axis=1) - change[:, ~side].mean(axis=1), len(side)
    rest = change - np.where(side, change[:, side].mean(axis=1)[:, None], change[:, ~side].mean(axis=1)[:, None])
    lean = side - side.mean()
    se = np.sqrt(n / (n - 1) * ((lean * rest) ** 2).sum(axis=1)) / (lean**2).sum()
    return effect, se, np.full(len(change), n - 1.0)


def panel(rng, never: int, size: int, phi: float = 0.4):
    """Four groups of ``size`` whose effects grow, each group by another step, and ``never`` untreated units."""
    first = np.repeat([*STARTS, PERIODS], [*[size] * 4, never])
    steps = {start: 0.1 + 0.05 * k for k, start in enumerate(STARTS)} | {PERIODS: 0.0}
    since = np.arange(PERIODS) - first[:, None]
    effect = np.array([steps[start] for start in first])[:, None] * (since + 1) * (since >= 0)
    level = rng.standard_normal((len(first), 1)) + 0.05 * np.arange(PERIODS)
    return level + autoregressive(rng, (len(first), PERIODS), phi) + effect, first, effect


def late(runs, seed, *, never, size) -> pd.DataFrame:
    """Every estimand, the imputation (one run of eight) and the plain two-way regression, against the truth."""
    return pd.DataFrame([_late(np.random.default_rng([seed, run]), never, size, run % 8 == 0) for run in runs])


def _late(rng, never, size, imputed) -> dict[str, float]:
    y, first, effect = panel(rng, never, size)
    cells, made = group_time.cells(y, first), group_time.cells(effect, first)
    row = {}
    for name in group_time.ESTIMANDS:
        told, true = group_time.aggregate(cells, name), float(group_time.aggregate(made, name).estimate[0])
        limits = group_time.interval(told.estimate, *group_time.errors(told.influence, first), 0.95).iloc[0]
        row |= _against(name, limits["estimate"], limits["low"], limits["high"], true)
    true = row["att_simple:true"]
    row["two_way:bias"] = group_time.two_way(y, first) / true - 1
    if imputed:
        other = staggered.imputation(pd.DataFrame(y), first, pd.DataFrame({"expected": np.ones(PERIODS)}), 0.95)
        row |= _against("imputation", other.effect, other.low, other.high, true)
    return row


def _against(name, estimate, low, high, true) -> dict[str, float]:
    return {f"{name}:true": true, f"{name}:bias": estimate / true - 1, f"{name}:covered": float(low <= true <= high)}


def bands(runs, seed) -> pd.DataFrame:
    """Does the uniform band hold all horizons at once? 200 units."""
    held = []
    for run in runs:
        y, first, effect = panel(np.random.default_rng([seed, run]), 40, 40)
        events, _ = staggered.event_study(group_time.cells(y, first), first, draws=499, seed=run)
        true = group_time.events(group_time.cells(effect, first))[1].estimate
        held.append(((events["band_low"] <= true) & (true <= events["band_high"])).all())
    return pd.DataFrame({"covered": held})


def timed(runs, seed) -> pd.DataFrame:
    """200 units x 60 periods, four groups, 999 draws: event study, band and breakdown; and with the second opinion."""
    first, rng = np.repeat([15, 25, 35, 45, 0], 40), np.random.default_rng(seed)
    rows = pd.DataFrame({"unit": np.repeat(np.arange(200), 60), "time": np.tile(np.arange(60), 200),
                         "value": rng.standard_normal(12000), "first": np.repeat(first, 60)})  # fmt: skip
    options = {"unit": "unit", "time": "time", "value": "value", "first": "first"}
    return pd.DataFrame({
        name: [seconds(lambda second=second: staggered.estimate(rows, **options, second=second))]
        for name, second in (("alone", False), ("with imputation", True))
    })  # fmt: skip


def _few_figures(table, *, promise) -> list[Figure]:
    found = [share(table["t"], "t", **promise)]
    found += [share(table[name], name) for name in ("clustered", "permutation", "Welch") if name in table]
    return [*found, Figure("smallest p", table["smallest_p"].iloc[0])]


def _late_figures(table, *, most) -> list[Figure]:
    found = []
    for name in (*group_time.ESTIMANDS, "imputation"):
        found.append(mean(table[f"{name}:bias"], f"{name}, bias", low=-0.05, high=0.05))
        promise = {"low": 0.92, "high": most} if name != "imputation" else {}
        found.append(share(table[f"{name}:covered"], f"{name}, coverage", **promise))
    return [*found, mean(table["two_way:bias"], "two-way regression, bias")]


def _few():
    for spread, group in ((1.0, "false alarms, few units"), (2.0, "the treated vary twice as much")):
        for units, treated in FEW:
            promise = ALARMS if spread == 1 and (units, treated) in PROMISED else {}
            yield Cell(group, f"{units}/{treated}", partial(few, units=units, treated=treated, spread=spread),
                       partial(_few_figures, promise=promise))  # fmt: skip


def _seconds(table) -> list[Figure]:
    return [Figure("alone", table["alone"].median(), high=MOST_SECONDS),
            Figure("with imputation", table["with imputation"].median())]  # fmt: skip


CELLS = (
    *_few(),
    *(
        Cell("staggered starts", row, partial(late, never=never, size=size),
             partial(_late_figures, most=0.97 if size > 3 else 0.99), batch=100)  # three a group: on the safe side
        for row, (never, size) in PANELS.items()
    ),
    Cell("uniform band", "40 a group, 40 never", bands, lambda table: [share(table["covered"], "coverage")],
         runs=500, batch=25),
    Cell("seconds", "200 units x 60 periods, 999 draws", timed, _seconds, runs=1),
)  # fmt: skip
