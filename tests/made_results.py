"""Results of every method on small, made answers: what findings, figures and fragments are tried on."""

import functools

import numpy as np
import pandas as pd

from sqlib.methods import (
    call_back,
    coding_accuracy,
    demand,
    drivers,
    internal_consistency,
    kano,
    penalty_reward,
    questionnaire,
    response,
    satisfaction,
    segments,
    term_groups,
    terms,
    theme_trends,
    themes,
)

CODEBOOK = {"slow": ["slow"], "fee": ["fee"]}
LABELS = {"slow": "Slow replies", "fee": "Fees"}
DAY = pd.Timestamp("2026-08-15")


def answers(satisfied: int, others: int, *, metric="csat", scale=(1.0, 5.0), customers=None, start=0) -> pd.DataFrame:
    """That many answers with the best score and that many with the middle one; a customer each, or ``customers``."""
    count = satisfied + others
    middle = (scale[0] + scale[1]) / 2
    frame = pd.DataFrame({"score": [scale[1]] * satisfied + [middle] * others, "metric": metric})
    number = start + np.arange(count) % (customers or max(count, 1))
    frame = frame.assign(
        scale_min=scale[0], scale_max=scale[1], satisfied=frame["score"].eq(scale[1]).astype("boolean")
    )
    frame["customer_id"] = frame["cluster"] = [f"c{each:04}" for each in number]
    frame["feedback_id"] = [f"f{start + each:04}" for each in range(count)]
    return frame.assign(received_at=DAY, comment="slow", segment="small", channel="phone")


def level(now=(80, 20), before=None, **options) -> satisfaction.SatisfactionResult:
    previous = None if before is None else answers(*before, start=5000)
    return satisfaction.satisfaction(answers(*now), previous, **options)


def responded(groups: dict[str, tuple[int, int]], invitations=None, by="segment", **options) -> response.ResponseResult:
    """``groups``: level -> (customers, of them answering)."""
    rows = [(f"{name}{i}", name, i < answered) for name, (size, answered) in groups.items() for i in range(size)]
    base = pd.DataFrame(rows, columns=["customer_id", by, "answers"])
    feedback = base.loc[base["answers"], ["customer_id"]]
    return response.response(base, feedback, invitations, by=by, **options)


def cells(teams: dict[str, tuple[int, int]], **options) -> segments.WeakPointsResult:
    """``teams``: name -> (satisfied, others); half of the answers of each come from either segment."""
    parts = [
        answers(*counts, start=1000 * place).assign(team=name) for place, (name, counts) in enumerate(teams.items())
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows["segment"] = np.where(np.arange(len(rows)) % 2, "small", "large")
    return segments.weak_points(rows, outcome="satisfied", cells=["team"], cluster="cluster", **options)


@functools.cache
def mixed() -> segments.WeakPointsResult:
    """Team ``hard`` serves nearly only the demanding segment, and does there what the others do."""
    counts = {("hard", "x"): (44, 36), ("hard", "y"): (9, 1), ("soft", "x"): (44, 36), ("soft", "y"): (216, 24)}
    parts = [
        answers(*pair, start=1000 * place).assign(team=team, segment=segment)
        for place, ((team, segment), pair) in enumerate(counts.items())
    ]
    rows = pd.concat(parts, ignore_index=True)
    return segments.weak_points(rows, outcome="satisfied", cells=["team"], adjust=["segment"], cluster="cluster")


def said(now: tuple[int, int], before: tuple[int, int] | None = None) -> themes.ThemesResult:
    """(comments that raise ``slow``, comments that raise nothing) of this period and of the one before."""
    windows = {"current": now} | ({} if before is None else {"previous": before})
    rows = [[window, text] for window, (slow, fine) in windows.items() for text in ["slow"] * slow + ["fine"] * fine]
    comments = pd.DataFrame(rows, columns=["window", "comment"])
    return themes.themes(comments, text="comment", codebook=CODEBOOK, period="window")


def worded(first: tuple[int, int], second: tuple[int, int]) -> terms.TermsResult:
    """(people who say ``slow``, people who do not) among the dissatisfied and among the satisfied."""
    rows = [[side, ["fine", *["slow"] * (place == 0)]] for side, pair in (("low", first), ("high", second))
            for place, count in enumerate(pair) for _ in range(count)]  # fmt: skip
    data = pd.DataFrame(rows, columns=["side", "terms"])
    return terms.terms(data, group="side", first="low", second="high")


def uncaught(matters: list[list[str]], each: int = 40) -> term_groups.TermGroupsResult:
    """``each`` comments on every matter: two of its words, in turn."""
    listed = [[own[i % len(own)], own[(i // 2 + 1) % len(own)]] for own in matters for i in range(each)]
    data = pd.DataFrame({"comment": "fine", "terms": [sorted(set(each)) for each in listed]})
    return term_groups.term_groups(data, text="comment", codebook=CODEBOOK)


def scattered() -> term_groups.TermGroupsResult:
    """Three words at random of forty: nothing recurs."""
    rng = np.random.default_rng(2)
    listed = [[f"w{i}" for i in rng.choice(40, 3, replace=False)] for _ in range(300)]
    data = pd.DataFrame({"comment": "fine", "terms": listed})
    return term_groups.term_groups(data, text="comment", codebook=CODEBOOK)


def by_hand(both: int, wrong: int, missed: int) -> coding_accuracy.CodingAccuracyResult:
    """Comments coded ``slow`` by hand and machine, by machine alone, by hand alone; 60 more raise nothing."""
    said = ["slow"] * (both + wrong) + ["fine"] * (missed + 60)
    comments = pd.DataFrame({"comment": said, "feedback_id": range(len(said))})
    hand = comments[["feedback_id"]].assign(layer="1", layer_size=5000, fee=False)
    hand["slow"] = [True] * both + [False] * wrong + [True] * missed + [False] * 60
    return coding_accuracy.coding_accuracy(hand, comments, text="comment", codebook=CODEBOOK)


def to_call(low: int, with_case: int | None) -> call_back.CallBackResult:
    """``low`` worst scores among ten more; ``with_case`` of them have a case, None = no table of cases."""
    rows = answers(10, low).assign(score=lambda frame: frame["score"].where(frame["score"].eq(5), 1.0))
    unhappy = rows[rows["score"].eq(1)]
    cases = None if with_case is None else unhappy[["customer_id"]].head(with_case).assign(created_at=DAY)
    return call_back.call_back(rows, cases)


def items(loadings, *, n=300, cuts=(-1.2, -0.4, 0.4, 1.2), skip=0.0, seed=0) -> pd.DataFrame:
    """Answers of `n` people to items of those loadings on one factor, cut into 1..5; a share `skip` left out."""
    rng = np.random.default_rng(seed)
    loadings = np.asarray(loadings)
    unique = rng.standard_normal((n, len(loadings))) * np.sqrt(1 - loadings**2)
    latent = rng.standard_normal((n, 1)) * loadings + unique
    scores = 1.0 + np.digitize(latent, cuts)
    wide = pd.DataFrame(scores, columns=[f"q{place}" for place in range(1, len(loadings) + 1)])
    wide = wide.mask(rng.random(wide.shape) < skip)
    long = wide.reset_index(names="feedback_id").melt("feedback_id", var_name="item", value_name="score")
    long = long.assign(dimension=pd.NA, scale_min=1.0, scale_max=5.0, cluster=long["feedback_id"])
    return long.dropna(subset=["score"])


def reliability(loadings, **options) -> internal_consistency.InternalConsistencyResult:
    return internal_consistency.internal_consistency(items(loadings, **options))


def health(loadings=(0.7,) * 5, **options) -> questionnaire.QuestionnaireResult:
    return questionnaire.questionnaire(items(loadings, **options))


def monthly(shares, n=60, fee=True) -> theme_trends.ThemeTrendsResult:
    """That share of `n` comments a month raises ``slow``; with `fee` a tenth of them raises ``fee``."""
    texts = [
        " ".join(["slow"] * (place < round(share * n)) + ["fee"] * (fee and place % 10 == 0)) or "fine"
        for share in shares
        for place in range(n)
    ]
    days = pd.period_range("2024-01", periods=len(shares), freq="M").to_timestamp().repeat(n)
    comments = pd.DataFrame({"comment": texts, "received_at": days})
    return theme_trends.theme_trends(comments, text="comment", codebook=CODEBOOK)


def asked(asking: int, others: int, **decided: str) -> demand.DemandResult:
    """Comments that ask for ``slow``, and others; ``decided``: topic -> decision."""
    comments = pd.DataFrame({"comment": ["slow"] * asking + ["fine"] * others, "window": "current", "segment": "small"})
    register = pd.DataFrame({"topic": list(decided), "decision": list(decided.values()), "reason": "costs"})
    return demand.demand(
        comments, text="comment", codebook=CODEBOOK, decisions=register, period="window", by=["segment"]
    )


def driven(*effects: float, alike=0.0, n=400, noise=1.0, seed=0, level=None) -> drivers.DriversResult:
    """A driver for each effect on the overall score; any two correlate by ``alike``."""
    rng = np.random.default_rng(seed)
    scores = alike**0.5 * rng.standard_normal((n, 1)) + (1 - alike) ** 0.5 * rng.standard_normal((n, len(effects)))
    rows = pd.DataFrame(scores, columns=[f"part {place + 1}" for place in range(len(effects))])
    names = list(rows)
    rows["score"] = scores @ np.array(effects) + noise * rng.standard_normal(n)
    return drivers.drivers(rows, outcome="score", drivers=names, replicates=400, level=level)


def contrasted(*effects: tuple[float, float], n=600, seed=0) -> penalty_reward.PenaltyRewardResult:
    """(what a poor score takes off, what an excellent one adds) of each part; a third of the scores each."""
    rng = np.random.default_rng(seed)
    scores = rng.choice([1, 3, 5], size=(n, len(effects)))
    rows = pd.DataFrame(scores, columns=[f"part {place + 1}" for place in range(len(effects))])
    parts = [
        np.where(each == 1, -poor, np.where(each == 5, rich, 0))
        for each, (poor, rich) in zip(scores.T, effects, strict=True)
    ]
    rows["score"] = 3 + np.sum(parts, axis=0) + rng.standard_normal(n)
    return penalty_reward.penalty_reward(
        rows, outcome="score", attributes=list(rows)[:-1], scale=(1, 5), replicates=400
    )


PAIRS = {"M": (3, 5), "O": (1, 5), "A": (1, 3), "I": (3, 3), "R": (3, 1), "Q": (1, 1)}  # an answer of each class


def wished(**features: str) -> kano.KanoResult:
    """feature -> letters of the classes its answers fall in, e.g. ``"M" * 80 + "I" * 30``."""
    rows = [(name, *PAIRS[letter], who) for name, letters in features.items() for who, letter in enumerate(letters)]
    table = pd.DataFrame(rows, columns=["feature", "present", "absent", "who"])
    return kano.kano(table, feature="feature", functional="present", dysfunctional="absent", cluster="who")


# finding -> verdict -> a result that gives it
VERDICTS = {
    "level": {
        "met": lambda: level(targets={"csat": 0.5}),
        "missed": lambda: level(targets={"csat": 0.95}),
        "unclear": lambda: level(targets={"csat": 0.82}),
        "no_target": lambda: level(),
    },
    "change": {
        "higher": lambda: level((80, 20), (50, 50)),
        "lower": lambda: level((50, 50), (80, 20)),
        "not_distinguishable": lambda: level((80, 20), (78, 22)),
        "not_comparable": lambda: level(),
    },
    "response": {
        "silent": lambda: responded({"small": (100, 4), "large": (100, 60)}),
        "under": lambda: responded({"small": (100, 30), "large": (100, 60)}),
        "as_expected": lambda: responded({"small": (100, 50), "large": (100, 52)}),
        "too_few": lambda: responded({"small": (2, 1), "large": (2, 1)}),
        "few_answered": lambda: responded({"small": (100, 4), "large": (100, 60), "huge": (100, 70)}, min_group=5),
    },
    "weak_points": {
        "act_now": lambda: cells({"a": (20, 60), "b": (70, 10), "c": (70, 10)}, adjust=["segment"]),
        "verify": lambda: cells({"a": (20, 60), "b": (70, 10), "c": (70, 10)}),
        "watch": lambda: cells({"a": (27, 13), "b": (132, 28), "c": (130, 30)}),
        "no_signal": lambda: cells({"a": (40, 40), "b": (40, 40)}),
    },
    "mix": {"explained_by_mix": mixed},
    "drivers": {
        "ranked": lambda: driven(0.9, 0.6, 0.2),
        "first_only": lambda: driven(0.9, 0.3, 0.3),
        "leading_group": lambda: driven(0.6, 0.6, 0.1, 0.1, seed=1),
        "no_stable_ranking": lambda: driven(0.5, 0.3, 0.1, alike=0.9),
    },
    "gain": {
        "gain": lambda: driven(0.9, 0.6, 0.2, level=1.0),
        "no_gain": lambda: driven(0.5, 0.3, 0.1, level=-9.0),
    },
    "penalty_reward": {
        "basic": lambda: contrasted((1.5, 0.2), (0.8, 0.8)),
        "performance": lambda: contrasted((0.8, 0.8), (0.0, 0.0)),
        "excitement": lambda: contrasted((0.2, 1.5), (0.0, 0.0)),
        "none_settled": lambda: contrasted((0.0, 0.0), (0.0, 0.0)),
        "none_judged": lambda: contrasted((0.5, 0.5), n=54),
    },
    "kano": {
        "must_be": lambda: wished(hotline="M" * 80 + "I" * 30, app="A" * 70 + "I" * 40),
        "one_dimensional": lambda: wished(speed="O" * 80 + "M" * 30),
        "attractive": lambda: wished(app="A" * 80 + "I" * 30),
        "none_settled": lambda: wished(gift="I" * 90 + "A" * 20, chat="A" * 50 + "I" * 50 + "M" * 10),
    },
    "themes": {
        "rising": lambda: said((60, 40), (20, 80)),
        "no_signal": lambda: said((20, 80), (20, 80)),
    },
    "theme_trends": {
        "trend_up": lambda: monthly(np.linspace(0.1, 0.4, 30)),
        "trend_down": lambda: monthly(np.linspace(0.4, 0.1, 30)),
        "no_signal": lambda: monthly([0.2] * 30),
        "too_short": lambda: monthly([0.2] * 6),
        "too_few": lambda: monthly([0.02] * 12, n=50, fee=False),
    },
    "demand": {
        "open": lambda: asked(20, 80),
        "answered": lambda: asked(20, 80, slow="no"),
        "too_few": lambda: asked(2, 80),
    },
    "internal_consistency": {
        "reliable": lambda: reliability((0.8,) * 5),
        "unreliable": lambda: reliability((0.4,) * 4),
        "unclear": lambda: reliability((0.6,) * 5, n=100),
        "check_keys": lambda: reliability((0.8, 0.8, 0.8, -0.7)),
        "too_few": lambda: reliability((0.8,) * 5, n=20),
    },
    "questionnaire": {
        "flagged": lambda: health(cuts=(-2, -1.5, -1, 0)),
        "sound": lambda: health(cuts=(-1.4, -0.4, 0.4, 1.4)),
        "too_few": lambda: health(n=20),
    },
    "terms": {
        "typical": lambda: worded((40, 60), (10, 90)),
        "no_signal": lambda: worded((20, 80), (20, 80)),
    },
    "new_terms": {
        "typical": lambda: worded((40, 60), (10, 90)),
        "no_signal": lambda: worded((20, 80), (20, 80)),
    },
    "term_groups": {
        "suggested": lambda: uncaught([["car", "park", "full"], ["dog", "cat", "leash"], ["stamp", "mail", "paper"]]),
        "none_stable": scattered,
    },
    "coding_accuracy": {
        "accurate": lambda: by_hand(60, 0, 0),
        "inaccurate": lambda: by_hand(10, 50, 10),
        "unclear": lambda: by_hand(12, 3, 2),
    },
    "call_back": {
        "listed": lambda: to_call(5, 2),
        "none_open": lambda: to_call(5, 5),
        "no_cases": lambda: to_call(5, None),
    },
}
EVERY = [(key, verdict) for key, verdicts in VERDICTS.items() for verdict in verdicts]


@functools.cache
def made(key: str, verdict: str):
    """A result from which the finding ``key`` takes ``verdict``; computed once."""
    return VERDICTS[key][verdict]()
