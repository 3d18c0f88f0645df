"""Forms: workbooks that go out to a person and come back filled in.

``words/forms/<form>.toml`` declares a form once: its sheets, their columns, which of them are filled in, the choices of
the drop-downs, what to do. ``write`` makes the workbook in one language; ``read`` takes it back by its headings, in
either language, in any order of columns and rows, and names the cell where something cannot be read.
"""

import datetime as dt
import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sqlib import contracts, words, workbook
from sqlib.errors import ClientError
from sqlib.faults import listed, nearest

FOLDER = Path(__file__).parent / "words" / "forms"
ABOUT = "about"  # the first sheet: what this is and how to fill it
NAMED = 5  # cells listed in one message
SHADE = "#FFF2CC"  # background of what is to be filled in
SPARE = 500  # empty lines below the last row that get drop-downs too


@dataclass(frozen=True)
class Column:
    """One column of a sheet; ``entry``: a person fills it in; ``choices``: code -> label by language."""

    name: str
    label: dict[str, str]
    note: dict[str, str] = field(default_factory=dict)
    entry: bool = False
    type: str = "text"  # text | number | date | choice
    choices: dict[str, dict[str, str]] = field(default_factory=dict)
    width: int = 0  # characters; 0: as wide as the content
    optional: bool = False  # may be absent when the workbook returns


@dataclass(frozen=True)
class Sheet:
    """One sheet; ``key``: the columns that tell its rows apart."""

    name: str
    title: dict[str, str]
    key: tuple[str, ...]
    columns: dict[str, Column]


@dataclass(frozen=True)
class Form:
    """One kind of workbook; ``version`` rises when a column changes its meaning."""

    name: str
    version: int
    title: dict[str, str]
    guide: dict[str, list[str]]
    sheets: dict[str, Sheet]


def names() -> list[str]:
    """Names of all declared forms."""
    return sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != ABOUT)


@functools.cache
def load(name: str) -> Form:
    """The declaration of one form."""
    declared = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    sheets = {code: _sheet(code, entry) for code, entry in declared["sheets"].items()}
    return Form(name, declared["version"], declared["title"], declared["guide"], sheets)


def _widened(form: Form, columns: dict[str, list[Column]]) -> Form:
    """The form with columns of the client's own before the first column to fill in."""
    return replace(form, sheets={code: _wider(sheet, columns.get(code, [])) for code, sheet in form.sheets.items()})


def _wider(sheet: Sheet, columns: list[Column]) -> Sheet:
    declared = list(sheet.columns.values())
    place = next((at for at, column in enumerate(declared) if column.entry), len(declared))
    every = (*declared[:place], *columns, *declared[place:])
    return replace(sheet, columns={column.name: column for column in every})


def _sheet(code: str, entry: dict) -> Sheet:
    columns = {name: Column(name, **column) for name, column in entry["columns"].items()}
    return Sheet(code, entry["title"], tuple(entry.get("key", ())), columns)


# --- going out ------------------------------------------------------------------------------------------------


def write(
    name: str, sheets: dict[str, pd.DataFrame], path: Path, language: str, *, about: dict[str, str] | None = None,
    choices: dict[tuple[str, str], list[str] | pd.Series] | None = None, more: dict[str, pd.DataFrame] | None = None,
    columns: dict[str, list[Column]] | None = None,
) -> Path:  # fmt: skip
    """Write a form: frozen headings with notes, shaded columns to fill in, drop-downs, a sheet that says how.

    Parameters
    ----------
    sheets : sheet -> rows, columns by their code; a column that is not there stays empty; choices are given as codes
    about : what else stands on the first sheet: heading -> value, such as the client
    choices : (sheet, column) -> values of a drop-down that depend on the client; a Series holds a list for each row
    more : sheets to read only, title -> rows, headings as they are
    columns : sheet -> columns that depend on the client; they stand before those the form has to fill in

    Raises
    ------
    ArgumentError : ``workbook.unwritable``
    """
    import xlsxwriter

    form = _widened(load(name), columns or {})

    def fill(draft: Path) -> None:
        with xlsxwriter.Workbook(draft, workbook.OPTIONS) as book:
            book.set_properties({"created": workbook.MADE})
            formats = _formats(book)
            _about(book, form, about or {}, language, formats)
            pages = {code: book.add_worksheet(form.sheets[code].title[language]) for code in sheets}
            for title, frame in (more or {}).items():
                workbook.fill(book.add_worksheet(title), frame, formats["head"], language)
            lists = _Lists(book, _words()["lists"][language])
            for code, frame in sheets.items():
                _fill(pages[code], form.sheets[code], frame, language, formats, lists, choices or {})

    return workbook.beside(Path(path), fill)


def _formats(book) -> dict:
    head = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
    text = {"text_wrap": True, "valign": "top"}
    return {
        "head": book.add_format(head),
        "entry_head": book.add_format(head | {"bg_color": SHADE}),
        "shown": book.add_format(text),
        "entry": book.add_format(text | {"bg_color": SHADE, "num_format": "@"}),
        "number": book.add_format(text | {"bg_color": SHADE}),
        "title": book.add_format({"bold": True, "font_size": 14}),
    }


def _about(book, form: Form, about: dict[str, str], language: str, formats: dict) -> None:
    """What this is, how to fill it in, and the stamp by which it is known when it returns."""
    words = _words()
    sheet = book.add_worksheet(words["title"][language])
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100, formats["shown"])
    sheet.write_string(0, 0, form.title[language], formats["title"])
    lines = [(words["client"][language] if name == "client" else name, value) for name, value in about.items()]
    lines += [(str(number), text) for number, text in enumerate(form.guide[language], 1)]
    lines += [(words["form"][language], form.name), (words["version"][language], str(form.version))]
    for line, (heading, value) in enumerate(lines, 2):
        sheet.write_string(line, 0, heading)
        sheet.write_string(line, 1, value)


class _Lists:
    """The sheet that holds the choices of the drop-downs, one column a list."""

    def __init__(self, book, title: str):
        self.sheet, self.places = book.add_worksheet(title), {}

    def source(self, values: tuple[str, ...]) -> str:
        from xlsxwriter.utility import xl_rowcol_to_cell

        place = self.places.setdefault(values, len(self.places))
        for row, value in enumerate(values):
            self.sheet.write_string(row, place, value)
        ends = (xl_rowcol_to_cell(row, place, row_abs=True, col_abs=True) for row in (0, len(values) - 1))
        return f"='{self.sheet.get_name()}'!{':'.join(ends)}"


def _fill(page, sheet: Sheet, frame: pd.DataFrame, language: str, formats: dict, lists: _Lists, choices: dict) -> None:
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, max(len(frame), 1), len(sheet.columns) - 1)
    for place, column in enumerate(sheet.columns.values()):
        label = column.label[language]
        page.write_string(0, place, label, formats["entry_head" if column.entry else "head"])
        if column.note:
            page.write_comment(0, place, column.note[language], {"x_scale": 2})
        cells = _worded(frame, column, language)
        width = column.width or workbook.width(cells, label)
        blank = formats["number" if column.type == "number" else "entry"] if column.entry else formats["shown"]
        page.set_column(place, place, width)
        for line in range(1, len(frame) + 1):
            _cell(page, line, place, cells.iloc[line - 1], blank, language)
        given = [choice[language] for choice in column.choices.values()] or choices.get((sheet.name, column.name), ())
        for first, last, values in _runs(given, len(frame)) if column.entry else ():
            strict = "stop" if column.type == "choice" else "warning"
            rule = {"validate": "list", "source": lists.source(values), "error_type": strict}
            page.data_validation(first, place, last, place, rule)


def _runs(given: list[str] | pd.Series, rows: int) -> list[tuple[int, int, tuple[str, ...]]]:
    """First and last line of each stretch with the same choices; one list holds for the spare lines too."""
    if not isinstance(given, pd.Series):
        return [(1, rows + SPARE, tuple(given))] if len(given) else []
    runs: list[tuple[int, int, tuple[str, ...]]] = []
    for line, values in enumerate(map(tuple, given), 1):
        if runs and runs[-1][2] == values:
            runs[-1] = (runs[-1][0], line, values)
        else:
            runs.append((line, line, values))
    return [run for run in runs if run[2]]


def _worded(frame: pd.DataFrame, column: Column, language: str) -> pd.Series:
    if column.name not in frame:
        return pd.Series("", index=frame.index, dtype="str")
    cells = frame[column.name]
    return cells.map(lambda code: column.choices[code][language] if code in column.choices else code)


def _cell(page, line: int, place: int, value, look, language: str) -> None:
    if isinstance(value, str) and value:
        page.write_string(line, place, workbook.shortened(value, language), look)
    elif value == "" or pd.isna(value):
        page.write_blank(line, place, None, look)
    elif pd.api.types.is_number(value) and not pd.api.types.is_bool(value):
        page.write_number(line, place, float(value), look)
    else:
        page.write_string(line, place, str(value).removesuffix(" 00:00:00"), look)


# --- coming back ----------------------------------------------------------------------------------------------


def read(
    name: str, path: Path, where: str = "", *, client: str = "", columns: dict[str, list[Column]] | None = None
) -> dict[str, pd.DataFrame]:
    """Read a form back: sheet -> its rows that hold anything, columns by their code, every cell as text ("" = empty).

    Choices come back as codes, dates as ISO text, numbers without a superfluous ``.0``. ``line`` is the row in the
    workbook; ``cell`` finds a cell again. ``where`` names the file in messages; by default folder and file name.
    ``client``: the client whose workbook it must be, as ``about`` of ``write`` had it. ``columns`` are those that
    depend on the client, as they were written; an ``optional`` one is left out where the workbook has no such heading.

    Raises
    ------
    ClientError : ``forms.damaged``, ``forms.another_form``, ``forms.old_version``, ``forms.another_client``,
        ``forms.sheet_missing``, ``forms.column_missing``, ``forms.column_twice``, ``forms.formula``,
        ``forms.wrong_choice``, ``forms.locked``, ``forms.not_a_number``, ``forms.not_a_date``, ``forms.row_twice``
    """
    form, path = _widened(load(name), columns or {}), Path(path)
    where = where or f"{path.parent.name}/{path.name}"
    again = _words()["again"].get(name, _words()["again"]["others"])
    book = _opened(content(path, where), where, again)
    try:
        _check_stamp(book, form, where, client, again)
        return {code: _returned(book, sheet, where, again) for code, sheet in form.sheets.items()}
    finally:
        book.close()


def content(path: Path, where: str) -> bytes:
    """The bytes of a workbook.

    Raises
    ------
    ClientError : ``forms.locked`` where another program holds it
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ClientError("forms.locked", where=where, got=error.strerror) from None


def _opened(data: bytes, where: str, again: dict[str, str]):
    import io
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return load_workbook(io.BytesIO(data), read_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        got = _words()["damaged"]["cut" if data.startswith(b"PK") else "other"]
        raise ClientError("forms.damaged", where=where, got=got, again=again) from None


def _check_stamp(book, form: Form, where: str, client: str, again: dict[str, str]) -> None:
    """The first sheet still says which form this is, in which version, and whose."""
    words = _words()
    about = next((book[title] for title in words["title"].values() if title in book.sheetnames), None)
    rows = [] if about is None else [[_text(cell) for cell in row[:2]] for row in about.iter_rows(values_only=True)]
    stamp = {row[0]: row[1] for row in rows if len(row) == 2}
    found = {
        part: next((stamp[h] for h in words[part].values() if h in stamp), "") for part in ("form", "version", "client")
    }
    if found["form"] != form.name:
        values = {"got": found["form"] or "–", "wanted": form.name, "again": again}
        raise ClientError("forms.another_form", where=where, sheet=" / ".join(words["title"].values()), **values)
    if found["version"] != str(form.version):
        values = {"got": found["version"] or "–", "wanted": form.version, "again": again}
        raise ClientError("forms.old_version", where=where, **values)
    if client and found["client"] != client:
        values = {"got": found["client"] or "–", "wanted": client}
        raise ClientError("forms.another_client", where=where, sheet=" / ".join(words["title"].values()), **values)


def _returned(book, sheet: Sheet, where: str, again: dict[str, str]) -> pd.DataFrame:
    title = next((title for title in sheet.title.values() if title in book.sheetnames), None)
    if title is None:
        values = {"got": listed(book.sheetnames), "wanted": sheet.title, "again": again}
        raise ClientError("forms.sheet_missing", where=where, **values)
    place = f"{where}: {title}"
    lines = list(book[title].iter_rows())
    columns = _columns(lines[0] if lines else (), sheet, place, again)
    rows = []
    for line, cells in enumerate(lines[1:], 2):
        row = {name: cells[at] if at < len(cells) else None for name, at in columns.items()}
        if any(cell is not None and _text(cell.value) for cell in row.values()):
            rows.append(row | {"line": line})
    frame = pd.DataFrame(rows, columns=[*columns, "line"])
    for name, at in columns.items():
        frame[name] = _read_column(frame, sheet.columns[name], at, place)
    _check_keys(frame, sheet, place)
    frame.attrs = {"place": place, "columns": columns}
    return frame


def cell(frame: pd.DataFrame, line: int, column: str = "") -> str:
    """Where something stands in a sheet that was read: ``acme/form.xlsx: Sheet, B5``, or the row alone."""
    from openpyxl.utils import get_column_letter

    letter = get_column_letter(frame.attrs["columns"][column] + 1) if column else ""
    return f"{frame.attrs['place']}, {letter or '#'}{line}"


def _columns(header, sheet: Sheet, place: str, again: dict[str, str]) -> dict[str, int]:
    """Column -> its place, by its heading in either language."""
    headings = [contracts.normalised(_text(cell.value)) for cell in header]
    found = {}
    for column in sheet.columns.values():
        wanted = {contracts.normalised(label) for label in column.label.values()}
        places = [at for at, heading in enumerate(headings) if heading in wanted]
        if not places and column.optional:
            continue
        if not places:
            there = listed([_text(cell.value) for cell in header if _text(cell.value)]) or "–"
            raise ClientError("forms.column_missing", where=place, wanted=column.label, got=there, again=again)
        if len(places) > 1:
            raise ClientError("forms.column_twice", where=place, got=column.label)
        found[column.name] = places[0]
    return found


def _read_column(frame: pd.DataFrame, column: Column, at: int, place: str) -> pd.Series:
    """One column as text; what stands where a person writes is checked."""
    cells = frame[column.name]
    formulas = cells.map(_is_formula).astype(bool) & column.entry
    if formulas.any():
        named = _named(formulas, frame, column, at, place)
        raise ClientError("forms.formula", **named)
    texts = cells.map(lambda cell: "" if cell is None else _text(cell.value)).astype("str")
    if column.type == "choice":
        return _choices(texts, frame, column, at, place)
    if not column.entry or column.type == "text":
        return texts
    _check_values(texts, frame, column, at, place)
    return texts


def _is_formula(cell) -> bool:
    return cell is not None and getattr(cell, "data_type", "") == "f"


def _choices(texts: pd.Series, frame: pd.DataFrame, column: Column, at: int, place: str) -> pd.Series:
    """Labels of either language, or codes, become codes."""
    known = {"": ""}
    for code, label in column.choices.items():
        known |= dict.fromkeys(map(contracts.normalised, (code, *label.values())), code)
    codes = texts.map(contracts.normalised).map(known)
    if codes.isna().any():
        named = _named(codes.isna(), frame, column, at, place)
        near = nearest(texts[codes.isna()].iloc[0], [text for one in column.choices.values() for text in one.values()])
        raise ClientError("forms.wrong_choice", allowed=worded(column.choices.values()), nearest=near, **named)
    return codes


def worded(labels: Iterable[dict[str, str]]) -> dict[str, str]:
    """Labels listed in each language, for a message."""
    labels = list(labels)
    return {language: listed(list(dict.fromkeys(label[language] for label in labels))) for language in words.LANGUAGES}


def _check_values(texts: pd.Series, frame: pd.DataFrame, column: Column, at: int, place: str) -> None:
    """Numbers are numbers and dates are dates."""
    if column.type == "number":
        wrong = pd.to_numeric(texts, errors="coerce").isna() & (texts != "")
        if wrong.any():
            named = _named(wrong, frame, column, at, place)
            raise ClientError("forms.not_a_number", **named)
    else:
        wrong = pd.to_datetime(texts.str.slice(0, 10), format="%Y-%m-%d", errors="coerce").isna() & (texts != "")
        if wrong.any():
            named = _named(wrong, frame, column, at, place)
            raise ClientError("forms.not_a_date", **named)


def _named(wrong: pd.Series, frame: pd.DataFrame, column: Column, at: int, place: str) -> dict[str, str]:
    """Where the cells are that cannot be read, and what the first of them holds."""
    from openpyxl.utils import get_column_letter

    lines, first = frame.loc[wrong, "line"], frame.loc[wrong, column.name].iloc[0]
    cells = ", ".join(f"{get_column_letter(at + 1)}{line}" for line in lines.head(NAMED))
    cells += f" … ({len(lines)})" if len(lines) > NAMED else ""
    return {"where": f"{place}, {cells}", "column": column.label, "got": repr(_text(first.value))}


def _check_keys(frame: pd.DataFrame, sheet: Sheet, place: str) -> None:
    if not sheet.key or frame.empty:
        return
    again = frame.duplicated(list(sheet.key))
    if again.any():
        row = frame[again].iloc[0]
        got = " | ".join(row[name] for name in sheet.key if row[name])
        raise ClientError("forms.row_twice", where=place, line=int(row["line"]), got=got)


def _text(value) -> str:
    """A cell as text: whole numbers without a point, dates as ISO."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d}" if value.time() == dt.time() else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value).strip()


@functools.cache
def _words() -> dict:
    return tomllib.loads((FOLDER / f"{ABOUT}.toml").read_text(encoding="utf-8"))
