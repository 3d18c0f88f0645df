"""Excel workbooks, new (.xlsx) and old (.xls): one sheet becomes rows of text, merged areas filled.

Values, not formats: a date cell gives ISO text, a number its shortest decimal (5, not 5.0).
"""

import datetime as dt
import io
import posixpath
import re
import zipfile
from xml.etree import ElementTree

from sqlib.errors import ClientError

MAGIC = b"PK\x03\x04"
OLD = b"\xd0\xcf\x11\xe0"  # compound file: an old .xls, or an encrypted .xlsx
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # the stream that holds an encrypted .xlsx
# in an old workbook: its beginning, then the record that says it is encrypted (FilePass)
_LOCKED = re.compile(rb"\x09\x08(?:\x10\x00.{16}|\x08\x00.{8})(?:\x86\x00\x00\x00)?\x2f\x00", re.DOTALL)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FAILED = re.compile(rb'<c r="([A-Z]+)(\d+)"[^>]*\bt="e"[^>]*>(?:(?!</c>).)*?<v>([^<]*)</v>', re.DOTALL)

Rows = list[list[str]]
Area = tuple[int, int, int, int]


def read(data: bytes, where: str, sheet: str | None) -> tuple[Rows, list[Area], list[tuple[str, int, str, int]]]:
    """Rows of the named sheet, or of the first visible one with data; its merged areas; what was noticed.

    Raises
    ------
    ClientError : ``intake.damaged``, ``intake.protected``, ``intake.wrong_sheet``, ``intake.file_empty``
    """
    import python_calamine as calamine

    if data.startswith(OLD) and (ENCRYPTED in data or _LOCKED.search(data)):
        raise ClientError("intake.protected", where=where)
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        found, notes = _choose(book, sheet, where)
        values, areas = found.to_python(skip_empty_area=False), found.merged_cell_ranges or []
    except calamine.PasswordError:
        raise ClientError("intake.protected", where=where) from None
    except calamine.CalamineError as error:
        raise ClientError("intake.damaged", where=where, got=error) from None
    rows = [list(map(text, row)) for row in values]
    for row, column, error in _failed(data, found.name) if data.startswith(MAGIC) else ():
        rows[row][column] = rows[row][column] or error
    merged = [(top, left, bottom, right) for (top, left), (bottom, right) in areas]
    return rows, [_fill(rows, area) for area in merged if area[0] < len(rows)], notes


def sheets(data: bytes, where: str) -> list[str]:
    """Names of the visible sheets that hold anything.

    Raises
    ------
    ClientError : ``intake.damaged``, ``intake.protected``
    """
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        visible = [
            entry.name
            for entry in book.sheets_metadata
            if entry.typ == calamine.SheetTypeEnum.WorkSheet and entry.visible == calamine.SheetVisibleEnum.Visible
        ]
        return [name for name in visible if book.get_sheet_by_name(name).height]
    except calamine.PasswordError:
        raise ClientError("intake.protected", where=where) from None
    except calamine.CalamineError as error:
        raise ClientError("intake.damaged", where=where, got=error) from None


def text(value: object) -> str:
    """One cell as text: "" for nothing, the shortest decimal, ISO dates without a midnight that nobody wrote."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ") if value.time() != dt.time() else value.date().isoformat()
    return str(value)


def _choose(book, sheet: str | None, where: str):
    """The sheet to read; hidden sheets and further sheets with data are noted."""
    import python_calamine as calamine

    entries = [entry for entry in book.sheets_metadata if entry.typ == calamine.SheetTypeEnum.WorkSheet]
    names = [entry.name for entry in entries]
    if sheet is not None and sheet not in names:
        raise ClientError("intake.wrong_sheet", where=where, got=sheet, sheets=", ".join(names))
    hidden = [entry.name for entry in entries if entry.visible != calamine.SheetVisibleEnum.Visible]
    order = [sheet] if sheet is not None else [name for name in names if name not in hidden] + hidden
    sheets = [found for name in order if (found := book.get_sheet_by_name(name)).height]
    if not sheets:
        raise ClientError("intake.file_empty", where=where)
    unseen = [name for name in hidden if name != sheets[0].name]
    others = [found.name for found in sheets[1:] if found.name not in hidden]
    notes = [("sheet_hidden", 0, ", ".join(unseen), len(unseen))] if unseen else []
    return sheets[0], notes + ([("sheet_not_read", 0, ", ".join(others), len(others))] if others else [])


def _fill(rows: Rows, area: Area) -> Area:
    """Every cell of a merged area shows what its first cell says."""
    top, left, bottom, right = area
    bottom, right = min(bottom, len(rows) - 1), min(right, len(rows[top]) - 1)
    for row in range(top, bottom + 1):
        rows[row][left : right + 1] = [rows[top][left]] * (right + 1 - left)
    return top, left, bottom, right


def _failed(data: bytes, sheet: str) -> list[tuple[int, int, str]]:
    """(row, column, error) of formulas that failed; calamine shows them as empty cells, which nobody would notice."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        path = _sheet_path(package, sheet)
        if path not in package.namelist():
            return []
        cells = package.read(path)
    found = _FAILED.findall(cells) if b't="e"' in cells else []
    return [(int(row) - 1, _position(letters.decode()), error.decode()) for letters, row, error in found]


def _sheet_path(package: zipfile.ZipFile, sheet: str) -> str:
    if "xl/workbook.xml" not in package.namelist():
        return ""
    book = ElementTree.fromstring(package.read("xl/workbook.xml"))
    ids = {entry.get("name"): entry.get(_RELATION) for entry in book.iter() if entry.tag.endswith("}sheet")}
    links = ElementTree.fromstring(package.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target") for link in links}
    return posixpath.normpath(posixpath.join("/xl", targets.get(ids.get(sheet), ""))).lstrip("/")


def _position(letters: str) -> int:
    """0 for A, 25 for Z, 26 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
