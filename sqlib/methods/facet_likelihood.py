"""Marginal likelihood of many-facet ratings, with its gradient and its observed information.

The abilities are integrated out on nodes that follow each ratee's own posterior (Liu & Pierce 1994, Biometrika 81:624);
gradient and information are posterior expectations and covariances of the complete-data scores (Louis 1982, JRSS B
44:226), exact up to the quadrature. Ratings are worked on in blocks of whole ratees, so memory does not grow with them.
"""

import functools
import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sqlib.methods import rating_steps
from sqlib.methods.rating_steps import Steps

NODES = (11, 23, 47, 95, 191)  # tried in turn, until more of them change nothing

_BLOCK = 4096  # ratings worked on at a time, so that their nodes stay in the cache
_LONGEST = 2.0  # logits an ability may move at a time
_CLOSE = 1e-4  # posterior standard deviations to the mode
_ROUNDS = 50


class Block(NamedTuple):
    """Ratings of some whole ratees. ``sums`` and ``set_sums`` add ratings up to terms of (ratee, parameter) and of
    (ratee, set of steps); ``of`` and ``column`` are the ratee (from 0) and the parameter of every term."""

    rows: slice
    people: slice
    person: np.ndarray
    starts: np.ndarray
    sums: sparse.csr_array
    set_sums: sparse.csr_array
    of: np.ndarray
    column: np.ndarray


@dataclass(frozen=True)
class Design:
    """Ratings in the order of their ratee. Columns of the parameter vector: ``facets`` (n, 1 to 3) of each rating,
    ``thresholds`` (sets, K + 1) with ``size`` for one fixed at 0, ``means`` of each part, last the log of sd."""

    ratee: np.ndarray
    facets: np.ndarray
    steps: Steps
    score: np.ndarray  # the level, drawn in a little where a facet has extreme scores only
    part: np.ndarray  # of each ratee
    thresholds: np.ndarray
    means: np.ndarray
    size: int

    @functools.cached_property
    def incidence(self) -> sparse.csr_array:
        """(n, size): which facets a rating belongs to."""
        n, width = self.facets.shape
        return sparse.csr_array(
            (np.ones(n * width), self.facets.ravel(), np.arange(n + 1) * width), shape=(n, self.size)
        )

    @functools.cached_property
    def free(self) -> np.ndarray:
        """Levels with a threshold to be estimated in some set."""
        return np.flatnonzero((self.thresholds < self.size).any(axis=0))

    @functools.cached_property
    def blocks(self) -> list[Block]:
        first = np.flatnonzero(np.diff(self.ratee, prepend=-1))
        ends = np.append(first, len(self.ratee))
        cuts = np.unique(np.append(np.searchsorted(ends, np.arange(0, ends[-1], _BLOCK)), len(first)))
        return [self._block(ends, low, high) for low, high in itertools.pairwise(cuts)]

    def _block(self, ends, low, high) -> Block:
        rows = slice(ends[low], ends[high])
        person = self.ratee[rows] - low
        of, column, sums = _terms(person, self.facets[rows], self.size)
        set_of, sets, set_sums = _terms(person, self.steps.sets[rows, None], len(self.thresholds))
        people = np.arange(high - low)
        of = np.concatenate([of, np.tile(set_of, len(self.free)), people, people])
        moved = self.thresholds[sets][:, self.free].T.ravel()
        last = np.full(len(people), self.size - 1)
        column = np.concatenate([column, moved, self.means[self.part[low:high]], last])
        return Block(rows, slice(low, high), person, ends[low:high] - ends[low], sums, set_sums, of, column)

    def table(self, parameters) -> np.ndarray:
        """Cumulated thresholds T (sets, K + 1)."""
        return np.append(parameters, 0.0)[self.thresholds]

    def location(self, parameters, rows=slice(None)) -> np.ndarray:
        """Severity, difficulty and period of each rating together, logits."""
        return parameters[self.facets[rows]].sum(axis=1)


def _terms(person, columns, width):
    """Distinct pairs of person and column, and the matrix that adds ratings up to them."""
    key, at = np.unique(person[:, None] * (width + 1) + columns, return_inverse=True)
    n, each = columns.shape
    adds = sparse.csr_array((np.ones(n * each), (at.ravel(), np.repeat(np.arange(n), each))), shape=(len(key), n))
    return key // (width + 1), key % (width + 1), adds


class Posterior(NamedTuple):
    """One block on its nodes: ``theta`` and its ``weight`` (people, q), ``p`` (K + 1, ratings, q), ``expected`` level
    and ``variance``, complete-data ``scores`` of every term up to a constant, ``loglik`` of each ratee."""

    theta: np.ndarray
    weight: np.ndarray
    p: np.ndarray
    expected: np.ndarray
    variance: np.ndarray
    scores: np.ndarray
    loglik: np.ndarray


@functools.cache
def _rule(nodes: int):
    """Gauss-Hermite nodes in standard deviations, and the log of their weights for an integrand that is not divided."""
    x, weight = np.polynomial.hermite.hermgauss(nodes)
    return np.sqrt(2) * x, np.log(weight) + x**2 + np.log(2) / 2


def posterior(design: Design, block: Block, parameters, centre, scale, nodes: int) -> Posterior:
    """Posterior of the ratees of a block, on nodes about ``centre`` in units of ``scale`` (all ratees)."""
    at, log_weight = _rule(nodes)
    theta = centre[block.people, None] + scale[block.people, None] * at
    location = design.location(parameters, block.rows)
    sets, table = design.steps.sets[block.rows], design.table(parameters)
    weights = rating_steps.coefficients(table, design.steps.used)
    p, log_sum = rating_steps.probabilities(theta[block.person] - location[:, None], spread(weights, sets))
    expected, variance = rating_steps.moments(p)
    score, level = design.score[block.rows], design.steps.level[block.rows]
    constant = score * location + table[sets, level]
    add = np.add.reduceat
    loglik = (
        add(score, block.starts)[:, None] * theta - add(log_sum, block.starts) - add(constant, block.starts)[:, None]
    )
    sd = np.exp(parameters[-1])
    away = (theta - parameters[design.means[design.part[block.people]]][:, None]) / sd
    mass = loglik - away**2 / 2 - np.log(sd * np.sqrt(2 * np.pi)) + log_weight
    top = mass.max(axis=1, keepdims=True)
    weight = np.exp(mass - top)
    mass = weight.sum(axis=1, keepdims=True)
    scores = [block.sums @ expected, *(block.set_sums @ p[k] for k in design.free), away / sd, away**2 - 1]
    loglik = (np.log(mass) + top)[:, 0] + np.log(scale[block.people])
    return Posterior(theta, weight / mass, p, expected, variance, np.concatenate(scores), loglik)


def spread(weights, sets):
    """Coefficients (K + 1, 1 or ratings, 1)."""
    return weights.T[:, :, None] if len(weights) == 1 else weights[sets].T[:, :, None]


class Evaluation(NamedTuple):
    """Log-likelihood with its ``gradient``, ``complete`` (expected complete-data) and ``observed`` information."""

    loglik: float
    gradient: np.ndarray
    complete: np.ndarray
    observed: np.ndarray
    centre: np.ndarray


def evaluate(design: Design, parameters, start, nodes: int) -> Evaluation:
    """The marginal likelihood at ``parameters``; ``start`` (ratees,) from where the modes are looked for."""
    size, n = design.size, len(design.ratee)
    centre, scale = modes(design, parameters, start)
    sums, missing = np.zeros(size + 1), np.zeros((size + 1, size + 1))
    varies, bends = np.empty(n), np.empty((n, len(design.free)))
    curve = np.zeros((len(design.thresholds), len(design.free), len(design.free)))
    loglik, sd = 0.0, np.exp(parameters[-1])
    away = np.zeros((2, len(design.part)))
    for block in design.blocks:
        at = posterior(design, block, parameters, centre, scale, nodes)
        loglik += at.loglik.sum()
        mean = np.einsum("tq,tq->t", at.scores, at.weight[block.of])
        sums += np.bincount(block.column, mean, size + 1)
        _add_products(missing, block, (at.scores - mean[:, None]) * np.sqrt(at.weight)[block.of])
        weight = at.weight[block.person]
        varies[block.rows] = np.einsum("mq,mq->m", at.variance, weight)
        _step_curvature(design, block, at, weight, bends, curve)
        people = len(at.theta)
        away[:, block.people] = mean[-2 * people : -people] * sd, mean[-people:] + 1
    gradient = sums[:size] - _totals(design)
    complete = _complete(design, varies, bends, curve, away, sd)
    tilt = 2 * np.bincount(design.part, away[0], len(design.means)) / sd
    missing[design.means, size - 1] -= tilt
    missing[size - 1, design.means] -= tilt
    return Evaluation(loglik, gradient, complete, complete - missing[:size, :size], centre)


def _totals(design):
    """What the expected sums are compared with: scores of each facet, ratings at each level."""
    size = design.size
    facets = design.facets
    got = np.bincount(facets.ravel(), np.repeat(design.score, facets.shape[1]), size + 1)
    np.add.at(got, design.thresholds, design.steps.counts)
    return got[:size]


def _add_products(total, block, scores):
    """Add the products of the scores of every ratee and node, term by term."""
    order = np.argsort(block.of, kind="stable")
    ends = np.searchsorted(block.of[order], np.arange(block.of.max() + 2))
    q, terms = scores.shape[1], len(order)
    pointer = np.append((np.arange(q)[:, None] * terms + ends[:-1]).ravel(), q * terms)
    shape = (q * (len(ends) - 1), len(total))
    rows = sparse.csr_array((scores[order].T.ravel(), np.tile(block.column[order], q), pointer), shape=shape)
    products = (rows.T @ rows).tocoo()
    total[products.row, products.col] += products.data


def _step_curvature(design, block, at, weight, bends, curve):
    """Expected curvature between thresholds and facets (per rating) and among the thresholds of each set."""
    if not len(design.free):
        return
    free = at.p[design.free]
    for j, k in enumerate(design.free):
        bends[block.rows, j] = np.einsum("mq,mq,mq->m", weight, free[j], k - at.expected)
    sets = design.steps.sets[block.rows]
    root = np.sqrt(weight)
    for each in range(len(curve)):
        chosen = slice(None) if len(curve) == 1 else sets == each
        flat = (free[:, chosen] * root[chosen]).reshape(len(free), -1)
        curve[each] += np.diag((flat * root[chosen].ravel()).sum(axis=1)) - flat @ flat.T


def _complete(design, varies, bends, curve, away, sd) -> np.ndarray:
    """Posterior expectation of the complete-data information, mean and sd kept apart so that it is always positive."""
    size, facets = design.size, design.incidence
    got = np.zeros((size + 1, size + 1))
    got[:size, :size] = (facets.T @ (facets * varies[:, None]).tocsr()).toarray()
    for each, columns in enumerate(design.thresholds[:, design.free]):
        rows = design.steps.sets == each
        cross = facets[rows].T @ bends[rows] if len(curve) > 1 else facets.T @ bends
        got[:size, columns] += cross
        got[columns, :size] += cross.T
        got[np.ix_(columns, columns)] += curve[each]
    parts = len(design.means)
    got[design.means, design.means] += np.bincount(design.part, minlength=parts) / sd**2
    got[size - 1, size - 1] += 2 * away[1].sum()
    return got[:size, :size]


def modes(design: Design, parameters, start):
    """Mode of each ratee's posterior and the standard deviation its curvature gives, logits."""
    theta, precision = start.copy(), np.exp(-2 * parameters[-1])
    middle = parameters[design.means[design.part]]
    for _ in range(_ROUNDS):
        slope, information, _ = ability_scores(design, parameters, theta)
        information += precision
        move = np.clip((slope - precision * (theta - middle)) / information, -_LONGEST, _LONGEST)
        theta += move
        if (np.abs(move) * np.sqrt(information) < _CLOSE).all():
            break
    return theta, 1 / np.sqrt(information)


def ability_scores(design: Design, parameters, theta):
    """Derivative of each ratee's log-likelihood at ``theta``, its information and the derivative of that."""
    sets = design.steps.sets
    weights = rating_steps.coefficients(design.table(parameters), design.steps.used)
    got = np.empty((3, len(theta)))
    for block in design.blocks:
        u = theta[block.people][block.person] - design.location(parameters, block.rows)
        p, _ = rating_steps.probabilities(u[:, None], spread(weights, sets[block.rows]))
        expected, variance = rating_steps.moments(p)
        third = sum(pk[:, 0] * (k - expected[:, 0]) ** 2 * (k - expected[:, 0]) for k, pk in enumerate(p))
        each = np.stack([design.score[block.rows] - expected[:, 0], variance[:, 0], third])
        got[:, block.people] = np.add.reduceat(each, block.starts, axis=1)
    return got
