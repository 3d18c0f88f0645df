"""client.toml and mapping.xlsx: everything that differs between clients, read strictly.

``load(folder)`` returns a frozen ``Client``. The workbook, where there is one, says in sheets what client.toml says in
keys (``mapping_form``); both are held to the same models. Every key is checked: an unknown key, table or contract
column, a wrong type or a path that leads out of the client's folder is a ``ClientError`` that names the key or cell,
what was written and the nearest allowed name. No data file is opened here.
"""

import re
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sqlib import appraisal_scheme, contracts, faults, improvement_plan, periods, queries, words
from sqlib.appraisal_scheme import Appraisal
from sqlib.errors import ArgumentError, ClientError
from sqlib.faults import listed, nearest
from sqlib.fields import STRICT, Pattern, Text, Texts, TimeZone, as_list, one_of
from sqlib.improvement_plan import Improvement
from sqlib.periods import Period

FILE = "client.toml"
WORKBOOK = "mapping.xlsx"
DECISIONS = "problems.xlsx"  # what a check found, with room for what a person decides
OF_FILES = ("sheet", "header_row", "encoding", "supersedes")  # keys of a block that say nothing of a query
GROUPED = ("feedback", "feedback_items", "customers")  # tables whose columns make groups
PROFILES = Path(__file__).parent / "profiles"
EXPORTS = sorted(path.stem for path in (Path(__file__).parent / "exports").glob("*.toml") if path.stem != "questions")
Profile = Annotated[str, one_of(sorted(path.name for path in PROFILES.iterdir() if path.is_dir()))]


class Section(BaseModel):
    """One table of client.toml."""

    model_config = STRICT


class Identity(Section):
    """``[client]``"""

    name: Text
    profile: Profile = "general"
    languages: Annotated[list[Literal["zh", "en"]], BeforeValidator(as_list), Field(min_length=1)] = ["zh"]
    timezone: TimeZone = "Asia/Shanghai"
    data_until: date | None = None
    fiscal_year_start: int = Field(1, ge=1, le=12)  # month
    currency: Annotated[str, one_of(words.entry("common", "money")["currencies"])] = "CNY"  # of every amount


class Reporting(Section):
    """``[period]``"""

    default: Text | None = None
    compare_to: Text = "previous"


class Targets(BaseModel):
    """``[targets]``: indicator -> target, and ``by_segment``: indicator -> segment -> target."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, float]
    by_segment: dict[str, dict[str, float]] = {}


class Privacy(Section):
    """``[privacy]``: where the key of the pseudonyms comes from."""

    key_env: str | None = None
    demo_key: str | None = None


class Scale(Section):
    """``[scales.<metric>]``: which end is best, which levels count as satisfied, what each is worth of 100 points."""

    best: Literal["high", "low"] = "high"
    top: list[float] = []
    points: Literal["linear"] | dict[str, float] | None = None  # level -> points of 100

    def converted(self) -> dict[float, float]:
        """Level -> points, as declared; empty where the conversion is linear or none."""
        return {float(level): points for level, points in self.points.items()} if isinstance(self.points, dict) else {}


class Feedback(Section):
    """``[feedback]``: texts a platform writes where a customer does not rate; None: the shipped list."""

    default_praise: Texts | None = None


class Cells(Section):
    """``[cells]``: the groups compared, declared in advance (``a*b`` for a two-way cell)."""

    feedback: Texts = ["dimension", "segment", "team", "channel"]
    adjust: Texts = ["segment"]


class Weighting(Section):
    """``[weighting]``: margins of the customer base the answers are raked to; default: ``cells.adjust``."""

    margins: Texts | None = None


class Themes(Section):
    """``[themes]``: the code book of comments; default: the profile's."""

    codebook: Profile | None = None


class Unpivot(Section):
    """A wide sheet, one column per item, becomes one row per item."""

    columns: Annotated[Texts, Field(min_length=1)]
    name: str
    value: str
    items: dict[str, dict[str, Text]] = {}  # header -> contract column -> what holds for every row of this item

    def labelled(self) -> list[str]:
        """The further columns that ``items`` fills."""
        return list(dict.fromkeys(column for given in self.items.values() for column in given if column != self.name))


class Source(Section):
    """``[[tables.<table>]]``: one block of files, or a query, and how their columns become contract columns."""

    files: Annotated[list[Pattern], BeforeValidator(as_list)] = []  # of a query: where its result is stored
    query: str = ""  # SELECT …, in place of files
    url_env: str = ""  # name of the environment variable with the address of the database
    sheet: Text | None = None
    header_row: int | None = Field(None, ge=1)
    encoding: str | None = None
    export: Annotated[str, one_of(EXPORTS)] | None = None  # a platform whose headers are known
    columns: dict[str, str] = {}  # header in the file -> contract column; "" leaves the column out
    constants: dict[str, Text] = {}
    recode: dict[str, dict[str, Text]] = {}
    unpivot: Unpivot | None = None
    filter: str = ""
    missing: Texts = []
    supersedes: Annotated[list[Pattern], BeforeValidator(as_list)] = []  # files whose rows these files replace
    reverse: Texts = []  # items (or "score") on which the lowest figure is best
    dayfirst: bool | None = None
    year: int | None = Field(None, ge=1900, le=2200)

    def contract_columns(self) -> list[tuple[str, str]]:
        """Every contract column this block names, with the key that names it."""
        named = [(f"columns.{header}", column) for header, column in self.columns.items() if column]
        named += [(f"constants.{column}", column) for column in self.constants]
        named += [(f"recode.{column}", column) for column in self.recode]
        if self.unpivot:
            named += [("unpivot.name", self.unpivot.name), ("unpivot.value", self.unpivot.value)]
            named += [("unpivot.items", column) for column in self.unpivot.labelled()]
        return named


class _File(Section):
    client: Identity
    period: Reporting = Reporting()
    targets: Targets = Targets()
    privacy: Privacy = Privacy()
    scales: dict[str, Scale] = {}
    feedback: Feedback = Feedback()
    cells: Cells = Cells()
    weighting: Weighting = Weighting()
    themes: Themes = Themes()
    appraisal: Appraisal = Appraisal()
    improvement: Improvement = Improvement()
    tables: dict[str, list[Source]] = {}


class Client(Identity):
    """One client: ``[client]`` and the other sections, with its id (the folder's name) and folder."""

    id: str
    folder: Path
    period: Reporting
    targets: dict[str, float]  # indicator -> target, in the indicator's own unit
    targets_by_segment: dict[str, dict[str, float]]  # indicator -> segment -> target
    privacy: Privacy
    scales: dict[str, Scale]
    feedback: Feedback
    cells: Cells
    weighting: Weighting
    themes: Themes
    appraisal: Appraisal
    improvement: Improvement
    tables: dict[str, list[Source]]
    places: dict[str, list[str]] = {}  # table -> where each of its blocks is declared, for messages

    def place(self, table: str, number: int) -> str:
        """Where the block of a table is declared; blocks are counted from 1."""
        known = self.places.get(table, [])
        return known[number - 1] if number <= len(known) else f"{self.id}/{FILE}: tables.{table}[{number}]"


def load(folder: str | Path) -> Client:
    """Read ``<folder>/client.toml``, and ``<folder>/mapping.xlsx`` where it is there.

    Raises
    ------
    ClientError : no such folder or file, not TOML, not the workbook it was, an unknown or wrong key or cell, the same
        thing said differently in both, no table declared
    """
    folder = Path(folder)
    client_id = check_id(folder.name or folder.absolute().name)
    if not folder.is_dir():
        raise ClientError("client.no_folder", where=folder.parent, got=folder.name)
    where = f"{client_id}/{FILE}"
    declared, place = _declared(folder, client_id, where)
    try:
        file = _File.model_validate(declared)
    except ValidationError as error:
        raise faults.worded(error, _File, where, place) from None
    if not any(file.tables.values()):
        raise ClientError("client.no_tables", where=where, folder=folder)
    _check_sources(file, where)
    _check_columns(file, where)
    _check_groups(file, where)
    appraisal_scheme.check(file.appraisal, where)
    improvement_plan.check(file.improvement, where)
    _check_period(file, place)
    places = {table: [place(("tables", table, n)) for n in range(len(file.tables[table]))] for table in file.tables}
    return _client(file, client_id, folder, {table: cells for table, cells in places.items() if all(cells)})


def reporting_period(client: Client, given: str | int | None = "", by: str = "period") -> Period:
    """The period asked for, else the client's default; ``by`` says in an error who asked.

    Raises
    ------
    ArgumentError : ``page.no_period`` where neither is to be had, ``periods.unknown``
    """
    wanted = given or client.period.default
    if not wanted:
        raise ArgumentError("page.no_period", where=f"{client.id}/{FILE}")
    return periods.parse(wanted, client.fiscal_year_start, by if given else f"{client.id}/{FILE}: period.default")


def check_id(name: str) -> str:
    """The client's id as it is, when it can name a folder on every system."""
    if not name.strip() or name in {".", ".."} or re.search(r"[/\\\x00-\x1f\x7f]", name):
        raise ClientError("client.bad_id", got=repr(name))
    return name


def _declared(folder: Path, client_id: str, where: str) -> tuple[dict, Callable[[tuple], str]]:
    """What both files declare, and where the workbook says a key ("" where it does not)."""
    toml = _toml(folder / FILE, where)
    if not (folder / WORKBOOK).is_file():
        return toml, lambda path: ""
    from sqlib import mapping_form

    found = mapping_form.merged(toml, folder, client_id)
    return found.declared, found.place


def _check_period(file: _File, place: Callable[[tuple], str]) -> None:
    """Periods written in the workbook are periods."""
    said = place(("period", "default"))
    if said and file.period.default:
        default = periods.parse(file.period.default, file.client.fiscal_year_start, said)
        periods.compared(default, file.period.compare_to, file.client.fiscal_year_start)


def _client(file: _File, client_id: str, folder: Path, places: dict[str, list[str]]) -> Client:
    named = ("period", "privacy", "scales", "feedback", "cells", "appraisal", "improvement", "tables")
    sections = {name: getattr(file, name) for name in named}
    sections["tables"] = _stored(file.tables)
    return Client(
        **file.client.model_dump(),
        **sections,
        id=client_id,
        folder=folder,
        places=places,
        targets=dict(file.targets.model_extra),
        targets_by_segment=file.targets.by_segment,
        weighting=Weighting(margins=file.weighting.margins or file.cells.adjust),
        themes=Themes(codebook=file.themes.codebook or file.client.profile),
    )


def _stored(tables: dict[str, list[Source]]) -> dict[str, list[Source]]:
    """Blocks whose rows come from a query name the file in which its result is kept; blocks that ask the same share it,
    so that what is read of one row is known to belong together."""
    known: dict[tuple[str, str], str] = {}
    for table, sources in tables.items():
        for number, source in enumerate(sources, 1):
            known.setdefault((source.query, source.url_env), queries.file(table, number))
    return {
        table: [
            source.model_copy(update={"files": [known[source.query, source.url_env]]}) if source.query else source
            for source in sources
        ]
        for table, sources in tables.items()
    }


def _toml(path: Path, where: str) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ClientError("client.no_file", where=path.parent, got=FILE) from None
    except UnicodeDecodeError as error:
        raise ClientError("client.not_utf8", where=where, got=f"byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = place.groups() if place else ("–", "–")
        raise ClientError("client.not_toml", where=where, line=line, column=column, got=error) from None


def _check_sources(file: _File, where: str) -> None:
    """Every block has files or a query; a query has the name of a variable, and nothing that belongs to files."""
    for table, sources in file.tables.items():
        for number, source in enumerate(sources, 1):
            key = f"tables.{table}[{number}]"
            if source.url_env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", source.url_env):
                raise ClientError("client.url_written", where=where, key=f"{key}.url_env")  # it may hold a password
            if source.query and source.files:
                raise ClientError("client.files_and_query", where=where, key=key)
            missing = "url_env" if source.query else "query" if source.url_env else "files"
            if not getattr(source, missing):
                raise ClientError("client.missing_key", where=where, key=f"{key}.{missing}", others="–")
            given = [name for name in OF_FILES if getattr(source, name) not in (None, [])] if source.query else []
            if given:
                raise ClientError("client.not_of_a_query", where=where, key=key, got=", ".join(given))


def _check_columns(file: _File, where: str) -> None:
    """Table names and contract columns exist."""
    for table, sources in file.tables.items():
        if table not in contracts.names():
            raise ClientError("client.unknown_table", where=where, **_near(table, contracts.names()))
        columns = list(contracts.load(table).columns)
        for number, source in enumerate(sources, 1):
            for key, column in source.contract_columns():
                if column not in columns:
                    values = {"key": f"tables.{table}[{number}].{key}", "table": table} | _near(column, columns)
                    raise ClientError("client.unknown_column", where=where, **values)


def _check_groups(file: _File, where: str) -> None:
    """Groups are columns of the answers or of the customers; scales are those of known metrics."""
    columns = [name for table in GROUPED for name in contracts.load(table).columns]
    given = {"cells.feedback": file.cells.feedback, "cells.adjust": file.cells.adjust}
    for key, groups in (given | {"weighting.margins": file.weighting.margins or []}).items():
        for column in (part for group in groups for part in group.split("*")):
            if column not in columns:
                values = {"key": key, "table": " / ".join(GROUPED)} | _near(column, columns)
                raise ClientError("client.unknown_column", where=where, **values)
    metrics = list(contracts.load("feedback").columns["metric"].levels)
    for metric in file.scales:
        if metric not in metrics:
            values = {"key": f"scales.{metric}", "others": "–"} | _near(metric, metrics)
            raise ClientError("client.unknown_value", where=where, **values)


def _near(got: str, allowed: list[str]) -> dict[str, str]:
    return {"got": got, "nearest": nearest(got, allowed), "allowed": listed(allowed)}
