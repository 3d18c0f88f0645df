"""Event study: the effect by periods since the start, each with its interval, and the band that holds for all."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.staggered import StaggeredResult

MOST = 24  # periods to either side of the start that are drawn
ROWS = 7  # height


def plot_event_study(result: StaggeredResult, *, ax=None, language: str = "en", unit: str = "score"):
    """Draw the horizons, up to 24 to either side, and the overall effect named by its estimand.

    ``unit``: a unit of words/common.toml, for the numbers.
    """
    table = result.events[result.events["horizon"].between(-MOST, MOST)]
    ax = marks.axes(ax, ROWS)
    colour = style.palette()
    x = table["horizon"].to_numpy()
    _band(ax, table, colour, marks.say("event_study_band", language))
    ax.axhline(0, color=colour["muted"], linewidth=1, zorder=1)
    ax.axvline(-0.5, color=colour["muted"], linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    for early, paint, hollow in ((True, colour["neutral"], True), (False, colour["accent"], False)):
        at = (x < 0) == early
        rows = table[at]
        ax.vlines(x[at], rows["low"], rows["high"], color=paint, linewidth=1.6, zorder=2)
        label = None if early else marks.say("event_study_point", language)
        ax.plot(x[at], rows["estimate"], "o", color=paint, markersize=5, label=label, zorder=3,
                markerfacecolor="white" if hollow else paint)  # fmt: skip
    _overall(ax, result.effect, x.max(), colour, language, unit)
    _finish(ax, colour, language, unit)
    return ax


def _band(ax, table, colour, label) -> None:
    """One box a horizon, so that nothing is drawn between periods that were not estimated."""
    x, low = table["horizon"].to_numpy(), table["band_low"].to_numpy()
    ax.bar(x, table["band_high"] - low, bottom=low, width=0.72, color=colour["grid"], zorder=0, label=label)


def _overall(ax, effect, last, colour, language, unit) -> None:
    value = words.Estimate(effect.effect, effect.low, effect.high, unit, None, effect.confidence, signed=True)
    label = words.text("figures", "event_study", effect.estimand, language=language, value=value)
    ax.plot([-0.3, last + 0.3], [effect.effect] * 2, color=colour["series2"], linewidth=2, zorder=1.5, label=label)


def _finish(ax, colour, language, unit) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    marks.signed_axis(ax, unit, "y")
    ax.set_xlabel(marks.say("event_study_horizon", language))
    ax.set_ylabel(marks.say("event_study_effect", language))
    ax.annotate(marks.say("event_study_start", language), (-0.5, 1), xycoords=ax.get_xaxis_transform(),
                xytext=(-4, -2), textcoords="offset points", ha="right", va="top", fontsize=8,
                color=colour["muted"])  # fmt: skip
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.02 * (high - low), high + 0.06 * (high - low))
    order = np.array(ax.get_legend_handles_labels(), dtype=object).T
    ax.legend(*order.T.tolist(), loc="lower left", bbox_to_anchor=(0, 1.0), ncols=1, fontsize=8, handlelength=1.6)
