"""Coding by hand: the sample goes out without what the machine said, and comes back as layers and themes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from client_folder import write
from openpyxl import load_workbook

from sqlib import client, coding, periods
from sqlib.errors import ArgumentError, ClientError
from sqlib.reading import Absent, Reading

BLOCK = '[[tables.feedback]]\nfiles = "raw/a.csv"\nconstants = { metric = "csat", scale_min = 1, scale_max = 5 }\n'
SAID = ["slow and rude", "too expensive", "a mistake in the parcel", "fine call 13812345678"]


@pytest.fixture
def folder(tmp_path) -> Path:
    """A client with 120 comments in one quarter, each of another customer."""
    lines = [f"f{i},c{i},2026-08-{1 + i % 28:02},4,{SAID[i % 4]}" for i in range(120)]
    table = "\n".join(["feedback_id,customer_id,received_at,score,comment", *lines])
    return write(tmp_path / "small", BLOCK, a__csv=table)


def reading(folder: Path) -> Reading:
    return Reading(client.load(folder), periods.parse("2026Q3"), None, None, "zh")


def filled(path: Path, yes: dict[int, list[int]]) -> Path:
    """Answer yes in some rows: row -> columns."""
    book = load_workbook(path)
    for row, columns in yes.items():
        for column in columns:
            book.worksheets[1].cell(row, column).value = "yes"
    book.save(path)
    return path


def test_what_is_drawn_goes_out_masked_and_without_the_themes(folder):
    path = coding.write(folder, "2026Q3", size=60)
    assert path == folder / "coding" / "2026Q3.xlsx"
    sheet = load_workbook(path).worksheets[1]
    headings = [cell.value for cell in sheet[1]]
    themes = len(reading(folder).codebook)
    assert len(headings) == 2 + themes + 4
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    texts = [row[1] for row in rows]
    assert not any("138" in text for text in texts) and any(text.startswith("fine") for text in texts)
    assert 50 <= len(rows) <= 90
    assert {cell for row in rows for cell in row[2 : 2 + themes]} == {None}


def test_only_rows_a_person_touched_come_back(folder):
    path = coding.write(folder, "2026Q3", size=60)
    themes = list(reading(folder).codebook)
    filled(path, {2: [3, 4], 3: [3 + len(themes)]})
    back = reading(folder).hand_coded
    rest = len(themes) - 2
    assert back[themes].to_numpy().tolist() == [[True, True, *[False] * rest], [False] * len(themes)]
    assert (back["layer_size"] > 0).all()


def test_without_a_workbook_it_is_absent_with_the_reason(folder):
    absent = reading(folder).hand_coded
    assert isinstance(absent, Absent)
    assert "sqlib coding" in absent.reason("zh") and "not known" in absent.reason("en")


def test_a_theme_removed_from_the_workbook_is_left_out(folder):
    path = coding.write(folder, "2026Q3", size=60)
    book = load_workbook(filled(path, {2: [4]}))
    book.worksheets[1].delete_cols(3)
    book.save(path)
    assert next(iter(reading(folder).codebook)) not in reading(folder).hand_coded


def test_work_done_by_hand_is_never_overwritten(folder):
    coding.write(folder, "2026Q3", size=60)
    with pytest.raises(ArgumentError) as caught:
        coding.write(folder, "2026Q3", size=60)
    assert caught.value.code == "coding.exists" and caught.value.parts("zh")["remedy"]


def test_changed_layers_are_named(folder):
    path = coding.write(folder, "2026Q3", size=60)
    book = load_workbook(path)
    book.worksheets[1].cell(4, book.worksheets[1].max_column).value = "x"
    book.save(path)
    with pytest.raises(ClientError) as caught:
        _ = reading(folder).hand_coded
    assert caught.value.code == "coding.layer_changed" and "row 4" in caught.value.parts("en")["where"]


def test_a_period_without_comments_is_refused(folder):
    with pytest.raises(ArgumentError) as caught:
        coding.write(folder, "2031Q1")
    assert caught.value.code == "coding.no_comments"


def test_the_draw_reads_every_layer_and_repeats_itself():
    rng = np.random.default_rng(0)
    shares = np.array([0.4, 0.1, 0.01])
    carried = pd.DataFrame(rng.random((5000, 3)) < shares, columns=["a", "b", "c"])
    drawn = coding.draw(carried, 200, 1)
    assert 190 <= len(drawn) <= 215 and drawn.index.is_unique
    sizes = drawn.drop_duplicates("layer")["layer_size"]
    assert sizes.sum() == 5000 and len(sizes) == 4
    assert carried.loc[drawn.index, "c"].sum() >= 10 > 200 * 0.01
    pd.testing.assert_frame_equal(drawn, coding.draw(carried, 200, 1))
