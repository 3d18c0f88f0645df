"""Whether the client's own figures and the records they are made of say the same."""

from sqlib.findings import Finding
from sqlib.methods.reconciliation import ReconciliationResult
from sqlib.words import Listing, Quantity

MOST_NAMED = 4


def _indicators(result: ReconciliationResult) -> Finding:
    table = result.table
    differ, agree = int(table["differ"].sum()), int(table["agree"].sum())
    apart = table[table["differ"] > 0]
    values = {"n": Quantity(len(table)), "both": Quantity(result.both), "differ": Quantity(differ),
              "agree": Quantity(agree), "recomputed": Quantity(int(table["used"].eq("recomputed").sum())),
              "listed": Listing(tuple(apart["indicator_id"].astype("str").head(MOST_NAMED)))}  # fmt: skip
    verdict = "differs" if differ else "agree" if agree else "not_recomputable"
    return Finding("indicators", verdict, "exact", estimate=differ, n=len(table), cautions=result.cautions,
                   evidence=("indicators",), values=values)  # fmt: skip


def sample(result: ReconciliationResult) -> int:
    """Indicators."""
    return len(result.table)


def limits(result: ReconciliationResult) -> dict[str, dict]:
    """That figures nobody can recompute are taken as they stand, and those no counting gives left out."""
    unchecked = int((result.table["agree"] + result.table["differ"] == 0).sum())
    found = {"figures_as_stated": {"count": unchecked}} if unchecked else {}
    return found | ({"impossible_values": {"count": result.impossible}} if result.impossible else {})


FINDERS = {"indicators": _indicators}
