"""Is the register of measures fit to be judged by? Which measures state the seven things a verdict needs.

A measure is complete when it states a cause, an indicator that is known, a baseline, a goal, who answers for it, by
when and at what cost. Beside it: does it answer a finding on record, does its goal lie on the good side of its
baseline, and is the goal large enough to be seen in the client's own data. Counts are exact; Wilson's (1927) intervals
say what the next register may look like under the same habits. Checked against counts by hand and ``proportions``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.methods import counted, indicator_values

PARTS = {"cause": "cause", "indicator": "indicator_id", "baseline": "baseline", "goal": "goal",
         "responsible": "owner", "due": "due_on", "cost": "cost"}  # fmt: skip
ONE_OWNER = 3  # measures of one person, when all have the same owner
SHARES = ["part", "successes", "n", "estimate", "low", "high"]
MEASURES = ["measure_id", "name", *PARTS, "stated", "finding", "goal_check"]


@dataclass(frozen=True)
class RegisterCompletenessResult:
    """``table``, one row a part (the seven of ``PARTS``, complete: all seven, linked: names a finding on record, sound
    goal: of the goals that can be checked): successes, n, estimate, low, high.

    ``measures``, one row a measure, the least complete first: measure_id, name, a column for each part (stated |
    missing | unknown: an indicator nobody defined), ``stated`` of seven, ``finding`` (stated | missing | unknown),
    ``goal_check`` (sound | contrary: no better than the baseline | too_small: below what the data can show |
    not_checked).

    ``complete`` of ``n`` measures; ``cautions``: no_indicators (nothing to check the indicator against), one_owner.
    """

    table: pd.DataFrame
    measures: pd.DataFrame
    complete: int
    n: int
    confidence: float
    cautions: tuple[str, ...]


def register_completeness(
    measures: pd.DataFrame, indicators: pd.DataFrame | None = None, *, findings: pd.DataFrame | None = None,
    detectable: pd.DataFrame | None = None, confidence: float = 0.95,
) -> RegisterCompletenessResult:  # fmt: skip
    """Go through the register.

    Parameters
    ----------
    measures : measure_id, name and whatever of cause, indicator_id, baseline, goal, owner, due_on, cost, finding_id
    indicators : indicator_id, direction, and name, name_en, definition_id by which a measure may name it as well
    findings : finding_id, measure_id; None: nothing is said of links
    detectable : measure_id, mde: the least change the client's own data would show, in the indicator's unit

    Raises MethodRefused: counted.no_column, .nothing, .repeated (a measure twice).
    """
    rows = counted.each_once(measures, "measure_id")
    ids, direction = _known(rows, indicators)
    listed = pd.DataFrame({"measure_id": rows["measure_id"], "name": counted.told(rows, "name")})
    for part, column in PARTS.items():
        listed[part] = np.where(counted.told(rows, column).notna(), "stated", "missing")
    if indicators is not None:
        unknown = listed["indicator"].eq("stated") & ~ids.isin(indicators["indicator_id"])
        listed["indicator"] = listed["indicator"].mask(unknown, "unknown")
    listed["stated"] = listed[list(PARTS)].eq("stated").sum(axis=1)
    listed["finding"] = _linked(rows, findings)
    listed["goal_check"] = _goal_check(rows, direction, detectable)
    complete = int(listed["stated"].eq(len(PARTS)).sum())
    listed = listed.sort_values(["stated", "measure_id"], ignore_index=True, kind="stable")[MEASURES]
    return RegisterCompletenessResult(
        table=_shares(listed, complete, findings, confidence), measures=listed, complete=complete, n=len(listed),
        confidence=confidence, cautions=_cautions(rows, indicators),
    )  # fmt: skip


def _known(rows, indicators):
    """The id of every measure's indicator, and its good direction (1, -1, NaN)."""
    named = counted.told(rows, "indicator_id").astype("str").to_frame("indicator_id")
    if indicators is None:
        return named["indicator_id"], pd.Series(np.nan, index=rows.index)
    ids = indicator_values.identified(named, indicators)["indicator_id"]
    good = indicators.drop_duplicates("indicator_id").set_index("indicator_id")["direction"]
    return ids, ids.map(good.map({"up": 1.0, "down": -1.0}))


def _linked(rows, findings):
    """Does a measure name a finding, or a finding name the measure?"""
    named = counted.told(rows, "finding_id")
    if findings is None:
        return np.where(named.notna(), "stated", "missing")
    known = named.isin(findings["finding_id"]) | rows["measure_id"].isin(counted.told(findings, "measure_id").dropna())
    return np.select([known, named.isna()], ["stated", "missing"], "unknown")


def _goal_check(rows, direction, detectable):
    """Goal against baseline, and against the least change the data would show."""
    gain = (counted.numbers(rows, "goal") - counted.numbers(rows, "baseline")) * direction
    least = pd.Series(np.nan, index=rows.index)
    if detectable is not None:
        least = rows["measure_id"].map(detectable.drop_duplicates("measure_id").set_index("measure_id")["mde"])
    checks = [gain.isna(), gain <= 0, gain < least]
    return np.select(checks, ["not_checked", "contrary", "too_small"], "sound")


def _shares(listed, complete, findings, confidence):
    n = len(listed)
    counts = [(part, int(listed[part].eq("stated").sum()), n) for part in PARTS] + [("complete", complete, n)]
    if findings is not None:
        counts.append(("linked", int(listed["finding"].eq("stated").sum()), n))
    checked = listed["goal_check"].ne("not_checked")
    if checked.any():
        counts.append(("sound_goal", int(listed["goal_check"].eq("sound").sum()), int(checked.sum())))
    return counted.shares(pd.DataFrame(counts, columns=SHARES[:3]), confidence)


def _cautions(rows, indicators):
    owners = counted.told(rows, "owner").dropna()
    tests = {
        "no_indicators": indicators is None,
        "one_owner": len(owners) >= ONE_OWNER and owners.nunique() == 1,
    }
    return tuple(code for code, holds in tests.items() if holds)
