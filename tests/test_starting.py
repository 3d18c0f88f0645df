"""``sqlib new client DIR --from FILES``: files copied and guessed, then check without editing anything."""

import tomllib
from datetime import date
from pathlib import Path

import pytest
import ugly_files
from openpyxl import Workbook
from typer.testing import CliRunner

from sqlib import cli, client, starting, tables
from sqlib.errors import ArgumentError

NAMES = list(ugly_files.FILES)
TODAY = date(2026, 10, 1)


@pytest.fixture
def exports(tmp_path) -> Path:
    for name in NAMES:
        ugly_files.write(tmp_path / "exports", name)
    return tmp_path / "exports"


def refused(code: str, *arguments, **options) -> ArgumentError:
    with pytest.raises(ArgumentError) as caught:
        starting.start(*arguments, TODAY, **options)
    assert caught.value.code == code
    assert all(all(caught.value.parts(language).values()) for language in ("zh", "en"))
    return caught.value


def test_a_folder_of_ugly_files_becomes_a_client_that_is_checked_without_an_edit(exports, monkeypatch):
    monkeypatch.setenv("SQLIB_LANGUAGE", "en")
    monkeypatch.chdir(exports.parent)
    before = {path.name: path.read_bytes() for path in exports.iterdir()}
    said = CliRunner().invoke(cli.app, cli._joined(["new", "client", "acme", "--from", "exports"]))
    assert said.exit_code == 0, said.output
    assert all(name in said.output for name in NAMES) and "sqlib check acme" in said.output
    assert {path.name: path.read_bytes() for path in exports.iterdir()} == before
    assert {path.name: path.read_bytes() for path in (exports.parent / "acme" / "raw").iterdir()} == before
    who = client.load(exports.parent / "acme")
    tables = {"feedback", "feedback_items", "cases", "customers", "invitations", "appraisals", "pre_post"}
    assert set(who.tables) == tables
    checked = CliRunner().invoke(cli.app, ["check", "acme", "--language", "en"])
    assert checked.exit_code == 0 and "feedback_analysis" in checked.output, checked.output


def test_the_workbook_has_the_same_bytes_each_time_and_shows_nothing_personal(exports, tmp_path):
    one, two = (starting.start(tmp_path / place / "acme", [str(exports)], TODAY) for place in ("a", "b"))
    assert one.mapping.read_bytes() == two.mapping.read_bytes()
    import zipfile

    with zipfile.ZipFile(one.mapping) as package:
        text = b"".join(package.read(name) for name in package.namelist()).decode("utf-8")
    assert "13800130" not in text and "1101051990" not in text and "@example" not in text


def test_the_language_is_that_of_the_files_unless_said(exports, tmp_path):
    assert starting.start(tmp_path / "a", [str(exports / NAMES[0])], TODAY).language == "zh"
    assert starting.start(tmp_path / "b", [str(exports / NAMES[1])], TODAY).language == "en"
    assert starting.start(tmp_path / "c", [str(exports / NAMES[1])], TODAY, "zh").language == "zh"
    assert client.load(tmp_path / "c").languages == ["zh"]


def test_patterns_are_expanded_where_the_shell_does_not(exports, tmp_path, monkeypatch):
    monkeypatch.chdir(exports)
    made = starting.start(tmp_path / "a", ["*.csv", NAMES[1]], TODAY)
    taken = {path.name for path in (made.folder / "raw").iterdir()}
    assert taken == {name for name in NAMES if name.endswith("csv")}


def test_files_of_one_layout_become_one_source_with_a_pattern(tmp_path):
    for month in (7, 8):
        text = "review id,review date,rating,comment\n" + "".join(
            f"{month}-{n},2026-{month:02d}-{n + 1:02d},{n % 5 + 1},quite slow this time\n" for n in range(28)
        )
        (tmp_path / f"reviews {month}.csv").write_text(text, encoding="utf-8")
    made = starting.start(tmp_path / "acme", [str(tmp_path / "reviews *.csv")], TODAY)
    assert [source.files for source in made.sources] == ["raw/reviews *.csv"]
    assert client.load(made.folder).tables["feedback"][0].files == ["raw/reviews *.csv"]
    assert client.load(made.folder).period.default == "2026-07"  # August ends on the 28th


def test_every_sheet_of_a_workbook_is_a_source_and_hidden_ones_are_not(tmp_path):
    book = Workbook()
    for title, name in (("Reviews", NAMES[1]), ("Sent", NAMES[5])):
        sheet = book.create_sheet(title)
        for row in ugly_files.rows(ugly_files.FILES[name]):
            sheet.append(row)
    book.create_sheet("Secret").append(["score"])
    book["Secret"].sheet_state = "hidden"
    book.save(tmp_path / "all.xlsx")
    made = starting.start(tmp_path / "acme", [str(tmp_path / "all.xlsx")], TODAY)
    assert [(source.sheet.name, source.proposal.table) for source in made.sources] == [
        ("Reviews", "feedback"), ("Sent", "invitations"),
    ]  # fmt: skip
    assert client.load(made.folder).tables["feedback"][0].sheet == "Reviews"


def test_data_without_dates_are_read_under_the_year_of_the_day(tmp_path):
    (tmp_path / "a.csv").write_text("rating,review text\n" + "4,rather good I think\n3,slow but kind\n" * 20)
    made = starting.start(tmp_path / "acme", [str(tmp_path / "a.csv")], TODAY)
    assert client.load(made.folder).period.default == "2026"


def test_a_file_that_cannot_be_read_is_told_and_the_others_go_on(exports, tmp_path):
    (exports / "broken.xlsx").write_bytes(b"PK\x03\x04 half")
    made = starting.start(tmp_path / "acme", [str(exports)], TODAY)
    assert list(made.unread) == ["raw/broken.xlsx"] and len(made.sources) == len(NAMES)
    assert any("broken.xlsx" in line for line in starting.told(made, 1.0, "en"))


def test_what_cannot_be_begun_is_refused_before_anything_is_written(exports, tmp_path):
    folder = tmp_path / "acme"
    refused("starting.no_file", folder, ["nothing*.csv"])
    refused("starting.not_one_of", folder, [str(exports)], language="fr")
    refused("starting.not_one_of", folder, [str(exports)], profile="acounting")
    other = ugly_files.write(tmp_path / "more", NAMES[1])
    other.write_bytes(b"something else")
    refused("starting.same_name", folder, [str(exports), str(other)])
    assert not folder.exists()
    starting.start(folder, [str(exports)], TODAY)
    refused("scaffold.exists", folder, [str(exports)])
    (tmp_path / "empty.csv").write_bytes(b"")
    refused("starting.nothing_read", tmp_path / "b", [str(tmp_path / "empty.csv")])


def test_files_are_given_as_a_shell_writes_them():
    words = cli._joined(["new", "client", "d", "--from", "a", "b c", "--language", "zh", "--from", "e"])
    assert words == ["new", "client", "d", "--from", "a", "--from", "b c", "--language", "zh", "--from", "e"]
    assert cli._joined(["run", "x", "-p", "n", "8"]) == ["run", "x", "-p", "n=8"]


def test_an_old_workbook_is_read_like_a_new_one(tmp_path):
    made = starting.start(tmp_path / "acme", [str(Path(__file__).parent / "data" / "xls" / "plain.xls")], TODAY)
    (source,) = made.sources
    assert not made.unread and len(source.body) and len(source.proposal.columns) == len(source.body.columns) > 1


def test_customers_are_called_as_the_trade_calls_them(tmp_path):
    trade = ugly_files.DECLARED["trade"]
    (tmp_path / "list.csv").write_text(trade["customers"].strip(), encoding="utf-8")
    (source,) = starting.start(tmp_path / "acme", [str(tmp_path / "list.csv")], TODAY).sources
    found = source.proposal.columns.set_index("column")
    assert source.proposal.table == "customers"
    assert found["field"].to_dict() == trade["fields"]
    assert not found["certainty"].isin(["sure", "likely"]).any()


def test_the_year_of_dates_without_one_is_that_of_the_others(tmp_path):
    rows = (
        "".join(f"2026-07-{n:02d},{n % 5 + 1}\n" for n in range(1, 21)) + f"{ugly_files.DECLARED['trade']['day']},4\n"
    )
    (tmp_path / "calls.csv").write_text("review date,rating\n" + rows, encoding="utf-8")
    made = starting.start(tmp_path / "acme", [str(tmp_path / "calls.csv")], TODAY)
    assert client.load(made.folder).tables["feedback"][0].year == 2026


def test_a_sheet_of_notes_is_no_source(tmp_path):
    book = Workbook()
    for line in (["review date", "rating"], *(["2026-07-01", n % 5 + 1] for n in range(20))):
        book.active.append(line)
    book.create_sheet("Notes").append(["filled in by the call centre"])
    book.save(tmp_path / "calls.xlsx")
    assert len(starting.start(tmp_path / "acme", [str(tmp_path / "calls.xlsx")], TODAY).sources) == 1


def test_registers_and_a_sheet_with_one_column_a_month_are_read_without_an_edit(tmp_path):
    raw = Path(__file__).parents[1] / "data" / "demo" / "jiahe" / "raw"
    world = tomllib.loads((raw.parents[1] / "jiahe_improvement.toml").read_text(encoding="utf-8"))
    files = [
        world["export"][name]["file"] for name in ("months", "weeks", "definitions", "register", "ideas", "actions")
    ]
    starting.start(tmp_path / "acme", [str(raw / name) for name in files], TODAY)
    who = client.load(tmp_path / "acme")
    rows = {name: len(tables.load(who, name).frame) for name in who.tables}
    truth = tomllib.loads((raw.parent / "truth.toml").read_text(encoding="utf-8"))["rows"]
    assert rows == {name: truth[name] for name in rows} and len(rows) == 5
