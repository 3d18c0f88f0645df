"""Dates in every spelling met in exports; no part of a date is ever invented."""

import datetime as dt
import zoneinfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed import TEXTS

from sqlib import dates

TIMES = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2049, 12, 31)).map(lambda t: t.replace(microsecond=0))
SPELLINGS = ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S"]
SPELLINGS += ["%Y-%m-%d %I:%M:%S %p", "%d %b %Y %H:%M:%S", "%B %d, %Y %H:%M:%S"]


def read(*cells, **declared) -> dates.Typed:
    return dates.datetimes(pd.Series(cells, dtype="str"), timezone="Asia/Shanghai", **declared)


@settings(max_examples=30, deadline=None)
@given(TIMES, st.sampled_from(SPELLINGS))
def test_a_time_is_read_back_from_every_spelling(time, spelling):
    found = read(time.strftime(spelling))
    assert found.values[0] == time and found.failed[0] == ""


@settings(max_examples=30, deadline=None)
@given(TIMES, st.booleans())
def test_declared_order_of_day_and_month(time, dayfirst):
    form = "%d/%m/%Y %I:%M:%S %p" if dayfirst else "%m/%d/%Y %I:%M:%S %p"
    assert read(time.strftime(form), dayfirst=dayfirst).values[0] == time


@settings(max_examples=30, deadline=None)
@given(TIMES)
def test_seconds_since_1970_and_zones_become_local_time(time):
    aware = time.replace(tzinfo=zoneinfo.ZoneInfo("Asia/Shanghai"))
    stamps = [str(int(aware.timestamp())), str(int(aware.timestamp() * 1000)), aware.astimezone(dt.UTC).isoformat()]
    if len(stamps[0]) == 10:
        found = read(*stamps)
        assert (found.values == time).all()
        assert list(found.repaired) == ["epoch_time", "epoch_time", "zone_converted"]


@settings(max_examples=30, deadline=None)
@given(st.dates(dt.date(1955, 1, 1), dt.date(2100, 1, 1)))
def test_spreadsheet_serials(day):
    serial = (day - dt.date(1899, 12, 30)).days
    assert list(read(str(serial), f"{serial}.5").values) == [
        pd.Timestamp(day),
        pd.Timestamp(day) + pd.Timedelta(hours=12),
    ]


@pytest.mark.parametrize(("written", "iso"), TEXTS["dates"].items())
def test_chinese_spellings(written, iso):
    found = read(written)
    assert found.values[0] == pd.Timestamp(iso) and found.repaired[0] == "date_spelling"


@pytest.mark.parametrize(
    "written", ["2026-02-30", "abc", "12:30", "2026-07-03 25:00", "45000000", "26-7-3", "2026-13-01", "0"]
)
def test_what_is_no_date_stays_missing(written):
    found = read(written)
    assert found.values.isna()[0] and found.failed[0] == "not_a_date"


def test_parts_that_are_not_given_are_not_invented():
    found = read(TEXTS["words"]["yearless"], "7/3", TEXTS["words"]["month"], "2026-07")
    assert found.values.isna().all()
    assert list(found.failed) == ["date_without_year", "date_without_year", "date_without_day", "date_without_day"]
    assert list(read(TEXTS["words"]["yearless"], "7/3", year=2026).values) == [pd.Timestamp(2026, 7, 3)] * 2


def test_the_column_settles_the_order_of_day_and_month():
    assert read("3/4/2026", "13/4/2026").values[0] == pd.Timestamp(2026, 4, 3)
    assert read("3/4/2026", "4/13/2026").values[0] == pd.Timestamp(2026, 3, 4)
    assert list(read("3/4/2026", "13/4/2026").repaired) == ["day_first", "day_first"]


def test_an_order_nothing_settles_is_a_problem():
    found = read("3/4/2026", "5/5/2026")
    assert list(found.failed) == ["ambiguous_date", ""] and found.values[1] == pd.Timestamp(2026, 5, 5)
    mixed = read("3/4/2026", "13/4/2026", "4/13/2026")
    assert list(mixed.failed) == ["ambiguous_date", "", ""]


def test_one_slip_does_not_unsettle_a_column():
    found = read(*[f"{day}/{month}/2026" for day in range(1, 29) for month in (4, 5)], "4/13/2026")
    assert (found.failed[:-1] == "").all() and found.failed.iloc[-1] == "not_a_date"


def test_days_without_a_time():
    cells = pd.Series(["2026-07-03", "2026-07-03 00:00", "46206", "46206.5", "1783036800", None], dtype="str")
    assert dates.without_time(cells).tolist() == [True, False, True, False, False, False]
