"""Do the flags on raters stay silent without cause, and do they find what was planted?

    python benchmarks/rater_fit.py [--runs 1000] [--only small]

One line per situation: the share of data sets in which any rater is flagged, per flag (5 % is promised for a page),
and, where a habit is planted in one rater, the share in which that rater is found. Exit status 1 if a promise is
missed. Scores have true levels of SD 1, severity .5, halo .4, residual .7; ``expected`` is the best linear prediction
at these variances, without the halo. A quarter of the runs is enough for a planted habit.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from sqlib.methods import rater_fit, ratings

SD = {"ratee": 1.0, "rater": 0.5, "halo": 0.4, "residual": 0.7}
SITUATIONS = {  # people, raters, criteria, periods, raters a person
    "small": (30, 5, 4, 1, 5),
    "small_months": (30, 5, 1, 6, 5),
    "large": (250, 25, 4, 2, 5),
    "large_months": (140, 12, 1, 12, 6),
}
PLANTED = {"nothing": None, "central_tendency": 0.5, "halo": 0.9, "drifting": 0.1, "inconsistent": 1.4}
EXPECTED = {"nothing": "small large small_months large_months", "drifting": "small_months large_months"}
FLAGS = [name for name in rater_fit.FLAGS]


def drawn(rng, people, raters, criteria, periods, each, planted="nothing"):
    """One data set, rater r00 with the planted habit; one row a score."""
    chosen = np.argsort(rng.random((people, raters)), axis=1)[:, :each]
    ratee = np.repeat(np.arange(people), each)
    frame = pd.DataFrame({"ratee": ratee, "rater": chosen.ravel()})
    frame = frame.merge(pd.DataFrame({"criterion": range(criteria)}), how="cross")
    frame = frame.merge(pd.DataFrame({"period": range(periods)}), how="cross")
    own = frame["rater"].to_numpy() == 0
    size = PLANTED[planted]
    level = rng.normal(0, SD["ratee"], people)[frame["ratee"]] * np.where(
        own & (planted == "central_tendency"), size, 1
    )
    occasion = (frame["ratee"] * raters + frame["rater"]).to_numpy()
    halo = rng.normal(0, 1, people * raters)[occasion] * np.where(own & (planted == "halo"), size, SD["halo"])
    noise = rng.normal(0, SD["residual"], len(frame)) * np.where(own & (planted == "inconsistent"), size, 1)
    trend = np.where(own & (planted == "drifting"), size, 0.0) * frame["period"].to_numpy()
    severity = rng.normal(0, SD["rater"], raters)[frame["rater"]]
    frame["score"] = 5 + level - severity - trend + halo + noise
    frame["rater"] = "r" + frame["rater"].astype(str).str.zfill(2)
    return ratings.coded(frame, ratee="ratee", rater="rater", score="score", criterion="criterion", period="period")


def fitted(r):
    """Best linear prediction of every score, and its variance; halo left in the residual; severity of the raters."""
    pair = np.unique(r.ratee * len(r.rater_ids) + r.rater, return_inverse=True)[1]
    n = np.bincount(pair)
    score = r.score.copy()
    for code in (r.criterion, r.period):
        score -= (np.bincount(code, score) / np.bincount(code))[code] - score.mean()
    mean, (ratee, rater) = np.bincount(pair, score) / n, (np.bincount(pair, c) / n for c in (r.ratee, r.rater))
    weight = 1 / (SD["halo"] ** 2 + SD["residual"] ** 2 / n)
    people, raters = len(r.ratee_ids), len(r.rater_ids)
    z = np.zeros((len(n), 1 + people + raters))
    z[:, 0], z[np.arange(len(n)), 1 + ratee.astype(int)] = 1, 1
    z[np.arange(len(n)), 1 + people + rater.astype(int)] = -1
    prior = np.r_[0.0, np.full(people, SD["ratee"] ** -2), np.full(raters, SD["rater"] ** -2)]
    solved = np.linalg.solve((z * weight[:, None]).T @ z + np.diag(prior), (z * weight[:, None]).T @ mean)
    severity = solved[1 + people :]
    expected = solved[0] + solved[1 + r.ratee] - severity[r.rater] + r.score - score
    return expected, np.full(r.n, SD["halo"] ** 2 + SD["residual"] ** 2), severity


def flagged(rng, situation, planted="nothing") -> np.ndarray:
    """Which flags were raised: on any rater, and on r00, (2, flags)."""
    r = drawn(rng, *SITUATIONS[situation], planted)
    raised = rater_fit.profiles(r, *fitted(r))["flags"].str.split(";")
    every = np.array([[name in flags for name in FLAGS] for flags in raised])
    return np.stack([every.any(axis=0), every[0]])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    missed = 0
    for planted in PLANTED:
        names = EXPECTED.get(planted, "small large").split()
        for situation in names if not arguments.only else [n for n in names if n == arguments.only]:
            rng = np.random.default_rng([sum(map(ord, planted + situation))])
            runs = arguments.runs if planted == "nothing" else max(arguments.runs // 4, 1)
            share = np.mean([flagged(rng, situation, planted) for _ in range(runs)], axis=0)
            row = share[0] if planted == "nothing" else share[1]
            missed += planted == "nothing" and bool((row > 0.05 + 2.5 * np.sqrt(0.0475 / arguments.runs)).any())
            print(
                f"{planted:17} {situation:13}", *(f"{name} {value:.3f}" for name, value in zip(FLAGS, row, strict=True))
            )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
