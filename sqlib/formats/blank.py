"""An empty presentation of 16:9 in a brand's colours and in fonts every office holds; lengths in points."""

import copy
import re

from sqlib import style
from sqlib.brand import Brand

WIDTH, HEIGHT = 960.0, 540.0
LATIN, EASTERN = "Arial", "Microsoft YaHei"  # names only: no font is embedded
COVER, BODY = "Title Slide", "Title Only"  # the layouts kept
_WIDER = 4 / 3  # than the stock template
_APP = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns="http://schemas.openxmlformats.org/'
    b'officeDocument/2006/extended-properties"><Application>Microsoft Office PowerPoint</Application></Properties>'
)
_LEFT = ("thumbnail", "printerSettings")  # parts of the stock template that say nothing of the report


def presentation(brand: Brand):
    """A presentation without slides: layout 0 for the cover, 1 for all others; no author, no time, no thumbnail."""
    import pptx

    made = pptx.Presentation()
    made.slide_width, made.slide_height = emu(WIDTH, HEIGHT)
    for layout in list(made.slide_layouts):
        if layout.name not in (COVER, BODY):
            made.slide_layouts.remove(layout)
    for each in (made.slide_master, *made.slide_layouts):
        _widen(each)
    _theme(made.slide_master.part, brand)
    for part in (made.part.package, made.part):
        relations = part._rels
        for key in [key for key, relation in relations.items() if relation.reltype.endswith(_LEFT)]:
            relations.pop(key)
    next(part for part in made.part.package.iter_parts() if part.partname == "/docProps/app.xml")._blob = _APP
    core = made.core_properties._element
    for child in list(core):
        core.remove(child)
    return made


def footers(slide) -> list:
    """Footer and slide number of a slide, as its layout has them."""
    made = []
    for shape in slide.slide_layout.placeholders:
        if shape.placeholder_format.type in (15, 13):  # footer, slide number
            slide.shapes._spTree.append(copy.deepcopy(shape._element))
            made.append(slide.shapes[-1])
    return made


def emu(*points: float) -> tuple[int, ...]:
    """Lengths as the format counts them: 12,700 a point."""
    return tuple(round(each * 12_700) for each in points)


def put(shape, box: tuple[float, float, float, float]) -> None:
    shape.left, shape.top, shape.width, shape.height = emu(*box)


def bare(frame) -> None:
    """A frame that wraps its text and neither grows, shrinks nor keeps a margin."""
    from pptx.enum.text import MSO_AUTO_SIZE

    frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0


def properties(paragraph) -> list:
    """Properties of every run and field of a paragraph."""
    from pptx.oxml.ns import qn

    said = [each for each in paragraph._p if each.tag in (qn("a:r"), qn("a:fld"))]
    return [each.get_or_add_rPr() if each.tag == qn("a:r") else each.find(qn("a:rPr")) for each in said]


def rgb(colour: str):
    from pptx.dml.color import RGBColor

    return RGBColor.from_string(colour.removeprefix("#").upper())


def faces(properties, colour: str) -> None:
    """Colour and typefaces of a run, Latin and East Asian; replaces what stands there."""
    from pptx.oxml.ns import qn

    for name in ("solidFill", "latin", "ea"):
        for old in properties.findall(qn(f"a:{name}")):
            properties.remove(old)
    fill = properties.makeelement(qn("a:solidFill"), {})
    fill.append(fill.makeelement(qn("a:srgbClr"), {"val": colour.removeprefix("#").upper()}))
    named = (("latin", LATIN), ("ea", EASTERN))
    properties.extend([fill, *(properties.makeelement(qn(f"a:{name}"), {"typeface": face}) for name, face in named)])


def plain_table(table, head: bool) -> None:
    """A table without grid and bands; the first row is the header where there is one."""
    from pptx.oxml.ns import qn

    table.first_row, table.horz_banding = head, False
    properties = table._tbl.tblPr
    for name in properties.findall(qn("a:tableStyleId")):
        name.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # no style, no grid


def underline(cell, colour: str) -> None:
    """A hairline below a cell."""
    from pptx.oxml.ns import qn

    properties = cell._tc.get_or_add_tcPr()
    line = properties.makeelement(qn("a:lnB"), {"w": "9525"})
    fill = line.makeelement(qn("a:solidFill"), {})
    fill.append(fill.makeelement(qn("a:srgbClr"), {"val": colour.removeprefix("#").upper()}))
    line.append(fill)
    properties.insert(0, line)  # lines stand before the fill


def _widen(holder) -> None:
    for shape in holder.placeholders:
        if shape._element.spPr.xfrm is not None:
            shape.left, shape.width = round(shape.left * _WIDER), round(shape.width * _WIDER)


def _theme(master, brand: Brand) -> None:
    """Fonts and colours, so that what a consultant adds looks like the rest."""
    part = next(each.target_part for each in master.rels.values() if each.reltype.endswith("/theme"))
    text = part.blob.decode("utf-8")
    text = re.sub(r'<a:latin typeface="[^"]*"\s*/>', f'<a:latin typeface="{LATIN}"/>', text)
    text = re.sub(r'<a:ea typeface=""\s*/>', f'<a:ea typeface="{EASTERN}"/>', text)
    text = re.sub(r'(<a:font script="Hans" typeface=")[^"]*', rf"\g<1>{style.FONT}", text)
    palette = style.palette()
    colours = {
        "dk2": palette["ink"],
        "accent1": brand.primary,
        "accent2": brand.secondary,
        "accent3": palette["series3"],
    }
    for name, colour in colours.items():
        value = colour.removeprefix("#").upper()
        text = re.sub(rf"(<a:{name}>)<a:srgbClr val=\"\w+\"\s*/>", rf'\g<1><a:srgbClr val="{value}"/>', text)
    part._blob = text.encode("utf-8")
