"""Shipped indicator definitions: ``profiles/<profile>/indicators.toml``, those of the trade before the general ones."""

import functools
import tomllib
import unicodedata
from pathlib import Path

import pandas as pd

from sqlib import contracts

_PROFILES = Path(__file__).parent / "profiles"
TEXTS = ("name", "numerator", "denominator", "clock", "exclusions", "gaming")  # in both languages


@functools.cache
def load(profile: str = "general") -> dict[str, dict]:
    """Indicator -> its definition as declared; see the head of the general file for the vocabulary."""
    found: dict[str, dict] = {}
    for name in dict.fromkeys(("general", profile)):
        path = _PROFILES / name / "indicators.toml"
        found |= tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def named(label: str, profile: str = "general") -> str | None:
    """The definition a client's label means, by its id or its name in either language; None where it is none."""
    spelled = {_folded(text): key for key, entry in load(profile).items() for text in (key, *entry["name"].values())}
    return spelled.get(_folded(label))


def _folded(text: str) -> str:
    """As compared: half width, no case, no spaces; what stands in brackets counts, as in "(median)"."""
    return unicodedata.normalize("NFKC", text).casefold().replace(" ", "")


def shipped(labels: list[str], profile: str = "general") -> pd.DataFrame:
    """Indicators a client names and nowhere defines, in the shape of the contract: those of ``labels`` that mean a
    shipped definition."""
    known = [label for label in dict.fromkeys(labels) if named(label, profile)]
    frame = pd.DataFrame({"indicator_id": pd.Series(known, dtype="str")})
    return filled(frame.reindex(columns=list(contracts.load("indicators").columns)).astype("str"), profile)


def resolved(labels: pd.Series, indicators: pd.DataFrame | None, profile: str = "general") -> pd.Series:
    """Labels under the id of the indicator they mean, by its id, name or shipped definition; of several labels of one
    definition no indicator claims, the first; any other as it is. ``indicators`` as from :func:`filled`, or None."""
    ids: dict[str, str] = {}
    for column in () if indicators is None else ("indicator_id", "name", "name_en", "definition_id"):
        rows = indicators.dropna(subset=["indicator_id", column])
        for text, own in zip(rows[column], rows["indicator_id"], strict=True):
            ids.setdefault(_folded(text), own)
    exact = set() if indicators is None else set(indicators["indicator_id"])
    meant = {}
    for label in labels.dropna().unique():
        key = named(label, profile) or label
        own = ids.get(_folded(label)) or ids.setdefault(_folded(key), label)
        meant[label] = label if label in exact else own
    return labels.map(meant).astype("str")


def filled(indicators: pd.DataFrame, profile: str = "general") -> pd.DataFrame:
    """The client's indicators with ``definition_id`` where id or name is that of a shipped definition, and with what
    they leave open of name, name_en, unit, direction and data_type taken from it."""
    label = indicators["definition_id"].fillna(indicators["indicator_id"])
    found = label.map(lambda text: named(text, profile), na_action="ignore").astype("str")
    by_name = indicators["name"].map(lambda text: named(text, profile), na_action="ignore").astype("str")
    found = found.fillna(by_name)
    known = load(profile)
    frame = indicators.assign(definition_id=found)
    parts = {"unit": "unit", "direction": "direction", "data_type": "kind"}
    for column, key in parts.items():
        given = found.map({name: entry[key] for name, entry in known.items()})
        frame[column] = frame[column].fillna(given.astype("str"))
    for column, language in (("name", "zh"), ("name_en", "en")):
        given = found.map({name: entry["name"][language] for name, entry in known.items()})
        frame[column] = frame[column].fillna(given.astype("str"))
    return frame.assign(name=frame["name"].fillna(frame["indicator_id"]))
