"""What the data can answer, and what to ask for where they cannot."""

import pytest
from typed import built, client, raw

from sqlib import checking, readiness, words

FULL = {
    "feedback_id": ["a", "b"], "customer_id": ["1", "2"], "score": ["5", "4"], "scale_min": "1", "scale_max": "5",
    "received_at": ["2026-07-01", "2026-07-02"], "comment": ["good", "late"], "dimension": ["x", "y"],
    "segment": ["s", "t"], "team": ["m", "n"], "channel": ["phone", "email"],
}  # fmt: skip


def memo(folder, **tables):
    checked = {name: built(folder, raw(name, **columns)) for name, columns in tables.items()}
    return readiness.readiness(client(folder), checked).set_index("question")


def without(*columns):
    return {name: cells for name, cells in FULL.items() if name not in columns}


CUSTOMERS = {"customer_id": ["1", "2"], "segment": ["s", "t"]}


def test_full_data_answer_everything_but_what_has_no_page(tmp_path):
    cases = {"case_id": ["1"], "customer_id": ["1"], "created_at": ["2026-07-01 10:00"]}
    found = memo(tmp_path, feedback=FULL, customers=CUSTOMERS, invitations={"customer_id": ["1"]}, cases=cases)
    assert found.loc[list(readiness.FEEDBACK), "can"].eq("yes").all()
    assert found.loc["cases", "reason"] == "page_to_come" and found.loc["appraisals", "reason"] == "no_appraisals"


@pytest.mark.parametrize(
    ("missing", "question", "reason", "ask"),
    [
        ("received_at", "change", "no_received_at", "received_at"),
        ("comment", "themes", "no_comment", "comment"),
        ("dimension", "dimensions", "no_items", "items"),
        ("team", "weak_points", "cells_missing", "cells"),
        ("customer_id", "response", "no_customer_id", "customer_id"),
        ("score", "satisfaction", "no_score", "score"),
    ],
)
def test_a_missing_column_is_asked_for(tmp_path, missing, question, reason, ask):
    found = memo(tmp_path, feedback=without(missing), customers=CUSTOMERS)
    assert found.loc[question, ["reason", "ask"]].tolist() == [reason, ask]


def test_missing_tables_are_asked_for(tmp_path):
    found = memo(tmp_path, feedback=FULL)
    assert found.loc["response", "reason"] == "no_customers" and found.loc["callbacks", "reason"] == "no_case_link"
    assert memo(tmp_path, feedback=FULL, customers=CUSTOMERS).loc["response", "reason"] == "no_invitations"
    assert found.loc["cases", "reason"] == "no_cases"


def test_a_table_that_is_not_there_is_said_once(tmp_path):
    none = memo(tmp_path, customers=CUSTOMERS)
    assert none["reason"].to_dict() == {name: f"no_{name}" for name in ("feedback", "appraisals", "measures", "cases")}
    assert readiness.absent(none).all()
    rated = memo(tmp_path, appraisals=APPRAISED)
    assert list(rated.index) == ["feedback", *readiness.APPRAISALS, "measures", "cases"]
    assert readiness.absent(rated).tolist() == [True, False, False, False, False, True, True]


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_table_that_is_not_there_takes_one_line_of_the_screen(tmp_path, language):
    found = memo(tmp_path, appraisals=APPRAISED).reset_index()
    lines = checking._memo(found, language).plain.splitlines()
    assert sum("feedback_analysis" in line for line in lines) == 1
    assert [line.startswith("\N{MIDDLE DOT} ") for line in lines[-2:]] == [True, True]


APPRAISED = {"appraisal_id": ["1", "2"], "ratee_id": ["S1", "S2"], "score": ["4", "5"], "scale_min": "1",
             "scale_max": "5", "criterion_id": ["a", "b"]}  # fmt: skip


def test_appraisals_are_asked_about_only_where_there_are_any(tmp_path):
    assert not set(readiness.APPRAISALS) & set(memo(tmp_path, feedback=FULL).index)
    bare = memo(tmp_path, appraisals=APPRAISED).loc[list(readiness.APPRAISALS)]
    assert bare["reason"].tolist() == ["no_rater", "no_tiers", "no_talks", "no_rewards"]
    more = APPRAISED | {"rater_id": ["R1", "R2"], "department": "x", "feedback_talk_on": "2026-10-20"}
    fuller = memo(tmp_path, appraisals=more, rewards={"staff_id": ["S1"], "type": ["bonus"]})
    assert fuller.loc[list(readiness.APPRAISALS), "reason"].tolist() == ["none", "no_tiers", "no_result_on", "none"]
    for language in words.LANGUAGES:
        assert not readiness.shown(bare.reset_index(), language).isin([""]).any(axis=None)


def test_shares_cannot_carry_an_interval(tmp_path):
    read = raw(score=["71", "83"], scale_min="0", scale_max="100", mapped=("Top-box Percentage",))
    found = readiness.readiness(client(tmp_path), {"feedback": built(tmp_path, read)})
    assert found["ask"].head(7).eq("counts").all() and found["can"].eq("no").all()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_memo_is_worded_and_names_the_columns(tmp_path, language):
    found = memo(tmp_path, feedback=without("team", "channel"), customers=CUSTOMERS).reset_index()
    shown = readiness.shown(found, language)
    assert len(shown) == len(found) and not shown.isin([""]).any(axis=None)
    team = {"zh": "\u5c0f\u7ec4", "en": "Team"}[language]
    assert any(team in reason for reason in shown.iloc[:, 2])


def test_every_code_is_worded():
    catalogue = words.catalogue("readiness")
    for group in ("question", "can", "reason", "ask", "headings"):
        assert all(set(entry) == {"zh", "en"} and all(entry.values()) for entry in catalogue[group].values()), group
