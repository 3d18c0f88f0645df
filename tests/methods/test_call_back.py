"""Call-back list: against a loop over every answer and every case."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.methods.call_back import call_back

DAY = pd.Timestamp("2026-08-15")
SCALES = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
CUSTOMERS = st.sampled_from(["a", "b", "c", None])
DAYS = st.one_of(st.none(), st.integers(-45, 45).map(lambda days: DAY + pd.Timedelta(days=days)))


@st.composite
def an_answer(draw):
    metric = draw(st.sampled_from(list(SCALES)))
    low, high = SCALES[metric]
    score = draw(st.one_of(st.none(), st.integers(low, high)))
    return {
        "metric": metric, "score": score, "scale_min": low, "scale_max": high,
        "customer_id": draw(CUSTOMERS), "received_at": draw(DAYS), "comment": draw(st.sampled_from(["slow", None])),
    }  # fmt: skip


ANSWERS = st.lists(an_answer(), min_size=1, max_size=12)
CASES = st.lists(st.fixed_dictionaries({"customer_id": CUSTOMERS, "created_at": DAYS}), max_size=8)
BEST = st.dictionaries(st.sampled_from(["csat", "ces"]), st.sampled_from(["high", "low"]))


def answers(rows: list[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows).astype({"score": float, "customer_id": "str"})
    table["received_at"] = pd.to_datetime(table["received_at"])
    return table.assign(feedback_id=[f"f{place:02}" for place in range(len(table))])


def cases(rows: list[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["customer_id", "created_at"]).astype({"customer_id": "str"})
    return table.assign(created_at=pd.to_datetime(table["created_at"]))


# ---------------------------------------------------------------- the loop


def place(row, best):
    on_scale = (row["score"] - row["scale_min"]) / (row["scale_max"] - row["scale_min"])
    return 1 - on_scale if best.get(row["metric"]) == "low" else on_scale


def is_low(row, best):
    if row["score"] is None:
        return False
    return row["score"] <= 6 if row["metric"] == "nps" else place(row, best) <= 0.25


def has_case(row, opened):
    return any(
        row["customer_id"] is not None and case["customer_id"] == row["customer_id"]
        and row["received_at"] is not None and case["created_at"] is not None
        and -7 <= (case["created_at"] - row["received_at"]).days <= 30
        for case in opened
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(ANSWERS, st.one_of(st.none(), CASES), BEST)
def test_the_list_is_that_of_a_loop(rows, opened, best):
    low = [number for number, row in enumerate(rows) if is_low(row, best)]
    linked = any(rows[number]["customer_id"] and rows[number]["received_at"] for number in low)
    known = opened is not None and (linked or not low)
    listed = [number for number in low if not (known and has_case(rows[number], opened))]
    found = call_back(answers(rows), None if opened is None else cases(opened), best=best)
    assert sorted(found.table["feedback_id"]) == [f"f{number:02}" for number in listed]
    assert (found.low, found.without_case) == (len(low), len(listed))
    assert found.n == sum(row["score"] is not None for row in rows)
    assert found.cautions == (() if known else ("no_cases",))
    depth = [place(rows[int(name[1:])], best) for name in found.table["feedback_id"]]
    assert depth == sorted(depth)


# ---------------------------------------------------------------- what is low, what is a case


def one(score, metric="csat", scale=(1, 5), **columns) -> pd.DataFrame:
    row = {"metric": metric, "score": score, "scale_min": scale[0], "scale_max": scale[1], "customer_id": "a"}
    return answers([row | {"received_at": DAY, "comment": "slow"} | columns])


@pytest.mark.parametrize(
    ("metric", "scale", "lows"),
    [("csat", (1, 5), [1, 2]), ("csat", (1, 10), [1, 2, 3]), ("csat", (0, 10), [0, 1, 2]), ("csat", (1, 7), [1, 2]),
     ("csat", (1, 3), [1]), ("nps", (0, 10), [0, 1, 2, 3, 4, 5, 6])],
)  # fmt: skip
def test_the_lowest_quarter_of_the_scale_is_low(metric, scale, lows):
    scores = range(scale[0], scale[1] + 1)
    assert [score for score in scores if call_back(one(score, metric, scale)).low] == lows
    if metric != "nps":
        turned = [scale[0] + scale[1] - score for score in reversed(lows)]
        assert [score for score in scores if call_back(one(score, metric, scale), best={"csat": "low"}).low] == turned


@pytest.mark.parametrize(("days", "listed"), [(-8, 1), (-7, 0), (0, 0), (30, 0), (31, 1)])
def test_a_case_counts_from_a_week_before_to_a_month_after(days, listed):
    opened = cases([{"customer_id": "a", "created_at": DAY + pd.Timedelta(days=days)}])
    assert call_back(one(1), opened).without_case == listed


def test_the_case_of_another_customer_is_none():
    opened = cases([{"customer_id": "b", "created_at": DAY}, {"customer_id": None, "created_at": DAY}])
    assert call_back(one(1), opened).without_case == 1
    assert call_back(one(1, customer_id=None), opened).cautions == ("no_cases",)


def test_undated_answers_cannot_be_matched_and_nothing_is_claimed():
    opened = cases([{"customer_id": "a", "created_at": DAY}])
    found = call_back(one(1, received_at=None), opened)
    assert (found.without_case, found.cautions) == (1, ("no_cases",))


def test_no_low_score_needs_no_case():
    assert call_back(one(5), cases([])).cautions == ()
    assert call_back(one(5)).cautions == ("no_cases",)


def test_the_lowest_scores_come_first_and_the_answers_stay_as_they_were():
    rows = pd.concat([one(2), one(1), one(3, "nps", (0, 10))]).assign(feedback_id=["x", "y", "z"])
    before = rows.copy()
    found = call_back(rows)
    assert found.table["feedback_id"].tolist() == ["y", "x", "z"]
    assert list(found.table.columns) == ["feedback_id", "customer_id", "received_at", "metric", "score", "comment"]
    assert list(found.table.index) == [0, 1, 2]
    pd.testing.assert_frame_equal(rows, before)
