"""What is chosen on the start page, and the command lines that say the same."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlib import client, project

PLACES = ("data/clients", "data/demo")
AUDIENCE, TEAM, FORMATS = "management", "team", ("html",)  # what ``sqlib run`` takes where nothing is said


@dataclass(frozen=True)
class Choices:
    """What to run; empty means as the client or the command has it."""

    folder: str = ""
    period: str = ""
    pages: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    audience: str = AUDIENCE
    team: str = ""
    formats: tuple[str, ...] = FORMATS
    force: bool = False


def clients(root: Path | None = None) -> list[str]:
    """Folders of clients in the project, own clients first, as a command line names them."""
    root = root or project.root()
    files = (path for place in PLACES for path in sorted((root / place).glob(f"*/{client.FILE}")))
    return [named(path.parent, root) for path in files]


def named(folder: Path, root: Path | None = None) -> str:
    """A folder as it is named in a command run from the project: below the project without it, else in full."""
    root = root or project.root()
    path = folder.resolve()
    text = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    return f"./{text}" if text.startswith("-") else text


def run(choices: Choices) -> list[str]:
    """Arguments of ``sqlib run``: only what differs from what it does by itself."""
    given = {
        "--period": choices.period,
        "--only": ",".join(choices.pages),
        "--language": ",".join(choices.languages),
        "--to": "" if set(choices.formats) <= set(FORMATS) else ",".join(choices.formats),
        "--audience": "" if choices.audience == AUDIENCE else choices.audience,
    }
    options = [word for name, value in given.items() if value for word in (name, value)]
    team = ["-p", TEAM, choices.team] if choices.audience == TEAM and choices.team else []
    return ["run", choices.folder, *options, *team, *["--force"][: choices.force]]


def check(folder: str, period: str = "") -> list[str]:
    """Arguments of ``sqlib check``."""
    return ["check", folder, *(["--period", period] if period else [])]


def new(folder: str, files: Sequence[str], language: str = "", profile: str = "") -> list[str]:
    """Arguments of ``sqlib new client``; without files it makes blank templates and asks for nothing else."""
    options = {"--language": language, "--profile": profile} if files else {}
    said = [word for name, value in options.items() if value for word in (name, value)]
    return ["new", "client", folder, *said, *(["--from", *files] if files else [])]


def command(arguments: Sequence[str]) -> str:
    """The line to type in a terminal of this system."""
    join = subprocess.list2cmdline if os.name == "nt" else shlex.join
    return join(["sqlib", *arguments])
