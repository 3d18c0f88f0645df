"""One cell against the rest over strata: difference, interval, exact test, and what correlated answers do to them.

Counts are arrays whose last axis is the stratum: ``n1`` answers and ``x1`` successes (or sum of scores) in the cell,
``n0`` and ``x0`` in the rest. With weights ``w = n1 * n0 / n`` the Mantel-Haenszel difference is ``U / sum(w)``,
``U = sum(x1 - n1 * x / n)``; given the margins of the strata ``U`` is a sum of hypergeometric variables.

References: Mantel & Haenszel (1959) J Natl Cancer Inst 22:719; Sato (1989) Biometrics 45:1323; Klingenberg (2014)
Statistics in Medicine 33:2968 (interval); Mielke & Berry (2007) Permutation Methods (three moments); Rao & Scott
(1981) JASA 76:221 (design effect).
"""

import numpy as np

from sqlib.methods import samples

SMALLEST_EFFECT = 0.1  # floor of the design effect
TAIL = 1e-30  # a hypergeometric tail is cut at this fraction of the mode


def ratio(top, bottom):
    """Sum of `top` over sum of `bottom` along the last axis; NaN where nothing is to be divided by."""
    top, bottom = top.sum(-1), bottom.sum(-1)
    return np.divide(top, bottom, out=np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan), where=bottom > 0)


def _sato(n1, x1, n0, x0):
    """Sums over the last axis: Mantel-Haenszel weight W, and P, Q of Sato's variance (difference * P + Q) / W**2."""
    n = n1 + n0
    p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * n)
    return (n1 * n0 / n).sum(-1), p.sum(-1), q.sum(-1)


def common_difference(n1, x1, n0, x0):
    """Mantel-Haenszel difference of two shares over strata (last axis), first minus second, and Sato's variance.

    ``n`` answers and ``x`` successes on either side. Checked against Rothman, Greenland & Lash (2008) p. 275.
    """
    n1, x1, n0, x0 = (np.asarray(each, dtype=float) for each in (n1, x1, n0, x0))
    weight, p, q = _sato(n1, x1, n0, x0)
    difference = ratio((x1 * n0 - x0 * n1) / (n1 + n0), n1 * n0 / (n1 + n0))
    return difference, (difference * p + q) / np.where(weight > 0, weight, np.nan) ** 2


def common_interval(n1, x1, n0, x0, *, alpha=0.05, effect=1.0):
    """Klingenberg's score interval of the Mantel-Haenszel difference: Sato's variance at the difference tried.

    ``effect`` multiplies the variance. Stays informative when all answers of a cell agree. Checked against
    a root search on the test statistic.
    """
    n1, x1, n0, x0 = (np.asarray(each, dtype=float) for each in (n1, x1, n0, x0))
    difference, _ = common_difference(n1, x1, n0, x0)
    weight, p, q = _sato(n1, x1, n0, x0)
    weight = np.where(weight > 0, weight, np.nan)
    z2 = samples.z_value(alpha) ** 2 * effect
    middle = difference + z2 * p / (2 * weight**2)
    half = np.sqrt(middle**2 - difference**2 + z2 * q / weight**2)
    return np.maximum(middle - half, -1.0), np.minimum(middle + half, 1.0)


def mid_p(n1, x1, n0, x0):
    """Two-sided exact conditional mid-p of one cell against the rest over strata (1-d arrays): twice the smaller of
    P(T < t) + P(T = t) / 2 and its mirror, T the cell's successes given all margins. Checked by full enumeration."""
    n1, x1, n0, x0 = map(np.asarray, (n1, x1, n0, x0))
    start, chance = 0, np.ones(1)
    for ours, theirs, successes in zip(n1, n0, x1 + x0, strict=True):
        low, pmf = _hypergeometric(int(ours), int(theirs), int(successes))
        start, chance = start + low, np.convolve(chance, pmf)
    sums = start + np.arange(len(chance))
    observed = round(float(np.sum(x1)))
    tails = [chance[side].sum() + chance[sums == observed].sum() / 2 for side in (sums < observed, sums > observed)]
    return min(1.0, 2 * min(tails))


def _hypergeometric(ours, theirs, successes):
    """Smallest kept value and the probabilities of the cell's successes, tails below TAIL cut off."""
    from scipy.special import gammaln

    low, high = max(0, successes - theirs), min(ours, successes)
    if low == high:
        return low, np.ones(1)
    at = np.arange(low, high + 1)
    log = -sum(gammaln(count + 1) for count in (at, ours - at, successes - at, theirs - successes + at))
    pmf = np.exp(log - log.max())
    kept = np.flatnonzero(pmf > TAIL)
    pmf = pmf[kept[0] : kept[-1] + 1]
    return low + int(kept[0]), pmf / pmf.sum()


def permutation_p(y, stratum, residual, n1, x1):
    """Two-sided p of U when outcomes are dealt out anew within strata, from its first three moments (Pearson III).

    ``residual``: outcome less its stratum's mean. Checked against dealing out anew 100,000 times.
    """
    n = n1.sum(0)
    n0 = n - n1
    square, cube = (np.bincount(stratum, residual**power, minlength=len(n)) for power in (2, 3))
    variance = (n1 * n0 / (n * np.maximum(n - 1, 1)) * square).sum(1)
    third = (n1 * n0 * (n0 - n1) / (n * np.maximum((n - 1) * (n - 2), 1)) * cube).sum(1)
    score = (x1 - n1 * np.bincount(stratum, y) / n).sum(1)
    sd = np.sqrt(variance)
    z, skew = (
        np.divide(part, sd**power, out=np.zeros_like(sd), where=sd > 0) for part, power in ((score, 1), (third, 3))
    )
    lower = _pearson(z, skew)
    return np.minimum(1.0, 2 * np.minimum(lower, _pearson(-z, -skew)))


def _pearson(z, skew):
    """Lower tail of the standardised Pearson III distribution (a shifted gamma); normal where there is no skew."""
    from scipy.special import gammainc, gammaincc, ndtr

    shape = 4 / np.maximum(np.abs(skew), 1e-3) ** 2
    at = np.maximum(shape + np.sign(skew) * z * np.sqrt(shape), 0.0)
    return np.where(np.abs(skew) < 1e-3, ndtr(z), np.where(skew > 0, gammainc(shape, at), gammaincc(shape, at)))


def design_effect(residual, cell, stratum, spread, n1, levels):
    """Variance of U under a correlation common to all pairs of answers of one customer, over that of independent
    answers: (k,), one for each cell.

    ``residual``, ``cell``, ``stratum``: one per answer; ``spread`` (S,) variance of an answer within its stratum;
    ``n1`` (k, S). ``levels``: codes of who answered, inner first (a customer's respondents, then the customer); each
    has its own correlation, by moments over all its pairs, within 0..1.
    """
    sd, share = np.sqrt(spread), n1 / n1.sum(0)
    independent = (n1 * (1 - share)) @ spread
    standard = np.divide(residual, sd[stratum], out=np.zeros_like(residual), where=sd[stratum] > 0)
    varies = (sd[stratum] > 0).astype(float)
    excess, inner = np.zeros(len(n1)), (0.0, 0.0, np.zeros(len(n1)))
    for level in levels:
        groups = int(level.max()) + 1
        own = crossed(level, cell, groups, len(n1), sd[stratum])
        expected = crossed(level, stratum, groups, len(sd), sd[stratum]) @ share.T
        pairs = (np.bincount(level, varies) ** 2).sum() - varies.sum()
        product = (np.bincount(level, standard) ** 2).sum() - (standard**2).sum()
        reach = ((own - expected) ** 2).sum(0) - independent
        new = pairs - inner[0]
        correlation = np.clip((product - inner[1]) / new, 0.0, 1.0) if new > 0 else 0.0
        excess += correlation * (reach - inner[2])
        inner = pairs, product, reach
    effect = np.divide(independent + excess, independent, out=np.ones(len(n1)), where=independent > 0)
    return np.maximum(effect, SMALLEST_EFFECT)


def deflated(p, effect, df):
    """P of Student's t at p's normal score over the root of the design effect; p itself at effect 1.

    ``df``: the customers, less one, that the correlation in the design effect was learnt from.
    """
    from scipy.special import stdtr

    return np.where(effect == 1, p, 2 * stdtr(np.maximum(df, 1), -samples.z_value(p) / np.sqrt(effect)))


def crossed(first, second, sizes, others, values):
    """Sum of values (None: count) over two codes, as a (sizes, others) array."""
    return np.bincount(first * others + second, values, minlength=sizes * others).reshape(sizes, others).astype(float)
