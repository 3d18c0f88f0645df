"""Findings: every finder on every verdict it can give, from results of the methods; the strength rule; the record."""

import dataclasses
import importlib
import json
import math
import pkgutil
import re
from decimal import Decimal

import made_pages
import made_results as made
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import finders, words
from sqlib.errors import MethodRefused
from sqlib.findings import COLUMNS, Finding, describe, limits, sample, significant, strength
from sqlib.methods.satisfaction import satisfaction
from sqlib.words import Term

every = pytest.mark.parametrize(("stem", "key", "verdict"), made_pages.EVERY)
WHO = {"client": "jiahe", "period": "2026Q3"}
NOBODY = {("tiers", "not_judged"), ("bands", "not_banded"), ("reliable_change", "not_comparable"),
          ("portfolio", "no_promises"), ("unanswered", "not_due")}  # fmt: skip  # hold for nobody
DRAWN = 1e-5  # a mean beside limits that are whole numbers of people
SIMULATED = {"tiers"}  # exact mean, drawn limits
COUNTED = {("follow_up", "no_target")}  # a share without a target is a fact, no claim
NUMBERS = ("estimate", "low", "high", "confidence", "reference", "target")


def told(stem: str, key: str, verdict: str) -> Finding:
    return describe(key, made_pages.made(stem, key, verdict))


def found(key: str, verdict: str) -> Finding:
    return told("feedback_analysis", key, verdict)


# ---------------------------------------------------------------- every finder, every verdict


@every
def test_a_finder_gives_the_verdict_of_its_result(stem, key, verdict):
    finding = told(stem, key, verdict)
    assert (finding.key, finding.verdict) == (key, verdict)
    assert finding.strength in words.catalogue("common")["strength"]
    assert finding.verdict in words.catalogue("common")["verdict"]


def test_every_finder_is_tried():
    modules = [importlib.import_module(f"sqlib.finders.{m.name}") for m in pkgutil.iter_modules(finders.__path__)]
    assert {key for module in modules for key in module.FINDERS} == {key for _, key, _ in made_pages.EVERY}


@every
def test_the_record_has_the_columns_and_can_be_stored_as_json(stem, key, verdict):
    record = told(stem, key, verdict).record(**WHO, stem=stem)
    assert tuple(record) == COLUMNS
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert all(type(record[name]) in (float, type(None)) for name in NUMBERS) and type(record["n"]) is int
    assert all(type(record[name]) is str for name in set(COLUMNS) - {*NUMBERS, "n"})


@every
def test_the_record_is_known_by_stem_key_and_subject(stem, key, verdict):
    finding = told(stem, key, verdict)
    subject = f".{finding.subject}" if finding.subject else ""
    assert finding.record(**WHO, stem=stem)["finding_id"] == f"{stem}.{key}{subject}"


@every
def test_the_estimate_lies_in_its_interval_and_rests_on_answers(stem, key, verdict):
    finding = told(stem, key, verdict)
    if stem == "feedback_analysis":
        assert finding.n == sample(made_pages.made(stem, key, verdict)) or finding.subject
    assert (finding.n > 0) == ((key, verdict) not in NOBODY)
    if math.isfinite(finding.low):
        slack = DRAWN if key in SIMULATED else 0
        assert finding.low - slack <= finding.estimate <= finding.high + slack and finding.confidence == 0.95


@every
def test_a_verdict_that_claims_a_difference_excludes_its_reference(stem, key, verdict):
    finding = told(stem, key, verdict)
    claims = {"met", "missed", "higher", "lower", "act_now", "rising", "under", "silent", "trend_up", "trend_down"}
    if verdict in claims | {"reliable", "unreliable"}:
        assert not finding.low <= finding.reference < finding.high
        assert finding.strength in {"strong", "moderate"}
    elif verdict in {"unclear", "not_distinguishable"}:
        assert finding.low <= finding.reference <= finding.high
        assert finding.strength in {"weak", "none"}
    elif verdict in {"no_target", "not_comparable", "too_few", "as_expected", "no_signal"}:
        assert finding.strength == ("exact" if (key, verdict) in COUNTED else "none")


@every
def test_the_words_of_a_finding_say_the_same_numbers_in_both_languages(stem, key, verdict):
    finding = told(stem, key, verdict)
    labels = {language: made.LABELS for language in words.LANGUAGES}
    for part, wording in words.entry(stem, "headline", key, verdict).items():
        if part == "due_days":
            continue
        said = {}
        for language in words.LANGUAGES:
            values = dict(finding.values) | {"due": "2026-10-30"}
            if "theme" in values:
                values["theme"] = labels[language][values["theme"].code]
            said[language] = words.fill(wording[language], values, language)
            assert "nan" not in said[language] and "{" not in said[language]
        numbers = [re.findall(r"[\d.,]*\d", text) for text in said.values()]
        if stem == "feedback_analysis":
            assert numbers[0] == numbers[1], said
        assert sorted(numbers[0]) == sorted(numbers[1]), said


def test_a_kind_of_result_has_no_finding_of_another_kind():
    with pytest.raises(KeyError, match="themes"):
        describe("themes", made.made("level", "met"))


# ---------------------------------------------------------------- what each says


def test_level_tells_the_gap_to_the_target_and_how_many_were_not_satisfied():
    values = found("level", "missed").values
    gap, level = values["gap"], values["level"]
    assert (gap.value, gap.low, gap.high) == pytest.approx((level.value - 0.95, level.low - 0.95, level.high - 0.95))
    assert (values["unsatisfied"].value, gap.unit, level.unit) == (20, "points", "percent")
    assert values["raked"] == Term("term", "not_raked")


def test_a_promoter_score_does_not_count_unsatisfied_answers():
    rows = made.answers(30, 70, metric="nps", scale=(0.0, 10.0))
    finding = describe("level", satisfaction(rows, targets={"nps": 50.0}))
    assert (finding.verdict, finding.unit, finding.subject) == ("missed", "nps", "nps")
    assert finding.values["unsatisfied"] == Term("term", "not_counted")


def test_change_names_what_cannot_be_compared_as_a_caution_and_nothing_else():
    assert found("change", "not_comparable").cautions == ("no_previous",)
    assert found("change", "higher").cautions == ()
    before, now = (found("change", "higher").values[name] for name in ("before", "now"))
    assert (before.value, before.n, now.value, now.n) == (0.5, 100, 0.8, 100)


def test_effort_that_rose_is_called_higher_though_low_is_best():
    now, before = (made.answers(*counts, metric="ces", scale=(1.0, 7.0)) for counts in ((80, 20), (20, 80)))
    result = satisfaction(now, before, best={"ces": "low"}, targets={"ces": 3.0})
    finding = describe("change", result)
    assert (finding.verdict, finding.estimate > 0) == ("higher", True)
    assert describe("level", result).verdict == "missed"
    assert result.table["best"].tolist() == ["low"]


def test_response_speaks_of_the_most_silent_group_and_lists_the_others():
    groups = {"small": (100, 4), "tiny": (100, 12), "large": (300, 220)}
    finding = describe("response", made.responded(groups))
    assert (finding.verdict, finding.subject, finding.n) == ("silent", "segment=small", 100)
    assert finding.values["group_base"].value == 100
    assert [cell.value for cell in finding.values["groups"].items] == ["small", "tiny"]


def test_response_is_strong_only_where_the_second_method_agrees():
    result = made.made("response", "silent")
    assert result.table["p_adjusted"].min() < 0.001 and found("response", "silent").strength == "strong"
    doubtful = dataclasses.replace(result, table=result.table.assign(p_second=np.nan))
    assert describe("response", doubtful).strength == "moderate"


def test_weak_points_lists_the_other_cells_that_reach_the_bar():
    result = made.cells({"a": (20, 60), "b": (30, 50), "c": (150, 10), "d": (150, 10)})
    finding = describe("weak_points", result)
    assert finding.subject == "team=a"
    assert [cell.value for cell in finding.values["others"].items] == ["b"]
    excess, adjusted = finding.values["excess"], finding.values["adjusted"]
    assert excess.value == pytest.approx(-adjusted.value * 80) and excess.low <= excess.value <= excess.high


def test_no_signal_counts_every_answer_once_however_many_families():
    result = made.made("weak_points", "no_signal")
    doubled = dataclasses.replace(result, table=pd.concat([result.table, result.table.assign(family="segment")]))
    assert describe("weak_points", doubled).n == result.n == 160


def test_a_strength_is_no_weak_point():
    result = made.cells({"a": (78, 2), "b": (40, 40), "c": (40, 40), "d": (40, 40)})
    assert result.table.set_index("cell")["verdict"]["a"] == "strength"
    assert describe("weak_points", result).subject == "team=b"


def test_where_every_cell_is_hidden_nothing_is_said():
    result = made.cells({"a": (3, 1), "b": (2, 2)}, min_group=10)
    assert result.table["verdict"].eq("hidden").all()
    assert describe("weak_points", result) is None and describe("mix", result) is None


def test_the_mix_explains_a_cell_that_looked_bad():
    finding = found("mix", "explained_by_mix")
    crude, adjusted = finding.values["crude"], finding.values["adjusted"]
    assert finding.subject == "team=hard" and crude.high < 0 <= adjusted.high
    assert describe("mix", made.made("weak_points", "act_now")) is None


def test_themes_speaks_of_the_rising_one_else_of_the_most_frequent():
    assert found("themes", "rising").values["change"].value == pytest.approx(0.4)
    finding = found("themes", "no_signal")
    assert (finding.subject, finding.estimate, finding.n) == ("slow", 0.2, 100)
    assert describe("themes", made.said((0, 20))) is None


def test_call_back_counts_exactly():
    listed, none_open, no_cases = (found("call_back", verdict) for verdict in made.VERDICTS["call_back"])
    assert [each.estimate for each in (listed, none_open, no_cases)] == [3, 0, 5]
    assert [each.strength for each in (listed, none_open, no_cases)] == ["exact"] * 3
    assert no_cases.cautions == ("no_cases",)


def test_drivers_say_which_places_are_settled_and_which_lead_together():
    ranked, group = found("drivers", "ranked"), found("drivers", "leading_group")
    assert [cell.value for cell in ranked.values["settled"].items] == ["part 1", "part 2", "part 3"]
    assert (ranked.subject, ranked.reference, ranked.low > 0) == ("part 1", 0.0, True)
    assert {cell.value for cell in group.values["leading"].items} == {"part 1", "part 2"}
    assert (group.subject, group.strength, math.isnan(group.reference)) == ("", "none", True)
    assert found("drivers", "no_stable_ranking").values["reason"] == Term("unsettled", "collinear")


def test_gain_speaks_of_the_largest_that_is_no_chance():
    finding = found("gain", "gain")
    table = made.made("gain", "gain").table
    assert finding.estimate == table["gain"].max() and finding.low > 0 and finding.strength == "strong"
    assert found("gain", "no_gain").values["below"].value == 0


def test_a_class_is_as_sure_as_the_less_sure_of_what_it_rests_on():
    result = made.made("penalty_reward", "basic")
    assert describe("penalty_reward", result).strength == "strong"
    doubtful = dataclasses.replace(result, table=result.table.assign(asymmetry_p_adjusted=0.04))
    assert describe("penalty_reward", doubtful).strength == "moderate"


def test_kano_gives_the_coefficient_worse_as_a_share():
    values = found("kano", "must_be").values
    assert values["worse"].value == pytest.approx(80 / 110) and values["worse"].low < values["worse"].value
    assert values["attractive"].items == ("app",)


def test_talks_held_in_time_by_hand():
    """Wilson, Journal of the American Statistical Association 22 (1927): 10 of 30, and n / (n + z^2) where all are."""
    missed, met = (told("appraisal_calibration", "follow_up", verdict) for verdict in ("missed", "met"))
    assert (missed.n, missed.estimate) == (30, 10 / 30)
    assert (missed.low, missed.high) == pytest.approx((0.1923, 0.5122), abs=5e-5)
    assert (met.estimate, met.low, met.high) == pytest.approx((1, 30 / 33.841459, 1))


# ---------------------------------------------------------------- strength and digits

P = st.floats(0, 1)


@pytest.mark.parametrize(
    ("p_value", "p_second", "code"),
    [
        (0.01, 0.01, "strong"), (0.01, 0.011, "moderate"), (0.0001, math.nan, "moderate"), (0.011, 0.0, "moderate"),
        (0.05, 0.9, "moderate"), (0.051, 0.0, "weak"), (0.2, math.nan, "weak"), (0.201, 0.0, "none"),
        (math.nan, math.nan, "none"), (math.nan, 0.0, "none"),
    ],
)  # fmt: skip
def test_strength(p_value, p_second, code):
    assert strength(p_value, p_second) == code


@settings(deadline=None)
@given(P, P, P)
def test_a_smaller_p_value_is_never_weaker_evidence(one, two, second):
    order = ["none", "weak", "moderate", "strong"]
    weaker, stronger = (order.index(strength(p, second)) for p in (max(one, two), min(one, two)))
    assert weaker <= stronger


@settings(deadline=None)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_six_significant_digits(number):
    kept = significant(number)
    if not math.isfinite(number):
        assert kept is None
    else:
        assert kept == pytest.approx(number, rel=5e-6, abs=0) or number == 0
        assert len(Decimal(repr(kept)).normalize().as_tuple().digits) <= 6


def test_numbers_of_numpy_become_plain_ones():
    record = Finding("k", "met", "none", estimate=np.float32(1 / 3), n=np.int64(4), target=None).record(**WHO, stem="x")
    assert (record["estimate"], record["n"], record["target"]) == (0.333333, 4, None)
    assert type(record["n"]) is int


def test_cautions_and_evidence_are_joined():
    record = Finding("k", "met", "none", cautions=("a", "b"), evidence=("t",)).record(**WHO, stem="x")
    assert (record["cautions"], record["evidence"]) == ("a;b", "t")


# ---------------------------------------------------------------- sample size and limits


@every
def test_every_result_knows_its_sample_and_its_limits(stem, key, verdict):
    result = made_pages.made(stem, key, verdict)
    assert isinstance(sample(result), int) and (sample(result) > 0 or (key, verdict) in NOBODY)
    for code, values in limits(result).items():
        for language in words.LANGUAGES:
            assert words.text("page", "limit", code, language=language, **values)


def test_what_is_no_result_has_no_sample():
    with pytest.raises(TypeError, match="DataFrame"):
        sample(pd.DataFrame())


def test_the_sample_of_a_response_is_its_denominator():
    groups = {"small": (100, 4), "large": (100, 60)}
    asked = pd.DataFrame({"customer_id": [f"small{i}" for i in range(50)], "responded": 0})
    assert (sample(made.responded(groups)), sample(made.responded(groups, asked))) == (200, 50)


def test_limits_name_what_the_data_left_out():
    rows = pd.concat([made.answers(30, 10), made.answers(4, 3, scale=(1.0, 10.0), start=900)], ignore_index=True)
    other = made.answers(30, 10, scale=(1.0, 7.0))
    assert limits(satisfaction(rows, other)) == {"scale_changed": {}, "other_scale": {"count": 7}}
    hidden = made.cells({"a": (30, 10), "b": (2, 1), "c": (1, 1), "d": (30, 10)})
    assert limits(hidden)["small_cells"] == {"count": hidden.hidden} and hidden.hidden >= 2
    assert set(limits(made.mixed())) == {"power"}


def test_answers_without_a_score_are_refused_before_anything_is_found():
    with pytest.raises(MethodRefused) as caught:
        satisfaction(made.answers(3, 1).assign(score=np.nan, satisfied=pd.NA))
    assert caught.value.code == "satisfaction.no_scores"
    assert all("nps" in caught.value.text(language) for language in words.LANGUAGES)
