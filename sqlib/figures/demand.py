"""Interval dot plot of demand: the share of comments that ask for each topic, coloured by what was decided."""

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.demand import DemandResult


def plot_demand(result: DemandResult, labels: dict[str, str], *, ax=None, language: str = "en"):
    """Draw the topics asked for, most frequent first; ``labels`` names each topic in the language."""
    table = result.table[result.table["comments"] > 0].sort_values("estimate", ascending=False, kind="stable")
    ax = marks.axes(ax, len(table))
    colour = style.palette()
    chips = [words.entry("common", "verdict", verdict) for verdict in table["verdict"]]
    names = [f"{chip['mark']} {labels[topic]}" for chip, topic in zip(chips, table["topic"], strict=True)]
    heights = marks.rows(ax, names)
    if table["previous"].notna().any():
        marks.intervals(
            ax, heights - 0.2, table["previous"], table["previous_low"], table["previous_high"],
            colour=colour["series3"], size=4.5, width=1.2, hollow=True, label=marks.say("before", language),
        )  # fmt: skip
    tones = [colour[chip["tone"]] for chip in chips]
    marks.intervals(ax, heights + 0.12, table["estimate"], table["low"], table["high"], colour=tones, size=6.5)
    for verdict in dict.fromkeys(table["verdict"]):
        chip = words.entry("common", "verdict", verdict)
        ax.plot([], [], "o-", color=colour[chip["tone"]], markersize=6.5, label=f"{chip['mark']} {chip[language]}")
    ax.set_xlim(left=0)
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("share_of_asking", language))
    marks.legend(ax, 3)
    return ax
