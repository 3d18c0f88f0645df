"""Sources side by side: every person's judged, objective and customer score, in standard deviations, with interval."""

import numpy as np

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.score_sources import SOURCES, ScoreSourcesResult

MOST = 20  # people that are still read on a slide; of more, those whose sources differ most are drawn
LOOK = {"judged": ("accent", 0.22, False), "objective": ("series2", 0.0, True), "customer": ("neutral", -0.22, False)}


def plot_score_sources(result: ScoreSourcesResult, *, ax=None, language: str = "en"):
    """Draw the people in the order of their judged score; those to look at again are named at the right."""
    table = result.table.sort_values("p_value", kind="stable").head(MOST)
    table = table.sort_values("judged", ascending=False, kind="stable")
    ax = marks.axes(ax, len(table))
    colour = style.palette()
    heights = marks.rows(ax, table["ratee_id"])
    marks.reference(ax, 0.0, marks.say("firm_mean", language))
    for name in SOURCES:
        paint, shift, hollow = LOOK[name]
        shown = table[name].notna().to_numpy()
        if shown.any():
            rows = table[shown]
            marks.intervals(
                ax, heights[shown] + shift, rows[name], rows[f"{name}_low"], rows[f"{name}_high"], size=4.2, width=1.2,
                colour=colour[paint], hollow=hollow, label=marks.say(f"source_{name}", language),
            )  # fmt: skip
    for height, verdict in zip(heights, table["verdict"], strict=True):
        if verdict == "look_again":
            marks.tag(ax, height, verdict, language)
    ends = table[[f"{name}_{end}" for name in SOURCES for end in ("low", "high")]].to_numpy(float)
    low, high = np.nanmin(ends, initial=-1.0), np.nanmax(ends, initial=1.0)
    ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    marks.signed_axis(ax, "score")
    left = marks.not_shown(len(result.table) - len(table), language)
    ax.set_xlabel(f"{marks.say('standard_deviations', language)}{left}")
    marks.legend(ax, 3)
    return ax
