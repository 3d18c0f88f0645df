"""Does the search for weak points flag what is real and stay silent otherwise?

    python benchmarks/weak_points.py [--runs 4000] [--only noise]

One line per situation: the share of runs in which a cell is flagged ``act_now`` (``verify``
where nothing is adjusted for), and the target it must meet; beside
it the share whose crude difference has p <= .05. Exit status 1 if a target is missed. Every situation has its own
seed, so that any of them can be run alone.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from sqlib.methods.segments import weak_points

FAMILIES = ["team", "segment", "channel", "service"]
CORRELATION = 0.2  # of two answers of one customer
ROUGH = (0.74, 0.87)  # the printed findable deficit promises 80 %; a quarter of the runs is enough to judge it
COPY = CORRELATION**0.5  # two answers agree when both copy the customer's own


@dataclass(frozen=True)
class Situation:
    """`make(rng)` -> answers; `cell` = (family, cell) to be flagged, None = any; `bounds` of the share of runs."""

    name: str
    make: partial
    cells: list
    bounds: tuple
    cell: tuple | None = None
    adjust: tuple = ()


def customers(rng, rows, clustered):
    """Customer of each row: one row each, or 1 to 4."""
    return np.repeat(np.arange(rows), rng.integers(1, 5, rows) if clustered else 1)[:rows]


def outcomes(rng, rate, customer):
    """Satisfied or not at the given rates; answers of one customer correlate by CORRELATION."""
    own, common = rng.random(len(rate)), rng.random(len(rate))[customer]
    return np.where(rng.random(len(rate)) < COPY, common, own) < rate


def one_family(rng, *, n, cells=20, rate=0.8, deficit=0.0, clustered=False):
    """`cells` cells of n answers, a customer nearly always in one; cell 0 lower by `deficit`."""
    unit = np.repeat(np.arange(cells), n)
    customer = customers(rng, len(unit), clustered)
    satisfied = outcomes(rng, np.where(unit == 0, rate - deficit, rate), customer)
    return pd.DataFrame({"unit": unit, "satisfied": satisfied, "customer": customer})


def four_families(rng, *, n, cells=5, rate=0.8, deficit=0.0, clustered=False):
    """Four columns over the same rows, about n answers a cell; team and segment belong to the customer, channel and
    service to the answer; team 0 lower by `deficit`."""
    rows = cells * n
    customer = customers(rng, rows, clustered)
    columns = {name: rng.permutation(np.arange(rows) % cells) for name in FAMILIES}
    columns |= {name: columns[name][customer] for name in ("team", "segment")}
    satisfied = outcomes(rng, np.where(columns["team"] == 0, rate - deficit, rate), customer)
    return pd.DataFrame({**columns, "satisfied": satisfied, "customer": customer})


def unequal_cells(rng, *, rate=0.8, deficit=0.28):
    """Four families of 5, 3, 4 and 5 cells over 300 answers; team 0 has 45 of them and is lower by `deficit`."""
    team = np.repeat(np.arange(5), (45, 60, 60, 60, 75))
    columns = {name: rng.integers(0, cells, 300) for name, cells in (("segment", 3), ("channel", 4), ("service", 5))}
    satisfied = outcomes(rng, np.where(team == 0, rate - deficit, rate), np.arange(300))
    return pd.DataFrame({"team": team, **columns, "satisfied": satisfied, "customer": np.arange(300)})


def scores(rng, *, n, cells=20, clustered=False):
    """Noise on a skewed scale of 1 to 5 (60 % give 5), as one_family."""
    rank = one_family(rng, n=n, cells=cells, clustered=clustered)
    common = rng.random(len(rank))[rank["customer"]]
    uniform = np.where(rng.random(len(rank)) < COPY, common, rng.random(len(rank)))
    return rank.assign(satisfied=1 + np.searchsorted([0.04, 0.08, 0.16, 0.40], uniform))


def items(rng, *, n, rate=0.8, clustered=True):
    """Noise: n respondents rate 5 dimensions each, 5 teams; answers of one respondent correlate."""
    respondent = np.repeat(np.arange(n), 5)
    satisfied = outcomes(rng, np.full(5 * n, rate), respondent)
    columns = {"dimension": np.tile(np.arange(5), n), "team": respondent % 5, "segment": respondent // 5 % 3}
    return pd.DataFrame({**columns, "satisfied": satisfied, "customer": respondent})


def unequal_mix(rng, *, n, gap=0.25, rate=0.85, clustered=False):
    """Five equally good teams of n; team 0 serves the hard segment in 70 % of its answers, the others in 20 %."""
    customer = customers(rng, 5 * n, clustered)
    team = np.repeat(np.arange(5), n)[customer]
    hard = (rng.random(5 * n)[customer] < np.where(team == 0, 0.7, 0.2)).astype(int)
    satisfied = outcomes(rng, rate - gap * hard, customer)
    return pd.DataFrame({"team": team, "segment": hard, "satisfied": satisfied, "customer": customer})


def situations():
    for clustered in (False, True):
        note = ", clustered" if clustered else ""
        for n in (15, 20, 40, 80):
            make = partial(one_family, n=n, clustered=clustered)
            yield Situation(f"noise, 1 x 20 cells of {n}{note}", make, ["unit"], (0, 0.06))
            make = partial(four_families, n=n, clustered=clustered)
            yield Situation(f"noise, 4 x 5 cells of {n}{note}", make, FAMILIES, (0, 0.06), adjust=("segment",))
        for n in (40, 80):
            make = partial(unequal_mix, n=n, clustered=clustered)
            name = f"hard segment, team of {n}{note}"
            yield Situation(name, make, ["team", "segment"], (0, 0.05), ("team", 0), ("segment",))
        for n in (15, 80):
            make = partial(scores, n=n, clustered=clustered)
            yield Situation(f"noise, scores 1-5, 1 x 20 cells of {n}{note}", make, ["unit"], (0, 0.06))
    for n in (60, 200):
        make = partial(items, n=n, clustered=True)
        cells = ["dimension", "team", "segment"]
        yield Situation(f"noise, {n} respondents x 5 dimensions, clustered", make, cells, (0, 0.06), None, ("segment",))
    yield Situation("deficit 28 at 80%, cell of 45, 17 cells", partial(unequal_cells), FAMILIES, (0.8, 1), ("team", 0))
    for rate, least in ((0.8, 0.0), (0.85, 0.8), (0.9, 0.8)):
        make = partial(four_families, n=45, rate=rate, deficit=0.28)
        name = f"deficit 28 at {rate:.0%}, 4 x 5 cells of 45"
        yield Situation(name, make, FAMILIES, (least, 1), ("team", 0), ("segment",))
    for n, clustered, least in ((80, False, 0.8), (40, False, 0), (20, False, 0), (15, False, 0), (80, True, 0)):
        make = partial(one_family, n=n, deficit=0.2, clustered=clustered)
        name = f"deficit 20 at 80%, 1 x 20 cells of {n}{', clustered' if clustered else ''}"
        yield Situation(name, make, ["unit"], (least, 1), ("unit", 0))


def promised():
    """The printed smallest findable deficit, planted: is it found as often as promised?"""
    for n, cells in ((15, 20), (20, 20), (40, 20), (80, 20), (40, 5)):
        for clustered in (False, True):
            make = partial(one_family, n=n, cells=cells, clustered=clustered)
            findable = [
                search(make(np.random.default_rng(seed)), ["unit"], (), clustered)["findable"] for seed in range(20)
            ]
            deficit = float(np.nanmedian(np.concatenate(findable)))
            make = partial(one_family, n=n, cells=cells, deficit=deficit, clustered=clustered)
            name = f"findable {deficit:.1%}, {cells} cells of {n}{', clustered' if clustered else ''}"
            yield Situation(name, make, ["unit"], ROUGH, ("unit", 0))


def search(data, cells, adjust, clustered):
    cluster = "customer" if clustered else None
    return weak_points(data, outcome="satisfied", cells=cells, adjust=adjust, cluster=cluster).table


def measure(situation, runs, seed):
    """Share of runs flagged, share with a crude p <= .05, mean milliseconds a call."""
    rng, flagged, crude, spent = np.random.default_rng(seed), 0, 0, 0.0
    for _ in range(runs):
        data = situation.make(rng)
        start = time.perf_counter()
        table = search(data, situation.cells, situation.adjust, situation.make.keywords.get("clustered", False))
        spent += time.perf_counter() - start
        if situation.cell is not None:
            family, cell = situation.cell
            table = table[(table["family"] == family) & (table["cell"] == cell)]
        flagged += table["verdict"].isin(("act_now", "verify")).any()
        crude += ((table["crude_p_value"] <= 0.05) & (table["crude"] < 0)).any()
    return flagged / runs, crude / runs, spent / runs * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--only", default="", help="only situations whose name holds this text")
    options = parser.parse_args()
    missed = 0
    print(f"{'situation':52}  act_now   crude  target        ms   ({options.runs} runs)")
    for seed, situation in enumerate([*situations(), *promised()]):
        if options.only not in situation.name:
            continue
        runs = options.runs if situation.bounds != ROUGH else options.runs // 4
        flagged, crude, spent = measure(situation, runs, seed)
        least, most = situation.bounds
        met = least <= flagged <= most
        missed += not met
        target = "" if situation.bounds == (0, 1) else f"{least:.2f}-{most:.2f} {'ok' if met else 'MISSED'}"
        print(f"{situation.name:52}  {flagged:7.3f}  {crude:6.3f}  {target:16} {spent:5.1f}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
