"""How numbers of an indicator are printed: its unit, as the contract or the client names it, to a key of ``[unit]``.

Indicators in per cent are kept as numbers of 100, as clients write them, unlike shares of the project's own methods.
"""

import pandas as pd

LEVELS = {
    "percent": "of_hundred", "share": "percent", "hours": "mean_hours", "minutes": "mean_minutes", "days": "mean_days",
    "points": "mean_points", "cases": "mean_cases", "money": "money", "per_hundred": "per_hundred",
    "per_thousand": "per_thousand",
}  # fmt: skip
CHANGES = LEVELS | {"percent": "hundredths", "share": "points"}
OTHER = "score"  # a unit of the client's own: the number alone


def level(unit) -> str:
    """Key of ``[unit]`` for a value of an indicator in this unit."""
    return OTHER if pd.isna(unit) else LEVELS.get(unit, OTHER)


def change(unit) -> str:
    """Key of ``[unit]`` for a difference of two values: per cent become percentage points."""
    return OTHER if pd.isna(unit) else CHANGES.get(unit, OTHER)
