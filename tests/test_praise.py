"""Praise a platform wrote is counted, named and left out; what customers wrote stays."""

import tomllib
from pathlib import Path

from client_folder import make
from typed import built, raw

from sqlib import tables

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "exports.toml").read_text(encoding="utf-8"))
ENDS = {"scale_min": "1", "scale_max": "5"}


def test_default_praise_is_left_out_and_counted(tmp_path):
    comments = [*TEXTS["praised"], *TEXTS["meant"], None]
    table = built(tmp_path, raw(score=["5"] * len(comments), comment=comments, **ENDS))
    assert table.frame["comment"].fillna("").tolist() == [*TEXTS["meant"], ""]
    assert table.counts[["default_praise", "usable"]].values.tolist() == [
        [len(TEXTS["praised"]), len(TEXTS["meant"]) + 1]
    ]
    note = table.problems[table.problems["rule"] == "default_praise"].iloc[0]
    assert (note["count"], note["used"], note["row"]) == (len(TEXTS["praised"]), False, 2)
    balance = tables.balance(table)
    assert (balance.drop(columns=["file", "rows"]).sum(axis=1) == balance["rows"]).all()


def test_a_flag_of_the_platform_decides_too(tmp_path):
    table = built(tmp_path, raw(score=["5", "5", "4"], default_praise=["1", "0", None], **ENDS))
    assert table.frame["score"].tolist() == [5, 4] and table.counts["default_praise"].tolist() == [1]


def test_the_list_may_be_replaced(tmp_path):
    comments = [TEXTS["own_praise"], TEXTS["praised"][0]]
    own = f'[feedback]\ndefault_praise = ["{TEXTS["own_praise"]}"]'
    kept = built(tmp_path / "a", raw(score=["5", "5"], comment=comments, **ENDS), more=own).frame
    assert kept["comment"].tolist() == [TEXTS["praised"][0]]
    off = built(tmp_path / "b", raw(score=["5", "5"], comment=comments, **ENDS), more="[feedback]\ndefault_praise = []")
    assert len(off.frame) == 2 and off.counts["default_praise"].tolist() == [0]


def test_another_list_is_another_table_in_the_cache(tmp_path):
    block = '[[tables.feedback]]\nfiles = ["raw/a.csv"]\n'
    text = f"score,comment\n5,{TEXTS['praised'][0]}\n4,x\n"
    assert len(tables.load(make(tmp_path / "x", block, a__csv=text), "feedback").frame) == 1
    assert (
        len(
            tables.load(
                make(tmp_path / "x", "[feedback]\ndefault_praise = []\n" + block, a__csv=text), "feedback"
            ).frame
        )
        == 2
    )
