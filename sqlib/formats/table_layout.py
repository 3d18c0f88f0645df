"""Columns of a printed table: how wide each, how small the type, upright or across, from the text in its cells."""

import re
import unicodedata
from typing import NamedTuple

PADDING = 1.0  # em beside the text of a column, left and right together
GROUND = 0.7  # em around a verdict
GROWTH = 0.5  # em
UNSTACKED = 2  # as many steps down before an interval goes below its estimate
SHORT = 8  # a table of so many rows stays on one page
LINES = 25  # a row of more lines may break at the foot of a page
# Class of the table, and the em that go into a line: 168 mm at 9.5, 8 and 7 points, 255 mm (landscape) at 8 points.
STEPS = (("", 50.0), ("sq-small", 59.0), ("sq-smaller", 68.0), ("sq-landscape", 90.0))
_UNBROKEN = {"sq-est", "sq-ci", "sq-range", "sq-verdict"}
_WORD = re.compile(r"[\u2e80-\uffef]+|[^\s\u2e80-\uffef]+")
_NARROW = frozenset(" .,:;!'|()[]/-fijlrtI\u00a0")
_VERDICT = 8  # em: a longer verdict may break between its words
_LONGEST_WORD = 12  # em: a longer one is cut
_NAME, _CHARACTERS = 5, 4  # em: a Chinese name so long stays whole; of more text a line holds no less


class Layout(NamedTuple):
    """How a table is set.

    step    : class of the table
    shares  : width of each column in percent, summing to 100
    stacked : does the interval of this column stand below its estimate, in every row alike?
    short   : the table should stay on one page
    tall    : a row may have to break
    """

    step: str
    shares: list[float]
    stacked: list[bool]
    short: bool
    tall: bool


def layout(table) -> Layout:
    """How a table (``lxml`` element) fits a page: the largest type in which no word is cut, else the widest page."""
    rows = [row.xpath("./th|./td") for row in table.iter("tr")]
    columns = [[row[at] for row in rows if at < len(row)] for at in range(max(map(len, rows), default=0))]
    intervals = [any(cell.find_class("sq-ci") for cell in column) for column in columns]
    least = [max(map(_least, column)) for column in columns]
    full = [max(map(_full, column)) for column in columns]
    beside = _either(intervals, full, least)
    padding = PADDING * len(columns)
    step = _fitting(sum(beside) + padding, STEPS[:UNSTACKED])
    low = beside if step else least
    step, room = step or _fitting(sum(least) + padding, STEPS) or STEPS[-1]
    high = _either(intervals, low, full)
    widths = spread(low, high, room - padding)
    shares = [100 * (width + PADDING) / (sum(widths) + padding) for width in widths]
    tall = any(whole > LINES * width for whole, width in zip(high, widths, strict=True))
    stacked = [interval and low is least for interval in intervals]
    return Layout(step, shares, stacked, len(rows) <= SHORT and not tall, tall)


def _fitting(width: float, steps: tuple) -> tuple[str, float] | None:
    return next((step for step in steps if width <= step[1]), None)


def _either(which: list[bool], one: list, other: list) -> list:
    return [a if first else b for first, a, b in zip(which, one, other, strict=True)]


def spread(least: list[float], full: list[float], room: float) -> list[float]:
    """Widths of at least ``least`` that fill the room: the column whose longest text takes most lines grows first."""
    widths = list(least)
    while (left := room - sum(widths)) > 0.01:
        lines = [whole / width for whole, width in zip(full, widths, strict=True)]
        most = max(lines)
        if most <= 1:
            break
        widths[lines.index(most)] += min(GROWTH, left)
    return widths


def ems(text: str) -> float:
    """Width of a text in em: a Chinese character is one, a Latin one little more than half."""
    return sum(map(_em, text))


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WFA":
        return 1.0
    if character in _NARROW:
        return 0.32
    return 0.9 if character == "%" else 0.52 if character.islower() else 0.58


def _least(cell) -> float:
    """Width of what must not break in a cell."""
    whole = [_whole(part) for part in cell.iter("span") if set(part.get("class", "").split()) & _UNBROKEN]
    return max([*(whole or map(_piece, _WORD.findall(cell.text_content()))), 1.0])


def _full(cell) -> float:
    """Width of a cell on one line."""
    return max(ems(" ".join(cell.text_content().split())) + GROUND * bool(cell.find_class("sq-verdict")), _least(cell))


def _whole(part) -> float:
    """An interval is set smaller than its estimate; a verdict keeps its sign and words whole, and has a ground."""
    text, kind = part.text_content(), part.get("class")
    if "sq-verdict" in kind:
        parts = [text] if ems(text) <= _VERDICT else text.replace(" ", "\u00a0", 1).split(" ")
        return max(map(ems, parts)) + GROUND
    return ems(text) * (0.92 if "sq-ci" in kind else 1)


def _piece(word: str) -> float:
    width = ems(word)
    if ord(word[0]) < 0x2E80:
        return min(width, _LONGEST_WORD)
    return width if width <= _NAME else _CHARACTERS
