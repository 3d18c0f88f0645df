"""Step curve of the talks: the share held by every day after the result, with its band and the term."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.appraisal_follow_up import AppraisalFollowUpResult

ROWS = 8  # height of the chart in rows


def plot_appraisal_follow_up(result: AppraisalFollowUpResult, *, ax=None, language: str = "en"):
    """Draw the curve from the day of the result; the vertical line is the last day in time."""
    curve = result.curve
    ax = marks.axes(ax, ROWS)
    colour = style.palette()
    last = max(result.within * 1.5, curve["day"].max(), 1.0)
    days = np.concatenate([[0.0], curve["day"].astype(float), [last]])

    def steps(name):
        values = curve[name].astype(float)
        return np.concatenate([[0.0], values, values.tail(1)])

    held = marks.say("talks_held", language)
    ax.fill_between(days, steps("low"), steps("high"), step="post", color=style.sheet()["tints"]["neutral"], zorder=1)
    ax.plot(days, steps("held"), drawstyle="steps-post", color=colour["accent"], linewidth=2, label=held, zorder=3)
    term = words.text("figures", "term_of_talk", language=language, days=words.Quantity(result.within))
    marks.reference(ax, result.within, term)
    if np.isfinite(result.target):
        goal = words.text("figures", "target", language=language, target=words.Quantity(result.target, "percent"))
        ax.axhline(result.target, color=colour["muted"], linewidth=0.8, linestyle=":", label=goal, zorder=1)
    ax.set_xlim(0, last)
    ax.set_ylim(0, 1.02)
    marks.percent_axis(ax, "y")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel(marks.say("days_after_result", language))
    ax.set_ylabel(marks.say("share_of_talks", language))
    marks.legend(ax, 2)
    return ax
