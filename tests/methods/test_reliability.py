import numpy as np
import pandas as pd
import pytest
from made_ratings import crossed

from sqlib.errors import MethodRefused
from sqlib.methods.reliability import budget, fitness, reliability

NAMES = {"ratee": "ratee", "rater": "rater", "score": "score"}
SURE = {"draws": 200}


def found(*, people=30, raters=5, each=5, criteria=None, seed=0, **options):
    data = crossed(people, raters, each, criteria=criteria, seed=seed, **options)
    return reliability(data, **NAMES, **SURE, criterion="criterion" if criteria else None)


def test_the_coefficients_of_a_page_stand_side_by_side():
    result = found(criteria=3)
    table = result.table.set_index("coefficient")
    assert list(table.index) == [
        "dependability", "generalizability", "icc1", "icc2", "icc3", "krippendorff_alpha", "kendall_w"
    ]  # fmt: skip
    assert (table["low"] < table["estimate"]).all() and (table["estimate"] < table["high"]).all()
    assert result.fixed == ("i",) and result.sizes == {"r": 5.0, "i": 3.0} and result.refused == {}
    assert table.loc["dependability", "estimate"] <= table.loc["generalizability", "estimate"]


def test_one_criterion_is_a_design_of_people_by_raters():
    result = found()
    assert result.study.design.letters == ("p", "r")
    table = result.table.set_index("coefficient")
    one = table.loc["icc2", "estimate"]
    assert table.loc["dependability", "estimate"] == pytest.approx(5 * one / (1 + 4 * one))


def test_what_cannot_be_had_is_named_with_its_reason():
    result = found(people=30, raters=8, each=2)
    assert result.refused == {"kendall_w": "agreement.too_few_units"}
    row = result.table.set_index("coefficient").loc["kendall_w"]
    assert np.isnan(row["estimate"])


def test_self_ratings_do_not_count():
    data = crossed(12, 4, 4, seed=1)
    own = pd.DataFrame({"ratee": ["p0", "p1"], "rater": ["p0", "p1"], "score": [99.0, 99.0], "criterion": ["c0", "c0"]})
    both = reliability(pd.concat([data, own], ignore_index=True), **NAMES, **SURE)
    assert both.table.equals(reliability(data, **NAMES, **SURE).table)


@pytest.mark.parametrize(("numbers", "verdict"), [
    ((0.93, 0.81, 0.97), "fit_for_pay"), ((0.93, 0.79, 0.97), "fit_for_coaching"),
    ((0.89, 0.82, 0.94), "fit_for_coaching"),
    ((0.72, 0.51, 0.85), "fit_for_coaching"), ((0.72, 0.49, 0.85), "unclear"), ((0.60, 0.40, 0.72), "unclear"),
    ((0.50, 0.30, 0.69), "not_reliable"),
])  # fmt: skip
def test_what_a_reliability_is_fit_for(numbers, verdict):
    assert fitness(*numbers) == verdict


def test_the_budget_is_the_cheapest_plan_of_all():
    study = found(criteria=6, people=30, seed=3).study
    result = budget(study, target=0.8, hours_per_rating=0.25, fixed=("i",), raters=(1, 8), criteria=(1, 8))
    table = result.table
    enough = table[table["dependability"] >= 0.8]
    assert result.cheapest["hours"] == enough["hours"].min()
    assert len(table) == 64 and (table["hours"] == 0.25 * 30 * table["raters"] * table["criteria"]).all()
    for row in table[table["best"]].itertuples():
        cheaper = table[(table["hours"] < row.hours) | ((table["hours"] == row.hours) & (table["best"]))]
        assert row.dependability >= cheaper.loc[cheaper["hours"] <= row.hours, "dependability"].max() - 1e-12
    assert result.present["hours"] == pytest.approx(0.25 * 30 * 5 * 6)
    assert result.hours_saved == pytest.approx(result.present["hours"] - result.cheapest["hours"])


def test_the_verdict_of_a_budget():
    study = found(criteria=3, seed=3).study
    verdicts = {
        target: budget(study, target=target, hours_per_rating=1, raters=(2, 10), criteria=(3, 8)).verdict
        for target in (0.5, 0.92, 0.999)
    }
    assert verdicts == {0.5: "cheaper_plan", 0.92: "more_needed", 0.999: "out_of_reach"}
    present = budget(study, hours_per_rating=1, raters=(2, 10), criteria=(3, 8)).present
    exact = budget(study, target=present["dependability"] - 1e-9, hours_per_rating=1, raters=(5, 5), criteria=(3, 3))
    assert exact.verdict == "well_spent"


def test_what_is_refused():
    with pytest.raises(MethodRefused, match="one level"):
        reliability(crossed(10, 3, 3).query("rater == 'r0'"), **NAMES)
    with pytest.raises(MethodRefused):
        reliability(crossed(10, 3, 3).assign(score=4.0), **NAMES)
    study = found().study
    with pytest.raises(MethodRefused, match="between 0 and 1"):
        budget(study, target=1.2, hours_per_rating=1)
    with pytest.raises(MethodRefused, match="positive"):
        budget(study, hours_per_rating=0)
    with pytest.raises(MethodRefused, match="coefficient"):
        budget(study, hours_per_rating=1, coefficient="alpha")
