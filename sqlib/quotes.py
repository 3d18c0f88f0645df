"""Customers' words for quotation: proposed in ``<client>/quotes.xlsx``, printed only where a person approved them.

What is printed is what was approved. It is masked again at that moment: where that finds anything, or the comment is no
longer the one that was approved, the words stay out and the page says how many.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sqlib import excerpts, forms, masking, pseudonyms, words
from sqlib.reading import Absent, Reading

FORM, SHEET, FILE = "quotes", "quotes", "quotes.xlsx"
SHOWN = ["quote_id", "period", "theme", "score", "masked", "state"]
ENTRIES = ["decision", "printed"]


@dataclass(frozen=True)
class Approved:
    """``quotes``: text and theme (a code) of what may be printed; ``refused``: approved and yet not fit to print."""

    quotes: list[tuple[str, str]]
    refused: int


def propose(reading: Reading) -> pd.DataFrame:
    """Candidates of the reading's period: the columns ``SHOWN``, and theme as a code."""
    comments = _current(reading)
    if comments is None:
        return pd.DataFrame(columns=SHOWN)
    found = excerpts.excerpts(
        comments, text="comment", score="score", codebook=reading.codebook, exclude=reading.exclude,
        groups=[*reading.client.cells.feedback, *reading.adjust], cluster="cluster", names=_names(reading),
        language=reading.language, min_group=reading.min_group,
    )  # fmt: skip
    told = comments.loc[found["row"]]
    return pd.DataFrame(
        {
            "quote_id": _ids(told, reading).tolist(),
            "period": reading.period.text,
            "theme": found["theme"].tolist(),
            "score": told["score"].tolist(),
            "masked": found["masked"].tolist(),
            "state": "current",
        },
        columns=SHOWN,
    )


def refresh(reading: Reading) -> tuple[Path, list[str]]:
    """Add the period's candidates to the workbook, keep every decision; returns its path and the orphaned quotes.

    A quote is orphaned where its period's comments no longer hold it, word for word.

    Raises
    ------
    ArgumentError : ``workbook.unwritable``; ClientError : the errors of ``forms.read``
    """
    place = reading.client.folder / FILE
    before, proposed = _read(place), propose(reading)
    themes = reading.theme_names
    proposed = proposed.assign(theme=proposed["theme"].map(themes))
    fresh = proposed[~proposed["quote_id"].isin(before["quote_id"])]
    mine = before["period"] == reading.period.text
    alive = before["quote_id"].isin(_known(reading))
    decided = before[ENTRIES].ne("").any(axis=1)
    state = before["state"].mask(mine, alive.map({True: "current", False: "gone"}))
    kept = before.assign(state=state)[~mine | decided | before["quote_id"].isin(proposed["quote_id"])]
    both = pd.concat([kept, fresh], ignore_index=True).reindex(columns=[*SHOWN, *ENTRIES]).fillna("")
    if both.astype(str).values.tolist() != before[[*SHOWN, *ENTRIES]].astype(str).values.tolist():
        forms.write(FORM, {SHEET: both}, place, reading.language, about={"client": reading.client.name})
    return place, kept.loc[mine & decided & ~alive, "quote_id"].tolist()


def approved(reading: Reading, own: dict[str, str]) -> Approved:
    """What may be printed for the reading's period; ``own``: column -> the only member whose customers are quoted."""
    rows = decided(reading.client.folder, reading.period.text)
    comments = _current(reading)
    if rows.empty or comments is None:
        return Approved([], len(rows))
    names = _names(reading)
    known = comments.set_index(_ids(comments, reading))
    fit = [_fit(row, known, names) for row in rows.to_dict("records")]
    mine = [all(known.loc[row, column] == member for column, member in own.items()) if row in known.index else False
            for row in rows["quote_id"]]  # fmt: skip
    codes = {label: theme for theme, entry in reading.themes.items() for label in entry["label"].values()}
    quotes = [
        (masking.spoken(row["printed"] or row["masked"], reading.language), codes.get(row["theme"], ""))
        for row, good, own_row in zip(rows.to_dict("records"), fit, mine, strict=True)
        if good and own_row
    ]
    return Approved(quotes, len(rows) - sum(fit))


def decided(folder: Path, period: str) -> pd.DataFrame:
    """Rows of a client's workbook a person approved for print in a period: the columns ``SHOWN`` and ``ENTRIES``."""
    rows = _read(folder / FILE)
    return rows[(rows["period"] == period) & (rows["decision"] == "approve")]


def released(folder: Path) -> set[str]:
    """Every text a person approved for print in a client's workbook, as it may stand in a report of any language."""
    rows = _read(folder / FILE)
    rows = rows[rows["decision"] == "approve"]
    texts = rows["printed"].where(rows["printed"] != "", rows["masked"])
    return {masking.spoken(text, language) for text in texts for language in words.LANGUAGES}


def _fit(row: dict, known: pd.DataFrame, names: frozenset[str]) -> bool:
    """Is the comment still there, masked as it was approved, and is nobody named in what is to be printed?"""
    if row["quote_id"] not in known.index or masking.find(row["printed"] or row["masked"], names):
        return False
    fresh = masking.mask(known.loc[row["quote_id"], "comment"], names)
    return bool(row["printed"]) or fresh.strip() == masking.spoken(row["masked"], "zh")


def _current(reading: Reading) -> pd.DataFrame | None:
    comments = reading.read("comments")
    if isinstance(comments, Absent):
        return None
    return comments[(comments["window"] == "current") & comments["comment"].notna()].reset_index(drop=True)


def _known(reading: Reading) -> set[str]:
    comments = _current(reading)
    return set() if comments is None else set(_ids(comments, reading))


def _ids(comments: pd.DataFrame, reading: Reading) -> pd.Index:
    """A quote's number: made of the answer and its words, so that changed words are another quote."""
    secret = pseudonyms.key(reading.client)
    pairs = zip(comments["feedback_id"], comments["comment"], strict=True)
    return pd.Index([pseudonyms.of(f"{feedback}\n{comment}", "quote", secret) for feedback, comment in pairs])


def _names(reading: Reading) -> frozenset[str]:
    """Everybody met in any table of the client."""
    for table in reading.client.tables:
        reading.table_of(table)
    return frozenset(pseudonyms.names(reading.client).values())


def _read(place: Path) -> pd.DataFrame:
    if not place.exists():
        return pd.DataFrame(columns=[*SHOWN, *ENTRIES], dtype="str")
    return forms.read(FORM, place)[SHEET]
