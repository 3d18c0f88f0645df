"""A report in the formats clients accept: one module a format, each made from the executed notebook and its HTML.

No kernel is needed to make one, so a report that is frozen later is made again with its final stamp.
"""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlib.brand import Brand
from sqlib.errors import SqlibError

PER_LANGUAGE = ("html", "pdf", "docx", "pptx")  # the figures of a language lie in a folder, a workbook holds both
DRAWN = {"pdf", "docx", "pptx", "png"}  # formats that hold figures at 300 dpi
KINDS = ("html", "pdf", "docx", "xlsx", "pptx", "png")  # html is made by ``render``, the others here


@dataclass(frozen=True)
class Source:
    """What a format of a report is made from.

    executed : executed notebook of one language, the record of everything said and shown
    html     : its HTML report, stamped
    tables   : folder of the tables handed over, ``<name>.csv``
    typed    : folder of the same as ``<name>.parquet``; may be absent
    figures  : folder of the figures at 300 dpi, ``<number>_<key>.png`` in the order of the page; may be absent
    """

    executed: Path
    html: Path
    tables: Path
    typed: Path
    figures: Path
    stem: str
    language: str
    version: str
    state: str
    brand: Brand


def make_room(folder: Path, stem: str, kinds: Iterable[str]) -> None:
    """The folders below ``out_dir`` that a page fills where a format needs it: ``figures/<stem>``, ``typed/<stem>``."""
    for name, wanted in {"figures": DRAWN, "typed": {"xlsx"}}.items():
        if wanted & {*kinds}:
            (folder / name / stem).mkdir(parents=True)


def make(kind: str, source: Source, target: Path) -> Path:
    """Write one format into ``target``; the same source gives the same bytes.

    Raises
    ------
    SqlibError : ``formats.failed`` with the reason; a format that cannot be made is a failed job
    """
    module = importlib.import_module(f"sqlib.formats.{kind}")
    try:
        return module.make(source, target)
    except SqlibError:
        raise
    except Exception as error:  # a converter that stumbles is the job's reason, never a traceback
        got = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        raise SqlibError("formats.failed", format=kind.upper(), where=target.name, got=got) from error
