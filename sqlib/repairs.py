"""Mechanical repairs of text cells, each logged with file, row, column, before, after and rule.

Every function takes the body of one file (text, "" where empty) and returns it repaired with the log of what changed.
Vectorised: a million rows take seconds.
"""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pandas as pd

LOG = ["file", "row", "column", "before", "after", "rule"]
PROBLEMS = ["table", "file", "row", "column", "value", "rule", "severity", "count", "used", "record"]
SPACES = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\u200b\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_VOCABULARY = Path(__file__).parent / "profiles" / "general" / "vocabulary.toml"
_NUMBER = r"[-+]?[\d,.]*\d%?"
LONGEST_LABEL = 24  # characters
_LABELS = 3  # first columns in which a total line says what it is


def log(file: str, rows, column, before, after, rule: str) -> pd.DataFrame:
    """A piece of the log; single values are repeated to the length of the others."""
    entry = {"file": file, "row": rows, "column": column, "before": before, "after": after, "rule": rule}
    lengths = [len(value) for value in entry.values() if not isinstance(value, str | int)]
    entry = {name: value if isinstance(value, str | int) else list(value) for name, value in entry.items()}
    return pd.DataFrame(entry, columns=LOG, index=range(max(lengths, default=1)))


def problem(table: str, file: str, rule: str, **values) -> pd.DataFrame:
    """One problem row; row 0 means the whole file or column."""
    usual = {"row": 0, "column": "", "value": "", "severity": "warning", "count": 1, "used": True, "record": ""}
    return pd.DataFrame([{"table": table, "file": file, "rule": rule} | usual | values], columns=PROBLEMS)


def joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Pieces of a log one below the other; the columns also where there is no piece."""
    parts = [part for part in parts if len(part)]
    texts = {name: "int64" if name in ("row", "count") else "bool" if name == "used" else "str" for name in columns}
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    whole = whole.reindex(columns=columns).astype(texts)
    if "record" in columns:  # problems that are not about one row have none
        whole["record"] = whole["record"].fillna("")
    return whole


@functools.cache
def vocabulary(name: str) -> frozenset[str]:
    """A word list of the general profile, folded for comparison."""
    words = tomllib.loads(_VOCABULARY.read_text(encoding="utf-8"))[name]
    return frozenset(map(folded, words))


def folded(text: str) -> str:
    """Half width, no case, no outer spaces."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def trim(body: pd.DataFrame, lines: pd.Series, file: str) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Outer spaces of every kind go (whitespace_trimmed)."""
    return _each(body, lines, file, lambda cells: cells.str.strip(SPACES), "whitespace_trimmed")


def clear_errors(body: pd.DataFrame, lines: pd.Series, file: str) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """What a failed formula leaves is no value (excel_error_cleared)."""

    def clear(cells: pd.Series) -> pd.Series:
        suspects = cells.str.startswith("#")
        wrong = cells[suspects].str.casefold().isin(vocabulary("formula_error"))
        return cells.mask(wrong.reindex(cells.index, fill_value=False), "")

    return _each(body, lines, file, clear, "excel_error_cleared")


def half_width(cells: pd.Series) -> pd.Series:
    """Full-width digits, signs and letters as a keyboard types them (NFKC); other cells untouched."""
    wide = cells.str.contains(r"[^\x00-\x7f]", regex=True).fillna(False).astype(bool)
    if not wide.any():
        return cells
    return cells.mask(wide, translated(cells[wide], lambda text: unicodedata.normalize("NFKC", text)))


def translated(cells: pd.Series, change: Callable[[str], str | None]) -> pd.Series:
    """Every text changed, each different text once; missing stays missing."""
    codes, texts = pd.factorize(cells)
    table = pd.Series([change(text) for text in texts] + [None], dtype="str")  # code -1: missing
    return table.take(codes).set_axis(cells.index)


def blank(cells: pd.Series, words: frozenset[str]) -> pd.Series:
    """Cells that fold to one of the words become missing; compared once per different text."""
    short = cells[cells.str.len() <= max(map(len, words), default=0) + 2]
    codes = [text for text in short.dropna().unique() if folded(text) in words]
    return cells.mask(cells.isin(codes)) if codes else cells


def useless_lines(body: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Row by row: is the line blank; is it a total, a subtotal or an average of the lines above?

    A total line says so in its first filled cell, one of the first three, and holds nothing else but numbers. A line
    of averages is believed only where no data follow: "average" may be an answer.
    """
    empty = (body == "").all(axis=1)
    totals = _labelled(body, vocabulary("total_line"))
    averages = _labelled(body, vocabulary("average_line"))
    useless = empty | totals | averages
    last = useless[~useless].index.max() if not useless.all() else -1
    return empty, totals | (averages & (body.index > last))


def _labelled(body: pd.DataFrame, words: frozenset[str]) -> pd.Series:
    found = pd.Series(False, index=body.index)
    before = pd.Series(True, index=body.index)  # everything to the left is empty
    for position in range(min(_LABELS, body.shape[1])):
        cells = body.iloc[:, position]
        short = cells[before & (cells != "") & ~cells.str.contains(r"\d", regex=True)]
        short = short[short.str.len() <= LONGEST_LABEL]
        labels = {text for text in short.unique() if _label(text) in words}
        for row in short.index[short.isin(labels)] if labels else []:
            found[row] = _only_numbers(body.loc[row], words)
        before &= cells == ""
    return found


def _label(text: str) -> str:
    """A label as the vocabulary writes it: one space inside English words, none inside Chinese ones."""
    word = re.sub(r"\s+", " ", folded(text)).rstrip(": ")
    return word if word.isascii() else word.replace(" ", "")


def _only_numbers(row: pd.Series, words: frozenset[str]) -> bool:
    """Beside the label, repeated where cells were merged, there are numbers only."""
    others = [text for text in row if text and _label(text) not in words]
    return all(re.fullmatch(_NUMBER, unicodedata.normalize("NFKC", text)) for text in others)


def _each(body, lines, file, change, rule) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    logs, columns = [], {}
    for name, cells in body.items():
        columns[name] = change(cells)
        logs += changes(cells, columns[name], lines, file, str(name), rule)
    return pd.DataFrame(columns, index=body.index), logs


def changes(before: pd.Series, after: pd.Series, lines: pd.Series, file: str, column, rule: str) -> list[pd.DataFrame]:
    """The log of one column: the cells that are not what they were. ``column`` may differ row by row (unpivoted)."""
    if after is before:
        return []
    before, after = before.fillna(""), after.fillna("")
    changed = before != after
    if not changed.any():
        return []
    column = column if isinstance(column, str) else column[changed]
    return [log(file, lines[changed], column, before[changed], after[changed], rule)]
