"""Reports by a cluster on one machine: what more workers are worth, and what a worker that is killed costs.

Speed: the feedback page on copies of the demo client, one job a client, by one worker and by three (a scheduler and
workers of their own, every client read before); reports a minute of the whole command, start of the run included, and
their ratio. Three processes on two cores cannot be three times as fast as one.

Kill: every page of the demo clients in both languages and all formats by two workers, one of which is killed with its
nanny as soon as two reports were begun. Exit status 1 where a report is missing or any file differs from a local run
apart from times.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from batch_runs.machines import Machines, end  # noqa: E402
from batch_runs.workloads import PERIOD, STEM, copies  # noqa: E402

from tests import equal_reports  # noqa: E402

WORKERS = (1, 3)
BEGUN = 2  # reports on their way when a worker is killed


def command(folders: list[Path], out: Path, *options: str) -> list[str]:
    """``sqlib run`` of these clients, telling machines."""
    run = [sys.executable, "-m", "sqlib", "run", *map(str, folders), "--out", str(out), "--log-json", "--force"]
    return [*run, *options]


def speed(folder: Path, jobs: int, workers: int) -> float:
    """Seconds for all jobs by so many workers."""
    clients = sorted(path for path in (folder / "clients").iterdir())[:jobs]
    with Machines(folder / f"machines-{workers}") as machines:
        for _ in range(workers):
            machines.worker(cwd=ROOT)
        options = ("--only", STEM, "--period", PERIOD, "--language", "en", "--scheduler", machines.address)
        started = time.perf_counter()
        subprocess.run(command(clients, folder / f"by-{workers}", *options), cwd=ROOT, check=True, capture_output=True)
        return time.perf_counter() - started


def compare_speed(folder: Path, jobs: int, rounds: int) -> None:
    """Interleaved rounds; the best of each arm."""
    (folder / "clients").mkdir()
    clients = copies(jobs, folder / "clients")
    read = command(clients, folder / "before", "--only", STEM, "--period", PERIOD, "--language", "en")
    subprocess.run(read, cwd=ROOT, check=True, capture_output=True)
    took = {workers: [] for workers in WORKERS}
    for _ in range(rounds):
        for workers in WORKERS:
            took[workers].append(speed(folder, jobs, workers))
            print(f"{jobs} jobs, {workers} worker(s): {took[workers][-1]:.1f} s", flush=True)
    best = {workers: min(seconds) for workers, seconds in took.items()}
    for workers, seconds in best.items():
        told = f"{60 * jobs / seconds:.1f} reports/min, {best[WORKERS[0]] / seconds:.2f} times one worker"
        print(f"{workers} worker(s): {seconds:.1f} s, {told}")


def kill(folder: Path) -> int:
    """Two workers, one killed in the middle; 0 where everything came out as on one machine."""
    clients = [ROOT / "data" / "demo" / name for name in ("jiahe", "northbridge")]
    options = ("--language", "zh,en", "--to", "html,pdf,docx,xlsx,pptx")
    with Machines(folder / "machines") as machines:
        first, _ = machines.worker(cwd=ROOT), machines.worker(cwd=ROOT)
        asked = command(clients, folder / "there", *options, "--scheduler", machines.address)
        told = watched(asked, first)
    subprocess.run(command(clients, folder / "here", *options), cwd=ROOT, check=True, capture_output=True)
    done = [line["key"] for line in told if line["event"] == "ended" and line["status"] == "done"]
    begun = [line["key"] for line in told if line["event"] == "begun"]
    again = sorted({key for key in begun if begun.count(key) > 1})
    differ = equal_reports.differences(folder / "there", folder / "here")
    files = len(equal_reports.products(folder / "here"))
    print(f"{len(done)} reports done, begun again: {', '.join(again) or 'none'}; {files} files compared, "
          f"{len(differ)} differ", *differ, sep="\n  ")  # fmt: skip
    return int(bool(differ) or not again or len(done) != len(set(begun)))


def watched(asked: list[str], machine: subprocess.Popen) -> list[dict]:
    """What the run tells; the machine is taken away in the middle."""
    run, told = subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.PIPE, text=True), []
    for line in run.stdout:
        told.append(json.loads(line))
        if sum(each["event"] == "begun" for each in told) == BEGUN and machine.poll() is None:
            time.sleep(2)  # it is in the middle of a page
            end(machine)
    if run.wait():
        print(*(each for each in told if each["event"] in ("noted", "ended")), sep="\n")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--part", choices=("speed", "kill"), nargs="+", default=["speed", "kill"])
    given = parser.parse_args()
    status = 0
    with tempfile.TemporaryDirectory() as place:
        if "kill" in given.part:
            status = kill(Path(place))
        if "speed" in given.part:
            compare_speed(Path(place), given.jobs, given.rounds)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
