"""Every measure on its indicators: the strongest design the data allow, its checks, and one of eight verdicts.

``admissibility`` says which designs may be used and why better ones are missing; ``effect_designs`` estimates,
``effect_checks`` tries to break the estimate, ``effect_verdicts`` puts it into a word. P values are corrected over all
measures: Holm on their own indicators, Benjamini-Hochberg on balancing ones (``portfolio.multiplicity``).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import (
    admissibility,
    effect_case,
    effect_checks,
    effect_designs,
    effect_people,
    effect_verdicts,
    portfolio,
)
from sqlib.methods.effect import Effect

EFFECTS = [
    "measure_id", "name", "indicator_id", "primary", "design", "tier", "estimand", "effect", "low", "high", "se",
    "p_value", "p_adjusted", "unit", "percent", "percent_low", "percent_high", "verdict", "strength", "reason",
    "downgrades", "cautions", "mde", "worth_having", "weeks_needed", "settles_on", "decision_rule", "sustained",
    "balancing_id", "balancing_verdict", "second_design", "second_effect", "second_effect_low",
    "second_effect_high", "placebo_rank", "placebo_dates", "n_before", "n_after", "treated", "compared",
    "observed_before", "observed_after", "observed_change", "observed_low", "observed_high", "promised",
    "direction", "frequency", "start_on",
]  # fmt: skip
DIAGNOSTICS = ["measure_id", "indicator_id", "name", "estimate", "low", "high"]
THIRDS = {"first_third": "first_third", "last_third": "last_third", "fading": "moved"}  # diagnostic -> column
KEYS = ["measure_id", "indicator_id"]
SEEN = ("its", "unit_differences")  # designs whose path is the mean of the treated units, as seen
HUNDREDTHS = ("staggered", "unit_differences", "controlled")  # designs whose engines print percent of 100
LONGEST = 156.0  # weeks ahead beyond which waiting is no plan
WEEKS = {"week": 1.0, "month": 52 / 12, "quarter": 13.0, "half": 26.0, "year": 52.0}


@dataclass(frozen=True)
class EffectsResult:
    """``effects``, one row a measure and indicator, columns ``EFFECTS``: effect with limits in the indicator's unit and
    sign; ``percent`` as a fraction of the level without the measure; verdict, strength (strong | moderate | weak |
    none), ``reason`` why nothing (more) can be said; ``mde`` smallest effect found in four samples of five; what was
    seen before and after (of the last year before, and of all after, with its range), and a decision rule.

    ``weeks_needed``: from the last period on; inf, without a day in ``settles_on``, beyond three years.

    ``tier`` D: no design could be used, two averages are all there is. Waves of one roll-out are one test.

    ``admissibility``: every design of every case. ``diagnostics``: what the engine and the checks say, one row a
    figure; position: estimate-th of ``high`` p values of its family; with_trend: the other answer, where it was
    declared that there is no trend.

    ``placebos``: measure_id, indicator_id, date, effect, low, high, p_value, real, period. ``paths``:
    measure_id, indicator_id, time, period, observed, expected, low, high. ``tests``: p values corrected together.
    ``portfolio``: promised against realised (``portfolio.portfolio``); None where no indicator has a direction. A
    promise against the good direction, or of nothing, is no promise.
    """

    effects: pd.DataFrame
    admissibility: pd.DataFrame
    diagnostics: pd.DataFrame
    placebos: pd.DataFrame
    paths: pd.DataFrame
    portfolio: portfolio.PortfolioResult | None
    tests: int
    confidence: float
    cautions: tuple[str, ...]
    strangers: tuple[str, ...] = ()  # measures the people name and the register does not

    @property
    def designs(self) -> pd.DataFrame:
        """One row a measure and indicator: name, the design used, and why stronger ones are missing (reasons, codes
        joined by ";")."""
        rows = self.admissibility
        before = ~rows.groupby(KEYS, sort=False)["chosen"].cummax()
        by = rows[before & rows["reason"].notna()].groupby(KEYS, sort=False)["reason"]
        reasons = by.agg(lambda codes: ";".join(dict.fromkeys(codes))).rename("reasons")
        return self.effects[["name", *KEYS, "design"]].merge(reasons.reset_index(), on=KEYS, how="left")

    @property
    def lasting(self) -> pd.DataFrame:
        """Every measure with an effect: name, indicator_id, unit, sustained, and with limits the effect of the first
        (first_third) and of the last third of the time after the start (last_third) and the difference (moved)."""
        own = self.effects[self.effects["primary"].astype(bool) & self.effects["effect"].notna()]
        table = own[["name", *KEYS, "unit", "sustained"]]
        for name, column in THIRDS.items():
            part = self.diagnostics[self.diagnostics["name"] == name]
            part = part.rename(columns={"estimate": column, "low": f"{column}_low", "high": f"{column}_high"})
            table = table.merge(part[[*KEYS, column, f"{column}_low", f"{column}_high"]], on=KEYS, how="left")
        return table


@dataclass(frozen=True)
class Found:
    """One case with what was estimated of it; ``effect`` None where every design was refused."""

    case: effect_case.Case
    designs: pd.DataFrame
    effect: Effect | None = None
    other: Effect | None = None
    placebos: pd.DataFrame | None = None
    checks: dict | None = None
    described: pd.DataFrame | None = None  # diagnostics of people, who have no checks of series

    @property
    def design(self) -> str:
        chosen = self.designs.loc[self.designs["chosen"], "design"]
        return chosen.iloc[0] if len(chosen) else ""


def evaluate(measures, indicators, series, *, as_of, worth=None, confidence=0.95, seed=0, calendar=None, no_trend=(),
             no_season=(), chosen_after=(), people=None) -> EffectsResult:  # fmt: skip
    """Judge every measure of a register.

    Parameters
    ----------
    measures, indicators : tables of the contracts; series : ``indicator_values.series`` with its ``indicators``
    as_of : last day of the data; periods that end later are left out
    worth : indicator -> least change worth having, declared beforehand
    calendar : (starts, ends) -> calendar terms, as ``Improvement.terms``; None: none are known
    no_trend, no_season : indicators declared beforehand to have none; chosen_after : measures whose date was set after
        looking at the figures
    people : table pre_post, scores of persons before and after (``effect_people``)

    Raises MethodRefused: ``effects.no_register`` (no measure), ``effects.repeated`` (a measure twice).
    """
    effect_verdicts.require(measures)
    options = {"as_of": pd.Timestamp(as_of), "worth": worth, "calendar": calendar, "no_trend": no_trend,
               "no_season": no_season, "chosen_after": chosen_after}  # fmt: skip
    tables = (indicators, series, measures)
    cases = [case for _, measure in measures.iterrows() for case in _cases(measure, tables, options)]
    found = [examine(case, confidence=confidence, seed=seed) for case in cases]
    if people is not None:
        judged = effect_people.examine(measures, indicators, people, as_of=options["as_of"], worth=worth,
                                       reported=series["indicator_id"].unique(), chosen_after=chosen_after,
                                       confidence=confidence)  # fmt: skip
        found = effect_people.beside(found, [Found(**each) for each in judged])
    p_values = pd.Series([np.nan if each.effect is None else each.effect.p_value for each in found])
    tests = _tests(found)
    corrected = portfolio.multiplicity(p_values, pd.Series([each.case.primary for each in found]), tests)
    said = measures.set_index("measure_id").reindex(columns=["name", "start_on"]).to_dict("index")
    rows = [_row(each, corrected.loc[k], confidence, seed) | said[each.case.measure_id] for k, each in enumerate(found)]
    table = effect_verdicts.with_side_effects(pd.DataFrame(rows).reindex(columns=EFFECTS))
    return EffectsResult(
        effects=table, admissibility=_judged(found),
        diagnostics=_joined([_diagnostics(each, corrected.loc[k]) for k, each in enumerate(found)], DIAGNOSTICS),
        placebos=_joined([_dated(each, each.placebos, "date") for each in found], [*KEYS, *effect_checks.PLACEBOS]),
        paths=_joined([_dated(each, _path(each), "time") for each in found],
                      [*KEYS, "time", "observed", "expected", "low", "high"]),
        portfolio=_portfolio(table.assign(test=tests), measures, confidence),
        tests=int(tests[p_values.notna()].nunique()), confidence=confidence,
        cautions=("nothing_estimated",) * bool(p_values.isna().all()),
        strangers=tuple(effect_people.strangers(people, measures)),
    )  # fmt: skip


def promises(result: EffectsResult) -> portfolio.PortfolioResult:
    """Promised against realised.

    Raises MethodRefused: ``effects.no_direction`` (of no indicator is it said which way is good).
    """
    if result.portfolio is None:
        raise MethodRefused("effects.no_direction", got=len(result.effects))
    return result.portfolio


def _portfolio(table, measures, confidence):
    rows = table[table["direction"].notna()]
    if rows.empty:
        return None
    good = rows["promised"] * rows["direction"].map({"up": 1.0, "down": -1.0}) > 0
    cost = measures.set_index("measure_id")["cost"].astype(float) if "cost" in measures else pd.Series(dtype=float)
    own = rows["measure_id"].map(cost).where(rows["primary"].astype(bool))
    columns = ["measure_id", "name", "indicator_id", "effect", "low", "high", "p_value", "direction", "primary", "test"]
    return portfolio.portfolio(rows[columns].assign(promised=rows["promised"].where(good), cost=own),
                               confidence=confidence)  # fmt: skip


def _tests(found) -> pd.Series:
    """Name of the test behind every case: waves of one roll-out, estimated together, are one."""
    names = [(each.case.indicator_id, tuple(sorted(each.case.cohorts.items())), each.effect.p_value)
             if each.design == "staggered" else k for k, each in enumerate(found)]  # fmt: skip
    return pd.Series(pd.factorize(pd.Series(names, dtype="object"))[0])


def _cases(measure, tables, options):
    """The measure on its own indicator and, where it names one, on the balancing one."""
    yield effect_case.prepare(measure, *tables, **options)
    if pd.notna(balancing := measure.get("balancing_indicator_id")) and balancing != measure["indicator_id"]:
        yield effect_case.prepare(measure, *tables, primary=False, indicator_id=balancing, **options)


def examine(case, *, confidence=0.95, seed=0) -> Found:
    """Estimate one case by the strongest design that its data and its engine allow, and check it."""
    designs = admissibility.judge(case)
    for place in designs.index[designs["admissible"]]:
        design = designs.loc[place, "design"]
        try:
            effect = effect_designs.estimate(design, case, confidence=confidence, seed=seed)
        except effect_checks.REFUSED as refused:
            code = getattr(refused, "code", "singular")
            designs.loc[place, ["admissible", "reason", "refusal"]] = [False, "engine_refused", code]
            continue
        chosen = designs.assign(chosen=designs.index == place)
        return _checked(Found(case, chosen, effect), confidence, seed)
    return Found(case, designs.assign(chosen=False))


def _checked(found, confidence, seed) -> Found:
    case, design = found.case, found.design
    fit = found.designs.set_index("design").at["synthetic_control", "admissible"]
    try:
        other = effect_designs.second(design, case, donors=fit, confidence=confidence, seed=seed)
    except effect_checks.REFUSED:
        other = None  # no second method: the strength is capped
    placebos = effect_checks.placebos(design, case, found.effect, confidence=confidence)
    checks = effect_checks.fading(design, case, confidence=confidence)
    checks["placebo_rank"], checks["placebo_dates"] = effect_checks.rank(placebos)
    checks["leave_one"] = effect_checks.leave_one(design, case, found.effect)
    checks["with_trend"] = effect_checks.with_trend(design, case, confidence=confidence)
    checks["placebo_units"] = effect_checks.placebo_units(design, case, found.effect)
    checks["wash_in"] = effect_checks.wash_ins(design, case, confidence=confidence)
    checks["mde"] = effect_designs.detectable(found.effect)
    return Found(case, found.designs, found.effect, other, placebos, checks)


# --- one row -----------------------------------------------------------------------------------------------------


def _row(found, corrected, confidence, seed) -> dict:
    case = found.case
    row = {"measure_id": case.measure_id, "indicator_id": case.indicator_id, "primary": case.primary,
           "unit": case.unit, "worth_having": case.worth, "promised": case.goal, "frequency": case.frequency,
           "direction": {1.0: "up", -1.0: "down"}.get(case.sign)}  # fmt: skip
    row |= {name: np.nan for name in ("effect", "low", "high", "se", "p_value", "p_adjusted", "mde")}
    row |= observed(case) | {"n_before": case.facts.get("before", 0), "n_after": case.facts.get("after", 0)}
    if found.effect is not None:
        row |= _estimated(found, corrected)
    elif "observed_change" in row:
        row |= {"tier": admissibility.OBSERVED}
    row |= effect_verdicts.verdict(found, row, confidence)
    return row | _settling(found, row, confidence, seed)


def _estimated(found, corrected) -> dict:
    other, checks = found.other, found.checks
    row = estimated(found.design, found.effect)
    row |= {"design": found.design, "tier": admissibility.TIERS[found.design], "p_adjusted": corrected["p_adjusted"]}
    row |= {name: checks[name] for name in ("mde", "sustained", "placebo_rank", "placebo_dates")}
    if other is not None:
        row |= {"second_design": other.design, "second_effect": other.effect, "second_effect_low": other.low,
                "second_effect_high": other.high}  # fmt: skip
    return row


def estimated(design: str, effect: Effect) -> dict:
    """What the engine of ``design`` found, percent as fractions."""
    names = ("estimand", "effect", "low", "high", "se", "p_value", "percent", "percent_low", "percent_high",
             "n_before", "n_after", "treated", "compared")  # fmt: skip
    row = {name: getattr(effect, name) for name in names}
    if design in HUNDREDTHS:
        row |= {name: row[name] / 100 for name in ("percent", "percent_low", "percent_high")}
    return row


def observed(case) -> dict:
    """Means of the treated as seen, of the last year before the start and of all after, and the range after."""
    if case.seen is None or case.facts.get("start_outside"):
        return {}
    values = case.seen.loc[list(case.treated)].mean(axis=0)
    year = effect_case.YEAR.get(case.frequency, len(values))
    before = values.iloc[max(case.start - year, case.valid) : case.start].dropna()
    after = values.iloc[max(case.start, case.valid) :].dropna()
    if before.empty or after.empty:
        return {}
    return {"observed_before": before.mean(), "observed_after": after.mean(), "observed_low": after.min(),
            "observed_high": after.max(), "observed_change": after.mean() - before.mean()}  # fmt: skip


def _settling(found, row, confidence, seed) -> dict:
    """When it could be settled, and what to do until then; for verdicts that leave the question open."""
    if found.case.facts.get("people"):  # no waiting settles what is judged person by person
        return {"decision_rule": effect_verdicts.rule(row, np.inf)}
    case, open_ = found.case, row["verdict"] in ("cannot_tell", "too_early", "not_as_planned")
    goal = case.worth if np.isfinite(case.worth) else abs(case.goal)
    nothing = {"weeks_needed": np.nan, "settles_on": pd.NaT, "decision_rule": effect_verdicts.rule(row, np.nan)}
    open_ = open_ and row["reason"] not in effect_verdicts.NOT_BY_WAITING
    if not open_ or case.table is None or not np.isfinite(goal) or goal == 0 or case.facts["before"] < 8:
        return nothing
    design = found.design or ("its" if not case.compared else "unit_differences")
    try:
        periods = effect_designs.needed(design, case, goal, confidence=confidence, seed=seed)
    except effect_checks.REFUSED:
        return nothing  # the noise before cannot be told
    if found.effect is not None:
        periods = max(periods, effect_designs.needed_now(found.effect, goal))
    more = max(periods - (len(case.starts) - case.start), 0.0)
    if row["reason"] == "season_unknown":
        more = max(more, case.facts["season_wait"])
    more = more if more * WEEKS[case.frequency] <= LONGEST else np.inf
    rule = effect_verdicts.rule(row, more)
    if not np.isfinite(more):
        return {"weeks_needed": np.inf, "settles_on": pd.NaT, "decision_rule": rule}
    weeks = more * WEEKS[case.frequency]
    return {"weeks_needed": weeks, "settles_on": case.ends.iloc[-1] + pd.Timedelta(days=round(7 * weeks)),
            "decision_rule": rule}  # fmt: skip


# --- frames ------------------------------------------------------------------------------------------------------


def _judged(found) -> pd.DataFrame:
    """Designs of every case; nothing stands as a reason where there is none."""
    return pd.concat([each.designs for each in found], ignore_index=True).replace({"reason": {"": None}})


def _diagnostics(found, corrected):
    if found.effect is None:
        return None if found.described is None else _keyed(found, found.described)
    if found.described is not None:
        return _keyed(found, found.described)
    checks = found.checks
    own = pd.DataFrame([
        {"name": "fading", "estimate": checks["difference"], "low": checks["low"], "high": checks["high"]},
        {"name": "first_third", "estimate": checks["first_third"]},
        {"name": "last_third", "estimate": checks["last_third"], "low": checks["last_low"],
         "high": checks["last_high"]},
        {"name": "leave_one", "estimate": found.effect.effect, "low": checks["leave_one"][0],
         "high": checks["leave_one"][1]},
        {"name": "wash_in", "estimate": found.effect.effect, "low": checks["wash_in"][0], "high": checks["wash_in"][1]},
        {"name": "placebo_rank", "estimate": checks["placebo_rank"]},
        {"name": "placebo_dates", "estimate": checks["placebo_dates"]},
        {"name": "placebo_units", "estimate": checks["placebo_units"]},
        {"name": "position", "estimate": corrected["position"], "high": corrected["tests"]},
        {"name": "mde", "estimate": checks["mde"]},
    ])  # fmt: skip
    other = checks["with_trend"]
    if other is not None:
        own.loc[len(own)] = {"name": "with_trend", "estimate": other.effect, "low": other.low, "high": other.high}
    return _keyed(found, pd.concat([found.effect.details, own], ignore_index=True))


def _path(found):
    """What was observed and what was to be expected; of a case without an estimate what was observed alone."""
    if found.case.seen is None:
        return found.effect and found.effect.path
    observed = found.case.seen.loc[list(found.case.treated)].mean(axis=0)
    if found.effect is None:
        return pd.DataFrame({"time": observed.index, "observed": observed.to_numpy()})
    path = found.effect.path  # periods left out of the estimate were seen all the same
    return path.assign(observed=path["observed"].fillna(path["time"].map(observed))) if found.design in SEEN else path


def _dated(found, table, column):
    """The table with the first day of each period beside its place; None where there are no periods."""
    if table is None or found.case.starts is None:
        return None
    return _keyed(found, table.assign(period=table[column].map(dict(enumerate(found.case.starts)))))


def _keyed(found, table):
    return table.assign(measure_id=found.case.measure_id, indicator_id=found.case.indicator_id)


def _joined(parts, columns) -> pd.DataFrame:
    kept = [part for part in parts if part is not None and len(part)]
    if not kept:
        return pd.DataFrame(columns=columns)
    table = pd.concat(kept, ignore_index=True)
    return table.reindex(columns=[*columns, *[name for name in table.columns if name not in columns]])
