"""How long appraisal calibration takes: CPU seconds with all standard errors, peak memory, slope on the log scale.

linear    engine and the whole call of ``calibrate``: 10,000, 100,000 and 1,000,000 ratings (125, 1,250 and 12,500
          people, 10 raters each, 8 criteria, 70 % of the ratings by the home team's raters), and 73,421 ratings of
          1,128 people by 2,972 raters
facets    the whole call of ``calibrate`` on the same designs, five levels

Every size runs in a process of its own, on one thread. Exit status 1 where a bound is missed.

Examples:
  python benchmarks/ratings.py
  python benchmarks/ratings.py --part linear --most 100000
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

CRITERIA, EACH, HOME = 8, 10, 7  # criteria; raters of each person, of these from the own team
SIZES = {10_000: (125, 10), 100_000: (1250, 50), 1_000_000: (12_500, 500)}  # ratings: people, raters
LECTURES = 73_421  # ratings; 2,972 students, 1,128 lecturers: the layout of a well-known university evaluation
BOUNDS = {  # CPU seconds by part and ratings
    "linear": {10_000: 0.1, 100_000: 1.0, 1_000_000: 15.0, LECTURES: 1.5},
    "facets": {10_000: 0.4, 100_000: 3.0, 1_000_000: 60.0},
}
MOST_MEMORY, MOST_SLOPE = 1.5, 1.2  # GB; of log seconds on log ratings
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def sheets(people: int, raters: int, rng):
    """Ratee and rater of every score sheet: seven raters of the own team of ten, three of others."""
    home = np.arange(people) % (raters // EACH) * EACH
    own = np.argsort(rng.random((people, EACH)), axis=1)[:, : HOME if raters > EACH else EACH]
    who = [home[:, None] + own]
    if raters > EACH:
        far = np.sort(rng.integers(0, raters - EACH - 2, (people, EACH - HOME)), axis=1) + np.arange(EACH - HOME)
        who.append((home[:, None] + EACH + far) % raters)
    return np.repeat(np.arange(people), EACH), np.concatenate(who, axis=1).ravel()


def criteria_ratings(n: int, levels: bool, seed=0) -> pd.DataFrame:
    """Table of ``n`` ratings; ``levels``: of five levels, else to a tenth of a point of 100."""
    people, raters = SIZES[n]
    rng = np.random.default_rng(seed)
    p, r = (np.repeat(code, CRITERIA) for code in sheets(people, raters, rng))
    c = np.tile(np.arange(CRITERIA), n // CRITERIA)
    y = rng.normal(0, 0.8, people)[p] - rng.normal(0, 0.4, raters)[r] + rng.normal(0, 0.2, (raters, CRITERIA))[r, c]
    y += np.repeat(rng.normal(0, 0.4, n // CRITERIA), CRITERIA) + rng.normal(0, 0.6, n) + 0.1 * c
    score = np.clip(np.round(3 + y), 1, 5) if levels else np.round(80 + 5 * y, 1)
    ids = {"ratee": _ids("P", people)[p], "rater": _ids("R", raters)[r], "criterion": _ids("c", CRITERIA)[c]}
    return pd.DataFrame({**ids, "score": score})


def lectures(seed=0) -> pd.DataFrame:
    """Unbalanced: about 25 ratings a student, few of some lecturers and many of others."""
    rng = np.random.default_rng(seed)
    r = np.sort(rng.integers(0, 2972, LECTURES))
    p = (1128 * rng.beta(0.7, 1.2, LECTURES)).astype(int)
    y = 3.2 + rng.normal(0, 0.5, 1128)[p] - rng.normal(0, 0.33, 2972)[r] + rng.normal(0, 1.17, LECTURES)
    return pd.DataFrame({"ratee": _ids("P", 1128)[p], "rater": _ids("R", 2972)[r], "score": np.clip(np.round(y), 1, 5)})


def _ids(letter: str, size: int) -> np.ndarray:
    return np.array([f"{letter}{i:05d}" for i in range(size)], dtype=object)


def engine(table: pd.DataFrame) -> None:
    """Variances, effects and the standard errors of all people and raters."""
    from sqlib.methods import crossed

    code = {name: pd.factorize(table[name], sort=True)[0] for name in table.columns.drop("score")}
    factors, fixed = {"ratee": code["ratee"], "rater": code["rater"]}, {}
    if "criterion" in code:
        fixed = {"criterion": code["criterion"]}
        factors["rater_criterion"] = code["rater"] * CRITERIA + code["criterion"]
        factors["ratee_rater"] = np.repeat(np.arange(len(table) // CRITERIA), CRITERIA)
    found = crossed.fit(table["score"].to_numpy(), fixed, factors)
    for name in ("ratee", "rater"):
        found.variance(found.loadings(name))


def whole(table: pd.DataFrame, model: str) -> None:
    from sqlib.methods.rater_calibration import calibrate

    criterion = "criterion" if "criterion" in table else None
    calibrate(table, ratee="ratee", rater="rater", score="score", criterion=criterion, model=model)


PARTS = {  # part: name of a step -> function of the table
    "linear": {"engine": engine, "calibrate": lambda table: whole(table, "linear")},
    "facets": {"calibrate": lambda table: whole(table, "facets")},
}


def timed(part: str, step: str, n: int) -> dict:
    """CPU seconds of one step, after a small run that loads what is imported late; peak memory of the process."""
    run = PARTS[part][step]
    run(criteria_ratings(10_000, levels=True).iloc[: 60 * CRITERIA])
    table = lectures() if n == LECTURES else criteria_ratings(n, levels=part == "facets")
    start = time.process_time()
    run(table)
    seconds = time.process_time() - start
    return {"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2}


def measured(part: str, most: int) -> bool:
    good = True
    for step in PARTS[part]:
        seconds = {}
        for n, bound in BOUNDS[part].items():
            if n > most:
                continue
            command = [sys.executable, __file__, "--one", part, step, str(n)]
            done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout)
            fine = found["seconds"] <= bound and found["memory"] <= MOST_MEMORY
            good, seconds[n] = good and fine, found["seconds"]
            print(f"{part} {step:9} {n:9,} ratings: {found['seconds']:7.3f} s (bound {bound:g}), "
                  f"peak {found['memory']:.2f} GB{'' if fine else '  MISS'}", flush=True)  # fmt: skip
        sizes = [n for n in seconds if n in SIZES]
        if len(sizes) > 1:
            slope = np.polyfit(np.log(sizes), np.log([seconds[n] for n in sizes]), 1)[0]
            good = good and slope <= MOST_SLOPE
            print(f"{part} {step:9} slope {slope:.2f} (bound {MOST_SLOPE})")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--most", type=int, default=1_000_000, help="largest number of ratings")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        part, step, n = args.one
        print(json.dumps(timed(part, step, int(n))))
        return 0
    return 0 if all([measured(part, args.most) for part in ([args.part] if args.part else PARTS)]) else 1


if __name__ == "__main__":
    sys.exit(main())
