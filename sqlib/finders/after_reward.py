"""After a reward or a penalty: more than regression to the mean?"""

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.after_reward import AfterRewardResult
from sqlib.words import Estimate, Quantity, Term

ORDER = {"beyond_up": 0, "beyond_down": 0, "within_regression": 1, "too_few": 2}


def _after_reward(result: AfterRewardResult) -> Finding:
    table = result.table.assign(_order=result.table["verdict"].map(ORDER))
    row = table.sort_values("_order", kind="stable").iloc[0]
    values = {"event": Term("event", row["kind"]), "events": Quantity(row["n"])}
    if row["verdict"] == "too_few":
        return Finding("after_reward", "too_few", "none", n=result.n, evidence=("after_reward",), values=values)
    excess = estimated(row, "score", result.confidence, signed=True)
    stability = Estimate(
        result.stability, result.stability_low, result.stability_high, "ratio", None, result.confidence
    )
    values |= {name: estimated(row, "score", result.confidence, name, signed=True) for name in ("observed", "expected")}
    values |= {"excess": excess, "stability": stability, "findable": Quantity(row["findable"], "score", digits=1)}
    return Finding(
        "after_reward", row["verdict"], strength(row["p_value"], float("nan")), **recorded(excess), reference=0.0,
        subject=row["kind"], cautions=result.cautions, evidence=("after_reward",), values=values,
    )  # fmt: skip


def sample(result: AfterRewardResult) -> int:
    """People with a score and a next one, once a period."""
    return result.n


def limits(result: AfterRewardResult) -> dict[str, dict]:
    """That the comparison is no trial."""
    return {"after_reward": {}}


FINDERS = {"after_reward": _after_reward}
