"""The frames of a calibration by the linear model; ``facet_calibration`` answers the same calls for the other model."""

import numpy as np
import pandas as pd

from sqlib.methods import rater_fit
from sqlib.methods.ratings import Ratings
from sqlib.methods.severity_model import SeverityModel
from sqlib.methods.variance_intervals import components

FEW_RATERS = 8  # below this raters are fitted as drawn (with the declared prior) and as fixed
MOST_COVARIANCE = 5000  # ratees of which all covariances are kept


class LinearCalibration:
    """``held`` (ratees,): people of thin chains, whose raw means are kept. ``part``, ``rater_part``: codes;
    ``cautions``: why this model was chosen."""

    name = "linear"

    def __init__(self, r: Ratings, part, rater_part, held, confidence: float, cautions=()):
        self.r, self.held, self.confidence = r, held, confidence
        self.part, self.rater_part = part, rater_part
        self.model = SeverityModel(r, part, rater_part)
        seen = {"criterion_left_out": self.model.criterion_left_out, "noise_assumed": self.model.fit.noise_assumed}
        self.cautions = (*cautions, *(code for code, holds in seen.items() if holds))
        alone = np.bincount(rater_part)[rater_part] < 2
        self.separable = ~alone & ("rater" in self.model.codes)

    def ratees(self) -> pd.DataFrame:
        """raw, corrected, calibrated, se, low, high."""
        model = self.model
        found = model.integrated.predictions(model.levels)
        low, high = found.interval(self.confidence)
        table = pd.DataFrame({
            "raw": model.raw, "corrected": model.corrected, "calibrated": found.estimate + model.centre,
            "se": found.se, "low": low + model.centre, "high": high + model.centre,
        })  # fmt: skip
        if self.held.any():
            half = (table["high"] - table["low"]) / (2 * table["se"])  # as many standard errors to each side
            se = np.sqrt(np.maximum(model.raw_variance(), table["se"].to_numpy() ** 2))
            kept = pd.DataFrame({"raw": model.raw, "corrected": model.raw, "calibrated": model.raw, "se": se,
                                 "low": model.raw - half * se, "high": model.raw + half * se})  # fmt: skip
            table.loc[self.held] = kept.loc[self.held]
        return table

    def raters(self) -> pd.DataFrame:
        """severity, se, low, high; difference, difference_low, difference_high, p_value."""
        names = ["severity", "se", "low", "high", "difference", "difference_low", "difference_high", "p_value"]
        if not self.separable.any():
            return pd.DataFrame(np.nan, index=range(len(self.r.rater_ids)), columns=names)
        severity, difference = self.model.severity, self.model.differences
        low, high = severity.interval(self.confidence)
        nearer, farther = difference.interval(self.confidence)
        below = difference.below(np.zeros(len(low)))
        values = [severity.estimate, severity.se, low, high, difference.estimate, nearer, farther,
                  2 * np.minimum(below, 1 - below)]  # fmt: skip
        table = pd.DataFrame(dict(zip(names, values, strict=True)))
        table.loc[~self.separable] = np.nan
        return table

    def profiles(self, seed: int) -> pd.DataFrame:
        """See ``rater_fit.profiles``."""
        model = self.model
        severity = -model.fit.effects("rater") if "rater" in model.codes else np.zeros(len(self.r.rater_ids))
        variance = np.full(self.r.n, model.noise)
        return rater_fit.profiles(self.r, model.expected, variance, severity, seed=seed, confidence=self.confidence)

    def drift(self) -> pd.DataFrame:
        """See ``rater_fit.drift``."""
        return rater_fit.drift(self.r, self.model.expected, self.confidence)

    def components(self) -> pd.DataFrame:
        return components(self.model.fit, self.confidence)

    def levels_of(self, name: str) -> pd.DataFrame:
        """effect, low, high of every criterion or period; summing to 0."""
        loadings = self.model.loadings(name)
        found = self.model.integrated.predictions(loadings)
        low, high = found.interval(self.confidence)
        return pd.DataFrame({"effect": found.estimate, "low": low, "high": high})

    def reliability(self) -> float:
        """Share of the variance of differences between people of one part that is not prediction error."""
        return self.model.reliability()

    @property
    def between_people(self) -> float:
        """Standard deviation between people."""
        return float(self.model.fit.variances["ratee"] ** 0.5)

    @property
    def rater_prior(self) -> float | None:
        return self.model.largest_severity if self.model.integrated.used else None

    def covariance(self) -> np.ndarray:
        return self._held(self.model.covariance())

    def corrected_covariance(self) -> np.ndarray:
        return self._held(self.model.corrected_covariance())

    def _held(self, found):
        """Raw means of thin chains err by the severities of their own raters."""
        if not self.held.any():
            return found
        raw, both = self.model.raw_covariance(), self.held[:, None] & self.held
        return np.where(both, raw, np.where(self.held[:, None] | self.held, 0.0, found))

    def difference_se(self, i: int, j: int) -> float:
        if self.held[i] or self.held[j]:
            matrix = self.model.raw_covariance([i, j])
            return float((matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1]) ** 0.5)
        both = self.model.levels[[i, j]]
        return float(self.model.integrated.predictions(both[[0]] - both[[1]]).se[0])

    def with_fixed_raters(self) -> tuple[pd.DataFrame, pd.DataFrame] | tuple[None, None]:
        """Raters (severity, se, low, high) and ratees (calibrated, se, low, high) with raters as fixed effects."""
        if len(self.r.rater_ids) >= FEW_RATERS or not self.separable.any():
            return None, None
        fixed = SeverityModel(self.r, self.model.part, self.model.rater_part, fixed_raters=True)
        severity = fixed.integrated.predictions(-fixed.fixed_severities[self.separable])
        raters = _table(severity, "severity", 0.0, self.confidence)
        raters = raters.set_index(np.flatnonzero(self.separable)).reindex(range(len(self.r.rater_ids)))
        level = fixed.integrated.predictions(fixed.fixed_levels)
        ratees = _table(level, "calibrated", fixed.centre, self.confidence)
        return (raters.assign(rater_id=self.r.rater_ids).iloc[:, [-1, 0, 1, 2, 3]],
                ratees.assign(ratee_id=self.r.ratee_ids).iloc[:, [-1, 0, 1, 2, 3]])  # fmt: skip


def _table(found, name, centre, confidence) -> pd.DataFrame:
    low, high = found.interval(confidence)
    return pd.DataFrame({name: found.estimate + centre, "se": found.se, "low": low + centre, "high": high + centre})
