"""What the code runs on: Python, the lock of the project, everything installed."""

import functools
import hashlib
import sys
from pathlib import Path

from sqlib import project


@functools.cache
def environment() -> dict[str, str]:
    """Python, SHA-256 of the lock of the project, and of the names and versions of everything installed."""
    lock = project.root() / "requirements.lock"
    places = {Path(path) for path in sys.path if Path(path).is_dir()}
    installed = sorted(found.name for place in places for found in place.glob("*.dist-info"))
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
        "installed": hashlib.sha256("\n".join(installed).encode()).hexdigest(),
    }
