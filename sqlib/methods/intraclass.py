"""Intraclass correlation: how alike are the scores that different raters give the same person?

Six forms of Shrout & Fleiss: one-way (1), raters random and their severity counted as error (2), raters fixed and their
severity taken out (3); of one rating, and of the mean of k. Complete data by ANOVA mean squares, with their intervals.
Incomplete data: (1) by ANOVA with the adjusted group size n0, (2) and (3) from the variance components of the crossed
model by REML. The intervals of (1) and (3) then are Wald's exact ones for the ratio of two variances, which on complete
data are those of Shrout & Fleiss; the interval of (2) is theirs with the mean squares adjusted for each other.

References: Shrout & Fleiss (1979) Psychological Bulletin 86:420; McGraw & Wong (1996) Psychological Methods 1:30; Wald
(1947) Annals of Mathematical Statistics 18:586; Harville & Fenech (1985) Biometrics 41:137; Searle, Casella & McCulloch
(1992) Variance Components, 5.3 (adjusted mean squares). Coverage: ``benchmarks/reliability.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import ratings

FORMS = {
    "icc1": "ICC(1)", "icc2": "ICC(A,1)", "icc3": "ICC(C,1)",
    "icc1k": "ICC(k)", "icc2k": "ICC(A,k)", "icc3k": "ICC(C,k)",
}  # fmt: skip
COLUMNS = ["form", "name", "estimate", "low", "high", "F", "df1", "df2", "p_value", "n", "raters", "method"]
FEW_RATERS = 5  # below so many the severity of raters at large is hardly known


@dataclass(frozen=True)
class IntraclassResult:
    """``table``, one row a form, columns ``COLUMNS``: form (icc1 … icc3k), name (McGraw & Wong), estimate with limits;
    F, df1, df2, p_value of no differences between ratees; n (ratees), raters (a rating is the mean of so many: 1 or the
    harmonic mean of the ratings a ratee has); method: anova | reml.

    ``components``: variance of ratee, rater, residual (raters random; negative ones stand as 0). ``n_ratings``,
    ``n_ratees`` with two ratings or more for (1), ``n_raters``; ``complete``: every rater rated every ratee once.
    ``cautions`` among incomplete, few_raters (under 5), negative_variance, unlinked (parts no rater joins).
    """

    table: pd.DataFrame
    components: pd.DataFrame
    n_ratings: int
    n_ratees: int
    n_raters: int
    complete: bool
    confidence: float
    cautions: tuple[str, ...]


def icc(data, *, ratee, rater, score, confidence=0.95) -> IntraclassResult:
    """All six intraclass correlations of one score per ratee and rater.

    Parameters
    ----------
    data : one row per rating; columns ``ratee``, ``rater``, ``score``. Several ratings of a ratee by one rater (on
        several criteria) are to be averaged first: a second one is refused

    Raises MethodRefused: intraclass.repeated, .one_rater, .single_ratings (nobody rated twice), .no_error (ratee
    and rater explain every rating: nothing left to hold differences against), .too_sparse; those of
    :func:`sqlib.methods.ratings.coded`.

    Checked against Shrout & Fleiss (1979), Table 4, and irr (``anxiety``).
    """
    r = ratings.coded(data, ratee=ratee, rater=rater, score=score)
    _check(r, rater)
    two = _TwoWay(r.score, r.ratee, r.rater)
    complete = r.n == two.people * two.raters
    one, fixed = two.one_way(), two.fixed_raters()
    severity = (one.left - fixed.left) / (two.raters - two.parts)  # mean square of raters after ratees
    variance = _squares(two, fixed, severity) if complete else _likelihood(r)
    shares = _shares(variance, one, two, severity, fixed, 1 - confidence)
    k = float(1 / np.mean(1 / two.per_ratee))
    more = {"n": two.people, "method": "anova" if complete else "reml"}
    rows = [_row(form, *share, 1.0) | more for form, share in shares.items()]
    rows += [_row(f"{form}k", *share, k) | more for form, share in shares.items()]
    cautions = {
        "incomplete": not complete, "few_raters": two.raters < FEW_RATERS,
        "negative_variance": min(variance.values()) < 0, "unlinked": two.parts > 1,
    }  # fmt: skip
    return IntraclassResult(
        table=pd.DataFrame(rows, columns=COLUMNS),
        components=pd.DataFrame({"component": list(variance), "estimate": np.maximum(list(variance.values()), 0.0)}),
        n_ratings=r.n, n_ratees=two.people, n_raters=two.raters, complete=complete, confidence=confidence,
        cautions=tuple(code for code, holds in cautions.items() if holds),
    )  # fmt: skip


def _check(r: ratings.Ratings, rater: str) -> None:
    people, raters = len(r.ratee_ids), len(r.rater_ids)
    if raters < 2:
        raise MethodRefused("intraclass.one_rater", column=rater, got=str(r.rater_ids[0]), rows=r.n)
    pairs = len(np.unique(r.ratee * raters + r.rater))
    if pairs < r.n:
        raise MethodRefused("intraclass.repeated", rows=r.n - pairs)
    if r.n == people:
        raise MethodRefused("intraclass.single_ratings", rows=r.n, raters=raters)


# --- sums of squares ---------------------------------------------------------------------------------------------


class _TwoWay:
    """Scores of people by raters, at most one a cell, and the quadratic forms of the models on them."""

    def __init__(self, y: np.ndarray, person: np.ndarray, rater: np.ndarray):
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        self.y = y - y.mean()
        self.people, self.raters = person.max() + 1, rater.max() + 1
        self.cells = csr_array((np.ones(len(y)), (person, rater)), shape=(self.people, self.raters))
        self.per_ratee = np.bincount(person).astype(float)
        self.per_rater = np.bincount(rater).astype(float)
        self.sum_ratee = np.bincount(person, self.y)
        self.sum_rater = np.bincount(rater, self.y)
        link = csr_array((np.ones(len(y)), (person, self.people + rater)), shape=(self.people + self.raters,) * 2)
        self.parts, part = connected_components(link, directed=False)
        self.size_rater = (len(y) - self.people) / max(self.raters - self.parts, 1)
        self.first = np.unique(part[self.people :], return_index=True)[1]  # a rater of every part

    def one_way(self) -> "_Test":
        """Ratees against the variation within them, raters ignored."""
        n, people = len(self.y), self.people
        size = (n - (self.per_ratee**2).sum() / n) / (people - 1)
        return _Test(self._mean_removed, people - 1, n - people, size, self.per_ratee.max())

    def fixed_raters(self) -> "_Test":
        """Ratees against what is left after ratees and raters."""
        n, df1 = len(self.y), self.people - self.parts
        df2 = n - self.people - self.raters + self.parts
        if min(df1, df2) < 1:
            raise MethodRefused("intraclass.too_sparse", rows=n, ratees=self.people, raters=self.raters)
        return _Test(self._raters_removed, df1, df2, (n - self.raters) / df1, self.per_ratee.max())

    def _mean_removed(self, ratio: float) -> float:
        weight = self._weight(ratio)
        total = len(self.y) - weight @ self.per_ratee**2
        mean = (weight * self.per_ratee) @ self.sum_ratee
        return self._total(weight) - (0.0 if np.isinf(ratio) else mean**2 / total)

    def _raters_removed(self, ratio: float) -> float:
        from scipy.sparse import diags_array

        weight = self._weight(ratio)
        products = np.diag(self.per_rater) - (self.cells.T @ diags_array(weight) @ self.cells).toarray()
        sums = self.sum_rater - self.cells.T @ (weight * self.sum_ratee)
        free = np.ones(self.raters, dtype=bool)
        free[self.first] = not np.isinf(ratio)  # ratees removed altogether: one rater a part stands for 0
        return self._total(weight) - sums[free] @ np.linalg.solve(products[np.ix_(free, free)], sums[free])

    def _weight(self, ratio: float) -> np.ndarray:
        """What a ratee's squared sum counts less, their variance being ``ratio`` times the residual one."""
        return 1 / self.per_ratee if np.isinf(ratio) else ratio / (1 + ratio * self.per_ratee)

    def _total(self, weight: np.ndarray) -> float:
        return self.y @ self.y - weight @ self.sum_ratee**2


class _Test:
    """F of ratees for every assumed ratio of the variances of ratees and residual (Wald 1947), and its mean squares.

    ``removed(ratio)``: weighted square of the scores left by the fixed effects; ``size``: ratings a ratee's mean square
    counts for; ``most``: ratings of a ratee, which bound a negative ratio.
    """

    def __init__(self, removed, df1: int, df2: int, size: float, most: float):
        self.removed, self.df1, self.df2, self.size, self.most = removed, df1, df2, size, most
        self.left = max(removed(np.inf), 0.0)
        self.error = self.left / df2
        self.between = (removed(0.0) - self.left) / df1
        if self.left <= 1e-12 * max(removed(0.0), 1e-300):
            raise MethodRefused("intraclass.no_error", df=df2)

    @property
    def variance(self) -> float:
        """Of ratees, by the mean squares; may be negative."""
        return (self.between - self.error) / self.size

    def f(self, ratio: float = 0.0) -> float:
        return (self.removed(ratio) - self.left) / self.df1 / self.error

    def p_value(self) -> float:
        from scipy.special import fdtrc

        return float(fdtrc(self.df1, self.df2, self.f()))


# --- estimates and limits -----------------------------------------------------------------------------------------


def _squares(two: "_TwoWay", fixed: "_Test", severity: float) -> dict[str, float]:
    """Variance components by the mean squares; one may be negative."""
    rater = (severity - fixed.error) / two.size_rater
    return {"ratee": fixed.variance, "rater": rater, "residual": fixed.error}


def _likelihood(r: ratings.Ratings) -> dict[str, float]:
    """Variance components by REML, raters random."""
    from sqlib.methods import crossed

    return crossed.fit(r.score, factors={"ratee": r.ratee, "rater": r.rater}).variances.to_dict()


def _shares(variance, one, two, severity: float, fixed, alpha: float) -> dict[str, tuple]:
    """Of the three forms of one rating: estimate, limits, test."""
    ratee, rater, residual = variance.values()
    agreed = ratee / (ratee + rater + residual)
    alone = one.variance / (one.variance + one.error)
    return {
        "icc1": (alone, _holding(alone, _exact(one, alpha)), one),
        "icc2": (agreed, _holding(agreed, _agreement(two, fixed, severity, agreed, alpha)), fixed),
        "icc3": (ratee / (ratee + residual), _exact(fixed, alpha), fixed),
    }


def _holding(estimate: float, limits: tuple[float, float]) -> tuple[float, float]:
    """Limits widened to the estimate: on very uneven data another method than theirs may put it outside."""
    return min(limits[0], estimate), max(limits[1], estimate)


def _exact(test: _Test, alpha: float) -> tuple[float, float]:
    """Wald's limits of the share of the variance that is the ratees', severity apart."""
    from scipy.special import fdtri

    wanted = (fdtri(test.df1, test.df2, 1 - alpha / 2), fdtri(test.df1, test.df2, alpha / 2))
    least = -1 / (test.most - 1) if test.most > 1 else 0.0
    return tuple(_solved(lambda share, f=f: test.f(share / (1 - share)) - f, least) for f in wanted)


def _solved(falling, least: float) -> float:
    """Where a falling function of a share in (least, 1) is 0; the end it does not reach."""
    from scipy.optimize import brentq

    low, high = least + 1e-9, 1 - 1e-9
    if falling(low) <= 0:
        return least
    return high if falling(high) >= 0 else float(brentq(falling, low, high, xtol=1e-12))


def _agreement(two, fixed, raters: float, rho: float, alpha: float) -> tuple[float, float]:
    """Limits of form 2 (Shrout & Fleiss 1979, p. 424): severity and error take Satterthwaite's degrees of freedom."""
    from scipy.special import fdtri

    k, n = fixed.size, two.size_rater
    severity, error = k * rho * raters, (n * (1 + (k - 1) * rho) - k * rho) * fixed.error
    spread = severity**2 / (two.raters - two.parts) + error**2 / fixed.df2
    df = max((severity + error) ** 2 / spread, 1.0)
    below, above = fdtri(fixed.df1, df, 1 - alpha / 2), fdtri(df, fixed.df1, 1 - alpha / 2)
    noise = k * raters + (k * n - k - n) * fixed.error
    low = n * (fixed.between - below * fixed.error) / (below * noise + n * fixed.between)
    return low, n * (above * fixed.between - fixed.error) / (noise + n * above * fixed.between)


def _row(form: str, rho: float, limits: tuple[float, float], test: _Test, k: float) -> dict:
    """One form; of the mean of ``k`` ratings by Spearman and Brown's formula."""
    estimate, low, high = (k * share / (1 + (k - 1) * share) for share in (rho, *limits))
    return {
        "form": form, "name": FORMS[form], "estimate": estimate, "low": low, "high": high, "F": test.f(),
        "df1": test.df1, "df2": test.df2, "p_value": test.p_value(), "raters": k,
    }  # fmt: skip
