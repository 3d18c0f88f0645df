import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.penalty_reward import COLUMNS, penalty_reward


def rated(effects, n=600, seed=0, each=1, noise=1.0):
    """Scores 1..5 and an overall score that a poor or excellent score of each part moves by its pair of effects."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, 6, (n, len(effects)))
    rows = pd.DataFrame(scores, columns=list("abcdefgh")[: len(effects)]).astype(float)
    moved = [
        np.where(one <= 2, -poor, np.where(one == 5, rich, 0))
        for one, (poor, rich) in zip(scores.T, effects, strict=True)
    ]
    customer = np.arange(n) // each
    own = rng.standard_normal(n) + (rng.standard_normal(n)[customer] if each > 1 else 0)
    return rows.assign(score=np.sum(moved, axis=0) + noise * own, who=customer)


def found(rows, **options):
    names = [name for name in rows if name not in ("score", "who")]
    settings = {"scale": (1, 5), "cluster": "who", "replicates": 400} | options
    return penalty_reward(rows, outcome="score", attributes=names, **settings)


def test_estimates_are_those_of_a_regression_on_dummies():
    import statsmodels.api as sm

    rows = rated([(1.0, 0.2), (0.3, 0.9)], n=900, each=3)
    columns = {
        f"{name}{side}": test for name in "ab" for side, test in (("-", rows[name] <= 2), ("+", rows[name] == 5))
    }
    fit = sm.OLS(rows["score"], sm.add_constant(pd.DataFrame(columns).astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": rows["who"]}
    )
    result = found(rows, replicates=2000)
    table = result.table.set_index("attribute")
    assert list(result.table.columns) == COLUMNS and result.r2 == pytest.approx(fit.rsquared_adj)
    for name in "ab":
        assert table["penalty"][name] == pytest.approx(fit.params[f"{name}-"])
        assert table["reward"][name] == pytest.approx(fit.params[f"{name}+"])
        assert table["asymmetry"][name] == pytest.approx(fit.params[f"{name}-"] + fit.params[f"{name}+"])
        half = (table["penalty_high"] - table["penalty_low"])[name] / 2
        assert half == pytest.approx(1.968 * fit.bse[f"{name}-"], rel=0.1)
    assert (result.n, result.clusters, result.comparisons) == (900, 300, 2)
    assert table[["poor", "middle", "excellent"]].sum(axis=1).tolist() == [900, 900]


def test_one_attribute_is_the_difference_of_plain_means():
    rows = rated([(0.8, 0.4)])
    group = np.where(rows["a"] <= 2, "poor", np.where(rows["a"] == 5, "excellent", "middle"))
    mean = rows["score"].groupby(group).mean()
    row = found(rows).table.iloc[0]
    assert row["penalty"] == pytest.approx(mean["poor"] - mean["middle"])
    assert row["reward"] == pytest.approx(mean["excellent"] - mean["middle"])


@pytest.mark.parametrize(
    ("effect", "verdict"),
    [((1.5, 0.0), "basic"), ((0.0, 1.5), "excitement"), ((0.9, 0.9), "performance"), ((0.0, 0.0), "unclear"),
     ((-1.0, 0.0), "unclear")],
)  # fmt: skip
def test_verdicts(effect, verdict):
    row = found(rated([effect, (0.5, 0.5)])).table.iloc[0]
    assert row["verdict"] == verdict
    if verdict != "unclear":
        assert row["penalty_low"] < row["penalty"] < row["penalty_high"]


def test_p_values_invert_the_interval_and_are_corrected_over_the_attributes():
    table = found(rated([(0.3, 0.1)] * 4)).table
    for term in ("penalty", "reward", "asymmetry"):
        excludes = (table[f"{term}_low"] > 0) | (table[f"{term}_high"] < 0)
        assert (excludes == (table[f"{term}_p"] < 0.05)).all()
        assert (table[f"{term}_p_adjusted"] >= table[f"{term}_p"]).all()
        assert np.allclose(table[f"{term}_p"], table[f"{term}_p_second"], atol=0.15)


def test_an_attribute_with_a_thin_cell_is_not_judged_but_held_constant():
    rows = rated([(1.0, 0.2), (0.5, 0.5)])
    rows.loc[rows["b"].le(2) & (rows.index > 30), "b"] = 3.0
    result = found(rows)
    row = result.table.set_index("attribute").loc["b"]
    assert row["verdict"] == "too_few" and np.isnan(row["penalty"]) and row["poor"] < 20
    assert result.comparisons == 1 and result.cautions == ()


def test_where_poor_ends_and_excellent_begins():
    rows = rated([(1.0, 1.0)])
    assert found(rows).table.loc[0, ["poor", "excellent"]].tolist() == [(rows["a"] <= 2).sum(), (rows["a"] == 5).sum()]
    own = found(rows, poor=1, excellent=4).table.loc[0, ["poor", "excellent"]].tolist()
    assert own == [(rows["a"] <= 1).sum(), (rows["a"] >= 4).sum()]
    tens = rows.assign(a=np.random.default_rng(0).integers(1, 11, len(rows)).astype(float))
    wide = found(tens, scale=(1, 10)).table.loc[0, ["poor", "excellent"]].tolist()
    assert wide == [(tens["a"] <= 3).sum(), (tens["a"] >= 9).sum()]


def test_left_out_and_incomplete():
    rows = rated([(1.0, 0.2), (0.5, 0.5), (0, 0)])
    rows.loc[:399, "b"] = np.nan
    rows.loc[:149, "a"] = np.nan
    result = found(rows)
    assert result.left_out == {"b": "rarely_answered"} and result.n == 450
    assert {"left_out", "incomplete"} == set(result.cautions)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (rated([(1, 1)], n=49), "penalty_reward.too_few_answers"),
        (rated([(1, 1)] * 4, n=400, each=20), "penalty_reward.too_few_answers"),
        (rated([(1, 1)]).assign(a=3.0), "penalty_reward.no_attributes"),
        (rated([(1, 1)]).assign(score=3.0), "penalty_reward.constant_outcome"),
    ],
)
def test_refusals(rows, code):
    with pytest.raises(MethodRefused) as caught:
        found(rows)
    assert caught.value.code == code
    assert all(caught.value.text(language) for language in ("zh", "en"))


def test_noise_is_rarely_given_a_class():
    """A small part of benchmarks/drivers.py: six attributes without effect."""
    classed = [
        found(rated([(0, 0)] * 6, n=300, seed=seed), replicates=200).table["verdict"].ne("unclear").any()
        for seed in range(40)
    ]
    assert np.mean(classed) <= 0.1
