"""Penalty and reward: which parts cost satisfaction when poor, which bring it when excellent."""

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.penalty_reward import PenaltyRewardResult
from sqlib.words import Cell, Listing, Quantity

CLAIMS = {  # class -> the term the finding speaks of, and the other its class rests on
    "basic": ("penalty", "asymmetry"),
    "performance": ("penalty", "reward"),
    "excitement": ("reward", "asymmetry"),
}


def _penalty_reward(result: PenaltyRewardResult) -> Finding:
    table = result.table
    values = {"comparisons": Quantity(result.comparisons), "n": Quantity(result.n)}
    values |= {verdict: _listed(table[table["verdict"] == verdict]) for verdict in CLAIMS}
    for verdict, (term, _) in CLAIMS.items():
        found = table[table["verdict"] == verdict]
        if len(found):
            return _attribute(verdict, found.loc[found[term].abs().idxmax()], result, values)
    code = "none_settled" if result.comparisons else "none_judged"
    return Finding("penalty_reward", code, "none", n=result.n, evidence=("penalty_reward",), values=values)


def _attribute(verdict, row, result, values) -> Finding:
    """A class is as sure as the less sure of the two terms it rests on."""
    p_value, p_second = (max(row[f"{term}_{end}"] for term in CLAIMS[verdict]) for end in ("p_adjusted", "p_second"))
    penalty, reward = (estimated(row, "score", result.confidence, name, signed=True) for name in ("penalty", "reward"))
    values = values | {"attribute": Cell("dimension", row["attribute"]), "penalty": penalty, "reward": reward}
    return Finding(
        "penalty_reward", verdict, strength(p_value, p_second),
        **recorded(reward if verdict == "excitement" else penalty), reference=0.0, subject=str(row["attribute"]),
        cautions=result.cautions, evidence=("penalty_reward",), values=values,
    )  # fmt: skip


def _listed(table) -> Listing:
    return Listing(tuple(Cell("dimension", name) for name in table["attribute"]))


def sample(result: PenaltyRewardResult) -> int:
    """Complete answers."""
    return result.n


def limits(result: PenaltyRewardResult) -> dict[str, dict]:
    """No cause; the coding is a convention."""
    return {"penalty_coding": {}}


FINDERS = {"penalty_reward": _penalty_reward}
