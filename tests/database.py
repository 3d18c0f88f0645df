"""A PostgreSQL server of its own for the tests: a new cluster in a folder, a user with a password, one database."""

import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

USER, PASSWORD = "reader", "s3cret:/@#%"
_PLACES = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
_PLACES += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
BIN = next((place for place in _PLACES if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


def absent() -> str:
    """Why there is no server to test with; empty where there is one."""
    return "" if BIN else "PostgreSQL server absent: no initdb on the path"


@contextmanager
def started(folder: Path):
    """The server; yields its port. The server refuses to run as root, which hands it to ``postgres``."""
    folder.mkdir(parents=True)
    as_other = {}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        as_other = {"user": "postgres", "group": "postgres", "extra_groups": []}
        for place in (folder, *folder.parents):
            if place.stat().st_uid == 0 and place != Path("/"):
                place.chmod(place.stat().st_mode | 0o011)
        shutil.chown(folder, "postgres", "postgres")

    def run(*command) -> None:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, **as_other)
        assert done.returncode == 0, done.stdout + done.stderr

    secret = folder / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    secret.chmod(0o644)
    data, port = folder / "data", _free()
    run(BIN / "initdb", "-D", data, "-U", USER, f"--pwfile={secret}", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync")
    told = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories={folder}"
    try:
        run(BIN / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", told, "start")
        yield port
    finally:
        run(BIN / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def url(port: int, password: str = PASSWORD, base: str = "postgres") -> str:
    return f"postgresql+pg8000://{USER}:{quote(password, safe='')}@127.0.0.1:{port}/{base}"


def _free() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return tried.getsockname()[1]
