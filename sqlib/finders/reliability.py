"""Reliability: what the scores are fit for, and which plan would be enough for how many hours."""

from sqlib.findings import Finding, estimated, recorded
from sqlib.methods.reliability import COACHING, COACHING_LOW, PAY, PAY_LOW, BudgetResult, ReliabilityResult
from sqlib.words import Estimate, Listing, Quantity

UNITS = ("raters", "criteria", "occasions")  # of a plan: units of common.toml
REFERENCE = {"fit_for_pay": PAY_LOW, "fit_for_coaching": COACHING_LOW, "not_reliable": COACHING, "unclear": COACHING}


def _reliability(result: ReliabilityResult) -> Finding:
    rows = result.table.set_index("coefficient")
    absolute, relative = (
        estimated(rows.loc[name], "ratio", result.confidence) for name in ("dependability", "generalizability")
    )
    return Finding(
        "reliability", result.verdict, "none" if result.verdict == "unclear" else "moderate", **recorded(absolute),
        reference=REFERENCE[result.verdict], cautions=result.cautions, evidence=("reliability",),
        values={
            "dependability": absolute, "generalizability": relative, "sem": Quantity(result.sem, "score"),
            "people": Quantity(result.n), "raters": Quantity(result.raters), "pay": Quantity(PAY, "ratio", 2),
            "pay_low": Quantity(PAY_LOW, "ratio", 2), "coaching": Quantity(COACHING, "ratio", 2),
            "coaching_low": Quantity(COACHING_LOW, "ratio", 2),
        },
    )  # fmt: skip


def _budget(result: BudgetResult) -> Finding:
    shown = result.present if result.cheapest is None else result.cheapest
    reached, present = _reached(result, shown), _reached(result, result.present)
    most = result.table.loc[result.table[result.coefficient].idxmax()]
    plain = result.present if result.verdict == "well_spent" else shown
    sure = _reached(result, plain).low >= result.target or reached.high < result.target
    return Finding(
        "budget", result.verdict, "moderate" if sure else "none", **recorded(_reached(result, plain)),
        reference=result.target, cautions=result.cautions, evidence=("budget",),
        values={
            "target": Quantity(result.target, "ratio", 2), "now": plan(result.present), "plan": plan(shown),
            "reached": reached, "present": present, "hours": Quantity(shown["hours"], "hours"),
            "present_hours": Quantity(result.present["hours"], "hours"), "most": plan(most),
            "most_reached": _reached(result, most), "difference": Quantity(abs(result.hours_saved), "hours"),
            "people": Quantity(result.people),
        },
    )  # fmt: skip


def _reached(result: BudgetResult, row) -> Estimate:
    name = result.coefficient
    return Estimate(row[name], row[f"{name}_low"], row[f"{name}_high"], "ratio", result.people, result.confidence)


def plan(row) -> Listing:
    """Raters, criteria and occasions of a plan; a harmonic mean keeps a decimal."""
    given = [unit for unit in UNITS if unit in row]
    return Listing(tuple(Quantity(row[unit], unit, 0 if abs(row[unit] % 1 - 0.5) > 0.45 else 1) for unit in given))


def sample(result) -> int:
    """People rated."""
    return result.n if isinstance(result, ReliabilityResult) else result.people


def limits(result) -> dict[str, dict]:
    """That agreement is no validity; that a plan extrapolates; that few raters tell little of raters at large."""
    found = {"reliable_not_right": {}} if isinstance(result, ReliabilityResult) else {"budget_plan": {}}
    return found | ({"few_raters": {"count": result.raters}} if "few_raters" in result.cautions else {})


FINDERS = {"reliability": _reliability, "budget": _budget}
