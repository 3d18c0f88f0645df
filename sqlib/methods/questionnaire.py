"""Questionnaire health: do the questions still tell answers apart, and were they answered with care?

Descriptive: every flag is a stated rule on these answers, with the interval beside it. Straight lines are held
against what answers with the same distributions and the same correlations would give (seeded normal copula), since
customers who are content with everything honestly give one answer to all.

References: Terwee et al. (2007) Journal of Clinical Epidemiology 60:34 (floor and ceiling above 15 %); Huang et al.
(2012) Journal of Business and Psychology 27:99 (under two seconds an item is not read).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import disclosure
from sqlib.errors import MethodRefused
from sqlib.methods import proportions, samples

AT_THE_END = 0.15  # share of answers at one end of the scale from which an item has a floor or a ceiling
SKIPPED = 0.10  # share of respondents who leave an item out
REDUNDANT = 0.90  # correlation of two items that ask the same
FLAT = 0.20  # item-rest correlation below which an item does not tell respondents apart
LINE = 5  # items a respondent must have answered to draw a straight line
SECONDS = 2.0  # an item
BEYOND = 0.01  # one odd questionnaire is no sign
HURRIED = 0.05  # share of hurried respondents that is tolerated
FEWEST = 30  # answers below which an item is not judged
DRAWS = 20_000
STEPS = 8
PATTERNS = 200  # combinations of answered items whose straight lines are expected separately

COLUMNS = [
    "item", "dimension", "n", "missing", "missing_low", "missing_high", "mean", "sd", "floor", "floor_low",
    "floor_high", "ceiling", "ceiling_low", "ceiling_high", "item_rest", "redundant_with", "highest_r", "skipped",
    "at_floor", "at_ceiling", "redundant", "flat", "verdict",
]  # fmt: skip
TELLING = [
    "mean", "sd", *(f"{end}{limit}" for end in ("floor", "ceiling") for limit in ("", "_low", "_high")),
]  # fmt: skip
TALLIES = ["question", "answer", "n", "of", "people", "estimate", "low", "high", "verdict"]
CARE = ["sign", "n", "of", "estimate", "low", "high", "expected", "verdict"]


@dataclass(frozen=True)
class QuestionnaireResult:
    """Result of :func:`questionnaire`. Shares in 0..1 with Wilson limits.

    ``table``, one row an item, columns ``COLUMNS``: n answers; missing (share of the respondents who answered any
    item); mean and sd in scale points; floor and ceiling (shares of answers at the ends of the scale); these four are
    empty where fewer than ``min_group`` people gave some answer, which could be worked out from them; item_rest
    (correlation with the mean of the others); redundant_with (the item it correlates with most) and highest_r; the
    flags skipped (missing above .10), at_floor, at_ceiling (above .15), redundant (highest_r above .90), flat
    (item_rest under .20); verdict: the first of no_discrimination | redundant | skipped | floor | ceiling that holds,
    else sound; too_few (under 30 answers).

    ``tallies``, one row per question and answer, columns ``TALLIES``: n times chosen, of those who answered; verdict:
    shown | hidden (under ``min_group`` people, or what would give them away; of a scored item then every answer).

    ``care``, one row a sign of carelessness, columns ``CARE``: sign straight_line (one answer to all items, of those
    with five or more), straight_line_off_end (the same, but not at an end of the scale), too_fast (under two seconds
    an item; only where answering times are known); expected (share from answers given one by one; for too_fast .05, a
    tolerance); verdict: above_expected (whole interval more than .01
    above it) | as_expected | too_few (under 30 respondents).

    ``n`` respondents with any item; ``flagged`` items with a verdict other than sound and too_few; ``confidence``;
    ``cautions`` among few_respondents (under 30), no_times.
    """

    table: pd.DataFrame
    tallies: pd.DataFrame
    care: pd.DataFrame
    n: int
    flagged: int
    confidence: float
    cautions: tuple[str, ...]


def questionnaire(
    items, questions=None, *, item="item", respondent="feedback_id", score="score", dimension=None, cluster=None,
    seconds=None, min_group=5, confidence=0.95, seed=0,
) -> QuestionnaireResult:  # fmt: skip
    """Every item and every question of a questionnaire, and how carefully it was answered.

    Parameters
    ----------
    items : one row per respondent and item; ``scale_min`` and ``scale_max`` where known, else the ends seen
    questions : other questions, one row per respondent and answer chosen: question, answer, feedback_id, cluster
    dimension : column of the scale an item belongs to
    cluster : customer; counts the people behind an answer
    seconds : column of the time the whole questionnaire took
    seed : of the draws behind the expected straight lines

    Raises MethodRefused: questionnaire.no_items, samples.unknown_column, samples.not_numeric.
    """
    samples.require(items, respondent, item, score, dimension, cluster, seconds)
    scored = items.assign(**{score: samples.numbers(items, score)}).dropna(subset=[score, item])
    scored = scored.drop_duplicates([respondent, item])
    if scored.empty:
        raise MethodRefused("questionnaire.no_items", rows=len(items))
    wide = scored.pivot(index=respondent, columns=item, values=score)[scored[item].unique()]
    ends = _ends(scored, wide, item)
    table = _items(wide, ends, 1 - confidence)
    given = _scores(scored, item, respondent, score, cluster)
    small = given.loc[given["people"] < min_group, "question"]
    table.loc[table["item"].isin(small), TELLING] = np.nan
    owner = dict(scored.drop_duplicates(item).set_index(item)[dimension]) if dimension else {}
    table["dimension"] = table["item"].map(owner)
    times = None if seconds is None else scored.groupby(respondent)[seconds].first().reindex(wide.index)
    times = None if times is None or times.isna().all() else samples.numbers(times.to_frame(seconds), seconds)
    few = len(wide) < FEWEST
    cautions = {"few_respondents": few, "no_times": times is None}
    return QuestionnaireResult(
        table=table.reindex(columns=COLUMNS),
        tallies=_tallies(given, questions, small, min_group, 1 - confidence),
        care=_care(wide, ends, times, 1 - confidence, seed),
        n=len(wide),
        flagged=int((~table["verdict"].isin(["sound", "too_few"])).sum()),
        confidence=confidence,
        cautions=tuple(code for code, holds in cautions.items() if holds),
    )


def _ends(scored, wide, item):
    """Ends of each item's scale: columns low and high."""
    if {"scale_min", "scale_max"} <= set(scored):
        declared = scored.groupby(item)[["scale_min", "scale_max"]].first().reindex(wide.columns)
        declared.columns = ["low", "high"]
    else:
        declared = pd.DataFrame(np.nan, index=wide.columns, columns=["low", "high"])
    return declared.fillna({"low": wide.min().min(), "high": wide.max().max()})


# --- the items ----------------------------------------------------------------------------------------------------


def _items(wide, ends, level):
    answered = wide.notna().sum()
    table = pd.DataFrame({"item": wide.columns, "n": answered.to_numpy(), "mean": wide.mean().to_numpy()})
    table["sd"] = wide.std().to_numpy()
    table = _shared(table, "missing", len(wide) - answered, len(wide), level)
    for end, at_it in {"floor": wide <= ends["low"], "ceiling": wide >= ends["high"]}.items():
        table = _shared(table, end, at_it.sum(), answered, level)
    table["item_rest"] = [_rest(wide, name) for name in wide]
    nearest = wide.corr(min_periods=FEWEST).mask(np.eye(wide.shape[1], dtype=bool))
    known = nearest.notna().any()
    table["highest_r"] = nearest.max().to_numpy()
    table["redundant_with"] = [nearest[name].idxmax() if known[name] else None for name in wide]
    return _flagged(table)


def _shared(table, name, count, of, level):
    """A share with its limits, as three columns."""
    count, of = np.asarray(count, dtype=float), np.broadcast_to(np.asarray(of, dtype=float), len(table))
    low, high = proportions.score_limits(count / of, of, level)
    return table.assign(**{name: count / of, f"{name}_low": low, f"{name}_high": high})


def _rest(wide, name):
    """Correlation of an item with the mean of the others, over those who answered it and another."""
    pair = pd.DataFrame({"own": wide[name], "rest": wide.drop(columns=name).mean(axis=1)}).dropna()
    return pair["own"].corr(pair["rest"]) if len(pair) >= FEWEST and (pair.nunique() > 1).all() else np.nan


def _flagged(table):
    flags = {
        "flat": (table["item_rest"] < FLAT) | (table["sd"] == 0),
        "redundant": table["highest_r"] > REDUNDANT,
        "skipped": table["missing"] > SKIPPED,
        "at_floor": table["floor"] > AT_THE_END,
        "at_ceiling": table["ceiling"] > AT_THE_END,
    }
    few = table["n"] < FEWEST
    words = ["no_discrimination", "redundant", "skipped", "floor", "ceiling"]
    verdict = np.select([few, *flags.values()], ["too_few", *words], default="sound")
    return table.assign(**{name: held & ~few for name, held in flags.items()}, verdict=verdict)


# --- every answer counted -------------------------------------------------------------------------------------------


def _scores(scored, item, respondent, score, cluster):
    """How often each score was given, items in their order, scores in that of the scale."""
    own = {"question": scored[item], "answer": scored[score], "feedback_id": scored[respondent]}
    own["cluster"] = scored[respondent if cluster is None else cluster]
    return _in_order(_counted(pd.DataFrame(own)).sort_values("answer"), scored[item].unique())


def _tallies(given, questions, small, min_group, level):
    """How often each answer was given, scored items first; choices by frequency. ``small``: items hidden whole."""
    parts = [given.assign(answer=given["answer"].map("{:g}".format))]
    if questions is not None:
        others = _counted(questions[~questions["question"].isin(given["question"])])
        parts.append(others.sort_values(["question", "n"], ascending=[True, False], kind="stable"))
    table = pd.concat(parts, ignore_index=True)
    low, high = proportions.wilson(table["n"], table["of"], confidence=1 - level)
    table = table.assign(estimate=table["n"] / table["of"], low=low, high=high)
    numbers = ["n", "people", "estimate", "low", "high"]
    table["people"] = table["people"].mask(table["question"].isin(small), 1)
    shown = disclosure.suppress(table, by="question", n="people", min_group=min_group, numbers=numbers)
    return shown.assign(verdict=np.where(shown["hidden"], "hidden", "shown")).reindex(columns=TALLIES)


def _in_order(table, order):
    """The questions in the order they were asked."""
    return table.iloc[pd.Index(order).get_indexer(table["question"]).argsort(kind="stable")]


def _counted(answers):
    groups = answers.groupby(["question", "answer"], observed=True)
    counted = groups.agg(n=("feedback_id", "nunique"), people=("cluster", "nunique")).reset_index()
    of = answers.groupby("question", observed=True)["feedback_id"].nunique()
    return counted.assign(of=counted["question"].map(of).astype(int))


# --- answered with care? --------------------------------------------------------------------------------------------


def _care(wide, ends, times, level, seed):
    answered = wide.notna().sum(axis=1)
    enough = wide[answered >= LINE]
    rows = []
    if len(enough):
        line = enough.min(axis=1) == enough.max(axis=1)
        at_end = enough.le(ends["low"]).where(enough.notna(), True).all(axis=1)
        at_end |= enough.ge(ends["high"]).where(enough.notna(), True).all(axis=1)
        every, off = expected_lines(enough, ends, seed)
        rows += [("straight_line", line.sum(), len(enough), every)]
        rows += [("straight_line_off_end", (line & ~at_end).sum(), len(enough), off)]
    if times is not None:
        known = times.notna()
        rows += [("too_fast", (times[known] < SECONDS * answered[known]).sum(), int(known.sum()), HURRIED)]
    table = pd.DataFrame(rows, columns=["sign", "n", "of", "expected"])
    table = _shared(table, "estimate", table["n"], table["of"], level)
    table = table.rename(columns={"estimate_low": "low", "estimate_high": "high"})
    above = table["low"] > table["expected"] + BEYOND
    table["verdict"] = np.select([table["of"] < FEWEST, above], ["too_few", "above_expected"], default="as_expected")
    return table.reindex(columns=CARE)


def expected_lines(wide, ends, seed=0):
    """Expected shares (straight lines, those off the ends) if every answer were given on its own account.

    Answers are drawn with the items' own distributions and, as a normal copula, their own correlations; each
    respondent is held against draws of the items he answered.
    """
    drawn = _copula(wide, np.random.default_rng(seed))
    low, high = drawn <= ends["low"].to_numpy(), drawn >= ends["high"].to_numpy()
    patterns = wide.notna().value_counts().head(PATTERNS)
    every = off = 0.0
    for pattern, count in patterns.items():
        own = np.array(pattern, dtype=bool)
        line = (drawn[:, own] == drawn[:, own][:, :1]).all(1)
        every += count * line.mean()
        off += count * (line & ~low[:, own].all(1) & ~high[:, own].all(1)).mean()
    return every / patterns.sum(), off / patterns.sum()


def _copula(wide, rng):
    """DRAWS answers (DRAWS, k) with the distributions and, up to simulation error, the correlations of the items.

    Cutting normals into a few levels weakens their correlation, so the normals' own is raised step by step until the
    answers drawn correlate as those given do (Cario & Nelson 1997, NORTA).
    """
    from scipy.special import ndtr

    normal = rng.standard_normal((DRAWS, wide.shape[1]))
    wanted = wide.corr(min_periods=LINE).fillna(0.0).to_numpy(copy=True)
    sorted_scores = [np.sort(wide[name].dropna()) for name in wide]
    latent = wanted.copy()
    for _ in range(STEPS):
        np.fill_diagonal(latent, 1.0)
        values, vectors = np.linalg.eigh(latent)
        root = vectors * np.sqrt(np.maximum(values, 1e-9))
        place = ndtr(normal @ (root / np.sqrt((root**2).sum(1))[:, None]).T)
        drawn = [own[(column * len(own)).astype(int)] for own, column in zip(sorted_scores, place.T, strict=True)]
        drawn = np.column_stack(drawn)
        with np.errstate(invalid="ignore"):
            latent = np.clip(latent + wanted - np.nan_to_num(np.corrcoef(drawn.T)), -0.999, 0.999)
    return drawn
