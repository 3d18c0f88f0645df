"""Registers, suggestions and answers of a made client, one that gives every verdict of every finding."""

import functools

import pandas as pd

from sqlib.methods.case_reuse import case_reuse
from sqlib.methods.implementation import implementation
from sqlib.methods.measure_views import measure_views
from sqlib.methods.register_completeness import register_completeness
from sqlib.methods.suggestion_funnel import suggestion_funnel
from sqlib.methods.unanswered_results import unanswered_results

AS_OF = pd.Timestamp("2026-06-30")
INDICATORS = pd.DataFrame({"indicator_id": ["fix"], "name": ["First fix"], "direction": ["up"], "target": [80.0]})


def measures(**change):
    """Three measures, all they should state stated; ``change``: columns of the last."""
    whole = {"name": "Kit", "cause": "parts", "indicator_id": "fix", "baseline": 70.0, "goal": 80.0, "owner": "p1",
             "due_on": AS_OF, "cost": 10.0, "fidelity": 0.9, "participants": 9.0, "planned_participants": 10.0,
             "status": "running", "start_on": pd.Timestamp("2026-01-01"), "end_on": pd.NaT}  # fmt: skip
    rows = [whole | {"measure_id": f"m{place}", "owner": f"p{place}"} for place in range(3)]
    return pd.DataFrame([*rows[:2], rows[2] | change])


def suggestions(kind="idea", **change):
    """Twelve suggestions of twelve people in two teams, all accepted and carried out; ``change``: columns of half."""
    row = {"kind": kind, "on": AS_OF - pd.Timedelta(days=150), "accepted_on": AS_OF - pd.Timedelta(days=140),
           "done_on": AS_OF - pd.Timedelta(days=20), "verified_on": pd.NaT, "rejected_reason": None}  # fmt: skip
    rows = [row | {"suggestion_id": f"s{place}", "title": f"Idea {place}", "staff_id": f"p{place}",
                   "team": "North" if place % 2 else "South"} for place in range(12)]  # fmt: skip
    return pd.DataFrame([each | change if place < 6 else each for place, each in enumerate(rows)])


def staff():
    return pd.DataFrame({"staff_id": [f"p{place}" for place in range(16)], "team": ["South", "North"] * 8})


def values(*numbers):
    months = pd.period_range("2026-01", periods=len(numbers), freq="M")
    return pd.DataFrame({"indicator_id": "fix", "unit_id": None, "period_start": months.start_time,
                         "period_end": months.end_time.normalize(), "value": numbers})  # fmt: skip


def pulse(*scores):
    return pd.DataFrame({"about": "measure", "ref": [f"m{place % 2}" for place in range(len(scores))],
                         "useful": scores, "understood": True, "comment": "More calls"})  # fmt: skip


def unanswered(*numbers, begun="2026-09-01"):
    return unanswered_results(values(*numbers), INDICATORS, measures().assign(start_on=pd.Timestamp(begun)),
                              as_of=AS_OF)  # fmt: skip


def done(**change):
    return implementation(measures(**change), as_of=AS_OF, done_words=("done",))


def cases(**more):
    return case_reuse(suggestions("case").assign(**more))


VERDICTS = {
    "register": {
        "complete": lambda: register_completeness(measures(), INDICATORS),
        "incomplete": lambda: register_completeness(measures(cause=None, indicator_id="joy"), INDICATORS),
    },
    "implementation": {
        "carried_out": done,
        "partly_carried_out": lambda: done(fidelity=0.7),
        "not_carried_out": lambda: done(fidelity=0.3),
        "not_recorded": lambda: implementation(
            measures()[["measure_id", "name", "start_on"]], as_of=AS_OF, done_words=()
        ),
    },
    "suggestions": {
        "ideas_lost": lambda: suggestion_funnel(
            suggestions(accepted_on=pd.NaT, done_on=pd.NaT, rejected_reason="Too dear"), as_of=AS_OF, staff=staff()
        ),
        "ideas_moving": lambda: suggestion_funnel(suggestions(), as_of=AS_OF),
    },
    "unanswered": {
        "unanswered": lambda: unanswered(85, 70, 75, 85),
        "answered": lambda: unanswered(85, 70, 75, 85, begun="2026-03-05"),
        "not_due": lambda: unanswered(85, 85, 85, 85, 85, 70),
        "none_weak": lambda: unanswered(85, 85),
    },
    "measure_views": {
        "found_useful": lambda: measure_views(pulse(*[5.0, 4.0] * 3, *[4.0, 5.0] * 3), measures()),
        "found_useless": lambda: measure_views(pulse(*[1.0, 2.0] * 3, *[2.0, 1.0] * 3), measures()),
        "cannot_tell": lambda: measure_views(pulse(*[1.0, 5.0, 5.0, 1.0] * 3), measures()),
    },
    "case_reuse": {
        "reused": lambda: cases(reused_by="West; East", views=12.0),
        "none_reused": lambda: cases(reused_by=["South", "North"] * 6),
        "not_recorded": cases,
    },
}  # fmt: skip
EVERY = [(key, verdict) for key, verdicts in VERDICTS.items() for verdict in verdicts]


@functools.cache
def made(key: str, verdict: str):
    """A result from which the finding ``key`` takes ``verdict``; computed once."""
    return VERDICTS[key][verdict]()
