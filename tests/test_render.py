"""The report page: self-contained, findings first, the same numbers in both languages, the same bytes each time."""

import base64
import errno
import hashlib
import io
import os
import re
from collections import Counter
from pathlib import Path

import pytest
import sample_page
from bs4 import BeautifulSoup
from nbformat import v4
from PIL import Image

from sqlib import notebook, render, style, words
from sqlib.brand import Brand
from sqlib.errors import SqlibError

LANGUAGES = ("zh", "en")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {
        language: render.html(sample_page.notebook(language), folder / f"{language}.html", language=language)
        for language in LANGUAGES
    }


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def shown(path: Path) -> str:
    """The text a reader sees."""
    page = soup(path)
    for hidden in page(["style", "script", "title"]):
        hidden.extract()
    return page.get_text(" ")


def rendered(tmp_path, *cells) -> BeautifulSoup:
    return soup(render.html(v4.new_notebook(cells=list(cells)), tmp_path / "page.html", language="en"))


def code(*outputs, tags=()):
    return v4.new_code_cell("x", outputs=list(outputs), execution_count=1, metadata={"tags": list(tags)})


def data(**bundle):
    return v4.new_output("display_data", data={mime.replace("_", "/"): value for mime, value in bundle.items()})


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_heading_of_the_page_and_its_language(pages, language):
    page = soup(pages[language])
    assert [h1.get_text() for h1 in page("h1")] == [sample_page.TEXT[language]["title"]]
    assert page.html["lang"].split("-")[0] == language
    assert page.title.get_text().startswith(sample_page.TEXT[language]["title"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_loaded_from_outside(pages, language):
    page = soup(pages[language])
    addresses = [tag[name] for tag in page(True) for name in ("src", "href", "srcset", "action") if tag.has_attr(name)]
    assert addresses
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in addresses)
    assert not page(["link", "iframe"])
    assert not re.search(r"https?:|@import|url\(", page.style.get_text())
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    (script,) = page("script")
    digest = base64.b64encode(hashlib.sha256(script.get_text().encode()).digest()).decode()
    assert not script.attrs
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


@pytest.mark.parametrize("language", LANGUAGES)
def test_contents_lead_to_every_section_and_ids_are_unique(pages, language):
    page = soup(pages[language])
    ids = [tag["id"] for tag in page(id=True)]
    assert len(ids) == len(set(ids))
    targets = [link["href"][1:] for link in page.nav("a")]
    assert set(targets) <= set(ids)
    assert targets == [tag["id"] for tag in page.main("section", id=True)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_images_carry_their_alt_text_and_tables_caption_and_scope(pages, language):
    page, words = soup(pages[language]), sample_page.TEXT[language]
    assert [image["alt"] for image in page("img")] == [words["alt"]]
    figure = page.img.find_parent("figure")
    assert [tag.get("class") for tag in figure("p")] == [["sq-caption"], ["sq-figure-label"]]
    assert page.table.caption.get_text() == words["table_label"]
    assert {th["scope"] for th in page.thead("th")} == {"col"}
    assert {th["scope"] for th in page.tbody("th")} == {"row"}


def test_tables_that_are_long_or_wide_are_told_to_the_printer(tmp_path):
    def shape(rows, columns):
        body = f"<tr>{'<td>1</td>' * columns}</tr>" * rows
        html = f"<table><thead><tr>{'<th>a</th>' * columns}</tr></thead><tbody>{body}</tbody></table>"
        return rendered(tmp_path, code(data(text_html=html))).table.parent["class"][1:]

    assert [shape(24, 6), shape(25, 6), shape(24, 7)] == [[], ["sq-long"], ["sq-wide"]]
    assert shape(1, 15) == ["sq-wide", "sq-broad"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_code_parameters_streams_and_plain_text_are_hidden(pages, language):
    text = shown(pages[language])
    for hidden in ("p.figure", "reporting period", 'period = "2026Q3"', "a warning", "hidden <b>text</b>", "<Figure"):
        assert hidden not in text


@pytest.mark.parametrize(("language", "other"), [("zh", "en"), ("en", "zh")])
def test_the_other_language_is_dropped(pages, language, other):
    text, words, foreign = shown(pages[language]), sample_page.TEXT[language], sample_page.TEXT[other]
    assert words["cannot"].split("**")[0] in text
    for key in ("title", "lead", "core", "absent_prose"):
        assert foreign[key] not in text
    assert not any(foreign["sections"][i] in text for i in (0, 1, 3))


def test_the_english_page_has_chinese_only_in_the_name_of_a_source(pages):
    assert set(re.findall(r"[\u4e00-\u9fff]+", shown(pages["en"]))) == set(
        re.findall(r"[\u4e00-\u9fff]+", sample_page.TEXT["en"]["figure_label"])
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_core_findings_stand_before_the_first_section(pages, language):
    page, words = soup(pages[language]), sample_page.TEXT[language]
    summary, *sections = page.main("section", id=True, recursive=False)
    assert summary["id"] == "summary"
    assert summary.h2.get_text() == render.wording("report", language)["summary"]
    assert summary.h3.get_text() == words["core"]
    assert len(summary(class_="sq-finding")) == len(words["findings"]) == len(page(class_="sq-finding"))
    assert sections[0].h2.get_text() == render.wording("report", language)["background"]
    assert sections[-1]["class"] == ["sq-appendix"]
    assert sections[-1].h2.get_text() == render.wording("report", language)["appendix"]
    assert words["provenance"] in sections[-1].get_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_customer_text_stays_text(pages, language):
    assert sample_page.TEXT[language]["comment"] in shown(pages[language])
    assert pages[language].read_text(encoding="utf-8").count("<script") == 1  # the page's own


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_absent_move_leaves_its_reason_once(pages, language):
    text, words = shown(pages[language]), sample_page.TEXT[language]
    assert words["absent_move"] not in text
    assert words["absent_prose"] not in text
    assert text.count(words["absent"]) == 1


def test_a_move_of_which_only_a_part_is_absent_keeps_its_heading(tmp_path):
    record = {"table": "cases", "reason": "no cases <b>"}
    page = rendered(
        tmp_path,
        v4.new_markdown_cell("# T\n\n## S\n\n### Kept\n\nprose"),
        code(data(text_html="<p>shown</p>")),
        code(v4.new_output("display_data", data={notebook.ABSENT: record})),
        v4.new_markdown_cell("## Gone\n\nhow to read what is not there"),
        code(v4.new_output("display_data", data={notebook.ABSENT: record})),
        v4.new_markdown_cell("### Gone for the same reason\n\nhow to read"),
        code(v4.new_output("display_data", data={notebook.ABSENT: record})),
    )
    kept, gone = page.main("section", class_="sq-section")
    assert [h3.get_text() for h3 in kept("h3")] == ["Kept"]
    assert [p.get_text() for p in kept("p")] == ["prose", "shown", "no cases <b>"]
    assert [tag.get_text() for tag in gone(["h2", "p"])] == ["Gone", "no cases <b>"]


def test_a_hash_in_a_code_block_is_no_heading(tmp_path):
    page = rendered(tmp_path, v4.new_markdown_cell("# Title\n\n```\n# not a title\n## nor a section\n```"))
    assert [h.get_text() for h in page(["h1", "h2"])] == ["Title"]


def test_record_values_are_escaped_everywhere(tmp_path):
    sting = "</style></title><script>x</script>\"'\\"
    record = dict.fromkeys(("client_name", "title", "confidentiality", "reliability_sentence"), sting)
    page = rendered(
        tmp_path, code(v4.new_output("display_data", data={notebook.REPORT: {**record, "reliability": "A"}}))
    )
    assert len(page("script")) == 1  # the page's own
    assert page.h1.get_text() == sting


def test_the_running_head_cannot_leave_its_css_string():
    assert render._css_string('a1"\\</') == r"a1\22 \5c \3c \2f "


def test_missing_record_keys_leave_no_empty_line(tmp_path):
    page = rendered(tmp_path, v4.new_markdown_cell("# Title"))
    assert not page(["dt", "footer"])
    assert page.h1.get_text() == "Title"
    assert "None" not in page.get_text()


def test_an_image_drawn_at_twice_its_size_keeps_its_width(tmp_path):
    about = {"image/png": {"alt": 'a "quoted" <alt>', "width": 380, "height": 150}}
    output = v4.new_output("display_data", data={"image/png": f"{sample_page.PNG}\n"}, metadata=about)
    image = rendered(tmp_path, code(output)).img
    assert (image["alt"], image["width"], image["height"]) == ('a "quoted" <alt>', "380", "150")


@pytest.mark.parametrize(("dpi", "size"), [((160, 160), ("60", "30")), (None, ("100", "50"))])
def test_an_image_is_as_large_as_it_was_drawn(tmp_path, dpi, size):
    drawn = io.BytesIO()
    Image.new("RGB", (100, 50)).save(drawn, "PNG", **({"dpi": dpi} if dpi else {}))
    image = rendered(tmp_path, code(data(image_png=base64.b64encode(drawn.getvalue()).decode()))).img
    assert (image["width"], image["height"]) == size


def test_intervals_stay_on_one_line_but_attributes_stay_as_they_are():
    text = '<img alt="1\u20132"> 74%\uff5e82% \u22127\u20131,000 2026-07-01'
    ranges = re.findall(r'<span class="sq-range">(.*?)</span>', render.line_breaks(text))
    assert ranges == ["74%\uff5e82%", "\u22127\u20131,000"]
    assert render.line_breaks("78%\uff0895%\uff09") == "78%<wbr>\uff0895%\uff09"


def test_a_pseudonym_stays_on_one_line_and_other_codes_as_they_are():
    text = '<img alt="P-2A3B4C5D6E">P-2A3B4C5D6E\uff0cX-1 AP-2A3B4C5D6E 2026-07'
    assert re.findall(r'<span class="sq-range">(.*?)</span>', render.line_breaks(text)) == ["P-2A3B4C5D6E"]
    assert 'alt="P-2A3B4C5D6E"' in render.line_breaks(text)


def test_the_cover_carries_the_brand_and_its_colours(tmp_path):
    logo = tmp_path / "logo.png"
    Image.new("RGB", (40, 20)).save(logo, "PNG")
    brand = Brand(name="A <b> & Co", logo=logo, primary="#fff000", secondary="#00ff11")
    page = soup(render.html(sample_page.notebook("en"), tmp_path / "page.html", language="en", brand=brand))
    shown = page.header.find(class_="sq-brand")
    assert shown.get_text() == "A <b> & Co"
    assert base64.b64decode(shown.img["src"].removeprefix("data:image/png;base64,")) == logo.read_bytes()
    ink = style.palette()["ink"]  # yellow on white cannot be read
    assert f"--brand: #fff000; --brand-text: {ink}; --brand-band: #00ff11;" in page.style.get_text()


def test_without_a_brand_the_cover_has_none_and_its_own_colours(pages):
    page, colours = soup(pages["en"]), style.palette()
    assert not page(class_="sq-brand")
    own = f"--brand: {colours['accent']}; --brand-text: {colours['accent']}; --brand-band: {colours['series2']};"
    assert own in page.style.get_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_renders_give_the_same_bytes_and_no_path(pages, language, tmp_path):
    again = render.html(sample_page.notebook(language), tmp_path / "elsewhere.html", language=language)
    assert again.read_bytes() == pages[language].read_bytes()
    assert str(Path.home()) not in again.read_text(encoding="utf-8")
    assert str(Path(render.__file__).parent) not in again.read_text(encoding="utf-8")


def test_both_languages_show_the_same_numbers(pages):
    numbers = {}
    for language, page in pages.items():
        text = shown(page)
        for day in ("2026-07-01", "2026-09-30"):  # one language names the month, the other counts it
            text = text.replace(words.day(day, language), day)
        numbers[language] = Counter(re.findall(r"\d+(?:[.,]\d+)*", text))
    assert numbers["zh"] == numbers["en"]
    assert numbers["zh"].total() > 60


@pytest.mark.parametrize("stem", ["report", "portal"])
def test_every_fixed_word_is_there_in_both_languages(stem):
    def texts(entry):
        return [entry] if isinstance(entry, str) else [text for inside in entry.values() for text in texts(inside)]

    zh, en = (texts(render.wording(stem, language)) for language in LANGUAGES)
    assert len(zh) == len(en) > 10
    assert not any(re.search(r"\d", text) for text in zh + en)


def test_an_appendix_of_its_own_name_comes_last_and_unnumbered(tmp_path):
    page = rendered(
        tmp_path,
        v4.new_markdown_cell("# T\n\n## Appendix: data and methods\n\nsmall print"),
        v4.new_markdown_cell("## First\n\ntext"),
    )
    assert [(section["class"], section.h2.get_text()) for section in page.main("section")] == [
        (["sq-section"], "First"),
        (["sq-appendix"], "Appendix: data and methods"),
    ]


def test_a_move_that_shows_nothing_goes_and_prose_of_a_section_stays(tmp_path):
    page = rendered(
        tmp_path,
        v4.new_markdown_cell("# T\n\n## S\n\nabout the section"),
        code(),
        v4.new_markdown_cell("### Empty\n\nhow to read"),
        code(),
        v4.new_markdown_cell("### Words only\n\nno cell"),
        v4.new_markdown_cell("## Nothing left\n\n### Empty as well"),
        code(),
    )
    assert [tag.get_text() for tag in page.main(["h2", "h3", "p"])] == [
        "S",
        "about the section",
        "Words only",
        "no cell",
    ]


def test_a_locked_target_is_named_and_keeps_the_old_report(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    target.write_text("old", encoding="utf-8")

    def locked(*_):
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(os, "replace", locked)
    with pytest.raises(SqlibError) as refused:
        render.write(target, "new")
    assert (refused.value.code, refused.value.exit_status) == ("render.target_locked", 1)
    assert str(target) in refused.value.text("zh")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text(encoding="utf-8") == "old"


def test_an_unwritable_folder_and_a_full_disk_are_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SqlibError) as under_a_file:
        render.write(tmp_path / "file" / "report.html", "new")

    def full(path, *_, **__):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SqlibError) as no_space:
        render.write(tmp_path / "report.html", "new")
    assert {e.value.code for e in (under_a_file, no_space)} == {"render.unwritable"}
    assert {e.value.exit_status for e in (under_a_file, no_space)} == {2}
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("meaning", ["ink", "muted", "accent", "good", "warn", "bad", "neutral"])
def test_text_colours_are_readable(meaning):
    colours, tints = style.sheet()["colours"], style.sheet()["tints"]
    grounds = [colours["paper"], colours["wash"], tints.get(meaning, tints["neutral"])]
    assert min(contrast(colours[meaning], ground) for ground in grounds) >= 4.5  # WCAG 2.2, 1.4.3


# Machado, Oliveira & Fernandes (2009), severity 1: linear RGB as a protanope, deuteranope, tritanope sees it.
VISION = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def seen(colour: str, kind: str) -> tuple[float, ...]:
    linear = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
    return tuple(max(0.0, sum(m * c for m, c in zip(row, linear, strict=True))) ** (1 / 2.2) for row in VISION[kind])


@pytest.mark.parametrize("kind", VISION)
@pytest.mark.parametrize("names", [("series1", "series2", "series3"), ("good", "bad"), ("accent", "bad")])
def test_colours_that_meet_stay_apart_for_every_colour_vision(kind, names):
    views = [seen(style.sheet()["colours"][name], kind) for name in names]
    distances = [sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5 for a in views for b in views if a < b]
    assert min(distances) > 0.2


def test_an_image_goes_through_untouched():
    """Nothing is looked for inside an image, and each comes back to its own place."""
    images = [f'<img src="data:image/png;base64,{letter * 300}==" alt="1–2">' for letter in "ab"]
    told = '<p class="sq-caption">3%–4%（5）</p>'
    tidied = render._tidy("".join([told, *images, told]))
    assert [tidied.index(image) for image in images] == sorted(tidied.index(image) for image in images)
    assert tidied.count("<figure") == 2
    assert tidied.count("sq-range") == 2
