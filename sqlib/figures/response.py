"""Paired bars of response: each group's share of the customer base beside its share of those who answered."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.response import ResponseResult

HEIGHT = 0.36  # of a row, each of the two bars


def plot_response(result: ResponseResult, *, ax=None, language: str = "en"):
    """Draw two bars a group, the base above and the answers below; silent and thin groups carry colour and a mark."""
    table = result.table
    ax = marks.axes(ax, len(table) * 1.5)
    colour = style.palette()
    paint = {"silent": colour["bad"], "under": colour["warn"]}
    heights = marks.rows(ax, [words.cell(row.dimension, row.group, language) for row in table.itertuples()])
    ax.barh(heights + HEIGHT / 2, table["base_share"], HEIGHT, color=colour["grid"], label=marks.say("base", language))
    answered = [paint.get(verdict, colour["accent"]) for verdict in table["verdict"]]
    ax.barh(heights - HEIGHT / 2, table["answer_share"], HEIGHT, color=answered)
    ax.barh([np.nan], [np.nan], HEIGHT, color=colour["accent"], label=marks.say("answered", language))
    for height, row in zip(heights, table.itertuples(), strict=True):
        _label(ax, height + HEIGHT / 2, row.base_share, "", colour["muted"], language)
        mark = _mark(row.verdict, language) if row.verdict in paint else ""
        _label(ax, height - HEIGHT / 2, row.answer_share, mark, paint.get(row.verdict, colour["ink"]), language)
    ax.set_xlim(0, 1.25 * max(table["base_share"].max(), table["answer_share"].max()))
    marks.percent_axis(ax)
    ax.set_xlabel(marks.say("share", language))
    marks.legend(ax, 2)
    return ax


def _mark(verdict: str, language: str) -> str:
    entry = words.entry("common", "verdict", verdict)
    return f" {entry['mark']} {entry[language]}"


def _label(ax, height: float, share: float, mark: str, colour: str, language: str) -> None:
    text = "" if np.isnan(share) else words.number(share, "percent", language, digits=0)
    ax.annotate(
        text + mark,
        (np.nan_to_num(share), height),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=colour,
    )
