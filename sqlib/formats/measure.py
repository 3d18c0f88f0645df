"""How much room a text takes, in em, measured with the font of the report.

Its Latin letters are about as wide as Arial's or a little wider, so that what fits here fits in an office program.
"""

import functools
import math
import re
import unicodedata

BOLD = 1.08  # bold Latin letters against regular ones
SPACED = 0.5  # em: what some programs set between Chinese and the Latin word in it
_OPENING, _CLOSING = "\uff08\u201c\u300a", "\u3001\u3002\uff0c\uff1b\uff1a\uff1f\uff01\uff09\u201d\u300b\uff5e"
_PIECE = re.compile(
    f"[{_OPENING}]*(?:[!-\u2017\u2020-\u2e7f]+|[^{_OPENING}])[{_CLOSING}]* *|."
)  # what no line break parts


def ems(text: str, bold: bool = False) -> float:
    """Width of a text on one line."""
    return sum(_glyph(character, bold) for character in text)


def lines(text: str, width: float, bold: bool = False) -> int:
    """Lines a text takes in a width; a line break starts a new one."""
    return sum(_wrapped(part, width, bold) for part in text.split("\n"))


@functools.lru_cache(10_000)
def _wrapped(text: str, width: float, bold: bool) -> int:
    """Lines of a paragraph, broken between words and between full-width characters."""
    count, used = 1, 0.0
    mixed = SPACED * any(map(_full, text))
    for piece in _PIECE.findall(text):
        wide = ems(piece, bold) + mixed * any("0" <= character <= "z" for character in piece)
        inked = ems(piece.rstrip(" "), bold)
        if used + inked > width and used > 0:
            count, used = count + 1, 0.0
        if inked > width:  # a word longer than a line is broken anywhere
            more = math.ceil(inked / width) - 1
            count, wide = count + more, wide - more * width
        used += wide
    return count


@functools.cache
def _glyph(character: str, bold: bool) -> float:
    heavier = BOLD if bold and not _full(character) else 1
    return _font().getlength(character) / 100 * heavier


def _full(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


@functools.cache
def _font():
    import pylopdf_fonts_zh_cn
    from PIL import ImageFont

    return ImageFont.truetype(pylopdf_fonts_zh_cn.sans_path(), 100)
