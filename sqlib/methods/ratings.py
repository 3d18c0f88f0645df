"""Ratings coded for calibration: who gave whom which score on which criterion in which period, checked once.

Every method on ratings starts here, so that missing, repeated and self-given scores are treated alike everywhere.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples

ABSURD = 25  # times the central 90 % range of the scores: farther from the median no scale explains a score


@dataclass(frozen=True)
class Ratings:
    """``score`` (n,) floats; ``ratee``, ``rater``, ``criterion``, ``period`` (n,) codes from 0 (None: not given);
    ``*_ids`` the labels of the codes in sorted order; ``group`` (ratees,) codes of ``group_ids``, -1 unknown;
    ``scale`` (lowest, highest) as declared. ``rows``: positions in the table given. Left out and counted:
    ``missing`` a blank among the columns used, ``own`` self-ratings, ``repeated`` the same rating twice."""

    score: np.ndarray
    ratee: np.ndarray
    rater: np.ndarray
    criterion: np.ndarray | None
    period: np.ndarray | None
    group: np.ndarray | None
    ratee_ids: np.ndarray
    rater_ids: np.ndarray
    criterion_ids: np.ndarray
    period_ids: np.ndarray
    group_ids: np.ndarray
    scale: tuple[float, float] | None
    rows: np.ndarray
    missing: int
    own: int
    repeated: int

    @property
    def n(self) -> int:
        return len(self.score)

    @property
    def levels(self) -> np.ndarray:
        """Distinct scores given, in order."""
        return np.unique(self.score)


def coded(data, *, ratee, rater, score, criterion=None, period=None, group=None, scale=None) -> Ratings:
    """Check and code a table of one row per rating.

    Parameters
    ----------
    data : one row per rating
    ratee, rater, score : columns; ``score`` numeric
    criterion, period, group : columns, or None; ``group`` is the ratee's own and must not differ between rows
    scale : (lowest, highest) score on offer; None: not declared

    A rating by the person rated is left out, where the ids are those of people: ids of digits only may number ratees
    and raters apart, so they are not compared. The same rating twice counts once, where criterion and period are
    given and nothing tells the two apart.

    Raises MethodRefused (ratings.*): no ratings, scores not finite, off the scale, absurd or all equal, one ratee,
    only self-ratings; samples.* for an unknown column or text among the scores.
    """
    keys = [name for name in (ratee, rater, criterion, period) if name is not None]
    samples.require(data, *keys, score, group)
    value = samples.numbers(data, score)
    known = (value.notna() & data[keys].notna().all(axis=1)).to_numpy()
    _refuse_infinite(value, score)
    own = known & _own(data[ratee], data[rater])
    repeated = known & _repeated(data, keys, score) if len(keys) == 4 else np.zeros(len(data), dtype=bool)
    rows = np.flatnonzero(known & ~own & ~repeated)
    if known.any() and not (known & ~own).any():
        raise MethodRefused("ratings.only_self", rows=int(own.sum()))
    kept, y = data.iloc[rows], value.to_numpy()[rows]
    _check(y, score, scale)
    named = {"ratee": ratee, "rater": rater, "criterion": criterion, "period": period}
    codes = {name: _factorized(kept, column) for name, column in named.items()}
    people = codes["ratee"]
    if len(people[1]) < 2:
        raise MethodRefused("ratings.one_ratee", got=str(people[1][0]), rows=len(rows))
    belongs, groups = _groups(kept, people, group)
    return Ratings(
        score=y,
        **{name: code for name, (code, _) in codes.items()},
        **{f"{name}_ids": np.asarray(ids, dtype=object) for name, (_, ids) in codes.items()},
        group=belongs,
        group_ids=groups,
        scale=None if scale is None else (float(scale[0]), float(scale[1])),
        rows=rows,
        missing=int((~known).sum()),
        own=int(own.sum()),
        repeated=int(repeated.sum()),
    )


def _refuse_infinite(value: pd.Series, column: str) -> None:
    wrong = np.isinf(value.to_numpy())
    if wrong.any():
        raise MethodRefused("ratings.not_finite", column=column, rows=int(wrong.sum()))


def _own(ratee: pd.Series, rater: pd.Series) -> np.ndarray:
    """Rows where a person rates themselves."""
    one, other = ratee.astype(str), rater.astype(str)
    return ((one == other) & ~one.str.fullmatch(r"[0-9.]+")).to_numpy()


def _repeated(data: pd.DataFrame, keys: list[str], score: str) -> np.ndarray:
    return data.duplicated([*keys, score]).to_numpy()


def _check(y: np.ndarray, column: str, scale) -> None:
    """Refuse scores no model can read."""
    if not len(y):
        raise MethodRefused("ratings.no_ratings", column=column)
    if scale is not None and ((y < scale[0]) | (y > scale[1])).any():
        off = y[(y < scale[0]) | (y > scale[1])]
        raise MethodRefused("ratings.off_scale", column=column, rows=len(off), got=f"{off[0]:g}",
                            scale=f"{scale[0]:g}–{scale[1]:g}")  # fmt: skip
    low, middle, high = np.quantile(y, [0.05, 0.5, 0.95])
    far = np.abs(y - middle) > ABSURD * max(high - low, np.median(np.abs(y - middle)), 1e-12)
    if high > low and far.any():
        raise MethodRefused("ratings.absurd", column=column, rows=int(far.sum()), got=f"{y[far][0]:g}")
    if y.min() == y.max():
        raise MethodRefused("ratings.constant", column=column, rows=len(y), got=f"{y[0]:g}")


def _factorized(kept: pd.DataFrame, column: str | None):
    return (None, np.empty(0, dtype=object)) if column is None else pd.factorize(kept[column], sort=True)


def _groups(kept: pd.DataFrame, people, group):
    """Group of every ratee, from the first row that names it."""
    if group is None:
        return None, np.empty(0, dtype=object)
    code, ids = people
    known = kept[group].notna().to_numpy()
    first = pd.Series(kept[group].to_numpy()[known]).groupby(code[known]).first()
    belongs, groups = pd.factorize(first.reindex(range(len(ids))), sort=True)
    return belongs, np.asarray(groups, dtype=object)
