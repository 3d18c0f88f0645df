"""What stands beside the effect on a series: its autocorrelation, coefficients and the standard errors others print."""

import numpy as np
from scipy import special

from sqlib.methods import autoregression
from sqlib.methods.samples import t_value

LAGS = 12
FEW_DF = 3.0
STRONG = 0.8  # phi from which level and drift can hardly be told apart


def row(name, estimate, low=np.nan, high=np.nan) -> dict:
    """One row of ``Effect.details``."""
    return {"name": name, "estimate": float(estimate), "low": float(low), "high": float(high)}


def p_value(ratio, df):
    """Two-sided p value of a t ratio."""
    return 2 * special.stdtr(df, -np.abs(ratio))


def of_errors(fitted, residual, confidence) -> list[dict]:
    """phi with its interval, phi_2, noise (standard deviation of one error), Ljung-Box and lags."""
    low, high = (part[0] for part in fitted.phi_interval(confidence))
    shock = innovations(fitted, residual)
    rows = [
        row("phi", fitted.phi[0], low, high),
        row("phi_2", fitted.phi_2[0]),
        row("noise", fitted.variance[0] ** 0.5),
    ]
    rows += [row("ljung_box_p", _remaining(fitted, shock)), row("ljung_box_raw_p", ljung_box(residual)[1])]
    return rows + [row(f"lag_{k}", value) for k, value in enumerate(autocorrelations(shock, LAGS), 1)]


def cautions(fitted, residual) -> dict[str, bool]:
    """Codes of what the errors give rise to, and whether each holds."""
    return {
        "autocorrelation": ljung_box(residual)[1] < 0.05,
        "residual_autocorrelation": _remaining(fitted, innovations(fitted, residual)) < 0.05,
        "strong_autocorrelation": fitted.phi[0] >= STRONG,
        "few_degrees_of_freedom": fitted.df[0] <= FEW_DF,
    }


def of_coefficients(names, coefficients, covariance, df, confidence, *, skip=("level", "cosine", "sine")) -> list[dict]:
    """Every coefficient but level and season with its interval."""
    half = t_value(1 - confidence, df) * np.sqrt(np.diag(covariance))
    return [
        row(name, value, value - width, value + width)
        for name, value, width in zip(names, coefficients, half, strict=True)
        if not name.startswith(skip)
    ]


def combined(name, fitted, weights, confidence) -> dict:
    """A linear combination of the coefficients with its interval."""
    value, error = (float(part[0]) for part in fitted.combine(weights))
    half = t_value(1 - confidence, float(fitted.df[0])) * error
    return row(name, value, value - half, value + half)


def innovations(fitted, residual) -> np.ndarray:
    """Residuals freed of the autocorrelation fitted; NaN where a neighbour is missing."""
    return autoregression.whiten(residual[:, None], float(fitted.phi[0]), float(fitted.phi_2[0]))[:, 0]


def autocorrelations(values, lags) -> np.ndarray:
    """Autocorrelation at lags 1.. over the pairs at hand; NaN where no pair is."""
    centred = values - np.nanmean(values)
    scale = np.nansum(centred**2) or np.nan
    products = [centred[k:] * centred[:-k] if k < len(centred) else np.array([np.nan]) for k in range(1, lags + 1)]
    return np.array([np.nansum(each) / scale if np.isfinite(each).any() else np.nan for each in products])


def ljung_box(values, fitted: int = 0, lags: int = LAGS) -> tuple[float, float]:
    """(Q, p) over up to ``lags`` lags (at most a quarter of the values, at least 3), ``fitted`` coefficients taken off
    the degrees of freedom (Ljung & Box 1978, Biometrika 65:297)."""
    n = int(np.isfinite(values).sum())
    lags = max(min(lags, n // 4), 3)
    found = np.nan_to_num(autocorrelations(values, lags))
    statistic = n * (n + 2) * float((found**2 / np.maximum(n - np.arange(1, lags + 1), 1)).sum())
    return statistic, float(special.chdtrc(lags - fitted, statistic))


def usual_lag(n: int) -> int:
    """Lag commonly taken for Newey-West (1994, Rev Econ Stud 61:631)."""
    return int(4 * (n / 100) ** (2 / 9))


def newey_west(scores, bread, lag: int) -> np.ndarray:
    """Covariance of coefficients from scores (n, p) and the inverse information (p, p): Bartlett weights, no
    small-sample factor (Newey & West 1987, Econometrica 55:703). For comparison only."""
    middle = scores.T @ scores
    for k in range(1, lag + 1):
        cross = scores[k:].T @ scores[:-k]
        middle += (1 - k / (lag + 1)) * (cross + cross.T)
    return bread @ middle @ bread


def other_errors(used, design, weights) -> list[dict]:
    """Standard errors of the effect by ordinary least squares and by Newey-West, as other programs print them."""
    seen = ~np.isnan(used)
    matrix = design.matrix * seen[:, None]
    bread = np.linalg.inv(matrix.T @ matrix)
    residual = np.where(seen, used, 0.0) - matrix @ (bread @ (matrix.T @ np.where(seen, used, 0.0)))
    ordinary = bread * (residual @ residual) / (seen.sum() - matrix.shape[1])
    newey = newey_west(matrix * residual[:, None], bread, usual_lag(int(seen.sum())))
    pairs = {"ordinary_se": ordinary, "newey_west_se": newey}
    return [row(name, np.sqrt(weights @ covariance @ weights)) for name, covariance in pairs.items()]


def season_share(used, design, coefficients) -> float:
    """Share of the variance of the values that the season's waves hold."""
    waves = np.array([name.startswith(("cosine", "sine")) for name in design.names])
    part = design.matrix[~np.isnan(used)][:, waves] @ coefficients[waves]
    return float(np.var(part) / np.nanvar(used)) if waves.any() else 0.0


def _remaining(fitted, shock) -> float:
    """P value of Ljung-Box on the innovations."""
    return ljung_box(shock, int(fitted.phi[0] > 0) + int(fitted.phi_2[0] > 0))[1]
