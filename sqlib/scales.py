"""The scale every score was given on: declared or inferred, breaks found; and which scores count as satisfied."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sqlib import breaks, suspects
from sqlib.repairs import LOG, PROBLEMS, joined, problem

FIXED = {"nps": (0.0, 10.0)}  # the promoter score is defined on 0-10 (Reichheld 2003)
QUARTER = 0.75  # without a declared top, the top quarter of the scale counts as satisfied
GROUPS = ("dimension", "item_id", "channel", "source_file")


@dataclass(frozen=True)
class Scaled:
    """The frame with ``scale_min``, ``scale_max`` and ``satisfied``; rows that stand on another scale than declared."""

    frame: pd.DataFrame
    broken: pd.Series
    problems: pd.DataFrame
    repairs: pd.DataFrame


def apply(frame: pd.DataFrame, table: str, declared: dict, period_by: str, reverse: pd.Series | None = None) -> Scaled:
    """Give every score its scale.

    Parameters
    ----------
    frame : typed rows with score, metric, scale_min, scale_max, source_file, source_row
    declared : ``[scales]`` of client.toml: metric -> ``best``, ``top`` and ``points``
    period_by : the column that dates the rows
    reverse : rows whose score counts from the other end of the scale
    """
    scaled = _given(frame, frame["score"].notna(), table, period_by, "metric", reverse)
    frame, problems = scaled.frame, [scaled.problems]
    frame["satisfied"] = satisfied(frame, declared)
    if any(scale.points is not None for scale in declared.values()):
        frame["points"], notes = _points(frame, declared, table)
        problems += notes
    return replace(scaled, problems=joined([*problems, *_codes(table, frame[~scaled.broken])], PROBLEMS))


def of_criteria(frame: pd.DataFrame, table: str, period_by: str, reverse: pd.Series | None = None) -> Scaled:
    """Give every judged rating the scale of its criterion, and its ``points`` of 100 of that scale.

    A criterion out of 30 may stand beside one out of 5: scales are sought within a criterion, and those of all are
    named once where they differ. Points computed by formula, taken off or added have no scale.
    """
    scaled = _given(frame, judged(frame) & frame["score"].notna(), table, period_by, "criterion_id", reverse)
    frame = scaled.frame
    part = (frame["score"] - frame["scale_min"]) / (frame["scale_max"] - frame["scale_min"])
    frame["points"] = (100 * part).where(judged(frame))
    own = frame[judged(frame) & ~scaled.broken].groupby(["scale_min", "scale_max"], sort=False)
    ends = [f"{low:g}\u2013{high:g} ({len(rows):,})" for (low, high), rows in own]
    notes = [
        problem(
            table, "", "mixed_scales", column="score", value=", ".join(ends), count=own.ngroup().size, severity="info"
        )
    ]
    return replace(scaled, problems=joined([scaled.problems, *notes[: len(ends) > 1]], PROBLEMS))


def judged(frame: pd.DataFrame) -> pd.Series:
    """Row by row: is it a score a person gave, neither computed by formula nor taken off, added or a veto?"""
    return frame["criterion_type"].fillna("judged").eq("judged") & frame["scoring"].fillna("score").eq("score")


def _given(frame: pd.DataFrame, rated: pd.Series, table: str, period_by: str, by: str, reverse) -> Scaled:
    """The rated rows with the ends of their scale, one scale for each value of ``by``; breaks set apart."""
    frame = frame.copy()
    broken = pd.Series(False, index=frame.index)
    problems, repairs = [], []
    for (name, stated), rows in frame[rated].groupby([by, "scale_max"], sort=False, dropna=False):
        own, found = breaks.find(rows["score"], rows[period_by], rows[_groups(rows)])
        if found:
            wrong = _off_scale(own, stated)
            broken[wrong.index[wrong]] = True
            problems += [_broken(table, rows, each, stated, wrong) for each in found]
        filled, more = _fill(table, rows, own, name if by == "metric" else "")
        frame.loc[rows.index, ["scale_min", "scale_max"]] = filled
        problems += more
    if reverse is not None and reverse.any():
        frame, turned = _turned(frame, reverse)
        repairs.append(turned)
    return Scaled(frame, broken, joined(problems, PROBLEMS), joined(repairs, LOG))


def satisfied(frame: pd.DataFrame, declared: dict) -> pd.Series:
    """Row by row: is the score one of the metric's declared top levels, else in the best quarter of its scale?"""
    score, low, high = frame["score"], frame["scale_min"], frame["scale_max"]
    result = (score >= low + QUARTER * (high - low)).astype("boolean")
    for metric, scale in declared.items():
        rows = frame["metric"] == metric
        if scale.top:
            result = result.mask(rows, score.isin(scale.top).astype("boolean"))
        elif scale.best == "low":
            result = result.mask(rows, (score <= high - QUARTER * (high - low)).astype("boolean"))
    return result.mask(score.isna() | high.isna())


def _points(frame: pd.DataFrame, declared: dict, table: str) -> tuple[pd.Series, list[pd.DataFrame]]:
    """Scores in points of 100 as their metric declares; a level without points is named and has none."""
    score, low, high = frame["score"], frame["scale_min"], frame["scale_max"]
    points, notes = pd.Series(np.nan, index=frame.index), []
    for metric, scale in declared.items():
        rows = frame["metric"].eq(metric) & score.notna()
        if scale.points == "linear":
            part = (score - low) / (high - low)
            points = points.mask(rows, 100 * (part if scale.best == "high" else 1 - part))
        elif scale.points:
            worth = score[rows].map(scale.converted())
            points[worth.index] = worth
            for level, own in frame.loc[worth.index[worth.isna()]].groupby("score"):
                notes.append(_note(table, own, "points_missing", f"{level:g}"))
    return points, notes


def _turned(frame: pd.DataFrame, reverse: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reversed scores as lowest + highest - score, and the log of it."""
    rows = frame[reverse & frame[["score", "scale_min", "scale_max"]].notna().all(axis=1)]
    after = rows["scale_min"] + rows["scale_max"] - rows["score"]
    given = {"file": rows["source_file"], "row": rows["source_row"], "column": "score"}
    texts = {"before": _figures(rows["score"]), "after": _figures(after), "rule": "reversed"}
    frame.loc[rows.index, "score"] = after
    return frame, pd.DataFrame(given | texts, columns=LOG)


def _figures(scores: pd.Series) -> pd.Series:
    return scores.astype("str").str.removesuffix(".0")


def _groups(rows: pd.DataFrame) -> list[str]:
    return [name for name in GROUPS if name in rows and 1 < rows[name].nunique() <= 200]


def _off_scale(own: pd.Series, stated: float) -> pd.Series:
    """Rows whose scale is not the declared one (or, where no part has the declared end, not the larger one)."""
    if np.isnan(stated):
        return own.isna()
    return own != (stated if (own == stated).any() else own.max())


def _broken(table: str, rows: pd.DataFrame, found: breaks.Break, stated: float, wrong: pd.Series) -> pd.DataFrame:
    before, after = found.rows
    place = rows["source_row"].iloc[int(found.at)] if found.by == "row" else found.at
    value = f"{place}: {found.old:g} → {found.new:g} ({before:,} | {after:,})"
    files = rows["source_file"].unique()
    return problem(
        table,
        files[0] if len(files) == 1 else "",
        "scale_break" if found.by in ("time", "row") else "scale_differs",
        column="score" if found.by in ("time", "row") else found.by,
        value=value,
        severity="warning" if np.isnan(stated) else "error",
        count=int(wrong.sum()) if not np.isnan(stated) else after,
        used=bool(np.isnan(stated)),
    )


def _fill(table: str, rows: pd.DataFrame, own: pd.Series, metric: str) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Scale ends of the rows, inferred where undeclared: per file and per scale found, and named as problems."""
    ends = rows[["scale_min", "scale_max"]].astype("float64")
    notes = []
    if metric in FIXED:
        stated = ends.dropna().drop_duplicates()
        wrong = stated[(stated.to_numpy() != FIXED[metric]).any(axis=1)]
        notes += [_note(table, rows, "nps_scale", f"{low:g}–{high:g}") for low, high in wrong.itertuples(index=False)]
        return ends.fillna({"scale_min": FIXED[metric][0], "scale_max": FIXED[metric][1]}), notes
    unknown = ends.isna().any(axis=1)
    for (file, end), part in rows[unknown].groupby(["source_file", own[unknown].fillna(0)], sort=False):
        low, high = suspects.ends(part["score"].to_numpy())
        high = end or high
        if metric == "ces" and 5 < high <= 7:
            high = 7.0
        ends.loc[part.index] = ends.loc[part.index].fillna({"scale_min": low, "scale_max": high})
        if not np.isnan(high):
            low, high = ends.loc[part.index[0]]
            notes.append(_note(table, part, "scale_assumed", f"{low:g}–{high:g}", file))
    return ends, notes


def _codes(table: str, frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Frequent values outside the scale that look like codes for "no answer"."""
    notes = []
    for (file, low, high), rows in frame.dropna(subset=["score"]).groupby(
        ["source_file", "scale_min", "scale_max"], sort=False
    ):
        for value, count in suspects.codes(rows["score"], low, high).items():
            named = {"column": "score", "value": f"{value:g}", "count": count, "used": False}
            notes.append(problem(table, file, "suspected_missing_code", **named))
    return notes


def _note(table: str, rows: pd.DataFrame, rule: str, value: str, file: str = "", count: int = 0) -> pd.DataFrame:
    return problem(table, file, rule, column="score", value=value, count=count or len(rows))
