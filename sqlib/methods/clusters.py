"""Linearised variance when several answers come from one customer.

One idea: every estimate used here is a contrast of weighted means, ``sum_k c_k * mean_k``, over groups that may
share clusters (customers). Its variance is the sum over clusters of the squared linearised residual, corrected
for leverage and for few clusters. ``contrast`` does all of it: one mean is one group with coefficient 1; a
difference is two groups with coefficients -1 and 1; a mix-adjusted difference is two groups per stratum with
coefficients -/+ the stratum's weight.

With independent rows and equal weights it reduces to textbook methods: one mean to Student's t (df = n - 1), a
difference to Welch's t.

Reference: Bell & McCaffrey (2002) Survey Methodology 28:169; Imbens & Kolesar (2016) Review of Economics and
Statistics 98:701 (working within-cluster correlation for the degrees of freedom).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LEVERAGE_CAP = 4.0  # a cluster that alone carries a group has residual 0: its correction is capped, the rest rescaled
DESIGN_EFFECT_FLOOR = 0.5  # below one half a design effect is chance: a few customers whose sums happen to agree
BOOTSTRAP_BLOCKS = 1000
DRAWS = 1999


@dataclass(frozen=True)
class Contrast:
    """A contrast of weighted means. Shapes: ``...`` are the leading dimensions of the values given.

    ``estimate`` (...), ``variance`` (...), ``df`` (...): Satterthwaite degrees of freedom, ``means`` (..., groups),
    ``correlation`` (..., groups, groups): of the means, from the clusters they share, ``rho`` (...): working
    correlation of two answers of one cluster, ``clusters``: how many take part, ``even_clusters`` (...): how many
    equally heavy ones they are worth, ``tail_df`` (...): degrees of freedom by the kurtosis of the clusters' residuals,
    small where few clusters carry the variance (a rare outcome). ``variance`` and ``df`` are NaN where no group has
    two clusters to compare; where all answers are alike the variance is 0 and ``df`` NaN.
    """

    estimate: np.ndarray
    variance: np.ndarray
    df: np.ndarray
    means: np.ndarray
    correlation: np.ndarray
    rho: np.ndarray
    clusters: int
    even_clusters: np.ndarray
    tail_df: np.ndarray


def contrast(value, *, cluster, group=None, weight=None, coefficients=(1.0,)) -> Contrast:
    """Variance and degrees of freedom of ``sum_k coefficients[k] * weighted mean of group k``.

    Parameters
    ----------
    value : (..., n) outcomes, one row an answer; leading dimensions are repetitions on the same rows
    cluster : (n,) codes 0..G-1 of the customer; rows of one code are correlated, in whatever group they lie
    group : (n,) codes 0..K-1, all 0 if left out; every group needs a row of positive weight
    weight : (n,) or (..., n), positive; 1 if left out
    coefficients : (K,) or (..., K)

    Checked against Student's and Welch's t, the textbook ratio-estimator variance and a dense-matrix
    Bell-McCaffrey computation.
    """
    value = np.asarray(value, dtype=float)
    group = np.zeros(value.shape[-1], dtype=int) if group is None else np.asarray(group)
    weight = np.broadcast_to(1.0 if weight is None else np.asarray(weight, dtype=float), value.shape)
    coefficients = np.asarray(coefficients, dtype=float)
    total = _Totals(np.asarray(cluster), group, coefficients.shape[-1])

    mass = total(weight)  # (..., G, K): weight of a cluster in a group
    group_mass = mass.sum(-2)
    means = total(weight * value).sum(-2) / group_mass
    weighted = weight * (value - means[..., group])
    scores, squares = total(weighted), total(weighted**2)
    mass_squares = total(weight**2)
    spread = _spread(total(weight * (value - means[..., group]) ** 2).sum(-2), group_mass, mass_squares.sum(-2))

    rho = _within_correlation(scores, squares, mass, mass_squares, spread)
    scale = (coefficients / group_mass)[..., None, :]
    working = _working_covariance(mass, mass_squares, spread, rho, scale)
    residual = (scores * scale).sum(-1)
    variance, df = _corrected(residual, mass / group_mass[..., None, :], *working)
    estimate = (coefficients * means).sum(-1)
    even = mass.sum((-1, -2)) ** 2 / (mass.sum(-1) ** 2).sum(-1)
    return Contrast(estimate, variance, df, means, _correlation(scores), rho, total.clusters, even, _tail_df(residual))


def effective_n(result: Contrast, spread, n: int):
    """How many independent, equally weighted answers one share or score is worth, and its degrees of freedom.

    ``spread`` is the weighted variance of one answer (divisor n, not n - 1). Where all answers are alike nothing is
    known about the correlation within a customer, so each customer is taken to count once. NaN for one customer.
    """
    if result.clusters < 2:
        return np.full_like(result.variance, np.nan), np.full_like(result.variance, np.nan)
    constant = spread < 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        design_effect = np.maximum(result.variance * (n - 1) / spread, DESIGN_EFFECT_FLOOR)
    return (
        np.where(constant, result.even_clusters, n / design_effect),
        np.where(constant, result.clusters - 1, np.fmin(result.df, result.tail_df)),
    )


def bootstrap_p(
    value, *, cluster, group=None, weight=None, coefficients=(1.0,), null=0.0, narrowing=1.0, seed=0
) -> float:
    """Two-sided p value of a contrast by the cluster bootstrap of its t ratio (symmetric, seeded, 1,999 draws).

    Draws that lose a whole group count as extreme. Above 1,000 clusters, random blocks of clusters are drawn.
    ``narrowing`` multiplies the variance (finite customer base). NaN for one cluster or no variation.
    Reference: Cameron, Gelbach & Miller (2008) Review of Economics and Statistics 90:414.
    """
    rng = np.random.default_rng(seed)
    coefficients = np.asarray(coefficients, dtype=float)
    value = np.asarray(value, dtype=float)
    weight = np.ones(len(value)) if weight is None else np.asarray(weight, dtype=float)
    group = np.zeros(len(value), dtype=int) if group is None else np.asarray(group)
    labels, cluster = np.unique(cluster, return_inverse=True)
    if len(labels) > BOOTSTRAP_BLOCKS:
        cluster = rng.permutation(len(labels))[cluster] % BOOTSTRAP_BLOCKS
    total = _Totals(cluster, group, len(coefficients))
    sums = np.concatenate([total(weight * value), total(weight)], axis=1)  # (G, 2K)
    if total.clusters < 2:
        return np.nan
    estimate, variance = _from_counts(np.ones((1, total.clusters)), sums, coefficients)
    redone, redone_variance = _from_counts(drawn(rng, total.clusters), sums, coefficients)
    if not variance[0] > 0:
        return np.nan
    observed = abs(estimate[0] - null) / np.sqrt(variance[0] * narrowing) if narrowing else np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(redone - estimate[0]) / np.sqrt(redone_variance)
    extreme = (ratio >= observed) | ~np.isfinite(redone)
    return float((1 + extreme.sum()) / (1 + DRAWS))


def codes(cluster, n: int) -> np.ndarray:
    """Codes 0..G-1 of a column of cluster labels; ``None`` = every row alone, a missing label = a row alone."""
    if cluster is None:
        return np.arange(n)
    code = pd.factorize(pd.Series(cluster))[0]
    alone = code < 0
    code[alone] = code.max(initial=-1) + 1 + np.arange(alone.sum())
    return code


def drawn(rng, clusters: int, draws: int = DRAWS) -> np.ndarray:
    """How often each cluster is drawn, (draws, clusters), with replacement."""
    chosen = rng.integers(clusters, size=(draws, clusters)) + clusters * np.arange(draws)[:, None]
    return np.bincount(chosen.ravel(), minlength=chosen.size).reshape(chosen.shape).astype(float)


def _from_counts(counts, sums, coefficients):
    """Contrast and its plain linearised variance for clusters repeated ``counts`` (B, G) times."""
    groups = len(coefficients)
    total = counts @ sums
    with np.errstate(divide="ignore", invalid="ignore"):
        means = total[:, :groups] / total[:, groups:]
        scale = coefficients / total[:, groups:]
    slope = np.concatenate([scale, -scale * means], axis=1)  # a cluster's score is its sums times this
    products = counts @ (sums[:, :, None] * sums[:, None, :]).reshape(len(sums), -1)
    products = products.reshape(len(counts), 2 * groups, 2 * groups)
    return (coefficients * means).sum(1), np.einsum("bi,bij,bj->b", slope, products, slope)


class _Totals:
    """Sums of rows over (cluster, group), as a dense (..., G, K) array."""

    def __init__(self, cluster, group, groups):
        labels, cluster = np.unique(cluster, return_inverse=True)
        self.clusters, self.groups = len(labels), groups
        cell = cluster * groups + group
        self.order = np.argsort(cell, kind="stable")
        self.cells, self.starts = np.unique(cell[self.order], return_index=True)

    def __call__(self, rows):
        sums = np.zeros((*rows.shape[:-1], self.clusters * self.groups))
        sums[..., self.cells] = np.add.reduceat(rows[..., self.order], self.starts, axis=-1)
        return sums.reshape(*rows.shape[:-1], self.clusters, self.groups)


def _spread(squares, mass, mass_squares):
    """Variance of one answer in each group (n - 1 below when weights are equal); a lone row borrows the others'."""
    rest = mass - mass_squares / mass
    known = rest > 1e-9 * mass
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.where(known, squares, 0.0).sum(-1) / np.where(known, rest, 0.0).sum(-1)
        return np.where(known, squares / rest, pooled[..., None])


def _within_correlation(scores, squares, mass, mass_squares, spread):
    """Moment estimate of the correlation of two answers of one cluster, over all pairs, within 0..1."""
    sd = np.sqrt(spread)[..., None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        standard = np.where(sd > 0, scores / sd, 0.0).sum(-1)
        own = np.where(sd > 0, squares / sd**2, 0.0).sum(-1)
        pairs = (mass.sum(-1) ** 2 - mass_squares.sum(-1)).sum(-1)
        rho = (standard**2 - own).sum(-1) / pairs
    return np.where(pairs > 1e-9 * mass_squares.sum((-1, -2)), np.clip(np.nan_to_num(rho), 0.0, 1.0), 0.0)


def _tail_df(residual):
    """2 / (squared coefficient of variation of the sum of squares), estimated from the clusters; at least 1."""
    square = residual**2
    with np.errstate(divide="ignore", invalid="ignore"):
        variation = (square**2).sum(-1) / square.sum(-1) ** 2 - 1 / square.shape[-1]
        return np.maximum(2 / np.maximum(variation, 1e-12), 1.0)


def _correlation(scores):
    """Correlation of the groups' means: 0 for groups without a common cluster, 0 where a group does not vary."""
    product = np.swapaxes(scores, -1, -2) @ scores
    size = np.sqrt(np.diagonal(product, axis1=-2, axis2=-1))
    scale = size[..., :, None] * size[..., None, :]
    return np.where(scale > 0, product / np.where(scale > 0, scale, 1.0), 0.0)


def _working_covariance(mass, mass_squares, spread, rho, scale):
    """Working model of a cluster's scaled totals x_k: returns var(sum_k x_k) (..., G), cov(sum_l x_l, x_k)
    (..., G, K) and the sum over clusters of cov(x_k, x_l) (..., K, K)."""
    rho = np.asarray(rho)[..., None, None]
    common = mass * np.sqrt(spread)[..., None, :] * scale
    own = (1 - rho) * mass_squares * spread[..., None, :] * scale**2
    with_sum = own + rho * common * common.sum(-1, keepdims=True)
    between = rho * np.swapaxes(common, -1, -2) @ common
    between = between + own.sum(-2)[..., None, :] * np.eye(own.shape[-1])
    return with_sum.sum(-1), with_sum, between


def _corrected(scores, shares, variance, with_sum, between):
    """Sum of squared scores, made unbiased under the working model, and its Satterthwaite degrees of freedom.

    A score is x_g - sum_k h_gk X_k (h = share of the cluster in group k, X = total over clusters), so that its
    covariance is diag(variance) + F M F' with F = [h, cov(x, x_k)] and M = [[between, -I], [-I, 0]].
    """
    eye = np.broadcast_to(np.eye(shares.shape[-1]), between.shape)
    factor = np.concatenate(np.broadcast_arrays(shares, with_sum), axis=-1)
    middle = np.block([[between, -eye], [-eye, np.zeros_like(between)]])
    loss = ((factor @ middle) * factor).sum(-1)
    expected, target = variance + loss, variance.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(expected > variance / LEVERAGE_CAP, variance / expected, LEVERAGE_CAP)
        ratio = ratio * (target / (ratio * expected).sum(-1))[..., None]
        mixed = np.swapaxes(factor * ratio[..., None], -1, -2) @ factor @ middle
        trace = (ratio**2 * variance * (variance + 2 * loss)).sum(-1) + np.einsum("...ij,...ji", mixed, mixed)
        estimable = (expected > 1e-9 * target[..., None]).sum(-1) > 1
        total, df = (ratio * scores**2).sum(-1), target**2 / trace
    constant = (target == 0) & (scores.shape[-1] > 1)  # every answer alike: variance 0, no degrees of freedom
    return np.where(constant, 0.0, np.where(estimable, total, np.nan)), np.where(estimable, df, np.nan)
