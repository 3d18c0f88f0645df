"""Staged files become reports: each replaces what stood there in one step, and what they contradict goes."""

from pathlib import Path

from sqlib import basis, formats, notebook, render
from sqlib.freshness import entry
from sqlib.jobs import Job
from sqlib.making import FAILED, Made, unworded

KEPT = ("notebook", "xlsx", "png", "packs", *formats.PER_LANGUAGE)  # what a record names of one language


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
    key = basis.key(made.basis)
    languages, kept = {}, {*made.files}
    for language, before in entry(record, job).get("languages", {}).items():
        same = before.get("key") == key
        if language in made.languages:
            languages[language] = _files(before) if same else {}
        elif _agrees(folder / job.place / f"{job.page.stem}.{language}.ipynb", made.findings):
            languages[language] = before if same else {kind: told for kind, told in before.items() if kind != "xlsx"}
        kept |= {*_files(languages.get(language, {})).values()} - {*made.languages.get(language, {}).values()}
    for language, now in made.languages.items():
        languages[language] = languages.get(language, {}) | now | {"key": "" if "changed" in made.basis else key}
    _sweep(job, made, folder, kept)
    return {language: languages[language] for language in sorted(languages, reverse=True)}


def standing(job: Job, folder: Path) -> list[str]:
    """Every file of the job that lies below ``folder``, half-run pages apart."""
    found = [path.relative_to(folder).as_posix() for path in _owned(job, folder)]
    return sorted(name for name in found if not name.endswith(FAILED))


def _files(told: dict) -> dict[str, str]:
    return {kind: told[kind] for kind in KEPT if kind in told}


def _agrees(executed: Path, findings: list[dict]) -> bool:
    return executed.is_file() and unworded(notebook.harvest(notebook.read(executed))) == findings


def _owned(job: Job, folder: Path) -> list[Path]:
    place, stem = folder / job.place, job.page.stem
    found = [*place.glob(f"{stem}.*"), *(place / "tables" / stem).glob("*")]
    found += [path for above in ("figures", "packs") for path in (place / above).glob(f"{stem}.*/*")]
    return [path for path in found if path.is_file()]


def _sweep(job: Job, made: Made, folder: Path, kept: set[str]) -> None:
    """Remove every file under the job's name that neither this run made nor a report that stands consists of."""
    for path in _owned(job, folder):
        names = {path.relative_to(folder).as_posix(), path.parent.relative_to(folder).as_posix()}
        if not names & kept and not _unknown(job, made, path):
            path.unlink(missing_ok=True)
            if path.parent != folder / job.place and not any(path.parent.iterdir()):
                path.parent.rmdir()


def _unknown(job: Job, made: Made, path: Path) -> bool:
    """Does the file belong to a report no record tells of, in another language, that says the same?"""
    language = path.name.removeprefix(f"{job.page.stem}.").partition(".")[0]
    executed = path.parent / f"{job.page.stem}.{language}.ipynb"
    return language not in made.languages and not path.name.endswith(FAILED) and _agrees(executed, made.findings)
