"""The design of an interrupted time series: level, trend, season, calendar terms and the shape of the measure."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused

MOST_PERIODS = 1500  # nobody records a service indicator that long: the grid is too fine
FEWEST_BEFORE, FEWEST_AFTER = 8, 4  # periods observed: with less a control chart is all that can be drawn
LEAST_SPARE = 4  # periods beyond the coefficients
MOST_HARMONICS = 3
PERIODS_A_HARMONIC = 18
NEARLY = 0.8
ESTIMANDS = {"level": "level", "level_slope": "mean_after", "ramp": "end_of_ramp", "exposure": "full_exposure"}


@dataclass(frozen=True)
class Design:
    """``matrix`` (n, p) with column ``names``; ``measure`` (p,): which columns are the measure's; ``start``; ``first``:
    the period after the wash-in; ``full`` (n - first, p): rows after the start under the measure the estimand speaks
    of; ``harmonics``: pairs of sine and cosine."""

    matrix: np.ndarray
    names: tuple[str, ...]
    measure: np.ndarray
    start: int
    first: int
    full: np.ndarray
    harmonics: int

    @property
    def without(self) -> np.ndarray:
        """The design had the measure not been taken: (n, p)."""
        return np.where(self.measure, 0.0, self.matrix)


def series(y) -> np.ndarray:
    """Values (n,) as floats; a dated series must be regular. NaN = missing; infinite values and text are refused."""
    _require_regular(y)
    try:
        values = np.asarray(y, dtype=float)
    except (TypeError, ValueError):
        raise MethodRefused("interrupted_time_series.not_finite", got=str(y)[:60]) from None
    if values.ndim != 1 or np.isinf(values).any():
        raise MethodRefused("interrupted_time_series.not_finite", got=f"{values.ndim}D, {np.isinf(values).sum()} inf")
    return values


def design(n, start, *, shape="level", trend=True, season=None, harmonics="auto", terms=None, exposure=None,
           ramp=None, wash_in=0, observed=None, both_sides=False) -> Design:  # fmt: skip
    """Design of ``n`` periods; arguments as :func:`sqlib.methods.interrupted_time_series.estimate`; ``observed`` (n,)
    tells which periods have a value.

    Raises MethodRefused: interrupted_time_series.too_many_points (above 1,500), .bad_wash_in (below 0),
    .start_outside, .too_few, .unknown_shape, .no_ramp, .bad_exposure, .two_seasons, .bad_terms, .too_many_terms,
    .collinear.
    """
    if n > MOST_PERIODS:
        raise MethodRefused("interrupted_time_series.too_many_points", got=n, most=MOST_PERIODS)
    if not isinstance(wash_in, Integral) or wash_in < 0:
        raise MethodRefused("interrupted_time_series.bad_wash_in", got=wash_in)
    if not isinstance(start, Integral) or not 0 < start < n:
        raise MethodRefused("interrupted_time_series.start_outside", got=start, last=n - 1)
    first = start + wash_in
    used = _used(n, start, first, observed)
    before, after = int(used[:start].sum()), int(used[first:].sum())
    if before < FEWEST_BEFORE or after < FEWEST_AFTER:
        raise MethodRefused("interrupted_time_series.too_few", before=before, after=after,
                            least_before=FEWEST_BEFORE, least_after=FEWEST_AFTER)  # fmt: skip
    time = np.arange(n, dtype=float)
    columns = {"level": np.ones(n)}
    if trend:
        columns["trend"] = time - time.mean()
    pairs = _pairs(season, harmonics, used, start, both_sides)
    columns |= _waves(time, season, pairs) | _calendar(terms, n)
    taken = _measure(time, start, shape, exposure, ramp)
    matrix = np.column_stack([*columns.values(), *taken.values()])
    names = (*columns, *taken)
    measure = np.arange(len(names)) >= len(columns)
    _require_rank(matrix[used], names)
    full = matrix[first:].copy()
    if shape in ("ramp", "exposure"):
        full[:, -1] = 1.0
    return Design(matrix, names, measure, int(start), int(first), full, pairs)


def masked(values: np.ndarray, start: int, wash_in: int) -> np.ndarray:
    """The values with the wash-in left out: its periods stay on the grid and tell nothing of the effect."""
    values = np.array(values, dtype=float)
    values[..., start : start + wash_in] = np.nan
    return values


def short_of_full(design: Design) -> bool:
    """Is the full dose the estimand speaks of never nearly reached?"""
    return design.names[-1] in ("exposure", "ramp") and design.matrix[:, -1].max() < NEARLY


def _used(n, start, first, observed):
    used = np.ones(n, dtype=bool) if observed is None else np.array(observed, dtype=bool)
    used[start:first] = False
    return used


def _measure(time, start, shape, exposure, ramp) -> dict[str, np.ndarray]:
    since = time - start
    step = (since >= 0).astype(float)
    match shape:
        case "level":
            return {"step": step}
        case "level_slope":
            return {"step": step, "slope": step * since}
        case "ramp":
            if not isinstance(ramp, Integral) or not 2 <= ramp <= len(time) - start:
                raise MethodRefused("interrupted_time_series.no_ramp", got=ramp, most=len(time) - start)
            return {"ramp": np.clip((since + 1) / ramp, 0, 1)}
        case "exposure":
            return {"exposure": _exposure(exposure, start, len(time))}
    raise MethodRefused("interrupted_time_series.unknown_shape", got=shape, known=", ".join(ESTIMANDS))


def _exposure(exposure, start, n):
    share = np.asarray([] if exposure is None else exposure, dtype=float)
    if len(share) != n or not ((share >= 0) & (share <= 1)).all() or share[:start].any() or not share.any():
        raise MethodRefused("interrupted_time_series.bad_exposure", got=len(share), periods=n)
    return share


def _pairs(season, harmonics, used, start, both_sides) -> int:
    if season is None:
        return 0
    seen, whole = np.flatnonzero(used[:start]), np.flatnonzero(used)
    early, all_in_all = (part[-1] - part[0] + 1 for part in (seen, whole))
    enough = early >= 2 * season or (both_sides and early >= season and all_in_all >= 2 * season)
    if season < 2 or not enough:
        raise MethodRefused("interrupted_time_series.two_seasons", before=start, season=season)
    most = int(season // 2)
    if harmonics == "auto":
        return min(most, MOST_HARMONICS, max(1, int(used.sum()) // PERIODS_A_HARMONIC))
    return min(most, int(harmonics))


def _waves(time, season, pairs) -> dict[str, np.ndarray]:
    columns = {}
    for k in range(1, pairs + 1):
        angle = 2 * np.pi * k * time / season
        columns[f"cosine_{k}"] = np.cos(angle)
        if 2 * k != season:  # the sine of the shortest wave is 0 throughout
            columns[f"sine_{k}"] = np.sin(angle)
    return columns


def _calendar(terms, n) -> dict[str, np.ndarray]:
    if terms is None:
        return {}
    if not isinstance(terms, (pd.DataFrame, pd.Series)):
        values = np.asarray(terms)
        terms = pd.DataFrame(values.reshape(len(values), -1))
    table = pd.DataFrame(terms)
    values = table.to_numpy(dtype=float)
    if len(values) != n or not np.isfinite(values).all():
        raise MethodRefused("interrupted_time_series.bad_terms", got=len(values), periods=n)
    return {f"term:{name}": values[:, k] for k, name in enumerate(table.columns)}


def _require_rank(matrix, names):
    rows, p = matrix.shape
    if rows < p + LEAST_SPARE:
        raise MethodRefused("interrupted_time_series.too_many_terms", rows=rows, terms=p, least=p + LEAST_SPARE)
    size = np.linalg.norm(matrix, axis=0)
    root = np.abs(np.diag(np.linalg.qr(matrix / np.where(size > 0, size, 1.0), mode="r")))
    if root.min() < 1e-7:
        raise MethodRefused("interrupted_time_series.collinear", got=names[int(root.argmin())])


def _require_regular(y):
    index = getattr(y, "index", None)
    if isinstance(index, pd.DatetimeIndex):
        regular = len(index) < 3 or pd.infer_freq(index) is not None
    elif isinstance(index, pd.PeriodIndex):
        regular = (np.diff(index.asi8) == 1).all()
    else:
        return
    if not regular:
        raise MethodRefused("interrupted_time_series.irregular", got=f"{index[0]} … {index[-1]}", periods=len(index))
