"""Weak points over declared cells: which teams, segments, channels lie below the rest of the firm?

Every cell is compared with all other answers, crude and at an equal mix of the ``adjust`` columns
(``stratified``). All cells of all families form one set of comparisons (Benjamini & Hochberg 1995, JRSS B 57:289);
within a family the differences are shrunk and ranked (``shrinkage``).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.disclosure import suppress
from sqlib.errors import MethodRefused
from sqlib.methods import proportions, samples, shrinkage, stratified
from sqlib.methods.clusters import codes, contrast
from sqlib.methods.samples import Sample

WATCH_AT = 0.05  # crude or single p that is worth watching
WATCH_RATE = 0.20  # false discovery rate that is worth watching
LOW_COVERAGE = 0.8  # share of a cell's answers that have a like to compare with, below which a caution is given
SECOND_AT = 0.20  # the second method is asked where the first finds at least this much: 80 % is the weakest evidence
STEPS = 200  # deficits tried for `findable`

NUMBERS = [
    "n", "respondents", "clusters", "estimate", "low", "high",
    "crude", "crude_low", "crude_high", "crude_p_value", "adjusted", "adjusted_low", "adjusted_high", "coverage",
    "shrunk", "shrunk_low", "shrunk_high", "p_value", "p_second", "p_adjusted", "findable", "rank_low", "rank_high",
]  # fmt: skip


@dataclass(frozen=True)
class WeakPointsResult:
    """Result of :func:`weak_points`.

    ``table``, one row per cell: family, cell, the columns ``NUMBERS``, verdict. Differences are cell minus rest in
    the unit of the outcome; rank 1 is the lowest of its family; ``hidden`` rows have no number. ``comparisons``:
    cells tested; ``hidden``: cells hidden; ``missing``: rows without an outcome, left out; ``tau2``: variance of
    the true differences, by family; ``cautions`` among not_adjusted, low_coverage, cells_hidden, rows_without_cell.
    """

    table: pd.DataFrame
    overall: float
    overall_low: float
    overall_high: float
    n: int
    respondents: int
    clusters: int
    missing: int
    comparisons: int
    hidden: int
    tau2: dict[str, float]
    min_group: int
    confidence: float
    target_power: float
    act_at: float
    cautions: tuple[str, ...]


def weak_points(
    data, *, outcome, cells, adjust=(), cluster=None, respondent=None, speaks_to=None, min_group=5, confidence=0.95,
    target_power=0.8, act_at=0.05, seed=0,
) -> WeakPointsResult:  # fmt: skip
    """Compare every declared cell with the rest of the firm, crude and mix-adjusted.

    Parameters
    ----------
    data : one row per answer
    outcome : 0/1 or boolean column (satisfied), or a numeric one (higher is better)
    cells : columns to search, each a family; ``"a*b"`` crosses two
    adjust : columns whose mix is held equal; a family that lies wholly in `adjust` is adjusted by the others
    cluster : customer; answers of one customer are not independent. None: `respondent`, else the row
    respondent : person, counted for `min_group`, and an inner level of correlation. None: `cluster`, else the row
    speaks_to : column naming the one family a row speaks to (an item's score: ``dimension``), blank for the rest: a
        row counts in the families that hold its name, a blank one in those that hold no such name
    min_group : cells of fewer respondents are hidden, with complementary suppression
    target_power, act_at : ``findable`` is the deficit flagged with this power if it alone is real, so that its
        one-sided p must beat ``act_at / comparisons`` (baseline: the rest of the cell's strata)
    seed : taken as by every method; nothing here is random

    Columns: ``p_value`` two-sided stratified exact mid-p (numeric outcome: permutation p by three moments) at the
    design effect; ``p_second`` linearised cluster t of the same difference, NaN where p_value > .20;
    ``p_adjusted`` Benjamini-Hochberg over all cells of all families, for the direction in which the cell lies;
    ``coverage`` share of the cell's answers whose stratum holds answers of others. Verdicts: act_now = adjusted
    difference below 0 and p_adjusted <= `act_at`; verify = the same where `adjust` is empty, so that the customer mix
    may explain it; strength = the mirror image; watch = below the rest with crude or
    single adjusted p <= .05 or p_adjusted <= .20; too_few = nothing to compare with, or no deficit however deep
    (of a 0/1 outcome) would be found; hidden; no_signal.

    Raises MethodRefused (segments.*). Checked against Rothman, Greenland & Lash (2008) p. 275 (difference, Sato
    variance), full enumeration (mid-p), Normand (1999) table IX (DerSimonian-Laird), Benjamini & Hochberg (1995);
    error rates and power in ``benchmarks/weak_points.py``.
    """
    cells, adjust = samples.levels(cells), samples.levels(adjust)
    rows, y = _answers(data, outcome, cells, [*adjust, cluster, respondent, speaks_to])
    links = _links(rows, cluster, respondent)
    families = _families(rows, cells, speaks_to)
    sizes = _joined([_sizes(family, *coded, links) for family, coded in families.items()])
    hidden = _hidden(sizes, families, links, min_group)
    strata = {column: pd.factorize(rows[column], use_na_sentinel=False)[0] for column in adjust}
    parts = []
    for family, (cell, _) in families.items():
        shown = ~hidden[sizes["family"] == family]
        parts.append(_compare_family(y, cell, _stratum(strata, family, len(y)), links, shown, confidence))
    found, comparisons = _judged(sizes, parts, hidden, act_at, target_power, "act_now" if adjust else "verify")
    general = np.ones(len(y), dtype=bool) if speaks_to is None else _meant(rows[speaks_to], [])
    overall = _estimate(y[general], links.cluster[general], 1 - confidence, _binary(y))
    return WeakPointsResult(
        table=pd.DataFrame(found)[["family", "cell", *NUMBERS, "verdict"]],
        **{f"overall{end}": float(value) for end, value in zip(("", "_low", "_high"), overall, strict=True)},
        n=len(y),
        respondents=len(np.unique(links.respondent)),
        clusters=len(np.unique(links.cluster)),
        missing=len(data) - len(rows),
        comparisons=comparisons,
        hidden=int(hidden.sum()),
        tau2={family: float(tau2) for family, (*_, tau2) in zip(families, parts, strict=True)},
        min_group=min_group,
        confidence=confidence,
        target_power=target_power,
        act_at=act_at,
        cautions=_cautions(found, hidden, adjust, families, len(cells)),
    )


def _hidden(sizes, families, links, min_group):
    """Cells too small to be shown, and those that would give them away.

    Answers that name no cell of a family make one more part of its total, which is shown nowhere: a few of them would
    be what a reader gets by taking the cells from the total.
    """
    cells = pd.DataFrame({name: sizes[name] for name in ("family", "respondents")})
    nameless = [len(np.unique(links.respondent[code == -1])) for code, _ in families.values()]
    parts = pd.concat([cells, pd.DataFrame({"family": list(families), "respondents": nameless})], ignore_index=True)
    parts = suppress(parts, by="family", n="respondents", min_group=min_group, numbers=[], sums=_sums(families))
    return parts["hidden"].to_numpy()[: len(cells)]


def _judged(sizes, parts, hidden, act_at, target_power, deficit):
    """All cells together: corrected p, findable deficit, verdict (``deficit``: what a proven one is called); the
    numbers of hidden cells are blanked."""
    found = sizes | _joined([numbers for numbers, *_ in parts])
    comparisons = int(np.isfinite(found["p_value"]).sum())
    alpha = act_at / max(comparisons, 1)
    found["p_adjusted"] = directed(found["p_value"], found["adjusted"])
    found["findable"] = np.concatenate([_findable(design, alpha, target_power) for _, design, _ in parts])
    found |= {name: np.where(hidden, np.nan, found[name]) for name in NUMBERS}
    found["verdict"] = _verdicts(found, hidden, act_at, deficit)
    return found, comparisons


# --- the data: answers, families, strata, links ---------------------------------------------------------------


@dataclass(frozen=True)
class _Links:
    """Codes of customer and respondent per row; ``levels``: those under which answers are correlated, inner first."""

    cluster: np.ndarray
    respondent: np.ndarray
    levels: tuple[np.ndarray, ...]


def _answers(data, outcome, cells, others):
    """The rows with an outcome, and the outcomes, after checking that the method can answer at all."""
    samples.require(data, outcome, *(part for family in cells for part in _parts(family)), *others)
    if not cells:
        raise MethodRefused("segments.no_cells")
    value = samples.numbers(data, outcome)
    if value.notna().sum() < 2:
        raise MethodRefused("segments.no_answers", column=outcome, rows=int(value.notna().sum()))
    return data[value.notna()], value[value.notna()].to_numpy()


def _parts(family):
    return [part.strip() for part in family.split("*")]


def _families(rows, cells, speaks_to):
    """Family -> (code of each row, labels of the cells); a family whose column is all blank is left out."""
    coded = {family: _family(rows, _parts(family), speaks_to) for family in cells}
    found = {family: each for family, each in coded.items() if each[1]}
    if not found:
        raise MethodRefused("segments.blank_cells", columns=", ".join(cells))
    return found


def _family(rows, parts, speaks_to):
    """Code of the cell of each row (-1 blank, -2 a row that does not speak to this family) and the labels of the
    cells, in the order of the column."""
    columns = [rows[part].astype("category").cat for part in parts]
    code = np.zeros(len(rows), dtype=int) if speaks_to is None else np.where(_meant(rows[speaks_to], parts), 0, -2)
    for column in columns:
        level = column.codes.to_numpy()
        code = np.where((code >= 0) & (level >= 0), code * len(column.categories) + level, np.minimum(code, -1))
    present, code[code >= 0] = np.unique(code[code >= 0], return_inverse=True)
    levels = np.unravel_index(present, [max(len(column.categories), 1) for column in columns])
    labels = [list(column.categories[at]) for column, at in zip(columns, levels, strict=True)]
    if len(parts) == 1:
        return code, labels[0]
    return code, [" * ".join(map(str, each)) for each in zip(*labels, strict=True)]


def _meant(names, parts):
    """Rows that speak to a family: those that name it; where none does, those that name none; else all."""
    named, free = names.isin(parts).to_numpy(), names.isna().to_numpy()
    return named if named.any() else free if free.any() else np.ones(len(names), dtype=bool)


def _stratum(strata, family, n):
    """Stratum of each row: the codes of the `adjust` columns crossed."""
    parts = _parts(family)
    stratum = np.zeros(n, dtype=int)
    for column, code in strata.items():
        if column not in parts or not set(parts) <= set(strata):
            stratum = stratum * (code.max() + 1) + code
    return stratum


def _links(rows, cluster, respondent):
    outer = cluster if cluster is not None else respondent
    customer = codes(None if outer is None else rows[outer], len(rows))
    if cluster is None or respondent is None:
        return _Links(customer, customer, () if outer is None else (customer,))
    person = codes(rows[respondent], len(rows))
    nested = np.unique(customer * (person.max() + 1) + person, return_inverse=True)[1]
    return _Links(customer, person, (nested, customer))


def _sizes(family, cell, labels, links):
    """Per cell: rows, distinct respondents, distinct clusters."""
    keep = cell >= 0
    distinct = {
        name: np.bincount(np.unique(code[keep] * len(labels) + cell[keep]) % len(labels), minlength=len(labels))
        for name, code in (("respondents", links.respondent), ("clusters", links.cluster))
    }
    named = np.empty(len(labels), dtype=object)
    named[:] = labels
    return {
        "family": np.full(len(labels), family, dtype=object),
        "cell": named,
        "n": np.bincount(cell[keep]),
        **distinct,
    }


def _joined(parts):
    """Columns of all families, one below the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _sums(families):
    """Cells that are whole cells of another family put together (an office and its teams): rows of the table."""
    starts = dict(zip(families, np.cumsum([0, *(len(labels) for _, labels in families.values())]), strict=False))
    found = []
    for whole, (cell, labels) in families.items():
        for part, (inner, parts) in families.items():
            both = (cell >= 0) & (inner >= 0)
            shared = np.bincount(cell[both] * len(parts) + inner[both], minlength=len(labels) * len(parts))
            shared = shared.reshape(len(labels), len(parts))
            inside = (shared == np.bincount(inner[inner >= 0])) & (whole != part)
            covered = (shared * inside).sum(1) == np.bincount(cell[cell >= 0])
            found += [
                [starts[whole] + at, *(starts[part] + np.flatnonzero(inside[at]))] for at in np.flatnonzero(covered)
            ]
    return found


# --- one family: every cell against the rest -------------------------------------------------------------------


def _compare_family(y, cell, stratum, links, shown, confidence):
    """Numbers of one family's cells by column, the comparison that `findable` starts from, and tau2."""
    keep = cell >= 0
    y, cell, stratum = y[keep], cell[keep], np.unique(stratum[keep], return_inverse=True)[1]
    links = _Links(links.cluster[keep], links.respondent[keep], tuple(level[keep] for level in links.levels))
    fair = _compare(y, cell, stratum, links, shown)
    crude = _compare(y, cell, np.zeros_like(stratum), links, shown, second=False) if stratum.any() else fair
    alpha = 1 - confidence
    tau2, *shrunk = shrinkage.shrink(fair.difference, fair.variance(alpha), confidence)
    columns = {
        ("estimate", "low", "high"): _estimates(y, cell, len(shown), links.cluster, alpha),
        ("crude", "crude_low", "crude_high"): (crude.difference, *crude.interval(alpha)),
        ("adjusted", "adjusted_low", "adjusted_high"): (fair.difference, *fair.interval(alpha)),
        ("shrunk", "shrunk_low", "shrunk_high"): shrunk,
        ("crude_p_value", "p_value", "p_second"): (crude.p_value, fair.p_value, fair.p_second),
        ("rank_low", "rank_high"): shrinkage.ranks(*fair.interval(alpha / max(int(shown.sum()), 1))),
        ("coverage",): (fair.coverage,),
    }
    numbers = {name: value for names, values in columns.items() for name, value in zip(names, values, strict=True)}
    return numbers, fair, tau2


def _estimates(y, cell, cells, cluster, alpha):
    """Mean outcome of every cell with its interval: arrays (estimate, low, high)."""
    found = [_estimate(y[cell == at], cluster[cell == at], alpha, _binary(y)) for at in range(cells)]
    return np.array(found, dtype=float).T


def _estimate(y, cluster, alpha, binary):
    if binary:
        share, information = proportions.information_of(Sample(y, cluster, None))
        return share, *proportions.interval(share, information, alpha)
    mean = contrast(y, cluster=cluster)
    half = samples.t_value(alpha, mean.df) * np.sqrt(mean.variance)
    return mean.estimate, mean.estimate - half, mean.estimate + half


def _binary(y):
    return bool(np.isin(y, (0, 1)).all())


@dataclass(frozen=True)
class _Comparison:
    """Every cell (k) against the rest in its strata (S). Counts and sums of outcomes: (k, S); the others (k,)."""

    n1: np.ndarray
    x1: np.ndarray
    n0: np.ndarray
    x0: np.ndarray
    spread: np.ndarray  # variance of one answer within its stratum, (S,)
    effect: np.ndarray  # design effect
    linear: tuple[np.ndarray, np.ndarray]  # linearised variance of the difference, degrees of freedom
    p_value: np.ndarray
    binary: bool

    @property
    def weight(self):
        return self.n1 * self.n0 / (self.n1 + self.n0)

    @property
    def difference(self):
        return stratified.ratio(self.x1 - self.n1 * (self.x1 + self.x0) / (self.n1 + self.n0), self.weight)

    @property
    def coverage(self):
        return (self.n1 * (self.n0 > 0)).sum(1) / self.n1.sum(1)

    @property
    def p_second(self):
        from scipy.special import stdtr

        variance, df = self.linear
        with np.errstate(divide="ignore", invalid="ignore"):
            p = np.where(variance > 0, 2 * stdtr(df, -np.abs(self.difference) / np.sqrt(variance)), np.nan)
        return np.where(self.p_value <= SECOND_AT, p, np.nan)

    def interval(self, alpha):
        """Arrays (low, high); NaN for cells not shown or without a like to compare with."""
        if self.binary:
            low, high = stratified.common_interval(self.n1, self.x1, self.n0, self.x0, alpha=alpha, effect=self.effect)
        else:
            half = samples.t_value(alpha, self.linear[1]) * np.sqrt(self.linear[0])
            low, high = self.difference - half, self.difference + half
        shown = np.isfinite(self.p_value)
        return np.where(shown, low, np.nan), np.where(shown, high, np.nan)

    def variance(self, alpha):
        """The variance that a normal interval of the same width has: never 0 when all answers of a cell agree."""
        low, high = self.interval(alpha)
        return ((high - low) / 2 / samples.z_value(alpha)) ** 2


def _compare(y, cell, stratum, links, shown, second=True):
    cells, strata, binary = len(shown), int(stratum.max()) + 1, _binary(y)
    n1, x1 = (stratified.crossed(cell, stratum, cells, strata, values) for values in (None, y))
    n, x = n1.sum(0), x1.sum(0)
    residual = y - (x / n)[stratum]
    spread = np.bincount(stratum, residual**2, minlength=strata) / np.maximum(n - 1, 1)
    weight = n1 * (n - n1) / n
    shown = shown & (weight.sum(1) > 0)
    effect = stratified.design_effect(residual, cell, stratum, spread, n1, links.levels)
    if binary:
        tested = [
            stratified.mid_p(n1[at], x1[at], (n - n1)[at], (x - x1)[at]) if shown[at] else np.nan for at in range(cells)
        ]
    else:
        tested = stratified.permutation_p(y, stratum, residual, n1, x1)
    p_value = np.where(shown, stratified.deflated(np.array(tested), effect, len(np.unique(links.cluster)) - 1), np.nan)
    asked = shown & (p_value <= SECOND_AT) & second if binary else shown
    linear = _linearised(y, cell, stratum, weight, links.cluster, asked)
    return _Comparison(n1, x1, n - n1, x - x1, spread, effect, linear, p_value, binary)


def _linearised(y, cell, stratum, weight, cluster, shown):
    """Linearised variance and degrees of freedom of every shown cell's Mantel-Haenszel difference."""
    found = np.full((2, len(shown)), np.nan)
    for at in np.flatnonzero(shown):
        used = weight[at] > 0
        rows = used[stratum]
        group = 2 * (np.cumsum(used) - 1)[stratum[rows]] + (cell[rows] == at)
        share = weight[at][used] / weight[at].sum()
        coefficients = np.column_stack([-share, share]).ravel()
        result = contrast(y[rows], cluster=cluster[rows], group=group, coefficients=coefficients)
        found[:, at] = result.variance, result.df
    return found[0], found[1]


def _findable(design, alpha, power):
    """Smallest deficit of each cell flagged at one-sided `alpha` with the wanted power; NaN where none suffices.

    Normal quantiles corrected for skewness (Cornish-Fisher), under no deficit and under the deficit tried.
    """
    n1, n0, weight = design.n1, design.n0, design.weight
    n = n1 + n0
    if not design.binary:
        reach = samples.z_value(2 * alpha) + samples.z_value(2 * (1 - power))
        total = np.where(weight.sum(1) > 0, weight.sum(1), np.nan)
        return reach * np.sqrt((weight @ design.spread) * design.effect) / total
    rest = np.divide(design.x0, n0, out=np.zeros_like(n0), where=n0 > 0)
    deficits = np.linspace(0, 1, STEPS + 1)[1:]
    rate = np.maximum(rest - deficits[:, None, None], 0.0)  # (deficits, k, S)
    pooled = (n1 * rate + n0 * rest) / n
    ours, theirs = n1 * (n0 / n) ** 2, n0 * (n1 / n) ** 2  # coefficients of the two sides' variances in U's
    none = _moments(pooled, weight, weight * (n0 - n1) / n)
    sides = _moments(rate, ours, ours * n0 / n), _moments(rest, theirs, -theirs * n1 / n)
    real = tuple(map(np.add, *sides))
    limit = _quantile(samples.z_value(2 * alpha), none) + _quantile(samples.z_value(2 * (1 - power)), real, -1)
    found = (weight * (rest - rate)).sum(2) >= limit * np.sqrt(design.effect)
    usable = np.isfinite(design.p_value) & found.any(0)
    return np.where(usable, deficits[found.argmax(0)], np.nan)


def _moments(rate, second, third):
    """Variance and third cumulant of a weighted sum of 0/1 answers, summed over strata."""
    variance = rate * (1 - rate)
    return (second * variance).sum(-1), (third * variance * (1 - 2 * rate)).sum(-1)


def _quantile(z, moments, side=1):
    """Cornish-Fisher quantile below the mean (side 1: how far below z reaches; -1: how far above)."""
    variance, third = moments
    skew = np.divide(third, variance, out=np.zeros_like(variance), where=variance > 0)  # times the standard deviation
    return z * np.sqrt(variance) - side * (z**2 - 1) / 6 * skew


def _verdicts(found, hidden, act_at, deficit):
    adjusted, sure = found["adjusted"], found["p_adjusted"] <= act_at
    doubtful = (found["p_value"] <= WATCH_AT) | (found["p_adjusted"] <= WATCH_RATE)
    cases = {
        "hidden": hidden,
        deficit: sure & (adjusted < 0),
        "strength": sure & (adjusted > 0),
        "watch": (doubtful & (adjusted < 0)) | ((found["crude"] < 0) & (found["crude_p_value"] <= WATCH_AT)),
        "too_few": np.isnan(found["findable"]),
    }
    return np.select(list(cases.values()), list(cases), default="no_signal")


def _cautions(found, hidden, adjust, families, cells):
    tests = {
        "not_adjusted": len(adjust) == 0,
        "low_coverage": (found["coverage"] < LOW_COVERAGE).any(),
        "cells_hidden": hidden.any(),
        "rows_without_cell": len(families) < cells or any((cell == -1).any() for cell, _ in families.values()),
    }
    return tuple(code for code, holds in tests.items() if holds)


def directed(p_value, difference):
    """False discovery rate of each cell's own direction: Benjamini-Hochberg over all cells for "below the rest", and
    once more for "above"; never smaller than the single two-sided p."""
    half = np.where(difference < 0, p_value / 2, 1 - p_value / 2)
    below, above = (samples.adjusted(pd.Series(tail)) for tail in (half, 1 - half))
    return np.maximum(np.where(difference < 0, below, above), p_value)
