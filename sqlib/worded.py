"""Worded scales: very satisfied … very dissatisfied become scores, when every word belongs to one known set."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sqlib.contracts import normalised

_PROFILES = Path(__file__).parent / "profiles"


@dataclass(frozen=True)
class Levels:
    """One worded scale: spelling -> score, and the ends of the scale."""

    name: str
    scores: dict[str, float]
    low: float
    high: float
    table: str = ""  # the only table it is read in


@functools.cache
def scales(profile: str = "general", table: str = "") -> tuple[Levels, ...]:
    """The sets of ``profiles/<profile>/scales.toml`` before the general ones, the smallest first."""
    files = [_PROFILES / name / "scales.toml" for name in dict.fromkeys((profile, "general"))]
    declared = [tomllib.loads(path.read_text(encoding="utf-8")) for path in files if path.exists()]
    sets = [_levels(name, entry) for part in declared for name, entry in part.items()]
    sets = [levels for levels in sets if levels.table in ("", table)]
    return tuple(sorted(sets, key=lambda levels: levels.high - levels.low))


def choose(words: set[str], low: float, high: float, profile: str = "general", table: str = "") -> Levels | None:
    """The smallest set that holds all the (normalised) words and has the declared ends (None: undeclared).

    None where no set does, or where several of one size disagree on a score.
    """
    fitting = [
        s
        for s in scales(profile, table)
        if words <= s.scores.keys() and low in (s.low, None) and high in (s.high, None)
    ]
    smallest = [s for s in fitting if (s.low, s.high) == (fitting[0].low, fitting[0].high)]
    agreed = {tuple(s.scores[word] for word in sorted(words)) for s in smallest}
    return smallest[0] if len(agreed) == 1 else None


def scores(text: pd.Series, low: float | None, high: float | None, profile: str = "general", table: str = "", near=()):
    """Score every cell of one worded column; ``near``: words of its file, which share its set where one holds them all.

    Returns the scores (nan where no set fits) and the set used, or None.
    """
    words = {cell: normalised(cell) for cell in text.dropna().unique()}
    wider = set(words.values()) | set(map(normalised, near))
    levels = next(
        filter(None, (choose(each, low, high, profile, table) for each in (wider, set(words.values())))), None
    )
    levels = levels if words else None
    if levels is None:
        return pd.Series(float("nan"), index=text.index), None
    return text.map({cell: levels.scores[word] for cell, word in words.items()}).astype("float64"), levels


def beside(text: pd.Series, profile: str = "general") -> pd.Series:
    """Row by row: does the cell belong to the set that holds most of the words, others of which no set knows?"""
    words = text.map(normalised)
    spoken = set(words)
    best = max((s.scores.keys() & spoken for s in scales(profile)), key=len)
    return words.isin(best if spoken - best else set())


def _levels(name: str, entry: dict) -> Levels:
    first = entry.get("from", 1)
    spelled = {normalised(word): float(first + i) for i, words in enumerate(entry["levels"]) for word in words}
    return Levels(name, spelled, float(first), float(first + len(entry["levels"]) - 1), entry.get("table", ""))
