"""The second demo client: its bytes follow from the seed, a right reading keeps every row, what is planted is there."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "data" / "demo"
FOLDER = DEMO / "northbridge"
sys.path[:0] = [str(DEMO)]

import northbridge  # noqa: E402
import northbridge_appraisal  # noqa: E402
from world import load_world  # noqa: E402

from sqlib import client, periods  # noqa: E402
from sqlib import tables as typed  # noqa: E402
from sqlib.methods import kano  # noqa: E402
from sqlib.reading import Reading  # noqa: E402

WORLD = load_world("northbridge")
TRUTH = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def clean():
    return northbridge.simulate()


@pytest.fixture(scope="module")
def read():
    who = client.load(FOLDER)
    return {name: typed.load(who, name, as_of=who.data_until) for name in who.tables}


def test_bytes_follow_from_the_seed(tmp_path):
    northbridge.main(["--out", str(tmp_path)])
    made = {path.name: path.read_bytes() for path in (tmp_path / "northbridge" / "raw").iterdir()}
    kept = {path.name: path.read_bytes() for path in (FOLDER / "raw").iterdir()}
    assert made.keys() == kept.keys()
    assert [name for name in kept if made[name] != kept[name]] == []
    assert (tmp_path / "northbridge" / "truth.toml").read_bytes() == (FOLDER / "truth.toml").read_bytes()


@pytest.mark.parametrize("table", ["customers", "feedback", "cases", "appraisals", "rewards"])
def test_a_right_reading_keeps_every_row(read, table):
    assert len(read[table].frame) == TRUTH["rows"][table]


def test_the_overlap_of_the_half_years_counts_once(read):
    overlap = northbridge.OVERLAP * (len(northbridge.HALVES) - 1)
    assert int(read["feedback"].counts["duplicate"].sum()) == overlap


def test_the_period_is_as_planted(read):
    rows = read["feedback"].frame
    now = rows[(rows["received_at"] >= northbridge.PERIOD[0]) & (rows["received_at"] < northbridge.PERIOD[1])]
    assert len(now) == TRUTH["period"]["answers"]
    assert int(now["satisfied"].sum()) == TRUTH["period"]["satisfied"]
    assert int(now["comment"].notna().sum()) == TRUTH["period"]["comments"]


def test_the_drivers_order_as_planted(clean):
    names = WORLD["drivers"]["names"]
    both = clean["feedback"].merge(clean["feedback_items"], on="feedback_id").dropna(subset=names)
    items = both[names].astype(float)
    slopes = np.linalg.lstsq(np.column_stack([np.ones(len(both)), items]), both["score"].astype(float), rcond=None)[0][
        1:
    ]
    strong = np.array(WORLD["drivers"]["weight"]) > 0.2
    assert np.argmax(slopes) == np.argmax(WORLD["drivers"]["weight"])
    assert slopes[strong].min() > 2 * slopes[~strong].max()
    assert items.mean().idxmin() == "Keeping you informed" and items.mean().idxmax() == "Courtesy"


def test_the_wish_shifts_and_the_theme_rises(clean):
    said = clean["feedback"].dropna(subset=["comment"])
    for need, spec in WORLD["needs"].items():
        hit, later = said["need"].eq(need), said["received_at"] >= spec["from"]
        assert abs(hit[later].mean() - spec["after"]) < 0.035 and abs(hit[~later].mean() - spec["before"]) < 0.02
    repeat = said["theme"].eq("repeat_visit")
    assert repeat[said["received_at"] >= "2026-04-01"].mean() > 1.8 * repeat[said["received_at"] < "2025-07-01"].mean()


def test_the_weak_team_falls_and_no_other(clean):
    rows = clean["feedback"].assign(good=clean["feedback"]["score"] >= 4)
    later = rows["received_at"] >= WORLD["effect"]["weak_from"]
    change = rows[later].groupby("team")["good"].mean() - rows[~later].groupby("team")["good"].mean()
    assert change.idxmin() == WORLD["effect"]["weak_team"]
    assert change.min() < -0.12 and change.drop(change.idxmin()).min() > -0.08


def test_the_survey_of_new_services_gives_the_planted_classes():
    reading = Reading(client.load(FOLDER), periods.parse("2026Q3"), None, None, "en")
    pairs = {"feature": "feature", "functional": "functional", "dysfunctional": "dysfunctional"}
    found = kano.kano(reading.read("kano"), **pairs, cluster="cluster").table.set_index("feature")["verdict"]
    planted = {
        "Live job tracking": "attractive", "Out-of-hours desk": "must_be", "Named contact": "one_dimensional",
        "Monthly magazine": "indifferent",
    }  # fmt: skip
    assert found[list(planted)].to_dict() == planted
    assert set(found.drop(list(planted))) <= {"attractive", "indifferent", "unclear"}  # near ties: .40/.42, .44/.26


# ---------------------------------------------------------------- reviews


def test_the_last_round_is_as_planted(read):
    rows, said = read["appraisals"].frame, TRUTH["appraisal"]
    now = rows[(rows["rated_on"] >= northbridge.PERIOD[0]) & (rows["rated_on"] < northbridge.PERIOD[1])]
    judged = now[now["rater_role"].ne("self") & now["score"].notna()]
    assert judged.groupby(judged["rater_id"].astype("str")).size().to_dict() == said["by_rater"]
    assert len(judged) == said["judged"] and judged["ratee_id"].nunique() == said["ratees"]
    assert int(now["rater_role"].eq("self").sum()) == said["own"]
    assert now.loc[now["feedback_talk_on"].notna(), "ratee_id"].nunique() == said["talks"]
    paid = read["rewards"].frame
    last = paid[paid["on"] >= northbridge.PERIOD[0]]
    assert last["tier"].astype("str").value_counts().to_dict() == said["rewards"]


@pytest.mark.parametrize(("table", "file"), [("appraisals", "reviews"), ("rewards", "rewards")])
def test_every_review_set_aside_is_a_planted_one(read, table, file):
    problems = read[table].problems.query("severity == 'error'")
    flaws = load_world(northbridge_appraisal.WORLD)["flaws"][file]
    assert problems.groupby("rule")["count"].sum().to_dict() == {flaw["rule"]: len(flaw["rows"]) for flaw in flaws}


def test_one_engineer_on_two_criteria_joins_plumbing_to_the_rest(clean):
    plan, tables = load_world(northbridge_appraisal.WORLD)["reviews"], northbridge_appraisal.simulate(clean["staff"], 1)
    rows = tables["reviews"].query("role != 'self'")
    thin = rows["department"] == plan["thin"]["line"]
    both = set(rows.loc[thin, "rater"]) & set(rows.loc[~thin, "rater"])
    link = rows[thin & rows["rater"].isin(both)]
    assert both == {plan["auditor"]} and link["ratee"].nunique() == 1
    assert set(link["criterion"]) == set(plan["thin"]["criteria"])


def test_planted_reviewers_are_in_the_worlds(clean):
    world = load_world(northbridge_appraisal.WORLD)
    parts = [northbridge_appraisal.simulate(clean["staff"], seed)["reviews"].assign(seed=seed) for seed in range(12)]
    rows = pd.concat(parts).query("role != 'self'").dropna(subset="score")
    rows["rest"] = rows["score"] - world["model"]["mean"] - rows["ability"]
    lead, mean = northbridge_appraisal.supervisors(clean["staff"]), rows.groupby("rater")["rest"].mean()
    for who, plan in world["planted"].items():
        if "severity" in plan:
            assert mean[lead[who]] == pytest.approx(-plan["severity"], abs=0.3)  # the scale ends
    between = rows.groupby(["rater", "seed", "ratee"])["score"].mean().groupby("rater").std()
    assert between.idxmin() == lead["Electrical South"]
    within = rows.groupby(["rater", "seed", "ratee"])["score"].std().groupby("rater").mean()
    assert within.drop(lead["Electrical South"]).idxmin() == "F01"
