"""Tasks in processes of their own: what comes back, what is lost, and what order they keep."""

import os
import time
from pathlib import Path

import pytest
from pool_tasks import always_die, die, double, fail

from sqlib.pool import Lost, Pool, Task


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def note(path: str, name: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{name}\n")


def ended(tasks: list[Task], size: int = 2, limit: float = 30) -> dict:
    with Pool(size, limit) as pool:
        return {task.key: value for task, value in pool.each(tasks)}


def test_every_task_comes_back_with_its_value():
    assert ended([Task(str(number), double, (number,)) for number in range(9)]) == {str(n): 2 * n for n in range(9)}
    assert ended([]) == {}


def test_what_raises_is_told_with_its_place_and_costs_no_other():
    found = ended([Task("a", fail, ("no such thing",)), Task("b", double, (1,))], size=1)
    assert found["b"] == 2
    assert isinstance(found["a"], Lost) and found["a"].how == "raised"
    assert "ValueError: no such thing" in found["a"].got and "pool_tasks.py" in found["a"].got


def test_a_killed_process_is_tried_once_more(tmp_path):
    found = ended([Task("once", die, (str(tmp_path / "mark"),)), Task("ever", always_die), Task("b", double, (1,))])
    assert (found["once"], found["b"]) == ("alive", 2)
    assert found["ever"] == Lost("killed", "SIGKILL")


def test_a_task_that_takes_too_long_is_ended():
    began = time.monotonic()
    found = ended([Task("a", sleep, (60,)), Task("b", double, (1,))], limit=1)
    assert found["a"] == Lost("time", "1") and found["b"] == 2
    assert time.monotonic() - began < 30


def test_a_task_waits_for_those_it_comes_after(tmp_path):
    path = str(tmp_path / "order")
    tasks = [
        Task("last", note, (path, "last"), frozenset({"first", "second", "of another batch"})),
        Task("first", note, (path, "first")),
        Task("second", note, (path, "second"), frozenset({"first"})),
    ]
    ended(tasks)
    assert Path(path).read_text(encoding="utf-8").split() == ["first", "second", "last"]


def test_tasks_that_wait_for_each_other_run_all_the_same():
    tasks = [Task("a", double, (1,), frozenset({"b"})), Task("b", double, (2,), frozenset({"a"}))]
    assert ended(tasks) == {"a": 2, "b": 4}


def test_no_more_processes_than_asked_for_and_they_serve_again():
    with Pool(2, 30) as pool:
        found = [value for _, value in pool.each([Task(str(number), os.getpid) for number in range(8)])]
        assert len(pool._workers) == 2 and len(found) == 8 and len(set(found)) <= 2


def test_nothing_is_left_behind():
    with Pool(2, 30) as pool:
        assert len(list(pool.each([Task("a", double, (1,)), Task("b", double, (2,))]))) == 2
        pids = [worker.process.pid for worker in pool._workers]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_processes_have_the_variables_they_are_given():
    with Pool(1, 30, environment={"SQLIB_OWN": "given"}) as pool:
        assert [value for _, value in pool.each([Task("a", os.getenv, ("SQLIB_OWN",))])] == ["given"]
    assert "SQLIB_OWN" not in os.environ
