"""The arms of the comparison, each a command of its own, and what one run of an arm tells.

shell     today's habit: a shell loop of the ``papermill`` and ``jupyter nbconvert`` commands, one report after another
single    one process: ``papermill.execute_notebook`` with a plain kernel, HTML by ``sqlib.render``
stock     the same in two processes, with nothing set but the warm kernel
product   ``sqlib run`` with two jobs
floor, floor-2   the code cells alone in one and in two warm plain Python processes, HTML by ``sqlib.render``
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from batch_runs import own_load
from batch_runs.workloads import ROOT, Report, Workload

WORKER = Path(__file__).with_name("worker.py")
THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
WARM = {"JUPYTER_DEFAULT_PROVISIONER_NAME": "sqlib-warm"}


@dataclass(frozen=True)
class Arm:
    """``command`` builds the arguments of the process, ``processes`` work side by side (0: each report starts anew)."""

    name: str
    processes: int
    command: Callable[[Workload, list[Report], Path], list[str]]
    environment: dict[str, str]


@dataclass(frozen=True)
class Run:
    """One run of one arm: seconds and CPU seconds a report, cores that everything else kept busy."""

    workload: str
    arm: str
    reports: int
    cold: float
    steady: float
    cpu: float
    other: float


def _shell(workload: Workload, reports: list[Report], out: Path) -> list[str]:
    """A script of two commands a report. ``--cwd``: pages find the project as they do in JupyterLab."""
    lines = ["set -e"]
    for report in reports:
        executed = str(out / f"{report.name}.ipynb")
        values = [word for name, value in report.parameters.items() for word in ("-p", name, str(value))]
        lines.append(shlex.join(["papermill", report.notebook, executed, *values, "--cwd", str(ROOT)]))
        lines.append(shlex.join(["jupyter", "nbconvert", "--to", "html", "--embed-images", executed]))
    (out / "loop.sh").write_text("\n".join(lines), encoding="utf-8")
    return ["sh", str(out / "loop.sh")]


def _worker(kind: str, processes: int) -> Callable:
    def command(workload: Workload, reports: list[Report], out: Path) -> list[str]:
        todo = out / "reports.json"
        todo.write_text(json.dumps([report.record() for report in reports]), encoding="utf-8")
        return [sys.executable, str(WORKER), kind, str(todo), str(out), str(processes)]

    return command


def _product(workload: Workload, reports: list[Report], out: Path) -> list[str]:
    chosen = workload.product(reports, out)
    return [sys.executable, "-m", "sqlib", "run", *chosen, "--jobs", "2", "--out", str(out / "reports"), "--force"]


ARMS = {
    arm.name: arm
    for arm in (
        Arm("shell", 0, _shell, {}),
        Arm("single", 1, _worker("papermill", 1), {}),
        Arm("stock", 2, _worker("papermill", 2), WARM),
        Arm("product", 2, _product, {}),
        Arm("floor", 1, _worker("floor", 1), THREADS),
        Arm("floor-2", 2, _worker("floor", 2), THREADS),
    )
}


def run(arm: Arm, workload: Workload, reports: list[Report], out: Path) -> Run:
    """One cold run: nothing of an earlier one is left, start-up is measured with the reports.

    Raises
    ------
    RuntimeError : the command failed, with the end of what it said
    """
    shutil.rmtree(out, ignore_errors=True)
    (out / "runtime").mkdir(parents=True, mode=0o700)
    command = arm.command(workload, reports, out)
    own_load.end_orphans()
    before = own_load.mark()
    done = subprocess.run(command, cwd=ROOT, env=environment(out / "runtime") | arm.environment, capture_output=True,
                          text=True)  # fmt: skip
    wall, cpu, other = own_load.mark().cost(before)
    if done.returncode:
        raise RuntimeError(f"{arm.name}: {shlex.join(command)[:200]} ended with {done.returncode}:\n"
                           f"{(done.stderr or done.stdout)[-2000:]}")  # fmt: skip
    count = len(reports)
    ended = sorted(html(arm, report, out).stat().st_mtime_ns / 1e9 for report in reports)
    return Run(workload.name, arm.name, count, wall / count, steady(ended, arm.processes) or wall / count,
               cpu / count, other)  # fmt: skip


def environment(runtime: Path) -> dict[str, str]:
    """That of an ordinary shell, with a runtime folder of our own: the warm kernels of others are not used."""
    dropped = {*WARM, *THREADS, "MPLBACKEND"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    search = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return kept | {"PATH": search, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(runtime)}


def steady(ended: list[float], processes: int) -> float | None:
    """Seconds a report without start-up: from the end of each process's first report to the end of the last.

    None where every report starts anew, so that there is nothing to leave out, or none is left to be timed.
    """
    if not 0 < processes < len(ended):
        return None
    return (ended[-1] - ended[processes - 1]) / (len(ended) - processes)


def html(arm: Arm, report: Report, out: Path) -> Path:
    """Where an arm leaves the HTML of a report; its executed notebook lies beside."""
    return out / "reports" / report.found if arm.name == "product" else out / f"{report.name}.html"
