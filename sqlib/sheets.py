"""The sheets of a file as tables of text under their own headers, read as intake reads them but for no table yet."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sqlib import contracts, headers, mapping, readers, repairs, workbooks
from sqlib.errors import ClientError


@dataclass(frozen=True)
class Sheet:
    """One sheet: ``name`` is "" where the file has no other; ``body`` text, "" where empty, headers made different.

    repeated : header made different -> header as written; line : where the header stands in the file
    """

    file: str
    name: str
    body: pd.DataFrame
    repeated: dict[str, str]
    line: int


def read(folder: Path, path: Path) -> list[Sheet]:
    """Every visible sheet of one file that holds a table.

    Raises
    ------
    ClientError : the file is empty, protected, damaged or not decodable
    """
    file = path.relative_to(folder).as_posix()
    where = f"{folder.name}/{file}"
    names = workbooks.sheets(path.read_bytes(), where) if _is_workbook(path) else [""]
    found = [_sheet(file, name, readers.read(path, where, name or None)) for name in names]
    found = [sheet for sheet in found if len(sheet.body.columns)]
    if not found:
        raise ClientError("intake.file_empty", where=where)
    found = [sheet for sheet in found if len(sheet.body)] or found  # a sheet of notes under one heading is no table
    return found if len(names) > 1 else [Sheet(file, "", one.body, one.repeated, one.line) for one in found]


def _is_workbook(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (workbooks.MAGIC, workbooks.OLD)


def _sheet(file: str, name: str, grid: readers.Grid) -> Sheet:
    first, last = headers.find(grid, _known)
    unique, repeated = mapping.unique(headers.names(grid.cells, first, last))
    body = grid.cells.iloc[last + 1 :].set_axis(unique, axis=1).reset_index(drop=True)
    lines = pd.Series(grid.lines[last + 1 :], dtype="int64")
    body = repairs.clear_errors(repairs.trim(body, lines, file)[0], lines, file)[0]
    blank, total = repairs.useless_lines(body)
    nameless = [column for column in body if column.startswith("(") and (body[column] == "").all()]
    body = body[~(blank | total)].drop(columns=nameless).reset_index(drop=True)
    return Sheet(file, name, body, repeated, int(grid.lines[last]))


def _known(text: str) -> int:
    """Does any table know this header?"""
    return int(any(contracts.match(text, contracts.load(table)) for table in contracts.names()))
