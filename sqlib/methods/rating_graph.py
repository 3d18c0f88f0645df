"""The graph of raters and ratees: connected parts, what hangs together by enough judgements, bridges.

All on the sparse matrix ``given`` (raters, ratees) of the number of ratings; its pattern is who judged whom.
"""

import functools
import operator
from functools import partial

import numpy as np

_CAP = 3  # one rater counts for no more in a link: enough for every threshold used


def incidence(rater, ratee, raters: int, ratees: int):
    """Ratings given by each rater to each ratee, (raters, ratees) in compressed rows."""
    from scipy.sparse import coo_array

    return coo_array((np.ones(len(rater)), (rater, ratee)), shape=(raters, ratees)).tocsr()


def parts(given):
    """Connected parts: codes of the raters and of the ratees; 0 has most ratees."""
    raters = given.shape[0]
    _, label = components(_bipartite(given))
    sizes = np.bincount(label[raters:], minlength=label.max() + 1)
    rank = np.empty(len(sizes), dtype=int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[label[:raters]], rank[label[raters:]]


def components(graph):
    """Number and codes of the connected components of an undirected graph."""
    from scipy.sparse.csgraph import connected_components

    return connected_components(graph, directed=False)


def _bipartite(given):
    """The graph on raters, then ratees; every edge once."""
    from scipy.sparse import csr_array

    raters, ratees = given.shape
    rows = np.concatenate([given.indptr, np.full(ratees, given.nnz, dtype=given.indptr.dtype)])
    size = raters + ratees
    return csr_array((given.data, given.indices + raters, rows), shape=(size, size))


def largest(counts):
    """Column and value of the largest entry of every row, the first of equals; every row has one."""
    columns = counts.shape[1]
    key = counts.data.astype(np.int64) * columns + (columns - 1 - counts.indices)
    best = np.maximum.reduceat(key, counts.indptr[:-1])
    return columns - 1 - best % columns, best // columns


def main_rater(given, team=None) -> np.ndarray:
    """The rater who gave each ratee most ratings; of equals one of the ratee's own team, then one with most ratees."""
    from scipy.sparse import csr_array

    turned = given.T.tocsr()
    busy = np.diff(given.indptr)
    value = turned.data.astype(np.int64) * 2
    if team is not None:
        own = largest(by(given, team, weighted=True))[0]
        value += own[turned.indices] == np.repeat(team, np.diff(turned.indptr))
    value = value * (busy.max() + 1) + busy[turned.indices]
    return largest(csr_array((value, turned.indices, turned.indptr), shape=turned.shape))[0]


def by(given, code, *, weighted: bool = False):
    """Ratees (or, weighted, ratings) of each code that every rater judged, (raters, codes)."""
    from scipy.sparse import coo_array

    rows = np.repeat(np.arange(given.shape[0]), np.diff(given.indptr))
    data = given.data if weighted else np.ones(given.nnz)
    return coo_array((data, (rows, code[given.indices])), shape=(given.shape[0], code.max() + 1)).tocsr()


def shared(counts, most: int = _CAP):
    """Judgements two columns share, (columns, columns), diagonal empty: sum over raters of the smaller count, at most
    three (or ``most``) a rater, as min(a, b) is the sum over k of [a >= k][b >= k]."""
    reached = [(counts >= least).astype(np.int32) for least in range(1, most + 1)]
    total = functools.reduce(operator.add, (one.T @ one for one in reached)).tocsr()
    total.setdiag(0)
    total.eliminate_zeros()
    return total


def _star(counts):
    """A cheap lower bound of ``shared``: every rater links only the column of most judgements with each other one."""
    from scipy.sparse import coo_array

    anchor, most = largest(counts)
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    value = np.minimum(np.minimum(counts.data, most[row]), _CAP) * (counts.indices != anchor[row])
    one = coo_array((value, (anchor[row], counts.indices)), shape=(counts.shape[1],) * 2).tocsr()
    return one + one.T


def blocks(given, cell, least: int) -> np.ndarray:
    """Block of every ratee: cells merged while two of them share ``least`` judgements; a cell of fewer ratees joins
    the one it shares most with, if it shares as many as it has ratees. 0 has most ratees.

    Two cheap bounds merge nearly all of a well-linked design, so they are tried again after every exact count.
    """
    bounds = (_star, partial(shared, most=1), shared)
    code, steps = cell, (*(partial(_enough, link) for link in bounds), _small)
    step = 0
    while step < len(steps):
        one, two = steps[step](by(given, code), np.bincount(code), least)
        merged = _merged(one, two, code.max() + 1)
        step = step + 1 if merged.max() == code.max() else 0
        code = merged[code]
    rank = np.argsort(np.argsort(-np.bincount(code), kind="stable"), kind="stable")
    return rank[code]


def _enough(link, counts, size, least: int):
    links = link(counts).tocoo()
    return links.row[links.data >= least], links.col[links.data >= least]


def _small(counts, size, least: int):
    """Small cells beside the one each shares most with, and what by now shares enough."""
    links = shared(counts)
    linked = np.flatnonzero((size < least) & (np.diff(links.indptr) > 0))
    best, most = largest(links[linked]) if len(linked) else (linked, linked)
    kept = most >= size[linked]
    one, two = _enough(lambda _: links, counts, size, least)
    return np.concatenate([one, linked[kept]]), np.concatenate([two, best[kept]])


def _merged(one, two, size: int):
    from scipy.sparse import coo_array

    return components(coo_array((np.ones(len(one)), (one, two)), shape=(size, size)))[1]


def severed(given, rater: int) -> int:
    """Ratees rated by others, too, who leave the largest part when this rater is taken out."""
    without = given.copy()
    own = slice(without.indptr[rater], without.indptr[rater + 1])
    touched = parts(given)[1] == parts(given)[1][given.indices[own][0]]
    without.data[own] = 0
    without.eliminate_zeros()
    others = np.diff(without.tocsc().indptr) > 0
    sizes = np.bincount(parts(without)[1][touched & others])
    return int(sizes.sum() - sizes.max()) if sizes.size else 0


def bridges(given, fewest: int = 2) -> list[tuple[int, int, int]]:
    """Judgements whose removal splits a part, with at least ``fewest`` ratees on either side: (rater, ratee, ratees
    on the smaller side).

    Every edge outside a breadth-first tree gets a random word; a tree edge is a bridge where the words of all edges
    leaving its subtree cancel out (each edge inside counts twice). Two to the 64th against a wrong one.
    """
    raters = given.shape[0]
    part, _ = parts(given)
    order, above = _tree(given, part)
    edges = _bipartite(given).tocoo()
    loose = (above[edges.row] != edges.col) & (above[edges.col] != edges.row)
    words = np.random.default_rng(0).integers(0, 2**63, size=int(loose.sum()), dtype=np.int64)
    mark, people = np.zeros((2, len(above)), dtype=np.int64)
    for end in (edges.row, edges.col):
        np.bitwise_xor.at(mark, end[loose], words)
    people[raters:-1] = 1
    top = np.arange(len(above))
    for node in order[:0:-1]:
        mark[above[node]] ^= mark[node]
        people[above[node]] += people[node]
    for node in order[1:]:
        top[node] = node if above[node] == order[0] else top[above[node]]
    least = np.minimum(people, people[top] - people)
    kept = order[1:][(mark[order[1:]] == 0) & (least[order[1:]] >= fewest)]
    ends = (sorted((int(above[node]), int(node))) for node in kept)
    return sorted((rater, ratee - raters, int(least[node])) for (rater, ratee), node in zip(ends, kept, strict=True))


def _tree(given, part):
    """Breadth-first order and predecessors over all parts, from one node more that holds a rater of each."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    graph = _bipartite(given).tocoo()
    size = graph.shape[0] + 1
    firsts = np.unique(part, return_index=True)[1]
    rows = np.concatenate([graph.row, np.full(len(firsts), size - 1)])
    whole = coo_array((np.ones(len(rows)), (rows, np.concatenate([graph.col, firsts]))), shape=(size, size)).tocsr()
    return breadth_first_order(whole, size - 1, directed=False, return_predecessors=True)
