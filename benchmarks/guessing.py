"""Mapping by guess alone: every column of the open real files held against what it is.

Run: ``python benchmarks/guessing.py``. Right: the field it is, or unmatched where no table has it. Marked: wrong, but
proposed as "please check". Unmarked: wrong and called sure or likely; there must be none.
"""

import sys
import tomllib
from collections import Counter
from pathlib import Path

import pandas as pd

from sqlib import guesses, sheets

ROOT = Path(__file__).parents[1]
DATA = ROOT / "../shared/data"
TRUTH = ROOT / "tests" / "data" / "guesses_truth.toml"
OUTCOMES = ("right", "missed", "marked", "unmarked")


def truths() -> dict:
    """File -> field -> its columns, of every file a table fits."""
    return tomllib.loads(TRUTH.read_text(encoding="utf-8"))


def outcome(field: str, certainty: str, truth: set[str]) -> str:
    """right, missed (unmatched though a table has it), marked or unmarked (wrong)."""
    if field in truth or (not field and not truth):
        return "right"
    return "missed" if not field else "marked" if certainty == guesses.CHECK else "unmarked"


def measured(data: Path = DATA) -> pd.DataFrame:
    """One row per file: file, table, columns and the count of each outcome; ``wrong`` names what was unmarked."""
    declared = truths()
    rows = []
    for path in sorted(data.glob("*/*.csv")):
        file = path.relative_to(data).as_posix()
        truth: dict[str, set[str]] = {}
        for field, columns in declared.get(file, {}).items():
            for column in columns:
                truth.setdefault(column, set()).add(field)
        sheet = sheets.read(path.parent, path)[0]
        found = guesses.guess(sheet.body, sheet.repeated)
        told = [
            (row.column, outcome(row.field, row.certainty, truth.get(row.column, set())))
            for row in found.columns.itertuples()
        ]
        counts = Counter(name for _, name in told)
        wrong = ", ".join(column for column, name in told if name == "unmarked")
        seen = {"columns": len(told), "proposed": int((found.columns["field"] != "").sum())}
        counted = {name: counts[name] for name in OUTCOMES}
        rows.append({"file": file, "table": found.table or "-"} | seen | counted | {"wrong": wrong})
    return pd.DataFrame(rows)


def main() -> None:
    result = measured()
    sums = result[["columns", "proposed", *OUTCOMES]].sum()
    some = result[result["file"].isin(truths())]
    sys.stdout.write(result.to_string(index=False) + "\n\n")
    sys.stdout.write(f"all files: {sums.to_dict()}, right {sums['right'] / sums['columns']:.1%}\n")
    sums = some[["columns", "proposed", *OUTCOMES]].sum()
    sys.stdout.write(f"files a table fits: {sums.to_dict()}, right {sums['right'] / sums['columns']:.1%}\n")


if __name__ == "__main__":
    main()
