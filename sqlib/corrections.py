"""Decisions applied: cells corrected, rows left out, labels merged, before anything is typed; every change is logged.

A decision holds for the cell it saw: file, row, column and value. Where the file was exported again and the row moved,
the record's id finds it; where the value is another one, or nothing is found, the decision is orphaned and says why.
"""

from dataclasses import dataclass

import pandas as pd

from sqlib import blocks, pseudonyms, queries, register
from sqlib.client import Client
from sqlib.contracts import Contract
from sqlib.intake import Raw
from sqlib.repairs import LOG, joined

POSITION = ["source_file", "source_row"]
QUESTION = ["metric", "dimension", "item_id"]  # what tells the answers of one line apart
SEP = " | "
OUTCOME = [*register.FIELDS, "status", "reason", "cells"]


@dataclass(frozen=True)
class Corrected:
    """A raw frame as decided.

    frame : the raw frame, cells corrected and labels merged
    excluded : row by row, left out by hand
    log : file, row, column, before, after, rule
    decisions : the register's fields, ``status`` (applied | orphaned | conflict | kept), ``reason``, ``cells`` changed
    """

    frame: pd.DataFrame
    excluded: pd.Series
    log: pd.DataFrame
    decisions: pd.DataFrame


def apply(raw: Raw, contract: Contract, client: Client, entries: pd.DataFrame) -> Corrected:
    """Apply the decisions of one table to its raw frame (names are pseudonyms already)."""
    none = pd.Series(False, index=raw.frame.index)
    entries = entries[entries["decision"] != "accept"].reset_index(drop=True)
    if entries.empty:
        return Corrected(raw.frame, none, joined([], LOG), pd.DataFrame(columns=OUTCOME))
    labelled = entries["decision"].isin(register.LABELS)
    frame, gone, log, merged = _merged(raw.frame, contract, entries[labelled])
    places, cells = _places(raw.frame, frame, contract, entries[~labelled], queries.names(client))
    frame, log_cells, cells = _corrected(frame, raw, places, cells, contract, client)
    rows = places.loc[places["decision"] == "exclude", "at"]
    log_rows = _log(raw.frame.loc[rows], "", "", "", "excluded_by_hand")
    told = pd.concat([merged, cells], ignore_index=True)[OUTCOME]
    return Corrected(frame, gone | none.index.isin(rows), joined([log, log_cells, log_rows], LOG), told)


def records(rows: pd.DataFrame, contract: Contract) -> pd.Series:
    """The id of each raw row as the client's own columns give it, with the question where a line holds several.

    Empty, or beginning with ``SEP``, where the client gives no id.
    """
    nothing = pd.Series("", index=rows.index, dtype="str")
    names = [name for name in dict.fromkeys([*contract.key, *QUESTION]) if name in contract.columns]
    first, *rest = (rows[name].fillna("").astype("str") if name in rows else nothing for name in names)
    return first.str.cat(rest, sep=SEP).str.rstrip(SEP) if rest else first


def told(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """What became of decisions, one below the other; a label decided for all tables once, its cells added up."""
    whole = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)[OUTCOME]
    whole = whole.astype({name: "int64" if name in ("row", "cells") else "str" for name in OUTCOME})
    order = whole.sort_values("status", key=lambda status: status != "applied", kind="stable")
    groups = order.groupby(register.FIELDS, sort=False, dropna=False)
    return groups.agg(status=("status", "first"), reason=("reason", "first"), cells=("cells", "sum")).reset_index()


def on_cells(problems: pd.DataFrame, contract: Contract) -> pd.Series:
    """Problem by problem: is it about one cell, so that a corrected value or leaving the row out can mend it?"""
    own = problems["column"].isin(list(contract.columns)) & (problems["row"] > 0)
    return own & ~problems["used"].astype(bool) & ~problems["rule"].isin(list(blocks.SEVERITY))


def accepted(problems: pd.DataFrame, entries: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """Problem by problem: did somebody accept it? And what became of every acceptance.

    An accepted problem is no longer open; a row set aside stays set aside (reason ``stays_aside``).
    """
    taken = entries[entries["decision"] == "accept"].assign(status="accepted", reason="", cells=0)
    if taken.empty:
        return pd.Series(False, index=problems.index, dtype=bool), taken[OUTCOME]
    named = problems.assign(record=problems["record"].fillna(""), value=problems["value"].fillna(""))
    known, seen = (pd.Series(False, index=index, dtype=bool) for index in (problems.index, taken.index))
    for where, own in ((["file", "row"], ""), (["file", "record"], "record")):
        keys = [*where, "column", "value", "rule"]
        given, met = (_joined(frame, keys) for frame in (taken, named))
        usable, there = (_has_id(frame[own]) if own else frame["rule"] != "" for frame in (taken, named))
        known |= there & met.isin(given[usable])
        seen |= usable & given.isin(met[there])
    aside = named.loc[known & ~named["used"].astype(bool), "rule"]
    taken["reason"] = taken["reason"].mask(taken["rule"].isin(aside), "stays_aside").mask(~seen, "problem_gone")
    return known, taken.assign(status=taken["status"].mask(~seen, "orphaned"))[OUTCOME]


def _joined(frame: pd.DataFrame, names: list[str]) -> pd.Series:
    first, *rest = (frame[name].astype("str") for name in names)
    return first.str.cat(rest, sep="\0")


def _merged(raw: pd.DataFrame, contract: Contract, entries: pd.DataFrame):
    """Labels merged wherever they stand; a row that only described the merged id is left out of its own table."""
    frame, logs, gone = raw, [], pd.Series(False, index=raw.index)
    told = entries.assign(status="kept", reason="", cells=0)
    merges = entries[entries["decision"] == "merge"]
    told["status"] = told["status"].mask(told["decision"] == "merge", "orphaned")
    told["reason"] = told["reason"].mask(told["decision"] == "merge", "label_gone")
    for name in [name for name in raw if name in contract.columns]:
        mine = merges[merges["column"].isin([name, contract.columns[name].identifies or name])]
        into = dict(zip(mine["value"], mine["corrected"], strict=True))
        rows = raw[name].isin(list(into)) if into else gone
        if not rows.any():
            continue
        met = raw.loc[rows, name].value_counts()
        after = raw.loc[rows, name].map(_ends(into)).astype("str")
        own = rows & (contract.key == (name,)) & raw[name].map(_ends(into)).isin(set(raw[name].dropna()))
        gone = gone | own
        frame = frame.assign(**{name: frame[name].mask(rows & ~own, after.reindex(raw.index))})
        logs.append(_log(raw[rows], name, raw.loc[rows, name], after, "label_merged"))
        hit = told.index.isin(mine.index) & told["value"].isin(met.index)
        told = told.assign(status=told["status"].mask(hit, "applied"), reason=told["reason"].mask(hit, ""))
        told["cells"] += told["value"].map(met).fillna(0).astype("int64").where(hit, 0)
    return frame, gone, joined(logs, LOG), told


def _ends(into: dict[str, str]) -> dict[str, str]:
    """Label -> where its chain of merges ends; a circle (refused when decided) ends after one turn."""
    found = {}
    for label in into:
        end, seen = into[label], {label}
        while end in into and end not in seen:
            seen.add(end)
            end = into[end]
        found[label] = end
    return found


def _places(raw: pd.DataFrame, merged: pd.DataFrame, contract: Contract, entries: pd.DataFrame, moving: set[str]):
    """Which rows each decision means: ``at`` beside the fields of the decision; and what became of every decision.

    moving : files in which a row without an id is no longer found where it stood
    """
    told = entries.assign(status="orphaned", reason="", cells=0)
    clash = told.duplicated(register.CELL, keep=False)
    told = told.assign(
        status=told["status"].mask(clash, "conflict"), reason=told["reason"].mask(clash, "two_decisions")
    )
    vague = told["file"].isin(moving) & ~_has_id(told["record"]) & ~clash
    told["reason"] = told["reason"].mask(vague, "no_id")
    settled = clash | vague
    wanted = told[~settled].drop(columns=["status", "reason", "cells"])
    mine = raw["source_file"].isin(wanted["file"])
    rows = _known(raw[mine & raw["source_row"].isin(wanted["row"])], contract)
    there = _same(wanted.reset_index(names="entry").merge(rows, on=["file", "row"]), raw, merged, contract)
    exact = there[there["same"] & ((there["record"] == "") | (there["record"] == there["known"]))]
    lost = wanted[~wanted.index.isin(exact["entry"]) & _has_id(wanted["record"])].reset_index(names="entry")
    rows = _known(raw[mine] if len(lost) else raw.head(0), contract).drop(columns="row")
    moved = _same(lost.merge(rows, left_on=["file", "record"], right_on=["file", "known"]), raw, merged, contract)
    moved = moved[moved["same"] & ~moved.duplicated("entry", keep=False)]
    found = pd.concat([exact, moved], ignore_index=True)
    hit = told.index.isin(found["entry"])
    told["reason"] = told["reason"].mask(~hit & ~settled, _why(told, set(raw.loc[mine, "source_file"]), there))
    return found, told.assign(status=told["status"].mask(hit, "applied"), cells=_sizes(found, told.index))


def _known(rows: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Where each raw row stands and the record it is: at, file, row, known."""
    found = rows[POSITION].assign(known=records(rows, contract)).reset_index(names="at")
    return found.rename(columns={"source_file": "file", "source_row": "row"})


def _same(pairs: pd.DataFrame, raw: pd.DataFrame, merged: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Pairs of decision and row with ``same``: the cell holds the value that was seen, before or after merges."""
    same = pd.Series(False, index=pairs.index)
    for name, part in pairs.groupby("column", sort=False):
        if name not in contract.columns or contract.columns[name].type == "name":
            continue
        for frame in (raw, merged):
            texts = frame.loc[part["at"], name].fillna("") if name in frame else pd.Series("", index=part["at"])
            same[part.index] |= texts.to_numpy() == part["value"].to_numpy()
    return pairs.assign(same=same.astype(bool))


def _has_id(record: pd.Series) -> pd.Series:
    return (record != "") & ~record.str.startswith(SEP)


def _why(told: pd.DataFrame, files: set[str], there: pd.DataFrame) -> pd.Series:
    """Why nothing was found: file_gone, row_gone, another_value."""
    reason = pd.Series("row_gone", index=told.index).mask(~told["file"].isin(files), "file_gone")
    return reason.mask(told.index.isin(there["entry"]), "another_value")


def _sizes(found: pd.DataFrame, index: pd.Index) -> pd.Series:
    return found.groupby("entry").size().reindex(index, fill_value=0)


def _corrected(frame, raw: Raw, places: pd.DataFrame, told: pd.DataFrame, contract: Contract, client: Client):
    """The corrected values in place; a corrected name becomes the id it stands for before anything is logged."""
    logs, known = [], {}
    for name, rows in places[places["decision"] == "correct"].groupby("column", sort=False):
        texts, kind = rows["corrected"], contract.columns[name].identifies
        if kind:
            texts, more = pseudonyms.coded(texts, kind, client, raw.book, frame.get(name))
            known |= more
            told["corrected"] = told.index.to_series().map(dict(zip(rows["entry"], texts, strict=True))).fillna(
                told["corrected"])  # fmt: skip
        cells = frame[name] if name in frame else pd.Series(pd.NA, index=frame.index, dtype="str")
        after = pd.Series(texts.to_numpy(), index=rows["at"].to_numpy(), dtype="str")
        before = cells[after.index].fillna("")
        frame = frame.assign(**{name: cells.mask(cells.index.isin(after.index), after.reindex(cells.index))})
        logs.append(_log(frame.loc[after.index], name, before, after, "corrected_by_hand"))
    pseudonyms.remember(client, f"{contract.name}-corrected", known)
    return frame, joined(logs, LOG), told


def _log(rows: pd.DataFrame, column: str, before, after, rule: str) -> pd.DataFrame:
    given = {"file": rows["source_file"], "row": rows["source_row"], "column": column}
    return pd.DataFrame(given | {"before": before, "after": after, "rule": rule}, columns=LOG)
