"""Report jobs: plan, run each page in each language by papermill, judge, hand over, record.

A job is page x client x period; its languages run one after the other. A job succeeds when no cell raised, the page
closed, its promised tables are there, and every language gave the same findings and tables as the first.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlib import __version__, basis, catalogue, client, desk, notebook, periods, portfolio, project, render, versions
from sqlib.errors import ArgumentError, SqlibError

OWN = {"client_dir", "period", "language", "compare_to", "audience", "out_dir"}  # set by the job itself
FORMATS = ("html",)


@dataclass(frozen=True)
class Job:
    """One page for one client and period, in one or more languages."""

    page: catalogue.Entry
    who: client.Client
    period: str
    languages: tuple[str, ...]
    compare_to: str
    audience: str
    parameters: dict = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where its reports go, below the reports folder."""
        return Path(self.who.id) / self.period

    @property
    def team(self) -> str:
        """Whose report it is, where each team has its own."""
        return str(self.parameters.get("team", "")) if self.audience == portfolio.TEAM else ""

    @property
    def place(self) -> str:
        """Where its files go, below ``folder``."""
        return portfolio.place(self.audience, self.team)

    @property
    def chosen(self) -> dict:
        """What was asked of the page beyond client, period and language."""
        return {"compare_to": self.compare_to, "audience": self.audience} | self.parameters

    @property
    def blocked(self) -> SqlibError | None:
        """Why the job cannot run at all, before any kernel starts."""
        missing = [table for table in self.page.reads if table not in self.who.tables]
        if not missing:
            return None
        return SqlibError("batch.table_missing", page=self.page.stem, where=self.who.id, tables=", ".join(missing))


@dataclass
class Outcome:
    """What became of a job: ``status`` done | failed | skipped, the reason, what was made by language, from what."""

    job: Job
    status: str
    reason: SqlibError | None = None
    languages: dict[str, dict] = field(default_factory=dict)
    basis: dict = field(default_factory=dict)
    seconds: float = 0.0
    remarks: list[SqlibError] = field(default_factory=list)  # what did not cost the report


def plan(
    folders: Iterable[str | Path], *, period: str | None = None, compare_to: str | None = None,
    only: list[str] | None = None, languages: list[str] | None = None, audience: str = "management",
    parameters: dict[str, str] | None = None, formats: Iterable[str] = ("html",),
) -> list[Job]:  # fmt: skip
    """Every job asked for, with everything checked that can be checked before a kernel starts.

    Raises
    ------
    ArgumentError : an unknown page, period, language, audience, format or parameter, or two clients of one id
    """
    pages = catalogue.pick(only)
    for name in formats:
        if name not in FORMATS:
            raise ArgumentError("batch.unknown_format", got=name, known=", ".join(FORMATS))
    values = {page.stem: _parameters(page, parameters or {}) for page in pages}
    clients = [client.load(project.client_folder(folder)) for folder in folders]
    _distinct(clients)
    return [
        _job(page, who, period, compare_to, languages, audience, values[page.stem]) for who in clients for page in pages
    ]


def _job(page, who, period, compare_to, languages, audience, values) -> Job:
    from sqlib import page as companion

    chosen = client.reporting_period(who, period, "--period")
    compare_to = compare_to or who.period.compare_to
    periods.compared(chosen, compare_to, who.fiscal_year_start)
    spoken = tuple(languages or who.languages)
    for language in spoken:
        companion.check({"language": language, "audience": audience} | values)
    return Job(page, who, chosen.text, spoken, compare_to, audience, values)


def _parameters(page: catalogue.Entry, given: dict[str, str]) -> dict:
    """Values of the page's own parameters, read as the type the page declares."""
    known = {parameter.name: parameter for parameter in notebook.parameters(notebook.read(page.notebook))}
    values = {}
    for name, text in given.items():
        if name not in known or name in OWN:
            usable = ", ".join(sorted(set(known) - OWN))
            raise ArgumentError("batch.unknown_parameter", page=page.stem, got=name, known=usable)
        values[name] = _typed(name, text, known[name].type)
    return values


def _typed(name: str, text: str, kind: str):
    kinds = {"int": int, "float": float, "str": str}
    try:
        return kinds[kind](text)
    except ValueError:
        raise ArgumentError("page.wrong_type", name=name, got=repr(text), wanted=kind) from None


def _distinct(clients: list[client.Client]) -> None:
    places: dict[str, Path] = {}
    for who in clients:
        if places.setdefault(who.id, who.folder) != who.folder:
            raise ArgumentError("batch.same_id", got=who.id, where=f"{places[who.id]}; {who.folder}")


def run(jobs: list[Job], out: Path, report: Callable[[Outcome], None] = lambda outcome: None) -> list[Outcome]:
    """Run the jobs one after the other; each is recorded in ``run.json`` of its folder as soon as it ends.

    Raises
    ------
    ArgumentError : ``batch.unwritable`` where the reports folder cannot be written
    """
    out = Path(out).resolve()
    for folder in dict.fromkeys([out, *(out / job.folder for job in jobs)]):
        _writable(folder)
    outcomes = []
    for job in jobs:
        outcomes.append(_run(job, out))
        _record(outcomes[-1], out / job.folder)
        versions.settle(out / job.folder)
        report(outcomes[-1])
    return outcomes


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ArgumentError("batch.unwritable", where=folder, got=error.strerror or error) from None


def _run(job: Job, out: Path) -> Outcome:
    started = time.perf_counter()
    if job.blocked:
        return Outcome(job, "skipped", job.blocked)
    outcome = Outcome(job, "done")
    try:
        with tempfile.TemporaryDirectory(prefix=".staging-", dir=out, ignore_cleanup_errors=True) as staging:
            outcome.basis = basis.of(job.who, job.page, job.period, job.chosen)
            outcome.languages = _languages(job, Path(staging), out)
            outcome.basis |= _read(Path(staging) / job.languages[0])
        first = outcome.languages[job.languages[0]]["notebook"]
        outcome.remarks = desk.refresh(job, out / job.folder / first)
    except SqlibError as error:
        outcome.status, outcome.reason = "failed", error
    except OSError as error:
        wording = {"where": error.filename or out, "got": error.strerror or error}
        outcome.status, outcome.reason = "failed", SqlibError("batch.disk", **wording)
    outcome.seconds = time.perf_counter() - started
    return outcome


def _read(folder: Path) -> dict:
    """What the page says it read: ``inputs`` and ``rows``, see ``account.read``."""
    from sqlib.page import READ

    path = folder / READ
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"inputs": {}, "rows": []}


def _languages(job: Job, staging: Path, out: Path) -> dict[str, dict]:
    """Run every language in the staging folder, compare them, then move all files into place."""
    made, first, version = {}, None, versions.upcoming(out / job.folder)
    for language in job.languages:
        began = time.perf_counter()
        folder = staging / language
        executed = _execute(job, language, folder, out)
        given = _given(job, executed, folder)
        if first is None:
            first = given
        elif given != first:
            raise SqlibError("batch.languages_differ", page=job.page.stem, got=language, first=job.languages[0])
        page = folder / f"{job.page.stem}.{language}.html"
        html = render.html(executed, page, language=language, version=version)
        seconds = round(time.perf_counter() - began, 1)
        made[language] = {"notebook": executed, "html": html, "seconds": seconds, "findings": len(given[0])}
    _move(job, made, staging, out)
    _drop_stale(job, *first, out)
    return made


def _move(job: Job, made: dict[str, dict], staging: Path, out: Path) -> dict[str, dict]:
    """Everything made replaces what stood there, each file in one step; paths come back relative to the period.

    A file that another program holds open refuses even its own name: it is found before any other is replaced.
    """
    place, tables = out / job.folder / job.place, Path("tables") / job.page.stem
    (place / tables).mkdir(parents=True, exist_ok=True)
    moves = {path: place / tables / path.name for path in sorted((staging / job.languages[0] / tables).glob("*"))}
    moves |= {entry[kind]: place / entry[kind].name for entry in made.values() for kind in ("notebook", "html")}
    for target in filter(Path.exists, moves.values()):
        render.replace(target, target)
    for path, target in moves.items():
        render.replace(path, target)
    for language, entry in made.items():
        entry |= {kind: f"{job.place}/{entry[kind].name}" for kind in ("notebook", "html")}
        (place / f"{job.page.stem}.{language}.failed.ipynb").unlink(missing_ok=True)
    return made


def _drop_stale(job: Job, findings: list[dict], tables: dict[str, str], out: Path) -> None:
    """What an earlier run left and this one contradicts: tables no longer made, a report in a language not run now."""
    place = out / job.folder / job.place
    for path in (place / "tables" / job.page.stem).glob("*.csv"):
        if path.name not in tables:
            path.unlink()
    for path in place.glob(f"{job.page.stem}.??.ipynb"):
        if _unworded(notebook.harvest(notebook.read(path))) != findings:
            path.unlink()
            path.with_suffix(".html").unlink(missing_ok=True)


def _execute(job: Job, language: str, folder: Path, out: Path) -> Path:
    """Run the page by papermill; on failure its half-run notebook is kept beside the reports for reading."""
    papermill = _papermill()
    folder.mkdir(parents=True)
    source, executed = folder / "page.ipynb", folder / f"{job.page.stem}.{language}.ipynb"
    notebook.write(notebook.keep_language(notebook.read(job.page.notebook), language), source)
    values = {"client_dir": str(job.who.folder), "period": job.period, "language": language}
    values |= {"compare_to": job.compare_to, "audience": job.audience, "out_dir": str(folder)} | job.parameters
    try:
        papermill.execute_notebook(
            str(source), str(executed), values, kernel_name="python3", progress_bar=False, cwd=str(project.root()),
            request_save_on_cell_execute=False, config=notebook.encrypted(),
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        raise _failure(job, language, executed, out, f"{error.ename}: {error.evalue}") from None
    except RuntimeError as error:  # the kernel died, or never answered
        raise _failure(job, language, executed, out, error) from None
    finally:
        source.unlink(missing_ok=True)
    return executed


def _papermill():
    """papermill, quiet: what went wrong is told by the outcome, not by its log."""
    import logging

    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)
    return papermill


def _failure(job: Job, language: str, executed: Path, out: Path, got) -> SqlibError:
    kept = out / job.folder / job.place / f"{job.page.stem}.{language}.failed.ipynb"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(executed if executed.is_file() else job.page.notebook, kept)
    return SqlibError("batch.page_failed", page=job.page.stem, where=kept, got=got)


def _given(job: Job, executed: Path, folder: Path) -> tuple[list[dict], dict[str, str]]:
    """What one language gave: its findings without words, and a fingerprint of each table."""
    harvest = notebook.harvest(notebook.read(executed))
    tables = {path.name: basis.fingerprint(path) for path in sorted((folder / "tables" / job.page.stem).glob("*.csv"))}
    missing = [name for name in job.page.hands_over if f"{name}.csv" not in tables]
    if missing and harvest["absent"]:
        reasons = "; ".join(dict.fromkeys(record["reason"] for record in harvest["absent"]))
        raise SqlibError(
            "batch.no_data", page=job.page.stem, where=f"{job.who.id} {job.period}", got=reasons, id=job.who.id
        )
    if missing or not harvest["report"]:
        raise SqlibError("batch.promise", page=job.page.stem, missing=", ".join(missing) or "close()")
    return _unworded(harvest), tables


def _unworded(harvest: dict) -> list[dict]:
    """Findings without their words: the same in every language."""
    return [{key: value for key, value in found.items() if key != "parts"} for found in harvest["findings"]]


def _mine(entry: dict) -> tuple[str, str]:
    """Page and place of a recorded job: one of each pair is kept."""
    return entry["stem"], portfolio.place(entry["audience"], entry.get("parameters", {}).get("team", ""))


def _record(outcome: Outcome, folder: Path) -> None:
    """Put the outcome into ``run.json``, keeping the other pages of that client and period."""
    path, job = folder / "run.json", outcome.job
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        known = {}  # half a record helps nobody; the portal finds the reports that lie there
    mine = (job.page.stem, job.place)
    before = next((entry for entry in known.get("jobs", ()) if _mine(entry) == mine), {})
    kept = {  # languages not run this time whose report still stands
        language: made
        for language, made in before.get("languages", {}).items()
        if language not in job.languages and (folder / made["html"]).is_file()
    }
    others = [entry for entry in known.get("jobs", ()) if _mine(entry) != mine]
    entry = {
        "stem": job.page.stem,
        "title": job.page.title,
        "audience": job.audience,
        "status": outcome.status,
        "reason": {name: outcome.reason.text(name) for name in ("zh", "en")} if outcome.reason else None,
        "seconds": round(outcome.seconds, 1),
        "compare_to": job.compare_to,
        "parameters": job.parameters,
        "page_sha256": basis.fingerprint(job.page.notebook),
        "basis": outcome.basis if outcome.status == "done" else before.get("basis", {}),  # of the report that stands
        "languages": dict(sorted((kept | outcome.languages).items(), reverse=True)),
    }
    record = {"client_id": job.who.id, "client_name": job.who.name, "period": job.period}
    record |= {name: known[name] for name in ("version", "state") if name in known}
    record["versions"] = {"sqlib": __version__} | basis.libraries()
    record["jobs"] = sorted([*others, entry], key=_mine)
    render.write(path, json.dumps(record, ensure_ascii=False, indent=2) + "\n")
