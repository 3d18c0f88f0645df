"""How a run stands by what it has told so far, line by line (``sqlib run --log-json``)."""

from dataclasses import dataclass, field
from pathlib import Path

from sqlib import shelf
from sqlib.errors import SqlibError
from sqlib.freshness import RUNS


@dataclass
class Heard:
    """What was heard: ``planned`` and ``ended`` by key of the job, in the order told."""

    planned: dict[str, dict] = field(default_factory=dict)
    ended: dict[str, dict] = field(default_factory=dict)
    making: dict[str, dict] = field(default_factory=dict)
    notes: list[dict] = field(default_factory=list)
    summary: dict = field(default_factory=dict)
    stopped: dict = field(default_factory=dict)

    def hear(self, event: dict) -> None:
        """One event; what is not known is passed over."""
        key = event.get("key", "")
        match event["event"]:
            case "planned":
                self.planned[key] = event
            case "begun":
                self.making[key] = event
            case "ended":
                self.making.pop(key, None)
                self.ended[key] = event
            case "noted":
                self.notes.append(event)
            case "summary" | "stopped" as last:
                setattr(self, last, event)

    @property
    def total(self) -> int:
        """Reports to be made."""
        return sum(event["state"] == RUNS for event in self.planned.values())

    @property
    def made(self) -> int:
        """Reports made or given up."""
        return sum(self.planned.get(key, {}).get("state") == RUNS for key in self.ended)

    def count(self, *status: str) -> int:
        return sum(event["status"] in status for event in self.ended.values())

    @property
    def faults(self) -> list[dict]:
        """Everything that has a reason to be told: jobs that failed or were left out, remarks, notes."""
        told = [event for event in self.ended.values() if event["reason"]]
        remarks = [
            event | {"reason": reason, "status": "noted"}
            for event in self.ended.values()
            for reason in event["remarks"]
        ]
        return [*told, *remarks, *self.notes]

    @property
    def standing(self) -> list[str]:
        """Keys of the jobs whose reports stand."""
        return [key for key, event in self.ended.items() if event["status"] in ("done", "current")]


def stem(key: str) -> str:
    """The page in the key of a job."""
    return key.rpartition("/")[2]


def files(out: Path, key: str, languages: tuple[str, ...]) -> list[tuple[str, str, Path]]:
    """The files of one report: (language, kind, path); language is empty for what all of them share."""
    client_id, period, own = key.split("/", 2)
    folder = out / client_id / period
    try:
        job = next(job for job in shelf.run(folder).jobs if f"{job.place}/{job.stem}" == own)
    except (StopIteration, SqlibError):
        return []  # the record has gone since; the index tells of it
    found = [(code, kind, name) for code in languages for kind, name in shelf.files(folder, job, code).items()]
    found += [("", kind, name) for kind, name in shelf.shared(folder, job).items()]
    return [(code, kind, path) for code, kind, name in found if (path := shelf.lies(folder, name)) and path.is_file()]
