"""Report jobs run: planned, checked, made in processes of their own, published, recorded; each failure its own.

plan → hold the folder → what is current, what cannot run → tables of every client read and kept → every report made in
staging → published whole by this process alone → the consultant's workbooks → findings and index.
"""

import contextlib
import shutil
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlib import (
    brand,
    execution,
    freshness,
    hold,
    making,
    pool,
    portfolio,
    publication,
    queries,
    record,
    versions,
    warm,
)
from sqlib.errors import ArgumentError, SqlibError
from sqlib.freshness import BLOCKED, CURRENT, RUNS, Planned
from sqlib.jobs import Job, Loose
from sqlib.making import Made, as_error
from sqlib.pool import Task

STAGING = ".staging"


@dataclass
class Outcome:
    """What became of a job: ``status`` done | current | failed | skipped, the reason, what was made by language."""

    job: object
    status: str
    reason: SqlibError | None = None
    languages: dict[str, dict] = field(default_factory=dict)
    seconds: float = 0.0
    remarks: list[SqlibError] = field(default_factory=list)  # what did not cost the report


class Silent:
    """Tells nothing; what ``run`` tells while it goes, see ``progress``."""

    def planned(self, planned: list[Planned]) -> None: ...
    def begun(self, job) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...
    def noted(self, error: SqlibError) -> None: ...
    def stopped(self, done: int, left: int) -> None: ...
    def tick(self) -> None: ...


def run(
    asked: list, out: Path, tell=None, *, workers: int = 0, limits: execution.Limits | None = None, force: bool = True,
    patience: float = hold.PATIENCE, language: str = "zh", scheduler: str = "", work: Path | None = None,
) -> list[Outcome]:  # fmt: skip
    """Run the jobs; each is recorded in ``run.json`` of its folder as soon as it ends.

    workers : processes; 0 runs everything in this one. force : also what is current. language : of the index;
    scheduler : address of a cluster whose processes take the place of those of this machine; work : folder in which an
    orchestrator executed the pages (``orchestrated``), so that none is run here

    Raises
    ------
    ArgumentError : ``batch.unwritable`` where the reports folder cannot be written, and those of ``cluster``
    SqlibError : ``batch.held`` where another run holds the folder, and those of ``cluster``
    """
    out, tell, limits = Path(out).resolve(), tell or Silent(), limits or execution.Limits()
    with _ended_by_signal(), hold.held(out, patience):
        for folder in dict.fromkeys(out / job.folder for job in asked if isinstance(job, Job)):
            _writable(folder)
        shutil.rmtree(out / STAGING, ignore_errors=True)  # what a killed run left
        if not work:
            queries.anew()  # what was executed elsewhere read what was stored as it was laid out
        planned = freshness.sort(asked, out, force=force)
        tell.planned(planned)
        batch = _Batch(out, tell, limits, work)
        try:
            if any(each.state == RUNS for each in planned) and not (scheduler or work):
                _warm(workers)
            processes = _cluster(scheduler, limits, batch, asked) if scheduler else _pool(workers, limits, batch)
            with processes:
                batch.go(planned, processes)
        except (KeyboardInterrupt, SystemExit):
            done = sum(outcome.status == "done" for outcome in batch.outcomes.values())
            tell.stopped(done, len(asked) - len(batch.outcomes))
            raise
        finally:
            shutil.rmtree(out / STAGING, ignore_errors=True)
            _told(asked, [outcome.job for outcome in batch.outcomes.values() if outcome.status != "current"],
                  out, language, tell)  # fmt: skip
    return [batch.outcomes[job.key] for job in asked]


@contextlib.contextmanager
def _ended_by_signal():
    """A run told to end, by a service manager or a time limit, ends as after Ctrl-C."""

    def end(number, frame):
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def status(outcomes: list[Outcome]) -> int:
    """Exit status: 0 where every report asked for stands; 1 where one does not.

    A page not asked for by name, whose tables a client does not have, is no failure as long as that client has another.
    """
    served = {_client(outcome.job) for outcome in outcomes if outcome.status in ("done", "current")}
    return int(any(not _stands(outcome, served) for outcome in outcomes))


def _stands(outcome: Outcome, served: set[str]) -> bool:
    if outcome.status in ("done", "current"):
        return True
    missing = outcome.reason is not None and outcome.reason.code == "batch.table_missing"
    return missing and not outcome.job.named and _client(outcome.job) in served


def _client(job) -> str:
    return job.who.id if isinstance(job, Job) else ""


def _writable(folder: Path) -> None:
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ArgumentError("batch.unwritable", where=folder, got=error.strerror or error) from None


def _pool(workers: int, limits: execution.Limits, batch: "_Batch"):
    if not workers:
        return pool.Inline(batch.begun)
    return pool.Pool(workers, limits.job, batch.tell.tick, batch.begun, _environment())


def _cluster(scheduler: str, limits: execution.Limits, batch: "_Batch", asked: list):
    """Processes of other machines in place of our own."""
    from sqlib import cluster

    need = cluster.needed(asked, batch.out / STAGING)
    tell = batch.tell
    return cluster.Cluster(scheduler, limits.job, need, tell.noted, tell.tick, batch.begun, _environment())


def _environment() -> dict[str, str]:
    """Variables of a process that makes reports: every core has one of its own."""
    return dict.fromkeys(warm.THREADS, "1") | warm.environment()


def _warm(workers: int) -> None:
    """Everything the processes need, once, before they are forked; the process that forks kernels is on its way."""
    if workers:
        warm.start()
        import papermill  # noqa: F401

        from sqlib import page, render  # noqa: F401


def _told(asked: list, touched: list, out: Path, language: str, tell) -> None:
    """Findings of every folder that was touched, clients that were refused, and the index, from what lies there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        record.refused(asked, out)
        anew = {out / job.folder for job in touched if isinstance(job, Job)}
        for folder in dict.fromkeys(out / job.folder for job in asked if isinstance(job, Job)):
            if folder in anew or not (folder / "findings.csv").is_file():
                portfolio.findings_csv(folder)
        portfolio.portal(out, language=language)
    except (SqlibError, OSError) as error:  # the reports stand; what could not be built from them is told
        tell.noted(as_error(error, out))


class _Batch:
    """The jobs of one run on their way: only this process writes below the reports folder, apart from staging."""

    def __init__(self, out: Path, tell, limits: execution.Limits, work: Path | None = None):
        self.out, self.tell, self.limits, self.work = out, tell, limits, work
        self.outcomes: dict[str, Outcome] = {}
        self._jobs: dict[str, object] = {}
        self._began: dict[str, str] = {}

    def go(self, planned: list[Planned], processes) -> None:
        """Everything that is to run, checked first, then made."""
        for each in planned:
            if each.state == CURRENT:
                self._end(Outcome(each.job, "current"))
            elif each.state == BLOCKED:
                self._skip(each.job, each.reason)
        ready = self._checked([each.job for each in planned if each.state == RUNS], processes)
        behind = [each.job for each in planned if each.state == CURRENT and not self._desk_done(each.job)]
        for task, value in processes.each([*self._tasks(ready), *self._desks([*ready, *behind])]):
            if task.key in self._jobs:
                self._finish(self._jobs[task.key], value)
            else:
                self._refreshed(task, value)

    def begun(self, task: Task) -> None:
        if task.key in self._jobs:
            self._began[task.key] = _now()
            self.tell.begun(self._jobs[task.key])

    # -- before any kernel --------------------------------------------------------------------------------------------

    def _checked(self, ready: list, processes) -> list:
        """The jobs whose clients' tables can be read; the others end here, with the reason."""
        tasks = [Task(f"read {place}", prepared, asked) for place, asked in needed(ready).items()]
        wrong = {task.key: _as_errors(value, task.key) for task, value in processes.each(tasks)}
        kept = []
        for job in ready:
            errors = wrong[f"read {job.who.folder}"] if isinstance(job, Job) else {}
            if reason := next((errors[name] for name in ("", *_tables(job)) if name in errors), None):
                self._skip(job, reason)
            else:
                kept.append(job)
        return kept

    # -- making -------------------------------------------------------------------------------------------------------

    def _tasks(self, ready: list) -> list[Task]:
        """One task a job, behind the jobs whose findings it reads."""
        tasks = []
        for number, job in enumerate(ready, 1):
            self._jobs[job.key] = job
            staging = self.out / STAGING / str(number)
            if isinstance(job, Loose):
                tasks.append(Task(job.key, making.loose, (job, staging, self.limits, self.work)))
                continue
            folder = self.out / job.folder
            asked = (job, staging, folder, versions.upcoming(folder), self.limits, self.work)
            tasks.append(Task(job.key, making.report, asked, job.after))
        return tasks

    def _desks(self, jobs: list) -> list[Task]:
        """One task a client, behind its reports: the consultant's workbooks brought up to date."""
        if not jobs:
            return []
        from sqlib import desk  # with pandas, which a run that finds everything up to date does without

        clients: dict[Path, list[Job]] = {}
        for job in jobs:
            if isinstance(job, Job):
                clients.setdefault(job.who.folder, []).append(job)
        return [
            Task(f"desk {place}", desk.brought_up, (own, self.out), frozenset(job.key for job in own))
            for place, own in clients.items()
        ]

    def _desk_done(self, job: Job) -> bool:
        return freshness.entry(freshness.recorded(self.out / job.folder), job).get("desk", False)

    def _finish(self, job, value) -> None:
        """Publish what was made, record it, tell it."""
        made = value if isinstance(value, Made) else Made("failed", _lost(value, job.key))
        if isinstance(job, Loose):
            self._publish(job, made, self.out)
            self._end(Outcome(job, made.status, made.reason, {}, made.seconds, made.remarks))
            return
        folder = self.out / job.folder
        self._write(job, made, folder, self._publish(job, made, folder))
        self._end(Outcome(job, made.status, made.reason, made.languages, made.seconds, made.remarks))

    def _skip(self, job, reason: SqlibError) -> None:
        """A job that cannot run, recorded where its client is known."""
        if isinstance(job, Job):
            self._write(job, Made("skipped", reason), self.out / job.folder, {})
        self._end(Outcome(job, "skipped", reason))

    def _publish(self, job, made: Made, folder: Path) -> dict:
        """Everything in its place, and the languages that stand now; a disk that fails makes the job a failed one."""
        try:
            publication.publish(made, folder)
            if made.status == "done" and isinstance(job, Job):
                return publication.settled(job, made, folder, freshness.recorded(folder))
        except (SqlibError, OSError) as error:
            made.status, made.reason = "failed", as_error(error, folder)
        return {}

    def _write(self, job: Job, made: Made, folder: Path, languages: dict) -> None:
        """The record; where it or a stamp cannot be written the job has failed, and the next run finds it so."""
        times = (self._began.get(job.key, _now()), _now())
        try:
            record.write(job, made, folder, languages, times)
            versions.settle(folder, brand.load(job.who.folder))
        except (SqlibError, OSError) as error:
            made.status, made.reason = "failed", as_error(error, folder)
            with contextlib.suppress(SqlibError, OSError):
                record.write(job, made, folder, languages, times)

    def _refreshed(self, task: Task, value) -> None:
        """The workbooks of a client are up to date, with remarks."""
        if isinstance(value, pool.Lost):
            self.tell.noted(_lost(value, task.key))
            return
        for job, remarks in value:
            self.outcomes[job.key].remarks += remarks
            for remark in remarks:
                self.tell.noted(remark)
            try:
                record.refreshed(job, self.out / job.folder)
            except (SqlibError, OSError) as error:
                self.tell.noted(as_error(error, self.out / job.folder))

    def _end(self, outcome: Outcome) -> None:
        self.outcomes[outcome.job.key] = outcome
        self.tell.ended(outcome)


def needed(ready: list) -> dict[str, tuple]:
    """Folder -> client, and the tables its pages need or use."""
    found: dict[str, tuple] = {}
    for job in ready:
        if isinstance(job, Job):
            tables = found.get(str(job.who.folder), (job.who, frozenset()))[1]
            found[str(job.who.folder)] = (job.who, tables | {*job.page.reads, *job.page.uses})
    return found


def prepared(who, names: frozenset[str]) -> dict[str, SqlibError]:
    """Read every table the pages of a client use, so that what cannot be read is known before a kernel starts.

    They are kept (``cache``): the pages open them from there. Returns table -> what is wrong with it.
    """
    from sqlib import tables

    wrong = {}
    for name in sorted(names & set(who.tables)):
        try:
            tables.usable(tables.load(who, name, as_of=who.data_until))
        except SqlibError as error:
            wrong[name] = error
    return wrong


def _tables(job) -> tuple[str, ...]:
    """The tables a job cannot do without."""
    return job.page.reads if isinstance(job, Job) else ()


def _as_errors(value, where: str) -> dict[str, SqlibError]:
    return {"": _lost(value, where)} if isinstance(value, pool.Lost) else value


def _lost(lost: pool.Lost, where: str) -> SqlibError:
    match lost.how:
        case "time":
            return SqlibError("batch.job_time", where=where, got=lost.got)
        case "killed":
            return SqlibError("batch.worker_died", where=where, got=lost.got)
    return SqlibError("batch.unexpected", where=where, got=lost.got)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
