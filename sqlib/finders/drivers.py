"""Key drivers: which of them lead, if any can be told, and what goes with raising the weak ones."""

import pandas as pd

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.drivers import DriversResult
from sqlib.words import Cell, Estimate, Listing, Quantity, Term


def _drivers(result: DriversResult) -> Finding:
    top = result.table.iloc[0]
    first = Estimate(top["share"], top["low"], top["high"], "percent", result.n, result.confidence)
    lead = (result.lead, result.lead_low, result.lead_high)
    values = {
        "first": _named(top["driver"]),
        "settled": _listed(result.table, result.settled),
        "leading": _listed(result.table, max(result.leading, 1)),
        "share": first,
        "lead": Estimate(*lead, "points", result.n, result.confidence, signed=True),
        "r2": Estimate(result.r2, result.r2_low, result.r2_high, "percent", result.n, result.confidence),
        "drivers": Quantity(len(result.table)),
        "reason": Term("unsettled", result.unsettled or "overlapping"),
    }
    shared = {"cautions": result.cautions, "evidence": ("drivers",), "values": values}
    if not result.stable:
        verdict = "leading_group" if result.leading else "no_stable_ranking"
        return Finding("drivers", verdict, "none", **recorded(first), **shared)
    return Finding(
        "drivers", "ranked" if result.settled > 1 else "first_only", strength(result.lead_p, result.lead_p_second),
        **recorded(values["lead"]), reference=0.0, subject=str(top["driver"]), **shared,
    )  # fmt: skip


def _gain(result: DriversResult) -> Finding:
    """The driver below the level with the largest gain, among those whose gain is not chance."""
    below = result.table[result.table["gain"].notna()].sort_values("gain", ascending=False)
    sure = below[below["gain_low"].gt(0) & below["gain_p_adjusted"].le(1 - result.confidence)]
    values = {"level": Quantity(result.level, "score"), "below": Quantity(len(below)), "n": Quantity(result.n)}
    if sure.empty:
        return Finding("gain", "no_gain", "none", n=result.n, evidence=("gain", "drivers"), values=values)
    row = sure.iloc[0]
    gain = estimated(row, "score", result.confidence, "gain")
    values |= {
        "driver": _named(row["driver"]),
        "gain": gain,
        "mean": estimated(row, "score", result.confidence, "mean"),
        "others": _listed(sure.iloc[1:], len(sure)),
    }
    return Finding(
        "gain", "gain", strength(row["gain_p_adjusted"], row["gain_p_second"]), **recorded(gain), reference=0.0,
        subject=str(row["driver"]), cautions=result.cautions, evidence=("gain", "drivers"), values=values,
    )  # fmt: skip


def _named(driver: str) -> Cell:
    return Cell("dimension", driver)


def _listed(table: pd.DataFrame, count: int) -> Listing:
    return Listing(tuple(_named(name) for name in table["driver"].head(count)))


def sample(result: DriversResult) -> int:
    """Complete answers."""
    return result.n


def limits(result: DriversResult) -> dict[str, dict]:
    """No cause, and what was left out."""
    found = {"drivers_cause": {}}
    if result.left_out:
        found["drivers_left_out"] = {"items": Listing(tuple(map(_named, result.left_out)))}
    if "incomplete" in result.cautions:
        found["drivers_incomplete"] = {"share": Quantity(result.complete, "percent")}
    return found


FINDERS = {"drivers": _drivers, "gain": _gain}
