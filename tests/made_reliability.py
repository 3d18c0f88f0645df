"""Results on reliability and its budget, of made ratings: one for every verdict."""

import functools

from made_ratings import crossed

from sqlib.methods.reliability import budget, reliability

CASES = {  # verdict -> people, raters, ratings each, sd of people, raters, error
    "fit_for_pay": (80, 6, 6, (2.0, 0.2, 0.6)), "fit_for_coaching": (40, 5, 5, (1.0, 0.3, 1.0)),
    "not_reliable": (120, 12, 2, (0.5, 0.4, 1.0)), "unclear": (10, 3, 3, (0.8, 0.5, 1.0)),
}  # fmt: skip


@functools.cache
def reliable(verdict: str):
    people, raters, each, sd = CASES[verdict]
    data = crossed(people, raters, each, sd, criteria=2)
    return reliability(data, ratee="ratee", rater="rater", score="score", criterion="criterion", draws=50)


@functools.cache
def budgets() -> dict:
    study = reliable("fit_for_coaching").study
    ends = {"hours_per_rating": 0.25, "raters": (2, 12), "criteria": (2, 6)}
    found = [budget(study, target=target, **ends) for target in (0.6, 0.93, 0.9999)]
    level = found[0].present["dependability"] - 1e-9
    found.append(budget(study, target=level, hours_per_rating=0.25, raters=(5, 5), criteria=(2, 2)))
    return {each.verdict: each for each in found}


BUDGETS = ("cheaper_plan", "more_needed", "out_of_reach", "well_spent")
VERDICTS = {
    "reliability": {verdict: functools.partial(reliable, verdict) for verdict in CASES},
    "budget": {verdict: lambda verdict=verdict: budgets()[verdict] for verdict in BUDGETS},
}
