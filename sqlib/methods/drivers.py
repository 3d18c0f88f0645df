"""Key drivers: how much of what overall satisfaction shares with the scores of its parts goes with each of them.

R² of the regression of the overall score on the drivers is parted among them: exactly by averaging over all orders
of entry up to 12 drivers (LMG: Lindeman, Merenda & Gold 1980, p. 119; Grömping 2006, J. Stat. Softw. 17(1)), beyond
by relative weights (Johnson 2000, Multivariate Behavioral Research 35:1). Everything here is association: a driver
with a large share goes with satisfaction, which is no proof that changing it would move satisfaction.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import clusters, moments, samples

EXACT = 12  # drivers up to which R² of every subset is computed in every replicate
LEAST_ROWS, ROWS_A_DRIVER, LEAST_CLUSTERS = 50, 10, 30
ANSWERED = 0.5  # a driver answered by a smaller share of the respondents is left out
HELD = 0.96  # a place is settled when it is kept in this share of the replicates: two equal ones pass in 9 %
EXPLAINED = 0.10  # adjusted R² below which no order is claimed
OVERLAP = 0.80  # correlation above which two drivers cannot be told apart
SINGULAR = 1e-10
BATCH = 100  # replicates at a time: keeps the subsets in the processor's cache

COLUMNS = [
    "driver", "share", "low", "high", "importance", "weight", "rank", "rank_low", "rank_high", "first_share",
    "held", "correlation", "coefficient", "slope", "overlap", "mean", "mean_low", "mean_high",
    "gain", "gain_low", "gain_high", "gain_p", "gain_p_second", "gain_p_adjusted", "n",
]  # fmt: skip


@dataclass(frozen=True)
class DriversResult:
    """Result of :func:`drivers`. All limits are percentiles of the cluster bootstrap.

    ``table``, one row a driver, the largest share first, columns ``COLUMNS``: driver; share (of R², 0..1, adds up to
    1), low, high; importance (the same in units of R²); weight (share by relative weights, for comparison); rank with
    rank_low, rank_high; first_share (of the replicates in which it comes first); held (share of the replicates in
    which this and all places above it are kept); correlation (with the outcome); coefficient (standardised) and slope
    (on the scales as given) of the joint regression; overlap (largest |correlation| with another driver); mean with
    limits; gain with limits: slope times (``level`` minus mean), in units of the outcome, for drivers below the
    level, else NaN: what goes with that distance, no promise; gain_p (bootstrap), gain_p_second (normal, bootstrap
    standard error), gain_p_adjusted (Benjamini-Hochberg over the drivers below); n.

    ``settled``: leading places that are settled, see :func:`drivers`; ``stable``: at least the first; ``leading``: size
    of the smallest group, up to half of the drivers, that takes the first places in some order, 0 where there is
    none; ``unsettled``: why no more places are settled: low_r2 | collinear | overlapping, or "" where all are.
    ``lead``: share of the first less that of the second, with limits, ``lead_p`` (of the first place) and, by relative
    weights, ``lead_p_second``. ``r2`` adjusted with limits; ``method`` lmg | relative_weights; ``level`` the drivers
    are raised to; ``complete``: share of the answers with an outcome that have every driver; ``left_out``: driver ->
    rarely_answered | constant. ``cautions`` among low_r2, collinear, unstable, few_answers (under 20 a driver or 100),
    incomplete (under 80 %), left_out.
    """

    table: pd.DataFrame
    r2: float
    r2_low: float
    r2_high: float
    lead: float
    lead_low: float
    lead_high: float
    lead_p: float
    lead_p_second: float
    settled: int
    stable: bool
    leading: int
    unsettled: str
    method: str
    level: float
    n: int
    clusters: int
    complete: float
    left_out: dict[str, str]
    replicates: int
    confidence: float
    cautions: tuple[str, ...]


# --- parting R² ----------------------------------------------------------------------------------------------------


def lmg(correlations) -> np.ndarray:
    """Importance (..., p) of each column but the last for the last; adds up to R².

    ``correlations`` (..., p + 1, p + 1), drivers first, the outcome last. 2^p subsets: meant for p up to about 15.
    Checked against R's relaimpo on the swiss data (12 digits) and against all p! orders by brute force.
    """
    correlations = np.asarray(correlations, dtype=float)
    size = correlations.shape[-1]
    flat = correlations.reshape(-1, size, size)
    parts = [_r2_of_subsets(flat[start : start + BATCH]) for start in range(0, len(flat), BATCH)]
    found = np.concatenate(parts) @ _orders(size - 1)
    return found.reshape(*correlations.shape[:-2], size - 1)


def _r2_of_subsets(correlations):
    """R² of every subset of the drivers, (B, 2^p); subset s holds driver j where bit p - 1 - j of s is set.

    One driver at a time is either dropped or swept out of all that follow (Schur complement).
    """
    left = correlations[:, None]
    while left.shape[-1] > 1:
        pivot, row = left[..., :1, :1], left[..., :1, 1:]
        without = left[..., 1:, 1:]
        scale = np.where(pivot > SINGULAR, 1 / np.maximum(pivot, SINGULAR), 0.0)
        swept = without - np.swapaxes(row, -1, -2) * (row * scale)
        left = np.stack([without, swept], axis=2).reshape(len(left), -1, *without.shape[-2:])
    return 1 - left[..., 0, 0]


def _orders(p: int):
    """Weight of the R² of each subset in the importance of each driver, (2^p, p): Shapley's."""
    member = (np.arange(2**p)[:, None] >> np.arange(p)[::-1]) & 1
    size = member.sum(1, keepdims=True)
    among = np.array([math.factorial(k) * math.factorial(p - 1 - k) / math.factorial(p) for k in range(p)])
    return np.where(member, among[np.maximum(size - 1, 0)], -among[np.minimum(size, p - 1)])


def relative_weights(correlations) -> np.ndarray:
    """Johnson's relative weights (..., p) of each column but the last for the last; add up to R².

    ``correlations`` as in :func:`lmg`. Checked against published output of R's rwa and flipTransformations.
    """
    correlations = np.asarray(correlations, dtype=float)
    among, outcome = correlations[..., :-1, :-1], correlations[..., :-1, -1:]
    value, vector = np.linalg.eigh(among)
    root = np.sqrt(np.maximum(value, 0))[..., None, :]
    turned = np.swapaxes(vector, -1, -2)
    loading = (vector * root) @ turned  # drivers on their nearest uncorrelated stand-ins
    inverse = (vector * np.where(root > SINGULAR**0.5, 1 / np.maximum(root, SINGULAR**0.5), 0.0)) @ turned
    return (loading**2 @ (inverse @ outcome) ** 2)[..., 0]


# --- the method ----------------------------------------------------------------------------------------------------


def drivers(
    answers, *, outcome, drivers, cluster=None, level=None, replicates=1000, min_group=5, confidence=0.95, seed=0
) -> DriversResult:
    """Share of each driver in what the drivers explain of the outcome, its rank, and how far the ranking can be read.

    A place is *settled* when, in 96 % of the replicates, it and all places above it are held by the same drivers;
    when adjusted R² is at least .10; and when the driver in it has no other driver above |r| = .80 beside it. A
    ranking is stable when at least the first place is settled.

    Parameters
    ----------
    answers : one row an answer; ``outcome`` the overall score, ``drivers`` columns of scores on one scale
    cluster : customer; answers of one customer are not independent
    level : what a driver below it is thought raised to; the mean of all drivers if left out
    replicates : of the cluster bootstrap, seeded by ``seed``
    min_group : customers below which nothing is shown; at least 30 are needed anyway

    Rows with the outcome and every driver kept are used. A driver that under half of those with an outcome answered,
    or that does not vary, is left out and named.

    Raises MethodRefused: drivers.too_few_drivers (under 2), drivers.too_few_answers (under 50, or 10 a driver, or
    under 30 customers), drivers.constant_outcome, samples.unknown_column, samples.not_numeric.
    """
    samples.require(answers, outcome, *drivers, cluster)
    scored = pd.DataFrame({name: samples.numbers(answers, name) for name in (*drivers, outcome)})
    scored = scored[scored[outcome].notna()]
    used, left_out = samples.answered(scored, list(drivers), ANSWERED)
    if len(used) < 2:
        raise MethodRefused("drivers.too_few_drivers", given=len(drivers), used=len(used), rows=len(scored))
    rows = scored[[*used, outcome]].dropna()
    code = clusters.codes(None if cluster is None else answers.loc[rows.index, cluster], len(rows))
    _enough(rows, used, code, max(LEAST_CLUSTERS, min_group))
    columns = np.column_stack([np.ones(len(rows)), rows - rows.mean()])
    products, redone = moments.resampled(columns, code, replicates=replicates, seed=seed)
    point, draws = (_parted(each, rows.mean().to_numpy(), level) for each in (products[None], redone))
    return _result(used, point, draws, rows, code, len(scored), left_out, confidence)


def _enough(rows, used, code, least):
    needed, people = max(LEAST_ROWS, ROWS_A_DRIVER * len(used)), len(np.unique(code))
    if len(rows) < needed or people < least:
        raise MethodRefused(
            "drivers.too_few_answers", rows=len(rows), needed=needed, people=people, least=least, drivers=len(used)
        )
    if rows.iloc[:, -1].nunique() < 2:
        raise MethodRefused("drivers.constant_outcome", column=rows.columns[-1], rows=len(rows))


@dataclass(frozen=True)
class _Parts:
    """What one sample, or each of many, says: shares and weights (B, p), r2 (B,), and so on."""

    importance: np.ndarray
    share: np.ndarray
    weight: np.ndarray
    r2: np.ndarray
    correlations: np.ndarray
    slope: np.ndarray
    coefficient: np.ndarray
    mean: np.ndarray
    gain: np.ndarray
    level: np.ndarray


def _parted(products, origin, level) -> _Parts:
    """Everything that follows from cross-products (B, p + 2, p + 2) of columns centred at ``origin``."""
    centred, covariances = moments.covariance(products)
    correlations = moments.correlation(covariances)
    p = correlations.shape[-1] - 1
    weight = relative_weights(correlations)
    importance = lmg(correlations) if p <= EXACT else weight
    r2 = importance.sum(-1)
    inverse = np.linalg.pinv(correlations[:, :p, :p], rcond=SINGULAR, hermitian=True)
    coefficient = (inverse @ correlations[:, :p, p:])[..., 0]
    sd = np.sqrt(np.maximum(np.diagonal(covariances, axis1=-2, axis2=-1), SINGULAR))
    slope = coefficient * sd[:, p:] / sd[:, :p]
    mean = (centred + origin)[:, :p]
    reached = mean.mean(-1) if level is None else np.full(len(mean), float(level))
    total = np.maximum(r2, SINGULAR)[:, None]
    return _Parts(
        importance=importance, share=importance / total, weight=weight / total, r2=r2, correlations=correlations,
        slope=slope, coefficient=coefficient, mean=mean, gain=slope * (reached[:, None] - mean), level=reached,
    )  # fmt: skip


def _result(used, point, draws, rows, code, asked, left_out, confidence):
    order = np.argsort(-point.share[0], kind="stable")
    ends = ((1 - confidence) / 2, (1 + confidence) / 2)
    ranks = np.argsort(np.argsort(-draws.share, axis=1, kind="stable"), axis=1, kind="stable") + 1
    held = _held(draws.share, order)
    n, p = len(rows), len(used)
    alike = np.abs(point.correlations[0, :p, :p] - np.eye(p))
    overlap = alike.max(1)
    r2, redone = _adjusted(point.r2[0], n, p), _adjusted(_adjusted(draws.r2, n, p), n, p)
    settled, unsettled = _settled(held, overlap[order], r2)
    table = pd.DataFrame(
        {
            "driver": used, "share": point.share[0], "importance": point.importance[0], "weight": point.weight[0],
            "rank": np.argsort(order) + 1, "first_share": (ranks == 1).mean(0),
            "correlation": point.correlations[0, :p, p], "coefficient": point.coefficient[0],
            "slope": point.slope[0], "overlap": overlap, "mean": point.mean[0], "n": n,
        }
    )  # fmt: skip
    table["low"], table["high"] = np.quantile(draws.share, ends, axis=0)
    table["mean_low"], table["mean_high"] = np.quantile(draws.mean, ends, axis=0)
    table["rank_low"] = np.quantile(ranks, ends[0], axis=0, method="lower")
    table["rank_high"] = np.quantile(ranks, ends[1], axis=0, method="higher")
    table = _gains(table, point, draws, ends).iloc[order].reset_index(drop=True)
    table["held"] = held
    complete = n / asked
    lead = draws.share[:, order[0]] - draws.share[:, order[1]]
    low, high = np.quantile(lead, ends)
    r2_low, r2_high = np.quantile(redone, ends)
    return DriversResult(
        table=table[COLUMNS], r2=float(r2), r2_low=float(r2_low), r2_high=float(r2_high),
        lead=float(point.share[0, order[0]] - point.share[0, order[1]]), lead_low=float(low), lead_high=float(high),
        lead_p=_two_sided(held[0], len(draws.r2)),
        lead_p_second=_two_sided(_held(draws.weight, order)[0], len(draws.r2)),
        settled=settled, stable=settled > 0, unsettled=unsettled,
        leading=_leading(draws.share, order, alike, r2), method="lmg" if p <= EXACT else "relative_weights",
        level=float(point.level[0]), n=n, clusters=len(np.unique(code)), complete=complete, left_out=left_out,
        replicates=len(draws.r2), confidence=confidence,
        cautions=_cautions(r2, overlap, settled, n, p, complete, left_out),
    )  # fmt: skip


def _held(shares, order):
    """Share of the replicates in which the first k places are held as in ``order``, for k = 1 .. p."""
    same = np.argsort(-shares, axis=1, kind="stable") == order
    return np.logical_and.accumulate(same, axis=1).mean(0)


def _settled(held, overlap, r2):
    """How many leading places can be read, and what stands against the next."""
    if not r2 >= EXPLAINED:
        return 0, "low_r2"
    for place, (kept, alike) in enumerate(zip(held, overlap, strict=True)):
        if alike > OVERLAP:
            return place, "collinear"
        if kept < HELD:
            return place, "overlapping"
    return len(held), ""


def _leading(shares, order, alike, r2):
    """Size of the smallest group that takes the first places in whatever order; 0 if none up to half of the drivers."""
    ranked = np.argsort(-shares, axis=1, kind="stable")
    for size in range(1, len(order) // 2 + 1):
        group, others = order[:size], order[size:]
        kept = np.isin(ranked[:, :size], group).all(1).mean()
        if r2 >= EXPLAINED and kept >= HELD and alike[np.ix_(group, others)].max() <= OVERLAP:
            return size
    return 0


def _adjusted(r2, n, p):
    return 1 - (1 - r2) * (n - 1) / (n - p - 1)


def _two_sided(held, replicates):
    """P value of a place: how often another order turns up, both ways."""
    return float(min(1.0, 2 * (1 + (1 - held) * replicates) / (1 + replicates)))


def _gains(table, point, draws, ends):
    """What goes with raising each driver below the level to it."""
    below = point.mean[0] < point.level[0]
    columns = [point.gain[0], *np.quantile(draws.gain, ends, axis=0), *_p_values(point.gain[0], draws.gain)]
    names = ["gain", "gain_low", "gain_high", "gain_p", "gain_p_second"]
    found = table.assign(**{name: np.where(below, column, np.nan) for name, column in zip(names, columns, strict=True)})
    return found.assign(gain_p_adjusted=samples.adjusted(found["gain_p"]))


def _p_values(estimate, draws):
    """Two-sided p values of 0: by the tails of the bootstrap, and by a normal with its standard error."""
    from scipy.special import ndtr

    tail = np.minimum((draws <= 0).sum(0), (draws >= 0).sum(0))
    error = np.maximum(draws.std(0, ddof=1), SINGULAR)
    return np.minimum(1.0, 2 * (1 + tail) / (1 + len(draws))), 2 * ndtr(-np.abs(estimate) / error)


def _cautions(r2, overlap, settled, n, p, complete, left_out):
    tests = {
        "low_r2": not r2 >= EXPLAINED,
        "collinear": overlap.max() > OVERLAP,
        "unstable": settled == 0,
        "few_answers": n < max(2 * LEAST_ROWS, 2 * ROWS_A_DRIVER * p),
        "incomplete": complete < 0.8,
        "left_out": bool(left_out),
    }
    return tuple(code for code, holds in tests.items() if holds)
