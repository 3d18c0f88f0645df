"""Who rates whom: may everybody stand on one scale, and what to add where not."""

from sqlib.findings import Finding
from sqlib.methods.rating_design import CROSS, HOME, Design
from sqlib.words import Quantity


def _design(result: Design) -> Finding:
    ratees, raters = result.ratees, result.raters
    verdict = "unlinked" if not result.connected else "thin" if not result.joint_ranking else "confounded_home"
    verdict = "joint" if result.pay_wording else verdict
    values = {
        "people": Quantity(len(ratees)),
        "raters": Quantity(len(raters)),
        "judgements": Quantity(result.incidence.nnz),
        "parts": Quantity(result.parts),
        "blocks": Quantity(result.blocks),
        "largest": Quantity(int((ratees["part"] == 1).sum())),
        "alone": Quantity(int((raters["cut_off"] > 0).sum())),
        "home": Quantity(result.home_share, "percent"),
        "even": Quantity(result.home_expected, "percent"),
        "across": Quantity(1 - result.home_share, "percent"),
        "bar": Quantity(CROSS, "percent"),
        "most": Quantity(HOME, "percent"),
    }
    return Finding(
        "design", verdict, "exact", estimate=result.home_share, unit="percent", n=len(ratees),
        cautions=result.cautions, evidence=("design", "links_to_add") if len(result.links_to_add) else ("design",),
        values=values | _asked(result),
    )  # fmt: skip


def _asked(result: Design) -> dict:
    """The first rater asked to rate people across a gap, and what that buys; all judgements asked for."""
    plan = result.links_to_add
    if plan.empty:
        return {}
    first = plan.iloc[0]
    own = plan[(plan["joins"] == first["joins"]) & (plan["rater_id"] == first["rater_id"])]
    return {
        "rater": first["rater_id"],
        "team": first["ratee_team"],
        "asked": Quantity(len(own)),
        "before": Quantity(first["se_before"], "score"),
        "after": Quantity(first["se_after"], "score"),
        "added": Quantity(len(plan)),
    }


def sample(result: Design) -> int:
    """People rated."""
    return len(result.ratees)


def limits(result: Design) -> dict[str, dict]:
    """That raters may have chosen whom they rate; that unlinked parts are not compared."""
    return {"rater_choice": {}} | ({} if result.connected else {"unlinked": {}})


FINDERS = {"design": _design}
