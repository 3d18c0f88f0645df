"""What promises are worth: the share of its promise a measure keeps, on the whole of them."""

import math

from sqlib.findings import Finding
from sqlib.methods.portfolio import PortfolioResult
from sqlib.words import Estimate, Quantity


def _portfolio(result: PortfolioResult) -> Finding:
    table = result.table[result.table["share"].notna()]
    kept = table["kept"].value_counts()
    values = {"promises": Quantity(result.promises), "n": Quantity(len(table))}
    values |= {code: Quantity(int(kept.get(code, 0))) for code in
               ("kept", "partly", "nothing_yet", "contrary", "cannot_tell")}  # fmt: skip
    shown = Estimate(result.share, result.share_low, result.share_high, "percent", result.promises, result.confidence)
    values |= {"share": shown, "low": Quantity(result.prediction_low, "percent", 0),
               "high": Quantity(result.prediction_high, "percent", 0)}  # fmt: skip
    evidence = ("portfolio",)
    if not math.isfinite(result.share):
        verdict = "too_few" if result.promises else "no_promises"
        return Finding("portfolio", verdict, "none", n=result.promises, cautions=result.cautions, evidence=evidence,
                       values=values)  # fmt: skip
    verdict = "below_promise" if result.share_high < 1 else "above_promise" if result.share_low > 1 else "unclear"
    strength = "none" if verdict == "unclear" else "moderate"
    return Finding("portfolio", verdict, strength, estimate=result.share, low=result.share_low, high=result.share_high,
                   confidence=result.confidence, unit="percent", n=result.promises, reference=1.0,
                   cautions=result.cautions, evidence=evidence, values=values)  # fmt: skip


def sample(result: PortfolioResult) -> int:
    """Promises pooled."""
    return result.promises


def limits(result: PortfolioResult) -> dict[str, dict]:
    """That few promises say little of the next; that shares of different indicators are pooled."""
    few = {"few_promises": {"count": result.promises}} if "few_promises" in result.cautions else {}
    return few | ({"mixed_promises": {}} if result.promises > 1 else {})


FINDERS = {"portfolio": _portfolio}
