"""What is up to date and what is not: everything a report depends on, changed one at a time."""

import json
from pathlib import Path

import pytest
from test_batch import Kernel, project

from sqlib import basis, batch, execution, freshness, jobs, record, words


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(project(tmp_path))
    monkeypatch.setattr(execution, "_papermill", lambda: KERNEL)
    KERNEL.calls.clear()
    return tmp_path


KERNEL = Kernel()


def planned(here: Path, **asked):
    (each,) = freshness.sort(jobs.plan(["acme"], **asked), here / "reports")
    return each


def made(here: Path, **asked) -> list[str]:
    return [outcome.status for outcome in batch.run(jobs.plan(["acme"], **asked), here / "reports", force=False)]


def codes(here: Path, **asked) -> list[str]:
    return [code for code, _ in planned(here, **asked).why]


def test_a_second_run_leaves_everything_alone(here):
    assert codes(here) == ["new"]
    assert (made(here), made(here)) == (["done"], ["current"])
    assert len(KERNEL.calls) == 1 and planned(here).state == "current"
    assert [each.state for each in freshness.sort(jobs.plan(["acme"]), here / "reports", force=True)] == ["runs"]


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


CHANGES = {
    "inputs": lambda here: _append(here / "acme/raw/f.csv", "F2,4,1,5\n"),
    "mapping": lambda here: _append(here / "acme/client.toml", "# checked\n"),
    "corrections": lambda here: _append(here / "acme/corrections.toml", ""),
    "judgement": lambda here: _append(here / "acme/commentary/2026Q3/note.txt", "x"),
    "brand": lambda here: _append(here / "acme/brand.toml", 'name = "B"\n'),
    "page": lambda here: _append(here / "notebooks/ok.ipynb", " "),
    "gone": lambda here: (here / "reports/acme/2026Q3/management/ok.zh.html").unlink(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_thing_a_report_depends_on_makes_it_run_again(here, what):
    made(here)
    CHANGES[what](here)
    assert what in codes(here)
    assert (made(here), made(here)) == (["done"], ["current"])


@pytest.mark.parametrize("part", ["package", "libraries", "environment"])
def test_the_program_and_what_is_installed_count_too(here, monkeypatch, part):
    made(here)
    monkeypatch.setattr(basis, part, lambda *_: {"sha256": "other", "version": "other"})
    assert part in codes(here)


def test_parameters_languages_and_formats_count(here):
    made(here)
    assert codes(here, parameters={"min_group": "9"}) == ["parameters"]
    assert codes(here, languages=["zh", "en"]) == ["language"]
    assert codes(here, formats=["pdf"]) == ["formats"]
    assert codes(here, period="2026Q2") == ["new"]


def test_a_failed_report_runs_again(here):
    KERNEL.closes = False
    try:
        assert made(here) == ["failed"]
    finally:
        KERNEL.closes = True
    assert codes(here) == ["failed"] or "failed" in codes(here)
    assert made(here) == ["done"]


def test_a_language_made_from_older_words_runs_again(here):
    made(here, languages=["zh", "en"])
    _append(here / "acme/client.toml", "# checked\n")
    assert made(here, languages=["zh"]) == ["done"]
    assert codes(here, languages=["zh"]) == [] and codes(here, languages=["en"]) == ["language_old"]


def test_the_workbooks_a_run_writes_do_not_make_it_old_but_what_a_person_writes_does(here):
    made(here)
    assert (here / "acme/commentary/2026Q3/ok.xlsx").is_file() and planned(here).state == "current"
    path = here / "acme/commentary/2026Q3/ok.xlsx"
    path.write_bytes(path.read_bytes() + b" ")
    assert codes(here) == ["judgement"]


def test_a_run_that_ended_before_the_workbooks_brings_them_up_to_date(here):
    made(here)
    folder = here / "reports/acme/2026Q3"
    told = record.read(folder)
    told["jobs"][0]["desk"] = False
    (folder / record.FILE).write_text(json.dumps(told), encoding="utf-8")
    (here / "acme/commentary/2026Q3/ok.xlsx").unlink()
    told["jobs"][0]["basis"]["settings"]["judgement"] = {}
    key = basis.key(told["jobs"][0]["basis"])
    told["jobs"][0]["languages"]["zh"]["key"] = key
    (folder / record.FILE).write_text(json.dumps(told), encoding="utf-8")
    assert made(here) == ["current"]
    assert (here / "acme/commentary/2026Q3/ok.xlsx").is_file() and record.read(folder)["jobs"][0]["desk"]
    assert made(here) == ["current"]


def test_a_damaged_record_vouches_for_nothing(here):
    made(here)
    (here / "reports/acme/2026Q3/run.json").write_text("{", encoding="utf-8")
    assert codes(here) == ["new"]
    assert (made(here), made(here)) == (["done"], ["current"])


def test_a_file_that_is_missing_blocks_before_anything_runs(here):
    (here / "acme/raw/f.csv").unlink()
    each = planned(here)
    assert each.state == "blocked" and each.reason.code == "intake.file_missing"
    assert made(here) == ["skipped"] and not KERNEL.calls


def test_every_reason_to_run_is_worded():
    source = Path(freshness.__file__).read_text(encoding="utf-8")
    worded = set(words.catalogue("cli")["why"])
    assert {"inputs", *basis.PARTS[2:], *basis.SETTINGS, "brand"} <= worded
    assert all(f'"{code}"' in source or code in (*basis.PARTS, *basis.SETTINGS, "brand") for code in worded)
