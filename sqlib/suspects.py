"""Signs that are no error: codes for "not answered", straight-liners, texts that return. All rows stay in use."""

import numpy as np
import pandas as pd

from sqlib.repairs import PROBLEMS, joined, problem

CODES = (-999, -99, -98, -9, -8, -2, -1, 0, 9, 88, 98, 99, 999)  # numbers in use for "no answer" or "not mentioned"
ENDS = (1, 3, 5, 7, 10, 100)  # largest score of the scales in common use
SHORT, SLIPS = 10, 0.05  # a share this small of answers beyond the short scales is mistyped: 55 for 5
OFTEN = 0.01  # share of the answers that makes a value outside the scale a code rather than a slip
ITEMS = 5  # items a respondent must have answered to count as a straight-liner
LONG = 10  # characters from which a returning text is remarkable
SHOWN = 60  # characters shown of a returning text
TIMED, FAST = 20, 1 / 3  # answers with a time before a median says anything; share of it that is too fast to have read


def codes(scores: pd.Series, low: float, high: float) -> dict[float, int]:
    """Values outside ``low..high`` that look like codes, with their counts."""
    outside = scores[(scores < low) | (scores > high)]
    counts = outside[outside.isin(CODES)].value_counts()
    return {float(value): int(n) for value, n in counts.items() if n >= OFTEN * len(scores)}


def ends(scores: np.ndarray) -> tuple[float, float]:
    """Ends of the undeclared scale the scores were given on, from the ends in common use; nan where none fits."""
    inside = _without_slips(_without_codes(scores))
    high = next((end for end in ENDS if len(inside) and inside.min() >= 0 and inside.max() <= end), None)
    if high is None:
        return float("nan"), float("nan")
    return (0.0 if high == 1 or (inside == 0).any() else 1.0), float(high)


def _without_codes(scores: np.ndarray) -> np.ndarray:
    """Scores without codes: negative ones below a scale that begins at 1, large ones beyond a gap."""
    begins_at_one = not (scores == 0).any() and (scores > 0).any() and set(scores[scores < 0]) <= set(CODES)
    inside = scores[scores > 0] if begins_at_one else scores
    for code in {code for code in CODES if code >= 9} & set(inside):
        plain = inside[~np.isin(inside, [other for other in CODES if other >= code])]
        needed = 1 if code > 10 else 30  # a 9 on a scale of 10 may stand alone in few answers
        if len(plain) >= needed and plain.max() <= min(code - 2, 10) and np.mean(inside == code) >= OFTEN:
            return plain
    return inside


def _without_slips(scores: np.ndarray) -> np.ndarray:
    """Scores without the few below 0 or beyond every short scale, which say nothing of the ends."""
    below, beyond = ((odd & (odd.sum() <= SLIPS * len(scores))) for odd in (scores < 0, scores > SHORT))
    return scores[~(below | beyond)]


def straight_lines(items: pd.DataFrame) -> tuple[int, int]:
    """Respondents with at least ``ITEMS`` items who gave one answer to all, and all with that many items."""
    answered = items.dropna(subset=["score"]).groupby("feedback_id", sort=False)["score"].agg(["size", "min", "max"])
    enough = answered[answered["size"] >= ITEMS]
    return int((enough["min"] == enough["max"]).sum()), len(enough)


def returning_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Comments of at least ``LONG`` characters under different ids: text, rows, first row; most frequent first."""
    texts = frame.loc[frame["comment"].str.len() >= LONG, ["feedback_id", "comment", "source_file", "source_row"]]
    again = texts[texts["comment"].duplicated(keep=False)].drop_duplicates(["feedback_id", "comment"])
    groups = again.groupby("comment", sort=False)
    found = groups.agg(rows=("feedback_id", "size"), file=("source_file", "first"), row=("source_row", "first"))
    return found[found["rows"] > 1].sort_values("rows", ascending=False, kind="stable").reset_index()


def too_fast(frame: pd.DataFrame) -> pd.DataFrame:
    """Answers in less than a third of their file's median time: file, limit and median in seconds, count, first row."""
    timed = frame.dropna(subset=["answering_seconds"]).drop_duplicates(["feedback_id", "source_file"])
    times = timed.groupby("source_file", sort=False)["answering_seconds"]
    timed = timed.assign(median=times.transform("median"))[times.transform("size") >= TIMED]
    fast = timed[timed["answering_seconds"] < FAST * timed["median"]]
    groups = fast.groupby("source_file", sort=False)
    found = groups.agg(median=("median", "first"), count=("median", "size"), row=("source_row", "first"))
    return found.rename_axis("file").reset_index().assign(limit=lambda each: FAST * each["median"])


def find(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Problems of severity info for one typed table."""
    notes = []
    if table == "feedback_items":
        same, enough = straight_lines(frame)
        if same:
            notes.append(problem(table, "", "straight_lining", column="score", value=f"{same} / {enough}", count=same))
    if "answering_seconds" in frame:
        for each in too_fast(frame).itertuples():
            value = f"< {each.limit:.0f} s ({each.median:.0f} s)"
            told = {"row": int(each.row), "column": "answering_seconds", "value": value, "count": int(each.count)}
            notes.append(problem(table, each.file, "answered_too_fast", **told))
    if {"comment", "feedback_id"} <= set(frame):
        texts = returning_texts(frame)
        value = texts["comment"].str.slice(0, SHOWN) + " × " + texts["rows"].astype("str")
        each = {"file": texts["file"], "row": texts["row"], "value": value, "count": texts["rows"]}
        notes.append(pd.DataFrame({"table": table, **each, "column": "comment", "rule": "repeated_text_suspect"}))
    found = pd.concat(notes) if notes else pd.DataFrame()
    return joined([found.assign(severity="info", used=True)], PROBLEMS)
