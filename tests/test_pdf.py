"""The PDF of a report: all of its text, every row once, nothing that acts as markup, the same bytes each time."""

import base64
import functools
import html
import os
import re
import string
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
import sample_page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import v4
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from sqlib import leaks, render
from sqlib import words as said
from sqlib.brand import Brand
from sqlib.errors import SqlibError
from sqlib.formats import Source, document, make, pdf

LANGUAGES = ("zh", "en")
ROWS = 400
NASTY = [
    "#let x = 1; #panic(\"no\")",
    "$x^2$ and $ y $",
    "@nobody <label> `raw` ```typ #panic()```",
    "*bold* _thin_ ~ -- --- ... \\ \\u{41} // gone /* gone */",
    "-3 and 4 -?5 .. ... .... \\-7 \\... (-1, [-2] _-3_ '-4",
    "= Heading",
    "- item",
    "+ item",
    "/ term: text",
    "1. first",
    "[content] ] ) } #]",
    '"quoted" \'single\'',
    "#include \"/etc/hostname\" #read(\"report.typ\") #image(\"x\")",
    "<script>alert(1)</script> &amp; &lt;b&gt; <!-- gone -->",
    "=cmd|' /C calc'!A0",
    "https://example.org/a?b=c#d",
]  # fmt: skip


def source(folder, page, language="en", **more) -> Source:
    """What a PDF is made from, of the sample page or any other notebook."""
    given = {"version": "V1.0", "state": "draft", "brand": Brand(), "figures": folder / "figures"} | more
    name = folder / f"page.{language}.html"
    render.html(page, name, language=language, version=given["version"], state=given["state"])
    return Source(
        executed=folder / "none.ipynb", html=name, tables=folder, typed=None, stem="page", language=language, **given
    )


def shown(*fragments: str):
    """A page of one section that shows HTML."""
    cells = [v4.new_markdown_cell("# Title"), v4.new_markdown_cell("## Section")]
    outputs = [v4.new_output("display_data", data={"text/html": fragment}) for fragment in fragments]
    return v4.new_notebook(cells=[*cells, v4.new_code_cell("x", outputs=outputs, execution_count=1)])


def made(folder, page, language="en", **more) -> PdfReader:
    return PdfReader(pdf.make(source(folder, page, language, **more), folder / "page.pdf"))


def text(reader: PdfReader) -> str:
    """All text without the spaces, which a PDF does not keep."""
    return bare("".join(page.extract_text() for page in reader.pages))


def bare(words: str) -> str:
    return re.sub(r"[\s\u200b\u00ad]", "", words)


def table(rows: list[list[str]], head: list[str]) -> str:
    """A table as a page shows it; the label stands above it."""
    lines = ("".join(f'<td class="num">{html.escape(cell)}</td>' for cell in row) for row in rows)
    titles = "".join(f'<th class="num">{name}</th>' for name in head)
    return (
        f'<p class="sq-table-label">Table 1 Rows</p><table class="sq-table"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>"
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return {
        language: made(tmp_path_factory.mktemp(language), sample_page.notebook(language), language)
        for language in LANGUAGES
    }


@functools.cache
def placed(reader: PdfReader) -> list[tuple[int, float, str]]:
    """Page, height above its foot in points, and text of everything printed."""
    found = []
    for number, page in enumerate(reader.pages):

        def keep(piece, turned, place, *_rest, number=number):
            found.append((number, place[4] * turned[1] + place[5] * turned[3] + turned[5], piece.strip()))

        page.extract_text(visitor_text=keep)
    return found


def objects(value, seen: set):
    """Every dictionary in a PDF object and below it."""
    if isinstance(value, IndirectObject):
        if value.idnum in seen:
            return
        seen.add(value.idnum)
        value = value.get_object()
    if isinstance(value, ArrayObject):
        for part in value:
            yield from objects(part, seen)
    elif isinstance(value, DictionaryObject):
        yield value
        for part in value.values():
            yield from objects(part, seen)


# ---------------------------------------------------------------- what it holds


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_page_is_there_as_text(samples, language):
    words, printed = sample_page.TEXT[language], text(samples[language])
    for key in ("title", "client", "lead", "confidentiality", "reliability_sentence", "caption", "figure_label",
                "table_label", "note", "comment", "absent", "problems", "prepared_by"):  # fmt: skip
        assert bare(words[key]) in printed, key
    for finding in words["findings"]:
        assert bare(finding["statement"]) in printed
        assert all(bare(part) in printed for part in finding["parts"])
    for row in words["rows"]:
        assert all(bare(cell) in printed for cell in [*row[:5], row[6]])


@pytest.mark.parametrize("language", LANGUAGES)
def test_cover_names_client_period_dates_version_and_secrecy(samples, language):
    words, cover = sample_page.TEXT[language], bare(samples[language].pages[0].extract_text())
    stamp = render.wording("report", language)["stamp"]["draft"].format(version="V1.0")
    for part in (words["title"], words["client"], words["prepared_by"], words["confidentiality"], stamp):
        assert bare(part) in cover
    assert "2026Q3" in cover
    assert all(bare(said.day(day, language)) in cover for day in ("2026-09-30", "2026-07-01"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_after_the_cover_is_numbered_of_all(samples, language):
    words, pages = render.wording("report", language)["page"], samples[language].pages
    for number, page in enumerate(pages[1:], 2):
        foot = f"{words['before']}{number}{words['between']}{len(pages)}{words['after']}"
        assert bare(foot) in bare(page.extract_text())


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_are_bookmarks_and_stand_in_the_contents(samples, language):
    words = sample_page.TEXT[language]
    top = [mark["/Title"] for mark in samples[language].outline if not isinstance(mark, list)]
    contents = bare(samples[language].pages[1].extract_text())
    for name in (words["sections"][0], words["sections"][1], words["sections"][3]):
        assert any(mark.endswith(name) for mark in top) and bare(name) in contents
    annotations = samples[language].pages[1]["/Annots"]
    assert len(annotations) >= len(top) - 1  # each line of the contents leads to its page


@pytest.mark.parametrize("language", LANGUAGES)
def test_tagged_titled_in_its_language_and_without_a_date(samples, language):
    root = samples[language].trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"].startswith(language)
    assert samples[language].metadata.title == sample_page.TEXT[language]["title"]
    assert not samples[language].metadata.author
    assert "/CreationDate" not in samples[language].metadata and "/ModDate" not in samples[language].metadata


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_have_their_alternative_text(samples, language):
    tree = objects(samples[language].trailer["/Root"]["/StructTreeRoot"], set())
    told = {element["/Alt"] for element in tree if "/Alt" in element}
    assert sample_page.TEXT[language]["alt"] in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_the_font_of_the_report_is_used_and_it_is_embedded(samples, language):
    fonts = {}
    for page in samples[language].pages:
        for font in page["/Resources"].get("/Font", {}).values():
            below = font.get_object()["/DescendantFonts"][0].get_object()
            fonts[below["/BaseFont"].split("+")[-1]] = below["/FontDescriptor"].get_object()
    assert [name.split("-Identity")[0] for name in fonts] == ["NotoSansSC-Regular"]
    assert all("/FontFile3" in descriptor for descriptor in fonts.values())


def test_sign_outside_the_font_is_printed_from_another(tmp_path):
    reader = made(tmp_path, shown("<p>well \U0001f600 done</p>"))
    names = {font.get_object()["/BaseFont"] for page in reader.pages for font in page["/Resources"]["/Font"].values()}
    assert "\U0001f600" in text(reader) and any("DejaVuSans" in name for name in names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictogram_that_no_font_holds_is_said_in_words(tmp_path, language):
    cells = shown("<p>quick \U0001f44d\U0001f3fb, slow \U0001f9a5</p>")
    printed = text(made(tmp_path, cells, language))
    known, other = (said.entry("pictograms", *path)[language] for path in (("named", "\U0001f44d"), ("other",)))
    up, sloth = (bare(said.text("pictograms", "shown", language=language, name=name)) for name in (known, other))
    assert f"quick{up},slow{sloth}" in printed


# ---------------------------------------------------------------- tables


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    rows = [[f"R{n:03d}x", f"{n * 7}", "a text that is long enough to run over several lines " * (n % 3)] for n in
            range(ROWS)]  # fmt: skip
    return made(tmp_path_factory.mktemp("long"), shown(table(rows, ["Code", "Number", "Remark"])))


def test_every_row_of_a_long_table_is_printed_once_and_in_order(long):
    assert re.findall(r"R\d{3}x", text(long)) == [f"R{n:03d}x" for n in range(ROWS)]


def test_no_row_of_a_long_table_is_printed_over_another(long):
    rows = [place for place in placed(long) if re.search(r"R\d{3}x", place[2])]
    assert all(after[0] > before[0] or before[1] - after[1] > 9 for before, after in pairwise(rows))  # points
    assert min(height for _, height, _ in rows) > 50  # above the foot of the page


def test_head_of_a_long_table_stands_on_each_of_its_pages(long):
    pages = {page for page, _, words in placed(long) if re.search(r"R\d{3}x", words)}
    assert len(pages) > 5
    assert all(re.search(r"Code\s+Number\s+Remark", long.pages[page].extract_text()) for page in pages)


def test_wide_table_lies_across_the_page_and_loses_nothing(tmp_path):
    cells = [f"value{n:02d}" for n in range(24)]
    reader = made(tmp_path, shown(table([cells, cells], [f"Name{n:02d}" for n in range(24)])))
    wide = [page for page in reader.pages if page.mediabox.width > page.mediabox.height]
    assert len(wide) == 1
    assert all(wide[0].extract_text().count(cell) == 2 for cell in cells)


def test_row_higher_than_a_page_is_printed_to_its_end(tmp_path):
    words = [f"w{n:04d}" for n in range(4000)]
    reader = made(tmp_path, shown(table([["first", " ".join(words)]], ["Name", "Comment"])))
    assert re.findall(r"w\d{4}", text(reader)) == words


def test_finding_longer_than_a_page_is_printed_to_its_end(tmp_path):
    words = [f"w{n:04d}" for n in range(3000)]
    fragment = f'<section class="sq-finding sq-weak"><p class="sq-statement">x</p><p>{" ".join(words)}</p></section>'
    assert re.findall(r"w\d{4}", text(made(tmp_path, shown(fragment)))) == words


def test_unbroken_text_stays_in_its_column(tmp_path):
    reader = made(tmp_path, shown(table([["f" * 300, "right"]], ["Checksum", "Name"])))
    assert text(reader).count("f" * 300) == 1
    assert all(len(words) < 150 for _, _, words in placed(reader))


# ---------------------------------------------------------------- text is only text


def paragraphs(texts: list[str]):
    quotes = [f'<blockquote class="sq-quote"><p>{html.escape(t)}</p></blockquote>' for t in texts]
    items = "".join(f"<li>{html.escape(t)}</li>" for t in texts)
    return shown(*quotes, table([["x", t] for t in texts], ["One", "Two"]), f"<ul>{items}</ul>")


def test_markup_of_customers_is_printed_as_they_wrote_it(tmp_path):
    reader = made(tmp_path, paragraphs(NASTY))
    printed = text(reader)
    for words in NASTY:
        assert printed.count(bare(words)) == 3, words
    assert len(reader.outline) == 1 and "/Annots" not in reader.pages[-1]


MARKUP = st.text("#$@\\`*_<>[](){}~-+=/'\":;.,&!?|^%" + string.ascii_letters[:6] + string.digits[:3] + " ", min_size=1)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MARKUP.filter(bare), min_size=5, max_size=40))
def test_no_text_becomes_markup(tmp_path, texts):
    printed = text(made(tmp_path, shown(*(f"<p>a{html.escape(words)}z</p>" for words in texts))))
    for words in texts:
        assert f"a{bare(words)}z" in printed


@pytest.mark.parametrize("words", NASTY)
def test_brand_and_names_are_text_too(tmp_path, words):
    given = source(tmp_path, shown("<p>x</p>"))
    other = {"title": words, "facts": [["label", words]], "kicker": words, "brand": words}
    told = pdf._settings(document.read(given), given, tmp_path)
    body = pdf._typeset("", told | other, tmp_path, tmp_path / "page.pdf")
    (tmp_path / "page.pdf").write_bytes(body)
    assert bare(words) in text(PdfReader(tmp_path / "page.pdf"))


def test_lines_of_a_judgement_stay_lines(tmp_path):
    reader = made(tmp_path, shown('<div class="sq-judgement"><b>Judgement</b><p>one\n= two\n- three</p></div>'))
    lines = [words.strip() for page in reader.pages for words in page.extract_text().splitlines()]
    assert lines[lines.index("one") :][:3] == ["one", "= two", "- three"]


def test_links_lead_inside_the_report_and_a_dead_one_is_plain_text(tmp_path):
    fragment = '<p><a href="#s1">there</a>, <a href="#nowhere">lost</a>, <a href="file:///etc/passwd">file</a></p>'
    reader = made(tmp_path, shown(fragment))
    links = [note.get_object() for page in reader.pages[2:] for note in page.get("/Annots", [])]
    assert len(links) == 1 and "/Dest" in links[0] | links[0].get("/A", {})
    assert all(word in text(reader) for word in ("there", "lost", "file"))


# ---------------------------------------------------------------- stamps, brand, pictures


def test_draft_says_so_on_every_page_and_a_final_on_its_cover(tmp_path):
    draft = made(tmp_path, sample_page.notebook("en"), state="draft")
    final = made(tmp_path, sample_page.notebook("en"), state="final")
    stamps = render.wording("report", "en")["stamp"]
    assert all(bare(stamps["draft"].format(version="V1.0")) in bare(page.extract_text()) for page in draft.pages)
    assert bare(stamps["final"].format(version="V1.0")) in bare(final.pages[0].extract_text())
    assert bare(stamps["draft"].format(version="V1.0")) not in text(final)


def test_brand_shows_its_name_logo_and_colour(tmp_path):
    Image.new("RGB", (60, 20), "#123456").save(tmp_path / "logo.png")
    brand = Brand(name="House & Sons", logo=tmp_path / "logo.png", primary="#7a1f5c")
    reader = made(tmp_path, sample_page.notebook("en"), brand=brand)
    assert "House&Sons" in bare(reader.pages[0].extract_text())
    assert len(reader.pages[0].images) == 1
    assert b"0.47843137 0.12156863 0.36078432" in reader.pages[0].get_contents().get_data()


FILL = "<p>a line of text</p>" * 20


def drawing(folder, ratio: float):
    """A page with a figure that begins below its middle, and the picture of it."""
    Image.new("RGB", (600, round(600 * ratio)), "red").save(folder / "drawn.png")
    coded = base64.b64encode((folder / "drawn.png").read_bytes()).decode()
    label = '<p class="sq-figure-label">Figure 1</p>'
    figure = f'<img src="data:image/png;base64,{coded}" alt="red" width="600" height="{round(600 * ratio)}">{label}'
    return shown(FILL, f'<p class="sq-caption">what it shows</p>{figure}')


def test_figure_that_nearly_fits_stays_on_the_page_of_its_text_and_a_larger_one_moves(tmp_path):
    pages = {
        ratio: [bool(page.images) for page in made(tmp_path, drawing(tmp_path, ratio)).pages]
        for ratio in (0.4, 0.6, 1.0)
    }
    assert pages[0.4] == pages[0.6] == [False, False, True]
    assert pages[1.0] == [False, False, False, True]


def test_no_row_of_a_table_ends_it_alone_on_the_next_page(tmp_path):
    for count in range(30, 38):
        rows = [[f"R{n:03d}x", "text"] for n in range(count)]
        reader = made(tmp_path, shown(table(rows, ["Code", "Name"])))
        last = re.findall(r"R\d{3}x", reader.pages[-1].extract_text())
        assert len(last) >= 3


def test_same_source_gives_the_same_bytes_and_nothing_of_the_machine(tmp_path):
    given = source(tmp_path, sample_page.notebook("zh"), "zh")
    one = pdf.make(given, tmp_path / "one.pdf").read_bytes()
    assert one == pdf.make(given, tmp_path / "two.pdf").read_bytes()
    assert str(tmp_path).encode() not in one and tempfile.gettempdir().encode() not in one


# ---------------------------------------------------------------- when it fails


@pytest.mark.parametrize(
    ("code", "broken"),
    [
        ("pdf.pandoc", {"pypandoc.get_pandoc_path": lambda: "no-such-program"}),
        ("pdf.pandoc", {"sqlib.formats.pdf._READER": "no-such-format"}),
        ("pdf.typst", {"sqlib.formats.pdf._template": lambda: "#panic()"}),
        ("pdf.font", {"sqlib.formats.pdf._FAMILIES": ("No Such Font",)}),
    ],
)
def test_failure_is_worded_and_leaves_nothing_behind(tmp_path, monkeypatch, code, broken):
    given = source(tmp_path, sample_page.notebook("en"))
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "work"))
    (tmp_path / "page.pdf").write_bytes(b"the old one")
    pdf._fonts.cache_clear()
    for name, stub in broken.items():
        monkeypatch.setattr(name, stub)
    with pytest.raises(SqlibError) as failure:
        make("pdf", given, tmp_path / "page.pdf")
    assert failure.value.code == code
    assert all(failure.value.parts(language)["remedy"] for language in LANGUAGES)
    assert (tmp_path / "page.pdf").read_bytes() == b"the old one"
    assert not list((tmp_path / "work").iterdir()) and not list(tmp_path.glob("*.part"))


def test_nothing_but_the_report_is_left(tmp_path, monkeypatch):
    given = source(tmp_path, sample_page.notebook("en"))
    before = set(tmp_path.iterdir())
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "work"))
    make("pdf", given, tmp_path / "page.pdf")
    assert set(tmp_path.iterdir()) - before == {tmp_path / "work", tmp_path / "page.pdf"}
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_worker_that_makes_many_reports_does_not_grow(tmp_path):
    rows = [[f"{n} of {ROWS}", str(n), "text"] for n in range(ROWS)]
    sizes = []
    for _ in range(6):
        rows[0][0] += "."  # no report is like the one before
        pdf.make(source(tmp_path, shown(table(rows, ["Code", "Number", "Remark"]))), tmp_path / "page.pdf")
        sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
    assert sizes[-1] - sizes[1] < 40  # megabytes


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_beside_the_text_tells_of_anybody(tmp_path, language):
    path = tmp_path / "report.pdf"
    make("pdf", source(tmp_path, sample_page.notebook(language), language), path)
    nobody = leaks.known(
        ["Zhang Wei"], ["CUST-0042"], ["they never call back in the filing season"], [str(tmp_path)], ""
    )
    assert leaks.scan("report.pdf", path.read_bytes(), nobody, "management") == []
