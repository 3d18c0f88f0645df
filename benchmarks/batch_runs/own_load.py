"""What a benchmark's own processes cost, and what everything else on the machine took meanwhile (Linux)."""

import ctypes
import os
import resource
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2): orphans become our children, so that none goes uncounted
BUSY = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq, steal in the first line of /proc/stat


@dataclass(frozen=True)
class Mark:
    """Seconds since start-up: of the clock, of this process and all below it, of the whole machine."""

    clock: float
    own: float
    machine: float

    def cost(self, before: "Mark") -> tuple[float, float, float]:
        """Wall seconds since ``before``, CPU seconds of our own, and cores that everything else kept busy."""
        wall, own = self.clock - before.clock, self.own - before.own
        return wall, own, max(0.0, (self.machine - before.machine - own) / wall)


def adopt_orphans() -> None:
    """From now on whatever is started below this process stays below it."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def mark() -> Mark:
    """The counters now."""
    return Mark(time.perf_counter(), _own(), _machine())


def _own() -> float:
    gone = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in gone) + sum(map(_spent, psutil.Process().children(True)))


def _spent(process: psutil.Process) -> float:
    """CPU seconds of a living or unburied process and of its buried children."""
    with suppress(psutil.NoSuchProcess):
        return sum(process.cpu_times()[:4])
    return 0.0


def _machine() -> float:
    ticks = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    return sum(int(ticks[at]) for at in BUSY) / os.sysconf("SC_CLK_TCK")


def end_orphans() -> None:
    """End what outlived the commands that started it, such as the zygote of warm kernels: the next start is cold."""
    left = psutil.Process().children(True)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(left, timeout=5)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=5)
