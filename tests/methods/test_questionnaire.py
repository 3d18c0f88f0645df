import made_results as made
import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from sqlib import suspects
from sqlib.errors import MethodRefused
from sqlib.methods.questionnaire import expected_lines, questionnaire

ITEMS = made.items((0.7,) * 6, n=200, skip=0.03)


def test_floor_and_ceiling_with_wilson_limits():
    found = questionnaire(ITEMS)
    row = found.table.set_index("item").loc["q1"]
    own = ITEMS[ITEMS["item"].eq("q1")]["score"]
    assert row["n"] == len(own) and row["mean"] == pytest.approx(own.mean()) and row["sd"] == pytest.approx(own.std())
    for end, at_it in {"floor": own.eq(1), "ceiling": own.eq(5)}.items():
        limits = proportion_confint(at_it.sum(), len(own), method="wilson")
        assert (row[end], row[f"{end}_low"], row[f"{end}_high"]) == pytest.approx((at_it.mean(), *limits))
    assert row["missing"] == pytest.approx(1 - len(own) / 200)


@pytest.mark.parametrize(("change", "verdict"), [
    (lambda wide, rng: wide.assign(q1=5.0), "no_discrimination"),
    (lambda wide, rng: wide.assign(q1=rng.integers(2, 5, len(wide))), "no_discrimination"),
    (lambda wide, rng: wide.assign(q1=wide["q2"]), "redundant"),
    (lambda wide, rng: wide.assign(q1=wide["q1"].mask(rng.random(len(wide)) < 0.2)), "skipped"),
    (lambda wide, rng: wide.assign(q1=(wide["q1"] + 1).clip(upper=5)), "ceiling"),
    (lambda wide, rng: wide.assign(q1=(wide["q1"] - 1).clip(lower=1)), "floor"),
])  # fmt: skip
def test_every_flag(change, verdict):
    wide = made.items((0.7,) * 5, cuts=(-1.5, -0.4, 0.4, 1.5)).pivot(
        index="feedback_id", columns="item", values="score"
    )
    before = questionnaire(_long(wide)).table.set_index("item")["verdict"]
    after = questionnaire(_long(change(wide, np.random.default_rng(0)))).table.set_index("item")["verdict"]
    assert before["q1"] == "sound" and after["q1"] == verdict


def _long(wide):
    long = wide.reset_index().melt("feedback_id", var_name="item", value_name="score")
    return long.assign(scale_min=1.0, scale_max=5.0)


def test_straight_lines_are_counted_as_the_problem_list_counts_them():
    care = questionnaire(ITEMS).care.set_index("sign")
    assert (care.loc["straight_line", "n"], care.loc["straight_line", "of"]) == suspects.straight_lines(ITEMS)


@pytest.mark.parametrize("cuts", [(-1.2, -0.4, 0.4, 1.2), (-2.0, -1.6, -1.0, -0.2)])
def test_careful_answers_draw_as_many_straight_lines_as_expected(cuts):
    wide = made.items((0.8,) * 5, n=4000, cuts=cuts).pivot(index="feedback_id", columns="item", values="score")
    ends = pd.DataFrame({"low": 1.0, "high": 5.0}, index=wide.columns)
    every, off = expected_lines(wide, ends)
    line = wide.min(axis=1).eq(wide.max(axis=1))
    assert every == pytest.approx(line.mean(), abs=0.025)
    assert off == pytest.approx((line & wide["q1"].between(2, 4)).mean(), abs=0.02)


def test_planted_straight_liners_are_more_than_expected():
    wide = made.items((0.5,) * 6, n=300).pivot(index="feedback_id", columns="item", values="score")
    wide.iloc[:60] = 3.0
    care = questionnaire(_long(wide)).care.set_index("sign")
    assert care.loc["straight_line_off_end", "verdict"] == "above_expected"
    honest = questionnaire(made.items((0.5,) * 6, n=300)).care.set_index("sign")
    assert (honest["verdict"] == "as_expected").all()


def test_hurried_respondents():
    seconds = ITEMS["feedback_id"].map(lambda person: 7.0 if person < 40 else 60.0)
    care = questionnaire(ITEMS.assign(seconds=seconds), seconds="seconds").care.set_index("sign")
    assert care.loc["too_fast", ["n", "of"]].to_list() == [40, 200] and care.loc["too_fast", "expected"] == 0.05
    assert care.loc["too_fast", "verdict"] == "above_expected"
    assert "no_times" in questionnaire(ITEMS).cautions


def test_tallies_add_up_and_hide_small_groups():
    questions = pd.DataFrame({"question": "how", "answer": ["shop"] * 60 + ["web"] * 30 + ["post"] * 3 + ["q"] * 20})
    questions = questions.assign(feedback_id=range(len(questions)), cluster=range(len(questions)))
    found = questionnaire(ITEMS, questions).tallies
    how = found[found["question"] == "how"].set_index("answer")
    assert how["verdict"].to_dict() == {"shop": "shown", "web": "shown", "q": "hidden", "post": "hidden"}
    assert how.loc[["post", "q"], ["n", "people", "estimate", "low", "high"]].isna().all(axis=None)
    assert how.loc["shop", ["n", "of"]].to_list() == [60, 113]
    own = found[found["question"] == "q1"]
    assert own["answer"].to_list() == list("12345") and own["n"].sum() == own["of"].iloc[0]


def test_a_question_that_is_an_item_is_counted_once():
    again = pd.DataFrame({"question": "q1", "answer": "good", "feedback_id": range(50), "cluster": range(50)})
    assert questionnaire(ITEMS, again).tallies.equals(questionnaire(ITEMS).tallies)


def test_a_share_of_few_answers_is_not_given_away_by_the_floor():
    wide = made.items((0.7,) * 5).pivot(index="feedback_id", columns="item", values="score").clip(lower=2.0)
    wide.iloc[:3, 0] = 1.0
    row = questionnaire(_long(wide)).table.iloc[0]
    assert np.isnan(row["floor"]) and np.isnan(row["floor_low"]) and not row["at_floor"]


def test_no_item_is_refused():
    with pytest.raises(MethodRefused, match="no scored item"):
        questionnaire(ITEMS.assign(score=np.nan))
