"""Parameters every page shares: their types, choices and ranges."""

from datetime import datetime

from sqlib import words
from sqlib.errors import ArgumentError

AUDIENCES = tuple(words.catalogue("audiences"))
CHOICES = {"language": words.LANGUAGES, "audience": AUDIENCES}
KINDS = {"min_group": int, "seed": int, "confidence": float, "as_of": str, "compare_to": str}
LEAST = {"min_group": 1, "seed": 0}


def check(given: dict) -> None:
    """Types and ranges of a page's shared parameters, as far as they are given, before anything is read.

    Raises
    ------
    ArgumentError : ``page.not_one_of``, ``page.wrong_type``, ``page.out_of_range``, ``page.not_a_date``
    """
    for name, value in given.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise ArgumentError("page.not_one_of", name=name, got=repr(value), allowed=", ".join(CHOICES[name]))
        if name in KINDS and (not isinstance(value, KINDS[name]) or isinstance(value, bool)):
            raise ArgumentError("page.wrong_type", name=name, got=repr(value), wanted=KINDS[name].__name__)
        if name in LEAST and value < LEAST[name]:
            raise ArgumentError("page.out_of_range", name=name, got=value, wanted=f"≥ {LEAST[name]}")
        if name == "confidence" and not 0.5 <= value < 1:
            raise ArgumentError("page.out_of_range", name=name, got=value, wanted="0.5 … 0.999")
        if name == "as_of" and value:
            _check_day(value)
    if given.get("audience") == "team" and not given.get("team"):
        raise ArgumentError("page.team_missing")


def _check_day(text: str) -> None:
    try:
        datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        raise ArgumentError("page.not_a_date", name="as_of", got=repr(text)) from None
