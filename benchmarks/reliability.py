"""Coverage of the 95 % intervals of reliability: intraclass correlations, agreement, components of variance.

    python benchmarks/reliability.py [--runs 1000] [--seed 1] [--only icc|agreement|components]

One line a cell: what, design, truth, coverage, share of intervals wholly above and wholly below the truth. Exit
status 1 if a coverage lies under .90 in 1,000 runs or more.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import agreement, generalizability, intraclass, krippendorff

LEAST = 0.90
CUTS = (-1.2, -0.4, 0.4, 1.2)  # five levels


def design(rng, people: int, raters: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of people and raters, every person rated by ``each`` of the raters, by chance."""
    chosen = np.argsort(rng.random((people, raters)), axis=1)[:, :each]
    return np.repeat(np.arange(people), each), chosen.ravel()


def two_way(rng, people: int, raters: int, each: int, sd) -> pd.DataFrame:
    person, rater = design(rng, people, raters, each)
    y = sd[0] * rng.standard_normal(people)[person] + sd[1] * rng.standard_normal(raters)[rater]
    y += sd[2] * rng.standard_normal(len(person))
    return pd.DataFrame({"p": np.char.add("p", person.astype(str)), "r": np.char.add("r", rater.astype(str)), "y": y})


def three_way(rng, people: int, raters: int, criteria: int, each: int, sd) -> pd.DataFrame:
    person, rater = (np.repeat(part, criteria) for part in design(rng, people, raters, each))
    item = np.tile(np.arange(criteria), people * each)
    sizes, codes = {"p": people, "r": raters, "i": criteria}, {"p": person, "r": rater, "i": item}
    y = sd["e"] * rng.standard_normal(len(person))
    for effect in ("p", "r", "i", "pr", "pi", "ri"):
        y += sd[effect] * rng.standard_normal([sizes[each] for each in effect])[tuple(codes[each] for each in effect)]
    return pd.DataFrame(codes | {"y": y})


def icc_cells(rng, runs):
    """(label, truth, intervals (runs, 2)) of the three forms of one rating."""
    for sd in ((1.0, 0.5, 1.0), (1.0, 1.0, 0.7), (0.5, 0.3, 1.0)):
        total = np.square(sd)
        truth = {"icc2": total[0] / total.sum(), "icc3": total[0] / (total[0] + total[2])}
        for people, raters, each in ((30, 5, 5), (30, 5, 3), (40, 8, 3), (12, 4, 4), (100, 12, 3)):
            found = {form: [] for form in truth}
            for _ in range(runs):
                table = intraclass.icc(
                    two_way(rng, people, raters, each, sd), ratee="p", rater="r", score="y"
                ).table.set_index("form")
                for form in truth:
                    found[form].append(table.loc[form, ["low", "high"]])
            for form in truth:
                yield f"{form} sd {sd}, {people} people x {each} of {raters}", truth[form], np.array(found[form], float)


def levels(rng, people, raters, share):
    latent = rng.standard_normal((people, 1)) * np.sqrt(share) + rng.standard_normal((people, raters)) * np.sqrt(
        1 - share
    )
    return np.digitize(latent, CUTS) + 1.0


def long(scores: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame(scores).reset_index(names="u").melt("u", var_name="r", value_name="y")
    return table.assign(r="r" + table["r"].astype(str))


def agreement_cells(rng, runs):
    names = {"unit": "u", "rater": "r", "score": "y"}

    def alpha(scores, seed=0, draws=400):
        holes = np.where(np.random.default_rng(seed).random(scores.shape) < 0.2, np.nan, scores)
        return krippendorff.krippendorff_alpha(long(holes), **names, level="ordinal", draws=draws, seed=seed)

    calls = {
        "alpha ordinal, 3 raters, 20 % missing": (3, alpha),
        "alpha ordinal, 6 raters, 20 % missing": (6, alpha),
        "weighted kappa, quadratic": (2, lambda s, **_: agreement.weighted_kappa(s[:, 0], s[:, 1])),
        "weighted kappa, linear": (2, lambda s, **_: agreement.weighted_kappa(s[:, 0], s[:, 1], weights="linear")),
        "kappa": (2, lambda s, **_: agreement.weighted_kappa(s[:, 0], s[:, 1], weights="none")),
        "Fleiss' kappa, 4 raters": (4, lambda s, **_: agreement.fleiss_kappa(long(s), **names)),
        "Kendall's W, 4 raters": (4, lambda s, **_: agreement.kendall_w(long(s), **names, draws=1)),
    }
    for share in (0.3, 0.6, 0.9):
        for name, (raters, call) in calls.items():
            large = 1_000 if "W" in name else 20_000
            truth = np.mean([call(levels(rng, large, raters, share), draws=2).table["estimate"].iloc[0]
                             for _ in range(20_000 // large)])  # fmt: skip
            for units in (20, 40, 100):
                found = []
                for run in range(runs):
                    try:
                        row = call(levels(rng, units, raters, share), seed=run).table.iloc[0]
                    except MethodRefused:
                        continue
                    found.append((row["low"], row["high"]))
                yield f"{name}, latent {share}, {units} units", truth, np.array(found, float)


def component_cells(rng, runs):
    sd = dict(p=1.0, r=0.5, i=0.3, pr=0.5, pi=0.3, ri=0.3, e=0.8)
    square = {name: value**2 for name, value in sd.items()}
    names = {"p": "p", "r": "r", "i": "i"}
    for people, raters, criteria, each in ((30, 5, 4, 5), (30, 5, 4, 3), (40, 8, 6, 3)):
        relative = square["pr"] / each + square["pi"] / criteria + square["e"] / each / criteria
        absolute = relative + square["r"] / each + square["i"] / criteria + square["ri"] / each / criteria
        truth = {"generalizability": 1 / (1 + relative), "dependability": 1 / (1 + absolute)}
        truth |= {"pri" if name == "e" else name: value for name, value in square.items()}
        found = {name: [] for name in truth}
        for run in range(runs):
            table = three_way(rng, people, raters, criteria, each, sd)
            study = generalizability.g_study(table, score="y", design="p x r x i", columns=names, seed=run)
            plan = generalizability.d_study(study).iloc[0]
            for name in ("generalizability", "dependability"):
                found[name].append((plan[f"{name}_low"], plan[f"{name}_high"]))
            for row in study.components.itertuples():
                found[row.component].append((row.low, row.high))
        for name, value in truth.items():
            yield f"{name}, {people} people x {each} of {raters} raters x {criteria}", value, np.array(found[name])


CELLS = {"icc": icc_cells, "agreement": agreement_cells, "components": component_cells}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", choices=CELLS)
    options = arguments.parse_args()
    worst = 1.0
    for name, cells in CELLS.items():
        if options.only in (None, name):
            for label, truth, limits in cells(np.random.default_rng(options.seed), options.runs):
                low, high = limits.T
                covered = float(((low <= truth + 1e-12) & (high >= truth - 1e-12)).mean())
                worst = min(worst, covered)
                above, below = (low > truth).mean(), (high < truth).mean()
                print(f"{label:72} {truth:.3f}  {covered:.3f}  {above:.3f}  {below:.3f}", flush=True)
    print(f"worst {worst:.3f}")
    return int(worst < LEAST and options.runs >= 1000)


if __name__ == "__main__":
    sys.exit(main())
