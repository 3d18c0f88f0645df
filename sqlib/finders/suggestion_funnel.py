"""Suggestions: how far they get, and where they end."""

import math

from sqlib.findings import Finding, recorded
from sqlib.methods.suggestion_funnel import SuggestionFunnelResult
from sqlib.words import Estimate, Listing, Quantity, Term


def _suggestions(result: SuggestionFunnelResult) -> Finding:
    rows = result.table.set_index("stage")
    done = rows.loc["done"]
    share = Estimate(done["whole"], done["whole_low"], done["whole_high"], "percent", result.n, result.confidence)
    values = {
        "n": Quantity(result.n),
        "people": Quantity(result.people),
        "share": share,
        "stale": Quantity(result.stale),
    }
    values |= {stage: Quantity(rows.loc[stage, "reached"]) for stage in ("accepted", "done", "verified")}
    values |= {"wait": _wait(rows.loc["submitted"], result), "reasons": _reasons(result), "taking": _taking(result)}
    evidence = ("suggestions", "suggestion_teams", "suggestion_reasons")
    if not result.lost:
        return Finding("suggestions", "ideas_moving", "exact", **recorded(share), cautions=result.cautions,
                       evidence=evidence, values=values)  # fmt: skip
    worst = rows.loc[result.lost_at]
    values |= {"stage": Term("idea_stage", result.lost_at), "lost": Quantity(result.lost),
               "turned": Quantity(worst["turned_down"]), "stuck": Quantity(worst["stuck"])}  # fmt: skip
    return Finding(
        "suggestions", "ideas_lost", "exact", **recorded(share), cautions=result.cautions, evidence=evidence,
        values=values,
    )  # fmt: skip


def _wait(row, result):
    """Median days until a decision; words where fewer than half were decided on."""
    if not math.isfinite(row["median_days"]):
        return Term("term", "under_half")
    days = (row["median_days"], row["median_days_low"], row["median_days_high"])
    return Estimate(*days, "days", None, result.confidence)


def _reasons(result):
    return Listing(tuple(result.reasons["reason"].head(2))) if len(result.reasons) else Term("term", "no_record")


def _taking(result):
    """Share of the staff who made one, counted; words where the staff is not known."""
    made, staff = result.participation
    return Quantity(made / staff, "percent") if staff >= max(result.min_group, 1) else Term("term", "no_record")


def sample(result: SuggestionFunnelResult) -> int:
    """Suggestions."""
    return result.n


def limits(result: SuggestionFunnelResult) -> dict[str, dict]:
    """That a suggestion carried out need not have helped; times and people nobody recorded."""
    codes = {"undated_rejections": "undated_rejections", "staff_unlinked": "staff_unlinked"}
    return {"ideas_quality": {}} | {code: {} for caution, code in codes.items() if caution in result.cautions}


FINDERS = {"suggestions": _suggestions}
