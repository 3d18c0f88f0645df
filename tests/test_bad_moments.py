"""Bad moments of a batch, each brought about for real: kernels, workers and runners killed, pages that never end.

The pages are those of ``tests/notebooks``; ``odd`` does what its parameter ``what`` says. Every run here is the command
itself, with processes and plain kernels.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from client_folder import write
from test_batch import FEEDBACK, HEAD, HERE, ROWS, files

from sqlib import batch, freshness, jobs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="browser absent: signals as Linux has them")


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A project of its own with the tiny pages and three clients."""
    shutil.copytree(HERE / "notebooks", tmp_path / "notebooks")
    for name in ("acme", "beta", "gamma"):
        write(tmp_path / name, FEEDBACK, HEAD, f__csv=ROWS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SQLIB_WARM", "0")
    monkeypatch.setenv("SQLIB_LANGUAGE", "en")
    return tmp_path


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sqlib", "run", *words, "--out", "reports", "--jobs", "2", "--log-json"]


def started(*words: str) -> subprocess.Popen:
    return subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env=os.environ | {"SQLIB_TEST_RUN": str(os.getpid())}, preexec_fn=_hears_ctrl_c,
    )  # fmt: skip


def _hears_ctrl_c() -> None:
    """A shell starts what it puts in the background deaf to Ctrl-C, and all its children with it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def told(out: str) -> dict[str, dict]:
    """client -> how its job ended, and the summary."""
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    ended = {line["client"]: line for line in lines if line["event"] == "ended"}
    return ended | {line["event"]: line for line in lines if line["event"] in ("summary", "stopped")}


def ran(*words: str) -> tuple[int, dict[str, dict]]:
    runner = started(*words)
    out, _ = runner.communicate(timeout=300)
    assert "Traceback" not in out, out
    return runner.returncode, told(out)


def until(found, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < limit, "it never happened"
        time.sleep(0.05)


def left(here: Path) -> list[int]:
    """Processes that work in this project."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            mine = str(here) in os.readlink(place / "cwd") and int(place.name) != os.getpid()
        except OSError:
            continue
        found += [int(place.name)] if mine else []
    return found


def names(here: Path) -> set[str]:
    return set(files(here / "reports"))


# ---------------------------------------------------------------- one page goes wrong

WRONG = [
    ("die", "batch.died", ()),
    ("worker", "batch.worker_died", ()),
    ("sleep", "batch.cell_time", ("--cell-timeout", "2")),
    ("sleep", "batch.job_time", ("--timeout", "6")),
    ("print", "batch.too_much", ()),
    ("memory", "batch.page_failed", ()),  # MemoryError
    ("remove", "batch.disk", ()),
]


@pytest.mark.parametrize(("what", "code", "options"), WRONG, ids=[code for _, code, _ in WRONG])
def test_a_page_that_goes_wrong_is_named_and_leaves_no_report(here, what, code, options):
    status, ended = ran("acme", "--only", "odd", "-p", "what", what, *options)
    assert status == 1 and ended["Acme Ltd"]["status"] == "failed"
    assert ended["Acme Ltd"]["reason"]["code"] == code
    assert what != "memory" or "MemoryError" in ended["Acme Ltd"]["reason"]["got"]
    assert not [name for name in names(here) if name.endswith((".html", "numbers.csv"))]
    assert not (here / "reports" / batch.STAGING).exists()
    (entry,) = freshness.recorded(here / "reports/acme/2026Q3")["jobs"]
    assert entry["status"] == "failed" and entry["reason"]["zh"]
    until(lambda: not left(here), 10)


@pytest.mark.parametrize("what", ["die", "worker"])
def test_a_kernel_or_a_worker_killed_once_costs_nothing(here, what):
    status, ended = ran("acme", "--only", "odd", "-p", "what", what, "-p", "once", "True")
    assert status == 0 and ended["Acme Ltd"]["status"] == "done"
    assert "acme/2026Q3/management/odd.zh.html" in names(here)


def test_a_page_edited_meanwhile_is_delivered_and_made_again(here):
    status, ended = ran("acme", "--only", "odd", "-p", "what", "edit")
    assert status == 0
    assert [remark["code"] for remark in ended["Acme Ltd"]["remarks"]] == ["batch.changed_meanwhile"]
    assert "page" in ended["Acme Ltd"]["remarks"][0]["got"]
    (planned,) = freshness.sort(jobs.plan(["acme"], only=["odd"], parameters={"what": "edit"}), here / "reports")
    assert planned.state == "runs"


# ---------------------------------------------------------------- the runner goes


def test_a_runner_killed_in_the_middle_is_finished_by_the_same_command(here):
    write(here / "beta", FEEDBACK, HEAD.replace("Acme", "Beta"), f__csv=ROWS)
    asked = ("acme", "beta", "--only", "odd", "-p", "what", "sleep", "-p", "once", "True")
    (here / "acme" / "seen").write_text("")  # acme's page runs through, beta's sleeps
    runner = started(*asked)
    done = here / "reports/acme/2026Q3/management/odd.zh.html"
    until(lambda: done.is_file() and (here / "beta" / "seen").exists())
    runner.kill()
    runner.wait()
    until(lambda: not left(here), 15)
    made, before = done.stat().st_mtime_ns, names(here)
    assert not any("beta" in name for name in before)
    status, ended = ran(*asked)
    assert status == 0 and ended["summary"]["done"] == 1 and ended["summary"]["current"] == 1
    assert done.stat().st_mtime_ns == made
    assert (here / "reports/beta/2026Q3/management/odd.zh.html").is_file()
    assert not (here / "reports" / batch.STAGING).exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_a_run_that_is_stopped_says_what_is_left_and_leaves_nothing_behind(here, how):
    runner = started("acme", "beta", "gamma", "--only", "odd", "-p", "what", "sleep")
    until(lambda: (here / "acme" / "seen").exists())
    os.killpg(runner.pid, how) if how is signal.SIGINT else runner.send_signal(how)
    out, _ = runner.communicate(timeout=120)  # a loaded machine takes its time; pages sleep far longer than that
    assert runner.returncode == 128 + how and "Traceback" not in out
    assert told(out)["stopped"]["left"] == 3
    assert not (here / "reports" / batch.STAGING).exists()
    until(lambda: not left(here), 15)


def test_a_second_run_into_the_same_folder_names_the_first(here, monkeypatch):
    runner = started("acme", "--only", "odd", "-p", "what", "sleep")
    try:
        until(lambda: (here / "acme" / "seen").exists())
        began = time.monotonic()
        with pytest.raises(batch.SqlibError) as refused:
            batch.run(jobs.plan(["beta"]), here / "reports", patience=0.5)
        assert refused.value.code == "batch.held" and refused.value.exit_status == 1
        assert f"pid {runner.pid}" in refused.value.text("en") and 0.4 < time.monotonic() - began < 5
    finally:
        runner.kill()
        runner.wait()
    until(lambda: not left(here), 15)
    assert batch.run(jobs.plan(["beta"]), here / "reports")[0].status == "done"  # a killed run holds nothing


# ---------------------------------------------------------------- forty clients


def test_of_forty_clients_three_broken_ones_are_named_and_the_others_delivered(here):
    for number in range(37):
        write(here / f"client{number:02}", FEEDBACK, HEAD.replace("Acme", f"No {number:02}"), f__csv=ROWS)
    write(here / "typo", FEEDBACK, HEAD.replace("Acme", "Typo") + "[tragets]\n", f__csv=ROWS)
    write(here / "lost", FEEDBACK.replace("f.csv", "gone.csv"), HEAD.replace("Acme", "Lost"), f__csv=ROWS)
    write(here / "torn", FEEDBACK.replace("f.csv", "f.xlsx"), HEAD.replace("Acme", "Torn"), f__xlsx=b"PK torn")
    folders = [*sorted(path.name for path in here.glob("client*")), "typo", "lost", "torn"]
    status, ended = ran(*folders)
    assert status == 1
    assert {name: ended["summary"].get(name, 0) for name in ("done", "failed", "skipped")} == {
        "done": 37, "failed": 0, "skipped": 3,
    }  # fmt: skip
    reasons = {client: line["reason"] for client, line in ended.items() if line.get("status") == "skipped"}
    assert {reason["code"] for reason in reasons.values()} >= {"client.unknown_key", "intake.file_missing"}
    assert len(reasons) == 3 and all(reason["remedy"] for reason in reasons.values())
    assert len(list((here / "reports").glob("client*/2026Q3/management/ok.zh.html"))) == 37
