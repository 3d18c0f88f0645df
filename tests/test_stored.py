"""What is read from a kept table is what would be cut out of the whole frame."""

import pandas as pd
import pytest
from client_folder import make
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import stored, tables
from sqlib.errors import SqlibError

COLUMNS = ["id", "when", "text", "n", "flag", "level", "nothing"]
CELL = st.tuples(
    st.none() | st.integers(0, 9), st.none() | st.sampled_from("ab"), st.none() | st.floats(0, 5), st.booleans()
)


def frame(cells) -> pd.DataFrame:
    day, text, number, flag = (list(each) for each in zip(*cells, strict=True)) if cells else ([], [], [], [])
    return pd.DataFrame(
        {
            "id": pd.Series([f"{at:03}" for at in range(len(cells))], dtype="str"),
            "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(pd.Series(day, dtype="float64"), "D"),
            "text": pd.Series(text, dtype="str"),
            "n": pd.Series(number, dtype="float64"),
            "flag": pd.Series(flag, dtype="boolean"),
            "level": pd.Series(text, dtype="str").astype("category"),
            "nothing": pd.Series(None, index=range(len(cells)), dtype="str"),
        }
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(CELL, max_size=9),
    st.none() | st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True),
    st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.sampled_from([None, "text", "nothing"]),
)
def test_rows_are_those_of_the_whole_frame(tmp_path_factory, cells, columns, days, present):
    whole, path = frame(cells), tmp_path_factory.mktemp("kept") / "frame.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "GROUP", 4)  # several groups of rows
        stored.write(whole, path)
    kept = {"present": present}
    if days is not None:
        start, end = (pd.Timestamp("2026-01-01") + pd.Timedelta(days=day) for day in days)
        kept |= {"dated": "when", "start": start, "end": end}
    read, wanted = stored.Stored(path).rows(columns, **kept), stored.cut(whole, columns, **kept)
    pd.testing.assert_frame_equal(read, wanted, check_categorical=False, check_dtype=len(wanted) > 0)
    assert [stored.Stored(path).filled(name) for name in COLUMNS] == whole.notna().any().tolist()


@pytest.fixture
def both(tmp_path, monkeypatch):
    """A table from memory and from the cache."""
    monkeypatch.setattr(stored, "GROUP", 2)
    data = "feedback_id,score,received_at,comment\na,5,2026-07-01,fine\nb,4,,late\nc,3,2026-07-02,\nd,2,2026-07-02,\n"
    block = '[[tables.feedback]]\nfiles = ["raw/*.csv"]\nconstants = { scale_min = 1, scale_max = 5 }\n'
    who, built = make(tmp_path / "x", block, a__csv=data), []
    monkeypatch.setattr(tables, "build", lambda *given, build=tables.build: built.append(build(*given)) or built[-1])
    kept = tables.load(who, "feedback")
    return built[0], kept


def test_a_kept_table_answers_like_one_in_memory(both):
    memory, kept = both
    assert type(kept) is not type(memory) and kept.size == memory.size == 4 and kept.columns == memory.columns
    assert all(kept.filled(name) == memory.filled(name) for name in kept.columns)
    pd.testing.assert_frame_equal(kept.days, memory.days)
    asked = {"columns": ["comment", "score"], "start": pd.Timestamp("2026-07-01"), "end": pd.Timestamp("2026-07-02")}
    for cut in ({}, asked, {"present": "comment"}, asked | {"present": "comment"}):
        pd.testing.assert_frame_equal(kept.rows(**cut), memory.rows(**cut))
    assert kept.rows(present="comment").index.tolist() == [0, 1] and "frame" not in vars(kept)
    pd.testing.assert_frame_equal(kept.frame, memory.frame)
    with pytest.raises(AttributeError):
        _ = kept.nothing


def test_the_days_of_a_file_add_up_to_its_rows(both):
    assert both[1].days["rows"].tolist() == [1, 2, 1] and both[1].days["day"].isna().tolist() == [False, False, True]


def test_a_table_taken_away_can_still_be_read(both):
    file = both[1].parts["frame"]
    file._path.unlink()
    assert len(file.rows(["score"])) == 4


def test_a_file_damaged_inside_says_what_to_do(tmp_path):
    path = tmp_path / "frame.parquet"
    stored.write(pd.DataFrame({"text": [f"{n} words" for n in range(5000)]}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + b"\xff" * 2000 + whole[2004:])
    with pytest.raises(SqlibError) as raised:
        stored.Stored(path).rows()
    assert raised.value.code == "stored.damaged" and str(tmp_path) in raised.value.text("en")
