"""client.toml: what is accepted, and how each fault is named."""

import re
import string
import tomllib
from datetime import date
from pathlib import Path

import pytest
from client_folder import HEAD, make

import sqlib
from sqlib import client
from sqlib.appraisal_scheme import Appraisal
from sqlib.errors import PARTS, ClientError, catalogue
from sqlib.improvement_plan import Improvement

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "intake.toml").read_text(encoding="utf-8"))
BLOCK = '[[tables.feedback]]\nfiles = ["raw/a.csv"]\n'
FULL = """
[client]
name = "x"
languages = ["zh", "en"]
data_until = 2026-09-30
fiscal_year_start = 4
currency = "GBP"
[period]
default = 2026
[targets]
csat = 0.85
by_segment.csat = { small = 0.8 }
[scales.csat]
best = "low"
top = [1, 2]
[cells]
feedback = ["team", "segment*channel"]
adjust = ["segment", "region"]
[[tables.feedback]]
files = "raw/a*.csv"
columns = { total = "score" }
constants = { metric = "csat", scale_min = 1, scale_max = 5.5 }
recode.score = { good = 5 }
unpivot = { columns = ["k1", "k2"], name = "dimension", value = "score" }
missing = ["?", -2]
dayfirst = false
year = 2026
[[tables.feedback]]
files = ["raw/b.csv"]
"""


def fault(folder, text: str) -> ClientError:
    with pytest.raises(ClientError) as raised:
        make(folder, text, head="")
    return raised.value


def test_every_section_is_read(tmp_path):
    found = make(tmp_path / TEXTS["client_id"], FULL, head="")
    assert (found.id, found.name, found.profile, found.timezone) == (
        TEXTS["client_id"],
        "x",
        "general",
        "Asia/Shanghai",
    )
    assert found.folder == tmp_path / TEXTS["client_id"]
    assert found.currency == "GBP"
    assert (found.data_until, found.fiscal_year_start, found.period.default) == (date(2026, 9, 30), 4, "2026")
    assert (found.targets, found.targets_by_segment) == ({"csat": 0.85}, {"csat": {"small": 0.8}})
    assert (found.scales["csat"].best, found.scales["csat"].top) == ("low", [1, 2])
    assert (found.weighting.margins, found.themes.codebook) == (["segment", "region"], "general")
    first, second = found.tables["feedback"]
    assert first.files == ["raw/a*.csv"] and second.files == ["raw/b.csv"]
    assert first.constants == {"metric": "csat", "scale_min": "1", "scale_max": "5.5"}
    assert first.recode == {"score": {"good": "5"}} and first.missing == ["?", "-2"]
    assert (first.dayfirst, first.year, second.dayfirst, second.unpivot) == (False, 2026, None, None)


def test_defaults(tmp_path):
    found = make(tmp_path, BLOCK, head='[client]\nname = "x"\n')
    assert found.currency == "CNY"
    assert (found.languages, found.data_until, found.fiscal_year_start) == (["zh"], None, 1)
    assert (found.period.default, found.period.compare_to) == (None, "previous")
    assert found.cells.feedback == ["dimension", "segment", "team", "channel"]
    assert found.cells.adjust == found.weighting.margins == ["segment"]


@pytest.mark.parametrize(
    ("text", "code", "values"),
    [
        ('[klient]\nname = "x"', "unknown_key", {"key": "klient", "nearest": "client"}),
        ('[client]\nnaem = "x"\nname = "x"', "unknown_key", {"key": "client.naem", "nearest": "name"}),
        (HEAD + BLOCK + "colums = {}", "unknown_key", {"key": "tables.feedback[1].colums", "nearest": "columns"}),
        (HEAD + BLOCK + "[scales.csat]\nbst = 1", "unknown_key", {"key": "scales.csat.bst", "nearest": "best"}),
        ("[client]\n" + BLOCK, "missing_key", {"key": "client.name"}),
        ("[[tables.feedback]]\nsheet = 'x'\n[client]\nname = 'x'", "missing_key", {"key": "tables.feedback[1].files"}),
        (HEAD + BLOCK + "dayfirst = 'perhaps'", "wrong_type", {"written": "true | false"}),
        (HEAD + BLOCK + "columns = ['a']", "wrong_type", {"written": '{ "…" = "…" }'}),
        (HEAD + "[targets]\ncsat = 'high'\n" + BLOCK, "wrong_type", {"key": "targets.csat", "written": "0.85"}),
        ("[client]\nname = 'x'\nlanguages = ['cn']\n" + BLOCK, "unknown_value", {"allowed": "zh, en"}),
        ("[client]\nname = 'x'\nprofile = 'acounting'\n" + BLOCK, "unknown_value", {"nearest": "accounting"}),
        ("[client]\nname = 'x'\ntimezone = 'Asia/Peking'\n" + BLOCK, "unknown_value", {"nearest": "Asia/Shanghai"}),
        ("[client]\nname = 'x'\ncurrency = 'GPB'\n" + BLOCK, "unknown_value", {"nearest": "GBP"}),
        ("[client]\nname = 'x'\nfiscal_year_start = 13\n" + BLOCK, "out_of_range", {"limit": "≤ 12"}),
        (HEAD + "[[tables.feedback]]\nfiles = []", "missing_key", {"key": "tables.feedback[1].files"}),
        (HEAD + "[[tables.fedback]]\nfiles = ['raw/a.csv']", "unknown_table", {"nearest": "feedback"}),
        (HEAD + BLOCK + "columns = { a = 'scor' }", "unknown_column", {"nearest": "score"}),
        (HEAD + BLOCK + "constants = { metrik = 'csat' }", "unknown_column", {"nearest": "metric"}),
        (HEAD + BLOCK + "recode.cores = { a = 1 }", "unknown_column", {"nearest": "score"}),
        (HEAD, "no_tables", {}),
        ("", "missing_key", {"key": "client"}),
        ("[client]\nname = \n", "not_toml", {"line": "2"}),
    ],
)
def test_each_fault_is_named_with_its_key_and_what_is_allowed(tmp_path, text, code, values):
    error = fault(tmp_path, text)
    assert error.code == f"client.{code}" and error.exit_status == 2
    assert values.items() <= error.values.items()
    assert all(set(error.parts(language)) == set(PARTS) for language in ("zh", "en"))


@pytest.mark.parametrize(
    "pattern", ["../other/raw/a.csv", "raw/../../a.csv", "/etc/passwd", "C:/a.csv", "..\\a.csv", ""]
)
def test_no_file_outside_the_folder(tmp_path, pattern):
    assert fault(tmp_path, HEAD + f"[[tables.feedback]]\nfiles = ['{pattern}']").code == "client.outside_folder"


def test_all_keys_at_fault_are_listed(tmp_path):
    error = fault(tmp_path, "[client]\nname = 'x'\nprofil = 'a'\n[period]\ndefalt = 1\n" + BLOCK)
    assert {error.values["key"], error.values["others"]} == {"client.profil", "period.defalt"}


def test_a_file_saved_in_another_encoding(tmp_path):
    (tmp_path / "client.toml").write_bytes(f'[client]\nname = "{TEXTS["client_id"]}"'.encode("gb18030"))
    with pytest.raises(ClientError) as raised:
        client.load(tmp_path)
    assert raised.value.code == "client.not_utf8"


def test_a_byte_order_mark_is_accepted(tmp_path):
    (tmp_path / "client.toml").write_text(HEAD + BLOCK, encoding="utf-8-sig")
    assert client.load(tmp_path).name == "x"


def test_missing_folder_and_missing_file(tmp_path):
    for folder, code in ((tmp_path / "none", "client.no_folder"), (tmp_path, "client.no_file")):
        with pytest.raises(ClientError) as raised:
            client.load(folder)
        assert raised.value.code == code


@pytest.mark.parametrize("name", ["..", ".", "", "  ", "a/b", "a\\b", "a\nb", "a\x00b"])
def test_names_that_cannot_be_a_folder(name):
    with pytest.raises(ClientError) as raised:
        client.check_id(name)
    assert raised.value.code == "client.bad_id"


def test_chinese_and_spaces_can_be_a_name():
    assert client.check_id(TEXTS["client_id"]) == TEXTS["client_id"]


def test_the_starter_is_a_valid_client(tmp_path):
    starter = Path(sqlib.__file__).parents[1] / "data" / "templates" / "client.toml"
    (tmp_path / "client.toml").write_text(starter.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ClientError) as raised:
        client.load(tmp_path)
    assert raised.value.code == "client.no_tables"  # everything else in it is accepted


def test_every_example_of_the_starter_is_valid_when_uncommented(tmp_path):
    starter = Path(sqlib.__file__).parents[1] / "data" / "templates" / "client.toml"
    text = re.sub(r"(?m)^# (?=\[|[\w.]+ = )", "", starter.read_text(encoding="utf-8"))
    found = make(tmp_path, text, head="")
    assert set(found.tables) == {"feedback", "feedback_items", "customers", "appraisals", "indicator_values", "cases"}
    assert found.appraisal.model_fields_set == set(Appraisal.model_fields)
    assert found.improvement.model_fields_set == set(Improvement.model_fields)
    used = {name for source in found.tables["feedback"] for name in source.model_fields_set}
    assert used == set(client.Source.model_fields) - {"unpivot", "query", "url_env"}
    assert {"query", "url_env"} <= found.tables["cases"][0].model_fields_set


@pytest.mark.parametrize("module", ["client", "intake", "filters", "pseudonyms"])
def test_every_message_has_four_parts_and_the_same_places_in_both_languages(module):
    for name, wording in catalogue(module).items():
        assert set(wording) == {"zh", "en"}, name
        assert all(set(parts) == set(PARTS) for parts in wording.values()), name
        places = [{place for text in parts.values() for _, place, _, _ in string.Formatter().parse(text) if place}
                  for parts in wording.values()]  # fmt: skip
        assert places[0] == places[1], name
