"""Least squares with weights that are shares: none negative, together one. Solved exactly, by an active set.

Units are let in one at a time, the one that lowers the squares fastest first; after each the equality-constrained
problem of those in use is solved, and a weight that would turn negative leaves. It ends at the optimum after finitely
many steps. References: Lawson & Hanson (1974) Solving Least Squares Problems, ch. 23; Karush-Kuhn-Tucker conditions
are checked by the tests, the answer against SLSQP of scipy.
"""

import numpy as np

PRECISION = 1e-12  # of the largest distance squared: a slope under it is none


def weights(columns: np.ndarray, aim: np.ndarray) -> np.ndarray:
    """Shares w (k,) for which ``columns`` (n, k) @ w comes closest to ``aim`` (n,)."""
    apart = columns - aim[:, None]  # the shares add up to one, so apart @ w is the distance
    squares = (apart**2).sum(axis=0)
    share = (np.arange(len(squares)) == squares.argmin()).astype(float)
    least, scale = squares.min(), squares.max()
    while True:
        slope = apart.T @ (apart @ share)
        slope = slope - slope @ share  # against the slope all units in use have
        entering = int(slope.argmin())
        if slope[entering] >= -PRECISION * scale:
            return share
        found = _settle(apart, share, entering)
        reached = ((apart @ found) ** 2).sum()
        if reached >= least:  # rounding is all that is left
            return share
        share, least = found, reached


def _settle(apart, share, entering):
    """Optimum of the units in use and the one entering, those of negative weight leaving on the way."""
    used = share > 0
    used[entering] = True
    while True:
        aimed = np.zeros_like(share)
        aimed[used] = _equality(apart[:, used])
        if (aimed[used] > 0).all():
            return aimed
        falling = used & (aimed <= 0)
        reach = (share[falling] / np.maximum(share[falling] - aimed[falling], np.finfo(float).tiny)).min()
        share = share + reach * (aimed - share)
        gone = falling & (share <= 1e-14)
        share = np.where(gone, 0.0, share)
        used &= ~gone


def _equality(apart):
    """Weights of sum one, of any sign, with the smallest |apart @ w|."""
    first, others = apart[:, 0], apart[:, 1:] - apart[:, :1]
    rest = np.linalg.lstsq(others, -first, rcond=None)[0]
    return np.append(1 - rest.sum(), rest)
