"""All measures side by side: promised against realised, multiplicity, cost, and what other places say.

Measures move different indicators in different units, so that they meet in what share of its promise each kept.
Shares are pooled by ``meta_analysis``; its mean is what a promise of this client is worth (optimism is the inverse),
and shares of single measures are shrunk towards it: the best of many is partly the luckiest.

References: Holm (1979) Scand J Statist 6:65; Benjamini & Hochberg (1995) JRSS B 57:289; Flyvbjerg (2008) Eur Plan
Stud 16:3 (optimism, reference classes); shrinkage and pooling: ``meta_analysis``. Checked by hand on examples;
coverage: ``benchmarks/effects.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import bands, samples
from sqlib.methods.meta_analysis import MetaResult, meta_analysis, prediction

FAMILIES = ("primary", "other")
COLUMNS = [
    "measure_id", "name", "indicator_id", "effect", "low", "high", "promised", "share", "share_low", "share_high",
    "shrunk", "shrunk_low", "shrunk_high", "kept", "family", "position", "tests", "p_value", "p_adjusted", "cost",
    "cost_per_unit", "cost_low", "cost_high",
]  # fmt: skip


@dataclass(frozen=True)
class PortfolioResult:
    """``table``, one row a measure and indicator, columns ``COLUMNS``: share (of the promise kept) with limits, as
    estimated and shrunk; kept: kept (above 0, and 1 not out of reach) | partly (between 0 and 1) |
    nothing_yet (0 within, 1 beyond) | contrary (below 0) | cannot_tell (0 and 1 within) | not_estimated |
    no_promise; family (primary | other), position of its p value among the ``tests`` of it;
    cost_per_unit of improvement with limits, inf where the interval reaches no improvement, NaN where there is none.

    ``share`` with limits: the mean share of a promise kept; ``optimism`` = 1 / share: promised for every unit realised,
    its upper limit inf where the share may be 0, all NaN where the mean is not above 0. ``prediction_low``,
    ``prediction_high``: share a next measure will keep. ``promises`` pooled; NaN under two. ``tests`` in all.
    ``cautions`` among few_promises (under five), mixed_shares (they differ more than their errors explain),
    one_interval_wide (a share so uncertain that it says nothing), nothing_promised.
    """

    table: pd.DataFrame
    share: float
    share_low: float
    share_high: float
    optimism: float
    optimism_low: float
    optimism_high: float
    prediction_low: float
    prediction_high: float
    promises: int
    tests: int
    confidence: float
    cautions: tuple[str, ...]


def portfolio(effects, *, confidence=0.95) -> PortfolioResult:
    """Put the effects of all measures side by side.

    effects : measure_id, indicator_id, effect, low, high, p_value (NaN in all four where there is no estimate),
        direction (up | down: which way is good), promised (change promised, with its sign; NaN without), primary (the
        indicator the measure was taken for), cost (money or hours; NaN without), test (rows of one test share it, as
        waves of one roll-out). promised, primary, cost, name and test may be absent: no promises, all primary, no
        cost, the id, each a test of its own

    Raises MethodRefused: portfolio.nothing, .twice, .bad_direction, .bad_promise (0, or against the good direction),
    .bad_cost (below 0); samples.unknown_column.
    """
    rows = _checked(effects)
    table = rows.join(multiplicity(rows["p_value"], rows["primary"], rows.get("test"))).join(_costs(rows))
    table["share"] = table["effect"] / table["promised"]
    limits = np.sort([table["low"] / table["promised"], table["high"] / table["promised"]], axis=0)
    table["share_low"], table["share_high"] = limits
    table["kept"] = _kept(table)
    pooled, known = _pooled(table, confidence)
    for name in ("shrunk", "shrunk_low", "shrunk_high"):
        table[name] = np.nan
        if pooled is not None:
            table.loc[known, name] = pooled.table[name].to_numpy()
    return PortfolioResult(
        table=table[COLUMNS].reset_index(drop=True), **_mean(pooled), promises=int(known.sum()),
        tests=_count(table["p_value"], rows.get("test")), confidence=confidence,
        cautions=_cautions(table, pooled, known),
    )  # fmt: skip


def multiplicity(p_value, primary, test=None) -> pd.DataFrame:
    """P values corrected over all measures: Holm on the primary ones, Benjamini-Hochberg on the rest.

    ``test``: rows of one and the same test (waves of one roll-out) share a name and are counted once; None: each its
    own. Returns, in the order given: family, position (1 = smallest of its family), tests (of the family), p_adjusted.
    A missing p value is no test.
    """
    if test is not None:
        test = pd.Series(test, pd.Series(p_value).index)
        again = test.duplicated()
        once = multiplicity(pd.Series(p_value)[~again], pd.Series(primary)[~again])
        return once.set_axis(test[~again]).reindex(test).set_axis(test.index)
    p_value, primary = pd.Series(p_value).astype(float), pd.Series(primary).astype(bool)
    if ((p_value < 0) | (p_value > 1)).any():
        raise MethodRefused("portfolio.bad_p", got=float(p_value[(p_value < 0) | (p_value > 1)].iloc[0]))
    table = pd.DataFrame({"family": np.where(primary, *FAMILIES)}, index=p_value.index)
    table["position"] = p_value.groupby(table["family"]).rank(method="first")
    table["tests"] = p_value.groupby(table["family"]).transform("count").astype(int)
    table["p_adjusted"] = np.nan
    for correct, own in ((_holm, primary), (samples.adjusted, ~primary)):
        table.loc[own, "p_adjusted"] = correct(p_value[own])
    return table


def elsewhere(places, *, effect, se, confidence=0.95) -> tuple[MetaResult, bool]:
    """Would what other places found have led to expect this effect?

    places : estimate, se of the same measure in other places (two or more); effect, se : here

    Returns the meta-analysis of the others and whether the effect here lies in what they predict of an estimate with
    this standard error. Two places predict nothing: refused.

    Raises MethodRefused: meta_analysis.*; samples.unknown_column.
    """
    samples.require(places, "estimate", "se")
    low, high = prediction(places["estimate"], places["se"], se=se, confidence=confidence)
    return meta_analysis(places["estimate"], places["se"], confidence=confidence), low <= effect <= high


def _count(p_value, test) -> int:
    """Tests there were."""
    known = p_value.notna()
    return int(known.sum() if test is None else test[known].nunique())


# --- the table -------------------------------------------------------------------------------------------------


def _checked(effects):
    samples.require(effects, "measure_id", "indicator_id", "effect", "low", "high", "p_value", "direction")
    if effects.empty:
        raise MethodRefused("portfolio.nothing")
    twice = effects[effects.duplicated(["measure_id", "indicator_id"])]
    if len(twice):
        raise MethodRefused("portfolio.twice", got=f"{twice.iloc[0]['measure_id']} / {twice.iloc[0]['indicator_id']}")
    absent = {"promised": np.nan, "primary": True, "cost": np.nan, "name": effects["measure_id"]}
    rows = effects.assign(**{name: value for name, value in absent.items() if name not in effects})
    rows = rows.reset_index(drop=True).astype({"promised": float, "cost": float, "primary": bool})
    sign = rows["direction"].map({"up": 1.0, "down": -1.0})
    if sign.isna().any():
        raise MethodRefused("portfolio.bad_direction", got=rows["direction"][sign.isna()].iloc[0])
    wrong = rows["promised"].notna() & ~(rows["promised"] * sign > 0)
    if wrong.any():
        raise MethodRefused("portfolio.bad_promise", got=rows["promised"][wrong].iloc[0],
                            measure=rows["measure_id"][wrong].iloc[0])  # fmt: skip
    if (rows["cost"] < 0).any():
        raise MethodRefused("portfolio.bad_cost", got=float(rows["cost"].min()))
    return rows.assign(sign=sign)


def _costs(rows) -> pd.DataFrame:
    """Cost of one unit of improvement: the least where the effect is at its better limit."""
    better = rows["effect"] * rows["sign"]
    worst, best = np.sort([rows["low"] * rows["sign"], rows["high"] * rows["sign"]], axis=0)
    table = pd.DataFrame(index=rows.index)
    for name, amount in (("cost_per_unit", better), ("cost_low", best), ("cost_high", worst)):
        amount = pd.Series(amount, rows.index)
        table[name] = (rows["cost"] / amount.where(amount > 0)).where(~(amount <= 0), np.inf)
    return table.where(rows["cost"].notna() & (best > 0))


def _kept(table):
    low, high = table["share_low"], table["share_high"]
    codes = {"no_promise": table["promised"].isna(), "not_estimated": low.isna(), "contrary": high < 0,
             "cannot_tell": (low <= 0) & (high >= 1), "nothing_yet": low <= 0, "kept": high >= 1}  # fmt: skip
    return np.select([each.to_numpy() for each in codes.values()], list(codes), "partly")


def _pooled(table, confidence):
    """Meta-analysis of the shares of primary indicators, and their rows; errors as wide as the intervals are."""
    error = (table["high"] - table["low"]) / table["promised"].abs() / (2 * samples.z_value(1 - confidence))
    known = table["share"].notna() & (error > 0) & table["primary"]
    if known.sum() < 2:
        return None, known
    return meta_analysis(table["share"][known], error[known], confidence=confidence), known


def _mean(pooled) -> dict[str, float]:
    if pooled is None:
        names = ("share", "share_low", "share_high", "optimism", "optimism_low", "optimism_high", "prediction_low",
                 "prediction_high")  # fmt: skip
        return dict.fromkeys(names, np.nan)
    share, low, high = pooled.estimate, pooled.low, pooled.high
    optimism = (1 / share, 1 / high, 1 / low if low > 0 else np.inf) if share > 0 else (np.nan,) * 3
    return {"share": share, "share_low": low, "share_high": high,
            **dict(zip(("optimism", "optimism_low", "optimism_high"), optimism, strict=True)),
            "prediction_low": pooled.prediction_low, "prediction_high": pooled.prediction_high}  # fmt: skip


def _holm(p_value: pd.Series) -> pd.Series:
    known = p_value.dropna()
    return pd.Series(bands.holm(known.to_numpy()), known.index).reindex(p_value.index)


def _cautions(table, pooled, known):
    width = (table["share_high"] - table["share_low"])[known]
    holds = {
        "nothing_promised": not table["promised"].notna().any(),
        "few_promises": 0 < known.sum() < 5,
        "mixed_shares": pooled is not None and pooled.q_p < 0.10,
        "one_interval_wide": bool((width > 4).any()),
    }
    return tuple(code for code, true in holds.items() if true)
