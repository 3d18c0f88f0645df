"""Numbers, flags and levels as people write them; nothing that is not one is taken for one."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed import TEXTS

from sqlib import contracts, parsing

WORDS = TEXTS["words"]


def text(*cells) -> pd.Series:
    return pd.Series(cells, dtype="str")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15), min_size=1))
def test_what_a_computer_writes_is_read_exactly(values):
    read = parsing.numbers(text(*map(repr, values)))
    assert read.values.tolist() == [float(value) for value in values]
    assert (read.repaired == "").all() and (read.failed == "").all()


@settings(max_examples=30, deadline=None)
@given(st.integers(-(10**12), 10**12))
def test_thousands_separators(value):
    read = parsing.numbers(text(f"{value:,}"))
    assert read.values[0] == value


@pytest.mark.parametrize(("written", "value"), TEXTS["numbers"].items())
def test_numbers_as_people_write_them(written, value):
    unit = "points" if value < 10 else "yuan"
    read = parsing.numbers(text(written), unit)
    assert read.values[0] == value
    assert read.repaired[0] == ("percent_text" if "%" in written else "number_text")


@pytest.mark.parametrize("written", ["abc", "1,23", "inf", "nan", "0x10", "1_000", "--3", "4/5", "1 2", "", "5 apples"])
def test_what_is_no_number_fails_and_stays_missing(written):
    read = parsing.numbers(text(written), "points")
    assert math.isnan(read.values[0]) and read.failed[0] == "not_a_number"


def test_a_unit_of_another_column_is_no_number():
    assert parsing.numbers(text("3 hours"), "points").failed[0] == "not_a_number"
    assert parsing.numbers(text("3 hours"), "hours").values[0] == 3


def test_whole_numbers():
    read = parsing.numbers(text("3", "3.5"), whole=True)
    assert list(read.failed) == ["", "not_a_whole_number"] and read.values.isna().tolist() == [False, True]
    assert read.values.dtype == "Int64"  # as the schema of the contract has it


def test_missing_is_neither_repaired_nor_failed():
    for read in (parsing.numbers(text(None)), parsing.flags(text(None)), parsing.as_written(text(None))):
        assert read.values.isna().all() and read.failed[0] == "" and read.repaired[0] == ""


def test_flags():
    read = parsing.flags(text(WORDS["yes"], WORDS["no"], "Y", "0", "TRUE", None, WORDS["maybe"]))
    assert read.values[:5].tolist() == [True, False, True, False, True] and read.values[5:].isna().all()
    assert list(read.failed) == [""] * 6 + ["not_yes_or_no"]


def test_levels_by_name_label_or_alias_and_other_values_as_written():
    channel = contracts.load("feedback").columns["channel"]
    read = parsing.categories(text("phone", WORDS["phone"], "Telephone", "Fax", None), channel)
    assert list(read.values[:4]) == ["phone", "phone", "phone", "Fax"] and read.values.isna()[4]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["5", "4 points", "x", None]), min_size=1))
def test_every_row_gets_the_answer_of_its_text(cells):
    alone = {cell: parsing.numbers(text(cell), "points") for cell in cells}
    together = parsing.numbers(text(*cells), "points")
    for row, cell in enumerate(cells):
        for part in ("values", "repaired", "failed"):
            one, many = getattr(alone[cell], part)[0], getattr(together, part)[row]
            assert one == many or (one != one and many != many)


@pytest.mark.parametrize(
    ("written", "unit", "value"),
    [
        ("125s", "seconds", 125.0),
        ("2m 5s", "seconds", 125.0),
        ("1h 0m 8s", "seconds", 3608.0),
        ("00:02:05", "seconds", 125.0),
        ("2:05", "seconds", 125.0),
        ("2 days 3 hours", "hours", 51.0),
        ("30min", "hours", 0.5),
        ("5s 2m", "seconds", None),
        ("2:65", "seconds", None),
        ("2m 5s", "points", None),
    ],
)
def test_durations_in_several_units(written, unit, value):
    read = parsing.numbers(pd.Series([written], dtype="str"), unit)
    assert read.values.tolist() == [value] if value is not None else read.failed.tolist() == ["not_a_number"]
