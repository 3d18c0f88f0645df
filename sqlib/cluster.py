"""Tasks on the processes of other machines, by dask.distributed: what ``pool.Pool`` is to those of this one.

Every process of the cluster is asked first what it stands on (``standing``); one that differs is told by name and gets
nothing. One task at a time goes to each. A process that dies gives its task back, one that joins is asked and used.
Nothing but settings and results passes through the scheduler: data and reports lie in the folder that all of them see.
"""

import contextlib
import logging
import os
import queue
import re
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from sqlib import basis, client, pool, queries, standing
from sqlib.errors import ArgumentError, SqlibError
from sqlib.jobs import Job, Loose
from sqlib.pool import NOTHING, TICK, Lost, Task
from sqlib.standing import Need
from sqlib.words import LANGUAGES

PATIENCE = 60.0  # seconds without a process that can be used, after which the run ends
REACH = 10.0  # seconds for the scheduler to answer
NOTICE = 10.0  # seconds after which the run says that it waits for processes
AGAIN = 10.0  # seconds until a process that was refused is asked again: a shared folder shows new files late
ADDRESS = re.compile(r"(tcp|tls|wss?)://[^/:]+:\d+/?")  # a scheduler listens on a port of its own
NANNYS = ("PYTHONHASHSEED", "MALLOC_TRIM_THRESHOLD_")  # set by dask for its own processes; a kernel has neither here


class Cluster(pool.Pool):
    """The processes that a scheduler knows and this run can use; a context manager.

    need : what each must have; noted : told of every process refused; the others as in ``Pool``

    Raises
    ------
    ArgumentError : ``cluster.not_installed``, ``cluster.unreachable``, ``cluster.scheduler_differs`` on entering
    SqlibError : ``cluster.nobody`` where no process can be used for ``PATIENCE`` seconds, ``cluster.lost``
    """

    tries = 3  # a machine may be switched off twice before the task is to blame

    def __init__(self, address: str, limit: float, need: Need, noted: Callable, tick: Callable, begun: Callable,
                 environment: dict[str, str]):  # fmt: skip
        super().__init__(0, limit, tick, begun, environment)
        self.address, self.need, self.noted = address, need, noted
        self.ours = standing.of(need)
        self._events: queue.SimpleQueue = queue.SimpleQueue()
        self._served, self._waits = time.monotonic(), False

    def __enter__(self):
        self._scheduler = _connected(check(self.address))
        try:
            theirs = self._scheduler.run_on_scheduler(basis.package)  # it unpacks what it hands on
        except Exception as error:  # it has no such package
            theirs = {"version": f"{type(error).__name__}: {error}"}
        if theirs != basis.package():
            self._scheduler.close()
            raise ArgumentError("cluster.scheduler_differs", where=self.address, got=theirs["version"],
                                ours=basis.package()["version"])  # fmt: skip
        return self

    def __exit__(self, *_):
        busy = [seat.address for seat in self._workers if seat.task and seat.alive]
        with contextlib.suppress(OSError, TimeoutError, ValueError):  # one without a nanny goes on until its task ends
            if busy:
                self._scheduler.restart_workers(busy, timeout=REACH, raise_for_error=False)
        with contextlib.suppress(OSError, TimeoutError):
            self._scheduler.close(timeout=REACH)

    def _idle(self) -> "_Seat | None":
        self._seat()
        return next((seat for seat in self._workers if seat.open and not seat.task), None)

    def _ready(self) -> list["_Seat"]:
        """Seats whose task ended, or whose process is gone."""
        with contextlib.suppress(queue.Empty):
            self._events.get(timeout=TICK)
        self._seat()
        for seat in self._workers:
            if seat.joining and seat.future.done():
                self._ask(seat)
        return [seat for seat in self._workers if seat.task and (seat.future.done() or not seat.alive)]

    def _seat(self) -> None:
        """A seat for each process that is new; those that left are marked. Waits for the first, but not for ever."""
        there = self._there()
        for seat in self._workers:
            seat.alive = seat.alive and seat.address in there
        known = {seat.address for seat in self._workers if seat.alive}
        for address in there.keys() - known:
            seat = _Seat(self._scheduler, address, there[address], self.limit, self._events)
            seat.join(self.need, self.environment)
            self._workers.append(seat)
        self._workers = [seat for seat in self._workers if seat.alive or seat.task]
        for seat in self._workers:
            if seat.refused and not seat.joining and time.monotonic() - seat.begun > AGAIN:
                seat.join(self.need, self.environment)
        self._patience()

    def _there(self) -> dict[str, str]:
        """Address -> name of the processes the scheduler knows."""
        try:
            workers = self._scheduler.scheduler_info(n_workers=-1).get("workers", {})
            gone = "" if self._scheduler.status == "running" else self._scheduler.status
        except (OSError, TimeoutError, RuntimeError) as error:
            gone = str(error)
        if gone:
            raise SqlibError("cluster.lost", where=self.address, got=gone)
        return {address: str(told["name"]) for address, told in workers.items() if told["status"] == "running"}

    def _ask(self, seat: "_Seat") -> None:
        """What a process that joins stands on: it is used, or refused by name, once for each reason."""
        before, differing = seat.refused, seat.joined(self.ours)
        if differing and differing != before:
            where = seat.address if seat.name in seat.address else f"{seat.name} ({seat.address})"
            self.noted(SqlibError("cluster.refused", where=where, got=differing))

    def _patience(self) -> None:
        now = time.monotonic()
        if any(seat.alive and seat.open for seat in self._workers):
            self._served, self._waits = now, False
        elif now - self._served > PATIENCE:
            raise SqlibError("cluster.nobody", where=self.address, got=self._refused())
        elif now - self._served > NOTICE and not self._waits:
            self._waits = True
            self.noted(SqlibError("cluster.waits", where=self.address, got=self._refused(), seconds=f"{PATIENCE:.0f}"))

    def _refused(self) -> int:
        return sum(seat.alive and bool(seat.refused) for seat in self._workers)


class _Seat:
    """One process of the cluster: asked, then given a task at a time."""

    def __init__(self, client, address: str, name: str, limit: float, events: queue.SimpleQueue):
        self.client, self.address, self.name, self.limit, self.events = client, address, name, limit, events
        self.task, self.begun, self.alive, self.open, self.joining = None, 0.0, True, False, False
        self.future, self.identity, self.refused = None, "", {}  # why, in each language

    def join(self, need: Need, environment: dict[str, str]) -> None:
        self.joining, self.begun = True, time.monotonic()
        self._submit(introduced, need, environment)

    def joined(self, ours: dict[str, str]) -> dict[str, str]:
        """What it has otherwise, in each language; empty where nothing, and it is used from now on."""
        self.joining = False
        try:
            self.identity, theirs = self.future.result()
        except Exception as error:  # it has no such package, or it left
            told = dict.fromkeys(LANGUAGES, f"{type(error).__name__}: {error}")
        else:
            told = {language: standing.differences(theirs, ours, language) for language in LANGUAGES}
        self.open = not any(told.values())
        self.refused = {} if self.open else told
        return self.refused

    def give(self, task: Task) -> None:
        self.task, self.begun = task, time.monotonic()
        self._submit(served, self.identity, self.limit, task.function, task.arguments)

    def take(self, limit: float):
        """The task and its value; a process that left or changed is used no more."""
        task, value = self.task, self._value() if self.alive else Lost("killed", self.address)
        if isinstance(value, Lost) and value.how == "killed":
            self.alive = False
            if time.monotonic() - self.begun >= limit:
                value = Lost("time", f"{limit:.0f}")
        if value is not NOTHING:
            self.task = None
            self.future.release()
        return task, value

    def _value(self):
        from distributed import CancelledError
        from distributed.scheduler import KilledWorker

        if not self.future.done():
            return NOTHING
        try:
            return self.future.result()
        except (CancelledError, KilledWorker, OSError, TimeoutError) as error:
            return Lost("killed", f"{self.address}: {error}")
        except Exception as error:  # what cannot be sent
            return Lost("raised", f"{type(error).__name__}: {error} ({self.address})")

    def _submit(self, function: Callable, *arguments) -> None:
        self.future = self.client.submit(
            function, *arguments, key=f"sqlib-{uuid.uuid4().hex}", pure=False, retries=0,
            workers=[self.address], allow_other_workers=False,
        )  # fmt: skip
        self.future.add_done_callback(lambda future: self.events.put(self.address))


def check(address: str) -> str:
    """The address of a scheduler, as it is.

    Raises
    ------
    ArgumentError : ``cluster.unreachable`` for what is none
    """
    if not ADDRESS.fullmatch(address):
        raise ArgumentError("cluster.unreachable", where="--scheduler", got=f"{address} ≠ tcp://host:port")
    return address


def needed(asked: list, staging: Path) -> Need:
    """What a process must have for these jobs: their pages, clients and keys, and a file that lies there since now."""
    nonce = uuid.uuid4().hex
    probe = staging / f"{nonce}.probe"
    staging.mkdir(exist_ok=True)
    probe.write_text(nonce, encoding="utf-8")
    owned = [job for job in asked if isinstance(job, Job)]
    files = {probe, *(job.page.notebook for job in owned), *(job.notebook for job in asked if isinstance(job, Loose))}
    files |= {job.who.folder / name for job in owned for name in (client.FILE, client.WORKBOOK)}
    files |= {job.who.folder / name for job in owned for name in queries.names(job.who)}
    keys = {job.who.privacy.key_env for job in owned} - {None}
    return Need(tuple(sorted(str(path) for path in files if path.is_file())), tuple(sorted(keys)), nonce)


def introduced(need: Need, environment: dict[str, str]) -> tuple[str, dict[str, str]]:
    """At a process that joins: who it is, and what it stands on; from now on its kernels have this environment."""
    from distributed import get_worker

    from sqlib import warm

    for name in NANNYS:
        os.environ.pop(name, None)
    os.environ.update(environment)
    warm.start()
    return get_worker().id, standing.of(need)


def served(identity: str, limit: float, function: Callable, arguments: tuple):
    """At a process: the value of a task, or ``Lost``. A process that is not the one asked gives the task back, and one
    whose task takes longer than ``limit`` seconds ends itself: no thread of another machine can be stopped."""
    from distributed import get_worker

    if get_worker().id != identity:  # restarted under the same address
        return Lost("killed", get_worker().address)
    clock = threading.Timer(limit, os._exit, (1,))
    clock.daemon = True
    clock.start()
    try:
        return pool.called(function, arguments)
    finally:
        clock.cancel()


def _connected(address: str):
    """A client of the scheduler, which tells nothing of its own: what went wrong is told by the outcome."""
    try:
        from distributed import Client
    except ImportError:
        raise ArgumentError("cluster.not_installed", where="--scheduler", got=address) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=REACH, set_as_default=False, name="sqlib")
    except (OSError, TimeoutError, ValueError) as error:
        raise ArgumentError("cluster.unreachable", where="--scheduler", got=f"{address}: {error}") from None
