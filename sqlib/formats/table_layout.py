"""Columns of a table on paper: how wide each, how small the type, upright or across, from the text in its cells."""

import re
from typing import NamedTuple

from sqlib.formats.measure import ems, lines

GROUND = 0.7  # em around a verdict
GROWTH = 0.5  # em
_INTERVAL, _UNBROKEN = "sq-ci", {"sq-est", "sq-range", "sq-verdict"}
_WORD = re.compile(r"[^\s\u2e80-\uffef]+")
_BRACKET = re.compile("(?=\uff08)")
_LONGEST_WORD = 12  # em: a longer one is cut
_NAME = 5  # em: a name in the head of a table so long stays whole
_VERDICT = 8  # em: a longer verdict may break between its words


class Way(NamedTuple):
    """One way to set a table.

    size    : of the type, in points
    floor   : em that a column of words keeps
    stacked : do intervals stand below their estimates, in every row alike?
    across  : does the table lie across the page?
    most    : rows up to which this way is taken
    """

    size: float
    floor: float
    stacked: bool = False
    across: bool = False
    most: int = 10_000


class Paper(NamedTuple):
    """Where a table is set, in points: room of a line on upright pages and across, left and right of a cell; the ways
    to set it, the best first.
    """

    upright: float
    across: float
    padding: float
    ways: list[Way]


class Layout(NamedTuple):
    """How a table is set: the way taken, widths of the columns in points, together the room, and lines of each row."""

    way: Way
    widths: list[float]
    lines: list[int]


class Cell(NamedTuple):
    """Texts of a cell, each on a line of its own, and those of its parts that must not break."""

    texts: list[str]
    whole: list[str]
    head: bool
    ground: float


def paper(look: dict) -> Paper:
    """The paper as a look declares it: keys of ``Paper``, each way a table with keys of ``Way``."""
    return Paper(look["upright"], look["across"], look["padding"], [Way(**way) for way in look["ways"]])


def rows(table) -> list[list]:
    """The cells of a table (``lxml`` element), row by row; a table within a cell is its own."""
    found = (row for row in table.iter("tr") if next(row.iterancestors("table")) is table)
    return [row.xpath("./th|./td") for row in found]


def head(table) -> int:
    """How many rows of a table are its head."""
    return len(table.xpath("./thead/tr"))


def layout(table, paper: Paper) -> Layout:
    """How a table fits a page: the first way in which nothing breaks that must not, else the last."""
    held, heads = rows(table), head(table)
    for way in (way for way in paper.ways if len(held) - heads <= way.most):
        cells = [[_cell(cell, way.stacked, at < heads) for cell in row] for at, row in enumerate(held)]
        padding = 2 * paper.padding / way.size
        room = (paper.across if way.across else paper.upright) / way.size - padding * max(map(len, cells))
        columns = [[row[at] for row in cells if at < len(row)] for at in range(max(map(len, cells)))]
        least = [max(_least(cell, way.floor) for cell in column) for column in columns]
        if sum(least) <= room:
            break
    widths = spread(least, [max(map(_full, column)) for column in columns], room)
    counts = [max((_lines(cell, width) for cell, width in zip(row, widths, strict=False)), default=1) for row in cells]
    return Layout(way, [(width + padding) * way.size for width in widths], counts)


def spread(least: list[float], full: list[float], room: float) -> list[float]:
    """Widths that fill the room: each its least, then more for whichever column takes most lines, then all alike.

    Where the room does not hold the least of all, each gets its share of it.
    """
    widths = list(least)
    while (left := room - sum(widths)) > 0.01:
        taken = [whole / width for whole, width in zip(full, widths, strict=True)]
        if max(taken) <= 1:
            break
        widths[taken.index(max(taken))] += min(GROWTH, left)
    share = room / sum(widths)
    return [width * share for width in widths]


def _cell(cell, stacked: bool, head: bool) -> Cell:
    text = " ".join(cell.text_content().split())
    if head:  # its name, and below it what stands in brackets
        texts = [part for part in _BRACKET.split(text) if part]
        return Cell(texts or [""], [part for part in texts if ems(part, bold=True) <= _NAME], head, 0)
    if cell.find_class(_INTERVAL):
        texts = _apart(cell) if stacked else [text]
        return Cell(texts, texts, head, 0)
    marked = [part for part in cell.iter("span") if set(part.get("class", "").split()) & _UNBROKEN]
    whole = [piece for part in marked for piece in _whole(part)]
    return Cell([text], whole, head, GROUND * bool(cell.find_class("sq-verdict")))


def _apart(cell) -> list[str]:
    """Estimate and interval of a cell."""
    interval = " ".join(cell.find_class(_INTERVAL)[0].text_content().split())
    before, _, after = " ".join(cell.text_content().split()).partition(interval)
    return [text for text in (before.strip(), interval + after) if text]


def _whole(part) -> list[str]:
    """A verdict keeps its sign and words whole; a long one its sign and first word."""
    text = " ".join(part.text_content().split())
    if "sq-verdict" not in part.get("class") or ems(text) <= _VERDICT:
        return [text]
    return text.replace(" ", "\u00a0", 1).split(" ")


def _least(cell: Cell, floor: float) -> float:
    """Width of what must not break; of words as much as ``floor``, of many the half, so that they take two lines."""
    whole = [ems(part, cell.head) + cell.ground for part in cell.whole]
    words = [min(ems(word, cell.head), _LONGEST_WORD) for text in cell.texts for word in _WORD.findall(text)]
    full = _full(cell)
    return max([1.0, *whole, *words, min(full, max(floor, min(full / 2, 1.2 * floor)))])


def _full(cell: Cell) -> float:
    """Width of a cell on one line, of the head on two."""
    return (max(ems(text, cell.head) for text in cell.texts) + cell.ground) / (1 + cell.head)


def _lines(cell: Cell, width: float) -> int:
    return sum(lines(text, max(width - cell.ground, 1.0), cell.head) for text in cell.texts)
