"""Interval dot plot of reliability: alpha and omega of every scale against the least that is acceptable."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.internal_consistency import ACCEPTABLE, InternalConsistencyResult


def plot_internal_consistency(result: InternalConsistencyResult, *, ax=None, language: str = "en"):
    """Draw the scales that were estimated, in their order; the whole questionnaire last."""
    table = result.table[result.table["alpha"].notna()]
    ax = marks.axes(ax, len(table))
    colour = style.palette()
    whole = words.text("common", "scale", "whole", language=language)
    given = table["scale"].fillna("")
    names = [words.cell("dimension", name, language) if name else whole for name in given]
    labels = [words.text("figures", "scale", language=language, scale=name, n=int(n))
              for name, n in zip(names, table["n"], strict=True)]  # fmt: skip
    heights = marks.rows(ax, labels)
    marks.reference(ax, ACCEPTABLE, marks.say("acceptable", language))
    for key, shift, paint, hollow in (("alpha", 0.14, "accent", False), ("omega", -0.16, "series2", True)):
        marks.intervals(
            ax, heights + shift, table[key], table[f"{key}_low"], table[f"{key}_high"], colour=colour[paint],
            hollow=hollow, label=marks.say(key, language),
        )  # fmt: skip
    low = np.nanmin(table[["alpha_low", "omega_low"]].to_numpy(), initial=ACCEPTABLE - 0.2)
    ax.set_xlim(max(low - 0.05, -1.05), 1.0)
    ax.set_xlabel(marks.say("reliability", language))
    marks.legend(ax, 2)
    return ax
