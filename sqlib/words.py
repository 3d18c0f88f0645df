"""Words and numbers in the reader's language; all text lives in ``words/*.toml``, Chinese beside English.

A template's placeholders are filled from values that know their own unit, so that both languages print the same
digits: ``Quantity`` (one number), ``Estimate`` (a number with its interval and n), ``Term`` (a code with an entry in
``common.toml``), ``Field`` (a column of a contract), ``Cell`` (a value of such a column), ``Member`` (both),
``Listing`` (several values in a row). Anything else is printed as it is.
"""

import datetime as dt
import functools
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from sqlib import contracts

FOLDER = Path(__file__).parent / "words"
LANGUAGES = ("zh", "en")
MINUS = "\N{MINUS SIGN}"
PEER = "peer:"  # before the code of a group that this reader may not name


@dataclass(frozen=True)
class Quantity:
    """One number: ``unit`` is a key of ``[unit]`` in common.toml; ``digits`` overrides the unit's decimals."""

    value: float
    unit: str = "count"
    digits: int | None = None
    signed: bool = False


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; ``n`` may be None where the sentence gives it elsewhere."""

    value: float
    low: float
    high: float
    unit: str
    n: int | None = None
    confidence: float = 0.95
    signed: bool = False


@dataclass(frozen=True)
class Term:
    """A code worded by ``[<group>.<code>]`` of common.toml, with the values it names, if any."""

    group: str
    code: str
    values: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True)
class Field:
    """A column declared in a contract, or two crossed as ``a*b``."""

    column: str


@dataclass(frozen=True)
class Cell:
    """A value of a column, or of two crossed: a declared level is worded, anything else is the client's own name."""

    column: str
    value: str


@dataclass(frozen=True)
class Member:
    """A value with the column it belongs to: ``Team · North``."""

    column: str
    value: str


@dataclass(frozen=True)
class Listing:
    """Several values, joined as the language joins a list; empty is worded as none."""

    items: tuple


@functools.cache
def catalogue(stem: str) -> dict:
    """The whole words file ``words/<stem>.toml``."""
    return tomllib.loads((FOLDER / f"{stem}.toml").read_text(encoding="utf-8"))


def entry(stem: str, *path: str) -> dict:
    """One entry of a words file; KeyError names the file and the path that is missing."""
    found = catalogue(stem)
    for step in path:
        if step not in found:
            raise KeyError(f"words/{stem}.toml has no entry {'.'.join(path)}")
        found = found[step]
    return found


def text(stem: str, *path: str, language: str, **values: Any) -> str:
    """The entry at ``path`` in one language, placeholders filled."""
    return fill(entry(stem, *path)[language], values, language)


def fill(template: str, values: dict[str, Any], language: str) -> str:
    """Fill ``{name}`` placeholders, each value worded in the language."""
    return template.format_map({name: worded(value, language) for name, value in values.items()})


def worded(value: Any, language: str) -> str:
    """Any value as the language writes it."""
    match value:
        case Quantity():
            return number(value.value, value.unit, language, digits=value.digits, signed=value.signed)
        case Estimate():
            return _estimate(value, language)
        case Term():
            return text("common", value.group, value.code, language=language, **value.values)
        case Field():
            return " × ".join(field(column, language) for column in _crossed(value.column))
        case Cell():
            return cell(value.column, value.value, language)
        case Member():
            return f"{worded(Field(value.column), language)} · {cell(value.column, value.value, language)}"
        case Listing(items=()):
            return text("common", "term", "none", language=language)
        case Listing():
            join = text("common", "term", "join", language=language)
            return join.join(worded(item, language) for item in value.items)
        case bool():
            return text("common", "flag", str(value).lower(), language=language)
        case Integral() | Real():
            return number(value, "count" if isinstance(value, Integral) else "score", language)
        case None:
            return text("common", "term", "missing", language=language)
    return str(value)


@functools.cache
def _declared(column: str) -> contracts.Column | None:
    """The column of the first contract that words its levels, else of the first that declares it."""
    tables = (contracts.load(table).columns for table in ("feedback", *contracts.names()))
    known = [columns[column] for columns in tables if column in columns]
    return next((each for each in known if each.levels), known[0] if known else None)


def field(column: str, language: str) -> str:
    """Label of a column, from the first contract that declares it."""
    declared = _declared(column)
    return declared.label[language] if declared else column


def cell(column: str, value: str, language: str) -> str:
    """A value as read in a report: the label of a declared level, else the value itself; crossed values each."""
    columns, values = _crossed(column), str(value).split(" * ")
    if len(columns) != len(values):
        return str(value)
    return " × ".join(_level(*pair, language) for pair in zip(columns, values, strict=True))


def _level(column: str, value: str, language: str) -> str:
    if value.startswith(PEER):
        code = value.removeprefix(PEER)
        return text("common", "peer", language=language, column=field(column, language), code=code)
    level = _levels(column).get(value)
    return level.label[language] if level else value


@functools.cache
def _levels(column: str) -> dict[str, contracts.Level]:
    """Levels of a column by every contract that words them; where two do, the one ``field`` speaks of."""
    first = _declared(column)
    tables = (contracts.load(table).columns for table in contracts.names())
    every = [columns[column].levels for columns in tables if column in columns]
    return {name: level for levels in every for name, level in levels.items()} | (first.levels if first else {})


def _crossed(column: str) -> list[str]:
    return [part.strip() for part in column.split("*")]


def tone(verdict: str, best: str = "high") -> str:
    """What the colour of a verdict means; where the low end of a scale is best, a rise means the opposite."""
    declared = entry("common", "verdict", verdict)
    return declared.get(f"tone_{best}", declared["tone"])


def number(
    value: float, unit: str, language: str, *, digits: int | None = None, signed: bool = False, bound: bool = False
) -> str:
    """One number with its unit: shares become per cent, thousands are grouped, a true minus sign is used.

    ``bound`` writes it as a bound of an interval, where some units are not repeated.
    """
    if value is None or not math.isfinite(value):
        return text("common", "term", "missing", language=language)
    spec = entry("common", "unit", unit)
    if 0 <= value < spec.get("least", 0):
        return f"<{spec['least']}"
    pattern = spec.get("bound", spec[language]) if bound else spec[language]
    sign, plain = re.match(f"([+{MINUS}]?)(.*)", _digits(value, spec, digits, signed)).groups()
    return pattern.format(plain, sign=sign) if "{sign}" in pattern else pattern.format(sign + plain)


def in_currency(unit: str, currency: str) -> str:
    """The unit, or the end of a column's format, with ``money`` as the unit of a currency."""
    return re.sub(r"\bmoney$", currency, unit)


def day(iso: str, language: str) -> str:
    """A day such as 2026-09-30 as a document writes it."""
    found, entries = dt.date.fromisoformat(iso), entry("common", "day")
    months = entries["months"].get(language, range(1, 13))
    return entries[language].format(year=found.year, month=months[found.month - 1], day=found.day)


def decimals(low: float, high: float, unit: str) -> int:
    """Decimals worth printing: to the first digit of the standard error (about a quarter of the interval's width)."""
    spec = entry("common", "unit", unit)
    error = abs(high - low) * spec["factor"] / 4
    if not math.isfinite(error) or error == 0:
        return spec["digits"]
    return min(max(-math.floor(math.log10(error)), 0), spec["digits"])


def _digits(value: float, spec: dict, digits: int | None, signed: bool) -> str:
    """The digits of a number; one that is whole as it stands, like a target of 85 %, gets no decimals of its own."""
    value *= spec["factor"]
    if digits is None:
        digits = 0 if math.isclose(value, round(value), abs_tol=1e-9) else spec["digits"]
    shown = round(value, digits)
    plain = f"{abs(shown):,.{digits}f}"
    if shown < 0:
        return MINUS + plain
    return ("+" if signed and shown > 0 else "") + plain


def _estimate(estimate: Estimate, language: str) -> str:
    counted = "_n" if estimate.n is not None else ""
    if not all(map(math.isfinite, (estimate.low, estimate.high))):
        value = number(estimate.value, estimate.unit, language, signed=estimate.signed)
        return text("common", "estimate", f"point{counted}", language=language, value=value, n=estimate.n)
    value, low, high = interval(estimate, language)
    level = number(estimate.confidence, "percent", language, digits=0)
    pattern = f"interval{counted}"
    return text(
        "common", "estimate", pattern, language=language, value=value, low=low, high=high, level=level, n=estimate.n
    )


def interval(estimate: Estimate, language: str, *, bound: bool = False) -> tuple[str, str, str]:
    """Value, lower and upper bound as printed, all with the decimals the interval's width deserves.

    ``bound`` writes the value, too, without a unit that is not to be repeated.
    """
    digits = decimals(estimate.low, estimate.high, estimate.unit)
    value = number(estimate.value, estimate.unit, language, digits=digits, signed=estimate.signed, bound=bound)
    low, high = (
        number(bound, estimate.unit, language, digits=digits, signed=estimate.signed, bound=True)
        for bound in (estimate.low, estimate.high)
    )
    return value, low, high
