"""The word for an effect: eight verdicts, four strengths, and the reason where nothing can be said.

Effective (worse, mirrored): p value corrected over all measures at most 1 - confidence; the placebo rank at most .10
where nine dates exist (fewer: weak at most); a second method of the same sign. No effect worth having: the interval
inside plus or minus the least change worth having. Everything else: cannot tell. "Not significant" is never "no
effect".
"""

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods.admissibility import STRENGTHS

VERDICTS = ("effective", "probably_effective", "no_effect_worth_having", "cannot_tell", "worse",
            "effective_with_side_effect", "not_as_planned", "too_early")  # fmt: skip
STRONG = 0.01  # corrected p value above which no verdict is strong, as everywhere else
REASONS = (
    "interval_holds_nothing",
    "multiplicity",
    "weak_sign_of_worse",
    "methods_disagree",
    "placebo_as_good",
    "fidelity",
    "engine_refused",
)  # besides those of the rules of ``admissibility``
LIMITS = {
    "not_at_99": "moderate",
    "no_second_method": "weak",
    "methods_disagree": "none",
    "few_placebo_dates": "weak",
    "placebo_as_good": "none",
    "faded": "weak",
    "pre_trend": "weak",
    "uneven_spread": "moderate",
}  # strongest word by what the checks find
RULES = ("keep", "keep_and_look_again", "find_why_it_fades", "stop_or_adjust", "stop_unless_cheap", "adjust",
         "carry_out_first", "complete_the_register", "correct_the_figures", "separate_in_time_or_place", "set_a_goal",
         "decide_on_cost", "add_comparison_units", "continue_and_look_again")  # fmt: skip
RANK, ENOUGH_DATES = 0.10, 9
FAITHFUL = 0.6  # share carried out as planned below which a measure was not tried
INCOMPLETE = ("no_indicator", "no_start", "unknown_indicator", "no_values", "no_direction", "unknown_units",
              "both_sides", "start_outside")  # fmt: skip
DATA_FAULTS = ("duplicates", "irregular", "negative", "too_many_points", "constant")
PAST_TOO_SHORT = ("definition_changed", "too_few_before", "nothing_before", "season_unknown")
NOT_BY_WAITING = ("inseparable", "chosen_after", "definition_changed")
EARLY = ("not_started", "too_few_after", "nothing_after")


def require(measures) -> None:
    """A register with measures, each once."""
    if measures is None or not len(measures):
        raise MethodRefused("effects.no_register", got=0)
    twice = measures["measure_id"][measures["measure_id"].duplicated()]
    if len(twice):
        raise MethodRefused("effects.repeated", got=twice.iloc[0])


def verdict(found, row, confidence) -> dict:
    """verdict, strength, reason, downgrades and cautions of one case; ``row`` holds its numbers."""
    facts = found.case.facts
    planned = not facts["fidelity"] < FAITHFUL
    if found.effect is None:
        reason = _reason(found.designs)
        word = "too_early" if reason in EARLY else "cannot_tell" if planned else "not_as_planned"
        return {"verdict": word, "strength": "none", "reason": reason, "downgrades": "", "cautions": ""}
    chosen = found.designs[found.designs["chosen"]].iloc[0]
    strength, cautions = _strength(found, row, chosen, row["p_adjusted"] <= 1 - confidence)
    word, reason = _word(found, row, strength, 1 - confidence)
    if not planned and word in ("cannot_tell", "no_effect_worth_having"):
        word, reason = "not_as_planned", "fidelity"
    if word in ("cannot_tell", "not_as_planned"):
        strength = "none"
    return {"verdict": word, "strength": strength, "reason": reason, "downgrades": chosen["downgrades"],
            "cautions": _together(chosen["caps"].split(";"), cautions, _own(found))}  # fmt: skip


def _own(found) -> list[str]:
    """What the engine cautions of; periods left out on purpose are not missing."""
    return [code for code in found.effect.cautions if code != "missing_periods" or found.case.holes]


def _together(*codes) -> str:
    """Codes joined by ";", each once."""
    return ";".join(dict.fromkeys(code for part in codes for code in part if code))


def _reason(designs) -> str:
    """Why the plainest design is missing: what holds for all stands there too."""
    reasons = designs["reason"].tolist()
    said = [reason for reason in reasons if reason not in ("better_with_units", "not_counted", "counts_as_counts")]
    return said[0] if len(set(reasons)) == 1 else said[-1]


def _strength(found, row, chosen, clear) -> tuple[str, list[str]]:
    """The strongest word the design, the checks and the history of the measure allow; sign and placebo dates are asked
    only of an effect that is ``clear`` of 0."""
    details = found.effect.details.set_index("name")
    holds = {
        "not_at_99": clear and row["p_adjusted"] > STRONG,
        "no_second_method": found.other is None,
        "methods_disagree": clear and _opposed(found),
        "few_placebo_dates": row["placebo_dates"] < ENOUGH_DATES,
        "placebo_as_good": clear and _as_good(row),
        "faded": clear and row["effect"] * found.case.sign > 0 and found.checks["faded"],
        "pre_trend": "pre_trend" in found.effect.cautions or _parted(details),
        "uneven_spread": "uneven_spread" in found.effect.cautions and _few_vary(found.effect, details),
    }
    held = {code: LIMITS[code] for code, true in holds.items() if true}
    best = "strong" if chosen["tier"] == "A" else "moderate"
    level = min([STRENGTHS.index(each) for each in (best, chosen["cap"], *held.values())])
    steps = len([code for code in chosen["downgrades"].split(";") if code])
    return STRENGTHS[max(level - steps, 0)], list(held)


def _word(found, row, strength, alpha) -> tuple[str, str]:
    """Verdict and the reason where it is held back."""
    worth, clear = found.case.worth, row["p_adjusted"] <= alpha
    inside = np.isfinite(worth) and row["low"] > -worth and row["high"] < worth
    allowed = _untroubled(found)
    if inside and allowed:
        return "no_effect_worth_having", ""
    if not clear:
        return "cannot_tell", "interval_holds_nothing" if row["low"] <= 0 <= row["high"] else "multiplicity"
    if strength == "none":
        return "cannot_tell", _held_back(found, row)
    if row["effect"] * found.case.sign > 0:
        return ("probably_effective" if strength == "weak" else "effective"), ""
    return ("cannot_tell", "weak_sign_of_worse") if strength == "weak" else ("worse", "")


def _untroubled(found) -> bool:
    """May an interval near 0 be believed? Not where the date was chosen after looking or a downgrade leaves nothing."""
    chosen = found.designs[found.designs["chosen"]].iloc[0]
    steps = len([code for code in chosen["downgrades"].split(";") if code])
    return STRENGTHS.index(chosen["cap"]) - steps > 0 and (found.other is None or _overlap(found.effect, found.other))


def _overlap(one, other) -> bool:
    return one.low <= other.high and other.low <= one.high


def _parted(details) -> bool:
    """Did treated and comparison units move apart before the start?"""
    if "pre_trend" not in details.index:
        return False
    return bool(details.at["pre_trend", "low"] > 0 or details.at["pre_trend", "high"] < 0)


def _few_vary(effect, details) -> bool:
    """Do the fewer units vary more? Then one spread for all is too small: with three of nine at three times the spread
    of the others 17 of 100 useless measures look effective."""
    more = details.at["spread_treated", "estimate"] > details.at["spread_compared", "estimate"]
    return effect.treated != effect.compared and bool(more == (effect.treated < effect.compared))


def _opposed(found) -> bool:
    """Does the second method see the opposite?"""
    return found.other is not None and found.other.effect * found.effect.effect <= 0


def _as_good(row) -> bool:
    """Are too many dates before the start as convincing as the real one?"""
    return row["placebo_dates"] >= ENOUGH_DATES and row["placebo_rank"] > RANK


def _held_back(found, row) -> str:
    if _opposed(found):
        return "methods_disagree"
    if _as_good(row):
        return "placebo_as_good"
    chosen = found.designs[found.designs["chosen"]].iloc[0]
    return "chosen_after" if chosen["cap"] == "none" else chosen["downgrades"].split(";")[0]


def with_side_effects(table: pd.DataFrame) -> pd.DataFrame:
    """Each measure with the verdict of its balancing indicator; effective with a worsened one is said as such.
    A balancing indicator decides nothing by itself."""
    balancing = table[~table["primary"].astype(bool)].drop_duplicates("measure_id").set_index("measure_id")
    own = table["measure_id"].where(table["primary"].astype(bool))
    word, name = own.map(balancing["verdict"]), own.map(balancing["indicator_id"])
    worsened = own.map(_worsened(balancing)).eq(True)
    changed = table["verdict"].mask(table["verdict"].isin(["effective", "probably_effective"]) & worsened,
                                    "effective_with_side_effect")  # fmt: skip
    rules = table["decision_rule"].mask(changed == "effective_with_side_effect", "adjust").where(own.notna())
    reason = table["reason"].where(table["reason"].ne(""))
    return table.assign(verdict=changed, reason=reason, decision_rule=rules, balancing_id=name, balancing_verdict=word)


def _worsened(balancing) -> pd.Series:
    """Was the balancing indicator judged worse, or weakly so?"""
    return balancing["verdict"].eq("worse") | balancing["reason"].eq("weak_sign_of_worse")


def rule(row, more) -> str:
    """What to do with an answer: a code of the decision rules."""
    word = row["verdict"]
    if word in ("effective", "probably_effective") and row.get("sustained") == "fading":
        return "find_why_it_fades"
    fixed = {"effective": "keep", "worse": "stop_or_adjust", "no_effect_worth_having": "stop_unless_cheap",
             "probably_effective": "keep_and_look_again", "not_as_planned": "carry_out_first"}  # fmt: skip
    if word in fixed:
        return fixed[word]
    if row.get("reason") in INCOMPLETE:
        return "complete_the_register"
    if row.get("reason") in DATA_FAULTS:
        return "correct_the_figures"
    if row.get("reason") == "inseparable":
        return "separate_in_time_or_place"
    if row.get("reason") in PAST_TOO_SHORT and not np.isfinite(more):
        return "add_comparison_units"
    if np.isnan(more):
        return "set_a_goal" if word == "cannot_tell" else "continue_and_look_again"
    if more == 0 and word == "cannot_tell":
        return "decide_on_cost"
    return "add_comparison_units" if np.isinf(more) else "continue_and_look_again"
