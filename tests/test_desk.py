"""After a run: both workbooks lie in the client's folder; one that cannot be written costs a remark, not the report."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from client_folder import make
from nbformat import v4
from test_page import CUSTOMERS, FEEDBACK, HEAD, answers, base

from sqlib import commentary, desk, forms, needs, notebook, portfolio, workbook
from sqlib.errors import ArgumentError

FOUND = {"finding_id": "feedback_analysis.level", "stem": "feedback_analysis", "key": "level", "estimate": 0.5}
SAID = {"parts": {"statement": "said"}}


def executed(folder: Path, *found: dict) -> Path:
    outputs = [v4.new_output("display_data", data={notebook.FINDING: one}) for one in found]
    folder.mkdir(parents=True, exist_ok=True)
    nb = v4.new_notebook(cells=[v4.new_code_cell("", outputs=outputs)])
    return notebook.write(nb, folder / "feedback_analysis.en.ipynb")


@pytest.fixture
def job(tmp_path):
    said = answers(comment=lambda i: f"much too slow to answer any of our calls {'today ' * (i % 4)}")
    who = make(tmp_path / "acme", FEEDBACK + CUSTOMERS, HEAD, f__csv=said, c__csv=base())
    entry = SimpleNamespace(stem="feedback_analysis", reads=("feedback",), title={"zh": "T", "en": "Title"})
    return SimpleNamespace(who=who, period="2026Q3", page=entry, audience="management", parameters={})


def test_a_run_leaves_both_workbooks(job, tmp_path):
    assert desk.refresh(job, executed(tmp_path / "out", FOUND | SAID)) == []
    assert (job.who.folder / "quotes.xlsx").exists()
    assert list(commentary.read(job.who, "2026Q3", "feedback_analysis")) == ["feedback_analysis", FOUND["finding_id"]]


def handed_over(folder: Path) -> None:
    """The table of needs as a page hands it over."""
    place = folder / "tables" / "feedback_analysis"
    place.mkdir(parents=True)
    rows = "topic,comments,estimate\nparking,12,0.12\napp,0,0\n"
    (place / "demand.csv").write_text(rows, encoding="utf-8-sig")


def test_the_needs_of_a_run_go_into_the_register(job, tmp_path):
    handed_over(tmp_path / "out")
    assert desk.refresh(job, executed(tmp_path / "out", FOUND | SAID)) == []
    (row,) = forms.read("needs", needs.path(job.who), client="acme")["needs"].to_dict("records")
    assert (row["topic"], row["comments"], row["period"], row["decision"]) == ("parking", "12", "2026Q3", "")
    assert row["label"] not in ("", "parking")  # as the code book calls it


@pytest.mark.parametrize("audience", ["team", "client"])
def test_a_version_that_leaves_findings_out_does_not_touch_the_commentary(job, tmp_path, audience):
    job.audience = audience
    assert desk.refresh(job, executed(tmp_path / "out")) == []
    assert not (job.who.folder / "commentary").exists()


@pytest.mark.parametrize("audience", ["team", "client"])
def test_a_version_that_hides_groups_does_not_touch_the_register_of_needs(job, tmp_path, audience):
    job.audience = audience
    handed_over(tmp_path / "out")
    assert desk.refresh(job, executed(tmp_path / "out")) == [] and not needs.path(job.who).exists()


def test_a_workbook_open_elsewhere_is_a_remark(job, tmp_path, monkeypatch):
    def refuse(path, fill):
        raise ArgumentError("workbook.unwritable", where=path, got="in use")

    monkeypatch.setattr(workbook, "beside", refuse)
    remarks = desk.refresh(job, executed(tmp_path / "out", FOUND | SAID))
    assert [remark.code for remark in remarks] == ["workbook.unwritable"] * 2


def test_a_spoilt_workbook_is_a_remark_and_stays(job, tmp_path):
    (job.who.folder / "quotes.xlsx").write_bytes(b"half")
    assert [remark.code for remark in desk.refresh(job, executed(tmp_path / "out"))] == ["forms.damaged"]
    assert (job.who.folder / "quotes.xlsx").read_bytes() == b"half"


def test_the_table_of_findings_does_not_tell_what_is_withheld(tmp_path):
    secret = FOUND | {"finding_id": "feedback_analysis.level.team=North", "subject": "team=North", "withheld": True}
    executed(tmp_path / "internal", secret | SAID)
    text = portfolio.findings_csv(tmp_path).read_text(encoding="utf-8-sig")
    assert "feedback_analysis.level," in text and ",withheld," in text
    assert "North" not in text and "0.5" not in text
