"""What people wrote for one report, as hashes: their entries count, not what a run writes beside them.

A run brings commentary, quotations and needs up to date, and so does a check; a report is made from what a person
entered there. A workbook is opened once for each state of its bytes: what it said is kept in the client's cache.
"""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from sqlib import keys
from sqlib.client import Client
from sqlib.errors import SqlibError

KEPT = "judgement.json"  # in the client's cache: file -> [hash of its bytes and of what asks, hash of what it says]


def said(client: Client, period: str, stem: str, asking: str) -> dict[str, str]:
    """File -> hash of what it says on one page and period; a workbook nobody wrote in is left out.

    asking : what reads the workbooks; where it changes they are read again
    """
    readers = {
        f"commentary/{period}/{stem}.xlsx": lambda: _commentary(client, period, stem),
        "quotes.xlsx": lambda: _quotes(client, period),
        "needs.xlsx": lambda: _needs(client),
        "phrases.xlsx": lambda: _phrases(client),
    }
    there = {name: read for name, read in readers.items() if (client.folder / name).is_file()}
    if not there:
        return {}
    place = keys.folder(client).parent / KEPT
    known, found = _known(place), {}
    for name, read in there.items():
        mark = hashlib.sha256((client.folder / name).read_bytes() + f"\n{period} {stem} {asking}".encode()).hexdigest()
        before = known.get(f"{name} {period} {stem}", ("", ""))
        found[f"{name} {period} {stem}"] = before if before[0] == mark else (mark, _hash(read, mark))
    if any(known.get(name) != list(entry) for name, entry in found.items()):
        _keep(known | found, place)
    return {name: entry[1] for name, entry in zip(there, found.values(), strict=True) if entry[1]}


def _commentary(client: Client, period: str, stem: str) -> list:
    from sqlib import commentary

    remarks = commentary.read(client, period, stem)
    return [[name, dataclasses.asdict(remark)] for name, remark in sorted(remarks.items()) if remark.says]


def _quotes(client: Client, period: str) -> list:
    from sqlib import quotes

    return quotes.decided(client.folder, period)[["quote_id", "theme", "masked", "printed"]].values.tolist()


def _needs(client: Client) -> list:
    from sqlib import needs

    return needs.decisions(client).values.tolist()


def _phrases(client: Client) -> list:
    from sqlib import phrase_levels

    return phrase_levels.approved(client).fillna("").astype("str").values.tolist()


def _hash(read: Callable[[], list], mark: str) -> str:
    """Empty where nothing is written; a workbook that cannot be read counts as it is: the page says what is wrong."""
    try:
        entries = read()
    except SqlibError:
        return mark
    return hashlib.sha256(json.dumps(entries, ensure_ascii=False).encode()).hexdigest() if entries else ""


def _known(place: Path) -> dict:
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # nothing kept yet, or half of it: the workbooks are read


def _keep(known: dict, place: Path) -> None:
    from sqlib import render

    with contextlib.suppress(SqlibError):  # a cache that cannot be written costs only time
        render.write(place, json.dumps(known, ensure_ascii=False))
