import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_ratings import ANXIETY, SHROUT_FLEISS, crossed, long

from sqlib.errors import MethodRefused
from sqlib.methods.intraclass import icc

NAMES = {"ratee": "ratee", "rater": "rater", "score": "score"}


def table(data) -> pd.DataFrame:
    return icc(data, **NAMES).table.set_index("form")


def test_shrout_and_fleiss_to_the_digit():
    """Table 4, p. 423, prints two decimals; limits, F and p as `ICC` of the R package psych prints them."""
    found = table(long(SHROUT_FLEISS))
    assert found["estimate"].to_list() == pytest.approx([0.1657, 0.2898, 0.7148, 0.4428, 0.6201, 0.9093], abs=5e-5)
    assert found["low"].to_list() == pytest.approx([-0.133, 0.019, 0.342, -0.884, 0.071, 0.676], abs=5e-4)
    assert found["high"].to_list() == pytest.approx([0.72, 0.76, 0.95, 0.91, 0.93, 0.99], abs=5e-3)
    assert found["F"].to_list()[:3] == pytest.approx([1.79, 11.03, 11.03], abs=5e-3)
    assert found["df1"].to_list() == [5] * 6 and found["df2"].to_list() == [18, 15, 15] * 2
    assert found.loc["icc1", "p_value"] == pytest.approx(0.16477, abs=5e-6)
    assert found.loc["icc3", "p_value"] == pytest.approx(0.00013, abs=5e-6)
    assert found["name"].to_list() == ["ICC(1)", "ICC(A,1)", "ICC(C,1)", "ICC(k)", "ICC(A,k)", "ICC(C,k)"]


def test_wines_as_psych_and_pingouin_have_them():
    """Eight wines by four judges (data `icc` of the Python package pingouin): all forms with F and limits."""
    wines = [[1, 2, 0, 1], [1, 3, 3, 2], [3, 8, 1, 4], [6, 4, 3, 3], [6, 5, 5, 6], [7, 5, 6, 2], [8, 7, 7, 9],
             [9, 9, 9, 8]]  # fmt: skip
    found = table(long(wines))
    assert found["estimate"].to_list() == pytest.approx([0.728, 0.728, 0.729, 0.914, 0.914, 0.915], abs=6e-4)
    assert found["low"].to_list() == pytest.approx([0.43, 0.43, 0.43, 0.75, 0.75, 0.75], abs=6e-3)
    assert found["high"].to_list() == pytest.approx([0.93, 0.93, 0.93, 0.98, 0.98, 0.98], abs=6e-3)
    assert found["F"].to_list()[:3] == pytest.approx([11.680, 11.787, 11.787], abs=6e-4)


def test_agreement_of_single_ratings_as_irr_has_it():
    """irr 0.84.1, icc(anxiety, model="twoway", type="agreement")."""
    row = table(long(ANXIETY)).loc["icc2"]
    assert row["estimate"] == pytest.approx(0.197998259355962, abs=1e-6)
    assert [row["low"], row["high"]] == pytest.approx([-0.0389106260931603, 0.493573945972123], abs=1e-4)


def test_the_limits_of_complete_data_are_those_of_the_f_distribution():
    from scipy.stats import f

    found = table(long(SHROUT_FLEISS)).loc["icc3"]
    low = found["F"] / f.ppf(0.975, 5, 15)
    assert found["low"] == pytest.approx((low - 1) / (low + 3), abs=1e-9)


def test_incomplete_components_are_those_of_dense_restricted_likelihood():
    from scipy.optimize import minimize

    data = crossed(14, 5, 3, seed=4)
    person, rater = pd.get_dummies(data["ratee"]).to_numpy(float), pd.get_dummies(data["rater"]).to_numpy(float)
    y, one = data["score"].to_numpy(), np.ones((len(data), 1))

    def deviance(logs):
        own, severity, error = np.exp(logs)
        v = own * person @ person.T + severity * rater @ rater.T + error * np.eye(len(y))
        inverse = np.linalg.inv(v)
        weight = one.T @ inverse @ one
        left = y @ inverse @ y - (one.T @ inverse @ y) ** 2 / weight
        return (np.linalg.slogdet(v)[1] + np.log(weight) + left).item()

    best = np.exp(minimize(deviance, np.zeros(3), tol=1e-10).x)
    found = icc(data, **NAMES)
    assert found.components["estimate"].to_numpy() == pytest.approx(best, rel=1e-3)
    assert found.table.set_index("form").loc["icc2", "estimate"] == pytest.approx(best[0] / best.sum(), rel=1e-3)
    assert not found.complete and "incomplete" in found.cautions


def test_one_way_of_unequal_groups_is_analysis_of_variance():
    """A hand calculation: groups of 3, 2, 2 ratings with n0 = (7 - 17 / 7) / 2."""
    groups = [[9, 7, 8], [4, 5], [1, 3]]
    data = long(groups)
    y = np.concatenate(groups)
    between = sum(len(g) * (np.mean(g) - y.mean()) ** 2 for g in groups) / 2
    within = sum(((g - np.mean(g)) ** 2).sum() for g in map(np.array, groups)) / 4
    size = (7 - 17 / 7) / 2
    row = table(data).loc["icc1"]
    assert row["estimate"] == pytest.approx((between - within) / (between + (size - 1) * within))
    assert row["F"] == pytest.approx(between / within)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 50), st.floats(-100, 100), st.booleans())
def test_unit_and_origin_of_the_scores_do_not_matter(seed, factor, shift, complete):
    data = crossed(10, 4, 4 if complete else 3, seed=seed)
    other = data.assign(score=shift + factor * data["score"])
    columns = ["estimate", "low", "high"]
    assert table(other)[columns].to_numpy() == pytest.approx(table(data)[columns].to_numpy(), abs=2e-4)


def test_the_intervals_cover():
    sd, hits = (1.0, 0.6, 0.9), {"icc2": 0, "icc3": 0}
    truth = {"icc2": 1 / (1 + 0.36 + 0.81), "icc3": 1 / 1.81}
    for seed in range(60):
        found = table(crossed(30, 6, 3, sd, seed))
        for form in hits:
            hits[form] += found.loc[form, "low"] <= truth[form] <= found.loc[form, "high"]
    assert all(0.88 <= each / 60 <= 1 for each in hits.values())


def test_what_is_refused():
    data = long(SHROUT_FLEISS)
    with pytest.raises(MethodRefused, match="One rater"):
        icc(data[data["rater"] == "r0"], **NAMES)
    with pytest.raises(MethodRefused, match="more than once"):
        icc(pd.concat([data, data.assign(score=data["score"] + 1)]), **NAMES)
    with pytest.raises(MethodRefused, match="Nobody was rated by two"):
        icc(data.iloc[[0, 5, 10, 15, 20]], **NAMES)
    with pytest.raises(MethodRefused, match="agree exactly"):
        icc(data.assign(score=data["ratee"].str[1:].astype(float)), **NAMES)
    with pytest.raises(MethodRefused, match="share raters"):
        icc(data.iloc[[0, 1, 5, 6, 10, 11]].drop(index=[6]), **NAMES)
    with pytest.raises(MethodRefused):
        icc(data.assign(score=5.0), **NAMES)
