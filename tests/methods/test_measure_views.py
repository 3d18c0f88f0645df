import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import means
from sqlib.methods.measure_views import measure_views

MEASURES = pd.DataFrame({"measure_id": ["m1", "m2"], "name": ["One", "Two"], "department": ["North", "North"]})


def said(useful, ref="m1", understood=True, department=None, comment=None):
    count = len(useful)
    return pd.DataFrame({"about": ["measure"] * count, "ref": ref, "useful": useful, "understood": understood,
                         "department": department, "comment": comment})  # fmt: skip


def views(*parts, **options):
    return measure_views(pd.concat(parts, ignore_index=True), MEASURES, **options)


def test_the_mean_is_that_of_means():
    scores = [4.0, 5, 4, 3, 5, 4, 4]
    row = views(said(scores)).table.iloc[0]
    other = means.mean(pd.DataFrame({"x": scores}), value="x", scale=(1, 5)).table.iloc[0]
    assert row[["useful", "useful_low", "useful_high"]].to_list() == other[["estimate", "low", "high"]].to_list()
    assert row["useful"] == pytest.approx(29 / 7) and row["verdict"] == "found_useful"


def test_the_share_that_understood_is_counted():
    row = views(said([3.0] * 6), said([3.0] * 2, understood=False)).table.iloc[0]
    assert row[["successes", "answers"]].to_list() == [6, 8]
    assert row[["understood_low", "understood_high"]].to_list() == pytest.approx([0.4093, 0.9285], abs=5e-5)


def test_a_measure_found_useless_is_said_and_small_ones_hidden():
    low, few = said([1.0, 2, 1, 2, 1, 2, 1, 2]), said([5.0, 5], ref="m2")
    table = views(low, few, said([4.0, 4, 5, 4, 5, 4], ref="m9")).table
    assert "m9" not in set(table["measure_id"])
    hidden = views(low, few).table.set_index("measure_id")
    assert hidden.loc["m2", "verdict"] == "hidden" and np.isnan(hidden.loc["m2", "useful"])
    assert hidden.loc["m1", "verdict"] == "hidden"  # or the total gave m2 away
    assert (
        views(low, said([4.0] * 5 + [5.0] * 3, ref="m2")).table.set_index("measure_id")["verdict"]["m1"]
        == "found_useless"
    )


def test_measures_are_tested_as_one_family():
    table = views(said([1.0, 2, 3, 2, 3, 2, 3]), said([3.0, 4, 3, 2, 4, 3], ref="m2")).table.iloc[1:]
    assert (table["p_adjusted"] >= table["p_value"]).all() and table["p_adjusted"].iloc[0] > table["p_value"].iloc[0]


def test_those_who_carry_it_out_are_told_from_those_affected():
    own, other = said([5.0, 4, 5, 4, 5, 5], department="North"), said([2.0, 3, 2, 2, 3, 2], department="South")
    result = views(own, other)
    sides = result.table.set_index("side")["useful"]
    assert sides["carries_out"] == pytest.approx(28 / 6) and sides["affected"] == pytest.approx(14 / 6)
    assert result.difference["estimate"].iloc[0] == pytest.approx(-14 / 6) and result.difference["high"].iloc[0] < 0
    assert "no_sides" in views(own).cautions and views(own, other.head(3)).difference.empty


def test_remarks_of_little_use_and_of_side_effects_are_listed():
    rows = [
        said([2.0, 1.0], comment="More calls"),
        said([5.0] * 3, comment="fine"),
        said([4.0], comment="Now OVERTIME"),
    ]
    found = views(*rows, markers=("overtime",)).side_effects
    assert found["comment"].to_list() == ["More calls", "Now OVERTIME"] and found["count"].to_list() == [2, 1]
    assert views(said([1.0] * 2, ref="m2", comment="x"), said([4.0] * 6)).side_effects.empty  # too few to show


def test_answers_to_no_known_measure_stay_in_the_total():
    result = views(said([4.0] * 5), said([4.0] * 5, ref=None))
    assert result.n == 10 and result.measures == 1 and "unknown_measures" in result.cautions


@pytest.mark.parametrize(("rows", "code"), [(said([4.0] * 6).drop(columns="about"), "no_column"),
                                            (said([4.0] * 6).assign(about="report"), "nothing"),
                                            (said([4.0]), "few")])  # fmt: skip
def test_what_cannot_be_told_is_refused(rows, code):
    with pytest.raises(MethodRefused) as refusal:
        measure_views(rows, MEASURES)
    assert refusal.value.code == f"measure_views.{code}"
