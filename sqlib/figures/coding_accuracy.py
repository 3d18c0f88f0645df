"""Paired dot plot of coding: precision and recall of each theme, both with interval."""

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.coding_accuracy import GOOD, CodingAccuracyResult

OFFSET = 0.16


def plot_coding_accuracy(result: CodingAccuracyResult, labels: dict[str, str], *, ax=None, language: str = "en"):
    """Draw the themes in the order of the code book; ``labels`` names each theme in the language."""
    table = result.table[result.table[["by_hand", "coded"]].sum(axis=1) > 0]
    ax = marks.axes(ax, len(table) * 1.15)
    colour = style.palette()
    heights = marks.rows(ax, [labels[theme] for theme in table["theme"]])
    marks.reference(ax, GOOD)
    looks = {"precision": (OFFSET, "accent", False), "recall": (-OFFSET, "series3", True)}
    for measure, (shift, tone, hollow) in looks.items():
        ends = [table[f"{measure}{end}"] for end in ("", "_low", "_high")]
        marks.intervals(
            ax, heights + shift, *ends, colour=colour[tone], hollow=hollow, label=marks.say(measure, language)
        )
    ax.set_xlim(0, 1)
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("accuracy", language))
    marks.legend(ax, 2)
    return ax
