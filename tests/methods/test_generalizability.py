import numpy as np
import pandas as pd
import pytest
from made_ratings import SHROUT_FLEISS, crossed, long

from sqlib.errors import MethodRefused
from sqlib.methods import generalizability as method
from sqlib.methods.generalizability import d_study, g_study
from sqlib.methods.intraclass import icc

# Brennan (2001) Generalizability Theory, Table 3.2 (data `Brennan.3.2` of the R package gtheory 0.1.2): 3 tasks, each
# with 4 raters of its own (rows), 10 persons
BRENNAN = [
    [5, 9, 3, 7, 9, 3, 7, 5, 9, 4], [6, 3, 4, 5, 2, 4, 3, 8, 9, 4], [5, 7, 3, 5, 9, 3, 7, 5, 8, 4],
    [5, 7, 3, 3, 7, 5, 7, 7, 8, 3], [5, 7, 5, 3, 7, 3, 7, 7, 6, 3], [3, 5, 3, 1, 7, 3, 5, 5, 6, 5],
    [4, 5, 3, 4, 3, 6, 5, 5, 6, 6], [5, 5, 5, 3, 7, 3, 7, 4, 5, 5], [6, 7, 6, 5, 2, 4, 5, 3, 5, 5],
    [7, 7, 5, 3, 7, 5, 5, 2, 8, 7], [3, 5, 1, 3, 5, 1, 5, 1, 1, 1], [3, 2, 6, 5, 3, 2, 4, 1, 1, 1],
]  # fmt: skip
# Brennan (2001), synthetic data set 1: 10 persons (rows) by 12 items
FIRST = [
    "101000000000", "111001000000", "111110000000", "110110010000", "111110100000", "111011100000", "111111100000",
    "111101111100", "111111111110", "111111111111",
]  # fmt: skip
# The same, synthetic data set 3: 4 items on each of 2 occasions (rows) by 10 persons
THIRD = [
    [2, 4, 5, 5, 4, 4, 2, 3, 0, 6], [6, 5, 5, 9, 3, 4, 6, 4, 5, 8], [7, 6, 4, 8, 5, 4, 6, 4, 4, 7],
    [5, 7, 6, 6, 6, 7, 5, 5, 5, 6], [2, 6, 5, 5, 4, 6, 2, 6, 5, 6], [5, 7, 4, 7, 5, 4, 7, 6, 5, 8],
    [5, 5, 5, 7, 6, 7, 7, 6, 5, 8], [5, 7, 5, 6, 4, 8, 5, 4, 3, 6],
]  # fmt: skip
EXACT = {"p": 0.4731481481481481, "t": 0.32515432098765273, "r:t": 0.6475308641975319, "pt": 0.5595679012345688,
         "pr:t": 2.380246913580247}  # fmt: skip
PR = {"p": "ratee", "r": "rater"}
PRT = {"p": "p", "r": "r", "t": "t"}


def brennan() -> pd.DataFrame:
    rows = [(p, r, r // 4, y) for r, row in enumerate(BRENNAN) for p, y in enumerate(row)]
    return pd.DataFrame(rows, columns=["p", "r", "t", "y"])


def estimates(study) -> dict:
    return study.components.set_index("component")["estimate"].to_dict()


def test_brennans_published_design():
    """Mean squares of R `aov` solved by hand; Brennan prints .4731, .3252, .6475, .5596, 2.3802, .5514, .4637."""
    study = g_study(brennan(), score="y", design="p x (r:t)", columns=PRT)
    assert estimates(study) == pytest.approx(EXACT, abs=1e-8)
    assert study.components["df"].to_list() == [9, 2, 9, 18, 81]
    plan = d_study(study).iloc[0]
    assert plan["generalizability"] == pytest.approx(0.551438848920863, abs=1e-8)
    assert plan["dependability"] == pytest.approx(0.4637023593466425, abs=1e-8)
    assert (study.method, study.sizes) == ("ems", {"r": 4.0, "t": 3.0})


def test_brennans_persons_by_items():
    """Brennan (2001), synthetic data set 1: components .0574, .0754, .1269, coefficients .844 and .773."""
    rows = [(p, i, int(mark)) for p, row in enumerate(FIRST) for i, mark in enumerate(row)]
    data = pd.DataFrame(rows, columns=["p", "i", "y"])
    study = g_study(data, score="y", design="p x i", columns={"p": "p", "i": "i"})
    assert estimates(study) == pytest.approx({"p": 0.0574, "i": 0.0754, "pi": 0.1269}, abs=5e-5)
    plan = d_study(study).iloc[0]
    assert plan[["generalizability", "dependability"]].to_list() == pytest.approx([0.844, 0.773], abs=6e-4)


def test_brennans_persons_by_items_by_occasions():
    """Brennan (2001), synthetic data set 3: seven components; .64 and .55, with items fixed .81 and .79."""
    rows = [(p, at % 4, at // 4, y) for at, row in enumerate(THIRD) for p, y in enumerate(row)]
    data = pd.DataFrame(rows, columns=["p", "i", "o", "y"])
    study = g_study(data, score="y", design="p x i x o", columns={each: each for each in "pio"})
    published = {"p": 0.5528, "i": 0.4417, "o": 0.0074, "pi": 0.5750, "po": 0.1009, "io": 0.1565, "pio": 0.9352}
    assert estimates(study) == pytest.approx(published, abs=5e-5)
    for fixed, expected in (((), [0.64, 0.55]), (("i",), [0.81, 0.79])):
        plan = d_study(study, fixed=fixed).iloc[0]
        assert plan[["generalizability", "dependability"]].to_list() == pytest.approx(expected, abs=5e-3)


def test_labels_of_raters_may_be_used_again_in_each_task():
    data = brennan().assign(r=lambda d: d["r"] % 4)
    assert estimates(g_study(data, score="y", design="p x (r:t)", columns=PRT)) == pytest.approx(EXACT)


def test_restricted_likelihood_agrees_where_data_are_balanced():
    table, _ = method._table(brennan(), "y", ["p", "r", "t"])
    cells = method._Cells(table, method.rating_formula.parsed("p x (r:t)"), PRT)
    found, squares, df = method._likelihood(cells)
    assert found == pytest.approx(list(EXACT.values()), abs=5e-4)
    exact, _, own = method._squared(cells)
    assert squares == pytest.approx(cells.expected @ exact, abs=5e-3) and df == pytest.approx(own, abs=1e-3)


def test_shrout_and_fleiss_as_a_g_study():
    """The components behind ICC(2,1) and ICC(3,k) of Shrout & Fleiss (1979): .2898 and .9093."""
    study = g_study(long(SHROUT_FLEISS), score="score", design="p x r", columns=PR)
    assert estimates(study) == pytest.approx({"p": 2.5555556, "r": 5.2444444, "pr": 1.0194444})
    plans = d_study(study, [{"r": 1}, {"r": 4}])
    assert plans["dependability"].to_list() == pytest.approx([0.2898, 0.6201], abs=5e-5)
    assert plans["generalizability"].to_list() == pytest.approx([0.7148, 0.9093], abs=5e-5)


def test_the_limits_of_p_by_r_are_the_exact_ones():
    """Those of ICC(3,k), but for the draws."""
    data = crossed(25, 5, 5, seed=1)
    plan = d_study(g_study(data, score="score", design="p x r", columns=PR)).iloc[0]
    exact = icc(data, ratee="ratee", rater="rater", score="score").table.set_index("form").loc["icc3k"]
    assert plan["generalizability"] == pytest.approx(exact["estimate"])
    limits = plan[["generalizability_low", "generalizability_high"]].to_list()
    assert limits == pytest.approx(exact[["low", "high"]].to_list(), abs=0.015)


def test_more_raters_are_never_worse_and_cost_more():
    study = g_study(brennan(), score="y", design="p x (r:t)", columns=PRT)
    plans = d_study(study, [{"r": r, "t": 3} for r in range(1, 9)], hours_per_rating=0.5, people=20)
    for name in ("generalizability", "dependability", "hours"):
        assert plans[name].is_monotonic_increasing
    assert plans["hours"].to_list() == [0.5 * 20 * 3 * r for r in range(1, 9)]
    assert plans["sem_absolute"].is_monotonic_decreasing


def test_fixed_criteria_are_part_of_what_is_measured():
    """By hand: all criteria kept, their interaction with people joins the universe; half kept, half of it is error."""
    data = crossed(20, 4, 4, criteria=6, seed=2)
    study = g_study(data, score="score", design="p x r x i", columns=PR | {"i": "criterion"})
    got = estimates(study)
    full, half = d_study(study, [{}, {"i": 3}], fixed=("i",)).to_dict("records")
    own = got["p"] + got["pi"] / 6
    relative = got["pr"] / 4 + got["pri"] / 24
    assert full["generalizability"] == pytest.approx(own / (own + relative))
    relative = got["pr"] / 4 + got["pri"] / 12 + got["pi"] * (1 / 3 - 1 / 6)
    assert half["generalizability"] == pytest.approx(own / (own + relative))


def test_a_negative_component_is_zero_and_said():
    data = crossed(12, 4, 4, sd=(0.0, 1.0, 1.0), seed=6)
    study = next(
        s for k in range(20)
        if "negative_variance" in (s := g_study(crossed(12, 4, 4, (0.0, 1.0, 1.0), k), score="score", design="p x r",
                                                columns=PR)).cautions
    )  # fmt: skip
    assert estimates(study)["p"] == 0 and d_study(study)["generalizability"].iloc[0] == 0
    assert len(data) == study.n


@pytest.mark.filterwarnings("error")
def test_unbalanced_designs_are_estimated():
    data = crossed(40, 6, 3, criteria=3, seed=3)
    study = g_study(data, score="score", design="p x r x i", columns=PR | {"i": "criterion"})
    assert study.method == "reml" and "unbalanced" in study.cautions and study.sizes == {"r": 3.0, "i": 3.0}
    truth = {"p": 1.0, "r": 0.25, "pri": 1.0}
    rows = study.components.set_index("component")
    assert all(rows.loc[name, "low"] <= value <= rows.loc[name, "high"] for name, value in truth.items())


def test_of_many_people_a_sample_is_taken_where_there_are_criteria():
    data = crossed(200, 6, 3, criteria=2, seed=3)
    asked = {"score": "score", "design": "p x r x i", "columns": PR | {"i": "criterion"}}
    study = g_study(data, **asked)
    assert "sampled" in study.cautions and study.people == 200
    assert g_study(data, **asked).components.equals(study.components)


def test_people_by_raters_needs_no_sample():
    """The components are those of the intraclass correlation, of all people."""
    data = crossed(400, 6, 3, seed=3)
    study = g_study(data, score="score", design="p x r", columns=PR)
    every = icc(data, ratee="ratee", rater="rater", score="score").components["estimate"]
    assert "sampled" not in study.cautions
    assert list(estimates(study).values()) == pytest.approx(every.to_list(), rel=1e-6)


def test_the_intervals_cover():
    truth = {"generalizability": 1 / (1 + 1 / 3), "dependability": 1 / (1 + 1.25 / 3), "p": 1.0, "r": 0.25}
    hits = dict.fromkeys(truth, 0)
    for seed in range(60):
        study = g_study(crossed(30, 5, 3, seed=seed), score="score", design="p x r", columns=PR, seed=seed)
        plan, rows = d_study(study).iloc[0], study.components.set_index("component")
        for name, value in truth.items():
            limits = (
                (plan[f"{name}_low"], plan[f"{name}_high"])
                if name.endswith("ability")
                else tuple(rows.loc[name, ["low", "high"]])
            )
            hits[name] += limits[0] <= value <= limits[1]
    assert all(52 <= each <= 60 for each in hits.values())


def test_what_is_refused():
    data = long(SHROUT_FLEISS)

    def asked(table, **options):
        return g_study(table, **({"score": "score", "design": "p x r", "columns": PR} | options))

    with pytest.raises(MethodRefused, match="do not belong together"):
        asked(data, design="p x r x i")
    with pytest.raises(MethodRefused, match="nested in a facet"):
        asked(data, design="p:r")
    with pytest.raises(MethodRefused, match="one level"):
        asked(data[data["rater"] == "r0"])
    with pytest.raises(MethodRefused, match="one level"):
        asked(data[data["ratee"] == "u000"])
    with pytest.raises(MethodRefused, match="one cell"):
        asked(pd.concat([data, data]))
    with pytest.raises(MethodRefused, match="cannot be told apart"):
        asked(data.groupby("ratee").head(1).assign(rater=["a", "b"] * 3))
    with pytest.raises(MethodRefused, match="All scores are equal"):
        asked(data.assign(score=3.0))
    with pytest.raises(MethodRefused, match="Too few"):
        asked(data.assign(score=np.where(data.index == 0, 1.0, np.nan)))
    with pytest.raises(MethodRefused, match="positive"):
        d_study(asked(data), [{"r": 0}])
    with pytest.raises(MethodRefused, match="do not belong together"):
        d_study(asked(data), fixed=("i",))
