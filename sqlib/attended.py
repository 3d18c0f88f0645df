"""A command of this package run on behalf of a page: heard line by line, ended when the page stops it or goes.

The command listens to its input: when that closes, by ``stop`` or because the process of the page is no more, it ends
as after Ctrl-C. So a stop is the same on every system, and no run outlives its page.
"""

import _thread
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence

from sqlib import project


class Attended:
    """A command that runs: ``heard`` gets every JSON object it tells, ``ended`` its exit status and all else it said.

    Both are called from a thread of this object.
    """

    def __init__(self, arguments: Sequence[str], language: str, heard: Callable[[dict], None],
                 ended: Callable[[int, str], None]):  # fmt: skip
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 closed by the thread that reads it
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sqlib.attended", *arguments], cwd=project.root(), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True,
            env=os.environ | {"SQLIB_LANGUAGE": language, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(heard, ended), daemon=True).start()

    def stop(self) -> None:
        """Ask it to end as after Ctrl-C; what is whole stays."""
        self.process.stdin.close()

    def _listen(self, heard: Callable[[dict], None], ended: Callable[[int, str], None]) -> None:
        said = []
        with self.process.stdout as lines, self.errors:
            for line in lines:
                if line.startswith(b"{"):
                    heard(json.loads(line))
                else:
                    said.append(line)
            status = self.process.wait()
            self.errors.seek(0)
            text = b"".join([*said, self.errors.read()])
        ended(status, text.decode("utf-8", errors="replace").strip())


def main() -> None:
    """The command itself: ``python -m sqlib.attended …`` is ``python -m sqlib …`` that ends with its input."""
    from sqlib import cli

    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may have been started deaf to Ctrl-C
    threading.Thread(target=_end_with_input, daemon=True).start()
    cli.main()


def _end_with_input() -> None:
    while os.read(0, 1):  # not sys.stdin: its lock would be held wherever the run forks
        pass
    _thread.interrupt_main()


if __name__ == "__main__":
    main()
