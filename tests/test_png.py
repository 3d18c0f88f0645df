"""The figures of a page at 300 dpi, in a folder of their own."""

import dataclasses

import pytest
from office_source import executed
from PIL import Image

from sqlib import formats, leaks, notebook
from sqlib.errors import SqlibError


def test_every_figure_of_the_page_at_300_dots_an_inch(tmp_path):
    source = executed("en")
    made = formats.make("png", source, tmp_path / "feedback_analysis.en")
    shown = [
        o for cell in notebook.read(source.executed).cells for o in cell.get("outputs", ()) if "image/png" in o.data
    ]
    pictures = sorted(made.iterdir())
    assert len(pictures) == len(shown) > 3
    for number, path in enumerate(pictures, 1):
        assert path.name.startswith(f"{number:02}_") and path.suffix == ".png"
        with Image.open(path) as picture:
            assert [round(dots) for dots in picture.info["dpi"]] == [300, 300]
            assert max(picture.size) > 1500 and "Software" not in picture.info


def test_a_figure_that_is_no_more_goes(tmp_path):
    (tmp_path / "99_gone.png").write_bytes(b"x")
    made = formats.make("png", executed("en"), tmp_path)
    assert "99_gone.png" not in {path.name for path in made.iterdir()}


def test_a_page_whose_figures_were_not_kept_is_a_failed_job(tmp_path):
    source = dataclasses.replace(executed("en"), figures=tmp_path / "nowhere")
    for kind in ("png", "pptx"):
        with pytest.raises(SqlibError) as refused:
            formats.make(kind, source, tmp_path / "x")
        assert refused.value.code == "formats.figures"
    assert not (tmp_path / "x").exists()


def test_a_place_that_takes_no_file_is_named(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(SqlibError) as refused:
        formats.make("png", executed("en"), tmp_path / "file" / "figures")
    assert refused.value.code == "render.unwritable"


def test_what_is_written_beside_the_pixels_is_found_before_it_leaves(tmp_path):
    from PIL.PngImagePlugin import PngInfo

    secret, about = leaks.known(["Greenwood"], [], [], [], ""), PngInfo()
    about.add_text("Author", "Greenwood")
    Image.new("RGB", (4, 4)).save(tmp_path / "told.png", pnginfo=about)
    found = leaks.scan("told.png", (tmp_path / "told.png").read_bytes(), secret, "management")
    assert {hit.kind for hit in found} == {"metadata", "name"}
    for path in formats.make("png", executed("en"), tmp_path / "figures").iterdir():
        assert leaks.scan(path.name, path.read_bytes(), secret, "management") == []
