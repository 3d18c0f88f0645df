"""The header among title rows, in one level or two."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sqlib import headers
from sqlib.readers import Grid

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "intake.toml").read_text(encoding="utf-8"))


def grid(rows, merged=()):
    width = max(map(len, rows))
    cells = pd.DataFrame([row + [""] * (width - len(row)) for row in rows], dtype="str")
    return Grid(cells, np.arange(1, len(rows) + 1), list(merged))


def nobody(_):
    return False


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([["id", "score"], ["1", "5"]], 0),
        ([["a title", ""], ["", ""], ["id", "score"], ["1", "5"]], 2),
        ([["title", "title", "title"], ["id", "score", "x"], ["1", "5", "6"]], 1),  # merged and filled
        ([["2026-10-08", "3"], ["id", "score"], ["1", "5"]], 1),
        ([["id", "score", "", ""], ["1", "5", "", ""]], 0),
    ],
)
def test_without_known_headers_the_first_full_row_of_words(rows, place):
    assert headers.find(grid(rows), nobody) == (place, place)


def test_known_headers_decide():
    rows = [["survey", "of", "customers"], ["k", "x", ""], ["one", "two", "three"]]
    assert headers.find(grid(rows), {"k", "x"}.__contains__) == (1, 1)


def test_a_cell_of_data_that_reads_like_a_header_is_not_taken_for_it():
    rows = [["field", "meaning"], ["state", "text"], ["region", "text"]]
    assert headers.find(grid(rows), {"region"}.__contains__) == (0, 0)
    assert headers.find(grid(rows), lambda text: 2 * (text == "region")) == (2, 2)  # client.toml names it


def test_a_title_that_is_itself_a_known_header_is_not_taken_for_the_header():
    rows = [["score", "", ""], ["score", "x", "y"], ["1", "2", "3"]]
    assert headers.find(grid(rows), {"score"}.__contains__) == (1, 1)


def test_a_declared_line_wins():
    rows = [["id", "score"], ["ID", "SCORE"], ["1", "5"]]
    assert headers.find(grid(rows), {"id"}.__contains__, declared=2) == (1, 1)


def test_two_levels_are_joined_where_the_lower_repeats():
    rows = [TEXTS["grouped_top"], TEXTS["grouped_low"], ["C1", "5", "4", "3"]]
    merged = [(0, 0, 1, 0), (0, 1, 0, 2)]
    found = grid(rows, merged)
    assert headers.find(found, nobody) == (0, 1)
    assert headers.find(found, nobody, declared=2) == (0, 1)
    assert headers.names(found.cells, 0, 1) == TEXTS["grouped_names"]


def test_a_title_merged_over_the_whole_width_is_no_group():
    rows = [["title"] * 3, ["id", "score", "x"], ["1", "5", "6"]]
    assert headers.find(grid(rows, [(0, 0, 0, 2)]), nobody) == (1, 1)


def test_line_breaks_in_headers_and_columns_without_a_name():
    assert headers.names(grid([["the\nscore ", "", "x"]]).cells, 0, 0) == ["the score", "(B)", "x"]


@pytest.mark.parametrize(("position", "text"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_letters(position, text):
    assert headers.letters(position) == text
