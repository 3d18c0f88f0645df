"""Everybody's score: how far severity moved it, and who can be told apart."""

import math

from sqlib.findings import Finding
from sqlib.methods.standing import StandingResult
from sqlib.words import Quantity

WIDE = 20  # points of a scale from which one decimal is enough


def _calibration(result: StandingResult) -> Finding | None:
    table = result.ratees.dropna(subset=["calibrated"])
    if table.empty:
        return None
    unit = "hundred" if result.scale[1] - result.scale[0] > WIDE else "score"
    shift = (table["corrected"] - table["raw"]).dropna()
    bands = table.groupby("part")["band"].nunique().sum()
    values = {
        "people": Quantity(len(table)),
        "parts": Quantity(result.parts),
        "moved": Quantity(result.moved),
        "up": Quantity(shift.max() if len(shift) else math.nan, unit, signed=True),
        "down": Quantity(shift.min() if len(shift) else math.nan, unit, signed=True),
        "bands": Quantity(bands),
        "reliability": Quantity(result.reliability, "ratio"),
        "half": Quantity((table["high"] - table["low"]).median() / 2, unit),
    }
    verdict = "apart" if not result.joint_ranking else "raters_moved" if result.moved else "little_moved"
    return Finding("calibration", verdict, "exact", estimate=result.moved, n=len(table), cautions=result.cautions,
                   evidence=("calibration", "ratees"), values=values)  # fmt: skip


def sample(result: StandingResult) -> int:
    """People rated."""
    return result.n


def limits(result: StandingResult) -> dict[str, dict]:
    """What the calibration and the design say already."""
    return {}


FINDERS = {"calibration": _calibration}
