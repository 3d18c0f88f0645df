"""Which designs the data allow, and why the better ones are missing: the flow of questions, as data.

Every rule has a code (worded in ``words/improvement_effect.toml``), the designs it speaks of and what follows:
``refuse`` the design, ``cap`` the strength of its verdict, or ``downgrade`` it by one step. Rules are read in order;
the first that refuses gives the reason.

Tiers: A with comparison units, B the indicator's own past, D two averages (values before and after, no design: what
was observed, nothing of cause). Tier C, a shift on a control chart, has no word of its own here: from eight periods
before and four after a series is judged as a series, with an interval and at most "probably" where it is short, and
with fewer no word of cause is used at all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from sqlib.methods import staggered
from sqlib.methods.difference_in_differences import MOST_SERIES
from sqlib.methods.interruption import FEWEST_AFTER, FEWEST_BEFORE

TIERS = {"staggered": "A", "unit_differences": "A", "synthetic_control": "A", "controlled": "A", "its_counts": "B",
         "its": "B"}  # fmt: skip
ALL = tuple(TIERS)  # the strongest first
PANEL, SINGLE = ALL[:4], ALL[4:]
TIERS |= {"ancova": "A"}  # judged person by person, by rules of its own (effect_people)
STRENGTHS = ("none", "weak", "moderate", "strong")
OBSERVED = "D"  # tier of a case without any design: two averages
COLUMNS = ["measure_id", "indicator_id", "design", "tier", "admissible", "reason", "refusal", "cap", "caps",
           "downgrades", "chosen"]  # fmt: skip
FEWEST_UNITS, FEWEST_DONORS, MOST_CASES, FEWEST_FITTED = 6, 10, 3, 10
GOOD_BEFORE, FAIR_BEFORE, GOOD_AFTER = 24, 12, 8
RARE = 5  # events a period


@dataclass(frozen=True)
class Rule:
    """``when`` it holds for the facts of a case, ``consequence`` (refuse | cap | downgrade) follows for ``designs``."""

    code: str
    when: Callable[[dict], bool]
    consequence: str = "refuse"
    designs: tuple[str, ...] = ALL
    cap: str = "none"


def _is(name: str) -> Callable[[dict], bool]:
    return lambda facts: bool(facts.get(name))


RULES = (
    Rule("no_indicator", _is("no_indicator")),
    Rule("no_start", _is("no_start")),
    Rule("not_started", _is("not_started")),
    Rule("unknown_indicator", _is("unknown_indicator")),
    Rule("no_values", _is("no_values")),
    Rule("no_direction", _is("no_direction")),
    Rule("duplicates", _is("duplicates")),
    Rule("irregular", _is("irregular")),
    Rule("too_many_points", _is("too_many_points")),
    Rule("negative", _is("negative")),
    Rule("both_sides", _is("both_sides")),
    Rule("unknown_units", _is("unknown_units")),
    Rule("start_outside", _is("start_outside")),
    Rule("no_treated", lambda f: f["treated"] == 0),
    Rule("nothing_before", lambda f: f["before"] < 2),
    Rule("nothing_after", lambda f: f["after"] == 0),
    Rule("constant", _is("constant")),
    Rule("too_few_before", lambda f: f["before"] < FEWEST_BEFORE),
    Rule("too_few_after", lambda f: f["after"] < FEWEST_AFTER),
    Rule("inseparable", _is("inseparable")),
    Rule("no_comparison", lambda f: f["compared"] == 0, designs=PANEL),
    Rule("one_start", lambda f: f["cohorts"] < 2, designs=("staggered",)),
    Rule("too_few_compared", lambda f: f["compared"] < staggered.THRESHOLDS["compared"], designs=("staggered",)),
    Rule("small_cohort", lambda f: f["cohort"] < staggered.THRESHOLDS["treated_a_cohort"], designs=("staggered",)),
    Rule("too_few_units", lambda f: f["treated"] + f["compared"] < FEWEST_UNITS, designs=("unit_differences",)),
    Rule("too_many_treated", lambda f: f["treated"] > MOST_CASES, designs=("synthetic_control",)),
    Rule("too_few_donors", lambda f: f["compared"] < FEWEST_DONORS, designs=("synthetic_control",)),
    Rule("too_few_to_fit", lambda f: f["before"] < FEWEST_FITTED, designs=("synthetic_control",)),
    Rule("too_many_series", lambda f: f["compared"] > MOST_SERIES, designs=("controlled",)),
    Rule("better_with_units", lambda f: f["compared"] > 0, designs=SINGLE),
    Rule("definition_changed", _is("definition_changed"), designs=SINGLE),
    Rule("season_unknown", _is("season_unknown"), designs=SINGLE),
    Rule("not_counted", lambda f: not f["counted"], designs=("its_counts",)),
    Rule("rare_counts", lambda f: f["mean_count"] < RARE, designs=SINGLE),
    Rule("counts_as_counts", _is("counted"), designs=("its",)),
    Rule("chosen_after", _is("chosen_after"), "cap"),
    Rule("diluted", _is("diluted"), "cap", cap="weak"),
    Rule("not_in_full", _is("not_in_full"), "cap", cap="weak"),
    Rule("season_from_both_sides", _is("season_from_both_sides"), "cap", SINGLE, "weak"),
    Rule("cut_at_definition", _is("cut_at_definition"), "cap", cap="strong"),  # said, no more
    Rule("short_before", lambda f: f["before"] < FAIR_BEFORE, "cap", (*SINGLE, "controlled"), "weak"),
    Rule("under_two_years", lambda f: f["before"] < GOOD_BEFORE, "cap", SINGLE, "moderate"),
    Rule("short_after", lambda f: f["after"] < GOOD_AFTER, "cap", (*SINGLE, "controlled"), "weak"),
    Rule("after_bad_period", _is("bad_trigger"), "downgrade"),
    Rule("worst_before", lambda f: f["worst_before"] and f["planned"], "cap", SINGLE, "strong"),  # said, no more
    Rule("worst_before", lambda f: f["worst_before"] and f["unexplained"], "downgrade", SINGLE),
    Rule("concurrent", _is("others_ran"), "downgrade", PANEL[:3]),
    Rule("concurrent", _is("concurrent"), "downgrade", ALL[3:]),  # its step is in the model
    Rule("definition_changed", _is("definition_changed"), "downgrade", PANEL),
)


def judge(case) -> pd.DataFrame:
    """Every design for one case, one row each, the strongest first: columns ``COLUMNS``.

    ``reason``: code of the first rule that refuses, engine_refused (``refusal``: what the engine said), or "";
    ``cap``: strongest verdict allowed, ``caps`` and ``downgrades``: codes of the rules behind it, joined by ";";
    ``chosen``: the design that is used.
    """
    table = pd.DataFrame([_design(design, case.facts) for design in ALL])
    table = table.assign(measure_id=case.measure_id, indicator_id=case.indicator_id, refusal="")
    first = table["admissible"] & (table["admissible"].cumsum() == 1)
    return table.assign(chosen=first)[COLUMNS]


def _design(design: str, facts: dict) -> dict:
    rules = [rule for rule in RULES if design in rule.designs]
    row = {"design": design, "tier": TIERS[design], "admissible": False, "cap": "none", "caps": "", "downgrades": ""}
    reason = next((rule.code for rule in rules if rule.consequence == "refuse" and rule.when(facts)), "")
    if reason:
        return row | {"reason": reason}
    held = {kind: [rule for rule in rules if rule.consequence == kind and rule.when(facts)]
            for kind in ("cap", "downgrade")}  # fmt: skip
    cap = min([rule.cap for rule in held["cap"]], key=STRENGTHS.index, default="strong")
    codes = {name: ";".join(rule.code for rule in rules) for name, rules in held.items()}
    return row | {"admissible": True, "reason": "", "cap": cap, "caps": codes["cap"], "downgrades": codes["downgrade"]}
