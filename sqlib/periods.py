"""Reporting periods: ``2026``, ``2026H1``, ``2026Q3``, ``2026-07``, ``2026-07-01..2026-09-30``.

A period is inclusive as written and half-open inside: ``start <= t < end``. With ``fiscal_year_start = m`` the
year, halves and quarters begin in month m of the calendar year that names them; months and ranges are calendar.
"""

import calendar
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlib.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

_YEAR = r"(?:19|20|21)\d{2}"
_PATTERN = re.compile(rf"(?P<year>{_YEAR})(?:(?P<kind>[HQ])(?P<part>\d)|-(?P<month>\d{{2}}))?")
_RANGE = re.compile(rf"({_YEAR}-\d\d-\d\d)\.\.({_YEAR}-\d\d-\d\d)")
DAY = timedelta(days=1)
_PARTS = {"H": (2, 6), "Q": (4, 3)}  # letter -> (parts a year, months a part)


@dataclass(frozen=True)
class Period:
    """One reporting period: its normalised text, its first day and the day after its last."""

    text: str
    first: date
    after: date
    months: int  # length in calendar months; 0 for a free range of days

    def __str__(self) -> str:
        return self.text

    @property
    def start(self) -> "pd.Timestamp":
        """The half-open bounds, time-zone-free."""
        return _midnight(self.first)

    @property
    def end(self) -> "pd.Timestamp":
        return _midnight(self.after)

    @property
    def last_day(self) -> "pd.Timestamp":
        return _midnight(self.after - DAY)

    def contains(self, times: "pd.Series") -> "pd.Series":
        """Row by row: does the time lie in the period? Missing times do not."""
        return (times >= self.start) & (times < self.end)


def parse(text: str | int, fiscal_year_start: int = 1, where: str = "period") -> Period:
    """Read a period as a consultant writes it (an int year is accepted, as stock papermill passes one).

    ``where`` says in the error who gave the period: an argument or a key of client.toml.

    Raises
    ------
    ArgumentError : ``periods.unknown`` with the accepted spellings
    """
    written = unicodedata.normalize("NFKC", str(text)).upper().replace(" ", "")
    if ".." in written:
        return _days(text, written, where)
    match = _PATTERN.fullmatch(written)
    if not match:
        raise ArgumentError("periods.unknown", where=where, got=text)
    year, kind = int(match["year"]), match["kind"]
    if match["month"]:
        if not 1 <= int(match["month"]) <= 12:
            raise ArgumentError("periods.unknown", where=where, got=text)
        return _span(written, date(year, int(match["month"]), 1), 1)
    first = date(year, fiscal_year_start, 1)
    if not kind:
        return _span(written, first, 12)
    parts, months = _PARTS[kind]
    if not 1 <= int(match["part"]) <= parts:
        raise ArgumentError("periods.unknown", where=where, got=text)
    return _span(written, _shifted(first, months * (int(match["part"]) - 1)), months)


def previous(period: Period, fiscal_year_start: int = 1) -> Period:
    """The period of equal length just before."""
    if not period.months:
        return _between(period.first - (period.after - period.first), period.first)
    return _named(_shifted(period.first, -period.months), period.months, fiscal_year_start)


def same_last_year(period: Period, fiscal_year_start: int = 1) -> Period:
    """The same season one year earlier: a range of days from and to the same dates."""
    if not period.months:
        return _between(_shifted(period.first, -12), _shifted(period.after - DAY, -12) + DAY)
    return _named(_shifted(period.first, -12), period.months, fiscal_year_start)


def compared(period: Period, compare_to: str, fiscal_year_start: int = 1) -> Period | None:
    """The period to compare with: ``previous``, ``same-last-year``, ``none`` or a period written out.

    Raises
    ------
    ArgumentError : ``periods.unknown_comparison``
    """
    named = {"previous": previous, "same-last-year": same_last_year}
    if compare_to in named:
        return named[compare_to](period, fiscal_year_start)
    try:
        return None if compare_to == "none" else parse(compare_to, fiscal_year_start)
    except ArgumentError:
        raise ArgumentError("periods.unknown_comparison", got=compare_to) from None


def _midnight(day: date) -> "pd.Timestamp":
    import pandas as pd

    return pd.Timestamp(day.year, day.month, day.day)


def _shifted(day: date, months: int) -> date:
    """The same day of another month, or its last where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _span(text: str, first: date, months: int) -> Period:
    return Period(text, first, _shifted(first, months), months)


def _between(first: date, after: date) -> Period:
    return Period(f"{first:%Y-%m-%d}..{after - DAY:%Y-%m-%d}", first, after, 0)


def _days(text: str | int, written: str, where: str) -> Period:
    match = _RANGE.fullmatch(written)
    try:
        first, last = map(date.fromisoformat, match.groups() if match else ("",))
    except ValueError:
        raise ArgumentError("periods.unknown", where=where, got=text) from None
    if last < first:
        raise ArgumentError("periods.reversed", where=where, got=text)
    return _between(first, last + DAY)


def _named(first: date, months: int, fiscal_year_start: int) -> Period:
    if months == 1:
        return _span(f"{first:%Y-%m}", first, 1)
    year = first.year if first.month >= fiscal_year_start else first.year - 1
    part = ((first.month - fiscal_year_start) % 12) // months + 1
    text = {12: f"{year}", 6: f"{year}H{part}", 3: f"{year}Q{part}"}[months]
    return _span(text, first, months)
