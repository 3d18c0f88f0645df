"""Terms that set one group of comments apart from another: log-odds ratio with an informative prior.

Monroe, Colaresi & Quinn (2008), "Fightin' Words", Political Analysis 16(4):372-403: the log-odds of each term in the
one group against the other (eq. 16), with the pooled comments as prior (section 3.5.1), over its standard error (eq.
20-22). The prior draws rare terms towards no difference, so that neither the rarest nor the commonest words win.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import samples

PRIOR = 500.0  # terms the prior is worth, at most
PART = 0.1  # of the terms counted
LEAST = 30  # people each group needs

COLUMNS = [
    "term", "first", "second", "first_share", "second_share", "odds_ratio", "odds_ratio_low", "odds_ratio_high",
    "log_odds", "se", "z", "p_value", "p_second", "p_adjusted", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class TermsResult:
    """Result of :func:`terms`.

    ``table``: the ``top`` terms of either side, by falling ``z``; ``every``: all terms said by ``min_count`` people
    or more. One row per term, columns ``COLUMNS``: people who say it in the ``first`` and in the ``second`` group,
    their shares of the people (0..1; NaN for 0 < people < ``min_group``, and the row's other numbers do not depend on
    them); odds_ratio (first against second) with limits, its logarithm log_odds with se and z; p_value (normal),
    p_second (Fisher's exact test on the people), p_adjusted (Benjamini-Hochberg over the terms); verdict: more | less
    (common in the first group than in the second) | no_signal.

    ``first_n`` and ``second_n``: people in the groups; ``terms`` tested; ``rare``: terms too rare to be tested.
    """

    table: pd.DataFrame
    every: pd.DataFrame
    first_n: int
    second_n: int
    terms: int
    rare: int
    min_count: int
    confidence: float
    cautions: tuple[str, ...]


def log_odds(counts_a, counts_b, prior=None, prior_scale: float = PRIOR) -> pd.DataFrame:
    """Log-odds ratio of each term in a against b, with a Dirichlet prior.

    Parameters
    ----------
    counts_a, counts_b : Series term -> count, or mappings; a term that is missing counts 0
    prior : term -> pseudo-counts; default: the pooled counts, scaled to ``prior_scale`` in all

    Returns
    -------
    DataFrame indexed by term: log_odds (natural, positive: more in a), se, z. Checked against a loop over the formula
    of the paper and against the plain log odds ratio where the prior vanishes.
    """
    counts = pd.DataFrame({"a": pd.Series(counts_a, dtype=float), "b": pd.Series(counts_b, dtype=float)}).fillna(0.0)
    pooled = counts.sum(axis=1)
    alpha = pooled / pooled.sum() * prior_scale if prior is None else pd.Series(prior, dtype=float)[counts.index]
    logits, variance = 0.0, 0.0
    for side, sign in (("a", 1), ("b", -1)):
        own, all_own = counts[side] + alpha, counts[side].sum() + alpha.sum()
        logits += sign * np.log(own / (all_own - own))
        variance += 1 / own
    se = np.sqrt(variance)
    return pd.DataFrame({"log_odds": logits, "se": se, "z": logits / se})


def terms(
    data, *, terms="terms", group, first, second, cluster=None, min_count=10, top=12, min_group=5,
    confidence=0.95,
) -> TermsResult:  # fmt: skip
    """Terms more frequent in the comments of one group than of the other.

    A person who says a term counts once, however often and in however many comments of a group, so one long comment
    does not count ten times. The prior is worth a tenth of the terms counted, at most 500.

    Parameters
    ----------
    data : one row per comment; column ``terms``: the list of its distinct terms (:mod:`sqlib.segmentation`)
    group : column that holds the labels `first` and `second`; other rows are left aside
    cluster : customer; without it every comment is a person
    min_count : people of both groups together who must say a term; one group needs ``min_group`` of them
    min_group : people of one group below which their number enters as what no difference would give, at most
        ``min_group`` - 1, so that nobody can be counted out and no difference is overstated
    top : terms of either side in ``table``

    Raises MethodRefused: terms.too_few (a group has under 30 people), terms.no_terms, samples.unknown_column.
    """
    samples.require(data, terms, group, cluster)
    said = data[data[group].isin([first, second])]
    who = said.index if cluster is None else said[cluster]
    people = pd.DataFrame({"side": np.where(said[group] == first, "first", "second"), "who": who, "term": said[terms]})
    sizes = people.groupby("side")["who"].nunique().reindex(["first", "second"], fill_value=0)
    if sizes.min() < LEAST:
        raise MethodRefused("terms.too_few", first=int(sizes["first"]), second=int(sizes["second"]), least=LEAST)
    pairs = people.explode("term").dropna(subset="term").drop_duplicates()
    counts = pairs.groupby(["term", "side"]).size().unstack("side", fill_value=0).reindex(columns=sizes.index)
    counts = counts.fillna(0).astype(int)
    tested = (counts.sum(axis=1) >= min_count) & (counts.max(axis=1) >= min_group)
    told = counts.mask((counts > 0) & (counts < min_group))
    if not tested.any():
        raise MethodRefused("terms.no_terms", least=max(min_count, min_group), terms=len(counts))
    every = _table(_filled(told, sizes, min_group), told, tested, sizes, 1 - confidence)
    ends = every[(every.index < top) & (every["z"] > 0) | (every.index >= len(every) - top) & (every["z"] <= 0)]
    return TermsResult(
        table=ends, every=every, first_n=int(sizes["first"]), second_n=int(sizes["second"]), terms=len(every),
        rare=int((~tested).sum()), min_count=max(min_count, min_group), confidence=confidence, cautions=(),
    )  # fmt: skip


def _filled(told, sizes, min_group) -> pd.DataFrame:
    """Counts with those not told as what no difference from the other group would give, at most the largest hidden."""
    level = told[["second", "first"]].set_axis(["first", "second"], axis=1) / sizes[["second", "first"]].to_numpy()
    expected = np.floor(level * sizes).clip(upper=min_group - 1)
    return told.fillna(expected).fillna(0).astype(int)


def _table(counts, told, tested, sizes, alpha) -> pd.DataFrame:
    from scipy.special import ndtr

    scale = min(PRIOR, counts.to_numpy().sum() * PART)
    heard = counts[counts.sum(axis=1) > 0]  # a term too few of either side said counts nowhere
    table = log_odds(heard["first"], heard["second"], prior_scale=scale).loc[tested.index[tested]].join(counts)
    half = samples.z_value(alpha) * table["se"]
    for name, shift in (("odds_ratio", 0.0), ("odds_ratio_low", -half), ("odds_ratio_high", half)):
        table[name] = np.exp(table["log_odds"] + shift)
    table["p_value"] = 2 * ndtr(-table["z"].abs())
    table["p_second"] = [_fisher(*row, *sizes) for row in table[["first", "second"]].to_numpy()]
    table[["first", "second"]] = told.loc[table.index]
    table["first_share"], table["second_share"] = table["first"] / sizes["first"], table["second"] / sizes["second"]
    table["p_adjusted"] = samples.adjusted(table["p_value"])
    table["verdict"] = np.where(table["p_adjusted"] > alpha, "no_signal", np.where(table["z"] > 0, "more", "less"))
    return table.sort_values("z", ascending=False, kind="stable").rename_axis("term").reset_index()[COLUMNS]


def _fisher(first, second, first_n, second_n) -> float:
    from scipy.stats import fisher_exact

    return fisher_exact([[first, first_n - first], [second, second_n - second]]).pvalue
