"""Small Office files made by hand, so that a test can plant anything in any part of them."""

import io
import zipfile

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"


def pack(parts: dict[str, str]) -> bytes:
    """A ZIP of the parts."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return held.getvalue()


def xlsx(text: str = "x", *, sheet: str = "", columns: str = "", row: str = "", names: str = "", number: str = "3",
         **parts: str) -> bytes:  # fmt: skip
    """A workbook of one sheet with one text and one number; what else is given is planted into the XML."""
    book = (
        f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{RELATIONS}">'
        f'<sheets><sheet name="one" sheetId="1" r:id="rId1" {sheet}/></sheets>'
        f"<definedNames>{names}</definedNames></workbook>"
    )
    cells = f'<row r="1" {row}><c r="A1" t="s"><v>0</v></c><c r="B1"><v>{number}</v></c></row>'
    held = {
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" '
        'Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{SPREADSHEET}"><si><t>{text}</t></si></sst>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SPREADSHEET}">{columns}'
        f"<sheetData>{cells}</sheetData></worksheet>",
    }
    return pack(held | {name.replace("__", "/").replace("_xml", ".xml"): body for name, body in parts.items()})


def docx(text: str = "x", body: str = "", **parts: str) -> bytes:
    """A document of one paragraph whose text is cut into two runs."""
    half = len(text) // 2
    runs = "".join(f"<w:r><w:t>{part}</w:t></w:r>" for part in (text[:half], text[half:]))
    document = f'<w:document xmlns:w="{WORD}"><w:body><w:p>{runs}</w:p>{body}</w:body></w:document>'
    held = {"word/document.xml": document}
    return pack(held | {name.replace("__", "/").replace("_xml", ".xml"): body for name, body in parts.items()})


def pptx(text: str = "x", attributes: str = "", notes: str = "") -> bytes:
    """One slide, with notes where given."""

    def slide(tag: str, said: str, more: str = "") -> str:
        return (
            f'<p:{tag} xmlns:p="{SLIDE}" xmlns:a="{DRAWING}" {more}><a:p><a:r><a:t>{said}</a:t></a:r></a:p></p:{tag}>'
        )

    parts = {"ppt/slides/slide1.xml": slide("sld", text, attributes)}
    return pack(parts | ({"ppt/notesSlides/notesSlide1.xml": slide("notes", notes)} if notes else {}))


def properties(tag: str, value: str) -> str:
    """A part of document properties with one of them filled."""
    return f"<properties><{tag}>{value}</{tag}></properties>"
