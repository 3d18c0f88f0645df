"""Typed tables: a client's raw text typed by the contract, checked against every rule, balanced row by row.

``build`` takes what ``intake`` read; ``load`` does both through the cache. A row that breaks a hard rule is set aside
with its reasons; nothing disappears: the balance is asserted for every file.
"""

import functools
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from sqlib import (
    aggregates,
    balances,
    cache,
    columns,
    completion,
    contracts,
    corrections,
    duplicates,
    exports,
    intake,
    praise,
    questions,
    register,
    reversals,
    rules,
    scales,
    stored,
    supersession,
    suspects,
)
from sqlib.client import Client
from sqlib.contracts import Contract
from sqlib.errors import DataProblems
from sqlib.intake import Raw
from sqlib.periods import Period
from sqlib.repairs import LOG, PROBLEMS, joined


@dataclass(frozen=True)
class Table:
    """One table of one client, ready for methods.

    frame : typed usable rows: every contract column but names, ``source_file``, ``source_row``; for scores also
        ``satisfied`` and, where client.toml declares a conversion, ``points`` (of 100)
    quarantine : raw text of the rows that broke a hard rule, with ``problems`` (codes joined by a comma)
    problems : table, file, row (0 = file or column), column, value, rule, severity, count, used, record
    repairs : file, row, column, before, after, rule
    counts : one row per file, see ``balances``
    unknown : file, column: headers nobody mapped
    questions : the columns among them whose answers may be tallied, one row a row of ``frame``, see ``questions``
    decisions : what became of each decision of a person, see ``corrections``; ``accepted`` of them are no longer open
    """

    name: str
    frame: pd.DataFrame
    quarantine: pd.DataFrame
    problems: pd.DataFrame
    repairs: pd.DataFrame
    counts: pd.DataFrame
    unknown: pd.DataFrame
    questions: pd.DataFrame
    decisions: pd.DataFrame

    @property
    def size(self) -> int:
        """Rows of ``frame``."""
        return int(self.counts["usable"].sum())

    @property
    def columns(self) -> list[str]:
        """Columns of ``frame``."""
        return list(self.frame)

    @property
    def dated(self) -> str | None:
        """The column that tells which period a row belongs to; None where the table has none."""
        return contracts.load(self.name).period_by

    def filled(self, column: str) -> bool:
        """Does any row hold a value in the column?"""
        return bool(self.frame[column].notna().any())

    def rows(self, columns=None, *, start=None, end=None, present=None) -> pd.DataFrame:
        """Rows of ``frame`` under their index: ``columns`` only, dated in ``start <= t < end``, with a value in the
        column ``present``."""
        return stored.cut(self.frame, columns, dated=None if start is None else self.dated, start=start, end=end,
                          present=present)  # fmt: skip

    def changed(self, **parts: pd.DataFrame) -> "Table":
        """The same table with other frames in place of some of its parts."""
        return replace(self, **parts)

    @functools.cached_property
    def days(self) -> pd.DataFrame:
        """Rows of each file and day: file, day (NaT: undated), rows."""
        rows = self.rows(["source_file", *([self.dated] if self.dated else [])])
        day = rows[self.dated].dt.floor("D") if self.dated else pd.Series(pd.NaT, index=rows.index)
        return rows.groupby(["source_file", day.rename("day")], dropna=False).size().reset_index(name="rows")


class Kept(Table):
    """A table in the cache: each part is read when it is asked for, ``rows`` without the rest of the frame."""

    def __init__(self, name: str, parts: dict[str, stored.Stored]):
        self.__dict__.update(name=name, parts=parts)

    def __getattr__(self, part: str) -> pd.DataFrame:
        if part not in self.__dict__.get("parts", ()):
            raise AttributeError(part)
        return self.__dict__.setdefault(part, self.parts[part].rows())

    def changed(self, **parts: pd.DataFrame) -> "Kept":
        other = Kept(self.name, self.parts)
        other.__dict__.update(parts)
        return other

    @property
    def columns(self) -> list[str]:
        return self.parts["frame"].columns

    def filled(self, column: str) -> bool:
        return self.parts["frame"].filled(column)

    def rows(self, columns=None, *, start=None, end=None, present=None) -> pd.DataFrame:
        return self.parts["frame"].rows(columns, dated=None if start is None else self.dated, start=start, end=end,
                                        present=present)  # fmt: skip


def load(client: Client, name: str, *, as_of: date | None = None) -> Table | None:
    """One table of a client, from the cache where nothing changed; None where client.toml declares no such table.

    Raises
    ------
    ClientError : a source file or its mapping is wrong
    """
    if not client.tables.get(name):
        return None
    contract = contracts.load(name)

    def made() -> Table:
        decided = register.of_table(register.load(client), name)
        return build(intake.read(client, name, contract), contract, client, as_of, decided)

    return cache.load(client, name, as_of, made)


def usable(table: Table) -> Table:
    """The table itself, when it has at least one row a page could use.

    Raises
    ------
    DataProblems : ``tables.no_usable_row`` with the commonest reasons
    """
    if table.size:
        return table
    worst = table.problems.loc[~table.problems["used"].astype(bool)].groupby("rule")["count"].sum().nlargest(3)
    reasons = ", ".join(f"{rule} × {count:,}" for rule, count in worst.items()) or "–"
    raise DataProblems(
        "tables.no_usable_row", table=table.name, rows=int(table.counts["raw_rows"].sum()), reasons=reasons
    )


def balance(table: Table, period: Period | None = None) -> pd.DataFrame:
    """Where every row went: one row per file and one for all (file = ""), see ``balances.balance``.

    A table without dates belongs to every period whole; a row without its date to none.
    """
    days = table.days
    whole = period is None or days["day"].isna().all()  # an undated table belongs to every period
    used = days["rows"] if whole else days["rows"].where(period.contains(days["day"]), 0)
    return balances.balance(table.counts, days["source_file"], used)


def build(raw: Raw, contract: Contract, client: Client, as_of: date | None, decided=None) -> Table:
    """Type, check and balance one raw table; ``decided``: the lines of the register that concern it.

    A copy is judged by the text as delivered, so that a copy of a corrected row stays a copy.
    """
    decided = register.EMPTY if decided is None else decided
    hand = corrections.apply(raw, contract, client, decided)
    files = raw.frame["source_file"]
    read = completion.completed(columns.read(hand.frame, contract, client), contract, client)
    gone, replaced = supersession.find(read.frame, hand.frame, list(raw.counts["file"]), client, contract)
    delivered = raw.frame[~gone] if gone.any() else raw.frame
    copies = duplicates.find(delivered, contract)
    duplicate = copies.drop.reindex(raw.frame.index, fill_value=False)
    excluded = hand.excluded & ~duplicate & ~gone
    rows, read = _without(hand.frame, read, gone | excluded)
    dropped = duplicate[rows.index]
    read, scale_notes, broken = _scaled(read, contract, client)
    dated = read.frame[contract.period_by] if contract.period_by else pd.Series(pd.NaT, index=read.frame.index)
    notes = [raw.problems, read.problems, scale_notes, replaced, copies.problems]
    notes.append(duplicates.overlaps(delivered, dated.reindex(delivered.index), copies, contract))
    summed = aggregates.find(raw, contract)
    silent = _silent(read, contract) & ~dropped
    praised, praises = praise.find(read, contract, client)
    praised &= ~dropped & ~silent
    out = dropped | silent | praised
    failed = _failures(read, contract, _day(as_of), out, rows)
    aside = pd.Series(read.frame.index.isin(failed["index"]), index=read.frame.index) | broken
    aside = (aside | rows["source_file"].isin(summed["file"])) & ~out
    used = ~(out | aside)
    frame = read.frame[used].reset_index(drop=True)
    kept = replace(read, frame=read.frame[used], text=read.text[used])
    notes += [
        rules.described(failed, read, contract.name, _records(failed, raw, contract)),
        summed,
        rules.remarks(kept, contract),
        praises,
        suspects.find(contract.name, frame),
    ]
    classes = {"excluded": excluded, "superseded": gone, "duplicate": duplicate, "missing_score": silent}
    classes |= {"default_praise": praised, "quarantined": aside, "usable": used}
    counts = balances.counts(raw.counts, files, classes)
    quarantine = _quarantine(raw.frame.loc[aside.index[aside]], failed, broken, summed)
    logs = joined([raw.repairs, hand.log, read.repairs], LOG)
    asked = _asked(raw.frame.loc[used.index[used]], contract, client)
    problems = _ordered(joined(notes, PROBLEMS))
    told = corrections.told([hand.decisions, corrections.accepted(problems, decided)[1]])
    return Table(contract.name, frame, quarantine, problems, logs, counts, raw.unknown, asked, told)


def _asked(rows: pd.DataFrame, contract: Contract, client: Client) -> pd.DataFrame:
    """The questions worth tallying, but for those that are rows of the item scores."""
    scored = [source.unpivot.columns for source in client.tables.get("feedback_items", []) if source.unpivot]
    items = [header for headers in scored for header in headers]
    codes = exports.codes(client.tables.get(contract.name, []))
    return questions.kept(rows.drop(columns=items, errors="ignore"), contract, codes).reset_index(drop=True)


def _without(rows: pd.DataFrame, read: columns.Columns, gone: pd.Series) -> tuple[pd.DataFrame, columns.Columns]:
    """The rows that stay: those no newer file replaces and no person left out, raw and typed."""
    if not gone.any():
        return rows, read
    left = read.failed[~read.failed["index"].map(gone).astype(bool)]
    read = replace(read, frame=read.frame[~gone], text=read.text[~gone], failed=left)
    return rows[~gone], read


def _scaled(read: columns.Columns, contract: Contract, client: Client):
    """Scores with their scales, reversed ones turned round; which rows stand on another scale than declared."""
    if not contract.scale_by:
        return read, pd.DataFrame(columns=PROBLEMS), pd.Series(False, index=read.frame.index)
    reverse = reversals.rows(read.frame, client, contract.name)
    if contract.scale_by == "metric":
        scaled = scales.apply(read.frame, contract.name, client.scales, contract.period_by, reverse)
    else:
        scaled = scales.of_criteria(read.frame, contract.name, contract.period_by, reverse)
    log = joined([read.repairs, scaled.repairs], LOG)
    return replace(read, frame=scaled.frame, repairs=log), scaled.problems, scaled.broken


def _silent(read: columns.Columns, contract: Contract) -> pd.Series:
    """Rows without any of the answers the table is about."""
    if not contract.any_of:
        return pd.Series(False, index=read.frame.index)
    return read.text[list(contract.any_of)].isna().all(axis=1)


def _failures(read: columns.Columns, contract: Contract, as_of, gone: pd.Series, raw: pd.DataFrame) -> pd.DataFrame:
    """Failures of hard rules among the rows that are neither duplicates nor silent."""
    left = replace(
        read,
        frame=read.frame[~gone],
        text=read.text[~gone],
        failed=read.failed[~read.failed["index"].map(gone).astype(bool)],
    )
    key = contract.key[0]
    given = raw[key].notna() if key in raw else pd.Series(False, index=raw.index)
    found = [rules.failures(left, contract, as_of), rules.conflicts(left, given[~gone], contract)]
    return pd.concat(found, ignore_index=True)


def _records(failed: pd.DataFrame, raw: Raw, contract: Contract) -> pd.Series:
    return corrections.records(raw.frame.loc[failed["index"].unique()], contract)


def _quarantine(rows: pd.DataFrame, failed: pd.DataFrame, broken: pd.Series, summed: pd.DataFrame) -> pd.DataFrame:
    """The raw rows set aside, each with the codes of the rules it broke."""
    reasons = [failed[["index", "rule"]].drop_duplicates()]
    reasons.append(pd.DataFrame({"index": rows.index[broken[rows.index]], "rule": "scale_break"}))
    grouped = rows.index[rows["source_file"].isin(summed["file"])]
    reasons.append(pd.DataFrame({"index": grouped, "rule": "aggregates_only"}))
    codes = pd.concat(reasons).groupby("index")["rule"].agg(", ".join)
    return rows.assign(problems=codes.reindex(rows.index)).reset_index(drop=True)


def _ordered(problems: pd.DataFrame) -> pd.DataFrame:
    """Errors first, then by file and row; the order within a row is kept."""
    rank = problems["severity"].map({"error": 0, "warning": 1, "info": 2})
    return (
        problems.assign(rank=rank)
        .sort_values(["rank", "file", "row"], kind="stable")
        .drop(columns="rank")
        .reset_index(drop=True)
    )


def _day(as_of: date | str | None) -> pd.Timestamp | None:
    return None if as_of in (None, "") else pd.Timestamp(as_of)
