"""Remarks of appraisals as ratings: ``<client>/phrases.xlsx`` says what level a phrase stands for.

Free text is never scored by itself. A list proposes levels for phrases (``profiles/<profile>/phrases.toml``), a person
enters those that hold; then the reader of the remarks is one more rater. A second person's levels show how far two
readers agree.
"""

import functools
import tomllib
from collections import Counter
from pathlib import Path

import pandas as pd

from sqlib import forms, phrases
from sqlib.client import PROFILES, Client

FORM, SHEET, FILE = "phrase_levels", "phrases", "phrases.xlsx"
SHOWN, ENTRIES = ["phrase", "proposed", "remarks", "example"], ["level", "second", "note"]
READER = "reader"  # stands where a rater's id stands
NONE = "none"  # of a phrase that says nothing of the level
ENDS = (1.0, 5.0)
REPEATED, SHORT = 3, 12  # a remark this short that returns this often is a phrase as well


def path(client: Client) -> Path:
    """Where the workbook lies."""
    return client.folder / FILE


@functools.cache
def proposed(profile: str = "general") -> dict[str, float]:
    """Phrase -> proposed level: the profile's list before the general one."""
    found: dict[str, float] = {}
    for name in ("general", profile):
        if (file := PROFILES / name / "phrases.toml").is_file():
            levels = tomllib.loads(file.read_text(encoding="utf-8"))["levels"]
            found |= {phrases.fold(phrase): float(level) for level, listed in levels.items() for phrase in listed}
    return found


def found(remarks: pd.Series, listed: list[str]) -> pd.DataFrame:
    """Which remark holds which phrase: boolean, one column a phrase; denied phrases and parts of longer ones do not."""
    book = {phrase: [phrase] for phrase in listed}
    denied = tomllib.loads((PROFILES / "general" / "phrases.toml").read_text(encoding="utf-8"))["denied"]
    exclude = {
        phrase: [word + phrase for word in denied] + [other for other in listed if phrase in other and other != phrase]
        for phrase in listed
    }
    return phrases.carried(phrases.folded(remarks), book, exclude)


def approved(client: Client) -> pd.DataFrame | None:
    """What was decided: phrase, level, second (1 to 5; nan: none or not filled in) and both (two persons judged it);
    None where there is no workbook.

    Raises
    ------
    ClientError : the errors of ``forms.read``
    """
    if not path(client).is_file():
        return None
    rows = _rows(client)
    rows = rows[rows["phrase"].ne("") & (rows["level"].ne("") | rows["second"].ne(""))]
    levels = {name: pd.to_numeric(rows[name], errors="coerce") for name in ("level", "second")}
    both = rows["level"].ne("") & rows["second"].ne("")
    decided = rows[["phrase"]].assign(**levels, both=both)
    return decided.assign(phrase=decided["phrase"].map(phrases.fold)).reset_index(drop=True)


def ratings(appraisals: pd.DataFrame, decided: pd.DataFrame, scale: tuple[float, float]) -> pd.DataFrame:
    """One rating by the reader for each person and period with an approved phrase in the remarks of others.

    appraisals : ratee_id, rater_id, rater_role, period, comment; decided : what :func:`approved` returns
    scale : lowest and highest score of the other ratings, on which the levels 1 to 5 are laid out evenly

    Returns ratee_id, rater_id (``READER``), period, score, level (mean of the approved levels), phrases (how many).
    """
    counted = decided.dropna(subset=["level"])
    own = appraisals["rater_role"].eq("self").fillna(False) | appraisals["rater_id"].eq(appraisals["ratee_id"]).fillna(
        False
    )
    said = appraisals[appraisals["comment"].notna() & ~own]
    said = said.drop_duplicates(["ratee_id", "rater_id", "period", "comment"]).reset_index(drop=True)
    known = list(dict.fromkeys([*counted["phrase"], *decided["phrase"], *proposed()]))  # a longer one hides its parts
    held = found(said["comment"], known)[list(counted["phrase"])]
    levels = dict(zip(counted["phrase"], counted["level"], strict=True))
    each = said[["ratee_id", "period"]].assign(phrases=held.sum(axis=1), total=(held * pd.Series(levels)).sum(axis=1))
    people = each.fillna({"period": ""}).groupby(["ratee_id", "period"], as_index=False)[["phrases", "total"]].sum()
    people = people[people["phrases"] > 0]
    level = people["total"] / people["phrases"]
    score = scale[0] + (level - ENDS[0]) / (ENDS[1] - ENDS[0]) * (scale[1] - scale[0])
    columns = ["ratee_id", "rater_id", "period", "score", "level", "phrases"]
    return people.assign(rater_id=READER, score=score, level=level)[columns].reset_index(drop=True)


def refresh(client: Client, remarks: pd.Series, masked: pd.Series, language: str) -> Path | None:
    """Bring the workbook up to date with the remarks of a period; entries and phrases added by hand stay.

    masked : the remarks without names and numbers, for the examples. None where no remark holds a phrase.

    Raises
    ------
    ClientError : the errors of ``forms.read``; ArgumentError : ``workbook.unwritable``
    """
    there = path(client).is_file()
    known = _rows(client) if there else pd.DataFrame(columns=SHOWN + ENTRIES, dtype="str")
    rows = _joined(known, _counted(client, remarks, masked, list(known["phrase"])))
    if rows.empty:
        return None
    if not there or rows.to_numpy().tolist() != known[SHOWN + ENTRIES].to_numpy().tolist():
        forms.write(FORM, {SHEET: rows}, path(client), language, about={"client": client.id})
    return path(client)


def _counted(client: Client, remarks: pd.Series, masked: pd.Series, known: list[str]) -> pd.DataFrame:
    """Phrases met, most frequent first: proposed level, number of remarks, the first remark as an example."""
    said, shown = remarks.dropna(), masked.reindex(remarks.dropna().index)
    suggested = proposed(client.profile)
    short = Counter(text for text in phrases.folded(said) if 1 < len(text) <= SHORT)
    returning = [text for text, times in short.items() if times >= REPEATED]
    listed = list(dict.fromkeys(phrases.fold(text) for text in [*suggested, *known, *returning] if text))
    held = found(said, listed)
    met = held.sum().sort_values(ascending=False, kind="stable")
    met = met[met > 0]
    level = [f"{suggested[phrase]:g}" if phrase in suggested else "" for phrase in met.index]
    example = [shown[held[phrase]].iloc[0] for phrase in met.index]
    return pd.DataFrame({"phrase": met.index, "proposed": level, "remarks": met.astype("str"), "example": example})


def _rows(client: Client) -> pd.DataFrame:
    return forms.read(FORM, path(client), client=client.id)[SHEET].drop(columns="line")


def _joined(known: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Figures of the fresh rows, entries of the known ones; a phrase no longer met keeps its row."""
    entries = known.assign(fold=known["phrase"].map(phrases.fold)).drop_duplicates("fold")
    figures = fresh.merge(entries[["fold", *ENTRIES]], left_on="phrase", right_on="fold", how="left")
    rest = entries[~entries["fold"].isin(fresh["phrase"])]
    rows = pd.concat([figures, rest], ignore_index=True)
    return rows.reindex(columns=SHOWN + ENTRIES).fillna("").astype("str")
