"""Which jobs must run: one whose report is there, made from what lies there now, is left alone.

A report is current when nothing it was made from has changed (``basis``) and every file it promised still lies there.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlib import basis, portfolio
from sqlib.errors import SqlibError
from sqlib.jobs import Job

FILE = "run.json"
RUNS, CURRENT, BLOCKED = "runs", "current", "blocked"


@dataclass(frozen=True)
class Planned:
    """A job, what is to become of it, and why."""

    job: object
    state: str  # runs | current | blocked
    why: tuple[tuple[str, str], ...] = ()  # code of words/cli.toml [why] and what it names
    reason: SqlibError | None = None


def sort(jobs: list, out: Path, *, force: bool = False) -> list[Planned]:
    """Every job with its state, in the same order."""
    records: dict[Path, dict] = {}
    return [_planned(job, Path(out), records, force) for job in jobs]


def _planned(job, out: Path, records: dict[Path, dict], force: bool) -> Planned:
    if reason := getattr(job, "reason", None) or job.blocked:
        return Planned(job, BLOCKED, reason=reason)
    if not isinstance(job, Job):
        return Planned(job, RUNS, (("loose", ""),))
    try:
        made_from = basis.of(job.who, job.page, job.period, job.chosen)
    except SqlibError as error:
        return Planned(job, BLOCKED, reason=error)
    folder = out / job.folder
    if folder not in records:
        records[folder] = recorded(folder)
    why = (("forced", ""),) if force else tuple(_why(job, records[folder], folder, made_from))
    return Planned(job, RUNS if why else CURRENT, why)


def recorded(folder: Path) -> dict:
    """The record of earlier runs; one that cannot be read vouches for nothing: the index finds what lies there."""
    try:
        return portfolio.recorded(folder / FILE)
    except SqlibError:
        return {}


def entry(record: dict, job: Job) -> dict:
    """What a ``run.json`` says of a job; empty where it says nothing."""
    mine = (job.page.stem, job.place)
    return next((known for known in record.get("jobs", ()) if mine == mark(known)), {})


def mark(known: dict) -> tuple[str, str]:
    """Page and place of a recorded job: one of each pair is kept."""
    audience = known.get("audience", portfolio.AUDIENCES[0])
    return known["stem"], portfolio.place(audience, known.get("parameters", {}).get("team", ""))


def _why(job: Job, record: dict, folder: Path, made_from: dict):
    """Code and detail of every reason to run, the telling ones first."""
    known = entry(record, job)
    if not known:
        yield "new", ""
        return
    if known["status"] != "done":
        yield "failed", known["status"]
    changed_parts = list(changed(known.get("basis", {}), made_from))
    yield from changed_parts
    languages = known.get("languages", {})
    told = {language: languages[language] for language in job.languages if language in languages}
    yield from (("language", language) for language in job.languages if language not in told)
    if missing := [kind for kind in job.formats if not _made(kind, told, languages)]:
        yield "formats", ", ".join(missing)
    key = basis.key(made_from)
    if not changed_parts:
        yield from (("language_old", language) for language, made in told.items() if made.get("key") != key)
    promised = [made[kind] for made in told.values() for kind in ("notebook", "packs", *job.formats) if kind in made]
    promised += known.get("files", ())
    if gone := [name for name in dict.fromkeys(promised) if not (folder / name).exists()]:
        yield "gone", ", ".join(gone)


def _made(kind: str, told: dict[str, dict], languages: dict[str, dict]) -> bool:
    """Is there a report of this format in every language asked for? A workbook holds all languages."""
    if kind == "xlsx":
        return any(kind in made for made in languages.values())
    return all(kind in made for made in told.values())


def changed(before: dict, now: dict):
    """Part and names of every difference between two ``basis.of``."""
    for part in ("inputs", "page", "package", "parameters", "libraries", "environment"):
        if before.get(part) != now[part]:
            yield part, _detail(before.get(part), now[part])
    for kind in sorted({*before.get("settings", {}), *now["settings"]}):
        if before.get("settings", {}).get(kind) != now["settings"].get(kind):
            yield kind, _detail(before.get("settings", {}).get(kind), now["settings"].get(kind))


def _detail(before, now) -> str:
    """The entries that differ, by name; nothing where the whole is one hash."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return ", ".join(now) if isinstance(now, dict) and before is None else ""
    return ", ".join(sorted(name for name in {*before, *now} if before.get(name) != now.get(name)))
