"""Dot plot of each unit's change, treated units above, comparison units below: the evidence of a few-unit design."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.difference_in_differences import UnitDifferences

MOST = 30  # units drawn by name; above it they share one strip a side
STRIP = 4  # rows of an ordinary figure a strip is tall


def plot_unit_differences(result: UnitDifferences, *, ax=None, language: str = "en", unit: str = "score"):
    """Draw every unit's change with the mean of its side; up to thirty units by name, more as two strips.

    ``unit``: a unit of words/common.toml, for the numbers.
    """
    changes = result.changes.sort_values(["treated", "change"], ascending=False, kind="stable")
    named = len(changes) <= MOST
    ax = marks.axes(ax, len(changes) if named else 2 * STRIP)
    colour = style.palette()
    heights = marks.rows(ax, changes["unit"]) if named else _strips(ax, changes)
    marks.reference(ax, 0.0, marks.say("no_change", language))
    sides = (("treated", True, "accent"), ("compared", False, "neutral"))
    for name, treated, tone in sides:
        own = (changes["treated"] == treated).to_numpy()
        label = words.text("figures", f"unit_differences_{name}", language=language, n=int(own.sum()))
        _side(ax, changes.loc[own, "change"], heights[own], colour[tone], label, hollow=not treated)
    _gap(ax, result.effect, language, unit)
    marks.signed_axis(ax, unit)
    ax.set_xlabel(marks.say("unit_differences_change", language))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=8, handlelength=1.6, borderaxespad=0.2)
    return ax


def _strips(ax, changes) -> np.ndarray:
    """Heights in two strips, units of neighbouring change spread over the strip."""
    place = changes.groupby("treated").cumcount().to_numpy()
    ax.set_yticks([])
    ax.set_ylim(-0.85, 1.7)
    ax.spines["left"].set_visible(False)
    return changes["treated"].to_numpy() * 1.0 + 0.6 * ((place * 0.618034) % 1 - 0.5)


def _side(ax, change, heights, paint, label, *, hollow) -> None:
    ax.plot(change, heights, "o", color=paint, markersize=5.5, markerfacecolor="white" if hollow else paint,
            label=label, zorder=3)  # fmt: skip
    ends = [heights.min() - 0.3, heights.max() + 0.3]
    ax.plot([change.mean()] * 2, ends, color=paint, linewidth=2.4, alpha=0.6, zorder=2)


def _gap(ax, effect, language, unit) -> None:
    """The difference of the two means, told in the legend."""
    value = words.Estimate(effect.effect, effect.low, effect.high, unit, None, effect.confidence, signed=True)
    colour = style.palette()["muted"]
    ax.plot([], [], color=colour, linewidth=2.4, alpha=0.6, label=marks.say("unit_differences_mean", language))
    label = words.text("figures", "unit_differences_gap", language=language, value=value)
    ax.plot([], [], linestyle="none", label=label)
