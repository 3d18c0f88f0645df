"""What is wrong with a client.toml, in words: from a validation fault to a ``ClientError``."""

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sqlib.errors import ClientError

# How a value of each kind is written: the same in every language.
_WRITTEN = {
    "string": '"…"',
    "list": '["…", "…"]',
    "int": "1",
    "float": "0.85",
    "bool": "true | false",
    "date": "2026-09-30",
    "dict": '{ "…" = "…" }',
    "model": "[…]",
}

_BEYOND = {"greater_than_equal": "≥", "less_than_equal": "≤", "greater_than": ">", "too_short": "≥"}


def worded(
    error: ValidationError, model: type[BaseModel], where: str, place: Callable[[tuple], str] = lambda loc: ""
) -> ClientError:
    """The first fault in full, the keys of the others beside it; ``place``: the cell that says a key, if one does."""
    faults = sorted(error.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden")
    first = faults[0]
    keys = list(dict.fromkeys(_key(fault["loc"]) for fault in faults))
    values = {"where": place(first["loc"]) or where, "key": keys[0], "others": ", ".join(keys[1:]) or "–"}
    kind, given = first["type"], first["input"]
    if kind == "extra_forbidden":
        allowed = _fields(model, first["loc"])
        got = str(first["loc"][-1])
        values |= {"got": got, "nearest": nearest(got, allowed), "allowed": listed(allowed)}
        return ClientError("client.unknown_key", **values)
    if kind == "missing":
        return ClientError("client.missing_key", **values)
    if kind == "outside":
        return ClientError("client.outside_folder", **values, got=given)
    if kind in {"unknown_value", "literal_error"}:
        allowed = first["ctx"].get("allowed") or re.findall(r"'(\w+)'", first["ctx"]["expected"])
        close = nearest(str(given), allowed)
        return ClientError("client.unknown_value", **values, got=given, nearest=close, allowed=listed(allowed))
    if kind in _BEYOND:
        limit = next(value for name, value in first["ctx"].items() if name in {"ge", "le", "gt", "min_length"})
        sign = _BEYOND[kind]
        return ClientError("client.out_of_range", **values, got=given, limit=f"{sign} {limit}")
    written = next((text for prefix, text in _WRITTEN.items() if kind.startswith(prefix)), kind)
    return ClientError("client.wrong_type", **values, got=repr(given), written=written)


def _key(loc: tuple) -> str:
    """``tables.feedback[1].columns`` for a place in the file (blocks counted from 1, as a person does)."""
    text = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in loc)
    return text.removeprefix(".")


def _fields(model: type[BaseModel], loc: tuple) -> list[str]:
    """The keys allowed where ``loc`` points."""
    for step in loc[:-1]:
        if step in model.model_fields:
            model = _inner(model.model_fields[step].annotation) or model
    return list(model.model_fields)


def _inner(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _inner(part))), None)


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The allowed name most like the given one, or an en dash."""
    return next(iter(difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.4)), "–")


def listed(names: Iterable[str]) -> str:
    """Names one after the other, or an en dash."""
    return ", ".join(names) or "–"
