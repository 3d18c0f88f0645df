"""Promised against realised: what share of its promise every measure kept, as measured and as the others suggest."""

import numpy as np

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.portfolio import PortfolioResult

APART = 0.17  # height between the two marks of a row
FARTHEST = (-1.0, 3.0)  # shares of a promise; an interval that goes on beyond runs off the edge


def plot_portfolio(result: PortfolioResult, *, ax=None, language: str = "en"):
    """Draw a row a promise and one of all together; a hollow dot is the share shrunk towards the mean of all."""
    table = result.table[result.table["share"].notna()]
    pooled = bool(np.isfinite(result.share))
    labels = table["name"].astype("str").tolist()
    labels += [marks.say("all_measures", language)] * pooled
    ax, colour = marks.axes(ax, len(labels)), style.palette()
    heights = marks.rows(ax, labels)
    own = heights[: len(table)]
    marks.intervals(ax, own + APART * pooled, table["share"], table["share_low"], table["share_high"],
                    colour=colour["accent"], label=marks.say("share_measured", language))  # fmt: skip
    if pooled:
        shrunk = table["shrunk"].notna().to_numpy()
        marks.intervals(ax, own[shrunk] - APART, *(table.loc[shrunk, f"shrunk{end}"] for end in ("", "_low", "_high")),
                        colour=colour["neutral"], hollow=True, size=4.5, width=1.2,
                        label=marks.say("share_shrunk", language))  # fmt: skip
        marks.intervals(ax, heights[-1:], [result.share], [result.share_low], [result.share_high],
                        colour=colour["ink"], size=7, width=2.6)  # fmt: skip
        ax.axhline(heights[-1] + 0.5, color=colour["grid"], linewidth=1)
    marks.reference(ax, 0.0, marks.say("nothing_realised", language))
    marks.reference(ax, 1.0, marks.say("as_promised", language))
    _reach(ax, table)
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("share_of_promise", language))
    marks.legend(ax, 2)
    return ax


def _reach(ax, table) -> None:
    """From the lowest to the highest interval, 0 and 1 within, not beyond FARTHEST but for an estimate itself."""
    low = min(max(table["share_low"].min(), FARTHEST[0]), table["share"].min(), 0.0)
    high = max(min(table["share_high"].max(), FARTHEST[1]), table["share"].max(), 1.0)
    room = 0.05 * (high - low)
    ax.set_xlim(low - room, high + room)
