import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import tiers
from sqlib.methods.rater_fairness import COLUMNS, TESTS, fairness

OPTIONS = {"ratee": "ratee", "rater": "rater", "score": "score", "group": "group"}


def made(seed=0, people=30, raters=5, groups=2, share=0.8, bias=0.0, criteria=1, spread=0.0):
    """Ratings of people in groups; rater r0 gives those of g0 ``bias`` points more. Severities, an effect of every
    rater and criterion, and of every rater and person (``spread`` makes it differ between raters) are in them."""
    rng = np.random.default_rng(seed)
    ability, severity, group = rng.normal(0, 1, people), rng.normal(0, 0.7, raters), np.arange(people) % groups
    who, rater = np.nonzero(rng.random((people, raters)) < share)
    halo = rng.normal(0, 0.5, len(who)) * np.exp(rng.normal(0, spread, raters))[rater]
    pair = ability[who] - severity[rater] + halo + bias * ((rater == 0) & (group[who] == 0))
    usage, criterion = rng.normal(0, 0.3, (raters, criteria)), np.tile(np.arange(criteria), len(who))
    at = np.repeat(np.arange(len(who)), criteria)
    score = 3 + pair[at] + usage[rater[at], criterion] + rng.normal(0, 0.6, len(at))
    named = {name: np.char.add(name[0] if name != "rater" else "r", code[at].astype(str)) for name, code in
             (("person", who), ("rater", rater), ("group", group[who]))}  # fmt: skip
    frame = pd.DataFrame(named).rename(columns={"person": "ratee"})
    return frame.assign(score=score, criterion=criterion)


def columns(*codes):
    return np.column_stack([(code[:, None] == np.unique(code)).astype(float) for code in codes])


def test_cells_and_the_overall_test_against_least_squares_on_the_full_design():
    data = made(groups=3, share=0.6)
    found = fairness(data, **OPTIONS, min_cell=1, min_group=0)
    multi = data.groupby("ratee")["rater"].transform("size") > 1
    data = data[multi]
    person, rater, group, y = (data[name].to_numpy() for name in ("ratee", "rater", "group", "score"))
    both = np.char.add(rater.astype(str), group.astype(str))
    plain, full = columns(person, rater), columns(person, rater, both)
    left = [((y - each @ np.linalg.lstsq(each, y, rcond=None)[0]) ** 2).sum() for each in (plain, full)]
    rank = [np.linalg.matrix_rank(each) for each in (plain, full)]
    df1, df2 = rank[1] - rank[0], len(y) - rank[1]
    noise, test = left[1] / df2, found.tests.iloc[0]
    assert (test["df1"], test["df2"]) == (df1, df2)
    assert test["statistic"] == pytest.approx((left[0] - left[1]) / df1 / noise)
    for row in found.table.itertuples():
        cell = ((rater == row.rater_id) & (group == row.group)).astype(float)
        rest = cell - plain @ np.linalg.lstsq(plain, cell, rcond=None)[0]
        assert row.estimate == pytest.approx(rest @ y / (rest @ rest))
        half = (row.high - row.low) / 2
        assert half == pytest.approx(np.sqrt(noise / (rest @ rest)) * 1.0 * t_quantile(df2))


def t_quantile(df):
    from scipy.stats import t

    return t.ppf(0.975, df)


def test_balanced_data_by_hand():
    """Two raters, two groups of two people: the difference of differences, 1 - (-1) = 2, between raters and groups is
    the estimate of every cell up to its sign."""
    scores = {"a": (5, 4), "b": (3, 2), "c": (2, 3), "d": (4, 5)}
    rows = [(who, f"r{at}", score, "xy"[who in "cd"]) for who, pair in scores.items() for at, score in enumerate(pair)]
    data = pd.DataFrame(rows, columns=["ratee", "rater", "score", "group"])
    data["score"] += [0.1, 0, 0, 0, 0, 0, 0, 0]
    table = fairness(data, **OPTIONS, min_cell=1, min_group=0).table.set_index(["rater_id", "group"])["estimate"]
    assert table["r0", "x"] == pytest.approx(2.05) == table["r1", "y"] == -table["r0", "y"] == -table["r1", "x"]


def test_an_unfair_rater_is_found_and_the_fair_ones_are_not():
    result = fairness(made(seed=1, people=60, bias=-1.5, criteria=3), **OPTIONS, criterion="criterion")
    table = result.table.set_index(["rater_id", "group"])
    assert list(result.table.columns) == COLUMNS and list(result.tests.columns) == TESTS
    cell = table.loc[("r0", "g0")]
    assert cell["verdict"] == "rates_lower" and cell["low"] < -1.5 < cell["high"]
    assert cell["estimate"] < cell["shrunk"] < 0 and cell["points"] < 0
    assert table.loc[("r0", "g1"), "verdict"] == "rates_higher"
    assert set(table.drop(index="r0")["verdict"]) == {"no_signal"} and result.tests["verdict"].tolist() == ["differs"]
    assert "common_bias_not_seen" in result.cautions


def test_an_unfair_rater_does_not_make_the_others_look_unfair():
    """Of three raters one favours a group by 2; the others are compared without that rater."""
    data = made(people=200, raters=3, share=1.0, bias=2.0)
    table = fairness(data, **OPTIONS).table.set_index(["rater_id", "group"])
    rest = data[data["rater"] != "r0"]
    alone = fairness(rest, **OPTIONS).table.set_index(["rater_id", "group"])
    assert table.loc["r1", "estimate"].tolist() == pytest.approx(alone.loc["r1", "estimate"].tolist())
    assert table.loc[("r0", "g0"), "low"] < 2 < table.loc[("r0", "g0"), "high"]


def test_severity_ability_and_a_gap_all_raters_share_are_no_difference():
    data = made(people=40, share=1.0)
    one = fairness(data, **OPTIONS).table["estimate"]
    moved = data.assign(score=data["score"] + 3 * (data["rater"] == "r1") - 2 * (data["group"] == "g0"))
    assert fairness(moved, **OPTIONS).table["estimate"].tolist() == pytest.approx(one.tolist())


def test_criteria_that_raters_use_in_their_own_way_leave_no_trace():
    """Ratings are missing on some criteria; what is added to a rater's criterion is taken out again."""
    data = made(people=40, criteria=3)
    data = data[np.random.default_rng(1).random(len(data)) < 0.8]
    odd = (data["rater"] == "r2") & (data["criterion"] == 1)
    options = OPTIONS | {"criterion": "criterion"}
    one, other = (
        fairness(each, **options).table["estimate"] for each in (data, data.assign(score=data["score"] + 2 * odd))
    )
    assert one.tolist() == pytest.approx(other.tolist())


def test_a_complete_design_needs_no_criterion_effects():
    data = made(people=20, share=1.0, criteria=4)
    whole = fairness(data, **OPTIONS, criterion="criterion").table
    mean = data.groupby(["ratee", "rater", "group"], as_index=False)["score"].mean()
    assert whole["estimate"].tolist() == pytest.approx(fairness(mean, **OPTIONS, min_cell=1).table["estimate"].tolist())


def test_people_of_one_rater_say_nothing():
    data = made()
    alone = data.drop_duplicates("ratee").assign(ratee=lambda rows: rows["ratee"] + "x", score=99.0)
    one, other = (fairness(rows, **OPTIONS, min_cell=1) for rows in (data, pd.concat([data, alone])))
    assert one.table["estimate"].tolist() == pytest.approx(other.table["estimate"].tolist())
    assert other.left_out - one.left_out == len(alone) and other.n == one.n


def test_small_cells_are_hidden_with_what_would_give_them_away():
    data = made(people=30, groups=3, share=1.0)
    few = data["ratee"].isin(["p0", "p3", "p6"]) | (data["group"] != "g0")
    table = fairness(data[few], **OPTIONS, min_group=5).table.set_index(["rater_id", "group"])
    assert set(table.xs("g0", level="group")["verdict"]) == {"hidden"}
    assert (table["verdict"] == "hidden").groupby("rater_id").sum().min() >= 2
    hidden = table[table["verdict"] == "hidden"]
    assert hidden[["n", "people", "estimate", "shrunk", "p_value", "points"]].isna().all().all()


def test_cells_of_few_ratings_are_not_judged():
    result = fairness(made(people=16, share=1.0), **OPTIONS, min_cell=10, min_group=5)
    assert set(result.table["verdict"]) == {"too_few"} and result.comparisons == 0
    assert result.table["n"].tolist() == [8] * 10 and np.isfinite(result.tests["p_value"].iloc[0])


def test_what_it_changes_for_the_people():
    data = made(people=60, bias=-2.0)
    ids = sorted(data["ratee"].unique())
    frame = pd.DataFrame({"ratee_id": ids, "calibrated": 3.0, "se": 0.1}).assign(raw=3.0, corrected=3.0)
    decided = tiers.decisions(frame, None, cuts={"A": 3.05, "B": 0}, money={"A": 100, "B": 0})
    result = fairness(data, **OPTIONS, tiers=decided)
    row = result.table.set_index(["rater_id", "group"]).loc[("r0", "g0")]
    of = data[(data["rater"] == "r0") & (data["group"] == "g0")]["ratee"]
    count = data.groupby("ratee").size()[of]
    assert row["points"] == pytest.approx((row["shrunk"] / count).mean())
    assert row["changed"] == (-row["shrunk"] / count >= 0.05).sum() > 0 and row["money"] == 100 * row["changed"]


def test_several_dimensions_are_corrected_together():
    data = made(people=40).assign(site=lambda rows: "s" + (rows["ratee"].str[1:].astype(int) % 3).astype(str))
    result = fairness(data, **OPTIONS | {"group": ["group", "site"]})
    assert result.tests["dimension"].tolist() == ["group", "site"] and set(result.table["dimension"]) == {
        "group",
        "site",
    }
    assert (result.tests["p_adjusted"] >= result.tests["p_value"]).all()


def test_refusals():
    data = made()
    with pytest.raises(MethodRefused) as refusal:
        fairness(data.drop_duplicates("ratee"), **OPTIONS)
    assert refusal.value.code == "rater_fairness.no_overlap"
    with pytest.raises(MethodRefused) as refusal:
        fairness(data.assign(group="all"), **OPTIONS)
    assert refusal.value.code == "rater_fairness.one_group"
    with pytest.raises(MethodRefused) as refusal:  # no chance in the scores
        fairness(data.assign(score=data["ratee"].str[1:].astype(float)), **OPTIONS)
    assert refusal.value.code == "rater_fairness.no_noise"


@pytest.mark.filterwarnings("error")
def test_too_few_pairs_for_noise_give_no_test():
    data = pd.DataFrame(
        {"ratee": list("aabb"), "rater": list("xyxy"), "score": [1.0, 2.0, 4.0, 3.0], "group": list("ggmm")}
    )
    found = fairness(data, ratee="ratee", rater="rater", score="score", group="group", min_cell=1, min_group=1)
    assert found.tests["p_value"].isna().all() and (found.tests["verdict"] == "no_signal").all()


@pytest.mark.parametrize("spread", [0.0, 0.4])
def test_without_bias_the_overall_test_rejects_as_often_as_it_says(spread):
    """200 firms of 30 people and 5 raters; 1,000 and more in ``benchmarks/rater_fairness.py``."""
    p = [
        fairness(made(seed, groups=3, spread=spread), **OPTIONS, min_group=0).tests["p_value"][0] for seed in range(200)
    ]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.10
    assert np.mean(np.array(p) < 0.5) == pytest.approx(0.5, abs=0.1)
