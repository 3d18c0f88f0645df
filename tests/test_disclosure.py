import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlib.disclosure import suppress
from sqlib.errors import MethodRefused


def table(*sizes, family="team"):
    return pd.DataFrame({"family": family, "people": sizes, "score": np.linspace(0, 1, len(sizes))})


def hidden(data, min_group=5, **options):
    return suppress(data, by="family", n="people", min_group=min_group, numbers=["score"], **options)["hidden"].tolist()


def test_a_small_cell_takes_the_next_smallest_with_it():
    result = suppress(table(3, 20, 9, 40), by="family", n="people", min_group=5, numbers=["score", "people"])
    assert result["hidden"].tolist() == [True, False, True, False]
    assert result["score"].isna().tolist() == result["people"].isna().tolist() == [True, False, True, False]


def test_nothing_is_hidden_when_every_cell_is_large_enough():
    assert hidden(table(5, 5, 40)) == [False, False, False]
    assert hidden(table(1, 1), min_group=1) == [False, False]


def test_two_small_cells_together_must_reach_the_group_size():
    assert hidden(table(1, 2, 8, 30)) == [True, True, True, False]
    assert hidden(table(3, 4, 8, 30)) == [True, True, False, False]


def test_families_are_protected_apart():
    both = pd.concat([table(3, 9, 40), table(10, 9, 40, family="segment")], ignore_index=True)
    assert hidden(both) == [True, True, False, False, False, False]
    assert suppress(both, n="people", min_group=5, numbers=[])["hidden"].sum() == 2  # one family: one more is enough


def test_an_empty_cell_is_no_protection_and_needs_none():
    assert hidden(table(0, 3, 9, 40)) == [False, True, True, False]


def test_the_only_cell_can_only_be_hidden_itself():
    assert hidden(table(3)) == [True]


def test_parts_of_a_published_sum_do_not_give_the_hidden_one_away():
    offices, teams = table(33, 40, family="office"), table(3, 30, 20, 20)
    both = pd.concat([offices, teams], ignore_index=True)
    assert hidden(both) == [False, False, True, False, True, False]  # 33 - 30 tells the hidden team
    sums = [[0, 2, 3], [1, 4, 5]]
    assert hidden(both, sums=sums) == [False, False, True, True, True, True]


def test_input_is_not_changed():
    data = table(3, 20, 9)
    before = data.copy()
    hidden(data)
    pd.testing.assert_frame_equal(data, before)


@pytest.mark.parametrize("size", [np.nan, -1])
def test_an_unknown_size_is_refused(size):
    with pytest.raises(MethodRefused) as caught:
        hidden(table(3, size, 9))
    assert caught.value.code == "disclosure.unknown_size"
    assert caught.value.values == {"column": "people", "rows": 1}
    assert all(len(caught.value.parts(language)) == 4 for language in ("en", "zh"))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.integers(2, 8))
def test_no_hidden_cell_can_be_computed_from_the_total(sizes, min_group):
    sizes = np.array(sizes)
    shut = np.array(hidden(table(*sizes), min_group))
    assert shut[(sizes > 0) & (sizes < min_group)].all()
    assert not shut[sizes == 0].any()
    everyone = shut.sum() == (sizes > 0).sum()
    assert not shut.any() or everyone or (shut.sum() >= 2 and sizes[shut].sum() >= min_group)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=12), st.integers(2, 8))
def test_no_more_is_hidden_than_needed(sizes, min_group):
    sizes = np.array(sizes)
    shut = np.array(hidden(table(*sizes), min_group))
    extra = shut & (sizes >= min_group)
    assert extra.sum() <= 1  # one large cell is always enough
