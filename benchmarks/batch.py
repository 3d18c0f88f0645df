"""How fast report jobs run: ``sqlib run`` against today's shell loop and against the plain-Python floor.

Every arm is a process of its own, cold: start-up and the zygote of warm kernels are made anew. Rounds interleave the
arms. A run is discarded where everything else on the machine kept more than 0.15 core busy, and made again.

cold     seconds a report of the whole command, start-up included
steady   seconds a report from the end of each process's first report to the end of the last
CPU      seconds a report of the whole process tree, the zygote and start-up included

The shell loop has no start-up to leave out; of it a few reports are timed. The tables of the real page's clients lie in
the cache, for every arm. Exit status 1 where a bound is missed, outputs differ or an arm cannot be measured.

Examples:
  python benchmarks/batch.py                           both workloads, three quiet runs of each arm (about an hour)
  python benchmarks/batch.py --quick                   a short look on a busy machine; nothing is discarded
  python benchmarks/batch.py --workload heavy --arms shell floor-2 product
  python benchmarks/batch.py --lab --plan              only these: kernels of JupyterLab, a hundred unchanged jobs
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from batch_runs import arms, lab, outputs, own_load, plan
from batch_runs.workloads import WORKLOADS, Workload

REPORTS, SHELL_REPORTS, ROUNDS, ATTEMPTS = 12, 3, 3, 3
QUIET = 0.15  # cores of everything else, at most
FLOOR, HABIT = "floor-2", "shell"
MOST = {("product", FLOOR): 1.2}  # steady, on every workload
LEAST = {"product": 6.0, "stock": 5.5}  # times faster than the shell loop, heavy, cold and steady
FIRST_PLOT, UNCHANGED, JOBS = 0.3, 2.0, 100  # seconds, seconds, jobs
SLOW_IMPORT = "rfc3987_syntax"  # compiles a grammar wherever nbformat is imported: twice a report in the shell loop


def slow_import() -> float:
    """Seconds that the slow import takes alone, median of five; 0 where it is not installed."""
    if find_spec(SLOW_IMPORT) is None:
        return 0.0
    return statistics.median(_started(f"import {SLOW_IMPORT}") - _started("pass") for _ in range(5))


def _started(code: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun


def measure(workload: Workload, chosen: list[str], rounds: int, quiet: float, folder: Path) -> list[arms.Run]:
    """The runs of every arm, round by round; what was too noisy is told, left out and tried again."""
    return [run for _ in range(rounds) for name in chosen if (run := _quiet(workload, name, quiet, folder / name))]


def _quiet(workload: Workload, name: str, quiet: float, out: Path) -> arms.Run | None:
    """The first run of an arm on a quiet machine; None where there was none or the arm failed, which is told."""
    reports = workload.reports[: SHELL_REPORTS if name == HABIT else None]
    try:
        runs = (arms.run(arms.ARMS[name], workload, reports, out) for _ in range(ATTEMPTS))
        return next((run for run in runs if _kept(run, quiet)), None)
    except RuntimeError as error:
        print(error)
        return None


def _kept(run: arms.Run, quiet: float) -> bool:
    verdict = "" if run.other <= quiet else "   discarded"
    print(f"{run.workload:6s}{run.arm:9s}{run.reports:3d} reports   cold {run.cold:6.2f}   steady {run.steady:6.2f}   "
          f"CPU {run.cpu:6.2f}   other load {run.other:.2f}{verdict}", flush=True)  # fmt: skip
    return not verdict


def medians(runs: list[arms.Run], figure: str) -> dict[str, float]:
    """Arm -> median of one figure of its runs."""
    values = defaultdict(list)
    for run in runs:
        values[run.arm].append(getattr(run, figure))
    return {arm: statistics.median(each) for arm, each in values.items()}


def ratios(runs: list[arms.Run], figure: str, to: str) -> dict[str, float]:
    """Arm -> how many times the seconds of another arm its own are; empty where the other was not measured."""
    middle = medians(runs, figure)
    return {arm: value / middle[to] for arm, value in middle.items()} if to in middle else {}


def missed(runs: list[arms.Run], chosen: list[str], slow: float) -> list[str]:
    """Bounds that one workload did not keep; an arm that was chosen and has no run keeps none."""
    name = runs[0].workload if runs else "workload"
    found = [f"{name}: {arm} was not measured" for arm in chosen if arm not in medians(runs, "steady")]
    for (arm, to), most in MOST.items():
        ratio = ratios(runs, "steady", to).get(arm, 0)
        if ratio > most:
            found.append(f"{name}: {arm} takes {ratio:.2f} times the floor (at most {most})")
    for figure in ("cold", "steady") if name == "heavy" and slow else ():
        for arm, least in LEAST.items():
            ratio = ratios(runs, figure, HABIT).get(arm)
            if ratio and 1 / ratio < least:
                found.append(
                    f"{name}: {arm} is {1 / ratio:.1f} times as fast as the shell loop, {figure} (at least {least})"
                )
    return found


def table(runs: list[arms.Run], slow: float) -> str:
    """Each arm: seconds a report, how much faster than the shell loop, multiple of the floor, CPU seconds."""
    lines = [f"\n{runs[0].workload}, s a report{'':11s}cold{'':8s}steady (min-max)   n   habit/arm cold, steady"
             "   without slow import   arm/floor   CPU s"]  # fmt: skip
    cold, steady, cpu = (medians(runs, figure) for figure in ("cold", "steady", "cpu"))
    floor = ratios(runs, "steady", FLOOR)
    for arm in cold:
        spread = [run.steady for run in runs if run.arm == arm]
        habit = [f"{times:.1f}" for times in _faster(cold, steady, arm, 0) + _faster(cold, steady, arm, 2 * slow)]
        lines.append(
            f"{arm:26s}{cold[arm]:8.2f}{steady[arm]:10.2f} ({min(spread):.2f}-{max(spread):.2f}){len(spread):4d}   "
            f"{'  '.join(habit):34s}{floor.get(arm, float('nan')):8.2f}{cpu[arm]:10.2f}"
        )
    return "\n".join(lines)


def _faster(cold: dict[str, float], steady: dict[str, float], arm: str, less: float) -> list[float]:
    """How many times as fast as the shell loop an arm is, cold and steady, were the loop faster by ``less`` seconds.

    Only the loop pays the slow import in every report; of itself it is taken off too.
    """
    if HABIT not in cold:
        return []
    off = less if arm == HABIT else 0
    return [(each[HABIT] - less) / (each[arm] - off) for each in (cold, steady)]


def batches(chosen: argparse.Namespace, slow: float, folder: Path) -> list[str]:
    """Every workload measured, compared and printed; what was missed."""
    failed = []
    for name in chosen.workload:
        workload = WORKLOADS[name](chosen.reports, folder / f"{name}-data")
        places = {arm: folder / name / arm for arm in chosen.arms}
        runs = measure(workload, chosen.arms, chosen.rounds, chosen.quiet, folder / name)
        differing = [each for report in workload.reports[:SHELL_REPORTS] for each in outputs.compare(report, places)]
        print(table(runs, slow) if runs else f"{name}: no quiet run")
        print("outputs differ: " + "; ".join(differing) if differing else "same outputs in every arm, HTML included")
        failed += missed(runs, chosen.arms, slow) + differing
    return failed


def kernels(folder: Path, rounds: int) -> list[str]:
    """New kernels of a Jupyter server, printed; what was missed."""
    found = lab.compare(folder, rounds)
    for name, seconds in found.items():
        print(f"new {name} kernel to first plot {statistics.median(seconds):5.2f} s "
              f"({min(seconds):.2f}-{max(seconds):.2f}, n {len(seconds)})")  # fmt: skip
    late = statistics.median(found["warm"])
    return [f"warm kernel to first plot {late:.2f} s (at most {FIRST_PLOT})"] if late > FIRST_PLOT else []


def unchanged(folder: Path, jobs: int) -> list[str]:
    """Unchanged jobs planned and skipped, printed; what was missed."""
    seconds, again = plan.unchanged(folder, jobs)
    print(f"{jobs} unchanged jobs planned and skipped in {seconds:.2f} s, {again} made again")
    late = [f"{jobs} unchanged jobs took {seconds:.2f} s (at most {UNCHANGED})"] if seconds > UNCHANGED else []
    return late + ([f"{again} unchanged jobs were made again"] if again else [])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--arms", nargs="+", choices=arms.ARMS, default=list(arms.ARMS))
    parser.add_argument("--reports", type=int, default=REPORTS, help="reports a run; the shell loop makes at most 3")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="quiet runs of each arm")
    parser.add_argument("--quick", action="store_true", help="four reports, one round, noise allowed")
    parser.add_argument("--lab", action="store_true", help="time new kernels of a Jupyter server instead")
    parser.add_argument("--plan", action="store_true", help=f"time {JOBS} unchanged jobs instead")
    chosen = parser.parse_args()
    chosen.quiet = float("inf") if chosen.quick else QUIET
    if chosen.quick:
        chosen.reports, chosen.rounds = 4, 1
    return chosen


def main() -> int:
    chosen, failed = arguments(), []
    own_load.adopt_orphans()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        try:
            if chosen.lab:
                failed += kernels(folder / "lab", chosen.rounds + 2)
            if chosen.plan:
                failed += unchanged(folder / "plan", JOBS)
            if not (chosen.lab or chosen.plan):
                slow, engines = slow_import(), sorted(entry.name for entry in entry_points(group="papermill.engine"))
                print(f"{SLOW_IMPORT} takes {slow:.2f} s alone, twice a report in the shell loop; "
                      f"engines papermill loads at start: {', '.join(engines) or 'none'}")  # fmt: skip
                failed += batches(chosen, slow, folder)
        finally:
            own_load.end_orphans()
    print("missed: " + "; ".join(failed) if failed else "every bound kept")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
