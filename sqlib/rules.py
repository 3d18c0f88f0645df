"""The rules a table must keep: those of its columns, compiled to a pandera schema, and those across columns.

Every rule is checked on every row and every failure is collected. A row that breaks a hard rule is set aside.
"""

from collections.abc import Callable

import pandas as pd

from sqlib import contracts, dates, scales, value_periods
from sqlib.columns import FAILED, Columns
from sqlib.contracts import Contract
from sqlib.repairs import PROBLEMS, problem

_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?|24:00(?::00)?"
NOT_IN_FUTURE_EXEMPT = (  # may lie after the cut-off
    "due_at", "renewal_due", "end_date", "planned_on", "counted_on", "start_on", "full_on", "end_on", "due_on",
)  # fmt: skip

Failures = list[tuple[str, pd.Series]]  # column, rows that fail


def failures(read: Columns, contract: Contract, as_of: pd.Timestamp | None) -> pd.DataFrame:
    """Index, column and rule of every failure of a hard rule, cells that could not be typed included."""
    found = [read.failed, _columns(read, contract)]
    for rule in contract.rules:
        if rule in HARD:
            found += [_rows(column, rule, rows) for column, rows in HARD[rule](read, as_of)]
    return pd.concat(found, ignore_index=True).drop_duplicates(ignore_index=True)


def conflicts(read: Columns, given: pd.Series, contract: Contract) -> pd.DataFrame:
    """Rows with the same key but different content, all of them; ``given`` marks ids that the source itself has."""
    twice = read.frame[given].duplicated(list(contract.key), keep=False)
    return _rows(contract.key[0], "duplicate_id_conflict", twice.reindex(read.frame.index, fill_value=False))


def remarks(read: Columns, contract: Contract) -> pd.DataFrame:
    """Soft rules: the rows stay in use."""
    notes = [_unlisted(read, contract)]
    if "date_without_time" in contract.rules:
        notes.append(_days_only(read, contract))
    if "missing_periods" in contract.rules:
        notes += _gaps(read, contract)
    return pd.concat(notes, ignore_index=True)


def described(found: pd.DataFrame, read: Columns, table: str, records: pd.Series) -> pd.DataFrame:
    """Failures as problems: one row each, with file, row, the value as it stands in the file, the record's id."""
    at = read.text.loc[found["index"]]
    values = pd.Series("", index=found.index, dtype="str")
    for column, rows in found.groupby("column", sort=False):
        values[rows.index] = read.text.loc[rows["index"], column].fillna("").to_numpy()
    columns = {"table": table, "file": at["source_file"].array, "row": at["source_row"].array, "value": values.array}
    columns |= {"record": records.loc[found["index"]].array}
    fixed = {"severity": "error", "count": 1, "used": False}
    return found[["column", "rule"]].assign(**columns, **fixed)[PROBLEMS]


def _columns(read: Columns, contract: Contract) -> pd.DataFrame:
    """Failures of the column rules, from the lazy failure table of the schema."""
    import pandera.pandas as pa

    schema = contracts.schema(contract)
    try:
        schema.validate(read.frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        found = error.failure_cases
    else:
        return pd.DataFrame(columns=FAILED)
    if found["index"].isna().any():
        raise TypeError(f"{contract.name}: typed frame does not fit its schema: {found.head(3).to_dict('records')}")
    found = found.replace({"check": {"not_nullable": "required_missing"}})
    found = found.rename(columns={"check": "rule"})[FAILED].astype({"index": "int64"})
    understood = ~found.set_index(["index", "column"]).index.isin(read.failed.set_index(["index", "column"]).index)
    return found[understood]


def _rows(column: str, rule: str, rows: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {"index": rows.index[rows.fillna(False).astype(bool)], "column": column, "rule": rule}, columns=FAILED
    )


def _needs_scale(read: Columns, as_of) -> Failures:
    frame = read.frame
    return [("score", frame["score"].notna() & frame["scale_max"].isna())]


def _on_scale(read: Columns, as_of) -> Failures:
    frame = read.frame
    off = (frame["score"] < frame["scale_min"]) | (frame["score"] > frame["scale_max"])
    return [("score", off & scales.judged(frame) if "criterion_type" in frame else off)]


def _within_full_marks(read: Columns, as_of) -> Failures:
    frame = read.frame
    return [("score", (frame["score"] > frame["max_score"]) | (frame["score"] < 0))]


def _not_after(read: Columns, as_of: pd.Timestamp | None) -> Failures:
    if as_of is None:
        return []
    times = read.frame.select_dtypes("datetime").columns.difference(NOT_IN_FUTURE_EXEMPT)
    return [(name, read.frame[name] >= as_of.normalize() + pd.Timedelta(days=1)) for name in times]


def _earlier(*pairs: tuple[str, str]) -> Callable:
    """A rule: the first time of each pair is not before the second; days without a time are compared as days."""

    def check(read: Columns, as_of) -> Failures:
        found = []
        for late, early in pairs:
            day = dates.without_time(read.text[late]) | dates.without_time(read.text[early])
            last, first = read.frame[late], read.frame[early]
            found.append((late, (last.dt.normalize() < first.dt.normalize()) | ((last < first) & ~day)))
        return found

    return check


def _open_hours(read: Columns, as_of) -> Failures:
    """Hours are times of a day, and the firm closes after it opens."""
    found, hours = [], {}
    for name in ("open_from", "open_to"):
        cells = read.frame[name]
        clock = cells.where(cells.str.fullmatch(_CLOCK).fillna(False).astype(bool))
        hours[name] = pd.to_timedelta(clock.str.replace(r"^(\d+:\d+)$", r"\1:00", regex=True))
        found.append((name, cells.notna() & hours[name].isna()))
    return [*found, ("open_to", hours["open_to"] <= hours["open_from"])]


def _no_period(read: Columns, as_of) -> Failures:
    bounds = read.frame[value_periods.BOUNDS]
    return [("period", bounds.isna().any(axis=1) & ~read.frame.index.isin(read.failed["index"]))]


def _duplicate_period(read: Columns, as_of) -> Failures:
    return [("value", value_periods.repeated(read.frame)[0])]


def _repeated_period(read: Columns, as_of) -> Failures:
    return [("value", value_periods.repeated(read.frame)[1])]


HARD: dict[str, Callable[[Columns, pd.Timestamp | None], Failures]] = {
    "score_needs_scale": _needs_scale,
    "score_on_scale": _on_scale,
    "not_after_as_of": _not_after,
    "invited_before_received": _earlier(("received_at", "invited_at")),
    "resolved_before_created": _earlier(("resolved_at", "created_at"), ("closed_at", "created_at")),
    "ended_before_started": _earlier(("end_date", "start_date")),
    "score_within_full_marks": _within_full_marks,
    "told_before_inspected": _earlier(("feedback_given_at", "done_at")),
    "left_before_hired": _earlier(("left_on", "hired_on")),
    "open_hours": _open_hours,
    "ended_before_begun": _earlier(("full_on", "start_on"), ("end_on", "start_on")),
    "taken_up_in_order": _earlier(
        ("accepted_on", "on"), ("rejected_on", "on"), ("done_on", "on"), ("verified_on", "on")
    ),
    "closed_before_found": _earlier(("closed_on", "found_on"), ("verified_on", "closed_on")),
    "period_unknown": _no_period,
    "irregular_period": lambda read, as_of: [("period_end", value_periods.irregular(read.frame))],
    "duplicate_period": _duplicate_period,
    "repeated_period": _repeated_period,
}
SOFT = ("date_without_time", "missing_periods")


def _unlisted(read: Columns, contract: Contract) -> pd.DataFrame:
    """Values of open categories that are none of the declared levels: kept, and named once each."""
    notes = [pd.DataFrame(columns=PROBLEMS)]
    for name, column in contract.columns.items():
        if column.open and column.levels:
            other = read.frame.loc[~read.frame[name].isin(list(column.levels)), name].value_counts()
            for value, count in other.items():
                notes.append(
                    problem(
                        contract.name, "", "level_not_listed", column=name, value=value, count=count, severity="info"
                    )
                )
    return pd.concat(notes, ignore_index=True)


def _gaps(read: Columns, contract: Contract) -> list[pd.DataFrame]:
    """Series with holes, named with how many periods lack."""
    found = value_periods.gaps(read.frame)
    series = (found["indicator_id"] + " " + found["unit_id"]).str.strip()
    given = {"column": "period_start", "severity": "info"}
    return [
        problem(contract.name, "", "missing_periods", value=name, count=lacking, **given)
        for name, lacking in zip(series, found["missing"], strict=True)
    ]


def _days_only(read: Columns, contract: Contract) -> pd.DataFrame:
    """Times without a time of day: no use for durations in hours."""
    notes = [pd.DataFrame(columns=PROBLEMS)]
    for name in read.frame.select_dtypes("datetime"):
        count = int(dates.without_time(read.text[name]).sum())
        if count and contract.columns[name].type == "datetime":
            notes.append(problem(contract.name, "", "date_without_time", column=name, count=count, severity="info"))
    return pd.concat(notes, ignore_index=True)
