"""One card a measure: all that a decision on it rests on, from ``effects.evaluate`` and the register."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods.effect_case import YEAR
from sqlib.methods.effects import EffectsResult

OWN = ("money", "hours")


@dataclass(frozen=True)
class CardResult:
    """``place``: of the card among all, from 1; ``row``: the measure's row of ``effects`` on its own indicator;
    ``measure``: its row of the register; ``indicator``, ``balancing``: names as printed; ``path``: period, observed,
    expected, low, high, one row a period; ``start``: row of ``path`` with the start, ``wash_in`` periods until the
    measure was in full. ``worth``: money | hours -> (estimate, low, high) of the effect over a year, above 0 where it
    is to the good; only of measures with an effect and a value declared."""

    place: int
    row: dict
    measure: dict
    indicator: str
    balancing: str
    path: pd.DataFrame
    start: int
    wash_in: int
    worth: dict[str, tuple[float, float, float]]
    confidence: float

    @property
    def drawn(self) -> bool:
        """Is there anything to draw?"""
        return bool(self.path["observed"].notna().any())

    @property
    def name(self) -> str:
        return str(self.measure["name"])

    @property
    def cautions(self) -> tuple[str, ...]:
        return tuple(code for code in str(self.row["cautions"] or "").split(";") if code)


def cards(result: EffectsResult, measures, names: Mapping[str, str], *, money=None, hours=None) -> list[CardResult]:
    """A card for every measure, in the order of the register.

    Parameters
    ----------
    measures : the register; names : indicator -> name as printed
    money, hours : indicator -> what one unit of it is worth a period

    Raises MethodRefused: ``effect_card.unknown_measure`` (a measure was evaluated that the register does not hold).
    """
    register = measures.set_index("measure_id", drop=False)
    own = result.effects[result.effects["primary"].astype(bool)]
    if len(unknown := own.loc[~own["measure_id"].isin(register.index), "measure_id"]):
        raise MethodRefused("effect_card.unknown_measure", got=str(unknown.iloc[0]))
    paths = dict(iter(result.paths.groupby(["measure_id", "indicator_id"], sort=False)))
    values = {"money": money or {}, "hours": hours or {}}
    return [_card(place, row, register.loc[row["measure_id"]].to_dict(), paths, names, values, result.confidence)
            for place, row in enumerate(own.to_dict("records"), 1)]  # fmt: skip


def _card(place, row, measure, paths, names, values, confidence) -> CardResult:
    none = pd.DataFrame(columns=["period", "observed", "expected", "low", "high"])
    path = paths.get((row["measure_id"], row["indicator_id"]), none).sort_values("period", ignore_index=True)
    start = _begun(path, measure["start_on"])
    full = measure.get("full_on")
    wash_in = _begun(path, full) - start if pd.notna(full) else 0
    return CardResult(
        place=place, row=row, measure=measure, indicator=_named(row["indicator_id"], names),
        balancing=_named(row["balancing_id"], names), path=path, start=start, wash_in=max(wash_in, 0),
        worth={kind: _worth(row, values[kind]) for kind in OWN if _valued(row, values[kind])}, confidence=confidence,
    )  # fmt: skip


def _named(indicator, names) -> str:
    return "" if pd.isna(indicator) else names.get(indicator, str(indicator))


def _begun(path: pd.DataFrame, day) -> int:
    """Row of the period that holds the day; after the last period its length."""
    if path.empty or pd.isna(day):
        return len(path)
    return max(int((path["period"] <= day).sum()) - 1, 0) if day <= _end(path) else len(path)


def _end(path: pd.DataFrame) -> pd.Timestamp:
    """About the end of the last period."""
    last = path["period"].iloc[-1]
    return last + (last - path["period"].iloc[-2] if len(path) > 1 else pd.Timedelta(days=31))


def _valued(row, values) -> bool:
    return (
        row["indicator_id"] in values
        and row["frequency"] in YEAR
        and math.isfinite(row["effect"])
        and row["direction"] in ("up", "down")
    )


def _worth(row, values) -> tuple[float, float, float]:
    """The effect over a year at the declared value of one unit a period, to the good above 0."""
    times = values[row["indicator_id"]] * YEAR[row["frequency"]] * (1 if row["direction"] == "up" else -1)
    low, high = sorted(row[end] * times for end in ("low", "high"))
    return row["effect"] * times, low, high
