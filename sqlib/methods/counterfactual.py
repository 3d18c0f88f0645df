"""Counterfactual forecast: what an indicator would have shown after the start, from its own past and its controls.

Level, season (sine and cosine pairs), controls and noise are learnt before the start only and carried on by the
controls' later values (``local_level``: the level walks; how much of the noise is drift, and whether the noise is
autocorrelated, is integrated out, not guessed). The effect is the mean of what was observed less what was expected.
The controls must not be touched by the measure: nothing in the data can show that.

Reference: Brodersen et al. (2015) Annals of Applied Statistics 9:247 (the model; here without drawing). Checked against
the published bsts figures of its toy series and statsmodels UnobservedComponents; coverage:
``benchmarks/effects.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import interruption, local_level, serial_details
from sqlib.methods.effect import Effect
from sqlib.methods.samples import t_value

FLAT = 1e-9  # residual share of the spread under which there is no noise to judge by
ROUNDING = 1e-12  # of the values
LEAST_SPARE = 4  # periods before the start beyond the coefficients
DRAWN = 0.01  # share of the largest weight under which a grid point does not shape the path
DRIFTS = 0.25  # ratio of the level's step to the noise from which the forecast is mostly drift
THIRDS = ("first_third", "last_third", "fading")
COLUMNS = ["effect", "se", "df", "low", "high", "p_value"]


@dataclass(frozen=True)
class Forecast:
    """``posterior`` of the time before; ``values`` (N,); ``design`` of all periods without the measure: columns
    ``names``; ``start``; ``after``: periods with a value under the measure; ``pairs`` of waves."""

    posterior: local_level.Posterior
    values: np.ndarray
    matrix: np.ndarray
    names: tuple[str, ...]
    start: int
    after: np.ndarray
    pairs: int

    def effects(self, weights) -> tuple[local_level.Mixture, np.ndarray]:
        """Distribution of what was expected of each row of ``weights`` (k, after) over the periods after, and what was
        observed (k,)."""
        over = np.zeros((len(weights), len(self.values)))
        over[:, self.after] = weights
        target = local_level.Target(over, over, np.zeros(len(over)))
        return self.posterior.forecast(target), weights @ self.values[self.after]


def estimate(
    y, start, *, controls=None, season=None, harmonics="auto", trend=False, wash_in=0, confidence=0.95
) -> Effect:
    """Mean effect after the start of a measure, against a forecast from before it.

    Parameters
    ----------
    y : (n,) values, one a period; NaN = missing; a dated series must be regular
    start : first period under the measure; ``wash_in`` periods from there on count neither before nor after
    controls : frame or (n, k), complete: series the measure does not touch (other branches, the market, temperature)
    season : periods a year or week; needs two whole seasons before. ``harmonics``: pairs, or "auto"
    trend : a straight trend beside the walking level; without it the level goes on where it stood

    Returns Effect (estimand ``mean_after``). ``se``: standard deviation of the posterior; ``p_value``: twice its
    smaller tail at 0. ``percent``: of the expected mean, limits exact; NaN where a value is negative or the expected
    mean may be 0. ``path``: expected, with limits for the value of a single period. ``details``: level_ratio (step of
    the level over the noise; mean, limits of the grid), phi, autocorrelated (probability of AR(1) noise), noise,
    ljung_box_p of one-step errors before the start, harmonics, first_third, last_third, fading (last less first),
    trend_before (a period; also where not in the model), term:<control>. ``cautions`` among missing_periods,
    trend_before, residual_autocorrelation, level_drifts, no_controls.

    Raises MethodRefused: interrupted_time_series.not_finite, .irregular, .start_outside, .too_few (8 before, 4 after),
    .two_seasons, .bad_terms; counterfactual.too_many_terms, .collinear, .no_noise.
    """
    forecast = _learn(y, start, controls, season=season, harmonics=harmonics, trend=trend, wash_in=wash_in)
    expected, observed = forecast.effects(_means(forecast))
    row = _row(expected, observed, confidence)
    details = _details(forecast, confidence)
    return Effect(
        design="counterfactual", estimand="mean_after", **row, **_percent(forecast, row, float(observed[0])),
        n_before=len(forecast.posterior.seen), n_after=len(forecast.after), treated=1,
        compared=sum(name.startswith("term:") for name in forecast.names), confidence=confidence,
        path=_path(forecast, confidence), details=details, cautions=_cautions(forecast, details, trend),
    )  # fmt: skip


def many(Y, start, *, controls=None, season=None, harmonics="auto", trend=False, wash_in=0, confidence=0.95):
    """The same estimate for the rows of ``Y`` (m, n), without path and details: effect, se, df, low, high, p_value.

    ``controls``: (n, k) shared by all, or (m, n, k). What concerns all rows is refused; a row that has too few values,
    no noise or a control of no use is NaN throughout.
    """
    values = np.atleast_2d(np.asarray(Y, dtype=float))
    interruption.series(np.where(np.isinf(values).any(axis=0), np.inf, 0.0))
    own = list(controls) if np.ndim(controls) == 3 else [controls] * len(values)
    options = {"season": season, "harmonics": harmonics, "trend": trend, "wash_in": wash_in}
    interruption.design(values.shape[1], start, terms=own[0], **options)
    rows = [_or_missing(y, start, own[i], options, confidence) for i, y in enumerate(values)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _or_missing(y, start, controls, options, confidence) -> dict[str, float]:
    try:
        forecast = _learn(y, start, controls, **options)
    except MethodRefused:
        return dict.fromkeys(COLUMNS, np.nan)
    return _row(*forecast.effects(_means(forecast)), confidence)


def _learn(y, start, controls, **options) -> Forecast:
    values = interruption.series(y)
    observed = ~np.isnan(values)
    design = interruption.design(len(values), start, terms=controls, observed=observed, **options)
    kept = ~design.measure
    matrix, names = design.matrix[:, kept], tuple(np.array(design.names)[kept])
    seen = np.flatnonzero(observed[:start])
    after = np.flatnonzero(observed & (np.arange(len(values)) >= design.first))
    _require(matrix[seen], names, values[seen])
    posterior = local_level.fit(values[seen], matrix, seen)
    return Forecast(posterior, values, matrix, names, int(start), after, design.harmonics)


def _require(matrix, names, values):
    """Can the time before alone carry the terms, and is there noise in it?"""
    rows, p = matrix.shape
    if rows < p + LEAST_SPARE:
        raise MethodRefused("counterfactual.too_many_terms", rows=rows, terms=p, least=p + LEAST_SPARE)
    size = np.linalg.norm(matrix, axis=0)
    basis, root = np.linalg.qr(matrix / np.where(size > 0, size, 1.0))
    pivots = np.abs(np.diag(root))
    if pivots.min() < 1e-7:
        raise MethodRefused("counterfactual.collinear", got=names[int(pivots.argmin())], rows=rows)
    spread = values - values.mean()
    rest = np.sum((spread - basis @ (basis.T @ spread)) ** 2)
    if rest <= max(FLAT * np.sum(spread**2), rows * (ROUNDING * np.abs(values).max()) ** 2):
        raise MethodRefused("counterfactual.no_noise", got=float(np.std(values)), rows=rows)


def _means(forecast) -> np.ndarray:
    return np.full((1, len(forecast.after)), 1 / len(forecast.after))


def _thirds(forecast) -> np.ndarray:
    """Weights of the mean of the first third after the start, of the last, and of the last less the first."""
    parts = np.array_split(np.arange(len(forecast.after)), 3)
    first, last = (np.isin(np.arange(len(forecast.after)), part) / len(part) for part in (parts[0], parts[2]))
    return np.array([first, last, last - first])


def _row(expected, observed, confidence) -> dict[str, float]:
    low, high = _limits(expected, observed, confidence)
    under = expected.below(observed)[0]
    figures = (observed - expected.mean)[0], expected.sd[0], expected.df, low[0], high[0], 2 * min(under, 1 - under)
    return dict(zip(COLUMNS, map(float, figures), strict=True))


def _limits(expected, observed, confidence):
    tail = (1 - confidence) / 2
    return observed - expected.quantile(1 - tail), observed - expected.quantile(tail)


def _percent(forecast, row, observed) -> dict[str, float]:
    """The observed mean is known, so limits of the expected mean are limits of the ratio."""
    if np.nanmin(forecast.values) < 0 or observed - row["high"] <= 0:
        return dict.fromkeys(("percent", "percent_low", "percent_high"), np.nan)
    names = {"percent": "effect", "percent_low": "low", "percent_high": "high"}
    return {name: observed / (observed - row[limit]) - 1 for name, limit in names.items()}


def _path(forecast, confidence) -> pd.DataFrame:
    """Limits from mean and spread of the mixture: they are drawn, never tested with."""
    n = len(forecast.values)
    later = np.arange(n) >= forecast.start
    target = local_level.Target(np.eye(n), np.diag(later.astype(float)), (~later).astype(float))
    expected = forecast.posterior.forecast(target, DRAWN)
    half = t_value(1 - confidence, expected.df) * expected.sd
    columns = {"time": np.arange(n), "observed": forecast.values, "expected": expected.mean}
    return pd.DataFrame(columns | {"low": expected.mean - half, "high": expected.mean + half})


def _details(forecast, confidence) -> pd.DataFrame:
    row, posterior = serial_details.row, forecast.posterior
    ratio, phi = posterior.weight.sum(axis=0), posterior.weight.sum(axis=1)
    shock = np.full(forecast.start, np.nan)
    shock[posterior.seen] = posterior.innovations()
    rows = [
        row("level_ratio", local_level.RATIOS @ ratio, *_on_grid(local_level.RATIOS, ratio, confidence)),
        row("phi", local_level.PHIS @ phi, *_on_grid(local_level.PHIS, phi, confidence)),
        row("autocorrelated", 1 - phi[0]),
        row("noise", posterior.noise()),
        row("ljung_box_p", serial_details.ljung_box(shock)[1]),
        row("harmonics", forecast.pairs),
    ]
    expected, observed = forecast.effects(_thirds(forecast))
    low, high = _limits(expected, observed, confidence)
    rows += [row(*each) for each in zip(THIRDS, observed - expected.mean, low, high, strict=True)]
    return pd.DataFrame([*rows, _trend(forecast, confidence), *_terms(forecast, confidence)])


def _on_grid(grid, weight, confidence):
    tail, below = (1 - confidence) / 2, np.cumsum(weight)
    return grid[np.searchsorted(below, tail)], grid[min(np.searchsorted(below, 1 - tail), len(grid) - 1)]


def _trend(forecast, confidence) -> dict:
    """Slope before the start a period, by the model with a straight trend."""
    posterior, names = forecast.posterior, forecast.names
    if "trend" not in names:
        time = np.arange(len(forecast.values), dtype=float)
        matrix = np.column_stack([forecast.matrix, time - time[posterior.seen].mean()])
        posterior = local_level.fit(forecast.values[posterior.seen], matrix, posterior.seen)
        names = (*names, "trend")
    return serial_details.row("trend_before", *_coefficients(posterior, names, confidence)["trend"])


def _terms(forecast, confidence) -> list[dict]:
    found = _coefficients(forecast.posterior, forecast.names, confidence)
    return [serial_details.row(name, *each) for name, each in found.items() if name.startswith("term:")]


def _coefficients(posterior, names, confidence) -> dict[str, tuple]:
    """Mean and limits of every coefficient, from mean and spread of the mixture."""
    mixture = posterior.coefficients()
    half = t_value(1 - confidence, mixture.df) * mixture.sd
    columns = mixture.mean, mixture.mean - half, mixture.mean + half
    return {name: tuple(map(float, each)) for name, *each in zip(names, *columns, strict=True)}


def _cautions(forecast, details, trend) -> tuple[str, ...]:
    figure = details.set_index("name")
    slope = figure.loc["trend_before"]
    holds = {
        "missing_periods": np.isnan(forecast.values).any(),
        "trend_before": not trend and not slope["low"] <= 0 <= slope["high"],
        "residual_autocorrelation": figure.loc["ljung_box_p", "estimate"] < 0.05,
        "level_drifts": figure.loc["level_ratio", "estimate"] >= DRIFTS,
        "no_controls": not any(name.startswith("term:") for name in forecast.names),
    }
    return tuple(code for code, true in holds.items() if true)
