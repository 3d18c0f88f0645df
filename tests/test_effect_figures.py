"""Figures of what could be found and of promises kept: their marks and words in both languages."""

import numpy as np
import pandas as pd
import pytest

from sqlib import style, words
from sqlib.figures import plot_portfolio, plot_power
from sqlib.methods import power
from sqlib.methods.portfolio import portfolio


@pytest.fixture(scope="module")
def before():
    return 0.8 + 0.02 * np.random.default_rng(2).standard_normal(36)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_power_marks_now_and_when_the_goal_can_be_judged(before, language):
    found = power.curve(before, so_far=6, goal=0.035, draws=150)
    with style.theme():
        ax = plot_power(found, unit="percent", language=language)
        ax.figure.canvas.draw()
    named = ax.get_legend_handles_labels()[1]
    assert words.text("figures", "power_now", language=language) in named and len(named) == 3
    assert any(str(int(found.needed)) in label for label in named)
    assert not ax.get_title() and ax.get_ylim()[0] == 0
    np.testing.assert_allclose(ax.lines[0].get_xydata(), found.table[["periods_after", "detectable"]])


@pytest.mark.parametrize("goal, key", [(0.001, "goal_never"), (None, None)])
def test_power_says_what_cannot_be_judged(before, goal, key):
    ax = plot_power(power.curve(before, goal=goal, draws=100, most=40), unit="percent")
    said = [text.get_text() for text in ax.texts]
    assert said == ([] if key is None else ["goal 0.1% (cannot be judged within 40 periods)"])
    assert len(ax.get_legend_handles_labels()[1]) == 1


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_portfolio_draws_every_promise_and_their_mean(language):
    rows = pd.DataFrame({"measure_id": ["M1", "M2", "M3"], "indicator_id": "I", "effect": [3.0, 1.0, 2.0],
                         "low": [2.0, -30.0, 1.0], "high": [4.0, 32.0, 3.0], "p_value": 0.1, "direction": "up",
                         "promised": [4.0, 4.0, np.nan], "name": ["Night shift", "M2", "M3"]})  # fmt: skip
    with style.theme():
        ax = plot_portfolio(portfolio(rows), language=language)
        ax.figure.canvas.draw()
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == ["Night shift", "M2", words.text("figures", "all_measures", language=language)]
    assert ax.get_xlim()[0] > -1.5 and ax.get_xlim()[1] < 3.5
    assert {text.get_text() for text in ax.texts} == {words.text("figures", key, language=language)
                                                      for key in ("nothing_realised", "as_promised")}  # fmt: skip


def test_one_promise_stands_alone():
    rows = pd.DataFrame({"measure_id": ["M1"], "indicator_id": "I", "effect": [3.0], "low": [2.0], "high": [4.0],
                         "p_value": 0.1, "direction": "up", "promised": [4.0]})  # fmt: skip
    ax = plot_portfolio(portfolio(rows))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["M1"]
