"""Interrupted time series against published numbers, statsmodels, a dense likelihood, and simulation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from scipy.linalg import toeplitz

from sqlib.errors import MethodRefused
from sqlib.methods import autoregression, count_series, interruption, serial_details
from sqlib.methods import interrupted_time_series as its

SHARED = Path(__file__).parents[2] / "../shared"
SICILY = {  # Lopez Bernal et al. 2017, Int J Epidemiol 46:348, recomputed by two programs: ratio, low, high, dispersion
    (None, "level"): (0.8943765, 0.8391890, 0.9531933, 3.559195),
    (2, "level"): (0.8850715, 0.8394010, 0.9332270, 2.262186),
}
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="shared folder absent")


def noise(seed, n, phi=0.3, runs=None):
    rng = np.random.default_rng(seed)
    made = rng.standard_normal((runs or 1, n + 50))
    for t in range(1, n + 50):
        made[:, t] += phi * made[:, t - 1]
    return made[:, 50:] if runs else made[0, 50:]


def figure(effect, name):
    return float(effect.details.set_index("name").loc[name, "estimate"])


def dense(y, matrix):
    """phi, coefficients, covariance by REML with a full correlation matrix and scipy; NaN left out."""
    seen = np.flatnonzero(~np.isnan(y))
    y, matrix = y[seen], matrix[seen]

    def solved(phi):
        inverse = np.linalg.inv(phi ** np.abs(seen[:, None] - seen))
        information = matrix.T @ inverse @ matrix
        beta = np.linalg.solve(information, matrix.T @ inverse @ y)
        rest = (y - matrix @ beta) @ inverse @ (y - matrix @ beta)
        spare = len(y) - matrix.shape[1]
        deviance = -np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(information)[1] + spare * np.log(rest)
        return deviance, beta, rest / spare * np.linalg.inv(information)

    return optimize.minimize_scalar(lambda phi: solved(phi)[0], bounds=(0, 0.95), method="bounded").x, solved


@pytest.mark.parametrize("missing", [[], [3, 4, 20]])
def test_reml_equals_a_dense_likelihood_with_and_without_missing_periods(missing):
    y = noise(4, 40, 0.5)
    y[missing] = np.nan
    matrix = interruption.design(40, 24).matrix
    fitted = autoregression.fit(y, matrix, order=1)
    best, solved = dense(y, matrix)
    assert fitted.phi[0] == pytest.approx(best, abs=0.0126)  # half a step of the grid
    _, beta, covariance = solved(fitted.phi[0])
    np.testing.assert_allclose(fitted.coefficients[0], beta, rtol=1e-8)
    np.testing.assert_allclose(fitted.covariance[0], covariance, rtol=1e-8)


def test_second_order_whitening_inverts_its_own_correlation():
    lags = autoregression.lags(0.5, 0.3, 30)
    white = autoregression.whiten(np.eye(30), 0.5, 0.3)
    np.testing.assert_allclose(white @ toeplitz(lags) @ white.T, np.eye(30), atol=1e-12)


def test_glsar_and_sarimax_of_statsmodels_agree():
    import statsmodels.api as sm

    y = noise(5, 150, 0.5) + 2 * (np.arange(150) >= 100)
    found = its.many(y, 100, order=1).iloc[0]
    other = sm.GLSAR(y, interruption.design(150, 100).matrix, rho=1)
    other.iterative_fit(50)
    assert found["effect"] == pytest.approx(other.fit().params[2], abs=0.25 * found["se"])  # drops a period
    table = its.arma_sensitivity(y, 100)
    assert table["converged"].all()
    assert (table["effect"] - found["effect"]).abs().max() < 0.25 * found["se"]
    assert table.loc[0, "se"] == pytest.approx(found["se"], rel=0.1)


@needs_shared
@pytest.mark.parametrize("case", SICILY)
def test_sicily(case):
    data = pd.read_csv(SHARED / "reference/its/sicily.csv")
    harmonics, shape = case
    season = {"season": 12, "harmonics": harmonics} if harmonics else {}
    found = its.estimate(data["aces"], 36, shape=shape, family="poisson", denominator=data["stdpop"], **season)
    ratio, low, high, dispersion = SICILY[case]
    row = found.details.set_index("name").loc["ratio_unwidened"]
    np.testing.assert_allclose(row.to_numpy(dtype=float), [ratio, low, high], atol=1e-5)
    assert figure(found, "dispersion") == pytest.approx(dispersion, abs=1e-4)
    assert "autocorrelation" in found.cautions
    assert found.percent_low < low - 1 < ratio - 1 < high - 1 < found.percent_high  # widened


@needs_shared
def test_sicily_slope_change_newey_west_and_negative_binomial():
    data = pd.read_csv(SHARED / "reference/its/sicily.csv")
    options = {"season": 12, "harmonics": 2, "denominator": data["stdpop"]}
    slope = its.estimate(data["aces"], 36, shape="level_slope", family="poisson", **options)
    assert figure(slope, "slope") == pytest.approx(0.001482228, abs=1e-6)
    assert np.exp(figure(slope, "step") - figure(slope, "slope")) == pytest.approx(0.8764644, abs=1e-5)  # at month 36
    design = interruption.design(59, 36, season=12, harmonics=2)
    fitted = count_series.fit(data["aces"].to_numpy(float), design.matrix, "poisson", data["stdpop"].to_numpy())
    for lag, published in ((3, 0.02176802), (12, 0.01539066)):
        covariance = serial_details.newey_west(fitted.scores, fitted.bread, lag)
        assert np.sqrt(covariance[-1, -1]) == pytest.approx(published, abs=1e-6)
    two = its.estimate(data["aces"], 36, family="negative_binomial", **options)
    assert figure(two, "alpha") == pytest.approx(0.00119, abs=1e-5)
    assert figure(two, "ratio") == pytest.approx(0.884, abs=5e-4)


@needs_shared
def test_hospital_infections_fell_and_deaths_rose():
    data = pd.read_csv(SHARED / "data/hospital_spc_qicharts2/cdi.csv")
    found = its.estimate(data["n"], 24, family="poisson", denominator=data["days"] / 1e4, trend=False)
    assert found.effect == pytest.approx(85 / 16.9697 - 449 / 34.4742, abs=1e-3)  # pooled rates
    assert found.high < 0 and "no_trend" in found.cautions
    deaths = pd.read_csv(SHARED / "data/interventions_causalpy/deaths_and_temps_england_wales.csv")
    rose = its.estimate(deaths["deaths"], 168, season=12, terms=deaths[["temp"]])
    assert rose.low > 0 and rose.n_after == 29 and figure(rose, "term:temp") < 0


def test_coverage_of_a_level_change():
    for phi in (0.0, 0.6):
        table = its.many(noise(7, 36, phi, 1500), 24)
        assert 0.92 <= ((table["low"] <= 0) & (table["high"] >= 0)).mean() <= 0.98


def test_one_and_many_agree_and_rows_without_values_are_empty():
    made = noise(8, 36, 0.3, 4)
    made[1, 5] = np.nan
    made[2, 20:] = np.nan
    made[3] = 4.0
    table = its.many(made, 24, shape="level_slope", wash_in=2)
    one = its.estimate(made[1], 24, shape="level_slope", wash_in=2)
    np.testing.assert_allclose(table.loc[1, ["effect", "se", "df"]].to_numpy(float), [one.effect, one.se, one.df])
    assert table.loc[[2, 3], "effect"].isna().iloc[0] and table.loc[3, "se"] != table.loc[3, "se"]
    assert one.n_after == 10 and one.cautions[-1:] != ("no_trend",) and "missing_periods" in one.cautions


@pytest.mark.parametrize(
    ("options", "truth"),
    [
        ({"shape": "level_slope"}, 3 + 0.5 * 5.5),
        ({"shape": "ramp", "ramp": 6}, 4),
        ({"shape": "exposure", "exposure": np.r_[np.zeros(24), np.linspace(0.1, 0.9, 12)]}, 5),
        ({"season": 12}, 3),
        ({"wash_in": 3}, 3),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_every_shape_finds_what_was_planted(options, truth):
    time = np.arange(36)
    since = time - 24
    dose = {"level_slope": 3 + 0.5 * since, "ramp": 4 * np.minimum((since + 1) / 6, 1)}.get(options.get("shape"), 3.0)
    dose = 5 * options["exposure"] if "exposure" in options else dose
    y = 50 + 0.1 * time + np.where(since >= 0, dose, 0) + 0.01 * noise(9, 36, 0)
    y += 2 * np.sin(2 * np.pi * time / 12) if "season" in options else 0
    y[24:26] += 30 if "wash_in" in options else 0
    found = its.estimate(y, 24, **options)
    assert found.effect == pytest.approx(truth, abs=0.1) and found.low < found.effect < found.high
    assert found.percent_low < found.percent < found.percent_high
    assert found.path["expected"].iloc[30] == pytest.approx(53 + 2 * np.sin(np.pi * 5) * ("season" in options), abs=0.1)


def test_effect_and_percent_agree_about_zero():
    for seed in range(30):
        found = its.estimate(20 + noise(seed, 30), 18)
        assert (found.low > 0) == (found.percent_low > 0) and (found.high < 0) == (found.percent_high < 0)


def test_shares_stay_between_0_and_1_and_zeros_are_valid():
    rng = np.random.default_rng(3)
    share = its.estimate(rng.binomial(60, np.r_[np.full(24, 0.9), np.full(12, 0.97)]), 24, family="binomial",
                         denominator=np.full(36, 60.0))  # fmt: skip
    assert share.path[["low", "expected", "high"]].stack().between(0, 1).all() and 0 < share.effect < 0.2
    rare = its.estimate(rng.poisson(np.r_[np.full(24, 2.0), np.full(12, 0.7)]), 24, family="poisson")
    assert rare.effect < 0 and "rare_events" in rare.cautions


RISING = np.arange(36.0)


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("interrupted_time_series.no_noise", lambda: its.estimate(np.full(36, 4.0), 24)),
        ("interrupted_time_series.no_noise", lambda: its.estimate(RISING, 24)),
        ("interrupted_time_series.too_few", lambda: its.estimate(noise(1, 36), 1)),
        ("interrupted_time_series.too_few", lambda: its.estimate(np.r_[noise(1, 24), np.full(12, np.nan)], 24)),
        ("interrupted_time_series.start_outside", lambda: its.estimate(noise(1, 36), 36)),
        ("interrupted_time_series.start_outside", lambda: its.estimate(noise(1, 36), 24.5)),
        ("interrupted_time_series.not_finite", lambda: its.estimate(np.r_[noise(1, 35), np.inf], 24)),
        ("interrupted_time_series.not_finite", lambda: its.estimate(["a"] * 36, 24)),
        ("interrupted_time_series.two_seasons", lambda: its.estimate(noise(1, 36), 20, season=12)),
        ("interrupted_time_series.too_many_points", lambda: its.estimate(noise(1, 1501), 24)),
        ("interrupted_time_series.bad_wash_in", lambda: its.estimate(noise(1, 36), 24, wash_in=-1)),
        ("interrupted_time_series.no_ramp", lambda: its.estimate(noise(1, 36), 24, shape="ramp")),
        ("interrupted_time_series.bad_exposure", lambda: its.estimate(noise(1, 36), 24, shape="exposure")),
        ("interrupted_time_series.unknown_shape", lambda: its.estimate(noise(1, 36), 24, shape="jump")),
        ("interrupted_time_series.bad_terms", lambda: its.estimate(noise(1, 36), 24, terms=np.ones(35))),
        ("interrupted_time_series.collinear", lambda: its.estimate(noise(1, 36), 24, terms=RISING >= 24)),
        ("interrupted_time_series.too_many_terms", lambda: its.estimate(noise(1, 12), 8, terms=np.eye(12)[:, :8])),
        ("interrupted_time_series.irregular",
         lambda: its.estimate(pd.Series(noise(1, 36), pd.to_timedelta(RISING**2, "D") + pd.Timestamp(2024, 1, 1)), 24)),
        ("count_series.negative", lambda: its.estimate(RISING - 3, 24, family="poisson")),
        ("count_series.not_whole", lambda: its.estimate(RISING + 0.5, 24, family="poisson")),
        ("count_series.no_denominator", lambda: its.estimate(RISING, 24, family="binomial")),
        ("count_series.too_many", lambda: its.estimate(RISING, 24, family="binomial", denominator=np.full(36, 20.0))),
        ("count_series.none_happened", lambda: its.estimate(RISING * (RISING < 24), 24, family="poisson")),
        ("count_series.unknown_family", lambda: its.estimate(RISING, 24, family="normal")),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_both_languages(code, call):
    with pytest.raises(MethodRefused) as refused:
        call()
    assert refused.value.code == code
    for language in ("zh", "en"):
        assert set(refused.value.parts(language)) == {"what", "where", "got", "remedy"}


def test_fifteen_hundred_points_are_no_trouble():
    found = its.estimate(noise(2, 1500, 0.5), 1200)
    assert abs(found.effect) < 4 * found.se and figure(found, "phi") == pytest.approx(0.5, abs=0.1)


def test_a_season_may_be_told_from_both_sides():
    y = noise(3, 30) + 3 * np.sin(2 * np.pi * np.arange(30) / 12) + 4.0 * (np.arange(30) >= 18)
    found = its.estimate(y, 18, season=12, both_sides=True, trend=False)
    assert found.low < 4 < found.high and figure(found, "season_share") > 0.3
    row = its.many(y[None], 18, season=12, both_sides=True, trend=False, order=2).iloc[0]
    assert row["effect"] == pytest.approx(found.effect) and row["se"] == pytest.approx(found.se)
    for start in (11, 8):
        with pytest.raises(MethodRefused):
            its.estimate(y, start, season=12, both_sides=True)


def test_limits_of_counts_stay_above_all_gone():
    y = np.r_[np.random.default_rng(1).poisson(30, 24), np.random.default_rng(2).poisson(1.0, 8)].astype(float)
    found = its.estimate(y, 24, family="poisson", trend=False)
    expected = found.path["expected"][24:].mean()
    assert -expected < found.low < found.effect < found.high and found.low > -1.01 * expected
    assert found.percent_low > -1 and found.percent == pytest.approx(found.effect / expected)
    share = its.estimate(y, 24, family="binomial", denominator=np.full(32, 60.0), trend=False)
    level = share.path["expected"][24:].mean()
    assert -level < share.low and share.high < 1 - level


LONGLEY = np.array([  # employed, GNP, population of the United States 1947-62 (Longley 1967, JASA 62:819)
    [60.323, 234.289, 107.608], [61.122, 259.426, 108.632], [60.171, 258.054, 109.773], [61.187, 284.599, 110.929],
    [63.221, 328.975, 112.075], [63.639, 346.999, 113.270], [64.989, 365.385, 115.094], [63.761, 363.112, 116.219],
    [66.019, 397.469, 117.388], [67.857, 419.180, 118.734], [68.169, 442.769, 120.445], [66.513, 444.546, 121.950],
    [68.655, 482.704, 123.366], [69.564, 502.601, 125.368], [69.331, 518.173, 127.852], [70.551, 554.894, 130.081],
])  # fmt: skip


def test_published_reml_of_the_longley_figures():
    # gls of nlme, corAR1, REML (Faraway, Linear Models with R, section 6.1): phi .6442, here on a grid of .025
    fitted = autoregression.fit(LONGLEY[:, 0], np.column_stack([np.ones(16), LONGLEY[:, 1:]]), order=1)
    assert fitted.phi[0] == pytest.approx(0.6442, abs=0.0125)
    assert fitted.coefficients[0] == pytest.approx([101.858133, 0.072071, -0.548513], rel=0.003)
    errors = np.sqrt(np.diag(fitted.covariance[0]))
    assert errors == pytest.approx([14.198932, 0.010606, 0.154130], rel=0.003)
    assert fitted.variance[0] ** 0.5 == pytest.approx(0.689207, rel=0.01)


@pytest.mark.parametrize("scale, shift", [(1.0, 1e6), (1e6, 0.0), (1e-6, 0.0), (-1.0, 1e6), (1e3, -1e8)])
def test_units_and_origin_of_the_scale_change_nothing(scale, shift):
    y = 4.2 + 0.05 * noise(9, 16)
    y[3] = np.nan
    plain, moved = its.estimate(y, 10), its.estimate(scale * y + shift, 10)
    assert [moved.effect / scale, moved.se / abs(scale)] == pytest.approx([plain.effect, plain.se], rel=1e-5)
    assert (moved.df, figure(moved, "phi")) == (plain.df, figure(plain, "phi"))


@pytest.mark.parametrize("level", [3.0, 0.1, 1e8 / 3])
def test_a_constant_leaves_no_noise(level):
    fitted = autoregression.fit(np.full(30, level), interruption.design(30, 20).matrix)
    assert fitted.variance[0] < 1e-200
