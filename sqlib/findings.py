"""Findings: what a Result says, as one codified statement with its interval, verdict and strength.

``describe(key, result)`` turns a Result into the Finding of that name; the words come later (``words/<stem>.toml``).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from types import MappingProxyType

import numpy as np
import pandas as pd

from sqlib.methods.call_back import CallBackResult
from sqlib.methods.response import ResponseResult
from sqlib.methods.satisfaction import SatisfactionResult
from sqlib.methods.segments import WeakPointsResult
from sqlib.methods.themes import ThemesResult
from sqlib.words import Cell, Estimate, Field, Listing, Quantity, Term, decimals

COLUMNS = (
    "client", "period", "finding_id", "stem", "key", "subject", "estimate", "low", "high", "confidence", "unit", "n",
    "reference", "target", "verdict", "strength", "cautions", "evidence",
)  # fmt: skip
LEVELS = (("strong", 0.01), ("moderate", 0.05), ("weak", 0.20))  # 99 %, 95 %, 80 % intervals
POWER = 0.80  # a change "would have been seen" if it shows in four samples of five
SIGNIFICANT = 6  # digits stored: the processors' BLAS differ beyond


@dataclass(frozen=True)
class Finding:
    """One statement. ``values`` fill the words; all other fields are the record, columns of ``findings.csv``.

    ``verdict`` and ``strength`` are codes of ``words/common.toml``; ``subject`` names the group it is about, if any;
    ``reference`` is what the interval is held against (0 for a difference), ``evidence`` the tables it rests on.
    """

    key: str
    verdict: str
    strength: str
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    confidence: float = math.nan
    unit: str = "count"
    n: int = 0
    reference: float = math.nan
    target: float = math.nan
    subject: str = ""
    cautions: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    values: Mapping = field(default_factory=lambda: MappingProxyType({}))

    def record(self, *, client: str, period: str, stem: str) -> dict:
        """The finding as one row: the columns of ``findings.csv``, numbers to six significant digits."""
        finding_id = ".".join(part for part in (stem, self.key, self.subject) if part)
        row = {"client": client, "period": period, "finding_id": finding_id, "stem": stem, "n": int(self.n)}
        row |= {name: getattr(self, name) for name in ("key", "subject", "unit", "verdict", "strength")}
        row |= {name: significant(getattr(self, name)) for name in ("estimate", "low", "high", "confidence")}
        row |= {name: significant(getattr(self, name)) for name in ("reference", "target")}
        row |= {name: ";".join(getattr(self, name)) for name in ("cautions", "evidence")}
        return {name: row[name] for name in COLUMNS}


def significant(value: float, digits: int = SIGNIFICANT) -> float | None:
    """Rounded to significant digits; None where there is no number (JSON and CSV know no NaN)."""
    return float(f"{value:.{digits}g}") if value is not None and math.isfinite(value) else None


def strength(p_value: float, p_second: float) -> str:
    """How sure: the narrowest interval that excludes the reference; strong needs the second method to agree."""
    code = next((name for name, level in LEVELS if p_value <= level), "none")
    return "moderate" if code == "strong" and not p_second <= LEVELS[0][1] else code


def describe(key: str, result) -> Finding | None:
    """The finding called ``key`` that ``result`` supports; None where it has nothing to say.

    Raises
    ------
    KeyError : this kind of result has no finding of that name
    """
    return FINDERS[type(result)][key](result)


def _estimate(row: pd.Series, unit: str, confidence: float, name: str = "", signed: bool = False) -> Estimate:
    value, low, high = (name or "estimate"), (f"{name}_low" if name else "low"), (f"{name}_high" if name else "high")
    return Estimate(row[value], row[low], row[high], unit, int(row["n"]), confidence, signed)


def _record(estimate: Estimate) -> dict:
    return {
        "estimate": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "confidence": estimate.confidence,
        "unit": estimate.unit,
        "n": estimate.n or 0,
    }


# Satisfaction: level against target, change against the period before.


def _level(result: SatisfactionResult) -> Finding:
    row = result.table.iloc[0]
    level = _estimate(row, row["unit"], result.confidence)
    values = {
        "indicator": Term("indicator", row["indicator"]),
        "level": level,
        "target": Quantity(row["target"], row["unit"]),
        "gap": _less(level, row["target"], row["change_unit"]),
        "raked": _raked(row, result.confidence),
        "unsatisfied": _unsatisfied(row),
    }
    return Finding(
        "level", row["verdict"], strength(row["p_value"], row["p_second"]), **_record(level), reference=row["target"],
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
    change = _estimate(row, unit, result.confidence, "change", signed=True)
    cautions = () if row["comparable"] == "yes" else (row["comparable"],)
    values = {
        "indicator": Term("indicator", row["indicator"]),
        "change": change,
        "before": _before(row, result.confidence),
        "now": _estimate(row, row["unit"], result.confidence),
        "reason": Term("comparable", row["comparable"]),
        "visible": Quantity(_visible(change), unit, digits=decimals(change.low, change.high, unit)),
    }
    return Finding(
        "change", row["change_verdict"], strength(row["change_p"], row["change_p_second"]), **_record(change),
        reference=0.0, subject=row["indicator"], cautions=cautions, evidence=("change",), values=values,
    )  # fmt: skip


def _visible(change: Estimate) -> float:
    """The true change that an interval this wide would show with the power wanted."""
    ends, power = NormalDist().inv_cdf((1 + change.confidence) / 2), NormalDist().inv_cdf(POWER)
    return (change.high - change.low) / 2 * (1 + power / ends)


def _before(row: pd.Series, confidence: float) -> Estimate:
    n = None if np.isnan(row["previous_n"]) else int(row["previous_n"])
    return Estimate(row["previous"], row["previous_low"], row["previous_high"], row["unit"], n, confidence)


# Response: who is silent.


def _response(result: ResponseResult) -> Finding:
    table = result.table
    order = {"silent": 0, "under": 1}
    listed = table[table["verdict"].isin(order)]
    rate = Estimate(result.rate, result.low, result.high, "percent", sample(result), result.confidence)
    values = {
        "rate": rate,
        "groups": Listing(tuple(Cell(row.dimension, row.group) for row in listed.itertuples())),
    }
    if listed.empty:
        verdict = "too_few" if table["verdict"].eq("too_few").all() else "as_expected"
        return Finding("response", verdict, "none", **_record(rate), evidence=("response",), values=values)
    worst = listed.assign(_order=listed["verdict"].map(order)).sort_values(["_order", "representation"]).iloc[0]
    group = _estimate(worst, "percent", result.confidence)
    values |= {
        "group": Cell(worst["dimension"], worst["group"]),
        "group_rate": group,
        "base_share": Quantity(worst["base_share"], "percent"),
        "answer_share": Quantity(worst["answer_share"], "percent"),
        "group_base": Quantity(worst["base"]),
    }
    return Finding(
        "response", worst["verdict"], strength(worst["p_adjusted"], worst["p_second"]), **_record(group),
        reference=result.rate,
        subject=f"{worst['dimension']}={worst['group']}", cautions=result.cautions, evidence=("response",),
        values=values,
    )  # fmt: skip


# Weak points: what to act on, and what the customer mix explains.


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
    adjusted = _estimate(row, "points", result.confidence, "adjusted", signed=True)
    basis = "crude" if "not_adjusted" in result.cautions else "adjusted"
    values = values | {
        "basis": Term("basis", basis),
        "caveat": Term("caveat", basis),
        "deficit": Estimate(
            -row["adjusted"], -row["adjusted_high"], -row["adjusted_low"], "points", adjusted.n, result.confidence
        ),
        "family": Field(row["family"]),
        "cell": Cell(row["family"], row["cell"]),
        "level": _estimate(row, "percent", result.confidence),
        "crude": _estimate(row, "points", result.confidence, "crude", signed=True),
        "adjusted": adjusted,
        "cell_findable": Quantity(row["findable"], "points"),
        "excess": _excess(adjusted),
        "n": Quantity(row["n"]),
        "others": Listing(tuple(Cell(other.family, other.cell) for other in listed.iloc[1:].itertuples())),
    }
    return Finding(
        key, verdict, strength(row["p_adjusted"], row["p_second"]), **_record(adjusted), reference=0.0,
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


# Comments by theme.


def _themes(result: ThemesResult) -> Finding | None:
    table = result.table[result.table["comments"].gt(0)]
    if table.empty:
        return None
    rising = table[table["verdict"] == "rising"].sort_values("difference", ascending=False)
    row = (rising if len(rising) else table.sort_values(["comments", "theme"], ascending=[False, True])).iloc[0]
    share = _estimate(row, "percent", result.confidence)
    values = {
        "theme": Term("theme", row["theme"]),
        "share": share,
        "comments": Quantity(row["comments"]),
        "coded": Quantity(result.coded_share, "percent"),
        "trend": Term("trend", "no_previous" if table["difference"].isna().all() else "none_rising"),
    }
    if len(rising):
        change = _estimate(row, "points", result.confidence, "difference", signed=True)
        ends = row[["previous", "previous_low", "previous_high"]]
        before = Estimate(*ends, "percent", int(row["previous_n"]), result.confidence)
        values |= {"change": change, "before": before}
        return Finding(
            "themes", "rising", strength(row["p_adjusted"], row["p_second"]), **_record(change),
            reference=0.0, subject=row["theme"], evidence=("themes",), values=values,
        )  # fmt: skip
    return Finding(
        "themes", "no_signal", "none", **_record(share), subject=row["theme"], evidence=("themes",), values=values
    )


def _call_back(result: CallBackResult) -> Finding:
    values = {"low": Quantity(result.low), "open": Quantity(result.without_case), "scored": Quantity(result.n)}
    verdict = "no_cases" if "no_cases" in result.cautions else "listed" if result.without_case else "none_open"
    return Finding(
        "call_back", verdict, "exact", estimate=result.without_case, unit="count", n=result.n,
        cautions=result.cautions, evidence=("call_back",), values=values,
    )  # fmt: skip


FINDERS: dict[type, dict[str, Callable]] = {
    SatisfactionResult: {"level": _level, "change": _change},
    ResponseResult: {"response": _response},
    WeakPointsResult: {"weak_points": _weak_points, "mix": _mix},
    ThemesResult: {"themes": _themes},
    CallBackResult: {"call_back": _call_back},
}


# What every result can be asked: its sample size, and what it does not say (``[limit.<code>]`` of words/page.toml).


def sample(result) -> int:
    """How many answers, customers or comments a result rests on: the n below its figure."""
    match result:
        case ResponseResult():
            return int(result.invited if result.denominator == "invited" else result.base)
        case SatisfactionResult(table=table):
            return int(table["n"].max())
        case ThemesResult(comments=n) | WeakPointsResult(n=n) | CallBackResult(n=n):
            return n
    raise TypeError(f"no sample size is known of {type(result).__name__}")


def limits(result) -> dict[str, dict]:
    """What may not be concluded from this result."""
    match result:
        case SatisfactionResult(table=table):
            others = int(table["other_scale"].max())
            found = {"scale_changed": {}} if table["comparable"].eq("scale_changed").any() else {}
            return found | ({"other_scale": {"count": others}} if others else {})
        case WeakPointsResult(hidden=hidden):
            found = {"power": {}} | ({"small_cells": {"count": hidden}} if hidden else {})
            return found | ({"not_adjusted": {}} if "not_adjusted" in result.cautions else {})
        case ThemesResult():
            return {"codebook": {}}
    return {}
