"""Every words file: both languages, the same placeholders and numbers, Chinese set as Chinese is set."""

import re
import string
import tomllib
from collections import Counter
from pathlib import Path

import made_pages as made
import pytest

from sqlib import words

FILES = sorted(words.FOLDER.rglob("*.toml"))
HAN = "\u3400-\u9fff\uf900-\ufaff"
FULL_WIDTH = "\uff0c\uff1b\uff1a\uff08\uff09\u201c\u201d\u3002\u3001\uff1f\uff01"
ASCII_MARK = re.compile(rf"[{HAN}{FULL_WIDTH}}}][ ]?[,;:()\"?!][ ]?(?=[{HAN}{FULL_WIDTH}{{]|$)")
CODE = re.compile(r"`[^`]*`|\[\[?[^\]]*\]\]?|--\w+|\w+\.toml|\"?\w+\"? = \S+")  # what a person types is not prose
PARTS = {"statement", "compared", "so_what", "decision"}

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(words.FOLDER).as_posix())


def load(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def pairs(found, place: tuple = ()):
    """Every place with a text in either language: (place, its zh, its en), each a text, a list or a table of texts."""
    if isinstance(found, list):
        for number, inside in enumerate(found):
            yield from pairs(inside, (*place, number))
    elif isinstance(found, dict) and {"zh", "en"} & set(found):
        yield place, found.get("zh"), found.get("en")
    elif isinstance(found, dict):
        for name, inside in found.items():
            yield from pairs(inside, (*place, name))


def leaves(zh, en, place: tuple = ()):
    """The pair of texts at every leaf below a pair of equal shape."""
    assert type(zh) is type(en), place
    if isinstance(zh, dict):
        assert set(zh) == set(en), place
        for name in zh:
            yield from leaves(zh[name], en[name], (*place, name))
    elif isinstance(zh, list):
        assert len(zh) == len(en), place
        for number, pair in enumerate(zip(zh, en, strict=True)):
            yield from leaves(*pair, (*place, number))
    else:
        yield place, zh, en


def texts(path: Path) -> list[tuple[str, str, str]]:
    found = [leaf for place, zh, en in pairs(load(path)) for leaf in leaves(zh, en, place)]
    return [(".".join(map(str, place)), zh, en) for place, zh, en in found]


def placeholders(text: str) -> Counter:
    return Counter(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def numbers(text: str) -> Counter:
    """Numbers outside placeholders."""
    return Counter(re.findall(r"\d+(?:\.\d+)?", re.sub(r"\{[^}]*\}", "", text)))


@every_file
def test_every_text_stands_in_both_languages(path):
    found = texts(path)
    assert found
    for place, zh, en in found:
        assert isinstance(zh, str) and isinstance(en, str), place
        assert bool(zh) or bool(en), place


@every_file
def test_both_languages_fill_the_same_placeholders(path):
    wrong = {place: (zh, en) for place, zh, en in texts(path) if set(placeholders(zh)) != set(placeholders(en))}
    assert wrong == {}


@every_file
def test_both_languages_name_the_same_numbers(path):
    wrong = {place: (zh, en) for place, zh, en in texts(path) if set(numbers(zh)) != set(numbers(en))}
    assert wrong == {}


@every_file
def test_chinese_is_set_with_full_width_marks(path):
    wrong = {place: zh for place, zh, _ in texts(path) if ASCII_MARK.search(CODE.sub("", zh))}
    assert wrong == {}


@every_file
def test_chinese_sentences_are_not_left_in_english_nor_the_other_way_round(path):
    wrong = {place: en for place, zh, en in texts(path) if re.search(f"[{HAN}]", en) and zh != en}
    assert wrong == {}
    copied = {place: zh for place, zh, en in texts(path) if zh == en and re.search(r"[A-Za-z]{4}.* .*[A-Za-z]{4}", zh)}
    assert copied == {}


@every_file
def test_a_sentence_ends_as_one_in_both_languages(path):
    """A text that ends in a full stop does so in both languages, and a question stays a question."""
    ends = {"\u3002": ".", "\uff1f": "?", ".": ".", "?": "?"}
    wrong = {
        place: (zh, en)
        for place, zh, en in texts(path)
        if zh and en and ends.get(zh.rstrip("\u201d")[-1:]) != ends.get({".": "\u3002", "?": "\uff1f"}.get(en[-1]))
    }
    assert wrong == {}


# ---------------------------------------------------------------- the words of the findings


@pytest.mark.parametrize(("stem", "key", "verdict"), made.EVERY)
def test_every_verdict_has_its_headline(stem, key, verdict):
    parts = words.entry(stem, "headline", key, verdict)
    assert PARTS <= set(parts) <= PARTS | {"owner", "due_days", "certainty"}
    assert ("due_days" in parts) == ("owner" in parts)


@pytest.mark.parametrize(
    ("stem", "key", "verdict"), [each for each in made.EVERY if each[1] in words.catalogue(each[0])["figure"]]
)
def test_every_verdict_of_a_figure_has_its_caption(stem, key, verdict):
    caption = words.entry(stem, "caption", key, verdict)
    assert all(caption[language] for language in words.LANGUAGES)


@pytest.mark.parametrize("stem", made.PAGES)
def test_there_is_no_headline_or_caption_for_a_verdict_nobody_gives(stem):
    known = words.catalogue(stem)
    for kind in ("headline", "caption"):
        spoken = {(stem, key, verdict) for key, verdicts in known[kind].items() for verdict in verdicts}
        assert spoken <= set(made.EVERY)


# ---------------------------------------------------------------- the checks themselves

EXAMPLES = load(Path(__file__).parent / "data" / "words.toml")["lint"]


@pytest.mark.parametrize("text", EXAMPLES["bad"])
def test_an_ascii_mark_between_chinese_is_seen(text):
    assert ASCII_MARK.search(CODE.sub("", text))


@pytest.mark.parametrize("text", EXAMPLES["good"])
def test_what_is_set_well_passes(text):
    assert not ASCII_MARK.search(CODE.sub("", text))
