"""Files of figures already summed up: shares per group without the number of answers behind them."""

import pandas as pd

from sqlib.contracts import Contract, normalised
from sqlib.intake import Raw
from sqlib.parsing import SPELLINGS
from sqlib.repairs import PROBLEMS, joined, problem

_RESPONDENT = ("feedback_id", "customer_id", "comment", "case_id")  # columns that only a file of answers has


def find(raw: Raw, contract: Contract) -> pd.DataFrame:
    """One problem per file of the feedback tables that holds shares, no counts and nothing of a single respondent."""
    if "score" not in contract.columns:
        return pd.DataFrame(columns=PROBLEMS)
    mapped = raw.repairs[raw.repairs["rule"] == "column_mapped"]
    notes = []
    for file, rows in raw.frame.groupby("source_file", sort=False):
        headers = [
            *mapped.loc[mapped["file"] == file, "before"],
            *raw.unknown.loc[raw.unknown["file"] == file, "column"],
        ]
        shares = [header for header in headers if is_share(header)]
        single = any(rows[name].notna().any() for name in _RESPONDENT if name in rows)
        if shares and not single and not any(map(is_count, headers)):
            usual = {"value": ", ".join(shares), "severity": "error", "count": len(rows), "used": False}
            notes.append(problem(raw.table, file, "aggregates_only", **usual))
    return joined(notes, PROBLEMS)


def is_share(header: str) -> bool:
    """Does a header announce a share of answers?"""
    text = header.casefold()
    return any(word in text for word in SPELLINGS["aggregate"]["share"])


def is_count(header: str) -> bool:
    """Does a header announce the number of answers?"""
    return normalised(header) in {normalised(word) for word in SPELLINGS["aggregate"]["count"]}
