"""The arithmetic of an appraisal scheme: weighted criteria, deductions and bonus points with ceilings, veto, tiers.

What the client's own rules make of the scores as they were given; no model. A total is judged_weight x judged +
offset, so that a calibrated score can take the place of the judged part. Sums are rounded to 9 decimals before they
meet a cut point: the 84.99999999999999 of a computer is the 85 of the rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused

KINDS = ("judged", "formula", "deduction", "bonus", "veto")
SCORED = ("judged", "formula")
NEEDED = ("ratee", "criterion", "kind", "score")
OPTIONAL = {"period": "", "role": None, "rater": None, "full_marks": np.nan, "low": np.nan, "weight": np.nan,
            "reported": np.nan, "reported_tier": None}  # fmt: skip
EXACT = 9  # decimals: finer than any score, coarser than the error of adding floats
WHOLE = 1e-6  # how far a sum of weights may lie from 1
OWN = "self"
PERSON, PART = ["ratee", "period"], ["ratee", "period", "criterion", "kind"]
PARTS = ["judged", "judged_weight", "formula", "deduction", "bonus", "veto", "offset", "total"]
TABLE = [*PARTS, "tier", "missing", "periods", "reported", "difference", "reported_tier"]
ADDED = [*PART, "raters", "score", "full_marks", "weight", "added"]


@dataclass(frozen=True)
class Scheme:
    """The client's rules.

    ``weights``: criterion -> weight, in % or as a share (a column ``weight`` of the rows goes before); ``roles``: role
    of rater -> weight, the others' ratings alike where empty; ``ceilings``: deduction or bonus -> most points it
    moves; ``deduction_ceiling``, ``bonus_ceiling``: all of them together; ``full_marks``: no total above it. ``cuts``:
    tier -> least total, or ``shares``: tier -> share of the people (forced distribution), best first; ``within``: the
    column in which the shares hold. ``veto``: lowest_tier | zero (the total as well).
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    roles: Mapping[str, float] = field(default_factory=dict)
    ceilings: Mapping[str, float] = field(default_factory=dict)
    deduction_ceiling: float | None = None
    bonus_ceiling: float | None = None
    full_marks: float | None = None
    cuts: Mapping[str, float] | None = None
    shares: Mapping[str, float] | None = None
    within: str | None = None
    veto: str = "lowest_tier"


@dataclass(frozen=True)
class SchemeResult:
    """Result of :func:`totals`, in points of the scheme.

    ``table``, one row a person: ratee, the columns kept, judged (weighted mean of the judged criteria, by others
    only), judged_weight (points of the total per point of ``judged``), formula, deduction, bonus (points, after
    ceilings), veto, offset (total less the judged part; before a veto), total, tier, missing (criteria without a
    score), periods (averaged over), reported, difference (reported less total), reported_tier.

    ``added``, one row a person, period and criterion: kind, raters, score (mean over raters, or sum), full_marks,
    weight (share of the total), added (points; below 0 for a deduction). ``points``: is ``judged`` in points of 100 of
    each criterion's range (mixed scales), or on the one scale of all? ``basis``: how criteria were weighted, weights |
    sum (full marks add up to 100) | mean (one scale) | full_marks; ``full``: what a total without bonus can reach;
    ``weight_sums``: the different sums of the weights met. Of ``reported`` totals ``agree`` are the recomputed ones, as
    far as they are printed. ``cautions`` among weights_incomplete (not every
    criterion has one, so none is used), weights_not_whole, criteria_missing, roles_missing,
    deduction_repeated, periods_averaged, totals_differ, ties_shared, below_tiers, no_group.
    """

    table: pd.DataFrame
    added: pd.DataFrame
    points: bool
    basis: str
    full: float
    weight_sums: tuple[float, ...]
    n: int
    reported: int
    agree: int
    cautions: tuple[str, ...]


def totals(
    scores: pd.DataFrame, scheme: Scheme, *, keep: tuple[str, ...] = ("department", "team"), points: bool | None = None,
) -> SchemeResult:  # fmt: skip
    """Totals and tiers of every person by the client's own rules.

    Parameters
    ----------
    scores : one row a score: ratee, criterion, kind (judged | formula | deduction | bonus | veto), score; where there
        are any: period, rater, role, full_marks (of the criterion), low (its lowest score), weight, reported (total),
        reported_tier, the columns of ``keep`` and ``scheme.within``
    keep : columns of the person handed on; people of one value of the first share their criteria
    points : ``judged`` in points of 100 of each criterion's range; None: where the judged criteria differ in scale

    A judged criterion counts with the mean of its ratings, of each role where roles have weights; self-ratings only
    where ``scheme.roles`` weighs them. Weights that do not add up to a whole are named and used as they are; the
    weights of criteria without a score go to the others of that person, which is named. Deductions and bonus points
    add up over their rows; signs do not matter. Several periods of one person are averaged. Forced distribution: the
    people down to a tier are its share of all, halves up; who ties at a border shares the better tier.

    Raises MethodRefused: samples.unknown_column, scheme.unknown_kind, scheme.no_scores.
    """
    every = _named(scores, scheme, keep)
    rows = _scored(every, scheme, keep)
    points = _mixed(rows) if points is None else points
    parts, short = _parts(rows, scheme, points)
    parts, basis, full = _weighed(parts, scheme)
    parts, missing, sums = _stretched(parts)
    people = _people(_moved(parts, scheme), missing, scheme)
    table = people.merge(_told(every, scheme, keep), on="ratee", how="left")
    table["tier"], tied = _tiers(table, scheme)
    table["difference"] = (table["reported"] - table["total"]).round(EXACT)
    compared, agree = int(table["reported"].notna().sum()), int(_agrees(table).sum())
    named = {
        "weights_incomplete": basis != "weights" and _weights(parts, scheme).notna().any(),
        "weights_not_whole": any(abs(total - 1) > WHOLE for total in sums),
        "criteria_missing": bool(table["missing"].any()),
        "roles_missing": short,
        "deduction_repeated": _repeated(rows),
        "periods_averaged": bool((table["periods"] > 1).any()),
        "totals_differ": agree < compared,
        "ties_shared": tied,
        "below_tiers": bool((scheme.cuts or scheme.shares) and table["tier"].isna().any()),
        "no_group": bool(scheme.shares and scheme.within and table[scheme.within].isna().any()),
    }
    order = ["ratee", *_kept(keep, scheme), *TABLE]
    cautions = tuple(name for name, holds in named.items() if holds)
    return SchemeResult(table[order], parts[ADDED], points, basis, full, sums, len(table), compared, agree, cautions)


# --- the rows -----------------------------------------------------------------------------------------------------


def _kept(keep: tuple[str, ...], scheme: Scheme) -> list[str]:
    return list(dict.fromkeys([*keep, *([scheme.within] if scheme.within else [])]))


def _named(scores: pd.DataFrame, scheme: Scheme, keep: tuple[str, ...]) -> pd.DataFrame:
    """The rows with every column the arithmetic looks at."""
    for column in NEEDED:
        if column not in scores:
            raise MethodRefused("samples.unknown_column", column=column, known=", ".join(scores))
    strange = scores.loc[~scores["kind"].isin(KINDS), "kind"]
    if len(strange):
        raise MethodRefused("scheme.unknown_kind", got=strange.iloc[0], rows=len(strange), known=", ".join(KINDS))
    usual = OPTIONAL | dict.fromkeys(_kept(keep, scheme))
    rows = scores.assign(**{name: value for name, value in usual.items() if name not in scores})
    return rows.fillna({"criterion": "", "period": "", "low": 0.0})


def _scored(every: pd.DataFrame, scheme: Scheme, keep: tuple[str, ...]) -> pd.DataFrame:
    """The rows that make a total; ``group``: people who share their criteria."""
    rows = every[every["score"].notna() & (every["role"].ne(OWN).fillna(True) | (OWN in scheme.roles))]
    if not rows["kind"].isin(SCORED).any():
        raise MethodRefused("scheme.no_scores", rows=len(every))
    group = rows[keep[0]].fillna("") if keep else pd.Series("", index=rows.index)
    return rows.assign(group=group.astype("str"), full_marks=rows["full_marks"].astype("float64"))


def _mixed(rows: pd.DataFrame) -> bool:
    """Do the judged criteria differ in their scale?"""
    ends = rows.loc[rows["kind"] == "judged", ["low", "full_marks"]]
    return len(ends.drop_duplicates()) > 1


def _repeated(rows: pd.DataFrame) -> bool:
    """Does one person's deduction stand twice with equal points, from different raters: perhaps one event?"""
    moves = rows[rows["kind"].isin(("deduction", "bonus")) & rows["score"].ne(0)]
    return bool((moves.groupby([*PART, "score"])["rater"].nunique() > 1).any())


def _parts(rows: pd.DataFrame, scheme: Scheme, points: bool) -> tuple[pd.DataFrame, bool]:
    """One row a person, period and criterion, and whether somebody lacks the ratings of a weighted role.

    score : mean of the ratings, or sum of what was taken off or added; own : share of self-ratings in it;
    unit : the others' mean as ``judged`` counts it; step : points of the criterion per point of ``unit``
    """
    scored = rows[rows["kind"].isin(SCORED)]
    by_role = scored.assign(role=scored["role"].fillna("")).groupby([*PART, "role"], sort=True)
    means = by_role.agg(
        score=("score", "mean"), n=("score", "size"), raters=("rater", "nunique"), full_marks=("full_marks", "max"),
        low=("low", "min"), weight=("weight", "first"), group=("group", "first"),
    ).reset_index()  # fmt: skip
    means, short = _by_role(means, scheme)
    others = means["role"] != OWN
    sums = {"score": means["score"] * means["share"], "others": (means["score"] * means["share"]).where(others, 0.0),
            "by_others": means["share"].where(others, 0.0)}  # fmt: skip
    grouped = means.assign(**sums).groupby(PART, sort=True)
    found = grouped.agg(
        score=("score", "sum"), others=("others", "sum"), by_others=("by_others", "sum"), raters=("raters", "sum"),
        full_marks=("full_marks", "max"), low=("low", "min"), weight=("weight", "first"), group=("group", "first"),
    ).reset_index()  # fmt: skip
    mean = found["others"] / found["by_others"]
    span = (found["full_marks"].fillna(100.0) - found["low"]) / 100
    found["unit"] = (mean - found["low"]) / span if points else mean
    found["step"] = found["by_others"] * (span if points else 1.0)
    moved = rows[~rows["kind"].isin(SCORED)].assign(score=lambda each: each["score"].abs()).groupby(PART, sort=True)
    moves = moved.agg(score=("score", "sum"), raters=("rater", "nunique"), group=("group", "first")).reset_index()
    return pd.concat([found, moves], ignore_index=True).drop(columns=["others", "by_others"]).rename(
        columns={"weight": "given"}
    ), short


def _by_role(means: pd.DataFrame, scheme: Scheme) -> tuple[pd.DataFrame, bool]:
    """The share of each role in a criterion: by ``scheme.roles`` among those who rated, else by ratings."""
    counts = means["n"].astype("float64")
    if not scheme.roles:
        return means.assign(share=counts / counts.groupby([means[name] for name in PART]).transform("sum")), False
    judged = means["kind"] == "judged"
    weight = means["role"].map(dict(scheme.roles)).fillna(0.0).astype("float64").where(judged, counts)
    whole = weight.groupby([means[name] for name in PART]).transform("sum")
    share = (weight / whole).where(whole > 0, counts / counts.groupby([means[name] for name in PART]).transform("sum"))
    short = bool((judged & (whole < sum(scheme.roles.values()) - WHOLE)).any())
    return means.assign(share=share)[(share > 0)], short


# --- weights ------------------------------------------------------------------------------------------------------


def _weighed(parts: pd.DataFrame, scheme: Scheme) -> tuple[pd.DataFrame, str, float]:
    """``weight`` (share of the total) and ``each`` (points of the total per point of the criterion) of what is scored;
    how the weights were found, and full marks."""
    scored = parts["kind"].isin(SCORED)
    given = _weights(parts, scheme)[scored]
    own = parts[scored]
    ends = own.groupby(["group", "period", "criterion"])["full_marks"].max()
    whole = ends.groupby(["group", "period"]).sum(min_count=1)
    one = own[["full_marks", "low"]].drop_duplicates().shape[0] == 1
    at = pd.MultiIndex.from_frame(own[["group", "period"]])
    marks = own["full_marks"].fillna(100.0)
    if given.notna().all():
        basis, share = (
            "weights",
            given / (100.0 if given.groupby([own[name] for name in PERSON]).sum().max() > 2 else 1),
        )
    elif ends.notna().all() and (abs(whole - 100) < WHOLE).all():
        basis, share = "sum", marks / 100
    elif one:
        basis, share = "mean", 1 / ends.groupby(["group", "period"]).size().reindex(at).set_axis(own.index)
    else:
        sizes = ends.fillna(100.0).groupby(["group", "period"]).sum()
        basis, share = "full_marks", marks / sizes.reindex(at).set_axis(own.index)
    kept = one and basis != "sum"  # one scale: the total is on it
    full = float(own["full_marks"].iloc[0]) if kept else 100.0
    each = share if kept else share * 100 / marks
    return parts.assign(weight=share.reindex(parts.index), each=each.reindex(parts.index)), basis, full


def _weights(parts: pd.DataFrame, scheme: Scheme) -> pd.Series:
    """Weights as given, by the rows or by the rules."""
    return parts["given"].fillna(parts["criterion"].map(dict(scheme.weights)).astype("float64"))


def _stretched(parts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, tuple[float, ...]]:
    """The points every criterion adds, those of missing ones given to the others; how many are missing by person and
    period; the sums of the weights met."""
    scored = parts[parts["kind"].isin(SCORED)]
    usual = scored.groupby(["group", "period", "criterion"])["weight"].mean().reset_index()
    wanted = usual.groupby(["group", "period"]).agg(wanted=("weight", "sum"), criteria=("criterion", "size"))
    people = scored.groupby(PERSON).agg(sum=("weight", "sum"), have=("criterion", "nunique"), group=("group", "first"))
    people = people.reset_index().merge(wanted.reset_index(), on=["group", "period"])
    lacks = (people["sum"] < 1 - WHOLE) & (people["have"] < people["criteria"])
    expected = people["sum"].where(~lacks, np.maximum(people["wanted"].clip(upper=1.0), people["sum"]))
    people = people.assign(
        stretch=expected / people["sum"], missing=(people["criteria"] - people["have"]).where(lacks, 0)
    )
    at = pd.MultiIndex.from_frame(parts[PERSON])
    stretch = people.set_index(PERSON)["stretch"].reindex(at).fillna(1.0).to_numpy()
    each = parts["each"] * stretch
    parts = parts.assign(each=each, weight=parts["weight"] * stretch, added=parts["score"] * each)
    return parts, people[[*PERSON, "missing"]], tuple(sorted({round(float(total), 6) for total in expected}))


# --- totals -------------------------------------------------------------------------------------------------------


def _moved(parts: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """Points taken off (below 0) and added, each up to its own ceiling."""
    ceiling = parts["criterion"].map(dict(scheme.ceilings)).astype("float64")
    capped = parts["score"].clip(upper=ceiling)
    added = parts["added"].mask(parts["kind"] == "bonus", capped).mask(parts["kind"] == "deduction", -capped)
    parts["added"] = added.round(EXACT) + 0.0  # -0.0 is 0
    return parts


def _people(parts: pd.DataFrame, missing: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """One row a person: the parts of the total, averaged over periods."""
    keys = [parts[name] for name in PERSON]
    sums = {kind: parts["added"].where(parts["kind"] == kind, 0.0).groupby(keys).sum() for kind in KINDS[:4]}
    each = pd.DataFrame(sums)
    worth = (parts["each"] * parts["step"]).where(parts["kind"] == "judged", 0.0)
    each["judged_weight"] = worth.groupby(keys).sum()
    mean = (worth * parts["unit"]).fillna(0.0).groupby(keys).sum()
    each["unit"] = (mean / each["judged_weight"]).where(each["judged_weight"] > 0)
    each["veto"] = (parts["score"].ne(0) & parts["kind"].eq("veto")).groupby(keys).any()
    each["deduction"] = each["deduction"].clip(lower=-_most(scheme.deduction_ceiling)) + 0.0
    each["bonus"] = each["bonus"].clip(upper=_most(scheme.bonus_ceiling))
    total = each[["judged", "formula", "deduction", "bonus"]].sum(axis=1).clip(upper=_most(scheme.full_marks))
    each["offset"] = total - each["judged_weight"] * each["unit"].fillna(0.0)
    each["total"] = total.mask(each["veto"] & (scheme.veto == "zero"), 0.0)
    each = each.drop(columns="judged").rename(columns={"unit": "judged"})
    each = each.join(missing.set_index(PERSON)).reset_index()
    each = each[each["missing"].notna()]  # a deduction alone is no total
    return _averaged(each)


def _most(ceiling: float | None) -> float:
    return np.inf if ceiling is None else ceiling


def _averaged(each: pd.DataFrame) -> pd.DataFrame:
    """Means over the periods of a person; one veto is a veto."""
    means = each.groupby("ratee")[[name for name in PARTS if name != "veto"]].mean().round(EXACT)
    rest = each.groupby("ratee").agg(veto=("veto", "any"), missing=("missing", "sum"), periods=("period", "size"))
    return means.join(rest.astype({"missing": "int64"})).reset_index()


def _told(rows: pd.DataFrame, scheme: Scheme, keep: tuple[str, ...]) -> pd.DataFrame:
    """What the rows say of each person: group, reported total (mean over periods), reported tier (the last)."""
    last = rows.sort_values("period", kind="stable").groupby("ratee")
    told = last[[*_kept(keep, scheme), "reported_tier"]].last()
    reported = rows.groupby(PERSON)["reported"].first().groupby("ratee").mean().round(EXACT)
    return told.join(reported).reset_index()


def _agrees(table: pd.DataFrame) -> pd.Series:
    """Do reported and recomputed total agree as far as the reported ones are printed?"""
    told = table["reported"].dropna()
    printed = next((d for d in range(EXACT) if np.allclose(told, told.round(d), rtol=0, atol=10.0**-EXACT)), EXACT)
    return table["difference"].abs() <= 0.5 * 10.0**-printed + 10.0**-EXACT


# --- tiers --------------------------------------------------------------------------------------------------------


def _tiers(table: pd.DataFrame, scheme: Scheme) -> tuple[pd.Series, bool]:
    """The tier of each person, and whether people tied at a border share one."""
    if scheme.shares:
        tier, tied = _forced(table, scheme)
    else:
        tier, tied = _cut(table["total"], scheme.cuts or {}), False
    tiers = list(scheme.shares or scheme.cuts or {})
    return (tier.mask(table["veto"], tiers[-1]) if tiers else tier), tied


def _cut(total: pd.Series, cuts: Mapping[str, float]) -> pd.Series:
    """The best tier whose least total is reached; None below all."""
    tier = pd.Series(None, index=total.index, dtype="object")
    for name, least in reversed(cuts.items()):
        tier = tier.mask(total >= round(least, EXACT), name)
    return tier


def _forced(table: pd.DataFrame, scheme: Scheme) -> tuple[pd.Series, bool]:
    """Forced distribution in each group: who has fewer people above than a tier and those before it hold is in it."""
    total = table["total"].mask(table["veto"], -np.inf)
    group = table[scheme.within].fillna("") if scheme.within else pd.Series("", index=table.index)
    above = total.groupby(group).rank(method="min", ascending=False) - 1
    size = total.groupby(group).transform("size")
    tier, tied = pd.Series(None, index=table.index, dtype="object"), False
    upto = np.cumsum(list(scheme.shares.values()))
    for name, share in reversed(list(zip(scheme.shares, upto, strict=True))):
        places = np.floor((share * size).round(EXACT) + 0.5)  # halves up
        inside = above < places
        tier = tier.mask(inside, name)
        tied |= bool((inside.groupby(group).transform("sum") > places).any())
    return tier.fillna(list(scheme.shares)[-1]), tied
