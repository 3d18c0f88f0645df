"""Every score gets its scale: declared, inferred, or broken in two; and satisfied follows from it."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed import built, raw, rules

from sqlib import suspects


def scored(folder, cells, block="", more="", **columns):
    return built(folder, raw(score=[str(cell) for cell in cells], **columns), block=block, more=more)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([3, 5, 7, 10, 100]), st.integers(0, 1), st.lists(st.floats(0, 1), max_size=40))
def test_ends_in_common_use_are_inferred(high, low, shares):
    scores = np.array([low, high, *(round(low + share * (high - low)) for share in shares)], dtype=float)
    assert suspects.ends(scores) == (low, high)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0, 1, 1, 0], (0, 1)),
        ([1, 2, 4, 5, 5, 4, -1], (1, 5)),  # -1: a code below a scale that begins at 1
        ([1, 2, 3, 4, 5, 99], (1, 5)),  # 99: a code beyond a gap
        ([1, 2, 3, 4, 5] * 8 + [9], (1, 5)),
        ([4, 5, 9], (1, 10)),
        ([-1, 0, 1], (np.nan, np.nan)),  # a scale of its own, or codes: nobody can tell
        ([150, 20], (np.nan, np.nan)),
        ([], (np.nan, np.nan)),
    ],
)
def test_codes_do_not_stretch_the_scale(scores, expected):
    np.testing.assert_equal(suspects.ends(np.array(scores, dtype=float)), expected)


def test_an_undeclared_scale_is_assumed_and_named(tmp_path):
    table = scored(tmp_path, [1, 3, 4, 5, 4.5])
    assert table.frame[["scale_min", "scale_max"]].drop_duplicates().to_numpy().tolist() == [[1, 5]]
    assert rules(table) == ["scale_assumed"] and table.problems.loc[0, "value"] == "1–5"
    assert table.frame["satisfied"].tolist() == [False, False, True, True, True]


def test_a_declared_scale_is_not_questioned(tmp_path):
    table = scored(tmp_path, [1, 3, 4, 5], scale_min="1", scale_max="10")
    assert rules(table) == [] and not table.frame["satisfied"].any()


def test_declared_top_levels_and_scales_where_low_is_best(tmp_path):
    top = scored(tmp_path, [1, 3, 4, 5], scale_min="1", scale_max="5", more="[scales.csat]\ntop = [3, 4, 5]")
    assert top.frame["satisfied"].tolist() == [False, True, True, True]
    low = scored(tmp_path, [1, 2, 4, 5], scale_min="1", scale_max="5", more='[scales.csat]\nbest = "low"')
    assert low.frame["satisfied"].tolist() == [True, True, False, False]


def test_promoter_scores_are_on_0_to_10(tmp_path):
    table = scored(tmp_path, [3, 9, 11], metric="nps")
    assert table.frame["scale_max"].tolist() == [10, 10] and table.frame["scale_min"].tolist() == [0, 0]
    assert rules(table) == ["score_on_scale"]
    assert "nps_scale" in rules(scored(tmp_path, [3, 9], metric="nps", scale_min="1", scale_max="10"))


def test_a_score_whose_scale_cannot_be_told_is_set_aside(tmp_path):
    table = scored(tmp_path, [-1, 0, 1, 150])
    assert rules(table) == ["score_needs_scale"] * 4 and table.frame.empty and len(table.quarantine) == 4


def test_a_frequent_code_is_named_once_with_its_count(tmp_path):
    table = scored(tmp_path, [1, 2, 3, 4, 5] * 10 + [-2] * 5, scale_min="1", scale_max="5")
    named = table.problems[table.problems["rule"] == "suspected_missing_code"]
    assert named[["value", "count"]].to_numpy().tolist() == [["-2", 5]]
    assert len(table.quarantine) == 5 and len(table.frame) == 50


def two_scales():
    rng = np.random.default_rng(7)
    first, second = np.clip(np.round(rng.normal(4, 1, 200)), 1, 5), np.clip(np.round(rng.normal(8, 1.5, 150)), 1, 10)
    days = [(dt.date(2026, 1, 1) + dt.timedelta(days=day)).isoformat() for day in range(350)]
    return [f"{score:g}" for score in np.r_[first, second]], days


def test_an_undeclared_break_gives_each_part_its_scale(tmp_path):
    scores, days = two_scales()
    table = scored(tmp_path, scores, received_at=days)
    found = table.problems[table.problems["rule"] == "scale_break"].iloc[0]
    assert found["value"].startswith("2026-07-20: 5 → 10") and found["severity"] == "warning" and found["used"]
    assert table.frame["scale_max"].value_counts().to_dict() == {5: 200, 10: 150}


@pytest.mark.parametrize(("high", "kept"), [("5", slice(0, 200)), ("10", slice(200, 350))])
def test_nothing_of_the_other_part_is_used_on_the_declared_scale(tmp_path, high, kept):
    scores, days = two_scales()
    table = scored(tmp_path, scores, received_at=days, scale_min="1", scale_max=high)
    assert table.frame["source_row"].tolist() == list(range(2, 352))[kept]
    assert table.quarantine["problems"].str.contains("scale_break").all()
    found = table.problems[table.problems["rule"] == "scale_break"].iloc[0]
    assert found["severity"] == "error" and not found["used"] and found["count"] == len(table.quarantine)


def test_a_channel_on_its_own_scale(tmp_path):
    rng = np.random.default_rng(8)
    phone, web = np.clip(np.round(rng.normal(4, 1, 100)), 1, 5), np.clip(np.round(rng.normal(8, 1.5, 100)), 1, 10)
    scores = np.c_[phone, web].ravel()
    table = scored(tmp_path, [f"{score:g}" for score in scores], channel=["phone", "web"] * 100)
    ends = table.frame.groupby("channel")["scale_max"].unique()
    assert ends["phone"].tolist() == [5] and ends["online"].tolist() == [10]
    assert "scale_differs" in rules(table)


def test_scores_become_points_of_100_as_declared(tmp_path):
    def points(declared: str, scores=("5", "4", "1")):
        read = raw(score=list(scores), scale_min="1", scale_max="5")
        return built(tmp_path / str(abs(hash(declared))), read, more=f"[scales.csat]\n{declared}\n")

    assert points('points = "linear"').frame["points"].tolist() == [100, 75, 0]
    assert points('points = "linear"\nbest = "low"').frame["points"].tolist() == [0, 25, 100]
    table = points('points = { "5" = 100, "4" = 80 }')
    assert table.frame["points"].fillna(-1).tolist() == [100, 80, -1]
    note = table.problems.iloc[0]
    assert (note["rule"], note["value"], note["count"]) == ("points_missing", "1", 1)
    assert "points" not in points("top = [5]").frame
