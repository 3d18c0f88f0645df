import made_follow_up as made
import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import appraisal_criteria as method
from sqlib.methods.appraisal_criteria import appraisal_criteria

# Shrout & Fleiss (1979) Psychological Bulletin 86:420, table 2: six targets, four judges; ICC(3,1) = .71
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_the_share_between_people_is_shrout_and_fleiss():
    """ICC(3,1) .71; limits .34 and .95 as the help page of ICC in the R package psych prints them."""
    y = np.array(SHROUT_FLEISS, dtype=float)
    person, rater = np.indices(y.shape).reshape(2, -1)
    found = method._components(y.reshape(-1, 1), person, rater)
    assert (found.df, found.error_df, found.each) == (5, 15, pytest.approx(4))
    share = method._share(found.between[0, 0], found.error[0, 0], found, 0.05)
    assert share["share"] == pytest.approx(0.71, abs=0.005)
    assert (share["share_low"], share["share_high"]) == pytest.approx((0.34, 0.95), abs=0.005)


def test_components_are_the_projections_of_a_dense_design():
    rng = np.random.default_rng(0)
    person, rater = rng.integers(0, 12, 60), rng.integers(0, 4, 60)
    person[-6:], rater[-6:] = [12, 12, 12, 13, 13, 13], [4, 5, 4, 5, 4, 5]  # a part of its own
    y = rng.standard_normal((60, 2))
    found = method._components(y, person, rater)
    designs = [np.eye(15)[person][:, np.unique(person)], np.eye(6)[rater]]
    whole = np.column_stack(designs)

    def left(design):
        return np.eye(60) - design @ np.linalg.pinv(design)

    error_df = round(np.trace(left(whole)))
    assert (found.error_df, found.df) == (error_df, round(np.trace(left(designs[1]))) - error_df)
    assert found.error == pytest.approx(y.T @ left(whole) @ y / error_df)
    between = y.T @ (left(designs[1]) - left(whole)) @ y / found.df
    assert found.between == pytest.approx(between)
    assert found.each == pytest.approx(np.trace(designs[0].T @ left(designs[1]) @ designs[0]) / found.df)


def test_the_true_correlation_comes_back_free_of_halo():
    between = np.array([[1.0, 0.3], [0.3, 1.0]])
    found = method._components(*wide(made.ratings(between, halo=1.0, people=2000, raters=40, seed=1)))
    assert method._correlations(found.person)[0, 1] == pytest.approx(0.3, abs=0.06)
    assert method._correlations(found.error)[0, 1] == pytest.approx(1.0 / 1.5, abs=0.03)


def wide(ratings):
    table = ratings.pivot(index=["ratee_id", "rater_id"], columns="criterion_id", values="score").reset_index()
    codes = [pd.factorize(table[name])[0] for name in ("ratee_id", "rater_id")]
    return table[["c0", "c1"]].to_numpy(), *codes


@pytest.fixture(autouse=True)
def _ids(monkeypatch):
    monkeypatch.setattr(made, "IDS", [f"s{place:04}" for place in range(2000)])


def test_the_error_of_a_criterion_is_the_raters_and_not_shared():
    """A level added to all scores of one rater on one criterion changes nothing."""
    ratings = made.ratings(np.eye(3))
    moved = ratings.copy()
    moved.loc[moved["rater_id"].eq("r1") & moved["criterion_id"].eq("c1"), "score"] += 7
    plain, other = (appraisal_criteria(each).pairs["correlation"].to_numpy() for each in (ratings, moved))
    assert plain == pytest.approx(other)


def test_verdicts_of_pairs_and_criteria():
    result = made.criteria(1.0, error=0.2)
    assert result.pairs.set_index(["first", "second"]).loc[("c0", "c1"), "verdict"] == "duplicate"
    assert result.duplicates == 1 and result.flagged == 0
    crowded = made.criteria(0.0, top=2)
    table = crowded.table.set_index("criterion")
    assert table.loc["c2", ["verdict", "same"]].to_list() == ["ceiling", 1.0] and crowded.flagged == 1
    assert (crowded.pairs["verdict"] == "too_few").sum() == 2


def test_next_to_no_difference_between_people_is_proven_only_by_its_upper_limit():
    ratings = made.ratings(np.diag([1.0, 0.0]), people=200, each=5)
    table = appraisal_criteria(ratings).table.set_index("criterion")
    assert table["verdict"].to_list() == ["sound", "no_discrimination"] and table.loc["c1", "share_high"] < 0.10
    few = appraisal_criteria(made.ratings(np.diag([1.0, 0.0]), seed=4)).table.set_index("criterion")
    assert few.loc["c1", "verdict"] == "unclear"


def test_validity_is_shrunk_towards_the_criteria_and_keeps_its_interval():
    ratings = made.ratings(np.eye(3), people=40, each=5, seed=2)
    means = ratings.pivot_table(index="ratee_id", columns="criterion_id", values="score")
    outcome = pd.DataFrame({"ratee_id": means.index, "estimate": means["c0"].to_numpy()})
    table = appraisal_criteria(ratings, outcome=outcome).table.set_index("criterion")
    assert table.loc["c0", "validity"] > 0.8 and table.loc["c0", "shrunk"] < table.loc["c0", "validity"]
    assert (table["shrunk_low"] < table["shrunk"]).all() and (table["outcome_n"] == 40).all()
    assert "no_outcome" in appraisal_criteria(ratings).cautions


def test_incomplete_ratings_are_left_out_and_counted():
    ratings = made.ratings(np.eye(2))
    result = appraisal_criteria(ratings.drop(index=range(0, 40, 2)))
    assert (result.incomplete, result.n) == (20, 70) and "incomplete" in result.cautions


def test_coverage_of_the_correlation_between_people():
    between = np.array([[1.0, 0.4], [0.4, 1.0]])
    hits = []
    for seed in range(60):
        row = appraisal_criteria(made.ratings(between, each=4, seed=seed)).pairs.iloc[0]
        hits.append(row["correlation_low"] <= 0.4 <= row["correlation_high"])
    assert np.mean(hits) >= 0.87


def test_what_is_refused():
    with pytest.raises(MethodRefused, match="at least two"):
        appraisal_criteria(made.ratings(np.eye(1)))
    with pytest.raises(MethodRefused, match="Too few people"):
        appraisal_criteria(made.ratings(np.eye(2), people=6))
    with pytest.raises(MethodRefused, match="one rater only"):
        appraisal_criteria(made.ratings(np.eye(2), each=1))
