"""Internal consistency: do the items of one scale measure one thing, well enough for their mean to be read?

Cronbach's alpha with an interval from its influence function (so neither normal scores nor equal item variances are
assumed, and answers of one customer may be correlated), McDonald's omega of a one-factor minimum-residual solution
with a cluster bootstrap. Complete rows only: both need each respondent's whole row, and a matrix put together from
different respondents need not be one. Items that seem to be keyed the other way are named, never silently turned.

References: Cronbach (1951) Psychometrika 16:297; McDonald (1999) Test Theory, ch. 6; Harman & Jones (1966)
Psychometrika 31:351 (minres); van Zyl, Neudecker & Nel (2000) Psychometrika 65:271 and Maydeu-Olivares, Coffman &
Hartmann (2007) Psychological Methods 12:157 (distribution-free interval); Bonett (2002) Journal of Educational and
Behavioral Statistics 27:335 (scale of the interval). Coverage: ``benchmarks/questionnaire.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import clusters, samples

ACCEPTABLE = 0.70  # for statements about groups (Nunnally 1978, p. 245)
WEAK_ITEM = 0.30  # item-rest correlation below this adds little (Nunnally & Bernstein 1994, ch. 8)
FEWEST = 30  # complete respondents below which nothing is estimated
WIDEST = 0.20  # interval of alpha beyond which the sample is called inadequate
DRAWS = 999
HEYWOOD = 0.9975  # a loading beyond it is held there: a unique variance cannot be negative

_ROUNDS = 300
_SCALE = ["scale", "items", "n", "clusters", "incomplete", "alpha", "alpha_low", "alpha_high", "omega", "omega_low"]
COLUMNS = [
    *_SCALE, "omega_high", "average_r", "reversed", "alpha_keyed", "adequate", "p_value", "p_second", "p_adjusted",
    "verdict",
]  # fmt: skip
ITEM_COLUMNS = ["scale", "item", "n", "mean", "sd", "item_rest", "alpha_deleted", "loading", "reversed", "verdict"]


@dataclass(frozen=True)
class InternalConsistencyResult:
    """Result of :func:`internal_consistency`.

    ``table``, one row a scale (``scale`` empty = all items together), columns ``COLUMNS``: items; n (respondents who
    answered all of them), clusters, incomplete (who answered some); alpha and omega with limits; average_r (mean
    correlation of two items); reversed (items that seem keyed the other way), alpha_keyed (alpha had they been
    turned); adequate (interval of alpha no wider than .20); p_value, p_second (against .70), p_adjusted; verdict:
    reliable (whole interval at or above .70) | unreliable (whole interval below) | unclear | check_keys (an item seems
    reversed: nothing else is judged) | too_few (under 30 complete respondents, or under two items that vary).

    ``items``, one row per scale and item, columns ``ITEM_COLUMNS``: n, mean, sd (both empty where fewer than
    ``min_group`` people gave some score, which could be worked out from them), item_rest (correlation with the sum
    of the others), alpha_deleted, loading (one factor), reversed; verdict: fits | weak_item (item_rest under .30) |
    check_keys.

    ``n`` respondents with any item; ``cautions`` among incomplete_rows (over 10 % in a scale), constant_items,
    mixed_scales (scores were put on 0..1 first), few_clusters.
    """

    table: pd.DataFrame
    items: pd.DataFrame
    n: int
    confidence: float
    cautions: tuple[str, ...]


def internal_consistency(
    items, *, scale="dimension", item="item", respondent="feedback_id", score="score", cluster=None, reverse=(),
    min_group=5, confidence=0.95, seed=0,
) -> InternalConsistencyResult:  # fmt: skip
    """Alpha and omega of every scale of at least two items, and of all items together.

    Parameters
    ----------
    items : one row per respondent and item; columns ``respondent``, ``item``, ``score`` and, where items stand on
        different scales, ``scale_min`` and ``scale_max``
    scale : column of the scale an item belongs to; None = all items are one scale
    cluster : customer; several questionnaires of one customer are not independent
    reverse : items worded the other way, as the questionnaire declares them: turned about their scale first
    min_group : respondents a scale needs to be shown; never below 30 in fact
    seed : of the bootstrap of omega

    Raises MethodRefused: internal_consistency.too_few_items, .unknown_item, samples.unknown_column, .not_numeric.
    """
    samples.require(items, respondent, item, score, cluster, scale)
    wide, who, mixed = _wide(items, respondent, item, score, cluster)
    wide = _turned(wide, items, reverse, mixed)
    if wide.shape[1] < 2:
        raise MethodRefused("internal_consistency.too_few_items", items=wide.shape[1])
    fewest = max(min_group, FEWEST)
    parts = [
        _scale(wide[list(own)], who, name, fewest, confidence, seed) for name, own in _scales(items, scale, item, wide)
    ]
    table = pd.DataFrame([row for row, _, _ in parts]).reindex(columns=COLUMNS)
    table["p_adjusted"] = samples.adjusted(table["p_value"])
    table["verdict"] = _verdicts(table)
    found = {code for _, _, codes in parts for code in codes} | ({"mixed_scales"} if mixed else set())
    listed = pd.concat([rows for _, rows, _ in parts], ignore_index=True).reindex(columns=ITEM_COLUMNS)
    listed.loc[listed["item"].isin(_small(wide, who, min_group)), ["mean", "sd"]] = np.nan
    return InternalConsistencyResult(table, listed, len(wide), confidence, tuple(sorted(found)))


# --- the scores as a matrix ------------------------------------------------------------------------------------


def _wide(items, respondent, item, score, cluster):
    """One row a respondent, one column an item; whom each belongs to; were items of several scales put on 0..1?"""
    scored = items.assign(**{score: samples.numbers(items, score)}).dropna(subset=[score])
    mixed = {"scale_min", "scale_max"} <= set(items) and len(scored[["scale_min", "scale_max"]].drop_duplicates()) > 1
    if mixed:
        place = (scored[score] - scored["scale_min"]) / (scored["scale_max"] - scored["scale_min"])
        scored = scored.assign(**{score: place})
    first = scored.drop_duplicates([respondent, item])
    wide = first.pivot(index=respondent, columns=item, values=score)[first[item].unique()]
    who = None if cluster is None else first.drop_duplicates(respondent).set_index(respondent)[cluster]
    return wide, who if who is None else who.reindex(wide.index), mixed


def _small(wide, who, min_group):
    """Items of which fewer than ``min_group`` people gave some score: mean and spread would tell how many."""
    own = pd.Series(wide.index, index=wide.index) if who is None else who
    people = {name: own.groupby(wide[name]).nunique() for name in wide}
    return [name for name, counted in people.items() if (counted < min_group).any()]


def _turned(wide, items, reverse, mixed):
    """Declared items turned about the ends of their scale: the declared ends, else those seen over all items."""
    unknown = sorted(set(reverse) - set(wide.columns))
    if unknown:
        raise MethodRefused("internal_consistency.unknown_item", item=unknown[0], known=", ".join(map(str, wide)))
    ends = wide.min().min() + wide.max().max()
    if {"scale_min", "scale_max"} <= set(items) and items["scale_max"].notna().any():
        ends = items["scale_min"].min() + items["scale_max"].max()
    return wide.assign(**{name: (1.0 if mixed else ends) - wide[name] for name in reverse})


def _scales(items, scale, item, wide):
    """(name, its items): every declared scale of at least two items, then all items together (name None)."""
    scored = items[items[item].isin(wide.columns)]
    every = scored[item].unique()
    named = [] if scale is None else scored.dropna(subset=[scale]).groupby(scale, observed=True)[item].unique().items()
    return [*((name, own) for name, own in named if 2 <= len(own) < len(every)), (None, every)]


# --- one scale --------------------------------------------------------------------------------------------------


def _scale(wide, who, name, fewest, confidence, seed):
    """(row of the table, rows of the items, cautions) of one scale."""
    answered = wide.dropna(how="all")
    complete = answered.dropna()
    varies = complete.nunique() > 1
    x = complete.loc[:, varies].to_numpy(dtype=float)
    owner = clusters.codes(None if who is None else who.reindex(complete.index), len(complete))
    row = {"scale": name, "items": wide.shape[1], "n": len(complete), "clusters": len(np.unique(owner))}
    row |= {"incomplete": len(answered) - len(complete), "adequate": False}
    cautions = [code for code, holds in {
        "incomplete_rows": row["incomplete"] > 0.1 * len(answered),
        "constant_items": len(complete) > 0 and not varies.all(),
        "few_clusters": row["clusters"] < samples.FEW_CLUSTERS,
    }.items() if holds]  # fmt: skip
    if len(complete) < fewest or x.shape[1] < 2 or row["clusters"] < 2:
        return row, pd.DataFrame(columns=ITEM_COLUMNS), cautions
    signs = keys(np.corrcoef(x.T))
    listed = _items(x, complete.columns[varies], signs).assign(scale=name, n=len(complete))
    drawn = _draws(x, owner, seed)
    row |= _alpha_row(x, owner, drawn, confidence) | _omega_row(x, owner, drawn, confidence)
    row |= {"reversed": int((signs < 0).sum()), "alpha_keyed": float(alpha(np.cov((x * signs).T)))}
    return row, listed, cautions


def alpha(covariance):
    """Cronbach's alpha of covariance matrices (..., k, k).

    Checked against the raw alphas of psych's help page for `bfi`.
    """
    k = covariance.shape[-1]
    return k / (k - 1) * (1 - np.trace(covariance, axis1=-2, axis2=-1) / covariance.sum((-1, -2)))


def alpha_interval(x, owner, level):
    """Limits of alpha: the linearised variance of ``ln(1 - alpha)``, t on Satterthwaite degrees of freedom.

    ``x`` (n, k) scores, ``owner`` (n,) codes of the customers, ``level`` alpha of the interval, of any shape.
    NaN where the items repeat each other: at an alpha of 1 nothing is left that could vary.
    """
    centred = x - x.mean(0)
    total, own = centred.sum(1) ** 2, (centred**2).sum(1)
    estimate = alpha(np.cov(x.T))
    ratio = x.shape[1] * own.mean() / total.mean()  # 1 - alpha is (ratio - 1) / (k - 1)
    if np.isclose(ratio, 1, rtol=0, atol=1e-12):
        return np.full(np.shape(level), np.nan), np.full(np.shape(level), np.nan)
    influence = (own / own.mean() - total / total.mean()) * ratio / (ratio - 1)
    result = clusters.contrast(influence, cluster=owner)
    df = np.fmin(result.df, result.tail_df)  # a few respondents at the low end carry the variance of skewed items
    return _around(estimate, samples.t_value(level, df) * np.sqrt(result.variance))


def _around(estimate, half):
    """Limits ``half`` to either side on the scale ``ln(1 - estimate)``."""
    return 1 - (1 - estimate) * np.exp(half), 1 - (1 - estimate) * np.exp(-half)


def _alpha_row(x, owner, drawn, confidence):
    def limits(level):
        return alpha_interval(x, owner, level)

    estimate = float(alpha(np.cov(x.T)))
    low, high = map(float, limits(1 - confidence))
    with np.errstate(divide="ignore"):  # an alpha of 1 lies infinitely far from any other
        moved = np.abs(np.log1p(-alpha(drawn)) - np.log1p(-estimate))
        extreme = (moved >= abs(np.log(1 - ACCEPTABLE) - np.log1p(-estimate))).sum()
    return {
        "alpha": estimate, "alpha_low": low, "alpha_high": high, "average_r": _average(np.corrcoef(x.T)),
        "adequate": bool(high - low <= WIDEST), "p_value": float(samples.p_value(limits, ACCEPTABLE)),
        "p_second": float((1 + extreme) / (1 + DRAWS)),
    }  # fmt: skip


def _average(correlation):
    k = len(correlation)
    return float((correlation.sum() - k) / (k * (k - 1)))


# --- one factor -------------------------------------------------------------------------------------------------


def minres(correlation):
    """Loadings (..., k) of the one-factor minimum-residual solution of correlation matrices (..., k, k).

    Coordinate descent on the off-diagonal residuals (Harman & Jones 1966); two items share one correlation equally.
    """
    k = correlation.shape[-1]
    off = correlation * (1 - np.eye(k))
    if k == 2:
        size = np.sqrt(np.abs(off[..., 0, 1]))
        return np.stack([size, size * np.sign(off[..., 0, 1])], axis=-1)
    _, vectors = np.linalg.eigh(correlation)
    loading = vectors[..., -1] * np.sqrt(np.maximum(np.linalg.eigvalsh(correlation)[..., -1:] / k, 0.1))
    for _ in range(_ROUNDS):
        before = loading.copy()
        for j in range(k):
            others = (loading**2).sum(-1) - loading[..., j] ** 2
            new = (off[..., j, :] * loading).sum(-1) / np.maximum(others, 1e-12)
            loading[..., j] = np.clip(new, -HEYWOOD, HEYWOOD)
        if np.abs(loading - before).max() < 1e-7:
            break
    return loading * np.where(loading.sum(-1, keepdims=True) < 0, -1.0, 1.0)


def omega(covariance):
    """McDonald's omega of sum scores, one factor, of covariance matrices (..., k, k)."""
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    loading = minres(covariance / (sd[..., :, None] * sd[..., None, :]))
    common = (loading * sd).sum(-1) ** 2
    return common / (common + (sd**2 * (1 - loading**2)).sum(-1))


def keys(correlation):
    """+1 or -1 an item: the sign of its loading on the first component, most items taken as positive.

    Only an item that correlates negatively with the sum of the others is called reversed.
    """
    _, vectors = np.linalg.eigh(correlation)
    first = vectors[:, -1]
    signs = np.where(first * (1 if np.sign(first).sum() > 0 or first.sum() > 0 else -1) < 0, -1.0, 1.0)
    rest = (correlation.sum(1) - 1) < 0
    return np.where(rest & (signs < 0), -1.0, 1.0)


def _omega_row(x, owner, drawn, confidence):
    """Omega, and limits from its bootstrap standard error on the scale ``ln(1 - omega)``."""
    estimate = float(omega(np.cov(x.T)))
    error = np.log1p(-np.minimum(omega(drawn), 1 - 1e-9)).std(ddof=1)
    low, high = _around(estimate, samples.t_value(1 - confidence, len(np.unique(owner)) - 1) * error)
    return {"omega": estimate, "omega_low": float(low), "omega_high": float(high)}


def _draws(x, owner, seed):
    """Covariance matrices (DRAWS, k, k) of cluster bootstrap samples (above 1,000 clusters, of blocks of them)."""
    rng = np.random.default_rng(seed)
    groups, k = owner.max() + 1, x.shape[1]
    if groups > clusters.BOOTSTRAP_BLOCKS:
        owner = rng.permutation(groups)[owner] % clusters.BOOTSTRAP_BLOCKS
    centred = x - x.mean(0)
    products = (centred[:, :, None] * centred[:, None, :]).reshape(-1, k * k)
    sums = pd.DataFrame(np.column_stack([np.ones(len(x)), centred, products])).groupby(owner).sum().to_numpy()
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=DRAWS) @ sums
    n, mean = drawn[:, :1], drawn[:, 1 : k + 1] / drawn[:, :1]
    covariance = (drawn[:, k + 1 :] / n).reshape(-1, k, k) - mean[:, :, None] * mean[:, None, :]
    # an item that does not vary in a draw: a trace of variance keeps its correlations defined
    return covariance + np.eye(k) * 1e-9 * np.trace(covariance, axis1=1, axis2=2)[:, None, None]


# --- the items --------------------------------------------------------------------------------------------------


def _items(x, names, signs):
    covariance = np.cov(x.T)
    variance = np.diag(covariance)
    to_rest = covariance.sum(1) - variance
    rest = covariance.sum() - 2 * covariance.sum(1) + variance
    with np.errstate(divide="ignore", invalid="ignore"):
        item_rest = to_rest / np.sqrt(variance * rest)
    k = len(names)
    without = [alpha(np.delete(np.delete(covariance, j, 0), j, 1)) if k > 2 else np.nan for j in range(k)]
    table = pd.DataFrame({"item": names, "mean": x.mean(0), "sd": np.sqrt(variance), "item_rest": item_rest})
    table = table.assign(alpha_deleted=without, loading=minres(np.corrcoef(x.T)), reversed=signs < 0)
    cases = [table["reversed"], table["item_rest"] < WEAK_ITEM]
    return table.assign(verdict=np.select(cases, ["check_keys", "weak_item"], default="fits"))


def _verdicts(table):
    cases = {
        "too_few": table["alpha"].isna(),
        "check_keys": table["reversed"] > 0,
        "reliable": table["alpha_low"] >= ACCEPTABLE,
        "unreliable": table["alpha_high"] < ACCEPTABLE,
    }
    return np.select(list(cases.values()), list(cases), default="unclear")
