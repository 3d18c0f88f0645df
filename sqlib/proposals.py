"""``mapping.xlsx`` made: what was guessed of every sheet, laid out for a person to check, in the client's language."""

import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from sqlib import contracts, dates, evidence, forms, guesses, mapping_form
from sqlib.client import GROUPED, WORKBOOK, Cells, Identity, Reporting, Themes
from sqlib.guesses import WIDE, Proposal
from sqlib.rules import NOT_IN_FUTURE_EXEMPT
from sqlib.sheets import Sheet

ANSWERS = ("feedback", "feedback_items")


@dataclass(frozen=True)
class Source:
    """One row of the sheet of sources: files of one layout, the sheet they were read from, what it is."""

    files: str
    sheet: Sheet
    proposal: Proposal
    body: pd.DataFrame  # of all its files


def sources(found: list[Sheet]) -> list[Source]:
    """Files of one layout whose names differ in their numbers only become one source with a pattern."""
    groups: dict[tuple, list[Sheet]] = {}
    for sheet in found:
        groups.setdefault((_pattern(sheet.file), sheet.name, tuple(sheet.body.columns)), []).append(sheet)
    names = {sheet.file for sheet in found}
    made = []
    for (pattern, *_), members in groups.items():
        own = {sheet.file for sheet in members}
        matched = {name for name in names if PurePosixPath(name).match(pattern)}
        parts = [members] if len(members) > 1 and matched == own else [[sheet] for sheet in members]
        for part in parts:
            body = pd.concat([sheet.body for sheet in part], ignore_index=True)
            files = pattern if len(part) > 1 else part[0].file
            made.append(Source(files, part[0], guesses.guess(body, part[0].repeated), body))
    asked = any(source.proposal.table in ANSWERS for source in made)
    return made if asked else [one for source in made for one in (source, *_rated(source))]


def _rated(source: Source) -> list[Source]:
    """The rated tickets of a help desk once more, as feedback: where nothing else is, the ratings would be lost."""
    rated = (source.proposal.columns["field"] == "satisfaction").any()
    if source.proposal.table != "cases" or not source.proposal.export or not rated:
        return []
    second = guesses.guess(source.body, source.sheet.repeated, ["feedback"])
    return [replace(source, proposal=second)] if second.table else []


def _pattern(file: str) -> str:
    """The name with every number replaced: ``raw/survey 2026-07.csv`` becomes ``raw/survey *.csv``."""
    path = PurePosixPath(file)
    stem = re.sub(r"\d+", "*", path.stem)
    return (path.parent / f"{re.sub(r'[*][*_. -]*(?=[*])', '', stem)}{path.suffix}").as_posix()


def language(found: list[Sheet]) -> str:
    """``zh`` where Chinese prevails in headers and cells; one character says about as much as three letters."""
    text = "".join(" ".join(sheet.body.columns) + " ".join(_cells(sheet.body)) for sheet in found)
    han, latin = len(re.findall(r"[\u3400-\u9fff]", text)), len(re.findall(r"[A-Za-z]", text))
    return "zh" if han and 3 * han >= latin else "en"


def _cells(body: pd.DataFrame) -> list[str]:
    return [text for column in body for text in body[column].head(100)]


def settings(name: str, found: list[Source], profile: str, language: str, today: date) -> dict[str, str]:
    """Setting -> value as the workbook shows it; dates after today are taken for mistyped."""
    days, dated = (_until(found, today, all_dates) for all_dates in (True, False))
    usual = {"timezone": Identity.model_fields["timezone"].default, "fiscal_year_start": "1", "best": "high"}
    groups = [column for column in Cells().feedback if any(_has(source, column) for source in found)]
    return usual | {
        "name": name,
        "profile": profile,
        "languages": language,
        "data_until": f"{days.max():%Y-%m-%d}" if len(days) else "",
        "period": _period(dated, days.max()) if len(dated) else str(today.year),
        "compare_to": Reporting.model_fields["compare_to"].default,
        "cells": ", ".join(_label(column, language) for column in groups or Cells().feedback),
        "adjust": ", ".join(_label(column, language) for column in Cells().adjust),
        "codebook": Themes().codebook or "",
    }


def _has(source: Source, column: str) -> bool:
    """Do the answers or customers of a source know this column? ``dimension`` comes with the questions."""
    mapped = (source.proposal.columns["field"] == column).any()
    return column == "dimension" or bool(source.proposal.table in GROUPED and mapped)


def _label(column: str, language: str) -> str:
    table = next(name for name in GROUPED if column in contracts.load(name).columns)
    return contracts.load(table).columns[column].label[language]


def _until(found: list[Source], today: date, all_dates: bool) -> pd.Series:
    """The dates of all sources up to today."""
    days = pd.concat([_days(source, all_dates) for source in found] or [pd.Series(dtype="datetime64[us]")])
    return days[days < pd.Timestamp(today) + pd.Timedelta(days=1)]


def _days(source: Source, all_dates: bool) -> pd.Series:
    """The dates that date the rows of a source, or all that may not lie after the cut-off."""
    contract = contracts.load(source.proposal.table) if source.proposal.table else None
    times = {name for name, c in contract.columns.items() if c.type in guesses.DATES} if contract else set()
    wanted = times - set(NOT_IN_FUTURE_EXEMPT) if all_dates else times & {contract.period_by} if contract else set()
    frame = source.proposal.columns
    headers = frame.loc[frame["field"].isin(wanted), "column"]
    cells = [source.body[header].mask(source.body[header] == "") for header in headers]
    read = [dates.datetimes(part, timezone="UTC").values.dropna() for part in cells]
    return pd.concat(read) if read else pd.Series(dtype="datetime64[us]")


def _period(days: pd.Series, until: pd.Timestamp) -> str:
    """The last whole quarter that holds data, else the last whole month, else the month of the last day."""
    last = until.normalize()
    for kind, form in (("Q", "{0.year}Q{0.quarter}"), ("M", "{0.year}-{0.month:02d}")):
        periods = days.dt.to_period(kind)
        whole = periods[
            (periods.dt.end_time.dt.normalize() <= last) & (periods.dt.start_time >= days.min().normalize())
        ]
        if len(whole):
            return form.format(whole.max())
    return f"{days.max():%Y-%m}"


# --- the sheets --------------------------------------------------------------------------------------------------


def write(folder: Path, found: list[Source], chosen: dict[str, str], language: str) -> Path:
    """Write ``mapping.xlsx`` into the client's folder.

    Raises
    ------
    ArgumentError : ``workbook.unwritable``
    """
    pages = {
        "settings": _settings(chosen, language),
        "sources": pd.DataFrame([_source(n, source, language) for n, source in enumerate(found, 1)]),
        "columns": _joined([_columns(n, source, language) for n, source in enumerate(found, 1)]),
        "levels": _joined([_levels(n, source, language) for n, source in enumerate(found, 1)]),
    }
    tables = [contracts.load(name).title[language] for name in contracts.names()]
    channels = contracts.load("feedback").columns["channel"].levels.values()
    choices = {
        ("settings", "value"): pages["settings"]["choices"],
        ("sources", "table"): [mapping_form.word("not_used", language), *tables],
        ("sources", "channel"): [level.label[language] for level in channels],
        ("columns", "field"): pages["columns"]["choices"],
        ("levels", "meaning"): pages["levels"]["choices"],
    }
    about = {"client": chosen["name"]}
    return forms.write(mapping_form.FORM, pages, folder / WORKBOOK, language, about=about, choices=choices)


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["choices"])


def _settings(chosen: dict[str, str], language: str) -> pd.DataFrame:
    profiles = Path(__file__).parent / "profiles"
    lists = {
        "profile": sorted(path.name for path in profiles.iterdir() if path.is_dir()),
        "languages": ["zh", "en", "zh, en"],
        "compare_to": ["previous", "same-last-year", "none"],
        "best": ["high", "low"],
    }
    rows = [
        {
            "setting": name,
            "value": chosen.get(name, ""),
            "note": mapping_form.words()["notes"][name][language],
            "choices": lists.get(name, []),
        }
        for name in mapping_form.SETTINGS
    ]
    return pd.DataFrame(rows)


def _source(number: int, source: Source, language: str) -> dict:
    proposal = source.proposal
    unused = mapping_form.word("not_used", language)
    score, items = proposal.ends["score"], proposal.ends["items"]
    return {
        "source": str(number),
        "files": source.files,
        "sheet": source.sheet.name,
        "table": contracts.load(proposal.table).title[language] if proposal.table else unused,
        "certainty": proposal.certainty if proposal.table else "unmatched",
        "export": proposal.export,
        "scale_min": score[0],
        "scale_max": score[1],
        "item_min": items[0],
        "item_max": items[1],
        "missing": ", ".join(proposal.missing),
        "year": _year(source),
    }


def _year(source: Source) -> str:
    """The year of dates written without one, where the other dates of the column know one only."""
    frame = source.proposal.columns
    known = contracts.load(source.proposal.table).columns if source.proposal.table else {}
    dated = [row.column for row in frame.itertuples() if row.field in known and known[row.field].type in guesses.DATES]
    years: set[int] = set()
    for header in dated:
        read = dates.datetimes(source.body[header].mask(source.body[header] == ""), timezone="UTC")
        if read.failed.eq("date_without_year").any():
            years |= set(read.values.dropna().dt.year)
    return str(years.pop()) if len(years) == 1 else ""


def _columns(number: int, source: Source, language: str) -> pd.DataFrame:
    """Every column of a source, unmatched ones too, with the fields it may be."""
    table = source.proposal.table
    tables = [table] if table else contracts.names()
    labels = list(dict.fromkeys(c.label[language] for name in tables for c in contracts.load(name).columns.values()))
    item = [mapping_form.word(name, language) for name in mapping_form.unpivoted(table)]
    words = {name: mapping_form.word(name, language) for name in WIDE} | {"": ""}
    known = contracts.load(table).columns if table else {}
    frame = source.proposal.columns
    return frame.assign(
        source=str(number),
        place=" · ".join(filter(None, (source.files, source.sheet.name))),
        field=[words[field] if field in words else known[field].label[language] for field in frame["field"]],
        filled=(100 * frame["filled"]).round(0),
        choices=pd.Series([[mapping_form.word("not_used", language), *item, *labels]] * len(frame), index=frame.index),
    )


def _levels(number: int, source: Source, language: str) -> pd.DataFrame:
    """Every worded answer and every value of a category with declared levels; questions share one list."""
    frame, fields = source.proposal.levels, source.proposal.columns.set_index("column")["field"]
    if frame.empty:
        return pd.DataFrame(columns=["source", "column", "value", "count", "meaning", "choices"])
    frame = frame.assign(field=frame["column"].map(fields))
    shared = frame["field"].isin(WIDE)
    frame["column"] = frame["column"].mask(shared, mapping_form.word("all_items", language))
    counts = frame.groupby(["column", "value", "field"], sort=False, as_index=False)
    frame = counts.agg({"count": "sum", "meaning": "max"})
    table, none = source.proposal.table, mapping_form.word("no_answer", language)
    rows = list(frame.itertuples())
    choices = [[*_choices(table, row, frame, language), none] for row in rows]
    meant = [_meaning(table, row.field, row.meaning, language) for row in rows]
    kept = frame["value"].map(evidence.masked) == frame["value"]  # what may not be shown cannot be asked about
    return frame.assign(source=str(number), meaning=meant, choices=pd.Series(choices, index=frame.index))[kept]


def _meaning(table: str, field: str, meaning: str, language: str) -> str:
    level = None if field in WIDE else contracts.load(table).columns[field].levels.get(meaning)
    return level.label[language] if level else meaning


def _choices(table: str, row, frame: pd.DataFrame, language: str) -> list[str]:
    """The scores of the same column, or the levels of the field."""
    levels = {} if row.field in WIDE else contracts.load(table).columns[row.field].levels
    if levels:
        return [level.label[language] for level in levels.values()]
    scores = {float(text) for text in frame.loc[frame["column"] == row.column, "meaning"] if text}
    return [f"{score:g}" for score in np.arange(min(scores), max(scores) + 1)] if scores else []
