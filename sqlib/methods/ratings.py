"""Ratings coded for calibration: who gave whom which score on which criterion in which period, checked once.

Every method on ratings starts here, so that missing, repeated and self-given scores are treated alike everywhere.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples

DIGITS = re.compile("[0-9.]+")
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
    named = {"ratee": ratee, "rater": rater, "criterion": criterion, "period": period}
    keys = {name: column for name, column in named.items() if column is not None}
    samples.require(data, *keys.values(), score, group)
    value = samples.numbers(data, score).to_numpy()
    _refuse_infinite(value, score)
    coded_ = {name: pd.factorize(data[column]) for name, column in keys.items()}
    known = np.logical_and.reduce([~np.isnan(value), *(code >= 0 for code, _ in coded_.values())])
    own = known & _own(coded_["ratee"], coded_["rater"])
    repeated = known & _repeated(coded_, value) if len(keys) == 4 else np.zeros(len(data), dtype=bool)
    rows = np.flatnonzero(known & ~own & ~repeated)
    if known.any() and not (known & ~own).any():
        raise MethodRefused("ratings.only_self", rows=int(own.sum()))
    y = value[rows]
    _check(y, score, scale)
    codes = dict.fromkeys(named, (None, np.empty(0, dtype=object)))
    codes |= {name: _used(code[rows], ids) for name, (code, ids) in coded_.items()}
    people = codes["ratee"]
    if len(people[1]) < 2:
        raise MethodRefused("ratings.one_ratee", got=str(people[1][0]), rows=len(rows))
    belongs, groups = _groups(data, rows, people, group)
    return Ratings(
        score=y,
        **{name: code for name, (code, _) in codes.items()},
        **{f"{name}_ids": ids for name, (_, ids) in codes.items()},
        group=belongs,
        group_ids=groups,
        scale=None if scale is None else (float(scale[0]), float(scale[1])),
        rows=rows,
        missing=int((~known).sum()),
        own=int(own.sum()),
        repeated=int(repeated.sum()),
    )


def _refuse_infinite(value: np.ndarray, column: str) -> None:
    wrong = np.isinf(value)
    if wrong.any():
        raise MethodRefused("ratings.not_finite", column=column, rows=int(wrong.sum()))


def _own(ratee, rater) -> np.ndarray:
    """Rows where a person rates themselves: ids are compared once each, not row by row."""
    (one, people), (other, raters) = ratee, rater
    place = {str(label): i for i, label in enumerate(raters) if not DIGITS.fullmatch(str(label))}
    same = np.array([place.get(str(label), -2) for label in people], dtype=np.int64)
    return (same[one] if len(same) else one) == other


def _repeated(coded_, value) -> np.ndarray:
    table = pd.DataFrame({name: code for name, (code, _) in coded_.items()})
    return table.assign(score=value).duplicated().to_numpy()


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


def _used(code: np.ndarray, ids) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the labels in use, in the order of the labels, and these."""
    ids = np.asarray(ids, dtype=object)
    used = np.flatnonzero(np.bincount(code, minlength=len(ids)))
    used = used[_order(ids[used])]
    place = np.empty(len(ids), dtype=np.int64)
    place[used] = np.arange(len(used))
    return place[code], ids[used]


def _order(ids: np.ndarray) -> list[int]:
    """Positions in sorted order; labels of kinds that do not compare are sorted by kind, then as text."""
    try:
        return sorted(range(len(ids)), key=ids.__getitem__)
    except TypeError:
        return sorted(range(len(ids)), key=lambda i: (type(ids[i]).__name__, str(ids[i])))


def _groups(data: pd.DataFrame, rows, people, group):
    """Group of every ratee, from the first row that names it."""
    if group is None:
        return None, np.empty(0, dtype=object)
    code, ids = people
    named, labels = pd.factorize(data[group].iloc[rows])
    who, first = np.unique(code[named >= 0], return_index=True)
    belongs = np.full(len(ids), -1)
    if not len(who):
        return belongs, np.empty(0, dtype=object)
    belongs[who], groups = _used(named[named >= 0][first], labels)
    return belongs, groups
