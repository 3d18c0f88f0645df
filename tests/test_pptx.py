"""The slides of a page, read back: one conclusion a title, native tables, sharp figures, nothing beyond its box."""

import dataclasses
import tomllib
import zipfile
from pathlib import Path

import pptx
import pytest
from office_source import executed
from PIL import Image
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.util import Pt

from sqlib import formats, leaks, notebook, words
from sqlib.brand import Brand
from sqlib.formats import fitting, story
from sqlib.formats import pptx as deck_format

LONG = tomllib.loads((Path(__file__).parent / "data" / "office.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=words.LANGUAGES)
def source(request):
    return executed(request.param)


@pytest.fixture(scope="module")
def file(source, tmp_path_factory):
    return formats.make("pptx", source, tmp_path_factory.mktemp(source.language) / "d.pptx")


@pytest.fixture(scope="module")
def slides(file):
    return list(pptx.Presentation(file).slides)


def titles(slides) -> list[str]:
    return [slide.shapes.title.text_frame.text for slide in slides]


def pictures(slides) -> list:
    return [shape for slide in slides for shape in slide.shapes if shape.shape_type == MSO_SHAPE_TYPE.PICTURE]


def paragraphs(slides) -> list:
    """Every paragraph with text, with the width it stands in."""
    found = []
    for slide in slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                found += [(each, shape.width) for each in shape.text_frame.paragraphs if each.text]
            if shape.has_table:
                table = shape.table
                for row in table.rows:
                    for cell, column in zip(row.cells, table.columns, strict=True):
                        found += [(each, column.width) for each in cell.text_frame.paragraphs if each.text]
    return found


def overfull(slides) -> list[str]:
    """Texts that take more room than their box, measured anew from the file."""
    found = []
    for slide in slides:
        for shape in slide.shapes:
            if shape.has_text_frame and shape.text_frame.text:
                need = sum(_height(each, shape.width) for each in shape.text_frame.paragraphs)
                found += [shape.text_frame.text] if need > Pt(shape.height.pt + 0.5).pt else []
            if shape.has_table:
                bottom = shape.top.pt + sum(_tall(row, shape.table) for row in shape.table.rows)
                found += [shape.name] if bottom > 505 else []
    return found


def _height(paragraph, width) -> float:
    after = paragraph.space_after.pt if paragraph.space_after else 0
    if not paragraph.runs:  # a field: the number of the slide
        return after
    size, bold = paragraph.runs[0].font.size.pt, bool(paragraph.runs[0].font.bold)
    return fitting.lines(paragraph.text, width.pt, size, bold) * size * fitting.LEADING + after


def _tall(row, table) -> float:
    needs = [
        _height(cell.text_frame.paragraphs[0], Pt(column.width.pt - cell.margin_left.pt - cell.margin_right.pt))
        + cell.margin_top.pt + cell.margin_bottom.pt
        for cell, column in zip(row.cells, table.columns, strict=True)
    ]  # fmt: skip
    assert max(needs) <= row.height.pt + 0.5
    return row.height.pt


def test_dates_and_pseudonyms_are_not_broken():
    assert deck_format._unbroken("P-2A3B4C5D6E 2026-07-01 so-called").split("\u2011") == [
        "P",
        "2A3B4C5D6E 2026",
        "07",
        "01 so-called",
    ]


def test_eight_to_twelve_slides_of_16_to_9(file, slides):
    deck = pptx.Presentation(file)
    assert 8 <= len(slides) <= 12
    assert round(deck.slide_width / deck.slide_height, 3) == round(16 / 9, 3)


def test_every_title_between_summary_and_actions_is_a_conclusion_of_the_page(slides, source):
    page = notebook.read(source.executed)
    found = [record["parts"]["statement"] for record in notebook.harvest(page)["findings"]]
    captions = [
        output.metadata["image/png"]["alt"]
        for cell in page.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})
    ]  # fmt: skip
    body = titles(slides)[2:-3]
    assert len(body) >= 3 and set(body) <= {*found, *captions} and len(set(body)) == len(body)
    assert all(title.rstrip()[-1] in ".\u3002" for title in titles(slides)[1:])


def test_the_summary_holds_every_core_finding_with_its_certainty(slides, source):
    told = story.tell(source)
    (table,) = [shape.table for shape in slides[1].shapes if shape.has_table]
    rows = [tuple(cell.text_frame.text for cell in row.cells) for row in table.rows][1:]
    assert rows == told.findings and len(rows) >= 4
    marks = {entry["mark"] for entry in words.catalogue("common")["strength"].values()}
    assert all(certainty.split(" ")[0] in marks for certainty, _ in rows)


def test_actions_limits_and_sources_close_the_deck_with_native_tables(slides, source):
    told = story.tell(source)
    asked, limits, sources = ([shape.table for shape in slide.shapes if shape.has_table] for slide in slides[-3:])
    assert [row.cells[0].text_frame.text for row in asked[0].rows][1:] == [decision for _, decision, _ in told.actions]
    assert [row.cells[1].text_frame.text for row in limits[0].rows] == told.limits and told.limits
    assert [row.cells[0].text_frame.text for row in sources[0].rows][1:] == [number for number, _ in told.strip]
    assert told.method and told.method[:40] in _text(slides[-1])


def _text(slide) -> str:
    return "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)


def test_figures_are_sharp_and_have_alt_text_and_their_source(slides, source, file):
    shown = pictures(slides)
    assert len(shown) >= 3
    originals = {path.read_bytes() for path in source.figures.glob("*.png")}
    for picture in shown:
        assert picture.image.blob in originals
        assert picture._element.nvPicPr.cNvPr.get("descr")
        dots = picture.image.size[0] / (picture.width / 914_400)
        assert dots >= 299 and picture.left + picture.width <= Pt(960)
    word = {"zh": "\u8d44\u6599\u6765\u6e90", "en": "Source"}[source.language]
    for slide in slides:
        assert not pictures([slide]) or word in _text(slide)


def test_the_cover_names_client_period_version_and_confidentiality(slides, source):
    report = notebook.harvest(notebook.read(source.executed))["report"]
    held = _text(slides[0]) + "\n".join(each.text for each, _ in paragraphs(slides[:1]))
    for text in ("Acme", "2026Q3", "V0.1", report["title"], report["confidentiality"], report["prepared_by"]):
        assert text in held


def test_every_other_slide_has_number_and_footer_and_no_notes(slides):
    for slide in slides:
        assert not slide.has_notes_slide
    for slide in slides[1:]:
        fields = slide._element.findall(".//{*}fld")
        assert [field.get("type") for field in fields] == ["slidenum"]
        assert "Acme \u00b7 2026Q3" in _text(slide)


def test_every_run_names_both_fonts_and_its_language(slides, source):
    for slide in slides:
        for run in slide._element.iter("{http://schemas.openxmlformats.org/drawingml/2006/main}rPr"):
            faces = {child.tag.rpartition("}")[2]: child.get("typeface") for child in run}
            assert faces["ea"] and faces["latin"] and run.get("lang")[:2] == source.language


def test_no_text_is_larger_than_its_box(slides):
    assert overfull(slides) == []


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_long_conclusions_shrink_or_are_cut_and_many_findings_too(language, tmp_path, monkeypatch):
    source, long = executed(language), LONG[language]["title"]
    told = story.tell(source)
    parts = tuple((heading, long) for heading in "abcdef")
    one, other = told.points[0].figure, told.points[1].figure
    shapes = ((1, 5, one), (3, 6, other), (1, 6, None), (1, 0, one))
    points = [story.Point(long * times, parts[:count], figure) for times, count, figure in shapes]
    many = dataclasses.replace(told, findings=[("x", long)] * 25, actions=[(long, long, long)] * 12, points=points,
                               limits=[long] * 30, notes=[long] * 9)  # fmt: skip
    monkeypatch.setattr(story, "tell", lambda source: many)
    made = list(pptx.Presentation(formats.make("pptx", source, tmp_path / "d.pptx")).slides)
    assert overfull(made) == []
    assert titles(made)[2] == long and titles(made)[3].endswith(fitting.CUT)
    rest = words.entry("deck", "rest")[language].split("{count}")[1]
    assert rest in _text(made[1]) and rest in _text(made[-2])


def test_a_page_without_findings_or_limits_still_says_so(tmp_path, monkeypatch):
    source = executed("en")
    bare = dataclasses.replace(story.tell(source), findings=[], sure=0, points=[], actions=[], limits=[], strip=[])
    monkeypatch.setattr(story, "tell", lambda source: bare)
    made = list(pptx.Presentation(formats.make("pptx", source, tmp_path / "d.pptx")).slides)
    plain = [
        words.text("deck", *path, language="en")
        for path in (("summary", "none"), ("actions", "none"), ("limits", "none"))
    ]
    assert titles(made)[1:4] == plain


def finding(key: str, strength: str = "strong", evidence: str = "", **more) -> dict:
    parts = {"statement": f"{key}.", "certainty": "c", "compared": "c", "decision": "d", "owner": "o"}
    return {"key": key, "strength": strength, "evidence": evidence, "parts": parts} | more


def figures(*keys: str) -> list[story.Figure]:
    return [story.Figure(key, Path(f"{key}.png"), f"{key} caption.", key) for key in keys]


def test_findings_with_a_figure_come_first_and_insufficient_ones_only_where_there_is_room():
    core = [finding(f"f{n}", "none" if n < 3 else "weak") for n in range(9)] + [finding("bare")]
    keys = [f"f{n}" for n in range(9)]
    chosen = story._points(core, figures(*keys), "en")
    assert [point.title for point in chosen] == ["f0.", "f3.", "f4.", "f5.", "f6.", "f7.", "f8."]


def test_a_short_deck_is_filled_with_findings_and_figures_up_to_eight_slides():
    core = [finding("a", evidence="x;table"), finding("b", evidence="x")]
    chosen = story._points(core, figures("x", "y", "z"), "en")
    assert [(point.title, point.figure and point.figure.key) for point in chosen] == [
        ("a.", "x"), ("b.", None), ("y caption.", "y")]  # fmt: skip
    assert story.FIXED + len(chosen) == story.LEAST


def test_a_withheld_finding_is_on_no_slide(tmp_path):
    source = executed("en")
    page = notebook.read(source.executed)
    hidden = []
    for cell in page.cells:
        for record in notebook.records(cell.get("outputs", ()), notebook.FINDING)[:1]:
            record["withheld"] = True
            hidden.append(record["parts"]["statement"])
    other = dataclasses.replace(source, executed=notebook.write(page, tmp_path / "w.ipynb"))
    assert hidden and not {statement for _, statement in story.tell(other).findings} & set(hidden)


def test_name_logo_and_colours_of_the_brand(tmp_path):
    Image.new("RGB", (300, 100), "red").save(tmp_path / "logo.png")
    for primary in ("#7a1fa2", "#ffee00"):
        own = Brand(name="Nordlicht", logo=tmp_path / "logo.png", primary=primary, secondary="#00aa55")
        made = formats.make("pptx", dataclasses.replace(executed("en"), brand=own), tmp_path / "d.pptx")
        with zipfile.ZipFile(made) as package:
            cover, theme = (package.read(name).decode() for name in ("ppt/slides/slide1.xml", "ppt/theme/theme1.xml"))
        for xml in (cover, theme):
            assert primary[1:].upper() in xml and "00AA55" in xml
        slides = list(pptx.Presentation(made).slides)
        assert "Nordlicht" in "\n".join(each.text for each, _ in paragraphs(slides[:1]))
        assert [shape._element.nvPicPr.cNvPr.get("descr") for shape in pictures(slides[:1])] == ["Logo of Nordlicht"]
        assert primary == "#7a1fa2" or "FFEE00" not in _runs(made)  # what cannot be read on white is no colour of text


def _runs(path: Path) -> str:
    with zipfile.ZipFile(path) as package:
        slide = pptx.Presentation(path).slides[1]._element
        assert package.testzip() is None
    colours = slide.iterfind(".//{*}rPr/{*}solidFill/{*}srgbClr")
    return " ".join(each.get("val") for each in colours)


def test_the_same_page_gives_the_same_bytes(file, source, tmp_path):
    assert formats.make("pptx", source, tmp_path / "again.pptx").read_bytes() == file.read_bytes()


def test_nothing_of_author_time_or_place_leaves(file):
    assert leaks.scan(file.name, file.read_bytes(), leaks.known([], [], [], [], ""), "client") == []
    with zipfile.ZipFile(file) as package:
        core = package.read("docProps/core.xml").decode()
        assert not {"creator", "created", "modified", "lastModifiedBy"} & set(
            core.replace(":", " ").replace(">", " ").split()
        )
        assert not any("thumbnail" in name or "printerSettings" in name for name in package.namelist())
