"""A second run of a hundred unchanged jobs: everything is planned, nothing is made."""

import subprocess
import sys
import time
from pathlib import Path

from batch_runs.arms import environment
from batch_runs.workloads import PERIOD, ROOT, STEM, copies


def unchanged(folder: Path, clients: int) -> tuple[float, int]:
    """Seconds of the whole second command, and how many reports it made although nothing had changed.

    Raises
    ------
    RuntimeError : the first run did not make every report
    """
    out, runtime = folder / "reports", folder / "runtime"
    runtime.mkdir(parents=True, mode=0o700)
    folders = [str(place) for place in copies(clients, folder)]
    command = [sys.executable, "-m", "sqlib", "run", *folders, "--period", PERIOD, "--language", "en",
               "--jobs", "2", "--out", str(out)]  # fmt: skip
    made, first = _made(command, runtime, out), out.rglob(f"{STEM}.en.html")
    before = {path: path.stat().st_mtime_ns for path in first}
    if len(before) != clients:
        raise RuntimeError(f"{len(before)} of {clients} reports after the first run, exit status {made[1]}")
    seconds, _ = _made(command, runtime, out)
    return seconds, sum(path.stat().st_mtime_ns != then for path, then in before.items())


def _made(command: list[str], runtime: Path, out: Path) -> tuple[float, int]:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment(runtime), capture_output=True)
    return time.perf_counter() - started, done.returncode
