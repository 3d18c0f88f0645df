"""What is said and drawn of the register: every verdict, in both languages."""

import made_register as made
import pandas as pd
import pytest
import test_figures
from test_figures import drawn

from sqlib import fragments, words
from sqlib.methods.unanswered_results import unanswered_results

STEM = "improvement_effect"
PLOTS = [key for key in made.VERDICTS if ("improvement_effect", key) in test_figures.EVERY]
TABLES = {  # table -> finding whose result holds it, and the frame
    "register": ("register", "table"), "register_measures": ("register", "measures"),
    "implementation": ("implementation", "measures"), "suggestions": ("suggestions", "table"),
    "suggestion_teams": ("suggestions", "teams"), "suggestion_reasons": ("suggestions", "reasons"),
    "suggestion_kinds": ("suggestions", "kinds"), "unanswered": ("unanswered", "table"),
    "measure_views": ("measure_views", "table"), "side_effects": ("measure_views", "side_effects"),
    "case_reuse": ("case_reuse", "table"),
}  # fmt: skip

both = pytest.mark.parametrize("language", words.LANGUAGES)


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


@pytest.mark.parametrize(("key", "verdict"), [each for each in made.EVERY if each[0] in PLOTS])
def test_every_verdict_that_is_drawn_can_be_drawn(key, verdict):
    if verdict not in words.entry(STEM, "figure", key).get("undrawn", ()):
        drawn(key, made.made(key, verdict), stem=STEM)


def test_the_funnel_draws_every_suggestion_once_a_stage():
    result = made.made("suggestions", "ideas_lost")
    widths = [
        sum(bar.get_width() for bar in stack) for stack in zip(*drawn("suggestions", stem=STEM).containers, strict=True)
    ]
    assert widths == result.table["reached"].to_list()


def test_many_series_are_counted_by_indicator():
    units = [f"u{place}" for place in range(21)]
    values = pd.concat([made.values(85, 70, 85).assign(unit_id=unit) for unit in units])
    result = unanswered_results(values, made.INDICATORS, as_of=made.AS_OF)
    ax = drawn("unanswered", result, stem=STEM)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["First fix"]
    assert sum(bar.get_width() for stack in ax.containers for bar in stack) == 21
    few = unanswered_results(values[values["unit_id"].isin(units[:20])], made.INDICATORS, as_of=made.AS_OF)
    assert len(drawn("unanswered", few, stem=STEM).get_yticklabels()) == 20
