"""Level against target, and change against the period before."""

from statistics import NormalDist

import numpy as np
import pandas as pd

from sqlib.findings import POWER, Finding, estimated, recorded, strength
from sqlib.methods.satisfaction import SatisfactionResult
from sqlib.words import Estimate, Quantity, Term, decimals


def _level(result: SatisfactionResult) -> Finding:
    row = result.table.iloc[0]
    level = estimated(row, row["unit"], result.confidence)
    values = {
        "indicator": Term("indicator", row["indicator"]),
        "level": level,
        "target": Quantity(row["target"], row["unit"]),
        "gap": _less(level, row["target"], row["change_unit"]),
        "raked": _raked(row, result.confidence),
        "unsatisfied": _unsatisfied(row),
    }
    return Finding(
        "level", row["verdict"], strength(row["p_value"], row["p_second"]), **recorded(level), reference=row["target"],
        target=row["target"], subject=row["indicator"], cautions=result.cautions, evidence=("satisfaction",),
        values=values,
    )  # fmt: skip


def _unsatisfied(row: pd.Series) -> Quantity | Term:
    """How many answers were not satisfied; a mean or a promoter score does not tell."""
    counted = row["unit"] == "percent"
    return Quantity(round(row["n"] * (1 - row["estimate"]))) if counted else Term("term", "not_counted")


def _less(level: Estimate, reference: float, unit: str) -> Estimate:
    """The estimate's distance from a reference, with its interval."""
    ends = (end - reference for end in (level.value, level.low, level.high))
    return Estimate(*ends, unit, level.n, level.confidence, signed=True)


def _raked(row: pd.Series, confidence: float) -> Estimate | Term:
    if np.isnan(row["raked"]):
        return Term("term", "not_raked")
    ends = row[["raked", "raked_low", "raked_high"]]
    return Estimate(*ends, row["unit"], int(row["n_raked"]), confidence)


def _change(result: SatisfactionResult) -> Finding:
    row = result.table.iloc[0]
    unit = row["change_unit"]
    change = estimated(row, unit, result.confidence, "change", signed=True)
    cautions = () if row["comparable"] == "yes" else (row["comparable"],)
    values = {
        "indicator": Term("indicator", row["indicator"]),
        "change": change,
        "before": _before(row, result.confidence),
        "now": estimated(row, row["unit"], result.confidence),
        "reason": Term("comparable", row["comparable"]),
        "visible": Quantity(_visible(change), unit, digits=decimals(change.low, change.high, unit)),
    }
    return Finding(
        "change", row["change_verdict"], strength(row["change_p"], row["change_p_second"]), **recorded(change),
        reference=0.0, subject=row["indicator"], cautions=cautions, evidence=("change",), values=values,
    )  # fmt: skip


def _visible(change: Estimate) -> float:
    """The true change that an interval this wide would show with the power wanted."""
    ends, power = NormalDist().inv_cdf((1 + change.confidence) / 2), NormalDist().inv_cdf(POWER)
    return (change.high - change.low) / 2 * (1 + power / ends)


def _before(row: pd.Series, confidence: float) -> Estimate:
    n = None if np.isnan(row["previous_n"]) else int(row["previous_n"])
    return Estimate(row["previous"], row["previous_low"], row["previous_high"], row["unit"], n, confidence)


def sample(result: SatisfactionResult) -> int:
    """Answers of the largest indicator."""
    return int(result.table["n"].max())


def limits(result: SatisfactionResult) -> dict[str, dict]:
    """A scale that changed, answers on another scale."""
    others = int(result.table["other_scale"].max())
    found = {"scale_changed": {}} if result.table["comparable"].eq("scale_changed").any() else {}
    return found | ({"other_scale": {"count": others}} if others else {})


FINDERS = {"level": _level, "change": _change}
