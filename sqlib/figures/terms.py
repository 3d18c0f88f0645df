"""Diverging dot plot of terms: how much more common in the one group of comments than in the other."""

import math

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.terms import TermsResult

TONE = {"more": "warn", "less": "good"}


def plot_terms(result: TermsResult, *, ax=None, language: str = "en"):
    """Draw the terms of the first group (above) and of the second (below), as odds ratios on a log axis."""
    table = result.table
    ax = marks.axes(ax, len(table))
    colour = style.palette()
    heights = marks.rows(ax, [_name(row, language) for row in table.itertuples()])
    ax.set_xscale("log", base=2)
    marks.reference(ax, 1.0)
    tones = [colour[TONE.get(verdict, "neutral")] for verdict in table["verdict"]]
    ends = [table[name] for name in ("odds_ratio", "odds_ratio_low", "odds_ratio_high")]
    marks.intervals(ax, heights, *ends, colour=tones, size=6.5, width=2.2)
    marks.ratio_axis(ax)
    ax.set_xlabel(marks.say("odds_ratio", language))
    return ax


def _name(row, language: str) -> str:
    told = {side: words.worded(_people(getattr(row, side)), language) for side in ("first", "second")}
    return words.text("figures", "term", language=language, term=row.term, **told)


def _people(count: float) -> words.Quantity | None:
    """People of one group who say a term; None where too few do to be told."""
    return None if math.isnan(count) else words.Quantity(int(count))
