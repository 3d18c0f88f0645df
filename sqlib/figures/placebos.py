"""Placebo strips: the effect found at every date at which nothing began, beside the one of the real start."""

import numpy as np

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.effects import EffectsResult

FARTHEST = 6.0  # half widths beyond which a dot stands at the edge


def plot_placebos(result: EffectsResult, *, ax=None, language: str = "en"):
    """Draw a strip a measure of ``result.placebos``: each effect in half widths of its own interval, to the good
    rightwards, so that dots beyond 1 exclude no effect; the real start is the large dot."""
    table = result.effects[result.effects["primary"].astype(bool)].set_index("measure_id")
    rows = result.placebos[result.placebos["measure_id"].isin(table.index)]
    rows = rows[rows["indicator_id"] == rows["measure_id"].map(table["indicator_id"])]
    ids = [name for name in table.index if name in set(rows["measure_id"])]
    ax, colour = marks.axes(ax, len(ids)), style.palette()
    heights = dict(zip(ids, marks.rows(ax, [table.at[name, "name"] for name in ids]), strict=True))
    sign = rows["measure_id"].map(table["direction"]).map({"up": 1.0, "down": -1.0}).fillna(1.0)
    score = (sign * rows["effect"] / ((rows["high"] - rows["low"]) / 2)).clip(-FARTHEST, FARTHEST)
    height = rows["measure_id"].map(heights)
    real = rows["real"].astype(bool)
    ax.axvspan(-1, 1, color=colour["grid"], alpha=0.5, linewidth=0, zorder=0)
    ax.plot(score[~real], height[~real], "|", markersize=9, color=colour["neutral"], zorder=2,
            label=marks.say("placebo_dates", language))  # fmt: skip
    ax.plot(score[real], height[real], "o", markersize=7, color=colour["accent"], zorder=3,
            label=marks.say("real_start", language))  # fmt: skip
    marks.reference(ax, 0.0)
    reach = max(1.5, float(np.nanmax(np.abs(score)))) * 1.05 if len(score) else 1.5
    ax.set_xlim(-reach, reach)
    ax.set_xlabel(marks.say("half_widths", language))
    marks.legend(ax, 2)
    return ax
