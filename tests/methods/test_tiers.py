import itertools

import numpy as np
import pandas as pd
import pytest
from calibrated import calibrated
from scipy.stats import multivariate_normal, norm

from sqlib.errors import MethodRefused
from sqlib.methods.tiers import PAIRS, PEOPLE, decisions

CUTS = {"A": 90, "B": 80, "C": 0}
MONEY = {"A": 3000, "B": 1500, "C": 0}
SHARES = {"A": 0.2, "B": 0.6, "C": None}


def people(*scores, raw=None, se=1.0, **columns):
    frame = pd.DataFrame({"ratee_id": [f"p{at}" for at in range(len(scores))], "calibrated": scores, "se": se})
    raw = scores if raw is None else raw
    return frame.assign(raw=raw, corrected=raw, **columns)


def test_cut_points_have_normal_probabilities():
    result = decisions(people(91.0, 84.0), np.diag([4.0, 9.0]), cuts=CUTS, money=MONEY)
    one, other = (result.probabilities.query("ratee_id == @name")["p"].tolist() for name in ("p0", "p1"))
    assert one == pytest.approx([1 - norm.cdf(-0.5), norm.cdf(-0.5) - norm.cdf(-5.5), norm.cdf(-5.5)])
    assert other == pytest.approx([1 - norm.cdf(2), norm.cdf(2) - norm.cdf(-4 / 3), norm.cdf(-4 / 3)])
    assert result.ratees["tier"].tolist() == ["A", "B"] and result.ratees["p_tier"].tolist() == [one[0], other[1]]
    assert result.expected_wrong == pytest.approx(2 - one[0] - other[1])
    assert result.expected_wrong_low <= result.expected_wrong <= result.expected_wrong_high


def test_money_by_hand():
    """One person, paid 3,000 by the raw score and 1,500 by the calibrated one, at .25 .50 .25 of the three tiers."""
    half = norm.ppf(0.75) * 5
    result = decisions(people(85.0, raw=[95.0], se=5.0), [[25.0]], cuts={"A": 85 + half, "B": 85 - half, "C": 0},
                       money=MONEY)  # fmt: skip
    row = result.ratees.iloc[0]
    assert row[["money_raw", "money"]].tolist() == [3000, 1500]
    assert row["money_expected"] == pytest.approx(1500) and row["money_at_stake"] == pytest.approx(1500)
    assert (result.money_moved, result.bonuses, result.hanging + result.thin) == (1500, 1, 1)


def test_a_forced_distribution_against_enumeration_of_the_orders():
    """Two of three best places; orthant probabilities of the six orders of three dependent scores."""
    mean, root = np.array([1.0, 0.5, 0.0]), np.array([[1.0, 0, 0], [0.6, 0.7, 0], [-0.2, 0.3, 0.9]])
    covariance, chance = root @ root.T, np.zeros(3)
    for order in itertools.permutations(range(3)):
        contrast = np.eye(3)[list(order[:2])] - np.eye(3)[list(order[1:])]
        p = multivariate_normal(contrast @ mean, contrast @ covariance @ contrast.T).cdf(
            [np.inf] * 2, lower_limit=[0, 0]
        )
        chance[list(order[:1])] += p
    result = decisions(people(*mean), covariance, shares={"A": 1 / 3, "B": None}, top=1, draws=100_000)
    assert result.ratees["p_top"].tolist() == pytest.approx(chance.tolist(), abs=0.005)
    assert result.probabilities.query("tier == 'A'")["p"].tolist() == result.ratees["p_top"].tolist()
    assert result.probabilities.query("tier == 'A'")["p"].sum() == pytest.approx(1)


def test_draws_and_exact_probabilities_agree():
    ratees, covariance, _ = calibrated()
    result = decisions(ratees, covariance, cuts=CUTS, draws=40_000)
    paid = result.ratees["tier"] != "C"
    drawn = (result.expected_wrong_low, result.expected_wrong_high)
    assert drawn[0] <= (1 - result.ratees.loc[paid, "p_tier"]).sum() <= drawn[1]
    forced = decisions(ratees, covariance, shares=SHARES, draws=40_000)
    assert forced.tiers["expected"].tolist() == pytest.approx([6, 18, 6])
    assert forced.tiers["people"].tolist() == [6, 18, 6]


def test_tables_and_totals():
    ratees, covariance, _ = calibrated()
    result = decisions(ratees, covariance, cuts=CUTS, money=MONEY, top=5)
    assert list(result.ratees.columns) == PEOPLE and list(result.pairs.columns) == PAIRS
    assert len(result.pairs) == 30 * 29 / 2 and len(result.probabilities) == 90
    assert result.probabilities.groupby("ratee_id")["p"].sum().tolist() == pytest.approx([1] * 30)
    assert result.tiers["people"].sum() == result.tiers["people_raw"].sum() == result.judged == 30
    assert result.tiers["expected"].sum() == pytest.approx(30)
    moved = result.ratees.query("changed")
    assert result.changed == len(moved) and (moved["tier"] != moved["tier_raw"]).all()
    assert result.money_moved == (moved["money_raw"] - moved["money"]).abs().sum()
    assert result.ratees["p_top"].sum() == pytest.approx(5, abs=1e-9)
    assert result.bands == result.ratees["band"].max() and result.apart == result.pairs["apart"].sum()
    again = decisions(ratees, covariance, cuts=CUTS, money=MONEY, top=5)
    pd.testing.assert_frame_equal(result.ratees, again.ratees)


def test_what_moved_a_tier():
    frame = people(91.0, 84.0, 84.0, raw=[86.0, 92.0, 90.5]).assign(corrected=[92.0, 84.0, 90.0])
    result = decisions(frame, np.eye(3), cuts=CUTS)
    assert result.ratees["changed_by"].tolist() == ["severe_raters", "lenient_raters", "few_ratings"]
    assert (result.hanging, result.thin, result.bonuses) == (2, 1, 3)
    assert set(result.ratees["verdict"]) == {"changed"}


def test_others_may_move_a_person_in_a_forced_distribution():
    frame = people(80.0, 90.0, 70.0, raw=[80.0, 75.0, 70.0]).assign(corrected=[80.0, 90.0, 70.0])
    result = decisions(frame, np.eye(3), shares={"A": 1 / 3, "B": None})
    assert result.ratees["tier_raw"].tolist() == ["A", "B", "B"] and result.ratees["tier"].tolist() == ["B", "A", "B"]
    assert result.ratees["changed_by"].fillna("").tolist() == ["others_moved", "severe_raters", ""]


def test_a_veto_is_certain_whoever_rated():
    result = decisions(people(95.0, 85.0), np.eye(2), cuts=CUTS, offset=[-np.inf, 0.0])
    row = result.ratees.iloc[0]
    assert (row["tier_raw"], row["tier"], row["p_tier"]) == ("C", "C", 1.0)
    forced = decisions(people(95.0, 85.0), np.eye(2), shares={"A": 0.5, "B": None}, offset=[-np.inf, 0.0])
    assert forced.ratees["p_tier"].tolist() == [1.0, 1.0] and forced.ratees["tier"].tolist() == ["B", "A"]


def test_parts_are_banded_apart_and_never_ranked_together():
    frame = people(95.0, 85.0, 60.0, 50.0, part=[1, 1, 2, 2])
    result = decisions(frame, np.eye(4), cuts=CUTS, top=1)
    assert result.ratees["band"].tolist() == [1, 2, 1, 2] and result.bands == 4
    assert len(result.pairs) == 2 and result.ratees["p_top"].isna().all() and result.top is None
    assert {"level_assumed", "top_not_comparable"} <= set(result.cautions)
    forced = decisions(frame, np.eye(4), shares={"A": 0.5, "B": None})
    assert forced.judged == 0 and "not_comparable" in forced.cautions
    assert forced.ratees["band"].tolist() == [1, 2, 1, 2] and forced.bands == 4
    assert set(forced.ratees["verdict"]) == {"not_judged"} and forced.ratees["tier"].isna().all()
    within = decisions(frame, np.eye(4), shares={"A": 0.5, "B": None}, within="part")
    assert within.ratees["tier"].tolist() == ["A", "B", "A", "B"] and "not_comparable" not in within.cautions


def test_who_has_no_score_is_not_judged():
    result = decisions(people(95.0, np.nan, 70.0), np.eye(3), shares={"A": 0.5, "B": None}, money={"A": 1, "B": 0})
    assert result.judged == 2 and result.ratees["tier"].fillna("").tolist() == ["A", "", "B"]
    assert result.ratees["verdict"].tolist()[1] == "not_judged" and "some_not_judged" in result.cautions
    assert result.tiers["people"].tolist() == [1, 1] and result.money_at_stake < 0.01


def test_without_a_covariance_there_are_no_bands():
    result = decisions(people(95.0, 85.0), None, cuts=CUTS)
    assert result.ratees["band"].isna().all() and result.pairs.empty and result.bands == 0
    assert "errors_taken_as_independent" in result.cautions


def test_ties_at_a_boundary_are_told():
    assert "tied_at_boundary" in decisions(people(3.0, 3.0, 1.0), np.eye(3), shares={"A": 1 / 3, "B": None}).cautions
    assert (
        "tied_at_boundary" not in decisions(people(3.0, 2.0, 1.0), np.eye(3), shares={"A": 1 / 3, "B": None}).cautions
    )


def test_exactly_dependent_errors_can_be_drawn():
    result = decisions(people(2.0, 1.0), np.ones((2, 2)), shares={"A": 0.5, "B": None})
    assert result.ratees["p_tier"].tolist() == [1.0, 1.0] and result.ratees["band"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ratees": people(1.0, 2.0).assign(ratee_id="a")}, "people"),
        ({"covariance": np.eye(3)}, "covariance"),
        ({"top": 0.1}, "top"),
    ],
)
def test_refusals(change, code):
    arguments = {"ratees": people(1.0, 2.0), "covariance": np.eye(2), "cuts": CUTS} | change
    with pytest.raises(MethodRefused) as refusal:
        decisions(arguments.pop("ratees"), arguments.pop("covariance"), **arguments)
    assert refusal.value.code == f"tiers.{code}"


@pytest.mark.parametrize("rule", [{"cuts": {"A": 88, "B": 80, "C": 0}}, {"shares": SHARES}])
def test_probabilities_are_calibrated(rule):
    """Among many firms, a tier of probability p is the true one in a share p: logistic slope near 1."""
    p, true = [], []
    for seed in range(400):
        ratees, covariance, truth = calibrated(seed)
        result = decisions(ratees, covariance, **rule, draws=1000)
        p.append(result.probabilities["p"].to_numpy())
        code = result.rule.assign(truth)
        true.append((code[:, None] == np.arange(3)).ravel())
    p, true = np.clip(np.concatenate(p), 0.0005, 0.9995), np.concatenate(true)
    assert p.mean() == pytest.approx(true.mean(), abs=0.01)
    assert slope(np.log(p / (1 - p)), true) == pytest.approx(1, abs=0.08)


def slope(x, hit):
    """Logistic slope of a 0/1 outcome, by Newton's method."""
    design, found = np.column_stack([np.ones_like(x), x]), np.zeros(2)
    for _ in range(20):
        rate = 1 / (1 + np.exp(-design @ found))
        found += np.linalg.solve((design * (rate * (1 - rate))[:, None]).T @ design, design.T @ (hit - rate))
    return found[1]


def test_no_order_is_claimed_wrongly_more_often_than_promised():
    """Holm over all pairs: in at most one firm of twenty any two people told apart stand the wrong way round."""
    wrong, claimed = 0, 0
    for seed in range(100):
        ratees, covariance, truth = calibrated(seed, share=0.9, sd=(6.0, 4.0, 2.0))
        found = decisions(ratees, covariance, cuts=CUTS, draws=2).pairs.query("apart")
        gap = pd.Series(truth, ratees["ratee_id"])
        wrong += bool((gap[found["first_ratee_id"]].to_numpy() < gap[found["second_ratee_id"]].to_numpy()).any())
        claimed += len(found)
    assert claimed > 3_000 and wrong <= 10
