"""The client's own figures beside those recomputed from the records: do they agree, and by how much do they differ?"""

from dataclasses import dataclass

import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import indicator_values

COLUMNS = ["indicator_id", "used", "first", "last", "reported", "recomputed", "agree", "differ", "largest", "on"]


@dataclass(frozen=True)
class ReconciliationResult:
    """``table``, one row an indicator, columns ``COLUMNS``: which source the series of this page is of (reported |
    recomputed), its first and last period, periods reported and recomputed, how many of those in both agree (to the
    client's last decimal) or differ, the largest difference (reported less recomputed) and the period it is of.
    ``values``: every period in both, columns ``indicator_values.RECONCILED``. ``both``: periods in both sources."""

    table: pd.DataFrame
    values: pd.DataFrame
    both: int
    cautions: tuple[str, ...]
    impossible: int = 0  # reported values that no counting gives, left out


def reconciliation(reported, recomputed, *, indicators=None) -> ReconciliationResult:
    """Hold reported values (None: there are none) against recomputed ones.

    Raises MethodRefused: ``reconciliation.nothing`` (no value of any indicator).
    """
    series = indicator_values.series(reported, recomputed, indicators=indicators)
    if series.empty:
        raise MethodRefused("reconciliation.nothing", rows=0 if reported is None else len(reported))
    values = pd.DataFrame(columns=indicator_values.RECONCILED)
    if reported is not None and len(recomputed):
        values = indicator_values.reconcile(recomputed, reported, indicators=indicators)
    values = values[values["verdict"] != "not_recomputable"].reset_index(drop=True)
    table = pd.DataFrame([_row(name, own, values) for name, own in series.groupby("indicator_id", sort=False)])
    left_out = 0 if reported is None or indicators is None else len(indicator_values.impossible(reported, indicators))
    return ReconciliationResult(table.reindex(columns=COLUMNS), values, len(values), (), left_out)


def _row(name, own, values) -> dict:
    both = values[values["indicator_id"] == name]
    far = both.loc[[both["difference"].abs().idxmax()]].iloc[0] if len(both) else None
    verdicts = both["verdict"].value_counts()
    return {
        "indicator_id": name, "used": own["used"].iloc[0], "first": own["period_start"].min(),
        "last": own["period_end"].max(), "reported": int(own["used"].eq("reported").sum()),
        "recomputed": len(both) if own["used"].iloc[0] == "reported" else len(own),
        "agree": int(verdicts.get("agree", 0)), "differ": int(verdicts.get("differs", 0)),
        "largest": None if far is None else far["difference"], "on": None if far is None else far["period_start"],
    }  # fmt: skip
