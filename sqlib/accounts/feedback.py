"""A report on what customers said: what it rests on, how far it carries, what it cannot say."""

from sqlib import readiness, words
from sqlib.reading import Reading
from sqlib.words import Listing, Quantity

NO_ANSWERS, FEW_ANSWERS = 10, 30  # a share of 30 answers is known to about +-18 points, of 10 to +-31
SOME_LOST, MANY_LOST = 0.02, 0.10  # share of the rows set aside
ALWAYS = ("non_response", "cause", "person")  # limits no survey of customers escapes
QUESTIONS = readiness.FEEDBACK


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
    return [
        (words.worded(Quantity(count), reading.language), say("strip", name)) for name, count in counts.items()
        if count is not None
    ]  # fmt: skip


def line(reading: Reading) -> str:
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


def limits(reading: Reading) -> dict[str, dict]:
    """What these data add to what always holds: codes with values."""
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
