"""Small rating tables: published ones typed in, and simulated ones."""

import numpy as np
import pandas as pd

# Shrout & Fleiss (1979) Psychological Bulletin 86:420, Table 2: 6 targets by 4 judges
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
# `anxiety` of the R package irr: 20 subjects by 3 raters
ANXIETY = [
    [3, 3, 2], [3, 6, 1], [3, 4, 4], [4, 6, 4], [5, 2, 3], [5, 4, 2], [2, 2, 1], [3, 4, 6], [5, 3, 1], [2, 3, 1],
    [2, 2, 1], [6, 3, 2], [1, 3, 3], [5, 3, 3], [2, 2, 1], [2, 2, 1], [1, 1, 3], [2, 3, 3], [4, 3, 2], [3, 4, 2],
]  # fmt: skip


def long(table, names=("ratee", "rater", "score")) -> pd.DataFrame:
    """One row per rating of a matrix of units by raters."""
    rows = [(f"u{i:03}", f"r{j}", value) for i, row in enumerate(table) for j, value in enumerate(row)]
    return pd.DataFrame(rows, columns=list(names))


def crossed(people, raters, each, sd=(1.0, 0.5, 1.0), seed=0, criteria=None) -> pd.DataFrame:
    """Ratings of everybody by ``each`` of the raters, by chance; ``sd`` of people, raters, error."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), each)
    rater = np.argsort(rng.random((people, raters)), axis=1)[:, :each].ravel()
    shared = sd[0] * rng.standard_normal(people)[person] + sd[1] * rng.standard_normal(raters)[rater]
    parts = []
    for criterion in range(criteria or 1):
        error = sd[2] * rng.standard_normal(len(person))
        parts.append(pd.DataFrame({"ratee": person, "rater": rater, "score": shared + error, "criterion": criterion}))
    table = pd.concat(parts, ignore_index=True)
    for name, letter in (("ratee", "p"), ("rater", "r"), ("criterion", "c")):
        table[name] = letter + table[name].astype(str)
    return table
