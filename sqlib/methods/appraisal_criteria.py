"""Criteria of an appraisal: are they distinct, do they tell people apart, do they go with what customers say?

One rater's scores of one person on several criteria resemble each other twice: because the person is like that on all
of them, and because the rater has one impression of the person (halo). Both are told apart where several raters judge
the same person: the covariances of the criteria between people and within a rating are those of a two-way layout
(person, rater) with every criterion's own rater effects, estimated by Henderson's method 3 for all criteria at once
(multivariate generalizability; Brennan 2001, ch. 9). The correlation between people is thereby free of halo and error.

References: Henderson (1953) Biometrics 9:226; Searle, Casella & McCulloch (1992) Variance Components, ch. 5; Brennan
(2001) Generalizability Theory; interval of a share of variance: Searle et al. p. 66 (exact where balanced); jackknife:
Efron & Tibshirani (1993) ch. 11. Coverage: ``benchmarks/score_sources.py``.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import correlations, proportions, samples, shrinkage
from sqlib.methods.ratings import Ratings, coded

SAME = 0.80  # the whole interval at or above it: two criteria rank people alike
DISTINCT = 0.95  # the whole interval below it: two criteria are not one
CROWDED = 0.80  # share of the ratings on one and the same score from which a criterion is crowded
NOTHING = 0.10  # share of differences between people under which the whole interval must lie to call it none
COMMON = 0.50  # share of the ratings that have a criterion from which it is compared with the others
GROUPS = 50  # people are left out one at a time, or in so many groups
FEWEST = 10  # people below whom criteria are not compared

PAIRS = ["first", "second", "n", "observed", "halo", "correlation", "correlation_low", "correlation_high", "verdict"]
CRITERIA = [
    "criterion", "n", "mean", "sd", "same", "same_low", "same_high", "share", "share_low", "share_high", "p_value",
    "validity", "validity_low", "validity_high", "shrunk", "shrunk_low", "shrunk_high", "outcome_n", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class AppraisalCriteriaResult:
    """``table``, one row a criterion, columns ``CRITERIA``: n ratings, mean, sd; same (share of the ratings on the
    commonest score, Wilson); share (of the differences of one rating, rater's level apart, that lie between people)
    with limits, p_value (F); validity (correlation of people's means with ``outcome``) and shrunk (towards the mean of
    the criteria); verdict: ceiling (or floor: crowded at one score) | no_discrimination (next to no difference between
    people) | unclear | sound (people differ).

    ``pairs``, one row a pair of criteria, columns ``PAIRS``: n people; observed correlation of two scores in one
    rating, halo (correlation within ratings of one person), correlation (between people, free of halo and error, held
    within -1..1) with limits; verdict: duplicate (whole interval at or above .80) | distinct
    (whole interval under .95) | unclear | too_few (no differences between people on one of the two).

    ``halo_share``: share of the observed covariance of the criteria that is halo. ``n`` ratings used (person by rater,
    complete), ``people``, ``raters``, ``incomplete`` ratings left out; ``flagged`` criteria with ceiling, floor or
    no_discrimination, ``duplicates`` pairs; ``cautions`` among incomplete (over 10 %), no_outcome, wide (no pair could
    be judged), criteria_left_out (on fewer than half of the ratings).
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    halo_share: float
    n: int
    people: int
    raters: int
    incomplete: int
    flagged: int
    duplicates: int
    confidence: float
    cautions: tuple[str, ...]


def appraisal_criteria(
    ratings, *, ratee="ratee_id", rater="rater_id", criterion="criterion_id", score="score", period=None, outcome=None,
    scale=None, confidence=0.95, seed=0,
) -> AppraisalCriteriaResult:  # fmt: skip
    """Compare the criteria.

    Parameters
    ----------
    ratings : judged ratings by others, one row a score
    period : column, or None; a rater's ratings of a person in two periods are two ratings
    outcome : customer result per person: ratee_id, estimate (higher is better); None: validity is not told
    scale : (lowest, highest) score on offer
    seed : taken as by every method; nothing here is random

    Raises MethodRefused: appraisal_criteria.one_criterion, .few_people (under 10 with complete ratings),
    .one_rater_each (nobody is judged by two: halo cannot be told from the person), ratings.*. Checked against the
    balanced two-way analysis of variance, a dense projection and simulated components.
    """
    columns = {"ratee": ratee, "rater": rater, "score": score, "criterion": criterion, "period": period, "scale": scale}
    given = coded(ratings, **columns)
    common = _common(given)
    if not common.all():
        given = coded(ratings[ratings[criterion].isin(given.criterion_ids[common])], **columns)
    if len(given.criterion_ids) < 2:
        raise MethodRefused("appraisal_criteria.one_criterion", got=", ".join(map(str, given.criterion_ids)))
    y, person, judge, left_out = _complete(given)
    people = len(np.unique(person))
    if people < FEWEST:
        raise MethodRefused("appraisal_criteria.few_people", people=people, least=FEWEST)
    found = _components(y, person, judge)
    if found.error_df <= 0:
        raise MethodRefused("appraisal_criteria.one_rater_each", people=people)
    names = given.criterion_ids
    pairs = _pairs(names, found, _jackknifed(y, person, judge), people, confidence)
    table = _table(given, names, found, confidence)
    table = _valid(table, y, person, judge, given.ratee_ids, outcome, confidence)[CRITERIA]
    told = pairs["verdict"] != "too_few"
    cautions = {
        "incomplete": left_out > 0.1 * (left_out + len(y)),
        "criteria_left_out": not common.all(),
        "no_outcome": outcome is None,
        "wide": not pairs["verdict"].isin(("duplicate", "distinct")).any(),
    }
    return AppraisalCriteriaResult(
        table=table,
        pairs=pairs,
        halo_share=_halo_share(found) if told.any() else np.nan,
        n=len(y),
        people=people,
        raters=len(np.unique(judge)),
        incomplete=left_out,
        flagged=int(table["verdict"].isin(("ceiling", "floor", "no_discrimination")).sum()),
        duplicates=int((pairs["verdict"] == "duplicate").sum()),
        confidence=confidence,
        cautions=tuple(code for code, holds in cautions.items() if holds),
    )


def _common(given: Ratings) -> np.ndarray:
    """Criteria on at least half of the ratings that hold several; the others stand on sheets of their own.

    Where none is common, all are kept.
    """
    period = np.zeros(given.n, dtype=int) if given.period is None else given.period
    rating = pd.DataFrame({"person": given.ratee, "rater": given.rater, "period": period})
    rows = rating.assign(criterion=given.criterion).drop_duplicates()
    several = rows.groupby(["person", "rater", "period"])["criterion"].transform("size") > 1
    ratings = len(rows[several].drop_duplicates(["person", "rater", "period"]))
    held = np.bincount(rows.loc[several, "criterion"], minlength=len(given.criterion_ids))
    common = held >= COMMON * max(ratings, 1)
    return common if common.sum() > 1 else np.ones(len(common), dtype=bool)


def _complete(given: Ratings):
    """Scores (ratings, criteria) of the ratings complete in all criteria; person and rater of each; how many not."""
    period = np.zeros(given.n, dtype=int) if given.period is None else given.period
    rows = pd.DataFrame({"person": given.ratee, "rater": given.rater, "period": period, "criterion": given.criterion})
    wide = rows.assign(score=given.score).pivot_table(
        index=["person", "rater", "period"], columns="criterion", values="score", aggfunc="mean"
    )
    kept = wide.dropna()
    person, judge = (kept.index.get_level_values(name).to_numpy() for name in ("person", "rater"))
    return kept.to_numpy(), person, judge, len(wide) - len(kept)


# --- covariances of the criteria between people and within ratings ---------------------------------------------


@dataclass(frozen=True)
class _Components:
    """``person``, ``error`` covariance matrices (C, C); ``between`` mean squares of people; ``each``: ratings a person
    is worth in them; ``df``, ``error_df`` their degrees of freedom."""

    person: np.ndarray
    error: np.ndarray
    between: np.ndarray
    each: float
    df: int
    error_df: int


def _components(y, person, judge) -> _Components:
    """Henderson's method 3: people after raters; raters' effects are free for every criterion."""
    from scipy import sparse

    person, judge = (np.unique(each, return_inverse=True)[1] for each in (person, judge))
    people, judges = person.max() + 1, judge.max() + 1
    counts = sparse.coo_matrix((np.ones(len(y)), (person, judge)), (people, judges)).tocsr()
    n_person, n_judge = (np.asarray(counts.sum(axis)).ravel() for axis in (1, 0))
    within_judge = y - (_sums(y, judge, judges) / n_judge[:, None])[judge]
    within_person = y - (_sums(y, person, people) / n_person[:, None])[person]
    # normal equations of the raters' effects after the people's
    left = np.diag(n_judge) - (counts.T @ sparse.diags(1 / n_person) @ counts).toarray()
    right = _sums(within_person, judge, judges)
    values, vectors = np.linalg.eigh(left)
    kept = values > 1e-10 * values.max(initial=1.0)
    rank = int(kept.sum())  # of the raters' effects that can be told: one a part is lost
    effects = vectors[:, kept] @ (vectors[:, kept].T @ right / values[kept, None])
    residual = within_person.T @ within_person - right.T @ effects
    error_df = len(y) - people - rank
    df = len(y) - judges - error_df
    error = residual / error_df if error_df > 0 else np.full_like(residual, np.nan)
    between = (within_judge.T @ within_judge - residual) / max(df, 1)
    each = (len(y) - (np.asarray(counts.power(2).sum(0)).ravel() / n_judge).sum()) / max(df, 1)
    return _Components((between - error) / each, error, between, each, df, error_df)


def _sums(values, code, size):
    return np.column_stack([np.bincount(code, column, size) for column in values.T])


def _jackknifed(y, person, judge) -> np.ndarray:
    """Correlations between people with each group of people left out: (groups, C, C)."""
    ids = np.unique(person)
    groups = np.array_split(ids, min(len(ids), GROUPS))
    return np.array([_correlations(_components(*(part[~np.isin(person, out)] for part in (y, person, judge))).person)
                     for out in groups])  # fmt: skip


def _correlations(covariance):
    """Correlations of a covariance matrix; NaN where a variance is not above 0."""
    spread = np.sqrt(np.where(np.diag(covariance) > 0, np.diag(covariance), np.nan))
    return covariance / np.outer(spread, spread)


def _pairs(names, found, left, people, confidence):
    whole, halo = _correlations(found.person), _correlations(found.error)
    plain = _correlations(found.person + found.error)
    known = np.isfinite(left)
    groups = known.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(known, left, 0.0).sum(0) / groups
        spread = np.where(known, (left - centre) ** 2, 0.0).sum(0)
        error = np.sqrt((groups - 1) / groups * spread)
    half = samples.t_value(1 - confidence, max(len(left) - 1, 1)) * np.where(groups == len(left), error, np.nan)
    limits = [np.clip(each, -1.0, 1.0) for each in (whole, whole - half, whole + half)]
    rows = [
        [names[i], names[j], people, plain[i, j], halo[i, j], *(each[i, j] for each in limits)]
        for i, j in combinations(range(len(names)), 2)
    ]
    table = pd.DataFrame(rows, columns=PAIRS[:-1])
    low, high = table["correlation_low"], table["correlation_high"]
    cases = [low.isna() | high.isna(), low >= SAME, high < DISTINCT]
    return table.assign(verdict=np.select(cases, ["too_few", "duplicate", "distinct"], "unclear"))


def _halo_share(found) -> float:
    """Share of the covariance of two criteria in one rating that is not the person's."""
    off = ~np.eye(len(found.person), dtype=bool)
    halo, whole = found.error[off].sum(), (found.person + found.error)[off].sum()
    return float(np.clip(halo / whole, 0.0, 1.0)) if whole > 0 else np.nan


# --- every criterion by itself ---------------------------------------------------------------------------------


def _table(given, names, found, confidence):
    alpha = 1 - confidence
    rows = []
    for code, name in enumerate(names):
        score = given.score[given.criterion == code]
        values, counts = np.unique(score, return_counts=True)
        own = _share(found.between[code, code], found.error[code, code], found, alpha)
        same = float(counts.max() / len(score))
        rows.append({"criterion": name, "n": len(score), "mean": score.mean(), "sd": score.std(ddof=1), "same": same,
                     "_at": values[counts.argmax()], "_successes": counts.max()} | own)  # fmt: skip
    table = pd.DataFrame(rows)
    table["same_low"], table["same_high"] = proportions.wilson(table["_successes"], table["n"], confidence=confidence)
    crowded = table["same_low"] >= CROWDED
    cases = {
        "floor": crowded & (table["_at"] <= given.score.min()),
        "ceiling": crowded,
        "no_discrimination": table["share_high"] < NOTHING,
        "unclear": ~(table["p_value"] <= alpha),
    }
    return table.assign(verdict=np.select(list(cases.values()), list(cases), "sound"))


def _share(between, error, found, alpha) -> dict:
    """Share of the differences that lie between people, with limits of the F ratio."""
    from scipy.stats import f

    if not error > 0:
        return dict.fromkeys(("share", "share_low", "share_high", "p_value"), np.nan)
    ratio = between / error
    ends = [ratio, *(ratio / f.ppf(level, found.df, found.error_df) for level in (1 - alpha / 2, alpha / 2))]
    share, low, high = (max((end - 1) / (end - 1 + found.each), 0.0) for end in ends)
    return {"share": share, "share_low": low, "share_high": high,
            "p_value": float(f.sf(ratio, found.df, found.error_df))}  # fmt: skip


def _valid(table, y, person, judge, ids, outcome, confidence):
    """Correlation of people's means, raters' levels taken out, with the customer result; shrunk to their mean."""
    names = ["validity", "validity_low", "validity_high", "shrunk", "shrunk_low", "shrunk_high", "outcome_n"]
    if outcome is None:
        return table.assign(**dict.fromkeys(names, np.nan))
    samples.require(outcome, "ratee_id", "estimate")
    level = pd.DataFrame(y).groupby(judge).transform("mean").to_numpy()
    means = pd.DataFrame(y - level).groupby(person).mean()
    result = outcome.set_index("ratee_id")["estimate"].reindex(ids[means.index]).to_numpy()
    found = [correlations.pearson(means[each], result, confidence=confidence) for each in means]
    parts = [[each.estimate, each.low, each.high] for each in found]
    shrunk = _to_their_mean([each.estimate for each in found], found[0].n, confidence)
    told = np.column_stack([parts, shrunk, [each.n for each in found]])
    return table.assign(**dict(zip(names, told.T, strict=True)))


def _to_their_mean(estimates, n, confidence):
    """Correlations shrunk on Fisher's scale towards their mean: (k, 3) estimate, low, high.

    The criteria speak of the same people, so the error of their mean is taken as that of one of them.
    """
    place = np.arctanh(np.clip(np.array(estimates, dtype=float), -correlations.EDGE, correlations.EDGE))
    known = np.isfinite(place)
    shown = np.full((len(place), 3), np.nan)
    if known.sum() < 3:
        return shown
    variance = 1 / (n - 3)
    between, mean, _ = shrinkage.dersimonian_laird(place[known], np.full(known.sum(), variance))
    pull = variance / (variance + between)
    middle = mean + (1 - pull) * (place[known] - mean)
    half = samples.z_value(1 - confidence) * np.sqrt(variance)
    shown[known] = np.tanh(np.column_stack([middle, middle - half, middle + half]))
    return shown
