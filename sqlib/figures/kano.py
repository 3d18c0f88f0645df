"""Better and worse: how much satisfaction a feature can bring, to the right, and its absence cost, to the left."""

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.kano import KanoResult

UNSETTLED = ("unclear", "indifferent", "questionable")


def plot_kano(result: KanoResult, *, ax=None, language: str = "en"):
    """Draw worse and better of every feature classed, the most missed first; the class stands at the right."""
    table = result.table[result.table["worse"].notna()].sort_values("worse", kind="stable")
    ax = marks.axes(ax, len(table))
    colour = style.palette()
    heights = marks.rows(ax, [_name(row, language) for row in table.itertuples()])
    marks.reference(ax, 0.0)
    for term, tone in (("worse", "bad"), ("better", "good")):
        limits = [table[name] for name in (term, f"{term}_low", f"{term}_high")]
        marks.intervals(ax, heights, *limits, colour=colour[tone], size=6.5, width=2.2, label=marks.say(term, language))
    for height, verdict in zip(heights, table["verdict"], strict=True):
        marks.tag(ax, height, verdict, language, plain=verdict in UNSETTLED)
    ax.set_xlim(-1, 1)
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("better_worse", language))
    marks.legend(ax, 2)
    return ax


def _name(row, language: str) -> str:
    name = f"{row.feature} · {row.segment}" if row.segment else str(row.feature)
    return words.text("figures", "cell", language=language, mark="", cell=name, n=int(row.n)).strip()
