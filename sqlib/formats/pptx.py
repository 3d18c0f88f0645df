"""Eight to twelve slides, one conclusion a title: native tables, the figures of the page, the brand of the report."""

import io
import re
import zipfile
from pathlib import Path

from sqlib import brand, render, style, words, workbook
from sqlib.formats import Source, blank, fitting, story
from sqlib.formats.story import Figure, Point, Story

# All lengths in points, 72 an inch.
EDGE, INNER = 44.0, 872.0  # of what a slide holds: its left end, its width
TOP, BOTTOM = 122.0, 490.0  # of the room between title and footer
TITLE = (EDGE, 30.0, INNER, 78.0)
PANEL, GAP = 300.0, 22.0  # width of the words beside a figure, and the distance between
LABEL, FOOT = 28.0, 508.0  # room for the words below a figure; top of the footer
PAD, INSET = 9.0, 6.0  # of a table's cell: above and below together, left and right each
TITLES, BODY, CELLS = (24, 22, 20, 18, 16, 14), (14, 13, 12, 11, 10), (14, 13, 12, 11)  # sizes, the largest first
COVER = ("period", "compared_with", "as_of", "version", "prepared_by", "confidentiality")  # lines of the first slide
TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can hold
_LANG = {"zh": "zh-CN", "en": "en-US"}


def make(source: Source, target: Path) -> Path:
    """Write the deck of a page in one language; the same page gives the same bytes.

    Raises
    ------
    SqlibError : ``formats.figures`` where the page shows more figures than were kept for print
    """
    told = story.tell(source)
    deck = _Deck(source, told)
    deck.draw()
    return workbook.beside(Path(target), lambda draft: draft.write_bytes(deck.bytes()))


class _Deck:
    """The open presentation and how its parts are set."""

    def __init__(self, source: Source, told: Story):
        self.source, self.told, self.language, self.brand = source, told, source.language, source.brand
        self.colour = style.palette() | {"text": source.brand.text, "primary": source.brand.primary}
        self.band = source.brand.primary if brand.contrast(source.brand.primary) >= brand.READABLE else ""
        self.presentation = blank.presentation(source.brand)
        self.place = " · ".join((told.report["client_name"], told.report["period"], self._stamp()))

    def draw(self) -> None:
        """Every slide in its order."""
        self._cover()
        self._summary()
        for point in self.told.points:
            self._point(point)
        self._actions()
        self._limits()
        self._sources()

    def bytes(self) -> bytes:
        """The file, its parts in their order under a fixed time."""
        held, out = io.BytesIO(), io.BytesIO()
        self.presentation.save(held)
        with zipfile.ZipFile(held) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in made.namelist():
                entry = zipfile.ZipInfo(name, TIME)
                entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
                archive.writestr(entry, made.read(name))
        return out.getvalue()

    # -- slides -----------------------------------------------------------------------------------------------------

    def _cover(self) -> None:
        """Whose report, of what, when, which version, how confidential."""
        slide, report = self.presentation.slides.add_slide(self.presentation.slide_layouts[0]), self.told.report
        self.presentation.core_properties.title = f"{report['client_name']} {report['title']}"
        self._bar(slide, (0, 0, 20, blank.HEIGHT), self.colour["primary"])
        self._bar(slide, (20, 0, 5, blank.HEIGHT), self.brand.secondary)
        title, subtitle = slide.shapes.title, slide.placeholders[1]
        self._fit(title, (80, 150, 800, 100), report["title"], (44, 40, 36, 32, 28, 24), "text", bold=True)
        self._fit(subtitle, (80, 258, 800, 60), report["client_name"], (28, 24, 20, 16), "ink")
        own = {"prepared_by": self.brand.name or report["prepared_by"]}
        facts = {fact.key: [fact.label, fact.text] for fact in render.cover(report | own, self.language)}
        facts["version"] = [render.wording("report", self.language)["version"], self._stamp()]
        rows = [facts[name] for name in COVER if name in facts]
        self._grid(slide, (80, 340, 600, 150), rows, (130, 470), head=False)
        self._logo(slide)

    def _summary(self) -> None:
        found = self.told.findings
        title = (
            self._say("summary", "title", count=len(found), sure=self.told.sure)
            if found
            else self._say("summary", "none")
        )
        slide = self._slide(title)
        if found:
            self._table(slide, ("strength", "statement"), found, (176, INNER - 176))

    def _point(self, point: Point) -> None:
        """A conclusion with its figure and, beside it, how sure it is and what it asks; a table where none shows it."""
        slide = self._slide(point.title)
        if point.figure is None:
            self._table(slide, ("part", "said"), point.parts, (150, INNER - 150))
            return
        width = INNER - PANEL - GAP if point.parts else INNER
        self._picture(slide, point.figure, (EDGE, TOP, width, BOTTOM - TOP - LABEL - 4))
        if point.parts:
            self._panel(slide, (EDGE + width + GAP, TOP, PANEL, BOTTOM - TOP), point.parts)

    def _actions(self) -> None:
        asked = self.told.actions
        slide = self._slide(self._say("actions", "title", count=len(asked)) if asked else self._say("actions", "none"))
        if asked:
            rows = [(decision, owner, statement) for statement, decision, owner in asked]
            self._table(slide, ("decision", "owner", "statement"), rows, (290, 240, INNER - 530), loose=(2,))

    def _limits(self) -> None:
        limits = self.told.limits
        slide = self._slide(self._say("limits", "title", count=len(limits)) if limits else self._say("limits", "none"))
        if limits:
            rows = [(str(number), text) for number, text in enumerate(limits, 1)]
            self._grid(slide, (EDGE, TOP, INNER, BOTTOM - TOP), rows, (36, INNER - 36), head=False)

    def _sources(self) -> None:
        """What the page rests on, and by which methods."""
        report = self.told.report
        title = self._say("sources", "title", letter=report["reliability"], sentence=report["reliability_sentence"])
        slide, numbers = self._slide(title), 250.0
        if self.told.strip:
            self._table(slide, ("number", "counted"), self.told.strip, (80, numbers - 80))
        parts = [("", note) for note in self.told.notes] + [(self._say("sources", "method"), self.told.method)]
        self._panel(slide, (EDGE + numbers + GAP, TOP, INNER - numbers - GAP, BOTTOM - TOP), parts)

    # -- parts of a slide -------------------------------------------------------------------------------------------

    def _slide(self, title: str):
        """A slide with its title, a rule below it, and the footer."""
        slide = self.presentation.slides.add_slide(self.presentation.slide_layouts[1])
        self._fit(slide.shapes.title, TITLE, title, TITLES, "text", bold=True, low=True)
        self._bar(slide, (EDGE, TITLE[1] + TITLE[3] + 4, INNER, 1.5), self.colour["primary"])
        self._footer(slide)
        return slide

    def _footer(self, slide) -> None:
        """Client, period and version on the left, confidentiality, and the number of the slide."""
        foot, number = blank.footers(slide)
        said = f"{self.place} · {self.told.report['confidentiality']}"
        self._fit(foot, (EDGE, FOOT, INNER - 60, 18), said, (10, 9, 8), "muted")
        blank.put(number, (EDGE + INNER - 60, FOOT, 60, 18))
        blank.bare(number.text_frame)
        self._styled(number.text_frame.paragraphs[0], 10, "muted", right=True)

    def _table(self, slide, heads: tuple[str, ...], rows, widths: tuple[float, ...], loose=()) -> None:
        texts = [[self._say("column", name) for name in heads], *map(list, rows)]
        self._grid(slide, (EDGE, TOP, sum(widths), BOTTOM - TOP), texts, widths, loose=loose)

    def _grid(self, slide, box, texts: list, widths: tuple[float, ...], head: bool = True, loose=()) -> None:
        """A native table that fits its box; what had no room is counted below it."""
        x, y, width, height = box
        inner = [each - 2 * INSET for each in widths]
        bold = (0,) if head else ()
        texts = [[_unbroken(text) for text in row] for row in texts]
        fitted = fitting.rows(texts, inner, height, CELLS, PAD, bold, loose)
        if fitted.dropped:
            fitted = fitting.rows(texts, inner, height - 18, CELLS, PAD, bold, loose)
            rest = self._say("rest", count=fitted.dropped)
            self._text(slide, (x, y + height - 16, width, 16), [(rest, 10, False, "muted")])
        frame = slide.shapes.add_table(len(fitted.rows), len(widths), *blank.emu(x, y, width, sum(fitted.heights)))
        frame._element.nvGraphicFramePr.cNvPr.set("descr", slide.shapes.title.text_frame.text)
        table = frame.table
        blank.plain_table(table, head)
        for place, each in enumerate(widths):
            table.columns[place].width = blank.emu(each)[0]
        for line, (row, tall) in enumerate(zip(fitted.rows, fitted.heights, strict=True)):
            table.rows[line].height = blank.emu(tall)[0]
            for place, text in enumerate(row):
                self._cell(table.cell(line, place), text, fitted.size, head and line == 0, place == 0)

    def _cell(self, cell, text: str, size: float, head: bool, first: bool) -> None:
        from pptx.enum.text import MSO_ANCHOR

        cell.margin_left = cell.margin_right = blank.emu(INSET)[0]
        cell.margin_top = cell.margin_bottom = blank.emu(PAD / 2)[0]
        cell.vertical_anchor = MSO_ANCHOR.TOP
        colour = "paper" if head and self.band else "text" if head or first else "ink"
        self._write(cell.text_frame, [(text, size, head, colour)])
        if head and self.band:
            cell.fill.solid()
            cell.fill.fore_color.rgb = blank.rgb(self.band)
        blank.underline(cell, self.colour["primary" if head else "grid"])

    def _panel(self, slide, box, parts) -> None:
        """Short texts under headings of their own, in one box."""
        texts = [[_unbroken(text)] for heading, said in parts for text in (heading, said) if text]
        heads = [bool(text) and text == heading for heading, said in parts for text in (heading, said) if text]
        bold = tuple(number for number, head in enumerate(heads) if head)
        fitted = fitting.rows(texts, [box[2]], box[3], BODY, 5, bold)
        lines = [
            (row[0], fitted.size, head, "text" if head else "ink")
            for row, head in zip(fitted.rows, heads[: len(fitted.rows)], strict=True)
        ]
        self._text(slide, box, lines, after=5)

    def _picture(self, slide, figure: Figure, box) -> None:
        """A figure as large as its room and its dots let it, with alt text; number, source and n below."""
        from PIL import Image

        x, y, width, height = box
        with Image.open(figure.path) as image:
            wide, tall = image.size
        scale = min(width / wide, height / tall, 72 / style.PRINT)
        picture = slide.shapes.add_picture(str(figure.path), *blank.emu(x, y, wide * scale, tall * scale))
        picture._element.nvPicPr.cNvPr.set("descr", figure.caption)
        picture.name = figure.key
        label, size = fitting.line(figure.label, width, LABEL, (10, 9, 8))
        self._text(slide, (x, y + tall * scale + 4, width, LABEL), [(label, size, False, "muted")])

    def _logo(self, slide) -> None:
        if self.brand.logo is None:
            return
        from PIL import Image

        with Image.open(self.brand.logo) as image:
            wide, tall = image.size
        scale = min(190 / wide, 64 / tall)
        place = blank.emu(EDGE + INNER - wide * scale, 40, wide * scale, tall * scale)
        picture = slide.shapes.add_picture(str(self.brand.logo), *place)
        picture._element.nvPicPr.cNvPr.set("descr", self._say("logo", name=self.brand.name))

    def _bar(self, slide, box, colour: str) -> None:
        from pptx.enum.shapes import MSO_SHAPE

        bar = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *blank.emu(*box))
        bar.fill.solid()
        bar.fill.fore_color.rgb = blank.rgb(colour)
        bar.line.fill.background()
        bar.shadow.inherit = False

    # -- text -------------------------------------------------------------------------------------------------------

    def _fit(self, shape, box, text: str, sizes, colour: str, bold: bool = False, low: bool = False) -> None:
        """One text in a shape, as large as fits."""
        from pptx.enum.text import MSO_ANCHOR

        said, size = fitting.line(_unbroken(text), box[2], box[3], sizes, bold)
        blank.put(shape, box)
        blank.bare(shape.text_frame)
        self._write(shape.text_frame, [(said, size, bold, colour)])
        shape.text_frame.vertical_anchor = MSO_ANCHOR.BOTTOM if low else MSO_ANCHOR.TOP

    def _text(self, slide, box, lines, after: float = 0) -> None:
        frame = slide.shapes.add_textbox(*blank.emu(*box)).text_frame
        blank.bare(frame)
        self._write(frame, lines, after)

    def _write(self, frame, lines, after: float = 0) -> None:
        """Paragraphs (text, size, bold, colour) in a frame."""
        from pptx.util import Pt

        for number, (text, size, bold, colour) in enumerate(lines):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            paragraph.add_run().text = text
            paragraph.space_before, paragraph.space_after = Pt(0), Pt(after)
            self._styled(paragraph, size, colour, bold)

    def _styled(self, paragraph, size: float, colour: str, bold: bool = False, right: bool = False) -> None:
        from pptx.enum.text import PP_ALIGN
        from pptx.util import Pt

        paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
        paragraph.line_spacing = Pt(size * fitting.LEADING)
        for properties in blank.properties(paragraph):
            properties.set("lang", _LANG[self.language])
            properties.set("sz", str(round(size * 100)))
            properties.set("b", "1" if bold else "0")
            blank.faces(properties, self.colour[colour])

    def _stamp(self) -> str:
        pattern = render.wording("report", self.language)["stamp"][self.source.state]
        return pattern.format(version=self.source.version).strip()

    def _say(self, *path: str, **values) -> str:
        return words.text("deck", *path, language=self.language, **values)


def _unbroken(text: str) -> str:
    """A text whose dates and pseudonyms stay on one line."""
    return re.sub(r"(?<=\d)-(?=\d\d)|(?<=\b[A-Z])-(?=[A-Z2-7]{10}\b)", "\N{NON-BREAKING HYPHEN}", text)
