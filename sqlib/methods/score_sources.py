"""Judged, objective and customer scores of the same people side by side: do the sources agree, and where not?

Every source is put in standard deviations of its own true scores, so that errors of measurement neither stretch nor
hide a difference. Two sources agree as far as their correlation corrected for the errors of both (``correlations``)
says. A person is pointed out where two sources differ by more than both errors explain, after all people and sources
have been counted (Benjamini & Hochberg 1995, JRSS B 57:289); which source is right, the scores cannot tell.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import disclosure
from sqlib.errors import MethodRefused
from sqlib.methods import correlations, samples

LEAST = 0.30  # reliability below which a source is not put beside another: its scores are mostly noise
AGREE = 0.50  # corrected correlation that the whole interval must reach for two sources to agree
WIDEST = 1.50  # interval of a corrected correlation beyond which it says nothing
FEW_WITHIN = 10  # degrees of freedom below which the spread within a person is not known

SOURCES = ("judged", "objective", "customer")
AGREEMENT = [
    "first", "second", "n", "correlation", "correlation_low", "correlation_high", "reliability_first",
    "reliability_second", "corrected", "corrected_low", "corrected_high", "p_value", "p_second", "verdict",
]  # fmt: skip
OTHER = ["other", "difference", "difference_low", "difference_high", "p_value", "p_adjusted", "findable", "verdict"]


@dataclass(frozen=True)
class ScoreSourcesResult:
    """``table``, one row a person: ratee_id; judged, objective, customer, each with _low, _high (standard deviations
    of the source's true scores from the mean, of the part where ratings fall into parts); customer_n (customers);
    other (the source that differs most from the judged score), difference (judged minus other) with limits, p_value,
    p_adjusted, findable (difference flagged with 80 % power if it alone is real); verdict: look_again | no_signal |
    too_few (no other source of this person to be shown).

    ``agreement``, one row a pair of sources, columns ``AGREEMENT``: observed and corrected correlation; verdict: agree
    (whole corrected interval at or above .50) | related (above 0) | contrary (below 0) | unclear | too_unreliable (a
    source under .30, or an interval that says nothing) | too_few (under 10 people).

    ``sources``, one row a source: source, people, hidden, mean, sd (of the true scores), reliability; verdict: usable
    | too_unreliable | too_few. ``comparisons`` differences tested; ``n`` people judged; ``cautions`` among
    customers_hidden, within_parts, error_unknown (objective scores without standard errors are
    taken as free of error).
    """

    table: pd.DataFrame
    agreement: pd.DataFrame
    sources: pd.DataFrame
    n: int
    comparisons: int
    hidden: int
    flagged: int
    confidence: float
    cautions: tuple[str, ...]


def per_person(rows, *, person="staff_id", value, cluster=None) -> pd.DataFrame:
    """Mean of every person over answers, inspections or cases, each cluster (customer) counting once.

    Columns: ratee_id, estimate, se, n (rows), clusters. ``value``: numeric or 0/1, higher is better. The standard
    error rests on the spread within people, pooled over all of them: five answers alone would not tell it; NaN where
    fewer than 10 degrees of freedom are left.
    """
    samples.require(rows, person, value, cluster)
    kept = rows.assign(_value=samples.numbers(rows, value)).dropna(subset=["_value", person])
    own = kept[cluster].astype("string") if cluster else pd.Series(pd.NA, kept.index, dtype="string")
    alone = pd.Series(kept.index.astype("string"), kept.index)
    kept = kept.assign(_cluster=own.fillna("row " + alone))
    each = kept.groupby([person, "_cluster"], sort=True)["_value"].mean().reset_index()
    people = each.groupby(person)["_value"].agg(["mean", "size"])
    df = len(each) - len(people)
    within = ((each["_value"] - each[person].map(people["mean"])) ** 2).sum() / df if df >= FEW_WITHIN else np.nan
    error = np.sqrt(within / people["size"])
    n = kept.groupby(person).size()
    found = {"ratee_id": people.index, "estimate": people["mean"], "se": error, "n": n, "clusters": people["size"]}
    return pd.DataFrame(found).reset_index(drop=True)


def score_sources(
    judged, objective=None, customer=None, *, min_group=5, confidence=0.95, target_power=0.8, seed=0
) -> ScoreSourcesResult:
    """Set the sources side by side.

    Parameters
    ----------
    judged : ``ratees`` of a calibration: ratee_id, calibrated (shrunk), se (its prediction error), part if the ratings
        fall into parts, which are then compared within themselves
    objective : ratee_id, estimate, se (absent or NaN: a formula's score, taken as free of error), higher is better
    customer : as :func:`per_person` gives it from answers about a person; people of fewer than ``min_group`` customers
        are hidden, and so is what would give them away
    target_power : of ``findable``
    seed : taken as by every method; nothing here is random

    Raises MethodRefused: score_sources.no_source (nothing to put beside the judgements), .no_common_people (fewer than
    3 people have a judged score and another), samples.unknown_column. Checked against Spearman (1904); coverage and
    false alarms in ``benchmarks/score_sources.py``.
    """
    samples.require(judged, "ratee_id", "calibrated", "se")
    given = {"objective": objective, "customer": customer}
    if all(each is None for each in given.values()):
        raise MethodRefused("score_sources.no_source")
    people = judged.dropna(subset=["calibrated"]).set_index("ratee_id")
    part = people["part"] if "part" in people else pd.Series(0, people.index)
    tables = {"judged": _unshrunk(people)}
    tables |= {name: _source(each, people.index) for name, each in given.items() if each is not None}
    if objective is not None:
        tables["objective"] = _exact(tables["objective"])
    if customer is not None:
        tables["customer"] = _shown(tables["customer"], min_group)
    if max(tables[name]["estimate"].notna().sum() for name in tables if name != "judged") < 3:
        raise MethodRefused("score_sources.no_common_people", people=len(people))
    placed = {name: _placed(each, part) for name, each in tables.items()}
    table, comparisons = _people(people, placed, confidence, target_power)
    table["customer_n"] = np.nan if customer is None else tables["customer"]["clusters"].to_numpy()
    cautions = {
        "customers_hidden": customer is not None and tables["customer"]["hidden"].any(),
        "within_parts": part.nunique() > 1,
        "error_unknown": any((each["se"].eq(0) & each["estimate"].notna()).any() for each in tables.values()),
    }
    return ScoreSourcesResult(
        table=table,
        agreement=_agreement(placed, confidence),
        sources=pd.DataFrame([_source_row(name, tables[name], placed[name]) for name in tables]),
        n=len(people),
        comparisons=comparisons,
        hidden=int(tables["customer"]["hidden"].sum()) if customer is not None else 0,
        flagged=int((table["verdict"] == "look_again").sum()),
        confidence=confidence,
        cautions=tuple(code for code, holds in cautions.items() if holds),
    )


# --- the sources, one row a person -----------------------------------------------------------------------------


def _unshrunk(people):
    """Calibrated scores with the shrinkage taken back: the score itself and its own error, person by person."""
    score, variance = people["calibrated"], people["se"] ** 2
    total = score.var(ddof=1) + variance.mean()
    kept = (1 - variance / total).where(lambda share: share > 0.05)
    middle = score.mean()
    return pd.DataFrame({"estimate": middle + (score - middle) / kept, "se": np.sqrt(variance / kept), "hidden": False})


def _source(rows, people):
    samples.require(rows, "ratee_id", "estimate")
    if rows["ratee_id"].duplicated().any():
        twice = rows["ratee_id"][rows["ratee_id"].duplicated()]
        raise MethodRefused("score_sources.twice", got=twice.iloc[0], rows=len(twice))
    rows = rows.set_index("ratee_id").reindex(people).assign(hidden=False)
    error = rows["se"].astype(float) if "se" in rows else pd.Series(np.nan, people)
    return rows.assign(estimate=rows["estimate"].astype(float), se=error)


def _exact(rows):
    """A formula's scores: free of error where none is given."""
    return rows.assign(se=rows["se"].fillna(0.0).where(rows["estimate"].notna()))


def _shown(rows, min_group):
    """Customers' scores with those of too few customers hidden."""
    samples.require(rows, "clusters")
    counted = rows.assign(clusters=rows["clusters"].fillna(0.0)).reset_index()
    numbers = ["estimate", "se", "clusters"]
    return disclosure.suppress(counted, n="clusters", min_group=min_group, numbers=numbers).set_index("ratee_id")


@dataclass(frozen=True)
class _Placed:
    """A source in its own standard deviations; ``unit``: one of them on the source's scale, NaN if not to be told."""

    score: pd.Series
    variance: pd.Series
    mean: float
    unit: float
    reliability: float


def _placed(rows, part) -> _Placed:
    score, variance = rows["estimate"], rows["se"] ** 2
    apart = score - score.groupby(part).transform("mean")
    known = apart.notna()
    lost = part[known].nunique()
    total = (apart[known] ** 2).sum() / max(known.sum() - lost, 1)
    share = 1 - variance[known].mean() / total if known.sum() >= correlations.FEWEST and total > 0 else np.nan
    unit = np.sqrt(total * share) if share >= LEAST else np.nan
    return _Placed(apart, variance, float(score.mean()), float(unit), float(share))


def _source_row(name, rows, placed):
    people = int(placed.score.notna().sum())
    sound = "usable" if placed.reliability >= LEAST else "too_unreliable"
    verdict = "too_few" if people < correlations.FEWEST else sound
    return {"source": name, "people": people, "hidden": int(rows["hidden"].sum()), "mean": placed.mean,
            "sd": placed.unit, "reliability": placed.reliability, "verdict": verdict}  # fmt: skip


# --- agreement of two sources ----------------------------------------------------------------------------------


def _agreement(placed, confidence):
    pairs = [(one, two) for place, one in enumerate(placed) for two in list(placed)[place + 1 :]]
    return pd.DataFrame([_pair_row(one, two, placed, confidence) for one, two in pairs], columns=AGREEMENT)


def _pair_row(one, two, placed, confidence):
    first, second = placed[one], placed[two]
    plain = correlations.pearson(first.score, second.score, confidence=confidence)
    true = correlations.corrected(first.score, second.score, first.variance, second.variance, confidence=confidence)
    usable = min(first.reliability, second.reliability) >= LEAST and true.high - true.low <= WIDEST
    corrected = true if usable else correlations.nothing(plain.n)
    row = {"first": one, "second": two, "n": plain.n, "reliability_first": first.reliability}
    row |= {"reliability_second": second.reliability, "verdict": _verdict(corrected, plain)}
    row |= {"p_value": plain.p_value, "p_second": correlations.kendall(first.score, second.score).p_value}
    for name, each in (("correlation", plain), ("corrected", corrected)):
        row |= {name: each.estimate, f"{name}_low": each.low, f"{name}_high": each.high}
    return row


def _verdict(corrected, plain) -> str:
    if not np.isfinite(plain.estimate):
        return "too_few"
    if not np.isfinite(corrected.estimate):
        return "too_unreliable"
    if corrected.high < 0:
        return "contrary"
    return "agree" if corrected.low >= AGREE else "related" if corrected.low > 0 else "unclear"


# --- people whose sources differ -------------------------------------------------------------------------------


def _people(people, placed, confidence, target_power):
    """The table of people and how many differences were tested."""
    found = pd.DataFrame(index=people.index)
    half = samples.z_value(1 - confidence)
    for name in SOURCES:
        source = placed.get(name)
        score, error = (np.nan, np.nan) if source is None else (source.score / source.unit, _error(source))
        found[name], found[f"{name}_low"], found[f"{name}_high"] = score, score - half * error, score + half * error
    others = [name for name in placed if name != "judged"]
    gaps = pd.concat([_gaps(placed["judged"], placed[name], name) for name in others])
    gaps["p_adjusted"] = samples.adjusted(gaps["p_value"])
    comparisons = int(gaps["p_value"].notna().sum())
    reach = samples.z_value((1 - confidence) / max(comparisons, 1)) + samples.z_value(2 * (1 - target_power))
    gaps = gaps.assign(difference_low=gaps["difference"] - half * gaps["error"],
                       difference_high=gaps["difference"] + half * gaps["error"],
                       findable=reach * gaps["error"])  # fmt: skip
    gaps["verdict"] = np.where(gaps["p_adjusted"] <= 1 - confidence, "look_again", "no_signal")
    worst = gaps.dropna(subset=["p_value"]).sort_values("p_value", kind="stable")
    worst = worst[~worst.index.duplicated()].reindex(people.index)
    worst["verdict"] = worst["verdict"].fillna("too_few")
    return found.join(worst[OTHER]).reset_index(), comparisons


def _error(source):
    return np.sqrt(source.variance) / source.unit


def _gaps(judged, other, name):
    """Judged minus other, in standard deviations, with its error and two-sided p."""
    from scipy.special import ndtr

    error = np.sqrt(_error(judged) ** 2 + _error(other) ** 2)
    difference = judged.score / judged.unit - other.score / other.unit
    return pd.DataFrame({"other": name, "difference": difference, "error": error,
                         "p_value": 2 * ndtr(-np.abs(difference) / error)})  # fmt: skip
