"""The forms under which a known name stands in free text: in full, without the legal form, a family name with a title.

A form that is an ordinary word as well (a two-character name such as *gao xing*, a first name such as Mark) counts only
beside a title, so that an ordinary sentence keeps its words. The word lists are ``profiles/general/masking.toml``.
"""

import functools
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "profiles" / "general" / "masking.toml"
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
PERSON = 4  # characters of the longest ordinary Chinese name
SHORTEST = 3  # letters of a Latin name that counts on its own
SHARED = (5, 0.02)  # a beginning shared by at least 5 firms and 2 % of them is a place, not a name


@dataclass(frozen=True)
class Forms:
    """Folded forms: ``free`` anywhere, ``called`` before a title, ``begun`` where a name can begin, ``latin`` as whole
    words, ``cased`` of these the ones that need a capital letter."""

    free: frozenset[str]
    called: frozenset[str]
    begun: frozenset[str]
    latin: frozenset[str]
    cased: frozenset[str]


@functools.cache
def lists() -> dict:
    """Word lists of the languages, as declared."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@functools.cache
def _ordinary() -> frozenset[str]:
    return frozenset(lists()["ordinary"])


@functools.cache
def table() -> np.ndarray:
    """Code point -> folded code point: half width, lower case, plain digits, one kind of dash and of space."""
    folded = np.arange(0x110000, dtype=np.uint32)
    for code in range(0x20000):
        folded[code] = _plain(code)
    return folded


def _plain(code: int) -> int:
    character = chr(code)
    if (digit := unicodedata.digit(character, None)) is not None:
        return ord("0") + digit
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp", "Cf") or character in "\t\n\r":
        return ord(" ")
    if category == "Pd" or character == "\N{MINUS SIGN}":
        return ord("-")
    single = unicodedata.normalize("NFKC", character) if 0xFF00 <= code <= 0xFFEF else character
    lower = single.lower()
    return ord(lower) if len(lower) == 1 else code


def codes(text: str) -> np.ndarray:
    """Code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def fold(text: str) -> str:
    """A text as it is compared, character for character."""
    return table()[codes(text)].tobytes().decode("utf-32-le", "surrogatepass")


@functools.lru_cache(maxsize=8)
def forms(names: frozenset[str]) -> Forms:
    """Every form of the names that a text may hold."""
    folded = {re.sub(" +", " ", fold(name)).strip() for name in names}
    chinese = {name.replace(" ", "") for name in folded if HAN.search(name)}
    latin = {name for name in folded if not HAN.search(name) and re.search("[a-z]", name)}
    people = {name for name in chinese if _is_person(name)}
    called, begun = _people(people)
    free = {name for name in people if name not in _ordinary()} | _firms(chinese - people)
    whole, cased = _latin(latin)
    sets = (free, called | _strangers(), begun - free, whole | cased, cased - whole)
    return Forms(*map(frozenset, sets))


def _is_person(name: str) -> bool:
    ends = tuple(lists()["legal"])
    return len(name) <= PERSON and name.isalpha() and not name.endswith(ends) and bool(_family(name))


def _family(name: str) -> str:
    """The family name a Chinese name begins with; empty where it begins with none."""
    if name[:2] in lists()["compound"] and len(name) > 2:
        return name[:2]
    return name[0] if name[0] in lists()["surnames"] and len(name) > 1 else ""


def _people(people: set[str]) -> tuple[set[str], set[str]]:
    """What stands before a title: family, given and full names; and short forms that hold where a name can begin."""
    words = lists()
    families = {_family(name) for name in people}
    given = {name[len(_family(name)) :] for name in people}
    begun = {family + title for family, title in product(families, words["short_titles"])}
    begun |= {nick + family for nick, family in product(words["before"], families)}
    return families | {part for part in given if len(part) == 2} | people, begun - _ordinary()


@functools.cache
def _strangers() -> frozenset[str]:
    """Family names that name somebody before a title, even where no table knows the person."""
    words = lists()
    return frozenset((set(words["surnames"]) - set(words["weak"])) | set(words["compound"]))


def _firms(firms: set[str]) -> set[str]:
    """Full names, names without their legal form, place and trade."""
    words = lists()
    bare = {name: _without_legal(name) for name in firms}
    places = _places(bare.values())
    found = set(firms)
    for name in bare.values():
        core = _without_place(name, places)
        brand = _without_end(core, words["trade"])
        found |= {name, core} | ({brand} if len(brand) > 1 else set())
    trades = set(words["trade"]) | set(words["legal"])
    return {form for form in found if len(form) > 1 and form not in _ordinary() | trades | places}


def _without_legal(name: str) -> str:
    return _without_end(re.sub(r"\([^)]*\)", "", name), lists()["legal"])


def _without_end(name: str, ends: list[str]) -> str:
    """A name without what its kind of firm ends on, as long as two characters are left."""
    while end := max((end for end in ends if name.endswith(end) and len(name) > len(end) + 1), key=len, default=""):
        name = name[: -len(end)]
    return name


def _places(names: Iterable[str]) -> set[str]:
    """Places that firms' names begin with: the known ones, and beginnings that too many share to be a name."""
    names = list(names)
    counted = Counter(name[:2] for name in names if len(name) > 3)
    least = max(SHARED[0], SHARED[1] * len(names))
    return set(lists()["places"]) | {start for start, count in counted.items() if count >= least}


def _without_place(name: str, places: set[str]) -> str:
    for place in sorted(places, key=len, reverse=True):
        if name.startswith(place) and len(name) > len(place) + 1:
            rest = name[len(place) :]
            return rest[1:] if rest[0] in lists()["place_ends"] and len(rest) > 2 else rest
    return name


def _latin(names: set[str]) -> tuple[set[str], set[str]]:
    """Whole names in any case; second, single words of names, which need a capital letter."""
    words = lists()
    whole, cased = set(), set()
    for name in names:
        parts = re.findall(r"[^\W_]+(?:['-][^\W_]+)*", name)
        firm = [part for part in parts if part not in words["legal_en"]]
        company = len(firm) < len(parts)
        whole |= {name, " ".join(parts)} | ({" ".join(firm)} if len(firm) > 1 else set())
        if len(parts) in (2, 3) and not company:
            whole |= {f"{parts[0]} {parts[-1]}"}
            whole |= {f"{title}{dot} {parts[-1]}" for title, dot in product(words["salutations"], ("", "."))}
        own = parts if not company and len(parts) < PERSON else firm if len(firm) == 1 else []
        cased |= {part for part in own if len(part) >= SHORTEST and not part.isdigit()} - _ordinary()
    single = {name for name in whole if " " not in name}
    return whole - single - {""}, cased | (single - _ordinary() - {""})
