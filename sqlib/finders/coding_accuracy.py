"""How well comments are coded."""

from sqlib.findings import Finding, recorded
from sqlib.methods.coding_accuracy import GOOD, CodingAccuracyResult
from sqlib.words import Estimate, Quantity


def _coding_accuracy(result: CodingAccuracyResult) -> Finding:
    row = result.overall.iloc[0]
    precision, recall, f1 = (
        Estimate(*row[[name, f"{name}_low", f"{name}_high"]], "percent", result.sample, result.confidence)
        for name in ("precision", "recall", "f1")
    )
    worse = min(precision, recall, key=lambda each: each.value)
    reached, missed = min(precision.low, recall.low) >= GOOD, min(precision.high, recall.high) < GOOD
    verdict = "accurate" if reached else "inaccurate" if missed else "unclear"
    poor = result.table["verdict"].eq("inaccurate").sum()
    return Finding(
        "coding_accuracy", verdict, "none" if verdict == "unclear" else "moderate", **recorded(worse), reference=GOOD,
        cautions=result.cautions, evidence=("coding_accuracy",),
        values={
            "precision": precision, "recall": recall, "f1": f1, "sample": Quantity(result.sample),
            "comments": Quantity(result.comments), "least": Quantity(GOOD, "percent"),
            "poor": Quantity(poor),
        },
    )  # fmt: skip


def sample(result: CodingAccuracyResult) -> int:
    """Comments coded by hand."""
    return result.sample


def limits(result: CodingAccuracyResult) -> dict[str, dict]:
    """One person's judgement; comments that changed since."""
    gone = {"coding_unmatched": {"count": result.unmatched}} if result.unmatched else {}
    return {"hand_coding": {"sample": result.sample}} | gone


FINDERS = {"coding_accuracy": _coding_accuracy}
