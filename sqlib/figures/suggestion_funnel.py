"""Funnel of suggestions: a bar a stage, parted into those that went on, wait, are stuck, or were turned down."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.suggestion_funnel import SuggestionFunnelResult

HEIGHT = 0.62  # of a row
LEAST = 0.035  # share of the longest bar from which a part has room for its number


def plot_suggestion_funnel(result: SuggestionFunnelResult, *, ax=None, language: str = "en"):
    """Draw how many came to each stage, and what became of them there."""
    table = result.table
    ax = marks.axes(ax, len(table) + 1)
    colour = style.palette()
    fresh = table["waiting"] - table["stuck"]
    on = table["reached"] - table["waiting"] - table["turned_down"]
    parts = {"went_on": (on, "accent"), "waiting": (fresh, "neutral"), "stuck": (table["stuck"], "series2"),
             "turned_down": (table["turned_down"], "bad")}  # fmt: skip
    heights = marks.rows(ax, [words.text("common", "idea_stage", stage, language=language) for stage in table["stage"]])
    left = np.zeros(len(table))
    for key, (counts, paint) in parts.items():
        label = words.text("figures", f"ideas_{key}", language=language, days=words.Quantity(result.stale))
        ax.barh(heights, counts, HEIGHT, left=left, color=colour[paint], edgecolor="white", linewidth=0.8, label=label)
        for place, count in enumerate(counts):
            if count >= max(LEAST * result.n, 1):
                ax.text(left[place] + count / 2, heights[place], words.number(int(count), "count", language),
                        ha="center", va="center", fontsize=8, color="white")  # fmt: skip
        left = left + counts.to_numpy(float)
    ax.set_xlim(0, result.n * 1.02)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel(marks.say("suggestions", language))
    marks.legend(ax, 4)
    return ax
