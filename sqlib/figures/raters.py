"""How raters differ: severity against the other raters, and its course over the periods."""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.rater_calibration import CalibrationResult

MOST = 30  # raters drawn
STRIPS = 6  # raters whose course is drawn
TALL = 0.78  # of a strip that its marks may fill
STRIP = 2.4  # rows of an ordinary figure a strip is tall
TONE = {"severe": "accent", "lenient": "series2"}


def plot_severity(result: CalibrationResult, *, ax=None, language: str = "en"):
    """Draw how much severer each rater is than the others of the part, in the order of their ids, never by size; of
    more than thirty those that stand out most."""
    table = result.raters[result.raters["difference"].notna()]
    if len(table) > MOST:
        table = table.loc[table["difference"].abs().nlargest(MOST).index].sort_values("rater_id", kind="stable")
    ax = marks.axes(ax, len(table) + 0.5)
    colour = style.palette()
    names = [{"rater": row.rater_id, "n": int(row.n)} for row in table.itertuples()]
    heights = marks.rows(ax, [words.text("figures", "rater_n", language=language, **name) for name in names])
    marks.reference(ax, 0.0, marks.say("like_others", language))
    paints = [colour[TONE.get(verdict, "neutral")] for verdict in table["verdict"]]
    limits = [table[name] for name in ("difference", "difference_low", "difference_high")]
    marks.intervals(ax, heights, *limits, colour=paints, size=6.5, width=2.2)
    for height, verdict in zip(heights, table["verdict"], strict=True):
        marks.tag(ax, height, verdict, language, plain=verdict not in TONE)
    reach = 1.08 * np.nanmax(np.abs(table[["difference_low", "difference_high"]].to_numpy()), initial=1e-6)
    ax.set_xlim(-reach, reach)
    marks.signed_axis(ax, "score")
    ax.set_xlabel(marks.say("severity_difference", language))
    return ax


def plot_drift(result: CalibrationResult, *, ax=None, language: str = "en"):
    """Draw the course of severity of the raters that drift, then of those with the steepest trend, at most six: a strip
    a rater, a dot with its interval a period, all strips on one scale."""
    profiles = result.profiles[result.profiles["drift"].notna()]
    drifting = profiles["flags"].str.split(";").map(lambda flags: "drifting" in flags)
    order = profiles.assign(first=drifting, size=profiles["drift"].abs()).sort_values(
        ["first", "size"], ascending=False, kind="stable").head(STRIPS)  # fmt: skip
    periods = list(dict.fromkeys(result.drift.sort_values("period", kind="stable")["period"]))
    own = result.drift[result.drift["rater_id"].isin(order["rater_id"])]
    half = max(float(own[["low", "high"]].abs().max().max()), 1e-6)
    ax = marks.axes(ax, STRIP * len(order))
    names = [
        _strip(ax, base + TALL / 2, own[own["rater_id"] == row.rater_id], row, periods, TALL / 2 / half, language)
        for base, row in zip(range(len(order) - 1, -1, -1), order.itertuples(), strict=True)
    ]
    ax.set_yticks(np.arange(len(order))[::-1] + TALL / 2, labels=names)
    ax.tick_params(axis="y", length=0, pad=7)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-0.12, len(order))
    shown = np.unique(np.linspace(0, len(periods) - 1, min(len(periods), 8)).round().astype(int))
    ax.set_xticks(shown, labels=[str(periods[k]) for k in shown])
    ax.set_xlim(-0.5, len(periods) - 0.5)
    ax.set_xlabel(
        words.text("figures", "drift_by_period", language=language, half=words.number(half, "score", language))
    )
    return ax


def _strip(ax, zero, own, row, periods, scale, language) -> str:
    """One rater; returns the name with the verdict's mark."""
    colour = style.palette()
    verdict = "drifting" if "drifting" in row.flags.split(";") else "none_found"
    paint = colour["accent" if verdict == "drifting" else "neutral"]
    x = np.array([periods.index(period) for period in own["period"]], dtype=float)
    y, low, high = (zero + scale * own[name].to_numpy(dtype=float) for name in ("estimate", "low", "high"))
    ax.axhline(zero, color=colour["muted"], linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    ax.vlines(x, low, high, color=paint, linewidth=1.2, alpha=0.5, zorder=2)
    ax.plot(x, y, "o", color=paint, markersize=4, zorder=3)
    weight = own["n"].to_numpy(dtype=float)
    centre = np.average(x, weights=weight)
    ends = np.array([x.min(), x.max()])
    line = np.average(y, weights=weight) + scale * row.drift * (ends - centre)
    ax.plot(ends, line, color=paint, linewidth=2.0, zorder=4)
    return f"{words.entry('common', 'verdict', verdict)['mark']} {row.rater_id}"
