"""The dumbbell: every person's raw score, calibrated score and interval, with the cut points and who changes tier."""

import numpy as np
import pandas as pd

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.tiers import TierResult

MOST = 16  # people that, with the headings of their groups, are still read on a slide
TONES = {1: "good", -1: "bad", 0: "accent"}
WAYS = {1: "\N{BLACK UP-POINTING TRIANGLE}", -1: "\N{BLACK DOWN-POINTING TRIANGLE}"}


def plot_calibration(result, *, tiers: TierResult | None = None, most: int = MOST, ax=None, language: str = "en"):
    """Draw raw to calibrated, by group and within it from the highest down.

    ``result``: anything with the frame ``ratees`` of a calibration, or a TierResult. With tiers totals are drawn and
    who changes tier stands out. Of more than ``most`` people these and the least certain are shown, without tiers
    those whose score moved most.
    """
    tiers = result if isinstance(result, TierResult) else tiers
    table, left_out = _chosen(_scored(result) if tiers is None else _decided(tiers), most)
    lines = _lines(table)
    ax = marks.axes(ax, len(lines))
    colour = style.palette()
    heights = marks.rows(ax, [text for text, _ in lines])
    _headed(ax, lines)
    at = np.array([height for height, (_, person) in zip(heights, lines, strict=True) if person])
    ax.hlines(at, table["raw"], table["score"], color=colour["muted"], alpha=0.3, linewidth=6, zorder=1)
    ax.plot(table["raw"], at, "o", markersize=5, markerfacecolor="white", markeredgecolor=colour["muted"], zorder=2.5,
            label=marks.say("raw_score", language))  # fmt: skip
    paint = [colour[TONES[way]] for way in table["way"]]
    marks.intervals(ax, at, table["score"], table["low"], table["high"], colour=paint)
    ax.plot([], [], "o-", markersize=5.5, color=colour["accent"], label=marks.say("calibrated_interval", language))
    for name, cut in _cuts(tiers):
        marks.reference(ax, cut)
        ax.text(cut, heights[0], f" {words.text('figures', 'tier_from', language=language, tier=name)}", fontsize=8,
                va="center", color=colour["muted"])  # fmt: skip
    for height, row, tone in zip(at, table.itertuples(), paint, strict=True):
        ax.text(1.02, height, row.tag, transform=ax.get_yaxis_transform(), va="center", fontsize=8,
                color=tone if row.way else colour["muted"])  # fmt: skip
    axis = marks.say("total_axis" if tiers is not None else "score_axis", language)
    ax.set_xlabel(f"{axis}{marks.not_shown(left_out, language)}")
    marks.legend(ax, 2)
    return ax


def _scored(result) -> pd.DataFrame:
    """People by the scores of the calibration alone."""
    table = result.ratees.rename(columns={"calibrated": "score"})
    return table.assign(way=0, tag="", doubt=(table["score"] - table["raw"]).abs()).dropna(subset="score")


def _decided(tiers: TierResult) -> pd.DataFrame:
    """People by their totals, which way their tier changes, and the tier at the right edge."""
    table = tiers.ratees[tiers.ratees["verdict"] != "not_judged"]
    rank = {name: place for place, name in enumerate(tiers.rule.names)}
    way = np.sign(table["tier_raw"].map(rank).astype(int) - table["tier"].map(rank).astype(int))
    tag = [
        f"{WAYS[step]} {before} → {now}" if step else str(now)
        for step, before, now in zip(way, table["tier_raw"], table["tier"], strict=True)
    ]
    names = {"total_raw": "raw", "total": "score", "total_low": "low", "total_high": "high"}
    table = table.drop(columns=["low", "high"], errors="ignore").rename(columns=names)
    return table[np.isfinite(table["score"])].assign(way=way, tag=pd.Series(tag, table.index), doubt=-table["p_tier"])


def _chosen(table: pd.DataFrame, most: int) -> tuple[pd.DataFrame, int]:
    """At most so many people, those who change tier and then the most doubtful; by group, the highest first."""
    kept = table.assign(same=table["way"].eq(0)).sort_values(["same", "doubt"], ascending=[True, False], kind="stable")
    kept = kept.head(most).assign(group=lambda rows: rows["group"].fillna("").astype(str))
    order = kept.groupby("group")["score"].transform("mean")
    kept = kept.assign(order=-order).sort_values(["order", "group", "score"], ascending=[True, True, False])
    return kept.reset_index(drop=True), len(table) - len(kept)


def _lines(table: pd.DataFrame) -> list[tuple[str, bool]]:
    """What stands down the left side: headings of groups, and people below theirs."""
    lines = []
    for group, people in table.groupby("group", sort=False):
        lines += [(group, False), *((person, True) for person in people["ratee_id"].astype(str))]
    return lines


def _headed(ax, lines) -> None:
    """Headings of groups stand out from the names of people."""
    for label, (_, person) in zip(ax.get_yticklabels(), lines, strict=True):
        label.set_color(style.palette()["ink" if person else "accent"])
        label.set_fontsize(8 if person else 9.5)


def _cuts(tiers: TierResult | None) -> list[tuple[str, float]]:
    """Tiers with a cut point that holds for everybody."""
    return (
        [] if tiers is None or tiers.rule.cuts is None else list(zip(tiers.rule.names, tiers.rule.cuts, strict=False))
    )
