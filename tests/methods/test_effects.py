"""Every verdict by a constructed series, every refusal by its code, few false alarms where nothing happened."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sqlib import words
from sqlib.errors import MethodRefused
from sqlib.methods import (
    admissibility,
    count_series,
    difference_in_differences,
    effect_case,
    effect_designs,
    effect_verdicts,
    effects,
    group_time,
    interrupted_time_series,
    interruption,
    staggered,
    synthetic_control,
)
from tests import made_measures as made

LAST = "2025-12-31"  # 48 months from 2022-01, 24 of them before the start
OPTIONS = {"as_of": LAST, "worth": {"A": 3.0, "B": 3.0}, "no_trend": ("A", "B"), "no_season": ("A", "B")}


def firm(step=0.0, *, phi=0.0, seed=1, n=48, start=24, **options):
    y = 50 + made.ar(np.random.default_rng(seed), n, phi)
    y[start:] += step
    return made.values({"": y}, **options)


def branches(step=0.0, *, treated=3, units=9, seed=3, indicator="A"):
    rng = np.random.default_rng(seed)
    shared = made.ar(rng, 48, 0.4, 2.0)
    columns = {f"u{k}": 50 + shared + made.ar(rng, 48) + (np.arange(48) >= 24) * (step if k < treated else 0.0)
               for k in range(units)}  # fmt: skip
    return made.values(columns, indicator=indicator)


PILOT = {"units": "u0; u1\uff0cu2"}


def judge(series, *rows, indicators=None, **options):
    known = made.indicators("A", "B") if indicators is None else indicators
    return effects.evaluate(made.measures(*rows), known, series, **OPTIONS | options)


def first(*args, **options):
    return judge(*args, **options).effects.iloc[0]


def test_effective_with_comparison_units_is_strong():
    found = first(branches(6.0), PILOT)
    assert (found["verdict"], found["strength"], found["tier"]) == ("effective", "strong", "A")
    assert found["design"] == "unit_differences" and found["low"] < 6 < found["high"]
    assert found["second_effect_low"] < found["effect"] < found["second_effect_high"]
    assert found["decision_rule"] == "keep"


def test_effective_by_its_own_past_is_moderate_at_most():
    found = first(firm(5.0))
    assert (found["verdict"], found["strength"]) == ("effective", "moderate")
    assert (found["tier"], found["design"]) == ("B", "its")
    assert found["placebo_dates"] >= 9 and found["placebo_rank"] <= 0.1


def test_short_series_are_probably_effective_at_most():
    found = first(firm(6.0, n=34, start=14, first="2023-01-01"), {"start_on": pd.Timestamp("2024-03-01")})
    assert (found["verdict"], found["strength"]) == ("probably_effective", "weak")
    assert "few_placebo_dates" in found["cautions"]


def test_a_measure_not_yet_in_full_is_probably_effective_at_most():
    found = first(firm(5.0), {"full_on": pd.Timestamp("2030-01-01")})
    assert (found["verdict"], found["strength"]) == ("probably_effective", "weak")
    assert "not_in_full" in found["cautions"]
    assert "not_in_full" not in first(firm(5.0), {"full_on": pd.Timestamp("2024-02-28")})["cautions"]


def test_worse_where_down_is_bad_and_mirrored():
    assert first(branches(-6.0), PILOT)["verdict"] == "worse"
    down = made.indicators("A", "B", direction="down")
    assert first(branches(6.0), PILOT, indicators=down)["verdict"] == "worse"
    assert first(branches(-6.0), PILOT, indicators=down)["verdict"] == "effective"


def test_no_effect_worth_having_needs_an_interval_inside_what_is_worth_having():
    assert first(branches(), PILOT)["verdict"] == "no_effect_worth_having"
    assert first(branches(), PILOT, worth={"A": 0.2})["verdict"] == "cannot_tell"
    assert first(branches(), PILOT, worth=None)["verdict"] == "cannot_tell"


def test_cannot_tell_carries_what_was_seen_and_when_it_is_settled():
    found = first(firm(1.0, phi=0.5), {"baseline": 50.0, "goal": 53.0}, worth={"A": 1.0})
    assert found["verdict"] == "cannot_tell" and found["strength"] == "none"
    assert found["observed_low"] <= found["observed_after"] <= found["observed_high"] and found["mde"] > 1
    assert found["weeks_needed"] > 0 and found["decision_rule"] in ("continue_and_look_again", "add_comparison_units")


def test_side_effect():
    both = pd.concat([branches(6.0), branches(-6.0, indicator="B", seed=5)])
    table = judge(both, PILOT | {"balancing_indicator_id": "B"}).effects
    assert table["verdict"].tolist() == ["effective_with_side_effect", "worse"]
    assert table["balancing_verdict"].iloc[0] == "worse" and table["decision_rule"].iloc[0] == "adjust"


def test_not_as_planned():
    found = first(firm(), {"fidelity": 0.3}, worth={"A": 0.2})
    assert (found["verdict"], found["decision_rule"]) == ("not_as_planned", "carry_out_first")


@pytest.mark.parametrize("row, reason", [
    ({"start_on": pd.Timestamp("2025-11-01")}, "too_few_after"),
    ({"status": "planned"}, "not_started"),
    ({"start_on": pd.Timestamp("2026-02-01")}, "not_started"),
])  # fmt: skip
def test_too_early(row, reason):
    found = first(firm(), row)
    assert (found["verdict"], found["reason"]) == ("too_early", reason)


@pytest.mark.parametrize("row, reason", [
    ({"indicator_id": None}, "no_indicator"),
    ({"indicator_id": "Z"}, "unknown_indicator"),
    ({"indicator_id": "B"}, "no_values"),
    ({"start_on": pd.NaT}, "no_start"),
    ({"start_on": pd.Timestamp("2021-05-01")}, "start_outside"),
    ({"start_on": pd.Timestamp("2022-02-01")}, "nothing_before"),
    ({"start_on": pd.Timestamp("2022-06-01")}, "too_few_before"),
])  # fmt: skip
def test_a_measure_that_cannot_be_judged_says_why(row, reason):
    found = first(firm(), row)
    assert (found["verdict"], found["reason"]) == ("cannot_tell", reason) and np.isnan(found["effect"])


def refused(series, *rows, **options):
    return first(series, *rows, **options)["reason"]


def test_faults_of_the_data_are_refused_by_name():
    plain = firm()
    flat, twice = plain.assign(value=5.0), pd.concat([plain, plain.iloc[[3]]])
    later = plain["period_end"] + pd.Timedelta(days=9)
    shifted = plain.assign(period_end=plain["period_end"].where(plain.index != 5, later))
    counts = made.indicators("A", "B", kind="count")
    below = plain.assign(value=plain["value"].round().where(plain.index != 4, -1.0))
    lost = plain[plain["period_start"] < "2024-01-01"]
    assert refused(flat) == "constant" and refused(twice) == "duplicates" and refused(shifted) == "irregular"
    assert refused(below, indicators=counts) == "negative"
    assert refused(lost) == "start_outside"
    assert refused(plain, indicators=made.indicators("A", "B", direction=None)) == "no_direction"
    assert refused(branches(), PILOT | {"comparison_units": "u2; u4"}) == "both_sides"
    assert refused(branches(), {"units": "u0; u99"}) == "unknown_units"


def spring(starts, ends):
    return pd.DataFrame({"spring": starts.dt.month.isin([3, 4]).astype(float)})


@pytest.mark.parametrize("calendar", [None, spring])
def test_a_season_is_told_from_two_years_or_from_both_sides_and_no_calendar_lifts_that(calendar):
    row = {"start_on": pd.Timestamp("2022-11-01")}  # ten months before
    assert refused(firm(5.0, start=10), row, no_season=(), calendar=calendar) == "season_unknown"
    short = {"start_on": pd.Timestamp("2023-03-01"), "end_on": pd.Timestamp("2023-11-30")}  # 14 before, 23 in all
    assert refused(firm(5.0, start=14), short, no_season=(), calendar=calendar) == "season_unknown"
    assert refused(firm(5.0, start=14), short, calendar=calendar) != "season_unknown"
    found = first(firm(5.0, start=19, seed=2), {"start_on": pd.Timestamp("2023-08-01")}, no_season=(),
                  calendar=calendar)  # fmt: skip
    assert found["verdict"] == "probably_effective" and "season_from_both_sides" in found["cautions"]
    assert found["second_effect"] > 0
    assert "season_from_both_sides" not in first(firm(5.0), no_season=())["cautions"]


def test_a_weekly_season_is_told_from_both_sides_too():
    at = np.arange(120)
    wave = 4 * np.sin(2 * np.pi * at / 52)
    y = 50 + wave + made.ar(np.random.default_rng(4), 120) + 3.0 * (at >= 70)
    series = made.values({"": y}, weekly=True, first="2022-01-03")
    start = {"start_on": series["period_start"].iloc[70]}
    found = first(series, start, no_season=())
    assert found["low"] < 3 < found["high"] and "season_from_both_sides" in found["cautions"]
    last = {"end_on": series["period_end"].iloc[100]}
    assert refused(series, start | last, no_season=()) == "season_unknown"


def test_two_measures_at_once_cannot_be_told_apart_and_one_later_lowers_the_strength():
    table = judge(firm(6.0), {}, {"measure_id": "M2"}).effects
    assert table["reason"].tolist() == ["inseparable"] * 2
    assert set(table["decision_rule"]) == {"separate_in_time_or_place"}
    table = judge(firm(6.0), {}, {"measure_id": "M2", "start_on": pd.Timestamp("2025-03-01")}).effects
    assert table["downgrades"].iloc[0] == "concurrent" and table["strength"].iloc[0] == "weak"


def test_dates_chosen_after_looking_bad_triggers_and_new_definitions_weaken_the_verdict():
    assert first(firm(6.0), chosen_after=("M1",))["verdict"] == "cannot_tell"
    assert first(firm(6.0), {"trigger": "after_bad_period"})["verdict"] == "probably_effective"


@pytest.mark.parametrize("changed", ["2023-09-01", "2024-01-01", "2025-03-01"])
def test_a_definition_changed_about_the_start_leaves_only_comparison_units(changed):
    new = made.indicators("A", "B", changed=pd.Timestamp(changed))
    found = first(firm(6.0), indicators=new)
    assert (found["verdict"], found["reason"], found["tier"]) == ("cannot_tell", "definition_changed", "D")
    assert np.isnan(found["effect"])
    with_units = first(branches(6.0), PILOT, indicators=new)
    assert with_units["downgrades"] == "definition_changed" and with_units["strength"] == "moderate"


def test_an_earlier_change_of_definition_shortens_the_past():
    series = firm(6.0)
    series.loc[:7, "value"] -= 30.0  # as the old definition counted
    new = made.indicators("A", "B", changed=pd.Timestamp("2022-09-01"))
    result = judge(series, indicators=new)
    found = result.effects.iloc[0]
    assert found["n_before"] == 16 and found["low"] < 6 < found["high"] and found["observed_before"] > 45
    assert {"cut_at_definition", "under_two_years"} <= set(found["cautions"].split(";"))
    assert "missing_periods" not in found["cautions"]
    late = made.indicators("A", "B", changed=pd.Timestamp("2023-06-01"))
    assert refused(series, indicators=late) == "too_few_before"
    whole = first(branches(6.0), PILOT, indicators=new)
    assert whole["n_before"] == 16 and "cut_at_definition" in whole["cautions"] and whole["downgrades"] == ""
    assert first(firm(6.0), indicators=made.indicators("A", "B", changed=pd.Timestamp("2022-01-01")))["n_before"] == 24


def test_a_measure_before_is_in_the_model_of_the_next():
    rng, at, found = np.random.default_rng(11), np.arange(60), []
    rows = [{"start_on": pd.Timestamp("2024-01-01")},
            {"measure_id": "M2", "start_on": pd.Timestamp("2024-11-01")}]  # fmt: skip
    for _ in range(12):
        series = made.values({"": 50 + made.ar(rng, 60, 0.3) + 3.0 * (at >= 24)})
        found.append(judge(series, *rows, as_of="2026-12-31", no_trend=()).effects)
    table = pd.concat(found)
    told = table.groupby("measure_id")["effect"].mean()
    assert told["M1"] == pytest.approx(3, abs=0.8) and told["M2"] == pytest.approx(0, abs=0.8)
    second = table[table["measure_id"] == "M2"]
    assert second["verdict"].isin(["effective", "probably_effective", "worse"]).mean() <= 0.1
    assert (second["downgrades"] == "concurrent").all()


def test_a_measure_long_before_is_modelled_and_does_not_weaken():
    y = firm(6.0)["value"].to_numpy() + 4.0 * (np.arange(48) >= 9)
    rows = [{}, {"measure_id": "M0", "start_on": pd.Timestamp("2022-10-01")}]
    result = judge(made.values({"": y}), *rows)
    found = result.effects.iloc[0]
    assert found["downgrades"] == "" and found["strength"] == "moderate" and found["low"] < 6 < found["high"]
    step = result.diagnostics.query("measure_id == 'M1' and name == 'term:other:M0'").iloc[0]
    assert step["low"] < 4 < step["high"]
    over = rows[1] | {"end_on": pd.Timestamp("2023-06-30")}
    gone = made.values({"": firm(6.0)["value"].to_numpy() + 4.0 * np.isin(np.arange(48), range(9, 18))})
    assert judge(gone, rows[0], over).effects.iloc[0]["effect"] == pytest.approx(6, abs=1)


def test_a_bad_spell_before_the_start_is_no_baseline():
    series = firm(seed=8)
    series.loc[21:23, "value"] -= 8.0  # the spell that set the measure off, over by itself
    assert first(series, {"trigger": "after_bad_period"})["verdict"] in ("cannot_tell", "no_effect_worth_having")
    assert first(series, {"trigger": "after_bad_period"})["n_before"] == 21


def test_fading_is_said_beside_the_verdict():
    series = branches()
    late = np.where(series["time"] >= 24, 9.0 * np.clip(1 - (series["time"] - 24) / 18, 0, 1), 0.0)
    series["value"] += np.where(series["unit_id"].isin(["u0", "u1", "u2"]), late, 0.0)
    found = first(series, PILOT)
    assert found["sustained"] == "fading" and found["decision_rule"] == "find_why_it_fades"
    assert (found["verdict"], found["strength"]) == ("probably_effective", "weak") and "faded" in found["cautions"]
    told = judge(series, PILOT).diagnostics.set_index("name").loc[["first_third", "last_third", "fading"]]
    assert told["estimate"].iloc[0] + told["estimate"].iloc[2] == pytest.approx(told["estimate"].iloc[1])
    assert told.loc["last_third", "low"] < told.loc["last_third", "estimate"] < told.loc["last_third", "high"]
    assert first(branches(6.0), PILOT)["sustained"] == "not_shown"


def test_a_roll_out_in_waves_is_one_comparison():
    rng = np.random.default_rng(7)
    begun = {f"u{k}": {0: 20, 1: 28}.get(k // 3, 99) for k in range(17)}
    shared = made.ar(rng, 48, 0.4, 2.0)
    columns = {name: 50 + shared + made.ar(rng, 48) + 5.0 * (np.arange(48) >= at) for name, at in begun.items()}
    rows = [{"units": "u0;u1;u2", "start_on": pd.Timestamp("2023-09-01")},
            {"measure_id": "M2", "units": "u3;u4;u5", "start_on": pd.Timestamp("2024-05-01"),
             "replicated_from": "M1"}]  # fmt: skip
    result = judge(made.values(columns), *rows, worth=None)
    table = result.effects
    assert result.tests == 1 and (table["p_adjusted"] == table["p_value"].iloc[0]).all()
    assert result.portfolio.tests == 1 and (result.portfolio.table["p_adjusted"] == table["p_value"].iloc[0]).all()
    assert table["design"].tolist() == ["staggered"] * 2 and table["second_design"].tolist() == ["imputation"] * 2
    assert table["verdict"].iloc[0] == "effective" and table["low"].iloc[0] < 5 < table["high"].iloc[0]


def test_many_donors_give_a_synthetic_control_as_second_opinion():
    found = first(branches(6.0, treated=2, units=13, seed=4), {"units": "u0; u1"}, worth=None)
    assert (found["design"], found["second_design"]) == ("unit_differences", "synthetic_control")
    assert found["verdict"] == "effective" and found["second_effect"] == pytest.approx(6, abs=1.5)


def test_counts_are_taken_as_counts():
    rng = np.random.default_rng(4)
    y = np.concatenate([rng.poisson(30, 24), rng.poisson(15, 24)])
    known = made.indicators("A", "B", direction="down", kind="count")
    found = first(made.values({"": y}, kind="count"), indicators=known)
    assert found["design"] == "its_counts" and found["verdict"] == "effective"
    assert found["effect"] == pytest.approx(y[24:].mean() - y[:24].mean(), abs=0.1) and found["high"] < -10
    few = made.values({"": np.minimum(y, rng.poisson(2, 48))}, kind="count")
    assert refused(few, indicators=known) == "rare_counts"


def test_rates_are_counts_per_exposure_in_the_unit_of_the_value():
    rng = np.random.default_rng(5)
    days = rng.integers(9000, 11000, 48).astype(float)
    falls = rng.poisson(days * np.where(np.arange(48) < 24, 30, 15) / 10_000).astype(float)
    rate = (10_000 * falls / days).round(2)
    known = made.indicators("A", "B", direction="down", kind="rate")
    counted = {"kind": "rate", "numerator": falls, "denominator": days}
    found = first(made.values({"": rate}, **counted), indicators=known)
    assert found["design"] == "its_counts" and found["verdict"] == "effective" and found["low"] < -15 < found["high"]
    assert found["effect"] == pytest.approx(rate[24:].mean() - rate[:24].mean(), abs=0.5)
    assert found["percent"] == pytest.approx(found["effect"] / rate[:24].mean(), abs=0.01)
    odd = made.values({"": rng.permutation(rate)}, **counted)  # values that numerators do not make up
    assert first(odd, indicators=known)["design"] == "its"


def test_shares_in_percent_keep_their_unit():
    rng = np.random.default_rng(6)
    size = np.full(48, 400.0)
    kept = rng.binomial(400, np.where(np.arange(48) < 24, 0.7, 0.8)).astype(float)
    known = made.indicators("A", "B", kind="proportion")
    series = made.values({"": 100 * kept / size}, kind="proportion", numerator=kept, denominator=size)
    found = first(series, indicators=known)
    assert found["design"] == "its_counts" and found["effect"] == pytest.approx(10, abs=2)
    assert found["second_effect"] == pytest.approx(10, abs=3)


def test_a_bad_spell_is_no_baseline_of_counts_either():
    y = np.random.default_rng(7).poisson(30, 48).astype(float)
    y[21:24] += 60
    known = made.indicators("A", "B", direction="down", kind="count")
    found = first(made.values({"": y}, kind="count"), {"trigger": "after_bad_period"}, indicators=known)
    assert found["n_before"] == 21 and found["verdict"] in ("cannot_tell", "no_effect_worth_having")


def level_100(units, treated, starts=None, seed=9):
    """Level 100, effect 10: a table of units, the measures that begin at ``starts``."""
    rng, at, columns = np.random.default_rng(seed), np.arange(48), {}
    begun = dict.fromkeys(range(treated), 24) if starts is None else starts
    for k in range(units):
        columns[f"u{k}"] = 100 + 0.5 * rng.standard_normal(48) + 10.0 * (at >= begun.get(k, 99))
    return made.values(columns if units > 1 else {"": columns["u0"]})


@pytest.mark.parametrize("design", admissibility.ALL)
def test_percent_is_a_fraction_in_every_design(design):
    rows, options = [{}], {}
    if design == "its":
        series = level_100(1, 1)
    elif design == "its_counts":
        y = np.random.default_rng(2).poisson(np.where(np.arange(48) < 24, 1000, 1100)).astype(float)
        series = made.values({"": y}, kind="count")
        options["indicators"] = made.indicators("A", "B", kind="count")
    elif design == "staggered":
        series = level_100(16, 0, {k: 20 if k < 3 else 28 for k in range(6)})
        rows = [{"units": "u0;u1;u2", "start_on": pd.Timestamp("2023-09-01")},
                {"measure_id": "M2", "units": "u3;u4;u5", "start_on": pd.Timestamp("2024-05-01"),
                 "replicated_from": "M1"}]  # fmt: skip
    else:
        units = {"unit_differences": 8, "controlled": 4, "synthetic_control": 12}[design]
        series, rows = level_100(units, 1), [{"units": "u0"}]
    measures = made.measures(*rows)
    known = options.get("indicators", made.indicators("A", "B"))
    case = effect_case.prepare(measures.iloc[0], known, series, measures, as_of=pd.Timestamp(LAST), no_trend=("A",),
                               no_season=("A",))  # fmt: skip
    designs = admissibility.judge(case).set_index("design")
    assert designs.at[design, "admissible"]
    row = effects.estimated(design, effect_designs.estimate(design, case))
    assert row["percent"] == pytest.approx(0.10, abs=0.015) and row["percent_low"] < 0.10 < row["percent_high"]
    assert row["effect"] == pytest.approx(100 if design == "its_counts" else 10, rel=0.15)


def test_multiplicity_counts_every_measure():
    series = pd.concat([firm(1.4, seed=21), *[firm(seed=30 + k, indicator=f"I{k}") for k in range(9)]])
    rows = [{}, *[{"measure_id": f"N{k}", "indicator_id": f"I{k}"} for k in range(9)]]
    known = made.indicators("A", "B", *[f"I{k}" for k in range(9)])
    options = {"no_trend": (*known["indicator_id"],), "no_season": (*known["indicator_id"],)}
    found = judge(series, *rows, indicators=known, **options)
    table = found.effects
    assert found.tests == 10 and table["p_adjusted"].min() == pytest.approx(10 * table["p_value"].min())
    assert found.effects["p_adjusted"].ge(found.effects["p_value"]).all()


def test_frames_carry_what_the_page_needs():
    found = judge(firm(5.0))
    assert len(found.paths) == 48 and found.paths["period"].notna().all()
    assert found.placebos["real"].sum() == 1 and len(found.placebos) == 14
    both = found.diagnostics.set_index("name").loc["with_trend"]
    told = judge(firm(5.0), no_trend=()).effects.iloc[0]
    assert both[["estimate", "low", "high"]].tolist() == pytest.approx(told[["effect", "low", "high"]].tolist())
    assert "with_trend" not in set(judge(firm(5.0), no_trend=()).diagnostics["name"])
    names = {"phi", "ljung_box_p", "fading", "last_third", "leave_one", "wash_in", "mde", "position", "placebo_units"}
    assert names <= set(found.diagnostics["name"])
    assert found.portfolio.table["measure_id"].tolist() == ["M1"] and found.portfolio.promises == 0
    assert found.admissibility["chosen"].sum() == 1 and list(found.effects) == effects.EFFECTS


def test_position_and_placebo_units():
    found = judge(branches(6.0), PILOT, PILOT | {"measure_id": "M2", "indicator_id": "B"})
    told = found.diagnostics.set_index("name")
    assert told.loc["position", ["estimate", "high"]].tolist() == [1.0, 1.0]
    assert told.at["placebo_units", "estimate"] == 0.0
    nothing = judge(branches(), PILOT).diagnostics.set_index("name")
    assert 0 < nothing.at["placebo_units", "estimate"] <= 1
    many = pd.concat([firm(1.4, seed=21), firm(4.0, seed=22, indicator="B")])
    table = judge(many, {}, {"measure_id": "M2", "indicator_id": "B"}).diagnostics
    place = table[table["name"] == "position"].set_index("measure_id")
    assert place["estimate"].to_dict() == {"M1": 2.0, "M2": 1.0} and place["high"].eq(2).all()


def codes_given():
    """Every code a column of ``effects`` can hold, by the table that words it."""
    rules = admissibility.RULES
    caps = {rule.code for rule in rules if rule.consequence == "cap"}
    said = set()
    for module in (interrupted_time_series, count_series, difference_in_differences, staggered, synthetic_control):
        for part in Path(module.__file__).read_text(encoding="utf-8").split("def _cautions")[1:]:
            said |= set(re.findall(r'^        "([a-z_0-9]+)": ', part.split("return")[0], re.M))
    assert {"dose_not_reached", "rare_events", "uneven_spread", "fragile", "poor_fit"} <= said
    checks = set(effect_verdicts.LIMITS)
    return {
        "effect_reason": {rule.code for rule in rules if rule.consequence != "cap"} | set(effect_verdicts.REASONS),
        "effect_caution": caps | checks | said | set(SERIAL),
        "effect_design": {*admissibility.ALL, "counterfactual", "imputation"},
        "effect_tier": {*admissibility.TIERS.values(), admissibility.OBSERVED},
        "decision_rule": set(effect_verdicts.RULES),
        "sustained": {"fading", "growing", "not_shown", "too_short"},
        "strength": set(admissibility.STRENGTHS),
        "verdict": set(effect_verdicts.VERDICTS),
        "estimand": {*interruption.ESTIMANDS.values(), *group_time.ESTIMANDS, "att", "gap_mean"},
    }


SERIAL = ("autocorrelation", "residual_autocorrelation", "strong_autocorrelation", "few_degrees_of_freedom")


def test_every_code_has_a_word_in_both_languages():
    told = words.catalogue("common")
    for table, codes in codes_given().items():
        assert codes <= set(told[table]), (table, codes - set(told[table]))
        for code in codes:
            assert told[table][code]["zh"] and told[table][code]["en"]


def test_no_register():
    with pytest.raises(MethodRefused) as refusal:
        effects.evaluate(made.measures()[:0], made.indicators("A"), firm(), **OPTIONS)
    assert refusal.value.code == "effects.no_register"
    with pytest.raises(MethodRefused) as refusal:
        judge(firm(), {}, {})
    assert refusal.value.code == "effects.repeated"


def test_few_false_alarms_where_nothing_happened():
    words_ = [first(firm(phi=0.3, seed=seed), worth=None)["verdict"] for seed in range(25)]
    assert sum(word in ("effective", "probably_effective", "worse") for word in words_) <= 2


def weeks(n, first="2022-01-03"):
    return made.values({"": 50 + made.ar(np.random.default_rng(1), n)}, weekly=True, first=first)


def bad_inputs():
    plain, late = firm(5.0), {"start_on": pd.Timestamp("2026-03-01")}
    after = plain["period_start"] >= "2024-01-01"
    flat_before = plain.assign(value=plain["value"].where(after, 50.0))
    shifted = weeks(110)
    shifted.loc[40, ["period_start", "period_end"]] += pd.Timedelta(days=2)
    twice = pd.concat([plain, plain.iloc[[5]].assign(period_start=pd.Timestamp("2022-06-15"))])
    same = pd.concat([plain, plain.iloc[[5]].assign(value=1.0)])
    counts = {"indicators": made.indicators("A", "B", kind="count")}
    below = plain.assign(value=plain["value"].round().where(plain.index != 4, -1.0))
    grid = weeks(5000, first="1930-01-06")
    begun = {"start_on": grid["period_start"].iloc[4000]}
    yield "start_after", plain, late, {}, "not_started"
    yield "start_before", plain, {"start_on": pd.Timestamp("2021-03-01")}, {}, "start_outside"
    yield "start_after_data", plain[~after], {}, {}, "start_outside"
    yield "one_before", plain, {"start_on": pd.Timestamp("2022-02-01")}, {}, "nothing_before"
    yield "constant", plain.assign(value=5.0), {}, {}, "constant"
    yield "constant_before", flat_before, {}, {}, "constant"
    yield "constant_own", _flat_units(), PILOT, {}, "constant"
    yield "missing_after", plain.assign(value=plain["value"].mask(after)), {}, {}, "nothing_after"
    yield "both_sides", branches(), PILOT | {"comparison_units": "u2;u5"}, {}, "both_sides"
    yield "no_direction", plain, {}, {"indicators": made.indicators("A", "B", direction=None)}, "no_direction"
    yield "duplicates", same, {}, {}, "duplicates"
    yield "two_in_a_month", twice, {}, {}, "irregular"
    yield "shifted_week", shifted, {}, {}, "irregular"
    yield "no_frequency", plain.assign(frequency=plain["frequency"].where(plain.index != 7)), {}, {}, "irregular"
    yield "no_bounds", plain.assign(period_start=plain["period_start"].where(plain.index != 7)), {}, {}, "irregular"
    yield "negative", below, {}, counts, "negative"
    yield "too_many_points", grid, begun, {"as_of": "2025-12-31"}, "too_many_points"
    yield "ended_before", plain, {"end_on": pd.Timestamp("2021-06-30")}, {}, "start_outside"


def _flat_units():
    series = branches()
    own = series["unit_id"].isin(["u0", "u1", "u2"]) & (series["time"] < 24)
    return series.assign(value=series["value"].mask(own, 60.0))


@pytest.mark.parametrize("series, row, options, reason", [pytest.param(*each[1:], id=each[0]) for each in bad_inputs()])
def test_bad_input_gives_a_reason_and_no_number(series, row, options, reason):
    found = first(series, row, **options)
    assert found["reason"] == reason and found["verdict"] in ("cannot_tell", "too_early")
    assert found[["effect", "low", "high", "p_value", "percent", "second_effect"]].isna().all()
    assert found["decision_rule"]


def test_zeros_are_valid_counts_and_gaps_are_no_fault():
    y = np.random.default_rng(3).poisson(6, 48).astype(float)
    y[[3, 9, 30]] = 0
    known = made.indicators("A", "B", direction="down", kind="count")
    series = made.values({"": y}, kind="count")
    assert np.isfinite(first(series, indicators=known)["effect"])
    holed = first(series.drop(index=[7, 30]), indicators=known)
    assert np.isfinite(holed["effect"]) and "missing_periods" in holed["cautions"]
    holes = weeks(110).drop(index=[20, 21, 60])
    assert np.isfinite(first(holes, {"start_on": pd.Timestamp("2023-09-04")})["effect"])


def test_a_past_too_short_is_not_mended_by_waiting():
    goal = {"baseline": 50.0, "goal": 53.0}
    changed = made.indicators("A", "B", changed=pd.Timestamp("2024-03-01"))
    found = first(firm(), goal, indicators=changed)
    assert np.isnan(found["weeks_needed"]) and found["decision_rule"] == "add_comparison_units"
    early = goal | {"start_on": pd.Timestamp("2022-11-01")}
    found = first(firm(start=10), early, no_season=())
    assert np.isinf(found["weeks_needed"]) and found["decision_rule"] == "add_comparison_units"
    short = goal | {"start_on": pd.Timestamp("2023-03-01"), "end_on": pd.Timestamp("2023-08-31")}
    found = first(firm(start=14), short, no_season=())
    assert found["weeks_needed"] >= 4 * 52 / 12 - 0.01 and found["decision_rule"] == "continue_and_look_again"


def test_a_step_of_one_period_is_borne():
    last = {"measure_id": "M2", "start_on": pd.Timestamp("2025-12-01")}
    result = judge(firm(5.0), {}, last)
    found = result.effects.iloc[0]
    told = result.diagnostics.query("measure_id == 'M1' and name == 'leave_one'").iloc[0]
    assert found["low"] < 5 < found["high"] and 3 < told["low"] < found["effect"] < told["high"] < 7


def test_two_averages_are_a_tier_of_their_own():
    found = first(firm(), {"start_on": pd.Timestamp("2022-06-01")})
    assert (found["tier"], found["reason"]) == ("D", "too_few_before") and np.isfinite(found["observed_change"])
    assert pd.isna(first(firm(), {"indicator_id": "Z"})["tier"])


def test_placebo_dates_share_the_errors_of_the_real_fit_and_agree_with_least_squares():
    found = judge(firm(2.0, seed=5), no_trend=())
    phi = found.diagnostics.set_index("name").at["phi", "estimate"]
    table = found.placebos
    assert table["date"].tolist() == [*range(8, 21), 24] and phi == 0
    y, at = firm(2.0, seed=5)["value"].to_numpy()[:24], np.arange(24)
    for date, effect in table.loc[~table["real"], ["date", "effect"]].to_numpy():
        design = np.column_stack([np.ones(24), at, at >= date])
        assert effect == pytest.approx(np.linalg.lstsq(design, y, rcond=None)[0][2])


def test_what_the_gates_cost_can_be_counted():
    rows = [("effective", ""), ("cannot_tell", "placebo_as_good"), ("cannot_tell", "concurrent"), ("worse", "")]
    table = pd.DataFrame(rows, columns=["verdict", "reason"]).assign(low=[1.0, 1, 1, -3], high=[2.0, 2, 2, -1])
    told = made.lost_at(pd.concat([table, table.assign(low=-1.0, high=1.0, verdict="cannot_tell")]))
    assert told[["interval", "placebo_as_good", "other", "called"]].tolist() == [0.5, 0.125, 0.125, 0.25]
    assert told[["multiplicity", "methods_disagree", "weak_sign_of_worse"]].eq(0).all()


@pytest.mark.parametrize("baseline, goal", [(80.0, 90.0), (0.8, 0.9)])
@pytest.mark.parametrize("times", [1.0, 0.01])
def test_a_promise_is_put_on_the_scale_of_the_values(baseline, goal, times):
    series = firm(5.0).assign(value=lambda rows: rows["value"] * 1.6 * times)
    known = made.indicators("A", "B", kind="proportion")
    found = first(series, {"baseline": baseline, "goal": goal}, indicators=known)
    assert found["promised"] == pytest.approx(10 * times)


def test_a_promise_of_another_kind_is_left_as_it_is():
    assert first(firm(5.0), {"baseline": 0.5, "goal": 0.6})["promised"] == pytest.approx(0.1)


def test_waiting_beyond_three_years_is_no_plan():
    found = first(firm(0.3, phi=0.3), {"baseline": 50.0, "goal": 50.8}, worth={"A": 0.8})  # else: a century
    assert found["verdict"] == "cannot_tell" and np.isinf(found["weeks_needed"]) and pd.isna(found["settles_on"])
    assert found["decision_rule"] == "add_comparison_units"


def test_few_units_that_vary_more_than_the_others_are_never_strong():
    rng = np.random.default_rng(4)
    step = (np.arange(48) >= 24) * 4.0
    wide = {f"u{k}": 50 + rng.normal(size=48) * (20 if k == 0 else 1) + step * (k < 3) for k in range(9)}
    found = first(made.values(wide), PILOT)
    assert found["strength"] in ("none", "weak", "moderate") and "uneven_spread" in found["cautions"]
