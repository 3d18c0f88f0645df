"""mapping.xlsx: what was guessed comes back as sources; what was spoilt is named with workbook, sheet and cell."""

import shutil
from datetime import date
from pathlib import Path

import pytest
import ugly_files
from openpyxl import load_workbook

from sqlib import client, forms, mapping_form, starting, tables
from sqlib.errors import ArgumentError

CLINIC, TICKETS = [list(ugly_files.FILES)[n] for n in (0, 3)]
TODAY = date(2026, 10, 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A client made from two ugly files, read by nobody yet."""
    root = tmp_path_factory.mktemp("mapping")
    given = [str(ugly_files.write(root / "exports", name)) for name in (CLINIC, TICKETS)]
    return starting.start(root / "clinic", given, TODAY, "en").folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "clinic"))


def page(book, code: str):
    return next(book[t] for t in forms.load("mapping").sheets[code].title.values() if t in book.sheetnames)


def at(sheet, code: str, column: str) -> int:
    labels = forms.load("mapping").sheets[code].columns[column].label.values()
    return next(cell.column for cell in sheet[1] if cell.value in labels)


def change(folder: Path, code: str, column: str, value, where=lambda row: True, line: int = 0) -> str:
    """Write into one column, in the first row that fits; the cell changed."""
    book = load_workbook(folder / client.WORKBOOK)
    sheet = page(book, code)
    place = at(sheet, code, column)
    line = line or next(row[0].row for row in sheet.iter_rows(min_row=2) if where([cell.value for cell in row]))
    sheet.cell(line, place).value = value
    book.save(folder / client.WORKBOOK)
    return f"{sheet.title}, {sheet.cell(line, place).coordinate}"


def refused(folder: Path, code: str, cell: str = "", **held: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        client.load(folder)
    assert caught.value.code == code
    for language in ("zh", "en"):
        parts = caught.value.parts(language)
        assert all(parts.values()) and cell in parts["where"] and "mapping.xlsx" in parts["where"]
        assert all(text in parts[part] for part, text in held.items())


def test_what_was_guessed_is_read_back_as_sources_without_a_change(folder):
    who = client.load(folder)
    assert (who.name, who.languages, who.period.default) == ("clinic", ["en"], "2026-08")
    assert set(who.tables) == {"feedback", "feedback_items", "cases"}
    assert len(who.tables["feedback_items"][0].unpivot.columns) == 3
    assert who.place("cases", 1).startswith("clinic/mapping.xlsx: ")
    rows = {name: len(tables.load(who, name, as_of=who.data_until).frame) for name in who.tables}
    assert rows["feedback"] == 90 and rows["feedback_items"] == 270 and rows["cases"] > 100


def test_an_edited_mapping_rebuilds_the_tables(folder):
    before = tables.load(client.load(folder), "feedback").frame
    assert before["team"].isna().all()
    change(folder, "columns", "field", "Team", lambda row: row[2] == ugly_files.FILES[CLINIC]["columns"][4]["header"])
    assert tables.load(client.load(folder), "feedback").frame["team"].notna().all()


def test_the_second_reading_comes_from_the_cache_and_a_damaged_cache_is_read_again(folder, monkeypatch):
    first = client.load(folder)
    kept = folder / mapping_form.CACHE
    mapping_form._read.cache_clear()
    monkeypatch.setattr(mapping_form, "_parsed", None)  # not needed again
    assert client.load(folder) == first
    monkeypatch.undo()
    mapping_form._read.cache_clear()
    kept.write_text("{half", encoding="utf-8")
    assert client.load(folder) == first


def test_a_value_may_count_as_no_answer_and_a_label_in_the_other_language_is_understood(folder):
    change(folder, "levels", "meaning", "no answer", lambda row: row[1] == "(all questions)" and row[4] == "1")
    change(folder, "sources", "table", mapping_form.contracts.load("cases").title["zh"], lambda row: row[0] == "2")
    who = client.load(folder)
    assert who.tables["feedback_items"][0].missing and who.tables["cases"]


def test_a_source_that_is_not_used_is_left_out(folder):
    change(folder, "sources", "table", "not used", lambda row: row[0] == "2")
    assert "cases" not in client.load(folder).tables


def test_a_wrong_field_names_its_cell_and_the_nearest(folder):
    cell = change(folder, "columns", "field", "Scoer", line=3)
    refused(folder, "mapping_form.unknown_field", cell, got="Scoer", remedy="Score")


def test_a_field_twice_names_both_columns(folder):
    cell = change(folder, "columns", "field", "Comment", line=3)
    with pytest.raises(ArgumentError) as caught:
        client.load(folder)
    assert caught.value.code == "mapping_form.field_twice"
    assert "D3" in caught.value.text("en") and "D12" in caught.value.text("en") and cell


@pytest.mark.parametrize(
    ("setting", "value", "code", "got"),
    [
        ("fiscal_year_start", "13", "client.out_of_range", "13"),
        ("fiscal_year_start", "May", "client.wrong_type", "May"),
        ("data_until", "2026-13-45", "client.wrong_type", "2026-13-45"),
        ("profile", "acounting", "client.unknown_value", "acounting"),
        ("languages", "fr", "client.unknown_value", "fr"),
        ("timezone", "Mars", "client.unknown_value", "Mars"),
        ("best", "middle", "client.unknown_value", "middle"),
        ("target", "850", "mapping_form.target", "850"),
        ("cells", "shoe size", "mapping_form.unknown_group", "shoe size"),
        ("period", "last month", "periods.unknown", "last month"),
    ],
)
def test_a_wrong_setting_names_its_cell(folder, setting, value, code, got):
    line = list(mapping_form.SETTINGS).index(setting) + 2
    change(folder, "settings", "value", value, line=line)
    refused(folder, code, f"B{line}", got=got)


def test_good_settings_are_understood_as_people_write_them(folder):
    given = {"target": "85%", "top": "4, 5", "languages": "zh, en", "cells": "Team, Segment*Region"}
    for setting, value in given.items():
        change(folder, "settings", "value", value, line=list(mapping_form.SETTINGS).index(setting) + 2)
    who = client.load(folder)
    assert who.targets == {"csat": 0.85} and who.scales["csat"].top == [4, 5] and who.languages == ["zh", "en"]
    assert who.cells.feedback == ["team", "segment*region"]


def test_other_faults_of_the_sheets(folder):
    for code, column, value, fault, line in (
        ("sources", "table", "Feedbak", "mapping_form.unknown_table", 2),
        ("sources", "files", "/etc/passwd", "client.outside_folder", 2),
        ("sources", "year", "12", "client.out_of_range", 2),
        ("sources", "scale_max", "five", "forms.not_a_number", 2),
        ("sources", "kind", "survye", "forms.wrong_choice", 2),
        ("sources", "source", "9", "mapping_form.unknown_source", 2),
        ("levels", "meaning", "good", "mapping_form.not_a_score", 2),
        ("columns", "field", "=A1", "forms.formula", 2),
        ("columns", "source", "7", "mapping_form.unknown_source", 2),
    ):
        whole = (folder / client.WORKBOOK).read_bytes()
        change(folder, code, column, value, line=line)
        refused(folder, fault)
        (folder / client.WORKBOOK).write_bytes(whole)


def test_a_deleted_column_an_old_version_and_an_empty_sheet(folder):
    whole = (folder / client.WORKBOOK).read_bytes()

    def spoil(edit) -> None:
        (folder / client.WORKBOOK).write_bytes(whole)
        book = load_workbook(folder / client.WORKBOOK)
        edit(book)
        book.save(folder / client.WORKBOOK)

    spoil(lambda book: page(book, "columns").delete_cols(4))
    refused(folder, "forms.column_missing", "", remedy="sqlib new client")
    spoil(lambda book: page(book, "sources").delete_rows(1, 50))
    refused(folder, "forms.column_missing")
    spoil(lambda book: book.remove(page(book, "levels")))
    refused(folder, "forms.sheet_missing")

    def age(book) -> None:
        stamp = next(row for row in book.worksheets[0].iter_rows() if row[0].value == "Form version")
        stamp[1].value = "0"

    spoil(age)
    refused(folder, "forms.old_version")


def test_no_source_left_is_no_table(folder):
    for number in ("1", "2"):
        change(folder, "sources", "table", "not used", lambda row, number=number: row[0] == number)
    with pytest.raises(ArgumentError) as caught:
        client.load(folder)
    assert caught.value.code == "mapping_form.nothing_used"


def test_an_unknown_file_and_a_lost_column_name_the_row_when_the_table_is_read(folder):
    change(folder, "sources", "files", "raw/nothing.xlsx", lambda row: row[0] == "1")
    with pytest.raises(ArgumentError) as caught:
        tables.load(client.load(folder), "feedback")
    assert caught.value.code == "intake.file_missing"
    assert "mapping.xlsx: Sources, #2" in caught.value.parts("en")["where"]


def test_both_files_may_not_say_the_same_differently(folder):
    toml = folder / client.FILE
    toml.write_text('[client]\nname = "clinic"\nprofile = "accounting"\n', encoding="utf-8")
    refused(folder, "mapping_form.said_twice", "B3", got="general", where="client.profile")
    toml.write_text('[client]\nname = "clinic"\n[[tables.feedback]]\nfiles = ["raw/a.csv"]\n', encoding="utf-8")
    refused(folder, "mapping_form.tables_twice", got="feedback")
    toml.write_text('[client]\nname = "clinic"\n[targets]\nnps = 30\n', encoding="utf-8")
    assert client.load(folder).targets == {"nps": 30}


def test_the_workbook_of_another_client_is_refused(folder):
    (folder.parent / "other").mkdir()
    for name in (client.WORKBOOK, client.FILE):
        (folder.parent / "other" / name).write_bytes((folder / name).read_bytes())
    refused(folder.parent / "other", "forms.another_client", got="other")
