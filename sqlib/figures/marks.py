"""Marks the figures share: an Axes to draw on, an estimate with its interval, rows named down the left side."""

from collections.abc import Sequence

import numpy as np

from sqlib import style, words, workbook

ROW, TIGHT = 0.34, 0.26  # inches a row, and each row beyond FULL
FULL = 12
MARGIN = 0.9  # inches for the axis below and the legend above
NAME = 40  # letters of a name, full-width ones counted twice; a longer one would leave no room to draw


def axes(ax, rows: float):
    """The Axes given, or a new one tall enough for that many rows."""
    if ax is not None:
        return ax
    from matplotlib.figure import Figure

    height = MARGIN + ROW * min(max(rows, 2), FULL) + TIGHT * max(rows - FULL, 0)
    return Figure(figsize=(style.WIDTH, height)).add_subplot()


def intervals(ax, y, estimate, low, high, *, colour: str | Sequence[str], size: float = 5.5, hollow: bool = False,
              label: str | None = None, width: float = 1.8) -> None:  # fmt: skip
    """Dots with their intervals; a missing interval leaves the dot alone."""
    y, estimate, low, high = (np.asarray(part, dtype=float) for part in (y, estimate, low, high))
    colours = [colour] * len(y) if isinstance(colour, str) else list(colour)
    for row, value, left, right, paint in zip(y, estimate, low, high, colours, strict=True):
        ax.plot([left, right], [row, row], color=paint, linewidth=width, solid_capstyle="round", zorder=2)
        ax.plot([value], [row], "o", markersize=size, color=paint, markeredgecolor=paint, zorder=3,
                markerfacecolor="white" if hollow else paint, clip_on=False)  # fmt: skip
    if label and len(y):
        face = "white" if hollow else colours[0]
        ax.plot([], [], "o-", markersize=size, color=colours[0], markerfacecolor=face, label=label)


def rows(ax, names: Sequence[str]) -> np.ndarray:
    """Name the rows from the top down and return their heights."""
    heights = np.arange(len(names))[::-1].astype(float)
    ax.set_yticks(heights, labels=[_short(str(name)) for name in names])
    ax.set_ylim(-1.0, len(names) - 0.3)  # room for the name of a reference line
    ax.tick_params(axis="y", length=0, pad=7)
    ax.spines["left"].set_visible(False)
    return heights


def _short(name: str) -> str:
    kept = next((k for k in range(len(name)) if workbook.length(name[: k + 1]) > NAME), len(name))
    return name if kept == len(name) else f"{name[:kept].rstrip()}\u2026"


def reference(ax, value: float, label: str | None = None) -> None:
    """A vertical line to hold the estimates against, named at its top."""
    colour = style.palette()
    ax.axvline(value, color=colour["muted"], linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    if label:
        ax.annotate(label, (value, 0), xycoords=ax.get_xaxis_transform(), xytext=(4, 3), textcoords="offset points",
                    ha="left", va="bottom", fontsize=8, color=colour["muted"])  # fmt: skip


def tag(ax, height: float, verdict: str, language: str, *, plain: bool = False) -> None:
    """The verdict on a row, in words at the right edge; ``plain`` keeps it quiet."""
    entry = words.entry("common", "verdict", verdict)
    paint = style.palette()["muted" if plain else "ink"]
    ax.text(1.02, height, entry[language], transform=ax.get_yaxis_transform(), va="center", fontsize=8, color=paint)


def percent_axis(ax, which: str = "x") -> None:
    """Ticks of an axis as whole per cent."""
    _ticks(ax, lambda value, _: words.number(value, "percent", "en", digits=0), which)


def points_axis(ax) -> None:
    """Ticks of a difference of shares in percentage points, with + and a true minus."""
    _ticks(ax, lambda value, _: words.number(value, "points", "en", digits=0, signed=True, bound=True))


def signed_axis(ax, unit: str, which: str = "x", language: str = "en") -> None:
    """Ticks of a difference, with + and a true minus, all with the decimals their distance needs."""
    axis = getattr(ax, f"{which}axis")

    def form(value, _):
        digits = _decimals(axis.get_majorticklocs() * words.entry("common", "unit", unit)["factor"])
        return words.number(value, unit, language, signed=True, digits=digits)

    _ticks(ax, form, which)


def _decimals(ticks: np.ndarray) -> int:
    apart = np.diff(np.sort(ticks))
    return max(0, -int(np.floor(np.log10(apart.min()) + 1e-9))) if len(apart) else 0


def ratio_axis(ax) -> None:
    """Ticks of a ratio on a logarithmic axis: one half, one, two, four times."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 1 else f"1/{1 / value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _ticks(ax, form, which: str = "x") -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = getattr(ax, f"{which}axis")
    axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(form))


def legend(ax, columns: int) -> None:
    """Legend above the plot, on the right, away from the marks; none where nothing is labelled."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            loc="lower right", bbox_to_anchor=(1, 1.0), ncols=columns, fontsize=8, handlelength=1.6, borderaxespad=0.2
        )


def not_shown(count: int, language: str) -> str:
    """How many people a figure has no room for; empty where all are drawn."""
    return words.text("figures", "not_shown", language=language, count=count) if count else ""


def rest(count: int, language: str) -> str:
    """How many rows a figure has no room for; empty where all are drawn."""
    return words.text("figures", "rows_not_shown", language=language, count=count) if count else ""


def say(key: str, language: str) -> str:
    """A label of ``words/figures.toml``."""
    return words.text("figures", key, language=language)
