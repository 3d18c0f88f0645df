"""Do the methods beside the calibration keep what they promise? Coverage and false alarms on made firms.

Parts: corrected (correlation freed of error: the profile against limits over the root of the reliabilities), ranks
(tau-b and Spearman, with and without many zero rewards), people (false flags and power where sources agree), criteria
(correlation between people and share between people), regression (alarms after rewards that do nothing). Exit status 1
where a mean coverage lies outside .92 to .995 or a mean rate of false alarms above .07.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from sqlib.methods import correlations
from sqlib.methods.after_reward import after_reward
from sqlib.methods.appraisal_criteria import appraisal_criteria
from sqlib.methods.score_sources import per_person, score_sources


def corrected(draws: int) -> pd.DataFrame:
    """People, reliability, true correlation: coverage of the profile and of Fisher's limits over the root."""
    rows = []
    for n, reliability, true in [
        (n, r, t) for n in (20, 30, 60) for r in (0.4, 0.6, 0.9) for t in (0.0, 0.5, 0.8, 1.0)
    ]:
        profile, divided, width = [], [], []
        for draw in range(draws):
            first, second, *errors = _scores(np.random.default_rng(draw), n, reliability, true)
            found = correlations.corrected(first, second, *errors)
            plain = correlations.pearson(first, second)
            shares = [correlations.reliability(*each) for each in ((first, errors[0]), (second, errors[1]))]
            root = np.sqrt(np.clip(shares, 0.01, None).prod())
            profile.append(found.low - 1e-3 <= true <= found.high + 1e-3)
            divided.append(plain.low / root <= true <= plain.high / root)
            width.append(found.high - found.low)
        told = {"coverage": np.mean(profile), "divided": np.mean(divided), "width": np.mean(width)}
        rows.append({"n": n, "reliability": reliability, "true": true} | told)
    return pd.DataFrame(rows)


def _scores(rng, n, reliability, true):
    """Two scores of n people and the error variances of both, uneven as raters and customers are."""
    one, other = rng.standard_normal((2, n))
    errors = (1 - reliability) / reliability * rng.uniform(0.5, 1.5, (2, n))
    noise = np.sqrt(errors) * rng.standard_normal((2, n))
    return one + noise[0], true * one + np.sqrt(1 - true**2) * other + noise[1], *errors


def ranks(draws: int) -> pd.DataFrame:
    """Coverage of tau-b and Spearman, normal scores, and of tau-b where two thirds get nothing."""
    rows = []
    for n, true in [(n, t) for n in (20, 30, 60) for t in (0.0, 0.5, 0.8)]:
        tau, rho = 2 / np.pi * np.arcsin(true), 6 / np.pi * np.arcsin(true / 2)
        many = correlations.kendall(*_paid(np.random.default_rng(10**6), 6000, true)).estimate
        hits = {"tau": [], "spearman": [], "paid": []}
        for draw in range(draws):
            first, second, *_ = _scores(np.random.default_rng(draw), n, 1 - 1e-12, true)
            zero = correlations.kendall(*_paid(np.random.default_rng(draw), n, true))
            for name, value, found in (("tau", tau, correlations.kendall(first, second)), ("paid", many, zero),
                                       ("spearman", rho, correlations.spearman(first, second))):  # fmt: skip
                hits[name].append(found.low <= value <= found.high)
        rows.append({"n": n, "true": true} | {name: np.mean(each) for name, each in hits.items()})
    return pd.DataFrame(rows)


def _paid(rng, n, true):
    """Scores, and money that only the best third of something correlated with them get, in steps of 500."""
    score, other = rng.standard_normal((2, n))
    better = true * score + np.sqrt(1 - true**2) * other - 0.43
    return score, np.where(better > 0, 500 * np.ceil(2 * better), 0.0)


def people(draws: int) -> pd.DataFrame:
    """Firms in which customers and judges agree: share with anybody flagged; and with one planted 4 SD apart."""
    rows = []
    for n, reliability, each in ((30, 0.5, 12), (30, 0.7, 12), (30, 0.85, 30), (60, 0.7, 12)):
        alarms, found, findable = [], [], []
        for draw in range(draws):
            plain, planted = (_firm(np.random.default_rng(draw), n, reliability, each, gap) for gap in (0, 4))
            alarms.append(plain.flagged > 0)
            found.append(planted.table["verdict"].iloc[0] == "look_again")
            findable.append(plain.table["findable"].median())
        told = {"alarms": np.mean(alarms), "found": np.mean(found), "findable": np.nanmean(findable)}
        rows.append({"n": n, "reliability": reliability, "answers": each} | told)
    return pd.DataFrame(rows)


def _firm(rng, n, reliability, each, gap):
    true = rng.standard_normal(n)
    theirs = true - gap * (np.arange(n) == 0)
    score = reliability * (true + rng.standard_normal(n) * np.sqrt(1 / reliability - 1))
    ids = np.array([f"s{place:03}" for place in range(n)])
    judged = pd.DataFrame({"ratee_id": ids, "calibrated": score, "se": np.sqrt(1 - reliability)})
    who = np.repeat(np.arange(n), np.maximum(rng.poisson(each, n), 6))
    told = pd.DataFrame({"staff_id": ids[who], "score": 4 + 0.4 * theirs[who] + 0.8 * rng.standard_normal(len(who))})
    return score_sources(judged, customer=per_person(told, value="score"))


def criteria(draws: int) -> pd.DataFrame:
    """30 people by 3 of 5 raters, halo: coverage of the correlation and the share between people, wrong verdicts."""
    rows = []
    for true in (0.0, 0.4, 0.8, 1.0):
        hits = {"coverage": [], "share": [], "called_same": [], "called_distinct": []}
        for draw in range(draws):
            result = appraisal_criteria(_ratings(np.random.default_rng(draw), true))
            pair, first = result.pairs.iloc[0], result.table.iloc[0]
            if pair["verdict"] != "too_few":
                hits["coverage"].append(pair["correlation_low"] <= true <= pair["correlation_high"])
            hits["share"].append(first["share_low"] <= 1 / 2.1 <= first["share_high"])
            hits["called_same"].append(pair["verdict"] == "duplicate")
            hits["called_distinct"].append(pair["verdict"] == "distinct")
        rows.append({"true": true} | {name: np.mean(each) for name, each in hits.items()})
    return pd.DataFrame(rows)


def _ratings(rng, true, n=30, raters=5, each=3):
    """Two criteria: variance 1 between people, .6 halo, .5 error, .16 of every rater on every criterion."""
    one, other = rng.standard_normal((2, n))
    standing = np.column_stack([one, true * one + np.sqrt(1 - true**2) * other])
    person = np.repeat(np.arange(n), each)
    rater = np.concatenate([rng.choice(raters, each, replace=False) for _ in range(n)])
    halo = np.sqrt(0.6) * rng.standard_normal((n * each, 1))
    level = 0.4 * rng.standard_normal((raters, 2))[rater]
    scores = standing[person] + halo + level + np.sqrt(0.5) * rng.standard_normal((n * each, 2))
    wide = pd.DataFrame(scores, columns=["c0", "c1"]).assign(ratee_id=person, rater_id=rater + n)
    return wide.melt(["ratee_id", "rater_id"], var_name="criterion_id", value_name="score")


def regression(draws: int) -> pd.DataFrame:
    """The best are praised and nothing follows: share of firms called beyond regression; and with an effect of 1 SD."""
    rows = []
    for n, praised, reliability, terms in ((30, 8, 0.6, 2), (30, 8, 0.85, 2), (60, 15, 0.6, 2), (30, 8, 0.6, 4)):
        seen = {effect: [] for effect in (0, 1)}
        for draw in range(draws):
            for effect, each in seen.items():
                found = after_reward(*_praised(np.random.default_rng(draw), n, praised, reliability, terms, effect))
                each.append(found.table["verdict"].iloc[0] != "within_regression")
        told = {"alarms": np.mean(seen[0]), "found": np.mean(seen[1])}
        rows.append({"n": n, "praised": praised, "reliability": reliability, "periods": terms} | told)
    return pd.DataFrame(rows)


def _praised(rng, n, count, reliability, terms, effect):
    true, gained = rng.standard_normal(n), np.zeros(n)
    scores, events = [], []
    for period in range(terms):
        score = true + effect * gained + np.sqrt(1 / reliability - 1) * rng.standard_normal(n)
        best = np.argsort(-(score + 0.3 * rng.standard_normal(n)))[:count]
        gained = np.isin(np.arange(n), best).astype(float)
        scores.append(pd.DataFrame({"ratee_id": np.arange(n), "period": period, "corrected": score}))
        events.append(pd.DataFrame({"staff_id": best, "type": "praise", "period": period}))
    return pd.concat(scores), pd.concat(events)


PARTS = {"corrected": corrected, "ranks": ranks, "people": people, "criteria": criteria, "regression": regression}
COVERAGE = ("coverage", "tau", "spearman", "paid", "share")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--draws", type=int, default=1000)
    options.add_argument("--part", choices=PARTS, action="append")
    given = options.parse_args()
    missed = False
    for name in given.part or PARTS:
        table = PARTS[name](given.draws)
        print(f"\n{name}, {given.draws} draws\n{table.round(3).to_string(index=False)}", flush=True)
        for column in table.columns.intersection(COVERAGE):
            missed |= not 0.92 <= table[column].mean() <= 0.995
        missed |= "alarms" in table and table["alarms"].mean() > 0.07
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
