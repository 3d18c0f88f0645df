"""What home raters and thin chains do to a comparison of teams: the figures behind the thresholds of the design.

    python benchmarks/rating_design.py [--runs 2000]

*Home raters*: six teams of ten, a home rater each, twenty ratings a rater, of which a share is given at home and the
rest to people of other teams whom the rater chooses: some raters choose people they think well of, some people they
think little of, some by lot. Shown by home share: how often the 95 % interval of the difference between two team
means holds the truth, the share of the variance of severity that is recovered, and what the rule says. Levels have SD
1, severity .5, ratee x rater .5, residual .5.

*Chains*: six teams of five joined by k shared judgements (severity .3, noise .7, levels of SD 1): how often ranks of
the unshrunk scores, raters random, come nearer the truth than raw ranks, and what the rule says.
"""

import argparse

import numpy as np
import pandas as pd

from sqlib.methods import rating_design, ratings

TEAMS, PEOPLE, EACH = 6, 10, 20
SD = {"rater": 0.5, "ratee_rater": 0.5, "residual": 0.5}


def home_pairs(rng, share, liking):
    """Whom every rater rates: the home team first, others by liking; repeated home ratings where ten are too few."""
    own = np.repeat(np.arange(TEAMS), PEOPLE)
    pairs, policy = [], rng.integers(-1, 2, TEAMS)
    for rater in range(TEAMS):
        home = rng.permutation(np.flatnonzero(own == rater))
        times = round(share * EACH)
        pairs += [(home[k % PEOPLE], rater) for k in range(times)]
        away = np.flatnonzero(own != rater)
        wish = policy[rater] * liking[away, rater] if policy[rater] else rng.normal(size=len(away))
        pairs += [(ratee, rater) for ratee in away[np.argsort(-wish)[: EACH - times]]]
    return np.array(pairs), own


def solved(pairs, score, people, raters, variance):
    """Generalised least squares, ratees fixed, raters random: (levels, their covariance, severities)."""
    pair, where, n = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    mean = np.bincount(where, score) / n
    weight = 1 / (variance["ratee_rater"] + variance["residual"] / n)
    z = np.zeros((len(pair), people + raters))
    z[np.arange(len(pair)), pair[:, 0]], z[np.arange(len(pair)), people + pair[:, 1]] = 1, -1
    prior = np.r_[np.zeros(people), np.full(raters, 1 / variance["rater"])]
    inverse = np.linalg.inv((z * weight[:, None]).T @ z + np.diag(prior))
    found = inverse @ ((z * weight[:, None]).T @ mean)
    return found[:people], inverse[:people, :people], found[people:]


def coded(pairs, own):
    frame = pd.DataFrame({"ratee": pairs[:, 0], "rater": pairs[:, 1] + 1000, "team": own[pairs[:, 0]]})
    frame["score"] = np.arange(len(frame)) % 5.0
    return ratings.coded(frame, ratee="ratee", rater="rater", score="score", group="team")


def home(rng, share, runs):
    people, variance = TEAMS * PEOPLE, {name: sd**2 for name, sd in SD.items()}
    inside, error, rules = [], [], []
    for run in range(runs):
        level, severity = rng.normal(size=people), rng.normal(0, SD["rater"], TEAMS)
        liking = rng.normal(0, SD["ratee_rater"], (people, TEAMS))
        pairs, own = home_pairs(rng, share, liking)
        noise = rng.normal(0, SD["residual"], len(pairs))
        score = level[pairs[:, 0]] - severity[pairs[:, 1]] + liking[pairs[:, 0], pairs[:, 1]] + noise
        found, covariance, severe = solved(pairs, score, people, TEAMS, variance)
        contrast = ((own == 0) * 1.0 - (own == 1)) / PEOPLE
        off = contrast @ (found - level)
        inside.append(abs(off) <= 1.96 * (contrast @ covariance @ contrast) ** 0.5)
        error.append(np.var(severe - severity) / SD["rater"] ** 2)
        if run < 20:
            rules.append(rating_design.design(coded(pairs, own)).pay_wording)
    print(f"home share {share:.2f}  interval holds {np.mean(inside):.3f}  severity recovered {1 - np.mean(error):.2f}"
          f"  pay wording allowed {np.mean(rules):.2f}")  # fmt: skip


def chain(rng, links, runs):
    own = np.repeat(np.arange(6), 5)
    pairs = np.array(
        [(p, own[p]) for p in range(30)] + [((t - 1) * 5 + k, t) for t in range(1, 6) for k in range(links)]
    )
    variance = {"rater": 0.09, "ratee_rater": 0.0, "residual": 0.49}
    better, gain = [], []
    for _ in range(runs):
        level, severity = rng.normal(size=30), rng.normal(0, 0.3, 6)
        score = level[pairs[:, 0]] - severity[pairs[:, 1]] + rng.normal(0, 0.7, len(pairs))
        raw = np.bincount(pairs[:, 0], score) / np.bincount(pairs[:, 0])
        found = solved(pairs, score, 30, 6, variance)[0]
        one, two = (pd.Series(level).corr(pd.Series(value), method="spearman") for value in (raw, found))
        better.append(two > one)
        gain.append(two - one)
    rule = rating_design.design(coded(pairs, own)).joint_ranking
    print(
        f"chain, {links} shared  better than raw {np.mean(better):.2f}  gain in rho {np.mean(gain):+.3f}  joint {rule}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    for share in (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95):
        home(np.random.default_rng(round(share * 100)), share, runs)
    for links in (1, 2, 3, 5):
        chain(np.random.default_rng(links), links, runs)


if __name__ == "__main__":
    main()
