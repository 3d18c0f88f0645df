"""How much a header is like the spellings of a field: one of them, ended by one, loosely meant, misspelt."""

import difflib
import functools
import re

from sqlib import contracts, evidence

EXACT, ENDS, MEANT, LOOSE = 1.0, 0.8, 0.6, 0.5  # is a spelling; ends in one that is most of it; may mean it
MOST = 0.6  # share of a header that a spelling must be to be most of it
LONG = 3  # characters or words from which the end of a header says enough: "date" alone does not
TYPO = 0.86  # similarity of two spellings of one word
_ASKED = re.compile(r"[\u662f\u4e3a\s:\uff1a?\uff1f]+$")  # "... is:" at the end of a question
_NUMBER = re.compile(r"^\s*[Qq]?\d+\s*[.):\u3001\uff09\uff1a]\s*")  # the number of a question


def likeness(header: str, table: str, field: str) -> float:
    """0, ``LOOSE``, ``MEANT``, ``ENDS`` or ``EXACT``."""
    if contracts.match(header, contracts.load(table)) == field:
        return EXACT
    said = _words(header)
    if not said:
        return 0.0
    best = max((_like(said, spelling) for spelling in _spellings(table, field)), default=0.0)
    if best >= ENDS:
        return best
    weak = [_words(word) for word in evidence.vocabulary()["weak"].get(table, {}).get(field, ())]
    if said in weak:
        return MEANT
    grouping = contracts.load(table).columns[field].type == "category"  # "home country" is a country
    return LOOSE if best or (grouping and any(said[-len(word) :] == word for word in weak)) else 0.0


@functools.cache
def _spellings(table: str, field: str) -> tuple[tuple[str, ...], ...]:
    column = contracts.load(table).columns[field]
    return tuple(dict.fromkeys(_words(text) for text in (field, *column.label.values(), *column.aliases)))


@functools.cache
def _words(header: str) -> tuple[str, ...]:
    """Tokens of a header without question number and fillers."""
    words = evidence.tokens(_ASKED.sub("", _NUMBER.sub("", header)) or header)
    first, *others = map(evidence.tokens, evidence.vocabulary()["customers"])
    for other in others:
        words = first + words[len(other) :] if words[: len(other)] == other else words
    for filler in sorted(evidence.vocabulary()["fillers"], key=len, reverse=True):
        words = _without(words, evidence.tokens(filler))
    return words


def _without(words: tuple[str, ...], part: tuple[str, ...]) -> tuple[str, ...]:
    for at in range(len(words) - len(part) + 1):
        if words[at : at + len(part)] == part and len(words) > len(part):
            return _without(words[:at] + words[at + len(part) :], part)
    return words


def _like(said: tuple[str, ...], spelling: tuple[str, ...]) -> float:
    if not spelling:
        return 0.0
    if said == spelling:
        return ENDS  # equal but for fillers or order of signs
    share = len(spelling) / len(said)
    if said[-len(spelling) :] == spelling and share < 1:
        enough = len(spelling) >= (LONG if _han(spelling) else LONG - 1)
        return ENDS if enough and share >= MOST else LOOSE
    if len(spelling) > (LONG - 1 if _han(spelling) else 1) and share < 1 and " ".join(spelling) in " ".join(said):
        return LOOSE
    if share >= MOST and (said[0], said[-1]) == (spelling[0], spelling[-1]) and _within(spelling, said):
        return LOOSE
    joined, other = "".join(said), "".join(spelling)
    if min(len(joined), len(other)) >= 5 and difflib.SequenceMatcher(None, joined, other).ratio() >= TYPO:
        return LOOSE
    return 0.0


def _within(spelling: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Are the words of the spelling in the header, in their order?"""
    rest = iter(said)
    return all(word in rest for word in spelling)


def _han(words: tuple[str, ...]) -> bool:
    return any(len(word) == 1 and word > "\u3400" for word in words)
