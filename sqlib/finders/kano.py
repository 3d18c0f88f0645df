"""Kano classes: what is taken for granted, wanted or delightful, as far as the classes are settled."""

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.kano import KanoResult
from sqlib.words import Estimate, Listing, Quantity

WEIGHT = {"must_be": "worse", "one_dimensional": "worse", "attractive": "better"}  # by which the first is chosen


def _kano(result: KanoResult) -> Finding:
    judged = result.table[result.table["verdict"].ne("too_few")]
    values = {"features": Quantity(len(judged)), "n": Quantity(result.n), "respondents": Quantity(result.respondents)}
    values |= {verdict: _listed(judged[judged["verdict"] == verdict]) for verdict in (*WEIGHT, "indifferent")}
    for verdict, coefficient in WEIGHT.items():
        found = judged[judged["verdict"] == verdict]
        if len(found):
            return _feature(verdict, found.loc[found[coefficient].abs().idxmax()], result, values)
    return Finding("kano", "none_settled", "none", n=result.n, evidence=("kano",), values=values)


def _feature(verdict, row, result, values) -> Finding:
    ahead = estimated(row, "points", result.confidence, "category_strength", signed=True)
    values = values | {
        "feature": _name(row),
        "ahead": ahead,
        "better": estimated(row, "percent", result.confidence, "better"),
        "worse": Estimate(
            -row["worse"], -row["worse_high"], -row["worse_low"], "percent", int(row["n"]), result.confidence
        ),
        "probability": Quantity(row["probability"], "percent"),
    }
    return Finding(
        "kano", verdict, strength(row["p_adjusted"], row["p_second"]), **recorded(ahead), reference=0.0,
        subject=_name(row), cautions=result.cautions, evidence=("kano",), values=values,
    )  # fmt: skip


def _name(row) -> str:
    return f"{row['feature']} · {row['segment']}" if row["segment"] else str(row["feature"])


def _listed(table) -> Listing:
    return Listing(tuple(_name(row) for row in table.to_dict("records")))


def sample(result: KanoResult) -> int:
    """Answered pairs."""
    return result.n


def limits(result: KanoResult) -> dict[str, dict]:
    """Stated feelings; and a scale that may be coded the other way."""
    return {"kano_stated": {}} | ({"kano_reverse": {}} if "mostly_reverse" in result.cautions else {})


FINDERS = {"kano": _kano}
