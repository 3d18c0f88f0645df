"""Names never become ids: people and customers appear under pseudonyms.

A pseudonym is HMAC-SHA256 of the name with the client's own key, ``C-`` or ``P-`` and 10 characters: the same name
gives the same pseudonym in every table of that client and another one at every other client. The key is the
environment variable named in ``[privacy]``, else ``demo_key``, else ``<client>/.sqlib-key``, made at first use.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import unicodedata

import pandas as pd

from sqlib import repairs
from sqlib.client import Client
from sqlib.contracts import Contract
from sqlib.errors import ClientError
from sqlib.keys import folder, key, write_private

LENGTH = 10  # base32 characters: 50 bits, no collision among a million names in practice
HIDDEN = "•••"  # stands for a name in the log of repairs
PREFIX = {"customer": "C", "name": "C", "person": "P", "peer": "G", "row": "R", "quote": "Q"}


def folded(name: str) -> str:
    """A name as it is compared: half width, no case, no spaces."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).casefold()


def of(name: str, kind: str, secret: bytes) -> str:
    """The pseudonym of one name; ``kind`` is a key of ``PREFIX``."""
    digest = hmac.new(secret, f"{PREFIX[kind]}:{folded(name)}".encode(), hashlib.sha256).digest()
    return f"{PREFIX[kind]}-{base64.b32encode(digest).decode()[:LENGTH]}"


def are_names(cells: pd.Series) -> pd.Series:
    """Cell by cell: is this id a name?

    An id has a digit. A text without one is a name when it is not plain ASCII, or when most ids of the column have
    no digit either (so that ``NA`` among numbers stays an id).
    """
    texts = cells.fillna("")
    wordy = (texts != "") & ~texts.str.contains(r"\d", regex=True)
    mostly = wordy.sum() > 0.5 * (texts != "").sum()
    return wordy if mostly else wordy & texts.str.contains(r"[^\x00-\x7f]", regex=True)


def replace(
    frame: pd.DataFrame, contract: Contract, client: Client, book: dict[str, str], people: dict[str, str] | None = None
):
    """Names out, ids in.

    frame : contract columns, source_file, source_row
    book : folded customer name -> customer id, from the customers table
    people : folded name of a person -> staff id, from the staff table

    Returns the frame without its name column, the log, the problems, and id -> name of everyone replaced.
    """
    logs, problems, known = [], [], {}
    books = {"customer": book, "person": people or {}}
    for column in [name for name in frame if name in contract.columns]:
        kind = contract.columns[column].identifies
        if kind not in ("customer", "person"):
            continue
        where = are_names(frame[column])
        if where.any():
            ids = _ids(frame.loc[where, column], kind, client, books[kind])
            known |= dict(zip(ids, frame.loc[where, column], strict=True))
            frame = frame.assign(**{column: frame[column].mask(where, ids.reindex(frame.index))})
            logs.append(_logged(frame[where], column, ids))
    for column in [name for name in frame if name in contract.columns and contract.columns[name].type == "name"]:
        whose, kind = bearer(contract, column)
        given = frame[whose] if whose in frame else pd.Series(None, index=frame.index, dtype="str")
        named = frame[column].notna()
        needed = named & given.isna()
        final = given.fillna(_called(frame.loc[needed, column], kind, client, books[kind]).reindex(frame.index))
        named &= final.ne(frame[column])
        known |= dict(zip(final[named], frame.loc[named, column], strict=True))
        logs.append(_logged(frame[named], column, final))
        strange = needed & ~repairs.translated(frame[column], folded).isin(book)
        if kind == "customer" and book and strange.any():
            problems.append(_unmatched(frame[strange], contract.name, column, final[strange].nunique()))
        frame = frame.drop(columns=column).assign(**{whose: final})
    return frame, logs, problems, known


def bearer(contract: Contract, column: str) -> tuple[str, str]:
    """The id column a name belongs to (``rater_name``: ``rater_id``), and whether that names a customer or a person."""
    whose = f"{column.removesuffix('_name')}_id"
    return whose, contract.columns[whose].identifies


def book(ids: pd.Series, names: pd.Series) -> tuple[dict[str, str], int]:
    """Folded name -> id where a row has both; how many names stand for several ids (left out)."""
    pairs = pd.DataFrame({"id": ids, "name": names}).dropna()
    pairs = pairs.assign(name=repairs.translated(pairs["name"], folded)).drop_duplicates()
    twice = pairs["name"].duplicated(keep=False)
    found = dict(zip(pairs["name"][~twice], pairs["id"][~twice], strict=True))
    return found, pairs["name"][twice].nunique()


def coded(texts: pd.Series, kind: str, client: Client, book: dict[str, str], there: pd.Series | None):
    """Ids or names as a person wrote them, as ids, and id -> name of those that were names.

    kind : what the column identifies; there : the ids that stand in the column, which are never taken for names
    """
    known_ids = set() if there is None else set(there.dropna())
    named = ~texts.isin(known_ids) & ~texts.str.contains(r"\d", regex=True)
    if not named.any():
        return texts, {}
    ids = _ids(texts[named], kind, client, book if kind == "customer" else {})
    return texts.mask(named, ids.reindex(texts.index)), dict(zip(ids, texts[named], strict=True))


def names(client: Client) -> dict[str, str]:
    """Id -> name of every customer and person met in the tables read so far: for ``audience = internal`` only."""
    files = sorted(folder(client).glob("*.json"))
    found: dict[str, str] = {}
    for file in files:
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def remember(client: Client, table: str, known: dict[str, str]) -> None:
    """Keep id -> name of one table in the private cache, readable by its owner only.

    Raises
    ------
    ClientError : ``pseudonyms.names_unwritable``
    """
    if not known:
        return
    place = folder(client)
    draft = place / f"{table}.{secrets.token_hex(4)}.draft"
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(draft, json.dumps(dict(sorted(known.items())), ensure_ascii=False))
        draft.replace(place / f"{table}.json")
    except OSError as error:
        values = {"where": f"{client.id}: {place.parent.name}/{place.name}", "got": error.strerror}
        raise ClientError("pseudonyms.names_unwritable", **values) from None


def _called(cells: pd.Series, kind: str, client: Client, known: dict[str, str]) -> pd.Series:
    """Ids of a column of names; where a person's id stands in place of the name it is the id."""
    ids = _ids(cells, kind, client, known)
    return ids.where(are_names(cells), cells) if kind == "person" else ids


def _ids(cells: pd.Series, kind: str, client: Client, known: dict[str, str]) -> pd.Series:
    secret = key(client)
    return repairs.translated(cells, lambda name: known.get(folded(name)) or of(name, kind, secret))


def _logged(rows: pd.DataFrame, column: str, ids: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "file": rows["source_file"],
            "row": rows["source_row"],
            "column": column,
            "before": HIDDEN,
            "after": ids.reindex(rows.index),
            "rule": "name_pseudonymised",
        },
        columns=repairs.LOG,
    ).drop_duplicates()


def _unmatched(rows: pd.DataFrame, table: str, column: str, count: int) -> pd.DataFrame:
    first = rows.iloc[0]
    return repairs.problem(
        table, first["source_file"], "name_unmatched", row=int(first["source_row"]), column=column, count=count
    )
