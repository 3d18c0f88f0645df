"""REML for crossed and nested random factors: ``y = fixed effects + one random effect per factor + residual``.

The variances are found by average-information Newton steps on the mixed-model equations (``mixed_equations``), so
that an evaluation does not depend on the number of rows; a variance may be exactly 0.

Where there are hardly more scores than effects, the likelihood may be highest without any noise. Then the noise is
held off 0 by a weak prior proportional to its standard deviation, which is worth one score less.

References: Patterson & Thompson (1971) Biometrika 58:545; Gilmour, Thompson & Cullis (1995) Biometrics 51:1440;
Chung et al. (2013) Psychometrika 78:685, for the prior.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from sqlib.errors import MethodRefused
from sqlib.methods.mixed_equations import Equations, Solved, equations
from sqlib.methods.one_thread import one_thread

RESIDUAL = "residual"
LEAST = 1e-8  # relative variance at which a variance still falling is taken to be 0
NEAR = 10  # times that: held there unless the likelihood rises
SECOND = 1.0  # relative variances of the second start, those lme4 begins at
FEW_ROWS = 2000  # up to which the likelihood may have a second peak beside one with a variance of 0
STEPS = 100
SLOW = 10  # steps after which they are lengthened
FARTHEST = np.log(10.0)  # of a lengthened step
DECREMENT = 1e-12  # of the restricted log likelihood, promised by the next step
FLAT = 1e-5  # what a step that leads nowhere may have promised: rounding
NOISELESS = 1e3  # relative variances to come back from where noise must be assumed
NO_NOISE = 1e-9  # of the sum of squares: less than this is rounding


@dataclass(frozen=True)
class CrossedFit:
    """``variances`` by factor, last ``residual``; ``variance_covariance`` of these, 0 for a variance of 0, from the
    average information; ``deviance`` is -2 log restricted likelihood; ``noise_assumed``: noise had to be held off 0.
    Effects of a level are read with ``effects``."""

    equations: Equations
    solved: Solved
    variances: pd.Series
    variance_covariance: np.ndarray
    steps: int
    noise_assumed: bool = False

    @property
    def residual_variance(self) -> float:
        return float(self.variances[RESIDUAL])

    @property
    def log_likelihood(self) -> float:
        return -self.solved.deviance / 2

    @property
    def intercept(self) -> float:
        """Mean at the unweighted centre of the fixed factors."""
        return float(self.solved.solution[self.equations.columns[""]].sum()) + self.equations.centre

    def loadings(self, name: str, rows=None) -> sparse.csr_matrix:
        """(levels, columns) of a factor ("" for the intercept): add and subtract these for other combinations."""
        return self.equations.loadings(name, rows)

    def predict(self, loadings) -> np.ndarray:
        """Best linear unbiased prediction of combinations of effects; ``equations.centre`` is not in the intercept."""
        return loadings @ self.solved.solution

    def effects(self, name: str) -> np.ndarray:
        """Effect of every level: predicted for a random factor, summing to 0 for a fixed one."""
        return self.predict(self.loadings(name))

    def variance(self, loadings) -> np.ndarray:
        """Exact prediction-error variance of combinations of effects, the variances taken as known."""
        return self.residual_variance * self.solved.variance(loadings)

    def covariance(self, loadings) -> np.ndarray:
        """Exact covariance matrix of prediction errors, (combinations, combinations)."""
        return self.residual_variance * self.solved.covariance(loadings)

    def difference_se(self, name: str, first: int, second: int) -> float:
        """Standard error of the difference of two levels of a factor."""
        both = self.loadings(name, [first, second])
        return float(self.variance(both[[0]] - both[[1]])[0] ** 0.5)

    def fitted(self, codes: dict) -> np.ndarray:
        """Prediction for rows: ``codes`` of every factor, as fitted."""
        return self.intercept + sum(self.effects(name)[code] for name, code in codes.items())


@one_thread
def fit(y, fixed: dict | None = None, factors: dict | None = None, start: dict | None = None) -> CrossedFit:
    """Fit by restricted maximum likelihood.

    Parameters
    ----------
    y : (n,) scores
    fixed : name -> codes (n,) from 0; categories, besides an intercept
    factors : name -> codes (n,) from 0; each gets an independent normal effect per level
    start : name -> variance relative to the residual to begin at

    Raises MethodRefused: crossed.no_noise where more scores than effects are explained exactly, crossed.too_few where
    there are fewer rows than things to estimate, crossed.too_wide (more than 5,000 columns remain when the largest
    chain of nested factors is eliminated), crossed.singular, crossed.not_converged.
    Checked against a dense computation of the restricted likelihood, balanced analysis of variance, R lme4.
    """
    formed = equations(y, fixed or {}, factors or {})
    if formed.n - formed.rank <= len(formed.random):
        raise MethodRefused("crossed.too_few", rows=formed.n, columns=formed.rank)
    ratios = np.array([(start or {}).get(name, 0.1) for name in formed.random], dtype=float)
    try:
        solved, information, steps = _highest(formed, ratios)
        assumed = False
    except MethodRefused as refused:
        if refused.code != "crossed.no_noise":
            raise
        solved, information, steps = _climb(_one_less(formed).at(np.full_like(ratios, NOISELESS)))
        assumed = True
    solved = _settled(solved)
    variances = np.append(solved.ratios, 1.0) * solved.residual_variance
    names = [*formed.random, RESIDUAL]
    order = [*(factors or {}), RESIDUAL]
    at = [names.index(name) for name in order]
    spread = _inverse(information, variances > 0)[np.ix_(at, at)]
    return CrossedFit(solved.equations, solved, pd.Series(variances[at], index=order), spread, steps, assumed)


def _one_less(formed: Equations) -> Equations:
    """The same sums as if of one score less: adds the log of the noise's standard deviation to the likelihood."""
    return dataclasses.replace(formed, n=formed.n - 1)


def _highest(formed: Equations, ratios) -> tuple[Solved, np.ndarray, int]:
    """The peak reached; of thin designs with a variance of 0 the higher of the two reached from two starts."""
    found = _climb(formed.at(ratios))
    if formed.n > FEW_ROWS or (found[0].ratios > NEAR * LEAST).all():
        return found
    try:
        other = _climb(formed.at(np.full(len(ratios), SECOND)))
    except MethodRefused:  # from there the noise shrinks to nothing: no peak
        return found
    return other if other[0].deviance < found[0].deviance - FLAT else found


def _climb(solved: Solved) -> tuple[Solved, np.ndarray, int]:
    """Newton steps by average information until the next one promises nothing."""
    for step in range(STEPS):
        _refuse_no_noise(solved)
        score, information = derivatives(solved)
        target, promise = _newton(solved, score, information)
        if abs(promise) < DECREMENT * max(1.0, solved.equations.n**0.5) and step:
            return solved, information, step
        following = None if step < 2 or promise < 0 else _improved(solved, target)  # below 0: no maximum ahead
        slow = step >= SLOW
        if slow or following is None or solved.deviance - following.deviance < promise / 4:  # far from a parabola
            following = _best(following, _improved(solved, _fixed_point(solved)))
        if following is None and abs(promise) > FLAT:
            break
        if following is None:
            return solved, information, step
        solved = _further(solved, following) if slow else following
    raise MethodRefused("crossed.not_converged", steps=STEPS)


def _refuse_no_noise(solved: Solved) -> None:
    if min(solved.rest, _unexplained(solved)) <= NO_NOISE * solved.equations.squares:
        raise MethodRefused("crossed.no_noise", rows=solved.equations.n)


def _unexplained(solved: Solved) -> float:
    """Sum of squared residuals."""
    formed, effects = solved.equations, solved.solution
    return float(formed.squares - effects @ (2 * formed.right - formed.products @ effects))


def derivatives(solved: Solved) -> tuple[np.ndarray, np.ndarray]:
    """Score and average information of the variances (factors, residual) at the residual variance that fits best."""
    formed, sigma2 = solved.equations, solved.residual_variance
    ratios, effects = solved.ratios, solved.solution
    at = [formed.columns[name] for name in formed.random]
    sizes = np.array([formed.width(name) for name in formed.random])
    used = (sizes - solved.traces / ratios) if len(at) else np.empty(0)  # columns' worth of fit
    working = np.zeros((len(effects), len(at) + 1))  # W' times the working variates
    residual = formed.right - formed.products @ effects
    for j, columns in enumerate(at):
        working[:, j] = formed.products[:, columns] @ effects[columns] / (ratios[j] * sigma2)
    working[:, -1] = residual / sigma2
    noise = _unexplained(solved)
    squares = np.array([effects[columns] @ effects[columns] for columns in at])
    score = np.append(
        squares / (ratios * sigma2) ** 2 - used / (ratios * sigma2),
        noise / sigma2**2 - (formed.n - formed.rank - used.sum()) / sigma2,
    )
    inner = np.empty((len(at) + 1, len(at) + 1))
    for i, columns in enumerate(at):
        inner[i] = effects[columns] @ working[columns] / (ratios[i] * sigma2)
    inner[:, -1] = inner[-1] = np.append(inner[:-1, -1], noise / sigma2**2)
    information = (inner - working.T @ solved.solve(working)) / sigma2
    return score / 2, (information + information.T) / 4


def _fixed_point(solved: Solved) -> np.ndarray:
    """Sum of squares over what it is worth (Harville 1977): near the maximum in a step or two, never negative."""
    at = [solved.equations.columns[name] for name in solved.equations.random]
    used = np.array([columns.stop - columns.start for columns in at]) - solved.traces / solved.ratios
    squares = np.array([solved.solution[columns] @ solved.solution[columns] for columns in at])
    return np.maximum(squares / np.maximum(used, 1e-12) / solved.residual_variance, LEAST)


def _newton(solved: Solved, score, information) -> tuple[np.ndarray, float]:
    """Ratios after a Newton step in the variances, and what it promises. A variance that would fall below a twentieth
    (or to next to nothing) is held there, and the step of the others taken given that."""
    sigma2, ratios = solved.residual_variance, solved.ratios
    lowest = np.append(np.where(ratios > 1e-3, ratios / 20, LEAST), 0.1)
    variance = np.append(ratios, 1.0) * sigma2
    held = np.append((ratios <= NEAR * LEAST) & (score[:-1] <= 0), False)
    move = np.zeros(len(score))
    while not held.all():
        known = information[np.ix_(~held, held)] @ move[held]
        move[~held] = _solved(information[np.ix_(~held, ~held)], score[~held] - known)
        falling = ~held & (variance + move < lowest * sigma2)
        if not falling.any():
            break
        move[falling] = lowest[falling] * sigma2 - variance[falling]
        held |= falling
    moved = variance + move
    target = np.maximum(moved[:-1] / moved[-1], LEAST)
    return np.where((target < NEAR * LEAST) | (move[:-1] == 0), LEAST, target), float(score @ move)


def _solved(matrix, right) -> np.ndarray:
    """Least-squares solution in units that make the diagonal 1; far from the maximum it may be singular."""
    size = np.diag(matrix)
    unit = np.sqrt(np.where(size > 0, size, 1.0))
    return np.linalg.lstsq(matrix / np.outer(unit, unit), right / unit, rcond=1e-13)[0] / unit


def _further(solved: Solved, following: Solved) -> Solved:
    """Twice, four times as far on the log scale, and so on, while the deviance falls: short steps add up slowly where
    the average information is far from the observed one."""
    start, move = np.log(np.maximum(solved.ratios, LEAST)), np.log(np.maximum(following.ratios, LEAST))
    move -= start
    for doubled in range(1, 6):
        tried = solved.equations.at(np.maximum(np.exp(start + np.clip(2**doubled * move, -FARTHEST, FARTHEST)), LEAST))
        if not (tried.rest > 0 and tried.deviance < following.deviance):
            break
        following = tried
    return following


def _best(*found: Solved | None) -> Solved | None:
    return min((one for one in found if one is not None), key=lambda one: one.deviance, default=None)


def _improved(solved: Solved, target) -> Solved | None:
    """At the target, or half way back and so on, until the deviance falls; None where it cannot."""
    allowed = solved.deviance + 1e-11 * abs(solved.deviance)
    for _ in range(30):
        following = solved.equations.at(target)
        if following.rest > 0 and following.deviance <= allowed:
            return following
        target = np.sqrt(target * solved.ratios) if (target > 0).all() else (target + solved.ratios) / 2
    return None


def _settled(solved: Solved) -> Solved:
    """Variances that end at the floor are 0."""
    at_zero = solved.ratios <= NEAR * LEAST
    return solved.equations.at(np.where(at_zero, 0.0, solved.ratios)) if at_zero.any() else solved


def _inverse(information, positive) -> np.ndarray:
    found = np.zeros_like(information)
    found[np.ix_(positive, positive)] = np.linalg.pinv(information[np.ix_(positive, positive)], hermitian=True)
    return found
