"""Tables of web pages: many systems export HTML under the name of a workbook (.xls).

The page is parsed as text: no link is followed, no entity is loaded, no script runs.
"""

import re
from html.parser import HTMLParser

_PAGE = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|meta|style|title|body|div|center|table)\b",
    re.IGNORECASE | re.DOTALL,
)
HEAD = 4096  # bytes in which a page says what it is
WIDEST = 1000  # columns up to which a cell may span: a page must not grow without bounds
UNSEEN = ("script", "style")

Area = tuple[int, int, int, int]


def is_page(data: bytes) -> bool:
    """Do the first bytes begin a web page?"""
    head = data[:HEAD].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return _PAGE.match(head) is not None


def read(text: str) -> tuple[list[list[str]], list[Area]]:
    """Rows of the table with most cells, and the areas its cells span, filled; nothing where there is no table."""
    parser = _Tables()
    parser.feed(text)
    parser.close()
    largest = max(parser.tables, key=lambda rows: sum(map(len, rows)), default=[])
    return _laid_out(largest)


class _Tables(HTMLParser):
    """Every table of a page as rows of (text, rows spanned, columns spanned); a table within a cell is its own."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[tuple[str, int, int]]]] = []
        self._open: list[list] = []  # tables being read, the innermost last
        self._cells: list[tuple[list[str], int, int] | None] = []  # the cell open in each of them
        self._unseen = 0

    def handle_starttag(self, tag, attrs):
        if tag in UNSEEN:
            self._unseen += 1
        elif tag == "table":
            self.tables.append([])
            self._open.append(self.tables[-1])
            self._cells.append(None)
        elif self._open and tag == "tr":
            self._end_cell()
            self._open[-1].append([])
        elif self._open and tag in ("td", "th"):
            self._end_cell()
            given = dict(attrs)
            self._cells[-1] = ([], _span(given.get("rowspan")), _span(given.get("colspan")))
        elif tag in ("br", "p", "div"):
            self.handle_data("\n")

    def handle_endtag(self, tag):
        if tag in UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif self._open and tag in ("td", "th", "tr", "table"):
            self._end_cell()
        if self._open and tag == "table":
            self._open.pop()
            self._cells.pop()

    def handle_data(self, data):
        if self._cells and self._cells[-1] is not None and not self._unseen:
            self._cells[-1][0].append(data)

    def close(self):
        super().close()
        while self._open:  # a page cut off in the middle
            self.handle_endtag("table")

    def _end_cell(self) -> None:
        cell = self._cells[-1]
        if cell is not None:
            parts, down, across = cell
            rows = self._open[-1]
            if not rows:
                rows.append([])
            rows[-1].append((_tidy("".join(parts)), down, across))
            self._cells[-1] = None


def _tidy(text: str) -> str:
    """Spaces as a browser shows them; line breaks that were written as such stay."""
    lines = (re.sub(r"[ \t\r\f\xa0]+", " ", line).strip() for line in text.strip().split("\n"))
    return "\n".join(filter(None, lines))


def _span(text: str | None) -> int:
    return min(max(int(text), 1), WIDEST) if text and text.isascii() and text.strip().isdigit() else 1


def _laid_out(table: list[list[tuple[str, int, int]]]) -> tuple[list[list[str]], list[Area]]:
    """The grid a browser would show: a cell that spans rows or columns fills all of them."""
    rows: list[list[str]] = [[] for _ in table]
    held: dict[tuple[int, int], str] = {}
    merged = []
    for top, cells in enumerate(table):
        place = 0
        for text, down, across in cells:
            while (top, place) in held:
                rows[top].append(held.pop((top, place)))
                place += 1
            down, across = min(down, len(table) - top), max(min(across, WIDEST - place), 1)
            if down * across > 1:
                merged.append((top, place, top + down - 1, place + across - 1))
            held |= {(top + step, place + side): text for step in range(1, down) for side in range(across)}
            rows[top] += [text] * across
            place += across
        while (top, place) in held:
            rows[top].append(held.pop((top, place)))
            place += 1
    return rows, merged
