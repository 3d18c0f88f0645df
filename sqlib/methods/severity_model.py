"""The linear model of severity: ``score ~ criterion + period + (1|ratee) + (1|rater) [+ (1|rater:criterion)]
[+ (1|ratee:rater)]``, and what it says of people, raters and criteria on the scale of the scores.

Parts of a design that share no ratee or rater get a level each, so that nothing is compared across them. The effect of
a ratee under one rater (halo) is in the model where criteria or periods repeat the judgement.
"""

import functools

import numpy as np
from scipy import sparse

from sqlib.errors import MethodRefused
from sqlib.methods import crossed
from sqlib.methods.ratings import Ratings
from sqlib.methods.severity_prior import Integrated, Mixed, Predictions, integrated

CHUNK = 64  # parts worked on at a time


class SeverityModel:
    """Ratings fitted. ``part`` (ratees,) and ``rater_part`` (raters,): codes of the connected parts from 0;
    ``fixed_raters``: raters are fixed effects, not drawn from a population."""

    def __init__(self, r: Ratings, part, rater_part, fixed_raters: bool = False):
        self.r, self.part, self.rater_part = r, part, rater_part
        self.criterion_left_out = False  # a rater's severity by criterion would be too much for exact standard errors
        self.n_ratings = np.bincount(r.ratee, minlength=len(r.ratee_ids))
        self.codes = _factors(r, len(np.unique(rater_part)))
        self.fixed = {name: code for name, code in (("criterion", r.criterion), ("period", r.period))
                      if code is not None and code.max() > 0}  # fmt: skip
        if part.max() > 0:
            self.fixed = {"part": part[r.ratee], **self.fixed}
        if fixed_raters:
            self.fixed["rater"] = self.codes.pop("rater")
        try:
            self.fit = crossed.fit(r.score, self.fixed, self.codes)
        except MethodRefused as refused:
            if refused.code != "crossed.too_wide" or "rater_criterion" not in self.codes:
                raise
            del self.codes["rater_criterion"]
            self.fit = crossed.fit(r.score, self.fixed, self.codes)
            self.criterion_left_out = True
        self.centre = self.fit.equations.centre

    @functools.cached_property
    def integrated(self) -> Integrated | Mixed:
        """Predictions with the variance between raters integrated out, where raters are few, and between people."""
        random = "rater" if "rater" in self.codes else None
        return integrated(self.fit, random, self.largest_severity, "ratee")

    @property
    def largest_severity(self) -> float:
        """Largest standard deviation of severities thought possible: half the range of the scores."""
        low, high = self.r.scale or (self.r.score.min(), self.r.score.max())
        return (high - low) / 2

    def loadings(self, name: str) -> sparse.csr_matrix:
        return self.fit.loadings(name)

    @functools.cached_property
    def part_levels(self) -> sparse.csr_matrix:
        """(parts, columns): level of each part at the mean criterion and period."""
        parts = int(self.part.max()) + 1
        level = self.loadings("")[np.zeros(parts, dtype=int)]
        return level + self.loadings("part") if parts > 1 else level

    @functools.cached_property
    def levels(self) -> sparse.csr_matrix:
        """(ratees, columns): the level of every person, as a rater of severity 0 sees it."""
        return (self.part_levels[self.part] + self.loadings("ratee")).tocsr()

    @functools.cached_property
    def fixed_severities(self) -> sparse.csr_matrix:
        """(raters, columns): effect of each rater less the mean of the part, where raters are fixed."""
        own = self.loadings("rater")
        if "part" in self.fixed:
            own = own + self.loadings("part")[self.rater_part]
        return (own - (_mean_rows(self.rater_part, int(self.part.max()) + 1) @ own)[self.rater_part]).tocsr()

    @functools.cached_property
    def fixed_levels(self) -> sparse.csr_matrix:
        """``levels`` where raters are fixed: as the mean rater of the part sees it."""
        parts = int(self.part.max()) + 1
        mean = _mean_rows(self.rater_part, parts) @ self.loadings("rater")
        return (self.levels + mean[self.part]).tocsr()

    @functools.cached_property
    def mean_rows(self) -> sparse.csr_matrix:
        """(ratees, columns): everything but halo and noise in a person's raw mean."""
        terms = {"": np.zeros(self.r.n, dtype=int), **self.fixed, **self.codes}
        terms.pop("ratee_rater", None)
        return sum(self._share(code, self.loadings(name)) for name, code in terms.items()).tocsr()

    def _share(self, code, loadings):
        """Loadings of the mean of an effect over each person's ratings."""
        weight = 1 / self.n_ratings[self.r.ratee]
        shape = (len(self.n_ratings), loadings.shape[0])
        return sparse.csr_matrix((weight, (self.r.ratee, code)), shape=shape) @ loadings

    @functools.cached_property
    def raw(self) -> np.ndarray:
        return np.bincount(self.r.ratee, self.r.score) / self.n_ratings

    @functools.cached_property
    def corrected(self) -> np.ndarray:
        """Raw mean less the severity of the raters and the effects of criterion and period, not shrunk."""
        return self.raw - (self.mean_rows - self.levels) @ self.fit.solved.solution

    @property
    def own_noise(self) -> np.ndarray:
        """Variance of halo and noise in each raw mean, (ratees,), relative to the residual variance."""
        noise = 1 / self.n_ratings
        if "ratee_rater" not in self.codes:
            return noise
        pair = self.codes["ratee_rater"]
        counts = np.bincount(pair)
        ratee = np.zeros(len(counts), dtype=int)
        ratee[pair] = self.r.ratee
        squares = np.bincount(ratee, counts.astype(float) ** 2, minlength=len(noise)) * noise**2
        return noise + squares * self.fit.variances["ratee_rater"] / self.fit.residual_variance

    def corrected_covariance(self) -> np.ndarray:
        """Covariance of the errors of ``corrected`` as estimates of the levels.

        The error is that of the mean noise less what the estimates took up of it: with W the mean rows, L the levels,
        C the prediction errors: noise + L C L' - W C W'.
        """
        whole = self.integrated
        found = whole.covariance(self.levels) - whole.covariance(self.mean_rows)
        found += whole.wandering(self.mean_rows - self.levels)
        found[np.diag_indices_from(found)] += self.own_noise * whole.mean_residual_variance
        return found

    def raw_covariance(self, rows=slice(None)) -> np.ndarray:
        """Covariance of the errors of the raw means as estimates of the levels: severities as drawn, and noise."""
        found = np.diag((self.own_noise * self.fit.residual_variance)[rows])
        for share, variance in self._severity_shares():
            found += variance * (share[rows] @ share[rows].T).toarray()
        return found

    def raw_variance(self) -> np.ndarray:
        """Its diagonal."""
        found = self.own_noise * self.fit.residual_variance
        for share, variance in self._severity_shares():
            found = found + variance * np.asarray(share.power(2).sum(axis=1)).ravel()
        return found

    def _severity_shares(self):
        """What each rater, and rater on a criterion, makes of each raw mean, with the variance of their effects."""
        for name in ("rater", "rater_criterion"):
            if name in self.codes:
                levels = sparse.identity(int(self.codes[name].max()) + 1, format="csr")
                yield self._share(self.codes[name], levels).tocsr(), float(self.fit.variances[name])

    def covariance(self) -> np.ndarray:
        """Covariance of the prediction errors of the levels, the uncertainty of the raters' variance included."""
        return self.integrated.covariance(self.levels) + self.integrated.wandering(self.levels)

    @functools.cached_property
    def severity(self) -> Predictions:
        """Predictions of every rater's severity; positive is severe."""
        return self.integrated.predictions(-self.loadings("rater"))

    @functools.cached_property
    def differences(self) -> Predictions:
        """Predictions of severity minus the mean of the other raters of the part; no meaning for a rater alone."""
        size = np.bincount(self.rater_part)[self.rater_part].astype(float)
        others = np.maximum(size - 1, 1)
        if self.integrated.used:
            same = (self.rater_part[:, None] == self.rater_part) / others[:, None]
            contrast = sparse.csr_matrix(same - np.diag(np.where(size > 1, size / others, 2.0)))
            return self.integrated.predictions(contrast @ self.loadings("rater"))
        effect = self.fit.effects("rater")
        total = np.bincount(self.rater_part, effect)[self.rater_part]
        with_total, of_total = self._with_totals("rater", self.rater_part)
        own = self.fit.variance(self.loadings("rater"))
        variance = (size**2 * own - 2 * size * with_total + of_total[self.rater_part]) / others**2
        return self.integrated.known((total - size * effect) / others, variance)

    def _with_totals(self, name: str, part):
        """Covariance of each level's prediction error with that of its part's total; variance of every total."""
        one, parts = self.loadings(name), int(part.max()) + 1
        total = sparse.csr_matrix((np.ones(len(part)), (part, np.arange(len(part)))), shape=(parts, len(part))) @ one
        with_total, of_total = np.empty(len(part)), np.empty(parts)
        for start in range(0, parts, CHUNK):
            some = total[start : start + CHUNK]
            reach = self.fit.solved.solve(some.T.toarray()) * self.fit.residual_variance
            of_total[start : start + CHUNK] = np.asarray(some.multiply(reach.T).sum(axis=1)).ravel()
            mine = np.flatnonzero((part >= start) & (part < start + CHUNK))
            with_total[mine] = (one[mine] @ reach)[np.arange(len(mine)), part[mine] - start]
        return with_total, of_total

    @property
    def expected(self) -> np.ndarray:
        """Score expected of every rating, without the effect of ratee and rater together."""
        terms = {**self.fixed, **self.codes}
        terms.pop("ratee_rater", None)
        return self.fit.fitted(terms)

    @property
    def noise(self) -> float:
        """Variance of a rating around what is expected of it."""
        return float(self.fit.variances.get("ratee_rater", 0.0)) + self.fit.residual_variance

    def reliability(self) -> float:
        """Share of the variance of differences between people of one part that is not prediction error."""
        between, size = float(self.fit.variances["ratee"]), np.bincount(self.part)
        if between == 0 or len(self.part) == len(size):
            return 0.0
        own = self.fit.variance(self.loadings("ratee")).sum()
        shared = (self._with_totals("ratee", self.part)[1] / size).sum()
        return float(np.clip(1 - (own - shared) / (len(self.part) - len(size)) / between, 0.0, 1.0))


def _factors(r: Ratings, parts: int) -> dict[str, np.ndarray]:
    """Codes of the random factors that the design can tell apart."""
    raters, found = len(r.rater_ids), {"ratee": r.ratee}
    if raters > parts:
        found["rater"] = r.rater
    if r.criterion is not None and r.criterion.max() > 0 and "rater" in found:
        cell = r.rater.astype(np.int64) * len(r.criterion_ids) + r.criterion
        if len(np.unique(cell)) < r.n:
            found["rater_criterion"] = cell
    if r.criterion is not None or r.period is not None:
        pair = np.unique(r.ratee.astype(np.int64) * raters + r.rater, return_inverse=True)[1]
        pairs = int(pair.max()) + 1
        if max(len(r.ratee_ids), raters) < pairs < r.n:
            found["ratee_rater"] = pair
    return found


def _mean_rows(code, size):
    counts = np.bincount(code, minlength=size)
    return sparse.csr_matrix((1 / counts[code], (code, np.arange(len(code)))), shape=(size, len(code)))
