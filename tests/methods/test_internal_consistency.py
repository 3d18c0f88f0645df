from pathlib import Path

import made_results as made
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods import internal_consistency as method
from sqlib.methods.internal_consistency import alpha, alpha_interval, internal_consistency, minres, omega

BFI = Path(__file__).parents[2] / "../shared/data/bfi_scale_items/bfi.csv"
TURNED = ["A1", "C4", "C5", "E1", "E2", "O2", "O5"]
# Spearman (1904) American Journal of Psychology 15:201, six school subjects, upper triangle row by row
SPEARMAN = [0.83, 0.78, 0.70, 0.66, 0.63, 0.67, 0.67, 0.65, 0.57, 0.64, 0.54, 0.51, 0.45, 0.51, 0.40]


def spearman() -> np.ndarray:
    matrix = np.eye(6)
    matrix[np.triu_indices(6, 1)] = SPEARMAN
    return np.maximum(matrix, matrix.T)


@pytest.fixture(scope="module")
def bfi() -> pd.DataFrame:
    if not BFI.is_file():
        pytest.skip("shared folder absent")
    table = pd.read_csv(BFI)
    names = [name for name in table if name[0] in "ACENO" and name[1:].isdigit()]
    long = table[names].reset_index(names="feedback_id")
    long = long.melt("feedback_id", var_name="item", value_name="score")
    return long.assign(dimension=long["item"].str[0])


def test_published_alphas_of_bfi(bfi):
    """Help page of `bfi` in the R package psych: A .70, C .73, E .76, N .81, O .60 with the seven items turned."""
    table = internal_consistency(bfi, reverse=TURNED).table.set_index("scale")
    published = {"A": 0.70, "C": 0.73, "E": 0.76, "N": 0.81, "O": 0.60}
    assert table["alpha"].reindex(list(published)).to_list() == pytest.approx(list(published.values()), abs=0.005)
    assert (table["omega"].reindex(list(published)) > table["alpha"].reindex(list(published))).all()


def test_items_keyed_the_other_way_are_named_and_not_turned(bfi):
    found = internal_consistency(bfi)
    scales = found.items[found.items["scale"].notna()]
    assert scales.loc[scales["reversed"], "item"].to_list() == TURNED
    table = found.table.set_index("scale")
    assert (table.loc[["A", "C", "E", "O"], "verdict"] == "check_keys").all() and table.loc[
        "N", "verdict"
    ] == "reliable"
    assert table.loc["E", "alpha"] < 0 and table.loc["E", "alpha_keyed"] == pytest.approx(0.76, abs=0.005)


def test_one_factor_against_a_general_minimiser():
    from scipy.optimize import minimize

    matrix = spearman()
    off = 1 - np.eye(6)
    least = minimize(lambda own: (((matrix - np.outer(own, own)) * off) ** 2).sum(), np.full(6, 0.7), tol=1e-14)
    assert minres(matrix) == pytest.approx(np.abs(least.x), abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.2, 0.95), min_size=3, max_size=8))
def test_a_matrix_of_one_factor_gives_its_loadings_back(loadings):
    loadings = np.array(loadings)
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1.0)
    assert minres(matrix) == pytest.approx(loadings, abs=1e-3)
    common = loadings.sum() ** 2
    assert omega(matrix) == pytest.approx(common / (common + (1 - loadings**2).sum()), abs=1e-3)
    assert omega(matrix) >= alpha(matrix) - 1e-6


def test_alpha_by_hand():
    """Standardised: k r / (1 + (k - 1) r) with the mean correlation; equal loadings make omega the same."""
    mean = np.mean(SPEARMAN)
    assert alpha(spearman()) == pytest.approx(6 * mean / (1 + 5 * mean))
    equal = np.full((5, 5), 0.4) + 0.6 * np.eye(5)
    assert alpha(equal) == pytest.approx(omega(equal), abs=1e-6) == pytest.approx(2 / 2.6)


def test_the_interval_is_bonetts_where_his_assumptions_hold():
    """Normal parallel items, many of them: standard error sqrt(2 k / ((k - 1)(n - 2))) of ln(1 - alpha)."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20_000, 1)) + rng.standard_normal((20_000, 4))
    low, high = alpha_interval(x, np.arange(len(x)), 0.05)
    width = np.log((1 - low) / (1 - high)) / 2 / 1.959964
    assert width == pytest.approx(np.sqrt(2 * 4 / (3 * 19_998)), rel=0.03)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scores", [np.tile(np.arange(1.0, 6.0), 20), np.random.default_rng(1).integers(1, 6, 100)])
def test_items_that_repeat_each_other_have_no_interval(scores):
    """Divided by the nothing that is left to vary, the first gave 0/0 and a warning, the second 1 to 1 by rounding."""
    x = scores[:, None] * np.ones(3)
    assert alpha(np.cov(x.T)) == pytest.approx(1, abs=1e-12)
    assert np.isnan(alpha_interval(x, np.arange(100), np.array([0.05, 0.5]))).all()


def test_answers_copied_within_a_customer_widen_the_interval():
    x = made.items((0.7,) * 4, n=100).pivot(index="feedback_id", columns="item", values="score").to_numpy()
    low, high = alpha_interval(x, np.arange(100), 0.05)
    for copies in (2, 4):
        again = alpha_interval(np.repeat(x, copies, axis=0), np.repeat(np.arange(100), copies), 0.05)
        assert again == pytest.approx((low, high), abs=0.01)


def test_coverage_of_alpha_and_omega():
    rng, truth = np.random.default_rng(1), None
    loadings = np.array((0.9, 0.8, 0.6, 0.5, 0.3))

    def drawn(n):
        unique = rng.standard_normal((n, 5)) * np.sqrt(1 - loadings**2)
        return np.digitize(rng.standard_normal((n, 1)) * loadings + unique, (-1.2, -0.4, 0.4, 1.2)).astype(float)

    truth = np.cov(drawn(200_000).T)
    hits = {"alpha": 0, "omega": 0}
    for run in range(300):
        x = drawn(100)
        low, high = alpha_interval(x, np.arange(100), 0.05)
        hits["alpha"] += low <= alpha(truth) <= high
        if run < 60:
            row = method._omega_row(x, np.arange(100), method._draws(x, np.arange(100), run), 0.95)
            hits["omega"] += row["omega_low"] <= omega(truth) <= row["omega_high"]
    assert 0.91 <= hits["alpha"] / 300 <= 0.99
    assert hits["omega"] / 60 >= 0.88


def test_alpha_without_an_item_and_its_correlation_with_the_rest():
    items = made.items((0.8, 0.8, 0.8, 0.1))
    found = internal_consistency(items)
    wide = items.pivot(index="feedback_id", columns="item", values="score")
    rows = found.items.set_index("item")
    assert rows.loc["q4", "alpha_deleted"] == pytest.approx(alpha(np.cov(wide[["q1", "q2", "q3"]].T)))
    assert rows.loc["q4", "item_rest"] == pytest.approx(wide["q4"].corr(wide[["q1", "q2", "q3"]].sum(axis=1)))
    assert rows["verdict"].to_dict() == {"q1": "fits", "q2": "fits", "q3": "fits", "q4": "weak_item"}


def test_a_declared_item_is_turned_about_its_scale():
    items = made.items((0.8, 0.8, 0.8, -0.7))
    plain, turned = internal_consistency(items), internal_consistency(items, reverse=["q4"])
    assert plain.table["alpha_keyed"].iloc[0] == pytest.approx(turned.table["alpha"].iloc[0])
    assert turned.table["reversed"].iloc[0] == 0
    assert turned.items["mean"].iloc[3] == pytest.approx(6 - plain.items["mean"].iloc[3])


def test_incomplete_rows_are_left_out_and_counted():
    found = internal_consistency(made.items((0.8,) * 4, skip=0.1))
    row = found.table.iloc[0]
    assert row["n"] + row["incomplete"] == found.n and row["incomplete"] > 30
    assert "incomplete_rows" in found.cautions


def test_items_on_two_scales_are_put_on_one():
    items = made.items((0.8,) * 4)
    ten = items["item"].eq("q1")
    items.loc[ten, "score"], items.loc[ten, "scale_max"] = items["score"] * 2 - 1, 9.0
    found, plain = internal_consistency(items), internal_consistency(made.items((0.8,) * 4))
    assert found.table["alpha"].iloc[0] == pytest.approx(plain.table["alpha"].iloc[0])
    assert "mixed_scales" in found.cautions


def test_an_item_that_never_varies_is_left_out():
    items = made.items((0.8,) * 4)
    items.loc[items["item"].eq("q1"), "score"] = 5.0
    found = internal_consistency(items)
    assert "constant_items" in found.cautions and set(found.items["item"]) == {"q2", "q3", "q4"}


def test_what_is_refused():
    with pytest.raises(MethodRefused, match="two items"):
        internal_consistency(made.items((0.8,)))
    with pytest.raises(MethodRefused, match="q9"):
        internal_consistency(made.items((0.8,) * 3), reverse=["q9"])
