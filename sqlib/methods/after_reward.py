"""After a reward or a penalty: did scores move by more than regression to the mean alone predicts?

Whoever is praised for a very good score was, on average, also lucky, and falls next time; whoever is penalised rises.
The change expected from that alone is -(1 - stability) times the distance from the mean, where stability is the slope
of the later score on the earlier one among all people, or a reliability given. Only what goes beyond it, against
people without reward or penalty in the same period, may be put down to anything else.

References: Galton (1886) Journal of the Anthropological Institute 15:246; Campbell & Kenny (1999) A Primer on
Regression Artifacts, ch. 3; Cochran (1957) Biometrics 13:261 (analysis of covariance). False alarms and coverage:
``benchmarks/score_sources.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import clusters, samples
from sqlib.methods.reward_consistency import KINDS

FEWEST = 5  # events of a kind below which nothing is judged
FEWEST_OTHERS = 10  # people without an event below which there is nobody to compare with
COLUMNS = [
    "kind", "n", "people", "before", "observed", "observed_low", "observed_high", "expected", "expected_low",
    "expected_high", "estimate", "low", "high", "p_value", "findable", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class AfterRewardResult:
    """``table``, one row a kind (reward, penalty), columns ``COLUMNS``: n events, people, before (mean distance from
    the mean of the period), observed change of the score (less that of everybody in the period) with limits, expected
    change from regression to the mean alone with limits, estimate (observed minus expected, against people without an
    event) with limits, findable (excess seen with 80 % power); verdict: within_regression (the interval holds 0) |
    beyond_up | beyond_down | too_few (under 5 events).

    ``stability``, _low, _high: slope used; ``given`` whether it was given. ``n`` person-periods with a next score,
    ``others`` of them without an event, ``both`` left out (reward and penalty at once).
    """

    table: pd.DataFrame
    stability: float
    stability_low: float
    stability_high: float
    given: bool
    n: int
    others: int
    both: int
    confidence: float
    cautions: tuple[str, ...]


def after_reward(
    history, rewards, *, score="corrected", reliability=None, confidence=0.95, target_power=0.8, seed=0
) -> AfterRewardResult:
    """Compare the change after rewards and penalties with what regression to the mean predicts.

    Parameters
    ----------
    history : one row a person and period: ratee_id, period (sorts in time), `score`, which must not be shrunk:
        shrinking has the regression in it already
    rewards : one row an event: staff_id, type, period (of the last score known when it was decided)
    reliability : None: the stability is estimated; a number, or (value, low, high): taken instead
    seed : taken as by every method; nothing here is random

    A person's periods are one cluster. Raises MethodRefused: after_reward.no_change (nobody has two periods),
    .few_others (fewer than 10 person-periods without an event), .bad_reliability, samples.*. Checked against the
    analysis of covariance of statsmodels.
    """
    samples.require(history, "ratee_id", "period", score)
    samples.require(rewards, "staff_id", "type", "period")
    rows = _changes(history, score, rewards)
    if rows.empty:
        raise MethodRefused("after_reward.no_change", people=history["ratee_id"].nunique())
    both, rows = int(rows["kind"].eq("both").sum()), rows[rows["kind"] != "both"]
    others = int(rows["kind"].eq("none").sum())
    if others < FEWEST_OTHERS:
        raise MethodRefused("after_reward.few_others", others=others, least=FEWEST_OTHERS)
    slope, error = _stability(rows) if reliability is None else _given(reliability, confidence)
    half = samples.z_value(1 - confidence) * error
    kinds = [_kind(rows, kind, slope, error, confidence, target_power) for kind in ("reward", "penalty")]
    return AfterRewardResult(
        table=pd.DataFrame(kinds).reindex(columns=COLUMNS),
        stability=float(slope),
        stability_low=float(slope - half),
        stability_high=float(slope + half),
        given=reliability is not None,
        n=len(rows),
        others=others,
        both=both,
        confidence=confidence,
        cautions=("both",) if both else (),
    )


def _changes(history, score, rewards):
    """One row a person and period with a next score: distance before, change (both less the period's mean), kind."""
    wide = history.assign(_score=samples.numbers(history, score)).dropna(subset=["_score"])
    wide = wide.drop_duplicates(["ratee_id", "period"]).pivot(index="period", columns="ratee_id", values="_score")
    after = wide.sort_index().shift(-1)
    long = pd.DataFrame({"before": wide.sort_index().stack(), "after": after.stack()}).dropna().reset_index()
    for name in ("before", "after"):
        long[name] -= long.groupby("period")[name].transform("mean")
    return long.assign(change=long["after"] - long["before"], kind=_kinds(long, rewards))


def _kinds(rows, rewards):
    """reward, penalty, both or none of every person and period."""
    events = rewards.assign(kind=rewards["type"].map(KINDS)).dropna(subset=["kind"])
    known = events.groupby(["staff_id", "period"])["kind"].agg(
        lambda each: "both" if each.nunique() > 1 else each.iloc[0]
    )
    place = pd.MultiIndex.from_frame(rows[["ratee_id", "period"]])
    return known.reindex(place).fillna("none").to_numpy() if len(known) else np.full(len(rows), "none", dtype=object)


def _stability(rows):
    """Slope of the later score on the earlier one within kinds, and its error over people."""
    inside = rows[["before", "after"]] - rows.groupby("kind")[["before", "after"]].transform("mean")
    x, y = inside["before"].to_numpy(), inside["after"].to_numpy()
    if not (x**2).sum() > 0:
        raise MethodRefused("after_reward.no_change", people=rows["ratee_id"].nunique())
    slope = (x * y).sum() / (x**2).sum()
    code = pd.factorize(rows["ratee_id"])[0]
    people = code.max() + 1
    sums = np.bincount(code, x * (y - slope * x))
    few = people / max(people - rows["kind"].nunique() - 1, 1)
    return slope, np.sqrt(few * (sums**2).sum()) / (x**2).sum()


def _given(reliability, confidence):
    value, low, high = (reliability, reliability, reliability) if np.isscalar(reliability) else reliability
    if not 0 <= low <= value <= high <= 1:
        raise MethodRefused("after_reward.bad_reliability", got=str(reliability))
    return value, (high - low) / 2 / samples.z_value(1 - confidence)


def _kind(rows, kind, slope, error, confidence, target_power) -> dict:
    """One row of the table."""
    own = rows["kind"].eq(kind)
    row = {"kind": kind, "n": int(own.sum()), "people": rows.loc[own, "ratee_id"].nunique(), "verdict": "too_few"}
    if row["people"] < FEWEST:
        return row
    kept = rows[own | rows["kind"].eq("none")]
    side = own[kept.index].to_numpy().astype(int)
    code = pd.factorize(kept["ratee_id"])[0]
    excess = kept["change"] + (1 - slope) * kept["before"]
    found = clusters.contrast(excess.to_numpy(), cluster=code, group=side, coefficients=samples.CHANGE)
    distance = kept.loc[side == 1, "before"].mean() - kept.loc[side == 0, "before"].mean()
    whole = np.sqrt(found.variance + (distance * error) ** 2)
    reach = samples.t_value(1 - confidence, found.df)
    estimate, low, high = found.estimate, found.estimate - reach * whole, found.estimate + reach * whole
    verdict = "beyond_up" if low > 0 else "beyond_down" if high < 0 else "within_regression"
    row |= {"estimate": float(estimate), "low": float(low), "high": float(high), "verdict": verdict}
    row["p_value"] = float(samples.p_value(lambda alpha: _ends(found, whole, alpha), 0.0))
    row["findable"] = float((reach + samples.t_value(2 * (1 - target_power), found.df)) * whole)
    return row | _moved(rows[own], slope, error, confidence)


def _ends(found, whole, alpha):
    half = samples.t_value(alpha, found.df) * whole
    return found.estimate - half, found.estimate + half


def _moved(own, slope, error, confidence) -> dict:
    """Change seen and change expected, with limits."""
    seen = clusters.contrast(own["change"].to_numpy(), cluster=pd.factorize(own["ratee_id"])[0])
    half = samples.t_value(1 - confidence, seen.df) * np.sqrt(seen.variance)
    before = own["before"].mean()
    wide = abs(before) * error * samples.z_value(1 - confidence)
    row = {"before": before, "observed": seen.estimate, "observed_low": seen.estimate - half,
           "observed_high": seen.estimate + half, "expected": -(1 - slope) * before}  # fmt: skip
    row |= {"expected_low": row["expected"] - wide, "expected_high": row["expected"] + wide}
    return {name: float(value) for name, value in row.items()}
