import made_follow_up as made
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sqlib.errors import MethodRefused
from sqlib.methods import reward_consistency as method
from sqlib.methods.reward_consistency import reward_consistency

SCORES = pd.DataFrame({"ratee_id": made.IDS, "calibrated": 70.0 + np.arange(made.PEOPLE)})


def paid(money: dict, **columns) -> pd.DataFrame:
    kind = ["bonus" if amount >= 0 else "penalty" for amount in money.values()]
    return pd.DataFrame({"staff_id": list(money), "type": kind, "amount": np.abs(list(money.values()))} | columns)


def one_pair(first, second, *, low, high, apart) -> pd.DataFrame:
    row = {
        "first_ratee_id": first,
        "second_ratee_id": second,
        "difference": (low + high) / 2,
        "low": low,
        "high": high,
        "apart": apart,
    }
    return pd.DataFrame([row])


def test_what_was_paid_is_counted_exactly():
    rewards = pd.DataFrame({
        "staff_id": ["s00", "s00", "s01", "s02", "nobody", "s03"],
        "type": ["bonus", "penalty", "praise", "warning", "bonus", "lunch"],
        "amount": [1000, 200, np.nan, np.nan, 500, 30],
    })  # fmt: skip
    result = reward_consistency(SCORES, rewards)
    mix = result.mix.set_index("type")
    assert mix["events"].to_dict() == {"bonus": 1, "praise": 1, "penalty": 1, "warning": 1}
    assert mix.loc["penalty", "amount"] == -200 and (result.rewards, result.penalties, result.unknown) == (2, 2, 1)
    people = result.people.set_index("ratee_id")
    assert people.loc["s00", ["rewards", "penalties", "net"]].to_list() == [1, 1, 800]
    assert people.loc["s09", "net"] == 0
    assert {"unknown_people", "unknown_type", "few_rewarded", "no_pairs"} <= set(result.cautions)


def test_without_amounts_events_are_counted():
    rewards = pd.DataFrame({"staff_id": ["s00", "s01", "s01"], "type": ["penalty", "praise", "praise"]})
    result = reward_consistency(SCORES, rewards)
    assert result.basis == "events" and "no_amounts" in result.cautions
    assert result.people["net"].head(3).to_list() == [-1, 2, 0]


def test_the_rank_correlations_are_scipys():
    money = {who: 100.0 * (place // 4) for place, who in enumerate(made.IDS)}
    result = reward_consistency(SCORES, paid(money)).following.set_index("measure")
    net = list(money.values())
    assert result.loc["kendall", "estimate"] == pytest.approx(stats.kendalltau(SCORES["calibrated"], net).statistic)
    assert result.loc["spearman", "estimate"] == pytest.approx(stats.spearmanr(SCORES["calibrated"], net).statistic)


@pytest.mark.parametrize(
    ("low", "high", "apart", "net", "verdict"),
    [
        (-4, 6, False, (1000, 0), "like_unalike"),
        (-4, 6, False, (500, 500), None),  # alike, and alike rewarded
        (-1, 7, False, (1000, 0), None),  # not told apart, and not alike either: more than one error apart
        (2, 8, True, (0, 1000), "reversed"),
        (2, 8, True, (1000, 0), None),
        (2, 8, True, (500, 500), None),  # told apart and alike rewarded is not reversed
    ],
)
def test_pairs(low, high, apart, net, verdict):
    pairs = one_pair("s20", "s10", low=low, high=high, apart=apart)
    rewards = paid({"s20": net[0], "s10": net[1], "s00": 1.0})
    result = reward_consistency(SCORES, rewards, pairs=pairs)
    assert result.table["verdict"].to_list() == ([] if verdict is None else [verdict])
    assert (result.unalike, result.reversed) == (int(verdict == "like_unalike"), int(verdict == "reversed"))
    assert result.apart == int(apart)


def test_people_of_different_posts_are_not_compared():
    pairs = one_pair("s20", "s10", low=-4, high=6, apart=False)
    posts = SCORES.assign(post=["a"] * 15 + ["b"] * 15)
    result = reward_consistency(posts, paid({"s20": 1000.0}), pairs=pairs, within="post")
    assert result.table.empty and result.alike == 0


def test_the_widest_gap_stands_first():
    table = made.made("rewards", "reversed").table
    assert (table["gap"].diff().dropna() <= 0).all()


def test_the_rater_beyond_the_score_is_the_f_test_of_statsmodels():
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(0)
    scores = SCORES.assign(rater=np.array(list("abc"))[np.arange(made.PEOPLE) % 3])
    money = 50 * np.arange(made.PEOPLE) + np.where(scores["rater"] == "a", 600, 0) + 300 * rng.standard_normal(30)
    result = reward_consistency(scores, paid(dict(zip(made.IDS, money - money.min() + 1, strict=True))), rater="rater")
    data = scores.assign(net=result.people["net"])
    plain, full = (smf.ols(formula, data).fit() for formula in ("net ~ calibrated", "net ~ calibrated + rater"))
    _, p_value, _ = full.compare_f_test(plain)
    table = result.explained.set_index("source")
    assert table.loc["rater", ["estimate", "p_value"]].to_list() == pytest.approx(
        [full.rsquared - plain.rsquared, p_value]
    )
    assert table.loc["score", ["estimate", "p_value"]].to_list() == pytest.approx([plain.rsquared, plain.f_pvalue])


def test_limits_of_a_share_invert_the_noncentral_f():
    found = method.share(100.0, 70.0, 3, 26, 100.0, 0.95)
    ratio = 30 / 3 / (70 / 26)
    for end, level in (("low", 0.975), ("high", 0.025)):
        noncentrality = found[end] * 30 / (1 - found[end])
        assert stats.ncf.cdf(ratio, 3, 26, noncentrality) == pytest.approx(level, abs=1e-6)
    assert method.share(100.0, 99.0, 3, 26, 100.0, 0.95)["low"] == 0


def test_coverage_of_a_share():
    """Share .3 of the differences with a score that is normal itself."""
    hits = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal(30)
        y = np.sqrt(0.3) * x + np.sqrt(0.7) * rng.standard_normal(30)
        left = [method._residual(y, design) for design in (np.ones((30, 1)), np.column_stack([np.ones(30), x]))]
        found = method.share(*left, 1, 28, left[0], 0.95)
        hits += found["low"] <= 0.3 <= found["high"]
    assert 0.90 <= hits / 300 <= 0.98


def test_what_is_refused():
    with pytest.raises(MethodRefused, match="No reward"):
        reward_consistency(SCORES, paid({"nobody": 10.0}))
    with pytest.raises(MethodRefused, match="no score"):
        reward_consistency(SCORES.assign(calibrated=np.nan), paid({"s00": 10.0}))
