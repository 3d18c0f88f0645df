"""Rows delivered twice: identical records, pasted blocks, files that overlap.

A record is one line of a file (several rows after unpivoting). Identical records are duplicates only where something
tells records apart: an id of the client's own, or a column that is unique once identical records are folded. Ten
ratings and nothing else may well agree by chance: they are named and used.
"""

from dataclasses import dataclass

import pandas as pd

from sqlib.contracts import Contract
from sqlib.repairs import PROBLEMS, joined, problem

POSITION = ["source_file", "source_row"]
NOT_KEYS = ("number", "integer", "flag", "category", "text", "name")  # column types that never tell records apart
ENOUGH = 20  # records before uniqueness of a column that is no id says anything
BLOCK = 5  # neighbouring records that return in the same order: pasted


@dataclass(frozen=True)
class Copies:
    """Which rows are copies of an earlier record.

    drop : row by row, a duplicate that is not counted again
    first : index of the row whose record each dropped row repeats
    """

    drop: pd.Series
    first: pd.Series
    problems: pd.DataFrame


def find(raw: pd.DataFrame, contract: Contract) -> Copies:
    """Copies among the raw text rows of one table (all files together)."""
    content = raw.drop(columns=POSITION)
    rows = pd.util.hash_pandas_object(content, index=False)
    record = raw.groupby(POSITION, sort=False).ngroup()
    starts = ~record.duplicated()
    records = raw.loc[starts, POSITION].assign(
        print=rows.groupby(record.to_numpy()).sum().to_numpy(), index=raw.index[starts]
    )
    records = records.reset_index(drop=True)
    again = records["print"].duplicated()
    origin = pd.Series(pd.factorize(records["print"])[0]).map(pd.Series(records.index[~again])).rename("origin")
    records = records.assign(origin=origin)
    if not again.any():
        return Copies(
            again.reindex(raw.index, fill_value=False), pd.Series(dtype="int64"), pd.DataFrame(columns=PROBLEMS)
        )
    certain = again & _told_apart(raw.loc[starts].reset_index(drop=True), again, contract)
    drop = pd.Series(certain.to_numpy()[record.to_numpy()], index=raw.index)
    first = pd.Series(records["index"].to_numpy()[origin.to_numpy()[record.to_numpy()]], index=raw.index)[drop]
    problems = [*_copied(contract.name, records, certain), *_suspects(contract.name, records, again & ~certain)]
    return Copies(drop, first, joined(problems, PROBLEMS))


def overlaps(raw: pd.DataFrame, days: pd.Series, copies: Copies, contract: Contract) -> pd.DataFrame:
    """Pairs of files that hold the same records or ids: both names, the count, the days covered."""
    repeated = pd.DataFrame({"at": copies.first.index, "earlier": copies.first.array})
    key = contract.key[0]
    if key in raw:
        ids = raw[[key, "source_file"]].dropna().reset_index(names="at").drop_duplicates([key, "source_file"])
        origin = ids.groupby(key, sort=False)["at"].transform("first")
        repeated = pd.concat([repeated, pd.DataFrame({"at": ids["at"], "earlier": origin})]).drop_duplicates("at")
    files = raw["source_file"]
    repeated = repeated.assign(file=files[repeated["at"]].array, other=files[repeated["earlier"]].array)
    notes = []
    for (file, other), rows in repeated[repeated["file"] != repeated["other"]].groupby(["file", "other"], sort=False):
        known = days[rows["at"]].dropna()
        span = f", {known.min():%Y-%m-%d}..{known.max():%Y-%m-%d}" if len(known) else ""
        notes.append(problem(contract.name, file, "overlapping_files", value=f"{other}{span}", count=len(rows)))
    return joined(notes, PROBLEMS)


def _told_apart(records: pd.DataFrame, again: pd.Series, contract: Contract) -> pd.Series:
    """Record by record: does something show that two identical ones are the same answer?"""
    key = contract.key[0]
    named = records[key].notna() if key in records else pd.Series(False, index=records.index)
    folded = records[~again]
    columns = [name for name in folded if name not in POSITION and _may_tell(name, contract)]
    unique = len(folded) >= ENOUGH and any(folded[name].notna().all() and folded[name].is_unique for name in columns)
    return named | unique


def _may_tell(name: str, contract: Contract) -> bool:
    return name not in contract.columns or contract.columns[name].type not in NOT_KEYS


def _copied(table: str, records: pd.DataFrame, certain: pd.Series) -> list[pd.DataFrame]:
    copies, origins = records[certain], records.loc[records.loc[certain, "origin"]]
    same = copies["source_file"].to_numpy() == origins["source_file"].to_numpy()
    place = origins["source_row"].astype("str").to_numpy()
    value = pd.Series(origins["source_file"].to_numpy() + "#" + place, index=copies.index).mask(same, "#" + place)
    each = {"table": table, "file": copies["source_file"], "row": copies["source_row"], "value": value}
    fixed = {"column": "", "rule": "duplicate_row", "severity": "warning", "count": 1, "used": False}
    blocks = [problem(table, rule="duplicate_block", used=False, **block) for block in _blocks(records, certain)]
    return [pd.DataFrame(each | fixed, columns=PROBLEMS), *blocks]


def _suspects(table: str, records: pd.DataFrame, alike: pd.Series) -> list[pd.DataFrame]:
    counts = records.loc[alike, "source_file"].value_counts(sort=False)
    notes = [problem(table, file, "identical_rows_suspect", count=n, severity="info") for file, n in counts.items()]
    return notes + [problem(table, rule="repeated_block_suspect", **block) for block in _blocks(records, alike, ENOUGH)]


def _blocks(records: pd.DataFrame, copies: pd.Series, shortest: int = BLOCK) -> list[dict]:
    """Runs of neighbouring records that repeat neighbouring records: rows a–b repeat rows c–d."""
    own = records[copies]
    step = (
        (own.index.to_series().diff() != 1)
        | (own["origin"].diff() != 1)
        | (own["source_file"] != own["source_file"].shift())
    )
    found = []
    for _, run in own.groupby(step.cumsum(), sort=False):
        if len(run) < shortest or run["print"].nunique() < 0.8 * len(run):
            continue
        origin = records.loc[run["origin"]]
        file = origin["source_file"].iloc[0]
        there = f"{origin['source_row'].iloc[0]}–{origin['source_row'].iloc[-1]}"
        here = f"{run['source_row'].iloc[0]}–{run['source_row'].iloc[-1]}"
        other = "" if file == run["source_file"].iloc[0] else f"{file} "
        value = f"{here} = {other}{there}"
        found.append(
            {
                "file": run["source_file"].iloc[0],
                "row": int(run["source_row"].iloc[0]),
                "value": value,
                "count": len(run),
            }
        )
    return found
