"""Exports of platforms from ``new client --from`` to checked tables and a report, with no line of TOML."""

import csv
import io
import tomllib
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from sqlib import batch, checking, client, exports, forms, jobs, mapping_form, questions, starting, tables

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "exports.toml").read_text(encoding="utf-8"))
SURVEYS = ["wenjuanxing_text", "wenjuanxing_numbers", "tencent_text", "tencent_numbers"]
TIMES = 40  # how often the rows of the sample are written, each time on another day


def written(folder: Path, name: str) -> Path:
    """The export with its rows many times over: other numbers, other days."""
    head, *body = csv.reader(io.StringIO(f"{TEXTS[name].strip()}\n{TEXTS['best'].get(name, '')}"))
    rows = [[f"{turn}{row[0]}", *(_other(cell, turn) for cell in row[1:])] for turn in range(TIMES) for row in body]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return folder / f"{name}.csv"


def _other(cell: str, turn: int) -> str:
    """Another day of July 2026, another customer."""
    if cell.startswith("C00"):
        return f"{cell}-{turn}"
    for form in ("2026/7/{}", "2026-07-{:02}"):
        for day in range(9, 0, -1):
            if cell.startswith(form.format(day)):
                return form.format(turn % 28 + 1) + cell.removeprefix(form.format(day))
    return cell


def started(tmp_path: Path, name: str) -> client.Client:
    made = starting.start(tmp_path / "acme", [str(written(tmp_path / "sent", name))], date(2026, 8, 2))
    return client.load(made.folder)


def changed(who: client.Client, sheet: str, wanted: dict[str, str], key: str, column: str) -> client.Client:
    """The workbook as a person would change it: the cell of ``column`` where ``key`` holds a text."""
    path = who.folder / client.WORKBOOK
    book, form = openpyxl.load_workbook(path), forms.load("mapping").sheets[sheet]
    page = next(book[title] for title in form.title.values() if title in book.sheetnames)
    heads = [cell.value for cell in page[1]]
    at = {name: next(heads.index(text) for text in form.columns[name].label.values() if text in heads)
          for name in (key, column)}  # fmt: skip
    for row in page.iter_rows(min_row=2):
        if row[at[key]].value in wanted:
            row[at[column]].value = wanted[row[at[key]].value]
    book.save(path)
    return client.load(who.folder)


def test_the_drop_down_lists_the_declared_exports():
    choices = forms.load("mapping").sheets["sources"].columns["export"].choices
    assert choices == {name: exports.load(name).title for name in exports.names()} | choices
    assert set(choices) == set(exports.names()) == set(client.EXPORTS)


@pytest.mark.parametrize("name", SURVEYS)
def test_a_questionnaire_is_mapped_without_an_edit(tmp_path, name):
    who = started(tmp_path, name)
    (source,) = who.tables["feedback"]
    assert source.export == name.partition("_")[0]
    assert set(exports.load(source.export).missing) <= set(source.missing)
    answers, items = (tables.load(who, table, as_of=who.data_until) for table in ("feedback", "feedback_items"))
    rows = TIMES * len(TEXTS[name].strip().splitlines())
    assert answers.counts["usable"].sum() == rows and set(answers.frame["scale_max"]) == {5.0}
    assert set(answers.frame["answering_seconds"].dropna()) <= {125.0, 3608.0}
    assert [item[:2] for item in items.frame["item_id"].unique()] == TEXTS["items"][: items.frame["item_id"].nunique()]
    assert set(items.frame["scale_max"]) == {5.0} and items.frame["stem"].nunique() == 1
    assert items.counts["missing_score"].tolist() == [TIMES] and items.counts["quarantined"].tolist() == [0]
    assert checking.check(who.folder, tmp_path / "problems.xlsx", None, "zh") == 0


@pytest.mark.parametrize("name", SURVEYS)
def test_several_choices_are_tallied_whether_joined_or_in_columns_of_their_own(tmp_path, name):
    answers = tables.load(started(tmp_path, name), "feedback")
    tallies = questions.chosen(answers.questions, answers.frame.assign(cluster=answers.frame["feedback_id"]))
    counts = tallies[tallies["question"].map(lambda text: text.strip("?\uff1f").endswith(TEXTS["asked"][name]))]
    assert counts.groupby("answer")["feedback_id"].nunique().to_dict() == {
        option: TIMES * times for option, times in TEXTS["ticked"][name].items()
    }
    assert not set(exports.load(name.partition("_")[0]).missing) & set(tallies["answer"])


def test_a_reversed_question_is_chosen_in_the_workbook(tmp_path):
    who = started(tmp_path, "wenjuanxing_text")
    plain = tables.load(who, "feedback_items").frame
    header = TEXTS["turned"]
    who = changed(who, "columns", {header: mapping_form.word("reversed", "zh")}, "column", "field")
    (source,) = who.tables["feedback_items"]
    assert source.reverse == [TEXTS["items"][1]]
    turned = tables.load(who, "feedback_items").frame
    own = plain["item_id"].eq(TEXTS["items"][1])
    assert turned.loc[own, "score"].tolist() == (6 - plain.loc[own, "score"]).tolist()
    assert turned.loc[~own, "score"].tolist() == plain.loc[~own, "score"].tolist()


@pytest.mark.parametrize("name", ["helpdesk_en", "helpdesk_zh"])
def test_a_help_desk_is_cases_and_their_ratings(tmp_path, name):
    who = started(tmp_path, name)
    assert set(who.tables) == {"cases", "feedback"}
    assert {source.export for sources in who.tables.values() for source in sources} == {"helpdesk"}
    cases, answers = (tables.load(who, table, as_of=who.data_until) for table in ("cases", "feedback"))
    assert cases.counts["usable"].sum() == 3 * TIMES
    assert answers.frame["score"].value_counts().to_dict() == {1.0: TIMES, 0.0: TIMES}
    assert set(answers.frame["scale_max"]) == {1.0} and answers.counts["missing_score"].tolist() == [TIMES]
    assert checking.check(who.folder, tmp_path / "problems.xlsx", None, "en") == 0


def test_ratings_of_tickets_stay_with_the_tickets_where_a_survey_is_there(tmp_path):
    for name in ("helpdesk_zh", "wenjuanxing_text"):
        written(tmp_path / "sent", name)
    made = starting.start(tmp_path / "acme", [str(tmp_path / "sent")], date(2026, 8, 2))
    assert [source.proposal.table for source in made.sources] == ["cases", "feedback"]


def test_a_column_that_was_set_to_not_used_stays_out(tmp_path):
    who = started(tmp_path, "wenjuanxing_text")
    asked = next(header for header, column in who.tables["feedback"][0].columns.items() if column == "recommend")
    who = changed(who, "columns", {asked: mapping_form.word("not_used", "zh")}, "column", "field")
    assert tables.load(who, "feedback").frame["recommend"].isna().all()


@pytest.mark.parametrize("name", ["tencent_numbers", "helpdesk_en"])
def test_an_export_goes_to_a_report(tmp_path, name):
    who = started(tmp_path, name)
    (outcome,) = batch.run(
        jobs.plan([who.folder], only=["feedback_analysis"], languages=who.languages), tmp_path / "reports"
    )
    assert outcome.status == "done", outcome
