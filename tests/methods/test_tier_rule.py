import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods.tier_rule import places, ranked, rule

PEOPLE = pd.DataFrame({"ratee_id": ["a", "b", "c", "d"], "team": ["x", "x", "y", "y"]})


def names(found, totals):
    return [found.names[code] if code >= 0 else None for code in found.assign(np.array(totals, dtype=float))]


def test_cut_points_are_reached_from_below_and_by_rounding_errors():
    found = rule(PEOPLE, cuts={"C": 0, "A": 90, "B": 80})
    assert found.names == ("A", "B", "C")
    assert names(found, [90, 89.99, 80, -5]) == ["A", "B", "B", "C"]
    assert names(found, [0.1 * 900, 79.999999999999, np.nan, -np.inf]) == ["A", "B", None, "C"]


def test_the_lowest_tier_needs_no_minimum():
    assert rule(PEOPLE, cuts={"A": 90, "B": None}).cuts.tolist() == [90]


def test_forced_distribution_in_every_unit():
    found = rule(PEOPLE, shares={"A": 0.5, "B": None}, within="team")
    assert names(found, [1, 2, 8, 9]) == ["B", "A", "B", "A"]
    assert names(rule(PEOPLE, shares={"A": 0.5, "B": 0.5}), [1, 2, 8, 9]) == ["B", "B", "A", "A"]


def test_tied_people_all_get_the_better_tier():
    found = rule(PEOPLE, shares={"A": 0.25, "B": 0.5, "C": None})
    assert names(found, [5, 5, 3, 1]) == ["A", "A", "B", "C"]
    assert names(found, [5, 3, 3, 3]) == ["A", "B", "B", "B"]


def test_places_are_rounded_on_the_cumulated_shares():
    assert places([0.2, 0.7, 0.1], 7).tolist() == [1, 6, 7]
    assert places([0.1, 0.8, 0.1], 5).tolist() == [1, 5, 5]
    assert places([0.3, 0.3, 0.4], 10).tolist() == [3, 6, 10]


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12))
def test_ranks_count_those_strictly_above(values):
    assert ranked(values).tolist() == [1 + sum(other > value for other in values) for value in values]


@given(st.lists(st.floats(-100, 100), min_size=4, max_size=4, unique=True), st.floats(0.1, 5), st.floats(-10, 10))
def test_only_the_order_counts_in_a_forced_distribution(totals, stretch, shift):
    found, values = rule(PEOPLE, shares={"A": 0.25, "B": 0.5, "C": None}), np.round(totals, 3)
    assert (found.assign(values) == found.assign(shift + stretch * values)).all()


def test_totals_carry_what_was_not_judged():
    offset, weight = pd.Series({"b": 5.0, "a": 30.0, "d": -np.inf}), pd.Series({"a": 0.5, "b": 1, "c": 1, "d": 1})
    found = rule(PEOPLE, cuts={"A": 60, "B": 0}, offset=offset, weight=weight, money={"A": 100, "B": 0})
    assert found.totals([80.0, 50.0, 70.0, 99.0])[:2].tolist() == [70.0, 55.0]
    assert names(found, found.totals([80.0, 50.0, 70.0, 99.0])) == ["A", "B", None, "B"]
    assert found.pays.tolist() == [True, False]


def test_without_amounts_every_tier_but_the_last_pays():
    assert rule(PEOPLE, cuts={"A": 90, "B": 80, "C": 0}).pays.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "one_rule"),
        ({"cuts": {"A": 1, "B": 0}, "shares": {"A": 0.5, "B": None}}, "one_rule"),
        ({"cuts": {"A": 1}}, "one_tier"),
        ({"cuts": {"A": 80, "B": 80}}, "bad_cuts"),
        ({"cuts": {"A": None, "B": None}}, "bad_cuts"),
        ({"shares": {"A": 0.7, "B": 0.6}}, "bad_shares"),
        ({"shares": {"A": -0.1, "B": None}}, "bad_shares"),
        ({"shares": {"A": None, "B": 0.5}}, "bad_shares"),
        ({"cuts": {"A": 90, "B": 0}, "money": {"A": 100}}, "no_money"),
    ],
)
def test_rules_that_cannot_be_read_are_refused(options, code):
    with pytest.raises(MethodRefused) as refusal:
        rule(PEOPLE, **options)
    assert refusal.value.code == f"tiers.{code}"
