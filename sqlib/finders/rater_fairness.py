"""Fairness: which rater scores which group unlike the other raters, and what that changes."""

import math

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.rater_fairness import FairnessResult
from sqlib.words import Field, Listing, Member, Quantity


def _fairness(result: FairnessResult) -> Finding:
    table, tests = result.table, result.tests
    values = {
        "dimensions": Listing(tuple(Field(name) for name in tests["dimension"])),
        "comparisons": Quantity(result.comparisons),
        "hidden": Quantity(result.hidden),
        "n": Quantity(result.n),
        "people": Quantity(result.people),
        "raters": Quantity(result.raters),
        "least": Quantity(result.min_group),
    }
    for verdict in ("rates_lower", "rates_higher"):
        found = table[table["verdict"] == verdict].sort_values("p_adjusted", kind="stable")
        if len(found):
            return _cell(verdict, found, result, values)
    verdict = (
        "differs" if tests["verdict"].eq("differs").any() else "no_signal" if result.comparisons else "none_judged"
    )
    least = tests["p_adjusted"].min()
    return Finding(
        "fairness", verdict, strength(least, math.nan) if verdict == "differs" else "none", n=result.n,
        cautions=result.cautions, evidence=("fairness",), values=values,
    )  # fmt: skip


def _cell(verdict, found, result, values) -> Finding:
    row = found.iloc[0]
    test = result.tests.set_index("dimension")["p_value"][row["dimension"]]
    difference = estimated(row, "score", result.confidence, signed=True)
    values = values | {
        "rater": row["rater_id"],
        "group": Member(row["dimension"], str(row["group"])),
        "difference": difference,
        "shrunk": estimated(row, "score", result.confidence, "shrunk", signed=True),
        "points": Quantity(row["points"], "score", signed=True),
        "changed": Quantity(row["changed"]),
        "others": Listing(tuple(f"{other.rater_id} · {other.group}" for other in found.iloc[1:].itertuples())),
    }
    return Finding(
        "fairness", verdict, strength(row["p_adjusted"], test), **recorded(difference), reference=0.0,
        subject=f"{row['dimension']}={row['group']}", cautions=result.cautions,
        evidence=("fairness",), values=values,
    )  # fmt: skip


def sample(result: FairnessResult) -> int:
    """Ratings of people whom several raters rated."""
    return result.n


def limits(result: FairnessResult) -> dict[str, dict]:
    """A gap all raters share; raters who use less of the scale; cells too small; people of one rater."""
    found = {"common_bias": {}, "fairness_scale": {}}
    found |= {"small_cells": {"count": result.hidden}} if result.hidden else {}
    return found | ({"overlap_thin": {"count": result.left_out}} if "overlap_thin" in result.cautions else {})


FINDERS = {"fairness": _fairness}
