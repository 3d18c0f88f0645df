"""Many-facet ratings: people, raters, criteria and periods on one logit scale, from scores of few ordered levels.

log P_k / P_(k-1) = theta_ratee - beta_criterion - gamma_rater - delta_period - tau_k, theta ~ N(mean of part, sd^2):
the many-facet rating scale model (Linacre 1989, Many-Facet Rasch Measurement) by marginal maximum likelihood. Newton
steps on the observed information (``facet_likelihood``); where that is not positive definite yet, Lange's EM gradient
step (1995, JRSS B 57:425).
"""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import linalg, sparse
from scipy.sparse import csgraph

from sqlib.errors import MethodRefused
from sqlib.methods import facet_abilities, facet_likelihood, rating_steps
from sqlib.methods.facet_abilities import Abilities
from sqlib.methods.facet_likelihood import Design, Evaluation

MOST_PARAMETERS = 6000  # the information matrix is dense
SMALLEST_SD = 0.05  # logits; below it people are not told apart
EXTREME = 0.3  # score points by which a facet of extreme scores only is drawn in (Linacre's adjustment)
WIDEST = 20.0  # logits between facets, beyond which nothing holds them

_ROUNDS = 100
_SETTLED, _NEAR = 1e-8, 1e-5  # Newton decrement: twice the log-likelihood still to be gained
_LONGEST = 2.0  # logits a step may move a parameter
_SINGULAR = 1e-9  # smallest pivot of the information scaled to a unit diagonal
_HALVINGS = 10


@dataclass(frozen=True)
class FacetsFit:
    """Result of :func:`fit`; facets in the order of the ids of the ratings, logits unless said otherwise.

    ``severity`` (raters,) and ``of("difficulty")``, ``of("period")``: positive = severe, hard; they sum to zero,
    severities within each part. ``vcov``: of ``parameters``, whose columns are ``columns`` by name.
    ``steps``: one row a step: criterion (None: all), low, high (scores on either side), step, se. ``of("mean")``
    of the abilities of each part and ``sd``. ``part`` of each ratee and ``rater_part``: who is linked by shared
    ratees; in different parts nothing is compared. ``abilities``: people, on the logit scale and on the client's own
    (``facet_abilities.Abilities``). ``expected``, ``variance`` (n,) of every rating, score points. ``cautions`` among
    those of ``rating_steps.Steps`` and extreme_facet, no_differences (the people's variance is nil or nearly so).
    """

    design: Design
    parameters: np.ndarray
    vcov: np.ndarray
    columns: dict[str, slice]
    steps: pd.DataFrame
    part: np.ndarray
    rater_part: np.ndarray
    abilities: Abilities
    expected: np.ndarray
    variance: np.ndarray
    loglik: float
    iterations: int
    confidence: float
    cautions: tuple[str, ...]

    def of(self, facet: str) -> np.ndarray:
        """Estimates of a facet: "severity", "difficulty", "period", "threshold", "mean"."""
        return self.parameters[self.columns[facet]]

    def se_of(self, facet: str) -> np.ndarray:
        return np.sqrt(np.maximum(np.diag(self.vcov)[self.columns[facet]], 0))

    @property
    def severity(self) -> np.ndarray:
        return self.of("severity")

    @property
    def sd(self) -> float:
        return float(np.exp(self.parameters[-1]))

    @property
    def sd_se(self) -> float:
        return self.sd * float(np.sqrt(self.vcov[-1, -1]))

    def probabilities(self, r) -> np.ndarray:
        """(n, K + 1) probability of every level for the ratings ``r`` that were fitted."""
        return _as_given(r, facet_abilities.level_probabilities(self.design, self.parameters, self.abilities.theta)).T


def fit(r, *, steps: str = "rating_scale", parts=None, confidence: float = 0.95) -> FacetsFit:
    """Fit the model to coded ratings (``ratings.Ratings``).

    ``steps``: "rating_scale" (one set for all criteria) or "partial_credit" (a set for each criterion). ``parts``:
    codes (from 0) of the linked part of each ratee and of each rater; None: worked out here.

    Raises MethodRefused (facets.*): too_many_levels, too_many_parameters, one_level (partial credit, a criterion with
    one score throughout), confounded (facets that never vary apart), unbounded, no_convergence.
    """
    scale = rating_steps.steps(r, steps)
    part, rater_part = linked(r) if parts is None else parts
    design, columns, extreme = _layout(r, scale, part)
    restrictions = _restrictions(design, columns, part, rater_part)
    found, pulled = _maximise(design, restrictions, _start(design, columns))
    parameters = found.parameters
    vcov = _covariance(found.at.observed, restrictions)
    people = facet_abilities.abilities(design, columns, parameters, vcov, found.at.centre, found.nodes, confidence)
    expected, variance = facet_abilities.predicted(design, parameters, people.theta)
    seen = {"extreme_facet": extreme, "no_differences": pulled}
    return FacetsFit(
        design, parameters, vcov, columns, _steps_table(r, design, parameters, vcov), part, rater_part, people,
        _as_given(r, expected), _as_given(r, variance), found.at.loglik, found.iterations, confidence,
        (*scale.cautions, *(name for name, here in seen.items() if here)),
    )  # fmt: skip


def _as_given(r, ordered):
    """Values of ratings sorted by ratee, in the order of the ratings."""
    found = np.empty_like(ordered)
    found[..., np.argsort(r.ratee, kind="stable")] = ordered
    return found


def _layout(r, scale, part):
    """Design, columns by name, whether a facet had extreme scores only."""
    sizes = {"severity": len(r.rater_ids), "difficulty": len(r.criterion_ids), "period": len(r.period_ids)}
    sizes |= {"threshold": int(scale.free.sum()), "mean": int(part.max()) + 1, "log_sd": 1}
    if sum(sizes.values()) > MOST_PARAMETERS:
        raise MethodRefused("facets.too_many_parameters", got=sum(sizes.values()), most=MOST_PARAMETERS)
    if scale.used.sum(axis=1).min() < 2:
        alone = np.flatnonzero(scale.used.sum(axis=1) < 2)[0]
        raise MethodRefused("facets.one_level", criterion=str(r.criterion_ids[alone]))
    ends = np.cumsum(list(sizes.values())).tolist()
    columns = {name: slice(end - sizes[name], end) for name, end in zip(sizes, ends, strict=True)}
    given = {"severity": r.rater, "difficulty": r.criterion, "period": r.period}
    facets = np.stack([code + columns[name].start for name, code in given.items() if code is not None], axis=1)
    thresholds = np.full(scale.free.shape, ends[-1])
    thresholds[scale.free] = np.arange(columns["threshold"].start, columns["threshold"].stop)
    order = np.argsort(r.ratee, kind="stable")
    score, extreme = _drawn_in(scale, facets)
    ordered = rating_steps.Steps(scale.values, scale.level[order], scale.sets[order], scale.counts, scale.cautions)
    means = np.arange(columns["mean"].start, columns["mean"].stop)
    design = Design(r.ratee[order], facets[order], ordered, score[order], part, thresholds, means, ends[-1])
    return design, columns, extreme


def linked(r):
    """Connected parts of ratees and raters, numbered in the order of the ratees."""
    people, size = len(r.ratee_ids), len(r.ratee_ids) + len(r.rater_ids)
    links = sparse.coo_array((np.ones(r.n), (r.ratee, r.rater + people)), shape=(size, size))
    label = csgraph.connected_components(links, directed=False)[1]
    return label[:people], label[people:]


def _drawn_in(scale, facets):
    """Levels, drawn in by ``EXTREME`` points in all for every facet that has only lowest or only highest ones."""
    lowest, highest = scale.used.argmax(axis=1), scale.used.shape[1] - 1 - scale.used[:, ::-1].argmax(axis=1)
    score, n = scale.level.astype(float), np.bincount(facets.ravel())
    found = False
    for end, inwards in ((lowest, 1.0), (highest, -1.0)):
        at_end = scale.level == end[scale.sets]
        alone = np.bincount(facets.ravel(), np.repeat(at_end, facets.shape[1])) == n
        alone &= n > 0
        score += inwards * EXTREME * (alone[facets] / n[facets]).sum(axis=1)
        found |= bool(alone.any())
    return score, found


def _restrictions(design, columns, part, rater_part):
    """Pairs of what sums to zero and the direction along which the likelihood is flat, one row each."""
    sums, flat = [], []
    for each in range(len(design.means)):
        sums.append(_marked(design.size, np.flatnonzero(rater_part == each) + columns["severity"].start))
        flat.append(sums[-1] + _marked(design.size, design.means[[each]]))
    for name in ("difficulty", "period"):
        if columns[name].stop > columns[name].start:
            sums.append(_marked(design.size, columns[name]))
            flat.append(sums[-1] + _marked(design.size, design.means))
    return np.array(sums), np.array(flat)


def _marked(size, columns):
    row = np.zeros(size)
    row[columns] = 1.0
    return row


def _start(design, columns) -> np.ndarray:
    """Facets at zero, thresholds and mean as the shares of the levels give them, sd 1."""
    parameters = np.zeros(design.size)
    share = design.steps.counts + 0.5 * design.steps.used
    middles = []
    for row, used, free in zip(design.thresholds, share, design.thresholds < design.size, strict=True):
        inside = np.flatnonzero(used)
        slope = np.log(used[inside[-1]] / used[inside[0]]) / (inside[-1] - inside[0])
        k = np.flatnonzero(free)
        parameters[row[free]] = slope * (k - inside[0]) - np.log(used[k] / used[inside[0]])
        middles.append(slope)
    parameters[columns["mean"]] = np.mean(middles)
    return parameters


def _maximise(design, restrictions, parameters):
    """Maximum and whether the people's variance had to be held off nil, by a weak prior proportional to their standard
    deviation (Chung et al. 2013, Psychometrika 78:685)."""
    found = _newton(design, restrictions, parameters, pull=0.0)
    if found is not None and found.parameters[-1] > np.log(SMALLEST_SD):
        return found, False
    found = _newton(design, restrictions, parameters, pull=1.0)
    if found is None:
        raise MethodRefused("facets.no_convergence", rounds=_ROUNDS)
    return found, True


class _Maximum(NamedTuple):
    parameters: np.ndarray
    at: Evaluation
    nodes: int
    iterations: int


def _newton(design, restrictions, parameters, pull) -> _Maximum | None:
    """Newton steps with few nodes, then with more, until more change nothing; None where that does not come about or
    the people's variance tends to nil."""
    left = iter(facet_likelihood.NODES)
    nodes, fresh = next(left), False
    now = facet_likelihood.evaluate(design, parameters, np.zeros(len(design.part)), nodes)
    for iteration in range(1, _ROUNDS + 1):
        step = _step(now, _pulled(now.gradient, pull), restrictions)
        gain = _pulled(now.gradient, pull) @ step
        if fresh and gain < _SETTLED:
            return _Maximum(_restricted(parameters + step, restrictions), now, nodes, iteration)
        then = None if gain < _NEAR else _ascent(design, parameters, step, now, nodes, pull)
        fresh = then is None
        if fresh:
            nodes = next(left, None)
            if nodes is None:
                return None
            then = parameters + step if gain < _NEAR else parameters
            then = then, facet_likelihood.evaluate(design, then, now.centre, nodes)
        parameters, now = then
        _refuse_unbounded(design, parameters)
        if parameters[-1] < np.log(SMALLEST_SD) - 2:
            return None
    return None


def _restricted(parameters, restrictions):
    """The same likelihood where the sums are zero, which quadrature error had let drift."""
    sums, flat = restrictions
    return parameters - flat.T @ np.linalg.solve(sums @ flat.T, sums @ parameters)


def _pulled(gradient, pull):
    return np.append(gradient[:-1], gradient[-1] + pull)


def _ascent(design, parameters, step, now, nodes, pull):
    """Parameters and evaluation at the first of ever shorter steps that does not lower the likelihood, or None."""
    length = min(1.0, _LONGEST / np.abs(step).max())
    for _ in range(_HALVINGS):
        tried = parameters + length * step
        then = facet_likelihood.evaluate(design, tried, now.centre, nodes)
        if then.loglik - now.loglik + pull * length * step[-1] > 0:
            return tried, then
        length /= 2
    return None


def _step(now, gradient, restrictions):
    """Newton's step; the EM gradient step where the observed information is not positive definite."""
    for information in (now.observed, now.complete):
        factor = _factor(_held(information, restrictions))
        if factor is not None:
            root, scale = factor
            return linalg.cho_solve((root, True), gradient / scale) / scale
    raise MethodRefused("facets.confounded")


def _held(information, restrictions):
    """Information with a ridge along every sum that is zero: exact, as the likelihood is flat along the other."""
    sums, _ = restrictions
    ridge = np.array([np.diag(information)[row > 0].mean() / row.sum() for row in sums])
    return information + (sums.T * ridge) @ sums


def _factor(information):
    """Cholesky factor of the information scaled to a unit diagonal, and the scale; None if not positive definite."""
    diagonal = np.diag(information)
    if (diagonal <= 0).any() or not np.isfinite(information).all():
        return None
    scale = np.sqrt(diagonal)
    try:
        root = linalg.cholesky(information / np.outer(scale, scale), lower=True, check_finite=False)
    except linalg.LinAlgError:
        return None
    return (root, scale) if np.diag(root).min() ** 2 > _SINGULAR else None


def _covariance(observed, restrictions):
    """Inverse of the observed information under the restrictions."""
    factor = _factor(_held(observed, restrictions))
    if factor is None:
        raise MethodRefused("facets.confounded")
    root, scale = factor
    inverse = linalg.lapack.dpotri(root, lower=True)[0]
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    inverse /= np.outer(scale, scale)
    sums, flat = restrictions
    along = flat.T @ np.linalg.inv(sums @ flat.T)
    inverse = inverse - along @ (sums @ inverse)
    return inverse - (inverse @ sums.T) @ along.T


def _refuse_unbounded(design, parameters):
    """Refuse facets that run away from each other: nothing in the scores holds them."""
    apart = max(np.abs(parameters[:-1]).max(), np.exp(parameters[-1]))
    if apart > WIDEST:
        raise MethodRefused("facets.unbounded", got=f"{apart:.0f}")


def _steps_table(r, design, parameters, vcov):
    """Steps between neighbouring levels in use."""
    rows, table = [], design.table(parameters)
    wide = np.pad(vcov, (0, 1))
    for each, used in enumerate(design.steps.used):
        levels = np.flatnonzero(used)
        for low, high in itertools.pairwise(levels):
            a, b = design.thresholds[each, [low, high]]
            step = (table[each, high] - table[each, low]) / (high - low)
            se = np.sqrt(max(wide[a, a] + wide[b, b] - 2 * wide[a, b], 0)) / (high - low)
            name = r.criterion_ids[each] if len(design.thresholds) > 1 else None
            rows.append((name, design.steps.values[low], design.steps.values[high], step, se))
    return pd.DataFrame(rows, columns=["criterion", "low", "high", "step", "se"])
