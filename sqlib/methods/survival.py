"""Times to an event of which some are still running: Kaplan-Meier's median with the interval of Brookmeyer & Crowley.

The limits are those of the survival curve on the log(-log) scale (Greenwood's variance), read off at one half: the
first time the lower, and the upper, limit of the curve is at or below it. A limit the curve never reaches is infinite.

References: Kaplan & Meier (1958) JASA 53:457; Brookmeyer & Crowley (1982) Biometrics 38:29; Klein & Moeschberger
(2003) Survival Analysis, 4.5. Checked against the data of Miller (1981) on leukaemia (median 27) and statsmodels.
"""

import numpy as np

from sqlib.methods import samples


def curve(times, ended):
    """The survival curve at every time of an event: arrays time, survival, Greenwood's sum.

    times : durations, none missing; ended : did the event happen then (else still running)?
    """
    times, ended = np.asarray(times, dtype=float), np.asarray(ended, dtype=bool)
    at, counts = np.unique(times[ended], return_counts=True)
    risk = len(times) - np.searchsorted(np.sort(times), at, side="left")
    with np.errstate(divide="ignore"):
        return at, np.cumprod(1 - counts / risk), np.cumsum(counts / (risk * (risk - counts)))


def median(times, ended, *, confidence=0.95) -> tuple[float, float, float]:
    """Median time to the event with its interval; NaN where no half is reached, an open upper limit is infinite."""
    at, survival, greenwood = curve(times, ended)
    if not len(at):
        return np.nan, np.nan, np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        bent = np.log(-np.log(survival))
        half = samples.z_value(1 - confidence) * np.sqrt(greenwood) / np.abs(np.log(survival))
        lower, upper = (np.exp(-np.exp(bent + sign * half)) for sign in (1, -1))
    lower, upper = (np.where(survival <= 0, 0.0, limit) for limit in (lower, upper))
    middle = _crossing(at, survival)
    return (middle if np.isfinite(middle) else np.nan), _crossing(at, lower), _crossing(at, upper)


def _crossing(at, curve) -> float:
    """The first time a falling curve is at or below one half; infinite where it never is."""
    below = np.flatnonzero(curve <= 0.5 + 1e-12)
    return float(at[below[0]]) if len(below) else np.inf
