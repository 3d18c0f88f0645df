"""What could be found by when: the smallest effect that shows, over periods after the start, with the goal and now."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.figures.effect_card import value_axis
from sqlib.methods.power import PowerResult

ROWS = 7.0  # rows of an ordinary figure this one is tall


def plot_power(result: PowerResult, *, unit: str = "score", ax=None, language: str = "en"):
    """Draw ``result.table``; above the line an effect is found, below it most likely not.

    ``unit`` is a key of ``[unit]``. A dashed line is the goal, a dot where it can first be found (in words where
    that is beyond the figure), a hollow dot now.
    """
    ax, colour = marks.axes(ax, ROWS), style.palette()
    periods, smallest = (result.table[name].to_numpy(dtype=float) for name in ("periods_after", "detectable"))
    top = 1.15 * max(smallest.max(), abs(result.goal) if np.isfinite(result.goal) else 0.0)
    share = words.Quantity(result.target_power, "percent", 0)
    ax.plot(periods, smallest, color=colour["accent"], linewidth=1.8, zorder=2,
            label=words.text("figures", "detectable", language=language, power=share))  # fmt: skip
    ax.fill_between(periods, smallest, top, color=colour["accent"], alpha=0.10, linewidth=0, zorder=1)
    if np.isfinite(result.goal):
        _goal(ax, result, periods, unit, language)
    if np.isfinite(result.detectable):
        ax.plot([result.so_far], [result.detectable], "o", markersize=8, color=colour["warn"], markerfacecolor="white",
                markeredgewidth=1.8, zorder=4, label=marks.say("power_now", language))  # fmt: skip
    ax.set_xlim(periods[0] - 0.5, max(periods[-1], _shown(result, periods)) + 0.5)
    ax.set_ylim(0, top)
    value_axis(ax, unit, language)
    ax.set_xlabel(marks.say("periods_after", language))
    ax.set_ylabel(marks.say("detectable_short", language))
    marks.legend(ax, 3)
    return ax


def _goal(ax, result, periods, unit, language) -> None:
    colour, goal = style.palette(), abs(result.goal)
    ax.axhline(goal, color=colour["muted"], linewidth=1, linestyle=(0, (4, 3)), zorder=1.5)
    key = "goal" if _shown(result, periods) else "goal_later" if np.isfinite(result.needed) else "goal_never"
    label = words.text("figures", key, language=language, goal=words.Quantity(goal, unit), most=result.most,
                       periods=words.Quantity(result.needed))  # fmt: skip
    ax.annotate(label, (1, goal), xycoords=ax.get_yaxis_transform(), xytext=(-4, 3), textcoords="offset points",
                ha="right", va="bottom", fontsize=8, color=colour["muted"])  # fmt: skip
    if _shown(result, periods):
        label = words.text("figures", "power_needed", language=language, periods=int(result.needed))
        ax.plot([result.needed], [goal], "o", markersize=8, color=colour["good"], zorder=4, label=label)


def _shown(result, periods) -> float:
    """The period at which the goal can first be found, where the figure reaches so far; else 0."""
    return result.needed if result.needed <= periods[-1] else 0.0
