"""What one design says of one measure on one indicator: the shape every effect method answers in."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Effect:
    """What one design says of one measure on one indicator.

    ``design``: its | its_counts | counterfactual | unit_differences | staggered | imputation | synthetic_control |
    sdid | ancova; ``estimand``: what the number means (level, mean_after, end_of_ramp, att_simple, att_dynamic,
    att_group, att, gap_mean, adjusted_mean); ``effect``, ``se``, ``df``, ``low``, ``high``, ``p_value`` in the
    indicator's own unit and sign; ``percent`` with limits: of the level without the measure, NaN where senseless;
    ``n_before``, ``n_after`` periods; ``treated``, ``compared`` units.

    ``path``, one row a period: time, observed, expected, low, high (expected without the measure, over the whole
    stretch). ``details``, one row a nuisance figure: name, estimate, low, high.
    """

    design: str
    estimand: str
    effect: float
    se: float
    df: float
    low: float
    high: float
    p_value: float
    percent: float
    percent_low: float
    percent_high: float
    n_before: int
    n_after: int
    treated: int
    compared: int
    confidence: float
    path: pd.DataFrame
    details: pd.DataFrame
    cautions: tuple[str, ...]
