"""Kaplan-Meier's median against published data and an independent implementation."""

import numpy as np
import pytest

from sqlib.methods import survival

# Miller (1981) Survival Analysis: acute myelogenous leukaemia, weeks to relapse; 0 is still running
AML = [
    (9, 1), (13, 1), (13, 0), (18, 1), (23, 1), (28, 0), (31, 1), (34, 1), (45, 0), (48, 1), (161, 0), (5, 1),
    (5, 1), (8, 1), (8, 1), (12, 1), (16, 0), (23, 1), (27, 1), (30, 1), (33, 1), (43, 1), (45, 1),
]  # fmt: skip
TIMES, ENDED = np.array(AML).T


def test_leukaemia_medians_published():
    """Miller (1981), p. 49: median 31 maintained, 23 not maintained; 27 together."""
    assert survival.median(TIMES, ENDED)[0] == 27
    assert survival.median(TIMES[:11], ENDED[:11])[0] == 31
    assert survival.median(TIMES[11:], ENDED[11:])[0] == 23


@pytest.mark.filterwarnings("ignore::RuntimeWarning:statsmodels")
@pytest.mark.parametrize("seed", range(8))
def test_median_and_interval_equal_statsmodels(seed):
    from statsmodels.duration.survfunc import SurvfuncRight

    rng = np.random.default_rng(seed)
    times, ended = rng.exponential(10, 60).round(1), rng.random(60) < 0.8
    other = SurvfuncRight(times, ended)
    low, high = other.quantile_ci(0.5, method="cloglog")
    np.testing.assert_allclose(survival.median(times, ended), (other.quantile(0.5), low, high))


def test_what_is_not_reached_is_open():
    middle, _, high = survival.median([1, 2, 3, 4], [True, False, False, False])
    assert np.isnan(middle) and np.isinf(high)
    assert np.isnan(survival.median([1, 2], [False, False])).all()


def test_intervals_cover():
    rng = np.random.default_rng(3)
    truth, inside = 10 * np.log(2), 0
    for _ in range(400):
        times, stop = rng.exponential(10, 40), rng.uniform(5, 40, 40)
        _, low, high = survival.median(np.minimum(times, stop), times <= stop)
        inside += low <= truth <= high
    assert 0.92 <= inside / 400 <= 0.985
