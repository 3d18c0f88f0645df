"""Bad input gets a clear answer and loses nothing: message, exit status, and every row counted by another reader.

The command line runs inside this process: an error that no one words would come through as it is and fail the test.
"""

import csv
import errno
import io
import json
import os
import re
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
import sample_page
from bs4 import BeautifulSoup
from client_folder import write
from nbformat import v4

from sqlib import batch, cli, client, errors, fragments, hold, making, notebook, render, tables, words, workbook

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
        return tuple(
            "" if line[name] is None else line[name] for name in ("File", "Row", "Column", "Value", "Row used")
        )

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
    refused(
        "check", folder, holds=("No file fits", "acme", "raw/a.csv", "raw/answers.csv", "client.toml"), folder=folder
    )


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


def test_a_file_without_a_known_header(check, tmp_path):
    done = check(write(tmp_path, BLOCK, HEAD, a__csv=table("x,y", ("good", 1), ("bad", 2))), status=1)
    assert done.row("header_unknown") == ("raw/a.csv", 1, "", "x | y", "not used")
    assert done.went() == {"Data rows": 2, "No answer": 2}


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
    assert done.row("duplicate_row") == ("raw/a.csv", 3, "", "#2", "not used")
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
    kinds = [
        ("score", "9"),
        ("score", "x1"),
        ("ease", "8"),
        ("received_at", "2026-13-45"),
        ("received_at", "2027-01-01"),
    ]
    rows = [
        {"feedback_id": f"A{n}", "score": n % 5 + 1, "ease": n % 7 + 1, "received_at": "2026-07-03"}
        for n in range(1000)
    ]
    broken = {number: kinds[number // 10 % 5] for number in range(3, 1000, 10)}
    for number, (column, value) in broken.items():
        rows[number][column] = value
    text = table("feedback_id,score,ease,received_at", *(row.values() for row in rows))
    done = check(write(tmp_path, BLOCK + ENDS, HEAD, a__csv=text))
    assert done.went() == {"Data rows": 1000, "Used": 900, "Set aside": 100}
    named = {(line["Row"], line["Value"]) for line in done.sheets["Problems"] if line["Severity"] == "error"}
    assert named == {(number + 2, value) for number, (_, value) in broken.items()}
    aside = [(line["Row"], line["feedback_id"], line["score"]) for line in done.sheets["Rows set aside"]]
    assert aside == [(number + 2, f"A{number}", str(rows[number]["score"])) for number in broken]


# -- two scales in one file -------------------------------------------------------------------------------------------

FIVE, TEN = [1, 2, 3, 4, 5] * 20, [10, 4, 6, 7, 8, 9, 2, 10, 5, 1] * 10


@pytest.mark.parametrize(
    ("ends", "went"),
    [
        ("", {"Used": 200}),
        (ENDS, {"Used": 100, "Set aside": 100}),
        (ENDS.replace("5", "10"), {"Used": 100, "Set aside": 100}),
    ],
)
def test_an_undated_file_that_changes_its_scale_halfway(check, tmp_path, ends, went):
    done = check(write(tmp_path, BLOCK + ends, HEAD, a__csv=table("feedback_id,score", *enumerate([*FIVE, *TEN]))))
    file, _, column, value, used = done.row("scale_break")
    assert (file, column, value) == ("raw/a.csv", "Score", "102: 5 → 10 (100 | 100)")
    assert used == ("not used" if ends else "used") and done.went() == {"Data rows": 200} | went
    if not ends:
        assert {line["Value"] for line in done.problems("scale_assumed")} == {"1–5", "1–10"}


@pytest.mark.parametrize(("ends", "went"), [("", {"Used": 200}), (ENDS, {"Used": 100, "Set aside": 100})])
def test_each_channel_on_its_own_scale(check, tmp_path, ends, went):
    rows = [(f"A{n}", "phone", five) for n, five in enumerate(FIVE)] + [
        (f"B{n}", "web", ten) for n, ten in enumerate(TEN)
    ]
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


# -- texts that are long, or look like code ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_comment_of_300_000_characters(check, tmp_path, kind):
    frame = pd.DataFrame({"feedback_id": ["1", "2"], "score": ["5", "9"], "comment": [LONG, LONG]})
    folder = exported(tmp_path, frame, kind, ENDS)
    done = check(folder)
    assert done.went(f"raw/a.{kind}") == {"Data rows": 2, "Used": 1, "Set aside": 1}
    assert len(LONG) == 300_000 and frame_of(folder)["comment"].tolist() == [LONG]
    (kept,) = folder.glob(".sqlib-cache/feedback/*/frame.parquet")
    assert pq.read_table(kept)["comment"].to_pylist() == [LONG]
    (aside,) = done.sheets["Rows set aside"]
    assert aside["comment"].startswith(LONG[:32_000] + "…") and "300,000" in aside["comment"]
    assert len(aside["comment"]) < 32_767


def test_a_comment_of_300_000_characters_is_whole_in_html(tmp_path):
    quoted = v4.new_output("display_data", data={"text/html": fragments.paragraph("note", LONG)})
    page = v4.new_notebook(cells=[v4.new_code_cell("x", outputs=[quoted], execution_count=1)])
    made = render.html(page, tmp_path / "page.html", language="en").read_text(encoding="utf-8")
    assert LONG in BeautifulSoup(made, "html.parser").get_text() and escape(LONG[:9]) in made


def test_code_in_comments_stays_text(check, tmp_path):
    rows = [(number, 9, text) for number, text in enumerate(LIVE)]
    text = table("feedback_id,score,comment,=1+1", *((*row, "=2+2") for row in rows), (99, 5, LIVE[0], ""))
    folder = write(tmp_path, BLOCK + ENDS, HEAD, a__csv=text)
    done = check(folder)
    assert [line["comment"] for line in done.sheets["Rows set aside"]] == LIVE
    with zipfile.ZipFile(folder / "problems.xlsx") as package:
        parts = {name: package.read(name).decode() for name in package.namelist() if name.endswith((".xml", ".rels"))}
    live = re.compile(r"<f[ >]|<hyperlink|<script|TargetMode=.External")
    assert [name for name, xml in parts.items() if live.search(xml)] == []
    assert "=HYPERLINK(" in parts["xl/sharedStrings.xml"] and "=1+1" in parts["xl/sharedStrings.xml"]


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_csv_holds_no_formula(tmp_path, dtype):
    path = workbook.write_csv(pd.DataFrame({"=1+1": pd.Series(LIVE, dtype=dtype), "n": -1}), tmp_path / "a.csv")
    head, *rows = csv.reader(path.read_text(encoding="utf-8-sig").splitlines())
    assert head == ["'=1+1", "n"] and rows == [[text if text[0] == "<" else f"'{text}", "-1"] for text in LIVE]


def test_html_escapes_code():
    said = [fragments.paragraph("note", LIVE[0]), fragments.listing(LIVE), fragments.strip([(LIVE[0], LIVE[0])])]
    spec = {"columns": [{"from": "comment", "format": "text", "label": {"en": LIVE[0]}}]}
    said.append(fragments.table(pd.DataFrame({"comment": LIVE}), spec, "en", {}))
    for fragment in said:
        assert "<script" not in fragment and escape(LIVE[0]) in fragment


# -- files that cannot be written -------------------------------------------------------------------------------------


def held(monkeypatch, path: Path) -> None:
    """Another program holds this file open: it cannot be replaced."""
    really = os.replace

    def replace(source, target):
        if Path(target) == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(source), None, str(target))
        really(source, target)

    monkeypatch.setattr(os, "replace", replace)


@pytest.fixture
def quick(monkeypatch):
    """Pages are not executed: a sample page stands for what a kernel would leave."""

    def run(limits, job, page, language, executed):
        workbook.write_csv(pd.DataFrame({"x": [1]}), executed.parent / "tables" / job.page.stem / "satisfaction.csv")
        notebook.write(sample_page.notebook(language), executed)

    monkeypatch.setattr(making, "_run", run)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != hold.LOCK
    }


def test_the_list_of_problems_is_open_in_another_program(check, refused, tmp_path, monkeypatch):
    folder = write(tmp_path, BLOCK, HEAD, a__csv=ROWS)
    check(folder)
    before = files(folder)
    held(monkeypatch, folder / "problems.xlsx")
    refused("check", folder, holds=("problems.xlsx", "Permission denied", "Close it"), folder=folder)
    assert files(folder) == before


@pytest.mark.parametrize("name", [f"{PAGE}.zh.html", f"{PAGE}.zh.ipynb", f"tables/{PAGE}/satisfaction.csv"])
def test_a_report_is_open_in_another_program(sqlib, quick, tmp_path, monkeypatch, name):
    folder, out = write(tmp_path / "acme", BLOCK, HEAD, a__csv=ROWS), tmp_path / "out"
    run = ("run", folder, "--only", "feedback_analysis", "--language", "zh", "--out", out)
    assert sqlib(*run).status == 0
    place = out / "acme" / "2026Q3" / "management"
    before, times = files(place), {path: path.stat().st_mtime_ns for path in place.rglob("*.*")}
    assert len(before) == 3
    held(monkeypatch, place / name)
    said = sqlib(*run, "--force")
    assert said.status == 1 and "0 done, 0 up to date, 1 failed" in said.out
    assert [
        text for text in (f"{place / name}", "Permission denied", "another program", "Close") if text not in said.out
    ] == []
    assert files(place) == before  # none of the three was replaced
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*.*")} == times
    (job,) = json.loads((out / "acme" / "2026Q3" / "run.json").read_text(encoding="utf-8"))["jobs"]
    assert job["status"] == "failed" and set(job["reason"]) == {"zh", "en"} and "Close" in job["reason"]["en"]
    assert not (out / batch.STAGING).exists()


def test_the_disk_is_full(sqlib, quick, tmp_path, monkeypatch):
    folder, out = write(tmp_path / "acme", BLOCK, HEAD, a__csv=ROWS), tmp_path / "out"
    really = Path.write_text

    def full(path, *args, **kwargs):
        if f"{PAGE}.zh.html" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return really(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    said = sqlib("run", folder, "--language", "zh", "--out", out)
    assert said.status == 1
    assert [
        text
        for text in ("0 done, 0 up to date, 1 failed", "No space left", f"{PAGE}.zh.html", "make room")
        if text not in said.out
    ] == []
    assert list(files(out)) == ["acme/2026Q3/findings.csv", "acme/2026Q3/run.json", "index.html"]


def test_the_disk_is_full_when_the_workbook_is_closed(refused, tmp_path, monkeypatch):
    folder = write(tmp_path, BLOCK, HEAD, a__csv=ROWS)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self):
        raise full

    monkeypatch.setattr("xlsxwriter.workbook.Workbook._store_workbook", close)
    refused("check", folder, holds=("problems.xlsx", "No space left", "choose a folder"), folder=folder)
    assert not list(folder.glob("*problems*")) and not list(folder.glob(".*problems*"))


def test_an_output_folder_that_cannot_be_written(refused, tmp_path):
    folder = write(tmp_path / "acme", BLOCK, HEAD, a__csv=ROWS)
    under = tmp_path / "a file" / "reports"
    under.parent.write_text("")
    refused("run", folder, "--out", under, holds=(str(under), "--out"), folder=folder)
    refused("check", folder, "--out", under / "p.xlsx", holds=(str(under / "p.xlsx"), "choose a folder"), folder=folder)
    refused("check", folder, "--out", tmp_path / ("p" * 300), holds=("too long",), folder=folder)
    refused("portal", "--out", under, holds=(str(under), "--out"))
    refused("new", "client", under, holds=(str(under), "another place"))
    out = tmp_path / "out"
    out.mkdir()
    (out / "acme").write_text("kept")
    refused("run", folder, "--out", out, holds=("acme", "--out"), folder=folder)
    assert files(out) == {"acme": b"kept"}


# -- names of clients -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["..", ".", "a\\b", "a\tb", "acme/.."])
def test_a_name_no_folder_can_have(refused, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    refused("new", "client", name, holds=("cannot be a client folder", "control characters"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [TEXTS["folder"], "O'Neil & Sons #1 100%", 'the "best"'])
def test_a_new_client_with_spaces_and_chinese(sqlib, refused, tmp_path, name):
    folder = tmp_path / name
    assert sqlib("new", "client", folder).status == 0
    toml = (folder / "client.toml").read_text(encoding="utf-8")
    assert tomllib.loads(toml)["client"]["name"] == name
    refused("check", folder, holds=("no [[tables", name, "raw", "[[tables.feedback]]"), folder=folder)
    refused("new", "client", folder, holds=("there already", name, "another name"), folder=folder)


def test_a_folder_above_is_no_client(refused, tmp_path):
    (tmp_path / "clients" / "acme").mkdir(parents=True)
    refused("check", tmp_path / "clients" / "acme" / "..", holds=("clients", "no file client.toml", "sqlib new client"))
    refused("check", tmp_path / "nobody", holds=("nobody", "does not exist", "sqlib new client"))


def test_a_displayed_name_is_no_path(sqlib, quick, tmp_path):
    head = HEAD.replace('"x"', f"'{TEXTS['name']}'")
    folder, out = write(tmp_path / "acme", BLOCK, head, a__csv=ROWS), tmp_path / "out"
    assert sqlib("run", folder, "--language", "zh", "--out", out).status == 0
    assert sorted(path.name for path in out.iterdir() if path.name != hold.LOCK) == ["acme", "index.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["acme", "out"]
    index = (out / "index.html").read_text(encoding="utf-8")
    assert escape(TEXTS["name"]) in index and "<script>alert" not in index


# -- arguments and client.toml ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "holds"),
    [
        (["-p", "min_size", "3"], ("min_size", PAGE, "min_group")),
        (["-p", "period", "2026Q3"], ("no parameter of this name", "period", "min_group")),
        (["-pmin_size"], ("min_size", "min_group")),
        (["-p", "min_group", "eight"], ("wrong type", "min_group", "'eight'", "int")),
        (["-p", "min_group=8.5"], ("wrong type", "min_group", "'8.5'", "int")),
        (["-p", "min_group"], ("wrong type", "min_group", "''", "int")),
        (["-p", "confidence", "high"], ("wrong type", "confidence", "'high'", "float")),
        (["--only", "feedback"], ("no such page", "got: feedback\n", PAGE)),
        (["--only", f"{PAGE},nps"], ("no such page", "got: nps\n", PAGE)),
        (["--language", "fr"], ("language", "'fr'", "zh, en")),
        (["--audience", "boss"], ("audience", "'boss'", "management, team, client, internal")),
        (["--to", "doc"], ("format", "doc", "html")),
        (["--compare", "lastyear"], ("compare", "lastyear", "same-last-year")),
    ],
)
def test_arguments_of_a_run(refused, tmp_path, arguments, holds):
    folder = write(tmp_path / "acme", BLOCK, HEAD, a__csv=ROWS)
    refused("run", folder, "--out", tmp_path / "out", *arguments, holds=holds, folder=folder)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("period", ["2026Q5", "2026-13", "last quarter", "9999", "2026-07-01..2026-13-01", "1-1..2-2"])
def test_unknown_period(refused, tmp_path, monkeypatch, command, period):
    monkeypatch.chdir(tmp_path)
    folder = write(tmp_path / "acme", BLOCK, HEAD, a__csv=ROWS)
    refused(command, folder, "--period", period, holds=("--period", period, "2026Q3"), folder=folder)
    write(folder, BLOCK, HEAD.replace("2026Q3", period))
    refused(command, folder, holds=("acme/client.toml: period.default", period, "2026Q3"), folder=folder)


def test_a_period_that_ends_before_it_begins(refused, tmp_path):
    folder = write(tmp_path / "acme", BLOCK, HEAD, a__csv=ROWS)
    period = "2026-09-30..2026-07-01"
    refused("check", folder, "--period", period, holds=("ends before", "--period", period, "first day"), folder=folder)


def test_no_period_at_all(refused, tmp_path):
    folder = write(tmp_path / "acme", BLOCK, HEAD.replace('default = "2026Q3"', ""), a__csv=ROWS)
    refused(
        "run", folder, "--out", tmp_path / "out", holds=("acme/client.toml", "default under [period]"), folder=folder
    )


def test_language_of_a_check(refused, tmp_path):
    folder = write(tmp_path / "acme", BLOCK, HEAD, a__csv=ROWS)
    refused("check", folder, "--language", "fr", holds=("language", "'fr'", "zh, en"), folder=folder)


def test_a_language_of_messages_we_do_not_speak(sqlib, monkeypatch):
    monkeypatch.setenv("SQLIB_LANGUAGE", "fr")
    said = sqlib("check", "nobody")
    assert said.status == 2 and "does not exist" in said.err


@pytest.mark.parametrize("arguments", [["run", "--perid", "2026Q3"], ["chek"], ["check"], ["check", "a", "b"]])
def test_words_the_command_line_does_not_know(sqlib, arguments):
    said = sqlib(*arguments)
    assert said.status == 2 and "sqlib" in said.err and "-h" in said.err


@pytest.mark.parametrize(
    ("head", "block", "holds"),
    [
        (HEAD, BLOCK + "colums = {}", ("tables.feedback[1].colums", "Nearest key: columns")),
        (HEAD + 'demo_kye = "x"\n', BLOCK, ("privacy.demo_kye", "Nearest key: demo_key")),
        (HEAD, BLOCK.replace("feedback", "fedback"), ("fedback", "Nearest table: feedback")),
        (HEAD, BLOCK + 'columns = { score = "scor" }', ("columns.score", "scor", "Nearest column: score")),
        (HEAD, BLOCK + 'columns = { "scroe" = "score" }', ("scroe", "Nearest header: score", "raw/a.csv")),
        (HEAD, BLOCK + 'dayfirst = "perhaps"', ("tables.feedback[1].dayfirst", "perhaps", "true | false")),
        (HEAD, BLOCK + "header_row = 99", ("acme/raw/a.csv", "header_row = 99", "last line 4")),
        (HEAD, BLOCK + 'filter = "score >"', ("filter", "character", "Expected here")),
        (HEAD, BLOCK.replace("raw/", "../"), ("files[1]", "../a.csv", "raw/")),
        (HEAD.replace('["en"]', '["fr"]'), BLOCK, ("client.languages", "fr", "zh, en")),
        (HEAD + '[cells]\nfeedback = ["teem*channel"]\n', BLOCK, ("cells.feedback", "teem", "Nearest column: team")),
        (
            HEAD + '[weighting]\nmargins = ["segmnt"]\n',
            BLOCK,
            ("weighting.margins", "segmnt", "Nearest column: segment"),
        ),
        (HEAD + "[scales.csta]\ntop = [5]\n", BLOCK, ("scales.csta", "Nearest value: csat")),
        (HEAD + '[themes]\ncodebook = "../x"\n', BLOCK, ("themes.codebook", "../x", "general")),
        (HEAD + "x = [\n", BLOCK, ("acme/client.toml", "line", "bracket")),
    ],
)
def test_client_toml(refused, tmp_path, head, block, holds):
    folder = write(tmp_path / "acme", block, head, a__csv=ROWS)
    refused("check", folder, holds=("acme", *holds), folder=folder)


# -- whole runs -------------------------------------------------------------------------------------------------------


def test_a_page_that_cannot_run_is_skipped(sqlib, tmp_path):
    block = '[[tables.customers]]\nfiles = ["raw/a.csv"]\n'
    folder = write(tmp_path / "acme", block, HEAD, a__csv="customer_id\n1\n")
    assert sqlib("check", folder).status == 1
    said = sqlib("run", folder, "--out", tmp_path / "out")
    assert said.status == 1 and "3 skipped" in said.out  # of three pages
    assert [text for text in ("acme/client.toml", "missing: feedback", "--only") if text not in said.out] == []


def test_a_page_that_fails_keeps_its_half_run_notebook(sqlib, tmp_path, monkeypatch):
    folder = write(tmp_path / "acme", BLOCK, HEAD, a__csv=ROWS)
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / "catalogue.toml").write_text(
        '[broken]\ntitle = { zh = "x", en = "Broken page" }\nquestion = { zh = "x", en = "x" }\n'
        'reads = ["feedback"]\nuses = []\nhands_over = []\nafter = []\nlisted = true\n'
    )
    given = v4.new_code_cell('client_dir: str = ""  # x', metadata={"tags": ["parameters"]})
    page = notebook.normalise(v4.new_notebook(cells=[given, v4.new_code_cell("1 / 0")]))
    notebook.write(page, notebooks / "broken.ipynb")
    monkeypatch.chdir(tmp_path)
    said = sqlib("run", folder, "--out", tmp_path / "out")
    kept = tmp_path / "out" / "acme" / "2026Q3" / "management" / "broken.en.failed.ipynb"
    assert said.status == 1 and "0 done, 0 up to date, 1 failed" in said.out
    assert [
        text
        for text in ("Broken page", str(kept), "ZeroDivisionError", "the cell that stopped")
        if text not in said.out
    ] == []
    assert kept.is_file() and not list(kept.parent.glob("*.html"))
    assert "ZeroDivisionError" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_report_on_hostile_names_and_texts(sqlib, tmp_path):
    first = LIVE[0], LIVE[1]
    rows = [
        (
            f"A{n}",
            f"C{n % 60:03}",
            f"2026-0{7 + n % 3}-{n % 28 + 1:02} 10:00",
            first[n % 2],
            n % 5 + 1,
            TEXTS["comment"] + LIVE[n % 5],
        )
        for n in range(160)
    ]
    folder, out = tmp_path / TEXTS["folder"], tmp_path / "out"
    head = HEAD.replace('"x"', f"'{TEXTS['name']}'").replace('["en"]', '["zh"]')
    export = table(",".join(TEXTS["header"]), *rows, ("A999", "C001", "2026-08-01", first[0], 9, LONG))
    write(folder, BLOCK.replace("a.csv", f"{TEXTS['file']}.csv") + ENDS, head, **{f"{TEXTS['file']}__csv": export})
    said = sqlib("run", folder, "--only", PAGE, "--language", "zh", "--out", out)
    assert said.status == 0 and "1 done" in said.out, said.out
    place = out / TEXTS["folder"] / "2026Q3" / "management"
    report = (place / f"{PAGE}.zh.html").read_text(encoding="utf-8")
    assert "<script>alert" not in report and escape(TEXTS["name"]) in report and escape(LIVE[0]) in report
    for path in out.rglob("*.csv"):
        cells = [cell for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) for cell in row]
        assert not [cell for cell in cells if re.match(r"[=@\t\r]|[+-](?!\d)", cell)], path
    index = BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser")
    links = [unquote(link["href"]) for link in index("a") if link["href"].endswith(".html")]
    assert links and all((out / link).is_file() for link in links)
    assert counted(folder / "raw" / f"{TEXTS['file']}.csv") == len(frame_of(folder)) + 1 == 161


def test_a_console_without_chinese(tmp_path):
    folder = write(tmp_path / TEXTS["folder"], BLOCK, HEAD, a__csv=ROWS)
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "SQLIB_LANGUAGE": "zh"}
    command = [sys.executable, "-m", "sqlib", "check", folder, "--language", "zh"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0 and not done.stderr and b"?" in done.stdout
