"""HTML fragments: what comes from data is escaped, what is missing is a dash, numbers read as in the text."""

import re
import tomllib
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import made_pages
import made_results as made
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import findings, fragments, words

SAMPLE = tomllib.loads((Path(__file__).parent / "data" / "fragments.toml").read_text(encoding="utf-8"))
NASTY = ("<script>alert(1)</script>", '=HYPERLINK("http://x","y")', "a & b \"q\" 'p'", "<img src=x onerror=alert(1)>")
TAGS = {"p", "ul", "li", "div", "b", "span", "section", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td"}
DASH = {
    "zh": words.text("common", "term", "missing", language="zh"),
    "en": words.text("common", "term", "missing", language="en"),
}
SHOWN = {"level", "response", "weak_points", "themes", "change", "drivers", "penalty_reward", "kano"}
TABLES = [("feedback_analysis", key, verdict) for key, verdict in made.EVERY if key in SHOWN]
OF_PEOPLE = {"reliable_change", "fairness", "reliability", "sources", "criteria", "after_reward"}
TABLES += [(stem, key, verdict) for stem, key, verdict in made_pages.EVERY if stem != TABLES[0][0] and key in OF_PEOPLE]


class Seen(HTMLParser):
    """Tags, attributes and text of a fragment as a browser takes them; tags must close in order."""

    def __init__(self, fragment: str):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = [], [], [], []
        self.feed(fragment)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def row(**changes) -> dict:
    return SAMPLE["row"] | {"received_at": made.DAY} | changes


def table(language="en", **changes) -> str:
    return fragments.table(pd.DataFrame([row(**changes)]), SAMPLE["spec"], language, SAMPLE["names"])


def cells(fragment: str) -> list[str]:
    return [unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall("<td[^>]*>(.*?)</td>", fragment)]


def column(name: str, language="en", **changes) -> str:
    place = [each["from"] for each in SAMPLE["spec"]["columns"]].index(name)
    return cells(table(language, **changes))[place]


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_format(language):
    assert cells(table(language)) == SAMPLE["printed"][language]


def test_an_optional_column_nobody_fills_is_left_out():
    spec = {"columns": [
        {"from": "team", "format": "text", "label": {"en": "Team"}},
        {"from": "paid", "format": "count", "label": {"en": "Paid"}, "optional": True},
    ]}  # fmt: skip
    for paid, heads in ((np.nan, ["Team"]), (0.0, ["Team", "Paid"])):
        shown = fragments.table(pd.DataFrame({"team": ["a"], "paid": [paid]}), spec, "en", {})
        assert re.findall(r"<th[^>]*>(\w+)</th>", shown) == heads


def test_numbers_stand_right_and_texts_left():
    marked = re.findall("<td([^>]*)>", table())
    textual = [each["format"].split(".")[0] in fragments.TEXTUAL for each in SAMPLE["spec"]["columns"]]
    assert [mark == "" for mark in marked] == textual
    assert marked.count(' class="num"') == len(marked) - sum(textual) == 7


# ---------------------------------------------------------------- escaping


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("name", ["customer", "cell", "group", "family"])
def test_a_table_shows_what_the_client_wrote_and_runs_none_of_it(name, text):
    seen = Seen(table(**{name: text}))
    assert set(seen.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "span"}
    assert {attribute for attribute, _ in seen.attributes} <= {"class", "scope"}
    assert text in column(name, **{name: text})


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=9)), max_size=4).map("".join))
def test_any_text_at_all_comes_out_as_it_went_in(text):
    for fragment in (
        fragments.paragraph("note", text),
        fragments.listing([text]),
        fragments.strip([(text, text)]),
        fragments.finding("weak", {"statement": text, "decision": text}, "en"),
        fragments.table(pd.DataFrame([row(customer=text)]), SAMPLE["spec"], "en", {"slow": text}),
    ):
        seen = Seen(fragment.replace("\r", ""))
        assert set(seen.tags) <= TAGS
        assert text.replace("\r", "").strip() in "".join(seen.text)


def test_headings_are_escaped_too():
    assert '<th scope="col">Customer &lt;b&gt;</th>' in table()


# ---------------------------------------------------------------- what is missing


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize("name", ["customer", "cell", "theme", "received_at", "n", "share", "target", "estimate"])
def test_what_is_missing_is_a_dash(name, nothing, language):
    assert column(name, language, **{name: nothing}) == DASH[language]


def test_an_estimate_without_an_interval_stands_alone():
    assert column("estimate", low=np.nan, high=np.nan) == "80%"
    assert column("change", change_low=np.nan, change_high=np.nan) == "+5"
    assert column("rank", rank_low=np.nan, rank_high=np.nan) == DASH["en"]


def test_an_endless_interval_shows_its_one_end():
    assert column("estimate", unit="ratio", estimate=1.5, low=1.2, high=np.inf) == f"1.50 (1.20 to {DASH['en']})"


def test_an_empty_frame_is_a_table_without_rows():
    assert "<tbody></tbody>" in fragments.table(pd.DataFrame(), SAMPLE["spec"], "en", {})


# ---------------------------------------------------------------- verdicts and findings


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("code", words.catalogue("common")["verdict"])
def test_a_verdict_is_mark_words_and_tone(code, language):
    entry = words.entry("common", "verdict", code)
    assert cells(f"<td>{fragments.verdict(code, language)}</td>") == [f"{entry['mark']} {entry[language]}"]
    assert f'class="sq-verdict sq-{entry["tone"]}"' in fragments.verdict(code, language)


def test_a_rise_is_bad_where_low_is_best():
    assert "sq-good" in table(verdict="higher") and "sq-bad" in table(verdict="higher", best="low")


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_finding_shows_its_parts_in_their_order(language):
    parts = {part: f"{part} text" for part in ("statement", *reversed(fragments.PARTS))}
    seen = Seen(fragments.finding("moderate", parts, language))
    assert [text for text in seen.text if text.endswith(" text") and "statement" not in text] == [
        f"{part} text" for part in fragments.PARTS
    ]
    entry = words.entry("common", "strength", "moderate")
    assert seen.text[0] == entry["mark"] and ("title", entry[language]) in seen.attributes


def test_a_part_that_is_not_said_is_left_out():
    fragment = fragments.finding("none", {"statement": "s", "decision": "d", "owner": ""}, "en")
    assert fragment.count("<dt>") == fragment.count("<dd>") == 1


# ---------------------------------------------------------------- the tables of the page


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize(("stem", "key", "verdict"), TABLES)
def test_the_tables_of_the_page_read_the_columns_of_the_results(stem, key, verdict, language):
    result = made_pages.made(stem, key, verdict)
    spec = words.entry(stem, "table", "satisfaction" if key == "level" else key)
    assert {each["from"] for each in spec["columns"] if each["format"] != "range"} <= set(result.table.columns)
    seen = Seen(fragments.table(result.table, spec, language, made.LABELS))
    assert seen.tags.count("tr") == 1 + len(result.table)
    assert not re.search(r"nan|NaN|None|<NA>", "".join(seen.text))


def test_both_languages_of_a_table_print_the_same_numbers():
    for stem, key, verdict in TABLES:
        result = made_pages.made(stem, key, verdict)
        spec = words.entry(stem, "table", "satisfaction" if key == "level" else key)
        shown = [cells(fragments.table(result.table, spec, language, made.LABELS)) for language in words.LANGUAGES]
        zh, en = ([re.findall(r"\d[\d.,]*", cell) for cell in each] for each in shown)
        assert zh == en


def test_a_part_of_the_service_is_named_as_its_contract_words_it():
    spec = {"columns": [{"from": "driver", "format": "item", "label": {"zh": "x", "en": "x"}}]}
    shown = cells(fragments.table(pd.DataFrame({"driver": ["reliability", NASTY[0]]}), spec, "en", {}))
    assert shown == ["Reliability", NASTY[0]]


def test_an_interval_takes_the_limits_of_its_own_name_first():
    spec = {"columns": [{"from": "share", "format": "interval percent", "label": {"zh": "x", "en": "x"}}]}
    row = {"share": 0.5, "low": 0.4, "high": 0.6}
    plain, own = (cells(fragments.table(pd.DataFrame([each]), spec, "en", {})) for each in
                  (row, row | {"share_low": 0.3, "share_high": 0.7}))  # fmt: skip
    assert "40" in plain[0] and "30" in own[0]


def test_an_interval_carries_the_sign_asked_for_and_says_why_it_is_blank():
    column = {"from": "gap", "format": "interval ratio", "signed": True, "label": {"zh": "x", "en": "x"}}
    spec = {"columns": [column | {"blank": {"zh": "x", "en": "too few"}}]}
    frame = pd.DataFrame({"gap": [0.5, np.nan], "low": [0.4, np.nan], "high": [0.6, np.nan]})
    shown = cells(fragments.table(frame, spec, "en", {}))
    assert shown[0].startswith("+0.5") and "+0.6" in shown[0] and shown[1] == "too few"


def test_hidden_rows_show_no_number():
    result = made.cells({"a": (30, 10), "b": (2, 1), "c": (1, 1), "d": (30, 10)})
    hidden = result.table[result.table["verdict"].eq("hidden")]
    spec = words.entry("feedback_analysis", "table", "weak_points")
    for line in np.reshape(cells(fragments.table(hidden, spec, "en", {})), (len(hidden), -1)):
        assert set(line[2:]) == {DASH["en"]}
    assert findings.limits(result)["small_cells"]["count"] == len(hidden) >= 2
