"""The smallest effect a design would find, from what the client's own figures did before the measure.

For a series, noise with the client's autocorrelation is drawn and put through ``interrupted_time_series`` itself: an
effect added to a series moves the estimate by just as much and leaves its interval as wide, so that one set of draws
gives the power against every effect. The size of the noise is drawn too, as surely as the periods before tell it, by
their effective degrees of freedom (the power stated is the mean over what they leave open); its autocorrelation is
taken as estimated, and as none where it gains little, since chance alone makes some in a short series.

References: Zhang, Wagner & Ross-Degnan (2011) J Clin Epidemiol 64:1252 (power of interrupted series by simulation);
O'Hagan, Stevens & Campbell (2005) Pharm Stat 4:187 (power averaged over what is not known). Checked against simulated
power of the engine (``benchmarks/effects.py``) and TTestIndPower of statsmodels.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import autoregression, interrupted_time_series, interruption
from sqlib.methods.samples import t_value

DRAWS = 300
FEWEST_UNITS = 3  # the t of unit differences has N - 2 degrees of freedom
FLAT = 1e-9
LEAST_GAIN = 0.75  # log likelihood autocorrelation must gain to be planned with: less is mostly chance
MOST_PERIODS = 104


@dataclass(frozen=True)
class PowerResult:
    """What could be found after how many periods.

    ``table``, one row a number of periods after the start: periods_after, detectable (smallest effect found with
    ``target_power``, in the indicator's unit), percent (of the mean before; NaN where that is not above 0),
    half_width (median half interval), power (against ``goal``; NaN without one).
    ``so_far`` periods after there are, ``detectable`` with them (NaN if too few yet); ``needed``: periods after until
    ``goal`` can be found, inf where ``most`` do not suffice, NaN without a goal; ``more``: how many are missing.
    ``phi``, ``noise`` (standard deviation of one period) of the ``n_before`` periods before. ``cautions`` among
    short_before (under 24), strong_autocorrelation, never_enough.
    """

    table: pd.DataFrame
    so_far: int
    detectable: float
    goal: float
    needed: float
    more: float
    most: int
    n_before: int
    phi: float
    noise: float
    target_power: float
    confidence: float
    cautions: tuple[str, ...]


def detectable(y_before, n_after, *, target_power=0.8, confidence=0.95, draws=DRAWS, seed=0, **design) -> float:
    """Smallest effect, in the unit of ``y_before``, that ``n_after`` periods under the measure would show.

    ``design``: shape, trend, season, harmonics, ramp, wash_in of :func:`sqlib.methods.interrupted_time_series.estimate`
    (``n_after`` counts the wash-in). ``y_before`` (n,): the periods before the start, NaN = missing.

    Raises MethodRefused: power.too_few, .no_noise, .bad_target; interrupted_time_series.*.
    """
    noise = _noise(y_before, n_after, draws, seed, design)
    return _smallest(*_errors(noise, n_after, confidence, design), _target(target_power))


def curve(y_before, periods=None, *, so_far=0, goal=None, most=MOST_PERIODS, target_power=0.8, confidence=0.95,
          draws=DRAWS, seed=0, **design) -> PowerResult:  # fmt: skip
    """Smallest effect that can be found, by periods after the start; arguments as :func:`detectable`.

    ``periods``: those of the table (None: from 4 on, ever wider apart, to three times ``so_far`` and at least 26);
    ``goal``: the effect worth finding, either sign; ``so_far``: periods there are already; ``most``: how far to look.
    """
    if goal is not None and not (np.isfinite(goal) and goal != 0):
        raise MethodRefused("power.bad_goal", got=goal)
    first = interruption.FEWEST_AFTER + design.get("wash_in", 0)
    steps = _steps(first, max(26, 3 * so_far)) if periods is None else sorted({int(each) for each in periods})
    steps = sorted({*steps, *[so_far] * (so_far >= first)})
    longest = max(most if goal is not None else first, *steps)
    noise = _noise(y_before, longest, draws, seed, design)
    found = {after: _errors(noise, after, confidence, design) for after in steps if after >= first}
    if not found:
        raise MethodRefused("power.too_few_after", got=max(steps), least=first)
    target = _target(target_power)
    middle = np.nanmean(noise.values)
    smallest = {after: _smallest(*errors, target) for after, errors in found.items()}
    table = pd.DataFrame({
        "periods_after": list(found), "detectable": list(smallest.values()),
        "percent": [value / middle if middle > 0 else np.nan for value in smallest.values()],
        "half_width": [float(np.median(half)) for _, half in found.values()],
        "power": [np.nan if goal is None else _power(abs(goal), *errors) for errors in found.values()],
    })  # fmt: skip
    needed = np.nan if goal is None else _needed(noise, abs(goal), first, most, target, confidence, design)
    holds = {"short_before": noise.seen < 24, "strong_autocorrelation": noise.phi >= 0.8,
             "never_enough": bool(np.isinf(needed))}  # fmt: skip
    return PowerResult(
        table=table, so_far=so_far, detectable=smallest.get(so_far, np.nan),
        goal=np.nan if goal is None else float(goal), needed=needed,
        more=float(np.maximum(needed - so_far, 0)), most=most,
        n_before=noise.seen, phi=noise.phi, noise=noise.sd, target_power=target, confidence=confidence,
        cautions=tuple(code for code, true in holds.items() if true),
    )  # fmt: skip


def periods_needed(y_before, effect, *, most=MOST_PERIODS, target_power=0.8, confidence=0.95, draws=DRAWS, seed=0,
                   **design) -> float:  # fmt: skip
    """Periods after the start until ``effect`` is found with ``target_power``; inf where ``most`` do not suffice."""
    if not (np.isfinite(effect) and effect != 0):
        raise MethodRefused("power.bad_goal", got=effect)
    first = interruption.FEWEST_AFTER + design.get("wash_in", 0)
    noise = _noise(y_before, most, draws, seed, design)
    return _needed(noise, abs(effect), first, most, _target(target_power), confidence, design)


def detectable_units(panel_before, n_after, *, treated, compared=None, target_power=0.8, confidence=0.95) -> float:
    """Smallest effect that a comparison of units by their before/after differences (t, N - 2) would show.

    panel_before : (units, periods) before the start, NaN = missing; all of them later treated or compared
    treated : how many of them get the measure; ``compared``: how many do not (None: all others)

    What a unit does beyond its own level and what all share is taken as autoregressive, alike in all.
    Raises MethodRefused: power.too_few_units, .too_few, .no_noise, .bad_target.
    """
    panel = np.atleast_2d(np.asarray(panel_before, dtype=float))
    compared = len(panel) - treated if compared is None else compared
    if min(treated, compared, n_after) < 1 or treated + compared < FEWEST_UNITS or len(panel) < FEWEST_UNITS:
        raise MethodRefused("power.too_few_units", treated=treated, compared=compared, got=len(panel))
    if (np.isfinite(panel).sum(axis=1) < interruption.FEWEST_BEFORE).any():
        raise MethodRefused("power.too_few", got=int(np.isfinite(panel).sum(axis=1).min()),
                            least=interruption.FEWEST_BEFORE)  # fmt: skip
    own = panel - np.nanmean(panel, axis=0)
    fitted = autoregression.fit(own, np.ones((panel.shape[1], 1)), order=1)
    if not fitted.variance.mean() > FLAT * np.nanvar(panel):
        raise MethodRefused("power.no_noise", got=float(np.nanstd(panel)))
    best = int(fitted.likelihood.sum(axis=0).argmax())
    lags = autoregression.lags(autoregression.FIRST[best], 0.0, panel.shape[1] + n_after)
    n = np.arange(len(lags))
    contrast = np.where(n < panel.shape[1], -1 / panel.shape[1], 1 / n_after)
    share = len(panel) / (len(panel) - 1)  # taking out what all share takes this much of each
    variance = fitted.variance.mean() * share * contrast @ lags[np.abs(n[:, None] - n)] @ contrast
    se = np.sqrt(variance * (1 / treated + 1 / compared))
    return findable(float(se), treated + compared - 2, target_power=target_power, confidence=confidence)


def detectable_people(sd, correlation, treated, compared, *, team_size=1.0, team_share=0.0, target_power=0.8,
                      confidence=0.95) -> float:  # fmt: skip
    """Smallest effect that an analysis of covariance of people would show, in the unit of ``sd``.

    sd : of the scores; ``correlation``: of a person's scores before and after; ``treated``, ``compared``: people
    team_size, team_share : people a team, and the share of the variance between teams (intraclass correlation),
        where whole teams get the measure

    Raises MethodRefused: power.no_noise, .bad_correlation, .too_few_people, .bad_target.
    """
    if not (sd > 0 and np.isfinite(sd)):
        raise MethodRefused("power.no_noise", got=sd)
    if not (-1 < correlation < 1 and 0 <= team_share <= 1 and team_size >= 1):
        raise MethodRefused("power.bad_correlation", got=f"{correlation}, {team_share}, {team_size}")
    df = (treated + compared) / team_size - (3 if team_size == 1 else 2)
    if min(treated, compared) < 2 or df < 2:
        raise MethodRefused("power.too_few_people", treated=treated, compared=compared)
    variance = (1 - correlation**2) * (1 + (team_size - 1) * team_share) * (1 / treated + 1 / compared)
    return findable(sd * np.sqrt(variance), df, target_power=target_power, confidence=confidence)


def findable(se, df, *, target_power=0.8, confidence=0.95) -> float:
    """Smallest effect that a t test with this standard error and these degrees of freedom finds."""
    from scipy.optimize import brentq

    target, top = _target(target_power), 1.0
    while achieved(top, 1.0, df, confidence=confidence) < target:
        top *= 2
    return float(se * brentq(lambda ratio: achieved(ratio, 1.0, df, confidence=confidence) - target, 0.0, top))


def achieved(effect, se, df, *, confidence=0.95) -> float:
    """Power of a two-sided t test against ``effect``."""
    from scipy.special import nctdtr

    t, ratio = float(t_value(1 - confidence, df)), abs(effect / se)
    upper = 1 - nctdtr(df, ratio, t)
    lower = nctdtr(df, ratio, -t)
    return float(upper + (lower if np.isfinite(lower) else 0.0))


# --- noise as the client has it --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Noise:
    """``drawn`` (draws, before + longest), NaN where ``values`` (before,) are missing; ``seen`` of them; ``phi``,
    ``sd`` as estimated."""

    drawn: np.ndarray
    values: np.ndarray
    seen: int
    phi: float
    sd: float


def _noise(y_before, longest, draws, seed, design) -> _Noise:
    values = interruption.series(y_before)
    seen = int(np.isfinite(values).sum())
    if seen < interruption.FEWEST_BEFORE:
        raise MethodRefused("power.too_few", got=seen, least=interruption.FEWEST_BEFORE)
    if not isinstance(longest, Integral) or longest < 1:
        raise MethodRefused("power.too_few_after", got=longest, least=interruption.FEWEST_AFTER)
    fitted = autoregression.fit(values, _before(values, design), least_gain=LEAST_GAIN)
    if not fitted.variance[0] > FLAT * np.nanvar(values):
        raise MethodRefused("power.no_noise", got=float(np.nanstd(values)))
    rng = np.random.default_rng(seed)
    sd = np.sqrt(fitted.variance[0] * fitted.df[0] / rng.chisquare(fitted.df[0], draws))
    drawn = _series(rng, draws, fitted.phi[0], fitted.phi_2[0], len(values) + longest) * sd[:, None]
    drawn[:, : len(values)][:, np.isnan(values)] = np.nan
    return _Noise(drawn, values, seen, float(fitted.phi[0]), float(fitted.variance[0] ** 0.5))


def _before(values, design):
    """Level, trend and season of the periods before: the design of the engine without the measure."""
    kept = {name: each for name, each in design.items() if name in ("trend", "season", "harmonics")}
    n = len(values)
    whole = interruption.design(n + interruption.FEWEST_AFTER, n, **kept)
    return whole.without[:n, ~whole.measure]


def _series(rng, draws, phi, phi_2, n):
    """Stationary errors of unit variance (draws, n): the whitening of ``autoregression`` undone."""
    made = rng.standard_normal((draws, n))
    one, two = np.sqrt(1 - phi**2), np.sqrt(1 - phi_2**2)
    made[:, 1] = phi * made[:, 0] + one * made[:, 1]
    for t in range(2, n):
        made[:, t] = phi * (1 - phi_2) * made[:, t - 1] + phi_2 * made[:, t - 2] + one * two * made[:, t]
    return made


def _errors(noise, after, confidence, design):
    """Error of the estimate and half of its interval, of every draw with so many periods after."""
    before = len(noise.values)
    found = interrupted_time_series.many(noise.drawn[:, : before + after], before, confidence=confidence, **design)
    return found["effect"].to_numpy(), ((found["high"] - found["low"]) / 2).to_numpy()


def _power(effect, error, half) -> float:
    """Share of draws, and of their mirror images, whose interval lies clear of 0."""
    both = np.concatenate([error, -error])
    return float((np.abs(effect + both) > np.concatenate([half, half])).mean())


def _smallest(error, half, target) -> float:
    return float(np.quantile(np.concatenate([half - error, half + error]), target))


def _needed(noise, goal, first, most, target, confidence, design) -> float:
    """First number of periods at which ``goal`` is found often enough, by halving."""

    def enough(after):
        return _smallest(*_errors(noise, after, confidence, design), target) <= goal

    if not enough(most):
        return np.inf
    low, high = first - 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return float(high)


def _steps(first, last) -> list[int]:
    """About nine numbers of periods, ever wider apart."""
    return sorted({round(float(each)) for each in np.geomspace(first, last, 9)})


def _target(target_power) -> float:
    if not 0.5 <= target_power < 1:
        raise MethodRefused("power.bad_target", got=target_power)
    return float(target_power)
