"""What one measure did: the verdict on its own indicator, and the facts a decision on it rests on."""

import math

import pandas as pd

from sqlib import indicator_units, words
from sqlib.findings import Finding
from sqlib.methods.effect_card import CardResult
from sqlib.words import Estimate, Listing, Quantity, Term, decimals

CODED = (("design", "effect_design", "design"), ("tier", "effect_tier", "tier"), ("lasting", "sustained", "sustained"),
         ("estimand", "estimand", "estimand"))  # fmt: skip
SETTLED = ("effective", "probably_effective", "effective_with_side_effect", "worse")  # of which a value is told
TABLES = ("effects", "admissibility", "placebos")


def _card(card: CardResult) -> Finding:
    row = card.row
    shown = _effect(card)
    return Finding(
        "card", row["verdict"], row["strength"], estimate=shown.value, low=shown.low, high=shown.high,
        confidence=card.confidence, unit=shown.unit, n=_counted(row), reference=0.0, subject=str(row["measure_id"]),
        cautions=card.cautions, evidence=(f"card-{card.place}", *TABLES), values=values(card),
    )  # fmt: skip


def values(card: CardResult) -> dict:
    """Everything the words of a card may name."""
    row, change, level = card.row, indicator_units.change(card.row["unit"]), indicator_units.level(card.row["unit"])
    said = {"name": card.name, "indicator": card.indicator or "–", "balancing": card.balancing or "–",
            "effect": _effect(card), "share": _percent(row, card.confidence), "span": _span(row),
            "start": _day(card.measure["start_on"])}  # fmt: skip
    said |= _observed(row, said["indicator"], level, change) | _outlook(row, change)
    said |= {name: Quantity(abs(row[column]), change) for name, column in
             (("detectable", "mde"), ("worth_having", "worth_having"))}  # fmt: skip
    said |= {"promised": Quantity(row["promised"], change, signed=True), "settles": _day(row["settles_on"]),
             "rule": Term("decision_rule", row["decision_rule"]), "grade": Term("strength", row["strength"]),
             "why": _codes(row["reason"]), "held": _held(row)}  # fmt: skip
    said |= {name: None if pd.isna(row[column]) else Term(group, row[column]) for name, group, column in CODED}
    return said | {"full": _day(card.measure.get("full_on")), "where": _where(card.measure)}


def facts(card: CardResult) -> list[tuple[str, dict]]:
    """What the card lists below its figure: entries of ``[card.<item>]`` of the page's words, with their values."""
    row, said = card.row, values(card)
    estimated, observed = math.isfinite(row["effect"]), math.isfinite(row["observed_change"])
    full = "begun_in_full" if pd.notna(card.measure.get("full_on")) else "begun"
    found = [("where", said), (full, said)]
    found += [(f"indicator_{row['direction']}" if row["direction"] in ("up", "down") else "indicator", said)]
    found += [("observed", said)] * observed
    if estimated:
        found += [("effect", said)] + [("percent", said)] * math.isfinite(row["percent"])
        found += [(kind, {"value": _yearly(card, kind)}) for kind in card.worth if row["verdict"] in SETTLED]
        found += [("design", said)]
        found += [("second" if pd.notna(row["second_design"]) else "no_second", _second(card))]
        found += [] if _by_people(row) else [_placebo(row), ("lasting", said)]
    found += [("promised", said)] * math.isfinite(row["promised"])
    if pd.notna(row["balancing_id"]):
        found += [("balancing", said | {"verdict": Term("verdict", row["balancing_verdict"])})]
    found += [("why", said)] * bool(said["why"].items) + [("held", said)] * bool(said["held"].items)
    found += [("worth_having", said)] * math.isfinite(row["worth_having"])
    found += [("detectable", said)] * math.isfinite(row["mde"]) + [("settles", said)] * pd.notna(row["settles_on"])
    return [*found, ("rule", said)]


def _observed(row, indicator, level, change) -> dict:
    """What was seen before and after, and the sentence of it."""
    digits = decimals(row["observed_low"], row["observed_high"], level)
    found = {name: Quantity(row[f"observed_{name}"], level, digits) for name in ("before", "after", "low", "high")}
    found |= {"change": Quantity(row["observed_change"], change, digits, signed=True), "indicator": indicator}
    known = math.isfinite(row["observed_change"])
    return found | {"seen": Term("observed", "means", found) if known else Term("observed", "nothing")}


def _outlook(row, change) -> dict:
    """The smallest effect the data would show, and when the question could be settled."""
    size, day = {"size": Quantity(abs(row["mde"]), change)}, _day(row["settles_on"])
    never = math.isinf(row["weeks_needed"])
    return {"shown_from": Term("shown_from", "size" if math.isfinite(row["mde"]) else "nothing", size),
            "when": Term("settles", "on" if day else "never" if never else "unknown", {"day": day})}  # fmt: skip


def _effect(card: CardResult) -> Estimate:
    row = card.row
    return Estimate(row["effect"], row["low"], row["high"], indicator_units.change(row["unit"]), None, card.confidence,
                    signed=True)  # fmt: skip


def _percent(row, confidence) -> Estimate:
    return Estimate(row["percent"], row["percent_low"], row["percent_high"], "percent", None, confidence, signed=True)


def _yearly(card: CardResult, kind: str) -> Estimate:
    unit = "money" if kind == "money" else "hours"
    return Estimate(*card.worth[kind], unit, None, card.confidence, signed=True)


def _second(card: CardResult) -> dict:
    row = card.row
    if pd.isna(row["second_design"]):
        return {}
    ends = (row[f"second_effect{end}"] for end in ("", "_low", "_high"))
    estimate = Estimate(*ends, indicator_units.change(row["unit"]), None, card.confidence, signed=True)
    return {"design": Term("effect_design", row["second_design"]), "effect": estimate}


def _placebo(row) -> tuple[str, dict]:
    """How the real date stands among all dates at which nothing began."""
    dates = 0 if pd.isna(row["placebo_dates"]) else int(row["placebo_dates"])
    if not dates:
        return "no_placebo", {}
    stronger = round(row["placebo_rank"] * (dates + 1)) - 1  # the real date counts itself
    return "placebo", {"dates": Quantity(dates), "stronger": Quantity(stronger)}


def _by_people(row) -> bool:
    return row["design"] == "ancova"


def _span(row) -> Term:
    """Periods before and after, or people with the measure and without."""
    names = ("treated", "compared") if _by_people(row) else ("n_before", "n_after")
    values = dict(zip(("before", "after"), (Quantity(row[name]) for name in names), strict=True))
    return Term("span", "people" if _by_people(row) else "periods", values)


def _counted(row) -> int:
    """Periods with a value, or people."""
    return int(row["treated"] + row["compared"] if _by_people(row) else row["n_before"] + row["n_after"])


def _day(day) -> str | None:
    return None if pd.isna(day) else f"{pd.Timestamp(day):%Y-%m-%d}"


def _where(measure) -> str | Term:
    units = measure.get("units")
    return Term("term", "everywhere") if pd.isna(units) else str(units)


def _codes(cell, group: str = "effect_reason") -> Listing:
    """Codes joined by ";" in words."""
    return Listing(tuple(Term(group, code) for code in cell.split(";") if code) if isinstance(cell, str) else ())


def _held(row) -> Listing:
    """What keeps the verdict from being surer."""
    cautions = _codes(row["cautions"], "effect_caution").items
    return Listing((*_codes(row["downgrades"]).items, *(_worded(term) for term in cautions)))


def _worded(term: Term) -> Term:
    """A caution under the group that words it: some are reasons elsewhere."""
    return term if term.code in words.entry("common", term.group) else Term("effect_reason", term.code)


def sample(card: CardResult) -> int:
    """Periods with a value, before and after; people where they are judged one by one."""
    return _counted(card.row)


def limits(card: CardResult) -> dict[str, dict]:
    """What ``effects`` says of all measures together."""
    return {}


FINDERS = {"card": _card}
