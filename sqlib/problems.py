"""Problems as a product: worded in the reader's language, grouped on screen, in full in a workbook."""

from pathlib import Path

import pandas as pd

from sqlib import contracts, readiness, tables, words, workbook
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
    client: Client, checked: dict[str, Table], path: Path, language: str, period: Period | None = None
) -> Path:
    """Write the workbook a consultant works through: problems, repairs, rows set aside, balance, readiness.

    Raises
    ------
    ArgumentError : ``workbook.unwritable``
    """
    sheets = {
        "problems": _problems(checked, language),
        "repairs": _repairs(checked, language),
        "quarantine": _quarantine(checked, language),
        "balance": balance(checked, language, period),
        "readiness": readiness.shown(readiness.readiness(client, checked), language),
        "unknown": unknown(checked, language),
    }
    named = {words.entry("problems", "sheets", name)[language]: frame for name, frame in sheets.items()}
    return workbook.write(named, path, language)


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
    """Every problem up to 200 per file, column and rule; then how many more there are."""
    found = pd.concat([table.problems for table in checked.values()], ignore_index=True)
    place = found.groupby(["table", "file", "column", "rule"], sort=False)
    listed, size = place.cumcount(), place["rule"].transform("size")
    more = words.entry("problems", "more")[language]
    cut = found[listed == LISTED].assign(row=0, value=[more.format(count=n - LISTED) for n in size[listed == LISTED]])
    found = pd.concat([found[listed < LISTED], cut]).sort_index()
    names = ["severity", "table", "file", "row", "column", "value", "rule", "count", "used", "remedy"]
    return _worded(found.assign(remedy=found["rule"]), language)[names].rename(columns=_headings(names, language))


def _repairs(checked: dict[str, Table], language: str) -> pd.DataFrame:
    """The log of repairs grouped by file, column and rule: the count and the first 200 rows of each."""
    logs = [table.repairs.assign(table=name) for name, table in checked.items()]
    log = pd.concat(logs, ignore_index=True)
    place = log.groupby(["table", "file", "column", "rule"], sort=False)
    log = log.assign(count=place["rule"].transform("size"))[place.cumcount() < LISTED]
    log = log.sort_values(["table", "file", "column", "rule"], kind="stable")
    log["repair"] = log["rule"].map(lambda rule: words.entry("problems", "repair", rule)[language])
    log["table"] = log["table"].map(lambda name: _title(name, language))
    names = ["table", "file", "column", "repair", "count", "row", "before", "after"]
    return log[names].rename(columns=_headings(names, language))


def _quarantine(checked: dict[str, Table], language: str) -> pd.DataFrame:
    """The raw rows set aside, as delivered, with what is wrong with each."""
    parts = [table.quarantine.assign(table=_title(name, language)) for name, table in checked.items()]
    rows = pd.concat(parts, ignore_index=True)
    codes = {
        text: ", ".join(_rule(rule, "what", language) for rule in text.split(", "))
        for text in rows["problems"].unique()
    }
    rows["problems"] = rows["problems"].map(codes)
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
