"""Do the effect methods keep what they promise? The whole simulation table, cell by cell, on made indicators.

    python benchmarks/effects.py [--part series ...] [--cells TEXT] [--runs N] [--jobs 2] [--markdown]

Parts: series (interrupted time series), forecast (counterfactual, synthetic control), units (few units, staggered
starts), people, planning (smallest effect that can be found), verdicts (the whole pipeline). Every figure is printed
with its Monte Carlo standard error, its promise and whether that is met; beyond it by less than 1.96 errors (forecast:
2.58) is "met within error". Seeds belong to cells and runs, so that results do not depend on ``--jobs``. Exit status 1
where anything falls short.
"""

import argparse
import multiprocessing
import sys
import time
import zlib
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.effects_parts import forecast, people, planning, series, units, verdicts
from sqlib.methods.one_thread import one_thread

PARTS = {"series": series, "forecast": forecast, "units": units, "people": people, "planning": planning,
         "verdicts": verdicts}  # fmt: skip


def batches(cells, asked: int | None) -> list[tuple[str, int, range]]:
    """(part, cell, runs) to be drawn; ``cells``: (part, index) pairs."""
    found = []
    for part, index in cells:
        cell = PARTS[part].CELLS[index]
        runs = cell.runs if asked is None or cell.runs == 1 else asked
        steps = range(0, runs, cell.batch)
        found += [(part, index, range(first, min(first + cell.batch, runs))) for first in steps]
    return found


@one_thread
def draw(batch) -> tuple[pd.DataFrame, float]:
    """One batch of one cell and the seconds it took."""
    part, index, runs = batch
    cell, began = PARTS[part].CELLS[index], time.perf_counter()
    table = cell.draw(runs, zlib.crc32(f"{part} {cell}".encode()))
    return table, time.perf_counter() - began


def drawn(work, jobs: int):
    """Answers to ``work`` in its order."""
    if jobs == 1:
        yield from map(draw, work)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(draw, work)


def told(work, jobs: int, show):
    """(part, cell, runs, figures) of every cell, as soon as its last batch is there."""
    parts, spent = [], 0.0
    for place, (batch, (table, seconds)) in enumerate(zip(work, drawn(work, jobs), strict=True)):
        part, index, runs = batch
        parts, spent = [*parts, table], spent + seconds
        if place + 1 < len(work) and work[place + 1][:2] == (part, index):
            continue
        cell, count = PARTS[part].CELLS[index], runs.stop
        show(f"{place + 1}/{len(work)} {part}: {cell}, {count} runs, {spent:.1f} s")
        figures = cell.figures(pd.concat(parts, ignore_index=True))
        show("; ".join(f"{figure.column} {figure.value:.3f}" for figure in figures))
        yield part, cell, count, figures
        parts, spent = [], 0.0


def table(found) -> pd.DataFrame:
    """One row a figure: part, group, row, column, value, error, low, high, runs, status."""
    rows = [(part, cell.group, cell.row, figure, runs) for part, cell, runs, figures in found for figure in figures]
    for part, module in PARTS.items():
        own = [(cell, figure) for name, cell, _, figures in found if name == part for figure in figures]
        extra = module.overall(own) if hasattr(module, "overall") else []
        rows += [(part, group, row, figure, 0) for group, row, figure in extra]
    return pd.DataFrame([
        {"part": part, "group": group, "row": row, "column": figure.column, "value": figure.value,
         "error": figure.error, "low": figure.low, "high": figure.high, "runs": runs, "status": figure.status}
        for part, group, row, figure, runs in rows
    ])  # fmt: skip


def promise(row) -> str:
    low, high = (f"{limit:.3g}" for limit in (row.low, row.high))
    match (row.low > -float("inf"), row.high < float("inf")):
        case (True, True):
            return f"{low} to {high}"
        case (True, False):
            return f"at least {low}"
        case (False, True):
            return f"at most {high}"
    return "none"


def line(row) -> str:
    runs = f", {row.runs:,} runs" if row.runs > 1 else ""
    return (f"{row.part} | {row.group} | {row.row} | {row.column}: {row.value:.3f} ± {row.error:.3f} "
            f"(promise: {promise(row)}{runs}) {row.status}")  # fmt: skip


def markdown(rows: pd.DataFrame) -> str:
    """One table a group: rows by columns; what falls short is bold."""
    return "\n\n".join(_grid(part, group, own) for (part, group), own in rows.groupby(["part", "group"], sort=False))


def _grid(part, group, rows) -> str:
    columns = list(dict.fromkeys(rows["column"]))
    cells = {(row.row, row.column): _short(row) for row in rows.itertuples()}
    said = dict.fromkeys(
        promise(row) for row in rows.itertuples() if row.low > -float("inf") or row.high < float("inf")
    )
    runs = dict.fromkeys(f"{count:,}" for count in sorted(rows["runs"]) if count > 1)
    drawn = f"; {' or '.join(runs)} runs, error at most {rows['error'].max():.3f}" if runs else ""
    head = f"{part}: {group} (promise {', '.join(said) or 'none'}{drawn})"
    body = [f"| {name} | " + " | ".join(cells.get((name, column), "–") for column in columns) + " |"
            for name in dict.fromkeys(rows["row"])]  # fmt: skip
    return "\n".join([head, "", f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|", *body])


def _short(row) -> str:
    value = f"{abs(row.value):.3f}".removeprefix("0") if abs(row.value) < 1 else f"{abs(row.value):.2f}"
    value = f"−{value}" if row.value <= -0.0005 else value
    return f"**{value}**" if row.status == "falls short" else value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--cells", default="", help="only cells whose name holds this text")
    parser.add_argument("--runs", type=int, help="runs a cell, instead of those declared")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    chosen = [(part, k) for part in asked.part for k, cell in enumerate(PARTS[part].CELLS) if asked.cells in str(cell)]
    show = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    rows = table(list(told(batches(chosen, asked.runs), asked.jobs, show)))
    print(markdown(rows) if asked.markdown else "\n".join(line(row) for row in rows.itertuples()))
    short = rows[rows["status"] == "falls short"]
    show(f"{len(rows)} figures, {len(short)} fall short")
    return int(len(short) > 0)


if __name__ == "__main__":
    sys.exit(main())
