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

    Raises
    ------
    ClientError : the errors of ``forms.read``; ArgumentError : ``workbook.unwritable``
    """
    raised = raised[raised["comments"] > 0]
    known = _rows(client) if path(client).is_file() else None
    if raised.empty and known is None:
        return None
    fresh = raised.assign(
        label=raised["topic"].map(labels),
        period=period,
        comments=raised["comments"].astype(int),
        share=[words.worded(Quantity(share, "percent"), language) for share in raised["estimate"]],
    )
    rows = fresh if known is None else _joined(known, fresh)
    about = {"client": client.id}
    return forms.write(FORM, {SHEET: rows.reset_index(drop=True)}, path(client), language, about=about)


def _rows(client: Client) -> pd.DataFrame:
    return forms.read(FORM, path(client), client=client.id)[SHEET].drop(columns="line")


def _joined(known: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Figures of the fresh rows, entries of the known ones; topics known only keep their row."""
    figures = fresh.drop(columns=ENTRIES, errors="ignore").merge(known[["topic", *ENTRIES]], on="topic", how="left")
    return pd.concat([figures, known[~known["topic"].isin(fresh["topic"])]], ignore_index=True)
