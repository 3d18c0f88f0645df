"""The demo client that is mapped by workbook alone: the same bytes each time, read without a line of TOML."""

import sys
from pathlib import Path

from sqlib import client, tables

DEMO = Path(__file__).parents[1] / "data" / "demo"
sys.path.insert(0, str(DEMO))
import clinic  # noqa: E402 - a script beside the package


def made(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in clinic.build(folder).rglob("*.*")
        if path.is_file()
    }


def test_the_committed_files_are_made_again_byte_for_byte(tmp_path):
    again = made(tmp_path / "clinic")
    assert len(again) == 4
    assert again == {name: (DEMO / "clinic" / name).read_bytes() for name in again}
    assert sum(map(len, again.values())) < 200_000


def test_every_answer_and_complaint_is_read_through_the_workbook(tmp_path):
    who = client.load(clinic.build(tmp_path / "clinic"))
    assert "tables" not in (who.folder / client.FILE).read_text(encoding="utf-8")
    assert (who.period.default, who.languages) == ("2026Q3", ["zh"])
    rows = {name: len(tables.load(who, name, as_of=who.data_until).frame) for name in who.tables}
    assert rows == {"feedback": 150, "feedback_items": 600, "cases": 18}
