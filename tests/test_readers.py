"""Files come back cell for cell, whatever their encoding, delimiter or format."""

import csv
import io
import tomllib
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import readers, workbooks
from sqlib.errors import ClientError

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "intake.toml").read_text(encoding="utf-8"))
HEADER = TEXTS["header"]
PLAIN = st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"], exclude_characters="\ufeff")
ANY = st.text(st.one_of(PLAIN, st.sampled_from("\n\r\t,;|\"'")), max_size=12)
HAN = st.text(st.sampled_from(TEXTS["han"] + 'abc 123,;|\n"'), max_size=12)
FILE = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk"])


def tables(cell):
    """Tables of four columns; the first cell of a row is its number, so that no row is blank."""
    row = st.tuples(cell, cell, cell)
    return st.lists(row, max_size=8).map(lambda rows: [HEADER, *([str(i), *row] for i, row in enumerate(rows))])


def written(rows, delimiter: str, end: str = "\r\n") -> str:
    text = io.StringIO()
    quoting = csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL  # the writer quotes only its own line ends
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue()


def workbook(rows, **options) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(options.get("sheet"))
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return data.getvalue()


def grid(tmp_path, data: bytes, name: str = "a.csv", **options) -> readers.Grid:
    path = tmp_path / name
    path.write_bytes(data)
    return readers.read(path, f"x/{name}", **options)


def cells(found: readers.Grid) -> list[list[str]]:
    return found.cells.to_numpy().tolist()


def code(tmp_path, data: bytes, name: str = "a.csv", **options) -> str:
    with pytest.raises(ClientError) as raised:
        grid(tmp_path, data, name, **options)
    assert set(raised.value.parts("zh")) == {"what", "where", "got", "remedy"}
    return raised.value.code


@given(data=st.data(), encoding=FILE, delimiter=st.sampled_from(",\t;|"), end=st.sampled_from(["\n", "\r\n", "\r"]))
@settings(max_examples=150, deadline=None)
def test_any_table_survives_csv_in_any_encoding(tmp_path_factory, data, encoding, delimiter, end):
    rows = data.draw(tables(HAN if encoding.startswith("gb") else ANY))
    found = grid(tmp_path_factory.mktemp("csv"), written(rows, delimiter, end).encode(encoding))
    assert cells(found) == rows
    assert found.lines[0] == 1 and (pd.Series(found.lines).diff().dropna() > 0).all()


@given(rows=tables(ANY), encoding=st.sampled_from(["gb18030", "utf-16", "utf-8"]))
@settings(max_examples=60, deadline=None)
def test_any_character_survives_a_declared_encoding(tmp_path_factory, rows, encoding):
    found = grid(tmp_path_factory.mktemp("csv"), written(rows, ",").encode(encoding), encoding=encoding)
    assert cells(found) == rows


@given(rows=tables(st.text(st.one_of(PLAIN, st.just("\n")), max_size=12)))
@settings(max_examples=60, deadline=None)
def test_any_table_survives_xlsx(tmp_path_factory, rows):
    assert cells(grid(tmp_path_factory.mktemp("xlsx"), workbook(rows), "a.xlsx")) == rows


@given(rows=tables(ANY))
@settings(max_examples=40, deadline=None)
def test_any_table_survives_parquet(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    pd.DataFrame(rows[1:], columns=HEADER, dtype="str").to_parquet(path)
    found = readers.read(path, "x")
    assert cells(found) == rows and found.header == 0


def test_parquet_values_become_text_without_losing_anything(tmp_path):
    path = tmp_path / "a.parquet"
    frame = {
        "id": ["007", "NA"],
        "n": [5, 6],
        "x": [5.0, 0.1],
        "b": [True, None],
        "t": pd.to_datetime(["2026-07-03", None]),
    }
    pd.DataFrame(frame).to_parquet(path)
    assert cells(readers.read(path, "x"))[1:] == [["007", "5", "5", "TRUE", "2026-07-03"], ["NA", "6", "0.1", "", ""]]


def test_lines_are_those_a_person_counts(tmp_path):
    found = grid(tmp_path, b'title\n\nid,text\n1,"two\nlines"\n2,x\n')
    assert found.lines.tolist() == [1, 2, 3, 4, 6]


def test_a_comment_of_300_000_characters_is_read_whole(tmp_path):
    long = "x" * 300_000
    assert cells(grid(tmp_path, f"id,text\n1,{long}\n".encode()))[1] == ["1", long]


def test_an_unclosed_quote_swallows_no_line(tmp_path):
    text = 'id,text\n1,"never closed\n2,fine\n3,"also\n4,"quoted, well"\n5,"late"r\n6,end\n'
    found = grid(tmp_path, text.encode())
    assert [row[0] for row in cells(found)] == ["id", "1", "2", "3", "4", "5", "6"]
    assert cells(found)[4] == ["4", "quoted, well"]
    ((rule, line, value, count),) = found.notes
    assert (rule, line, value, count) == ("quote_unclosed", 2, "2, 4, 6", 3)


def test_records_of_different_length_are_kept_and_measured(tmp_path):
    found = grid(tmp_path, b"a,b\n1,2\n3\n4,5,6\n")
    assert cells(found) == [["a", "b", ""], ["1", "2", ""], ["3", "", ""], ["4", "5", "6"]]
    assert found.widths.tolist() == [2, 2, 1, 3]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("title\n\na\tb\n1\t2, with a comma\n3\t4, and another\n", "\t"),
        ("a,b\n1,x;y\n2,z;w\n", ","),
        ("only\none\ncolumn\n", ","),
    ],
)
def test_delimiter(text, delimiter):
    assert readers.sniff(text.splitlines(keepends=True)) == delimiter


def test_values_of_a_workbook(tmp_path):
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        day, minute = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, [5, 0.1, 1234567.5, True, "007", "1e5"])
        sheet.write_datetime(0, 6, datetime(2026, 7, 3), day)
        sheet.write_datetime(0, 7, datetime(2026, 7, 3, 15, 5), minute)
        sheet.write_formula(1, 0, "=NA()", None, "#N/A")
        sheet.write_formula(1, 7, "=1/0", None, "#DIV/0!")
        sheet.merge_range(2, 0, 3, 1, "both")
        sheet.write(3, 7, "end")
    found = grid(tmp_path, data.getvalue(), "a.xlsx")
    first, second, third, fourth = cells(found)
    assert first == ["5", "0.1", "1234567.5", "TRUE", "007", "1e5", "2026-07-03", "2026-07-03 15:05:00"]
    assert (second[0], second[7]) == ("#N/A", "#DIV/0!")
    assert third[:3] == ["both", "both", ""] and fourth[:2] == ["both", "both"]
    assert found.merged == [(2, 0, 3, 1)]


def test_the_first_visible_sheet_with_data_is_read_and_the_others_are_named(tmp_path):
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        hidden, empty, first, second = (book.add_worksheet(name) for name in ("hid", "empty", "one", "two"))
        empty.activate()
        hidden.hide()
        for sheet in (hidden, first, second):
            sheet.write(0, 0, sheet.name)
    found = grid(tmp_path, data.getvalue(), "a.xlsx")
    assert cells(found) == [["one"]]
    assert found.notes == [("sheet_hidden", 0, "hid", 1), ("sheet_not_read", 0, "two", 1)]
    assert cells(grid(tmp_path, data.getvalue(), "a.xlsx", sheet="two")) == [["two"]]
    assert cells(grid(tmp_path, data.getvalue(), "a.xlsx", sheet="hid")) == [["hid"]]


def test_a_workbook_is_known_by_its_content(tmp_path):
    assert cells(grid(tmp_path, workbook([["a", "b"], ["1", "2"]]), "a.csv")) == [["a", "b"], ["1", "2"]]
    assert cells(grid(tmp_path, b"a\tb\n1\t2\n", "a.xls")) == [["a", "b"], ["1", "2"]]


def test_files_that_cannot_be_read_say_why(tmp_path):
    assert code(tmp_path, b"") == "intake.file_empty"
    assert code(tmp_path, b" \n\r\n") == "intake.file_empty"
    assert code(tmp_path, b"\xef\xbb\xbf") == "intake.file_empty"
    assert code(tmp_path, workbook([]), "a.xlsx") == "intake.file_empty"
    assert code(tmp_path, workbooks.OLD + b"\0" * 600, "a.xls") == "intake.damaged"
    assert code(tmp_path, workbooks.OLD + workbooks.ENCRYPTED, "a.xlsx") == "intake.protected"
    assert code(tmp_path, b"<html><p>log in</p>", "a.xls") == "intake.web_page"
    assert code(tmp_path, workbook([["a"]])[:900], "a.xlsx") == "intake.damaged"
    assert code(tmp_path, b"PAR1 and nothing", "a.parquet") == "intake.damaged"
    assert code(tmp_path, workbook([["a"]], sheet="S"), "a.xlsx", sheet="T") == "intake.wrong_sheet"
    assert code(tmp_path, b"a,b", encoding="utf-99") == "intake.unknown_encoding"
    assert code(tmp_path, b"a,\xff", encoding="utf-8") == "intake.wrong_encoding"


OLD = Path(__file__).parent / "data" / "xls"  # written by Excel 97-2003's format, 5 kB each


@pytest.mark.parametrize("name", ["plain.xls", "date1904.xls"])
def test_an_old_workbook_is_read_cell_for_cell(tmp_path, name):
    found = grid(tmp_path, (OLD / name).read_bytes(), name)
    assert cells(found)[1:] == [
        ["customer_id", "received_at", "score", "team", "comment"],
        ["007", "2026-07-03", "5", "North", "good"],
        ["00123456789012345678", "2026-07-04 10:30:00", "4.5", "North", "=1+1"],
    ]
    assert sorted(found.merged) == [(0, 0, 0, 4), (2, 3, 3, 3)]
    assert [rule for rule, *_ in found.notes] == ["sheet_hidden"]


def test_an_old_workbook_is_known_by_its_content_and_its_faults_are_told(tmp_path):
    plain = (OLD / "plain.xls").read_bytes()
    assert cells(grid(tmp_path, plain, "a.csv")) == cells(grid(tmp_path, plain, "a.xls"))
    assert code(tmp_path, (OLD / "protected.xls").read_bytes(), "a.xls") == "intake.protected"
    assert code(tmp_path, plain[:3000], "a.xls") == "intake.damaged"
    assert code(tmp_path, plain, "a.xls", sheet="none") == "intake.wrong_sheet"
    assert cells(grid(tmp_path, b"id\tscore\n007\t5\n", "a.xls")) == [["id", "score"], ["007", "5"]]


LINES = ["a,b,c", "1,2", "", '3,"x', 'y",4', "5,6,7,8,9", '6,"t" u,v', "7,8,9", '8,"open', "9,,"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=12).filter(lambda lines: any(lines)), st.integers(1, 5))
def test_how_many_records_are_read_at_a_time_changes_nothing(tmp_path_factory, lines, chunk):
    path = tmp_path_factory.mktemp("chunks") / "a.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    whole = readers.read(path, "a.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "CHUNK", chunk)
        parts = readers.read(path, "a.csv")
    pd.testing.assert_frame_equal(parts.cells, whole.cells)
    assert parts.lines.tolist() == whole.lines.tolist() and parts.notes == whole.notes
    assert parts.widths.tolist() == whole.widths.tolist()
