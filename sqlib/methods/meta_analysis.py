"""One answer from several places: random-effects meta-analysis with Hartung-Knapp limits and a prediction interval.

The variance between places is found by restricted maximum likelihood or by Paule and Mandel's moments. The limits of
the mean carry what a few places leave open about that variance and are never narrower than those of a mean with known
variances. The prediction interval is that of the true effect in a further place.

References: Viechtbauer (2005) J Educ Behav Stat 30:261 (REML); Paule & Mandel (1982) J Res NBS 87:377; Hartung & Knapp
(2001) Stat Med 20:3875; Jackson, Law, Ruecker & Schwarzer (2017) Stat Med 36:3923 (the floor); Nagashima,
Noma & Furukawa (2019) Stat Methods Med Res 28:1689 (prediction); Viechtbauer (2007) Stat Med 26:37 (limits of the
variance). Checked against metafor on the thirteen BCG vaccine trials; coverage: ``benchmarks/effects.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods.samples import t_value

FEWEST_TO_PREDICT, FEWEST_TO_SHRINK = 3, 3
LEVELS, DRAWS_A_LEVEL = 200, 100


@dataclass(frozen=True)
class MetaResult:
    """``estimate`` (mean over places) with ``se``, ``df``, ``low``, ``high``; ``tau2`` (variance between places) with
    limits; ``i2`` (its share of the variance of a typical place); ``q``, ``q_p`` (are all the same?);
    ``prediction_low``, ``prediction_high`` (of the true effect in a further place; NaN under three places).

    ``table``, one row a place, in the order given: estimate, se, weight (share), shrunk, shrunk_low, shrunk_high
    (towards the mean; under three places nothing can be learnt from the others: as estimated).
    """

    estimate: float
    se: float
    df: float
    low: float
    high: float
    tau2: float
    tau2_low: float
    tau2_high: float
    i2: float
    q: float
    q_p: float
    prediction_low: float
    prediction_high: float
    places: int
    confidence: float
    table: pd.DataFrame


def meta_analysis(estimates, errors, *, method="reml", floor=True, confidence=0.95) -> MetaResult:
    """Mean effect over places, each with its estimate and standard error (k,).

    ``method``: reml | paule_mandel; ``floor`` False leaves the Hartung-Knapp error as it is, which with few places that
    happen to agree is far too small.

    Raises MethodRefused: meta_analysis.too_few (under two places), .bad_error, .unknown_method.
    """
    from scipy.special import chdtrc

    y, se = (np.asarray(part, dtype=float) for part in (estimates, errors))
    if len(y) < 2:
        raise MethodRefused("meta_analysis.too_few", got=len(y))
    if not (np.isfinite(y).all() and np.isfinite(se).all() and (se > 0).all()):
        raise MethodRefused("meta_analysis.bad_error", got=int((~(np.isfinite(y) & np.isfinite(se) & (se > 0))).sum()))
    if method not in _METHODS:
        raise MethodRefused("meta_analysis.unknown_method", got=method, known=", ".join(_METHODS))
    v, df = se**2, len(y) - 1
    tau2, q = float(_METHODS[method](y, v)), _q(0.0, y, v)
    weight = 1 / (v + tau2)
    mean = float(weight @ y / weight.sum())
    spread = _q(tau2, y, v) / df
    error = float(np.sqrt((max(spread, 1.0) if floor else spread) / weight.sum()))
    half = float(t_value(1 - confidence, df)) * error
    ahead = prediction(y, se, confidence=confidence) if len(y) >= FEWEST_TO_PREDICT else (np.nan, np.nan)
    low, high = _tau2_limits(y, v, confidence)
    typical = df * (1 / v).sum() / ((1 / v).sum() ** 2 - (1 / v**2).sum())
    shrunk = _shrunk(y, v, tau2, mean, error, confidence)
    table = pd.DataFrame({"estimate": y, "se": se, "weight": weight / weight.sum()} | shrunk)
    return MetaResult(mean, error, float(df), mean - half, mean + half, tau2, low, high, float(tau2 / (tau2 + typical)),
                      float(q), float(chdtrc(df, q)), *ahead, len(y), confidence,
                      table)  # fmt: skip


def prediction(estimates, errors, *, se=0.0, confidence=0.95) -> tuple[float, float]:
    """Limits of the true effect in a further place, or of its estimate with standard error ``se``.

    The variance between places is drawn from what Q tells of it (seeded), as one best value would promise too much.
    Raises MethodRefused: meta_analysis.too_few_to_predict (under three places).
    """
    from scipy.special import chdtri

    y, v = np.asarray(estimates, dtype=float), np.asarray(errors, dtype=float) ** 2
    if len(y) < FEWEST_TO_PREDICT:
        raise MethodRefused("meta_analysis.too_few_to_predict", got=len(y), least=FEWEST_TO_PREDICT)
    df, levels = len(y) - 1, (np.arange(LEVELS) + 0.5) / LEVELS
    tau2 = _reaching_all(chdtri(df, levels), y, v)[:, None]
    weight = 1 / (v + tau2)
    mean = (weight @ y / weight.sum(axis=1))[:, None]
    error = np.sqrt((weight * (y - mean) ** 2).sum(axis=1) / df / weight.sum(axis=1))[:, None]
    rng, shape = np.random.default_rng(0), (LEVELS, DRAWS_A_LEVEL)
    ahead = mean + error * rng.standard_t(df, shape) + np.sqrt(tau2 + se**2) * rng.standard_normal(shape)
    low, high = np.quantile(ahead, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _q(tau2, y, v) -> float:
    """Weighted sum of squares about the weighted mean."""
    weight = 1 / (v + tau2)
    return float(weight @ (y - weight @ y / weight.sum()) ** 2)


def _paule_mandel(y, v) -> float:
    return _reaching(len(y) - 1, y, v)


def _reml(y, v) -> float:
    """Peak of the restricted likelihood, sought on a grid first: it may have two."""
    from scipy.optimize import minimize_scalar

    def loss(root):
        weight = 1 / (v + root**2)
        return (-np.log(weight).sum() + np.log(weight.sum()) + _q(root**2, y, v)) / 2

    grid = np.linspace(0, 3 * np.sqrt(np.ptp(y) ** 2 + v.max()), 200)
    best = int(np.argmin([loss(root) for root in grid]))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    root = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9 * grid[-1]}).x
    return 0.0 if loss(0.0) <= loss(root) else root**2


_METHODS = {"reml": _reml, "paule_mandel": _paule_mandel}


def _reaching(target, y, v) -> float:
    """The variance between places at which Q is ``target``; 0 where it is less from the start."""
    from scipy.optimize import brentq

    if _q(0.0, y, v) <= target:
        return 0.0
    top = float(np.ptp(y) ** 2 + v.max())
    while _q(top, y, v) > target:
        top *= 4
    return brentq(lambda tau2: _q(tau2, y, v) - target, 0.0, top, xtol=1e-14 * top)


def _reaching_all(targets, y, v) -> np.ndarray:
    """The same for many targets at once, from a grid down from the variance that reaches the least of them."""
    top = max(_reaching(targets.min(), y, v), 1e-12)
    tau2 = np.append(top * np.geomspace(1, 1e-8, 400), 0.0)
    weight = 1 / (v + tau2[:, None])
    mean = (weight @ y / weight.sum(axis=1))[:, None]
    return np.interp(targets, (weight * (y - mean) ** 2).sum(axis=1), tau2)  # beyond the end: no variance between


def _tau2_limits(y, v, confidence) -> tuple[float, float]:
    from scipy.special import chdtri

    alpha, df = 1 - confidence, len(y) - 1
    return float(_reaching(chdtri(df, alpha / 2), y, v)), float(_reaching(chdtri(df, 1 - alpha / 2), y, v))


def _shrunk(y, v, tau2, mean, error, confidence) -> dict[str, np.ndarray]:
    """Empirical Bayes towards the mean, whose own error it carries, and that of tau2 (Morris 1983, JASA 78:47)."""
    k = len(y)
    if k < FEWEST_TO_SHRINK:
        half = t_value(1 - confidence, np.inf) * np.sqrt(v)
        return {"shrunk": y, "shrunk_low": y - half, "shrunk_high": y + half}
    pull = (k - 3 if k > 3 else 1) / (k - 1 if k > 3 else 2) * v / (v + tau2)
    doubt = 2 / max(k - 3, 1) * pull**2 * (v.mean() + tau2) / (v + tau2) * (y - mean) ** 2
    half = t_value(1 - confidence, np.inf) * np.sqrt(v * (1 - pull) + (pull * error) ** 2 + doubt)
    shrunk = mean + (1 - pull) * (y - mean)
    return {"shrunk": shrunk, "shrunk_low": shrunk - half, "shrunk_high": shrunk + half}
