"""The page of all reports and the table of findings, rebuilt from what lies in the folder."""

import csv
import json
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
import sample_page
from bs4 import BeautifulSoup

from sqlib import notebook, portfolio, render, shelf
from sqlib.errors import SqlibError
from sqlib.findings import COLUMNS
from sqlib.words import catalogue

CLIENT = sample_page.TEXT["zh"]["client"]  # Chinese, with brackets
FOLDER = f"{CLIENT} 1#%"
AUDIENCE = "management"


def deliver(out: Path, client: str, period: str, languages=("zh", "en"), audience=AUDIENCE) -> dict:
    """Executed notebooks and reports of one page, and its job as ``run.json`` tells it."""
    files = {}
    for language in languages:
        path = out / client / period / audience / f"feedback_analysis.{language}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nb = sample_page.notebook(language, period=period)
        nbformat.write(nb, path)
        render.html(nb, path.with_suffix(".html"), language=language)
        relative = f"{audience}/{path.stem}"
        files[language] = {"notebook": f"{relative}.ipynb", "html": f"{relative}.html", "seconds": 1.2, "findings": 4}
    title = {language: sample_page.TEXT[language]["title"] for language in languages}
    return job("feedback_analysis", "done", title=title, languages=files, audience=audience)


def job(stem, status, *, title, reason=None, languages=None, audience=AUDIENCE):
    state = {"status": status, "reason": reason, "languages": languages or {}}
    return {"stem": stem, "title": title, "audience": audience, **state}


def record(out, client, period, *jobs):
    folder = out / client / period
    folder.mkdir(parents=True, exist_ok=True)
    run = {"client_id": client, "client_name": CLIENT, "period": period, "jobs": list(jobs)}
    (folder / "run.json").write_text(json.dumps(run, ensure_ascii=False), encoding="utf-8")


def page(out: Path, language="zh") -> BeautifulSoup:
    return BeautifulSoup(portfolio.portal(out, language=language).read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    reason = {"zh": sample_page.TEXT["zh"]["absent"], "en": sample_page.TEXT["en"]["absent"]}
    failed = job("inspection", "failed", title={"en": "Inspection <b>"}, reason=reason)
    record(out, FOLDER, "2026Q3", deliver(out, FOLDER, "2026Q3"), failed)
    record(out, FOLDER, "2026Q2", deliver(out, FOLDER, "2026Q2", ("en",)))
    return out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_link_leads_to_a_report(out, language):
    links = [link["href"] for link in page(out, language).main("a")]
    assert len(links) == 3
    assert all((out / unquote(link)).is_file() and "\\" not in link and " " not in link for link in links)


def test_it_says_client_period_title_state_reason_and_findings(out):
    zh, words, said = page(out, "zh"), sample_page.TEXT["zh"], catalogue("common")
    assert [h2.get_text() for h2 in zh("h2")] == [CLIENT]
    assert [h3.get_text() for h3 in zh("h3")] == ["2026Q3", "2026Q2"]
    assert [h4.get_text() for h4 in zh("h4")] == [words["title"], "Inspection <b>", sample_page.TEXT["en"]["title"]]
    first, failed, english = zh(class_="job")
    statements = [finding["statement"] for finding in words["findings"]]
    assert [finding.get_text() for finding in first(class_="statement")] == statements
    unclear = said["verdict"]["unclear"]
    chips = {chip.get_text() for chip in first.find(class_="findings")(class_="sq-verdict")}
    assert chips == {f"{unclear['mark']} {unclear['zh']}"}
    assert [dots.get_text() for dots in first(class_="sq-strength")] == list(words["dots"].values())
    assert failed["data-status"] == "failed"
    assert failed.find(class_="reason").get_text() == words["absent"]
    assert english.find(class_="statement")["lang"] == "en"
    assert first.time["datetime"] == "2026-09-30"


def test_it_loads_nothing_and_runs_only_its_own_script(out):
    zh = page(out)
    (script,) = zh("script")
    assert not script.attrs
    assert script.get_text() == (Path(render.__file__).parent / "style/portal/portal.js").read_text(encoding="utf-8")
    policy = zh.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert "script-src 'sha256-" in policy and "default-src 'none'" in policy
    assert zh.form.has_attr("hidden")  # shown by the script alone
    assert not any(tag.has_attr("src") for tag in zh(True))
    assert not zh("link")


def test_it_is_rebuilt_to_the_same_bytes(out):
    first = portfolio.portal(out).read_bytes()
    assert portfolio.portal(out).read_bytes() == first


def test_reports_without_a_record_are_found_and_half_run_notebooks_are_not(tmp_path):
    deliver(tmp_path, "a", "2026Q3")
    nbformat.write(sample_page.notebook("zh"), tmp_path / "a" / "2026Q3" / AUDIENCE / "inspection.zh.ipynb")
    nbformat.write(sample_page.notebook("zh"), tmp_path / "a" / "2026Q3" / AUDIENCE / "people.zh.failed.ipynb")
    cards = page(tmp_path)(class_="job")
    assert [card.h4.get_text() for card in cards] == [sample_page.TEXT["zh"]["title"]]
    assert len(cards[0]("a")) == 2


def test_a_failed_report_shows_no_findings_and_a_missing_file_no_link(tmp_path):
    told = deliver(tmp_path, "a", "2026Q3", ("zh",))
    (tmp_path / "a" / "2026Q3" / told["languages"]["zh"]["html"]).unlink()
    record(tmp_path, "a", "2026Q3", told, {**told, "stem": "other", "status": "failed"})
    done, failed = page(tmp_path)(class_="job")
    assert not done("a") and render.wording("portal", "zh")["missing"] in done.get_text()
    assert done("li") and not failed("li")


def test_an_empty_folder_gets_a_clear_answer(tmp_path):
    assert render.wording("portal", "en")["empty"] in page(tmp_path, "en").get_text()


LATE = '{"client_id": "a", "client_name": "a", "period": "2026Q3", "jobs": [{"stem": "x", "status": "late"}]}'
MISSHAPEN = LATE.replace("late", "done").replace('"done"', '"done", "languages": {"zh": {"html": [1]}}')


@pytest.mark.parametrize("text", ["{", "[1]", '{"client_id": 7}', LATE, MISSHAPEN])
def test_a_damaged_record_is_named_and_costs_nobody_a_report(tmp_path, text):
    for client in ("a", "b"):
        record(tmp_path, client, "2026Q3", deliver(tmp_path, client, "2026Q3", ("zh",)))
    broken = tmp_path / "a" / "2026Q3" / "run.json"
    broken.write_text(text, encoding="utf-8")
    with pytest.raises(SqlibError) as error:
        shelf.run(broken.parent)
    assert error.value.code == "portfolio.run_unreadable" and str(broken) in error.value.text("zh")
    shown = page(tmp_path)
    (fault,) = shown("p", class_="job")
    assert "a/2026Q3/run.json" in fault.get_text() and str(tmp_path) not in shown.get_text()
    assert len(shown("article")) == 2  # the report beside the damaged record is found, and that of the other client


def test_a_damaged_notebook_is_named_and_its_report_stays(tmp_path):
    record(tmp_path, "a", "2026Q3", deliver(tmp_path, "a", "2026Q3", ("zh",)))
    (tmp_path / "a" / "2026Q3" / AUDIENCE / "feedback_analysis.zh.ipynb").write_text('{"cells": 3', encoding="utf-8")
    shown = page(tmp_path)
    assert "feedback_analysis.zh.ipynb" in shown.find("p", class_="job").get_text()
    assert len(shown.article("a")) == 1 and not shown.article("li")


def test_every_format_that_lies_there_is_linked_told_or_not(tmp_path):
    told = deliver(tmp_path, "a", "2026Q3", ("zh",))
    own, stem = tmp_path / "a" / "2026Q3" / AUDIENCE, told["stem"]
    made = [f"{stem}.zh.pdf", f"{stem}.zh.docx", f"{stem}.en.pptx", f"{stem}.xlsx"]
    for name in [*made, f"tables/{stem}/themes.csv", f"figures/{stem}.zh/01_level.png"]:
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).touch()
    record(tmp_path, "a", "2026Q3", told)
    usual = [unquote(link["href"]).removeprefix(f"a/2026Q3/{AUDIENCE}/") for link in page(tmp_path).article("a")]
    figures, tables = f"figures/{stem}.zh/", f"tables/{stem}/"
    assert usual == [f"{stem}.zh.html", *made[:2], figures, *made[2:], tables]
    told["languages"]["zh"]["pdf"] = f"{AUDIENCE}/away.pdf"
    told["xlsx"] = "../../outside.xlsx"
    (tmp_path / "outside.xlsx").touch()
    record(tmp_path, "a", "2026Q3", told)
    article = page(tmp_path).article
    assert not any("outside" in link["href"] for link in article("a"))
    assert article.get_text().count(render.wording("portal", "zh")["missing"]) == 2


def test_up_to_date_is_done_and_its_moment_is_told_in_utc(tmp_path):
    told = deliver(tmp_path, "a", "2026Q3", ("zh",))
    record(tmp_path, "a", "2026Q3", told | {"status": "current", "finished": "2026-10-08T07:12:30+08:00"})
    article = page(tmp_path).article
    assert article["data-status"] == "done"
    assert render.wording("portal", "zh")["current"] in article.find(class_="age").get_text()
    assert [time["datetime"] for time in article("time")] == ["2026-09-30", "2026-10-07T23:12:30+00:00"]


def test_a_failed_report_points_to_the_earlier_one_that_still_lies_there(tmp_path):
    told = deliver(tmp_path, "a", "2026Q3", ("zh",))
    record(tmp_path, "a", "2026Q3", told | {"status": "failed", "languages": {}, "finished": "2026-12-01T00:00:00Z"})
    article = page(tmp_path).article
    assert render.wording("portal", "zh")["earlier"] in article.find(class_="links").get_text()
    assert len(article("a")) == 1 and not article("li")
    assert [time["datetime"] for time in article("time")] == ["2026-09-30"]  # not the moment of the failure


def test_only_what_there_is_can_be_chosen_and_codes_that_read_the_same_are_one_choice(out):
    selects = page(out)("select")
    assert {select["name"]: [option["value"] for option in select("option")][1:] for select in selects} == {
        "client": [FOLDER],
        "period": ["2026Q3", "2026Q2"],
        "status": ["failed", "done"],
        "verdict": ["unclear"],
        "audience": [AUDIENCE],
    }
    jobs = [{"findings": [{"verdict": code} for code in ("met", "too_few", "act_now", "flagged", "silent")]}]
    assert list(portfolio._verdicts(jobs, "en")) == ["silent", "act_now", "flagged", "met", "too_few"]
    alike = {"a": "same", "b": "other", "c": "same"}
    entries = {code: {"tone": "bad", "mark": "!", "zh": text, "en": text} for code, text in alike.items()}
    assert portfolio._alike(entries, {"a", "c"}) == [["a", "c"]]


def test_without_a_moment_in_the_record_that_of_the_notebook_counts(tmp_path):
    record(tmp_path, "a", "2026Q3", deliver(tmp_path, "a", "2026Q3", ("zh",)))
    path = tmp_path / "a" / "2026Q3" / AUDIENCE / "feedback_analysis.zh.ipynb"
    nb = notebook.read(path)
    nb.metadata.papermill = {"end_time": "2026-10-08T07:12:30.123456+00:00"}
    nbformat.write(nb, path)
    assert [time["datetime"] for time in page(tmp_path).article("time")] == ["2026-09-30", "2026-10-08T07:12:30+00:00"]


def test_the_records_of_a_notebook_at_a_glance_are_those_of_reading_it(out):
    path = out / FOLDER / "2026Q3" / AUDIENCE / "feedback_analysis.zh.ipynb"
    seen = notebook.glance(path)
    assert seen.pop("finished") is None
    assert seen == notebook.harvest(notebook.read(path))
    assert b'"image/png": ""' in notebook._without_images(path.read_bytes())


def test_findings_csv_has_one_row_a_finding_and_no_live_formula(tmp_path):
    for audience in ("team", AUDIENCE):
        deliver(tmp_path, "a", "2026Q3", audience=audience)
    path = tmp_path / "a" / "2026Q3" / AUDIENCE / "feedback_analysis.en.ipynb"
    nb = notebook.read(path)
    finding = notebook.harvest(nb)["findings"][0]
    finding.update(subject="=HYPERLINK(1)", n=7)
    nbformat.write(nb, path)
    finding.update(finding_id="of_a_half_run_notebook")
    nbformat.write(nb, path.with_name("inspection.en.failed.ipynb"))
    written = portfolio.findings_csv(tmp_path / "a" / "2026Q3")
    assert written == tmp_path / "a" / "2026Q3" / "findings.csv"
    with written.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    ids = [row["finding_id"] for row in rows]
    assert ids == sorted(set(ids)) and len(ids) == 4
    strong = next(row for row in rows if row["key"] == "strong")
    assert (strong["subject"], strong["n"], strong["low"], strong["reference"]) == ("'=HYPERLINK(1)", "7", "-0.07", "")


@pytest.mark.parametrize("text", ["=1", "+1", "-x", "@a", "\tx", "\rx"])
def test_text_a_spreadsheet_would_run_is_quoted(text):
    assert portfolio._cell(text) == f"'{text}"
    assert portfolio._cell(-0.5) == -0.5


def test_a_team_called_as_a_folder_of_its_audience_has_a_place_of_its_own(tmp_path):
    for team in ("tables", "figures", "East"):
        (tmp_path / portfolio.place("team", team)).mkdir(parents=True)
    assert len(portfolio.places(tmp_path)) == len(portfolio.AUDIENCES) + 3
