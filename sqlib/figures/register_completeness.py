"""Grid of the register: a row a measure, a column for each thing it should state, filled where it does."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.register_completeness import PARTS, RegisterCompletenessResult

MOST = 20  # measures drawn, the least complete first
MARKS = {"stated": "s", "missing": "x", "unknown": "D"}


def plot_register_completeness(result: RegisterCompletenessResult, *, ax=None, language: str = "en"):
    """Draw a mark a measure and part: a square where stated, a cross where missing, a diamond where nobody knows it."""
    shown = result.measures.head(MOST)
    ax = marks.axes(ax, len(shown) + 1)
    colour = style.palette()
    paint = {"stated": colour["accent"], "missing": colour["bad"], "unknown": colour["warn"]}
    heights = marks.rows(ax, shown["name"].fillna(shown["measure_id"]))
    for place, part in enumerate(PARTS):
        for code, mark in MARKS.items():
            at = heights[shown[part].eq(code).to_numpy()]
            ax.plot(np.full(len(at), place), at, mark, color=paint[code], markersize=7, linestyle="")
    for code, mark in MARKS.items():
        if code != "unknown" or result.measures[list(PARTS)].eq("unknown").any(axis=None):
            label = words.text("common", "register_state", code, language=language)
            ax.plot([], [], mark, color=paint[code], linestyle="", label=label)
    names = [words.text("common", "register_part", part, language=language) for part in PARTS]
    ax.set_xticks(range(len(PARTS)), labels=names)
    ax.set_xlim(-0.5, len(PARTS) - 0.5)
    left = marks.rest(len(result.measures) - len(shown), language)
    ax.set_xlabel(marks.say("stated_in_register", language) + left)
    marks.legend(ax, 3)
    return ax
