"""Before and after with a control arm: published figures, other implementations, attrition, refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import pre_post, sandwich

SHARED = Path(__file__).parents[2] / "../shared/data"
NAMES = {"person": "person", "before": "before", "after": "after", "group": "group"}


def trained(n=40, effect=1.0, seed=1):
    rng = np.random.default_rng(seed)
    before, side = rng.standard_normal(2 * n), np.repeat([1, 0], n)
    after = 0.5 * before + effect * side + rng.standard_normal(2 * n)
    return pd.DataFrame({"person": np.arange(2 * n), "before": before, "after": after, "group": side,
                         "team": np.arange(2 * n) % 12})  # fmt: skip


def details(effect):
    return effect.details.set_index("name")["estimate"]


def refused(code, function=pre_post.estimate, *args, **given):
    with pytest.raises(MethodRefused) as caught:
        function(*args, **given)
    assert caught.value.code == f"pre_post.{code}"
    for language in ("en", "zh"):
        assert {"what", "where", "got", "remedy"} <= set(caught.value.parts(language))


def shared(folder, file):
    path = SHARED / folder / file
    if not path.exists():
        pytest.skip(f"shared folder absent: {path}")
    return pd.read_csv(path)


def test_class_size_trial_as_published():
    """Stock & Watson, Introduction to Econometrics, table 13.1: small minus regular 13.90 (standard error 2.45)."""
    pupils = shared("star_class_size", "star_kindergarten.csv")
    pupils["total"] = pupils["readk"] + pupils["mathk"]
    given = {"person": "student", "before": None, "after": "total", "group": "stark", "treated": "small",
             "control": "regular", "randomised": True}  # fmt: skip
    alone = pre_post.estimate(pupils, **given).effect
    assert (round(alone.effect, 2), round(alone.se, 2), alone.estimand) == (13.90, 2.45, "mean_difference")
    schools = pre_post.estimate(pupils, cluster="schoolidk", **given).effect
    assert schools.effect == pytest.approx(alone.effect) and schools.se > 1.5 * alone.se
    assert details(schools)["hc3_se"] == pytest.approx(alone.se)


def test_job_seminar_against_statsmodels():
    """Means of the README; analysis of covariance with HC3 by the formula of statsmodels."""
    import statsmodels.formula.api as smf

    jobs = shared("training_jobs2", "jobs.csv").reset_index()
    found = pre_post.estimate(jobs, person="index", before="depress1", after="depress2", group="treat",
                              covariates=["econ_hard", "age"], randomised=True)  # fmt: skip
    means = found.arms.set_index("arm")[["before_mean", "after_mean"]]
    np.testing.assert_allclose(means, [[1.860, 1.720], [1.890, 1.784]], atol=5e-4)
    model = smf.ols("depress2 ~ treat + depress1 + econ_hard + age", jobs).fit(cov_type="HC3")
    assert found.effect.effect == pytest.approx(model.params["treat"])
    assert found.effect.se == pytest.approx(model.bse["treat"])
    assert found.effect.low < 0 < found.effect.high


def test_restaurants_paired():
    """Card & Krueger (1994), table 3: difference in differences of restaurants seen twice 2.75 (1.34)."""
    rows = shared("did_card_krueger", "card_krueger.csv")
    waves = [rows[rows["d"] == wave].set_index("id") for wave in (0, 1)]
    wide = waves[0][["nj"]].assign(before=waves[0]["fte"], after=waves[1]["fte"]).reset_index()
    found = pre_post.estimate(wide, **NAMES | {"person": "id", "group": "nj"}).effect
    limits = found.details.set_index("name").loc["change_score"]
    assert limits["estimate"] == pytest.approx(2.75, abs=0.005)
    assert (limits["high"] - limits["low"]) / 2 / 1.966 == pytest.approx(1.34, abs=0.02)
    assert "baseline_apart" in found.cautions


def test_the_path_and_percent_belong_together():
    found = pre_post.estimate(trained().assign(after=lambda t: t["after"] + 20), **NAMES).effect
    after = found.path.iloc[1]
    assert after["observed"] - after["expected"] == pytest.approx(found.effect)
    assert found.percent == pytest.approx(found.effect / after["expected"])
    assert found.percent_low < found.percent < found.percent_high
    assert found.low < 1 < found.high and found.p_value < 0.001 and found.treated == found.compared == 40


def test_teams_widen_and_few_of_them_are_refused():
    people = trained()
    shift = np.random.default_rng(3).standard_normal(12)
    people["after"] += shift[people["team"]]
    whole = people.assign(group=(people["team"] < 6).astype(int))
    alone, together = (pre_post.estimate(whole, cluster=name, **NAMES).effect for name in (None, "team"))
    assert together.se > alone.se and together.df < 12 and "one_arm_a_team" in together.cautions
    assert "few_teams" in together.cautions and "teams_not_given" in alone.cautions
    refused("few_teams", people=people.assign(team=people["team"] % 4), cluster="team", **NAMES)
    refused("no_team", people=people.assign(team=people["team"].where(people["person"] > 3)), cluster="team", **NAMES)


def test_those_lost_are_counted_by_arm():
    people = trained()
    people.loc[(people["group"] == 1) & (people["before"] < -0.3), "after"] = np.nan
    found = pre_post.estimate(people, **NAMES)
    treated, control = found.arms.to_dict("records")
    gone = people["after"].isna().sum()
    assert treated["people"] == 40 and treated["used"] == 40 - gone and treated["lost"] == gone / 40
    assert treated["lost_low"] < treated["lost"] < treated["lost_high"] and control["lost"] == 0
    assert treated["before_lost"] < treated["before_mean"]
    assert "attrition_apart" in found.effect.cautions
    assert details(found.effect)["tipping"] == pytest.approx(found.effect.low / treated["lost"])


def test_covariates_in_words_and_unknown_ones():
    people = trained().assign(site=lambda t: np.where(t["person"] % 3, "north", "south"))
    found = pre_post.estimate(people, covariates=["site"], **NAMES).effect
    columns = [np.ones(80), people["group"], people["before"], people["site"].eq("south")]
    expected = sandwich.fit(people["after"].to_numpy(), np.column_stack(columns).astype(float)).combine([0, 1, 0, 0])
    assert (found.effect, found.se) == pytest.approx(expected[:2])
    some = people.assign(site=people["site"].where(people["person"] > 2))
    assert "incomplete_covariates" in pre_post.estimate(some, covariates=["site"], **NAMES).effect.cautions
    refused("collinear", people=people.assign(site=people["group"] * 2.0), covariates=["site"], **NAMES)


@pytest.mark.parametrize("code, change", [
    ("one_arm", {"group": 1}),
    ("unknown_arm", {"group": lambda t: t["group"].map({1: "A", 0: "B"})}),
    ("twice", {"person": lambda t: t["person"] % 79}),
    ("twice", {"person": lambda t: t["person"].where(t["person"] > 0)}),
    ("no_before", {"before": np.nan}),
    ("no_before", {"before": lambda t: t["before"].where(t["group"] == 1)}),
    ("all_lost", {"after": lambda t: t["after"].where(t["group"] == 1)}),
    ("all_lost", {"after": np.nan}),
    ("too_few", {"after": lambda t: t["after"].where(t["person"] > 33)}),
    ("constant", {"after": 5.0}),
    ("constant", {"before": 5.0}),
    ("not_numeric", {"after": lambda t: t["after"].where(t["person"] > 0, np.inf)}),
])  # fmt: skip
def test_bad_tables_are_refused_by_name(code, change):
    refused(code, people=trained().assign(**change), **NAMES)


def test_no_scores_before_need_a_trial():
    refused("no_before", people=trained(), **NAMES | {"before": None})
    found = pre_post.estimate(trained(), randomised=True, **NAMES | {"before": None})
    assert found.effect.estimand == "mean_difference" and found.arms["before_mean"].isna().all()


def test_the_weakest_gain_without_any_effect_and_get_no_verdict():
    """Weakest quarter of 4,000, test-retest .5: the gain is regression alone, .63 standard deviations."""
    rng = np.random.default_rng(4)
    before = rng.standard_normal(4000)
    after = 0.5 * before + np.sqrt(0.75) * rng.standard_normal(4000)
    chosen = np.argsort(before)[:1000]
    people = pd.DataFrame({"person": chosen, "before": before[chosen], "after": after[chosen]})
    given = {"person": "person", "before": "before", "after": "after"}
    found = pre_post.describe(people, retest=0.5, everybody=before, **given)
    row = found.table.iloc[0]
    assert row["gain"] == pytest.approx(0.63, abs=0.06) and row["low"] > 0
    assert row["beyond_low"] < 0 < row["beyond_high"]
    assert found.verdict == "cannot_tell" and {"no_control", "chosen_low"} <= set(found.cautions)
    open_ = pre_post.describe(people, everybody=before, **given)
    assert list(open_.table["retest"]) == [0.3, 0.5, 0.7] and "retest_assumed" in open_.cautions
    assert pre_post.retest_correlation(before, after) == pytest.approx(0.5, abs=0.03)
    assert pre_post.describe(people, **given).table["regression"].eq(0).all()


@pytest.mark.parametrize("code, change, more", [
    ("twice", {"person": 1}, {}),
    ("no_before", {"before": np.nan}, {}),
    ("all_lost", {"after": np.nan}, {}),
    ("too_few", {"after": lambda t: t["after"].where(t["person"] < 5)}, {}),
    ("constant", {"after": lambda t: t["before"]}, {}),
    ("bad_retest", {}, {"retest": 1.4}),
])  # fmt: skip
def test_bad_tables_are_not_described(code, change, more):
    given = {name: name for name in ("person", "before", "after")}
    refused(code, pre_post.describe, trained().assign(**change), **given, **more)


def test_intervals_cover_in_a_small_simulation():
    """200 made trainings of whole teams, 12 in all, that share a quarter of the variance."""
    covers = []
    rng = np.random.default_rng(5)
    for _ in range(200):
        people = trained(36, 0.0, seed=int(rng.integers(1 << 30)))
        people["group"] = (people["team"] < 6).astype(int)
        people["after"] += 0.6 * rng.standard_normal(12)[people["team"]]
        effect = pre_post.estimate(people, cluster="team", **NAMES).effect
        covers.append(effect.low <= 0 <= effect.high)
    assert 0.91 <= np.mean(covers) <= 0.99
