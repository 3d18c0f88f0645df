import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlib.methods.bands import compared, holm, partition, ranks

ONE = np.zeros(4, dtype=int)


def test_differences_have_the_error_of_both_and_their_covariance():
    covariance = np.array([[1.0, 0.5], [0.5, 1.0]])
    pairs = compared([3.0, 5.0], covariance, [0, 0])
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([1], [0])
    assert pairs.difference[0] == 2 and pairs.sd[0] == pytest.approx(1)
    assert pairs.p_value[0] == pytest.approx(0.0455003, abs=1e-7)  # two normal standard deviations
    assert pairs.p_order[0] == pytest.approx(0.9772499, abs=1e-7)


def test_holm_by_hand():
    """Three p values .01, .02, .04 of three pairs become .03, .04, .04 (Holm 1979)."""
    from scipy.special import ndtri

    gaps = -ndtri(np.array([0.01, 0.02]) / 2)
    score = np.array([0.0, gaps[1], gaps[0]])
    covariance = np.eye(3) / 2
    pairs = compared(score, covariance, [0, 0, 0])
    order = np.argsort(pairs.p_value)
    assert pairs.p_value[order][:2] == pytest.approx([0.01, 0.02])
    assert pairs.p_adjusted[order][:2] == pytest.approx([0.03, 0.04])


def test_people_of_other_parts_and_without_a_score_are_not_compared():
    pairs = compared([1.0, 2.0, 3.0, np.nan], np.eye(4), [0, 1, 1, 0])
    assert list(zip(pairs.first, pairs.second, strict=True)) == [(2, 1)]


def test_without_error_every_difference_is_certain_and_ties_stay():
    pairs = compared([1.0, 2.0, 2.0, 4.0], np.zeros((4, 4)), ONE)
    low, high = ranks(pairs, ONE)
    assert (low.tolist(), high.tolist()) == ([4, 2, 2, 1], [4, 3, 3, 1])
    assert partition([1.0, 2.0, 2.0, 4.0], pairs, ONE).tolist() == [3, 2, 2, 1]
    assert pairs.p_order[(pairs.first == 1) & (pairs.second == 2)].tolist() == [0.5]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_by_its_definition(p):
    """The largest, over the smaller p values, of p times the number of those not smaller than it."""
    order = sorted(range(len(p)), key=lambda at: p[at])
    by_hand = [
        max(min(1, p[k] * (len(p) - place)) for place, k in enumerate(order[: order.index(at) + 1]))
        for at in range(len(p))
    ]
    assert holm(np.array(p)) == pytest.approx(by_hand)


scores = st.lists(st.floats(-20, 20), min_size=1, max_size=9)


@given(scores, st.integers(0, 1000))
def test_bands_hold_nobody_told_apart_and_run_downwards(score, seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(0, 1, (len(score), len(score)))
    sets, score = rng.integers(0, 2, len(score)), np.round(score, 3)
    pairs = compared(score, root @ root.T, sets)
    band, (low, high) = partition(score, pairs, sets), ranks(pairs, sets)
    assert not (band[pairs.first] == band[pairs.second])[pairs.apart].any()
    assert (band[pairs.first] <= band[pairs.second]).all()
    assert (low <= high).all() and (low >= 1).all() and (high <= np.bincount(sets)[sets]).all()
