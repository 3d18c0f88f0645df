"""``mapping.xlsx`` read back: its settings and sources in the shape of client.toml, with the cell of every value.

Four sheets: settings, sources, columns, values. What is written there is held to the same models as client.toml; a
fault names workbook, sheet and cell.
"""

import functools
import hashlib
import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sqlib import client, contracts, exports, forms, score_sheets
from sqlib.errors import ClientError
from sqlib.faults import listed, nearest

FORM = "mapping"
CACHE = Path(".sqlib-cache") / "mapping.json"
ITEM, REVERSED, NOT_USED, ALL_ITEMS, NO_ANSWER = "item", "reversed", "not_used", "all_items", "no_answer"
ITEMS, ANSWERS, VALUES = "feedback_items", "feedback", "indicator_values"
UNPIVOTED = {
    ANSWERS: (ITEM, REVERSED), ITEMS: (ITEM, REVERSED), VALUES: (ITEM, REVERSED),
    score_sheets.TABLE: tuple(score_sheets.FIELDS),
}  # fmt: skip
SETTINGS = {  # setting -> place in client.toml
    "name": ("client", "name"),
    "profile": ("client", "profile"),
    "languages": ("client", "languages"),
    "timezone": ("client", "timezone"),
    "data_until": ("client", "data_until"),
    "fiscal_year_start": ("client", "fiscal_year_start"),
    "period": ("period", "default"),
    "compare_to": ("period", "compare_to"),
    "top": ("scales", "csat", "top"),
    "best": ("scales", "csat", "best"),
    "target": ("targets", "csat"),
    "target_nps": ("targets", "nps"),
    "cells": ("cells", "feedback"),
    "adjust": ("cells", "adjust"),
    "codebook": ("themes", "codebook"),
}
LISTS = ("languages", "top", "cells", "adjust")
EMPTY_SAYS = ("adjust",)  # settings where nothing written means none, not the default
_COMMA, _LINES = re.compile(r"[,\uff0c\u3001;\uff1b\n]+"), re.compile(r"[;\uff1b\n]+")


@dataclass(frozen=True)
class Mapping:
    """What the workbook says, as client.toml would; ``places``: path of a key -> its cell."""

    declared: dict
    places: dict[tuple, str]

    def place(self, path: tuple) -> str:
        """The cell that says a key, or the nearest that holds it; "" where the workbook says nothing of it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, "")


def word(name: str, language: str) -> str:
    """A word the sheets use as a value, such as "not used"."""
    return words()["values"][name][language]


@functools.cache
def words() -> dict:
    """Values and notes of the form."""
    return tomllib.loads((forms.FOLDER / f"{FORM}.toml").read_text(encoding="utf-8"))


def unpivoted(table: str) -> tuple[str, ...]:
    """What a column may be beside a field: one of those that become rows; of no table yet, any."""
    return UNPIVOTED.get(table, ()) if table else tuple(dict.fromkeys(sum(UNPIVOTED.values(), ())))


def is_word(name: str, text: str) -> bool:
    """Is this text the word, in either language?"""
    wanted = contracts.normalised(text)
    return wanted in map(contracts.normalised, (name, *words()["values"][name].values()))


def merged(toml: dict, folder: Path, client_id: str) -> Mapping:
    """client.toml and the workbook in one, each saying what the other leaves out.

    Raises
    ------
    ClientError : a fault of the form, ``mapping_form.said_twice``, ``mapping_form.tables_twice``,
        ``mapping_form.nothing_used``, and what ``read`` raises
    """
    path = folder / client.WORKBOOK
    where = f"{client_id}/{client.WORKBOOK}"
    found = _read(forms.content(path, where), path, where)
    if not any((toml.get("tables"), found.declared["tables"])):
        raise ClientError("mapping_form.nothing_used", where=where)
    if toml.get("tables") and found.declared["tables"]:
        raise ClientError("mapping_form.tables_twice", where=where, got=listed(toml["tables"]))
    for key in SETTINGS.values():
        here, there = _at(found.declared, key), _at(toml, key)
        if None not in (here, there) and str(here) != str(there):
            values = {"key": ".".join(key), "got": f"{here} ≠ {there}"}
            raise ClientError("mapping_form.said_twice", where=found.places[key], **values)
    return Mapping(_joined(toml, found.declared), found.places)


def _at(declared: dict, path: tuple):
    for step in path:
        declared = declared.get(step) if isinstance(declared, dict) else None
    return declared


def _joined(one: dict, other: dict) -> dict:
    """Both, section by section."""
    both = {key: _joined(one[key], other[key]) for key in one.keys() & other.keys() if isinstance(other[key], dict)}
    return one | other | both


@functools.lru_cache(maxsize=8)
def _read(data: bytes, path: Path, where: str) -> Mapping:
    """The workbook with these bytes, from the client's cache where it was read before: every page loads the client."""
    key = hashlib.sha256(_source() + where.encode() + data).hexdigest()
    kept = path.parent / CACHE
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["key"] == key:
            return Mapping(found["declared"], {tuple(path): cell for path, cell in found["places"]})
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing kept, or damaged: read again
    mapping = _parsed(path, where)
    places = [[list(path), cell] for path, cell in mapping.places.items()]
    _keep(kept, json.dumps({"key": key, "declared": mapping.declared, "places": places}, ensure_ascii=False))
    return mapping


def _keep(kept: Path, text: str) -> None:
    """Beside, then renamed; a folder that cannot be written costs only the speed."""
    draft = kept.with_name(f".{kept.name}.{os.getpid()}")
    try:
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(kept)
    except OSError:
        pass  # as ``cache`` does


@functools.cache
def _source() -> bytes:
    """The code and declarations the workbook is read by."""
    here = Path(__file__).parent
    files = [
        Path(__file__),
        here / "forms.py",
        here / "score_sheets.py",
        *sorted(here.glob("contracts/*.toml")),
        forms.FOLDER / f"{FORM}.toml",
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).digest()


def _parsed(path: Path, where: str) -> Mapping:
    sheets = forms.read(FORM, path, where, client=path.parent.absolute().name)
    declared, places = _settings(sheets["settings"])
    declared["tables"] = tables = {}
    known = list(sheets["sources"]["source"])
    for name in ("columns", "levels"):
        for row in sheets[name].itertuples():
            if row.source not in known:
                where = forms.cell(sheets[name], row.line, "source")
                raise ClientError(
                    "mapping_form.unknown_source", where=where, got=row.source or "–", allowed=listed(known)
                )
    for row in sheets["sources"].itertuples():
        for table, block, cells in _blocks(row, sheets):
            place = ("tables", table, len(tables.setdefault(table, [])))
            tables[table].append(block)
            places |= {(*place, *key): cell for key, cell in cells.items()}
    return Mapping(declared, places)


# --- settings ----------------------------------------------------------------------------------------------------


def _settings(frame: pd.DataFrame) -> tuple[dict, dict[tuple, str]]:
    declared: dict = {}
    places = {}
    for row in frame.itertuples():
        cell = forms.cell(frame, row.line, "value")
        if not row.setting or (not row.value and row.setting not in EMPTY_SAYS):
            continue
        path = SETTINGS[row.setting]
        inner = declared
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = _setting(row.setting, row.value, cell)
        places[path] = cell
    return declared, places


def _setting(name: str, text: str, cell: str):
    """A setting as client.toml writes it."""
    if name in ("cells", "adjust"):
        return [_crossed(part, cell) for part in _parts(text)]
    if name in LISTS:
        return _parts(text)
    if name in ("target", "target_nps"):
        number = re.fullmatch(r"\s*([-+]?\d+(?:\.\d+)?)\s*([%\uff05]?)\s*", text.replace("\N{MINUS SIGN}", "-"))
        if not number or (name == "target" and not 0 <= _share(number) <= 1):
            raise ClientError("mapping_form.target", where=cell, got=text)
        return _share(number) if name == "target" else float(number[1])
    return text


def _share(number: re.Match) -> float:
    return float(number[1]) / (100 if number[2] else 1)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _COMMA.split(text) if part.strip()]


def _crossed(text: str, cell: str) -> str:
    """One group, by code or label, ``a*b`` where two are crossed."""
    known = {contracts.normalised(spelling): name for name, spellings in groups().items() for spelling in spellings}
    parts = [part.strip() for part in re.split(r"[*\u00d7]", text)]
    codes = [known.get(contracts.normalised(part)) for part in parts]
    if None in codes:
        lost = parts[codes.index(None)]
        near = nearest(lost, [label for spellings in groups().values() for label in spellings])
        raise ClientError("mapping_form.unknown_group", where=cell, got=lost, nearest=near, allowed=_group_labels())
    return "*".join(codes)


@functools.cache
def groups() -> dict[str, tuple[str, ...]]:
    """Every column that can make a group -> its code and labels."""
    tables = [contracts.load(table) for table in client.GROUPED]
    return {
        name: (name, *column.label.values())
        for table in reversed(tables)
        for name, column in table.columns.items()
        if column.type in ("category", "flag", "id")
    }


def _group_labels() -> dict[str, str]:
    tables = [contracts.load(table) for table in client.GROUPED]
    columns = {name: table.columns[name].label for table in tables for name in groups() if name in table.columns}
    return forms.worded(columns.values())


# --- sources -----------------------------------------------------------------------------------------------------


def _blocks(row, sheets: dict[str, pd.DataFrame]) -> list[tuple[str, dict, dict[tuple, str]]]:
    """The blocks of client.toml one source stands for: table, block, and the cell of each key."""
    sources, columns = sheets["sources"], sheets["columns"]
    table = _table(row, sources)
    if not table:
        return []
    fields = _fields(columns[columns["source"] == row.source], table)
    items = [header for header, field in fields.items() if field in unpivoted(table)]
    block, cells = _block(row, sources)
    recode, missing = _levels(sheets["levels"], row.source, fields, table)
    found = []
    plain = {header: "" if header in items else field for header, field in fields.items()}
    if items and table == score_sheets.TABLE:
        kind = _kind({header: fields[header] for header in items}, forms.cell(sources, row.line, "table"))
        own = {"columns": plain, "constants": _constants(row, table, "item"), "recode": recode[table] | recode[ITEM]}
        own |= {"missing": block["missing"] + missing[table] + missing[ITEM]}
        return [(table, block | own | {"unpivot": score_sheets.unpivot(items, kind)}, cells)]
    if table == VALUES and items:  # one column a period
        own = {"columns": plain, "recode": recode[table], "missing": block["missing"] + missing[table]}
        return [(table, block | own | {"unpivot": {"columns": items, "name": "period", "value": "value"}}, cells)]
    if table != ITEMS or not items:
        own = {"columns": plain, "constants": _constants(row, table, "scale"), "recode": recode[table]}
        found.append((table, block | own | {"missing": block["missing"] + missing[table]}, cells))
    if items:
        known = contracts.load(ITEMS).columns
        shared = known.keys() - {"score", "item_id"}
        kept = {h: field if field in shared else "" for h, field in plain.items() if h not in items}
        own = {"columns": kept, "constants": _constants(row, ITEMS, "item"), "recode": recode[ITEM]}
        named = exports.labelled(fields, items) if block.get("export") else {}
        own["unpivot"] = {"columns": items, "name": "item_id", "value": "score", "items": named}
        called = {header: named.get(header, {}).get("item_id", header) for header in items}
        own["reverse"] = [called[header] for header in items if fields[header] == REVERSED]
        found.append((ITEMS, block | own | {"missing": block["missing"] + missing[ITEM]}, cells))
    return found


def _kind(kinds: dict[str, str], where: str) -> str:
    """What the columns of a wide score sheet are: all criteria, all raters or all roles."""
    if len(set(kinds.values())) > 1:
        raise ClientError("mapping_form.kinds_mixed", where=where, got=", ".join(f"{h}: {k}" for h, k in kinds.items()))
    return next(iter(kinds.values()))


def _table(row, sources: pd.DataFrame) -> str:
    """The table of a source; "" where it is not used."""
    if not row.table or is_word(NOT_USED, row.table):
        return ""
    titles = {name: (name, *contracts.load(name).title.values()) for name in contracts.names()}
    wanted = contracts.normalised(row.table)
    found = next((name for name, texts in titles.items() if wanted in map(contracts.normalised, texts)), None)
    if found is None:
        known = [text for texts in titles.values() for text in texts[1:]]
        where = forms.cell(sources, row.line, "table")
        allowed = forms.worded(contracts.load(name).title for name in contracts.names())
        values = {"got": row.table, "nearest": nearest(row.table, known), "allowed": allowed}
        raise ClientError("mapping_form.unknown_table", where=where, **values)
    return found


def _fields(rows: pd.DataFrame, table: str) -> dict[str, str]:
    """Header -> field code, "" where not used, "item" or "reversed" for a question; every field once."""
    fields: dict[str, str] = {}
    first: dict[str, tuple[str, str]] = {}
    for row in rows.itertuples():
        cell = forms.cell(rows, row.line, "field")
        field = _field(row.field, table, cell)
        if field and field not in unpivoted(table) and field in first:
            header, other = first[field]
            values = {"got": row.field, "first": f"{header} ({other.rsplit(', ', 1)[-1]})", "column": row.column}
            raise ClientError("mapping_form.field_twice", where=cell, **values)
        first[field] = (row.column, cell)
        fields[row.column] = field
    return fields


def _field(text: str, table: str, cell: str) -> str:
    """The code of one field, by code or label in either language."""
    if not text or is_word(NOT_USED, text):
        return ""
    for kind in unpivoted(table):
        if is_word(kind, text):
            return kind
    columns = contracts.load(table).columns
    known = {contracts.normalised(said): name for name, c in columns.items() for said in (name, *c.label.values())}
    if contracts.normalised(text) not in known:
        labels = [column.label for column in columns.values()]
        near = nearest(text, [said for label in labels for said in label.values()])
        values = {"got": text, "table": contracts.load(table).title, "nearest": near, "allowed": forms.worded(labels)}
        raise ClientError("mapping_form.unknown_field", where=cell, **values)
    return known[contracts.normalised(text)]


def _block(row, sources: pd.DataFrame) -> tuple[dict, dict[tuple, str]]:
    """What a source says of its files."""
    block = {"files": [part.strip() for part in _LINES.split(row.files) if part.strip()]}
    given = {name: getattr(row, name) for name in ("sheet", "filter", "export", "header_row", "year")}
    block |= {name: text for name, text in given.items() if text}
    if row.order:
        block["dayfirst"] = row.order == "day"
    block["missing"] = _parts(row.missing)
    cells = {(): forms.cell(sources, row.line)}
    cells |= {(name,): forms.cell(sources, row.line, name) for name in ("files", *given, "missing")}
    return block, cells | {("dayfirst",): forms.cell(sources, row.line, "order")}


def _constants(row, table: str, scale: str) -> dict[str, str]:
    """What holds for all rows of a source: its scale, metric, channel, kind, where the table has such a column."""
    ends = {f"scale_{end}": getattr(row, f"{scale}_{end}") for end in ("min", "max")}
    others = {name: getattr(row, name) for name in ("metric", "channel", "kind")}
    channel = contracts.load(ANSWERS).columns["channel"]
    others["channel"] = contracts.levels(channel).get(contracts.normalised(row.channel), row.channel)
    known = contracts.load(table).columns
    return {name: text for name, text in (ends | others).items() if text and name in known}


def _levels(levels: pd.DataFrame, source: str, fields: dict[str, str], table: str) -> tuple[dict, dict]:
    """Recoding and codes for no answer, of the table and of its questions."""
    recode, missing = {table: {}, ITEM: {}}, {table: [], ITEM: []}
    for row in levels[levels["source"] == source].itertuples():
        items = is_word(ALL_ITEMS, row.column) or fields.get(row.column) in unpivoted(table)
        field = "score" if items else fields.get(row.column, "")
        if not field or not row.meaning or row.value == row.meaning:
            continue
        kind = ITEM if items else table
        if is_word(NO_ANSWER, row.meaning):
            missing[kind].append(row.value)
            continue
        cell = forms.cell(levels, row.line, "meaning")
        meant = _meant(
            row.meaning, contracts.load(ITEMS if items and table in (ANSWERS, ITEMS) else table).columns[field], cell
        )
        said = recode[kind].setdefault(field, {})
        if said.setdefault(row.value, meant) != meant:
            raise ClientError("mapping_form.value_twice", where=cell, got=f"{row.value}: {said[row.value]} / {meant}")
    return recode, missing


def _meant(text: str, column: contracts.Column, cell: str) -> str:
    """A score as a number, a level by its code."""
    if column.type in ("number", "integer"):
        if not re.fullmatch(r"[-+]?\d+(?:\.\d+)?", text):
            raise ClientError("mapping_form.not_a_score", where=cell, got=text)
        return text
    found = contracts.levels(column).get(contracts.normalised(text))
    if found is None and column.levels and not column.open:
        labels = [level.label for level in column.levels.values()]
        near = nearest(text, [said for label in labels for said in label.values()])
        values = {"got": text, "nearest": near, "allowed": forms.worded(labels)}
        raise ClientError("mapping_form.unknown_level", where=cell, **values)
    return found or text
