"""Key drivers: the share of each with its interval, and impact against performance."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.drivers import DriversResult

LABELS, GAP = 1.03, 0.055  # where the names stand, right of the axes, and their distance in heights of the axes
SIDE = 4.6  # inches: height of the chart of impact against performance


def plot_drivers(result: DriversResult, *, ax=None, language: str = "en"):
    """Draw the share of what is explained by driver, largest first; settled places are in colour."""
    table = result.table
    ax = marks.axes(ax, len(table))
    colour = style.palette()
    heights = marks.rows(ax, [_name(row, language) for row in table.itertuples()])
    tones = [colour["accent"] if place < result.settled else colour["neutral"] for place in range(len(table))]
    marks.intervals(ax, heights, table["share"], table["low"], table["high"], colour=tones, size=6.5, width=2.2)
    for key, tone in (("settled", "accent"), ("unsettled", "neutral")):
        ax.plot([], [], "o-", color=colour[tone], markersize=6.5, linewidth=2.2, label=marks.say(key, language))
    ax.set_xlim(left=0)
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("driver_share", language))
    marks.legend(ax, 2)
    return ax


def plot_impact(result: DriversResult, *, ax=None, language: str = "en"):
    """Draw each driver by its mean score (across) and its share (up), both with interval; names at the right."""
    table = result.table.sort_values("share", ascending=False, kind="stable")
    ax = marks.axes(ax, (SIDE - marks.MARGIN) / marks.ROW)
    colour = style.palette()
    weak = table["mean"] < result.level
    tones = [colour["warn"] if each else colour["accent"] for each in weak]
    for row, paint in zip(table.itertuples(), tones, strict=True):
        ax.plot([row.mean, row.mean], [row.low, row.high], color=paint, linewidth=1.2, zorder=1.9)
    marks.intervals(
        ax, table["share"], table["mean"], table["mean_low"], table["mean_high"], colour=tones, size=6, width=1.2
    )
    level = words.Quantity(result.level, "score")
    marks.reference(ax, result.level, words.text("figures", "level_reached", language=language, level=level))
    equal = marks.say("equal_share", language)
    ax.axhline(1 / len(table), color=colour["muted"], linewidth=0.7, linestyle=":", zorder=1, label=equal)
    for key, tone in (("below_level", "warn"), ("above_level", "accent")):
        ax.plot([], [], "o-", color=colour[tone], markersize=6, linewidth=1.2, label=marks.say(key, language))
    ax.set_ylim(0, 1.08 * table["high"].max())
    _names(ax, table, tones, language)
    marks.percent_axis(ax, "y")
    ax.set_xlabel(marks.say("performance", language))
    ax.set_ylabel(marks.say("driver_share_short", language))
    marks.legend(ax, 3)
    return ax


def _name(row, language: str) -> str:
    low, high = int(row.rank_low), int(row.rank_high)
    name = words.Cell("dimension", row.driver)
    key = "driver" if low < high else "driver_fixed"
    return words.text("figures", key, language=language, name=name, low=low, high=high)


def _names(ax, table, tones: list[str], language: str) -> None:
    """Names right of the axes in the order of the shares, each led to its dot, none over another."""
    for row, place, paint in zip(
        table.itertuples(), _apart(table["share"], GAP * ax.get_ylim()[1]), tones, strict=True
    ):
        name = words.worded(words.Cell("dimension", row.driver), language)
        ax.annotate(
            name, (row.mean, row.share), xytext=(LABELS, place), textcoords=ax.get_yaxis_transform(), va="center",
            fontsize=8, color=paint, annotation_clip=False, zorder=1,
            arrowprops={"arrowstyle": "-", "color": style.palette()["grid"], "linewidth": 0.7, "shrinkB": 4},
        )  # fmt: skip


def _apart(heights, gap: float) -> np.ndarray:
    """Falling heights moved as little down as keeps them a gap apart, all of them up where the last would fall out."""
    steps = gap * np.arange(len(heights))
    placed = np.minimum.accumulate(np.asarray(heights) + steps) - steps
    return placed + max(0.0, gap / 2 - placed[-1])
