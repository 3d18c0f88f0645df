import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.case_reuse import case_reuse

CASES = pd.DataFrame({"suggestion_id": ["a", "b", "c", "d"], "kind": ["case", "case", "case", "idea"],
                      "title": ["A", "B", "C", "D"], "team": ["N", "N", "S", "S"], "views": [10.0, 40.0, None, None],
                      "reused_by": ["N; S, W", None, "S", "N"], "measure_id": [None, "m1", None, None],
                      "on": pd.to_datetime(["2026-01-01"] * 3 + ["2026-02-01"])})  # fmt: skip


def test_reuse_elsewhere_is_counted_and_at_home_is_not():
    result = case_reuse(CASES)
    assert result.table.set_index("suggestion_id")["reuses"].to_dict() == {"a": 2, "b": 0, "c": 0}
    assert result.share[["successes", "n"]].iloc[0].to_list() == [1, 3]
    assert result.share[["low", "high"]].iloc[0].to_list() == pytest.approx([0.0615, 0.7923], abs=5e-5)
    assert (result.median_views, result.viewed) == (25.0, 2)


def test_a_measure_copied_from_the_case_is_reuse():
    measures = pd.DataFrame({"measure_id": ["m1", "m2"], "replicated_from": [None, "m1"]})
    assert case_reuse(CASES, measures).share["successes"].iloc[0] == 2


def test_where_nobody_records_reuse_nothing_is_said_of_it():
    result = case_reuse(CASES.drop(columns=["reused_by", "views"]))
    assert set(result.cautions) == {"no_views", "no_reuse_record"} and result.share["n"].iloc[0] == 0


def test_no_case_is_refused():
    with pytest.raises(MethodRefused) as refusal:
        case_reuse(CASES.tail(1))
    assert refusal.value.code == "case_reuse.no_cases"
    with pytest.raises(MethodRefused):
        case_reuse(CASES, as_of="2025-12-31")
