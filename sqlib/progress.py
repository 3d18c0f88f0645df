"""What a run tells while it goes: a bar with elapsed and remaining time on a terminal, plain lines elsewhere, or one
JSON object a line for machines."""

import contextlib
import json
import sys
import time
from collections import Counter
from pathlib import Path

from sqlib import words
from sqlib.freshness import BLOCKED, RUNS
from sqlib.words import Quantity


@contextlib.contextmanager
def shown(language: str, *, machine: bool = False, explain: bool = False):
    """Yield the teller of a run that suits where it is read."""
    if machine:
        yield Machine()
    elif not sys.stdout.isatty():
        yield Lines(language, explain)
    else:
        with _bar() as bar:
            yield Bar(language, explain, bar)


def _bar():
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(highlight=False, soft_wrap=True)
    # No thread of its own: processes are forked while it is on the screen.
    return Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, auto_refresh=False,
        speed_estimate_period=3600,  # seconds: a report may take longer than the usual half minute
    )  # fmt: skip


class Lines:
    """Plain lines: the plan, then one a job."""

    def __init__(self, language: str, explain: bool = False):
        self.language, self.explain = language, explain
        self.told: set[str] = set()  # keys of jobs the plan has told of for good

    def planned(self, planned: list) -> None:
        self.told = {each.job.key for each in planned if each.state != RUNS}
        for text in plan(planned, self.language, self.explain):
            self.say(text)

    def begun(self, job) -> None:
        pass

    def ended(self, outcome) -> None:
        if outcome.job.key not in self.told:
            self.say(line(outcome, self.language))

    def noted(self, error) -> None:
        self.say(_indented(error.text(self.language)))

    def tick(self) -> None:
        pass

    def summed(self, outcomes: list, index: Path) -> None:
        self.say(summary(outcomes, index, self.language))

    def stopped(self, done: int, left: int) -> None:
        self.say(interrupted(done, left, self.language))

    def say(self, text: str) -> None:
        print(text, flush=True)


class Bar(Lines):
    """The same lines above a bar."""

    def __init__(self, language: str, explain: bool, bar):
        super().__init__(language, explain)
        self.bar = bar

    def planned(self, planned: list) -> None:
        super().planned(planned)
        total = sum(each.state == RUNS for each in planned)
        self.task = self.bar.add_task(words.text("cli", "running", language=self.language), total=total)
        self.bar.advance(self.task, 0)  # the clock of the speed starts here, not with the first report
        self.bar.refresh()

    def ended(self, outcome) -> None:
        super().ended(outcome)
        if outcome.job.key not in self.told:
            self.bar.advance(self.task)
            self.bar.refresh()

    def tick(self) -> None:
        self.bar.refresh()

    def say(self, text: str) -> None:
        self.bar.console.print(text, markup=False)


class Machine(Lines):
    """One JSON object a line: ``event`` planned | begun | ended | noted | summary | stopped, ``time`` in seconds since
    1970. A reason has its code, its parts in English, and ``text``: the whole of it in each language."""

    def __init__(self):
        super().__init__("en")

    def planned(self, planned: list) -> None:
        for each in planned:
            why = [{"code": code, "detail": detail} for code, detail in each.why]
            self.tell("planned", each.job, state=each.state, why=why, reason=_reason(each.reason))

    def begun(self, job) -> None:
        self.tell("begun", job)

    def ended(self, outcome) -> None:
        remarks = [_reason(remark) for remark in outcome.remarks]
        about = {"status": outcome.status, "seconds": round(outcome.seconds, 2), "reason": _reason(outcome.reason)}
        self.tell("ended", outcome.job, **about, remarks=remarks)

    def noted(self, error) -> None:
        self.tell("noted", None, reason=_reason(error))

    def summed(self, outcomes: list, index: Path) -> None:
        counts = Counter(outcome.status for outcome in outcomes)
        self.tell("summary", None, index=str(index.resolve()), **counts)

    def stopped(self, done: int, left: int) -> None:
        self.tell("stopped", None, done=done, left=left)

    def tell(self, event: str, job, **values) -> None:
        about = {"key": job.key, "client": job.client_name, "period": job.period} if job else {}
        self.say(json.dumps({"event": event, "time": round(time.time(), 3)} | about | values, ensure_ascii=False))


def _reason(error) -> dict | None:
    if error is None:
        return None
    whole = {language: error.text(language) for language in words.LANGUAGES}
    return {"code": error.code, **error.parts("en"), "text": whole}


def plan(planned: list, language: str, explain: bool) -> list[str]:
    """How many run, how many are current, and each that cannot run with its reason; with ``explain`` every job with the
    reasons it runs."""
    counts = Counter(each.state for each in planned)
    values = {name: counts[name] for name in ("runs", "current", "blocked")}
    told = [words.text("cli", "plan", language=language, **values)]
    for each in planned:
        if each.state == BLOCKED:
            told += [_entry(each, language), _indented(each.reason.text(language))]
        elif explain:
            told.append(_entry(each, language))
            told += [f"    {_because(code, detail, language)}" for code, detail in each.why]
    return told


def _entry(each, language: str) -> str:
    return words.text("cli", "planned", each.state, language=language, **_about(each.job, language))


def _because(code: str, detail: str, language: str) -> str:
    return words.text("cli", "why", code, language=language, detail=detail or "–")


def _about(job, language: str) -> dict:
    spoken = "/".join(job.languages)
    return {"client": job.client_name, "period": job.period or "–", "page": job.title(language), "languages": spoken}


def line(outcome, language: str) -> str:
    """One job in one line; a reason follows in its own lines."""
    findings = max((entry["findings"] for entry in outcome.languages.values()), default=0)
    values = _about(outcome.job, language) | {"findings": findings, "seconds": Quantity(outcome.seconds, "ratio", 1)}
    text = words.text("cli", "job", outcome.status, language=language, **values)
    said = [*([outcome.reason] if outcome.reason else []), *outcome.remarks]
    return "\n".join([text, *(_indented(error.text(language)) for error in said)])


def summary(outcomes: list, index: Path, language: str) -> str:
    """The closing lines: how many of each, and where the index lies."""
    counts = Counter(outcome.status for outcome in outcomes)
    values = {status: counts[status] for status in ("done", "current", "failed", "skipped")}
    return words.text("cli", "summary", language=language, index=index.resolve(), **values)


def interrupted(done: int, left: int, language: str) -> str:
    """What Ctrl-C leaves: reports that are whole, and the rest for the same command."""
    return words.text("cli", "interrupted", language=language, done=done, left=left)


def _indented(text: str) -> str:
    return "\n".join(f"    {row}" for row in text.splitlines())
