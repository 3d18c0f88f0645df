"""Standing: everybody's raw, corrected and calibrated score in one row, with band, tier and what moved them.

Two doors between a calibration and what the client's scheme makes of it: ``tiers_of`` puts the calibrated score in the
place of the judged part of the client's own total; ``standing`` gathers what is handed over about people.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import bands, tiers
from sqlib.methods.rater_calibration import CalibrationResult
from sqlib.methods.scheme import SchemeResult
from sqlib.methods.tiers import TierResult

LITTLE = 0.2  # of the standard deviation between people: a smaller step moves next to nobody (Cohen: a small effect)
TOTALS = ["total_raw", "total", "total_low", "total_high"]
COLUMNS = [
    "ratee_id", "part", "group", "n_ratings", "n_raters", "raw", "corrected", "calibrated", "se", "low", "high", "band",
    "tier_raw", "tier", "p_tier", "changed_by", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class StandingResult:
    """``ratees``, one row a person rated: COLUMNS. band: people of one number cannot be told apart within their part;
    tier_raw, tier, p_tier: blank without tiers; changed_by: what moved the tier or, where it did not move, the score
    (severe_raters, lenient_raters, few_ratings, others_moved; blank: next to nothing); verdict as in ``tiers``, or
    no_tiers. ``moved``: people whose corrected and raw score lie a fifth of the standard deviation between people
    apart; ``scale``: range of the scores.
    """

    ratees: pd.DataFrame
    n: int
    parts: int
    joint_ranking: bool
    pay_wording: bool
    reliability: float
    moved: int
    scale: tuple[float, float]
    cuts: dict[str, float]
    confidence: float
    cautions: tuple[str, ...]


def tiers_of(
    calibrated: CalibrationResult, totals: SchemeResult | None = None, *, rule: dict, top=None, confidence=0.95, seed=0
) -> TierResult:
    """Tiers by the raw and by the calibrated score, on the client's own totals.

    Parameters
    ----------
    calibrated : of the judged scores
    totals : what the scheme makes of all scores; None: the judged score is the total
    rule : cuts or shares, within, money, as :func:`tiers.decisions` takes them
    top : as there

    A person's total moves by judged_weight times (calibrated less raw): so the raw total is the client's own. Who fell
    under a veto is in the last tier whatever the score, as with the client; who has no total is not judged. Raises
    MethodRefused: standing.nobody, tiers.*.
    """
    people, veto = calibrated.ratees.copy(), None
    offset, weight = pd.Series(0.0, people["ratee_id"]), pd.Series(1.0, people["ratee_id"])
    if totals is not None:
        known = totals.table.set_index("ratee").reindex(people["ratee_id"])
        veto = known["total"].where(known["veto"].eq(True)).to_numpy(dtype=float)
        weight = known["judged_weight"].where(np.isnan(veto), 0.0)
        offset = (known["total"] - weight * people.set_index("ratee_id")["raw"]).where(np.isnan(veto), -np.inf)
        if offset.isna().all():
            raise MethodRefused("standing.nobody", people=len(people), totals=len(totals.table))
        people = people.assign(**{name: known[name].to_numpy() for name in ("department", "team") if name in known})
    decided = tiers.decisions(
        people, calibrated.covariance, offset=offset, weight=weight, top=top, confidence=confidence, seed=seed, **rule
    )
    return decided if veto is None else _own_totals(decided, veto)


def _own_totals(decided: TierResult, veto) -> TierResult:
    """Those under a veto said to be so, with the totals the client counted in place of the -inf behind their tier."""
    shown = {name: decided.ratees[name].where(np.isnan(veto), veto) for name in TOTALS}
    reason = decided.ratees["changed_by"].where(np.isnan(veto), "veto")
    return replace(decided, ratees=decided.ratees.assign(**shown, changed_by=reason))


def standing(calibrated: CalibrationResult, decided: TierResult | None = None) -> StandingResult:
    """Everybody in one row; bands are those of the calibrated scores."""
    people = calibrated.ratees
    sets = pd.factorize(people["part"])[0]
    band = np.full(len(people), np.nan)
    if calibrated.covariance is not None and len(people) <= bands.PEOPLE:
        pairs = bands.compared(people["calibrated"], calibrated.covariance, sets, calibrated.confidence)
        band = bands.partition(people["calibrated"].to_numpy(), pairs, sets)
    scale = calibrated.scale or (float(people["raw"].min()), float(people["raw"].max()))
    least = LITTLE * _between(calibrated)
    table = people.assign(band=band, tier_raw=None, tier=None, p_tier=np.nan, verdict="no_tiers", changed_by=None)
    if decided is not None:
        names = ["tier_raw", "tier", "p_tier", "verdict", "changed_by"]
        table[names] = decided.ratees.set_index("ratee_id").loc[people["ratee_id"], names].to_numpy()
    named = table["changed_by"].mask(table["changed_by"].eq("veto"))  # would tell under a pseudonym who it is
    table["changed_by"] = named.fillna(_moved_by(people, least))
    return StandingResult(
        ratees=table[COLUMNS], n=len(people), parts=calibrated.parts, joint_ranking=calibrated.joint_ranking,
        pay_wording=calibrated.pay_wording, reliability=calibrated.reliability,
        moved=int(((people["corrected"] - people["raw"]).abs() >= least).sum()), scale=scale, cuts=_cuts(decided),
        confidence=calibrated.confidence, cautions=calibrated.cautions,
    )  # fmt: skip


def _between(calibrated: CalibrationResult) -> float:
    """Standard deviation between people; where none is found, that of their calibrated scores, else endless."""
    components = calibrated.variance_components.set_index("component")["estimate"]
    return float(np.sqrt(components["ratee"])) or float(calibrated.ratees["raw"].std()) or np.inf


def _moved_by(people: pd.DataFrame, least: float) -> pd.Series:
    """The larger step between raw, corrected and calibrated; blank where neither is worth a word."""
    removed, shrunk = people["corrected"] - people["raw"], people["calibrated"] - people["corrected"]
    by_raters = removed.abs() >= shrunk.abs()
    named = np.select([by_raters & (removed >= least), by_raters & (removed <= -least), shrunk.abs() >= least],
                      ["severe_raters", "lenient_raters", "few_ratings"], None)  # fmt: skip
    return pd.Series(named, people.index, dtype=object)


def _cuts(decided: TierResult | None) -> dict[str, float]:
    """Tier -> lowest judged score, where every total is the judged score itself."""
    if (
        decided is None
        or decided.rule.cuts is None
        or (decided.rule.offset != 0).any()
        or (decided.rule.weight != 1).any()
    ):
        return {}
    return dict(zip(decided.rule.names, decided.rule.cuts.tolist(), strict=False))


def history(before: CalibrationResult, now: CalibrationResult, *, labels) -> pd.DataFrame:
    """Scores of two periods under each other: ratee_id, period, corrected (not shrunk); ``labels`` of the two."""
    frames = [each.ratees[["ratee_id", "corrected"]].assign(period=label)
              for each, label in zip((before, now), labels, strict=True)]  # fmt: skip
    return pd.concat(frames, ignore_index=True)
