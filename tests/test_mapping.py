"""Headers become contract columns; unpivot, recode and missing codes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import contracts, mapping
from sqlib.client import Source
from sqlib.errors import ClientError

FEEDBACK = contracts.load("feedback")


def source(**declared) -> Source:
    return Source(files=["raw/a.csv"], **declared)


def frame(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype="str")


def test_repeated_headers_get_a_number_nobody_has():
    assert mapping.unique(["a", "b", "a", "a (2)", "a"]) == (
        ["a", "b", "a (3)", "a (2)", "a (4)"],
        {"a (3)": "a", "a (4)": "a"},
    )


def test_declared_columns_win_over_aliases():
    body = frame(rating=["1"], q1=["2"], Channel=["web"])
    found = mapping.names(body, {}, source(columns={"Q1": "score"}), FEEDBACK)
    assert found.columns == {"q1": "score", "Channel": "channel"} and found.unclear == []


def test_of_two_headers_declared_for_one_column_the_first_there_is_taken():
    block = source(columns={"new": "score", "old": "score"})
    assert mapping.names(frame(old=["1"]), {}, block, FEEDBACK).columns == {"old": "score"}
    both = mapping.names(frame(old=["1"], new=["2"]), {}, block, FEEDBACK)
    assert both.columns == {"new": "score"}
    assert both.unclear == [("column_claimed_twice", "old", "score", "new")]


def test_an_empty_target_leaves_a_column_out():
    found = mapping.names(frame(rating=["1"]), {}, source(columns={"rating": ""}), FEEDBACK)
    assert found.columns == {}


def test_two_aliases_of_one_column_take_the_earlier_in_the_contract():
    first, second = FEEDBACK.columns["score"].aliases[-2:]
    body = frame(**{second: ["1"], first: ["2"]})
    found = mapping.names(body, {}, source(), FEEDBACK)
    assert found.columns == {first: "score"}
    assert found.unclear == [("column_claimed_twice", second, "score", first)]


def test_the_same_header_twice_is_taken_only_when_the_contents_agree():
    same = frame(**{"score": ["1", "2"], "score (2)": ["1", "2"]})
    found = mapping.names(same, {"score (2)": "score"}, source(), FEEDBACK)
    assert found.columns == {"score": "score"}
    differing = frame(**{"score": ["1", "2"], "score (2)": ["1", "3"]})
    found = mapping.names(differing, {"score (2)": "score"}, source(), FEEDBACK)
    assert found.columns == {} and found.unclear[0][0] == "header_twice"
    named = mapping.names(differing, {"score (2)": "score"}, source(columns={"score (2)": "score"}), FEEDBACK)
    assert named.columns == {"score (2)": "score"}


@given(
    rows=st.integers(0, 6),
    items=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_unpivot_keeps_every_cell_in_its_place(rows, items, seed):
    values = np.random.default_rng(seed).integers(0, 9, (rows, len(items))).astype(str)
    wide = pd.DataFrame(values, columns=items, dtype="str").assign(key=pd.Series(map(str, range(rows)), dtype="str"))
    block = source(unpivot={"columns": items, "name": "dimension", "value": "score"})
    long = mapping.unpivot(wide, block, {name: name for name in wide}, "x")
    expected = [(str(row), item, values[row, place]) for row in range(rows) for place, item in enumerate(items)]
    assert list(long[["key", "dimension", "score"]].itertuples(index=False, name=None)) == expected


def test_unpivot_names_what_it_does_not_find():
    block = source(unpivot={"columns": ["q1", "q3"], "name": "dimension", "value": "score"})
    with pytest.raises(ClientError) as raised:
        mapping.unpivot(frame(q1=["1"], q2=["2"]), block, {"q1": "q1", "q2": "q2"}, "x")
    assert raised.value.code == "intake.unpivot_column"
    assert (raised.value.values["got"], raised.value.values["nearest"]) == ("q3", "q2")


def test_unpivot_writes_the_header_of_the_file_even_for_a_contract_name():
    block = source(unpivot={"columns": ["ease"], "name": "dimension", "value": "score"})
    long = mapping.unpivot(frame(ease=["1"]), block, {"Q7 effort": "ease"}, "x")
    assert long["dimension"].tolist() == ["Q7 effort"]


def test_recode_leaves_what_is_not_declared():
    cells = pd.Series(["Good", "bad ", "other", None], dtype="str")
    assert mapping.recode(cells, {"good": "5", "bad": "1"}).fillna("none").tolist() == ["5", "1", "other", "none"]


@pytest.mark.parametrize(
    ("kind", "declared", "cells", "missing"),
    [
        ("number", [], ["N/A", "5", "-"], [True, False, True]),
        ("category", [], ["NA", "web"], [True, False]),
        ("id", ["-2"], ["NA", "-2", "None"], [False, False, False]),
        ("text", [], ["n/a", "not good"], [True, False]),
        ("number", ["-2"], ["-2.0", "-2", "2"], [True, True, False]),
        ("text", ["?"], ["?", "why?"], [True, False]),
    ],
)
def test_missing_codes_by_type(kind, declared, cells, missing):
    assert mapping.clear_missing(pd.Series(cells, dtype="str"), kind, declared).isna().tolist() == missing
