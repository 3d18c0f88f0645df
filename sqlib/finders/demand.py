"""What customers ask for, and what still needs a decision."""

from sqlib.findings import Finding, estimated
from sqlib.methods.demand import DemandResult
from sqlib.words import Quantity, Term


def _demand(result: DemandResult) -> Finding:
    table = result.table
    asked = table[table["comments"] > 0].sort_values(["comments", "topic"], ascending=[False, True])
    waiting = asked[asked["verdict"] == "open"]
    verdict = "open" if len(waiting) else "answered" if asked["verdict"].ne("too_few").any() else "too_few"
    values = {"asking": Quantity(result.asking), "comments": Quantity(result.comments), "open": Quantity(len(waiting))}
    for code in ("decided", "deferred", "recorded_no"):
        values[code] = Quantity(int((table["verdict"] == code).sum()))
    shown = waiting if len(waiting) else asked[asked["verdict"] != "too_few"]
    if len(shown):
        row = shown.iloc[0]
        values |= {"theme": Term("theme", row["topic"]), "share": estimated(row, "percent", result.confidence)}
        values |= {"asked": Quantity(row["comments"])}
    return Finding(
        "demand", verdict, "none" if verdict == "too_few" else "exact", estimate=len(waiting), unit="count",
        n=result.comments, cautions=result.cautions, evidence=("demand", "unmet"), values=values,
    )  # fmt: skip


def sample(result: DemandResult) -> int:
    """Comments of the period."""
    return result.comments


def limits(result: DemandResult) -> dict[str, dict]:
    """Only those who write ask; what phrases of a code book miss; that a sample was read."""
    read = {"comments": result.comments, "given": result.given, "seed": result.seed}
    return {"codebook": {}, "silent_demand": {}} | ({"demand_sampled": read} if "sampled" in result.cautions else {})


FINDERS = {"demand": _demand}
