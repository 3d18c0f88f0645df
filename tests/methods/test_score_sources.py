import made_follow_up as made
import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import score_sources as method
from sqlib.methods.score_sources import per_person, score_sources


def test_a_persons_mean_counts_every_customer_once():
    rows = pd.DataFrame({
        "staff_id": ["a"] * 3 + ["b"] * 12, "customer_id": ["x", "x", "y", *range(12)],
        "score": [5, 5, 2, *[1, 3] * 6],
    })  # fmt: skip
    found = per_person(rows, value="score", cluster="customer_id").set_index("ratee_id")
    assert found.loc["a", ["estimate", "n", "clusters"]].to_list() == [3.5, 3, 2]
    within = (2 * 1.5**2 + 12) / (14 - 2)
    assert found["se"].to_list() == pytest.approx([np.sqrt(within / 2), np.sqrt(within / 12)])


def test_too_few_answers_leave_the_error_untold():
    rows = pd.DataFrame({"staff_id": ["a", "a", "b"], "score": [1, 2, 3]})
    assert per_person(rows, value="score")["se"].isna().all()


def test_shrinkage_is_taken_back():
    """A shrunk score r y with prediction error s2 (1 - r) comes from a score y of error s2 (1 - r) / r."""
    rng = np.random.default_rng(0)
    score, share = 80 + 5 * rng.standard_normal(4000), 0.6
    shrunk = pd.DataFrame({"calibrated": 80 + share * (score - 80)})
    spread = shrunk["calibrated"].var()
    found = method._unshrunk(shrunk.assign(se=np.sqrt(spread / share * (1 - share))))
    assert found["estimate"].to_numpy() == pytest.approx(score, abs=0.1)
    assert found["se"].iloc[0] ** 2 == pytest.approx(spread / share**2 * (1 - share))


def test_the_planted_person_is_found_and_nobody_else():
    result = made.made("sources", "look_again")
    flagged = result.table[result.table["verdict"] == "look_again"]
    assert flagged["ratee_id"].to_list() == ["s00"] and result.flagged == 1
    row = flagged.iloc[0]
    assert row["difference"] == pytest.approx(row["judged"] - row["customer"])
    assert row["difference_low"] > 0 and row["difference"] > row["findable"]


def test_nobody_is_found_where_sources_agree():
    found = sum(made.sources(each=12, reliability=0.7, seed=seed).flagged > 0 for seed in range(30))
    assert found <= 4  # 5 % of 30 runs are 1.5; five or more have probability .016


def test_a_person_of_few_customers_is_hidden_with_another():
    told = per_person(made.answers(np.zeros(30) + np.arange(30) / 10), value="score", cluster="customer_id")
    told.loc[3, "clusters"] = 2
    result = score_sources(made.judged(np.arange(30) / 10), customer=told)
    hidden = result.table[result.table["customer_n"].isna()]
    assert result.hidden == 2 and "s03" in set(hidden["ratee_id"]) and "customers_hidden" in result.cautions
    assert hidden[["customer", "customer_low", "difference", "p_value"]].isna().all(axis=None)
    assert (hidden["verdict"] == "too_few").all()


def test_a_formulas_score_is_free_of_error_and_says_so():
    true = np.random.default_rng(3).standard_normal(30)
    formula = pd.DataFrame({"ratee_id": made.IDS, "estimate": 90 + true})
    result = score_sources(made.judged(true), formula)
    assert "error_unknown" in result.cautions
    row = result.agreement.iloc[0]
    assert row["reliability_second"] == 1 and row["verdict"] == "agree"
    assert (result.table["objective_low"] == result.table["objective_high"]).all()


def test_customers_whose_error_cannot_be_told_are_not_taken_as_exact():
    true = np.random.default_rng(3).standard_normal(30)
    told = per_person(made.answers(true, each=1), value="score")
    result = score_sources(made.judged(true), customer=told, min_group=1)
    assert result.agreement["verdict"].to_list() == ["too_unreliable"] and result.comparisons == 0


def test_parts_are_compared_within_themselves():
    true = np.random.default_rng(4).standard_normal(30)
    judged = made.judged(true).assign(part=np.repeat([0, 1], 15))
    formula = pd.DataFrame({"ratee_id": made.IDS, "estimate": true + np.repeat([0.0, 50.0], 15)})
    result = score_sources(judged, formula)
    assert "within_parts" in result.cautions and result.agreement["correlation"].iloc[0] > 0.7
    assert result.table.groupby(judged["part"])["objective"].mean().abs().max() < 1e-9


def test_people_of_one_source_only_are_too_few():
    formula = pd.DataFrame({"ratee_id": made.IDS[:20], "estimate": np.arange(20.0)})
    table = score_sources(made.judged(np.arange(30.0) / 8), formula).table
    assert (table["verdict"].iloc[20:] == "too_few").all() and table["difference"].iloc[:20].notna().all()


def test_what_is_refused():
    judged = made.judged(np.zeros(30))
    with pytest.raises(MethodRefused, match="no second source"):
        score_sources(judged)
    with pytest.raises(MethodRefused, match="Too few people"):
        score_sources(judged, pd.DataFrame({"ratee_id": ["x", "y"], "estimate": [1.0, 2.0]}))
    with pytest.raises(MethodRefused, match="one row per person"):
        score_sources(judged, pd.DataFrame({"ratee_id": ["s00", "s00"], "estimate": [1.0, 2.0]}))
