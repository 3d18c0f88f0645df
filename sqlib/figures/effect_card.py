"""The picture of one effect: what was observed, what was to be expected without the measure, and the gap between."""

from collections.abc import Sequence

import numpy as np

from sqlib import indicator_units, style, words
from sqlib.figures import marks
from sqlib.methods.effect import Effect
from sqlib.methods.effect_card import CardResult

ROWS = 7.0  # rows of an ordinary figure the card is tall
MOST_TICKS = 8
LONG = 80  # periods from which the points are small


def plot_card(card: CardResult, *, ax=None, language: str = "en"):
    """Draw the path of a card; without an estimate what was observed alone."""
    form = {"month": "%Y-%m", "quarter": "%Y-%m", "half": "%Y-%m", "year": "%Y"}.get(card.row["frequency"], "%Y-%m-%d")
    when = card.path["period"].dt.strftime(form).tolist()
    unit = indicator_units.level(card.row["unit"])
    return _drawn(card.path, card.start, unit, when, card.indicator, card.wash_in, ax, language)


def plot_effect(effect: Effect, *, start: int, unit: str = "count", when: Sequence[str] | None = None,
                label: str | None = None, wash_in: int = 0, ax=None, language: str = "en"):  # fmt: skip
    """Draw ``effect.path``: points observed, the level expected without the measure with its limits, the gap after.

    ``start`` : row of the path where the measure starts; the ``wash_in`` periods from there on are shaded. ``unit`` is
    a key of ``[unit]``; ``when`` names the periods, else their numbers stand; ``label`` names the indicator.
    """
    return _drawn(effect.path, start, unit, when, label, wash_in, ax, language)


def _drawn(path, start, unit, when, label, wash_in, ax, language):
    ax, colour = marks.axes(ax, ROWS), style.palette()
    path = path.reset_index(drop=True)
    time, first = np.arange(len(path)), start + wash_in
    if path["expected"].notna().any():
        _expected(ax, path, time, start, first, language)
    size = 3.6 if len(path) <= LONG else 2.2
    ax.plot(time, path["observed"], "o-", color=colour["accent"], markersize=size, linewidth=0.7, zorder=3,
            label=marks.say("observed", language))  # fmt: skip
    if wash_in:
        ax.axvspan(start - 0.5, first - 0.5, color=colour["grid"], alpha=0.7, linewidth=0, zorder=0,
                   label=marks.say("wash_in", language))  # fmt: skip
    if start < len(path):
        marks.reference(ax, start - 0.5)
        ax.annotate(marks.say("measure_starts", language), (start - 0.5, 1), xycoords=ax.get_xaxis_transform(),
                    xytext=(-4, -2), textcoords="offset points", ha="right", va="top", fontsize=8,
                    color=colour["muted"])  # fmt: skip
    ax.margins(y=0.14)
    ax.set_xlim(-0.7, len(path) - 0.3)
    _periods(ax, len(path), when, language)
    value_axis(ax, unit, language)
    ax.set_ylabel(label or "")
    marks.legend(ax, 4)
    return ax


def _expected(ax, path, time, start, first, language) -> None:
    """The level without the measure with its limits, and the gap to what was observed after the start."""
    colour, after = style.palette(), path.iloc[first:]
    gap = after["observed"].notna()
    ax.fill_between(time, path["low"], path["high"], color=colour["series3"], alpha=0.22, linewidth=0, zorder=1)
    ax.plot(time[: start + 1], path["expected"][: start + 1], color=colour["series3"], linewidth=1.6, zorder=2)
    ax.plot(time[start:], path["expected"][start:], color=colour["series3"], linewidth=1.6, linestyle=(0, (4, 2)),
            zorder=2, label=marks.say("expected_without", language))  # fmt: skip
    ax.vlines(time[first:][gap], after["expected"][gap], after["observed"][gap], color=colour["accent"], alpha=0.35,
              linewidth=1.4, zorder=2, label=marks.say("gap_after", language))  # fmt: skip


def _periods(ax, n, when, language) -> None:
    step = -(-n // MOST_TICKS)
    at = np.arange(0, n, step)
    ax.set_xticks(at, labels=[str(at_ + 1) if when is None else str(when[at_]) for at_ in at])
    if when is None:
        ax.set_xlabel(marks.say("period_number", language))


def value_axis(ax, unit, language) -> None:
    """Ticks of the upright axis in the unit, with as many decimals as tell them apart."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = ax.yaxis
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    low, high = axis.get_major_locator().tick_values(*ax.get_ylim())[:2]
    step = (high - low) * words.entry("common", "unit", unit)["factor"]
    digits = max(0, int(np.ceil(-np.log10(step) - 1e-9)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, unit, language, digits=digits)))
