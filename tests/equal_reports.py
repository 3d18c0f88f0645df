"""Are two reports folders equal? File by file, apart from what tells when and where a report was made."""

import json
import re
import zipfile
from pathlib import Path

TIMES = {"started", "finished", "seconds"}  # of run.json: when a report was made and how long it took
TIMED = {"papermill", "execution", "ExecuteTime"}  # metadata of a notebook that tell when and where it was executed
MOMENT = re.compile(rb'<time datetime="[^"]*T[^"]*">[^<]*</time>')  # of the index; days, which have no hour, stay
PARTED = {".docx", ".pptx", ".xlsx", ".zip"}


def differences(one: Path, other: Path) -> list[str]:
    """Every file that lies in one folder only or differs, named below the folder; of archives the parts that do.

    Compared byte by byte: HTML, CSV, PDF, Word, Excel, PowerPoint and PNG files, and every other. Apart from ``TIMES``:
    ``run.json``; apart from ``TIMED``, cell ids and injected paths: executed notebooks; apart from ``MOMENT``:
    ``index.html``. Hidden files, such as the lock of a run, are no reports.
    """
    here, there = products(one), products(other)
    alone = {name: one if name in here else other for name in here.keys() ^ there.keys()}
    differ = [name for name in sorted(here.keys() & there.keys()) if here[name] != there[name]]
    return [f"{name}: in {alone[name]} only" for name in sorted(alone)] + [
        name + _parts(one / name, other / name) for name in differ
    ]


def products(reports: Path) -> dict[str, bytes]:
    """What must be equal: path below the folder -> bytes without times."""
    found = {path.relative_to(reports): path for path in sorted(Path(reports).rglob("*")) if path.is_file()}
    shown = {name: path for name, path in found.items() if not any(part.startswith(".") for part in name.parts)}
    return {name.as_posix(): timeless(path) for name, path in shown.items()}


def timeless(path: Path) -> bytes:
    """The content of a file without what tells when and where it was made."""
    if path.suffix == ".ipynb":
        return _notebook(json.loads(path.read_text(encoding="utf-8")))
    if path.name == "run.json":
        return _sorted(_without(json.loads(path.read_text(encoding="utf-8")), TIMES))
    if path.name == "index.html":
        return MOMENT.sub(b"<time>", path.read_bytes())
    return path.read_bytes()


def _notebook(nb: dict) -> bytes:
    """Cells and metadata without times, ids and injected paths."""
    cells = [cell for cell in nb["cells"] if "injected-parameters" not in cell["metadata"].get("tags", ())]
    kept = [cell | {"id": "", "metadata": _without(cell["metadata"], TIMED)} for cell in cells]
    return _sorted({"cells": kept, "metadata": _without(nb["metadata"], TIMED)})


def _without(told, names: set[str]):
    """Without the keys of these names, at any depth."""
    if isinstance(told, dict):
        return {key: _without(value, names) for key, value in told.items() if key not in names}
    return [_without(each, names) for each in told] if isinstance(told, list) else told


def _sorted(told) -> bytes:
    return json.dumps(told, sort_keys=True, ensure_ascii=False).encode()


def _parts(one: Path, other: Path) -> str:
    """The parts of an archive that differ, in brackets; nothing for any other file."""
    if one.suffix not in PARTED:
        return ""
    with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        names = {*first.namelist(), *second.namelist()}
        same = {name for name in {*first.namelist()} & {*second.namelist()} if first.read(name) == second.read(name)}
    return f" ({', '.join(sorted(names - same)) or 'order or times of the archive'})"
