"""A client's exports become one frame of text under contract names; every repair is logged, every row counted.

``read`` takes the source blocks of one table in ``client.toml``: file → grid (``readers``) → header (``headers``) →
mechanical repairs (``repairs``) → contract columns (``mapping``) → pseudonyms (``pseudonyms``). Nothing is typed here.
"""

from dataclasses import dataclass, field

import pandas as pd

from sqlib import blocks, contracts, pseudonyms, repairs
from sqlib.client import Client
from sqlib.contracts import Contract
from sqlib.errors import ClientError
from sqlib.sources import files

BOOKS = {  # kind of id -> table that lists who is who, its id and its name
    "customer": ("customers", "customer_id", "customer_name"),
    "person": ("staff", "staff_id", "staff_name"),
}
COUNTS = ["file", "raw_rows", "unpivot_factor", "blank_or_total", "filtered"]


@dataclass(frozen=True)
class Raw:
    """One table as read, before typing.

    frame : text or missing; contract columns, unknown columns under their own header, ``source_file`` (relative to
        the client's folder) and ``source_row`` (line in the file as a person sees it)
    repairs : file, row (0 = whole file or column), column, before, after, rule
    problems : table, file, row, column, value, rule, severity, count, used
    counts : one row per file: file, raw_rows, unpivot_factor, blank_or_total, filtered
    unknown : file, column: headers nobody mapped
    book : folded customer name -> customer id
    """

    table: str
    frame: pd.DataFrame
    repairs: pd.DataFrame
    problems: pd.DataFrame
    counts: pd.DataFrame
    unknown: pd.DataFrame
    book: dict[str, str] = field(default_factory=dict)


def read(client: Client, table: str, contract: Contract) -> Raw:
    """Read every file of every block declared for one table.

    Raises
    ------
    ClientError : a file is missing, empty, damaged or of another kind; a name in client.toml is in no file
    """
    parts, frame = _read(client, table, contract)
    book, problems = _book(client, table, frame, contract, "customer")
    people, doubts = _book(client, table, frame, contract, "person")
    frame, logs, more, known = pseudonyms.replace(frame, contract, client, book, people)
    pseudonyms.remember(client, table, known)
    problems += doubts
    problems += [problem for part in parts for problem in part.problems] + more
    unknown = [{"file": part.file, "column": column} for part in parts for column in part.unknown]
    return Raw(
        table,
        frame,
        repairs.joined([*map(blocks.hidden, parts), *logs], repairs.LOG),
        repairs.joined(problems, repairs.PROBLEMS),
        _counts(parts),
        pd.DataFrame(unknown, columns=["file", "column"], dtype="str").drop_duplicates(ignore_index=True),
        book,
    )


def _read(client: Client, table: str, contract: Contract) -> tuple[list[blocks.Part], pd.DataFrame]:
    """Every file of every block, and all their rows in file order."""
    if not client.tables.get(table):
        raise ClientError("intake.no_source", where=f"{client.id}/client.toml", got=table)
    parts, frames = [], []
    for number, source in enumerate(client.tables[table], 1):
        where = client.place(table, number)
        block = [blocks.read(client.folder, path, source, contract, where) for path in files(client, source, where)]
        blocks.check_declared(source, block, where)
        frames += [blocks.mapped(part) for part in block]
        parts += block
    frame = pd.concat(frames, ignore_index=True)
    return parts, frame.astype({name: "str" for name in frame if name != "source_row"})


def _counts(parts: list[blocks.Part]) -> pd.DataFrame:
    """One row per file. A file in several blocks counts its rows once and adds the factors; where the blocks filter
    it differently its rows are counted as they come out of the blocks (factor 1)."""
    counts = pd.DataFrame([{"file": part.file} | part.counts for part in parts], columns=COUNTS)
    rows = []
    for file, blocks_of_file in counts.groupby("file", sort=False):
        first, factor = blocks_of_file.iloc[0].to_dict(), blocks_of_file["unpivot_factor"]
        lines = ["raw_rows", "blank_or_total", "filtered"]
        if len(blocks_of_file[lines].drop_duplicates()) == 1:
            rows.append(first | {"unpivot_factor": int(factor.sum())})
        else:
            rows.append(blocks_of_file[lines].mul(factor, axis=0).sum().to_dict() | {"file": file, "unpivot_factor": 1})
    return pd.DataFrame(rows, columns=COUNTS)


def _book(client: Client, table: str, frame: pd.DataFrame, contract: Contract, kind: str) -> tuple[dict, list]:
    """Name -> id from the table that keeps the list, where this table needs it and that one has both.

    Of people also what rows of this table say themselves: who is rated by id and name may rate by name alone.
    """
    if not _has_names(frame, contract, kind):
        return {}, []
    names = BOOKS[kind][2]
    pairs = [_listed(client, table, frame, kind)] + (_own_pairs(frame, contract) if kind == "person" else [])
    book, twice = pseudonyms.book(*(pd.concat(pairs)[name] for name in ("id", "name")))
    problem = repairs.problem(table, "", "name_ambiguous", column=names, count=twice)
    return book, [problem] if twice else []


def _listed(client: Client, table: str, frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """id and name as the table that keeps the list has them; none where it is not declared or lacks either."""
    keeper, ids, names = BOOKS[kind]
    nobody = pd.DataFrame(columns=["id", "name"], dtype="str")
    if not client.tables.get(keeper):
        return nobody
    declared = contracts.load(keeper)
    listed = frame if table == keeper else _read(client, keeper, declared)[1]
    if not {ids, names} <= set(listed):
        return nobody
    coded = pseudonyms.replace(listed.drop(columns=names), declared, client, {})[0][ids]
    return pd.DataFrame({"id": coded, "name": listed[names]})


def _own_pairs(frame: pd.DataFrame, contract: Contract) -> list[pd.DataFrame]:
    """id and name of the people this table names beside their id."""
    found = []
    for column in (name for name in frame if name in contract.columns and contract.columns[name].type == "name"):
        whose, kind = pseudonyms.bearer(contract, column)
        if kind == "person" and whose in frame:
            listed = pd.DataFrame({"id": frame[whose], "name": frame[column]})
            found.append(listed[~pseudonyms.are_names(frame[whose])])
    return found


def _has_names(frame: pd.DataFrame, contract: Contract, kind: str) -> bool:
    roles = {name: contract.columns[name].identifies for name in frame if name in contract.columns}
    named = any(role == "name" and pseudonyms.bearer(contract, name)[1] == kind for name, role in roles.items())
    return named or any(pseudonyms.are_names(frame[name]).any() for name, role in roles.items() if role == kind)
