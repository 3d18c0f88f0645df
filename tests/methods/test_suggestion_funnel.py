import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.suggestion_funnel import suggestion_funnel

AS_OF = pd.Timestamp("2026-06-30")
# Freireich et al. (1963) Blood 21:699, weeks in remission on 6-MP, negative = censored; median 23 (Kleinbaum & Klein)
WEEKS = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]


def day(offset):
    return AS_OF - pd.Timedelta(days=offset)


def ideas(*rows):
    base = {"on": day(50), "accepted_on": pd.NaT, "rejected_on": pd.NaT, "done_on": pd.NaT, "verified_on": pd.NaT,
            "rejected_reason": None, "status": None, "kind": "idea", "staff_id": "p0", "team": "A"}  # fmt: skip
    return pd.DataFrame([base | {"suggestion_id": f"s{place}"} | row for place, row in enumerate(rows)])


def stage(result, name):
    return result.table.set_index("stage").loc[name]


def followed(rows, **options):
    return suggestion_funnel(rows, as_of=AS_OF, **options)


def test_the_funnel_is_counted():
    accepted = {"accepted_on": day(40)}
    done = accepted | {"done_on": day(10)}
    result = followed(ideas({}, {}, {"rejected_on": day(45)}, accepted, done, done | {"verified_on": day(1)}))
    assert result.table["reached"].to_list() == [6, 3, 2, 1]
    assert stage(result, "done")[["successes", "n"]].to_list() == [2, 3]
    assert stage(result, "submitted")[["turned_down", "waiting", "stuck"]].to_list() == [1, 2, 0]
    assert stage(result, "accepted")[["low", "high"]].to_list() == pytest.approx([0.1876, 0.8124], abs=5e-5)  # 3 of 6
    assert stage(result, "done")["whole"] == pytest.approx(2 / 6)
    assert (result.lost_at, result.lost) == ("submitted", 1)


def test_waiting_too_long_is_stuck():
    result = followed(ideas({"on": day(91)}, {"on": day(90)}, {"on": day(200), "accepted_on": day(100)}))
    assert stage(result, "submitted")[["waiting", "stuck"]].to_list() == [2, 1]
    assert stage(result, "accepted")[["waiting", "stuck"]].to_list() == [1, 1]
    assert stage(followed(ideas({"on": day(91)}), stale=100), "submitted")["stuck"] == 0


def test_the_time_until_a_decision_is_freireichs():
    rows = [{"on": day(abs(week)), "accepted_on": day(0) if week > 0 else pd.NaT} for week in WEEKS]
    assert stage(followed(ideas(*rows)), "submitted")["median_days"] == 23


def test_being_turned_down_ends_the_wait_and_an_unknown_day_tells_nothing():
    dated = followed(ideas(*[{"on": day(30), "rejected_on": day(20)}] * 4))
    assert stage(dated, "submitted")["median_days"] == 10 and dated.cautions == ("one_person",)
    undated = followed(ideas(*[{"on": day(30), "rejected_reason": "cost"}] * 4))
    assert np.isnan(stage(undated, "submitted")["median_days"]) and "undated_rejections" in undated.cautions
    assert stage(undated, "submitted")["turned_down"] == 4


def test_status_counts_where_there_is_no_day():
    result = followed(ideas({"status": "done"}, {"status": "rejected"}, {"status": "accepted"}))
    assert result.table["reached"].to_list() == [3, 2, 1, 0] and stage(result, "submitted")["turned_down"] == 1


def test_dates_out_of_order_give_no_time_and_days_to_come_have_not_come():
    wrong = followed(ideas({"on": day(10), "accepted_on": day(20)}, {"on": day(30), "accepted_on": day(10)}))
    assert "wrong_dates" in wrong.cautions and stage(wrong, "submitted")["median_days"] == 20
    future = followed(ideas({"accepted_on": day(-5)}, {"on": day(-5)}))
    assert "future_dates" in future.cautions and future.n == 1 and stage(future, "accepted")["reached"] == 0


def test_cases_are_no_suggestions():
    assert followed(ideas({}, {"kind": "case"}, {"kind": "innovation"})).kinds["suggestions"].sum() == 2


def test_teams_are_shares_of_the_staff_and_small_ones_hidden():
    staff = pd.DataFrame({"staff_id": [f"p{place}" for place in range(14)], "team": ["A"] * 6 + ["B"] * 6 + ["C"] * 2})
    rows = ideas({"staff_id": "p0"}, {"staff_id": "p0"}, {"staff_id": "p1"}, {"staff_id": "p12"})
    result = followed(rows, staff=staff)
    teams = result.teams.set_index("team")
    assert result.participation == (3, 14)
    assert teams.loc["C", "verdict"] == "hidden" and np.isnan(teams.loc["C", "successes"])
    assert (teams["verdict"] == "hidden").sum() == 2  # one more, or the total gave C away
    whole = followed(rows, staff=staff, min_group=1).teams.set_index("team")
    assert whole.loc["A", ["suggestions", "successes", "people"]].to_list() == [3, 2, 6]
    assert whole.loc["A", "estimate"] == pytest.approx(1 / 3) and whole.loc["B", "estimate"] == 0


def test_strangers_to_the_staff_table_give_no_share():
    staff = pd.DataFrame({"staff_id": ["q1", "q2"], "team": ["A", "A"]})
    result = followed(ideas({}, {"staff_id": "p1"}), staff=staff, min_group=1)
    assert "staff_unlinked" in result.cautions and result.participation == (0, 0)
    assert result.teams["estimate"].isna().all()
    some = followed(ideas({"staff_id": "q1"}, {"staff_id": "q2"}, {"staff_id": "x"}), staff=staff)
    assert "unknown_people" in some.cautions and some.participation == (2, 2)


def test_reasons_written_alike_are_one():
    result = followed(ideas(*[{"rejected_reason": text} for text in ("Too dear", "too  dear", "Not safe")]))
    assert result.reasons["count"].to_list() == [2, 1]
    assert result.reasons["estimate"].to_list() == pytest.approx([2 / 3, 1 / 3])


@pytest.mark.parametrize(("rows", "code"), [(ideas().reindex(columns=["suggestion_id"]), "counted.nothing"),
                                            (ideas({"on": pd.NaT}), "suggestion_funnel.undated"),
                                            (pd.concat([ideas({}), ideas({})]), "counted.repeated")])  # fmt: skip
def test_what_cannot_be_followed_is_refused(rows, code):
    with pytest.raises(MethodRefused) as refusal:
        followed(rows)
    assert refusal.value.code == code
