"""Problems as a product: all of them, worded, grouped on screen, in full in a workbook in the client's language."""

import dataclasses
import re

import openpyxl
import pandas as pd
import pytest
from typed import TEXTS, built, client, raw

from sqlib import forms, masking, problems, words

ENGLISH = re.compile(r"[A-Za-z]{3,}")
SHEETS = ["repairs", "quarantine", "balance", "readiness", "unknown"]


@pytest.fixture
def checked(tmp_path):
    scores = ["7", "8"] * 150 + ["5", "4", "x1"]
    feedback = raw(
        feedback_id=[f"A{i}" for i in range(303)], score=scores, received_at=["2026/7/3"] * 303,
        comment=["=1+1"] * 303, channel=["Fax"] * 303, scale_min="1", scale_max="5", Extra=["z"] * 303,
    )  # fmt: skip
    return {
        "feedback": built(tmp_path, feedback),
        "customers": built(tmp_path, raw("customers", customer_id=["1", None])),
    }


def test_on_screen_one_line_a_group(checked):
    shown = problems.screen(checked, "en")
    assert list(shown.columns) == [
        "Severity", "Table", "File", "Column", "Problem", "Rows affected", "Rows", "Examples", "Row used", "Remedy"
    ]  # fmt: skip
    outside = shown[shown["Problem"] == words.entry("problems", "rule", "score_on_scale")["en"]["what"]].iloc[0]
    assert outside["Rows affected"] == 300 and outside["Rows"] == "2, 3, 4 …" and outside["Examples"] == "7, 8"
    assert outside["Severity"] == "error" and outside["Row used"] == "not used" and outside["Column"] == "Score"


def test_chinese_is_chinese(checked):
    shown = problems.screen(checked, "zh")
    texts = [*shown.columns, *shown[shown.columns[[0, 1, 3, 4, 8]]].to_numpy().ravel()]
    assert not [text for text in texts if ENGLISH.search(str(text))]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_workbook_lists_up_to_200_a_group_and_says_how_many_more(checked, tmp_path, language):
    path = problems.write_problems(client(tmp_path), checked, tmp_path / "problems.xlsx", language)
    book = openpyxl.load_workbook(path)
    titles = [sheet.title[language] for sheet in forms.load("problems").sheets.values()]
    titles += [words.entry("problems", "sheets", name)[language] for name in SHEETS]
    assert book.sheetnames[1:-1] == titles  # between how to fill it in and the choices
    sheets = [list(book[name].iter_rows(values_only=True)) for name in titles if name != titles[1]]
    outside = words.entry("problems", "rule", "score_on_scale")[language]["what"]
    listed = [row for row in sheets[0][1:] if row[6] == outside]
    assert len(listed) == 201 and listed[200][5] == words.entry("problems", "more")[language].format(count=100)
    assert len(sheets[2]) == 1 + 302 and sheets[3][-1][2:4] == (2, 1)
    spelling = words.entry("problems", "repair", "date_spelling")[language]
    repaired = [row for row in sheets[1] if row[3] == spelling]
    assert len(repaired) == 200 and repaired[0][4] == 303


def test_rows_are_written_back_as_delivered(checked, tmp_path):
    book = openpyxl.load_workbook(problems.write_problems(client(tmp_path), checked, tmp_path / "p.xlsx", "en"))
    rows = list(book["Rows set aside"].iter_rows(values_only=True))
    head = {name: place for place, name in enumerate(rows[0])}
    assert rows[1][head["Row"]] == 2 and rows[1][head["score"]] == "7" and rows[1][head["comment"]] == "=1+1"
    assert rows[1][head["Extra"]] == "z"


def test_personal_numbers_in_unmapped_columns_are_masked(tmp_path):
    table = built(tmp_path, raw(score=["7"], scale_min="1", scale_max="5", Extra=["call 13812345678"]))
    path = problems.write_problems(client(tmp_path), {"feedback": table}, tmp_path / "p.xlsx", "en")
    rows = list(openpyxl.load_workbook(path)["Rows set aside"].iter_rows(values_only=True))
    assert rows[1][rows[0].index("Extra")] == masking.mask("call 13812345678", language="en")
    assert "138" not in rows[1][rows[0].index("Extra")]


def test_repairs_of_unmapped_columns_are_masked(tmp_path):
    table = built(tmp_path, raw(score=["7"], scale_min="1", scale_max="5"))
    line = {"file": "raw/a.csv", "row": 2, "rule": "column_mapped", "before": "13812345678 ", "after": "13812345678"}
    log = pd.DataFrame([line | {"column": name} for name in ("Extra", "comment")], columns=list(table.repairs))
    path = problems.write_problems(
        client(tmp_path), {"feedback": dataclasses.replace(table, repairs=log)}, tmp_path / "p.xlsx", "en"
    )
    rows = list(openpyxl.load_workbook(path)["Repairs"].iter_rows(values_only=True))
    shown = {row[rows[0].index("Column")]: row[rows[0].index("Before")] for row in rows[1:]}
    mapped = next(value for name, value in shown.items() if name != "Extra")
    assert "138" not in shown["Extra"] and "138" in mapped


def test_the_balance_of_every_table(checked):
    balance = problems.balance(checked, "en")
    assert balance["Table"].tolist() == ["Customer feedback"] * 2 + ["Customers"] * 2
    assert (balance.drop(columns=["Table", "File", "Data rows"]).sum(axis=1) == balance["Data rows"]).all()
    assert set(problems.balance(checked, "zh")[words.entry("problems", "balance", "file")["zh"]]) >= {"raw/a.csv"}


def test_every_wording_is_complete():
    catalogue = words.catalogue("problems")
    for entry in catalogue["rule"].values():
        assert all(
            set(entry[language]) == {"what", "remedy"} and all(entry[language].values()) for language in ("zh", "en")
        )
    for group in ("repair", "headings", "sheets", "severity", "used", "balance"):
        assert all(set(entry) == {"zh", "en"} and all(entry.values()) for entry in catalogue[group].values()), group


def test_a_header_is_unused_only_where_no_table_takes_it_from_its_file(checked):
    feedback = leaving(checked["feedback"], "Extra", "speed")  # the item table reads speed from the same file
    items = leaving(checked["feedback"], "Extra", "score")
    assert problems.unknown({"feedback": feedback, "feedback_items": items}, "en")["Column"].tolist() == ["Extra"]
    assert problems.unknown({"feedback": feedback}, "en")["Column"].tolist() == ["Extra", "speed"]


def leaving(table, *headers):
    """The table as if nobody had mapped these headers of its file."""
    unknown = pd.DataFrame({"file": table.counts["file"].iloc[0], "column": headers})
    return dataclasses.replace(table, unknown=unknown)


def test_a_clean_table_gives_an_empty_list(tmp_path):
    table = built(tmp_path, raw(score=["5"], scale_min="1", scale_max="5", comment=[TEXTS["words"]["comment"]]))
    assert problems.screen({"feedback": table}, "zh").empty
    assert problems.write_problems(client(tmp_path), {"feedback": table}, tmp_path / "p.xlsx", "zh").exists()
