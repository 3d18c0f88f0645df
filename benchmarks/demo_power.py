"""Is what the demo plants found, and nothing else? Re-seeded demos, the declared cells, the shipped method.

``python benchmarks/demo_power.py [--worlds 200] [--first 1]`` prints, for the weak team, the team that only serves the
hard segment, and every other cell, the share of worlds with the verdict ``act_now``. Exit status 1 if the weak team
is flagged in fewer than 80 % or the other one in more than 5 % of the worlds.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data" / "demo"))

from world import load_world, simulate

from sqlib.methods.segments import weak_points

CELLS = ["dimension", "segment", "team", "channel"]
START, END = "2026-07-01", "2026-10-01"
FOUND_IN, FALSE_IN = 0.80, 0.05


def answers(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The answers of the period as the page lays them out: overall rows, and item rows that speak to dimension."""
    columns = ["feedback_id", "received_at", "score", "cluster", "segment", "team", "channel"]
    overall = tables["feedback"][columns]
    overall = overall[(overall["received_at"] >= START) & (overall["received_at"] < END)]
    items = tables["feedback_items"].rename(columns={"item_id": "dimension"})
    items = items[["feedback_id", "dimension", "score"]].merge(overall.drop(columns="score"), on="feedback_id")
    rows = pd.concat([overall, items.assign(speaks_to="dimension")], ignore_index=True)
    return rows.assign(satisfied=rows["score"] >= 4)


def flagged(seed: int) -> pd.DataFrame:
    """Verdicts of one world, one row a cell."""
    result = weak_points(
        answers(simulate(seed)),
        outcome="satisfied",
        cells=CELLS,
        adjust=["segment"],
        cluster="cluster",
        respondent="feedback_id",
        speaks_to="speaks_to",
    )
    return result.table.assign(seed=seed)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--worlds", type=int, default=200)
    options.add_argument("--first", type=int, default=1, help="first seed")
    chosen = options.parse_args()
    table = pd.concat(flagged(seed) for seed in range(chosen.first, chosen.first + chosen.worlds))
    shares = table.groupby(["family", "cell"]).agg(
        n=("n", "median"),
        crude=("crude", "mean"),
        adjusted=("adjusted", "mean"),
        crude_low=("crude_p_value", lambda p: (p <= 0.05).mean()),
        act_now=("verdict", lambda v: (v == "act_now").mean()),
        watch=("verdict", lambda v: (v == "watch").mean()),
        strength=("verdict", lambda v: (v == "strength").mean()),
        hidden=("verdict", lambda v: (v == "hidden").mean()),
    )
    teams = load_world()["teams"]
    weak, spurious = (shares.loc[("team", teams[name]), "act_now"] for name in ("weak", "spurious"))
    others = table[(table["family"] != "segment") & (table["cell"] != teams["weak"])]
    false_worlds = others.loc[others["verdict"] == "act_now", "seed"].nunique() / chosen.worlds
    print(shares.round(3).to_string())
    print(f"{chosen.worlds} worlds, act_now: weak team {weak:.1%} (at least {FOUND_IN:.0%}),")
    print(
        f"  spurious team {spurious:.1%} (at most {FALSE_IN:.0%}), any other team, item or channel {false_worlds:.1%}"
    )
    print("verdicts of the weak team:", dict(Counter(table.loc[table["cell"] == teams["weak"], "verdict"])))
    return int(weak < FOUND_IN or spurious > FALSE_IN)


if __name__ == "__main__":
    sys.exit(main())
