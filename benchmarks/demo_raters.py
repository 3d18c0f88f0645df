"""Are the raters the demo plants found, and no others? Re-seeded demos, the shipped methods, the period of the page.

``python benchmarks/demo_raters.py [--worlds 200] [--first 1] [--client jiahe|northbridge]`` prints for every rater the
share of worlds in which each verdict is given (severe, lenient; central_tendency, halo, drifting; rates_lower), and how
often the severity planted lies in the interval of the rater. Exit status 1 if a planted rater is found in fewer than
80 % of the worlds, or an ordinary one is called any one thing in more than 10 %.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data" / "demo"))

import appraisal_world
import northbridge
import northbridge_appraisal
from world import load_world

from sqlib.methods import rater_calibration, rater_fairness

COLUMNS = {"ratee": "ratee", "rater": "rater", "score": "score", "criterion": "criterion"}
NAMES = {"against": "rates_lower", "spread": "central_tendency", "halo": "halo", "drift": "drifting"}
FOUND_IN, FALSE_IN = 0.80, 0.10  # raters are held against the others: a planted one lends them a little
VERDICTS = {"severe", "lenient", "central_tendency", "halo", "drifting", "rates_lower", "rates_higher"}


def jiahe(seed: int) -> pd.DataFrame:
    """Ratings of 2026Q3 by others, as the page reads them."""
    world, tables = load_world("jiahe_appraisal"), appraisal_world.simulate(seed)
    rows = appraisal_world.judged(world, tables)
    return rows[rows["month"] >= "2026-07"].assign(period=lambda t: t["month"].astype(str), team=lambda t: t["team"])


def field_service(seed: int) -> pd.DataFrame:
    """Reviews of September 2026 by others."""
    rows = northbridge_appraisal.simulate(northbridge.simulate_staff(seed), seed)["reviews"]
    rows = rows[(rows["round"] == rows["round"].max()) & rows["role"].ne("self")]
    return rows.dropna(subset="score").assign(period=rows["round"])


def planted(client: str) -> dict[str, str]:
    """Rater -> verdict that is right."""
    world = load_world(f"{client}_appraisal")
    lead = northbridge_appraisal.supervisors(northbridge.simulate_staff()) if client == "northbridge" else {}
    return {lead.get(who, who): _right(plan) for who, plan in world["planted"].items()}


def severities(client: str) -> dict[str, float]:
    """Rater -> planted severity, of those planted as severe or lenient."""
    world, right = load_world(f"{client}_appraisal"), planted(client)
    return {
        who: plan["severity"]
        for (who, verdict), plan in zip(right.items(), world["planted"].values(), strict=True)
        if verdict in ("severe", "lenient")
    }


def _right(plan: dict) -> str:
    """An unfair rater is severe to some and lenient to others, so that comes first."""
    for what, verdict in NAMES.items():
        if what in plan:
            return verdict
    return "severe" if plan["severity"] > 0 else "lenient"


def verdicts(client: str, seed: int) -> pd.DataFrame:
    """rater, verdict: everything said of a rater in one world; severity, low, high beside it."""
    rows = jiahe(seed) if client == "jiahe" else field_service(seed)
    more = {"period": "period", "group": "team"} if client == "jiahe" else {"group": "team"}
    scale = (0, 100) if client == "jiahe" else (1, 5)
    result = rater_calibration.calibrate(rows, **COLUMNS, **more, scale=scale)
    found = [result.raters[["rater_id", "verdict"]]]
    profiles = result.profiles[["rater_id", "flags"]].assign(verdict=lambda t: t["flags"].str.split(";"))
    found.append(profiles.explode("verdict")[["rater_id", "verdict"]])
    if client == "jiahe":
        cells = rater_fairness.fairness(rows, **COLUMNS, period="period", group="group").table
        found.append(
            cells.loc[cells["group"] == load_world("jiahe_appraisal")["model"]["group"], ["rater_id", "verdict"]]
        )
    said = pd.concat(found).drop_duplicates()
    known = result.raters[["rater_id", "severity", "low", "high"]]
    return said[said["verdict"].isin(VERDICTS)].merge(known, on="rater_id", how="outer").assign(seed=seed)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--worlds", type=int, default=200)
    options.add_argument("--first", type=int, default=1, help="first seed")
    options.add_argument("--client", choices=["jiahe", "northbridge"], default="jiahe")
    chosen = options.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.worlds)
    table = pd.concat(verdicts(chosen.client, seed) for seed in seeds)
    share = table.groupby(["rater_id", "verdict"])["seed"].nunique().unstack(fill_value=0) / chosen.worlds
    right = planted(chosen.client)
    share.insert(0, "planted", share.index.map(right).fillna("-"))
    print(share.round(3).to_string())
    for who, severity in severities(chosen.client).items():
        rows = table[table["rater_id"] == who].drop_duplicates("seed")
        covered = rows.eval("low <= @severity <= high").mean()
        print(f"{who}: {rows['severity'].mean():.2f} of {severity}, {covered:.1%} covered")
    found = {who: share.loc[who].get(what, 0.0) if who in share.index else 0.0 for who, what in right.items()}
    wrong = share.drop(columns="planted")[share["planted"] == "-"].max().max() if (share["planted"] == "-").any() else 0
    print({who: f"{value:.1%} {right[who]}" for who, value in found.items()})
    print(f"{chosen.worlds} worlds: least often found {min(found.values()):.1%} (at least {FOUND_IN:.0%}),")
    print(f"  an ordinary rater called one thing in at most {wrong:.1%} (at most {FALSE_IN:.0%})")
    return int(min(found.values()) < FOUND_IN or wrong > FALSE_IN)


if __name__ == "__main__":
    sys.exit(main())
