"""Praise nobody gave: texts and scores a platform writes when a customer does not rate in time."""

import pandas as pd

from sqlib import repairs
from sqlib.client import Client
from sqlib.columns import Columns
from sqlib.contracts import Contract
from sqlib.repairs import PROBLEMS, joined, problem

_MARKS = r"[\s!-/:-@\[-`{-~\u2010-\u2027\u3000-\u303f\uff01-\uff20\uff5e]+"  # spaces and punctuation of any width
SLACK = 10  # spaces and marks a platform may add to its text
SHOWN = 3  # texts named in one problem


def find(read: Columns, contract: Contract, client: Client) -> tuple[pd.Series, pd.DataFrame]:
    """Row by row: was it written by the platform? And one problem per file.

    A row counts as such when the flag ``default_praise`` says so, or when its comment is one of the declared texts
    (``[feedback] default_praise`` of client.toml, else the shipped list), compared without spaces and punctuation.
    """
    if "default_praise" not in contract.columns:
        return pd.Series(False, index=read.frame.index), joined([], PROBLEMS)
    written = _written(read.text["comment"], client)
    found = written | read.frame["default_praise"].fillna(False).astype(bool)
    notes = []
    for file, rows in read.text[found].groupby("source_file", sort=False):
        texts = rows.loc[written[rows.index], "comment"].unique()[:SHOWN]
        told = {"row": int(rows["source_row"].iloc[0]), "value": " | ".join(texts), "count": len(rows)}
        notes.append(problem(contract.name, file, "default_praise", column="comment", used=False, **told))
    return found, joined(notes, PROBLEMS)


def _written(comments: pd.Series, client: Client) -> pd.Series:
    declared = client.feedback.default_praise
    texts = repairs.vocabulary("default_praise") if declared is None else declared
    bare = set(_bare(pd.Series(sorted(texts), dtype="str")))
    short = comments[comments.str.len() <= max(map(len, texts), default=0) + SLACK]
    hits = short[_bare(short).isin(bare)].index if bare else short.index[:0]
    return pd.Series(comments.index.isin(hits), index=comments.index)


def _bare(texts: pd.Series) -> pd.Series:
    return texts.str.replace(_MARKS, "", regex=True).str.lower()
