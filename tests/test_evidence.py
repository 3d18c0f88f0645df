"""Evidence: the kind of a column by its values, and what of them may be shown."""

import numpy as np
import pandas as pd
import pytest

from sqlib import evidence


def of(*values: str, header: str = "") -> evidence.Evidence:
    return evidence.of(pd.Series(values, dtype="str"), header)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["2026-07-01", "3 Jul 2026", ""], "date"),
        (["20260701", "20260702"], "date"),
        (["4", "5", "3"], "number"),
        (["yes", "no", "yes"], "flag"),
        (["very satisfied", "neutral", "satisfied"], "worded"),
        (["A17", "B22", "C05"] + [f"D{n:03d}" for n in range(60)], "id"),
        (["north", "south"] * 20, "category"),
        ([f"The repair took {n} days and nobody called" for n in range(60)], "text"),
        (["", "-", "n/a"], "empty"),
        (["13800138000", "139 0013 8000"], "personal"),
        (["a@b.org", "c@d.org"], "personal"),
        (["11010519900101123X"] * 3, "personal"),
        (["+44 20 7946 0958", "(212) 555-0100"], "personal"),
        (["192.168.0.1"] * 3, "personal"),
    ],
)
def test_kinds(values, kind):
    assert of(*values).kind == kind


def test_a_telling_header_is_personal_whatever_it_holds_and_a_contact_type_is_not():
    assert of("x", "y", header="Contact name").kind == "personal"
    assert of("phone", "e-mail", header="contact_type").kind != "personal"
    assert of("x", "y", header="shipping").kind != "personal"  # no "ip"


def test_a_mistyped_score_makes_no_longer_scale():
    assert of(*["5", "4", "3", "2", "1"] * 40, "7", "0").ends == (1.0, 5.0)
    assert of(*["9", "4", "10", "2", "1"] * 40).ends == (1.0, 10.0)
    assert np.isnan(of(*map(str, range(2000, 2100))).ends[1])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call 13800138000 please", f"call {evidence.HIDDEN} please"),
        ("2026-07-01 10:00:00", "2026-07-01 10:00:00"),
        ("20260701", "20260701"),
        ("11010519900101123X", evidence.HIDDEN),
        ("write to ann@example.org", f"write to {evidence.HIDDEN}"),
        ("x" * 50, "x" * 40 + "…"),
    ],
)
def test_what_may_be_shown(text, shown):
    assert evidence.masked(text) == shown
