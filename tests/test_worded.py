"""Worded scales: the smallest set that holds all words; no guess where words disagree."""

import pandas as pd
import pytest
from typed import TEXTS

from sqlib import worded
from sqlib.contracts import normalised

WORDS = TEXTS["words"]


def scored(cells: list[str], low=None, high=None):
    scores, levels = worded.scores(pd.Series(cells, dtype="str"), low, high)
    return scores.tolist(), levels


def test_five_levels():
    scores, levels = scored(WORDS["five"])
    assert scores == [5, 4, 3, 2, 1] and (levels.low, levels.high) == (1, 5)


def test_three_and_seven_levels_and_a_remark_in_brackets():
    assert scored(WORDS["basic"])[0] == [3, 2, 1]
    assert scored(WORDS["rather"])[0] == [7, 6, 5]
    assert scored([WORDS["bracketed"], WORDS["five"][2]])[0] == [5, 3]
    assert scored(["Very satisfied", "NEUTRAL", "dissatisfied"])[0] == [5, 3, 2]


def test_a_declared_scale_chooses_the_set():
    two = [WORDS["five"][1], WORDS["five"][3]]
    assert scored(two)[0] == [1, 0]
    assert scored(two, 1.0, 5.0)[0] == [4, 2]
    assert scored(two, 1.0, 10.0)[1] is None


def test_an_unknown_word_leaves_all_words_alone():
    scores, levels = scored([*WORDS["five"], WORDS["odd"]])
    assert levels is None and all(score != score for score in scores)


@pytest.mark.parametrize("levels", worded.scales(), ids=lambda levels: levels.name)
def test_every_set_is_a_scale_with_its_worst_level_first(levels):
    assert set(levels.scores.values()) == {levels.low + i for i in range(int(levels.high - levels.low) + 1)}
    assert all(word == normalised(word) for word in levels.scores)
