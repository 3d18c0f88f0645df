"""The body of a report in Word: the ``<main>`` of its HTML, block by block, as WordprocessingML."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml.html import HtmlElement

from sqlib.formats import wordml
from sqlib.formats.docx_runs import classes, collapsed, inline
from sqlib.formats.docx_table import THIN, Draughtsman
from sqlib.formats.wordml import Pen, Run

BLOCKS = frozenset(
    ("article", "blockquote", "details", "dd", "div", "dl", "dt", "figure", "footer", "h1", "h2", "h3", "h4", "h5",
     "h6", "header", "img", "li", "ol", "p", "pre", "section", "summary", "table", "ul")
)  # fmt: skip
STYLES = {  # class or tag of the page -> style of Word
    "sq-caption": "KeyMessage", "sq-figure-label": "FigureCaption", "sq-table-label": "TableCaption",
    "sq-note": "Note", "sq-absent": "Absent", "sq-problems": "Absent", "blockquote": "Quote", "footer": "QuoteSource",
}  # fmt: skip
RULES = {  # strength of a finding -> kind and weight of the rule at its left
    "sq-strong": ("single", 36), "sq-exact": ("double", 12), "sq-moderate": ("single", 24), "sq-weak": ("dashed", 18),
    "sq-none": ("dotted", 18),
}  # fmt: skip
HEIGHT = 0.8  # of the page's text: the most a picture takes


@dataclass(frozen=True)
class Heading:
    """One line of the contents; ``number`` is what Word prints before the text."""

    level: int
    number: str
    text: str
    bookmark: int


@dataclass
class Body:
    """What the walk over a page gives: blocks (lying across or not), headings, pictures, ordered lists.

    ``look`` and ``sheet`` are the language and the whole of ``style/docx/look.toml``; ``drawn``: name of a picture in
    the page -> its bytes; ``width``, ``across``: of the text, in twentieths of a point.
    """

    look: dict
    sheet: dict
    pen: Pen
    drawn: dict[str, bytes]
    width: int
    across: int
    blocks: list[tuple[bool, str]] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
    lists: int = 0
    _counts: dict[str, list[int]] = field(default_factory=dict)
    _numbering: str | None = None

    def flow(self, element: HtmlElement, style: str, properties: str = "") -> None:
        """The blocks inside an element; text between them is a paragraph of its own."""
        held = _run(element.text)
        for child in element:
            if child.tag in BLOCKS:
                self._paragraph(style, held, properties)
                self._block(child, style, properties)
                held = []
            else:
                held += inline(child)
            held += _run(child.tail)
        self._paragraph(style, held, properties)

    def _paragraph(self, style: str, pieces: list[Run], properties: str = "") -> None:
        if pieces := collapsed(pieces):
            beside = style == "Note" and bool(self.blocks) and self.blocks[-1][0]  # a note stays with its table
            self._add(wordml.paragraph(style, self.pen.runs(pieces), properties), beside)

    def _add(self, block: str, wide: bool = False) -> None:
        self.blocks.append((wide, block))

    def _block(self, element: HtmlElement, style: str, properties: str) -> None:
        names = [*classes(element), element.tag]
        writer = next((_WRITERS[name] for name in names if name in _WRITERS), None)
        if writer:
            writer(self, element)
        else:
            self.flow(element, next((STYLES[name] for name in names if name in STYLES), style), properties)

    # ------------------------------------------------------------ headings

    def _heading(self, element: HtmlElement) -> None:
        pieces = collapsed(inline(element))
        if not pieces:
            return
        level, scheme = min(max(int(element.tag[1]) - 1, 1), 3), _scheme(element)
        bookmark = len(self.headings) + 1
        self.headings.append(Heading(level, self._number(scheme, level), wordml.plain(pieces), bookmark))
        properties = ""
        if level == 1:
            properties = "<w:pageBreakBefore/>" * (scheme != self._numbering)
            self._numbering = scheme
        properties += _NUMBERED[scheme].format(level - 1)
        inside = wordml.bookmarked(bookmark, self.pen.runs(pieces))
        self._add(wordml.paragraph(f"Heading{level}", inside, properties))

    def _number(self, scheme: str, level: int) -> str:
        """What the numbering of Word will print; empty where a heading has none."""
        if not scheme:
            return ""
        counts = self._counts.setdefault(scheme, [0, 0, 0])
        counts[level - 1 :] = [counts[level - 1] + 1, *[0] * (3 - level)]
        declared = self.look[scheme]
        shown = declared[level - 1]
        said = re.sub(r"%(\d)", lambda at: self._numeral(counts, declared, int(at[1]) - 1), shown["text"])
        return said + " " * (shown["suffix"] == "space" and said != "")

    def _numeral(self, counts: list[int], declared: list[dict], at: int) -> str:
        number, numerals = counts[at], self.look["numerals"].split()
        if declared[at]["format"] == "upperLetter":
            return chr(ord("A") + number - 1)
        named = declared[at]["format"] != "decimal" and number <= len(numerals)
        return numerals[number - 1] if named else str(number)

    # ------------------------------------------------------------ callouts

    def _finding(self, element: HtmlElement) -> None:
        """The statement, then its parts, held together at one rule."""
        strength = next((kind for kind in classes(element) if kind in RULES), "sq-none")
        kind, size = RULES[strength]
        colour = self.pen.colours["neutral" if strength == "sq-none" else "primary"]
        rule = f"<w:pBdr>{wordml.border('left', size, colour, kind, 8)}</w:pBdr>"
        for statement in element.iterchildren("p"):
            self._paragraph("Finding", inline(statement), f"<w:keepNext/>{rule}")
        for listing in element.iterchildren("dl"):
            self._pairs(listing, rule)
        for note in element.iterchildren("div"):
            self._block(note, "BodyText", "")

    def _pairs(self, element: HtmlElement, rule: str = "") -> None:
        """Label and text, line by line."""
        answers = list(element.iterchildren("dd"))
        for label, answer in zip(element.iterchildren("dt"), answers, strict=False):
            keep = "<w:keepNext/>" * (answer is not answers[-1])
            pieces = [(text, marks | {"muted"}) for text, marks in collapsed(inline(label))]
            pieces += [("\t", frozenset()), *collapsed(inline(answer))]
            self._add(wordml.paragraph("FindingPart", self.pen.runs(pieces), keep + rule))

    def _judgement(self, element: HtmlElement) -> None:
        """The consultant's own words, whose line ends are kept."""
        for child in element:
            marks = frozenset(("bold",) * (child.tag == "b"))
            self._add(wordml.paragraph("Judgement", self.pen.run(child.text_content().strip(), marks)))

    def _signature(self, element: HtmlElement) -> None:
        """Who signs, never alone on a page: the last row or paragraph before goes with it."""
        if self.blocks:
            wide, block = self.blocks.pop()
            rows, row, last = block.rpartition("<w:tr>")
            last = re.sub(r'(<w:pStyle w:val="\w+"/>)(?!<w:keepNext/>)', r"\1<w:keepNext/>", last)
            self._add(rows + row + last, wide)
        for child in element:
            last, space = child.getnext() is None, '<w:spacing w:before="720"/>' * (child.getprevious() is None)
            self._paragraph("Signature", inline(child), "<w:keepNext/>" * (not last) + space)

    def _list(self, element: HtmlElement, depth: int = 0) -> None:
        ordered = element.tag == "ol"
        self.lists += ordered
        number = 4 + self.lists if ordered else 3
        numbered = f'<w:numPr><w:ilvl w:val="{min(depth, 2)}"/><w:numId w:val="{number}"/></w:numPr>'
        for item in element.iterchildren("li"):
            inner = [child for child in item if child.tag in ("ul", "ol")]
            for child in inner:
                item.remove(child)
            self.flow(item, "ListNumber" if ordered else "ListBullet", numbered)
            for child in inner:
                self._list(child, depth + 1)

    # ------------------------------------------------------------ tables

    def _strip(self, element: HtmlElement) -> None:
        """A few numbers with what they count, side by side."""
        held = [[collapsed(inline(part)) for part in box] for box in element]
        if not held:
            return
        wide = [self.width // len(held)] * len(held)
        boxes = (self._box(*pair) for pair in zip(wide, held, strict=True))
        rules = "".join(wordml.border(side, THIN, self.pen.colours["grid"]) for side in ("top", "bottom"))
        padding = round(self.sheet["table"]["padding"] * 20)
        self._laid(wordml.table(wide, [wordml.row(boxes)], rules, padding))

    def _box(self, width: int, parts: list[list[Run]]) -> str:
        styles = zip(("FigureNumber", "FigureText"), parts, strict=True)
        return wordml.cell(width, "".join(wordml.paragraph(style, self.pen.runs(part)) for style, part in styles))

    def _laid(self, table: str, wide: bool = False) -> None:
        """A table and the space below it: two that touch would become one."""
        self._add(table + wordml.paragraph("TableEnd", ""), wide)

    def _table(self, element: HtmlElement) -> None:
        """A table with its title above; it lies across the page where it is too wide."""
        made = Draughtsman(self.pen, self.sheet["table"], self.width, self.across, self.look["note"]).table(element)
        if made:
            self._add(made.title, made.across)
            self._laid(made.drawn, made.across)

    # ------------------------------------------------------------ pictures

    def _picture(self, element: HtmlElement) -> None:
        data = self.drawn[element.get("src")]
        width, height = size(data)
        high = min(round(self.width * height / width), round(self.sheet["page"]["height"] * HEIGHT))
        wide = round(high * width / height)
        self.pictures.append(data)
        number = len(self.pictures)
        inside = wordml.picture(f"picture{number}", number + 1, wide, high, element.get("alt", ""))
        self._add(wordml.paragraph("Figure", inside))


_WRITERS: dict[str, Callable[[Body, HtmlElement], None]] = {  # class or tag -> what writes it
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), Body._heading), "table": Body._table, "ul": Body._list,
    "ol": Body._list, "dl": Body._pairs, "img": Body._picture, "sq-finding": Body._finding,
    "sq-judgement": Body._judgement, "sq-strip": Body._strip, "sq-signature": Body._signature,
}  # fmt: skip
_NUMBERED = {  # scheme -> which numbering a heading counts in; the style's own for sections
    "levels": "",
    "appendix": '<w:numPr><w:ilvl w:val="{}"/><w:numId w:val="2"/></w:numPr>',
    "": '<w:numPr><w:ilvl w:val="{}"/><w:numId w:val="0"/></w:numPr>',
}


def _scheme(element: HtmlElement) -> str:
    around = {kind for section in element.iterancestors("section") for kind in classes(section)}
    return "appendix" if "sq-appendix" in around else "levels" if "sq-section" in around else ""


def _run(text: str | None) -> list[Run]:
    return [(text, frozenset())] if text else []


def size(data: bytes) -> tuple[int, int]:
    """Width and height of a picture in pixels."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return image.size
