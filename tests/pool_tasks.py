"""Tasks for the tests of what runs tasks: at home and on other machines."""

import os
import signal
from pathlib import Path


def double(number: int) -> int:
    return 2 * number


def fail(text: str):
    raise ValueError(text)


def die(mark: str) -> str:
    """Killed the first time, answers the second."""
    if Path(mark).exists():
        return "alive"
    Path(mark).touch()
    os.kill(os.getpid(), signal.SIGKILL)


def always_die():
    os.kill(os.getpid(), signal.SIGKILL)
