"""What followed an appraisal: talks in time, with appeals, comments and packs beside them."""

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.appraisal_follow_up import AppraisalFollowUpResult
from sqlib.words import Quantity, Term


def _follow_up(result: AppraisalFollowUpResult) -> Finding:
    rows = result.table.set_index("measure")
    values = {"people": Quantity(result.n), "within": Quantity(result.within), "open": Quantity(result.open)}
    values |= {name: _told(rows, name, result) for name in ("upheld", "substance", "read")}
    values["appeals"] = Quantity(rows.loc["appealed", "successes"]) if "appealed" in rows.index else _missing()
    if "talk_in_time" not in rows.index:
        return Finding(
            "follow_up", "too_few", "none", n=result.n, cautions=result.cautions, evidence=("follow_up",), values=values
        )
    row = rows.loc["talk_in_time"]
    share = estimated(row, "percent", result.confidence)
    goal = Quantity(result.target, "percent") if row["verdict"] != "no_target" else Term("verdict", "no_target")
    values |= {"share": share, "held": Quantity(row["successes"]), "counted": Quantity(row["n"]), "target": goal}
    level = "exact" if row["verdict"] == "no_target" else strength(row["p_value"], row["p_second"])
    return Finding(
        "follow_up", row["verdict"], level, **recorded(share), reference=result.target, target=result.target,
        cautions=result.cautions, evidence=("follow_up", "talks"), values=values,
    )  # fmt: skip


def _told(rows, name: str, result):
    """A share of the table; words for "not to be told" where the data hold nothing."""
    if name not in rows.index:
        return _missing()
    return estimated(rows.loc[name], "percent", result.confidence)


def _missing() -> Term:
    return Term("term", "no_record")


def sample(result: AppraisalFollowUpResult) -> int:
    """People appraised, once a period."""
    return result.n


def limits(result: AppraisalFollowUpResult) -> dict[str, dict]:
    """That a talk held in time need not have been a good one; that rules judge the comments."""
    return {"talk_quality": {}} | ({"comment_rules": {}} if "substance" in set(result.table["measure"]) else {})


FINDERS = {"follow_up": _follow_up}
