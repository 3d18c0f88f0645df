"""What is said and drawn of the register: every verdict, in both languages."""

import io
import json
import math
import re
import warnings

import made_register as made
import matplotlib
import pandas as pd
import pytest

from sqlib import figures, fragments, style, words
from sqlib.findings import COLUMNS, describe, limits, sample
from sqlib.methods.unanswered_results import unanswered_results

STEM = "improvement_effect"
WHO = {"client": "jiahe", "period": "2026Q3", "stem": STEM}
PARTS = {"statement", "compared", "so_what", "decision"}
PLOTS = {
    "register": (figures.plot_register_completeness, "incomplete"),
    "implementation": (figures.plot_implementation, "partly_carried_out"),
    "suggestions": (figures.plot_suggestion_funnel, "ideas_lost"),
    "unanswered": (figures.plot_unanswered_results, "unanswered"),
    "measure_views": (figures.plot_measure_views, "found_useful"),
}
TABLES = {  # table -> finding whose result holds it, and the frame
    "register": ("register", "table"), "register_measures": ("register", "measures"),
    "implementation": ("implementation", "measures"), "suggestions": ("suggestions", "table"),
    "suggestion_teams": ("suggestions", "teams"), "suggestion_reasons": ("suggestions", "reasons"),
    "suggestion_kinds": ("suggestions", "kinds"), "unanswered": ("unanswered", "table"),
    "measure_views": ("measure_views", "table"), "side_effects": ("measure_views", "side_effects"),
    "case_reuse": ("case_reuse", "table"),
}  # fmt: skip

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
    if math.isfinite(finding.low):
        assert finding.low <= finding.estimate <= finding.high


@every
def test_both_languages_say_the_same_numbers(key, verdict):
    finding = describe(key, made.made(key, verdict))
    headline = words.entry(STEM, "headline", key, verdict)
    assert PARTS <= set(headline) <= PARTS | {"owner", "due_days"} and ("owner" in headline) == ("due_days" in headline)
    wordings = [headline[part] for part in headline if part != "due_days"]
    wordings += [words.entry(STEM, "caption", key, verdict)] if key in PLOTS else []
    for wording in wordings:
        values = dict(finding.values) | {"due": "2026-10-30"}
        said = [words.fill(wording[language], values, language) for language in words.LANGUAGES]
        assert not any("nan" in text or "{" in text for text in said)
        numbers = [re.findall(r"[\d.,]*\d", text) for text in said]
        assert sorted(numbers[0]) == sorted(numbers[1]), said


@every
def test_what_may_not_be_concluded_is_worded(key, verdict):
    result = made.made(key, verdict)
    assert sample(result) > 0
    for code, values in limits(result).items():
        assert all(words.text("page", "limit", code, language=language, **values) for language in words.LANGUAGES)


@pytest.mark.parametrize("key", made.VERDICTS)
def test_there_is_no_headline_for_a_verdict_nobody_gives(key):
    known = words.catalogue(STEM)
    assert set(known["headline"][key]) == set(made.VERDICTS[key])
    assert set(known["caption"].get(key, made.VERDICTS[key])) == set(made.VERDICTS[key])
    assert known["reference"][key]


@pytest.mark.parametrize("table", TABLES)
@both
def test_every_column_of_a_table_is_there_and_reads(table, language):
    key, part = TABLES[table]
    spec = words.entry(STEM, "table", table)
    for verdict in made.VERDICTS[key]:
        frame = getattr(made.made(key, verdict), part)
        assert {column["from"] for column in spec["columns"]} <= set(frame.columns)
        html = fragments.table(frame, spec, language, {}) if len(frame) else ""
        assert ">nan<" not in html.lower() and "<na>" not in html.lower()


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


@pytest.mark.parametrize(("key", "verdict"), [each for each in made.EVERY if each[0] in PLOTS])
def test_every_verdict_that_is_drawn_can_be_drawn(key, verdict):
    if verdict not in words.entry(STEM, "figure", key).get("undrawn", ()):
        drawn(key, made.made(key, verdict))


def test_the_funnel_draws_every_suggestion_once_a_stage():
    result = made.made("suggestions", "ideas_lost")
    widths = [sum(bar.get_width() for bar in stack) for stack in zip(*drawn("suggestions").containers, strict=True)]
    assert widths == result.table["reached"].to_list()


def test_many_series_are_counted_by_indicator():
    units = [f"u{place}" for place in range(21)]
    values = pd.concat([made.values(85, 70, 85).assign(unit_id=unit) for unit in units])
    result = unanswered_results(values, made.INDICATORS, as_of=made.AS_OF)
    ax = drawn("unanswered", result)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["First fix"]
    assert sum(bar.get_width() for stack in ax.containers for bar in stack) == 21
    few = unanswered_results(values[values["unit_id"].isin(units[:20])], made.INDICATORS, as_of=made.AS_OF)
    assert len(drawn("unanswered", few).get_yticklabels()) == 20
