"""The cheapest ratings to add: one judgement joins two parts, three make a link that carries a comparison.

Blocks are joined by a tree, sturdiest links first (Kruskal 1956, Proceedings of the AMS 7:48), so that the judgements
missing on its links are as few as they can be; what has no link at all is joined to the largest block. Who rates is
the rater with the lightest load who can carry the whole link; who is rated are those with most raters.

How well the link will work is predicted from the variance components alone: generalised least squares with ratees
fixed and raters drawn from one population, so no score is needed.
"""

import numpy as np
import pandas as pd

from sqlib.methods import rating_graph

COLUMNS = [
    "rater_id", "ratee_id", "ratings", "joins", "purpose", "rater_part", "ratee_part", "rater_team", "ratee_team",
    "se_before", "se_after",
]  # fmt: skip


def plan(r, given, block, part, across, team, least: int) -> pd.DataFrame:
    """Judgements to ask for, one a row.

    Columns ``COLUMNS``: ratings (scores the judgement has: one a criterion), joins (numbers of the two blocks),
    purpose (join: the first between two parts | thicken), the part and team of either side, se_before and se_after
    (NaN until :func:`predicted`). Empty where nothing is missing. ``across`` (blocks, blocks) judgements shared,
    ``block``, ``part``, ``team`` (ratees,).
    """
    size = np.bincount(block)
    asked = _Asked(r, given, block)
    rows = []
    for one, two, there in _tree(across, size, least):
        missing = min(least, size[one], size[two]) - there
        for number, (rater, ratee) in enumerate(asked.judgements(one, two, missing)):
            home = asked.home_of(rater, block[ratee], one, two)
            rows.append(_row(r, rater, ratee, home, block, part, team, "thicken" if there or number else "join"))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(r, rater, ratee, home, block, part, team, purpose) -> dict:
    """One judgement to add; ``home``: a ratee of the side the rater comes from."""
    ends = sorted((block[home] + 1, block[ratee] + 1))
    return {
        "rater_id": r.rater_ids[rater], "ratee_id": r.ratee_ids[ratee], "ratings": max(len(r.criterion_ids), 1),
        "joins": f"{ends[0]}–{ends[1]}", "purpose": purpose, "rater_part": part[home] + 1,
        "ratee_part": part[ratee] + 1, "rater_team": team[home], "ratee_team": team[ratee],
        "se_before": np.nan, "se_after": np.nan,
    }  # fmt: skip


def _tree(across, size, least: int):
    """Links of a tree over all blocks that lack judgements: (block, block, judgements shared)."""
    links = across.tocoo()
    upper = links.row < links.col
    rows, columns, value = links.row[upper], links.col[upper], links.data[upper].astype(int)
    root = np.arange(len(size))
    for k in np.lexsort((columns, rows, -np.minimum(value, least))):
        one, two = _root(root, rows[k]), _root(root, columns[k])
        if one != two:
            root[max(one, two)] = min(one, two)
            if value[k] < min(least, size[rows[k]], size[columns[k]]):
                yield int(rows[k]), int(columns[k]), int(value[k])
    for other in range(1, len(size)):  # block 0 has most ratees, and so has the first of every other tree
        if _root(root, other) == other:
            yield 0, other, 0


def _root(root, node: int) -> int:
    while root[node] != node:
        node = root[node]
    return node


class _Asked:
    """Judgements given and asked for so far, to choose the next."""

    def __init__(self, r, given, block):
        self.r, self.given, self.block = r, given, block
        self.load = np.diff(given.indptr).astype(float)  # judgements
        self.raters = np.diff(given.tocsc().indptr)
        self.counts = rating_graph.by(given, block).tocsc()
        self.order = np.lexsort((np.arange(len(block)), -given.sum(axis=0), -self.raters, block))
        self.starts = np.searchsorted(block[self.order], np.arange(block.max() + 2))
        self.new = set()

    def judgements(self, one: int, two: int, missing: int):
        """(rater, ratee) pairs that add ``missing`` shared judgements between two blocks."""
        own, other = self._counts(one), self._counts(two)
        room = np.bincount(self.block)
        while missing > 0:
            gain_two = np.minimum(own - other, room[two] - other)  # by rating people of two
            gain_one = np.minimum(other - own, room[one] - own)
            gain = np.minimum(np.maximum(gain_two, gain_one), missing)
            if gain.max() < 1:  # everybody is even on both sides: one judgement on either side
                rater = int(np.lexsort((self.load, -np.minimum(own, other)))[0])
                yield from self._ask(rater, one, 1)
                own[rater] += 1
                continue
            best = np.flatnonzero(gain == gain.max())
            rater = int(best[np.lexsort((best, self.load[best]))[0]])
            side, counts = (two, other) if gain_two[rater] >= gain_one[rater] else (one, own)
            asked = list(self._ask(rater, side, int(gain[rater])))
            yield from asked
            counts[rater] += int(gain[rater])
            missing -= int(gain[rater])

    def _counts(self, which: int) -> np.ndarray:
        dense = np.zeros(self.given.shape[0])
        column = slice(self.counts.indptr[which], self.counts.indptr[which + 1])
        dense[self.counts.indices[column]] = self.counts.data[column]
        return dense

    def _ask(self, rater: int, side: int, how_many: int):
        """The best-linked ratees of a block that the rater has not judged, never the rater as a person."""
        judged = set(self.given.indices[self.given.indptr[rater] : self.given.indptr[rater + 1]])
        for ratee in self.order[self.starts[side] : self.starts[side + 1]]:
            itself = str(self.r.ratee_ids[ratee]) == str(self.r.rater_ids[rater])
            if how_many and ratee not in judged and (rater, ratee) not in self.new and not itself:
                self.new.add((rater, ratee))
                self.load[rater] += 1
                how_many -= 1
                yield rater, int(ratee)

    def home_of(self, rater: int, side: int, one: int, two: int) -> int:
        """A ratee the rater judges on the other side of the link."""
        judged = self.given.indices[self.given.indptr[rater] : self.given.indptr[rater + 1]]
        there = judged[self.block[judged] == (two if side == one else one)]
        return int(there[0] if len(there) else judged[0])


# --- what the links will be worth ---------------------------------------------------------------------------------


def predicted(found, components) -> pd.DataFrame:
    """``links_to_add`` with the standard error of the difference between the mean levels of the two blocks of each
    link, before and after all judgements asked for on it, on the scale of the scores.

    ``components``: mapping, or table of ``component`` and ``estimate``: variances of rater, ratee_rater and residual
    (what is missing is 0). Before, unlinked parts are compared only under the assumption that their raters are drawn
    alike; the figure is the error that this leaves.
    """
    table = found.links_to_add.copy()
    variance = _variances(components)
    added = _pairs(found, table)
    for _, rows in table.groupby("joins", sort=False):
        one, two = (int(end) - 1 for end in rows["joins"].iloc[0].split("–"))
        contrast = _means(found.block, one) - _means(found.block, two)
        raters, ratees = (added[k][rows.index] for k in range(2))
        table.loc[rows.index, "se_before"] = standard_error(found.incidence, contrast, variance)
        with_them = _with(found.incidence, raters, ratees, rows["ratings"].to_numpy())
        table.loc[rows.index, "se_after"] = standard_error(with_them, contrast, variance)
    return table


def _variances(components) -> dict[str, float]:
    if isinstance(components, pd.DataFrame):
        components = components.set_index("component")["estimate"].to_dict()
    return {name: float(components.get(name, 0.0)) for name in ("rater", "ratee_rater", "residual")}


def _pairs(found, table):
    """Positions of the raters and ratees asked."""
    places = (found.raters["rater_id"], table["rater_id"]), (found.ratees["ratee_id"], table["ratee_id"])
    return [pd.Index(ids).get_indexer(asked) for ids, asked in places]


def _means(block, which: int) -> np.ndarray:
    inside = block == which
    return inside / inside.sum()


def _with(given, raters, ratees, ratings):
    from scipy.sparse import coo_array

    return (given + coo_array((ratings, (raters, ratees)), shape=given.shape)).tocsr()


def standard_error(given, contrast, variance: dict[str, float]) -> float:
    """Standard error of ``contrast`` (ratees,) of the ratees' levels, ratees fixed, raters random.

    A judgement of m scores has variance ``ratee_rater + residual / m``; the severities are eliminated by conjugate
    gradients, as only products with the sparse matrix are needed.
    """
    from scipy.sparse.linalg import LinearOperator, cg

    weight = given.copy()
    weight.data = 1 / np.maximum(variance["ratee_rater"] + variance["residual"] / given.data, 1e-12)
    total = weight.sum(axis=0)
    level = contrast / total
    direct = float(contrast @ level)
    if variance["rater"] <= 0:
        return direct**0.5
    prior = weight.sum(axis=1) + 1 / variance["rater"]
    raters = given.shape[0]
    turned = weight.T.tocsr()
    schur = LinearOperator((raters, raters), dtype=float, matvec=lambda v: prior * v - weight @ ((turned @ v) / total))
    scale = LinearOperator((raters, raters), dtype=float, matvec=lambda v: v / prior)
    side = weight @ level
    solved, _ = cg(schur, side, rtol=1e-8, maxiter=10 * raters + 100, M=scale)
    return float(direct + side @ solved) ** 0.5
