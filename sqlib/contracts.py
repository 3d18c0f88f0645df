"""Table contracts: ``contracts/<table>.toml`` says once what every column of a table is.

From one declaration come the names and labels, the headers a client may use, a pandera schema, the blank template
and the data dictionary.
"""

import functools
import re
import tomllib
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlib.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

_FOLDER = Path(__file__).parent / "contracts"
_WORDS = Path(__file__).parent / "words" / "contracts.toml"
_BRACKETS = re.compile(r"[(\[{<\u3010\u300a][^()\[\]]*[)\]}>\u3011\u300b]")  # a unit or a remark after the header
_NUMBERED = re.compile(r"^\W*\d+[.\u3001)]")  # a question number before the header
_IGNORED = re.compile(r"[\s_\-*:\u2013\u2014?.]+")


@dataclass(frozen=True)
class Level:
    """One allowed value of a category."""

    name: str
    label: dict[str, str]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One column: what it holds, how it is written for people, which headers mean it."""

    name: str
    type: str  # id | text | number | integer | flag | category | datetime | date | name
    label: dict[str, str]
    unit: dict[str, str]
    note: dict[str, str]
    aliases: tuple[str, ...] = ()
    required: bool = False
    default: str = ""  # "row": file#row where the source has no id
    identifies: str = ""  # customer | person | name
    min: float | None = None
    max: float | None = None
    open: bool = False  # a category that keeps values outside its levels
    levels: dict[str, Level] = field(default_factory=dict)


@dataclass(frozen=True)
class Contract:
    """One table: its key, the column that dates it, its cross-column rules, its columns in reading order."""

    name: str
    title: dict[str, str]
    key: tuple[str, ...]
    period_by: str  # "" where rows carry no date
    any_of: tuple[str, ...]  # a row without any of these says nothing and counts as missing
    rules: tuple[str, ...]
    columns: dict[str, Column]
    scale_by: str = ""  # the column whose every value has a scale of scores of its own


def names() -> list[str]:
    """Names of all declared tables."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


@functools.cache
def load(table: str) -> Contract:
    """The contract of one table.

    Raises
    ------
    ArgumentError : ``contracts.unknown_table`` with the tables there are
    """
    if table not in names():
        raise ArgumentError("contracts.unknown_table", got=table, known=", ".join(names()))
    declared = tomllib.loads((_FOLDER / f"{table}.toml").read_text(encoding="utf-8"))
    columns = {name: _column(name, entry) for name, entry in declared["columns"].items()}
    lists = {name: tuple(declared[name]) for name in ("key", "any_of", "rules")}
    said = {name: declared[name] for name in ("period_by", "scale_by") if name in declared}
    return Contract(table, declared["title"], columns=columns, **said, **lists)


def normalised(header: str) -> str:
    """A header or a level as it is compared: half-width, no case, spaces, dashes, question number or bracketed unit."""
    plain = _NUMBERED.sub("", unicodedata.normalize("NFKC", str(header)).casefold().strip())
    return _IGNORED.sub("", _BRACKETS.sub("", plain)) or _IGNORED.sub("", plain)


def match(header: str, contract: Contract) -> str | None:
    """The contract column a source header means, by its name, label or aliases; None where nobody knows it."""
    return _headers(contract.name).get(normalised(header))


def levels(column: Column) -> dict[str, str]:
    """Normalised spelling -> level name, for a category column."""
    spellings = {}
    for level in column.levels.values():
        spellings |= {normalised(text): level.name for text in (level.name, *level.label.values(), *level.aliases)}
    return spellings


def label(contract: Contract, column: str, language: str, unit: bool = True) -> str:
    """How a column is written on an axis or in a heading, with its unit in brackets where it has one."""
    declared, words = contract.columns[column], _words()[language]
    if not unit or declared.unit[language] == words["no_unit"]:
        return declared.label[language]
    return words["with_unit"].format(label=declared.label[language], unit=declared.unit[language])


def dictionary(contract: Contract, language: str) -> "pd.DataFrame":
    """The data dictionary: one row per column, headings in the language asked for."""
    import pandas as pd

    words = _words()[language]
    rows = [_dictionary_row(column, language, words) for column in contract.columns.values()]
    return pd.DataFrame(rows).rename(columns=words["headings"])


def schema(contract: Contract):
    """The contract as a pandera ``DataFrameSchema``; validate with ``lazy=True`` to see every failure at once.

    A failing check reports the rule that is broken: ``below_min``, ``above_max``, ``unknown_level``.
    """
    import pandera.pandas as pa

    columns = {name: _schema_column(pa, column) for name, column in contract.columns.items() if column.type != "name"}
    return pa.DataFrameSchema(columns, name=contract.name, strict=False)


def _schema_column(pa, column: Column):
    checks = []
    if column.min is not None:
        checks.append(pa.Check.ge(column.min, error="below_min"))
    if column.max is not None:
        checks.append(pa.Check.le(column.max, error="above_max"))
    if column.levels and not column.open:
        checks.append(pa.Check.isin(list(column.levels), error="unknown_level"))
    return pa.Column(dtype(column), checks, nullable=not column.required, title=column.label["en"])


def dtype(column: Column) -> str:
    """The pandas dtype of a typed column."""
    kinds = {"number": "float64", "integer": "Int64", "flag": "boolean"}
    return "datetime64[us]" if column.type in ("datetime", "date") else kinds.get(column.type, "str")


def template(contract: Contract, path: Path, language: str) -> Path:
    """Write a blank workbook to fill in: headers with notes, drop-downs for categories, a dictionary sheet.

    Raises
    ------
    ArgumentError : ``workbook.unwritable`` where the file cannot be written
    """
    from sqlib import templates

    return templates.write(contract, Path(path), language, _words()[language])


def _column(name: str, entry: dict) -> Column:
    given = {key: value for key, value in entry.items() if key not in ("levels", "aliases")}
    found = {code: _level(code, level) for code, level in entry.get("levels", {}).items()}
    return Column(name, aliases=tuple(entry["aliases"]), levels=found, **given)


def _level(code: str, entry: dict) -> Level:
    return Level(code, entry["label"], tuple(entry.get("aliases", ())))


def _dictionary_row(column: Column, language: str, words: dict) -> dict[str, str]:
    return {
        "column": column.name,
        "label": column.label[language],
        "unit": column.unit[language],
        "type": words["types"][column.type],
        "required": words["yes"] if column.required and not column.default else words["no"],
        "allowed": allowed(column, language),
        "note": column.note[language],
        "aliases": ", ".join(column.aliases),
    }


def allowed(column: Column, language: str) -> str:
    """Allowed values or range of a column in words; empty where anything goes."""
    if column.levels:
        ellipsis = ["…"] if column.open else []
        return ", ".join([level.label[language] for level in column.levels.values()] + ellipsis)
    ends = [f"{sign} {end:g}" for sign, end in (("≥", column.min), ("≤", column.max)) if end is not None]
    return ", ".join(ends)


@functools.cache
def _headers(table: str) -> dict[str, str]:
    known = {}
    for column in load(table).columns.values():
        known |= {normalised(text): column.name for text in (column.name, *column.label.values(), *column.aliases)}
    return known


@functools.cache
def _words() -> dict:
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))
