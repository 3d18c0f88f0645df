"""One report made: its page run in every language, judged, rendered in every format asked for, all in a staging folder.

A job succeeds when no cell raised, the page closed, its promised tables are there, every language gave the same
findings and tables as the first, and every format could be made. What succeeded is published by the caller, whole.
"""

import json
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlib import basis, brand, execution, formats, notebook, orchestrated, packs, project, render
from sqlib.errors import SqlibError
from sqlib.jobs import Job, Loose

FOLDERS = {"png": "figures", "packs": packs.FOLDER}  # kinds that are a folder of files, and what lies above it
ONCE = {"xlsx"}  # holds both languages: the first makes it
FAILED, SOURCE = "failed.ipynb", "page.ipynb"


@dataclass
class Made:
    """What one job left: ``files`` (target below the period -> staged file), by language what was made, from what."""

    status: str = "done"
    reason: SqlibError | None = None
    files: dict[str, Path] = field(default_factory=dict)
    languages: dict[str, dict] = field(default_factory=dict)
    findings: list[dict] = field(default_factory=list)
    basis: dict = field(default_factory=dict)
    remarks: list[SqlibError] = field(default_factory=list)
    seconds: float = 0.0


def report(
    job: Job, staging: Path, folder: Path, version: str, limits: execution.Limits, work: Path | None = None
) -> Made:
    """Make one report in the staging folder; what goes wrong is told, not raised.

    ``folder`` : where its files will lie, for messages alone; ``work`` : where its pages were executed already
    """
    made, began = Made(), time.perf_counter()
    try:
        staging = _attempt(staging)
        made.basis = basis.of(job.who, job.page, job.period, job.chosen)
        execute = partial(orchestrated.take, work) if work else partial(_run, limits)
        _languages(job, made, staging, folder, version, execute)
        made.basis |= {"rows": _read(staging / job.languages[0]).get("rows", [])}
        made.remarks = _changed(job, made.basis)
    except (SqlibError, OSError) as error:
        made.status, made.reason = "failed", as_error(error, staging)
    if made.reason:
        made.files = {name: path for name, path in made.files.items() if name.endswith(FAILED)}
    made.seconds = time.perf_counter() - began
    return made


def loose(job: Loose, staging: Path, limits: execution.Limits, work: Path | None = None) -> Made:
    """Run a notebook of no catalogue as it is, or take it as executed in ``work``."""
    made, began = Made(), time.perf_counter()
    executed = staging / f"{job.output}.ipynb"
    try:
        executed.parent.mkdir(parents=True, exist_ok=True)
        if work:
            orchestrated.take_loose(work, job, executed)
        else:
            execution.run(job.notebook, executed, job.parameters, job.notebook.parent, limits)
        page = render.html(executed, executed.with_suffix(".html"), language="en")
        made.files = {f"{job.output}{path.suffix}": path for path in (executed, page)}
    except execution.Stopped as stop:
        made.status, made.reason = "failed", _stopped(job.output, executed, stop)
        made.files = {f"{job.output}.{FAILED}": executed} if executed.is_file() else {}
    except (SqlibError, OSError) as error:
        made.status, made.reason = "failed", as_error(error, staging)
    made.seconds = time.perf_counter() - began
    return made


def _attempt(staging: Path) -> Path:
    """A folder of this attempt alone: one that was given up on another machine may still be writing into its own."""
    staging.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=staging))


def as_error(error: SqlibError | OSError, where: Path) -> SqlibError:
    """What the disk refused, in words; ``where`` : the folder, where the system names no file."""
    if isinstance(error, SqlibError):
        return error
    return SqlibError("batch.disk", where=error.filename or where, got=error.strerror or error)


def _stopped(page: str, where, stop: execution.Stopped) -> SqlibError:
    match stop.code:
        case "raised":
            return SqlibError("batch.page_failed", page=page, where=where, got=stop.got)
        case "cell_time":
            return SqlibError("batch.cell_time", page=page, where=where, got=stop.got)
        case "unfinished":
            return SqlibError("orchestrated.unfinished", page=page, where=where, got=stop.got)
        case "too_much":
            return SqlibError("batch.too_much", page=page, where=where, got=stop.got)
    return SqlibError("batch.died", page=page, where=where, got=stop.got)


def _changed(job: Job, before: dict) -> list[SqlibError]:
    """Was anything the report is made from changed while it was being made? Then nobody can say what it shows."""
    after = basis.of(job.who, job.page, job.period, job.chosen)
    parts = [name for name, value in after.items() if before[name] != value]
    if not parts:
        return []
    before["changed"] = parts  # no later basis equals this one, so the job runs again
    return [SqlibError("batch.changed_meanwhile", page=job.page.stem, where=job.who.id, got=", ".join(parts))]


def _read(folder: Path) -> dict:
    """What the page says it read: ``inputs`` and ``rows``, see ``account.read``."""
    from sqlib.page import READ

    path = folder / READ
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _languages(job: Job, made: Made, staging: Path, target: Path, version: str, execute) -> None:
    """Execute every language in the staging folder and compare them; the first gives tables and workbook."""
    first, worn, page = None, brand.load(job.who.folder), notebook.read(job.page.notebook)
    for language in job.languages:
        began = time.perf_counter()
        folder = staging / language
        executed = _executed(job, page, language, folder, made, execute, target)
        nb = notebook.read(executed)
        given = _given(job, nb, folder)
        if first is None:
            first = given
        elif given != first:
            raise SqlibError("batch.languages_differ", page=job.page.stem, got=language, first=job.languages[0])
        entry = {"notebook": executed, "html": folder / f"{job.page.stem}.{language}.html"}
        render.html(nb, entry["html"], language=language, version=version, brand=worn)
        entry |= _formats(job, language, folder, executed, version, worn)
        entry |= _packs(nb, job, language, folder, version, worn)
        seconds = round(time.perf_counter() - began, 1)
        _keep(job, made, language, entry)
        made.languages[language] |= {"seconds": seconds, "findings": len(given[0]), "stamp": f"{version} draft"}
    made.findings = first[0]
    tables = Path(job.place) / "tables" / job.page.stem
    for path in sorted((staging / job.languages[0] / "tables" / job.page.stem).glob("*.csv")):
        made.files[(tables / path.name).as_posix()] = path


def _keep(job: Job, made: Made, language: str, entry: dict[str, Path]) -> None:
    """Where each file will lie; the workbook and the folders are told with their language too."""
    told = {}
    for kind, path in entry.items():
        target = f"{job.place}/{path.name}"
        if kind in FOLDERS:
            target = f"{job.place}/{FOLDERS[kind]}/{path.name}"
            made.files |= {f"{target}/{each.name}": each for each in sorted(path.iterdir())}
        else:
            made.files[target] = path
        told[kind] = target
    made.languages[language] = told


def _formats(job: Job, language: str, folder: Path, executed: Path, version: str, worn) -> dict[str, Path]:
    """Every format beside HTML; a workbook holds both languages, so the first makes it.

    Documents keep their figures: with another stamp they are made again.
    """
    kinds = set(job.formats) - {"html"} - (ONCE if language in job.languages[1:] else set())
    kinds |= {"png"} if kinds & formats.DRAWN else set()
    source = formats.Source(
        executed, folder / f"{job.page.stem}.{language}.html", folder / "tables" / job.page.stem,
        folder / "typed" / job.page.stem, folder / "figures" / job.page.stem, job.page.stem, language, version, "draft",
        worn,
    )  # fmt: skip
    made = {}
    for kind in sorted(kinds):
        name = {"xlsx": f"{job.page.stem}.xlsx", "png": f"{job.page.stem}.{language}"}
        made[kind] = formats.make(kind, source, folder / name.get(kind, f"{job.page.stem}.{language}.{kind}"))
    return made


def _packs(nb, job: Job, language: str, folder: Path, version: str, worn) -> dict[str, Path]:
    """The folder of sheets for single readers, where the page leaves any."""
    into = folder / packs.FOLDER / f"{job.page.stem}.{language}"
    written = packs.write(nb, into, language=language, version=version, state="draft", brand=worn)
    return {"packs": into} if written else {}


def _executed(job: Job, page, language: str, folder: Path, made: Made, execute, target: Path) -> Path:
    """The page, executed in its folder; a half-run page is kept for reading."""
    executed = folder / f"{job.page.stem}.{language}.ipynb"
    try:
        execute(job, page, language, executed)
    except execution.Stopped as stop:
        kept = folder / f"{job.page.stem}.{language}.{FAILED}"
        if executed.is_file():
            shutil.copyfile(executed, kept)
        else:
            notebook.write(page, kept)
        made.files[name := f"{job.place}/{kept.name}"] = kept
        raise _stopped(job.page.stem, target / name, stop) from None
    return executed


def _run(limits: execution.Limits, job: Job, page, language: str, executed: Path) -> None:
    """Run the page; a kernel that died is tried once more, from scratch."""
    values = job.values(language, executed.parent)
    try:
        execution.run(_laid_out(job, page, language, executed.parent), executed, values, project.root(), limits)
    except execution.Stopped as stop:
        if stop.code != "died":
            raise
        with execution.plain_kernel():
            execution.run(_laid_out(job, page, language, executed.parent), executed, values, project.root(), limits)


def _laid_out(job: Job, page, language: str, folder: Path) -> Path:
    """An empty folder with the page in its language, and folders for what the formats need of it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    formats.make_room(folder, job.page.stem, job.formats)
    return notebook.write(notebook.keep_language(page, language), folder / SOURCE)


def _given(job: Job, nb, folder: Path) -> tuple[list[dict], dict[str, str]]:
    """What one language gave: its findings without words, and a fingerprint of each table."""
    harvest = notebook.harvest(nb)
    tables = {path.name: basis.fingerprint(path) for path in sorted((folder / "tables" / job.page.stem).glob("*.csv"))}
    missing = [name for name in job.page.hands_over if f"{name}.csv" not in tables]
    if missing and harvest["absent"]:
        reasons = "; ".join(dict.fromkeys(record["reason"] for record in harvest["absent"]))
        where = f"{job.who.id} {job.period}"
        raise SqlibError("batch.no_data", page=job.page.stem, where=where, got=reasons, id=job.who.id)
    if missing or not harvest["report"]:
        raise SqlibError("batch.promise", page=job.page.stem, missing=", ".join(missing) or "close()")
    return unworded(harvest), tables


def unworded(harvest: dict) -> list[dict]:
    """Findings without their words: the same in every language."""
    return [{key: value for key, value in found.items() if key != "parts"} for found in harvest["findings"]]
