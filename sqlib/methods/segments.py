"""Weak points over declared cells: which teams, segments, channels lie below the rest of the firm?

Every cell is compared with all other answers, crude and at an equal mix of the ``adjust`` columns: within each
stratum the cell is set against the rest, and the strata are combined with Mantel-Haenszel weights
``w = n1 * n0 / n``. The difference is ``U / sum(w)`` with ``U = sum(x1 - n1 * x / n)``; given the margins of the
strata ``U`` is a sum of hypergeometric variables, hence the exact test. Answers of one customer are correlated:
variances are multiplied by a design effect whose correlation comes from all pairs of answers of one customer.

References: Mantel & Haenszel (1959) J Natl Cancer Inst 22:719; Sato (1989) Biometrics 45:1323; Klingenberg (2014)
Statistics in Medicine 33:2968 (interval); Rao & Scott (1981) JASA 76:221 (design effect); Benjamini & Hochberg
(1995) JRSS B 57:289; DerSimonian & Laird (1986) Controlled Clinical Trials 7:177; Morris (1983) JASA 78:47
(shrunk interval); Klein, Wright & Wieczorek (2020) JRSS A 183:589 (ranks from simultaneous intervals).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.disclosure import suppress
from sqlib.errors import MethodRefused
from sqlib.methods import proportions, samples
from sqlib.methods.clusters import codes, contrast
from sqlib.methods.samples import Sample

WATCH_AT = 0.05  # crude or single p that is worth watching
WATCH_RATE = 0.20  # false discovery rate that is worth watching
LOW_COVERAGE = 0.8  # share of a cell's answers that have a like to compare with, below which a caution is given
SMALLEST_EFFECT = 0.1  # floor of the design effect
TAIL = 1e-30  # a hypergeometric tail is cut at this fraction of the mode
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
    data, *, outcome, cells, adjust=(), cluster=None, respondent=None, min_group=5, confidence=0.95,
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
    min_group : cells of fewer respondents are hidden, with complementary suppression
    target_power, act_at : ``findable`` is the deficit flagged with this power if it alone is real, so that its
        one-sided p must beat ``act_at / comparisons`` (baseline: the rest of the cell's strata)
    seed : taken as by every method; nothing here is random

    Columns: ``p_value`` two-sided stratified exact mid-p (numeric outcome: permutation p by three moments) at the
    design effect; ``p_second`` linearised cluster t of the same difference; ``p_adjusted`` Benjamini-Hochberg over
    all cells of all families, for the direction in which the cell lies; ``coverage`` share of the cell's answers
    whose stratum holds answers of others. Verdicts: act_now = adjusted difference below 0 and p_adjusted <=
    `act_at`; strength = its mirror image; watch = below the rest with crude or single adjusted p <= .05 or
    p_adjusted <= .20; too_few = nothing to compare with, or no deficit however deep would be found; hidden;
    no_signal.

    Raises MethodRefused (segments.*). Checked against Rothman, Greenland & Lash (2008) p. 275 (difference, Sato
    variance), full enumeration (mid-p), Normand (1999) table IX (DerSimonian-Laird), Benjamini & Hochberg (1995);
    error rates and power in ``benchmarks/weak_points.py``.
    """
    rows, y = _answers(data, outcome, cells, adjust, cluster, respondent)
    links = _links(rows, cluster, respondent)
    families = {family: _family(rows, family) for family in cells}
    table = pd.concat([_sizes(family, *families[family], links) for family in cells], ignore_index=True)
    table = suppress(table, by="family", n="respondents", min_group=min_group, numbers=[], sums=_sums(families))

    parts = []
    for family, (cell, _) in families.items():
        shown = ~table.loc[table["family"] == family, "hidden"].to_numpy()
        parts.append(_compare_family(y, cell, _strata(rows, family, adjust), links, shown, confidence))
    table = pd.concat([table, pd.concat([numbers for numbers, *_ in parts], ignore_index=True)], axis=1)
    comparisons = int(table["p_value"].notna().sum())
    alpha = act_at / max(comparisons, 1)
    table["p_adjusted"] = directed(table["p_value"].to_numpy(), table["adjusted"].to_numpy())
    table["findable"] = np.concatenate([_findable(design, alpha, target_power) for _, design, _ in parts])
    table["verdict"] = _verdicts(table, act_at)
    numbers = np.where(table[["hidden"]], np.nan, table[NUMBERS].to_numpy(dtype=float))
    numbers = pd.DataFrame(numbers, columns=NUMBERS)
    overall = _estimate(y, links.cluster, 1 - confidence, _binary(y))
    return WeakPointsResult(
        table=pd.concat([table[["family", "cell"]], numbers, table["verdict"]], axis=1),
        **{f"overall{end}": float(value) for end, value in zip(("", "_low", "_high"), overall, strict=True)},
        n=len(y),
        respondents=len(np.unique(links.respondent)),
        clusters=len(np.unique(links.cluster)),
        missing=len(data) - len(rows),
        comparisons=comparisons,
        hidden=int(table["hidden"].sum()),
        tau2={family: tau2 for family, (*_, tau2) in zip(families, parts, strict=True)},
        min_group=min_group,
        confidence=confidence,
        target_power=target_power,
        act_at=act_at,
        cautions=_cautions(table, adjust, families),
    )


# --- the data: answers, families, strata, links ---------------------------------------------------------------


@dataclass(frozen=True)
class _Links:
    """Codes of customer and respondent per row; ``levels``: those under which answers are correlated, inner first."""

    cluster: np.ndarray
    respondent: np.ndarray
    levels: tuple[np.ndarray, ...]


def _answers(data, outcome, cells, adjust, cluster, respondent):
    """The rows with an outcome, after checking that the method can answer at all."""
    parts = [part for family in cells for part in family.split("*")]
    samples.require(data, outcome, *parts, *adjust, cluster, respondent)
    if not cells:
        raise MethodRefused("segments.no_cells")
    value = samples.numbers(data, outcome)
    rows = data[value.notna()]
    if len(rows) < 2:
        raise MethodRefused("segments.no_answers", column=outcome, rows=len(rows))
    return rows, value[value.notna()].to_numpy()


def _family(rows, family):
    """Code of the cell of each row (-1 where it has none) and the labels of the cells, in the order of the column."""
    parts = [rows[part].astype("category").cat for part in family.split("*")]
    code = np.zeros(len(rows), dtype=int)
    for part in parts:
        known = (code >= 0) & (part.codes.to_numpy() >= 0)
        code = np.where(known, code * len(part.categories) + part.codes.to_numpy(), -1)
    present, compact = np.unique(code[code >= 0], return_inverse=True)
    code[code >= 0] = compact
    sizes = [len(part.categories) for part in parts]
    names = [part.categories[at] for part, at in zip(parts, np.unravel_index(present, sizes), strict=True)]
    return code, list(names[0]) if len(names) == 1 else [
        " * ".join(map(str, each)) for each in zip(*names, strict=True)
    ]


def _strata(rows, family, adjust):
    """Stratum of each row: the `adjust` columns crossed, a blank being a level of its own."""
    parts = family.split("*")
    used = [column for column in adjust if column not in parts or not set(parts) <= set(adjust)]
    if not used:
        return np.zeros(len(rows), dtype=int)
    return rows.groupby(used, sort=False, dropna=False, observed=True).ngroup().to_numpy()


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
        name: np.bincount(np.unique(np.column_stack([cell, code])[keep], axis=0)[:, 0], minlength=len(labels))
        for name, code in (("respondents", links.respondent), ("clusters", links.cluster))
    }
    return pd.DataFrame({"family": family, "cell": labels, "n": np.bincount(cell[keep]), **distinct})


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
    """Numbers of one family's cells, the comparison that `findable` starts from, and tau2."""
    keep = cell >= 0
    y, cell, stratum = y[keep], cell[keep], np.unique(stratum[keep], return_inverse=True)[1]
    links = _Links(links.cluster[keep], links.respondent[keep], tuple(level[keep] for level in links.levels))
    fair = _compare(y, cell, stratum, links, shown)
    crude = _compare(y, cell, np.zeros_like(stratum), links, shown, second=not fair.binary) if stratum.any() else fair
    alpha = 1 - confidence
    tau2, *shrunk = shrink(fair.difference, fair.variance(alpha), confidence)
    columns = {
        ("estimate", "low", "high"): _estimates(y, cell, len(shown), links.cluster, alpha),
        ("crude", "crude_low", "crude_high"): (crude.difference, *crude.interval(alpha)),
        ("adjusted", "adjusted_low", "adjusted_high"): (fair.difference, *fair.interval(alpha)),
        ("shrunk", "shrunk_low", "shrunk_high"): shrunk,
        ("crude_p_value", "p_value", "p_second"): (crude.p_value, fair.p_value, fair.p_second),
        ("rank_low", "rank_high"): ranks(*fair.interval(alpha / max(int(shown.sum()), 1))),
        ("coverage",): (fair.coverage,),
    }
    numbers = {name: value for names, values in columns.items() for name, value in zip(names, values, strict=True)}
    return pd.DataFrame(numbers), fair, tau2


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
        return _ratio(self.x1 - self.n1 * (self.x1 + self.x0) / (self.n1 + self.n0), self.weight)

    @property
    def coverage(self):
        return (self.n1 * (self.n0 > 0)).sum(1) / self.n1.sum(1)

    @property
    def p_second(self):
        from scipy.special import stdtr

        variance, df = self.linear
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(variance > 0, 2 * stdtr(df, -np.abs(self.difference) / np.sqrt(variance)), np.nan)

    def interval(self, alpha):
        """Arrays (low, high); NaN for cells not shown or without a like to compare with."""
        if self.binary:
            low, high = common_interval(self.n1, self.x1, self.n0, self.x0, alpha=alpha, effect=self.effect)
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
    n1, x1 = (_crossed(cell, stratum, cells, strata, values) for values in (None, y))
    n, x = n1.sum(0), x1.sum(0)
    residual = y - (x / n)[stratum]
    spread = np.bincount(stratum, residual**2, minlength=strata) / np.maximum(n - 1, 1)
    weight = n1 * (n - n1) / n
    shown = shown & (weight.sum(1) > 0)
    effect = _design_effect(residual, cell, stratum, spread, n1, links.levels)
    if binary:
        tested = [mid_p(n1[at], x1[at], (n - n1)[at], (x - x1)[at]) if shown[at] else np.nan for at in range(cells)]
    else:
        tested = _permutation_p(y, stratum, residual, n1, x1)
    p_value = np.where(shown, _deflated(np.array(tested), effect), np.nan)
    linear = _linearised(y, cell, stratum, weight, links.cluster, shown & second)
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


def _design_effect(residual, cell, stratum, spread, n1, levels):
    """Variance of U under a correlation common to all pairs of answers of one customer, over that of independent
    answers. With inner levels (a customer's respondents) every level has its own correlation."""
    sd, share = np.sqrt(spread), n1 / n1.sum(0)
    independent = (n1 * (1 - share)) @ spread
    standard = np.divide(residual, sd[stratum], out=np.zeros_like(residual), where=sd[stratum] > 0)
    varies = (sd[stratum] > 0).astype(float)
    excess, inner = np.zeros(len(n1)), (0.0, 0.0, np.zeros(len(n1)))
    for level in levels:
        groups = int(level.max()) + 1
        own = _crossed(level, cell, groups, len(n1), sd[stratum])
        expected = _crossed(level, stratum, groups, len(sd), sd[stratum]) @ share.T
        pairs = (np.bincount(level, varies) ** 2).sum() - varies.sum()
        product = (np.bincount(level, standard) ** 2).sum() - (standard**2).sum()
        reach = ((own - expected) ** 2).sum(0) - independent
        new = pairs - inner[0]
        correlation = np.clip((product - inner[1]) / new, 0.0, 1.0) if new > 0 else 0.0
        excess += correlation * (reach - inner[2])
        inner = pairs, product, reach
    effect = np.divide(independent + excess, independent, out=np.ones(len(n1)), where=independent > 0)
    return np.maximum(effect, SMALLEST_EFFECT)


def _crossed(first, second, sizes, others, values):
    """Sum of values (None: count) over two codes, as a (sizes, others) array."""
    return np.bincount(first * others + second, values, minlength=sizes * others).reshape(sizes, others).astype(float)


def _findable(design, alpha, power):
    """Smallest deficit of each cell flagged at one-sided `alpha` with the wanted power; NaN where none suffices.

    Normal quantiles corrected for skewness (Cornish-Fisher), under no deficit and under the deficit tried.
    """
    n1, n0, weight = design.n1, design.n0, design.weight
    n = n1 + n0
    if not design.binary:
        reach = samples.z_value(2 * alpha) + samples.z_value(2 * (1 - power))
        return reach * np.sqrt(_ratio(weight * design.spread, weight) * design.effect / weight.sum(1))
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


def _verdicts(table, act_at):
    below = (table["adjusted"] < 0) & ((table["p_value"] <= WATCH_AT) | (table["p_adjusted"] <= WATCH_RATE))
    crude_below = (table["crude"] < 0) & (table["crude_p_value"] <= WATCH_AT)
    sure = table["p_adjusted"] <= act_at
    cases = {
        "hidden": table["hidden"],
        "act_now": sure & (table["adjusted"] < 0),
        "strength": sure & (table["adjusted"] > 0),
        "watch": below | crude_below,
        "too_few": table["findable"].isna(),
    }
    return np.select(list(cases.values()), list(cases), default="no_signal")


def _cautions(table, adjust, families):
    tests = {
        "not_adjusted": not adjust,
        "low_coverage": (table["coverage"] < LOW_COVERAGE).any(),
        "cells_hidden": table["hidden"].any(),
        "rows_without_cell": any((cell < 0).any() for cell, _ in families.values()),
    }
    return tuple(code for code, holds in tests.items() if holds)


# --- the statistics -------------------------------------------------------------------------------------------


def _ratio(top, bottom):
    """Sum of `top` over sum of `bottom` along the last axis; NaN where nothing is to be divided by."""
    top, bottom = top.sum(-1), bottom.sum(-1)
    return np.divide(top, bottom, out=np.full(np.shape(bottom), np.nan), where=bottom > 0)


def _sato(n1, x1, n0, x0):
    """Sums over the last axis: Mantel-Haenszel weight W, and P, Q of Sato's variance (difference * P + Q) / W**2."""
    n = n1 + n0
    p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * n)
    return (n1 * n0 / n).sum(-1), p.sum(-1), q.sum(-1)


def common_difference(n1, x1, n0, x0):
    """Mantel-Haenszel difference of two shares over strata (last axis), first minus second, and Sato's variance.

    ``n`` answers and ``x`` successes on either side. Checked against Rothman, Greenland & Lash (2008) p. 275.
    """
    n1, x1, n0, x0 = (np.asarray(each, dtype=float) for each in (n1, x1, n0, x0))
    weight, p, q = _sato(n1, x1, n0, x0)
    difference = _ratio((x1 * n0 - x0 * n1) / (n1 + n0), n1 * n0 / (n1 + n0))
    return difference, (difference * p + q) / weight**2


def common_interval(n1, x1, n0, x0, *, alpha=0.05, effect=1.0):
    """Klingenberg's score interval of the Mantel-Haenszel difference: Sato's variance at the difference tried.

    ``effect`` multiplies the variance. Stays informative when all answers of a cell agree. Checked against
    a root search on the test statistic.
    """
    n1, x1, n0, x0 = (np.asarray(each, dtype=float) for each in (n1, x1, n0, x0))
    difference, _ = common_difference(n1, x1, n0, x0)
    weight, p, q = _sato(n1, x1, n0, x0)
    z2 = samples.z_value(alpha) ** 2 * effect
    middle = difference + z2 * p / (2 * weight**2)
    half = np.sqrt(middle**2 - difference**2 + z2 * q / weight**2)
    return np.maximum(middle - half, -1.0), np.minimum(middle + half, 1.0)


def mid_p(n1, x1, n0, x0):
    """Two-sided exact conditional mid-p of one cell against the rest over strata (1-d arrays): twice the smaller of
    P(T < t) + P(T = t) / 2 and its mirror, T the cell's successes given all margins. Checked by full enumeration."""
    start, chance = 0, np.ones(1)
    for ours, theirs, successes in zip(n1, n0, x1 + x0, strict=True):
        low, pmf = _hypergeometric(int(ours), int(theirs), int(successes))
        start, chance = start + low, np.convolve(chance, pmf)
    sums = start + np.arange(len(chance))
    observed = round(float(np.sum(x1)))
    tails = [chance[side].sum() + chance[sums == observed].sum() / 2 for side in (sums < observed, sums > observed)]
    return min(1.0, 2 * min(tails))


def _hypergeometric(ours, theirs, successes):
    """Smallest kept value and the probabilities of the cell's successes, tails below TAIL cut off."""
    from scipy.special import gammaln

    low, high = max(0, successes - theirs), min(ours, successes)
    if low == high:
        return low, np.ones(1)
    at = np.arange(low, high + 1)
    log = -sum(gammaln(count + 1) for count in (at, ours - at, successes - at, theirs - successes + at))
    pmf = np.exp(log - log.max())
    kept = np.flatnonzero(pmf > TAIL)
    pmf = pmf[kept[0] : kept[-1] + 1]
    return low + int(kept[0]), pmf / pmf.sum()


def _permutation_p(y, stratum, residual, n1, x1):
    """Two-sided p of U when outcomes are dealt out anew within strata, from its first three moments (Pearson III)."""
    n = n1.sum(0)
    n0 = n - n1
    square, cube = (np.bincount(stratum, residual**power, minlength=len(n)) for power in (2, 3))
    variance = (n1 * n0 / (n * np.maximum(n - 1, 1)) * square).sum(1)
    third = (n1 * n0 * (n0 - n1) / (n * np.maximum((n - 1) * (n - 2), 1)) * cube).sum(1)
    score = (x1 - n1 * np.bincount(stratum, y) / n).sum(1)
    sd = np.sqrt(variance)
    z, skew = (
        np.divide(part, sd**power, out=np.zeros_like(sd), where=sd > 0) for part, power in ((score, 1), (third, 3))
    )
    lower = _pearson(z, skew)
    return np.minimum(1.0, 2 * np.minimum(lower, _pearson(-z, -skew)))


def _pearson(z, skew):
    """Lower tail of the standardised Pearson III distribution (a shifted gamma); normal where there is no skew."""
    from scipy.special import gammainc, gammaincc, ndtr

    shape = 4 / np.maximum(np.abs(skew), 1e-3) ** 2
    at = np.maximum(shape + np.sign(skew) * z * np.sqrt(shape), 0.0)
    return np.where(np.abs(skew) < 1e-3, ndtr(z), np.where(skew > 0, gammainc(shape, at), gammaincc(shape, at)))


def _deflated(p, effect):
    """The p value whose normal score is that of p over the root of the design effect; p itself at effect 1."""
    from scipy.special import ndtr

    return np.where(effect == 1, p, 2 * ndtr(-samples.z_value(p) / np.sqrt(effect)))


def directed(p_value, difference):
    """False discovery rate of each cell's own direction: Benjamini-Hochberg over all cells for "below the rest", and
    once more for "above"; never smaller than the single two-sided p."""
    half = np.where(difference < 0, p_value / 2, 1 - p_value / 2)
    below, above = (samples.adjusted(pd.Series(tail)) for tail in (half, 1 - half))
    return np.maximum(np.where(difference < 0, below, above), p_value)


def dersimonian_laird(estimates, variances, mean=None):
    """Between-cell variance by moments: (tau2, mean, standard error of the mean).

    ``mean`` None: estimated (DerSimonian & Laird 1986); a number: known, one degree of freedom more.
    Checked against Normand (1999) table IX: tau2 218.72, mean -14.10.
    """
    estimates, weight = np.asarray(estimates, dtype=float), 1 / np.asarray(variances, dtype=float)
    centre = np.average(estimates, weights=weight) if mean is None else mean
    excess = (weight * (estimates - centre) ** 2).sum() - (len(estimates) - (mean is None))
    scale = weight.sum() - ((weight**2).sum() / weight.sum() if mean is None else 0.0)
    tau2 = max(0.0, excess / scale) if scale > 0 else 0.0
    weight = 1 / (1 / weight + tau2)
    return tau2, np.average(estimates, weights=weight) if mean is None else mean, weight.sum() ** -0.5


def shrink(differences, variances, confidence=0.95):
    """Empirical Bayes towards 0, the mean of differences from the rest: (tau2, shrunk, low, high).

    Interval by Morris (1983), which carries the uncertainty of tau2. Under three cells nothing can be learnt from
    the others: unshrunk. NaN cells stay NaN and take no part.
    """
    differences, variances = np.asarray(differences, dtype=float), np.asarray(variances, dtype=float)
    known = np.isfinite(differences) & (variances > 0)
    k, v, d = int(known.sum()), variances[known], differences[known]
    tau2 = dersimonian_laird(d, v, mean=0.0)[0] if k else 0.0
    pull = max(k - 2, 0) / max(k, 1) * v / (v + tau2)
    doubt = 2 / max(k - 2, 1) * pull**2 * (v.mean() + tau2) / (v + tau2) * d**2 if k else 0.0
    half = samples.z_value(1 - confidence) * np.sqrt(v * (1 - pull) + doubt)
    result = np.full((3, len(known)), np.nan)
    result[:, known] = (1 - pull) * d, (1 - pull) * d - half, (1 - pull) * d + half
    return tau2, *result


def ranks(low, high):
    """Ranks each interval admits: (rank_low, rank_high), 1 = lowest; intervals that overlap are ties. Given
    simultaneous intervals all ranks hold jointly (Klein, Wright & Wieczorek 2020). NaN cells take no part."""
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    known = np.isfinite(low)
    below = (high[None, :] < low[:, None]).sum(1)
    above = (low[None, :] > high[:, None]).sum(1)
    return np.where(known, 1.0 + below, np.nan), np.where(known, known.sum() - above, np.nan)
