"""Many-facet ratings: how often intervals hold the truth, and how long a fit takes.

coverage  share of true values inside their 95 % intervals, over data sets drawn from the model: people (logits, score
          points, unshrunk), raters (logits, score points, against the mean of the others)
speed     CPU seconds of a fit with all standard errors, peak memory, slope of log time on log ratings; every size in a
          process of its own, on one thread

Exit status 1 where a coverage or a speed misses its bound.

Examples:
  python benchmarks/ratings_facets.py                      everything, 1,000 data sets a cell (half an hour)
  python benchmarks/ratings_facets.py --sets 100 --part coverage
  python benchmarks/ratings_facets.py --part speed
"""

import argparse
import os
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from sqlib.methods import facets, ratings
from sqlib.methods.facet_calibration import FacetCalibration

THRESHOLDS = np.array([0, -2.0, -2.7, -2.0, 0])  # cumulated, five levels
CELLS = {  # people, raters, raters of each person, criteria; bounds of the coverage
    "30 people x 5 raters x 4 criteria": ((30, 5, 5, 4), (0.92, 0.97)),
    "10,000 ratings, 125 people, 20 raters": ((125, 20, 10, 8), (0.94, 0.96)),
}
SIZES = {125: (20, 0.4), 1250: (150, 3.0), 12500: (1000, 60.0)}  # people: raters, most CPU seconds
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
MOST_MEMORY, MOST_SLOPE = 1.5, 1.2  # GB at a million ratings
HOME = 0.7  # of the ratings


def drawn(seed, people, raters, per, criteria, sd=1.2, severity=0.6):
    """Coded ratings, seven in ten by raters of one's own team, with abilities, severities and difficulties."""
    rng = np.random.default_rng(seed)
    theta, gamma = rng.normal(0, sd, people), rng.normal(0, severity, raters)
    gamma -= gamma.mean()
    beta = np.linspace(-0.6, 0.6, criteria)
    home, first = round(HOME * per), np.arange(people) * raters // people // per * per
    who = np.array([_raters(rng, (at + np.arange(per)) % raters, home, per, raters) for at in first])
    i, j = np.repeat(np.arange(people), per * criteria), np.repeat(who.ravel(), criteria)
    c = np.tile(np.arange(criteria), people * per)
    fit = np.arange(5) * (theta[i] - gamma[j] - beta[c])[:, None] - THRESHOLDS
    score = (fit + rng.gumbel(size=fit.shape)).argmax(axis=1) + 1
    table = pd.DataFrame({"ratee": i, "rater": j, "criterion": c, "score": score})
    return ratings.coded(table, ratee="ratee", rater="rater", score="score", criterion="criterion"), theta, gamma, beta


def _raters(rng, team, home, per, raters):
    if per == raters:
        return np.arange(raters)
    own = rng.choice(team, home, replace=False)
    return np.append(own, rng.choice(np.setdiff1d(np.arange(raters), own), per - home, replace=False))


def fair(theta, beta):
    """True fair scores."""
    fit = np.arange(5) * (theta[..., None, None] - beta[:, None]) - THRESHOLDS
    p = np.exp(fit - fit.max(axis=-1, keepdims=True))
    return (p @ np.arange(1, 6) / p.sum(axis=-1)).mean(axis=-1)


def covered(seed, cell) -> dict[str, float]:
    """Share of the true values of one data set that lie inside their intervals."""
    r, theta, gamma, beta = drawn(seed, *cell)
    calibration = FacetCalibration(r, *facets.linked(r), np.zeros(cell[0], dtype=bool), 0.95)
    fit, raters = calibration.fit, calibration.raters()
    people, score = fit.abilities, fair(theta, beta)
    points = score.mean() - fair(theta - gamma[:, None], beta).mean(axis=1)
    others = points - (points.sum() - points) / (len(points) - 1)
    half = 1.96 * np.sqrt(people.corrected_spread.variance)
    bounds = {
        "people, logits": (theta, people.theta_low, people.theta_high),
        "people, points": (score, people.fair_low, people.fair_high),
        "people, unshrunk": (score, people.corrected - half, people.corrected + half),
        "raters, logits": (
            gamma,
            fit.severity - 1.96 * fit.se_of("severity"),
            fit.severity + 1.96 * fit.se_of("severity"),
        ),
        "raters, points": (points, raters["low"], raters["high"]),
        "raters, difference": (others, raters["difference_low"], raters["difference_high"]),
    }
    return {name: float(np.mean((low <= truth) & (truth <= high))) for name, (truth, low, high) in bounds.items()}


def coverage(sets: int) -> bool:
    kept = True
    for name, (cell, (least, most)) in CELLS.items():
        table = pd.DataFrame([covered(seed, cell) for seed in range(sets)])
        found = pd.DataFrame({"coverage": table.mean(), "se": table.std() / len(table) ** 0.5})
        within = (found["coverage"] + 2 * found["se"] >= least) & (found["coverage"] - 2 * found["se"] <= most)
        print(f"\n{name}: {sets} data sets, wanted {least}-{most}\n{found.round(4)}")
        kept &= bool(within.all())
    return kept


def timed(people: int):
    """CPU seconds of one fit and peak memory in GB."""
    r = drawn(1, people, SIZES[people][0], 10, 8)[0]
    begun = time.process_time()
    facets.fit(r)
    print(r.n, time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def speed() -> bool:
    rows = []
    for people, (_, most) in SIZES.items():
        command, own = [sys.executable, __file__, "--size", str(people)], os.environ | ONE_THREAD
        told = subprocess.run(command, check=True, capture_output=True, text=True, env=own).stdout
        n, seconds, memory = map(float, told.split())
        rows.append((int(n), seconds, most, memory))
        print(f"{int(n):>9,} ratings  {seconds:6.2f} s CPU (at most {most:g})  {memory:.2f} GB")
    n, seconds, most, memory = (np.array(part) for part in zip(*rows, strict=True))
    slope = np.polyfit(np.log(n), np.log(seconds), 1)[0]
    print(f"slope {slope:.2f} (at most {MOST_SLOPE})")
    return bool((seconds <= most).all() and memory[-1] <= MOST_MEMORY and slope <= MOST_SLOPE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--part", choices=["coverage", "speed"])
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.size:
        timed(chosen.size)
        return 0
    speedy = chosen.part == "coverage" or speed()
    return 0 if (chosen.part == "speed" or coverage(chosen.sets)) and speedy else 1


if __name__ == "__main__":
    sys.exit(main())
