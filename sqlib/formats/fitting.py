"""How much room a text takes on a slide, and how to make it fit: smaller first, then cut at the end.

Measured with Noto Sans SC, whose Latin letters are about as wide as Arial's or a little wider.
"""

import functools
import math
import re
import unicodedata
from dataclasses import dataclass

LEADING = 1.25  # line to line, in sizes of the type; slides set it so too
BOLD = 1.08  # bold Latin letters against regular ones
SPACED = 0.5  # of the size: what some programs set between Chinese and the Latin word in it
CUT = "\N{HORIZONTAL ELLIPSIS}"
MOST = 12  # lines a cell may take before its text is cut
_OPENING, _CLOSING = "\uff08\u201c\u300a", "\u3001\u3002\uff0c\uff1b\uff1a\uff1f\uff01\uff09\u201d\u300b\uff5e"
_PIECE = re.compile(
    f"[{_OPENING}]*(?:[!-\u2017\u2020-\u2e7f]+|[^{_OPENING}])[{_CLOSING}]* *|."
)  # what no line break parts
_HALF = re.compile(r"(?<=[\s\u2e80-\uffff])[^\s\u2e80-\uffff]+$")  # a Latin word that the cut goes through


@dataclass(frozen=True)
class Fitted:
    """Texts as they fit: ``size`` in points, ``heights`` of the rows in points, ``dropped`` rows left out."""

    rows: list[list[str]]
    size: float
    heights: list[float]
    dropped: int = 0


def lines(text: str, width: float, size: float, bold: bool = False) -> int:
    """Lines a text takes in a width, both in points; a line break starts a new one."""
    return sum(_wrapped(part, width, size, bold) for part in text.split("\n"))


def cut(text: str, most: int, width: float, size: float, bold: bool = False) -> str:
    """A text of at most so many lines, ended by an ellipsis where it had to be cut."""
    if lines(text, width, size, bold) <= most:
        return text
    low, high = 0, len(text)
    while low < high - 1:
        middle = (low + high) // 2
        fits = lines(text[:middle] + CUT, width, size, bold) <= most
        low, high = (middle, high) if fits else (low, middle)
    return _HALF.sub("", text[: low + 1])[:low].rstrip(" ,;:\u3001\uff0c\uff1b\uff1a\uff08(") + CUT


def line(text: str, width: float, height: float, sizes: tuple[float, ...], bold: bool = False) -> tuple[str, float]:
    """A text and the largest size at which it fits a box; cut at the smallest."""
    for size in sizes:
        if lines(text, width, size, bold) * size * LEADING <= height:
            return text, size
    return cut(text, max(int(height / (size * LEADING)), 1), width, size, bold), size


def rows(
    texts: list[list[str]], widths: list[float], height: float, sizes: tuple[float, ...], pad: float = 0,
    bold: tuple[int, ...] = (), loose: tuple[int, ...] = (),
) -> Fitted:  # fmt: skip
    """Rows of cells as they fit a height: the largest size, then fewer lines a cell, then fewer rows.

    ``widths`` of the columns and ``pad`` above and below the text of a row together, in points; ``bold``: rows so set;
    ``loose``: columns whose texts are cut before any other is.
    """
    for size in sizes:
        found = _measured(texts, widths, size, pad, bold)
        if sum(found.heights) <= height:
            return found
    for columns in (loose, range(len(widths))):
        for most in range(MOST, 0, -1):
            found = _measured(_shortened(texts, widths, size, bold, most, columns), widths, size, pad, bold)
            if sum(found.heights) <= height:
                return found
    kept = next(count for count in range(len(texts), -1, -1) if sum(found.heights[:count]) <= height)
    return Fitted(found.rows[:kept], size, found.heights[:kept], len(texts) - kept)


def _shortened(texts, widths, size: float, bold: tuple[int, ...], most: int, columns) -> list[list[str]]:
    """The texts, in some columns of at most so many lines."""
    return [
        [
            cut(text, most, width, size, line in bold) if place in columns else text
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        for line, row in enumerate(texts)
    ]


def _measured(texts, widths, size: float, pad: float, bold: tuple[int, ...]) -> Fitted:
    heights = [
        pad
        + size
        * LEADING
        * max(lines(text, width, size, number in bold) for text, width in zip(row, widths, strict=True))
        for number, row in enumerate(texts)
    ]
    return Fitted(texts, size, heights)


@functools.lru_cache(10_000)
def _wrapped(text: str, width: float, size: float, bold: bool) -> int:
    """Lines of a paragraph, broken between words and between full-width characters."""
    count, used = 1, 0.0
    mixed = SPACED * any(map(_full, text))
    for piece in _PIECE.findall(text):
        wide = (_advance(piece, bold) + mixed * any("0" <= character <= "z" for character in piece)) * size
        inked = _advance(piece.rstrip(" "), bold) * size
        if used + inked > width and used > 0:
            count, used = count + 1, 0.0
        if inked > width:  # a word longer than a line is broken anywhere
            more = math.ceil(inked / width) - 1
            count, wide = count + more, wide - more * width
        used += wide
    return count


def _advance(text: str, bold: bool) -> float:
    return sum(_glyph(character, bold) for character in text)


@functools.cache
def _glyph(character: str, bold: bool) -> float:
    """Advance of a character at size 1."""
    heavier = BOLD if bold and not _full(character) else 1
    return _font().getlength(character) / 100 * heavier


def _full(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


@functools.cache
def _font():
    import pylopdf_fonts_zh_cn
    from PIL import ImageFont

    return ImageFont.truetype(pylopdf_fonts_zh_cn.sans_path(), 100)
