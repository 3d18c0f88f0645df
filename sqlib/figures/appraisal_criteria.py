"""Interval dot plot of the criteria, pair by pair: how alike they are between people, and within one rating."""

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.appraisal_criteria import SAME, AppraisalCriteriaResult

MOST = 30  # pairs a page holds: the most alike


def plot_appraisal_criteria(result: AppraisalCriteriaResult, *, ax=None, language: str = "en"):
    """Draw the pairs, the most alike first; the hollow dot is the observed correlation, halo included."""
    table = result.pairs[result.pairs["verdict"] != "too_few"]
    table = table.sort_values("correlation", ascending=False, kind="stable").head(MOST)
    ax = marks.axes(ax, len(table))
    colour = style.palette()
    names = [words.text("figures", "criterion_pair", language=language, first=row.first, second=row.second)
             for row in table.itertuples()]  # fmt: skip
    heights = marks.rows(ax, names)
    marks.reference(ax, SAME, marks.say("same_thing", language))
    limits = (table[name] for name in ("correlation", "correlation_low", "correlation_high"))
    tones = [colour["warn" if verdict == "duplicate" else "accent"] for verdict in table["verdict"]]
    marks.intervals(ax, heights + 0.12, *limits, colour=tones)
    plain = table["observed"]
    marks.intervals(ax, heights - 0.18, plain, plain, plain, colour=colour["neutral"], hollow=True, size=4.5)
    for key, tone, hollow in (("between_people", "accent", False), ("in_a_rating", "neutral", True)):
        face = "white" if hollow else colour[tone]
        ax.plot([], [], "o", color=colour[tone], markerfacecolor=face, markersize=5, label=marks.say(key, language))
    for height, verdict in zip(heights, table["verdict"], strict=True):
        marks.tag(ax, height, verdict, language, plain=verdict != "duplicate")
    ax.set_xlim(min(-0.05, table["correlation_low"].min(), table["observed"].min()) - 0.02, 1.02)
    ax.set_xlabel(marks.say("criteria_alike", language))
    marks.legend(ax, 2)
    return ax
