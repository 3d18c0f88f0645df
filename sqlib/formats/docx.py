"""A report as a Word file: cover, contents, body, running head and page numbers, all native.

The parts are written here from ``style/docx/``: a package of its own holds what is needed and nothing else, no
template's styles, author or thumbnail, and the same report gives the same bytes.
"""

import functools
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

from sqlib import render, style, workbook
from sqlib.brand import Brand
from sqlib.formats import Source, document, wordml
from sqlib.formats.document import Document
from sqlib.formats.docx_body import Body, Heading, size
from sqlib.formats.wordml import Pen

FOLDER = style.FOLDER / "docx"
TIME = (1980, 1, 1, 0, 0, 0)  # the earliest time a ZIP can hold
LOGO = (3400, 1000)  # the most a logo takes, in twentieths of a point
PADDING = 60  # of the lines of the cover
OFFICE = "officeDocument/2006/relationships"
PARTS = {  # part -> its kind
    "styles": "styles", "numbering": "numbering", "settings": "settings", "header": "header", "footer": "footer",
    "header_across": "header",
}  # fmt: skip


def make(source: Source, target: Path) -> Path:
    """Write the report of a source as DOCX.

    Raises
    ------
    ArgumentError : ``workbook.unwritable``
    """
    report, sheet, pen = document.read(source), look(), Pen(look()[source.language]["hint"], colours(source.brand))
    page, foot = sheet["page"], render.wording("report", source.language)["page"]
    width, across = (page[side] - 2 * page["margin"] for side in ("width", "height"))
    body = Body(sheet[source.language], sheet, pen, report.pictures, width, across)
    body.flow(report.main, "BodyText")
    turned = any(wide for wide, _ in body.blocks)
    logo = source.brand.logo.read_bytes() if source.brand.logo else b""
    main = _part(
        "document",
        cover=_cover(pen, report, source.brand, logo, width),
        contents=_contents(pen, body.headings, report.contents),
        body=_joined(body, page),
        section=_section(page, False, first=not turned),
    )
    values = {"look": body.look, "colours": pen.colours, "tints": _hex(style.sheet()["tints"]), "lists": body.lists}
    values |= {"pages": _pages(pen, foot), "running": _running(pen, report, source), "width": width}
    values |= {"title": report.title, "made": f"{workbook.MADE:%Y-%m-%dT%H:%M:%SZ}"}
    parts = {name: kind for name, kind in PARTS.items() if turned or name != "header_across"}
    held = {"word/document.xml": main, "docProps/core.xml": _part("core", **values)}
    for name, kind in parts.items():
        held[f"word/{name}.xml"] = _part(kind, **values, across=across if name == "header_across" else width)
    pictures = {f"picture{number}": data for number, data in enumerate(body.pictures, 1)}
    return workbook.beside(target, _writer(_package(held, parts, pictures | ({"logo": logo} if logo else {}))))


@functools.cache
def look() -> dict:
    """``style/docx/look.toml``."""
    return tomllib.loads((FOLDER / "look.toml").read_text(encoding="utf-8"))


def colours(brand: Brand) -> dict[str, str]:
    """Hex without # by meaning; the brand's own are ``title`` (readable in text), ``primary`` and ``secondary``."""
    own = {"title": brand.text, "primary": brand.primary, "secondary": brand.secondary}
    return _hex(style.palette() | own)


def _hex(found: dict[str, str]) -> dict[str, str]:
    return {name: value.lstrip("#").upper() for name, value in found.items()}


# ---------------------------------------------------------------- cover, contents, head and foot


def _cover(pen: Pen, report: Document, brand: Brand, logo: bytes, width: int) -> str:
    band = f"<w:pBdr>{wordml.border('bottom', 36, pen.colours['secondary'], space=10)}</w:pBdr>"
    blocks = [
        *_logo(logo, brand.name or report.title),
        wordml.paragraph("Brand", pen.run(brand.name)),
        wordml.paragraph("Subtitle", pen.run(report.kicker), '<w:spacing w:before="2800"/>'),
        wordml.paragraph("Title", pen.run(report.title), band),
        *(wordml.paragraph("Subtitle", pen.run(text)) for text in report.lead),
        wordml.paragraph("Subtitle", "", '<w:spacing w:before="1600"/>'),
    ]
    widths = [2300, width - 2300]
    rows = []
    for label, text in _facts(report):
        pair = wordml.paragraph("CoverLabel", pen.run(label)), wordml.paragraph("CoverText", pen.run(text))
        rows.append(wordml.row(map(wordml.cell, widths, pair)))
    if rows:
        rules = "".join(wordml.border(side, 4, pen.colours["grid"]) for side in ("top", "bottom", "insideH"))
        blocks += [wordml.table(widths, rows, rules, PADDING), wordml.paragraph("TableEnd", "")]
    return "\n".join(blocks)


def _facts(report: Document) -> list[tuple[str, str]]:
    """Label and text of each line of the cover; how reliable the report is comes last."""
    lines = [(label, text) for _, label, text in report.facts]
    if report.reliability:
        grade, label, *sentence = report.reliability
        lines.append((label, f"{grade}  {''.join(sentence)}"))
    return lines


def _logo(data: bytes, alt: str) -> list[str]:
    if not data:
        return []
    width, height = size(data)
    scale = min(LOGO[0] / width, LOGO[1] / height)
    shown = wordml.picture("logo", 1, round(width * scale), round(height * scale), alt)
    return [wordml.paragraph("Brand", shown)]


def _contents(pen: Pen, headings: list[Heading], title: str) -> str:
    """The contents as a field that is filled already: opening asks nothing, updating adds the page numbers."""
    shown = [heading for heading in headings if heading.level <= 2]
    if not shown:
        return ""
    begin, end = wordml.field_around('TOC \\o "1-2" \\h \\z \\u')
    lines = [wordml.link(heading.bookmark, pen.run(heading.number + heading.text)) for heading in shown]
    lines[0], lines[-1] = begin + lines[0], lines[-1] + end
    entries = (wordml.paragraph(f"TOC{heading.level}", line) for heading, line in zip(shown, lines, strict=True))
    gallery = '<w:docPartObj><w:docPartGallery w:val="Table of Contents"/><w:docPartUnique/></w:docPartObj>'
    inside = wordml.paragraph("TOCHeading", pen.run(title)) + "".join(entries)
    return f"<w:sdt><w:sdtPr>{gallery}</w:sdtPr><w:sdtContent>{inside}</w:sdtContent></w:sdt>"


def _running(pen: Pen, report: Document, source: Source) -> str:
    """The running head: whose report it is, then how confidential and, until it is final, which draft."""
    left = [source.brand.name, report.fact("client_name"), report.title]
    text = pen.run(f"{' · '.join(filter(None, left))}\t{report.fact('confidentiality')}")
    return text if source.state == "final" else text + pen.run(f"  {report.stamp}", ("bold", "bad"))


def _pages(pen: Pen, said: dict[str, str]) -> str:
    number, count = pen.field("PAGE", "1"), pen.field("NUMPAGES", "1")
    return f"{pen.run(said['before'])}{number}{pen.run(said['between'])}{count}{pen.run(said['after'])}"


# ---------------------------------------------------------------- pages and package


def _joined(body: Body, page: dict) -> str:
    """The blocks in order, with a new section wherever the page turns."""
    parts, turned, first = [], False, True
    for wide, block in body.blocks:
        if wide != turned:
            parts.append(wordml.paragraph("SectionEnd", "", _section(page, turned, first)))
            turned, first = wide, False
        parts.append(block)
    if turned:
        parts.append(wordml.paragraph("SectionEnd", "", _section(page, True, first)))
    return "\n".join(parts)


def _section(page: dict, wide: bool, first: bool) -> str:
    """A section of upright or wide pages; the ``first`` begins with the cover, which has no running head."""
    width, height = (page[side] for side in (("height", "width") if wide else ("width", "height")))
    turned = ' w:orient="landscape"' * wide
    sides = " ".join(f'w:{side}="{page["margin"]}"' for side in ("top", "right", "bottom", "left"))
    return (
        f'<w:sectPr><w:headerReference w:type="default" r:id="header{"_across" * wide}"/>'
        '<w:footerReference w:type="default" r:id="footer"/>'
        f'<w:pgSz w:w="{width}" w:h="{height}"{turned}/>'
        f'<w:pgMar {sides} w:header="{page["edge"]}" w:footer="{page["edge"]}" w:gutter="0"/>'
        f"{'<w:titlePg/>' * first}</w:sectPr>"
    )


def _package(held: dict[str, str], parts: dict[str, str], pictures: dict[str, bytes]) -> dict[str, str | bytes]:
    """Every file of the package in its order: what it holds, how its parts hang together, the parts."""
    files = {name: f"{name}.{_extension(data)}" for name, data in pictures.items()}
    relations = [(name, f"{OFFICE}/{kind}", f"{name}.xml") for name, kind in parts.items()]
    relations += [(name, f"{OFFICE}/image", f"media/{file}") for name, file in files.items()]
    top = [("document", f"{OFFICE}/officeDocument", "word/document.xml")]
    top += [("core", "package/2006/relationships/metadata/core-properties", "docProps/core.xml")]
    links = {
        "[Content_Types].xml": _part("content_types", parts=parts),
        "_rels/.rels": _part("relations", relations=top),
        "word/_rels/document.xml.rels": _part("relations", relations=relations),
    }
    return links | held | {f"word/media/{file}": pictures[name] for name, file in files.items()}


def _writer(package: dict[str, str | bytes]) -> Callable[[Path], None]:
    """Writes the files as they come, with one time: the same files give the same bytes."""

    def fill(draft: Path) -> None:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in package.items():
                entry = zipfile.ZipInfo(name, TIME)
                entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
                archive.writestr(entry, data)

    return fill


def _extension(data: bytes) -> str:
    return "png" if data.startswith(b"\x89PNG") else "jpeg"


def _part(name: str, **values) -> str:
    return _templates().get_template(f"{name}.xml.j2").render(values)


@functools.cache
def _templates():
    """The parts of the package; values are XML made by ``wordml`` except where the template escapes them."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, autoescape=False)
