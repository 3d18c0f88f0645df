"""What a column of a handed-over table is called in both languages, how its values are written, what it means.

Looked for in this order: the page's own table (``[table.<key>]`` of ``words/<stem>.toml``), ``words/columns.toml``, the
column it is called after (``estimate_low``), the contracts of the raw tables.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlib import contracts, words

ENDS = ("low", "high")  # of the estimate that has no bounds of its own name


@dataclass(frozen=True)
class Heading:
    """One column: its label and meaning by language; ``format`` as in the columns of a page's ``[table.*]``.

    ``known``: is it named in any words file or contract?
    """

    column: str
    label: dict[str, str]
    format: str
    note: dict[str, str]
    known: bool = True
    shown: bool = False  # by the page itself

    @property
    def unit(self) -> str:
        """Unit of a number: a key of ``[unit]`` in common.toml, ``row``, or a column with its name; else the format."""
        return self.format.removeprefix("interval").strip()


def of(stem: str, key: str, columns: Collection[str]) -> list[Heading]:
    """Headings of a table's columns, those that the page shows first; no two read the same."""
    shown = _shown(stem, key)
    first = [name for spec in shown.values() for name in (spec["from"], *_bounds(spec, columns)) if name in columns]
    found, met = [], set()
    for name in dict.fromkeys([*first, *columns]):
        heading = of_column(stem, key, name, columns)
        twice = met & set(heading.label.values())
        met |= set(heading.label.values())
        label = _told_apart(heading) if twice else heading.label
        found.append(replace(heading, label=label, shown=name in first))
    return found


def of_column(stem: str, key: str, column: str, columns: Collection[str]) -> Heading:
    """The heading of one column of a table; a column nobody words keeps its name and is not ``known``."""
    shown, declared = _shown(stem, key), words.entry("columns", "column")
    spec = shown.get(column)
    if spec and spec["format"] != "range":
        return Heading(column, _whole(spec["label"]), spec["format"], declared.get(column, {}).get("note", {}))
    if column in declared:
        entry = declared[column]
        return Heading(column, _both(entry), entry["format"], entry.get("note", {}))
    return _called_after(stem, key, column, columns) or _contracted(column)


def _shown(stem: str, key: str) -> dict[str, dict]:
    """Column -> its entry in the page's own table."""
    known = words.catalogue(stem).get("table", {}).get(key, {"columns": ()})
    return {spec["from"]: spec for spec in known["columns"]}


def _bounds(spec: dict, columns: Collection[str]) -> tuple[str, ...]:
    """The columns that hold the bounds of a column which the page shows with them."""
    if not spec["format"].startswith(("interval", "range")):
        return ()
    own = tuple(f"{spec['from']}_{end}" for end in ENDS)
    return own if own[0] in columns else ENDS


def _called_after(stem: str, key: str, column: str, columns: Collection[str]) -> Heading | None:
    """The heading of a column called after another, such as ``raked_low``, or of ``low`` and ``high``."""
    for ending in words.entry("columns")["ending"]:
        base = _bounded(stem, key, columns) if f"_{column}" == ending["name"] else column.removesuffix(ending["name"])
        known = _base(stem, key, base, columns) if base != column else None
        if known:
            label = {language: ending[language].format(label=text) for language, text in known.label.items()}
            return Heading(column, label, ending["format"] or known.format, {})
    return None


def _base(stem: str, key: str, column: str, columns: Collection[str]) -> Heading | None:
    """The heading of the column another is called after; None where nobody words it."""
    spec = _shown(stem, key).get(column, {})
    if spec.get("format") == "range":
        return Heading(column, _whole(spec["label"]), "count", {})
    found = of_column(stem, key, column, columns)
    return found if found.known else None


def _bounded(stem: str, key: str, columns: Collection[str]) -> str:
    """The column that ``low`` and ``high`` are the bounds of."""
    shown = (spec["from"] for spec in _shown(stem, key).values() if _bounds(spec, columns) == ENDS)
    return next(shown, "estimate")


def _contracted(column: str) -> Heading:
    """A column of the raw tables; one that is in no contract keeps its name."""
    tables = (contracts.load(table).columns for table in ("feedback", *contracts.names()))
    declared = next((columns[column] for columns in tables if column in columns), None)
    if declared is None:
        return Heading(column, dict.fromkeys(words.LANGUAGES, column), "text", {}, known=False)
    kinds = {"category": "level", "datetime": "date", "date": "date", "number": "score", "integer": "count"}
    return Heading(column, declared.label, kinds.get(declared.type, "text"), declared.note)


def _told_apart(heading: Heading) -> dict[str, str]:
    apart = words.entry("columns", "apart")
    return {
        language: apart[language].format(label=text, column=heading.column) for language, text in heading.label.items()
    }


def _both(entry: dict) -> dict[str, str]:
    return {language: entry[language] for language in words.LANGUAGES}


def _whole(label: dict[str, str]) -> dict[str, str]:
    """A heading without what it says of its interval, which has columns of its own here."""
    marks = words.entry("columns", "interval")
    return {language: _without(label[language], marks[language]) for language in words.LANGUAGES}


def _without(text: str, marks: list[str]) -> str:
    for mark in marks:
        text = text.replace(mark, "")
    return text
