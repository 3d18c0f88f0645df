"""Small groups are hidden so that nobody's answer can be read off a table, nor computed from its totals.

Reference: Hundepool et al. (2012) Statistical Disclosure Control, ch. 4 (primary and secondary suppression).
"""

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused


def suppress(table, *, by=None, n, min_group, numbers, sums=()) -> pd.DataFrame:
    """Hide every cell of fewer than ``min_group`` respondents, and what would give it away.

    Primary: ``0 < n < min_group``. Complementary: within each family the hidden cells must be at least two and
    hold ``min_group`` respondents together, else the next smallest cell is hidden too; so a total published
    beside the family gives no single cell away. The same holds for each set of ``sums``.

    Parameters
    ----------
    table : one row per cell
    by : column (or list of columns) that names the family; None = the whole table is one family
    n : column of respondents per cell; `numbers` may contain it
    min_group : smallest group that may be shown; 0 or 1 hides nothing
    numbers : columns to blank (NaN) in hidden rows
    sums : further sets of row positions of which one row is the sum of the others (a margin and its parts)

    Returns a copy with the boolean column ``hidden``. Raises MethodRefused if `n` has gaps or negative counts.
    """
    count = pd.to_numeric(table[n], errors="coerce").to_numpy(dtype=float)
    if not (count >= 0).all():
        raise MethodRefused("disclosure.unknown_size", column=n, rows=int((~(count >= 0)).sum()))
    families = [np.arange(len(table))] if by is None else table.groupby(by, sort=False, dropna=False).indices.values()
    hidden = _protect((count > 0) & (count < min_group), count, min_group, list(families), list(sums))
    return table.assign(hidden=hidden, **{column: table[column].astype(float).mask(hidden) for column in numbers})


def _protect(hidden, count, min_group, families, sums):
    """Add cells until no family and no sum gives one away; each pass may open another set, so repeat."""
    while True:
        before = hidden.sum()
        for rows in families:
            hidden = _widen(hidden, count, rows, min_group)
        for rows in sums:
            hidden = _widen(hidden, count, np.asarray(rows), 0)
        if hidden.sum() == before:
            return hidden


def _widen(hidden, count, rows, min_group):
    """Hide the next smallest cells of one set while a single cell, or fewer than `min_group` people, are hidden."""
    rows = rows[count[rows] > 0]
    waiting = iter(sorted(rows[~hidden[rows]], key=lambda row: count[row]))
    hidden = hidden.copy()
    while 0 < hidden[rows].sum() < 2 or 0 < count[rows][hidden[rows]].sum() < min_group:
        extra = next(waiting, None)
        if extra is None:
            return hidden
        hidden[extra] = True
    return hidden
