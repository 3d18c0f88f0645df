"""Penalty and reward: does overall satisfaction fall with a poor score of a part, rise with an excellent one, or both?

Each attribute enters one regression of the overall score as two dummies, poor and excellent, against its middle
(Brandt 1987, in Surprenant: Add Value to Your Service, American Marketing Association; Mikulić & Prebežac 2011,
Managing Service Quality 21:46). Association only: the classes say how the scores go together, not what a change
would bring.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import clusters, moments, samples

POOR, EXCELLENT = 0.25, 0.875  # of the scale: up to 2 of 5 is poor, 5 of 5 excellent; 1-3 and 9-10 of 10
LEAST_CELL = 20  # answers in each of poor, middle and excellent
LEAST_ROWS, ROWS_A_TERM, LEAST_CLUSTERS = 50, 10, 30
ANSWERED = 0.5

TERMS = ("penalty", "reward", "asymmetry")
COLUMNS = [
    "attribute", *(f"{term}{end}" for term in TERMS for end in ("", "_low", "_high", "_p", "_p_second", "_p_adjusted")),
    "poor", "middle", "excellent", "n", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class PenaltyRewardResult:
    """Result of :func:`penalty_reward`. Differences in units of the outcome, with t limits on the bootstrap error.

    ``table``, one row an attribute, columns ``COLUMNS``: attribute; penalty (poor less middle), reward (excellent less
    middle), asymmetry (their sum: below 0 the penalty outweighs), each with low, high, p (inverts the interval),
    p_second (percentiles of the cluster bootstrap) and p_adjusted (Benjamini-Hochberg over the attributes); answers
    that were poor, middle, excellent; n; verdict: basic (a penalty, and it outweighs the reward) | excitement (a
    reward, and it outweighs the penalty) | performance (both, and no difference in size is shown) | unclear |
    too_few (under 20 answers in one of the three: the attribute stands in the regression as its plain score).

    ``r2`` of the regression, adjusted; ``n`` complete answers of ``clusters`` customers; ``complete``: their share of
    the answers with an outcome; ``comparisons``: attributes judged; ``left_out``: attribute -> rarely_answered |
    constant. ``cautions`` among none_judged, incomplete (under 80 %), left_out.
    """

    table: pd.DataFrame
    r2: float
    n: int
    clusters: int
    complete: float
    comparisons: int
    left_out: dict[str, str]
    confidence: float
    cautions: tuple[str, ...]


def penalty_reward(
    answers, *, outcome, attributes, scale, cluster=None, poor=None, excellent=None, replicates=1000, min_group=5,
    confidence=0.95, seed=0,
) -> PenaltyRewardResult:  # fmt: skip
    """Penalty and reward of each attribute, and its class where the intervals allow one.

    Parameters
    ----------
    answers : one row an answer; ``outcome`` the overall score, ``attributes`` columns of scores on one ``scale``
    scale : (lowest, highest) score of the attributes
    cluster : customer; answers of one customer are not independent
    poor, excellent : highest poor and lowest excellent score; a quarter and seven eighths of the scale if left out
    min_group : customers below which nothing is shown; at least 30 are needed anyway

    Raises MethodRefused: penalty_reward.no_attributes, penalty_reward.too_few_answers (under 50, or 10 a term of the
    regression, or under 30 customers), penalty_reward.constant_outcome, samples.unknown_column, samples.not_numeric.
    """
    samples.require(answers, outcome, *attributes, cluster)
    scored = pd.DataFrame({name: samples.numbers(answers, name) for name in (*attributes, outcome)})
    scored = scored[scored[outcome].notna()]
    used, left_out = samples.answered(scored, list(attributes), ANSWERED)
    if not used:
        raise MethodRefused("penalty_reward.no_attributes", given=len(attributes), rows=len(scored))
    rows = scored[[*used, outcome]].dropna()
    code = clusters.codes(None if cluster is None else answers.loc[rows.index, cluster], len(rows))
    levels = _levels(rows[used], scale, poor, excellent)
    judged = [name for name in used if levels[name].value_counts().reindex([-1, 0, 1]).ge(LEAST_CELL).all()]
    design = _design(rows[used], levels, judged)
    _enough(rows, design, code, max(LEAST_CLUSTERS, min_group))
    columns = np.column_stack([np.ones(len(rows)), design - design.mean(0), rows[outcome] - rows[outcome].mean()])
    products, redone = moments.resampled(columns, code, replicates=replicates, seed=seed)
    (estimate,), r2 = _regression(products[None])
    draws, _ = _regression(redone)
    people = len(np.unique(code))
    table = _table(used, judged, levels, estimate, draws, people - 1, confidence)
    complete = len(rows) / len(scored)
    adjusted = 1 - (1 - float(r2[0])) * (len(rows) - 1) / (len(rows) - design.shape[1] - 1)
    return PenaltyRewardResult(
        table, adjusted, len(rows), people, complete, len(judged), left_out, confidence,
        _cautions(judged, complete, left_out),
    )  # fmt: skip


def _levels(scores, scale, poor, excellent):
    """Poor -1, middle 0, excellent 1."""
    low, high = scale
    bottom = low + POOR * (high - low) if poor is None else poor
    top = low + EXCELLENT * (high - low) if excellent is None else excellent
    return scores.ge(top).astype(int) - scores.le(bottom).astype(int)


def _design(scores, levels, judged):
    """Columns of the regression: poor and excellent of each judged attribute in turn, then the others' plain scores."""
    dummies = [levels[name].eq(side).to_numpy(dtype=float) for name in judged for side in (-1, 1)]
    plain = [scores[name].to_numpy() for name in scores if name not in judged]
    return np.column_stack([*dummies, *plain])


def _enough(rows, design, code, least):
    needed, people = max(LEAST_ROWS, ROWS_A_TERM * design.shape[1]), len(np.unique(code))
    if len(rows) < needed or people < least:
        raise MethodRefused(
            "penalty_reward.too_few_answers", rows=len(rows), needed=needed, people=people, least=least,
            attributes=rows.shape[1] - 1,
        )  # fmt: skip
    if rows.iloc[:, -1].nunique() < 2:
        raise MethodRefused("penalty_reward.constant_outcome", column=rows.columns[-1], rows=len(rows))


def _regression(products):
    """Coefficients (B, k) of the last column on those before, and R² (B,)."""
    _, covariances = moments.covariance(products)
    among, outcome = covariances[:, :-1, :-1], covariances[:, :-1, -1]
    inverse = np.linalg.pinv(among, rcond=1e-10, hermitian=True)
    coefficients = np.einsum("bij,bj->bi", inverse, outcome)
    return coefficients, np.einsum("bi,bi->b", coefficients, outcome) / covariances[:, -1, -1]


def _table(used, judged, levels, estimate, draws, df, confidence):
    counts = {name: levels[name].value_counts().reindex([-1, 0, 1], fill_value=0) for name in used}
    rows = [
        {"attribute": name, "n": len(levels)}
        | dict(zip(("poor", "middle", "excellent"), map(int, counts[name]), strict=True))
        | (_terms(judged.index(name), estimate, draws, df, confidence) if name in judged else {})
        for name in used
    ]
    table = pd.DataFrame(rows).reindex(columns=COLUMNS[:-1])
    for term in TERMS:
        table[f"{term}_p_adjusted"] = samples.adjusted(table[f"{term}_p"])
    return table.assign(verdict=_verdicts(table, 1 - confidence))


def _terms(place, estimate, draws, df, confidence):
    """Penalty, reward and asymmetry of one attribute with limits and p values."""
    from scipy.special import stdtr

    row = {}
    turn = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    pair, redone = estimate[2 * place : 2 * place + 2], draws[:, 2 * place : 2 * place + 2]
    for term, value, values in zip(TERMS, turn @ pair, turn @ redone.T, strict=True):
        error = float(values.std(ddof=1))
        width = float(samples.t_value(1 - confidence, df)) * error
        tail = min((values <= 0).sum(), (values >= 0).sum())
        row |= {term: value, f"{term}_low": value - width, f"{term}_high": value + width}
        row[f"{term}_p"] = float(2 * stdtr(df, -abs(value) / error)) if error > 0 else np.nan
        row[f"{term}_p_second"] = min(1.0, 2 * (1 + tail) / (1 + len(values)))
    return row


def _verdicts(table, act_at):
    below, above = table["penalty"] < 0, table["reward"] > 0
    penalty = below & (table["penalty_p_adjusted"] <= act_at)
    reward = above & (table["reward_p_adjusted"] <= act_at)
    uneven = table["asymmetry_p_adjusted"] <= act_at
    cases = {
        "too_few": table["penalty"].isna(),
        "basic": penalty & uneven & (table["asymmetry"] < 0),
        "excitement": reward & uneven & (table["asymmetry"] > 0),
        "performance": penalty & reward & ~uneven,
    }
    return np.select(list(cases.values()), list(cases), default="unclear")


def _cautions(judged, complete, left_out):
    tests = {"none_judged": not judged, "incomplete": complete < 0.8, "left_out": bool(left_out)}
    return tuple(code for code, holds in tests.items() if holds)
