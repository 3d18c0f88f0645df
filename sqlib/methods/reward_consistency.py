"""Do rewards and penalties follow the scores, and are like cases treated alike?

Three looks at the same people: how closely the order of the rewards follows the order of the scores (Kendall's tau-b,
Spearman's rank correlation); pair by pair, who cannot be told apart and is yet rewarded differently, and who is told
apart and rewarded the other way round; and how much of the money goes with the score and how much, beyond the score,
with who the rater was (interval of a share of variance by the noncentral F: Steiger & Fouladi 1997, in What If There
Were No Significance Tests?). What was paid is counted exactly. None of it says what anybody deserves.

Coverage and false alarms: ``benchmarks/score_sources.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import correlations, samples

KINDS = {"bonus": "reward", "raise": "reward", "promotion": "reward", "praise": "reward", "penalty": "penalty",
         "warning": "penalty"}  # fmt: skip
FOLLOWS = 0.30  # tau-b that the whole interval must reach for rewards to follow the scores
NOTHING = 1e-9  # share of the differences below which nothing is left to explain
MOST = 1e6  # noncentrality beyond which a share is called the whole
FEW_REWARDED = 5  # people with anything, and without, below which no order is judged

MIX = ["type", "kind", "events", "people", "amount"]
PEOPLE = ["ratee_id", "score", "rewards", "penalties", "money", "net"]
FOLLOWING = ["measure", "n", "estimate", "low", "high", "p_value", "verdict"]
CASES = [
    "first_ratee_id", "second_ratee_id", "difference", "low", "high", "net_first", "net_second", "gap", "unit",
    "verdict",
]  # fmt: skip
UNITS = {"money": "money", "events": "count"}  # of what people got
EXPLAINED = ["source", "n", "estimate", "low", "high", "p_value"]


@dataclass(frozen=True)
class RewardConsistencyResult:
    """``table``, one row a pair of people to look at, the widest gap first, columns ``CASES``: difference of the
    scores with limits, what either got (net), gap (of what they got), unit of both (money | count), verdict:
    like_unalike (cannot be told apart by their scores and got different things) | reversed (told apart, and the lower
    score got more).

    ``following``, columns ``FOLLOWING``: kendall and spearman; verdict: follows (whole interval at or above .30) |
    related (above 0) | contrary (below 0) | unclear | too_few. ``mix``, one row a type, columns ``MIX``, exact counts.
    ``people``, columns ``PEOPLE``. ``explained``, columns ``EXPLAINED``: share of the differences in what people got
    that goes with the score, and with the rater beyond the score; empty without `rater` or where too few.

    ``basis``: money (amounts, penalties negative) or events (rewards less penalties, where no amount is known).
    ``alike`` pairs that cannot be told apart, ``unalike`` of them; ``apart`` pairs told apart, ``reversed`` of them;
    ``rewards``, ``penalties`` events; ``unknown`` events of people without a score; ``n`` people with a score;
    ``cautions`` among unknown_people, no_pairs, no_amounts, unknown_type (left out), few_rewarded.
    """

    table: pd.DataFrame
    following: pd.DataFrame
    mix: pd.DataFrame
    people: pd.DataFrame
    explained: pd.DataFrame
    basis: str
    n: int
    alike: int
    unalike: int
    apart: int
    reversed: int
    rewards: int
    penalties: int
    unknown: int
    confidence: float
    cautions: tuple[str, ...]


def reward_consistency(
    scores, rewards, *, pairs=None, score="calibrated", within=None, rater=None, confidence=0.95, seed=0
) -> RewardConsistencyResult:
    """Hold rewards against scores.

    Parameters
    ----------
    scores : one row a person: ratee_id, `score`, and the columns named by `within` and `rater`
    rewards : one row an event: staff_id, type (bonus, raise, promotion, praise | penalty, warning), amount (may be
        blank or absent; its sign is taken from the type)
    pairs : ``pairs`` of the tier decisions: first_ratee_id, second_ratee_id, difference (first minus second), low,
        high, apart; None: no pairs are looked at
    within : column of people whose rewards may be compared at all (grade, post); None: everybody with everybody
    rater : column of the rater who rated a person most
    seed : taken as by every method; nothing here is random

    Two people count as alike where they are not told apart and their difference lies within its own standard error.
    Raises MethodRefused: reward_consistency.no_scores, .no_events, samples.*. Checked against Kendall (1970) and
    Agresti (2002) through ``correlations``, and statsmodels (F of the rater beyond the score).
    """
    samples.require(scores, "ratee_id", score, within, rater)
    samples.require(rewards, "staff_id", "type")
    known = scores.assign(score=samples.numbers(scores, score)).dropna(subset=["score"])
    events = rewards.assign(kind=rewards["type"].map(KINDS)).dropna(subset=["kind", "staff_id"])
    if known.empty:
        raise MethodRefused("reward_consistency.no_scores", column=score)
    own = events[events["staff_id"].isin(known["ratee_id"])]
    if own.empty:
        raise MethodRefused("reward_consistency.no_events", rows=len(rewards), people=len(known))
    events, own = _with_amount(events), _with_amount(own)
    people, basis = _people(known, own)
    cases, alike, apart = _cases(pairs, people, known, within, UNITS[basis], confidence)
    following = _following(people, confidence)
    cautions = {
        "unknown_people": len(own) < len(events),
        "no_pairs": pairs is None,
        "no_amounts": basis == "events",
        "unknown_type": rewards["type"].map(KINDS).isna().any(),
        "few_rewarded": bool((following["verdict"] == "too_few").all()),
    }
    return RewardConsistencyResult(
        table=cases,
        following=following,
        mix=_mix(own),
        people=people[PEOPLE],
        explained=_explained(people, known, rater, confidence),
        basis=basis,
        n=len(people),
        alike=alike,
        unalike=int((cases["verdict"] == "like_unalike").sum()),
        apart=apart,
        reversed=int((cases["verdict"] == "reversed").sum()),
        rewards=int(own["kind"].eq("reward").sum()),
        penalties=int(own["kind"].eq("penalty").sum()),
        unknown=len(events) - len(own),
        confidence=confidence,
        cautions=tuple(code for code, holds in cautions.items() if holds),
    )


def _with_amount(events):
    """Events with a signed amount: penalties below 0, NaN where none is known."""
    amount = samples.numbers(events, "amount").abs() if "amount" in events else pd.Series(np.nan, events.index)
    return events.assign(amount=amount.where(events["kind"].eq("reward"), -amount))


def _people(known, own):
    """What everybody got; people without any event got nothing."""
    by = own.groupby("staff_id")
    counted = pd.DataFrame({
        "rewards": by["kind"].apply(lambda kind: int(kind.eq("reward").sum())),
        "penalties": by["kind"].apply(lambda kind: int(kind.eq("penalty").sum())),
        "money": by["amount"].sum(),
    }).reindex(known["ratee_id"]).fillna(0)  # fmt: skip
    people = known[["ratee_id", "score"]].reset_index(drop=True).join(counted.reset_index(drop=True))
    basis = "money" if own["amount"].notna().any() else "events"
    net = people["money"] if basis == "money" else people["rewards"] - people["penalties"]
    return people.assign(net=net.astype(float)).astype({"rewards": int, "penalties": int}), basis


def _mix(own):
    by = own.groupby(["type", "kind"], sort=False)
    table = by.agg(events=("type", "size"), people=("staff_id", "nunique"), amount=("amount", "sum")).reset_index()
    place = table["type"].map({name: number for number, name in enumerate(KINDS)})
    return table.assign(_place=place).sort_values("_place")[MIX].reset_index(drop=True)


# --- the order of rewards and of scores ------------------------------------------------------------------------


def _following(people, confidence):
    commonest = people["net"].value_counts().max()
    enough = len(people) >= correlations.FEWEST and len(people) - commonest >= FEW_REWARDED
    methods = {"kendall": correlations.kendall, "spearman": correlations.spearman}
    return pd.DataFrame([_followed(name, each, people, enough, confidence) for name, each in methods.items()])[
        FOLLOWING
    ]  # fmt: skip


def _followed(name, method, people, enough, confidence):
    found = correlations.nothing(len(people))
    if enough:
        found = method(people["score"], people["net"], confidence=confidence)
    told = np.isfinite(found.low)
    cases = [not told, found.high < 0, found.low >= FOLLOWS, found.low > 0]
    verdict = str(np.select(cases, ["too_few", "contrary", "follows", "related"], "unclear"))
    return {"measure": name, "n": found.n, "estimate": found.estimate, "low": found.low, "high": found.high,
            "p_value": found.p_value, "verdict": verdict}  # fmt: skip


# --- like cases ------------------------------------------------------------------------------------------------


def _cases(pairs, people, known, within, unit, confidence):
    """(pairs to look at, how many are alike, how many told apart)."""
    if pairs is None:
        return pd.DataFrame(columns=CASES), 0, 0
    samples.require(pairs, "first_ratee_id", "second_ratee_id", "difference", "low", "high", "apart")
    net = people.set_index("ratee_id")["net"]
    rows = pairs[pairs["first_ratee_id"].isin(net.index) & pairs["second_ratee_id"].isin(net.index)]
    if within is not None:
        group = known.set_index("ratee_id")[within]
        rows = rows[rows["first_ratee_id"].map(group).to_numpy() == rows["second_ratee_id"].map(group).to_numpy()]
    nets = {f"net_{side}": net.reindex(rows[f"{side}_ratee_id"]).to_numpy(float) for side in ("first", "second")}
    rows = rows.assign(**nets)
    got = rows["net_first"] - rows["net_second"]
    error = (rows["high"] - rows["low"]) / 2 / samples.z_value(1 - confidence)
    apart = rows["apart"].astype(bool)
    alike = ~apart & (rows["difference"].abs() <= error)
    cases = [alike & (got != 0), apart & (got * rows["difference"] < 0)]
    rows = rows.assign(gap=got.abs(), unit=unit, verdict=np.select(cases, ["like_unalike", "reversed"], "no_signal"))
    listed = rows[rows["verdict"] != "no_signal"].sort_values("gap", ascending=False, kind="stable")
    return listed[CASES].reset_index(drop=True), int(alike.sum()), int(apart.sum())


# --- money, score and rater ------------------------------------------------------------------------------------


def _explained(people, known, rater, confidence):
    """Share of the differences in what people got: with the score, and with the rater beyond the score."""
    if rater is None:
        return pd.DataFrame(columns=EXPLAINED)
    judge = known[rater].to_numpy()
    kept = pd.notna(judge)
    net, score = people["net"].to_numpy()[kept], people["score"].to_numpy()[kept]
    dummies = pd.get_dummies(pd.Series(judge[kept])).to_numpy(dtype=float)
    n, judges = dummies.shape
    if n - judges - 1 < correlations.FEWEST or judges < 2 or np.ptp(net) == 0:
        return pd.DataFrame(columns=EXPLAINED)
    one = np.ones((n, 1))
    designs = [one, np.column_stack([one, score]), np.column_stack([dummies, score])]
    left = [_residual(net, design) for design in designs]
    steps = {"score": (*left[:2], 1, n - 2), "rater": (*left[1:], judges - 1, n - judges - 1)}
    return pd.DataFrame([{"source": name, "n": n} | share(*step, left[0], confidence) for name, step in steps.items()])[
        EXPLAINED
    ]  # fmt: skip


def _residual(y, design) -> float:
    return float(((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum())


def share(before, after, df, error_df, total, confidence) -> dict:
    """Share of ``total`` that a step of a regression explains, with limits from the noncentral F of its partial share.

    ``before``, ``after``: residual sums of squares. The limits are those of the partial share times before / total.
    """
    from scipy.optimize import brentq
    from scipy.special import fdtrc, ncfdtr

    estimate = (before - after) / total
    if after <= NOTHING * total:
        told = 0.0 if before > NOTHING * total else np.nan
        return {"estimate": estimate, "low": estimate, "high": estimate, "p_value": told}
    ratio = (before - after) / df / (after / error_df)
    scale = before / total
    alpha = 1 - confidence

    def limit(level):
        """Partial share of the noncentrality under which a smaller ratio has probability ``level``."""
        if ncfdtr(df, error_df, 1e-9, ratio) <= level:
            return 0.0
        top = 10.0
        while ncfdtr(df, error_df, top, ratio) > level:
            top *= 2
            if top > MOST:
                return 1.0
        found = brentq(lambda at: ncfdtr(df, error_df, at, ratio) - level, 1e-9, top)
        return found / (found + df + error_df + 1)

    low, high = (scale * limit(level) for level in (1 - alpha / 2, alpha / 2))
    return {"estimate": estimate, "low": min(low, estimate), "high": max(high, estimate),
            "p_value": float(fdtrc(df, error_df, ratio))}  # fmt: skip
