"""How often the 95 % interval of each design holds the truth, as simulated beforehand.

Lowest and highest share of the cells tried, their number, and data sets a cell: ``benchmarks/effects.py``; METHODS.md
lists every cell. A change of an engine is measured again and told here.
"""

import pandas as pd

from sqlib.methods.effects import EffectsResult

COLUMNS = ["design", "lowest", "highest", "cells", "runs", "measures"]
MEASURED = {
    "its": (0.929, 0.966, 40, 4000),
    "controlled": (0.929, 0.966, 40, 4000),  # the same engine on the difference of two series
    "its_counts": (0.919, 0.980, 18, 1000),
    "counterfactual": (0.935, 1.0, 12, 1000),
    "unit_differences": (0.948, 0.958, 5, 4000),
    "staggered": (0.946, 0.976, 8, 4000),
    "synthetic_control": (0.930, 0.930, 1, 300),
    "ancova": (0.933, 0.956, 10, 1000),
}


def measured_coverage(result: EffectsResult) -> pd.DataFrame:
    """The designs a report rests on, second opinions included, columns ``COLUMNS``; ``measures``: how many of the
    report's estimates each gave."""
    used = pd.concat([result.effects["design"], result.effects["second_design"]]).dropna().value_counts()
    rows = [(design, *MEASURED[design], int(count)) for design, count in used.items() if design in MEASURED]
    return pd.DataFrame(rows, columns=COLUMNS)
