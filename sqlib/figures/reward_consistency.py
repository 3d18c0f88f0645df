"""Scatter of scores against what people got, with the pairs that deserve a second look joined by a line."""

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.reward_consistency import UNITS, RewardConsistencyResult

ROWS = 10  # height of the chart in rows
MOST = 8  # pairs of each sort that are joined: those with the widest gap
JOINED = {"like_unalike": "warn", "reversed": "bad"}


def plot_reward_consistency(result: RewardConsistencyResult, *, currency: str = "CNY", ax=None, language: str = "en"):
    """Draw a dot a person; amber joins people whose scores cannot be told apart, red a reversed pair; ``currency`` of
    the amounts."""
    people = result.people
    ax = marks.axes(ax, ROWS)
    colour = style.palette()
    place = people.set_index("ratee_id")[["score", "net"]]
    for verdict, tone in JOINED.items():
        pairs = result.table[result.table["verdict"] == verdict].head(MOST)
        for row in pairs.itertuples():
            ends = place.loc[[row.first_ratee_id, row.second_ratee_id]]
            ax.plot(ends["score"], ends["net"], color=colour[tone], linewidth=1.2, zorder=2)
        if len(pairs):
            ax.plot([], [], color=colour[tone], linewidth=1.2, label=marks.say(verdict, language))
    ax.plot(people["score"], people["net"], "o", color=colour["accent"], markersize=5, linestyle="none", zorder=3,
            label=marks.say("one_person", language))  # fmt: skip
    ax.axhline(0.0, color=colour["muted"], linewidth=0.7, linestyle=":", zorder=1)
    ax.margins(0.06)
    marks.signed_axis(ax, words.in_currency(UNITS[result.basis], currency), "y", language)
    ax.set_xlabel(marks.say("calibrated_score", language))
    ax.set_ylabel(marks.say(f"got_{result.basis}", language))
    marks.legend(ax, 3)
    return ax
