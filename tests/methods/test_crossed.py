import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import linalg, optimize

from sqlib.errors import MethodRefused
from sqlib.methods import crossed, mixed_equations
from sqlib.methods.severity_prior import Integrated

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"

# Davies & Goldsmith (1972) Statistical Methods in Research and Production, table 6.1: yield of dyestuff, six batches
DYESTUFF = [
    [1545, 1440, 1440, 1520, 1580],
    [1540, 1555, 1490, 1560, 1495],
    [1595, 1550, 1605, 1510, 1560],
    [1445, 1440, 1595, 1465, 1545],
    [1595, 1630, 1515, 1635, 1625],
    [1520, 1455, 1450, 1480, 1445],
]
# Box & Tiao (1973) Bayesian Inference in Statistical Analysis, table 5.1.4: less variation between batches than within
DYESTUFF2 = [
    [7.298, 3.846, 2.434, 9.566, 7.990],
    [5.220, 6.556, 0.608, 11.788, -0.892],
    [0.110, 10.386, 13.434, 5.510, 8.166],
    [2.212, 4.852, 7.092, 9.288, 4.980],
    [0.282, 9.014, 4.458, 9.446, 7.198],
    [1.722, 4.782, 8.106, 0.758, 3.758],
]
# Shrout & Fleiss (1979) Psychological Bulletin 86:420, table 2: six targets (rows) rated by four judges
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


# Davies & Goldsmith (1972), section 6.6: diameters of six samples of penicillin (rows) on 24 plates
PENICILLIN = [
    [27, 27, 25, 26, 25, 24, 24, 26, 24, 24, 26, 25, 26, 26, 26, 25, 25, 25, 24, 26, 25, 25, 24, 24],
    [23, 23, 21, 23, 22, 22, 20, 22, 21, 21, 23, 22, 24, 23, 23, 22, 21, 22, 21, 23, 21, 22, 21, 21],
    [26, 26, 25, 25, 26, 25, 23, 26, 24, 24, 26, 26, 26, 26, 25, 25, 24, 24, 23, 26, 24, 25, 24, 24],
    [23, 23, 24, 23, 22, 23, 21, 24, 22, 23, 24, 24, 24, 23, 24, 23, 23, 23, 21, 24, 22, 22, 22, 22],
    [23, 23, 24, 23, 23, 22, 22, 24, 22, 22, 24, 24, 25, 23, 24, 23, 23, 23, 21, 24, 22, 22, 24, 21],
    [21, 21, 20, 20, 20, 19, 19, 21, 20, 19, 21, 20, 22, 20, 22, 20, 20, 19, 19, 21, 18, 20, 19, 18],
]
# Davies & Goldsmith (1972), section 6.5: strength of paste, ten batches (rows) of three casks, each tested twice
PASTES = [
    [[62.8, 62.6], [60.1, 62.3], [62.7, 63.1]], [[60.0, 61.4], [57.5, 56.9], [61.1, 58.9]],
    [[58.7, 57.5], [63.9, 63.1], [65.4, 63.7]], [[57.1, 56.4], [56.9, 58.6], [64.7, 64.5]],
    [[55.1, 55.1], [54.7, 54.2], [58.8, 57.5]], [[63.4, 64.9], [59.3, 58.1], [60.5, 60.0]],
    [[62.5, 62.6], [61.0, 58.7], [56.9, 57.7]], [[59.2, 59.4], [65.2, 66.0], [64.8, 64.1]],
    [[54.8, 54.8], [64.0, 64.0], [57.7, 56.8]], [[58.3, 59.3], [59.2, 59.2], [58.9, 56.6]],
]  # fmt: skip
# Pinheiro & Bates (2000) Mixed-Effects Models in S and S-PLUS, A.9: effort to rise from four stools, nine subjects
STOOLS = [[12, 15, 12, 10], [10, 14, 13, 12], [7, 14, 13, 9], [7, 11, 10, 9], [8, 11, 8, 7], [9, 11, 11, 10],
          [8, 12, 12, 11], [7, 11, 8, 7], [9, 13, 10, 8]]  # fmt: skip
# The same: productivity on three machines (rows) of six workers, three times each
MACHINES = [
    [[52.0, 52.8, 53.1], [51.8, 52.8, 53.1], [60.0, 60.2, 58.4], [51.1, 52.3, 50.3], [50.9, 51.8, 51.4],
     [46.4, 44.8, 49.2]],
    [[62.1, 62.6, 64.0], [59.7, 60.0, 59.0], [68.6, 65.8, 69.7], [63.2, 62.8, 62.2], [64.8, 65.0, 65.4],
     [43.7, 44.2, 43.0]],
    [[67.5, 67.2, 66.9], [61.5, 61.7, 62.3], [70.8, 70.6, 71.0], [64.1, 66.2, 64.0], [72.1, 72.0, 71.1],
     [62.0, 61.4, 60.5]],
]  # fmt: skip
# Fifteen ratings whose likelihood has a peak where neither ratees nor raters differ, and a higher one where both do
TWO_PEAKS = [(0, 0, 3), (0, 1, 1), (0, 2, -2), (0, 3, 7), (1, 0, 5), (1, 1, 5), (1, 2, 2), (2, 1, -7), (3, 1, 7),
             (3, 2, 5), (4, 0, 0), (4, 1, 4), (4, 2, 4), (4, 3, 6), (4, 4, -1)]  # fmt: skip


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def long(table):
    table = np.array(table, dtype=float)
    row, column = (code.ravel() for code in np.indices(table.shape))
    return table.ravel(), row, column


def indicators(code):
    return np.eye(code.max() + 1)[code]


def dense(y, fixed, factors):
    """REML by the whole covariance matrix of the rows: variances, deviance, predictions and their error variances."""
    x = np.column_stack([np.ones(len(y)), *(indicators(code) @ linalg.helmert(code.max() + 1).T for code in fixed)])
    z = [indicators(code) for code in factors]

    def solved(log_ratio):
        v = np.eye(len(y)) + sum(np.exp(one) * part @ part.T for one, part in zip(log_ratio, z, strict=True))
        lower = np.linalg.cholesky(v)
        xs, ys = linalg.solve_triangular(lower, x, lower=True), linalg.solve_triangular(lower, y, lower=True)
        b = np.linalg.lstsq(xs, ys, rcond=None)[0]
        free = len(y) - x.shape[1]
        sigma2 = ((ys - xs @ b) ** 2).sum() / free
        information = 2 * np.log(np.diag(lower)).sum() + np.linalg.slogdet(xs.T @ xs)[1]
        return information + free * (1 + np.log(2 * np.pi * sigma2)), sigma2, v, b

    found = optimize.minimize(lambda at: solved(at)[0], np.full(len(z), -1.0), method="BFGS", jac="3-point",
                              options={"gtol": 1e-6})  # fmt: skip
    deviance, sigma2, v, b = solved(found.x)
    ratios = np.exp(found.x)
    w, inverse = np.column_stack([x, *z]), np.repeat(1 / ratios, [part.shape[1] for part in z])
    c = np.linalg.inv(w.T @ w + np.diag(np.append(np.zeros(x.shape[1]), inverse))) * sigma2
    effects = np.linalg.solve(v, y - x @ b)
    return np.append(ratios, 1) * sigma2, deviance, [r * part.T @ effects for r, part in zip(ratios, z, strict=True)], c


def unbalanced(seed, people=10, raters=5, criteria=3, kept=0.5):
    rng = np.random.default_rng(seed)
    p, r, c = (code.ravel() for code in np.indices((people, raters, criteria)))
    some = rng.random(len(p)) < kept
    p, r, c = p[some], r[some], c[some]
    pair = np.unique(p * raters + r, return_inverse=True)[1]
    y = rng.normal(0, 1, people)[p] + rng.normal(0, 0.6, raters)[r] + rng.normal(0, 0.5, raters * criteria)[r * 3 + c]
    y += rng.normal(0, 0.6, pair.max() + 1)[pair] + rng.normal(0, 0.5, len(p)) + 0.4 * c
    return y, {"criterion": c}, {"ratee": p, "rater": r, "rater_criterion": r * criteria + c, "ratee_rater": pair}


def test_dyestuff_as_r_prints_it():
    y, batch, _ = long(DYESTUFF)
    found = crossed.fit(y, factors={"batch": batch})
    assert found.variances.to_numpy() ** 0.5 == pytest.approx([42.00, 49.51], abs=0.005)  # lme4, REML
    assert found.intercept == pytest.approx(1527.5)
    mean = np.array(DYESTUFF).mean(axis=1)
    between, within = 5 * mean.var(ddof=1), np.array(DYESTUFF).var(axis=1, ddof=1).mean()
    assert found.variances.to_numpy() == pytest.approx([(between - within) / 5, within], rel=1e-7)
    shrunk = (mean - mean.mean()) * (1 - within / between)
    assert found.effects("batch") == pytest.approx(shrunk, rel=1e-6)


def test_variance_below_nothing_is_zero():
    y, batch, _ = long(DYESTUFF2)
    found = crossed.fit(y, factors={"batch": batch})
    assert found.variances["batch"] == 0
    assert found.variances["residual"] ** 0.5 == pytest.approx(3.7157, abs=5e-5)  # lme4, REML
    assert (found.effects("batch") == 0).all()
    assert found.variance(found.loadings("batch")) == pytest.approx(np.zeros(6))


def test_penicillin_as_lme4_prints_it():
    """Crossed; Bates et al., lme4, `lmer(diameter ~ 1 + (1 | plate) + (1 | sample))`."""
    y, sample, plate = long(PENICILLIN)
    found = crossed.fit(y, factors={"plate": plate, "sample": sample})
    assert found.variances.to_numpy() ** 0.5 == pytest.approx([0.8467, 1.9316, 0.5499], abs=5e-5)
    assert found.intercept == pytest.approx(22.9722, abs=5e-5)
    assert found.variance(found.loadings(""))[0] ** 0.5 == pytest.approx(0.8086, abs=5e-5)
    assert found.solved.deviance == pytest.approx(330.86, abs=0.005)


def test_pastes_as_lme4_prints_it():
    """Nested; lme4, `lmer(strength ~ 1 + (1 | batch) + (1 | sample))`; error of the mean as statsmodels quotes R."""
    y = np.ravel(PASTES)
    batch, cask, _ = (code.ravel() for code in np.indices((10, 3, 2)))
    found = crossed.fit(y, factors={"batch": batch, "sample": 3 * batch + cask})
    assert found.variances.to_numpy() ** 0.5 == pytest.approx([1.28736, 2.90408, 0.82341], abs=5e-5)
    assert found.intercept == pytest.approx(60.0533, abs=5e-5)
    assert found.variance(found.loadings(""))[0] ** 0.5 == pytest.approx(0.6769, abs=5e-5)
    assert found.solved.deviance == pytest.approx(246.99, abs=0.005)


def test_stools_and_machines_as_nlme_prints_them():
    """Pinheiro & Bates (2000), sections 1.2 and 1.3: fixed effects of type and machine, subjects and workers random."""
    y, subject, stool = long(STOOLS)
    found = crossed.fit(y, {"type": stool}, {"subject": subject})
    assert found.variances.to_numpy() ** 0.5 == pytest.approx([1.332465, 1.100295], abs=5e-6)
    assert found.variance(found.loadings(""))[0] ** 0.5 == pytest.approx(0.4805234, abs=5e-6)
    y = np.ravel(MACHINES)
    machine, worker, _ = (code.ravel() for code in np.indices((3, 6, 3)))
    found = crossed.fit(y, {"machine": machine}, {"worker": worker, "both": 6 * machine + worker})
    assert found.variances.to_numpy() ** 0.5 == pytest.approx([4.781049, 3.729536, 0.9615768], rel=1e-5)


def test_the_higher_of_two_peaks_is_found():
    ratee, rater, y = np.array(TWO_PEAKS).T
    found = crossed.fit(y, factors={"ratee": ratee, "rater": rater})
    variances, deviance, _, _ = dense(y.astype(float), [], [ratee, rater])
    assert found.solved.deviance == pytest.approx(deviance, abs=1e-7)
    assert found.variances.to_numpy() == pytest.approx(variances, rel=1e-4)
    lower = found.equations.at([0.0, 0.0]).deviance
    assert lower - deviance > 0.5 and (variances > 4).all()


def test_shrout_and_fleiss_is_analysis_of_variance():
    y, target, judge = long(JUDGES)
    found = crossed.fit(y, factors={"target": target, "judge": judge})
    table = np.array(JUDGES, dtype=float)
    rows, columns = 4 * table.mean(axis=1).var(ddof=1), 6 * table.mean(axis=0).var(ddof=1)
    error = ((table - table.mean()) ** 2).sum() - 5 * rows - 3 * columns
    assert [rows, columns, error / 15] == pytest.approx([11.24, 32.49, 1.02], abs=0.005)  # their table 3
    expected = [(rows - error / 15) / 4, (columns - error / 15) / 6, error / 15]
    assert found.variances.to_numpy() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_agrees_with_the_whole_covariance_matrix(seed):
    y, fixed, factors = unbalanced(seed)
    found = crossed.fit(y, fixed, factors)
    variances, deviance, effects, c = dense(y, fixed.values(), factors.values())
    assert found.solved.deviance == pytest.approx(deviance, abs=1e-9)
    assert found.variances.to_numpy() == pytest.approx(variances, rel=2e-6)
    for name, expected in zip(factors, effects, strict=True):
        assert found.effects(name) == pytest.approx(expected, abs=1e-5)
    start = 3
    for name, expected in zip(factors, effects, strict=True):
        stop = start + len(expected)
        loadings = found.loadings(name)
        assert found.covariance(loadings) == pytest.approx(c[start:stop, start:stop], abs=2e-5)
        assert found.variance(loadings) == pytest.approx(np.diag(c)[start:stop], abs=2e-5)
        start = stop
    both = c[3:5, 3:5]
    assert found.difference_se("ratee", 0, 1) == pytest.approx(
        (both[0, 0] + both[1, 1] - 2 * both[0, 1]) ** 0.5, rel=1e-4
    )


def test_a_flat_likelihood_far_from_the_maximum_is_climbed():
    """38 scores of 30 people by 5 raters: on the way the average information has a negative direction."""
    twice = (2, 3, 6, 7, 8, 14, 21, 21)
    p = np.sort(np.append(np.arange(30), twice))
    r = [int(rater) for rater in "01233440140213401231401234001223401234"]
    y = [-0.83, 0.86, 1.93, 0.69, -1.32, 1.35, -0.23, -2.5, 0.74, 1.68, 2.85, 0.98, -0.69, 0.97, 2.57, -1.55, 1.44,
         0.1, 0.7, -1.59, -0.76, 0.44, 0.75, -1.87, -1.16, -0.16, 1.12, 2.44, -1.41, 1.3, -0.2, 0.44, -1.61, 0.76,
         -2.72, 1.21, -2.0, 1.6]  # fmt: skip
    y, r = np.array(y), np.array(r)
    fitted = crossed.fit(y, {}, {"p": p, "r": r})
    variances, *_ = dense(y, [], [p, r])
    assert fitted.variances.to_numpy() == pytest.approx(variances, rel=1e-3, abs=1e-4)


def test_cells_that_stand_empty_nest_nothing():
    """Of 14 cells of rater and criterion 10 are rated, in 11 pairings with ratee and rater: crossed, not nested."""
    person, rater, criterion = np.array([
        (0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 3, 0), (0, 3, 1), (0, 5, 0), (0, 6, 1), (1, 1, 1), (1, 2, 0), (1, 3, 0),
        (1, 4, 0),
    ]).T  # fmt: skip
    y = np.array([4, 6, -5, 1, 6, -4, 1, -2, 0, 8, 0.0])
    pair = np.unique(person * 7 + rater, return_inverse=True)[1]
    factors = {"ratee": person, "rater": rater, "rater_criterion": rater * 2 + criterion, "ratee_rater": pair}
    formed = mixed_equations.equations(y, {"criterion": criterion}, factors)
    ratio = {"ratee": 0.3, "rater": 2.0, "rater_criterion": 1.5, "ratee_rater": 0.8}
    x = np.column_stack([np.ones(11), indicators(criterion) @ linalg.helmert(2).T])
    v = np.eye(11) + sum(ratio[name] * indicators(code) @ indicators(code).T for name, code in factors.items())
    information = x.T @ np.linalg.solve(v, x)
    left = y - x @ np.linalg.solve(information, x.T @ np.linalg.solve(v, y))
    sigma2 = left @ np.linalg.solve(v, left) / 9
    expected = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + 9 * (1 + np.log(2 * np.pi * sigma2))
    assert formed.at([ratio[name] for name in formed.random]).deviance == pytest.approx(expected, abs=1e-9)


def test_score_is_the_slope_of_the_deviance():
    y, fixed, factors = unbalanced(1)
    formed = mixed_equations.equations(y, fixed, factors)
    ratios = np.array([0.4, 0.9, 0.3, 0.5])
    score, _ = crossed.derivatives(formed.at(ratios))
    sigma2 = formed.at(ratios).residual_variance
    for j in range(4):
        up, down = ratios.copy(), ratios.copy()
        up[j], down[j] = up[j] + 1e-5, down[j] - 1e-5
        slope = -(formed.at(up).deviance - formed.at(down).deviance) / 4e-5
        assert score[j] * sigma2 == pytest.approx(slope, rel=1e-4)


def test_order_and_names_of_factors_change_nothing():
    y, fixed, factors = unbalanced(3)
    one = crossed.fit(y, fixed, factors)
    other = crossed.fit(y, fixed, dict(reversed(factors.items())))
    assert other.variances[one.variances.index].to_numpy() == pytest.approx(one.variances.to_numpy(), rel=1e-5)


def test_complete_sheets_fall_apart_into_blocks():
    p, r, c = (code.ravel() for code in np.indices((30, 8, 4)))
    y = np.random.default_rng(0).normal(size=len(p)) + 0.3 * r + p % 5
    factors = {"ratee": p, "rater": r, "rater_criterion": r * 4 + c, "ratee_rater": p * 8 + r}
    found = crossed.fit(y, {"criterion": c}, factors)
    assert found.equations.chain == ("ratee_rater", "ratee")
    assert sorted(np.bincount(found.equations.blocks)) == [9, 9, 9, 17]
    again = mixed_equations.equations(y, {"criterion": c}, factors)
    whole = mixed_equations.Equations(**{**vars(again), "blocks": np.zeros_like(again.blocks)})
    assert whole.at(found.solved.ratios).deviance == pytest.approx(found.solved.deviance, rel=1e-12)


def test_fixed_columns_that_say_nothing_new_are_dropped():
    y, fixed, factors = unbalanced(4)
    one = crossed.fit(y, fixed, factors)
    twice = crossed.fit(y, {**fixed, "again": fixed["criterion"]}, factors)
    assert twice.equations.rank == one.equations.rank
    assert twice.variances.to_numpy() == pytest.approx(one.variances.to_numpy(), rel=1e-6)


def test_exact_scores_are_refused():
    target, judge = (code.ravel() for code in np.indices((6, 4)))
    for y in (1.0 * target, target + 2.0 * judge):
        with pytest.raises(MethodRefused) as refused:
            crossed.fit(y, factors={"target": target, "judge": judge})
        assert refused.value.code == "crossed.no_noise"


@pytest.mark.parametrize("people", [13, 14, 21])
def test_exact_scores_of_whole_points_are_refused_as_such_where_average_information_is_blind(people):
    target, judge = (code.ravel() for code in np.indices((people, 2)))
    y = np.round(np.random.default_rng(people).normal(80, 5, people))[target]
    with pytest.raises(MethodRefused) as refused:
        crossed.fit(y, factors={"target": target, "judge": judge})
    assert refused.value.code == "crossed.no_noise"


def test_noise_held_off_nil_is_worth_one_score():
    """The maximum of the restricted likelihood times the noise's standard deviation, by a search over both ratios."""
    y = np.array([0.0, 3.0, 1.0, 1.0, 6.0, 4.5])  # a chain of two judges
    target, judge = np.array([0, 1, 2, 2, 3, 4]), np.array([0, 0, 0, 1, 1, 1])
    found = crossed.fit(y, factors={"target": target, "judge": judge})
    assert found.noise_assumed and found.residual_variance > 0

    def height(log):
        at = found.equations.at(np.exp(log))
        free = len(y) - 1
        sigma2 = at.rest / (free - 1)
        return at.determinant + free * np.log(sigma2) + at.rest / sigma2 - np.log(sigma2)

    best = min(height(np.array([a, b])) for a in np.linspace(-9, 9, 91) for b in np.linspace(-9, 9, 91))
    assert height(np.log(np.maximum(found.solved.ratios, 1e-9))) == pytest.approx(best, abs=0.01)


def test_fewer_rows_than_things_to_estimate_are_refused():
    with pytest.raises(MethodRefused) as refused:
        crossed.fit([1.0, 2.0, 4.0], factors={"a": np.array([0, 0, 1]), "b": np.array([0, 1, 1])})
    assert refused.value.code == "crossed.too_few"


def test_too_wide_is_refused(monkeypatch):
    monkeypatch.setattr(mixed_equations, "WIDEST", 5)
    y, fixed, factors = unbalanced(0)
    with pytest.raises(MethodRefused) as refused:
        crossed.fit(y, fixed, factors)
    assert refused.value.code == "crossed.too_wide"


def test_balanced_level_is_students_t_when_the_prior_is_flat(monkeypatch):
    """Box & Tiao (1973), section 5.2: the mean of a balanced one-way layout has t with groups - 1 df."""
    from scipy import stats

    from sqlib.methods import severity_prior

    monkeypatch.setattr(severity_prior, "POWER_OF_FEW", 1.0)
    rng = np.random.default_rng(0)
    y, group, _ = long(rng.normal(0, 3, (6, 1)) + rng.normal(0, 0.5, (6, 20)))
    found = crossed.fit(y, factors={"group": group})
    whole = Integrated(found, "group", 1e4)
    low, high = whole.predictions(found.loadings("")).interval(0.95)
    means = y.reshape(6, 20).mean(axis=1)
    expected = stats.t(5).ppf(0.975) * means.std(ddof=1) / 6**0.5
    assert (high - low)[0] / 2 == pytest.approx(expected, rel=0.01)


def test_school_writing_tests_as_lme4_finds_them():
    file = SHARED / "writing_ratings_immer/immer04a.csv"
    if not file.exists():
        pytest.skip("shared folder absent")
    table = pd.read_csv(file).melt(["idstud", "task", "rater"])
    codes = {name: pd.factorize(table[name])[0] for name in ("idstud", "task", "rater", "variable")}
    found = crossed.fit(
        table["value"], {"criterion": codes["variable"], "task": codes["task"]},
        {"student": codes["idstud"], "rater": codes["rater"]},
    )  # fmt: skip
    assert found.variances.to_numpy() ** 0.5 == pytest.approx([1.616, 0.382, 1.118], abs=0.0005)
    effects = found.effects("rater")
    assert [effects.min(), effects.max()] == pytest.approx([-0.75, 1.26], abs=0.005)


@pytest.mark.parametrize(
    "number, expected", [(1, (0.623, 0.208, 0.302)), (2, (0.624, 0.213, 0.326)), (3, (0.562, 0.113, 0.334))]
)
def test_small_writing_tests_as_lme4_finds_them(number, expected):
    file = SHARED / f"writing_ratings_sirt/ratings{number}.csv"
    if not file.exists():
        pytest.skip("shared folder absent")
    table = pd.read_csv(file)
    criteria = [name for name in table if name[0] == "k" or name.startswith("crit")]
    student, rater = (pd.factorize(table[name])[0] for name in ("idstud", "rater"))
    found = crossed.fit(table[criteria].mean(axis=1), factors={"student": student, "rater": rater})
    assert found.variances.to_numpy() ** 0.5 == pytest.approx(expected, abs=0.0006)
