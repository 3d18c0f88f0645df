"""The HTML of a report as a plain document for a converter: cover facts, body of few tags, pictures as bytes.

The body keeps headings, paragraphs, lists, tables and pictures. What carries a class ``sq-…`` is a ``div`` or ``span``,
since converters lose the class of a paragraph; unnumbered headings have the class ``unnumbered``; tables know how wide
their columns are; links lead to what the document holds.
"""

import base64
import re
from dataclasses import dataclass
from pathlib import Path

from sqlib.formats import table_layout

_BRACKET = re.compile("(?<=[^\\s>])\uff08[^\uff08\uff09<>]{1,4}\uff09(?=</th>)")  # of a column's title: stays whole
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Document:
    """A report taken apart.

    language    : tag of the language, ``zh-CN``
    title, kicker, lead, reliability : texts of the cover; ``reliability`` is grade, label and sentence, or empty
    facts       : (key, label, text) of each line of the cover
    contents    : title of the contents
    body        : HTML of the report after the contents
    pictures    : file name in ``body`` -> bytes
    """

    language: str
    title: str
    kicker: str
    lead: list[str]
    reliability: list[str]
    facts: list[tuple[str, str, str]]
    contents: str
    body: str
    pictures: dict[str, bytes]


def read(page: Path, figures: Path) -> Document:
    """The document in a report; pictures come from ``figures`` where their number is there, else from the page."""
    from lxml import html

    tree = html.document_fromstring(page.read_bytes(), parser=html.HTMLParser(encoding="utf-8", huge_tree=True))
    cover, main = tree.find_class("sq-cover")[0], tree.get_element_by_id("report")
    pictures = _pictures(main, figures)
    for change in (_blocks, _facts, _headings, _links, _tables):
        change(main)
    return Document(
        language=tree.get("lang"),
        title=_text(cover.find("h1")),
        kicker=" ".join(map(_text, cover.find_class("sq-kicker"))),
        lead=[_text(part) for part in cover.xpath("./div[@class='sq-lead']//p")],
        reliability=[" ".join(part.split()) for part in cover.xpath("./p[@class='sq-reliability']/span//text()")],
        facts=[_fact(line) for line in cover.xpath("./dl/div")],
        contents=_text(tree.get_element_by_id("contents")),
        body=_BRACKET.sub(r'<span class="sq-range">\g<0></span>', html.tostring(main, encoding="unicode")),
        pictures=pictures,
    )


def _text(element) -> str:
    return " ".join(element.text_content().split())


def _fact(line) -> tuple[str, str, str]:
    told = " · ".join(filter(str.strip, line.find("dd").itertext()))
    return line.get("class").removeprefix("sq-"), _text(line.find("dt")), " ".join(told.split())


def _pictures(main, figures: Path) -> dict[str, bytes]:
    """Give every picture a file name; the number in a figure's label says which file of ``figures`` it is."""
    found = {}
    for count, image in enumerate(main.iter("img"), 1):
        name = f"{count:02d}.png"
        found[name] = _large(image, figures) or base64.b64decode(image.get("src").partition(",")[2])
        image.set("src", name)
    return found


def _large(image, figures: Path) -> bytes | None:
    label = image.getparent().find_class("sq-figure-label")
    number = _NUMBER.search(_text(label[0])) if label else None
    files = sorted(figures.glob(f"{int(number[0]):02d}_*.png")) if number else []
    return files[0].read_bytes() if files else None


def _blocks(main) -> None:
    """HTML 5 as ``div``; a paragraph with a class as a paragraph in one; no hint of where a line may break."""
    for element in list(main.iter("wbr", "time", "details")):
        element.drop_tag()
    for element in main.iter("section", "figure", "footer", "summary"):
        element.tag = "div"
    for paragraph in main.xpath(".//p[starts-with(@class, 'sq-')]"):
        _wrap(paragraph, "div", {"class": paragraph.attrib.pop("class")})
    for paragraph in main.xpath(".//div[@class='sq-judgement']/p"):
        _lines(paragraph)
    for label in main.xpath(".//div[@class='sq-judgement']/b"):
        _wrap(label, "p")


def _wrap(element, tag: str, attributes: dict | None = None) -> None:
    box = element.makeelement(tag, attributes or {})
    element.addprevious(box)
    box.tail, element.tail = element.tail, None
    box.append(element)


def _lines(paragraph) -> None:
    """The lines of what a consultant wrote stay lines."""
    paragraph.text, *others = (paragraph.text or "").splitlines() or [""]
    for line in others:
        mark = paragraph.makeelement("br")
        mark.tail = line
        paragraph.append(mark)


def _facts(main) -> None:
    """Each number of a strip and what it counts: two paragraphs of a ``div`` of the class ``sq-fact``."""
    for fact in main.xpath(".//div[@class='sq-strip']/*"):
        fact.tag = "div"
        fact.set("class", "sq-fact")
        for part in list(fact):
            _wrap(part, "p")


def _headings(main) -> None:
    """The address of a section stands at its heading; those of summary and appendix bear no number."""
    for section in main.xpath(".//div[@id][h2 or h3]"):
        section.xpath("(h2|h3)[1]")[0].set("id", section.attrib.pop("id"))
    for box in main.xpath("./div[contains(@class, 'sq-summary') or contains(@class, 'sq-appendix')]"):
        for heading in box.iter("h2", "h3", "h4"):
            heading.set("class", "unnumbered")


def _links(main) -> None:
    """Only links to a place of this document and to the web remain; of others the text does."""
    places = {f"#{place}" for place in main.xpath(".//@id")}
    for link in list(main.iter("a")):
        address = link.get("href", "")
        if address not in places and not address.startswith(("https://", "mailto:")):
            link.drop_tag()


def _tables(main) -> None:
    for table in list(main.iter("table")):
        fit = table_layout.layout(table)
        kinds = ["sq-scroll", fit.step, "sq-short" * fit.short, "sq-tall" * fit.tall]
        table.getparent().set("class", " ".join(filter(None, kinds)))
        group = table.makeelement("colgroup")
        for share in fit.shares:
            group.append(group.makeelement("col", {"style": f"width: {share:.2f}%"}))
        table.insert(table.find("caption") is not None, group)
        for count, row in enumerate(table.iter("tr")):
            for cell, below in zip(row, fit.stacked, strict=False):
                _cell(cell, count, below)


def _cell(cell, row: int, stacked: bool) -> None:
    number = "num" in cell.attrib.pop("class", "")
    cell.attrib.pop("scope", None)
    if row < 2:  # pandoc gives a column the alignment of its first cell
        cell.set("style", f"text-align: {'right' if number else 'left'}")
    for interval in cell.find_class("sq-ci") if stacked else ():
        interval.addprevious(interval.makeelement("br"))
