"""Synthetic control: the unit with the measure against the mix of other units that moved as it did before.

The mix is the exact optimum of its least squares (``simplex``): half-finished ones are what circulates for the
published example. Its evidence is exhaustive: every donor is taken for the treated one in turn. Synthetic
difference-in-differences (``sdid``) weighs periods too and lets the units differ by a constant.

References: Abadie, Diamond & Hainmueller (2010) JASA 105:493; Abadie (2021) J Econ Lit 59:391 (RMSPE ratio, leave one
out); Arkhangelsky et al. (2021) Am Econ Rev 111:4088 (SDID, its regularisation and placebo variance). Checked against
Proposition 99 as published, scipy SLSQP and diff-diff. False alarms: ``benchmarks/effects.py``.
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import serial_details, simplex, unit_panel
from sqlib.methods.effect import Effect
from sqlib.methods.one_thread import one_thread
from sqlib.methods.samples import t_value

FEWEST_DONORS, FEWEST_BEFORE = 10, 10
MOST_TREATED = 3  # above it units are many enough to compare their changes
MOST_PLACEBOS = 1000  # sets of placebo units, above which an even selection of them is taken
TIME_RIDGE = 1e-6
USED = 1e-6  # weight from which a donor counts as used
RANKED_BY = {"synthetic_control": "ratio", "sdid": "effect"}
PERFECT = 1e-8  # share of the unit's spread under which a fit before is perfect
ROUNDING = 1e-12  # of the values


@dataclass(frozen=True)
class SyntheticControl:
    """What the mix of other units says, and the mixes of the placebos.

    ``effect``: the Effect. ``weights``: unit, weight, largest first. ``times``: time, weight of the periods before (all
    alike but for SDID). ``placebos``, one row a set of units taken for the treated, the treated first: unit, treated,
    effect, pre_rmspe (of SDID about the mean gap), ratio (root mean square gap after over the one before), rank (1 =
    largest ratio; of SDID, which does not fit the level, largest effect of either sign). ``leave_one_out``: unit (a
    donor in use, left out), effect, pre_rmspe. ``gaps``: unit, time, gap, treated: observed less expected of the
    treated and of every placebo.
    """

    effect: Effect
    weights: pd.DataFrame
    times: pd.DataFrame
    placebos: pd.DataFrame
    leave_one_out: pd.DataFrame
    gaps: pd.DataFrame


@dataclass(frozen=True)
class Case:
    """``donors`` (units, periods) with ``names``; ``aims`` (treated, periods) called ``label``; ``times`` (periods,);
    ``last``: number of periods before; ``first``: the first that counts after, from 0; ``lost``: units left out."""

    donors: np.ndarray
    names: pd.Index
    aims: np.ndarray
    label: str
    times: pd.Index
    last: int
    first: int
    lost: int

    @property
    def aim(self) -> np.ndarray:
        return self.aims.mean(axis=0)

    def without(self, i: int) -> "Case":
        """The same, donor ``i`` left out."""
        return replace(self, donors=np.delete(self.donors, i, axis=0), names=self.names.delete(i))

    def placebo(self, chosen) -> "Case":
        """The donors ``chosen`` taken for the treated."""
        taken, others = list(chosen), np.delete(self.donors, chosen, axis=0)
        label = _joined(self.names[taken])
        return replace(self, donors=others, aims=self.donors[taken], names=self.names.delete(taken), label=label)


@dataclass(frozen=True)
class Fit:
    """One unit called ``label`` fitted by others: ``share`` (donors,), ``moments`` (before,) weights of the periods,
    ``gap`` (periods,), ``effect``, ``before`` and ``after``: root mean square gaps."""

    label: str
    share: np.ndarray
    moments: np.ndarray
    gap: np.ndarray
    effect: float
    before: float
    after: float


def estimate(panel, **options) -> Effect:
    """The Effect of ``compare``, same arguments."""
    return compare(panel, **options).effect


def compare(panel, *, unit, time, value, treated, start, compared=None, wash_in=0, confidence=0.95) -> SyntheticControl:
    """Mean gap after the start between the treated and their synthetic control.

    Parameters
    ----------
    panel : one row a unit and period: `unit`, `time` (sorts in time), `value`
    treated, compared : ids; up to three treated units count as one, their mean; ``compared`` None: all others. At least
        ten donors and ten periods before are needed; donors with a missing cell are left out and counted
    start : first period under the measure, as in `time`; ``wash_in`` periods from there on are left out of the mean

    estimand ``gap_mean``. ``se``: standard deviation (n - 1) of the placebo effects, t with one degree of freedom less
    than there are placebos. ``details`` in this order: smallest_p, rank_p, rank (among the placebos), placebos,
    pre_rmspe, ratio, leave_one_low, leave_one_high, donors_used, unweighted (difference in differences with equal
    weights), units_left_out. ``path``: limits by the spread of the placebo gaps of that period. Limits in percent take
    the expected level as known. ``cautions``: rank_powerless (smallest_p above 1 - confidence), poor_fit (before, the
    mix is no nearer than the unit's own mean), perfect_fit (the fit before proves nothing), one_donor_decides (without
    it the sign turns), units_left_out, placebos_selected.

    Raises MethodRefused: synthetic_control.too_few_donors, .too_few_before, .treated_missing, .too_many_treated,
    .no_spread, unit_panel.*, samples.*.
    """
    case = _case(panel, unit, time, value, treated, compared, start, wash_in)
    return _compared(case, _control, "synthetic_control", "gap_mean", confidence)


def sdid(panel, *, unit, time, value, treated, start, compared=None, wash_in=0, confidence=0.95) -> SyntheticControl:
    """Synthetic difference-in-differences; arguments, frames and refusals of ``compare``; estimand ``att``.

    Donor weights allow a constant gap and are regularised by the noise of the donors' steps; ``times`` weighs the
    periods before by how they predict those after. ``rank`` is that of the size of the effect. ``details`` besides:
    regularisation.
    """
    case = _case(panel, unit, time, value, treated, compared, start, wash_in)
    return _compared(case, _weighted, "sdid", "att", confidence)


@one_thread
def _compared(case: Case, fit, design, estimand, confidence) -> SyntheticControl:
    own, sets = fit(case), _sets(len(case.donors), len(case.aims))
    others = [fit(case.placebo(chosen)) for chosen in sets]
    if np.std([each.effect for each in others]) <= ROUNDING * np.abs(case.donors).max():
        raise MethodRefused("synthetic_control.no_spread", units=len(case.donors))
    placebos = _placebos([own, *others], RANKED_BY[design])
    left = _leave_one_out(case, fit, own)
    details = _details(case, own, placebos, left, design)
    cautions = _cautions(case, own, placebos, left, confidence)
    figures = _figures(case, own, others, confidence)
    return SyntheticControl(
        Effect(design=design, estimand=estimand, **figures, n_before=case.last, n_after=len(case.times) - case.first,
               treated=len(case.aims), compared=len(case.donors), confidence=confidence,
               path=_path(case, own, others, confidence), details=details, cautions=cautions),
        _shares(case, own), pd.DataFrame({"time": case.times[: case.last], "weight": own.moments}), placebos, left,
        _gaps(case, [own, *others]),
    )  # fmt: skip


def _case(panel, unit, time, value, treated, compared, start, wash_in) -> Case:
    """Units that take part and are complete; the rest is counted, or refused."""
    table = unit_panel.wide(panel, unit=unit, time=time, value=value)
    table, side = unit_panel.sides(table, treated, compared)
    before, after = unit_panel.phases(table, start, wash_in)
    last, first = before.shape[1], table.shape[1] - after.shape[1]
    whole = table.notna().all(axis=1).to_numpy()
    _require(table, side, whole, last)
    donors, aims, lost = table[whole & ~side], table[side], int((~whole).sum())
    label = _joined(aims.index)
    return Case(donors.to_numpy(), donors.index, aims.to_numpy(), label, table.columns, last, first, lost)


def _require(table, side, whole, before):
    if not whole[side].all():
        raise MethodRefused("synthetic_control.treated_missing", units=_joined(table.index[side & ~whole]))
    if side.sum() > MOST_TREATED:
        raise MethodRefused("synthetic_control.too_many_treated", treated=int(side.sum()), most=MOST_TREATED)
    donors = int((whole & ~side).sum())
    if donors < FEWEST_DONORS:
        counts = {"donors": donors, "least": FEWEST_DONORS, "lost": int((~whole).sum())}
        raise MethodRefused("synthetic_control.too_few_donors", **counts)
    if before < FEWEST_BEFORE:
        raise MethodRefused("synthetic_control.too_few_before", before=before, least=FEWEST_BEFORE)


def _control(case: Case) -> Fit:
    """The mix of the donors, equal weights of the periods."""
    share = simplex.weights(case.donors[:, : case.last].T, case.aim[: case.last])
    gap = case.aim - share @ case.donors
    return _fit(case, share, np.full(case.last, 1 / case.last), gap, gap[: case.last])


def _weighted(case: Case) -> Fit:
    """SDID: the gap before may stand at a level of its own."""
    before, after = case.donors[:, : case.last], case.donors[:, case.first :]
    share = _regularised(before.T, case.aim[: case.last], _ridge(case))
    moments = _regularised(before, after.mean(axis=1), TIME_RIDGE * _noise(case))
    gap = case.aim - share @ case.donors
    gap = gap - moments @ gap[: case.last]
    return _fit(case, share, moments, gap, gap[: case.last] - gap[: case.last].mean())


def _noise(case: Case) -> float:
    """Standard deviation of the donors' steps before the start."""
    return float(np.diff(case.donors[:, : case.last], axis=1).std(ddof=1))


def _ridge(case: Case) -> float:
    return _noise(case) * (len(case.aims) * (len(case.times) - case.first)) ** 0.25


def _regularised(columns, aim, ridge):
    """Shares with a constant of their own, their squares held small by ``ridge`` (Arkhangelsky et al., eq. 4 and 6)."""
    n, k = columns.shape
    centred = np.vstack([columns - columns.mean(axis=0), ridge * np.sqrt(n) * np.eye(k)])
    return simplex.weights(centred, np.append(aim - aim.mean(), np.zeros(k)))


def _fit(case, share, moments, gap, apart) -> Fit:
    later = gap[case.first :]
    before, after = (float(np.sqrt((part**2).mean())) for part in (apart, later))
    return Fit(case.label, share, moments, gap, float(later.mean()), before, after)


def _sets(donors, count) -> list[tuple[int, ...]]:
    """Every set of ``count`` donors, or an even selection of them."""
    every = list(itertools.combinations(range(donors), count))
    return every[:: -(-len(every) // MOST_PLACEBOS)]


def _placebos(fits, by) -> pd.DataFrame:
    table = pd.DataFrame({"unit": [each.label for each in fits], "treated": np.arange(len(fits)) == 0})
    table["effect"] = [each.effect for each in fits]
    table["pre_rmspe"] = [each.before for each in fits]
    table["ratio"] = (pd.Series([each.after for each in fits]) / table["pre_rmspe"]).fillna(0.0)  # no gap at all
    return table.assign(rank=table[by].abs().rank(ascending=False, method="max").astype(int))


def _leave_one_out(case, fit, own) -> pd.DataFrame:
    """The donors not in use change nothing when they go."""
    used = np.flatnonzero(own.share > USED)
    found = [fit(case.without(i)) for i in used]
    figures = {"effect": [each.effect for each in found], "pre_rmspe": [each.before for each in found]}
    return pd.DataFrame({"unit": case.names[used], **figures})


def _details(case, own, placebos, left, design) -> pd.DataFrame:
    count, rank, ratio = len(placebos), *placebos.loc[0, ["rank", "ratio"]]
    step = [part[:, case.first :].mean() - part[:, : case.last].mean() for part in (case.aims, case.donors)]
    figures = {
        "smallest_p": 1 / count, "rank_p": rank / count, "rank": rank, "placebos": count - 1, "pre_rmspe": own.before,
        "ratio": ratio, "leave_one_low": left["effect"].min(), "leave_one_high": left["effect"].max(),
        "donors_used": len(left), "unweighted": step[0] - step[1], "units_left_out": case.lost,
    }  # fmt: skip
    if design == "sdid":
        figures["regularisation"] = _ridge(case)
    return pd.DataFrame([serial_details.row(*each) for each in figures.items()])


def _cautions(case, own, placebos, left, confidence) -> tuple[str, ...]:
    spread = case.aim[: case.last].std()
    perfect = own.before <= max(PERFECT * spread, ROUNDING * np.abs(case.aims).max())
    holds = {
        "rank_powerless": 1 / len(placebos) > 1 - confidence,
        "poor_fit": own.before >= spread and not perfect,
        "perfect_fit": perfect,
        "one_donor_decides": (left["effect"] * own.effect < 0).any(),
        "units_left_out": case.lost > 0,
        "placebos_selected": len(placebos) - 1 < math.comb(len(case.donors), len(case.aims)),
    }
    return tuple(code for code, true in holds.items() if true)


def _figures(case, own, others, confidence) -> dict[str, float]:
    """effect, se, df, low, high, p_value and the effect in percent of the expected level."""
    effect, se, df = own.effect, float(np.std([each.effect for each in others], ddof=1)), len(others) - 1.0
    half = float(t_value(1 - confidence, df)) * se
    level = float((case.aim - own.gap)[case.first :].mean())
    level = level if level > 0 and case.aims.min() >= 0 else np.nan
    return {
        "effect": effect, "se": se, "df": df, "low": effect - half, "high": effect + half,
        "p_value": float(serial_details.p_value(effect / se, df)), "percent": effect / level,
        "percent_low": (effect - half) / level, "percent_high": (effect + half) / level,
    }  # fmt: skip


def _path(case, own, others, confidence) -> pd.DataFrame:
    half = t_value(1 - confidence, len(others) - 1.0) * np.std([each.gap for each in others], axis=0, ddof=1)
    expected = case.aim - own.gap
    columns = {"time": case.times, "observed": case.aim, "expected": expected}
    return pd.DataFrame(columns | {"low": expected - half, "high": expected + half})


def _shares(case, own) -> pd.DataFrame:
    table = pd.DataFrame({"unit": case.names, "weight": own.share})
    return table.sort_values("weight", ascending=False, kind="stable", ignore_index=True)


def _gaps(case, fits) -> pd.DataFrame:
    frames = [pd.DataFrame({"unit": each.label, "time": case.times, "gap": each.gap, "treated": k == 0})
              for k, each in enumerate(fits)]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def _joined(units) -> str:
    return ", ".join(map(str, units))
