import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.unanswered_results import unanswered_results

INDICATORS = pd.DataFrame({"indicator_id": ["fix", "late"], "name": ["First fix", "Late"], "direction": ["up", "down"],
                           "target": [80.0, 10.0], "unit": ["percent", "cases"]})  # fmt: skip
AS_OF = "2026-06-30"


def monthly(numbers, indicator="fix", unit=None, start="2026-01", **more):
    months = pd.period_range(start, periods=len(numbers), freq="M")
    frame = {"indicator_id": indicator, "unit_id": unit, "period_start": months.start_time,
             "period_end": months.end_time.normalize(), "value": numbers}  # fmt: skip
    return pd.DataFrame(frame | more)


def measure(start, **more):
    row = {"measure_id": "m1", "indicator_id": "fix", "start_on": pd.Timestamp(start), "end_on": pd.NaT,
           "decided_on": pd.NaT, "units": None}  # fmt: skip
    return pd.DataFrame([row | more])


def answered(values, measures=None, findings=None, **options):
    return unanswered_results(values, INDICATORS, measures, findings, as_of=AS_OF, **options)


def test_weak_months_in_a_row_are_one_stretch():
    result = answered(monthly([85, 79, 78, 81, 70, 90]))
    assert (result.n, result.weak, len(result.table), result.open) == (6, 3, 2, 1)
    assert result.table["verdict"].to_list() == ["unanswered", "not_due"]  # May may be answered until the end of June
    first = result.table.sort_values("first_period").iloc[0]
    assert (first["periods"], first["worst"], first["target"]) == (2, 78, 80)
    assert "no_register" in result.cautions


@pytest.mark.parametrize(
    ("start", "verdict"),
    [("2025-12-01", "already"), ("2026-02-01", "in_time"), ("2026-03-31", "in_time"), ("2026-04-01", "late"),
     ("2026-07-10", "unanswered")],
)  # fmt: skip
def test_an_answer_comes_within_one_period_or_late(start, verdict):
    """Weak from 1 February: one period after that month ends on 31 March."""
    result = answered(monthly([85, 79, 78, 85, 85, 85]), measure(start))
    assert result.table["verdict"].to_list() == [verdict]
    good = verdict in ("already", "in_time")
    assert result.share[["successes", "n"]].iloc[0].to_list() == [int(good), 1]


def test_a_measure_that_ended_before_answers_nothing():
    gone = measure("2025-06-01", end_on=pd.Timestamp("2025-12-31"))
    assert answered(monthly([85, 70, 85, 85]), gone).table["verdict"].to_list() == ["unanswered"]


def test_what_is_not_over_is_not_due():
    result = answered(monthly([85, 85, 85, 85, 85, 70]))
    assert result.table["verdict"].to_list() == ["not_due"] and result.share["n"].iloc[0] == 0
    future = answered(monthly([85, 70], start="2026-06"))
    assert future.n == 1 and "future_dates" in future.cautions


def test_low_is_good_where_the_indicator_says_so():
    assert answered(monthly([9, 11, 9], indicator="late")).table["worst"].to_list() == [11]


def test_a_measure_on_units_answers_for_those():
    values = pd.concat([monthly([70, 85, 85], unit="A"), monthly([70, 85, 85], unit="B")])
    found = answered(values, measure("2026-02-10", units="A; C")).table.set_index("unit_id")["verdict"]
    assert found.to_dict() == {"A": "in_time", "B": "unanswered"}


def test_a_decision_on_a_finding_answers_too():
    finding = pd.DataFrame(
        {"finding_id": ["f"], "source_ref": ["First fix"], "decided_on": [pd.Timestamp("2026-02-05")]}
    )
    assert answered(monthly([70, 85, 85]), None, finding).table[["answer", "verdict"]].iloc[0].to_list() == [
        "f",
        "in_time",
    ]
    acted = finding.assign(decided_on=pd.NaT, found_on=pd.Timestamp("2026-02-05"), status="rejected")
    assert answered(monthly([70, 85, 85]), None, acted).table["verdict"].to_list() == ["in_time"]
    silent = acted.assign(status="open")
    assert answered(monthly([70, 85, 85]), None, silent).table["verdict"].to_list() == ["unanswered"]
    by_measure = acted.assign(source_ref=None, measure_id="m1")
    late = measure("2026-09-01")
    assert answered(monthly([70, 85, 85]), late, by_measure).table["answer"].to_list() == ["f"]


def test_an_interval_beyond_the_target_is_certain():
    sure = answered(monthly([70.0, 85, 85], low=[65.0, 80, 80], high=[75.0, 90, 90])).table["certain"].iloc[0]
    open_ = answered(monthly([79.0, 85, 85], low=[75.0, 80, 80], high=[83.0, 90, 90])).table["certain"].iloc[0]
    assert bool(sure) and not open_ and pd.isna(answered(monthly([70, 85, 85])).table["certain"].iloc[0])


def test_only_what_has_a_target_is_looked_at():
    bare = INDICATORS.assign(target=[80.0, np.nan])
    values = pd.concat([monthly([70, 85]), monthly([70, 85], indicator="late")])
    result = unanswered_results(values, bare, as_of=AS_OF)
    assert result.n == 2 and "no_target" in result.cautions
    own = unanswered_results(monthly([70, 85], target=60.0), INDICATORS, as_of=AS_OF)
    assert own.weak == 0 and own.table.empty


def test_the_share_is_wilsons():
    values = pd.concat([monthly([70, 85, 85], unit=unit) for unit in "ABCD"])
    share = answered(values, measure("2026-01-20", units="A")).share.iloc[0]
    assert share[["successes", "n"]].to_list() == [1, 4]
    assert share[["low", "high"]].to_list() == pytest.approx([0.0456, 0.6994], abs=5e-5)


@pytest.mark.parametrize(("values", "code"), [(monthly([70], indicator="joy"), "unknown"),
                                              (monthly([70], start="2027-01"), "nothing"),
                                              (monthly([]), "unknown")])  # fmt: skip
def test_what_cannot_be_held_against_a_target_is_refused(values, code):
    with pytest.raises(MethodRefused) as refusal:
        answered(values)
    assert refusal.value.code == f"unanswered_results.{code}"
