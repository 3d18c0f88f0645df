"""Weak results and what was done about them: an indicator that misses its target, and the measure or decision on it.

Months in a row below target are one weak stretch, not many. It is answered when a measure on that indicator began or
was decided on, or a finding that names it was decided on, within one period after the end of its first weak period; a
measure already running there answers it as well. Stretches whose time is not over are left out of the link rate.
Stretches of one indicator are a cluster from 10 indicators on. Checked against counts by hand and ``proportions``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import lists
from sqlib.errors import MethodRefused
from sqlib.methods import counted, indicator_values, proportions, samples

STRETCHES = ["indicator_id", "name", "unit_id", "first_period", "last_period", "last_end", "periods", "worst", "target",
             "unit", "certain", "answer", "answered_on", "verdict"]  # fmt: skip
OVER = ("in_time", "already", "late", "unanswered")  # verdicts whose time is over
ANSWERED = ("in_time", "already")


@dataclass(frozen=True)
class UnansweredResultsResult:
    """``table``, one row a weak stretch, unanswered and recent first: indicator_id, name, unit_id (NA: whole firm),
    first_period and last_period (first days), last_end (last day), periods, worst (value farthest from the target),
    target, unit, certain (flag: the interval of a period lies beyond the target; NA without intervals), answer (id of
    the measure or finding), answered_on, verdict: in_time | already (a measure was running) | late | unanswered |
    not_due.

    ``share``: one row, successes, n, clusters, estimate, low, high: stretches answered in time or already, of those
    whose time is over. ``n`` values held against a target, ``weak`` of them below it, ``open`` stretches unanswered;
    ``cautions``: few_clusters, no_target (indicators without one), no_register (no measure and no finding at hand),
    future_dates (periods that end after ``as_of``: left out).
    """

    table: pd.DataFrame
    share: pd.DataFrame
    n: int
    weak: int
    open: int
    as_of: pd.Timestamp
    confidence: float
    cautions: tuple[str, ...]


def unanswered_results(
    values: pd.DataFrame, indicators: pd.DataFrame, measures: pd.DataFrame | None = None,
    findings: pd.DataFrame | None = None, *, as_of, since=None, confidence: float = 0.95,
) -> UnansweredResultsResult:  # fmt: skip
    """List weak results and what answered them.

    Parameters
    ----------
    values : indicator_id, unit_id, period_start, period_end, value, and low, high, target where known
    indicators : indicator_id, direction, target, and name, unit, target_type (range is left out)
    measures : measure_id, indicator_id, start_on, end_on, decided_on, units (of a measure on units, only those)
    findings : finding_id, source_ref (id or name of an indicator) or measure_id; decided_on, status, action, found_on
    as_of : day the records reach; since : first day of the first period looked at

    Raises MethodRefused: unanswered_results.nothing (no value with a target), .unknown (values of no known indicator).
    """
    today = pd.Timestamp(as_of).normalize()
    held, cautions = _held(values, indicators, today, since)
    if held.empty:
        raise MethodRefused("unanswered_results.nothing", rows=len(values))
    stretches = _stretches(held[held["weak"]], held)
    answers = _answers(measures, findings, indicators)
    table = pd.DataFrame([_answered(row, answers, today) for row in stretches.to_dict("records")], columns=STRETCHES)
    order = table["verdict"].map({name: place for place, name in enumerate(("unanswered", "late", "not_due"))})
    table = table.assign(_order=order.fillna(3)).sort_values(
        ["_order", "first_period", "indicator_id", "unit_id"], ascending=[True, False, True, True], ignore_index=True
    )[STRETCHES]
    table["unit_id"] = table["unit_id"].astype("object").mask(table["unit_id"].eq(""))
    share, few = _share(table, confidence)
    tests = {"few_clusters": few, **cautions, "no_register": measures is None and findings is None}
    return UnansweredResultsResult(
        table=table, share=share, n=len(held), weak=int(held["weak"].sum()),
        open=int(table["verdict"].eq("unanswered").sum()), as_of=today, confidence=confidence,
        cautions=tuple(code for code, holds in tests.items() if holds),
    )  # fmt: skip


def _held(values, indicators, today, since):
    """Values with a target of periods that are over: name, unit, target, sign, weak, certain."""
    frame = indicator_values.identified(values, indicators).reset_index(drop=True)
    known = indicators.drop_duplicates("indicator_id").set_index("indicator_id")
    if not frame["indicator_id"].isin(known.index).any():
        raise MethodRefused("unanswered_results.unknown", got=str(frame["indicator_id"].iloc[0]) if len(frame) else "")
    said = {name: frame["indicator_id"].map(counted.told(known, name)) for name in ("direction", "name", "unit")}
    kept = ~frame["indicator_id"].map(counted.told(known, "target_type")).eq("range")
    target = counted.numbers(frame, "target").fillna(frame["indicator_id"].map(counted.numbers(known, "target")))
    sign = said["direction"].map({"up": 1.0, "down": -1.0})
    frame = frame.assign(unit_id=counted.told(frame, "unit_id").fillna(""), target=target, sign=sign,
                         name=said["name"].fillna(frame["indicator_id"]), unit=said["unit"])  # fmt: skip
    over = frame["period_end"] <= today
    cautions = {"no_target": bool(target.isna().any()), "future_dates": bool((~over).any())}
    begun = True if since is None else frame["period_start"] >= pd.Timestamp(since)
    frame = frame[kept & over & begun].dropna(subset=["value", "target", "sign"])
    frame = frame.drop_duplicates(["indicator_id", "unit_id", "period_start", "period_end"])
    gap = (frame["value"] - frame["target"]) * frame["sign"]
    best = np.where(frame["sign"] > 0, counted.numbers(frame, "high"), -counted.numbers(frame, "low"))
    certain = pd.Series(best, index=frame.index) < frame["target"] * frame["sign"]
    blank = counted.numbers(frame, "low").isna()
    return frame.assign(gap=gap, weak=gap < 0, certain=certain.astype("boolean").mask(blank)), cautions


def _stretches(weak, held) -> pd.DataFrame:
    """Weak periods in a row, one stretch each."""
    by = ["indicator_id", "unit_id"]
    order = held.sort_values([*by, "period_start"])
    run = (order["weak"] != order.groupby(by)["weak"].shift()).groupby([order[name] for name in by]).cumsum()
    rows = weak.assign(run=run.reindex(weak.index)).sort_values([*by, "period_start"])
    if rows.empty:
        return pd.DataFrame(columns=[*STRETCHES, "until"])
    first = rows.groupby([*by, "run"], sort=False)
    worst = rows.loc[first["gap"].idxmin(), [*by, "run", "value", "target"]].rename(columns={"value": "worst"})
    found = first.agg(
        name=("name", "first"), unit=("unit", "first"), first_period=("period_start", "first"),
        first_end=("period_end", "first"), last_period=("period_start", "last"), last_end=("period_end", "last"),
        periods=("value", "size"),
        certain=("certain", lambda each: each.any() if each.notna().any() else pd.NA),
    ).reset_index()  # fmt: skip
    until = [_one_period_on(*days) for days in zip(found["first_period"], found["first_end"], strict=True)]
    return found.merge(worst, on=[*by, "run"]).assign(until=until)


def _one_period_on(first, last) -> pd.Timestamp:
    """Last day of the period after one; whole months are followed by as many months."""
    following = last.normalize() + pd.Timedelta(days=1)
    if first.day == following.day == 1:
        months = (following.year - first.year) * 12 + following.month - first.month
        return following + pd.DateOffset(months=months) - pd.Timedelta(days=1)
    return last.normalize() + (following - first.normalize())


def _answers(measures, findings, indicators) -> pd.DataFrame:
    """What can answer: indicator_id, units, answer, on (begun or decided), until (ended; NaT: not)."""
    parts = [pd.DataFrame(columns=["indicator_id", "units", "answer", "on", "until"])]
    aims = {}
    if measures is not None:
        rows = measures.reset_index(drop=True).assign(indicator_id=counted.told(measures, "indicator_id").to_numpy())
        rows = indicator_values.identified(rows.assign(indicator_id=rows["indicator_id"].astype("str")), indicators)
        aims = dict(zip(rows["measure_id"], rows["indicator_id"], strict=True))
        start, decided = counted.days(rows, "start_on"), counted.days(rows, "decided_on")
        units = counted.told(rows, "units").map(lists.parts)
        common = {"indicator_id": rows["indicator_id"], "units": units, "answer": rows["measure_id"]}
        parts.append(pd.DataFrame(common | {"on": start, "until": counted.days(rows, "end_on")}))
        parts.append(pd.DataFrame(common | {"on": decided, "until": decided}))
    if findings is not None:
        parts.append(_decisions(findings, aims, indicators))
    return pd.concat(parts, ignore_index=True).dropna(subset=["on"])


def _decisions(findings, aims, indicators) -> pd.DataFrame:
    """Findings that name an indicator, by itself or by their measure, and were decided on."""
    rows = findings.reset_index(drop=True)
    named = counted.told(rows, "source_ref").astype("str").to_frame("indicator_id")
    ids = indicator_values.identified(named, indicators)["indicator_id"]
    ids = ids.where(ids.isin(indicators["indicator_id"])).fillna(counted.told(rows, "measure_id").map(aims))
    acted = counted.told(rows, "action").notna() | counted.told(rows, "status").eq("rejected")
    on = counted.days(rows, "decided_on").fillna(counted.days(rows, "found_on").where(acted))
    units = counted.told(rows, "department").map(lists.parts)
    found = pd.DataFrame({"indicator_id": ids, "units": units, "answer": rows["finding_id"], "on": on, "until": on})
    return found.dropna(subset=["indicator_id"])


def _answered(row, answers, today) -> dict:
    """The stretch with the first thing that answered it."""
    own = answers[answers["indicator_id"].eq(row["indicator_id"])]
    there = own["units"].map(lambda units: not units or not row["unit_id"] or row["unit_id"] in units).astype(bool)
    own = own[there].sort_values("on", kind="stable")
    early = own[(own["on"] < row["first_period"]) & ~(own["until"] < row["first_period"])]
    later = own[own["on"].between(row["first_period"], today)]
    if len(early):
        found, verdict = early.iloc[-1], "already"
    elif len(later):
        found, verdict = later.iloc[0], "in_time" if later["on"].iloc[0] <= row["until"] else "late"
    else:
        found, verdict = {"answer": pd.NA, "on": pd.NaT}, "unanswered" if today > row["until"] else "not_due"
    return row | {"answer": found["answer"], "answered_on": found["on"], "verdict": verdict}


def _share(table, confidence):
    """Stretches answered of those whose time is over; one row, and whether indicators are too few to be clusters."""
    over = table[table["verdict"].isin(OVER)]
    data = pd.DataFrame({"answered": over["verdict"].isin(ANSWERED).astype(float), "indicator": over["indicator_id"]})
    few = 1 < data["indicator"].nunique() < samples.FEW_CLUSTERS
    alone = data["indicator"].nunique() < samples.FEW_CLUSTERS
    found = proportions.share(data, outcome="answered", cluster=None if alone else "indicator", confidence=confidence)
    return found.table[["successes", "n", "clusters", "estimate", "low", "high"]], few
