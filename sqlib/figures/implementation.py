"""Fidelity and reach of every measure that has begun, beside the lines of carried out and not carried out."""

import numpy as np

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.implementation import ENOUGH, LEAST, ImplementationResult

MOST = 20  # measures drawn, the least carried out first


def plot_implementation(result: ImplementationResult, *, ax=None, language: str = "en"):
    """Draw a dot for fidelity and a hollow one for reach, a row a measure."""
    told = result.measures.dropna(subset=["fidelity", "reach"], how="all")
    told = told[~told["verdict"].isin(("not_started", "stopped"))]
    order = told[["fidelity", "reach"]].min(axis=1).sort_values(kind="stable").index
    shown = told.loc[order].head(MOST)
    ax = marks.axes(ax, len(shown))
    colour = style.palette()
    heights = marks.rows(ax, shown["name"].fillna(shown["measure_id"]))
    fidelity, reach = shown["fidelity"].to_numpy(float), shown["reach"].to_numpy(float)
    ax.hlines(heights, fidelity, reach, color=colour["grid"], linewidth=2, zorder=1)
    ax.plot(reach, heights, "o", markersize=9, markerfacecolor="white", markeredgecolor=colour["series2"],
            markeredgewidth=1.8, zorder=2, clip_on=False, label=marks.say("reach", language))  # fmt: skip
    ax.plot(fidelity, heights, "o", markersize=5, color=colour["accent"], zorder=3, clip_on=False,
            label=marks.say("fidelity", language))  # fmt: skip
    for line in (LEAST, ENOUGH):
        marks.reference(ax, line)
    ax.set_xlim(0, max(1.04, float(np.nanmax([*reach, 0.0])) + 0.04))
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("of_what_was_planned", language) + marks.rest(len(told) - len(shown), language))
    marks.legend(ax, 2)
    return ax
