"""What is up to date and what is not: everything a report depends on, changed one at a time."""

import json
from pathlib import Path

import pandas as pd
import pytest
from test_batch import Kernel, project

from sqlib import basis, batch, execution, forms, freshness, jobs, judgement, record, words


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(project(tmp_path))
    monkeypatch.setattr(execution, "_papermill", lambda: KERNEL)
    KERNEL.calls.clear()
    return tmp_path


KERNEL = Kernel()


def planned(here: Path, **asked):
    (each,) = freshness.sort(jobs.plan(["acme"], **asked), here / "reports")
    return each


def made(here: Path, **asked) -> list[str]:
    return [outcome.status for outcome in batch.run(jobs.plan(["acme"], **asked), here / "reports", force=False)]


def codes(here: Path, **asked) -> list[str]:
    return [code for code, _ in planned(here, **asked).why]


def test_a_second_run_leaves_everything_alone(here):
    assert codes(here) == ["new"]
    assert (made(here), made(here)) == (["done"], ["current"])
    assert len(KERNEL.calls) == 1 and planned(here).state == "current"
    assert [each.state for each in freshness.sort(jobs.plan(["acme"]), here / "reports", force=True)] == ["runs"]


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


CHANGES = {
    "inputs": lambda here: _append(here / "acme/raw/f.csv", "F2,4,1,5\n"),
    "mapping": lambda here: _append(here / "acme/client.toml", "# checked\n"),
    "corrections": lambda here: _append(here / "acme/corrections.toml", ""),
    "judgement": lambda here: _append(here / "acme/coding/2026Q3.xlsx", "x"),
    "brand": lambda here: _append(here / "acme/brand.toml", 'name = "B"\n'),
    "page": lambda here: _append(here / "notebooks/ok.ipynb", " "),
    "gone": lambda here: (here / "reports/acme/2026Q3/management/ok.zh.html").unlink(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_thing_a_report_depends_on_makes_it_run_again(here, what):
    made(here)
    CHANGES[what](here)
    assert what in codes(here)
    assert (made(here), made(here)) == (["done"], ["current"])


@pytest.mark.parametrize("part", ["package", "libraries", "environment"])
def test_the_program_and_what_is_installed_count_too(here, monkeypatch, part):
    made(here)
    monkeypatch.setattr(basis, part, lambda *_: {"sha256": "other", "version": "other"})
    assert part in codes(here)


def test_the_lock_and_what_is_installed_are_the_environment_and_sources_the_package(here, monkeypatch):
    def now() -> tuple[str, ...]:
        basis.environment.cache_clear()
        basis._package.cache_clear()
        return (*basis.environment().values(), basis.package()["sha256"])

    before = now()
    try:
        (here / "requirements.lock").write_text("pandas==0", encoding="utf-8")
        locked = now()
        (here / "another-1.0.dist-info").mkdir()
        monkeypatch.syspath_prepend(str(here))
        installed = now()
        (here / "sqlib").mkdir()
        (here / "sqlib/__init__.py").write_text("")
        monkeypatch.setattr(basis.sqlib, "__file__", str(here / "sqlib/__init__.py"))
        packaged = now()
    finally:
        basis.environment.cache_clear()
        basis._package.cache_clear()
    moved = [[one != other for one, other in zip(*pair, strict=True)] for pair in (
        (before, locked), (locked, installed), (installed, packaged))]  # fmt: skip
    assert moved == [[False, True, False, False], [False, False, True, False], [False, False, False, True]]


def test_parameters_languages_and_formats_count(here):
    made(here)
    assert codes(here, parameters={"min_group": "9"}) == ["parameters"]
    assert codes(here, languages=["zh", "en"]) == ["language"]
    assert codes(here, formats=["pdf"]) == ["formats"]
    assert codes(here, period="2026Q2") == ["new"]


def test_a_failed_report_runs_again(here):
    KERNEL.closes = False
    try:
        assert made(here) == ["failed"]
    finally:
        KERNEL.closes = True
    assert codes(here) == ["failed"] or "failed" in codes(here)
    assert made(here) == ["done"]


def test_a_language_made_from_older_words_runs_again(here):
    made(here, languages=["zh", "en"])
    _append(here / "acme/client.toml", "# checked\n")
    assert made(here, languages=["zh"]) == ["done"]
    assert codes(here, languages=["zh"]) == [] and codes(here, languages=["en"]) == ["language_old"]


def wrote(here: Path, form: str, name: str, rows: list[dict], sheet: str = "") -> None:
    """The workbook as it is with the entries of these rows, found by their first column."""
    path = here / "acme" / name
    frame = forms.read(form, path)[sheet or form].drop(columns="line")
    for row in rows:
        (first, wanted), *entries = row.items()
        for column, value in entries:
            frame.loc[frame[first] == wanted, column] = value
    forms.write(form, {sheet or form: frame}, path, "zh", about={"client": "acme"})


def test_the_workbooks_a_run_writes_do_not_make_it_old_but_what_a_person_writes_does(here):
    made(here)
    name = "commentary/2026Q3/ok.xlsx"
    wrote(here, "commentary", name, [{"finding_id": "ok.level", "statement": "another"}], "findings")
    assert codes(here) == []
    wrote(here, "commentary", name, [{"finding_id": "ok.level", "comment_zh": "seen"}], "findings")
    assert freshness.sort(jobs.plan(["acme"]), here / "reports")[0].why == (("judgement", name),)
    assert (made(here), made(here), codes(here)) == (["done"], ["current"], [])


def test_workbooks_of_another_page_audience_or_period_make_no_report_old(here):
    made(here)
    for asked in ({"audience": "internal"}, {"period": "2026Q2"}, {"only": ["depends"]}):
        made(here, **asked)
        assert codes(here) == [] and made(here, **asked) == ["current"]
    wrote(here, "commentary", "commentary/2026Q3/depends.xlsx", [{"finding_id": "depends", "comment_zh": "x"}],
          "findings")  # fmt: skip
    assert codes(here) == [] and codes(here, only=["depends"]) == ["judgement"]


def test_quotes_count_once_approved_and_for_their_period_and_needs_once_decided(here):
    made(here)
    shown = {"quote_id": ["Q1", "Q2"], "period": ["2026Q3", "2026Q2"], "theme": "", "score": "", "masked": "well done"}
    forms.write("quotes", {"quotes": pd.DataFrame(shown)}, here / "acme/quotes.xlsx", "zh")
    topics = pd.DataFrame({"topic": ["speed"], "label": "Speed", "period": "2026Q3", "comments": "3", "share": "9%"})
    forms.write("needs", {"needs": topics}, here / "acme/needs.xlsx", "zh", about={"client": "acme"})
    wrote(here, "quotes", "quotes.xlsx", [{"quote_id": "Q2", "decision": "approve"}])
    assert codes(here) == []
    wrote(here, "quotes", "quotes.xlsx", [{"quote_id": "Q1", "decision": "approve"}])
    assert codes(here) == ["judgement"]
    made(here)
    wrote(here, "needs", "needs.xlsx", [{"topic": "speed", "decision": "do"}])
    assert planned(here).why == (("judgement", "needs.xlsx"),)


def test_a_workbook_that_cannot_be_read_counts_as_it_is(here):
    made(here)
    (here / "acme/quotes.xlsx").write_bytes(b"PK torn")
    assert codes(here) == ["judgement"]


def test_a_workbook_is_opened_once_for_each_state_of_its_bytes(here, monkeypatch):
    made(here)
    assert codes(here) == []
    monkeypatch.setattr(forms, "read", None)
    assert codes(here) == []
    kept = here / "acme/.sqlib-cache/judgement.json"
    kept.write_text("{")
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert codes(here) == [] and kept.read_text() != "{"


def test_the_key_of_the_pseudonyms_counts_and_is_not_told(here, monkeypatch):
    path = here / "acme/client.toml"
    path.write_text(path.read_text().replace('demo_key = "key"', 'key_env = "ACME_KEY"'))
    assert planned(here).reason.code == "pseudonyms.key_unset"
    monkeypatch.setenv("ACME_KEY", "first secret")
    made(here)
    assert codes(here) == [] and "first secret" not in (here / "reports/acme/2026Q3/run.json").read_text()
    monkeypatch.setenv("ACME_KEY", "second secret")
    assert codes(here) == ["pseudonyms"]
    path.write_text(path.read_text().replace('key_env = "ACME_KEY"', ""))
    assert codes(here, period="2026Q1") == ["new"] and not (here / "acme/.sqlib-key").exists()  # planning makes none
    assert (made(here), made(here)) == (["done"], ["current"])
    (here / "acme/.sqlib-key").unlink()
    assert codes(here) == ["pseudonyms"]


def test_what_the_catalogue_declares_of_a_page_counts(here):
    made(here)
    path = here / "notebooks/catalogue.toml"
    path.write_text(path.read_text().replace('"Sample ok"', '"Sample, renamed"'))
    assert codes(here) == ["page"]


def test_a_file_of_a_pattern_added_later_counts(here):
    path = here / "acme/client.toml"
    path.write_text(path.read_text().replace("raw/f.csv", "raw/*.csv"))
    made(here)
    (here / "acme/raw/g.csv").write_text((here / "acme/raw/f.csv").read_text())
    assert planned(here).why == (("inputs", "raw/g.csv"),)


def test_mapping_xlsx_counts(here):
    (job,) = jobs.plan(["acme"])
    (here / "acme/mapping.xlsx").write_bytes(b"PK")
    assert basis.settings(job.who, "2026Q3", "ok")["mapping"].keys() == {"client.toml", "mapping.xlsx"}


def test_a_run_that_ended_before_the_workbooks_brings_them_up_to_date(here):
    made(here)
    folder = here / "reports/acme/2026Q3"
    told = freshness.recorded(folder)
    told["jobs"][0]["desk"] = False
    (folder / record.FILE).write_text(json.dumps(told), encoding="utf-8")
    (here / "acme/commentary/2026Q3/ok.xlsx").unlink()
    assert made(here) == ["current"]
    assert (here / "acme/commentary/2026Q3/ok.xlsx").is_file() and freshness.recorded(folder)["jobs"][0]["desk"]
    assert made(here) == ["current"]


def test_a_damaged_record_vouches_for_nothing(here):
    made(here)
    (here / "reports/acme/2026Q3/run.json").write_text("{", encoding="utf-8")
    assert codes(here) == ["new"]
    assert (made(here), made(here)) == (["done"], ["current"])


def test_a_file_that_is_missing_blocks_before_anything_runs(here):
    (here / "acme/raw/f.csv").unlink()
    each = planned(here)
    assert each.state == "blocked" and each.reason.code == "intake.file_missing"
    assert made(here) == ["skipped"] and not KERNEL.calls


def test_every_reason_to_run_is_worded():
    source = Path(freshness.__file__).read_text(encoding="utf-8")
    worded = set(words.catalogue("cli")["why"])
    kinds = {*basis.SETTINGS, "brand", "pseudonyms"}
    assert {"inputs", *basis.PARTS[2:], *kinds} <= worded and kinds <= set(words.catalogue("difference")["kind"])
    assert all(f'"{code}"' in source or code in {*basis.PARTS, *kinds} for code in worded)


def test_a_plan_opens_no_workbook_that_a_run_left(here, monkeypatch):
    made(here)
    assert (here / "acme/commentary/2026Q3/ok.xlsx").is_file()
    monkeypatch.setattr(judgement, "_hash", lambda read, mark: pytest.fail("a workbook was opened"))
    assert planned(here).state == "current"
