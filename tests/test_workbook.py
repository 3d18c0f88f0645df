"""What others open: no text becomes a formula or a link, long texts are cut with a note, a locked file is named."""

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import workbook
from sqlib.errors import ArgumentError

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=40)
LIVE = [
    "=1+1",
    '=HYPERLINK("http://a")',
    "+1",
    "-1",
    "@x",
    "http://example.invalid",
    "<script>alert(1)</script>",
    "007",
    "1e5",
    "NA",
]


def written(tmp_path, frame, language="en"):
    return openpyxl.load_workbook(workbook.write({"a": frame}, tmp_path / "w.xlsx", language))["a"]


def test_texts_stay_texts(tmp_path):
    sheet = written(tmp_path, pd.DataFrame({"comment": LIVE}))
    assert [cell.value for cell in sheet["A"][1:]] == LIVE
    assert all(cell.data_type == "s" and cell.hyperlink is None for cell in sheet["A"])


@settings(max_examples=20, deadline=None)
@given(st.lists(TEXT.filter(str.strip), min_size=1, max_size=5))
def test_any_text_is_read_back_as_written(tmp_path_factory, texts):
    sheet = written(tmp_path_factory.mktemp("w"), pd.DataFrame({"x": texts}))
    assert [str(cell.value).replace("\r", "") for cell in sheet["A"][1:]] == texts


def test_numbers_dates_flags_and_gaps(tmp_path):
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "x": [0.5, float("nan")],
            "day": pd.to_datetime(["2026-07-03", None]),
            "flag": pd.array([True, None], dtype="boolean"),
            "whole": pd.array([3, None], dtype="Int64"),
        }
    )
    rows = list(written(tmp_path, frame).iter_rows(min_row=2, values_only=True))
    assert rows == [(1, 0.5, "2026-07-03", True, 3), (2, None, None, None, None)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_long_text_is_cut_with_a_note_and_whole_in_csv(tmp_path, language):
    frame = pd.DataFrame({"comment": ["y" * 300_000]})
    value = written(tmp_path, frame, language)["A2"].value
    assert value.startswith("y" * 32_000 + "…") and "300,000" in value and len(value) < 32_767
    assert len(pd.read_csv(workbook.write_csv(frame, tmp_path / "w.csv"))["comment"][0]) == 300_000


def test_header_is_frozen_and_columns_have_a_width(tmp_path):
    sheet = written(tmp_path, pd.DataFrame({"short": ["a"], "long": ["b" * 200]}))
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == "A1:B2"
    assert sheet.column_dimensions["B"].width > 2 * sheet.column_dimensions["A"].width


def test_the_same_content_gives_the_same_bytes(tmp_path):
    frame = pd.DataFrame({"a": [1], "b": ["x"]})
    first, second = (workbook.write({"s": frame}, tmp_path / name, "zh").read_bytes() for name in ("1.xlsx", "2.xlsx"))
    assert first == second


def test_csv_is_safe_to_open(tmp_path):
    path = workbook.write_csv(pd.DataFrame({"x": LIVE, "n": range(-1, 9)}), tmp_path / "deep" / "w.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    back = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert back["x"].tolist() == [f"'{text}" if text[0] in "=+-@" else text for text in LIVE]
    assert back["n"][0] == "-1"


def test_a_place_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError) as raised:
        workbook.write({"a": pd.DataFrame({"x": [1]})}, tmp_path / "file" / "w.xlsx", "en")
    assert raised.value.exit_status == 2
    assert all(set(raised.value.parts(language)) == {"what", "where", "got", "remedy"} for language in ("zh", "en"))

    def locked(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.replace", locked)
    with pytest.raises(ArgumentError, match="Close it"):
        workbook.write({"a": pd.DataFrame({"x": [1]})}, tmp_path / "w.xlsx", "en")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_what_is_unbounded_is_written_as_such(tmp_path):
    frame = pd.DataFrame({"n": [1.0, float("inf"), float("-inf"), float("nan")]})
    path = workbook.write({"a": frame}, tmp_path / "a.xlsx", "en")
    cells = [row[0].value for row in openpyxl.load_workbook(path).active.iter_rows(min_row=2)]
    assert cells[:3] == [1, "\N{INFINITY}", "\N{MINUS SIGN}\N{INFINITY}"] and set(cells[3:]) <= {None}
