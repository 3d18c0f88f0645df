"""Tiers: how surely does a person belong to the tier their score gives, and how much of it hangs on who rated them?

The truth given the ratings is taken as normal around the calibrated scores, with the covariance of their prediction
errors. Cut points: exact normal probabilities. Forced distribution, top k and numbers of people: joint draws.
Reference: Livingston & Lewis (1995) J Educ Meas 32:179 (classification accuracy); ranks and bands in ``bands``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import bands, samples, tier_rule
from sqlib.methods.tier_rule import TierRule

SETTLED = 0.80  # probability of the own tier from which it counts as settled
LISTED = 300  # people up to whom every pair is listed: 45,000 rows
CHUNK = 2_000_000  # numbers drawn at a time

PEOPLE = [
    "ratee_id", "part", "group", "n_ratings", "n_raters", "total_raw", "total", "total_low", "total_high",
    "tier_raw", "p_raw", "tier", "p_tier", "band", "rank_low", "rank_high", "p_top", "changed", "changed_by",
    "money_raw", "money", "money_expected", "money_at_stake", "verdict",
]  # fmt: skip
PAIRS = ["first_ratee_id", "second_ratee_id", "difference", "low", "high", "p_order", "p_value", "p_adjusted", "apart"]


@dataclass(frozen=True)
class TierResult:
    """Result of :func:`decisions`; frames described there. ``rule``: the tiers, to try another score on.

    ``n`` people, ``judged`` of them with a tier; ``changed``: whose tier by the raw score is another than by the
    calibrated one; ``bonuses``: people paid by either score (``TierRule.pays``); of them ``hanging`` on who the raters
    were, as payment (without amounts: tier) differs between the two and raters or others moved it, ``thin`` where too
    few ratings did; ``expected_wrong_raw``, ``expected_wrong``: expected number, with interval, of people paid by the
    raw and by the calibrated score whose true tier is another; ``p_none_wrong``: two-sided p value of nobody paid by
    the raw score being in a wrong tier; ``money_moved``: sum of the differences in payment
    between the two scores; ``money_at_stake``: expected sum of what the raw score pays too much or too little.
    ``certainty``: mean probability of the own tier. ``bands``; ``compared`` pairs, ``apart`` of them told apart.
    ``cautions`` among level_assumed, not_comparable, top_not_comparable, tied_at_boundary,
    errors_taken_as_independent, too_many_for_bands, pairs_not_listed, tiers_uncertain (certainty below .80),
    some_not_judged.
    """

    ratees: pd.DataFrame
    probabilities: pd.DataFrame
    pairs: pd.DataFrame
    tiers: pd.DataFrame
    rule: TierRule
    n: int
    judged: int
    changed: int
    bonuses: int
    hanging: int
    thin: int
    expected_wrong_raw: float
    expected_wrong_raw_low: float
    expected_wrong_raw_high: float
    expected_wrong: float
    expected_wrong_low: float
    expected_wrong_high: float
    p_none_wrong: float
    money_moved: float
    money_at_stake: float
    certainty: float
    bands: int
    compared: int
    apart: int
    top: int | None
    confidence: float
    cautions: tuple[str, ...]


def decisions(
    ratees, covariance, *, cuts=None, shares=None, within=None, offset=None, weight=1.0, money=None, top=None,
    draws=4000, seed=0, confidence=0.95, comparable=None,
) -> TierResult:  # fmt: skip
    """Tier of everybody by the raw and by the calibrated score, and how sure either is.

    Parameters
    ----------
    ratees : ratee_id, raw, corrected, calibrated, se and, where known, part, group, n_ratings, n_raters (the frame of
        ``rater_calibration``); NaN scores are not judged
    covariance : (people, people) of the prediction errors of ``calibrated``; None: errors taken as independent with
        ``se``, no bands
    cuts : {tier: lowest total}, the last tier takes everybody below; or
    shares : {tier: share of the people}, best first, the last None or the rest: a forced distribution. Places are the
        cumulated shares rounded half up; people tied at a boundary all get the better tier
    within : column of ``ratees``: the unit of the forced distribution; None: everybody
    offset, weight : the total is offset + weight x judged score: a number, an array, or a Series by ratee_id. What is
        not judged (formulas, deductions, bonus points) stands in ``offset``; -inf is a veto
    money : {tier: amount}
    top : people at the top to give a probability for, or a share of them below 1
    draws, seed : of the joint draws (antithetic; fewer for more than 10,000 people)
    comparable : column whose levels hold people who may be compared; None: ``part`` where there is one

    ``ratees`` of the result, in the order given: PEOPLE. tier is the tier of the calibrated total; p_tier the
    probability that it is the true one, p_raw that the raw one is; band, rank_low, rank_high within comparable people
    (``bands``: Holm over all pairs); changed_by what moved the tier most in its direction: severe_raters,
    lenient_raters (corrected less raw), few_ratings (calibrated less corrected: pulled to the mean), others_moved (in
    a forced distribution), None where unchanged; money_at_stake the expected distance between what the raw tier pays
    and what the true one would. verdict: changed; settled, p_tier at least .80; uncertain; not_judged.
    ``probabilities``: ratee_id, tier, p. ``pairs``: PAIRS, the higher total first, difference with its own interval.
    ``tiers``: tier, people_raw, people, expected_right, expected_wrong (of ``people``), expected (people whose true
    tier it is: shrunk scores put fewer people at the ends than belong there), amount, money_raw, money.

    Raises MethodRefused (tiers.*). Checked against enumeration, closed normal orthants and, for calibration of the
    probabilities, ``benchmarks/tier_probabilities.py``.
    """
    samples.require(ratees, "ratee_id", "raw", "corrected", "calibrated", "se", within, comparable)
    if ratees["ratee_id"].duplicated().any() or not len(ratees):
        raise MethodRefused("tiers.people", rows=len(ratees), people=int(ratees["ratee_id"].nunique()))
    rule = tier_rule.rule(ratees, cuts=cuts, shares=shares, within=within, offset=offset, weight=weight, money=money)
    sets = _sets(ratees, comparable)
    rule, spanning = _judging(rule, ratees, sets)
    judged, total = rule.unit >= 0, rule.totals(ratees["calibrated"])
    tier = {"raw": rule.assign(rule.totals(ratees["raw"])), "own": rule.assign(total)}
    error = _error(ratees, covariance, rule)
    drawn = _drawn(rule, total, error, judged, tier, _top(top, judged, sets), _fewer(draws, len(ratees)), seed)
    p = _exact(rule, total, error, judged) if rule.shares is None else drawn.tier
    banded = _banded(total, error, sets, confidence)
    people = _people(ratees, rule, total, error, tier, p, drawn.top, banded, judged, confidence)
    return _result(people, rule, tier, p, drawn, banded, sets, judged, confidence, top, spanning)


# --- people, sets and errors ------------------------------------------------------------------------------------


def _sets(ratees, comparable):
    """Codes of the sets within which people may be compared."""
    column = comparable or ("part" if "part" in ratees else None)
    return np.zeros(len(ratees), dtype=int) if column is None else pd.factorize(ratees[column])[0]


def _judging(rule, ratees, sets):
    """The rule on those who can be judged, and whether a unit of a forced distribution holds people who cannot be
    compared: nobody of such a unit is."""
    known = ~np.isnan([rule.totals(ratees[score]) for score in ("raw", "calibrated")]).any(0)
    several = pd.Series(sets[known]).groupby(rule.unit[known]).nunique()
    spanning = np.isin(rule.unit, several.index[several > 1]) & (rule.shares is not None)
    return TierRule(**vars(rule) | {"unit": np.where(known & ~spanning, rule.unit, -1)}), bool(spanning.any())


@dataclass(frozen=True)
class _Error:
    """Errors of the totals: ``sd`` (n,); ``covariance`` (n, n), None: independent."""

    sd: np.ndarray
    covariance: np.ndarray | None


def _error(ratees, covariance, rule):
    if covariance is None:
        return _Error(np.abs(rule.weight) * ratees["se"].to_numpy(dtype=float), None)
    covariance = np.asarray(covariance, dtype=float)
    if covariance.shape != (len(ratees), len(ratees)):
        raise MethodRefused("tiers.covariance", people=len(ratees), got=" x ".join(map(str, covariance.shape)))
    scaled = covariance * rule.weight[:, None] * rule.weight
    return _Error(np.sqrt(np.maximum(np.diag(scaled), 0.0)), scaled)


def _top(top, judged, sets):
    """People at the top asked for; None where nobody may say, because not all can be compared."""
    if top is None or len(np.unique(sets[judged])) > 1:
        return None
    count = int(np.floor(top * judged.sum() + 0.5)) if top < 1 else int(top)
    if count < 1:
        raise MethodRefused("tiers.top", got=top, people=int(judged.sum()))
    return count


def _fewer(draws, people):
    """An even number of draws, fewer where the thresholds of many people hardly move."""
    return 2 * max(min(draws, max(400, 10 * CHUNK // max(people, 1))) // 2, 1)


# --- probabilities ----------------------------------------------------------------------------------------------


def _exact(rule, total, error, judged):
    """Probability of every tier (people, tiers) at fixed cut points."""
    from scipy.special import ndtr

    reach = rule.cuts - tier_rule.TOUCH * np.maximum(np.abs(rule.cuts), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (total[:, None] - reach) / error.sd[:, None]
        above = np.where(error.sd[:, None] > 0, ndtr(z), total[:, None] >= reach)
    above = np.column_stack([np.zeros(len(total)), above, np.ones(len(total))])
    return np.where(judged[:, None], np.diff(above, axis=1), np.nan)


@dataclass(frozen=True)
class _Drawn:
    """Of joint draws: ``tier`` (n, tiers) and ``top`` (n,) shares; ``wrong``: per draw how many people paid by the raw
    and by the own score have another true tier, {"raw": (draws,), "own": (draws,)}."""

    tier: np.ndarray
    top: np.ndarray
    wrong: dict


def _drawn(rule, total, error, judged, tier, top, draws, seed):
    counts, first = np.zeros((len(total), len(rule.names))), np.zeros(len(total))
    paid = {name: (code >= 0) & rule.pays[code] for name, code in tier.items()}
    wrong = {name: [] for name in tier}
    for truth in _truths(np.where(judged, total, np.nan), error, draws, seed):
        code = rule.assign(truth)
        for at in range(len(rule.names)):
            counts[:, at] += (code == at).sum(0)
        for name in tier:
            wrong[name].append(((code != tier[name]) & paid[name]).sum(1))
        if top is not None:
            first[judged] += (tier_rule.ranked(truth[:, judged]) <= top).sum(0)
    share = np.where(judged[:, None], counts / draws, np.nan)
    chance = np.where(judged, first / draws, np.nan) if top is not None else np.full(len(total), np.nan)
    return _Drawn(share, chance, {name: np.concatenate(found) for name, found in wrong.items()})


def _truths(total, error, draws, seed):
    """Totals drawn jointly, each draw with its mirror image, a few at a time: arrays (some, n)."""
    rng, sd = np.random.default_rng(seed), np.nan_to_num(error.sd)
    root = None if error.covariance is None else _root(np.nan_to_num(error.covariance))
    step = max(CHUNK // max(len(total), 1) // 2, 1)
    for start in range(0, draws // 2, step):
        normal = rng.standard_normal((min(step, draws // 2 - start), len(total)))
        shift = normal * sd if root is None else normal @ root.T
        yield np.concatenate([total + shift, total - shift])


def _root(covariance):
    """A square root; Cholesky, or eigenvalues where errors are exactly dependent."""
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return vectors * np.sqrt(np.maximum(values, 0.0))


# --- bands ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Banded:
    """``pairs`` None where there are too many people, or no covariance."""

    pairs: bands.Pairs | None
    band: np.ndarray
    rank_low: np.ndarray
    rank_high: np.ndarray


def _banded(total, error, sets, confidence):
    sets = np.where(np.isfinite(total), sets, -1)
    if error.covariance is None or (sets >= 0).sum() > bands.PEOPLE:
        return _Banded(None, *np.full((3, len(total)), np.nan))
    pairs = bands.compared(total, error.covariance, sets, confidence)
    return _Banded(pairs, bands.partition(total, pairs, sets), *bands.ranks(pairs, sets))


def _pairs(banded, ids, confidence):
    """The pairs as a table; empty where they are too many to list."""
    if banded.pairs is None or len(ids) > LISTED:
        return pd.DataFrame(columns=PAIRS)
    found, half = banded.pairs, samples.z_value(1 - confidence) * banded.pairs.sd
    columns = {
        "first_ratee_id": ids[found.first], "second_ratee_id": ids[found.second], "difference": found.difference,
        "low": found.difference - half, "high": found.difference + half, "p_order": found.p_order,
        "p_value": found.p_value, "p_adjusted": found.p_adjusted, "apart": found.apart,
    }  # fmt: skip
    return pd.DataFrame(columns, columns=PAIRS)


# --- what moved, and what it is worth ---------------------------------------------------------------------------


def _people(ratees, rule, total, error, tier, p, top, banded, judged, confidence):
    half = samples.z_value(1 - confidence) * error.sd
    changed = judged & (tier["raw"] != tier["own"])
    columns = {
        "total_raw": rule.totals(ratees["raw"]), "total": total, "total_low": total - half, "total_high": total + half,
        "tier_raw": _named(rule, tier["raw"]), "p_raw": _of(p, tier["raw"]),
        "tier": _named(rule, tier["own"]), "p_tier": _of(p, tier["own"]),
        "band": banded.band, "rank_low": banded.rank_low, "rank_high": banded.rank_high, "p_top": top,
        "changed": changed, "changed_by": _moved_by(ratees, rule, tier, changed),
        **_money(rule, tier, p, judged),
        "verdict": np.select([~judged, changed, _of(p, tier["own"]) >= SETTLED], ["not_judged", "changed", "settled"],
                             "uncertain"),
    }  # fmt: skip
    kept = {name: ratees[name].to_numpy() if name in ratees else np.nan for name in PEOPLE[:5]}
    return pd.DataFrame(kept | columns)[PEOPLE]


def _named(rule, code):
    return np.array([*rule.names, None], dtype=object)[code]


def _of(p, code):
    """Probability of one tier each; NaN where there is none."""
    return np.where(code >= 0, np.take_along_axis(p, np.maximum(code, 0)[:, None], 1)[:, 0], np.nan)


def _moved_by(ratees, rule, tier, changed):
    """The step that moved a person most in the direction of the change; others, where neither did."""
    scores = {name: rule.weight * ratees[name].to_numpy(dtype=float) for name in ("raw", "corrected", "calibrated")}
    steps = [scores["corrected"] - scores["raw"], scores["calibrated"] - scores["corrected"]]
    up = tier["own"] < tier["raw"]
    pushed = np.nan_to_num(np.stack(steps)) * np.where(up, 1, -1)
    names = np.array([["severe_raters", "lenient_raters"], ["few_ratings", "few_ratings"]], dtype=object)
    found = names[pushed.argmax(0), np.where(up, 0, 1)]
    return np.where(changed, np.where(pushed.max(0) > 0, found, "others_moved"), None)


def _money(rule, tier, p, judged):
    """What either score pays, what the true tier pays on average, and how far the raw payment is from that."""
    paid = {name: np.where(judged, rule.money[code], np.nan) for name, code in tier.items()}
    gap = np.abs(paid["raw"][:, None] - rule.money)
    return {
        "money_raw": paid["raw"], "money": paid["own"], "money_expected": p @ rule.money,
        "money_at_stake": (p * gap).sum(1),
    }  # fmt: skip


def _tiers(rule, tier, p):
    """One row a tier: people by either score, how many of them are expected right and wrong, what it pays."""
    size = len(rule.names)
    people = {name: np.bincount(code[code >= 0], minlength=size) for name, code in tier.items()}
    right = [p[tier["own"] == at, at].sum() for at in range(size)]
    return pd.DataFrame(
        {
            "tier": rule.names, "people_raw": people["raw"], "people": people["own"], "expected_right": right,
            "expected_wrong": people["own"] - right, "expected": np.nansum(p, axis=0), "amount": rule.money,
            "money_raw": people["raw"] * rule.money, "money": people["own"] * rule.money,
        }
    )  # fmt: skip


def _wrong(rule, tier, p, drawn, name, confidence):
    """Expected number of people paid whose true tier is another, with the interval of the number itself."""
    code = tier[name]
    paid = (code >= 0) & rule.pays[code]
    low, high = np.quantile(drawn.wrong[name], [(1 - confidence) / 2, (1 + confidence) / 2])
    return float((1 - _of(p, code))[paid].sum()), float(low), float(high)


def _result(people, rule, tier, p, drawn, banded, sets, judged, confidence, top, spanning):
    told = np.isfinite(rule.money).all()
    paid = np.any([(code >= 0) & rule.pays[code] for code in tier.values()], axis=0)
    differs = judged & (people["money_raw"] != people["money"]) if told else people["changed"] & paid
    thin = differs & (people["changed_by"] == "few_ratings")
    ends = ("", "_low", "_high")
    wrong = {
        f"expected_wrong{suffix}{end}": value
        for name, suffix in (("raw", "_raw"), ("own", ""))
        for end, value in zip(ends, _wrong(rule, tier, p, drawn, name, confidence), strict=True)
    }
    ids = people["ratee_id"].to_numpy()
    certainty = float(people["p_tier"].mean()) if judged.any() else np.nan
    return TierResult(
        ratees=people,
        probabilities=pd.DataFrame(
            {"ratee_id": np.repeat(ids, len(rule.names)), "tier": list(rule.names) * len(ids), "p": p.ravel()}
        ),
        pairs=_pairs(banded, ids, confidence),
        tiers=_tiers(rule, tier, p),
        rule=rule,
        n=len(people),
        judged=int(judged.sum()),
        changed=int(people["changed"].sum()),
        bonuses=int(paid.sum()),
        hanging=int((differs & ~thin).sum()),
        thin=int(thin.sum()),
        **wrong,
        p_none_wrong=float(min(1.0, 2 * (1 + (drawn.wrong["raw"] == 0).sum()) / (1 + len(drawn.wrong["raw"])))),
        money_moved=float((people["money_raw"] - people["money"]).abs().sum()) if told else np.nan,
        money_at_stake=float(people["money_at_stake"].sum()) if told else np.nan,
        certainty=certainty,
        bands=int(people.groupby(sets)["band"].max().sum()),
        compared=0 if banded.pairs is None else len(banded.pairs.apart),
        apart=0 if banded.pairs is None else int(banded.pairs.apart.sum()),
        top=None if top is None else _top(top, judged, sets),
        confidence=confidence,
        cautions=_cautions(people, rule, banded, sets, judged, top, spanning, certainty),
    )


def _cautions(people, rule, banded, sets, judged, top, spanning, certainty):
    several = len(np.unique(sets[judged])) > 1
    tests = {
        "level_assumed": several and rule.shares is None,
        "not_comparable": spanning,
        "top_not_comparable": top is not None and several,
        "tied_at_boundary": rule.shares is not None and _tied(rule, people["total_raw"].to_numpy()),
        "errors_taken_as_independent": banded.pairs is None and judged.sum() <= bands.PEOPLE,
        "too_many_for_bands": judged.sum() > bands.PEOPLE,
        "pairs_not_listed": len(people) > LISTED,
        "tiers_uncertain": certainty < SETTLED,
        "some_not_judged": not judged.all(),
    }
    return tuple(code for code, holds in tests.items() if holds)


def _tied(rule, total):
    """Whether ties at a boundary of the forced distribution gave a tier of some unit more people than it has places."""
    code = rule.assign(total)
    return any(
        (np.bincount(code[rows], minlength=len(rule.names)).cumsum() > tier_rule.places(rule.shares, len(rows))).any()
        for rows in (np.flatnonzero((rule.unit == unit) & (code >= 0)) for unit in np.unique(rule.unit[rule.unit >= 0]))
    )
