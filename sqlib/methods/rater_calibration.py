"""Calibration of appraisals: what a person earned, freed from who happened to rate them, and how sure that is.

Two engines behind one call: ``linear`` (crossed random effects, ``severity_model``) and ``facets`` (many-facet rating
scale). Severity is positive for a severe rater; everything is on the scale of the scores.
"""

import dataclasses
import functools
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import rating_design, samples
from sqlib.methods import ratings as coding
from sqlib.methods.facet_calibration import FacetCalibration, agreement
from sqlib.methods.linear_calibration import FEW_RATERS, MOST_COVARIANCE, LinearCalibration
from sqlib.methods.one_thread import one_thread
from sqlib.methods.ratings import Ratings

MODELS = ("auto", "linear", "facets")
FEW_LEVELS = 5  # score levels below which the linear model is not the default
FALLEN_BACK = tuple(f"facets_{reason}" for reason in (
    "too_many_levels", "too_many_parameters", "confounded", "unbounded", "no_convergence",
))  # fmt: skip
IN_LINE = 0.5  # of the standard deviation between people: a difference within this moves nobody much
PROFILE = ["spread", "spread_low", "spread_high", "infit", "outfit", "halo", "profile"]
DIGITS = 10  # of the scores' standard deviation: what arithmetic leaves beyond them must not break ties


@dataclass(frozen=True)
class CalibrationResult:
    """Result of :func:`calibrate`.

    ``ratees``: ratee_id, part (only people of one part may be compared), group, n_ratings, n_raters, raw, corrected
    (severity removed, not shrunk), calibrated (shrunk), se, low, high. ``raters``: rater_id, part, n, n_ratees,
    severity, se, low, high (of the rater as drawn), difference from the mean of the other raters of the part,
    difference_low, difference_high, p_value, spread, spread_low, spread_high, infit, outfit, halo, verdict (severe |
    lenient | in_line | cannot_tell; p values corrected over the raters). NaN where a part has one rater only.

    ``variance_components``: component, estimate, low, high, share. ``criteria``: criterion, n, mean, effect, low,
    high; ``periods`` likewise. ``links``, ``links_to_add``: see ``rating_design``, of which ``design`` is the whole.
    ``profiles``, ``drift``: see ``rater_fit``.
    ``raters_fixed``, ``ratees_fixed``: under eight raters, the same with raters as fixed effects; else None.

    ``rater_prior``: largest SD of severities the declared prior allows, None where the variance is taken as known.
    ``halo_share``: share of ratee_rater in the variance. ``reliability`` is of differences between people;
    ``separation``, ``strata`` follow from it. ``joint_ranking``: everybody may be ranked together. ``pay_wording``:
    False where severity and the quality of a team can hardly be told apart.

    ``cautions``: not_connected, thin_links, home_raters, single_rater_parts, few_raters, no_severity (no variance
    between raters found), no_differences (none between people), criterion_left_out, noise_assumed (hardly more scores
    than effects: see ``crossed``); of the facets those of ``facets.FacetsFit``, or facets_<reason> (FALLEN_BACK) where
    "auto" had to fall back on the linear model.
    """

    ratees: pd.DataFrame
    raters: pd.DataFrame
    variance_components: pd.DataFrame
    criteria: pd.DataFrame
    periods: pd.DataFrame
    links: pd.DataFrame
    links_to_add: pd.DataFrame
    profiles: pd.DataFrame
    drift: pd.DataFrame
    raters_fixed: pd.DataFrame | None
    ratees_fixed: pd.DataFrame | None
    model: str
    scale: tuple[float, float] | None
    n: int
    missing: int
    own: int
    repeated: int
    n_ratees: int
    n_raters: int
    parts: int
    connected: bool
    joint_ranking: bool
    home_share: float
    home_expected: float
    pay_wording: bool
    reliability: float
    separation: float
    strata: float
    halo_share: float
    rater_prior: float | None
    confidence: float
    cautions: tuple[str, ...]
    design: rating_design.Design = field(repr=False)
    engine: object = field(repr=False)

    @functools.cached_property
    def covariance(self) -> np.ndarray | None:
        """(ratees, ratees) of the prediction errors of ``calibrated``; None above 5,000 ratees."""
        return self.engine.covariance() if self.n_ratees <= MOST_COVARIANCE else None

    @functools.cached_property
    def corrected_covariance(self) -> np.ndarray | None:
        """(ratees, ratees) of the errors of ``corrected``; None above 5,000 ratees."""
        return self.engine.corrected_covariance() if self.n_ratees <= MOST_COVARIANCE else None

    @functools.cached_property
    def model_agreement(self) -> float:
        """Rank correlation of ``calibrated`` with that of the other model; NaN where that cannot be fitted."""
        return agreement(self.engine)

    def difference_se(self, i: int, j: int) -> float:
        """Standard error of the difference in ``calibrated`` between two rows of ``ratees``."""
        return self.engine.difference_se(i, j)


@one_thread
def calibrate(ratings, *, ratee, rater, score, criterion=None, period=None, group=None, model="auto", scale=None,
              confidence=0.95, seed=0) -> CalibrationResult:  # fmt: skip
    """Separate what people earned from who rated them.

    Parameters
    ----------
    ratings : one row per rating, or ratings already coded (``ratings.coded``); then the columns are not looked at
    ratee, rater, score : columns; self-ratings are left out and counted
    criterion, period, group : columns or None; ``group`` is the ratee's team
    model : "linear", "facets", or "auto": facets for fewer than five score levels
    scale : (lowest, highest) score on offer
    seed : of what is simulated (limits of fit); estimates and intervals have no chance in them

    Raises MethodRefused: ratings.* (scores no model can read), rater_calibration.unknown_model,
    rater_calibration.rated_once (nobody was rated twice), rater_calibration.nothing_shared (no rater rated two people),
    crossed.* (no noise, too wide), facets.*.
    Source: methods of Henderson (1984), Patterson & Thompson (1971). Checked against R lme4 and dense likelihoods;
    coverage by ``benchmarks/calibration_coverage.py``.
    """
    if model not in MODELS:
        raise MethodRefused("rater_calibration.unknown_model", got=model, known=", ".join(MODELS))
    r = ratings if isinstance(ratings, Ratings) else coding.coded(
        ratings, ratee=ratee, rater=rater, score=score, criterion=criterion, period=period, group=group, scale=scale,
    )  # fmt: skip
    found = rating_design.design(r)
    _refuse_nothing_to_compare(found)
    part = found.ratees["part"].to_numpy() - 1
    rater_part = found.raters["part"].to_numpy() - 1
    engine = _engine(model, r, part, rater_part, found.held, confidence)
    return _result(r, found, engine, confidence, seed)


def _engine(model: str, r: Ratings, *given):
    """The calibration by the model asked for; "auto" falls back on the linear model where the other refuses."""
    if model == "linear" or (model == "auto" and len(r.levels) >= FEW_LEVELS):
        return LinearCalibration(r, *given)
    try:
        return FacetCalibration(r, *given)
    except MethodRefused as refused:
        if model == "facets":
            raise
        reason = refused.code.replace(".", "_")
    return LinearCalibration(r, *given, cautions=(reason,))


def _refuse_nothing_to_compare(found: rating_design.Design) -> None:
    people = len(found.ratees)
    if found.ratees["n_ratings"].max() < 2:
        raise MethodRefused("rater_calibration.rated_once", ratees=people)
    if found.parts == people:
        raise MethodRefused("rater_calibration.nothing_shared", ratees=people)


def _result(r: Ratings, found: rating_design.Design, engine, confidence: float, seed: int) -> CalibrationResult:
    components = engine.components()
    found = dataclasses.replace(found, links_to_add=rating_design.predicted(found, components))
    profiles = engine.profiles(seed)
    ratees, raters = _ratees(r, found, engine), _raters(r, found, engine, profiles)
    raters_fixed, ratees_fixed = engine.with_fixed_raters()
    reliability = engine.reliability()
    separation = np.sqrt(reliability / (1 - reliability)) if reliability < 1 else np.inf
    shares = components.set_index("component")["share"]
    return CalibrationResult(
        ratees=ratees, raters=raters, variance_components=components,
        criteria=_categories(r, engine, "criterion"), periods=_categories(r, engine, "period"),
        links=found.links, links_to_add=found.links_to_add, profiles=profiles, drift=engine.drift(), design=found,
        raters_fixed=raters_fixed, ratees_fixed=ratees_fixed, model=engine.name, scale=r.scale, n=r.n,
        missing=r.missing, own=r.own, repeated=r.repeated, n_ratees=len(ratees), n_raters=len(raters),
        parts=found.parts, connected=found.connected, joint_ranking=found.joint_ranking,
        home_share=found.home_share, home_expected=found.home_expected, pay_wording=found.pay_wording,
        reliability=reliability, separation=float(separation), strata=float((4 * separation + 1) / 3),
        halo_share=float(shares.get("ratee_rater", np.nan)), rater_prior=engine.rater_prior,
        confidence=confidence, cautions=_cautions(r, found, components, engine), engine=engine,
    )  # fmt: skip


def _ratees(r: Ratings, found, engine) -> pd.DataFrame:
    group = np.full(len(r.ratee_ids), None, dtype=object)
    if r.group is not None:
        group[r.group >= 0] = r.group_ids[r.group[r.group >= 0]]
    who = pd.DataFrame({
        "ratee_id": r.ratee_ids, "part": found.comparable + 1, "group": group,
        "n_ratings": found.ratees["n_ratings"].to_numpy(), "n_raters": found.ratees["n_raters"].to_numpy(),
    })  # fmt: skip
    return pd.concat([who, _within_scale(_rounded(engine.ratees(), r), r.scale)], axis=1)


def _rounded(table: pd.DataFrame, r: Ratings) -> pd.DataFrame:
    decimals = DIGITS - int(np.floor(np.log10(r.score.std())))
    exact = table.columns.difference(["p_value"])
    return table.round(dict.fromkeys(exact, decimals))


def _within_scale(table: pd.DataFrame, scale) -> pd.DataFrame:
    """Limits cut at the ends of the scale, never inside the estimate."""
    if scale is None:
        return table
    low = np.minimum(np.maximum(table["low"], scale[0]), table["calibrated"])
    return table.assign(low=low, high=np.maximum(np.minimum(table["high"], scale[1]), table["calibrated"]))


def _raters(r: Ratings, found, engine, profiles: pd.DataFrame) -> pd.DataFrame:
    who = found.raters[["rater_id", "part", "n", "n_ratees"]]
    table = pd.concat([who, _rounded(engine.raters(), r), profiles[PROFILE]], axis=1)
    return table.assign(verdict=_verdicts(table, engine.between_people, 1 - engine.confidence))


def _verdicts(table: pd.DataFrame, between: float, alpha: float) -> np.ndarray:
    """severe, lenient (corrected p value), in_line (the interval shows that it matters little), cannot_tell."""
    sure = samples.adjusted(table["p_value"]).to_numpy() <= alpha
    near = np.maximum(-table["difference_low"], table["difference_high"]) <= IN_LINE * between
    side = np.where(table["difference"] > 0, "severe", "lenient")
    return np.where(sure, side, np.where(near, "in_line", "cannot_tell"))


def _categories(r: Ratings, engine, name: str) -> pd.DataFrame:
    """Criteria or periods: n, raw mean, effect with interval, summing to 0."""
    code, ids = getattr(r, name), getattr(r, f"{name}_ids")
    columns = [name, "n", "mean", "effect", "low", "high"]
    if code is None:
        return pd.DataFrame(columns=columns)
    n = np.bincount(code, minlength=len(ids))
    table = pd.DataFrame({name: ids, "n": n, "mean": np.bincount(code, r.score, minlength=len(ids)) / n})
    effects = engine.levels_of(name) if len(ids) > 1 else pd.DataFrame({"effect": [0.0], "low": np.nan, "high": np.nan})
    return pd.concat([table, _rounded(effects, r)], axis=1)[columns]


def _cautions(r: Ratings, found, components: pd.DataFrame, engine) -> tuple[str, ...]:
    estimate = components.set_index("component")["estimate"]
    held = {
        "few_raters": len(r.rater_ids) < FEW_RATERS, "no_severity": estimate.get("rater", 1.0) == 0,
        "no_differences": estimate["ratee"] == 0,
    }  # fmt: skip
    held = [code for code, holds in held.items() if holds]
    return tuple(dict.fromkeys([*found.cautions, *held, *engine.cautions]))
