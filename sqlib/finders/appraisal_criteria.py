"""Criteria of an appraisal: which say the same twice, and which tell nobody apart."""

import pandas as pd

from sqlib.findings import Finding, estimated, recorded
from sqlib.methods.appraisal_criteria import DISTINCT, SAME, AppraisalCriteriaResult
from sqlib.words import Listing, Quantity, Term

EVIDENCE = ("criteria", "criteria_pairs")
CROWDED = ("ceiling", "floor", "no_discrimination")


def _criteria(result: AppraisalCriteriaResult) -> Finding:
    table, pairs = result.table, result.pairs[result.pairs["verdict"] != "too_few"]
    flat = table[table["verdict"].isin(CROWDED)]
    halo = Quantity(result.halo_share, "percent", digits=0) if len(pairs) else Term("term", "missing")
    values = {
        "criteria": Quantity(len(table)), "people": Quantity(result.people), "pairs": Quantity(len(pairs)),
        "halo": halo, "flat": Listing(tuple(flat["criterion"])), "duplicates": Quantity(result.duplicates),
    }  # fmt: skip
    if result.duplicates:
        return _pair(result, pairs[pairs["verdict"] == "duplicate"], "duplicate", "moderate", SAME, values)
    if len(flat):
        counted = {"estimate": len(flat), "unit": "count", "n": result.n}
        return _said(result, "no_discrimination", "exact", counted, values)
    if pairs.empty:
        return _said(result, "too_few", "none", {"n": result.n}, values)
    open_pairs = pairs[pairs["verdict"] == "unclear"]
    if len(open_pairs):
        return _pair(result, open_pairs, "unclear", "none", SAME, values)
    return _pair(result, pairs, "distinct", "moderate", DISTINCT, values)


def _pair(result, pairs: pd.DataFrame, verdict: str, level: str, reference: float, values: dict) -> Finding:
    """What is said of the pair most alike."""
    row = pairs.sort_values("correlation", ascending=False, kind="stable").iloc[0]
    alike = estimated(row, "ratio", result.confidence, "correlation")
    values |= {"first": row["first"], "second": row["second"], "alike": alike}
    return _said(result, verdict, level, recorded(alike) | {"reference": reference}, values)


def _said(result, verdict: str, level: str, numbers: dict, values: dict) -> Finding:
    return Finding("criteria", verdict, level, **numbers, cautions=result.cautions, evidence=EVIDENCE, values=values)


def sample(result: AppraisalCriteriaResult) -> int:
    """Complete ratings."""
    return result.n


def limits(result: AppraisalCriteriaResult) -> dict[str, dict]:
    """That a criterion alike to another may still be wanted; that validity was not or is only association."""
    return {"criteria_alike": {}, "no_validity" if "no_outcome" in result.cautions else "validity_association": {}}


FINDERS = {"criteria": _criteria}
