"""Registers and series made for tests of effects: one firm or many units, monthly, with known truth."""

import numpy as np
import pandas as pd


def ar(rng, n, phi=0.0, sd=1.0):
    noise = rng.standard_normal(n)
    for t in range(1, n):
        noise[t] = phi * noise[t - 1] + np.sqrt(1 - phi**2) * noise[t]
    return sd * noise


def values(columns, *, indicator="A", unit="percent", direction="up", kind="mean", first="2022-01-01", weekly=False,
           numerator=np.nan, denominator=np.nan) -> pd.DataFrame:  # fmt: skip
    """Monthly (weekly) values as ``indicator_values.series`` gives them; ``columns``: unit -> values."""
    parts = []
    for name, own in columns.items():
        starts = pd.date_range(first, periods=len(own), freq="7D" if weekly else "MS")
        parts.append(pd.DataFrame({
            "indicator_id": indicator, "unit_id": name, "period_start": starts,
            "period_end": starts + (pd.Timedelta(days=6) if weekly else pd.offsets.MonthEnd(0)),
            "frequency": "week" if weekly else "month", "time": range(len(own)),
            "value": np.asarray(own, dtype=float), "numerator": numerator, "denominator": denominator, "n": 50.0,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True).assign(name=indicator, unit=unit, direction=direction, data_type=kind)


def indicators(*names, direction="up", kind="mean", changed=pd.NaT) -> pd.DataFrame:
    return pd.DataFrame({"indicator_id": list(names), "name": list(names), "unit": "percent", "direction": direction,
                         "data_type": kind, "definition_changed_on": changed})  # fmt: skip


def measures(*rows) -> pd.DataFrame:
    """Rows over a plain measure M1 on indicator A of the whole firm from 2024-01-01."""
    plain = {"measure_id": "M1", "name": "m", "indicator_id": "A", "balancing_indicator_id": None, "units": None,
             "comparison_units": None, "start_on": pd.Timestamp("2024-01-01"), "full_on": pd.NaT, "end_on": pd.NaT,
             "fidelity": 1.0, "trigger": "planned", "status": "running", "replicated_from": None, "baseline": np.nan,
             "goal": np.nan}  # fmt: skip
    return pd.DataFrame([plain | row for row in rows or ({},)])


GATES = ("multiplicity", "methods_disagree", "placebo_as_good", "weak_sign_of_worse")  # reasons; others: downgrades


def lost_at(effects: pd.DataFrame) -> pd.Series:
    """Shares of the rows of ``EffectsResult.effects``: interval clear of 0, called by the verdict, and lost between the
    two at each gate (reason)."""
    clear = (effects["low"] > 0) | (effects["high"] < 0)
    called = effects["verdict"].isin(["effective", "probably_effective", "effective_with_side_effect", "worse"])
    lost = effects["reason"].where(clear & ~called)
    known = {gate: (lost == gate).mean() for gate in GATES}
    other = (clear & ~called).mean() - sum(known.values())
    return pd.Series({"interval": clear.mean(), **known, "other": other, "called": called.mean()})
