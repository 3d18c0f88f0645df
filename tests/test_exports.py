"""Exports of known platforms are mapped without a word in ``columns``: both versions give the same answers."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from client_folder import make, read

from sqlib import client, contracts, exports, tables
from sqlib.errors import ClientError

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "exports.toml").read_text(encoding="utf-8"))
SURVEYS = ["wenjuanxing_text", "wenjuanxing_numbers", "tencent_text", "tencent_numbers"]


def headers(name: str) -> list[str]:
    return TEXTS[name].strip().splitlines()[0].split(",")


def loaded(folder: Path, name: str, *wanted: str, more: str = "") -> list[tables.Table]:
    export = name.partition("_")[0]
    blocks = "".join(f'[[tables.{table}]]\nfiles = ["raw/a.csv"]\nexport = "{export}"\n{more}' for table in wanted)
    who = make(folder / "x", blocks, a__csv=TEXTS[name].lstrip())
    return [tables.load(who, table) for table in wanted]


@pytest.mark.parametrize("name", [*SURVEYS, "helpdesk_en", "helpdesk_zh"])
def test_an_export_is_recognised_by_its_headers(name):
    assert exports.recognise(headers(name)) == name.partition("_")[0]


def test_other_files_are_not_taken_for_an_export():
    assert exports.recognise(TEXTS["plain_headers"]) is None and exports.recognise([]) is None
    for table in contracts.names():
        assert exports.recognise(contracts.load(table).columns) in (None, "helpdesk" if table == "cases" else None)


@pytest.mark.parametrize("name", exports.names())
def test_every_declared_column_is_in_its_contract(name):
    export = exports.load(name)
    assert set(export.title) == {"zh", "en"} and name in client.EXPORTS
    for table, found in (*export.tables.items(), *export.levels.items()):
        assert set(found) <= set(contracts.load(table).columns)


@pytest.mark.parametrize("name", SURVEYS)
def test_a_questionnaire_becomes_feedback(tmp_path, name):
    (table,) = loaded(tmp_path, name, "feedback")
    frame = table.frame
    assert table.counts["quarantined"].tolist() == [0]
    assert frame["score"].tolist() == [5, 4, 2][: len(frame)]
    assert frame["answering_seconds"].tolist() == [125, 125, 3608][: len(frame)]
    assert frame["received_at"].dt.strftime("%m-%d %H:%M").tolist() == ["07-03 10:00", "07-04 09:20", "07-05 18:05"][
        : len(frame)
    ] or name.startswith("tencent")
    comment = TEXTS["comment" if name.startswith("wenjuanxing") else "tencent_comment"]
    assert frame["comment"].fillna("").tolist() == [comment, *[""] * (len(frame) - 1)]
    if name.startswith("wenjuanxing"):
        assert frame["recommend"].tolist() == [9, 10, 3] and frame["channel"].tolist()[0] == "wechat"


@pytest.mark.parametrize("name", SURVEYS)
def test_a_matrix_becomes_items(tmp_path, name):
    answers, table = loaded(tmp_path, name, "feedback", "feedback_items")
    frame = table.frame
    scores = frame.groupby("feedback_id", sort=False)["score"].agg(list).tolist()
    wide = [[5, 4, 3], [4, 2], [4, 1, 2]] if name.startswith("wenjuanxing") else [[5, 3], [4]]
    assert scores == wide and set(frame["scale_max"]) == {5.0}
    assert set(frame["feedback_id"]) <= set(answers.frame["feedback_id"])
    names = frame["item_id"].drop_duplicates().tolist()
    assert [item[:2] for item in names] == TEXTS["items"][: len(wide[0])]
    assert frame["stem"].nunique() == 1 and table.counts["missing_score"].tolist() == [1]
    if name == "wenjuanxing_text":
        assert names[2] == TEXTS["item_in_brackets"] and set(frame["stem"]) == {TEXTS["stem"]}


def test_options_of_a_multiple_choice_are_no_scores_and_stay_in_the_frame(tmp_path):
    raw = read(
        tmp_path, '[[tables.feedback]]\nfiles = ["raw/a.csv"]\nexport = "wenjuanxing"\n',
        a__csv=TEXTS["wenjuanxing_numbers"].lstrip(),
    )  # fmt: skip
    assert set(TEXTS["options"]) <= set(raw.frame) and set(TEXTS["options"]) <= set(raw.unknown["column"])
    asked = {question.header: question for question in exports.questions(headers("wenjuanxing_numbers"))}
    assert {asked[option].stem for option in TEXTS["options"]} == {asked[TEXTS["options"][0]].stem}
    assert [asked[option].item for option in TEXTS["options"]] == [
        option.rpartition("(")[2].rstrip(")") for option in TEXTS["options"]
    ]
    assert exports.load("wenjuanxing").joined in TEXTS["wenjuanxing_text"]


def test_numbers_may_be_those_of_the_options_and_are_named(tmp_path):
    found = {
        name: "option_numbers" in set(loaded(tmp_path / name, name, "feedback_items")[0].problems["rule"])
        for name in SURVEYS
    }
    assert found == {name: name.endswith("numbers") for name in SURVEYS}


def test_single_rated_questions_are_items_unless_there_is_only_one(tmp_path):
    raw = read(
        tmp_path, '[[tables.feedback_items]]\nfiles = ["raw/a.csv"]\nexport = "wenjuanxing"\n', "feedback_items",
        a__csv=TEXTS["single_items"].lstrip(),
    )  # fmt: skip
    assert raw.frame["item_id"].tolist() == TEXTS["single_names"] * 2
    assert "score" not in exports.columns("wenjuanxing", "feedback", headers("single_items")).values()
    one = exports.columns("wenjuanxing", "feedback", TEXTS["one_question"])
    assert one[TEXTS["one_question"][4]] == "score" and TEXTS["one_question"][5] not in one


def test_item_scores_asked_of_a_file_without_any_are_refused(tmp_path):
    with pytest.raises(ClientError) as raised:
        read(
            tmp_path, '[[tables.feedback_items]]\nfiles = ["raw/a.csv"]\nexport = "wenjuanxing"\n', "feedback_items",
            a__csv=TEXTS["unrated"].lstrip(),
        )  # fmt: skip
    assert raised.value.code == "exports.no_items" and all(map(raised.value.text, ("zh", "en")))


@pytest.mark.parametrize("name", ["helpdesk_en", "helpdesk_zh"])
def test_a_help_desk_becomes_cases_and_feedback(tmp_path, name):
    cases, answers = loaded(tmp_path, name, "cases", "feedback")
    frame = cases.frame
    assert frame["status"].tolist() == ["closed", "resolved", "in_progress" if name.endswith("zh") else "open"]
    assert frame["first_response_at"].notna().tolist() == [True, True, False]
    assert frame[["created_at", "case_id", "issue_type", "staff_id", "team"]].notna().all(axis=None)
    assert frame["satisfaction"].fillna(-1).tolist() == [1, 0, -1]
    assert answers.frame["score"].tolist() == [1, 0] and set(answers.frame["scale_max"]) == {1.0}
    assert answers.frame["satisfied"].tolist() == [True, False]
    assert answers.frame["case_id"].tolist() == frame["case_id"].tolist()[:2]
    assert answers.counts["missing_score"].tolist() == [1] and answers.counts["quarantined"].tolist() == [0]


def test_a_rating_of_five_levels_is_left_as_it_is(tmp_path):
    text = TEXTS["helpdesk_en"].replace("Good,", "5,").replace("Bad,", "2,").lstrip()
    raw = read(tmp_path, '[[tables.feedback]]\nfiles = ["raw/a.csv"]\nexport = "helpdesk"\n', a__csv=text)
    assert raw.frame["score"].fillna("").tolist() == ["5", "2", ""] and "scale_max" not in raw.frame


def test_what_the_block_declares_holds(tmp_path):
    text = TEXTS["wenjuanxing_numbers"].lstrip()
    item = headers("wenjuanxing_numbers")[8]
    own = f'[[tables.feedback]]\nfiles = ["raw/a.csv"]\nexport = "wenjuanxing"\ncolumns = {{ "{item}" = "score" }}\n'
    raw = read(tmp_path, own, a__csv=text)
    assert raw.frame["score"].fillna("").tolist() == ["5", "", "4"]


def test_an_unknown_export_is_refused_with_the_list(tmp_path):
    with pytest.raises(ClientError) as raised:
        make(tmp_path, '[[tables.feedback]]\nfiles = ["raw/a.csv"]\nexport = "wenjuanxin"\n')
    assert raised.value.code == "client.unknown_value" and raised.value.values["nearest"] == "wenjuanxing"


def test_questions_without_numbers_are_no_questions():
    found = exports.questions(["1. a (x)", "1. b (y)", "2、c（1-5）", "d", "Q3: e"])
    assert [(q.number, q.item) for q in found] == [("1", "x"), ("1", "y"), ("2", ""), ("3", "")]
    assert pd.Series([q.stem for q in found]).tolist()[2:] == ["c(1-5)", "e"]
