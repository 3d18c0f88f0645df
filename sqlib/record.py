"""``run.json``: what became of every report of one client and period, from what it was made, and with what."""

import json
from pathlib import Path

from sqlib import __version__, basis, notebook, publication, render, shelf
from sqlib.formats import KINDS
from sqlib.freshness import FILE, entry, mark, recorded
from sqlib.jobs import Job, Refused
from sqlib.making import Made


def write(job: Job, made: Made, folder: Path, languages: dict, times: tuple[str, str]) -> None:
    """Put one job into ``run.json``, keeping the other pages of that client and period.

    languages : its reports as they stand; times : when it began and ended, UTC. ``desk`` : were the consultant's
    workbooks brought up to date with it?
    """
    known = recorded(folder)
    mine, before = (job.page.stem, job.place), entry(known, job)
    others = [other for other in known.get("jobs", ()) if mark(other) != mine]
    done = made.status == "done"
    told = {
        "stem": job.page.stem,
        "title": job.page.title,
        "audience": job.audience,
        "status": made.status,
        "reason": {name: made.reason.text(name) for name in ("zh", "en")} if made.reason else None,
        "started": times[0],
        "finished": times[1],
        "seconds": round(made.seconds, 1),
        "compare_to": job.compare_to,
        "parameters": job.parameters,
        "seed": seed(job) if done else None,
        "page_sha256": basis.fingerprint(job.page.notebook) if done else "",
        "basis": made.basis if done else before.get("basis", {}),  # of the report that stands
        "formats": formats(languages) if done else before.get("formats", []),
        "files": publication.standing(job, folder) if done else before.get("files", []),
        "desk": not done and before.get("desk", False),
        "languages": languages if done else before.get("languages", {}),
    }
    save(job, known | {"jobs": sorted([*others, told], key=mark)}, folder)


def save(job: Job, told: dict, folder: Path) -> None:
    """The whole record with its head."""
    head = {"client_id": job.who.id, "client_name": job.who.name, "period": job.period}
    head |= {name: told[name] for name in ("version", "state") if name in told}
    head["versions"] = {"sqlib": __version__} | basis.libraries()
    render.write(folder / FILE, json.dumps(head | {"jobs": told["jobs"]}, ensure_ascii=False, indent=2) + "\n")


def refused(asked: list, out: Path) -> None:
    """Clients that could not be read, for the index: until a run reads them they are named there."""
    path = out / shelf.REFUSED
    known = shelf.refused(out)
    told = {
        job.client_name: {"period": job.period, "reason": {name: job.reason.text(name) for name in ("zh", "en")}}
        for job in asked
        if isinstance(job, Refused)
    }
    read = {job.who.folder.name for job in asked if isinstance(job, Job)}
    left = {name: entry for name, entry in known.items() if name not in read} | told
    if left:
        render.write(path, json.dumps(left, ensure_ascii=False, indent=2) + "\n")
    else:
        path.unlink(missing_ok=True)


def formats(languages: dict) -> list[str]:
    """The formats every language has; a workbook belongs to the first that made it."""
    each = [{kind for kind in told if kind != "xlsx"} for told in languages.values()]
    common = set.intersection(*each) if each else set()
    common |= {"xlsx"} if any("xlsx" in told for told in languages.values()) else set()
    return sorted(common & {*KINDS})


def seed(job: Job):
    """The seed the page ran with: asked for, else as it declares."""
    declared = {known.name: known.default for known in notebook.parameters(notebook.read(job.page.notebook))}
    return job.parameters.get("seed", declared.get("seed"))


def refreshed(job: Job, folder: Path) -> None:
    """The consultant's workbooks were brought up to date with the report."""
    told = recorded(folder)
    if known := entry(told, job):
        known["desk"] = True
        save(job, told, folder)
