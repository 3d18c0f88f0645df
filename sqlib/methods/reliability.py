"""Reliability of ratings: may scores of this kind carry pay, and how many raters and criteria would be enough?

``reliability`` is the one call of a page: the coefficients the field prints, side by side, and the reliability of a
person's mean score as it is made now; ``budget`` what every number of raters, criteria and occasions would reach and
cost in hours. The methods themselves: ``intraclass``, ``agreement``, ``krippendorff``, ``generalizability``.

What a reliability is good for: at least .80 with the whole interval and .90 itself where a decision on a person hangs
on it; .70 itself with an interval above .50, where more than half of the spread is people, for talks about improvement.
Sources: Nunnally (1978) Psychometric Theory, p. 245 (.70, .80; .90 the least for decisions on persons); Evers, Sijtsma,
Lucassen & Meijer (2010) International Journal of Testing 10:295 (COTAN: .80 and .90 for important, .70 and .80 for less
important decisions on persons).
"""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import ratings
from sqlib.methods.agreement import fleiss_kappa, kendall_w, weighted_kappa
from sqlib.methods.generalizability import GStudyResult, d_study, g_study
from sqlib.methods.intraclass import icc
from sqlib.methods.krippendorff import krippendorff_alpha

__all__ = [
    "budget", "d_study", "fleiss_kappa", "g_study", "icc", "kendall_w", "krippendorff_alpha", "reliability",
    "weighted_kappa",
]  # fmt: skip

PAY, PAY_LOW = 0.90, 0.80
COACHING, COACHING_LOW = 0.70, 0.50
TARGET = 0.80
FEW_RATERS = 5
COLUMNS = ["coefficient", "estimate", "low", "high", "n", "raters", "verdict"]


@dataclass(frozen=True)
class ReliabilityResult:
    """Result of :func:`reliability`.

    ``table``, columns ``COLUMNS``: coefficient (dependability and generalizability of a person's mean score as made
    now; icc1, icc2, icc3 of one rater's mean over the criteria; krippendorff_alpha of single scores; kendall_w),
    estimate with limits, n (people; scored units for alpha), raters; verdict of the first two: fit_for_pay |
    fit_for_coaching | not_reliable | unclear. A coefficient the data cannot give stands with its name and no numbers.

    ``study``: the G-study; ``fixed``: its letters that are no error; ``sizes``: levels of each facet a person has;
    ``sem``: standard error of a person's mean score, in score points; ``refused``: coefficient -> reason (a code);
    ``cautions`` of the G-study and few_raters (under 5).
    """

    table: pd.DataFrame
    study: GStudyResult
    fixed: tuple[str, ...]
    sizes: dict[str, float]
    sem: float
    verdict: str
    n: int
    raters: int
    refused: dict[str, str]
    confidence: float
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class BudgetResult:
    """Result of :func:`budget`.

    ``table``, one row a plan, cheapest first: raters, criteria, occasions (of one person), ratings, hours (of
    everybody), generalizability, dependability with limits, sem_absolute, best (no cheaper plan reaches as much).
    ``coefficient`` plans are held to; ``present`` plan, ``cheapest`` one whose estimate reaches ``target``: a row each,
    None where none does; ``hours_saved`` by that plan against now, negative where it costs more.
    ``verdict``: cheaper_plan | well_spent (now reaches it and no plan does for less) | more_needed | out_of_reach
    (within the largest plan looked at). ``people`` rated, ``hours_per_rating``.
    """

    table: pd.DataFrame
    coefficient: str
    target: float
    present: pd.Series
    cheapest: pd.Series | None
    hours_saved: float
    verdict: str
    people: int
    hours_per_rating: float
    confidence: float
    cautions: tuple[str, ...]


def reliability(
    data, *, ratee, rater, score, criterion=None, period=None, level="interval", confidence=0.95, draws=1000, seed=0,
) -> ReliabilityResult:  # fmt: skip
    """Coefficients of reliability and agreement of judged ratings.

    Parameters
    ----------
    data : one row per rating; ``ratee``, ``rater``, ``score`` and, where there are any, ``criterion`` and ``period``.
        Self-ratings are left out; several scores of one cell are averaged. Criteria are taken as the fixed ones of the
        scheme; raters and periods as exchangeable
    level : of measurement, for Krippendorff's alpha
    draws, seed : of its bootstrap, and of the limits of the G-study

    The dependability is what matters where people have different raters or a cut score decides; the generalizability
    where everybody has the same raters and only the order counts.

    Raises MethodRefused: what :func:`sqlib.methods.ratings.coded` and :func:`sqlib.methods.generalizability.g_study`
    refuse: without them nothing is said.
    """
    judged = ratings.coded(data, ratee=ratee, rater=rater, score=score, criterion=criterion, period=period)
    data = data.iloc[judged.rows].assign(**{score: judged.score})
    facets = {"i": criterion, "o": period}
    used = {letter: column for letter, column in facets.items() if column is not None and data[column].nunique() > 1}
    columns = {"p": ratee, "r": rater} | used
    once = data.groupby(list(columns.values()), observed=True)[score].mean().reset_index()
    study = g_study(once, score=score, design=" x ".join(columns), columns=columns, confidence=confidence, seed=seed)
    fixed = ("i",) if "i" in columns else ()
    plan = d_study(study, fixed=fixed).iloc[0]
    person = once.groupby([ratee, rater], observed=True)[score].mean().reset_index()
    rows = [_planned(name, plan, study) for name in ("dependability", "generalizability")]
    names = {"ratee": ratee, "rater": rater, "score": score}
    units = [columns[letter] for letter in columns if letter != "r"]
    single = once.assign(**{_UNIT: once.groupby(units, observed=True).ngroup()})
    single = {"data": single, "unit": _UNIT, "rater": rater, "score": score, "confidence": confidence, "seed": seed}
    asked = {
        "icc": lambda: (
            icc(person, **names, confidence=confidence).table.iloc[:3].rename(columns={"form": "coefficient"})
        ),
        "krippendorff_alpha": lambda: krippendorff_alpha(**single, level=level, draws=draws).table,
        "kendall_w": lambda: (
            kendall_w(person, unit=ratee, rater=rater, score=score, confidence=confidence, draws=draws, seed=seed).table
        ),
    }
    found, refused = _asked(asked)
    table = pd.concat([pd.DataFrame(rows), *found], ignore_index=True).reindex(columns=COLUMNS)
    few = ("few_raters",) if once[rater].nunique() < FEW_RATERS else ()
    return ReliabilityResult(
        table=table, study=study, fixed=fixed, sizes=study.sizes, sem=float(plan["sem_absolute"]),
        verdict=table["verdict"].iloc[0], n=study.people, raters=once[rater].nunique(), refused=refused,
        confidence=confidence, cautions=(*study.cautions, *few),
    )  # fmt: skip


_FORM = {"form": "coefficient"}
_UNIT = "\N{BULLET}unit"  # a name no client's column has


def _planned(name: str, plan: pd.Series, study: GStudyResult) -> dict:
    low, high = plan[f"{name}_low"], plan[f"{name}_high"]
    return {"coefficient": name, "estimate": plan[name], "low": low, "high": high, "n": study.people,
            "raters": study.sizes["r"], "verdict": fitness(plan[name], low, high)}  # fmt: skip


def fitness(estimate: float, low: float, high: float) -> str:
    """What a reliability with these limits is good for."""
    if estimate >= PAY and low >= PAY_LOW:
        return "fit_for_pay"
    if estimate >= COACHING and low >= COACHING_LOW:
        return "fit_for_coaching"
    return "not_reliable" if high < COACHING else "unclear"


def _asked(calls: dict) -> tuple[list[pd.DataFrame], dict[str, str]]:
    """Tables of the coefficients; one that is refused stands with its name, and its reason is kept."""
    found, refused = [], {}
    for name, call in calls.items():
        try:
            found.append(call())
        except MethodRefused as refusal:
            refused[name] = refusal.code
            found.append(pd.DataFrame({"coefficient": [name]}))
    return found, refused


# --- what would be enough -----------------------------------------------------------------------------------------

NAMES = {"r": "raters", "i": "criteria", "o": "occasions"}


def budget(
    study: GStudyResult, *, target=TARGET, coefficient="dependability", hours_per_rating, fixed=(), raters=(2, 12),
    criteria=(3, 10), occasions=(1, 6), people=None,
) -> BudgetResult:  # fmt: skip
    """Every plan up to the largest, what it reaches and what it costs; the cheapest that reaches the target.

    Parameters
    ----------
    study : a G-study with the letters r (raters), i (criteria), o (occasions), as :func:`reliability` makes it
    coefficient : dependability or generalizability
    hours_per_rating : hours one rater needs for one score: one person, one criterion, one occasion
    fixed : as in :func:`sqlib.methods.generalizability.d_study`; people : how many are rated, as now
    raters, criteria, occasions : fewest and most a plan may have, the fewest never above those of now: one rater cannot
        be held against another, and a scheme of one or two criteria is another scheme

    Two plans of equal hours: the more reliable one. Reaching is judged by the estimate; the table has the limits.

    Raises MethodRefused: reliability.bad_target, .no_hours, .unknown_coefficient; generalizability.*.
    """
    _check_budget(target, coefficient, hours_per_rating)
    letters = [letter for letter in NAMES if letter in study.sizes]
    ends = {"r": raters, "i": criteria, "o": occasions}
    least = {letter: max(min(ends[letter][0], int(study.sizes[letter])), 1) for letter in letters}
    grid = itertools.product(*(range(least[letter], ends[letter][1] + 1) for letter in letters))
    plans = [study.sizes, *(dict(zip(letters, plan, strict=True)) for plan in grid)]
    worked = d_study(study, plans, fixed=fixed, hours_per_rating=hours_per_rating, people=people)
    worked = worked.rename(columns=NAMES)
    present, table = (
        worked.iloc[0],
        worked.iloc[1:].sort_values(["hours", coefficient], ascending=[True, False], kind="stable"),
    )
    before = table[coefficient].cummax().shift(fill_value=-1.0)
    table = table.assign(best=table[coefficient] > before + 1e-12).reset_index(drop=True)
    enough = table[table[coefficient] >= target]
    cheapest = enough.iloc[0] if len(enough) else None
    saved = np.nan if cheapest is None else float(present["hours"] - cheapest["hours"])
    return BudgetResult(
        table=table, coefficient=coefficient, target=target, present=present, cheapest=cheapest, hours_saved=saved,
        verdict=_worth(present[coefficient] >= target, saved), people=study.people if people is None else people,
        hours_per_rating=hours_per_rating, confidence=study.confidence, cautions=study.cautions,
    )  # fmt: skip


def _worth(reached: bool, saved: float) -> str:
    if saved > 1e-9:
        return "cheaper_plan"
    return "well_spent" if reached else "out_of_reach" if np.isnan(saved) else "more_needed"


def _check_budget(target: float, coefficient: str, hours: float) -> None:
    if not 0 < target < 1:
        raise MethodRefused("reliability.bad_target", got=f"{target:g}")
    if coefficient not in ("dependability", "generalizability"):
        raise MethodRefused("reliability.unknown_coefficient", got=coefficient)
    if not hours > 0:
        raise MethodRefused("reliability.no_hours", got=f"{hours:g}")
