"""``sqlib deliver``: one archive with the files of one audience, searched before it leaves.

The archive holds reports and tables; never executed notebooks, records, problems, commentary, keys, caches or raw data.
The same files give the same bytes: sorted names, fixed times.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from sqlib import audiences, checking, leaks, page, portfolio, quotes, versions, words, workbook
from sqlib.errors import ArgumentError, SqlibError
from sqlib.leaks import Hit

FOLDER, TIME = "deliveries", (1980, 1, 1, 0, 0, 0)  # the earliest time a ZIP can hold
KINDS = tuple(f".{name}" for name in portfolio.FORMATS)
LISTED = 200  # hits shown on screen


def deliver(
    folder: str | Path, period: str | None, audience: str, out: Path | None, draft: bool, reports: Path,
    tell: Callable[[list[Hit]], None] = lambda hits: None, team: str = "",
) -> tuple[Path, int]:  # fmt: skip
    """Write the archive of one client, period and audience; where it lies, and how many names could not be searched.

    ``tell`` gets everything found that must not leave, before the error that stops it; nothing is written then.
    ``team``: whose report it is, where the audience is a team.

    Raises
    ------
    ArgumentError : a wrong argument, or an archive that cannot be written
    SqlibError : ``delivery.leaks``, ``delivery.no_final``, ``delivery.no_files``, ``versions.changed``
    """
    page.check({"audience": audience, "team": team})
    who, place = versions.place(folder, period, reports)
    source, version = _source(place, draft)
    own = portfolio.place(audience, team)
    held = contents(source / own)
    if not held:
        raise SqlibError("delivery.no_files", where=source, got=own)
    name = f"{who.id}-{place.name}-{own.replace('/', '-')}-{version}"
    hides = audiences.load(audience, team=team).hides
    secret = leaks.secrets(who, quotes.released(who.folder), hides)
    hits = [hit for file, data in held.items() for hit in leaks.scan(file, data, secret, audience)]
    if hits:
        tell(hits)
        raise SqlibError("delivery.leaks", where=name, got=len(hits))
    return write(held, out or place / FOLDER / f"{name}.zip", name), len(secret.unsearchable)


def show(hits: list[Hit], language: str) -> None:
    """The hits on screen, on the side of the errors."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True, stderr=True)
    console.print(checking.grid(listed(hits, language)))
    if len(hits) > LISTED:
        console.print(words.text("delivery", "said", "more", language=language, count=len(hits) - LISTED))


def _source(place: Path, draft: bool) -> tuple[Path, str]:
    """What is delivered: the latest final as it was frozen, or the draft that lies there."""
    if draft:
        version, state = versions.status(place)
        return place, version if state == "final" else f"{version}-draft"
    frozen = versions.finals(place)
    if not frozen:
        raise SqlibError("delivery.no_final", where=place)
    name, latest = next(reversed(frozen.items()))
    return versions.verify(latest), name


def contents(folder: Path) -> dict[str, bytes]:
    """Name in the archive -> bytes, of the reports and tables of one audience.

    Raises
    ------
    SqlibError : ``delivery.outside`` for a file that is a link to a place outside the folder
    """
    paths = [path for path in folder.glob("*") if path.suffix in KINDS]
    paths += [*folder.glob("tables/*/*.csv"), *folder.glob("figures/*/*.png"), *folder.glob("packs/*/*")]
    for path in paths:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise SqlibError("delivery.outside", where=folder, got=path.name)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths) if path.is_file()}


def write(held: dict[str, bytes], path: Path, root: str) -> Path:
    """The archive; every name in it begins with ``root``.

    Raises
    ------
    ArgumentError : ``delivery.not_zip``, ``workbook.unwritable``
    """
    if Path(path).suffix.lower() != ".zip":
        raise ArgumentError("delivery.not_zip", got=path)

    def fill(draft: Path) -> None:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in sorted(held.items()):
                entry = zipfile.ZipInfo(f"{root}/{name}", TIME)
                entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
                archive.writestr(entry, data)

    return workbook.beside(Path(path), fill)


def listed(hits: list[Hit], language: str) -> pd.DataFrame:
    """The hits as a table in words: file, place, kind, first character."""
    headings = {name: words.text("delivery", "headings", name, language=language) for name in Hit._fields}
    kinds = words.entry("delivery", "kind")
    rows = pd.DataFrame(hits[:LISTED], columns=Hit._fields)
    rows["kind"] = rows["kind"].map(lambda kind: kinds[kind][language])
    return rows.rename(columns=headings)
