"""One run at a time in a reports folder: a lock of the system, which a killed run leaves open, and who holds it."""

import contextlib
import json
import os
import platform
import time
from pathlib import Path

from sqlib.errors import ArgumentError, SqlibError

LOCK, HOLDER = ".sqlib.lock", ".sqlib.holder.json"
PATIENCE = 10  # seconds a second run waits


@contextlib.contextmanager
def held(out: Path, patience: float = PATIENCE):
    """Hold the folder while something is written into it.

    Raises
    ------
    SqlibError : ``batch.held`` naming process, machine and since when; ArgumentError : ``batch.unwritable``
    """
    import filelock

    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(out / LOCK)
        lock.acquire(timeout=patience)
    except filelock.Timeout:
        raise SqlibError("batch.held", where=out, got=_holder(out)) from None
    except OSError as error:
        raise ArgumentError("batch.unwritable", where=out, got=error.strerror or error) from None
    try:
        mine = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        with contextlib.suppress(OSError):  # a name on the door; the lock itself holds without it
            (out / HOLDER).write_text(json.dumps(mine), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            (out / HOLDER).unlink()
        lock.release()


def _holder(out: Path) -> str:
    """Who holds the folder, as far as it is known."""
    try:
        known = json.loads((out / HOLDER).read_text(encoding="utf-8"))
        return f"{known['host']}, pid {known['pid']}, {known['since']}"
    except (OSError, ValueError, KeyError):
        return "–"
