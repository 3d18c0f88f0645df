"""Standing: the client's own totals with the judged part calibrated, everybody in one row, two periods together."""

import numpy as np
import pandas as pd
import pytest

from sqlib import figures, words
from sqlib.errors import MethodRefused
from sqlib.methods import standing
from sqlib.methods.rater_calibration import calibrate
from sqlib.methods.scheme import Scheme, totals

TIERS = {"A": 85, "B": 75, "C": 0}
RULE = {"cuts": TIERS, "money": {"A": 1000, "B": 500, "C": 0}}
WEIGHTS = {"c0": 35, "c1": 35, "filing": 30}
COLUMNS = {"ratee": "ratee_id", "rater": "rater_id", "score": "score", "criterion": "criterion_id"}
JUDGED = Scheme(cuts=TIERS)


def scores(seed=0, severity=(6, -6, 0, 0), people=24) -> pd.DataFrame:
    """Two criteria; everybody is rated by three of four raters, the first severe, the second lenient."""
    rng = np.random.default_rng(seed)
    level = 80 + 5 * rng.standard_normal(people)
    rows = [(f"p{p:02}", f"r{r}", f"c{c}", level[p] - severity[r] + 2 * rng.standard_normal(), f"T{p % 2}")
            for p in range(people) for r in range(4) for c in range(2) if p % 4 != r]  # fmt: skip
    return pd.DataFrame(rows, columns=["ratee_id", "rater_id", "criterion_id", "score", "team"])


def counted(rows: pd.DataFrame, *extra: tuple) -> pd.DataFrame:
    """The same as the scheme takes it, with what is counted: (person, criterion, kind, score)."""
    named = rows.rename(columns={"ratee_id": "ratee", "rater_id": "rater", "criterion_id": "criterion"})
    more = pd.DataFrame(extra, columns=["ratee", "criterion", "kind", "score"])
    return pd.concat([named.assign(kind="judged"), more], ignore_index=True).assign(full_marks=100.0)


@pytest.fixture(scope="module")
def calibrated():
    return calibrate(scores(), **COLUMNS, group="team", scale=(0, 100))


@pytest.fixture(scope="module")
def summed():
    """Filings for 30 %, an error, a bonus point, and a veto against the best."""
    people = sorted(scores()["ratee_id"].unique())
    best = scores().groupby("ratee_id")["score"].mean().idxmax()
    extra = [(who, "filing", "formula", 90.0 + at % 10) for at, who in enumerate(people)]
    extra += [("p01", "errors", "deduction", 3.0), ("p02", "praise", "bonus", 2.0), (best, "veto", "veto", 1.0)]
    return totals(counted(scores(), *extra), Scheme(weights=WEIGHTS, cuts=TIERS))


def test_the_raw_total_and_its_tier_are_the_clients_own(calibrated, summed):
    people = standing.tiers_of(calibrated, summed, rule=RULE).ratees
    own = summed.table.set_index("ratee").loc[people["ratee_id"]]
    np.testing.assert_allclose(people["total_raw"], own["total"])
    assert people["tier_raw"].tolist() == own["tier"].tolist() and own["tier"].nunique() == 3


def test_only_the_judged_part_moves(calibrated, summed):
    people = standing.tiers_of(calibrated, summed, rule=RULE).ratees
    own = summed.table.set_index("ratee").loc[people["ratee_id"]]
    step = (calibrated.ratees["calibrated"] - calibrated.ratees["raw"]).to_numpy()
    free = ~own["veto"].to_numpy(dtype=bool)
    moved = (people["total"] - people["total_raw"]).to_numpy()
    np.testing.assert_allclose(moved[free], 0.7 * step[free])
    half = (people["total_high"] - people["total_low"]).to_numpy()[free]
    alone = standing.tiers_of(calibrated, rule=RULE).ratees
    np.testing.assert_allclose(half, 0.7 * (alone["total_high"] - alone["total_low"]).to_numpy()[free])


def test_a_veto_holds_whatever_the_raters_say(calibrated, summed):
    decided = standing.tiers_of(calibrated, summed, rule=RULE)
    (who,) = summed.table.loc[summed.table["veto"], "ratee"]
    row = decided.ratees.set_index("ratee_id").loc[who]
    assert row["total_raw"] > TIERS["A"]  # the score alone would make an A
    assert (row["tier_raw"], row["tier"], row["p_tier"], row["changed"]) == ("C", "C", 1.0, False)
    assert decided.ratees.loc[decided.ratees["changed_by"].eq("veto"), "ratee_id"].tolist() == [who]
    assert not standing.standing(calibrated, decided).ratees["changed_by"].eq("veto").any()
    assert row["total"] == row["total_raw"] == row["total_low"] == row["total_high"]
    forced = standing.tiers_of(calibrated, summed, rule={"shares": {"A": 0.25, "B": None}}).ratees
    assert forced.set_index("ratee_id").loc[who, ["tier_raw", "tier"]].tolist() == ["B", "B"]


def test_without_totals_the_judged_score_is_the_total(calibrated):
    decided = standing.tiers_of(calibrated, rule=RULE)
    np.testing.assert_allclose(decided.ratees["total_raw"], calibrated.ratees["raw"])
    np.testing.assert_allclose(decided.ratees["total"], calibrated.ratees["calibrated"])
    assert standing.standing(calibrated, decided).cuts == {"A": 85.0, "B": 75.0}


def test_who_has_no_total_is_not_judged_and_nobody_is_refused(calibrated):
    known = calibrated.ratees["ratee_id"].iloc[3:]
    rows = counted(scores()[lambda frame: frame["ratee_id"].isin(known)])
    people = standing.tiers_of(calibrated, totals(rows, JUDGED), rule=RULE).ratees
    assert people["verdict"].eq("not_judged").tolist() == [True] * 3 + [False] * (len(people) - 3)
    others = totals(counted(scores().assign(ratee_id="x" + scores()["ratee_id"])), JUDGED)
    with pytest.raises(MethodRefused) as refused:
        standing.tiers_of(calibrated, others, rule=RULE)
    assert refused.value.code == "standing.nobody"


def test_units_of_a_forced_distribution_come_with_the_totals(calibrated):
    rows = counted(scores().assign(department=np.where(scores()["ratee_id"] < "p08", "east", "west")))
    rule = {"shares": {"A": 0.25, "B": None}, "within": "department"}
    people = standing.tiers_of(calibrated, totals(rows, JUDGED), rule=rule).ratees
    best = people[people["tier"] == "A"]["ratee_id"]
    assert ((best < "p08").sum(), (best >= "p08").sum()) == (2, 4)


def test_bands_are_those_of_the_tiers_where_the_total_is_the_judged_score(calibrated):
    decided = standing.tiers_of(calibrated, rule=RULE)
    stands = standing.standing(calibrated, decided)
    assert stands.ratees["band"].tolist() == decided.ratees["band"].tolist() and stands.ratees["band"].nunique() > 1
    assert list(stands.ratees) == standing.COLUMNS
    for name in ("tier_raw", "tier", "p_tier", "verdict"):
        assert stands.ratees[name].tolist() == decided.ratees[name].tolist()


def test_without_tiers_everybody_still_has_score_band_and_what_moved_it(calibrated):
    stands = standing.standing(calibrated)
    table = stands.ratees.set_index("ratee_id")
    assert table["verdict"].eq("no_tiers").all() and table["tier"].isna().all() and stands.cuts == {}
    assert stands.n == len(table) == 24 and stands.moved == 12
    spared = table.loc[[f"p{p:02}" for p in range(0, 24, 4)]]  # never rated by the severe one, always by the lenient
    assert spared["changed_by"].eq("lenient_raters").all() and (spared["corrected"] < spared["raw"]).all()
    harmed = table.loc[[f"p{p:02}" for p in range(1, 24, 4)]]
    assert harmed["changed_by"].eq("severe_raters").all()


def test_history_keeps_the_unshrunk_scores_of_both_periods(calibrated):
    later = calibrate(scores(seed=1, people=20), **COLUMNS, scale=(0, 100))
    table = standing.history(calibrated, later, labels=["2026Q2", "2026Q3"])
    assert set(table) == {"ratee_id", "period", "corrected"}
    assert table["period"].value_counts().to_dict() == {"2026Q2": 24, "2026Q3": 20}
    now = table[table["period"] == "2026Q3"]
    np.testing.assert_array_equal(now["corrected"], later.ratees["corrected"])


def test_the_dumbbell_of_a_standing_without_tiers_draws_the_scores_alone(calibrated):
    found = standing.standing(calibrated)
    ax = figures.plot_calibration(found, most=24)
    people = found.ratees.set_index("ratee_id")
    shown = [label.get_text() for label in ax.get_yticklabels() if label.get_text() in people.index]
    assert sorted(shown) == sorted(people.index)
    assert ax.get_xlabel() == words.text("figures", "score_axis", language="en")
    dots = next(line for line in ax.lines if line.get_markerfacecolor() == "white")
    assert list(dots.get_xdata()) == people.loc[shown, "raw"].tolist()
    assert not any(words.text("figures", "tier_from", language="en", tier=name) in text.get_text()
                   for text in ax.texts for name in TIERS)  # fmt: skip


def test_of_many_people_those_are_drawn_whose_score_moved_most(calibrated):
    found = standing.standing(calibrated)
    people = found.ratees.set_index("ratee_id")
    ax = figures.plot_calibration(found, most=5)
    shown = {label.get_text() for label in ax.get_yticklabels()} & set(people.index)
    assert shown == set((people["calibrated"] - people["raw"]).abs().nlargest(5).index)
    assert "19" in ax.get_xlabel()
