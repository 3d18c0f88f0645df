"""Text cells become numbers, flags and levels; what was rewritten and what was not understood is told row by row.

Each different text is read once, so a million rows cost little more than their distinct values.
"""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from sqlib.contracts import Column, levels, normalised

SPELLINGS = tomllib.loads((Path(__file__).parent / "profiles/general/spellings.toml").read_text(encoding="utf-8"))
_PLAIN = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"  # \d would let full-width digits in
_DIGITS = r"(?P<number>[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-+]?\.\d+)"


@dataclass(frozen=True)
class Typed:
    """Typed cells with, per row, the repair rule that read them and the problem rule that says why they were not."""

    values: pd.Series
    repaired: pd.Series  # "" where the cell is written in the standard way
    failed: pd.Series  # "" where the cell was understood or is missing


def by_unique(text: pd.Series, read: Callable[[pd.Series], Typed]) -> Typed:
    """Apply ``read`` to the distinct texts only and spread its answers over the rows."""
    codes, uniques = pd.factorize(text)
    answer = read(pd.Series(uniques, dtype="str"))

    def spread(part: pd.Series, missing) -> pd.Series:
        taken = pd.api.extensions.take(part.array, codes, allow_fill=True, fill_value=missing)
        return pd.Series(taken, index=text.index)

    missing = pd.NaT if answer.values.dtype.kind == "M" else pd.NA if answer.values.dtype == "boolean" else float("nan")
    return Typed(spread(answer.values, missing), spread(answer.repaired, ""), spread(answer.failed, ""))


def numbers(text: pd.Series, unit: str = "", whole: bool = False) -> Typed:
    """Numbers as people write them: 1,234.5 · 95% · 4 points · ¥300, amounts in ten thousands, in either language.

    ``unit`` is the contract's, in English: it says which words may stand behind the number.

    A percentage keeps its figure (95% is 95) and is logged as ``percent_text``, everything else as ``number_text``.
    """
    typed = by_unique(text, lambda cells: _numbers(cells, unit, whole))
    return replace(typed, values=typed.values.astype("Int64")) if whole else typed


def flags(text: pd.Series) -> Typed:
    """Yes and no in both languages; anything else fails with ``not_yes_or_no``."""
    spellings = {word: kind == "yes" for kind in ("yes", "no") for word in SPELLINGS["flag"][kind]}

    def read(cells: pd.Series) -> Typed:
        folded = cells.str.normalize("NFKC").str.strip().str.casefold()
        values = folded.map(spellings).astype("boolean")
        return Typed(values, blank(cells), blank(cells).mask(values.isna(), "not_yes_or_no"))

    return by_unique(text, read)


def categories(text: pd.Series, column: Column) -> Typed:
    """Levels by name, label or alias; other values stay as written: the contract's schema names them where the
    column is closed.
    """
    spellings = levels(column)

    def read(cells: pd.Series) -> Typed:
        known = cells.map(lambda cell: spellings.get(normalised(cell), cell)).astype("str")
        return Typed(known, blank(cells), blank(cells))

    return by_unique(text, read)


def as_written(text: pd.Series) -> Typed:
    """Ids and free text: nothing is changed."""
    return Typed(text, blank(text), blank(text))


def blank(cells: pd.Series) -> pd.Series:
    """An empty text for every row."""
    return pd.Series("", index=cells.index, dtype="str")


def _numbers(cells: pd.Series, unit: str, whole: bool) -> Typed:
    plain = cells.str.fullmatch(_PLAIN)
    values = pd.to_numeric(cells.where(plain)).astype("float64")
    values = values.mask(values.abs() == float("inf"))  # 1e400 is more than a number can hold
    repaired, failed = blank(cells), blank(cells)
    others = [_written_number(text, unit) for text in cells[~plain]]
    values[~plain] = [value for value, _ in others]
    repaired[~plain] = [rule for _, rule in others]
    failed = failed.mask(values.isna(), "not_a_number")
    if whole:
        failed = failed.mask(values.notna() & (values % 1 != 0), "not_a_whole_number")
    return Typed(values.mask(failed != ""), repaired, failed)


def _written_number(text: str, unit: str) -> tuple[float, str]:
    """One number that is not in plain digits, with the rule that read it; nan where it is no number."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    found = _pattern(unit).fullmatch(plain)
    if not found:
        return _duration(plain, unit)
    value = float(found["number"].replace(",", "")) * SPELLINGS["number"]["multipliers"].get(found["times"], 1)
    return value, "percent_text" if found["percent"] else "number_text"


def _duration(text: str, unit: str) -> tuple[float, str]:
    """A duration in several units, or as a clock shows it (1:02:05), in the contract's unit of time."""
    declared = SPELLINGS["duration"]
    if unit not in declared["units"]:
        return float("nan"), ""
    if re.fullmatch(r"\d+:[0-5]\d(?::[0-5]\d)?", text):
        parts = [float(part) for part in text.split(":")]
        seconds = sum(part * 60**place for place, part in enumerate(reversed(parts)))
        return seconds / declared["units"][unit], "duration_text"
    found = _durations().fullmatch(text)
    if not found or not any(found.groups()):
        return float("nan"), ""
    seconds = sum(float(found[f"s{size}"] or 0) * int(size) for size in declared["parts"])
    return seconds / declared["units"][unit], "duration_text"


@functools.cache
def _durations() -> re.Pattern:
    """Days, hours, minutes and seconds in this order, any of them left out."""
    parts = [
        rf"(?:(?P<s{size}>\d+(?:\.\d+)?)\s*(?:{'|'.join(sorted(map(re.escape, words), key=len, reverse=True))})\s*)?"
        for size, words in SPELLINGS["duration"]["parts"].items()
    ]
    return re.compile("".join(parts))


@functools.cache
def _pattern(unit: str) -> re.Pattern:
    declared = SPELLINGS["number"]
    prefix, times, suffix = (
        "|".join(map(re.escape, words)) or r"(?!)"
        for words in (declared["prefixes"], declared["multipliers"], declared["units"].get(unit, ()))
    )
    return re.compile(rf"(?:{prefix})?\s*{_DIGITS}\s*(?:(?P<percent>%)|(?P<times>{times})?\s*(?:{suffix})?)")
