"""What is predicted once the variance between raters is not taken as known.

With few raters the estimated variance of their severities is itself so uncertain that plug-in intervals cover far too
rarely. Here it is integrated out over a grid, under a declared weak prior: the density of (severity variance + noise of
one rater's mean) falls with its power 1, and the standard deviation of severities is at most half the range of the
scores. With power 1 a balanced design gives Student's t of raters - 1 degrees of freedom for the mean level (Box & Tiao
1973, Bayesian Inference in Statistical Analysis, section 5.2), with power 2 the prior is uniform in the shrinkage
(Daniels 1999, Canadian Journal of Statistics 27:567). Under eight raters the power is 1.3, chosen by coverage at 30
people and 5 raters, 60 % missing or not: power 1 covers too often where little is known of each rater. The residual
variance has its usual 1/variance prior; the other relative variances stay at their estimates.

One eigendecomposition of the raters' block makes every point of the grid cheap.
"""

import functools

import numpy as np
from scipy import linalg, special

from sqlib.methods.crossed import CrossedFit

MOST_RATERS = 60  # with more, the variance between them is known well enough
MOST_RATEES = 100  # likewise
NODES, REACH = 9, 3.0  # of the grid over the ratees' variance, and how many standard errors to each side
FEW_RATERS = 8  # under which intervals of thin designs would be too wide with power 1
POWER, POWER_OF_FEW = 1.0, 1.3  # of the prior
POINTS, FINE = 33, 400
NEGLIGIBLE = 14.0  # log weight below the highest


class Predictions:
    """Mixture over the grid for each of some combinations: ``mean``, ``variance`` (combinations, K); ``estimate`` at
    the REML variances. Intervals are quantiles of the mixture of t distributions."""

    def __init__(self, estimate, mean, variance, weight, free):
        self.estimate, self.mean, self.variance, self.weight, self.free = estimate, mean, variance, weight, free

    @property
    def se(self) -> np.ndarray:
        """Root mean squared prediction error of ``estimate``."""
        return np.sqrt((self.variance + (self.mean - self.estimate[:, None]) ** 2) @ self.weight)

    def below(self, x) -> np.ndarray:
        """Probability that the truth lies below ``x`` (combinations,)."""
        return self._cumulative((x[:, None] - self.mean) / np.sqrt(self.variance)) @ self.weight

    def quantile(self, p: float) -> np.ndarray:
        centre = self.mean @ self.weight
        spread = np.sqrt((self.variance + (self.mean - centre[:, None]) ** 2) @ self.weight)
        x = centre + spread * special.ndtri(p)
        scale = np.sqrt(self.variance)
        for _ in range(8):
            z = (x[:, None] - self.mean) / scale
            density = (np.exp(-z * z / 2) / scale) @ self.weight / np.sqrt(2 * np.pi)
            step = (self._cumulative(z) @ self.weight - p) / np.maximum(density, 1e-3 / spread)
            x = x - np.clip(step, -spread, spread)
        return x

    def interval(self, confidence: float) -> tuple[np.ndarray, np.ndarray]:
        tail = (1 - confidence) / 2
        return self.quantile(tail), self.quantile(1 - tail)

    def _cumulative(self, z):
        return special.ndtr(z) if self.free > 200 else special.stdtr(self.free, z)


class Integrated:
    """A fit with the variance of factor ``name`` integrated over the declared prior, up to ``largest`` (SD).

    Without ``name`` (or more than 60 levels of it) the variances are taken as known.
    """

    def __init__(self, fit: CrossedFit, name: str | None, largest: float, base=None):
        self.fit, self.base, self.free = fit, base or fit.solved, fit.equations.n - fit.equations.rank
        self.used = name is not None and fit.equations.basis[name].shape[0] <= MOST_RATERS
        if not self.used:
            self.solved, self.weight, self.sigma2 = fit.solved, np.ones(1), np.array([fit.residual_variance])
            return
        self.solved, ratio = self._starting(name)
        loadings = fit.loadings(name)
        self.reach = self.solved.solve(loadings.T.toarray())  # (columns, raters)
        own = loadings @ self.reach
        inverse = np.linalg.inv((own + own.T) / 2)
        values, self.axes = linalg.eigh((inverse + inverse.T) / 2 - np.eye(len(own)) / ratio)
        values = np.where(values > 1e-9 * values.max(), values, 0.0)
        self.pull = inverse @ self.axes
        self.along = self.pull.T @ (loadings @ self.solved.solution)
        self.at_start = ratio / (1 + ratio * values)
        rest = self.solved.rest + self.at_start @ self.along**2
        self._grid(values, rest, largest)

    def _starting(self, name):
        """The equations at a variance between raters that is not next to 0, for the arithmetic's sake."""
        ratios, at = self.base.ratios, self.fit.equations.random.index(name)
        if ratios[at] > 1e-3:
            return self.base, ratios[at]
        return self.fit.equations.at(np.where(np.arange(len(ratios)) == at, 0.1, ratios)), 0.1

    def _grid(self, values, rest, largest):
        noise = 1 / values[values > 0].mean()
        top = np.log(max(largest**2 / self.fit.residual_variance, 2 * noise) + noise)
        fine = np.linspace(np.log(noise), top, FINE)
        height = _log_weight(np.exp(fine) - noise, noise, values, rest, self.along, self.free)
        likely = fine[height > height.max() - NEGLIGIBLE]
        points = np.linspace(likely[0], likely[-1], POINTS)
        ratio = np.maximum(np.exp(points) - noise, 0.0)
        height = _log_weight(ratio, noise, values, rest, self.along, self.free)
        weight = np.exp(height - height.max())
        weight[[0, -1]] /= 2
        start = np.log(1 - self.at_start * values).sum()  # of the determinant where the grid would be at ratio 0
        self.log_evidence = (
            height.max() + np.log(weight.sum() * (points[1] - points[0])) - (self.solved.determinant + start) / 2
        )
        gain = ratio / (1 + ratio * values[:, None])  # (raters, K)
        self.weight = weight / weight.sum()
        self.gain = gain - self.at_start[:, None]
        self.sigma2 = (rest - self.along**2 @ gain) / self.free

    def known(self, estimate, variance) -> Predictions:
        """Predictions at the REML variances, taken as known."""
        return Predictions(estimate, estimate[:, None], variance[:, None], np.ones(1), self.free)

    def predictions(self, loadings) -> Predictions:
        """Of combinations of effects."""
        own = self.solved.variance(loadings)
        estimate, start = loadings @ self.fit.solved.solution, loadings @ self.solved.solution
        if not self.used:
            return self.known(estimate, own * self.fit.residual_variance)
        turned = self._turned(loadings)
        mean = start[:, None] + turned @ (self.gain * self.along[:, None])
        spread = np.maximum(own[:, None] + turned**2 @ self.gain, 1e-14 * np.abs(own[:, None])) * self.sigma2
        return Predictions(estimate, mean, spread, self.weight, self.free)

    def covariance(self, loadings) -> np.ndarray:
        """Mean covariance of the prediction errors over the grid."""
        found = float(self.weight @ self.sigma2) * self.solved.covariance(loadings)
        if self.used:
            turned = self._turned(loadings)
            found += turned * (self.gain @ (self.weight * self.sigma2)) @ turned.T
        return found

    def wandering(self, loadings) -> np.ndarray:
        """Covariance, around the REML estimates, of the predictions themselves over the grid."""
        if not self.used:
            return np.zeros((loadings.shape[0],) * 2)
        start = loadings @ (self.solved.solution - self.fit.solved.solution)
        moved = start[:, None] + self._turned(loadings) @ (self.gain * self.along[:, None])
        return moved * self.weight @ moved.T

    def _turned(self, loadings):
        return (loadings @ self.reach) @ self.pull

    @functools.cached_property
    def mean_residual_variance(self) -> float:
        return float(self.weight @ self.sigma2)


class Mixed:
    """The same with the variance of factor ``other`` (few ratees, thinly rated) integrated out, too: its ratio to the
    residual variance, plus the noise of one ratee's mean, is uniform on the log scale."""

    used = True

    def __init__(self, fit: CrossedFit, name: str, largest: float, other: str):
        self.fit, self.free = fit, fit.equations.n - fit.equations.rank
        formed, at = fit.equations, fit.equations.random.index(other)
        people = formed.basis[other].shape[0]
        noise = people / formed.n
        within = max(formed.n - people - formed.basis[name].shape[0], 2)
        doubt = REACH * np.sqrt(2 / (people - 1) + 2 / within)
        best = np.log(fit.solved.ratios[at] + noise)
        ratio = np.exp(np.linspace(max(best - doubt, np.log(noise)), best + doubt, NODES)) - noise
        chosen = [np.where(np.arange(len(fit.solved.ratios)) == at, max(one, 0.0), fit.solved.ratios) for one in ratio]
        nodes = [Integrated(fit, name, largest, formed.at(ratios)) for ratios in chosen]
        evidence = np.array([node.log_evidence for node in nodes])
        weight = np.exp(evidence - evidence.max())
        weight[[0, -1]] /= 2
        weight /= weight.sum()
        kept = weight > 1e-4
        self.nodes = [node for node, keep in zip(nodes, kept, strict=True) if keep]
        self.weight = weight[kept] / weight[kept].sum()

    def known(self, estimate, variance) -> Predictions:
        """Predictions at the REML variances, taken as known."""
        return self.nodes[0].known(estimate, variance)

    def predictions(self, loadings) -> Predictions:
        """Of combinations of effects."""
        found = [node.predictions(loadings) for node in self.nodes]
        return Predictions(
            found[0].estimate, np.hstack([one.mean for one in found]), np.hstack([one.variance for one in found]),
            np.concatenate([share * one.weight for share, one in zip(self.weight, found, strict=True)]), self.free,
        )  # fmt: skip

    def covariance(self, loadings) -> np.ndarray:
        """Mean covariance of the prediction errors over the grid."""
        return self._mean(node.covariance(loadings) for node in self.nodes)

    def wandering(self, loadings) -> np.ndarray:
        """Covariance, around the REML estimates, of the predictions themselves over the grid."""
        return self._mean(node.wandering(loadings) for node in self.nodes)

    @functools.cached_property
    def mean_residual_variance(self) -> float:
        return float(self._mean(node.mean_residual_variance for node in self.nodes))

    def _mean(self, values):
        return sum(share * value for share, value in zip(self.weight, values, strict=True))


def integrated(fit: CrossedFit, name: str | None, largest: float, other: str) -> Integrated | Mixed:
    """Predictions with the variance of ``name`` integrated out, and that of ``other`` where its levels are few."""
    alone = Integrated(fit, name, largest)
    few = other in fit.equations.random and 2 < fit.equations.basis[other].shape[0] <= MOST_RATEES
    return Mixed(fit, name, largest, other) if alone.used and few else alone


def _log_weight(ratio, noise, values, rest, along, free):
    """Log posterior weight of each ratio on the grid of log (ratio + noise)."""
    gain = ratio / (1 + ratio * values[:, None])
    weight = -0.5 * np.log1p(ratio * values[:, None]).sum(axis=0) - free / 2 * np.log(rest - along**2 @ gain)
    power = POWER_OF_FEW if len(values) < FEW_RATERS else POWER
    return weight - (power - 1) * np.log(ratio + noise)
