"""Coverage printed beside a report: of every design there is, and of those the report rests on."""

import made_effects as made
import pytest

from sqlib import words
from sqlib.methods import admissibility, measured_coverage


def test_every_design_has_a_measured_coverage_within_what_is_promised():
    known = measured_coverage.MEASURED
    assert set(admissibility.TIERS) <= set(known) <= set(words.catalogue("common")["effect_design"])
    assert all(0.9 <= low <= high <= 1 and runs >= 300 for low, high, _, runs in known.values())


def test_the_designs_of_the_report_are_listed_with_how_many_estimates_each_gave():
    table = measured_coverage.measured_coverage(made.judged()).set_index("design")
    effects = made.judged().effects
    assert table["measures"].to_dict() == {"its": 2, "counterfactual": 2} and effects["effect"].notna().sum() == 2
    assert table.loc["its", "lowest"] == pytest.approx(0.929)
