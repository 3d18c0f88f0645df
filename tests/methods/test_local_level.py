"""Local level with noise, independent or AR(1): against a dense likelihood and the state space of statsmodels."""

import functools

import numpy as np
import pytest
from scipy import linalg, stats

from sqlib.methods import local_level


@pytest.fixture
def made():
    rng = np.random.default_rng(4)
    matrix = np.column_stack([np.ones(40), rng.standard_normal(40)])
    return 5 + matrix[:, 1] + rng.standard_normal(40) + 0.2 * rng.standard_normal(40).cumsum(), matrix


def at(monkeypatch, ratio, phi):
    """Only one ratio and one phi on the grid."""
    monkeypatch.setattr(local_level, "RATIOS", np.array([ratio]))
    monkeypatch.setattr(local_level, "PHIS", np.array([phi]))
    monkeypatch.setattr(local_level, "PRIOR_PHI", np.ones(1))
    monkeypatch.setattr(local_level, "_bases", functools.lru_cache(local_level._bases.__wrapped__))


def covariance(time, ratio, phi):
    return ratio**2 * np.minimum.outer(time, time) + phi ** np.abs(np.subtract.outer(time, time))


def test_weights_are_the_marginal_likelihood_of_the_contrasts(made):
    values, matrix = made
    seen = np.delete(np.arange(30), [4, 17])
    free = linalg.null_space(matrix[seen].T)
    expected = []
    for phi, prior in zip(local_level.PHIS, local_level.PRIOR_PHI, strict=True):
        for ratio in local_level.RATIOS:
            part = free.T @ covariance(seen.astype(float), ratio, phi) @ free
            square = values[seen] @ free @ np.linalg.solve(part, free.T @ values[seen])
            expected.append(np.log(prior) - (np.linalg.slogdet(part)[1] + free.shape[1] * np.log(square)) / 2)
    expected = np.exp(np.array(expected) - max(expected))
    found = local_level.fit(values[seen], matrix, seen).weight.ravel()
    assert found == pytest.approx(expected / expected.sum(), abs=1e-9)


@pytest.mark.parametrize(("ratio", "phi"), [(0.25, 0.0), (0.4, 0.45)])
def test_forecast_at_one_point_is_that_of_the_state_space(monkeypatch, made, ratio, phi):
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    values, matrix = made
    at(monkeypatch, ratio, phi)
    posterior = local_level.fit(values[:30], matrix, np.arange(30))
    later = np.eye(40)[30:]
    found = posterior.forecast(local_level.Target(later, later, np.zeros(10)))
    kind = {"level": "random walk", "autoregressive": 1} if phi else {"level": "local level"}
    kind |= {"mle_regression": False, "use_exact_diffuse": True}
    model = UnobservedComponents(values[:30], exog=matrix[:30, 1:], **kind)
    noise = posterior.noise() ** 2
    step = ratio**2 * noise
    params = {"sigma2.irregular": noise, "sigma2.level": step, "sigma2.ar": noise * (1 - phi**2), "ar.L1": phi}
    fitted = model.smooth([params[name] for name in model.param_names])
    other = fitted.get_forecast(10, exog=matrix[30:, 1:])
    assert found.mean == pytest.approx(other.predicted_mean, rel=1e-6)
    assert found.scale[0] == pytest.approx(np.sqrt(other.var_pred_mean), rel=1e-5)


def test_level_within_is_that_of_the_smoother(monkeypatch, made):
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    values, _ = made
    at(monkeypatch, 0.3, 0.0)
    posterior = local_level.fit(values[:30], np.ones((30, 1)), np.arange(30))
    found = posterior.forecast(local_level.Target(np.eye(30), np.zeros((30, 30)), np.zeros(30)))
    model = UnobservedComponents(values[:30], level="local level", use_exact_diffuse=True)
    noise = posterior.noise() ** 2
    other = model.smooth([noise, 0.09 * noise])
    assert found.mean == pytest.approx(other.smoothed_state[0], rel=1e-6)
    assert found.scale[0] == pytest.approx(np.sqrt(other.smoothed_state_cov[0, 0]), rel=1e-5)


def test_innovations_are_white_where_the_model_holds(monkeypatch):
    rng, phi = np.random.default_rng(2), 0.6
    at(monkeypatch, 0.0, phi)
    noise = rng.standard_normal(400)
    for t in range(1, 400):
        noise[t] = phi * noise[t - 1] + np.sqrt(1 - phi**2) * noise[t]
    shock = local_level.fit(noise, np.ones((400, 1)), np.arange(400)).innovations()
    raw, white = (np.corrcoef(part[1:], part[:-1])[0, 1] for part in (noise, shock))
    assert raw > 0.5 and abs(white) < 0.15


def test_coefficients_are_generalised_least_squares(monkeypatch, made):
    values, matrix = made
    at(monkeypatch, 0.5, 0.3)
    inverse = np.linalg.inv(covariance(np.arange(30.0), 0.5, 0.3))
    part = matrix[:30]
    bread = np.linalg.inv(part.T @ inverse @ part)
    expected = bread @ part.T @ inverse @ values[:30]
    posterior = local_level.fit(values[:30], matrix, np.arange(30))
    found = posterior.coefficients()
    assert found.mean == pytest.approx(expected, rel=1e-8)
    assert found.scale[0] == pytest.approx(posterior.noise() * np.sqrt(np.diag(bread)), rel=1e-8)


def test_quantiles_and_moments_of_a_mixture():
    mixed = local_level.Mixture(np.array([0.3, 0.7]), np.array([[0.0], [2.0]]), np.array([[1.0], [0.5]]), 9.0)
    for share in (0.025, 0.5, 0.975):
        assert mixed.below(mixed.quantile(share))[0] == pytest.approx(share, abs=1e-7)
    single = local_level.Mixture(np.ones(1), np.array([[1.0]]), np.array([[2.0]]), 9.0)
    assert single.quantile(0.975)[0] == pytest.approx(1 + 2 * stats.t.ppf(0.975, 9))
    assert single.sd[0] == pytest.approx(2 * stats.t.std(9))
    draws = np.where(np.arange(10) < 3, 0.0, 2.0)
    assert mixed.mean[0] == pytest.approx(draws.mean())
