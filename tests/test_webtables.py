"""Web pages under the name of a workbook: the largest table, cell for cell."""

import tomllib
from pathlib import Path

import pytest
from client_folder import read
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import readers, webtables

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "webtables.toml").read_text(encoding="utf-8"))
CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), max_size=6)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_page_in_any_encoding_gives_its_largest_table(tmp_path, encoding):
    path = tmp_path / "a.xls"
    path.write_bytes(TEXTS["page"].encode(encoding))
    grid = readers.read(path, "x/a.xls")
    assert grid.cells.to_numpy().tolist() == TEXTS["rows"]
    assert grid.lines.tolist() == [1, 2, 3, 4]
    assert grid.merged == [(0, 0, 0, 2), (2, 1, 3, 1)]


def test_a_page_becomes_a_table_and_its_merged_cells_are_logged(tmp_path):
    raw = read(tmp_path, '[[tables.feedback]]\nfiles = ["raw/a.xls"]\n', a__xls=TEXTS["page"])
    assert raw.frame["customer_id"].tolist() == ["007", "008"] and raw.frame["score"].tolist() == ["5", "5"]
    assert {"title_rows_skipped", "merged_cells_filled"} <= set(raw.repairs["rule"])


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_any_text_survives_when_escaped(rows):
    def escaped(text):
        return "".join(f"&#{ord(letter)};" for letter in text)

    body = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    assert webtables.read(f"<table>{body}</table>") == (rows, [])


def test_what_a_page_may_not_do():
    assert webtables.read('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><table><tr><td>&e;') == ([["&e;"]], [])
    rows, _ = webtables.read("<table><tr><td colspan=999999999 rowspan=999999999>x<tr><td>y")
    assert max(map(len, rows)) <= webtables.WIDEST + 1 and len(rows) == 2
    assert webtables.read("<html><p>Please log in</p></html>") == ([], [])
    assert webtables.read("<table><tr><td rowspan=2 colspan=x>a</table>") == ([["a"]], [])


def test_a_table_inside_a_cell_is_a_table_of_its_own():
    assert webtables.read("<table><tr><td>a<table><tr><td>b<td>c</table>")[0] == [["b", "c"]]


@pytest.mark.parametrize(
    ("data", "page"),
    [
        (b"\xef\xbb\xbf <TABLE>", True),
        (b"<?xml version='1.0'?><!-- x --><html>", True),
        (b"<meta charset=utf-8>", True),
        (b"<?xml version='1.0'?><Workbook>", False),
        (b"score,comment\n5,<table>", False),
        (b"<tableau>", False),
    ],
)
def test_pages_are_known_by_their_beginning(data, page):
    assert webtables.is_page(data) is page
