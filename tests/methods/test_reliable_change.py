import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods.reliable_change import COLUMNS, reliable_change


def period(scores, se=1.0, part=1, start=0):
    ids = [f"p{start + at}" for at in range(len(scores))]
    return pd.DataFrame({"ratee_id": ids, "corrected": scores, "se": se, "part": part})


def test_the_example_of_jacobson_and_truax():
    """Jacobson & Truax (1991) J Consult Clin Psychol 59:12, p. 14: s = 7.5, r = .80, so that the standard error of a
    difference is 4.74; from 32.5 to 47.5 the index is 3.16, above 1.96."""
    error = 7.5 * np.sqrt(1 - 0.80)
    row = reliable_change(period([32.5], error), period([47.5], error), relative=False).table.iloc[0]
    assert row["se"] == pytest.approx(4.74, abs=0.005) and row["index"] == pytest.approx(3.16, abs=0.005)
    assert row["verdict"] == "moved_up" and row["low"] == pytest.approx(15 - 1.959964 * row["se"], abs=1e-4)


def test_what_all_share_is_taken_out():
    """A period in which everybody gains 5 moves nobody: raters may have become milder."""
    first = period([70.0, 75.0, 80.0, 85.0])
    result = reliable_change(first, first.assign(corrected=first["corrected"] + 5))
    assert result.table["common"].tolist() == [5] * 4 and result.table["relative"].abs().max() < 1e-9
    assert set(result.table["verdict"]) == {"within_noise"} and result.cautions[0] == "common_shift_taken_out"
    kept = reliable_change(first, first.assign(corrected=first["corrected"] + 5), relative=False)
    assert set(kept.table["verdict"]) == {"moved_up"} and kept.up == 4


def test_errors_add_up_with_their_covariances():
    root = np.array([[2.0, 0, 0], [0.5, 1.5, 0], [-0.3, 0.8, 1.0]])
    one, other = root @ root.T, 2 * np.eye(3) + 0.5
    first, second = period([1.0, 2.0, 3.0]), period([2.0, 2.0, 9.0])
    table = reliable_change(first, second, one, other, between=[0.1, 0.2, 0.3]).table
    error = one + other - 2 * np.diag([0.1, 0.2, 0.3])
    centre = np.eye(3) - 1 / 3
    assert table["se"].tolist() == pytest.approx(np.sqrt(np.diag(centre @ error @ centre)).tolist())
    alone = reliable_change(first, second, one, other, relative=False).table
    assert alone["se"].tolist() == pytest.approx(np.sqrt(np.diag(one + other)).tolist())


def test_people_are_matched_by_id_and_those_of_one_period_counted():
    first, second = period([1.0, 2.0, 3.0, 4.0]), period([9.0, 4.0, 3.0, np.nan], start=2)
    result = reliable_change(first, second, np.diag([1.0, 2, 3, 4]), np.diag([5.0, 6, 7, 8]), relative=False)
    assert result.table["ratee_id"].tolist() == ["p2", "p3"] and list(result.table.columns) == COLUMNS
    assert result.table["se"].tolist() == pytest.approx([np.sqrt(8), np.sqrt(10)])
    assert (result.people, result.only_first, result.only_second) == (2, 2, 2)


def test_who_has_no_company_in_both_parts_is_not_comparable():
    first = period([1.0, 2, 3, 4], part=[1, 1, 1, 1])
    result = reliable_change(first, period([1.0, 2, 3, 9], part=[1, 1, 1, 2]))
    assert result.table["verdict"].tolist() == ["within_noise"] * 3 + ["not_comparable"]
    assert np.isnan(result.table["p_value"].iloc[3]) and "not_comparable" in result.cautions


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=8), st.integers(0, 99))
def test_turning_time_round_turns_the_verdicts_round(scores, seed):
    later = np.round(scores, 2) + np.round(np.random.default_rng(seed).normal(0, 3, len(scores)), 2)
    first, second = period(np.round(scores, 2)), period(later)
    there, back = reliable_change(first, second).table, reliable_change(second, first).table
    assert there["relative"].tolist() == pytest.approx((-back["relative"]).tolist(), abs=1e-9)
    assert there["p_adjusted"].tolist() == pytest.approx(back["p_adjusted"].tolist(), abs=1e-9)


def test_refusals():
    with pytest.raises(MethodRefused) as refusal:
        reliable_change(period([1.0]), period([1.0], start=7))
    assert refusal.value.code == "reliable_change.nobody"
    with pytest.raises(MethodRefused) as refusal:
        reliable_change(period([1.0]).drop(columns="se"), period([1.0]))
    assert refusal.value.code == "reliable_change.no_error"


def test_a_firm_in_which_nobody_moved_names_hardly_anybody():
    """Benjamini-Hochberg over 30 people at 5 %: some mover in at most about one firm of twenty."""
    rng, named = np.random.default_rng(0), 0
    for _ in range(200):
        truth = rng.normal(80, 6, 30)
        one, other = (period(truth + rng.normal(0, 3, 30), 3.0) for _ in range(2))
        result = reliable_change(one, other)
        named += result.up + result.down > 0
    assert named / 200 <= 0.09
