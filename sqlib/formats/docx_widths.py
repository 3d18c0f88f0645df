"""Widths of a table's columns on paper: no number is broken, and the longest texts get the most room."""

import math
import re
import unicodedata
from collections.abc import Sequence

LEAST, TIGHT = 6.0, 3.6  # ems that a column of words has at least, and in need
STEP = 0.25  # ems
_ATOM = re.compile("[^\\s\u2e80-\uffef]+|\\S")  # a Latin word, or one Chinese character
_NARROW, _BROAD = frozenset(" .,:;!'|()[]/-fijlrtI"), frozenset("%+\u2212=@mwMW&")
_BOLD = 1.05  # how much wider the head of a table runs, and a margin for fonts that stand in

Cell = list[tuple[str, bool]]  # stretches of text, and whether each must stay on one line


def ems(text: str) -> float:
    """Width of a text in ems."""
    return sum(_em(character) for character in text)


def _em(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WFA":
        return 1.0
    if character in _NARROW:
        return 0.33 * _BOLD
    return (0.85 if character in _BROAD else 0.69 if character.isupper() else 0.556) * _BOLD


def fit(
    rows: Sequence[Sequence[Cell]], head: int, sizes: Sequence[float], room: int, padding: int, floor: float = LEAST
) -> tuple[float, list[int]]:
    """Size of the type and width of each column, together ``room``.

    Parameters
    ----------
    head : how many of the rows are the head, whose words may stand in two lines
    sizes : sizes in points, the best first; the first at which everything fits is taken, else the last
    room, padding : twentieths of a point; ``padding`` lies at both sides of a cell
    floor : ems that a column of words keeps

    Returns
    -------
    size in points, widths in twentieths of a point; their sum exceeds ``room`` where nothing fits
    """
    columns = [list(column) for column in zip(*rows, strict=True)]
    least = [max(_least(cell, floor) for cell in column) for column in columns]
    wanted = [max(_wanted(cell) / (1 + (at < head)) for at, cell in enumerate(column)) for column in columns]
    for size in sizes:
        space = (room - 2 * padding * len(columns)) / (size * 20)
        if sum(least) <= space:
            break
    shared = _shared(least, wanted, max(space, sum(least)))
    return size, [int(width * size * 20) + 2 * padding for width in shared]


def lines(row: Sequence[Cell], size: float, widths: Sequence[int], padding: int) -> int:
    """About how many lines a row takes."""
    rooms = [(width - 2 * padding) / (size * 20) for width in widths]
    return max(1, *(math.ceil(_wanted(cell) / room - 0.05) for cell, room in zip(row, rooms, strict=True)))


def _shared(least: list[float], wanted: list[float], space: float) -> list[float]:
    """Each column its least; then room goes to whichever column needs most lines; what is left goes to all."""
    widths = list(least)
    while sum(widths) + STEP <= space:
        lines = [want / width for want, width in zip(wanted, widths, strict=True)]
        if max(lines) <= 1:
            break
        widths[lines.index(max(lines))] += STEP
    spare = space / sum(widths)
    return [width * spare for width in widths]


def _least(cell: Cell, floor: float) -> float:
    """What must not break; of words as much as ``floor``, of some more the half, so that they take two lines."""
    atoms = [atom for text, whole in cell for atom in ([text] if whole else _ATOM.findall(text))]
    wanted = _wanted(cell)
    return max([1.0, *map(ems, atoms), min(wanted, max(floor, min(wanted / 2, 1.2 * floor)))])


def _wanted(cell: Cell) -> float:
    return ems("".join(text for text, _ in cell))
