"""Reliable change: who moved beside the others by more than the error of two scores explains."""

import math

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.reliable_change import ReliableChangeResult
from sqlib.words import Listing, Quantity


def _reliable_change(result: ReliableChangeResult) -> Finding:
    table = result.table.assign(n=result.people)
    told = table[table["verdict"] != "not_comparable"]
    moved = told[told["verdict"] != "within_noise"].sort_values("p_adjusted", kind="stable")
    values = {
        "people": Quantity(len(told)),
        "up": Quantity(result.up),
        "down": Quantity(result.down),
        "risen": Listing(tuple(moved.loc[moved["verdict"] == "moved_up", "ratee_id"])),
        "fallen": Listing(tuple(moved.loc[moved["verdict"] == "moved_down", "ratee_id"])),
        "only_first": Quantity(result.only_first),
        "only_second": Quantity(result.only_second),
    }
    if moved.empty:
        verdict = "not_comparable" if told.empty else "within_noise"
        return Finding("reliable_change", verdict, "none", n=len(told), evidence=("reliable_change",), values=values)
    row = moved.iloc[0]
    change = estimated(row.rename({"low": "relative_low", "high": "relative_high"}), "score", result.confidence,
                       "relative", signed=True)  # fmt: skip
    return Finding(
        "reliable_change", "moved", strength(row["p_adjusted"], math.nan), **recorded(change), reference=0.0,
        cautions=result.cautions, evidence=("reliable_change",),
        values=values | {"person": row["ratee_id"], "change": change},
    )  # fmt: skip


def sample(result: ReliableChangeResult) -> int:
    """People scored in both periods."""
    return result.people


def limits(result: ReliableChangeResult) -> dict[str, dict]:
    """What all share cannot be told from raters who changed."""
    return {"common_shift": {}} if "common_shift_taken_out" in result.cautions else {"common_shift_kept": {}}


FINDERS = {"reliable_change": _reliable_change}
