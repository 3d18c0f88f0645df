"""Phrases: whole Latin words, Chinese anywhere, stars within one clause."""

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import phrases

CASES = tomllib.loads((Path(__file__).parent / "data" / "phrases.toml").read_text(encoding="utf-8"))["case"]


def holds(text: str, phrase: str, exclude=()) -> bool:
    texts = phrases.folded(pd.Series([text]))
    return bool(phrases.carried(texts, {"x": [phrase]}, {"x": list(exclude)}).iloc[0, 0])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['phrase']}-{case['text'][:12]}")
def test_a_phrase_is_found(case):
    assert holds(case["text"], case["phrase"], case.get("exclude", ())) == case["found"]


def test_labels_order_and_missing_texts():
    texts = phrases.folded(pd.Series(["slow", None, "fee"], index=[5, 3, 9]))
    found = phrases.carried(texts, {"fee": ["fee"], "slow": ["slow"], "none": []}, {})
    assert list(found) == ["fee", "slow", "none"] and found.index.tolist() == [5, 3, 9]
    assert found.to_numpy().tolist() == [[False, True, False], [False, False, False], [True, False, False]]


def plainly(text: str, phrase: str) -> bool:
    """Whole word by a split of the text, another way than the pattern."""
    return phrase in re.split(r"[^0-9a-z]+", text)


@settings(max_examples=200, deadline=None)
@given(st.text("ab c.-1", max_size=20), st.text("ab1", min_size=1, max_size=3))
def test_whole_words_agree_with_a_split(text, phrase):
    assert holds(text, phrase) == plainly(text, phrase)
