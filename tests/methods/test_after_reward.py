import made_follow_up as made
import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.after_reward import after_reward


def history(before, after) -> pd.DataFrame:
    parts = [pd.DataFrame({"ratee_id": made.IDS[: len(before)], "period": period, "corrected": values})
             for period, values in (("2026Q1", before), ("2026Q2", after))]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def praised(count, kind="praise") -> pd.DataFrame:
    return pd.DataFrame({"staff_id": made.IDS[:count], "type": kind, "period": "2026Q1"})


def test_the_excess_is_the_analysis_of_covariance():
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(0)
    before = rng.standard_normal(30)
    after = 0.6 * before + rng.standard_normal(30)
    result = after_reward(history(before, after), praised(9))
    data = pd.DataFrame({"before": before, "after": after, "kind": np.arange(30) < 9}).astype({"kind": float})
    fit = smf.ols("after ~ before + kind", data).fit()
    row = result.table.set_index("kind").loc["reward"]
    assert row["estimate"] == pytest.approx(fit.params["kind"]) and result.stability == pytest.approx(
        fit.params["before"]
    )
    assert (row["high"] - row["low"]) == pytest.approx(2 * stats_reach(fit), rel=0.35)
    assert (row["n"], result.n, result.others) == (9, 30, 21)


def stats_reach(fit) -> float:
    return float((fit.conf_int().loc["kind", 1] - fit.conf_int().loc["kind", 0]) / 2)


def test_a_known_reliability_predicts_the_fall():
    """Galton: people 10 above the mean, reliability .6, are expected to fall by 4."""
    before = np.array([10.0] * 6 + [-60 / 24] * 24)
    after = 0.6 * before
    row = after_reward(history(before, after + np.tile([0.1, -0.1], 15)), praised(6), reliability=0.6).table.iloc[0]
    assert row["before"] == pytest.approx(10) and row["expected"] == pytest.approx(-4)
    assert row["observed"] == pytest.approx(-4, abs=0.1) and row["verdict"] == "within_regression"


def test_an_uncertain_reliability_widens_the_expectation():
    before = np.array([10.0] * 6 + [-60 / 24] * 24) + np.tile([0.5, -0.5], 15)
    rows = history(before, 0.6 * before)
    sure, unsure = (after_reward(rows, praised(6), reliability=given).table.iloc[0] for given in (0.6, (0.6, 0.4, 0.8)))
    assert sure["expected_low"] == sure["expected_high"] == pytest.approx(sure["expected"])
    assert unsure["expected_high"] - unsure["expected_low"] == pytest.approx(0.4 * 10, abs=0.1)
    assert unsure["high"] - unsure["low"] > sure["high"] - sure["low"]


def test_regression_alone_is_called_so_and_an_effect_is_seen():
    verdicts = {
        effect: [made.moved(effect, seed=seed).table["verdict"].iloc[0] for seed in range(60)] for effect in (0, 3)
    }
    assert verdicts[0].count("within_regression") >= 53  # a 5 % test: eight or more alarms have probability .01
    assert verdicts[3].count("beyond_up") >= 55


def test_penalties_rise_by_themselves_too():
    table = made.moved(0.0, kind="penalty").table.set_index("kind")
    assert table.loc["penalty", "expected"] > 0 and table.loc["penalty", "verdict"] == "within_regression"
    assert table.loc["reward", "verdict"] == "too_few"


def test_who_got_both_is_left_out_and_counted():
    rng = np.random.default_rng(1)
    rows = history(rng.standard_normal(30), rng.standard_normal(30))
    both = pd.concat([praised(8), praised(2, "warning")])
    result = after_reward(rows, both)
    assert result.both == 2 and result.n == 28 and result.cautions == ("both",)
    assert result.table.set_index("kind").loc["reward", "n"] == 6


def test_a_period_that_moved_everybody_moves_nobody():
    rng = np.random.default_rng(2)
    before = rng.standard_normal(30)
    after = 0.5 * before + rng.standard_normal(30)
    plain, shifted = (after_reward(history(before, after + shift), praised(8)).table.iloc[0] for shift in (0, 50))
    assert plain["estimate"] == pytest.approx(shifted["estimate"]) and plain["observed"] == pytest.approx(
        shifted["observed"]
    )


def test_the_last_period_has_no_next_score():
    rng = np.random.default_rng(3)
    rows = history(rng.standard_normal(30), rng.standard_normal(30))
    last = praised(8).assign(period="2026Q2")
    assert after_reward(rows, last).table["n"].sum() == 0


def test_what_is_refused():
    rows = history(np.arange(30.0), np.arange(30.0))
    with pytest.raises(MethodRefused, match="two periods"):
        after_reward(rows[rows["period"] == "2026Q1"], praised(6))
    with pytest.raises(MethodRefused, match="nobody to compare"):
        after_reward(rows, praised(25))
    with pytest.raises(MethodRefused, match="between 0 and 1"):
        after_reward(rows, praised(6), reliability=1.4)
