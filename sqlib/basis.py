"""What a report was made from, as hashes: the client's files and settings, page, package, libraries, environment.

Two runs whose hashes are equal differ in nothing that could move a number: ``freshness`` leaves such a job alone, and
``difference`` reads the causes of a change off them.
"""

import dataclasses
import functools
import hashlib
import hmac
import importlib.metadata
import json
from pathlib import Path

import sqlib
from sqlib import brand, catalogue, judgement, keys, sources
from sqlib.client import Client
from sqlib.errors import SqlibError
from sqlib.installed import environment

PARTS = ("inputs", "settings", "parameters", "page", "package", "libraries", "environment")
SOURCES = {".py", ".toml", ".css", ".js", ".j2", ".typ", ".lua"}
LIBRARIES = ("pandas", "numpy", "scipy", "statsmodels", "matplotlib", "papermill")
SETTINGS = {  # kind -> files of the client's folder; {period} is the period reported on
    "mapping": ("client.toml", "mapping.xlsx"),
    "corrections": ("corrections.toml",),
    "judgement": ("coding/{period}.xlsx",),  # and what ``judgement`` reads
}


def of(client: Client, page: catalogue.Entry, period: str, parameters: dict) -> dict:
    """Everything a report depends on.

    Returns
    -------
    ``inputs`` (file -> SHA-256), ``settings`` (kind -> file -> SHA-256), ``parameters``, ``page``, ``package``,
    ``libraries``, ``environment``: JSON all of it

    Raises
    ------
    ClientError : ``intake.file_missing``, ``intake.outside_folder``, ``pseudonyms.key_unset``; SqlibError :
        ``batch.disk`` for a file that cannot be read
    """
    try:
        return {
            "inputs": inputs(client),
            "settings": settings(client, period, page.stem),
            "parameters": parameters,
            "page": _page(page),
            "package": package(),
            "libraries": libraries(),
            "environment": environment(),
        }
    except OSError as error:
        raise SqlibError("batch.disk", where=error.filename, got=error.strerror) from error


def inputs(client: Client) -> dict[str, str]:
    """File -> SHA-256 of every data file client.toml names.

    Raises
    ------
    ClientError : ``intake.file_missing``, ``intake.outside_folder``
    """
    found = {
        path
        for table, blocks in client.tables.items()
        for number, source in enumerate(blocks, 1)
        for path in sources.files(client, source, client.place(table, number))
    }
    return {path.relative_to(client.folder).as_posix(): fingerprint(path) for path in sorted(found)}


def settings(client: Client, period: str, stem: str) -> dict[str, dict[str, str]]:
    """Kind -> file -> SHA-256 of what people wrote for this client and page."""
    found = {kind: _files(client.folder, patterns, period) for kind, patterns in SETTINGS.items()}
    found["judgement"] |= judgement.said(client, period, stem, _package())
    found["pseudonyms"] = _key(client)
    worn = brand.find(client.folder)
    return found | ({"brand": {brand.FILE: fingerprint(worn)} | _logo(client.folder)} if worn else {})


def _key(client: Client) -> dict[str, str]:
    """The key of the pseudonyms, as a mark that does not tell it; nothing where it is still to be made."""
    declared = client.privacy.key_env or client.privacy.demo_key
    if not declared and not (client.folder / keys.KEY_FILE).exists():
        return {}
    mark = hmac.new(keys.key(client), b"basis", "sha256").hexdigest()
    return {client.privacy.key_env or ("demo_key" if declared else keys.KEY_FILE): mark}


def _page(page: catalogue.Entry) -> str:
    """Hash of the notebook and of what the catalogue declares of it."""
    declared = dataclasses.asdict(page) | {"notebook": fingerprint(page.notebook)}
    return hashlib.sha256(json.dumps(declared, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _logo(folder: Path) -> dict[str, str]:
    logo = brand.load(folder).logo
    return {logo.name: fingerprint(logo)} if logo else {}


def package() -> dict[str, str]:
    """Version of this package, and SHA-256 of all its sources and of its contracts."""
    return {"version": sqlib.__version__, "sha256": _package(), "contracts": _package("contracts/*.toml")}


@functools.cache
def libraries() -> dict[str, str]:
    """Library -> version, of those that could move a number."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def key(made_from: dict) -> str:
    """One hash of everything ``of`` returns; what else a record keeps beside it does not count."""
    core = {name: made_from.get(name) for name in PARTS}
    return hashlib.sha256(json.dumps(core, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def fingerprint(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files(folder: Path, patterns: tuple[str, ...], period: str) -> dict[str, str]:
    found = {path for pattern in patterns for path in folder.glob(pattern.format(period=period)) if path.is_file()}
    shown = [path for path in sorted(found) if not path.name.startswith(("~$", "."))]
    return {path.relative_to(folder).as_posix(): fingerprint(path) for path in shown}


@functools.cache
def _package(pattern: str = "**/*") -> str:
    """Hash of the package's own source, words and looks: its version number may stay while they change."""
    root, digest = Path(sqlib.__file__).parent, hashlib.sha256()
    for path in sorted(path for path in root.glob(pattern) if path.suffix in SOURCES):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
