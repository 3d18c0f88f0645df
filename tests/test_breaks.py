"""Two scales in one column are found, with the day; a drift, a rare top grade or a small sample raise no alarm."""

import numpy as np
import pandas as pd
import pytest
from typed import SHARED

from sqlib import breaks


def found(values, groups=None, dated=True):
    values = pd.Series(np.asarray(values, dtype=float))
    days = pd.Series(pd.date_range("2024-01-01", periods=len(values))) if dated else pd.Series(pd.NaT, values.index)
    groups = pd.DataFrame(groups if groups is not None else {}, index=values.index)
    return breaks.find(values, days.astype("datetime64[us]"), groups)


def answers(rng, mean, spread, n, low, high):
    return np.clip(np.round(rng.normal(mean, spread, n)), low, high)


SCALES = {5: (4, 1, 1, 5), 7: (5.5, 1.3, 1, 7), 10: (7.5, 2, 1, 10), 100: (80, 12, 0, 100), 3: (2.3, 0.7, 1, 3)}


@pytest.mark.parametrize(("old", "new"), [(5, 10), (10, 5), (5, 100), (100, 5), (7, 10), (3, 5), (5, 7)])
@pytest.mark.parametrize("sizes", [(60, 60), (300, 80), (80, 300)])
def test_a_new_scale_is_found_on_its_first_day(old, new, sizes):
    rng = np.random.default_rng([old, new, *sizes])
    (m0, s0, *ends0), (m1, s1, *ends1) = SCALES[old], SCALES[new]
    hits = []
    for _ in range(10):
        first, second = answers(rng, m0, s0, sizes[0], *ends0), answers(rng, m1, s1, sizes[1], *ends1)
        own, cuts = found(np.r_[first, second])
        if len(cuts) == 1 and (cuts[0].old, cuts[0].new) == (old, new):
            assert abs((pd.Timestamp(cuts[0].at) - pd.Timestamp("2024-01-01")).days - sizes[0]) <= 10
            assert set(own) == {old, new}
            hits.append(cuts[0])
    assert len(hits) >= 8


KINDS = {
    "one scale of 10": lambda rng, n: answers(rng, 7, 2, n, 1, 10),
    "one scale of 5": lambda rng, n: answers(rng, 4, 1, n, 1, 5),
    "rare top grades": lambda rng, n: rng.choice([1, 2, 3, 4, 5, 8, 10], n, p=[0.1, 0.1, 0.2, 0.3, 0.27, 0.02, 0.01]),
    "bad service on 10": lambda rng, n: answers(rng, 3, 1.3, n, 1, 10),
    "promoter scores": lambda rng, n: rng.choice(
        11, n, p=[0.05, 0.02, 0.02, 0.03, 0.03, 0.1, 0.08, 0.12, 0.2, 0.15, 0.2]
    ),
    "shares": lambda rng, n: answers(rng, 80, 12, n, 0, 100),
    "slow improvement": lambda rng, n: np.clip(np.round(np.linspace(3.5, 8.5, n) + rng.normal(0, 1.3, n)), 1, 10),
    "sudden improvement": lambda rng, n: np.r_[
        answers(rng, 4, 1.5, n // 2, 1, 10), answers(rng, 8, 1.5, n - n // 2, 1, 10)
    ],
}


@pytest.mark.parametrize("kind", KINDS)
def test_one_scale_raises_no_alarm(kind):
    rng = np.random.default_rng(len(kind))
    alarms = [bool(found(KINDS[kind](rng, n))[1]) for n in (15, 30, 60, 200, 1000, 5000) for _ in range(15)]
    assert sum(alarms) <= (3 if "improvement" in kind else 0)  # a short, steep rise may look like a new questionnaire


def test_a_mistyped_value_does_not_hide_a_break():
    rng = np.random.default_rng(1)
    values = np.r_[answers(rng, 4, 1, 300, 1, 5), answers(rng, 8, 1.5, 300, 1, 10), answers(rng, 4, 1, 300, 1, 5)]
    values[50] = 9
    own, cuts = found(values)
    assert [(cut.old, cut.new) for cut in cuts] == [(5, 10), (10, 5)]
    assert own[0] == own[50] == 5 and own[450] == 10 and own[899] == 5


def test_undated_rows_are_taken_in_their_order():
    rng = np.random.default_rng(2)
    _, cuts = found(np.r_[answers(rng, 4, 1, 200, 1, 5), answers(rng, 8, 1.5, 200, 1, 10)], dated=False)
    assert [cut.by for cut in cuts] == ["row"] and abs(int(cuts[0].at) - 200) <= 3


def test_a_group_on_its_own_scale_is_named():
    rng = np.random.default_rng(3)
    channel = np.tile(["phone", "web"], 200)
    values = np.where(channel == "phone", answers(rng, 4, 1, 400, 1, 5), answers(rng, 8, 1.5, 400, 1, 10))
    own, cuts = found(values, {"channel": channel})
    assert [(cut.by, cut.at, cut.old, cut.new) for cut in cuts] == [("channel", "phone", 10, 5)]
    assert set(own[channel == "phone"]) == {5} and set(own[channel == "web"]) == {10}


def test_a_bad_team_on_the_same_scale_is_no_other_scale():
    rng = np.random.default_rng(4)
    team = np.tile(["a", "b"], 200)
    values = np.where(team == "a", answers(rng, 2.6, 1.2, 400, 1, 10), answers(rng, 8, 1.5, 400, 1, 10))
    assert found(values, {"source_file": team})[1] == []


@pytest.mark.parametrize(("file", "expected"), [("lounge", [("2015-06-09", 5, 10)]), ("seat", [])])
def test_real_reviews(file, expected):
    path = SHARED / "data/en_skytrax_reviews" / f"{file}.csv"
    if not path.exists():
        pytest.skip("shared folder absent")
    reviews = pd.read_csv(path).dropna(subset="overall_rating")
    _, cuts = breaks.find(reviews["overall_rating"], pd.to_datetime(reviews["date"]), pd.DataFrame(index=reviews.index))
    assert [(cut.at, cut.old, cut.new) for cut in cuts] == expected
