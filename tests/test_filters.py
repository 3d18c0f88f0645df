"""The filter: parsed, never evaluated; compared here with plain Python."""

import operator
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import filters
from sqlib.errors import ClientError

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "intake.toml").read_text(encoding="utf-8"))
FRAME = pd.DataFrame(
    {
        "n": ["1", "2.0", "10", "", "x", "-3"],
        "day": ["2026-01-01", "2026-07-03", "2025-12-31", "", "2026/8/1", "2026-07-03 10:00"],
        "word": ["a", "b", "", "test", "and or", "a b"],
    },
    dtype="str",
)


def kept(text: str) -> list[int]:
    return [i for i, keep in enumerate(filters.keep(filters.parse(text), FRAME.__getitem__)[0]) if keep]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("n == 2", [1]),
        ("n != 2", [0, 2, 3, 4, 5]),
        ("n >= 2", [1, 2]),
        ("n < 2", [0, 5]),
        ("day >= '2026-01-01'", [0, 1, 5]),
        ("day < 2026-01-01", [2]),
        ("word == test", [3]),
        ("word != 'test'", [0, 1, 2, 4, 5]),
        ("word contains a", [0, 4, 5]),
        ("word == 'and or'", [4]),
        ("n > 0 and word == a or word == 'test'", [0, 3]),
        ("n > 0 and (word == a or word == 'b')", [0, 1]),
        ("(n > 0) AND ((word contains 'a'))", [0]),
        ("'n' == 10", [2]),
        ("word == ''", [2]),
    ],
)
def test_meaning(text, rows):
    assert kept(text) == rows


def test_chinese_text_with_its_own_quotes_and_brackets():
    tree = filters.parse(TEXTS["filter"])
    assert [leaf.column for leaf in filters.columns(tree)] == [TEXTS["filter_header"][i] for i in (0, 1, 1)]
    frame = pd.DataFrame(
        [[TEXTS["filter_test"], "2026"], [TEXTS["filter_other"], "2020"]], columns=TEXTS["filter_header"]
    )
    assert filters.keep(tree, frame.astype("str").__getitem__)[0].tolist() == [False, True]


def test_a_header_with_spaces_may_stand_bare():
    assert filters.columns(filters.parse("Complaint Type == 'Noise' and Unique Key > 5")) == [
        filters.Comparison("Complaint Type", "==", "Noise", 1),
        filters.Comparison("Unique Key", ">", "5", 31),
    ]


def test_cells_that_cannot_be_compared_are_reported():
    odd = filters.keep(filters.parse("n > 1"), FRAME.__getitem__)[1]
    assert odd.tolist() == [False, False, False, False, True, False]


@pytest.mark.parametrize(
    ("text", "at", "found"),
    [
        ("n = 2", 3, "="),
        ("n == ", 6, "–"),
        ("== 2", 1, "=="),
        ("n == 2 and", 11, "–"),
        ("(n == 2", 8, "–"),
        ("n == 2)", 7, ")"),
        ("n == 2 word == a", 8, "word"),
        ("n == 'open", 6, "'"),
        ("__import__('os').system('x')", 11, "("),
        ("", 1, "–"),
    ],
)
def test_what_cannot_be_read_is_shown_with_its_place(text, at, found):
    with pytest.raises(ClientError) as raised:
        filters.parse(text, "client.toml")
    error = raised.value
    assert (error.code, error.values["at"], error.values["found"]) == ("filters.syntax", at, found)
    assert error.values["allowed"]


NUMBERS = st.integers(-20, 20)
PYTHON = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
LEAF = st.tuples(st.sampled_from(["p", "q"]), st.sampled_from(sorted(PYTHON)), NUMBERS)
TREE = st.recursive(LEAF, lambda inner: st.tuples(st.sampled_from(["and", "or"]), inner, inner), max_leaves=6)


def as_text(tree) -> str:
    if tree[0] in ("and", "or"):
        return f"({as_text(tree[1])} {tree[0]} {as_text(tree[2])})"
    return f"{tree[0]} {tree[1]} {tree[2]}"


def as_python(tree, row: dict) -> bool:
    if tree[0] in ("and", "or"):
        left, right = as_python(tree[1], row), as_python(tree[2], row)
        return (left and right) if tree[0] == "and" else (left or right)
    return PYTHON[tree[1]](row[tree[0]], tree[2])


@given(tree=TREE, rows=st.lists(st.fixed_dictionaries({"p": NUMBERS, "q": NUMBERS}), min_size=1, max_size=10))
@settings(max_examples=150, deadline=None)
def test_any_filter_on_numbers_agrees_with_python(tree, rows):
    frame = pd.DataFrame(rows).astype(str)
    found = filters.keep(filters.parse(as_text(tree)), frame.__getitem__)[0]
    assert found.tolist() == [as_python(tree, row) for row in rows]
