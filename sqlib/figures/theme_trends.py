"""Small multiples of theme trends: one strip a theme, a dot with its interval a month, the fitted trend through it."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.theme_trends import ThemeTrendsResult

MOST = 6  # strips
TALL = 0.78  # of a strip that its marks may fill
STRIP = 2.6  # rows of an ordinary figure a strip is tall
TONE = {"trend_up": "warn", "trend_down": "good"}


def plot_theme_trends(result: ThemeTrendsResult, labels: dict[str, str], *, ax=None, language: str = "en"):
    """Draw the themes that moved, then the most frequent ones, at most six; ``labels`` names each theme.

    Every strip has its own height: the share at its top is written beside it. Months with too few people are left out.
    """
    table = result.table[result.table["comments"] > 0]
    moved = table["verdict"].isin(list(TONE))
    drawn = table.assign(moved=moved).sort_values(["moved", "comments"], ascending=False, kind="stable").head(MOST)
    ax = marks.axes(ax, STRIP * len(drawn))
    colour = style.palette()
    names = []
    for base, row in zip(range(len(drawn) - 1, -1, -1), drawn.itertuples(), strict=True):
        months = result.months[(result.months["theme"] == row.theme) & ~result.months["hidden"]]
        paint = colour[TONE.get(row.verdict, "accent")]
        names.append(_strip(ax, base, months, row, paint, colour, labels[row.theme], language))
    ax.set_yticks(np.arange(len(drawn))[::-1] + TALL / 2, labels=names)
    ax.tick_params(axis="y", length=0, pad=7)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-0.12, len(drawn))
    _month_axis(ax, language)
    return ax


def _strip(ax, base, months, row, paint, colour, label, language) -> str:
    """One theme; returns its name with its verdict's mark."""
    top = max(float(months["high"].max()), 1e-6)
    x = months["month"].to_numpy()
    y, low, high = (base + TALL * months[name].to_numpy(dtype=float) / top for name in ("estimate", "low", "high"))
    ax.axhline(base, color=colour["muted"], linewidth=0.8, zorder=1)
    ax.vlines(x, low, high, color=paint, linewidth=1.0, alpha=0.45, zorder=2)
    ax.plot(x, y, "o", color=paint, markersize=3.2, zorder=3)
    if row.first_share == row.first_share:  # NaN: too rare to fit
        ends = base + TALL * np.array([row.first_share, row.last_share]) / top
        ax.plot([x.min(), x.max()], ends, color=paint, linewidth=2.0, zorder=4)
    ax.annotate(
        words.number(top, "percent", language, digits=0), (1.0, base + TALL), xycoords=("axes fraction", "data"),
        xytext=(4, 0), textcoords="offset points", fontsize=8, va="center", color=colour["muted"],
    )  # fmt: skip
    return f"{words.entry('common', 'verdict', row.verdict)['mark']} {label}"


def _month_axis(ax, language) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter

    ax.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=8))
    ax.xaxis.set_major_formatter(DateFormatter("%Y-%m"))
    ax.set_xlabel(marks.say("share_by_month", language))
