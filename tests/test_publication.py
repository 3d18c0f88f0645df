"""What stays and what goes when a report is made again in other languages, formats, figures or tables."""

from pathlib import Path

import pytest
from test_batch import Kernel, project

from sqlib import batch, execution, formats, freshness, jobs

PLACE = "reports/acme/2026Q3/management"
KERNEL = Kernel()
FIGURES = ["01_level", "02_trend"]


def make(kind: str, source: formats.Source, target: Path) -> Path:
    """Stands in for the formats: says what it was made from."""
    if kind == "png":
        target.mkdir()
        for name in FIGURES:
            (target / f"{name}.png").write_text("figure")
    else:
        target.write_text(source.executed.read_text(encoding="utf-8"))
    return target


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(project(tmp_path))
    monkeypatch.setattr(execution, "_papermill", lambda: KERNEL)
    monkeypatch.setattr(formats, "make", make)
    monkeypatch.setattr(KERNEL, "level", lambda language: 1.0)
    return tmp_path


def made(here: Path, languages: str, kinds: str = "html", level: float = 1.0, force: bool = True) -> list[str]:
    KERNEL.level = lambda language: level
    asked = jobs.plan(["acme"], languages=languages.split(","), formats=kinds.split(","))
    (outcome,) = batch.run(asked, here / "reports", force=force)
    assert outcome.status in ("done", "current"), outcome.reason
    return outcome.status


def changed(here: Path, text: str = "# x\n") -> None:
    with (here / "acme/client.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def lies(here: Path) -> set[str]:
    return {path.relative_to(here / PLACE).as_posix() for path in (here / PLACE).rglob("*") if path.is_file()}


def why(here: Path, languages: str, kinds: str = "html") -> list[str]:
    asked = jobs.plan(["acme"], languages=languages.split(","), formats=kinds.split(","))
    return [code for code, _ in freshness.sort(asked, here / "reports")[0].why]


ZH, EN, TABLES = {"ok.zh.html", "ok.zh.ipynb"}, {"ok.en.html", "ok.en.ipynb"}, {"tables/ok/numbers.csv"}


def test_a_workbook_made_now_is_not_dropped_with_the_language_that_made_it_before(here):
    made(here, "en", "xlsx")
    changed(here)
    made(here, "zh", "xlsx", level=2.0)
    assert lies(here) == ZH | TABLES | {"ok.xlsx"}
    changed(here)
    made(here, "zh,en", "xlsx", level=3.0)
    changed(here)
    made(here, "en,zh", "xlsx", level=4.0)
    assert lies(here) == ZH | EN | TABLES | {"ok.xlsx"} and "4.0" in (here / PLACE / "ok.xlsx").read_text()
    assert made(here, "zh,en", "xlsx", force=False) == "current"


def test_a_workbook_of_other_data_goes_even_where_its_language_stays(here):
    made(here, "en", "xlsx")
    changed(here)
    made(here, "zh")
    assert lies(here) == ZH | EN | TABLES
    assert why(here, "en", "xlsx") == ["formats", "language_old"]


def test_formats_of_other_data_go_and_those_of_the_same_stay(here):
    made(here, "zh", "pdf,docx,png")
    made(here, "zh")
    assert lies(here) == ZH | TABLES | {"ok.zh.pdf", "ok.zh.docx"} | {f"figures/ok.zh/{name}.png" for name in FIGURES}
    changed(here)
    made(here, "zh")
    assert lies(here) == ZH | TABLES and not (here / PLACE / "figures/ok.zh").exists()


def test_a_figure_no_longer_drawn_goes(here, monkeypatch):
    made(here, "zh,en", "png")
    monkeypatch.setitem(globals(), "FIGURES", ["01_level"])
    changed(here)
    made(here, "zh", "png")
    assert {name for name in lies(here) if "figures" in name} == {
        "figures/ok.zh/01_level.png", "figures/ok.en/01_level.png", "figures/ok.en/02_trend.png",
    }  # fmt: skip


def test_a_format_counts_in_the_languages_asked_for(here):
    made(here, "zh,en")
    made(here, "zh", "pdf")
    assert why(here, "zh", "pdf") == [] and why(here, "zh,en") == []
    assert why(here, "en", "pdf") == why(here, "zh,en", "pdf") == ["formats"]


def test_a_report_of_an_earlier_run_that_was_removed_is_made_again(here):
    made(here, "zh")
    made(here, "en")
    (here / PLACE / "ok.zh.html").unlink()
    assert why(here, "zh") == ["gone"]
    made(here, "en", force=False)
    assert why(here, "zh") == ["gone"] and why(here, "en") == []


def test_a_half_run_page_does_not_outlive_the_report(here):
    made(here, "zh")
    (here / PLACE / "ok.en.failed.ipynb").write_text("{}")
    (here / PLACE / "another.zh.html").write_text("")
    made(here, "zh")
    assert lies(here) == ZH | TABLES | {"another.zh.html"}


def test_a_report_no_record_tells_of_stays_where_it_says_the_same(here):
    made(here, "zh,en")
    for level, left in ((1.0, ZH | EN), (2.0, ZH)):
        (here / "reports/acme/2026Q3/run.json").write_text("{")
        made(here, "zh", level=level)
        assert lies(here) == left | TABLES


def test_the_record_names_every_file_that_stands(here):
    made(here, "zh,en", "xlsx,png")
    made(here, "zh")
    (job,) = freshness.recorded(here / "reports/acme/2026Q3")["jobs"]
    assert {name.removeprefix("management/") for name in job["files"]} == lies(here)


def test_sheets_of_people_who_left_go_and_those_of_the_other_language_stay(here, monkeypatch):
    def people(*names):
        return [{"kind": "person", "name": name, "title": name, "html": ""} for name in names]

    monkeypatch.setattr(KERNEL, "sheets", people("ann", "bob"))
    made(here, "zh,en")
    assert {name for name in lies(here) if "packs" in name} == {
        f"packs/ok.{language}/person-{name}.{language}.html" for language in ("zh", "en") for name in ("ann", "bob")
    }
    monkeypatch.setattr(KERNEL, "sheets", people("bob"))
    changed(here)
    made(here, "zh")
    assert "packs/ok.zh/person-ann.zh.html" not in lies(here) and "packs/ok.zh/person-bob.zh.html" in lies(here)
    (here / PLACE / "packs/ok.zh/person-bob.zh.html").unlink()
    (here / PLACE / "packs/ok.zh").rmdir()
    assert why(here, "zh") == ["gone"]
