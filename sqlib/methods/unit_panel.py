"""Units by periods: a long table made wide for designs that compare units, refused by name where it cannot be."""

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples


def wide(panel, *, unit: str, time: str, value: str) -> pd.DataFrame:
    """Values, one row a unit, one column a period in order; NaN where a cell is missing.

    Raises MethodRefused: unit_panel.duplicates (two rows of one unit and period), .not_finite, .one_unit, .constant,
    samples.unknown_column, samples.not_numeric.
    """
    samples.require(panel, unit, time, value)
    rows = pd.DataFrame({"unit": panel[unit], "time": panel[time], "value": samples.numbers(panel, value)}).dropna()
    if np.isinf(rows["value"]).any():
        raise MethodRefused("unit_panel.not_finite", column=value, rows=int(np.isinf(rows["value"]).sum()))
    twice = rows[rows.duplicated(["unit", "time"])]
    if len(twice):
        first = twice.iloc[0]
        raise MethodRefused("unit_panel.duplicates", unit=first["unit"], time=first["time"], rows=len(twice))
    if rows["unit"].nunique() < 2:
        raise MethodRefused("unit_panel.one_unit", units=rows["unit"].nunique())
    if rows["value"].nunique() < 2:
        raise MethodRefused("unit_panel.constant", column=value, rows=len(rows))
    return rows.pivot(index="unit", columns="time", values="value").sort_index(axis=1)


def sides(table: pd.DataFrame, treated, compared=None) -> tuple[pd.DataFrame, np.ndarray]:
    """The units that take part, and which of them are treated (bool a row); ``compared`` None: all others.

    Raises MethodRefused: unit_panel.both_sides (a unit both treated and comparison), .unknown_units, .none_treated,
    .all_treated.
    """
    treated = set(treated)
    compared = set(table.index) - treated if compared is None else set(compared)
    if both := treated & compared:
        raise MethodRefused("unit_panel.both_sides", units=_listed(both))
    if unknown := (treated | compared) - set(table.index):
        raise MethodRefused("unit_panel.unknown_units", units=_listed(unknown))
    if not treated:
        raise MethodRefused("unit_panel.none_treated", units=len(table))
    if not compared:
        raise MethodRefused("unit_panel.all_treated", units=len(table))
    table = table[table.index.isin(treated | compared)]
    return table, table.index.isin(treated)


def phases(table: pd.DataFrame, start, wash_in: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns before ``start`` and those from ``start`` on, less the ``wash_in`` first of them.

    Raises MethodRefused: unit_panel.bad_wash_in (below 0), .no_before, .no_after.
    """
    if wash_in < 0:
        raise MethodRefused("unit_panel.bad_wash_in", got=wash_in)
    early = np.asarray(table.columns < start)
    before, after = table.loc[:, early], table.loc[:, ~early].iloc[:, wash_in:]
    if not before.shape[1]:
        raise MethodRefused("unit_panel.no_before", start=start, first=table.columns[0])
    if not after.shape[1]:
        raise MethodRefused("unit_panel.no_after", start=start, last=table.columns[-1])
    return before, after


def levels(block: pd.DataFrame) -> pd.Series:
    """Mean of every unit over the periods; missing cells are met by unit and period effects (least squares).

    Without missing cells it is the plain mean. A unit without any cell is NaN. Raises MethodRefused
    unit_panel.unconnected where missing cells leave units without a common period.
    """
    if block.notna().all(axis=None):
        return block.mean(axis=1)
    present = block.dropna(how="all").dropna(axis=1, how="all")
    row, column = np.nonzero(present.notna().to_numpy())
    m, p = present.shape
    shift = np.vstack([np.eye(p)[:, : p - 1][: p - 1], -np.ones(p - 1)])  # period effects sum to zero
    design = np.hstack([np.eye(m)[row], shift[column]])
    fit, _, rank, _ = np.linalg.lstsq(design, present.to_numpy()[row, column], rcond=None)
    if rank < m + p - 1:
        raise MethodRefused("unit_panel.unconnected", units=m, periods=p)
    return pd.Series(fit[:m], index=present.index).reindex(block.index)


def _listed(units) -> str:
    return ", ".join(sorted(map(str, units))[:5])
