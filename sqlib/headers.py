"""Where the table begins: the header row among title rows, in one level or several, and the names it gives."""

import re
from collections import Counter
from collections.abc import Callable

import pandas as pd

from sqlib.readers import Grid

SEARCHED = 40  # records in which a header may lie
FILLED = 0.6  # share of the widest row a header fills with different texts
LEVELS = 3  # levels of a grouped header


def find(grid: Grid, known: Callable[[str], int], declared: int | None = None) -> tuple[int, int]:
    """First and last position of the header.

    A declared line wins; else the row with most known headers, when two agree or client.toml names one; else the first
    well-filled row without a number. A row whose merged cells group columns is continued by the row below.

    known : weight of a text as a header: 0 unknown, 1 known to the contract, 2 named in client.toml
    """
    rows = [_texts(grid.cells, position) for position in range(min(SEARCHED, len(grid.cells)))]
    if declared is not None:
        last = max(int((grid.lines <= declared).sum()) - 1, 0)
        first = last
        while first > 0 and last - first < LEVELS - 1 and _grouped(grid, first - 1):
            first -= 1
        return first, last
    first = last = grid.header if grid.header is not None else _likely(rows, known)
    while last + 1 < len(rows) and last - first < LEVELS - 1 and _grouped(grid, last):
        last += 1
    while first > 0 and last - first < LEVELS - 1 and _grouped(grid, first - 1):
        first -= 1
    return first, last


def names(cells: pd.DataFrame, first: int, last: int) -> list[str]:
    """One name per column, not yet unique: the lowest level, with the level above where the lowest repeats.

    A column without a name is called by its letter: ``(E)``.
    """
    levels = [[_tidy(text) for text in cells.iloc[position]] for position in range(first, last + 1)]
    lowest = [next((text for text in column if text), "") for column in zip(*reversed(levels), strict=True)]
    if len(levels) > 1:
        repeated = {name for name, count in Counter(lowest).items() if count > 1}
        above = levels[-2]
        lowest = [
            f"{group} {name}" if name in repeated and group and group != name else name
            for name, group in zip(lowest, above, strict=True)
        ]
    return [name or f"({letters(position)})" for position, name in enumerate(lowest)]


def letters(position: int) -> str:
    """A for 0, Z for 25, AA for 26."""
    text = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        text = chr(65 + rest) + text
    return text


def _texts(cells: pd.DataFrame, position: int) -> list[str]:
    """The different texts of one row."""
    return list(dict.fromkeys(text for cell in cells.iloc[position] if (text := _tidy(cell))))


def _likely(rows: list[list[str]], known: Callable[[str], int]) -> int:
    hits = [sum(map(known, row)) for row in rows]
    width = max(map(len, rows))
    full = [len(row) >= max(FILLED * width, 1) for row in rows]
    best = max(range(len(rows)), key=lambda position: (hits[position], full[position]))
    wordy = [row_full and not any(map(_number, row)) for row_full, row in zip(full, rows, strict=True)]
    if hits[best] > 1 or (hits[best] and not any(wordy[:best])):
        return best  # one hit below a full row of words is a cell that happens to read like a header
    return wordy.index(True) if any(wordy) else full.index(True) if any(full) else 0


def _grouped(grid: Grid, position: int) -> bool:
    """Does a merged area on this row span some, but not all, columns?"""
    width = grid.cells.shape[1]
    return any(top <= position <= bottom and 0 < right - left < width - 1 for top, left, bottom, right in grid.merged)


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" \u200b\ufeff")


def _number(text: str) -> bool:
    return re.fullmatch(r"[-+]?[\d.,/:%-]+", text) is not None
