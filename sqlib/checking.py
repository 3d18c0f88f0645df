"""``sqlib check``: read and check a client's data, show every problem, write the workbook, say which pages can run."""

from datetime import date
from pathlib import Path

import pandas as pd

from sqlib import catalogue, client, decisions, desk, problems, progress, project, queries, readiness, tables, words
from sqlib.client import Client
from sqlib.decisions import FILE, Collected
from sqlib.errors import ArgumentError
from sqlib.tables import Table


def check(folder: Path, out: Path | None, period: str | None, language: str | None, *, machine: bool = False) -> int:
    """Check one client and tell; returns the exit status: 0, or 1 where no page can run.

    machine : one JSON object with everything in every language, in place of the tables on screen
    """
    who = client.load(project.client_folder(folder))
    queries.anew()
    language = language or who.languages[0]
    if language not in words.LANGUAGES:
        allowed = ", ".join(words.LANGUAGES)
        raise ArgumentError("page.not_one_of", name="language", got=repr(language), allowed=allowed)
    chosen = client.reporting_period(who, period, "--period") if period or who.period.default else None
    out = Path(out or who.folder / FILE)
    collected = take_over(who, out)
    checked = {name: tables.load(who, name, as_of=who.data_until) for name in who.tables}
    lines = problems.to_decide(who, checked, language, collected.refused)
    path = problems.write_problems(who, checked, out, language, chosen, lines=lines, refused=collected.refused)
    if collected.refused.empty:
        decisions.remember(who, path)
    runnable = pages(who, checked)
    proposed = desk.proposed(who, chosen) if chosen else []
    told = _counts(checked, collected, lines)
    if machine:
        about = {"client": who.name, "period": str(chosen or ""), "workbook": str(path), "pages": runnable,
                 "quarters": quarters(who, checked), "open": told["open"] + told["labels"]}  # fmt: skip
        progress.Machine().tell("checked", None, **about, **_spoken(who, checked, collected, told, proposed))
        return 0 if runnable else 1
    _show(who, checked, collected, told, proposed, language, chosen, path, runnable)
    return 0 if runnable else 1


def _spoken(who: Client, checked: dict, collected: Collected, told: dict, proposed: list) -> dict[str, dict]:
    """What is shown, by kind and language: frames as lists of {heading: cell}, remarks and the sum as text."""

    def rows(frame: pd.DataFrame) -> list[dict]:
        return frame.astype(object).to_dict("records")

    ready = readiness.readiness(who, checked)
    without = _without_effect(checked)
    kinds = {
        "problems": lambda language: rows(problems.screen(problems.opened(checked), language)),
        "readiness": lambda language: rows(readiness.shown(ready, language)),
        "unknown": lambda language: rows(problems.unknown(checked, language)),
        "reasons": lambda language: rows(problems.decided(without, language, collected.refused)),
        "remarks": lambda language: [remark.text(language) for remark in proposed],
        "decisions": lambda language: words.text("cli", "check", "decisions", language=language, **told),
    }
    return {kind: {language: say(language) for language in words.LANGUAGES} for kind, say in kinds.items()}


def quarters(who: Client, checked: dict[str, Table]) -> list[str]:
    """The last twelve quarters with a usable row in a table some page needs, the latest first."""
    needed = {name for entry in catalogue.pick() for name in entry.reads}
    days = [table.days for name, table in checked.items() if name in needed]
    dated = pd.concat(days)["day"].dropna().drop_duplicates() if days else pd.Series(dtype="datetime64[ns]")
    first = who.fiscal_year_start
    years = dated.dt.year - (dated.dt.month < first)
    found = {f"{year}Q{(month - first) % 12 // 3 + 1}" for year, month in zip(years, dated.dt.month, strict=True)}
    return sorted(found, reverse=True)[:12]


def _show(who, checked, collected, told, proposed, language, chosen, path, runnable) -> None:
    """The tables and lines on screen."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    values = {"client": who.name, "period": chosen or "–", "path": path, "pages": ", ".join(runnable) or "–"}
    parts = {
        "problems": _blocks(problems.screen(problems.opened(checked), language), head=5),
        "balance": grid(_totals(problems.balance(checked, language, chosen), language)),
        "readiness": _memo(readiness.readiness(who, checked), language),
    }
    unused = problems.unknown(checked, language)
    if len(unused):
        parts["unknown"] = grid(unused)
    vain = problems.decided(_without_effect(checked), language, collected.refused)
    if len(vain):
        parts["reasons"] = _blocks(vain, head=8)
    for name, part in parts.items():
        console.print(f"\n{words.text('cli', 'check', name, language=language, **values)}", style="bold", markup=False)
        console.print(part)
    for remark in proposed:
        console.print(f"\n{remark.text(language)}", markup=False)
    console.print(f"\n{words.text('cli', 'check', 'decisions', language=language, **told)}", markup=False)
    console.print(f"{words.text('cli', 'check', 'end', language=language, **values)}", markup=False)


def take_over(who: Client, out: Path | None = None) -> Collected:
    """What was filled in problems.xlsx of the client's folder, and in the workbook about to be written anew."""
    paths = dict.fromkeys(path.resolve() for path in (who.folder / FILE, out or who.folder / FILE))
    parts = [decisions.collect(who, path, date.today()) for path in paths]
    both = {
        name: pd.concat([getattr(part, name) for part in parts], ignore_index=True) for name in ("taken", "refused")
    }
    return Collected(**both)


def taken_over(jobs: list, language: str) -> list[str]:
    """Before a run: the decisions of every client taken over, one line for each that had any."""
    clients = {job.who.folder: job.who for job in jobs if hasattr(job, "who")}
    collected = [(who, take_over(who)) for who in clients.values() if (who.folder / FILE).is_file()]
    counts = [(who, {"taken": len(found.taken), "rejected": len(found.refused)}) for who, found in collected]
    return [
        words.text("cli", "run", "taken", language=language, client=who.name, path=FILE, **count)
        for who, count in counts
        if any(count.values())
    ]


def _without_effect(checked: dict[str, Table]) -> dict[str, Table]:
    """The tables with the decisions that do nothing, or not what they said."""
    return {
        name: table.changed(decisions=table.decisions[table.decisions["reason"] != ""])
        for name, table in checked.items()
    }


def _counts(checked: dict[str, Table], collected: Collected, lines: dict[str, pd.DataFrame]) -> dict[str, int]:
    """How many decisions were taken over, refused, applied, accepted, orphaned; how many are left."""
    status = problems.outcomes(checked)["status"].value_counts()
    return {
        "taken": len(collected.taken),
        "rejected": len(collected.refused),
        "applied": int(status.get("applied", 0)),
        "accepted": int(status.get("accepted", 0)),
        "orphaned": int(status.get("orphaned", 0) + status.get("conflict", 0)),
        "open": int((lines["problems"]["code"] != "").sum()),
        "labels": len(lines["labels"]),
    }


def pages(who: Client, checked: dict[str, Table]) -> list[str]:
    """Stems of the listed pages whose needed tables have a usable row."""
    usable = {name for name, table in checked.items() if table is not None and table.size}
    return [entry.stem for entry in catalogue.pick() if usable.issuperset(entry.reads)]


def _totals(frame: pd.DataFrame, language: str) -> pd.DataFrame:
    """One column per table, one line per way a row can go; file by file stands in the workbook."""
    whole = words.entry("problems", "all_files")[language]
    table, file = (words.entry("problems", "headings", name)[language] for name in ("table", "file"))
    totals = frame[frame[file] == whole].drop(columns=file).set_index(table).T
    return totals.rename_axis(index="", columns=None).reset_index()


def _memo(frame: pd.DataFrame, language: str):
    """Question by question; a table that is not there at all in one line."""
    memo, absent = readiness.shown(frame, language), readiness.absent(frame)
    text = _blocks(memo[~absent], head=2)
    for question, _, reason, _ in memo[absent].itertuples(index=False):
        text.append(words.text("cli", "check", "absent", language=language, question=question, reason=reason) + "\n")
    return text


def _blocks(frame: pd.DataFrame, head: int):
    """One block a row: the first columns in one line, each of the others below it with its heading."""
    from rich.text import Text

    text = Text()
    for row in frame.to_dict("records"):
        cells = [(name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in row.items()]
        text.append("· " + " · ".join(value for _, value in cells[:head] if value) + "\n", style="bold")
        for name, value in cells[head:]:
            text.append(f"    {name}: {value}\n" if value else "")
    return text


def grid(frame: pd.DataFrame):
    """A frame as a table on screen, its cells as plain text."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(*map(str, frame.columns), header_style="bold", box=None, pad_edge=False)
    for column in grid.columns[1:]:
        column.justify = "right"
    for row in frame.itertuples(index=False):
        grid.add_row(*(Text(f"{value:,}" if isinstance(value, int) else str(value)) for value in row))
    return grid
