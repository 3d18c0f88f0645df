"""A page executed with typed tables and sharp figures, as a job leaves it, for the tests of the office formats.

Made once a session from the committed page and a small client; findings and figures are those of the real methods.
"""

import functools
import tempfile
from pathlib import Path

from client_folder import write
from nbformat import v4
from test_page import CUSTOMERS, FEEDBACK, HEAD, INVITATIONS, ROOT, WHOLE, answers

from sqlib import formats, notebook, render
from sqlib.brand import Brand

STEM = "feedback_analysis"
_PLACE = tempfile.TemporaryDirectory()  # of the whole session; goes with it
LIVE = ("=1+1", "@x", "007")  # what a client may call a team


@functools.cache
def executed(language: str) -> formats.Source:
    """The page on a client whose teams are called like formulas and numbers."""
    root = Path(_PLACE.name) / language
    team = answers(team=lambda i: LIVE[i % 3])
    write(root / "acme", FEEDBACK + CUSTOMERS + INVITATIONS, HEAD, **WHOLE | {"f__csv": team})
    out = root / "out"
    for kind in ("figures", "typed"):
        (out / kind / STEM).mkdir(parents=True)
    page = _run(root / "acme", out, language)
    path = notebook.write(page, out / f"{STEM}.{language}.ipynb")
    html = render.html(path, out / f"{STEM}.{language}.html", language=language, version="V0.1")
    folders = {"tables": out / "tables" / STEM, "typed": out / "typed" / STEM, "figures": out / "figures" / STEM}
    return formats.Source(
        path, html, **folders, stem=STEM, language=language, version="V0.1", state="draft", brand=Brand()
    )


def _run(folder: Path, out: Path, language: str):
    """The committed page executed in this process, its outputs kept as a kernel would keep them."""
    import IPython.display

    shown, before = [], IPython.display.display
    IPython.display.display = lambda bundle, raw, metadata: shown.append(_output(bundle, metadata))
    try:
        page, space = notebook.read(ROOT / "notebooks" / f"{STEM}.ipynb"), {}
        for cell in page.cells:
            if cell.cell_type == "code":
                shown.clear()
                exec(cell.source, space)
                if "parameters" in notebook.tags(cell):
                    space |= {"client_dir": str(folder), "language": language, "out_dir": str(out)}
                cell.outputs, cell.execution_count = list(shown), 1
    finally:
        IPython.display.display = before
    return page


def _output(bundle: dict, metadata: dict):
    import base64

    data = {mime: base64.b64encode(value).decode() if mime == "image/png" else value for mime, value in bundle.items()}
    return v4.new_output("display_data", data=data, metadata=metadata)
