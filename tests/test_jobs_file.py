"""A jobs file: what each entry becomes, and every way one can be wrong."""

import json
import shutil
from pathlib import Path

import pytest
from test_batch import FEEDBACK, HEAD, ROWS, project, write

from sqlib import batch, jobs_file
from sqlib.errors import ArgumentError
from sqlib.jobs import Job, Loose, Refused


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(project(tmp_path))
    return tmp_path


def plan(here: Path, text: str) -> list:
    (here / "jobs.yaml").write_text(text, encoding="utf-8")
    return jobs_file.plan(here / "jobs.yaml")


def test_an_entry_is_one_run_of_a_page(here):
    (job,) = plan(here, """
- notebook: ok
  parameters: {client_dir: acme, period: 2026Q2, language: en, min_group: 8, audience: internal}
  to: [pdf, xlsx]
""")  # fmt: skip
    assert isinstance(job, Job) and job.named
    assert (job.page.stem, job.who.id, job.period, job.languages) == ("ok", "acme", "2026Q2", ("en",))
    assert (job.audience, job.parameters, job.formats) == ("internal", {"min_group": 8}, ("html", "pdf", "xlsx"))


def test_what_yaml_reads_as_a_number_or_a_date_is_still_a_period(here):
    for written, text in {
        "2026": "2026",
        "2026-07": "2026-07",
        "2026-07-01..2026-07-31": "2026-07-01..2026-07-31",
    }.items():
        (job,) = plan(here, f"- notebook: notebooks/ok.ipynb\n  parameters: {{client_dir: acme, period: {written}}}")
        assert job.period == text


def test_entries_that_differ_in_language_alone_are_one_report(here):
    entry = "- notebook: ok\n  parameters: {{client_dir: acme, language: {}}}\n"
    (job,) = plan(here, entry.format("zh") + entry.format("en"))
    assert job.languages == ("zh", "en")
    two = plan(here, entry.format("zh") + entry.format("en").replace("acme,", "acme, audience: internal,"))
    assert [job.languages for job in two] == [("zh",), ("en",)]


def test_paths_are_tried_beside_the_file_first(here, monkeypatch):
    (here / "night").mkdir()
    shutil.copytree(here / "acme", here / "night" / "beta")
    (here / "night" / "jobs.yaml").write_text("- notebook: ok\n  parameters: {client_dir: beta}", encoding="utf-8")
    (job,) = jobs_file.plan(here / "night" / "jobs.yaml")
    assert job.who.folder == (here / "night" / "beta").resolve()


def test_a_notebook_of_no_catalogue_runs_as_it_is(here):
    shutil.copy(here / "notebooks" / "ok.ipynb", here / "mine.ipynb")
    (job,) = plan(
        here, "- notebook: mine.ipynb\n  parameters: {level: 0.75, out_dir: given}\n  output: deep/mine.ipynb"
    )
    assert isinstance(job, Loose) and job.output == "deep/mine"
    (outcome,) = batch.run([job], here / "reports")
    assert outcome.status == "done"
    made = {path.relative_to(here / "reports").as_posix() for path in (here / "reports").rglob("*.*") if path.is_file()}
    assert {"deep/mine.ipynb", "deep/mine.html"} <= made
    assert '"level": 0.75' in json.dumps(json.loads((here / "reports/deep/mine.ipynb").read_text(encoding="utf-8")))


def test_a_client_that_cannot_be_read_is_refused_and_the_others_run(here):
    write(here / "broken", FEEDBACK, HEAD + "[tragets]\n", f__csv=ROWS)
    entry = "- notebook: ok\n  parameters: {{client_dir: {}}}\n"
    planned = plan(here, entry.format("broken") + entry.format("acme"))
    assert [type(job) for job in planned] == [Refused, Job]
    with pytest.raises(ArgumentError):
        plan(here, entry.format("broken"))


def test_a_client_that_cannot_be_read_is_refused_once_for_all_its_entries(here):
    write(here / "broken", FEEDBACK, HEAD + "[tragets]\n", f__csv=ROWS)
    entry = "- notebook: ok\n  parameters: {{client_dir: {}, language: {}}}\n"
    planned = plan(here, entry.format("broken", "zh") + entry.format("broken", "en") + entry.format("acme", "zh"))
    assert [type(job) for job in planned] == [Refused, Job]


WRONG = [
    ("", "jobs_file.unreadable", "NoneType"),
    ("notebook: ok", "jobs_file.unreadable", "dict"),
    ("- [", "jobs_file.unreadable", "line 1"),
    ("- ok", "jobs_file.entry", "'ok'"),
    ("- {notebok: ok}", "jobs_file.entry", "notebok"),
    ("- {notebook: ok, parameters: [1]}", "jobs_file.entry", "[1]"),
    ("- {notebook: gone.ipynb}", "jobs_file.no_notebook", "gone.ipynb"),
    ("- {notebook: ok, parameters: {level: 0.5}}", "jobs_file.no_client", "level"),
    ("- {notebook: ok, parameters: {client_dir: acme}, output: x}", "jobs_file.output", "x"),
    ("- {notebook: ok, parameters: {client_dir: acme}}\n- {notebook: ok, parameters: {client_dir: acme}}",
     "jobs_file.twice", "acme"),
    ("- {notebook: ok, parameters: {client_dir: acme, levl: 0.5}}", "batch.unknown_parameter", "levl"),
    ("- {notebook: ok, parameters: {client_dir: acme, level: high}}", "page.wrong_type", "high"),
    ("- {notebook: ok, parameters: {client_dir: acme, language: fr}}", "page.not_one_of", "fr"),
    ("- {notebook: ok, parameters: {client_dir: acme}, to: docm}", "batch.unknown_format", "docm"),
    ("- {notebook: mine.ipynb, to: pdf}", "jobs_file.html_only", "pdf"),
    ("- {notebook: mine.ipynb, output: ../x}", "jobs_file.outside", "../x"),
    ("- {notebook: mine.ipynb, parameters: {levl: 1}}", "batch.unknown_parameter", "levl"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "got"), WRONG)
def test_a_wrong_entry_is_named(here, text, code, got):
    shutil.copy(here / "notebooks" / "ok.ipynb", here / "mine.ipynb")
    with pytest.raises(ArgumentError) as refused:
        plan(here, text)
    assert refused.value.code == code and refused.value.exit_status == 2
    for language in ("zh", "en"):
        assert got in refused.value.text(language) and refused.value.parts(language)["remedy"]


def test_a_file_that_is_not_there_is_named(here):
    with pytest.raises(ArgumentError) as refused:
        jobs_file.plan(here / "none.yaml")
    assert refused.value.code == "jobs_file.unreadable" and "none.yaml" in refused.value.text("en")
