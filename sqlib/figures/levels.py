"""Interval dot plot: the main indicator this period, as answered and raked, and in the period before."""

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.satisfaction import SatisfactionResult


def plot_levels(result: SatisfactionResult, *, ax=None, language: str = "en"):
    """Draw the first indicator of ``result.table``: this period, this period raked, period before, target line."""
    row = result.table.iloc[0]
    drawn = [
        (key, row[key], row[low], row[high], int(row[n]))
        for key, low, high, n in (
            ("estimate", "low", "high", "n"),
            ("raked", "raked_low", "raked_high", "n_raked"),
            ("previous", "previous_low", "previous_high", "previous_n"),
        )
        if row[key] == row[key]  # NaN: not to be had
    ]
    ax = marks.axes(ax, len(drawn))
    colour = style.palette()
    paint = {"estimate": colour["accent"], "raked": colour["series2"], "previous": colour["neutral"]}
    names = [words.text("figures", "level", key, language=language, n=n) for key, *_, n in drawn]
    heights = marks.rows(ax, names)
    for height, (key, value, low, high, _) in zip(heights, drawn, strict=True):
        marks.intervals(ax, [height], [value], [low], [high], colour=paint[key], hollow=key != "estimate", size=7)
    if row["target"] == row["target"]:
        target = words.number(row["target"], row["unit"], language)
        marks.reference(ax, row["target"], words.text("figures", "target", language=language, target=target))
    if row["unit"] == "percent":
        marks.percent_axis(ax)
    ax.set_xlabel(words.text("common", "indicator", row["indicator"], language=language))
    return ax
