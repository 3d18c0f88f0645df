"""Terms that set comments apart: low scores against the others, this period against the one before."""

from functools import partial

from sqlib.findings import Finding, recorded, strength
from sqlib.methods.terms import TermsResult
from sqlib.words import Estimate, Listing, Quantity

NAMED = 6  # terms named in a sentence


def _terms(key: str, result: TermsResult) -> Finding:
    values = {"terms": Quantity(result.terms), "first_n": Quantity(result.first_n), "least": Quantity(result.min_count)}
    values |= {"second_n": Quantity(result.second_n)}
    more = result.table[result.table["verdict"] == "more"]
    if more.empty:
        n = result.first_n + result.second_n
        return Finding(key, "no_signal", "none", n=n, evidence=(key,), values=values)
    row = more.iloc[0]
    people = int(row[["first", "second"]].sum())
    ratio = Estimate(*row[["odds_ratio", "odds_ratio_low", "odds_ratio_high"]], "ratio", people, result.confidence)
    values |= {"term": row["term"], "ratio": ratio, "listed": Listing(tuple(more["term"].head(NAMED)))}
    return Finding(
        key, "typical", strength(row["p_adjusted"], row["p_second"]), **recorded(ratio), reference=1.0,
        subject=row["term"], evidence=(key,), values=values,
    )  # fmt: skip


def sample(result: TermsResult) -> int:
    """People in both groups."""
    return result.first_n + result.second_n


def limits(result: TermsResult) -> dict[str, dict]:
    """What words alone do not say."""
    return {"terms": {}}


FINDERS = {"terms": partial(_terms, "terms"), "new_terms": partial(_terms, "new_terms")}
