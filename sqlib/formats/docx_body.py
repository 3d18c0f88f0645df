"""The body of a report in Word: the ``<main>`` of its HTML, block by block, as WordprocessingML."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml.html import HtmlElement

from sqlib.formats import docx_widths as widths
from sqlib.formats import wordml
from sqlib.formats.wordml import Pen, Run

BLOCKS = frozenset(
    ("article", "blockquote", "details", "dd", "div", "dl", "dt", "figure", "footer", "h1", "h2", "h3", "h4", "h5",
     "h6", "header", "img", "li", "ol", "p", "pre", "section", "summary", "table", "ul")
)  # fmt: skip
UNSEEN = frozenset(("script", "style", "template", "head", "title"))
STYLES = {  # class or tag of the page -> style of Word
    "sq-caption": "KeyMessage", "sq-figure-label": "FigureCaption", "sq-table-label": "TableCaption",
    "sq-note": "Note", "sq-absent": "Absent", "sq-problems": "Absent", "blockquote": "Quote", "footer": "QuoteSource",
}  # fmt: skip
_MARKS = {  # tag or class -> marks of a run
    "b": "bold", "strong": "bold", "em": "italic", "i": "italic", "sq-est": "whole", "sq-ci": "interval",
    "sq-range": "whole", "sq-span": "muted", "sq-good": "good", "sq-warn": "warn", "sq-bad": "bad",
    "sq-neutral": "neutral",
}  # fmt: skip
RULES = {  # strength of a finding -> kind and weight of the rule at its left
    "sq-strong": ("single", 36), "sq-exact": ("double", 12), "sq-moderate": ("single", 24), "sq-weak": ("dashed", 18),
    "sq-none": ("dotted", 18),
}  # fmt: skip
THICK, THIN = 12, 6  # eighths of a point: the outer rules of a table and the one below its head
WORD = 5.0  # ems up to which a word in the head of a table stays in one piece
LEADING = 1.35  # of a table's lines, exact: Chinese and Latin fonts then share a base line
HEIGHT = 0.8  # of the page's text: the most a picture takes

Row = list[tuple[list[Run], list[str]]]  # cells as runs and classes


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

    ``look`` and ``sheet`` are the language and the whole of ``style/docx/look.toml``; ``figures`` may be absent.
    """

    look: dict
    sheet: dict
    pen: Pen
    figures: Path
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
        held = _inline_text(element.text)
        for child in element:
            if child.tag in BLOCKS:
                self._paragraph(style, held, properties)
                self._block(child, style, properties)
                held = []
            else:
                held += inline(child)
            held += _inline_text(child.tail)
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
        self._laid(wordml.table(wide, [wordml.row(boxes)], rules, self.sheet["table"]["padding"]))

    def _box(self, width: int, parts: list[list[Run]]) -> str:
        styles = zip(("FigureNumber", "FigureText"), parts, strict=True)
        return wordml.cell(width, "".join(wordml.paragraph(style, self.pen.runs(part)) for style, part in styles))

    def _laid(self, table: str, wide: bool = False) -> None:
        """A table and the space below it: two that touch would become one."""
        self._add(table + wordml.paragraph("TableEnd", ""), wide)

    def _table(self, element: HtmlElement) -> None:
        """A three-line table with its title above; it lies across the page where it is too wide."""
        head, rows = _grid(element)
        if not rows:
            return
        form = self.sheet["table"]
        across, stacked, size, wide = self._fitted(rows, head)
        title = next(element.iterchildren("caption"), None)
        label = collapsed(inline(title)) if title is not None else []
        if label:
            self._add(wordml.paragraph("TableCaption", self.pen.runs(label)), across)
        cells = [[_atoms(cell, stacked, at < head) for cell, _ in row] for at, row in enumerate(rows)]
        heights = [max(widths.lines(row, size, wide, form["padding"]), 1 + stacked) for row in cells]
        tall = sum(heights) > form["together"]
        lines = []
        for at, row in enumerate(rows):
            loose = tall and at < len(rows) - 3  # the last three rows hold together, the head holds to the first
            keep = "<w:keepNext/>" * (not loose and at < len(rows) - 1)
            shown = [(_stacked(cell) if stacked else cell, kinds) for cell, kinds in row]
            lines.append(self._row(shown, wide, size, keep, at < head, at == head - 1))
        ink = self.pen.colours["ink"]
        rules = wordml.border("top", THICK, ink) + wordml.border("bottom", THICK, ink)
        self._laid(wordml.table(wide, lines, rules, form["padding"], wordml.plain(label)), across)

    def _fitted(self, rows: list[Row], head: int) -> tuple[bool, bool, float, list[int]]:
        """Across the page or not, intervals below their estimates or not, size of type, widths: the first that fits."""
        form = self.sheet["table"]
        sizes, usual, short = form["sizes"], form["usual"], len(rows) - head <= form["short"]
        for across, stacked, tried, floor in (
            (False, False, usual, widths.LEAST),
            (False, True, sizes, widths.LEAST),
            *[(False, True, sizes[-1:], widths.TIGHT)] * short,  # too little to turn the page for
            (True, False, usual, widths.LEAST),
            (True, True, sizes, widths.TIGHT),
        ):
            room = self.across if across else self.width
            cells = [[_atoms(cell, stacked, at < head) for cell, _ in row] for at, row in enumerate(rows)]
            size, wide = widths.fit(cells, head, tried, room, form["padding"], floor)
            if sum(wide) <= room:
                break
        return across, stacked, size, wide

    def _row(self, row: Row, wide: list[int], size: float, keep: str, head: bool, ruled: bool) -> str:
        rule = f"<w:tcBorders>{wordml.border('bottom', THIN, self.pen.colours['ink'])}</w:tcBorders>" * ruled
        properties = rule + '<w:vAlign w:val="bottom"/>' * head
        line = f'<w:spacing w:line="{round(size * LEADING * 20)}" w:lineRule="exact"/>'
        cells = []
        for (pieces, kinds), width in zip(row, wide, strict=True):
            right = '<w:jc w:val="right"/>' * ("num" in kinds)
            room = (width - 2 * self.sheet["table"]["padding"]) / (size * 20)
            runs = self.pen.runs(_at_brackets(pieces, room) if head else pieces)
            if size != self.look["note"]:
                points = f'<w:sz w:val="{round(size * 2)}"/><w:szCs w:val="{round(size * 2)}"/></w:rPr>'
                runs = runs.replace("</w:rPr>", points)
            inside = wordml.paragraph("TableHead" if head else "TableText", runs, keep + line + right)
            cells.append(wordml.cell(width, inside, properties))
        return wordml.row(cells, head)

    # ------------------------------------------------------------ pictures

    def _picture(self, element: HtmlElement) -> None:
        data = self._drawn(element)
        if not data:
            return
        width, height = size(data)
        high = min(round(self.width * height / width), round(self.sheet["page"]["height"] * HEIGHT))
        wide = round(high * width / height)
        self.pictures.append(data)
        number = len(self.pictures)
        inside = wordml.picture(f"picture{number}", number + 1, wide, high, element.get("alt", ""))
        self._add(wordml.paragraph("Figure", inside))

    def _drawn(self, element: HtmlElement) -> bytes:
        """The figure at 300 dpi, found by the number of its label, else as the page holds it."""
        labels = element.getparent().xpath('.//p[contains(@class, "sq-figure-label")]')
        number = re.search(r"\d+", labels[0].text_content()) if labels else None
        if number and Path(self.figures).is_dir():
            for path in sorted(Path(self.figures).glob(f"{int(number[0]):02d}_*.png")):
                return path.read_bytes()
        kind, _, encoded = element.get("src", "").partition(";base64,")
        return base64.b64decode(encoded) if kind == "data:image/png" else b""


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


def _inline_text(text: str | None) -> list[Run]:
    return [(text, frozenset())] if text else []


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


def _grid(element: HtmlElement) -> tuple[int, list[Row]]:
    """Number of header rows, and every row as (runs, classes) of its cells, all of one length."""
    rows = [row for row in element.iter("tr") if next(row.iterancestors("table")) is element]
    head = sum(row.getparent().tag == "thead" for row in rows)
    cells = [[(collapsed(inline(cell)), _kinds(cell)) for cell in row.iterchildren("th", "td")] for row in rows]
    width = max(map(len, cells), default=0)
    return head, [row + [([], [])] * (width - len(row)) for row in cells] if width else []


def _atoms(cell: list[Run], stacked: bool, head: bool) -> widths.Cell:
    """What of a cell may not be broken: an interval, with its estimate unless below it; a short word of the head."""
    if head:
        parts = re.split("(?=\uff08)", wordml.plain(cell))
        return [(part, widths.ems(part) <= WORD) for part in parts]
    if not stacked and any("interval" in marks for _, marks in cell):
        return [(wordml.plain(cell), True)]
    return [(text, bool(marks & {"whole", "interval"})) for text, marks in cell]


def _stacked(cell: list[Run]) -> list[Run]:
    """A cell whose interval stands below its estimate."""
    if not any("interval" in marks for _, marks in cell):
        return cell
    return [("\n" if not text.strip() else text, marks) for text, marks in cell]


def _at_brackets(cell: list[Run], room: float) -> list[Run]:
    """The text of a head, broken at its bracket where it is longer than ``room`` ems."""
    text = wordml.plain(cell)
    return [(re.sub("(?<=.)(?=\uff08)", "\n", text) if widths.ems(text) > room else text, frozenset())]


def _kinds(cell: HtmlElement) -> list[str]:
    """Classes of a cell; Markdown sets numbers to the right by a style."""
    right = "right" in cell.get("style", "")
    return classes(cell) + ["num"] * right


def size(data: bytes) -> tuple[int, int]:
    """Width and height of a picture in pixels."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return image.size
