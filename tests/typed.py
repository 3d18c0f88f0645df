"""Frames made by hand, typed and checked without any file."""

import tomllib
from pathlib import Path

import pandas as pd
from client_folder import make

from sqlib import contracts, intake, tables
from sqlib.repairs import LOG, PROBLEMS

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "tables.toml").read_text(encoding="utf-8"))
SHARED = Path(__file__).parents[1] / "../shared"


def raw(
    table: str = "feedback", file: str = "raw/a.csv", mapped: tuple = (), unknown: tuple = (), **columns
) -> intake.Raw:
    """What intake would hand over for one file with these text columns (rows from line 2 on)."""
    rows = max((len(cells) for cells in columns.values() if isinstance(cells, list)), default=1)
    frame = pd.DataFrame(columns, index=range(rows)).astype("str")
    frame = frame.assign(source_file=pd.Series(file, frame.index, dtype="str"), source_row=range(2, rows + 2))
    counts = pd.DataFrame([[file, rows, 1, 0, 0]], columns=intake.COUNTS)
    log = pd.DataFrame([[file, 0, header, header, header, "column_mapped"] for header in mapped], columns=LOG)
    left = pd.DataFrame([[file, header] for header in unknown], columns=["file", "column"])
    return intake.Raw(table, frame, log.astype({"file": "str"}), pd.DataFrame(columns=PROBLEMS), counts, left)


def joined(*parts: intake.Raw) -> intake.Raw:
    """Several files of one table."""
    pieces = {
        name: [getattr(part, name) for part in parts] for name in ("frame", "repairs", "problems", "counts", "unknown")
    }
    return intake.Raw(parts[0].table, **{name: pd.concat(frames, ignore_index=True) for name, frames in pieces.items()})


def client(folder: Path, table: str = "feedback", block: str = "", more: str = ""):
    """A client with one block that reads every file of ``raw``."""
    return make(folder, f'{more}\n[[tables.{table}]]\nfiles = ["raw/*"]\n{block}\n')


def built(folder: Path, read: intake.Raw, as_of=None, block: str = "", more: str = "") -> tables.Table:
    """A raw frame typed and checked."""
    return tables.build(read, contracts.load(read.table), client(folder, read.table, block, more), as_of)


def rules(table: tables.Table) -> list[str]:
    """Rules of the problems met, in order."""
    return list(table.problems["rule"])
