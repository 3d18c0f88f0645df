"""What a page owes its reader about the data: what it rests on, where every row went, what it cannot say."""

import importlib

import pandas as pd

from sqlib import findings, installed, problems, readiness, tables, words
from sqlib.reading import Absent, Reading

TROUBLE = ("table", "rule", "count", "used")


def of(reading: Reading):
    """The module of ``accounts`` that speaks for the table the page is about.

    It holds ``numbers`` (of the data strip, each with what it counts; empty where there is nothing), ``line`` (how the
    scores are read, or nothing), ``reliability`` (grade A to D, and what lowered it), ``ALWAYS`` and ``limits`` (what
    may not be concluded), ``QUESTIONS`` (of the readiness memo).
    """
    return importlib.import_module(f"sqlib.accounts.{reading.subject}")


def numbers(reading: Reading) -> list[tuple[str, str]]:
    """The few numbers of the data strip, each with what it counts; empty where there is nothing to count."""
    told = of(reading).numbers(reading)
    return [*told, (reliability(reading)[0], reading.say("strip", "reliability"))] if told else []


def reliability(reading: Reading) -> tuple[str, list[str]]:
    """Grade A to D of the report as a whole, and what lowered it, as sentences."""
    return of(reading).reliability(reading)


def period_line(reading: Reading) -> str:
    """Period, cut-off and period compared with, in one sentence."""
    compared = reading.before or reading.say("compared", "none")
    values = {"period": reading.period, "as_of": f"{reading.as_of:%Y-%m-%d}", "compared": compared}
    values |= {"first": f"{reading.period.start:%Y-%m-%d}", "last": f"{reading.period.last_day:%Y-%m-%d}"}
    return reading.say("strip", "undated" if reading.undated(reading.subject) else "period", **values)


def balance(reading: Reading) -> pd.DataFrame:
    """Where the rows of every table went, one row a file: table and the columns of ``tables.balance``."""
    checked = {reading.title(name): table for name, table in _checked(reading).items() if reading.uses(name)}
    parts = [tables.balance(table, reading.period).assign(table=title) for title, table in checked.items()]
    both = pd.concat(parts, ignore_index=True)
    both["filtered"] += both.pop("excluded")  # what a person left out is filtered for the reader of a page
    both = both if both["default_praise"].any() else both.drop(columns="default_praise")
    return both[both["file"] != ""].reset_index(drop=True)


def totals(reading: Reading) -> pd.DataFrame:
    """The balance of each table as a whole."""
    return balance(reading).groupby("table", sort=False).sum(numeric_only=True).reset_index()


def troubles(reading: Reading) -> pd.DataFrame:
    """Problems that set rows aside or deserve a warning, worded: table, problem, how many rows, used or not.

    Values stay in the workbook: they are the client's own.
    """
    used = {name: table for name, table in _checked(reading).items() if reading.uses(name)}
    found = problems.screen(used, reading.language)
    heading = {name: words.entry("problems", "headings", name)[reading.language] for name in (*TROUBLE, "severity")}
    grave = [words.entry("problems", "severity", code)[reading.language] for code in ("error", "warning")]
    shown = found[found[heading["severity"]].isin(grave)]
    by = [heading[name] for name in ("table", "rule", "used")]
    return shown.groupby(by, sort=False)[heading["count"]].sum().reset_index()[[heading[name] for name in TROUBLE]]


def unanswered(reading: Reading) -> pd.DataFrame:
    """Questions of this page the data answer only in part or not at all, and what to ask the client for; worded."""
    memo = readiness.readiness(reading.client, _checked(reading))
    own = memo["question"].isin([*of(reading).QUESTIONS, reading.subject])
    return readiness.shown(memo[(memo["can"] != "yes") & own], reading.language)


def read(reading: Reading) -> dict:
    """What the page read, for the record of the run: SHA-256 of every file, and where the rows of each went.

    ``inputs`` : file -> SHA-256; ``rows`` : table, file and the columns of ``tables.balance``; ``environment`` : what
    the page ran on, see ``installed``
    """
    parts = [tables.balance(table, reading.period).assign(table=name) for name, table in _checked(reading).items()]
    rows = pd.concat(parts, ignore_index=True)
    told = {"inputs": reading.fingerprints(), "environment": installed.environment()}
    return told | {"rows": rows[rows["file"] != ""].to_dict("records")}


def _checked(reading: Reading) -> dict[str, tables.Table]:
    """Every table of the client, so that names of any of them are known before a text is shown."""
    return {name: reading.table_of(name) for name in reading.client.tables}


def limits(reading: Reading, results: tuple) -> list[str]:
    """What may not be concluded, as sentences: what always holds, then what these data and results add."""
    codes = {code: {} for code in of(reading).ALWAYS} | of(reading).limits(reading)
    for result in results:
        codes |= {} if isinstance(result, Absent) else findings.limits(result)
    if not isinstance(reading.hand_coded, Absent):
        codes.pop("codebook", None)  # how well the code book codes is told then
    return [reading.say("limit", code, **values) for code, values in codes.items()]


def record(reading: Reading, stem: str, title: str, audience: str) -> dict:
    """The report as its cover and the index need it; the days of a period only where the data carry dates."""
    (letter, gaps), undated = reliability(reading), reading.undated(reading.subject)
    compared = None if undated else reading.before
    facts = {
        "client_id": reading.client.id,
        "client_name": reading.client.name,
        "stem": stem,
        "title": title,
        "period": reading.period.text,
        "compared_with": reading.say("compared", "none") if compared is None else compared.text,
        "language": reading.language,
        "currency": reading.client.currency,
        "reliability": letter,
    }
    days = {"period_start": reading.period.start, "period_end": reading.period.last_day, "as_of": reading.as_of}
    worded = {
        "audience": ("audience", audience),
        "confidentiality": ("confidentiality", audience),
        "reliability_sentence": ("reliability", letter),
    }
    facts |= {} if undated else {name: f"{day:%Y-%m-%d}" for name, day in days.items()}
    facts |= {"prepared_by": reading.say("report", "prepared_by")}
    facts |= {key: words.text("common", *path, language=reading.language) for key, path in worded.items()}
    sentences = [facts["reliability_sentence"], *gaps]
    return facts | {"reliability_sentence": reading.say("gap", "join").join(sentences)}
