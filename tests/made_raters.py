"""Results on who rates whom and how raters differ, of a made firm of thirty people: one for every verdict."""

import dataclasses
import functools

import numpy as np
import pandas as pd

from sqlib.methods import rating_design, ratings, standing
from sqlib.methods.rater_calibration import calibrate

COMPONENTS = {"rater": 0.09, "residual": 0.49}


def scores(seed=1, periods=4, severity=(1.5, -1.5, 0, 0, 0)):
    """30 people in three teams, five raters, four criteria: r0 severe, r1 lenient."""
    rng = np.random.default_rng(seed)
    level, liking = rng.normal(0, 1, 30), rng.normal(0, 0.3, (30, 5))
    rows = [
        (p, r, c, m, level[p] - severity[r] + liking[p, r] + rng.normal(0, 0.5))
        for p in range(30) for r in range(5) for c in range(4) for m in range(periods) if (p + r) % 5 < 3
    ]  # fmt: skip
    names = [(f"p{p:02}", f"r{r}", f"c{c}", f"2026-{m + 1:02}", f"T{p // 10}", 70 + y) for p, r, c, m, y in rows]
    return pd.DataFrame(names, columns=["ratee_id", "rater_id", "criterion_id", "period", "team", "score"])


def calibrated(data):
    return calibrate(data, ratee="ratee_id", rater="rater_id", score="score", criterion="criterion_id",
                     period="period", group="team")  # fmt: skip


def designed(pairs, team):
    frame = pd.DataFrame(pairs, columns=["ratee", "rater"])
    frame = frame.assign(team=frame["ratee"].map(team), score=np.arange(len(frame)) % 5.0, rater=frame["rater"] + 100)
    found = rating_design.design(ratings.coded(frame, ratee="ratee", rater="rater", score="score", group="team"))
    return dataclasses.replace(found, links_to_add=rating_design.predicted(found, COMPONENTS))


def home(links, teams=4, people=5):
    own = [(t * people + k, t) for t in range(teams) for k in range(people)]
    return own + [((t - 1) * people + k, t) for t in range(1, teams) for k in range(links)]


DESIGNS = {
    "joint": (home(4), 5),
    "thin": (home(1), 5),
    "unlinked": (home(0), 5),
    "confounded_home": (home(3, people=20), 20),
}


def design(verdict):
    pairs, people = DESIGNS[verdict]
    return designed(pairs, lambda p: f"T{p // people}")


def flagged(result, flag):
    profiles = result.profiles.assign(flags="", profile="in_line")
    if flag:
        profiles.loc[[1, 2], ["flags", "profile"]] = flag
    return dataclasses.replace(result, profiles=profiles)


def judged(result, verdict):
    return dataclasses.replace(result, raters=result.raters.assign(verdict=verdict))


@functools.cache
def firm():
    """r0 severe, r1 lenient."""
    return calibrated(scores())


def unprofiled():
    empty = firm().profiles.assign(spread=np.nan, halo=np.nan, drift=np.nan)
    return dataclasses.replace(firm(), profiles=empty)


def habit(flag: str) -> dict:
    """The verdicts on a habit of raters."""
    return {
        flag: lambda: flagged(firm(), flag),
        "none_found": lambda: flagged(firm(), ""),
        "cannot_tell": unprofiled,
    }


def little_moved():
    """Nobody's corrected score lies far from the raw one."""
    people = firm().ratees
    return standing.standing(dataclasses.replace(firm(), ratees=people.assign(corrected=people["raw"])))


VERDICTS = {
    "design": {verdict: functools.partial(design, verdict) for verdict in DESIGNS},
    "severity": {
        "differ": firm,
        "alike": lambda: judged(firm(), "in_line"),
        "cannot_tell": lambda: judged(firm(), "cannot_tell"),
    },
    "spread": habit("central_tendency"),
    "halo": habit("halo"),
    "drift": habit("drifting"),
    "calibration": {
        "raters_moved": lambda: standing.standing(firm()),
        "little_moved": little_moved,
        "apart": lambda: standing.standing(dataclasses.replace(firm(), joint_ranking=False, parts=2)),
    },
}
EVERY = [(key, verdict) for key, verdicts in VERDICTS.items() for verdict in verdicts]


@functools.cache
def made(key: str, verdict: str):
    """A result from which the finding ``key`` takes ``verdict``; computed once."""
    return VERDICTS[key][verdict]()
