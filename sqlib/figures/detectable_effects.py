"""What the next measures could show: the smallest change seen after half a year and a year, beside one worth having."""

import numpy as np

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.detectable_effects import DetectableResult


def plot_detectable_effects(result: DetectableResult, *, names=None, ax=None, language: str = "en"):
    """Draw a row an indicator of ``result.table`` (its best design), as shares of its present level.

    ``names`` : indicator_id to the name printed. A diamond left of the dot of a year is a change too small to be seen.
    """
    table = result.table[result.table["year_share"].notna()].sort_values("year", kind="stable")
    table = table.drop_duplicates("indicator_id").sort_values("year_share", kind="stable")
    ax, colour = marks.axes(ax, len(table)), style.palette()
    heights = marks.rows(ax, [(names or {}).get(each, each) for each in table["indicator_id"]])
    worth = (table["worth_having"] / table["level"]).to_numpy(dtype=float)
    half, year = (table[name].to_numpy(dtype=float) for name in ("half_year_share", "year_share"))
    ax.hlines(heights, year, half, color=colour["grid"], linewidth=3, zorder=1)
    ax.plot(half, heights, "o", markersize=6, color=colour["accent"], markerfacecolor="white", zorder=3,
            label=marks.say("seen_half_year", language))  # fmt: skip
    ax.plot(year, heights, "o", markersize=6, color=colour["accent"], zorder=3, label=marks.say("seen_year", language))
    if np.isfinite(worth).any():
        ax.plot(worth, heights, "D", markersize=6, color=colour["good"], zorder=4,
                label=marks.say("worth_having", language))  # fmt: skip
    ax.set_xlim(0, 1.08 * np.nanmax([*half, *year, *worth[np.isfinite(worth)]]))
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("share_of_level", language))
    marks.legend(ax, 3)
    return ax
