"""A file becomes a grid of texts, cell for cell; nothing is interpreted, nothing is dropped.

Which reader is used is decided by the first bytes of the file, not by its name: a workbook saved as ``.csv`` and a
text file saved as ``.xls`` are both read for what they are.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from sqlib import decoding, webtables, workbooks
from sqlib.errors import ClientError

DELIMITERS = (",", "\t", ";", "|")
NAMED = 20  # lines named in one problem
CHUNK = 5_000  # records turned into columns at a time: what is soon freed is fast, and little memory
LONGEST = 2**31 - 1  # characters in one cell


@dataclass(frozen=True)
class Grid:
    """What one file, or one sheet of a workbook, holds.

    cells : text, "" where empty; columns 0, 1, …
    lines : the line of each record as a person sees it in the file; a record over several lines has its first
    merged : (top, left, bottom, right) of merged areas, positions in ``cells``; already filled
    notes : what the reader noticed: (rule, line, value, count)
    header : position of the header where the format knows it
    widths : cells written in each record, where records may differ (text files)
    """

    cells: pd.DataFrame
    lines: np.ndarray
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    notes: list[tuple[str, int, str, int]] = field(default_factory=list)
    header: int | None = None
    widths: np.ndarray | None = None


def read(path: Path, where: str, sheet: str | None = None, encoding: str | None = None) -> Grid:
    """Read one CSV, TSV, workbook, web page with a table, or Parquet file.

    Raises
    ------
    ClientError : the file is empty, protected, damaged, not decodable, a page without a table, or lacks the sheet
    """
    data = path.read_bytes()
    if not data.strip():
        raise ClientError("intake.file_empty", where=where)
    if data.startswith(b"PAR1"):
        return _parquet(data, where)
    if data.startswith((workbooks.MAGIC, workbooks.OLD)):
        rows, merged, notes = workbooks.read(data, where, sheet)
        return Grid(_sheet(rows), np.arange(1, len(rows) + 1), merged, notes)
    if webtables.is_page(data):
        return _page(data, where, encoding)
    return _text(data, where, encoding)


def some(lines) -> str:
    """The first line numbers of many."""
    return ", ".join(map(str, lines[:NAMED])) + ("…" if len(lines) > NAMED else "")


def _text(data: bytes, where: str, declared: str | None) -> Grid:
    text, notes = _decoded(data, where, declared)
    lines = list(io.StringIO(text, newline=""))
    numbers, loose, widths, parts = [], [], [], []
    for first, records in _chunks(lines, sniff(lines), loose):
        numbers.append(first)
        widths.append(np.fromiter(map(len, records), int, len(records)))
        parts.append(_arrays(records, max(widths[-1].max(), 1)))
    if loose:
        notes.append(("quote_unclosed", loose[0], some(loose), len(loose)))
    return Grid(_frame(parts), np.concatenate(numbers), notes=notes, widths=np.concatenate(widths))


def _decoded(data: bytes, where: str, declared: str | None) -> tuple[str, list[tuple[str, int, str, int]]]:
    """The text of a file, and what was noticed about its encoding."""
    text, encoding, broken = decoding.decode(data, declared, where)
    if not text.strip():
        raise ClientError("intake.file_empty", where=where)
    notes = [("undecodable", 0, encoding, broken)] if broken else []
    if encoding.lower() not in {"utf-8", "utf8", "utf-8-sig"}:
        notes.append(("encoding_decoded", 0, encoding, 1))
    return text, notes


def _page(data: bytes, where: str, declared: str | None) -> Grid:
    """The largest table of a web page, as many systems write it under the name of a workbook."""
    text, notes = _decoded(data, where, declared)
    rows, merged = webtables.read(text)
    if not rows:
        raise ClientError("intake.web_page", where=where)
    return Grid(_sheet(rows), np.arange(1, len(rows) + 1), merged, notes)


def _sheet(rows: list[list[str]]) -> pd.DataFrame:
    """Rows of a sheet or page as a frame of texts."""
    return _frame([_arrays(rows, max(map(len, rows), default=0))])


def sniff(lines: list[str]) -> str:
    """The delimiter that splits most of the first records into the same number of cells; the wider on a tie."""
    sample = [line for line in lines[:200] if line.strip()]

    def evenness(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(record) for record in csv.reader(sample, delimiter=delimiter) if record)
        width, count = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
        return (count / widths.total(), width) if width > 1 else (0.0, 1)

    _limit()
    return max(DELIMITERS, key=evenness)


def _chunks(lines: list[str], delimiter: str, loose: list[int]) -> Iterator[tuple[np.ndarray, list[list[str]]]]:
    """First lines and cells of the records, ``CHUNK`` at a time; from the first loose quote on line by line."""
    reader, done = csv.reader(lines, delimiter=delimiter, strict=True), 0
    try:
        while chunk := [(reader.line_num, record) for record in islice(reader, CHUNK)]:
            last, records = zip(*chunk, strict=True)
            yield np.array([done, *last[:-1]]) + 1, list(records)
            done = last[-1]
    except csv.Error:
        odd = _records(lines, delimiter, loose, done)
        while chunk := list(islice(odd, CHUNK)):
            first, records = zip(*chunk, strict=True)
            yield np.array(first), list(records)


def _records(lines: list[str], delimiter: str, loose: list[int], start: int) -> Iterator[tuple[int, list[str]]]:
    """(first line, cells) of every record from line ``start`` on.

    A quote that is never closed, or closes in the middle of a cell, would swallow the lines after it: such a line is
    read by itself and its number added to ``loose``.
    """
    while start < len(lines):
        reader = csv.reader(map(lines.__getitem__, range(start, len(lines))), delimiter=delimiter, strict=True)
        done = 0
        try:
            for record in reader:
                yield start + done + 1, record
                done = reader.line_num
        except csv.Error:
            line = start + done
            loose.append(line + 1)
            yield line + 1, _single(lines[line], delimiter)
            start = line + 1
        else:
            return


def _single(line: str, delimiter: str) -> list[str]:
    """One line whose quotes do not pair: read forgivingly, or with plain quotes if that splits more."""
    forgiving = next(csv.reader([line], delimiter=delimiter), [])
    plain = next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
    return max(forgiving, plain, key=len)


def _limit() -> None:
    csv.field_size_limit(LONGEST)  # the default of 131,072 characters would refuse a long comment


def _arrays(records: list[list[str]], width: int) -> list:
    """Records as one Arrow array of text a column; short records are filled with ""."""
    import pyarrow as pa

    full = [record if len(record) == width else record + [""] * (width - len(record)) for record in records]
    return [pa.array(values, pa.large_string()) for values in zip(*full, strict=True)]


def _frame(parts: list[list]) -> pd.DataFrame:
    """Columns of text, the parts one below the other; a part with fewer columns is filled with ""."""
    import pyarrow as pa

    width = max(map(len, parts), default=0)
    nothing = pa.scalar("", pa.large_string())
    full = [part + [pa.repeat(nothing, len(part[0]))] * (width - len(part)) for part in parts if part]
    columns = [pa.concat_arrays(arrays) for arrays in zip(*full, strict=True)]
    table = pa.table(columns, list(map(str, range(width))))
    return table.to_pandas().set_axis(range(width), axis=1)


def _parquet(data: bytes, where: str) -> Grid:
    """Parquet knows its header: it counts as line 1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise ClientError("intake.damaged", where=where, got=error) from None
    if not table.column_names:
        raise ClientError("intake.file_empty", where=where)
    columns = [[name, *map(workbooks.text, table[name].to_pylist())] for name in table.column_names]
    cells = pd.DataFrame(dict(enumerate(columns)), dtype="str")
    return Grid(cells, np.arange(1, len(cells) + 1), header=0)
