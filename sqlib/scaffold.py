"""Start something new: a client folder, or a page with its words and its block in the catalogue."""

import json
import re
from pathlib import Path

from sqlib import catalogue, client, contracts, project, words
from sqlib.errors import ArgumentError

FIRST_TABLES = (
    "feedback", "feedback_items", "invitations", "customers", "cases", "staff", "calendar", "standards", "appraisals",
    "rewards", "inspections", "pulse", "communications", "measures", "indicators", "indicator_values", "suggestions",
    "nonconformities", "pre_post",
)  # fmt: skip
STEM = re.compile(r"[a-z][a-z0-9_]*")


def client_folder(folder: Path, language: str = "zh") -> list[Path]:
    """Make ``raw/``, a commented ``client.toml`` and blank templates of the tables; returns what was made.

    Raises
    ------
    ArgumentError : ``scaffold.exists`` where the folder already holds a client, ``client.bad_id``, or unwritable
    """
    name = client.check_id(folder.name)
    target = folder / client.FILE
    if target.exists():
        raise ArgumentError("scaffold.exists", where=target)
    starter = (project.root() / "data" / "templates" / "client.toml").read_text(encoding="utf-8")
    try:
        (folder / "raw").mkdir(parents=True, exist_ok=True)
        quoted = json.dumps(name, ensure_ascii=False)  # a basic string of TOML is written as in JSON
        target.write_text(starter.replace('"CLIENT_NAME"', quoted), encoding="utf-8")
        (folder / "templates").mkdir(exist_ok=True)
    except OSError as error:
        raise ArgumentError("scaffold.unwritable", where=folder, got=error.strerror) from None
    blanks = [
        contracts.template(contracts.load(table), folder / "templates" / f"{table}.xlsx", language)
        for table in FIRST_TABLES
    ]
    return [folder / "raw", target, *blanks]


def identity(folder: Path, language: str) -> Path:
    """Write a ``client.toml`` that leaves everything to ``mapping.xlsx``.

    Raises
    ------
    ArgumentError : ``scaffold.unwritable``
    """
    target = folder / client.FILE
    try:
        target.write_text(words.entry("cli", "started", "client")[language], encoding="utf-8")
    except OSError as error:
        raise ArgumentError("scaffold.unwritable", where=folder, got=error.strerror) from None
    return target


def profiles() -> list[str]:
    """Names of the profiles of trades."""
    return sorted(path.name for path in client.PROFILES.iterdir() if path.is_dir())


def page(stem: str, root: Path | None = None) -> list[Path]:
    """Make ``notebooks/<stem>.ipynb``, ``sqlib/words/<stem>.toml`` and the block ``[<stem>]`` of the catalogue.

    Raises
    ------
    ArgumentError : ``scaffold.bad_stem``, or ``scaffold.exists`` where the page or words of that name are there already
    """
    root = root or project.root()
    if not STEM.fullmatch(stem):
        raise ArgumentError("scaffold.bad_stem", got=stem)
    starters = [root / "notebooks" / "template.ipynb", root / "sqlib" / "words" / "template.toml"]
    made = [path.with_stem(stem) for path in starters]
    taken = [path for path in made if path.exists()] or made[: stem in catalogue.entries(root)]
    if taken:
        raise ArgumentError("scaffold.exists", where=taken[0])
    for path, starter in zip(made, starters, strict=True):
        text = starter.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\btemplate\b(?! )", stem, text), encoding="utf-8")  # the name, not the word in prose
    listing = root / project.MARK
    text = listing.read_text(encoding="utf-8")
    block = re.search(r"(?ms)^\[template\].*?(?=^\[)", text)[0].replace("[template]", f"[{stem}]")
    listing.write_text(
        f"{text.rstrip()}\n\n{block.replace('listed = false', 'listed = true').rstrip()}\n", encoding="utf-8"
    )
    return [*made, listing]
