"""Counts and shares interrupted by a measure: quasi-Poisson, negative binomial (NB2) and quasi-binomial regression.

Coefficients are those of the generalised linear model of statsmodels; dispersion is always estimated and never taken
below 1. Their covariance is widened for autocorrelation: Pearson residuals, in the weighted linear regression that the
model comes to at its solution, follow the autoregression of ``autoregression`` (REML); the covariance is
B A'RA B times the dispersion, A the weighted design, B the inverse of A'A, R the correlation fitted. Without
autocorrelation this is the quasi-likelihood covariance. Limits are t on effective degrees of freedom, on the scale of
the link (log, logit), so that a share stays between 0 and 1.

References: McCullagh & Nelder (1989) Generalized Linear Models, ch. 9; Zeger (1988) Biometrika 75:621 (widening).
Checked against the published Sicily series (Lopez Bernal et al. 2017); coverage: ``benchmarks/effects.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from sqlib.errors import MethodRefused
from sqlib.methods import autoregression, interruption, serial_details
from sqlib.methods.effect import Effect
from sqlib.methods.samples import t_value

FAMILIES = ("poisson", "negative_binomial", "binomial")
RARE = 5.0  # events a period under which time between events says more
ALPHAS = (-12.0, 4.0)  # log of the NB2 dispersion sought


@dataclass(frozen=True)
class CountFit:
    """``coefficients`` (p,); ``plain``: quasi-likelihood covariance; ``covariance``: widened; ``errors``: the
    autoregression of the Pearson ``residual`` (n,; NaN = not used); ``dispersion`` (Pearson) and ``alpha`` (NB2; 0
    elsewhere); ``scores`` (n, p) and ``bread`` (p, p), for Newey-West."""

    coefficients: np.ndarray
    plain: np.ndarray
    covariance: np.ndarray
    errors: autoregression.Fit
    residual: np.ndarray
    dispersion: float
    alpha: float
    scores: np.ndarray
    bread: np.ndarray


def estimate(y, start, family, denominator, options, confidence=0.95) -> Effect:
    """Effect on counts or shares; called by :func:`sqlib.methods.interrupted_time_series.estimate`.

    ``effect``: mean (rate, share) after the start less the one expected without the measure, both as fitted and over
    all denominators; its limits come from those of the log ratio (log odds ratio) on the level expected, so that effect
    and percent agree and no limit lies beyond "all gone" (or beyond all of them).
    ``details`` adds ratio (rate ratio, or odds ratio), ratio_unwidened (normal limits, no autocorrelation),
    dispersion, alpha; its coefficients are on the scale of the link.

    Raises MethodRefused: count_series.unknown_family, .negative, .not_whole, .no_denominator, .too_many,
    .none_happened.
    """
    values, size = read(y, family, denominator)
    design = interruption.design(len(values), start, observed=~np.isnan(values), **options)
    used = interruption.masked(values, start, options["wash_in"])
    _require_events(used, size, design, family)
    fitted = fit(used, design.matrix, family, size)
    change, gradient, level = _contrast(fitted.coefficients, design, size, ~np.isnan(used), family)
    se, plain = (float(np.sqrt(gradient @ part @ gradient)) for part in (fitted.covariance, fitted.plain))
    df = float(fitted.errors.df[0])
    t, z = t_value(1 - confidence, df), t_value(1 - confidence, np.inf)
    moved = np.array([change, change - t * se, change + t * se])
    without = float(_inverse(_link(level, family) - change, family))
    effect, low, high = _inverse(_link(without, family) + moved, family) - without
    percent, percent_low, percent_high = np.array([effect, low, high]) / without
    seen = ~np.isnan(used)
    ratios = [serial_details.row("ratio", *np.exp(moved)),
              serial_details.row("ratio_unwidened", *np.exp(change + z * plain * np.array([0, -1, 1])))]  # fmt: skip
    return Effect(
        design="its_counts", estimand=interruption.ESTIMANDS[options["shape"]], effect=float(effect),
        se=se * float(_slope(without, family)), df=df, low=float(low), high=float(high),
        p_value=float(serial_details.p_value(change / se, df)), percent=float(percent),
        percent_low=float(percent_low), percent_high=float(percent_high), n_before=int(seen[:start].sum()),
        n_after=int(seen[design.first :].sum()), treated=1, compared=0, confidence=confidence,
        path=_path(values, size, design, fitted, family, t),
        details=pd.DataFrame(ratios + _details(fitted, design, gradient, confidence)),
        cautions=_cautions(values, used, design, fitted, options["trend"]),
    )  # fmt: skip


def read(y, family, denominator) -> tuple[np.ndarray, np.ndarray]:
    """Counts and denominators as floats; NaN where either is missing or the denominator is 0."""
    if family not in FAMILIES:
        raise MethodRefused("count_series.unknown_family", got=family, known=", ".join(("gaussian", *FAMILIES)))
    values = interruption.series(y)
    if np.nanmin(values, initial=0.0) < 0:
        raise MethodRefused("count_series.negative", got=float(np.nanmin(values)))
    if np.nanmax(np.abs(values - np.round(values)), initial=0.0) > 1e-6:
        raise MethodRefused("count_series.not_whole", got=float(values[values != np.round(values)][0]))
    if denominator is None and family == "binomial":
        raise MethodRefused("count_series.no_denominator", got=None, periods=len(values))
    size = np.ones(len(values)) if denominator is None else interruption.series(denominator)
    if len(size) != len(values) or np.nanmin(size) < 0:
        raise MethodRefused("count_series.no_denominator", got=len(size), periods=len(values))
    values = np.where(size > 0, values, np.nan)
    if family == "binomial" and (values > size).any():
        raise MethodRefused(
            "count_series.too_many", got=int(np.nanmax(values - size)), period=int(np.argmax(values > size))
        )
    return values, size


def fit(used, matrix, family, size) -> CountFit:
    """Fit counts ``used`` (n,; NaN = not used) out of, or per, ``size`` (n,) on ``matrix`` (n, p)."""
    seen = ~np.isnan(used)
    alpha = _alpha(used[seen], matrix[seen], size[seen]) if family == "negative_binomial" else 0.0
    found = _glm(used[seen], matrix[seen], family, size[seen], alpha)
    coefficients = np.asarray(found.params)
    mean, spread, slope = _moments(matrix @ coefficients, family, size, alpha)
    weighted = np.where(seen[:, None], matrix * (slope / np.sqrt(spread))[:, None], 0.0)
    residual = np.where(seen, (used - mean) / np.sqrt(spread), np.nan)
    bread = np.linalg.inv(weighted.T @ weighted)
    dispersion = float(np.nansum(residual**2) / (seen.sum() - matrix.shape[1]))
    errors = autoregression.fit(residual, weighted)
    from scipy.linalg import matmul_toeplitz

    lags = autoregression.lags(float(errors.phi[0]), float(errors.phi_2[0]), len(used))
    middle = weighted.T @ matmul_toeplitz(lags, weighted)
    covariance = max(float(errors.variance[0]), dispersion, 1.0) * bread @ middle @ bread
    scores = weighted * np.nan_to_num(residual)[:, None]
    return CountFit(coefficients, dispersion * bread, covariance, errors, residual, dispersion, alpha, scores, bread)


def _glm(values, matrix, family, size, alpha):
    import statsmodels.api as sm

    if family == "binomial":
        return sm.GLM(np.column_stack([values, size - values]), matrix, family=sm.families.Binomial()).fit()
    kind = sm.families.NegativeBinomial(alpha=alpha) if alpha > 0 else sm.families.Poisson()
    return sm.GLM(values, matrix, family=kind, offset=np.log(size)).fit()


def _alpha(values, matrix, size) -> float:
    """NB2 dispersion by maximum likelihood."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log_alpha: -_glm(values, matrix, "negative_binomial", size, np.exp(log_alpha)).llf,
        bounds=ALPHAS, method="bounded", options={"xatol": 1e-4},
    )  # fmt: skip
    return float(np.exp(found.x))


def _moments(linear, family, size, alpha):
    """Mean, variance at dispersion 1 and slope of the mean along the link, of each count."""
    size = np.where(size > 0, size, 1.0)  # a period without denominator is not used
    if family == "binomial":
        share = special.expit(linear)
        spread = size * share * (1 - share)
        return size * share, spread, spread
    mean = size * np.exp(linear)
    return mean, mean + alpha * mean**2, mean


def _contrast(coefficients, design, size, seen, family):
    """Change on the scale of the link, its gradient, and the level under the measure; over the periods used after."""
    weight = np.where(seen, size, 0.0)[design.first :]
    weight = weight / weight.sum()
    level, steep = _level(coefficients, design.full, weight, family)
    base, base_steep = _level(coefficients, design.without[design.first :], weight, family)
    return float(_link(level, family) - _link(base, family)), steep - base_steep, level


def _level(coefficients, rows, weight, family):
    """Weighted mean of the fitted rates, and the gradient of its link."""
    rate = _inverse(rows @ coefficients, family)
    level = float(weight @ rate)
    return level, (weight * _slope(rate, family)) @ rows / _slope(level, family)


def _link(rate, family):
    return special.logit(rate) if family == "binomial" else np.log(rate)


def _inverse(linear, family):
    return special.expit(linear) if family == "binomial" else np.exp(linear)


def _slope(rate, family):
    return rate * (1 - rate) if family == "binomial" else rate


def _path(values, size, design, fitted, family, t):
    linear = design.without @ fitted.coefficients
    half = t * np.sqrt(np.einsum("ni,ij,nj->n", design.without, fitted.covariance, design.without))
    low, middle, high = (_inverse(linear + side * half, family) for side in (-1, 0, 1))
    observed = values / np.where(size > 0, size, np.nan)
    columns = {"time": np.arange(len(values)), "observed": observed, "expected": middle, "low": low, "high": high}
    return pd.DataFrame(columns)


def _details(fitted, design, gradient, confidence):
    rows = serial_details.of_errors(fitted.errors, fitted.residual, confidence)
    df = float(fitted.errors.df[0])
    rows += serial_details.of_coefficients(design.names, fitted.coefficients, fitted.covariance, df, confidence)
    lag = serial_details.usual_lag(int(np.isfinite(fitted.residual).sum()))
    newey = serial_details.newey_west(fitted.scores, fitted.bread, lag)
    named = {"dispersion": fitted.dispersion, "alpha": fitted.alpha, "harmonics": design.harmonics,
             "ordinary_se": np.sqrt(gradient @ fitted.plain @ gradient),
             "newey_west_se": np.sqrt(gradient @ newey @ gradient)}  # fmt: skip
    return rows + [serial_details.row(name, value) for name, value in named.items()]


def _cautions(values, used, design, fitted, trend):
    means = np.nanmean(used[: design.start]), np.nanmean(used[design.first :])
    holds = serial_details.cautions(fitted.errors, fitted.residual) | {
        "missing_periods": np.isnan(values).any(),
        "no_trend": not trend,
        "rare_events": min(means) < RARE,
        "dose_not_reached": interruption.short_of_full(design),
    }
    return tuple(code for code, true in holds.items() if true)


def _require_events(used, size, design, family):
    """Without any event before, or after, no ratio can be estimated; nor where everything happened."""
    for part in (slice(None, design.start), slice(design.first, None)):
        happened, possible = np.nansum(used[part]), np.nansum(np.where(np.isnan(used[part]), np.nan, size[part]))
        if happened == 0 or (family == "binomial" and happened == possible):
            raise MethodRefused(
                "count_series.none_happened", got=int(happened), periods=int((~np.isnan(used[part])).sum())
            )
