"""How each rater uses the scale: consistency, spread, halo and drift, beside what chance alone would show.

All from the ratings, what the model expected of them and their model variance, so that it serves every engine.

* *Consistency*: infit and outfit mean squares and their standardised values (Wright & Masters 1982, Rating Scale
  Analysis, pp. 99-101), with limits drawn under the model.
* *Spread*: slope of a rater's scores of people on what the other raters together say of them, over that of the
  others; shrunk towards 1. Under 1 the rater keeps to the middle (central tendency), over 1 to the ends.
* *Halo*: correlation of two residuals of one ratee and rater, against the other raters': the judgement of the person
  carried into every criterion.
* *Drift*: change of severity a period, against the median rater.

A rater is held against the others, so what all raters share (everybody keeps to the middle) does not show here.
Error rates and power: ``benchmarks/rater_fit.py``.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sqlib.methods import samples, shrinkage
from sqlib.methods.ratings import Ratings

MIN_N = 10  # ratings of a rater below which nothing is said
SHARED = 8  # ratees a rater must share with others before the spread is spoken of
# Below these a difference, however sure, is nothing to talk to a rater about:
LEAST_SPREAD = 0.15  # from 1
LEAST_HALO = 0.10  # above the others' correlation
LEAST_INFIT = 1.2  # judges: .4 to 1.2 (Wright & Linacre 1994, Rasch Measurement Transactions 8:370)
LEAST_DRIFT = 0.20  # standard deviations of the scores, from the first period to the last
DRAWN = 2_000_000  # ratings times draws up to which limits are drawn from category probabilities
FLAGS = ("central_tendency", "extreme", "halo", "drifting", "inconsistent")
PRIOR = 10  # degrees of freedom by which the residual variance of one rater's scores leans on that of all
COLUMNS = [
    "rater_id", "n", "infit", "infit_z", "infit_low", "infit_high", "outfit", "outfit_z", "outfit_low", "outfit_high",
    "infit_p", "spread", "spread_low", "spread_high", "spread_p", "halo", "halo_others", "halo_p", "drift",
    "drift_low", "drift_high", "drift_p", "profile", "flags",
]  # fmt: skip


def profiles(r: Ratings, expected, variance, severity=None, *, fourth=None, probabilities=None, min_n=MIN_N,
             draws=200, seed=0, confidence=0.95) -> pd.DataFrame:  # fmt: skip
    """Consistency, spread, halo and drift of every rater; p values corrected over the raters (Benjamini-Hochberg).

    Parameters
    ----------
    r : the ratings
    expected, variance : (n,) expected score of every rating and its variance under the model, without any effect of
        ratee and rater together
    severity : (raters,) on the scale of the scores, positive = severe; None: from the residuals
    fourth : (n,) fourth central moment of every score; None: from the probabilities, else normal
    probabilities : (n, levels) of the levels of the scores, to draw the limits from; None: normal
    min_n : ratings a rater needs
    draws, seed : of the limits

    Columns ``COLUMNS``: infit, outfit (1 = as the model says; ``_z`` standardised; ``_low``, ``_high`` where chance
    keeps them), spread (1 = like the others), halo (0..1, ``halo_others`` the others'), drift (severity a period);
    ``_p`` corrected; profile: the first of ``flags`` (sure and large enough to matter, joined by ";"), else in_line,
    or cannot_tell (too few ratings).
    NaN where the design has nothing to tell it from: halo needs two criteria, drift two periods, spread
    eight ratees shared with others.

    Checked against the formulas of Wright & Masters worked by hand, and by simulation.
    """
    expected, variance = (np.asarray(part, dtype=float) for part in (expected, variance))
    table = pd.DataFrame({"rater_id": r.rater_ids, "n": np.bincount(r.rater, minlength=len(r.rater_ids))})
    units = _units(r)
    fit = consistency(r, expected, variance, units, fourth=fourth, probabilities=probabilities, draws=draws, seed=seed,
                      confidence=confidence)  # fmt: skip
    parts = [fit, spreads(r, expected, severity, units, confidence), halos(r, expected, severity, units),
             drifts(r, expected, units, confidence)]  # fmt: skip
    table = pd.concat([table, *parts], axis=1)
    table.loc[table["n"] < min_n, table.columns.difference(["rater_id", "n"])] = np.nan
    for name in ("infit_p", "spread_p", "halo_p", "drift_p"):
        table[name] = samples.adjusted(table[name])
    flags = _flags(table, 1 - confidence, max(len(r.period_ids) - 1, 1) / r.score.std())
    judged = table[["infit_p", "spread_p", "halo_p", "drift_p"]].notna().to_numpy().any(axis=1)
    table["flags"] = [";".join(found) for found in flags]
    table["profile"] = [
        (*found, "in_line")[0] if known else "cannot_tell" for found, known in zip(flags, judged, strict=True)
    ]
    return table.reindex(columns=COLUMNS)


def _flags(table: pd.DataFrame, alpha: float, span: float) -> list[tuple[str, ...]]:
    """The flags of every rater, in the order of ``FLAGS``; ``span``: what a drift of 1 a period amounts to in the end,
    in standard deviations of the scores."""
    sure = {name: table[f"{name}_p"].to_numpy() <= alpha for name in ("infit", "spread", "halo", "drift")}
    infit, spread, halo, others, drift = table[["infit", "spread", "halo", "halo_others", "drift"]].to_numpy().T
    raised = np.column_stack([
        sure["spread"] & (spread <= 1 - LEAST_SPREAD), sure["spread"] & (spread >= 1 + LEAST_SPREAD),
        sure["halo"] & (halo - others >= LEAST_HALO), sure["drift"] & (np.abs(drift) * span >= LEAST_DRIFT),
        sure["infit"] & (infit >= LEAST_INFIT),
    ])  # fmt: skip
    return [tuple(name for name, holds in zip(FLAGS, row, strict=True) if holds) for row in raised]


# --- who judged whom, when ----------------------------------------------------------------------------------------


class Units(NamedTuple):
    """``pair`` (n,): pair of ratee and rater of every rating, ``rater``, ``ratee`` (pairs,); ``occasion`` (n,): pair
    and period, ``occasion_pair`` (occasions,)."""

    pair: np.ndarray
    rater: np.ndarray
    ratee: np.ndarray
    occasion: np.ndarray
    occasion_pair: np.ndarray


def _units(r) -> Units:
    size = len(r.rater_ids)
    code, pair = np.unique(r.ratee.astype(np.int64) * size + r.rater, return_inverse=True)
    if r.period is None:
        return Units(pair, code % size, code // size, pair, np.arange(len(code)))
    periods = len(r.period_ids)
    both, occasion = np.unique(pair.astype(np.int64) * periods + r.period, return_inverse=True)
    return Units(pair, code % size, code // size, occasion, both // periods)


def _effect(values, code, size):
    """Mean by code."""
    return np.bincount(code, values, minlength=size) / np.maximum(np.bincount(code, minlength=size), 1)


# --- consistency --------------------------------------------------------------------------------------------------


class MeanSquares(NamedTuple):
    """Of every unit: infit and outfit mean squares, their standardised values and model standard deviations."""

    infit: np.ndarray
    outfit: np.ndarray
    infit_z: np.ndarray
    outfit_z: np.ndarray
    infit_sd: np.ndarray
    outfit_sd: np.ndarray


def mean_squares(residual, variance, fourth, code, size: int) -> MeanSquares:
    """Infit and outfit (Wright & Masters 1982, p. 100-101) by ``code`` (n,), standardised after Wilson & Hilferty.

    ``variance`` W and ``fourth`` C, (n,): infit is the sum of squared residuals over the sum of W, outfit the mean of
    squared standardised residuals; their model variances are sum(C - W^2) / sum(W)^2 and sum(C/W^2 - 1) / n^2.
    """

    def total(values):
        return np.bincount(code, values, minlength=size)

    with np.errstate(divide="ignore", invalid="ignore"):
        n, weight = total(np.ones(len(code))), total(variance)
        infit, outfit = total(residual**2) / weight, total(residual**2 / variance) / n
        infit_sd = np.sqrt(total(fourth - variance**2)) / weight
        outfit_sd = np.sqrt(total(fourth / variance**2 - 1)) / n
        return MeanSquares(infit, outfit, standardised(infit, infit_sd), standardised(outfit, outfit_sd), infit_sd,
                           outfit_sd)  # fmt: skip


def standardised(mean_square, sd):
    """t of a mean square: ``(v^(1/3) - 1) 3 / q + q / 3``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.cbrt(mean_square) - 1) * 3 / sd + sd / 3


def consistency(r, expected, variance, units, *, fourth=None, probabilities=None, draws=200, seed=0, confidence=0.95):
    """Infit and outfit of every rater with the limits chance keeps them in, and the p value of an infit that high.

    The model variance is lessened by what the fit took up (each rating weighs in the estimates of its ratee and
    rater), so that the mean square of a rater like the others is 1.
    """
    residual = r.score - expected
    left = variance * (1 - _taken_up(r, residual, variance))
    if fourth is None and probabilities is not None:
        fourth = (probabilities * (_levels(r, probabilities) - expected[:, None]) ** 4).sum(axis=1)
    moment = 3 * left**2 if fourth is None else np.asarray(fourth) * (left / variance) ** 2
    found = mean_squares(residual, left, moment, r.rater, len(r.rater_ids))
    wider = np.sqrt(1 + _together(units, residual))
    sd_in, sd_out = found.infit_sd * wider, found.outfit_sd * wider
    drawn = _drawn(r, variance, expected, probabilities, draws, seed)
    limits = _limits(drawn, sd_in, sd_out, wider, (1 - confidence) / 2)
    from scipy.special import ndtr

    infit_z, outfit_z = standardised(found.infit, sd_in), standardised(found.outfit, sd_out)
    low_in, high_in, low_out, high_out = limits
    return pd.DataFrame({
        "infit": found.infit, "infit_z": infit_z, "infit_low": low_in, "infit_high": high_in, "outfit": found.outfit,
        "outfit_z": outfit_z, "outfit_low": low_out, "outfit_high": high_out, "infit_p": ndtr(-infit_z),
    })  # fmt: skip


def _taken_up(r, residual, variance):
    """Share of each rating's variance that the estimates took up: what all ratings lost, dealt out in proportion to
    their weight in the means of their ratee and rater."""
    own = 1 / np.bincount(r.ratee)[r.ratee] + 1 / np.bincount(r.rater)[r.rater]
    lost = 1 - (residual**2 / variance).mean()
    return np.clip(own * max(lost, 0.0) / own.mean(), 0.0, 0.9)


def _together(units, residual):
    """How much more a mean square varies as residuals of one pair of ratee and rater go together: (m - 1) times their
    squared correlation, for m ratings a pair."""
    unit, size = units.pair, np.bincount(units.pair)
    if size.max() < 2:
        return 0.0
    sums, squares = np.bincount(unit, residual), np.bincount(unit, residual**2)
    pairs = (size * (size - 1)).sum()
    correlation = ((sums**2 - squares).sum() / pairs) / (residual**2).mean()
    return (size * (size - 1)).sum() / size.sum() * float(np.clip(correlation, 0, 1)) ** 2


def _drawn(r, variance, expected, probabilities, draws, seed):
    """Mean squares of scores drawn from the category probabilities, (2, draws, raters); None: too many ratings."""
    if probabilities is None or draws * r.n > DRAWN:
        return None
    rng, size = np.random.default_rng(seed), len(r.rater_ids)
    order = np.lexsort((r.score, expected, r.ratee, r.rater))  # whatever the order of the rows, the same draws
    cumulated = np.cumsum(probabilities[order], axis=1)[:, :-1]
    expected, variance, rater = expected[order], variance[order], r.rater[order]
    levels = _levels(r, probabilities)
    weight, n = np.bincount(rater, variance, minlength=size), np.bincount(rater, minlength=size)
    found = np.empty((2, draws, size))
    for draw in range(draws):
        square = (levels[(rng.random((r.n, 1)) > cumulated).sum(axis=1)] - expected) ** 2
        found[0, draw] = np.bincount(rater, square, minlength=size) / weight
        found[1, draw] = np.bincount(rater, square / variance, minlength=size) / n
    return found


def _levels(r, probabilities) -> np.ndarray:
    """Scores of the categories: those seen or, where some were never given, equal steps between the ends."""
    seen, categories = r.levels, probabilities.shape[1]
    return seen if len(seen) == categories else np.linspace(*(r.scale or (seen[0], seen[-1])), categories)


def _limits(drawn, sd_in, sd_out, wider, tail):
    """Lower and upper limits of infit and of outfit: of the draws, else of a chi-square of the same variance."""
    if drawn is not None:
        ends = 1 + (np.quantile(drawn, [tail, 1 - tail], axis=1) - 1) * wider
        return ends[0, 0], ends[1, 0], ends[0, 1], ends[1, 1]
    from scipy.special import gammaincinv

    found = []
    for sd in (sd_in, sd_out):
        half = 1 / sd**2  # half the degrees of freedom of a mean square of that variance
        found += [gammaincinv(half, tail) / half, gammaincinv(half, 1 - tail) / half]
    return found


# --- spread -------------------------------------------------------------------------------------------------------


def spreads(r, expected, severity, units, confidence=0.95) -> pd.DataFrame:
    """Slope of each rater's scores of people on the other raters' shrunk estimate of them, over the others' slope.

    The estimate leaves the rater out and is shrunk by its reliability, so its error does not flatten the slope.
    """
    rater, own, others, noise, signal = _judgements(r, expected, severity, units)
    size = len(r.rater_ids)
    estimate, error = np.full(size, np.nan), np.full(size, np.nan)
    if signal > 0 and len(rater):
        pull = signal / (signal + noise[1])
        x, y = pull * others, own
        estimate, error = _slopes(rater, x, y, size, signal * (1 - pull) + noise[0])
    relative, error = _relative(estimate, error)
    from scipy.special import stdtr

    with np.errstate(divide="ignore", invalid="ignore"):
        _, shrunk, low, high = shrinkage.shrink(relative - 1, error**2, confidence)
        p = 2 * stdtr(np.bincount(rater, minlength=size) - 2 + PRIOR, -np.abs(relative - 1) / error)
    return pd.DataFrame({"spread": 1 + shrunk, "spread_low": 1 + low, "spread_high": 1 + high, "spread_p": p})


def _judgements(r, expected, severity, units):
    """Every judgement of a ratee whom others judge, too: rater, own level, level by the others (both about
    the mean), (variance of the own level, of the others') about the ratee's, and the variance of the ratees."""
    person = _people(r, expected, severity)
    level = r.score - (expected - person[r.ratee])
    rater, ratee = units.rater, units.ratee
    mean = _effect(level, units.pair, len(rater))
    judged = np.bincount(ratee)
    total = np.bincount(ratee, mean)
    several = judged[ratee] > 1
    spread = ((mean - (total / judged)[ratee]) ** 2)[several].sum()
    degrees = (judged[judged > 1] - 1).sum()
    noise = spread / degrees if degrees else np.nan
    signal = np.var(total / judged, ddof=1) - noise * (1 / judged).mean() if len(judged) > 2 else 0.0
    others = (total[ratee] - mean)[several] / (judged[ratee] - 1)[several] - (total / judged).mean()
    each = (np.full(several.sum(), noise), noise / (judged[ratee] - 1)[several])
    return rater[several], mean[several], others, each, float(np.nan_to_num(signal))


def _people(r, expected, severity):
    """Level of every ratee as the model sees it, without rater, criterion and period."""
    if severity is None:
        severity = -_effect(r.score - expected, r.rater, len(r.rater_ids))
    strict = np.asarray(severity, dtype=float)
    base = expected + np.where(np.isfinite(strict), strict, 0.0)[r.rater]
    return _effect(_without(r, base), r.ratee, len(r.ratee_ids))


def _without(r, base):
    """``base`` with the level of its criterion and period taken out."""
    for code in (r.criterion, r.period):
        if code is not None:
            within = base - _effect(base, r.ratee, len(r.ratee_ids))[r.ratee]
            base = base - _effect(within, code, code.max() + 1)[code]
    return base


def _slopes(rater, x, y, size, variance):
    """Slope of y on x within each rater and its standard error, from the rater's residuals and the model's."""
    x, y = (part - _effect(part, rater, size)[rater] for part in (x, y))
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.bincount(rater, x**2, minlength=size)
        slope = np.bincount(rater, x * y, minlength=size) / square
        n = np.bincount(rater, minlength=size)
        rest = np.bincount(rater, (y - slope[rater] * x) ** 2, minlength=size)
        model = _effect(variance, rater, size)
        own = (rest + PRIOR * model) / (n - 2 + PRIOR)
        return np.where(n >= SHARED, slope, np.nan), np.where(n >= SHARED, np.sqrt(own / square), np.nan)


def _relative(estimate, error):
    """Each slope over the weighted mean slope of the other raters, and its standard error.

    What one rater adds to the slope it takes from the others, to whose regressors it belongs: the errors of all slopes
    cancel out, which widens that of their ratio.
    """
    known = np.isfinite(estimate) & (error > 0)
    weight = np.where(known, 1 / np.where(known, error, 1.0) ** 2, 0.0)
    value = np.where(known, estimate, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = weight.sum() - weight
        others = ((weight * value).sum() - weight * value) / rest
        relative = np.where(known & (others > 0), estimate / others, np.nan)
        return relative, np.where(known, error * (1 + relative * weight / rest) / others, np.nan)


# --- halo ---------------------------------------------------------------------------------------------------------


def halos(r, expected, severity, units) -> pd.DataFrame:
    """Correlation of two residuals of one ratee and rater, the other raters', and its p value against them.

    What goes with the level of the person is spread, not halo, and taken out by a slope for each rater.
    One-way analysis of variance within rater: the ratio of mean squares between ratees and between the criteria of one
    occasion, the rater's over the others', referred to the normal on the log scale with the exact moments of log mean
    squares.
    """
    from scipy.special import ndtr, polygamma, psi

    size = len(r.rater_ids)
    empty = pd.DataFrame({name: np.full(size, np.nan) for name in ("halo", "halo_others", "halo_p")})
    if r.criterion is None or len(r.criterion_ids) < 2:
        return empty
    residual = _centred(r, r.score - expected)
    unit, times = units.occasion, np.bincount(units.occasion)
    several = times[unit] > 1
    inside = residual - _effect(residual, unit, len(times))[unit]
    within = np.bincount(r.rater[several], inside[several] ** 2, minlength=size)
    pair, rater, ratee = units.pair, units.rater, units.ratee
    m, mean = np.bincount(pair), _effect(residual, pair, len(rater))
    mean = _levelled(mean, _people(r, expected, severity)[ratee], m, rater, size)
    between = np.bincount(rater, m * mean**2 * _lessened(ratee), minlength=size)
    pairs, count = np.bincount(rater, minlength=size), np.bincount(r.rater[several], minlength=size)
    occasions = np.bincount(r.rater[several], (1 / times[unit])[several], minlength=size)
    df1, df2 = pairs - 2.0, count - occasions - (len(r.criterion_ids) - 1.0)
    known = (df1 >= 2) & (df2 >= 2)
    if known.sum() < 2:
        return empty
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = between / df1, within / df2
        others1, others2 = _rest(between, df1, known), _rest(within, df2, known)
        typical = _effect(m, rater, size)
        share = _correlation(one / two, typical)
        others = _correlation(others1[0] / others2[0], typical)
        log = np.log(one / two) - np.log(others1[0] / others2[0])
        sign = ((df1, 1), (df2, -1), (others1[1], -1), (others2[1], 1))
        centre = sum(side * (psi(df / 2) - np.log(df / 2)) for df, side in sign)
        spread = np.sqrt(sum(polygamma(1, df / 2) for df, _ in sign))
        p = ndtr(-(log - centre) / spread)
    found = {"halo": share, "halo_others": others, "halo_p": p}
    return pd.DataFrame({name: np.where(known, value, np.nan) for name, value in found.items()})


def _centred(r, residual):
    """Residuals about the rater's mean on each criterion."""
    cell = r.rater.astype(np.int64) * len(r.criterion_ids) + r.criterion
    return residual - _effect(residual, cell, cell.max() + 1)[cell]


def _levelled(mean, level, m, rater, size):
    """Means of pairs without the part that goes with the level of the person, by rater."""
    away = level - (np.bincount(rater, m * level, minlength=size) / np.bincount(rater, m, minlength=size))[rater]
    square = np.bincount(rater, m * away**2, minlength=size)
    slope = np.bincount(rater, m * away * mean, minlength=size) / np.where(square > 0, square, 1.0)
    return mean - slope[rater] * away


def _lessened(ratee):
    """Undo what the ratee's estimate took out of a pair's mean: nearly 1 / (1 - 1 / raters of the ratee)."""
    times = np.bincount(ratee)[ratee]
    return np.where(times > 1, times / np.maximum(times - 1, 1), 1.0)


def _rest(total, df, known):
    """Mean square and degrees of freedom of all other raters together."""
    sums, degrees = np.where(known, total, 0.0), np.where(known, df, 0.0)
    rest = degrees.sum() - degrees
    return (sums.sum() - sums) / rest, rest


def _correlation(ratio, m):
    """Intraclass correlation of groups of m from the ratio of mean squares, not below 0."""
    return np.maximum((ratio - 1) / (ratio - 1 + m), 0.0)


# --- drift --------------------------------------------------------------------------------------------------------


def drifts(r, expected, units, confidence=0.95) -> pd.DataFrame:
    """Change of each rater's severity a period against the median rater's (of four or more; else against all
    together), with interval and p value, from the residuals of the occasions.

    Where most occasions repeat a pair of ratee and rater, changes within the pair are used: the pair's own level
    falls out.
    """
    from scipy.special import stdtr

    size = len(r.rater_ids)
    if r.period is None or len(r.period_ids) < 2:
        return pd.DataFrame({name: np.full(size, np.nan) for name in ("drift", "drift_low", "drift_high", "drift_p")})
    rater, x, y, lost = _trend(r, expected, units)
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.bincount(rater, x**2, minlength=size)
        slope = np.bincount(rater, x * y, minlength=size) / square
        df = np.bincount(rater, minlength=size) - lost - 1.0
        rest = np.bincount(rater, (y - slope[rater] * x) ** 2, minlength=size)
        slope = np.where((df >= 2) & (square > 0), slope, np.nan)
        centre, doubt = _median(slope, rest / df / square)
        error = np.sqrt(rest / df / square + doubt)
        half = samples.t_value(1 - confidence, np.maximum(df, 1)) * error
        severer = centre - slope
        p = 2 * stdtr(np.maximum(df, 1), -np.abs(severer / error))
    return pd.DataFrame({"drift": severer, "drift_low": severer - half, "drift_high": severer + half, "drift_p": p})


def _median(slope, variance):
    """The median slope, which one rater who drifts does not move, and its variance; 0 of fewer than four."""
    known = np.isfinite(slope)
    if known.sum() < 4:
        return 0.0, 0.0
    return float(np.median(slope[known])), float(np.pi / 2 * variance[known].mean() / known.sum())


def _trend(r, expected, units):
    """Rater, period and mean residual of every occasion, both centred; and the means each rater lost to centring."""
    unit, pair, size = units.occasion, units.occasion_pair, len(r.rater_ids)
    rater = units.rater[pair]
    n = np.bincount(unit)
    y = np.bincount(unit, r.score - expected) / n
    x = np.bincount(unit, r.period) / n
    repeated = np.bincount(pair)[pair] > 1
    if repeated.mean() < 0.5:
        x, y = (part - _effect(part, rater, size)[rater] for part in (x, y))
        return rater, x, y, (np.bincount(rater, minlength=size) > 0).astype(float)
    pair, rater = pair[repeated], rater[repeated]
    x, y = (part - _effect(part, pair, len(units.rater))[pair] for part in (x[repeated], y[repeated]))
    first = np.unique(pair, return_index=True)[1]
    return rater, x, y, np.bincount(rater[first], minlength=size).astype(float)


def drift(r: Ratings, expected, confidence=0.95) -> pd.DataFrame:
    """Severity of every rater in every period against the rater's own level and, of four or more, the median rater of
    the period: rater_id, period, n (occasions), estimate (positive = severer than usual), low, high. Empty without
    periods."""
    columns = ["rater_id", "period", "n", "estimate", "low", "high"]
    if r.period is None or len(r.period_ids) < 2:
        return pd.DataFrame(columns=columns)
    units, periods = _units(r), len(r.period_ids)
    residual = r.score - expected
    residual = residual - _effect(residual, r.rater, len(r.rater_ids))[r.rater]
    mean = _effect(residual, units.occasion, len(units.occasion_pair))
    period = _effect(r.period, units.occasion, len(mean)).astype(np.int64)
    code, cell = np.unique(units.rater[units.occasion_pair] * periods + period, return_inverse=True)
    n, value = np.bincount(cell), _effect(mean, cell, len(code))
    df = max(len(mean) - len(code), 1)
    spread = ((mean - value[cell]) ** 2).sum() / df
    half = samples.t_value(1 - confidence, df) * np.sqrt(spread / n)
    middle = pd.Series(value).groupby(code % periods).transform(lambda own: own.median() if len(own) > 3 else 0.0)
    severer = middle.to_numpy() - value
    return pd.DataFrame({
        "rater_id": r.rater_ids[code // periods], "period": r.period_ids[code % periods], "n": n, "estimate": severer,
        "low": severer - half, "high": severer + half,
    }, columns=columns)  # fmt: skip


# --- what the answer rests on -------------------------------------------------------------------------------------


class Separation(NamedTuple):
    """``separation`` G (true spread over error), ``reliability``, ``strata`` (levels that can be told apart)."""

    separation: float
    reliability: float
    strata: float


def separation(estimates, se) -> Separation:
    """How far estimates stand apart beside their errors: reliability ``1 - mean(SE^2) / variance``, not below 0.

    G = sqrt(reliability / (1 - reliability)), strata (4 G + 1) / 3 (Wright & Masters 1982, pp. 92, 105-106).
    """
    estimates, se = np.asarray(estimates, dtype=float), np.asarray(se, dtype=float)
    known = np.isfinite(estimates) & np.isfinite(se)
    observed = estimates[known].var(ddof=1) if known.sum() > 1 else 0.0
    reliability = max(1 - (se[known] ** 2).mean() / observed, 0.0) if observed > 0 else 0.0
    ratio = np.sqrt(reliability / (1 - reliability)) if reliability < 1 else np.inf
    return Separation(float(ratio), float(reliability), float((4 * ratio + 1) / 3))


def leave_one_out(refit, r: Ratings) -> pd.DataFrame:
    """Each rater left out in turn: how far the ranks and tiers of the others' ratees move.

    ``refit(keep)`` -> table of ratee_id, calibrated and, if tiers are known, tier, fitted on the ratings where
    ``keep`` (n,) holds. Columns: rater_id, n (ratings left out), compared (ratees), lost (ratees nobody else rated),
    rank_correlation, largest_move (places), mean_move, tiers_changed (NaN without tiers).
    """
    whole = refit(np.ones(r.n, dtype=bool)).set_index("ratee_id")
    return pd.DataFrame([_without_rater(refit, r, code, whole) for code in range(len(r.rater_ids))])


def _without_rater(refit, r, code, whole) -> dict:
    keep = r.rater != code
    left = refit(keep).set_index("ratee_id")
    common = whole.index.intersection(left.index)
    before, after = (table.loc[common, "calibrated"].rank() for table in (whole, left))
    moved = (before - after).abs()
    tiers = (whole.loc[common, "tier"] != left.loc[common, "tier"]).sum() if "tier" in whole else np.nan
    return {
        "rater_id": r.rater_ids[code], "n": int((~keep).sum()), "compared": len(common),
        "lost": len(whole) - len(common), "rank_correlation": before.corr(after), "largest_move": moved.max(),
        "mean_move": moved.mean(), "tiers_changed": tiers,
    }  # fmt: skip
