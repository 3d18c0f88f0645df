"""Profile of a person over the criteria: what is stronger and what weaker than the same person's other criteria?

The scores of a rater on a criterion are averaged over the periods. The person's own level and every rater's level on
every criterion are taken out by least squares; what is left of a person on a criterion is its profile, shrunk over all
people, as a few ratings show more ups and downs than there are.
References: Searle (1987) Linear Models for Unbalanced Data, ch. 4; Morris (1983) JASA 78:47 (shrinkage).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import ratings as coding
from sqlib.methods import samples, shrinkage

LEAST = 5  # degrees of freedom for the noise below which no profile is told
COLUMNS = ["ratee_id", "criterion", "n", "estimate", "shrunk", "shrunk_low", "shrunk_high", "p_value", "p_adjusted",
           "verdict"]  # fmt: skip


@dataclass(frozen=True)
class CriterionProfileResult:
    """``table``, one row a person and criterion rated by two raters or more: COLUMNS; n raters, estimate in points
    above (+) or below the person's own level, as the raters' levels go; verdict: stronger | weaker | no_signal (after
    Benjamini-Hochberg within the person, and with a shrunk interval clear of 0).
    ``noise``: standard deviation of one rater's score; ``people``, ``raters``.
    """

    table: pd.DataFrame
    noise: float
    people: int
    raters: int
    confidence: float
    cautions: tuple[str, ...]


def criterion_profile(data, *, ratee, rater, criterion, score, confidence=0.95) -> CriterionProfileResult:
    """Tell every person's stronger and weaker criteria.

    Parameters
    ----------
    data : one row per rating; ratee, rater, criterion, score : columns

    Raises MethodRefused: criterion_profile.one_criterion, criterion_profile.one_rater_each (no noise to hold a
    profile against), ratings.*. Checked against the two-way analysis of variance of complete ratings.
    """
    r = coding.coded(data, ratee=ratee, rater=rater, score=score, criterion=criterion)
    if len(r.criterion_ids) < 2:
        raise MethodRefused("criterion_profile.one_criterion", got=", ".join(map(str, r.criterion_ids)))
    rows = pd.DataFrame({"i": r.ratee, "j": r.rater, "c": r.criterion, "y": r.score})
    rows = rows.groupby(["i", "j", "c"], as_index=False)["y"].mean()
    cell = rows["i"].to_numpy() * len(r.criterion_ids) + rows["c"].to_numpy()
    column = rows["j"].to_numpy() * len(r.criterion_ids) + rows["c"].to_numpy()
    own = _residual(rows["y"].to_numpy(), rows["i"].to_numpy(), column)
    noise, df = _noise(rows["y"].to_numpy(), cell, column)
    if df < LEAST:
        raise MethodRefused("criterion_profile.one_rater_each", people=len(r.ratee_ids), raters=len(r.rater_ids))
    table = rows.assign(own=own).groupby(["i", "c"])["own"].agg(["size", "mean"]).reset_index()
    table = table[table["size"] > 1]
    spare = 1 - 1 / len(r.criterion_ids)  # the profile of a person sums to nothing
    variance = noise**2 * spare / table["size"].to_numpy()
    _, shrunk, low, high = shrinkage.shrink(table["mean"], variance, confidence)
    p = _p_values(table["mean"].to_numpy() / np.sqrt(variance), df)
    found = pd.DataFrame(
        {
            "ratee_id": r.ratee_ids[table["i"]],
            "criterion": r.criterion_ids[table["c"]],
            "n": table["size"].to_numpy(),
            "estimate": table["mean"].to_numpy(),
            "shrunk": shrunk,
            "shrunk_low": low,
            "shrunk_high": high,
            "p_value": p,
        }
    )
    found["p_adjusted"] = found.groupby("ratee_id")["p_value"].transform(lambda each: samples.adjusted(each))
    sure = (found["p_adjusted"] <= 1 - confidence) & (found["shrunk_low"] * found["shrunk_high"] > 0)
    found["verdict"] = np.select([sure & (found["estimate"] > 0), sure], ["stronger", "weaker"], "no_signal")
    return CriterionProfileResult(
        table=found[COLUMNS].reset_index(drop=True),
        noise=float(noise),
        people=found["ratee_id"].nunique(),
        raters=len(r.rater_ids),
        confidence=confidence,
        cautions=(),
    )


def _design(*codes):
    """Indicator columns of the codes, side by side."""
    from scipy import sparse

    n = len(codes[0])
    parts = [sparse.csr_matrix((np.ones(n), (np.arange(n), np.unique(code, return_inverse=True)[1]))) for code in codes]
    return sparse.hstack(parts).tocsr()


def _residual(y, *codes):
    from scipy.sparse.linalg import lsmr

    x = _design(*codes)
    return y - x @ lsmr(x, y, atol=1e-12, btol=1e-12, maxiter=10_000)[0]


def _noise(y, cell, column):
    """Standard deviation of one rater's score beside the true profiles, and its degrees of freedom."""
    from scipy import sparse
    from scipy.sparse import csgraph

    x = _design(cell, column)
    parts = csgraph.connected_components(sparse.block_array([[None, x], [x.T, None]]))[0]  # each costs one column
    df = len(y) - (x.shape[1] - parts)
    return (np.sqrt((_residual(y, cell, column) ** 2).sum() / df) if df > 0 else np.nan), df


def _p_values(t, df):
    from scipy import stats

    return 2 * stats.t.sf(np.abs(t), df)
