"""Findings: what a Result says, as one codified statement with its interval, verdict and strength.

``describe(key, result)`` turns a Result into the Finding of that name; the words come later (``words/<stem>.toml``).
"""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pandas as pd

from sqlib.words import Estimate

COLUMNS = (
    "client", "period", "finding_id", "stem", "key", "subject", "estimate", "low", "high", "confidence", "unit", "n",
    "reference", "target", "verdict", "strength", "cautions", "evidence",
)  # fmt: skip
NUMBERS = ("estimate", "low", "high", "confidence", "n", "reference", "target")
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


def withheld(record: dict) -> dict:
    """The record of a finding that the consultant withholds: that there is one under this key, and nothing else."""
    kept = {name: record.get(name, "") for name in ("client", "period", "stem", "key")}
    blank = dict.fromkeys(COLUMNS, "") | dict.fromkeys(NUMBERS)
    told = {"finding_id": f"{record['stem']}.{record['key']}", "verdict": "withheld", "strength": "none"}
    return blank | kept | told


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
    return finder(result).FINDERS[key](result)


def sample(result) -> int:
    """How many answers, customers or comments a result rests on: the n below its figure."""
    return finder(result).sample(result)


def limits(result) -> dict[str, dict]:
    """What may not be concluded from this result: codes of ``[limit.<code>]`` in ``words/page.toml``, with values."""
    return finder(result).limits(result)


def finder(result):
    """The module of ``finders`` that speaks for a result: it has the name of the method's module.

    Raises
    ------
    TypeError : nothing of that name speaks for it
    """
    name = type(result).__module__.rpartition(".")[2]
    try:
        return importlib.import_module(f"sqlib.finders.{name}")
    except ModuleNotFoundError:
        raise TypeError(f"{type(result).__name__} is no result of a method with finders") from None


def estimated(row: pd.Series, unit: str, confidence: float, name: str = "", signed: bool = False) -> Estimate:
    """The estimate ``name`` of a row, with ``<name>_low`` and ``<name>_high``; by default estimate, low, high."""
    value, low, high = (name or "estimate"), (f"{name}_low" if name else "low"), (f"{name}_high" if name else "high")
    return Estimate(row[value], row[low], row[high], unit, int(row["n"]), confidence, signed)


def recorded(estimate: Estimate) -> dict:
    """The fields of a Finding that an estimate fills."""
    return {
        "estimate": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "confidence": estimate.confidence,
        "unit": estimate.unit,
        "n": estimate.n or 0,
    }
