"""Weak results without a response."""

from sqlib.findings import Finding, estimated, recorded
from sqlib.methods.unanswered_results import OVER, UnansweredResultsResult
from sqlib.words import Listing, Quantity


def _unanswered(result: UnansweredResultsResult) -> Finding:
    table = result.table
    values = {"checked": Quantity(result.n), "weak": Quantity(result.weak), "stretches": Quantity(len(table))}
    values |= {code: Quantity(int(table["verdict"].eq(code).sum())) for code in (*OVER, "not_due")}
    if table.empty:
        return Finding("unanswered", "none_weak", "exact", n=result.n, cautions=result.cautions,
                       evidence=("unanswered",), values=values)  # fmt: skip
    lost = table[table["verdict"].eq("unanswered")]
    values["listed"] = Listing(tuple(lost.groupby("name")["periods"].sum().nlargest(3).index))
    share = estimated(result.share.iloc[0], "percent", result.confidence)
    values["share"] = share
    verdict = "unanswered" if result.open else "not_due" if not share.n else "answered"
    return Finding(
        "unanswered", verdict, "exact", **recorded(share), cautions=result.cautions, evidence=("unanswered",),
        values=values,
    )  # fmt: skip


def sample(result: UnansweredResultsResult) -> int:
    """Values held against a target."""
    return result.n


def limits(result: UnansweredResultsResult) -> dict[str, dict]:
    """That an answer need not have helped; indicators without a target; a response nobody wrote down."""
    codes = {"no_target": "indicator_targets", "no_register": "no_register", "few_clusters": "few_indicators"}
    return {"answer_quality": {}, "weak_by_chance": {}} | {
        code: {} for caution, code in codes.items() if caution in result.cautions
    }


FINDERS = {"unanswered": _unanswered}
