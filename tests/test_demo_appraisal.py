"""The appraisals of the demo client jiahe: what its README says is planted is there, a right reading keeps it."""

import csv
import io
import re
import sys
import tomllib
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "data" / "demo"
JIAHE = DEMO / "jiahe"
sys.path[:0] = [str(DEMO)]

import appraisal_world  # noqa: E402
import raters  # noqa: E402
import world as worlds  # noqa: E402

from sqlib import client  # noqa: E402
from sqlib import tables as typed  # noqa: E402
from sqlib.methods.scheme import Scheme, totals  # noqa: E402

WORLD = worlds.load_world("jiahe_appraisal")
TRUTH = tomllib.loads((JIAHE / "truth.toml").read_text(encoding="utf-8"))
SAID, MODEL, WORDS, EXPORT = TRUTH["appraisal"], WORLD["model"], WORLD["spelling"], WORLD["export"]
RULES = {flaw["rule"] for flaws in WORLD["flaws"].values() for flaw in flaws}
QUARTERS = ["2026Q1", "2026Q2", "2026Q3"]
TABLES = ["staff", "appraisals", "rewards", "inspections", "pulse", "communications"]


@pytest.fixture(scope="module")
def clean():
    return appraisal_world.simulate()


@pytest.fixture(scope="module")
def read():
    who = client.load(JIAHE)
    return {name: typed.load(who, name, as_of=who.data_until) for name in TABLES}


# ---------------------------------------------------------------- the files, read by a reader of the test's own


def lines(export: str, label: str = "") -> list[dict]:
    """Every line below the header, under the names of the world."""
    spec = EXPORT[export]
    path = JIAHE / "raw" / spec["file"].format(label)
    if path.suffix == ".csv":
        found = list(csv.reader(io.StringIO(path.read_bytes().decode(spec["encoding"]), newline="")))
    else:
        sheet = openpyxl.load_workbook(path)[spec["sheet"]]
        found = [["" if cell is None else cell for cell in row] for row in sheet.iter_rows(values_only=True)]
    top = len(spec["title"])
    assert found[top] == list(spec["columns"].values())
    return [dict(zip(spec["columns"], row, strict=True)) for row in found[top + 1 :]]


def truth(export: str, label: str = "") -> dict:
    return TRUTH["files"][EXPORT[export]["file"].format(label)]


def number(cell) -> float | None:
    """The number in a cell, whatever its spelling; None where there is none."""
    found = re.search(r"-?\d+(\.\d+)?", str(cell))
    return float(found[0]) if found else None


def filled(rows: list[dict], first: str = "department") -> list[dict]:
    """Merged cells filled down, total line left out."""
    last, found = "", []
    for row in rows:
        last = row.get(first, "") or last
        found.append(row | {first: last})
    return [row for row in found if WORDS["total"] not in row.values()]


ALL = [(name, "") for name in ("staff", "rewards", "inspections", "pulse", "communications")]
ALL += [(name, label) for name in ("scores", "roundup", "words", "figures") for label in QUARTERS]


@pytest.mark.parametrize(("export", "label"), ALL)
def test_rows_and_total_lines(export, label):
    rows, said = lines(export, label), truth(export, label)
    assert len(rows) == said["raw_rows"]
    assert sum(WORDS["total"] in row.values() for row in rows) == said["total_rows"]


@pytest.mark.parametrize("label", QUARTERS)
def test_the_sheets_hold_what_is_planted(label):
    rows, said, sheet = filled(lines("scores", label)), truth("scores", label), MODEL["sheet"]
    cells = [row[name] for row in rows for name in sheet]
    values = [number(cell) for cell in cells]
    assert sum(v is not None and not 0 <= v <= 100 for v in values) == said.get("score_on_scale", 0)
    assert sum(str(cell).endswith(WORDS["score"][-1]) for cell in cells) == said["scores_as_text"] > 0
    assert sum(any(0xFF10 <= ord(c) <= 0xFF19 for c in str(cell)) for cell in cells) == said["full_width_cells"] > 0
    wrong = sum(said.get(rule, 0) for rule in RULES)
    assert cells.count("") - wrong * (len(sheet) - 1) == said["blank_scores"] > 0
    book = openpyxl.load_workbook(JIAHE / "raw" / EXPORT["scores"]["file"].format(label))[EXPORT["scores"]["sheet"]]
    assert sum(cells.max_row > cells.min_row for cells in book.merged_cells.ranges) == said["merged_cells"] == 3


def test_the_period_is_as_counted():
    rows = filled(lines("scores", "2026Q3"))
    good = [row for row in rows if row["rated_on"] != WORLD["flaws"]["scores"][1]["rows"][0]["rated_on"]]
    ids = {row["staff_name"]: row["staff_id"] for row in lines("staff")}
    by_rater = Counter()
    for row in good:
        values = [number(row[name]) for name in MODEL["sheet"]]
        by_rater[ids[row["rater_name"]]] += sum(v is not None and 0 <= v <= 100 for v in values)
    assert dict(by_rater) == SAID["by_rater"] and sum(by_rater.values()) == SAID["scores"]
    overall, counted = lines("roundup", "2026Q3"), lines("figures", "2026Q3")
    assert sum(row[name] != "" for row in overall for name in ("lead", "peer")) == SAID["overall"]
    assert sum(row["own"] != "" for row in overall) == SAID["own"] == SAID["ratees"]
    assert sum(row["talk_on"] != "" for row in counted) == SAID["talks"]
    assert sum(row["appeal"] == WORDS["flag"][1] for row in counted) == SAID["appeals"]
    assert sum(row["upheld"] == WORDS["upheld"][1] for row in counted) == SAID["upheld"]
    assert sum(row["veto"] != "" for row in counted) == SAID["vetoes"] == 1
    assert len(lines("words", "2026Q3")) * len(MODEL["worded"]) == SAID["worded"]


def test_nobody_else_rates_the_branch_and_the_others_are_well_linked():
    branch, lead = WORLD["staff"]["branch_name"], WORLD["staff"]["branch_lead"][0]
    for label in QUARTERS:
        rows = filled(lines("scores", label))
        assert {row["rater_name"] for row in rows if row["department"] == branch} == {lead}
        assert {row["department"] for row in rows if row["rater_name"] == lead} == {branch}
        own = {row["staff_name"]: row["team"] for row in lines("staff")}
        linked = [row for row in rows if row["department"] != branch]
        assert sum(own[row["rater_name"]] != row["team"] for row in linked) / len(linked) >= 0.2
        assert all(row["peer"] == "" for row in lines("roundup", label) if row["team"] == branch)


def test_other_files_hold_what_is_planted():
    rewards, checks = lines("rewards"), lines("inspections")
    assert (
        Counter(Counter(row["reward_id"] for row in rewards).values())[2] * 2
        == truth("rewards")["duplicate_id_conflict"]
    )
    assert sum(float(row["score"]) > float(row["max_score"]) for row in checks) == 1
    assert sum(not 1 <= int(row["useful"]) <= 5 for row in lines("pulse")) == truth("pulse")["above_max"]
    minus = [number(row["errors"]) for row in lines("figures", "2026Q1") if row["errors"] != ""]
    plus = [number(row["errors"]) for row in lines("figures", "2026Q3") if row["errors"] != ""]
    assert max(minus) < 0 < min(plus)


def test_ids_are_those_of_the_other_tables():
    ids = [row["staff_id"] for row in lines("staff")]
    old = set(worlds.simulate()["cases"]["staff_id"])
    assert old < set(ids) and len(set(ids)) == len(ids)
    assert len({row["staff_name"] for row in lines("staff")}) == len(ids)


def test_like_cases_are_treated_unlike(clean):
    """The bonuses of four people leave the rule; one team's errors are fined three times as much."""
    money = {tier["name"]: tier["money"] for tier in WORLD["scheme"]["tiers"]}
    due = clean["totals"].assign(due=clean["totals"]["tier"].map(money)).set_index(["ratee", "quarter"])["due"]
    rows = clean["rewards"]
    paid = rows[rows["what"] == "bonus"].set_index(["ratee", "quarter"])["amount"].reindex(due.index).fillna(0)
    off = due[due != paid]
    planted = sorted((when, money[tier], money[given]) for when, tier, given in WORLD["rewards"]["unlike"])
    assert sorted((when, off[who, when], paid[who, when]) for who, when in off.index) == planted
    fines = rows[rows["what"] == "error"].merge(clean["staff"][["staff_id", "team"]], on="staff_id")
    harsh = fines["team"] == WORLD["rewards"]["harsh"]["team"]
    assert set(fines.loc[harsh, "amount"]) == {600} and set(fines.loc[~harsh, "amount"]) == {200}


# ---------------------------------------------------------------- the files, read by the workbench


@pytest.mark.parametrize("name", TABLES)
def test_a_right_reading_keeps_exactly_the_good_rows(read, name):
    assert len(read[name].frame) == TRUTH["rows"][name]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_set_aside_is_a_planted_one(read, name):
    problems = read[name].problems.query("severity == 'error'")
    found = problems.groupby([problems["file"].str.removeprefix("raw/"), "rule"])["count"].sum().to_dict()
    files = {file.removeprefix("raw/") for file in read[name].counts["file"]}
    assert found == {(f, rule): n for f in files for rule, n in TRUTH["files"][f].items() if rule in RULES}


def test_scores_read_back_are_the_scores_written(read, clean):
    rows = read["appraisals"].frame
    sheet = rows[rows["source_file"].str.contains(EXPORT["scores"]["file"].split("{}")[0])].dropna(subset="score")
    written = clean["scores"].melt(["ratee", "rater"], MODEL["sheet"], "criterion", "score").dropna(subset="score")
    keys = ["ratee_id", "rater_id", "criterion_id"]
    found = sheet.astype({name: "str" for name in keys}).groupby(keys)["score"].agg(["size", "sum"])
    given = written.groupby(["ratee", "rater", "criterion"])["score"].agg(["size", "sum"])
    np.testing.assert_array_equal(found.to_numpy(), given.to_numpy())
    assert [tuple(map(str, key)) for key in found.index] == list(given.index)
    own = rows[rows["rater_role"] == "self"]
    assert (own["rater_id"].astype("str") == own["ratee_id"].astype("str")).all() and len(own) == 3 * SAID["own"]


def test_the_arithmetic_of_the_scheme_gives_the_totals_written(read, clean):
    """What the world paid by, against the workbook's own arithmetic on the files."""
    scheme, rows = client.load(JIAHE).appraisal, read["appraisals"].frame
    rows = rows[rows["counted_on"] >= "2026-07-01"].astype({"criterion_id": "str", "period": "str", "rater_id": "str"})
    other = rows["scoring"].isin(["deduction", "bonus", "veto"])
    names = {"ratee_id": "ratee", "criterion_id": "criterion", "rater_id": "rater", "rater_role": "role"}
    table = rows.assign(kind=rows["scoring"].where(other, rows["criterion_type"].fillna("judged")))
    table = table.rename(columns=names | {"scale_min": "low", "scale_max": "full_marks"})
    rules = Scheme(deduction_ceiling=scheme.deduction_ceiling, bonus_ceiling=scheme.bonus_ceiling, cuts=scheme.cuts)
    found = totals(table, rules, keep=("team",)).table.astype({"ratee": "str"}).set_index("ratee")
    written = clean["totals"].query("quarter == '2026Q3'").set_index("ratee")
    pd.testing.assert_series_equal(found["total"], written["total"], check_names=False, rtol=1e-8)
    assert (found["tier"] == written["tier"]).all()
    assert written["tier"].value_counts().to_dict() == SAID["tiers"]


# ---------------------------------------------------------------- the truths


def ratings(seed: int) -> pd.DataFrame:
    """The sheets of 2026Q3 of the linked teams, a row a score; what a person earned taken off."""
    tables = appraisal_world.simulate(seed)
    sheets = tables["scores"].merge(tables["truth"][["ratee", "month", "ability"]], on=["ratee", "month"])
    sheets = sheets[(sheets["period"] >= 6) & (sheets["team"] != WORLD["staff"]["branch_name"])]
    keys = ["ratee", "rater", "period", "group", "ability"]
    rows = sheets.melt(keys, MODEL["sheet"], "criterion", "score").dropna(subset="score")
    return rows.assign(rest=rows["score"] - rows["ability"] - MODEL["mean"] - rows["criterion"].map(MODEL["criteria"]))


def test_planted_raters_are_in_the_worlds():
    rows = pd.concat(ratings(seed).assign(seed=seed) for seed in range(15))
    who = {what: rater for rater, plan in WORLD["planted"].items() for what in plan}
    severity = {rater: plan["severity"] for rater, plan in WORLD["planted"].items() if list(plan) == ["severity"]}
    mean = rows.groupby("rater")["rest"].mean()
    for rater, points in severity.items():
        assert mean[rater] == pytest.approx(-points, abs=0.5)
    month = rows[rows["rater"] == who["drift"]].groupby("period")["rest"].mean()
    assert month[6] - month[8] == pytest.approx(2 * WORLD["planted"][who["drift"]]["drift"], abs=0.6)
    group = rows.groupby(["rater", rows["group"].eq(MODEL["group"])])["rest"].mean().unstack()
    against = WORLD["planted"][who["against"]]["against"]
    assert group.loc[who["against"], False] - group.loc[who["against"], True] == pytest.approx(against, abs=0.7)
    assert abs(mean[who["against"]]) < 0.6
    within = rows.groupby(["rater", "seed", "ratee", "period"])["score"].std().groupby("rater").mean()
    others = within.drop([who["halo"], who["spread"]])
    assert within[who["halo"]] < 0.4 * others.min() and within[who["spread"]] < 0.7 * others.min()
    between = rows.groupby(["rater", "seed", "ratee"])["score"].mean().groupby("rater").std()
    assert between[who["spread"]] < 0.5 * between.drop(who["spread"]).min()


def test_own_scores_are_lenient_and_the_one_judged_unlike_the_data_is(clean):
    both = clean["roundup"]
    assert (both["own"] - MODEL["mean"] - both["ability"]).mean() == pytest.approx(MODEL["self"]["lenient"], abs=1.2)
    odd = next(iter(WORLD["unlike"]))
    rows = clean["truth"].set_index("ratee").loc[odd]
    share = clean["inspections"].assign(share=lambda t: t["score"] / t["max_score"]).groupby("ratee")["share"].mean()
    assert share.rank()[odd] <= 3
    assert tuple(rows[["ability", "measured"]].iloc[0]) == (6, -6)


def test_an_ordinary_rater_gives_what_was_earned_on_average():
    n = 4000
    rows = pd.DataFrame(
        {"ratee": np.arange(n), "rater": "one", "criterion": "c", "period": 0, "ability": 3.0, "group": "-"}
    )
    sd = dict.fromkeys(("trait", "impression", "mood", "taste", "noise"), 1.0) | {"severity": 0.0, "taste": 0.0}
    model = {"mean": 80, "criteria": {"c": 1.0}, "sd": sd, "middle": 0, "reach": 1, "group": "x"}
    given = raters.given(rows, model, {}, np.random.default_rng(3))
    assert given.mean() == pytest.approx(84, abs=0.15) and given.std() == pytest.approx(2, abs=0.1)
    severe = raters.given(rows, model, {"one": {"severity": 6.0}}, np.random.default_rng(3))
    np.testing.assert_allclose(severe, given - 6)


def test_dates_do_not_leave_the_data(clean):
    dated = {"figures": ["talk_on", "appeal_on", "result_on"], "inspections": ["done_at"], "rewards": ["on"]}
    for table, columns in dated.items():
        assert clean[table][columns].stack().max() <= datetime(2026, 9, 30)
