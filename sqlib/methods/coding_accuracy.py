"""How well the code book codes: precision, recall, F1 and kappa against comments coded by hand, and shares corrected.

The comments coded by hand are a stratified sample (``sqlib.coding`` draws it): each stands for ``layer_size`` over the
number coded in its layer. All measures are weighted ratios with the linearised variance of a stratified sample (Cochran
1977, ch. 6.11), their intervals Wilson's on the effective sample size (Korn & Graubard 1998). Shares are corrected for
the errors of the coding by double sampling (Tenenbein 1970, JASA 65:1350): share coded x precision + share not coded x
share of those that carry the theme unseen; their limits, and those of recall, are combined by MOVER (Zou & Donner 2008;
Donner & Zou 2012), so that what the sample happened not to miss still counts as possible.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import proportions, samples
from sqlib.methods.themes import code_comments

LEAST = 50  # comments coded by hand
FEW = 5  # with the theme, by hand and by machine
GOOD = 0.7  # precision and recall of a theme that may be relied on

MEASURES = ("precision", "recall", "f1")
COLUMNS = [
    "theme", "by_hand", "coded", "both",
    *(f"{name}{end}" for name in (*MEASURES, "kappa", "corrected") for end in ("", "_low", "_high")),
    "share", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class CodingAccuracyResult:
    """Result of :func:`coding_accuracy`. Shares in 0..1, kappa in -1..1.

    ``table``, one row per theme in the order of the code book, columns ``COLUMNS``: by_hand, coded, both (comments of
    the sample that carry the theme by hand, by machine, by both); precision, recall, f1 and kappa with limits; share
    (coded, of all comments) and corrected, the share after the errors are taken out, with limits; verdict: accurate
    (precision and recall lie above .7 with their whole intervals) | inaccurate (one of them below) | unclear | too_few
    (under 5 comments by hand or by machine; no corrected share).

    ``overall``, one row: precision, recall, f1 with limits over all themes. ``sample`` comments coded by hand out of
    ``comments``; ``unmatched``: coded by hand, but no longer among the comments. ``cautions`` among unmatched.
    """

    table: pd.DataFrame
    overall: pd.DataFrame
    sample: int
    comments: int
    unmatched: int
    confidence: float
    cautions: tuple[str, ...]


def coding_accuracy(
    hand, comments, *, text, codebook, exclude=None, key="feedback_id", confidence=0.95,
) -> CodingAccuracyResult:  # fmt: skip
    """Hold the coding by phrases against the coding by hand.

    Parameters
    ----------
    hand : one row per comment coded by hand: ``key``, ``layer``, ``layer_size`` (comments in the layer), and one
        boolean column per theme; themes of the code book that are no column are left out
    comments : all comments the sample was drawn from: ``key`` and ``text``
    codebook, exclude : as in :func:`sqlib.methods.themes.code_comments`

    Raises MethodRefused: coding_accuracy.too_few (under 50 comments coded by hand), samples.unknown_column.
    """
    samples.require(hand, key, "layer", "layer_size")
    samples.require(comments, key, text)
    said = comments[comments[text].notna()].drop_duplicates(key).set_index(key)
    drawn = hand[hand[key].isin(said.index)].drop_duplicates(key)
    if len(drawn) < LEAST:
        raise MethodRefused("coding_accuracy.too_few", got=len(drawn), least=LEAST)
    themes = [theme for theme in codebook if theme in hand]
    found = code_comments(said, text=text, codebook=codebook, exclude=exclude)
    carried = pd.crosstab(found["row"], found["theme"]).reindex(index=said.index, columns=themes, fill_value=0).gt(0)
    human, machine = drawn[themes].to_numpy(dtype=float), carried.loc[drawn[key]].to_numpy(dtype=float)
    layers = _Layers(drawn["layer"].to_numpy(), drawn["layer_size"].to_numpy(dtype=float))
    alpha = 1 - confidence
    shares = carried.mean()
    rows = [
        {"theme": theme} | _theme(human[:, at], machine[:, at], layers, float(shares[theme]), alpha)
        for at, theme in enumerate(themes)
    ]
    unmatched = hand[key].nunique() - len(drawn)
    return CodingAccuracyResult(
        table=pd.DataFrame(rows, columns=COLUMNS), overall=pd.DataFrame([_measures(human, machine, layers, alpha)]),
        sample=len(drawn), comments=len(said), unmatched=unmatched, confidence=confidence,
        cautions=("unmatched",) if unmatched else (),
    )  # fmt: skip


class _Layers:
    """The strata of a sample: ``weight`` of each row, and the variance of a weighted total."""

    def __init__(self, layer: np.ndarray, size: np.ndarray):
        _, first, self.code, self.n = np.unique(layer, return_index=True, return_inverse=True, return_counts=True)
        self.size = np.maximum(size[first], self.n)
        self.weight = (self.size / self.n)[self.code]

    def variance(self, values: np.ndarray) -> float:
        """Of the weighted total of ``values``; a layer with one row counts its square."""
        mean = np.bincount(self.code, values) / self.n
        spread = np.bincount(self.code, (values - np.where(self.n > 1, mean, 0.0)[self.code]) ** 2)
        within = spread / np.maximum(self.n - 1, 1)
        return float((self.size**2 * (1 - self.n / self.size) * within / self.n).sum())


def _ratio(part: np.ndarray, whole: np.ndarray, layers: _Layers, alpha: float) -> tuple[float, float, float]:
    """Weighted share of ``whole`` that is ``part``, with limits; NaN where nothing is whole."""
    weight = layers.weight
    total = (weight * whole).sum()
    if total == 0:
        return np.nan, np.nan, np.nan
    share = (weight * part).sum() / total
    worth = total**2 / (weight**2 * whole**2).sum()  # Kish's, which the strata may lower but not raise
    variance = layers.variance((part - share * whole) / total)
    if 0 < share < 1 and variance > 0:
        worth = min(share * (1 - share) / variance, worth)
    low, high = proportions.score_limits(share, worth, alpha)
    return float(share), float(low), float(high)


def _measures(human: np.ndarray, machine: np.ndarray, layers: _Layers, alpha: float) -> dict:
    """Precision, recall and F1 of one theme, or over all themes where there are several columns."""
    both, by_hand, coded = (each.reshape(len(each), -1).sum(axis=1) for each in (human * machine, human, machine))
    found = {
        "precision": _ratio(both, coded, layers, alpha),
        "recall": _ratio(both, by_hand, layers, alpha),
        "f1": _ratio(2 * both, by_hand + coded, layers, alpha),
    }
    return {
        f"{name}{end}": value for name in found for end, value in zip(("", "_low", "_high"), found[name], strict=True)
    }


def _theme(human: np.ndarray, machine: np.ndarray, layers: _Layers, share: float, alpha: float) -> dict:
    row = {"by_hand": int(human.sum()), "coded": int(machine.sum()), "both": int((human * machine).sum())}
    row |= _measures(human, machine, layers, alpha) | _kappa(human, machine, layers, alpha) | {"share": share}
    if min(row["by_hand"], row["coded"]) < FEW:
        return row | {"verdict": "too_few"}
    row |= _shared(human, machine, layers, share, alpha)
    worst_low, worst_high = (min(row[f"{name}_{end}"] for name in ("precision", "recall")) for end in ("low", "high"))
    return row | {"verdict": "accurate" if worst_low >= GOOD else "inaccurate" if worst_high < GOOD else "unclear"}


def _kappa(human: np.ndarray, machine: np.ndarray, layers: _Layers, alpha: float) -> dict:
    """Cohen's kappa, weighted; its limits from the linearised variance."""
    weight = layers.weight / layers.weight.sum()
    same = (human == machine).astype(float)
    agreed, by_hand, coded = ((weight * each).sum() for each in (same, human, machine))
    chance = by_hand * coded + (1 - by_hand) * (1 - coded)
    if chance == 1:
        return {"kappa": np.nan, "kappa_low": np.nan, "kappa_high": np.nan}
    kappa = (agreed - chance) / (1 - chance)
    moved = (2 * coded - 1) * (human - by_hand) + (2 * by_hand - 1) * (machine - coded)
    linear = ((same - agreed) * (1 - chance) - moved * (1 - agreed)) / (1 - chance) ** 2
    half = samples.z_value(alpha) * np.sqrt(layers.variance(linear / layers.weight.sum()))
    return {"kappa": kappa, "kappa_low": max(kappa - half, -1.0), "kappa_high": min(kappa + half, 1.0)}


def _shared(human: np.ndarray, machine: np.ndarray, layers: _Layers, share: float, alpha: float) -> dict:
    """What rests on the known share coded: share that carries the theme, and how much of it is coded."""
    right = share * np.array(_ratio(human * machine, machine, layers, alpha))
    missed = (1 - share) * np.array(_ratio(human * (1 - machine), 1 - machine, layers, alpha))
    estimate = right[0] + missed[0]
    low, high = (np.hypot(*(part[end] - part[0] for part in (right, missed))) for end in (1, 2))
    found = {"corrected": estimate, "corrected_low": max(estimate - low, 0), "corrected_high": min(estimate + high, 1)}
    if right[1] <= 0:
        return found
    fewest, most = _quotient(missed, right)
    return found | {"recall": right[0] / estimate, "recall_low": 1 / (1 + most), "recall_high": 1 / (1 + fewest)}


def _quotient(above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
    """Limits of a quotient from (estimate, low, high) of its parts (Donner & Zou 2012, equation 9)."""
    product = above[0] * below[0]

    def end(own: int, other: int, sign: int) -> float:
        bottom = below[other] * (2 * below[0] - below[other])
        root = np.sqrt(max(product**2 - above[own] * (2 * above[0] - above[own]) * bottom, 0.0))
        return (product + sign * root) / bottom

    return max(end(1, 2, -1), 0.0), end(2, 1, 1)
