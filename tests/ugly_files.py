"""Ugly exports made from ``tests/data/guesses.toml``: titles above the header, old encodings, several trades."""

import csv
import io
import tomllib
from pathlib import Path

from openpyxl import Workbook

DECLARED = tomllib.loads((Path(__file__).parent / "data" / "guesses.toml").read_text(encoding="utf-8"))
FILES = {entry["name"]: entry for entry in DECLARED["file"]}


def truth(entry: dict) -> dict[str, set[str]]:
    """Header -> fields that are right; nothing where no table has the column."""
    return {column["header"]: set(column.get("truth", [""])) for column in entry["columns"]}


def rows(entry: dict) -> list[list[str]]:
    """Header and rows; values are taken in turn, numbers of the row filled in."""
    body = [
        [
            value["values"][n % len(value["values"])].format(
                n + 1, day=f"{n % 28 + 1:02d}", two=f"{n % 60:02d}", four=f"{n + 1:04d}"
            )
            for value in entry["columns"]
        ]
        for n in range(entry["rows"])
    ]
    return [[column["header"] for column in entry["columns"]], *body]


def write(folder: Path, name: str) -> Path:
    """One of the files, as a workbook or as text in its encoding."""
    entry, path = FILES[name], folder / name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [[title] for title in entry.get("titles", [])] + rows(entry)
    if path.suffix == ".xlsx":
        book = Workbook()
        for line in lines:
            book.active.append(line)
        book.save(path)
    else:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(lines)
        path.write_bytes(text.getvalue().encode(entry.get("encoding", "utf-8")))
    return path
