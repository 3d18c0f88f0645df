"""Diverging bars: what goes with a poor score of a part, to the left, and with an excellent one, to the right."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.penalty_reward import PenaltyRewardResult

HEIGHT = 0.5  # of a row
CLASSED = ("basic", "performance", "excitement")


def plot_penalty_reward(result: PenaltyRewardResult, *, ax=None, language: str = "en"):
    """Draw penalty and reward of every attribute judged, the heaviest penalty first; the class stands at the right."""
    table = result.table[result.table["penalty"].notna()].sort_values("penalty", kind="stable")
    ax = marks.axes(ax, len(table) * 1.15)
    colour = style.palette()
    heights = marks.rows(ax, [words.cell("dimension", name, language) for name in table["attribute"]])
    marks.reference(ax, 0.0)
    for term, tone in (("penalty", "bad"), ("reward", "good")):
        ax.barh(heights, table[term], HEIGHT, color=style.sheet()["tints"][tone], edgecolor=colour[tone], linewidth=0.8,
                label=marks.say(term, language), zorder=1.5)  # fmt: skip
        shift = np.full(len(table), 0.1 if term == "penalty" else -0.1)
        limits = [table[name] for name in (term, f"{term}_low", f"{term}_high")]
        marks.intervals(ax, heights + shift, *limits, colour=colour[tone], size=4.5, width=1.6)
    for height, verdict in zip(heights, table["verdict"], strict=True):
        marks.tag(ax, height, verdict, language, plain=verdict not in CLASSED)
    marks.signed_axis(ax, "score")
    ax.set_xlabel(marks.say("penalty_reward", language))
    marks.legend(ax, 2)
    return ax
