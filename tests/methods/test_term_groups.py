import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.term_groups import COLUMNS, _jaccard, term_groups

BOOK = {"slow": ["slow"]}
MATTERS = {"parking": ["parking", "car", "space", "full"], "pets": ["dog", "cat", "bowl", "leash"],
           "invoice": ["invoice", "stamp", "paper", "mail"]}  # fmt: skip


def comments(rng, each=60, matters=MATTERS):
    """``each`` comments on every matter, two to four of its words; and as many the code book catches."""
    rows = [list(rng.choice(own, rng.integers(2, 5), replace=False)) for own in matters.values() for _ in range(each)]
    data = pd.DataFrame({"terms": [*rows, *[["slow"]] * each]})
    data["text"] = data["terms"].str.join(" ")
    return data.assign(who=np.arange(len(data)))


def grouped(data, **options):
    return term_groups(data, text="text", codebook=BOOK, **options)


def test_planted_matters_are_found_and_stable():
    result = grouped(comments(np.random.default_rng(1)))
    assert list(result.table.columns) == COLUMNS
    found = [set(top.split(" · ")[:4]) for top in result.table["top_terms"]]
    assert all(set(own) in found for own in MATTERS.values())
    assert result.table["verdict"].eq("stable").sum() >= 3 and result.agreement > 0.6
    assert (result.uncaught, result.comments, result.cautions) == (180, 180, ())
    assert result.table["comments"].sum() == 180 and result.table["comments"].is_monotonic_decreasing
    assert (result.table["low"] <= result.table["estimate"]).all()


def test_comments_with_a_theme_are_no_part_of_it():
    result = grouped(comments(np.random.default_rng(1)))
    assert "slow" not in " ".join(result.table["top_terms"])


def test_words_at_random_make_no_stable_group():
    rng = np.random.default_rng(2)
    words = np.array([f"w{i}" for i in range(40)])
    data = pd.DataFrame({"terms": [list(rng.choice(words, 3, replace=False)) for _ in range(300)]})
    result = grouped(data.assign(text="fine"))
    assert result.cautions == ("no_stable_groups",) and result.agreement < 0.4


def test_a_group_of_few_people_is_hidden():
    result = grouped(comments(np.random.default_rng(1)).assign(who=lambda d: d.index // 60), cluster="who", min_group=2)
    assert set(result.table["verdict"]) == {"hidden"}


def test_the_same_seed_gives_the_same_groups():
    one, two = (grouped(comments(np.random.default_rng(3)), seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)


def test_jaccard_of_the_nearest_group():
    mine, other = np.array([1, 1, 1, 0, 0], dtype=bool), np.array([0, 0, 1, 1, 1])
    assert _jaccard(mine, other, 2) == pytest.approx(2 / 3)


@pytest.mark.parametrize("terms", [[], ["alone"]])
def test_too_few_are_refused(terms):
    data = pd.DataFrame({"text": ["fine"] * 20, "terms": [terms] * 20})
    with pytest.raises(MethodRefused) as caught:
        grouped(data)
    assert caught.value.code == "term_groups.too_few" and caught.value.parts("zh")["got"]
