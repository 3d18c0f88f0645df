"""Is a tier of probability .8 the true one four times in five, and is anybody told apart the wrong way round?

    python benchmarks/tier_probabilities.py [--firms 1000] [--only small]

Firms are simulated, calibrated as the page does it and judged by cut points and by a forced distribution. One line a
firm and rule: logistic slope of "this is the true tier" on the logit of its probability, with an interval over firms
(target .95 to 1.05), mean probability of the tier given and share of them right, coverage of the interval of the number
of people paid in a wrong tier, and share of firms in which any pair told apart stands the wrong way round (at most .05
and its error). Exit status 1 if a target is missed.
"""

import argparse
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.methods.rater_calibration import calibrate
from sqlib.methods.tiers import decisions

RULES = {"cuts": {"cuts": {"A": 88, "B": 80, "C": 0}}, "shares": {"shares": {"A": 0.2, "B": 0.6, "C": None}}}
SLOPE = (0.95, 1.05)


@dataclass(frozen=True)
class Firm:
    """``sd`` of people, raters, raters' criteria, ratings; a rater scores ``share`` of the people on ``criteria``."""

    people: int
    raters: int
    share: float
    criteria: int
    sd: tuple[float, float, float, float]
    every: int = 1  # of so many firms asked for one is made

    def made(self, rng):
        """Ratings, and the truth by ratee."""
        people, raters, usage, noise = self.sd
        ability, severity = 82 + rng.normal(0, people, self.people), rng.normal(0, raters, self.raters)
        own = rng.normal(0, usage, (self.raters, self.criteria))
        who, rater = np.nonzero(rng.random((self.people, self.raters)) < self.share)
        who, rater = np.repeat(who, self.criteria), np.repeat(rater, self.criteria)
        criterion = np.tile(np.arange(self.criteria), len(who) // self.criteria)
        score = ability[who] - severity[rater] - own[rater, criterion] + rng.normal(0, noise, len(who))
        rows = pd.DataFrame({"ratee": who, "rater": rater, "criterion": criterion, "score": score})
        return rows.astype({"ratee": str, "rater": str, "criterion": str}), pd.Series(
            ability, [str(at) for at in range(self.people)]
        )


FIRMS = {
    "small": Firm(30, 5, 0.7, 1, (6, 4, 0, 5)),
    "small, severity as large as ability": Firm(30, 5, 0.7, 1, (5, 5, 0, 5)),
    "small, four criteria": Firm(30, 5, 0.7, 4, (6, 4, 2, 8)),
    "100 people": Firm(100, 12, 0.3, 1, (6, 4, 0, 5), every=2),
    "10,000 ratings": Firm(500, 25, 0.2, 4, (6, 4, 2, 8), every=20),
}


def judged(firm: Firm, rule: dict, rng) -> dict:
    """What one simulated firm says: probabilities and truths of all tiers, and the checks on the firm as a whole."""
    rows, truth = firm.made(rng)
    options = {"criterion": "criterion"} if firm.criteria > 1 else {}
    found = calibrate(rows, ratee="ratee", rater="rater", score="score", model="linear", **options)
    result = decisions(found.ratees, found.covariance, **rule, draws=2000)
    truth = truth[result.ratees["ratee_id"]].to_numpy()
    code, names = result.rule.assign(truth), np.array(result.rule.names)
    given = result.ratees["tier"].to_numpy()
    wrong = int((names[code] != given)[result.ratees["tier"].isin(names[result.rule.pays])].sum())
    at = pd.Series(truth, result.ratees["ratee_id"])
    apart = result.pairs[result.pairs["apart"].astype(bool)]
    return {
        "p": result.probabilities["p"].to_numpy(),
        "true": (code[:, None] == np.arange(len(names))).ravel(),
        "p_tier": result.ratees["p_tier"].mean(),
        "right": (names[code] == given).mean(),
        "covered": result.expected_wrong_low <= wrong <= result.expected_wrong_high,
        "apart": len(apart),
        "wrong_order": bool((at[apart["first_ratee_id"]].to_numpy() < at[apart["second_ratee_id"]].to_numpy()).any()),
    }


def slope(p, true):
    """Logistic slope by Newton's method."""
    p = np.clip(p, 0.00025, 0.99975)
    x = np.column_stack([np.ones_like(p), np.log(p / (1 - p))])
    found = np.zeros(2)
    for _ in range(15):
        rate = 1 / (1 + np.exp(-x @ found))
        found += np.linalg.solve((x * (rate * (1 - rate))[:, None]).T @ x, x.T @ (true - rate))
    return found[1]


def jackknifed(firms: list[dict], parts: int = 20) -> tuple[float, float]:
    """Slope over all firms and its standard error, from leaving out a twentieth of them at a time."""

    def over(kept):
        return slope(np.concatenate([firm["p"] for firm in kept]), np.concatenate([firm["true"] for firm in kept]))

    parts = min(parts, len(firms))
    left = np.array([over([firm for at, firm in enumerate(firms) if at % parts != part]) for part in range(parts)])
    return over(firms), float(np.sqrt((parts - 1) / parts * ((left - left.mean()) ** 2).sum()))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--firms", type=int, default=1000)
    options.add_argument("--only", default="")
    asked, missed = options.parse_args(), False
    for number, (name, firm) in enumerate(FIRMS.items()):
        for rule, arguments in RULES.items():
            if not f"{name} {rule}".startswith(asked.only):
                continue
            start, rng = time.perf_counter(), np.random.default_rng([20261122, number])
            firms = [judged(firm, arguments, rng) for _ in range(max(asked.firms // firm.every, 20))]
            estimate, error = jackknifed(firms)
            mean = {
                key: np.mean([firm[key] for firm in firms])
                for key in ("p_tier", "right", "covered", "wrong_order", "apart")
            }
            limit = 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(firms))
            good = SLOPE[0] - error <= estimate <= SLOPE[1] + error and mean["wrong_order"] <= limit
            missed |= not good
            print(
                f"{name:36} {rule:7} {len(firms):5} firms  slope {estimate:.3f} ± {2 * error:.3f}  "
                f"sure {mean['p_tier']:.3f} right {mean['right']:.3f}  wrong bonuses covered {mean['covered']:.3f}  "
                f"wrong order {mean['wrong_order']:.3f} ({mean['apart']:.0f} pairs)  "
                f"{time.perf_counter() - start:.0f} s  {'' if good else 'MISSED'}"
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
