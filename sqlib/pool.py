"""Tasks in processes of their own: each isolated, limited in time, tried once more when its process was killed.

The processes are forked where the system can (everything imported so far is there at once), else started afresh. They
end with the process that made them. Nothing a task does reaches its caller but the value it returns.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

TICK = 0.5  # seconds between two looks at the clock


@dataclass(frozen=True)
class Task:
    """A function of a module with its arguments, to be run when the tasks it comes after have ended."""

    key: str
    function: Callable
    arguments: tuple = ()
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Lost:
    """What came back instead of a value: ``killed`` (twice), ``time`` or ``raised``, with what is known of it."""

    how: str
    got: str


class Pool:
    """``size`` processes; a context manager that leaves none behind.

    ``cluster`` puts processes of other machines in their place.

    limit : seconds a task may take; ``tick`` is called at least twice a second, ``begun`` with every task that starts;
    environment : variables the processes have beside those of this one
    """

    tries = 2  # times a task whose process is killed is begun

    def __init__(
        self, size: int, limit: float, tick: Callable = lambda: None, begun: Callable = lambda task: None,
        environment: dict[str, str] | None = None,
    ):  # fmt: skip
        self.size, self.limit, self.tick, self.begun = size, limit, tick, begun
        self.environment = environment or {}
        self._workers: list[_Worker] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self._workers:
            worker.kill()

    def each(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Any]]:
        """Every task with its value, or with ``Lost``, as they end."""
        waiting = list(tasks)
        unfinished, killed = {task.key for task in waiting}, Counter()
        while waiting or self._busy():
            self._hand_out(waiting, unfinished)
            for worker in self._ready():
                task, value = worker.take(self.limit)
                if value is NOTHING:
                    continue
                if isinstance(value, Lost) and value.how == "killed" and killed[task.key] + 1 < self.tries:
                    killed[task.key] += 1
                    waiting.insert(0, task)
                    continue
                unfinished.discard(task.key)
                yield task, value
            self._workers = [worker for worker in self._workers if worker.alive]
            self.tick()

    def _busy(self) -> list["_Worker"]:
        return [worker for worker in self._workers if worker.task]

    def _hand_out(self, waiting: list[Task], unfinished: set[str]) -> None:
        """Give every idle process the first task that waits for nothing."""
        while task := self._next(waiting, unfinished):
            idle = self._idle()
            if idle is None:
                return
            waiting.remove(task)
            self.begun(task)
            idle.give(task)

    def _idle(self) -> "_Worker | None":
        """A process without a task, made where there may be one more."""
        idle = next((worker for worker in self._workers if not worker.task), None)
        if idle is None and len(self._workers) < self.size:
            idle = _Worker(self.environment)
            self._workers.append(idle)
        return idle

    def _next(self, waiting: list[Task], unfinished: set[str]) -> Task | None:
        """The first that waits for nothing; of tasks that wait for each other the first."""
        free = next((task for task in waiting if not task.after & unfinished), None)
        return free or next(iter(() if self._busy() else waiting), None)

    def _ready(self) -> list["_Worker"]:
        """Processes that said something, ended or ran out of time."""
        busy = self._busy()
        heard = wait([worker.pipe for worker in busy], timeout=TICK) if busy else []
        late = time.monotonic() - self.limit
        return [worker for worker in busy if worker.pipe in heard or worker.begun < late]


NOTHING = object()


class _Worker:
    """One process and the task it has."""

    def __init__(self, environment: dict[str, str]):
        self.pipe, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=_serve, args=(theirs, environment), daemon=True)
        self.process.start()
        theirs.close()
        self.task, self.begun, self.alive = None, 0.0, True

    def give(self, task: Task) -> None:
        self.task, self.begun = task, time.monotonic()
        with contextlib.suppress(OSError):  # it was killed while idle; ``take`` finds the pipe closed
            self.pipe.send((task.function, task.arguments))

    def take(self, limit: float):
        """The task and its value; a process that died or took too long is gone afterwards."""
        task = self.task
        try:
            value = self.pipe.recv() if self.pipe.poll() else NOTHING
        except (EOFError, OSError):
            value = Lost("killed", self._end())
        if value is NOTHING and time.monotonic() - self.begun >= limit:
            value = Lost("time", f"{limit:.0f}")
        if isinstance(value, Lost) and value.how != "raised":
            self.kill()
        if value is not NOTHING:
            self.task = None
        return task, value

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()
        self.alive = False

    def _end(self) -> str:
        self.process.join(timeout=5)
        code = self.process.exitcode
        return signal.Signals(-code).name if code and code < 0 else f"exit status {code}"


def _serve(pipe, environment: dict[str, str]) -> None:
    """The life of a process: a task, its value, the next."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C speaks to the run, which ends its processes
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.update(environment)  # for the kernels it starts
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            function, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(called(function, arguments))


def called(function: Callable, arguments: tuple):
    try:
        return function(*arguments)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(last.filename)}:{last.lineno}"
        return Lost("raised", f"{type(error).__name__}: {error} ({where})")


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _context():
    """fork where it is safe: on macOS it is not, Windows has none."""
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


_CONTEXT = _context()


class Inline:
    """The same in this process, one after the other: for tests, and for runners that are processes of their own."""

    def __init__(self, begun: Callable = lambda task: None):
        self.begun = begun

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def each(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Any]]:
        for task in tasks:
            self.begun(task)
            yield task, task.function(*task.arguments)
