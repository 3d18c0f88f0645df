"""Source headers become contract columns, as ``client.toml`` says and the aliases of the contract know.

Order: columns, then aliases → filter → constants → unpivot → recode → missing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import contracts, filters, repairs
from sqlib.client import Source
from sqlib.contracts import Contract
from sqlib.errors import ClientError
from sqlib.faults import listed, nearest

CODES = ("number", "integer", "datetime", "date", "id")  # column types whose cells are written in half width
WORDED = ("number", "integer", "datetime", "date", "flag", "category")  # column types in which a dash says "nothing"


@dataclass(frozen=True)
class Names:
    """What the headers of one file mean.

    columns : header -> contract column
    unclear : (rule, header, contract column, header preferred) where two headers claim one column
    """

    columns: dict[str, str]
    unclear: list[tuple[str, str, str, str]]


def known(source: Source, contract: Contract, where: str = ""):
    """The weight of one text as a header: 2 where this block names it, 1 where the contract knows it, else 0."""
    named = {*source.columns, *(source.unpivot.columns if source.unpivot else [])}
    if source.filter:
        named |= {leaf.column for leaf in filters.columns(filters.parse(source.filter, where))}
    named = set(map(contracts.normalised, named))
    return lambda text: 2 if contracts.normalised(text) in named else int(contracts.match(text, contract) is not None)


def unique(headers: list[str]) -> tuple[list[str], dict[str, str]]:
    """Headers made different, and new name -> repeated header: ``score``, ``score (2)``."""
    taken, result, renamed = set(headers), [], {}
    for header in headers:
        name, number = header, 1
        while name in result or (number > 1 and name in taken):
            number += 1
            name = f"{header} ({number})"
        result.append(name)
        if name != header:
            renamed[name] = header
    return result, renamed


def names(body: pd.DataFrame, repeated: dict[str, str], source: Source, contract: Contract) -> Names:
    """Which header is which contract column.

    What ``columns`` declares holds. Among headers known by alias the one earlier in the contract's list is taken; two
    columns under the same header with different contents are taken neither: nobody can tell which is meant.
    """
    headers = list(body.columns)
    declared = {header: source.columns[key] for key in source.columns if (header := find(key, headers))}
    columns, unclear = _declared(declared)
    wide = {find(name, headers) for name in source.unpivot.columns} if source.unpivot else set()
    claims: dict[str, list[str]] = {}
    for header in headers:
        column = contracts.match(repeated.get(header, header), contract)
        if column and column not in columns.values() and header not in declared and header not in wide:
            claims.setdefault(column, []).append(header)
    for column, rivals in claims.items():
        best = min(rivals, key=lambda header: _rank(repeated.get(header, header), contract.columns[column]))
        twins = [h for h in rivals if repeated.get(h, h) == repeated.get(best, best) and not body[h].equals(body[best])]
        if not twins:
            columns[best] = column
        rule = "header_twice" if twins else "column_claimed_twice"
        unclear += [(rule, header, column, best) for header in rivals if header != best]
    return Names(columns, unclear)


def _declared(declared: dict[str, str]) -> tuple[dict[str, str], list]:
    """Of several headers declared for one column the first in client.toml is taken where a file has both."""
    columns, unclear = {}, []
    for header, column in declared.items():
        best = next((other for other, taken in columns.items() if taken == column), None)
        if best is not None:
            unclear.append(("column_claimed_twice", header, column, best))
        elif column:
            columns[header] = column
    return columns, unclear


def find(name: str, headers: list[str]) -> str | None:
    """The header of this file that a name in client.toml means: exact, else compared as contracts compare."""
    if name in headers:
        return name
    wanted = contracts.normalised(name)
    return next((header for header in headers if contracts.normalised(header) == wanted), None)


def _rank(header: str, column: contracts.Column) -> int:
    spellings = [contracts.normalised(text) for text in (column.name, *column.label.values(), *column.aliases)]
    return spellings.index(contracts.normalised(header))


def keep(body: pd.DataFrame, columns: dict[str, str], source: Source, where: str) -> tuple[pd.Series, pd.Series]:
    """Row by row: kept by the filter; not comparable with it. Columns by header, or by contract name."""
    headers = list(body.columns)
    by_contract = {column: header for header, column in columns.items()}

    def cell(name: str) -> pd.Series:
        header = find(name, headers) or by_contract.get(name)
        if header is None:
            values = {"got": name, "nearest": nearest(name, headers), "headers": listed(headers)}
            raise ClientError("filters.unknown_column", where=where, **values)
        return body[header].fillna("")

    return filters.keep(filters.parse(source.filter, where), cell)


def unpivot(frame: pd.DataFrame, source: Source, names: dict[str, str], where: str) -> pd.DataFrame:
    """One row per item: the header goes to ``name``, the cell to ``value``; all other columns are repeated.

    names : header in the file -> column of the frame; the items are given by either. What ``items`` of the block says
        of an item goes to further columns, and may name it otherwise.

    Raises
    ------
    ClientError : ``intake.unpivot_column`` with the nearest header there is
    """
    wide, headers = source.unpivot, list(names)
    by_column = {column: header for header, column in names.items()}
    items = [find(name, headers) or by_column.get(name) for name in wide.columns]
    if None in items:
        lost = wide.columns[items.index(None)]
        values = {"got": lost, "nearest": nearest(lost, headers), "headers": listed(headers)}
        raise ClientError("intake.unpivot_column", where=where, **values)
    rows, factor, columns = len(frame), len(items), [names[item] for item in items]
    long = frame.drop(columns=columns).take(np.repeat(np.arange(rows), factor)).reset_index(drop=True)
    for column in (wide.name, *wide.labelled()):
        usual = items if column == wide.name else [None] * factor
        given = [wide.items.get(name, {}).get(column, own) for name, own in zip(wide.columns, usual, strict=True)]
        long[column] = pd.Series(np.tile(np.array(given, dtype=object), rows), dtype="str")
    cells = pd.concat([frame[column] for column in columns], ignore_index=True)
    long[wide.value] = cells.take(np.arange(rows * factor).reshape(factor, rows).T.ravel()).reset_index(drop=True)
    return long


def by_header(columns: dict[str, str], name: str) -> str:
    """The header as the file writes it, for a column that was already renamed."""
    return next((header for header, column in columns.items() if column == name), name)


def recode(cells: pd.Series, codes: dict[str, str]) -> pd.Series:
    """Declared texts become declared values; a text that is not declared stays as it is."""
    table = {repairs.folded(text): value for text, value in codes.items()}
    return repairs.translated(cells, lambda text: codes.get(text, table.get(repairs.folded(text), text)))


def clear_missing(cells: pd.Series, kind: str, declared: list[str]) -> pd.Series:
    """Codes for "nothing recorded" become missing; ids keep theirs, a comment that says nothing is no comment."""
    if kind == "id":
        return cells
    words = {"text": repairs.vocabulary("blank_comment")}
    words |= dict.fromkeys((*WORDED, "name"), repairs.vocabulary("missing"))
    cells = repairs.blank(cells, words[kind])
    if not declared:
        return cells
    cells = repairs.blank(cells, frozenset(map(repairs.folded, declared)))
    numbers = [float(text) for text in declared if filters._NUMBER.fullmatch(text)]
    if kind not in ("number", "integer") or not numbers:
        return cells
    plain = cells.where(cells.str.fullmatch(filters._NUMBER.pattern).fillna(False).astype(bool))
    return cells.mask(pd.to_numeric(plain).isin(numbers))
