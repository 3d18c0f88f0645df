"""Likeness of headers: what is a spelling, what ends in one, what only reminds of one."""

import pytest

from sqlib import likeness
from sqlib.likeness import ENDS, EXACT, LOOSE, MEANT


@pytest.mark.parametrize(
    ("header", "table", "field", "like"),
    [
        ("Review Date", "feedback", "received_at", EXACT),
        ("3. Overall satisfaction*", "feedback", "score", EXACT),
        ("Your overall satisfaction", "feedback", "score", ENDS),
        ("customerSegment", "feedback", "segment", EXACT),
        ("inspection_score", "feedback", "score", LOOSE),
        ("date of visit", "feedback", "received_at", MEANT),
        ("country of birth date", "feedback", "received_at", LOOSE),
        ("recieved at", "feedback", "received_at", LOOSE),
        ("home country", "feedback", "region", LOOSE),
        ("temperature", "feedback", "score", 0.0),
        ("", "feedback", "score", 0.0),
    ],
)
def test_headers(header, table, field, like):
    assert likeness.likeness(header, table, field) == like
