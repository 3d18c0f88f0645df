"""Every column of a raw frame typed by its contract; what was rewritten is logged, what was not understood is named."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

import pandas as pd

from sqlib import dates, parsing, worded
from sqlib.client import Client, Source
from sqlib.contracts import Column, Contract
from sqlib.parsing import Typed, blank
from sqlib.repairs import LOG, PROBLEMS, joined, log, problem

FAILED = ["index", "column", "rule"]
_WORDS = [
    "source_file",
    "metric",
    "dimension",
    "item_id",
    "criterion_id",
]  # a worded column is one question, or matrix, of one file


@dataclass(frozen=True)
class Columns:
    """Typed frame (all contract columns but names, source_file, source_row), the text it came from, and the record.

    failed : index of the row, column, rule: cells that were not understood
    """

    frame: pd.DataFrame
    text: pd.DataFrame
    failed: pd.DataFrame
    repairs: pd.DataFrame
    problems: pd.DataFrame


def read(raw: pd.DataFrame, contract: Contract, client: Client) -> Columns:
    """Type every contract column of a raw text frame (rows of any number of files)."""
    text, logs = conformed(raw, contract)
    typed = {name: _column(text, column, client, contract.name) for name, column in _kept(contract).items()}
    frame = pd.DataFrame({name: cells.values for name, cells in typed.items()})
    frame = frame.assign(source_file=text["source_file"], source_row=text["source_row"])
    problems = []
    if "metric" in typed:
        frame["metric"], defaulted = _metric(frame)
        logs += [defaulted]
    if contract.scale_by:
        typed["score"], frame, more, problems = _words(frame, text, typed["score"], client, contract.name)
        logs += more
    logs += [_rewritten(text, name, cells) for name, cells in typed.items()]
    failed = pd.concat([_failed(name, cells) for name, cells in typed.items()], ignore_index=True)
    return Columns(frame, text, failed, joined(logs, LOG), joined(problems, PROBLEMS))


def conformed(raw: pd.DataFrame, contract: Contract) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """The contract's columns as text, absent ones empty; missing row ids become ``file#row``, which is logged."""
    nothing = pd.Series(pd.NA, index=raw.index, dtype="str")
    text = pd.DataFrame({name: raw.get(name, nothing) for name in _kept(contract)})
    text = text.assign(source_file=raw["source_file"], source_row=raw["source_row"])
    logs = []
    for name in (name for name, column in contract.columns.items() if column.default == "row"):
        missing = text[name].isna()
        rows = text["source_file"] + "#" + text["source_row"].astype("str")
        text[name] = text[name].where(~missing, rows)
        if missing.all():
            logs += [log(file, 0, name, "", f"{file}#…", "id_from_row") for file in text["source_file"].unique()]
        elif missing.any():
            logs.append(_entries(text[missing], name, "", rows[missing], "id_from_row"))
    return text, logs


def source_of(client: Client, table: str, file: str) -> Source | None:
    """The block of client.toml that reads a file, the first that names it."""
    for source in client.tables.get(table, []):
        if any(file == pattern or fnmatchcase(file, pattern) for pattern in source.files):
            return source
    return None


def _kept(contract: Contract) -> dict[str, Column]:
    return {name: column for name, column in contract.columns.items() if column.type != "name"}


def _column(text: pd.DataFrame, column: Column, client: Client, table: str) -> Typed:
    cells = text[column.name]
    match column.type:
        case "number" | "integer":
            return parsing.numbers(cells, column.unit["en"], whole=column.type == "integer")
        case "flag":
            return parsing.flags(cells)
        case "category":
            return parsing.categories(cells, column)
        case "datetime" | "date":
            return _dates(text, column, client, table)
    return parsing.as_written(cells)


def _dates(text: pd.DataFrame, column: Column, client: Client, table: str) -> Typed:
    """Dates file by file: the order of day and month is a habit of the export."""
    parts = []
    for file, cells in text[column.name].groupby(text["source_file"], sort=False):
        source = source_of(client, table, file)
        declared = {"dayfirst": source.dayfirst, "year": source.year} if source else {}
        parts.append(dates.datetimes(cells, timezone=client.timezone, **declared))
    if not parts:
        parts = [dates.datetimes(text[column.name], timezone=client.timezone)]
    pieces = [pd.concat([getattr(part, name) for part in parts]) for name in ("values", "repaired", "failed")]
    values, repaired, failed = (piece.reindex(text.index) for piece in pieces)
    return Typed(values.dt.normalize() if column.type == "date" else values, repaired, failed)


def _metric(frame: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """Scores of an undeclared metric are satisfaction."""
    unnamed = frame["metric"].isna() & frame["score"].notna()
    files = frame.loc[unnamed, "source_file"].unique()
    logs = [log(file, 0, "metric", "", "csat", "metric_default") for file in files]
    return frame["metric"].fillna("csat"), joined(logs, LOG)


def _words(frame: pd.DataFrame, text: pd.DataFrame, score: Typed, client: Client, table: str):
    """Scores written in words, question by question, unless the block recodes them itself."""
    values, repaired, failed = score.values.copy(), score.repaired.copy(), score.failed.copy()
    frame, logs, problems = frame.copy(), [], []
    keys = [name for name in _WORDS if name in frame]
    asked = frame[keys].assign(item_id=frame["stem"].fillna(frame["item_id"])) if "stem" in frame else frame[keys]
    in_words = score.failed != ""
    for (file, *_), at in asked[in_words].groupby(keys, sort=False, dropna=False):
        rows = frame.loc[at.index]
        source = source_of(client, table, file)
        low, high = (_stated(rows[name]) for name in ("scale_min", "scale_max"))
        recoded = source is not None and "score" in source.recode
        cells = text.loc[rows.index, "score"]
        own = (asked.fillna("") == asked.loc[rows.index[0]].fillna("")).all(axis=1)
        open_scale = high is None and score.values[own].notna().any()  # words among numbers say nothing of the scale
        near = text.loc[in_words & (frame["source_file"] == file), "score"].unique() if "criterion_id" in keys else ()
        scored = None if recoded or open_scale else worded.scores(cells, low, high, client.profile, table, near)
        read, levels = scored or (None, None)
        if levels is None:
            wordy = cells[~cells.str.contains(r"\d", regex=True)]
            known = worded.beside(wordy, client.profile) & (not (recoded or open_scale))
            failed[wordy.index] = blank(wordy).mask(~known, "unknown_level").mask(known, "level_beside_unknown")
            continue
        values[rows.index], repaired[rows.index], failed[rows.index] = read, "worded_scale", ""
        logs.append(log(file, 0, "scale_max", "", f"{levels.low:g}–{levels.high:g}", "scale_from_words"))
        for name, end in (("scale_min", levels.low), ("scale_max", levels.high)):
            frame[name] = frame[name].where(~own | frame[name].notna(), end)
        if high is None and read.nunique() < levels.high - levels.low + 1:
            value = f"{levels.low:g}–{levels.high:g}"
            problems.append(problem(table, file, "scale_assumed", column="score", value=value, count=len(rows)))
    frame["score"] = values
    return Typed(values, repaired, failed), frame, logs, problems


def _stated(ends: pd.Series) -> float | None:
    """The one declared end of a scale; None where none, or several, are declared."""
    stated = ends.dropna().unique()
    return float(stated[0]) if len(stated) == 1 else None


def _rewritten(text: pd.DataFrame, name: str, cells: Typed) -> pd.DataFrame:
    rows = cells.repaired != ""
    if not rows.any():
        return pd.DataFrame(columns=LOG)
    after = cells.values[rows].astype("str").str.removesuffix(".0").str.removesuffix(" 00:00:00")
    return _entries(text[rows], name, text.loc[rows, name], after, cells.repaired[rows])


def _entries(rows: pd.DataFrame, column: str, before, after, rule) -> pd.DataFrame:
    given = {"file": rows["source_file"], "row": rows["source_row"], "column": column}
    return pd.DataFrame(given | {"before": before, "after": after, "rule": rule}, columns=LOG)


def _failed(name: str, cells: Typed) -> pd.DataFrame:
    rows = cells.failed[cells.failed != ""]
    return pd.DataFrame({"index": rows.index.astype("int64"), "column": name, "rule": rows.array}, columns=FAILED)
