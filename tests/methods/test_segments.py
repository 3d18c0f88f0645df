import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sqlib.errors import MethodRefused
from sqlib.methods import samples
from sqlib.methods.proportions import share
from sqlib.methods.segments import NUMBERS, directed, weak_points
from sqlib.methods.stratified import common_difference, mid_p


def answers(seed=0, cells=20, n=40, rate=0.8, deficit=0.0, clustered=False):
    """`cells` units of n answers, unit 0 lower by `deficit`; two segments; clustered: pairs that correlate."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(cells), n)
    customer = np.arange(len(unit)) // (2 if clustered else 1)
    own = np.where(rng.random(len(unit)) < 0.5, rng.random(len(unit))[customer], rng.random(len(unit)))
    satisfied = own < np.where(unit == 0, rate - deficit, rate)
    segment = rng.integers(0, 2, len(unit))[customer]
    return pd.DataFrame({"unit": unit, "segment": segment, "satisfied": satisfied, "customer": customer})


def search(data, cells=("unit",), **options):
    return weak_points(data, outcome="satisfied", cells=list(cells), **options)


def unequal_mix(seed=1, n=150):
    """Team 0 serves mostly segment 1, where everybody is 25 points lower; no team has an effect of its own."""
    rng = np.random.default_rng(seed)
    team = np.repeat(np.arange(5), n)
    hard = (rng.random(5 * n) < np.where(team == 0, 0.7, 0.2)).astype(int)
    return pd.DataFrame({"team": team, "segment": hard, "satisfied": rng.random(5 * n) < 0.85 - 0.25 * hard})


def test_a_planted_deficit_is_found_and_every_column_is_there():
    result = search(answers(n=80, deficit=0.3), adjust=["segment"])
    assert list(result.table.columns) == ["family", "cell", *NUMBERS, "verdict"]
    assert result.table["verdict"].tolist()[0] == "act_now"
    assert result.table["verdict"].tolist().count("act_now") == 1
    row = result.table.iloc[0]
    assert row["adjusted_low"] < row["adjusted"] < row["adjusted_high"] < 0
    assert row["adjusted"] < row["shrunk"] < 0
    assert (result.comparisons, result.hidden, result.missing, result.cautions) == (20, 0, 0, ())
    assert 0.18 < row["findable"] < 0.23
    assert row["p_adjusted"] >= row["p_value"]
    assert result.overall == pytest.approx(answers(n=80, deficit=0.3)["satisfied"].mean())


def test_numbers_of_a_cell_against_a_hand_made_table():
    data = unequal_mix()
    row = search(data, ["team"], adjust=["segment"]).table.iloc[0]
    ours, hard = data["team"] == 0, data["segment"] == 1
    sides = [[data.loc[side & stratum, "satisfied"] for stratum in (hard, ~hard)] for side in (ours, ~ours)]
    n1, x1, n0, x0 = ([agg(each) for each in side] for side in sides for agg in (len, sum))
    assert row["adjusted"] == pytest.approx(common_difference(n1, x1, n0, x0)[0])
    assert row["p_value"] == pytest.approx(mid_p(n1, x1, n0, x0))
    means = data.groupby("team")["satisfied"].mean()
    assert row["crude"] == pytest.approx(means[0] - data.loc[~ours, "satisfied"].mean())
    assert row["coverage"] == 1.0


def test_without_columns_to_adjust_by_a_deficit_is_to_be_verified():
    table = search(answers(n=80, deficit=0.3)).table
    assert table["verdict"].tolist()[0] == "verify" and "act_now" not in set(table["verdict"])


def test_only_the_adjusted_difference_may_ask_to_act():
    result = search(unequal_mix(), ["team", "segment"], adjust=["segment"])
    team = result.table[result.table["family"] == "team"].iloc[0]
    assert team["crude_p_value"] < 0.001
    assert team["verdict"] == "watch"
    segments = result.table[result.table["family"] == "segment"].set_index("cell")
    assert segments["verdict"].to_dict() == {0: "strength", 1: "act_now"}
    np.testing.assert_allclose(segments["adjusted"], segments["crude"])  # adjusted by the others: there are none


def test_the_cells_own_share_is_that_of_share():
    data = answers(clustered=True)
    own = share(data, outcome="satisfied", by="unit", cluster="customer").table
    mine = search(data, cluster="customer").table
    np.testing.assert_allclose(mine[["estimate", "low", "high"]], own[["estimate", "low", "high"]])
    assert mine["clusters"].tolist() == own["clusters"].tolist()


def test_missing_outcomes_and_blank_cells_are_left_out_and_counted():
    data = answers(n=20).astype({"unit": object, "satisfied": object})
    data.loc[:4, "satisfied"] = None
    data.loc[30:39, "unit"] = None
    result = search(data, adjust=["segment"])
    assert result.missing == 5
    assert result.table["n"].tolist()[:3] == [15, 10, 20]
    assert result.cautions == ("rows_without_cell",)


def test_a_family_without_any_value_is_left_out_with_a_caution():
    result = search(answers(n=20).assign(channel=pd.Series(pd.NA, dtype="string")), ["unit", "channel"])
    assert set(result.table["family"]) == {"unit"}
    assert result.cautions == ("not_adjusted", "rows_without_cell")


def test_small_cells_are_hidden_with_a_second_one():
    data = answers(cells=5, n=30)
    data = data.drop(data.index[3:30])
    result = search(data)
    hidden = result.table["verdict"] == "hidden"
    assert hidden.sum() == result.hidden == 2
    assert hidden[0]
    assert result.table.loc[hidden, NUMBERS].isna().all(axis=None)
    assert result.comparisons == 3
    assert "cells_hidden" in result.cautions


def test_respondents_not_rows_protect_anonymity():
    data = answers(cells=5, n=30).assign(respondent=lambda d: np.where(d["unit"] == 0, d.index % 4, 100 + d.index))
    assert search(data, respondent="respondent").table["verdict"].tolist()[0] == "hidden"
    assert search(data).table["verdict"].tolist()[0] != "hidden"


def test_a_hidden_part_of_a_shown_whole_takes_another_part_with_it():
    data = answers(cells=5, n=30).assign(office=lambda d: np.where(d["unit"] < 2, "north", "south"))
    data = data.drop(data.index[3:30])
    table = search(data, ["unit", "office"]).table
    assert table["verdict"].eq("hidden").tolist() == [True, True, False, False, False, False, False]


def test_crossed_families_and_declared_order():
    team = pd.Categorical(["b", "a"] * 400, categories=["b", "a", "unused"], ordered=True)
    table = search(answers().assign(team=team), ["team", "team * segment"], adjust=["segment"]).table
    assert table["cell"].tolist() == ["b", "a", "b * 0", "b * 1", "a * 0", "a * 1"]
    pair = table[table["cell"] == "b * 0"].iloc[0]
    assert pair["coverage"] == 1.0
    assert pair["adjusted"] == pytest.approx(-table[table["cell"] == "a * 0"].iloc[0]["adjusted"])  # within segment 0


def test_rows_speak_to_the_family_they_name():
    overall = answers(cells=4).assign(dimension=None, about=None)
    items = answers(cells=4, seed=5).assign(dimension=lambda d: d.index % 3, about="dimension")
    result = search(pd.concat([overall, items], ignore_index=True), ["unit", "dimension"], speaks_to="about")
    sizes = result.table.groupby("family", sort=False)["n"].sum()
    assert sizes.to_dict() == {"unit": len(overall), "dimension": len(items)}
    assert result.overall == pytest.approx(overall["satisfied"].mean())
    assert "rows_without_cell" not in result.cautions


def test_a_cell_without_a_like_has_too_few():
    data = answers(cells=3).assign(segment=lambda d: (d["unit"] == 0).astype(int))
    result = search(data, adjust=["segment"])
    row = result.table.iloc[0]
    assert row["verdict"] in ("too_few", "watch")
    assert np.isnan(row[["adjusted", "p_value", "findable"]].astype(float)).all()
    assert row["coverage"] == 0.0
    assert "low_coverage" in result.cautions


def test_when_everybody_is_satisfied_there_is_no_signal():
    table = search(answers(cells=4).assign(satisfied=True)).table
    assert set(table["verdict"]) == {"no_signal"}
    assert (table["p_value"] == 1).all()
    assert (table["adjusted"] == 0).all()


def test_scores_use_the_same_search():
    rng = np.random.default_rng(4)
    data = answers(n=60).assign(score=lambda d: rng.choice([1, 2, 3, 4, 5], len(d), p=[0.04, 0.04, 0.08, 0.24, 0.6]))
    data.loc[data["unit"] == 0, "score"] -= rng.random(60) < 0.9
    table = weak_points(data, outcome="score", cells=["unit"], adjust=["segment"]).table
    assert table["verdict"].tolist().count("act_now") == 1
    assert table["verdict"][0] == "act_now"
    one = weak_points(data, outcome="score", cells=["unit"]).table.iloc[0]
    ours, rest = data.loc[data["unit"] == 0, "score"], data.loc[data["unit"] != 0, "score"]
    welch = stats.ttest_ind(ours, rest, equal_var=False)
    assert one["p_second"] == pytest.approx(welch.pvalue, rel=1e-6)
    assert [one["crude_low"], one["crude_high"]] == pytest.approx(list(welch.confidence_interval()), rel=1e-6)


def test_benjamini_hochberg_1995():
    """The fifteen p values of section 4 of the paper: four claims hold at a false discovery rate of .05."""
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528,
                 0.759, 1.0]  # fmt: skip
    found = samples.adjusted(pd.Series(published))
    assert (found <= 0.05).tolist() == [True] * 4 + [False] * 11
    np.testing.assert_allclose(found[:4], [0.0015, 0.003, 0.0095, 0.035625], rtol=1e-9)
    two_sided = np.minimum(1, 2 * np.array(published))  # the same claims, all of them "below the rest"
    np.testing.assert_allclose(directed(two_sided, np.full(15, -1.0))[:4], found[:4], rtol=1e-9)


def test_each_direction_is_corrected_on_its_own_and_nan_is_no_comparison():
    p = np.array([0.002, 0.3, np.nan, 0.002])
    found = directed(p, np.array([-0.2, -0.1, np.nan, 0.3]))
    np.testing.assert_allclose(found, [0.003, 0.3, np.nan, 0.003])


def test_order_of_rows_changes_nothing():
    data = answers(clustered=True, deficit=0.2)
    options = {"adjust": ["segment"], "cluster": "customer"}
    one, two = search(data, **options), search(data.sample(frac=1, random_state=1), **options)
    pd.testing.assert_frame_equal(one.table, two.table)


def test_a_call_is_fast():
    data = answers(n=80)
    search(data, adjust=["segment"])
    spent = []
    for _ in range(5):
        start = time.process_time()
        search(data, adjust=["segment"])
        spent.append(time.process_time() - start)
    assert min(spent) < 0.05


@pytest.mark.parametrize("clustered", [False, True])
def test_noise_is_left_alone_and_intervals_cover(clustered):
    """120 runs here, 4,000 in benchmarks/weak_points.py."""
    flagged, covered = [], []
    for seed in range(120):
        table = search(answers(seed, n=15, clustered=clustered), cluster="customer" if clustered else None).table
        flagged.append((table["verdict"] == "verify").any())
        covered.append(((table["adjusted_low"] <= 0) & (table["adjusted_high"] >= 0)).mean())
    assert np.mean(flagged) <= 0.09
    assert 0.93 <= np.mean(covered) <= 0.97


def test_findable_is_found_as_often_as_promised():
    deficit = search(answers(n=40)).table["findable"].median()
    found = [search(answers(seed, n=40, deficit=deficit)).table["verdict"][0] == "verify" for seed in range(150)]
    assert 0.7 <= np.mean(found) <= 0.9


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cells": []}, "segments.no_cells"),
        ({"cells": ["nowhere"]}, "samples.unknown_column"),
        ({"cells": ["blank"]}, "segments.blank_cells"),
        ({"outcome": "blank"}, "segments.no_answers"),
        ({"outcome": "word"}, "samples.not_numeric"),
    ],
)
def test_refusals_say_what_where_got_and_remedy(change, code):
    data = answers(n=20).assign(blank=np.nan, word="good")
    with pytest.raises(MethodRefused) as caught:
        weak_points(data, **{"outcome": "satisfied", "cells": ["unit"]} | change)
    assert caught.value.code == code
    for language in ("en", "zh"):
        assert {"what", "got", "remedy"} <= set(caught.value.parts(language))
