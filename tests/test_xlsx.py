"""The workbook of a page, read back: types, formats, words of both languages, nothing live, nothing hidden."""

import ast
import dataclasses
import datetime as dt
import zipfile

import made_results as made
import openpyxl
import pandas as pd
import pytest
from office_source import LIVE, executed

from sqlib import catalogue, findings, formats, leaks, notebook, words
from sqlib.errors import SqlibError
from sqlib.formats import headings

LISTED = [entry.stem for entry in catalogue.entries().values() if entry.listed]


@pytest.fixture(scope="module", params=words.LANGUAGES)
def source(request):
    return executed(request.param)


@pytest.fixture(scope="module")
def file(source, tmp_path_factory):
    return formats.make("xlsx", source, tmp_path_factory.mktemp(source.language) / "w.xlsx")


@pytest.fixture(scope="module")
def book(file):
    return openpyxl.load_workbook(file)


def said(language: str, *path: str) -> str:
    return words.text("columns", *path, language=language)


def own(book, source, key: str):
    """The sheet of a table."""
    return book[words.entry(source.stem, "table", key)["sheet"][source.language]]


def column(sheet, label: str) -> list:
    head = [cell.value for cell in sheet[1]]
    return [row[head.index(label)] for row in sheet.iter_rows(min_row=2)]


def typed(tmp_path, source, **frames) -> formats.Source:
    """The page with these tables in place of its own."""
    for name, frame in frames.items():
        frame.to_parquet(tmp_path / f"{name}.parquet", index=False)
    return dataclasses.replace(source, typed=tmp_path)


def test_a_sheet_for_every_table_and_those_that_explain_them(book, source):
    tables = {path.stem for path in source.typed.glob("*.parquet")}
    assert len(tables) >= 5
    sheets = {words.entry(source.stem, "table", key)["sheet"][source.language] for key in tables}
    explaining = {said(source.language, "sheet", name) for name in ("about", "findings", "dictionary", "codes")}
    assert set(book.sheetnames) == sheets | explaining
    assert book.sheetnames[0] == said(source.language, "sheet", "about")


def test_every_number_of_a_table_is_there_as_a_number(book, source):
    frame = pd.read_parquet(source.typed / "weak_points.parquet")
    sheet = own(book, source, "weak_points")
    head = headings.of_column(source.stem, "weak_points", "estimate", list(frame)).label[source.language]
    cells = column(sheet, head)
    assert [cell.value for cell in cells] == [None if pd.isna(value) else value for value in frame["estimate"]]
    assert {cell.number_format for cell in cells if cell.value is not None} == {"0.0%"}
    counts = column(sheet, "n")
    assert {cell.number_format for cell in counts if cell.value is not None} == {"#,##0"}


def test_header_and_first_column_stay_in_sight_and_can_be_filtered(book, source):
    for key in ("weak_points", "themes"):
        sheet = own(book, source, key)
        assert sheet.freeze_panes == "B2" and sheet.auto_filter.ref.startswith("A1:")
        assert all(sheet.column_dimensions[cell.column_letter].width >= 10 for cell in sheet[1])


def test_names_that_look_like_formulas_or_numbers_stay_text(book, source):
    cells = [cell for row in own(book, source, "weak_points").iter_rows() for cell in row if cell.value in LIVE]
    assert {cell.value for cell in cells} == set(LIVE)
    assert {cell.data_type for cell in cells} == {"s"}


def test_dates_flags_and_ids_keep_their_types(source, tmp_path):
    day, moment = pd.Timestamp("2026-08-15"), pd.Timestamp("2026-08-15 09:30")
    frame = pd.DataFrame({"feedback_id": ["007", "=1+1"], "received_at": [day, moment], "flat": [True, False]})
    empty = pd.DataFrame({"feedback_id": pd.Series(dtype="str"), "received_at": pd.Series(dtype="datetime64[us]")})
    made = formats.make("xlsx", typed(tmp_path, source, one=frame, two=empty), tmp_path / "w.xlsx")
    book = openpyxl.load_workbook(made)
    rows = list(book["one"].iter_rows(min_row=2))
    assert [cell.value for cell in rows[0]] == ["007", dt.datetime(2026, 8, 15), True]
    assert [cell.number_format for cell in rows[0]][1:2] == ["yyyy-mm-dd"] and rows[1][1].number_format.endswith(
        "hh:mm"
    )
    assert rows[1][1].value == dt.datetime(2026, 8, 15, 9, 30) and rows[1][0].data_type == "s"
    assert rows[0][2].data_type == "b" and book["two"].max_row == 1


def test_a_share_a_score_and_a_difference_of_points_have_formats_of_their_own(book, source):
    frame = pd.read_parquet(source.typed / "change.parquet")
    sheet = own(book, source, "change")
    labels = {name: headings.of_column(source.stem, "change", name, list(frame)).label for name in frame}
    for name, unit in (("estimate", "unit"), ("change", "change_unit")):
        cells = column(sheet, labels[name][source.language])
        wanted = [words.entry("common", "unit", code)["excel"] for code in frame[unit]]
        assert [cell.number_format for cell in cells if cell.value is not None] == [
            form for form, cell in zip(wanted, cells, strict=True) if cell.value is not None
        ]


def test_long_texts_are_cut_with_a_note_and_long_names_of_sheets_too(source, tmp_path):
    frame = pd.DataFrame({"comment": ["x" * 40_000]})
    long, twin = "a" * 40, "a" * 31 + "b"
    made = formats.make("xlsx", typed(tmp_path, source, **{long: frame, twin: frame}), tmp_path / "w.xlsx")
    names = openpyxl.load_workbook(made).sheetnames[1:3]
    assert names == ["a" * 31, "a" * 28 + " 2"]
    value = openpyxl.load_workbook(made)[names[0]]["A2"].value
    assert len(value) < 32_767 and value[:32_000] == "x" * 32_000 and "40,000" in value


def test_all_findings_with_their_statements(book, source):
    found = notebook.harvest(notebook.read(source.executed))["findings"]
    sheet = book[said(source.language, "sheet", "findings")]
    assert sheet.max_row == len(found) + 1 and sheet.max_column == len(findings.COLUMNS) + 1
    ids = [cell.value for cell in column(sheet, said(source.language, "column", "finding_id"))]
    assert ids == [each["finding_id"] for each in found]
    statements = [cell.value for cell in column(sheet, said(source.language, "column", "statement"))]
    assert statements == [each["parts"]["statement"] for each in found]


def test_a_withheld_finding_says_nothing_but_that_it_is(source, tmp_path):
    page = notebook.read(source.executed)
    record = next(
        record for cell in page.cells for record in notebook.records(cell.get("outputs", ()), notebook.FINDING)
    )
    record["withheld"] = True
    other = dataclasses.replace(source, executed=notebook.write(page, tmp_path / "w.ipynb"))
    book = openpyxl.load_workbook(formats.make("xlsx", other, tmp_path / "w.xlsx"))
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
    assert record["parts"]["statement"] not in cells and record["finding_id"] not in cells


def test_the_dictionary_has_every_column_in_both_languages(book, source):
    sheet = book[said(source.language, "sheet", "dictionary")]
    rows = [tuple(cell.value for cell in row[:5]) for row in sheet.iter_rows(min_row=2)]
    for path in source.typed.glob("*.parquet"):
        name = words.entry(source.stem, "table", path.stem)["sheet"][source.language]
        held = [(column, zh, en, unit) for own, column, zh, en, unit in rows if own == name]
        assert {column for column, *_ in held} == set(pd.read_parquet(path).columns)
        assert all(zh and en and unit for _, zh, en, unit in held)
        for place in (1, 2):
            assert len({row[place] for row in held}) == len(held)


def test_codes_are_worded_and_listed_in_both_languages(book, source):
    listed = {
        row[0].value: (row[1].value, row[2].value) for row in book[said(source.language, "sheet", "codes")].iter_rows()
    }
    frame = pd.read_parquet(source.typed / "weak_points.parquet")
    shown = {cell.value for cell in column(own(book, source, "weak_points"), words.text(
        "columns", "column", "verdict", language=source.language))}  # fmt: skip
    for code in frame["verdict"].unique():
        pair = tuple(words.entry("common", "verdict", code)[language] for language in words.LANGUAGES)
        assert listed[code] == pair and set(pair) & shown
    themes = pd.read_parquet(source.typed / "themes.parquet").attrs["themes"]
    assert themes and all(listed[code] == (label["zh"], label["en"]) for code, label in themes.items())


def test_nothing_is_live_hidden_or_points_elsewhere(file, book):
    for sheet in book:
        assert sheet.sheet_state == "visible"
        assert not any(each.hidden for each in (*sheet.column_dimensions.values(), *sheet.row_dimensions.values()))
        assert not any(cell.data_type == "f" or cell.hyperlink for row in sheet.iter_rows() for cell in row)
    with zipfile.ZipFile(file) as package:
        assert not any("externalLink" in name or "connections" in name for name in package.namelist())
    assert leaks.scan(file.name, file.read_bytes(), leaks.known([], [], [], [], ""), "management") == []


def test_the_first_sheet_says_whose_it_is_and_nothing_of_version_or_time(book, source):
    cells = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    titles = catalogue.entries()[source.stem].title
    assert {"Acme", "2026Q3"} <= set(cells) and " / ".join(titles.values()) in cells
    assert source.version not in " ".join(cells) and str(source.typed.parent) not in " ".join(cells)
    listed = {words.entry(source.stem, "table", path.stem)["zh"] for path in source.typed.glob("*.parquet")}
    assert listed <= set(cells)


def test_the_same_tables_give_the_same_bytes(file, source, tmp_path):
    assert formats.make("xlsx", source, tmp_path / "again.xlsx").read_bytes() == file.read_bytes()


def test_without_typed_tables_the_job_fails_with_the_reason(source, tmp_path):
    for nowhere in (None, tmp_path / "nowhere"):
        with pytest.raises(SqlibError) as refused:
            formats.make("xlsx", dataclasses.replace(source, typed=nowhere), tmp_path / "w.xlsx")
        assert refused.value.code == "formats.no_tables"


# ---------------------------------------------------------------- every column that can be handed over has words


def handed_over(stem: str) -> dict[str, tuple[str, str]]:
    """Table -> (module of its method, part of the Result), as the page's cells say."""
    calls, made_by = {}, {}
    for cell in notebook.read(catalogue.entries()[stem].notebook).cells:
        for node in ast.walk(ast.parse(cell.source)) if cell.cell_type == "code" else ():
            if isinstance(node, ast.Assign) and _called(node.value) == "run":
                made_by[node.targets[0].id] = node.value.args[0].value.id
            if _called(node) == "table":
                part = next((each.value.value for each in node.keywords if each.arg == "part"), "table")
                shown = node.args[1].args[0] if _called(node.args[1]) == "part" else node.args[1]
                calls[node.args[0].value] = (shown.id, part)
    return {key: (made_by.get(name, ""), part) for key, (name, part) in calls.items()}


def _called(node) -> str:
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def inventory() -> list[tuple[str, str, str]]:
    """Every column of every table the page on feedback hands over: (stem, table, column); test_appraisal_page has the
    other page's from its own files."""
    results = {}
    for key, verdict in made.EVERY:
        result = made.made(key, verdict)
        results.setdefault(type(result).__module__.rpartition(".")[2], result)
    parts = {
        (stem, key): getattr(results[module], part)
        for stem in ("feedback_analysis",)
        for key, (module, part) in handed_over(stem).items()
    }
    return [(*place, name, tuple(frame.columns)) for place, frame in parts.items() for name in frame.columns]


def test_no_column_of_a_listed_page_is_without_words():
    known = inventory()
    assert len(known) > 200
    nameless = [place[:3] for place in known if not headings.of_column(*place).known]
    assert nameless == []
    units = set(words.entry("columns", "unit")) | set(words.entry("common", "unit"))
    formats_ = {headings.of_column(*place).unit.partition(".")[0] for place in known}
    worded = {"verdict", "term", "field", "cell", "member", "item", "theme", "level", "unit", "change_unit"}
    assert formats_ <= units | worded


def test_every_table_of_a_listed_page_names_its_sheet():
    names = [words.entry(stem, "table", key)["sheet"] for stem in LISTED for key in handed_over(stem)]
    for language in words.LANGUAGES:
        labels = [name[language] for name in names]
        assert len(set(labels)) == len(labels) and all(0 < len(label) <= 31 for label in labels)


def test_a_column_nobody_words_keeps_its_name():
    heading = headings.of_column("feedback_analysis", "weak_points", "brand_new_column", ["brand_new_column"])
    assert not heading.known and set(heading.label.values()) == {"brand_new_column"}
