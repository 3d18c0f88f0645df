"""A report taken apart: facts of the cover, title of the contents, body and pictures, for documents made from its HTML.

The body keeps the page's own elements and classes. Its links lead to what the report holds or to the web, its pictures
bear file names, and nothing in it hints where a line may break.
"""

import base64
import re
from dataclasses import dataclass

from sqlib import render
from sqlib.formats import Source

# Not allowed in XML, or turning the direction of the text around it.
_CONTROL = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NUMBER = re.compile(r"\d+")
_WEB = ("https://", "mailto:")


@dataclass(frozen=True)
class Document:
    """A report under the version and state of its source.

    language : tag of the language, ``zh-CN``
    title, kicker, lead : texts of the cover
    reliability : grade, label and sentence, or empty
    facts    : (key, label, text) of each line of the cover
    stamp    : version and state
    contents : title of the contents
    main     : the report after the contents, an ``lxml`` element
    pictures : file name in ``main`` -> bytes
    """

    language: str
    title: str
    kicker: str
    lead: list[str]
    reliability: list[str]
    facts: list[tuple[str, str, str]]
    stamp: str
    contents: str
    main: object
    pictures: dict[str, bytes]

    def fact(self, name: str) -> str:
        """Text of one line of the cover; empty where it has none."""
        return next((text for key, _, text in self.facts if key == name), "")


def read(source: Source) -> Document:
    """The document in a report; a picture comes from its figures where its number is there, else from the page."""
    from lxml import html

    page = render.stamped(source.html.read_text("utf-8"), source.language, source.version, source.state)
    tree = html.document_fromstring(clean(page), parser=html.HTMLParser(huge_tree=True))
    cover, main = tree.find_class("sq-cover")[0], tree.get_element_by_id("report")
    for hint in list(main.iter("wbr")):
        hint.drop_tag()
    _drop_dead_links(main)
    return Document(
        language=tree.get("lang"),
        title=text(cover.find("h1")),
        kicker=" ".join(map(text, cover.find_class("sq-kicker"))),
        lead=[text(part) for part in cover.xpath("./div[@class='sq-lead']//p")],
        reliability=[" ".join(part.split()) for part in cover.xpath("./p[@class='sq-reliability']/span//text()")],
        facts=[_fact(line) for line in cover.xpath("./dl/div")],
        stamp=text(tree.find_class("sq-stamp")[0]),
        contents=text(tree.get_element_by_id("contents")),
        main=main,
        pictures=_pictures(main, source),
    )


def clean(text: str) -> str:
    """A text without control characters."""
    return _CONTROL.sub("", text)


def text(element) -> str:
    """The text in an element, white space as one space."""
    return " ".join(element.text_content().split())


def _fact(line) -> tuple[str, str, str]:
    told = " · ".join(filter(str.strip, line.find("dd").itertext()))
    return line.get("class").removeprefix("sq-"), text(line.find("dt")), " ".join(told.split())


def _drop_dead_links(main) -> None:
    places = {f"#{place}" for place in main.xpath(".//@id")}
    for link in list(main.iter("a")):
        address = link.get("href", "")
        if address not in places and not address.startswith(_WEB):
            link.drop_tag()


def _pictures(main, source: Source) -> dict[str, bytes]:
    """Give every picture a file name."""
    found = {}
    for count, image in enumerate(main.iter("img"), 1):
        name = f"{count:02d}.png"
        found[name] = _large(image, source) or base64.b64decode(image.get("src").partition(",")[2])
        image.set("src", name)
    return found


def _large(image, source: Source) -> bytes | None:
    """The figure at 300 dpi: the number in its label says which file it is."""
    label = image.getparent().find_class("sq-figure-label")
    number = _NUMBER.search(text(label[0])) if label else None
    files = sorted(source.figures.glob(f"{int(number[0]):02d}_*.png")) if number else []
    return files[0].read_bytes() if files else None
