"""Files that replace others: ``supersedes`` of a source block names the files whose rows its own files deliver again.

A row of a replaced file is superseded when its id is delivered again; where one of the two files has no ids of the
client's own, when its date lies within the days the newer file covers.
"""

from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter

import pandas as pd

from sqlib.client import Client
from sqlib.contracts import Contract
from sqlib.errors import ClientError
from sqlib.faults import listed, nearest
from sqlib.repairs import PROBLEMS, joined, problem


def find(typed: pd.DataFrame, raw: pd.DataFrame, files: list[str], client: Client, contract: Contract):
    """Row by row: is it superseded? And one problem per pair of files.

    typed, raw : the same rows, typed and as text; ``files``: every file of the table

    Raises
    ------
    ClientError : ``supersession.no_file``, ``.cycle``, ``.no_key`` (neither ids nor dates tell what is delivered again)
    """
    gone, notes = pd.Series(False, index=raw.index), []
    for new, old in _pairs(files, client, contract.name):
        older, newer = raw["source_file"] == old, raw["source_file"] == new
        again, span = _again(typed, raw, older, newer, contract, f"{client.id}: {new} → {old}")
        again &= ~gone
        gone |= again
        count = int(again.sum())
        told = {"value": new + span, "count": count, "severity": "info" if count else "warning", "used": not count}
        notes.append(problem(contract.name, old, "superseded_rows" if count else "supersedes_nothing", **told))
    return gone, joined(notes, PROBLEMS)


def _pairs(files: list[str], client: Client, table: str) -> list[tuple[str, str]]:
    """(newer file, file it replaces), as the blocks say; a file is never its own."""
    pairs = []
    for number, source in enumerate(client.tables.get(table, []), 1):
        where = f"{client.id}/client.toml: tables.{table}[{number}].supersedes"
        old = [file for pattern in source.supersedes for file in _named(pattern, files, where)]
        new = [file for file in files if named(file, source.files) and file not in old]
        if old and not new:
            raise ClientError("supersession.cycle", where=where, got=" → ".join(old))
        pairs += [(newer, older) for newer in new for older in dict.fromkeys(old)]
    _check_order(pairs, f"{client.id}/client.toml: tables.{table}")
    return pairs


def _named(pattern: str, files: list[str], where: str) -> list[str]:
    found = [file for file in files if _fits(file, pattern)]
    if not found:
        raise ClientError(
            "supersession.no_file", where=where, got=pattern, nearest=nearest(pattern, files), there=listed(files[:20])
        )
    return found


def _fits(file: str, pattern: str) -> bool:
    return file == pattern or fnmatchcase(file, pattern)


def named(file: str, patterns: list[str]) -> bool:
    """Is the file one of those the patterns of client.toml name?"""
    return any(_fits(file, pattern) for pattern in patterns)


def _check_order(pairs: list[tuple[str, str]], where: str) -> None:
    """No file replaces one that, directly or over others, replaces it."""
    graph: dict[str, set[str]] = {}
    for newer, older in pairs:
        graph.setdefault(older, set()).add(newer)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise ClientError("supersession.cycle", where=where, got=" → ".join(error.args[1])) from None


def _again(typed, raw, older, newer, contract: Contract, where: str) -> tuple[pd.Series, str]:
    """Rows of the older file that the newer one delivers again, and what decided: "" or the days covered."""
    key, dated = contract.key[0], contract.period_by
    given = raw[key].notna() if key in raw else pd.Series(False, index=raw.index)
    if (given & older).any() and (given & newer).any():
        return older & given & typed[key].isin(typed.loc[newer & given, key]), ""
    if not older.any() or not newer.any():
        return pd.Series(False, index=raw.index), ""
    days = typed[dated].dt.normalize() if dated else pd.Series(pd.NaT, index=raw.index)
    if days[older].isna().all() or days[newer].isna().all():
        raise ClientError("supersession.no_key", where=where, got=f"{key}, {dated or '–'}")
    first, last = days[newer].min(), days[newer].max()
    return older & days.between(first, last), f", {first:%Y-%m-%d}..{last:%Y-%m-%d}"
