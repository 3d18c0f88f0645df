"""Answers joined to the customer base, and laid out by cell."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import answers

START, END = pd.Timestamp("2026-07-01"), pd.Timestamp("2026-10-01")
DATES = st.one_of(st.none(), st.dates(pd.Timestamp("2026-05-01").date(), pd.Timestamp("2026-12-01").date()))


def customers(*rows: dict) -> pd.DataFrame:
    table = pd.DataFrame(rows).assign(source_file="customers.csv", source_row=1)
    dates = {name: pd.to_datetime(table[name]) for name in ("start_date", "end_date") if name in table}
    return table.assign(**dates)


def feedback(*rows: dict) -> pd.DataFrame:
    blank = {"customer_id": None, "dimension": None, "metric": "csat", "score": 5.0, "satisfied": True}
    blank |= {"scale_min": 1.0, "scale_max": 5.0, "team": "a", "source_file": "feedback.csv"}
    table = pd.DataFrame([blank | {"feedback_id": f"f{n}", "source_row": n} | row for n, row in enumerate(rows)])
    texts = dict.fromkeys(("feedback_id", "customer_id", "dimension"), "str")
    return table.astype(texts | {"satisfied": "boolean", "score": float})


def items(*rows: dict) -> pd.DataFrame:
    blank = {"metric": "csat", "scale_min": 1.0, "scale_max": 5.0, "score": 2.0, "satisfied": False, "item_id": "q1"}
    blank |= {"dimension": None, "item_text": None, "source_file": "items.csv", "source_row": 9}
    blank |= {"kano_functional": None, "kano_dysfunctional": None}
    return pd.DataFrame([blank | row for row in rows]).astype(
        {"satisfied": "boolean", "dimension": "str", "item_text": "str", "kano_functional": float}
    )


# ---------------------------------------------------------------- the base


@settings(deadline=None)
@given(st.lists(st.tuples(DATES, DATES), min_size=1, max_size=8))
def test_customers_under_contract_at_some_time_of_the_period(spans):
    table = customers(*({"customer_id": str(n), "start_date": a, "end_date": b} for n, (a, b) in enumerate(spans)))
    within = [
        str(n) for n, (start, end) in enumerate(spans)
        if (start is None or pd.Timestamp(start) < END) and (end is None or pd.Timestamp(end) >= START)
    ]  # fmt: skip
    assert answers.active(table, START, END)["customer_id"].tolist() == within


def test_the_last_day_under_contract_still_counts_and_the_first_day_after_the_period_does_not():
    table = customers({"customer_id": "a", "start_date": "2020-01-01", "end_date": "2026-07-01"},
                      {"customer_id": "b", "start_date": "2026-10-01", "end_date": None})  # fmt: skip
    assert answers.active(table, START, END)["customer_id"].tolist() == ["a"]


# ---------------------------------------------------------------- linking


def test_the_customers_own_columns_come_along_and_the_answers_own_words_stay():
    base = customers(
        {"customer_id": "c1", "segment": "small", "team": "b"}, {"customer_id": "c2", "segment": "large", "team": "b"}
    )
    given_rows = feedback({"customer_id": "c1", "team": None}, {"customer_id": "c2"}, {"customer_id": "gone"}, {})
    linked = answers.link(given_rows, base)
    assert linked["segment"].tolist()[:2] == ["small", "large"] and linked["segment"].isna().tolist()[2:] == [
        True,
        True,
    ]
    assert linked["team"].tolist() == ["b", "a", "a", "a"]
    assert linked["source_file"].eq("feedback.csv").all() and linked["source_row"].tolist() == [0, 1, 2, 3]
    assert len(linked) == len(given_rows) and "segment" not in given_rows


def test_cluster_is_the_group_else_the_customer_else_the_answer():
    base = customers({"customer_id": "c1", "customer_group": "g"}, {"customer_id": "c2", "customer_group": "g"},
                     {"customer_id": "c3", "customer_group": None})  # fmt: skip
    rows = feedback({"customer_id": "c1"}, {"customer_id": "c2"}, {"customer_id": "c3"}, {"customer_id": "c3"}, {}, {})
    cluster = answers.link(rows, base)["cluster"]
    assert cluster.tolist()[:4] == ["g", "g", "c3", "c3"]
    assert cluster.nunique() == 4
    assert answers.link(rows, None)["cluster"].nunique() == 5


def test_an_answer_is_not_taken_for_the_customer_of_the_same_number():
    linked = answers.link(feedback({"customer_id": "f1"}, {}), None)
    assert linked["feedback_id"].tolist()[1] == linked["customer_id"].tolist()[0] == "f1"
    assert linked["cluster"].nunique() == 2


def test_a_customer_listed_twice_gives_no_answer_twice():
    base = customers({"customer_id": "c1", "segment": "small"}, {"customer_id": "c1", "segment": "large"})
    assert answers.link(feedback({"customer_id": "c1"}), base)["segment"].tolist() == ["small"]


# ---------------------------------------------------------------- by cell


def test_overall_scores_and_items_stand_one_below_the_other():
    rows = feedback({"customer_id": "c1"}, {"customer_id": "c2", "satisfied": False})
    both = answers.by_cell(
        rows, items({"feedback_id": "f0", "dimension": "speed"}, {"feedback_id": "gone", "dimension": "speed"})
    )
    assert both["feedback_id"].tolist() == ["f0", "f1", "f0"]
    assert both["speaks_to"].isna().tolist() == [True, True, False] and both["speaks_to"].iloc[2] == "dimension"
    item = both.iloc[2]
    assert (item["dimension"], item["satisfied"], item["score"]) == ("speed", False, 2)
    assert (item["customer_id"], item["team"]) == ("c1", "a")


def test_an_item_is_named_by_dimension_else_by_its_text_else_by_its_number():
    rows = items(
        {"feedback_id": "f0", "dimension": "speed"},
        {"feedback_id": "f0", "item_text": "Was it quick?"},
        {"feedback_id": "f0"},
    )
    found = answers.by_cell(feedback({}), rows)
    assert found["dimension"].tolist()[1:] == ["speed", "Was it quick?", "q1"]


def test_a_dimension_in_the_feedback_itself_speaks_to_the_dimensions():
    found = answers.by_cell(feedback({}, {"dimension": "speed"}), None)
    assert found["speaks_to"].isna().tolist() == [True, False] and found["dimension"].tolist()[1] == "speed"


def test_where_there_are_only_items_they_speak_to_every_family():
    found = answers.by_cell(feedback({"dimension": "speed"}, {"dimension": "tone"}), None)
    assert len(found) == 2 and found["speaks_to"].isna().all()


@pytest.mark.parametrize("left_out", [{"metric": "nps"}, {"satisfied": None}])
def test_only_satisfaction_that_is_known_is_laid_out(left_out):
    found = answers.by_cell(feedback({}, left_out), items({"feedback_id": "f0", "satisfied": None}))
    assert found["feedback_id"].tolist() == ["f0"]


def test_overall_scores_on_another_scale_are_left_out():
    rows = feedback({}, {}, {"scale_max": 10.0, "score": 10.0})
    assert answers.by_cell(rows, None)["scale_max"].tolist() == [5, 5]


def test_nothing_to_lay_out_is_an_empty_table_with_its_columns():
    found = answers.by_cell(feedback({"metric": "nps"}), None)
    assert found.empty and {"speaks_to", "satisfied", "dimension", "team"} <= set(found.columns)


# ---------------------------------------------------------------- one row an answer


def wide(rows, scores):
    linked = answers.link(rows, None)
    return answers.wide(linked, answers.item_scores(linked, scores))


def test_items_stand_beside_the_overall_score_of_their_answer():
    scores = items(
        {"feedback_id": "f0", "dimension": "speed", "score": 2.0},
        {"feedback_id": "f0", "item_text": "Polite?", "score": 4.0},
        {"feedback_id": "f1", "dimension": "speed", "score": 5.0},
        {"feedback_id": "gone", "dimension": "speed", "score": 1.0},
    )
    found = wide(feedback({"customer_id": "c1"}, {"score": 3.0}, {}), scores)
    assert found.columns.tolist() == ["feedback_id", "cluster", "score", "speed", "Polite?"]
    assert found["feedback_id"].tolist() == ["f0", "f1"] and found["score"].tolist() == [5, 3]
    assert found["cluster"].tolist()[0] == "c1" and found["speed"].tolist() == [2, 5]
    assert found["Polite?"].tolist()[0] == 4 and found["Polite?"].isna().tolist() == [False, True]


def test_dimensions_given_as_rows_of_the_feedback_are_items_too():
    rows = feedback(
        {"feedback_id": "a"}, {"feedback_id": "a", "dimension": "speed", "score": 2.0}, {"feedback_id": "b"}
    )
    found = wide(rows, None)
    assert found[["feedback_id", "score", "speed"]].to_numpy().tolist() == [["a", 5, 2]]


def test_items_on_another_scale_are_left_out_and_those_of_one_name_averaged():
    scores = items(
        {"feedback_id": "f0", "dimension": "speed", "score": 2.0, "item_id": "q1"},
        {"feedback_id": "f0", "dimension": "speed", "score": 5.0, "item_id": "q2"},
        {"feedback_id": "f0", "dimension": "tone", "score": 9.0, "scale_max": 10.0},
    )
    found = wide(feedback({"scale_max": 10.0}), scores)
    assert found.columns.tolist()[3:] == ["speed"] and found["speed"].tolist() == [3.5]


def test_an_item_may_bear_the_name_of_a_column_of_ours():
    found = wide(feedback({}), items({"feedback_id": "f0", "dimension": "score", "score": 2.0}))
    assert found["score"].tolist() == [5] and found["score (item)"].tolist() == [2]


def test_without_items_or_overall_scores_there_is_no_row():
    assert wide(feedback({}), None).empty
    assert wide(feedback({"metric": "nps"}), items({"feedback_id": "f0"})).empty
    assert answers.item_scores(feedback({}), None).empty


def test_kano_pairs_of_answers_and_of_a_survey_that_stands_by_itself():
    pairs = items(
        {"feedback_id": "f0", "item_text": "App", "kano_functional": 1, "kano_dysfunctional": 5, "score": None},
        {"feedback_id": "f0", "item_id": "q7", "kano_functional": 1, "kano_dysfunctional": 3},
        {"feedback_id": "f1", "kano_functional": 1},
        {"feedback_id": "gone", "kano_functional": 1, "kano_dysfunctional": 3},
    )
    alone = items({"feedback_id": "k1", "item_id": "q7", "kano_functional": 3, "kano_dysfunctional": 3})
    linked = answers.link(feedback({"customer_id": "c1"}, {}), None)
    found = answers.kano_pairs(linked, pairs, alone.assign(cluster="c9"))
    assert found["feature"].tolist() == ["App", "q7", "q7"]
    assert found[["functional", "dysfunctional"]].to_numpy().tolist() == [[1, 5], [1, 3], [3, 3]]
    assert found["cluster"].tolist() == ["c1", "c1", "c9"]
