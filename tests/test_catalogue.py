"""The catalogue of pages: read in its order, asked by stem, unknown stems named."""

import pytest

from sqlib import catalogue, words
from sqlib.errors import ArgumentError

BLOCK = """
[{stem}]
title = {{ zh = "z {stem}", en = "e {stem}" }}
question = {{ zh = "z?", en = "e?" }}
reads = ["feedback"]
uses = ["customers", "cases"]
hands_over = []
after = {after}
listed = {listed}
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "notebooks").mkdir()
    blocks = [("zebra", "[]", "true"), ("template", "[]", "false"), ("apple", '["zebra"]', "true")]
    text = "".join(BLOCK.format(stem=stem, after=after, listed=listed) for stem, after, listed in blocks)
    (tmp_path / "notebooks" / "catalogue.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_pages_come_in_the_order_of_the_file(root):
    found = catalogue.entries(root)
    assert list(found) == ["zebra", "template", "apple"] == [entry.stem for entry in found.values()]
    apple = found["apple"]
    assert apple.notebook == root / "notebooks" / "apple.ipynb"
    assert (apple.title["en"], apple.question["zh"]) == ("e apple", "z?")
    assert (apple.reads, apple.uses, apple.hands_over, apple.after) == (
        ("feedback",),
        ("customers", "cases"),
        (),
        ("zebra",),
    )


@pytest.mark.parametrize("only", [None, []])
def test_all_listed_pages_are_picked_unless_some_are_asked_for(root, only):
    assert [entry.stem for entry in catalogue.pick(only, root)] == ["zebra", "apple"]


def test_pages_asked_for_come_as_asked_listed_or_not(root):
    assert [entry.stem for entry in catalogue.pick(["apple", "template"], root)] == ["apple", "template"]


def test_an_unknown_page_is_refused_with_those_there_are(root):
    with pytest.raises(ArgumentError) as caught:
        catalogue.pick(["apple", "aple"], root)
    assert caught.value.code == "catalogue.unknown_page" and caught.value.exit_status == 2
    assert caught.value.values == {"got": "aple", "known": "zebra, template, apple"}
    for language in words.LANGUAGES:
        assert "aple" in caught.value.parts(language)["got"] and "apple" in caught.value.parts(language)["remedy"]


def test_a_block_without_a_key_is_a_fault_of_the_catalogue(root):
    path = root / "notebooks" / "catalogue.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('uses = ["customers", "cases"]\n', "", 1), encoding="utf-8"
    )
    with pytest.raises(KeyError, match="uses"):
        catalogue.entries(root)


def test_the_committed_catalogue_speaks_both_languages():
    for entry in catalogue.entries().values():
        for text in (entry.title, entry.question):
            assert set(text) == set(words.LANGUAGES) and all(text.values()), entry.stem


def test_a_page_about_single_people_is_left_out_or_refused_for_other_audiences(root):
    with (root / "notebooks" / "catalogue.toml").open("a", encoding="utf-8") as file:
        file.write(BLOCK.format(stem="people", after="[]", listed="true") + 'audiences = ["internal"]\n')
    assert [page.stem for page in catalogue.pick(None, root, "client")] == ["zebra", "apple"]
    assert [page.stem for page in catalogue.pick(None, root, "internal")] == ["zebra", "apple", "people"]
    with pytest.raises(ArgumentError) as caught:
        catalogue.pick(["apple", "people"], root, "client")
    assert caught.value.code == "catalogue.not_for_audience" and caught.value.values["got"] == "client"
