"""What the values of one column say of it: dates, ratings, ids, free text, or personal data that is never used."""

import functools
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sqlib import contracts, dates, parsing, repairs, suspects, worded

SAMPLE = 3_000  # values looked at, evenly spaced
MOST = 0.9  # share of the values that makes a column of one kind
LEVELS = 50  # different values of a category
SCALE = 21  # different values of a rating
LONG = 12  # mean characters of a free text
WORDED = 0.95  # share of the rows that a worded scale must know
FEW, SLIPS = 100, 0.01  # answers from which the share of mistyped ones tells
UNITS = ("points", "yuan", "hours")
SHOWN, CUT = 3, 40  # sample values shown, characters of each
HIDDEN = "\N{BULLET}" * 3
_PERSONAL = re.compile(
    r"(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"  # mobile phone
    r"|\+\d[\d() .-]{7,18}|\(\d{2,4}\)[\d .-]{6,14}|0\d{2,3}-\d{7,8}|\d{3}[-. ]\d{3}[-. ]\d{4}"  # other phones
    r"|\d{17}[\dXx]|[^@\s]+@[^@\s]+\.[^@\s]+|(?:\d{1,3}\.){3}\d{1,3}(?:\(.*\))?"  # identity card, e-mail, IP address
)
_MASKED = re.compile(r"[^@\s]+@[^@\s]+\.\w+|\+?\d[\d() -]{5,}\d[Xx]?")
_DAY = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?")


@dataclass(frozen=True)
class Evidence:
    """One column: ``kind`` is empty, personal, worded, flag, number, date, text, category or id.

    filled : share of the rows; unique : share of different values among the filled
    low, high, levels : of a number, else nan; whole : no decimals
    ends : ends of the scale that would hold the values, nan where none does
    words : the worded scale that holds the values, nearly all of them; known : their share
    values : different values with their counts, most frequent first, of a column with few
    """

    kind: str
    filled: float = 0.0
    unique: float = 0.0
    length: float = 0.0
    low: float = np.nan
    high: float = np.nan
    levels: int = 0
    whole: bool = False
    ends: tuple[float, float] = (np.nan, np.nan)
    words: worded.Levels | None = None
    known: float = 0.0
    values: dict[str, int] | None = None


def of(cells: pd.Series, header: str = "") -> Evidence:
    """The evidence of one column of texts ("" where empty)."""
    kept = repairs.blank(cells.mask(cells == ""), repairs.vocabulary("missing")).dropna()
    filled = len(kept) / len(cells) if len(cells) else 0.0
    if is_personal(header, kept):
        return Evidence("personal", filled)
    if kept.empty:
        return Evidence("empty")
    counts = kept.value_counts()
    few = {str(text): int(n) for text, n in counts.head(LEVELS).items()} if len(counts) <= LEVELS else None
    texts = pd.Series(counts.index[_spread(len(counts))], dtype="str")
    shared = {"filled": filled, "unique": len(counts) / len(kept), "length": texts.str.len().mean(), "values": few}
    return _kind(kept, texts, shared | {"levels": len(counts)})


def is_personal(header: str, cells: pd.Series) -> bool:
    """Phone, identity, e-mail or IP address by most of the values; a telling word in the header."""
    some = cells.drop_duplicates().iloc[_spread(min(cells.nunique(), SAMPLE))]
    return (bool(len(some)) and some.str.fullmatch(_PERSONAL.pattern).mean() > 0.5) or _says(header, "personal")


def says(header: str, words: str) -> bool:
    """Does a header hold one of the listed words: whole words of Latin letters, any part of Chinese ones?"""
    return _says(header, words)


def samples(cells: pd.Series, hidden: bool = False) -> str:
    """The first different values, as they may be shown: no long number, no address, cut."""
    texts = [text for text in cells.drop_duplicates().head(SHOWN + 1) if text][:SHOWN]
    if hidden:
        return " | ".join(HIDDEN for _ in texts)
    return " | ".join(masked(text) for text in texts)


def masked(text: str) -> str:
    """A value without phones, identity numbers and addresses, cut to what a cell shows."""
    text = " ".join(text.split())
    plain = unicodedata.normalize("NFKC", text)
    dated = re.fullmatch(r"[\d\s:./T+-]+", plain) and not re.fullmatch(r"[\d +()-]{9,}", plain.replace(":", "x"))
    hidden = plain if dated or _DAY.fullmatch(plain) or _iso(plain) else _MASKED.sub(HIDDEN, plain)
    plain = text if hidden == plain else hidden
    return plain if len(plain) <= CUT else f"{plain[:CUT]}…"


def _iso(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}(?:[ T].*)?", text) is not None


def _kind(kept: pd.Series, texts: pd.Series, shared: dict) -> Evidence:
    words, known = _worded(shared["values"] or {})
    shared |= {"known": known}
    flags = parsing.flags(texts).values.notna().all()
    if words and words.high - words.low > 1:
        return Evidence("worded", words=words, ends=(words.low, words.high), **shared)
    if flags:
        numeric = texts.isin(["0", "1", "0.0", "1.0"]).all()
        bounds = {"low": 0.0, "high": 1.0, "ends": (0.0, 1.0)} if numeric else {}
        return Evidence("flag", **bounds, **shared)
    if words:
        return Evidence("worded", words=words, ends=(words.low, words.high), **shared)
    if texts.str.fullmatch(_DAY.pattern).mean() >= MOST:
        return Evidence("date", **shared)
    if texts.str.contains(r"\d", regex=True).mean() >= MOST:
        unit = max(UNITS, key=lambda unit: parsing.numbers(texts.head(FEW), unit).values.notna().sum())
        numbers = parsing.numbers(texts, unit).values
        if numbers.notna().mean() >= MOST:
            spread = parsing.numbers(kept.iloc[_spread(len(kept))], unit).values.dropna()
            return _number(spread, numbers.dropna(), shared)
        if _dated(texts.head(FEW)) and _dated(texts):
            return Evidence("date", **shared)
    if shared["values"] and (shared["unique"] <= 0.5 or len(kept) < 10) and shared["length"] < 40:
        return Evidence("category", **shared)
    free = shared["length"] >= LONG and not texts.str.fullmatch(r"[\w./#-]+", flags=re.ASCII).mean() > 0.5
    return Evidence("text" if free else "id" if shared["unique"] > MOST else "category", **shared)


def _dated(texts: pd.Series) -> bool:
    """Are these dates, or dates but for a year or the order of day and month?"""
    read = dates.datetimes(texts, timezone="UTC")
    unclear = read.failed.isin(["ambiguous_date", "date_without_year"])
    return bool((read.values.notna() | unclear).mean() >= MOST)


def _worded(values: dict[str, int]) -> tuple[worded.Levels | None, float]:
    """The worded scale of the values, and the share of the rows it knows: a few odd words do not unmake a scale."""
    spelt = {text: contracts.normalised(text) for text in values}
    for levels in worded.scales():
        known = sum(n for text, n in values.items() if spelt[text] in levels.scores)
        if values and known >= WORDED * sum(values.values()):
            words = {word for word in spelt.values() if word in levels.scores}
            return worded.choose(words, None, None), known / sum(values.values())
    return None, 0.0


def _number(values: pd.Series, numbers: pd.Series, shared: dict) -> Evidence:
    ends = _ends(values.to_numpy()) if shared["levels"] <= 10 * SCALE else (np.nan, np.nan)
    low, high, whole = float(numbers.min()), float(numbers.max()), bool((numbers % 1 == 0).all())
    return Evidence("number", low=low, high=high, whole=whole, ends=ends, **shared)


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Ends of the scale; one in a hundred may be mistyped: a single 7 among fives makes no scale of seven."""
    low, high = suspects.ends(values)
    if len(values) < FEW or not np.isfinite(high) or high > 10:
        return low, high
    low = 1.0 if high > 1 and (values == 0).mean() <= SLIPS else low
    smaller = [end for end in suspects.ENDS if end > 1 and (values <= end).mean() >= 1 - SLIPS]
    return low, float(min([high, *smaller]))


def _spread(n: int) -> np.ndarray:
    """Positions of at most ``SAMPLE`` of n values, evenly spaced."""
    return np.unique(np.linspace(0, max(n - 1, 0), min(n, SAMPLE)).astype(int)) if n else np.array([], dtype=int)


@functools.cache
def vocabulary() -> dict:
    """``profiles/general/guesses.toml``."""
    path = Path(__file__).parent / "profiles" / "general" / "guesses.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@functools.cache
def tokens(header: str) -> tuple[str, ...]:
    """Latin words and single Chinese characters of a header, without case: ``customerID`` is customer, id."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFKC", header))
    return tuple(re.findall(r"[a-z]+|\d+|[\u3400-\u9fff]", plain.casefold()))


def _says(header: str, words: str) -> bool:
    spoken = "|" + "|".join(tokens(header)) + "|"
    return any("|" + "|".join(tokens(word)) + "|" in spoken for word in vocabulary()[words])
