"""A report taken apart for the documents made from its HTML: facts, links and pictures."""

import pytest
import sample_page
from nbformat import v4
from PIL import Image

from sqlib import render
from sqlib.brand import Brand
from sqlib.formats import Source, document

LANGUAGES = ("zh", "en")


def source(folder, language="en", notebook=None) -> Source:
    name = folder / f"page.{language}.html"
    render.html(notebook or sample_page.notebook(language), name, language=language, version="V0.1")
    return Source(
        executed=name, html=name, tables=folder, typed=folder, figures=folder / "figures", stem="page",
        language=language, version="V2.0", state="final", brand=Brand(),
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_cover_under_the_version_and_state_of_the_source(tmp_path, language):
    told, words = document.read(source(tmp_path, language)), sample_page.TEXT[language]
    stamp = render.wording("report", language)["stamp"]["final"].format(version="V2.0")
    assert (told.title, told.lead, told.stamp, told.fact("version")) == (words["title"], [words["lead"]], stamp, stamp)
    assert told.kicker == f"{words['client']} · 2026Q3" and told.fact("client_name") == words["client"]
    assert told.reliability[0] == "B" and told.reliability[-1] == words["reliability_sentence"]
    assert told.contents == render.wording("report", language)["contents"] and told.fact("none") == ""
    assert told.language.startswith(language) and not list(told.main.iter("wbr"))


def test_figures_at_full_resolution_are_taken_by_the_number_in_their_label(tmp_path):
    given = source(tmp_path)
    (small,) = document.read(given).pictures.values()
    (tmp_path / "figures").mkdir()
    Image.new("RGB", (300, 100), "red").save(tmp_path / "figures" / "01_who.png")
    Image.new("RGB", (300, 100), "blue").save(tmp_path / "figures" / "02_other.png")
    report = document.read(given)
    assert report.pictures == {"01.png": (tmp_path / "figures" / "01_who.png").read_bytes()} != {"01.png": small}
    assert [image.get("src") for image in report.main.iter("img")] == ["01.png"]


def test_only_links_that_lead_somewhere_stay_links(tmp_path):
    links = {"#s1": "there", "#nowhere": "lost", "file:///etc/passwd": "file", "https://example.org": "web"}
    shown = "".join(f'<a href="{address}">{text}</a>' for address, text in links.items())
    cells = [v4.new_markdown_cell("# T"), v4.new_markdown_cell(f"## S\n\n<p>{shown}</p>")]
    main = document.read(source(tmp_path, notebook=v4.new_notebook(cells=cells))).main
    assert [link.text for link in main.iter("a")] == ["there", "web"]
    assert "therelostfileweb" in main.text_content()


def test_no_control_character_and_none_that_turns_the_text(tmp_path):
    assert document.clean("a\x0b\x00\u202eb\tc\n\U0001f600") == "ab\tc\n\U0001f600"
