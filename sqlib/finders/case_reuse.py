"""Whether shared cases are taken over elsewhere."""

import math

from sqlib.findings import Finding, estimated, recorded
from sqlib.methods.case_reuse import CaseReuseResult
from sqlib.words import Quantity, Term


def _reuse(result: CaseReuseResult) -> Finding:
    views = result.median_views
    values = {"n": Quantity(result.n), "views": Quantity(views) if math.isfinite(views) else Term("term", "no_record")}
    if "no_reuse_record" in result.cautions:
        return Finding("case_reuse", "not_recorded", "none", n=result.n, cautions=result.cautions,
                       evidence=("case_reuse",), values=values)  # fmt: skip
    share = estimated(result.share.iloc[0], "percent", result.confidence)
    used = int(result.share["successes"].iloc[0])
    values |= {"share": share, "used": Quantity(used)}
    return Finding(
        "case_reuse", "reused" if used else "none_reused", "exact", **recorded(share), cautions=result.cautions,
        evidence=("case_reuse",), values=values,
    )  # fmt: skip


def sample(result: CaseReuseResult) -> int:
    """Cases shared."""
    return result.n


def limits(result: CaseReuseResult) -> dict[str, dict]:
    """That being taken over is not yet being of use."""
    return {"reuse_no_effect": {}}


FINDERS = {"case_reuse": _reuse}
