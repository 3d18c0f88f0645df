"""Local level with regressors and noise, independent or AR(1): everything known after a stretch of periods.

The level walks, its steps independent. Regressors and the size of the noise are integrated out in closed form; the
ratio of the level's step to the noise and the noise's autocorrelation are not guessed but kept as a fixed grid weighted
by marginal likelihood. Whatever is asked for is then a mixture of Student's t. Nothing is drawn at random.

For one autocorrelation the covariances of walk and noise are diagonal in one basis, so every ratio costs a weighting of
the same products.

References: Harvey (1989) Forecasting, Structural Time Series Models and the Kalman Filter, ch. 4; West & Harrison
(1997) Bayesian Forecasting and Dynamic Models, ch. 4. Checked against statsmodels UnobservedComponents at one ratio.
"""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import special

from sqlib.methods.one_thread import one_thread

# Step of the level over the noise, every point as likely beforehand: flat in its square root up to 1, thinner beyond,
# up to an indicator that is nearly all walk.
RATIOS = np.append(np.linspace(0.0, 1.0, 25) ** 2, [1.25, 1.6, 2.0, 2.8, 4.0, 8.0])
PHIS = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.75])
PRIOR_PHI = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])  # independent noise as likely as all autocorrelated together
NEGLIGIBLE = 1e-6  # share of the largest weight
MOST_STEPS, CLOSE = 60, 1e-9  # of the search for a quantile; close: share of the largest scale


@dataclass(frozen=True)
class Mixture:
    """Student's t with ``df``, mixed: ``weight`` (points,), ``centre`` and ``scale`` (points, k)."""

    weight: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    df: float

    @property
    def mean(self) -> np.ndarray:
        return self.weight @ self.centre

    @property
    def sd(self) -> np.ndarray:
        own = self.scale**2 * (self.df / (self.df - 2) if self.df > 2 else np.nan)
        return np.sqrt(self.weight @ (own + (self.centre - self.mean) ** 2))

    def below(self, limit) -> np.ndarray:
        """Probability of a value under ``limit`` (k,)."""
        return self.weight @ special.stdtr(self.df, (limit - self.centre) / self.scale)

    def density(self, limit) -> np.ndarray:
        """Density at ``limit`` (k,)."""
        df, ratio = self.df, (limit - self.centre) / self.scale
        peak = np.exp(special.gammaln((df + 1) / 2) - special.gammaln(df / 2)) / np.sqrt(df * np.pi)
        return self.weight @ (peak * (1 + ratio**2 / df) ** (-(df + 1) / 2) / self.scale)

    def quantile(self, share: float) -> np.ndarray:
        """Value under which ``share`` of the probability lies (k,), by Newton's steps, halved where they leave the
        bracket."""
        ends = self.centre + self.scale * special.stdtrit(self.df, share)
        low, high, value = ends.min(axis=0), ends.max(axis=0), self.weight @ ends
        for _ in range(MOST_STEPS):
            over, last = self.below(value) - share, value
            low, high = np.where(over < 0, last, low), np.where(over < 0, high, last)
            value = last - over / self.density(last)
            value = np.where((low <= value) & (value <= high), value, (low + high) / 2)
            if (np.abs(value - last) <= CLOSE * self.scale.max(axis=0)).all():
                break
        return value


@dataclass(frozen=True)
class Target:
    """What to forecast: weights on the ``signal`` (level and regressors) and on the ``noise`` of every period (k, N),
    and the variance of ``fresh`` noise (k,) in units of the noise's variance."""

    signal: np.ndarray
    noise: np.ndarray
    fresh: np.ndarray


@dataclass(frozen=True)
class Basis:
    """One phi: ``rotate`` (n, n) makes the noise white and the walk diagonal, with variances ``spread`` (n,);
    ``log_determinant`` of the noise's correlations."""

    phi: float
    rotate: np.ndarray
    spread: np.ndarray
    log_determinant: float


@dataclass(frozen=True)
class Given:
    """One phi, all ratios: whitened ``regressors`` (n, p) and ``values`` (n,), ``shrink`` (ratios, n) variances
    inverted, ``coefficients`` (ratios, p), ``inverse`` information (ratios, p, p), ``rest`` sums of squares (ratios,),
    ``log_likelihood`` (ratios,)."""

    basis: Basis
    regressors: np.ndarray
    values: np.ndarray
    shrink: np.ndarray
    coefficients: np.ndarray
    inverse: np.ndarray
    rest: np.ndarray
    log_likelihood: np.ndarray


@dataclass(frozen=True)
class Posterior:
    """``weight`` (phis, ratios); ``seen`` (n,) periods learnt from; ``matrix`` (N, p) regressors of all periods,
    ``plain`` (p,) their ordinary least squares; ``root`` (p, p) their scale."""

    weight: np.ndarray
    given: tuple[Given, ...]
    seen: np.ndarray
    matrix: np.ndarray
    plain: np.ndarray
    root: np.ndarray

    @property
    def df(self) -> float:
        return float(len(self.seen) - self.matrix.shape[1])

    def forecast(self, target: Target, least: float = NEGLIGIBLE) -> Mixture:
        """Distribution of ``target``; grid points under ``least`` of the largest weight are left out."""
        kept = self.weight >= least * self.weight.max()
        parts = [_forecast(self, given, target, own) for given, own in zip(self.given, kept, strict=True) if own.any()]
        centre, scale = (np.concatenate(part) for part in zip(*parts, strict=True))
        plain = target.signal @ self.matrix @ self.plain
        return Mixture(self.weight[kept] / self.weight[kept].sum(), plain + centre, scale, self.df)

    def coefficients(self) -> Mixture:
        """Distribution of the coefficients of the regressors."""
        back = np.linalg.inv(self.root)
        centre = np.concatenate([given.coefficients @ back.T for given in self.given])
        spread = np.concatenate([np.einsum("ij,gjk,ik->gi", back, given.inverse, back) * self._variance(given)[:, None]
                                 for given in self.given])  # fmt: skip
        return Mixture(self.weight.ravel(), self.plain + centre, np.sqrt(spread), self.df)

    def noise(self) -> float:
        """Standard deviation of the noise, at the mean of its variance over the grid."""
        return float(np.sqrt((self.weight * np.array([self._variance(given) for given in self.given])).sum()))

    @one_thread
    def innovations(self) -> np.ndarray:
        """One-step forecast errors (n,) at the likeliest grid point, in order of time, in units of the noise."""
        i, j = np.unravel_index(self.weight.argmax(), self.weight.shape)
        given, time = self.given[i], self.seen
        covariance = RATIOS[j] ** 2 * _walk(time, time, time[0]) + _noise(given.basis.phi, time, time)
        rotated = given.values - given.regressors @ given.coefficients[j]
        return np.linalg.solve(np.linalg.cholesky(covariance), np.linalg.solve(given.basis.rotate, rotated))

    def _variance(self, given):
        return given.rest / self.df


@one_thread
def fit(values, matrix, seen) -> Posterior:
    """Learn from ``values`` (n,) at the periods ``seen`` (n,); ``matrix`` (N, p) holds the regressors of all periods, a
    constant among them, of full rank on ``seen``; n > p."""
    seen = np.asarray(seen)
    basis, root = np.linalg.qr(matrix[seen])
    plain = np.linalg.solve(root, basis.T @ values)
    residual = values - matrix[seen] @ plain
    given = tuple(_given(each, basis, residual) for each in _bases(tuple(seen.tolist())))
    likelihood = np.array([each.log_likelihood for each in given]) + np.log(PRIOR_PHI)[:, None]
    weight = np.exp(likelihood - likelihood.max())
    return Posterior(weight / weight.sum(), given, seen, matrix, plain, root)


@functools.lru_cache(maxsize=32)
def _bases(seen: tuple[int, ...]) -> tuple[Basis, ...]:
    time = np.array(seen)
    walk, found = _walk(time, time, time[0]), []
    for phi in PHIS:
        root = np.linalg.cholesky(_noise(phi, time, time))
        inverse = np.linalg.inv(root)
        spread, vectors = np.linalg.eigh(inverse @ walk @ inverse.T)
        rotate = vectors.T @ inverse
        found.append(Basis(float(phi), rotate, np.maximum(spread, 0.0), 2 * float(np.log(np.diag(root)).sum())))
    return tuple(found)


def _given(basis: Basis, regressors, values) -> Given:
    x, y = basis.rotate @ regressors, basis.rotate @ values
    n, p = x.shape
    variance = 1 + RATIOS[:, None] ** 2 * basis.spread
    shrink = 1 / variance
    information = (shrink @ (x[:, :, None] * x[:, None, :]).reshape(n, -1)).reshape(-1, p, p)
    right = shrink @ (x * y[:, None])
    inverse = np.linalg.inv(information)
    coefficients = np.einsum("gij,gj->gi", inverse, right)
    rest = np.maximum(shrink @ y**2 - (right * coefficients).sum(axis=1), 1e-300)
    determinant = basis.log_determinant + np.log(variance).sum(axis=1) + np.linalg.slogdet(information)[1]
    return Given(basis, x, y, shrink, coefficients, inverse, rest, -(determinant + (n - p) * np.log(rest)) / 2)


@one_thread
def _forecast(posterior: Posterior, given: Given, target: Target, own):
    """Centre and scale (own points, k) of ``target``, less what ordinary least squares expects."""
    time, ratio = np.arange(len(posterior.matrix)), RATIOS[own, None] ** 2
    walk, noise = _walk(time, time, posterior.seen[0]), _noise(given.basis.phi, time, time)
    walk_with = target.signal @ walk[:, posterior.seen] @ given.basis.rotate.T
    noise_with = target.noise @ noise[:, posterior.seen] @ given.basis.rotate.T
    variance = ratio * ((target.signal @ walk) * target.signal).sum(axis=1)
    variance = variance + ((target.noise @ noise) * target.noise).sum(axis=1) + target.fresh
    shared = ratio[:, :, None] * walk_with + noise_with
    gain = given.shrink[own][:, None, :] * shared
    columns = np.column_stack([given.regressors, given.values])
    carried = (gain.reshape(-1, len(columns)) @ columns).reshape(*gain.shape[:2], -1)
    lean = np.linalg.solve(posterior.root.T, (target.signal @ posterior.matrix).T).T - carried[:, :, :-1]
    centre = carried[:, :, -1] + np.einsum("gkp,gp->gk", lean, given.coefficients[own])
    learnt = np.einsum("gkn,gkn->gk", gain, shared)
    variance = variance - learnt + ((lean @ given.inverse[own]) * lean).sum(axis=2)
    return centre, np.sqrt(variance * posterior._variance(given)[own][:, None])


def _walk(one, other, origin):
    """Covariance of the level's walk since ``origin``, steps of variance 1."""
    return np.maximum(np.minimum.outer(one, other) - origin, 0.0)


def _noise(phi, one, other):
    apart = np.abs(np.subtract.outer(one, other))
    return (phi ** np.arange(apart.max() + 1))[apart]
