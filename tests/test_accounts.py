"""What a report on appraisals rests on: the grade, the strip, the limits."""

import pytest
from client_folder import write
from test_appraisal_page import BLOCK, HEAD, RULES, sheet

from sqlib import page, words
from sqlib.accounts import appraisals

GRADES = {  # ratings, people, share with several raters, share set aside -> grade, what lowered it
    (100, 20, 1.0, 0.0): ("A", []),
    (30, 10, 1.0, 0.02): ("A", []),
    (100, 20, 1.0, 0.05): ("B", ["aside"]),
    (100, 20, 0.6, 0.0): ("B", ["some_alone"]),
    (100, 20, 0.6, 0.2): ("C", ["some_alone", "aside"]),
    (100, 20, 0.0, 0.0): ("C", ["nobody_shared"]),
    (100, 9, 1.0, 0.0): ("D", ["few_people"]),
    (29, 20, 1.0, 0.0): ("D", ["few_people"]),
    (0, 0, 0.0, 0.5): ("D", ["few_people", "nobody_shared", "aside"]),
}
OWN = 'P00,P00,care,2026Q3,T0,99\nP01,P01,care,2026Q3,T0,"150"\n'


@pytest.mark.parametrize("case", GRADES)
def test_the_grade_and_what_lowered_it(case):
    assert appraisals.grade(*case) == GRADES[case]
    for gap in GRADES[case][1]:
        assert all(words.entry("page", "gap", gap)[language] for language in words.LANGUAGES)


@pytest.fixture(params=words.LANGUAGES)
def reading(tmp_path, request) -> page.Page:
    text = sheet() + OWN + "P02,R1,care,2026Q3,T0,101\n"
    write(tmp_path / "acme", BLOCK, HEAD + RULES, a__csv=text)
    return page.open("appraisal_calibration", str(tmp_path / "acme"), language=request.param)


def test_the_strip_counts_what_is_judged_apart_from_self_ratings_and_what_is_set_aside(reading):
    judged = reading.read("judged")
    expected = [len(judged), judged["ratee_id"].nunique(), judged["rater_id"].nunique(), 1, 2]
    said = appraisals.numbers(reading)
    assert [number for number, _ in said] == [str(count) for count in expected] == ["96", "16", "4", "1", "2"]
    assert len({label for _, label in said}) == 5
    assert "100" in appraisals.line(reading)


def test_the_grade_of_a_reading_is_that_of_its_rows(reading):
    letter, gaps = appraisals.reliability(reading)
    assert (letter, gaps) == ("A", [])


def test_limits_are_worded_and_name_the_self_ratings(reading):
    found = appraisals.limits(reading)
    assert set(found) == {"self_apart"}
    for code in (*found, *appraisals.ALWAYS):
        assert words.text("page", "limit", code, language=reading.language)


def test_without_a_judged_rating_there_is_no_strip_and_the_grade_is_the_lowest(tmp_path):
    write(tmp_path / "acme", BLOCK, HEAD, a__csv=sheet(periods=("2025Q1",)))
    reading = page.open("appraisal_calibration", str(tmp_path / "acme"), language="en")
    assert appraisals.numbers(reading) == [] and appraisals.line(reading) == ""
    letter, gaps = appraisals.reliability(reading)
    assert letter == "D" and len(gaps) >= 1 and all(gaps)
