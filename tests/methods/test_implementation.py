import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.implementation import implementation

AS_OF = "2026-06-30"
BASE = {"name": "A", "status": "running", "start_on": pd.Timestamp("2026-01-01"), "full_on": pd.NaT, "end_on": pd.NaT,
        "due_on": pd.NaT, "milestones": None, "fidelity": 0.9, "participants": 9.0,
        "planned_participants": 10.0}  # fmt: skip


def judged(**change):
    row = pd.DataFrame([BASE | {"measure_id": "m"} | change])
    return implementation(row, as_of=AS_OF, done_words=("done",))


def verdict(**change):
    return judged(**change).measures["verdict"].iloc[0]


def test_carried_out_from_eighty_per_cent_and_not_below_sixty():
    assert verdict(fidelity=0.8, participants=8.0) == "as_planned"
    assert verdict(fidelity=0.79) == "partly" and verdict(participants=7.0) == "partly"
    assert verdict(fidelity=0.6) == "partly"
    assert verdict(fidelity=0.59) == "not_as_planned" and verdict(participants=5.0) == "not_as_planned"


def test_a_milestone_that_is_overdue_counts_one_to_come_does_not():
    result = judged(milestones="2026-02-01 chosen done; 2026-03-01 live; 2026-09-01 review")
    assert result.measures[["milestones", "milestones_due", "milestones_done"]].iloc[0].to_list() == [3, 2, 1]
    assert result.measures["verdict"].iloc[0] == "partly"
    assert verdict(milestones="2026-09-01 review") == "as_planned"


def test_delay_is_counted_to_the_day_it_was_in_place_or_until_now():
    due = pd.Timestamp("2026-03-31")
    late = judged(due_on=due, full_on=pd.Timestamp("2026-04-20"))
    assert late.measures["delay_days"].iloc[0] == 20 and late.measures["verdict"].iloc[0] == "as_planned"
    still = judged(due_on=due)
    assert still.measures["delay_days"].iloc[0] == 91 and still.measures["verdict"].iloc[0] == "partly"
    assert np.isnan(judged(due_on=pd.Timestamp("2026-08-31")).measures["delay_days"].iloc[0])
    early = judged(due_on=due, status="done", end_on=pd.Timestamp("2026-03-01"))
    assert early.measures["delay_days"].iloc[0] == -30
    assert early.table.set_index("part").loc["in_time", ["successes", "n"]].to_list() == [1, 1]


def test_what_has_not_begun_or_was_stopped_is_not_judged():
    assert verdict(start_on=pd.Timestamp("2026-08-01"), fidelity=0.1) == "not_started"
    assert verdict(start_on=pd.NaT, status="planned") == "not_started"
    assert verdict(status="stopped", fidelity=0.1) == "stopped"
    assert judged(status="stopped").begun == 0


def test_no_record_is_no_verdict():
    result = judged(fidelity=np.nan, participants=np.nan)
    assert result.measures["verdict"].iloc[0] == "no_record" and "as_planned" not in set(result.table["part"])


def test_shares_are_counted_over_measures_and_people():
    rows = [BASE | {"measure_id": "a"}, BASE | {"measure_id": "b", "fidelity": 0.5}]
    rows += [BASE | {"measure_id": "c", "participants": 12.0}]
    table = implementation(pd.DataFrame(rows), as_of=AS_OF, done_words=("done",)).table.set_index("part")
    assert table.loc["as_planned", ["successes", "n"]].to_list() == [2, 3]
    assert table.loc["participants", ["successes", "n"]].to_list() == [28, 30]  # 9 + 9 + at most 10
    assert table.loc["as_planned", ["low", "high"]].to_list() == pytest.approx([0.2077, 0.9385], abs=5e-5)


def test_dates_out_of_order_or_to_come_are_said_and_left_out():
    wrong = judged(full_on=pd.Timestamp("2025-12-01"), due_on=pd.Timestamp("2026-12-31"))
    assert wrong.cautions == ("wrong_dates",) and np.isnan(wrong.measures["delay_days"].iloc[0])
    future = judged(status="done", full_on=pd.Timestamp("2026-07-15"))
    assert future.cautions == ("future_dates",)
    assert judged(full_on=pd.Timestamp("2026-07-15")).cautions == ()


def test_what_cannot_be_read_is_refused():
    with pytest.raises(MethodRefused, match="fidelity") as refusal:
        judged(fidelity=80.0)
    assert refusal.value.code == "implementation.fidelity"
    with pytest.raises(MethodRefused) as refusal:
        implementation(pd.DataFrame({"measure_id": [None]}), as_of=AS_OF, done_words=("done",))
    assert refusal.value.code == "counted.nothing"
