"""The consultant's words: kept as written, brought up to date around them, printed where they belong."""

import tomllib
from pathlib import Path

import pytest
from client_folder import make
from openpyxl import load_workbook
from test_page import ALL, HEAD, WHOLE, everything, plain, records, run, shown  # noqa: F401

from sqlib import commentary, findings, forms, page, words
from sqlib.errors import ArgumentError, ClientError

TEXT = tomllib.loads((Path(__file__).parent / "data" / "commentary.toml").read_text(encoding="utf-8"))
STEM, PERIOD = "feedback_analysis", "2026Q3"


def record(key: str, statement: str = "said") -> dict:
    return {"finding_id": f"{STEM}.{key}", "parts": {"statement": statement}}


@pytest.fixture
def acme(tmp_path):
    return make(tmp_path / "acme", ALL, HEAD, **WHOLE)


def refresh(who, *found):
    return commentary.refresh(who, PERIOD, STEM, "Title", list(found), "en")


def write(who, finding_id: str, **cells) -> None:
    """Fill in one row as a person would."""
    place = commentary.path(who, PERIOD, STEM)
    book = load_workbook(place)
    sheet = book.worksheets[1]
    heads = {cell.value: cell.column for cell in sheet[1]}
    line = next((row[0].row for row in sheet.iter_rows() if row[0].value == finding_id), sheet.max_row + 1)
    sheet.cell(line, 1).value = finding_id
    for name, value in cells.items():
        label = forms.load("commentary").sheets["findings"].columns[name].label["en"]
        sheet.cell(line, heads[label]).value = value
    book.save(place)


def test_the_workbook_lists_the_page_and_its_findings(acme):
    place, orphans = refresh(acme, record("a", "A is so"), record("b"))
    rows = forms.read("commentary", place)["findings"]
    assert rows["finding_id"].tolist() == [STEM, f"{STEM}.a", f"{STEM}.b"]
    assert rows["statement"].tolist() == ["Title", "A is so", "said"] and orphans == []
    assert not any(remark.says for remark in commentary.read(acme, PERIOD, STEM).values())


def test_words_survive_and_statements_follow(acme):
    refresh(acme, record("a"), record("b"))
    write(acme, f"{STEM}.a", comment_en="mine", due="2026-11-30")
    _, orphans = refresh(acme, record("a", "now"), record("c"))
    kept = commentary.read(acme, PERIOD, STEM)
    assert kept[f"{STEM}.a"].comment["en"] == "mine" and kept[f"{STEM}.a"].due == "2026-11-30"
    assert set(kept) == {STEM, f"{STEM}.a", f"{STEM}.c"} and orphans == []  # nobody wrote on b


def test_a_comment_without_its_finding_is_told_and_kept(acme):
    refresh(acme, record("a"))
    write(acme, f"{STEM}.a", comment_en="mine")
    _, orphans = refresh(acme, record("b"))
    assert orphans == [f"{STEM}.a"] == commentary.orphans(commentary.read(acme, PERIOD, STEM), [STEM, f"{STEM}.b"])
    assert refresh(acme, record("a"))[1] == []  # it came back


def test_nothing_is_written_where_nothing_changes(acme):
    place, _ = refresh(acme, record("a"))
    write(acme, f"{STEM}.a", comment_en="mine")
    before = place.read_bytes()
    refresh(acme, record("a"))
    assert place.read_bytes() == before


def test_a_withheld_finding_is_no_orphan(acme):
    refresh(acme, record("a.team=North"))
    write(acme, f"{STEM}.a.team=North", withhold="yes", reason_en="not sure")
    reduced = {"finding_id": f"{STEM}.a", "parts": {}}
    _, orphans = refresh(acme, reduced)
    assert orphans == [] and commentary.read(acme, PERIOD, STEM)[f"{STEM}.a.team=North"].withheld


def test_withholding_needs_a_reason_and_spares_the_page(acme):
    refresh(acme, record("a"))
    write(acme, f"{STEM}.a", withhold="yes")
    for expected in ("commentary.no_reason", "commentary.whole_withheld"):
        with pytest.raises(ClientError) as caught:
            commentary.read(acme, PERIOD, STEM)
        assert caught.value.code == expected and all(caught.value.parts("zh").values())
        write(acme, f"{STEM}.a", withhold="no")
        write(acme, STEM, withhold="yes")


def test_an_open_workbook_is_named_not_overwritten(acme, monkeypatch):
    place, _ = refresh(acme, record("a"))
    before = place.read_bytes()

    def refuse(self, target):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ArgumentError) as caught:
        refresh(acme, record("b"))
    assert caught.value.code == "workbook.unwritable" and place.read_bytes() == before
    assert [path.name for path in place.parent.iterdir()] == [place.name]


# ---------------------------------------------------------------- on the page


def judged(who, shown) -> None:  # noqa: F811
    """A first run, then words on the page, on a finding, and one finding withheld."""
    run(who.folder)
    found = records(shown, page.FINDING)
    shown.clear()
    refresh(who, *found)
    ids = [one["finding_id"] for one in found]
    write(who, STEM, comment_zh=TEXT["page_zh"], comment_en="Decide on shifts <first>.")
    write(who, ids[0], comment_zh=TEXT["comment_zh"], owner_en="Head of operations", due="2026-11-30")
    write(who, ids[1], withhold="yes", reason_zh=TEXT["reason_zh"], reason_en="scope to be checked")
    write(who, "feedback_analysis.gone", comment_en="old words")
    return found


def test_words_stand_on_the_page_and_a_withheld_finding_does_not(acme, shown):  # noqa: F811
    first, second, *_ = judged(acme, shown)
    run(acme.folder)
    text = everything(shown)
    assert "Decide on shifts &lt;first&gt;." in text and "<first>" not in text.replace("&lt;first&gt;", "")
    assert words.entry("page", "judgement", "untranslated")["en"] in text  # only Chinese words on the first finding
    assert TEXT["comment_zh"] not in text
    assert "Head of operations, by 2026-11-30" in text
    assert second["parts"]["statement"] not in text and "scope to be checked" not in text and "old words" not in text
    told = records(shown, page.FINDING)
    assert told[0]["finding_id"] == first["finding_id"]
    assert told[1]["verdict"] == "withheld" and told[1]["estimate"] is None and told[1]["subject"] == ""
    assert set(told[1]) == {*findings.COLUMNS, "parts"}


def test_the_internal_version_prints_what_is_withheld_and_the_orphan(acme, shown):  # noqa: F811
    _, second, *_ = judged(acme, shown)
    run(acme.folder, audience="internal")
    text = everything(shown)
    assert second["parts"]["statement"] in plain(shown) and "scope to be checked" in text
    assert "feedback_analysis.gone" in plain(shown)
    assert records(shown, page.FINDING)[1]["withheld"] is True
