"""A table of a report in Word: three lines, its title above, columns as wide as their texts need."""

import re
from dataclasses import dataclass
from itertools import zip_longest

from lxml.html import HtmlElement

from sqlib.formats import table_layout, wordml
from sqlib.formats.docx_runs import classes, collapsed, inline
from sqlib.formats.measure import ems
from sqlib.formats.table_layout import Layout
from sqlib.formats.wordml import Pen, Run

THICK, THIN = 12, 6  # eighths of a point: the outer rules and the one below the head
LEADING = 1.35  # of the lines, exact: Chinese and Latin fonts then share a base line
TOGETHER = 16  # lines up to which a table is kept on one page
SPARE = 1.02  # Word's fonts, and those that stand in for them, may run a little wider than the one measured
ENDS = 3  # rows that begin and end a longer one together; its head holds to them by its style


@dataclass(frozen=True)
class Table:
    """A table and its title as blocks; does it lie across the page?"""

    title: str
    drawn: str
    across: bool


@dataclass(frozen=True)
class Draughtsman:
    """Draws the tables of a report.

    look : ``[table]`` of ``style/docx/look.toml``
    upright, across : room of a line, in twentieths of a point
    usual : size of the type that the styles give a table
    """

    pen: Pen
    look: dict
    upright: int
    across: int
    usual: float

    def table(self, element: HtmlElement) -> Table | None:
        """The table of an element; None where it has no rows."""
        rows, head = table_layout.rows(element), table_layout.head(element)
        if not any(rows):
            return None
        rooms = {"upright": self.upright / 20 / SPARE, "across": self.across / 20 / SPARE}
        fit, lines = table_layout.layout(element, table_layout.paper(self.look | rooms)), []
        for at, row in enumerate(rows):
            loose = sum(fit.lines) > TOGETHER and head + ENDS - 1 <= at < len(rows) - ENDS
            keep = "<w:keepNext/>" * (not loose and at < len(rows) - 1)
            style = "TableHead" if at < head else "TableText"
            ruled = f"<w:tcBorders>{self._rule('bottom', THIN)}</w:tcBorders>" * (at == head - 1)
            properties = ruled + '<w:vAlign w:val="bottom"/>' * (at < head)
            cells = []
            for cell, width in zip_longest(row, fit.widths):  # a row may have fewer cells than others
                inside = "" if cell is None else self._text(cell, width, fit, at < head)
                placed = keep + self._line(fit) + '<w:jc w:val="right"/>' * _is_number(cell)
                cells.append(wordml.cell(_twips(width), wordml.paragraph(style, inside, placed), properties))
            lines.append(wordml.row(cells, at < head))
        return self._framed(element, lines, fit)

    def _framed(self, element: HtmlElement, lines: list[str], fit: Layout) -> Table:
        label = [run for caption in element.iterchildren("caption") for run in collapsed(inline(caption))]
        title = wordml.paragraph("TableCaption", self.pen.runs(label)) if label else ""
        widths, rules = [_twips(width) for width in fit.widths], self._rule("top", THICK) + self._rule("bottom", THICK)
        drawn = wordml.table(widths, lines, rules, round(self.look["padding"] * 20), wordml.plain(label))
        return Table(title, drawn, fit.way.across)

    def _rule(self, side: str, size: int) -> str:
        return wordml.border(side, size, self.pen.colours["ink"])

    def _line(self, fit: Layout) -> str:
        return f'<w:spacing w:line="{round(fit.way.size * LEADING * 20)}" w:lineRule="exact"/>'

    def _text(self, cell: HtmlElement, width: float, fit: Layout, head: bool) -> str:
        size, pieces = fit.way.size, collapsed(inline(cell))
        if head:
            pieces = _at_bracket(pieces, (width - 2 * self.look["padding"]) / size)
        elif fit.way.stacked:
            pieces = _stacked(pieces)
        runs = self.pen.runs(pieces)
        if size == self.usual:
            return runs
        points = f'<w:sz w:val="{round(size * 2)}"/><w:szCs w:val="{round(size * 2)}"/></w:rPr>'
        return runs.replace("</w:rPr>", points)


def _stacked(cell: list[Run]) -> list[Run]:
    """A cell whose interval stands below its estimate."""
    if not any("interval" in marks for _, marks in cell):
        return cell
    return [("\n" if not text.strip() else text, marks) for text, marks in cell]


def _at_bracket(cell: list[Run], room: float) -> list[Run]:
    """The text of a head, broken at its bracket where it is longer than ``room`` em."""
    text = wordml.plain(cell)
    return [(re.sub("(?<=.)(?=\uff08)", "\n", text) if ems(text, bold=True) > room else text, frozenset())]


def _is_number(cell: HtmlElement | None) -> bool:
    """Is a cell set to the right? Markdown does so by a style."""
    return cell is not None and ("num" in classes(cell) or "right" in cell.get("style", ""))


def _twips(width: float) -> int:
    return int(width * SPARE * 20)
