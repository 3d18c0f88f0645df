"""Random-effects meta-analysis against published results and simulated coverage."""

import numpy as np
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.meta_analysis import meta_analysis

# Colditz et al. (1994) JAMA 271:698: cases and others, vaccinated and not, in thirteen trials of the BCG vaccine
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
])  # fmt: skip


@pytest.fixture(scope="module")
def trials():
    """Log risk ratios and their standard errors."""
    a, b, c, d = BCG.T.astype(float)
    return np.log(a / (a + b) / (c / (c + d))), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def test_vaccine_trials_as_metafor_prints_them(trials):
    """Viechtbauer (2010) J Stat Softw 36(3): REML tau2 .3132, mean -.7145, se .1798 (normal), I2 92.22 %, Q 152.2330;
    limits of tau2 .1197 to 1.1115; Paule-Mandel's tau2 .3181; Hartung-Knapp limits -1.1084 to -.3206."""
    found = meta_analysis(*trials)
    assert found.tau2 == pytest.approx(0.3132, abs=5e-5) and found.estimate == pytest.approx(-0.7145, abs=5e-5)
    assert (1 / (trials[1] ** 2 + found.tau2)).sum() ** -0.5 == pytest.approx(0.1798, abs=5e-5)
    assert (found.tau2_low, found.tau2_high) == pytest.approx((0.1197, 1.1115), abs=5e-5)
    assert found.i2 == pytest.approx(0.9222, abs=5e-5) and found.q == pytest.approx(152.2330, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((-1.1084, -0.3206), abs=5e-5)
    assert meta_analysis(*trials, method="paule_mandel").tau2 == pytest.approx(0.3181, abs=5e-5)
    assert found.prediction_low < found.low and found.q_p < 1e-20


def test_reml_against_a_dense_likelihood(trials):
    from scipy.optimize import minimize_scalar

    y, se = trials[0][:5], trials[1][:5]

    def loss(tau2):
        inverse, one = np.diag(1 / (se**2 + tau2)), np.ones((5, 1))
        information = one.T @ inverse @ one
        left = inverse - inverse @ one @ np.linalg.inv(information) @ one.T @ inverse
        return float(-np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(information)[1] + y @ left @ y)

    best = minimize_scalar(loss, bounds=(0, 5), method="bounded", options={"xatol": 1e-10}).x
    assert meta_analysis(y, se).tau2 == pytest.approx(best, abs=1e-6)


def test_places_that_agree_are_not_taken_for_certain():
    found = meta_analysis([1.0, 1.01, 0.99], [0.5, 0.5, 0.5])
    bare = meta_analysis([1.0, 1.01, 0.99], [0.5, 0.5, 0.5], floor=False)
    assert found.tau2 == 0 and found.se == pytest.approx(0.5 / np.sqrt(3)) and bare.se < 0.01
    assert found.table["shrunk"].between(0.99, 1.01).all()


def test_two_places_predict_nothing_and_shrink_nothing():
    found = meta_analysis([1.0, 3.0], [0.5, 0.5])
    assert np.isnan(found.prediction_low) and list(found.table["shrunk"]) == [1.0, 3.0]


@pytest.mark.parametrize("code, given", [
    ("too_few", ([1.0], [0.1])), ("bad_error", ([1.0, 2.0], [0.1, 0.0])), ("bad_error", ([1.0, np.nan], [0.1, 0.1])),
])  # fmt: skip
def test_refusals(code, given):
    with pytest.raises(MethodRefused) as caught:
        meta_analysis(*given)
    assert caught.value.code == f"meta_analysis.{code}" and "remedy" in caught.value.parts("zh")


def test_unknown_method_is_refused():
    with pytest.raises(MethodRefused, match="reml"):
        meta_analysis([1.0, 2.0], [1.0, 1.0], method="median")


def test_mean_prediction_and_shrunk_cover():
    """200 sets of five places: 95 % within Monte Carlo error."""
    rng = np.random.default_rng(1)
    covers = np.zeros((200, 3))
    for run in range(200):
        true, error = 0.5 + 0.5 * rng.standard_normal(6), rng.uniform(0.2, 0.8, 5)
        found = meta_analysis(true[:5] + error * rng.standard_normal(5), error)
        own = (found.table["shrunk_low"] <= true[:5]) & (true[:5] <= found.table["shrunk_high"])
        covers[run] = (found.low <= 0.5 <= found.high, found.prediction_low <= true[5] <= found.prediction_high,
                       own.mean())  # fmt: skip
    assert (covers.mean(axis=0) > 0.91).all()
