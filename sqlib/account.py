"""What a page owes its reader about the data: what it rests on, where every row went, what it cannot say."""

import pandas as pd

from sqlib import findings, problems, readiness, tables, words
from sqlib.reading import Absent, Reading
from sqlib.words import Listing, Quantity

TROUBLE = ("table", "rule", "count", "used")
NO_ANSWERS, FEW_ANSWERS = 10, 30  # a share of 30 answers is known to about +-18 points, of 10 to +-31
SOME_LOST, MANY_LOST = 0.02, 0.10  # share of the rows set aside
ALWAYS = ("non_response", "cause", "person")  # limits no survey of customers escapes


def numbers(reading: Reading) -> list[tuple[str, str]]:
    """The few numbers of the data strip, each with what it counts; empty where there is no feedback."""
    feedback = reading.read("feedback", optional=True)
    if feedback is None:
        return []
    customers = reading.read("customers", optional=True)
    counts = {
        "answers": len(feedback),
        "customers": feedback["customer_id"].nunique() or None,
        "base": None if customers is None else customers["customer_id"].nunique(),
        "comments": int(feedback["comment"].notna().sum()),
        "set_aside": set_aside(reading),
    }
    say = reading.say
    shown = [(words.worded(Quantity(count), reading.language), say("strip", name)) for name, count in counts.items()
             if count is not None]  # fmt: skip
    return [*shown, (reliability(reading)[0], say("strip", "reliability"))]


def period_line(reading: Reading) -> str:
    """Period, cut-off and period compared with, in one sentence."""
    compared = reading.before or reading.say("compared", "none")
    values = {"period": reading.period, "as_of": f"{reading.as_of:%Y-%m-%d}", "compared": compared}
    values |= {"first": f"{reading.period.start:%Y-%m-%d}", "last": f"{reading.period.last_day:%Y-%m-%d}"}
    return reading.say("strip", "undated" if reading.undated() else "period", **values)


def satisfied_line(reading: Reading) -> str:
    """Which scores count as satisfied, as the answers show it, and how they are converted to points of 100.

    Empty where no satisfied score is on a known scale.
    """
    feedback = reading.read("feedback", optional=True)
    if feedback is None:
        return ""
    rows = feedback[feedback["metric"].eq("csat") & feedback["satisfied"].fillna(False)]
    if rows.empty:
        return ""
    low, high = rows.groupby(["scale_min", "scale_max"]).size().idxmax()
    own = rows.loc[rows["scale_min"].eq(low) & rows["scale_max"].eq(high), "score"]
    ends = {"low": f"{low:g}", "high": f"{high:g}"}
    top = sorted(reading.client.scales["csat"].top) if "csat" in reading.client.scales else []
    if top and top != [level for level in range(int(top[0]), int(high) + 1)]:
        said = reading.say("strip", "satisfied_levels", levels=_levels(top), **ends)
    elif reading.best.get("csat") == "low":
        said = reading.say("strip", "satisfied_low", most=f"{own.max():g}", **ends)
    else:
        said = reading.say("strip", "satisfied", least=f"{own.min():g}", **ends)
    return said + _conversion(reading, low, high)


def _levels(scores: list[float]) -> Listing:
    return Listing(tuple(f"{score:g}" for score in scores))


def _conversion(reading: Reading, low: float, high: float) -> str:
    """How scores become points of 100, where that is declared."""
    scale = reading.client.scales.get("csat")
    if scale is None or scale.points is None:
        return ""
    if scale.points == "linear":
        worst, best = (low, high) if scale.best == "high" else (high, low)
        return reading.say("strip", "linear", worst=f"{worst:g}", best=f"{best:g}")
    pairs = sorted(scale.converted().items(), reverse=True)
    each = [reading.say("strip", "level", level=f"{level:g}", points=f"{points:g}") for level, points in pairs]
    return reading.say("strip", "converted", levels=Listing(tuple(each)))


def balance(reading: Reading) -> pd.DataFrame:
    """Where the rows of every table went, one row a file: table and the columns of ``tables.balance``."""
    checked = {reading.title(name): table for name, table in _checked(reading).items()}
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
    found = problems.screen(_checked(reading), reading.language)
    heading = {name: words.entry("problems", "headings", name)[reading.language] for name in (*TROUBLE, "severity")}
    grave = [words.entry("problems", "severity", code)[reading.language] for code in ("error", "warning")]
    shown = found[found[heading["severity"]].isin(grave)]
    by = [heading[name] for name in ("table", "rule", "used")]
    return shown.groupby(by, sort=False)[heading["count"]].sum().reset_index()[[heading[name] for name in TROUBLE]]


def unanswered(reading: Reading) -> pd.DataFrame:
    """Questions of this page the data answer only in part or not at all, and what to ask the client for; worded."""
    memo = readiness.readiness(reading.client, _checked(reading))
    return readiness.shown(memo[(memo["can"] != "yes") & (memo["question"] != "cases")], reading.language)


def read(reading: Reading) -> dict:
    """What the page read, for the record of the run: SHA-256 of every file, and where the rows of each went.

    ``inputs`` : file -> SHA-256; ``rows`` : table, file and the columns of ``tables.balance``
    """
    parts = [tables.balance(table, reading.period).assign(table=name) for name, table in _checked(reading).items()]
    rows = pd.concat(parts, ignore_index=True)
    return {"inputs": reading.fingerprints(), "rows": rows[rows["file"] != ""].to_dict("records")}


def _checked(reading: Reading) -> dict[str, tables.Table]:
    return {name: reading.table_of(name) for name in reading.client.tables}


def set_aside(reading: Reading) -> int:
    """Rows of the feedback that broke a hard rule."""
    loaded = reading.table_of("feedback")
    return 0 if loaded is None else len(loaded.quarantine)


def reliability(reading: Reading) -> tuple[str, list[str]]:
    """Grade A to D of the report as a whole, and what lowered it, as sentences."""
    feedback, loaded = reading.read("feedback", optional=True), reading.table_of("feedback")
    used = 0 if feedback is None else len(feedback)
    rows = 0 if loaded is None else loaded.size + len(loaded.quarantine)
    lost = set_aside(reading) / max(rows, 1)
    base_known = reading.read("customers", optional=True) is not None
    letter, gaps = grade(used, lost, dated=not reading.undated(), base_known=base_known)
    values = {"used": used, "lost": Quantity(lost, "percent")}
    return letter, [reading.say("gap", gap, **values) for gap in gaps]


def grade(used: int, lost: float, *, dated: bool, base_known: bool) -> tuple[str, list[str]]:
    """A complete and ample; B some rows lost or few answers; C a clear gap; D no statement can carry weight.

    ``used`` answers of the period, ``lost`` share of the table's rows set aside. Also what lowered the grade: codes
    no_answers | undated | no_base | rows_lost | few_answers.
    """
    gaps = {
        "no_answers": used < NO_ANSWERS,
        "undated": not dated,
        "no_base": not base_known,
        "rows_lost": lost > SOME_LOST,
        "few_answers": NO_ANSWERS <= used < FEW_ANSWERS,
    }
    found = [gap for gap, holds in gaps.items() if holds]
    if "no_answers" in found:
        return "D", found
    if lost > MANY_LOST or {"undated", "no_base"} & set(found):
        return "C", found
    return ("B" if found else "A"), found


def limits(reading: Reading, results: tuple) -> list[str]:
    """What may not be concluded, as sentences: what always holds, then what these data and results add."""
    codes = {code: {} for code in ALWAYS} | _of_data(reading)
    for result in results:
        codes |= {} if isinstance(result, Absent) else findings.limits(result)
    if not isinstance(reading.hand_coded, Absent):
        codes.pop("codebook", None)  # how well the code book codes is told then
    return [reading.say("limit", code, **values) for code, values in codes.items()]


def _of_data(reading: Reading) -> dict[str, dict]:
    feedback = reading.read("feedback", optional=True)
    found = {
        "undated": reading.undated(),
        "season": _other_season(reading),
        "no_population": "customers" not in reading.client.tables,
        "no_weight": not reading.margins,
        "no_clusters": feedback is not None and feedback["customer_id"].isna().all(),
    }
    return {code: {} for code, holds in found.items() if holds}


def _other_season(reading: Reading) -> bool:
    """Is the period compared with another part of the year?"""
    before = reading.before
    if before is None or reading.read("feedback", window="previous", optional=True) is None:
        return False
    return (before.start.month, before.end.month) != (reading.period.start.month, reading.period.end.month)


def record(reading: Reading, stem: str, title: str, audience: str) -> dict:
    """The report as its cover and the index need it; the days of a period only where the data carry dates."""
    (letter, gaps), undated = reliability(reading), reading.undated()
    compared = None if undated else reading.before
    facts = {
        "client_id": reading.client.id,
        "client_name": reading.client.name,
        "stem": stem,
        "title": title,
        "period": reading.period.text,
        "compared_with": reading.say("compared", "none") if compared is None else compared.text,
        "language": reading.language,
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
