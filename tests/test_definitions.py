"""Shipped indicator definitions: said in full in both languages, and computable with what contracts declare."""

import pandas as pd
import pytest

from sqlib import contracts, definitions, filters, scaffold

PROFILES = scaffold.profiles()
DERIVED = {"response_hours", "resolution_hours", "over_hours", "again_days", "followed_days", "satisfied"}
KINDS = {"proportion", "mean", "index", "count", "rate", "duration"}
ENTRIES = [(profile, name) for profile in PROFILES for name in definitions.load(profile)]


@pytest.mark.parametrize(("profile", "name"), ENTRIES)
def test_every_definition_is_said_in_full_and_of_known_columns(profile, name):
    entry = definitions.load(profile)[name]
    for text in definitions.TEXTS:
        assert set(entry[text]) == {"zh", "en"} and all(entry[text].values())
    columns = {*contracts.load(entry["table"]).columns, *DERIVED}
    used = {
        leaf.column for key in ("base", "counts") if key in entry for leaf in filters.columns(filters.parse(entry[key]))
    }
    used |= {entry["date"], *entry.get("needs", []), *entry.get("ended", []), *entry.get("stock", [])}
    assert used <= columns and entry["kind"] in KINDS
    assert entry["unit"] in contracts.load("indicators").columns["unit"].levels and entry["direction"] in ("up", "down")


def test_a_trade_replaces_and_adds():
    general, accounting = definitions.load("general"), definitions.load("accounting")
    assert (
        general["response_in_time"] != accounting["response_in_time"]
        and "own_faults" in accounting.keys() - general.keys()
    )
    assert set(general) <= set(accounting)


def test_a_definition_is_known_by_its_whole_name():
    assert definitions.named("Net  Promoter Score") == "nps" and definitions.named("nps") == "nps"
    entry = definitions.load()["response_median"]["name"]["zh"]
    assert definitions.named(entry) == "response_median" and definitions.named(entry.split("\uff08")[0]) is None


def test_what_a_client_leaves_open_is_filled_from_the_definition():
    blank = dict.fromkeys(["name", "name_en", "unit", "direction", "data_type", "definition_id"])
    given = pd.DataFrame([{**blank, "indicator_id": "nps"}, {**blank, "indicator_id": "K1", "name": "own"}]).astype(
        "str"
    )
    given = given.mask(given == "None")
    found = definitions.filled(given).set_index("indicator_id")
    assert found.loc["nps", ["definition_id", "unit", "direction", "data_type"]].tolist() == [
        "nps",
        "points",
        "up",
        "index",
    ]
    assert found.loc["K1", "name"] == "own" and pd.isna(found.loc["K1", "definition_id"])
