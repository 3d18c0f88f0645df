"""Packs: sheets for one reader each, written from the records of an executed notebook.

A page leaves a record for every sheet (``page.sheets``); here each becomes a page of its own that can be handed to
its reader alone, and a meeting's rows a workbook to be filled in.
"""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from sqlib import forms, notebook, render, words
from sqlib.brand import Brand

FOLDER = "packs"
LONGEST = 60  # characters of a name in a file's name


def write(
    nb: notebook.NotebookNode, folder: Path, *, language: str, version: str, state: str, brand: Brand
) -> list[Path]:
    """Write ``<kind>-<name>.<language>.html`` for every sheet, and ``.xlsx`` where it holds a form; returns the files.

    Two readers of one name get numbers. Errors as in ``render.write`` and ``forms.write``.
    """
    harvest, written = notebook.harvest(nb), []
    record = harvest["report"]
    said = render.wording("sheet", language)
    signed = words.day(record["as_of"], language) if record.get("as_of") else ""
    for name, sheet in zip(_names(harvest["sheets"]), harvest["sheets"], strict=True):
        path = folder / f"{name}.{language}.html"
        given = {"sheet": sheet, "record": record, "words": said, "language": language, "brand": brand}
        text = render.template("sheet").render(**given, signed=signed)
        written.append(render.write(path, render.stamped(text, language, version, state)))
        if form := sheet.get("form"):
            rows = {code: pd.DataFrame(held) for code, held in form["sheets"].items()}
            written.append(forms.write(form["name"], rows, path.with_suffix(".xlsx"), language, about=form["about"]))
    return written


def _names(sheets: Iterable[dict]) -> list[str]:
    """File names without what a system forbids, no two alike."""
    found: dict[str, int] = {}
    names = []
    for sheet in sheets:
        plain = unicodedata.normalize("NFKC", f"{sheet['kind']}-{sheet['name']}")
        plain = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|\s.]+', "_", plain)[:LONGEST].strip("_-")
        found[plain.casefold()] = count = found.get(plain.casefold(), 0) + 1
        names.append(plain if count == 1 else f"{plain}_{count}")
    return names
