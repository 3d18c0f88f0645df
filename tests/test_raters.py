"""Findings, words and figures of who rates whom and of how raters differ."""

import dataclasses
import io
import warnings

import numpy as np
import pytest
from made_raters import DESIGNS, EVERY, design, designed, firm, flagged, home, made

from sqlib import figures, findings, fragments, style, words

STEM = "appraisal_calibration"
both = pytest.mark.parametrize("language", words.LANGUAGES)


@pytest.fixture(scope="module")
def result():
    return firm()


@both
def test_every_verdict_is_reached_and_worded(language):
    for key, verdict in EVERY:
        given = made(key, verdict)
        finding = findings.describe(key, given)
        assert (finding.key, finding.verdict) == (key, verdict)
        assert words.entry("common", "verdict", verdict)
        values = dict(finding.values) | {"due": "2026-12-31"}
        parts = words.entry(STEM, "headline", key, verdict)
        texts = [words.fill(parts[part][language], values, language) for part in parts if part != "due_days"]
        if caption := words.catalogue(STEM)["caption"].get(key):  # what is drawn has one
            texts.append(words.fill(caption[verdict][language], values, language))
        assert all(texts) and len(texts) >= 4
        missing = words.text("common", "term", "missing", language=language)
        assert verdict == "cannot_tell" or not any(f" {missing}" in text for text in texts)


def test_limits_and_samples_are_worded(result):
    for given in (result, design("unlinked"), design("joint"), dataclasses.replace(result, pay_wording=False)):
        assert findings.sample(given) > 0
        for code, values in findings.limits(given).items():
            assert all(words.text("page", "limit", code, language=language, **values) for language in words.LANGUAGES)
    assert "not_for_pay" in findings.limits(dataclasses.replace(result, pay_wording=False))
    assert "unlinked" in findings.limits(design("unlinked"))


def test_design_asks_one_rater_and_says_what_it_buys():
    finding = findings.describe("design", design("unlinked"))
    said = words.fill(words.entry(STEM, "caption", "design", "unlinked")["en"], dict(finding.values), "en")
    assert "rates 3 more people" in said and "falls from" in said
    assert finding.strength == "exact" and finding.evidence == ("design", "links_to_add")
    assert finding.values["before"].value > finding.values["after"].value


def test_severity_names_the_farthest_rater_on_either_side(result):
    finding = findings.describe("severity", result)
    assert finding.values["rater"] in ("r0", "r1") and finding.strength == "moderate"
    assert "r0" in finding.values["severe"].items and "r1" in finding.values["lenient"].items
    assert finding.low <= finding.estimate <= finding.high and finding.reference == 0


def test_habit_names_the_clearest_rater_and_the_others(result):
    finding = findings.describe("halo", flagged(result, "halo"))
    assert {finding.values["rater"], *finding.values["also"].items} == {"r1", "r2"}
    assert finding.subject == "" and np.isnan(finding.low)  # no id in a record


TABLES = {  # table -> finding whose result holds it, and the frame
    "raters": ("severity", "differ", "raters"), "rater_fit": ("severity", "differ", "profiles"),
    "variance_components": ("severity", "differ", "variance_components"), "ratees": ("calibration", "apart", "ratees"),
    "links_to_add": ("design", "unlinked", "links_to_add"),
}  # fmt: skip


@both
@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_a_table_is_there_and_reads(table, language):
    key, verdict, part = TABLES[table]
    frame, spec = getattr(made(key, verdict), part), words.entry(STEM, "table", table)
    assert {each["from"] for each in spec["columns"] if each["format"] != "range"} <= set(frame.columns)
    shown = fragments.table(frame, spec, language, {})
    assert shown.count("<tr>") == 1 + len(frame) > 1 and "nan" not in shown and "None" not in shown


# ---------------------------------------------------------------- figures


def drawn(plot, given, language):
    with style.theme(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plot(given, language=language)
        ax.figure.savefig(io.BytesIO(), format="png")
    assert ax.get_title() == ""
    return ax


@both
def test_severity_is_drawn_in_the_order_of_the_ids_not_by_size(result, language):
    ax = drawn(figures.plot_severity, result, language)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert [name[:2] for name in names] == sorted(name[:2] for name in names)
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in dots], result.raters["difference"])


@both
def test_drift_draws_a_strip_a_rater_the_drifting_first(result, language):
    given = flagged(result, "drifting")
    ax = drawn(figures.plot_drift, given, language)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert {name[-2:] for name in names[:2]} == {"r1", "r2"} and len(names) == 5
    assert [label.get_text() for label in ax.get_xticklabels()] == list(result.drift["period"].unique())


@both
@pytest.mark.parametrize("verdict", DESIGNS)
def test_design_frames_what_may_be_compared(verdict, language):
    found = design(verdict)
    ax = drawn(figures.plot_rating_design, found, language)
    framed = [patch for patch in ax.patches if patch.get_linewidth() < 2]
    outlined = [patch for patch in ax.patches if patch.get_linewidth() > 2]
    assert len(framed) == found.blocks
    assert len(outlined) == (3 if verdict == "thin" else 0)
    cells = ax.collections[0].get_array()
    assert cells.sum() == found.incidence.sum()


def test_large_design_is_drawn_by_team():
    found = designed(home(3, teams=25), lambda p: f"T{p // 5:02}")
    ax = drawn(figures.plot_rating_design, found, "en")
    assert ax.collections[0].get_array().shape == (25, 25)
    assert ax.collections[0].get_array().sum() == found.incidence.sum()
