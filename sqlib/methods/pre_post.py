"""Before and after, person by person: what a training did, against people who did not get it.

``estimate`` is the analysis of covariance: scores after the measure compared between the arms at equal scores before
it. Without a control arm ``describe`` shows the gain beside the gain that choosing weak people alone would bring; no
verdict may rest on it.

References: Vickers & Altman (2001) BMJ 323:1123 (analysis of covariance); Barnett, van der Pols & Dobson (2005) Int J
Epidemiol 34:215 (regression to the mean); standard errors: ``sandwich``. Checked against HC3 of statsmodels and the
class-size trial of Stock & Watson, table 13.1; coverage: ``benchmarks/effects.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import power, samples, sandwich
from sqlib.methods.effect import Effect
from sqlib.methods.interrupted_time_series import fieller
from sqlib.methods.proportions import wilson
from sqlib.methods.serial_details import p_value, row

FEWEST, FEWEST_TEAMS = 8, 5  # people, teams in either arm: with less the interval does not keep its promise
FEW_TEAMS, FEW_DF = 10, 5.0
APART = 0.25  # standard deviations between the arms before the start beyond which the line must extrapolate
LOST, LOST_APART = 0.20, 0.10  # share lost overall, and its difference between the arms
RETESTS = (0.3, 0.5, 0.7)  # correlations shown where the client's own is not known

ARMS = [
    "arm", "people", "before_known", "after_known", "used", "lost", "lost_low", "lost_high", "before_mean", "before_sd",
    "after_mean", "after_sd", "change", "change_low", "change_high", "before_lost",
]  # fmt: skip
BEFORE = [name for name in ARMS if name.startswith(("before", "change"))]


@dataclass(frozen=True)
class PrePostResult:
    """``effect`` (design ancova; estimand adjusted_mean, or mean_difference without scores before).

    ``arms``, one row an arm, columns ``ARMS``: people, how many have a score before and after, used in the estimate,
    share lost (no score after) with limits, mean and standard deviation before and after and change with limits of the
    people used, before_lost (mean before of those lost).
    """

    effect: Effect
    arms: pd.DataFrame


@dataclass(frozen=True)
class DescriptionResult:
    """What a group without control shows. ``verdict`` is always cannot_tell.

    ``table``, one row a test-retest correlation: retest, gain, low, high (of people with both scores), regression
    (gain from choosing weak people alone), beyond (gain minus regression) with beyond_low, beyond_high. ``chosen``,
    ``everybody``: mean score before of either, in standard deviations of everybody the ``gap``. ``n`` with both scores,
    ``lost`` without one after. ``cautions`` among no_control (always), retest_assumed,
    everybody_unknown (taken as not chosen by score), chosen_low, lost.
    """

    table: pd.DataFrame
    chosen: float
    everybody: float
    gap: float
    n: int
    lost: int
    confidence: float
    verdict: str
    cautions: tuple[str, ...]


def estimate(people, *, person, before, after, group, treated=None, control=None, cluster=None, covariates=(),
             randomised=False, confidence=0.95) -> PrePostResult:  # fmt: skip
    """Effect of a measure on the people who got it, against those who did not.

    Parameters
    ----------
    people : one row a person, those lost included; ``person``, ``before``, ``after``, ``group`` name its columns
    before : None is accepted of a trial only (``randomised``)
    treated, control : labels of the two arms in ``group``; left out: 1 and 0 (true and false)
    cluster : column of the team; errors then hold for people of a team who go together
    covariates : further columns known before the start; words become one column a level

    Returns PrePostResult. ``effect.path``: time 0 and 1, of the treated, expected without the measure. ``details``:
    before_apart (arms before the start, in standard deviations), correlation (before with after within the arms),
    before (its slope), change_score, unadjusted, ordinary_se, hc3_se, teams, detectable (at 80 % power), tipping (by
    how much the lost of the treated arm would have to do worse than the rest for the lower limit, or better for the
    upper one, to reach 0).
    ``cautions`` among baseline_apart, not_randomised, no_before, attrition, attrition_apart, few_teams,
    few_degrees_of_freedom, one_arm_a_team (the measure went to whole teams), teams_not_given, incomplete_covariates.

    Raises MethodRefused: pre_post.one_arm, .unknown_arm, .twice, .not_numeric, .no_before, .all_lost, .too_few,
    .constant, .few_teams, .collinear; samples.unknown_column.
    """
    given = [person, after, group, before, cluster, *covariates]
    samples.require(people, *given)
    rows = _two_arms(people, group, treated, control)
    _once(rows, person)
    rows = _scores(rows, before, after)
    if before is None and not randomised:
        raise MethodRefused("pre_post.no_before", people=len(rows))
    columns = _covariates(rows, covariates)
    used = rows["_after"].notna() & rows["_before"].notna() & columns.notna().all(axis=1)
    arms = pd.DataFrame([_arm(rows, used, side, confidence) for side in (1, 0)], columns=ARMS)
    if before is None:
        arms[BEFORE] = np.nan
    _enough(rows[used], arms, before)
    kept, design = rows[used], _design(rows[used], columns[used], before)
    team = None if cluster is None else _teams(kept, cluster)
    effect = _effect(kept, design, team, before, confidence)
    cautions = _cautions(kept, arms, team, effect.df, before, randomised, columns, rows)
    details = pd.DataFrame(_details(kept, design, team, arms, effect, before))
    return PrePostResult(_with(effect, details, cautions), arms)


def describe(people, *, person, before, after, retest=None, everybody=None, confidence=0.95) -> DescriptionResult:
    """The gain of people without a control arm, beside what regression to the mean brings with no effect at all.

    Parameters
    ----------
    people : one row a person who got the measure
    retest : correlation of two scores of the same people with nothing between them; None: .3, .5 and .7 are shown
    everybody : scores before of all from whom they were chosen, them included; None: nobody was chosen by score

    Raises MethodRefused: pre_post.twice, .not_numeric, .no_before, .all_lost, .too_few, .constant, .bad_retest.
    """
    samples.require(people, person, before, after)
    _once(people, person)
    rows = _scores(people, before, after)
    both = rows.dropna(subset=["_before", "_after"])
    if rows["_before"].notna().sum() == 0:
        raise MethodRefused("pre_post.no_before", people=len(rows))
    if both.empty:
        raise MethodRefused("pre_post.all_lost", arm=after, got=0, least=FEWEST)
    if len(both) < FEWEST:
        raise MethodRefused("pre_post.too_few", arm=after, got=len(both), least=FEWEST)
    if retest is not None and not 0 <= retest <= 1:
        raise MethodRefused("pre_post.bad_retest", got=retest)
    change = (both["_after"] - both["_before"]).to_numpy()
    if np.ptp(change) == 0:
        raise MethodRefused("pre_post.constant", column=after, got=float(change[0]))
    half = samples.t_value(1 - confidence, len(change) - 1) * change.std(ddof=1) / np.sqrt(len(change))
    pool = both["_before"] if everybody is None else pd.Series(np.asarray(everybody, dtype=float)).dropna()
    chosen, middle, sd = both["_before"].mean(), pool.mean(), pool.std(ddof=1)
    retests = np.array(RETESTS if retest is None else [retest], dtype=float)
    gain, regression = change.mean(), (1 - retests) * (middle - chosen)
    table = {"retest": retests, "gain": gain, "low": gain - half, "high": gain + half, "regression": regression,
             "beyond": gain - regression, "beyond_low": gain - regression - half,
             "beyond_high": gain - regression + half}  # fmt: skip
    gap = float((chosen - middle) / sd) if sd > 0 else 0.0
    lost = int(rows["_after"].isna().sum())
    holds = {"no_control": True, "retest_assumed": retest is None, "everybody_unknown": everybody is None,
             "chosen_low": gap < -APART, "lost": lost > 0}  # fmt: skip
    return DescriptionResult(pd.DataFrame(table), float(chosen), float(middle), gap, len(both), lost, confidence,
                             "cannot_tell", tuple(code for code, true in holds.items() if true))  # fmt: skip


def retest_correlation(first, second) -> float:
    """Test-retest correlation of two scores of the same people, unselected, with no measure between them."""
    pair = pd.DataFrame({"first": np.asarray(first, dtype=float), "second": np.asarray(second, dtype=float)}).dropna()
    if len(pair) < FEWEST:
        raise MethodRefused("pre_post.too_few", arm="retest", got=len(pair), least=FEWEST)
    if (pair.nunique() < 2).any():
        raise MethodRefused("pre_post.constant", column="retest", got=float(pair.iloc[0, 0]))
    return float(np.corrcoef(pair["first"], pair["second"])[0, 1])


# --- the people ------------------------------------------------------------------------------------------------


def _two_arms(people, group, treated, control):
    """The rows of the two arms with ``_side`` 1 (treated) or 0."""
    known = list(people[group].dropna().unique())
    treated, control = (1, 0) if treated is None and control is None else (treated, control)
    missing = [label for label in (treated, control) if label not in known]
    if len(known) < 2:
        raise MethodRefused("pre_post.one_arm", column=group, got=known[0] if known else "")
    if missing:
        raise MethodRefused("pre_post.unknown_arm", column=group, got=missing[0], known=", ".join(map(str, known)))
    rows = people[people[group].isin([treated, control])]
    return rows.assign(_side=rows[group].eq(treated).astype(float), _arm=rows[group].astype(str))


def _once(rows, person):
    twice = rows[person][rows[person].duplicated() | rows[person].isna()]
    if len(twice):
        raise MethodRefused("pre_post.twice", column=person, got=twice.iloc[0], rows=len(twice))


def _scores(rows, before, after):
    """``_before`` and ``_after`` as numbers; without a score before, 0 for everybody."""
    scores = {"_after": samples.numbers(rows, after)}
    scores["_before"] = pd.Series(0.0, rows.index) if before is None else samples.numbers(rows, before)
    for name, score in scores.items():
        if np.isinf(score).any():
            raise MethodRefused("pre_post.not_numeric", column=after if name == "_after" else before, got="inf")
    return rows.assign(**scores)


def _covariates(rows, covariates):
    """Numeric columns of the covariates; NaN where one is not known."""
    table = rows[list(covariates)]
    words = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    wide = pd.get_dummies(table, columns=words, drop_first=True, dtype=float) if words else table
    return wide.astype(float).where(table.notna().all(axis=1))


def _arm(rows, used, side, confidence):
    own, kept = rows[rows["_side"] == side], rows[used & (rows["_side"] == side)]
    lost = own["_after"].isna()
    low, high = (float(limit) for limit in wilson(lost.sum(), len(own), confidence=confidence))
    change = kept["_after"] - kept["_before"]
    half = samples.t_value(1 - confidence, max(len(kept) - 1, 1)) * change.std(ddof=1) / np.sqrt(max(len(kept), 1))
    return {"arm": own["_arm"].iloc[0], "people": len(own), "before_known": int(own["_before"].notna().sum()),
            "after_known": int((~lost).sum()), "used": len(kept), "lost": lost.mean(), "lost_low": low,
            "lost_high": high, "before_mean": kept["_before"].mean(), "before_sd": kept["_before"].std(ddof=1),
            "after_mean": kept["_after"].mean(), "after_sd": kept["_after"].std(ddof=1), "change": change.mean(),
            "change_low": change.mean() - half, "change_high": change.mean() + half,
            "before_lost": own["_before"][lost].mean()}  # fmt: skip


def _enough(kept, arms, before):
    if before is not None and not (arms["before_known"] > 0).all():
        raise MethodRefused("pre_post.no_before", people=int(arms["people"].sum()))
    for arm in arms.itertuples():
        if not arm.after_known:
            raise MethodRefused("pre_post.all_lost", arm=arm.arm, got=0, least=FEWEST)
        if arm.used < FEWEST:
            raise MethodRefused("pre_post.too_few", arm=arm.arm, got=arm.used, least=FEWEST)
    for column in ["_after"] + ["_before"] * (before is not None):
        if kept[column].groupby(kept["_side"]).nunique().max() < 2:
            raise MethodRefused("pre_post.constant", column=column.strip("_"), got=float(kept[column].iloc[0]))


def _design(kept, columns, before):
    """Intercept, arm, score before and covariates from their means among the treated."""
    parts = [kept["_before"].to_numpy()[:, None]] * (before is not None) + [columns.to_numpy()]
    beside = np.column_stack(parts)
    beside = beside - beside[kept["_side"] == 1].mean(axis=0)
    design = np.column_stack([np.ones(len(kept)), kept["_side"], beside])
    if np.linalg.matrix_rank(design / np.linalg.norm(design, axis=0).clip(1e-300)) < design.shape[1]:
        raise MethodRefused("pre_post.collinear", columns=", ".join(columns.columns), got=design.shape[1])
    return design


def _teams(kept, cluster):
    team = pd.Series(pd.factorize(kept[cluster])[0], kept.index)
    if (team < 0).any():
        raise MethodRefused("pre_post.no_team", column=cluster, got=int((team < 0).sum()))
    fewest = team.groupby(kept["_side"]).nunique().min()
    if fewest < FEWEST_TEAMS:
        raise MethodRefused("pre_post.few_teams", column=cluster, got=int(fewest), least=FEWEST_TEAMS)
    return team.to_numpy()


# --- the estimate ----------------------------------------------------------------------------------------------


def _effect(kept, design, team, before, confidence) -> Effect:
    values, p = kept["_after"].to_numpy(), design.shape[1]
    fitted = sandwich.fit(values, design, team)
    arm, base = np.eye(p)[1], np.eye(p)[0]
    effect, se, df = fitted.combine(arm)
    if not se > 1e-9 * values.std():
        raise MethodRefused("pre_post.constant", column="after", got=float(values[0]))
    t = float(samples.t_value(1 - confidence, df))
    level, error, freedom = fitted.combine(base)
    half = float(samples.t_value(1 - confidence, freedom)) * error
    treated = kept[kept["_side"] == 1]
    start = np.nan if before is None else treated["_before"].mean()
    path = pd.DataFrame({"time": [0, 1], "observed": [start, treated["_after"].mean()], "expected": [start, level],
                         "low": [start, level - half], "high": [start, level + half]})  # fmt: skip
    moments = (se**2, arm @ fitted.covariance @ base, error**2)
    return Effect(
        design="ancova", estimand="adjusted_mean", effect=effect, se=se, df=df, low=effect - t * se,
        high=effect + t * se, p_value=float(p_value(effect / se, df)), **fieller(effect, level, moments, t, values),
        n_before=1, n_after=1, treated=len(treated), compared=len(kept) - len(treated), confidence=confidence,
        path=path, details=pd.DataFrame(), cautions=(),
    )  # fmt: skip


def _with(effect, details, cautions) -> Effect:
    from dataclasses import replace

    estimand = "mean_difference" if "no_before" in cautions else effect.estimand
    return replace(effect, estimand=estimand, details=details, cautions=cautions)


def _details(kept, design, team, arms, effect, before):
    values, arm = kept["_after"].to_numpy(), np.eye(design.shape[1])[1]
    hc3 = sandwich.fit(values, design)
    rows = [_limits("unadjusted", values, design[:, :2], team, effect.confidence)]
    if before is not None:
        fitted = sandwich.fit(values, design, team)
        rows.append(_combined("before", fitted, np.eye(design.shape[1])[2], effect.confidence))
        change = values - kept["_before"].to_numpy()
        rows.append(_limits("change_score", change, np.delete(design, 2, axis=1), team, effect.confidence))
        rows += [row("before_apart", _apart(arms)), row("correlation", _within(kept))]
    rows += [row("ordinary_se", np.sqrt(arm @ hc3.plain @ arm)), row("hc3_se", hc3.combine(arm)[1])]
    rows.append(row("detectable", power.findable(effect.se, effect.df, confidence=effect.confidence)))
    if team is not None:
        rows.append(row("teams", len(np.unique(team))))
    lost = arms["lost"].iloc[0]
    nearest = effect.low if effect.low > 0 else effect.high if effect.high < 0 else np.nan
    return [*rows, row("tipping", abs(nearest) / lost if lost else np.nan)]


def _limits(name, values, design, team, confidence):
    return _combined(name, sandwich.fit(values, design, team), np.eye(design.shape[1])[1], confidence)


def _combined(name, fitted, weights, confidence):
    value, se, df = fitted.combine(weights)
    half = float(samples.t_value(1 - confidence, df)) * se
    return row(name, value, value - half, value + half)


def _apart(arms) -> float:
    """Arms before the start, in standard deviations of the control arm and the treated together."""
    sd = np.sqrt((arms["before_sd"] ** 2).mean())
    return float((arms["before_mean"].iloc[0] - arms["before_mean"].iloc[1]) / sd)


def _within(kept) -> float:
    own = kept[["_before", "_after"]] - kept.groupby("_side")[["_before", "_after"]].transform("mean")
    return float(own.corr().iloc[0, 1])


def _cautions(kept, arms, team, df, before, randomised, columns, rows):
    sides = None if team is None else pd.Series(kept["_side"].to_numpy()).groupby(team).nunique()
    fewest = np.inf if team is None else pd.Series(team).groupby(kept["_side"].to_numpy()).nunique().min()
    lost = 1 - arms["after_known"].sum() / arms["people"].sum()
    holds = {
        "not_randomised": not randomised,
        "no_before": before is None,
        "baseline_apart": before is not None and abs(_apart(arms)) > APART,
        "attrition": lost > LOST,
        "attrition_apart": abs(arms["lost"].diff().iloc[1]) > LOST_APART,
        "teams_not_given": team is None,
        "few_teams": fewest < FEW_TEAMS,
        "few_degrees_of_freedom": df < FEW_DF,
        "one_arm_a_team": sides is not None and (sides == 1).all(),
        "incomplete_covariates": columns[rows["_after"].notna()].isna().any(axis=None),
    }
    return tuple(code for code, true in holds.items() if true)
