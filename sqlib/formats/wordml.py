"""WordprocessingML as text: runs, paragraphs, tables, fields and pictures; every text is escaped here."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from sqlib.formats.document import clean

EMU = 635  # English Metric Units, in which pictures are measured, in a twentieth of a point
_WHOLE = str.maketrans({" ": "\u00a0", "-": "\u2011"})  # spaces and hyphens at which no line breaks
_WEIGHT = {"bold": "<w:b/><w:bCs/>", "italic": "<w:i/><w:iCs/>"}

Run = tuple[str, frozenset[str]]  # text and its marks: bold, italic, whole or interval (never broken), a colour


@dataclass(frozen=True)
class Pen:
    """Writes runs as a language wants them: ``hint`` names the font of “ ” … ●, ``colours`` are hex by meaning."""

    hint: str
    colours: dict[str, str]

    def run(self, text: str, marks: Iterable[str] = ()) -> str:
        """One run; a line feed is a line break, a tab a tab."""
        held = set(marks)
        text = clean(text).translate(_WHOLE) if held & {"whole", "interval"} else clean(text)
        properties = "".join(tag for mark, tag in _WEIGHT.items() if mark in held)
        properties += "".join(f'<w:color w:val="{self.colours[mark]}"/>' for mark in self.colours if mark in held)
        return f'<w:r><w:rPr><w:rFonts w:hint="{self.hint}"/>{properties}</w:rPr>{_text(text)}</w:r>'

    def runs(self, pieces: Iterable[Run]) -> str:
        return "".join(self.run(text, marks) for text, marks in pieces)

    def field(self, instruction: str, shown: str) -> str:
        """A field that Word works out again by itself, such as the number of the page."""
        begin, end = field_around(instruction)
        return begin + self.run(shown) + end


def field_around(instruction: str) -> tuple[str, str]:
    """What stands before and after the text a field shows."""
    instruction = f'<w:instrText xml:space="preserve"> {instruction} </w:instrText>'
    inside = (_mark("begin"), instruction, _mark("separate"))
    return "".join(f"<w:r>{each}</w:r>" for each in inside), f"<w:r>{_mark('end')}</w:r>"


def _mark(kind: str) -> str:
    return f'<w:fldChar w:fldCharType="{kind}"/>'


def _text(text: str) -> str:
    parts = re.split("([\n\t\u2011])", text)
    tags = {"\n": "<w:br/>", "\t": "<w:tab/>", "\u2011": "<w:noBreakHyphen/>"}
    return "".join(tags.get(part) or f'<w:t xml:space="preserve">{escape(part)}</w:t>' for part in parts if part)


def paragraph(style: str, inside: str, properties: str = "") -> str:
    """A paragraph; ``properties`` in the order of the standard, after the style."""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{properties}</w:pPr>{inside}</w:p>'


def plain(pieces: Iterable[Run]) -> str:
    """The text of some runs."""
    return "".join(text for text, _ in pieces)


def bookmarked(number: int, inside: str) -> str:
    """Something the contents lead to, by the name ``anchor(number)``."""
    return f'<w:bookmarkStart w:id="{number}" w:name="{anchor(number)}"/>{inside}<w:bookmarkEnd w:id="{number}"/>'


def link(number: int, inside: str) -> str:
    """Something that leads to what is bookmarked under a number."""
    return f'<w:hyperlink w:anchor="{anchor(number)}" w:history="1">{inside}</w:hyperlink>'


def anchor(number: int) -> str:
    """Name of a bookmark, as Word names those of headings."""
    return f"_Toc{number:08d}"


def cell(width: int, inside: str, properties: str = "") -> str:
    """One cell; ``width`` in twentieths of a point."""
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{properties}</w:tcPr>{inside}</w:tc>'


def row(cells: Iterable[str], head: bool = False) -> str:
    """A row that never breaks; a ``head`` is repeated on every page."""
    repeated = "<w:tblHeader/>" * head
    return f"<w:tr><w:trPr><w:cantSplit/>{repeated}</w:trPr>{''.join(cells)}</w:tr>"


def table(widths: Sequence[int], rows: Iterable[str], borders: str, padding: int, label: str = "") -> str:
    """A table of fixed column widths; ``label`` is read out by a screen reader."""
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    sides = "".join(f'<w:{side} w:w="{padding}" w:type="dxa"/>' for side in ("left", "right"))
    caption = f'<w:tblCaption w:val="{escape(clean(label))}"/>' if label else ""
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblInd w:w="0" w:type="dxa"/>'
        f'<w:tblBorders>{borders}</w:tblBorders><w:tblLayout w:type="fixed"/><w:tblCellMar>{sides}</w:tblCellMar>'
        f'<w:tblLook w:val="0020" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" w:noHBand="1" '
        f'w:noVBand="1"/>{caption}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{"".join(rows)}</w:tbl>'
    )


def border(side: str, size: int, colour: str, kind: str = "single", space: int = 0) -> str:
    """A rule at one side; ``size`` in eighths of a point."""
    return f'<w:{side} w:val="{kind}" w:sz="{size}" w:space="{space}" w:color="{colour}"/>'


def picture(relation: str, number: int, width: int, height: int, alt: str) -> str:
    """A picture in the line; sides in twentieths of a point."""
    extent = f'cx="{width * EMU}" cy="{height * EMU}"'
    named = f'id="{number}" name="picture{number}" descr="{escape(clean(alt))}"'
    return (
        f'<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent {extent}/>'
        f"<wp:docPr {named}/><a:graphic>"
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
        f'<pic:nvPicPr><pic:cNvPr id="{number}" name="picture{number}"/><pic:cNvPicPr/></pic:nvPicPr>'
        f'<pic:blipFill><a:blip r:embed="{relation}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {extent}/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr>'
        "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )
