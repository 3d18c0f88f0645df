"""Demand: what customers ask for, how much that changed, which segments ask, and what was decided about each topic.

A topic is a theme of the code book's needs, found and counted like any other (``themes``). Every topic is linked to a
decision or a recorded no of the consultant's register; a topic asked for and neither decided nor declined is open.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import disclosure
from sqlib.errors import MethodRefused
from sqlib.methods import proportions, samples
from sqlib.methods.themes import code_comments, themes

DECISIONS = {"do": "decided", "later": "deferred", "no": "recorded_no"}  # decision of the register -> verdict
MOST = 50_000  # comments of a period that are read; of more, a sample is
REASONED = ("later", "no")  # a decision that is none without its reason

COLUMNS = [
    "topic", "comments", "estimate", "low", "high", "n", "previous_comments", "previous", "previous_low",
    "previous_high", "difference", "difference_low", "difference_high", "p_adjusted", "change", "trend", "decision",
    "reason", "measure", "decided_on", "verdict",
]  # fmt: skip
SEGMENT_COLUMNS = ["dimension", "group", "topic", "n", "people", "comments", "estimate", "low", "high", "verdict"]
_REGISTER = ["topic", "decision", "reason", "measure", "decided_on"]


@dataclass(frozen=True)
class DemandResult:
    """Result of :func:`demand`. Shares in 0..1, of the current period unless said otherwise.

    ``table``, one row per topic in the order of the code book, columns ``COLUMNS``: comments (that ask for it),
    estimate (their share of n comments that are not blank) with limits, the same before (``previous``), difference
    with limits, p_adjusted, change (rising | falling | no_signal | too_few, as in ``themes``), trend (verdict of
    ``theme_trends`` where one was given); decision, reason, measure, decided_on of the register; verdict: decided |
    deferred | recorded_no | open | too_few (no decision, and under ``min_group`` comments in both periods together).

    ``segments``, one row per dimension, group and topic, columns ``SEGMENT_COLUMNS``; topic empty = any open topic,
    the unmet demand of the group; verdict: shown | hidden (under ``min_group`` people, or under
    ``min_group`` of them ask for it, or what gives them away).

    ``comments`` read, not blank, out of ``given`` (``seed`` of the sample), ``asking`` of them with any topic, ``open``
    topics without a decision. ``cautions`` among few_comments, no_previous (as in ``themes``), unreasoned (a no or a
    later without its reason counts as open), sampled (not all comments given were read).
    """

    table: pd.DataFrame
    segments: pd.DataFrame
    comments: int
    given: int
    seed: int
    asking: int
    open: int
    confidence: float
    cautions: tuple[str, ...]


def demand(
    comments, *, text, codebook, exclude=None, decisions=None, trends=None, period=None, current="current",
    previous="previous", cluster=None, by=(), min_group=5, confidence=0.95, most=MOST, seed=0,
) -> DemandResult:  # fmt: skip
    """Share of comments that ask for each topic, its change, who asks, and what was decided.

    Parameters
    ----------
    comments, text, exclude, period, current, previous, cluster : as in :func:`sqlib.methods.themes.themes`
    codebook : topic -> phrases that ask for it
    decisions : the register, one row a decision: topic, decision (do | later | no), reason, measure, decided_on; of
        several about one topic the one decided last counts, of undated ones the last row
    trends : a ``ThemeTrendsResult`` of the same topics
    by : columns of segments
    most : comments read of each period; of more, a simple random sample is (``seed``)

    Raises MethodRefused: demand.unknown_topic, .unknown_decision, themes.no_codebook, themes.no_comments,
    samples.unknown_column.
    """
    by = samples.levels(by)
    samples.require(comments, text, period, *by)
    comments, given = _read(comments, text, period, current, most, seed)
    found = themes(
        comments, text=text, codebook=codebook, exclude=exclude, period=period, current=current, previous=previous,
        cluster=cluster, min_group=min_group, confidence=confidence, seed=seed,
    )  # fmt: skip
    register = _register(decisions, codebook)
    table = found.table.rename(columns={"theme": "topic", "verdict": "change"}).merge(register, on="topic", how="left")
    if trends is not None:
        table["trend"] = table["topic"].map(trends.table.set_index("theme")["verdict"])
    table["verdict"] = _verdicts(table)
    table = table.reindex(columns=COLUMNS)
    still_open = table.loc[table["verdict"] == "open", "topic"].tolist()
    now = comments[comments[period] == current] if period else comments
    segments = _segments(now, text, codebook, exclude, still_open, by, cluster, min_group, confidence)
    unreasoned = (table["decision"].isin(REASONED) & ~table["verdict"].isin(DECISIONS.values())).any()
    kept = [code for code in found.cautions if code != "mostly_uncoded"]  # most comments ask for nothing
    kept += ["sampled"] if found.comments < given else []
    return DemandResult(
        table=table,
        segments=segments,
        comments=found.comments,
        given=given,
        seed=seed,
        asking=found.coded,
        open=len(still_open),
        confidence=confidence,
        cautions=(*kept, *(["unreasoned"] if unreasoned else [])),
    )


def _read(comments, text, period, current, most, seed):
    """The comments read, at most ``most`` a period, and how many of the current one there were."""
    said = comments[comments[text].fillna("").astype(str).str.strip().ne("")]
    windows = said.groupby(period).indices if period else {current: np.arange(len(said))}
    rows = [rows[samples.drawn(len(rows), most, seed)] for rows in windows.values()]
    return said.iloc[np.sort(np.concatenate(rows)) if rows else []], len(windows.get(current, ()))


# --- the register ------------------------------------------------------------------------------------------------


def _register(decisions, codebook):
    """The decision that counts for each topic."""
    if decisions is None or not len(decisions):
        return pd.DataFrame(columns=_REGISTER)
    samples.require(decisions, "topic", "decision")
    rows = decisions.reindex(columns=_REGISTER)
    rows = rows[rows["decision"].fillna("").ne("")]
    unknown = rows.loc[~rows["topic"].isin(list(codebook)), "topic"]
    if len(unknown):
        raise MethodRefused("demand.unknown_topic", got=unknown.iloc[0], rows=len(unknown), known=", ".join(codebook))
    unknown = rows.loc[~rows["decision"].isin(DECISIONS), "decision"]
    if len(unknown):
        raise MethodRefused(
            "demand.unknown_decision", got=unknown.iloc[0], rows=len(unknown), known=", ".join(DECISIONS)
        )
    rows = rows.assign(decided_on=pd.to_datetime(rows["decided_on"]))
    return rows.sort_values("decided_on", kind="stable", na_position="first").drop_duplicates("topic", keep="last")


def _verdicts(table):
    """What stands about each topic; a no without its reason is no recorded no."""
    reasoned = ~table["decision"].isin(REASONED) | table["reason"].fillna("").astype(str).str.strip().ne("")
    decided = table["decision"].map(DECISIONS).where(reasoned)
    few = (table["change"] == "too_few") & decided.isna()
    return np.select([decided.notna(), few], [decided.fillna(""), "too_few"], default="open")


# --- who asks ------------------------------------------------------------------------------------------------------


def _segments(now, text, codebook, exclude, still_open, by, cluster, min_group, confidence):
    """Share of each group's comments that ask for each topic, and for any open one."""
    said = now[now[text].fillna("").astype(str).str.strip().ne("")].reset_index(drop=True)
    if not by or said.empty:
        return pd.DataFrame(columns=SEGMENT_COLUMNS)
    carried = np.zeros((len(said), len(codebook)), dtype=float)
    found = code_comments(said, text=text, codebook=codebook, exclude=exclude)
    carried[found["row"], pd.Index(codebook).get_indexer(found["theme"])] = 1.0
    unmet = carried[:, pd.Index(codebook).get_indexer(still_open)].any(axis=1).astype(float)
    asked = np.column_stack([carried, unmet])
    told = np.append(carried.any(axis=0), True)  # a topic nobody asks for is no news in any segment
    asked, names = asked[:, told], [*np.array(list(codebook), dtype=object)[told[:-1]], None]
    who = np.arange(len(said)) if cluster is None else said[cluster].to_numpy()
    parts = [
        _group(asked[rows], who[rows], names, confidence) | {"dimension": column, "group": level}
        for column in by
        for level, rows in said.groupby(column, observed=True).indices.items()
    ]
    if not parts:
        return pd.DataFrame(columns=SEGMENT_COLUMNS)
    table = pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)
    numbers = ["n", "comments", "estimate", "low", "high"]
    family = table.assign(family_topic=table["topic"].fillna(""), asking=table["asking"].clip(lower=1))
    settings = {"by": ["dimension", "family_topic"], "min_group": min_group}
    small = disclosure.suppress(family, n="people", numbers=[], **settings)["hidden"]
    family["asking"] = family["asking"].mask(small, 1)  # hidden either way
    shown = disclosure.suppress(family, n="asking", numbers=[*numbers, "people"], **settings)
    return shown.assign(verdict=np.where(shown["hidden"], "hidden", "shown")).reindex(columns=SEGMENT_COLUMNS)


def _group(asked, who, names, confidence):
    sample = samples.Sample(asked.T, pd.factorize(who)[0], None)
    estimate, information = proportions.information_of(sample)
    low, high = proportions.interval(estimate, information, 1 - confidence)
    row = {"topic": names, "n": len(who), "people": sample.clusters, "comments": asked.sum(0).astype(int)}
    asking = [len(np.unique(who[mine > 0])) for mine in asked.T]
    return row | {"estimate": estimate, "low": low, "high": high, "asking": asking}
