"""Did every arm make the same? Outputs cell by cell, and the HTML, without ids that are drawn anew each time."""

import json
import re
from pathlib import Path

from batch_runs.arms import ARMS
from batch_runs.arms import html as html_of
from batch_runs.workloads import Report

DRAWN = re.compile(r"\bT_[0-9a-f]{5}|\b0x[0-9a-f]{6,}")  # ids of styled tables, places in memory
IMAGE = re.compile(r"<img\b[^>]{0,400}\bsrc=.data:image/png")
OWN_HTML = ("single", "stock", "product", "floor", "floor-2")  # rendered by sqlib; the shell loop has nbconvert's


def cells(executed: Path) -> list:
    """The outputs of each code cell, in order.

    Raises
    ------
    AssertionError : a code cell did not run
    """
    nb = json.loads(executed.read_text(encoding="utf-8"))
    code = [cell for cell in nb["cells"] if cell["cell_type"] == "code"]
    own = [cell for cell in code if "injected-parameters" not in cell["metadata"].get("tags", ())]
    if any(cell["execution_count"] is None for cell in own):
        raise AssertionError(f"{executed.name}: a cell did not run")
    return [_plain(cell["outputs"]) for cell in own]


def _plain(outputs: list[dict]) -> list:
    """Text of streams joined, bundles of displays; the count and the metadata tell nothing about the page."""
    shown = [output["data"] for output in outputs if "data" in output]
    printed = "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")
    return [DRAWN.sub("", printed), json.loads(DRAWN.sub("", json.dumps([_joined(data) for data in shown])))]


def _joined(data: dict) -> dict:
    """Multi-line strings may be stored as lists; base64 may end in a line feed."""
    return {mime: "".join(value).rstrip() if isinstance(value, list | str) else value for mime, value in data.items()}


def page(path: Path) -> str:
    """The HTML without drawn ids and without the stamp of the version."""
    from sqlib import render

    return DRAWN.sub("", render.unstamped(path.read_text(encoding="utf-8")))


def compare(report: Report, places: dict[str, Path]) -> list[str]:
    """What differs between the arms that have made a report; ``places``: arm -> its folder."""
    pages = {name: html_of(ARMS[name], report, out) for name, out in places.items()}
    missing = [f"{name} left no HTML of {report.name}" for name, path in pages.items() if not path.is_file()]
    if missing:
        return missing
    ran = {name: cells(path.with_suffix(".ipynb")) for name, path in pages.items() if not name.startswith("floor")}
    drawn = {name: page(path) for name, path in pages.items() if name in OWN_HTML}
    images = {name: len(IMAGE.findall(path.read_text(encoding="utf-8"))) for name, path in pages.items()}
    return [
        f"{report.name}: {what} of {other} differ from those of {first}"
        for what, made in (("outputs", ran), ("pages", drawn), ("numbers of images", images))
        for first, other in [(next(iter(made), ""), name) for name in made]
        if made[other] != made[first]
    ]
