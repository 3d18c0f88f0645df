"""Labels that look like one: a list of pairs decides how well they are told apart."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from client_folder import make
from hypothesis import given
from hypothesis import strategies as st

from sqlib import labels, pseudonyms, tables

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "labels.toml").read_text(encoding="utf-8"))
SCALE = "constants = { scale_min = 1, scale_max = 5 }\n"


def test_no_pair_of_different_labels_is_proposed():
    assert [pair for pair in TEXTS["different"] if labels.alike(*pair)] == []
    assert [pair for pair in TEXTS["different"] if labels.alike(*reversed(pair))] == []


def test_most_pairs_that_are_one_are_proposed():
    missed = [pair for pair in TEXTS["same"] if not labels.alike(*pair)]
    assert len(missed) <= 0.1 * len(TEXTS["same"]), missed


@pytest.mark.parametrize("pair", TEXTS["frequent"])
def test_two_frequent_words_are_no_slip(pair):
    assert labels.alike(*pair, counts=(90, 100)) == ""


def test_names_of_one_are_found_and_names_of_two_are_not():
    assert all(labels._name(one) == labels._name(two) for one, two in TEXTS["one_name"])
    assert all(labels._name(one) != labels._name(two) for one, two in TEXTS["two_names"])


@given(st.integers(1, 99), st.integers(1, 99))
def test_numbers_are_never_confused(one, two):
    assert (labels.alike(f"Team {one}", f"team-{two}") == "same_form") == (one == two)


def proposed(folder: Path, data: str, table: str = "feedback", more: str = "", **files: str) -> pd.DataFrame:
    block = f'[[tables.{table}]]\nfiles = ["raw/a.csv"]\n{SCALE if table == "feedback" else ""}{more}'
    who = make(folder, block, a__csv=data, **files)
    return labels.proposals({name: tables.load(who, name) for name in who.tables}, pseudonyms.names(who))


def test_the_rarer_label_is_merged_into_the_more_frequent_one(tmp_path):
    words = TEXTS["words"]
    rows = [words["merged_team"]] * 3 + [words["variant_team"]]
    data = "feedback_id,score,team\n" + "".join(f"A{i},4,{team}\n" for i, team in enumerate(rows))
    found = proposed(tmp_path / "x", data)
    assert found[["column", "label", "count", "into", "why"]].to_dict("records") == [
        {"column": "team", "label": words["variant_team"], "count": 1, "into": words["merged_team"], "why": "same_form"}
    ]


def test_a_word_no_scale_knows_is_compared_with_the_level_it_may_mean(tmp_path):
    words = TEXTS["words"]
    rows = [words["level"], *words["other_levels"]] * 4 + [words["variant_level"]]
    data = "feedback_id,score\n" + "".join(f"A{i},{level}\n" for i, level in enumerate(rows))
    found = proposed(tmp_path / "x", data).set_index("label")
    assert found.loc[words["variant_level"], ["column", "into", "why"]].tolist() == [
        "score",
        words["level"],
        "same_level",
    ]


def test_a_list_of_many_labels_is_left_alone(tmp_path):
    rows = [f"team {i:03}" for i in range(150)] + [f"Team-{i:03}" for i in range(150)]
    data = "feedback_id,score,team\n" + "".join(f"A{i},4,{team}\n" for i, team in enumerate(rows))
    assert proposed(tmp_path / "x", data).empty


def test_one_customer_under_two_ids_by_writing_and_by_name(tmp_path):
    words = TEXTS["words"]
    rows = ["C001," + words["company"], "C-002," + words["variant_company"], "C003,Other", "c003,Third"]
    data = "\n".join(["customer_id,customer_name", *rows])
    found = proposed(tmp_path / "x", data, "customers").set_index("why")
    assert found.loc["same_id", ["column", "label", "into"]].tolist() == ["customer", "c003", "C003"]
    assert set(found.loc["same_name", ["label", "into"]]) == {"C001", "C-002"}
    assert found.loc["same_name", "name"] in (words["company"], words["variant_company"])


def test_ids_whose_numbers_are_cut_elsewhere_stay_two(tmp_path):
    assert proposed(tmp_path / "x", "customer_id\n1-11\n11-1\n111\n", "customers").empty


def test_a_wrong_character_in_the_ending_that_the_labels_share_is_a_slip():
    names = TEXTS["branches"]
    counts = pd.Series(dict.fromkeys(names["right"], 80) | {names["wrong"]: 1})
    (row,) = labels._paired(counts, {})
    assert (row["label"], row["into"], row["why"]) == (names["wrong"], names["right"][0], "one_slip")
    assert labels._paired(pd.Series(dict.fromkeys(names["right"], 80)), {}) == []  # east and west stay two
    assert labels._paired(counts + 20, {}) == []  # often: another branch
    assert labels._paired(counts.drop(names["right"][1:3]), {}) == []  # too few labels say what the ending is
