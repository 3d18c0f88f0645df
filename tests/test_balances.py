"""The balance holds for every mix of classes and unpivot factors."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import balances
from sqlib.errors import SqlibError

COLUMNS = ["file", "raw_rows", "unpivot_factor", "blank_or_total", "filtered"]
KINDS = ("duplicate", "silent", "aside", "used", "excluded")
FILES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4), *[st.integers(0, 6)] * 2), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None)
@given(FILES, st.randoms(use_true_random=False))
def test_rows_are_the_sum_of_their_parts(files, dice):
    read, rows = [], []
    for number, (lines, factor, blank, filtered) in enumerate(files):
        read.append([f"f{number}", lines + blank + filtered, factor, blank, filtered])
        rows += [(f"f{number}", dice.choice(balances.CLASSES)) for _ in range(lines * factor)]
    frame = pd.DataFrame(rows, columns=["file", "kind"])
    masks = [frame["kind"] == kind for kind in balances.CLASSES]
    classes = dict(zip(balances.CLASSES, masks, strict=True))
    counted = balances.counts(pd.DataFrame(read, columns=COLUMNS), frame["file"], classes)
    used = frame.loc[classes["usable"], "file"]
    table = balances.balance(
        counted, used, pd.Series([dice.random() < 0.5 for _ in used], index=used.index, dtype=bool)
    )
    parts = table.drop(columns=["file", "rows"]).sum(axis=1)
    assert (parts == table["rows"]).all() and table["rows"].iloc[-1] == table["rows"].iloc[:-1].sum()


def test_a_lost_row_is_noticed():
    read = pd.DataFrame([["f", 2, 1, 0, 0]], columns=COLUMNS)
    one = pd.Series([True])
    with pytest.raises(SqlibError):
        balances.counts(read, pd.Series(["f"]), {"usable": one})
