"""Reported against recomputed: counted by indicator, with the largest difference and its period."""

import made_measures as made
import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.reconciliation import reconciliation

REPORTED = made.values({"": np.arange(10.0, 22.0) + 0.5}, indicator="A")


def recomputed(change=0.0, at=3):
    other = REPORTED.assign(low=np.nan, high=np.nan)
    other.loc[other["time"] == at, "value"] -= change
    return pd.concat([other, made.values({"": np.arange(5.0)}, indicator="B")], ignore_index=True)


def test_periods_in_both_sources_agree_or_differ():
    result = reconciliation(REPORTED, recomputed(0.4))
    rows = result.table.set_index("indicator_id")
    assert rows.loc["A", ["used", "reported", "recomputed", "agree", "differ"]].tolist() == ["reported", 12, 12, 11, 1]
    assert rows.loc["A", "largest"] == pytest.approx(0.4) and rows.loc["A", "on"] == pd.Timestamp("2022-04-01")
    assert rows.loc["B", ["used", "reported", "recomputed", "agree", "differ"]].tolist() == ["recomputed", 0, 5, 0, 0]
    assert result.both == 12 and len(result.values) == 12


def test_the_last_decimal_of_the_client_decides():
    assert reconciliation(REPORTED, recomputed(0.04)).table.loc[0, "differ"] == 0


def test_without_records_nothing_is_compared_and_without_values_it_is_refused():
    alone = reconciliation(REPORTED, recomputed().iloc[:0])
    assert alone.both == 0 and alone.table["recomputed"].tolist() == [0]
    with pytest.raises(MethodRefused) as refusal:
        reconciliation(None, recomputed().iloc[:0])
    assert refusal.value.code == "reconciliation.nothing"
