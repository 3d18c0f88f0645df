"""A report on appraisals: what it rests on, how far it carries, what it cannot say."""

from sqlib import readiness, words
from sqlib.reading import Reading
from sqlib.words import Quantity

FEW_PEOPLE, FEW_RATINGS = 10, 30  # under which nobody can be told from anybody, and no rater from another
SOME_LOST, MANY_LOST = 0.02, 0.10  # share of the rows set aside
ALWAYS = ("judgement_only", "no_consequence")  # limits no appraisal escapes
QUESTIONS = readiness.APPRAISALS


def numbers(reading: Reading) -> list[tuple[str, str]]:
    """The few numbers of the data strip, each with what it counts; empty where nothing is judged."""
    judged = reading.read("judged", optional=True)
    if judged is None:
        return []
    own = reading.read("self_ratings", optional=True)
    counts = {
        "judged": len(judged),
        "ratees": judged["ratee_id"].nunique(),
        "raters": judged["rater_id"].nunique(),
        "self_ratings": 0 if own is None else len(own),
        "rows_aside": _aside(reading),
    }
    return [
        (words.worded(Quantity(count), reading.language), reading.say("strip", name)) for name, count in counts.items()
    ]


def line(reading: Reading) -> str:
    """On which scale scores are read; empty where nothing is judged or no scale is known."""
    ends = reading.judged_scale
    if not isinstance(ends, tuple):
        return ""
    code = "points" if reading.judged_points else "scale"
    return reading.say("strip", code, low=f"{ends[0]:g}", high=f"{ends[1]:g}")


def reliability(reading: Reading) -> tuple[str, list[str]]:
    """Grade A to D of the report as a whole, and what lowered it, as sentences."""
    judged, loaded = reading.read("judged", optional=True), reading.table_of("appraisals")
    rows = 0 if loaded is None else loaded.size + len(loaded.quarantine)
    lost = _aside(reading) / max(rows, 1)
    letter, gaps = grade(
        0 if judged is None else len(judged),
        0 if judged is None else judged["ratee_id"].nunique(),
        0.0 if judged is None else float(judged.groupby("ratee_id")["rater_id"].nunique().gt(1).mean()),
        lost,
    )
    values = {"lost": Quantity(lost, "percent"), "least": Quantity(FEW_PEOPLE)}
    return letter, [reading.say("gap", gap, **values) for gap in gaps]


def grade(ratings: int, people: int, shared: float, lost: float) -> tuple[str, list[str]]:
    """A complete and shared; B some rows lost, or people of one rater; C nobody shared; D too few to judge.

    ``shared`` : share of the people whom more than one rater rated; ``lost`` : of the rows set aside. Also what lowered
    the grade: codes few_people | nobody_shared | some_alone | aside.
    """
    gaps = {
        "few_people": people < FEW_PEOPLE or ratings < FEW_RATINGS,
        "nobody_shared": shared == 0,
        "some_alone": 0 < shared < 1,
        "aside": lost > SOME_LOST,
    }
    found = [gap for gap, holds in gaps.items() if holds]
    if "few_people" in found:
        return "D", found
    if lost > MANY_LOST or "nobody_shared" in found:
        return "C", found
    return ("B" if found else "A"), found


def limits(reading: Reading) -> dict[str, dict]:
    """What these data add to what always holds: codes with values."""
    found = {
        "self_apart": reading.read("self_ratings", optional=True) is not None,
        "formula_apart": reading.read("formula_scores", optional=True) is not None,
    }
    return {code: {} for code, holds in found.items() if holds}


def _aside(reading: Reading) -> int:
    """Rows of the appraisals that broke a hard rule."""
    loaded = reading.table_of("appraisals")
    return 0 if loaded is None else len(loaded.quarantine)
