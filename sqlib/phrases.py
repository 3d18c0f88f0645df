"""Phrases in texts: which comment holds a phrase of a list, exactly and fast.

Case, width of letters and spacing do not matter. Chinese phrases match anywhere, Latin ones whole words. A star stands
for what may come between: up to six characters of one clause, between Latin words up to three words; at the end of a
Latin word for any ending (``clean*``).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

LATIN = "0-9a-z\u00c0-\u024f"  # letters and digits that make up whole words; Chinese has no word boundary
STRUCK = "\x00"  # stands where an excluded phrase was, so that its neighbours do not join into a phrase
CLAUSE = "[^\\x00 ,.!?;:~\u2026\u3001\u3002]"  # a character within one clause
WORDS = rf" (?:[{LATIN}']+ ){{0,3}}"


def fold(text: str) -> str:
    """A text in one spelling: half-width, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def folded(texts: pd.Series) -> pd.Series:
    """Texts in one spelling; what is missing is an empty text."""
    once = {value: "" if pd.isna(value) else fold(str(value)) for value in texts.unique()}
    return texts.map(once).astype(object).where(texts.notna(), "")


def carried(texts: pd.Series, book: dict[str, Sequence[str]], exclude: dict[str, Sequence[str]]) -> pd.DataFrame:
    """Which folded text carries which entry of a book: one boolean column an entry, in its order.

    ``exclude``: entry -> phrases that look like it and do not count; they are struck out before it is looked for.
    """
    places, once = pd.factorize(texts)
    found = {name: _holds(once, book[name], exclude.get(name, ()))[places] for name in book}
    return pd.DataFrame(found, index=texts.index, dtype=bool)


def _holds(texts: Sequence[str], phrases: Iterable[str], excluded: Iterable[str]) -> np.ndarray:
    phrases, excluded = _folded(phrases), _folded(excluded)
    hits = _matching(texts, phrases)
    if excluded and hits.any():
        places = np.flatnonzero(hits)
        doubtful = places[_matching([texts[place] for place in places], excluded)]
        wanted, struck = (re.compile(_pattern(listed, *EXACT)) for listed in (phrases, excluded))
        hits[doubtful] = [bool(wanted.search(struck.sub(STRUCK, texts[place]))) for place in doubtful]
    return hits


def _folded(phrases: Iterable[str]) -> list[str]:
    """The phrases in one spelling, the longest first; empty ones are none."""
    return sorted(filter(None, map(fold, phrases)), key=len, reverse=True)


def _matching(texts: Sequence[str], phrases: list[str]) -> np.ndarray:
    """Which texts hold a phrase; RE2 reads each letter once, however many phrases there are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not phrases or not len(texts):
        return np.zeros(len(texts), dtype=bool)
    found = pc.match_substring_regex(pa.array(texts, pa.string()), _pattern(phrases, *READ))
    return found.to_numpy(zero_copy_only=False).copy()


# --- a phrase as a pattern ------------------------------------------------------------------------------------

EXACT = (f"(?<![{LATIN}])", f"(?![{LATIN}])")  # edges of a Latin word, looked at
READ = (f"(?:^|[^{LATIN}])", f"(?:$|[^{LATIN}])")  # the same, read over: RE2 cannot look around


def _pattern(phrases: list[str], start: str, end: str) -> str:
    return "|".join(_whole_words(phrase, start, end) for phrase in phrases)


def _whole_words(phrase: str, start: str, end: str) -> str:
    """The phrase, not inside a longer Latin word or number."""
    stem = phrase.strip("*")
    ending = end if re.match(f"[{LATIN}]", stem[-1]) and not phrase.endswith("*") else ""
    return (start if re.match(f"[{LATIN}]", stem[0]) else "") + WORDS.join(map(_within, stem.split(" * "))) + ending


def _within(part: str) -> str:
    return f"{CLAUSE}{{0,6}}".join(map(re.escape, part.split("*")))
