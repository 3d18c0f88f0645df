"""Every hard rule sets its rows aside with row and value; every rule is worded in both languages."""

import datetime as dt

import pytest
from typed import TEXTS, built, raw, rules

from sqlib import blocks, contracts, words
from sqlib.rules import HARD, SOFT

SCORED = {"score": ["5"], "scale_min": "1", "scale_max": "5"}


def only(table, rule, row=2):
    """The table has this one problem, and its row is set aside."""
    found = table.problems
    assert found["rule"].tolist() == [rule] and found["row"].tolist() == [row]
    assert not found["used"].any() and (found["severity"] == "error").all()
    assert table.quarantine["problems"].tolist() == [rule] and table.frame.empty
    return found["value"].iloc[0]


@pytest.mark.parametrize(
    ("rule", "columns", "value"),
    [
        ("score_on_scale", {"score": ["7"], "scale_min": "1", "scale_max": "5"}, "7"),
        ("not_after_as_of", SCORED | {"received_at": ["2026-10-01 00:00"]}, "2026-10-01 00:00"),
        (
            "invited_before_received",
            SCORED | {"received_at": ["2026-07-01"], "invited_at": ["2026-07-02"]},
            "2026-07-01",
        ),
        ("not_a_date", SCORED | {"received_at": ["2026-02-30"]}, "2026-02-30"),
        ("unknown_level", SCORED | {"kind": ["rumour"]}, "rumour"),
        ("above_max", SCORED | {"recommend": ["11"]}, "11"),
        ("below_min", SCORED | {"ease": ["0"]}, "0"),
    ],
)
def test_feedback(tmp_path, rule, columns, value):
    assert only(built(tmp_path, raw(**columns), as_of=dt.date(2026, 9, 30)), rule) == value


def test_the_last_day_of_the_data_is_no_future(tmp_path):
    table = built(tmp_path, raw(**SCORED, received_at=["2026-09-30 23:59"]), as_of=dt.date(2026, 9, 30))
    assert rules(table) == [] and len(table.frame) == 1


def test_cases_resolved_before_created(tmp_path):
    times = {"created_at": ["2026-07-02 10:00"], "resolved_at": ["2026-07-02 09:00"]}
    assert only(built(tmp_path, raw("cases", case_id=["1"], **times)), "resolved_before_created") == "2026-07-02 09:00"


def test_a_day_without_time_is_not_before_a_time_of_that_day(tmp_path):
    times = {"created_at": ["2026-07-02 10:00"], "closed_at": ["2026-07-02"]}
    table = built(tmp_path, raw("cases", case_id=["1"], **times))
    assert rules(table) == ["date_without_time"] and len(table.frame) == 1


def test_required_values(tmp_path):
    assert only(built(tmp_path, raw("customers", customer_id=[None], segment=["a"])), "required_missing") == ""
    assert rules(built(tmp_path, raw("cases", case_id=["1"], created_at=["soon"]))) == ["not_a_date"]


def test_a_contract_that_ended_before_it_began(tmp_path):
    dates = {"start_date": ["2026-07-02"], "end_date": ["2026-07-01"]}
    only(built(tmp_path, raw("customers", customer_id=["1"], **dates)), "ended_before_started")


def test_a_row_can_break_several_rules_and_all_are_told(tmp_path):
    table = built(
        tmp_path, raw(score=["7"], scale_min="1", scale_max="5", received_at=["x"], kind=["rumour"], ease=["z"])
    )
    assert sorted(rules(table)) == ["not_a_date", "not_a_number", "score_on_scale", "unknown_level"]
    assert set(table.quarantine["problems"].iloc[0].split(", ")) == set(rules(table))


def test_values_outside_an_open_list_are_kept_and_named_once(tmp_path):
    table = built(
        tmp_path, raw(score=["5"] * 3, scale_min="1", scale_max="5", channel=["Fax", "Fax", TEXTS["words"]["phone"]])
    )
    note = table.problems[table.problems["rule"] == "level_not_listed"].iloc[0]
    assert (note["value"], note["count"], note["severity"]) == ("Fax", 2, "info") and len(table.frame) == 3


def test_every_rule_of_a_contract_is_implemented():
    declared = {rule for table in contracts.names() for rule in contracts.load(table).rules}
    assert declared == {*HARD, *SOFT}


@pytest.mark.parametrize("rule", [*HARD, *SOFT, *blocks.SEVERITY])
def test_every_rule_is_worded(rule):
    for language in ("zh", "en"):
        assert set(words.entry("problems", "rule", rule)[language]) == {"what", "remedy"}


@pytest.mark.parametrize("repair", blocks.REPAIRS)
def test_every_repair_of_intake_is_worded(repair):
    assert set(words.entry("problems", "repair", repair)) == {"zh", "en"}
