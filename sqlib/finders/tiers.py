"""Tiers: how many bonuses hang on who the rater was, and who can be told apart at all."""

import math

from sqlib.findings import Finding, recorded, strength
from sqlib.methods.tiers import SETTLED, TierResult
from sqlib.words import Estimate, Listing, Quantity

NAMED = 10  # people a sentence can name


def _tiers(result: TierResult) -> Finding:
    wrong = _wrong(result, "expected_wrong_raw")
    moved = result.ratees[result.ratees["changed"]].sort_values("p_raw", kind="stable")
    values = {
        "n": Quantity(result.n),
        "judged": Quantity(result.judged),
        "changed": Quantity(result.changed),
        "bonuses": Quantity(result.bonuses),
        "hanging": Quantity(result.hanging),
        "thin": Quantity(result.thin),
        "people": Listing(tuple(moved["ratee_id"].head(NAMED))),
        "wrong_raw": wrong,
        "wrong": _wrong(result, "expected_wrong"),
        "money_moved": Quantity(result.money_moved, "money"),
        "money_at_stake": Quantity(_about(result.money_at_stake), "money"),
        "certainty": Quantity(result.certainty, "percent", digits=0),
    }
    sure = strength(result.p_none_wrong, math.nan) if result.hanging else "none"
    return Finding(
        "tiers", _verdict(result), sure, **recorded(wrong) | {"n": result.judged}, reference=0.0,
        cautions=result.cautions, evidence=("tiers", "tier_people"), values=values,
    )  # fmt: skip


def _about(amount: float) -> float:
    """An expected amount to two digits: more would feign precision."""
    return round(amount, 1 - math.floor(math.log10(amount))) if math.isfinite(amount) and amount > 0 else amount


def _verdict(result: TierResult) -> str:
    if not result.judged:
        return "not_judged"
    if result.hanging:
        return "hang_on_rater" if math.isfinite(result.money_moved) else "tier_hangs"
    return "settled" if result.certainty >= SETTLED and not result.changed else "uncertain"


def _wrong(result: TierResult, name: str) -> Estimate:
    ends = (getattr(result, f"{name}{end}") for end in ("", "_low", "_high"))
    return Estimate(*ends, "count", confidence=result.confidence)


def _bands(result: TierResult) -> Finding:
    people = result.ratees["band"].notna().sum()
    largest = result.ratees.groupby(["part", "band"], dropna=True).size().max() if people else math.nan
    values = {
        "people": Quantity(people),
        "left_out": Quantity(result.n - people),
        "bands": Quantity(result.bands),
        "largest": Quantity(largest),
        "compared": Quantity(result.compared),
        "apart": Quantity(result.apart),
        "share": Quantity(result.apart / result.compared if result.compared else math.nan, "percent"),
    }
    verdict = "told_apart" if result.apart else "one_band" if result.compared else "not_banded"
    least = result.pairs["p_adjusted"].min() if len(result.pairs) else 1 - result.confidence
    return Finding(
        "bands", verdict, strength(least, math.nan) if result.apart else "none", n=int(people),
        cautions=result.cautions, evidence=("tier_people",), values=values,
    )  # fmt: skip


def sample(result: TierResult) -> int:
    """People with a tier."""
    return result.judged


def limits(result: TierResult) -> dict[str, dict]:
    """No consequence for a person; what the level of unlinked parts rests on."""
    return {code: {} for code in ("level_assumed", "not_comparable", "tied_at_boundary") if code in result.cautions}


FINDERS = {"tiers": _tiers, "bands": _bands}
