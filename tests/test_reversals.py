"""Reversed questions are turned round on their scale, and every turn is logged."""

import tomllib
from pathlib import Path

import pytest
from client_folder import make
from hypothesis import given, settings
from hypothesis import strategies as st
from typed import built, raw

from sqlib import tables
from sqlib.errors import ClientError

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "exports.toml").read_text(encoding="utf-8"))
BLOCK = (
    '[[tables.feedback_items]]\nfiles = ["raw/a.csv"]\nexport = "wenjuanxing"\n'
    "constants = { scale_min = 1, scale_max = 5 }\n"
)


def items(folder, reverse: str):
    text = TEXTS["reversed_items"].lstrip()
    return tables.load(make(folder / "x", f'{BLOCK}reverse = ["{reverse}"]\n', a__csv=text), "feedback_items")


def test_one_item_of_a_matrix_is_turned_round(tmp_path):
    table = items(tmp_path, TEXTS["waiting"])
    assert table.frame["score"].tolist() == [5, 5, 4, 4] and table.frame["satisfied"].all()
    turned = table.repairs[table.repairs["rule"] == "reversed"]
    assert turned[["row", "before", "after"]].values.tolist() == [[2, "1", "5"], [3, "2", "4"]]


def test_an_item_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ClientError) as raised:
        items(tmp_path, TEXTS["waiting"][:2])
    assert (raised.value.code, raised.value.values["nearest"]) == ("reversals.unknown_item", TEXTS["waiting"])
    assert all(map(raised.value.text, ("zh", "en")))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from("12345"), min_size=1, max_size=10))
def test_every_score_of_a_block_may_be_turned_round(tmp_path_factory, scores):
    given_ = raw(score=scores, scale_min="1", scale_max="5")
    table = built(tmp_path_factory.mktemp("x") / "x", given_, block='reverse = ["score"]')
    assert table.frame["score"].tolist() == [6 - int(score) for score in scores]


def test_a_score_off_its_scale_is_still_set_aside(tmp_path):
    table = built(tmp_path, raw(score=["1", "9"], scale_min="1", scale_max="5"), block='reverse = ["score"]')
    assert table.frame["score"].tolist() == [5] and table.problems["value"].tolist() == ["9"]
