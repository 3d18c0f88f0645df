"""Themes of comments: how often the phrases of a code book occur, and whether a theme is rising.

Plain phrase matching, nothing is guessed: a comment carries a theme if it holds one of its phrases, and may carry
several. Irony, misspelling and words the code book does not know are missed; ``uncoded`` says how many comments.
Shares, changes and means are those of ``proportions`` and ``means``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import phrases
from sqlib.errors import MethodRefused
from sqlib.methods import means, proportions, samples

FEW_COMMENTS = 30
MOST = 50_000  # comments of a period that are read; of more, a sample is

COLUMNS = [
    "theme", "comments", "estimate", "low", "high", "n", "clusters",
    "previous_comments", "previous", "previous_low", "previous_high", "previous_n",
    "difference", "difference_low", "difference_high", "p_value", "p_second", "p_adjusted",
    "scored", "mean_score", "mean_score_low", "mean_score_high", "low_share", "low_share_low", "low_share_high",
    "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class ThemesResult:
    """Result of :func:`themes`. Shares in 0..1; with a period column the current period unless said otherwise.

    ``table``, one row per theme in the order of the code book, columns ``COLUMNS``: theme; comments (that carry it);
    estimate (their share of all comments that are not blank: n), low, high, clusters; the same before (``previous``);
    difference (now minus before) with limits; p_value, p_second, p_adjusted (Benjamini-Hochberg over the themes
    compared); scored (comments with the theme and a score), mean_score and low_share with limits; verdict: rising |
    falling | no_signal | too_few (under ``min_group`` comments in both periods together). NaN where not asked for.
    Scores of fewer than ``min_group`` people are left out.

    ``comments`` read, not blank, out of ``given``; ``coded`` with a theme and ``uncoded`` without; ``coded_share`` with
    limits; ``blank`` rows; ``comparisons``: themes compared with the period before; ``seed`` of the sample.
    ``cautions`` among mostly_uncoded (over half), few_comments (under 30), no_previous (a period column without
    earlier comments), sampled (not all comments given were read).
    """

    table: pd.DataFrame
    comments: int
    given: int
    coded: int
    uncoded: int
    blank: int
    coded_share: float
    coded_low: float
    coded_high: float
    comparisons: int
    confidence: float
    seed: int
    cautions: tuple[str, ...]


def code_comments(comments, *, text, codebook, exclude=None) -> pd.DataFrame:
    """Which comment carries which theme: long table with columns row (index label of `comments`) and theme.

    Parameters
    ----------
    comments : one row per comment; ``text`` its column, blanks carry nothing
    codebook : theme -> phrases, matched as in :mod:`sqlib.phrases`: case, width and spacing do not matter, Latin
        phrases match whole words, a star stands for what may come between
    exclude : theme -> phrases that look like it and do not count: struck out before the theme is looked for

    Raises MethodRefused: themes.no_codebook, samples.unknown_column.
    """
    carried = _coded(_texts(comments, text), codebook, exclude or {})
    rows, found = np.nonzero(carried.to_numpy())
    return pd.DataFrame({"row": comments.index[rows], "theme": carried.columns[found]})


def themes(
    comments, *, text, codebook, exclude=None, period=None, current="current", previous="previous", cluster=None,
    score=None, low_at=None, min_group=5, confidence=0.95, most=MOST, seed=0,
) -> ThemesResult:  # fmt: skip
    """Share of comments that raise each theme, its change between two periods, and the scores given beside it.

    Parameters
    ----------
    comments, text, codebook, exclude : as in :func:`code_comments`
    period : column that holds the labels `current` and `previous`; rows of other labels are left aside
    cluster : customer; comments of one customer are not independent
    score : column of the score given with the comment; ``low_at``: scores up to this count as low
    min_group : comments a theme needs to be judged, and people whose scores may be shown
    most : comments read of each period; of more, a simple random sample is
    seed : of that sample, and of the cluster bootstrap behind ``p_second``

    Raises MethodRefused: themes.no_codebook, themes.no_comments, samples.unknown_column.
    """
    samples.require(comments, period, cluster, score)
    comments = comments.reset_index(drop=True)
    texts = _texts(comments, text)
    frame = pd.DataFrame(
        {
            "window": comments[period].where(comments[period].isin([current, previous])) if period else current,
            "who": np.arange(len(comments)) if cluster is None else comments[cluster],
            "score": np.nan if score is None else samples.numbers(comments, score),
        },
        index=comments.index,
    )
    blank = int(((frame["window"] == current) & texts.eq("")).sum())
    frame = frame[texts.ne("") & frame["window"].notna()]
    given = int(frame["window"].eq(current).sum())
    read = sampled(frame, "window", most, seed)
    left_out, frame = len(frame) - len(read), read
    carried = _coded(texts[frame.index], codebook, exclude or {})
    now = (frame["window"] == current).to_numpy()
    if not now.any():
        raise MethodRefused("themes.no_comments", column=text, rows=len(comments))
    both = not now.all()
    rows = []
    for theme in carried:
        marked = frame.assign(hit=carried[theme])
        row = {"theme": theme} | _share(marked[now], confidence) | _scores(marked[now], low_at, min_group, confidence)
        rows.append(row | (_change(marked, now, previous, current, min_group, confidence, seed) if both else {}))
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    table["p_adjusted"] = samples.adjusted(table["p_value"])
    table["verdict"] = _verdicts(table, min_group, 1 - confidence)
    any_theme = carried.any(axis=1)
    coded = _share(frame.assign(hit=any_theme)[now], confidence)
    return ThemesResult(
        table=table,
        comments=int(now.sum()),
        given=given,
        coded=coded["comments"],
        uncoded=int(now.sum()) - coded["comments"],
        blank=blank,
        coded_share=coded["estimate"],
        coded_low=coded["low"],
        coded_high=coded["high"],
        comparisons=int(table["p_value"].notna().sum()),
        confidence=confidence,
        seed=seed,
        cautions=_cautions(coded["estimate"], int(now.sum()), period, both, left_out),
    )


def sampled(frame: pd.DataFrame, by: str, most: int, seed: int) -> pd.DataFrame:
    """At most ``most`` rows of each group, drawn at random where there are more, in their old order."""
    rng = np.random.default_rng(seed)
    groups = [rows.to_numpy() for rows in frame.groupby(by, sort=True).groups.values()]
    kept = [rng.choice(rows, most, replace=False) if len(rows) > most else rows for rows in groups]
    return frame.loc[np.sort(np.concatenate(kept))] if kept else frame


# --- matching -------------------------------------------------------------------------------------------------


def _texts(comments, text):
    """Comments in one spelling; blank = empty text."""
    samples.require(comments, text)
    return phrases.folded(comments[text])


def _coded(texts, codebook, exclude):
    """Boolean table: one row per comment, one column per theme."""
    if not any(phrase.strip() for listed in codebook.values() for phrase in listed):
        raise MethodRefused("themes.no_codebook", themes=len(codebook))
    return phrases.carried(texts, codebook, exclude)


# --- one theme -------------------------------------------------------------------------------------------------


def _share(marked, confidence):
    found = proportions.share(marked, outcome="hit", cluster="who", confidence=confidence).table.iloc[0]
    row = {name: float(found[name]) for name in ("estimate", "low", "high")}
    return row | {"comments": int(found["successes"]), "n": int(found["n"]), "clusters": int(found["clusters"])}


def _change(marked, now, previous, current, min_group, confidence, seed):
    """Share before, and the change where there are comments enough to judge it."""
    before = _share(marked[~now], confidence)
    row = {"previous": before["estimate"], "previous_comments": before["comments"]}
    row |= {f"previous_{name}": before[name] for name in ("low", "high", "n")}
    if marked["hit"].sum() < min_group:
        return row
    change = proportions.difference(
        marked, outcome="hit", group="window", first=previous, second=current, cluster="who", confidence=confidence,
        seed=seed,
    ).table.iloc[0]  # fmt: skip
    columns = {"estimate": "difference", "low": "difference_low", "high": "difference_high"}
    return row | {name: float(change[own]) for own, name in columns.items()} | dict(change[["p_value", "p_second"]])


def _scores(marked, low_at, min_group, confidence):
    """Mean score and share of low scores of the comments with the theme, if enough people gave them."""
    scored = marked[marked["hit"] & marked["score"].notna()]
    row = {"scored": len(scored)}
    if scored["who"].nunique() < max(min_group, 1):
        return row
    mean = means.mean(scored, value="score", cluster="who", confidence=confidence).table.iloc[0]
    row |= {"mean_score": mean["estimate"], "mean_score_low": mean["low"], "mean_score_high": mean["high"]}
    if low_at is None:
        return row
    low = _share(scored.assign(hit=scored["score"] <= low_at), confidence)
    return row | {"low_share": low["estimate"], "low_share_low": low["low"], "low_share_high": low["high"]}


def _verdicts(table, min_group, act_at):
    few = table[["comments", "previous_comments"]].sum(axis=1) < min_group
    moved = table["p_adjusted"] <= act_at
    cases = {
        "too_few": few,
        "rising": moved & (table["difference"] > 0),
        "falling": moved & (table["difference"] < 0),
    }
    return np.select(list(cases.values()), list(cases), default="no_signal")


def _cautions(coded_share, n, period, both, left_out):
    tests = {
        "mostly_uncoded": coded_share < 0.5,
        "few_comments": n < FEW_COMMENTS,
        "no_previous": period is not None and not both,
        "sampled": left_out > 0,
    }
    return tuple(code for code, holds in tests.items() if holds)
