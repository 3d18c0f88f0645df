"""``sqlib diff``: the rows, numbers and verdicts that moved between two versions, and why."""

from pathlib import Path

import pandas as pd

from sqlib import catalogue, checking, contracts, difference, page, versions, words, workbook
from sqlib.difference import COUNTS, Difference
from sqlib.errors import ArgumentError

DRAFT = "draft"
LISTED = 60  # lines of one table on screen


def compare(
    folder: Path,
    period: str | None,
    before: str | None,
    after: str,
    out: Path | None,
    language: str | None,
    reports: Path,
) -> None:
    """Compare two versions of a client and period and tell; ``out`` writes everything as a workbook.

    Raises
    ------
    ArgumentError : an unknown version or language, no reports, no final to compare with; ``comparing.not_xlsx``
    """
    from rich.console import Console

    who, place = versions.place(folder, period, reports)
    language = language or who.languages[0]
    page.check({"language": language})
    if out and out.suffix.lower() != ".xlsx":
        raise ArgumentError("comparing.not_xlsx", got=out)
    before = before or _last(place, after)
    found = difference.compare(named(place, before, "--from"), named(place, after, "--to"))
    console = Console(highlight=False, soft_wrap=True)
    shown = {"client": who.name, "period": place.name, "before": before, "after": label(place, after)}
    console.print(_say("title", language, **shown), style="bold", markup=False)
    for key, frame in sheets(found, language, screen=True).items():
        console.print(f"\n{_say(key, language, count=len(frame))}", style="bold", markup=False)
        console.print(checking.grid(frame.head(LISTED)) if len(frame) else _say("none", language))
        if len(frame) > LISTED:
            console.print(_say("more", language, count=len(frame) - LISTED), markup=False)
    if found.causes.empty and len(found.numbers) + len(found.verdicts):
        console.print(f"\n{_say('unexplained', language)}", markup=False)
    if out:
        named_sheets = {_say(f"sheet_{key}", language): frame for key, frame in sheets(found, language).items()}
        console.print(f"\n{workbook.write(named_sheets, out, language)}", markup=False)


def named(place: Path, name: str, option: str) -> Path:
    """The folder of a version: ``draft`` is what lies there, V1.0 the frozen one.

    Raises
    ------
    ArgumentError : ``versions.unknown``; SqlibError : ``versions.changed``
    """
    known = {DRAFT: place} | versions.finals(place)
    if name not in known:
        raise ArgumentError("versions.unknown", where=place, name=option, got=name, known=", ".join(known))
    return place if name == DRAFT else versions.verify(known[name])


def _last(place: Path, after: str) -> str:
    """The final before the one compared with; before a draft the latest."""
    finals = list(versions.finals(place))
    earlier = finals[: finals.index(after)] if after in finals else finals
    if not earlier:
        raise ArgumentError("comparing.nothing_before", where=place, got=after)
    return earlier[-1]


def label(place: Path, name: str) -> str:
    """What lies there, with the number it has or would get."""
    return f"{versions.status(place)[0]} ({name})" if name == DRAFT else name


def sheets(found: Difference, language: str, screen: bool = False) -> dict[str, pd.DataFrame]:
    """The four tables in words; for the ``screen`` numbers as text with their unit, counts as one cell."""
    listed = found.numbers.loc[_reported(found.numbers)] if screen else found.numbers
    numbers = _placed(listed, language)
    numbers["inside"] = numbers["inside"].map(lambda code: _word("inside", code, language))
    if screen:
        rows = numbers.to_dict("records")
        for when in ("before", "after"):
            numbers[when] = [_number(row[when], row["unit"], language) for row in rows]
        numbers = numbers.drop(columns="unit")
    else:
        numbers["unit"] = numbers["unit"].map(lambda code: _word("unit", code, language))
    verdicts = _placed(found.verdicts, language)
    for when in ("before", "after"):
        verdicts[when] = verdicts[when].map(lambda code: _code(code, language)).astype(object)
    causes = found.causes.assign(
        kind=found.causes["kind"].map(lambda code: _word("kind", code, language)),
        change=found.causes["change"].map(lambda code: _word("change", code, language)),
    ).fillna("–")
    frames = {"causes": causes, "rows": _rows(found.rows, language, screen), "verdicts": verdicts, "numbers": numbers}
    titles = {stem: entry.title[language] for stem, entry in catalogue.entries().items()}
    frames |= {
        key: frame.assign(stem=frame["stem"].replace(titles)) for key, frame in frames.items() if "stem" in frame
    }
    return {key: frame.rename(columns=lambda name: _heading(name, language)) for key, frame in frames.items()}


def _reported(numbers: pd.DataFrame) -> list[bool]:
    """Row by row: does the report print it as a number of its own? Bounds and further columns fill a workbook."""
    rows = zip(numbers["stem"], numbers["table"], numbers["column"], strict=True)
    return [
        column in {entry["from"] for entry in difference.spec(stem, table)} if table else column not in ("low", "high")
        for stem, table, column in rows
    ]


def _placed(frame: pd.DataFrame, language: str) -> pd.DataFrame:
    """Table and column named as the report names them."""
    places = zip(frame["stem"], frame["table"], frame["column"], strict=True)
    named = [(_table(stem, table, language), _column(stem, table, column, language)) for stem, table, column in places]
    return frame.assign(table=[table for table, _ in named], column=[column for _, column in named])


def _table(stem: str, table: str, language: str) -> str:
    if not table:
        return _word("kind", "finding", language)
    entry = words.catalogue(stem)["table"][table] if difference.spec(stem, table) else {}
    return entry.get(language, table)


def _column(stem: str, table: str, column: str, language: str) -> str:
    labels = {entry["from"]: entry["label"][language] for entry in difference.spec(stem, table)}
    return labels.get(column) or _word("column", column, language)


def _rows(rows: pd.DataFrame, language: str, screen: bool) -> pd.DataFrame:
    titles = {name: contracts.load(name).title[language] for name in contracts.names()}
    shown = rows.assign(
        table=rows["table"].map(titles), change=rows["change"].map(lambda code: _word("change", code, language))
    )
    for name in COUNTS if screen else ():
        pairs = zip(rows[f"{name}_before"], rows[f"{name}_after"], strict=True)
        moved = [_moved(*pair) for pair in pairs]
        shown = shown.drop(columns=[f"{name}_before", f"{name}_after"])
        if any(moved) or name in ("rows", "used"):
            shown[name] = moved
    return shown


def _moved(before, after) -> str:
    """A count before and after; empty where it stayed."""
    old, new = ("–" if pd.isna(value) else f"{int(value):,}" for value in (before, after))
    return "" if old == new else f"{old} → {new}"


def _number(value: float, unit: str, language: str) -> str:
    if pd.isna(value):
        return "–"
    return words.number(value, unit, language) if unit else f"{value:.4g}"


def _code(code: str, language: str) -> str:
    """A code in the words of the reports, else as it is."""
    common = words.catalogue("common")
    named = ("verdict", "strength", "comparable", "moved_by")
    groups = [*(common[name] for name in named), words.catalogue("difference")["change"]]
    return next((group[code][language] for group in groups if code in group), code or "–")


def _word(group: str, code: str, language: str) -> str:
    return words.catalogue("difference")[group].get(code, {}).get(language, code)


def _heading(name: str, language: str) -> str:
    """``used_before`` is the heading of ``used`` and that of ``before``."""
    base, _, when = name.rpartition("_")
    if base in COUNTS and when in ("before", "after"):
        return f"{_heading(base, language)} · {_heading(when, language)}"
    if name in COUNTS:
        return words.entry("problems", "balance", name)[language]
    return words.entry("difference", "headings", name)[language]


def _say(key: str, language: str, **values) -> str:
    return words.text("difference", "said", key, language=language, **values)
