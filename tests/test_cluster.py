"""Processes of a cluster: real schedulers and workers on this machine, killed, late, and made from something else."""

import functools
import os
import shutil
import sys
import time
from pathlib import Path

import equal_reports
import pylopdf_fonts_zh_cn
import pytest

import sqlib
from sqlib import basis, batch, cluster, execution, installed, jobs, standing
from sqlib.errors import ArgumentError, SqlibError
from sqlib.pool import Lost, Task
from sqlib.standing import Need

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[0] / "benchmarks"))

from batch_runs.machines import Machines, end  # noqa: E402
from pool_tasks import always_die, die, double, fail  # noqa: E402
from test_batch import project  # noqa: E402

SEES = {"PYTHONPATH": os.pathsep.join((str(HERE.parent), str(HERE)))}  # the package, and the functions below
NOTHING = Need((), (), "nonce")


def variable(name: str) -> str | None:
    return os.environ.get(name)


@pytest.fixture(autouse=True)
def from_the_project(monkeypatch):
    """What this process stands on is read anew: earlier tests may have asked from another folder."""
    monkeypatch.chdir(HERE.parent)
    installed.environment.cache_clear()
    basis._package.cache_clear()
    yield
    installed.environment.cache_clear()


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """A scheduler with two workers, which the tests may kill: a nanny starts them again."""
    with Machines(tmp_path_factory.mktemp("machines"), **SEES) as machines:
        for _ in range(2):
            machines.worker()
        yield machines


class Told(batch.Silent):
    """Keeps what a run tells."""

    def __init__(self):
        self.errors, self.keys = [], []

    def noted(self, error):
        print(error.text("en"))  # shown where a test fails
        self.errors.append(error)

    def begun(self, job):
        self.keys.append(job.key)


def of(address: str, need: Need = NOTHING, limit: float = 60, told: Told | None = None, **environment: str):
    told = told or Told()
    return cluster.Cluster(address, limit, need, told.noted, told.tick, lambda task: None, environment)


def ended(address: str, tasks: list[Task], **given) -> dict:
    with of(address, **given) as processes:
        return {task.key: value for task, value in processes.each(tasks)}


# ---------------------------------------------------------------- tasks


def test_every_task_comes_back_with_its_value_and_what_raises_costs_no_other(machines):
    tasks = [Task(str(number), double, (number,)) for number in range(9)]
    found = ended(machines.address, [*tasks, Task("wrong", fail, ("no such thing",))])
    wrong = found.pop("wrong")
    assert found == {str(number): 2 * number for number in range(9)}
    assert wrong.how == "raised" and "ValueError: no such thing (pool_tasks.py" in wrong.got


def test_a_process_that_dies_gives_its_task_back_and_one_that_kills_every_process_is_to_blame(machines, tmp_path):
    tasks = [Task("once", die, (str(tmp_path / "mark"),)), Task("ever", always_die), Task("b", double, (1,))]
    found = ended(machines.address, tasks)
    assert found["once"] == "alive" and found["b"] == 2
    assert found["ever"].how == "killed"


def test_a_task_without_end_is_ended(machines):
    found = ended(machines.address, [Task("long", time.sleep, (60,)), Task("b", double, (1,))], limit=1)
    assert found == {"long": Lost("time", "1"), "b": 2}


def test_a_run_that_is_stopped_leaves_no_process_busy(machines):
    with pytest.raises(KeyboardInterrupt), of(machines.address) as processes:
        for _ in processes.each([Task("a", double, (1,)), *(Task(name, time.sleep, (60,)) for name in "bc")]):
            raise KeyboardInterrupt
    began = time.monotonic()
    assert ended(machines.address, [Task(name, double, (2,)) for name in "ab"]) == {"a": 4, "b": 4}
    assert time.monotonic() - began < 30  # the tasks given up would have taken a minute


def test_processes_have_the_variables_of_the_run_and_none_of_dask(machines):
    tasks = [Task(name, variable, (name,)) for name in ("SQLIB_TEST", *cluster.NANNYS)]
    assert ended(machines.address, tasks, SQLIB_TEST="yes") == {"SQLIB_TEST": "yes"} | dict.fromkeys(cluster.NANNYS)


def test_a_machine_that_joins_later_is_used(tmp_path):
    with Machines(tmp_path, **SEES) as late, of(late.address) as processes:
        late.worker()
        assert [value for _, value in processes.each([Task("a", double, (1,))])] == [2]


# ---------------------------------------------------------------- machines that differ


def other_sqlib(root: Path) -> dict:
    """A checkout of another version."""
    shutil.copytree(Path(sqlib.__file__).parent, root / "sqlib", ignore=shutil.ignore_patterns("__pycache__"))
    written = root / "sqlib" / "__init__.py"
    written.write_text(written.read_text(encoding="utf-8").replace(sqlib.__version__, "0.0.1"), encoding="utf-8")
    return {"cwd": root, "PYTHONPATH": os.pathsep.join((str(root), str(HERE)))}


def other_lock(root: Path) -> dict:
    """A project whose lock is another."""
    (root / "notebooks").mkdir(parents=True)
    (root / "notebooks" / "catalogue.toml").touch()
    (root / "requirements.lock").write_text("pandas==1.0\n", encoding="utf-8")
    return {"cwd": root}


def other_fonts(root: Path) -> dict:
    """An environment whose font is another."""
    source = Path(pylopdf_fonts_zh_cn.__file__).parent
    shutil.copytree(source, root / source.name)
    font = next(path for path in (root / source.name).rglob(Path(pylopdf_fonts_zh_cn.sans_path()).name))
    font.write_bytes(font.read_bytes() + b"\0")
    return {"PYTHONPATH": os.pathsep.join((str(root), SEES["PYTHONPATH"]))}


def test_a_process_made_from_something_else_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("SQLIB_TEST_KEY", "ours")
    (tmp_path / "seen").write_text("x", encoding="utf-8")
    need = Need((str(tmp_path / "seen"),), ("SQLIB_TEST_KEY",), "nonce")
    told = Told()
    with Machines(tmp_path / "machines", **SEES) as machines:
        for other in (other_sqlib, other_lock, other_fonts):
            machines.worker("--name", other.__name__, **other(tmp_path / other.__name__))
        machines.worker("--name", "other_key", SQLIB_TEST_KEY="secret of theirs")
        with of(machines.address, need, told=told) as processes:
            machines.worker()  # the one that can be used
            assert [value for _, value in processes.each([Task("a", double, (1,))])] == [2]
            until = time.monotonic() + 30
            while sum(error.code == "cluster.refused" for error in told.errors) < 4 and time.monotonic() < until:
                list(processes.each([Task("a", double, (1,))]))
    told.errors = [error for error in told.errors if error.code != "cluster.waits"]  # a busy machine joins late
    refused = {error.values["where"].partition(" ")[0]: error.parts("en")["got"] for error in told.errors}
    assert refused["other_sqlib"].startswith("sqlib version 0.0.1 (here ")
    assert refused["other_lock"].startswith("requirements.lock ")
    assert refused["other_fonts"].startswith("font ")
    assert refused["other_key"] == "has another value of the environment variable SQLIB_TEST_KEY"
    assert {error.code for error in told.errors} == {"cluster.refused"}
    assert not any("secret" in error.text(language) for error in told.errors for language in ("zh", "en"))


def test_a_shared_folder_that_shows_a_file_late_costs_no_machine(tmp_path, monkeypatch, machines):
    """The probe is gone when the processes are asked first, and there when they are asked again."""
    monkeypatch.setattr(cluster, "AGAIN", 0.5)
    probe = tmp_path / "probe"
    probe.write_text("x", encoding="utf-8")
    told = Told()
    with of(machines.address, Need((str(probe),), (), "nonce"), told=told) as processes:
        probe.unlink()
        told.noted = lambda error: (told.errors.append(error), probe.write_text("x", encoding="utf-8"))
        processes.noted = told.noted
        assert [value for _, value in processes.each([Task("a", double, (1,))])] == [2]
    assert {error.values["got"]["en"] for error in told.errors} == {f"does not see the file {probe}"}


def test_what_a_machine_stands_on_is_told_apart(tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    seen.write_text("x", encoding="utf-8")
    monkeypatch.setenv("SQLIB_TEST_KEY", "ours")
    need = Need((str(seen),), ("SQLIB_TEST_KEY",), "nonce")
    ours = standing.of(need)
    assert standing.differences(ours, ours, "en") == "" and "ours" not in str(ours)
    seen.unlink()
    monkeypatch.delenv("SQLIB_TEST_KEY")
    lacks = standing.of(need)
    said = standing.differences(lacks, ours, "en")
    assert said == f"does not see the file {seen}; has no environment variable SQLIB_TEST_KEY"
    for name in ("lock requirements.lock", "python version", "packages installed", "library pandas"):
        assert standing.differences(ours | {name: "other"}, ours, "zh") and name in ours
    assert standing.differences({}, ours, "en").startswith("sqlib version – (here")


# ---------------------------------------------------------------- no cluster


def test_no_process_that_can_be_used_ends_the_run_and_is_told_before(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 2.0)
    monkeypatch.setattr(cluster, "NOTICE", 0.5)
    told = Told()
    with Machines(tmp_path, **SEES) as nobody, pytest.raises(SqlibError) as ended_by:
        ended(nobody.address, [Task("a", double, (1,))], told=told)
    assert ended_by.value.code == "cluster.nobody" and ended_by.value.exit_status == 1
    assert [error.code for error in told.errors] == ["cluster.waits"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "nonsense://x:1", "tcp://host"])
def test_a_scheduler_that_does_not_answer_is_a_wrong_argument(monkeypatch, address):
    monkeypatch.setattr(cluster, "REACH", 0.5)
    with pytest.raises(ArgumentError) as refused, of(address):
        pass
    assert refused.value.code == "cluster.unreachable" and address in refused.value.text("zh")


def test_without_the_library_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ArgumentError) as refused, of("tcp://127.0.0.1:9"):
        pass
    assert refused.value.code == "cluster.not_installed" and "[cluster]" in refused.value.text("en")


def test_a_scheduler_that_goes_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "REACH", 2.0)
    with Machines(tmp_path, **SEES) as machines:
        machines.worker()
        with pytest.raises(SqlibError) as lost, of(machines.address) as processes:
            for _ in processes.each([Task("a", double, (1,)), Task("b", time.sleep, (60,))]):
                end(machines.started[0])
    assert lost.value.code == "cluster.lost"


# ---------------------------------------------------------------- reports


def test_a_machine_that_dies_in_the_middle_costs_nothing(tmp_path, monkeypatch):
    """Two machines, one killed while it makes a report: everything as on one machine, apart from times."""
    monkeypatch.chdir(project(tmp_path))
    shutil.copyfile(HERE.parent / "requirements.lock", tmp_path / "requirements.lock")
    for name in "bcd":
        shutil.copytree("acme", name)
    asked = functools.partial(jobs.plan, ["acme", "b", "c", "d"], languages=["zh", "en"])
    with Machines(tmp_path / "machines", **SEES) as machines:
        first, _ = machines.worker(cwd=tmp_path), machines.worker(cwd=tmp_path)
        told = Killer(first)
        made = batch.run(asked(), tmp_path / "there", told, scheduler=machines.address)
    local = batch.run(asked(), tmp_path / "here", workers=2, limits=execution.Limits())
    assert [outcome.status for outcome in made] == [outcome.status for outcome in local] == ["done"] * 4
    assert told.killed and len(told.keys) >= 5  # one job was begun twice
    assert not (tmp_path / "there" / batch.STAGING).exists()
    assert equal_reports.differences(tmp_path / "there", tmp_path / "here") == []


class Killer(Told):
    """Takes a machine away as soon as two reports were begun."""

    def __init__(self, machine):
        super().__init__()
        self.machine, self.killed = machine, False

    def begun(self, job):
        super().begun(job)
        if len(self.keys) == 2:
            self.killed = True

    def tick(self):
        if self.killed and self.machine.poll() is None:
            end(self.machine)
