"""Report jobs: page x client x period, asked for by folders and options or by a jobs file; all checked beforehand.

What concerns every job (an unknown page, format, parameter) is an error of the command. What concerns one client (a
broken client.toml, a missing folder) refuses that client, so that forty others are served.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlib import arguments, brand, catalogue, client, formats, notebook, periods, portfolio, project
from sqlib.errors import ArgumentError, SqlibError

FLAGS = {"true": True, "false": False}
OWN = {"client_dir", "period", "language", "compare_to", "audience", "out_dir"}  # set by the job itself


@dataclass(frozen=True)
class Job:
    """One page for one client and period, in one or more languages and formats."""

    page: catalogue.Entry
    who: client.Client
    period: str
    languages: tuple[str, ...]
    compare_to: str
    audience: str
    parameters: dict = field(default_factory=dict)
    formats: tuple[str, ...] = ("html",)
    named: bool = False  # was this page asked for by name?

    @property
    def folder(self) -> Path:
        """Where its reports go, below the reports folder."""
        return Path(self.who.id) / self.period

    @property
    def team(self) -> str:
        """Whose report it is, where each team has its own."""
        return str(self.parameters.get("team", "")) if self.audience == portfolio.TEAM else ""

    @property
    def place(self) -> str:
        """Where its files go, below ``folder``."""
        return portfolio.place(self.audience, self.team)

    @property
    def key(self) -> str:
        """What tells it from any other job of a batch."""
        return f"{self.folder.as_posix()}/{self.place}/{self.page.stem}"

    @property
    def after(self) -> frozenset[str]:
        """Keys of the jobs whose findings it reads."""
        return frozenset(f"{self.folder.as_posix()}/{self.place}/{stem}" for stem in self.page.after)

    @property
    def chosen(self) -> dict:
        """What was asked of the page beyond client, period and language."""
        return {"compare_to": self.compare_to, "audience": self.audience} | self.parameters

    @property
    def client_name(self) -> str:
        return self.who.name

    def values(self, language: str, out_dir: Path) -> dict:
        """What its notebook is run with in one language: parameters of papermill, text and numbers."""
        own = {"client_dir": str(self.who.folder), "period": self.period, "language": language}
        return own | self.chosen | {"out_dir": str(out_dir)}

    def title(self, language: str) -> str:
        return self.page.title[language]

    @property
    def blocked(self) -> SqlibError | None:
        """Why the job cannot run at all: a table its page needs is not declared."""
        missing = [table for table in self.page.reads if table not in self.who.tables]
        if not missing:
            return None
        return SqlibError("batch.table_missing", page=self.page.stem, where=self.who.id, tables=", ".join(missing))


@dataclass(frozen=True)
class Loose:
    """A notebook outside the catalogue, run as it is: executed and rendered, nothing promised, nothing recorded."""

    notebook: Path
    parameters: dict
    output: str  # below the reports folder, without suffix
    formats: tuple[str, ...] = ("html",)
    period, languages, after, blocked, named = "", (), frozenset(), None, True

    @property
    def key(self) -> str:
        return self.output

    @property
    def client_name(self) -> str:
        return self.notebook.stem

    def title(self, language: str) -> str:
        return self.output


@dataclass(frozen=True)
class Refused:
    """A client none of whose jobs can run, with the reason."""

    folder: Path
    period: str
    reason: SqlibError
    page, languages, formats, after, named = None, (), (), frozenset(), True

    @property
    def key(self) -> str:
        return str(self.folder)

    @property
    def client_name(self) -> str:
        return self.folder.name

    def title(self, language: str) -> str:
        return "–"


def plan(
    folders: Iterable[str | Path], *, period: str | None = None, compare_to: str | None = None,
    only: list[str] | None = None, languages: list[str] | None = None, audience: str = "management",
    parameters: dict[str, str] | None = None, formats: Iterable[str] = ("html",),
) -> list[Job | Refused]:  # fmt: skip
    """Every job asked for, in the order of clients and of the catalogue.

    Raises
    ------
    ArgumentError : an unknown page, period, language, audience, format or parameter, or two clients of one id; what is
        wrong with a client, where no other client is left to serve
    """
    pages = catalogue.pick(only, audience=audience)
    formats = known_formats(formats)
    values = {page.stem: typed(page, parameters or {}) for page in pages}
    _spoken(languages or (), audience, *values.values())
    if period:
        periods.parse(period, where="--period")
    asked = [_client(Path(folder), period, pages, compare_to, languages, audience, values, formats, bool(only))
             for folder in folders]  # fmt: skip
    distinct([job.who for jobs in asked for job in jobs if isinstance(job, Job)])
    return served(list({job.key: job for jobs in asked for job in jobs}.values()))  # a folder named twice runs once


def served(jobs: list) -> list:
    """The jobs, where at least one client can be served; else what is wrong with the first is the command's error."""
    refused = [job for job in jobs if isinstance(job, Refused)]
    if refused and len(refused) == len(jobs):
        raise refused[0].reason
    return jobs


def _client(folder, period, pages, compare_to, languages, audience, values, formats, named) -> list[Job | Refused]:
    try:
        who = client.load(project.client_folder(folder))
        brand.load(who.folder)
        return [
            one(page, who, period, compare_to, languages, audience, values[page.stem], formats, named) for page in pages
        ]
    except ArgumentError as error:
        return [Refused(folder, period or "", error)]


def one(page, who, period, compare_to, languages, audience, values, formats, named) -> Job:
    """One job of one client, its period and comparison checked.

    Raises
    ------
    ArgumentError : a period that is none, a parameter out of range
    """
    chosen = client.reporting_period(who, period, "--period")
    compare_to = compare_to or who.period.compare_to
    periods.compared(chosen, compare_to, who.fiscal_year_start)
    spoken = tuple(languages or who.languages)
    _spoken(spoken, audience, values)
    return Job(page, who, chosen.text, spoken, compare_to, audience, values, tuple(formats), named)


def _spoken(languages: Iterable[str], audience: str, *values: dict) -> None:
    for language in languages or ("zh",):
        for given in values or ({},):
            arguments.check({"language": language, "audience": audience} | given)


def known_formats(asked: Iterable[str]) -> tuple[str, ...]:
    """The formats asked for, HTML always among them: the others are made from it.

    Raises
    ------
    ArgumentError : ``batch.unknown_format``
    """
    for name in (asked := list(asked)):
        if name not in formats.KINDS:
            raise ArgumentError("batch.unknown_format", got=name, known=", ".join(formats.KINDS))
    return tuple(kind for kind in formats.KINDS if kind == "html" or kind in asked)


def typed(page: catalogue.Entry, given: dict[str, str]) -> dict:
    """Values of the page's own parameters, read as the type the page declares.

    Raises
    ------
    ArgumentError : ``batch.unknown_parameter``, ``page.wrong_type``
    """
    known = {parameter.name: parameter for parameter in notebook.parameters(notebook.read(page.notebook))}
    return _typed(given, {name: known[name] for name in known if name not in OWN}, page.stem)


def _typed(given: dict, known: dict[str, notebook.Parameter], where: str) -> dict:
    values = {}
    for name, value in given.items():
        if name not in known:
            raise ArgumentError("batch.unknown_parameter", page=where, got=name, known=", ".join(sorted(known)))
        values[name] = _read_as(name, value, known[name].type)
    return values


def _read_as(name: str, value, kind: str):
    """A value of the type declared: text is read as a number where one is wanted, a number is never made of a flag."""
    kinds = {"int": int, "float": float, "str": str, "bool": lambda text: FLAGS[text.lower()]}
    if kind not in kinds or type(value).__name__ == kind:
        return value
    try:
        if isinstance(value, bool) or (kind == "int" and isinstance(value, float)):
            raise ValueError
        return kinds[kind](value)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ArgumentError("page.wrong_type", name=name, got=repr(value), wanted=kind) from None


def distinct(clients: list[client.Client]) -> None:
    """Two folders of one name would write over each other's reports.

    Raises
    ------
    ArgumentError : ``batch.same_id``
    """
    places: dict[str, Path] = {}
    for who in clients:
        if places.setdefault(who.id.casefold(), who.folder) != who.folder:  # one folder on Windows and macOS
            raise ArgumentError("batch.same_id", got=who.id, where=f"{places[who.id.casefold()]}; {who.folder}")


def loose(path: Path, parameters: dict, output: str, kinds: Iterable[str]) -> Loose:
    """A notebook outside the catalogue with its parameters checked against its parameters cell.

    Raises
    ------
    SqlibError : ``notebook.missing``, ``notebook.unreadable``; ArgumentError : as ``typed``
    """
    known = {parameter.name: parameter for parameter in notebook.parameters(notebook.read(path), strict=False)}
    return Loose(path, _typed(parameters, known, path.name), output, known_formats(kinds))
