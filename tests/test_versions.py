"""Versions: the number follows the content, a final is frozen whole, never overwritten and told when touched."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from test_batch import FAULT, Kernel, files, project

from sqlib import basis, batch, execution, jobs, notebook, portfolio, render, versions
from sqlib.errors import ArgumentError, SqlibError


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(project(tmp_path))
    return tmp_path


@pytest.fixture
def kernel(monkeypatch) -> Kernel:
    stand_in = Kernel()
    monkeypatch.setattr(execution, "_papermill", lambda: stand_in)
    return stand_in


@pytest.fixture
def run(here, kernel):
    """Run the client's page with a level; returns the folder of the period."""

    def call(level: float = 1.0, **asked) -> Path:
        kernel.level = lambda language: level
        batch.run(jobs.plan(["acme"], **asked), here / "reports")
        return here / "reports" / "acme" / "2026Q3"

    return call


def told(folder: Path) -> tuple[str, str]:
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return record["version"], record["state"]


def stamps(page: Path) -> list[tuple[str, str]]:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    return [(tag["data-state"], tag.get_text()) for tag in soup(attrs={"data-state": True})]


def test_before_the_first_final_every_run_is_the_draft_of_the_first(run):
    for level in (1.0, 2.0, 2.0):
        assert told(run(level)) == ("V1.0", "draft")


def test_the_number_rises_only_when_the_content_leaves_the_final(run):
    folder = run(1.0)
    assert versions.freeze(folder) == ("V1.0", True) and told(folder) == ("V1.0", "final")
    assert told(run(1.0)) == ("V1.0", "final")  # the same again
    assert told(run(2.0)) == ("V1.1", "draft")
    assert told(run(3.0)) == ("V1.1", "draft")
    assert told(run(1.0)) == ("V1.0", "final")  # back to what was frozen
    assert told(run(3.0)) == ("V1.1", "draft") and versions.freeze(folder) == ("V1.1", True)
    assert list(versions.finals(folder)) == ["V1.0", "V1.1"]
    assert told(run(1.0)) == ("V1.2", "draft")  # only the latest final counts


def test_a_second_freeze_of_the_same_does_nothing(run):
    folder = run()
    versions.freeze(folder)
    before = files(folder)
    assert versions.freeze(folder) == ("V1.0", False) and files(folder) == before


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_report_says_version_and_state(run, language):
    folder = run(languages=["zh", "en"])
    page = folder / "management" / f"ok.{language}.html"
    words = render.wording("report", language)["stamp"]
    assert stamps(page) == [("draft", words["draft"].format(version="V1.0"))] * 2
    versions.freeze(folder)
    frozen = folder / "final/V1.0/management" / page.name
    assert stamps(page) == stamps(frozen) == [("final", words["final"].format(version="V1.0"))] * 2
    run(2.0, languages=["zh", "en"])
    assert stamps(page)[0][0] == "draft" and stamps(frozen)[0][0] == "final"


def test_a_page_not_run_again_gets_the_stamp_of_the_whole(run):
    folder = run(only=["ok", "depends"])
    versions.freeze(folder)
    run(2.0, only=["ok"])
    assert stamps(folder / "management/depends.zh.html")[0] == stamps(folder / "management/ok.zh.html")[0]


def test_a_stamp_changes_nothing_else(run):
    page = (run() / "management/ok.zh.html").read_text(encoding="utf-8")
    other = render.stamped(page, "zh", "V9.9", "final")
    assert other != page and render.unstamped(other) == render.unstamped(page)
    assert render.stamped(other, "zh", "V1.0", "draft") == page


def test_a_draft_is_marked_on_screen_and_on_paper():
    css = (Path(render.__file__).parent / "style/report/report.css").read_text(encoding="utf-8")
    screen, paper = css.split("@media print", 1)
    assert '.sq-stamp[data-state="draft"] { display: block; position: fixed' in screen
    assert '.sq-stamp[data-state="draft"] {' in paper and '[data-state="final"] { display: block' not in css


def test_what_a_final_holds(run):
    folder = run(languages=["zh", "en"])
    versions.freeze(folder)
    made = files(folder / "final/V1.0")
    assert set(made) == {
        "management/ok.zh.html", "management/ok.en.html", "management/ok.zh.ipynb", "management/ok.en.ipynb",
        "management/tables/ok/numbers.csv", "findings.csv", "run.json", "manifest.json",
    }  # fmt: skip
    manifest = json.loads(made["manifest.json"])
    sums = {name: basis.fingerprint(folder / "final/V1.0" / name) for name in made if name != "manifest.json"}
    assert manifest["files"] == sums and manifest["version"] == "V1.0"
    assert json.loads(made["run.json"])["state"] == "final"
    assert notebook.harvest(notebook.read(folder / "final/V1.0/management/ok.zh.ipynb"))["findings"]
    assert not any(path.stat().st_mode & 0o222 for path in (folder / "final/V1.0").rglob("*") if path.is_file())


def test_a_half_run_page_is_not_frozen_and_a_failed_one_forbids_it(run, kernel):
    folder = run()
    kernel.fault = FAULT
    run()
    with pytest.raises(SqlibError) as refused:
        versions.freeze(folder)
    assert refused.value.code == "versions.failed" and "ok" in refused.value.parts("zh")["got"]
    assert not (folder / "final").exists()
    kernel.fault = None
    (run() / "management/other.zh.failed.ipynb").write_text("{}", encoding="utf-8")
    versions.freeze(folder)
    assert not list((folder / "final").rglob("*.failed.ipynb"))


def test_nothing_to_freeze(run):
    folder = run()
    shutil.rmtree(folder / "management")
    with pytest.raises(SqlibError) as refused:
        versions.freeze(folder)
    assert refused.value.code == "versions.nothing"


def test_an_existing_final_is_never_overwritten(run, monkeypatch):
    folder = run()
    versions.freeze(folder)
    before = files(folder / "final")
    run(2.0)
    monkeypatch.setattr(versions, "upcoming", lambda folder: "V1.0")  # two who freeze at once take the same number
    with pytest.raises(SqlibError) as refused:
        versions.freeze(folder)
    assert refused.value.code == "versions.exists" and "V1.0" in refused.value.parts("en")["where"]
    assert files(folder / "final") == before


@pytest.mark.parametrize("step", ["copyfile", "render.write", "rename"])
def test_a_full_disk_leaves_no_half_final(run, monkeypatch, step):
    folder = run()
    before = files(folder)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fail(*args, **kwargs):
        raise full

    with monkeypatch.context() as patch:
        if step == "copyfile":
            patch.setattr(versions.shutil, "copyfile", fail)
        elif step == "rename":
            patch.setattr(Path, "rename", fail)
        else:
            kept = Path.write_text
            patch.setattr(
                Path, "write_text", lambda path, *a, **k: fail() if "manifest" in path.name else kept(path, *a, **k)
            )
        with pytest.raises(SqlibError) as told_so:
            versions.freeze(folder)
    assert told_so.value.code in ("versions.disk", "render.unwritable")
    assert files(folder) == before and not list((folder / "final").glob("*"))
    assert versions.freeze(folder) == ("V1.0", True)


@pytest.mark.parametrize("damage", ["change", "remove", "manifest"])
def test_a_touched_final_is_told(run, damage):
    folder = run()
    versions.freeze(folder)
    frozen = versions.verify(folder / "final/V1.0")
    path = frozen / {"manifest": "manifest.json"}.get(damage, "management/ok.zh.html")
    path.chmod(0o644)
    path.unlink() if damage == "remove" else path.write_text("{", encoding="utf-8")
    with pytest.raises(SqlibError) as refused:
        versions.verify(frozen)
    assert refused.value.code == "versions.changed" and path.name in refused.value.parts("en")["got"]
    assert told(run()) in (("V1.0", "final"), ("V1.1", "draft"))  # a run goes on


def test_no_run_and_an_unknown_client_are_arguments(here):
    with pytest.raises(ArgumentError) as refused:
        versions.place("acme", None, here / "reports")
    assert refused.value.code == "versions.no_run"
    with pytest.raises(ArgumentError):
        versions.place("nobody", None, here / "reports")
    with pytest.raises(ArgumentError):
        versions.place("acme", "../2026Q3", here / "reports")


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30)), max_size=6, unique=True))
def test_the_next_number_follows_the_highest(tmp_path_factory, numbers):
    folder = tmp_path_factory.mktemp("finals")
    for major, minor in numbers:
        (folder / "final" / f"V{major}.{minor}").mkdir(parents=True)
    major, minor = max(numbers, default=(1, -1))
    assert versions.upcoming(folder) == f"V{major}.{minor + 1}"
    assert list(versions.finals(folder)) == [f"V{a}.{b}" for a, b in sorted(numbers)]


def test_the_index_shows_version_and_state(run, here):
    folder = run()
    for language, word in (("zh", "draft"), ("en", "draft")):
        shown = portfolio.portal(here / "reports", language=language).read_text(encoding="utf-8")
        assert render.wording("portal", language)["versions"][word].format(version="V1.0") in shown
    versions.freeze(folder)
    shown = portfolio.portal(here / "reports", language="en").read_text(encoding="utf-8")
    assert render.wording("portal", "en")["versions"]["final"].format(version="V1.0") in shown


# ---------------------------------------------------------------- what a run was made from


def test_a_run_records_what_it_was_made_from(run, here):
    (here / "acme" / "corrections.toml").write_bytes(b"")
    (here / "acme" / "coding").mkdir()
    (here / "acme" / "coding" / "2026Q3.xlsx").write_bytes(b"PK")
    folder = run(parameters={"min_group": "8"})
    (job,) = json.loads((folder / "run.json").read_text(encoding="utf-8"))["jobs"]
    made = job["basis"]
    assert set(made["settings"]["mapping"]) == {"client.toml"}
    assert set(made["settings"]["corrections"]) == {"corrections.toml"}
    assert set(made["settings"]["judgement"]) == {"coding/2026Q3.xlsx"}
    assert made["parameters"] == {"compare_to": "previous", "audience": "management", "min_group": 8}
    assert job["page_sha256"] == basis.fingerprint(here / "notebooks/ok.ipynb")
    assert len(made["package"]["sha256"]) == 64 and "pandas" in made["libraries"]


def test_a_failed_run_keeps_the_record_of_the_report_that_stands(run, kernel, here):
    before = json.loads((run() / "run.json").read_text(encoding="utf-8"))["jobs"][0]["basis"]
    (here / "acme" / "corrections.toml").write_bytes(b"")
    kernel.fault = FAULT
    assert json.loads((run() / "run.json").read_text(encoding="utf-8"))["jobs"][0]["basis"] == before
