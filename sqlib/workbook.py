"""Writing what others open: workbooks and CSV in which no text becomes a formula or a link.

A file is written beside its place and renamed; one that is open in another program is named, never half written.
"""

import contextlib
import datetime as dt
import math
import os
import unicodedata
from pathlib import Path

import pandas as pd

from sqlib import words
from sqlib.errors import ArgumentError

CELL = 32_000  # characters; Excel holds 32,767 and a longer text would vanish
SHEET = 1_048_000  # rows; Excel holds 1,048,576
MADE = dt.datetime(2000, 1, 1)  # fixed, so that the same content gives the same bytes
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
UNBOUNDED = "\N{INFINITY}"  # a workbook holds no such number
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(sheets: dict[str, pd.DataFrame], path: Path, language: str) -> Path:
    """Write one sheet per frame: bold frozen header, filter, sensible widths; long texts cut with a note.

    Raises
    ------
    ArgumentError : ``workbook.unwritable`` where the folder or the file cannot be written
    """
    import xlsxwriter

    def make(draft: Path) -> None:
        with xlsxwriter.Workbook(draft, OPTIONS) as book:
            book.set_properties({"created": MADE})
            head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
            for name, frame in sheets.items():
                fill(book.add_worksheet(name), frame, head, language)

    return beside(Path(path), make)


def write_csv(frame: pd.DataFrame, path: Path) -> Path:
    """Write a CSV a spreadsheet opens safely: UTF-8 with mark, texts that look like formulas behind an apostrophe.

    Raises
    ------
    ArgumentError : ``workbook.unwritable``
    """
    safe = frame.apply(_quoted).rename(columns=_harmless)
    return beside(Path(path), lambda draft: safe.to_csv(draft, index=False, encoding="utf-8-sig", lineterminator="\n"))


def shortened(text: str, language: str) -> str:
    """A text as a cell can hold it."""
    if len(text) <= CELL:
        return text
    return text[:CELL] + words.entry("workbook", "cut")[language].format(n=f"{len(text):,}")


def fill(sheet, frame: pd.DataFrame, head, language: str) -> None:
    """Fill one sheet of an open workbook; ``head`` is the format of the header."""
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(frame.columns):
        sheet.write_string(0, place, str(name), head)
        sheet.set_column(place, place, width(frame.iloc[:, place], str(name)))
    if len(frame):
        sheet.autofilter(0, 0, min(len(frame), SHEET), len(frame.columns) - 1)
    for line, row in enumerate(frame.head(SHEET).itertuples(index=False, name=None), 1):
        for place, value in enumerate(row):
            cell(sheet, line, place, value, language)
    if len(frame) > SHEET:
        left = words.entry("workbook", "rows_left_out")[language].format(n=f"{len(frame) - SHEET:,}")
        sheet.write_string(SHEET + 1, 0, left)


def cell(sheet, line: int, place: int, value, language: str, form=None) -> None:
    """One value as what it is: text, a flag or a number, never a formula or a link; nothing where it is missing."""
    if isinstance(value, str):
        sheet.write_string(line, place, shortened(value, language), form)
    elif pd.isna(value):
        return
    elif pd.api.types.is_bool(value):
        sheet.write_boolean(line, place, bool(value), form)
    elif not pd.api.types.is_number(value):
        sheet.write_string(line, place, str(value).removesuffix(" 00:00:00"), form)
    elif math.isinf(value):
        sheet.write_string(line, place, UNBOUNDED if value > 0 else f"{words.MINUS}{UNBOUNDED}", form)
    else:
        sheet.write_number(line, place, float(value), form)


def width(cells: pd.Series, name: str) -> float:
    """Width of a column in characters, full-width ones counted twice, between 8 and 60."""
    longest = max((length(str(value)[:60]) for value in (name, *cells.dropna().head(200))), default=0)
    return min(max(longest + 2, 8), 60)


def length(text: str) -> int:
    """Characters of a text, full-width ones counted twice."""
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def _quoted(cells: pd.Series) -> pd.Series:
    return cells.map(_harmless) if cells.dtype.kind == "O" else cells  # texts, categories, mixed


def _harmless(value):
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def beside(path: Path, fill) -> Path:
    """Make a file beside its place, then rename it."""
    from xlsxwriter.exceptions import FileCreateError

    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fill(draft)
        draft.replace(path)
    except (OSError, FileCreateError) as error:
        cause = error if isinstance(error, OSError) else error.args[0]  # xlsxwriter wraps the fault of the disk
        raise ArgumentError("workbook.unwritable", where=path, got=cause.strerror or cause) from error
    finally:
        with contextlib.suppress(OSError):  # where no draft could be made there is none to remove
            draft.unlink()
    return path
