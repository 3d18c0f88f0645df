"""Kano classes: what customers take for granted, want more of, would be delighted by, or do not care about.

Each feature is asked about twice, how one feels if it is there and how if it is not; the pair falls into a class by
the evaluation table of Kano, Seraku, Takahashi & Tsuji (1984), as printed in Berger et al. (1993), Center for Quality
of Management Journal 2(4), which also gives better and worse. Category and total strength: Lee & Newcomb (1997).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import clusters, proportions, samples

CLASSES = {"M": "must_be", "O": "one_dimensional", "A": "attractive", "I": "indifferent", "R": "reverse",
           "Q": "questionable"}  # fmt: skip
EVALUATION = ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")  # row: answer if present, column: if absent; 1 = like it
ORDER = "MOAIRQ"  # of two classes equally frequent the one with the greater effect: M > O > A > I
LEAST = 100  # answers to a feature

COLUMNS = [
    "feature", "segment", "n", "clusters", *CLASSES.values(),
    *(f"{name}_{part}" for name in CLASSES.values() for part in ("share", "low", "high", "probability")),
    "class", "probability", "second", "better", "better_low", "better_high", "worse", "worse_low", "worse_high",
    "category_strength", "category_strength_low", "category_strength_high",
    "total_strength", "total_strength_low", "total_strength_high", "p_value", "p_second", "p_adjusted", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class KanoResult:
    """Result of :func:`kano`.

    ``table``, one row a feature (and segment), columns ``COLUMNS``: feature, segment (blank without ``by``), n pairs,
    clusters; the count of each class (must_be, one_dimensional, attractive, indifferent, reverse, questionable), its
    ``_share`` with ``_low`` and ``_high``, and its ``_probability`` of being the most frequent (cluster bootstrap);
    class: the most frequent, with its probability, and the second; better = (A + O) / (A + O + M + I), worse =
    -(O + M) / (A + O + M + I), with limits; category_strength (share of the first class less that of the second,
    bootstrap limits), total_strength (share of M, O and A), with limits; p_value of another class being the most
    frequent (bootstrap), p_second (exact binomial, first class against second), p_adjusted (Benjamini-Hochberg over
    the features); verdict: the class, where p_adjusted is at most 1 - ``confidence`` | unclear | too_few (under 100
    answers; the estimates are then NaN).

    ``n`` pairs used of ``respondents``; ``missing``: rows without both answers on 1..5. ``cautions`` among
    mostly_reverse (more than half reverse over all: the scale is probably coded the other way), questionable (over
    a tenth contradict themselves), features_too_few.
    """

    table: pd.DataFrame
    n: int
    respondents: int
    missing: int
    confidence: float
    cautions: tuple[str, ...]


def kano(
    answers, *, feature, functional, dysfunctional, cluster=None, by=None, like=1, replicates=1000, min_group=5,
    confidence=0.95, seed=0,
) -> KanoResult:  # fmt: skip
    """Kano class of each feature, with the probability that it would be the most frequent in another such sample.

    Parameters
    ----------
    answers : one row an answered pair: ``feature`` names it, ``functional`` and ``dysfunctional`` hold 1..5
    cluster : respondent or customer; pairs of one are not independent
    by : column of a segment; each feature is then classed in each
    like : which end means "I like it that way", 1 (as in the original questionnaire) or 5
    min_group : pairs and people below which a segment is left out altogether

    Raises MethodRefused: kano.no_pairs, kano.too_few_answers (no feature has 100), kano.unknown_scale,
    samples.unknown_column, samples.not_numeric.
    """
    samples.require(answers, feature, functional, dysfunctional, cluster, by)
    if like not in (1, 5):
        raise MethodRefused("kano.unknown_scale", like=like)
    pairs = pd.DataFrame({name: samples.numbers(answers, name) for name in (functional, dysfunctional)})
    whole = pairs.isin(range(1, 6)).all(axis=1) & answers[feature].notna()
    if by is not None:
        whole &= answers[by].notna()
    rows = pd.DataFrame(
        {
            "feature": answers.loc[whole, feature],
            "segment": "" if by is None else answers.loc[whole, by],
            "who": np.arange(whole.sum()) if cluster is None else answers.loc[whole, cluster],
            "class": classes(pairs.loc[whole, functional], pairs.loc[whole, dysfunctional], like=like),
        }
    )
    if rows.empty:
        raise MethodRefused("kano.no_pairs", functional=functional, dysfunctional=dysfunctional, rows=len(answers))
    groups = [(key, part) for key, part in rows.groupby(["feature", "segment"], sort=False) if _shown(part, min_group)]
    most = max((len(part) for _, part in groups), default=0)
    if most < LEAST:
        raise MethodRefused("kano.too_few_answers", most=most, needed=LEAST, features=rows["feature"].nunique())
    found = [_feature(key, part, confidence, replicates, seed) for key, part in groups]
    table = pd.DataFrame(found).reindex(columns=COLUMNS)
    table["p_adjusted"] = samples.adjusted(table["p_value"])
    settled = table["class"].where(table["p_adjusted"] <= 1 - confidence, "unclear")
    table["verdict"] = settled.where(table["n"] >= LEAST, "too_few")
    return KanoResult(
        table, len(rows), rows["who"].nunique(), int((~whole).sum()), confidence, _cautions(rows["class"], table)
    )


def classes(functional, dysfunctional, *, like=1) -> np.ndarray:
    """Letters M, O, A, I, R, Q of pairs of answers on 1..5; ``like``: the end that means "I like it that way"."""
    first, second = (np.asarray(part, dtype=int) for part in (functional, dysfunctional))
    if like == 5:
        first, second = 6 - first, 6 - second
    return np.array([list(row) for row in EVALUATION])[first - 1, second - 1]


def _shown(part, min_group):
    return min(len(part), part["who"].nunique()) >= min_group


def _feature(key, part, confidence, replicates, seed):
    row = {"feature": key[0], "segment": key[1], "n": len(part), "clusters": part["who"].nunique()}
    if len(part) < LEAST:
        return row
    member = np.column_stack([part["class"].eq(letter) for letter in ORDER]).astype(float)
    counts, draws = member.sum(0), _redrawn(member, part["who"], replicates, seed)
    order = np.argsort(-counts, kind="stable")
    first = np.argmax(draws, axis=1)  # ties go to the greater effect, as in ORDER
    names = [CLASSES[letter] for letter in ORDER]
    probability = np.bincount(first, minlength=len(ORDER)) / len(draws)
    for place, letter in enumerate(ORDER):
        share = _share(part, part["class"].eq(letter), confidence)
        row |= {names[place]: int(counts[place]), f"{names[place]}_probability": probability[place]}
        row |= dict(zip((f"{names[place]}_{end}" for end in ("share", "low", "high")), share, strict=True))
    best = names[order[0]]
    row |= {"class": best, "probability": probability[order[0]], "second": names[order[1]]}
    row |= _coefficients(part, confidence) | _strengths(counts, draws, order, part, confidence)
    return row | {"p_value": (1 + (first != order[0]).sum()) / (1 + len(draws)), "p_second": _binomial(counts[order])}


def _binomial(counts):
    """Are the first two classes equally frequent? Exact, two-sided."""
    from scipy.stats import binomtest

    return float(binomtest(int(counts[0]), int(counts[:2].sum())).pvalue)


def _redrawn(member, who, replicates, seed):
    """Counts of the classes in cluster bootstrap samples, (replicates, 6)."""
    code = clusters.codes(who, len(member))
    groups = int(code.max()) + 1
    sums = np.zeros((groups, member.shape[1]))
    np.add.at(sums, code, member)
    return clusters.drawn(np.random.default_rng(seed), groups, replicates) @ sums


def _share(part, hit, confidence):
    """Estimate, low, high of a share among these pairs."""
    found = proportions.share(part.assign(hit=hit), outcome="hit", cluster="who", confidence=confidence).table.iloc[0]
    return tuple(float(found[name]) for name in ("estimate", "low", "high"))


def _coefficients(part, confidence):
    """Better and worse, NaN where nobody gave a plain answer."""
    plain = part[part["class"].isin(list("AOMI"))]
    if plain.empty:
        return {}
    better = _share(plain, plain["class"].isin(list("AO")), confidence)
    worse, low, high = _share(plain, plain["class"].isin(list("OM")), confidence)
    return dict(zip(("better", "better_low", "better_high"), better, strict=True)) | {
        "worse": -worse, "worse_low": -high, "worse_high": -low,
    }  # fmt: skip


def _strengths(counts, draws, order, part, confidence):
    shares = draws / draws.sum(1, keepdims=True)
    ends = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = np.quantile(shares[:, order[0]] - shares[:, order[1]], ends)
    total = _share(part, part["class"].isin(list("MOA")), confidence)
    strength = (counts[order[0]] - counts[order[1]]) / counts.sum()
    names = ("total_strength", "total_strength_low", "total_strength_high")
    category = {"category_strength": strength, "category_strength_low": low, "category_strength_high": high}
    return category | dict(zip(names, total, strict=True))


def _cautions(letters, table):
    tests = {
        "mostly_reverse": letters.eq("R").mean() > 0.5,
        "questionable": letters.eq("Q").mean() > 0.1,
        "features_too_few": table["verdict"].eq("too_few").any(),
    }
    return tuple(code for code, holds in tests.items() if holds)
