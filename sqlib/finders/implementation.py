"""Whether the measures were carried out as planned."""

from sqlib.findings import Finding, estimated, recorded
from sqlib.methods.implementation import ImplementationResult
from sqlib.words import Listing, Quantity, Term

VERDICTS = {"not_as_planned": "not_carried_out", "partly": "partly_carried_out"}


def _implementation(result: ImplementationResult) -> Finding:
    rows, measures = result.table.set_index("part"), result.measures
    counts = measures["verdict"].value_counts()
    values = {code: Quantity(int(counts.get(code, 0))) for code in (*VERDICTS, "no_record")}
    values |= {"begun": Quantity(result.begun), "n": Quantity(result.n)}
    values |= {name: _exact(rows, name) for name in ("milestones", "participants", "in_time")}
    worst = measures[measures["verdict"].eq("not_as_planned")]
    values["listed"] = Listing(tuple(worst["name"].fillna(worst["measure_id"]).head(3)))
    if "as_planned" not in rows.index:
        return Finding("implementation", "not_recorded", "none", n=result.n, cautions=result.cautions,
                       evidence=("implementation",), values=values)  # fmt: skip
    share = estimated(rows.loc["as_planned"], "percent", result.confidence)
    values |= {"share": share, "carried": Quantity(rows.loc["as_planned", "successes"]), "judged": Quantity(share.n)}
    verdict = next((said for code, said in VERDICTS.items() if counts.get(code, 0)), "carried_out")
    return Finding(
        "implementation", verdict, "exact", **recorded(share), cautions=result.cautions, evidence=("implementation",),
        values=values,
    )  # fmt: skip


def _exact(rows, name: str):
    """A share that was counted, or words for nothing on record."""
    return Quantity(rows.loc[name, "estimate"], "percent") if name in rows.index else Term("term", "no_record")


def sample(result: ImplementationResult) -> int:
    """Measures that have begun."""
    return result.begun


def limits(result: ImplementationResult) -> dict[str, dict]:
    """That the register speaks for itself; measures without anything on record."""
    silent = int(result.measures["verdict"].eq("no_record").sum())
    return {"own_account": {}} | ({"not_recorded": {"count": silent}} if silent else {})


FINDERS = {"implementation": _implementation}
