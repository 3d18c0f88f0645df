"""The comparison of reports: what tells when and where is passed over, everything else is found."""

import json
import re
import zipfile
from pathlib import Path

import pytest
from equal_reports import differences

RUN = {"client_id": "acme", "jobs": [{"stem": "ok", "started": "1", "languages": {"zh": {"seconds": 1, "key": "a"}}}]}
CELLS = [
    {"id": "a", "metadata": {"tags": ["injected-parameters"]}, "source": "out_dir = 'here'"},
    {"id": "b", "metadata": {"tags": [], "papermill": {"duration": 1}}, "source": "x", "outputs": ["1"]},
]
INDEX = '<time datetime="2026-07-01">1 July</time> <time datetime="2026-11-23T02:00Z">02:00</time>'


@pytest.fixture
def pair(tmp_path) -> tuple[Path, Path]:
    for name in ("one", "other"):
        folder = tmp_path / name / "acme"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(RUN), encoding="utf-8")
        (folder / "ok.ipynb").write_text(json.dumps({"cells": CELLS, "metadata": {"papermill": 1}}), encoding="utf-8")
        (folder / "ok.html").write_text("<p>1</p>", encoding="utf-8")
        (tmp_path / name / "index.html").write_text(INDEX, encoding="utf-8")
        (tmp_path / name / ".lock").write_text(name, encoding="utf-8")
        with zipfile.ZipFile(folder / "ok.xlsx", "w") as book:
            book.writestr(zipfile.ZipInfo("sheet"), "1")
    return tmp_path / "one", tmp_path / "other"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_equal_folders_have_no_difference(pair):
    assert differences(*pair) == []


TIMES = [
    ("acme/run.json", '"started": "1"', '"started": "2"'),
    ("acme/run.json", '"seconds": 1', '"seconds": 9'),
    ("acme/ok.ipynb", "'here'", "'there'"),
    ("acme/ok.ipynb", '"duration": 1', '"duration": 2'),
    ("acme/ok.ipynb", '"papermill": 1}', '"papermill": 2}'),
    ("acme/ok.ipynb", '"id": "b"', '"id": "c"'),
    ("index.html", ">02:00<", ">03:00<"),
]


@pytest.mark.parametrize(("name", "old", "new"), TIMES, ids=lambda part: re.sub(r"\W+", " ", part))
def test_what_tells_when_and_where_is_no_difference(pair, name, old, new):
    edit(pair[1] / name, old, new)
    assert differences(*pair) == []


WORDS = [
    ("acme/run.json", '"key": "a"', '"key": "b"'),
    ("acme/ok.ipynb", '"outputs": ["1"]', '"outputs": ["2"]'),
    ("acme/ok.ipynb", '"tags": []', '"tags": ["headline"]'),
    ("acme/ok.html", "1", "2"),
    ("index.html", "1 July", "2 July"),
]


@pytest.mark.parametrize(("name", "old", "new"), WORDS, ids=lambda part: re.sub(r"\W+", " ", part))
def test_everything_else_is_found(pair, name, old, new):
    edit(pair[1] / name, old, new)
    assert differences(*pair) == [name]


def test_a_file_that_lies_in_one_folder_only_is_named_with_it(pair):
    (pair[0] / "acme" / "ok.html").unlink()
    (pair[0] / "more.csv").write_text("1", encoding="utf-8")
    assert differences(*pair) == [f"acme/ok.html: in {pair[1]} only", f"more.csv: in {pair[0]} only"]


def test_of_an_archive_the_parts_are_named(pair):
    with zipfile.ZipFile(pair[1] / "acme" / "ok.xlsx", "w") as book:
        book.writestr(zipfile.ZipInfo("sheet"), "2")
        book.writestr(zipfile.ZipInfo("extra"), "2")
    assert differences(*pair) == ["acme/ok.xlsx (extra, sheet)"]
