"""Weak points: what to act on, and what the customer mix explains."""

import pandas as pd

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.segments import WeakPointsResult
from sqlib.words import Cell, Estimate, Field, Listing, Quantity, Term


def _weak_points(result: WeakPointsResult) -> Finding | None:
    shown = result.table[~result.table["verdict"].isin(("hidden", "too_few"))]
    if shown.empty:
        return None
    values = {"comparisons": Quantity(result.comparisons), "findable": Quantity(shown["findable"].min(), "points")}
    for verdict in ("act_now", "verify", "watch"):
        listed = shown[shown["verdict"] == verdict].sort_values("adjusted")
        if len(listed):
            return _cell("weak_points", verdict, listed, result, values)
    return Finding("weak_points", "no_signal", "none", n=result.n, evidence=("weak_points",), values=values)


def _cell(key: str, verdict: str, listed: pd.DataFrame, result: WeakPointsResult, values: dict) -> Finding:
    row = listed.iloc[0]
    adjusted = estimated(row, "points", result.confidence, "adjusted", signed=True)
    basis = "crude" if "not_adjusted" in result.cautions else "adjusted"
    values = values | {
        "basis": Term("basis", basis),
        "caveat": Term("caveat", basis),
        "deficit": Estimate(
            -row["adjusted"], -row["adjusted_high"], -row["adjusted_low"], "points", adjusted.n, result.confidence
        ),
        "family": Field(row["family"]),
        "cell": Cell(row["family"], row["cell"]),
        "level": estimated(row, "percent", result.confidence),
        "crude": estimated(row, "points", result.confidence, "crude", signed=True),
        "adjusted": adjusted,
        "cell_findable": Quantity(row["findable"], "points"),
        "excess": _excess(adjusted),
        "n": Quantity(row["n"]),
        "others": Listing(tuple(Cell(other.family, other.cell) for other in listed.iloc[1:].itertuples())),
    }
    return Finding(
        key, verdict, strength(row["p_adjusted"], row["p_second"]), **recorded(adjusted), reference=0.0,
        subject=f"{row['family']}={row['cell']}", cautions=result.cautions, evidence=("weak_points",), values=values,
    )  # fmt: skip


def _excess(adjusted: Estimate) -> Estimate:
    """Answers that would have been satisfied ones at the level of the rest."""
    more, least, most = (-end * adjusted.n for end in (adjusted.value, adjusted.high, adjusted.low))
    return Estimate(more, least, most, "count", adjusted.n, adjusted.confidence)


def _mix(result: WeakPointsResult) -> Finding | None:
    """The cell that looks worst before the customer mix is taken out, which takes more than half of the difference."""
    table = result.table
    mixed = (table["crude_high"] < 0) & (table["adjusted_high"] >= 0) & (table["adjusted"] > table["crude"] / 2)
    explained = table[table["verdict"].ne("hidden") & mixed]
    if explained.empty:
        return None
    return _cell("mix", "explained_by_mix", explained.sort_values("crude"), result, {})


def sample(result: WeakPointsResult) -> int:
    """Answers compared."""
    return result.n


def limits(result: WeakPointsResult) -> dict[str, dict]:
    """The power of the comparison, cells too small, no grouping to adjust by."""
    found = {"power": {}} | ({"small_cells": {"count": result.hidden}} if result.hidden else {})
    return found | ({"not_adjusted": {}} if "not_adjusted" in result.cautions else {})


FINDERS = {"weak_points": _weak_points, "mix": _mix}
