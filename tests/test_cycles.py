"""Appraisal cycles: every spelling of one quarter, month, half or year is one label; what nobody can tell is none."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlib import cycles, periods

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "appraisals.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("label", "means"), TEXTS["cycles"].items())
def test_a_label_as_sheets_write_it(label, means):
    assert str(cycles.read(label) or "") == means


@pytest.mark.parametrize(("label", "means"), TEXTS["cycles_of_2026"].items())
def test_a_label_without_a_year_takes_the_one_declared(label, means):
    assert str(cycles.read(label, year=2026) or "") == means


def test_the_last_day_of_a_quarter_follows_the_fiscal_year():
    assert f"{cycles.read('2026Q1').last_day:%m-%d}" == "03-31"
    assert f"{cycles.read('2026Q1', fiscal_year_start=4).last_day:%m-%d}" == "06-30"


@given(st.sampled_from(["{y}", "{y}H{p}", "{y}Q{p}", "{y}-0{p}"]), st.integers(1990, 2150), st.integers(1, 2))
def test_what_periods_writes_is_read_back(form, year, part):
    written = form.format(y=year, p=part)
    assert cycles.read(written) == periods.parse(written)


@given(st.text(max_size=12))
def test_any_text_is_a_cycle_or_none(text):
    found = cycles.read(text, year=2026)
    assert found is None or found.first < found.after
