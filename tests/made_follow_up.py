"""Results on sources, criteria, follow-up and rewards of a made firm of thirty people: one for every verdict."""

import functools

import numpy as np
import pandas as pd

from sqlib.methods.after_reward import after_reward
from sqlib.methods.appraisal_criteria import appraisal_criteria
from sqlib.methods.appraisal_follow_up import appraisal_follow_up
from sqlib.methods.reward_consistency import reward_consistency
from sqlib.methods.score_sources import per_person, score_sources

PEOPLE = 30
IDS = [f"s{place:02}" for place in range(PEOPLE)]
DAY = "2026-07-05"
SAID = "Handles the month-end calls calmly"


def judged(true, *, reliability=0.8, seed=0) -> pd.DataFrame:
    """Calibrated scores of people whose true standing is ``true`` (standard deviations)."""
    true = np.asarray(true, dtype=float)
    error = np.random.default_rng(seed).standard_normal(len(true)) * np.sqrt(1 / reliability - 1)
    score = 80 + 5 * reliability * (true + error)
    return pd.DataFrame({"ratee_id": IDS[: len(true)], "calibrated": score, "se": 5 * np.sqrt(1 - reliability)})


def answers(true, *, each=15, spread=0.8, seed=0) -> pd.DataFrame:
    """Customers' answers about every person, one a customer."""
    rng = np.random.default_rng(seed + 100)
    who = np.repeat(np.arange(len(true)), each)
    score = 4 + 0.5 * np.asarray(true)[who] + spread * rng.standard_normal(len(who))
    return pd.DataFrame({"staff_id": np.array(IDS)[who], "customer_id": np.arange(len(who)), "score": score})


def sources(correlation=1.0, *, gap=0.0, people=PEOPLE, reliability=0.8, seed=1, **options):
    """Judged scores and answers whose true standings correlate; customers think ``gap`` less of the first."""
    rng = np.random.default_rng(seed)
    true, other = rng.standard_normal((2, people))
    theirs = correlation * true + np.sqrt(1 - correlation**2) * other
    theirs[0] -= gap
    told = per_person(answers(theirs, seed=seed, **options), value="score", cluster="customer_id")
    return score_sources(judged(true, reliability=reliability, seed=seed), customer=told)


def ratings(between, *, halo=0.5, error=0.5, people=PEOPLE, raters=5, each=3, top=None, seed=0) -> pd.DataFrame:
    """Ratings of criteria whose true covariance between people is ``between``; ``top``: criterion held at 100."""
    rng, size = np.random.default_rng(seed), len(between)
    true = rng.multivariate_normal(np.zeros(size), between, people, method="eigh")
    severity = 0.4 * rng.standard_normal((raters, size))
    rows = []
    for person in range(people):
        for rater in rng.choice(raters, each, replace=False):
            noise = np.sqrt(error) * rng.standard_normal(size) + np.sqrt(halo) * rng.standard_normal()
            scores = 70 + 5 * (true[person] - severity[rater] + noise)
            rows += [(IDS[person], f"r{rater}", f"c{code}", 100.0 if code == top else score)
                     for code, score in enumerate(scores)]  # fmt: skip
    return pd.DataFrame(rows, columns=["ratee_id", "rater_id", "criterion_id", "score"])


def criteria(correlation: float, *, each=5, **options):
    """Three criteria, the first two correlated so between people, the third with neither."""
    between = np.eye(3)
    between[0, 1] = between[1, 0] = correlation
    return appraisal_criteria(ratings(between, each=each, **options))


def appraisals(in_time: int, late: int, never: int, *, upheld=0, seed=0) -> pd.DataFrame:
    """People by when their talk was held (day 10, day 20, not at all), three raters each, a comment each."""
    rng, rows = np.random.default_rng(seed), []
    days = [10] * in_time + [20] * late + [None] * never
    for place, day in enumerate(days):
        talk = pd.NaT if day is None else pd.Timestamp(DAY) + pd.Timedelta(days=day)
        for rater in rng.choice(5, 3, replace=False):
            rows.append({
                "period": "2026Q2", "ratee_id": IDS[place], "rater_id": f"r{rater}", "team": "ABC"[place % 3],
                "rater_role": "peer", "result_on": DAY, "feedback_talk_on": talk, "appeal": int(place < 2 * upheld),
                "appeal_upheld": float(place < upheld) if place < 2 * upheld else np.nan,
                "comment": f"{SAID}, client {place}" if rater else "Keep it up!",
            })  # fmt: skip
    return pd.DataFrame(rows)


def follow_up(in_time: int, late: int, never: int, *, target=0.9, upheld=3, dated=True, **options):
    rows = appraisals(in_time, late, never, upheld=upheld)
    if not dated:
        rows = rows.drop(columns="result_on")
    return appraisal_follow_up(rows, as_of="2026-08-31", within=14, target=target, **options)


def pairs(scores: pd.DataFrame, *, error: float) -> pd.DataFrame:
    """All pairs of people, told apart where the difference exceeds 3 errors."""
    place = [(i, j) for i in range(len(scores)) for j in range(i + 1, len(scores))]
    first, second = (scores.iloc[[pair[side] for pair in place]].reset_index(drop=True) for side in (0, 1))
    difference = first["calibrated"] - second["calibrated"]
    found = {"first_ratee_id": first["ratee_id"], "second_ratee_id": second["ratee_id"], "difference": difference}
    half = 1.959964 * error
    return pd.DataFrame(
        found | {"low": difference - half, "high": difference + half, "apart": difference.abs() > 3 * error}
    )


def rewarded(money, *, listed=True, error=2.0):
    """Thirty people of scores 70 to 99, each with so much money (0: nothing); ``listed``: pairs are looked at."""
    scores = pd.DataFrame({"ratee_id": IDS, "calibrated": 70.0 + np.arange(PEOPLE)})
    scores["rater"] = np.where(np.arange(PEOPLE) % 2, "r1", "r2")
    money = pd.Series(money, IDS, dtype=float)
    money = money[money != 0]
    rewards = pd.DataFrame({"staff_id": money.index, "type": np.where(money > 0, "bonus", "penalty")})
    rewards["amount"] = money.abs().to_numpy()
    return reward_consistency(
        scores, rewards, pairs=pairs(scores, error=error) if listed else None, rater="rater"
    )  # fmt: skip


def moved(effect: float, *, kind="praise", count=8, people=PEOPLE, seed=0, score="corrected"):
    """Two periods; the best ``count`` of the first (the worst, for a penalty) get it, and then gain ``effect``."""
    rng = np.random.default_rng(seed)
    true = rng.standard_normal(people)
    before, noise = true + 0.7 * rng.standard_normal(people), 0.7 * rng.standard_normal(people)
    chosen = np.argsort(before if kind == "penalty" else -before)[:count]
    after = true + noise
    after[chosen] += effect
    parts = [pd.DataFrame({"ratee_id": IDS[:people], "period": period, score: 80 + 5 * values})
             for period, values in (("2026Q1", before), ("2026Q2", after))]  # fmt: skip
    rewards = pd.DataFrame({"staff_id": np.array(IDS)[chosen], "type": kind, "period": "2026Q1"})
    return after_reward(pd.concat(parts, ignore_index=True), rewards, score=score)


_step = [0.0] * 15 + [1000.0] * 15
_rising = list(100.0 * np.arange(PEOPLE))

VERDICTS = {
    "sources": {
        "look_again": lambda: sources(gap=4.5),
        "agree": lambda: sources(each=60),
        "related": lambda: sources(0.6, spread=1.0, each=12, seed=7),
        "contrary": lambda: sources(-0.9, each=8, spread=1.6, reliability=0.6, seed=11),
        "unclear": lambda: sources(0.0, each=8, spread=1.0, reliability=0.6, seed=3),
        "too_unreliable": lambda: sources(0.3, each=5, spread=8.0, reliability=0.6, seed=6),
        "too_few": lambda: sources(people=8),
    },
    "criteria": {
        "duplicate": lambda: criteria(1.0, error=0.2),
        "no_discrimination": lambda: criteria(0.0, top=2),
        "distinct": lambda: criteria(0.0),
        "unclear": lambda: criteria(0.85, each=3),
        "too_few": lambda: appraisal_criteria(ratings(np.zeros((2, 2)), halo=3.0, seed=2)),
    },
    "follow_up": {
        "met": lambda: follow_up(30, 0, 0, target=0.6),
        "missed": lambda: follow_up(10, 12, 8),
        "unclear": lambda: follow_up(24, 3, 3, target=0.8),
        "no_target": lambda: follow_up(24, 3, 3, target=None),
        "too_few": lambda: follow_up(24, 3, 3, dated=False),
    },
    "rewards": {
        "reversed": lambda: rewarded([2000.0, *_step[1:]]),
        "like_unalike": lambda: rewarded(_step),
        "follows": lambda: rewarded(_rising, listed=False),
        "related": lambda: rewarded(
            np.random.default_rng(2).permutation(PEOPLE) * 110.0 + np.array(_rising), listed=False
        ),
        "contrary": lambda: rewarded(_rising[::-1], listed=False),
        "unclear": lambda: rewarded(np.random.default_rng(4).permutation(_rising), listed=False),
        "too_few": lambda: rewarded([0.0] * 28 + [1000.0] * 2, listed=False),
    },
    "after_reward": {
        "within_regression": lambda: moved(0.0),
        "beyond_up": lambda: moved(3.0),
        "beyond_down": lambda: moved(-3.0),
        "too_few": lambda: moved(0.0, count=3),
    },
}
EVERY = [(key, verdict) for key, verdicts in VERDICTS.items() for verdict in verdicts]


@functools.cache
def made(key: str, verdict: str):
    """A result from which the finding ``key`` takes ``verdict``; computed once."""
    return VERDICTS[key][verdict]()
