"""A page reads the same whether the tables are in memory or lie in the cache."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from sqlib import account, cache, page, stored
from sqlib.accounts import feedback as feedback_account
from sqlib.reading import Absent

JIAHE = Path(__file__).parents[1] / "data/demo/jiahe"
READ = [
    ("customers", "period"), ("feedback", "period"), ("feedback", "previous"), ("feedback", "history"),
    ("answers", "period"), ("comments", "period"), ("comments", "history"), ("items", "period"),
    ("questions", "period"), ("cases", "history"), ("invitations", "period"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return shutil.copytree(JIAHE, tmp_path_factory.mktemp("demo") / "jiahe", ignore=shutil.ignore_patterns(".sqlib*"))


@pytest.fixture(scope="module")
def both(folder):
    """The demo page with its tables in memory, and out of the cache in many small groups of rows."""
    pages = {}
    for name in ("memory", "kept"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stored, "GROUP", 500)
            if name == "memory":
                patch.setattr(cache, "_read", lambda *given: None)
            pages[name] = page.open("feedback_analysis", str(folder), "2026Q3", "en")
            for table in pages[name].client.tables:
                pages[name].table_of(table)
    return pages["memory"], pages["kept"]


@pytest.mark.parametrize(("table", "window"), READ)
def test_every_frame_is_the_same(both, table, window):
    memory, kept = (each.read(table, window=window) for each in both)
    if isinstance(memory, Absent):
        assert memory == kept
    else:
        pd.testing.assert_frame_equal(memory, kept)


def test_the_account_and_the_record_are_the_same(both):
    for told in (account.numbers, account.period_line, feedback_account.line, account.reliability):
        assert told(both[0]) == told(both[1])
    for table in (account.balance, account.totals, account.troubles, account.unanswered, type(both[0]).sources):
        pd.testing.assert_frame_equal(table(both[0]), table(both[1]))
    records = [account.record(each, "feedback_analysis", "title", "management") for each in both]
    assert records[0] == records[1]


def test_a_page_does_not_read_the_whole_table(both):
    assert "frame" not in vars(both[1].table_of("feedback")) and "frame" in vars(both[0].table_of("feedback"))


def test_the_history_holds_the_comments_up_to_the_end_of_the_period(both):
    memory, kept = both
    history = kept.read("comments", window="history")
    feedback = memory.read("feedback", window="history")
    said = feedback[feedback["comment"].notna()].drop_duplicates("feedback_id")
    pd.testing.assert_frame_equal(history, said[list(history)])
    assert (
        set(kept.read("comments")["window"]) == {"previous", "current"}
        and kept.read("comments")["comment"].notna().all()
    )
