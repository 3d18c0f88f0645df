"""The frames of a calibration by the many-facet model, on the scale of the scores; ``linear_calibration`` answers the
same calls for the other model.

A rater's severity in points is what the scores of the people of the part would lose, on average, against a rater of
mean severity. Raters are fixed effects here, so nothing is assumed of how severities are spread.
"""

import numpy as np
import pandas as pd
from scipy import optimize, sparse, special

from sqlib.errors import MethodRefused
from sqlib.methods import facet_abilities, facets, rater_fit
from sqlib.methods.linear_calibration import LinearCalibration
from sqlib.methods.ratings import Ratings

_PEOPLE = 400  # quantiles that stand for the people of a part
_ACROSS = 201  # nodes over the distribution of ability


class FacetCalibration:
    """``held`` (ratees,): people of thin chains, whose raw means are kept. ``part``, ``rater_part``: codes."""

    name = "facets"
    rater_prior = None  # no distribution of severities is assumed

    def __init__(self, r: Ratings, part, rater_part, held, confidence: float):
        self.r, self.held, self.confidence = r, held, confidence
        self.part, self.rater_part = part, rater_part
        self.fit = facets.fit(r, parts=(part, rater_part), confidence=confidence)
        self.cautions = self.fit.cautions
        self.separable = np.bincount(rater_part)[rater_part] > 1
        self.z = special.ndtri((1 + confidence) / 2)
        self.raw = np.bincount(r.ratee, r.score) / np.bincount(r.ratee)

    def ratees(self) -> pd.DataFrame:
        """raw, corrected, calibrated, se, low, high."""
        people = self.fit.abilities
        se = np.sqrt(people.fair_spread.variance)
        table = pd.DataFrame({
            "raw": self.raw, "corrected": people.corrected, "calibrated": people.fair, "se": se,
            "low": people.fair_low, "high": people.fair_high,
        })  # fmt: skip
        if self.held.any():
            se = np.sqrt(self._raw_covariance(np.flatnonzero(self.held)).diagonal())
            raw = self.raw[self.held]
            kept = {"corrected": raw, "calibrated": raw, "se": se, "low": raw - self.z * se, "high": raw + self.z * se}
            table.loc[self.held, list(kept)] = np.column_stack(list(kept.values()))
        return table

    def raters(self) -> pd.DataFrame:
        """severity, se, low, high; difference, difference_low, difference_high, p_value."""
        severity, se = self.fit.of("severity"), self.fit.se_of("severity")
        points, slope = self._points(severity)
        low, high = (self._points(severity + side * self.z * se)[0] for side in (-1, 1))
        difference, spread = self._differences(points, slope)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * special.ndtr(-np.abs(difference) / spread)
        table = pd.DataFrame({
            "severity": points, "se": slope * se, "low": low, "high": high, "difference": difference,
            "difference_low": difference - self.z * spread, "difference_high": difference + self.z * spread,
            "p_value": p,
        })  # fmt: skip
        table.loc[~self.separable] = np.nan
        return table

    def _points(self, severity):
        """Points that a severity takes from the people of the rater's part, and the slope of that."""
        lost, slope = np.empty(len(severity)), np.empty(len(severity))
        for each, theta in enumerate(self._typical()):
            here = self.rater_part == each
            level, _ = self._fair(theta)
            for rows in np.array_split(np.flatnonzero(here), here.sum() // 64 + 1):
                score, gain = self._fair(theta - severity[rows, None])
                lost[rows], slope[rows] = level.mean() - score.mean(axis=1), gain.mean(axis=1)
        return lost, slope

    def _fair(self, theta):
        return facet_abilities.fair_score(self.fit.design, self.fit.columns, self.fit.parameters, theta)

    def _typical(self):
        """Abilities that stand for the people of each part."""
        for each in range(self.part.max() + 1):
            theta = self.fit.abilities.theta[self.part == each]
            yield theta if len(theta) <= _PEOPLE else np.quantile(theta, (np.arange(_PEOPLE) + 0.5) / _PEOPLE)

    def _differences(self, points, slope):
        """Each rater's points minus the mean of the others of the part, and the standard error."""
        where = self.fit.columns["severity"]
        found, spread = np.full(len(points), np.nan), np.full(len(points), np.nan)
        for each in range(self.rater_part.max() + 1):
            here = np.flatnonzero(self.rater_part == each)
            rest = len(here) - 1
            if rest < 1:
                continue
            vcov = self.fit.vcov[where, where][np.ix_(here, here)] * np.outer(slope[here], slope[here])
            own, rows, total = np.diag(vcov), vcov.sum(axis=1), vcov.sum()
            found[here] = points[here] - (points[here].sum() - points[here]) / rest
            variance = own - 2 * (rows - own) / rest + (total - 2 * rows + own) / rest**2
            spread[here] = np.sqrt(np.maximum(variance, 0))
        return found, spread

    def profiles(self, seed: int) -> pd.DataFrame:
        """See ``rater_fit.profiles``."""
        points, _ = self._points(self.fit.severity)
        return rater_fit.profiles(
            self.r, self.fit.expected, self.fit.variance, points, probabilities=self._probabilities(), seed=seed,
            confidence=self.confidence,
        )  # fmt: skip

    def drift(self) -> pd.DataFrame:
        """See ``rater_fit.drift``."""
        return rater_fit.drift(self.r, self.fit.expected, self.confidence)

    def _probabilities(self):
        """Of the levels from the lowest to the highest given, where they stand on equal steps."""
        values = self.fit.design.steps.values
        if self.r.n * len(values) > rater_fit.DRAWN or "levels_by_rank" in self.cautions:
            return None
        return self.fit.probabilities(self.r)[:, (values >= self.r.levels[0]) & (values <= self.r.levels[-1])]

    def components(self) -> pd.DataFrame:
        """component, estimate, low, high, share: of the fair scores of people, of severities, of single ratings."""
        rows = [("ratee", *self._between_people()), ("rater", *self._between_raters())]
        residual, n = float(self.fit.variance.mean()), self.r.n - len(self.fit.parameters)
        limits = special.chdtri(max(n, 1), [(1 - self.confidence) / 2, (1 + self.confidence) / 2])
        rows.append(("residual", residual, *(residual * max(n, 1) / limits)))
        table = pd.DataFrame(rows, columns=["component", "estimate", "low", "high"])
        if not self.separable.any():
            table = table[table["component"] != "rater"].reset_index(drop=True)
        return table.assign(share=table["estimate"] / table["estimate"].sum())

    def _between_people(self):
        """Variance of the fair score over the distribution of ability, with the limits the sd gives."""
        z = np.linspace(-6, 6, _ACROSS)
        weight = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
        middle = np.average(self.fit.of("mean"), weights=np.bincount(self.part))
        found = []
        for away in (0.0, -self.z, self.z):
            score, _ = self._fair(middle + self.fit.sd * np.exp(away * self.fit.sd_se / self.fit.sd) * z)
            found.append(float(weight @ score**2 - (weight @ score) ** 2))
        return found

    def _between_raters(self):
        """Variance of severities freed from their errors, with limits (Paule & Mandel 1982; Viechtbauer 2007)."""
        table = self.raters()[self.separable]
        if not len(table):
            return 0.0, 0.0, 0.0
        points, error = table["severity"].to_numpy(), np.maximum(table["se"].to_numpy() ** 2, 1e-12)
        df = len(points) - len(np.unique(self.rater_part[self.separable]))

        def solve(target):
            def excess(variance):
                return (points**2 / (variance + error)).sum() - target

            top = (points**2).sum() / target + error.max()
            return 0.0 if excess(0.0) <= 0 else float(optimize.brentq(excess, 0.0, top, xtol=1e-12))

        tail = (1 - self.confidence) / 2
        return solve(df), solve(special.chdtri(df, tail)), solve(special.chdtri(df, 1 - tail))

    def levels_of(self, name: str) -> pd.DataFrame:
        """effect, low, high of every criterion or period on the scores, summing to 0."""
        theta = np.concatenate(list(self._typical()))
        effect, slopes = self._criteria(theta) if name == "criterion" else self._periods(theta)
        effect, slopes = effect - effect.mean(), slopes - slopes.mean(axis=0)
        se = np.sqrt(np.maximum((slopes @ self.fit.vcov * slopes).sum(axis=1), 0))
        return pd.DataFrame({"effect": effect, "low": effect - self.z * se, "high": effect + self.z * se})

    def _criteria(self, theta):
        return facet_abilities.criterion_scores(self.fit.design, self.fit.columns, self.fit.parameters, theta)

    def _periods(self, theta):
        """Mean fair score in every period, with its derivatives."""
        where = self.fit.columns["period"]
        score, gain = self._fair(theta - self.fit.of("period")[:, None])
        slopes = np.zeros((len(score), self.fit.design.size))
        slopes[np.arange(len(score)), np.arange(where.start, where.stop)] = -gain.mean(axis=1)
        return score.mean(axis=1), slopes

    @property
    def between_people(self) -> float:
        """Standard deviation between people, points."""
        return self._between_people()[0] ** 0.5

    def reliability(self) -> float:
        """Share of the variance of differences between people of one part that is not error."""
        between, size = self._between_people()[0], np.bincount(self.part)
        if "no_differences" in self.cautions or len(self.part) == len(size):
            return 0.0
        spread = self.fit.abilities.fair_spread
        members = sparse.csr_array((1 / np.sqrt(size[self.part]), (self.part, np.arange(len(self.part)))))
        together = members @ spread.influence
        shared = (members.power(2) @ spread.own).sum() + together.multiply(together @ spread.vcov).sum()
        return float(np.clip(1 - (spread.variance.sum() - shared) / (len(self.part) - len(size)) / between, 0, 1))

    def covariance(self) -> np.ndarray:
        return self._held(self.fit.abilities.fair_spread.covariance())

    def corrected_covariance(self) -> np.ndarray:
        return self._held(self.fit.abilities.corrected_spread.covariance())

    def _held(self, found):
        """Raw means of thin chains err by the severities of their own raters."""
        kept = np.flatnonzero(self.held)
        if len(kept):
            found[kept] = found[:, kept] = 0.0
            found[np.ix_(kept, kept)] = self._raw_covariance(kept)
        return found

    def _raw_covariance(self, rows) -> np.ndarray:
        """Covariance of the errors of raw means as estimates of the levels: severities as drawn, and noise."""
        each = np.bincount(self.r.ratee)
        cells = (1 / each[self.r.ratee], (self.r.ratee, self.r.rater))
        share = sparse.coo_array(cells, shape=(len(each), len(self.rater_part))).tocsr()[rows]
        noise = (np.bincount(self.r.ratee, self.fit.variance) / each**2)[rows]
        return np.diag(noise) + self._between_raters()[0] * (share @ share.T).toarray()

    def difference_se(self, i: int, j: int) -> float:
        if self.held[i] or self.held[j]:
            matrix = self._held(self.fit.abilities.fair_spread.covariance())
            return float((matrix[i, i] + matrix[j, j] - 2 * matrix[i, j]) ** 0.5)
        return float(self.fit.abilities.fair_spread.difference_se(i, j)[0])

    def with_fixed_raters(self):
        """Nothing to add: raters are fixed effects already."""
        return None, None


def agreement(calibration) -> float:
    """Rank correlation of the people as the linear and the many-facet model see them; NaN where only one can."""
    from scipy.stats import spearmanr

    other = LinearCalibration if isinstance(calibration, FacetCalibration) else FacetCalibration
    given = (calibration.part, calibration.rater_part, calibration.held, calibration.confidence)
    try:
        second = other(calibration.r, *given).ratees()["calibrated"]
    except MethodRefused:
        return float("nan")
    first = calibration.ratees()["calibrated"]
    return float(spearmanr(first, second).statistic) if first.nunique() > 1 and second.nunique() > 1 else float("nan")
