"""Floor and ceiling of every item: the share of answers at either end of its scale."""

from sqlib import style
from sqlib.figures import marks
from sqlib.methods.questionnaire import AT_THE_END, QuestionnaireResult


def plot_questionnaire(result: QuestionnaireResult, *, ax=None, language: str = "en"):
    """Draw the items in the order they were asked; the line is the share from which an end is called crowded."""
    table = result.table
    ax = marks.axes(ax, len(table))
    colour = style.palette()
    heights = marks.rows(ax, table["item"])
    marks.reference(ax, AT_THE_END, marks.say("crowded", language))
    for key, shift, paint, hollow in (("ceiling", 0.14, "accent", False), ("floor", -0.16, "warn", True)):
        told = table[key].notna().to_numpy()
        rows = table[told]
        marks.intervals(
            ax, heights[told] + shift, rows[key], rows[f"{key}_low"], rows[f"{key}_high"], colour=colour[paint],
            hollow=hollow, label=marks.say(key, language),
        )  # fmt: skip
    ax.set_xlim(left=0)
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("share_at_end", language))
    marks.legend(ax, 2)
    return ax
