"""How sure a tier is: the probability of every tier for everybody, side by side, the bands marked."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.tiers import TierResult

MOST = 20  # people that are still read on a slide
HEIGHT = 0.62  # of a row
READABLE = 0.12  # share of the width a number needs


def plot_tiers(result: TierResult, *, most: int = MOST, ax=None, language: str = "en"):
    """Draw the people from the highest total down, the least certain of more than ``most``; the number of the band
    stands at the right, a line parts the bands."""
    judged = result.ratees[result.ratees["verdict"] != "not_judged"]
    table = judged.sort_values("p_tier", kind="stable").head(most)
    table = table.sort_values(["part", "band", "total"], ascending=[True, True, False], kind="stable")
    ax = marks.axes(ax, len(table) + 1)
    heights = marks.rows(ax, table["ratee_id"])
    ax.tick_params(axis="y", labelsize=8)
    p = result.probabilities.pivot(index="ratee_id", columns="tier", values="p").loc[table["ratee_id"]]
    left = np.zeros(len(table))
    for name, (paint, ink) in zip(result.rule.names, _shades(len(result.rule.names)), strict=True):
        width = p[name].to_numpy()
        ax.barh(heights, width, HEIGHT, left=left, color=paint, edgecolor="white", linewidth=0.6, label=name)
        for height, start, share in zip(heights, left, width, strict=True):
            if share >= READABLE:
                ax.text(start + share / 2, height, words.number(share, "percent", language, digits=0), ha="center",
                        va="center", fontsize=7.5, color=ink)  # fmt: skip
        left = left + width
    _banded(ax, table, heights, language)
    ax.set_xlim(0, 1)
    marks.percent_axis(ax)
    left = marks.not_shown(len(judged) - len(table), language)
    ax.set_xlabel(f"{marks.say('tier_probability', language)}{left}")
    marks.legend(ax, len(result.rule.names))
    return ax


def _shades(count: int) -> list[tuple]:
    """From the accent for the best tier to its palest shade, each with the ink that reads on it."""
    from matplotlib.colors import to_rgb

    dark, pale = (np.array(to_rgb(paint)) for paint in (style.palette()["accent"], style.sheet()["tints"]["accent"]))
    steps = np.linspace(0, 1, count)
    ink = style.palette()["ink"]
    return [(tuple(dark + (pale - dark) * step), "white" if step < 0.45 else ink) for step in steps]


def _banded(ax, table, heights, language: str) -> None:
    """The band at the right of its first row, and a line above it."""
    colour, before = style.palette(), None
    for height, row in zip(heights, table.itertuples(), strict=True):
        if row.band != row.band or (row.part, row.band) == before:
            continue
        if before is not None:
            ax.axhline(height + 0.5, color=colour["muted"], linewidth=0.8)
        name = words.text("figures", "band", language=language, band=int(row.band))
        ax.text(1.02, height, name, transform=ax.get_yaxis_transform(), va="center", fontsize=8, color=colour["ink"])
        before = (row.part, row.band)
