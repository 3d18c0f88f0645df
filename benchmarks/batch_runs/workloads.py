"""What is run: the reference page on invented clients, and the project's own page on copies of a demo client."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ROOT / "benchmarks" / "heavy.ipynb"
STEM, DEMO, PERIOD, LANGUAGES = "feedback_analysis", "jiahe", "2026Q3", ("zh", "en")
ROWS = 20_000
MADE = ("problems.xlsx", "needs.xlsx", "quotes.xlsx", "corrections.toml", "commentary")


@dataclass(frozen=True)
class Report:
    """One executed page and its HTML. ``found`` is where ``sqlib run`` puts it, below its reports folder."""

    name: str
    notebook: str
    parameters: dict
    language: str
    found: str

    def record(self) -> dict:
        """For the processes inside an arm."""
        return asdict(self)


@dataclass(frozen=True)
class Workload:
    """Reports, and the arguments with which ``sqlib run`` makes the first so many of them."""

    name: str
    reports: list[Report]
    product: Callable[[list[Report], Path], list[str]]


def answers(seed: int) -> pd.DataFrame:
    """The answers of one invented client, as ``heavy.ipynb`` reads them."""
    rng = np.random.default_rng(seed)
    pick = {name: rng.integers(0, size, ROWS) for name, size in
            {"team": 12, "region": 8, "product": 6, "channel": 4, "segment": 3}.items()}  # fmt: skip
    waiting, handling = rng.gamma(4, 4, ROWS), rng.gamma(5, 5, ROWS)
    effort = rng.normal(3, 1, ROWS).clip(1, 5)
    felt = 4.6 - 0.03 * waiting - 0.01 * handling - 0.15 * effort + 0.05 * pick["team"] + rng.normal(0, 0.9, ROWS)
    minutes = np.sort(rng.integers(0, 365 * 24 * 60, ROWS))
    named = {name: [f"{name} {number + 1:02d}" for number in numbers] for name, numbers in pick.items()}
    return pd.DataFrame(
        {"answered_at": pd.Timestamp("2025-01-01") + pd.to_timedelta(minutes, unit="min")}
        | named
        | {"waiting": waiting.round(1), "handling": handling.round(1), "tenure": rng.integers(0, 20, ROWS)}
        | {"effort": effort.round(2), "contacts": rng.poisson(np.exp(0.02 * waiting - 0.3))}
        | {"score": felt.round().clip(1, 5).astype(int)}
    )


def heavy(count: int, folder: Path) -> Workload:
    """The reference page, a client a report; its files are written into the folder."""
    folder.mkdir(parents=True)
    return Workload("heavy", [_heavy(number, folder) for number in range(1, count + 1)], jobs_file)


def _heavy(number: int, folder: Path) -> Report:
    name = f"client-{number:02d}"
    answers(number).to_csv(folder / f"{name}.csv", index=False)
    return Report(name, str(HEAVY), {"client": name, "answers_csv": str(folder / f"{name}.csv")}, "en", f"{name}.html")


def jobs_file(reports: list[Report], folder: Path) -> list[str]:
    """A jobs file of exactly these reports. JSON is YAML."""
    import json

    jobs = [{"notebook": r.notebook, "parameters": r.parameters, "output": f"{r.name}.ipynb"} for r in reports]
    (folder / "jobs.yaml").write_text(json.dumps(jobs), encoding="utf-8")
    return ["--jobs-file", str(folder / "jobs.yaml")]


def real(count: int, folder: Path) -> Workload:
    """The project's page in both languages, on copies of a demo client.

    Each was reported on once before: its tables are kept (warm cache), its forms lie there, for every arm.
    """
    clients = copies(-(-count // len(LANGUAGES)), folder)
    command = [sys.executable, "-m", "sqlib", "run", *map(str, clients), "--period", PERIOD, "--language", "en"]
    subprocess.run([*command, "--out", str(folder / "before")], cwd=ROOT, check=True, capture_output=True)
    reports = [_real(client, language) for client in clients for language in LANGUAGES]
    return Workload("real", reports[:count], client_folders)


def copies(count: int, folder: Path) -> list[Path]:
    """Copies of the demo client, each under an id of its own; nothing that was made for the original goes along."""
    places = [folder / f"{DEMO}-{number:03d}" for number in range(1, count + 1)]
    for place in places:
        shutil.copytree(ROOT / "data" / "demo" / DEMO, place, ignore=shutil.ignore_patterns(".*", *MADE))
    return places


def _real(client: Path, language: str) -> Report:
    parameters = {"client_dir": str(client), "period": PERIOD, "language": language}
    found = f"{client.name}/{PERIOD}/management/{STEM}.{language}.html"
    return Report(f"{client.name}.{language}", str(ROOT / "notebooks" / f"{STEM}.ipynb"), parameters, language, found)


def client_folders(reports: list[Report], folder: Path) -> list[str]:
    """The clients of these reports, in both languages."""
    clients = dict.fromkeys(report.parameters["client_dir"] for report in reports)
    return [*clients, "--period", PERIOD, "--language", ",".join(LANGUAGES)]


WORKLOADS = {"heavy": heavy, "real": real}
