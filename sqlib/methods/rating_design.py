"""Who rates whom: can the scores of these people stand on one scale, what holds them together, what is missing?

Ratees and raters are the two sides of a graph, a judgement (one rater on one ratee, however many criteria) its edge.
Only inside a connected part can a rater's severity be told from the level of the people rated (Weeks & Williams
1964, Technometrics 6:319). Connected is not enough: teams that hang together by single judgements are compared
through single judgements. Two teams share as many judgements as their common raters have pairs across them:
``sum over raters of min(ratees in one, ratees in the other)``. Teams that share three (or as many as the smaller has
people) are merged, again and again; what cannot be merged into one is a thin chain.

A team is the group given, else the people rated mostly by one rater. Figures behind the thresholds:
``benchmarks/rating_design.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.methods import rating_graph, rating_plan
from sqlib.methods.ratings import Ratings

SHARED = 3  # judgements two teams must share to be compared through them
CROSS = 0.20  # of the ratings given outside the rater's own team: they may be ranked jointly whatever the chain
HOME = 0.80  # share of ratings from home raters above which severity and the team's quality are hard to tell apart
EXCESS = 0.30  # ... where that is as much more than even rating would give
MOST_TEAMS = 200  # teams or raters of which all pairs are listed
MOST_EDGES = 2_000_000  # raters times judgements up to which every rater is left out in turn

LINK_COLUMNS = ["kind", "first", "second", "shared", "ratings", "thin"]


@dataclass(frozen=True)
class Design:
    """Result of :func:`design`.

    ``ratees``: ratee_id, part (1 is the largest), team, block, n_ratings, n_raters. ``raters``: rater_id, part, n
    (ratings), n_ratees, home (the team most rated), home_share (of the rater's ratings), home_expected (the share of
    ratees in that team, what even rating gives), excess, cut_off (ratees that others rate, too, and that would leave
    the common scale without this rater; NaN where the design is too large to try).

    ``links``: kind (team | rater), first, second, shared (judgements two teams share; ratees two raters share),
    ratings (given by the raters both teams share; by both raters to the ratees they share), thin (under three, and
    nothing sturdier leads round). Empty where there are over 200 of them. ``bridges``: rater_id, ratee_id, ratings,
    people (cut off from the rest without this one judgement). ``links_to_add``: see :func:`rating_plan.plan`.

    ``parts``, ``connected``; ``blocks``: pieces that hang together by three shared judgements; ``thin``: a part has
    several; ``joint_ranking``: connected, and one block or a fifth of the ratings across teams with no block hanging
    by fewer than three judgements; ``home_share``, ``home_expected`` over all ratings; ``pay_wording``: joint ranking
    and no confounding with the home rater; ``cautions``: not_connected, thin_links, home_raters, single_rater_parts.
    ``incidence`` (raters, ratees): ratings given, sparse; ``block`` (ratees,) codes; ``comparable`` (ratees,) codes of
    the people who may be ranked together; ``held`` (ratees,): whose raw scores are kept, as thin links part them.
    """

    ratees: pd.DataFrame
    raters: pd.DataFrame
    links: pd.DataFrame
    bridges: pd.DataFrame
    links_to_add: pd.DataFrame
    parts: int
    blocks: int
    connected: bool
    thin: bool
    joint_ranking: bool
    home_share: float
    home_expected: float
    pay_wording: bool
    cautions: tuple[str, ...]
    incidence: object
    block: np.ndarray
    comparable: np.ndarray
    held: np.ndarray


def design(r: Ratings) -> Design:
    """Parts, links, bridges and missing ratings of a design, from who rated whom alone; scores play no part.

    Checked against breadth-first search by hand on random designs, and on the thin chains of six teams of five.
    """
    given = rating_graph.incidence(r.rater, r.ratee, len(r.rater_ids), len(r.ratee_ids))
    part_rater, part_ratee = rating_graph.parts(given)
    parts = int(part_ratee.max()) + 1
    team, names = _teams(r, given)
    main = rating_graph.main_rater(given, None if r.group is None else team)
    cell = np.unique(team.astype(np.int64) * len(r.rater_ids) + main, return_inverse=True)[1]
    block = rating_graph.blocks(given, cell, SHARED)
    blocks = int(block.max()) + 1
    across = rating_graph.shared(rating_graph.by(given, block))
    home = _home(given, team, r, names, part_rater)
    share = float((home["home_share"] * home["n"]).sum() / r.n)
    even = float((home["home_expected"] * home["n"]).sum() / r.n)
    comparable, held = _comparable(part_ratee, block, across, 1 - share)
    joint, confounded = comparable.max() == 0, share > HOME and share - even > EXCESS
    alone = np.bincount(part_rater, minlength=parts) < 2
    found = {"not_connected": parts > 1, "thin_links": blocks > parts, "home_raters": confounded,
             "single_rater_parts": parts > 1 and bool(alone.any())}  # fmt: skip
    bridges = rating_graph.bridges(given) if blocks > parts else []
    return Design(
        ratees=_ratees(r, given, part_ratee, names[team], block),
        raters=home.assign(cut_off=_cut_off(given)),
        links=_links(given, team, names, block, r),
        bridges=_bridges(r, given, bridges),
        links_to_add=rating_plan.plan(r, given, block, part_ratee, across, names[team], SHARED),
        parts=parts, blocks=blocks, connected=parts == 1, thin=blocks > parts, joint_ranking=bool(joint),
        home_share=share, home_expected=even, pay_wording=bool(joint and not confounded),
        cautions=tuple(code for code, holds in found.items() if holds), incidence=given, block=block,
        comparable=comparable, held=held,
    )  # fmt: skip


def predicted(found: Design, components) -> pd.DataFrame:
    """``links_to_add`` with ``se_before`` and ``se_after``: see :func:`rating_plan.predicted`."""
    return rating_plan.predicted(found, components)


def _teams(r: Ratings, given):
    """Team code of every ratee and the names of the codes: the group given, else the ratees of one main rater."""
    main = rating_graph.main_rater(given)
    if r.group is None:
        return main, r.rater_ids
    names = np.concatenate([r.group_ids, r.rater_ids])
    return np.where(r.group < 0, len(r.group_ids) + main, r.group), names


def _ratees(r, given, part, team, block) -> pd.DataFrame:
    return pd.DataFrame({
        "ratee_id": r.ratee_ids, "part": part + 1, "team": team, "block": block + 1,
        "n_ratings": given.sum(axis=0).astype(int), "n_raters": np.diff(given.tocsc().indptr),
    })  # fmt: skip


def _home(given, team, r, names, part) -> pd.DataFrame:
    """Every rater's home: the team that got most of the rater's ratings, and what even rating would give it."""
    counts = rating_graph.by(given, team, weighted=True)
    home, most = rating_graph.largest(counts)
    n = given.sum(axis=1)
    expected = (np.bincount(team, minlength=len(names)) / len(team))[home]
    return pd.DataFrame({
        "rater_id": r.rater_ids, "part": part + 1, "n": n.astype(int), "n_ratees": np.diff(given.indptr),
        "home": names[home], "home_share": most / n, "home_expected": expected, "excess": most / n - expected,
    })  # fmt: skip


def _comparable(part, block, across, cross: float):
    """Codes (ratees,) of the people who may be ranked together, and whose raw scores are kept. A part of several blocks
    falls apart into them where few ratings go across teams (and raw scores are kept), or where a block hangs on all
    others together by fewer than three judgements (or fewer than it has ratees)."""
    size = np.bincount(block)
    home = np.zeros(len(size), dtype=np.int64)
    home[block] = part
    several = np.bincount(home)[home] > 1
    hanging = np.bincount(home, several & (across.sum(axis=1) < np.minimum(SHARED, size)))[home] > 0
    held = several & (cross < CROSS)
    sets = np.where((held | hanging)[block], part.max() + 1 + block, part)
    return np.unique(sets, return_inverse=True)[1], held[block]


def _cut_off(given) -> np.ndarray:
    """Ratees, others of whose raters remain, that leave the largest part without each rater."""
    raters = given.shape[0]
    if raters * given.nnz > MOST_EDGES:
        return np.full(raters, np.nan)
    return np.array([rating_graph.severed(given, rater) for rater in range(raters)], dtype=float)


def _links(given, team, names, block, r) -> pd.DataFrame:
    """Links between teams and between raters that have any; a pair inside one block is never thin."""
    used, code = np.unique(team, return_inverse=True)
    rows = []
    if 1 < len(used) <= MOST_TEAMS:
        own = _mostly(block, code)
        counts = rating_graph.by(given, code).toarray()
        amount = rating_graph.by(given, code, weighted=True).toarray()
        shared = np.stack([np.minimum(counts, counts[:, [k]]).sum(axis=0) for k in range(len(used))])
        given_both = amount.T @ (counts > 0)
        rows.append(_pairs("team", names[used], shared, given_both + given_both.T, own))
    if 1 < len(r.rater_ids) <= MOST_TEAMS and given.shape[0] * given.shape[1] <= 10 * MOST_EDGES:
        amount = given.toarray().astype(np.float32)
        rated = (amount > 0).astype(np.float32)
        by_both = amount @ rated.T
        own = block[rating_graph.largest(given)[0]]
        rows.append(_pairs("rater", r.rater_ids, rated @ rated.T, by_both + by_both.T, own))
    empty = pd.DataFrame(columns=LINK_COLUMNS)
    return pd.concat(rows, ignore_index=True) if rows else empty


def _mostly(block, code) -> np.ndarray:
    """The block most ratees of every team lie in."""
    return pd.Series(block).groupby(code).agg(lambda own: np.bincount(own).argmax()).to_numpy()


def _pairs(kind, names, shared, ratings, own) -> pd.DataFrame:
    first, second = np.nonzero(np.triu(shared > 0, 1))
    common = shared[first, second].astype(int)
    return pd.DataFrame({
        "kind": kind, "first": names[first], "second": names[second], "shared": common,
        "ratings": ratings[first, second].astype(int), "thin": (common < SHARED) & (own[first] != own[second]),
    }, columns=LINK_COLUMNS)  # fmt: skip


def _bridges(r, given, bridges) -> pd.DataFrame:
    rows = [(r.rater_ids[rater], r.ratee_ids[ratee], int(given[rater, ratee]), people)
            for rater, ratee, people in bridges]  # fmt: skip
    return pd.DataFrame(rows, columns=["rater_id", "ratee_id", "ratings", "people"])
