"""Reports as Word files, read back: structure, words and looks of the page, nothing else in the package."""

import base64
import dataclasses
import io
import tomllib
import zipfile
from pathlib import Path

import docx
import pytest
import sample_page
from bs4 import BeautifulSoup
from docx.oxml.ns import qn
from PIL import Image

from sqlib import leaks, openers, project, render, words
from sqlib.brand import Brand
from sqlib.formats import Source, make

LANGUAGES = ("zh", "en")
WANTED = tomllib.loads((Path(__file__).parent / "data" / "docx.toml").read_text(encoding="utf-8"))
WIDTH = 11906 - 2 * 1361  # text of an upright page, twentieths of a point


def png(width: int, height: int) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(held, "PNG")
    return held.getvalue()


def source(folder: Path, language: str, notebook=None, **given) -> Source:
    nb = notebook or sample_page.notebook(language, png=base64.b64encode(png(60, 30)).decode())
    page = render.html(nb, folder / f"page.{language}.html", language=language)
    held = {"version": "V1.0", "state": "draft", "brand": Brand(), "figures": folder / "figures"} | given
    return Source(executed=page.with_suffix(".ipynb"), html=page, tables=folder, typed=None, stem="page",
                  language=language, **held)  # fmt: skip


def written(folder: Path, main: str, language: str = "en") -> docx.document.Document:
    """The Word file of a page whose body is ``main``."""
    held = source(folder, language)
    page = BeautifulSoup(held.html.read_text("utf-8"), "html.parser")
    page.main.clear()
    page.main.append(BeautifulSoup(main, "html.parser"))
    held.html.write_text(str(page), "utf-8")
    return docx.Document(make("docx", held, folder / "page.docx"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dict[str, Source]:
    return {language: source(tmp_path_factory.mktemp(language), language) for language in LANGUAGES}


@pytest.fixture(scope="module")
def files(sources, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    return {language: make("docx", held, folder / f"{language}.docx") for language, held in sources.items()}


def squeezed(text: str) -> str:
    return "".join(text.split())


def soup(held: Source) -> BeautifulSoup:
    page = BeautifulSoup(held.html.read_text("utf-8"), "html.parser").main
    for hint in page("wbr"):
        hint.extract()
    return page


def said(document, style: str) -> list[str]:
    return [squeezed(paragraph.text) for paragraph in document.paragraphs if paragraph.style.name == style]


def data_tables(document) -> list:
    """Tables with a repeated head: not the lines of the cover, not a strip of numbers."""
    return [table for table in document.tables if table._tbl.findall(f".//{qn('w:tblHeader')}")]


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# ---------------------------------------------------------------- structure


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_are_those_of_the_page_with_native_levels_and_numbers(sources, files, language):
    document, page = docx.Document(files[language]), soup(sources[language])
    headings = [each for each in document.paragraphs if each.style.name.startswith("Heading")]
    assert [squeezed(each.text) for each in headings] == [squeezed(each.text) for each in page(["h2", "h3"])]
    assert [each.style.name for each in headings] == [f"Heading {int(each.name[1]) - 1}" for each in page(["h2", "h3"])]
    held = [each._p.find(f".//{qn('w:numId')}") for each in headings]
    own = [number if number is None else number.get(qn("w:val")) for number in held]
    assert own == ["0", "0", *[None] * 6, "2"]  # summary without, sections by their style, the appendix by its own
    linked = document.part.numbering_part.element.findall(f".//{qn('w:pStyle')}")
    assert [each.get(qn("w:val")) for each in linked] == ["Heading1", "Heading2", "Heading3"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_contents_are_a_field_filled_with_every_heading_that_leads_there(sources, files, language):
    document = docx.Document(files[language])
    lines = document.element.findall(f".//{qn('w:hyperlink')}")
    shown = [squeezed("".join(text.text for text in line.iter(qn("w:t")))) for line in lines]
    titles = [each.text for each in soup(sources[language])(["h2", "h3"])]
    assert shown == [squeezed(n + t) for n, t in zip(WANTED[language]["numbers"], titles, strict=True)]
    marks = [each.get(qn("w:name")) for each in document.element.iter(qn("w:bookmarkStart"))]
    assert [line.get(qn("w:anchor")) for line in lines] == marks
    assert [each.text.split()[0] for each in document.element.iter(qn("w:instrText"))] == ["TOC"]
    assert not document.settings.element.findall(qn("w:updateFields"))  # opening must not ask anything


def same_tables(document, page: BeautifulSoup) -> int:
    made, wanted = data_tables(document), page("table")
    assert len(made) == len(wanted)
    for table, shown in zip(made, wanted, strict=True):
        cells = [[squeezed(cell.text) for cell in row(["th", "td"])] for row in shown("tr")]
        rows = table._tbl.tr_lst
        texts = [[squeezed("".join(t.text for t in cell.iter(qn("w:t")))) for cell in row.tc_lst] for row in rows]
        assert texts == cells
        heads = len(shown.thead("tr")) if shown.thead else 0
        assert [bool(row.findall(f".//{qn('w:tblHeader')}")) for row in rows] == [at < heads for at in range(len(rows))]
        assert all(row.findall(f".//{qn('w:cantSplit')}") for row in rows)
        right = [cell.find(f".//{qn('w:jc')}") is not None for row in rows for cell in row.tc_lst]
        assert right == ["num" in cell.get("class", []) for row in shown("tr") for cell in row(["th", "td"])]
    return len(made)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_holds_every_row_and_cell(sources, files, language):
    assert same_tables(docx.Document(files[language]), soup(sources[language])) == 1


def test_every_table_of_a_whole_report(tmp_path):
    held = source(tmp_path, "zh", project.root() / "notebooks" / "feedback_analysis.ipynb")
    document = docx.Document(make("docx", held, tmp_path / "page.docx"))
    assert same_tables(document, soup(held)) > 20
    assert all(sum(column.width.twips for column in table.columns) <= WIDTH for table in data_tables(document))
    assert len(said(document, "Finding")) == len(soup(held).select(".sq-finding"))
    assert len(said(document, "Finding Part")) == len(soup(held).select("dl dt"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_notes_and_findings_have_styles_of_their_own(sources, files, language):
    document, page = docx.Document(files[language]), soup(sources[language])
    for style, place in (
        ("Table Caption", "caption"), ("Figure Caption", ".sq-figure-label"), ("Key Message", ".sq-caption"),
        ("Note", ".sq-note"), ("Finding", ".sq-statement"), ("Signature", ".sq-signature > p"),
    ):  # fmt: skip
        assert said(document, style) == [squeezed(each.text) for each in page.select(place)] != []
    pairs = [squeezed(f"{dt.text}{dt.find_next_sibling('dd').text}") for dt in page.select(".sq-finding dt")]
    assert said(document, "Finding Part")[: len(pairs)] == pairs
    outer, ruled = "top bottom", data_tables(document)[0]._tbl
    assert " ".join(each.tag.rpartition("}")[2] for each in ruled.find(f".//{qn('w:tblBorders')}")) == outer
    assert len(ruled.tr_lst[0].findall(f".//{qn('w:tcBorders')}")) == len(ruled.tr_lst[0].tc_lst)


def test_text_of_every_kind_of_block_arrives_in_order(tmp_path):
    document = written(
        tmp_path,
        "<p>one <b>two</b> <em>three</em><br>four <a href='https://example.org/x'>five</a></p><ol><li>six<ul><li>seven"
        "</li></ul></li><li>eight</li></ol><p>nine</p><ol><li>ten</li></ol><blockquote class='sq-quote'><p>eleven</p>"
        "<footer>twelve</footer></blockquote><section class='sq-finding sq-none'><p class='sq-statement'>13</p>"
        "<dl><dt>14</dt><dd>15</dd></dl><div class='sq-judgement'><b>16</b><p>17\n18</p></div></section>"
        "<div>19<pre>20</pre>21</div><table><tr><td>22</td></tr></table><script>23</script>",
    )
    body = document.paragraphs[[each.style.name for each in document.paragraphs].index("Body Text") :]
    assert [(each.style.name, each.text) for each in body if each.text] == [
        ("Body Text", "one two three\nfour five"), ("List Number", "six"), ("List Bullet", "seven"),
        ("List Number", "eight"), ("Body Text", "nine"), ("List Number", "ten"), ("Quote", "eleven"),
        ("Quote Source", "twelve"), ("Finding", "13"), ("Finding Part", "14\t15"), ("Judgement", "16"),
        ("Judgement", "17\n18"), ("Body Text", "19"), ("Body Text", "20"), ("Body Text", "21"),
    ]  # fmt: skip
    assert [run.bold for run in body[0].runs if run.text == "two"] == [True]
    lists = [each._p.find(f".//{qn('w:numId')}").get(qn("w:val")) for each in body if each.text in ("six", "ten")]
    assert len(set(lists)) == 2  # the second list begins at one again
    assert document.tables[-1].cell(0, 0).text == "22"


def test_two_tables_that_touch_stay_two(tmp_path):
    document = written(tmp_path, "<table><tr><td>1</td></tr></table><table><tr><td>2</td></tr></table>")
    assert [table.cell(0, 0).text for table in document.tables[-2:]] == ["1", "2"]
    tags = [each.tag.rpartition("}")[2] for each in document.element.body]
    assert "tbl tbl" not in " ".join(tags) and tags[-2:] == ["p", "sectPr"]


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_as_wide_as_the_text_with_their_alternative_text(sources, files, language):
    document, shown = docx.Document(files[language]), soup(sources[language])("img")
    assert len(document.inline_shapes) == len(shown) == 1
    drawn = document.inline_shapes[0]
    assert drawn._inline.docPr.get("descr") == shown[0]["alt"]
    assert (drawn.width.twips, drawn.height.twips) == (WIDTH, WIDTH // 2)


def test_a_figure_at_full_resolution_takes_the_place_of_the_one_in_the_page(sources, tmp_path):
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "01_share.png").write_bytes(png(600, 200))
    (figures / "02_other.png").write_bytes(png(1, 1))
    made = make("docx", dataclasses.replace(sources["en"], figures=figures), tmp_path / "page.docx")
    assert entries(made)["word/media/picture1.png"] == png(600, 200)
    drawn = docx.Document(made).inline_shapes[0]
    assert drawn.height.twips == round(WIDTH / 3)


# ---------------------------------------------------------------- looks, fields, properties


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_style_names_its_chinese_font_and_every_run_keeps_to_it(files, language):
    document, wanted = docx.Document(files[language]), WANTED[language]
    styles = [style for style in document.styles if style.type == docx.enum.style.WD_STYLE_TYPE.PARAGRAPH]
    asian = {style.element.find(f".//{qn('w:rFonts')}").get(qn("w:eastAsia")) for style in styles}
    assert len(styles) > 25 and asian == set(wanted["fonts"])
    hints = {run.find(f".//{qn('w:rFonts')}").get(qn("w:hint")) for run in document.element.iter(qn("w:r"))
             if run.find(qn("w:t")) is not None}  # fmt: skip
    assert hints == {wanted["hint"]}
    spoken = document.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    assert (spoken.get(qn("w:val")), spoken.get(qn("w:eastAsia"))) == ("en-GB", "zh-CN")


def test_chinese_body_as_chinese_reports_are_set(files):
    style = docx.Document(files["zh"]).styles["Body Text"]
    assert (style.font.size.pt, style.paragraph_format.line_spacing) == (12, 1.5)
    assert style.element.find(f".//{qn('w:ind')}").get(qn("w:firstLineChars")) == "200"


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_x_of_y_and_no_running_head_on_the_cover(files, language):
    section = docx.Document(files[language]).sections[0]
    foot = section.footer._element
    assert [each.text.strip() for each in foot.iter(qn("w:instrText"))] == ["PAGE", "NUMPAGES"]
    before, between, after = WANTED[language]["pages"]
    assert "".join(each.text for each in foot.iter(qn("w:t"))) == f"{before}1{between}1{after}"
    assert section.different_first_page_header_footer


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_cover_says_everything_the_page_says_at_its_head(sources, files, language):
    document = docx.Document(files[language])
    page = BeautifulSoup(sources[language].html.read_text("utf-8"), "html.parser")
    facts = [
        [squeezed(line.dt.text), squeezed(" · ".join(filter(str.strip, line.dd.strings)))]
        for line in page.select(".sq-facts > div")
    ]
    facts[-1][1] = squeezed(render.wording("report", language)["stamp"]["draft"].format(version="V1.0"))
    cover = [[squeezed(cell.text) for cell in row.cells] for row in document.tables[0].rows]
    assert cover[:-1] == facts
    assert cover[-1][0] == words.entry("report", "reliability")[language] and cover[-1][1].startswith("B")
    assert said(document, "Title") == [squeezed(page.h1.text)]
    assert squeezed(page.select_one(".sq-lead").text) in said(document, "Subtitle")


@pytest.mark.parametrize("language", LANGUAGES)
def test_properties_and_parts_tell_nothing_but_the_title(files, language):
    held = docx.Document(files[language]).core_properties
    assert (held.title, held.language) == (sample_page.TEXT[language]["title"], WANTED[language]["locale"])
    assert not (held.author or held.last_modified_by or held.comments or held.keywords or held.subject)
    assert held.created == held.modified and held.created.year == 2000
    assert sorted(entries(files[language])) == [
        "[Content_Types].xml", "_rels/.rels", "docProps/core.xml", "word/_rels/document.xml.rels", "word/document.xml",
        "word/footer.xml", "word/header.xml", "word/media/picture1.png", "word/numbering.xml", "word/settings.xml",
        "word/styles.xml",
    ]  # fmt: skip
    assert not [data for data in entries(files[language]).values() if b'TargetMode="External"' in data]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_report_gives_the_same_bytes(sources, files, language, tmp_path):
    again = make("docx", sources[language], tmp_path / "again.docx")
    assert again.read_bytes() == files[language].read_bytes()
    with zipfile.ZipFile(again) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def running(path: Path) -> str:
    return docx.Document(path).sections[0].header.paragraphs[0].text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draft_says_so_at_the_head_of_every_page_and_a_final_does_not(sources, files, language, tmp_path):
    stamp = render.wording("report", language)["stamp"]
    final = dataclasses.replace(sources[language], state="final", version="V2.0")
    made = make("docx", final, tmp_path / "final.docx")
    assert stamp["draft"].format(version="V1.0") in running(files[language])
    assert "V2.0" not in running(made) and "V1.0" not in running(made)
    assert docx.Document(made).tables[0].rows[-2].cells[1].text == stamp["final"].format(version="V2.0")


def test_name_logo_and_colours_of_the_brand(sources, tmp_path):
    (tmp_path / "logo.png").write_bytes(png(400, 100))
    brand = Brand(name="Oak & Ash", logo=tmp_path / "logo.png", primary="#7A1F3D", secondary="#C0A060")
    made = make("docx", dataclasses.replace(sources["en"], brand=brand), tmp_path / "page.docx")
    document = docx.Document(made)
    assert said(document, "Brand") == ["", "Oak&Ash"] and running(made).startswith("Oak & Ash · ")
    assert document.inline_shapes[0]._inline.docPr.get("descr") == "Oak & Ash"
    assert entries(made)["word/media/logo.png"] == png(400, 100)
    assert str(document.styles["Title"].font.color.rgb) == "7A1F3D"
    band = document.styles["Heading 1"].element.find(f".//{qn('w:pBdr')}/{qn('w:bottom')}")
    assert band.get(qn("w:color")) == "C0A060"


# ---------------------------------------------------------------- wide tables


def grid(columns: int, rows: int, language: str) -> str:
    name, value = WANTED[language]["head"]
    head = f"<th>{name}</th>" + f'<th class="num">{value}</th>' * columns
    interval = f'<span class="sq-est">78%</span> <span class="sq-ci">{WANTED[language]["interval"]}</span>'
    row = f"<tr><td>A</td>{f'<td class=num>{interval}</td>' * columns}</tr>"
    held = f"<table><thead><tr>{head}</tr></thead><tbody>{row * rows}</tbody></table>"
    return f"<p>before</p>{held}<p class='sq-note'>note</p><p>after</p>"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("columns", "rows", "turned"), [(4, 3, False), (9, 30, True)])
def test_a_table_too_wide_lies_across_the_page_and_the_next_text_does_not(tmp_path, language, columns, rows, turned):
    document = written(tmp_path, grid(columns, rows, language), language)
    assert [section.orientation for section in document.sections] == [0, 1, 0][: 1 + 2 * turned]
    assert [section.different_first_page_header_footer for section in document.sections][1:] == [False, False] * turned
    held = ["note", "sectPr", "after"] if turned else ["note", "after"]
    shown = [each for each in document.element.body.iter(qn("w:t"), qn("w:sectPr"))][-len(held) - 5 :]
    texts = [each.text or "sectPr" for each in shown]
    assert texts[texts.index("note") : texts.index("after") + 1] == held  # a note stays with its table
    widths = [column.width.twips for column in document.tables[-1].columns]
    room = 16838 - 2 * 1361 if turned else WIDTH
    assert room - len(widths) <= sum(widths) <= room


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_interval_stands_beside_its_estimate_in_all_cells_or_below_it_in_all(tmp_path, language):
    for columns, stacked in ((3, False), (6, True)):
        table = written(tmp_path, grid(columns, 3, language), language).tables[-1]
        texts = [cell.text for row in table.rows[1:] for cell in row.cells[1:]]
        assert {"\n" in text for text in texts} == {stacked}
        assert not [text for text in texts if " " in text.split("\n")[-1] and stacked]  # unbroken by its spaces


def test_rows_of_a_long_table_begin_and_end_it_together_and_those_of_a_short_one_never_part(tmp_path):
    for rows, loose in ((8, []), (40, list(range(3, 38)))):
        table = written(tmp_path, grid(3, rows, "en")).tables[-1]
        kept = [row._tr.find(f".//{qn('w:keepNext')}") is not None for row in table.rows]
        assert [at for at in range(1, rows) if not kept[at]] == loose and not kept[rows]


# ---------------------------------------------------------------- what must not get in, and must not get out

NASTY = "</w:t></w:r><w:p/> & {{ 7*7 }} \"'] =HYPERLINK(1) {INCLUDETEXT} <b>x</b>"


def test_text_of_customers_is_only_text(tmp_path):
    nb = sample_page.notebook("en")
    escaped = NASTY.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for cell in nb.cells:
        for output in cell.get("outputs", ()):
            for mime, record in output.get("data", {}).items():
                if mime.endswith("report+json"):
                    record.update(client_name=f"{NASTY}\x0b\u202e", title=NASTY, prepared_by=NASTY)
                elif mime == "text/html":
                    output.data[mime] = record.replace("</p>", f"{escaped}&#11;&#8238;</p>").replace(
                        "</td>", f"{escaped}</td>"
                    )
    document = docx.Document(make("docx", source(tmp_path, "en", nb), tmp_path / "page.docx"))
    assert document.tables[0].cell(1, 1).text == NASTY
    assert squeezed(NASTY) in said(document, "Finding")[0] and squeezed(NASTY) in said(document, "Signature")[0]
    assert data_tables(document)[0].cell(1, 1).text.endswith(NASTY)
    assert len(document.element.findall(f".//{qn('w:instrText')}")) == 1
    assert not set("\x0b\u202e") & set("".join(document.element.itertext()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_privacy_search_reads_it_and_finds_nothing_unseen(files, language):
    data = files[language].read_bytes()
    pieces = openers.pieces("report.docx", data)
    assert not [piece for piece in pieces if piece.kind]
    shown = "\n".join(piece.text for piece in pieces)
    assert sample_page.TEXT[language]["alt"] in shown and sample_page.TEXT[language]["client"] in shown
    nobody = leaks.known(["Zhang Wei"], ["CUST-0042"], ["they never call back in the filing season"], ["/home/x"], "")
    assert leaks.scan("report.docx", data, nobody, "management") == []


def test_the_privacy_search_finds_what_stands_in_it(tmp_path):
    written(tmp_path, "<table><tr><td>Zhang</td><td>CUST-0042</td></tr></table><p>Ask Zhang Wei</p>")
    secret = leaks.known(["Zhang Wei"], ["CUST-0042"], [], [], "")
    hits = leaks.scan("page.docx", (tmp_path / "page.docx").read_bytes(), secret, "management")
    assert sorted(hit.kind for hit in hits) == ["client_id", "name"]
