"""Staged files become reports: each replaces what stood there in one step, and what they contradict goes."""

import shutil
from pathlib import Path

from sqlib import basis, notebook, render
from sqlib.freshness import entry
from sqlib.jobs import Job
from sqlib.making import FAILED, Made, unworded

PER_LANGUAGE = ("html", "pdf", "docx", "pptx", "png")


def publish(made: Made, folder: Path) -> None:
    """Put every staged file where it belongs below ``folder``.

    A file that another program holds open refuses even its own name: it is found before any other is replaced.

    Raises
    ------
    SqlibError : ``render.target_locked``; ArgumentError : ``render.unwritable``
    """
    targets = {folder / name: path for name, path in made.files.items()}
    for target in filter(Path.exists, targets):
        render.replace(target, target)
    for target, path in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        render.replace(path, target)


def settled(job: Job, made: Made, folder: Path, record: dict) -> dict:
    """Drop what an earlier run left and this one contradicts; returns the languages of the job as they now stand.

    A report in a language not run now stays where its findings are the same; a format not made now stays where what it
    was made from is the same.
    """
    known, place = entry(record, job).get("languages", {}), folder / job.place
    key = basis.key(made.basis)
    languages = {}
    for language in sorted({*known, *job.languages}, reverse=True):
        before, now = known.get(language, {}), made.languages.get(language)
        if now is None:
            if _agrees(place / f"{job.page.stem}.{language}.ipynb", made.findings):
                languages[language] = before
            else:
                _remove(before, folder)
            continue
        same = before.get("key") == key
        kept = {kind: name for kind, name in before.items() if kind in ("xlsx", *PER_LANGUAGE) and kind not in now}
        if not same:
            _remove(kept, folder)
        languages[language] = (kept if same else {}) | now | {"key": "" if "changed" in made.basis else key}
        (place / f"{job.page.stem}.{language}.{FAILED}").unlink(missing_ok=True)
    _drop_tables(job, made, place)
    _drop_unknown(job, made, place, languages)
    return languages


def _agrees(executed: Path, findings: list[dict]) -> bool:
    return executed.is_file() and unworded(notebook.harvest(notebook.read(executed))) == findings


def _drop_tables(job: Job, made: Made, place: Path) -> None:
    kept = {Path(name).name for name in made.files}
    for path in (place / "tables" / job.page.stem).glob("*.csv"):
        if path.name not in kept:
            path.unlink()


def _drop_unknown(job: Job, made: Made, place: Path, languages: dict) -> None:
    """Reports in a language no record tells of, where they say something else."""
    for path in place.glob(f"{job.page.stem}.??.ipynb"):
        language = path.stem.rpartition(".")[2]
        if language not in languages and not _agrees(path, made.findings):
            for kind in ("ipynb", "html", "pdf", "docx", "pptx"):
                path.with_suffix(f".{kind}").unlink(missing_ok=True)


def _remove(told: dict, folder: Path) -> None:
    """The files and folders a record names."""
    for kind in ("notebook", "xlsx", *PER_LANGUAGE):
        if name := told.get(kind):
            path = folder / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
