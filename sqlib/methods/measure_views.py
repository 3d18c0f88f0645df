"""What people say about the measures: useful, understood, and what else it brought, from a short questionnaire.

Those of the department that carries a measure out are told apart from those it affects, where departments are known.
Means have the interval of ``means`` on the scale 1-5, shares Wilson's, the two sides Welch's difference (``means``).
Fewer answers than ``min_group`` are hidden, and so is what would give them away. Checked against ``means``,
``proportions`` and counts by hand.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import disclosure
from sqlib.errors import MethodRefused
from sqlib.methods import counted, means, samples

SCALE = (1.0, 5.0)
MIDDLE = 3.0  # neither useful nor useless
LITTLE = 2  # of little use from here down
VIEWS = ["measure_id", "name", "side", "n", "useful", "useful_low", "useful_high", "successes", "answers", "understood",
         "understood_low", "understood_high", "p_value", "p_second", "p_adjusted", "verdict"]  # fmt: skip
COMMENTS = ["measure_id", "name", "comment", "count", "useful"]


@dataclass(frozen=True)
class MeasureViewsResult:
    """``table``, one row a measure and side (all | carries_out | affected; measure_id "" for all measures together): n
    answers, useful (mean 1-5 with limits), successes of answers understood, understood (share with limits), p_value,
    p_second, p_adjusted (Benjamini-Hochberg over the measures), verdict on useful: found_useful (above 3) |
    found_useless (below 3) | cannot_tell | hidden.

    ``side_effects``, the remarks of those who found little use in a measure, or that hold one of the ``markers``, of
    measures with at least ``min_group`` answers: measure_id, name, comment, count (written alike), useful (their mean).
    ``difference``: one row, estimate (useful of those affected less of those who carry out), low, high, n, p_value,
    p_second; empty where either side has too few.

    ``n`` answers about measures, ``measures`` they are about; ``cautions``: unknown_measures (answers that name no
    measure of the register: only in the total), no_sides (no department known).
    """

    table: pd.DataFrame
    side_effects: pd.DataFrame
    difference: pd.DataFrame
    n: int
    measures: int
    confidence: float
    min_group: int
    cautions: tuple[str, ...]


def measure_views(
    pulse: pd.DataFrame, measures: pd.DataFrame | None = None, *, markers=(), min_group: int = 5,
    confidence: float = 0.95, seed: int = 0,
) -> MeasureViewsResult:  # fmt: skip
    """Sum up the answers about measures.

    pulse : about (rows of "measure" count), ref (measure_id), useful (1..5), understood (0/1), department, comment;
    measures : measure_id, name, department; markers : words that speak of a side effect, in any case.

    Raises MethodRefused: measure_views.no_column, .nothing (no answer about a measure), .few (fewer than ``min_group``
    answers), means.* (a score outside the scale).
    """
    rows = _answers(pulse, measures, min_group)
    known = rows[rows["known"]]
    views = [_view(rows, "", "all", confidence)]
    views += [_view(own, ref, "all", confidence) for ref, own in known.groupby("measure_id", sort=True)]
    views = _hidden(pd.DataFrame(views), min_group)
    sides = [_view(own, "", side, confidence) for side, own in rows.dropna(subset=["side"]).groupby("side")]
    if len(sides) == 2 and min(each["n"] for each in sides) >= min_group:
        views = pd.concat([views, pd.DataFrame(sides)], ignore_index=True)
    names = dict(zip(known["measure_id"], known["name"], strict=True))
    table = views.assign(name=views["measure_id"].map(names))
    single = table["measure_id"].ne("")
    table["p_adjusted"] = table["p_value"].mask(single, samples.adjusted(table["p_value"].where(single)))
    table["verdict"] = _verdicts(table, 1 - confidence)
    tests = {"unknown_measures": not rows["known"].all(), "no_sides": rows["side"].nunique() < 2}
    return MeasureViewsResult(
        table=table[VIEWS], side_effects=_side_effects(known, markers, min_group),
        difference=_difference(rows, min_group, confidence, seed), n=len(rows), measures=known["measure_id"].nunique(),
        confidence=confidence, min_group=min_group, cautions=tuple(code for code, holds in tests.items() if holds),
    )  # fmt: skip


def _answers(pulse, measures, min_group) -> pd.DataFrame:
    """Answers about measures: measure_id, name, known (flag), side (NA: unknown), useful, understood, comment."""
    if "about" not in pulse:
        raise MethodRefused("measure_views.no_column", got="about")
    rows = pulse[pulse["about"].eq("measure")].reset_index(drop=True)
    useful, understood = counted.numbers(rows, "useful"), counted.numbers(rows, "understood")
    said = useful.notna() | understood.notna()
    if not said.any():
        raise MethodRefused("measure_views.nothing", rows=len(pulse))
    if said.sum() < min_group:
        raise MethodRefused("measure_views.few", got=int(said.sum()), least=min_group)
    ref = counted.told(rows, "ref").fillna("")
    answers = pd.DataFrame({"measure_id": ref, "name": ref, "known": ref.ne(""), "side": pd.NA, "useful": useful,
                            "understood": understood, "comment": counted.told(rows, "comment")})  # fmt: skip
    if measures is not None:
        own = measures.drop_duplicates("measure_id").set_index("measure_id")
        owner, asked = ref.map(counted.told(own, "department")), counted.told(rows, "department")
        side = pd.Series(np.where(owner == asked, "carries_out", "affected"), index=rows.index)
        answers["known"] = ref.isin(own.index)
        answers["name"] = ref.map(counted.told(own, "name")).fillna(ref)
        answers["side"] = side.mask(owner.isna() | asked.isna())
    return answers[said]


def _view(rows, ref, side, confidence) -> dict:
    """One row: mean usefulness and the share that understood."""
    row = {"measure_id": ref, "side": side, "n": len(rows), "useful": np.nan, "useful_low": np.nan,
           "useful_high": np.nan, "p_value": np.nan, "p_second": np.nan}  # fmt: skip
    if rows["useful"].notna().any():
        found = means.mean(rows, value="useful", scale=SCALE, target=MIDDLE, confidence=confidence).table.iloc[0]
        row |= {"useful": found["estimate"], "useful_low": found["low"], "useful_high": found["high"]}
        row |= {name: found[name] for name in ("p_value", "p_second")}
    clear = rows["understood"].dropna()
    share = counted.shares(pd.DataFrame({"successes": [clear.sum()], "n": [len(clear)]}), confidence).iloc[0]
    row |= {"successes": share["successes"], "answers": share["n"], "understood": share["estimate"]}
    return row | {"understood_low": share["low"], "understood_high": share["high"]}


def _hidden(views, min_group) -> pd.DataFrame:
    """Measures of few answers without their numbers; the first row is the total they are parts of."""
    numbers = [name for name in VIEWS[4:-1] if name in views]
    parts = disclosure.suppress(views.iloc[1:], n="n", min_group=min_group, numbers=numbers)
    return pd.concat([views.iloc[:1].assign(hidden=False), parts], ignore_index=True)


def _verdicts(table, alpha):
    told = table["p_adjusted"] <= alpha
    checks = [table["hidden"].eq(True), told & (table["useful"] > MIDDLE), told & (table["useful"] < MIDDLE)]
    return np.select(checks, ["hidden", "found_useful", "found_useless"], "cannot_tell")


def _side_effects(known, markers, min_group) -> pd.DataFrame:
    many = known.groupby("measure_id")["measure_id"].transform("size") >= min_group
    said = known[many & known["comment"].notna()]
    text = said["comment"].astype("str").str.casefold()
    names = text.map(lambda each: any(marker.casefold() in each for marker in markers))
    kept = said[(said["useful"] <= LITTLE) | names.astype(bool)]
    found = kept.groupby(["measure_id", "name", "comment"], sort=False).agg(
        count=("useful", "size"), useful=("useful", "mean")
    )
    order = ["measure_id", "count", "comment"]
    return found.reset_index().sort_values(order, ascending=[True, False, True], ignore_index=True)[COMMENTS]


def _difference(rows, min_group, confidence, seed) -> pd.DataFrame:
    """Useful to those affected less useful to those who carry out."""
    columns = ["estimate", "low", "high", "n", "p_value", "p_second"]
    asked = rows.dropna(subset=["side", "useful"])
    sizes = asked["side"].value_counts()
    if len(sizes) < 2 or sizes.min() < max(min_group, 2):
        return pd.DataFrame(columns=columns)
    found = means.difference(asked, value="useful", group="side", first="carries_out", second="affected",
                             confidence=confidence, seed=seed).table  # fmt: skip
    return found.assign(n=len(asked))[columns]
