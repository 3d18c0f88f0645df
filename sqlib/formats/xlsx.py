"""One workbook a page: every table handed over with its types, the findings, a dictionary of the columns, the codes.

Headers are in the language of the page the workbook is made from; the sheet "about" and the dictionary hold both.
"""

import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from sqlib import brand, catalogue, findings, notebook, style, words, workbook
from sqlib.errors import SqlibError
from sqlib.formats import Source, headings
from sqlib.formats.headings import Heading

NAME = 31  # characters of a sheet's name
WIDE, NARROW = 60, 11  # widths of columns, in characters
LINE, TALL = 15, 27  # points of a line; Excel shows no row higher than 409 points
PAGE, SMALL = 260, 60  # characters that can be read across a page of A4; per cent, where they need several
_UNFIT = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_CODED = (
    "verdict", "term", "terms", "field", "cell", "member", "item", "theme", "level", "unit",
)  # fmt: skip  # formats worded from codes
DATE, MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


@dataclass(frozen=True)
class Table:
    """A table as a sheet shows it: ``key`` as handed over, ``themes`` the names of the client's code book."""

    key: str
    frame: pd.DataFrame
    heads: list[Heading]
    themes: dict[str, dict[str, str]]
    sheet: str = ""


def make(source: Source, target: Path) -> Path:
    """Write the workbook of a page; the same tables and findings give the same bytes.

    Raises
    ------
    SqlibError : ``formats.no_tables`` where the job kept no typed tables
    """
    import xlsxwriter

    if source.typed is None or not source.typed.is_dir():
        raise SqlibError("formats.no_tables", where=target.name, stem=source.stem)
    harvest = notebook.harvest(notebook.read(source.executed))
    tables = _named(source, [*_handed_over(source, harvest["report"]), _findings(source, harvest["findings"])])

    def write(draft: Path) -> None:
        with xlsxwriter.Workbook(draft, workbook.OPTIONS) as book:
            book.set_properties({"created": workbook.MADE})
            _Sheets(book, source, harvest["report"]).fill(tables)

    return workbook.beside(Path(target), write)


def _handed_over(source: Source, report: dict) -> Iterator[Table]:
    """The tables in the order of the page's words; a file that is no Parquet raises and is the job's reason."""
    order = list(words.catalogue(source.stem).get("table", ()))
    for path in sorted(source.typed.glob("*.parquet"), key=lambda path: (*_place(path.stem, order), path.stem)):
        frame = pd.read_parquet(path)
        heads = [
            replace(head, format=words.in_currency(head.format, report["currency"]))
            for head in headings.of(source.stem, path.stem, list(frame.columns))
        ]
        yield Table(path.stem, frame, heads, frame.attrs.get("themes", {}))


def _place(key: str, order: list[str]) -> tuple[int]:
    return (order.index(key) if key in order else len(order),)


def _findings(source: Source, found: list[dict]) -> Table:
    """Every finding with its statement; one the consultant withholds only as far as its record says that it is."""
    rows = [findings.withheld(each) if each.get("withheld") else each for each in found]
    said = [row.get("parts", {}).get("statement", "") for row in rows]
    frame = pd.DataFrame(rows, columns=findings.COLUMNS).assign(statement=said)
    frame[list(findings.NUMBERS)] = frame[list(findings.NUMBERS)].astype("float64")
    return Table("findings", frame, headings.of(source.stem, "", list(frame.columns)), {})


def _named(source: Source, tables: list[Table]) -> list[Table]:
    """The tables with the names of their sheets: valid, unique, in the language of the page."""
    taken = {
        words.entry("columns", "sheet", name)[source.language].casefold() for name in ("about", "dictionary", "codes")
    }
    named = []
    for table in tables:
        name = _free(_title(source.stem, table.key, "sheet")[source.language], taken)
        taken.add(name.casefold())
        named.append(Table(table.key, table.frame, table.heads, table.themes, name))
    return named


def _free(wanted: str, taken: set[str]) -> str:
    plain = _UNFIT.sub(" ", wanted).strip(" '")[:NAME] or "-"
    numbered = (f"{plain[: NAME - 3]} {number}" for number in range(2, 100))
    return next(name for name in (plain, *numbered) if name.casefold() not in taken)


def _title(stem: str, key: str, part: str) -> dict[str, str]:
    """Both names of a sheet (``sheet``) or titles of a table (``title``)."""
    if key == "findings":
        return words.entry("columns", "sheet" if part == "sheet" else "about", key)
    entry = words.catalogue(stem).get("table", {}).get(key)
    if entry is None:
        return dict.fromkeys(words.LANGUAGES, key)
    return entry.get("sheet", dict.fromkeys(words.LANGUAGES, key)) if part == "sheet" else entry


class _Sheets:
    """The open workbook with its formats and the codes met so far."""

    def __init__(self, book, source: Source, report: dict):
        self.book, self.source, self.report, self.language = book, source, report, source.language
        self.codes: dict[str, dict[str, str]] = {}
        self._forms: dict[str, object] = {}
        own = source.brand.primary
        readable = brand.contrast(own) >= brand.READABLE
        band = {"bg_color": own, "font_color": "#ffffff"} if readable else {"bottom": 2, "bottom_color": own}
        base = {"valign": "top", "text_wrap": True}
        self.head = book.add_format(base | band | {"bold": True})
        self.more = book.add_format(base | {"bold": True, "bg_color": style.palette()["grid"]})
        self.text = book.add_format(base | {"indent": 1})
        self.title = book.add_format({"bold": True, "font_size": 16, "font_color": source.brand.text})
        self.label = book.add_format(base | {"bold": True})

    def fill(self, tables: list[Table]) -> None:
        """Sheets in reading order; the dictionary and the codes last."""
        said = {name: self._own("sheet", name) for name in ("about", "dictionary", "codes")}
        about = self._sheet(said["about"])
        for table in tables:
            self._table(self._sheet(table.sheet), table)
        dictionary = pd.DataFrame([row for table in tables for row in self._columns(table)])
        codes = pd.DataFrame([(code, *label.values()) for code, label in sorted(self.codes.items())])
        self._listing(
            self._sheet(said["dictionary"]), dictionary, ("sheet", "column", "chinese", "english", "unit", "note")
        )
        self._listing(self._sheet(said["codes"]), codes, ("code", "chinese", "english"))
        self._about(about, tables, said)

    def _sheet(self, name: str):
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.set_footer(f"&L{_plain(self._place())}&R&P / &N")
        return sheet

    def _place(self) -> str:
        return " · ".join((self.report["client_name"], self.report["period"]))

    def _about(self, sheet, tables: list[Table], said: dict[str, str]) -> None:
        """Whose workbook it is, and what is on every sheet."""
        titles, report = catalogue.entries()[self.source.stem].title, self.report
        sheet.set_column(0, 0, 22)
        sheet.set_column(1, 2, 58)
        sheet.set_column(3, 3, NARROW)
        sheet.hide_gridlines(2)
        sheet.fit_to_pages(1, 0)
        sheet.write_string(0, 0, titles[self.language], self.title)
        facts = {"client": report["client_name"], "period": report["period"], "as_of": report.get("as_of", "")}
        facts |= {"title": " / ".join(titles[language] for language in words.LANGUAGES)}
        facts |= {name: report.get(name, "") for name in ("audience", "confidentiality")}
        for line, (name, value) in enumerate(((name, value) for name, value in facts.items() if value), 2):
            sheet.write_string(line, 0, self._own("about", name), self.label)
            sheet.write_string(line, 1, workbook.shortened(value, self.language), self.text)
        top = len(facts) + 4
        sheet.write_string(top - 2, 0, self._own("about", "shades"))
        for place, name in enumerate(("sheet", "chinese", "english", "rows")):
            sheet.write_string(top, place, self._own("about", name), self.head)
        listed = [(table.sheet, _title(self.source.stem, table.key, "title"), len(table.frame)) for table in tables]
        listed += [(said[name], words.entry("columns", "about", name), None) for name in ("dictionary", "codes")]
        for line, (name, title, rows) in enumerate(listed, top + 1):
            cells = (name, title["zh"], title["en"], rows)
            sheet.set_row(line, _height(cells[:3], (22, 58, 58)))
            for place, value in enumerate(cells):
                workbook.cell(sheet, line, place, value, self.language, self.text)

    def _table(self, sheet, table: Table) -> None:
        """A table with frozen header and first column, a filter, and numbers in their units."""
        rows = table.frame.head(workbook.SHEET).to_dict("records")
        labels = [head.label[self.language] for head in table.heads]
        columns = [[self._value(row, head, table) for row in rows] for head in table.heads]
        shades = [self.head if head.shown else self.more for head in table.heads]
        self._lay(sheet, labels, columns, shades)
        for place, (head, values) in enumerate(zip(table.heads, columns, strict=True)):
            for line, (row, value) in enumerate(zip(rows, values, strict=True), 1):
                self._write(sheet, line, place, value, head, row)
        if len(table.frame) > workbook.SHEET:
            left = f"{len(table.frame) - workbook.SHEET:,}"
            sheet.write_string(
                workbook.SHEET + 1, 0, words.entry("workbook", "rows_left_out")[self.language].format(n=left)
            )

    def _lay(self, sheet, labels: list[str], columns: list[list], shades: list) -> None:
        """Header, filter, widths and heights; header and first column stay in sight and on every printed page."""
        rows, widths = len(columns[0]), [_width(*pair) for pair in zip(columns, labels, strict=True)]
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, rows, len(labels) - 1)
        sheet.repeat_rows(0)
        sheet.repeat_columns(0)
        if sum(widths) <= PAGE:
            sheet.fit_to_pages(1, 0)
        else:
            sheet.set_print_scale(SMALL)
        for place, (label, width, shade) in enumerate(zip(labels, widths, shades, strict=True)):
            sheet.write_string(0, place, label, shade)
            sheet.set_column(place, place, width)
        for line, cells in enumerate((labels, *zip(*columns, strict=True))):
            sheet.set_row(line, _height(cells, widths))

    def _listing(self, sheet, frame: pd.DataFrame, names: tuple[str, ...]) -> None:
        """A sheet of plain texts."""
        columns = [list(frame.iloc[:, place]) if len(frame) else [] for place in range(len(names))]
        labels = [self._own("about", name) for name in names]
        self._lay(sheet, labels, columns, [self.head] * len(names))
        for place, values in enumerate(columns):
            for line, value in enumerate(values, 1):
                workbook.cell(sheet, line, place, value, self.language, self.text)

    def _write(self, sheet, line: int, place: int, value, head: Heading, row: dict) -> None:
        if isinstance(value, dt.date) and not pd.isna(value):  # also a Timestamp
            plain = value.to_pydatetime().replace(tzinfo=None) if isinstance(value, pd.Timestamp) else value
            whole = not isinstance(plain, dt.datetime) or plain.time() == dt.time()
            sheet.write_datetime(line, place, plain, self._form(DATE if whole else MOMENT))
        else:
            number = pd.api.types.is_number(value) and not pd.api.types.is_bool(value)
            form = self._form(_excel(_unit(head, row))) if number else self.text
            workbook.cell(sheet, line, place, value, self.language, form)

    def _form(self, pattern: str):
        if pattern not in self._forms:
            self._forms[pattern] = self.book.add_format({"num_format": pattern, "valign": "top"})
        return self._forms[pattern]

    def _value(self, row: dict, head: Heading, table: Table):
        """A value as the sheet shows it; a code is worded and kept for the sheet of codes."""
        value = row[head.column]
        if not isinstance(value, str) or not value or head.format.partition(".")[0] not in _CODED:
            return value
        label = {language: _worded(value, row, head, table.themes, language) for language in words.LANGUAGES}
        if set(label.values()) != {value} and not head.format.startswith("terms"):
            self.codes[value] = label
        return label[self.language]

    def _columns(self, table: Table) -> Iterator[tuple]:
        for head in table.heads:
            unit = words.entry("columns", "unit", _kind(head, table.frame))[self.language]
            yield table.sheet, head.column, head.label["zh"], head.label["en"], unit, head.note.get(self.language, "")

    def _own(self, *path: str) -> str:
        return words.text("columns", *path, language=self.language)


def _worded(code: str, row: dict, head: Heading, themes: dict, language: str) -> str:
    """A code in words."""
    kind, _, group = head.format.partition(".")
    match kind:
        case "verdict":
            return words.entry("common", "verdict").get(code, {}).get(language, code)
        case "term":
            return words.entry("common", group).get(code, {}).get(language, code)
        case "terms":
            return words.worded(
                words.Listing(tuple(words.Term(group, each) for each in code.split(";") if each)), language
            )
        case "field":
            return words.worded(words.Field(code), language)
        case "cell" | "member":
            return words.cell(row.get("family", row.get("dimension", "")), code, language)
        case "theme":
            return themes.get(code, {}).get(language, code)
        case "unit":
            return words.entry("columns", "unit").get(code, {}).get(language, code)
    return words.cell("dimension" if kind == "item" else head.column, code, language)


def _unit(head: Heading, row: dict) -> str:
    """The unit of one value: that of its column, or the one its row names."""
    unit = "unit" if head.unit == "row" else head.unit
    return row.get(unit, unit)


def _excel(unit: str) -> str:
    return words.entry("common", "unit").get(unit, {}).get("excel", "General")


def _kind(head: Heading, frame: pd.DataFrame) -> str:
    """What the dictionary says a column holds."""
    if frame[head.column].dtype == bool or head.format == "flag":
        return "flag"
    if head.format.partition(".")[0] in _CODED:
        return "code"
    if head.format in ("date", "text"):
        return head.format
    return head.unit if head.unit in words.entry("columns", "unit") else "row"


def _width(values: list, label: str) -> float:
    """Width of a column: wide enough for its texts; numbers need little, and a long header wraps."""
    texts = [workbook.length(value) + 2 for value in values if isinstance(value, str)]
    return min(max([*texts, workbook.length(label) / 2, NARROW]), WIDE)


def _height(cells: Iterable, widths: Iterable[float]) -> float:
    """Height of a row in points: of its longest text, wrapped; programs but Excel leave it to the file."""
    texts = ((value, width) for value, width in zip(cells, widths, strict=True) if isinstance(value, str))
    lines = max((math.ceil((workbook.length(value) + 1) / width) for value, width in texts), default=1)
    return LINE * min(max(lines, 1), TALL)


def _plain(text: str) -> str:
    """Text in a page footer, where ``&`` begins a code."""
    return text.replace("&", "&&")[:200]
