"""``sqlib run --jobs-file jobs.yaml``: a list of {notebook, parameters, …}, each one run of a notebook by papermill."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from sqlib import brand, catalogue, client, faults, jobs, project
from sqlib.errors import ArgumentError
from sqlib.jobs import Job, Loose, Refused

SHARED = {"client_dir", "period", "language", "compare_to", "audience"}  # parameters the job takes from the entry


class Entry(BaseModel):
    """One entry: ``notebook`` is a stem of the catalogue or a path; ``parameters`` are the notebook's own names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notebook: str
    parameters: dict[str, str | int | float | bool] = {}
    output: str = ""  # of a notebook outside the catalogue, below the reports folder
    optional: bool = False  # no failure where the client does not have the tables the page needs
    to: list[str] = ["html"]

    @field_validator("parameters", mode="before")
    @classmethod
    def _dates_are_text(cls, given):
        """YAML reads 2026-07-01 as a date; a notebook is given text."""
        if not isinstance(given, dict):
            return given
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in given.items()}

    @field_validator("to", mode="before")
    @classmethod
    def _one_or_many(cls, given):
        return [part.strip() for part in given.split(",")] if isinstance(given, str) else given


def plan(path: Path) -> list[Job | Loose | Refused]:
    """The jobs of a file; entries that differ in their language alone are one job.

    A path in the file is tried against the folder of the file, then as anywhere else.

    Raises
    ------
    ArgumentError : ``jobs_file.unreadable``, ``jobs_file.entry`` with the number of the entry, and those of ``jobs``
    """
    planned = [_job(entry, number, path) for number, entry in enumerate(_entries(path), 1)]
    jobs.distinct([job.who for job in planned if isinstance(job, Job)])
    joined: dict[tuple, Job | Loose | Refused] = {}
    for number, job in enumerate(planned, 1):
        known = joined.setdefault(_kind(job), job)
        if known is job or isinstance(job, Refused):  # a client refused once is refused for all its entries
            continue
        if not isinstance(job, Job) or set(job.languages) & set(known.languages):
            raise ArgumentError("jobs_file.twice", where=path, number=number, got=job.key)
        joined[_kind(job)] = replace(known, languages=known.languages + job.languages)
    same = [job.key for job in joined.values()]
    if twice := sorted({key for key in same if same.count(key) > 1}):
        raise ArgumentError("jobs_file.twice", where=path, number="–", got=", ".join(twice))
    return jobs.served(list(joined.values()))


def _kind(job) -> tuple:
    return (job.key, job.formats, repr(sorted(job.chosen.items()))) if isinstance(job, Job) else (job.key,)


def _entries(path: Path) -> list[Entry]:
    import yaml

    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ArgumentError("jobs_file.unreadable", where=path, got=" ".join(str(error).split())) from error
    if not isinstance(listed, list) or not listed:
        raise ArgumentError("jobs_file.unreadable", where=path, got=type(listed).__name__)
    return [_entry(given, number, path) for number, given in enumerate(listed, 1)]


def _entry(given, number: int, path: Path) -> Entry:
    if not isinstance(given, dict):
        raise ArgumentError("jobs_file.entry", where=path, number=number, got=repr(given), detail="")
    try:
        return Entry.model_validate(given)
    except ValidationError as error:
        fault = faults.worded(error, Entry, f"{path}: {number}")
        got = {language: fault.parts(language)["got"] for language in ("zh", "en")}
        detail = {language: fault.parts(language)["what"] for language in ("zh", "en")}
        raise ArgumentError("jobs_file.entry", where=path, number=number, got=got, detail=detail) from None


def _job(entry: Entry, number: int, path: Path) -> Job | Loose | Refused:
    stem = Path(entry.notebook).stem
    known = catalogue.entries()
    place = _place(entry.notebook, path)
    if entry.notebook in known or (stem in known and place and place.samefile(known[stem].notebook)):
        return _report(entry, known[stem], number, path)
    if place is None:
        raise ArgumentError("jobs_file.no_notebook", where=path, number=number, got=entry.notebook,
                            known=", ".join(known))  # fmt: skip
    if others := sorted(set(jobs.known_formats(entry.to)) - {"html"}):
        raise ArgumentError("jobs_file.html_only", where=path, number=number, got=", ".join(others))
    return jobs.loose(place, dict(entry.parameters), _output(entry.output or stem, number, path), entry.to)


def _report(entry: Entry, page: catalogue.Entry, number: int, path: Path) -> Job | Refused:
    given = dict(entry.parameters)
    if "client_dir" not in given:
        raise ArgumentError("jobs_file.no_client", where=path, number=number, got=", ".join(given) or "–")
    if entry.output:
        raise ArgumentError("jobs_file.output", where=path, number=number, got=entry.output)
    shared = {name: str(given.pop(name)) for name in SHARED & set(given)}
    page.check(shared.get("audience", "management"))
    values, kinds = jobs.typed(page, given), jobs.known_formats(entry.to)
    folder = _place(shared["client_dir"], path) or Path(shared["client_dir"])
    languages = [shared["language"]] if "language" in shared else None
    try:
        who = client.load(project.client_folder(folder))
        brand.load(who.folder)
    except ArgumentError as error:
        return Refused(folder, shared.get("period", ""), error)
    return jobs.one(page, who, shared.get("period"), shared.get("compare_to"), languages,
                    shared.get("audience", "management"), values, kinds, not entry.optional)  # fmt: skip


def text(planned: list[Job | Loose | Refused]) -> str:
    """The jobs file that plans these jobs."""
    import yaml

    entries = [entry for job in planned for entry in _written(job)]
    return yaml.safe_dump(entries, allow_unicode=True, sort_keys=False, width=120)


def _written(job: Job | Loose | Refused) -> list[dict]:
    """One entry a language; a client that cannot be read stands there with the first page, and is refused again."""
    if isinstance(job, Refused):
        about = {"client_dir": str(job.folder.resolve())} | ({"period": job.period} if job.period else {})
        return [{"notebook": next(iter(catalogue.entries())), "parameters": about}]
    more = {} if job.named else {"optional": True}
    return [entry(run, Path()) | {"to": ",".join(job.formats)} | more for run in arguments(job, Path())]


def arguments(job: Job | Loose, work: Path, languages: list[str] | None = None) -> list[dict]:
    """Arguments of ``papermill.execute_notebook``, one dict a language of the job (or those given); JSON all of it.

    Executed notebooks, and the folders in which pages write, lie below ``work``, each language in one of its own.
    """
    if isinstance(job, Loose):
        return [_arguments(job.notebook, work / f"{job.output}.ipynb", dict(job.parameters), job.notebook.parent)]
    runs = []
    for language in languages or job.languages:
        folder = work / job.key / language
        executed = folder / f"{job.page.stem}.{language}.ipynb"
        runs.append(_arguments(job.page.notebook, executed, job.values(language, folder), project.root()))
    return runs


def _arguments(notebook: Path, executed: Path, parameters: dict, cwd: Path) -> dict:
    return {
        "input_path": str(notebook.resolve()),
        "output_path": str(executed),
        "parameters": parameters,
        "kernel_name": "python3",
        "cwd": str(cwd.resolve()),
    }


def entry(run: dict, work: Path) -> dict:
    """The entry of a jobs file whose ``arguments`` these are."""
    page = Path(run["input_path"])
    known = catalogue.entries().get(page.stem)
    if known and known.notebook.samefile(page):
        return {"notebook": page.stem, "parameters": {k: v for k, v in run["parameters"].items() if k != "out_dir"}}
    output = Path(run["output_path"]).relative_to(work).with_suffix("").as_posix()
    return {"notebook": str(page), "parameters": run["parameters"], "output": output}


def _place(named: str, path: Path) -> Path | None:
    """A path of the file: against the file's own folder, the working folder, the project."""
    tried = (path.resolve().parent / named, Path.cwd() / named, project.root() / named)
    return next((place for place in tried if place.exists()), None)


def _output(named: str, number: int, path: Path) -> str:
    """A name below the reports folder, without suffix.

    Raises
    ------
    ArgumentError : ``jobs_file.outside`` for one that leads out of it
    """
    plain = Path(named.removesuffix(".ipynb").removesuffix(".html"))
    if plain.is_absolute() or ".." in plain.parts or not plain.name:
        raise ArgumentError("jobs_file.outside", where=path, number=number, got=named)
    return plain.as_posix()
