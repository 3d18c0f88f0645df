"""The picture of one effect: its marks, its words in both languages, its start and wash-in."""

import numpy as np
import pytest

from sqlib import style, words
from sqlib.figures import plot_effect
from sqlib.methods import interrupted_time_series as its


@pytest.fixture(scope="module")
def effect():
    values = 0.8 + 0.02 * np.random.default_rng(1).standard_normal(36) + 0.05 * (np.arange(36) >= 24)
    values[30] = np.nan
    return its.estimate(values, 24, wash_in=2)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_the_card_names_its_marks(effect, language):
    with style.theme():
        ax = plot_effect(effect, start=24, wash_in=2, unit="percent", language=language)
        ax.figure.canvas.draw()
    named = ax.get_legend_handles_labels()[1]
    assert named == [words.text("figures", key, language=language)
                     for key in ("expected_without", "gap_after", "observed", "wash_in")]  # fmt: skip
    assert not ax.get_title() and all(tick.get_text().endswith("%") for tick in ax.get_yticklabels())
    (gaps,) = [each for each in ax.collections if len(each.get_paths()) == 9]  # ten after the wash-in, one missing
    assert gaps.get_paths()[0].vertices[0, 0] == 26


def test_periods_keep_the_names_given_and_few_stand_below(effect):
    ax = plot_effect(effect, start=24, when=[f"W{k}" for k in range(36)])
    shown = [tick.get_text() for tick in ax.get_xticklabels()]
    assert shown[:2] == ["W0", "W5"] and len(shown) <= 8
    assert plot_effect(effect, start=24).get_legend_handles_labels()[1][-1] != "settling in (not counted)"
