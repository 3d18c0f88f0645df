"""Sheets for single readers: written from the records of an executed notebook, each by itself."""

import tomllib
from pathlib import Path

import nbformat
import pytest

from sqlib import notebook, packs
from sqlib.brand import Brand

SAID = tomllib.loads((Path(__file__).parent / "data" / "packs.toml").read_text(encoding="utf-8"))


def page(*sheets: dict) -> nbformat.NotebookNode:
    """An executed notebook that left these sheets and a report record."""
    record = {"client_name": SAID["client"], "period": "2026Q3", "as_of": "2026-09-30"}
    outputs = [nbformat.v4.new_output("display_data", {notebook.SHEET: sheet}) for sheet in sheets]
    outputs.append(nbformat.v4.new_output("display_data", {notebook.REPORT: record}))
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])


def sheet(name: str, kind: str = "person", **more) -> dict:
    return {"kind": kind, "name": name, "title": name, "html": f"<p>of {name}</p>", **more}


def written(folder: Path, *sheets: dict, language: str = "zh") -> list[Path]:
    return packs.write(page(*sheets), folder, language=language, version="V1.0", state="draft", brand=Brand())


def test_every_reader_gets_a_page_that_names_nobody_else(tmp_path):
    one, other = written(tmp_path, sheet("Ann Lee"), sheet(SAID["name"]))
    assert one.name == "person-Ann_Lee.zh.html" and other.name == f"person-{SAID['name']}.zh.html"
    text = one.read_text(encoding="utf-8")
    assert "of Ann Lee" in text and SAID["name"] not in text and SAID["client"] in text
    assert 'data-state="draft">V1.0' in text and "http:" not in text and "https" not in text


def test_two_readers_of_one_name_and_forbidden_characters_keep_apart(tmp_path):
    files = written(tmp_path, sheet("../a:b"), sheet("a/b"), sheet("A_B"), language="en")
    assert [path.parent for path in files] == [tmp_path] * 3
    assert len({path.name.casefold() for path in files}) == 3
    assert all(set(path.name).isdisjoint('/\\:*?"<>|') and not path.name.startswith(".") for path in files)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_title_is_escaped_and_the_kind_says_who_may_read(tmp_path, language):
    (path,) = written(tmp_path, sheet("x", "rater", title="<script>1</script>"), language=language)
    text = path.read_text(encoding="utf-8")
    assert "<script>" not in text and SAID["private"][language] in text


def test_a_page_without_sheets_leaves_nothing(tmp_path):
    assert written(tmp_path / "packs") == [] and not (tmp_path / "packs").exists()
