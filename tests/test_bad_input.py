"""Bad input gets a clear answer and loses nothing: message, exit status, and every row counted by another reader.

The command line runs inside this process: an error that no one words would come through as it is and fail the test.
"""

import csv
import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import unquote

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from bs4 import BeautifulSoup
from client_folder import write
from nbformat import v4

from sqlib import batch, cli, client, errors, fragments, notebook, render, tables, words, workbook

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "bad_input.toml").read_text(encoding="utf-8"))
HEAD = """
[client]
name = "x"
languages = ["en"]
data_until = 2026-09-30
[period]
default = "2026Q3"
[privacy]
demo_key = "key"
"""
BLOCK = '[[tables.feedback]]\nfiles = ["raw/a.csv"]\n'
ENDS = "constants = { scale_min = 1, scale_max = 5 }\n"
ROWS = "feedback_id,score\n1,5\n2,4\n3,1\n"
KINDS = ["csv", "xlsx", "parquet"]
LIVE = ["<script>alert(1)</script>", '=HYPERLINK("http://example.invalid")', "+1", "@SUM(1)", "-1"]
LONG = "<b>&" + "long " * 59_999 + "!"  # 300,000 characters
PAGE = "feedback_analysis"


@dataclass
class Said:
    status: int
    out: str
    err: str


@pytest.fixture
def sqlib(monkeypatch, capsys):
    """The command line, in English."""
    monkeypatch.setenv("SQLIB_LANGUAGE", "en")

    def call(*arguments) -> Said:
        monkeypatch.setattr(sys, "argv", ["sqlib", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = Said(ended.value.code, *capsys.readouterr())
        assert "Traceback" not in said.out + said.err
        return said

    return call


@pytest.fixture
def refused(sqlib, monkeypatch):
    """A call that is refused with status 2, in four parts in both languages, and leaves the exports as they are."""

    def call(*arguments, holds: tuple, folder: Path | None = None) -> None:
        before = _exports(folder)
        for language in ("zh", "en"):
            monkeypatch.setenv("SQLIB_LANGUAGE", language)
            said = sqlib(*arguments)
            labels = [errors.catalogue("errors")["labels"][language][part] for part in ("where", "got", "remedy")]
            assert said.status == 2 and not said.out
            assert [label for label in labels if f"\n  {label}" not in said.err] == [], said.err
        assert [text for text in holds if text not in said.err] == [], said.err
        assert _exports(folder) == before

    return call


def _exports(folder: Path | None) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.glob("raw/*"))} if folder else {}


@dataclass
class Checked:
    """What ``sqlib check`` showed and wrote."""

    screen: str
    sheets: dict[str, list[dict]]

    def problems(self, rule: str) -> list[dict]:
        """Lines of the workbook under one rule, which the screen must show too with its remedy."""
        worded = words.entry("problems", "rule", rule)["en"]
        found = [line for line in self.sheets["Problems"] if line["Problem"] == worded["what"]]
        assert {line["Remedy"] for line in found} == {worded["remedy"]}
        assert f"{worded['what']}\n" in self.screen and worded["remedy"] in self.screen
        return found

    def row(self, rule: str) -> tuple:
        """The one line under a rule: file, row, column, value, used."""
        (line,) = self.problems(rule)
        return tuple(line[name] for name in ("File", "Row", "Column", "Value", "Row used"))

    def went(self, file: str = "raw/a.csv") -> dict[str, int]:
        """Where the rows of one file went, without the ways no row took."""
        (line,) = [line for line in self.sheets["Balance of rows"] if line["File"] == file]
        return {name: count for name, count in line.items() if isinstance(count, int) and count}


@pytest.fixture
def check(sqlib):
    def call(folder: Path, status: int = 0, factors: dict[str, int] | None = None) -> Checked:
        before = _exports(folder)
        said = sqlib("check", folder)
        assert said.status == status and not said.err
        assert _exports(folder) == before
        done = Checked(said.out, _sheets(folder / "problems.xlsx"))
        for path in before:
            file = path.relative_to(folder).as_posix()
            went = done.went(file)
            assert went.pop("Data rows", 0) == counted(path) * (factors or {}).get(file, 1) == sum(went.values()), path
        return done

    return call


def _sheets(path: Path) -> dict[str, list[dict]]:
    sheets = {}
    for sheet in openpyxl.load_workbook(path):
        head, *lines = sheet.iter_rows(values_only=True)
        sheets[sheet.title] = [dict(zip(head, line, strict=True)) for line in lines]
    return sheets


def counted(path: Path) -> int:
    """Data rows of an export whose first row is its header, by a reader that is not ours."""
    if path.suffix == ".parquet":
        return pq.read_metadata(path).num_rows
    if path.suffix == ".xlsx":
        return sum(1 for _ in openpyxl.load_workbook(path).worksheets[0].iter_rows()) - 1
    csv.field_size_limit(10**6)
    with path.open(encoding="utf-8", newline="") as stream:
        return len(list(csv.reader(stream))) - 1


def table(header: str, *rows) -> str:
    """CSV text."""
    text = io.StringIO()
    csv.writer(text).writerows([header.split(","), *rows])
    return text.getvalue()


def book(*rows) -> bytes:
    """A workbook of one sheet."""
    made, file = openpyxl.Workbook(), io.BytesIO()
    made.active.title = "answers"
    for row in rows:
        made.active.append(row)
    made.save(file)
    return file.getvalue()


def exported(folder: Path, frame: pd.DataFrame, kind: str, more: str = "") -> Path:
    """A client's folder with one export of texts, in one of the formats."""
    content = {
        "csv": lambda: frame.to_csv(index=False).encode(),
        "xlsx": lambda: book(list(frame), *frame.to_numpy().tolist()),
        "parquet": frame.to_parquet,
    }[kind]()
    return write(folder, BLOCK.replace("csv", kind) + more, HEAD, **{f"a__{kind}": content})


def frame_of(folder: Path) -> pd.DataFrame:
    """The usable rows of the feedback, read back from the cache the check has left."""
    who = client.load(folder)
    return tables.load(who, "feedback", as_of=who.data_until).frame


# -- the file ---------------------------------------------------------------------------------------------------------


def test_missing_file(refused, tmp_path):
    folder = write(tmp_path / "acme", BLOCK, HEAD, answers__csv=ROWS)
    refused("check", folder, holds=("No file fits", "acme", "raw/a.csv", "raw/answers.csv", "client.toml"), folder=folder)


@pytest.mark.parametrize("content", [b"", b" \r\n\t\n", book()])
def test_empty_file(refused, tmp_path, content):
    folder = write(tmp_path / "acme", BLOCK, HEAD, a__csv=content)
    refused("check", folder, holds=("empty", "acme/raw/a.csv", "no data", "Export it again"), folder=folder)


@pytest.mark.parametrize("kind", KINDS)
def test_header_only(check, tmp_path, kind):
    frame = pd.DataFrame({"feedback_id": [], "score": [], "comment": []}, dtype="str")
    done = check(exported(tmp_path, frame, kind), status=1)
    assert done.row("header_only")[:2] == (f"raw/a.{kind}", 1) and "new export" in done.screen
    assert "Pages that can run: –" in done.screen


def test_wrong_sheet(refused, tmp_path):
    block = BLOCK.replace("csv", "xlsx") + 'sheet = "Answers 2026"\n'
    folder = write(tmp_path / "acme", block, HEAD, a__xlsx=book(["score"], [5]))
    refused(
        "check", folder, holds=("no sheet", "acme/raw/a.xlsx", "Answers 2026", "Sheets there: answers."), folder=folder
    )


def test_duplicated_header_with_other_content(check, tmp_path):
    rows = [(1, 5, 4, "a"), (2, 3, 3, "b"), (3, 1, 2, "")]
    done = check(write(tmp_path, BLOCK, HEAD, a__csv=table("feedback_id,score,score,comment", *rows)))
    assert done.row("header_twice") == ("raw/a.csv", 1, "score (2)", "score (2) | score", "not used")
    assert done.went() == {"Data rows": 3, "Used": 2, "No answer": 1}


def test_duplicated_header_with_the_same_content(check, tmp_path):
    done = check(write(tmp_path, BLOCK + ENDS, HEAD, a__csv=table("feedback_id,score,score", (1, 5, 5), (2, 3, 3))))
    assert done.row("column_claimed_twice")[:3] == ("raw/a.csv", 1, "score (2)")
    assert done.went() == {"Data rows": 2, "Used": 2}


# -- values -----------------------------------------------------------------------------------------------------------


def test_unknown_worded_level_is_told_from_the_known_ones(check, tmp_path):
    rows = [(number, level) for number, level in enumerate(TEXTS["levels"] * 4)]
    text = table(f"feedback_id,{TEXTS['level_header']}", *rows, (99, TEXTS["unknown_level"]))
    done = check(write(tmp_path, BLOCK, HEAD, a__csv=text), status=1)
    assert done.row("unknown_level") == ("raw/a.csv", 22, "Score", TEXTS["unknown_level"], "not used")
    beside = done.problems("level_beside_unknown")
    assert [line["Row"] for line in beside] == list(range(2, 22))
    assert done.went() == {"Data rows": 21, "Set aside": 21}


def test_a_level_that_recode_does_not_name(check, tmp_path):
    block = BLOCK + ENDS + 'recode.score = { "good" = 5, "bad" = 1 }\n'
    done = check(write(tmp_path, block, HEAD, a__csv=table("feedback_id,score", (1, "good"), (2, "bad"), (3, "so-so"))))
    assert done.row("unknown_level") == ("raw/a.csv", 4, "Score", "so-so", "not used")
    assert done.went() == {"Data rows": 3, "Used": 2, "Set aside": 1}


def test_a_word_among_numbers_costs_its_own_row_only(check, tmp_path):
    rows = [(number, number % 5 + 1) for number in range(40)]
    done = check(write(tmp_path, BLOCK, HEAD, a__csv=table("feedback_id,score", *rows, (99, TEXTS["levels"][1]))))
    assert done.row("unknown_level") == ("raw/a.csv", 42, "Score", TEXTS["levels"][1], "not used")
    assert done.row("scale_assumed")[3] == "1–5" and done.went() == {"Data rows": 41, "Used": 40, "Set aside": 1}


@pytest.mark.parametrize("ends", [ENDS, ""])
@pytest.mark.parametrize("slip", ["55", "555", "-5"])
def test_score_outside_the_scale(check, tmp_path, ends, slip):
    rows = [(number, number % 5 + 1) for number in range(40)]
    done = check(write(tmp_path, BLOCK + ends, HEAD, a__csv=table("feedback_id,score", *rows, (99, slip))))
    assert done.row("score_on_scale") == ("raw/a.csv", 42, "Score", slip, "not used")
    assert done.went() == {"Data rows": 41, "Used": 40, "Set aside": 1}


def test_a_date_after_the_cut_off(check, tmp_path):
    rows = [(1, 5, "2026-09-30 23:59"), (2, 4, "2026-10-01"), (3, 4, "2026-08-01"), (4, 3, "2026-01-01")]
    done = check(write(tmp_path, BLOCK + ENDS, HEAD, a__csv=table("feedback_id,score,received_at", *rows)))
    assert done.row("not_after_as_of") == ("raw/a.csv", 3, "Received at", "2026-10-01", "not used")
    assert "data_until" in done.screen
    assert done.went() == {"Data rows": 4, "Used": 2, "Outside the period": 1, "Set aside": 1}


def test_resolved_before_created(check, tmp_path):
    blocks = BLOCK + ENDS + '[[tables.cases]]\nfiles = ["raw/c.csv"]\n'
    rows = [("K1", "2026-07-02 10:00", "2026-07-02 09:00"), ("K2", "2026-07-02 10:00", "2026-07-03 09:00")]
    cases = table("case_id,created_at,resolved_at", *rows, ("K3", "2026-07-02", "2026-07-02"))
    done = check(write(tmp_path, blocks, HEAD, a__csv=ROWS, c__csv=cases))
    assert done.row("resolved_before_created") == ("raw/c.csv", 2, "Resolved at", "2026-07-02 09:00", "not used")
    assert done.went("raw/c.csv") == {"Data rows": 3, "Used": 2, "Set aside": 1}


def test_duplicate_ids_with_the_same_and_with_other_content(check, tmp_path):
    rows = [(1, 5), (1, 5), (2, 4), (2, 3), (3, 4)]
    done = check(write(tmp_path, BLOCK + ENDS, HEAD, a__csv=table("feedback_id,score", *rows)))
    assert done.row("duplicate_row") == ("raw/a.csv", 3, None, "#2", "not used")
    conflicts = done.problems("duplicate_id_conflict")
    assert [(line["Row"], line["Value"]) for line in conflicts] == [(4, "2"), (5, "2")]
    assert done.went() == {"Data rows": 5, "Used": 2, "Duplicates": 1, "Set aside": 2}


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_texts(check, tmp_path, kind):
    ids = ["NA", "007", "7", "1e5", "100000", "None", "1E5", "0x10", "TRUE"]
    folder = exported(tmp_path, pd.DataFrame({"feedback_id": ids, "customer_id": ids, "score": "5"}), kind, ENDS)
    assert check(folder).went(f"raw/a.{kind}") == {"Data rows": 9, "Used": 9}
    read = frame_of(folder)
    assert read["feedback_id"].tolist() == read["customer_id"].tolist() == ids


def test_ten_per_cent_of_the_rows_broken(check, tmp_path):
    broken = {
        3: ("score", "9", "score_on_scale"),
        23: ("score", "x1", "not_a_number"),
        43: ("received_at", "2026-13-45", "not_a_date"),
        63: ("received_at", "2027-01-01", "not_after_as_of"),
        83: ("ease", "seven", "not_a_number"),
    }
    rows = [{"feedback_id": f"A{n}", "score": n % 5 + 1, "ease": n % 7 + 1, "received_at": "2026-07-03"} for n in range(1000)]
    for number, row in enumerate(rows):
        if number % 10 == 3:
            column, value, _ = broken[number % 100]
            row[column] = value
    text = table("feedback_id,score,ease,received_at", *(row.values() for row in rows))
    done = check(write(tmp_path, BLOCK + ENDS, HEAD, a__csv=text))
    assert done.went() == {"Data rows": 1000, "Used": 900, "Set aside": 100}
    named = {(line["Row"], line["Value"]) for line in done.sheets["Problems"] if line["Severity"] == "error"}
    assert named == {(n + 2, str(rows[n][broken[n % 100][0]])) for n in range(3, 1000, 10)}
    aside = [(line["Row"], line["feedback_id"], line["score"]) for line in done.sheets["Rows set aside"]]
    assert aside == [(n + 2, f"A{n}", str(rows[n]["score"])) for n in range(3, 1000, 10)]


# -- two scales in one file -------------------------------------------------------------------------------------------

FIVE, TEN = [1, 2, 3, 4, 5] * 20, [2, 4, 6, 7, 8, 9, 10, 10, 5, 1] * 10


@pytest.mark.parametrize(
    ("ends", "went"),
    [
        ("", {"Used": 200}),
        (ENDS, {"Used": 100, "Set aside": 100}),
        (ENDS.replace("5", "10"), {"Used": 100, "Set aside": 100}),
    ],
)
def test_an_undated_file_that_changes_its_scale_halfway(check, tmp_path, ends, went):
    ten = sorted(TEN, reverse=True)  # the first row of the new scale is beyond the old one
    text = table("feedback_id,score", *enumerate([*FIVE, *ten]))
    done = check(write(tmp_path, BLOCK + ends, HEAD, a__csv=text))
    file, _, column, value, used = done.row("scale_break")
    assert (file, column, value) == ("raw/a.csv", "Score", "102: 5 → 10 (100 | 100)")
    assert used == ("not used" if ends else "used") and done.went() == {"Data rows": 200} | went
    if not ends:
        assert {line["Value"] for line in done.problems("scale_assumed")} == {"1–5", "1–10"}


@pytest.mark.parametrize(("ends", "went"), [("", {"Used": 200}), (ENDS, {"Used": 100, "Set aside": 100})])
def test_each_channel_on_its_own_scale(check, tmp_path, ends, went):
    rows = [(f"A{n}", "phone", five) for n, five in enumerate(FIVE)] + [(f"B{n}", "web", ten) for n, ten in enumerate(TEN)]
    rows.sort(key=lambda row: row[0][1:])
    done = check(write(tmp_path, BLOCK + ends, HEAD, a__csv=table("feedback_id,channel,score", *rows)))
    file, _, column, value, used = done.row("scale_differs")
    assert (file, column, value) == ("raw/a.csv", "Channel", "phone: 10 → 5 (100 | 100)")
    assert used == ("not used" if ends else "used") and done.went() == {"Data rows": 200} | went


def test_a_scale_column_with_two_values(check, tmp_path):
    rows = [(f"A{n}", 1, 5, five) for n, five in enumerate(FIVE)] + [(f"B{n}", 1, 10, ten) for n, ten in enumerate(TEN)]
    folder = write(tmp_path, BLOCK, HEAD, a__csv=table("feedback_id,scale_min,scale_max,score", *rows, ("C", 1, 5, 9)))
    done = check(folder)
    assert done.row("score_on_scale") == ("raw/a.csv", 202, "Score", "9", "not used")
    assert done.went() == {"Data rows": 201, "Used": 200, "Set aside": 1}
    assert set(frame_of(folder)["scale_max"]) == {5, 10}


def test_unpivoted_rows_balance_by_their_factor(check, tmp_path):
    first, second = TEXTS["items"]
    block = f'[[tables.feedback_items]]\nfiles = ["raw/a.csv"]\n{ENDS}unpivot = {{ columns = ["{first}", "{second}"], '
    block += 'name = "item_id", value = "score" }\n[[tables.feedback]]\nfiles = ["raw/b.csv"]\n' + ENDS
    scores = table(f"feedback_id,{first},{second}", (1, 5, 9), (2, "", 4), (3, 3, 3))
    folder = write(tmp_path, block, HEAD, a__csv=scores, b__csv=ROWS)
    done = check(folder, factors={"raw/a.csv": 2})
    assert done.row("score_on_scale") == ("raw/a.csv", 2, "Score", "9", "not used")
    assert done.went() == {"Data rows": 6, "Used": 4, "No answer": 1, "Set aside": 1}
