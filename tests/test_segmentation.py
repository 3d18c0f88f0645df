"""Segmentation: the terms of a comment, without numbers and empty words."""

import tomllib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import segmentation

CASES = tomllib.loads((Path(__file__).parent / "data" / "segmentation.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["comment"], ids=lambda case: case["text"].strip()[:12])
def test_the_terms_of_a_comment(case):
    assert segmentation.terms(pd.Series([case["text"]])).tolist() == [sorted(case["terms"])]


@pytest.mark.parametrize(("word", "singular"), CASES["singular"].items())
def test_plurals_are_folded(word, singular):
    assert segmentation._singular(word) == singular


def test_a_missing_comment_has_no_terms_and_labels_stay():
    found = segmentation.terms(pd.Series([None, "slow staff"], index=["a", "b"]))
    assert found.to_dict() == {"a": [], "b": ["slow", "slow staff", "staff"]}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_no_term_holds_a_digit_and_each_stands_once(text):
    found = segmentation.terms(pd.Series([text])).iloc[0]
    assert len(set(found)) == len(found)
    assert not any(letter.isdecimal() and letter.isascii() for term in found for letter in term)


def test_comments_of_a_reading_carry_their_terms():
    from sqlib.reading import Absent, Reading

    absent = Absent("feedback", "no_comments")
    assert Reading.segmented(None, absent) is absent
    asked = []
    reading = SimpleNamespace(
        _terms={}, masked=lambda texts: asked.append(len(texts)) or texts.str.replace("Wang", "[name]")
    )
    said = Reading.segmented(reading, pd.DataFrame({"comment": ["slow staff Wang", None]}))
    assert said["terms"].tolist() == [["slow", "slow staff", "staff"], []]
    again = Reading.segmented(reading, pd.DataFrame({"comment": ["slow staff Wang", "late"]}))
    assert again["terms"].tolist() == [["slow", "slow staff", "staff"], ["late"]] and asked == [2, 1]  # each text once
