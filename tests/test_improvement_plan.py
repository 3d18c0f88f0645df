"""[improvement] of client.toml as read, and each fault in words."""

import pandas as pd
import pytest
from client_folder import HEAD, make

from sqlib.errors import ClientError
from sqlib.improvement_plan import Improvement

BLOCK = '[[tables.measures]]\nfiles = ["raw/a.csv"]\n'


def plan(tmp_path, text: str) -> Improvement:
    return make(tmp_path / "x", f"[improvement]\n{text}\n{BLOCK}", HEAD).improvement


def test_worth_declarations_and_frequency(tmp_path):
    found = plan(
        tmp_path,
        'frequency = "week"\n[improvement.indicators]\nA = { worth_having = 2, money = 300 }\n'
        "B = { hours = 0.5, no_trend = true }\nC = { no_season = true }",
    )
    assert found.frequency == "week" and found.worth_having == {"A": 2.0} and found.no_trend == ("B",)
    assert found.no_season == ("C",)
    assert found.value("money") == {"A": 300.0} and found.value("hours") == {"B": 0.5}
    assert plan(tmp_path, "") == Improvement() and Improvement().frequency == "month"


def test_terms_are_shares_of_days(tmp_path):
    found = plan(tmp_path, "calendar = { filing = [1, 5] }")
    starts, ends = (
        pd.Series(pd.to_datetime(days)) for days in (["2026-01-01", "2026-01-26"], ["2026-01-31", "2026-02-01"])
    )
    assert found.terms(starts, ends)["filing"].tolist() == [1.0, pytest.approx(6 / 7)]
    assert Improvement().terms(starts, ends).shape == (2, 0)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("calendar = { all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }", "improvement_plan.all_year"),
        ("calendar = { twice = [1, 1] }", "improvement_plan.repeated_month"),
        ("calendar = { none = [13] }", "client.out_of_range"),
        ("[improvement.indicators]\nA = { worth_having = 0 }", "client.out_of_range"),
        ("[improvement.indicators]\nA = { worth = 2 }", "client.unknown_key"),
        ('frequency = "day"', "client.unknown_value"),
    ],
)
def test_each_fault_is_named(tmp_path, text, code):
    with pytest.raises(ClientError) as raised:
        plan(tmp_path, text)
    assert raised.value.code == code and raised.value.text("zh") != raised.value.text("en")
