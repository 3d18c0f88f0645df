import tomllib
from pathlib import Path

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sqlib import lists, parsing

DONE = tuple(parsing.SPELLINGS["milestone"]["done"])
TEXTS = tomllib.loads((Path(__file__).parent / "data" / "register.toml").read_text(encoding="utf-8"))


def test_units_are_split_at_every_mark_in_use():
    assert lists.parts(TEXTS["units"]) == TEXTS["split"]
    assert lists.parts(pd.NA) == lists.parts(" ; ") == []


def test_milestones_in_chinese():
    found = lists.milestones(TEXTS["milestones"]["zh"], DONE)
    assert [step for _, step, _ in found] == TEXTS["milestones"]["steps"]
    assert [done for *_, done in found] == [True, True, False, False]
    assert [str(day)[:10] for day, *_ in found] == ["2025-08-15", "2025-09-01", "2025-10-31", "NaT"]
    assert lists.milestones("2025-13-45 x", DONE)[0][1] == "2025-13-45 x"


def test_milestones_in_english():
    found = lists.milestones(TEXTS["milestones"]["en"], DONE)
    assert [(step, done) for _, step, done in found] == [("vans surveyed", True), ("live", True)]
    assert lists.milestones(None, DONE) == []


@given(st.text(max_size=60))
def test_no_text_breaks_them(text):
    assert all(isinstance(part, str) and part for part in lists.parts(text))
    assert all(isinstance(done, bool) for *_, done in lists.milestones(text, DONE))
