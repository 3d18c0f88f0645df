"""People of a many-facet fit, in logits and on the client's own scale, with the error of the raters carried over.

The *fair score* of an ability is the score a rater of mean severity would be expected to give, averaged over the
criteria (Linacre's fair average). An ability follows from the parameters as well as from the person's ratings: its
error variance is the posterior variance plus g' V g, g its derivative in the parameters and V their covariance.
Unshrunk abilities are Warm's (1989, Psychometrika 54:427), finite for extreme scores too; their derivative is taken as
that of the likelihood equation.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

from sqlib.methods import facet_likelihood, rating_steps
from sqlib.methods.facet_likelihood import Design

MOST_PAIRS = 5000  # people up to whom all covariances are put together

_ROUNDS, _CLOSE, _LONGEST = 200, 1e-8, 1.0
_ROWS = 1024  # people at a time


@dataclass(frozen=True)
class Spread:
    """Errors of estimates of people: covariance = diag(``own``) + ``influence`` @ ``vcov`` @ ``influence``.T."""

    own: np.ndarray
    influence: sparse.csr_array
    vcov: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """(ratees,) error variance."""
        total = self.own.copy()
        for low in range(0, len(total), _ROWS):
            rows = self.influence[low : low + _ROWS]
            total[low : low + _ROWS] += rows.multiply(rows @ self.vcov).sum(axis=1)
        return total

    def covariance(self) -> np.ndarray | None:
        """(ratees, ratees); None for more than ``MOST_PAIRS`` ratees."""
        if len(self.own) > MOST_PAIRS:
            return None
        carried = self.influence @ (self.influence @ self.vcov).T
        return (carried + carried.T) / 2 + np.diag(self.own)

    def difference_se(self, first, second) -> np.ndarray:
        """Standard error of ``first`` minus ``second``, arrays of ratees."""
        between = self.influence[np.atleast_1d(first)] - self.influence[np.atleast_1d(second)]
        carried = between.multiply(between @ self.vcov).sum(axis=1)
        return np.sqrt(self.own[first] + self.own[second] + carried)


@dataclass(frozen=True)
class Abilities:
    """Of each ratee: ``theta`` (posterior mean), its error ``theta_spread``, limits ``theta_low``, ``theta_high``;
    ``fair`` (posterior mean of the fair score), ``fair_spread``, ``fair_low``, ``fair_high`` (limits of theta on the
    fair score); ``unshrunk`` (Warm), ``corrected`` (its fair score), ``corrected_spread``. Fair scores in points."""

    theta: np.ndarray
    theta_spread: Spread
    theta_low: np.ndarray
    theta_high: np.ndarray
    fair: np.ndarray
    fair_spread: Spread
    fair_low: np.ndarray
    fair_high: np.ndarray
    unshrunk: np.ndarray
    corrected: np.ndarray
    corrected_spread: Spread


def abilities(design: Design, columns, parameters, vcov, start, nodes, confidence) -> Abilities:
    """Estimates, errors and limits of every ratee at the fitted ``parameters``."""
    centre, scale = facet_likelihood.modes(design, parameters, start)
    people = len(design.part)
    mean, own = np.empty((2, people)), np.empty((2, people))
    influences = [_Rows(design), _Rows(design)]
    direct = []
    for block in design.blocks:
        at = facet_likelihood.posterior(design, block, parameters, centre, scale, nodes)
        fair, _ = fair_score(design, columns, parameters, at.theta)
        bends, where = fair_bends(design, columns, parameters, at.theta)
        direct.append(np.einsum("piq,iq->ip", bends, at.weight))
        for j, value in enumerate((at.theta, fair)):
            mean[j, block.people] = average = (at.weight * value).sum(axis=1)
            away = at.weight * (value - average[:, None])
            own[j, block.people] = (away * value).sum(axis=1)
            influences[j].add(block, np.einsum("tq,tq->t", at.scores, away[block.of]))
    theta = Spread(own[0], influences[0].matrix(), vcov)
    fair = Spread(own[1], influences[1].matrix() + _placed(design, np.concatenate(direct), where), vcov)
    half = special.ndtri((1 + confidence) / 2) * np.sqrt(theta.variance)
    low, high = mean[0] - half, mean[0] + half
    limits = [fair_score(design, columns, parameters, each)[0] for each in (low, high)]
    return Abilities(
        mean[0], theta, low, high, mean[1], fair, *limits, *_unshrunk(design, columns, parameters, vcov, mean[0])
    )


def _placed(design, bends, where) -> sparse.csr_array:
    """(ratees, size) from the derivatives in the parameters ``where``, one of which may stand there twice."""
    people, terms = bends.shape
    rows = np.repeat(np.arange(people), terms)
    return sparse.coo_array((bends.ravel(), (rows, np.tile(where, people))), shape=(people, design.size)).tocsr()


class _Rows:
    """Collects derivatives of people's estimates, term by term."""

    def __init__(self, design):
        self.shape = (len(design.part), design.size + 1)
        self.parts = []

    def add(self, block, value):
        self.parts.append((value, block.of + block.people.start, block.column))

    def matrix(self) -> sparse.csr_array:
        value, row, column = (np.concatenate(each) for each in zip(*self.parts, strict=True))
        return sparse.coo_array((value, (row, column)), shape=self.shape).tocsr()[:, :-1]


def fair_score(design: Design, columns, parameters, theta):
    """Fair score of abilities and its slope per logit, shaped as ``theta``."""
    score, slope = 0.0, 0.0
    for _, expected, gain, _ in _criteria(design, columns, parameters, theta):
        score, slope = score + expected, slope + gain
    number = max(columns["difficulty"].stop - columns["difficulty"].start, 1)
    return score / number, slope / number


def fair_bends(design: Design, columns, parameters, theta):
    """Derivatives of the fair score (terms, *theta.shape), and the parameter of each term."""
    number = max(columns["difficulty"].stop - columns["difficulty"].start, 1)
    bends, where = [], []
    for each, _, gain, pull in _criteria(design, columns, parameters, theta):
        if _has(columns, "difficulty"):
            bends.append(-gain / number)
            where.append(columns["difficulty"].start + each)
        row = design.thresholds[each if len(design.thresholds) > 1 else 0]
        free = np.flatnonzero(row < design.size)
        bends.extend(-pull[free] / number)
        where.extend(row[free])
    return np.array(bends).reshape(-1, *np.shape(theta)), np.array(where, dtype=int)


def criterion_scores(design: Design, columns, parameters, theta):
    """Mean score of each criterion over abilities (q,), from a rater of mean severity: (criteria,), and its derivatives
    in the parameters (criteria, size)."""
    means, slopes = [], []
    for each, expected, gain, pull in _criteria(design, columns, parameters, theta):
        row = np.zeros(design.size + 1)
        row[design.thresholds[each if len(design.thresholds) > 1 else 0]] = -pull.mean(axis=-1)
        row[columns["difficulty"].start + each] = -gain.mean()
        means.append(expected.mean())
        slopes.append(row[:-1])
    return np.array(means), np.array(slopes)


def _criteria(design, columns, parameters, theta):
    """Per criterion: its number, expected score, slope, and p_k (value_k - expected) of every level."""
    flat = np.ravel(theta)[:, None]
    weights = rating_steps.coefficients(design.table(parameters), design.steps.used)
    values, shape = design.steps.values, np.shape(theta)
    for each, hard in enumerate(parameters[columns["difficulty"]] if _has(columns, "difficulty") else [0.0]):
        chosen = weights[each if len(weights) > 1 else 0][:, None, None]
        p = rating_steps.probabilities(flat - hard, chosen)[0][:, :, 0]
        expected = values @ p
        pull = p * (values[:, None] - expected)
        gain = np.arange(len(p)) @ pull
        yield each, expected.reshape(shape), gain.reshape(shape), pull.reshape(-1, *shape)


def _has(columns, name) -> bool:
    return columns[name].stop > columns[name].start


def _unshrunk(design, columns, parameters, vcov, start):
    """Warm's abilities, their fair scores and the errors of those."""
    theta = start.copy()
    for _ in range(_ROUNDS):
        slope, information, third = facet_likelihood.ability_scores(design, parameters, theta)
        move = np.clip((slope + third / (2 * information)) / information, -_LONGEST, _LONGEST)
        theta += move
        if (np.abs(move) < _CLOSE).all():
            break
    score, gain = fair_score(design, columns, parameters, theta)
    bends, where = fair_bends(design, columns, parameters, theta)
    rows = _Rows(design)
    for block in design.blocks:
        rows.add(block, _moved(design, block, parameters, theta, information) * gain[block.people][block.of])
    influence = rows.matrix() + _placed(design, bends.T, where)
    return theta, score, Spread(gain**2 / information, influence, vcov)


def _moved(design, block, parameters, theta, information):
    """Derivative of an unshrunk ability in the parameter of every term."""
    centre, scale = theta[block.people], information[block.people]
    u = centre[block.person] - design.location(parameters, block.rows)
    weights = rating_steps.coefficients(design.table(parameters), design.steps.used)
    p, _ = rating_steps.probabilities(u[:, None], facet_likelihood.spread(weights, design.steps.sets[block.rows]))
    expected, variance = rating_steps.moments(p)
    steps = [block.set_sums @ (p[k] * (k - expected))[:, 0] for k in design.free]
    nothing = np.zeros(2 * len(centre))
    return np.concatenate([block.sums @ variance[:, 0], *steps, nothing]) / scale[block.of]


def predicted(design: Design, parameters, theta):
    """Expected score and variance of every rating (in the order of the design) at given abilities, score points."""
    values = design.steps.values
    expected, variance = np.empty(len(design.ratee)), np.empty(len(design.ratee))
    for block in design.blocks:
        p = level_probabilities(design, parameters, theta, block.rows)
        expected[block.rows] = values @ p
        variance[block.rows] = ((values[:, None] - expected[block.rows]) ** 2 * p).sum(axis=0)
    return expected, variance


def level_probabilities(design: Design, parameters, theta, rows=slice(None)) -> np.ndarray:
    """(K + 1, ratings) probability of every level at given abilities."""
    weights = rating_steps.coefficients(design.table(parameters), design.steps.used)
    u = theta[design.ratee[rows]] - design.location(parameters, rows)
    return rating_steps.probabilities(u[:, None], facet_likelihood.spread(weights, design.steps.sets[rows]))[0][..., 0]
