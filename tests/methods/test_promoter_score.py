import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sqlib.errors import MethodRefused
from sqlib.methods import promoter_score as nps
from sqlib.methods.samples import Sample


def answers(promoters, passives, detractors):
    return pd.DataFrame(
        {"score": np.repeat([9, 10, 7, 6], [promoters // 2, promoters - promoters // 2, passives, detractors])}
    )


def test_variance_formula():
    """1/2 promoters, 1/3 passives, 1/6 detractors: score 1/3 and variance 5/9, so a standard error of 4.1 points at
    n = 324 (W. Huber, Cross Validated 18603); the adjusted interval is then 1.96 * 4.1 within a tenth of a point."""
    row = nps.promoter_score(answers(162, 108, 54), score="score").table.iloc[0]
    assert row.estimate == pytest.approx(100 / 3)
    assert (row.high - row.low) / 2 == pytest.approx(1.96 * 100 * np.sqrt(5 / 9 / 324), abs=0.1)
    assert (row.promoters, row.passives, row.detractors) == tuple(map(pytest.approx, (1 / 2, 1 / 3, 1 / 6)))


def test_adjusted_wald_written_out():
    """Rocks (2016): 3/4 added to promoters and detractors, 3/2 to passives; 291, 476 and 395 answers."""
    row = nps.promoter_score(answers(291, 476, 395), score="score").table.iloc[0]
    up, down, n = 291.75, 395.75, 1165
    centre = (up - down) / n
    half = stats.norm.ppf(0.975) * np.sqrt(((up + down) / n - centre**2) / n)
    np.testing.assert_allclose([row.low, row.high], [100 * (centre - half), 100 * (centre + half)])
    assert round(row.estimate) == -9
    assert row.method == "adjusted_wald"


def test_limits_stay_on_the_scale_and_hold_the_estimate():
    for counts in ((12, 0, 0), (0, 12, 0), (0, 0, 12), (1, 1, 0), (5, 0, 5)):
        row = nps.promoter_score(answers(*counts), score="score").table.iloc[0]
        assert -100 <= row.low <= row.estimate <= row.high <= 100
        assert row.high > row.low


def test_change_is_antisymmetric_and_reflects_overlap():
    rng = np.random.default_rng(0)
    before = rng.integers(4, 11, 150)
    after = np.where(rng.random(150) < 0.8, before, rng.integers(4, 11, 150))
    data = pd.DataFrame(
        {"score": np.r_[before, after], "t": np.repeat(["p", "c"], 150), "id": np.tile(np.arange(150), 2)}
    )
    there = nps.difference(data, score="score", group="t", first="p", second="c").table.iloc[0]
    back = nps.difference(data, score="score", group="t", first="c", second="p").table.iloc[0]
    paired = nps.difference(data, score="score", group="t", first="p", second="c", cluster="id").table.iloc[0]
    np.testing.assert_allclose([there.low, there.high, there.p_value], [-back.high, -back.low, back.p_value])
    assert paired.high - paired.low < 0.7 * (there.high - there.low)
    assert there.estimate == pytest.approx(there.estimate_second - there.estimate_first)


def test_change_is_close_to_welchs_in_large_samples():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"score": rng.integers(0, 11, 2000), "t": rng.integers(0, 2, 2000)})
    sign = (data["score"] >= 9).astype(int) - (data["score"] <= 6)
    row = nps.difference(data, score="score", group="t", first=0, second=1).table.iloc[0]
    welch = stats.ttest_ind(sign[data["t"] == 1], sign[data["t"] == 0], equal_var=False)
    np.testing.assert_allclose([row.low, row.high], 100 * np.array(welch.confidence_interval()), atol=0.1)
    assert row.p_value == pytest.approx(welch.pvalue, abs=0.01)
    assert row.p_second == pytest.approx(welch.pvalue, abs=0.05)


def test_target_weight_cluster_and_base():
    data = answers(60, 25, 15).assign(customer=np.tile(np.arange(50), 2), w=np.tile([0.5, 1.5], 50), team="a")
    result = nps.promoter_score(data, score="score", by="team", cluster="customer", weight="w", target=30)
    row = result.table.iloc[0]
    assert (row.method, row.n, row.clusters, result.comparisons) == ("adjusted_wald_clustered", 100, 50, 1)
    assert (row.p_value <= 0.05) == (not row.low <= 30 <= row.high)
    base = nps.promoter_score(data, score="score", population=200, target=30).table.iloc[0]
    free = nps.promoter_score(data, score="score", target=30).table.iloc[0]
    assert base.p_value < free.p_value
    assert base.p_second < free.p_second
    assert (base.high - base.low) / (free.high - free.low) == pytest.approx(np.sqrt(0.5), abs=0.01)


@pytest.mark.parametrize(("scores", "scale_min"), [([11, 3], 0), ([-1, 3], 0), ([8.5, 3], 0), ([0, 3], 1)])
def test_scores_off_the_scale_are_refused(scores, scale_min):
    with pytest.raises(MethodRefused) as refused:
        nps.promoter_score(pd.DataFrame({"score": scores}), score="score", scale_min=scale_min)
    assert refused.value.code == "promoter_score.off_scale"
    assert all(f"{scores[0]:g}" in refused.value.parts(language)["got"] for language in ("zh", "en"))


def test_a_declared_scale_from_one_is_a_caution():
    data = pd.DataFrame({"score": [1, 9, 10, 7, None]})
    result = nps.promoter_score(data, score="score", scale_min=1)
    assert result.cautions[-1] == "scale_from_one"
    assert result.missing == 1


@pytest.mark.parametrize("shares", [(0.1, 0.05, 0.85), (0.05, 0.25, 0.7), (0.3, 0.4, 0.3)])
def test_coverage(shares):
    """20 independent answers and 30 customers with 4 correlated ones; the full grid: benchmarks/coverage.py."""
    rng, cuts, truth = np.random.default_rng(2), np.cumsum(shares)[:2], shares[2] - shares[0]
    for cluster, correlation in ((np.arange(20), 0.0), (np.repeat(np.arange(30), 4), 0.2)):
        common = rng.random((3000, cluster.max() + 1))[:, cluster]
        uniform = np.where(rng.random(common.shape) < np.sqrt(correlation), common, rng.random(common.shape))
        sample = Sample((uniform[..., None] > cuts).sum(-1) - 1.0, cluster, None)
        low, high = nps.interval(*nps.information_of(sample), 0.05)
        assert 0.925 < ((low <= truth + 1e-9) & (high >= truth - 1e-9)).mean() < 0.98
