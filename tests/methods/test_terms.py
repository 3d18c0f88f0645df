import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods.terms import COLUMNS, log_odds, terms

A = {"slow": 12, "rude": 3, "clean": 1, "fine": 30}
B = {"slow": 2, "rude": 1, "clean": 14, "cheap": 5, "fine": 33}


def by_hand(a: dict, b: dict, scale: float) -> dict:
    """The formula of the paper, term by term: eq. 16 for the difference, eq. 20 for its variance."""
    every = sorted(set(a) | set(b))
    n_a, n_b = sum(a.values()), sum(b.values())
    found = {}
    for term in every:
        prior = scale * (a.get(term, 0) + b.get(term, 0)) / (n_a + n_b)
        y_a, y_b = a.get(term, 0), b.get(term, 0)
        odds_a = (y_a + prior) / (n_a + scale - y_a - prior)
        odds_b = (y_b + prior) / (n_b + scale - y_b - prior)
        delta = math.log(odds_a) - math.log(odds_b)
        found[term] = (delta, delta / math.sqrt(1 / (y_a + prior) + 1 / (y_b + prior)))
    return found


@pytest.mark.parametrize("scale", [1.0, 50.0, 500.0])
def test_log_odds_is_the_formula_of_the_paper(scale):
    found, expected = log_odds(A, B, prior_scale=scale), by_hand(A, B, scale)
    assert set(found.index) == set(expected)
    for term, (delta, z) in expected.items():
        assert found.loc[term, "log_odds"] == pytest.approx(delta, rel=1e-12)
        assert found.loc[term, "z"] == pytest.approx(z, rel=1e-12)


def test_one_value_worked_out_on_paper():
    """10 of 100 against 5 of 100, prior 15 of 200 terms scaled to 20: 1.5 pseudo-counts."""
    found = log_odds({"x": 10, "y": 90}, {"x": 5, "y": 95}, prior_scale=20)
    assert found.loc["x", "log_odds"] == pytest.approx(math.log(11.5 / 108.5) - math.log(6.5 / 113.5))
    assert found.loc["x", "se"] == pytest.approx(math.sqrt(1 / 11.5 + 1 / 6.5))


def test_without_a_prior_it_is_the_plain_log_odds_ratio():
    found = log_odds({"x": 20, "y": 80}, {"x": 10, "y": 90}, prior={"x": 0, "y": 0})
    assert found.loc["x", "log_odds"] == pytest.approx(math.log(20 * 90 / (80 * 10)))


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=2, max_size=12))
def test_changing_sides_changes_the_sign_and_a_strong_prior_flattens(pairs):
    a, b = ({f"t{i}": pair[side] + 1 for i, pair in enumerate(pairs)} for side in (0, 1))
    there, back = log_odds(a, b), log_odds(b, a)
    np.testing.assert_allclose(there["z"], -back["z"], atol=1e-9)
    assert log_odds(a, b, prior_scale=1e9)["log_odds"].abs().max() < 1e-3


def comments(rng, people=200, extra=0.3, each=1):
    """Two groups; "planted" is said by ``extra`` of the first group, ten more terms by one in five of both."""
    rows = []
    for side, own in (("low", extra), ("high", 0.05)):
        for person in range(people):
            said = [f"t{i}" for i in range(10) if rng.random() < 0.2] + ["planted"] * (rng.random() < own)
            rows += [{"group": side, "who": f"{side}{person}", "terms": said}] * each
    return pd.DataFrame(rows)


def compared(data, **options):
    return terms(data, group="group", first="low", second="high", **options)


def test_a_planted_term_is_found_and_comes_first():
    result = compared(comments(np.random.default_rng(1)))
    row = result.table.iloc[0]
    assert list(result.table.columns) == COLUMNS
    assert (row["term"], row["verdict"]) == ("planted", "more")
    assert row["odds_ratio_low"] > 1 and row["p_second"] < 0.01
    assert row["first_share"] == row["first"] / 200 and (result.first_n, result.second_n) == (200, 200)


def test_a_person_counts_once_however_often():
    once, five = (comments(np.random.default_rng(2), each=each) for each in (1, 5))
    pd.testing.assert_frame_equal(compared(five, cluster="who").table, compared(once).table)


def test_rare_terms_are_left_out_and_small_groups_stay_hidden():
    data = comments(np.random.default_rng(3))
    data.loc[0, "terms"] = [*data.loc[0, "terms"], "unique"]
    result = compared(data, min_count=1, min_group=5)
    assert "unique" not in set(result.table["term"]) and result.rare == 1


def sides(first: int, second: int, people=100) -> pd.DataFrame:
    """``late`` said by that many people of either side, ``fine`` by everybody."""
    rows = [(name, f"{name}{who}", ["fine", *(["late"] if who < said else [])])
            for name, said in (("low", first), ("high", second)) for who in range(people)]  # fmt: skip
    return pd.DataFrame(rows, columns=["group", "who", "terms"])


def test_how_many_of_a_few_say_a_term_changes_nothing_that_is_shown():
    """Between 1 and 4 people of a side every figure is the same; 5 are told."""
    shown = [compared(sides(40, few), min_group=5, cluster="who").every for few in (1, 2, 3, 4)]
    for found in shown:
        pd.testing.assert_frame_equal(found, shown[0])
        assert found.set_index("term").loc["late", ["second", "second_share"]].isna().all()
    late = shown[0].set_index("term").loc["late"]
    assert late["odds_ratio"] > 3 and late["verdict"] == "more"  # 40 against at most 4 is a difference
    told = compared(sides(40, 5), min_group=5, cluster="who").every.set_index("term")
    assert told.loc["late", "second"] == 5


def test_a_term_too_few_of_either_side_say_counts_nowhere():
    data = sides(40, 20)
    data.loc[[0, 1, 100], "terms"] = data.loc[[0, 1, 100], "terms"].map(lambda said: [*said, "rare"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compared(data, min_count=1, min_group=5, cluster="who").every
    assert set(found["term"]) == {"fine", "late"} and np.isfinite(found["log_odds"]).all()


def test_noise_is_called_rarely():
    """100 pairs of equal groups: some term is called in at most a few of them; P(more than 12) < .005 at .05."""
    rng = np.random.default_rng(4)
    called = sum((compared(comments(rng, 80, 0.05)).table["verdict"] != "no_signal").any() for _ in range(100))
    assert called <= 12


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"first": "nobody"}, "terms.too_few"),
        ({"min_count": 500}, "terms.no_terms"),
        ({"group": "x"}, "samples.unknown_column"),
    ],
)
def test_refusals_say_what_got_and_remedy(change, code):
    with pytest.raises(MethodRefused) as caught:
        terms(comments(np.random.default_rng(5)), **{"group": "group", "first": "low", "second": "high"} | change)
    assert caught.value.code == code
    for language in ("en", "zh"):
        assert {"what", "got", "remedy"} <= set(caught.value.parts(language))
