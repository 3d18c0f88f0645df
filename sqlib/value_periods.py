"""The periods indicator values stand for: bounds from a label or from the step between starts, what breaks the grid.

A period is a week (seven days from one and the same weekday), a calendar month, quarter, half or year.
"""

import pandas as pd

from sqlib import periods
from sqlib.errors import ArgumentError

SERIES = ["indicator_id", "unit_id"]  # what one series is
BOUNDS = ["period_start", "period_end"]
KINDS = {1: "month", 3: "quarter", 6: "half", 12: "year"}  # calendar months -> kind
STEPS = {"week": (7, 7), "month": (28, 31), "quarter": (89, 92), "half": (181, 184), "year": (365, 366)}  # days
LENGTH = {"month": 1, "quarter": 3, "half": 6, "year": 12}  # months
DAY = pd.Timedelta(days=1)


def labelled(labels: pd.Series, fiscal_year_start: int = 1) -> pd.DataFrame:
    """First and last day of every label as ``completion`` spells it, columns ``BOUNDS``; NaT where there is none."""
    found = {label: _period(label, fiscal_year_start) for label in labels.dropna().unique()}
    meant = labels.map(found)
    ends = {"period_start": "start", "period_end": "last_day"}
    return pd.DataFrame(
        {name: pd.to_datetime(meant.map(lambda each, end=end: getattr(each, end), na_action="ignore")).astype(
            "datetime64[us]") for name, end in ends.items()},
        index=labels.index,
    )  # fmt: skip


def _period(label: str, fiscal_year_start: int) -> periods.Period | None:
    try:
        return periods.parse(label, fiscal_year_start)
    except ArgumentError:
        return None


def stepped(frame: pd.DataFrame) -> pd.DataFrame:
    """Bounds that follow from the commonest step between the starts (or ends) of a series, columns ``BOUNDS``."""
    keys = [frame["source_file"], *(frame[name].fillna("") for name in SERIES)]
    found = frame[BOUNDS].copy()
    for given, wanted in (BOUNDS, BOUNDS[::-1]):
        step = frame[given].groupby(keys).transform(_step)
        for kind, (least, most) in STEPS.items():
            rows = found[wanted].isna() & frame[given].notna() & step.between(least, most)
            found.loc[rows, wanted] = _other_end(frame.loc[rows, given], kind, given).astype("datetime64[us]")
    return found


def _step(days: pd.Series) -> float:
    """The lower median of the days from one date to the next different one: holes do not move it."""
    steps = days.dropna().drop_duplicates().sort_values().diff().dt.days.dropna()
    return float(steps.quantile(0.5, interpolation="lower")) if len(steps) else float("nan")


def _other_end(days: pd.Series, kind: str, given: str) -> pd.Series:
    sign = 1 if given == "period_start" else -1
    if kind == "week":
        return days + sign * 6 * DAY
    months = pd.DateOffset(months=LENGTH[kind])
    return days + months - DAY if sign > 0 else days + DAY - months


def kinds(frame: pd.DataFrame) -> pd.Series:
    """Row by row: week | month | quarter | half | year; missing where the period is none of them."""
    start, end = frame["period_start"], frame["period_end"]
    months = (end.dt.year - start.dt.year) * 12 + end.dt.month - start.dt.month + 1
    calendar = (start.dt.day == 1) & ((end + DAY).dt.day == 1) & (end >= start)
    kind = months.where(calendar).map(KINDS)
    return kind.mask((end - start).dt.days == 6, "week").astype("str")


def irregular(frame: pd.DataFrame) -> pd.Series:
    """Row by row: no period of a grid, or a week that begins on another weekday than the others of its series?"""
    kind, known = kinds(frame), frame[BOUNDS].notna().all(axis=1)
    weekday = frame["period_start"].dt.day_of_week.where(kind == "week")
    usual = weekday.groupby([frame[name].fillna("") for name in SERIES]).transform(
        lambda days: days.mode().iloc[0] if days.notna().any() else days
    )
    return known & (kind.isna() | (weekday.notna() & (weekday != usual)))


def repeated(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Row by row: another value for the same series and period stands elsewhere; the same value stood before?"""
    own = frame["reported_by_client"].fillna(True).astype(bool)
    keys = [frame[name].fillna("") for name in SERIES] + [frame[name] for name in BOUNDS] + [own]
    known = frame["value"].notna() & frame[BOUNDS].notna().all(axis=1)
    different = frame["value"].where(known).groupby(keys).transform("nunique") > 1
    table = pd.concat([*keys, frame["value"]], axis=1, ignore_index=True)
    return different & known, table.duplicated() & known & ~different


def gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Periods that lack between the first and the last of a series: indicator_id, unit_id, kind, missing."""
    kind = kinds(frame)
    rows = frame.assign(kind=kind, place=place(frame["period_start"], kind)).dropna(subset=["kind"])
    by = rows.assign(unit_id=rows["unit_id"].fillna("")).groupby([*SERIES, "kind"], sort=True)["place"]
    found = by.agg(["min", "max", "nunique"])
    missing = (found["max"] - found["min"] + 1 - found["nunique"]).rename("missing")
    return missing[missing > 0].astype(int).reset_index()


def place(starts: pd.Series, kind: pd.Series) -> pd.Series:
    """Number of each period on the grid of its kind; the number before is the period before."""
    months = starts.dt.year * 12 + starts.dt.month - 1
    weeks = (starts - pd.Timestamp(0)).dt.days // 7
    return (months // kind.map(LENGTH).astype("float64")).where(kind.ne("week").fillna(True), weeks)
