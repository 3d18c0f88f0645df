"""The brand a report carries: ``brand.toml`` of the client's folder, else of the project, else none."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sqlib import faults, project, style
from sqlib.errors import ClientError

FILE = "brand.toml"
LARGEST = 2_000_000  # bytes of a logo: every report holds a copy
READABLE = 4.5  # contrast of text with white paper, WCAG 2.2, 1.4.3
_HEX = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
_MAGIC = {".png": b"\x89PNG", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff"}


class Brand(BaseModel):
    """Name, logo and two colours: ``primary`` for titles and rules, ``secondary`` for bands and marks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    logo: Path | None = None
    primary: _HEX = style.palette()["accent"]
    secondary: _HEX = style.palette()["series2"]

    @property
    def text(self) -> str:
        """The primary colour where text in it can be read on white, else the colour of all text."""
        return self.primary if contrast(self.primary) >= READABLE else style.palette()["ink"]


def load(folder: Path) -> Brand:
    """The brand of a client's reports.

    Raises
    ------
    ClientError : ``client.unknown_key`` … for a key or value, ``brand.unreadable``, ``brand.logo``
    """
    path = find(folder)
    if path is None:
        return Brand()
    try:
        brand = Brand.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise faults.worded(error, Brand, str(path)) from None
    except (OSError, ValueError) as error:
        raise ClientError("brand.unreadable", where=path, got=error) from error
    return brand.model_copy(update={"logo": _logo(path.parent, brand.logo)}) if brand.logo else brand


def find(folder: Path) -> Path | None:
    """The file that says the brand; None where there is none."""
    return next((path for path in (Path(folder) / FILE, project.root() / FILE) if path.is_file()), None)


def contrast(colour: str) -> float:
    """Contrast of a colour with white, 1 to 21 (WCAG 2.2)."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _logo(folder: Path, named: Path) -> Path:
    """The picture, inside the folder of ``brand.toml``, PNG or JPEG, of bearable size."""
    path = (folder / named).resolve()
    magic = _MAGIC.get(path.suffix.lower())
    inside = path.is_relative_to(folder.resolve())
    if not (inside and magic and path.is_file()):
        raise ClientError("brand.logo", where=folder / FILE, got=named)
    if path.stat().st_size > LARGEST or not path.read_bytes().startswith(magic):
        raise ClientError("brand.logo", where=folder / FILE, got=named)
    return path
