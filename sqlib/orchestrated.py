"""Pages run by an orchestrator: laid out in a working folder, executed there by papermill, taken back as they lie.

``lay_out`` plans, an orchestrator runs ``papermill.execute_notebook(**run)`` for every run of ``runs.json``, ``take``
hands each page to the same making of a report that follows a page run here.
"""

import json
import shutil
from pathlib import Path

from sqlib import basis, execution, formats, freshness, installed, jobs_file, notebook, render, words
from sqlib.errors import SqlibError
from sqlib.jobs import Job, Loose

JOBS, RUNS, BASIS = "laid_out.yaml", "runs.json", "basis.json"
ADDED = {"injected-parameters"}  # cells papermill adds


def lay_out(planned: list[freshness.Planned], work: Path) -> Path:
    """Write into ``work`` what papermill and the collecting need, and drop what an earlier round left of these jobs.

    ``laid_out.yaml`` : every job asked for, as a jobs file; ``runs.json`` : arguments of ``papermill.execute_notebook``
    for every page that must run; and for each an empty folder for the executed notebook and what the page writes

    Returns
    -------
    the path of ``runs.json``

    Raises
    ------
    ArgumentError : ``render.unwritable``
    """
    ready = [each.job for each in planned if each.state == freshness.RUNS]
    for job in ready:
        _room(job, work)
    runs = [run for job in ready for run in jobs_file.arguments(job, work)]
    render.write(work / JOBS, jobs_file.text([each.job for each in planned]))
    return render.write(work / RUNS, json.dumps(runs, ensure_ascii=False, indent=2) + "\n")


def forget(work: Path, asked: Path | None) -> None:
    """Drop the plan of an earlier round: where the new one cannot be made, nothing is collected in its stead."""
    if asked is None or asked.resolve() != (work / JOBS).resolve():
        (work / JOBS).unlink(missing_ok=True)


def _room(job: Job | Loose, work: Path) -> None:
    """Folders without a trace of an earlier round, and what the report is going to be made from."""
    if isinstance(job, Loose):
        executed = work / f"{job.output}.ipynb"
        executed.unlink(missing_ok=True)
        executed.parent.mkdir(parents=True, exist_ok=True)
        return
    shutil.rmtree(work / job.key, ignore_errors=True)
    for language in job.languages:
        (work / job.key / language).mkdir(parents=True)
        formats.make_room(work / job.key / language, job.page.stem, job.formats)
    made_from = basis.of(job.who, job.page, job.period, job.chosen)
    render.write(work / job.key / BASIS, json.dumps(made_from, ensure_ascii=False))


def take(work: Path, job: Job, page, language: str, target: Path) -> None:
    """The page as executed in ``work``, into ``target``, with what it wrote beside it: as a page run here leaves them.

    Raises
    ------
    SqlibError : ``orchestrated.missing``, ``.changed``, ``.other``, ``.kernel``; Stopped : ``raised``, ``unfinished``
    """
    (run,) = jobs_file.arguments(job, work, [language])
    executed = _there(run, job.page.stem)
    _unchanged(job, work)
    shutil.copytree(executed.parent, target.parent)
    nb = notebook.read(executed)
    notebook.write(_plain(notebook.keep_language(nb, language)), target)
    _same(job, nb, page, run)
    _finished(nb)
    if notebook.harvest(nb)["report"]:  # else the page did not close, which is told as a broken promise
        _read(job, executed)


def take_loose(work: Path, job: Loose, target: Path) -> None:
    """A notebook outside the catalogue, as it was executed; errors as in ``take``."""
    (run,) = jobs_file.arguments(job, work)
    nb = notebook.read(_there(run, job.output))
    notebook.write(_plain(nb), target)
    _same(job, nb, notebook.read(job.notebook), run)
    _finished(nb)


def _there(run: dict, page: str) -> Path:
    """The executed notebook of a run."""
    executed = Path(run["output_path"])
    if not executed.is_file():
        raise SqlibError("orchestrated.missing", page=page, where=executed, got="–")
    return executed


def _finished(nb) -> None:
    """Did every cell of an executed notebook run, and none raise?

    Raises
    ------
    Stopped : ``raised``, ``unfinished``
    """
    cells = _code(nb)
    for output in (output for cell in cells for output in cell.outputs if output.output_type == "error"):
        raise execution.Stopped("raised", f"{output.ename}: {output.evalue}")
    left = [cell for cell in cells if cell.execution_count is None and cell.source.strip()]
    if left:
        raise execution.Stopped("unfinished", f"{len(cells) - len(left)} / {len(cells)}")


def _code(nb) -> list:
    """The code cells of the page itself."""
    return [cell for cell in nb.cells if cell.cell_type == "code" and not notebook.tags(cell) & ADDED]


def _plain(nb):
    """Cells as papermill leaves them without its report mode, which hides the code in JupyterLab."""
    for cell in nb.cells:
        cell.metadata.pop("jupyter", None)
    return nb


def _unchanged(job: Job, work: Path) -> None:
    """Is everything the report is made from what it was when the pages were laid out?"""
    before = json.loads((work / job.key / BASIS).read_text(encoding="utf-8"))
    now = basis.of(job.who, job.page, job.period, job.chosen)
    if parts := list(freshness.changed(before, now)):
        raise SqlibError("orchestrated.changed", page=job.page.stem, where=job.who.id, got=_worded(parts))


def _same(job, nb, page, run: dict) -> None:
    """Is it this page, run with these parameters?"""
    given = nb.metadata.get("papermill", {}).get("parameters", {})
    other = sorted(name for name in {*given, *run["parameters"]} if given.get(name) != run["parameters"].get(name))
    if other or [cell.source for cell in _code(nb)] != [cell.source for cell in _code(page)]:
        got = ", ".join(f"{name}={given.get(name, '–')}" for name in other) or "cells"
        raise SqlibError("orchestrated.other", page=job.key, where=run["output_path"], got=got)


def _read(job: Job, executed: Path) -> None:
    """Did the page read what lies there now, with what is installed here?"""
    from sqlib.page import READ

    if not (told := executed.with_name(READ)).is_file():  # the last thing a page does
        raise execution.Stopped("unfinished", f"{READ} –")
    read, now = json.loads(told.read_text(encoding="utf-8")), basis.inputs(job.who)
    if changed := sorted(name for name, mark in read["inputs"].items() if now.get(name) != mark):
        got = _worded([("inputs", ", ".join(changed))])
        raise SqlibError("orchestrated.changed", page=job.page.stem, where=executed, got=got)
    if others := [name for name, mark in installed.environment().items() if read["environment"].get(name) != mark]:
        got = _worded([("environment", ", ".join(others))])
        raise SqlibError("orchestrated.kernel", page=job.page.stem, where=executed, got=got)


def _worded(parts: list[tuple[str, str]]) -> dict[str, str]:
    """What changed, in words of the plan."""
    return {
        language: "; ".join(words.text("cli", "why", part, language=language, detail=names or "–")
                            for part, names in parts)
        for language in words.LANGUAGES
    }  # fmt: skip
