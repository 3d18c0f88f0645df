"""Dates and times as exports write them: ISO, 2026/7/3, 2026.7.3, with Chinese year, month, day and hour, 20260703,
spreadsheet serials, seconds or milliseconds since 1970, 06/26/2018 10:58:54 AM, 3 Jul 2026.

No part of a date is ever invented: a day without a year, a month without a day and an order of day and month that
nothing settles are problems.
"""

import pandas as pd

from sqlib.parsing import SPELLINGS, Typed, blank, by_unique

_DAY, _CLOCK = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6})?)?"
_ISO, _ZONED = f"{_DAY}(?:{_CLOCK})?", f"{_DAY}{_CLOCK}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})"
_COUNTED = r"[0-9]{5}(?:\.[0-9]+)?|[0-9]{10}|[0-9]{13}"
_SERIAL = (20_000, 80_000)  # days since 1899-12-30: 1954 to 2119
_SURE = 0.95  # share of the distinct dates with a day above 12 that settles the order of day and month in a column
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"

# pattern and format of the day, then of the time; a blank joins the two
_DAYS = (
    (r"\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    (r"(?:19|20)\d{6}", "%Y%m%d"),
    (r"(?:19|20)\d{10}", "%Y%m%d%H%M"),
    (r"(?:19|20)\d{12}", "%Y%m%d%H%M%S"),
    (rf"\d{{1,2}}[- ](?:{_MONTHS})[- ]\d{{4}}", "%d-%b-%Y"),
    (rf"(?:{_MONTHS})[- ]\d{{1,2}}[- ]\d{{4}}", "%b-%d-%Y"),
)
_DAY_FIRST, _MONTH_FIRST = (r"\d{1,2}-\d{1,2}-\d{4}", "%d-%m-%Y"), (r"\d{1,2}-\d{1,2}-\d{4}", "%m-%d-%Y")
_TIMES = (
    ("", ""),
    (r" \d{1,2}:\d{1,2}", " %H:%M"),
    (r" \d{1,2}:\d{1,2}:\d{1,2}", " %H:%M:%S"),
    (r" \d{1,2}:\d{1,2}:\d{1,2}\.\d+", " %H:%M:%S.%f"),
    (r" \d{1,2}:\d{1,2} (?:am|pm)", " %I:%M %p"),
    (r" \d{1,2}:\d{1,2}:\d{1,2} (?:am|pm)", " %I:%M:%S %p"),
)
_TIME = "(?:" + "|".join(pattern for pattern, _ in _TIMES) + ")"


def datetimes(text: pd.Series, *, timezone: str, dayfirst: bool | None = None, year: int | None = None) -> Typed:
    """Local times without zone. The rows of one source file: they share one order of day and month.

    Problem rules: ``not_a_date``, ``ambiguous_date``, ``date_without_year``, ``date_without_day``.
    """
    return by_unique(text, lambda cells: _read(cells, timezone, dayfirst, year))


def without_time(text: pd.Series) -> pd.Series:
    """Row by row: a day is given, but no time of day."""
    written = text.str.fullmatch(r"\d{5}\.\d+|\d{10}|\d{12,14}") | text.str.contains(
        "|".join([":", *SPELLINGS["date"]["hour"]]), regex=True
    )
    return text.notna() & ~written.fillna(False).astype(bool)


def _read(cells: pd.Series, timezone: str, dayfirst: bool | None, year: int | None) -> Typed:
    values = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[us]")
    repaired, failed = blank(cells), blank(cells)

    def accept(found: pd.Series, rule: str) -> None:
        new = found.dropna().index
        values.loc[new] = found[new]
        repaired.loc[new] = rule

    iso = cells.str.fullmatch(_ISO)
    accept(pd.to_datetime(cells[iso], format="ISO8601", errors="coerce"), "")
    zoned = cells.str.fullmatch(_ZONED)
    accept(
        _local(pd.to_datetime(cells[zoned], format="ISO8601", errors="coerce", utc=True), timezone), "zone_converted"
    )
    numeric = cells.str.fullmatch(_COUNTED)
    for found, rule in _counted(cells[numeric], timezone):
        accept(found, rule)
    plain = _plain(cells[~iso & ~zoned & values.isna()])
    if year:
        plain = plain.mask(_no_year(plain), f"{year}-" + plain)
    for pattern, form in _DAYS:
        accept(_parsed(plain, pattern, form), "date_spelling")
    found, rule, unclear = _settled(plain, dayfirst)
    accept(found, rule)
    failed.loc[plain.index] = "not_a_date"
    failed.loc[plain.index[unclear]] = "ambiguous_date"
    failed.loc[plain.index[_no_year(plain)]] = "date_without_year"
    failed.loc[plain.index[plain.str.fullmatch(r"\d{4}-\d{1,2}")]] = "date_without_day"
    failed = failed.mask(values.isna() & (failed == ""), "not_a_date")
    return Typed(values, repaired, failed.mask(values.notna(), ""))


def _plain(cells: pd.Series) -> pd.Series:
    """One spelling: half width, dashes in the day, colons in the time, am or pm behind it, no weekday."""
    text = cells.str.lower()
    wordy = ~text.str.fullmatch(
        r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?: [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: [ap]m)?)?"
    )
    dashed = text[~wordy].str.slice(0, 10).str.replace(r"[/.]", "-", regex=True) + text[~wordy].str.slice(10)
    text = text.mask(~wordy, dashed).mask(wordy, _without_words(text[wordy]))
    impossible = text.str.contains(r" (?:0{1,2}|1[3-9]|2[0-3]):\S+ [ap]m$", regex=True)  # 15:04 pm is 15:04
    return text.mask(impossible, text.str.slice(0, -3)) if impossible.any() else text


def _without_words(text: pd.Series) -> pd.Series:
    words = SPELLINGS["date"]
    text = text.str.normalize("NFKC").str.strip().str.replace(words["weekday"], " ", regex=True)
    for half in ("am", "pm"):
        spoken = "|".join([*words[half], half, f"{half[0]}\\.m\\."])
        text = text.str.replace(rf"(?:{spoken})\s*(\d[\d:]*\S*)", rf"\1 {half}", regex=True)
        text = text.str.replace(rf"\s*(?:{spoken})$", f" {half}", regex=True)
    text = text.str.replace(f"[{words['year']}{words['month']}]", "-", regex=True)
    text = text.str.replace(f"[{''.join(words['day'])}]|(?<=\\d)t(?=\\d)", " ", regex=True)
    text = text.str.replace(f"[{''.join(words['hour'])}{words['minute']}]", ":", regex=True)
    text = text.str.replace(words["second"], "", regex=False)
    text = text.str.replace(r"^(\d{1,4})/(\d{1,4})(?= |$)", r"\1-\2", regex=True)
    text = text.str.replace(r"^(\S{1,4})[/.](\d{1,2}|\w{3})[/.](\S{1,4})", r"\1-\2-\3", regex=True)
    text = text.str.replace(rf"^({_MONTHS})[a-z]*\.?[ -](\d{{1,2}}),?[ -]", r"\1-\2-", regex=True)
    text = text.str.replace(rf"^(\d{{1,2}})[ -]({_MONTHS})[a-z]*\.?,?[ -]", r"\1-\2-", regex=True)
    text = text.str.replace(r"\s+", " ", regex=True).str.replace(r"(?<=\d):(?= |$)", "", regex=True)
    return text.str.replace(r" (\d{1,2})(?= (?:am|pm)|$)", r" \1:00", regex=True).str.rstrip(" -")


def _parsed(plain: pd.Series, day: str, form: str) -> pd.Series:
    """The cells that match a day pattern, with or without a time; a date the calendar does not have stays missing."""
    found = [pd.Series(dtype="datetime64[us]")]
    candidates = plain[plain.str.fullmatch(day + _TIME)]
    for pattern, clock in _TIMES if len(candidates) else ():
        cells = candidates[candidates.str.fullmatch(day + pattern)]
        if len(cells):
            found.append(pd.to_datetime(cells, format=form + clock, errors="coerce").astype("datetime64[us]"))
    return pd.concat([part for part in found if len(part)] or found)


def _settled(plain: pd.Series, dayfirst: bool | None) -> tuple[pd.Series, str, pd.Series]:
    """Dates with the year last, read in the order the column itself settles; which of them nothing settles."""
    here = plain.str.fullmatch(_DAY_FIRST[0] + _TIME)
    days = plain[here].str.slice(0, 6)  # the first two numbers: a million times have few different days
    first_two = days.drop_duplicates().str.extract(r"^(\d{1,2})-(\d{1,2})-").astype("float64")
    numbers = {part: days.map(dict(zip(days.drop_duplicates(), first_two[part], strict=True))) for part in (0, 1)}
    numbers = pd.DataFrame(numbers).reindex(plain.index)
    if dayfirst is None:
        day, month = (numbers[0] > 12).sum(), (numbers[1] > 12).sum()
        sure = max(day, month) >= _SURE * (day + month) > 0
        dayfirst = bool(day > month) if sure else None
    if dayfirst is not None:
        form = _DAY_FIRST if dayfirst else _MONTH_FIRST
        return _parsed(plain[here], *form), "day_first" if dayfirst else "month_first", here & False
    either = here & (numbers[0] == numbers[1])
    days, months = here & (numbers[0] > 12), here & ((numbers[1] > 12) | either)
    parts = [_parsed(plain[days], *_DAY_FIRST), _parsed(plain[months], *_MONTH_FIRST)]
    found = pd.concat([part for part in parts if len(part)] or parts[:1])
    return found, "date_spelling", here & ~days & ~months


def _no_year(plain: pd.Series) -> pd.Series:
    return plain.str.fullmatch(r"\d{1,2}-\d{1,2}" + _TIME)


def _counted(cells: pd.Series, timezone: str) -> list[tuple[pd.Series, str]]:
    """Spreadsheet serials, and seconds or milliseconds since 1970."""
    number, length = pd.to_numeric(cells), cells.str.len()
    serial = number.between(*_SERIAL)
    days = pd.to_datetime(number[serial], unit="D", origin="1899-12-30").dt.round("s").astype("datetime64[us]")
    epoch = [(number[~serial & (length == size)], unit) for size, unit in ((10, "s"), (13, "ms"))]
    times = [_local(pd.to_datetime(part, unit=unit, utc=True), timezone) for part, unit in epoch if len(part)]
    return [(days, "spreadsheet_serial"), *((found, "epoch_time") for found in times)]


def _local(times: pd.Series, timezone: str) -> pd.Series:
    return times.dt.tz_convert(timezone).dt.tz_localize(None).astype("datetime64[us]")
