"""Pages run by an orchestrator: one list of jobs, papermill's own arguments, the same reports as a run here.

The convention is tried on every page with stock papermill; most ways to go wrong on tiny pages that only look executed.
"""

import ast
import inspect
import json
import re
import shutil
from pathlib import Path

import papermill
import pytest
from client_folder import write
from equal_reports import differences, products
from hypothesis import given
from hypothesis import strategies as st
from nbformat import v4
from test_batch import FEEDBACK, HEAD, ROWS, project

from sqlib import batch, catalogue, cli, freshness, installed, jobs, jobs_file, notebook, orchestrated, page, queries
from sqlib.errors import SqlibError
from sqlib.jobs import Job, Loose, Refused

ROOT = Path(__file__).parents[1]
ENTRIES = catalogue.entries(ROOT)
DEMO = ROOT / "data" / "demo" / "jiahe"
KINDS = ["html", "pdf", "docx", "xlsx", "pptx", "png"]

pages = pytest.mark.parametrize("stem", ENTRIES)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(project(tmp_path))
    monkeypatch.setenv("SQLIB_LANGUAGE", "en")
    return tmp_path


# ---------------------------------------------------------------- the convention, for every page


def runs(stem: str, work: Path, **asked) -> list[dict]:
    return [run for job in jobs.plan([DEMO], only=[stem], **asked) for run in jobs_file.arguments(job, work)]


@pages
def test_papermill_reads_the_parameters_a_page_declares(stem):
    told = papermill.inspect_notebook(str(ENTRIES[stem].notebook))
    declared = notebook.parameters(notebook.read(ENTRIES[stem].notebook))
    assert [(name, each["inferred_type_name"], each["help"]) for name, each in told.items()] == [
        (each.name, each.type, each.help) for each in declared
    ]
    assert [ast.literal_eval(each["default"]) for each in told.values()] == [each.default for each in declared]


@pages
def test_arguments_are_papermills_own_and_hold_text_and_numbers_only(stem, tmp_path):
    declared = {each.name: each.type for each in notebook.parameters(notebook.read(ENTRIES[stem].notebook))}
    for run in runs(stem, tmp_path, languages=["zh", "en"], parameters={"as_of": "2026-09-30", "min_group": "8"}):
        assert json.loads(json.dumps(run)) == run
        bound = inspect.signature(papermill.execute_notebook).bind(**run).arguments
        assert bound["kernel_name"] == "python3" and Path(bound["output_path"]).is_relative_to(tmp_path)
        assert {name: type(value).__name__ for name, value in run["parameters"].items()}.items() <= declared.items()
        assert Path(run["parameters"]["out_dir"]) == Path(run["output_path"]).parent


@pytest.mark.parametrize("stem", [stem for stem, entry in ENTRIES.items() if entry.listed])  # the template: see below
def test_results_are_read_from_a_notebook_stock_papermill_executed(stem, tmp_path):
    (run,) = runs(stem, tmp_path, languages=["zh"])
    Path(run["output_path"]).parent.mkdir(parents=True)
    papermill.execute_notebook(**run, progress_bar=False)
    found, committed = (notebook.harvest(notebook.read(path)) for path in (run["output_path"], ENTRIES[stem].notebook))
    assert found["findings"] == committed["findings"] and found["report"] == committed["report"]
    tables = {path.stem for path in (Path(run["parameters"]["out_dir"]) / "tables" / stem).glob("*.csv")}
    assert tables >= {*ENTRIES[stem].hands_over}


# ---------------------------------------------------------------- the same reports


def test_collected_reports_equal_those_of_a_run_in_every_format(tmp_path):
    asked = jobs.plan([DEMO], only=["template"], languages=["zh", "en"], formats=KINDS)
    orchestrated.lay_out(freshness.sort(asked, tmp_path / "collected"), tmp_path / "work")
    for run in json.loads((tmp_path / "work" / "runs.json").read_text(encoding="utf-8")):
        papermill.execute_notebook(**run, progress_bar=False, report_mode=True)  # as Airflow does
    taken = batch.run(jobs_file.plan(tmp_path / "work" / orchestrated.JOBS), tmp_path / "collected",
                      work=tmp_path / "work")  # fmt: skip
    ran = batch.run(asked, tmp_path / "run")
    assert [outcome.status for outcome in taken + ran] == ["done", "done"]
    assert differences(tmp_path / "collected", tmp_path / "run") == []
    kinds = {Path(name).suffix for name in products(tmp_path / "collected")}
    assert kinds == {f".{kind}" for kind in KINDS} | {".csv", ".ipynb", ".json"}


# ---------------------------------------------------------------- one list of jobs


def same(one: list, other: list) -> bool:
    """Are two plans the same? Reasons of refusal are told apart by their code."""
    plain = [[(job.folder.resolve(), job.period, job.reason.code) if isinstance(job, Refused) else job for job in each]
             for each in (one, other)]  # fmt: skip
    return plain[0] == plain[1]


ASKED = [
    {},
    {"only": ["ok", "depends"], "languages": ["zh", "en"], "formats": ["pdf", "xlsx"], "compare_to": "none"},
    {"period": "2026-07-01..2026-07-31", "audience": "internal", "parameters": {"min_group": "8", "level": "-0.5"}},
    {"period": "2026", "languages": ["en"], "audience": "client"},
]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_a_jobs_file_of_folders_plans_the_same_jobs(here, asked):
    write(here / "bare", FEEDBACK.replace("feedback", "cases"), HEAD, f__csv="case_id,created_at\n1,2026-08-01\n")
    write(here / "broken", FEEDBACK, HEAD + "[tragets]\n", f__csv=ROWS)
    planned = jobs.plan(["acme", "bare", "broken"], **asked)
    assert {type(job) for job in planned} == {Job, Refused}
    (here / "jobs.yaml").write_text(jobs_file.text(planned), encoding="utf-8")
    again = jobs_file.plan(here / "jobs.yaml")
    assert same(planned, again)
    assert [job.named for job in planned] == [job.named for job in again]


def test_a_team_keeps_its_name(tmp_path):
    planned = jobs.plan([DEMO], only=["template"], audience="team", parameters={"team": "A: 'x' # 1"})
    (tmp_path / "jobs.yaml").write_text(jobs_file.text(planned), encoding="utf-8")
    assert jobs_file.plan(tmp_path / "jobs.yaml") == planned


plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)


@given(level=st.floats(allow_nan=False, allow_infinity=False), folder=plain, group=st.integers(-(2**60), 2**60))
def test_an_entry_and_the_arguments_of_papermill_tell_the_same(level, folder, group):
    source = ROOT / "tests" / "notebooks" / "ok.ipynb"
    job = jobs.loose(source, {"level": level, "client_dir": folder, "min_group": group}, "a/b", ["html"])
    assert isinstance(job, Loose)
    (run,) = jobs_file.arguments(job, Path("/work"))
    entry = jobs_file.entry(run, Path("/work"))
    assert json.loads(json.dumps(run)) == run and run["parameters"] == job.parameters
    assert entry == {"notebook": str(source.resolve()), "parameters": job.parameters, "output": "a/b"}


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_entries_are_one_to_one_with_runs(here, asked):
    for job in jobs.plan(["acme"], **asked):
        found = jobs_file.arguments(job, here / "work")
        entries = [jobs_file.entry(run, here / "work") for run in found]
        assert len(found) == len(job.languages) == len({run["output_path"] for run in found})
        (here / "jobs.yaml").write_text(json.dumps([each | {"to": [*job.formats]} for each in entries]))
        (again,) = jobs_file.plan(here / "jobs.yaml")
        assert jobs_file.arguments(again, here / "work") == found


# ---------------------------------------------------------------- collecting


def executed(run: dict, *, cells: int = 99, fault: str = "", close: bool = True, **changed) -> None:
    """What papermill leaves of a tiny page, without a kernel; ``cells`` : how many ran, ``changed`` : parameters."""
    nb, own = notebook.read(run["input_path"]), run["parameters"] | changed
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code[:cells], 1):
        cell.execution_count = number
    stem, _, language = Path(run["output_path"]).stem.partition(".")
    finding = {"finding_id": f"{stem}.level", "stem": stem, "estimate": 1.0, "strength": "weak"}
    code[-2].outputs = [_shown(notebook.FINDING, finding | {"parts": {"statement": language}})]
    if fault:
        code[-2].outputs.append(v4.new_output("error", ename="ValueError", evalue=fault, traceback=[]))
    code[-1].outputs = [_shown(notebook.REPORT, {"stem": stem, "language": language})] if close else []
    nb.cells.insert(3, v4.new_code_cell("", execution_count=1, metadata={"tags": ["injected-parameters"]}))
    nb.metadata["papermill"] = {"parameters": own}
    notebook.write(nb, run["output_path"])
    out = Path(run["parameters"].get("out_dir", ""))
    if out.is_dir():
        (out / "tables" / stem).mkdir(parents=True, exist_ok=True)
        (out / "tables" / stem / "numbers.csv").write_text("level\n1\n", encoding="utf-8")


def _shown(mime: str, record: dict):
    return v4.new_output("display_data", data={mime: record})


def told(run: dict, **values) -> None:
    """What the page says it read."""
    kept = {"inputs": {}, "rows": [], "environment": installed.environment()} | values
    (Path(run["parameters"]["out_dir"]) / page.READ).write_text(json.dumps(kept), encoding="utf-8")


def laid_out(here: Path, **asked) -> list[dict]:
    planned = jobs.plan(["acme"], **({"only": ["ok", "depends"], "languages": ["zh", "en"]} | asked))
    orchestrated.lay_out(freshness.sort(planned, here / "out"), here / "work")
    return json.loads((here / "work" / "runs.json").read_text(encoding="utf-8"))


def collected(here: Path, **options) -> list[batch.Outcome]:
    asked = jobs_file.plan(here / "work" / orchestrated.JOBS)
    return batch.run(asked, here / "out", work=here / "work", **options)


def test_nothing_is_executed_and_the_language_is_its_own(here, monkeypatch):
    monkeypatch.setattr(papermill, "execute_notebook", None)
    found = laid_out(here)
    for run in found:
        executed(run)
        told(run)
    assert [outcome.status for outcome in collected(here)] == ["done", "done"]
    nb = notebook.read(here / "out/acme/2026Q3/management/ok.en.ipynb")
    assert [cell.source for cell in nb.cells if cell.cell_type == "markdown"] == ["# Sample ok"]
    assert all(Path(run["output_path"]).is_file() for run in found)  # collecting takes a copy
    assert [outcome.status for outcome in collected(here, force=False)] == ["current", "current"]


def data_changed(run):
    (Path(run["parameters"]["client_dir"]) / "raw" / "f.csv").write_text(ROWS.replace("5,1,5", "4,1,5"))


WRONG = {
    "missing": (lambda run: Path(run["output_path"]).unlink(), "orchestrated.missing", "runs.json"),
    "half-run": (lambda run: executed(run, cells=2), "orchestrated.unfinished", "2 / 4"),
    "failed": (lambda run: executed(run, fault="planted"), "batch.page_failed", "ValueError: planted"),
    "killed while it closed": (lambda run: (Path(run["parameters"]["out_dir"]) / page.READ).unlink(),
                               "orchestrated.unfinished", page.READ),
    "not closed": (lambda run: executed(run, close=False), "batch.promise", "close()"),
    "other parameters": (lambda run: executed(run, min_group=9), "orchestrated.other", "min_group=9"),
    "other period": (lambda run: executed(run, period="2026Q2"), "orchestrated.other", "period=2026Q2"),
    "other page": (lambda run: executed(run | {"input_path": ROOT / "tests/notebooks/odd.ipynb"}),
                   "orchestrated.other", "cells"),
    "no notebook": (lambda run: Path(run["output_path"]).write_text("{"), "notebook.unreadable", "ok.en.ipynb"),
    "data changed": (data_changed, "orchestrated.changed", "raw/f.csv"),
    "other data read": (lambda run: told(run, inputs={"raw/f.csv": "0"}), "orchestrated.changed", "raw/f.csv"),
    "other kernel": (lambda run: told(run, environment={"python": "2.7"}), "orchestrated.kernel", "python"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "code", "got"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_taken_is_named_and_the_others_are_delivered(here, spoil, code, got):
    write(here / "beta", FEEDBACK, HEAD, f__csv=ROWS)
    planned = jobs.plan(["acme", "beta"], only=["ok"], languages=["zh", "en"])
    orchestrated.lay_out(freshness.sort(planned, here / "out"), here / "work")
    for run in (found := json.loads((here / "work" / "runs.json").read_text(encoding="utf-8"))):
        executed(run)
        told(run)
    spoil(found[1])
    outcomes = collected(here)
    assert [outcome.status for outcome in outcomes] == ["failed", "done"] and batch.status(outcomes) == 1
    assert outcomes[0].reason.code == code
    for language in ("zh", "en"):
        assert got in outcomes[0].reason.text(language) and outcomes[0].reason.parts(language)["remedy"]
    made = {path.name for path in (here / "out" / "acme" / "2026Q3").rglob("ok.*")}
    half = code in ("orchestrated.unfinished", "batch.page_failed")
    assert made == ({"ok.en.failed.ipynb"} if half else set())
    (told_of,) = json.loads((here / "out/acme/2026Q3/run.json").read_text(encoding="utf-8"))["jobs"]
    assert told_of["status"] == "failed" and told_of["reason"]["zh"] and told_of["seed"] is None


def test_languages_that_differ_are_told_as_in_a_run(here):
    for run in laid_out(here, only=["ok"]):
        executed(run)
        told(run)
    (here / "work/acme/2026Q3/management/ok/en/tables/ok/numbers.csv").write_text("level\n2\n")
    (outcome,) = collected(here)
    assert outcome.reason.code == "batch.languages_differ"


def test_a_database_is_asked_when_runs_are_laid_out_and_not_when_they_are_collected(here, monkeypatch):
    asked = []
    monkeypatch.setattr(queries, "anew", lambda: asked.append("anew"))
    for run in laid_out(here, only=["ok"]):
        executed(run)
        told(run)
    assert [outcome.status for outcome in collected(here)] == ["done"] and asked == []
    monkeypatch.setattr("sys.argv", ["sqlib", "run", "acme", "--lay-out", "work", "--out", "out"])
    with pytest.raises(SystemExit):
        cli.main()
        raise SystemExit(0)
    assert asked == ["anew"]


def test_a_new_round_takes_nothing_of_the_one_before(here):
    for run in laid_out(here, only=["ok"]):
        executed(run)
        told(run)
    laid_out(here, only=["ok"])
    (outcome,) = collected(here)
    assert outcome.reason.code == "orchestrated.missing"
    assert not list((here / "work").rglob("numbers.csv")) and not list((here / "work").rglob(page.READ))


def test_what_is_up_to_date_needs_no_run(here):
    for run in laid_out(here):
        executed(run)
        told(run)
    collected(here)
    assert laid_out(here) == []
    assert [outcome.status for outcome in collected(here, force=False)] == ["current", "current"]


def test_a_notebook_of_no_catalogue_is_taken_as_it_is(here):
    shutil.copy(here / "notebooks" / "ok.ipynb", here / "mine.ipynb")
    (here / "jobs.yaml").write_text("- {notebook: mine.ipynb, parameters: {level: 0.75}, output: deep/mine}")
    planned = freshness.sort(jobs_file.plan(here / "jobs.yaml"), here / "out")
    orchestrated.lay_out(planned, here / "work")
    (outcome,) = collected(here)
    assert outcome.reason.code == "orchestrated.missing"
    (run,) = json.loads((here / "work" / "runs.json").read_text(encoding="utf-8"))
    assert run["parameters"] == {"level": 0.75} and run["cwd"] == str(here)
    (here / "deep").mkdir()
    executed(run)
    (outcome,) = collected(here)
    assert outcome.status == "done" and (here / "out" / "deep" / "mine.html").is_file()
    executed(run, level=0.5)
    (outcome,) = collected(here)
    assert outcome.reason.code == "orchestrated.other" and "level=0.5" in outcome.reason.text("en")


def test_only_what_must_run_gets_room_and_only_for_what_its_formats_need(here):
    laid_out(here, only=["ok"], formats=["xlsx"])
    assert {path.name for path in (here / "work/acme/2026Q3/management/ok/zh").iterdir()} == {"typed"}
    laid_out(here, only=["ok"], formats=["pdf"])
    assert {path.name for path in (here / "work/acme/2026Q3/management/ok/zh").iterdir()} == {"figures"}


# ---------------------------------------------------------------- the command line and the README


@pytest.fixture
def sqlib(monkeypatch, capsys):
    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["sqlib", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
            raise SystemExit(0)
        return end.value.code or 0, "".join(capsys.readouterr())

    return call


def test_from_the_command_line(here, sqlib):
    asked = ["run", "acme", "--only", "ok", "--language", "zh,en", "--lay-out", here / "work", "--out", here / "out"]
    status, said = sqlib(*asked)
    assert status == 0 and "Plan: 1 to make" in said and said.splitlines()[-1] == str(here / "work" / "runs.json")
    first, second = json.loads((here / "work" / "runs.json").read_text(encoding="utf-8"))
    executed(first)
    told(first)
    assert sqlib(*asked, "--dry-run")[0] == 0  # plans only: what was laid out stays
    status, said = sqlib("collect", here / "work", "--out", here / "out", "-j", "1")
    assert status == 1 and "was not run" in said and "remedy:" in said
    for run in (first, second):
        executed(run)
        told(run)
    status, said = sqlib("collect", here / "work", "--out", here / "out", "-j", "1")
    assert status == 0 and "1 done" in said and (here / "out/acme/2026Q3/management/ok.en.html").is_file()


def test_a_plan_that_fails_leaves_nothing_to_collect(here, sqlib):
    laid_out(here)
    assert sqlib("run", "gone", "--lay-out", here / "work")[0] == 2
    assert sqlib("collect", here / "work", "--out", here / "out")[0] == 2
    assert not (here / "out").exists()
    laid_out(here)
    again = ["run", "--jobs-file", here / "work" / orchestrated.JOBS, "--lay-out", here / "work"]
    assert sqlib(*again, "--out", here / "out")[0] == 0


def test_without_a_folder_that_was_laid_out_nothing_is_collected(here, sqlib):
    status, said = sqlib("collect", here / "none")
    assert status == 2 and "laid_out.yaml" in said


def example() -> str:
    """The DAG of the README."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("### In an orchestrator")[2]
    return re.search(r"```python\n(.*?)```", section, re.S)[1]


def test_the_example_of_the_readme_names_only_what_there_is(sqlib):
    compile(example(), "README.md", "exec")
    commands = re.findall(r"\{SQLIB\} (\w+)(.*)", example())
    assert [name for name, _ in commands] == ["run", "collect"]
    for name, rest in commands:
        known = re.findall(r"--[a-z-]+", sqlib(name, "--help")[1])
        assert {*re.findall(r"--[a-z-]+", rest)} <= {*known}
    taken = re.findall(r'run\["(\w+)"\]', example())
    assert {*taken} == {"input_path", "output_path", "parameters", "kernel_name"}
    assert "runs.json" in example()


def test_every_reason_is_worded_for_who_mends_it():
    for name in ("missing", "unfinished", "changed", "other", "kernel"):
        error = SqlibError(f"orchestrated.{name}", page="ok", where="w", got="g")
        for language in ("zh", "en"):
            assert {*error.parts(language)} == {"what", "where", "got", "remedy"}
