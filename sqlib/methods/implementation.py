"""Were the measures carried out as planned: milestones, fidelity, reach and delay, as the register states them.

A measure that was not carried out as planned cannot be said not to work. From 80 % of what was planned on it counts as
carried out: few studies do better, and from about 60 % on results show (Durlak & DuPre 2008, Am J Community Psychol
41:327); below 60 % it does not. Counts are exact, intervals Wilson's. Checked against counts by hand.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import lists
from sqlib.errors import MethodRefused
from sqlib.methods import counted

ENOUGH, LEAST = 0.8, 0.6  # of what was planned: carried out, and not carried out below
LATE_DAYS = 30  # a delay that counts
MEASURES = ["measure_id", "name", "status", "start_on", "milestones", "milestones_due", "milestones_done", "fidelity",
            "participants", "planned", "reach", "delay_days", "finished", "verdict"]  # fmt: skip


@dataclass(frozen=True)
class ImplementationResult:
    """``table``, one row each of as_planned (of the measures begun of which anything is on record), milestones (done of
    those due), participants (taking part of those planned, at most all), in_time (in place by the day due, of those
    whose day is over or that are in place): successes, n, estimate, low, high.

    ``measures``, one row a measure: measure_id, name, status, start_on, milestones, milestones_due, milestones_done (of
    those due), fidelity, participants, planned, reach (shares of 1), delay_days (beyond the day due, so far where not
    finished; negative: early), finished (flag), verdict: as_planned | partly | not_as_planned | not_started | stopped |
    no_record.

    ``n`` measures, ``begun`` of them and not stopped; ``cautions``: wrong_dates (in place or ended before it began:
    taken as without that day), future_dates (said to be done, on a day after ``as_of``: not yet).
    """

    table: pd.DataFrame
    measures: pd.DataFrame
    n: int
    begun: int
    as_of: pd.Timestamp
    confidence: float
    cautions: tuple[str, ...]


def implementation(
    measures: pd.DataFrame, *, as_of, done_words: tuple[str, ...], confidence: float = 0.95
) -> ImplementationResult:
    """Hold what was done against what was planned, on the day ``as_of``.

    measures : measure_id and whatever of name, status, start_on, full_on, end_on, due_on, milestones, fidelity (0..1),
    participants, planned_participants; done_words : what stands behind a milestone that is done, in small letters.

    Raises MethodRefused: counted.no_column, .nothing, .repeated, .fidelity (outside 0..1).
    """
    rows = counted.each_once(measures, "measure_id")
    today = pd.Timestamp(as_of).normalize()
    known, cautions = _days(rows, today)
    listed = _listed(rows, known, today, done_words)
    return ImplementationResult(
        table=_shares(listed, confidence),
        measures=listed[MEASURES],
        n=len(listed),
        begun=int((~listed["verdict"].isin(("not_started", "stopped"))).sum()),
        as_of=today,
        confidence=confidence,
        cautions=cautions,
    )


def _days(rows, today):
    """start, full, end, due of every measure as far as they can be true on that day."""
    known = pd.DataFrame({name: counted.days(rows, f"{name}_on") for name in ("start", "full", "end", "due")})
    wrong = known[["full", "end"]].lt(known["start"], axis=0)
    later = known[["full", "end"]].gt(today)
    future = later.any(axis=1) & counted.told(rows, "status").eq("done")
    known[["full", "end"]] = known[["full", "end"]].mask(wrong | later)
    tests = {"wrong_dates": wrong.any(axis=None), "future_dates": future.any()}
    return known, tuple(code for code, holds in tests.items() if holds)


def _listed(rows, known, today, done_words) -> pd.DataFrame:
    steps = counted.told(rows, "milestones").map(lambda cell: lists.milestones(cell, done_words))
    due = steps.map(lambda each: [done for day, _, done in each if done or not day > today])
    taking, planned = counted.numbers(rows, "participants"), counted.numbers(rows, "planned_participants")
    status = counted.told(rows, "status").astype("str")
    finish = known["full"].fillna(known["end"].where(status.eq("done")))
    listed = pd.DataFrame({
        "measure_id": rows["measure_id"], "name": counted.told(rows, "name"), "status": counted.told(rows, "status"),
        "start_on": known["start"], "milestones": steps.map(len), "milestones_due": due.map(len),
        "milestones_done": due.map(sum), "fidelity": _fidelity(rows), "participants": taking, "planned": planned,
        "reach": taking / planned.where(planned > 0), "finished": finish.notna() | status.eq("done"),
    })  # fmt: skip
    reached = finish.fillna(pd.Series(today, index=rows.index).where(~status.eq("done")))
    delay = (reached - known["due"]).dt.days.astype(float)
    listed["delay_days"] = delay.where(finish.notna() | (delay > 0))
    listed["verdict"] = _verdicts(listed, known, status, today)
    return listed


def _fidelity(rows):
    share = counted.numbers(rows, "fidelity")
    wrong = share[(share < 0) | (share > 1)]
    if len(wrong):
        where = rows.loc[wrong.index[0], "measure_id"]
        raise MethodRefused("implementation.fidelity", where=where, got=f"{wrong.iloc[0]:g}", rows=len(wrong))
    return share


def _verdicts(listed, known, status, today):
    overdue = listed["milestones_due"] - listed["milestones_done"]
    least = listed[["fidelity", "reach"]].min(axis=1)
    silent = least.isna() & listed["milestones_due"].eq(0) & listed["delay_days"].isna()
    begun = known["start"].le(today) | (known["start"].isna() & ~status.eq("planned"))
    checks = {
        "not_started": ~begun,
        "stopped": status.eq("stopped"),
        "no_record": silent,
        "not_as_planned": least < LEAST,
        "partly": (least < ENOUGH) | (overdue > 0) | (listed["delay_days"] > LATE_DAYS),
    }
    return np.select(list(checks.values()), list(checks), "as_planned")


def _shares(listed, confidence):
    on = listed[~listed["verdict"].isin(("not_started", "stopped"))]
    judged = on[on["verdict"] != "no_record"]
    counted_people = on.dropna(subset=["participants", "planned"])
    dated = on.dropna(subset=["delay_days"])
    counts = {
        "as_planned": (judged["verdict"].eq("as_planned").sum(), len(judged)),
        "milestones": (on["milestones_done"].sum(), on["milestones_due"].sum()),
        "participants": (np.minimum(counted_people["participants"], counted_people["planned"]).sum(),
                         counted_people["planned"].sum()),
        "in_time": (dated["delay_days"].le(0).sum(), len(dated)),
    }  # fmt: skip
    rows = [(name, int(done), int(of)) for name, (done, of) in counts.items() if of > 0]
    return counted.shares(pd.DataFrame(rows, columns=["part", "successes", "n"]), confidence)
