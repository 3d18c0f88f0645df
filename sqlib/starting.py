"""``sqlib new client DIR --from FILES``: the files copied, guessed, and laid out in ``mapping.xlsx`` to be checked."""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlib import client, contracts, guesses, proposals, scaffold, sheets, words
from sqlib.errors import ArgumentError, ClientError
from sqlib.faults import listed
from sqlib.proposals import Source
from sqlib.sheets import Sheet

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".csv", ".tsv", ".txt", ".parquet")
RAW = "raw"


@dataclass(frozen=True)
class Started:
    """What was made: the workbook, its sources, and the files that could not be read with the reason."""

    folder: Path
    mapping: Path
    language: str
    sources: list[Source]
    unread: dict[str, ClientError]


def start(
    folder: Path, given: list[str], today: date, language: str | None = None, profile: str = "general"
) -> Started:
    """Make the client's folder from files, folders or patterns; originals are copied, never moved or overwritten.

    Raises
    ------
    ArgumentError : ``scaffold.exists``, ``starting.no_file``, ``starting.not_one_of``, ``starting.same_name``,
        ``starting.nothing_read``, ``client.bad_id``, or unwritable
    """
    name = client.check_id(folder.name)
    for choice, known in ((language, words.LANGUAGES), (profile, scaffold.profiles())):
        if choice is not None and choice not in known:
            raise ArgumentError("starting.not_one_of", got=choice, allowed=listed(known))
    for path in (folder / client.FILE, folder / client.WORKBOOK):
        if path.exists():
            raise ArgumentError("scaffold.exists", where=path)
    copies = _copied(_files(given), folder)
    found, unread = _read(folder, copies)
    if not found:
        reasons = "; ".join(f"{path}: {error.parts(language or 'en')['what']}" for path, error in unread.items())
        raise ArgumentError("starting.nothing_read", where=folder / RAW, got=reasons)
    language = language or proposals.language(found)
    sources = proposals.sources(found)
    chosen = proposals.settings(name, sources, profile, language, today)
    mapping = proposals.write(folder, sources, chosen, language)
    scaffold.identity(folder, language)
    return Started(folder, mapping, language, sources, unread)


def _files(given: list[str]) -> list[Path]:
    """The files meant: as named, those of a folder, or those a pattern fits where the shell did not expand it."""
    found: list[Path] = []
    for text in given:
        path = Path(text).expanduser()
        inside = [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else _matched(path)
        kept = [p for p in inside if p == path or _readable(p)]
        if not kept:
            raise ArgumentError("starting.no_file", got=text, allowed=listed(SUFFIXES))
        found += [p for p in kept if p.resolve() not in {other.resolve() for other in found}]
    return found


def _matched(pattern: Path) -> list[Path]:
    root = Path(pattern.anchor or ".")
    return sorted(root.glob(pattern.relative_to(root).as_posix() if pattern.anchor else pattern.as_posix()))


def _readable(path: Path) -> bool:
    hidden = path.name.startswith(("~$", "."))
    return path.is_file() and path.suffix.lower() in SUFFIXES and not hidden


def _copied(files: list[Path], folder: Path) -> list[Path]:
    """The files in ``raw/``, byte for byte; nothing is made before it is clear that no name stands for two files."""
    targets: dict[str, Path] = {}
    for path in files:
        target = folder / RAW / path.name
        other = targets.setdefault(path.name.casefold(), path)
        there = target.exists() and not target.samefile(path) and target.read_bytes() != path.read_bytes()
        if other is not path or there:
            raise ArgumentError("starting.same_name", where=path, got=target if there else other)
    try:
        (folder / RAW).mkdir(parents=True, exist_ok=True)
        for path in files:
            target = folder / RAW / path.name
            if not target.exists():
                shutil.copyfile(path, target)
    except OSError as error:
        raise ArgumentError("scaffold.unwritable", where=folder, got=error.strerror) from None
    return [folder / RAW / path.name for path in files]


def _read(folder: Path, files: list[Path]) -> tuple[list[Sheet], dict[str, ClientError]]:
    found, unread = [], {}
    for path in files:
        try:
            found += sheets.read(folder, path)
        except ClientError as error:
            unread[path.relative_to(folder).as_posix()] = error
    return found, unread


def told(started: Started, seconds: float, speech: str) -> list[str]:
    """Lines for the screen: each sheet with its table and columns, what could not be read, what to do next."""

    def say(*path: str, **values) -> str:
        return words.text("cli", "started", *path, language=speech, **values)

    lines = []
    for source in started.sources:
        proposal, columns = source.proposal, source.proposal.columns
        place = " · ".join(filter(None, (source.files, source.sheet.name)))
        title = contracts.load(proposal.table).title[speech] if proposal.table else say("no_table")
        marks = (guesses.SURE, guesses.LIKELY, guesses.CHECK)
        counts = {mark: int((columns["certainty"] == mark).sum()) for mark in marks}
        lines.append(say("source", place=place, table=title, rows=len(source.body), **counts))
        unmatched = columns.loc[columns["certainty"] == guesses.UNMATCHED, "column"]
        if len(unmatched):
            lines.append(say("unmatched", count=len(unmatched), columns=listed(unmatched)))
    lines += [say("unread", file=file, reason=error.parts(speech)["what"]) for file, error in started.unread.items()]
    took = words.Quantity(seconds, "score", 1)
    return [*lines, say("next", mapping=started.mapping, folder=started.folder, seconds=took)]
