"""Questionnaire health: which items tell nothing apart, and how carefully they were answered."""

from sqlib.findings import Finding
from sqlib.methods.questionnaire import QuestionnaireResult
from sqlib.words import Estimate, Listing, Quantity, Term


def _questionnaire(result: QuestionnaireResult) -> Finding:
    table = result.table
    judged = table[table["verdict"] != "too_few"]
    verdict = "too_few" if judged.empty else "flagged" if result.flagged else "sound"
    values = {"items": Quantity(len(table)), "judged": Quantity(len(judged)), "flagged": Quantity(result.flagged)}
    values |= {"respondents": Quantity(result.n)} | _lines(result)
    for flag in ("at_ceiling", "at_floor", "redundant", "skipped", "flat"):
        values[flag] = Listing(tuple(table.loc[table[flag], "item"]))
    return Finding(
        "questionnaire", verdict, "none" if verdict == "too_few" else "exact", estimate=result.flagged, unit="count",
        n=result.n, cautions=result.cautions, evidence=("questionnaire", "tallies", "care"), values=values,
    )  # fmt: skip


def _lines(result: QuestionnaireResult) -> dict:
    """Straight lines given and expected; words for "not to be told" where no questionnaire is long enough."""
    care = result.care.set_index("sign")
    if "straight_line" not in care.index or care.loc["straight_line", "verdict"] == "too_few":
        return {"lines": Term("term", "missing"), "expected": Term("term", "missing"), "care": Term("care", "short")}
    row = care.loc["straight_line"]
    lines = Estimate(row["estimate"], row["low"], row["high"], "percent", int(row["of"]), result.confidence)
    return {"lines": lines, "expected": Quantity(row["expected"], "percent"), "care": Term("care", row["verdict"])}


def sample(result: QuestionnaireResult) -> int:
    """Respondents with any item."""
    return result.n


def limits(result: QuestionnaireResult) -> dict[str, dict]:
    """What the rules are, and that answering times are not known."""
    return {"item_rules": {}} | ({"no_times": {}} if "no_times" in result.cautions else {})


FINDERS = {"questionnaire": _questionnaire}
