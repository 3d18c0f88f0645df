"""Groups of comments the code book does not catch: suggestions for its next edition, never a theme by themselves.

Non-negative matrix factorisation (Lee & Seung 1999) of TF-IDF weights; a comment belongs to the factor that is
strongest in it. Grouping text always yields groups, so each is held against groupings made from random halves of the
comments: adjusted Rand index for the whole (Hubert & Arabie 1985), Jaccard similarity for each group (Hennig 2007, who
advises not to trust a group under .6). "No stable group" is a result.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import disclosure
from sqlib.errors import MethodRefused
from sqlib.methods import proportions, samples
from sqlib.methods.themes import code_comments, sampled

SIZES = (3, 5, 8)  # numbers of groups tried
RUNS = 8  # random halves
STABLE = 0.6
LEAST = 50  # comments
MOST = 2_000  # comments grouped; of more, a sample is
COMMON = 5  # comments a term must stand in
TOP = 6  # terms that describe a group

NUMBERS = ["comments", "people", "estimate", "low", "high", "stability"]
COLUMNS = ["group", "top_terms", "comments", "people", "estimate", "low", "high", "stability", "verdict"]


@dataclass(frozen=True)
class TermGroupsResult:
    """Result of :func:`term_groups`.

    ``table``, one row per group, largest first, columns ``COLUMNS``: group (1, 2, …), top_terms (joined by " · "),
    comments in it, people behind them, estimate: share of the comments grouped (0..1) with limits, stability (mean
    Jaccard similarity over the runs), verdict: stable | unstable | hidden (under ``min_group`` people).

    ``uncaught`` comments without a theme, of which ``comments`` hold enough terms to be grouped (at most 2,000, drawn
    with ``seed``); ``agreement``: mean adjusted Rand index of the grouping shown. ``cautions`` among
    no_stable_groups, sampled.
    """

    table: pd.DataFrame
    uncaught: int
    comments: int
    agreement: float
    confidence: float
    seed: int
    cautions: tuple[str, ...]


def term_groups(
    data, *, text, terms="terms", codebook, exclude=None, cluster=None, min_group=5, confidence=0.95, seed=0,
) -> TermGroupsResult:  # fmt: skip
    """Group the comments that carry no theme by the terms they share.

    Of 3, 5 and 8 groups those that agree best with themselves (mean adjusted Rand index over 8 random halves) are
    shown; each group then stands or falls by its own stability.

    Parameters
    ----------
    data : one row per comment; ``text`` its column, ``terms`` the list of its distinct terms (``sqlib.segmentation``)
    codebook, exclude : as in :func:`sqlib.methods.themes.code_comments`
    cluster : customer

    Raises MethodRefused: term_groups.too_few (under 50 comments with common terms), themes.no_codebook.
    """
    samples.require(data, text, terms, cluster)
    data = data[data[text].notna()].reset_index(drop=True)
    caught = code_comments(data, text=text, codebook=codebook, exclude=exclude)["row"]
    uncaught = data.drop(index=caught.unique()).assign(_all="")
    read = sampled(uncaught, "_all", MOST, seed).reset_index(drop=True)
    weights, names, held = _weights(read[terms])
    if len(held) < LEAST or len(names) < min(SIZES):
        raise MethodRefused("term_groups.too_few", got=len(held), least=LEAST)
    who = read.loc[held, cluster].to_numpy() if cluster else held
    model, groups, agreement, stability = _chosen(weights, seed)
    rows = []
    for group in range(model.n_components):
        mine = groups == group
        share = proportions.share(
            pd.DataFrame({"hit": mine, "who": who}), outcome="hit", cluster="who", confidence=confidence
        ).table.iloc[0]
        top = _top(model.components_[group], names)
        row = {"top_terms": " · ".join(top), "comments": int(mine.sum()), "people": len(np.unique(who[mine]))}
        rows.append(row | dict(share[["estimate", "low", "high"]]) | {"stability": stability[group]})
    table = pd.DataFrame(rows).sort_values("comments", ascending=False, kind="stable").reset_index(drop=True)
    table["group"] = table.index + 1
    verdict = np.where(table["stability"] >= STABLE, "stable", "unstable")
    table = disclosure.suppress(table, n="people", min_group=min_group, numbers=NUMBERS)
    table["verdict"] = np.where(table["hidden"], "hidden", verdict)
    table["top_terms"] = table["top_terms"].mask(table["hidden"])
    tests = {"no_stable_groups": not table["verdict"].eq("stable").any(), "sampled": len(read) < len(uncaught)}
    return TermGroupsResult(
        table=table[COLUMNS], uncaught=len(uncaught), comments=len(held), agreement=agreement, confidence=confidence,
        seed=seed, cautions=tuple(code for code, holds in tests.items() if holds),
    )  # fmt: skip


def _weights(terms: pd.Series):
    """TF-IDF of the comments that hold a common term; the terms; the places of these comments."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    listed = terms.tolist()
    if not any(listed):
        return None, np.array([]), np.array([], dtype=int)
    counted = pd.Series([term for each in listed for term in each]).value_counts()
    common = sorted(counted.index[counted >= COMMON])
    if not common:
        return None, np.array([]), np.array([], dtype=int)
    vectors = TfidfVectorizer(analyzer=lambda each: each, vocabulary=common).fit_transform(listed)
    held = np.flatnonzero(vectors.getnnz(axis=1))
    return vectors[held], np.array(common), held


def _top(component: np.ndarray, names: np.ndarray) -> np.ndarray:
    """The heaviest terms of a group, as far as they weigh a tenth of the heaviest."""
    order = np.argsort(-component, kind="stable")[:TOP]
    return names[order[component[order] >= component.max() / 10]]


def _chosen(weights, seed: int):
    """(model, group of each comment, agreement, stability of each group) of the number of groups that is shown."""
    possible = [size for size in SIZES if size <= weights.shape[1]]
    return max((_tried(weights, size, seed) for size in possible), key=lambda each: each[2])


def _tried(weights, size: int, seed: int):
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(seed)
    model, groups = _factorised(weights, weights, size, seed)
    again = []
    for _ in range(RUNS):
        half = rng.choice(weights.shape[0], weights.shape[0] // 2, replace=False)
        again.append(_factorised(weights[half], weights, size, seed)[1])
    agreement = float(np.mean([adjusted_rand_score(groups, other) for other in again]))
    alike = np.mean([[_jaccard(groups == group, other, size) for group in range(size)] for other in again], axis=0)
    return model, groups, agreement, alike


def _factorised(learnt, weights, size: int, seed: int):
    """A factorisation learnt on some comments, and the strongest factor of every comment; ``size``: it has none."""
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    model = NMF(size, init="nndsvda", random_state=seed, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what has not settled shows as unstable
        model.fit(learnt)
        strength = model.transform(weights)
    return model, np.where(strength.max(axis=1) > 0, strength.argmax(axis=1), size)


def _jaccard(mine: np.ndarray, other: np.ndarray, size: int) -> float:
    """Similarity of a group to its nearest like in another grouping."""
    both, all_other = (np.bincount(found, minlength=size + 1)[:size] for found in (other[mine], other))
    return float((both / np.maximum(mine.sum() + all_other - both, 1)).max())
