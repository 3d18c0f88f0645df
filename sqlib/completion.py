"""What a row says without writing it: the cycle in one spelling, the day it counts by, what client.toml declares of a
criterion, full marks written in a header. Every cell filled in is logged; what is written in the file holds.
"""

import re
from dataclasses import replace

import pandas as pd

from sqlib import contracts, cycles, value_periods
from sqlib.client import Client
from sqlib.columns import Columns, source_of
from sqlib.contracts import Contract
from sqlib.parsing import SPELLINGS
from sqlib.repairs import LOG, PROBLEMS, joined, log, problem

PLANNED = {"inspections": "done_at", "communications": "at"}  # when it took place; planned_on where it did not
DECLARED = {"judged": ("judged", "score"), "formula": ("formula", "score")}  # kind -> criterion_type, scoring


def completed(read: Columns, contract: Contract, client: Client) -> Columns:
    """The typed rows of one table with what follows from them, the log of it, and labels nobody can read."""
    done = read
    if "period" in contract.columns:
        done = _cycles(done, contract, client)
    if contract.name == "appraisals":
        for step in (_headed, _declared, _from_zero, _raters, _appeals):
            done = step(done, client)
    if contract.name == "indicator_values":
        for step in (_bounded, _percent, _attained):
            done = step(done, client)
    if contract.name == "measures":
        done = _share(done, "fidelity")
    if contract.name in PLANNED:
        done = _filled(done, "counted_on", _day(done.frame[PLANNED[contract.name]]), "counted_from_date")
        done = _filled(done, "counted_on", done.frame["planned_on"], "counted_from_plan")
    return done


def _cycles(read: Columns, contract: Contract, client: Client) -> Columns:
    """Labels of cycles in one spelling; rows count on the last day of theirs, else on the day of rating."""
    frame, written = read.frame, read.frame["period"]
    labels = pd.DataFrame({"file": frame["source_file"], "label": written}).dropna().drop_duplicates()
    found = {}
    for file, label in labels.itertuples(index=False):
        source = source_of(client, contract.name, file)
        found[file, label] = cycles.read(label, client.fiscal_year_start, source.year if source else None)
    meant = pd.Series([found.get(pair) for pair in zip(frame["source_file"], written, strict=True)], index=frame.index)
    known = meant.notna()
    spelled = written.where(~known, meant.map(str, na_action="ignore")).astype("str")
    done = _changed(read, "period", spelled, "cycle_spelling")
    notes = [
        problem(contract.name, file, "cycle_unread", column="period", value=label, count=len(rows))
        for (file, label), rows in written[~known].groupby([frame["source_file"], written], sort=False)
    ]
    done = replace(done, problems=joined([done.problems, *notes], PROBLEMS))
    if "counted_on" not in contract.columns:
        return done
    last = pd.to_datetime(meant.map(lambda each: each.last_day, na_action="ignore")).astype("datetime64[us]")
    done = _filled(done, "counted_on", last, "counted_from_cycle")
    return _filled(done, "counted_on", frame["rated_on"], "counted_from_date")


def _bounded(read: Columns, client: Client) -> Columns:
    """First and last day of what a value stands for: from the label, else from the step between the starts."""
    labels = value_periods.labelled(read.frame["period"], client.fiscal_year_start)
    for name in value_periods.BOUNDS:
        read = _filled(read, name, labels[name], "bounds_from_period")
    steps = value_periods.stepped(read.frame)
    for name in value_periods.BOUNDS:
        read = _filled(read, name, steps[name], "bounds_from_step")
    return read


def _percent(read: Columns, client: Client) -> Columns:
    """Shares as numbers up to 1 among figures written with a percent sign: a column half formatted as percent."""
    written = read.text["value"].str.contains("[%\uff05]").fillna(False).astype(bool)
    value, keys = read.frame["value"], [read.frame["source_file"], read.frame["indicator_id"]]
    usual = value.where(written).groupby(keys).transform("median")
    share = ~written & value.between(0, 1) & (usual > 10)
    return _changed(read, "value", value.where(~share, (value * 100).round(10)), "share_to_percent")


def _attained(read: Columns, client: Client) -> Columns:
    """The value where only its target and the percentage reached are given."""
    value = (read.frame["attainment"] * read.frame["target"] / 100).round(10)
    return _filled(read, "value", value, "value_from_attainment")


def _share(read: Columns, column: str) -> Columns:
    """A share between 0 and 1; percentages, marked as such or in a file with figures above 1, are divided by 100."""
    value, text = read.frame[column], read.text[column]
    marked = text.str.contains("[%\uff05]").fillna(False).astype(bool)
    above = (value.where(~marked) > 1).groupby(read.frame["source_file"]).transform("any")
    return _changed(read, column, value.where(~(marked | above), value / 100), "percent_to_share")


def _declared(read: Columns, client: Client) -> Columns:
    """Kind, weight and scale of each criterion as ``[appraisal.criteria]`` says, where the file does not."""
    named = {contracts.normalised(name): entry for name, entry in client.appraisal.criteria.items()}
    criterion = read.frame["criterion_id"].map(contracts.normalised, na_action="ignore")
    for name, entry in named.items():
        own = criterion.eq(name)
        kind = DECLARED.get(entry.kind, ("judged", entry.kind)) if entry.kind else (None, None)
        values = dict(zip(("criterion_type", "scoring"), kind, strict=True)) | {
            column: getattr(entry, column) for column in ("weight", "scale_min", "scale_max")
        }
        for column, value in values.items():
            if value is not None and own.any():
                given = pd.Series(value, index=read.frame.index).where(own)
                read = _filled(read, column, given, "criterion_declared")
    return read


def _headed(read: Columns, client: Client) -> Columns:
    """Full marks and weight in brackets behind a criterion, as (30 points) and (30%); the name goes on without them."""
    for column, pattern in SPELLINGS["bracketed"].items():
        names = read.frame["criterion_id"]
        said = {name: found for name in names.dropna().unique() if (found := re.search(pattern, name, re.IGNORECASE))}
        if said:
            values = {name: float(next(filter(None, found.groups()))) for name, found in said.items()}
            read = _filled(read, column, names.map(values).astype("float64"), "scale_from_header")
            plain = {name: (name[: found.start()] + name[found.end() :]).strip() for name, found in said.items()}
            read = replace(read, frame=read.frame.assign(criterion_id=names.map(plain).fillna(names).astype("str")))
    return read


def _from_zero(read: Columns, client: Client) -> Columns:
    """A scale of which only the full marks are given begins at 0."""
    ended = read.frame["scale_max"].notna()
    return _filled(read, "scale_min", pd.Series(0.0, index=ended.index).where(ended), "scale_from_zero")


def _raters(read: Columns, client: Client) -> Columns:
    """Who rates himself is his own rater."""
    own = read.frame["rater_role"].eq("self").fillna(False)
    return _filled(read, "rater_id", read.frame["ratee_id"].where(own), "rater_is_ratee")


def _appeals(read: Columns, client: Client) -> Columns:
    dated = read.frame["appeal_on"].notna()
    return _filled(read, "appeal", pd.Series(True, index=dated.index, dtype="boolean").where(dated), "appeal_from_date")


def _day(times: pd.Series) -> pd.Series:
    return times.dt.normalize()


def _filled(read: Columns, column: str, values: pd.Series, rule: str) -> Columns:
    """The blanks of a column filled, but for cells that hold something unreadable; logged once a file and value."""
    current = read.frame[column]
    blank = current.isna() & read.text[column].isna() & values.notna()
    return _changed(read, column, current.where(~blank, values), rule) if blank.any() else read


def _changed(read: Columns, column: str, values: pd.Series, rule: str) -> Columns:
    """A column in other words, logged once a file and change."""
    before = read.frame[column]
    rows = values.notna() & ~values.eq(before).fillna(False)
    if not rows.any():
        return read
    each = pd.DataFrame({"file": read.frame["source_file"], "before": _text(before), "after": _text(values)})
    logs = [log(*row, rule) for row in _entries(each[rows], column)]
    frame = read.frame.assign(**{column: values.astype(before.dtype)})
    return replace(read, frame=frame, repairs=joined([read.repairs, *logs], LOG))


def _entries(each: pd.DataFrame, column: str):
    """file, row 0, column, before and after of every different change."""
    for file, before, after in each.drop_duplicates().itertuples(index=False):
        yield file, 0, column, before, after


def _text(values: pd.Series) -> pd.Series:
    """Values as a log shows them."""
    return values.astype("str").fillna("").str.removesuffix(".0").str.removesuffix(" 00:00:00")
