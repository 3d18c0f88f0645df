"""Report jobs: what is checked before a kernel starts, what is kept when a page fails, what replaces what.

Most tests hand in an executed page instead of a kernel; one batch of tiny pages (``tests/notebooks``) runs for real.
"""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from client_folder import write
from nbformat import v4
from papermill import PapermillExecutionError

from sqlib import batch, desk, errors, execution, freshness, jobs, notebook, portfolio, publication, record, versions
from sqlib.errors import ArgumentError, SqlibError

HERE = Path(__file__).parent
HEAD = """[client]
name = "Acme Ltd"
languages = ["zh"]
[period]
default = "2026Q3"
[privacy]
demo_key = "key"
"""
FEEDBACK = '[[tables.feedback]]\nfiles = ["raw/f.csv"]\n'
ROWS = "feedback_id,score,scale_min,scale_max\nF1,5,1,5\n"


def project(root: Path) -> Path:
    """A project of its own: the tiny pages, and one client."""
    shutil.copytree(HERE / "notebooks", root / "notebooks")
    write(root / "acme", FEEDBACK, HEAD, f__csv=ROWS)
    return root


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(project(tmp_path))
    return tmp_path


class Kernel:
    """Stands in for papermill: writes the page as executed, with the number and the tables it is told."""

    PapermillExecutionError = PapermillExecutionError

    def __init__(self):
        self.calls, self.tables, self.fault, self.closes, self.sheets = [], ("numbers",), None, True, []
        self.level = lambda language: 1.0

    def execute_notebook(self, source, executed, values, **settings):
        self.calls.append(values | {"source": notebook.read(source), "settings": settings})
        stem, language = Path(executed).stem.rsplit(".", 1)
        finding = {"finding_id": f"{stem}.level", "stem": stem, "estimate": self.level(language), "strength": "weak"}
        cells = [_cell(notebook.FINDING, finding | {"parts": {"statement": language}})]
        cells += [_cell(notebook.SHEET, sheet) for sheet in self.sheets]
        if self.closes and not self.fault:
            cells.append(_cell(notebook.REPORT, {"stem": stem, "language": language}))
        notebook.write(v4.new_notebook(cells=cells), executed)
        folder = Path(values["out_dir"]) / "tables" / stem
        folder.mkdir(parents=True)
        for name in self.tables:
            (folder / f"{name}.csv").write_text(f"level\n{self.level('table')}\n", encoding="utf-8")
        if self.fault:
            raise self.fault


def _cell(mime: str, record: dict):
    return v4.new_code_cell("", execution_count=1, outputs=[v4.new_output("display_data", data={mime: record})])


FAULT = PapermillExecutionError(4, 4, "raise ValueError", "ValueError", "planted", [])


@pytest.fixture
def kernel(monkeypatch) -> Kernel:
    stand_in = Kernel()
    monkeypatch.setattr(execution, "_papermill", lambda: stand_in)
    return stand_in


class Teller(batch.Silent):
    """Hands on what ended."""

    def __init__(self, ended):
        self.ended = ended


def files(folder: Path) -> dict[str, bytes]:
    """Every file but the lock, the index and the findings of a period, which every run builds anew."""
    made = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    anew = re.compile(r"\..*|index\.html|acme/[^/]+/findings\.csv")
    return {name: data for name, data in made.items() if not anew.fullmatch(name)}


# ---------------------------------------------------------------- before any kernel

WRONG = [
    ({"only": ["nothing"]}, "catalogue.unknown_page", "nothing"),
    ({"period": "2026Q7"}, "periods.unknown", "2026Q7"),
    ({"languages": ["fr"]}, "page.not_one_of", "fr"),
    ({"audience": "boss"}, "page.not_one_of", "boss"),
    ({"formats": ["docm"]}, "batch.unknown_format", "docm"),
    ({"parameters": {"min_gruop": "8"}}, "batch.unknown_parameter", "min_gruop"),
    ({"parameters": {"min_group": "eight"}}, "page.wrong_type", "eight"),
    ({"parameters": {"min_group": "8.5"}}, "page.wrong_type", "8.5"),
    ({"parameters": {"out_dir": "x"}}, "batch.unknown_parameter", "out_dir"),
    ({"parameters": {"client_dir": "x"}}, "batch.unknown_parameter", "client_dir"),
]


@pytest.mark.parametrize(("asked", "code", "got"), WRONG)
def test_a_wrong_argument_stops_the_plan(here, kernel, asked, code, got):
    with pytest.raises(ArgumentError) as refused:
        jobs.plan(["acme"], **asked)
    assert refused.value.code.startswith(code) and refused.value.exit_status == 2
    for language in ("zh", "en"):
        assert got in refused.value.parts(language)["got"] and refused.value.parts(language)["remedy"]
    assert kernel.calls == []


def test_a_wrong_client_alone_is_an_error_and_among_others_refused(here, kernel):
    write(here / "broken", FEEDBACK, HEAD + "[tragets]\n", f__csv=ROWS)
    for alone, code in (("broken", "client.unknown_key"), ("none", "project.client_missing")):
        with pytest.raises(ArgumentError) as refused:
            jobs.plan([alone])
        assert refused.value.code == code
    outcomes = batch.run(jobs.plan(["broken", "acme", "none"]), here / "reports")
    assert [outcome.status for outcome in outcomes] == ["skipped", "done", "skipped"]
    assert batch.status(outcomes) == 1 and "tragets" in outcomes[0].reason.text("en")


def test_two_clients_of_one_id_are_refused_and_one_named_twice_is_not(here, kernel):
    write(here / "other" / "acme", FEEDBACK, HEAD, f__csv=ROWS)
    with pytest.raises(ArgumentError) as refused:
        jobs.plan(["acme", "other/acme"])
    assert refused.value.code == "batch.same_id"
    assert all(str(here / place) in refused.value.text("en") for place in ("acme", "other/acme"))
    assert len(jobs.plan(["acme", str(here / "acme"), "acme/"])) == 1


def test_two_clients_whose_ids_differ_in_case_alone_are_one_folder_elsewhere(here):
    write(here / "other" / "ACME", FEEDBACK, HEAD, f__csv=ROWS)
    with pytest.raises(ArgumentError) as refused:
        jobs.plan(["acme", "other/ACME"])
    assert refused.value.code == "batch.same_id"


def test_a_client_without_period_needs_one(here):
    write(here / "acme", FEEDBACK, HEAD.replace('default = "2026Q3"', ""), f__csv=ROWS)
    with pytest.raises(ArgumentError) as refused:
        jobs.plan(["acme"])
    assert refused.value.code == "page.no_period"
    assert [job.period for job in jobs.plan(["acme"], period="2026-07")] == ["2026-07"]


def test_a_plan_takes_what_the_client_declares_and_reads_parameters_as_their_type(here):
    (job,) = jobs.plan(["acme"], parameters={"min_group": "8", "level": "0.25"})
    assert (job.page.stem, job.period, job.languages, job.compare_to) == ("ok", "2026Q3", ("zh",), "previous")
    assert job.parameters == {"min_group": 8, "level": 0.25}
    assert job.folder == Path("acme/2026Q3")


def test_an_unwritable_folder_is_told_before_any_kernel(here, kernel):
    (here / "file").write_text("", encoding="utf-8")
    with pytest.raises(ArgumentError) as refused:
        batch.run(jobs.plan(["acme"]), here / "file" / "reports")
    assert refused.value.code == "batch.unwritable" and kernel.calls == []


def test_a_client_without_the_table_a_page_needs_is_skipped_with_the_reason(here, kernel):
    write(here / "acme", FEEDBACK.replace("feedback", "cases"), HEAD, f__csv="case_id,created_at\n1,2026-08-01\n")
    (outcome,) = batch.run(jobs.plan(["acme"]), here / "reports")
    assert (outcome.status, outcome.reason.code, kernel.calls) == ("skipped", "batch.table_missing", [])
    (told,) = json.loads((here / "reports/acme/2026Q3/run.json").read_text(encoding="utf-8"))["jobs"]
    assert told["status"] == "skipped" and "feedback" in told["reason"]["zh"]


# ---------------------------------------------------------------- a job that succeeds


def test_the_page_gets_its_parameters_as_plain_text_and_one_language(here, kernel):
    batch.run(jobs.plan(["acme"], languages=["en"], parameters={"min_group": "8"}), here / "reports")
    (call,) = kernel.calls
    assert call["client_dir"] == str(here / "acme") and call["period"] == "2026Q3" and call["min_group"] == 8
    assert call["settings"]["kernel_name"] == "python3"
    assert all(type(call[name]) in (str, int, float) for name in jobs.OWN)
    assert not any("lang-zh" in notebook.tags(cell) for cell in call["source"].cells)


def test_what_is_delivered_and_recorded(here, kernel):
    (outcome,) = batch.run(jobs.plan(["acme"], languages=["zh", "en"]), here / "reports")
    assert outcome.status == "done" and outcome.reason is None
    made = files(here / "reports")
    place = "acme/2026Q3/management"
    reports = {f"{place}/ok.{language}.{kind}" for language in ("zh", "en") for kind in ("ipynb", "html")}
    assert set(made) == reports | {f"{place}/tables/ok/numbers.csv", "acme/2026Q3/run.json"}
    assert {path.name for path in (here / "reports").glob(".*")} <= {".sqlib.lock"}
    record = json.loads(made["acme/2026Q3/run.json"])
    assert {"client_id": "acme", "client_name": "Acme Ltd", "period": "2026Q3"}.items() <= record.items()
    assert {"sqlib", "pandas", "numpy"} <= set(record["versions"])
    (job,) = record["jobs"]
    assert job["status"] == "done" and job["title"]["en"] == "Sample ok"
    assert {code: entry["findings"] for code, entry in job["languages"].items()} == {"zh": 1, "en": 1}
    assert all(
        f"acme/2026Q3/{entry[kind]}" in made for entry in job["languages"].values() for kind in ("html", "notebook")
    )
    assert str(here) not in made["acme/2026Q3/run.json"].decode()


def test_two_audiences_and_two_periods_stand_side_by_side(here, kernel):
    out = here / "reports"
    for asked in ({}, {"audience": "internal"}, {"period": "2026Q2"}):
        batch.run(jobs.plan(["acme"], **asked), out)
    told = json.loads((out / "acme/2026Q3/run.json").read_text(encoding="utf-8"))["jobs"]
    assert [(job["stem"], job["audience"]) for job in told] == [("ok", "internal"), ("ok", "management")]
    assert (out / "acme/2026Q3/internal/ok.zh.html").is_file() and (out / "acme/2026Q3/management/ok.zh.html").is_file()
    assert (out / "acme/2026Q2/management/ok.zh.html").is_file()


def test_running_one_page_keeps_the_record_of_the_others(here, kernel):
    out = here / "reports"
    batch.run(jobs.plan(["acme"], only=["ok", "depends"]), out)
    batch.run(jobs.plan(["acme"], only=["ok"], parameters={"min_group": "9"}), out)
    told = {job["stem"]: job for job in json.loads((out / "acme/2026Q3/run.json").read_text(encoding="utf-8"))["jobs"]}
    assert set(told) == {"ok", "depends"}
    assert (told["ok"]["parameters"], told["depends"]["parameters"]) == ({"min_group": 9}, {})


def test_a_new_run_leaves_no_table_of_an_earlier_one(here, kernel):
    kernel.tables = ("numbers", "old")
    batch.run(jobs.plan(["acme"]), here / "reports")
    kernel.tables = ("numbers",)
    batch.run(jobs.plan(["acme"]), here / "reports")
    assert [path.name for path in (here / "reports/acme/2026Q3/management/tables/ok").iterdir()] == ["numbers.csv"]


def test_findings_of_a_language_not_run_again_do_not_outlive_new_ones(here, kernel):
    out = here / "reports"
    batch.run(jobs.plan(["acme"], languages=["zh", "en"]), out)
    kernel.level = lambda language: 2.0
    batch.run(jobs.plan(["acme"], languages=["zh"]), out)
    written = portfolio.findings_csv(out / "acme/2026Q3").read_text(encoding="utf-8-sig").splitlines()
    assert len(written) == 2 and ",2.0," in written[1]


def test_a_language_added_later_keeps_the_first_where_they_agree(here, kernel):
    out = here / "reports"
    for language in ("zh", "en"):
        batch.run(jobs.plan(["acme"], languages=[language]), out)
    place = out / "acme/2026Q3/management"
    assert (place / "ok.zh.html").is_file() and (place / "ok.en.html").is_file()
    (entry,) = json.loads((place.parent / "run.json").read_text(encoding="utf-8"))["jobs"]
    assert set(entry["languages"]) == {"zh", "en"}  # the index links every report that stands


# ---------------------------------------------------------------- a job that fails


def test_a_failure_keeps_the_half_run_page_and_the_earlier_report(here, kernel):
    out = here / "reports"
    batch.run(jobs.plan(["acme"]), out)
    before = files(out / "acme/2026Q3/management")
    kernel.fault, kernel.level = FAULT, lambda language: 2.0
    (outcome,) = batch.run(jobs.plan(["acme"]), out)
    after = files(out / "acme/2026Q3/management")
    assert (outcome.status, outcome.reason.code) == ("failed", "batch.page_failed")
    assert after.keys() - before.keys() == {"ok.zh.failed.ipynb"} and {k: after[k] for k in before} == before
    assert "ValueError: planted" in outcome.reason.parts("zh")["got"]
    assert not (out / batch.STAGING).exists()
    kernel.fault = None
    batch.run(jobs.plan(["acme"]), out)
    assert files(out / "acme/2026Q3/management").keys() == before.keys()


@pytest.mark.parametrize("fault", [RuntimeError("Kernel died"), OSError(28, "No space left on device")])
def test_a_dead_kernel_and_a_full_disk_fail_their_own_job_only(here, kernel, fault):
    write(here / "beta", FEEDBACK, HEAD, f__csv=ROWS)
    asked = jobs.plan(["acme", "beta"])
    kernel.fault = fault
    seen = []

    def after(outcome):
        seen.append(outcome.status)
        kernel.fault = None

    outcomes = batch.run(asked, here / "reports", Teller(after))
    assert [outcome.status for outcome in outcomes] == seen == ["failed", "done"]
    assert str(fault.args[-1]) in outcomes[0].reason.text("en")
    assert not list((here / "reports" / "acme").rglob("*.html"))


@pytest.mark.parametrize("forgets", ["close", "table"])
def test_a_broken_promise_fails_the_job(here, kernel, forgets):
    kernel.closes, kernel.tables = forgets != "close", () if forgets == "table" else ("numbers",)
    (outcome,) = batch.run(jobs.plan(["acme"]), here / "reports")
    assert (outcome.status, outcome.reason.code) == ("failed", "batch.promise")
    assert {"close": "close()", "table": "numbers"}[forgets] in outcome.reason.parts("en")["got"]
    assert set(files(here / "reports")) <= {"acme/2026Q3/run.json"}


@pytest.mark.parametrize("differs", ["finding", "table"])
def test_languages_that_differ_fail_the_job_and_deliver_neither(here, kernel, differs):
    steps = iter(range(100))
    kernel.level = lambda asked: next(steps) if (asked == "table") == (differs == "table") else 1.0
    (outcome,) = batch.run(jobs.plan(["acme"], languages=["zh", "en"]), here / "reports")
    assert (outcome.status, outcome.reason.code) == ("failed", "batch.languages_differ")
    assert set(files(here / "reports")) <= {"acme/2026Q3/run.json"}


def test_every_reason_is_worded_in_both_languages():
    for name, entry in errors.catalogue("batch").items():
        assert {"what", "remedy"} <= set(entry["zh"]) & set(entry["en"]), name


# ---------------------------------------------------------------- what is no fault of the page


def test_a_client_of_the_same_name_with_a_report_does_not_excuse_one_without(here, kernel):
    write(here / "beta", FEEDBACK.replace("feedback", "cases"), HEAD, f__csv="case_id,created_at\n1,2026-08-01\n")
    outcomes = batch.run(jobs.plan(["acme", "beta"]), here / "reports")
    assert [outcome.status for outcome in outcomes] == ["done", "skipped"] and batch.status(outcomes) == 1


def test_a_page_nobody_asked_for_by_name_may_lack_its_tables_where_another_stands(here):
    (job,) = jobs.plan(["acme"])
    missing = SqlibError("batch.table_missing", page="x", where="acme", tables="cases")
    other = batch.Outcome(job, "skipped", missing)
    assert batch.status([batch.Outcome(job, "current"), other]) == 0 and batch.status([other]) == 1
    assert batch.status([batch.Outcome(job, "done"), batch.Outcome(replace(job, named=True), "skipped", missing)]) == 1
    assert batch.status([batch.Outcome(job, "done"), batch.Outcome(job, "failed", missing)]) == 0
    assert batch.status([batch.Outcome(job, "done"), batch.Outcome(job, "failed", SqlibError("batch.promise"))]) == 1


def full(*_, **__):
    raise OSError(28, "No space left on device", "some/file")


@pytest.mark.parametrize("step", ["publish", "settled", "write", "settle"])
def test_a_disk_that_fails_at_any_step_costs_one_report_and_is_made_good_by_the_next_run(
    here, kernel, monkeypatch, step
):
    write(here / "beta", FEEDBACK, HEAD, f__csv=ROWS)
    module = {"publish": publication, "settled": publication, "write": record, "settle": versions}[step]
    genuine = getattr(module, step)
    monkeypatch.setattr(module, step, full)
    seen = []

    def after(outcome):
        seen.append((outcome.status, outcome.reason and outcome.reason.code))
        monkeypatch.setattr(module, step, genuine)

    outcomes = batch.run(jobs.plan(["acme", "beta"]), here / "reports", Teller(after))
    assert seen == [("failed", "batch.disk"), ("done", None)] and batch.status(outcomes) == 1
    again = batch.run(jobs.plan(["acme", "beta"]), here / "reports", force=False)
    assert [outcome.status for outcome in again] == ["done", "current"]


def test_nothing_is_published_of_a_report_whose_files_are_held_open(here, kernel, monkeypatch):
    out = here / "reports"
    batch.run(jobs.plan(["acme"]), out)
    before = files(out / "acme/2026Q3/management")
    kernel.level = lambda language: 2.0
    genuine = os.replace

    def held(source, target):
        if Path(target).name == "numbers.csv":
            raise PermissionError(13, "held by another program")
        genuine(source, target)

    monkeypatch.setattr(os, "replace", held)
    (outcome,) = batch.run(jobs.plan(["acme"]), out)
    assert (outcome.status, outcome.reason.code) == ("failed", "render.target_locked")
    assert files(out / "acme/2026Q3/management") == before


def test_a_page_removed_meanwhile_costs_its_own_report_only(here, kernel):
    asked = jobs.plan(["acme"], only=["ok", "depends"])
    (here / "notebooks/ok.ipynb").unlink()
    outcomes = batch.run(asked, here / "reports")
    assert [outcome.status for outcome in outcomes] == ["skipped", "done"]
    assert "ok.ipynb" in outcomes[0].reason.text("en")


def test_a_data_file_nobody_may_read_refuses_its_own_client_only(here, kernel, monkeypatch):
    write(here / "beta", FEEDBACK, HEAD, f__csv=ROWS)
    genuine = Path.open

    def locked(path, *args, **settings):
        if path == here / "acme/raw/f.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return genuine(path, *args, **settings)

    monkeypatch.setattr(Path, "open", locked)
    outcomes = batch.run(jobs.plan(["acme", "beta"]), here / "reports")
    assert [outcome.status for outcome in outcomes] == ["skipped", "done"]
    assert "f.csv" in outcomes[0].reason.text("en")


def test_workbooks_that_cannot_be_recorded_are_told_and_the_reports_stand(here, kernel, monkeypatch):
    noted = []
    tell = batch.Silent()
    tell.noted = noted.append
    monkeypatch.setattr(record, "refreshed", full)
    (outcome,) = batch.run(jobs.plan(["acme"]), here / "reports", tell)
    assert outcome.status == "done" and [error.code for error in noted] == ["batch.disk"]


@pytest.mark.parametrize("damage", ["[]", "null", '"text"', '{"jobs": [{}]}', '{"jobs": {"ok": 1}}'])
def test_a_record_of_another_shape_vouches_for_nothing_and_stops_nobody(here, kernel, damage):
    out = here / "reports"
    batch.run(jobs.plan(["acme"]), out)
    (out / "acme/2026Q3/run.json").write_text(damage, encoding="utf-8")
    assert [outcome.status for outcome in batch.run(jobs.plan(["acme"]), out, force=False)] == ["done"]
    assert [outcome.status for outcome in batch.run(jobs.plan(["acme"]), out, force=False)] == ["current"]


def test_a_kernel_that_died_is_tried_once_more_with_a_plain_one(here, kernel, monkeypatch):
    genuine, warm = kernel.execute_notebook, []

    def dies(*given, **settings):
        warm.append(os.environ.get(execution.WARM))
        if len(warm) % 2:
            raise RuntimeError("Kernel died")
        genuine(*given, **settings)

    monkeypatch.delenv(execution.WARM, raising=False)
    monkeypatch.setattr(kernel, "execute_notebook", dies)
    (outcome,) = batch.run(jobs.plan(["acme"]), here / "reports")
    assert outcome.status == "done" and warm == [None, "0"] and execution.WARM not in os.environ


def test_a_page_waits_for_those_it_comes_after_and_workbooks_for_every_report(here):
    path = here / "notebooks/catalogue.toml"
    head, _, tail = path.read_text(encoding="utf-8").partition("[depends]")
    tail = tail.replace("after = []", 'after = ["ok"]', 1)
    path.write_text(f"{head}[depends]{tail}", encoding="utf-8")
    asked = jobs.plan(["acme"], only=["depends", "ok"])
    of_batch = batch._Batch(here / "reports", batch.Silent(), execution.Limits())
    (depends, ok), (workbooks,) = of_batch._tasks(asked), of_batch._desks(asked)
    assert (depends.after, ok.after) == ({ok.key}, frozenset()) and workbooks.after == {depends.key, ok.key}


def test_remarks_are_told_and_kept_with_their_report(here, kernel, monkeypatch):
    remark, noted, tell = SqlibError("quotes.orphan", where="acme", got="Q1"), [], batch.Silent()
    tell.noted = noted.append
    monkeypatch.setattr(desk, "refresh", lambda *_: [remark])
    (outcome,) = batch.run(jobs.plan(["acme"]), here / "reports", tell)
    assert noted == outcome.remarks == [remark]


def test_something_changed_while_a_report_was_made_is_told_and_makes_it_run_again(here, kernel, monkeypatch):
    genuine = kernel.execute_notebook

    def edited(*given, **settings):
        genuine(*given, **settings)
        with (here / "acme/raw/f.csv").open("a", encoding="utf-8") as file:
            file.write("F2,4,1,5\n")

    monkeypatch.setattr(kernel, "execute_notebook", edited)
    (outcome,) = batch.run(jobs.plan(["acme"]), here / "reports")
    assert [(remark.code, remark.values["got"]) for remark in outcome.remarks] == [
        ("batch.changed_meanwhile", "inputs")
    ]
    (here / "acme/raw/f.csv").write_text(ROWS, encoding="utf-8")  # as it was when the report was begun
    (planned,) = freshness.sort(jobs.plan(["acme"]), here / "reports")
    assert planned.why == (("language_old", "zh"),)


def test_findings_of_a_period_are_built_again_where_a_report_was_made_and_only_there(here, kernel):
    out = here / "reports"
    table = out / "acme/2026Q3/findings.csv"
    batch.run(jobs.plan(["acme"]), out)
    first = table.read_text(encoding="utf-8")
    kernel.level = lambda language: 2.0
    batch.run(jobs.plan(["acme"]), out)
    assert table.read_text(encoding="utf-8") != first
    table.unlink()
    batch.run(jobs.plan(["acme"]), out, force=False)
    assert table.is_file()


# ---------------------------------------------------------------- with real kernels: five starts, one batch


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    root = project(tmp_path_factory.mktemp("project"))
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        asked = jobs.plan(["acme"], only=["ok", "raises", "forgets"], parameters={"level": "0.25"})
        asked += jobs.plan(["acme"], only=["depends"], languages=["zh", "en"])
        outcomes = batch.run(asked, root / "reports", Teller(told.append))
    by_stem = {outcome.job.page.stem: outcome for outcome in outcomes}
    return SimpleNamespace(outcomes=by_stem, told=told, place=root / "reports/acme/2026Q3")


def test_each_page_ends_as_it_must(real):
    assert {stem: outcome.status for stem, outcome in real.outcomes.items()} == {
        "ok": "done", "raises": "failed", "forgets": "failed", "depends": "failed",
    }  # fmt: skip
    codes = {stem: outcome.reason.code for stem, outcome in real.outcomes.items() if outcome.reason}
    assert codes == {"raises": "batch.page_failed", "forgets": "batch.promise", "depends": "batch.languages_differ"}
    assert [outcome.job.page.stem for outcome in real.told] == ["ok", "raises", "forgets", "depends"]


def test_only_the_page_that_succeeded_is_a_report(real):
    made = files(real.place / "management")
    assert set(made) == {"ok.zh.html", "ok.zh.ipynb", "tables/ok/numbers.csv", "raises.zh.failed.ipynb"}
    assert made["tables/ok/numbers.csv"] == b"level\n0.25\n"
    half = notebook.read(real.place / "management" / "raises.zh.failed.ipynb")
    assert any(output.output_type == "error" for cell in half.cells for output in cell.get("outputs", ()))
    assert not (real.place.parents[1] / batch.STAGING).exists()


def test_an_executed_page_holds_its_record(real):
    nb = notebook.read(real.place / "management" / "ok.zh.ipynb")
    assert notebook.harvest(nb)["findings"][0]["estimate"] == 0.25
    assert notebook.harvest(nb)["report"] == {
        "stem": "ok", "title": "ok", "period": "2026Q3", "language": "zh", "audience": "management",
    }  # fmt: skip


def test_the_run_is_recorded_page_by_page(real):
    record = json.loads((real.place / "run.json").read_text(encoding="utf-8"))
    assert {job["stem"]: job["status"] for job in record["jobs"]} == {
        "depends": "failed", "forgets": "failed", "ok": "done", "raises": "failed",
    }  # fmt: skip
    assert all((job["reason"] is None) == (job["status"] == "done") for job in record["jobs"])


def test_a_reason_survives_a_journey_between_processes():
    import pickle

    reason = SqlibError("batch.promise", page="ok", missing="numbers")
    assert pickle.loads(pickle.dumps(reason)).text("zh") == reason.text("zh")
