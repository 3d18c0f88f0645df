"""Results of tiers, bands, reliable change and fairness on small, made firms, one for every verdict."""

import dataclasses

import numpy as np
import pandas as pd
from calibrated import calibrated

from sqlib.methods.rater_fairness import fairness
from sqlib.methods.reliable_change import reliable_change
from sqlib.methods.tiers import decisions

CUTS, MONEY = {"A": 90, "B": 80, "C": 0}, {"A": 3000, "B": 1500, "C": 0}


def people(*scores, raw=None, part=1):
    frame = pd.DataFrame({"ratee_id": [f"p{at}" for at in range(len(scores))], "calibrated": scores, "part": part})
    return frame.assign(
        raw=scores if raw is None else raw, corrected=scores, se=1.0, group="x", n_ratings=3, n_raters=3
    )


def tiers(*scores, error=1.0, raw=None, part=1, money=MONEY, **rule):
    rule = rule or {"cuts": CUTS}
    return decisions(people(*scores, raw=raw, part=part), error * np.eye(len(scores)), money=money, **rule)


def rated(seed=0, people=40, bias=0.0, share=1.0):
    rng = np.random.default_rng(seed)
    who, rater = np.nonzero(rng.random((people, 4)) < share)
    score = rng.normal(0, 1, people)[who] + rng.normal(0, 0.3, len(who)) + bias * ((rater == 0) & (who % 2 == 0))
    named = {"ratee": np.char.add("p", who.astype(str)), "rater": np.char.add("r", rater.astype(str))}
    return pd.DataFrame(named).assign(score=score, team=np.where(who % 2, "south", "north"))


def fair(rows, **options):
    return fairness(rows, ratee="ratee", rater="rater", score="score", group="team", **options)


def period(*scores, se=1.0, start=0):
    ids = [f"p{start + at}" for at in range(len(scores))]
    return pd.DataFrame({"ratee_id": ids, "corrected": scores, "se": se})


def nobody_named():
    """The overall test rejects, no cell does."""
    found = fair(rated())
    return dataclasses.replace(found, tests=found.tests.assign(verdict="differs", p_adjusted=0.03))


def fair_higher():
    """Three groups, one of which a rater favours: nobody is scored lower by enough."""
    rows = rated(people=60, bias=2.0)
    rows["team"] = np.where(rows["team"] == "south", "t" + (rows["ratee"].str[1:].astype(int) % 5).astype(str), "north")
    found = fair(rows)
    return dataclasses.replace(found, table=found.table[found.table["verdict"] != "rates_lower"])


VERDICTS = {
    "tiers": {
        "hang_on_rater": lambda: tiers(91, 79, 70, raw=[85, 85, 70]),
        "tier_hangs": lambda: tiers(91, 79, 70, raw=[85, 85, 70], money=None),
        "settled": lambda: tiers(95, 85, 70),
        "uncertain": lambda: tiers(91, 81, 79, error=64.0),
        "not_judged": lambda: tiers(95, 85, 70, part=[1, 2, 2], shares={"A": 0.3, "B": 0.3, "C": None}),
    },
    "bands": {
        "told_apart": lambda: tiers(95, 85, 70),
        "one_band": lambda: tiers(91, 81, 79, error=64.0),
        "not_banded": lambda: decisions(people(95, 85), None, cuts=CUTS),
    },
    "reliable_change": {
        "moved": lambda: reliable_change(period(70, 75, 80, 85), period(90, 75, 80, 70)),
        "within_noise": lambda: reliable_change(period(70, 75, 80), period(71, 75, 80)),
        "not_comparable": lambda: reliable_change(period(70, 75), period(71, 75)),
    },
    "fairness": {
        "rates_lower": lambda: fair(rated(bias=-2.0), tiers=decisions(*calibrated(people=40)[:2], cuts=CUTS)),
        "rates_higher": fair_higher,
        "differs": nobody_named,
        "no_signal": lambda: fair(rated()),
        "none_judged": lambda: fair(rated(people=16), min_cell=50),
    },
}
EVERY = [(key, verdict) for key, verdicts in VERDICTS.items() for verdict in verdicts]


def made(key, verdict):
    return VERDICTS[key][verdict]()
