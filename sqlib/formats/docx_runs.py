"""The text of an element as runs of Word: what a browser shows of it, with its marks."""

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from sqlib.formats.wordml import Run

UNSEEN = frozenset(("script", "style", "template", "head", "title"))
_MARKS = {  # tag or class -> marks of a run
    "b": "bold", "strong": "bold", "em": "italic", "i": "italic", "sq-est": "whole", "sq-ci": "interval",
    "sq-range": "whole", "sq-span": "muted", "sq-good": "good", "sq-warn": "warn", "sq-bad": "bad",
    "sq-neutral": "neutral",
}  # fmt: skip


def classes(element: HtmlElement) -> list[str]:
    """The classes of an element, in order."""
    return element.get("class", "").split()


def inline(element: HtmlElement) -> list[Run]:
    """The text of an element with its marks; what is no text (a link's address) is left."""
    return list(_pieces(element, frozenset()))


def _pieces(element: HtmlElement, marks: frozenset[str]) -> Iterator[Run]:
    if not isinstance(element.tag, str) or element.tag in UNSEEN:
        return
    if "interval" not in marks:  # an interval is one piece, whatever is marked in it
        marks |= {_MARKS[name] for name in (element.tag, *classes(element)) if name in _MARKS}
    if element.tag == "br":
        yield "\n", marks | {"break"}
    if element.text:
        yield element.text, marks
    for child in element:
        yield from _pieces(child, marks)
        if child.tail:
            yield child.tail, marks


def collapsed(pieces: list[Run]) -> list[Run]:
    """Runs as a browser shows them, neighbours alike as one: white space is one space, none at the ends."""
    kept: list[Run] = []
    for text, marks in pieces:
        text = text if "break" in marks else re.sub("[ \t\r\n\f]+", " ", text)
        if not kept or kept[-1][0].endswith((" ", "\n")):
            text = text.lstrip(" ")
        if kept and kept[-1][1] == marks:
            text = kept.pop()[0] + text
        if text:
            kept.append((text, marks))
    if kept:
        text, marks = kept.pop()
        kept += [(text.rstrip(" \n"), marks)] if text.rstrip(" \n") else []
    return kept
