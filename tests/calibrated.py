"""People calibrated from made ratings with known variances: what tiers, bands and changes are tried on."""

import numpy as np
import pandas as pd


def calibrated(seed=0, people=30, raters=5, sd=(6.0, 4.0, 5.0), share=0.6, mean=82.0):
    """(ratees, covariance of the errors of ``calibrated``, truth): best linear prediction in a crossed design.

    ``sd``: of people, raters and ratings; ``share`` of the people each rater scores.
    """
    rng = np.random.default_rng(seed)
    ability, severity = rng.normal(0, sd[0], people), rng.normal(0, sd[1], raters)
    seen = rng.random((people, raters)) < share
    seen[np.arange(people), rng.integers(0, raters, people)] = True
    who, rater = np.nonzero(seen)
    score = mean + ability[who] - severity[rater] + rng.normal(0, sd[2], len(who))
    own, given = np.eye(people)[who], np.eye(raters)[rater]
    inverse = np.linalg.inv(sd[0] ** 2 * own @ own.T + sd[1] ** 2 * given @ given.T + sd[2] ** 2 * np.eye(len(who)))
    ones = inverse.sum(0)
    level = ones @ score / ones.sum()
    residual = inverse @ (score - level)
    gain = sd[0] ** 2 * own.T @ inverse
    left = 1 - gain.sum(1)
    covariance = sd[0] ** 2 * (np.eye(people) - gain @ own) + np.outer(left, left) / ones.sum()
    strict = -(sd[1] ** 2) * given.T @ residual
    count = own.sum(0)
    frame = {
        "ratee_id": [f"p{at:03}" for at in range(people)], "part": 1, "group": np.arange(people) % 3,
        "n_ratings": count.astype(int), "n_raters": count.astype(int), "raw": own.T @ score / count,
        "corrected": own.T @ (score + strict[rater]) / count, "calibrated": level + sd[0] ** 2 * own.T @ residual,
        "se": np.sqrt(np.diag(covariance)),
    }  # fmt: skip
    return pd.DataFrame(frame), covariance, mean + ability
