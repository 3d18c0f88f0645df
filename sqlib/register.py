"""corrections.toml: what a person decided about the client's data, one decision a line; deleting a line undoes it.

The lines come from the filled ``problems.xlsx`` (``decisions``) and are applied whenever a table is read
(``corrections``). The raw files stay as they are.
"""

import hashlib
import json
import tomllib
from datetime import date
from pathlib import Path

import pandas as pd

from sqlib import words, workbook
from sqlib.client import Client
from sqlib.errors import ClientError

FILE = "corrections.toml"
FIELDS = ["decided", "decision", "table", "file", "row", "column", "record", "value", "rule", "corrected"]
CELL = ["table", "file", "row", "column", "record"]  # what tells one cell from another
DECISIONS = ("correct", "exclude", "accept", "merge", "keep")
LABELS = ("merge", "keep")  # decisions about a label wherever it stands: no file, no row


EMPTY = pd.DataFrame({name: pd.Series(dtype="int64" if name == "row" else "str") for name in FIELDS})


def load(client: Client) -> pd.DataFrame:
    """Every decision, in the order of the file: columns ``FIELDS``, texts but for ``row``; no row without the file.

    record : the id of the record where its table has one; value : the cell as it was seen; corrected : the value
    instead, or the label merged into

    Raises
    ------
    ClientError : ``register.unreadable``, ``register.wrong_line``
    """
    path = client.folder / FILE
    if not path.is_file():
        return EMPTY
    where = f"{client.id}/{FILE}"
    try:
        lines = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("decisions", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ClientError("register.unreadable", where=where, got=error) from None
    for number, line in enumerate(lines, 1):
        _check(line, where, number)
    return frame(lines)


def write(client: Client, entries: pd.DataFrame) -> Path:
    """Write the register beside its place, then rename.

    Raises
    ------
    ArgumentError : ``workbook.unwritable``
    """
    head = [f"# {words.entry('problems', 'register')[language]}" for language in words.LANGUAGES]
    lines = [f"  {{ {_line(row)} }}," for row in entries.to_dict("records")]
    text = "\n".join([*head, "decisions = [", *lines, "]", ""])
    return workbook.beside(client.folder / FILE, lambda draft: draft.write_text(text, encoding="utf-8"))


def added(entries: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The register with new decisions: one about the same cell or label takes the place of the earlier one.

    A cell corrected again keeps the value of the file: the second decision saw the first correction.
    """
    if entries.empty or new.empty:
        return pd.concat([entries, new], ignore_index=True) if len(new) else entries
    earlier = entries.assign(key=_keys(entries)).drop_duplicates("key", keep="last").set_index("key")
    before = earlier.reindex(_keys(new))
    again = (before["decision"] == "correct").to_numpy() & (before["corrected"].to_numpy() == new["value"].to_numpy())
    new = new.assign(value=new["value"].mask(pd.Series(again, index=new.index), before["value"].to_numpy()))
    return pd.concat([entries[~_keys(entries).isin(_keys(new))], new], ignore_index=True)


def of_table(entries: pd.DataFrame, table: str) -> pd.DataFrame:
    """The decisions that concern one table; labels concern every table."""
    return entries[entries["table"].isin([table, ""])].reset_index(drop=True)


def fingerprint(client: Client, tables: set[str]) -> bytes:
    """Changes when a decision about one of the tables does; empty where there is none."""
    entries = load(client)
    mine = entries[entries["table"].isin({*tables, ""})].drop(columns="decided")
    return hashlib.sha256(mine.to_csv(index=False).encode()).digest() if len(mine) else b""


def _keys(entries: pd.DataFrame) -> pd.Series:
    """What a decision is about: a cell; an acceptance also names its rule; a label its column and spelling."""
    accepts, labels = entries["decision"] == "accept", entries["decision"].isin(LABELS)
    cell = entries[CELL].astype("str").agg("\0".join, axis=1)
    return cell + "\0" + entries["rule"].where(accepts, "") + "\0" + entries["value"].where(accepts | labels, "")


def frame(lines: list[dict]) -> pd.DataFrame:
    """Decisions as a frame; what a line leaves out is empty."""
    rows = [{name: line.get(name, 0 if name == "row" else "") for name in FIELDS} for line in lines]
    return pd.DataFrame(rows, columns=FIELDS).astype(dict.fromkeys(FIELDS, "str") | {"row": "int64"})


def _check(line, where: str, number: int) -> None:
    """A line names a known decision and nothing unknown, each of its kind."""
    kinds = dict.fromkeys(FIELDS, str) | {"decided": date, "row": int}
    known = isinstance(line, dict) and set(line) <= set(FIELDS) and line.get("decision") in DECISIONS
    if not known or not all(isinstance(value, kinds[name]) for name, value in line.items()):
        got = json.dumps(line, ensure_ascii=False, default=str)
        values = {"line": number, "got": got, "fields": ", ".join(FIELDS), "decisions": ", ".join(DECISIONS)}
        raise ClientError("register.wrong_line", where=where, **values)


def _line(row: dict) -> str:
    given = {name: value for name, value in row.items() if value not in ("", 0)}
    return ", ".join(f"{name} = {_toml(name, value)}" for name, value in given.items())


def _toml(name: str, value) -> str:
    if name in ("decided", "row"):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
