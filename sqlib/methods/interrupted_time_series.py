"""Interrupted time series: what an indicator did from the start of a measure on, against its own past.

Level, trend, season (sine and cosine pairs) and calendar terms go on as before; the measure adds a step, a step and a
slope, a ramp or a dose. Errors are autoregressive (``autoregression``: REML, t on effective degrees of freedom);
counts and shares go through ``count_series``. Wash-in periods are left out and stay on the grid, as missing ones do.

References: Wagner et al. (2002) J Clin Pharm Ther 27:299; Lopez Bernal, Cummins & Gasparrini (2017) Int J Epidemiol
46:348. Checked against dense REML by scipy, GLSAR, SARIMAX and GLM of statsmodels, and the published Sicily series;
coverage: ``benchmarks/effects.py``. Newey-West stands in the details only: its interval covers too little.
"""

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import autoregression, count_series, interruption, serial_details
from sqlib.methods.effect import Effect
from sqlib.methods.samples import t_value

FLAT = 1e-9  # residual share of the variance under which there is no noise to judge by


def estimate(y, start, *, shape="level", trend=True, season=None, harmonics="auto", terms=None, exposure=None,
             ramp=None, family="gaussian", denominator=None, wash_in=0, both_sides=False,
             confidence=0.95) -> Effect:  # fmt: skip
    """Effect of a measure that starts at period ``start`` on one regular series.

    Parameters
    ----------
    y : (n,) values, one a period; NaN = missing; a dated series must be regular
    start : first period under the measure; ``wash_in`` periods from there on are left out of the estimate
    shape : level | level_slope (estimand: mean effect after the start; its end is in the details) | ramp (full after
        ``ramp`` periods) | exposure (``exposure`` (n,): share reached, 0..1; estimand: all reached)
    trend : False declares that there was none before
    season : periods a year or week; needs two whole seasons before (``both_sides``: one before and two in all, so that
        what comes after the start helps to tell the season). ``harmonics``: pairs, or "auto"
    terms : calendar columns, n rows (holidays, working days)
    family : gaussian | poisson (quasi) | negative_binomial | binomial (quasi; ``y`` counts out of ``denominator``).
        A ``denominator`` makes counts rates, and the effect is in units of the rate.

    Returns Effect. ``path``: the level expected without the measure, with limits of that level. ``percent``: Fieller
    limits; NaN where a value is negative or the level may be 0. ``details``: phi, phi_2, noise, ljung_box_p,
    ljung_box_raw_p (before whitening), lag_1..12 (after), trend, season_share, harmonics, step, slope, end,
    newey_west_se, ordinary_se, term:<name>.
    ``cautions`` among autocorrelation (widens the interval), residual_autocorrelation (left),
    strong_autocorrelation, few_degrees_of_freedom, missing_periods, no_trend, flat_before, dose_not_reached, and of
    counts rare_events.

    Raises MethodRefused: interrupted_time_series.* (see :func:`sqlib.methods.interruption.design`), .not_finite,
    .irregular, .no_noise; count_series.*.
    """
    values = interruption.series(y)
    options = {"shape": shape, "trend": trend, "season": season, "harmonics": harmonics, "terms": terms,
               "exposure": exposure, "ramp": ramp, "wash_in": wash_in, "both_sides": both_sides}  # fmt: skip
    if family != "gaussian":
        return count_series.estimate(values, start, family, denominator, options, confidence)
    design = interruption.design(len(values), start, observed=~np.isnan(values), **options)
    used = interruption.masked(values, start, wash_in)
    fitted = autoregression.fit(used, design.matrix)
    _require_noise(fitted, used)
    after = (design.full - design.without[design.first :]).mean(axis=0)
    effect, se = (float(part[0]) for part in fitted.combine(after))
    df = float(fitted.df[0])
    t = float(t_value(1 - confidence, df))
    base = design.without[design.first :].mean(axis=0)
    percent = fieller(effect, base @ fitted.coefficients[0], _moments(fitted, after, base), t, values)
    return Effect(
        design="its", estimand=interruption.ESTIMANDS[shape], effect=effect, se=se, df=df, low=effect - t * se,
        high=effect + t * se, p_value=float(serial_details.p_value(effect / se, df)), **percent,
        **counted(used, design), confidence=confidence, path=_path(values, design, fitted, t),
        details=_details(used, design, fitted, after, confidence),
        cautions=_cautions(values, used, design, fitted, trend),
    )  # fmt: skip


def many(Y, start, *, shape="level", trend=True, season=None, harmonics="auto", terms=None, exposure=None, ramp=None,
         wash_in=0, both_sides=False, confidence=0.95, order=2) -> pd.DataFrame:  # fmt: skip
    """The same estimate for the rows of ``Y`` (m, n) at once: effect, se, df, low, high, p_value, phi; a row a series.

    Missing periods may differ; a row with too few values either side, or without noise, is NaN throughout.
    """
    values = np.atleast_2d(np.asarray(Y, dtype=float))
    seen = ~np.isnan(interruption.masked(values, start, wash_in))
    design = interruption.design(values.shape[1], start, shape=shape, trend=trend, season=season, harmonics=harmonics,
                                 terms=terms, exposure=exposure, ramp=ramp, wash_in=wash_in,
                                 both_sides=both_sides)  # fmt: skip
    enough = seen[:, :start].sum(axis=1) >= interruption.FEWEST_BEFORE
    enough &= seen[:, start:].sum(axis=1) >= interruption.FEWEST_AFTER
    table = pd.DataFrame(
        np.nan, index=range(len(values)), columns=["effect", "se", "df", "low", "high", "p_value", "phi"]
    )
    if not enough.any():
        return table
    used = interruption.masked(values[enough], start, wash_in)
    fitted = autoregression.fit(used, design.matrix, order=order)
    effect, se = fitted.combine((design.full - design.without[design.first :]).mean(axis=0))
    se = np.where(_noisy(fitted, used), se, np.nan)
    t = t_value(1 - confidence, fitted.df)
    columns = [effect, se, fitted.df, effect - t * se, effect + t * se, serial_details.p_value(effect / se, fitted.df)]
    table.loc[enough] = np.where(np.isnan(se), np.nan, [*columns, fitted.phi]).T
    return table


def arma_sensitivity(y, start, *, orders=((1, 0), (2, 0), (0, 1), (1, 1)), confidence=0.95, wash_in=0, **options):
    """The effect under other error models, by maximum likelihood (statsmodels SARIMAX): a second opinion on the
    estimate; its normal limits are too narrow in short series and are no verdict's.

    ``options`` of the design as in :func:`estimate`. Returns one row an order: ar, ma, effect, se, low, high, aic,
    converged.
    """
    import warnings

    from statsmodels.tools.sm_exceptions import ModelWarning
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    values = interruption.series(y)
    design = interruption.design(len(values), start, observed=~np.isnan(values), wash_in=wash_in, **options)
    used = interruption.masked(values, start, wash_in)
    centre, scale = np.nanmean(used), np.nanstd(used)
    after = (design.full - design.without[design.first :]).mean(axis=0)
    rows = []
    for ar, ma in orders:
        model = SARIMAX((used - centre) / scale, exog=design.matrix, order=(ar, 0, ma))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ModelWarning)  # of starting values, and what ``converged`` says
            found = model.fit(disp=False, maxiter=200)
        p = len(after)
        effect = scale * float(after @ found.params[:p])
        se = scale * float(np.sqrt(after @ np.asarray(found.cov_params())[:p, :p] @ after))
        half = t_value(1 - confidence, np.inf) * se
        rows.append({"ar": ar, "ma": ma, "effect": effect, "se": se, "low": effect - half, "high": effect + half,
                     "aic": float(found.aic), "converged": bool(found.mle_retvals["converged"])})  # fmt: skip
    return pd.DataFrame(rows)


def fieller(effect, base, moments, t, values) -> dict[str, float]:
    """Effect over the level without the measure: percent, percent_low, percent_high as fractions (Fieller 1954, J R
    Stat Soc B 16:175); NaN where a value is negative or the level cannot be told from 0.

    ``moments`` : variance of the effect, their covariance, variance of the level.
    """
    own, joint, level = (t**2 * part for part in moments)
    spare = base**2 - level
    if np.nanmin(values) < 0 or base <= 0 or spare <= 0:
        return {"percent": np.nan, "percent_low": np.nan, "percent_high": np.nan}
    middle = effect * base - joint
    half = np.sqrt(max(middle**2 - spare * (effect**2 - own), 0.0))
    return {"percent": effect / base, "percent_low": (middle - half) / spare, "percent_high": (middle + half) / spare}


def counted(used, design) -> dict[str, int]:
    """Periods that entered the estimate, and the one unit."""
    seen = ~np.isnan(used)
    return {
        "n_before": int(seen[: design.start].sum()),
        "n_after": int(seen[design.first :].sum()),
        "treated": 1,
        "compared": 0,
    }


def _moments(fitted, first, second):
    covariance = fitted.covariance[0]
    return first @ covariance @ first, first @ covariance @ second, second @ covariance @ second


def _noisy(fitted, used):
    return fitted.variance > FLAT * np.nanvar(used, axis=-1)


def _require_noise(fitted, used):
    if not _noisy(fitted, used).all():
        raise MethodRefused("interrupted_time_series.no_noise", got=float(np.nanstd(used)))


def _path(values, design, fitted, t):
    expected = design.without @ fitted.coefficients[0]
    error = np.sqrt(np.einsum("ni,ij,nj->n", design.without, fitted.covariance[0], design.without))
    columns = {"time": np.arange(len(values)), "observed": values, "expected": expected}
    return pd.DataFrame(columns | {"low": expected - t * error, "high": expected + t * error})


def _details(used, design, fitted, after, confidence):
    coefficients = fitted.coefficients[0]
    residual = used - design.matrix @ coefficients
    rows = serial_details.of_errors(fitted, residual, confidence)
    rows += serial_details.of_coefficients(
        design.names, coefficients, fitted.covariance[0], float(fitted.df[0]), confidence
    )
    if "slope" in design.names:
        end = design.full[-1] - design.without[-1]
        rows.append(serial_details.combined("end", fitted, end, confidence))
    rows += serial_details.other_errors(used, design, after)
    rows.append(serial_details.row("season_share", serial_details.season_share(used, design, coefficients)))
    rows.append(serial_details.row("harmonics", design.harmonics))
    return pd.DataFrame(rows)


def _cautions(values, used, design, fitted, trend):
    holds = serial_details.cautions(fitted, used - design.matrix @ fitted.coefficients[0])
    holds |= {
        "missing_periods": np.isnan(values).any(),
        "no_trend": not trend,
        "flat_before": np.nanstd(values[: design.start]) == 0,
        "dose_not_reached": interruption.short_of_full(design),
    }
    return tuple(code for code, true in holds.items() if true)
