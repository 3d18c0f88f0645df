"""Measures judged person by person: scores before and after, those who got the measure against those who did not.

The estimate is the analysis of covariance (``pre_post.estimate``); the second opinion compares changes instead, or,
in a trial without scores before, means of teams or trimmed means. Without a comparison arm nothing is judged: the gain
is described beside what choosing weak people alone would bring. What the arms differed by before the start stands in
for placebo dates. Verdicts, tiers and the correction for many measures are those of ``effects``.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import admissibility, effect_case, indicator_values, pre_post, samples
from sqlib.methods.effect import Effect

DESIGN = "ancova"
WEAK = ("chosen_by_score", "attrition", "attrition_apart", "baseline_apart", "few_teams", "one_arm_a_team",
        "few_degrees_of_freedom")  # fmt: skip
KEYS = ["measure_id", "indicator_id"]
TRIMMED = 0.2  # share of the people left out at either end of an arm


def examine(measures, indicators, people, *, as_of, reported=(), worth=None, chosen_after=(),
            confidence=0.95) -> list[dict]:  # fmt: skip
    """One case a measure and indicator with rows in ``people``, as ``effects.Found`` takes it: case, designs, effect,
    other, checks, described (diagnostics: of the estimate, or of the gain alone).

    Parameters
    ----------
    measures, indicators, people : tables of the contracts (``people``: pre_post)
    reported : indicators that have a series; scores of no named indicator are then not taken for theirs

    A measure's own indicator is its primary one; scores on any other are balancing ones, as are scores of no named
    indicator where the own one has a series. Rows of measures that the register does not hold (:func:`strangers`) are
    left out.
    """
    register = measures.drop_duplicates("measure_id").set_index("measure_id", drop=False)
    rows = people.assign(measure_id=_measure_ids(people, measures)).dropna(subset=["measure_id"])
    own = register["indicator_id"].reindex(rows["measure_id"]).set_axis(rows.index)
    rows = indicator_values.identified(rows.astype({"indicator_id": "str"}), indicators)
    rows = rows.assign(indicator_id=rows["indicator_id"].fillna(own.where(~own.isin(list(reported)))).fillna(""))
    options = {"as_of": as_of, "worth": worth or {}, "chosen_after": set(chosen_after)}
    return [_examined(_case(register.loc[measure], name, table, indicators, options), table, confidence)
            for (measure, name), table in rows.groupby(KEYS, sort=False)]  # fmt: skip


def _measure_ids(people, measures) -> pd.Series:
    """Ids of the measures the people name by id or name; missing where the register holds none such."""
    known = dict(zip(measures["name"], measures["measure_id"], strict=True))
    return people["measure_id"].map(known | {name: name for name in measures["measure_id"]})


def strangers(people, measures) -> list[str]:
    """Measures named by the people and not by the register."""
    return [] if people is None else sorted(people["measure_id"][_measure_ids(people, measures).isna()].unique())


def beside(found: list, judged: list) -> list:
    """Cases of series and of people together: of one measure and indicator the people, unless only the series has an
    estimate or values at all. A measure without an indicator of its own has that of its people."""
    series = {_name(each): each for each in found}
    kept = [each for each in judged if each.effect is not None or not _valued(series.get(_name(each)))]
    gone = {name for each in kept for name in (_name(each), (each.case.measure_id, "") if each.case.primary else None)}
    return [each for each in found if _name(each) not in gone] + kept


def _name(each) -> tuple[str, str]:
    return each.case.measure_id, each.case.indicator_id


def _valued(each) -> bool:
    return each is not None and each.case.seen is not None


# --- the case ----------------------------------------------------------------------------------------------------


def _case(measure, name, table, indicators, options) -> effect_case.Case:
    defined = indicators[indicators["indicator_id"] == name]
    direction = defined["direction"].iloc[0] if len(defined) else None
    own, fidelity = measure["indicator_id"] == name or pd.isna(measure["indicator_id"]), measure.get("fidelity")
    treated = table[table["arm"] == "treated"]
    facts = {"no_indicator": name == "", "unknown_indicator": defined.empty,
             "no_direction": direction not in ("up", "down"), "no_treated": treated.empty,
             "not_started": measure.get("status") == "planned" or bool(measure["start_on"] > options["as_of"]),
             "nothing_after": treated["after"].notna().sum() == 0,
             "no_control": table.loc[table["arm"] == "comparison", "after"].notna().sum() == 0,
             "chosen_after": measure["measure_id"] in options["chosen_after"],
             "fidelity": float(fidelity) if pd.notna(fidelity) else np.nan, "people": True, "before": 0,
             "after": 0}  # fmt: skip
    return effect_case.Case(
        measure["measure_id"], name, bool(own), facts, unit=defined["unit"].iloc[0] if len(defined) else None,
        sign={"up": 1.0, "down": -1.0}.get(direction, np.nan), seen=_seen(treated), start=1, treated=("treated",),
        worth=float(options["worth"].get(name, np.nan)),
        goal=float(measure.get("goal", np.nan)) - float(measure.get("baseline", np.nan)) if own else np.nan,
    )  # fmt: skip


def _seen(treated) -> pd.DataFrame:
    """Means of the treated before and after, of those with both where there are any."""
    both = treated.dropna(subset=["before", "after"])
    scores = (both if len(both) else treated)[["before", "after"]].mean()
    return pd.DataFrame([scores.to_numpy(dtype=float)], index=["treated"])


# --- estimate, second opinion, design ----------------------------------------------------------------------------

REFUSING = ("no_indicator", "not_started", "unknown_indicator", "no_direction", "no_treated", "nothing_after",
            "no_control")  # fmt: skip


def _examined(case, table, confidence) -> dict:
    reason = next((code for code in REFUSING if case.facts[code]), "")
    effect, refusal = None, ""
    if not reason:
        try:
            effect = _estimate(table, confidence)
        except MethodRefused as refused:
            reason, refusal = "engine_refused", refused.code
    found = {"case": case, "designs": _designs(case, table, effect, reason, refusal), "effect": effect}
    if effect is None:
        return found | {"described": _described(table, confidence)}
    checks = _checks(effect)
    details = pd.concat([effect.details, pd.DataFrame([{"name": "mde", "estimate": checks["mde"]}])], ignore_index=True)
    return found | {"other": _second(table, effect, confidence), "checks": checks, "described": details}


def _estimate(table, confidence) -> Effect:
    before = "before" if table["before"].notna().any() else None
    options = {"person": "subject_id", "before": before, "after": "after", "group": "arm", "treated": "treated",
               "control": "comparison", "randomised": _how(table) == "lot", "confidence": confidence}  # fmt: skip
    if not _teamed(table):
        return pre_post.estimate(table, **options).effect
    try:
        return pre_post.estimate(table, **options, cluster="team").effect
    except MethodRefused as refused:
        if refused.code != "pre_post.few_teams" or _whole_teams(table):
            raise
        return pre_post.estimate(table, **options, covariates=["team"]).effect  # compared within each of the few teams


def _how(table) -> str:
    """How the treated were chosen: by score where that is said of anybody, by lot where of all, else otherwise."""
    said = table.loc[table["arm"] == "treated", "chosen_by"] if "chosen_by" in table else pd.Series(dtype="str")
    if said.eq("score").any():
        return "score"
    return "lot" if len(said) and said.eq("lot").all() else "other"


def _teamed(table) -> bool:
    return "team" in table and bool(table["team"].notna().all()) and table["team"].nunique() > 1


def _whole_teams(table) -> bool:
    return bool((table.groupby("team", observed=True)["arm"].nunique() == 1).any())


def _designs(case, table, effect, reason, refusal) -> pd.DataFrame:
    caps = _caps(case, table, effect) if effect else {}
    row = {"measure_id": case.measure_id, "indicator_id": case.indicator_id, "design": DESIGN,
           "tier": admissibility.TIERS[DESIGN] if effect else admissibility.OBSERVED, "admissible": effect is not None,
           "reason": reason, "refusal": refusal, "caps": ";".join(caps), "downgrades": "", "chosen": effect is not None,
           "cap": min([*caps.values(), "strong"], key=admissibility.STRENGTHS.index) if effect else "none"}  # fmt: skip
    return pd.DataFrame([row])[admissibility.COLUMNS]


def _caps(case, table, effect) -> dict[str, str]:
    """What holds the strength of a verdict down: code -> strongest word allowed."""
    holds = {"chosen_after": case.facts["chosen_after"], "chosen_by_score": _how(table) == "score"}
    holds |= dict.fromkeys(effect.cautions, True)
    cap = {"chosen_after": "none"} | dict.fromkeys(WEAK, "weak") | {"not_randomised": "moderate"}
    return {code: cap[code] for code in cap if holds.get(code)}


def _second(table, effect, confidence) -> Effect | None:
    """Changes compared instead; without scores before means of teams, without teams trimmed means."""
    changes = effect.details.set_index("name").reindex(["change_score"]).iloc[0]
    if np.isfinite(changes["estimate"]):
        return replace(effect, design="change_score", effect=changes["estimate"], low=changes["low"],
                       high=changes["high"])  # fmt: skip
    kept = table.dropna(subset=["after"])
    if _teamed(kept):
        kept = kept.groupby(["team", "arm"], observed=True)["after"].mean().reset_index()
        return _two_means(kept, effect, "team_means", 0.0, confidence)
    return _two_means(kept, effect, "trimmed_means", TRIMMED, confidence)


def _two_means(table, effect, design, trim, confidence) -> Effect:
    """Welch's comparison of two means, trimmed (Yuen 1974) where asked."""
    from scipy import stats

    arms = [table.loc[table["arm"] == arm, "after"].to_numpy(dtype=float) for arm in ("treated", "comparison")]
    found = stats.ttest_ind(*arms, equal_var=False, trim=trim)
    means = [stats.trim_mean(arm, trim) for arm in arms]
    change = float(means[0] - means[1])
    half = float(samples.t_value(1 - confidence, found.df)) * abs(change / found.statistic)
    return replace(effect, design=design, effect=change, low=change - half, high=change + half)


def _checks(effect) -> dict:
    """What a verdict asks of the checks: no dates and no time to fade in."""
    details = effect.details.set_index("name")["estimate"]
    return {"placebo_rank": np.nan, "placebo_dates": np.nan, "sustained": "too_short", "faded": False,
            "mde": float(details["detectable"])}  # fmt: skip


def _described(table, confidence) -> pd.DataFrame | None:
    """Gain of the treated, and what regression to the mean brings at several test-retest correlations: NaN where they
    were chosen by score and nobody else's score before is known. None where they cannot be described."""
    pool = table["before"].dropna()
    everybody = pool if table["arm"].nunique() > 1 else None
    try:
        found = pre_post.describe(table[table["arm"] == "treated"], person="subject_id", before="before", after="after",
                                  everybody=everybody, confidence=confidence)  # fmt: skip
    except MethodRefused:
        return None  # the reason of the design says what is missing
    unknown = everybody is None and _how(table) == "score"
    first = found.table.iloc[0]
    rows = [{"name": "gain", "estimate": first["gain"], "low": first["low"], "high": first["high"]}]
    for row in found.table.to_dict("records"):
        at = f"{round(100 * row['retest'])}"
        rows.append({"name": f"regression_{at}", "estimate": np.nan if unknown else row["regression"]})
        rows.append({"name": f"beyond_{at}"} | {to: np.nan if unknown else row[of] for to, of in
                    (("estimate", "beyond"), ("low", "beyond_low"), ("high", "beyond_high"))})  # fmt: skip
    return pd.DataFrame([*rows, {"name": "chosen_gap", "estimate": np.nan if unknown else found.gap}])
