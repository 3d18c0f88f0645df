"""What is said and drawn of sources, criteria, follow-up and rewards: every verdict, in both languages."""

import io
import json
import math
import re
import warnings

import made_follow_up as made
import matplotlib
import numpy as np
import pandas as pd
import pytest

from sqlib import figures, fragments, style, words
from sqlib.findings import COLUMNS, describe, limits, sample

STEM = "appraisal_calibration"
WHO = {"client": "jiahe", "period": "2026Q3", "stem": STEM}
PARTS = {"statement", "compared", "so_what", "decision"}
PLOTS = {  # figure -> its plot, and a result it may have to draw
    "sources": (figures.plot_score_sources, "look_again"),
    "criteria": (figures.plot_appraisal_criteria, "duplicate"),
    "follow_up": (figures.plot_appraisal_follow_up, "missed"),
    "rewards": (figures.plot_reward_consistency, "reversed"),
    "after_reward": (figures.plot_after_reward, "within_regression"),
}
TABLES = {  # table -> finding whose result holds it, and the frame
    "sources": ("sources", "table"), "source_agreement": ("sources", "agreement"),
    "criteria": ("criteria", "table"), "criteria_pairs": ("criteria", "pairs"),
    "follow_up": ("follow_up", "table"), "talks": ("follow_up", "teams"), "appeals": ("follow_up", "raters"),
    "reward_cases": ("rewards", "table"), "reward_following": ("rewards", "following"),
    "reward_mix": ("rewards", "mix"),
    "after_reward": ("after_reward", "table"),
}  # fmt: skip
CLAIMS = {
    "agree",
    "related",
    "contrary",
    "met",
    "missed",
    "follows",
    "beyond_up",
    "beyond_down",
    "look_again",
    "duplicate",
}

every = pytest.mark.parametrize(("key", "verdict"), made.EVERY)
every_plot = pytest.mark.parametrize("key", PLOTS)
both = pytest.mark.parametrize("language", words.LANGUAGES)


@every
def test_a_finder_gives_the_verdict_of_its_result(key, verdict):
    finding = describe(key, made.made(key, verdict))
    assert (finding.key, finding.verdict) == (key, verdict)
    assert finding.strength in words.catalogue("common")["strength"]
    assert finding.verdict in words.catalogue("common")["verdict"]
    record = finding.record(**WHO)
    assert tuple(record) == COLUMNS and json.loads(json.dumps(record, allow_nan=False)) == record


@every
def test_a_verdict_that_claims_something_excludes_its_reference(key, verdict):
    finding = describe(key, made.made(key, verdict))
    assert finding.n > 0
    if math.isfinite(finding.low):
        assert finding.low <= finding.estimate <= finding.high
    if verdict in CLAIMS:
        assert not finding.low <= finding.reference < finding.high and finding.strength in {"strong", "moderate"}
    elif verdict in {"unclear", "within_regression"}:
        assert finding.low <= finding.reference <= finding.high and finding.strength in {"weak", "none"}
    elif verdict in {"too_few", "too_unreliable"}:
        assert finding.strength == "none"


@every
def test_both_languages_say_the_same_numbers(key, verdict):
    finding = describe(key, made.made(key, verdict))
    headline = words.entry(STEM, "headline", key, verdict)
    assert PARTS <= set(headline) <= PARTS | {"owner", "due_days"} and ("owner" in headline) == ("due_days" in headline)
    wordings = [headline[part] for part in headline if part != "due_days"]
    for wording in [*wordings, words.entry(STEM, "caption", key, verdict)]:
        values = (
            dict(finding.values)
            | {"due": "2026-10-30"}
            | ({"due": finding.values["due"]} if "due" in finding.values else {})
        )
        said = [words.fill(wording[language], values, language) for language in words.LANGUAGES]
        assert not any("nan" in text or "{" in text for text in said)
        numbers = [re.findall(r"[\d.,]*\d", text) for text in said]
        assert sorted(numbers[0]) == sorted(numbers[1]), said


@every
def test_nobody_is_recommended_a_consequence(key, verdict):
    """What is asked for is a look, a talk or a rule; never a payment, a penalty or a dismissal."""
    headline = words.entry(STEM, "headline", key, verdict)
    asked = " ".join(headline[part]["en"] for part in ("decision", "owner") if part in headline).lower()
    assert not re.search(r"\b(dismiss|fire|demote|fine|deduct|punish|promote|pay back)\b", asked)


@every
def test_what_may_not_be_concluded_is_worded(key, verdict):
    result = made.made(key, verdict)
    assert sample(result) > 0
    for code, values in limits(result).items():
        assert all(words.text("page", "limit", code, language=language, **values) for language in words.LANGUAGES)


def test_there_is_no_headline_for_a_verdict_nobody_gives():
    known = words.catalogue(STEM)
    for kind in ("headline", "caption"):
        for key in made.VERDICTS:
            assert set(known[kind][key]) == set(made.VERDICTS[key])


@pytest.mark.parametrize("table", TABLES)
@both
def test_every_column_of_a_table_is_there_and_reads(table, language):
    key, part = TABLES[table]
    spec = words.entry(STEM, "table", table)
    for verdict in made.VERDICTS[key]:
        frame = getattr(made.made(key, verdict), part)
        assert {column["from"] for column in spec["columns"]} <= set(frame.columns)
        html = fragments.table(frame, spec, language, {}) if len(frame) else ""
        assert "nan" not in html.lower().replace("finance", "")


# ---------------------------------------------------------------- figures


def drawn(key: str, result=None, language="en", **options):
    plot, verdict = PLOTS[key]
    with style.theme(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plot(made.made(key, verdict) if result is None else result, language=language, **options)
        ax.figure.savefig(io.BytesIO(), format="png")
    return ax


@every_plot
@both
def test_a_plot_speaks_the_readers_language_and_has_no_title(key, language):
    ax = drawn(key, language=language)
    han = any("\u3400" <= letter <= "\u9fff" for letter in ax.get_xlabel())
    assert ax.get_title() == "" and han == (language == "zh")
    assert {text.get_fontname() for text in ax.figure.findobj(matplotlib.text.Text)} == {style.FONT}


@every_plot
def test_the_axes_given_is_drawn_on_and_no_result_changed(key):
    figure = matplotlib.figure.Figure()
    right = figure.subplots(1, 2)[1]
    result = made.made(key, PLOTS[key][1])
    before = result.table.copy()
    assert drawn(key, result, ax=right) is right and len(figure.axes) == 2
    pd.testing.assert_frame_equal(result.table, before)


@every
def test_every_verdict_that_is_drawn_can_be_drawn(key, verdict):
    if verdict not in words.entry(STEM, "figure", key).get("undrawn", ()):
        drawn(key, made.made(key, verdict))


def test_sources_draw_the_people_whose_sources_differ_most_and_name_the_flagged():
    result = made.made("sources", "look_again")
    ax = drawn("sources", result)
    most = result.table.sort_values("p_value", kind="stable").head(20)
    order = most.sort_values("judged", ascending=False)["ratee_id"].to_list()
    assert [label.get_text() for label in ax.get_yticklabels()] == order
    said = words.entry("common", "verdict", "look_again")["en"]
    assert str(len(result.table) - 20) in ax.get_xlabel()
    assert [text.get_text() for text in ax.texts].count(said) == result.flagged == 1


def test_talks_draw_the_curve():
    result = made.made("follow_up", "missed")
    line = drawn("follow_up", result).lines[0]
    assert set(result.curve["held"]) <= set(np.round(line.get_ydata(), 12)) | set(line.get_ydata())


def test_rewards_draw_a_dot_a_person_and_join_pairs():
    result = made.made("rewards", "reversed")
    ax = drawn("rewards", result)
    people = next(line for line in ax.lines if line.get_marker() == "o")
    assert list(people.get_xdata()) == result.people["score"].to_list()
    assert list(people.get_ydata()) == result.people["net"].to_list()
    red = [line for line in ax.lines if line.get_color() == style.palette()["bad"] and len(line.get_xdata())]
    assert len(red) == 8
