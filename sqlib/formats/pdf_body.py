"""The body of a report as HTML that pandoc keeps whole on its way to typst.

What carries a class ``sq-…`` is a ``div`` or ``span``, since pandoc loses the class of a paragraph; unnumbered headings
have the class ``unnumbered``; tables know how wide their columns are.
"""

import re

from sqlib.formats import table_layout
from sqlib.formats.table_layout import Paper

SHORT = 16  # lines up to which a table stays on one page
TALL = 25  # a row of more lines may break at the foot of a page
TOGETHER = 3  # rows that end a longer table together
_BRACKET = re.compile("(?<=[^\\s>])\uff08[^\uff08\uff09<>]{1,4}\uff09(?=</th>)")  # of a column's title: stays whole


def html(main, paper: Paper) -> str:
    """The body (``Document.main``, which is changed) with its tables laid out for a paper."""
    from lxml import html

    for change in (_figures, _blocks, _facts, _headings):
        change(main)
    for table in list(main.iter("table")):
        _table(table, paper)
    return _BRACKET.sub(r'<span class="sq-range">\g<0></span>', html.tostring(main, encoding="unicode"))


def _figures(main) -> None:
    """A figure that follows its heading at once stays with it."""
    for figure in main.iter("figure"):
        before = figure.xpath(
            "(preceding::*[self::h2 or self::h3 or self::h4 or self::p or self::tr or self::li])[last()]"
        )
        if before and before[0].tag in ("h2", "h3", "h4"):
            figure.set("class", f"{figure.get('class')} sq-first")


def _blocks(main) -> None:
    """HTML 5 as ``div``; a paragraph with a class as a paragraph in one."""
    for element in list(main.iter("time", "details")):
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


def _table(table, paper: Paper) -> None:
    fit = table_layout.layout(table, paper)
    short = sum(fit.lines) <= SHORT
    kinds = {"sq-across": fit.way.across, "sq-short": short, "sq-tall": max(fit.lines) > TALL}
    classes = [f"{fit.way.size:g}pt", *(kind for kind, so in kinds.items() if so)]
    table.getparent().set("class", " ".join(["sq-scroll", *classes]))
    group = table.makeelement("colgroup")
    for width in fit.widths:
        share = 100 * width / sum(fit.widths)
        group.append(group.makeelement("col", {"style": f"width: {share:.2f}%"}))
    table.insert(table.find("caption") is not None, group)
    for count, row in enumerate(table_layout.rows(table)):
        for cell in row:
            _cell(cell, count, fit.way.stacked)
    if not short:
        _end(table)


def _cell(cell, row: int, stacked: bool) -> None:
    number = "num" in cell.attrib.pop("class", "")
    cell.attrib.pop("scope", None)
    if row < 2:  # pandoc gives a column the alignment of its first cell
        cell.set("style", f"text-align: {'right' if number else 'left'}")
    for interval in cell.find_class("sq-ci") if stacked else ():
        interval.addprevious(interval.makeelement("br"))


def _end(table) -> None:
    """The last rows become the foot, which no page break parts."""
    rows = table.xpath("./tbody/tr")[-TOGETHER:]
    if rows:
        foot = table.makeelement("tfoot")
        table.append(foot)
        foot.extend(rows)
