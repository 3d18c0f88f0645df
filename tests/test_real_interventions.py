"""Published interventions read from a client's folder and judged as any client's are, against what is known of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import real_interventions as real

pytestmark = pytest.mark.skipif(not real.DATA.is_dir(), reason="shared folder absent")

NAMES = [make.__name__ for make in real.ALL]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    found = {}

    def judged(name):
        if name not in found:
            one = getattr(real, name)()
            found[name] = real.judged(tmp_path_factory.mktemp("folder"), one)
        return found[name]

    return judged


def row(result) -> pd.Series:
    assert len(result.effects) == 1 and result.effects["primary"].all()
    return result.effects.iloc[0]


def detail(result, name) -> pd.Series:
    return result.diagnostics.set_index("name").loc[name]


VERDICTS = {
    "restaurants": ("cannot_tell", "none"),  # the two methods differ in what they take as given
    "cigarettes": ("cannot_tell", "none"),  # third of 39 states by its own placebos
    "banks": ("cannot_tell", "none"),  # two districts
    "deaths": ("worse", "moderate"),
    "classes": ("effective", "strong"),
    "seminar": ("no_effect_worth_having", "strong"),
    "infections": ("effective", "moderate"),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_is_one_a_sober_reader_would_give(told, name):
    found = row(told(name))
    assert (found["verdict"], found["strength"]) == VERDICTS[name]


def test_restaurants(told):
    """Card & Krueger (1994), table 3: 2.75 (1.34) of restaurants seen twice; no fall in employment."""
    found, result = row(told("restaurants")), told("restaurants")
    assert found["design"] == "ancova" and (found["treated"], found["compared"]) == (309, 75)
    assert found["second_effect"] == pytest.approx(2.75, abs=0.005)
    assert found["low"] < found["effect"] < found["second_effect"] < found["high"]
    assert {"not_randomised", "baseline_apart"} <= set(found["cautions"].split(";"))
    assert detail(result, "before_apart")["estimate"] < -0.25


def test_cigarettes(told):
    """Abadie and others (2010), exact optimum without covariates -19.514; plain difference in differences -27.349."""
    found = row(told("cigarettes"))
    assert found["frequency"] == "year" and (found["n_before"], found["n_after"]) == (19, 12)
    assert (found["treated"], found["compared"]) == (1, 38)
    sizes = {found["design"]: found["effect"], found["second_design"]: found["second_effect"]}
    assert sizes["synthetic_control"] == pytest.approx(-19.514, abs=0.001)
    assert sizes["unit_differences"] == pytest.approx(-27.349, abs=0.001)
    assert "few_placebo_dates" in found["cautions"]


def test_banks(told):
    """Two districts tell little: the interval holds the 19 banks of the difference on two days, and nothing at all."""
    found, result = row(told("banks")), told("banks")
    assert (found["design"], found["compared"]) == ("controlled", 1)
    assert found["low"] < 0 < 19 < found["high"]
    refused = result.admissibility.set_index("design")["reason"]
    assert refused["unit_differences"] == "too_few_units" and refused["synthetic_control"] == "too_few_donors"
    assert "after_bad_period" in found["downgrades"]


def test_deaths(told):
    """More deaths a month from March 2020 on, fading; about a tenth above what was to be expected."""
    found = row(told("deaths"))
    assert found["design"] == "its_counts" and found["frequency"] == "month"
    assert 0.05 < found["percent_low"] < found["percent"] < found["percent_high"] < 0.18
    assert found["sustained"] == "fading" and found["placebo_dates"] > 100


def test_classes(told):
    """Stock & Watson, table 13.1: small less regular classes 13.90; the interval for schools is wider than theirs."""
    found, result = row(told("classes")), told("classes")
    assert found["effect"] == pytest.approx(13.90, abs=0.005) and found["estimand"] == "mean_difference"
    assert detail(result, "hc3_se")["estimate"] == pytest.approx(2.45, abs=0.01)
    assert found["se"] > 2.45 and detail(result, "teams")["estimate"] == 79
    assert found["second_design"] == "team_means"


def test_seminar(told, tmp_path):
    """Depression, down is good: analysis of covariance without covariates; too small to be worth having where .2 is."""
    found = row(told("seminar"))
    assert (found["treated"], found["compared"]) == (600, 299)
    assert -0.14 < found["low"] < found["effect"] < 0 < found["high"] < 0.2
    assert (found["observed_before"], found["observed_after"]) == pytest.approx((1.860, 1.720), abs=5e-4)
    one = real.seminar()
    open_ = row(real.judged(tmp_path, replace(one, plan="")))
    assert (open_["verdict"], open_["reason"]) == ("cannot_tell", "interval_holds_nothing")


def test_infections(told):
    """13.02 per 10,000 days before, 5.01 after: a lasting fall."""
    found = row(told("infections"))
    assert found["design"] in ("its", "its_counts") and (found["n_before"], found["n_after"]) == (24, 12)
    assert found["observed_after"] == pytest.approx(5.01, abs=0.01)
    assert found["high"] < 0 and found["low"] < -8.01 + 1.5 < found["high"] and found["sustained"] != "fading"


def test_nobody_is_named_and_nothing_is_lost_on_the_way(tmp_path):
    one = real.restaurants()
    people = real.opened(tmp_path, one).read("pre_post")
    assert len(people) == 410 and people["subject_id"].is_unique
    assert people["arm"].value_counts().to_dict() == {"treated": 331, "comparison": 79}
    np.testing.assert_allclose(people["before"].mean(), one.people["before"].mean())
