"""What tiers, bands, reliable change and fairness say and show: every verdict in both languages, every figure drawn."""

import io
import json
import warnings

import pytest
from calibrated import calibrated
from made_decisions import CUTS, EVERY, fair, made, people, rated, tiers

from sqlib import figures, findings, fragments, style, words
from sqlib.finders import tiers as tiers_finder
from sqlib.methods.tiers import decisions

both = pytest.mark.parametrize("language", words.LANGUAGES)
PLOTS = {
    "tiers": figures.plot_calibration,
    "bands": figures.plot_tiers,
    "fairness": figures.plot_rater_fairness,
}
every = pytest.mark.parametrize(("key", "verdict"), EVERY)


@every
def test_every_verdict_is_worded_in_both_languages(key, verdict):
    result = made(key, verdict)
    finding = findings.describe(key, result)
    assert finding.verdict == verdict
    values = dict(finding.values) | {"due": "2026-12-31"}
    parts = words.entry("appraisal_calibration", "headline", key, verdict)
    assert {"statement", "compared", "so_what", "decision"} <= set(parts) and ("due_days" in parts) == (
        "owner" in parts
    )
    captions = words.catalogue("appraisal_calibration")["caption"].get(key, {})  # what is drawn has one
    texts = [captions[verdict]] if captions else []
    texts += [part for name, part in parts.items() if name != "due_days"]
    for text in texts:
        for language in words.LANGUAGES:
            said = words.fill(text[language], values, language)
            assert "nan" not in said.lower().split() and "None" not in said
    record = finding.record(client="c", period="2026", stem="appraisal_calibration")
    assert json.loads(json.dumps(record, allow_nan=False)) == record and record["verdict"] == verdict
    assert words.entry("common", "verdict", verdict) and words.entry("common", "strength", finding.strength)


@every
def test_what_may_not_be_concluded_is_worded(key, verdict):
    for code, values in findings.limits(made(key, verdict)).items():
        for language in words.LANGUAGES:
            assert words.text("page", "limit", code, language=language, **values)


def test_nothing_recommends_a_consequence_for_a_person():
    known = words.catalogue("appraisal_calibration")["headline"]
    banned = ("dismiss", "demote", "penal", "cut pay", "promote ")
    for key in ("tiers", "bands", "reliable_change", "fairness"):
        for verdict in known[key].values():
            assert not any(word in verdict["decision"]["en"].lower() for word in banned)


@pytest.mark.parametrize(
    ("amount", "said"), [(9_972.4, 10_000), (8_360, 8_400), (12.3, 12), (0.0, 0.0)], ids=["9972", "8360", "12", "0"]
)
def test_an_expected_amount_is_said_to_two_digits(amount, said):
    assert tiers_finder._about(amount) == said


def test_the_number_in_the_headline_is_the_one_of_the_table():
    result = made("tiers", "hang_on_rater")
    finding = findings.describe("tiers", result)
    assert (finding.values["hanging"].value, finding.values["bonuses"].value) == (2, 2)
    assert finding.estimate == result.expected_wrong_raw and finding.n == 3
    lower = findings.describe("fairness", made("fairness", "rates_lower"))
    assert lower.subject == "team=north" and lower.low < -2 < lower.high and lower.strength == "strong"


TABLES = {
    "tiers": (("tiers", "hang_on_rater"), "tiers"),
    "tier_people": (("tiers", "hang_on_rater"), "ratees"),
    "reliable_change": (("reliable_change", "moved"), "table"),
    "fairness": (("fairness", "rates_lower"), "table"),
    "fairness_tests": (("fairness", "rates_lower"), "tests"),
}


@both
@pytest.mark.parametrize("name", TABLES)
def test_tables_find_their_columns(name, language):
    case, frame = TABLES[name]
    table = getattr(made(*case), frame)
    columns = words.entry("appraisal_calibration", "table", name)["columns"]
    for column in columns:
        assert column["from"] in table or f"{column['from']}_low" in table, column
    for row in table.to_dict("records"):
        assert fragments._row(row, columns, language, {}).count("<td") == len(columns)


# --- figures ----------------------------------------------------------------------------------------------------


def drawn(key, result, language="en", **options):
    with style.theme(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = PLOTS[key](result, language=language, **options)
        ax.figure.savefig(io.BytesIO(), format="png")
    return ax


def texts(ax):
    return [text.get_text() for text in ax.texts]


@both
@pytest.mark.parametrize(
    ("key", "verdict"),
    [each for each in EVERY if each[0] in PLOTS and each[0] in words.catalogue("appraisal_calibration")["figure"]],
)
def test_every_result_with_a_figure_is_drawn(key, verdict, language):
    if verdict in words.entry("appraisal_calibration", "figure", key).get("undrawn", ()):
        return
    assert drawn(key, made(key, verdict), language).get_xlabel()


def test_the_dumbbell_shows_who_changes_tier_and_the_cut_points():
    ax = drawn("tiers", tiers(91, 79, 70, raw=[85, 85, 70]))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "p0", "p1", "p2"]
    said = " ".join(texts(ax))
    assert "B → A" in said and "B → C" in said and "A from here" in said
    hollow = next(line for line in ax.lines if line.get_markerfacecolor() == "white" and len(line.get_xdata()) == 3)
    assert list(hollow.get_xdata()) == [85, 85, 70]


def test_of_many_people_those_whose_tier_changes_are_drawn_and_the_rest_counted():
    frame, covariance, _ = calibrated(people=80, raters=8)
    result = decisions(frame, covariance, cuts=CUTS)
    ax = drawn("tiers", result, most=30)
    shown = {label.get_text() for label in ax.get_yticklabels()}
    assert set(result.ratees.query("changed")["ratee_id"]) <= shown and "50 people are not drawn" in ax.get_xlabel()
    assert "50 people" in drawn("bands", result, most=30).get_xlabel()


def test_without_tiers_the_dumbbell_shows_the_scores():
    class Calibration:
        ratees = people(3.0, 4.0).assign(low=[2.0, 3.0], high=[4.0, 5.0])

    ax = drawn("tiers", Calibration())
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "p1", "p0"]
    assert ax.get_xlabel() == words.text("figures", "score_axis", language="en")


def test_tier_bars_add_up_and_bands_are_parted():
    result = tiers(95, 85, 70)
    ax = drawn("bands", result)
    ends = {}
    for bar in ax.patches:
        ends[round(bar.get_y(), 3)] = max(ends.get(round(bar.get_y(), 3), 0), bar.get_x() + bar.get_width())
    assert list(ends.values()) == pytest.approx([1, 1, 1])
    assert [text for text in texts(ax) if text.startswith("band")] == ["band 1", "band 2", "band 3"]


@pytest.mark.parametrize(("bias", "lower"), [(-2.0, "north"), (2.0, "south")])
def test_of_two_groups_the_one_scored_lower_is_drawn_as_it_is_named(bias, lower):
    found = fair(rated(bias=bias))
    ax = drawn("fairness", found)
    assert [label.get_text().split(" · ")[1].split()[0] for label in ax.get_yticklabels()] == [lower] * 4
    assert findings.describe("fairness", found).values["group"].value == lower
    assert "rates lower" in texts(ax)
