"""Priority chart: every declared cell against the rest of the firm, crude and mix-adjusted, both with interval."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.segments import WeakPointsResult

TONE = {"act_now": "bad", "verify": "warn", "watch": "warn", "strength": "good"}
OFFSET = 0.17  # crude below, adjusted above the middle of the row


def plot_priority(result: WeakPointsResult, *, ax=None, language: str = "en"):
    """Draw the cells family by family; colour and mark are the verdict on the adjusted difference."""
    table = _ordered(result.table[result.table["verdict"] != "hidden"])
    ax = marks.axes(ax, len(table) * 1.15)
    colour = style.palette()
    heights = marks.rows(ax, [_name(row, language) for row in table.itertuples()])
    marks.reference(ax, 0.0)
    marks.intervals(
        ax, heights - OFFSET, table["crude"], table["crude_low"], table["crude_high"], colour=colour["series3"],
        size=4.5, width=1.2, hollow=True, label=marks.say("crude", language),
    )  # fmt: skip
    tones = [colour[TONE.get(verdict, "neutral")] for verdict in table["verdict"]]
    adjusted = [table[name] for name in ("adjusted", "adjusted_low", "adjusted_high")]
    basis = "not_adjusted" if "not_adjusted" in result.cautions else "adjusted"
    marks.intervals(ax, heights + OFFSET, *adjusted, colour=tones, size=6.5, width=2.2)
    ax.plot([], [], "o-", color=colour["neutral"], markersize=6.5, linewidth=2.2, label=marks.say(basis, language))
    _families(ax, table, heights, language)
    marks.points_axis(ax)
    ax.set_xlabel(marks.say("difference", language))
    marks.legend(ax, 2)
    return ax


def _ordered(table):
    """Families as declared; within each the cell furthest behind first."""
    family = table["family"].map({name: place for place, name in enumerate(table["family"].unique())})
    return table.assign(_family=family).sort_values(["_family", "adjusted"], kind="stable")


def _name(row, language: str) -> str:
    mark = words.entry("common", "verdict", row.verdict)["mark"] if row.verdict in TONE else ""
    cell = words.Cell(row.family, row.cell)
    return words.text("figures", "cell", language=language, cell=cell, n=int(row.n), mark=mark).strip()


def _families(ax, table, heights: np.ndarray, language: str) -> None:
    """A thin line between families and the family's name at the right edge."""
    families = table["family"].to_numpy()
    for family in dict.fromkeys(families):
        mine = heights[families == family]
        name = words.worded(words.Field(family), language)
        ax.text(1.01, mine.max(), name, transform=ax.get_yaxis_transform(), va="center", fontsize=8,
                color=style.palette()["muted"])  # fmt: skip
        if mine.min() > 0:
            ax.axhline(mine.min() - 0.5, color=style.palette()["grid"], linewidth=0.8, zorder=0)
