"""Customers to call back."""

from sqlib.findings import Finding
from sqlib.methods.call_back import CallBackResult
from sqlib.words import Quantity


def _call_back(result: CallBackResult) -> Finding:
    values = {"low": Quantity(result.low), "open": Quantity(result.without_case), "scored": Quantity(result.n)}
    verdict = "no_cases" if "no_cases" in result.cautions else "listed" if result.without_case else "none_open"
    return Finding(
        "call_back", verdict, "exact", estimate=result.without_case, unit="count", n=result.n,
        cautions=result.cautions, evidence=("call_back",), values=values,
    )  # fmt: skip


def sample(result: CallBackResult) -> int:
    """Scored answers."""
    return result.n


def limits(result: CallBackResult) -> dict[str, dict]:
    """Nothing of its own: what the data cannot say stands elsewhere."""
    return {}


FINDERS = {"call_back": _call_back}
