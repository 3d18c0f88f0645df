import pandas as pd
import pytest

from sqlib import contracts, questions

CONTRACT = contracts.load("feedback")


def raw(**columns) -> pd.DataFrame:
    return pd.DataFrame({"source_file": "a.csv", "source_row": range(100)} | columns).astype({"source_file": "str"})


def kept(header: str, answers: list) -> bool:
    return header in questions.kept(raw(**{header: pd.Series(answers * (100 // len(answers)), dtype="str")}), CONTRACT)


@pytest.mark.parametrize(("header", "answers"), [
    ("How did you hear of us?", ["friend", "advert", "web", "other"]),
    ("Are you satisfied with the identity check?", ["yes", "no"]),
    ("Which services?", ["tax;payroll", "tax", "payroll;audit", None]),
    ("Q7", ["1", "2", "3", "4", "5"]),
])  # fmt: skip
def test_questions_with_few_answers_are_kept(header, answers):
    assert kept(header, answers)


@pytest.mark.parametrize(("header", "answers"), [
    ("Contact name", ["Ann", "Bob"]),
    ("id", ["a", "b"]),
    ("Q8", ["13800138000", "13900139000"]),
    ("Q9", ["a@b.example", "c@d.example"]),
    ("Q10", ["2026-01-02", "2026-01-03"]),
    ("Q11", ["x" * 70, "short"]),
    ("Q12", ["only one"]),
    ("Q13", [f"answer {chr(97 + place)}" for place in range(25)]),
    ("Q14", [None]),
])  # fmt: skip
def test_what_may_identify_somebody_or_hardly_recurs_is_left(header, answers):
    assert not kept(header, answers)


def test_a_column_of_the_contract_is_no_other_question():
    assert questions.kept(raw(channel=["phone", "web"] * 50), CONTRACT).empty


def test_several_choices_are_several_rows():
    wide = pd.DataFrame({"Which?": pd.Series(["tax\u250bpayroll", "tax", None], dtype="category")})
    feedback = pd.DataFrame({"feedback_id": ["a", "b", "c"], "cluster": ["x", "x", "y"]})
    long = questions.chosen(wide, feedback)
    rows = [("Which?", "tax", "a", "x"), ("Which?", "payroll", "a", "x"), ("Which?", "tax", "b", "x")]
    assert list(long.itertuples(index=False, name=None)) == rows


def test_only_the_answers_of_the_period_are_counted():
    wide = pd.DataFrame({"Which?": pd.Series(["tax", "payroll"], dtype="category")})
    feedback = pd.DataFrame({"feedback_id": ["b"], "cluster": ["y"]}, index=[1])
    assert questions.chosen(wide, feedback)["answer"].to_list() == ["payroll"]
