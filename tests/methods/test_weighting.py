import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods.weighting import rake

# The worked example of Wikipedia, "Iterative proportional fitting" (Deming & Stephan's procedure), with the fitted
# table that ProportionalFitting.jl prints to four decimals
COUNTS = np.array([[40, 30, 20, 10], [35, 50, 100, 75], [30, 80, 70, 120], [20, 30, 40, 50]])
ROWS, COLUMNS = pd.Series([150, 300, 400, 150]), pd.Series([200, 300, 400, 100])
FITTED = [
    [64.5585, 46.2325, 35.3843, 3.82473],
    [49.9679, 68.1594, 156.499, 25.3742],
    [56.7219, 144.428, 145.082, 53.7673],
    [28.7516, 41.18, 63.0347, 17.0337],
]


def sample(counts=COUNTS):
    rows, columns = np.indices(counts.shape)
    return pd.DataFrame({"r": np.repeat(rows.ravel(), counts.ravel()), "c": np.repeat(columns.ravel(), counts.ravel())})


def fitted(data, weights):
    return data.assign(w=weights).pivot_table(index="r", columns="c", values="w", aggfunc="sum").to_numpy()


def test_published_table():
    data = sample()
    result = rake(data, margins={"r": ROWS, "c": COLUMNS}, trim=None)
    np.testing.assert_allclose(fitted(data, result.weights * 1000 / 800), FITTED, rtol=1e-5)
    assert result.converged
    assert result.cautions == ()


def test_equals_a_loglinear_model():
    """Raking is the log-linear model without new interaction: a Poisson fit with the counts as offset."""
    import statsmodels.api as sm

    data, target = sample(), np.outer(ROWS, COLUMNS) / 1000
    rows, columns = np.indices(COUNTS.shape)
    design = np.hstack([np.eye(4)[rows.ravel()], np.eye(4)[columns.ravel()][:, 1:]])
    fit = sm.GLM(target.ravel(), design, family=sm.families.Poisson(), offset=np.log(COUNTS.ravel())).fit(tol=1e-12)
    weights = rake(data, margins={"r": ROWS, "c": COLUMNS}, trim=None).weights
    np.testing.assert_allclose(fitted(data, weights * 1000 / 800), fit.fittedvalues.reshape(4, 4), rtol=1e-6)


def test_effective_n_is_kishs():
    """Half the respondents count 3, half 1: effective n = n * (2^2) / ((9 + 1) / 2) = .8 n."""
    data = pd.DataFrame({"s": ["a"] * 50 + ["b"] * 50})
    result = rake(data, margins={"s": pd.Series({"a": 300, "b": 100})})
    assert result.effective_n == pytest.approx(80)
    assert result.design_effect == pytest.approx(1.25)
    np.testing.assert_allclose(sorted(result.weights.unique()), [0.5, 1.5])


def test_trimming_bounds_the_weights_and_says_what_it_costs():
    data = pd.DataFrame({"s": ["a"] * 95 + ["b"] * 5})
    result = rake(data, margins={"s": pd.Series({"a": 50, "b": 50})}, trim=(0.2, 3.0))
    assert result.weights.between(0.2, 3 + 1e-9).all()
    assert result.weights.mean() == pytest.approx(1)
    assert result.trimmed == 5
    assert result.cautions == ("margins_not_met",)
    assert result.table.set_index("level").loc["b", "weighted_share"] == pytest.approx(0.15)


def test_a_level_nobody_answered_from_is_listed():
    result = rake(pd.DataFrame({"s": list("aabb")}), margins={"s": pd.Series({"a": 1, "b": 2, "silent": 3})})
    row = result.table.set_index("level").loc["silent"]
    assert (row.population_share, row.sample_share, row.weighted_share, row.n) == (0.5, 0, 0, 0)
    assert result.cautions == ("level_without_respondents",)
    np.testing.assert_allclose(result.weights, [2 / 3, 2 / 3, 4 / 3, 4 / 3])


def test_empty_cells_are_weighted_by_the_other_columns():
    data = pd.DataFrame({"s": ["a", "a", "b", None], "t": ["x", "y", "x", "y"]})
    result = rake(data, margins={"s": pd.Series({"a": 1, "b": 1}), "t": pd.Series({"x": 3, "y": 1})})
    assert result.cautions == ("rows_without_level",)
    assert result.table.query("margin == 't'")["weighted_share"].tolist() == pytest.approx([0.75, 0.25])


def test_not_converged_is_said():
    result = rake(sample(), margins={"r": ROWS, "c": COLUMNS}, max_iterations=1)
    assert not result.converged
    assert "not_converged" in result.cautions


@pytest.mark.parametrize(
    ("data", "margins", "code"),
    [
        ([], {"s": {"a": 1}}, "weighting.nothing_to_rake"),
        (["a"], {}, "weighting.nothing_to_rake"),
        (["a", "z"], {"s": {"a": 1, "b": 1}}, "weighting.level_not_in_margin"),
        (["a", "b"], {"s": {"a": 1, "b": 0}}, "weighting.level_not_in_margin"),
        (["a"], {"s": {"a": -1, "b": 2}}, "weighting.bad_margin"),
        (["a"], {"t": {"a": 1}}, "samples.unknown_column"),
    ],
)
def test_refusals(data, margins, code):
    with pytest.raises(MethodRefused) as refused:
        rake(pd.DataFrame({"s": data}), margins={k: pd.Series(v) for k, v in margins.items()})
    assert refused.value.code == code
    assert all({"what", "got", "remedy"} <= set(refused.value.parts(language)) for language in ("zh", "en"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=9, max_size=9), st.lists(st.integers(1, 50), min_size=6, max_size=6))
def test_untrimmed_margins_are_met_and_order_of_rows_does_not_matter(counts, base):
    data = sample(np.reshape(counts, (3, 3)))
    margins = {"r": pd.Series(base[:3]), "c": pd.Series(base[3:])}
    result = rake(data, margins=margins, trim=None, max_iterations=2000)
    np.testing.assert_allclose(result.table["weighted_share"], result.table["population_share"], atol=1e-6)
    back = rake(data[::-1], margins=margins, trim=None, max_iterations=2000)
    np.testing.assert_allclose(back.weights.sort_index(), result.weights, atol=1e-6)
    assert result.weights.mean() == pytest.approx(1)
