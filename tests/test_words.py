"""Words and numbers: both languages print the same digits, rounded as the interval's width deserves."""

import ast
import math
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import words
from sqlib.words import Cell, Estimate, Listing, Quantity, Term

ROOT = Path(__file__).parents[1]
EXAMPLES = tomllib.loads((Path(__file__).parent / "data" / "words.toml").read_text(encoding="utf-8"))
UNITS = list(words.catalogue("common")["unit"])
MEASURES = [unit for unit in UNITS if unit != "p"]  # a p value has no interval
NUMBER = re.compile(r"[+\N{MINUS SIGN}]?[\d,]*\d(?:\.\d+)?")
VALUES = st.floats(-2e5, 2e5, allow_nan=False)


def value(make: dict):
    ((kind, fields),) = make.items()
    fields = {name: tuple(given) if isinstance(given, list) else given for name, given in fields.items()}
    return getattr(words, kind)(**fields)


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("case", EXAMPLES["day"], ids=lambda case: case["iso"])
def test_days(case, language):
    assert words.day(case["iso"], language) == case[language]


def numbers(text: str) -> list[str]:
    """Numbers with their signs; the sign of a currency stands between."""
    return NUMBER.findall(re.sub(r"[A-Z]*[$\u00a3\u20ac\u00a5]|MOP ", "", text))


def read(text: str) -> float:
    return float(text.replace(",", "").replace(words.MINUS, "-"))


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("case", EXAMPLES["case"], ids=lambda case: case["en"][:24])
def test_examples(case, language):
    assert words.worded(value(case["make"]), language) == case[language]


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_plain_values_of_python_and_of_numpy_read_alike(language):
    assert [words.worded(each, language) for each in (1234, 0.5, True, False, None, "<b>")] == EXAMPLES["plain"][
        language
    ]
    assert words.worded(np.int64(1234), language) == words.worded(1234, language)
    assert words.worded(np.float64(0.5), language) == words.worded(np.float32(0.5), language)


@settings(deadline=None)
@given(VALUES, st.sampled_from(UNITS), st.booleans())
def test_both_languages_print_the_same_digits(number, unit, signed):
    zh, en = (words.number(number, unit, language, signed=signed) for language in words.LANGUAGES)
    assert numbers(zh) == numbers(en) != []


@settings(deadline=None)
@given(VALUES, st.sampled_from(UNITS), st.integers(0, 4), st.booleans())
def test_the_digits_are_the_number_rounded(number, unit, digits, signed):
    spec = words.entry("common", "unit", unit)
    (printed,) = numbers(words.number(number, unit, "en", digits=digits, signed=signed))
    if 0 <= number < spec.get("least", 0):
        assert float(printed) == spec["least"]
        return
    scaled = number * spec["factor"]
    assert abs(read(printed) - scaled) <= 0.5 * 10**-digits * (1 + 1e-9) + 1e-9
    assert printed[0] != "-" and (printed[0] == words.MINUS) == (read(printed) < 0)
    assert (printed[0] == "+") == (signed and read(printed) > 0)
    assert len(printed.partition(".")[2]) == digits


@settings(deadline=None)
@given(st.floats(1e-7, 1e4), st.sampled_from(UNITS))
def test_decimals_reach_the_first_digit_of_the_standard_error(width, unit):
    spec, digits = words.entry("common", "unit", unit), words.decimals(1.0, 1.0 + width, unit)
    error = ((1.0 + width) - 1.0) * spec["factor"] / 4
    assert 0 <= digits <= spec["digits"]
    assert digits == spec["digits"] or 10**-digits <= error * (1 + 1e-9)  # the last digit printed is not noise
    assert digits == 0 or error < 10 ** (1 - digits)  # and not coarser than it need be


@settings(deadline=None)
@given(st.tuples(VALUES, VALUES, VALUES).map(sorted), st.sampled_from(MEASURES), st.booleans(), st.booleans())
def test_a_printed_estimate_lies_in_its_printed_interval(ends, unit, signed, bound):
    low, middle, high = ends
    estimate = Estimate(middle, low, high, unit, 7, signed=signed)
    printed = [words.interval(estimate, language, bound=bound) for language in words.LANGUAGES]
    found = [[numbers(part) for part in parts] for parts in printed]
    assert found[0] == found[1]
    shown, least, most = (read(part[0]) for part in found[0])
    assert least <= shown <= most
    assert len({len(part[0].partition(".")[2]) for part in found[0]}) == 1


@settings(deadline=None)
@given(st.tuples(VALUES, VALUES, VALUES).map(sorted), st.sampled_from(MEASURES), st.integers(0, 10**6))
def test_a_sentence_says_the_same_numbers_in_both_languages(ends, unit, n):
    estimate = Estimate(ends[1], ends[0], ends[2], unit, n)
    assert len({tuple(numbers(words.worded(estimate, language))) for language in words.LANGUAGES}) == 1


def test_a_bound_is_printed_without_the_unit_that_is_not_repeated():
    assert words.number(0.0789, "points", "en", bound=True) == words.number(0.0789, "points", "zh", bound=True) == "7.9"
    assert words.number(0.0789, "percent", "en", bound=True) == "7.9%"


def test_values_are_worded_inside_a_template_and_braces_in_them_stay():
    text = words.fill(
        "{a} of {b}: {c}", {"a": Quantity(3), "b": Listing((Cell("channel", "phone"), "x")), "c": "{d}"}, "en"
    )
    assert text == "3 of Phone, x: {d}"


def test_a_missing_entry_is_named():
    with pytest.raises(KeyError, match=r"words/common\.toml has no entry verdict\.nonsense"):
        words.text("common", "verdict", "nonsense", language="en")


def test_the_colour_of_a_rise_turns_where_low_is_best():
    assert (words.tone("higher"), words.tone("higher", "low")) == ("good", "bad")
    assert (words.tone("lower"), words.tone("lower", "low")) == ("bad", "good")
    assert words.tone("met", "low") == words.tone("met") == "good"


# ---------------------------------------------------------------- the codes the package uses


def calls(*names: str):
    """Every call of one of these names in the package, with its module."""
    for path in (ROOT / "sqlib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in names:
                yield path, node


def test_every_term_used_in_the_package_has_its_group_and_its_code():
    common, seen = words.catalogue("common"), 0
    for path, node in calls("Term"):
        group, code = node.args[:2]
        if isinstance(group, ast.Constant) and group.value != "theme":  # themes are worded by the code book
            ends = [code.body, code.orelse] if isinstance(code, ast.IfExp) else [code]
            spelled = {end.value for end in ends if isinstance(end, ast.Constant)}
            assert spelled <= set(common[group.value]), path
            seen += 1
    assert seen >= 5


def test_every_entry_the_package_names_outright_exists():
    """Calls of words.text and words.entry whose path is spelled out, as far as it is."""
    seen = 0
    for _, node in calls("text", "entry"):
        if not ast.unparse(node.func).startswith(("words.", "text", "entry")):
            continue
        steps = []
        for argument in node.args:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                break
            steps.append(argument.value)
        if steps:
            seen += 1
            words.entry(*steps)
    assert seen >= 20


def test_every_unit_has_what_a_number_needs():
    for unit, spec in words.catalogue("common")["unit"].items():
        assert set(spec) >= {"factor", "digits", *words.LANGUAGES}, unit
        assert all(spec[language].count("{}") == 1 for language in words.LANGUAGES), unit
        assert math.log10(spec["factor"]).is_integer(), unit


def test_every_verdict_and_strength_carries_a_mark_beside_its_colour():
    tones = {"good", "warn", "bad", "neutral"}
    for code, spec in words.catalogue("common")["verdict"].items():
        assert spec["mark"] and {spec["tone"], words.tone(code, "low")} <= tones, code
    marks = [spec["mark"] for spec in words.catalogue("common")["strength"].values()]
    assert len(set(marks)) == len(marks) and all(marks)


def test_terms_of_a_closed_list_exist():
    for group, code in (("strength", "exact"), ("flag", "true"), ("term", "not_counted"), ("comparable", "undated")):
        assert all(words.worded(Term(group, code), language) for language in words.LANGUAGES)


@pytest.mark.parametrize(
    ("currency", "language", "said"),
    [("CNY", "zh", "\u22123,400\u5143"), ("CNY", "en", "\u22123,400 yuan"), ("GBP", "en", "\u2212\u00a33,400")],
)
def test_money_is_worded_in_the_currency_of_the_client(currency, language, said):
    unit = words.in_currency("money", currency)
    assert words.number(-3400, unit, language) == said
    assert words.in_currency("interval money", currency) == f"interval {currency}"
    assert words.in_currency("money_raw", currency) == "money_raw"


def test_every_currency_is_a_unit_of_texts_and_of_workbooks():
    for currency in words.entry("common", "money")["currencies"]:
        assert {"zh", "en", "excel"} <= set(words.entry("common", "unit", currency))
        assert {"zh", "en"} <= set(words.entry("columns", "unit", currency))


@pytest.mark.parametrize("currency", words.entry("common", "money")["currencies"])
def test_every_currency_has_its_unit_its_name_and_its_format_of_a_cell(currency):
    spec = words.entry("common", "unit", currency)
    plus, minus = (words.number(value, currency, "en", signed=True) for value in (1234.0, -1234.0))
    assert plus.startswith("+") and minus.startswith(words.MINUS) and "1,234" in plus
    assert spec["excel"].endswith("#,##0")
    assert {"zh", "en"} <= words.entry("columns", "unit", currency).keys()
    assert words.in_currency("interval money", currency) == f"interval {currency}"


def test_money_stands_in_the_currency_of_the_client():
    assert words.number(-1234.5, "GBP", "en") == f"{words.MINUS}\u00a31,234"
    assert words.in_currency("money", "GBP") == "GBP"
    assert words.in_currency("moneyed", "GBP") == "moneyed"
