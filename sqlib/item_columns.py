"""The questions of a wide questionnaire: columns of ratings on one scale that stand beside each other."""

import re
from collections import Counter

import numpy as np

from sqlib import evidence, suspects
from sqlib.evidence import Evidence

FEWEST = 3  # columns that make a questionnaire; two, where their headers ask for a rating or their words do
ALIKE = 0.5  # share of the columns that must be named alike where no header asks for a rating
FROM_ZERO = (1, 10, 100)  # scales that begin at 0; in 0-5 the 0 may stand for "not rated"
LIKELY, CHECK = "likely", "check"


def find(seen: dict[str, Evidence], written: dict[str, str], taken: set[str]) -> dict[str, str]:
    """Header -> certainty of every question; ``taken``: columns that are something else."""
    able = [name for name in seen if name not in taken and is_rating(seen[name], written[name])]
    groups: dict[object, list[str]] = {}
    for name in able:
        groups.setdefault(_scale(seen[name]), []).append(name)
    found = {}
    for members in groups.values():
        asking = [name for name in members if _asks(seen[name], written[name])]
        if len(asking) >= FEWEST - 1:
            found |= dict.fromkeys(asking, LIKELY)
        if len(members) >= FEWEST:
            found |= {name: CHECK for name in _alike(members, written) if name not in asking}
    return {name: found[name] for name in seen if name in found}


def ends(columns: list[Evidence], from_one: bool = False) -> tuple[tuple[float, float], list[str]]:
    """The scale of all questions, nan where their values do not settle it, and codes below it for no answer.

    ``from_one``: a platform that numbers the options from 1, whether or not anybody chose the first.
    """
    lows, highs = ({getattr(column, side) for column in columns if column.kind == "number"} for side in ("low", "high"))
    words = {column.ends for column in columns if column.words}
    if words or not lows:
        return (min(low for low, _ in words), max(high for _, high in words)) if words else (np.nan, np.nan), []
    low, high = min(lows), max(highs)
    if low < 0 < high:
        return (-high, high), [f"{code}" for code in suspects.CODES if low <= code < -high]
    low = 1.0 if from_one and low >= 1 else low
    lows = {low} if from_one else lows
    settled = len(lows) == 1 and (low == 1 or (low == 0 and high in FROM_ZERO))
    return ((low, high) if settled else (np.nan, np.nan)), []


def is_rating(values: Evidence, header: str) -> bool:
    """Could the values be answers on a scale?"""
    if evidence.says(header, "background") and not evidence.says(header, "rated"):
        return False
    if values.words is not None:
        return values.kind == "worded"
    few = values.kind == "number" and 2 < values.levels <= evidence.SCALE
    bounded = np.isfinite(values.ends[1]) or -evidence.SHOWN <= values.low < 0 < values.high <= evidence.SHOWN
    return few and bool(bounded) and (values.whole or values.ends[1] == 100)


def _scale(values: Evidence):
    """What columns of one questionnaire share: the words, or the upper end."""
    return values.words.name if values.words else values.ends[1] if np.isfinite(values.ends[1]) else "signed"


def _asks(values: Evidence, header: str) -> bool:
    """Does the header, or do the words, ask for a rating?"""
    worded = values.words is not None and not values.words.name.startswith(("yes", "often"))
    return worded or evidence.says(header, "rated")


def _alike(members: list[str], written: dict[str, str]) -> list[str]:
    """The columns whose names show they belong together: one stem and a number, or a word they share."""
    stems = {name: _stem(written[name]) for name in members}
    shared = Counter(stem for stem in stems.values() if stem)
    alike = [name for name in members if shared[stems[name]] > 1]
    return members if len(alike) >= ALIKE * len(members) else alike if len(alike) >= FEWEST else []


def _stem(header: str) -> str:
    """The name without its number; of several words the first."""
    numbered = re.fullmatch(r"\s*(.*?)[\s_.-]*\d+[\s.]*", header)
    if numbered:
        return numbered[1].casefold() or "#"
    words = re.split(r"[\s_]+", header.strip())
    return words[0].casefold() if len(words) > 1 else ""
