"""Least squares whose standard errors hold when the spread differs between people (HC3) or people share a team (CR2).

A combination of coefficients gets t limits: on n - p degrees of freedom with HC3, on Satterthwaite's of Bell &
McCaffrey with CR2, which fall below the number of teams where few of them carry the comparison.

References: MacKinnon & White (1985) J Econometrics 29:305 (HC3); Bell & McCaffrey (2002) Survey Methodology 28:169
and Pustejovsky & Tipton (2018) J Bus Econ Stat 36:672 (CR2). Checked against HC3 of statsmodels and CR2 by whole
matrices.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fit:
    """``coefficients`` (p,); ``covariance`` (p, p); ``plain``: the covariance ordinary least squares would print;
    ``residual`` (n,); ``score`` (G, p, p): what gives the degrees of freedom of CR2, None with HC3."""

    coefficients: np.ndarray
    covariance: np.ndarray
    plain: np.ndarray
    residual: np.ndarray
    bread: np.ndarray
    score: tuple | None

    def combine(self, weights) -> tuple[float, float, float]:
        """Estimate, standard error and degrees of freedom of the combination ``weights`` (p,)."""
        weights = np.asarray(weights, dtype=float)
        se = np.sqrt(weights @ self.covariance @ weights)
        return float(weights @ self.coefficients), float(se), self._df(weights)

    def _df(self, weights) -> float:
        n, p = len(self.residual), len(weights)
        if self.score is None:
            return float(n - p)
        own, crossed = self.score
        direction = self.bread @ weights
        load = crossed @ direction  # (G, p): what each team's residuals take from the common coefficients
        product = np.diag(np.einsum("i,gij,j->g", direction, own, direction)) - load @ self.bread @ load.T
        return float(np.trace(product) ** 2 / (product**2).sum())


def fit(values, design, cluster=None) -> Fit:
    """Least squares of ``values`` (n,) on ``design`` (n, p; full rank); ``cluster`` (n,) codes of teams: CR2."""
    bread = np.linalg.inv(design.T @ design)
    coefficients = bread @ (design.T @ values)
    residual = values - design @ coefficients
    plain = bread * (residual @ residual) / (len(values) - design.shape[1])
    if cluster is None:
        leverage = np.einsum("ni,ij,nj->n", design, bread, design)
        scores, score = design * (residual / (1 - np.minimum(leverage, 1 - 1e-9)))[:, None], None
    else:
        teams = [_team(design[cluster == each], residual[cluster == each], bread) for each in np.unique(cluster)]
        scores, own, crossed = (np.stack(part) for part in zip(*teams, strict=True))
        score = own, crossed
    return Fit(coefficients, bread @ (scores.T @ scores) @ bread, plain, residual, bread, score)


def _team(design, residual, bread):
    """Score of a team, its adjusted design squared, and crossed with the design."""
    value, vector = np.linalg.eigh(np.eye(len(design)) - design @ bread @ design.T)
    root = np.where(value > 1e-9, 1 / np.sqrt(np.maximum(value, 1e-9)), 0.0)
    adjusted = (vector * root) @ (vector.T @ design)
    return adjusted.T @ residual, adjusted.T @ adjusted, design.T @ adjusted
