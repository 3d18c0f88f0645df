"""Fairness: does a rater score a group of people lower than the other raters score the same people?

Ratings of a person by a rater are averaged to one, free of the rater's own criterion and period effects. Person and
rater effects are taken out of these by least squares, so only people rated by several raters inform, and what raters
think of all people alike is no difference. What is left of a rater in a group, against the rater's other people and
against the other raters of the same people, is the rater x group difference. Raters found to differ are no yardstick
for the others (purification: Holland & Thayer 1988, in Wainer & Braun, Test Validity). A gap common to all raters
cannot be seen.

References: Searle (1987) Linear Models for Unbalanced Data, ch. 4 (interaction in two-way data); Myford & Wolfe (2003)
J Applied Measurement 4:386 (differential rater functioning); Morris (1983) JASA 78:47 (shrinkage).
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sqlib.disclosure import suppress
from sqlib.errors import MethodRefused
from sqlib.methods import ratings as coding
from sqlib.methods import samples, shrinkage
from sqlib.methods.tiers import TierResult

ESTIMATES = ["estimate", "low", "high", "shrunk", "shrunk_low", "shrunk_high", "p_value", "points"]
NO_NOISE = 1e-9  # of the variance of the scores: less than this is rounding
STEP = 50  # raters of which one at a time may turn out to differ
NUMBERS = ["n", "people", *ESTIMATES, "p_adjusted", "changed", "money"]
COLUMNS = ["dimension", "rater_id", "group", *NUMBERS, "verdict"]
TESTS = ["dimension", "statistic", "df1", "df2", "p_value", "p_adjusted", "spread", "verdict"]


@dataclass(frozen=True)
class FairnessResult:
    """Result of :func:`fairness`; frames described there. ``n`` ratings and ``people`` that inform (rated by several
    raters), ``left_out`` ratings that do not; ``raters``; ``comparisons``: cells judged; ``hidden``, ``too_few``: cells
    that are not. ``cautions``: common_bias_not_seen always, few_people (under 10 inform), cells_hidden, overlap_thin
    (under half of the ratings inform)."""

    table: pd.DataFrame
    tests: pd.DataFrame
    n: int
    people: int
    raters: int
    left_out: int
    comparisons: int
    hidden: int
    too_few: int
    min_group: int
    confidence: float
    cautions: tuple[str, ...]


def fairness(
    data, *, ratee, rater, score, group, criterion=None, period=None, scale=None, tiers: TierResult | None = None,
    min_cell=10, min_group=5, confidence=0.95,
) -> FairnessResult:  # fmt: skip
    """Rater x group differences, each with its own test, and one test of any such difference.

    Parameters
    ----------
    data : one row per rating; ratee, rater, score, criterion, period, scale as in ``ratings.coded``
    group : column of the ratee's group (gender, site, team, contract), or several, each a dimension
    tiers : result of ``tiers.decisions``; gives what a difference would change
    min_cell, min_group : a cell of fewer informing ratings is too_few; one of fewer people is hidden, and so is what
        would give it away

    ``table``: COLUMNS, one row a rater and group in which people were rated by this and another rater. estimate is in
    points of the client's scale, negative where the rater scores the group lower; low, high and p_value are Student's,
    against raters who do not differ themselves;
    shrunk by empirical Bayes over the cells of the dimension; p_adjusted Benjamini-Hochberg over all cells shown;
    points: what the shrunk difference makes in the mean score of one of these people; changed, money: people whose tier
    would be another without it (the calibrated score less their points), and the payments between the two. verdict:
    rates_lower, rates_higher, no_signal, too_few, hidden. ``n`` counts ratings as delivered.
    ``tests``: TESTS, one row a dimension: F test of any rater x group difference; spread is the standard deviation of
    the true differences of cells; verdict differs or no_signal, after Benjamini-Hochberg over dimensions.

    Raises MethodRefused (rater_fairness.*): nobody rated by two raters, one group, scores that persons and raters
    explain exactly. Checked against least squares on the full design and the two-way analysis of variance of balanced
    data; error rates in ``benchmarks/rater_fairness.py``.
    """
    names = samples.levels(group)
    coded = {
        name: coding.coded(
            data, ratee=ratee, rater=rater, score=score, criterion=criterion, period=period, group=name, scale=scale
        )
        for name in names
    }
    pairs = _pairs(next(iter(coded.values())))
    inform = pairs[pairs["company"] > 1]
    if inform.empty:
        raise MethodRefused("rater_fairness.no_overlap", people=pairs["ratee"].nunique(), ratings=int(pairs["n"].sum()))
    found = [_dimension(name, each, pairs, tiers, min_cell, confidence) for name, each in coded.items()]
    table = _judged(pd.concat([cells for cells, _ in found], ignore_index=True), min_group, confidence)
    tests = pd.DataFrame([test for _, test in found]).reindex(columns=TESTS)
    tests["p_adjusted"] = samples.adjusted(tests["p_value"])
    tests["verdict"] = np.where(tests["p_adjusted"] <= 1 - confidence, "differs", "no_signal")
    total, used = int(pairs["n"].sum()), int(inform["n"].sum())
    return FairnessResult(
        table=table,
        tests=tests,
        n=used,
        people=int(inform["ratee"].nunique()),
        raters=int(inform["rater"].nunique()),
        left_out=total - used,
        comparisons=int(table["p_value"].notna().sum()),
        hidden=int(table["verdict"].eq("hidden").sum()),
        too_few=int(table["verdict"].eq("too_few").sum()),
        min_group=min_group,
        confidence=confidence,
        cautions=_cautions(inform, table, total),
    )


# --- from ratings to one score a person and rater ----------------------------------------------------------------


def _pairs(r: coding.Ratings) -> pd.DataFrame:
    """One row a person and rater: ratee, rater, score (mean, free of the rater's own item effects), n ratings,
    company: how many raters the person has."""
    pair, code = np.unique(r.ratee.astype(np.int64) * len(r.rater_ids) + r.rater, return_inverse=True)
    score = r.score - _item_effects(r, code)
    frame = pd.DataFrame({"ratee": pair // len(r.rater_ids), "rater": pair % len(r.rater_ids)})
    frame["n"] = np.bincount(code)
    frame["score"] = np.bincount(code, score) / frame["n"]
    return frame.assign(company=frame.groupby("ratee")["rater"].transform("size"))


def _item_effects(r: coding.Ratings, pair):
    """Effect of the criterion and period of every rating as its rater uses them, from differences within a person and
    rater: unmoved by whom the rater rated on what. Zero where a pair has one item throughout."""
    items = _items(r)
    if items is None:
        return 0.0
    size, raters = int(items.max()) + 1, len(r.rater_ids)
    count = np.bincount(pair)
    centred = r.score - (np.bincount(pair, r.score) / count)[pair]
    cell = r.rater * size + items
    rise = np.bincount(cell, centred, minlength=raters * size).reshape(raters, size)
    effects = np.einsum(
        "rij,rj->ri", np.linalg.pinv(_laplacians(pair, items, r.rater, raters, size), hermitian=True), rise
    )
    return effects[r.rater, items]


def _items(r):
    """Codes of criterion crossed with period; None where neither is given."""
    if r.criterion is None or r.period is None:
        return r.criterion if r.period is None else r.period
    return np.unique(r.criterion.astype(np.int64) * len(r.period_ids) + r.period, return_inverse=True)[1]


def _laplacians(pair, item, block, blocks, size):
    """Of the graph of items that meet in a pair, one matrix a block: (blocks, size, size)."""
    from scipy import sparse

    rows = sparse.csr_matrix((np.ones(len(pair)), (pair, block * size + item)), shape=(pair.max() + 1, blocks * size))
    per_pair = np.asarray(rows.sum(1)).ravel()
    met = (rows.T @ sparse.diags(1 / per_pair) @ rows).tocoo()
    found = np.zeros((blocks, size, size))
    np.subtract.at(found, (met.row // size, met.row % size, met.col % size), met.data)
    met = np.asarray(rows.sum(0)).reshape(blocks, size)
    found[:, np.arange(size), np.arange(size)] += met
    return found


# --- one dimension ----------------------------------------------------------------------------------------------


def _dimension(name, r, pairs, tiers, min_cell, confidence):
    """Cells and overall test of one dimension."""
    label = pd.Series(r.group if r.group is not None else -1)
    rows = pairs[(pairs["company"] > 1) & (label.reindex(pairs["ratee"]).to_numpy() >= 0)]
    group = label.reindex(rows["ratee"]).to_numpy()
    if len(np.unique(group)) < 2:
        raise MethodRefused("rater_fairness.one_group", column=name, people=rows["ratee"].nunique())
    counted = rows.assign(group=group).groupby(["rater", "group"], as_index=False)
    counted = counted.agg(n=("n", "sum"), people=("ratee", "size"))
    shown = np.zeros((int(group.max()) + 1, int(rows["rater"].max()) + 1), dtype=bool)
    shown[counted["group"], counted["rater"]] = counted["n"] >= min_cell
    fit = _purified(
        rows["ratee"].to_numpy(), rows["rater"].to_numpy(), group, rows["score"].to_numpy(), shown, 1 - confidence
    )
    cells = _cells(counted, shown, fit, r, confidence)
    cells = _impact(cells, rows, group, pairs, r, tiers)
    spread = shrinkage.dersimonian_laird(*_known(fit), mean=0.0)[0] ** 0.5 if len(_known(fit)[0]) else np.nan
    test = {"dimension": name, "statistic": fit.f, "df1": fit.df1, "df2": fit.df2, "p_value": fit.p_value}
    return cells.assign(dimension=name), test | {"spread": spread}


@dataclass(frozen=True)
class _Fit:
    """``estimate``, ``variance`` (groups, raters) of every cell, NaN where nothing can be told; the F test of all."""

    estimate: np.ndarray
    variance: np.ndarray
    f: float
    df1: int
    df2: int
    p_value: float

    @property
    def p_values(self) -> np.ndarray:
        from scipy.special import stdtr

        return 2 * stdtr(self.df2, -np.abs(self.estimate) / np.sqrt(self.variance))


def _purified(ratee, rater, group, score, shown, alpha) -> _Fit:
    """The fit in which raters found to differ are no yardstick for the others: one after another, up to half of them,
    they get an effect of their own in every group. ``shown`` (groups, raters): cells that are judged."""
    free = np.zeros(0, dtype=int)
    fit = overall = _fit(ratee, rater, group, score, free)
    while True:
        p = np.where(shown & (fit.variance > 0), fit.p_values, np.nan)
        found = np.isfinite(p)
        p[found] = samples.adjusted(pd.Series(p[found])).to_numpy()
        least = np.nanmin(np.where(np.isfinite(p), p, 1.0), axis=0)
        least[free] = 1.0
        room = max((shown.any(0).sum() - 1) // 2 - len(free), 0)
        new = np.flatnonzero(least <= alpha)
        new = new[np.argsort(least[new], kind="stable")][: min(room, max(shown.shape[1] // STEP, 1))]
        if not len(new):
            return replace(fit, f=overall.f, df1=overall.df1, p_value=overall.p_value)
        free = np.append(free, new)
        fit = _fit(ratee, rater, group, score, free)


def _fit(ratee, rater, group, score, free) -> _Fit:
    """Two-way least squares, persons and raters, without and with a rater effect of its own in every group.

    In a group the normal equations of the raters, persons eliminated, are a Laplacian L_g with right side w_g; without
    interaction they are the sums over groups. The difference of a cell is its indicator's coefficient when added to
    the model without interaction, in which the raters ``free`` count as another rater in every group.
    """
    from scipy.special import fdtrc

    raters, groups = int(rater.max()) + 1, int(group.max()) + 1
    place = np.full(raters, -1)
    place[free] = np.arange(len(free))
    at = np.where(place[rater] < 0, rater, raters + place[rater] * groups + group)
    size = raters + len(free) * groups
    laplacian = _laplacians(np.unique(ratee, return_inverse=True)[1], at, group, groups, size)
    centred = score - pd.Series(score).groupby(ratee).transform("mean").to_numpy()
    right = np.bincount(group * size + at, centred, minlength=groups * size).reshape(groups, size)
    within = [_pseudo_inverse(each) for each in laplacian]
    fitted = sum(w @ (each - constant) @ w for w, (each, constant, _) in zip(right, within, strict=True))
    rank = sum(each for *_, each in within)
    df2 = len(score) - len(np.unique(ratee)) - rank
    noise = max((centred**2).sum() - fitted, 0.0) / df2 if df2 > 0 else np.nan
    if noise <= NO_NOISE * (score - score.mean()).var():
        raise MethodRefused("rater_fairness.no_noise", rows=len(score))
    inverse, constant, plain = _pseudo_inverse(laplacian.sum(0))
    seen, estimate = _one_cell(laplacian, inverse - constant, right)
    seen, estimate = seen[:, :raters], estimate[:, :raters]
    for rater_, own in zip(free, np.arange(raters, size).reshape(-1, groups), strict=True):
        seen[:, rater_], estimate[:, rater_] = _own_cells(inverse, right.sum(0), own)
    seen = np.where(seen > 1e-8, seen, np.nan)
    df1, explained = rank - plain, fitted - right.sum(0) @ (inverse - constant) @ right.sum(0)
    f = explained / df1 / noise if df1 > 0 and noise > 0 else np.nan
    return _Fit(estimate / seen, noise / seen, float(f), df1, df2, float(fdtrc(df1, df2, f)))


def _one_cell(laplacian, inverse, right):
    """Information and score of every cell of raters with one effect: (groups, raters) each."""
    seen = np.einsum("gii->gi", laplacian) - ((laplacian @ inverse) * laplacian).sum(-1)
    return seen, right - laplacian @ (inverse @ right.sum(0))


def _own_cells(inverse, right, own):
    """The same of a rater whose effects in the groups are ``own``, were there but one of them."""
    effects = inverse[own] @ right
    information = np.linalg.inv(inverse[np.ix_(own, own)])
    score, row = information @ effects, information.sum(1)
    return np.diag(information) - row**2 / row.sum(), score - row * score.sum() / row.sum()


def _pseudo_inverse(laplacian):
    """Inverse of a Laplacian raised by the constants of its connected parts, these constants (the difference of the two
    is its pseudo-inverse), and its rank."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    parts, part = connected_components(csr_matrix(laplacian), directed=False)
    constant = (part[:, None] == part) / np.bincount(part)[part]
    return np.linalg.inv(laplacian + constant), constant, len(laplacian) - parts


def _known(fit):
    known = np.isfinite(fit.estimate) & (fit.variance > 0)
    return fit.estimate[known], fit.variance[known]


def _cells(counted, shown, fit, r, confidence):
    """A row for every cell with an informing rating; no number where they are too few."""
    at = counted["group"].to_numpy(), counted["rater"].to_numpy()
    estimate, sd, p_value = (
        np.where(shown, values, np.nan)[at] for values in (fit.estimate, np.sqrt(fit.variance), fit.p_values)
    )
    half = samples.t_value(1 - confidence, fit.df2) * sd
    _, shrunk, low, high = shrinkage.shrink(estimate, sd**2, confidence)
    return counted.assign(
        rater_id=r.rater_ids[counted["rater"]], code=counted["group"], group=r.group_ids[counted["group"]],
        estimate=estimate, low=estimate - half, high=estimate + half, shrunk=shrunk, shrunk_low=low, shrunk_high=high,
        p_value=p_value,
    )  # fmt: skip


# --- what it changes --------------------------------------------------------------------------------------------


def _impact(cells, rows, group, pairs, r, tiers):
    """Points a person, and whose tier would be another without the difference."""
    weight = (pairs["n"] / pairs.groupby("ratee")["n"].transform("sum")).reindex(rows.index).to_numpy()
    part = pd.DataFrame({"rater": rows["rater"], "code": group, "ratee": rows["ratee"], "weight": weight})
    parts = {key: each for key, each in part.groupby(["rater", "code"])}
    found = [_moved(parts[cell.rater, cell.code], cell.shrunk, r.ratee_ids, tiers) for cell in cells.itertuples()]
    return cells.assign(**pd.DataFrame(found, columns=["points", "changed", "money"], index=cells.index))


def _moved(part, shrunk, ids, tiers):
    points = part["weight"].to_numpy() * shrunk
    if tiers is None or not np.isfinite(shrunk):
        return points.mean(), np.nan, np.nan
    shift = pd.Series(points, index=ids[part["ratee"]]).reindex(tiers.ratees["ratee_id"]).fillna(0.0).to_numpy()
    code = tiers.rule.assign(tiers.ratees["total"])
    without = tiers.rule.assign(tiers.ratees["total"] - tiers.rule.weight * shift)
    differs = (without != code) & (code >= 0)
    return (
        points.mean(),
        int(differs.sum()),
        float(np.abs(tiers.rule.money[without] - tiers.rule.money[code])[differs].sum()),
    )


# --- who may be shown, and what it says --------------------------------------------------------------------------


def _judged(kept, min_group, confidence):
    few = kept["estimate"].isna()
    columns = list(kept.groupby(["dimension", "group"]).indices.values())
    kept["family"] = kept["dimension"] + "\0" + kept["rater_id"].astype(str)
    kept = suppress(kept, by="family", n="people", min_group=min_group, numbers=["n", "people"], sums=columns)
    hidden = kept["hidden"].to_numpy()
    kept = kept.assign(**{name: kept[name].mask(hidden) for name in [*ESTIMATES, "changed", "money"]})
    kept["p_adjusted"] = samples.adjusted(kept["p_value"])
    sure = kept["p_adjusted"] <= 1 - confidence
    kept["verdict"] = np.select(
        [hidden, few, sure & (kept["estimate"] < 0), sure],
        ["hidden", "too_few", "rates_lower", "rates_higher"],
        "no_signal",
    )
    return kept[COLUMNS].sort_values(["dimension", "rater_id", "group"], kind="stable", ignore_index=True)


def _cautions(inform, table, total):
    tests = {
        "common_bias_not_seen": True,
        "few_people": inform["ratee"].nunique() < 10,
        "overlap_thin": inform["n"].sum() < total / 2,
        "cells_hidden": table["verdict"].eq("hidden").any(),
    }
    return tuple(code for code, holds in tests.items() if holds)
