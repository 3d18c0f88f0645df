"""A scheduler and workers on this machine, each a process of its own as on a machine of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 60  # seconds for a process to say what is waited for


class Machines:
    """A context manager: the scheduler runs inside it, and every worker started with ``worker``.

    environment : variables of all of them
    """

    def __init__(self, folder: Path, **environment: str):
        self.folder, self.started, self.environment = Path(folder), [], environment
        self.address = f"tcp://127.0.0.1:{_free()}"

    def __enter__(self):
        host, port = self.address.removeprefix("tcp://").split(":")
        self._start("scheduler", "--host", host, "--port", port, "--no-dashboard", says="Scheduler at:")
        return self

    def __exit__(self, *_):
        for process in self.started:
            end(process)

    def worker(self, *options: str, cwd: Path | None = None, **environment: str) -> subprocess.Popen:
        """One process for reports, with the nanny that starts it again; ``end`` takes both away."""
        told = ("--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--local-directory", str(self.folder / "dask"))
        return self._start("worker", self.address, *told, *options, says="Registered to", cwd=cwd, **environment)

    def _start(self, kind: str, *options: str, says: str, cwd: Path | None = None, **environment: str):
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / f"{len(self.started)}-{kind}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *options], cwd=cwd, stdout=stream, stderr=stream,
                env=os.environ | self.environment | environment, start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        until = time.monotonic() + PATIENCE
        while says not in log.read_text(encoding="utf-8", errors="replace"):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{kind} did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
            time.sleep(0.05)
        return process


def end(process: subprocess.Popen) -> None:
    """The process with everything it started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return tried.getsockname()[1]
