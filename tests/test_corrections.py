"""Decisions come back from the workbook, are kept, applied, logged; the rows still add up and the raw files stay."""

import datetime as dt
import os
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from client_folder import make
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from typed import built, raw

from sqlib import checking, corrections, decisions, forms, problems, register, tables
from sqlib.errors import ClientError

WORDS = tomllib.loads((Path(__file__).parent / "data" / "labels.toml").read_text(encoding="utf-8"))["words"]
BLOCK = '[[tables.feedback]]\nfiles = ["raw/*.csv"]\nconstants = { scale_min = 1, scale_max = 5 }\n'
HEAD = "feedback_id,score,received_at,comment,team\n"
DATA = HEAD + "A1,5,2026-07-01,fine,T1\nA2,9,2026-07-02,bad,T1\nA3,x,2026-07-03,no,T1\nA4,7,2026-07-04,no,T2\n"
DAY = dt.date(2026, 11, 22)


@pytest.fixture
def who(tmp_path):
    return make(tmp_path / "x", BLOCK, a__csv=DATA)


def written(who, language="en", refused=None) -> Path:
    """The workbook as a check writes it."""
    checked = {name: tables.load(who, name) for name in who.tables}
    return problems.write_problems(who, checked, who.folder / "problems.xlsx", language, refused=refused)


def fill(path: Path, sheet: str = "problems", by: str = "value", **entries) -> None:
    """Fill in lines by the text of one of their cells: ``a9=("correct", "4")``; the first letter is not looked at."""
    book = load_workbook(path)
    declared = forms.load("problems").sheets[sheet]
    page = next(book[title] for title in declared.title.values() if title in book.sheetnames)
    heads = {cell.value: cell.column for cell in page[1]}
    place = {name: heads[next(label for label in c.label.values() if label in heads)]
             for name, c in declared.columns.items()}  # fmt: skip
    given = "corrected" if sheet == "problems" else "into"
    for line in range(2, page.max_row + 1):
        decision, value = entries.get("a" + str(page.cell(line, place[by]).value).replace(" ", "_"), ("", None))
        acts = by != "value" or page.cell(line, place["code"]).value.startswith("cell")
        if acts and (decision or value):
            page.cell(line, place["decision"]).value = decision
            page.cell(line, place[given]).value = value or page.cell(line, place[given]).value
    book.save(path)


def decide(who, **entries) -> decisions.Collected:
    """Write, fill in, take over."""
    path = written(who)
    fill(path, **entries)
    return decisions.collect(who, path, DAY)


def loaded(who) -> tables.Table:
    return tables.load(who, "feedback")


def test_correct_exclude_and_accept_are_applied_logged_and_counted(who):
    found = decide(who, a9=("correct", "4"), ax=("exclude", None), a7=("accept", None))
    assert len(found.taken) == 3 and found.refused.empty
    table = loaded(who)
    assert table.frame.set_index("feedback_id")["score"].to_dict() == {"A1": 5.0, "A2": 4.0}
    log = table.repairs[table.repairs["rule"].str.endswith("_by_hand")]
    assert log[["row", "column", "before", "after", "rule"]].to_numpy().tolist() == [
        [3, "score", "9", "4", "corrected_by_hand"],
        [4, "", "", "", "excluded_by_hand"],
    ]
    counts = table.counts.iloc[0]
    assert (counts["excluded"], counts["quarantined"], counts["usable"]) == (1, 1, 2)
    assert (who.folder / "raw" / "a.csv").read_text() == DATA
    status = table.decisions.set_index("decision")
    assert status["status"].to_dict() == {"correct": "applied", "exclude": "applied", "accept": "accepted"}
    assert status.loc["accept", "reason"] == "stays_aside"
    assert problems.screen(problems.opened({"feedback": table}), "en").empty


def test_deleting_a_line_undoes_it(who):
    decide(who, a9=("correct", "4"))
    path = who.folder / register.FILE
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if '"A2"' not in line]
    path.write_text("\n".join(kept), encoding="utf-8")
    assert len(loaded(who).frame) == 1
    assert decisions.collect(who, who.folder / "problems.xlsx", DAY) is decisions.NOTHING
    assert len(loaded(who).frame) == 1


def test_a_corrected_value_that_is_wrong_itself_returns_and_says_so(who):
    decide(who, a9=("correct", "8"))
    rows = forms.read("problems", written(who))["problems"].set_index("record")
    assert rows.loc["A2", "value"] == "8" and "“9”" in rows.loc["A2", "remark"]
    fill(who.folder / "problems.xlsx", a8=("correct", "3"))
    decisions.collect(who, who.folder / "problems.xlsx", DAY)
    entries = register.load(who)
    assert entries[["value", "corrected"]].to_numpy().tolist() == [["9", "3"]]
    assert loaded(who).frame["score"].tolist() == [5.0, 3.0]


REFUSED = {
    "no_decision": {"a9": ("", "4")},
    "no_value": {"a9": ("correct", None)},
    "value_unused": {"a9": ("exclude", "4")},
    "unchanged": {"a9": ("correct", "9")},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_taken_over_stands_in_the_next_workbook_with_the_reason(who, reason):
    found = decide(who, **REFUSED[reason])
    assert found.taken.empty and found.refused["reason"].unique().tolist() == [reason]
    again = forms.read("problems", written(who, refused=found.refused))["problems"]
    row = again[again["code"].str.startswith("cell") & (again["value"] == "9")].iloc[0]
    decision, value = REFUSED[reason]["a9"]
    assert (row["decision"], row["corrected"]) == (decision, value or "") and row["remark"]


def test_a_problem_of_the_whole_file_can_only_be_accepted(who):
    path = written(who)
    code = "note|feedback|suspected_missing_code|score"
    fill(path, by="code", **{"a" + code: ("exclude", None)})
    assert decisions.collect(who, path, DAY).refused["reason"].tolist() == ["cannot_act"]
    fill(path, by="code", **{"a" + code: ("accept", None)})
    assert len(decisions.collect(who, path, DAY).taken) == 1
    assert "suspected_missing_code" not in set(problems.opened({"feedback": loaded(who)})["feedback"].problems["rule"])


def test_different_decisions_about_one_cell_are_refused(tmp_path):
    data = HEAD + "A1,5,2026-07-01,fine,T1\nA1,4,2026-07-02,bad,T1\n"
    who = make(tmp_path / "x", BLOCK, a__csv=data)
    path = written(who)
    entries = forms.read("problems", path)["problems"]
    twice = pd.concat([entries.head(1), entries.head(1)]).assign(decision=["correct", "exclude"], corrected=["A9", ""])
    sheets = {"problems": twice.drop(columns="line"), "labels": pd.DataFrame()}
    forms.write("problems", sheets, path, "en", about={"client": "x"})
    assert decisions.collect(who, path, DAY).refused["reason"].tolist() == ["conflict", "conflict"]


def test_two_lines_of_the_register_about_one_cell_are_both_left(who):
    decide(who, a9=("correct", "4"))
    entries = register.load(who)
    register.write(who, pd.concat([entries, entries.assign(corrected="3")]))
    told = loaded(who).decisions
    assert told["status"].tolist() == ["conflict"] * 2 and told["reason"].tolist() == ["two_decisions"] * 2
    assert loaded(who).frame["score"].tolist() == [5.0]


def exported_again(who, text: str) -> tables.Table:
    (who.folder / "raw" / "a.csv").write_text(text)
    return loaded(who)


def test_another_value_in_a_new_export_orphans_the_decision(who):
    decide(who, a9=("correct", "4"))
    table = exported_again(who, DATA.replace("A2,9", "A2,99"))
    assert table.decisions[["status", "reason"]].to_numpy().tolist() == [["orphaned", "another_value"]]
    assert table.frame["score"].tolist() == [5.0]


def test_a_row_that_moved_is_found_by_its_id(who):
    decide(who, a9=("correct", "4"))
    table = exported_again(who, DATA.replace("A1,5,2026-07-01,fine,T1\n", "") + "A1,5,2026-07-01,fine,T1\n")
    assert table.decisions["status"].tolist() == ["applied"]
    assert table.repairs.query("rule == 'corrected_by_hand'")["row"].tolist() == [2]


def test_a_row_or_a_file_that_is_gone_orphans_the_decision(who):
    decide(who, a9=("correct", "4"), a7=("exclude", None))
    table = exported_again(who, HEAD + "A1,5,2026-07-01,fine,T1\n")
    assert table.decisions["reason"].tolist() == ["row_gone"] * 2
    (who.folder / "raw" / "a.csv").rename(who.folder / "raw" / "b.csv")
    assert loaded(who).decisions["reason"].tolist() == ["file_gone"] * 2


def test_an_acceptance_whose_problem_is_gone_is_orphaned(who):
    decide(who, a7=("accept", None))
    table = exported_again(who, HEAD + "A1,5,2026-07-01,fine,T1\n")
    assert table.decisions[["status", "reason"]].to_numpy().tolist() == [["orphaned", "problem_gone"]]


def test_a_merge_of_a_label_nobody_writes_any_more_is_orphaned(tmp_path):
    data = "feedback_id,score,team\n" + "".join(f"A{i},4,Team A\n" for i in range(3))
    who = make(tmp_path / "x", BLOCK, a__csv=data + "A9,4,team-a\n")
    path = written(who)
    fill(path, "labels", "label", **{"ateam-a": ("merge", None)})
    assert len(decisions.collect(who, path, DAY).taken) == 1
    assert loaded(who).decisions["status"].tolist() == ["applied"]
    (who.folder / "raw" / "a.csv").write_text(data)
    assert loaded(who).decisions[["status", "reason"]].to_numpy().tolist() == [["orphaned", "label_gone"]]


def test_the_copy_of_a_corrected_row_stays_a_copy(tmp_path):
    who = make(tmp_path / "x", BLOCK, a__csv=DATA, b__csv=HEAD + "A2,9,2026-07-02,bad,T1\n")
    decide(who, a9=("correct", "4"))
    table = loaded(who)
    assert table.frame["score"].tolist() == [5.0, 4.0] and table.counts["duplicate"].tolist() == [0, 1]


def test_a_corrected_item_of_a_wide_sheet_is_its_own_cell(tmp_path):
    unpivot = '[tables.feedback_items.unpivot]\ncolumns = ["speed", "care"]\nname = "dimension"\nvalue = "score"\n'
    block = BLOCK.replace("tables.feedback]", "tables.feedback_items]") + unpivot
    who = make(tmp_path / "x", block, a__csv="feedback_id,speed,care\nA1,9,9\n")
    path = written(who)
    lines = forms.read("problems", path)["problems"]
    record = next(text for text in lines["record"] if "care" in text)
    fill(path, by="record", **{"a" + record.replace(" ", "_"): ("correct", "4")})
    decisions.collect(who, path, DAY)
    frame = tables.load(who, "feedback_items").frame
    assert frame[["dimension", "score"]].to_numpy().tolist() == [["care", 4.0]]


def test_a_corrected_name_appears_nowhere_but_in_the_register(tmp_path):
    block = '[[tables.customers]]\nfiles = ["raw/a.csv"]\n'
    who = make(tmp_path / "x", block, a__csv="customer_id,segment\nC1,big\n,small\n")
    path = written(who)
    fill(path, by="row", a3=("correct", WORDS["company"]))
    assert len(decisions.collect(who, path, DAY).taken) == 1
    table = tables.load(who, "customers")
    assert table.frame["customer_id"].str.startswith("C").all() and len(table.frame) == 2
    shown = [*table.repairs.astype("str").to_numpy().ravel(), *table.decisions.astype("str").to_numpy().ravel()]
    assert not [text for text in shown if WORDS["company"] in text]


def test_merged_labels_make_one_group_and_kept_ones_are_not_proposed_again(tmp_path):
    rows = [WORDS["merged_team"]] * 3 + [WORDS["variant_team"], "Team A", "Team A", "team-a"]
    data = "feedback_id,score,team\n" + "".join(f"A{i},4,{team}\n" for i, team in enumerate(rows))
    who = make(tmp_path / "x", BLOCK, a__csv=data)
    path = written(who)
    entries = {"a" + WORDS["variant_team"]: ("merge", None), "ateam-a": ("keep", None)}
    fill(path, "labels", "label", **entries)
    assert len(decisions.collect(who, path, DAY).taken) == 2
    table = loaded(who)
    assert table.frame["team"].value_counts().to_dict() == {WORDS["merged_team"]: 4, "Team A": 2, "team-a": 1}
    log = table.repairs.query("rule == 'label_merged'")
    assert log[["before", "after"]].to_numpy().tolist() == [[WORDS["variant_team"], WORDS["merged_team"]]]
    assert forms.read("problems", written(who))["labels"].empty


def test_merging_in_a_circle_or_without_a_target_is_refused(tmp_path):
    data = "feedback_id,score,team\nA1,4,Team A\nA2,4,Team A\nA3,4,team-a\n"
    who = make(tmp_path / "x", BLOCK, a__csv=data)
    path = written(who)
    fill(path, "labels", "label", **{"ateam-a": ("merge", "team-a")})
    assert decisions.collect(who, path, DAY).refused["reason"].tolist() == ["circle"]
    fill(path, "labels", "label", **{"ateam-a": ("merge", " ")})
    assert decisions.collect(who, path, DAY).refused["reason"].tolist() == ["no_target"]


def test_one_customer_under_two_ids_counts_once(tmp_path):
    block = '[[tables.customers]]\nfiles = ["raw/c.csv"]\n' + BLOCK.replace("raw/*.csv", "raw/a.csv")
    files = {"c__csv": "customer_id,segment\nC001,big\nc001,big\n", "a__csv": "customer_id,score\nC001,4\nc001,5\n"}
    who = make(tmp_path / "x", block, **files)
    path = written(who)
    lines = forms.read("problems", path)["labels"]
    assert lines[["label", "into"]].to_numpy().tolist() in ([["c001", "C001"]], [["C001", "c001"]])
    fill(path, "labels", "label", **{"a" + lines["label"].iloc[0]: ("merge", None)})
    decisions.collect(who, path, DAY)
    assert loaded(who).frame["customer_id"].nunique() == 1
    customers = tables.load(who, "customers")
    assert len(customers.frame) == 1 and customers.counts["excluded"].tolist() == [1]


# --- the workbook on its way ----------------------------------------------------------------------------------


def test_the_workbook_of_another_client_is_refused(who, tmp_path):
    other = make(tmp_path / "y", BLOCK, a__csv=DATA)
    (who.folder / "problems.xlsx").write_bytes(written(other).read_bytes())
    with pytest.raises(ClientError) as caught:
        decisions.collect(who, who.folder / "problems.xlsx", DAY)
    assert caught.value.code == "forms.another_client" and "y" in caught.value.parts("en")["got"]
    assert all(caught.value.parts("zh").values())


def test_a_damaged_register_is_named_with_its_line(who):
    (who.folder / register.FILE).write_text('decisions = [\n  { decision = "perhaps" },\n]\n')
    with pytest.raises(ClientError) as caught:
        loaded(who)
    assert caught.value.code == "register.wrong_line" and "decision 1" in caught.value.parts("en")["where"]
    (who.folder / register.FILE).write_text("decisions = [")
    with pytest.raises(ClientError) as caught:
        loaded(who)
    assert caught.value.code == "register.unreadable"


VALUE = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(VALUE, VALUE, st.integers(0, 9)), max_size=5))
def test_the_register_reads_back_what_it_wrote(who, lines):
    rows = [{"decided": "2026-11-22", "decision": "correct", "value": a, "corrected": b, "row": n} for a, b, n in lines]
    entries = register.frame(rows)
    register.write(who, entries)
    back = register.load(who)
    assert back[["value", "corrected", "row"]].to_numpy().tolist() == [list(line) for line in lines]


CELL = st.sampled_from(["1", "3", "5", "9", "x", "", "6"])
DECISION = st.tuples(st.integers(2, 9), st.sampled_from(["correct", "exclude", "accept"]), CELL, st.booleans())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scores=st.lists(CELL, min_size=1, max_size=8), decided=st.lists(DECISION, max_size=6))
def test_any_decisions_leave_the_rows_balanced(tmp_path, scores, decided):
    read = raw(score=[score or None for score in scores], scale_min="1", scale_max="5", comment="c")
    lines = [
        {"decision": what, "table": "feedback", "file": "raw/a.csv", "row": row, "column": "score", "corrected": new,
         "value": scores[row - 2] if fits and row - 2 < len(scores) else "?", "rule": "score_on_scale"}
        for row, what, new, fits in decided
    ]  # fmt: skip
    entries = register.frame(lines)
    plain = built(tmp_path / "x", read)
    client = make(tmp_path / "x", BLOCK)
    table = tables.build(read, tables.contracts.load("feedback"), client, None, entries)  # asserts the balance itself
    balance = tables.balance(table).iloc[-1]
    assert balance.drop(["file", "rows"]).sum() == balance["rows"] == len(scores)
    told = table.decisions[table.decisions["decision"] != "accept"]
    if not len(told) or not (told["status"] == "applied").any():
        pd.testing.assert_frame_equal(table.frame, plain.frame)


def test_without_a_register_nothing_is_touched(who):
    read = raw(score=["5"], scale_min="1", scale_max="5")
    hand = corrections.apply(read, tables.contracts.load("feedback"), who, register.EMPTY)
    assert hand.frame is read.frame and not hand.excluded.any() and hand.log.empty


def test_the_check_tells_what_became_of_the_decisions(who, capsys):
    checking.check(who.folder, None, None, "en")
    fill(who.folder / "problems.xlsx", a9=("correct", "4"), ax=("correct", None))
    checking.check(who.folder, None, None, "zh")
    checking.check(who.folder, None, None, "en")
    said = capsys.readouterr().out
    assert "1 taken over now, 1 not" not in said.split("Row by row")[0]
    assert "0 taken over now, 1 not" in said and "1 applied" in said
    assert checking.taken_over([SimpleNamespace(who=who)], "en") and os.path.exists(who.folder / register.FILE)


def test_a_run_takes_over_as_well_and_says_so(who):
    path = written(who)
    decisions.remember(who, path)
    assert checking.taken_over([SimpleNamespace(who=who)], "en") == []
    fill(path, a9=("correct", "4"))
    (line,) = checking.taken_over([SimpleNamespace(who=who)], "en")
    assert "1 decisions" in line and len(register.load(who)) == 1
    assert checking.taken_over([SimpleNamespace(who=who)], "en") == []
