"""Decisions taken over: what a person filled in ``problems.xlsx`` becomes lines of the register, or is refused with a
reason. A workbook is taken over once: what is deleted from the register afterwards does not come back from it.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from sqlib import cache, forms, register
from sqlib.client import DECISIONS, Client

FORM, FILE = "problems", DECISIONS
SEEN = "problems.seen"  # in the client's cache: fingerprints of the workbooks last written or taken over
KEPT = 20  # fingerprints remembered
CELL_CODE, NOTE_CODE, LABEL_CODE = "cell", "note", "label"  # kind|table|rule|column is a line's code
REFUSED = ["sheet", *register.FIELDS, "code", "reason"]


@dataclass(frozen=True)
class Collected:
    """taken : lines now in the register; refused : the filled lines that are not, with ``reason``."""

    taken: pd.DataFrame
    refused: pd.DataFrame


NOTHING = Collected(register.EMPTY, pd.DataFrame(columns=REFUSED))


def collect(client: Client, path: Path, day: date) -> Collected:
    """Take over what was filled in since the workbook was written; the register is rewritten where something was.

    Raises
    ------
    ClientError : ``forms.*`` where the workbook cannot be read, ``register.*``
    """
    path = Path(path)
    if not os.path.isfile(path) or _digest(path) in _seen(client):
        return NOTHING
    sheets = forms.read(FORM, path, client=client.id)
    parts = [_problems(sheets["problems"]), _labels(sheets["labels"])]
    entries = pd.concat(parts, ignore_index=True).assign(decided=day.isoformat())
    known = register.load(client)
    reason = _circles(entries, known)
    taken = entries.loc[reason == "", register.FIELDS].reset_index(drop=True)
    if len(taken):
        register.write(client, register.added(known, taken))
    if (reason == "").all():
        remember(client, path)
    return Collected(taken, entries.assign(reason=reason)[reason != ""].reset_index(drop=True)[REFUSED])


def remember(client: Client, path: Path) -> None:
    """Nothing is left to take over from this workbook. A cache that cannot be written costs only a second reading."""
    try:
        cache.folder(client).mkdir(parents=True, exist_ok=True, mode=0o700)
        seen = dict.fromkeys([*_seen(client), _digest(path)])
        (cache.folder(client) / SEEN).write_text("\n".join([*seen][-KEPT:]), encoding="ascii")
    except OSError:
        return


def _seen(client: Client) -> list[str]:
    place = cache.folder(client) / SEEN
    return place.read_text(encoding="ascii").split() if place.is_file() else []


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _problems(lines: pd.DataFrame) -> pd.DataFrame:
    """The filled lines of the sheet of problems with what is wrong with each (``reason``)."""
    lines = lines[(lines["decision"] != "") | (lines["corrected"] != "")].reset_index(drop=True)
    parts = lines["code"].str.split("|", n=3, expand=True).reindex(columns=range(4)).fillna("")
    entries = lines.assign(sheet="problems", table=parts[1], rule=parts[2], column=parts[3])
    entries = entries.assign(row=pd.to_numeric(entries["row"], errors="coerce").fillna(0).astype("int64"))
    corrects, given = entries["decision"] == "correct", entries["corrected"] != ""
    faults = {
        "not_listed": ~parts[0].isin([CELL_CODE, NOTE_CODE]),
        "no_decision": entries["decision"] == "",
        "no_value": corrects & ~given,
        "cannot_act": (parts[0] == NOTE_CODE) & (entries["decision"] != "accept"),
        "value_unused": ~corrects & given,
        "unchanged": corrects & (entries["corrected"] == entries["value"]),
        "conflict": (parts[0] == CELL_CODE) & _conflicts(entries),
    }
    return _faulted(entries, faults)


def _conflicts(entries: pd.DataFrame) -> pd.Series:
    """Lines about one cell that decide differently."""
    said = entries["decision"] + "\0" + entries["corrected"]
    cell = [entries[name] for name in [*register.CELL, "value"]]
    return said.where(entries["decision"] != "").groupby(cell).transform("nunique") > 1


def _labels(lines: pd.DataFrame) -> pd.DataFrame:
    """The filled lines of the sheet of labels; a proposal left as it was, without a decision, is none."""
    lines = lines[lines["decision"] != ""].reset_index(drop=True)
    parts = lines["code"].str.split("|", n=3, expand=True).reindex(columns=range(4)).fillna("")
    merges = lines["decision"] == "merge"
    entries = lines.assign(
        sheet="labels", column=parts[3], value=lines["label"], corrected=lines["into"].where(merges, "")
    )
    entries = entries.assign(**dict.fromkeys(("table", "file", "record", "rule"), ""), row=0)
    again = entries.groupby(["column", "value"])[["decision", "corrected"]].transform("nunique").max(axis=1) > 1
    faults = {
        "not_listed": parts[0] != LABEL_CODE,
        "no_target": merges & (lines["into"] == ""),
        "conflict": again.reindex(entries.index, fill_value=False).astype(bool),
    }
    return _faulted(entries, faults)


def _faulted(entries: pd.DataFrame, faults: dict[str, pd.Series]) -> pd.DataFrame:
    reason = pd.Series("", index=entries.index, dtype="str")
    for name, rows in faults.items():
        reason = reason.mask((reason == "") & rows, name)
    return entries.assign(reason=reason)[[*(name for name in REFUSED if name != "decided")]].drop_duplicates()


def _circles(entries: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    """The reasons, with merges that lead back to their own label refused as well."""
    sound = register.added(known, entries.loc[entries["reason"] == "", register.FIELDS])
    merges = sound[sound["decision"] == "merge"]
    into = dict(zip(zip(merges["column"], merges["value"], strict=True), merges["corrected"], strict=True))
    mine = (entries["decision"] == "merge") & (entries["reason"] == "")
    turns = [
        _turns(column, label, into) for column, label in entries.loc[mine, ["column", "value"]].itertuples(index=False)
    ]
    found = pd.Series(turns, index=entries.index[mine], dtype=bool).reindex(entries.index, fill_value=False)
    return entries["reason"].mask(found, "circle")


def _turns(column: str, label: str, into: dict[tuple[str, str], str]) -> bool:
    """Does the chain of merges come back to where it began?"""
    seen, end = {label}, into[column, label]
    while end not in seen and (column, end) in into:
        seen.add(end)
        end = into[column, end]
    return end in seen
