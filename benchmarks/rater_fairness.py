"""Does the test of fairness stay silent where every rater is fair, and find the one who is not?

    python benchmarks/rater_fairness.py [--firms 2000] [--only fair]

One line a situation: share of firms in which the test of any rater x group difference rejects at 5 % (target .03 to .07
without bias), share in which any cell is called rates_lower or rates_higher, and where rater 0 is unfair to group 0
share in which that cell is found, coverage of its interval, and share in which anybody else is called unfair.
Exit status 1 if a target is missed.
"""

import argparse
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.methods.rater_fairness import fairness

SIZE = (0.03, 0.07)


@dataclass(frozen=True)
class Firm:
    """``bias``: what rater 0 adds for people of group 0, in standard deviations between people; ``spread``: how unlike
    the raters' errors are (log SD); ``levels``: scores rounded to so many; ``missing`` share of single ratings."""

    people: int = 30
    raters: int = 5
    share: float = 0.7
    groups: int = 2
    criteria: int = 4
    bias: float = 0.0
    spread: float = 0.0
    levels: int | None = None
    missing: float = 0.0
    home: float = 0.0  # more likely to be rated by the rater of the own group

    def made(self, rng):
        ability, severity = rng.normal(0, 1, self.people), rng.normal(0, 0.7, self.raters)
        group = rng.permutation(np.arange(self.people) % self.groups)
        near = group[:, None] == np.arange(self.raters) % self.groups
        who, rater = np.nonzero(rng.random((self.people, self.raters)) < self.share + self.home * np.where(near, 1, -1))
        halo = rng.normal(0, 0.5, len(who)) * np.exp(rng.normal(0, self.spread, self.raters))[rater]
        pair = ability[who] - severity[rater] + halo + self.bias * ((rater == 0) & (group[who] == 0))
        at, criterion = np.repeat(np.arange(len(who)), self.criteria), np.tile(np.arange(self.criteria), len(who))
        score = pair[at] + rng.normal(0, 0.3, (self.raters, self.criteria))[rater[at], criterion]
        score += rng.normal(0, 0.8, len(at))
        if self.levels:
            score = np.clip(np.round(score + (self.levels + 1) / 2), 1, self.levels)
        rows = pd.DataFrame({"ratee": who[at], "rater": rater[at], "group": group[who[at]], "criterion": criterion})
        return rows.astype(str).assign(score=score)[rng.random(len(at)) >= self.missing]


FIRMS = {
    "fair, 30 people x 5 raters": Firm(),
    "fair, three groups": Firm(groups=3),
    "fair, no criteria": Firm(criteria=1),
    "fair, raters of unlike consistency": Firm(spread=0.4),
    "fair, five levels": Firm(levels=5),
    "fair, 40 % missing": Firm(missing=0.4),
    "fair, raters mostly rate their own group": Firm(share=0.6, home=0.3),
    "fair, 10,000 ratings": Firm(people=500, raters=25, share=0.2, groups=4),
    "unfair by 1 SD, 40 people": Firm(people=40, bias=-1.0),
    "unfair by 1 SD, 100 people": Firm(people=100, bias=-1.0),
    "unfair by 2 SD, three raters": Firm(people=60, raters=3, share=0.9, bias=-2.0),
    "unfair by 1 SD, 10,000 ratings": Firm(people=500, raters=25, share=0.2, groups=4, bias=-1.0),
}


def judged(firm: Firm, rng) -> dict:
    found = fairness(firm.made(rng), ratee="ratee", rater="rater", score="score", group="group", min_cell=5,
                     **({"criterion": "criterion"} if firm.criteria > 1 else {}))  # fmt: skip
    table = found.table.set_index(["rater_id", "group"])
    called = table["verdict"].isin(["rates_lower", "rates_higher"])
    seen = {
        "rejects": found.tests["p_value"].iloc[0] < 0.05,
        "any": called.any(),
        "others": called.drop(index="0").any(),
    }
    if ("0", "0") not in table.index:
        return seen | {"found": False, "covers": np.nan}
    cell = table.loc[("0", "0")]
    shown = np.isfinite(cell["estimate"])
    return seen | {
        "found": cell["verdict"] == "rates_lower",
        "covers": cell["low"] <= firm.bias <= cell["high"] if shown else np.nan,
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--firms", type=int, default=2000)
    options.add_argument("--only", default="")
    asked, missed = options.parse_args(), False
    for number, (name, firm) in enumerate(FIRMS.items()):
        if not name.startswith(asked.only):
            continue
        start, rng = time.perf_counter(), np.random.default_rng([20261122, number])
        share = pd.DataFrame([judged(firm, rng) for _ in range(asked.firms)]).astype(float).mean()
        good = bool(firm.bias) or SIZE[0] <= share["rejects"] <= SIZE[1]
        missed |= not good
        told = (
            f"  found {share['found']:.3f} covered {share['covers']:.3f} others {share['others']:.3f}"
            if firm.bias
            else ""
        )
        print(
            f"{name:42} {asked.firms:5} firms  rejects {share['rejects']:.3f}  any cell {share['any']:.3f}{told}  "
            f"{time.perf_counter() - start:.0f} s  {'' if good else 'MISSED'}",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
