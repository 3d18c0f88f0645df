"""Problems as a product: worded in the reader's language, grouped on screen, in full in a workbook."""

import functools
from pathlib import Path

import pandas as pd

from sqlib import (
    contracts,
    corrections,
    decisions,
    forms,
    labels,
    masking,
    pseudonyms,
    readiness,
    repairs,
    tables,
    words,
)
from sqlib.client import Client
from sqlib.periods import Period
from sqlib.tables import Table

LISTED = 200  # rows listed per file, column and rule
EXAMPLES = 3  # rows and values shown on screen per group


def screen(checked: dict[str, Table], language: str) -> pd.DataFrame:
    """One row per table, file, column and rule: how many rows, the first of them, examples, what to do.

    Columns are headings in the language; the index is the rule's code.
    """
    groups = []
    for table in checked.values():
        for (file, column, rule), rows in table.problems.groupby(["file", "column", "rule"], sort=False):
            examples = rows["row"][rows["row"] > 0].drop_duplicates().head(EXAMPLES)
            values = rows["value"].fillna("").loc[lambda cells: cells != ""].drop_duplicates().head(EXAMPLES)
            first = {
                "table": table.name,
                "file": file,
                "column": column,
                "rule": rule,
                "count": int(rows["count"].sum()),
            }
            more = {"rows": _some(examples, len(rows)), "values": _some(values.str.slice(0, 60), values.size)}
            groups.append(first | more | {"severity": rows["severity"].iloc[0], "used": bool(rows["used"].iloc[0])})
    names = ["severity", "table", "file", "column", "rule", "count", "rows", "values", "used", "remedy"]
    frame = pd.DataFrame(groups, columns=[name for name in names if name != "remedy"])
    return _worded(frame.assign(remedy=frame["rule"]), language)[names].rename(columns=_headings(names, language))


def write_problems(
    client: Client, checked: dict[str, Table], path: Path, language: str, period: Period | None = None, *,
    lines: dict[str, pd.DataFrame] | None = None, refused: pd.DataFrame | None = None,
) -> Path:  # fmt: skip
    """Write the workbook a consultant works through, which comes back filled in (``decisions``).

    Problems and labels to decide (``lines``); repairs, rows set aside, balance, readiness, what was accepted and
    decided to read. ``refused``: lines filled in last time that could not be taken over.

    Raises
    ------
    ArgumentError : ``workbook.unwritable``
    """
    sheets = {
        "repairs": _repairs(checked, language),
        "quarantine": _quarantine(checked, language),
        "balance": balance(checked, language, period),
        "readiness": readiness.shown(readiness.readiness(client, checked), language),
        "unknown": unknown(checked, language),
    }
    told = {"accepted": _accepted(checked, language), "decisions": decided(checked, language, refused)}
    sheets |= {name: frame for name, frame in told.items() if len(frame)}
    more = {words.entry("problems", "sheets", name)[language]: frame for name, frame in sheets.items()}
    lines = to_decide(client, checked, language, refused) if lines is None else lines
    return forms.write("problems", lines, path, language, about={"client": client.id}, more=more)


def to_decide(
    client: Client, checked: dict[str, Table], language: str, refused: pd.DataFrame | None = None
) -> dict[str, pd.DataFrame]:
    """The lines of the form: problems nobody has accepted, labels that may be one; ``code`` is empty where nothing can
    be decided. ``refused``: what was filled in last time and not taken over stands there again, with the reason."""
    lines = {"problems": _problems(opened(checked), language), "labels": _labels(client, checked, language)}
    return {name: _returned(frame, name, refused, language) for name, frame in lines.items()}


def opened(checked: dict[str, Table]) -> dict[str, Table]:
    """The tables with the problems nobody has accepted."""
    return {
        name: table.changed(problems=table.problems[~corrections.accepted(table.problems, table.decisions)[0]])
        for name, table in checked.items()
    }


def outcomes(checked: dict[str, Table]) -> pd.DataFrame:
    """What became of every decision in the register, over all tables: see ``corrections.OUTCOME``."""
    return corrections.told([table.decisions for table in checked.values()])


def decided(checked: dict[str, Table], language: str, refused: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every decision, those refused included, with its outcome and the reason, worded."""
    parts = [outcomes(checked)]
    if refused is not None and len(refused):
        parts.append(refused.assign(status="rejected", cells=0))
    rows = pd.concat(parts, ignore_index=True)[corrections.OUTCOME]
    for name, group in (("decision", "decision"), ("status", "status"), ("reason", "reason")):
        rows[name] = rows[name].map(lambda code, group=group: _said(group, code, language))
    rows["column"] = [
        _place(table, column, language) for table, column in zip(rows["table"], rows["column"], strict=True)
    ]
    rows["table"] = rows["table"].map(lambda table: _title(table, language) if table else "")
    rows["row"] = rows["row"].astype("object").mask(rows["row"] == 0, "")
    names = ["decision", "status", "table", "file", "row", "column", "value", "corrected", "cells", "reason", "decided"]
    return rows[names].rename(columns=_headings(names, language))


def balance(checked: dict[str, Table], language: str, period: Period | None = None) -> pd.DataFrame:
    """The balance of rows of every table, headings in the language."""
    parts = [tables.balance(table, period).assign(table=_title(name, language)) for name, table in checked.items()]
    frame = pd.concat(parts, ignore_index=True)
    frame["file"] = frame["file"].replace("", words.entry("problems", "all_files")[language])
    headings = {name: words.entry("problems", "balance", name)[language] for name in parts[0] if name != "table"}
    return frame[["table", *headings]].rename(columns=headings | _headings(["table"], language))


def unknown(checked: dict[str, Table], language: str) -> pd.DataFrame:
    """Headers no table took from their file: kept in the raw rows, used by no page; one row per header."""
    reading = pd.concat([table.counts[["file"]] for table in checked.values()])["file"].value_counts()
    headers = pd.concat([table.unknown for table in checked.values()], ignore_index=True)
    times = headers.groupby(["file", "column"], sort=False).size().reset_index(name="tables")
    unused = times[times["tables"] == times["file"].map(reading)]
    listed = unused.groupby("column", sort=False)["file"].agg(lambda files: ", ".join(sorted(files)[:EXAMPLES]))
    return listed.reset_index().rename(columns=_headings(["file", "column"], language))


def _problems(checked: dict[str, Table], language: str) -> pd.DataFrame:
    """Every problem up to 200 per file, column and rule, then how many more there are; columns of the form."""
    found = pd.concat([_coded(table) for table in checked.values()], ignore_index=True)
    place = found.groupby(["table", "file", "column", "rule"], sort=False)
    listed, size = place.cumcount(), place["rule"].transform("size")
    more = words.entry("problems", "more")[language]
    cut = found[listed == LISTED].assign(row=0, value=[more.format(count=n - LISTED) for n in size[listed == LISTED]])
    found = pd.concat([found[listed < LISTED], cut.assign(code="", record="", remark="")]).sort_index()
    remarks = [_said("reason", "still_wrong", language).format(value=text) if text else "" for text in found["remark"]]
    return _worded(found.assign(remedy=found["rule"], remark=remarks), language)


def _coded(table: Table) -> pd.DataFrame:
    """Problems of one table with the code a line returns by, and the value a corrected cell had before (``remark``)."""
    rows, contract = table.problems, contracts.load(table.name)
    kinds = corrections.on_cells(rows, contract).map({True: decisions.CELL_CODE, False: decisions.NOTE_CODE})
    codes = kinds + "|" + table.name + "|" + rows["rule"] + "|" + rows["column"]
    hand = table.decisions[(table.decisions["decision"] == "correct") & (table.decisions["status"] == "applied")]
    keys = ["file", "row", "column"]
    before = hand.drop_duplicates([*keys, "corrected"]).rename(columns={"value": "remark", "corrected": "value"})
    rows = rows.assign(code=codes, record=rows["record"].fillna(""), value=rows["value"].fillna(""))
    return rows.merge(before[[*keys, "value", "remark"]], on=[*keys, "value"], how="left").fillna({"remark": ""})


def _labels(client: Client, checked: dict[str, Table], language: str) -> pd.DataFrame:
    """Labels that may be one and nobody has decided yet; columns of the form."""
    found = labels.proposals(checked, pseudonyms.names(client))
    apart = outcomes(checked).query("decision == 'keep'")
    known = set(zip(apart["column"], apart["value"], strict=True))
    mine = pd.Series([*zip(found["column"], found["label"], strict=True)], index=found.index, dtype="object")
    found = found[~mine.isin(known)]
    codes = decisions.LABEL_CODE + "||" + found["why"] + "|" + found["column"]
    places = found["column"].map(lambda column: _place("", column, language))
    return found.assign(code=codes, place=places, why=found["why"].map(lambda why: _said("why", why, language)))


def _returned(lines: pd.DataFrame, sheet: str, refused: pd.DataFrame | None, language: str) -> pd.DataFrame:
    """The lines with what was filled in last time and could not be taken over."""
    if refused is None or refused.empty or lines.empty:
        return lines
    again = refused[refused["sheet"] == sheet].rename(columns={"reason": "why_not"})
    keys = {"problems": ["code", "file", "row", "value", "record"], "labels": ["code", "label"]}[sheet]
    given = {"problems": "corrected", "labels": "into"}[sheet]
    again = again.rename(columns={"value": "label", "corrected": "into"} if sheet == "labels" else {})
    again = again.drop_duplicates(keys)[[*keys, "decision", given, "why_not"]]
    both = lines.merge(again, on=keys, how="left", suffixes=("_proposed", ""))
    if f"{given}_proposed" in both:
        both[given] = both[given].mask(both[given].isna() | (both[given] == ""), both[f"{given}_proposed"])
    said = both["why_not"].map(lambda code: _said("reason", code, language), na_action="ignore")
    return both.assign(remark=said.fillna(both.get("remark", "")))


def _accepted(checked: dict[str, Table], language: str) -> pd.DataFrame:
    """Problems a person accepted, as they stand."""
    parts = [table.problems[corrections.accepted(table.problems, table.decisions)[0]] for table in checked.values()]
    rows = pd.concat(parts, ignore_index=True)
    names = ["severity", "table", "file", "row", "column", "value", "rule", "count", "used"]
    return _worded(rows.assign(remedy=rows["rule"]), language)[names].rename(columns=_headings(names, language))


def _repairs(checked: dict[str, Table], language: str) -> pd.DataFrame:
    """The log of repairs grouped by file, column and rule: the count and the first 200 rows of each."""
    logs = [table.repairs.assign(table=name) for name, table in checked.items()]
    log = pd.concat(logs, ignore_index=True)
    place = log.groupby(["table", "file", "column", "rule"], sort=False)
    log = log.assign(count=place["rule"].transform("size"))[place.cumcount() < LISTED]
    log = log.sort_values(["table", "file", "column", "rule"], kind="stable")
    mapped = {(name, column) for name in checked for column in contracts.load(name).columns}
    pairs = zip(log["table"], log["column"], strict=True)
    unmapped = pd.Series([pair not in mapped for pair in pairs], index=log.index, dtype=bool)
    for name in ("before", "after"):  # nobody said what an unmapped column holds
        log[name] = log[name].mask(unmapped, repairs.translated(log[name], _hidden(language)))
    log["repair"] = log["rule"].map(lambda rule: words.entry("problems", "repair", rule)[language])
    log["table"] = log["table"].map(lambda name: _title(name, language))
    names = ["table", "file", "column", "repair", "count", "row", "before", "after"]
    return log[names].rename(columns=_headings(names, language))


def _hidden(language: str):
    """Masks the numbers and addresses of persons in a text."""
    return functools.partial(masking.mask, language=language)


def _quarantine(checked: dict[str, Table], language: str) -> pd.DataFrame:
    """The raw rows set aside, as delivered, with what is wrong with each."""
    parts = [table.quarantine.assign(table=_title(name, language)) for name, table in checked.items()]
    rows = pd.concat(parts, ignore_index=True)
    codes = {
        text: ", ".join(_rule(rule, "what", language) for rule in text.split(", "))
        for text in rows["problems"].unique()
    }
    rows["problems"] = rows["problems"].map(codes)
    own = {column for name in checked for column in contracts.load(name).columns}
    for name in [name for name in rows if name not in own and name not in (*corrections.POSITION, "table", "problems")]:
        rows[name] = repairs.translated(rows[name], _hidden(language))  # nobody said what an unmapped column holds
    first = {"table": "table", "source_file": "file", "source_row": "row", "problems": "problems"}
    rest = [name for name in rows if name not in first and rows[name].notna().any()]
    headings = {name: words.entry("problems", "headings", heading)[language] for name, heading in first.items()}
    return rows[[*first, *rest]].rename(columns=headings)


def _worded(frame: pd.DataFrame, language: str) -> pd.DataFrame:
    """Codes replaced by words: table, column, rule, remedy, severity, used."""
    labels = [_label(table, column, language) for table, column in zip(frame["table"], frame["column"], strict=True)]
    return frame.assign(
        table=frame["table"].map(lambda name: _title(name, language)),
        column=labels,
        rule=frame["rule"].map(lambda rule: _rule(rule, "what", language)),
        remedy=frame["remedy"].map(lambda rule: _rule(rule, "remedy", language)),
        severity=frame["severity"].map(lambda code: words.entry("problems", "severity", code)[language]),
        used=frame["used"].map(lambda used: words.entry("problems", "used", "yes" if used else "no")[language]),
    )


def _rule(rule: str, part: str, language: str) -> str:
    return words.entry("problems", "rule", rule)[language][part]


def _said(group: str, code: str, language: str) -> str:
    return words.entry("problems", group, code)[language] if code else ""


def _place(table: str, column: str, language: str) -> str:
    """The column's label; of a label that concerns every table, the label of the first table that has the column."""
    if column in ("customer", "person"):
        return _said("role", column, language)
    tables_with = [name for name in contracts.names() if column in contracts.load(name).columns]
    return _label(table or tables_with[0], column, language) if table or tables_with else column


def _label(table: str, column: str, language: str) -> str:
    """The column's label where the contract has it, else the header as the file writes it."""
    contract = contracts.load(table)
    return contracts.label(contract, column, language, unit=False) if column in contract.columns else column


def _title(table: str, language: str) -> str:
    return contracts.load(table).title[language]


def _headings(names: list[str], language: str) -> dict[str, str]:
    return {name: words.entry("problems", "headings", name)[language] for name in names}


def _some(examples: pd.Series, size: int) -> str:
    return ", ".join(map(str, examples)) + (" …" if size > len(examples) > 0 else "")
