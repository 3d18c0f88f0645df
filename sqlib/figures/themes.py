"""Interval dot plot of themes: the share of comments that raise each, this period and the one before."""

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.themes import ThemesResult

TONE = {"rising": "warn", "falling": "good"}


def plot_themes(result: ThemesResult, labels: dict[str, str], *, ax=None, language: str = "en"):
    """Draw the themes, most frequent first; ``labels`` names each theme of the code book in the language."""
    table = result.table[result.table["comments"] > 0].sort_values("estimate", ascending=False, kind="stable")
    ax = marks.axes(ax, len(table))
    colour = style.palette()
    heights = marks.rows(ax, [labels[theme] for theme in table["theme"]])
    if "previous" in table and table["previous"].notna().any():
        marks.intervals(
            ax, heights - 0.2, table["previous"], table["previous_low"], table["previous_high"],
            colour=colour["series3"], size=4.5, width=1.2, hollow=True, label=marks.say("before", language),
        )  # fmt: skip
    tones = [colour[TONE.get(verdict, "accent")] for verdict in table["verdict"]]
    marks.intervals(
        ax, heights + 0.12, table["estimate"], table["low"], table["high"], colour=tones, size=6.5, width=2.2
    )
    ax.plot([], [], "o-", color=colour["accent"], markersize=6.5, linewidth=2.2, label=marks.say("now", language))
    ax.set_xlim(left=0)
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("share_of_comments", language))
    marks.legend(ax, 2)
    return ax
