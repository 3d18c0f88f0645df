"""Who is silent."""

import math

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.response import ResponseResult
from sqlib.words import Cell, Estimate, Listing, Quantity


def _response(result: ResponseResult) -> Finding:
    table = result.table
    order = {"silent": 0, "under": 1}
    listed = table[table["verdict"].isin(order)]
    rate = Estimate(result.rate, result.low, result.high, "percent", sample(result), result.confidence)
    values = {
        "rate": rate,
        "groups": Listing(tuple(Cell(row.dimension, row.group) for row in listed.itertuples())),
    }
    if listed.empty:
        verdict = "too_few" if table["verdict"].eq("too_few").all() else "as_expected"
        return Finding("response", verdict, "none", **recorded(rate), evidence=("response",), values=values)
    worst = listed.assign(_order=listed["verdict"].map(order)).sort_values(["_order", "representation"]).iloc[0]
    if math.isnan(worst["answered"]):
        return _untold(result, worst, values, rate)
    group = estimated(worst, "percent", result.confidence)
    values |= {
        "group": Cell(worst["dimension"], worst["group"]),
        "group_rate": group,
        "base_share": Quantity(worst["base_share"], "percent"),
        "answer_share": Quantity(worst["answer_share"], "percent"),
        "group_base": Quantity(worst["base"]),
    }
    return Finding(
        "response", worst["verdict"], strength(worst["p_adjusted"], worst["p_second"]), **recorded(group),
        reference=result.rate,
        subject=f"{worst['dimension']}={worst['group']}", cautions=result.cautions, evidence=("response",),
        values=values,
    )  # fmt: skip


def _untold(result: ResponseResult, worst, values: dict, rate: Estimate) -> Finding:
    """A group of which too few answered for its rate to be told: that they are few, out of how many."""
    values |= {
        "group": Cell(worst["dimension"], worst["group"]),
        "base_share": Quantity(worst["base_share"], "percent"),
        "group_base": Quantity(worst["base"]),
        "least": Quantity(result.min_group),
    }
    return Finding(
        "response", "few_answered", "exact", n=int(worst["n"]), subject=f"{worst['dimension']}={worst['group']}",
        cautions=result.cautions, evidence=("response",), values=values,
    )  # fmt: skip


def sample(result: ResponseResult) -> int:
    """Customers invited or, without invitations, under contract."""
    return int(result.invited if result.denominator == "invited" else result.base)


def limits(result: ResponseResult) -> dict[str, dict]:
    """Nothing of its own: what the data cannot say stands elsewhere."""
    return {}


FINDERS = {"response": _response}
