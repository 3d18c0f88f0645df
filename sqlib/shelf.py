"""What lies in the folder of one client and period: the jobs ``run.json`` tells, the reports it does not, their files.

``run.json`` is told by ``batch``; here is what is read of it. A report without a record is found all the same, and a
record that is damaged costs nobody else anything.
"""

import hashlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from sqlib import notebook, words
from sqlib.errors import SqlibError
from sqlib.formats import PER_LANGUAGE

AUDIENCES = ("management", "internal", "team", "client")  # the fullest record that holds no name comes first
TEAM = "team"  # the audience that is several
TABLES, OF_LANGUAGE = "tables", ("figures", "packs")  # folders beside the reports of an audience
BESIDE = (TABLES, *OF_LANGUAGE)
RUN = "run.json"


class Made(BaseModel):
    """Files of one language: the executed notebook, and a field for each of ``formats.PER_LANGUAGE``."""

    notebook: str | None = None
    html: str | None = None
    pdf: str | None = None
    docx: str | None = None
    pptx: str | None = None


class Job(BaseModel):
    """One page as ``run.json`` tells it; paths are relative to the folder of client and period.

    ``status`` current: done earlier, and nothing has changed since. ``finished`` may be left out, as may any file: what
    lies under its usual name is found.
    """

    stem: str
    status: Literal["done", "failed", "skipped", "current"]
    title: dict[str, str] = {}
    audience: str = AUDIENCES[0]
    reason: dict[str, str] | None = None
    parameters: dict = {}
    languages: dict[str, Made] = {}
    xlsx: str | None = None
    finished: datetime | None = None

    @property
    def team(self) -> str:
        """Whose report it is, where each team has its own."""
        return str(self.parameters.get("team", "")) if self.audience == TEAM else ""

    @property
    def place(self) -> str:
        """Where its files lie, below the folder of client and period."""
        return place(self.audience, self.team)


REFUSED = "refused.json"  # beside the index


class Run(BaseModel):
    """``run.json`` as far as it is shown."""

    client_id: str
    client_name: str
    period: str
    version: str = ""
    state: Literal["", "draft", "final"] = ""
    jobs: list[Job] = []


def place(audience: str, team: str = "") -> str:
    """Folder of one audience's files below that of the period; every team has its own, whatever its name holds."""
    if not (audience == TEAM and team):
        return audience
    plain = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]', "_", team).strip(". ")
    as_is = plain == team and plain not in BESIDE  # folders of the audience as a whole
    mark = "" if as_is else f"~{hashlib.sha256(team.encode()).hexdigest()[:6]}"
    return f"{audience}/{plain}{mark}"


def places(folder: Path) -> list[Path]:
    """Folders that hold the files of an audience, the fullest audience first; of teams by name."""
    found = []
    for audience in AUDIENCES:
        inner = (path for path in (folder / audience).glob("*") if path.is_dir() and path.name not in BESIDE)
        found += [folder / audience, *(sorted(inner) if audience == TEAM else ())]
    return found


def notebooks(folder: Path) -> list[Path]:
    """Executed notebooks of one client and period, the fullest audience first, then by name."""
    found = [path for own in places(folder) for path in sorted(own.glob("*.ipynb"))]
    return [path for path in found if _named(path)[0]]


def _named(path: Path) -> tuple[str, str]:
    """Stem and language of ``<stem>.<language>.ipynb``; empty for other files, as ``….failed.ipynb``."""
    stem, _, language = path.stem.rpartition(".")
    return (stem, language) if language in words.LANGUAGES else ("", "")


def folders(out: Path) -> list[Path]:
    """The folders ``<client>/<period>`` below ``out`` that hold anything, by client, the latest period first."""
    found = [folder for folder in out.glob("*/*/") if (folder / RUN).exists() or notebooks(folder)]
    return sorted(sorted(found, key=lambda folder: folder.name, reverse=True), key=lambda folder: folder.parent.name)


def recorded(path: Path) -> dict:
    """A ``run.json``; empty where there is none.

    Raises
    ------
    SqlibError : ``portfolio.run_unreadable``
    """
    if not path.exists():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        jobs = told.get("jobs", []) if isinstance(told, dict) else None
        if not isinstance(jobs, list) or not all({"stem", "status"} <= {*job} for job in jobs):
            raise ValueError("jobs")
        return told
    except (OSError, ValueError, TypeError) as error:
        got = getattr(error, "strerror", None) or error
        raise SqlibError("portfolio.run_unreadable", where=path, got=got) from error


def run(folder: Path) -> Run:
    """The record of a folder; a bare one where there is none. Errors as in ``recorded``."""
    path = folder / RUN
    told = recorded(path)
    try:
        return Run.model_validate(told) if told else bare(folder)
    except ValidationError as error:
        first = error.errors()[0]
        got = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise SqlibError("portfolio.run_unreadable", where=path, got=got) from None


def bare(folder: Path) -> Run:
    """What the folder's own names tell of it."""
    return Run(client_id=folder.parent.name, client_name=folder.parent.name, period=folder.name)


def refused(out: Path) -> dict[str, dict]:
    """Clients no run could read yet: folder name -> ``period`` asked for and ``reason`` by language."""
    try:
        return json.loads((out / REFUSED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # there is none, or half of one: the next run names them again


def unrecorded(folder: Path, known: list[Job]) -> list[Job]:
    """Jobs for the notebooks that no record tells of; without an HTML report they are none."""
    told, jobs = {(job.place, job.stem) for job in known}, {}
    for path in notebooks(folder):
        stem, language = _named(path)
        own = path.parent.relative_to(folder).as_posix()
        if (own, stem) in told or not path.with_suffix(".html").exists():
            continue
        audience, _, team = own.partition("/")
        made = Job(stem=stem, status="done", audience=audience, parameters={"team": team})
        job = jobs.setdefault((own, stem), made)
        job.languages[language] = Made(notebook=f"{own}/{path.name}")
    return list(jobs.values())


def lies(folder: Path, name: str) -> Path | None:
    """The file or folder of that name inside ``folder``; None where there is none, or the name leads elsewhere."""
    path = folder / name
    return path if name and path.exists() and path.resolve().is_relative_to(folder.resolve()) else None


def files(folder: Path, job: Job, language: str) -> dict[str, str]:
    """Kind -> name of the job's files in one language: those told, and those that lie under their usual name."""
    told = job.languages.get(language, Made())
    usual = {kind: f"{job.place}/{job.stem}.{language}.{kind}" for kind in PER_LANGUAGE}
    found = {kind: getattr(told, kind) or (name if (folder / name).exists() else "") for kind, name in usual.items()}
    found = {kind: name for kind, name in found.items() if name}
    for kind in OF_LANGUAGE:
        found |= _folder(folder, kind, f"{job.place}/{kind}/{job.stem}.{language}")
    return found


def shared(folder: Path, job: Job) -> dict[str, str]:
    """Kind -> name of what every language shares: the workbook, and the folder of the CSV tables."""
    usual = f"{job.place}/{job.stem}.xlsx"
    workbook = job.xlsx or (usual if (folder / usual).exists() else "")
    return ({"xlsx": workbook} if workbook else {}) | _folder(folder, TABLES, f"{job.place}/{TABLES}/{job.stem}")


def _folder(folder: Path, kind: str, name: str) -> dict[str, str]:
    path = folder / name
    return {kind: f"{name}/"} if path.is_dir() and any(path.iterdir()) else {}


def told(folder: Path, job: Job, language: str) -> dict:
    """What the executed notebook of one language says, see ``notebook.glance``; empty where it has gone.

    Raises
    ------
    SqlibError : ``notebook.unreadable``
    """
    usual = f"{job.place}/{job.stem}.{language}.ipynb"
    path = lies(folder, job.languages.get(language, Made()).notebook or usual)
    return notebook.glance(path) if path else {}
