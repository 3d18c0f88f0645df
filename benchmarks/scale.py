"""How the work grows with the rows: check, report and second reading of one CSV, a fifth of its rows with a comment.

Each stage is a process of its own; printed are its seconds and the memory of its largest process, the ratio of
everything to ``pandas.read_csv(dtype=str)`` of the same file, and the slope of growth (log-log). Exit status 1 where a
promise is missed. The ten million rows of ``--large`` are reported from the cache, which takes a quarter of an hour to
fill and 10 GB.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
ROWS = (10_000, 100_000, 1_000_000)
LARGE = 10_000_000
DAYS = 638  # January 2025 to September 2026; the report is on the last quarter
COMMENTED = 0.2
WORDS = [
    "heating", "lift", "cleaning", "invoice", "staff", "friendly", "slow", "phone", "broken", "repair", "again", "late",
    "window", "quick", "dirty", "price", "contract", "portal", "engineer", "visit",
]  # fmt: skip
CLIENT = """[client]
name = "Scale"
languages = ["en"]
data_until = 2026-09-30
[period]
default = "2026Q3"
[targets]
csat = 0.8
[[tables.feedback]]
files = ["raw/feedback.csv"]
constants = { metric = "csat", scale_min = "1", scale_max = "5" }
"""
READ_CSV = "import sys, pandas; pandas.read_csv(sys.argv[1], dtype=str)"
AGAIN = """
import sys, time
from sqlib import client, tables
who = client.load(sys.argv[1])
started = time.perf_counter()
rows = len(tables.load(who, "feedback", as_of=who.data_until).frame)
print(time.perf_counter() - started, rows)
"""
PROMISES = {  # rows -> what was measured: at most
    1_000_000: {"check + report, s": 60, "peak, MB": 3000, "second reading, s": 2},
    LARGE: {"report, s": 180, "report, MB": 6000},
}


def make(rows: int, folder: Path) -> Path:
    """A client folder with one file of that many answers."""
    rng = np.random.default_rng(1)
    (folder / "raw").mkdir(parents=True)
    (folder / "client.toml").write_text(CLIENT, encoding="utf-8")
    times = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 86_400 * DAYS, rows), unit="s")
    said = np.flatnonzero(rng.random(rows) < COMMENTED)
    comment = np.full(rows, "", dtype=object)
    comment[said] = [" ".join(words) for words in np.array(WORDS)[rng.integers(0, len(WORDS), (len(said), 12))]]
    answers = pd.DataFrame(
        {
            "feedback_id": [f"F{at}" for at in range(rows)],
            "customer_id": [f"C{at}" for at in rng.integers(0, 20_000, rows)],
            "received_at": times.strftime("%Y-%m-%d %H:%M:%S"),
            "channel": rng.choice(["phone", "online", "email"], rows),
            "segment": rng.choice(["a", "b", "c"], rows),
            "team": rng.choice([f"T{at}" for at in range(12)], rows),
            "score": rng.choice(5, rows, p=[0.05, 0.1, 0.15, 0.4, 0.3]) + 1,
            "comment": comment,
        }
    )
    answers.to_csv(folder / "raw/feedback.csv", index=False)
    return folder


def stage(*arguments: str) -> tuple[float, float, str]:
    """Seconds, MB of the largest process, and what was printed."""
    with tempfile.TemporaryFile("w+") as out:
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], stdout=out, stderr=subprocess.STDOUT,
                                   cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}:\n{out.read()}")
        return seconds, usage.ru_maxrss / 1024, out.read()


def measure(rows: int, folder: Path) -> dict[str, float]:
    """Every stage on one file."""
    make(rows, folder)
    plain, *_ = stage("-c", READ_CSV, str(folder / "raw/feedback.csv"))
    check, check_mb, _ = stage("-m", "sqlib", "check", str(folder))
    report, report_mb, _ = stage("-m", "sqlib", "run", str(folder), "--out", str(folder / "out"))
    _, again_mb, printed = stage("-c", AGAIN, str(folder))
    return {
        "rows": rows,
        "read_csv, s": plain,
        "check, s": check,
        "check, MB": check_mb,
        "report, s": report,
        "report, MB": report_mb,
        "second reading, s": float(printed.split()[0]),
        "second reading, MB": again_mb,
        "check + report, s": check + report,
        "peak, MB": max(check_mb, report_mb),
        "check : read_csv": check / plain,
        "check + report : read_csv": (check + report) / plain,
    }


def slope(found: list[dict], name: str) -> float:
    """Exponent of the growth with the rows: 1 = in proportion."""
    return float(np.polyfit(np.log([each["rows"] for each in found]), np.log([each[name] for each in found]), 1)[0])


def missed(found: list[dict]) -> list[str]:
    """Promises that were not kept."""
    return [
        f"{each['rows']:,} rows: {name} {each[name]:.1f} (at most {most})"
        for each in found
        for name, most in PROMISES.get(each["rows"], {}).items()
        if each[name] > most
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS), help="sizes to measure")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE:,} rows")
    chosen = parser.parse_args()
    found = []
    for rows in [*chosen.rows, *([LARGE] if chosen.large else [])]:
        with tempfile.TemporaryDirectory() as place:
            found.append(measure(rows, Path(place) / "scale"))
    print(pd.DataFrame(found).set_index("rows").T.to_string(float_format="{:,.2f}".format))
    if len(found) > 1:
        for name in ("read_csv, s", "check, s", "report, s", "check + report, s"):
            print(f"slope of {name:20s}{slope(found, name):5.2f}")
    failed = missed(found)
    print("missed: " + "; ".join(failed) if failed else "every promise kept")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
