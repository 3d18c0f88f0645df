"""Values as client.toml writes them: accepted forms and checks, shared by the sections of ``client``."""

import re
import zoneinfo
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

STRICT = ConfigDict(extra="forbid", frozen=True)  # unknown keys are refused, values do not change after reading


def as_text(value: Any) -> Any:
    """A number, flag or date written without quotes means its text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | date) else value


def as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def one_of(names: Iterable[str]):
    """A validator: the text is one of the names."""
    names = list(names)

    def check(value: str) -> str:
        if value not in names:
            raise PydanticCustomError("unknown_value", "unknown value", {"allowed": names})
        return value

    return AfterValidator(check)


def time_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("unknown_value", "unknown value", {"allowed": ["Asia/Shanghai", "UTC"]}) from None
    return value


def inside(pattern: str) -> str:
    """A file pattern stays inside the client's folder."""
    pattern = pattern.replace("\\", "/")
    if not pattern or pattern.startswith("/") or re.match(r"[A-Za-z]:", pattern) or ".." in pattern.split("/"):
        raise PydanticCustomError("outside", "outside the folder", {})
    return pattern


Text = Annotated[str, BeforeValidator(as_text)]
Texts = Annotated[list[Text], BeforeValidator(as_list)]
Pattern = Annotated[str, AfterValidator(inside)]
TimeZone = Annotated[str, AfterValidator(time_zone)]
