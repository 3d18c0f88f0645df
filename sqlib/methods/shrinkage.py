"""What the cells of one family say about each other: variance of the true differences, shrunk estimates, ranks.

References: DerSimonian & Laird (1986) Controlled Clinical Trials 7:177; Morris (1983) JASA 78:47 (interval of a
shrunk estimate); Klein, Wright & Wieczorek (2020) JRSS A 183:589 (ranks from simultaneous intervals).
"""

import numpy as np

from sqlib.methods import samples


def dersimonian_laird(estimates, variances, mean=None):
    """Between-cell variance by moments: (tau2, mean, standard error of the mean).

    ``mean`` None: estimated (DerSimonian & Laird 1986); a number: known, one degree of freedom more.
    Checked against Normand (1999) table IX: tau2 218.72, mean -14.10.
    """
    estimates, weight = np.asarray(estimates, dtype=float), 1 / np.asarray(variances, dtype=float)
    centre = np.average(estimates, weights=weight) if mean is None else mean
    excess = (weight * (estimates - centre) ** 2).sum() - (len(estimates) - (mean is None))
    scale = weight.sum() - ((weight**2).sum() / weight.sum() if mean is None else 0.0)
    tau2 = max(0.0, excess / scale) if scale > 0 else 0.0
    weight = 1 / (1 / weight + tau2)
    return tau2, np.average(estimates, weights=weight) if mean is None else mean, weight.sum() ** -0.5


def shrink(differences, variances, confidence=0.95):
    """Empirical Bayes towards 0, the mean of differences from the rest: (tau2, shrunk, low, high).

    Interval by Morris (1983), which carries the uncertainty of tau2. Under three cells nothing can be learnt from
    the others: unshrunk. NaN cells stay NaN and take no part.
    """
    differences, variances = np.asarray(differences, dtype=float), np.asarray(variances, dtype=float)
    known = np.isfinite(differences) & (variances > 0)
    k, v, d = int(known.sum()), variances[known], differences[known]
    tau2 = dersimonian_laird(d, v, mean=0.0)[0] if k else 0.0
    pull = max(k - 2, 0) / max(k, 1) * v / (v + tau2)
    doubt = 2 / max(k - 2, 1) * pull**2 * (v.mean() + tau2) / (v + tau2) * d**2 if k else 0.0
    half = samples.z_value(1 - confidence) * np.sqrt(v * (1 - pull) + doubt)
    result = np.full((3, len(known)), np.nan)
    result[:, known] = (1 - pull) * d, (1 - pull) * d - half, (1 - pull) * d + half
    return tau2, *result


def ranks(low, high):
    """Ranks each interval admits: (rank_low, rank_high), 1 = lowest; intervals that overlap are ties. Given
    simultaneous intervals all ranks hold jointly (Klein, Wright & Wieczorek 2020). NaN cells take no part."""
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    known = np.isfinite(low)
    below = (high[None, :] < low[:, None]).sum(1)
    above = (low[None, :] > high[:, None]).sum(1)
    return np.where(known, 1.0 + below, np.nan), np.where(known, known.sum() - above, np.nan)
