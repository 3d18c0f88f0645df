"""Guesses: ugly exports of several trades and the open real files, column by column; never wrong and unmarked."""

import sys
from pathlib import Path

import pandas as pd
import pytest
import ugly_files
from hypothesis import given, settings
from hypothesis import strategies as st
from typed import SHARED

from sqlib import contracts, guesses, sheets

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import guessing

DATA = SHARED / "data"


def guessed(folder: Path, name: str) -> guesses.Proposal:
    sheet = sheets.read(folder, ugly_files.write(folder / "raw", name))[0]
    return guesses.guess(sheet.body, sheet.repeated)


def outcomes(found: guesses.Proposal, truth: dict[str, set[str]]) -> dict[str, str]:
    told = {}
    for row in found.columns.itertuples():
        right = truth[row.column]
        fits = not row.field and "" in right
        told[row.column] = "right" if fits else guessing.outcome(row.field, row.certainty, right - {""})
    return told


@pytest.mark.parametrize("name", ugly_files.FILES)
def test_ugly_exports_are_mapped_and_what_is_wrong_is_marked(tmp_path, name):
    entry = ugly_files.FILES[name]
    found = guessed(tmp_path, name)
    assert found.table == entry["table"]
    assert found.columns["column"].tolist() == [column["header"] for column in entry["columns"]]
    told = outcomes(found, ugly_files.truth(entry))
    assert "unmarked" not in told.values(), told
    assert list(told.values()).count("right") >= 0.8 * len(told), told


@pytest.mark.parametrize("name", ugly_files.FILES)
def test_personal_columns_are_never_proposed_nor_shown(tmp_path, name):
    found = guessed(tmp_path, name)
    personal = found.columns[found.columns["certainty"] == guesses.PERSONAL]
    assert (personal["field"] == "").all()
    assert not found.columns["samples"].str.contains(r"1[3-9]\d{9}|\d{17}|@|10\.0\.").any()


def test_one_field_is_proposed_once_and_questions_get_their_scale(tmp_path):
    found = guessed(tmp_path, list(ugly_files.FILES)[6])
    fields = found.columns.loc[~found.columns["field"].isin(["", guesses.ITEM]), "field"]
    assert fields.is_unique and set(fields) <= set(contracts.load("feedback").columns)
    assert found.ends == {"score": (1.0, 5.0), "items": (1.0, 5.0)}


def test_a_scale_that_changes_on_the_way_is_not_declared():
    days = pd.date_range("2026-01-01", periods=400).strftime("%Y-%m-%d")
    old, new = [str(n % 5 + 1) for n in range(200)], [str(n % 10 + 1) for n in range(200)]
    body = pd.DataFrame({"review date": days, "score": old + new, "comment": ["slow but kind"] * 400})
    assert guesses.guess(body).table == "feedback"
    assert all(map(pd.isna, guesses.guess(body).ends["score"]))
    assert guesses.guess(body.iloc[:200]).ends["score"] == (1.0, 5.0)


def test_a_score_without_a_scale_is_no_score():
    body = pd.DataFrame({"score": [str(n) for n in range(1000, 1200)], "comment": ["slow but kind, I came back"] * 200})
    found = guesses.guess(body).columns.set_index("column")["field"]
    assert found["score"] == ""


def test_a_sheet_of_appraisals_is_known_and_answers_of_customers_are_none():
    rows = {"Employee no": [f"S{n % 7:02}" for n in range(42)], "Rater": ["Ann Lee", "Bo Berg", "Cy Dahl"] * 14,
            "Appraisal cycle": ["2026Q3"] * 42, "Criterion": ["manner", "skill"] * 21,
            "Rating": [str(n % 5 + 1) for n in range(42)]}  # fmt: skip
    found = guesses.guess(pd.DataFrame(rows))
    fields = found.columns.set_index("column")["field"].to_dict()
    assert (found.table, found.certainty) == ("appraisals", guesses.SURE)
    assert list(fields.values()) == ["ratee_id", "rater_name", "period", "criterion_id", "score"]
    served = pd.DataFrame(
        {"Agent": rows["Rater"], "Rating": rows["Rating"], "Comment": ["slow but kind, I came back"] * 42}
    )
    assert guesses.guess(served).table == "feedback"


def test_shares_already_counted_up_are_no_answers():
    body = pd.DataFrame({"Team": ["a", "b"], "score": ["4", "5"], "Top-box percentage": ["80", "90"]})
    assert guesses.guess(body).table == ""


def test_an_odd_word_among_worded_answers_waits_for_a_person():
    words = ["very satisfied", "satisfied", "neutral", "dissatisfied"] * 50 + ["so-so"]
    body = pd.DataFrame({"satisfaction": words, "date": "2026-07-01", "comment": "well done, thank you"})
    found = guesses.guess(body)
    assert found.columns.set_index("column").loc["satisfaction", "certainty"] == guesses.CHECK
    assert found.levels.set_index("value")["meaning"].to_dict()["so-so"] == ""
    assert found.levels.set_index("value")["meaning"].to_dict()["very satisfied"] == "5"


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12), min_size=1, max_size=6,
        unique=True,
    ),
    st.lists(st.sampled_from(["", "5", "2026-07-01", "x", "13800138000", "yes"]), min_size=1, max_size=8),
)  # fmt: skip
def test_any_sheet_gets_a_proposal_with_every_column_and_each_field_once(headers, values):
    body = pd.DataFrame({header: values for header in headers}, dtype="str")
    found = guesses.guess(body)
    assert found.columns["column"].tolist() == headers
    fields = found.columns.loc[~found.columns["field"].isin(["", guesses.ITEM]), "field"]
    assert fields.is_unique


@pytest.mark.skipif(not DATA.is_dir(), reason="shared folder absent")
def test_the_open_real_files_are_mapped_by_guess_alone():
    found = guessing.measured(DATA)
    sums = found[["columns", *guessing.OUTCOMES]].sum()
    assert sums["unmarked"] == 0, found.loc[found["unmarked"] > 0, ["file", "wrong"]].to_string()
    assert sums["right"] >= 0.8 * sums["columns"] and sums["columns"] > 600
    fitting = found[found["file"].isin(guessing.truths())]
    assert fitting["right"].sum() >= 0.8 * fitting["columns"].sum()
