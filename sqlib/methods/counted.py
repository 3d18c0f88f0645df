"""Exact counts with what the next period may look like under the same habits: successes of n, Wilson's interval."""

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import proportions


def shares(counts: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """``counts`` (columns successes, n) with estimate, low, high; NaN where n is 0."""
    successes, n = (counts[name].astype(float) for name in ("successes", "n"))
    low, high = proportions.wilson(successes, n, confidence=confidence)
    return counts.assign(estimate=(successes / n.where(n > 0)).astype(float), low=low, high=high)


def told(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column of text or numbers, nothing but NA where the table has none; blanks of a text count as nothing."""
    if name not in frame:
        return pd.Series(pd.NA, index=frame.index, dtype="object")
    column = frame[name].astype("object")
    blank = column.astype("str").str.strip().isin(("", "nan", "None", "<NA>", "NaT"))
    return column.mask(blank | column.isna())


def numbers(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column of numbers, NaN where the table has none."""
    return pd.to_numeric(told(frame, name), errors="coerce").astype(float)


def days(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column of dates, NaT where the table has none."""
    if name not in frame:
        return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    return pd.to_datetime(frame[name]).astype("datetime64[us]")


def each_once(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """The rows that name the key, each once.

    Raises MethodRefused: counted.no_column, .nothing, .repeated (one key in several rows).
    """
    if key not in frame:
        raise MethodRefused("counted.no_column", got=key)
    rows = frame[told(frame, key).notna()].reset_index(drop=True)
    if rows.empty:
        raise MethodRefused("counted.nothing", where=key, rows=len(frame))
    twice = rows.loc[rows[key].duplicated(), key]
    if len(twice):
        raise MethodRefused(
            "counted.repeated", where=key, got=str(twice.iloc[0]), rows=int(np.sum(rows[key].isin(twice)))
        )
    return rows
