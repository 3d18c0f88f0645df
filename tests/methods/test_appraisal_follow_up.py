import tomllib
from pathlib import Path

import made_follow_up as made
import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import appraisal_follow_up as method
from sqlib.methods.appraisal_follow_up import appraisal_follow_up

TEXTS = tomllib.loads((Path(__file__).parents[1] / "data" / "appraisal_follow_up.toml").read_text(encoding="utf-8"))
# Freireich et al. (1963) Blood 21:699, 21 patients on 6-MP: weeks in remission, negative = censored; estimates as in
# Kalbfleisch & Prentice (2002) and Kleinbaum & Klein (2012), ch. 2
WEEKS = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
PUBLISHED = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
END = pd.Timestamp("2026-12-31")


def followed(**options):
    return appraisal_follow_up(made.appraisals(10, 12, 8), as_of="2026-08-31", within=14, **options)


def share(result, measure):
    return result.table.set_index("measure").loc[measure]


def test_the_curve_of_talks_is_freireichs():
    days = np.abs(WEEKS)
    rows = pd.DataFrame(
        {"period": "p", "ratee_id": range(21), "rater_id": "r", "result_on": END - pd.to_timedelta(days, "D")}
    )
    rows["feedback_talk_on"] = (
        END.where(np.array(WEEKS) > 0) if False else [END if week > 0 else pd.NaT for week in WEEKS]
    )
    curve = appraisal_follow_up(rows, as_of=END, within=14).curve.set_index("day")
    assert (1 - curve["held"]).reindex(list(PUBLISHED)).to_list() == pytest.approx(list(PUBLISHED.values()), abs=5e-5)
    # log-log limits with Greenwood's error: .8571 ** exp(+-1.96 * se / (S log S)), se = .0764
    log = np.log(0.857143)
    ends = [1 - np.exp(log * np.exp(side * 1.959964 * 0.076360 / (0.857143 * log))) for side in (1, -1)]
    assert sorted(curve.loc[6, ["low", "high"]]) == pytest.approx(sorted(ends), abs=1e-5)


def test_talks_are_counted_exactly():
    result = followed(target=0.9)
    row = share(result, "talk_in_time")
    assert (row["successes"], row["n"], result.open, result.n) == (10, 30, 8, 30)
    assert (row["low"], row["high"]) == pytest.approx((0.1923, 0.5122), abs=5e-4)  # Wilson, 10 of 30
    assert row["verdict"] == "missed"


def test_a_talk_whose_term_is_not_over_is_neither_late_nor_in_time():
    early = appraisal_follow_up(made.appraisals(10, 12, 8), as_of="2026-07-16", within=14)
    assert share(early, "talk_in_time")["n"] == 10 and early.open == 0 and "future_talk" in early.cautions


def test_where_no_talk_is_recorded_none_is_called_missed():
    rows = made.appraisals(10, 12, 8).assign(feedback_talk_on=pd.NaT)
    for each in (rows, rows.drop(columns="feedback_talk_on")):
        result = appraisal_follow_up(each, as_of="2026-08-31", within=14)
        assert "talk_in_time" not in set(result.table["measure"]) and "no_dates" in result.cautions


def test_a_talk_before_the_result_counts_as_held_at_once():
    rows = made.appraisals(30, 0, 0)
    rows["feedback_talk_on"] = pd.Timestamp("2026-07-01")
    result = appraisal_follow_up(rows, as_of="2026-08-31", within=14)
    assert "talk_before_result" in result.cautions and share(result, "talk_in_time")["estimate"] == 1
    assert result.curve["day"].to_list() == [0.0]


def test_the_manager_owes_the_talk_and_few_managers_are_no_clusters():
    rows = made.appraisals(20, 5, 5)
    people = method._people(rows.assign(rater_role="peer"), "team", pd.Timestamp("2026-08-31"), 14)
    assert people["holder"].notna().all()
    one = rows.copy()
    one.loc[one.groupby("ratee_id").head(1).index, "rater_role"] = "manager"
    held = method._people(one, "team", pd.Timestamp("2026-08-31"), 14).set_index("ratee_id")["holder"]
    assert held.to_dict() == one.groupby("ratee_id")["rater_id"].first().to_dict()
    assert share(followed(), "talk_in_time")["clusters"] == 30 and "few_clusters" in followed().cautions


def test_small_teams_are_hidden_and_so_is_what_would_give_them_away():
    rows = made.appraisals(10, 12, 8)
    rows["team"] = rows["ratee_id"].map(
        {who: "A" if place < 2 else "BC"[place % 2] for place, who in enumerate(made.IDS)}
    )
    teams = appraisal_follow_up(rows, as_of="2026-08-31", within=14).teams.set_index("team")
    assert (teams["verdict"] == "hidden").sum() == 2 and teams.loc["A", "estimate"] != teams.loc["A", "estimate"]
    assert teams.loc[teams["verdict"] == "hidden", ["successes", "open", "median_days", "low"]].isna().all(axis=None)


def test_the_median_of_a_team_is_the_day_half_were_held():
    rows = made.appraisals(20, 10, 0).assign(team="A")
    assert appraisal_follow_up(rows, as_of="2026-08-31", within=14).teams["median_days"].iloc[0] == 10
    never = made.appraisals(5, 5, 20).assign(team="A")
    assert np.isnan(appraisal_follow_up(never, as_of="2026-08-31", within=14).teams["median_days"].iloc[0])


def test_appeals_are_counted_a_person_and_undecided_ones_are_open():
    rows = made.appraisals(20, 5, 5, upheld=3)
    rows.loc[rows["ratee_id"].eq("s05"), "appeal_upheld"] = np.nan
    result = appraisal_follow_up(rows, as_of="2026-08-31", within=14)
    assert share(result, "appealed")[["successes", "n"]].to_list() == [6, 30]
    assert share(result, "upheld")[["successes", "n"]].to_list() == [3, 5]


def test_where_no_talk_is_due_no_team_is_listed():
    rows = made.appraisals(20, 5, 5).assign(result_on=pd.NaT)
    assert appraisal_follow_up(rows, as_of="2026-08-31", within=14).teams.empty


def test_flags_with_gaps_are_read():
    rows = made.appraisals(20, 5, 5, upheld=3)
    rows = rows.astype({"appeal": "boolean", "appeal_upheld": "boolean"})
    assert share(appraisal_follow_up(rows, as_of="2026-08-31", within=14), "upheld")["n"] == 6


def test_upheld_appeals_against_severe_raters_show():
    rows = made.appraisals(20, 5, 5, upheld=6)
    upheld = rows["appeal_upheld"].eq(1)
    rows["rater_id"] = np.where(upheld, "severe", "mild") + rows["ratee_id"]
    known = pd.DataFrame({"rater_id": rows["rater_id"].unique()})
    known["severity"] = np.where(known["rater_id"].str.startswith("severe"), 4.0, 0.0) + np.arange(len(known)) / 100
    against = known["severity"] * 1.1
    raters = known.assign(difference=against, difference_low=against - 1, difference_high=against + 1)
    result = appraisal_follow_up(rows, as_of="2026-08-31", within=14, raters=raters)
    row = result.severity.iloc[0]
    assert row["n_upheld"] == 6 and row["estimate"] == pytest.approx(4, abs=0.3) and row["low"] > 3
    shown = result.raters.set_index("rater_id")["severity"]
    assert shown.to_dict() == raters.set_index("rater_id")["difference"].to_dict()  # as in the profile of the raters
    assert appraisal_follow_up(rows, as_of="2026-08-31", within=14).severity.empty
    beside = raters.assign(difference=raters["severity"] * 2, difference_low=-9.0, difference_high=9.0)
    shown = appraisal_follow_up(rows, as_of="2026-08-31", within=14, raters=beside).raters.set_index("rater_id")
    assert shown["severity"].to_dict() == (raters.set_index("rater_id")["severity"] * 2).to_dict()
    assert shown["severity_low"].eq(-9).all() and shown["severity_high"].eq(9).all()


def test_teams_keep_the_order_in_which_they_first_stand():
    rows = made.appraisals(20, 5, 5).assign(team=lambda frame: np.where(frame["ratee_id"] < "p10", "late", "early"))
    first = rows.sort_values("ratee_id")["team"].drop_duplicates().tolist()
    assert appraisal_follow_up(rows, as_of="2026-08-31", within=14).teams["team"].tolist() == first


@pytest.mark.parametrize(("text", "units"), [(case["text"], case["units"]) for case in TEXTS["length"]])
def test_a_comment_is_as_long_as_what_it_says(text, units):
    assert method.length(text) == units


def test_copies_are_seen_through_punctuation_case_and_width():
    first, second = TEXTS["copies"]
    assert method.plain(first) == method.plain(second) != ""


def test_comments_of_substance_are_long_enough_own_and_no_stock_phrase():
    said = {
        "s0": "Keeps calm with difficult clients and writes up every case",
        "s1": "ok",
        "s2": "Good work all year round, keep it up",
        "s3": "GOOD WORK all year round - keep it up!",
        "s4": "A solid team player in every way",
        "s5": None,
    }
    rows = pd.DataFrame({"ratee_id": list(said), "comment": list(said.values()), "period": "p", "rater_id": "r"})
    result = appraisal_follow_up(rows, as_of=END, within=14, stock=["a solid team player, in every way"])
    assert share(result, "substance")[["successes", "n"]].to_list() == [1, 6]
    assert share(result, "copied")[["successes", "n"]].to_list() == [2, 5]
    assert result.raters[["commented", "substance", "copied"]].iloc[0].to_list() == [5, pytest.approx(1 / 6), 0.4]


def test_the_same_comment_on_every_criterion_of_one_person_is_no_copy():
    text = "Keeps calm with difficult clients and writes up every case"
    rows = pd.DataFrame({"ratee_id": ["a", "a", "a"], "comment": text, "period": "p", "rater_id": "r"})
    assert share(appraisal_follow_up(rows, as_of=END, within=14), "copied")["successes"] == 0


def test_packs_delivered_and_read():
    sent = pd.DataFrame({"topic": ["appraisal", "evaluation", "other"], "audience_n": [20, 10, 99],
                         "reached_n": [18, 9, 99], "acknowledged_n": [9, 9, 0]})  # fmt: skip
    result = followed(communications=sent)
    assert share(result, "delivered")[["successes", "n"]].to_list() == [27, 30]
    assert share(result, "read")[["successes", "n"]].to_list() == [18, 27]
    with pytest.raises(MethodRefused, match="More packs"):
        followed(communications=sent.assign(reached_n=50))


def test_a_pulse_of_few_is_hidden():
    pulse = pd.DataFrame(
        {"about": ["appraisal"] * 12 + ["report"], "useful": [4, 5, 3] * 4 + [1], "understood": [1, 1, 0] * 4 + [0]}
    )
    result = followed(pulse=pulse)
    assert share(result, "useful")["estimate"] == 4 and share(result, "understood")["successes"] == 8
    few = share(followed(pulse=pulse.tail(4)), "useful")
    assert few["verdict"] == "hidden" and np.isnan(few["estimate"])


def test_what_is_refused():
    with pytest.raises(MethodRefused, match="no appraisal"):
        appraisal_follow_up(made.appraisals(1, 0, 0).head(0), as_of=END, within=14)
