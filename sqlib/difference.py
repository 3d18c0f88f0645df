"""What moved between two versions of the reports of one client and period, and why.

Two folders are compared, live or frozen: their ``run.json`` says what each report was made from, their notebooks hold
the findings, their CSV files the tables. Numbers count as moved where the six digits a finding stores differ.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sqlib import portfolio, versions, words
from sqlib.findings import significant

COUNTS = ("rows", "used", "outside_window", "filtered", "superseded", "duplicate", "blank_or_total", "missing_score",
          "quarantined")  # fmt: skip
CAUSES = ("stem", "kind", "subject", "change", "before", "after")
NUMBERS = ("stem", "table", "row", "column", "before", "after", "unit", "inside")
VERDICTS = ("stem", "table", "row", "column", "before", "after")
MEASURES = ("estimate", "low", "high", "n", "reference", "target")
CODES = ("verdict", "strength", "cautions")
_SHORT = 12  # characters of a hash that are shown


@dataclass(frozen=True)
class Difference:
    """Four tables of codes; each is empty where nothing of its kind moved.

    causes : stem, kind (input | mapping | corrections | judgement | pseudonyms | brand | parameter |
        page | package | library | unrecorded), subject, change (changed | appeared | vanished), before, after
    rows : table, file, change (same | changed | appeared | vanished), ``<count>_before`` and ``<count>_after``
    numbers : stem, table ("" = finding), row, column, before, after, unit, inside ("yes" | "no" | "": no interval);
        whether the number after lies inside the interval before
    verdicts : stem, table, row, column ("" = the row itself appeared or vanished), before, after
    """

    causes: pd.DataFrame
    rows: pd.DataFrame
    numbers: pd.DataFrame
    verdicts: pd.DataFrame


def compare(before: Path, after: Path) -> Difference:
    """The difference of two folders ``<client>/<period>`` or ``<client>/<period>/final/<version>``."""
    bases = _bases(before), _bases(after)
    moved = _findings(portfolio.findings(before), portfolio.findings(after))
    old, new = _tables(before), _tables(after)
    moved += [cell for place in sorted(old | new) for cell in _table(*place, old.get(place), new.get(place))]
    numbers = [cell for cell in moved if "inside" in cell]
    verdicts = [cell for cell in moved if "inside" not in cell]
    return Difference(
        pd.DataFrame(_causes(*bases), columns=CAUSES),
        _rows(*bases),
        pd.DataFrame(numbers, columns=NUMBERS),
        pd.DataFrame(verdicts, columns=VERDICTS),
    )


# ---------------------------------------------------------------- what the reports were made from


def _bases(folder: Path) -> dict[tuple[str, str], dict]:
    """(page, audience) -> what the report was made from, the fullest audience last."""
    jobs = [job for job in versions.read(folder).get("jobs", ()) if job["status"] != "skipped"]
    ordered = sorted(jobs, key=lambda job: portfolio.AUDIENCES.index(job["audience"]), reverse=True)
    return {(job["stem"], job["audience"]): job.get("basis", {}) for job in ordered}


def _causes(before: dict[tuple[str, str], dict], after: dict[tuple[str, str], dict]) -> list[dict]:
    """What moved under the reports of a page, told once though several audiences have it."""
    found = []
    for report in sorted(before.keys() & after.keys()):
        stem, was, now = report[0], before[report], after[report]
        if not (was and now):
            found.append({"stem": stem, "kind": "unrecorded", "subject": stem, "change": "changed"})
            continue
        changes = _changes(_flat(stem, was), _flat(stem, now))
        found += [{"stem": stem, "kind": kind, "subject": name} | entry for (kind, name), entry in changes.items()]
    return [cause for place, cause in enumerate(found) if cause not in found[:place]]


def _flat(stem: str, basis: dict) -> dict[tuple[str, str], str]:
    """(kind, subject) -> short hash or value."""
    groups = {"input": basis["inputs"]} | basis["settings"]
    found = {(kind, file): known[:_SHORT] for kind, files in groups.items() for file, known in files.items()}
    found |= {("parameter", name): str(value) for name, value in basis["parameters"].items()}
    found |= {("library", name): value for name, value in basis["libraries"].items()}
    package = basis["package"]
    found["package", "sqlib"] = f"{package['version']} · {package['sha256'][:_SHORT]}"
    return found | {("page", stem): basis["page"][:_SHORT]}


def _changes(before: dict, after: dict) -> dict:
    return {
        key: {"change": _change(before.get(key), after.get(key)), "before": before.get(key), "after": after.get(key)}
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    }


def _change(before, after) -> str:
    if before == after:
        return "same"
    return "appeared" if before is None else "vanished" if after is None else "changed"


def _rows(before: dict[tuple[str, str], dict], after: dict[tuple[str, str], dict]) -> pd.DataFrame:
    """Files whose bytes or whose rows moved, with every count before and after."""
    (old, old_hash), (new, new_hash) = _balances(before), _balances(after)
    found = []
    for table, file in dict.fromkeys([*old, *new]):
        was, now = old.get((table, file), {}), new.get((table, file), {})
        change = _change(old_hash.get(file), new_hash.get(file))
        if was != now or change != "same":
            counts = {
                f"{name}_{when}": row.get(name) for name in COUNTS for when, row in (("before", was), ("after", now))
            }
            found.append({"table": table, "file": file, "change": change} | counts)
    columns = [f"{name}_{when}" for name in COUNTS for when in ("before", "after")]
    return pd.DataFrame(found, columns=["table", "file", "change", *columns])


def _balances(bases: dict[tuple[str, str], dict]) -> tuple[dict, dict]:
    """(table, file) -> its counts, and file -> its hash, over all pages."""
    rows = [row for basis in bases.values() for row in basis.get("rows", ())]
    hashes = {file: known for basis in bases.values() for file, known in basis.get("inputs", {}).items()}
    return {(row["table"], row["file"]): row for row in rows}, hashes


# ---------------------------------------------------------------- findings


def _findings(before: dict[str, dict], after: dict[str, dict]) -> list[dict]:
    moved = []
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        place = {"stem": (was or now)["stem"], "table": "", "row": name.partition(".")[2]}
        if was is None or now is None:
            moved.append(place | _presence(was, now))
            continue
        unit = now.get("unit", "")
        moved += [
            place | _number(column, was.get(column), now.get(column), "count" if column == "n" else unit, was)
            for column in MEASURES
            if was.get(column) != now.get(column)
        ]
        moved += [
            place | {"column": column, "before": was.get(column), "after": now.get(column)}
            for column in CODES
            if was.get(column) != now.get(column)
        ]
    return moved


def _presence(was, now) -> dict:
    return {
        "column": "",
        "before": "absent" if was is None else "present",
        "after": "absent" if now is None else "present",
    }


def _number(column: str, before, after, unit: str, row: dict) -> dict:
    """One number that moved; ``row`` holds the interval it had before."""
    before, after = _float(before), _float(after)
    low, high = ("low", "high") if column == "estimate" else (f"{column}_low", f"{column}_high")
    low, high = _float(row.get(low)), _float(row.get(high))
    known = math.isfinite(low + high + after)
    inside = ("yes" if low <= after <= high else "no") if known else ""
    return {"column": column, "before": before, "after": after, "unit": unit, "inside": inside}


def _float(value) -> float:
    return math.nan if value in (None, "") else float(value)


# ---------------------------------------------------------------- handed-over tables


def _tables(folder: Path) -> dict[tuple[str, str], Path]:
    """(page, table) -> its CSV; of several audiences the fullest."""
    found = {}
    for own in reversed(portfolio.places(folder)):
        for path in sorted((own / "tables").glob("*/*.csv")):
            found[path.parent.name, path.stem] = path
    return found


def _table(stem: str, name: str, before: Path | None, after: Path | None) -> list[dict]:
    """Every cell of one table that moved, and every row that came or went."""
    place = {"stem": stem, "table": name}
    if before is None or after is None:
        return [place | {"row": ""} | _presence(before, after)]
    was, now = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (before, after))
    keys, numeric = _keys(was, now), _numeric(pd.concat([was, now]))
    old, new = _named(was, keys), _named(now, keys)
    moved = []
    for row in dict.fromkeys([*old, *new]):
        if row not in old or row not in new:
            moved.append(place | {"row": row} | _presence(old.get(row), new.get(row)))
            continue
        for column in _moved(old[row], new[row], numeric):
            moved.append(place | {"row": row} | _cell(stem, name, column, old[row], new[row], column in numeric))
    return moved


def _keys(was: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    """The first text columns, as few as tell the rows apart: they name a row."""
    shared = [column for column in was if column in now]
    numeric = _numeric(pd.concat([was, now]))
    leading = shared[: next((at for at, column in enumerate(shared) if column in numeric), len(shared))] or shared[:1]
    enough = (leading[:count] for count in range(1, len(leading) + 1))
    return next((keys for keys in enough if not (was.duplicated(keys).any() or now.duplicated(keys).any())), leading)


def _numeric(both: pd.DataFrame) -> set[str]:
    """Columns that hold numbers and nothing else."""
    filled = {column: both[column][both[column].fillna("") != ""] for column in both}
    return {
        name for name, cells in filled.items() if len(cells) and pd.to_numeric(cells, errors="coerce").notna().all()
    }


def _named(frame: pd.DataFrame, keys: list[str]) -> dict[str, dict]:
    """Row name -> its cells; rows of one name are numbered."""
    again = frame.groupby(keys, sort=False).cumcount()
    rows = zip(frame.to_dict("records"), again, strict=True)
    return {" · ".join(row[key] for key in keys) + (f" #{copy + 1}" if copy else ""): row for row, copy in rows}


def _moved(was: dict, now: dict, numeric: set[str]) -> list[str]:
    """Columns whose cell differs by more than the digits that count."""

    def differs(column: str) -> bool:
        old, new = was.get(column, ""), now.get(column, "")
        if old == new or column not in numeric:
            return old != new
        return significant(_float(old)) != significant(_float(new))

    return [column for column in dict.fromkeys([*was, *now]) if differs(column)]


def _cell(stem: str, name: str, column: str, was: dict, now: dict, number: bool) -> dict:
    if number:
        return _number(column, was.get(column), now.get(column), unit(stem, name, column, now), was)
    return {"column": column, "before": was.get(column), "after": now.get(column)}


def unit(stem: str, table: str, column: str, row: dict) -> str:
    """Unit of a cell, as the words file of the page formats its column; "" where no table of the page shows it."""
    base = column.removesuffix("_low").removesuffix("_high")
    base = "estimate" if base in ("low", "high") else base
    tables = [table, *(name for name in _declared(stem) if name != table)]
    form = next((entry["format"] for name in tables for entry in spec(stem, name) if entry["from"] == base), "")
    form = form.removeprefix("interval").strip()
    form = row.get("unit" if form == "row" else form, form)
    return form if form in words.catalogue("common")["unit"] else ""


def spec(stem: str, table: str) -> list[dict]:
    """Columns of a table as the words file of its page declares them; none where it has no file or entry."""
    return _declared(stem).get(table, {}).get("columns", [])


def _declared(stem: str) -> dict:
    known = (words.FOLDER / f"{stem}.toml").is_file()
    return words.catalogue(stem).get("table", {}) if known else {}
