"""Cycles as client sheets write them: a quarter, month, half, year or week in either language, or two dates.

A week is a week of ISO 8601 and becomes its seven days; a year of two digits is of this century.
The spellings are in ``profiles/general/spellings.toml``; a cycle is a ``periods.Period``. No year is ever invented.
"""

import functools
import re
import unicodedata
from datetime import date, timedelta

from sqlib import periods
from sqlib.errors import ArgumentError
from sqlib.parsing import SPELLINGS
from sqlib.periods import Period

_FORMS = {
    "quarter": "{year}Q{part}",
    "half": "{year}H{part}",
    "month": "{year}-{part:0>2}",
    "whole": "{year}",
    "week": "{year}",
}


def read(text: str, fiscal_year_start: int = 1, year: int | None = None) -> Period | None:
    """The period a label means; None where nobody can tell. ``year``: of a label without one."""
    plain = _plain(text)
    for kind, patterns in _patterns().items():
        for pattern in patterns:
            if found := pattern.fullmatch(plain):
                return _period(_written(kind, found, year), fiscal_year_start)
    return None


def _written(kind: str, found: re.Match, year: int | None) -> str:
    """The label as ``periods`` writes it."""
    parts = found.groupdict()
    if kind == "days":
        first = parts["year"] or year
        ends = [(first, parts["month"], parts["day"]), (parts["year_2"] or first, parts["month_2"], parts["day_2"])]
        return "..".join(f"{year}-{month:0>2}-{day:0>2}" for year, month, day in ends)
    part = parts.get("part") or parts.get("part_2") or ""
    number = SPELLINGS["cycle"]["numerals"].get(part, part).lstrip("0")
    short = parts.get("short")
    named = parts.get("year") or (f"20{short}" if short else year)
    return _week(named, number) if kind == "week" else _FORMS[kind].format(year=named, part=number)


def _week(year: str | int | None, number: str) -> str:
    """The seven days of a week; empty where the year is unknown or has no such week."""
    try:
        first = date.fromisocalendar(int(year or 0), int(number or 0), 1)
    except ValueError:
        return ""
    return f"{first}..{first + timedelta(days=6)}"


def _period(written: str, fiscal_year_start: int) -> Period | None:
    try:
        return periods.parse(written, fiscal_year_start)
    except ArgumentError:
        return None


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    for suffix in SPELLINGS["cycle"]["suffix"]:
        plain = plain.removesuffix(suffix).strip()
    return plain


@functools.cache
def _patterns() -> dict[str, list[re.Pattern]]:
    """Kind of cycle -> its spellings; a group used twice in one spelling is numbered."""
    words = SPELLINGS["cycle"]
    days = words["day"] + words["between"] + words["day"]
    spelled = {kind: words[kind] for kind in _FORMS} | {"days": [days]}
    return {kind: [re.compile(_grouped(text, words)) for text in texts] for kind, texts in spelled.items()}


def _grouped(text: str, words: dict) -> str:
    text = text.replace("{year}", words["year"]).replace("{year_last}", words["year_last"])
    seen: dict[str, int] = {}

    def numbered(group: re.Match) -> str:
        name = group[1]
        seen[name] = seen.get(name, 0) + 1
        return f"(?P<{name}>" if seen[name] == 1 else f"(?P<{name}_{seen[name]}>"

    return re.sub(r"\(\?P<(\w+)>", numbered, text)
