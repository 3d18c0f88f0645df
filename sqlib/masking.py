"""Personal data in a text: mobile numbers, identity cards, credit codes, e-mail, WeChat ids, known names.

Numbers with a check digit count only where it is right: GB 11643 (identity card), GB 32100 (unified credit code).
"""

import functools
import re
from collections.abc import Collection

from sqlib import words

HIDDEN = "***"
_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # alphabet of GB 32100
_PATTERNS = {
    "identity": re.compile(r"(?<![0-9A-Za-z])[1-9]\d{16}[\dXx](?![0-9A-Za-z])"),
    "credit_code": re.compile(rf"(?<![0-9A-Za-z])[{_CODE}]{{18}}(?![0-9A-Za-z])"),
    "email": re.compile(r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
    "phone": re.compile(r"(?<![\d.])(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!\d|\.\d\d|\.[1-9])"),
}


def find(text: str, names: Collection[str] = ()) -> list[tuple[int, int, str]]:
    """Where personal data stand: (start, end, kind), in order and without overlap.

    Kinds: ``identity``, ``credit_code``, ``email``, ``phone``, ``messenger``, ``name``.
    """
    patterns = _PATTERNS | {"messenger": _wechat()}
    found = [(*match.span(), kind) for kind, each in patterns.items() for match in each.finditer(text)]
    found = [hit for hit in found if _holds(hit[2], text[hit[0] : hit[1]])]
    for name in filter(None, names):
        found += [(*match.span(), "name") for match in re.finditer(re.escape(name), text)]
    kept, end = [], 0
    for hit in sorted(found, key=lambda hit: (hit[0], -hit[1])):
        if hit[0] >= end:
            kept.append(hit)
            end = hit[1]
    return kept


def mask(text: str, names: Collection[str] = ()) -> str:
    """The text with personal data hidden."""
    for start, end, _ in reversed(find(text, names)):
        text = text[:start] + HIDDEN + text[end:]
    return text


def _holds(kind: str, value: str) -> bool:
    """Is the check digit right, where the kind has one?"""
    return {"identity": _identity, "credit_code": _credit_code}.get(kind, bool)(value)


def _identity(value: str) -> bool:
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(value[:17]))
    return "10X98765432"[total % 11] == value[17].upper()


def _credit_code(value: str) -> bool:
    total = sum(_CODE.index(character) * pow(3, place, 31) for place, character in enumerate(value[:17]))
    return _CODE[-total % 31] == value[17]


@functools.cache
def _wechat() -> re.Pattern:
    """What follows a word that announces a WeChat id: after a colon any id, without one only an id with a digit."""
    said = [words.entry("masking", name)[language] for name in ("wechat", "id") for language in words.LANGUAGES]
    before, between = rf"(?<![A-Za-z])(?:{'|'.join(said[:2])})", rf"(?:\s*(?:{'|'.join(said[2:])}))*\s*"
    colon = rf"{before}{between}[:\uff1a=]\s*(?:[A-Za-z][\w-]{{5,19}}|[1-9]\d{{4,10}})"
    return re.compile(rf"{colon}|{before}{between}(?=[\w-]*\d)[A-Za-z][\w-]{{5,19}}", re.IGNORECASE | re.ASCII)
