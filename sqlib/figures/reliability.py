"""Reliability against hours: every plan, the best for its cost as a line, the plan of now and the level aimed at."""

from sqlib import style, words
from sqlib.figures import marks
from sqlib.finders.reliability import plan
from sqlib.methods.reliability import BudgetResult

HEIGHT = 4.2  # inches
REACH = 2.2  # times the hours of the plans marked: what costs more is left out


def plot_budget(result: BudgetResult, *, ax=None, language: str = "en"):
    """Draw the plans that cost up to about twice those marked; a hollow diamond is now, a square the cheapest."""
    ax = marks.axes(ax, (HEIGHT - marks.MARGIN) / marks.ROW)
    colour, coefficient = style.palette(), result.coefficient
    marked = [row for row in (result.present, result.cheapest) if row is not None]
    most = REACH * max(row["hours"] for row in marked)
    plans = result.table[result.table["hours"] <= most]
    ax.plot(plans["hours"], plans[coefficient], ".", color=colour["neutral"], markersize=4, alpha=0.45, zorder=1.5,
            label=marks.say("plan_each", language))  # fmt: skip
    best = plans[plans["best"]]
    ax.plot(best["hours"], best[coefficient], color=colour["accent"], linewidth=1.8, drawstyle="steps-post", zorder=2,
            label=marks.say("plan_best", language))  # fmt: skip
    for row, name, sign, face in (
        (result.present, "plan_now", "D", "white"),
        (result.cheapest, "plan_cheapest", "s", None),
    ):
        if row is not None:
            label = words.text("figures", name, language=language, plan=plan(row))
            _mark(ax, row, coefficient, label, sign, face)
    ax.axhline(result.target, color=colour["muted"], linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    level = words.Quantity(result.target, "ratio", 2)
    ax.annotate(words.text("figures", "target", language=language, target=level), (0, result.target),
                xycoords=ax.get_yaxis_transform(), xytext=(4, 3), textcoords="offset points", ha="left", va="bottom",
                fontsize=8, color=colour["muted"])  # fmt: skip
    ax.set_xlim(0, most * 1.02)
    ax.set_ylim(0, 1)
    ax.set_xlabel(marks.say("plan_hours", language))
    ax.set_ylabel(marks.say(coefficient, language))
    marks.legend(ax, 2)
    return ax


def _mark(ax, row, coefficient: str, label: str, sign: str, face: str | None) -> None:
    """A plan with the interval of what it reaches."""
    paint = style.palette()["warn" if face else "good"]
    ax.plot([row["hours"]] * 2, [row[f"{coefficient}_low"], row[f"{coefficient}_high"]], color=paint, linewidth=1.4,
            solid_capstyle="round", zorder=2.5)  # fmt: skip
    ax.plot([row["hours"]], [row[coefficient]], sign, color=paint, markersize=8, markerfacecolor=face or paint,
            markeredgewidth=1.6, zorder=3, clip_on=False, label=label)  # fmt: skip
