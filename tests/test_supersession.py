"""A newer file replaces the rows it delivers again; every row stays in the balance."""

import datetime as dt

import pytest
from client_folder import make
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import tables
from sqlib.errors import ClientError

ENDS = "constants = { scale_min = 1, scale_max = 5 }\n"
OLD = '[[tables.feedback]]\nfiles = ["raw/old*.csv"]\n' + ENDS
NEW = '[[tables.feedback]]\nfiles = ["raw/new*.csv"]\nsupersedes = ["raw/old*.csv"]\n' + ENDS
IDS = "feedback_id,score,received_at\n"
DAYS = "score,received_at\n"


def load(folder, blocks=OLD + NEW, **files):
    return tables.load(make(folder / "x", blocks, **files), "feedback")


def code(folder, blocks, **files) -> str:
    with pytest.raises(ClientError) as raised:
        load(folder, blocks, **files)
    assert all(set(raised.value.parts(language)) == {"what", "where", "got", "remedy"} for language in ("zh", "en"))
    return raised.value.code


def test_an_id_delivered_again_replaces_the_older_row_even_where_both_are_alike(tmp_path):
    old, new = IDS + "1,5,2026-07-01\n2,4,2026-07-02\n3,3,2026-07-03\n", IDS + "2,1,2026-07-02\n3,3,2026-07-03\n"
    table = load(tmp_path, old__csv=old, new__csv=new)
    assert table.frame[["feedback_id", "score"]].values.tolist() == [["1", 5], ["2", 1], ["3", 3]]
    assert table.frame["source_file"].tolist() == ["raw/old.csv", "raw/new.csv", "raw/new.csv"]
    assert table.counts[["superseded", "duplicate", "usable"]].values.tolist() == [[2, 0, 1], [0, 0, 2]]
    (note,) = table.problems.to_dict("records")
    assert (note["rule"], note["file"], note["value"], note["count"], note["used"]) == (
        "superseded_rows", "raw/old.csv", "raw/new.csv", 2, False,
    )  # fmt: skip


def test_without_ids_the_days_covered_decide(tmp_path):
    old, new = DAYS + "5,2026-06-30\n4,2026-07-01\n3,\n2,2026-07-09\n", DAYS + "1,2026-07-01 09:00\n1,2026-07-05\n"
    table = load(tmp_path, old__csv=old, new__csv=new)
    assert table.frame["score"].tolist() == [5, 3, 2, 1, 1]
    note = table.problems[table.problems["rule"] == "superseded_rows"].iloc[0]
    assert note["value"] == "raw/new.csv, 2026-07-01..2026-07-05"


def test_nothing_delivered_again_is_named(tmp_path):
    table = load(tmp_path, old__csv=IDS + "1,5,\n", new__csv=IDS + "2,5,\n")
    assert table.problems["rule"].tolist() == ["supersedes_nothing"] and len(table.frame) == 2


def test_an_item_is_replaced_with_its_questionnaire(tmp_path):
    wide = 'unpivot = { columns = ["a", "b"], name = "item_id", value = "score" }\n'
    blocks = (OLD + wide + NEW + wide).replace("tables.feedback", "tables.feedback_items")
    who = make(tmp_path / "x", blocks, old__csv="feedback_id,a,b\n1,5,4\n2,3,2\n", new__csv="feedback_id,a,b\n1,1,1\n")
    table = tables.load(who, "feedback_items")
    assert table.counts[["raw_rows", "unpivot_factor", "superseded", "usable"]].values.tolist() == [
        [2, 2, 2, 2], [1, 2, 0, 2],
    ]  # fmt: skip


def test_what_cannot_be_meant_is_refused(tmp_path):
    files = {"old__csv": IDS + "1,5,\n", "new__csv": IDS + "1,5,\n"}
    assert code(tmp_path / "a", OLD + NEW.replace("raw/old*", "raw/odl"), **files) == "supersession.no_file"
    assert code(tmp_path / "b", OLD + NEW.replace("raw/old*", "raw/new*"), **files) == "supersession.cycle"
    back = OLD.replace(ENDS, 'supersedes = ["raw/new.csv"]\n' + ENDS)
    assert code(tmp_path / "c", back + NEW, **files) == "supersession.cycle"
    assert code(tmp_path / "d", OLD + NEW, old__csv="score\n5\n", new__csv="score\n4\n") == "supersession.no_key"
    assert code(tmp_path / "e", OLD + NEW.replace("raw/old*", "../old"), **files) == "client.outside_folder"


def test_a_chain_of_three_files(tmp_path):
    middle = NEW.replace("raw/new*", "raw/middle*")
    newest = NEW.replace('["raw/old*.csv"]', '["raw/middle.csv"]')
    table = load(
        tmp_path, OLD + middle + newest,
        old__csv=IDS + "1,1,\n2,1,\n", middle__csv=IDS + "1,2,\n3,2,\n", new__csv=IDS + "3,3,\n",
    )  # fmt: skip
    assert table.frame[["feedback_id", "score"]].values.tolist() == [["2", 1], ["1", 2], ["3", 3]]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", ""]), st.sampled_from(["5", "1", "9", ""]), st.sampled_from(["01", "05"])
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(old=ROWS, new=ROWS)
def test_every_row_is_used_or_accounted_for(tmp_path_factory, old, new):
    texts = [IDS + "".join(f"{key},{score},2026-07-{day}\n" for key, score, day in rows) for rows in (old, new)]
    table = load(tmp_path_factory.mktemp("x"), old__csv=texts[0], new__csv=texts[1])
    parts = table.counts[["superseded", "duplicate", "missing_score", "quarantined", "usable"]].sum(axis=1)
    assert parts.tolist() == table.counts["raw_rows"].tolist() == [len(old), len(new)]
    assert table.counts["superseded"].iloc[1] == 0
    again = {key for key, *_ in new} - {""}
    if again and {key for key, *_ in old} - {""}:
        assert table.counts["superseded"].iloc[0] == sum(key in again for key, *_ in old)
    balance = tables.balance(table)
    assert (balance.drop(columns=["file", "rows"]).sum(axis=1) == balance["rows"]).all()


def test_a_calendar_is_replaced_day_by_day(tmp_path):
    blocks = (OLD + NEW).replace("tables.feedback", "tables.calendar").replace(ENDS, "")
    head = "date,is_workday\n"
    who = make(tmp_path / "x", blocks, old__csv=head + "2026-07-01,1\n2026-07-02,1\n", new__csv=head + "2026/7/2,0\n")
    table = tables.load(who, "calendar")
    assert table.frame["date"].dt.date.tolist() == [dt.date(2026, 7, 1), dt.date(2026, 7, 2)]
    assert table.frame["is_workday"].tolist() == [True, False]
