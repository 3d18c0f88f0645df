"""How satisfied: each indicator of the period against its target, after raking, and against the period before.

An indicator is a metric read one way: the share of satisfied customers (``csat``), the mean score (``csat_mean``), the
mean in points of 100 where a conversion is declared (``csat_points``), the net promoter score (``nps``), mean effort
(``ces``). Answers on different scales are never pooled: the scale most answers of the period use is taken, the rest are
counted in ``other_scale``.
"""

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import means, promoter_score, proportions, weighting

# indicator -> metric, method module, its method, the column and keyword it reads, unit
INDICATORS = {
    "csat": ("csat", proportions, "share", "outcome", "satisfied", "percent"),
    "csat_points": ("csat", means, "mean", "value", "points", "hundred"),
    "csat_mean": ("csat", means, "mean", "value", "score", "score"),
    "nps": ("nps", promoter_score, "promoter_score", "score", "score", "nps"),
    "ces": ("ces", means, "mean", "value", "score", "score"),
}
HUNDRED = (0.0, 100.0)  # ends of every conversion to points
_METRICS = tuple(dict.fromkeys(metric for metric, *_ in INDICATORS.values()))
FEW_CLUSTERS = 5  # no change is read below this many customers in either period: too few to estimate its variance


@dataclass(frozen=True)
class SatisfactionResult:
    """Levels and changes of every indicator the answers hold.

    ``table``, one row an indicator: indicator, metric, best (high | low: the good end of the scale), unit, change_unit,
    scale_min, scale_max, estimate, low, high, n, clusters, target, p_value, p_second, verdict (met | missed | unclear |
    no_target); raked, raked_low, raked_high, n_raked, effective_n (NaN without margins); previous, previous_low,
    previous_high, previous_n, change, change_low, change_high, change_p, change_p_second, change_verdict (higher |
    lower | not_distinguishable | not_comparable: the direction of the number, whichever end is good), comparable (yes |
    undated | no_previous | scale_changed | too_few); other_scale (answers on another scale, left out).
    ``raking`` is the RakeResult, or None. ``confidence`` of all intervals.
    """

    table: pd.DataFrame
    raking: weighting.RakeResult | None
    confidence: float
    cautions: tuple[str, ...]


def satisfaction(
    answers: pd.DataFrame,
    previous: pd.DataFrame | None = None,
    *,
    margins: dict[str, pd.Series] | None = None,
    targets: dict[str, float] | None = None,
    best: dict[str, str] | None = None,
    cluster: str = "cluster",
    confidence: float = 0.95,
    seed: int = 0,
) -> SatisfactionResult:
    """Estimate every indicator present in ``answers``.

    Parameters
    ----------
    answers : one row an answer of the period: metric, score, satisfied, scale_min, scale_max, ``cluster``, the columns
        named in ``margins``, and (to tell undated answers) received_at; ``points`` where a conversion is declared
    previous : the same for the period compared with; None where there is none
    margins : shares of the customer base per level of a column, for raking
    targets : indicator -> target in the indicator's own unit (a share for csat)
    best : metric -> "high" or "low", which end of the scale is good; high if left out

    Raises MethodRefused: satisfaction.no_scores, and those of ``weighting.rake``.
    """
    settings = {"cluster": cluster, "confidence": confidence, "seed": seed}
    raking = _raking(answers, margins)
    rows = [
        _indicator(
            name, answers, previous, raking, (targets or {}).get(name), (best or {}).get(metric, "high"), settings
        )
        for name, (metric, *_, column, _) in INDICATORS.items()
        if len(_asked(answers, metric, column))
    ]
    if not rows:
        raise MethodRefused("satisfaction.no_scores", rows=len(answers), metrics=", ".join(_METRICS))
    cautions = raking.cautions if raking else ()
    return SatisfactionResult(pd.DataFrame(rows), raking, confidence, tuple(cautions))


def _raking(answers: pd.DataFrame, margins: dict[str, pd.Series] | None) -> weighting.RakeResult | None:
    """Weights that give the answering customers the mix of the base; answers of a level the base lacks take no part."""
    if not margins:
        return None
    known = pd.concat([answers[name].isin(share.index) for name, share in margins.items()], axis=1).all(axis=1)
    linked = answers[known & answers["score"].notna()]
    return weighting.rake(linked, margins=margins) if len(linked) else None


def _indicator(name, answers, previous, raking, target, best, settings) -> dict:
    metric, module, method, keyword, column, unit = INDICATORS[name]
    rows = _asked(answers, metric, column)
    scale = _main_scale(rows)
    used = rows[_on_scale(rows, scale)]
    estimate = getattr(module, method)
    ends = HUNDRED if column == "points" else scale
    if method == "mean":
        estimate = functools.partial(estimate, scale=ends)
    level = estimate(used, **{keyword: column}, target=target, **settings).table.iloc[0]
    best = "high" if column == "points" else best  # a conversion makes the good end 100
    row = {"indicator": name, "metric": metric, "best": best, "unit": unit}
    row |= dict(zip(("scale_min", "scale_max"), ends, strict=True))
    row |= {"change_unit": "points" if unit == "percent" else unit}
    row |= {key: level[key] for key in ("estimate", "low", "high", "n", "clusters", "p_value", "p_second")}
    row |= {"target": np.nan if target is None else target, "verdict": _against(level, target, best)}
    row |= _raked(used, raking, estimate, {keyword: column}, settings)
    row |= _change(used, previous, scale, INDICATORS[name], estimate, settings)
    return row | {"other_scale": len(rows) - len(used)}


def _asked(answers: pd.DataFrame | None, metric: str, column: str = "score") -> pd.DataFrame:
    """The answers to one metric on a known scale; the recommendation may be asked beside the score, in its own column.

    Promoters and detractors are defined up to 10 (Reichheld 2003): a recommendation on another scale has no score.
    """
    if answers is None:
        return pd.DataFrame(columns=["score", "satisfied", "scale_min", "scale_max"])
    if column not in answers:
        return answers.iloc[:0]
    rows = answers[answers["metric"].eq(metric) & answers[[column, "scale_min", "scale_max"]].notna().all(axis=1)]
    if metric != "nps":
        return rows
    rows = rows[rows["scale_max"].eq(10)]
    if "recommend" not in answers or answers["recommend"].isna().all():
        return rows
    beside = answers[answers["recommend"].notna() & answers["metric"].ne(metric)]
    return pd.concat([rows, beside.assign(score=beside["recommend"], scale_min=0.0, scale_max=10.0)])


def _main_scale(rows: pd.DataFrame) -> tuple[float, float]:
    return rows.groupby(["scale_min", "scale_max"]).size().idxmax()


def _on_scale(rows: pd.DataFrame, scale: tuple[float, float]) -> pd.Series:
    return rows["scale_min"].eq(scale[0]) & rows["scale_max"].eq(scale[1])


def _against(level: pd.Series, target: float | None, best: str) -> str:
    if target is None:
        return "no_target"
    low, high, aim = (
        (level["low"], level["high"], target) if best == "high" else (-level["high"], -level["low"], -target)
    )
    return "met" if low >= aim else "missed" if high < aim else "unclear"


def _raked(used, raking, estimate, outcome, settings) -> dict:
    columns = ("raked", "raked_low", "raked_high", "n_raked", "effective_n")
    weights = raking.weights.reindex(used.index).dropna() if raking else ()
    if not len(weights):
        return dict.fromkeys(columns, np.nan)
    weighted = used.loc[weights.index].assign(_weight=weights)
    level = estimate(weighted, **outcome, weight="_weight", **settings).table.iloc[0]
    effective = weights.sum() ** 2 / (weights**2).sum()  # Kish (1965) section 11.7
    return dict(zip(columns, [*level[["estimate", "low", "high", "n"]], effective], strict=True))


def _change(used, previous, scale, indicator, estimate, settings) -> dict:
    metric, module, _, keyword, column, _ = indicator
    blank = dict.fromkeys(
        ("previous", "previous_low", "previous_high", "previous_n", "change", "change_low", "change_high", "change_p",
         "change_p_second"), np.nan,
    )  # fmt: skip
    before = _asked(previous, metric, column)
    if before.empty:
        reason = "undated" if "received_at" in used and used["received_at"].isna().all() else "no_previous"
        return blank | {"comparable": reason, "change_verdict": "not_comparable"}
    before = before[_on_scale(before, scale)]
    if before.empty:
        return blank | {"comparable": "scale_changed", "change_verdict": "not_comparable"}
    level = estimate(before, **{keyword: column}, **settings).table.iloc[0]
    blank |= {"previous": level["estimate"], "previous_low": level["low"], "previous_high": level["high"]}
    blank |= {"previous_n": level["n"]}
    if min(used[settings["cluster"]].nunique(), before[settings["cluster"]].nunique()) < FEW_CLUSTERS:
        return blank | {"comparable": "too_few", "change_verdict": "not_comparable"}
    both = pd.concat([before.assign(_period="previous"), used.assign(_period="current")], ignore_index=True)
    compared = module.difference(
        both, **{keyword: column}, group="_period", first="previous", second="current", **settings
    ).table.iloc[0]
    change = {"change": compared["estimate"], "change_low": compared["low"], "change_high": compared["high"]}
    change |= {"change_p": compared["p_value"], "change_p_second": compared["p_second"], "comparable": "yes"}
    return blank | change | {"change_verdict": _direction(compared)}


def _direction(compared: pd.Series) -> str:
    return "higher" if compared["low"] > 0 else "lower" if compared["high"] < 0 else "not_distinguishable"
