"""Appraisal schemes: totals against exact fractions, ceilings, veto, tiers by cut point and by forced distribution."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods.scheme import Scheme, totals

CUTS = {"excellent": 90, "good": 80, "fair": 60, "poor": 0}


def table(*rows: tuple, columns: str = "ratee criterion kind score full_marks", **fixed) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split()).assign(**fixed)


def one(result, ratee="a") -> dict:
    return result.table.set_index("ratee").loc[ratee].to_dict()


def test_a_scheme_of_duties_ability_character_and_attendance():
    """Duties 70 %, ability 10 %, character 10 %, attendance 10 %: a common scheme, figures made up here; bonus up
    to 5, lateness 2 points each up to 6. By hand: 92 x .7 + 85 x .1 + 90 x .1 + 100 x .1 = 91.9; - 6 + 5 = 90.9."""
    weights = {"duties": 70, "ability": 10, "character": 10, "attendance": 10}
    rows = [("a", "duties", "judged", 94, "x"), ("a", "duties", "judged", 90, "y"), ("a", "ability", "judged", 85, "x"),
            ("a", "character", "judged", 90, "x"), ("a", "attendance", "formula", 100, None)]  # fmt: skip
    rows += [("a", "late", "deduction", -2, None)] * 4 + [("a", "praised", "bonus", 8, None)]
    data = table(*rows, columns="ratee criterion kind score rater", full_marks=100, reported=90.9)
    found = totals(data, Scheme(weights=weights, ceilings={"late": 6}, bonus_ceiling=5, cuts=CUTS))
    person = one(found)
    assert person["total"] == 90.9 and person["tier"] == "excellent"
    assert (person["deduction"], person["bonus"], person["formula"]) == (-6, 5, 10)
    assert person["judged_weight"] == pytest.approx(0.9) and person["judged"] == pytest.approx(81.9 / 0.9)
    assert person["offset"] == pytest.approx(9) and (found.reported, found.agree, found.cautions) == (1, 1, ())
    added = found.added.set_index("criterion")
    assert added["added"].to_dict() == {
        "duties": 64.4, "ability": 8.5, "character": 9, "attendance": 10, "late": -6, "praised": 8,
    }  # fmt: skip
    assert added.loc["duties", ["raters", "weight"]].tolist() == [2, 0.7]


def test_no_more_than_a_fifth_are_excellent():
    """Excellent within 20 % of those appraised, as the Regulation on the Appraisal of Civil Servants of China (revised
    2020) has it in general for an organisation; here in each department."""
    people = [(f"p{n}", "work", "judged", float(n), "east" if n < 12 else "west") for n in range(20)]
    data = table(*people, columns="ratee criterion kind score department", full_marks=100)
    found = totals(data, Scheme(shares={"excellent": 0.2, "competent": 0.8}, within="department"))
    best = found.table[found.table["tier"] == "excellent"]
    assert best.groupby("department")["ratee"].apply(sorted).to_dict() == {
        "east": ["p10", "p11"],
        "west": ["p18", "p19"],
    }


def test_full_marks_that_add_up_to_100_are_added_up():
    data = table(("a", "manner", "judged", 27, 30), ("a", "skill", "judged", 35, 40), ("a", "kpi", "formula", 28.5, 30))
    found = totals(data, Scheme(cuts=CUTS))
    assert (found.basis, found.full, found.points) == ("sum", 100, True)
    assert one(found)["total"] == 90.5 and one(found)["tier"] == "excellent"
    assert one(found)["judged_weight"] == pytest.approx(0.7) and one(found)["judged"] == pytest.approx(62 / 0.7)


def test_one_scale_without_weights_is_averaged_on_it_and_several_weigh_by_full_marks():
    small = table(("a", "overall", "judged", 4, 5), ("a", "manner", "judged", 5, 5), low=1)
    found = totals(small, Scheme(cuts={"A": 4.5, "B": 1}))
    assert (found.basis, found.full, found.points, one(found)["total"], one(found)["tier"]) == (
        "mean",
        5,
        False,
        4.5,
        "A",
    )
    mixed = table(("a", "manner", "judged", 4, 5), ("a", "skill", "judged", 9, 10))
    found = totals(mixed, Scheme())
    assert (found.basis, found.full) == ("full_marks", 100) and one(found)["total"] == pytest.approx(1300 / 15)
    assert pd.isna(one(found)["tier"])


def test_weights_that_make_no_whole_are_named_and_not_rescaled():
    data = table(("a", "manner", "judged", 80, 100), ("a", "skill", "judged", 80, 100))
    found = totals(data, Scheme(weights={"manner": 50, "skill": 40}))
    assert found.cautions == ("weights_not_whole",) and found.weight_sums == (0.9,)
    assert one(found)["total"] == 72
    half = totals(data, Scheme(weights={"manner": 50}))
    assert (half.cautions, half.basis, one(half)["total"]) == (("weights_incomplete",), "mean", 80)


def test_a_missing_criterion_gives_its_weight_to_the_others_and_a_department_of_its_own_lacks_none():
    rows = [("a", "manner", "judged", 80, "x"), ("a", "skill", "judged", 60, "x"), ("b", "manner", "judged", 80, "x"),
            ("c", "sales", "judged", 70, "y")]  # fmt: skip
    data = table(*rows, columns="ratee criterion kind score department", full_marks=100)
    found = totals(data, Scheme(weights={"manner": 0.5, "skill": 0.5, "sales": 1}))
    people = found.table.set_index("ratee")
    assert people["total"].to_dict() == {"a": 70, "b": 80, "c": 70}
    assert people["missing"].to_dict() == {"a": 0, "b": 1, "c": 0} and found.cautions == ("criteria_missing",)


def test_a_veto_is_the_lowest_tier_and_where_the_rules_say_so_nothing():
    data = table(("a", "work", "judged", 95, 100), ("a", "fraud", "veto", 1, None), ("b", "work", "judged", 85, 100),
                 ("b", "fraud", "veto", 0, None))  # fmt: skip
    low, zero = totals(data, Scheme(cuts=CUTS)), totals(data, Scheme(cuts=CUTS, veto="zero"))
    assert one(low)["total"] == 95 and one(low)["tier"] == "poor" and one(low, "b")["tier"] == "good"
    assert one(zero)["total"] == 0 and one(zero)["tier"] == "poor"
    forced = totals(data, Scheme(shares={"A": 0.5, "B": 0.5}))
    assert forced.table["tier"].tolist() == ["B", "A"]


def test_who_ties_at_a_border_shares_the_better_tier():
    data = table(
        *[(name, "work", "judged", score, 100) for name, score in zip("abcde", [90, 80, 80, 70, 60], strict=True)]
    )
    found = totals(data, Scheme(shares={"A": 0.4, "B": 0.4, "C": 0.2}))
    assert found.table["tier"].tolist() == ["A", "A", "A", "B", "C"] and "ties_shared" in found.cautions


def test_self_ratings_count_only_where_a_role_weighs_them():
    given_ = [(100, "self"), (80, "manager"), (70, "peer"), (90, "peer")]
    rows = [("a", "work", "judged", score, role) for score, role in given_]
    data = table(*rows, columns="ratee criterion kind score role", full_marks=100)
    assert one(totals(data, Scheme()))["total"] == 80
    found = totals(data, Scheme(roles={"manager": 60, "peer": 20, "self": 20}))
    person = one(found)
    assert person["total"] == 84 and person["judged"] == 80 and person["judged_weight"] == pytest.approx(0.8)
    assert person["offset"] == 20 and found.cautions == ()
    short = totals(data[data["role"] != "manager"], Scheme(roles={"manager": 60, "peer": 20, "self": 20}))
    assert one(short)["total"] == 90 and short.cautions == ("roles_missing",)


def test_months_are_averaged_and_totals_compared_as_printed():
    rows = [
        ("a", "work", "judged", 90, "m1", 90),
        ("a", "work", "judged", 80.4, "m2", 80),
        ("b", "work", "judged", 70, "m1", 75),
    ]
    data = table(*rows, columns="ratee criterion kind score period reported", full_marks=100)
    found = totals(data, Scheme())
    assert (
        one(found)["total"] == 85.2 and one(found)["periods"] == 2 and one(found)["difference"] == pytest.approx(-0.2)
    )
    assert (found.reported, found.agree) == (2, 1) and set(found.cautions) == {"periods_averaged", "totals_differ"}


def test_below_all_tiers_is_no_tier_and_the_same_event_by_two_raters_is_named():
    rows = [("a", "work", "judged", 50, "x"), ("a", "late", "deduction", 5, "x"), ("a", "late", "deduction", 5, "y")]
    data = table(*rows, columns="ratee criterion kind score rater", full_marks=100)
    found = totals(data, Scheme(cuts={"A": 90, "B": 60}, deduction_ceiling=8))
    assert one(found)["total"] == 42 and pd.isna(one(found)["tier"])
    assert found.cautions == ("deduction_repeated", "below_tiers")


def test_refusals():
    with pytest.raises(MethodRefused, match="kind"):
        totals(table(("a", "work", "mood", 1, 5)), Scheme())
    with pytest.raises(MethodRefused, match="criterion"):
        totals(pd.DataFrame({"ratee": ["a"], "kind": ["judged"], "score": [1]}), Scheme())
    for kind, role in (("deduction", None), ("judged", "self")):
        with pytest.raises(MethodRefused, match="score"):
            totals(table(("a", "work", kind, 1, 5), role=role), Scheme())


TENTHS = st.integers(0, 1000)
SHEETS = st.integers(1, 5).flatmap(
    lambda criteria: st.tuples(
        st.lists(st.integers(1, 60), min_size=criteria, max_size=criteria),
        st.lists(
            st.lists(st.lists(TENTHS, min_size=1, max_size=4), min_size=criteria, max_size=criteria),
            min_size=1,
            max_size=6,
        ),
    )
)


@settings(max_examples=60, deadline=None)
@given(SHEETS, st.integers(0, 60), st.integers(0, 30))
def test_totals_and_tiers_are_those_of_exact_fractions(sheet, taken, ceiling):
    weights, people = sheet
    cells = [(p, c, score) for p, given_ in enumerate(people) for c, scores in enumerate(given_) for score in scores]
    rows = [(f"p{p}", f"c{c}", "judged", score / 10) for p, c, score in cells]
    rows += [(f"p{p}", "late", "deduction", taken / 10) for p in range(len(people))]
    rules = Scheme({f"c{c}": weight for c, weight in enumerate(weights)}, ceilings={"late": ceiling / 10}, cuts=CUTS)
    found = totals(table(*rows, columns="ratee criterion kind score", full_marks=100), rules)
    scale = 100 if sum(weights) > 2 else 1
    for person, given_ in enumerate(people):
        exact = sum(Fraction(w, scale) * Fraction(sum(s), 10 * len(s)) for w, s in zip(weights, given_, strict=True))
        exact -= Fraction(min(taken, ceiling), 10)
        row = one(found, f"p{person}")
        assert row["total"] == pytest.approx(float(exact), abs=1e-8)
        due = next((name for name, least in CUTS.items() if exact >= least), None)
        assert row["tier"] == due or (due is None and pd.isna(row["tier"]))
        assert row["judged_weight"] * row["judged"] + row["offset"] == pytest.approx(row["total"], abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.lists(st.integers(1, 9), min_size=2, max_size=4))
def test_a_forced_distribution_keeps_order_ties_and_counts(scores, parts):
    shares = {f"t{n}": part / sum(parts) for n, part in enumerate(parts)}
    data = table(*[(f"p{n:02}", "work", "judged", score, 20) for n, score in enumerate(scores)])
    found = totals(data, Scheme(shares=shares))
    tier = found.table["tier"].map({name: n for n, name in enumerate(shares)}).to_numpy()
    total = found.table["total"].to_numpy()
    order = np.argsort(-total, kind="stable")
    assert all(tier[i] <= tier[j] and (total[i] != total[j] or tier[i] == tier[j]) for i, j in pairwise(order))
    upto = Fraction(0)
    for n, part in enumerate(parts):
        upto += Fraction(part, sum(parts))
        places = int(upto * len(scores) + Fraction(1, 2))
        assert (tier <= n).sum() >= places
        if "ties_shared" not in found.cautions:
            assert (tier <= n).sum() == places
