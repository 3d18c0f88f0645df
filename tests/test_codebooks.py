"""The shipped code books: whole, without repetition, and accurate enough on labelled reviews."""

import importlib.util
import tomllib
from pathlib import Path

import pytest

from sqlib import phrases

ROOT = Path(__file__).parents[1]
BOOKS = {path.parent.name: path for path in sorted((ROOT / "sqlib" / "profiles").glob("*/codebook.toml"))}
REVIEWS = ROOT.parent / "shared" / "data" / "zh_restaurant_aspects_asap"


def themes(name: str) -> dict:
    return tomllib.loads(BOOKS[name].read_text(encoding="utf-8"))["themes"]


@pytest.mark.parametrize("name", BOOKS)
def test_a_code_book_is_whole_and_repeats_nothing(name):
    labels = [entry["label"][language] for entry in themes(name).values() for language in ("zh", "en")]
    assert len(set(labels)) == len(labels) and all(labels)
    for theme, entry in themes(name).items():
        for listed in (entry["phrases"], entry.get("exclude", [])):
            plain = [phrases.fold(phrase) for phrase in listed]
            assert all(phrase.strip("* ") for phrase in plain), theme
            again = {phrase for phrase in plain if plain.count(phrase) > 1}
            assert not again, (theme, again)


@pytest.mark.skipif(not REVIEWS.is_dir(), reason="shared folder absent")
def test_reviews_nobody_looked_at_are_coded():
    spec = importlib.util.spec_from_file_location("coding_benchmark", ROOT / "benchmarks" / "coding.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    said, coded = benchmark.restaurants(["test"])
    found = benchmark.pooled(said, coded).loc["all"]
    assert found["precision_low"] > 0.65 and found["recall_low"] > 0.85
