"""Profiles of people over the criteria: the two-way analysis of variance, planted strengths, silence on noise."""

import itertools

import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.criterion_profile import criterion_profile

NAMES = {"ratee": "ratee", "rater": "rater", "criterion": "criterion", "score": "score"}


def sheets(people=8, raters=4, criteria=5, profile=0.0, noise=1.0, seed=0, rated=1.0):
    """Everybody rated by everybody: own level, the rater's level a criterion, planted profile, noise."""
    rng = np.random.default_rng(seed)
    level, severity = rng.normal(0, 2, people), rng.normal(0, 2, (raters, criteria))
    own = profile * rng.normal(0, 1, (people, criteria))
    keys = np.array(list(itertools.product(range(people), range(raters), range(criteria))))
    i, j, c = keys.T
    y = 70 + level[i] + severity[j, c] + own[i, c] + noise * rng.normal(size=len(keys))
    kept = rng.random((people, raters))[i, j] <= rated
    data = pd.DataFrame({"ratee": i, "rater": j, "criterion": c, "score": y})[kept]
    return data.assign(ratee="P" + data["ratee"].astype(str), rater="R" + data["rater"].astype(str)), own


def test_complete_ratings_give_the_deviations_and_error_of_the_analysis_of_variance():
    data, _ = sheets(profile=1.0)
    found = criterion_profile(data, **NAMES)
    y = data["score"].to_numpy().reshape(8, 4, 5)
    expected = (y.mean(1) - y.mean((1, 2))[:, None] - y.mean((0, 1))[None, :] + y.mean()).ravel()
    assert np.allclose(found.table["estimate"], expected, atol=1e-9)
    error = y - y.mean(1, keepdims=True) - y.mean(0, keepdims=True) + y.mean((0, 1))[None, None, :]
    assert found.noise == pytest.approx(np.sqrt((error**2).sum() / (7 * 3 * 5)), rel=1e-9)


def test_planted_strengths_are_found_and_shrunk_scores_are_nearer_to_the_truth():
    data, own = sheets(people=30, raters=4, profile=2.0, seed=3)
    found = criterion_profile(data, **NAMES).table
    truth = own - own.mean(1, keepdims=True)
    truth = (truth - truth.mean(0)).ravel()[np.lexsort((np.tile(range(5), 30), [f"P{i // 5}" for i in range(150)]))]
    assert np.corrcoef(found["shrunk"], truth)[0, 1] > 0.9
    clear = np.abs(truth) > 3
    assert (np.sign(found["estimate"][clear]) == np.sign(truth[clear])).all()
    named = found["verdict"] != "no_signal"
    assert (found.loc[named, "shrunk_low"] * found.loc[named, "shrunk_high"] > 0).all()
    assert named[clear].mean() > 0.7 and (np.sign(found["estimate"][named]) == np.sign(truth[named])).all()


def test_noise_alone_names_few_and_covers():
    named, inside, cells = 0, 0, 0
    for seed in range(60):
        table = criterion_profile(sheets(people=12, raters=3, seed=seed, rated=0.8)[0], **NAMES).table
        named += table.loc[table["verdict"] != "no_signal", "ratee_id"].nunique()
        inside += table["shrunk_low"].le(0).sum() - table["shrunk_high"].lt(0).sum()
        cells += len(table)
    assert named / (60 * 12) < 0.08 and inside / cells > 0.95  # Benjamini-Hochberg within a person at .05


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: data[data["criterion"] == 0], "criterion_profile.one_criterion"),
        (lambda data: data.drop_duplicates(["ratee", "criterion"]), "criterion_profile.one_rater_each"),
    ],
)
def test_what_cannot_be_told_is_refused(change, code):
    with pytest.raises(MethodRefused) as refused:
        criterion_profile(change(sheets()[0]), **NAMES)
    assert refused.value.code == code


def test_people_of_one_rater_have_no_profile():
    data, _ = sheets()
    alone = data[(data["ratee"] != "P0") | (data["rater"] == "R1")]
    assert "P0" not in set(criterion_profile(alone, **NAMES).table["ratee_id"])
