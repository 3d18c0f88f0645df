"""Interval dot plot: the change after rewards and penalties beside what regression to the mean alone predicts."""

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.after_reward import AfterRewardResult


def plot_after_reward(result: AfterRewardResult, *, ax=None, language: str = "en"):
    """Draw the kinds that could be judged: observed above, expected (hollow) below."""
    table = result.table[result.table["verdict"] != "too_few"]
    ax = marks.axes(ax, len(table) * 1.6)
    colour = style.palette()
    names = [words.text("figures", f"after_{row.kind}", language=language, n=words.Quantity(row.n))
             for row in table.itertuples()]  # fmt: skip
    heights = marks.rows(ax, names)
    marks.reference(ax, 0.0, marks.say("no_change", language))
    for name, shift, tone, hollow in (("observed", 0.14, "accent", False), ("expected", -0.16, "series2", True)):
        marks.intervals(
            ax, heights + shift, table[name], table[f"{name}_low"], table[f"{name}_high"], colour=colour[tone],
            hollow=hollow, label=marks.say(f"change_{name}", language),
        )  # fmt: skip
    marks.signed_axis(ax, "score")
    ax.set_xlabel(marks.say("change_after", language))
    marks.legend(ax, 2)
    return ax
