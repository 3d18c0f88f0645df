"""Forms: what goes out comes back; what was spoilt on the way is named with its cell."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from sqlib import contracts, forms
from sqlib.errors import ClientError

WORDS = tomllib.loads((Path(__file__).parent / "data" / "forms.toml").read_text(encoding="utf-8"))
ROWS = pd.DataFrame(
    {
        "quote_id": ["q1", "q2"],
        "period": ["2026Q3", "2026Q3"],
        "theme": ["waiting", ""],
        "score": [2.0, 4.5],
        "masked": ["=1+1 slow", "fine"],
        "decision": ["approve", ""],
        "printed": ["", ""],
    }
)


@pytest.fixture(params=["zh", "en"])
def written(request, tmp_path) -> Path:
    return forms.write("quotes", {"quotes": ROWS}, tmp_path / "quotes.xlsx", request.param, about={"client": "x"})


def spoilt(path: Path, change) -> Path:
    book = load_workbook(path)
    change(book)
    book.save(path)
    return path


def page(book: Workbook):
    return book.worksheets[1]


def column(book: Workbook, name: str) -> int:
    labels = forms.load("quotes").sheets["quotes"].columns[name].label.values()
    return next(cell.column for cell in page(book)[1] if cell.value in labels)


def refused(path: Path) -> ClientError:
    with pytest.raises(ClientError) as caught:
        forms.read("quotes", path)
    for language in ("zh", "en"):
        assert all(caught.value.parts(language).values())
    return caught.value


def test_what_goes_out_comes_back(written):
    back = forms.read("quotes", written)["quotes"]
    assert back["line"].tolist() == [2, 3]
    assert back["decision"].tolist() == ["approve", ""]
    assert back["masked"].tolist() == ROWS["masked"].tolist()
    assert back["score"].tolist() == ["2", "4.5"]


def test_rows_and_columns_may_change_places(written):
    def turn(book):
        cells = [[cell.value for cell in row] for row in page(book).iter_rows()]
        turned = [cells[0], cells[2], cells[1]]
        for line, row in enumerate(turned, 1):
            for place, value in enumerate(reversed(row), 1):
                page(book).cell(line, place).value = value

    back = forms.read("quotes", spoilt(written, turn))["quotes"]
    assert back.set_index("quote_id")["decision"].to_dict() == {"q1": "approve", "q2": ""}


@pytest.mark.parametrize("said", WORDS["approve"])
def test_a_choice_is_understood_in_either_language(written, said):
    def choose(book):
        page(book).cell(3, column(book, "decision")).value = said

    assert forms.read("quotes", spoilt(written, choose))["quotes"]["decision"].tolist() == ["approve", "approve"]


def test_a_wrong_choice_names_cell_and_choices(written):
    def choose(book):
        page(book).cell(3, column(book, "decision")).value = "perhaps"

    error = refused(spoilt(written, choose))
    assert error.code == "forms.wrong_choice"
    assert "F3" in error.parts("en")["where"] and "perhaps" in error.parts("en")["got"]
    assert "not quoted" in error.parts("en")["remedy"]


def test_a_formula_where_a_person_writes_is_refused(written):
    def calculate(book):
        page(book).cell(2, column(book, "printed")).value = "=A1"

    error = refused(spoilt(written, calculate))
    assert error.code == "forms.formula" and "G2" in error.parts("en")["where"]


def test_a_text_that_looks_like_a_formula_stays_text(written):
    assert page(load_workbook(written))["E2"].data_type == "s"


def test_a_deleted_column_is_named(written):
    error = refused(spoilt(written, lambda book: page(book).delete_cols(column(book, "decision"))))
    assert error.code == "forms.column_missing" and "Quote" in error.parts("en")["got"]


def test_a_repeated_column_is_named(written):
    def repeat(book):
        page(book).cell(1, 20).value = page(book).cell(1, column(book, "decision")).value

    assert refused(spoilt(written, repeat)).code == "forms.column_twice"


def test_a_repeated_row_is_named(written):
    def repeat(book):
        page(book).cell(3, column(book, "quote_id")).value = "q1"

    error = refused(spoilt(written, repeat))
    assert error.code == "forms.row_twice" and "row 3" in error.parts("en")["where"]


def test_a_missing_sheet_is_named(written):
    assert refused(spoilt(written, lambda book: book.remove(page(book)))).code == "forms.sheet_missing"


def test_an_old_version_is_refused(written):
    def age(book):
        stamp = next(row for row in book.worksheets[0].iter_rows() if row[0].value in WORDS["version"])
        stamp[1].value = "0"

    error = refused(spoilt(written, age))
    assert error.code == "forms.old_version" and "form version 0" in error.parts("en")["got"]


def test_another_workbook_under_the_name_is_refused(tmp_path):
    book = Workbook()
    book.save(tmp_path / "quotes.xlsx")
    assert refused(tmp_path / "quotes.xlsx").code == "forms.another_form"


def test_what_is_no_workbook_is_refused(tmp_path):
    (tmp_path / "quotes.xlsx").write_bytes(b"half a file")
    assert refused(tmp_path / "quotes.xlsx").code == "forms.damaged"


def test_every_form_is_declared_whole():
    for name in forms.names():
        form = forms.load(name)
        for sheet in form.sheets.values():
            assert set(sheet.key) <= set(sheet.columns)
            for each in sheet.columns.values():
                assert each.type in ("text", "number", "date", "choice")
                assert bool(each.choices) == (each.type == "choice"), each.name
                assert set(each.label) == {"zh", "en"}
            for language in ("zh", "en"):
                headings = [contracts.normalised(each.label[language]) for each in sheet.columns.values()]
                assert len(set(headings)) == len(headings), sheet.name
        assert len(form.guide["zh"]) == len(form.guide["en"]) > 0


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None)
@given(masked=TEXT, printed=TEXT)
def test_any_text_returns_unchanged(tmp_path_factory, masked, printed):
    rows = pd.DataFrame({"quote_id": ["q"], "masked": [masked], "printed": [printed]})
    path = forms.write("quotes", {"quotes": rows}, tmp_path_factory.mktemp("forms") / "q.xlsx", "en")
    back = forms.read("quotes", path)["quotes"].iloc[0]
    assert (back["masked"], back["printed"]) == (masked.strip(), printed.strip())


def test_a_workbook_that_cannot_be_read_or_is_none_is_told_apart(tmp_path, monkeypatch):
    for data, kind in ((b"PK\x03\x04 half", "cut"), (b"\xd0\xcf\x11\xe0 old", "other")):
        (tmp_path / "mapping.xlsx").write_bytes(data)
        with pytest.raises(ClientError) as caught:
            forms.read("mapping", tmp_path / "mapping.xlsx")
        assert caught.value.code == "forms.damaged" and caught.value.values["got"] == forms._words()["damaged"][kind]
        assert all("sqlib new client" in caught.value.parts(language)["remedy"] for language in ("zh", "en"))

    def held(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", held)
    with pytest.raises(ClientError) as caught:
        forms.read("mapping", tmp_path / "mapping.xlsx")
    assert caught.value.code == "forms.locked"
