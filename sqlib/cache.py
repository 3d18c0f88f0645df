"""Typed tables kept as Parquet, so that forty pages parse a workbook once.

The key is everything the table depends on: file bytes, contract, mapping, scales, as_of, the key of the pseudonyms and
the source of this package's readers. One generation per table is kept; a damaged entry is rebuilt. What is kept is read
as far as a page asks for it (``stored``).
"""

import functools
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pandas as pd

import sqlib
from sqlib import intake, pseudonyms, register, stored
from sqlib.client import Client

_FLOOR_ABOVE = (  # what surrounds a page and cannot change a table
    "page", "notebook", "render", "batch", "cli", "portfolio", "shelf", "jobs", "jobs_file", "freshness", "basis",
    "making", "execution", "publication", "record", "hold", "pool", "progress", "versions", "brand", "warm", "zygote",
    "forked", "provisioner", "desk", "judgement", "arguments", "checking", "comparing", "difference", "delivery",
    "pages", "scaffold", "packs", "feedback_packs", "cluster", "standing", "orchestrated", "attended",
    "start_choices", "start_form", "start_run", "start_shown", "start_page", "lab_links",
)  # fmt: skip


def load(client: Client, name: str, as_of, build: Callable):
    """The table from the cache, else built and kept."""
    place = folder(client) / name / key(client, name, as_of)
    kept = _read(place, name)
    if kept is not None:
        return kept
    table = build()
    _keep(table, place)
    return _read(place, name) or table


def folder(client: Client) -> Path:
    """Where the client's cache lies: in its own folder where that can be written, else in the user's cache."""
    return pseudonyms.folder(client).parent


def key(client: Client, name: str, as_of) -> str:
    """Hash of everything one table is made from."""
    digest = hashlib.sha256()
    for part in (sqlib.__version__, _source(), _day(as_of), client.timezone, client.profile):
        digest.update(part.encode() + b"\0")
    digest.update(hashlib.sha256(pseudonyms.key(client)).digest())
    digest.update(register.fingerprint(client, {name}))
    for metric, scale in sorted(client.scales.items()):
        digest.update(f"{metric}={scale.model_dump_json()}".encode())
    for section in (client.feedback, client.appraisal):
        digest.update(section.model_dump_json().encode())
    digest.update(str(client.fiscal_year_start).encode())
    for table in sorted({name, "customers", "staff"} & set(client.tables)):  # names become the ids listed there
        for number, source in enumerate(client.tables[table], 1):
            digest.update(source.model_dump_json().encode())
            for path in intake.files(client, source, client.place(table, number)):
                digest.update(path.relative_to(client.folder).as_posix().encode() + _bytes(path))
    return digest.hexdigest()[:32]


def _day(as_of) -> str:
    return f"{pd.Timestamp(as_of):%Y-%m-%d}" if as_of else ""


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


@functools.cache
def _source() -> str:
    """Hash of the code and declarations a table is made by: everything of the package that knows no page."""
    root = Path(sqlib.__file__).parent
    declared = (root.glob(f"{folder}/*.toml") for folder in ("contracts", "exports", "profiles/*"))
    files = [*root.glob("*.py"), *(path for found in declared for path in found)]
    digest = hashlib.sha256()
    for path in sorted(files):
        if path.stem not in _FLOOR_ABOVE:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _read(place: Path, name: str):
    """The kept table; None where there is none, or where a file of it is missing or damaged."""
    from pyarrow import ArrowException

    from sqlib.tables import Kept

    if not place.is_dir():
        return None
    parts = [field.name for field in fields(Kept) if field.name != "name"]
    try:
        return Kept(name, {part: stored.Stored(place / f"{part}.parquet") for part in parts})
    except (OSError, ArrowException, ValueError, KeyError):
        shutil.rmtree(place, ignore_errors=True)
        return None


def _keep(table, place: Path) -> None:
    """Write beside the place, then rename: a reader sees a whole table or none. A full disk costs only the speed."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=place.parent))
    except OSError:
        return
    try:
        for field in fields(table):
            if field.name != "name":
                stored.write(getattr(table, field.name), draft / f"{field.name}.parquet")
        draft.rename(place)
    except OSError:
        pass  # no room, or another run kept the same table first
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for old in place.parent.iterdir():
        if old != place and not old.name.startswith(".draft-"):
            shutil.rmtree(old, ignore_errors=True)
