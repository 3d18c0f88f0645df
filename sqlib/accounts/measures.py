"""A report on improvement measures: what it rests on, how far it carries, what it cannot say."""

import pandas as pd

from sqlib import readiness, words
from sqlib.reading import Absent, Reading
from sqlib.words import Quantity

SOME_LOST, MANY_LOST = 0.02, 0.10  # share of the rows set aside
MOST = 0.5  # share of the measures begun that can be followed, below which the report is about few of them
ALWAYS = ("effect_of_all", "stated_beforehand")  # limits no evaluation of measures escapes
QUESTIONS = readiness.MEASURES


def numbers(reading: Reading) -> list[tuple[str, str]]:
    """The few numbers of the data strip, each with what it counts; empty where there is no register."""
    register = reading.read("measures", optional=True)
    if register is None:
        return []
    counts = {"measures": len(register), "measures_begun": len(_begun(register, reading)),
              "measures_followed": len(_followed(reading)), "measures_aside": _aside(reading)}  # fmt: skip
    return [
        (words.worded(Quantity(count), reading.language), reading.say("strip", name)) for name, count in counts.items()
    ]


def line(reading: Reading) -> str:
    """Nothing: indicators keep their own units."""
    return ""


def reliability(reading: Reading) -> tuple[str, list[str]]:
    """Grade A to D of the report as a whole, and what lowered it, as sentences."""
    register, loaded = reading.read("measures", optional=True), reading.table_of("measures")
    rows = 0 if loaded is None else loaded.size + len(loaded.quarantine)
    begun = 0 if register is None else len(_begun(register, reading))
    letter, gaps = grade(begun, len(_followed(reading)), _aside(reading) / max(rows, 1))
    values = {"lost": Quantity(_aside(reading) / max(rows, 1), "percent")}
    return letter, [reading.say("gap", gap, **values) for gap in gaps]


def grade(begun: int, followed: int, lost: float) -> tuple[str, list[str]]:
    """A every measure begun names an indicator with values and a direction; B some do not, or rows were lost; C most
    do not; D none begun or followed. Also what lowered the grade: codes none_begun | none_followed | few_followed |
    some_unfollowed | measures_aside."""
    share = followed / max(begun, 1)
    gaps = {
        "none_begun": begun == 0,
        "none_followed": begun > 0 and followed == 0,
        "few_followed": 0 < share < MOST,
        "some_unfollowed": MOST <= share < 1,
        "measures_aside": lost > SOME_LOST,
    }
    found = [gap for gap, holds in gaps.items() if holds]
    if begun == 0 or followed == 0:
        return "D", found
    if lost > MANY_LOST or "few_followed" in found:
        return "C", found
    return ("B" if found else "A"), found


def limits(reading: Reading) -> dict[str, dict]:
    """What always holds is all."""
    return {}


def _begun(register: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Measures that run, ran or were stopped by the day of the data."""
    return register[register["status"].ne("planned") & (register["start_on"] <= reading.as_of)]


def _followed(reading: Reading) -> pd.DataFrame:
    """Measures begun whose indicator has a direction, and values reported or computed."""
    register, known = reading.read("measures", optional=True), reading.indicators
    if register is None or isinstance(known, Absent):
        return pd.DataFrame()
    values = reading.read("indicator_values", window="history", optional=True)
    reported = set() if values is None else set(values["indicator_id"])
    held = known["indicator_id"].isin(reported) | known["definition_id"].notna()
    sound = set(known.loc[held & known["direction"].isin(["up", "down"]), "indicator_id"])
    begun = _begun(register, reading)
    return begun[begun["indicator_id"].isin(sound)]


def _aside(reading: Reading) -> int:
    """Rows of the register that broke a hard rule."""
    loaded = reading.table_of("measures")
    return 0 if loaded is None else len(loaded.quarantine)
