"""What a client's data can answer, what not, and what to ask for: codes, worded by ``words/readiness.toml``."""

import pandas as pd

from sqlib import contracts, words
from sqlib.client import Client
from sqlib.tables import Table

COLUMNS = ["question", "can", "reason", "ask", "detail"]
FEEDBACK = ("response", "satisfaction", "change", "weak_points", "dimensions", "themes", "callbacks")
APPRAISALS = ("severity", "tiers", "talks", "rewards")
MEASURES = ("effects", "promises", "unanswered", "ideas")
SUBJECTS = {
    "feedback": FEEDBACK,
    "appraisals": APPRAISALS,
    "measures": MEASURES,
    "cases": ("cases",),
}  # table -> questions asked of it


def readiness(client: Client, checked: dict[str, Table]) -> pd.DataFrame:
    """One row per question: ``can`` (yes, partly, no), ``reason`` and ``ask`` codes, ``detail`` (names of columns).

    A table that is not there at all makes one row, under its own name.
    """
    rows = []
    for table, questions in SUBJECTS.items():
        if table not in checked:
            rows.append((table, "no", f"no_{table}", table, ""))
            continue
        answers = [_whole(checked[table]) or _ONE[question](client, checked) for question in questions]
        rows += [(question, *answer) for question, answer in zip(questions, answers, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


def absent(frame: pd.DataFrame) -> pd.Series:
    """Which rows say only that a table is not there."""
    return frame["reason"].isin([f"no_{table}" for table in SUBJECTS])


def shown(frame: pd.DataFrame, language: str) -> pd.DataFrame:
    """The memo in words, headings in the language."""
    texts = {name: [words.entry("readiness", name, code)[language] for code in frame[name]] for name in COLUMNS[:-1]}
    reasons = [_detailed(text, names, language) for text, names in zip(texts["reason"], frame["detail"], strict=True)]
    headings = {name: words.entry("readiness", "headings", name)[language] for name in texts}
    return pd.DataFrame(texts | {"reason": reasons}).rename(columns=headings)


def _detailed(reason: str, names: str, language: str) -> str:
    """A reason with the columns it is about, as the contracts label them."""
    if not names:
        return reason
    known = {
        name: column.label
        for table in ("customers", "feedback")
        for name, column in contracts.load(table).columns.items()
    }
    labels = [known[name][language] if name in known else name for name in names.split(",")]
    listed = words.text("common", "term", "join", language=language).join(labels)
    return words.entry("readiness", "with_detail")[language].format(reason=reason, detail=listed)


Answer = tuple[str, str, str, str]  # can, reason, ask, detail
YES: Answer = ("yes", "none", "none", "")


def _whole(table: Table) -> Answer | None:
    """A reason that holds for every question about one table, or None."""
    if table.size:
        return None
    summed = table.problems["rule"].eq("aggregates_only").any()
    return ("no", "aggregates_only", "counts", "") if summed else ("no", "no_usable_row", "problems", "")


def _response(client: Client, checked: dict[str, Table]) -> Answer:
    if "customers" not in checked:
        return "no", "no_customers", "customers", ""
    if not _any(checked["feedback"], "customer_id"):
        return "no", "no_customer_id", "customer_id", ""
    if not any(_any(checked["customers"], name) for name in client.weighting.margins or []):
        return "partly", "no_segment", "segment", ""
    return YES if "invitations" in checked else ("partly", "no_invitations", "invitations", "")


def _satisfaction(client: Client, checked: dict[str, Table]) -> Answer:
    if not any(_any(checked["feedback"], name) for name in ("score", "recommend", "ease")):
        return "no", "no_score", "score", ""
    return ("partly", "scale_break", "scale", "") if _broken(checked) else YES


def _change(client: Client, checked: dict[str, Table]) -> Answer:
    if not _any(checked["feedback"], "received_at"):
        return "no", "no_received_at", "received_at", ""
    return ("partly", "scale_break", "scale", "") if _broken(checked) else YES


def _weak_points(client: Client, checked: dict[str, Table]) -> Answer:
    names = dict.fromkeys(part for cell in client.cells.feedback for part in cell.split("*"))
    missing = [name for name in names if not _varies(checked, name)]
    if len(missing) == len(names):
        return "no", "no_cells", "cells", ",".join(missing)
    return ("partly", "cells_missing", "cells", ",".join(missing)) if missing else YES


def _dimensions(client: Client, checked: dict[str, Table]) -> Answer:
    return YES if _varies(checked, "dimension") else ("no", "no_items", "items", "")


def _themes(client: Client, checked: dict[str, Table]) -> Answer:
    return YES if _any(checked["feedback"], "comment") else ("no", "no_comment", "comment", "")


def _callbacks(client: Client, checked: dict[str, Table]) -> Answer:
    if not _any(checked["feedback"], "score"):
        return "no", "no_score", "score", ""
    by_customer = "cases" in checked and all(_any(checked[name], "customer_id") for name in ("feedback", "cases"))
    linked = by_customer or _any(checked["feedback"], "case_id")
    return YES if linked else ("partly", "no_case_link", "case_id", "")


def _severity(client: Client, checked: dict[str, Table]) -> Answer:
    if not _any(checked["appraisals"], "score"):
        return "no", "no_score", "appraisal_score", ""
    if not _any(checked["appraisals"], "rater_id"):
        return "no", "no_rater", "rater", ""
    if "staff" not in checked and not _any(checked["appraisals"], "department"):
        return "partly", "no_staff", "staff", ""
    return YES


def _tiers(client: Client, checked: dict[str, Table]) -> Answer:
    if not client.appraisal.tiers:
        return "no", "no_tiers", "tiers", ""
    weighed = _any(checked["appraisals"], "weight") or client.appraisal.weights
    several = checked["appraisals"].rows(["criterion_id"])["criterion_id"].nunique() > 1
    return ("partly", "no_weights", "weights", "") if several and not weighed else YES


def _talks(client: Client, checked: dict[str, Table]) -> Answer:
    if not any(_any(checked["appraisals"], name) for name in ("feedback_talk_on", "appeal", "appeal_on")):
        return "no", "no_talks", "talks", ""
    return YES if _any(checked["appraisals"], "result_on") else ("partly", "no_result_on", "result_on", "")


def _effects(client: Client, checked: dict[str, Table]) -> Answer:
    measures = checked["measures"]
    if not _any(measures, "start_on"):
        return "no", "no_start_on", "start_on", ""
    if not _any(measures, "indicator_id"):
        return "no", "no_indicator", "indicator", ""
    if "indicator_values" not in checked and not {"feedback", "cases"} & set(checked):
        return "no", "no_values", "indicator_values", ""
    return YES if "indicators" in checked else ("partly", "no_direction", "indicators", "")


def _promises(client: Client, checked: dict[str, Table]) -> Answer:
    both = all(_any(checked["measures"], name) for name in ("baseline", "goal"))
    return YES if both else ("no", "no_promise", "promise", "")


def _unanswered(client: Client, checked: dict[str, Table]) -> Answer:
    if "indicator_values" not in checked:
        return "no", "no_values", "indicator_values", ""
    targets = any(name in checked and _any(checked[name], "target") for name in ("indicator_values", "indicators"))
    return YES if targets else ("no", "no_target", "target", "")


def _ideas(client: Client, checked: dict[str, Table]) -> Answer:
    return YES if "suggestions" in checked else ("no", "no_suggestions", "suggestions", "")


def _cases(client: Client, checked: dict[str, Table]) -> Answer:
    return "no", "page_to_come", "none", ""


def _rewards(client: Client, checked: dict[str, Table]) -> Answer:
    return YES if "rewards" in checked else ("no", "no_rewards", "rewards", "")


_ONE = {
    "severity": _severity,
    "tiers": _tiers,
    "talks": _talks,
    "rewards": _rewards,
    "effects": _effects,
    "promises": _promises,
    "unanswered": _unanswered,
    "ideas": _ideas,
    "cases": _cases,
    "response": _response,
    "satisfaction": _satisfaction,
    "change": _change,
    "weak_points": _weak_points,
    "dimensions": _dimensions,
    "themes": _themes,
    "callbacks": _callbacks,
}


def _any(table: Table, column: str) -> bool:
    return table.filled(column)


def _varies(checked: dict[str, Table], name: str) -> bool:
    """Does a cell have at least two values, in the feedback, in the customers or (dimensions) in the items?"""
    if name == "dimension" and "feedback_items" in checked and checked["feedback_items"].frame["item_id"].nunique() > 1:
        return True
    if name == "team" and "staff" in checked and _any(checked["feedback"], "staff_id"):
        return any(checked[table].rows(["team"])["team"].nunique() > 1 for table in ("staff", "feedback"))
    places = [checked[table] for table in ("feedback", "customers") if table in checked]
    return any(name in table.columns and table.rows([name])[name].nunique() > 1 for table in places)


def _broken(checked: dict[str, Table]) -> bool:
    return bool(checked["feedback"].problems["rule"].isin(["scale_break", "scale_differs"]).any())
