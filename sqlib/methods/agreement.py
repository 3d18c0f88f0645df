"""Agreement on levels and on ranks: Cohen's weighted kappa of two raters, Fleiss' kappa of several, Kendall's W.

Units are what is rated: people, comments, cases. Kappas set what two ratings of a unit agree on against what they would
by chance with the same margins; W says how alike the raters order the units.

References: Cohen (1968) Psychological Bulletin 70:213; Fleiss, Cohen & Everitt (1969) Psychological Bulletin 72:323
(standard error of weighted kappa); Fleiss (1971) Psychological Bulletin 76:378; Fleiss, Nee & Landis (1979)
Psychological Bulletin 86:974 (its z); Kendall & Babington Smith (1939) Annals of Mathematical Statistics 10:275; Efron
& Stein (1981) Annals of Statistics 9:586 (jackknife). Coverage: ``benchmarks/reliability.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples

WEIGHTS = ("none", "linear", "quadratic")
COLUMNS = ["coefficient", "estimate", "low", "high", "statistic", "df", "p_value", "n", "raters", "method"]
FEW_UNITS = 40  # below so many the limits of kappa cover as little as .87
BLOCKS = 200


@dataclass(frozen=True)
class AgreementResult:
    """``table``, one row, columns ``COLUMNS``: coefficient (kappa, weighted_kappa, fleiss_kappa, kendall_w), estimate
    with limits, statistic (z, or chi-square for W) with df and p_value of chance agreement, n (units), raters, method.

    ``missing``: units left out because a rating is missing; ``cautions`` among incomplete, few_units (under 40).
    """

    table: pd.DataFrame
    missing: int
    confidence: float
    cautions: tuple[str, ...]


def _result(row: dict, missing: int, confidence: float) -> AgreementResult:
    cautions = {"incomplete": missing > 0, "few_units": row["n"] < FEW_UNITS}
    return AgreementResult(
        pd.DataFrame([row], columns=COLUMNS), missing, confidence, tuple(code for code, on in cautions.items() if on)
    )


# --- kappa of two raters ------------------------------------------------------------------------------------------


def weighted_kappa(first, second, *, weights="quadratic", levels=None, confidence=0.95) -> AgreementResult:
    """Cohen's kappa of two raters, or two coders, over the same units.

    Parameters
    ----------
    first, second : scores or worded levels of equal length, unit by unit; a unit with a blank is left out and counted
    weights : none (agreed or not), linear or quadratic in the distance of two levels
    levels : worded levels in their order, a step apart each; numbers without it are as far apart as they are

    Raises MethodRefused: agreement.unknown_weights, .unequal_lengths, .unordered_levels, .unknown_level,
    .too_few_units, .one_level (both gave one level to every unit: chance explains all).

    Checked against irr (``anxiety``) and statsmodels.
    """
    if weights not in WEIGHTS:
        raise MethodRefused("agreement.unknown_weights", got=weights, known=", ".join(WEIGHTS))
    pairs, missing = _pairs(first, second)
    names, place = _levels(pairs, weights, levels)
    counts = np.zeros((len(names), len(names)))
    np.add.at(counts, tuple(pd.Index(names).get_indexer(pairs[column]) for column in pairs), 1.0)
    distance = np.abs(place[:, None] - place[None, :])
    distance = {"none": (distance > 0).astype(float), "linear": distance, "quadratic": distance**2}[weights]
    kappa, error, null = _kappa(counts / len(pairs), 1 - distance / distance.max(), len(pairs))
    low, high = _bounded(kappa, error, 1 - confidence)
    row = {"coefficient": "kappa" if weights == "none" else "weighted_kappa", "estimate": kappa, "low": low,
           "high": high, "statistic": kappa / null, "p_value": _two_sided(kappa / null), "n": len(pairs), "raters": 2,
           "method": weights}  # fmt: skip
    return _result(row, missing, confidence)


def _pairs(first, second) -> tuple[pd.DataFrame, int]:
    first, second = pd.Series(list(first), dtype=object), pd.Series(list(second), dtype=object)
    if len(first) != len(second):
        raise MethodRefused("agreement.unequal_lengths", first=len(first), second=len(second))
    both = pd.DataFrame({"first": first, "second": second})
    known = both.dropna()
    if len(known) < 2:
        raise MethodRefused("agreement.too_few_units", got=len(known))
    return known, len(both) - len(known)


def _levels(pairs: pd.DataFrame, weights: str, levels) -> tuple[list, np.ndarray]:
    """Levels and where they stand."""
    given = pd.unique(pairs.to_numpy().ravel())
    if levels is not None:
        unknown = [level for level in given if level not in list(levels)]
        if unknown:
            raise MethodRefused("agreement.unknown_level", got=str(unknown[0]), known=", ".join(map(str, levels)))
        names = [level for level in levels if level in given]
        place = np.array([list(levels).index(level) for level in names], dtype=float)
    else:
        names = _ordered(given, weights)
        place = np.arange(len(names)) if weights == "none" else np.array(names, dtype=float)
    if len(names) < 2:
        raise MethodRefused("agreement.one_level", got=str(names[0]), n=len(pairs))
    return names, place


def _ordered(given: np.ndarray, weights: str) -> list:
    """Numbers in their order; words only where order does not matter."""
    if all(isinstance(level, (int, float, np.number)) for level in given):
        return sorted(given)
    if weights != "none":
        raise MethodRefused("agreement.unordered_levels", got=", ".join(sorted(map(str, given))[:6]))
    return list(given)


def _kappa(share: np.ndarray, weight: np.ndarray, n: int) -> tuple[float, float, float]:
    """Weighted kappa of a table of shares, its standard error and that under chance agreement (Fleiss et al. 1969)."""
    row, column = share.sum(1), share.sum(0)
    agreed, chance = (weight * share).sum(), row @ weight @ column
    mean = (weight @ column)[:, None] + (row @ weight)[None, :]
    own = (share * (weight * (1 - chance) - mean * (1 - agreed)) ** 2).sum()
    variance = (own - (agreed * chance - 2 * chance + agreed) ** 2) / (n * (1 - chance) ** 4)
    by_chance = (np.outer(row, column) * (weight - mean) ** 2).sum() - chance**2
    return (
        float((agreed - chance) / (1 - chance)), float(np.sqrt(max(variance, 0.0))),
        float(np.sqrt(max(by_chance, 1e-300) / n) / (1 - chance)),
    )  # fmt: skip


def _bounded(estimate: float, error: float, alpha: float) -> tuple[float, float]:
    half = float(samples.z_value(alpha)) * error
    return max(estimate - half, -1.0), min(estimate + half, 1.0)


def _two_sided(z: float) -> float:
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))


# --- kappa of several raters --------------------------------------------------------------------------------------


def fleiss_kappa(data, *, unit, rater, score, confidence=0.95) -> AgreementResult:
    """Fleiss' kappa: agreement on unordered levels of several raters, as many for every unit.

    ``data`` one row per rating. Limits by the jackknife over units with t; z and p under chance agreement.

    Raises MethodRefused: agreement.unequal_raters (some units lack a rating: Krippendorff's alpha takes those),
    .repeated, .one_rater, .too_few_units, .one_level; samples.unknown_column.

    Checked against Fleiss (1971) and irr (``diagnoses``: .430, z 17.65).
    """
    known, _ = _long(data, unit, rater, score)
    counts = pd.crosstab(known[unit], known[score]).to_numpy(dtype=float)
    raters = counts.sum(1)
    if raters.min() < raters.max():
        raise MethodRefused("agreement.unequal_raters", fewest=int(raters.min()), most=int(raters.max()))
    _refuse_few(counts, known[score])
    n, m = len(counts), raters[0]
    share = counts.sum(0) / counts.sum()
    agreed, chance = (counts * (counts - 1)).sum(1) / (m * (m - 1)), (share**2).sum()
    kappa = float((agreed.mean() - chance) / (1 - chance))
    varied = (share * (1 - share)).sum()
    null = np.sqrt(2 * (varied**2 - (share * (1 - share) * (1 - 2 * share)).sum()) / (n * m * (m - 1))) / varied
    shares = (counts.sum(0) - counts) / (m * (n - 1))
    without = 1 - (1 - (agreed.sum() - agreed) / (n - 1)) / (1 - (shares**2).sum(1))
    low, high = _jackknifed(kappa, without, 1 - confidence, lambda value: -np.log(np.maximum(1 - value, 1e-12)),
                            lambda value: 1 - np.exp(-value))  # fmt: skip
    row = {"coefficient": "fleiss_kappa", "estimate": kappa, "low": low, "high": high, "statistic": float(kappa / null),
           "p_value": _two_sided(kappa / null), "n": n, "raters": int(m), "method": "jackknife"}  # fmt: skip
    return _result(row, 0, confidence)


def _long(data: pd.DataFrame, unit: str, rater: str, score: str) -> tuple[pd.DataFrame, int]:
    """Ratings without blanks, one per unit and rater."""
    samples.require(data, unit, rater, score)
    known = data[[unit, rater, score]].dropna()
    again = known.duplicated([unit, rater])
    if again.any():
        raise MethodRefused("agreement.repeated", rows=int(again.sum()))
    if known[rater].nunique() < 2:
        raise MethodRefused("agreement.one_rater", column=rater, rows=len(known))
    return known, len(data) - len(known)


def _refuse_few(table: np.ndarray, given: pd.Series) -> None:
    if len(table) < 2:
        raise MethodRefused("agreement.too_few_units", got=len(table))
    if given.nunique() < 2:
        raise MethodRefused("agreement.one_level", got=str(given.iloc[0]), n=len(table))


def _jackknifed(estimate: float, without: np.ndarray, alpha: float, onto, back) -> tuple[float, float]:
    """Limits from the spread of the estimates without one unit each, on a scale without bounds."""
    n, moved = len(without), onto(without)
    error = np.sqrt((n - 1) / n * ((moved - moved.mean()) ** 2).sum())
    half = samples.t_value(alpha, n - 1) * error
    middle = onto(np.asarray(estimate))
    return float(back(middle - half)), float(back(middle + half))


# --- ranks --------------------------------------------------------------------------------------------------------


def kendall_w(data, *, unit, rater, score, confidence=0.95, draws=1999, seed=0) -> AgreementResult:
    """Kendall's coefficient of concordance, ties corrected: do the raters put the units in one order?

    ``data`` one row per rating; units that lack a rating of some rater are left out and counted. Chi-square on n - 1
    degrees of freedom; p by permutation within raters (``draws``, ``seed``). Limits by the jackknife over units (above
    200, over blocks of them) on Fisher's scale of the mean rank correlation.

    Raises MethodRefused: agreement.repeated, .one_rater, .too_few_units (under 3 rated by all), .one_level (a rater
    gave everybody one score); samples.unknown_column, .not_numeric.

    Checked against irr (``anxiety``: .5397).
    """
    samples.numbers(data, score)
    known, _ = _long(data, unit, rater, score)
    wide = known.pivot(index=unit, columns=rater, values=score).astype(float)
    scores = wide.dropna().to_numpy()
    n, m = scores.shape
    if n < 3:
        raise MethodRefused("agreement.too_few_units", got=n)
    flat = np.ptp(scores, axis=0) == 0
    if flat.any():
        raise MethodRefused("agreement.one_level", got=str(scores[0, flat][0]), n=n)
    ranks = _ranks(scores)
    w = float(_concordance(ranks))
    block = np.random.default_rng(seed).permutation(n) % BLOCKS
    without = np.array([_concordance(_ranks(scores[block != out])) for out in range(min(n, BLOCKS))])

    def fisher(value):
        return np.arctanh(np.clip((m * value - 1) / (m - 1), -1 + 1e-9, 1 - 1e-9))

    limits = _jackknifed(w, without, 1 - confidence, fisher, lambda value: ((m - 1) * np.tanh(value) + 1) / m)
    row = {"coefficient": "kendall_w", "estimate": w, "low": max(limits[0], 0.0), "high": limits[1],
           "statistic": m * (n - 1) * w, "df": n - 1, "p_value": _permuted(ranks, w, draws, seed), "n": n, "raters": m,
           "method": "ties_corrected"}  # fmt: skip
    return _result(row, len(wide) - n, confidence)


def _ranks(scores: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return rankdata(scores, axis=0)


def _concordance(ranks: np.ndarray):
    """W of ranks (n, m): variance of their sums as a share of what full agreement with the same ties would give."""
    m = ranks.shape[-1]
    sums, spread = ranks.sum(-1), ((ranks - ranks.mean(-2, keepdims=True)) ** 2).sum((-2, -1))
    return ((sums - sums.mean(-1, keepdims=True)) ** 2).sum(-1) / np.maximum(m * spread, 1e-300)


def _permuted(ranks: np.ndarray, w: float, draws: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    above = sum(_concordance(rng.permuted(ranks, axis=0)) >= w - 1e-12 for _ in range(draws))
    return float((1 + above) / (1 + draws))
