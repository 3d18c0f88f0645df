import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sqlib.errors import MethodRefused
from sqlib.methods.proportions import wilson
from sqlib.methods.response import mid_p, representation_limits, response


def base(**sizes):
    customers = pd.DataFrame({"segment": np.repeat(list(sizes), list(sizes.values()))})
    return customers.assign(customer_id=[f"C{i}" for i in range(len(customers))], city=np.arange(len(customers)) % 2)


def answering(customers, **numbers):
    """Feedback of the first so many customers of each segment, each twice."""
    ids = [customers.loc[customers["segment"] == s, "customer_id"].head(k) for s, k in numbers.items()]
    return pd.DataFrame({"customer_id": pd.concat([*ids, *ids])})


def test_counts_rates_and_verdicts():
    customers = base(a=100, b=100, c=50)
    result = response(customers, answering(customers, a=60, b=40, c=5), by=["segment", "city"])
    rows = result.table.set_index("group").loc[["a", "b", "c"]]
    assert rows["answered"].tolist() == [60, 40, 5]
    np.testing.assert_allclose(rows["representation"], np.array([60, 40, 5]) / 105 / np.array([0.4, 0.4, 0.2]))
    np.testing.assert_allclose(rows[["low", "high"]].to_numpy().T, wilson([60, 40, 5], [100, 100, 50]))
    assert rows["verdict"].tolist() == ["over", "as_expected", "silent"]
    assert (result.base, result.answered, result.denominator, result.comparisons) == (250, 105, "base", 5)
    assert result.rate == pytest.approx(105 / 250)
    assert np.isnan(result.invited)
    assert result.cautions == ()


def test_answers_of_nobody_on_the_list_are_refused_but_an_empty_period_is_not():
    customers, strangers = base(a=30, b=30), pd.DataFrame({"customer_id": ["X1", "X2", None]})
    with pytest.raises(MethodRefused) as refused:
        response(customers, strangers, by="segment")
    assert refused.value.code == "response.no_link" and refused.value.values["rows"] == 3
    told = pd.DataFrame({"customer_id": ["C1", "C2"], "responded": [1, 0]})
    assert response(customers, strangers, told, by="segment").rate == 0.5  # the invitations know who answered
    assert response(customers, strangers.iloc[:0], by="segment").rate == 0.0


def test_the_second_p_value_inverts_the_interval_of_representation():
    customers = base(a=100, b=100, c=50)
    rows = response(customers, answering(customers, a=60, b=40, c=5), by="segment").table
    for row in rows.itertuples():
        low, high = representation_limits(row.answered, row.base, 105, 250, row.p_second)
        assert min(abs(low - 1), abs(high - 1)) < 1e-6


def test_a_proven_but_mild_deficit_is_under_not_silent():
    customers = base(a=300, b=300)
    table = response(customers, answering(customers, a=180, b=120), by="segment").table
    assert table["verdict"].tolist() == ["over", "under"]


def test_tea_tasting():
    """Agresti (2013) Categorical Data Analysis, 3.5: 3 of 4 cups guessed; one-sided mid-p 9/70 = .129, here doubled
    (the table is symmetric). The smallest two-sided mid-p of these margins is (1/70 + 1/70) / 2."""
    assert mid_p(3, 4, 4, 8) == pytest.approx((18 / 70, 1 / 70))


@pytest.mark.parametrize(
    ("answered", "size", "answers", "total"), [(2, 20, 30, 100), (9, 12, 40, 90), (0, 15, 20, 200)]
)
def test_mid_p_is_fishers_test_less_half_of_the_ties(answered, size, answers, total):
    table = [[answered, size - answered], [answers - answered, total - size - answers + answered]]
    chance = stats.hypergeom.pmf(range(size + 1), total, size, answers)
    ties = chance[np.isclose(chance, chance[answered], rtol=1e-9)].sum()
    assert mid_p(answered, size, answers, total)[0] == pytest.approx(stats.fisher_exact(table).pvalue - ties / 2)


def test_representation_limits_match_the_bootstrap():
    rng = np.random.default_rng(0)
    ours, theirs = rng.binomial(80, 24 / 80, 20_000), rng.binomial(220, 110 / 220, 20_000)
    drawn = np.quantile(ours / (ours + theirs) / (80 / 300), [0.025, 0.975])
    np.testing.assert_allclose(representation_limits(24, 80, 134, 300, 0.05), drawn, atol=0.03)


def test_representation_limits_at_the_ends():
    low, high = representation_limits([0, 10, 10], [10, 10, 100], 10, 100, 0.05)
    assert low[0] == 0
    assert high[1] == pytest.approx(10)
    assert np.isnan(low[2])
    assert np.isnan(representation_limits(0, 10, 0, 100, 0.05)[0])


def test_invitations_give_the_denominator():
    customers = base(a=40, b=40)
    feedback = answering(customers, a=10, b=10)
    invited = pd.DataFrame({"customer_id": [*customers["customer_id"][5:60], "C5", "stranger"]})
    told = invited.assign(responded=invited["customer_id"].isin(["C6", "C45", "stranger"]).astype(int))
    silent = response(customers, feedback, invited, by="segment")
    spoken = response(customers, feedback, told, by="segment")
    assert silent.table["n"].tolist() == silent.table["invited"].tolist() == [35, 20]
    np.testing.assert_allclose(silent.table["estimate"], [5 / 35, 10 / 20])
    np.testing.assert_allclose(spoken.table["estimate"], [1 / 35, 1 / 20])
    assert (silent.invited, silent.denominator, silent.rate) == (55, "invited", 15 / 55)
    assert silent.cautions == ("unlinked_invitations", "answered_without_invitation")


def test_feedback_without_a_customer_is_counted():
    customers = base(a=20, b=20)
    feedback = pd.concat([answering(customers, a=5, b=5), pd.DataFrame({"customer_id": ["X", None]})])
    result = response(customers.assign(city=[None, *range(39)]), feedback, by=["segment", "city"])
    assert result.unlinked == 2
    assert set(result.cautions) == {"unlinked_feedback", "missing_group"}


def test_groups_too_small_to_tell_and_nobody_answering():
    customers = base(a=60, b=1)
    assert response(customers, answering(customers, a=30), by="segment").table["verdict"].tolist() == ["too_few"] * 2
    nobody = response(customers, pd.DataFrame({"customer_id": []}), by="segment")
    assert nobody.table["verdict"].tolist() == ["too_few"] * 2
    assert nobody.answered == 0
    assert nobody.table["representation"].isna().all()


@pytest.mark.parametrize(
    ("customers", "code"),
    [
        (base(a=0), "response.empty_base"),
        (pd.concat([base(a=2)] * 2), "response.bad_base"),
        (base(a=2).drop(columns="segment"), "samples.unknown_column"),
    ],
)
def test_refusals(customers, code):
    with pytest.raises(MethodRefused) as refused:
        response(customers, pd.DataFrame({"customer_id": []}), by="segment")
    assert refused.value.code == code
    assert all({"what", "remedy"} <= set(refused.value.parts(language)) for language in ("zh", "en"))


def test_equal_response_is_called_silent_or_under_rarely():
    """Five segments of 60 at a common rate of .4: some verdict but as_expected in at most 5 % of 150 bases."""
    rng, customers, alarms = np.random.default_rng(1), base(a=60, b=60, c=60, d=60, e=60), 0
    for _ in range(150):
        feedback = customers[rng.random(300) < 0.4]
        alarms += (response(customers, feedback, by="segment").table["verdict"] != "as_expected").any()
    assert alarms / 150 <= 0.06
