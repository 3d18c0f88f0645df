"""How fast things start: ``from sqlib import page`` against ``import pandas``, and ``sqlib --help``.

Fresh interpreters, the two imports in turn, medians of seven. Exit status 1 where a target is missed.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 7
MOST = {"ratio": 2.5, "help": 0.6}  # times import pandas; seconds of wall time


def seconds(*arguments: str) -> float:
    """Wall time of one fresh interpreter."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    return time.perf_counter() - started


def main() -> int:
    commands = {
        "nothing": ("-c", "pass"),
        "pandas": ("-c", "import pandas"),
        "page": ("-c", "from sqlib import page"),
        "help": ("-m", "sqlib", "--help"),
    }
    for command in commands.values():  # compiled files and the disk cache are there for all
        seconds(*command)
    runs = [{name: seconds(*command) for name, command in commands.items()} for _ in range(RUNS)]
    middle = {name: statistics.median(run[name] for run in runs) for name in commands}
    found = {"ratio": statistics.median(run["page"] / run["pandas"] for run in runs), "help": middle["help"]}
    print(f"python -c pass            {middle['nothing']:6.3f} s")
    print(f"import pandas             {middle['pandas']:6.3f} s")
    print(f"from sqlib import page    {middle['page']:6.3f} s   ratio {found['ratio']:.2f} (at most {MOST['ratio']})")
    print(f"sqlib --help              {middle['help']:6.3f} s   (at most {MOST['help']} s)")
    missed = [name for name, most in MOST.items() if found[name] > most]
    print(f"missed: {', '.join(missed)}" if missed else "both targets met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
