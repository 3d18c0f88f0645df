"""A file of a delivery as the texts it holds, seen and unseen: HTML, CSV, XLSX, DOCX, PPTX, PDF, PNG.

Every text comes with its place; what a reader does not see (hidden sheets, comments, document properties) comes with a
kind of its own and counts as found. Text painted in pictures and on PDF pages is not read.
"""

import base64
import csv
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple
from xml.etree import ElementTree

from sqlib.errors import SqlibError

READ = (".html", ".csv", ".xlsx", ".docx", ".pptx", ".pdf", ".png")


class Piece(NamedTuple):
    """One text: where it stands, what it says, the kind of thing it is where it should not be there at all, and the
    column of a table it stands in."""

    place: str
    text: str
    kind: str = ""
    column: str = ""


def pieces(name: str, data: bytes) -> list[Piece]:
    """Every text in a file; ``name`` decides how it is opened.

    Raises
    ------
    SqlibError : ``openers.unreadable`` where the file is not what its name says, or of a kind nobody can open here
    """
    kind = posixpath.splitext(name)[1].lower()
    openers = {".html": _html, ".csv": _csv, ".xlsx": _xlsx, ".docx": _docx, ".pptx": _pptx, ".pdf": _pdf, ".png": _png}
    if kind not in openers:
        raise SqlibError("openers.unreadable", where=name, got=kind or "–")
    try:
        return list(openers[kind](data))
    except (ValueError, KeyError, SyntaxError, zipfile.BadZipFile, csv.Error) as error:
        raise SqlibError("openers.unreadable", where=name, got=error) from error


# ---------------------------------------------------------------- HTML

_BLOCKS = frozenset(
    ("p", "div", "section", "header", "footer", "main", "nav", "h1", "h2", "h3", "h4", "li", "dt", "dd", "tr", "td",
     "th", "caption", "figure", "br", "title")
)  # fmt: skip
_UNSEEN = ("style", "script")


class _Page(HTMLParser):
    """Texts block by block, so that markup inside a word hides nothing; attributes and comments."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found: list[Piece] = []
        self._line, self._words, self._unseen = 1, [], ""

    def flush(self) -> None:
        text = " ".join("".join(self._words).split())
        if text:
            self.found.append(Piece(f"line {self._line}", text))
        self._line, self._words = self.getpos()[0], []

    def handle_starttag(self, tag, attrs):
        if tag in _BLOCKS:
            self.flush()
        if tag in _UNSEEN:
            self._unseen = tag
        place = f"line {self.getpos()[0]}: {tag}"
        for name, value in attrs:
            if value and value.startswith("data:image/png;base64,"):
                self.found += _picture(f"{place} picture", base64.b64decode(value.partition(",")[2]))
            elif value and name not in ("class", "style"):
                self.found.append(Piece(f"{place} {name}", value))

    def handle_endtag(self, tag):
        if tag in _BLOCKS:
            self.flush()
        if tag == self._unseen:
            self._unseen = ""

    def handle_data(self, data):
        self._words.append(data)

    def handle_comment(self, data):
        self.found.append(Piece(f"line {self.getpos()[0]}", data.strip() or "–", "html_comment"))


def _html(data: bytes) -> Iterator[Piece]:
    text = data.decode("utf-8-sig")
    page = _Page()
    page.feed(text)
    page.close()
    page.flush()
    yield from page.found
    for match in re.finditer(r'"(?:papermill|kernelspec|input_path|output_path|nbformat)"\s*:', text):
        yield Piece(f"line {text.count(chr(10), 0, match.start()) + 1}", match[0], "notebook_metadata")


# ---------------------------------------------------------------- PNG


def _png(data: bytes) -> Iterator[Piece]:
    if not data.startswith(b"\x89PNG"):
        raise ValueError("no PNG")
    yield from _picture("picture", data)


def _picture(place: str, data: bytes) -> Iterator[Piece]:
    """Texts written into a picture beside its pixels."""
    at = 8
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if name in (b"tEXt", b"iTXt", b"eXIf"):
            key, _, value = data[at + 8 : at + 8 + size].partition(b"\0")
            kind = "" if key == b"Software" else "metadata"
            yield Piece(f"{place} {key.decode('latin-1')}", value.decode("utf-8", "replace"), kind)
        at += size + 12


# ---------------------------------------------------------------- CSV


def _csv(data: bytes) -> Iterator[Piece]:
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    head = next(rows, [])
    yield from (Piece(f"row 1, {name}", name) for name in head if name)
    for line, row in enumerate(rows, 2):
        for number, value in enumerate(row):
            if value:
                column = head[number] if number < len(head) else ""
                yield Piece(f"row {line}, {column or number + 1}", value, "", column)


# ---------------------------------------------------------------- Office: ZIP and XML


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _own(element: ElementTree.Element, name: str) -> str:
    """An attribute whatever its namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _all(element: ElementTree.Element, *names: str) -> list[ElementTree.Element]:
    return [each for each in element.iter() if _tag(each) in names]


def _said(element: ElementTree.Element) -> str:
    """All text below an element: what is split over several runs is one text."""
    return "".join(each.text or "" for each in _all(element, "t", "delText", "instrText"))


def _parts(data: bytes) -> dict[str, ElementTree.Element]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        names = [name for name in package.namelist() if name.endswith((".xml", ".rels", ".vml"))]
        return {name: ElementTree.fromstring(package.read(name)) for name in names}


_PROPERTIES = ("creator", "lastModifiedBy", "Company", "Manager", "description", "keywords", "subject", "category",
               "HyperlinkBase", "contentStatus")  # fmt: skip


def _pictures(data: bytes) -> Iterator[Piece]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for name in package.namelist():
            if name.endswith(".png"):
                yield from _picture(name, package.read(name))


def _document(parts: dict[str, ElementTree.Element]) -> Iterator[Piece]:
    """What every Office file may carry: properties, links out, comments."""
    for name, part in parts.items():
        if name.startswith("docProps/"):
            for element in _all(part, *_PROPERTIES):
                if (element.text or "").strip():
                    yield Piece(f"{name} {_tag(element)}", element.text, "metadata")
            for element in _all(part, "property"):
                value = "".join(element.itertext()).strip() or "–"
                yield Piece(f"{name} {_own(element, 'name')}", value, "metadata")
            yield from (Piece(f"{name} title", element.text) for element in _all(part, "title") if element.text)
        elif name.endswith(".rels"):
            yield from (Piece(name, _own(link, "Target")) for link in _all(part, "Relationship"))
        elif re.search(r"/(threadedC|c)omments?[^/]*/?[^/]*\.xml$", name, re.IGNORECASE):
            for element in _all(part, "comment", "threadedComment", "cm"):
                yield Piece(name, _said(element) or "".join(element.itertext()).strip() or "–", "comment_mark")
        elif re.search(r"/(persons?|authors?|commentAuthors)[^/]*\.xml$", name):
            yield from (Piece(name, _own(each, "displayName") or _own(each, "name"), "metadata") for each in
                        _all(part, "person", "author", "cmAuthor"))  # fmt: skip
        elif "externalLink" in name:
            yield Piece(name, name, "external_link")


def _xlsx(data: bytes) -> Iterator[Piece]:
    parts = _parts(data)
    yield from _document(parts)
    book = parts["xl/workbook.xml"]
    shared = [_said(each) for each in _all(parts.get("xl/sharedStrings.xml", ElementTree.Element("sst")), "si")]
    links = {
        _own(link, "Id"): _own(link, "Target") for link in _all(parts["xl/_rels/workbook.xml.rels"], "Relationship")
    }
    for name in _all(book, "definedName"):
        if not _own(name, "name").startswith("_xlnm."):  # filters and print areas of Excel's own
            yield Piece(f"xl/workbook.xml {_own(name, 'name')}", name.text or "–", "defined_name")
    for sheet in _all(book, "sheet"):
        title = _own(sheet, "name")
        if _own(sheet, "state") in ("hidden", "veryHidden"):
            yield Piece("xl/workbook.xml", title, "hidden_sheet")
        yield Piece("xl/workbook.xml", title)
        target = posixpath.normpath(posixpath.join("/xl", links[_own(sheet, "id")])).lstrip("/")
        yield from _sheet(title, parts[target], shared)


def _sheet(title: str, sheet: ElementTree.Element, shared: list[str]) -> Iterator[Piece]:
    for column in _all(sheet, "col"):
        if _own(column, "hidden") in ("1", "true"):
            yield Piece(title, f"{_own(column, 'min')}–{_own(column, 'max')}", "hidden_column")
    heads: dict[str, str] = {}
    for row in _all(sheet, "row"):
        if _own(row, "hidden") in ("1", "true"):
            yield Piece(title, _own(row, "r"), "hidden_row")
        for cell in _all(row, "c"):
            at = _own(cell, "r")
            letters, text = at.rstrip("0123456789"), _cell(cell, shared)
            if text:
                yield Piece(f"{title}!{at}", text, "", heads.setdefault(letters, text))
            yield from (Piece(f"{title}!{at}", formula.text) for formula in _all(cell, "f") if formula.text)
    for each in _all(sheet, "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"):
        yield Piece(f"{title} {_tag(each)}", each.text or "")


def _cell(cell: ElementTree.Element, shared: list[str]) -> str:
    value = next((each.text or "" for each in _all(cell, "v")), "")
    return shared[int(value)] if _own(cell, "t") == "s" else value or _said(cell)


def _docx(data: bytes) -> Iterator[Piece]:
    parts = _parts(data)
    yield from _document(parts)
    yield from _pictures(data)
    for name, part in parts.items():
        if not name.startswith("word/") or name.endswith(".rels"):
            continue
        for number, paragraph in enumerate(_all(part, "p"), 1):
            yield Piece(f"{name} paragraph {number}", _said(paragraph))
        for run in _all(part, "r"):
            if name != "word/styles.xml" and _all(run, "vanish"):
                yield Piece(name, _said(run) or "–", "hidden_text")
        for change in _all(part, "ins", "del"):
            yield Piece(name, _own(change, "author") or "–", "tracked_change")
        yield from (Piece(f"{name} alt", _own(each, "descr")) for each in _all(part, "docPr") if _own(each, "descr"))


def _pptx(data: bytes) -> Iterator[Piece]:
    parts = _parts(data)
    yield from _document(parts)
    yield from _pictures(data)
    for name, part in parts.items():
        if not name.startswith("ppt/") or name.endswith(".rels"):
            continue
        if _tag(part) == "sld" and _own(part, "show") in ("0", "false"):
            yield Piece(name, name, "hidden_slide")
        for paragraph in _all(part, "p"):
            text = _said(paragraph)
            yield Piece(name, text, "speaker_note" if text and name.startswith("ppt/notesSlides/") else "")
        yield from (Piece(f"{name} alt", _own(each, "descr")) for each in _all(part, "cNvPr") if _own(each, "descr"))


# ---------------------------------------------------------------- PDF: properties only

_PDF_KEYS = rb"/(Author|Company|Manager|Subject|Keywords)\s*(?:\(((?:\\.|[^\\)])*)\)|<([0-9A-Fa-f\s]*)>)"
_XMP_KEYS = rb"<(dc:creator|pdf:Author|dc:description|xmpMM:\w+)>(.*?)</\1>"
_XMP_PLAIN = (
    b"dc:description",
    b"xmpMM:InstanceID",
    b"xmpMM:DocumentID",
    b"xmpMM:RenditionClass",
)  # numbers of the file


def _pdf(data: bytes) -> Iterator[Piece]:
    if not data.startswith(b"%PDF"):
        raise ValueError("no PDF")
    blocks = [data]
    for match in re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        try:
            blocks.append(zlib.decompressobj().decompress(match[1]))
        except zlib.error:
            continue  # another filter: a picture or a font
    for block in blocks:
        for key, plain, coded in re.findall(_PDF_KEYS, block, re.DOTALL):
            text = bytes.fromhex(coded.decode()) if coded else plain
            text = text.decode("utf-16" if text.startswith((b"\xfe\xff", b"\xff\xfe")) else "utf-8", "replace").strip()
            if text:
                yield Piece(f"properties {key.decode()}", text, "metadata")
        for key, value in re.findall(_XMP_KEYS, block, re.DOTALL):
            text = re.sub(r"<[^>]*>", "", value.decode("utf-8", "replace")).strip()
            if text and key not in _XMP_PLAIN:
                yield Piece(f"XMP {key.decode()}", text, "metadata")
