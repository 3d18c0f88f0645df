"""The register of measures: what it leaves unsaid."""

from sqlib.findings import Finding, estimated, recorded
from sqlib.methods.register_completeness import PARTS, RegisterCompletenessResult
from sqlib.words import Listing, Quantity, Term


def _register(result: RegisterCompletenessResult) -> Finding:
    rows = result.table.set_index("part")
    share = estimated(rows.loc["complete"], "percent", result.confidence)
    lacking = rows.loc[list(PARTS)]
    lacking = lacking[lacking["successes"] < lacking["n"]].sort_values("successes", kind="stable")
    faults = result.measures["goal_check"].isin(("contrary", "too_small"))
    values = {
        "share": share,
        "complete": Quantity(result.complete),
        "n": Quantity(result.n),
        "lacking": Listing(tuple(Term("register_part", part) for part in lacking.index[:3])),
        "linked": Quantity(rows.loc["linked", "successes"]) if "linked" in rows.index else Term("term", "no_record"),
        "faults": Quantity(int(faults.sum())),
    }
    verdict = "complete" if result.complete == result.n and not faults.any() else "incomplete"
    return Finding(
        "register", verdict, "exact", **recorded(share), cautions=result.cautions, evidence=("register_measures",),
        values=values,
    )  # fmt: skip


def sample(result: RegisterCompletenessResult) -> int:
    """Measures of the register."""
    return result.n


def limits(result: RegisterCompletenessResult) -> dict[str, dict]:
    """That what is stated need not be true; indicators nobody defined."""
    found = {"register_stated": {}}
    return found | ({"no_indicators": {}} if "no_indicators" in result.cautions else {})


FINDERS = {"register": _register}
