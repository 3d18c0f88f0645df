"""How useful people find each measure: mean with its interval, beside the middle of the scale."""

import numpy as np

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.measure_views import MIDDLE, SCALE, MeasureViewsResult

MOST = 20  # measures drawn, the least useful first


def plot_measure_views(result: MeasureViewsResult, *, ax=None, language: str = "en"):
    """Draw a row a measure; hidden ones are left out."""
    table = result.table[result.table["measure_id"].ne("") & result.table["useful"].notna()]
    shown = table.sort_values("useful", kind="stable").head(MOST)
    ax = marks.axes(ax, len(shown))
    colour = style.palette()
    tone = {"found_useful": colour["good"], "found_useless": colour["bad"]}
    heights = marks.rows(ax, shown["name"].fillna(shown["measure_id"]))
    paint = [tone.get(verdict, colour["neutral"]) for verdict in shown["verdict"]]
    marks.intervals(ax, heights, shown["useful"], shown["useful_low"], shown["useful_high"], colour=paint)
    marks.reference(ax, MIDDLE, marks.say("neither_useful", language))
    for height, verdict in zip(heights, shown["verdict"], strict=True):
        marks.tag(ax, height, verdict, language, plain=verdict == "cannot_tell")
    ax.set_xlim(SCALE[0] - 0.05, SCALE[1] + 0.05)
    ax.set_xticks(np.arange(SCALE[0], SCALE[1] + 1))
    ax.set_xlabel(marks.say("usefulness", language) + marks.rest(len(table) - len(shown), language))
    return ax
