"""The demo report, made once as a consultant makes it: both languages agree and the planted truths are found."""

import base64
import calendar
import csv
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from test_demo import lines

from sqlib import notebook, words
from sqlib.findings import COLUMNS

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "data" / "demo"
WORLD = tomllib.loads((DEMO / "jiahe.toml").read_text(encoding="utf-8"))
TRUTH = tomllib.loads((DEMO / "jiahe" / "truth.toml").read_text(encoding="utf-8"))
STEM = "feedback_analysis"
STRANGERS = TRUTH["period"][
    "unlinked"
]  # satisfied answers of no known customer: in the totals, in one team and channel

NUMBER = re.compile(r"[\u2212+]?\d+(?:,\d{3})*(?:\.\d+)?")
MONTH = rf"(?<=\d )(?:{'|'.join(calendar.month_name[1:])})(?= \d{{4}})"
LATIN = re.compile(r"[A-Za-z][A-Za-z_]*")
BRACKET = {
    "zh": re.compile("\uff08([^\uff08\uff09]*\uff5e[^\uff08\uff09]*)\uff09"),
    "en": re.compile(r"\(([^()]* CI [^()]*)\)"),
}
ALLOWED = {
    "NPS",
    "CES",
    "n",
    "p",
    "t",
    "z",
    "BH",
    "SHA",
    "V",
    "coding",
}  # names and symbols of the field, the same in Chinese
FILES = r"raw/\S+\.(?:csv|xlsx)|(?:problems|needs)\.xlsx|sqlib coding|METHODS\.md|\d{4}[QH]\d|\b[0-9a-f]{12}\b"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "reports"
    run = [sys.executable, "-m", "sqlib", "demo", "--out", str(out)]
    done = subprocess.run(run, cwd=ROOT, env=os.environ | {"SQLIB_LANGUAGE": "en"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(out / "index.html") in done.stdout
    return out


@pytest.fixture(scope="module")
def place(out):
    return out / "jiahe" / "2026Q3" / "management"


@pytest.fixture(scope="module")
def html(place):
    return {code: (place / f"{STEM}.{code}.html").read_text(encoding="utf-8") for code in words.LANGUAGES}


@pytest.fixture(scope="module")
def soup(html):
    """The pages as read: without style and script."""
    read = {code: BeautifulSoup(text, "html.parser") for code, text in html.items()}
    for page in read.values():
        for tag in page(["style", "script"]):
            tag.decompose()
    return read


@pytest.fixture(scope="module")
def found(place):
    """Findings by key, in both languages."""
    harvests = {code: notebook.harvest(notebook.read(place / f"{STEM}.{code}.ipynb")) for code in words.LANGUAGES}
    return {code: {finding["key"]: finding for finding in harvest["findings"]} for code, harvest in harvests.items()}


def rows(place, name: str) -> list[dict]:
    with (place / "tables" / STEM / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def numbers(page: BeautifulSoup) -> Counter:
    """Every number of a page; an English month counts as the number it is in Chinese."""
    text = re.sub(MONTH, lambda match: f" {list(calendar.month_name).index(match[0])} ", page.get_text(" "))
    return Counter(NUMBER.findall(text))


# ---------------------------------------------------------------- both languages


def test_findings_are_the_same_in_both_languages(found):
    bare = {code: [{**f, "parts": None} for f in by_key.values()] for code, by_key in found.items()}
    assert bare["zh"] == bare["en"] and len(bare["zh"]) >= 5


def test_every_number_is_the_same_in_both_languages(soup):
    zh, en = (numbers(soup[code]) for code in words.LANGUAGES)
    assert zh == en
    assert zh.total() > 800


def test_the_chinese_page_holds_no_english_but_names_and_symbols(soup):
    text = re.sub(FILES, " ", soup["zh"].get_text(" "))
    grade = soup["zh"].select_one(".sq-strip").find_all("b")[-1].get_text()
    settings = {
        cell.get_text() for row in soup["zh"].select("table")[-1].select("tbody tr") for cell in row.select("td")
    }
    names = {word for text in settings for word in LATIN.findall(text)}
    assert names >= {"compare_to", "min_group"} and grade in "ABCD"
    assert sorted(set(LATIN.findall(text)) - ALLOWED - names - {grade}) == []


def test_the_english_page_holds_no_chinese_but_the_clients_own_words(soup, html):
    han = re.compile("[\u3400-\u9fff\uff01-\uff5e\u3000-\u303f]+")
    said = {
        text
        for path in ("report", "page", "common", STEM)
        for text in han.findall(json.dumps(_zh(words.catalogue(path)), ensure_ascii=False))
    }
    shown = Counter(han.findall(soup["en"].get_text(" ")))
    assert [text for text in shown if text in said] == []
    assert '<html lang="en"' in html["en"] and '<html lang="zh' in html["zh"]


def _zh(entry):
    if isinstance(entry, dict):
        return [_zh(inside) for name, inside in entry.items() if name != "en"]
    return [_zh(inside) for inside in entry] if isinstance(entry, list) else entry


# ---------------------------------------------------------------- what is planted is found


def test_the_level_counts_every_answer_of_the_period(found):
    level = found["zh"]["level"]
    assert level["n"] == TRUTH["period"]["answers"]
    assert round(level["estimate"] * level["n"]) == TRUTH["period"]["satisfied"] + STRANGERS
    assert level["low"] < level["target"] < level["high"] and level["verdict"] == "unclear"


def test_the_change_that_is_none_is_not_told_as_one(found, place):
    change = found["zh"]["change"]
    before = next(row for row in rows(place, "change") if row["indicator"] == "csat")
    assert change["verdict"] == "not_distinguishable" and change["low"] < 0.02 < change["high"]
    assert float(before["previous_n"]) == TRUTH["previous"]["linked"]
    assert round(float(before["previous"]) * TRUTH["previous"]["linked"]) == TRUTH["previous"]["satisfied"]


def test_the_silent_segment_and_no_other_is_called_silent(found, place):
    table = {row["group"]: row for row in rows(place, "response")}
    assert {name: int(row["base"]) for name, row in table.items()} == TRUTH["base"]
    assert {name: int(row["answered"]) for name, row in table.items()} == TRUTH["answered"]
    assert [name for name, row in table.items() if row["verdict"] in ("silent", "under")] == [
        WORLD["segments"]["silent"]
    ]
    assert found["zh"]["response"]["subject"] == f"segment={WORLD['segments']['silent']}"


def test_the_real_weak_point_and_no_other_says_act_now(found, place):
    table = {(row["family"], row["cell"]): row for row in rows(place, "weak_points")}
    weak, spurious = (("team", WORLD["teams"][name]) for name in ("weak", "spurious"))
    assert [cell for cell, row in table.items() if row["verdict"] == "act_now"] == [weak]
    assert float(table[weak]["adjusted_low"]) < WORLD["effect"]["weak_team"] < float(table[weak]["adjusted_high"])
    assert table[spurious]["verdict"] in ("no_signal", "too_few")
    assert float(table[spurious]["crude"]) < 0
    assert float(table[spurious]["adjusted_low"]) < 0 < float(table[spurious]["adjusted_high"])
    assert found["zh"]["weak_points"]["subject"] == "=".join(weak)


@pytest.mark.parametrize("family", ["team", "channel"])
def test_cells_hold_the_counts_of_the_world_and_the_strangers(place, family):
    extra = []
    for row in rows(place, "weak_points"):
        if row["family"] == family:
            n, satisfied = float(row["n"]), round(float(row["estimate"]) * float(row["n"]))
            truth = TRUTH["cells"][family][row["cell"]], TRUTH["satisfied"][family][row["cell"]]
            extra.append((n - truth[0], satisfied - truth[1]))
    assert sorted(extra) == [(0, 0)] * (len(extra) - 1) + [(STRANGERS, STRANGERS)]


def test_the_rising_theme_and_no_other_is_called_rising(found, place):
    table = {row["theme"]: row for row in rows(place, "themes")}
    assert [name for name, row in table.items() if row["verdict"] == "rising"] == [WORLD["effect"]["rising_theme"]]
    assert found["zh"]["themes"]["subject"] == WORLD["effect"]["rising_theme"]
    for name, planted in TRUTH["themes"]["period"].items():
        assert abs(int(table[name]["comments"]) - planted) <= 2, name


def test_the_call_back_list_counts_low_scores_without_a_case(found, place):
    assert found["zh"]["call_back"]["estimate"] == TRUTH["period"]["low_without_case"]
    assert found["zh"]["call_back"]["strength"] == "exact"
    assert not (place / "tables" / STEM / "call_back.csv").exists()  # individuals: internal version only


# ---------------------------------------------------------------- the page


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_estimate_of_a_core_finding_has_its_n_and_every_count_is_marked(found, language):
    exact = words.text("common", "strength", "exact", language=language).lower()
    for key, finding in found[language].items():
        statement = finding["parts"]["statement"]
        brackets = BRACKET[language].findall(statement)
        assert [text for text in brackets if not re.search(r"n ?= ?\d", text)] == [], key
        counted = finding["strength"] == "exact" and exact in statement.lower()
        assert brackets or counted or "%" not in statement, key


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_the_page_asks_nobody_for_anything(html, soup, language):
    assert not re.search(r"(?:https?:)?//[a-z]", html[language].split("base64,")[0])
    assert "http:" not in html[language] and "https:" not in html[language]
    assert not soup[language](["link", "iframe", "object", "base"])
    assert all(tag["src"].startswith("data:") for tag in soup[language](src=True))
    assert all(tag["href"].startswith("#") for tag in soup[language](href=True))
    assert "@import" not in html[language] and not re.search(r"url\((?!['\"]?(?:data:|#))", html[language])


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_image_is_drawn_and_said_in_words(soup, language):
    from matplotlib.image import imread

    images = soup[language]("img")
    captions = [caption.get_text() for caption in soup[language].select(".sq-caption")]
    assert len(images) == len({image["src"] for image in images}) == 12
    for image in images:
        assert image["alt"] in captions
        pixels = imread(io.BytesIO(base64.b64decode(image["src"].partition(",")[2])))[..., :3]
        assert min(pixels.shape[:2]) >= 150
        assert (pixels < 0.9).any(axis=2).mean() > 0.005  # something is drawn
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50  # and more than a frame


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_nothing_unworded_reaches_the_reader(soup, language):
    text = soup[language].get_text(" ")
    assert not re.search(r"\{\w+\}|\b(?:nan|NaN|NaT|inf)\b|Traceback|<NA>", text)
    assert "None" not in list(soup[language].stripped_strings)
    assert len(soup[language]("h1")) == 1


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_no_cell_warned(place, language):
    """A glyph no font has, a number that overflowed: both would be a warning in the notebook."""
    nb = notebook.read(place / f"{STEM}.{language}.ipynb")
    streams = [
        output for cell in nb.cells for output in cell.get("outputs", ()) if output.output_type != "display_data"
    ]
    assert streams == []


def test_no_name_of_a_customer_or_a_person_leaves_the_folder_of_the_client(out):
    customers, cases = lines("customers"), lines("cases")
    names = {row["customer_name"] for row in customers} | {row["customer_name"] for row in lines("wechat")}
    people = {
        str(row[column]) for row in (*customers, *cases) for column in ("owner_staff_id", "staff_id") if column in row
    }
    names |= {name for name in people if name and not re.search(r"\d", name)}
    names -= {None, ""}
    assert len(names) > 300
    for path in out.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8-sig")
            assert [name for name in names if name in text] == [], path.name


# ---------------------------------------------------------------- the records around the page


def test_findings_csv_is_what_the_notebook_stored(out, found):
    with (out / "jiahe" / "2026Q3" / "findings.csv").open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.DictReader(file))
    assert list(written[0]) == list(COLUMNS)
    written = [row for row in written if row["stem"] == STEM]
    stored = sorted(found["zh"].values(), key=lambda finding: finding["finding_id"])
    for row, finding in zip(written, stored, strict=True):
        assert row == {name: "" if finding[name] is None else str(finding[name]) for name in COLUMNS}


def test_the_run_record_names_no_folder_of_this_machine(out):
    text = (out / "jiahe" / "2026Q3" / "run.json").read_text(encoding="utf-8")
    (job,) = (job for job in json.loads(text)["jobs"] if job["stem"] == STEM)
    assert job["status"] == "done" and list(job["languages"]) == list(words.LANGUAGES)
    assert str(ROOT) not in text and str(out) not in text
    assert not list(out.glob(".staging*"))


def test_the_index_leads_to_both_reports_and_shows_the_core_findings(out, found):
    index = BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser")
    links = [link["href"] for link in index("a") if link["href"].endswith(".html") and STEM in link["href"]]
    assert sorted(links) == [f"jiahe/2026Q3/management/{STEM}.{code}.html" for code in sorted(words.LANGUAGES)]
    shown = " ".join(item.get_text() for item in index("li"))
    assert all(finding["parts"]["statement"] in shown for finding in found["en"].values())
