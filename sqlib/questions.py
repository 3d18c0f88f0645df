"""Questions of a questionnaire that no contract column takes: kept for tallies where few answers recur, else left.

What is kept can identify nobody: no column whose header asks for a person, a number or a date, no answer that looks
like one, and only columns whose answers recur (at most 30, five rows to each on average).
"""

import functools
import re
from collections.abc import Iterable

import pandas as pd

from sqlib import exports, repairs
from sqlib.contracts import Contract

MOST = 30  # different answers of a question worth tallying
ROWS = 5  # rows an answer needs on average: what hardly recurs is a name or free text
LONGEST = 60  # characters of an answer that was chosen, not written
SEPARATORS = re.compile("\\s*[\u250b\uff1b;|\n]\\s*")  # between the choices of a multiple-choice question
_NUMBERED = re.compile(r"@|\d{5,}|\d{1,4}[-/.:\u5e74]\d{1,2}")  # mail, phone, identity number, date, time
JOIN, TICKS = "|", {"0", "1"}  # between gathered options; what a column of one option holds
COLUMNS = ["question", "answer", "feedback_id", "cluster"]


def kept(raw: pd.DataFrame, contract: Contract, codes: Iterable[str] = ()) -> pd.DataFrame:
    """The questions of a raw frame worth tallying, as categories, one row a row of ``raw``.

    Options ticked in columns of their own become one question; ``codes`` stand for no answer.
    """
    silent = repairs.vocabulary("missing") | set(map(repairs.folded, codes))
    unknown = [name for name in raw if name not in contract.columns and name not in ("source_file", "source_row")]
    cleared = {name: repairs.blank(raw[name], silent) for name in unknown}
    cleared = {name: cells for name, cells in _gathered(cleared).items() if _asks(name)}
    return pd.DataFrame(
        {name: cells.astype("category") for name, cells in cleared.items() if _recurs(cells)}, index=raw.index
    )


def _gathered(cleared: dict[str, pd.Series]) -> dict[str, pd.Series]:
    """Columns of one numbered question that say ticked or not: the options ticked in each row, joined."""
    options = [q for q in exports.questions(cleared) if q.item and set(cleared[q.header].dropna()) <= TICKS]
    gathered = {name: cells for name, cells in cleared.items() if name not in {option.header for option in options}}
    for stem in dict.fromkeys(option.stem for option in options):
        ticked = {q.item: cleared[q.header].eq("1").fillna(False) for q in options if q.stem == stem}
        texts = [ticks.map({True: f"{item}{JOIN}", False: ""}) for item, ticks in ticked.items()]
        joined = functools.reduce(lambda one, other: one + other, texts).astype("str").str.removesuffix(JOIN)
        gathered[stem] = joined.mask(joined.eq(""))
    return gathered


def chosen(questions: pd.DataFrame, feedback: pd.DataFrame) -> pd.DataFrame:
    """One row per answer chosen: question, answer, feedback_id, cluster; several choices are several rows.

    ``questions`` as ``kept`` gives them, ``feedback`` the answers they belong to, on the same index.
    """
    parts = [_split(questions.loc[feedback.index, name], feedback) for name in questions]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _split(cells: pd.Series, feedback: pd.DataFrame) -> pd.DataFrame:
    answers = cells.dropna().astype("str").str.split(SEPARATORS).explode().dropna()
    answers = answers[answers.ne("")]
    own = feedback.loc[answers.index, ["feedback_id", "cluster"]].reset_index(drop=True)
    return own.assign(question=cells.name, answer=answers.to_numpy())[COLUMNS].drop_duplicates()


def _asks(header: str) -> bool:
    """Does the header ask for something that identifies nobody?"""
    plain = repairs.folded(str(header))
    whole = set(re.findall(r"[a-z]+", plain))
    return not any(word in (whole if word.isascii() else plain) for word in repairs.vocabulary("private_header"))


def _recurs(cells: pd.Series) -> bool:
    """Do few answers, none of them a number or a date, make up the column?"""
    filled = cells.dropna()
    if filled.nunique() > 20 * MOST:
        return False
    levels = pd.Series(filled.unique(), dtype="str").str.split(SEPARATORS).explode().dropna()
    levels = levels[levels.ne("")].drop_duplicates()
    odd = levels.str.len().gt(LONGEST) | levels.str.contains(_NUMBERED)
    return 2 <= len(levels) <= MOST and len(filled) >= ROWS * len(levels) and not odd.any()
