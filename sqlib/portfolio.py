"""All reports of a folder on one page, and the findings of one client and period as one table.

Both are always rebuilt from what lies there: ``run.json`` and the executed notebooks.
"""

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlib import notebook, render, shelf, words
from sqlib.errors import SqlibError
from sqlib.shelf import AUDIENCES, TEAM, Job, place, places, recorded

__all__ = ["AUDIENCES", "FORMATS", "TEAM", "findings", "findings_csv", "place", "places", "portal", "recorded"]

FORMATS = ("html", "pdf", "docx", "pptx", "xlsx")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run text that begins so
_TONES = ("bad", "warn", "good", "neutral")  # the order in which verdicts are offered


def portal(out: Path, *, language: str = "zh") -> Path:
    """Rebuild ``index.html``: every client, period and report with status, age, links and core findings.

    A record or notebook that cannot be read is named on the page, beside what else lies in its folder.

    Parameters
    ----------
    out : the folder of reports, ``<client>/<period>/run.json`` and ``<client>/<period>/<audience>/…`` in it
    language : of the page, and of titles and findings where a report has it; else the report's first language

    Raises
    ------
    the errors of ``render.write``
    """
    out = Path(out)
    runs = [_run(folder, out, language) for folder in shelf.folders(out)]
    runs += [_unread(name, told, language) for name, told in shelf.refused(out).items()]
    jobs, clients = [job for run in runs for job in run["jobs"]], _clients(runs)
    page = render.template("portal").render(
        clients=clients,
        choices=_choices(clients, jobs, language),
        tally=Counter(job["status"] for job in jobs),
        words=render.wording("portal", language),
        verdicts=words.catalogue("common")["verdict"],
        strengths=words.catalogue("common")["strength"],
        language=language,
        script=render.script("portal"),
    )
    return render.write(out / "index.html", page)


def findings_csv(folder: Path) -> Path:
    """Rebuild ``findings.csv`` of one ``<client>/<period>`` folder from its executed notebooks.

    One row per finding, in the order of ``finding_id``: languages hold the same ones, of several audiences the fullest
    counts. Columns are ``findings.COLUMNS``; text that a spreadsheet would take for a formula begins
    with an apostrophe. UTF-8 with a byte order mark, for Excel.
    """
    from sqlib.findings import COLUMNS  # with pandas and the methods, which the portal does not need

    folder = Path(folder)
    rows = findings(folder)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(rows[name].get(column)) for column in COLUMNS] for name in sorted(rows))
    return render.write(folder / "findings.csv", "\ufeff" + text.getvalue())


def findings(folder: Path) -> dict[str, dict]:
    """finding_id -> record, of every executed notebook of one client and period, live or frozen; of a finding the
    consultant withholds only that it is."""
    from sqlib.findings import withheld

    rows = {}
    for path in shelf.notebooks(Path(folder)):
        for finding in notebook.glance(path)["findings"]:
            told = withheld(finding) if finding.get("withheld") else finding
            rows.setdefault(told["finding_id"], told)
    return rows


def _cell(value):
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


# ---------------------------------------------------------------- what the page shows


def _run(folder: Path, out: Path, language: str) -> dict:
    """One client and period: the jobs its ``run.json`` tells, the reports that only lie there, and what is damaged."""
    faults = []
    try:
        run = shelf.run(folder)
    except SqlibError as error:
        run = shelf.bare(folder)
        faults.append(_named(error, out, language))
    jobs = [_job(job, folder, out, language, faults) for job in [*run.jobs, *shelf.unrecorded(folder, run.jobs)]]
    return run.model_dump(exclude={"jobs"}) | {"jobs": jobs, "faults": faults}


def _unread(name: str, told: dict, language: str) -> dict:
    """A client that could not be read, with the reason, in the place of its reports."""
    about = {"client_id": name, "client_name": name, "period": told["period"] or "\u2013", "version": "", "state": ""}
    return about | {"jobs": [], "faults": [_wording(told["reason"], language)]}


def _named(error: SqlibError, out: Path, language: str) -> str:
    """An error as the page tells it: its path begins in the folder of the reports."""
    where = Path(error.values["where"]).relative_to(out).as_posix()
    return type(error)(error.code, **error.values | {"where": where}).text(language)


def _job(job: Job, folder: Path, out: Path, language: str, faults: list[str]) -> dict:
    """What the page shows of a job, in the language of the page where the job has it; links are relative and quoted."""
    spoken = _spoken(job, folder, language)
    shown = spoken[0] if spoken else language
    try:
        told = shelf.told(folder, job, shown)
    except SqlibError as error:
        told = {}
        faults.append(_named(error, out, language))
    record, done = told.get("report", {}), job.status in ("done", "current")
    title = job.title or {shown: record.get("title", job.stem)}
    core = [finding for finding in told.get("findings", ()) if finding.get("parts") and not finding.get("withheld")]
    return {
        "title": _wording(title, language) or job.stem,
        "audience": job.audience,
        "team": job.team,
        "status": "done" if done else job.status,
        "current": job.status == "current",
        "reason": _wording(job.reason, language),
        "language": shown,
        "as_of": record.get("as_of", ""),
        "finished": _moment((done and job.finished) or told.get("finished")),
        "links": [link for code in [*spoken, ""] for link in _links(job, folder, out, code)],
        "findings": core if done else [],
    }


def _moment(finished: datetime | None) -> datetime | None:
    """When a report was made, in UTC; a moment without a zone is taken as UTC."""
    return finished and (finished.astimezone(UTC) if finished.tzinfo else finished.replace(tzinfo=UTC))


def _spoken(job: Job, folder: Path, language: str) -> list[str]:
    """Languages of which files are told or lie there, that of the page first."""
    known = dict.fromkeys([language, *job.languages, *words.LANGUAGES])
    return [code for code in known if shelf.files(folder, job, code)]


def _links(job: Job, folder: Path, out: Path, language: str) -> list[dict]:
    """Links to the files of one language, or, without one, to those that all of them share."""
    found = shelf.files(folder, job, language) if language else shelf.shared(folder, job)
    link = {"language": language}
    return [link | {"kind": kind, "address": _address(folder, out, name)} for kind, name in found.items()]


def _address(folder: Path, out: Path, name: str) -> str:
    """Empty for a file that is not in its place."""
    path = shelf.lies(folder, name)
    return quote(path.relative_to(out).as_posix()) + "/" * name.endswith("/") if path else ""


def _wording(texts: dict | None, language: str) -> str:
    """A text in the language of the page, else in the first there is."""
    return texts.get(language) or next(iter(texts.values()), "") if texts else ""


def _clients(runs: list[dict]) -> list[dict]:
    groups: dict[str, list[dict]] = {}
    for run in runs:
        groups.setdefault(run["client_id"], []).append(run)
    return [{"id": name, "name": _displayed(name, group), "runs": group} for name, group in groups.items()]


def _displayed(name: str, runs: list[dict]) -> str:
    """The display name of a client: a damaged record tells none, another of its periods does."""
    return next((run["client_name"] for run in runs if run["client_name"] != name), name)


def _choices(clients: list[dict], jobs: list[dict], language: str) -> dict[str, dict[str, str]]:
    """Filter -> value -> label, of what there is to choose from; each value is a code, the same in both languages."""
    said = render.wording("portal", language)
    periods = sorted({run["period"] for client in clients for run in client["runs"]}, reverse=True)
    states = [name for name in said["states"] if any(job["status"] == name for job in jobs)]
    audiences = [name for name in AUDIENCES if any(job["audience"] == name for job in jobs)]
    return {
        "client": {client["id"]: client["name"] for client in clients},
        "period": {name: name for name in periods},
        "status": {name: said["states"][name] for name in states},
        "verdict": _verdicts(jobs, language),
        "audience": {name: said["audiences"][name] for name in audiences},
    }


def _verdicts(jobs: list[dict], language: str) -> dict[str, str]:
    """Codes -> mark and words, the bad ones first."""
    present = {finding.get("verdict") for job in jobs for finding in job["findings"]}
    entries = words.catalogue("common")["verdict"]
    ordered = sorted(_alike(entries, present), key=lambda codes: _TONES.index(entries[codes[0]]["tone"]))
    return {" ".join(codes): f"{entries[codes[0]]['mark']} {entries[codes[0]][language]}" for codes in ordered}


def _alike(entries: dict, present: set) -> list[list[str]]:
    """The verdicts present; those that read the same in every language are one choice."""
    groups: dict[tuple, list[str]] = {}
    for code, entry in entries.items():
        if code in present:
            groups.setdefault((entry["mark"], *(entry[name] for name in words.LANGUAGES)), []).append(code)
    return list(groups.values())
