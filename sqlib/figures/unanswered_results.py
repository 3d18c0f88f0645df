"""Weak results and what answered them: a time line of every series, or counts by indicator where series are many."""

import pandas as pd

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.unanswered_results import UnansweredResultsResult

MOST = 20  # series drawn one by one; beyond them their stretches are counted by indicator
TONE = {"unanswered": "bad", "late": "series2", "in_time": "good", "already": "accent", "not_due": "neutral"}


def plot_unanswered_results(result: UnansweredResultsResult, *, ax=None, language: str = "en"):
    """Draw stretches below target as bars in time, the day of the answer as a diamond; of more than twenty series the
    number of stretches by indicator instead."""
    series = _series(result.table)
    ax = (_time_line if len(series) <= MOST else _counts)(result.table, series, ax, language)
    marks.legend(ax, 5)
    return ax


def _series(table: pd.DataFrame) -> pd.DataFrame:
    """Indicator and unit -> label, those with most unanswered periods first."""
    lost = table["periods"].where(table["verdict"].eq("unanswered"), 0)
    unit = table["unit_id"].fillna("")
    label = table["name"].where(unit.eq(""), table["name"] + " · " + unit)
    every = table.assign(lost=lost, label=label, unit_id=unit).groupby(["indicator_id", "unit_id"])
    found = every.agg(label=("label", "first"), lost=("lost", "sum"), periods=("periods", "sum"))
    return found.sort_values(["lost", "periods"], ascending=False, kind="stable")


def _time_line(table, series, ax, language):
    import matplotlib.dates as mdates

    ax = marks.axes(ax, len(series) + 1)
    colour = style.palette()
    heights = dict(zip(series.index, marks.rows(ax, series["label"]), strict=True))
    ax.xaxis_date()
    for verdict, rows in _by_verdict(table):
        at = [heights[key] for key in zip(rows["indicator_id"], rows["unit_id"].fillna(""), strict=True)]
        first, last = mdates.date2num(rows["first_period"]), mdates.date2num(rows["last_end"])
        ax.barh(at, last - first + 1, 0.5, left=first, color=colour[TONE[verdict]], label=_said(verdict, language))
        if verdict in ("in_time", "late"):
            ax.plot(mdates.date2num(rows["answered_on"]), at, "D", markersize=5, color=colour["ink"], zorder=3,
                    clip_on=False)  # fmt: skip
    ax.xaxis.set_major_locator(mdates.AutoDateLocator(minticks=3, maxticks=8))
    ax.xaxis.set_major_formatter(mdates.DateFormatter("%Y-%m"))
    ax.set_xlabel(marks.say("weak_stretches", language))
    return ax


def _counts(table, series, ax, language):
    names = series.groupby("indicator_id", sort=False).size().index[:MOST]
    ax = marks.axes(ax, len(names) + 1)
    colour = style.palette()
    label = table.drop_duplicates("indicator_id").set_index("indicator_id")["name"]
    heights = marks.rows(ax, label.reindex(names))
    left = pd.Series(0.0, index=names)
    for verdict, rows in _by_verdict(table):
        count = rows["indicator_id"].value_counts().reindex(names).fillna(0)
        ax.barh(heights, count, 0.6, left=left, color=colour[TONE[verdict]], label=_said(verdict, language))
        left = left + count
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel(marks.say("stretches_by_indicator", language))
    return ax


def _by_verdict(table):
    return [(verdict, table[table["verdict"].eq(verdict)]) for verdict in TONE if table["verdict"].eq(verdict).any()]


def _said(verdict: str, language: str) -> str:
    return words.entry("common", "verdict", verdict)[language]
