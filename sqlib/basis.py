"""What a report was made from, as hashes: settings of the client, page, package, libraries.

Two runs whose hashes are equal differ in nothing that could move a number; ``difference`` reads the causes off them.
"""

import functools
import hashlib
from pathlib import Path

import sqlib
from sqlib import catalogue
from sqlib.client import Client

LIBRARIES = ("pandas", "numpy", "scipy", "statsmodels", "matplotlib", "papermill")
SETTINGS = {  # kind -> files of the client's folder; {period} is the period reported on
    "mapping": ("client.toml", "mapping.xlsx"),
    "corrections": ("corrections.toml",),
    "judgement": ("quotes.xlsx", "needs.xlsx", "commentary/{period}/**/*", "coding/{period}.xlsx"),
}


def of(client: Client, page: catalogue.Entry, period: str, parameters: dict) -> dict:
    """Everything but the data: ``settings`` (kind -> file -> SHA-256), ``parameters``, ``page``, ``package``."""
    return {
        "settings": {kind: _files(client.folder, patterns, period) for kind, patterns in SETTINGS.items()},
        "parameters": parameters,
        "page": fingerprint(page.notebook),
        "package": {"version": sqlib.__version__, "sha256": _package()},
        "libraries": libraries(),
    }


def libraries() -> dict[str, str]:
    """Library -> version, of those that could move a number."""
    from importlib.metadata import version

    return {name: version(name) for name in LIBRARIES}


def fingerprint(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files(folder: Path, patterns: tuple[str, ...], period: str) -> dict[str, str]:
    found = {path for pattern in patterns for path in folder.glob(pattern.format(period=period)) if path.is_file()}
    shown = [path for path in sorted(found) if not path.name.startswith(("~$", "."))]
    return {path.relative_to(folder).as_posix(): fingerprint(path) for path in shown}


@functools.cache
def _package() -> str:
    """Hash of the package's own source, words and looks: its version number may stay while they change."""
    root, digest = Path(sqlib.__file__).parent, hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in {".py", ".toml", ".css", ".j2"}):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
