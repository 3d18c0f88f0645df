"""Raw text typed column by column, each rewriting logged with its row."""

from typed import TEXTS, built, joined, raw, rules

WORDS = TEXTS["words"]


def log(table, rule):
    return table.repairs[table.repairs["rule"] == rule]


def test_ids_survive_as_text(tmp_path):
    table = built(
        tmp_path, raw(feedback_id=["NA", "007", "1e5", "None"], score=["5"] * 4, scale_min="1", scale_max="5")
    )
    assert table.frame["feedback_id"].tolist() == ["NA", "007", "1e5", "None"]


def test_a_missing_id_is_file_and_row_and_logged(tmp_path):
    table = built(tmp_path, raw(score=["5", "4"], scale_max="5", scale_min="1"))
    assert table.frame["feedback_id"].tolist() == ["raw/a.csv#2", "raw/a.csv#3"]
    assert log(table, "id_from_row")[["row", "after"]].to_numpy().tolist() == [[0, "raw/a.csv#…"]]
    some = built(tmp_path, raw(feedback_id=["A", None], score=["5", "4"], scale_max="5", scale_min="1"))
    assert log(some, "id_from_row")[["row", "after"]].to_numpy().tolist() == [[3, "raw/a.csv#3"]]


def test_every_rewriting_is_logged_with_before_and_after(tmp_path):
    table = built(
        tmp_path, raw(score=["4.0", "5"], received_at=["2026/7/3", "2026-07-03 10:00"], scale_min="1", scale_max="5")
    )
    assert log(table, "date_spelling").iloc[0].tolist() == [
        "raw/a.csv",
        2,
        "received_at",
        "2026/7/3",
        "2026-07-03",
        "date_spelling",
    ]
    assert log(table, "metric_default")["after"].tolist() == ["csat"]
    assert table.frame["score"].tolist() == [4, 5]


def test_worded_scores_and_their_scale(tmp_path):
    table = built(tmp_path, raw(score=WORDS["five"]))
    assert table.frame["score"].tolist() == [5, 4, 3, 2, 1]
    assert table.frame[["scale_min", "scale_max"]].drop_duplicates().to_numpy().tolist() == [[1, 5]]
    assert len(log(table, "worded_scale")) == 5 and log(table, "scale_from_words")["after"].tolist() == ["1–5"]
    assert rules(table) == []


def test_words_of_an_incomplete_set_are_scored_with_a_warning(tmp_path):
    table = built(tmp_path, raw(score=[WORDS["five"][1], WORDS["five"][2]] * 3))
    assert set(table.frame["score"]) == {3, 2} and "scale_assumed" in rules(table)


def test_an_unknown_word_is_named_row_by_row(tmp_path):
    table = built(tmp_path, raw(score=[*WORDS["five"], WORDS["odd"]]))
    assert sorted(rules(table)) == ["level_beside_unknown"] * 5 + ["unknown_level"] and table.frame.empty
    declared = raw(score=["5", "4", WORDS["odd"], "3", "x1"], scale_min="1", scale_max="5")
    found = built(tmp_path, declared).problems
    assert found[["row", "value", "rule"]].to_numpy().tolist() == [
        [4, WORDS["odd"], "unknown_level"],
        [6, "x1", "not_a_number"],
    ]


def test_a_declared_recode_is_not_second_guessed(tmp_path):
    block = f'recode.score = {{ "{WORDS["five"][0]}" = 1 }}'
    table = built(tmp_path, raw(score=["1", WORDS["five"][1]], scale_min="1", scale_max="5"), block=block)
    assert rules(table) == ["unknown_level"] and table.frame["score"].tolist() == [1]


def test_each_file_has_its_own_order_of_day_and_month(tmp_path):
    first = raw(file="raw/a.csv", score=["5", "4"], received_at=["3/4/2026", "13/4/2026"], scale_min="1", scale_max="5")
    second = raw(
        file="raw/b.csv", score=["5", "4"], received_at=["3/4/2026", "4/13/2026"], scale_min="1", scale_max="5"
    )
    table = built(tmp_path, joined(first, second))
    assert table.frame["received_at"].dt.strftime("%m-%d").tolist() == ["04-03", "04-13", "03-04", "04-13"]


def test_dayfirst_and_year_come_from_the_block(tmp_path):
    cells = {"score": ["5"], "scale_min": "1", "scale_max": "5"}
    assert rules(built(tmp_path, raw(received_at=["3/4/2026"], **cells))) == ["ambiguous_date"]
    table = built(tmp_path, raw(received_at=["3/4/2026"], **cells), block="dayfirst = false")
    assert str(table.frame["received_at"][0].date()) == "2026-03-04"
    table = built(tmp_path, raw(received_at=[WORDS["yearless"]], **cells), block="year = 2026")
    assert str(table.frame["received_at"][0].date()) == "2026-07-03"


def test_all_contract_columns_exist_and_no_other(tmp_path):
    from sqlib import contracts

    table = built(tmp_path, raw(score=["5"], scale_min="1", scale_max="5", Extra=["x"]))
    named = [name for name, column in contracts.load("feedback").columns.items() if column.type != "name"]
    assert list(table.frame) == [*named, "source_file", "source_row", "satisfied"]
    for name in named:
        assert table.frame[name].dtype == contracts.dtype(contracts.load("feedback").columns[name]), name
