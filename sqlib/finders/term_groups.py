"""Groups among the comments the code book does not catch."""

from sqlib.findings import Finding
from sqlib.methods.term_groups import TermGroupsResult
from sqlib.words import Estimate, Quantity


def _term_groups(result: TermGroupsResult) -> Finding:
    stable = result.table[result.table["verdict"] == "stable"]
    values = {"uncaught": Quantity(result.uncaught), "comments": Quantity(result.comments)}
    values |= {"groups": Quantity(len(stable))}
    if stable.empty:
        return Finding(
            "term_groups", "none_stable", "none", n=result.comments, evidence=("term_groups",), values=values
        )
    row = stable.iloc[0]
    share = Estimate(*row[["estimate", "low", "high"]], "percent", result.comments, result.confidence)
    return Finding(
        "term_groups", "suggested", "none", estimate=share.value, low=share.low, high=share.high,
        confidence=share.confidence, unit="percent", n=result.comments, evidence=("term_groups",),
        values=values | {"top": row["top_terms"], "share": share},
    )  # fmt: skip


def sample(result: TermGroupsResult) -> int:
    """Comments grouped."""
    return result.comments


def limits(result: TermGroupsResult) -> dict[str, dict]:
    """A group is a suggestion."""
    return {"term_groups": {}}


FINDERS = {"term_groups": _term_groups}
