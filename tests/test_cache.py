"""The cache answers only when nothing changed, and never with a damaged or half-written table."""

import datetime as dt
import os

import pandas as pd
import pytest
from client_folder import make

from sqlib import cache, client, intake, pseudonyms, tables

BLOCK = '[[tables.feedback]]\nfiles = ["raw/*.csv"]\nconstants = { scale_min = 1, scale_max = 5 }\n'
DATA = "feedback_id,score,received_at,comment\n007,5,2026-07-01,fine\nNA,9,2026/7/2,bad\n1e5,4,,\n"


@pytest.fixture
def who(tmp_path):
    return make(tmp_path / "x", BLOCK, a__csv=DATA)


@pytest.fixture
def reads(monkeypatch):
    """How often the files were read."""
    calls, read = [], intake.read
    monkeypatch.setattr(intake, "read", lambda *given: calls.append(1) or read(*given))
    return calls


def entries(who):
    return sorted(path.name for path in (cache.folder(who) / "feedback").iterdir())


def test_the_second_time_nothing_is_read_and_everything_is_equal(who, reads):
    first, second = tables.load(who, "feedback"), tables.load(who, "feedback")
    assert len(reads) == 1
    for part in ("frame", "quarantine", "problems", "repairs", "counts", "unknown"):
        pd.testing.assert_frame_equal(getattr(first, part), getattr(second, part))
    assert second.frame["feedback_id"].tolist() == ["007", "1e5"] and second.frame["satisfied"].dtype == "boolean"


def test_a_change_of_anything_it_depends_on_is_noticed(who, reads, monkeypatch):
    tables.load(who, "feedback")
    keys = {cache.key(who, "feedback", None), cache.key(who, "feedback", dt.date(2026, 9, 30))}
    (who.folder / "raw" / "a.csv").write_text(DATA + "B,3,,\n")
    keys.add(cache.key(who, "feedback", None))
    assert len(tables.load(who, "feedback").frame) == 3 and len(reads) == 2
    for change in ("scale_max = 10", 'scale_max = 5, metric = "nps"'):
        toml = (who.folder / "client.toml").read_text().replace("scale_max = 5", change)
        (who.folder / "other").mkdir(exist_ok=True)
        keys.add(cache.key(make(who.folder.parent / "y", toml.split("\n", 4)[4], a__csv=DATA), "feedback", None))
    keys.add(cache.key(who.model_copy(update={"timezone": "UTC"}), "feedback", None))
    keys.add(cache.key(who.model_copy(update={"scales": {"csat": client.Scale(top=[4])}}), "feedback", None))
    monkeypatch.setattr(pseudonyms, "key", lambda who: b"another")
    keys.add(cache.key(who, "feedback", None))
    monkeypatch.setattr(cache, "_source", lambda: "changed")
    keys.add(cache.key(who, "feedback", None))
    assert len(keys) == 9


def test_one_generation_a_table_is_kept(who):
    tables.load(who, "feedback")
    tables.load(who, "feedback", as_of=dt.date(2026, 9, 30))
    assert entries(who) == [cache.key(who, "feedback", dt.date(2026, 9, 30))]
    assert cache.key(who, "feedback", pd.Timestamp(2026, 9, 30)) == cache.key(who, "feedback", "2026-09-30")


@pytest.mark.parametrize("damage", ["cut", "gone", "empty"])
def test_a_damaged_entry_is_rebuilt(who, reads, damage):
    whole = tables.load(who, "feedback").frame
    file = cache.folder(who) / "feedback" / cache.key(who, "feedback", None) / "frame.parquet"
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: 100 if damage == "cut" else 0])
    again = tables.load(who, "feedback")
    assert len(reads) == 2
    pd.testing.assert_frame_equal(whole, again.frame)
    tables.load(who, "feedback")
    assert len(reads) == 2


def test_a_full_disk_costs_only_the_speed(who, reads, monkeypatch):
    def full(*given, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    assert len(tables.load(who, "feedback").frame) == len(tables.load(who, "feedback").frame) == 2
    assert len(reads) == 2 and entries(who) == []


def test_a_client_folder_that_cannot_be_written_uses_the_users_cache(who, reads, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda *given: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "home" / name))
    tables.load(who, "feedback")
    assert not (who.folder / ".sqlib-cache").exists()
    tables.load(who, "feedback")
    assert len(reads) == 1 and cache.folder(who).is_relative_to(tmp_path / "home")


def test_two_clients_with_the_same_files_do_not_share(who, tmp_path):
    other = make(tmp_path / "z", BLOCK, a__csv=DATA)
    assert cache.folder(who) != cache.folder(other)
