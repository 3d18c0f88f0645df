"""Periods: spellings, bounds that tile the year, neighbours; fiscal years beginning in any month."""

import tomllib
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sqlib.errors import ArgumentError
from sqlib.periods import compared, parse, previous, same_last_year

CASES = tomllib.loads((Path(__file__).parent / "data" / "periods.toml").read_text(encoding="utf-8"))
DAY = pd.Timedelta(days=1)

YEARS = st.integers(1950, 2150)
STARTS = st.integers(1, 12)
NAMED = st.one_of(
    YEARS.map(str),
    st.builds("{}H{}".format, YEARS, st.integers(1, 2)),
    st.builds("{}Q{}".format, YEARS, st.integers(1, 4)),
    st.builds("{}-{:02}".format, YEARS, st.integers(1, 12)),
)
DATES = st.dates(pd.Timestamp("2000-01-01").date(), pd.Timestamp("2049-12-31").date())
RANGES = st.tuples(DATES, DATES).map(lambda days: f"{min(days)}..{max(days)}")
ANY = st.one_of(NAMED, RANGES)


@pytest.mark.parametrize("case", CASES["spelling"], ids=lambda case: case["written"].strip())
def test_spellings(case):
    period = parse(case["written"], case.get("fiscal_year_start", 1))
    assert period.text == str(period) == case["text"]
    assert [f"{day:%Y-%m-%d}" for day in (period.start, period.last_day)] == case["days"]
    assert period.end == period.last_day + DAY


def test_a_year_may_be_a_number():
    assert parse(2026) == parse("2026")


@pytest.mark.parametrize(
    ("name", "written"), [(name, text) for name, texts in CASES["refused"].items() for text in texts]
)
def test_what_is_no_period_is_refused_by_name(name, written):
    with pytest.raises(ArgumentError) as caught:
        parse(written, where="client.toml: period.default")
    assert caught.value.code == f"periods.{name}" and caught.value.values["got"] == written
    assert caught.value.parts("en")["where"] == "client.toml: period.default"


@settings(deadline=None)
@given(ANY, STARTS)
def test_a_period_reads_back_as_itself(text, start):
    period = parse(text, start)
    assert parse(period.text, start) == period and period.text == text
    assert period.start < period.end


@settings(deadline=None)
@given(YEARS, STARTS)
def test_the_parts_of_a_year_tile_it(year, start):
    whole = parse(year, start)
    assert whole.start == pd.Timestamp(year, start, 1)
    for letter, parts in (("H", 2), ("Q", 4)):
        tiles = [parse(f"{year}{letter}{part}", start) for part in range(1, parts + 1)]
        assert (tiles[0].start, tiles[-1].end) == (whole.start, whole.end)
        assert all(one.end == two.start for one, two in pairwise(tiles))
    months = [parse(f"{year}-{month:02}", start) for month in range(1, 13)]
    assert all(one.end == two.start for one, two in pairwise(months))


@settings(deadline=None)
@given(NAMED, STARTS)
def test_the_previous_period_ends_where_this_one_begins(text, start):
    period = parse(text, start)
    before = previous(period, start)
    assert (before.end, before.months) == (period.start, period.months)
    assert parse(before.text, start) == before


@settings(deadline=None)
@given(RANGES)
def test_days_before_a_range_are_as_many(text):
    period = parse(text)
    before = previous(period)
    assert before.end == period.start and before.end - before.start == period.end - period.start
    assert parse(before.text) == before


@settings(deadline=None)
@given(NAMED, STARTS)
def test_a_year_back_step_by_step_is_the_same_season_last_year(text, start):
    period = stepped = parse(text, start)
    for _ in range(12 // period.months):
        stepped = previous(stepped, start)
    assert stepped == same_last_year(period, start)
    assert stepped.text[4:] == period.text[4:] and int(stepped.text[:4]) == int(period.text[:4]) - 1


@example("2024-02-01..2024-02-28")
@example("2024-02-29..2024-02-29")
@settings(deadline=None)
@given(RANGES)
def test_a_range_last_year_has_the_same_first_and_last_day(text):
    period = parse(text)
    before = same_last_year(period)
    for day, old in ((period.start, before.start), (period.last_day, before.last_day)):
        leap = (day.month, day.day) == (2, 29)
        assert old == pd.Timestamp(day.year - 1, day.month, 28 if leap else day.day)
    assert parse(before.text) == before


@settings(deadline=None)
@given(ANY, STARTS, st.lists(DATES, max_size=20))
def test_every_time_is_in_one_of_before_within_after(text, start, days):
    period = parse(text, start)
    times = pd.Series(pd.to_datetime([*days, None, period.start, period.end, period.end - pd.Timedelta(seconds=1)]))
    inside = period.contains(times)
    assert inside.tolist()[-4:] == [False, True, False, True]
    assert inside.tolist()[: len(days)] == [period.start <= pd.Timestamp(day) < period.end for day in days]


def test_what_to_compare_with():
    period = parse("2026Q1")
    texts = [compared(period, how).text for how in ("previous", "same-last-year", "2024-05")]
    assert texts == ["2025Q4", "2025Q1", "2024-05"]
    assert compared(period, "none") is None
    assert compared(parse("2026Q1", 4), "previous", 4).text == "2025Q4"


@pytest.mark.parametrize("text", ["yesterday", "", "Previous", "2026-07-01..2026-06-01"])
def test_an_unknown_comparison_is_refused(text):
    with pytest.raises(ArgumentError) as caught:
        compared(parse("2026Q1"), text)
    assert caught.value.code == "periods.unknown_comparison" and caught.value.values == {"got": text}
