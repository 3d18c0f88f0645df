"""How a text is made to fit its place on a slide: smaller first, then cut at the end."""

import re
from dataclasses import dataclass

from sqlib.formats import measure

LEADING = 1.25  # line to line, in sizes of the type; slides set it so too
CUT = "\N{HORIZONTAL ELLIPSIS}"
MOST = 12  # lines a cell may take before its text is cut
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
    return measure.lines(text, width / size, bold)


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
