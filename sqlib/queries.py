"""Queries in place of files: what a SELECT returns, kept in the client's folder as text and read like any export.

A block with ``query`` and ``url_env`` is asked once a run, by the process that runs it; every page reads the same
stored rows, on any machine and without the address. The database is told to refuse writes, and the address, which
holds a password, never leaves this module.
"""

import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, time
from decimal import Decimal
from numbers import Number
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from sqlib import workbooks
from sqlib.errors import ClientError

FOLDER = "queries"  # in the client's folder
REACH = 10.0  # seconds for a server to answer
PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
USUAL = {
    "postgresql": "postgresql+pg8000",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}  # where none is named
PATIENT = {
    "pg8000": "timeout",
    "psycopg": "connect_timeout",
    "psycopg2": "connect_timeout",
    "pymysql": "connect_timeout",
}
REFUSE_WRITES = {  # dialect -> what makes it refuse to write for the rest of the connection
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
ASKS = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
PLAIN = (str, Number, date, time, UUID, type(None))  # types of a column that an export would write as well
_asked: set[Path] | None = None  # what this process has asked for since ``anew``; None: it reads what is stored


def file(table: str, number: int) -> str:
    """Where the result of the so-manieth block of a table is stored, below the client's folder."""
    return f"{FOLDER}/{table}-{number}.parquet"


def names(client) -> set[str]:
    """Files of a client that hold results of queries: a row without an id has no place of its own in them."""
    return {source.files[0] for sources in client.tables.values() for source in sources if source.query}


def anew() -> None:
    """A run or a check begins: this process asks every database once more. Pages, and whatever else reads a client,
    take the rows that were stored."""
    global _asked
    _asked = set()


def stored(client, source, where: str) -> Path:
    """The file with the result of one block: as it lies, or asked for where there is none or a run begins (``anew``).

    where : the block, for messages

    Raises
    ------
    ClientError : ``queries.*``; no message holds the address or the password
    """
    path = client.folder / source.files[0]
    if _mark(path) != _marked(source) or (_asked is not None and path not in _asked):
        _keep(_result(source, client.folder, where), path, _marked(source), where)
        _drop(path.parent, {Path(name).name for name in names(client)})
        if _asked is not None:
            _asked.add(path)
    return path


def _marked(source) -> bytes:
    return f"{source.url_env}\n{source.query}".encode()


def _mark(path: Path) -> bytes | None:
    """What was asked when the file was stored; None where it is not there or not ours."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return (pq.read_schema(path).metadata or {}).get(b"query")
    except (OSError, pa.ArrowException):
        return None


def _keep(result, path: Path, mark: bytes, where: str) -> None:
    """Write beside, then rename; equal bytes leave the file as it is. Its owner alone can read it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(result.replace_schema_metadata({"query": mark}), sink)
    data = sink.getvalue().to_pybytes()
    try:
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
        draft.replace(path)
    except OSError as error:
        raise ClientError("queries.unwritable", where=where, got=error.strerror) from None


def _drop(folder: Path, kept: set[str]) -> None:
    """Rows that no block asks for any more do not stay; a file that is not ours does."""
    for path in folder.glob("*.parquet"):
        if path.name not in kept and _mark(path) is not None:
            path.unlink(missing_ok=True)


def _result(source, folder: Path, where: str):
    """The rows as a table of text, sorted: a database returns them in any order.

    Raises
    ------
    ClientError : ``queries.writes``, ``.semicolon``, ``.failed``, ``.column_type``, ``.column_twice``, and why nobody
        could be asked
    """
    asked = source.query.strip().rstrip("; \n")
    if not ASKS.match(asked):
        raise ClientError("queries.writes", where=where, got=_short(source.query))
    if ";" in asked:  # one statement: with a second, a bracket closed too early would set it free of ours
        raise ClientError("queries.semicolon", where=where, got=_short(source.query))
    with _connection(source.url_env, folder, where) as (connection, plain):
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        try:
            result = connection.exec_driver_sql(f"SELECT * FROM (\n{asked}\n) AS asked")  # nothing else can be in it
            names, rows = list(result.keys()), [tuple(row) for row in result]
        except DBAPIError as error:
            code = "queries.writes" if _refused_write(error) else "queries.failed"
            raise ClientError(code, where=where, got=plain(error)) from None
        except SQLAlchemyError as error:
            raise ClientError("queries.failed", where=where, got=plain(error)) from None
    return _table(names, rows, where)


def _table(names: list[str], rows: list[tuple], where: str):
    import pyarrow as pa

    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ClientError("queries.column_twice", where=where, got=", ".join(twice))
    for number, name in enumerate(names):
        kinds = {type(row[number]).__name__ for row in rows if not isinstance(row[number], PLAIN)}
        if kinds:
            raise ClientError("queries.column_type", where=where, column=name, got=", ".join(sorted(kinds)))
    texts = sorted(tuple(map(_text, row)) for row in rows)
    columns = list(zip(*texts, strict=True)) or [()] * len(names)
    return pa.table([pa.array(column, pa.large_string()) for column in columns], names=names)


def _text(value) -> str:
    return format(value, "f") if isinstance(value, Decimal) else workbooks.text(value)


@contextmanager
def _connection(variable: str, folder: Path, where: str) -> Iterator[tuple]:
    """A connection that refuses writes and is rolled back, and what makes an error of it fit to be read."""
    try:
        import sqlalchemy  # noqa: F401
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise ClientError("queries.not_installed", where=where, got="sqlalchemy") from None
    url = _url(variable, where)
    engine = _engine(url, folder, where)
    with ExitStack() as ended:
        try:
            opened = ended.enter_context(engine.connect())
            connection = opened.execution_options(no_parameters=True)  # a % in the text is a %
            connection.exec_driver_sql(REFUSE_WRITES[url.get_backend_name()])
            connection.commit()  # it holds from the next transaction on
        except TimeoutError:  # it accepts and stays silent
            raise ClientError("queries.unreachable", where=where, got=f"{url.host}: {REACH:.0f} s") from None
        except (SQLAlchemyError, OSError) as error:
            raise ClientError("queries.no_entry", where=where, variable=variable, got=_plain(error, url)) from None
        yield connection, lambda error: _plain(error, url)


def _url(variable: str, where: str):
    """The address the variable holds."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    text = os.environ.get(variable, "").strip()
    if not text:
        raise ClientError("queries.url_unset", where=where, got=variable)
    try:
        url = make_url(text)
        if url.get_backend_name() in PORTS and text.count("@") > 1:  # half of the password would pass for the host
            raise ValueError
    except (ArgumentError, ValueError):
        raise ClientError("queries.bad_url", where=where, got=variable) from None
    if url.get_backend_name() not in REFUSE_WRITES:
        raise ClientError("queries.dialect", where=where, got=url.get_backend_name(), known=", ".join(REFUSE_WRITES))
    return url.set(drivername=USUAL.get(url.drivername, url.drivername))


def _engine(url, folder: Path, where: str):
    """What connects; a server that does not answer, a file that is not there or a missing driver is told first."""
    from sqlalchemy import create_engine, event, pool
    from sqlalchemy.exc import NoSuchModuleError

    if url.get_backend_name() == "sqlite":
        return create_engine("sqlite://", creator=lambda: _sqlite(_base(url, folder, where)), poolclass=pool.NullPool)
    if url.host:
        try:
            socket.create_connection((url.host, url.port or PORTS[url.get_backend_name()]), REACH).close()
        except OSError as error:
            got = f"{url.host}:{url.port or PORTS[url.get_backend_name()]}: {error.strerror or error}"
            raise ClientError("queries.unreachable", where=where, got=got) from None
    driver = url.drivername.partition("+")[2]
    patience = {PATIENT[driver]: REACH} if driver in PATIENT else {}
    try:
        engine = create_engine(url, poolclass=pool.NullPool, connect_args=patience)
        if driver == "pg8000":  # its patience would end long queries too
            event.listen(engine, "connect", lambda connection, _: connection._usock.settimeout(None))
        return engine
    except ImportError as error:
        raise ClientError("queries.not_installed", where=where, got=error.name) from None
    except NoSuchModuleError:
        raise ClientError("queries.not_installed", where=where, got=url.drivername) from None


def _base(url, folder: Path, where: str) -> Path:
    """The file of an SQLite database; a relative path begins at the client's folder."""
    path = folder / (url.database or "")
    if not path.is_file():
        raise ClientError("queries.no_base", where=where, got=url.database or "–")
    return path


def _sqlite(path: Path):
    """Opened for reading alone: SQLite would make a new, empty base of a wrong name."""
    import sqlite3

    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)


def _refused_write(error) -> bool:
    """Did the database refuse because it was told to? 25006 of PostgreSQL, 1792 of MySQL, SQLITE_READONLY."""
    told = str(error.orig)
    return "25006" in told or "1792" in told or "readonly database" in told


def _plain(error, url) -> str:
    """The database's own words in one line, without anything of the address but what stands in them anyway."""
    cause = getattr(error, "orig", None) or error
    first = cause.args[0] if cause.args else ""
    told = first.get("M", first) if isinstance(first, dict) else cause  # the fields of PostgreSQL's protocol
    text = " ".join(str(told).split())
    password = str(url.password or "")
    for secret in filter(None, (url.render_as_string(hide_password=False), password, quote(password, safe=""))):
        text = text.replace(secret, "***")
    return _short(text)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:300] + "…"
