"""Are rankings of drivers called stable when they are, and only then? And do the classes of the "why" part hold?

    python benchmarks/drivers.py [--runs 500] [--only stable]

One line per situation: the share of runs with the outcome named and the bounds it must keep. Exit status 1 if a bound
is missed. Every situation has its own seed, so that any of them can be run alone.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from sqlib.methods import drivers, kano, penalty_reward

CLEAR, EQUAL = (0.5, 0.3, 0.1), (0.4, 0.4, 0.4)
SCALE = (-2.2, -1.6, -0.9, 0.2)  # cuts of a normal into 1..5, two in five at the top
COVERED = (0.92, 0.975)


@dataclass(frozen=True)
class Situation:
    """``happens(rng, seed)`` -> did it; ``bounds`` of the share of runs in which it does."""

    name: str
    happens: partial
    bounds: tuple


def rated(rng, effects, *, n=400, alike=0.0, noise=1.0, scale=False, each=1):
    """Scores any two of which correlate by ``alike``, an overall score; ``each`` answers of a customer, rho .3."""
    p, customers = len(effects), np.arange(n) // each

    def normal(columns):
        own = rng.standard_normal((n, columns))
        return own if each == 1 else 0.7**0.5 * own + 0.3**0.5 * rng.standard_normal((n, columns))[customers]

    scores = alike**0.5 * normal(1) + (1 - alike) ** 0.5 * normal(p)
    overall = scores @ np.array(effects) + noise * normal(1)[:, 0]
    if scale:
        scores, overall = (1.0 + np.digitize(part / part.std(0), SCALE) for part in (scores, overall))
    rows = pd.DataFrame(scores, columns=[f"d{place}" for place in range(p)])
    return rows.assign(score=overall, who=customers)


def ranked(rows, seed, **options):
    return drivers.drivers(rows, outcome="score", drivers=list(rows)[:-2], cluster="who", seed=seed, **options)


def stable(rng, seed, effects, **options):
    return ranked(rated(rng, effects, **options), seed).stable


def claims(rng, seed, effects, **options):
    """An order, or a leading group, is claimed."""
    result = ranked(rated(rng, effects, **options), seed)
    return result.stable or result.leading > 0


def truth(effects, alike, noise):
    """Shares in the population."""
    p = len(effects)
    among = np.full((p, p), alike) + (1 - alike) * np.eye(p)
    with_overall = among @ np.array(effects)
    variance = float(np.array(effects) @ with_overall + noise**2)
    matrix = np.eye(p + 1)
    matrix[:p, :p] = among
    matrix[:p, p] = matrix[p, :p] = with_overall / variance**0.5
    importance = drivers.lmg(matrix)
    return importance / importance.sum(), importance.sum()


def covers_first(rng, seed, effects, alike, noise, **options):
    """The interval of the share of the first driver named holds the true one."""
    table = ranked(rated(rng, effects, alike=alike, noise=noise, **options), seed).table.set_index("driver")
    return table["low"]["d0"] <= truth(effects, alike, noise)[0][0] <= table["high"]["d0"]


def covers_r2(rng, seed, effects, alike, noise, **options):
    result = ranked(rated(rng, effects, alike=alike, noise=noise, **options), seed)
    return result.r2_low <= truth(effects, alike, noise)[1] <= result.r2_high


def covers_gain(rng, seed, effects, **options):
    """The interval of what goes with raising the first driver by 1 holds its effect."""
    rows = rated(rng, effects, **options)
    table = ranked(rows, seed, level=1.0).table.set_index("driver")
    return table["gain_low"]["d0"] <= effects[0] <= table["gain_high"]["d0"]


def contrasted(rng, seed, effects, wanted, *, n=400, each=1, attribute=0):
    """Is an attribute (None: any) given a class of ``wanted``? A score of 1..5, (poor, excellent) effects."""
    customers = np.arange(n) // each
    shared = rng.standard_normal((n, len(effects) + 1))[customers] if each > 1 else 0.0
    normal = (0.3 if each > 1 else 0.0) ** 0.5 * shared + (0.7 if each > 1 else 1.0) ** 0.5 * rng.standard_normal(
        (n, len(effects) + 1)
    )
    scores = 1 + np.digitize(normal[:, :-1], (-1.5, -0.7, 0.2, 0.9))
    parts = [
        np.where(one <= 2, -poor, np.where(one == 5, rich, 0))
        for one, (poor, rich) in zip(scores.T, effects, strict=True)
    ]
    rows = pd.DataFrame(scores, columns=[f"d{place}" for place in range(len(effects))])
    rows = rows.assign(score=np.sum(parts, axis=0) + normal[:, -1], who=customers)
    table = penalty_reward.penalty_reward(
        rows, outcome="score", attributes=list(rows)[:-2], scale=(1, 5), cluster="who", seed=seed
    ).table
    given = table["verdict"] if attribute is None else table["verdict"][[attribute]]
    return given.isin(wanted).any()


def classed(rng, seed, shares, wanted, *, n=120, features=1):
    """Is a feature whose answers fall in M, O, A, I with these shares given a class of ``wanted``?"""
    pairs = {"M": (3, 5), "O": (1, 5), "A": (1, 3), "I": (3, 3)}
    rows = [
        (feature, *pairs[letter], who)
        for feature in range(features)
        for who, letter in enumerate(rng.choice(list(pairs), n, p=shares))
    ]
    table = pd.DataFrame(rows, columns=["feature", "present", "absent", "who"])
    found = kano.kano(
        table, feature="feature", functional="present", dysfunctional="absent", cluster="who", seed=seed
    ).table
    return found["verdict"].isin(wanted).any()


def situations():
    share = 0.65**0.5
    yield Situation("stable: .5/.3/.1 uncorrelated (correlations with the outcome), n 400",
                    partial(stable, effects=CLEAR, noise=share), (0.8, 1))  # fmt: skip
    yield Situation("stable: .5/.3/.1 uncorrelated (slopes, noise 1), n 400", partial(stable, effects=CLEAR), (0.8, 1))
    for effects, name in (
        (CLEAR, ".5/.3/.1"),
        (EQUAL, "equal"),
        ((0.5, 0.0, 0.0), "one only"),
        (EQUAL * 2, "six equal"),
    ):
        for n in (100, 400, 1000):
            yield Situation(f"alike: r .9, {name}, n {n}", partial(claims, effects=effects, alike=0.9, n=n), (0, 0.1))
    for n in (100, 400, 1000):
        yield Situation(f"alike: r .9 on 1-5, .5/.3/.1, n {n}",
                        partial(claims, effects=CLEAR, alike=0.9, n=n, scale=True), (0, 0.1))  # fmt: skip
    for p, alike in ((2, 0.0), (3, 0.0), (6, 0.0), (3, 0.5), (3, 0.7), (2, 0.7)):
        yield Situation(f"equal: {p} drivers, r {alike}, n 400", partial(stable, effects=(0.4,) * p, alike=alike),
                        (0, 0.13 if p == 2 else 0.1))  # fmt: skip
    yield Situation("equal: 3 drivers, r 0.5, n 400, clustered",
                    partial(stable, effects=EQUAL, alike=0.5, each=4), (0, 0.1))  # fmt: skip
    for n, each in ((100, 1), (400, 1), (400, 4)):
        shared = {"effects": CLEAR, "alike": 0.5, "noise": 1.0, "n": n, "each": each}
        for name, happens in (("share", covers_first), ("r2", covers_r2), ("gain", covers_gain)):
            yield Situation(f"cover: {name}, n {n}, {each} a customer", partial(happens, **shared), COVERED)
    classes, none = ("basic", "performance", "excitement"), ((0.0, 0.0),) * 6
    yield Situation("penalty: six without effect, any class", partial(contrasted, effects=none, wanted=classes,
                    attribute=None), (0, 0.06))  # fmt: skip
    yield Situation("penalty: the same, clustered", partial(contrasted, effects=none, wanted=classes,
                    attribute=None, each=4), (0, 0.06))  # fmt: skip
    even = ((0.6, 0.6), *none[:3])
    yield Situation("penalty: even effect called uneven", partial(contrasted, effects=even,
                    wanted=("basic", "excitement")), (0, 0.06))  # fmt: skip
    yield Situation("penalty: even effect of .6 found", partial(contrasted, effects=even, wanted=("performance",)),
                    (0.8, 1))  # fmt: skip
    yield Situation("penalty: basic 1.2 / 0 found, n 400", partial(contrasted, effects=((1.2, 0.0), *none[:3]),
                    wanted=("basic",)), (0.8, 1))  # fmt: skip
    tied = (0.35, 0.1, 0.35, 0.2)
    yield Situation("kano: two classes tied, one feature, n 120",
                    partial(classed, shares=tied, wanted=("must_be", "attractive")), (0, 0.12))  # fmt: skip
    yield Situation("kano: two classes tied, any of ten features, n 120",
                    partial(classed, shares=tied, wanted=("must_be", "attractive"), features=10), (0, 0.3))  # fmt: skip
    yield Situation("kano: 50 % against 25 %, n 120",
                    partial(classed, shares=(0.5, 0.1, 0.25, 0.15), wanted=("must_be",)), (0.8, 1))  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--only", default="", help="situations whose name begins so")
    options = parser.parse_args()
    missed = 0
    for place, situation in enumerate(situations()):
        if not situation.name.startswith(options.only):
            continue
        start = time.perf_counter()
        hits = [situation.happens(np.random.default_rng([place, run]), run) for run in range(options.runs)]
        rate, (low, high) = float(np.mean(hits)), situation.bounds
        kept = low <= rate <= high
        missed += not kept
        mark = "" if kept else "  MISSED"
        seconds = time.perf_counter() - start
        print(f"{situation.name:70} {rate:.3f}  [{low}, {high}]  {seconds:.0f} s{mark}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
