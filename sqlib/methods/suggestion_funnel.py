"""How far suggestions get, how long they wait, who makes them, and where and why they end.

Stages: submitted, accepted, done, verified. A suggestion that waits is no failure yet, so each step is told twice: how
many took it so far (Wilson's interval), and the time spent before it until it is left, for the next stage or turned
down, by Kaplan & Meier with those that still wait counted as waiting (``survival``). Suggestions turned down on an
unknown day tell nothing of time and are left out of it.
Checked against the remission times of Freireich et al. (1963) and counts by hand.
"""

import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import disclosure
from sqlib.errors import MethodRefused
from sqlib.methods import counted, survival

STAGES = {"submitted": "on", "accepted": "accepted_on", "done": "done_on", "verified": "verified_on"}
NAMES = list(STAGES)
STALE = 90  # days a suggestion may wait before it counts as stuck
KNOWN = 0.5  # of those who suggested the staff table must know so many to be the base of a share
STEPS = ["stage", "reached", "successes", "n", "estimate", "low", "high", "whole", "whole_low", "whole_high",
         "turned_down", "waiting", "stuck", "median_days", "median_days_low", "median_days_high"]  # fmt: skip
TEAMS = ["team", "people", "suggestions", "successes", "estimate", "low", "high", "verdict"]


@dataclass(frozen=True)
class SuggestionFunnelResult:
    """``table``, one row a stage: reached (how many came so far), successes of n (n reached the stage before),
    estimate, low, high (NaN for submitted), whole (of all submitted, with limits), and of those that stand at the
    stage: turned_down, waiting, stuck (waiting longer than ``stale`` days), median_days in the stage with limits (NaN
    where fewer than half have left it; of verified nothing is told).

    ``teams``: people (of the staff table, else those who ever suggested), suggestions, successes (people who made one),
    estimate with limits (share taking part; NaN where people are not known), verdict (told | hidden: too few people).
    ``reasons``: reason, count, estimate, of those turned down with a reason. ``kinds``: kind, family (its column),
    suggestions, people, accepted, done, verified (exact counts; people hidden below ``min_group``).

    ``lost_at``: the stage at which most are turned down or stuck ("" where none is), ``lost`` so many; ``n``
    suggestions, ``people`` behind them, ``participation`` (successes, n of the staff; n = 0: unknown); ``cautions``:
    undated_rejections, wrong_dates (a later stage before an earlier: no time is told), future_dates (after ``as_of``:
    not yet), one_person, unknown_people (some who suggested are not on the staff table), staff_unlinked (most are not:
    nothing is said of taking part).
    """

    table: pd.DataFrame
    teams: pd.DataFrame
    reasons: pd.DataFrame
    kinds: pd.DataFrame
    lost_at: str
    lost: int
    n: int
    people: int
    participation: tuple[int, int]
    stale: int
    confidence: float
    min_group: int
    cautions: tuple[str, ...]


def suggestion_funnel(
    suggestions: pd.DataFrame, *, as_of, staff: pd.DataFrame | None = None, stale: int = STALE, min_group: int = 5,
    confidence: float = 0.95,
) -> SuggestionFunnelResult:  # fmt: skip
    """Follow the suggestions up to the day ``as_of``.

    Parameters
    ----------
    suggestions : suggestion_id, on, and whatever of accepted_on, done_on, verified_on, rejected_on, rejected_reason,
        status, kind, staff_id, team; where a date lacks, the status says how far it came; shared cases (kind case) are
        no suggestions and stay out
    staff : staff_id, team, left_on: who could have made one; a suggestion's team is that of the staff table

    Raises MethodRefused: counted.no_column, .nothing, .repeated, .undated (no day submitted by ``as_of``).
    """
    rows = counted.each_once(suggestions, "suggestion_id")
    today = pd.Timestamp(as_of).normalize()
    rows = rows[counted.told(rows, "kind").ne("case") & ~(counted.days(rows, "on") > today)].reset_index(drop=True)
    if counted.days(rows, "on").isna().all():
        raise MethodRefused("suggestion_funnel.undated", rows=len(suggestions), got=f"{today:%Y-%m-%d}")
    way = _way(rows, today)
    table = _steps(way, today, stale, confidence)
    ends = table.assign(lost=table["turned_down"] + table["stuck"]).iloc[:-1]
    worst = ends.loc[ends["lost"].idxmax()]
    by = counted.told(rows, "staff_id")
    here, strangers = _linked(_present(staff, rows, today), by)
    return SuggestionFunnelResult(
        table=table, teams=_teams(rows, by, here, min_group, confidence), reasons=_reasons(rows, way),
        kinds=_kinds(rows, way, by, min_group), lost_at=worst["stage"] if worst["lost"] else "",
        lost=int(worst["lost"]), n=len(way), people=int(by.nunique()),
        participation=(int(here["staff_id"].isin(by).sum()), len(here)), stale=stale, confidence=confidence,
        min_group=min_group, cautions=(*_cautions(suggestions, way, by, today), *strangers),
    )  # fmt: skip


# --- the way of every suggestion -------------------------------------------------------------------------------


def _way(rows, today) -> pd.DataFrame:
    """One row a suggestion: the days of its stages (NaT: not yet, or unknown), at (last stage reached, 0..3), turned
    (flag), out (day turned down), wrong (days out of order: none of its times is told)."""
    way = pd.DataFrame({name: counted.days(rows, column) for name, column in STAGES.items()})
    way = way.mask(way > today)
    status = counted.told(rows, "status").map({name: place for place, name in enumerate(NAMES)}).fillna(0).astype(int)
    by_date = (way.notna() * np.arange(len(NAMES))).max(axis=1)
    out = counted.days(rows, "rejected_on")
    turned = (
        (out <= today) | counted.told(rows, "rejected_reason").notna() | counted.told(rows, "status").eq("rejected")
    )
    way = way.assign(at=np.maximum(status, by_date), turned=turned & ~(out > today), out=out.mask(out > today))
    way["turned"] &= way["at"] < len(NAMES) - 1
    known = way[[*NAMES, "out"]].apply(lambda row: row.dropna().is_monotonic_increasing, axis=1)
    return way.assign(wrong=~known)


def _steps(way, today, stale, confidence) -> pd.DataFrame:
    rows = []
    for place, stage in enumerate(NAMES):
        before, here = way[way["at"] >= max(place - 1, 0)], way[way["at"] >= place]
        stands = here["at"].eq(place)
        turned, since = here["turned"] & stands, (today - here[stage]).dt.days
        waiting = stands & ~turned & (place < len(NAMES) - 1)
        row = {"stage": stage, "reached": len(here), "successes": len(here), "n": len(before), "whole": len(way)}
        row |= {"turned_down": int(turned.sum()), "waiting": int(waiting.sum())}
        row["stuck"] = int((waiting & (since > stale)).sum())
        rows.append(row | dict(zip(STEPS[-3:], _time(here, place, today, confidence), strict=True)))
    table = counted.shares(pd.DataFrame(rows), confidence)
    table.loc[0, ["estimate", "low", "high"]] = np.nan
    overall = counted.shares(table[["reached", "whole"]].set_axis(["successes", "n"], axis=1), confidence)
    return table.assign(whole=overall["estimate"], whole_low=overall["low"], whole_high=overall["high"])[STEPS]


def _time(here, place, today, confidence):
    """Median days in a stage until it is left, with limits."""
    if place == len(NAMES) - 1:
        return np.nan, np.nan, np.nan
    stage, following = NAMES[place], here[NAMES[place + 1]]
    left = following.fillna(here["out"].where(here["turned"]))
    gone = (here["at"] > place) | here["turned"]
    usable = here[stage].notna() & ~here["wrong"] & ~(gone & left.isna())
    if not usable.any():
        return np.nan, np.nan, np.nan
    days = (left.fillna(today) - here[stage]).dt.days[usable]
    return survival.median(days, left.notna()[usable], confidence=confidence)


# --- who, of what kind and why not -----------------------------------------------------------------------------


def _present(staff, rows, today) -> pd.DataFrame:
    """Staff who could have made one: staff_id and team, each once, gone before the first suggestion left out."""
    if staff is None:
        return pd.DataFrame(columns=["staff_id", "team"])
    gone, came = counted.days(staff, "left_on"), counted.days(staff, "hired_on")
    there = ~(gone < counted.days(rows, "on").min()) & ~(came > today)
    people = staff[there].dropna(subset=["staff_id"]).drop_duplicates("staff_id", keep="last")
    return pd.DataFrame({"staff_id": people["staff_id"], "team": counted.told(people, "team")})


def _linked(here, by):
    """The staff, nobody where it does not know most of those who suggested; with the caution that says so."""
    known = by.dropna().drop_duplicates().isin(here["staff_id"])
    if here.empty or known.all():
        return here, ()
    return (here, ("unknown_people",)) if known.mean() >= KNOWN else (here[:0], ("staff_unlinked",))


def _teams(rows, by, here, min_group, confidence) -> pd.DataFrame:
    known = here.set_index("staff_id")["team"]
    team = by.map(known).astype("object").fillna(counted.told(rows, "team"))
    made = pd.DataFrame({"team": team, "by": by}).dropna(subset=["team"])
    table = made.groupby("team").agg(suggestions=("by", "size"), people=("by", "nunique"))
    table["successes"] = table["people"]
    if len(here):
        table = table.reindex(table.index.union(known.dropna().unique())).fillna(0)
        table["people"] = np.maximum(known.value_counts().reindex(table.index).fillna(0), table["successes"])
    table = counted.shares(table.assign(n=table["people"]), confidence).rename_axis("team").reset_index()
    numbers = ["suggestions", "successes", "estimate", "low", "high"]
    if not len(here):
        table[["estimate", "low", "high"]] = np.nan
    shown = disclosure.suppress(table[TEAMS[:-1]], n="people", min_group=min_group, numbers=numbers)
    shown = shown.sort_values(["hidden", "estimate", "team"], ascending=[True, False, True], ignore_index=True)
    return shown.assign(verdict=np.where(shown["hidden"], "hidden", "told"))[TEAMS]


def _reasons(rows, way) -> pd.DataFrame:
    """Why suggestions were turned down, the commonest first; written alike but for case, width and spaces is alike."""
    said = counted.told(rows, "rejected_reason")[way["turned"]].dropna().astype("str")
    key = said.map(lambda text: "".join(unicodedata.normalize("NFKC", text).casefold().split()))
    found = said.groupby(key).agg(["first", "size"]).set_axis(["reason", "count"], axis=1)
    found = found.sort_values(["count", "reason"], ascending=[False, True], ignore_index=True)
    return found.assign(estimate=found["count"] / max(len(said), 1))


def _kinds(rows, way, by, min_group) -> pd.DataFrame:
    kind = counted.told(rows, "kind").fillna("")
    reached = {name: way["at"] >= place for place, name in enumerate(NAMES) if place}
    data = pd.DataFrame({"kind": kind, "by": by, **reached})
    table = data.groupby("kind").agg(
        suggestions=("kind", "size"), people=("by", "nunique"), **{name: (name, "sum") for name in reached}
    )
    table = table.astype(float)
    table["people"] = table["people"].mask(table["people"] < min_group)
    return table.sort_values("suggestions", ascending=False).reset_index().assign(family="kind")


def _cautions(every, way, by, today):
    later = [counted.days(every, column) > today for column in (*STAGES.values(), "rejected_on")]
    tests = {
        "undated_rejections": (way["turned"] & way["out"].isna()).any(),
        "wrong_dates": way["wrong"].any(),
        "future_dates": np.any([column.any() for column in later]),
        "one_person": by.nunique() == 1,
    }
    return tuple(code for code, holds in tests.items() if holds)
