"""Change plot: what moved since the period before, each change with its interval around zero."""

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.satisfaction import SatisfactionResult

POINTS = {"percent": 100.0, "nps": 1.0}  # indicators read in points share one axis


def plot_change(result: SatisfactionResult, *, ax=None, language: str = "en"):
    """Draw every comparable change read in points; where there is none, those of the mean scores."""
    table = result.table[result.table["comparable"] == "yes"]
    in_points = table["unit"].isin(list(POINTS))
    drawn = table[in_points] if in_points.any() else table
    scale = drawn["unit"].map(POINTS).fillna(1.0)
    ax = marks.axes(ax, len(drawn))
    colour = style.palette()
    names = [words.text("common", "indicator", name, language=language) for name in drawn["indicator"]]
    heights = marks.rows(ax, names)
    marks.reference(ax, 0.0, marks.say("no_change", language))
    change, low, high = (drawn[name] * scale for name in ("change", "change_low", "change_high"))
    colours = [colour[words.tone(row.change_verdict, row.best)] for row in drawn.itertuples()]
    marks.intervals(ax, heights, change, low, high, colour=colours, size=7)
    marks.signed_axis(ax, "nps" if in_points.any() else "score")
    ax.set_xlabel(marks.say("change_points" if in_points.any() else "change_score", language))
    return ax
