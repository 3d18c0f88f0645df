"""Sources of scores: whom to look at again, and whether judges and data speak of the same.

Single people are pointed out only where the two sources agree on the whole: sources that speak of different things
differ on nearly everybody.
"""

import pandas as pd

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.score_sources import ScoreSourcesResult
from sqlib.words import Quantity, Term

EVIDENCE = ("sources", "source_agreement")
COMPARED = ("customer", "objective")  # what the judged score is held against, the customers first
SILENT = ("too_few", "too_unreliable")


def _sources(result: ScoreSourcesResult) -> Finding:
    row = _main(result)
    told = row["verdict"] not in SILENT
    corrected = estimated(row, "ratio", result.confidence, "corrected")
    values = {
        "people": Quantity(result.n),
        "flagged": Quantity(result.flagged),
        "comparisons": Quantity(result.comparisons),
        "other": Term("source", row["second"]),
        "correlation": estimated(row, "ratio", result.confidence, "correlation"),
        "corrected": corrected if told else Term("term", "missing"),
        "compared": Quantity(row["n"]),
    }
    if result.flagged and row["verdict"] in ("agree", "related"):
        return _look_again(result, values)
    level = strength(row["p_value"], row["p_second"]) if told else "none"
    numbers = recorded(corrected) | {"reference": 0.0} if told else {"n": result.n}
    return Finding(
        "sources", row["verdict"], level, **numbers, cautions=result.cautions, evidence=EVIDENCE, values=values
    )


def _main(result: ScoreSourcesResult) -> pd.Series:
    """The judged score against the first source that can be told."""
    pairs = result.agreement[result.agreement["first"] == "judged"]
    place = pairs["second"].map({name: number for number, name in enumerate(COMPARED)})
    return pairs.assign(_silent=pairs["verdict"].isin(SILENT), _place=place).sort_values(["_silent", "_place"]).iloc[0]


def _look_again(result: ScoreSourcesResult, values: dict) -> Finding:
    worst = result.table[result.table["verdict"] == "look_again"].sort_values("p_value", kind="stable").iloc[0]
    gap = estimated(pd.Series({**worst, "n": result.n}), "score", result.confidence, "difference", signed=True)
    return Finding(
        "sources", "look_again", strength(worst["p_adjusted"], float("nan")), **recorded(gap), reference=0.0,
        cautions=result.cautions, evidence=EVIDENCE, values=values,
    )  # fmt: skip


def sample(result: ScoreSourcesResult) -> int:
    """People judged."""
    return result.n


def limits(result: ScoreSourcesResult) -> dict[str, dict]:
    """That a difference does not say which source is right; people hidden; an error that is not known."""
    found = {"which_is_right": {}} | ({"customers_hidden": {"count": result.hidden}} if result.hidden else {})
    return found | ({"error_unknown": {}} if "error_unknown" in result.cautions else {})


FINDERS = {"sources": _sources}
