"""Audiences: who a report is for, and which rows and columns of a result may reach them.

What an audience may see is declared in ``words/audiences.toml``. Every number is computed on all data and stays the
same in every version; rows that an audience may not see are taken out of the Result before anything is shown, said
or written.
"""

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from sqlib import contracts, pseudonyms, words
from sqlib.client import Client

GROUPINGS = (("family", "cell"), ("dimension", "group"))  # columns of a Result that name a grouping and its member
CROSS = "*"
OF_NOBODY = ("measure_id", "indicator_id")  # ids of the firm's own plans and figures, by which tables are joined


@dataclass(frozen=True)
class Audience:
    """An entry of ``words/audiences.toml``; ``own``: grouping and the reader's member, ``numbers``: of its peers."""

    name: str
    names: bool
    withheld: bool
    house: bool
    peers: tuple[str, ...]
    hides: tuple[str, ...]
    closed: tuple[str, ...] = ()
    own: tuple[tuple[str, str], ...] = ()
    numbers: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def told(self, language: str) -> str:
        """Who the report is for and what that means, in one sentence."""
        return words.text("audiences", self.name, language=language, **dict(self.own))


def names() -> tuple[str, ...]:
    """Every audience."""
    return tuple(words.catalogue("audiences"))


def load(name: str, **own: str) -> Audience:
    """The audience called ``name``; ``own``: the reader's own member of each grouping of its ``peers``."""
    entry = words.entry("audiences", name)
    rules = {rule: entry[rule] for rule in ("names", "withheld", "house")}
    sets = {rule: tuple(entry[rule]) for rule in ("peers", "hides", "closed")}
    return Audience(name, **rules, **sets, own=tuple((kind, own[kind]) for kind in sets["peers"]))


def among(audience: Audience, members: Mapping[str, Iterable[str]], client: Client) -> Audience:
    """The audience with its peers numbered; the order is that of their pseudonyms and says nothing about them."""
    secret, own = pseudonyms.key(client), dict(audience.own)
    numbers = {}
    for kind in audience.peers:
        others = sorted(set(members[kind]) - {own[kind]}, key=lambda member: pseudonyms.of(member, "peer", secret))
        numbers |= {(kind, member): number for number, member in enumerate(others, 1)}
    return dataclasses.replace(audience, numbers=numbers)


def cut(result, audience: Audience):
    """A Result, or a frame, with what its audience may see: hidden groupings gone, peers numbered."""
    return _each_frame(result, functools.partial(_cut, audience=audience))


def without_peers(result):
    """The same without the rows of peers: what a report says is about its reader's own, not about the neighbours."""
    return _each_frame(result, _own_rows)


def disguised(frame: pd.DataFrame, client: Client) -> pd.DataFrame:
    """A frame whose ids are pseudonyms: an id of the client's own books tells an insider who it is."""
    kinds = {name: kind for name in frame if (kind := _stands_for(_whose(name)))}
    secret = pseudonyms.key(client) if kinds else b""
    for name, kind in kinds.items():
        known = {value: pseudonyms.of(str(value), kind, secret) for value in frame[name].dropna().unique()}
        frame = frame.assign(**{name: frame[name].map(known)})
    return frame


def faced(result, client: Client, names: Mapping[str, str] | None):
    """A Result, or a frame, whose people stand under their names, or under pseudonyms where ``names`` is None."""
    secret = pseudonyms.key(client)
    face = (lambda person: names.get(person, person)) if names is not None else functools.cache(
        lambda person: pseudonyms.of(person, "person", secret))  # fmt: skip

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        columns = [name for name in frame if _stands_for(_whose(name)) == "person"]
        known = {name: {person: face(str(person)) for person in frame[name].dropna().unique()} for name in columns}
        return frame.assign(**{name: frame[name].map(faces) for name, faces in known.items()}) if columns else frame

    return _each_frame(result, change)


def _each_frame(result, change):
    if isinstance(result, pd.DataFrame):
        return change(result)
    if not dataclasses.is_dataclass(result):
        return result
    values = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    frames = {name: change(value) for name, value in values.items() if isinstance(value, pd.DataFrame)}
    return dataclasses.replace(result, **frames) if frames else result


def _cut(frame: pd.DataFrame, audience: Audience) -> pd.DataFrame:
    frame = frame.drop(columns=[name for name in audience.hides if name in frame])
    for kind, member in _groupings(frame):
        seen = ~frame[kind].map(lambda grouping: bool(set(_parts(grouping)) & set(audience.hides))).astype(bool)
        frame = frame[seen]
        if audience.peers:
            pairs = zip(frame[kind], frame[member], strict=True)
            frame = frame.assign(**{member: [_members(*pair, audience) for pair in pairs]})
    return _peer_columns(frame, audience).reset_index(drop=True)


def _peer_columns(frame: pd.DataFrame, audience: Audience) -> pd.DataFrame:
    for name in set(audience.peers) & set(frame):
        frame = frame.assign(**{name: [_members(name, member, audience) for member in frame[name]]})
    return frame


def _groupings(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return [pair for pair in GROUPINGS if set(pair) <= set(frame)]


def _parts(grouping) -> list[str]:
    return [part.strip() for part in str(grouping).split(CROSS)]


def _members(grouping: str, member: str, audience: Audience) -> str:
    """A member, or each part of a crossed one, under the name the audience may read."""
    kinds, parts = _parts(grouping), str(member).split(f" {CROSS} ")
    if pd.isna(member) or len(kinds) != len(parts):
        return member
    return f" {CROSS} ".join(_member(*pair, audience) for pair in zip(kinds, parts, strict=True))


def _member(kind: str, member: str, audience: Audience) -> str:
    if kind not in audience.peers or (kind, member) in audience.own:
        return member
    return f"{words.PEER}{audience.numbers.get((kind, member), '')}"


def _own_rows(frame: pd.DataFrame) -> pd.DataFrame:
    for _, member in _groupings(frame):
        frame = frame[~frame[member].astype(str).str.contains(words.PEER, regex=False)]
    return frame


def _whose(column: str) -> str:
    """The column of a table that one of a pair is like: ``first_ratee_id`` is a ``ratee_id``."""
    return column.removeprefix("first_").removeprefix("second_")


@functools.cache
def _stands_for(column: str) -> str:
    """Kind of pseudonym for the ids of a column: of a customer, a person, or a row of some table; empty for others."""
    plain = column.removeprefix("first_").removeprefix("second_")  # of a pair: first_rater_id
    if plain in OF_NOBODY:
        return ""
    for table in map(contracts.load, contracts.names()):
        declared = table.columns.get(plain)
        if declared is not None and declared.type == "id" and (declared.identifies or plain == table.key[0]):
            return declared.identifies or "row"
    return ""
