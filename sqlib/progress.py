"""What a run tells while it goes: a bar with elapsed and remaining time on a terminal, plain lines elsewhere."""

import contextlib
import sys
from collections import Counter
from pathlib import Path

from sqlib import words
from sqlib.words import Quantity


@contextlib.contextmanager
def shown(jobs: int, language: str):
    """Yield the function that is told each outcome."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(highlight=False, soft_wrap=True)
    if not sys.stdout.isatty():
        yield lambda outcome: console.print(line(outcome, language), markup=False)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(words.text("cli", "running", language=language), total=jobs)

        def tell(outcome) -> None:
            console.print(line(outcome, language), markup=False)
            bar.advance(task)

        yield tell


def line(outcome, language: str) -> str:
    """One job in one line; a reason follows in its own lines."""
    job = outcome.job
    findings = max((entry["findings"] for entry in outcome.languages.values()), default=0)
    values = {"client": job.who.name, "period": job.period, "page": job.page.title[language], "findings": findings}
    values |= {"languages": "/".join(job.languages), "seconds": Quantity(outcome.seconds, "ratio", 1)}
    text = words.text("cli", "job", outcome.status, language=language, **values)
    said = [*([outcome.reason] if outcome.reason else []), *outcome.remarks]
    return "\n".join([text, *(_indented(error.text(language)) for error in said)])


def summary(outcomes: list, index: Path, language: str) -> str:
    """The closing lines: how many of each, and where the index lies."""
    counts = Counter(outcome.status for outcome in outcomes)
    values = {status: counts[status] for status in ("done", "failed", "skipped")}
    return words.text("cli", "summary", language=language, index=index.resolve(), **values)


def _indented(text: str) -> str:
    return "\n".join(f"    {row}" for row in text.splitlines())
