import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods import ratings

COLUMNS = {"ratee": "ratee", "rater": "rater", "score": "score"}


def table(**columns):
    given_ = {"ratee": ["Li", "Li", "Wu", "Wu"], "rater": ["An", "Bo", "An", "Bo"], "score": [3.0, 4.0, 2.0, 5.0]}
    return pd.DataFrame({**given_, **columns})


def test_codes_are_in_the_order_of_the_labels():
    found = ratings.coded(table(ratee=["Wu", "Li", "Wu", "Li"]), **COLUMNS)
    assert list(found.ratee_ids) == ["Li", "Wu"]
    assert list(found.ratee) == [1, 0, 1, 0]
    assert (found.n, found.missing, found.own, found.repeated) == (4, 0, 0, 0)
    assert list(found.levels) == [2, 3, 4, 5]


@given(st.lists(st.sampled_from(["a", 1, "1", 2.5, "b", None]), min_size=8, max_size=8))
def test_ids_of_mixed_kinds_neither_crash_nor_mix(raters):
    data = pd.DataFrame({"ratee": list("xyxyxyxy"), "rater": pd.Series(raters, dtype=object), "score": range(8)})
    known = [one for one in raters if one is not None]
    people = {p for p, one in zip("xyxyxyxy", raters, strict=True) if one is not None}
    if len(known) < 2 or len(people) < 2:
        return
    found = ratings.coded(data, **COLUMNS)
    assert [found.rater_ids[code] for code in found.rater] == known
    assert found.missing == 8 - len(known)


def test_blank_scores_and_ids_are_counted_and_left_out():
    found = ratings.coded(
        pd.concat([table(), table(score=[np.nan, 1, 2, 3], rater=["An", None, "Bo", "Bo"])]), **COLUMNS
    )
    assert (found.n, found.missing) == (6, 2)
    assert list(found.rows) == [0, 1, 2, 3, 6, 7]


def test_own_ratings_are_left_out_but_numbers_are_not_compared():
    found = ratings.coded(table(rater=["Li", "Bo", "An", "Bo"]), **COLUMNS)
    assert (found.n, found.own, list(found.rater_ids)) == (3, 1, ["An", "Bo"])
    numbered = ratings.coded(table(ratee=["1", "1", "2", "2"], rater=["1", "2", "1", "2"]), **COLUMNS)
    assert numbered.own == 0


def test_the_same_rating_twice_counts_once_where_occasion_and_criterion_are_known():
    data = pd.concat([table(), table().iloc[:1]]).assign(criterion="c", period="2024")
    assert ratings.coded(data, **COLUMNS, criterion="criterion", period="period").repeated == 1
    assert ratings.coded(data, **COLUMNS).n == 5


def test_group_is_the_first_known_one_of_each_ratee():
    found = ratings.coded(table(team=[None, "north", 7, "south"]), **COLUMNS, group="team")
    assert [found.group_ids[code] for code in found.group] == ["north", 7]
    nobody = ratings.coded(table(team=[None] * 4), **COLUMNS, group="team")
    assert list(nobody.group) == [-1, -1]


@pytest.mark.parametrize(
    "columns, options, code",
    [
        ({"score": [np.nan] * 4}, {}, "ratings.no_ratings"),
        ({"rater": ["Li", "Li", "Wu", "Wu"]}, {}, "ratings.only_self"),
        ({"ratee": ["Li"] * 4}, {}, "ratings.one_ratee"),
        ({"score": [5.0] * 4}, {}, "ratings.constant"),
        ({"score": [1.0, np.inf, 2.0, 3.0]}, {}, "ratings.not_finite"),
        ({"score": [1.0, 2.0, 9.0, 3.0]}, {"scale": (1, 5)}, "ratings.off_scale"),
        ({"score": ["good", "bad", "good", "bad"]}, {}, "samples.not_numeric"),
    ],
)
def test_what_no_model_can_read_is_refused(columns, options, code):
    with pytest.raises(MethodRefused) as refused:
        ratings.coded(table(**columns), **COLUMNS, **options)
    assert refused.value.code == code
    for language in ("en", "zh"):
        assert refused.value.text(language)


def test_absurd_score_is_refused():
    data = pd.concat([table(ratee=[f"p{i}"] * 4) for i in range(10)])
    data["score"] = np.append(np.tile([1.0, 2.0, 3.0], 13), 1e6)
    with pytest.raises(MethodRefused) as refused:
        ratings.coded(data, **COLUMNS)
    assert refused.value.code == "ratings.absurd"
