"""What was decided on the needs customers raise: ``<client>/needs.xlsx``, one row a topic.

The workbook is brought up to date after a run; what a person wrote is never changed, and a topic no longer raised
keeps its row.
"""

from pathlib import Path

import pandas as pd

from sqlib import forms, words
from sqlib.client import Client
from sqlib.words import Quantity

FORM, SHEET, FILE = "needs", "needs", "needs.xlsx"
SHOWN = ["topic", "label", "period", "comments", "share"]
ENTRIES = ["decision", "reason", "measure", "decided_on"]


def path(client: Client) -> Path:
    """Where the register lies."""
    return client.folder / FILE


def decisions(client: Client) -> pd.DataFrame | None:
    """What was decided: topic, decision (do | later | no), reason, measure, decided_on; None where no register is yet.

    Raises
    ------
    ClientError : the errors of ``forms.read``
    """
    if not path(client).is_file():
        return None
    rows = _rows(client)
    return rows.loc[rows["decision"] != "", ["topic", *ENTRIES]].reset_index(drop=True)


def refresh(client: Client, period: str, raised: pd.DataFrame, labels: dict[str, str], language: str) -> Path | None:
    """Bring the register up to date; ``raised``: topic, comments, estimate. None where nobody asked for anything.

    Nothing is written where nothing changes.

    Raises
    ------
    ClientError : the errors of ``forms.read``; ArgumentError : ``workbook.unwritable``
    """
    raised = raised[raised["comments"] > 0]
    there = path(client).is_file()
    if raised.empty and not there:
        return None
    known = _rows(client) if there else pd.DataFrame(columns=SHOWN + ENTRIES, dtype="str")
    shares = [words.worded(Quantity(share, "percent"), language) for share in raised["estimate"]]
    figures = {"label": raised["topic"].map(labels), "period": period, "share": shares}
    fresh = raised[["topic"]].assign(**figures, comments=raised["comments"].astype(int).astype("str"))
    rows = _joined(known, fresh)
    if not there or rows.to_numpy().tolist() != known[SHOWN + ENTRIES].to_numpy().tolist():
        forms.write(FORM, {SHEET: rows}, path(client), language, about={"client": client.id})
    return path(client)


def _rows(client: Client) -> pd.DataFrame:
    return forms.read(FORM, path(client), client=client.id)[SHEET].drop(columns="line")


def _joined(known: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Figures of the fresh rows, entries of the known ones; a topic known only keeps its row."""
    figures = fresh.merge(known[["topic", *ENTRIES]], on="topic", how="left")
    rows = pd.concat([figures, known[~known["topic"].isin(fresh["topic"])]], ignore_index=True)
    return rows[SHOWN + ENTRIES].fillna("")
