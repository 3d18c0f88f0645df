"""The rule that turns scores into tiers: totals, cut points or a forced distribution, and what each tier pays."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples

TOUCH = 1e-9  # relative: totals closer than this are tied, a total this close below a cut point reaches it


@dataclass(frozen=True)
class TierRule:
    """``names`` of the tiers, best first; ``cuts`` (tiers - 1,) lowest total of every tier but the last, or ``shares``
    (tiers,) of the people of a unit; ``unit`` (people,) codes, -1 not judged; ``offset``, ``weight`` (people,): the
    total is offset + weight x judged score, -inf for a veto; ``money`` (tiers,), NaN where not told."""

    names: tuple[str, ...]
    cuts: np.ndarray | None
    shares: np.ndarray | None
    unit: np.ndarray
    offset: np.ndarray
    weight: np.ndarray
    money: np.ndarray

    def totals(self, judged) -> np.ndarray:
        """Totals (..., people) of judged scores (..., people)."""
        return self.offset + self.weight * np.asarray(judged, dtype=float)

    def assign(self, totals) -> np.ndarray:
        """Codes of the tiers (..., people) that totals (..., people) give; -1 without a total or not judged.

        In a forced distribution people tied at a boundary all get the better tier.
        """
        totals = np.asarray(totals, dtype=float)
        code = np.full(totals.shape, -1)
        for unit in np.unique(self.unit[self.unit >= 0]):
            rows = np.flatnonzero(self.unit == unit)
            code[..., rows] = (
                self._by_cuts(totals[..., rows]) if self.shares is None else self._by_rank(totals[..., rows])
            )
        return np.where(np.isnan(totals), -1, code)

    def _by_cuts(self, totals):
        reach = TOUCH * np.maximum(np.abs(self.cuts), 1.0)
        return sum((totals < cut).astype(int) for cut in self.cuts - reach)

    def _by_rank(self, totals):
        ahead = ranked(totals) - 1
        return sum((ahead >= place).astype(int) for place in places(self.shares, totals.shape[-1])[:-1])

    @property
    def pays(self) -> np.ndarray:
        """Whether a tier pays a bonus: more than the least; where no money is told, every tier but the last."""
        told = np.isfinite(self.money).all()
        return self.money > self.money.min() if told else np.arange(len(self.names)) < len(self.names) - 1


def ranked(values) -> np.ndarray:
    """Ranks along the last axis, 1 = highest; ties share the best place they hold."""
    values = np.asarray(values, dtype=float)
    order = np.argsort(-values, axis=-1, kind="stable")
    sorted_ = np.take_along_axis(values, order, -1)
    scale = np.max(np.abs(values), axis=-1, keepdims=True, initial=1.0, where=np.isfinite(values))
    new = np.ones(values.shape, dtype=bool)
    new[..., 1:] = sorted_[..., 1:] < sorted_[..., :-1] - TOUCH * scale
    first = np.maximum.accumulate(np.where(new, np.arange(values.shape[-1]), 0), axis=-1)
    ranks = np.empty(values.shape, dtype=int)
    np.put_along_axis(ranks, order, first + 1, -1)
    return ranks


def places(shares, people: int) -> np.ndarray:
    """Places down to the end of every tier: the cumulated shares of the people, rounded half up."""
    return np.floor(np.cumsum(shares) * people + 0.5 + 1e-9).astype(int)


def rule(ratees: pd.DataFrame, *, cuts=None, shares=None, within=None, offset=None, weight=1.0, money=None) -> TierRule:
    """The rule on these people, checked. Arguments as in ``tiers.decisions``.

    Raises MethodRefused (tiers.*): neither or both of cuts and shares, fewer than two tiers, cut points that are
    equal or no numbers, shares that are negative or above 1 together, an amount of money missing.
    """
    if (cuts is None) == (shares is None):
        raise MethodRefused("tiers.one_rule", got="cuts, shares" if cuts is not None else "–")
    names, lows, parts = _by_cuts(cuts) if cuts is not None else _by_shares(shares)
    if len(names) < 2:
        raise MethodRefused("tiers.one_tier", got=", ".join(names))
    samples.require(ratees, within)
    unit = np.zeros(len(ratees), dtype=int) if within is None or lows is not None else pd.factorize(ratees[within])[0]
    return TierRule(
        names=names,
        cuts=lows,
        shares=parts,
        unit=unit,
        offset=column(0.0 if offset is None else offset, ratees),
        weight=column(weight, ratees),
        money=_amounts(money, names),
    )


def column(value, ratees: pd.DataFrame) -> np.ndarray:
    """A number for everybody, an array in the order of the rows, or a Series by ratee_id (NaN where it has none)."""
    if isinstance(value, pd.Series):
        return value.reindex(ratees["ratee_id"]).to_numpy(dtype=float)
    return np.broadcast_to(np.asarray(value, dtype=float), len(ratees)).copy()


def _by_cuts(cuts):
    """Tiers by their lowest total, highest first; the last takes everybody below."""
    lows = {str(name): _number(low) for name, low in cuts.items()}
    names = sorted(lows, key=lambda name: -np.nan_to_num(lows[name], nan=-np.inf))
    needed = np.array([lows[name] for name in names[:-1]])
    if not np.isfinite(needed).all() or len({lows[name] for name in names}) < len(names):
        raise MethodRefused("tiers.bad_cuts", got=", ".join(f"{name} {low:g}" for name, low in lows.items()))
    return tuple(names), needed, None


def _by_shares(shares):
    """Tiers in the order given, best first; the last takes the rest."""
    names = tuple(map(str, shares))
    parts = np.array([_number(share) for share in shares.values()])
    rest = 1 - parts[:-1].sum()
    last = rest if len(parts) and np.isnan(parts[-1]) else parts[-1] if len(parts) else np.nan
    if not (parts[:-1] >= 0).all() or rest < -1e-9 or abs(last - rest) > 1e-6:
        raise MethodRefused("tiers.bad_shares", got=", ".join(f"{name} {share}" for name, share in shares.items()))
    return names, None, np.append(parts[:-1], max(rest, 0.0))


def _number(value) -> float:
    return float("nan") if value is None else float(value)


def _amounts(money, names):
    if money is None:
        return np.full(len(names), np.nan)
    missing = [name for name in names if name not in money or money[name] is None]
    if missing:
        raise MethodRefused("tiers.no_money", tiers=", ".join(missing))
    return np.array([float(money[name]) for name in names])
