"""Shared cases: how many were taken over elsewhere, how often they are read, which team's travel.

Whether what worked in one place works in another is for the effect engine; this counts the sharing. Counts are exact,
intervals Wilson's. Checked against counts by hand.
"""

from dataclasses import dataclass

import pandas as pd

from sqlib import lists
from sqlib.errors import MethodRefused
from sqlib.methods import counted

CASES = ["suggestion_id", "title", "team", "on", "views", "reuses", "reused_by", "measures"]


@dataclass(frozen=True)
class CaseReuseResult:
    """``table``, one row a case, the most used first: suggestion_id, title, team, on, views, reuses (teams or sites
    that took it over, its own not counted), reused_by (their names), measures (copied from the measure it came of; NaN
    without a register).

    ``share``: one row, successes (cases taken over) of n, estimate, low, high; n = 0 where nobody records it.
    ``median_views`` of the cases whose views are counted, ``viewed`` so many; ``n`` cases; ``cautions``: no_views,
    no_reuse_record.
    """

    table: pd.DataFrame
    share: pd.DataFrame
    median_views: float
    viewed: int
    n: int
    confidence: float
    cautions: tuple[str, ...]


def case_reuse(
    suggestions: pd.DataFrame, measures: pd.DataFrame | None = None, *, as_of=None, confidence: float = 0.95
) -> CaseReuseResult:
    """Count how far cases travel.

    suggestions : suggestion_id, kind (rows of "case" count), title, team, on, views, reused_by, measure_id
    measures : measure_id, replicated_from; as_of : cases shared later are left out

    Raises MethodRefused: counted.no_column, .nothing, .repeated, .no_cases (no shared case among them).
    """
    rows = counted.each_once(suggestions, "suggestion_id")
    late = counted.days(rows, "on") > pd.Timestamp(as_of) if as_of is not None else False
    rows = rows[counted.told(rows, "kind").eq("case") & ~pd.Series(late, index=rows.index)].reset_index(drop=True)
    if rows.empty:
        raise MethodRefused("case_reuse.no_cases", rows=len(suggestions))
    team, taken = counted.told(rows, "team"), counted.told(rows, "reused_by").map(lists.parts)
    elsewhere = [[name for name in names if name != own] for names, own in zip(taken, team, strict=True)]
    table = pd.DataFrame({"suggestion_id": rows["suggestion_id"], "title": counted.told(rows, "title"), "team": team,
                          "on": counted.days(rows, "on"), "views": counted.numbers(rows, "views"),
                          "reuses": [len(set(names)) for names in elsewhere],
                          "reused_by": ["; ".join(dict.fromkeys(names)) for names in elsewhere],
                          "measures": _copies(rows, measures)})  # fmt: skip
    used = table["reuses"].gt(0) | table["measures"].gt(0)
    silent = not used.any() and taken.map(len).eq(0).all()
    tests = {"no_views": table["views"].isna().all(), "no_reuse_record": silent}
    counts = pd.DataFrame({"successes": [int(used.sum())], "n": [0 if silent else len(table)]})
    return CaseReuseResult(
        table=table.sort_values(["reuses", "views"], ascending=False, ignore_index=True, kind="stable")[CASES],
        share=counted.shares(counts, confidence), median_views=float(table["views"].median()),
        viewed=int(table["views"].notna().sum()), n=len(table), confidence=confidence,
        cautions=tuple(code for code, holds in tests.items() if holds),
    )  # fmt: skip


def _copies(rows, measures):
    """How many measures were copied from the one a case came of."""
    if measures is None:
        return float("nan")
    copies = counted.told(measures, "replicated_from").value_counts()
    return counted.told(rows, "measure_id").map(copies).fillna(0).astype(float)
