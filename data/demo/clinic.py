"""The small demo client that is mapped by workbook alone: ``python data/demo/clinic.py`` makes it again, byte for byte.

Its two exports are drawn by one seed from ``clinic.toml``; ``mapping.xlsx`` is what ``sqlib new client --from`` guesses
of them, unedited.
"""

import csv
import datetime as dt
import io
import random
import shutil
import tomllib
from pathlib import Path

import pandas as pd

from sqlib import starting, workbook

HERE = Path(__file__).parent
TODAY = dt.date(2026, 10, 9)  # the day the exports came in


def build(folder: Path) -> Path:
    """Make the client's folder anew: raw/, client.toml, mapping.xlsx."""
    world = tomllib.loads((HERE / "clinic.toml").read_text(encoding="utf-8"))
    chance = random.Random(world["seed"])
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "raw").mkdir(parents=True)
    answers = pd.DataFrame(_answers(world, chance), columns=world["headers"])
    workbook.write({"Sheet1": answers}, folder / "raw" / world["file"], "zh")
    text = io.StringIO(newline="")
    csv.writer(text).writerows(_complaints(world, chance))
    (folder / "raw" / world["complaints"]["file"]).write_bytes(text.getvalue().encode("gb18030"))
    return starting.start(folder, [str(folder / "raw")], TODAY).folder


def _answers(world: dict, chance: random.Random) -> list[list]:
    rows = []
    for number in range(1, world["answers"] + 1):
        when = _moment(world, chance)
        levels = [chance.choices(range(5), weights)[0] for weights in world["chances"].values()]
        overall = round(sum(levels) / len(levels))
        recommend = min(max(2 * overall + chance.choice((0, 1, 1, 2)), 0), 10)
        worded = [world["levels"][level] for level in (*levels, overall)]
        comment = chance.choice(world["comments"])
        rows.append([f"W{number:03d}", when, chance.choice(world["departments"]), *worded, recommend, comment])
    return rows


def _complaints(world: dict, chance: random.Random) -> list[list]:
    declared, rows = world["complaints"], []
    for number in range(1, declared["rows"] + 1):
        opened, state = _moment(world, chance), chance.choice(declared["states"])
        closed = f"{dt.datetime.fromisoformat(opened) + dt.timedelta(days=chance.randint(1, 9)):%Y-%m-%d %H:%M}"
        kind = chance.randrange(len(declared["types"]))
        done = closed if state == declared["states"][0] else ""
        rows.append([f"TS{number:03d}", opened, done, declared["types"][kind], state, declared["texts"][kind]])
    return [declared["headers"], *rows]


def _moment(world: dict, chance: random.Random) -> str:
    day = world["first"] + dt.timedelta(days=chance.randint(0, world["days"] - 1))
    return f"{day:%Y-%m-%d} {chance.randint(8, 17):02d}:{chance.randint(0, 59):02d}"


if __name__ == "__main__":
    build(HERE / "clinic")
