"""Comments into terms: Chinese by segmentation, English by words; single terms and pairs of neighbours.

Numbers and anything with a digit are dropped, and so are words that carry no matter of their own
(``profiles/general/stopwords.toml``). A negation counts only together with the word after it. Personal data are the
caller's matter: give masked texts.
"""

import functools
import re
import tomllib
from pathlib import Path

import pandas as pd

from sqlib import phrases

STOPS = Path(__file__).parent / "profiles" / "general" / "stopwords.toml"
HAN = re.compile("[\u3400-\u9fff]")
RUNS = re.compile("[\u3400-\u9fff]+|[a-z\u00c0-\u024f0-9'\u2019@_-]+|[^ ]")  # Chinese, words, any other mark
WORD = re.compile("[a-z\u00c0-\u024f]['a-z\u00c0-\u024f-]+")  # no digit in it, at least two letters


def terms(texts: pd.Series) -> pd.Series:
    """The distinct terms of each text as a sorted list; a blank text has none.

    A pair of Chinese words is written together, a pair of English words with a space.
    """
    once = {text: _terms(text) for text in phrases.folded(texts).unique()}
    return phrases.folded(texts).map(once)


def _terms(text: str) -> list[str]:
    """Words and pairs of words that stand side by side within one clause."""
    stops = _stops()
    found, before = set(), ""
    for word in _words(text):
        matter = word not in stops.words and _says(word, stops)
        if matter:
            found.add(word)
        if before and matter:
            found.add(_paired(before, word))
        before = word if matter or word in stops.negators else ""
    return sorted(found)


def _says(word: str, stops) -> bool:
    if HAN.match(word):
        return len(word) > 1 or word in stops.single
    return bool(WORD.fullmatch(word))


def _paired(first: str, second: str) -> str:
    return f"{first}{second}" if HAN.match(first) and HAN.match(second) else f"{first} {second}"


def _words(text: str):
    """Words in their order; a mark of punctuation, or a number, is a word that says nothing and parts the others."""
    import rjieba

    for run in RUNS.findall(text):
        if HAN.match(run):
            yield from rjieba.cut(run)
        else:
            yield _singular(run.replace("\u2019", "'").strip("'-_"))


def _singular(word: str) -> str:
    """An English plural folded to its singular by rule: queues, glasses, ladies; not bus, glass, this."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")):
        return word.removesuffix("'s")
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zes")) else word[:-1]


class _Stops:
    """The words of ``stopwords.toml``: left out, negating, and single characters that count."""

    def __init__(self, declared: dict[str, str]):
        self.negators = frozenset(declared["negators"].split())
        self.words = frozenset(declared["zh"].split()) | frozenset(declared["en"].split()) | self.negators
        self.single = frozenset(declared["single"].split())


@functools.cache
def _stops() -> _Stops:
    return _Stops(tomllib.loads(STOPS.read_text(encoding="utf-8")))
