"""Values of indicators as printed: per cent are numbers of 100, shares are not."""

import pytest

from sqlib import contracts, words
from sqlib import indicator_units as units

KNOWN = list(contracts.load("indicators").columns["unit"].levels)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("unit", "value"), [("percent", 85.0), ("share", 0.85)])
def test_per_cent_and_shares_print_alike(unit, value, language):
    assert words.number(value, units.level(unit), language) == "85%"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_changes_of_both_are_percentage_points(language):
    told = {words.number(value, units.change(unit), language, signed=True)
            for unit, value in (("percent", 2.5), ("share", 0.025))}  # fmt: skip
    assert len({text.lstrip("+0123456789.") for text in told}) == 1 and all(text.startswith("+2.5") for text in told)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("unit", [*KNOWN, "full-time equivalents", None, float("nan")])
def test_every_unit_of_the_contract_and_any_other_prints_the_value_it_has(unit, language):
    factor, value = (100, 0.12) if unit == "share" else (1, 12.0)
    for key in (units.level(unit), units.change(unit)):
        key = words.in_currency(key, "CNY")
        assert words.entry("common", "unit", key)["factor"] == factor
        assert "12" in words.number(value, key, language)
