"""The files a block of client.toml or mapping.xlsx names, or in which the result of its query is kept."""

from pathlib import Path

from sqlib import queries
from sqlib.client import Client, Source
from sqlib.errors import ClientError
from sqlib.faults import listed, nearest


def files(client: Client, source: Source, where: str = "") -> list[Path]:
    """The files one block names, in the order of its patterns, each pattern's files sorted by name.

    where : the block, for messages; by default the client

    Raises
    ------
    ClientError : ``intake.file_missing`` naming folder, pattern and the files there are; ``intake.outside_folder``;
        those of ``queries``
    """
    if source.query:
        return [queries.stored(client, source, where or client.id)]
    found: list[Path] = []
    for pattern in source.files:
        exact = client.folder / pattern
        matches = [exact] if exact.is_file() else sorted(client.folder.glob(pattern))
        matches = [path for path in matches if path.is_file() and not path.name.startswith(("~$", "."))]
        if not matches:
            there = [
                path.relative_to(client.folder).as_posix()
                for path in sorted(client.folder.glob("raw/*"))
                if path.is_file()
            ]
            values = {"got": pattern, "nearest": nearest(pattern, there), "there": listed(there[:20])}
            raise ClientError("intake.file_missing", where=where or client.id, **values)
        for path in matches:
            if not path.resolve().is_relative_to(client.folder.resolve()):
                raise ClientError("intake.outside_folder", where=client.id, got=path.name)
        found += [path for path in matches if path not in found]
    return found
