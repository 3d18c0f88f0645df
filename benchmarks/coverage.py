"""Coverage of the 95 % intervals for shares, means, promoter scores, their changes and response, by simulation.

    python benchmarks/coverage.py [--runs 4000] [--seed 1]

Prints one line per family of cells: mean coverage over its grid, the worst cell, and for changes the rate of false
positives where nothing changed. Exit status 1 if a target is missed: mean coverage .94 to .96, no cell under .91 for
n >= 20, false positives at most .06.

Answers of one customer share a latent answer with probability sqrt(correlation), so that margins are exact and any
two of them correlate as stated (for changes, on the latent scale).
"""

import argparse
import sys
import time

import numpy as np
import pandas as pd

from sqlib.methods import means, promoter_score, proportions, response, samples, weighting
from sqlib.methods.samples import Sample

ALPHA = 0.05
SHARES = np.arange(0.05, 0.951, 0.05)
SCALES = {  # probabilities of 1..5
    "even": (0.1, 0.2, 0.4, 0.2, 0.1),
    "satisfied": (0.03, 0.07, 0.15, 0.45, 0.3),
    "delighted": (0.04, 0.02, 0.04, 0.2, 0.7),
    "split": (0.3, 0.1, 0.1, 0.2, 0.3),
}
PROMOTERS = [  # shares of detractors, passives, promoters
    (0.05, 0.25, 0.7),
    (0.1, 0.3, 0.6),
    (0.2, 0.4, 0.4),
    (0.3, 0.4, 0.3),
    (0.5, 0.3, 0.2),
    (0.1, 0.7, 0.2),
    (0.1, 0.05, 0.85),
]


def draw(rng, runs, cluster, correlation, *, probabilities, levels):
    """Answers (runs, rows): ``probabilities`` (levels,) or (rows, levels), equal within customers by chance."""
    own = rng.random((runs, len(cluster)))
    common = rng.random((runs, cluster.max() + 1))[:, cluster]
    uniform = np.where(rng.random(own.shape) < np.sqrt(correlation), common, own)
    cuts = np.cumsum(np.atleast_2d(probabilities), axis=1)[:, :-1]
    return np.asarray(levels, dtype=float)[(uniform[..., None] > cuts).sum(-1)]


def customers(clusters, kind):
    """Customer code of every row: 4 answers each, or from 1 to 12."""
    sizes = np.full(clusters, 4) if kind == "equal" else np.resize([1, 1, 2, 3, 4, 8, 12], clusters)
    return np.repeat(np.arange(clusters), sizes)


def limits_share(sample):
    return proportions.interval(*proportions.information_of(sample), ALPHA)


def limits_mean(sample):
    return means.interval(means.standard_error(sample), ALPHA, scale=(1, 5))


def limits_score(sample):
    return promoter_score.interval(*promoter_score.information_of(sample), ALPHA)


def measures():
    """(name, cells of (probabilities, levels), limits of one sample)."""
    yield "share", [((1 - p, p), (0, 1)) for p in SHARES], limits_share
    yield "mean", [(p, (1, 2, 3, 4, 5)) for p in SCALES.values()], limits_mean
    yield "promoter score", [(p, (-1, 0, 1)) for p in PROMOTERS], limits_score


def covered(limits, truth):
    """Share of runs whose interval holds the truth; a run without interval counts as a miss."""
    low, high = limits
    return float(((low <= truth + 1e-12) & (high >= truth - 1e-12)).mean())


def wilson_cells(rng, runs):
    for n in (10, 20, 40, 80, 200):
        cells = [covered(proportions.wilson(rng.binomial(n, p, runs), n), p) for p in SHARES]
        yield f"share, independent, n {n}", n, cells, []


def independent_cells(rng, runs):
    for name, grid, limits in list(measures())[1:]:
        for n in (20, 40, 80, 200):
            cells = []
            for probabilities, levels in grid:
                value = draw(rng, runs, np.arange(n), 0, probabilities=probabilities, levels=levels)
                cells.append(covered(limits(Sample(value, np.arange(n), None)), np.dot(probabilities, levels)))
            yield f"{name}, independent, n {n}", n, cells, []


def clustered_cells(rng, runs):
    for name, grid, limits in measures():
        for count in (15, 30, 60):
            for correlation in (0.0, 0.2):
                for kind in ("equal", "unequal"):
                    cluster = customers(count, kind)
                    cells = []
                    for probabilities, levels in grid:
                        value = draw(rng, runs, cluster, correlation, probabilities=probabilities, levels=levels)
                        cells.append(covered(limits(Sample(value, cluster, None)), np.dot(probabilities, levels)))
                    label = f"{name}, {count} customers ({kind}), correlation {correlation}"
                    yield label, len(cluster), cells, []


def raked(rng, runs, n):
    """Codes of two columns (runs, n) among respondents, raked weights (runs, n) and shares in the base.

    Response differs by level so that the weights' coefficient of variation is about .5.
    """
    base = {"segment": np.array([0.5, 0.3, 0.2]), "tenure": np.array([0.6, 0.4])}
    answering = {"segment": np.array([0.7, 1.0, 1.9]), "tenure": np.array([0.8, 1.3])}
    codes = {c: rng.choice(len(p), (runs, n), p=p * answering[c] / (p * answering[c]).sum()) for c, p in base.items()}
    margins = {column: pd.Series(shares) for column, shares in base.items()}
    frames = (pd.DataFrame({column: code[run] for column, code in codes.items()}) for run in range(runs))
    weights = np.stack([weighting.rake(frame, margins=margins).weights.to_numpy() for frame in frames])
    return codes, weights, base


def weighted_cells(rng, runs):
    """Raked estimates of the base; the answer depends on the segment, mildly, as it does in practice."""
    tilt = np.array([0.9, 1.0, 1.1])  # odds of the better answers, by segment
    for n in (60, 200):
        codes, weights, base = raked(rng, runs, n)
        variation = (weights.std(1) / weights.mean(1)).mean()
        for name, grid, limits in measures():
            cells = []
            for probabilities, levels in grid:
                tilted = np.asarray(probabilities) * tilt[:, None] ** np.linspace(-2, 2, len(levels))
                tilted /= tilted.sum(1, keepdims=True)
                cuts = np.cumsum(tilted, axis=1)[:, :-1][codes["segment"]]
                value = np.asarray(levels, float)[(rng.random((runs, n))[..., None] > cuts).sum(-1)]
                truth = base["segment"] @ tilted @ np.asarray(levels, float)
                cells.append(covered(limits(Sample(value, np.arange(n), weights)), truth))
            yield f"{name}, raked, variation of weights {variation:.2f}, n {n}", n, cells, []


def change_limits(name, both, side):
    """Limits of second minus first, and whether 0 lies outside."""
    sides = [samples.part(both, side == which) for which in (0, 1)]
    if name == "mean":
        return means.interval(means.standard_error(both, side), ALPHA)
    module = proportions if name == "share" else promoter_score
    return module.combined([module.information_of(s) for s in sides], samples.correlation(both, side), ALPHA)


def change_designs():
    """(label, customer code of each row, side of each row): independent answers, or half the customers in both."""
    for n in (20, 40, 80, 200):
        yield f"independent, n {n} + {n}", np.arange(2 * n), np.repeat([0, 1], n), 0.0
    for count in (15, 30, 60):
        for correlation in (0.0, 0.2):
            once = np.arange(count)
            cluster = np.concatenate([np.repeat(once, np.resize([1, 2, 3], count)), np.repeat(once + count // 2, 2)])
            side = np.repeat([0, 1], [len(cluster) - 2 * count, 2 * count])
            yield f"{count} + {count} customers, half in both, correlation {correlation}", cluster, side, correlation


def change_cells(rng, runs):
    for label, cluster, side, correlation in change_designs():
        for name, grid, _ in measures():
            grid = grid[1::3] if name == "share" else grid
            cells, false = [], []
            for first, levels in grid:
                for second in (first, grid[0][0]):
                    probabilities = np.asarray([first, second])[side]
                    value = draw(rng, runs, cluster, correlation, probabilities=probabilities, levels=levels)
                    low, high = change_limits(name, Sample(value, cluster, None), side)
                    cells.append(covered((low, high), np.dot(second, levels) - np.dot(first, levels)))
                    if second == first:
                        false.append(float(((low > 0) | (high < 0)).mean()))
            yield f"change of {name}, {label}", (side == 1).sum(), cells, false


def representation_cells(rng, runs):
    """Share of a group among the answering customers over its share of the base."""
    for total, share in ((100, 0.2), (300, 0.1), (300, 0.4)):
        size, cells = int(total * share), []
        for rest in (0.15, 0.4, 0.7):
            for rate in (0.05, 0.2, 0.4, 0.7):
                ours, theirs = rng.binomial(size, rate, runs), rng.binomial(total - size, rest, runs)
                limits = response.representation_limits(ours, size, ours + theirs, total, ALPHA)
                cells.append(covered(limits, rate / (share * rate + (1 - share) * rest)))
        yield f"representation, {size} of {total} customers", size, cells, []


FAMILIES = (wilson_cells, independent_cells, clustered_cells, weighted_cells, change_cells, representation_cells)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4000, help="runs a cell")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, began, failed = np.random.default_rng(options.seed), time.perf_counter(), []
    print(f"{'cells':>5} {'mean':>6} {'worst':>6} {'false':>6}  family ({options.runs} runs a cell)")
    for family in FAMILIES:
        everything, alarms = [], []
        for label, n, cells, false in family(rng, options.runs):
            worst_false = f"{max(false):6.3f}" if false else " " * 6
            print(f"{len(cells):5d} {np.mean(cells):6.3f} {min(cells):6.3f} {worst_false}  {label}", flush=True)
            everything += cells
            alarms += false
            if n >= 20 and min(cells) < 0.91:
                failed.append(f"{label}: a cell covers {min(cells):.3f}")
        mean = np.mean(everything)
        print(f"{len(everything):5d} {mean:6.3f} {min(everything):6.3f}         == {family.__name__}\n")
        if not 0.94 <= mean <= 0.96:
            failed.append(f"{family.__name__}: mean coverage {mean:.3f}")
        if alarms and np.mean(alarms) > 0.06:
            failed.append(f"{family.__name__}: false positives {np.mean(alarms):.3f}")
    print("\n".join(["missed:", *failed] if failed else ["all targets met"]), f"({time.perf_counter() - began:.0f} s)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
