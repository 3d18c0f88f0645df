"""Rewards against scores: like cases treated unlike, reversed cases, and whether rewards follow scores at all."""

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.reward_consistency import RewardConsistencyResult
from sqlib.words import Quantity, Term

EVIDENCE = ("reward_cases", "reward_following", "reward_mix")


def _rewards(result: RewardConsistencyResult) -> Finding:
    rank, second = (result.following.set_index("measure").loc[name] for name in ("kendall", "spearman"))
    told = rank["verdict"] != "too_few"
    follows = estimated(rank, "ratio", result.confidence)
    values = {
        "people": Quantity(result.n), "rewards": Quantity(result.rewards), "penalties": Quantity(result.penalties),
        "alike": Quantity(result.alike), "unalike": Quantity(result.unalike), "apart": Quantity(result.apart),
        "reversed": Quantity(result.reversed), "follows": follows if told else Term("term", "missing"),
    }  # fmt: skip
    for verdict, pairs in (("reversed", result.reversed), ("like_unalike", result.unalike)):
        if pairs:
            return _said(result, verdict, "exact", {"estimate": pairs, "unit": "count", "n": result.n}, values)
    numbers = recorded(follows) | {"reference": 0.0} if told else {"n": result.n}
    level = strength(rank["p_value"], second["p_value"]) if told else "none"
    return _said(result, rank["verdict"], level, numbers, values)


def _said(result, verdict: str, level: str, numbers: dict, values: dict) -> Finding:
    return Finding("rewards", verdict, level, **numbers, cautions=result.cautions, evidence=EVIDENCE, values=values)


def sample(result: RewardConsistencyResult) -> int:
    """People with a score."""
    return result.n


def limits(result: RewardConsistencyResult) -> dict[str, dict]:
    """That nobody's desert follows from it; rewards of people who have no score."""
    return {"deserts": {}} | ({"rewards_unknown": {"count": result.unknown}} if result.unknown else {})


FINDERS = {"rewards": _rewards}
