"""Contracts: every column declared in full, every header known once, schema, dictionary and labels from one source."""

import pandas as pd
import pytest
from typed import TEXTS

from sqlib import contracts
from sqlib.errors import ArgumentError

TABLES = [
    "appraisals", "calendar", "cases", "communications", "customers", "feedback", "feedback_items", "indicator_values",
    "indicators", "inspections", "invitations", "measures", "nonconformities", "pre_post", "pulse", "rewards", "staff",
    "standards", "suggestions",
]  # fmt: skip
COLUMNS = [(table, name) for table in TABLES for name in contracts.load(table).columns]
TYPES = {"id", "text", "number", "integer", "flag", "category", "datetime", "date", "name"}


def test_tables_are_found_and_an_unknown_one_is_named():
    assert contracts.names() == TABLES
    with pytest.raises(ArgumentError) as raised:
        contracts.load("feedbak")
    assert raised.value.exit_status == 2
    assert "feedbak" in raised.value.text("en") and "feedback" in raised.value.text("zh")


@pytest.mark.parametrize(("table", "name"), COLUMNS)
def test_every_column_has_label_unit_and_note_in_both_languages(table, name):
    column = contracts.load(table).columns[name]
    assert column.type in TYPES
    assert column.identifies in {"", "customer", "person", "name"}
    for declared in (column.label, column.unit, column.note):
        assert set(declared) == {"zh", "en"} and all(declared.values())
    assert all(set(level.label) == {"zh", "en"} and all(level.label.values()) for level in column.levels.values())
    assert not column.levels or column.type == "category"
    assert column.type != "category" or column.levels or column.open


@pytest.mark.parametrize("table", TABLES)
def test_a_header_means_one_column_and_a_level_one_value(table):
    contract = contracts.load(table)
    known: dict[str, str] = {}
    for column in contract.columns.values():
        for text in {contracts.normalised(t) for t in (column.name, *column.label.values(), *column.aliases)}:
            assert known.setdefault(text, column.name) == column.name, text
        spelled: dict[str, str] = {}
        for level in column.levels.values():
            for text in {contracts.normalised(t) for t in (level.name, *level.label.values(), *level.aliases)}:
                assert spelled.setdefault(text, level.name) == level.name, text
    assert set(contract.key) <= set(contract.columns) and set(contract.any_of) <= set(contract.columns)
    assert contract.period_by in ("", *contract.columns) and contract.scale_by in ("", *contract.columns)


@pytest.mark.parametrize(("header", "column"), TEXTS["headers"].items())
def test_headers_as_clients_write_them(header, column):
    assert contracts.match(header, contracts.load("feedback")) == column


def test_headers_nobody_knows_stay_unknown():
    feedback = contracts.load("feedback")
    assert all(contracts.match(header, feedback) is None for header in ("", "(%)", "17", "recommended", "score2"))


def test_only_what_a_page_needs_is_required():
    needed = {
        table: {c.name for c in contracts.load(table).columns.values() if c.required and not c.default}
        for table in TABLES
    }
    assert needed == {
        "appraisals": {"ratee_id"},
        "calendar": {"date", "is_workday"},
        "cases": {"case_id", "created_at"},
        "communications": set(),
        "customers": {"customer_id"},
        "feedback": set(),
        "feedback_items": {"item_id"},
        "indicator_values": {"indicator_id"},
        "indicators": {"indicator_id"},
        "inspections": set(),
        "invitations": {"customer_id"},
        "measures": {"name"},
        "nonconformities": set(),
        "pre_post": {"measure_id", "subject_id", "arm"},
        "pulse": set(),
        "rewards": {"staff_id", "type"},
        "staff": {"staff_id"},
        "standards": {"standard_id", "text"},
        "suggestions": set(),
    }


def test_labels_carry_their_unit():
    feedback = contracts.load("feedback")
    assert contracts.label(feedback, "score", "en") == "Score (points)"
    assert contracts.label(feedback, "score", "en", unit=False) == "Score"
    assert contracts.label(feedback, "feedback_id", "en") == "Feedback id"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("table", TABLES)
def test_the_dictionary_has_a_row_for_every_column(table, language):
    contract = contracts.load(table)
    dictionary = contracts.dictionary(contract, language)
    assert list(dictionary.iloc[:, 0]) == list(contract.columns)
    assert (dictionary.iloc[:, [1, 2, 3, 4, 6]] != "").all(axis=None)


def test_the_schema_reports_every_failure_at_once():
    import pandera.pandas as pa

    contract = contracts.load("feedback_items")
    frame = pd.DataFrame(
        {
            name: pd.Series([None, None], dtype=contracts.dtype(column))
            for name, column in contract.columns.items()
            if column.type != "name"
        }
    ).assign(kano_functional=[0.0, 9.0], metric=pd.Series(["csat", "mood"], dtype="str"))
    with pytest.raises(pa.errors.SchemaErrors) as raised:
        contracts.schema(contract).validate(frame, lazy=True)
    found = set(zip(raised.value.failure_cases["column"], raised.value.failure_cases["check"], strict=True))
    assert {("kano_functional", "below_min"), ("kano_functional", "above_max"), ("metric", "unknown_level")} <= found
    assert ("item_id", "not_nullable") in found
