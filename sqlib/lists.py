"""Cells that hold several things: units separated by marks; milestones, each a date, a step and whether it is done."""

import re

import pandas as pd

MARKS = re.compile("[;,\uff1b\uff0c\u3001\n]+")
STEPS = re.compile("[;\uff1b\n]+")
SIGNS = r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)"
LETTERS = r"(\d{4})[^\W\d_](\d{1,2})[^\W\d_](\d{1,2})[^\W\d_]"  # a word for year, month and day


def parts(cell) -> list[str]:
    """The things of one cell in their order; a blank cell holds none."""
    return [] if pd.isna(cell) else [part.strip() for part in MARKS.split(str(cell)) if part.strip()]


def milestones(cell, done: tuple[str, ...]) -> list[tuple[pd.Timestamp, str, bool]]:
    """Steps of one cell: the day due (NaT where there is none), what it is, whether it ends in a word of ``done``."""
    longest = sorted(done, key=len, reverse=True)  # one may end in another
    cells = [] if pd.isna(cell) else STEPS.split(str(cell))
    return [_milestone(each.strip(), longest) for each in cells if each.strip()]


def _milestone(text: str, done: list[str]) -> tuple[pd.Timestamp, str, bool]:
    mark = next((word for word in done if text.casefold().endswith(word)), "")
    rest = text[: len(text) - len(mark)].strip()
    found = re.match(SIGNS, rest) or re.match(LETTERS, rest)
    day = pd.NaT if found is None else pd.to_datetime("-".join(found.groups()), errors="coerce")
    return day, (rest if pd.isna(day) else rest[found.end() :].strip()), bool(mark)
