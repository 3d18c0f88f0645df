"""What all measures did: how many work, how many do not, and of how many nothing can be said, with the reasons."""

from sqlib.findings import Finding
from sqlib.methods.effect_verdicts import ENOUGH_DATES, RANK
from sqlib.methods.effects import EffectsResult
from sqlib.words import Listing, Quantity, Term

WORKED = ("effective", "probably_effective", "effective_with_side_effect")
HARMED = ("worse", "effective_with_side_effect")
OPEN = ("cannot_tell", "too_early", "not_as_planned")
MOST_NAMED = 4
CAUTIOUS = ("its", "its_counts")  # designs without a comparison


def _effects(result: EffectsResult) -> Finding:
    own = _own(result)
    counts = own["verdict"].value_counts()
    verdict = next((code for code, words in (("some_harm", HARMED), ("some_work", WORKED))
                    if own["verdict"].isin(words).any()), "none_shown")  # fmt: skip
    reasons = own.loc[own["verdict"].isin(OPEN), "reason"].value_counts()
    values = {code: Quantity(int(counts.get(code, 0))) for code in
              (*WORKED, "worse", "no_effect_worth_having", *OPEN)}  # fmt: skip
    values |= {"n": Quantity(len(own)), "settled": Quantity(int((~own["verdict"].isin(OPEN)).sum())),
               "unsettled": Quantity(int(own["verdict"].isin(OPEN).sum())), "tests": Quantity(result.tests),
               "worked": _named(own, WORKED), "harmed": _named(own, HARMED),
               "fading": _listed(own.loc[own["sustained"].eq("fading") & own["verdict"].isin(WORKED), "name"]),
               "reasons": Listing(tuple(Term("effect_reason", code) for code in reasons.index[:3]))}  # fmt: skip
    return Finding("effects", verdict, "exact", estimate=len(own) - values["unsettled"].value, n=len(own),
                   cautions=result.cautions, evidence=("effects", "admissibility"), values=values)  # fmt: skip


def _placebos(result: EffectsResult) -> Finding | None:
    own = _own(result)
    tried = own[own["placebo_dates"] > 0]
    if tried.empty:
        return None
    clear = tried[(tried["placebo_dates"] >= ENOUGH_DATES) & (tried["placebo_rank"] <= RANK)]
    values = {"n": Quantity(len(tried)), "clear": Quantity(len(clear)),
              "listed": _listed(clear["name"])}  # fmt: skip
    return Finding("placebos", "told_apart" if len(clear) else "none_found", "exact", estimate=len(clear), n=len(tried),
                   evidence=("placebos",), values=values)  # fmt: skip


def _own(result: EffectsResult):
    return result.effects[result.effects["primary"].astype(bool)]


def _named(own, verdicts) -> Listing:
    return _listed(own.loc[own["verdict"].isin(verdicts), "name"])


def _listed(names) -> Listing:
    return Listing(tuple(names.astype("str").head(MOST_NAMED)))


def sample(result: EffectsResult) -> int:
    """Measures of the register."""
    return len(_own(result))


def limits(result: EffectsResult) -> dict[str, dict]:
    """Why a measure worked; that no comparison is no proof; what was chosen after looking; that nothing shown is no
    proof of nothing."""
    own = _own(result)
    alone = int(own["design"].isin(CAUTIOUS).sum())
    found = {"effect_mechanism": {}, "nothing_shown": {}}
    found |= {"no_comparison": {"count": alone}} if alone else {}
    open_ = int(own["verdict"].isin(OPEN).sum())
    return found | ({"measures_open": {"count": open_}} if open_ else {})


FINDERS = {"effects": _effects, "placebos": _placebos}
