"""Reliable change: who moved between two periods by more than the error of the two scores explains?

Reference: Jacobson & Truax (1991) J Consult Clin Psychol 59:12, with the standard errors the calibration gives each
person instead of one for all (Maassen 2004, J Int Neuropsychol Soc 10:888).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples

COLUMNS = [
    "ratee_id", "part", "first", "second", "change", "common", "relative", "se", "low", "high", "index", "p_value",
    "p_adjusted", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class ReliableChangeResult:
    """``table``: COLUMNS, one row a person scored in both periods, in the order of the first. ``people`` compared;
    ``only_first``, ``only_second``: scored in one period; ``up``, ``down``: moved beyond noise. ``cautions`` among
    common_shift_taken_out, common_shift_kept, not_comparable, errors_taken_as_independent.
    """

    table: pd.DataFrame
    people: int
    only_first: int
    only_second: int
    up: int
    down: int
    confidence: float
    cautions: tuple[str, ...]


def reliable_change(
    first, second, first_covariance=None, second_covariance=None, *, between=None, score="corrected", relative=True,
    part="part", confidence=0.95,
) -> ReliableChangeResult:  # fmt: skip
    """Change of every person between two periods, against the error of the change.

    Parameters
    ----------
    first, second : ratee_id, ``score``, and ``part`` where there are several (the frames of ``rater_calibration`` of
        two periods); ``se``, the error of ``score``, where no covariance is given
    first_covariance, second_covariance : (people, people) of the errors of ``score`` in the order of the frames
    between : (people in both, in the order of ``first``) covariance of a person's two errors; None: 0
    score : ``corrected``, which is not shrunk: two shrunk scores understate a change, and their errors share the truth
    relative : True: the change beside the mean change of the same people who may be compared; scores of two periods
        have no common zero, as raters may all have become stricter. False: as it stands

    ``change`` is second minus first, ``common`` the mean change taken out, ``relative`` the rest, to which se, low,
    high, index (relative / se), p_value (normal) and p_adjusted (Benjamini-Hochberg) belong. verdict: moved_up,
    moved_down, within_noise, not_comparable (a person whose part or whose company in it is not the same in both
    periods: under three people in the same two parts).

    Raises MethodRefused (reliable_change.*): nobody in both periods, no errors.
    Checked against Jacobson & Truax (1991), p. 14: 32.5 to 47.5 with a standard error of 4.74 is 3.16.
    """
    samples.require(first, "ratee_id", score)
    samples.require(second, "ratee_id", score)
    both = _joined(first, second, score, part)
    error = _covariance(first, first_covariance, both["at_first"])
    error = error + _covariance(second, second_covariance, both["at_second"])
    if between is not None:
        error = error - 2 * np.diag(np.asarray(between, dtype=float))
    change, together = both["second"] - both["first"], _together(both)
    comparable = np.ones(len(both), dtype=bool)
    if relative:
        size = together.sum(1)
        comparable = size >= 3
        centre = np.eye(len(both)) - together / size[:, None]
        error = centre @ error @ centre.T
    table = _table(
        both, change, (together @ change) / together.sum(1) if relative else 0.0, error, comparable, confidence
    )
    return ReliableChangeResult(
        table=table,
        people=len(table),
        only_first=int((~first["ratee_id"].isin(both["ratee_id"])).sum()),
        only_second=int((~second["ratee_id"].isin(both["ratee_id"])).sum()),
        up=int(table["verdict"].eq("moved_up").sum()),
        down=int(table["verdict"].eq("moved_down").sum()),
        confidence=confidence,
        cautions=_cautions(relative, comparable, first_covariance, second_covariance),
    )


def _joined(first, second, score, part):
    """People with a score in both periods: positions, scores and parts in either."""
    sides = {}
    for name, frame in (("first", first), ("second", second)):
        side = pd.DataFrame({"ratee_id": frame["ratee_id"].to_numpy(), name: samples.numbers(frame, score).to_numpy()})
        side[f"part_{name}"] = frame[part].to_numpy() if part in frame else 0
        sides[name] = side.assign(**{f"at_{name}": np.arange(len(side))}).dropna(subset=name)
    both = sides["first"].merge(sides["second"], on="ratee_id", validate="one_to_one")
    if both.empty:
        raise MethodRefused("reliable_change.nobody", first=len(first), second=len(second))
    return both


def _covariance(frame, covariance, rows):
    """Errors of those in both periods; independent with ``se`` where no covariance is given."""
    rows = rows.to_numpy()
    if covariance is not None:
        return np.asarray(covariance, dtype=float)[np.ix_(rows, rows)]
    if "se" not in frame:
        raise MethodRefused("reliable_change.no_error", people=len(frame))
    return np.diag(frame["se"].to_numpy(dtype=float)[rows] ** 2)


def _together(both):
    """(people, people): who shares both parts with whom."""
    code = both.groupby(["part_first", "part_second"], sort=False, dropna=False).ngroup().to_numpy()
    return (code[:, None] == code).astype(float)


def _table(both, change, common, error, comparable, confidence):
    from scipy.special import ndtr

    relative, se = change - common, np.sqrt(np.maximum(np.diag(error), 0.0))
    relative, se = (np.where(comparable, values, np.nan) for values in (relative, se))
    half = samples.z_value(1 - confidence) * se
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.where(relative == 0, 0.0, relative / se)
    p_value = np.where(comparable, 2 * ndtr(-np.abs(index)), np.nan)
    p_adjusted = samples.adjusted(pd.Series(p_value)).to_numpy()
    moved = p_adjusted <= 1 - confidence
    verdict = np.select([~comparable, moved & (relative > 0), moved], ["not_comparable", "moved_up", "moved_down"],
                        "within_noise")  # fmt: skip
    columns = {
        "ratee_id": both["ratee_id"], "part": both["part_second"], "first": both["first"], "second": both["second"],
        "change": change, "common": common, "relative": relative, "se": se, "low": relative - half,
        "high": relative + half, "index": index, "p_value": p_value, "p_adjusted": p_adjusted, "verdict": verdict,
    }  # fmt: skip
    return pd.DataFrame(columns)[COLUMNS]


def _cautions(relative, comparable, *covariances):
    tests = {
        "common_shift_taken_out": relative,
        "common_shift_kept": not relative,
        "not_comparable": not comparable.all(),
        "errors_taken_as_independent": any(each is None for each in covariances),
    }
    return tuple(code for code, holds in tests.items() if holds)
