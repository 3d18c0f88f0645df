"""Indicators computed from records: against plain arithmetic, the methods beside, and what a client reports."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import definitions
from sqlib.errors import MethodRefused
from sqlib.methods import indicator_values, means, proportions

SHIPPED = definitions.load()
DAY, HOUR = pd.Timedelta(days=1), pd.Timedelta(hours=1)


def feedback(seed=0, n=400, customers=None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.choice([1, 2, 3, 4, 5], n, p=[0.05, 0.1, 0.2, 0.35, 0.3]).astype(float)
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.uniform(0, 181, n), unit="D")
    who = [f"c{k}" for k in (np.arange(n) if customers is None else rng.integers(0, customers, n))]
    return pd.DataFrame({
        "received_at": days, "score": score, "satisfied": pd.array(score >= 4, dtype="boolean"), "metric": "csat",
        "scale_min": 1.0, "scale_max": 5.0, "customer_id": who, "team": rng.choice(["a", "b"], n),
    })  # fmt: skip


def cases(**columns) -> pd.DataFrame:
    frame = pd.DataFrame({"created_at": pd.to_datetime(columns.pop("created_at")), "status": "closed", **columns})
    for name in ("first_response_at", "resolved_at", "closed_at", "reopened_at", "due_at"):
        frame[name] = pd.to_datetime(frame[name]) if name in frame else pd.NaT
    return frame


def one(name: str, tables: dict, **options) -> pd.DataFrame:
    return indicator_values.compute({name: SHIPPED[name]}, tables, **options)


@pytest.mark.parametrize("customers", [None, 80])
def test_shares_and_means_equal_the_methods_beside(customers):
    frame = feedback(customers=customers)
    month = frame.assign(month=frame["received_at"].dt.to_period("M").astype(str))
    top = one("satisfaction_top", {"feedback": frame}, as_of="2026-06-30")
    said = proportions.share(month, outcome="satisfied", by="month", cluster="customer_id").table
    np.testing.assert_allclose(top["value"], said["estimate"] * 100)
    mean = one("satisfaction_mean", {"feedback": frame}, as_of="2026-06-30")
    said_mean = means.mean(month, value="score", by="month", cluster="customer_id", scale=(1, 5)).table
    np.testing.assert_allclose(mean["value"], said_mean["estimate"])
    tolerance = 1e-6 if customers is None else 0.25  # clustered: linearised here, small-sample corrected there
    for ours, theirs, width in ((top, said, 100), (mean, said_mean, 1)):
        span = (theirs["high"] - theirs["low"]) * width
        np.testing.assert_allclose((ours["high"] - ours["low"]) / span, 1, atol=max(tolerance, 0.02))


def test_all_rows_of_one_unit_add_up_to_the_firm():
    frame = feedback()
    whole = one("satisfaction_top", {"feedback": frame}, as_of="2026-06-30")
    parts = one("satisfaction_top", {"feedback": frame}, unit="team", as_of="2026-06-30")
    summed = parts.groupby("period_start")[["numerator", "denominator", "n"]].sum().reset_index(drop=True)
    pd.testing.assert_frame_equal(summed, whole[["numerator", "denominator", "n"]], check_dtype=False)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["week", "month", "quarter"]))
def test_any_frequency_is_plain_counting(seed, frequency):
    frame = feedback(seed, n=60)
    found = one("satisfaction_top", {"feedback": frame}, frequency=frequency, as_of="2026-06-30")
    for row in found.itertuples():
        inside = frame[(frame["received_at"] >= row.period_start) & (frame["received_at"] < row.period_end + DAY)]
        assert (row.n, row.numerator if row.n else 0) == (len(inside), inside["satisfied"].sum() if row.n else 0)
        assert not row.n or row.low <= row.value <= row.high


def test_periods_that_are_not_over_are_left_out():
    found = one("satisfaction_top", {"feedback": feedback()}, as_of="2026-06-20")
    assert found["period_end"].max() == pd.Timestamp("2026-05-31")
    between = one(
        "satisfaction_top", {"feedback": feedback()}, start="2026-02-01", end="2026-04-30", as_of="2026-06-30"
    )
    assert between["period_start"].dt.month.tolist() == [2, 3, 4]


def test_promoters_less_detractors():
    score = [10, 9, 8, 7, 6, 0, 10, 10]
    frame = pd.DataFrame({"received_at": pd.Timestamp("2026-01-10"), "score": score, "metric": "nps", "scale_min": 0.0,
                          "scale_max": 10.0})  # fmt: skip
    found = one("nps", {"feedback": frame}, as_of="2026-01-31").iloc[0]
    assert found["value"] == pytest.approx(25) and -100 <= found["low"] < 25 < found["high"] <= 100


def test_counts_and_rates_carry_garwoods_limits():
    """Garwood (1936), table: 5 events, 1.6235 to 11.6683."""
    np.testing.assert_allclose(np.ravel(indicator_values.poisson_limits([5], 0.05)), (1.6235, 11.6683), atol=5e-5)
    frame = cases(created_at=["2026-01-05"] * 5 + ["2026-01-20"] * 5, issue_type=["complaint"] * 5 + ["question"] * 5)
    base = pd.DataFrame({"start_date": pd.to_datetime(["2025-01-01"] * 200 + ["2026-03-01"] * 9), "end_date": pd.NaT})
    found = one("complaint_rate", {"cases": frame, "customers": base}, as_of="2026-01-31").iloc[0]
    assert (found["value"], found["denominator"]) == (2.5, 200)
    assert (found["low"], found["high"]) == (pytest.approx(0.8118, abs=1e-4), pytest.approx(5.8342, abs=1e-4))
    share = one("complaint_share", {"cases": frame}, as_of="2026-01-31").iloc[0]
    assert (share["value"], share["n"]) == (50, 10)


def test_open_cases_are_counted_in_the_time_to_resolution():
    created = pd.Timestamp("2026-01-05 09:00")
    hours = [10, 20, 30, None, None]
    ends = [created + h * HOUR if h else pd.NaT for h in hours]
    found = one("resolution_median", {"cases": cases(created_at=[created] * 5, resolved_at=ends)}, as_of="2026-01-31")
    row = found.iloc[0]
    assert (row["value"], row["numerator"], row["n"]) == (30, 3, 5)  # of the solved ones alone it would be 20
    assert np.isinf(row["high"])


def test_on_time_counts_open_cases_that_are_late_and_not_those_still_in_time():
    made = ["2026-01-05 09:00"] * 3 + ["2026-01-31 20:00"]
    ends = ["2026-01-05 12:00", "2026-01-08 09:00", None, None]
    frame = cases(created_at=made, resolved_at=ends, sla_hours=[24.0] * 4)
    row = one("on_time_resolution", {"cases": frame}, as_of="2026-01-31").iloc[0]
    assert (row["numerator"], row["denominator"]) == (1, 3)


def test_backlog_repeats_and_reopened():
    frame = cases(
        created_at=["2026-01-05", "2026-01-20", "2026-02-10", "2026-02-11"],
        resolved_at=["2026-01-06", "2026-02-15", None, None],
        customer_id=["a", "b", "b", "c"], issue_type=["x"] * 4,
    )  # fmt: skip
    stock = one("backlog", {"cases": frame}, as_of="2026-02-28")
    assert stock["value"].tolist() == [1, 2]
    again = one("repeat_rate", {"cases": frame}, as_of="2026-06-30")
    assert again["numerator"].tolist()[:2] == [1, 0] and again["n"].tolist()[:2] == [2, 2]
    assert one("reopen_rate", {"cases": frame}, as_of="2026-02-28").empty  # nobody keeps the column: no rate of none
    kept = frame.assign(reopened_at=pd.to_datetime(["2026-01-09", None, None, None]))
    assert one("reopen_rate", {"cases": kept}, as_of="2026-02-28")["value"].tolist()[0] == 50


def test_definitions_that_cannot_be_computed_are_refused_by_name():
    tables = {"feedback": feedback()}
    with pytest.raises(MethodRefused) as raised:
        indicator_values.compute(SHIPPED, tables, frequency="day")
    assert raised.value.code == "indicator_values.frequency"
    for change, code in (({"kind": "mood"}, "kind"), ({"base": "moode == 1"}, "column")):
        with pytest.raises(MethodRefused) as raised:
            indicator_values.compute({"x": SHIPPED["satisfaction_top"] | change}, tables)
        assert raised.value.code == f"indicator_values.{code}" and "x" in raised.value.text("zh")
    with pytest.raises(MethodRefused):
        indicator_values.compute({"x": SHIPPED["satisfaction_top"]}, tables, unit="branch")


def reported(values, **columns) -> pd.DataFrame:
    start = pd.date_range("2026-01-01", periods=len(values), freq="MS")
    frame = pd.DataFrame({"indicator_id": "X", "unit_id": pd.NA, "period_start": start, "value": values})
    return frame.assign(period_end=frame["period_start"] + pd.offsets.MonthEnd(0), **columns)


def test_a_report_agrees_within_its_rounding():
    own = reported([93.44, 90.0, 88.0, 91.0])
    found = indicator_values.reconcile(own.head(3), reported([93.4, 90.1, 88.06, 91.0]))
    assert found["verdict"].tolist() == ["differs", "differs", "differs", "not_recomputable"]
    one_digit = indicator_values.reconcile(own.head(3), reported([93.4, 90.1, 88.0, 91.0]))
    assert one_digit["verdict"].tolist() == ["agree", "differs", "agree", "not_recomputable"]
    np.testing.assert_allclose(one_digit["difference"][:3], [-0.04, 0.1, 0.0], atol=1e-9)
    shares = indicator_values.reconcile(own.head(3), reported([0.934, 0.9, 0.88, 0.91]))
    assert shares["verdict"].tolist() == ["agree", "agree", "agree", "not_recomputable"]


INDICATORS = pd.DataFrame({
    "indicator_id": ["X", "Y"], "name": ["Share", "Cases"], "name_en": [None, None], "unit": ["percent", "cases"],
    "direction": ["up", "down"], "data_type": ["proportion", "count"], "definition_id": ["satisfaction_top", None],
})  # fmt: skip


def test_a_series_is_reported_or_recomputed_never_a_mixture():
    own, made = reported([90.0, 91.0, 92.0]), reported([89.0, 91.0, 92.0, 93.0], indicator_id="satisfaction_top")
    found = indicator_values.series(own, made, indicators=INDICATORS)
    assert found["used"].eq("reported").all() and found["time"].tolist() == [0, 1, 2]
    assert found["other"].tolist() == [89, 91, 92] and found["direction"].eq("up").all()
    alone = indicator_values.series(None, made, indicators=INDICATORS)
    assert alone["used"].eq("recomputed").all() and len(alone) == 4 and alone["name"].eq("Share").all()


def test_holes_keep_their_place_and_parts_make_a_value():
    own = reported([None, 91.0, None, 93.0], numerator=[9.0, np.nan, np.nan, np.nan], denominator=[10.0, *[np.nan] * 3])
    found = indicator_values.series(own, indicators=INDICATORS)
    assert found["time"].tolist() == [0, 1, 3] and found["value"].tolist() == [90.0, 91.0, 93.0]
    assert found["frequency"].eq("month").all()


def test_impossible_values_are_named_by_row_and_left_out():
    own = pd.concat([reported([90.0, 104.0]), reported([3.0, -2.0], indicator_id="Y")], ignore_index=True)
    assert indicator_values.impossible(own, INDICATORS).index.tolist() == [1, 3]
    found = indicator_values.series(own, indicators=INDICATORS)
    assert found["value"].tolist() == [90.0, 3.0]
    assert list(indicator_values.series(None)) == indicator_values.SERIES


def test_weeks_and_months_of_one_indicator_are_two_series():
    weeks = pd.date_range("2026-01-05", periods=3, freq="7D")
    more = reported([1.0, 2.0, 3.0]).assign(period_start=weeks, period_end=weeks + 6 * DAY)
    found = indicator_values.series(pd.concat([reported([90.0, 91.0]), more], ignore_index=True))
    assert found.groupby("frequency")["time"].agg(list).to_dict() == {"month": [0, 1], "week": [0, 1, 2]}


@pytest.mark.parametrize(("values", "target", "read"), [
    ([0.82, 0.9, 1.0], 85.0, [82.0, 90.0, 100.0]), ([0.82, 0.9, 1.0], 0.85, [0.82, 0.9, 1.0]),
    ([0.82, 0.9, 1.0], None, [0.82, 0.9, 1.0]), ([0.82, 0.9, 1.2], 85.0, [0.82, 0.9, 1.2]),
])  # fmt: skip
def test_percent_cells_of_a_workbook_are_told_by_the_target(values, target, read):
    found = indicator_values.series(reported(values), indicators=INDICATORS.assign(target=target))
    assert found["value"].tolist() == pytest.approx(read)
