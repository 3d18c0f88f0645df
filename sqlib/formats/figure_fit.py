"""Figures that would leave a page half empty: made a little smaller, so that they stand where they are spoken of.

A figure that does not fit moves to the next page and leaves its room empty. Where that much smaller type is still read
easily, it is set smaller and stays; the others move. Lengths in points.
"""

from typing import NamedTuple

LEAST = 0.64  # of its width: a figure is not made smaller
SPARE = 2.0


class Place(NamedTuple):
    """Where a figure came to stand.

    name : file of its picture
    drawn : height of the picture
    page, top, bottom : of the figure with its caption and label
    before, room : page on which the text before it ends, and what is left below that
    """

    name: str
    drawn: float
    page: int
    top: float
    bottom: float
    before: int
    room: float


def smaller(places: list[Place], tried: dict[str, float]) -> dict[str, float]:
    """Pictures and their sizes (share of the whole) to try next; the same as ``tried`` where nothing is left to do.

    One more figure at a time, since all that follows moves; a try that did not keep its figure is taken back.
    """
    for place in places:
        if place.before == place.page:
            continue
        if tried.get(place.name, 1) < 1:
            return tried | {place.name: 1}
        missing = place.bottom - place.top - place.room
        share = (place.drawn - missing - SPARE) / place.drawn
        if place.name not in tried and LEAST <= share < 1:
            return tried | {place.name: share}
    return tried
