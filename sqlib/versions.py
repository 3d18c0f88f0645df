"""Versions: what was frozen, what a run has made since, and the stamp every report carries.

A version belongs to a client and period and is no counter but a statement about what lies there: reports equal to the
latest frozen ones are that final; anything else is a draft of the next number, V1.0 before the first final.
"""

import hashlib
import json
import os
import re
import shutil
import stat
from pathlib import Path

from sqlib import basis, client, formats, portfolio, project, render
from sqlib.brand import Brand
from sqlib.client import Client
from sqlib.errors import ArgumentError, SqlibError

FINAL, MANIFEST, RUN = "final", "manifest.json", "run.json"
DOCUMENTS = ("pdf", "docx", "pptx")  # a stamp stands in them; they are made again with another
NO_BRAND = Brand()
KINDS = {".html", ".pdf", ".docx", ".pptx", ".xlsx", ".ipynb"}
_NAME = re.compile(r"V(\d+)\.(\d+)")


def place(folder: str | Path, period: str | None, reports: Path) -> tuple[Client, Path]:
    """A client, and where its reports of a period lie.

    Raises
    ------
    ArgumentError : no such client or period, or ``versions.no_run`` where nothing has been run
    """
    who = client.load(project.client_folder(folder))
    where = Path(reports).resolve() / who.id / client.reporting_period(who, period, "--period").text
    if not (where / RUN).is_file():
        raise ArgumentError("versions.no_run", where=where, got=who.id)
    return who, where


def content(folder: Path) -> dict[str, str]:
    """What the reports of a client and period say: path -> SHA-256 of every page without its stamp and every table."""
    return {
        path.relative_to(folder).as_posix(): _says(path) for path in files(folder) if path.suffix in {".html", ".csv"}
    }


def files(folder: Path) -> list[Path]:
    """Reports, executed notebooks and tables of every audience; no half-run page."""
    found = []
    for own in portfolio.places(folder):
        tops = [path for path in own.glob("*") if path.suffix in KINDS]
        found += [path for path in tops if not path.name.endswith(".failed.ipynb")]
        found += [*(own / "tables").glob("*/*.csv"), *(own / "figures").glob("*/*.png"), *(own / "packs").glob("*/*")]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _says(path: Path) -> str:
    if path.suffix != ".html":
        return basis.fingerprint(path)
    return hashlib.sha256(render.unstamped(path.read_text(encoding="utf-8")).encode()).hexdigest()


def finals(folder: Path) -> dict[str, Path]:
    """Name -> folder of every frozen version, the latest last."""
    numbered = {_number(path.name): path for path in (folder / FINAL).glob("V*") if _NAME.fullmatch(path.name)}
    return {path.name: path for _, path in sorted(numbered.items())}


def _number(name: str) -> tuple[int, int]:
    return tuple(map(int, _NAME.fullmatch(name).groups()))


def upcoming(folder: Path) -> str:
    """The number of what is not frozen yet."""
    latest = next(reversed(finals(folder)), None)
    major, minor = _number(latest) if latest else (1, -1)
    return f"V{major}.{minor + 1}"


def status(folder: Path) -> tuple[str, str]:
    """Version and state (draft | final) of what lies there."""
    name, frozen = next(reversed(finals(folder).items()), ("", None))
    if frozen and _manifest(frozen).get("content") == content(folder):
        return name, "final"
    return upcoming(folder), "draft"


def settle(folder: Path, worn: Brand = NO_BRAND) -> tuple[str, str]:
    """Stamp every report with what ``status`` says, and write it into ``run.json``; ``worn``: the client's brand."""
    version, state = status(folder)
    for path in files(folder):
        if path.suffix == ".html":
            _stamp(path, path, version, state)
    told = read(folder)
    changed = _restamp(folder, told, version, state, worn)
    if changed or (told.get("version"), told.get("state")) != (version, state):
        first = {name: told[name] for name in ("client_id", "client_name", "period") if name in told}
        _write(folder / RUN, first | {"version": version, "state": state} | _without(told))
    return version, state


def _restamp(folder: Path, told: dict, version: str, state: str, worn: Brand) -> bool:
    """Documents that say another version than the one they are: taken from that final, or made again."""
    stamp, changed = f"{version} {state}", False
    for made in (made for job in told.get("jobs", ()) for made in job["languages"].values()):
        if made.get("stamp", stamp) == stamp:
            continue
        for name in (made[kind] for kind in DOCUMENTS if kind in made):
            frozen = folder / FINAL / version / name
            if state == "final" and frozen.is_file():
                shutil.copyfile(frozen, folder / name)
            else:
                _document(folder / name, folder / name, folder / made["html"], version, state, worn)
        made["stamp"], changed = stamp, True
    return changed


def _document(path: Path, target: Path, page: Path, version: str, state: str, worn: Brand) -> None:
    """A document made again from the executed notebook beside it; ``page``: its HTML with the same stamp."""
    stem, _, language = path.stem.rpartition(".")
    source = formats.Source(
        path.with_suffix(".ipynb"), page, path.parent / "tables" / stem, path.parent / "typed" / stem,
        path.parent / "figures" / path.stem, stem, language, version, state, worn,
    )  # fmt: skip
    formats.make(path.suffix[1:], source, target)


def read(folder: Path) -> dict:
    """The ``run.json`` of a folder, live or frozen.

    Raises
    ------
    SqlibError : ``portfolio.run_unreadable``
    """
    return portfolio.recorded(folder / RUN)


def _without(told: dict) -> dict:
    return {name: value for name, value in told.items() if name not in ("version", "state")}


def _stamp(source: Path, target: Path, version: str, state: str) -> None:
    page = source.read_text(encoding="utf-8")
    language = source.stem.rpartition(".")[2]
    if (text := render.stamped(page, language, version, state)) != page or source != target:
        render.write(target, text)


# ---------------------------------------------------------------- freezing


def freeze(folder: Path, worn: Brand = NO_BRAND) -> tuple[str, bool]:
    """Freeze the reports of the last run as the next final; False where they are frozen already.

    ``final/V1.0/`` holds the reports stamped as final, their tables and executed notebooks, ``findings.csv``,
    ``run.json`` and ``manifest.json`` with the SHA-256 of each. It appears whole or not at all, and never changes.

    Raises
    ------
    SqlibError : ``versions.failed`` where a report is older than its last run, ``versions.nothing``,
        ``versions.exists``, ``versions.disk``
    """
    failed = [job["stem"] for job in read(folder).get("jobs", ()) if job["status"] == "failed"]
    if failed:
        raise SqlibError("versions.failed", where=folder, got=", ".join(dict.fromkeys(failed)))
    if not content(folder):
        raise SqlibError("versions.nothing", where=folder)
    version, state = settle(folder, worn)
    if state == "final":
        return version, False
    draft = folder / FINAL / f".{version}.{os.getpid()}"
    try:
        _copy(folder, draft, version, worn)
        _publish(draft, folder / FINAL / version)
    except OSError as error:
        raise SqlibError("versions.disk", where=folder / FINAL, got=error.strerror or error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    settle(folder, worn)
    return version, True


def _copy(folder: Path, draft: Path, version: str, worn: Brand) -> None:
    for path in sorted(files(folder), key=lambda path: path.suffix[1:] in DOCUMENTS):  # documents are made of the rest
        target = draft / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".html":
            _stamp(path, target, version, "final")
        elif path.suffix[1:] in DOCUMENTS:
            _document(path, target, target.with_suffix(".html"), version, "final", worn)
        else:
            shutil.copyfile(path, target)
    _write(draft / RUN, read(folder) | {"version": version, "state": "final"})
    portfolio.findings_csv(draft)
    kept = sorted(path for path in draft.rglob("*") if path.is_file())
    sums = {path.relative_to(draft).as_posix(): basis.fingerprint(path) for path in kept}
    _write(draft / MANIFEST, {"version": version, "content": content(draft), "files": sums})


def _publish(draft: Path, target: Path) -> None:
    """Give the copy its name unless there is one already: what was frozen stays as it is."""
    if target.exists():
        raise SqlibError("versions.exists", where=target)
    draft.rename(target)
    for path in target.rglob("*"):
        if path.is_file():
            path.chmod(stat.S_IREAD | stat.S_IRGRP | stat.S_IROTH)


def verify(frozen: Path) -> Path:
    """The folder of a final, when every file is as it was frozen.

    Raises
    ------
    SqlibError : ``versions.changed`` naming what is missing or changed
    """
    sums = _manifest(frozen).get("files")
    wrong = [MANIFEST] if sums is None else [name for name, known in sums.items() if _sum(frozen / name) != known]
    if wrong:
        raise SqlibError("versions.changed", where=frozen, got=", ".join(wrong))
    return frozen


def _sum(path: Path) -> str:
    return basis.fingerprint(path) if path.is_file() else ""


def _manifest(frozen: Path) -> dict:
    """The manifest of a final; an unreadable one equals nothing, and ``verify`` names it."""
    try:
        return json.loads((frozen / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write(path: Path, record: dict) -> Path:
    return render.write(path, json.dumps(record, ensure_ascii=False, indent=2) + "\n")
