"""[appraisal] of client.toml: tiers, weights and ceilings as read, and each fault in words."""

import pytest
from client_folder import HEAD, make

from sqlib.appraisal_scheme import Appraisal
from sqlib.errors import ClientError

BLOCK = '[[tables.appraisals]]\nfiles = ["raw/a.csv"]\n'


def scheme(tmp_path, text: str) -> Appraisal:
    return make(tmp_path / "x", f"[appraisal]\n{text}\n{BLOCK}", HEAD).appraisal


def test_cut_points_shares_and_money(tmp_path):
    cut = scheme(tmp_path, 'tiers = [{ name = "A", min = 90, money = 3000 }, { name = "B", min = 0 }]')
    assert cut.cuts == {"A": 90, "B": 0} and cut.shares is None and cut.money == {"A": 3000, "B": 0}
    shared = scheme(tmp_path, 'tiers = [{ name = "A", share = 0.2 }, { name = "B" }]\nwithin = "department"')
    assert shared.shares == {"A": 0.2, "B": 0.8} and shared.cuts is None and shared.money is None
    assert shared.within == "department" and (shared.hours_per_rating, shared.talk_within_days) == (0.25, 14)
    whole = scheme(tmp_path, 'tiers = [{ name = "A", share = 0.2 }, { name = "B", share = 0.8 }]')
    assert whole.shares == {"A": 0.2, "B": 0.8}


def test_criteria_by_name(tmp_path):
    given = '[appraisal.criteria.manner]\nweight = 30\n[appraisal.criteria.late]\nkind = "deduction"\nceiling = 10'
    found = scheme(tmp_path, given)
    assert found.weights == {"manner": 30} and found.ceilings == {"late": 10}
    assert scheme(tmp_path, "") == Appraisal()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('tiers = [{ name = "A", min = 90 }, { name = "B", share = 0.8 }]', "appraisal_scheme.mixed_tiers"),
        ('tiers = [{ name = "A", min = 90 }, { name = "B" }]', "appraisal_scheme.mixed_tiers"),
        ('tiers = [{ name = "A" }]', "appraisal_scheme.mixed_tiers"),
        ('tiers = [{ name = "A", min = 9 }, { name = "A", min = 0 }]', "appraisal_scheme.repeated_tier"),
        ('tiers = [{ name = "A", min = 60 }, { name = "B", min = 90 }]', "appraisal_scheme.unordered"),
        ('tiers = [{ name = "A", share = 0.7 }, { name = "B", share = 0.7 }]', "appraisal_scheme.shares"),
        ('tiers = [{ name = "A", share = 0.3 }, { name = "B", share = 0.3 }]', "appraisal_scheme.shares"),
        ('tiers = [{ name = "A", share = 30 }, { name = "B" }]', "client.out_of_range"),
        ('within = "floor"', "client.unknown_value"),
        ('veto = "fire"', "client.unknown_value"),
        ('tier = "A"', "client.unknown_key"),
        ("[appraisal.criteria.a]\nscale_max = 0", "appraisal_scheme.scale"),
        ('[appraisal.criteria.a]\nkind = "mood"', "client.unknown_value"),
    ],
)
def test_a_fault_is_named(tmp_path, text, code):
    with pytest.raises(ClientError) as raised:
        scheme(tmp_path, text)
    assert raised.value.code == code
    assert all("{" not in raised.value.text(language) for language in ("zh", "en"))
