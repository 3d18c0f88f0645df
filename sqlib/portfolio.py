"""All reports of a folder on one page, and the findings of one client and period as one table.

Both are always rebuilt from what lies there: ``run.json`` and the executed notebooks.
"""

import base64
import csv
import functools
import hashlib
import io
import json
import re
from pathlib import Path
from urllib.parse import quote

from sqlib import notebook, render, style, words
from sqlib.errors import SqlibError

AUDIENCES = ("management", "internal", "team", "client")  # the fullest record that holds no name comes first
TEAM = "team"  # the audience that is several
FORMATS = ("html", "pdf", "docx", "pptx", "xlsx")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run text that begins so
_STYLE = Path(__file__).parent / "style"


def portal(out: Path, *, language: str = "zh") -> Path:
    """Rebuild ``index.html``: every client, period and report with status, links and core findings.

    Parameters
    ----------
    out : the folder of reports, ``<client>/<period>/run.json`` and ``<client>/<period>/<audience>/…`` in it
    language : of the page, and of titles and findings where a report has it; else the report's first language

    Raises
    ------
    SqlibError : ``portfolio.run_unreadable`` for a ``run.json`` that is none, and the errors of ``render.write``
    """
    out = Path(out)
    runs = [_run(folder, out, language) for folder in _folders(out)]
    clients = [
        {"id": name, "name": next(run["client_name"] for run in runs if run["client_id"] == name), "runs": group}
        for name, group in _grouped(runs, "client_id").items()
    ]
    script = (_STYLE / "portal" / "portal.js").read_text(encoding="utf-8")
    page = _template().render(
        clients=clients,
        words=render.wording("portal", language),
        strengths=words.catalogue("common")["strength"],
        language=language,
        palette=style.sheet(),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return render.write(out / "index.html", page)


def place(audience: str, team: str = "") -> str:
    """Folder of one audience's files below that of the period; every team has its own, whatever its name holds."""
    if not (audience == TEAM and team):
        return audience
    plain = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]', "_", team).strip(". ")
    mark = "" if plain == team else f"~{hashlib.sha256(team.encode()).hexdigest()[:6]}"
    return f"{audience}/{plain}{mark}"


def places(folder: Path) -> list[Path]:
    """Folders that hold the files of an audience, the fullest audience first; of teams by name."""
    found = []
    for audience in AUDIENCES:
        inner = sorted(path for path in (folder / audience).glob("*") if path.is_dir() and path.name != "tables")
        found += [folder / audience, *(inner if audience == TEAM else ())]
    return found


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
    for path in _notebooks(Path(folder)):
        for finding in notebook.harvest(notebook.read(path))["findings"]:
            told = withheld(finding) if finding.get("withheld") else finding
            rows.setdefault(told["finding_id"], told)
    return rows


def _cell(value):
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _told(path: Path) -> tuple[str, str]:
    """Stem and language of ``<stem>.<language>.ipynb``; empty for other files, as ``….failed.ipynb``."""
    stem, _, language = path.stem.rpartition(".")
    return (stem, language) if language in words.LANGUAGES else ("", "")


def _notebooks(folder: Path) -> list[Path]:
    """Executed notebooks of one client and period, the fullest audience first, then by name."""
    return [path for own in places(folder) for path in sorted(own.glob("*.ipynb")) if _told(path)[1]]


def _folders(out: Path) -> list[Path]:
    """Folders ``<client>/<period>`` that hold a run or an executed notebook; the latest period of a client first."""
    found = [folder for folder in out.glob("*/*/") if (folder / "run.json").exists() or _notebooks(folder)]
    return sorted(sorted(found, key=lambda folder: folder.name, reverse=True), key=lambda folder: folder.parent.name)


def _grouped(rows: list[dict], key: str) -> dict[str, list[dict]]:
    groups = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def _run(folder: Path, out: Path, language: str) -> dict:
    """One client and period: the jobs its ``run.json`` tells, and the reports that only lie there."""
    run = recorded(folder / "run.json")
    told = {(place(job["audience"], _team(job)), job["stem"]) for job in run.get("jobs", ())}
    jobs = [*run.get("jobs", ()), *_unrecorded(folder, told)]
    return {
        "client_id": run.get("client_id", folder.parent.name),
        "client_name": run.get("client_name", folder.parent.name),
        "period": run.get("period", folder.name),
        "version": run.get("version", ""),
        "state": run.get("state", ""),
        "jobs": [_job(job, folder, out, language) for job in jobs],
    }


def recorded(path: Path) -> dict:
    """A ``run.json``; empty where there is none.

    Raises
    ------
    SqlibError : ``portfolio.run_unreadable``
    """
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SqlibError("portfolio.run_unreadable", where=path, got=str(error)) from error


def _unrecorded(folder: Path, told: set[tuple[str, str]]) -> list[dict]:
    """Jobs in the shape of ``run.json`` for notebooks it does not tell of; without a report they are no job."""
    jobs = {}
    for path in _notebooks(folder):
        stem, language = _told(path)
        own = path.parent.relative_to(folder).as_posix()
        if (own, stem) in told or not path.with_suffix(".html").exists():
            continue
        record = notebook.harvest(notebook.read(path))["report"]
        audience, _, team = own.partition("/")
        job = jobs.setdefault((own, stem), _found(stem, audience, team))
        job["title"][language] = record.get("title", stem)
        relative = f"{own}/{path.stem}"
        job["languages"][language] = {"notebook": f"{relative}.ipynb", "html": f"{relative}.html"}
    return list(jobs.values())


def _found(stem: str, audience: str, team: str) -> dict:
    job = {"stem": stem, "title": {}, "audience": audience, "status": "done", "reason": None, "languages": {}}
    return job | {"parameters": {"team": team}}


def _team(job: dict) -> str:
    """Whose report a job of the audience team is."""
    return job.get("parameters", {}).get("team", "") if job["audience"] == TEAM else ""


def _job(job: dict, folder: Path, out: Path, language: str) -> dict:
    """What the page shows of a job: title, state, reason, links (relative, quoted) and findings in one language."""
    languages = job["languages"]
    shown = language if language in languages else next(iter(languages), None)
    return {
        "title": _wording(job["title"], language) or job["stem"],
        "audience": job["audience"],
        "team": _team(job),
        "status": job["status"],
        "reason": _wording(job["reason"], language),
        "links": [
            _link(folder, out, code, kind, files[kind]) for code, files in languages.items() for kind in _kinds(files)
        ],
        "language": shown or language,
        "findings": _findings(folder, languages[shown]) if job["status"] == "done" and shown else [],
    }


def _findings(folder: Path, files: dict) -> list[dict]:
    """Core findings in the order of the page; a report whose notebook has gone has none to show."""
    source = folder / files["notebook"]
    found = notebook.harvest(notebook.read(source))["findings"] if source.exists() else []
    return [finding for finding in found if finding.get("parts") and not finding.get("withheld")]


def _kinds(files: dict) -> list[str]:
    return [kind for kind in FORMATS if files.get(kind)]


def _link(folder: Path, out: Path, language: str, kind: str, name: str) -> dict:
    target = folder / name
    address = quote(target.relative_to(out).as_posix()) if target.exists() else ""
    return {"language": language, "kind": kind, "address": address}


def _wording(texts: dict | None, language: str) -> str:
    """A text in the language of the page, else in the first there is."""
    return texts.get(language) or next(iter(texts.values()), "") if texts else ""


@functools.cache
def _template():
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup, escape

    environment = Environment(loader=FileSystemLoader([_STYLE / "portal", _STYLE]), autoescape=True, trim_blocks=True)
    environment.filters["line_breaks"] = lambda text: Markup(render.line_breaks(str(escape(text))))
    return environment.get_template("index.html.j2")
