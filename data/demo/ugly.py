"""Making the exports of a demo client ugly, and writing them: spellings of a date, cells as text, merged cells, rows
that are wrong in one stated way. Every function keeps the bytes: nothing here draws from chance or looks at a clock.
"""

import csv
import io
from datetime import datetime

import pandas as pd
import xlsxwriter

STAMP = datetime(2026, 9, 30, 18, 0)  # creation time of every workbook
FULL_WIDTH = str.maketrans("0123456789", "".join(chr(0xFF10 + k) for k in range(10)))


def spelt(times: pd.Series, patterns: list[str], step: int = 1) -> pd.Series:
    """Times as text, the patterns in turn; missing becomes empty."""

    def text(k, t):
        return patterns[k // step % len(patterns)].format(y=t.year, m=t.month, d=t.day, h=t.hour, n=t.minute)

    return pd.Series([text(k, t) if pd.notna(t) else "" for k, t in enumerate(times)], times.index, dtype=object)


def dated(days: pd.Series, patterns: list[str]) -> pd.Series:
    """True dates and text in turn, as when several people keep one workbook."""
    text = spelt(days, patterns, step=2)
    true = (pd.RangeIndex(len(days)) % 2 == 0) & days.notna()
    mixed = [t.to_pydatetime() if is_true else s for t, s, is_true in zip(days, text, true, strict=True)]
    return pd.Series(mixed, days.index, dtype=object)


def alternating(cells: pd.Series, changes: dict, every: int = 25) -> pd.Series:
    """Every ``every``-th cell, counted from the given places, in another spelling."""
    changed = [changes.get(k % every, lambda cell: cell)(cell) for k, cell in enumerate(cells)]
    return pd.Series(changed, cells.index, dtype=object)


def full_width(text: str) -> str:
    return text.translate(FULL_WIDTH)


def is_full_width(cell) -> bool:
    return isinstance(cell, str) and any(digit in FULL_WIDTH.values() for digit in map(ord, cell))


def two_lines(comment: str) -> str:
    half = len(comment) // 2
    return f"{comment[:half]}\n{comment[half:]}" if half > 5 else comment


def is_text(cell) -> bool:
    return isinstance(cell, str) and cell != ""


def total_line(words: dict, first: str, second: str, rows: int) -> dict:
    """The total line: its word in one column, the number of rows in another."""
    return {first: words["total"], second: rows}


def spoil(world, export, frame, numbered=None, blank=()) -> tuple[pd.DataFrame, dict]:
    """Add the rows declared wrong, each a copy of a good late row under a new id; also their number a rule.

    numbered : id column and pattern of the new ids; None where the rows have no id
    """
    wrong = [(flaw["rule"], row) for flaw in world["flaws"][export] for row in flaw["rows"]]
    frame = frame.astype(object).assign(_flaw="", _place=range(len(frame)))
    parts = [frame]
    for k, (rule, changes) in enumerate(wrong, start=1):
        copy = frame.iloc[[len(frame) - 3 * (len(wrong) + 1 - k)]]
        number = {numbered[0]: numbered[1].format(k)} if numbered else {}
        parts.append(copy.assign(**number, **dict.fromkeys(blank, ""), _flaw=rule).assign(**changes))
    both = pd.concat(parts).sort_values("_place", kind="stable", ignore_index=True)
    if "_when" in both:
        both["_when"] = pd.to_datetime(both["_when"])
    return both, {flaw["rule"]: len(flaw["rows"]) for flaw in world["flaws"][export]}


# ---------------------------------------------------------------- writing files


def _layout(world: dict, export: str, frame: pd.DataFrame, total: dict | None) -> tuple[list[str], list[list]]:
    """Header and rows of an export in the order its columns are declared, the total line last."""
    columns = world["export"][export]["columns"]
    rows = frame[list(columns)].to_numpy(dtype=object).tolist()
    return list(columns.values()), rows + ([[total.get(column, "") for column in columns]] if total else [])


def write_text(world, export, frame, raw, counts, total=None, label="") -> dict:
    """A CSV as a spreadsheet saves it: titles padded to the width, Windows line ends."""
    spec = world["export"][export]
    header, rows = _layout(world, export, frame, total)
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerows([title.format(label), *[""] * (len(header) - 1)] for title in spec["title"])
    lines.writerows([header, *rows])
    file = spec["file"].format(label)
    (raw / file).write_bytes(out.getvalue().encode(spec["encoding"]))
    return {file: _counts(spec, rows, total, counts)}


def write_book(world, export, frame, raw, counts, total=None, merge=None, label="") -> dict:
    """A workbook with merged titles and, for ``merge``, one merged cell for every run of equal values."""
    spec = world["export"][export]
    header, rows = _layout(world, export, frame, total)
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    file = spec["file"].format(label)
    with xlsxwriter.Workbook(raw / file, options) as book:
        book.set_properties({"created": STAMP})
        bold = book.add_format({"bold": True, "align": "center"})
        sheet, top = book.add_worksheet(spec["sheet"]), len(spec["title"])
        sheet.set_column(0, len(header) - 1, 16)
        for line, title in enumerate(spec["title"]):
            sheet.merge_range(line, 0, line, len(header) - 1, title.format(label), bold)
        sheet.write_row(top, 0, header, bold)
        _write_rows(book, sheet, top + 1, rows)
        if merge:
            _merge_runs(sheet, frame[merge].tolist(), top + 1, list(spec["columns"]).index(merge), bold)
    return {file: _counts(spec, rows, total, counts)}


def _write_rows(book, sheet, top: int, rows: list[list]) -> None:
    day, time = (book.add_format({"num_format": code}) for code in ("yyyy/m/d", "yyyy/m/d h:mm"))
    for line, row in enumerate(rows, start=top):
        for column, cell in enumerate(row):
            if isinstance(cell, datetime):
                sheet.write_datetime(line, column, cell, time if cell.hour else day)
            elif cell != "":
                sheet.write(line, column, cell)


def _merge_runs(sheet, values: list, top: int, column: int, style) -> None:
    first = 0
    for k in range(1, len(values) + 1):
        if k == len(values) or values[k] != values[first]:
            if k - first > 1:
                sheet.merge_range(top + first, column, top + k - 1, column, values[first], style)
            first = k


def _counts(spec: dict, rows: list, total: dict | None, counts: dict) -> dict:
    """``raw_rows`` counts every line below the header, the total line too."""
    return {"raw_rows": len(rows), "title_rows": len(spec["title"]), "total_rows": int(bool(total)), **counts}


# ---------------------------------------------------------------- counts


def as_toml(table: dict, name: str = "") -> str:
    """A nested dict of integers as TOML."""
    lines = [f"{_key(key)} = {value}" for key, value in table.items() if not isinstance(value, dict)]
    head = [f"[{name}]"] if name and lines else []
    below = [as_toml(part, f"{name}.{_key(key)}".lstrip(".")) for key, part in table.items() if isinstance(part, dict)]
    return "\n".join([*head, *lines, *([""] if lines else []), *below])


def _key(text: str) -> str:
    return text if text.isascii() and text.isidentifier() else f'"{text}"'
