import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from sqlib.methods.shrinkage import dersimonian_laird, ranks, shrink

# Normand (1999) Statistics in Medicine 18:321, table VIII: length of stay after stroke, specialist care and routine
# management, nine studies: n, mean, standard deviation of either
STAYS = np.array(
    [
        [155, 55, 47, 156, 75, 64],
        [31, 27, 7, 32, 29, 4],
        [75, 64, 17, 71, 119, 29],
        [18, 66, 20, 18, 137, 48],
        [8, 14, 8, 13, 18, 11],
        [57, 19, 7, 52, 18, 4],
        [34, 52, 45, 33, 41, 34],
        [110, 21, 16, 183, 31, 27],
        [60, 30, 27, 52, 23, 20],
    ]
)


def stays():
    n1, mean1, sd1, n2, mean2, sd2 = STAYS.T
    pooled = ((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2)
    return mean1 - mean2, pooled * (1 / n1 + 1 / n2)


def test_normand_1999_table_ix():
    differences, variances = stays()
    np.testing.assert_allclose(variances[:4], [40.59, 2.05, 15.28, 150.22], atol=0.005)  # table VIII
    tau2, mean, error = dersimonian_laird(differences, variances)
    assert tau2 == pytest.approx(218.72, abs=0.005)
    assert mean == pytest.approx(-14.10, abs=0.005)
    assert mean + np.array([-1.96, 1.96]) * error == pytest.approx([-24.45, -3.75], abs=0.005)


def test_agrees_with_statsmodels():
    rng = np.random.default_rng(3)
    for k in (3, 8, 25):
        estimates, variances = rng.normal(0, 0.2, k), rng.uniform(0.005, 0.05, k)
        other = combine_effects(estimates, variances, method_re="dl")
        tau2, mean, error = dersimonian_laird(estimates, variances)
        np.testing.assert_allclose(
            [tau2, mean, error], [other.tau2, other.mean_effect_re, other.sd_eff_w_re], atol=1e-12
        )


def test_known_mean_of_equal_variances_is_the_textbook_moment():
    estimates = np.array([-0.3, 0.1, 0.2, 0.05])
    tau2, mean, _ = dersimonian_laird(estimates, np.full(4, 0.01), mean=0.0)
    assert tau2 == pytest.approx((estimates**2).mean() - 0.01)
    assert mean == 0.0


def test_shrunk_towards_zero_and_never_past_it():
    differences, variances = np.array([-0.3, 0.1, 0.05, 0.1, np.nan]), np.array([0.01, 0.01, 0.002, 0.03, np.nan])
    tau2, shrunk, low, high = shrink(differences, variances)
    assert tau2 > 0
    assert np.isnan(shrunk[4])
    assert np.isnan(low[4])
    pull = 1 - shrunk[:4] / differences[:4]
    assert ((pull > 0) & (pull < 1)).all()
    assert pull[2] < pull[0] < pull[3]  # the less certain, the stronger
    assert (low[:4] < shrunk[:4]).all()
    assert (shrunk[:4] < high[:4]).all()


def test_two_cells_are_left_as_they_are():
    _, shrunk, low, high = shrink([-0.2, 0.2], [0.01, 0.01])
    np.testing.assert_allclose(shrunk, [-0.2, 0.2])
    np.testing.assert_allclose(high - low, 2 * 1.959964 * 0.1, rtol=1e-6)
    assert shrink([np.nan], [np.nan])[0] == 0.0


def test_shrunk_intervals_cover_and_shrunk_estimates_are_nearer_the_truth():
    rng = np.random.default_rng(11)
    inside, raw, better = [], [], []
    for _ in range(600):
        truth, variance = rng.normal(0, 0.1, 12), rng.uniform(0.003, 0.02, 12)
        seen = rng.normal(truth, np.sqrt(variance))
        _, shrunk, low, high = shrink(seen, variance)
        inside.append(((low <= truth) & (truth <= high)).mean())
        raw.append(((seen - truth) ** 2).mean())
        better.append(((shrunk - truth) ** 2).mean())
    assert 0.93 <= np.mean(inside) <= 0.97
    assert np.mean(better) < 0.75 * np.mean(raw)


def test_ranks_are_ties_where_intervals_overlap():
    low, high = ranks([-0.4, -0.1, -0.05, np.nan, 0.2], [-0.2, 0.1, 0.1, np.nan, 0.3])
    np.testing.assert_array_equal(low, [1, 2, 2, np.nan, 4])
    np.testing.assert_array_equal(high, [1, 3, 3, np.nan, 4])
