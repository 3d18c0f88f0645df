"""All measures at a glance: the improvement each brought to its own indicator, in per cent, with its verdict."""

import numpy as np

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.effects import EffectsResult

PALE = ("cannot_tell", "too_early", "not_as_planned", "no_effect_worth_having")
FARTHEST = 0.6  # share of the level beyond which an interval runs off the edge, unless an estimate lies there


def plot_effects(result: EffectsResult, *, ax=None, language: str = "en"):
    """Draw a row a measure of ``result.effects``: to the right of zero is better, whichever way its indicator counts.

    Measures without an estimate have their verdict alone.
    """
    table = result.effects[result.effects["primary"].astype(bool)].reset_index(drop=True)
    ax, colour = marks.axes(ax, len(table)), style.palette()
    heights = marks.rows(ax, table["name"].tolist())
    sign = table["direction"].map({"up": 1.0, "down": -1.0})
    ends = np.sort([table["percent_low"] * sign, table["percent_high"] * sign], axis=0)
    paint = [colour["neutral"] if verdict in PALE else colour["accent"] for verdict in table["verdict"]]
    marks.intervals(ax, heights, table["percent"] * sign, *ends, colour=paint)
    _reach(ax, table["percent"] * sign, ends)
    for height, verdict in zip(heights, table["verdict"], strict=True):
        marks.tag(ax, height, verdict, language, plain=verdict in PALE)
    marks.reference(ax, 0.0, marks.say("no_effect", language))
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("improvement_share", language))
    return ax


def _reach(ax, estimate, ends) -> None:
    """From the lowest to the highest interval, 0 within, not beyond FARTHEST but for an estimate itself."""
    known = estimate.dropna()
    if known.empty:
        ax.set_xlim(-0.1, 0.1)
        return
    low = min(max(np.nanmin(ends[0]), -FARTHEST), known.min(), -0.02)
    high = max(min(np.nanmax(ends[1]), FARTHEST), known.max(), 0.02)
    room = 0.06 * (high - low)
    ax.set_xlim(low - room, high + room)
