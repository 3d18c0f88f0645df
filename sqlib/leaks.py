"""What must not leave: names, numbers of persons, raw ids, raw comments, paths and unseen parts, found in any file.

What can be looked for and what cannot:

- a name has two characters, or three where it is plain ASCII; one that is also a word of our own wording cannot be told
  from prose and is listed by ``unsearchable``;
- an id of five characters or more with a letter and a digit is looked for everywhere, any other only in columns of ids;
- a comment counts whole from 12 characters on, each sentence of it from 20 on; approved quotations are let pass.
"""

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from sqlib import contracts, intake, masking, openers, pseudonyms, tables, words
from sqlib.client import PROFILES, Client

ALLOWED = {"internal": frozenset({"name", "client_id", "comment"})}  # audience -> kinds it holds by intent
PERSONAL = frozenset({"phone", "identity", "credit_code", "email", "messenger", "bank_card", "plate"})  # of ``masking``
ID, COMMENT, SENTENCE = 5, 12, 20  # characters
QUESTIONS = {"item_text", "rejected_reason"}  # text the firm wrote itself
REGISTERS = {"measures", "indicators", "nonconformities"}  # tables of such texts, which reports speak of
_PSEUDONYM = re.compile(r"[CP]-[A-Z2-7]{10}")
_END = re.compile("[\u3002\uff01\uff1f\uff1b!?;\n]|[.] ")
_NUMBER = re.compile(
    r"\b(?=[0-9]*[a-f])[0-9a-f]{12,64}\b|\d*\.\d{2,}(?:e[-+]?\d+)?"
)  # fingerprints, decimals: no phone
_PATH = re.compile(
    r"file://\S+|(?<![\w:/.])[A-Za-z]:\\[^\s\"'<>]+|\\\\[\w.-]+\\\S+"
    r"|(?<![\w:/.])/(?:home|Users|root|tmp|var|mnt|media|opt|srv|etc|private|Volumes)/[^\s\"'<>]+"
)


class Hit(NamedTuple):
    """Something found where it must not be: ``value`` shows its first character only."""

    file: str
    place: str
    kind: str
    value: str


class Needles:
    """Many texts looked for at once, whatever their case, width and spaces; Latin ones as whole words."""

    def __init__(self, texts: Iterable[str], least: int):
        """``least``: shorter texts are not looked for."""
        self._least, self._known = least, defaultdict(list)
        for text in sorted({folded(text) for text in texts}):
            if len(text) >= least:
                self._known[text[:least]].append(text)

    def __bool__(self) -> bool:
        return bool(self._known)

    def found(self, text: str) -> list[str]:
        """Those that occur in a text already folded."""
        starts = range(len(text) - self._least + 1) if self._known else ()
        near = ((at, each) for at in starts for each in self._known.get(text[at : at + self._least], ()))
        return list(dict.fromkeys(each for at, each in near if text.startswith(each, at) and _whole(text, at, each)))


def folded(text: str) -> str:
    """A text as it is compared: half width, no case, spaces only between Latin words."""
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", plain)


def _whole(text: str, at: int, found: str) -> bool:
    before, after = text[at - 1 : at], text[at + len(found) : at + len(found) + 1]
    return not any(_latin(outer) and _latin(inner) for outer, inner in ((before, found[0]), (after, found[-1])))


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


@dataclass(frozen=True)
class Secrets:
    """What one client's data hold that nobody outside may read."""

    names: Needles
    ids: Needles
    short_ids: frozenset[str]
    comments: Needles
    paths: tuple[str, ...]
    groups: Needles
    unsearchable: tuple[str, ...] = ()


def secrets(client: Client, approved: Collection[str] = (), hides: Collection[str] = ()) -> Secrets:
    """Names, ids and comments of every table of a client.

    Parameters
    ----------
    approved : texts released for quotation; what stands in one of them is no secret
    hides : groupings the audience may not read (teams), in whatever words a person wrote
    """
    loaded = {name: tables.load(client, name, as_of=client.data_until) for name in client.tables}
    frames = [
        (contracts.load(name), frame) for name, table in loaded.items() for frame in (table.frame, table.quarantine)
    ]
    ids = {value for contract, frame in frames for value in _ids(contract, frame)}
    found = _names(client, ids), ids, _comments(frames), _paths(client)
    return known(*found, spoken() + client.name, approved, _groups(frames, hides))


def known(
    names: Iterable[str], ids: Iterable[str], comments: Iterable[str], paths: Iterable[str], prose: str,
    approved: Collection[str] = (), groups: Iterable[str] = (),
) -> Secrets:  # fmt: skip
    """Secrets laid out for the search; ``prose``: our own wording, whose words no search can tell from a name."""
    released = "\n".join(map(folded, approved))
    parts = {part for text in comments for part in _quotable(text)}
    long = {value for value in names if len(folded(value)) >= (3 if value.isascii() else 2)}
    groups = set(groups)
    common = set(Needles(long | groups, 2).found(folded(prose)))
    raw = {value for value in ids if not _PSEUDONYM.fullmatch(value)}
    marked = {value for value in raw if re.search("[A-Za-z]", value) and re.search(r"\d", value)}
    return Secrets(
        names=Needles((value for value in long if folded(value) not in common), 2),
        ids=Needles(marked, ID),
        short_ids=frozenset(raw),
        comments=Needles((part for part in parts if folded(part) not in released), COMMENT),
        paths=tuple(paths),
        unsearchable=tuple(sorted(common)),
        groups=Needles((value for value in groups if folded(value) not in common), 2),
    )


def _quotable(text: str) -> list[str]:
    return [text, *(part for part in _END.split(text) if len(part.strip()) >= SENTENCE)]


def _ids(contract: contracts.Contract, frame: pd.DataFrame) -> set[str]:
    held = [name for name, column in contract.columns.items() if column.identifies in ("customer", "person")]
    return {str(value) for name in held if name in frame for value in frame[name].dropna().unique()}


def _comments(frames: list) -> set[str]:
    return {
        value
        for contract, frame in frames
        for name, column in contract.columns.items()
        if column.type == "text" and name in frame and name not in QUESTIONS and contract.name not in REGISTERS
        for value in frame[name].dropna().unique()
    }


def _groups(frames: list, hides: Collection[str]) -> set[str]:
    """Members of the groupings in ``hides``; ids are looked for as such."""
    held = [(frame, name) for contract, frame in frames for name in set(hides) & set(frame)
            if name in contract.columns and contract.columns[name].type != "id"]  # fmt: skip
    return {str(value) for frame, name in held for value in frame[name].dropna().unique()}


def _names(client: Client, ids: set[str]) -> list[str]:
    """Every name met; the tables are read anew where a pseudonym has lost its name."""
    if {value for value in ids if _PSEUDONYM.fullmatch(value)} - set(pseudonyms.names(client)):
        for name in client.tables:
            intake.read(client, name, contracts.load(name))
    return list(pseudonyms.names(client).values())


def _paths(client: Client) -> list[str]:
    return [str(client.folder.resolve())]


@functools.cache
def spoken() -> str:
    """Our own wording and the code books."""
    files = [*words.FOLDER.glob("*.toml"), *PROFILES.glob("*/*.toml")]
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(files))


@functools.cache
def id_columns() -> frozenset[str]:
    """Names and labels of columns that hold ids of customers and persons."""
    columns = [column for name in contracts.names() for column in contracts.load(name).columns.values()]
    held = [column for column in columns if column.identifies in ("customer", "person")]
    return frozenset(folded(text) for column in held for text in (column.name, *column.label.values()))


def scan(name: str, data: bytes, secret: Secrets, audience: str) -> list[Hit]:
    """Everything in one file that its audience must not read, in the order of the file.

    Raises
    ------
    SqlibError : ``openers.unreadable``
    """
    allowed = ALLOWED.get(audience, frozenset())
    found = [
        Hit(name, piece.place, kind, masked(value))
        for piece in openers.pieces(name, data)
        for kind, value in _piece(piece, secret)
        if kind not in allowed
    ]
    return list(dict.fromkeys(found))


def _piece(piece: openers.Piece, secret: Secrets) -> Iterable[tuple[str, str]]:
    if piece.kind:
        yield piece.kind, piece.text
    plain, shape = _NUMBER.sub(" ", piece.text), folded(piece.text)
    yield from ((kind, plain[start:end]) for start, end, kind in masking.find(plain) if kind in PERSONAL)
    yield from (("name", value) for value in secret.names.found(shape))
    yield from (("group", value) for value in secret.groups.found(shape))
    yield from (("client_id", value) for value in secret.ids.found(shape))
    yield from (("comment", value) for value in secret.comments.found(shape))
    if folded(piece.column) in id_columns() and piece.text.lstrip("'") in secret.short_ids:
        yield "client_id", piece.text
    yield from (("path", match[0]) for match in _PATH.finditer(plain))
    yield from (("path", path) for path in secret.paths if path in piece.text)


def masked(value: str) -> str:
    """A value nobody can read from a list of hits: its first character."""
    return f"{value[:1]}•••"
