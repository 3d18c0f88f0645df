"""Where the project and the client's folder are."""

from pathlib import Path

from sqlib.errors import ArgumentError

MARK = Path("notebooks") / "catalogue.toml"


def root(start: Path | None = None) -> Path:
    """The nearest folder upwards that holds ``notebooks/catalogue.toml``, else the checkout of this package."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / MARK).is_file():
            return folder
    return Path(__file__).resolve().parents[1]


def client_folder(given: str | Path) -> Path:
    """A client's folder, tried against the working folder, then against the project root.

    Raises
    ------
    ArgumentError : ``project.client_missing`` naming both places
    """
    path = Path(given).expanduser()
    tried = [path] if path.is_absolute() else [Path.cwd() / path, root() / path]
    for folder in tried:
        if folder.is_dir():
            return folder.resolve()
    places = "; ".join(str(folder) for folder in dict.fromkeys(tried))
    raise ArgumentError("project.client_missing", where=places, got=str(given))
