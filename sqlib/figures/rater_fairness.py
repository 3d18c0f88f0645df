"""Rater by group: how far a rater's scores of a group lie from those the other raters give the same people."""

import pandas as pd

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.rater_fairness import FairnessResult

MOST = 30  # cells one figure can name
TONES = {"rates_lower": "bad", "rates_higher": "warn"}


def plot_rater_fairness(result: FairnessResult, *, most: int = MOST, ax=None, language: str = "en"):
    """Draw the shrunk difference of every cell shown (filled) and the one observed (hollow), the lowest first.

    In a dimension of two groups the two differences of a rater mirror each other: one of them is drawn.
    """
    shown = _once(result.table[result.table["estimate"].notna()])
    table = shown.sort_values("p_value", kind="stable").head(most).sort_values("shrunk", kind="stable")
    ax = marks.axes(ax, max(len(table), 1) * 1.1)
    colour = style.palette()
    heights = marks.rows(ax, [_name(row, language) for row in table.itertuples()])
    marks.reference(ax, 0.0, marks.say("like_the_others", language))
    paint = [colour[TONES.get(verdict, "neutral")] for verdict in table["verdict"]]
    observed = [table[name] for name in ("estimate", "low", "high")]
    marks.intervals(ax, heights - 0.16, *observed, colour=colour["muted"], hollow=True, size=4.5, width=1.2,
                    label=marks.say("difference_observed", language))  # fmt: skip
    marks.intervals(ax, heights + 0.14, *(table[f"shrunk{end}"] for end in ("", "_low", "_high")), colour=paint)
    ax.plot([], [], "o-", markersize=5.5, color=colour["neutral"], label=marks.say("difference_shrunk", language))
    for height, verdict in zip(heights, table["verdict"], strict=True):
        marks.tag(ax, height, verdict, language, plain=verdict not in TONES)
    marks.signed_axis(ax, "score")
    left_out = len(shown) - len(table)
    more = words.text("figures", "cells_not_shown", language=language, count=left_out) if left_out else ""
    ax.set_xlabel(f"{marks.say('rater_group_difference', language)}{more}")
    marks.legend(ax, 2)
    return ax


def _once(table: pd.DataFrame) -> pd.DataFrame:
    """Of dimensions of two groups one: that scored lower most clearly, which the finding names, else the first."""
    groups = table.groupby("dimension")["group"]
    lower = table[table["verdict"].eq("rates_lower")].sort_values("p_adjusted", kind="stable")
    named = lower.drop_duplicates("dimension").set_index("dimension")["group"]
    first = zip(table["dimension"], groups.transform("min"), strict=True)
    kept = [named.get(dimension, group) for dimension, group in first]
    return table[groups.transform("nunique").ne(2) | (table["group"] == kept)]


def _name(row, language: str) -> str:
    return f"{row.rater_id} · {words.cell(row.dimension, str(row.group), language)} (n={int(row.n)})"
