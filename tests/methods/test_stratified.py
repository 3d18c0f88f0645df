from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from sqlib.methods.stratified import common_difference, common_interval, deflated, design_effect, mid_p, permutation_p

# Rothman, Greenland & Lash (2008) Modern Epidemiology, 3rd ed., table 15-1: deaths among patients given tolbutamide
# and placebo, under 55 and older
DEATHS = {"n1": [106, 98], "x1": [8, 22], "n0": [120, 85], "x0": [5, 16]}


def test_rothman_greenland_lash_2008_page_275():
    difference, variance = common_difference(**DEATHS)
    assert difference == pytest.approx(0.0349, abs=5e-5)
    limits = difference + np.array([-1, 1]) * stats.norm.ppf(0.95) * np.sqrt(variance)
    assert limits == pytest.approx([-0.0176, 0.0874], abs=5e-5)  # 90 % limits; the chapter prints -.018 and .088


def test_one_stratum_is_the_plain_difference():
    difference, variance = common_difference([50], [30], [100], [80])
    assert difference == pytest.approx(-0.2)
    assert variance == pytest.approx(0.6 * 0.4 / 50 + 0.8 * 0.2 / 100, rel=0.01)  # large sample: unpooled


@pytest.mark.parametrize("effect", [1.0, 1.7])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_interval_by_root_search(alpha, effect):
    """The limits solve (d - delta)^2 = z^2 var(delta), var by Sato's formula written stratum by stratum."""
    n1, x1, n0, x0 = (np.array(DEATHS[name], dtype=float) for name in ("n1", "x1", "n0", "x0"))
    n, weight = n1 + n0, (n1 * n0 / (n1 + n0)).sum()
    difference = (n1 * n0 / n * (x1 / n1 - x0 / n0)).sum() / weight
    p = sum((a**2 * d - c**2 * b + a * c * (c - a) / 2) / m**2 for a, b, c, d, m in zip(n1, x1, n0, x0, n, strict=True))
    q = sum((b * (c - d) + d * (a - b)) / (2 * m) for a, b, c, d, m in zip(n1, x1, n0, x0, n, strict=True))
    z = stats.norm.ppf(1 - alpha / 2)

    def beyond(delta):
        return (difference - delta) ** 2 - z**2 * effect * (delta * p + q) / weight**2

    expected = [
        optimize.brentq(beyond, *ends) for ends in ((difference - 0.4, difference), (difference, difference + 0.4))
    ]
    assert common_interval(**DEATHS, alpha=alpha, effect=effect) == pytest.approx(expected, abs=1e-9)


def test_interval_stays_informative_when_a_whole_cell_agrees():
    low, high = common_interval([5], [5], [200], [160])
    assert low < -0.1
    assert 0.15 < high <= 1


@pytest.mark.parametrize(("n1", "n0", "rate"), [(15, 285, 0.8), (40, 160, 0.85), (15, 60, 0.6)])
def test_interval_covers(n1, n0, rate):
    """Two strata 25 points apart, a true deficit of 15 points."""
    rng, runs = np.random.default_rng(5), 4000
    rates = np.array([rate, rate - 0.25])
    sizes = np.array([[n1 // 3, n1 - n1 // 3], [n0 - n0 // 3, n0 // 3]])
    x1, x0 = rng.binomial(sizes[0], rates - 0.15, (runs, 2)), rng.binomial(sizes[1], rates, (runs, 2))
    low, high = common_interval(sizes[0], x1, sizes[1], x0)
    assert 0.93 <= ((low <= -0.15) & (high >= -0.15)).mean() <= 0.97


def enumerated(n1, x1, n0, x0):
    """Mid-p by walking through every table of every stratum with exact integer weights."""
    tables, total = [], 1
    for a, b, c, d in zip(n1, x1, n0, x0, strict=True):
        tables.append([(k, comb(a, k) * comb(c, b + d - k)) for k in range(a + 1) if 0 <= b + d - k <= c])
        total *= comb(a + c, b + d)
    below = above = same = 0
    for path in product(*tables):
        count, ways = sum(k for k, _ in path), np.prod([w for _, w in path], dtype=object)
        below, above, same = (
            below + ways * (count < sum(x1)),
            above + ways * (count > sum(x1)),
            same + ways * (count == sum(x1)),
        )
    return float(min(1, 2 * (min(below, above) + same / 2) / total))


@given(st.lists(st.tuples(*[st.integers(0, 8)] * 4), min_size=1, max_size=3))
def test_mid_p_by_full_enumeration(counts):
    x1, x0 = [row[0] for row in counts], [row[2] for row in counts]
    n1, n0 = [row[0] + row[1] for row in counts], [row[2] + row[3] for row in counts]
    assert mid_p(n1, x1, n0, x0) == pytest.approx(enumerated(n1, x1, n0, x0), rel=1e-9, abs=1e-12)


def test_mid_p_of_one_stratum_by_scipy():
    law = stats.hypergeom(320, 256, 40)
    assert mid_p([40], [22], [280], [234]) == pytest.approx(2 * (law.cdf(21) + law.pmf(22) / 2), rel=1e-9)


def test_mid_p_of_large_strata_keeps_its_precision():
    law = stats.hypergeom(60000, 48000, 3000)
    assert mid_p([3000], [2330], [57000], [45670]) == pytest.approx(2 * (law.cdf(2329) + law.pmf(2330) / 2), rel=1e-6)


def test_permutation_p_by_dealing_out_anew():
    """Two strata of skewed scores; the tail that matters is the lower one."""
    rng = np.random.default_rng(2)
    stratum = np.repeat([0, 1], [60, 90])
    y = rng.choice([1, 2, 3, 4, 5], 150, p=[0.08, 0.04, 0.08, 0.2, 0.6]).astype(float)
    cell = np.where(np.arange(150) % 10 == 0, 0, 1)
    y[cell == 0] -= np.where(np.arange(15) % 3 == 0, 1, 0)
    n1 = np.array([[((cell == k) & (stratum == h)).sum() for h in (0, 1)] for k in (0, 1)], dtype=float)
    x1 = np.array([[y[(cell == k) & (stratum == h)].sum() for h in (0, 1)] for k in (0, 1)])
    means = np.array([y[stratum == h].mean() for h in (0, 1)])
    found = permutation_p(y, stratum, y - means[stratum], n1, x1)
    assert found[0] == pytest.approx(found[1])  # two cells are each other's mirror
    runs = 100_000
    sums = sum(rng.permuted(np.tile(y[stratum == h], (runs, 1)), axis=1)[:, : int(n1[0, h])].sum(1) for h in (0, 1))
    lower = (sums < x1[0].sum()).mean() + (sums == x1[0].sum()).mean() / 2
    assert found[0] == pytest.approx(2 * min(lower, 1 - lower), rel=0.15)


def test_design_effect_of_equal_clusters_is_kish():
    """Clusters of 4 wholly in or out of the cell: 1 + 3 rho, rho by moments over all pairs."""
    rng = np.random.default_rng(8)
    customer = np.repeat(np.arange(150), 4)
    y = (rng.random(600) < np.repeat(rng.beta(4, 1, 150), 4)).astype(float)
    cell = (customer >= 30).astype(int)
    residual, spread = y - y.mean(), np.array([y.var(ddof=1)])
    pairs = [
        residual[4 * c + i] * residual[4 * c + j] for c in range(150) for i in range(4) for j in range(4) if i != j
    ]
    rho = np.mean(pairs) / spread[0]
    sizes = np.array([[120.0], [480.0]])
    found = design_effect(residual, cell, np.zeros(600, dtype=int), spread, sizes, (customer,))
    assert found == pytest.approx([1 + 3 * rho] * 2)
    assert design_effect(residual, cell, np.zeros(600, dtype=int), spread, sizes, ()).tolist() == [1, 1]


def test_design_effect_falls_below_one_inside_respondents():
    """Each respondent rates every item once: comparing items, the respondent's own level drops out (1 - rho)."""
    rng = np.random.default_rng(9)
    respondent, item = np.repeat(np.arange(200), 5), np.tile(np.arange(5), 200)
    y = (rng.random(1000) < np.repeat(rng.beta(2, 1, 200), 5)).astype(float)
    residual, spread = y - y.mean(), np.array([y.var(ddof=1)])
    within = ((residual.reshape(200, 5).sum(1) ** 2).sum() - (residual**2).sum()) / (200 * 20) / spread[0]
    counts = np.full((5, 1), 200.0)
    found = design_effect(residual, item, np.zeros(1000, dtype=int), spread, counts, (respondent,))
    assert found == pytest.approx([1 - within] * 5)


def test_deflated_leaves_independent_answers_alone():
    found = deflated(np.array([0.003, 0.003, 0.003]), np.array([1.0, 2.0, 0.5]), 10**6)
    assert found[0] == 0.003
    z = stats.norm.isf(0.0015)
    np.testing.assert_allclose(found[1:], 2 * stats.norm.sf(z / np.sqrt([2.0, 0.5])), rtol=1e-4)
    assert deflated(np.array([0.003]), np.array([2.0]), 20)[0] > found[1]
