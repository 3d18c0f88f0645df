"""How often the intervals of an appraisal calibration hold the truth, and whether calibrated ranks beat raw ones.

small   30 people x 5 raters: complete, 60 % missing, 70 % by the home rater, with criteria; severities .3, .5, 1 and
        noise .7, 1 of the standard deviation between people. Bounds .92 to .97.
large   10,000 ratings: 125 people x 10 raters x 8 criteria. Bounds .94 to .96.
ranks   correlation of ranks with the truth, raw and calibrated: teams of five joined by shared ratings.

Truth: people and raters as drawn from normal populations. A cell is a miss where a mean coverage leaves its bounds.
Exit status 1 where a cell misses.

Examples:
  nice -n 10 python benchmarks/calibration_coverage.py                 1,000 data sets a cell (half an hour)
  python benchmarks/calibration_coverage.py --sets 100 --part small
"""

import argparse
import itertools
import sys

import numpy as np
import pandas as pd
from scipy import stats

from sqlib.methods import rating_design, ratings
from sqlib.methods.linear_calibration import LinearCalibration
from sqlib.methods.one_thread import one_thread

PEOPLE, RATERS = 30, 5
BOUNDS = {"small": (0.92, 0.97), "large": (0.94, 0.96)}


def coded(ratee, rater, score, criterion=None, group=None):
    none, ids = np.empty(0, dtype=object), lambda code: np.arange(code.max() + 1).astype(object)
    named = [none if code is None else ids(code) for code in (ratee, rater, criterion, None, group)]
    return ratings.Ratings(score, ratee, rater, criterion, None, group, *named, None, np.arange(len(score)), 0, 0, 0)


def small(rng, kind, severity, noise):
    """Ratings of one firm, its people and its raters as drawn."""
    p, r = (code.ravel() for code in np.indices((PEOPLE, RATERS)))
    home = p % RATERS == r
    kept = {"missing": home | (rng.random(len(p)) < 0.25), "home": home | (rng.random(len(p)) < 3 / 28)}
    some = kept.get(kind, np.ones(len(p), dtype=bool))
    p, r, c = p[some], r[some], None
    u, v = rng.normal(0, 1, PEOPLE), rng.normal(0, severity, RATERS)
    y = u[p] - v[r]
    if kind == "criteria":
        y = np.repeat(y + rng.normal(0, 0.4, len(y)), 4)
        p, r, c = np.repeat(p, 4), np.repeat(r, 4), np.tile(np.arange(4), len(p))
        y = y + rng.normal(0, 0.3, (RATERS, 4))[r, c] + np.array([0.5, 0, -0.2, -0.3])[c]
    return coded(p, r, y + rng.normal(0, noise, len(y)), c), u, v


def large(rng, _, severity, noise):
    p, r, c = (code.ravel() for code in np.indices((125, 10, 8)))
    u, v = rng.normal(0, 1, 125), rng.normal(0, severity, 10)
    y = u[p] - v[r] + rng.normal(0, 0.2, (10, 8))[r, c] + rng.normal(0, 0.4, (125, 10))[p, r]
    return coded(p, r, y + rng.normal(0, noise, len(y)), c), u, v


def covered(draw, rng, *cell) -> list[float]:
    """Share of people, raters and differences of raters inside their 95 % interval in one data set."""
    r, u, v = draw(rng, *cell)
    part, raters_part = np.zeros(len(u), dtype=int), np.zeros(len(v), dtype=int)
    engine = LinearCalibration(r, part, raters_part, part > 0, 0.95)
    people, raters = engine.ratees(), engine.raters()
    difference = v - (v.sum() - v) / (len(v) - 1)
    inside = [(people["low"], u, people["high"]), (raters["low"], v, raters["high"]),
              (raters["difference_low"], difference, raters["difference_high"])]  # fmt: skip
    return [float(((low <= truth) & (truth <= high)).mean()) for low, truth, high in inside]


def coverage(part, sets, seed) -> bool:
    kinds = ("complete", "missing", "home", "criteria") if part == "small" else ("complete",)
    draw, (least, most) = {"small": small, "large": large}[part], BOUNDS[part]
    good, every = True, []
    for kind, severity, noise in itertools.product(kinds, (0.3, 0.5, 1.0), (0.7, 1.0)):
        rng = np.random.default_rng([seed, round(10 * severity), round(10 * noise), kinds.index(kind)])
        share = np.mean([covered(draw, rng, kind, severity, noise) for _ in range(sets)], axis=0)
        fine = ((share[:2] >= least) & (share[:2] <= most)).all()
        good, every = good and bool(fine), [*every, share]
        print(f"{part} {kind:9} severity {severity} noise {noise}: people {share[0]:.3f} raters {share[1]:.3f} "
              f"differences {share[2]:.3f}{'' if fine else '  MISS'}", flush=True)  # fmt: skip
    people, raters, differences = np.mean(every, axis=0)
    print(f"{part} mean: people {people:.3f} raters {raters:.3f} differences {differences:.3f}", flush=True)
    return good


def firm(rng, teams, size, shared, cross, severity, noise):
    """Teams of ``size`` with a home rater each; ``shared`` people of each team are also rated by the next one's rater,
    or a share ``cross`` of all ratings goes to any other team's rater. Everybody is rated twice by the own rater."""
    n = teams * size
    own = np.repeat(np.arange(teams), size)
    p, r = np.repeat(np.arange(n), 2), np.repeat(own, 2)
    if cross:
        extra = rng.choice(n, round(cross / (1 - cross) * len(p)), replace=cross / (1 - cross) * len(p) > n)
        other = (own[extra] + rng.integers(1, teams, len(extra))) % teams
    else:
        extra = np.concatenate([np.arange(shared) + size * t for t in range(teams - 1)])
        other = own[extra] + 1
    p, r = np.append(p, extra), np.append(r, other)
    u, v = rng.normal(0, 1, n), rng.normal(0, severity, teams)
    return coded(p, r, u[p] - v[r] + rng.normal(0, noise, len(p)), None, own), u, own


def _rank_correlation(truth, score, pieces) -> float:
    """Mean over the pieces."""
    return float(np.mean([stats.spearmanr(truth[pieces == k], score[pieces == k])[0] for k in np.unique(pieces)]))


def ranks(sets, seed) -> bool:
    """Mean rank correlation with the truth; within teams where the joint ranking is refused."""
    good = True
    print("links, severity, noise: jointly ranked in, rank correlation raw and calibrated")
    for (shared, cross), severity, noise in itertools.product(
        ((1, 0), (3, 0), (5, 0), (0, 0.2), (0, 0.3)), (0.3, 1.0), (0.5, 0.7)
    ):
        rng, rows = np.random.default_rng(seed), []
        for _ in range(sets):
            r, u, own = firm(rng, 6, 5, shared, cross, severity, noise)
            found = rating_design.design(r)
            part = found.ratees["part"].to_numpy() - 1
            engine = LinearCalibration(r, part, found.raters["part"].to_numpy() - 1, found.held, 0.95)
            table = engine.ratees().round(9)
            joint = found.joint_ranking
            pieces = np.zeros(len(u), dtype=int) if joint else own
            rho = [_rank_correlation(u, table[name].to_numpy(), pieces) for name in ("raw", "calibrated")]
            rows.append([joint, *rho])
        joint, raw, calibrated = pd.DataFrame(rows).mean()
        asked = cross >= 0.2 or (shared >= 3 and severity >= 1)
        fine = calibrated > raw if asked else joint > 0 or calibrated >= raw - 1e-9
        good = good and bool(fine)
        link = f"cross {cross:.0%}" if cross else f"shared {shared}"
        print(f"{link:9} {severity} {noise}: {joint:.2f} raw {raw:.3f} calibrated {calibrated:.3f}"
              f"{'' if fine else '  MISS'}", flush=True)  # fmt: skip
    return good


@one_thread
def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=("small", "large", "ranks"))
    args = parser.parse_args()
    good = True
    for part in (args.part,) if args.part else ("small", "large", "ranks"):
        good &= ranks(args.sets, args.seed) if part == "ranks" else coverage(part, args.sets, args.seed)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
